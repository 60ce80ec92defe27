#include "sim/run.h"

#include "base/assert.h"
#include "base/dist.h"
#include "base/machine_memory.h"
#include "sim/attacker.h"
#include "sim/credentials.h"
#include "sim/ike_node.h"
#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/outcome.h"
#include "sim/recorder.h"
#include "sim/rest.h"
#include "sim/timeline.h"
#include "sim/topology.h"

#include <stdlib.h>
#include <time.h>

enum {
    CHUNK_MS = 100,          /* simulated; how often Ctrl-C and progress are looked at */
    AGREEMENT_EVERY_S = 10,  /* I6, I7; I17 for tunnels without traffic */
    PROGRESS_EVERY_MS = 200, /* of wall time */
    WATCH_ALL_UP_TO = 10000, /* nodes; above, the checkers watch a sample */
    HOOK_EVENTS = 1000,      /* between looks at Ctrl-C */
    SILENT_PACKETS = 32,
    SILENCE_MARGIN_S = 5,
};

/* A run in progress: the lab and what drives it. */
struct drive {
    struct lab lab;
    const struct run_options *options;
    struct timeline timeline;
    nsec next_sample, next_agreement;
    uint64_t wall_start, wall_loop, wall_progress;
    uint64_t wall_up, completed; /* when more handshakes were complete than before, and how many */
    bool interrupted;
    enum err loop_error;
    char *why;
    size_t cap;
};

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NSEC_PER_S + (uint64_t)t.tv_nsec;
}

enum plant plant_named(const char *name)
{
    static const char *const names[PLANT_COUNT] = {
#define X(symbol, text) [PLANT_##symbol] = text,
        PLANT_LIST(X)
#undef X
    };

    for (int i = 0; i < PLANT_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum plant)i;
    return PLANT_COUNT;
}

/* I17: how long a dead tunnel may go unnoticed: liveness delay and the whole retransmission. */
static nsec usable_within(const struct scenario *s)
{
    nsec longest = 0;

    for (uint32_t g = 0; g < s->group_count; g++) {
        const struct ike_config *c = &s->groups[g].ike;
        nsec total = nsec_add(c->dpd_delay, SILENCE_MARGIN_S * NSEC_PER_S);

        if (s->groups[g].role != ROLE_INITIATOR && s->groups[g].role != ROLE_RESPONDER)
            continue;
        total = nsec_add(total, outcome_ladder(&c->retransmit));
        longest = nsec_max(longest, total);
    }
    return longest;
}

/*
 * PLANT_ICV_IGNORED: the provider as it is, but for `open`, which finds every ICV good. A counter
 * mode decrypts by encrypting, which is how the damaged text comes out in spite of the ICV.
 */
static const struct crypto_class *true_class;

static enum err open_anything(struct crypto *c, const struct seal_op *op)
{
    uint8_t text[PACKET_SMALL];
    enum err e;

    if (op->text_len > sizeof text)
        return true_class->open(c, op);
    memcpy(text, op->text, op->text_len);
    e = true_class->open(c, op);
    if (e != ERR_ICV)
        return e;
    memcpy(op->text, text, op->text_len);
    return true_class->seal(c, op);
}

static void plant_icv(struct lab *lab)
{
    true_class = lab->crypto->class;
    lab->planted_class = *true_class;
    lab->planted_class.open = open_anything;
    lab->crypto->class = &lab->planted_class;
}

static enum err make_crypto(struct lab *lab)
{
    lab->crypto = lab->scenario->crypto_modelled ? crypto_modelled_create(&lab->meter)
                                                 : crypto_openssl_create(&lab->meter);
    if (!lab->crypto)
        return ERR_MEMORY;
    if (lab->plant == PLANT_ICV_IGNORED)
        plant_icv(lab);
    return OK;
}

static void describe_metrics(struct lab *lab)
{
    const struct scenario *s = lab->scenario;

    for (uint32_t g = 0; g < s->group_count; g++) {
        int32_t host = scenario_host_index(s, g);

        lab->metrics->groups[g].members = s->groups[g].count;
        lab->metrics->groups[g].role = node_role_name(s->groups[g].role);
        if (s->groups[g].role == ROLE_INITIATOR)
            lab->metrics->groups[g].version =
                scenario_calls_with_v1(&s->groups[g]) ? IKE_V1 : IKE_V2;
        if (host != SCENARIO_NONE)
            lab->metrics->hosts[host].cores = s->groups[g].cpu.cores * s->groups[g].count;
    }
    for (uint32_t l = 0; l < s->link_count; l++) {
        lab->metrics->links[l].members = s->links[l].members;
        lab->metrics->links[l].rate_bps = s->links[l].words[LINK_UP].rate_bps;
    }
}

static enum err make_metrics(struct drive *d)
{
    struct metrics_options options;
    enum err e = scenario_metrics(d->lab.scenario, &options);

    if (e != OK)
        return e;
    if (d->options->folder) {
        options.series = run_folder_open(d->options->folder, "series.csv");
        if (!options.series)
            return ERR_IO;
    }
    e = metrics_create(&options, &d->lab.metrics);
    if (e == OK)
        describe_metrics(&d->lab);
    return e;
}

static enum err load_costs(struct drive *d)
{
    const struct scenario *s = d->lab.scenario;

    d->lab.costs = calloc(s->group_count, sizeof *d->lab.costs);
    if (!d->lab.costs)
        return ERR_MEMORY;
    for (uint32_t g = 0; g < s->group_count; g++) {
        const struct cpu_words *cpu = &s->groups[g].cpu;
        enum err e = OK;

        if (cpu->cores > 0)
            e = cost_load(&d->lab.costs[g], cpu->costs_path, d->why, d->cap);
        if (e != OK)
            return e;
    }
    return OK;
}

static void nat_changed(void *context, uint32_t node, nsec at, const struct nat_event *e)
{
    struct lab *lab = context;
    struct group_metrics *g = &lab->metrics->groups[lab->sim.nodes[node].group];

    if (e->change == NAT_MAPPED)
        metrics_nat_mapped(lab->metrics, lab->sim.nodes[node].group);
    if (e->change == NAT_EXPIRED) {
        g->nat_mappings--;
        g->nat_expired++;
    }
    if (e->change == NAT_REBOOTED)
        g->nat_mappings -= e->mappings;
    if (lab->recorder)
        recorder_nat(lab->recorder, node, at, e);
}

static void observe_nats(struct lab *lab)
{
    const struct scenario *s = lab->scenario;

    lab->nat_observer = (struct nat_observer){lab, nat_changed};
    for (uint32_t g = 0; g < s->group_count; g++)
        if (s->groups[g].role == ROLE_NAT)
            nat_box_observe(lab->sim.nodes[s->groups[g].first_node].state, &lab->nat_observer);
}

/* When member after member of a group starts; the rate may rise or fall on the way. */
static void schedule_group(struct lab *lab, uint32_t g)
{
    const struct scenario_group *group = &lab->scenario->groups[g];
    const struct arrivals *a = &group->arrivals;
    struct rng random = rng_stream(lab->scenario->seed, g, RNG_ARRIVAL);
    nsec at = a->at;

    for (uint32_t m = 0; m < group->count; m++) {
        uint64_t rate = a->rate_micro;
        nsec gap = 0;

        if (a->kind == ARRIVALS_RAMP) {
            nsec into = nsec_min(at - a->at, a->over);
            __int128 change = (__int128)a->to_micro - (__int128)a->rate_micro;

            rate = (uint64_t)((__int128)a->rate_micro + change * into / (a->over ? a->over : 1));
        }
        if (a->kind != ARRIVALS_AT_ONCE)
            gap = NSEC_PER_S * 1000000 / (rate ? rate : 1);
        if (a->kind == ARRIVALS_POISSON) {
            at = nsec_add(at, dist_exponential(&random, gap));
            gap = 0;
        }
        ike_node_connect_at(lab, group->first_node + m, at);
        at = nsec_add(at, gap);
    }
}

static void begin_floods(struct lab *lab, uint32_t g)
{
    const struct scenario_group *group = &lab->scenario->groups[g];

    for (uint32_t m = 0; m < group->count; m++)
        attacker_begin(lab, group->first_node + m);
}

static enum err set_up(struct drive *d)
{
    struct lab *lab = &d->lab;
    const struct scenario *s = lab->scenario;
    struct checker_options checks = {.seed = s->seed,
                                     .nodes = s->node_count,
                                     .all_up_to = WATCH_ALL_UP_TO >> d->options->halvings,
                                     .usable_within = usable_within(s),
                                     .silent_packets = SILENT_PACKETS};
    enum err e = sim_init(&lab->sim, s->seed);

    lab->sim.user = lab;
    lab->sweep_after = SA_NONE;
    if (e == OK)
        e = address_plan_make(s, &lab->plan, stderr);
    if (e == OK)
        e = make_crypto(lab);
    if (e == OK && !d->options->esp_alone)
        e = ike_together_create(lab);
    if (e == OK)
        e = credentials_create(s, lab->crypto, &lab->credentials);
    if (e == OK)
        e = users_create(s, &lab->users);
    if (e == OK)
        e = make_metrics(d);
    if (e == OK)
        e = load_costs(d);
    lab->checker = e == OK ? checker_create(&checks) : NULL;
    if (e == OK && !lab->checker)
        e = ERR_MEMORY;
    if (e == OK)
        e = topology_make(lab);
    if (e != OK)
        return e;
    recorder_choose(lab);
    if (d->options->folder)
        e = recorder_create(lab, d->options->folder, &lab->recorder);
    observe_nats(lab);
    if (e == OK)
        e = topology_endpoints(lab);
    if (e == OK)
        e = timeline_init(&d->timeline, s);
    for (uint32_t g = 0; g < s->group_count && e == OK; g++)
        if (s->groups[g].role == ROLE_INITIATOR)
            schedule_group(lab, g);
        else if (s->groups[g].role == ROLE_ATTACKER)
            begin_floods(lab, g);
    return e;
}

/* The loop */

/* A reading of the clock for every handshake would be a price. */
static void look_for_handshakes(struct drive *d)
{
    uint64_t completed = d->lab.metrics->ike.completed;

    if (completed == d->completed)
        return;
    d->completed = completed;
    d->wall_up = wall_ns();
}

/* Ctrl-C is heard between events too: a chunk of simulated time may take long. */
static bool go_on(void *context)
{
    struct drive *d = context;

    look_for_handshakes(d);
    return !d->options->interrupted || !*d->options->interrupted;
}

static void read_host(const struct ike_node *n, struct host_metrics *m)
{
    const struct ike_counters *c = ike_endpoint_counters(n->endpoint);

    m->half_open += c->half_open;
    m->half_open_peak =
        c->half_open_peak > m->half_open_peak ? c->half_open_peak : m->half_open_peak;
    m->ike_sas += c->ike_sas;
    m->ike_sas_peak = c->ike_sas_peak > m->ike_sas_peak ? c->ike_sas_peak : m->ike_sas_peak;
    m->child_sas += c->child_sas;
    m->memory_bytes += ike_endpoint_memory(n->endpoint);
}

static void read_gauges(struct lab *lab)
{
    const struct scenario *s = lab->scenario;

    ike_nodes_count(lab);
    for (uint32_t h = 0; h < lab->metrics->host_count; h++) {
        struct host_metrics *m = &lab->metrics->hosts[h];

        m->half_open = m->ike_sas = m->child_sas = m->memory_bytes = 0;
    }
    for (uint32_t g = 0; g < s->group_count; g++) {
        int32_t host = scenario_host_index(s, g);

        for (uint32_t i = 0; host != SCENARIO_NONE && i < s->groups[g].count; i++)
            read_host(ike_node_at(lab, s->groups[g].first_node + i), &lab->metrics->hosts[host]);
    }
    links_gauge(&lab->sim);
    lab->metrics->net = lab->sim.net;
}

/* I8 and I15; `whole`: of all links and nodes, else of some at each call, in turn. */
static void check_books(struct lab *lab, bool whole)
{
    static const char *const places[] = {
        [BALANCE_RUN] = "run", [BALANCE_LINK] = "link direction", [BALANCE_NODE] = "node"};
    struct sim_imbalance off;

    if (whole ? !sim_balanced(&lab->sim, &off) : !sim_balanced_share(&lab->sim, &off)) {
        if (off.where == BALANCE_UNKNOWN) {
            sim_fail(&lab->sim, ERR_MEMORY);
            return;
        }
        checker_violate(lab->checker, "I8", lab->sim.now, off.where == BALANCE_NODE ? off.index : 0,
                        "packet conservation of %s %u is off by %lld: sent + duplicated + "
                        "fragments made against delivered + reassembled away + dropped + in flight",
                        places[off.where], off.index, (long long)off.difference);
    }
    if (lab->sim.broken)
        checker_violate(lab->checker, "I15", lab->sim.now, 0, "%s", lab->sim.broken);
}

/* The next moment at which the loop has something to do beside events. */
static nsec next_stop(const struct drive *d)
{
    nsec at = nsec_add(d->lab.sim.now, CHUNK_MS * NSEC_PER_MS);
    nsec step = timeline_deadline(&d->timeline);

    at = nsec_min(at, d->lab.scenario->stop_time);
    at = nsec_min(at, d->next_sample);
    return nsec_min(at, step);
}

static void tell_progress(struct drive *d)
{
    uint64_t wall = wall_ns();
    struct run_progress p = {.now = d->lab.sim.now,
                             .stop = d->lab.scenario->stop_time,
                             .events = d->lab.sim.events,
                             .handshakes = d->lab.metrics->ike.completed,
                             .wall_ns = wall - d->wall_loop};

    if (!d->options->progress || wall - d->wall_progress < PROGRESS_EVERY_MS * NSEC_PER_MS)
        return;
    d->wall_progress = wall;
    d->options->progress(d->options->context, &p);
}

static enum err at_stop(struct drive *d)
{
    struct lab *lab = &d->lab;
    enum err e = timeline_act(&d->timeline, lab);

    look_for_handshakes(d);
    if (lab->sim.now >= d->next_sample) {
        read_gauges(lab);
        metrics_sample(lab->metrics, lab->sim.now);
        d->next_sample += lab->scenario->series_interval;
        check_books(lab, false);
    }
    if (lab->sim.now >= d->next_agreement) {
        outcome_compare_ends(lab);
        rest_look(lab, false);
        d->next_agreement += AGREEMENT_EVERY_S * NSEC_PER_S;
    }
    if (checker_starved(lab->checker))
        sim_fail(&lab->sim, ERR_MEMORY);
    if (d->options->interrupted && *d->options->interrupted)
        d->interrupted = true;
    tell_progress(d);
    return e;
}

static enum err loop(struct drive *d)
{
    struct lab *lab = &d->lab;
    nsec stop = lab->scenario->stop_time;
    enum err e = OK;

    d->next_sample = lab->scenario->series_interval ? lab->scenario->series_interval : NSEC_NEVER;
    d->next_agreement = AGREEMENT_EVERY_S * NSEC_PER_S;
    lab->sim.hook = (struct sim_hook){.context = d, .go_on = go_on, .every = HOOK_EVENTS};
    e = timeline_act(&d->timeline, lab); /* what happens at 0 */
    while (e == OK && lab->sim.now < stop && !d->interrupted && !checker_violation(lab->checker)) {
        nsec at = next_stop(d);

        /* What the scenario does at an instant comes before the packets of that instant. */
        if (at == timeline_deadline(&d->timeline) && at > 0) {
            e = sim_run(&lab->sim, at - 1);
            if (!lab->sim.stopped)
                lab->sim.now = at;
        } else {
            e = sim_run(&lab->sim, at);
        }
        if (lab->sim.broken)
            check_books(lab, true);
        if (e == OK)
            e = at_stop(d);
    }
    return e;
}

static void loop_work(void *state)
{
    struct drive *d = state;

    d->loop_error = loop(d);
}

static enum err run_loop(struct drive *d)
{
    if (d->options->timed)
        d->options->timed(d->options->stopwatch, loop_work, d);
    else
        loop_work(d);
    return d->loop_error;
}

static enum err finish(struct drive *d, struct run_outcome *out)
{
    struct lab *lab = &d->lab;
    enum err e, next = OK;

    outcome_compare_ends(lab);
    rest_look(lab, true);
    check_books(lab, true);
    read_gauges(lab);
    lab->metrics->net.in_flight_packets = sim_in_flight(&lab->sim);
    memcpy(lab->metrics->esp_lost, lab->sim.esp_lost, sizeof lab->sim.esp_lost);
    lab->metrics->esp_in_flight = sim_esp_in_flight(&lab->sim);
    e = metrics_finish(lab->metrics, lab->sim.now);
    if (lab->recorder)
        next = recorder_finish(lab->recorder, lab->sim.now);
    if (e == OK)
        e = outcome_fill(lab, out);
    out->result.partial = lab->sim.now < lab->scenario->stop_time;
    if (e == OK)
        e = next;
    if (e == OK)
        e = checker_starved(lab->checker) ? ERR_MEMORY : lab->sim.error;
    if (e == OK && d->interrupted)
        e = ERR_INTERRUPTED;
    return e;
}

static void clean_up(struct drive *d)
{
    struct lab *lab = &d->lab;

    recorder_destroy(lab->recorder);
    timeline_reset(&d->timeline);
    topology_reset(lab);
    sim_reset(&lab->sim);
    checker_destroy(lab->checker);
    address_plan_reset(&lab->plan);
    free(lab->costs);
    ike_together_destroy(lab);
    users_destroy(lab->users);
    credentials_destroy(lab->credentials); /* its keys are the provider's */
    crypto_destroy(lab->crypto);
}

static uint64_t peak_rss(void)
{
    struct process_memory m;

    return process_memory_read(&m) ? m.resident_peak : 0;
}

enum err run_scenario(const struct run_options *options, struct run_outcome *out, char *why,
                      size_t cap)
{
    struct drive *d = calloc(1, sizeof *d);
    enum err e;

    *out = (struct run_outcome){0};
    why[0] = '\0';
    if (!d) {
        snprintf(why, cap, "%s", err_text(ERR_MEMORY));
        return ERR_MEMORY;
    }
    *d = (struct drive){.options = options, .why = why, .cap = cap, .wall_start = wall_ns()};
    d->lab.scenario = options->scenario;
    d->lab.plant = options->plant;
    e = set_up(d);
    d->wall_loop = wall_ns();
    if (e == OK)
        e = run_loop(d);
    if (e == OK) {
        uint64_t end = wall_ns();

        e = finish(d, out);
        out->result.wall = (struct wall){.run_ns = end - d->wall_loop,
                                         .setup_ns = d->wall_loop - d->wall_start,
                                         .last_up_ns = d->wall_up ? d->wall_up - d->wall_start : 0,
                                         .events = d->lab.sim.events,
                                         .esp_alone = d->lab.esp_alone,
                                         .esp_together = d->lab.esp_together,
                                         .peak_rss_bytes = peak_rss()};
    }
    out->metrics = d->lab.metrics;
    if (e != OK && e != ERR_INTERRUPTED && why[0] == '\0')
        snprintf(why, cap, "%s", err_text(e));
    clean_up(d);
    free(d);
    return e;
}
