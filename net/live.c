#include "net/live.h"

#include "crypto/provider.h"
#include "net/clock.h"
#include "net/entropy.h"
#include "net/live_echo.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Without an answer to any of our DELETEs: enough for each to be sent five times. */
#define CLOSING_TIME (15 * NSEC_PER_S)
#define DRAINING_TIME (100 * NSEC_PER_MS) /* at most: a flood has no end */

enum {
    BATCH = 64,   /* datagrams, and packets of the device, between two looks at the timers */
    DELETES = 32, /* unanswered at once: more than a peer's socket holds are only lost */
    SPARE = 64,   /* SAs beside those asked for */
    GROUP = 0,    /* of metrics: there is one */
};

_Static_assert(IKE_DROP_FRAGMENT_LIMIT - IKE_DROP_FRAGMENT_UNEXPECTED + 1 == FRAGMENT_DROP_COUNT,
               "the same causes in both lists");

struct live {
    const struct live_options *options;
    struct live_outcome *out;
    struct metrics *metrics;
    struct keys *keys;
    struct ike_endpoint *endpoint;
    struct udp_loop *sockets;
    struct live_path path;  /* of inner packets, if one of these is there: */
    struct live_data *data; /* NULL: no TUN device */
    struct live_load *load; /* NULL: no load */
    struct live_echo *echo; /* NULL: echo is not answered */
    nsec *began;     /* by index of the IKE SA: when its handshake was due; NSEC_NEVER: settled */
    uint32_t places; /* of `began` */
    nsec start, now;
    uint32_t initiated, pending;
    nsec settled; /* when the last handshake was, NSEC_NEVER: not yet */
    bool moved;
    bool closing, all_told; /* all_told: every SA there was has its DELETE */
    struct sa_ref told;     /* the last one of the walk over all SAs */
    uint32_t unanswered;    /* DELETEs */
    nsec closing_until;
    struct ike_config config; /* the endpoint's */
    struct ike_counters before;
};

static volatile sig_atomic_t signals, last_signal;

static void on_signal(int number)
{
    signals++;
    last_signal = number;
}

/* ---- handshakes ---- */

static nsec *place_of(struct live *l, struct sa_ref ike)
{
    return ike.handle.index < l->places ? &l->began[ike.handle.index] : NULL;
}

static void begin(struct live *l, struct sa_ref ike, nsec due)
{
    nsec *began = place_of(l, ike);

    metrics_ike_started(l->metrics, GROUP, due - l->start);
    if (began)
        *began = due;
    l->pending++;
}

/* @return whether this SA had a handshake in progress; it is settled now */
static bool settle(struct live *l, struct sa_ref ike, nsec *due)
{
    nsec *began = place_of(l, ike);

    if (!began || *began == NSEC_NEVER)
        return false;
    *due = *began;
    *began = NSEC_NEVER;
    l->pending--;
    return true;
}

static void completed(struct live *l, struct sa_ref ike)
{
    nsec due;

    if (settle(l, ike, &due))
        metrics_ike_completed(l->metrics, GROUP, l->now - l->start, due - l->start);
}

static void failed(struct live *l, struct sa_ref ike, enum sa_reason reason)
{
    nsec due;

    if (settle(l, ike, &due))
        metrics_ike_failed(l->metrics, GROUP, l->now - l->start, reason_name(reason));
}

static nsec due_time(const struct live *l, uint32_t number)
{
    return l->start + number * l->options->interval;
}

static bool all_initiated(const struct live *l)
{
    return l->options->config.respond || l->initiated == l->options->count;
}

static void initiate_due(struct live *l)
{
    const struct live_options *o = l->options;
    struct ike_remote remote = {.local = l->sockets->local[0],
                                .remote = {o->remote, l->sockets->local[0].port},
                                .id = bytes_of(o->remote_id.data, o->remote_id.len),
                                .id_type = o->remote_id.type};

    while (!l->closing && !all_initiated(l) && l->pending < o->window &&
           due_time(l, l->initiated) <= l->now) {
        struct sa_ref ike;
        enum err e = ike_endpoint_initiate(l->endpoint, l->now, &remote, &ike);

        if (e == OK)
            begin(l, ike, o->interval ? due_time(l, l->initiated) : l->now);
        else {
            metrics_ike_started(l->metrics, GROUP, l->now - l->start);
            metrics_ike_failed(l->metrics, GROUP, l->now - l->start, reason_name(REASON_LIMIT));
        }
        l->initiated++;
    }
}

/* ---- what the endpoint says ---- */

/* The address that one end was given by the other, and what goes with it. */
static void tell_inside(const struct live *l, struct sa_ref ike)
{
    struct ike_sa_info info;
    char text[IP_ADDR_TEXT];

    if (!ike_endpoint_ike_info(l->endpoint, ike, &info) || !info.inside.family)
        return;
    fprintf(l->options->log, ": inside %s", ip_addr_format(&info.inside, text));
    if (info.inside_netmask.family)
        fprintf(l->options->log, " netmask %s", ip_addr_format(&info.inside_netmask, text));
    if (info.inside_dns.family)
        fprintf(l->options->log, " dns %s", ip_addr_format(&info.inside_dns, text));
}

static void tell(const struct live *l, const struct ike_event *e)
{
    nsec since = l->now - l->start;

    fprintf(l->options->log, "%llu.%06llu %s %016llx.%016llx",
            (unsigned long long)(since / NSEC_PER_S),
            (unsigned long long)(since % NSEC_PER_S / 1000), event_name(e->kind),
            (unsigned long long)e->spi_i, (unsigned long long)e->spi_r);
    if (e->reason != REASON_NONE)
        fprintf(l->options->log, " %s", reason_name(e->reason));
    if (e->certificate != CERT_VALID)
        fprintf(l->options->log, ": %s", x509_result_text(e->certificate));
    if (e->kind == EVENT_CHILD_UP)
        tell_inside(l, e->ike);
    fputc('\n', l->options->log);
    fflush(l->options->log);
}

/* The data path wants to know whom it would cut off. */
static void meet(struct live *l, struct sa_ref ike)
{
    struct ike_sa_info info;

    if (l->data && ike_endpoint_ike_info(l->endpoint, ike, &info))
        live_data_peer(l->data, &info.remote.addr);
}

static void close_one(struct live *l, struct sa_ref ike)
{
    l->unanswered += ike_endpoint_terminate(l->endpoint, l->now, ike) == OK;
}

static void handle(struct live *l, const struct ike_event *e)
{
    switch (e->kind) {
    case EVENT_IKE_HALF_OPEN:
        if (!e->initiator)
            begin(l, e->ike, l->now);
        meet(l, e->ike);
        break;
    case EVENT_CHILD_UP:
        completed(l, e->ike);
        break;
    case EVENT_CHILD_FAILED:
    case EVENT_IKE_FAILED:
    case EVENT_IKE_DOWN:
        failed(l, e->ike, e->reason);
        if (l->closing && e->kind == EVENT_IKE_DOWN) {
            l->unanswered -= l->unanswered > 0;
            l->closing_until = l->now + CLOSING_TIME;
        }
        break;
    case EVENT_IKE_UP:
        if (l->closing)
            close_one(l, e->ike);
        break;
    case EVENT_IKE_REAUTH:
        completed(l, e->other); /* of IKEv1: the child SAs have moved, and no other comes up */
        break;
    case EVENT_KEYS:
        if (l->keys)
            keys_event(l->keys, l->now - l->start,
                       l->options->config.respond ? "responder" : "initiator", e->version, e->keys);
        break;
    default:
        break;
    }
}

static void count_growth(struct live *l)
{
    const struct ike_counters *now = ike_endpoint_counters(l->endpoint), *was = &l->before;

#define GREW(field, counter)                                                                       \
    METRICS_IKE_COUNT(l->metrics, GROUP, field, now->counter - was->counter);
    METRICS_IKE_GROWTH(GREW)
    for (int i = 0; i < FRAGMENT_DROP_COUNT; i++) {
        GREW(fragments.dropped[i], dropped[IKE_DROP_FRAGMENT_UNEXPECTED + i])
    }
#undef GREW
    l->before = *now;
}

/* After each call of the endpoint: datagrams out, then events. */
static void pull(struct live *l)
{
    struct ike_dgram d;
    struct ike_event e;

    while (ike_endpoint_transmit(l->endpoint, &d)) {
        udp_loop_send(l->sockets, &d);
        l->out->sent++;
    }
    while (ike_endpoint_next_event(l->endpoint, &e)) {
        if (l->options->talk && e.kind != EVENT_KEYS)
            tell(l, &e);
        handle(l, &e);
    }
}

static void receive_esp(struct live *l, const struct ike_dgram *d)
{
    struct buf inner;

    l->out->esp_received++;
    if (l->data)
        live_data_receive(l->data, l->now, d);
    else if (l->load)
        live_load_receive(l->load, l->now, d);
    else if (l->echo)
        live_echo_receive(l->echo, l->now, d);
    else
        (void)!ike_endpoint_unprotect(l->endpoint, l->now, d, &inner, NULL);
}

static void receive(struct live *l, const struct ike_dgram *d)
{
    l->out->received++;
    if (ike_dgram_is_esp(d))
        receive_esp(l, d);
    else
        (void)ike_endpoint_receive(l->endpoint, l->now, d);
    pull(l);
}

/* @return whether there was a packet to go into a tunnel */
static bool send_inner(struct live *l)
{
    bool sent = l->data   ? live_data_send(l->data, l->now)
                : l->load ? live_load_send(l->load, l->now)
                          : false;

    if (sent)
        pull(l);
    return sent;
}

/*
 * One datagram of the sockets, one inner packet of ours, and so on: neither IKE nor data in either
 * direction waits for more than one of each other kind, and timers for no more than BATCH of both.
 * @return whether more waits
 */
static bool turn(struct live *l)
{
    bool datagram = true, packet = true;
    struct ike_dgram d;

    for (int i = 0; i < BATCH && (datagram || packet); i++) {
        l->now = clock_now();
        datagram = datagram && udp_loop_receive(l->sockets, &d);
        if (datagram)
            receive(l, &d);
        packet = packet && send_inner(l);
    }
    return datagram || packet;
}

/* ---- the loop ---- */

static void close_more(struct live *l)
{
    while (!l->all_told && l->unanswered < DELETES) {
        l->told = ike_endpoint_next_ike(l->endpoint, l->told);
        l->all_told = sa_none(l->told);
        if (!l->all_told)
            close_one(l, l->told);
        pull(l);
    }
}

/* What came before the end goes its way before the DELETEs do. */
static void drain(struct live *l, const sigset_t *awake)
{
    nsec until = l->now + DRAINING_TIME;

    do
        udp_loop_wait(l->sockets, l->now, l->now, awake);
    while (turn(l) && l->now < until);
}

static void begin_closing(struct live *l, const sigset_t *awake)
{
    if (l->load)
        live_load_stop(l->load, l->now);
    if (l->data || l->load)
        drain(l, awake);
    l->closing = true;
    l->told = SA_NONE;
    l->closing_until = l->now + CLOSING_TIME;
    if (signals > 0 && l->before.ike_sas > 0)
        fprintf(l->options->log, "ikelab-live: deleting %u IKE SAs; Ctrl-C again ends at once\n",
                l->before.ike_sas);
}

/* When the run is over by itself; NSEC_NEVER: not as things stand. */
static nsec end_time(const struct live *l)
{
    const struct live_options *o = l->options;

    if (o->config.respond)
        return o->run_for ? l->start + o->run_for : NSEC_NEVER;
    if (l->settled == NSEC_NEVER)
        return NSEC_NEVER;
    if ((l->data || l->load) && l->before.ike_sas == 0)
        return l->settled; /* a device without a tunnel only swallows packets */
    if (l->load && !live_load_over(l->load))
        return NSEC_NEVER;
    return nsec_add(l->settled, o->run_for);
}

/* When we go to the other address; NSEC_NEVER: not, or we are there. */
static nsec move_time(const struct live *l)
{
    const struct live_options *o = l->options;

    if (!o->move_to.family || l->moved || l->settled == NSEC_NEVER)
        return NSEC_NEVER;
    return l->settled + o->move_after;
}

static void move_due(struct live *l)
{
    const struct ip_addr *to = &l->options->move_to;
    const char *what;

    if (move_time(l) > l->now)
        return;
    l->moved = true;
    if (udp_loop_move(l->sockets, *to, &what) != OK) {
        fprintf(l->options->log,
                "ikelab-live: no move: %s: %s\n"
                "try: --move-to with an address that this machine has\n",
                what, strerror(errno));
        return;
    }
    ike_endpoint_moved(l->endpoint, l->now, &(struct ip_addr){0}, to);
    pull(l);
}

static bool over(struct live *l, const sigset_t *awake)
{
    if (l->settled == NSEC_NEVER && all_initiated(l) && l->pending == 0) {
        l->settled = l->now;
        if (l->load)
            live_load_begin(l->load, l->now);
    }
    if (!l->closing)
        move_due(l);
    if (!l->closing && (signals > 0 || end_time(l) <= l->now))
        begin_closing(l, awake);
    if (!l->closing)
        return false;
    close_more(l);
    return ike_endpoint_counters(l->endpoint)->ike_sas == 0 || l->now >= l->closing_until ||
           signals > 1; /* a Delete of IKEv1 waits for no answer */
}

static nsec wake_time(const struct live *l)
{
    nsec wake = ike_endpoint_deadline(l->endpoint);

    if (l->closing)
        return nsec_min(wake, l->closing_until);
    wake = nsec_min(wake, nsec_min(end_time(l), move_time(l)));
    if (l->load)
        wake = nsec_min(wake, live_load_deadline(l->load));
    if (!all_initiated(l) && l->pending < l->options->window)
        wake = nsec_min(wake, due_time(l, l->initiated));
    return wake;
}

/* Signals are let in while the sockets are idle, and under load here. */
static void hear_signals(const sigset_t *ours)
{
    const struct timespec at_once = {0};
    int number = sigtimedwait(ours, NULL, &at_once);

    if (number > 0)
        on_signal(number);
}

static void loop(struct live *l, const sigset_t *ours, const sigset_t *awake)
{
    for (;;) {
        bool more;

        l->now = clock_now();
        ike_endpoint_expire(l->endpoint, l->now);
        if (l->load)
            live_load_expire(l->load, l->now);
        pull(l);
        initiate_due(l);
        pull(l);
        more = turn(l);
        hear_signals(ours);
        count_growth(l);
        if (over(l, awake))
            return;
        udp_loop_wait(l->sockets, l->now, more ? l->now : wake_time(l), awake);
    }
}

/* ---- making and ending ---- */

static enum err make_records(struct live *l)
{
    static const char *const name[][1] = {{"initiators"}, {"responder"}};
    const struct live_options *o = l->options;
    bool load = o->load.to.family != 0;
    const char *const flow[] = {o->data.name ? "tun" : load ? "load" : "echo"};
    struct metrics_options m = {.groups = {name[o->config.respond], 1},
                                .flows = {flow, o->data.name || load || o->echo},
                                .one_end = true,
                                .echo = load};
    enum err e = metrics_create(&m, &l->metrics);

    if (e == OK) {
        l->metrics->groups[GROUP].members = 1;
        l->metrics->groups[GROUP].role = l->options->config.respond ? "responder" : "initiator";
    }
    if (e == OK && l->options->key_file)
        e = keys_create(l->options->key_file, &l->keys);
    return e;
}

static enum err make_endpoint(struct live *l)
{
    const struct live_options *o = l->options;
    uint32_t most = o->count + SPARE; /* replaced SAs linger for a while */
    struct ike_limits limits = {.ike_sas = most, .half_open = o->window, .child_sas = 2 * most};
    struct ike_env env = {.crypto = o->crypto,
                          .entropy = entropy_fill,
                          .epoch_s = clock_epoch_s(),
                          .export_keys = o->key_file != NULL};

    entropy_fill(&env.seed, sizeof env.seed); /* keys a table, makes nothing on the wire */
    l->config = o->config;
    if (o->config.version == IKE_V1 && !o->config.respond) {
        l->config.respond = true; /* phase 1 is renewed by either side */
        l->config.caller = o->remote;
        l->config.caller_id = o->remote_id;
    }
    l->endpoint = ike_endpoint_create(&env, &l->config, &limits);
    l->places = 4 * most; /* rekeying and closed SAs take more slots than the limit */
    l->began = malloc(l->places * sizeof *l->began);
    if (!l->endpoint || !l->began)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < l->places; i++)
        l->began[i] = NSEC_NEVER;
    return OK;
}

/* What makes and takes inner packets, if anything does. */
static enum err make_inner(struct live *l, struct live_failure *why)
{
    const struct live_options *o = l->options;

    l->path = (struct live_path){.endpoint = l->endpoint,
                                 .sockets = l->sockets,
                                 .metrics = l->metrics,
                                 .far = o->remote.family ? &o->remote : NULL,
                                 .bare = !o->config.force_encap,
                                 .log = o->log};
    if (o->data.name)
        return live_data_create(&o->data, &l->path, &l->data, why);
    if (o->load.to.family)
        return live_load_create(&o->load, &l->path, &l->load);
    return o->echo ? live_echo_create(&l->path, &l->echo) : OK;
}

static enum err make(struct live *l, struct live_failure *why)
{
    enum err e;

    *why = (struct live_failure){"out of memory", "a smaller --count"};
    l->sockets = malloc(sizeof *l->sockets);
    if (!l->sockets)
        return ERR_MEMORY;
    e = udp_loop_open(l->sockets, l->options->local, &why->what);
    if (e != OK) {
        why->hint = "as root, with nothing else on UDP ports 500 and 4500";
        free(l->sockets);
        l->sockets = NULL;
        return e;
    }
    e = make_records(l);
    if (e == OK)
        e = make_endpoint(l);
    if (e != OK) {
        why->what = err_text(e);
        return e;
    }
    return make_inner(l, why);
}

static void drop(struct live *l)
{
    int error = errno; /* of what made us give up */

    live_data_destroy(l->data);
    live_load_destroy(l->load);
    live_echo_destroy(l->echo);
    if (l->endpoint)
        ike_endpoint_destroy(l->endpoint);
    wipe(&l->config, sizeof l->config);
    if (l->sockets)
        udp_loop_close(l->sockets);
    free(l->sockets);
    free(l->began);
    errno = error;
}

static void run_between_signals(struct live *l)
{
    struct sigaction action = {.sa_handler = on_signal}, old_int, old_term;
    sigset_t ours, awake;

    signals = last_signal = 0;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &awake);
    sigdelset(&awake, SIGINT);
    sigdelset(&awake, SIGTERM);
    sigaction(SIGINT, &action, &old_int);
    sigaction(SIGTERM, &action, &old_term);
    l->start = l->now = l->path.start = clock_now();
    loop(l, &ours, &awake);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

enum err live_run(const struct live_options *options, struct live_outcome *out,
                  struct live_failure *why)
{
    struct live *l = calloc(1, sizeof *l);
    enum err e;

    *out = (struct live_outcome){0};
    *why = (struct live_failure){"out of memory", "a smaller --count"};
    if (!l)
        return ERR_MEMORY;
    *l = (struct live){.options = options, .out = out, .settled = NSEC_NEVER};
    e = make(l, why);
    if (e == OK) {
        run_between_signals(l);
        out->took = l->now - l->start;
        out->counters = *ike_endpoint_counters(l->endpoint);
        out->left = out->counters.ike_sas;
        out->unsent = l->sockets->unsent;
        out->signal = last_signal;
        out->refused = l->data   ? live_data_refused(l->data)
                       : l->echo ? live_echo_refused(l->echo)
                                 : 0;
        e = metrics_finish(l->metrics, out->took);
        why->what = err_text(e);
    }
    out->metrics = l->metrics;
    out->keys = l->keys;
    drop(l);
    free(l);
    return e;
}
