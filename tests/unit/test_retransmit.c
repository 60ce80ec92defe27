/* proto/core/retransmit and lifetime: ladders in exact numbers. */
#include "proto/core/lifetime.h"
#include "proto/core/retransmit.h"
#include "suite.h"

/* strongSwan's documented defaults: retransmit_timeout 4.0, base 1.8, tries 5. */
static const struct retransmit_config strongswan = {
    .timeout = 4 * NSEC_PER_S, .base_milli = 1800, .tries = 5};

START_TEST(ladder_is_strongswans)
{
    /* Sends at 0, 4.00, 11.20, 24.16, 47.49, 89.48 s; give-up at 165.06 s. */
    static const nsec sends_at[] = {0,           4000000000,  11200000000, 24160000000,
                                    47488000000, 89478400000, 165061120000};
    nsec at = 0;

    for (uint32_t n = 0; n < 7; n++) {
        ck_assert_uint_eq(at, sends_at[n]);
        ck_assert_int_eq(retransmit_last(&strongswan, n), n >= 5);
        at += retransmit_interval(&strongswan, n);
    }
}
END_TEST

START_TEST(limit_cuts_and_base_below_one_shrinks)
{
    struct retransmit_config c = strongswan;

    c.limit = 10 * NSEC_PER_S;
    ck_assert_uint_eq(retransmit_interval(&c, 1), 7200000000);
    ck_assert_uint_eq(retransmit_interval(&c, 2), 10 * NSEC_PER_S);
    ck_assert_uint_eq(retransmit_interval(&c, 4000000000u), 10 * NSEC_PER_S);
    c.base_milli = 500;
    ck_assert_uint_eq(retransmit_interval(&c, 1), 2 * NSEC_PER_S);
    c.limit = 0;
    c.base_milli = 1000000;
    ck_assert_uint_eq(retransmit_interval(&c, 100), NSEC_NEVER);
}
END_TEST

START_TEST(jitter_only_shortens)
{
    struct retransmit_config c = strongswan;
    struct rng r = rng_stream(1, 2, RNG_RETRANSMIT), untouched = r;
    nsec low = NSEC_NEVER, high = 0;

    ck_assert_uint_eq(retransmit_delay(&c, 0, &r), 4 * NSEC_PER_S);
    ck_assert_uint_eq(r.counter, untouched.counter);
    c.jitter_ppm = 250000;
    for (int i = 0; i < 1000; i++) {
        nsec d = retransmit_delay(&c, 0, &r);

        low = nsec_min(low, d);
        high = d > high ? d : high;
    }
    ck_assert_uint_ge(low, 3 * NSEC_PER_S);
    ck_assert_uint_lt(low, 3 * NSEC_PER_S + 20 * NSEC_PER_MS);
    ck_assert_uint_le(high, 4 * NSEC_PER_S);
    ck_assert_uint_gt(high, 4 * NSEC_PER_S - 20 * NSEC_PER_MS);
    c.jitter_ppm = 5000000; /* more than the whole is the whole */
    ck_assert_uint_le(retransmit_delay(&c, 0, &r), 4 * NSEC_PER_S);
}
END_TEST

START_TEST(soft_lifetime_is_shortened_within_its_jitter)
{
    struct lifetime_config c = {.rekey_time = 600 * NSEC_PER_S,
                                .rekey_jitter = 60 * NSEC_PER_S,
                                .hard_time = 660 * NSEC_PER_S};
    struct rng r = rng_stream(1, 2, RNG_LIFETIME);
    struct lifetime first = lifetime_start(&c, 5, &r), second = lifetime_start(&c, 5, &r);

    ck_assert_uint_ne(first.soft, second.soft);
    ck_assert(first.soft >= 5 + 540 * NSEC_PER_S && first.soft <= 5 + 600 * NSEC_PER_S);
    ck_assert_uint_eq(first.hard, 5 + 660 * NSEC_PER_S);
    c = (struct lifetime_config){0};
    first = lifetime_start(&c, 5, &r);
    ck_assert(first.soft == NSEC_NEVER && first.hard == NSEC_NEVER);
    ck_assert_uint_eq(lifetime_volume(0, &r), 0);
    for (int i = 0; i < 100; i++) {
        uint64_t v = lifetime_volume(1600, &r);

        ck_assert(v > 1500 && v <= 1600);
    }
}
END_TEST

SUITE("retransmit", ladder_is_strongswans, limit_cuts_and_base_below_one_shrinks,
      jitter_only_shortens, soft_lifetime_is_shortened_within_its_jitter)
