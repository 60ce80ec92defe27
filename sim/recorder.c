#include "proto/ip/udp.h"
#include "proto/wire/header.h"
#include "proto/wire/registry.h"
#include "proto/wire/v1_registry.h"
#include "record/provenance.h"
#include "sim/link.h"
#include "sim/recorder_inside.h"

#include <stdio.h>
#include <stdlib.h>

/* What one look at a packet tells; texts live as long as the look. */
struct look {
    struct event_packet shown;
    struct bytes esp;
    char source[IP_ENDPOINT_TEXT], destination[IP_ENDPOINT_TEXT];
};

void recorder_choose(struct lab *lab)
{
    const struct capture_words *w = &lab->scenario->capture;

    for (uint32_t i = 0; i < w->of_count; i++) {
        const struct scenario_group *g = &lab->scenario->groups[w->of[i].index];

        for (uint32_t m = w->of[i].first; m <= w->of[i].last && m < g->count; m++)
            lab->sim.nodes[g->first_node + m].captured = true;
    }
}

static enum err add_interfaces(struct recorder *r, uint32_t node)
{
    char own[LAB_NAME_MAX], name[96], address[IP_ADDR_TEXT];
    struct node_addresses a = address_plan_of(&r->lab->plan, node);

    lab_node_name(r->lab, node, own);
    ip_addr_format(&a.outer, address);
    snprintf(name, sizeof name, "%s%s", own, node_is_nat(&r->lab->sim, node) ? " outside" : "");
    r->interfaces[0][node] = capture_interface(r->capture, name, address);
    if (node_is_nat(&r->lab->sim, node)) {
        ip_addr_format(&a.inside, address);
        snprintf(name, sizeof name, "%s inside", own);
        r->interfaces[1][node] = capture_interface(r->capture, name, address);
    }
    if (a.outer.family && a.behind == SCENARIO_NONE)
        capture_name(r->capture, a.outer.family, a.outer.bytes, own);
    if (a.second.family && a.second_behind == SCENARIO_NONE)
        capture_name(r->capture, a.second.family, a.second.bytes, own);
    return OK;
}

static enum err open_files(struct recorder *r)
{
    const struct capture_words *w = &r->lab->scenario->capture;
    FILE *events = run_folder_open(r->folder, "events.jsonl");
    FILE *keys = run_folder_open(r->folder, "keys.jsonl");
    FILE *capture = run_folder_open(r->folder, "capture.pcapng");
    struct capture_options options = {.file = capture,
                                      .max_size = w->max_size,
                                      .esp_packets_per_sa = w->esp_packets_per_sa,
                                      .scenario = r->lab->scenario->name,
                                      .seed = r->lab->scenario->seed,
                                      .commit = provenance()->commit,
                                      .crypto = r->lab->crypto->class->name};
    enum err e;

    if (!events || !keys || !capture)
        return ERR_IO;
    e = events_create(events, &r->events);
    if (e == OK)
        e = keys_create(keys, &r->keys);
    if (e == OK)
        e = capture_create(&options, &r->capture);
    return e;
}

static const struct event_packet nothing;

static void show_addresses(struct look *l, const struct ip_packet *ip)
{
    ip_addr_format(&ip->src, l->source);
    ip_addr_format(&ip->dst, l->destination);
}

/* As RFC 2409 §5 calls them. IKEv1 has no flag that says who answers whom. */
static void show_v1(struct look *l, const struct ike_header *header)
{
    switch (header->exchange) {
    case V1_EXCHANGE_MAIN:
        l->shown.exchange = "Main Mode";
        break;
    case V1_EXCHANGE_AGGRESSIVE:
        l->shown.exchange = "Aggressive Mode";
        break;
    case V1_EXCHANGE_QUICK:
        l->shown.exchange = "Quick Mode";
        break;
    case V1_EXCHANGE_INFORMATIONAL:
        l->shown.exchange = "Informational";
        break;
    case V1_EXCHANGE_TRANSACTION:
        l->shown.exchange = "Transaction";
        break;
    default:
        l->shown.exchange = "unknown";
        break;
    }
    l->shown.v1 = true;
}

/* Read an IKE header behind IP and UDP; false for what is none (any more: corrupted). */
static void look_at_udp(struct look *l, const struct packet *p, const struct ip_packet *ip)
{
    struct udp_datagram udp;
    struct bytes message;
    struct ike_header header;

    if (udp_read(ip, &udp) != OK) {
        show_addresses(l, ip);
        return;
    }
    ip_endpoint_format(&udp.src, l->source);
    ip_endpoint_format(&udp.dst, l->destination);
    message = udp.payload;
    l->shown.kind = "other";
    if (p->kind == PACKET_KEEPALIVE)
        l->shown.kind = "keepalive";
    if (p->kind == PACKET_ESP) {
        l->shown.kind = "esp";
        l->esp = message;
    }
    if (p->kind != PACKET_IKE)
        return;
    if (message.len >= 4 && load_be32(message.data) == 0 &&
        (udp.src.port != 500 || udp.dst.port != 500))
        message = bytes_of(message.data + 4, message.len - 4);
    if (header_read(message, &header) != OK)
        return;
    l->shown.kind = "ike";
    l->shown.message_id = header.message_id;
    if (header_major(&header) == IKE_V1) {
        show_v1(l, &header);
    } else {
        l->shown.exchange = exchange_name(header.exchange);
        if (!l->shown.exchange)
            l->shown.exchange = "unknown";
        l->shown.response = header.flags & HEADER_FLAG_RESPONSE;
    }
    l->shown.transmission = p->transmission;
    l->shown.spi_i = header.spi_i;
}

static void look_at(struct look *l, const struct packet *p)
{
    struct ip_packet ip;

    l->shown = nothing;
    l->esp = BYTES_NONE;
    l->shown.packet = (uint64_t)p->source << 32 | p->sequence;
    l->shown.length = p->len;
    l->shown.protocol = "other";
    l->shown.kind = "other";
    l->shown.source = l->source;
    l->shown.destination = l->destination;
    strcpy(l->source, "-");
    strcpy(l->destination, "-");
    if (ip_read(bytes_of(p->data, p->len), &ip) != OK)
        return;
    if (ip.protocol == IP_PROTOCOL_UDP && !ip_is_fragment(&ip)) {
        l->shown.protocol = "udp";
        look_at_udp(l, p, &ip);
    } else {
        show_addresses(l, &ip);
    }
    if (ip_is_fragment(&ip)) {
        l->shown.protocol = "fragment";
        return;
    }
    if (ip.protocol == IP_PROTOCOL_ESP) {
        l->shown.protocol = "esp";
        l->shown.kind = "esp";
        l->esp = ip.payload;
    } else if (ip.protocol == IP_PROTOCOL_ICMP || ip.protocol == IP_PROTOCOL_ICMPV6) {
        l->shown.protocol = "icmp";
    }
    if (l->esp.len >= 8) {
        l->shown.spi = load_be32(l->esp.data);
        l->shown.sequence = load_be32(l->esp.data + 4);
    }
}

static uint32_t interface_of(const struct recorder *r, const struct tap_event *e)
{
    const struct sim *s = &r->lab->sim;
    bool inside = false;

    if (node_is_nat(s, e->node) && e->direction != SIM_NONE) {
        const struct nat_box *n = s->nodes[e->node].state;

        inside = link_from_port(s, e->direction) != n->outside_port;
    }
    return r->interfaces[inside][e->node];
}

static uint64_t to_capture(struct recorder *r, const struct tap_event *e, const struct look *l)
{
    const char *comments[1];
    char comment[80];
    struct capture_packet p = {.interface = interface_of(r, e),
                               .at = e->at,
                               .sent = e->kind == TAP_SENT,
                               .esp = l->esp.len >= 8,
                               .spi = l->shown.spi,
                               .data = bytes_of(e->packet->data, e->packet->len),
                               .comments = comments};

    if (l->shown.transmission > 0) {
        snprintf(comment, sizeof comment, "retransmission %u", l->shown.transmission);
        comments[p.comment_count++] = comment;
    }
    return capture_packet(r->capture, &p);
}

static const char *const tap_names[] = {
    [TAP_SENT] = "packet.sent",
    [TAP_RECEIVED] = "packet.received",
    [TAP_DROPPED] = "packet.dropped",
};

static void tap(void *context, const struct tap_event *e)
{
    struct recorder *r = context;
    const struct sim *s = &r->lab->sim;
    const struct node *n = &s->nodes[e->node];
    char name[LAB_NAME_MAX];
    struct look l;

    if (e->at >= r->host_due)
        recorder_hosts_due(r, e->at, false);
    if (r->sample.behind)
        recorder_listen(r, e);
    if (e->kind == TAP_FRAGMENTED)
        (void)recorder_keeps(r, e); /* whole, it says whose its pieces are */
    if (e->kind > TAP_DROPPED)
        return;
    if (!n->captured && e->kind != TAP_DROPPED && (e->packet->kind != PACKET_IKE || !r->all_nodes))
        return;
    if (!n->captured && !r->all_nodes)
        return;
    if (!recorder_keeps(r, e)) {
        if (n->captured && e->kind != TAP_DROPPED)
            capture_pass(r->capture, interface_of(r, e));
        return;
    }
    look_at(&l, e->packet);
    if (n->captured && e->kind != TAP_DROPPED)
        l.shown.frame = to_capture(r, e, &l);
    /* Of ESP, events.jsonl shows what the capture shows: a gateway sees a million packets. */
    if (e->packet->kind == PACKET_ESP && e->kind != TAP_DROPPED && l.shown.frame == 0)
        return;
    if (e->direction != SIM_NONE)
        l.shown.link = r->lab->scenario->links[link_kind(s, &s->links[e->direction])->link].name;
    if (e->kind == TAP_DROPPED)
        l.shown.cause = net_drop_name(e->cause);
    events_packet(r->events, e->at, lab_node_name(r->lab, e->node, name), tap_names[e->kind],
                  &l.shown);
}

enum err recorder_create(struct lab *lab, struct run_folder *folder, struct recorder **out)
{
    struct recorder *r = calloc(1, sizeof *r);
    enum err e;

    *out = r;
    if (!r)
        return ERR_MEMORY;
    r->lab = lab;
    r->folder = folder;
    r->all_nodes = lab->sim.node_count <= RECORD_ALL_NODES && !lab->attacked;
    for (int side = 0; side < 2; side++) {
        r->interfaces[side] = calloc(lab->sim.node_count + 1, sizeof *r->interfaces[side]);
        if (!r->interfaces[side])
            return ERR_MEMORY;
    }
    e = recorder_sample_init(r);
    if (e == OK)
        e = open_files(r);
    for (uint32_t i = 0; i < lab->sim.node_count && e == OK; i++)
        if (lab->sim.nodes[i].captured)
            e = add_interfaces(r, i);
    if (e == OK)
        e = recorder_details_init(r, capture_totals(r->capture).interfaces);
    lab->sim.tap = (struct sim_tap){.context = r, .packet = tap};
    return e;
}

void recorder_destroy(struct recorder *r)
{
    if (!r)
        return;
    r->lab->sim.tap = (struct sim_tap){0};
    if (r->events)
        events_destroy(r->events);
    if (r->keys)
        keys_destroy(r->keys);
    if (r->capture)
        capture_destroy(r->capture);
    recorder_details_reset(r);
    recorder_sample_reset(r);
    for (int side = 0; side < 2; side++)
        free(r->interfaces[side]);
    free(r);
}

enum err recorder_finish(struct recorder *r, nsec at)
{
    enum err e, next = capture_close(r->capture, at);

    recorder_hosts_due(r, at, true);
    e = events_flush(r->events);
    if (e == OK)
        e = next;
    next = keys_write_profile(r->keys, r->folder);
    return e == OK ? next : e;
}

struct capture_totals recorder_totals(const struct recorder *r)
{
    return capture_totals(r->capture);
}

void recorder_sa(struct recorder *r, uint32_t node, const struct ike_event *e)
{
    const struct node *n = &r->lab->sim.nodes[node];
    char name[LAB_NAME_MAX];

    if ((!r->all_nodes && !n->captured) || !recorder_keeps_sa(r, node, e))
        return;
    if (e->kind == EVENT_KEYS) { /* only captured nodes tell any */
        keys_event(r->keys, e->at, lab_node_name(r->lab, node, name), e->version, e->keys);
        return;
    }
    events_begin(r->events, e->at, lab_node_name(r->lab, node, name),
                 e->kind == EVENT_RETRANSMIT ? "ike.retransmit" : "sa.state");
    events_ike_sa(r->events, e->spi_i);
    if (e->kind == EVENT_RETRANSMIT) {
        events_u64(r->events, "count", e->count);
    } else {
        events_text(r->events, "state", event_name(e->kind));
        events_text(r->events, "kind", handle_none(e->child.handle) ? "ike" : "child");
        if (e->reason != REASON_NONE)
            events_text(r->events, "reason", reason_name(e->reason));
        if (e->certificate != CERT_VALID)
            events_text(r->events, "certificate", x509_result_name(e->certificate));
        events_text(r->events, "role", e->initiator ? "initiator" : "responder");
        if (e->installed)
            events_bool(r->events, "installed", true);
        recorder_child_spis(r, node, e);
        recorder_successor(r, node, e);
    }
    events_end(r->events);
}

void recorder_scenario(struct recorder *r, nsec at, const char *what, const char *targets)
{
    events_begin(r->events, at, "scenario", "scenario.event");
    events_text(r->events, "do", what);
    events_text(r->events, "nodes", targets);
    events_end(r->events);
}

void recorder_nat(void *recorder, uint32_t node, nsec at, const struct nat_event *e)
{
    struct recorder *r = recorder;
    const struct node *n = &r->lab->sim.nodes[node];
    static const char *const names[] = {[NAT_MAPPED] = "nat.mapped",
                                        [NAT_REFRESHED] = "nat.refreshed",
                                        [NAT_EXPIRED] = "nat.expired",
                                        [NAT_REBOOTED] = "nat.rebooted"};
    char inside[IP_ENDPOINT_TEXT], outside[IP_ENDPOINT_TEXT], remote[IP_ENDPOINT_TEXT];
    char name[LAB_NAME_MAX];

    if (!n->captured && (e->change == NAT_REFRESHED || !r->all_nodes))
        return;
    if (e->change != NAT_REBOOTED && !recorder_keeps_endpoint(r, node, &e->inside))
        return;
    events_begin(r->events, at, lab_node_name(r->lab, node, name), names[e->change]);
    if (e->change == NAT_REBOOTED) {
        events_u64(r->events, "mappings", e->mappings);
    } else {
        events_text(r->events, "inside", ip_endpoint_format(&e->inside, inside));
        events_text(r->events, "outside", ip_endpoint_format(&e->outside, outside));
        if (e->change == NAT_REFRESHED)
            events_text(r->events, "direction", e->inbound ? "inbound" : "outbound");
        else
            events_text(r->events, "remote", ip_endpoint_format(&e->remote, remote));
        if (e->change != NAT_EXPIRED)
            events_u64(r->events, "expires_ns", e->expires);
        if (e->change == NAT_MAPPED || e->change == NAT_EXPIRED)
            events_text(r->events, "protocol", "udp");
    }
    events_end(r->events);
}
