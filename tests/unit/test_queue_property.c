/*
 * The queue of events against a binary heap by the same rule, on the distributions that hurt
 * queues with buckets: packets and timers mixed, masses at one nanosecond, few times, bursts,
 * gaps up to the end of time, what is put at the current time and before it. Comparisons of equal
 * packets are counted: a mass must not cost the square of its size.
 */
#include "base/rng.h"
#include "sim/queue.h"
#include "suite.h"

enum { OPERATIONS = 100000, ENTRIES = 2 * OPERATIONS + 1, RANKS = 1 << 16 };

/* The rank of a packet has nothing to do with its number, and none has another's. */
static uint32_t rank_of(uint32_t packet)
{
    return (packet * 40503u + 12345u) % RANKS;
}

static uint64_t comparisons;

static int packet_order(void *context, uint32_t a, uint32_t b)
{
    (void)context;
    comparisons++;
    return (rank_of(a) > rank_of(b)) - (rank_of(a) < rank_of(b));
}

/* Entity, kind and rank or number as one number that sorts as docs/determinism.md says. */
static uint64_t tie_of(const struct event_entry *e)
{
    enum event_class class = event_class(e->what);
    uint32_t number = event_number(e->what);

    return (uint64_t)e->entity << 32 | (uint64_t) class << 30 |
           (class == EVENT_TIMER ? number : rank_of(number));
}

static bool expected_before(const struct event_entry *a, const struct event_entry *b)
{
    return a->at != b->at ? a->at < b->at : tie_of(a) < tie_of(b);
}

/* What is asked millions of times: libcheck writes each of its own assertions down. */
static void must(bool condition, const char *what)
{
    if (!condition)
        ck_abort_msg("not so: %s", what);
}

/* The reference. */
static struct event_entry heap[ENTRIES];
static uint32_t heap_count;

static void heap_put(struct event_entry e)
{
    uint32_t i = heap_count++;

    must(i < ENTRIES, "the heap has room");
    for (; i > 0 && expected_before(&e, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
}

static struct event_entry heap_take(void)
{
    struct event_entry first = heap[0], last = heap[--heap_count];
    uint32_t i = 0, child;

    while ((child = 2 * i + 1) < heap_count) {
        if (child + 1 < heap_count && expected_before(&heap[child + 1], &heap[child]))
            child++;
        if (!expected_before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* A distribution: how far after `now` the n-th entry is. */
typedef nsec distribution(struct rng *, uint32_t n);

static nsec packets_and_timers(struct rng *r, uint32_t n)
{
    return n % 8 ? 20000000 + rng_below(r, 1000000) : (UINT64_C(1000000000) << rng_below(r, 6));
}

static nsec uniform(struct rng *r, uint32_t n)
{
    (void)n;
    return rng_below(r, 1000000000);
}

static nsec at_once(struct rng *r, uint32_t n)
{
    (void)r;
    (void)n;
    return 0;
}

static nsec one_delay(struct rng *r, uint32_t n)
{
    (void)r;
    (void)n;
    return 20000000;
}

static nsec few_times(struct rng *r, uint32_t n)
{
    (void)n;
    return rng_below(r, 4);
}

static nsec few_far_times(struct rng *r, uint32_t n)
{
    (void)n;
    return rng_below(r, 4) * 1000000000;
}

static nsec every_scale(struct rng *r, uint32_t n)
{
    (void)n;
    return rng_u64(r) >> (1 + rng_below(r, 63));
}

static nsec ends_of_time(struct rng *r, uint32_t n)
{
    return n % 64 ? rng_below(r, 100) : NSEC_NEVER; /* cut to the last time there is */
}

static nsec bursts(struct rng *r, uint32_t n)
{
    return n / 1000 * 1000000 + rng_below(r, 50);
}

static nsec nearer_and_nearer(struct rng *r, uint32_t n)
{
    (void)r;
    return (UINT64_C(1) << 62) / (1 + n);
}

/* What is put at a time, and how many entries there are to be pending. */
struct mix {
    distribution *later;
    uint32_t entities, pending;
    bool packets_only;
    bool before_now; /* some are put before the last time taken */
};

struct pair {
    const struct mix *mix;
    struct queue queue;
    struct rng random;
    nsec now;
    uint32_t made;
};

static void put(struct pair *p)
{
    const struct mix *mix = p->mix;
    nsec delay = mix->later(&p->random, p->made);
    struct event_entry e = {.at = delay < NSEC_NEVER - 1 - p->now ? p->now + delay : NSEC_NEVER - 1,
                            .entity = (uint32_t)rng_below(&p->random, mix->entities)};
    uint64_t kind = rng_below(&p->random, 8);

    /* No two are alike: a packet is in the queue once, a timer's number has a generation. */
    if (p->made < RANKS && (mix->packets_only || kind > 0))
        e.what = event_what(kind == 1 ? EVENT_DEPARTURE : EVENT_PACKET, p->made);
    else
        e.what = event_what(EVENT_TIMER, (p->made * 7u) & ((1u << 30) - 1));
    if (mix->before_now && kind == 2)
        e.at = rng_below(&p->random, p->now + 1);
    p->made++;
    must(queue_put(&p->queue, e) == OK, "memory");
    heap_put(e);
}

static void take(struct pair *p)
{
    struct event_entry want = heap_take(), is;
    const struct event_entry *look = queue_look(&p->queue);

    must(!look || (look->at == want.at && look->entity == want.entity && look->what == want.what),
         "queue_look tells of the first, or of none");
    must(queue_next(&p->queue) == want.at, "queue_next tells the time of the first");
    look = queue_look(&p->queue);
    must(look && look->what == want.what, "after queue_next it is known");
    is = queue_take(&p->queue);
    if (is.at != want.at || is.entity != want.entity || is.what != want.what)
        ck_abort_msg("entry %u: %llu %u %x, not %llu %u %x", p->made, (unsigned long long)is.at,
                     is.entity, is.what, (unsigned long long)want.at, want.entity, want.what);
    p->now = is.at;
    must(p->queue.count == heap_count, "the count");
}

/* Fill up, hold, let it run empty, all in uneven steps. */
static void compare(const struct mix *mix, uint64_t seed)
{
    struct pair p = {.mix = mix, .random = rng_stream(seed, 0, RNG_TEST)};

    heap_count = 0;
    ck_assert_ok(queue_init(&p.queue, packet_order, NULL));
    while (p.made < OPERATIONS) {
        uint32_t puts = (uint32_t)rng_below(&p.random, mix->pending / 4 + 2);
        uint32_t takes = (uint32_t)rng_below(&p.random, mix->pending / 4 + 2);

        while (puts-- > 0 && heap_count < mix->pending && p.made < OPERATIONS)
            put(&p);
        while (takes-- > 0 && heap_count > 0)
            take(&p);
    }
    while (heap_count > 0)
        take(&p);
    ck_assert_uint_eq(queue_next(&p.queue), NSEC_NEVER);
    queue_reset(&p.queue);
}

/* Two heaps of 2^17 entries, in and out, and the sorting of small buckets: what n log n may be. */
enum { COMPARISONS_MAX = 60 };

static distribution *const distributions[] = {
    packets_and_timers, uniform,     at_once,      one_delay, few_times,
    few_far_times,      every_scale, ends_of_time, bursts,    nearer_and_nearer};

enum { DISTRIBUTIONS = sizeof distributions / sizeof distributions[0] };

START_TEST(order_is_that_of_a_heap)
{
    static const struct mix shapes[] = {
        {.entities = 5000, .pending = 10},
        {.entities = 5000, .pending = 1000},
        {.entities = 5000, .pending = 1000, .before_now = true},
        {.entities = 3, .pending = 20000},
        {.entities = 1, .pending = OPERATIONS, .packets_only = true},
    };

    for (uint32_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct mix mix = shapes[s];

        for (uint32_t d = 0; d < DISTRIBUTIONS; d++) {
            mix.later = distributions[d];
            comparisons = 0;
            compare(&mix, d * 16 + s);
            ck_assert_uint_le(comparisons, (uint64_t)COMPARISONS_MAX * OPERATIONS);
        }
    }
}
END_TEST

/* Each entry taken puts one at the current time or a nanosecond later, among very many. */
START_TEST(a_mass_at_one_nanosecond)
{
    static const struct mix mass = {.later = at_once, .entities = 50000, .pending = OPERATIONS};
    struct pair p = {.mix = &mass, .random = rng_stream(5, 0, RNG_TEST), .now = 1000};

    heap_count = 0;
    ck_assert_ok(queue_init(&p.queue, packet_order, NULL));
    while (heap_count < OPERATIONS)
        put(&p);
    for (uint32_t i = 0; i < OPERATIONS / 2; i++) {
        take(&p);
        p.now += i & 1;
        put(&p);
        p.now -= i & 1;
    }
    while (heap_count > 0)
        take(&p);
    queue_reset(&p.queue);
}
END_TEST

/* Each time is earlier than all there are: windows in front of windows, never taken from. */
START_TEST(times_that_come_backwards)
{
    struct queue q;

    ck_assert_ok(queue_init(&q, packet_order, NULL));
    for (nsec at = 2 * OPERATIONS; at-- > OPERATIONS;)
        must(queue_put(&q, (struct event_entry){at, 1, event_what(EVENT_TIMER, 1)}) == OK,
             "memory");
    ck_assert_uint_eq(queue_next(&q), OPERATIONS);
    for (nsec at = OPERATIONS; at-- > 0;) {
        must(queue_put(&q, (struct event_entry){at, 1, event_what(EVENT_TIMER, 1)}) == OK,
             "memory");
        if (at % 100 == 0)
            must(queue_next(&q) == at, "the earliest is first");
    }
    for (nsec at = 0; at < 2 * OPERATIONS; at++)
        must(queue_take(&q).at == at, "in order");
    ck_assert_uint_eq(q.count, 0);
    queue_reset(&q);
}
END_TEST

static bool wanted(void *context, const struct event_entry *e)
{
    (void)context;
    return event_class(e->what) != EVENT_TIMER || event_number(e->what) % 3 == 0;
}

/* Swept at any point of its life, a queue has lost what is not wanted and nothing else. */
START_TEST(a_sweep_leaves_what_is_wanted)
{
    for (uint32_t d = 0; d < DISTRIBUTIONS; d++) {
        struct mix mix = {.later = distributions[d], .entities = 100, .pending = 5000};
        struct pair p = {.mix = &mix, .random = rng_stream(7, d, RNG_TEST)};

        heap_count = 0;
        ck_assert_ok(queue_init(&p.queue, packet_order, NULL));
        for (int round = 0; round < 20; round++) {
            uint32_t left = 0;

            while (heap_count < mix.pending)
                put(&p);
            for (uint32_t takes = (uint32_t)rng_below(&p.random, 5000); takes > 0; takes--)
                take(&p);
            queue_sweep(&p.queue, wanted);
            for (uint32_t count = heap_count, i = (heap_count = 0); i < count; i++)
                if (wanted(NULL, &heap[i]))
                    heap_put(heap[i]), left++;
            must(p.queue.count == left, "the count after a sweep");
        }
        while (heap_count > 0)
            take(&p);
        queue_reset(&p.queue);
    }
}
END_TEST

/* Chunks are used again: what a population needs once is enough for every later one. */
START_TEST(memory_is_that_of_the_largest_population)
{
    struct rng r = rng_stream(6, 0, RNG_TEST);
    size_t chunks = 0;
    struct queue q;

    ck_assert_ok(queue_init(&q, packet_order, NULL));
    for (int round = 0; round < 6; round++) {
        for (uint32_t i = 0; i < 50000; i++)
            ck_assert_ok(queue_put(
                &q, (struct event_entry){rng_below(&r, 1u << 30), i, event_what(EVENT_TIMER, i)}));
        for (uint32_t i = 0; i < 200000; i++) {
            struct event_entry e = queue_take(&q);

            e.at += packets_and_timers(&r, i);
            must(queue_put(&q, e) == OK, "memory");
        }
        while (q.count > 0)
            queue_take(&q);
        if (round == 1)
            chunks = q.chunks;
    }
    /* Blocks are an eighth of what there is: at most one more, where a rung is less even. */
    ck_assert_uint_le(q.chunks, chunks + chunks / 8 + 1);
    ck_assert_uint_le(q.chunks * QUEUE_CHUNK, 50000 * 40);
    queue_reset(&q);
}
END_TEST

SUITE("queue_property", order_is_that_of_a_heap, a_mass_at_one_nanosecond,
      times_that_come_backwards, a_sweep_leaves_what_is_wanted,
      memory_is_that_of_the_largest_population)
