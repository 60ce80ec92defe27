/*
 * The queue of events when memory is short: each of its allocations fails once. What it says is
 * ERR_MEMORY; what it still gives comes in order, nothing comes twice, and it can be reset.
 *
 * The linker puts the functions below in front of those of the C library (--wrap).
 */
#include "base/rng.h"
#include "sim/queue.h"
#include "suite.h"

enum { STEPS = 12000 };

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static uint32_t until_failure; /* allocations: the one that makes it 0 fails; 0: none does */
static bool failed;

static bool fails(void)
{
    bool now = until_failure > 0 && --until_failure == 0;

    failed |= now;
    return now;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

/* An assertion of libcheck would ask for memory itself. */
static void must(bool condition, const char *what)
{
    if (!condition)
        ck_abort_msg("not so: %s", what);
}

static int packet_order(void *context, uint32_t a, uint32_t b)
{
    (void)context;
    return (a > b) - (a < b);
}

/* Packets and timers, with a mass at one nanosecond and, later, one of one entity: rungs of times
 * and of entities, fences, and a heap that grows. */
static struct event_entry entry_of(struct rng *r, nsec now, uint32_t step)
{
    uint32_t what = event_what(EVENT_PACKET, step);
    nsec second = UINT64_C(1000000000);

    if (step % 4 == 0)
        return (struct event_entry){now + second + rng_below(r, 32 * second), step, what};
    if (step % 4 == 1)
        return (struct event_entry){20 * second, step < STEPS / 2 ? step : 0, what};
    if (step % 4 == 2)
        return (struct event_entry){now + rng_below(r, 100), step, what};
    return (struct event_entry){now + 20000000 + rng_below(r, 1000000), step, what};
}

struct outcome {
    uint32_t put, refused, taken, left;
    enum err error; /* of the queue */
};

static void take(struct queue *q, struct event_entry *last, bool *taken)
{
    struct event_entry e = queue_take(q);
    uint32_t number = event_number(e.what);

    must(e.at >= last->at && !taken[number], "each comes once, and in order");
    taken[number] = true;
    *last = e;
}

/* One is taken for three that are put, then all that are left. */
static struct outcome work(struct queue *q)
{
    static bool taken[STEPS];
    struct rng r = rng_stream(5, 0, RNG_TEST);
    struct outcome out = {0};
    struct event_entry last = {0};

    memset(taken, 0, sizeof taken);
    for (uint32_t step = 0; step < STEPS || queue_next(q) != NSEC_NEVER; step++) {
        if (step < STEPS) {
            enum err e = queue_put(q, entry_of(&r, last.at, step));

            must(e == OK || (e == ERR_MEMORY && failed), "what fails is said");
            out.put += e == OK;
            out.refused += e != OK;
        }
        if ((step < STEPS && step % 3 != 0) || queue_next(q) == NSEC_NEVER)
            continue;
        take(q, &last, taken);
        out.taken++;
    }
    out.left = q->count;
    out.error = q->error;
    return out;
}

START_TEST(each_allocation_that_fails_is_said)
{
    uint32_t lost = 0, refused = 0, n = 0;

    do {
        struct queue q;
        struct outcome out;

        failed = false;
        until_failure = ++n;
        if (queue_init(&q, packet_order, NULL) != OK) {
            ck_assert(failed);
            queue_reset(&q);
            continue;
        }
        out = work(&q);
        until_failure = 0;
        ck_assert_uint_eq(out.left, 0);
        ck_assert(failed == (out.error != OK || out.refused > 0));
        if (out.error == OK)
            ck_assert_uint_eq(out.taken, out.put);
        else
            ck_assert_int_eq(queue_put(&q, (struct event_entry){1, 1, 1}), ERR_MEMORY);
        lost += out.error != OK;
        refused += out.error == OK && out.refused > 0;
        queue_reset(&q);
    } while (failed);
    /* Both ways to fail were there: while entries were moved, and when one was put. */
    ck_assert_uint_gt(lost, 3);
    ck_assert_uint_gt(refused, 3);
    ck_assert_uint_gt(n, 12);
}
END_TEST

SUITE("queue_memory", each_allocation_that_fails_is_said)
