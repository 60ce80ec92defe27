/* proto/core/narrow: RFC 7296 §2.9. */
#include "proto/core/narrow.h"
#include "suite.h"

static struct selector range(uint32_t first, uint32_t last)
{
    return (struct selector){
        .first = ip_addr_v4(first), .last = ip_addr_v4(last), .port_last = 65535};
}

static struct selector tcp(struct selector s, uint16_t from, uint16_t to)
{
    s.protocol = 6;
    s.port_first = from;
    s.port_last = to;
    return s;
}

START_TEST(narrows_to_the_common_part)
{
    struct selector offer[] = {selector_any(4)}, policy[] = {range(0x0a000000, 0x0a00ffff)};
    struct selector_list out;
    struct narrow_rest rest;

    ck_assert_ok(narrow(offer, 1, policy, 1, &out, &rest));
    ck_assert_uint_eq(out.count, 1);
    ck_assert(selector_equal(&out.items[0], &policy[0]));
    ck_assert(rest.any && !rest.acceptable); /* it is against the policy, whatever the child SA */
    ck_assert_ok(narrow(policy, 1, offer, 1, &out, &rest));
    ck_assert(selector_equal(&out.items[0], &policy[0]));
    ck_assert(!rest.any);
}
END_TEST

START_TEST(keeps_the_first_selector_covered)
{
    /* §2.9: the first selector is the packet that triggered; it must stay if it is acceptable. */
    struct selector offer[] = {tcp(range(0x0a000005, 0x0a000005), 80, 80),
                               range(0x0a000000, 0x0a0000ff)};
    struct selector policy[] = {range(0x0a000000, 0x0a00000f)};
    struct selector_list out;
    struct narrow_rest rest;

    ck_assert_ok(narrow(offer, 2, policy, 1, &out, &rest));
    ck_assert(selector_equal(&out.items[0], &offer[0]));
    ck_assert(selector_equal(&out.items[1], &policy[0]));
    ck_assert(rest.any);
}
END_TEST

START_TEST(refuses_what_is_not_common)
{
    struct selector v4[] = {range(1, 5)}, other[] = {range(6, 9)}, v6[] = {selector_any(6)};
    struct selector web[] = {tcp(range(1, 5), 80, 80)}, ssh[] = {tcp(range(1, 5), 22, 22)};
    struct selector udp[] = {range(1, 5)};
    struct selector_list out;
    struct narrow_rest rest;

    udp[0].protocol = 17;
    ck_assert_int_eq(narrow(v4, 1, other, 1, &out, &rest), ERR_TS);
    ck_assert_int_eq(narrow(v4, 1, v6, 1, &out, &rest), ERR_TS);
    ck_assert_int_eq(narrow(web, 1, ssh, 1, &out, &rest), ERR_TS);
    ck_assert_int_eq(narrow(web, 1, udp, 1, &out, &rest), ERR_TS);
    ck_assert_int_eq(narrow(v4, 0, v4, 1, &out, &rest), ERR_TS);
    ck_assert_int_eq(narrow(v4, 1, v4, 0, &out, &rest), ERR_TS);
    ck_assert_uint_eq(out.count, 0);
}
END_TEST

START_TEST(opaque_ports_meet_only_opaque_or_any)
{
    struct selector opaque[] = {tcp(range(1, 5), 65535, 0)}, any[] = {range(1, 5)};
    struct selector web[] = {tcp(range(1, 5), 80, 80)};
    struct selector_list out;
    struct narrow_rest rest;

    ck_assert_ok(narrow(opaque, 1, any, 1, &out, &rest));
    ck_assert_uint_eq(out.items[0].port_first, 65535);
    ck_assert_uint_eq(out.items[0].port_last, 0);
    ck_assert_int_eq(narrow(opaque, 1, web, 1, &out, &rest), ERR_TS);
}
END_TEST

START_TEST(never_more_than_the_maximum)
{
    struct selector offer[8], policy[] = {selector_any(4), selector_any(6)};
    struct selector_list out;
    struct narrow_rest rest;

    for (uint32_t i = 0; i < 8; i++)
        offer[i] = range(i * 256, i * 256 + 9);
    ck_assert_ok(narrow(offer, 8, policy, 2, &out, &rest));
    ck_assert_uint_eq(out.count, SELECTORS_MAX);
    ck_assert(rest.any && rest.acceptable); /* in another child SA */
    ck_assert(selector_equal(&out.items[0], &offer[0]));
}
END_TEST

START_TEST(a_response_may_only_narrow)
{
    struct selector_list asked = {{range(10, 20), range(40, 50)}, 2}, got = {{range(12, 13)}, 1};

    ck_assert(selectors_within(&got, &asked));
    ck_assert(!selectors_within(&asked, &got));
    got.items[0] = range(15, 45);
    ck_assert(!selectors_within(&got, &asked));
    got.count = 0;
    ck_assert(!selectors_within(&got, &asked));
    ck_assert(selectors_equal(&asked, &asked));
    ck_assert(!selectors_equal(&asked, &got));
}
END_TEST

static struct selector_list narrowed(const struct selector *offer, size_t count)
{
    struct selector any[] = {selector_any(4), selector_any(6)};
    struct narrow_rest rest;
    struct selector_list out;

    ck_assert_ok(narrow(offer, count, any, 2, &out, &rest));
    return out;
}

START_TEST(one_pair_of_addresses)
{
    /* §2.9: the packet from 5 to 9, port 80, and behind it the networks. */
    struct selector i[] = {tcp(range(5, 5), 80, 80), range(0, 255)};
    struct selector r[] = {tcp(range(9, 9), 443, 443), range(0, 15)};
    struct selector_list local = narrowed(r, 2), remote = narrowed(i, 2);
    bool more;

    ck_assert_ok(narrow_pair(&local, &remote, &more));
    ck_assert(more);
    ck_assert_uint_eq(local.count, 2);
    ck_assert(selector_equal(&local.items[0], &r[0]));
    ck_assert(selector_equal(&local.items[1], (struct selector[]){range(9, 9)}));
    ck_assert_uint_eq(remote.count, 2);
    ck_assert(selector_equal(&remote.items[1], (struct selector[]){range(5, 5)}));
    /* Nothing but that pair was asked for: no other is possible. */
    local = narrowed(r, 1);
    remote = narrowed(i, 1);
    ck_assert_ok(narrow_pair(&local, &remote, &more));
    ck_assert(!more);
}
END_TEST

START_TEST(no_pair_is_guessed)
{
    struct selector one[] = {range(5, 5)}, net[] = {range(0, 255)}, six[] = {selector_any(6)};
    struct selector_list hosts = narrowed(one, 1), nets = narrowed(net, 1), before = nets;
    struct selector_list sixes = narrowed(six, 1);
    bool more;

    ck_assert_int_eq(narrow_pair(&hosts, &nets, &more), ERR_SINGLE_PAIR);
    ck_assert_int_eq(narrow_pair(&nets, &hosts, &more), ERR_SINGLE_PAIR);
    ck_assert(selectors_equal(&nets, &before));
    sixes.items[0].last = sixes.items[0].first; /* :: and 0.0.0.5 are no pair */
    ck_assert_int_eq(narrow_pair(&hosts, &sixes, &more), ERR_SINGLE_PAIR);
}
END_TEST

SUITE("narrow", narrows_to_the_common_part, keeps_the_first_selector_covered,
      refuses_what_is_not_common, opaque_ports_meet_only_opaque_or_any, never_more_than_the_maximum,
      a_response_may_only_narrow, one_pair_of_addresses, no_pair_is_guessed)
