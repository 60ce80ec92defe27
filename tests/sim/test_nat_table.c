/*
 * The table of a NAT box is the same wherever its mappings lie: within it, or apart. Each step is
 * done to a table and to one that keeps all of them apart from the beginning.
 */
#include "suite.h"

#include "base/rng.h"
#include "sim/nat_table.h"

#include <stdlib.h>

enum { STEPS = 2000, PORTS = 6 };

static const nsec lasts[NAT_LISTS] = {30, 120};

struct both {
    struct nat_table table;
    struct nat_many *many;
    nsec now;
};

static struct ip_endpoint place(uint32_t addr, uint16_t port, bool v6)
{
    struct ip_endpoint e = {ip_addr_v4(addr), port};

    if (v6) {
        e.addr = (struct ip_addr){.family = 6};
        store_be32(e.addr.bytes + 12, addr);
    }
    return e;
}

static void ck_same(const struct nat_mapping *a, const struct nat_mapping *b)
{
    ck_assert(ip_endpoint_equal(&a->inside, &b->inside));
    ck_assert(ip_endpoint_equal(&a->remote, &b->remote));
    ck_assert_uint_eq(a->outside_port, b->outside_port);
    ck_assert_uint_eq(a->inside_port, b->inside_port);
    ck_assert_uint_eq(a->list, b->list);
    ck_assert_uint_eq(a->replied, b->replied);
    ck_assert_uint_eq(a->expires, b->expires);
}

/* What expires now goes, in the same order. */
static void expire(struct both *b)
{
    for (;;) {
        uint32_t many = nat_many_next(b->many), slot;
        struct nat_mapping m;
        nsec expires;

        slot = nat_table_next(&b->table, &expires);
        ck_assert_int_eq(slot == NAT_NONE, many == NAT_NONE);
        if (many == NAT_NONE || b->many->mappings[many].expires > b->now)
            break;
        m = nat_table_at(&b->table, slot);
        ck_assert_uint_eq(expires, m.expires);
        ck_same(&m, &b->many->mappings[many]);
        nat_table_remove(&b->table, slot);
        nat_many_remove(b->many, many);
    }
}

/* A packet out: a mapping is found or made, and renewed; `permit`: where it went may come in. */
static void packet_out(struct both *b, enum nat_behaviour naming, const struct ip_endpoint *inside,
                       const struct ip_endpoint *remote, bool permit, bool reply)
{
    uint32_t slot = nat_table_inside(&b->table, naming, inside, remote);
    uint32_t many = nat_many_inside(b->many, naming, inside, remote);
    struct nat_mapping m = {.inside = *inside,
                            .remote = *remote,
                            .naming = (uint8_t)naming & 3,
                            .inside_port = inside->addr.bytes[3] % 2};
    enum nat_list list;

    ck_assert_int_eq(slot == NAT_NONE, many == NAT_NONE);
    if (many == NAT_NONE) {
        m.outside_port = inside->port;
        while (nat_many_outside(b->many, m.outside_port) != NAT_NONE)
            m.outside_port++;
        ck_assert_uint_eq(nat_table_outside(&b->table, m.outside_port), NAT_NONE);
        ck_assert_ok(nat_many_add(b->many, &m, &many));
        ck_assert_ok(nat_table_add(&b->table, &m, &slot));
    }
    if (permit) {
        ck_assert_ok(nat_table_permit(&b->table, &slot, remote));
        ck_assert_ok(nat_many_permit(b->many, many, remote));
    }
    if (reply) {
        nat_table_reply(&b->table, slot);
        b->many->mappings[many].replied = true;
    }
    list = b->many->mappings[many].replied ? NAT_REPLIED : NAT_UNREPLIED;
    nat_table_renew(&b->table, slot, list, b->now + lasts[list]);
    nat_many_renew(b->many, many, list, b->now + lasts[list]);
    m = nat_table_at(&b->table, slot);
    ck_same(&m, &b->many->mappings[many]);
}

static void ck_lets_in(const struct both *b, uint16_t outside_port, const struct ip_endpoint *from)
{
    uint32_t slot = nat_table_outside(&b->table, outside_port);
    uint32_t many = nat_many_outside(b->many, outside_port);

    ck_assert_int_eq(slot == NAT_NONE, many == NAT_NONE);
    for (int port = 0; many != NAT_NONE && port < 2; port++)
        ck_assert_int_eq(nat_table_permits(&b->table, slot, from, port),
                         nat_many_permits(b->many, many, from, port));
}

/* Homes as they are, and with more: hosts, remotes, IPv6. */
START_TEST(within_is_as_apart)
{
    struct rng r = rng_stream(11, 0, RNG_TEST);

    for (uint32_t hosts = 1; hosts <= 3; hosts++)
        for (int naming = 0; naming <= NAT_ADDRESS_AND_PORT_DEPENDENT; naming++) {
            struct both b = {.many = nat_many_create()};
            uint32_t within = 0, apart = 0;

            ck_assert_ptr_nonnull(b.many);
            for (int step = 0; step < STEPS; step++) {
                bool v6 = hosts == 3 && rng_chance(&r, PROBABILITY_ONE / 16);
                struct ip_endpoint inside = place(10 + (uint32_t)rng_below(&r, hosts),
                                                  (uint16_t)(500 + rng_below(&r, 2)), v6);
                struct ip_endpoint remote =
                    place(20 + (uint32_t)rng_below(&r, hosts),
                          (uint16_t)(500 + rng_below(&r, hosts < 3 ? 1 : 2)), v6);

                b.now += rng_below(&r, hosts == 2 ? 90 : 40);
                expire(&b);
                packet_out(&b, (enum nat_behaviour)naming, &inside, &remote,
                           rng_chance(&r, PROBABILITY_ONE / 2),
                           rng_chance(&r, PROBABILITY_ONE / 4));
                remote.port = (uint16_t)(500 + rng_below(&r, 2));
                ck_lets_in(&b, (uint16_t)(500 + rng_below(&r, PORTS)), &remote);
                ck_assert_uint_eq(nat_table_count(&b.table), b.many->alive);
                ck_assert_uint_eq(nat_table_of_user(&b.table, &inside.addr),
                                  nat_many_of_user(b.many, &inside.addr));
                within += !nat_table_many(&b.table);
                apart += nat_table_many(&b.table) != NULL;
            }
            ck_assert_uint_gt(within, hosts == 3 ? 0 : STEPS / 100);
            ck_assert_int_eq(apart > 0, hosts > 1);
            nat_table_reset(&b.table);
            free(b.table.aside);
            nat_many_destroy(b.many);
        }
}
END_TEST

SUITE("nat_table", within_is_as_apart)
