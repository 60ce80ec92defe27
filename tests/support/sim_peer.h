/*
 * A plain node for tests of the simulator: it makes UDP packets, remembers what arrives, puts
 * fragments together, and can answer. The last PEER_ARRIVALS are kept, all are counted.
 */
#ifndef TESTS_SIM_PEER_H
#define TESTS_SIM_PEER_H

#include "proto/ip/packet.h"
#include "proto/ip/udp.h"
#include "sim/join.h"
#include "sim/link.h"
#include "sim/sim.h"

enum { PEER_ARRIVALS = 4096 };

struct peer_arrival {
    nsec at;
    uint32_t sequence, len, port;
    struct ip_endpoint src, dst;
    bool good; /* readable, checksums right */
    uint8_t protocol;
};

struct peer {
    struct ip_addr address;
    struct joiner joiner;
    struct peer_arrival arrivals[PEER_ARRIVALS];
    uint64_t count;
    nsec interval; /* send one packet to `to` at each timer */
    uint64_t left;
    size_t payload;
    struct ip_endpoint from, to;
    bool df;
};

static inline struct peer *peer_at(struct sim *s, uint32_t node)
{
    return s->nodes[node].state;
}

static inline void peer_receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct peer *p = peer_at(s, node);
    struct peer_arrival a = {.at = s->now, .port = port};
    struct udp_datagram udp;
    struct ip_packet ip;

    if (ip_read(bytes_of(packet_at(s, packet)->data, packet_at(s, packet)->len), &ip) == OK) {
        if (ip_is_fragment(&ip)) {
            packet = joiner_add(s, node, &p->joiner, packet, &ip);
            if (packet == SIM_NONE)
                return;
            if (ip_read(bytes_of(packet_at(s, packet)->data, packet_at(s, packet)->len), &ip) != OK)
                ck_abort_msg("a joined packet cannot be read");
        }
        a.protocol = ip.protocol;
        a.good = udp_read(&ip, &udp) == OK;
        if (a.good) {
            a.src = udp.src;
            a.dst = udp.dst;
        }
    }
    a.sequence = packet_at(s, packet)->sequence;
    a.len = packet_at(s, packet)->len;
    p->arrivals[p->count++ % PEER_ARRIVALS] = a;
    if (a.good || (a.protocol != 0 && a.protocol != IP_PROTOCOL_UDP))
        packet_deliver(s, node, packet);
    else
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
}

/* Send `payload` bytes of UDP. */
static inline uint32_t peer_send(struct sim *s, uint32_t node, const struct ip_endpoint *from,
                                 const struct ip_endpoint *to, size_t payload, bool df)
{
    uint32_t i = packet_new(s, node, (uint32_t)payload);
    struct packet *p;
    struct udp_build build = {.src = *from, .dst = *to, .df = df};
    struct bytes whole;

    /* ck_assert writes to a file each time it passes: too slow for each packet. */
    if (i == SIM_NONE)
        ck_abort_msg("out of memory");
    p = packet_at(s, i);
    build.id = (uint16_t)p->sequence;
    memset(p->data, (int)(p->sequence & 0xff), payload);
    if (udp_datagram_write(p->data, payload, &build, &whole) != OK)
        ck_abort_msg("a packet of %zu bytes cannot be written", payload);
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    sim_send(s, node, 0, i, true);
    return i;
}

static inline void peer_timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct peer *p = peer_at(s, node);

    if (slot == 1) {
        sim_arm(s, node, 1, joiner_expire(s, &p->joiner));
        return;
    }
    if (p->left == 0)
        return;
    p->left--;
    peer_send(s, node, &p->from, &p->to, p->payload, p->df);
    if (p->left)
        sim_arm(s, node, slot, s->now + p->interval);
}

static inline void peer_destroy(struct sim *s, uint32_t node)
{
    struct peer *p = peer_at(s, node);

    joiner_drop(s, &p->joiner, NET_DROP_REASSEMBLY);
    free(p);
}

static const struct node_class peer_class = {
    .name = "peer", .receive = peer_receive, .timer = peer_timer, .destroy = peer_destroy};

/** A node 10.0.0.(1 + number), or the address given. */
static inline uint32_t peer_add(struct sim *s, uint32_t address)
{
    struct peer *p = calloc(1, sizeof *p);
    uint32_t node;

    ck_assert_ptr_nonnull(p);
    p->address = ip_addr_v4(address);
    p->from = (struct ip_endpoint){p->address, 500};
    node = sim_add_node(s, &peer_class, p, 0);
    ck_assert_uint_ne(node, SIM_NONE);
    return node;
}

/** Let `node` send `count` packets of `payload` bytes every `interval` from `start` on. */
static inline void peer_stream(struct sim *s, uint32_t node, uint32_t to, nsec start, nsec interval,
                               uint64_t count, size_t payload)
{
    struct peer *p = peer_at(s, node);

    p->to = (struct ip_endpoint){ip_addr_v4(to), 500};
    p->interval = interval;
    p->left = count;
    p->payload = payload;
    sim_arm(s, node, 0, start);
}

static const struct link_words plain_link = {.limit = 1000, .mtu = 1500};

/* A probability in parts per million. */
static inline uint64_t ppm(uint64_t n)
{
    return (n << 32) / 1000000;
}

static inline void ck_assert_balanced(const struct sim *s)
{
    struct sim_imbalance i;

    ck_assert_msg(sim_balanced(s, &i), "books of %s %u differ by %lld",
                  i.where == BALANCE_RUN    ? "run"
                  : i.where == BALANCE_LINK ? "link"
                                            : "node",
                  i.index, (long long)i.difference);
}

#endif
