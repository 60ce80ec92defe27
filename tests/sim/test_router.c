/* Routers: host routes, the default, the TTL, and what has no way on. */
#include "suite.h"

#include "sim/router.h"
#include "sim_peer.h"

enum { HOSTS = 3, FIRST = 0x0a000001, ELSEWHERE = 0x08080808 };

/* Hosts 0..2 on one router; `fallback` is the port of its default route. */
struct star {
    struct sim sim;
    uint32_t router, host[HOSTS];
};

static void star_init(struct star *s, uint32_t fallback)
{
    struct routes *routes = router_create(1);

    ck_assert_ptr_nonnull(routes);
    ck_assert_ok(sim_init(&s->sim, 1));
    s->router = sim_add_node(&s->sim, &router_class, routes, 0);
    for (uint32_t i = 0; i < HOSTS; i++) {
        s->host[i] = peer_add(&s->sim, FIRST + i);
        ck_assert_uint_ne(link_add(&s->sim, s->router, s->host[i], &plain_link, &plain_link, 0, i),
                          SIM_NONE);
        ck_assert_ok(routes_add(routes, &peer_at(&s->sim, s->host[i])->address, i));
    }
    routes->default_port = fallback;
}

static void star_free(struct star *s)
{
    ck_assert_balanced(&s->sim);
    sim_reset(&s->sim);
}

static void send_to(struct star *s, uint32_t host, struct ip_addr to, uint8_t ttl)
{
    struct udp_build build = {
        .src = peer_at(&s->sim, s->host[host])->from, .dst = {to, 9}, .ttl = ttl};
    uint32_t i = packet_new(&s->sim, s->host[host], 40);
    struct packet *p = packet_at(&s->sim, i);
    struct bytes whole;

    memset(p->data, 1, 40);
    if (to.family == 6)
        build.src.addr = ip_addr_v6((const uint8_t[16]){0x20, 1});
    ck_assert_ok(udp_datagram_write(p->data, 40, &build, &whole));
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    sim_send(&s->sim, s->host[host], 0, i, true);
    ck_assert_ok(sim_run(&s->sim, s->sim.now));
}

static uint64_t got(struct star *s, uint32_t host)
{
    return peer_at(&s->sim, s->host[host])->count;
}

START_TEST(each_host_has_its_route)
{
    struct star s;

    star_init(&s, SIM_NONE);
    for (uint32_t from = 0; from < HOSTS; from++)
        for (uint32_t to = 0; to < HOSTS; to++) {
            uint64_t before = got(&s, to);

            send_to(&s, from, ip_addr_v4(FIRST + to), 64);
            ck_assert_uint_eq(got(&s, to), before + 1);
            ck_assert(peer_at(&s.sim, s.host[to])->arrivals[before].good);
        }
    ck_assert_uint_eq(s.sim.net.delivered_packets, 9);
    star_free(&s);
}
END_TEST

START_TEST(the_rest_takes_the_default)
{
    struct star s;

    star_init(&s, 2);
    send_to(&s, 0, ip_addr_v4(ELSEWHERE), 64);
    send_to(&s, 0, ip_addr_v6((const uint8_t[16]){0xfd}), 64);
    ck_assert_uint_eq(got(&s, 2), 2);
    send_to(&s, 0, ip_addr_v4(FIRST + 1), 64);
    ck_assert_uint_eq(got(&s, 2), 2);
    ck_assert_uint_eq(got(&s, 1), 1);
    star_free(&s);
}
END_TEST

START_TEST(without_a_route_it_ends_here)
{
    struct star s;

    star_init(&s, SIM_NONE);
    send_to(&s, 0, ip_addr_v4(ELSEWHERE), 64);
    send_to(&s, 0, ip_addr_v6((const uint8_t[16]){0xfd}), 64);
    ck_assert_uint_eq(s.sim.net.dropped[NET_DROP_NO_ROUTE], 2);
    ck_assert_uint_eq(s.sim.net.delivered_packets, 0);
    star_free(&s);
}
END_TEST

START_TEST(the_ttl_goes_down)
{
    struct star s;

    star_init(&s, 2);
    send_to(&s, 0, ip_addr_v4(FIRST + 1), 1);
    send_to(&s, 0, ip_addr_v4(ELSEWHERE), 1);
    send_to(&s, 0, ip_addr_v6((const uint8_t[16]){0xfd}), 1);
    ck_assert_uint_eq(s.sim.net.dropped[NET_DROP_NO_ROUTE], 3);
    send_to(&s, 0, ip_addr_v4(FIRST + 1), 2);
    ck_assert_uint_eq(got(&s, 1), 1);
    ck_assert(peer_at(&s.sim, s.host[1])->arrivals[0].good);
    star_free(&s);
}
END_TEST

/* Two routers that send to each other: the TTL ends it. */
START_TEST(a_loop_ends)
{
    struct routes *routes[2] = {router_create(1), router_create(1)};
    struct ip_endpoint from = {ip_addr_v4(FIRST), 1}, to = {ip_addr_v4(ELSEWHERE), 1};
    uint32_t node[2], host;
    struct sim s;

    ck_assert_ok(sim_init(&s, 1));
    for (int i = 0; i < 2; i++)
        node[i] = sim_add_node(&s, &router_class, routes[i], 0);
    host = peer_add(&s, FIRST);
    link_add(&s, node[0], node[1], &plain_link, &plain_link, 0, 0);
    link_add(&s, host, node[0], &plain_link, &plain_link, 0, 1);
    routes[0]->default_port = routes[1]->default_port = 0;
    peer_send(&s, host, &from, &to, 10, false);
    ck_assert_ok(sim_run(&s, 1));
    ck_assert_uint_eq(s.net.dropped[NET_DROP_NO_ROUTE], 1);
    ck_assert_uint_eq(s.events, 64);
    ck_assert_balanced(&s);
    sim_reset(&s);
}
END_TEST

START_TEST(damaged_headers_end_here)
{
    static const uint8_t junk[][24] = {{0x45, 0, 0, 24}, {0x60}, {0}, {0x4f, 0, 0, 24}};
    struct star s;

    star_init(&s, 1);
    for (int i = 0; i < 4; i++) {
        uint32_t packet = packet_new(&s.sim, s.host[0], 24);

        memcpy(packet_at(&s.sim, packet)->data, junk[i], 24);
        packet_at(&s.sim, packet)->len = 24;
        sim_send(&s.sim, s.host[0], 0, packet, true);
    }
    ck_assert_ok(sim_run(&s.sim, 1));
    ck_assert_uint_eq(s.sim.net.dropped[NET_DROP_CORRUPT], 4);
    star_free(&s);
}
END_TEST

START_TEST(many_routes)
{
    struct routes r;

    ck_assert_ok(routes_init(&r, 4));
    for (uint32_t i = 0; i < 10000; i++) {
        struct ip_addr a = ip_addr_v4(FIRST + i);

        ck_assert_ok(routes_add(&r, &a, i));
    }
    for (uint32_t i = 0; i < 20000; i++) {
        struct ip_addr a = ip_addr_v4(FIRST + i);

        ck_assert_uint_eq(routes_find(&r, &a), i < 10000 ? i : SIM_NONE);
    }
    routes_reset(&r);
}
END_TEST

SUITE("router", each_host_has_its_route, the_rest_takes_the_default, without_a_route_it_ends_here,
      the_ttl_goes_down, a_loop_ends, damaged_headers_end_here, many_routes)
