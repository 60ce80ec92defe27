/*
 * NAT boxes: what refreshes nothing, what must not pass, and a table that ends one by one.
 *
 * Two hosts inside, and one node outside that stands for every remote; links to the outside take
 * 1 ms, those inside no time.
 */
#include "suite.h"

#include "sim/nat_box.h"
#include "sim_peer.h"

#define S NSEC_PER_S

enum { INSIDE = 0xc0a80002, OUTSIDE = 0xc0000201, R1 = 0xcb007101, R2 = 0xcb007102 };

struct net {
    struct sim sim;
    uint32_t nat, out, in[2];
    uint64_t told[4]; /* by enum nat_change */
    nsec told_at[4];
    uint32_t lost; /* told by the reboot */
    struct nat_observer observer;
};

static const struct nat_words plain_nat = {.mapping = NAT_ENDPOINT_INDEPENDENT,
                                           .filtering = NAT_ENDPOINT_INDEPENDENT,
                                           .refresh = NAT_REFRESH_BOTH,
                                           .udp_timeout = 30 * S,
                                           .port_first = 2000,
                                           .port_last = 2999};

static struct ip_endpoint at(uint32_t address, uint16_t port)
{
    return (struct ip_endpoint){ip_addr_v4(address), port};
}

static void changed(void *context, uint32_t node, nsec when, const struct nat_event *e)
{
    struct net *n = context;

    ck_assert_uint_eq(node, n->nat);
    n->told[e->change]++;
    n->told_at[e->change] = when;
}

static struct net *net_make(const struct nat_words *words)
{
    const struct link_words near = {.limit = 100, .mtu = 1500},
                            far = {.delay = NSEC_PER_MS, .limit = 100, .mtu = 1500};
    struct net *n = calloc(1, sizeof *n);
    struct ip_addr outside = ip_addr_v4(OUTSIDE);
    struct nat_box *box;
    uint32_t link;

    ck_assert_ptr_nonnull(n);
    ck_assert_ok(sim_init(&n->sim, 3));
    box = nat_box_create(words, 1);
    ck_assert_ptr_nonnull(box);
    ck_assert_ok(nat_box_place(box, &outside));
    n->observer = (struct nat_observer){n, changed};
    nat_box_observe(box, &n->observer);
    n->nat = sim_add_node(&n->sim, &nat_box_class, box, 0);
    n->out = peer_add(&n->sim, R1);
    for (uint32_t i = 0; i < 2; i++) {
        n->in[i] = peer_add(&n->sim, INSIDE + i);
        ck_assert_uint_ne(link_add(&n->sim, n->in[i], n->nat, &near, &near, 0, i), SIM_NONE);
    }
    link = link_add(&n->sim, n->nat, n->out, &far, &far, 1, 2);
    box->outside_port = link_from_port(&n->sim, link);
    return n;
}

static void net_free(struct net *n)
{
    ck_assert_balanced(&n->sim);
    ck_assert_ptr_null(n->sim.broken);
    sim_reset(&n->sim);
    free(n);
}

static void run_to(struct net *n, nsec until)
{
    ck_assert_ok(sim_run(&n->sim, until));
}

/* Let what is on its way arrive, timers aside: 1 ms. */
static void settle(struct net *n)
{
    run_to(n, n->sim.now + NSEC_PER_MS);
}

static struct peer_arrival *newest(struct net *n, uint32_t node)
{
    struct peer *p = peer_at(&n->sim, node);

    return p->count ? &p->arrivals[p->count - 1] : NULL;
}

/* A packet from host `i`: the outside port it came out of; 0 when it did not. */
static uint16_t outward(struct net *n, uint32_t i, uint16_t port, struct ip_endpoint to)
{
    uint64_t before = peer_at(&n->sim, n->out)->count;
    struct ip_endpoint from = at(INSIDE + i, port);

    peer_send(&n->sim, n->in[i], &from, &to, 40, false);
    settle(n);
    if (peer_at(&n->sim, n->out)->count == before)
        return 0;
    ck_assert(newest(n, n->out)->good);
    ck_assert(ip_endpoint_equal(&newest(n, n->out)->dst, &to));
    ck_assert(ip_addr_equal(&newest(n, n->out)->src.addr, &(struct ip_addr){4, {192, 0, 2, 1}}));
    return newest(n, n->out)->src.port;
}

/* A packet to an outside port: does it reach host `i`, at `port`? */
static bool inward(struct net *n, struct ip_endpoint from, uint16_t to, uint32_t i, uint16_t port)
{
    uint64_t before = peer_at(&n->sim, n->in[i])->count;
    struct ip_endpoint box = at(OUTSIDE, to), host = at(INSIDE + i, port);

    peer_send(&n->sim, n->out, &from, &box, 40, false);
    settle(n);
    if (peer_at(&n->sim, n->in[i])->count == before)
        return false;
    ck_assert(newest(n, n->in[i])->good);
    ck_assert(ip_endpoint_equal(&newest(n, n->in[i])->src, &from));
    ck_assert(ip_endpoint_equal(&newest(n, n->in[i])->dst, &host));
    return true;
}

static uint64_t dropped(const struct net *n, enum net_drop cause)
{
    return n->sim.net.dropped[cause];
}

/* Who was sent to may answer: a permission of its own for each remote. */
START_TEST(filters_learn_every_remote)
{
    struct nat_words words = plain_nat;
    struct net *n;
    uint16_t port;

    words.filtering = NAT_ADDRESS_AND_PORT_DEPENDENT;
    n = net_make(&words);
    for (uint16_t i = 1; i < 20; i++) {
        port = outward(n, 0, 500, at(R2, i));
        for (uint16_t k = 1; k < 22; k++)
            ck_assert(inward(n, at(R2, k), port, 0, 500) == (k <= i));
    }
    ck_assert_uint_eq(n->told[NAT_MAPPED], 1);
    net_free(n);
}
END_TEST

START_TEST(a_filtered_packet_refreshes_nothing)
{
    struct nat_words words = plain_nat;
    struct net *n;
    uint16_t port;

    words.filtering = NAT_ADDRESS_DEPENDENT;
    words.udp_timeout_unreplied = 10 * S;
    n = net_make(&words);
    port = outward(n, 0, 500, at(R1, 500));
    run_to(n, 9 * S);
    ck_assert(!inward(n, at(R2, 500), port, 0, 500));
    run_to(n, 100 * S);
    ck_assert_uint_eq(n->told_at[NAT_EXPIRED], 10 * S);
    net_free(n);
}
END_TEST

START_TEST(unreplied_mappings_have_their_own_time)
{
    struct nat_words words = plain_nat;
    struct net *n;
    uint16_t port;

    words.udp_timeout_unreplied = 5 * S;
    n = net_make(&words);
    outward(n, 0, 500, at(R1, 500));
    run_to(n, 4 * S);
    outward(n, 0, 500, at(R1, 500));
    run_to(n, 20 * S);
    ck_assert_uint_eq(n->told[NAT_EXPIRED], 1);
    ck_assert_uint_eq(n->told_at[NAT_EXPIRED], 9 * S);
    port = outward(n, 0, 500, at(R1, 500));
    ck_assert(inward(n, at(R1, 500), port, 0, 500));
    run_to(n, 100 * S);
    ck_assert_uint_eq(n->told_at[NAT_EXPIRED], 50 * S + 2 * NSEC_PER_MS);
    net_free(n);

    /* Only what goes out refreshes: the answer changes the next refresh, not this one. */
    words.refresh = NAT_REFRESH_OUTBOUND;
    n = net_make(&words);
    port = outward(n, 0, 500, at(R1, 500));
    ck_assert(inward(n, at(R1, 500), port, 0, 500));
    run_to(n, 3 * S);
    ck_assert_uint_eq(outward(n, 0, 500, at(R1, 500)), port);
    run_to(n, 100 * S);
    ck_assert_uint_eq(n->told[NAT_EXPIRED], 1);
    ck_assert_uint_eq(n->told_at[NAT_EXPIRED], 33 * S);
    net_free(n);
}
END_TEST

START_TEST(many_mappings_expire_each_at_its_time)
{
    struct net *n = net_make(&plain_nat);

    for (uint16_t i = 0; i < 500; i++)
        ck_assert_uint_ne(outward(n, i % 2, (uint16_t)(5000 + i), at(R1, 500)), 0);
    for (uint64_t i = 0; i < 500; i++) {
        run_to(n, 30 * S + i * NSEC_PER_MS - 1);
        ck_assert_uint_eq(n->told[NAT_EXPIRED], i);
        run_to(n, 30 * S + i * NSEC_PER_MS);
        ck_assert_uint_eq(n->told[NAT_EXPIRED], i + 1);
    }
    net_free(n);
}
END_TEST

START_TEST(ports_run_out_and_come_back)
{
    struct nat_words words = plain_nat;
    bool seen[5] = {false};
    struct net *n;

    words.port_last = 2004;
    n = net_make(&words);
    for (uint16_t i = 0; i < 5; i++) {
        uint16_t port = outward(n, i % 2, (uint16_t)(600 + i), at(R1, 500));

        ck_assert(port >= 2000 && port <= 2004 && !seen[port - 2000]);
        seen[port - 2000] = true;
    }
    for (uint16_t i = 0; i < 3; i++)
        ck_assert_uint_eq(outward(n, 0, (uint16_t)(700 + i), at(R1, 500)), 0);
    ck_assert_uint_eq(dropped(n, NET_DROP_NAT_FULL), 3);
    run_to(n, S);
    ck_assert_uint_ne(outward(n, 0, 600, at(R1, 500)), 0);
    /* At 30 s the other four are gone. */
    run_to(n, 30 * S + 5 * NSEC_PER_MS);
    for (uint16_t i = 0; i < 4; i++)
        ck_assert_uint_ne(outward(n, 0, (uint16_t)(800 + i), at(R1, 500)), 0);
    ck_assert_uint_eq(outward(n, 0, 804, at(R1, 500)), 0);
    net_free(n);
}
END_TEST

/* Give the network a packet of any bytes. */
static void send_bytes(struct net *n, uint32_t node, struct bytes b)
{
    uint32_t i = packet_new(&n->sim, node, (uint32_t)b.len);

    ck_assert_uint_ne(i, SIM_NONE);
    memcpy(packet_at(&n->sim, i)->data, b.data, b.len);
    packet_at(&n->sim, i)->len = (uint32_t)b.len;
    sim_send(&n->sim, node, 0, i, true);
    settle(n);
}

static void send_protocol(struct net *n, uint32_t node, uint32_t src, uint32_t dst,
                          uint8_t protocol, uint8_t ttl)
{
    struct ip_build build = {
        .src = ip_addr_v4(src), .dst = ip_addr_v4(dst), .protocol = protocol, .ttl = ttl};
    uint8_t room[60] = {0};
    struct bytes whole;

    /* Ports 500 and 500, length 40, no checksum. */
    room[20] = room[22] = 1;
    room[21] = room[23] = 0xf4;
    room[25] = 40;
    ck_assert_ok(ip_datagram_write(room + 20, 40, &build, &whole));
    send_bytes(n, node, whole);
}

START_TEST(bad_packets_do_not_pass)
{
    struct net *n = net_make(&plain_nat);
    uint8_t junk[40] = {0x45, 0, 0, 40};

    send_bytes(n, n->in[0], bytes_of(junk, sizeof junk));
    send_bytes(n, n->out, bytes_of(junk, 3));
    send_bytes(n, n->out, bytes_of(junk + 1, 30));
    ck_assert_uint_eq(dropped(n, NET_DROP_CORRUPT), 3);
    send_protocol(n, n->in[0], INSIDE, R1, IP_PROTOCOL_UDP, 1);
    ck_assert_uint_eq(dropped(n, NET_DROP_NO_ROUTE), 1);
    ck_assert_uint_eq(n->told[NAT_MAPPED], 0);
    ck_assert_uint_eq(peer_at(&n->sim, n->out)->count, 0);
    net_free(n);
}
END_TEST

/* A damaged payload is not made whole by the new checksum. */
START_TEST(damage_survives_rewriting)
{
    struct net *n = net_make(&plain_nat);
    struct udp_build build = {.src = at(INSIDE, 500), .dst = at(R1, 500)};
    uint8_t room[100] = {0};
    struct bytes whole;

    ck_assert_ok(udp_datagram_write(room + 28, 50, &build, &whole));
    room[60] ^= 4;
    send_bytes(n, n->in[0], whole);
    ck_assert_uint_eq(peer_at(&n->sim, n->out)->count, 1);
    ck_assert(!newest(n, n->out)->good);
    net_free(n);
}
END_TEST

SUITE("nat_refusals", filters_learn_every_remote, a_filtered_packet_refreshes_nothing,
      unreplied_mappings_have_their_own_time, many_mappings_expire_each_at_its_time,
      ports_run_out_and_come_back, bad_packets_do_not_pass, damage_survives_rewriting)
