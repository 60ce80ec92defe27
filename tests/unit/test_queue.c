/*
 * The queue of events: order against a sorted shadow, and equal times by the rule of
 * docs/determinism.md, whatever the order of insertion.
 */
#include "base/rng.h"
#include "sim/queue.h"
#include "suite.h"

enum { PACKETS = 64 };

/* What packets are named by: the order among them is (source, sequence, copy). */
struct name {
    uint32_t source, sequence, copy;
};

static struct name names[PACKETS];

static int name_order(const struct name *a, const struct name *b)
{
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    return a->copy < b->copy ? -1 : a->copy > b->copy;
}

static int packet_order(void *context, uint32_t a, uint32_t b)
{
    ck_assert_ptr_eq(context, names);
    ck_assert(a < PACKETS && b < PACKETS);
    return name_order(&names[a], &names[b]);
}

/* The rule once more, in other words. */
static int expected_order(const void *x, const void *y)
{
    const struct event_entry *a = x, *b = y;

    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->entity != b->entity)
        return a->entity < b->entity ? -1 : 1;
    if (event_class(a->what) != event_class(b->what))
        return event_class(a->what) == EVENT_PACKET ? -1 : 1;
    if (event_class(a->what) == EVENT_PACKET)
        return name_order(&names[event_number(a->what)], &names[event_number(b->what)]);
    return event_number(a->what) < event_number(b->what)   ? -1
           : event_number(a->what) > event_number(b->what) ? 1
                                                           : 0;
}

static bool same(const struct event_entry *a, const struct event_entry *b)
{
    return a->at == b->at && a->entity == b->entity && a->what == b->what;
}

/* Names whose order has nothing to do with the slot numbers. */
static void name_packets(struct rng *r)
{
    for (uint32_t i = 0; i < PACKETS; i++)
        names[i] = (struct name){
            .source = (uint32_t)rng_below(r, 3), .sequence = (uint32_t)rng_below(r, 3), .copy = i};
}

static void shuffle(struct rng *r, struct event_entry *e, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)rng_below(r, i);
        struct event_entry t = e[i - 1];

        e[i - 1] = e[j];
        e[j] = t;
    }
}

START_TEST(an_empty_queue_has_no_next)
{
    struct queue q;

    ck_assert_ok(queue_init(&q, packet_order, names));
    ck_assert_uint_eq(queue_next(&q), NSEC_NEVER);
    ck_assert_ok(queue_put(&q, (struct event_entry){5, 1, event_what(EVENT_TIMER, 2)}));
    ck_assert_uint_eq(queue_next(&q), 5);
    ck_assert_uint_eq(queue_take(&q).entity, 1);
    ck_assert_uint_eq(queue_next(&q), NSEC_NEVER);
    queue_reset(&q);
}
END_TEST

START_TEST(what_names_kind_and_number)
{
    static const uint32_t numbers[] = {0, 1, 2, 12345, (1u << 30) - 1};

    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(event_number(event_what(EVENT_PACKET, numbers[i])), numbers[i]);
        ck_assert_uint_eq(event_number(event_what(EVENT_TIMER, numbers[i])), numbers[i]);
        ck_assert(event_class(event_what(EVENT_PACKET, numbers[i])) == EVENT_PACKET);
        ck_assert(event_class(event_what(EVENT_TIMER, numbers[i])) == EVENT_TIMER);
    }
}
END_TEST

/* Mixed puts and takes; the shadow is kept sorted by insertion. */
START_TEST(order_is_that_of_a_sorted_shadow)
{
    static struct event_entry shadow[4096];
    struct rng r = rng_stream(2, 0, RNG_TEST);
    uint32_t count = 0, taken = 0, used = 0;
    struct queue q;

    name_packets(&r);
    ck_assert_ok(queue_init(&q, packet_order, names));
    for (int step = 0; step < 40000; step++) {
        bool put = count == 0 || (count < 3000 && rng_below(&r, 100) < (step < 20000 ? 55 : 45));

        if (put) {
            bool packet = used < PACKETS && rng_below(&r, 4) == 0;
            struct event_entry e = {.at = rng_below(&r, 50),
                                    .entity = (uint32_t)rng_below(&r, 4),
                                    .what = packet ? event_what(EVENT_PACKET, used++)
                                                   : event_what(EVENT_TIMER, (uint32_t)step)};
            uint32_t at = count++;

            ck_assert_ok(queue_put(&q, e));
            for (; at > 0 && expected_order(&e, &shadow[at - 1]) < 0; at--)
                shadow[at] = shadow[at - 1];
            shadow[at] = e;
        } else {
            struct event_entry e = queue_take(&q);

            ck_assert(same(&e, &shadow[0]));
            memmove(&shadow[0], &shadow[1], --count * sizeof *shadow);
            taken++;
        }
        ck_assert_uint_eq(queue_next(&q), count ? shadow[0].at : NSEC_NEVER);
    }
    ck_assert_uint_gt(taken, 10000);
    queue_reset(&q);
}
END_TEST

/* Every insertion order of a set with all kinds of ties gives the one order. */
START_TEST(insertion_order_says_nothing)
{
    struct event_entry sorted[2 * PACKETS], put[2 * PACKETS];
    struct rng r = rng_stream(3, 0, RNG_TEST);

    for (int round = 0; round < 1000; round++) {
        struct queue q;

        name_packets(&r);
        for (uint32_t i = 0; i < 2 * PACKETS; i++)
            sorted[i] =
                (struct event_entry){.at = 1000 + rng_below(&r, 2),
                                     .entity = (uint32_t)rng_below(&r, 2),
                                     .what = i < PACKETS ? event_what(EVENT_PACKET, i)
                                                         : event_what(EVENT_TIMER, 1000 - i)};
        memcpy(put, sorted, sizeof put);
        qsort(sorted, 2 * PACKETS, sizeof *sorted, expected_order);
        shuffle(&r, put, 2 * PACKETS);
        ck_assert_ok(queue_init(&q, packet_order, names));
        for (uint32_t i = 0; i < 2 * PACKETS; i++)
            ck_assert_ok(queue_put(&q, put[i]));
        for (uint32_t i = 0; i < 2 * PACKETS; i++) {
            struct event_entry e = queue_take(&q);

            ck_assert(same(&e, &sorted[i]));
        }
        queue_reset(&q);
    }
}
END_TEST

/* All 120 orders of five entries that differ by one rule each. */
START_TEST(every_permutation_of_one_tie_each)
{
    struct event_entry e[5];
    struct queue q;
    int at[5];

    names[0] = (struct name){.source = 1, .sequence = 9};
    names[1] = (struct name){.source = 2, .sequence = 3, .copy = 1};
    names[2] = (struct name){.source = 2, .sequence = 3, .copy = 0};
    e[0] = (struct event_entry){7, 1, event_what(EVENT_PACKET, 0)};
    e[1] = (struct event_entry){7, 1, event_what(EVENT_PACKET, 2)};
    e[2] = (struct event_entry){7, 1, event_what(EVENT_PACKET, 1)};
    e[3] = (struct event_entry){7, 1, event_what(EVENT_TIMER, 0)};
    e[4] = (struct event_entry){7, 2, event_what(EVENT_TIMER, 0)};
    for (int code = 0; code < 120; code++) {
        int rest[5] = {0, 1, 2, 3, 4}, left = 5, n = code;

        for (int i = 0; i < 5; i++) {
            int k = n % left;

            n /= left;
            at[i] = rest[k];
            rest[k] = rest[--left];
        }
        ck_assert_ok(queue_init(&q, packet_order, names));
        for (int i = 0; i < 5; i++)
            ck_assert_ok(queue_put(&q, e[at[i]]));
        for (int i = 0; i < 5; i++) {
            struct event_entry out = queue_take(&q);

            ck_assert(same(&out, &e[i]));
        }
        queue_reset(&q);
    }
}
END_TEST

START_TEST(many_entries_and_the_end_of_time)
{
    struct rng r = rng_stream(4, 0, RNG_TEST);
    struct queue q;
    nsec last = 0;

    ck_assert_ok(queue_init(&q, packet_order, names));
    ck_assert_ok(queue_put(
        &q, (struct event_entry){NSEC_NEVER - 1, UINT32_MAX, event_what(EVENT_TIMER, 1)}));
    for (uint32_t i = 0; i < 200000; i++)
        ck_assert_ok(
            queue_put(&q, (struct event_entry){rng_u64(&r) / 2, i, event_what(EVENT_TIMER, i)}));
    for (uint32_t i = 0; i < 200000; i++) {
        struct event_entry e = queue_take(&q);

        ck_assert(e.at >= last);
        last = e.at;
    }
    ck_assert_uint_eq(queue_take(&q).entity, UINT32_MAX);
    ck_assert_uint_eq(q.count, 0);
    queue_reset(&q);
}
END_TEST

enum { TOLD = 100000 };

static uint8_t told[TOLD]; /* by entity: fetches it was told for, one bit each */
static uint32_t told_of;   /* so many of them */

static void note_told(void *context, const struct event_entry *e, uint32_t count,
                      enum queue_fetch fetch)
{
    ck_assert_ptr_eq(context, names);
    for (uint32_t i = 0; i < count; i++) {
        if (fetch > FETCH_NAMED && !(told[e[i].entity] & 1 << (fetch - 1)))
            ck_abort_msg("entry %u: fetch %d before what it is found by", e[i].entity, (int)fetch);
        told_of += told[e[i].entity] == 0;
        told[e[i].entity] |= (uint8_t)(1 << fetch);
    }
}

/* Seven of eight in a fiftieth of the time, so that buckets are spread before they are sorted. */
START_TEST(what_comes_soon_is_told_before_it_comes)
{
    struct rng r = rng_stream(6, 0, RNG_TEST);
    uint32_t ahead = 0;
    struct queue q;

    memset(told, 0, sizeof told);
    told_of = 0;
    ck_assert_ok(queue_init(&q, packet_order, names));
    q.soon = note_told;
    q.soon_up_to = FETCH_LAST;
    for (uint32_t i = 0; i < TOLD; i++) {
        nsec at = rng_below(&r, i % 8 ? 20000000 : 1000000000);

        ck_assert_ok(queue_put(&q, (struct event_entry){at, i, event_what(EVENT_TIMER, 0)}));
    }
    for (uint32_t taken = 0; taken < TOLD; taken++) {
        uint32_t entity = queue_take(&q).entity;

        if (told[entity] != (2 << FETCH_LAST) - 1)
            ck_abort_msg("entry %u was not told of", entity);
        ahead = told_of - taken > ahead ? told_of - taken : ahead;
    }
    ck_assert_uint_gt(ahead, 5 * QUEUE_BOTTOM);
    ck_assert_uint_le(ahead, QUEUE_SOON);
    queue_reset(&q);
}
END_TEST

SUITE("queue", what_comes_soon_is_told_before_it_comes, an_empty_queue_has_no_next,
      what_names_kind_and_number, order_is_that_of_a_sorted_shadow, insertion_order_says_nothing,
      every_permutation_of_one_tie_each, many_entries_and_the_end_of_time)
