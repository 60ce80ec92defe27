/*
 * The timers of IKE SAs: a few deadlines are in the record, more are in a slot beside it. They are
 * armed, moved, cancelled and fired at random, and compared with plain arrays.
 */
#include "base/rng.h"
#include "pair.h"
#include "proto/core/internal.h"

enum { SAS = 20, STEPS = 6000 };

struct world {
    struct pair pair;
    struct ike_endpoint *ep;
    struct rng random;
    struct ike_sa *sas[SAS];
    nsec at[SAS][IKE_TIMER_COUNT];
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    pair_init(&w->pair, true);
    w->random = rng_stream(1, 6, RNG_TEST);
    w->ep = pair_alone(&w->pair, SAS);
    for (int i = 0; i < SAS; i++) {
        struct sa_ref ref;

        w->sas[i] = ike_sa_take(w->ep, &ref);
        ck_assert_ptr_nonnull(w->sas[i]);
        for (int t = 0; t < IKE_TIMER_COUNT; t++)
            w->at[i][t] = NSEC_NEVER;
    }
}

static void end(struct world *w)
{
    for (int i = 0; i < SAS; i++)
        ike_sa_give(w->ep, w->sas[i]);
    ck_assert_uint_eq(ike_endpoint_memory(w->ep), 0);
    ike_endpoint_destroy(w->ep);
    pair_free(&w->pair);
}

/* More often cancelled than armed: most have one deadline, or none. */
static void change(struct world *w)
{
    uint64_t i = rng_below(&w->random, SAS), t = rng_below(&w->random, IKE_TIMER_COUNT);
    nsec *at = &w->at[i][t];

    switch (rng_below(&w->random, 8)) {
    case 0:
    case 1:
        *at = 1 + rng_below(&w->random, 1000);
        ike_timer_arm(w->ep, w->sas[i], (enum ike_timer)t, *at);
        break;
    case 2:
        *at = 1 + rng_below(&w->random, 1000);
        ike_timer_move(w->ep, w->sas[i], (enum ike_timer)t, *at);
        break;
    case 3:
        *at = NSEC_NEVER;
        ike_timer_fire(w->ep, w->sas[i], (enum ike_timer)t);
        break;
    case 4:
        if (rng_below(&w->random, 4) != 0)
            return;
        for (int k = 0; k < IKE_TIMER_COUNT; k++)
            w->at[i][k] = NSEC_NEVER;
        ike_timers_cancel(w->ep, w->sas[i]);
        break;
    default:
        *at = NSEC_NEVER;
        ike_timer_arm(w->ep, w->sas[i], (enum ike_timer)t, NSEC_NEVER);
    }
}

static void check(const struct world *w)
{
    nsec first = NSEC_NEVER;
    uint32_t several = 0;

    for (int i = 0; i < SAS; i++) {
        unsigned armed = 0;

        for (int t = 0; t < IKE_TIMER_COUNT; t++) {
            ck_assert_uint_eq(ike_timer_at(w->ep, w->sas[i], (enum ike_timer)t), w->at[i][t]);
            first = nsec_min(first, w->at[i][t]);
            armed += w->at[i][t] != NSEC_NEVER;
        }
        several += armed > TIMERS_INSIDE;
    }
    ck_assert_uint_eq(ike_timers_deadline(w->ep), first);
    ck_assert_uint_eq(w->ep->store->clocks.taken, several);
}

START_TEST(timers_agree_with_a_plain_array)
{
    static struct world w;

    begin(&w);
    for (int step = 0; step < STEPS; step++) {
        change(&w);
        check(&w);
    }
    ck_assert_uint_gt(w.ep->store->clocks.taken_peak, 2);
    end(&w);
}
END_TEST

SUITE("timers", timers_agree_with_a_plain_array)
