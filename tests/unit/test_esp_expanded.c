/* The cache of expanded keys: nothing before the first packet, bounded, wiped, never mixed up,
 * whether it is libipsec-mb that has tables or OpenSSL that keeps contexts. */
#include "proto/esp/expanded.h"
#include "suite.h"

enum { OWNERS = 300, MOST = 100 };

static struct meter meter;
static uint8_t keys[OWNERS][ENCR_KEY_MAX];

/* Tables of libipsec-mb, where it is there, and contexts of OpenSSL. */
static void each_maker(void (*with)(struct crypto *))
{
    for (int tables = 0; tables < 2; tables++) {
        struct crypto *c = crypto_openssl_create(&meter);
        struct rng r = rng_stream(3, 3, RNG_TEST);

        ck_assert_ptr_nonnull(c);
        rng_fill(&r, keys, sizeof keys);
        (void)c->class->engine_limit(c, tables ? CRYPTO_AVX512 : CRYPTO_OPENSSL);
        with(c);
        crypto_destroy(c);
    }
}

static struct seal_key key_of(uint32_t owner)
{
    return (struct seal_key){.encr = encr_suite(20, 256), .encr_key = keys[owner]};
}

static const void *take(struct expanded *e, struct crypto *c, uint32_t owner)
{
    struct seal_key key = key_of(owner);

    return expanded_take(e, c, &key, owner);
}

/* It must be of this owner's key: a packet sealed with it is what the key itself seals. */
static void must_be_of(struct crypto *c, const void *expanded, uint32_t owner)
{
    struct seal_key key = key_of(owner);
    uint8_t text[2][40], icv[2][16], iv[8] = {1};

    memset(text, 7, sizeof text);
    for (int i = 0; i < 2; i++) {
        struct seal_op op = {.key = &key,
                             .expanded = i ? expanded : NULL,
                             .aad = bytes_of("SPI, Seq", 8),
                             .iv = iv,
                             .text = text[i],
                             .text_len = sizeof text[i],
                             .icv = icv[i]};

        ck_assert_ok(c->class->seal(c, &op));
    }
    ck_assert_mem_eq(text[0], text[1], sizeof text[0]);
    ck_assert_mem_eq(icv[0], icv[1], sizeof icv[0]);
}

static void nothing_is_there_before_the_first_packet_of(struct crypto *c)
{
    struct crypto *modelled = crypto_modelled_create(&meter);
    struct expanded e;

    expanded_init(&e, OWNERS, MOST);
    expanded_turn(&e);
    ck_assert_ptr_null(take(&e, modelled, 1));
    expanded_drop(&e, 1);
    ck_assert_ptr_null(e.slots);
    must_be_of(c, take(&e, c, 1), 1);
    ck_assert_ptr_nonnull(e.slots);
    ck_assert_uint_eq(e.fresh - e.freed, 1);
    expanded_reset(&e);
    crypto_destroy(modelled);
}

static void the_oldest_makes_room_of(struct crypto *c)
{
    struct expanded e;

    expanded_init(&e, OWNERS, MOST);
    for (int round = 0; round < 3; round++)
        for (uint32_t owner = 0; owner < OWNERS; owner++) {
            expanded_turn(&e);
            must_be_of(c, take(&e, c, owner), owner);
        }
    ck_assert_uint_eq(e.fresh, MOST);
    /* The last ones are still there, and found without expanding again. */
    for (uint32_t owner = OWNERS - MOST; owner < OWNERS; owner++) {
        const void *was = take(&e, c, owner);

        expanded_turn(&e);
        ck_assert_ptr_eq(was, take(&e, c, owner));
    }
    expanded_reset(&e);
}

/* However full it is, what a batch was given stays until the batch is done. */
static void what_a_turn_took_holds_until_the_next_of(struct crypto *c)
{
    const void *taken[SEAL_BATCH_MAX];
    struct expanded e;
    struct rng r = rng_stream(4, 4, RNG_TEST);

    expanded_init(&e, OWNERS, SEAL_BATCH_MAX + 1);
    for (int turn = 0; turn < 200; turn++) {
        uint32_t owner[SEAL_BATCH_MAX];

        expanded_turn(&e);
        for (int i = 0; i < SEAL_BATCH_MAX; i++) {
            owner[i] = rng_u32(&r) % OWNERS;
            taken[i] = take(&e, c, owner[i]);
        }
        for (int i = 0; i < SEAL_BATCH_MAX; i++)
            must_be_of(c, taken[i], owner[i]);
    }
    expanded_reset(&e);
}

static void a_dropped_slot_is_wiped_and_taken_next_of(struct crypto *c)
{
    static const uint8_t zeros[SEAL_EXPANDED_MAX];
    struct expanded e;
    const void *slot;

    expanded_init(&e, OWNERS, MOST);
    expanded_turn(&e);
    slot = take(&e, c, 5);
    (void)take(&e, c, 6);
    ck_assert_mem_ne(slot, zeros, SEAL_EXPANDED_MAX);
    expanded_drop(&e, 5);
    ck_assert_uint_eq(e.fresh - e.freed, 1);
    ck_assert_mem_eq(slot, zeros, SEAL_EXPANDED_MAX);
    expanded_drop(&e, 5); /* has none */
    /* The number is another SA's now, with another key. */
    memset(keys[5], 0x55, sizeof keys[5]);
    ck_assert_ptr_eq(slot, take(&e, c, 5));
    must_be_of(c, slot, 5);
    ck_assert_uint_eq(e.fresh, 2);
    expanded_reset(&e);
}

START_TEST(nothing_is_there_before_the_first_packet)
{
    each_maker(nothing_is_there_before_the_first_packet_of);
}
END_TEST

START_TEST(the_oldest_makes_room)
{
    each_maker(the_oldest_makes_room_of);
}
END_TEST

START_TEST(what_a_turn_took_holds_until_the_next)
{
    each_maker(what_a_turn_took_holds_until_the_next_of);
}
END_TEST

START_TEST(a_dropped_slot_is_wiped_and_taken_next)
{
    each_maker(a_dropped_slot_is_wiped_and_taken_next_of);
}
END_TEST

SUITE("esp_expanded", nothing_is_there_before_the_first_packet, the_oldest_makes_room,
      what_a_turn_took_holds_until_the_next, a_dropped_slot_is_wiped_and_taken_next)
