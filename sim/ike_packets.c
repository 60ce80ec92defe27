/*
 * An IKE endpoint's packets: what its endpoint has to say gets headers and leaves, what arrives is
 * opened and judged by the checkers. When this happens, and on which core, is ike_node.c's.
 */
#include "sim/ike_node.h"

#include "base/assert.h"
#include "proto/esp/esp.h"
#include "proto/ip/icmp.h"
#include "proto/ip/udp.h"
#include "sim/attacker.h"
#include "sim/recorder.h"

#include <stdlib.h>

enum { INSIDE_DATAGRAMS = 16, INSIDE_TIMEOUT_S = 30 };

_Static_assert(PACKET_HEADROOM >= ESP_HEADROOM + UDP_HEADROOM_MAX, "outer headers fit in front");

/* Packets out */

/* IP and UDP headers in front of a payload that lies in the packet already. */
static enum err put_headers(struct packet *p, const struct ike_dgram *d)
{
    struct bytes whole = BYTES_NONE;
    enum err e;

    if (d->protocol == IP_PROTOCOL_UDP) {
        struct udp_build udp = {.src = d->local,
                                .dst = d->remote,
                                .tos = d->tos,
                                .df = d->df,
                                .id = (uint16_t)p->sequence,
                                .no_checksum = d->kind == DGRAM_ESP && d->local.addr.family == 4};

        e = udp_datagram_write(d->data, d->len, &udp, &whole);
    } else {
        struct ip_build ip = {.src = d->local.addr,
                              .dst = d->remote.addr,
                              .protocol = d->protocol,
                              .tos = d->tos,
                              .df = d->df,
                              .id = (uint16_t)p->sequence};

        e = ip_datagram_write(d->data, d->len, &ip, &whole);
    }
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    return e;
}

static bool is_ike_port(uint16_t port)
{
    return port == IKE_PORT || port == NATT_PORT;
}

bool ike_node_listens(const struct ike_dgram *d)
{
    return d->protocol != IP_PROTOCOL_UDP || is_ike_port(d->local.port);
}

/* I1: what leaves an endpoint is IKE or ESP of its own address; anything else left in clear. */
static bool in_clear(const struct ike_node *n, const struct ip_packet *ip)
{
    if (!ip_addr_equal(&ip->src, &n->outer))
        return true;
    if (ip->protocol == IP_PROTOCOL_ESP)
        return false;
    return ip->protocol != IP_PROTOCOL_UDP || ip_is_fragment(ip) ||
           ip->payload.len < UDP_HEADER_LEN || !is_ike_port(load_be16(ip->payload.data));
}

static void drop_unsent(struct ike_node *n, uint32_t packet)
{
    packet_enter(&n->lab->sim, packet);
    packet_drop(&n->lab->sim, n->node, packet, NET_DROP_NO_ROUTE);
}

void ike_node_send(struct ike_node *n, uint32_t packet)
{
    struct packet *p = packet_at(&n->lab->sim, packet);
    uint32_t port = 0;
    struct ip_packet ip;

    if (n->group->uplink_count || checker_watches(n->lab->checker, n->node)) {
        enum err e = ip_read(bytes_of(p->data, p->len), &ip);

        ASSERT(e == OK); /* we made it */
        if (n->group->uplink_count && !ip_addr_equal(&ip.src, &n->outer)) {
            drop_unsent(n, packet); /* from an address that it has no more */
            return;
        }
        if (checker_watches(n->lab->checker, n->node))
            checker_wire(n->lab->checker, n->lab->sim.now, n->node, bytes_of(p->data, p->len),
                         in_clear(n, &ip), !n->fleet->null_esp);
        port = ike_node_port(n, &ip.dst);
    } else if (n->extra->routes) {
        struct ip_addr to = ip_destination(bytes_of(p->data, p->len));

        port = ike_node_port(n, &to);
    }
    if (port == SIM_NONE) {
        drop_unsent(n, packet);
        return;
    }
    attacker_answered(n->lab, packet);
    sim_send(&n->lab->sim, n->node, port, packet, true);
}

/* With a processor, packets leave when the core that made them is done. */
static void send_or_hold(struct ike_node *n, uint32_t packet, uint32_t core)
{
    if (core == SIM_NONE) {
        ike_node_send(n, packet);
        return;
    }
    packet_at(&n->lab->sim, packet)->next = SIM_NONE;
    if (n->extra->held[core] == SIM_NONE)
        n->extra->held[core] = packet;
    else
        packet_at(&n->lab->sim, n->extra->held_last[core])->next = packet;
    n->extra->held_last[core] = packet;
}

/* Bytes before the IKE message in a datagram (RFC 3948 §2.2). */
static size_t marker_of(const struct ike_dgram *d)
{
    bool marked = d->local.port == NATT_PORT || d->remote.port == NATT_PORT;

    return marked && d->len > NON_ESP_MARKER && load_be32(d->data) == 0 ? NON_ESP_MARKER : 0;
}

static void check_response(struct ike_node *n, const struct ike_dgram *d, uint8_t *copy)
{
    size_t skip = marker_of(d);

    if (n->lab->plant == PLANT_RESPONSE_DIFFERS &&
        ike_endpoint_counters(n->endpoint)->responses_repeated > 0 &&
        lab_plant(n->lab, PLANT_RESPONSE_DIFFERS, 1))
        copy[d->len - 1] ^= 1;
    if (checker_watches(n->lab->checker, n->node))
        checker_response(n->lab->checker, n->lab->sim.now, n->node,
                         bytes_of(copy + skip, d->len - skip));
}

/* Byte 17 of the header has the major version in its upper half (RFC 7296 §3.1, RFC 2408 §3.1). */
static unsigned version_of(const struct ike_dgram *d)
{
    size_t at = marker_of(d) + 17;

    return d->len > at ? d->data[at] >> 4 : 0;
}

/* What each version costs is told apart where there are both. @param p  with its headers */
static void count_message(struct ike_node *n, const struct packet *p, unsigned version)
{
    if (p->kind == PACKET_IKE)
        metrics_ike_message(n->lab->metrics, version, p->len);
}

/* One that a client has been waiting for. */
static void count_answer(struct ike_node *n)
{
    if (n->group->role == ROLE_INITIATOR && n->lab->tunnels[n->tunnels[0]].starting)
        metrics_ike_answer(n->lab->metrics, n->lab->tunnels[n->tunnels[0]].group);
}

static void pull_datagrams(struct ike_node *n, uint32_t core)
{
    struct ike_dgram d;

    while (ike_endpoint_transmit(n->endpoint, &d)) {
        uint32_t packet = packet_new(&n->lab->sim, n->node, (uint32_t)d.len);
        struct packet *p;
        unsigned version;

        if (packet == SIM_NONE)
            return;
        p = packet_at(&n->lab->sim, packet);
        memcpy(p->data, d.data, d.len);
        d.data = p->data;
        p->transmission = d.transmission;
        p->kind = d.kind == DGRAM_KEEPALIVE ? PACKET_KEEPALIVE : PACKET_IKE;
        if (d.kind == DGRAM_RESPONSE)
            check_response(n, &d, d.data);
        version = version_of(&d);
        if (put_headers(p, &d) != OK) {
            packet_free(&n->lab->sim, packet);
            continue;
        }
        count_message(n, p, version);
        send_or_hold(n, packet, core);
    }
}

void ike_node_arm(struct ike_node *n)
{
    nsec deadline = ike_endpoint_deadline(n->endpoint);

    if (deadline != NSEC_NEVER && deadline < n->lab->sim.now)
        deadline = n->lab->sim.now;
    sim_arm(&n->lab->sim, n->node, TIMER_ENDPOINT, deadline);
}

/* Work: what the endpoint does, for each kind of job */

uint64_t ike_node_esp_dropped(const struct ike_node *n)
{
    const struct ike_counters *c = ike_endpoint_counters(n->endpoint);

    return c->esp_dropped_no_sa + c->esp_dropped_replay + c->esp_dropped_icv + c->esp_dropped_other;
}

static void judge(struct ike_node *n, uint32_t spi, uint32_t sequence, enum err result,
                  uint64_t counted, bool authentic)
{
    struct esp_verdict v = {.spi = spi,
                            .sequence = sequence,
                            .replay_window = n->group->ike.child.replay_window,
                            .result = result,
                            .counted = counted,
                            .authentic = authentic};

    if (result == OK && lab_plant(n->lab, PLANT_SILENT_REFUSAL, 5)) {
        v.result = ERR_REPLAY;
        v.counted = 0;
    }
    if (checker_watches(n->lab->checker, n->node))
        checker_esp(n->lab->checker, n->lab->sim.now, n->node, &v);
}

/* Memory is taken when the first fragment comes out of a tunnel. */
static struct reassembly *inside_of(struct ike_node *n)
{
    struct reassembly_config config = {.slots = INSIDE_DATAGRAMS,
                                       .datagram_max = IP_PACKET_MAX,
                                       .timeout = INSIDE_TIMEOUT_S * NSEC_PER_S};
    struct ike_extra *extra = ike_node_extra(n);

    if (!extra || extra->inside)
        return extra ? extra->inside : NULL;
    extra->inside = calloc(1, sizeof *extra->inside);
    if (extra->inside && reassembly_init(extra->inside, &config) == OK)
        return extra->inside;
    free(extra->inside);
    extra->inside = NULL;
    sim_fail(&n->lab->sim, ERR_MEMORY);
    return NULL;
}

/*
 * What came out of a tunnel as the host behind it sees it: fragments, cut before ESP, are joined.
 * @return whether it was one; then *packet is the whole, or empty while pieces are missing
 */
static bool join_inside(struct ike_node *n, struct bytes *packet)
{
    struct reassembly *inside;
    struct bytes piece = *packet;
    struct ip_packet ip;

    if (ip_read(piece, &ip) != OK || !ip_is_fragment(&ip))
        return false;
    *packet = BYTES_NONE;
    inside = inside_of(n);
    if (!inside)
        return true;
    reassembly_expire(inside, n->lab->sim.now);
    if (reassembly_add(inside, n->lab->sim.now, &ip, packet, NULL) != OK)
        *packet = BYTES_NONE; /* counted there; the packet counts as not delivered */
    return true;
}

/* A packet for another end of another tunnel, whose selectors are the same. */
static bool strays(const struct ike_node *n, const struct payload *p)
{
    const struct tunnel *t = &n->lab->tunnels[p->tunnel];

    return n->node != (p->reverse ? t->client : t->gateway);
}

struct arrived_esp ike_node_arrived(uint32_t packet, const struct ike_dgram *d)
{
    return (struct arrived_esp){.packet = packet,
                                .spi = d->len >= 8 ? load_be32(d->data) : 0,
                                .sequence = d->len >= 8 ? load_be32(d->data + 4) : 0};
}

void ike_node_opened(struct ike_node *n, const struct arrived_esp *a, enum err e, uint64_t counted,
                     const struct buf *inner)
{
    struct lab *lab = n->lab;
    nsec created = packet_at(&lab->sim, a->packet)->created;
    struct bytes whole = BYTES_NONE;
    struct payload payload;
    bool piece = false, ours;

    if (lab->recorder)
        recorder_window(
            lab->recorder, n->node, n->endpoint,
            &(struct recorded_esp){packet_at(&lab->sim, a->packet), a->spi, a->sequence, e});
    if (e == OK) {
        whole = buf_bytes(inner);
        piece = join_inside(n, &whole);
    }
    ours = whole.len && payload_read(whole, checker_tag(lab->checker), &payload) == OK;
    /* A piece does not show that it is authentic: the whole is judged when it is joined. */
    judge(n, a->spi, a->sequence, e, counted, ours || (piece && !whole.len));
    if (e != OK)
        metrics_esp_dropped(lab->metrics, METRICS_NO_FLOW, esp_drop_of(e));
    else if (ours && strays(n, &payload))
        metrics_esp_dropped(lab->metrics, METRICS_NO_FLOW, ESP_DROP_OTHER);
    else if (ours)
        ike_node_delivered(n, &payload, created, (uint32_t)whole.len);
}

static void receive_esp(struct ike_node *n, uint32_t packet, const struct ike_dgram *d)
{
    struct lab *lab = n->lab;
    struct arrived_esp a = ike_node_arrived(packet, d);
    uint64_t before = ike_node_esp_dropped(n);
    struct buf inner;
    enum err e;

    if (lab->plant == PLANT_BLACK_HOLE && n->group->role == ROLE_RESPONDER)
        return;
    lab->esp_alone++;
    e = ike_endpoint_unprotect(n->endpoint, lab->sim.now, d, &inner, NULL);
    ike_node_opened(n, &a, e, ike_node_esp_dropped(n) - before, &inner);
}

bool ike_node_datagram(const struct ip_packet *ip, struct ike_dgram *d)
{
    struct udp_datagram udp;

    *d = (struct ike_dgram){.protocol = ip->protocol, .tos = ip->tos, .df = ip->df};
    if (ip->protocol == IP_PROTOCOL_UDP) {
        if (udp_read(ip, &udp) != OK)
            return false;
        d->local = udp.dst;
        d->remote = udp.src;
        d->data = (uint8_t *)udp.payload.data;
        d->len = udp.payload.len;
    } else {
        d->local.addr = ip->dst;
        d->remote.addr = ip->src;
        d->data = (uint8_t *)ip->payload.data;
        d->len = ip->payload.len;
    }
    return true;
}

/* @param ip  the packet, read */
static void receive_datagram(struct ike_node *n, uint32_t packet, const struct ip_packet *ip)
{
    struct ike_dgram d;

    if (!ike_node_datagram(ip, &d)) {
        packet_drop(&n->lab->sim, n->node, packet, NET_DROP_CORRUPT);
        return;
    }
    if (!ike_node_listens(&d)) {
        packet_deliver(&n->lab->sim, n->node, packet); /* nothing listens there */
        return;
    }
    if (ike_dgram_is_esp(&d)) {
        receive_esp(n, packet, &d);
    } else {
        count_answer(n);
        (void)ike_endpoint_receive(n->endpoint, n->lab->sim.now, &d);
    }
    packet_deliver(&n->lab->sim, n->node, packet);
}

/* A packet of our own traffic that never leaves: counted, and an error reported (I17). */
void ike_node_give_up(struct ike_node *n, uint32_t packet)
{
    struct lab *lab = n->lab;

    metrics_esp_dropped(lab->metrics, METRICS_NO_FLOW, ESP_DROP_UNSENT);
    checker_flow_excused(lab->checker, lab->sim.now, packet_at(&lab->sim, packet)->tag);
    packet_free(&lab->sim, packet);
}

void ike_node_icmp(struct ike_node *n, const struct ip_packet *ip)
{
    if (ip->protocol != IP_PROTOCOL_ICMP && ip->protocol != IP_PROTOCOL_ICMPV6)
        return;
    /* A few bytes are compared: that is not modelled as work of a core. */
    ike_node_bind(n);
    ike_endpoint_icmp(n->endpoint, n->lab->sim.now, ip->whole);
    ike_node_count(n);
}

/* RFC 4301 §8.2.1: whoever sent it is told how long a packet may be. */
static void tell_sender(struct ike_node *n, struct bytes packet, struct sa_ref sa)
{
    uint8_t storage[ICMP_ERROR_MAX];
    struct buf out = {storage, 0, sizeof storage};
    struct ip_build build = {.src = address_plan_inner(&n->lab->plan, n->node)};
    struct icmp_message icmp = {.kind = ICMP_TOO_BIG, .data = packet};
    struct child_sa_info info;
    struct ip_packet ip;

    if (ip_read(packet, &ip) != OK || !ike_endpoint_child_info(n->endpoint, sa, &info))
        return;
    build.dst = ip.src;
    icmp.mtu = info.inner_mtu;
    if (icmp_write(&out, &build, &icmp) == OK)
        traffic_icmp(n->lab, &n->extra->traffic, buf_bytes(&out));
}

static enum err send_piece(struct ike_node *n, const struct packet *of, struct sa_ref sa,
                           struct fragmenter *cut, uint32_t core)
{
    struct sim *s = &n->lab->sim;
    uint32_t piece = packet_new(s, n->node, packet_room(of));
    struct ike_dgram d;
    struct packet *p;
    struct buf inner;
    enum err e;

    if (piece == SIM_NONE)
        return ERR_MEMORY;
    p = packet_at(s, piece);
    p->created = of->created;
    p->kind = of->kind;
    p->tag = of->tag;
    inner = (struct buf){p->data, 0, packet_room(p)};
    (void)fragmenter_next(cut, &inner);
    e = ike_endpoint_protect_by(n->endpoint, s->now, sa, &inner, &d);
    if (e == OK)
        e = put_headers(p, &d);
    if (e == OK)
        send_or_hold(n, piece, core);
    else
        packet_free(s, piece);
    return e;
}

/* RFC 4303 §3.3.4, cut before ESP. One piece that cannot be sent loses the packet. */
static enum err send_pieces(struct ike_node *n, uint32_t packet, struct sa_ref sa,
                            struct fragmenter *cut, uint32_t core)
{
    enum err e = OK;

    for (unsigned left = fragmenter_count(cut); left > 0 && e == OK; left--) {
        struct packet of = *packet_at(&n->lab->sim, packet); /* a new packet moves the old one */

        e = send_piece(n, &of, sa, cut, core);
    }
    return e;
}

/* Longer than the path takes: in pieces, or back to its sender. */
static void send_too_long(struct ike_node *n, uint32_t packet, struct sa_ref sa, uint32_t core)
{
    struct lab *lab = n->lab;
    struct packet *p = packet_at(&lab->sim, packet);
    struct bytes whole = bytes_of(p->data, p->len);
    uint32_t direction = p->tag;
    struct fragmenter cut;
    enum err e = ike_endpoint_cut(n->endpoint, lab->sim.now, sa, whole, &cut);

    if (e == ERR_TOO_BIG)
        tell_sender(n, whole, sa);
    if (e == OK)
        e = send_pieces(n, packet, sa, &cut, core);
    if (e != OK) {
        ike_node_give_up(n, packet);
        return;
    }
    lab->metrics->path[PATH_METRIC_CUT]++;
    checker_flow_sent(lab->checker, lab->sim.now, direction, n->node);
    packet_free(&lab->sim, packet);
}

/* Where the gateway makes a child SA for each pair of addresses, the packet asks for its own. */
static void ask_for(struct ike_node *n, uint32_t packet)
{
    const struct packet *p = packet_at(&n->lab->sim, packet);
    struct ike_sa_info info;
    struct sa_ref ike;

    if (n->group->role != ROLE_INITIATOR)
        return;
    ike = n->lab->tunnels[n->tunnels[0]].ike;
    if (ike_endpoint_ike_look(n->endpoint, ike, &info) && info.takes_more)
        (void)ike_endpoint_new_child_for(n->endpoint, n->lab->sim.now, ike,
                                         bytes_of(p->data, p->len));
}

/* I17: a tunnel that came up, that nothing has disturbed and nobody may have ended, can send. */
static void must_send(struct ike_node *n, const struct tunnel *t, enum err e)
{
    struct lab *lab = n->lab;
    int32_t gateways;

    if (e != ERR_NO_SA && e != ERR_NO_POLICY)
        return;
    gateways = lab->scenario->groups[t->group].connect;
    if (lab->scenario->groups[gateways].ike.child.single_pair)
        return; /* a packet may be the first of its pair */
    if (t->up && !lab->metrics->recovery_count && !ike_node_may_end(lab, t, true) &&
        checker_watches(lab->checker, n->node))
        checker_violate(lab->checker, "I17", lab->sim.now, n->node,
                        "no SA to send through, though the tunnel is up and nobody ended it");
}

void ike_node_protected(struct ike_node *n, uint32_t packet, enum err e, const struct ike_dgram *d,
                        uint32_t core)
{
    struct lab *lab = n->lab;
    struct packet *p = packet_at(&lab->sim, packet);
    uint32_t direction = p->tag;

    if (e == OK)
        e = put_headers(p, d);
    must_send(n, &lab->tunnels[direction / 2], e);
    if (e != OK) {
        ike_node_give_up(n, packet);
        return;
    }
    checker_flow_sent(lab->checker, lab->sim.now, direction, n->node);
    send_or_hold(n, packet, core);
}

/* A packet of our own traffic: through the tunnel, or not sent at all. */
static void send_payload(struct ike_node *n, uint32_t packet, uint32_t core)
{
    struct lab *lab = n->lab;
    struct packet *p = packet_at(&lab->sim, packet);
    struct buf inner = {p->data, p->len, packet_room(p)};
    struct ike_dgram d;
    struct sa_ref sa;
    enum err e;

    if (lab_plant(lab, PLANT_CLEAR_PACKET, 3)) {
        p->kind = PACKET_OTHER;
        send_or_hold(n, packet, core);
        return;
    }
    lab->esp_alone++;
    e = ike_endpoint_protect(n->endpoint, lab->sim.now, &inner, &d, &sa);
    if (e == ERR_TOO_BIG) {
        send_too_long(n, packet, sa, core);
        return;
    }
    if (e == ERR_NO_POLICY)
        ask_for(n, packet);
    ike_node_protected(n, packet, e, &d, core);
}

static void connect_now(struct ike_node *n)
{
    struct lab *lab = n->lab;
    struct tunnel *t = &lab->tunnels[n->tunnels[0]];
    struct ike_remote remote = {
        .local = {n->outer, IKE_PORT},
        .remote = {lab_called(lab, t), IKE_PORT},
    };
    enum err e;

    if (t->starting || t->up)
        return;
    t->started = lab->sim.now;
    metrics_ike_started(lab->metrics, t->group, lab->sim.now);
    e = ike_endpoint_initiate(n->endpoint, lab->sim.now, &remote, &t->ike);
    t->starting = e == OK;
    if (e != OK)
        metrics_ike_failed(lab->metrics, t->group, lab->sim.now, reason_name(REASON_LIMIT));
}

static void answer_now(struct ike_node *n)
{
    const struct look_up *l = &n->extra->look_ups->answer;
    struct ike_answer answer = {.granted = !l->timed_out || n->extra->look_ups->words->accept};

    n->extra->look_ups->answering = false;
    n->extra->host_metrics->look_ups_timed_out += l->timed_out;
    n->extra->host_metrics->look_ups_refused += !answer.granted;
    hist_add(&n->extra->host_metrics->look_up_wait_ns, n->lab->sim.now - l->begun);
    /* The handshake may be over: ERR_NOT_FOUND. */
    (void)ike_endpoint_answer(n->endpoint, n->lab->sim.now, l->request, &answer);
}

static void read_datagram(struct ike_node *n, uint32_t packet)
{
    struct packet *p = packet_at(&n->lab->sim, packet);
    struct ip_packet ip;

    if (ip_read(bytes_of(p->data, p->len), &ip) == OK)
        receive_datagram(n, packet, &ip);
    else
        packet_drop(&n->lab->sim, n->node, packet, NET_DROP_CORRUPT);
}

void ike_node_end_work(struct ike_node *n, uint32_t core)
{
    pull_datagrams(n, core);
    ike_node_pull_events(n);
    ike_node_count(n);
}

void ike_node_take(struct ike_node *n, uint32_t packet, const struct ip_packet *ip)
{
    ike_node_bind(n);
    receive_datagram(n, packet, ip);
    ike_node_end_work(n, SIM_NONE);
}

/* Run one job to its end inside the endpoint; its packets go to `core`. */
void ike_node_work(struct ike_node *n, uint32_t job, uint32_t core)
{
    ike_node_bind(n);
    if (job == JOB_EXPIRE) {
        n->expire_queued = false;
        ike_endpoint_expire(n->endpoint, n->lab->sim.now);
    } else if (job == JOB_CONNECT) {
        n->connect_queued = false;
        connect_now(n);
    } else if (job == JOB_ANSWER) {
        answer_now(n);
    } else if (job == JOB_ASK) {
        ike_node_ask_now(n);
    } else if (packet_at(&n->lab->sim, job)->entered) {
        read_datagram(n, job);
    } else {
        send_payload(n, job, core);
    }
    ike_node_end_work(n, core);
}
