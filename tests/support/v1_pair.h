/* Two endpoints that speak IKEv1 (pair.h): A calls, B answers both versions. */
#ifndef TESTS_V1_PAIR_H
#define TESTS_V1_PAIR_H

#include "pair.h"

/** Configurations only; change them, then pair_create. */
static inline void v1_pair_init(struct pair *p, bool modelled, enum phase1_mode mode)
{
    pair_init(p, modelled);
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        pair_propose(c, "aes128-sha256-ecp256", "aes128gcm16");
        c->version = IKE_V1;
        c->answers = 1 << IKE_V1 | 1 << IKE_V2;
        c->phase1 = mode;
        c->initial_contact = false;
    }
}

/** Configured, created and established. */
static inline void v1_pair_establish(struct pair *p, bool modelled, enum phase1_mode mode)
{
    v1_pair_init(p, modelled, mode);
    pair_establish(p);
}

static inline uint64_t v1_dropped(const struct pair *p, int side)
{
    const struct ike_counters *c = ike_endpoint_counters(p->end[side]);
    uint64_t sum = 0;

    for (int i = 0; i < IKE_DROP_COUNT; i++)
        sum += c->dropped[i];
    return sum;
}

/** Both have one IKE SA and one child SA that agree, and carry packets. */
static inline void v1_check_up(struct pair *p)
{
    check_agreement(p);
    ck_assert_uint_eq(ike_count(p, A), 1);
    ck_assert_uint_eq(ike_count(p, B), 1);
    check_traffic(p);
}

#endif
