/* proto/core: message store, event queue, NAT hashes. */
#include "proto/core/event_queue.h"
#include "proto/core/message_store.h"
#include "proto/core/nat.h"
#include "suite.h"

START_TEST(messages_come_back_as_they_were_kept)
{
    static uint8_t bytes[MESSAGE_MAX + 1];
    struct message_store s;
    struct message_ref ref;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    ck_assert_ok(message_store_init(
        &s, &(struct message_needs){.sas = 4, .handshakes = 4, .auth_len = 3000}));
    for (size_t len = 1; len <= MESSAGE_MAX; len += 61) {
        struct buf plain, marked;

        ck_assert_ok(message_keep(&s, bytes_of(bytes, len), &ref));
        ck_assert(bytes_equal(message_at(&s, ref), bytes_of(bytes, len)));
        ck_assert(message_datagram(&s, ref, false, &plain));
        ck_assert(message_datagram(&s, ref, true, &marked));
        ck_assert_uint_eq(plain.len, len);
        ck_assert_uint_eq(marked.len, len + 4);
        ck_assert_uint_eq(load_be32(marked.data), 0);
        ck_assert_mem_eq(marked.data + 4, bytes, len);
        message_drop(&s, &ref);
        ck_assert(message_none(ref));
    }
    ck_assert_int_eq(message_keep(&s, BYTES_NONE, &ref), ERR_LENGTH);
    ck_assert_int_eq(message_keep(&s, bytes_of(bytes, MESSAGE_MAX + 1), &ref), ERR_LENGTH);
    ck_assert(message_none(ref));
    message_drop(&s, &ref); /* none is allowed */
    message_store_reset(&s);
}
END_TEST

START_TEST(a_full_class_borrows_from_the_next_and_then_says_so)
{
    static uint8_t bytes[MESSAGE_MAX];
    struct message_ref refs[256];
    struct message_store s;
    unsigned kept = 0;

    ck_assert_ok(message_store_init(&s, &(struct message_needs){.sas = 2, .handshakes = 2}));
    while (message_keep(&s, bytes_of(bytes, 10), &refs[kept]) == OK)
        ck_assert_uint_lt(++kept, 256);
    ck_assert_uint_gt(kept, 2 * 2);
    ck_assert(message_none(refs[kept]));
    message_drop(&s, &refs[0]);
    ck_assert_ok(message_keep(&s, bytes_of(bytes, 10), &refs[0]));
    for (unsigned i = 0; i < kept; i++)
        message_drop(&s, &refs[i]);
    message_store_reset(&s);
}
END_TEST

START_TEST(small_messages_take_larger_slots_that_lie_free)
{
    enum { MANY = 3000, LARGE = 220, TINY = 60 };
    static const uint8_t bytes[LARGE];
    static struct message_ref refs[MANY];
    struct message_store s;
    unsigned own = 0;

    ck_assert_ok(message_store_init(&s, &(struct message_needs){.sas = MANY, .handshakes = 2}));
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_ok(message_keep(&s, bytes_of(bytes, LARGE), &refs[i]));
    for (unsigned i = 0; i < MANY; i++) {
        message_drop(&s, &refs[i]);
        ck_assert_ok(message_keep(&s, bytes_of(bytes, TINY), &refs[i]));
        own += refs[i].class == 0;
    }
    /* Some large ones stay free for messages of their size. */
    ck_assert_uint_gt(own, 0);
    ck_assert_uint_lt(own, MANY / 2);
    for (unsigned i = 0; i < own; i++)
        ck_assert_ok(message_keep(&s, bytes_of(bytes, LARGE), &(struct message_ref){0}));
    ck_assert_uint_eq(s.classes[refs[MANY - 1].class].fresh, MANY);
    message_store_reset(&s);
}
END_TEST

/* Room for a long chain costs every endpoint something: only who has certificates has it. */
START_TEST(long_messages_belong_to_certificates)
{
    static uint8_t bytes[MESSAGE_MAX];
    struct message_needs needs = {.sas = 2, .handshakes = 2};

    for (int with = 0; with < 2; with++) {
        struct message_store s;
        struct message_ref ref;

        needs.auth_len = with ? 3000 : 0;
        ck_assert_ok(message_store_init(&s, &needs));
        ck_assert_int_eq(message_keep(&s, bytes_of(bytes, MESSAGE_MAX), &ref),
                         with ? OK : ERR_FULL);
        message_drop(&s, &ref);
        message_store_reset(&s);
    }
}
END_TEST

START_TEST(events_keep_their_order_and_losses_are_counted)
{
    struct event_queue q;
    struct ike_event e;

    ck_assert_ok(event_queue_init(&q, 3, false));
    for (uint32_t round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < 3; i++)
            event_put(&q, &(struct event_record){.kind = EVENT_RETRANSMIT, .count = round + i});
        ck_assert_uint_eq(event_room(&q), 0);
        for (uint32_t i = 0; i < 3; i++) {
            ck_assert(event_next(&q, &e));
            ck_assert_uint_eq(e.count, round + i);
        }
        ck_assert(!event_next(&q, &e));
    }
    for (uint32_t i = 0; i < 5; i++)
        event_put(&q, &(struct event_record){.kind = EVENT_RETRANSMIT});
    ck_assert_uint_eq(q.lost, 2);
    ck_assert_ptr_null(event_keys_take(&q)); /* keys are not exported */
    event_queue_reset(&q);
}
END_TEST

START_TEST(keys_are_wiped_after_the_pull)
{
    struct event_queue q;
    struct ike_event e;
    struct key_record *k;

    ck_assert_ok(event_queue_init(&q, 4, true));
    for (int i = 0; i < 20; i++) {
        k = event_keys_take(&q);
        ck_assert_ptr_nonnull(k);
        memset(k->bytes, 0xaa, 8);
        k->event.skeyseed = bytes_of(k->bytes, 8);
        event_put(&q, &(struct event_record){.kind = EVENT_KEYS});
        ck_assert(event_next(&q, &e));
        ck_assert_ptr_eq(e.keys, &k->event);
        ck_assert_uint_eq(e.keys->skeyseed.data[7], 0xaa);
        ck_assert(!event_next(&q, &e));
        ck_assert_uint_eq(k->bytes[7], 0);
    }
    event_queue_reset(&q);
}
END_TEST

START_TEST(nat_hash_covers_spis_address_and_port)
{
    struct meter meter = {0};
    struct crypto *c = crypto_openssl_create(&meter);
    struct ip_endpoint at = {ip_addr_v4(0xc6336401), 500}, v6 = {.addr = {.family = 6}};
    uint8_t hash[NAT_HASH_LEN], other[NAT_HASH_LEN];
    char hex[2 * NAT_HASH_LEN + 1];

    ck_assert_ok(nat_hash(c, 1, 2, &at, hash));
    bytes_hex(bytes_of(hash, sizeof hash), hex);
    /* printf of the 22 octets | sha1sum */
    ck_assert_str_eq(hex, "7dec043c65b12892d2681f2291563485d579b82e");
    ck_assert_ok(nat_hash(c, 2, 1, &at, other));
    ck_assert_mem_ne(hash, other, sizeof hash);
    at.port = 501;
    ck_assert_ok(nat_hash(c, 1, 2, &at, other));
    ck_assert_mem_ne(hash, other, sizeof hash);
    ck_assert_ok(nat_hash(c, 1, 2, &v6, other));
    ck_assert_mem_ne(hash, other, sizeof hash);
    crypto_destroy(c);
}
END_TEST

SUITE("core_stores", messages_come_back_as_they_were_kept,
      a_full_class_borrows_from_the_next_and_then_says_so, long_messages_belong_to_certificates,
      small_messages_take_larger_slots_that_lie_free,
      events_keep_their_order_and_losses_are_counted, keys_are_wiped_after_the_pull,
      nat_hash_covers_spis_address_and_port)
