/*
 * NAT boxes: all nine cells of RFC 4787's mapping and filtering against a table written by hand,
 * timers to the nanosecond, refresh direction, reboot, ports, hairpin, fragments, ICMP, and what a
 * box does not let through.
 */
#include "suite.h"

#include "base/digest.h"
#include "proto/ip/icmp.h"
#include "sim/nat_box.h"
#include "sim_peer.h"

enum {
    HOST_A = 0x0a000002,
    HOST_B = 0x0a000003,
    OUTSIDE = 0xc6336401,
    REMOTE_1 = 0xcb007101,
    REMOTE_2 = 0xcb007102,
};

static const struct nat_words home = {.mapping = NAT_ENDPOINT_INDEPENDENT,
                                      .filtering = NAT_ENDPOINT_INDEPENDENT,
                                      .refresh = NAT_REFRESH_BOTH,
                                      .udp_timeout = 120 * NSEC_PER_S,
                                      .udp_timeout_unreplied = 30 * NSEC_PER_S,
                                      .port_first = 1024,
                                      .port_last = 65535};

/* Two hosts inside, one node outside that plays all remotes. */
struct yard {
    struct sim sim;
    uint32_t a, b, world, nat;
    struct nat_event last;
    nsec last_at;
    uint32_t changes[NAT_REBOOTED + 1];
    struct nat_observer observer;
};

static void watch(void *context, uint32_t node, nsec at, const struct nat_event *e)
{
    struct yard *y = context;

    ck_assert_uint_eq(node, y->nat);
    y->last = *e;
    y->last_at = at;
    y->changes[e->change]++;
}

static void yard_init(struct yard *y, const struct nat_words *words, uint32_t inside_mtu)
{
    struct link_words lan = plain_link;
    struct ip_addr outside = ip_addr_v4(OUTSIDE);
    struct nat_box *box = nat_box_create(words, 1);
    uint32_t link;

    lan.mtu = inside_mtu;
    memset(y, 0, sizeof *y);
    ck_assert_ok(sim_init(&y->sim, 1));
    y->a = peer_add(&y->sim, HOST_A);
    y->b = peer_add(&y->sim, HOST_B);
    y->world = peer_add(&y->sim, REMOTE_1);
    y->nat = sim_add_node(&y->sim, &nat_box_class, box, 0);
    ck_assert_uint_ne(link_add(&y->sim, y->a, y->nat, &lan, &lan, 0, 1), SIM_NONE);
    ck_assert_uint_ne(link_add(&y->sim, y->b, y->nat, &lan, &lan, 0, 2), SIM_NONE);
    link = link_add(&y->sim, y->nat, y->world, &plain_link, &plain_link, 1, 3);
    ck_assert_uint_ne(link, SIM_NONE);
    ck_assert_ok(nat_box_place(box, &outside));
    box->outside_port = link_from_port(&y->sim, link);
    y->observer = (struct nat_observer){y, watch};
    nat_box_observe(box, &y->observer);
}

static void yard_reset(struct yard *y)
{
    ck_assert_ptr_null(y->sim.broken);
    ck_assert_balanced(&y->sim);
    sim_reset(&y->sim);
}

static struct ip_endpoint at(uint32_t address, uint16_t port)
{
    return (struct ip_endpoint){ip_addr_v4(address), port};
}

static void settle(struct yard *y)
{
    ck_assert_ok(sim_run(&y->sim, y->sim.now));
}

/* Send from inside; the endpoint that the world sees, port 0 if nothing came. */
static struct ip_endpoint out(struct yard *y, uint32_t host, uint16_t port, uint32_t remote,
                              uint16_t remote_port)
{
    struct peer *world = peer_at(&y->sim, y->world);
    struct ip_endpoint from = {peer_at(&y->sim, host)->address, port};
    struct ip_endpoint to = at(remote, remote_port);
    const struct peer_arrival *a = &world->arrivals[world->count % PEER_ARRIVALS];
    uint64_t before = world->count;

    peer_send(&y->sim, host, &from, &to, 100, false);
    settle(y);
    if (world->count == before)
        return (struct ip_endpoint){0};
    ck_assert(a->good);
    ck_assert(ip_endpoint_equal(&a->dst, &to));
    return a->src;
}

/* Send from outside to an outside endpoint; does it reach the host and port? */
static bool in(struct yard *y, uint32_t remote, uint16_t remote_port, const struct ip_endpoint *to,
               uint32_t host, uint16_t port)
{
    struct peer *inside = peer_at(&y->sim, host);
    const struct peer_arrival *a = &inside->arrivals[inside->count % PEER_ARRIVALS];
    struct ip_endpoint from = at(remote, remote_port);
    uint64_t before = inside->count;

    peer_send(&y->sim, y->world, &from, to, 100, false);
    settle(y);
    if (inside->count == before)
        return false;
    ck_assert(a->good);
    ck_assert(ip_endpoint_equal(&a->src, &from));
    ck_assert_uint_eq(a->dst.port, port);
    ck_assert(ip_addr_equal(&a->dst.addr, &inside->address));
    return true;
}

static void wait_until(struct yard *y, nsec t)
{
    ck_assert_ok(sim_run(&y->sim, t));
}

/*
 * RFC 4787 §4.1 and §5. Host A:500 has sent to remote 1 port 500.
 * Mapping, one letter for what else it sends to: S same outside endpoint, N a new one.
 * Filtering, one letter for who sends back: I gets in, F filtered.
 * Order: remote 1 other port, remote 2 same port, remote 2 other port.
 */
static const struct {
    enum nat_behaviour mapping, filtering;
    const char *maps, *lets;
} cells[] = {
    {NAT_ENDPOINT_INDEPENDENT, NAT_ENDPOINT_INDEPENDENT, "SSS", "III"},
    {NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_DEPENDENT, "SSS", "IFF"},
    {NAT_ENDPOINT_INDEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT, "SSS", "FFF"},
    {NAT_ADDRESS_DEPENDENT, NAT_ENDPOINT_INDEPENDENT, "SNN", "III"},
    {NAT_ADDRESS_DEPENDENT, NAT_ADDRESS_DEPENDENT, "SNN", "IFF"},
    {NAT_ADDRESS_DEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT, "SNN", "FFF"},
    {NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_ENDPOINT_INDEPENDENT, "NNN", "III"},
    {NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_ADDRESS_DEPENDENT, "NNN", "IFF"},
    {NAT_ADDRESS_AND_PORT_DEPENDENT, NAT_ADDRESS_AND_PORT_DEPENDENT, "NNN", "FFF"},
};

static const struct {
    uint32_t remote;
    uint16_t port;
} others[3] = {{REMOTE_1, 4500}, {REMOTE_2, 500}, {REMOTE_2, 4500}};

START_TEST(nine_cells)
{
    for (size_t c = 0; c < sizeof cells / sizeof *cells; c++)
        for (int o = 0; o < 3; o++) {
            struct nat_words words = home;
            struct ip_endpoint first, second;
            struct yard y;

            words.mapping = cells[c].mapping;
            words.filtering = cells[c].filtering;
            yard_init(&y, &words, 1500);
            first = out(&y, y.a, 500, REMOTE_1, 500);
            ck_assert(ip_addr_equal(&first.addr, &(struct ip_addr){4, {198, 51, 100, 1}}));
            /* Who it has sent to always gets in. */
            ck_assert(in(&y, REMOTE_1, 500, &first, y.a, 500));
            ck_assert_int_eq(in(&y, others[o].remote, others[o].port, &first, y.a, 500),
                             cells[c].lets[o] == 'I');
            ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_FILTERED], cells[c].lets[o] == 'F');
            second = out(&y, y.a, 500, others[o].remote, others[o].port);
            ck_assert_int_eq(ip_endpoint_equal(&first, &second), cells[c].maps[o] == 'S');
            /* Now it has sent there too: the answer gets in by whatever mapping it used. */
            ck_assert(in(&y, others[o].remote, others[o].port, &second, y.a, 500));
            /* And the old way is as good as it was for the first. */
            ck_assert(in(&y, REMOTE_1, 500, &first, y.a, 500));
            /* The same again gives the same again. */
            second = out(&y, y.a, 500, REMOTE_1, 500);
            ck_assert(ip_endpoint_equal(&first, &second));
            /* Another host, another port: always another endpoint. */
            second = out(&y, y.b, 500, REMOTE_1, 500);
            ck_assert(!ip_endpoint_equal(&first, &second));
            second = out(&y, y.a, 501, REMOTE_1, 500);
            ck_assert(!ip_endpoint_equal(&first, &second));
            ck_assert_uint_eq(y.changes[NAT_MAPPED], cells[c].maps[o] == 'S' ? 3 : 4);
            yard_reset(&y);
        }
}
END_TEST

START_TEST(nothing_gets_in_uninvited)
{
    struct ip_endpoint nobody = at(OUTSIDE, 500);
    struct yard y;

    yard_init(&y, &home, 1500);
    ck_assert(!in(&y, REMOTE_1, 500, &nobody, y.a, 500));
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 1);
    /* Not for the box at all. */
    nobody = at(HOST_A, 500);
    ck_assert(!in(&y, REMOTE_1, 500, &nobody, y.a, 500));
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NO_ROUTE], 1);
    yard_reset(&y);
}
END_TEST

/* validation.md d-18, d-19: reachable as long as the gap is below the timer, Linux's 30/120 s. */
START_TEST(timers_to_the_nanosecond)
{
    struct ip_endpoint seen;
    struct yard y;

    yard_init(&y, &home, 1500);
    seen = out(&y, y.a, 500, REMOTE_1, 500);
    wait_until(&y, 30 * NSEC_PER_S - 1);
    ck_assert(in(&y, REMOTE_1, 500, &seen, y.a, 500)); /* now it is replied: 120 s */
    wait_until(&y, 150 * NSEC_PER_S - 2);
    ck_assert_uint_eq(y.changes[NAT_EXPIRED], 0);
    wait_until(&y, 150 * NSEC_PER_S - 1);
    ck_assert_uint_eq(y.changes[NAT_EXPIRED], 1);
    ck_assert_uint_eq(y.last_at, 150 * NSEC_PER_S - 1);
    ck_assert(ip_endpoint_equal(&y.last.outside, &seen));
    ck_assert_uint_eq(y.last.inside.port, 500);
    ck_assert(!in(&y, REMOTE_1, 500, &seen, y.a, 500));
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 1);
    yard_reset(&y);

    /* An unreplied one is gone after 30 s, although packets at one time come before timers. */
    yard_init(&y, &home, 1500);
    seen = out(&y, y.a, 500, REMOTE_1, 500);
    wait_until(&y, 30 * NSEC_PER_S - 1);
    peer_at(&y.sim, y.world)->from = at(REMOTE_1, 500);
    peer_at(&y.sim, y.world)->to = seen;
    peer_at(&y.sim, y.world)->left = 1;
    sim_arm(&y.sim, y.world, 0, 30 * NSEC_PER_S);
    wait_until(&y, 30 * NSEC_PER_S);
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 1);
    ck_assert_uint_eq(y.changes[NAT_EXPIRED], 1);
    yard_reset(&y);
}
END_TEST

/* Outbound every 20 s, or inbound every 20 s, against a timer of 30 s, in each direction. */
START_TEST(refresh_direction)
{
    static const struct {
        enum nat_refresh refresh;
        bool by_outbound, by_inbound;
    } table[] = {
        {NAT_REFRESH_OUTBOUND, true, false},
        {NAT_REFRESH_INBOUND, false, true},
        {NAT_REFRESH_BOTH, true, true},
    };

    for (int i = 0; i < 3; i++)
        for (int inbound = 0; inbound < 2; inbound++) {
            struct nat_words words = home;
            struct ip_endpoint seen;
            struct yard y;

            words.refresh = table[i].refresh;
            words.udp_timeout = 30 * NSEC_PER_S;
            words.udp_timeout_unreplied = 0;
            yard_init(&y, &words, 1500);
            seen = out(&y, y.a, 500, REMOTE_1, 500);
            wait_until(&y, 20 * NSEC_PER_S);
            if (inbound)
                ck_assert(in(&y, REMOTE_1, 500, &seen, y.a, 500));
            else
                out(&y, y.a, 500, REMOTE_1, 500);
            wait_until(&y, 40 * NSEC_PER_S);
            ck_assert_int_eq(in(&y, REMOTE_1, 500, &seen, y.a, 500),
                             inbound ? table[i].by_inbound : table[i].by_outbound);
            yard_reset(&y);
        }
}
END_TEST

/* d-18: m keepalives in a row may be lost if (m + 1) * interval < timer. */
START_TEST(one_lost_keepalive_of_20_s_is_too_many_for_30_s)
{
    struct nat_words words = home;
    struct ip_endpoint seen;
    struct yard y;

    words.refresh = NAT_REFRESH_OUTBOUND;
    words.udp_timeout = 30 * NSEC_PER_S;
    words.port_preservation = false;
    yard_init(&y, &words, 1500);
    seen = out(&y, y.a, 4500, REMOTE_1, 4500);
    for (nsec t = 20; t <= 200; t += 20) {
        struct ip_endpoint again;

        wait_until(&y, t * NSEC_PER_S);
        if (t == 100)
            continue; /* lost on the inner hop */
        again = out(&y, y.a, 4500, REMOTE_1, 4500);
        ck_assert_int_eq(ip_endpoint_equal(&seen, &again), t < 100);
    }
    ck_assert_uint_eq(y.changes[NAT_EXPIRED], 1);
    yard_reset(&y);
}
END_TEST

START_TEST(reboot_forgets)
{
    struct nat_words words = home;
    struct ip_endpoint before, after;
    struct yard y;

    words.port_preservation = true;
    words.port_first = 1;
    for (int new_ports = 0; new_ports < 2; new_ports++) {
        yard_init(&y, &words, 1500);
        before = out(&y, y.a, 4500, REMOTE_1, 4500);
        ck_assert_uint_eq(before.port, 4500);
        nat_box_reboot(&y.sim, y.nat, new_ports);
        ck_assert_uint_eq(y.changes[NAT_REBOOTED], 1);
        ck_assert_uint_eq(y.last.mappings, 1);
        ck_assert(!in(&y, REMOTE_1, 4500, &before, y.a, 4500));
        ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 1);
        after = out(&y, y.a, 4500, REMOTE_1, 4500);
        ck_assert_int_eq(ip_endpoint_equal(&before, &after), !new_ports);
        ck_assert(in(&y, REMOTE_1, 4500, &after, y.a, 4500));
        wait_until(&y, 1000 * NSEC_PER_S);
        ck_assert_uint_eq(y.changes[NAT_EXPIRED], 1); /* the second one; the first was lost */
        yard_reset(&y);
    }
}
END_TEST

START_TEST(ports_are_preserved_unless_taken)
{
    struct nat_words words = home;
    struct yard y;

    words.port_preservation = true;
    words.port_first = 400;
    words.port_last = 5000;
    yard_init(&y, &words, 1500);
    ck_assert_uint_eq(out(&y, y.a, 500, REMOTE_1, 500).port, 500);
    ck_assert_uint_eq(out(&y, y.b, 500, REMOTE_1, 500).port, 400); /* taken: the next free one */
    ck_assert_uint_eq(out(&y, y.b, 401, REMOTE_1, 500).port, 401);
    ck_assert_uint_eq(out(&y, y.a, 401, REMOTE_1, 500).port, 402);
    ck_assert_uint_eq(out(&y, y.a, 6000, REMOTE_1, 500).port, 403); /* outside of the range */
    yard_reset(&y);
}
END_TEST

START_TEST(ports_run_out_by_range_and_by_user)
{
    struct nat_words words = home;
    struct yard y;

    words.port_first = 1000;
    words.port_last = 1002;
    yard_init(&y, &words, 1500);
    for (uint16_t i = 0; i < 3; i++)
        ck_assert_uint_eq(out(&y, y.a, 500 + i, REMOTE_1, 500).port, 1000 + i);
    ck_assert_uint_eq(out(&y, y.a, 600, REMOTE_1, 500).port, 0);
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_FULL], 1);
    wait_until(&y, 20 * NSEC_PER_S);
    ck_assert_uint_eq(out(&y, y.a, 501, REMOTE_1, 500).port, 1001); /* kept alive */
    wait_until(&y, 31 * NSEC_PER_S);
    ck_assert_uint_eq(out(&y, y.a, 600, REMOTE_1, 500).port, 1000);
    ck_assert_uint_eq(out(&y, y.a, 601, REMOTE_1, 500).port, 1002);
    yard_reset(&y);

    words = home;
    words.ports_per_user = 2;
    yard_init(&y, &words, 1500);
    ck_assert_uint_ne(out(&y, y.a, 500, REMOTE_1, 500).port, 0);
    ck_assert_uint_ne(out(&y, y.a, 501, REMOTE_1, 500).port, 0);
    ck_assert_uint_eq(out(&y, y.a, 502, REMOTE_1, 500).port, 0);
    ck_assert_uint_ne(out(&y, y.b, 500, REMOTE_1, 500).port, 0); /* another user */
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_FULL], 1);
    yard_reset(&y);
}
END_TEST

START_TEST(random_ports_spread_over_the_range)
{
    struct nat_words words = home;
    uint32_t far = 0;
    uint16_t last = 0;
    struct yard y;

    words.random_ports = true;
    words.port_first = 10000;
    words.port_last = 19999;
    yard_init(&y, &words, 1500);
    for (uint16_t i = 0; i < 200; i++) {
        uint16_t port = out(&y, y.a, 500 + i, REMOTE_1, 500).port;

        ck_assert(port >= 10000 && port <= 19999);
        far += port > last + 100 || port + 100 < last;
        last = port;
    }
    ck_assert_uint_gt(far, 180);
    yard_reset(&y);
}
END_TEST

/* RFC 4787 §6, REQ-9: the source seen inside is the outside endpoint. */
START_TEST(hairpin)
{
    struct nat_words words = home;
    struct ip_endpoint a, b, from;
    const struct peer *host;
    struct yard y;

    for (int on = 0; on < 2; on++) {
        words.hairpin = on;
        yard_init(&y, &words, 600);
        a = out(&y, y.a, 500, REMOTE_1, 500);
        b = out(&y, y.b, 700, REMOTE_1, 500);
        from = at(HOST_A, 500);
        host = peer_at(&y.sim, y.b);
        peer_send(&y.sim, y.a, &from, &b, 100, false);
        peer_send(&y.sim, y.a, &from, &b, 2000, false); /* in fragments */
        settle(&y);
        ck_assert_uint_eq(host->count, on ? 2 : 0);
        for (uint64_t i = 0; i < host->count; i++) {
            ck_assert(host->arrivals[i].good);
            ck_assert(ip_endpoint_equal(&host->arrivals[i].src, &a));
            ck_assert_uint_eq(host->arrivals[i].dst.port, 700);
        }
        yard_reset(&y);
    }
}
END_TEST

/* What comes to a forwarded port from outside goes in, unasked for and in spite of any filter; the
 * host that it is for keeps the port, and nobody else gets it. After the timer the next packet
 * makes the mapping anew. */
START_TEST(forwarded_ports_lead_to_one_host)
{
    struct ip_endpoint from = at(REMOTE_1, 500), to = at(OUTSIDE, 500), seen;
    const struct ip_addr inside = ip_addr_v4(HOST_A);
    struct nat_words words = home;
    const struct peer *host;
    struct nat_box *box;
    struct yard y;

    words.filtering = NAT_ADDRESS_AND_PORT_DEPENDENT;
    words.port_first = 400;
    words.port_preservation = true;
    yard_init(&y, &words, 600);
    box = y.sim.nodes[y.nat].state;
    ck_assert_ok(nat_box_forward(box, &inside, 0));
    host = peer_at(&y.sim, y.a);
    peer_send(&y.sim, y.world, &from, &to, 100, false);
    settle(&y);
    ck_assert_uint_eq(host->count, 1);
    ck_assert(ip_endpoint_equal(&host->arrivals[0].src, &from));
    ck_assert_uint_eq(host->arrivals[0].dst.port, 500);
    seen = out(&y, y.a, 500, REMOTE_2, 500);
    ck_assert(ip_endpoint_equal(&seen, &to));
    seen = out(&y, y.b, 500, REMOTE_1, 500);
    ck_assert_uint_ne(seen.port, 500);
    seen = out(&y, y.b, 4500, REMOTE_1, 500);
    ck_assert_uint_ne(seen.port, 4500);
    to.port = 600; /* no other port is forwarded */
    peer_send(&y.sim, y.world, &from, &to, 100, false);
    to.port = 500;
    settle(&y);
    ck_assert_uint_eq(host->count, 1);
    nat_box_reboot(&y.sim, y.nat, false);
    peer_send(&y.sim, y.world, &from, &to, 100, false);
    settle(&y);
    ck_assert_uint_eq(host->count, 2);
    yard_reset(&y);
}
END_TEST

START_TEST(fragments_follow_the_first)
{
    struct ip_endpoint from = at(HOST_A, 500), to = at(REMOTE_1, 500), seen;
    const struct peer *world, *host;
    struct yard y;

    yard_init(&y, &home, 600);
    world = peer_at(&y.sim, y.world);
    host = peer_at(&y.sim, y.a);
    peer_send(&y.sim, y.a, &from, &to, 3000, false);
    settle(&y);
    ck_assert_uint_eq(world->count, 1);
    ck_assert(world->arrivals[0].good);
    ck_assert_uint_eq(world->arrivals[0].len, 3028);
    seen = world->arrivals[0].src;
    ck_assert(ip_addr_equal(&seen.addr, &(struct ip_addr){4, {198, 51, 100, 1}}));
    /* Cut before the box this time, joined behind it. */
    peer_send(&y.sim, y.world, &to, &seen, 3000, false);
    settle(&y);
    ck_assert_uint_eq(host->count, 1);
    ck_assert(host->arrivals[0].good);
    ck_assert_uint_eq(host->arrivals[0].len, 3028);
    ck_assert_uint_eq(y.changes[NAT_MAPPED], 1);
    yard_reset(&y);
}
END_TEST

/* Many firewalls do so: whole packets pass, of fragments neither the first nor another. */
START_TEST(fragments_that_are_not_let_through)
{
    struct ip_endpoint from = at(HOST_A, 500), to = at(REMOTE_1, 500);
    struct yard y;

    yard_init(&y, &home, 600);
    ((struct nat_box *)y.sim.nodes[y.nat].state)->drops_fragments = true;
    peer_send(&y.sim, y.a, &from, &to, 3000, false);
    settle(&y);
    ck_assert_uint_eq(peer_at(&y.sim, y.world)->count, 0);
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_FRAGMENT], y.sim.net.fragments_made + 1);
    ck_assert_uint_eq(y.changes[NAT_MAPPED], 0);
    peer_send(&y.sim, y.a, &from, &to, 300, false);
    settle(&y);
    ck_assert_uint_eq(peer_at(&y.sim, y.world)->count, 1);
    yard_reset(&y);
}
END_TEST

/* Whatever the order, each fragment is passed on or counted; 40 packets, 32 ways. */
START_TEST(fragments_in_disorder_are_accounted_for)
{
    struct link_words words = {
        .delay = NSEC_PER_MS, .reorder = ppm(300000), .limit = 1000, .mtu = 600};
    struct ip_endpoint to = at(REMOTE_1, 500);
    struct yard y;
    uint32_t link, node;

    yard_init(&y, &home, 600);
    node = peer_add(&y.sim, 0x0a000009);
    link = link_add(&y.sim, node, y.nat, &words, &words, 0, 9);
    ck_assert_uint_ne(link, SIM_NONE);
    for (int i = 0; i < 40; i++)
        peer_send(&y.sim, node, &peer_at(&y.sim, node)->from, &to, 3000, false);
    wait_until(&y, NSEC_PER_S);
    ck_assert_uint_gt(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 0);
    ck_assert_uint_gt(peer_at(&y.sim, y.world)->count, 0);
    ck_assert_uint_lt(peer_at(&y.sim, y.world)->count, 40);
    ck_assert_uint_gt(y.sim.held_fragments, 0);
    yard_reset(&y);
}
END_TEST

/* A whole packet of another protocol, from `node`. */
static void send_raw(struct yard *y, uint32_t node, const struct ip_endpoint *from,
                     const struct ip_endpoint *to, uint8_t protocol, uint8_t ttl)
{
    uint32_t i = packet_new(&y->sim, node, 64);
    struct packet *p = packet_at(&y->sim, i);
    struct ip_build build = {.src = from->addr, .dst = to->addr, .protocol = protocol, .ttl = ttl};
    struct bytes whole;

    memset(p->data, 7, 64);
    ck_assert_ok(ip_datagram_write(p->data, 64, &build, &whole));
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    sim_send(&y->sim, node, 0, i, true);
    settle(y);
}

START_TEST(what_has_no_ports_does_not_pass)
{
    struct ip_endpoint from = at(HOST_A, 0), to = at(REMOTE_1, 0), box = at(OUTSIDE, 0);
    struct yard y;

    yard_init(&y, &home, 1500);
    send_raw(&y, y.a, &from, &to, IP_PROTOCOL_ESP, 64);
    send_raw(&y, y.world, &to, &box, IP_PROTOCOL_ESP, 64);
    send_raw(&y, y.world, &to, &box, IP_PROTOCOL_TCP, 64);
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 3);
    send_raw(&y, y.a, &from, &to, IP_PROTOCOL_UDP, 1); /* TTL ends here */
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NO_ROUTE], 1);
    send_raw(&y, y.world, &to, &box, IP_PROTOCOL_ICMP, 64); /* not an ICMP message */
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NAT_NO_MAPPING], 4);
    ck_assert_uint_eq(peer_at(&y.sim, y.world)->count + peer_at(&y.sim, y.a)->count, 0);
    yard_reset(&y);
}
END_TEST

static const uint8_t *tap_bytes;
static uint8_t tapped[2048];
static uint32_t tap_node, tapped_len;

static void tap(void *context, const struct tap_event *e)
{
    (void)context;
    if (e->kind != TAP_RECEIVED || e->node != tap_node)
        return;
    memcpy(tapped, e->packet->data, e->packet->len);
    tapped_len = e->packet->len;
    tap_bytes = tapped;
}

/* RFC 5508 §4: the quoted packet is translated back, so that the host knows its own. */
START_TEST(icmp_errors_find_their_host)
{
    struct link_words narrow = {.limit = 100, .mtu = 600};
    struct ip_endpoint from = at(HOST_A, 500), to = at(REMOTE_2, 500), seen;
    struct ip_packet ip, quoted;
    struct icmp_message icmp;
    struct yard y;

    yard_init(&y, &home, 1500);
    /* What the world saw, it now complains about. */
    seen = out(&y, y.a, 500, REMOTE_2, 500);
    {
        uint32_t i = packet_new(&y.sim, y.world, 1200);
        struct packet *p = packet_at(&y.sim, i);
        uint8_t original[600];
        struct bytes whole;
        struct udp_build udp = {.src = seen, .dst = to};
        struct ip_build build = {.src = ip_addr_v4(REMOTE_1), .dst = seen.addr};
        struct buf area = {p->data, 0, packet_room(p)};

        memset(original, 3, sizeof original);
        ck_assert_ok(udp_datagram_write(original + 100, 400, &udp, &whole));
        icmp = (struct icmp_message){.kind = ICMP_TOO_BIG, .mtu = 1400, .data = whole};
        ck_assert_ok(icmp_write(&area, &build, &icmp));
        p->len = (uint32_t)area.len;
        y.sim.tap.packet = tap;
        tap_node = y.a;
        tap_bytes = NULL;
        sim_send(&y.sim, y.world, 0, i, true);
        settle(&y);
    }
    ck_assert_ptr_nonnull(tap_bytes);
    ck_assert_ok(ip_read(bytes_of(tapped, tapped_len), &ip));
    ck_assert_ok(icmp_read(&ip, &icmp)); /* the checksum is right */
    ck_assert_uint_eq(icmp.mtu, 1400);
    ck_assert_ok(ip_read_quoted(icmp.data, &quoted));
    ck_assert(ip_addr_equal(&quoted.src, &from.addr));
    ck_assert_uint_eq(load_be16(quoted.payload.data), 500);
    yard_reset(&y);

    /* The box itself complains when asked to: its outer link is narrow. */
    for (int asked = 0; asked < 2; asked++) {
        struct nat_box *box;
        uint32_t link;

        yard_init(&y, &home, 1500);
        box = y.sim.nodes[y.nat].state;
        link = link_add(&y.sim, y.nat, y.world, &narrow, &narrow, 1, 4);
        box->outside_port = link_from_port(&y.sim, link);
        box->icmp_errors = asked;
        y.sim.tap.packet = tap;
        tap_bytes = NULL;
        tap_node = y.a;
        peer_send(&y.sim, y.a, &from, &to, 900, true);
        settle(&y);
        ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_MTU], 1);
        ck_assert_int_eq(tap_bytes != NULL, asked);
        if (asked) {
            ck_assert_ok(ip_read(bytes_of(tapped, tapped_len), &ip));
            ck_assert_ok(icmp_read(&ip, &icmp));
            ck_assert_int_eq(icmp.kind, ICMP_TOO_BIG);
            ck_assert_uint_eq(icmp.mtu, 600);
        }
        yard_reset(&y);
    }
}
END_TEST

/* A box of a carrier: thousands of mappings, random traffic, against the table's own rules (I16).
 */
START_TEST(a_large_table_stays_unique)
{
    struct nat_words words = home;
    struct rng r = rng_stream(5, 0, RNG_TEST);
    struct nat_table *t;
    struct yard y;

    words.mapping = NAT_ADDRESS_AND_PORT_DEPENDENT;
    words.filtering = NAT_ADDRESS_AND_PORT_DEPENDENT;
    words.port_preservation = true;
    words.port_first = 1000;
    words.port_last = 3999;
    yard_init(&y, &words, 1500);
    t = &((struct nat_box *)y.sim.nodes[y.nat].state)->table;
    for (int step = 0; step < 20000; step++) {
        uint16_t port = (uint16_t)(1000 + rng_below(&r, 400));
        uint32_t host = rng_chance(&r, PROBABILITY_ONE / 2) ? y.a : y.b;
        uint16_t remote_port = (uint16_t)(500 + rng_below(&r, 4));
        struct ip_endpoint seen = out(&y, host, port, REMOTE_1, remote_port);

        if (seen.port && rng_chance(&r, PROBABILITY_ONE / 4)) {
            ck_assert(in(&y, REMOTE_1, remote_port, &seen, host, port));
            ck_assert(!in(&y, REMOTE_2, remote_port, &seen, host, port));
        }
        wait_until(&y, y.sim.now + rng_below(&r, 30 * NSEC_PER_MS));
        if (step % 1000 == 999) {
            static uint8_t used[65536];
            uint32_t alive = 0;

            memset(used, 0, sizeof used);
            for (uint32_t i = 0; i < nat_table_many(t)->count; i++) {
                const struct nat_mapping m = nat_table_at(t, i);

                if (!m.alive)
                    continue;
                alive++;
                ck_assert_uint_gt(m.expires, y.sim.now);
                ck_assert(!used[m.outside_port]++);
                ck_assert_uint_eq(nat_table_outside(t, m.outside_port), i);
                ck_assert_uint_eq(nat_table_inside(t, words.mapping, &m.inside, &m.remote), i);
            }
            ck_assert_uint_eq(alive, nat_table_count(t));
            ck_assert_uint_eq(alive, y.changes[NAT_MAPPED] - y.changes[NAT_EXPIRED]);
        }
    }
    ck_assert_uint_gt(nat_table_count(t), 500);
    ck_assert_uint_gt(y.changes[NAT_EXPIRED], 500);
    wait_until(&y, y.sim.now + 121 * NSEC_PER_S);
    ck_assert_uint_eq(nat_table_count(t), 0);
    yard_reset(&y);
}
END_TEST

/* As if a packet and its answer had passed: the same table, for the next packets, as if they had.
 */
START_TEST(passed_is_as_if_it_had_been_sent)
{
    for (int cell = 0; cell < 9; cell++)
        for (int refreshed = 0; refreshed <= NAT_REFRESH_BOTH; refreshed++) {
            struct ip_endpoint src = at(HOST_A, 4500), dst = at(REMOTE_1, 4500), seen[2];
            struct nat_words words = home;
            struct nat_event last[2];
            nsec ends[2];

            words.mapping = (enum nat_behaviour)(cell / 3);
            words.filtering = (enum nat_behaviour)(cell % 3);
            words.refresh = (enum nat_refresh)refreshed;
            for (int told = 0; told < 2; told++) {
                struct yard y;

                yard_init(&y, &words, 1500);
                if (told) {
                    ck_assert(nat_box_passed(&y.sim, y.nat, 0, &src, &dst));
                    seen[1] = src;
                    ck_assert_uint_eq(peer_at(&y.sim, y.world)->count, 0);
                } else {
                    seen[0] = out(&y, y.a, 4500, REMOTE_1, 4500);
                    ck_assert(in(&y, REMOTE_1, 4500, &seen[0], y.a, 4500));
                }
                ck_assert_uint_eq(y.changes[NAT_MAPPED], 1);
                last[told] = y.last;
                ck_assert(in(&y, REMOTE_1, 4500, &seen[told], y.a, 4500));
                ck_assert_int_eq(in(&y, REMOTE_1, 4501, &seen[told], y.a, 4500), cell % 3 < 2);
                while (!y.changes[NAT_EXPIRED])
                    wait_until(&y, y.sim.now + NSEC_PER_S);
                ends[told] = y.last_at;
                yard_reset(&y);
            }
            ck_assert(ip_endpoint_equal(&seen[0], &seen[1]));
            ck_assert(ip_endpoint_equal(&dst, &last[1].remote));
            ck_assert_uint_eq(last[0].expires, last[1].expires);
            ck_assert_int_eq(last[0].inbound, last[1].inbound);
            ck_assert_uint_eq(ends[0], ends[1]);
        }
}
END_TEST

START_TEST(passed_only_where_a_packet_would)
{
    struct nat_words words = home;
    struct ip_endpoint src, dst;
    struct ip_addr forward, outside = ip_addr_v4(OUTSIDE);
    struct nat_box *box;
    struct yard y;

    words.ports_per_user = 1;
    words.port_first = 400;
    yard_init(&y, &words, 1500);
    box = y.sim.nodes[y.nat].state;
    src = at(REMOTE_1, 4500), dst = at(OUTSIDE, 4500); /* uninvited */
    ck_assert(!nat_box_passed(&y.sim, y.nat, box->outside_port, &src, &dst));
    forward = ip_addr_v4(HOST_B);
    ck_assert_ok(nat_box_forward(box, &forward, 1));
    ck_assert(nat_box_passed(&y.sim, y.nat, box->outside_port, &src, &dst));
    ck_assert(ip_addr_equal(&dst.addr, &forward));
    ck_assert_uint_eq(dst.port, 4500);
    src = at(HOST_A, 4500), dst = at(OUTSIDE, 4500); /* back inside: only with hairpin */
    ck_assert(!nat_box_passed(&y.sim, y.nat, 0, &src, &dst));
    words.hairpin = true;
    ck_assert(nat_box_passed(&y.sim, y.nat, 0, &src, &dst));
    ck_assert(ip_addr_equal(&src.addr, &outside));
    ck_assert(ip_addr_equal(&dst.addr, &forward));
    src = at(HOST_A, 4501), dst = at(REMOTE_2, 4500); /* one more than the user may have */
    ck_assert(!nat_box_passed(&y.sim, y.nat, 0, &src, &dst));
    ck_assert_uint_eq(nat_table_count(&box->table), 2);
    yard_reset(&y);
}
END_TEST

SUITE("nat_box", nine_cells, nothing_gets_in_uninvited, timers_to_the_nanosecond, refresh_direction,
      one_lost_keepalive_of_20_s_is_too_many_for_30_s, reboot_forgets,
      ports_are_preserved_unless_taken, ports_run_out_by_range_and_by_user,
      random_ports_spread_over_the_range, hairpin, forwarded_ports_lead_to_one_host,
      fragments_follow_the_first, fragments_in_disorder_are_accounted_for,
      fragments_that_are_not_let_through, what_has_no_ports_does_not_pass,
      icmp_errors_find_their_host, a_large_table_stays_unique, passed_is_as_if_it_had_been_sent,
      passed_only_where_a_packet_would)
