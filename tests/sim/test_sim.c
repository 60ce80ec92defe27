/*
 * The event loop: timers that move, ties, a crash, the hook, broken time (I15), the digests, and a
 * star of a thousand clients whose cost per event is printed.
 */
#include "suite.h"

#include "sim/router.h"
#include "sim_peer.h"

#include <time.h>

/* A node that writes down when its timers fire. */
struct clock {
    nsec at[64];
    uint32_t slot[64];
    uint32_t count;
};

static void clock_timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct clock *c = s->nodes[node].state;

    ck_assert_uint_lt(c->count, 64);
    c->at[c->count] = s->now;
    c->slot[c->count++] = slot;
}

static void clock_receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct clock *c = s->nodes[node].state;

    (void)port;
    ck_assert_uint_lt(c->count, 64);
    c->at[c->count] = s->now;
    c->slot[c->count++] = 100 + packet_at(s, packet)->source;
    packet_deliver(s, node, packet);
}

static const struct node_class clock_class = {
    .name = "clock", .receive = clock_receive, .timer = clock_timer};

START_TEST(a_timer_fires_once_where_it_was_last_set)
{
    struct clock c = {0};
    struct sim s;
    uint32_t n;

    ck_assert_ok(sim_init(&s, 1));
    n = sim_add_node(&s, &clock_class, &c, 0);
    sim_arm(&s, n, 0, 100);
    sim_arm(&s, n, 0, 300); /* later */
    sim_arm(&s, n, 0, 200); /* earlier than that, later than its entry */
    sim_arm(&s, n, 1, 100);
    sim_arm(&s, n, 1, 50); /* earlier than its entry */
    sim_arm(&s, n, 2, 70);
    sim_arm(&s, n, 2, NSEC_NEVER);
    sim_arm(&s, n, 3, 80);
    sim_arm(&s, n, 3, NSEC_NEVER);
    sim_arm(&s, n, 3, 90); /* cancelled and set again */
    ck_assert_ok(sim_run(&s, 1000));
    ck_assert_uint_eq(c.count, 3);
    ck_assert(c.at[0] == 50 && c.slot[0] == 1);
    ck_assert(c.at[1] == 90 && c.slot[1] == 3);
    ck_assert(c.at[2] == 200 && c.slot[2] == 0);
    ck_assert_uint_eq(s.queue.count, 0);
    ck_assert_uint_eq(s.events, 3);
    ck_assert_uint_eq(s.now, 1000);
    sim_reset(&s);
}
END_TEST

/* A timer put off a million times has one entry, not a million. */
START_TEST(a_timer_put_off_does_not_fill_the_queue)
{
    struct clock c = {0};
    struct sim s;
    uint32_t n;

    ck_assert_ok(sim_init(&s, 1));
    n = sim_add_node(&s, &clock_class, &c, 0);
    for (nsec at = 1; at <= 1000000; at++)
        sim_arm(&s, n, 0, at);
    ck_assert_uint_eq(s.queue.count, 1);
    ck_assert_ok(sim_run(&s, 2000000));
    ck_assert_uint_eq(c.count, 1);
    ck_assert_uint_eq(c.at[0], 1000000);
    sim_reset(&s);
}
END_TEST

/* Moved earlier a million times, neither: most of what it leaves behind is swept out. */
START_TEST(a_timer_moved_earlier_does_not_fill_the_queue)
{
    struct clock c = {0}, other = {0};
    uint32_t n, m, most = 0;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    n = sim_add_node(&s, &clock_class, &c, 0);
    m = sim_add_node(&s, &clock_class, &other, 0);
    sim_arm(&s, m, 1, 1500000);
    for (nsec at = 2000000; at > 1000000; at--) {
        sim_arm(&s, n, 0, at);
        most = s.queue.count > most ? s.queue.count : most;
    }
    ck_assert_uint_le(most, 4096);
    ck_assert_ok(sim_run(&s, 3000000));
    ck_assert_uint_eq(c.count, 1);
    ck_assert_uint_eq(c.at[0], 1000001);
    ck_assert_uint_eq(other.count, 1);
    ck_assert_uint_eq(other.at[0], 1500000);
    ck_assert_uint_eq(s.queue.count, 0);
    ck_assert_uint_eq(s.stale, 0);
    sim_reset(&s);
}
END_TEST

/* design.md §5: by entity; packets before timers; packets by (source, sequence); slots in order. */
START_TEST(ties)
{
    struct link_words words = {.delay = 100, .limit = 10, .mtu = 1500};
    struct ip_endpoint to = {ip_addr_v4(1), 1};
    struct clock low = {0}, high = {0};
    uint32_t p[3], first, second;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    first = sim_add_node(&s, &clock_class, &low, 0);
    for (int i = 0; i < 3; i++)
        p[i] = peer_add(&s, 10 + (uint32_t)i);
    second = sim_add_node(&s, &clock_class, &high, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_ne(link_add(&s, p[i], second, &words, &words, 0, (uint32_t)i), SIM_NONE);
    for (uint32_t slot = 4; slot-- > 0;) {
        sim_arm(&s, second, slot, 100);
        sim_arm(&s, first, slot, 100);
    }
    sim_arm(&s, second, 1, 50);
    sim_arm(&s, second, 1, 100); /* an older generation does not matter */
    for (int i = 2; i >= 0; i--)
        peer_send(&s, p[i], &peer_at(&s, p[i])->from, &to, 64, false);
    ck_assert_ok(sim_run(&s, 1000));
    ck_assert_uint_eq(low.count, 4);
    ck_assert_uint_eq(high.count, 7);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(high.slot[i], 100 + p[i]);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(high.slot[3 + i], i);
        ck_assert_uint_eq(low.slot[i], i);
    }
    sim_reset(&s);
}
END_TEST

START_TEST(a_node_that_is_down_hears_nothing)
{
    struct ip_endpoint to = {ip_addr_v4(1), 1};
    struct clock c = {0};
    uint32_t n, p;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    n = sim_add_node(&s, &clock_class, &c, 0);
    p = peer_add(&s, 10);
    ck_assert_uint_ne(link_add(&s, p, n, &plain_link, &plain_link, 0, 0), SIM_NONE);
    sim_arm(&s, n, 0, 10);
    sim_set_down(&s, n, true);
    peer_send(&s, p, &peer_at(&s, p)->from, &to, 64, false);
    ck_assert_ok(sim_run(&s, 100));
    ck_assert_uint_eq(c.count, 0);
    ck_assert_uint_eq(s.net.dropped[NET_DROP_HOST_DOWN], 1);
    sim_set_down(&s, n, false);
    sim_arm(&s, n, 0, 110);
    peer_send(&s, p, &peer_at(&s, p)->from, &to, 64, false);
    ck_assert_ok(sim_run(&s, 200));
    ck_assert_uint_eq(c.count, 2);
    ck_assert_balanced(&s);
    /* I15: whoever arms a timer of a node that is down is found out. */
    sim_set_down(&s, n, true);
    sim_arm(&s, n, 0, 300);
    ck_assert_ok(sim_run(&s, 400));
    ck_assert_ptr_nonnull(s.broken);
    sim_reset(&s);
}
END_TEST

START_TEST(time_does_not_go_back)
{
    struct clock c = {0};
    struct sim s;
    uint32_t n;

    ck_assert_ok(sim_init(&s, 1));
    n = sim_add_node(&s, &clock_class, &c, 0);
    ck_assert_ok(sim_run(&s, 100));
    sim_arm(&s, n, 0, 99);
    ck_assert_ptr_nonnull(s.broken);
    ck_assert(s.stopped);
    sim_reset(&s);
}
END_TEST

static bool three_times(void *context)
{
    return ++*(uint32_t *)context < 3;
}

START_TEST(the_hook_stops_the_run)
{
    uint32_t called = 0;
    struct sim s;
    uint32_t p;

    ck_assert_ok(sim_init(&s, 1));
    p = peer_add(&s, 10);
    ck_assert_uint_ne(link_add(&s, p, p, &plain_link, &plain_link, 0, 0), SIM_NONE);
    s.hook.go_on = three_times;
    s.hook.context = &called;
    s.hook.every = 10;
    peer_stream(&s, p, 10, 0, 1000, 1000, 64);
    ck_assert_ok(sim_run(&s, NSEC_PER_S));
    ck_assert_uint_eq(called, 3);
    ck_assert_uint_eq(s.events, 30);
    ck_assert(s.stopped);
    sim_reset(&s);
}
END_TEST

/* A packet that vanishes is missed: at its node, and in the whole run. */
START_TEST(a_planted_leak_is_found)
{
    struct ip_endpoint to = {ip_addr_v4(1), 1};
    struct sim_imbalance where;
    uint32_t p, q, i;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    p = peer_add(&s, 10);
    q = peer_add(&s, 11);
    ck_assert_uint_ne(link_add(&s, p, q, &plain_link, &plain_link, 0, 0), SIM_NONE);
    i = peer_send(&s, p, &peer_at(&s, p)->from, &to, 64, false);
    ck_assert_balanced(&s);
    ck_assert_uint_eq(sim_in_flight(&s), 1);
    packet_free(&s, i);
    ck_assert_int_eq(sim_conservation(&s), 1);
    ck_assert(!sim_balanced(&s, &where));
    ck_assert_int_eq(where.where, BALANCE_RUN);
    s.net.delivered_packets++; /* cooked books: the link's still tell */
    ck_assert(!sim_balanced(&s, &where));
    ck_assert_int_eq(where.where, BALANCE_LINK);
    ck_assert_int_eq(where.difference, 1);
    sim_reset(&s);
}
END_TEST

/* One bit of content changes the digest, not the timeline; one byte of length changes both. */
START_TEST(digests_see_content_and_length)
{
    uint64_t digest[3], timeline[3];

    for (int i = 0; i < 3; i++) {
        struct ip_endpoint to = {ip_addr_v4(1), (uint16_t)(1 + (i == 1))};
        struct sim s;
        uint32_t p, q;

        ck_assert_ok(sim_init(&s, 1));
        p = peer_add(&s, 10);
        q = peer_add(&s, 11);
        ck_assert_uint_ne(link_add(&s, p, q, &plain_link, &plain_link, 0, 0), SIM_NONE);
        peer_send(&s, p, &peer_at(&s, p)->from, &to, 64 + (i == 2), false);
        ck_assert_ok(sim_run(&s, 10));
        digest[i] = sim_digest(&s);
        timeline[i] = sim_timeline_digest(&s);
        sim_reset(&s);
    }
    ck_assert_uint_ne(digest[0], digest[1]);
    ck_assert_uint_eq(timeline[0], timeline[1]);
    ck_assert_uint_ne(digest[0], digest[2]);
    ck_assert_uint_ne(timeline[0], timeline[2]);
}
END_TEST

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NSEC_PER_S + (uint64_t)t.tv_nsec;
}

/* A thousand packets between two routers that send to each other, until their TTL is over. */
START_TEST(the_price_of_a_hop)
{
    enum { PACKETS = 1000, HOPS = 64 };
    struct link_words words = {
        .delay = 20 * NSEC_PER_MS, .rate_bps = 1000000000, .limit = 10000, .mtu = 1500};
    uint32_t router[2], p;
    struct sim s;
    uint64_t ns;

    ck_assert_ok(sim_init(&s, 1));
    p = peer_add(&s, 0x0a000001);
    for (int i = 0; i < 2; i++) {
        struct routes *r = router_create(4);

        router[i] = sim_add_node(&s, &router_class, r, 0);
        r->default_port = i == 0;
    }
    ck_assert_uint_ne(link_add(&s, router[0], p, &words, &words, 0, 0), SIM_NONE);
    ck_assert_uint_ne(link_add(&s, router[0], router[1], &words, &words, 0, 1), SIM_NONE);
    peer_stream(&s, p, 0xcb007101, 0, 20 * NSEC_PER_US, PACKETS, 200);
    ck_assert_ok(sim_run(&s, 20 * NSEC_PER_MS));
    ns = wall_ns();
    ck_assert_ok(sim_run(&s, 10 * NSEC_PER_S));
    ns = wall_ns() - ns;
    printf("hop: %llu ns for arrival, route, TTL and sending of 228 bytes\n",
           (unsigned long long)(ns / (PACKETS * HOPS)));
    ck_assert_uint_eq(s.net.dropped[NET_DROP_NO_ROUTE], PACKETS);
    ck_assert_uint_eq(s.events, PACKETS * (1 + HOPS));
    ck_assert_balanced(&s);
    sim_reset(&s);
}
END_TEST

START_TEST(a_star_of_a_thousand)
{
    enum { CLIENTS = 1000, EACH = 300 };
    struct link_words access = {.delay = 18 * NSEC_PER_MS,
                                .jitter = 5 * NSEC_PER_MS,
                                .distribution = DIST_NORMAL,
                                .rate_bps = 50000000,
                                .limit = 1000,
                                .mtu = 1500};
    struct link_words core = {
        .delay = 2 * NSEC_PER_MS, .rate_bps = UINT64_C(10000000000), .limit = 10000, .mtu = 1500};
    struct ip_addr server = ip_addr_v4(0x0a000001);
    uint32_t router, gateway;
    struct routes *routes = router_create(CLIENTS);
    uint64_t ns;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    gateway = peer_add(&s, 0x0a000001);
    router = sim_add_node(&s, &router_class, routes, 0);
    ck_assert_uint_ne(link_add(&s, router, gateway, &core, &core, 0, 0), SIM_NONE);
    ck_assert_ok(routes_add(routes, &server, 0));
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t client = peer_add(&s, 0x0a010000 + i);

        ck_assert_uint_ne(link_add(&s, client, router, &access, &access, 1, 1 + i), SIM_NONE);
        peer_stream(&s, client, 0x0a000001, i * 10 * NSEC_PER_US, 10 * NSEC_PER_MS, EACH, 200);
    }
    ns = wall_ns();
    ck_assert_ok(sim_run(&s, 60 * NSEC_PER_S));
    ns = wall_ns() - ns;
    printf("star: %llu events, %llu ns each, %llu ns a hop with its making and reading\n",
           (unsigned long long)s.events, (unsigned long long)(ns / s.events),
           (unsigned long long)(ns / (2 * CLIENTS * EACH)));
    ck_assert_uint_eq(peer_at(&s, gateway)->count, CLIENTS * EACH);
    ck_assert_uint_eq(s.events, CLIENTS * EACH * 3);
    ck_assert_balanced(&s);
    sim_reset(&s);
}
END_TEST

SUITE("sim", a_timer_fires_once_where_it_was_last_set, a_timer_put_off_does_not_fill_the_queue,
      a_timer_moved_earlier_does_not_fill_the_queue, ties, a_node_that_is_down_hears_nothing,
      time_does_not_go_back, the_hook_stops_the_run, a_planted_leak_is_found,
      digests_see_content_and_length, the_price_of_a_hop, a_star_of_a_thousand)
