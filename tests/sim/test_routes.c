/* Routes: host, prefix, default; ICMP errors of a router; a loop ends; nothing is lost uncounted.
 */
#include "suite.h"

#include "proto/ip/icmp.h"
#include "sim/router.h"
#include "sim_peer.h"

enum { A = 0x0a000002, B = 0x0a000102, C = 0xcb007101, ROUTER = 0x0a000001 };

/* Three peers around a router: ports 0, 1, 2. */
struct star {
    struct sim sim;
    uint32_t node[3], router;
    struct routes *routes;
};

static void star_init(struct star *y, uint32_t mtu_to_b)
{
    static const uint32_t addresses[3] = {A, B, C};

    ck_assert_ok(sim_init(&y->sim, 1));
    y->routes = router_create(4);
    ck_assert_ptr_nonnull(y->routes);
    y->router = sim_add_node(&y->sim, &router_class, y->routes, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct link_words words = plain_link;

        y->node[i] = peer_add(&y->sim, addresses[i]);
        words.mtu = i == 1 ? mtu_to_b : 1500;
        ck_assert_uint_ne(link_add(&y->sim, y->router, y->node[i], &words, &plain_link, i, i),
                          SIM_NONE);
    }
}

static struct ip_prefix prefix(uint32_t address, uint8_t length)
{
    return (struct ip_prefix){ip_addr_v4(address), length};
}

/* Who gets a packet for this address: 0..2, or -1. */
static int goes_to(struct star *y, uint32_t address)
{
    uint64_t before[3];
    struct ip_endpoint to = {ip_addr_v4(address), 500};

    for (int i = 0; i < 3; i++)
        before[i] = peer_at(&y->sim, y->node[i])->count;
    peer_send(&y->sim, y->node[0], &peer_at(&y->sim, y->node[0])->from, &to, 100, false);
    ck_assert_ok(sim_run(&y->sim, y->sim.now));
    for (int i = 0; i < 3; i++)
        if (peer_at(&y->sim, y->node[i])->count > before[i]) {
            ck_assert(peer_at(&y->sim, y->node[i])->arrivals[before[i]].good);
            return i;
        }
    return -1;
}

START_TEST(host_before_prefix_before_default)
{
    struct ip_prefix wide = prefix(0x0a000000, 8), narrow = prefix(0x0a000100, 24);
    struct ip_addr host = ip_addr_v4(0x0a000107);
    struct star y;

    star_init(&y, 1500);
    ck_assert_int_eq(goes_to(&y, B), -1);
    ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_NO_ROUTE], 1);
    ck_assert_ok(routes_add_prefix(y.routes, &wide, 2));
    ck_assert_ok(routes_add_prefix(y.routes, &narrow, 1));
    ck_assert_ok(routes_add(y.routes, &host, 0));
    ck_assert_int_eq(goes_to(&y, 0x0a000107), 0);
    ck_assert_int_eq(goes_to(&y, 0x0a000108), 1);
    ck_assert_int_eq(goes_to(&y, 0x0a000208), 2);
    ck_assert_int_eq(goes_to(&y, 0x0b000001), -1);
    y.routes->default_port = 1;
    ck_assert_int_eq(goes_to(&y, 0x0b000001), 1);
    /* A prefix again replaces; one of the same length beside it stays. */
    ck_assert_ok(routes_add_prefix(y.routes, &narrow, 2));
    narrow.addr = ip_addr_v4(0x0a000200);
    ck_assert_ok(routes_add_prefix(y.routes, &narrow, 0));
    ck_assert_uint_eq(y.routes->prefix_count, 3);
    ck_assert_int_eq(goes_to(&y, 0x0a000108), 2);
    ck_assert_int_eq(goes_to(&y, 0x0a000208), 0);
    ck_assert_balanced(&y.sim);
    sim_reset(&y.sim);
}
END_TEST

static struct icmp_message seen;
static uint32_t seen_at, seen_count;

static void tap(void *context, const struct tap_event *e)
{
    struct ip_packet ip;
    struct icmp_message icmp;

    (void)context;
    if (e->kind != TAP_RECEIVED || e->node != seen_at ||
        ip_read(bytes_of(e->packet->data, e->packet->len), &ip) != OK ||
        icmp_read(&ip, &icmp) != OK)
        return;
    seen = icmp;
    seen_count++;
}

START_TEST(icmp_errors_only_with_an_address)
{
    struct ip_endpoint to = {ip_addr_v4(B), 500};

    for (int addressed = 0; addressed < 2; addressed++) {
        struct star y;

        star_init(&y, 600);
        y.routes->default_port = 1;
        if (addressed)
            y.routes->address = ip_addr_v4(ROUTER);
        y.sim.tap.packet = tap;
        seen_at = y.node[0];
        seen_count = 0;
        peer_send(&y.sim, y.node[0], &peer_at(&y.sim, y.node[0])->from, &to, 1000, true);
        ck_assert_ok(sim_run(&y.sim, NSEC_PER_S));
        ck_assert_uint_eq(y.sim.net.dropped[NET_DROP_MTU], 1);
        ck_assert_uint_eq(seen_count, addressed);
        if (addressed) {
            ck_assert_int_eq(seen.kind, ICMP_TOO_BIG);
            ck_assert_uint_eq(seen.mtu, 600);
        }
        /* Without DF it is cut, and nobody complains. */
        peer_send(&y.sim, y.node[0], &peer_at(&y.sim, y.node[0])->from, &to, 1000, false);
        ck_assert_ok(sim_run(&y.sim, 2 * NSEC_PER_S));
        ck_assert_uint_eq(peer_at(&y.sim, y.node[1])->count, 1);
        ck_assert_uint_eq(seen_count, addressed);
        ck_assert_balanced(&y.sim);
        sim_reset(&y.sim);
    }
}
END_TEST

/* Two routers that send to each other: the TTL ends it, one error comes back, no error for it. */
START_TEST(a_routing_loop_ends)
{
    struct ip_endpoint to = {ip_addr_v4(C), 500};
    struct routes *r[2];
    uint32_t router[2], a;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    a = peer_add(&s, A);
    for (int i = 0; i < 2; i++) {
        r[i] = router_create(4);
        router[i] = sim_add_node(&s, &router_class, r[i], 0);
        r[i]->address = ip_addr_v4(ROUTER + 100 + (uint32_t)i);
    }
    ck_assert_uint_ne(link_add(&s, router[0], a, &plain_link, &plain_link, 0, 0), SIM_NONE);
    ck_assert_uint_ne(link_add(&s, router[0], router[1], &plain_link, &plain_link, 0, 1), SIM_NONE);
    r[0]->default_port = 1;
    r[1]->default_port = 0;
    ck_assert_ok(routes_add(r[0], &(struct ip_addr){4, {10, 0, 0, 2}}, 0));
    s.tap.packet = tap;
    seen_at = a;
    seen_count = 0;
    peer_send(&s, a, &peer_at(&s, a)->from, &to, 100, false);
    ck_assert_ok(sim_run(&s, NSEC_PER_S));
    ck_assert_uint_eq(s.net.dropped[NET_DROP_NO_ROUTE], 1);
    ck_assert_uint_eq(seen_count, 1);
    ck_assert_int_eq(seen.kind, ICMP_TIME_EXCEEDED);
    /* The error itself into the loop: it ends without another. */
    ck_assert_ok(routes_add(r[0], &(struct ip_addr){4, {10, 0, 0, 2}}, 1));
    peer_send(&s, a, &peer_at(&s, a)->from, &to, 100, false);
    ck_assert_ok(sim_run(&s, 2 * NSEC_PER_S));
    ck_assert_uint_eq(s.net.dropped[NET_DROP_NO_ROUTE], 3);
    ck_assert_balanced(&s);
    sim_reset(&s);
}
END_TEST

SUITE("routes", host_before_prefix_before_default, icmp_errors_only_with_an_address,
      a_routing_loop_ends)
