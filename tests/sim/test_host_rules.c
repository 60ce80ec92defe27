/*
 * The rules of the host model (sim/host), told a second time by lists that are searched from the
 * front: both must pick the same job for the same core, whatever comes.
 */
#include "base/rng.h"
#include "sim/host.h"
#include "suite.h"

struct shadow {
    struct host_job waiting[HOST_PRIORITIES][64];
    uint32_t count[HOST_PRIORITIES];
    struct {
        uint64_t key;
        nsec until;
        bool busy;
    } cores[4];
};

static bool shadow_serves(const struct shadow *s, uint64_t key)
{
    for (int c = 0; c < 4; c++)
        if (key != 0 && s->cores[c].busy && s->cores[c].key == key)
            return true;
    return false;
}

static bool shadow_start(struct shadow *s, struct host_job *job, uint32_t *core)
{
    for (*core = 0; *core < 4 && s->cores[*core].busy; (*core)++)
        ;
    for (int p = 0; p < HOST_PRIORITIES && *core < 4; p++)
        for (uint32_t i = 0; i < s->count[p]; i++)
            if (!shadow_serves(s, s->waiting[p][i].key)) {
                *job = s->waiting[p][i];
                memmove(&s->waiting[p][i], &s->waiting[p][i + 1],
                        (--s->count[p] - i) * sizeof *job);
                return true;
            }
    return false;
}

static bool shadow_complete(struct shadow *s, nsec now, uint32_t *core)
{
    *core = 4;
    for (uint32_t c = 0; c < 4; c++)
        if (s->cores[c].busy && s->cores[c].until <= now &&
            (*core == 4 || s->cores[c].until < s->cores[*core].until))
            *core = c;
    if (*core == 4)
        return false;
    s->cores[*core].busy = false;
    return true;
}

static void start_both(struct host *h, struct shadow *s, struct rng *r, nsec now)
{
    struct host_job job, expected;
    uint32_t core, expected_core;

    for (;;) {
        bool started = host_start(h, &job, &core);

        ck_assert(started == shadow_start(s, &expected, &expected_core));
        if (!started)
            return;
        ck_assert_uint_eq(job.what, expected.what);
        ck_assert_uint_eq(job.key, expected.key);
        ck_assert_uint_eq(job.arrived, expected.arrived);
        ck_assert_uint_eq(core, expected_core);
        s->cores[core].key = job.key;
        s->cores[core].busy = true;
        s->cores[core].until = now + rng_below(r, 5);
        host_occupy(h, core, job.key, now, s->cores[core].until - now);
    }
}

static void complete_both(struct host *h, struct shadow *s, nsec now)
{
    uint32_t core, expected;

    for (;;) {
        bool completed = host_complete(h, now, &core);

        ck_assert(completed == shadow_complete(s, now, &expected));
        if (!completed)
            return;
        ck_assert_uint_eq(core, expected);
    }
}

START_TEST(any_sequence_follows_the_rules)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct rng r = rng_stream(seed, 2, RNG_TEST);
        struct shadow s = {0};
        uint32_t refused = 0;
        struct host h;

        ck_assert_ok(host_init(&h, 4, 40));
        for (nsec now = 0; now < 20000; now++) {
            complete_both(&h, &s, now);
            /* Times of calm and of too much. */
            for (uint64_t n = rng_below(&r, now / 1000 % 2 ? 3 : 5); n > 0; n--) {
                enum host_priority p = rng_below(&r, 3) == 0 ? HOST_URGENT : HOST_NORMAL;
                struct host_job job = {
                    .key = rng_below(&r, 6), .arrived = now, .what = rng_u32(&r)};
                bool fits = s.count[p] < (p == HOST_URGENT ? HOST_URGENT_MAX : 40);

                ck_assert(host_submit(&h, p, &job) == fits);
                if (fits)
                    s.waiting[p][s.count[p]++] = job;
                refused += !fits;
            }
            start_both(&h, &s, &r, now);
            ck_assert_uint_eq(h.waiting, s.count[0] + s.count[1]);
        }
        ck_assert_uint_gt(refused, 100);
        host_reset(&h);
    }
}
END_TEST

START_TEST(a_blocked_key_does_not_block_others)
{
    struct host_job job;
    struct host h;
    uint32_t core;

    ck_assert_ok(host_init(&h, 3, 8));
    ck_assert(host_submit(&h, HOST_NORMAL, &(struct host_job){.key = 7, .what = 1}));
    ck_assert(host_submit(&h, HOST_NORMAL, &(struct host_job){.key = 7, .what = 2}));
    ck_assert(host_submit(&h, HOST_NORMAL, &(struct host_job){.key = 8, .what = 3}));
    ck_assert(host_start(&h, &job, &core) && job.what == 1 && core == 0);
    host_occupy(&h, core, job.key, 0, 10);
    ck_assert(host_start(&h, &job, &core) && job.what == 3 && core == 1);
    host_occupy(&h, core, job.key, 0, 5);
    ck_assert(!host_start(&h, &job, &core));
    ck_assert(host_complete(&h, 5, &core) && core == 1);
    ck_assert(!host_start(&h, &job, &core));
    /* It comes later, its key is free: it may start although another waits longer. */
    ck_assert(host_submit(&h, HOST_NORMAL, &(struct host_job){.key = 8, .what = 4}));
    ck_assert(host_start(&h, &job, &core) && job.what == 4);
    host_occupy(&h, core, job.key, 5, 100);
    ck_assert(host_complete(&h, 10, &core) && core == 0);
    ck_assert(host_start(&h, &job, &core) && job.what == 2);
    host_reset(&h);
}
END_TEST

START_TEST(a_job_without_cost_and_one_without_end)
{
    struct host_job job = {.what = 1};
    struct host h;
    uint32_t core;

    ck_assert_ok(host_init(&h, 1, 2));
    ck_assert_uint_eq(host_next(&h), NSEC_NEVER);
    ck_assert(!host_complete(&h, NSEC_NEVER - 1, &core));
    ck_assert(host_submit(&h, HOST_NORMAL, &job) && host_start(&h, &job, &core));
    host_occupy(&h, core, 0, 77, 0);
    ck_assert_uint_eq(host_next(&h), 77);
    ck_assert(host_complete(&h, 77, &core));
    ck_assert(host_submit(&h, HOST_NORMAL, &job) && host_start(&h, &job, &core));
    host_occupy(&h, core, 0, 77, NSEC_NEVER);
    ck_assert_uint_eq(host_next(&h), NSEC_NEVER);
    ck_assert(!host_complete(&h, NSEC_NEVER - 1, &core));
    host_reset(&h);
}
END_TEST

SUITE("host_rules", any_sequence_follows_the_rules, a_blocked_key_does_not_block_others,
      a_job_without_cost_and_one_without_end)
