/* base: cursor, pool, table, timerq, rng. */
#include "base/chains.h"
#include "base/cursor.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/sparse.h"
#include "base/table.h"
#include "base/timerq.h"
#include "suite.h"

START_TEST(reader_remembers_first_error)
{
    const uint8_t in[] = {1, 2, 3};
    struct reader r;

    reader_init(&r, bytes_of(in, sizeof in));
    ck_assert_uint_eq(reader_u16(&r), 0x0102);
    ck_assert_uint_eq(reader_u32(&r), 0);
    ck_assert_uint_eq(reader_u8(&r), 0); /* the 3 is not handed out after the error */
    ck_assert_int_eq(reader_end(&r), ERR_TRUNCATED);
}
END_TEST

START_TEST(reader_sub_must_be_empty_when_closed)
{
    const uint8_t in[] = {1, 2, 3, 4};
    struct reader r, sub;

    reader_init(&r, bytes_of(in, sizeof in));
    sub = reader_sub(&r, 3);
    ck_assert_uint_eq(reader_u16(&sub), 0x0102);
    reader_close(&r, &sub);
    ck_assert_int_eq(reader_end(&r), ERR_TRAILING);
}
END_TEST

START_TEST(writer_closes_lengths_and_refuses_overflow)
{
    uint8_t out[6];
    struct writer w;
    uint8_t *mark;

    writer_init(&w, out, sizeof out);
    mark = writer_mark_u16(&w);
    writer_u32(&w, 0xdeadbeef);
    writer_close_u16(&w, mark, 2);
    ck_assert_ok(writer_end(&w));
    ck_assert_uint_eq(load_be16(out), 6);
    writer_u8(&w, 1);
    ck_assert_int_eq(writer_end(&w), ERR_SPACE);
    ck_assert_uint_eq(writer_len(&w), 6);
}
END_TEST

START_TEST(pool_finds_stale_handles)
{
    struct pool p;
    struct handle a, b, c;
    uint8_t *slot;

    ck_assert_ok(pool_init(&p, 20, 2));
    slot = pool_take(&p, &a);
    slot[0] = 7;
    ck_assert_ptr_nonnull(pool_take(&p, &b));
    ck_assert_ptr_null(pool_take(&p, &c));
    pool_give(&p, a);
    ck_assert_uint_eq(slot[0], 0); /* wiped when given back */
    ck_assert_ptr_null(pool_at(&p, a));
    ck_assert_ptr_eq(pool_take(&p, &c), slot);
    ck_assert_ptr_null(pool_at(&p, a));
    ck_assert_ptr_eq(pool_at(&p, c), slot);
    ck_assert_uint_eq(p.taken_peak, 2);
    pool_reset(&p);
}
END_TEST

/* Any size of slot, taken and given back in any order: zeroed, known by its place, and the free
 * list that runs through the free slots loses none. */
START_TEST(pool_slots_of_any_size)
{
    enum { SLOTS = 20, LARGEST = 300 };
    static const uint8_t zeros[LARGEST];

    for (size_t size = 1; size <= LARGEST; size += size < 40 ? 3 : 37) {
        struct rng r = rng_stream(1, size, RNG_TEST);
        struct handle held[SLOTS];
        uint32_t count = 0;
        struct pool p;

        ck_assert_ok(pool_init(&p, size, SLOTS));
        for (int step = 0; step < 300; step++) {
            uint32_t any = count ? (uint32_t)rng_below(&r, count) : 0;
            struct handle h;
            uint8_t *slot;

            if (count && rng_below(&r, 2)) {
                pool_give(&p, held[any]);
                held[any] = held[--count];
                continue;
            }
            slot = pool_take(&p, &h);
            ck_assert_int_eq(slot == NULL, count == SLOTS);
            if (!slot)
                continue;
            ck_assert_mem_eq(slot, zeros, size);
            memset(slot, 0xa5, size);
            ck_assert_uint_eq(pool_index(&p, slot), h.index);
            ck_assert_ptr_eq(pool_slot(&p, h.index), slot);
            held[count++] = h;
        }
        ck_assert_uint_eq(p.taken, count);
        pool_reset(&p);
    }
}
END_TEST

START_TEST(table_agrees_with_a_plain_array)
{
    enum { KEYS = 512 };
    uint32_t shadow[KEYS] = {0};
    struct table t;
    struct rng r = rng_stream(1, 2, RNG_TEST);

    ck_assert_ok(table_init(&t, 4));
    for (int step = 0; step < 100000; step++) {
        uint64_t key = rng_below(&r, KEYS);
        uint32_t value = rng_u32(&r) | 1, got = 0;

        if (rng_below(&r, 2)) {
            ck_assert_ok(table_put(&t, key << 40, value));
            shadow[key] = value;
        } else {
            ck_assert_int_eq(table_remove(&t, key << 40), shadow[key] != 0);
            shadow[key] = 0;
        }
        key = rng_below(&r, KEYS);
        ck_assert_int_eq(table_get(&t, key << 40, &got), shadow[key] != 0);
        ck_assert_uint_eq(got, shadow[key]);
    }
    table_reset(&t);
}
END_TEST

struct chained {
    uint64_t key;
    uint32_t link, age; /* 0: not in the index */
};

static uint32_t chained_hash(const void *records, uint32_t number)
{
    return chains_mix(((const struct chained *)records)[number].key);
}

static uint32_t *chained_link(const void *records, uint32_t number)
{
    return (uint32_t *)&((const struct chained *)records)[number].link;
}

static const struct chains_class chained = {chained_hash, chained_link};

/* Keys that come again and again: the chains give all of a key, the oldest first, while they split
 * and when records leave. */
START_TEST(chains_agree_with_a_plain_array)
{
    enum { RECORDS = 700, KEYS = 300 };
    struct chained all[RECORDS] = {{0}};
    struct rng r = rng_stream(1, 4, RNG_TEST);
    uint32_t count = 0;
    struct chains c;

    ck_assert_ok(chains_init(&c, &chained, RECORDS));
    for (uint32_t step = 1; step < 6000; step++) {
        uint32_t any = (uint32_t)rng_below(&r, step < 3000 ? RECORDS : RECORDS / 4), found = 0;
        uint32_t last = 0, there = 0;
        uint64_t key = rng_below(&r, KEYS) << 40;

        if (all[any].age) {
            chains_remove(&c, all, chained_hash(all, any), any);
            all[any].age = 0;
            count--;
        } else {
            all[any] = (struct chained){.key = key, .age = step};
            ck_assert(!chains_drop(&c, all, chains_mix(key), any));
            chains_add(&c, all, chains_mix(key), any);
            count++;
        }
        ck_assert_uint_eq(c.count, count);
        for (uint32_t i = 0; i < RECORDS; i++)
            there += all[i].age && all[i].key == key;
        for (uint32_t i = chains_first(&c, chains_mix(key)); i != CHAINS_END;
             i = chains_next(&c, all, i)) {
            if (all[i].key != key)
                continue;
            ck_assert_uint_gt(all[i].age, last);
            last = all[i].age;
            found++;
        }
        ck_assert_uint_eq(found, there);
    }
    chains_clear(&c);
    ck_assert_uint_eq(chains_first(&c, 0), CHAINS_END);
    chains_reset(&c);
}
END_TEST

/* As many chains as records, and none much longer than chance makes it. */
START_TEST(chains_stay_short)
{
    enum { RECORDS = 20000, LONGEST = 10 };
    struct chained *all = calloc(RECORDS, sizeof *all);
    struct chains c;

    ck_assert_ptr_nonnull(all);
    ck_assert_ok(chains_init(&c, &chained, RECORDS));
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint32_t length = 0;

        all[i].key = (uint64_t)i << 32 | 7; /* keys that differ little */
        for (uint32_t k = chains_first(&c, chained_hash(all, i)); k != CHAINS_END;
             k = chains_next(&c, all, k))
            length++;
        if (length > LONGEST)
            ck_abort_msg("%u in a chain", length);
        chains_insert(&c, all, chained_hash(all, i), CHAINS_END, i);
    }
    ck_assert_uint_eq(c.used, RECORDS);
    chains_reset(&c);
    free(all);
}
END_TEST

START_TEST(timerq_expires_in_order_of_deadline_then_owner)
{
    enum { OWNERS = 64 };
    nsec shadow[OWNERS];
    struct timerq q;
    struct rng r = rng_stream(1, 3, RNG_TEST);
    uint32_t owner;

    ck_assert_ok(timerq_init(&q, OWNERS));
    for (int i = 0; i < OWNERS; i++)
        shadow[i] = NSEC_NEVER;
    for (int step = 0; step < 20000; step++) {
        uint32_t o = (uint32_t)rng_below(&r, OWNERS), first = 0;

        shadow[o] = rng_below(&r, 5) ? rng_below(&r, 32) : NSEC_NEVER;
        timerq_arm(&q, o, shadow[o]);
        for (uint32_t i = 1; i < OWNERS; i++)
            if (shadow[i] < shadow[first])
                first = i;
        ck_assert_uint_eq(timerq_deadline(&q), shadow[first]);
        if (shadow[first] < 8) {
            ck_assert(timerq_expire(&q, 8, &owner));
            ck_assert_uint_eq(owner, first);
            shadow[first] = NSEC_NEVER;
        }
    }
    timerq_reset(&q);
}
END_TEST

START_TEST(rng_streams_are_independent_and_uniform)
{
    struct rng a = rng_stream(1, 1, RNG_SPI), b = rng_stream(1, 2, RNG_SPI);
    unsigned bucket[10] = {0};
    unsigned equal_bits = 0;

    for (int i = 0; i < 100000; i++) {
        equal_bits += (unsigned)__builtin_popcountll(~(rng_u64(&a) ^ rng_u64(&b)));
        bucket[rng_below(&a, 10)]++;
    }
    /* Half of 6.4 million bits agree, standard deviation 1265. */
    ck_assert_int_lt(labs((long)equal_bits - 3200000L), 8000);
    for (int i = 0; i < 10; i++)
        ck_assert_int_lt(abs((int)bucket[i] - 10000), 600);
}
END_TEST

START_TEST(rng_streams_of_an_entity_are_those_that_are_named)
{
    struct rng all = rng_streams(7, 3), named = rng_stream(7, 3, RNG_NONCE);
    struct rng forked = rng_fork(&all, RNG_NONCE);

    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(rng_u64(&forked), rng_u64(&named));
}
END_TEST

/* There and back, from nothing to all of it; no octet behind the length is touched. */
START_TEST(what_is_packed_comes_back)
{
    enum { SIZE = 1000 };
    struct rng r = rng_stream(1, 2, RNG_TEST);
    uint8_t record[SIZE], back[SIZE], packed[SPARSE_MAX(SIZE) + 1];

    for (unsigned used = 0; used <= 100; used++) {
        size_t len, words = 0;

        memset(record, 0, sizeof record);
        for (size_t at = 0; at < SIZE; at++)
            if (rng_below(&r, 100) < used * used / 100)
                record[at] = (uint8_t)rng_below(&r, 256);
        for (size_t at = 0; at < SIZE; at += 8) {
            static const uint8_t zeros[8];

            words += memcmp(record + at, zeros, 8) != 0;
        }
        len = sparse_len(record, SIZE);
        ck_assert_uint_eq(len, SPARSE_MAX(SIZE) - SIZE + 8 * words);
        memset(packed, 0xa5, sizeof packed);
        memset(back, 0x5a, sizeof back);
        sparse_pack(record, SIZE, packed);
        ck_assert_uint_eq(packed[len], 0xa5);
        sparse_unpack(packed, back, SIZE);
        ck_assert_mem_eq(record, back, SIZE);
    }
}
END_TEST

SUITE("base", what_is_packed_comes_back, reader_remembers_first_error,
      reader_sub_must_be_empty_when_closed, writer_closes_lengths_and_refuses_overflow,
      pool_finds_stale_handles, pool_slots_of_any_size, table_agrees_with_a_plain_array,
      chains_agree_with_a_plain_array, chains_stay_short,
      timerq_expires_in_order_of_deadline_then_owner, rng_streams_are_independent_and_uniform,
      rng_streams_of_an_entity_are_those_that_are_named)
