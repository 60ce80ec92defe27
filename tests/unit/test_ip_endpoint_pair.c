/* Pairs of addresses come back as they went in, whether they lie in the pair or aside. */
#include "proto/ip/endpoint_pair.h"
#include "suite.h"

enum { PAIRS = 3 };

static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};

static void check(struct pool *asides, struct endpoint_pair *pair, const struct ip_endpoint *local,
                  const struct ip_endpoint *remote)
{
    struct ip_endpoint is;

    endpoint_pair_set(asides, pair, local, remote);
    is = endpoint_pair_local(asides, pair);
    ck_assert(ip_endpoint_equal(&is, local));
    is = endpoint_pair_remote(asides, pair);
    ck_assert(ip_endpoint_equal(&is, remote));
}

/* Every change from one kind of pair to another, of which only IPv4 on both sides needs no room. */
START_TEST(pairs_come_back_as_they_went_in)
{
    const struct ip_endpoint ends[] = {{ip_addr_v4(0xc0000201), 500},
                                       {ip_addr_v4(0xffffffff), 65535},
                                       {ip_addr_v4(0), 0},
                                       {ip_addr_v6(six), 4500},
                                       {{0}, 0}};
    const int count = sizeof ends / sizeof *ends;
    struct endpoint_pair pair = {0};
    struct pool asides;

    ck_assert_ok(endpoint_asides_init(&asides, 1));
    for (int from = 0; from < count * count; from++) {
        for (int to = 0; to < count * count; to++) {
            bool four = to / count < 2 && to % count < 3;

            check(&asides, &pair, &ends[from / count], &ends[from % count]);
            check(&asides, &pair, &ends[to / count], &ends[to % count]);
            ck_assert_uint_eq(asides.taken, !four);
            ck_assert_uint_eq(endpoint_pair_family(&pair), four ? 4 : 6);
        }
    }
    endpoint_pair_clear(&asides, &pair);
    ck_assert_uint_eq(asides.taken, 0);
    pool_reset(&asides);
}
END_TEST

START_TEST(pairs_aside_do_not_disturb_each_other)
{
    struct ip_endpoint here = {ip_addr_v6(six), 500}, four = {ip_addr_v4(0xc0000201), 4500};
    struct endpoint_pair pairs[PAIRS] = {0};
    struct pool asides;

    ck_assert_ok(endpoint_asides_init(&asides, PAIRS));
    for (uint16_t i = 0; i < PAIRS; i++)
        check(&asides, &pairs[i], &here, &(struct ip_endpoint){here.addr, i});
    ck_assert_uint_eq(asides.taken, PAIRS);
    check(&asides, &pairs[1], &four, &four);
    endpoint_pair_clear(&asides, &pairs[0]);
    ck_assert_uint_eq(asides.taken, 1);
    ck_assert_uint_eq(endpoint_pair_remote(&asides, &pairs[2]).port, 2);
    ck_assert_uint_eq(endpoint_pair_local(&asides, &pairs[0]).addr.family, 0);
    pool_reset(&asides);
}
END_TEST

SUITE("ip_endpoint_pair", pairs_come_back_as_they_went_in, pairs_aside_do_not_disturb_each_other)
