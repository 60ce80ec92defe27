#include "sim/ike_node.h"

#include "base/assert.h"
#include "proto/esp/esp.h"
#include "proto/ip/udp.h"
#include "sim/attacker.h"
#include "sim/credentials.h"
#include "sim/link.h"
#include "sim/recorder.h"

#include <stdlib.h>

enum {
    ENCR_NULL = 11,         /* RFC 2410: what it protects shows */
    DEFAULT_SAS = 4096,     /* a responder without limits: at least */
    FLEET_MAX = 1 << 14,    /* members that share a store: what one allocation is to be sized for */
    FLEET_TURNS = 16,       /* fleets that members of a large group are dealt to */
    FLEET_LOOK_BACK = 1024, /* members with stores of their own between two that share */
};

/* Making and ending */

static uint32_t at_least(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Without limits of its own a gateway has room for twice the clients of its group. */
static struct ike_limits limits_of(const struct lab *lab, const struct scenario_group *g)
{
    uint32_t more = g->ike.child.per_resource;
    struct ike_limits l = {.ike_sas = 4, .half_open = 4, .child_sas = 8 + 2 * more};
    uint32_t clients = 0;

    if (g->role == ROLE_INITIATOR)
        return l;
    for (uint32_t i = 0; i < lab->scenario->group_count; i++)
        if (lab->scenario->groups[i].role == ROLE_INITIATOR &&
            &lab->scenario->groups[lab->scenario->groups[i].connect] == g)
            clients += lab->scenario->groups[i].count / g->count + 1;
    l.ike_sas = g->limits.ike_sas ? g->limits.ike_sas : at_least(DEFAULT_SAS, 2 * clients);
    l.half_open = g->limits.half_open ? g->limits.half_open : at_least(DEFAULT_SAS, 2 * clients);
    l.child_sas = (2 + more) * l.ike_sas;
    return l;
}

static bool offers_null(const struct child_config *c)
{
    for (uint8_t i = 0; i < c->proposal_count; i++)
        for (uint8_t k = 0; k < c->proposals[i].encr_count; k++)
            if (c->proposals[i].encr[k]->iana == ENCR_NULL)
                return true;
    return false;
}

/* What all members of the group have in common. */
static void configure(const struct lab *lab, struct ike_fleet *f)
{
    const struct scenario_group *g = &lab->scenario->groups[f->group];
    struct child_config *child = &f->config.child;

    f->config = g->ike;
    f->config.respond = g->role == ROLE_RESPONDER;
    f->config.flood = (struct flood_config){
        .cookie_above = g->limits.cookie_above,
        .half_open_per_source = g->limits.half_open_per_source,
        .cookie_always = g->limits.cookie == COOKIE_ALWAYS,
    };
    f->own_local = child->local_count == 0;
    f->asks_exactly = scenario_calls_with_v1(g) && child->remote_count == 0;
    if (child->remote_count == 0) {
        child->remote_count = 1; /* the other side narrows it: RFC 7296 §2.9 */
        child->remote[0] = selector_any(address_plan_inner(&lab->plan, g->first_node).family);
    }
    f->null_esp = offers_null(child);
    if (lab->plant == PLANT_REPLAY_ACCEPTED)
        child->replay_window = 0;
    if (lab->plant == PLANT_KEEP_LOSER)
        f->config.quirks |= QUIRK_KEEP_LOSER;
}

static uint32_t digits_of(uint32_t number)
{
    uint32_t digits = 1;

    for (; number > 9; number /= 10)
        digits++;
    return digits;
}

/* Turns change all the time, and most members' numbers are of one length: then nothing else of
 * their identities differs. */
static void put_identity(const struct lab *lab, struct ike_fleet *f, uint32_t node)
{
    uint32_t first = lab->scenario->groups[f->group].first_node, member = node - first;
    uint32_t digits = digits_of(member);

    if (f->id_number == SCENARIO_NONE || f->config.id.len == 0 ||
        digits != digits_of(f->bound - first)) {
        f->config.id = scenario_identity(lab->scenario, f->group, member);
        return;
    }
    for (uint8_t *at = f->config.id.data + f->id_number + digits; digits > 0; digits--) {
        *--at = (uint8_t)('0' + member % 10);
        member /= 10;
    }
}

/* Quick Mode has no narrowing (RFC 2409 §5.5): the initiator has to know what the responder allows,
 * as an administrator would have told it. */
static void ask_exactly(const struct lab *lab, const struct scenario_group *g, uint32_t member,
                        struct child_config *child)
{
    const struct scenario_group *to = &lab->scenario->groups[g->connect];
    uint32_t gateway = to->first_node + (uint32_t)((uint64_t)member * to->count / g->count);

    child->remote_count = to->ike.child.local_count;
    memcpy(child->remote, to->ike.child.local, sizeof child->remote);
    if (!child->remote_count)
        child->remote_count =
            scenario_protects(to, address_plan_inner(&lab->plan, gateway), child->remote);
}

static void put_member(const struct lab *lab, struct ike_fleet *f, uint32_t node)
{
    const struct scenario_group *g = &lab->scenario->groups[f->group];
    uint32_t member = node - g->first_node;
    struct child_config *child = &f->config.child;

    put_identity(lab, f, node);
    if (lab->credentials)
        credentials_give(lab->credentials, f->group, member, &f->config.auth);
    users_give(lab->users, lab->scenario, f->group, member, &f->user, &f->config.xauth);
    if (f->own_local)
        child->local_count =
            scenario_protects(g, address_plan_inner(&lab->plan, node), child->local);
    if (f->asks_exactly)
        ask_exactly(lab, g, member, child);
    f->bound = node;
}

static void bind(const struct lab *lab, struct ike_fleet *f, uint32_t node)
{
    if (f->bound != node)
        put_member(lab, f, node);
}

void ike_node_bind(struct ike_node *n)
{
    bind(n->lab, n->fleet, n->node);
}

/* Fleets */

static void fleet_free(struct ike_fleet *f)
{
    ike_store_destroy(f->store);
    table_reset(&f->spi_of_child);
    free(f->nodes);
    free(f);
}

/* The smallest of its links: which one a packet leaves by is decided after it was sealed. */
static uint16_t link_mtu_of(const struct sim *s, uint32_t node)
{
    const struct node *n = &s->nodes[node];
    uint32_t least = UINT16_MAX;

    for (uint32_t i = 0; i < node_port_count(n); i++)
        if (link_kind(s, &s->links[node_port(n, i)])->words.mtu < least)
            least = link_kind(s, &s->links[node_port(n, i)])->words.mtu;
    return (uint16_t)least;
}

/* What is told of one endpoint only needs a store for it alone. */
static bool may_share(const struct lab *lab, uint32_t node)
{
    uint32_t group = lab->sim.nodes[node].group;

    return lab->scenario->groups[group].role == ROLE_INITIATOR &&
           lab->scenario->groups[group].ike.child.per_resource == 0 &&
           !(lab->sim.nodes[node].captured && lab->recorder) && lab->plant == PLANT_NONE &&
           scenario_host_index(lab->scenario, group) == SCENARIO_NONE;
}

static struct ike_fleet *fleet_create(struct lab *lab, uint32_t node, uint32_t members)
{
    struct ike_fleet *f = calloc(1, sizeof *f);
    bool told = lab->sim.nodes[node].captured && lab->recorder;
    struct ike_env env = {.crypto = lab->crypto,
                          .seed = lab->scenario->seed,
                          .entity = node,
                          .epoch_s = SCENARIO_EPOCH_S,
                          .link_mtu = link_mtu_of(&lab->sim, node),
                          .export_keys = told,
                          .export_timers = told};
    struct ike_limits limits;

    if (!f)
        return NULL;
    f->group = lab->sim.nodes[node].group;
    f->link_mtu = env.link_mtu;
    f->capacity = members;
    f->bound = node;
    f->id_number = scenario_identity_number(lab->scenario, f->group);
    configure(lab, f);
    put_member(lab, f, node); /* its credentials tell how long messages get */
    limits = limits_of(lab, &lab->scenario->groups[f->group]);
    f->nodes = calloc(members, sizeof *f->nodes);
    f->store = ike_store_create(&env, &f->config, &limits, members);
    if (f->nodes && f->store && table_init(&f->spi_of_child, 1) == OK)
        return f;
    fleet_free(f);
    return NULL;
}

/*
 * Members are made in their order and dealt to a few fleets in turns: those that arrive together
 * are in different ones, so that each has slots for some handshakes at a time only. That of
 * a member is so many members before, or a little further back behind members with stores of
 * their own.
 */
static struct ike_fleet *fleet_for(struct lab *lab, uint32_t node)
{
    const struct scenario_group *g = &lab->scenario->groups[lab->sim.nodes[node].group];
    uint32_t before = node - g->first_node, after = g->count - before;
    uint32_t needed = (g->count + FLEET_MAX - 1) / FLEET_MAX;
    uint32_t turns = needed < FLEET_TURNS ? needed : FLEET_TURNS;
    uint32_t members = (after + turns - 1) / turns;
    struct ike_fleet *f;

    if (!may_share(lab, node))
        return fleet_create(lab, node, 1);
    for (uint32_t back = turns; back <= before && back <= turns + FLEET_LOOK_BACK; back++) {
        f = ike_node_at(lab, node - back)->fleet;
        if (f->shared && f->count < f->capacity && f->link_mtu == link_mtu_of(&lab->sim, node))
            return f;
    }
    f = fleet_create(lab, node, members < FLEET_MAX ? members : FLEET_MAX);
    if (f)
        f->shared = true;
    return f;
}

/* Nodes */

static struct ike_extra nobody; /* all zero: what it reads as where there is none */

struct ike_extra *ike_node_extra(struct ike_node *n)
{
    struct ike_extra *extra = n->extra == &nobody ? calloc(1, sizeof *extra) : n->extra;

    if (!extra)
        sim_fail(&n->lab->sim, ERR_MEMORY);
    else
        n->extra = extra;
    return extra;
}

static enum err equip_processor(struct ike_node *n, struct ike_extra *extra)
{
    const struct scenario_group *g = n->group;

    extra->costs = &n->lab->costs[n->fleet->group];
    extra->held = malloc(2 * g->cpu.cores * sizeof *extra->held);
    if (!extra->held)
        return ERR_MEMORY;
    extra->held_last = extra->held + g->cpu.cores;
    for (uint32_t c = 0; c < g->cpu.cores; c++)
        extra->held[c] = SIM_NONE;
    return host_init(&extra->host, g->cpu.cores, g->cpu.backlog);
}

static enum err equip(struct ike_node *n)
{
    int32_t host = scenario_host_index(n->lab->scenario, n->fleet->group);
    const struct scenario_group *g = n->group;
    struct ike_extra *extra;

    if (host == SCENARIO_NONE)
        return OK;
    extra = ike_node_extra(n);
    if (!extra)
        return ERR_MEMORY;
    extra->host_metrics = &n->lab->metrics->hosts[host];
    if (scenario_looks_up(g)) {
        struct rng random = rng_stream(n->lab->scenario->seed, n->node, RNG_LOOK_UP);

        extra->look_ups = look_ups_create(&g->ike_words.lookup, random);
        if (!extra->look_ups)
            return ERR_MEMORY;
    }
    return g->cpu.cores ? equip_processor(n, extra) : OK;
}

enum err ike_node_add_traffic(struct ike_node *n)
{
    struct traffic traffic;
    struct ike_extra *extra;
    enum err e = traffic_init(n->lab, n->node, n->tunnel_count, &traffic);

    if (e != OK || traffic.count == 0)
        return e;
    extra = ike_node_extra(n);
    if (!extra) {
        traffic_reset(&traffic);
        return ERR_MEMORY;
    }
    extra->traffic = traffic;
    return OK;
}

static void extra_free(struct ike_extra *extra)
{
    if (extra == &nobody)
        return;
    if (extra->host.core_count)
        host_reset(&extra->host);
    joiner_reset(&extra->joiner);
    if (extra->inside)
        reassembly_reset(extra->inside);
    free(extra->inside);
    look_ups_destroy(extra->look_ups);
    if (extra->routes) {
        routes_reset(extra->routes);
        free(extra->routes);
    }
    traffic_reset(&extra->traffic);
    free(extra->held);
    free(extra);
}

/* The last one takes its fleet with it. */
static void ike_node_free(struct ike_node *n)
{
    extra_free(n->extra);
    if (n->tunnels != &n->tunnel)
        free(n->tunnels);
    if (--n->fleet->left == 0)
        fleet_free(n->fleet);
}

struct ike_node *ike_node_create(struct lab *lab, uint32_t node)
{
    struct ike_fleet *f = fleet_for(lab, node);
    struct ike_node *n;

    if (!f)
        return NULL;
    bind(lab, f, node);
    n = &f->nodes[f->count++];
    *n = (struct ike_node){.lab = lab,
                           .node = node,
                           .fleet = f,
                           .group = &lab->scenario->groups[f->group],
                           .outer = address_plan_outer(&lab->plan, node),
                           .extra = &nobody,
                           .endpoint = ike_store_join(f->store, node)};
    f->left++;
    if (n->endpoint && equip(n) == OK)
        return n;
    ike_node_free(n);
    return NULL;
}

static void destroy(struct sim *s, uint32_t node)
{
    if (s->nodes[node].state)
        ike_node_free(s->nodes[node].state);
}

/* The slot is shared: fragments that wait for others are given up now and then, and look-ups are
 * answered one at a time. */
static void arm_traffic(struct ike_node *n)
{
    nsec at = nsec_min(traffic_deadline(&n->extra->traffic),
                       joiner_expire(&n->lab->sim, &n->extra->joiner));

    if (n->extra->look_ups)
        at = nsec_min(at, look_ups_deadline(n->extra->look_ups));
    sim_arm(&n->lab->sim, n->node, TIMER_TRAFFIC,
            at == NSEC_NEVER ? at : nsec_max(at, n->lab->sim.now));
}

/* What the endpoint asked in the work just done leaves when the work's service ends. */
static void look_up(struct ike_node *n, nsec end)
{
    if (!n->extra->look_ups)
        return;
    if (look_ups_begin(n->extra->look_ups, end))
        n->extra->host_metrics->look_ups++;
    arm_traffic(n);
}

/* Start all jobs that have a core, each costing what the meter says. */
static void pump(struct ike_node *n)
{
    struct lab *lab = n->lab;
    struct host_job job;
    uint32_t core;

    while (host_start(&n->extra->host, &job, &core)) {
        nsec cost;

        meter_clear(&lab->meter);
        if (n->extra->host_metrics)
            hist_add(&n->extra->host_metrics->queue_wait_ns, lab->sim.now - job.arrived);
        ike_node_work(n, job.what, core);
        cost = cost_of(n->extra->costs, &lab->meter);
        host_occupy(&n->extra->host, core, job.key, lab->sim.now, cost);
        look_up(n, nsec_add(lab->sim.now, cost));
        if (n->extra->host_metrics)
            n->extra->host_metrics->cpu_busy_ns += cost;
    }
    if (n->extra->host_metrics)
        n->extra->host_metrics->backlog = n->extra->host.waiting;
    if (lab->recorder)
        recorder_host(lab->recorder, n->node, n->extra->host.waiting, n->extra->host.busy_count);
    sim_arm(&lab->sim, n->node, TIMER_HOST, host_next(&n->extra->host));
}

/* Hand a job to the processor, or do it at once where none is modelled. */
static void submit_job(struct ike_node *n, struct host_job job, enum host_priority priority)
{
    uint32_t what = job.what;

    if (n->extra->host.core_count == 0) {
        ike_node_work(n, what, SIM_NONE);
        ike_node_arm(n);
        look_up(n, n->lab->sim.now);
        return;
    }
    if (host_submit(&n->extra->host, priority, &job)) {
        if (n->extra->host_metrics && n->extra->host.waiting > n->extra->host_metrics->backlog_peak)
            n->extra->host_metrics->backlog_peak = n->extra->host.waiting;
        pump(n);
        return;
    }
    ASSERT(what < JOB_ASK); /* each timer queues one job at most */
    if (n->extra->host_metrics)
        n->extra->host_metrics->backlog_drops++;
    if (packet_at(&n->lab->sim, what)->entered)
        packet_drop(&n->lab->sim, n->node, what, NET_DROP_BACKLOG);
    else
        ike_node_give_up(n, what);
}

static void submit(struct ike_node *n, uint32_t what, uint64_t key, enum host_priority priority)
{
    struct host_job job = {.key = key, .arrived = n->lab->sim.now, .what = what};

    submit_job(n, job, priority);
}

/* Cores whose service ended let go of their packets, in order of their ends. */
static void complete(struct ike_node *n)
{
    uint32_t core;

    while (host_complete(&n->extra->host, n->lab->sim.now, &core)) {
        uint32_t packet = n->extra->held[core];

        n->extra->held[core] = SIM_NONE;
        while (packet != SIM_NONE) {
            uint32_t next = packet_at(&n->lab->sim, packet)->next;

            ike_node_send(n, packet);
            packet = next;
        }
    }
    ike_node_arm(n);
    pump(n);
}

/* Packets in */

/*
 * One IKE SA, or one ESP SA, is served by one core at a time; what names it is on the wire, so
 * that many clients behind one address do not wait for each other.
 */
static uint64_t job_key(const struct ike_node *n, uint32_t packet)
{
    const struct packet *p = packet_at(&n->lab->sim, packet);
    struct bytes body = BYTES_NONE;
    struct udp_datagram udp;
    struct ip_packet ip;

    if (ip_read(bytes_of(p->data, p->len), &ip) != OK)
        return 0; /* refused by receive_datagram */
    if (ip.protocol == IP_PROTOCOL_ESP)
        body = ip.payload;
    else if (udp_read(&ip, &udp) == OK)
        body = udp.payload;
    if (body.len < 12)
        return 0;
    if (ip.protocol == IP_PROTOCOL_UDP && udp.dst.port == IKE_PORT)
        return load_be64(body.data) | 1;
    if (ip.protocol == IP_PROTOCOL_UDP && load_be32(body.data) == 0)
        return load_be64(body.data + NON_ESP_MARKER) | 1;
    return (uint64_t)load_be32(body.data) << 1 | 1;
}

static bool has_uplinks(const struct ike_node *n)
{
    return n->group->uplink[0] != SCENARIO_NONE;
}

uint32_t ike_node_port(const struct ike_node *n, const struct ip_addr *to)
{
    if (n->extra->routes)
        return routes_find(n->extra->routes, to);
    return has_uplinks(n) ? n->extra->uplink_port[n->uplink] : 0;
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct ike_node *n = s->nodes[node].state;
    struct packet *p = packet_at(s, packet);
    struct ip_packet ip;
    bool joined = false;

    if (lab_plant(n->lab, PLANT_PACKET_VANISHES, 100)) {
        packet_free(s, packet);
        return;
    }
    if (lab_plant(n->lab, PLANT_TIME_GOES_BACK, 100))
        sim_arm(s, node, TIMER_CONNECT, s->now - 1);
    if (ip_read(bytes_of(p->data, p->len), &ip) != OK) {
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
        return;
    }
    if (!ip_addr_equal(&ip.dst, &n->outer) ||
        (has_uplinks(n) && port != n->extra->uplink_port[n->uplink])) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
        return;
    }
    attacker_heard(n->lab, packet);
    if (ike_node_take_together(n, packet, &ip))
        return;
    ike_node_take_joined(n);
    if (ip_is_fragment(&ip)) {
        struct ike_extra *extra = ike_node_extra(n);

        if (!extra) { /* the run has failed */
            packet_drop(s, node, packet, NET_DROP_REASSEMBLY);
            return;
        }
        packet = joiner_add(s, node, &extra->joiner, packet, &ip);
        arm_traffic(n);
        if (packet == SIM_NONE)
            return;
        joined = true;
    }
    if (ip.protocol != IP_PROTOCOL_UDP && ip.protocol != IP_PROTOCOL_ESP) {
        ike_node_icmp(n, &ip);
        packet_deliver(s, node, packet);
        return;
    }
    if (n->extra->host.core_count || joined) {
        submit(n, packet, n->extra->host.core_count ? job_key(n, packet) : 0, HOST_NORMAL);
        return;
    }
    ike_node_take(n, packet, &ip);
    ike_node_arm(n);
    look_up(n, s->now);
}

/* Timers */

/* Bytes for an inner packet and what may be padded behind it. */
static uint32_t room_of(const struct ike_node *n, uint32_t size)
{
    uint32_t padded = n->fleet->config.child.tfc_padding;

    if (padded == TFC_TO_MTU)
        padded = TFC_MTU_MAX;
    return (size > padded ? size : padded) + ESP_TAILROOM;
}

/* Of the plan, or what Mode-Config gave: while there is none, no policy is for it either. */
static struct ip_addr client_address(struct lab *lab, const struct tunnel *t)
{
    const struct ike_node *client = ike_node_at(lab, t->client);
    struct ike_sa_info info;

    if (client->group->ike.inside.select &&
        ike_endpoint_ike_info(client->endpoint, t->ike, &info) && info.inside.family)
        return info.inside;
    return address_plan_inner(&lab->plan, t->client);
}

static void make_payload(struct ike_node *n, const struct payload *what, uint32_t size)
{
    struct lab *lab = n->lab;
    const struct tunnel *t = &lab->tunnels[what->tunnel];
    uint32_t packet = packet_new(&lab->sim, n->node, room_of(n, size));
    struct ip_addr client, gateway;
    struct packet *p;

    metrics_esp_sent(lab->metrics, what->flow, lab->sim.now, size);
    if (packet == SIM_NONE)
        return;
    p = packet_at(&lab->sim, packet);
    p->len = size;
    p->kind = PACKET_ESP;
    p->tag = 2 * what->tunnel + what->reverse;
    client = client_address(lab, t);
    gateway = address_plan_inner(&lab->plan, t->gateway);
    if (payload_write(p->data, size, what->reverse ? &gateway : &client,
                      what->reverse ? &client : &gateway, checker_tag(lab->checker), what) != OK) {
        packet_free(&lab->sim, packet);
        return;
    }
    if (ike_node_send_together(n, packet))
        return;
    submit(n, packet, ((uint64_t)what->tunnel << 1) + 2, HOST_NORMAL);
}

static void send_due_traffic(struct ike_node *n)
{
    struct payload what;
    uint32_t size;

    while (traffic_next(n->lab, &n->extra->traffic, &what, &size))
        make_payload(n, &what, size);
    ike_node_send_joined(n);
    arm_traffic(n);
}

/* The next one is taken up when this one has begun: by then another core may be free for it. */
static void answer_look_up(struct ike_node *n)
{
    struct host_job job = {.what = JOB_ANSWER};

    if (!n->extra->look_ups || !look_ups_due(n->extra->look_ups, n->lab->sim.now))
        return;
    job.key = n->extra->look_ups->answer.key;
    job.arrived = n->extra->look_ups->answer.at;
    submit_job(n, job, HOST_URGENT);
    arm_traffic(n);
}

static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct ike_node *n = s->nodes[node].state;

    switch ((enum ike_node_timer)slot) {
    case TIMER_ENDPOINT:
        if (!n->expire_queued) {
            n->expire_queued = true;
            submit(n, JOB_EXPIRE, 0, HOST_URGENT);
        }
        break;
    case TIMER_HOST:
        complete(n);
        break;
    case TIMER_TRAFFIC:
        send_due_traffic(n);
        answer_look_up(n);
        break;
    case TIMER_CONNECT:
        if (!n->connect_queued && !ike_node_establish(n)) {
            n->connect_queued = true;
            submit(n, JOB_CONNECT, 0, HOST_URGENT);
        }
        break;
    }
}

/* The IKE message in a packet of IKE as our nodes make them: no extension headers. */
static struct bytes message_in(const struct packet *p)
{
    uint8_t family = p->len && p->data[0] >> 4 == 4 ? 4 : 6;
    size_t begin = udp_headroom(family);

    if (p->len < begin + NON_ESP_MARKER)
        return BYTES_NONE;
    if (load_be16(p->data + ip_header_len(family) + 2) == NATT_PORT)
        begin += NON_ESP_MARKER;
    return bytes_of(p->data + begin, p->len - begin);
}

static void soon(const struct sim *s, uint32_t node, const struct packet *p, enum queue_fetch what)
{
    const struct ike_node *n = s->nodes[node].state;

    if (!p || p->kind == PACKET_IKE)
        ike_endpoint_soon(n->endpoint, p ? ike_message_spi(message_in(p)) : 0,
                          (unsigned)what - FETCH_FURTHER);
}
_Static_assert(FETCH_LAST - FETCH_FURTHER + 1 == IKE_SOON_STEPS, "what the endpoint is told");

static void settle(struct sim *s, uint32_t node)
{
    ike_node_take_joined(s->nodes[node].state);
}

const struct node_class ike_node_class = {.name = "ike",
                                          .receive = receive,
                                          .timer = timer,
                                          .soon = soon,
                                          .settle = settle,
                                          .destroy = destroy};

void ike_node_connect_at(struct lab *lab, uint32_t node, nsec at)
{
    sim_arm(&lab->sim, node, TIMER_CONNECT, at);
}

/* Tunnels of a node are in ascending order. */
static uint32_t slot_of(const struct ike_node *n, uint32_t tunnel)
{
    uint32_t low = 0, high = n->tunnel_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (n->tunnels[middle] <= tunnel)
            low = middle;
        else
            high = middle;
    }
    ASSERT(low < n->tunnel_count && n->tunnels[low] == tunnel);
    return low;
}

static void begin_at(struct lab *lab, uint32_t node, uint32_t tunnel)
{
    struct ike_node *n = ike_node_at(lab, node);

    if (n->extra->traffic.count == 0)
        return;
    traffic_begin(lab, &n->extra->traffic, node, tunnel, slot_of(n, tunnel));
    if (!lab->sim.nodes[node].down) /* it may have crashed since its last message */
        arm_traffic(n);
}

void ike_node_begin_traffic(struct lab *lab, uint32_t tunnel)
{
    begin_at(lab, lab->tunnels[tunnel].client, tunnel);
    begin_at(lab, lab->tunnels[tunnel].gateway, tunnel);
}

/* A crash loses what waits for the processor and what it was about to send. */
static void drop_work(struct ike_node *n)
{
    struct sim *s = &n->lab->sim;
    struct host_job job;
    uint32_t core;

    while (host_forget(&n->extra->host, &job)) {
        if (job.what >= JOB_ASK)
            continue;
        if (packet_at(s, job.what)->entered)
            packet_drop(s, n->node, job.what, NET_DROP_HOST_DOWN);
        else
            ike_node_give_up(n, job.what);
    }
    for (uint32_t c = 0; c < n->extra->host.core_count; c++)
        while (n->extra->held[c] != SIM_NONE) {
            uint32_t packet = n->extra->held[c];

            n->extra->held[c] = packet_at(s, packet)->next;
            packet_free(s, packet);
        }
    while (host_complete(&n->extra->host, NSEC_NEVER, &core))
        ;
    n->expire_queued = n->connect_queued = false;
    n->asked = 0;
}

void ike_node_crash(struct lab *lab, uint32_t node)
{
    struct ike_node *n = ike_node_at(lab, node);

    sim_set_down(&lab->sim, node, true);
    n->arrived = true;
    if (n->extra->host.core_count)
        drop_work(n);
    if (n->extra->look_ups)
        look_ups_drop(n->extra->look_ups);
    ike_node_bind(n);
    ike_endpoint_crash(n->endpoint, lab->sim.now);
    ike_node_pull_events(n);
    joiner_drop(&lab->sim, &n->extra->joiner, NET_DROP_HOST_DOWN);
    /* Again: what the endpoint said at its end may have set some. */
    sim_set_down(&lab->sim, node, true);
}

void ike_node_return(struct lab *lab, uint32_t node)
{
    struct ike_node *n = ike_node_at(lab, node);

    sim_set_down(&lab->sim, node, false);
    ike_node_arm(n);
    arm_traffic(n);
    if (n->group->role == ROLE_INITIATOR)
        ike_node_connect_at(lab, node, lab->sim.now);
}

void ike_node_lookup_outage(struct lab *lab, uint32_t node, bool begins)
{
    struct ike_node *n = ike_node_at(lab, node);

    look_ups_outage(n->extra->look_ups, begins);
    if (!lab->sim.nodes[node].down)
        arm_traffic(n);
}

static void queue_asked(struct ike_node *n, enum event_action action)
{
    bool queued = n->asked != 0;

    n->asked |= 1u << action;
    if (!queued)
        submit(n, JOB_ASK, 0, HOST_URGENT);
}

void ike_node_switch(struct lab *lab, uint32_t node, int32_t link)
{
    struct ike_node *n = ike_node_at(lab, node);

    n->uplink = link == n->group->uplink[1];
    n->outer =
        n->uplink ? address_plan_of(&lab->plan, node).second : address_plan_outer(&lab->plan, node);
    if (!lab->sim.nodes[node].down)
        queue_asked(n, ACTION_SWITCH);
}

void ike_node_ask(struct lab *lab, uint32_t node, enum event_action action)
{
    struct ike_node *n = ike_node_at(lab, node);

    if (lab->sim.nodes[node].down) {
        if (lab->recorder)
            recorder_scenario(lab->recorder, lab->sim.now, action_name(action), "the node is away");
        return;
    }
    for (uint32_t i = 0; i < n->tunnel_count; i++)
        lab->tunnels[n->tunnels[i]].asked |= 1u << action;
    queue_asked(n, action);
}

void ike_node_skip_sequence(struct lab *lab, uint32_t node, uint64_t packets)
{
    struct ike_node *n = ike_node_at(lab, node);

    if (lab->sim.nodes[node].down)
        return;
    /* Where the numbers end, so does a child SA. */
    for (uint32_t i = 0; i < n->tunnel_count; i++)
        lab->tunnels[n->tunnels[i]].asked |= 1u << ACTION_SKIP_SEQUENCE;
    ike_endpoint_skip_sequence(n->endpoint, packets);
}
