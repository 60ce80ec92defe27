/*
 * proto/ikev1, Aggressive Mode with pre-shared keys against itself, as test_ikev1_main_mode.c.
 * RFC 2409 §5, §5.4, RFC 3947 §3.2.
 */
#include "hex.h"
#include "ikev1_pair.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/wire/v1_any.h"

enum { MESSAGES = 3 };

static const struct tested_mode *phase1_mode(void)
{
    static const struct tested_mode mode = {MESSAGES, aggressive_mode_start,
                                            aggressive_mode_receive};

    return &mode;
}

/* RFC 2409 §5.4 */
START_TEST(both_sides_agree)
{
    static const char *const proposals[] = {"aes128-sha1-modp2048", "aes256-sha256-ecp384",
                                            "aes128-aes256-sha384-sha1-x25519-modp2048"};
    static struct pair p;

    for (int c = 0; c < 2; c++) {
        struct crypto *crypto = provider(c);

        for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++) {
            pair_init(&p, crypto, proposals[i], i % 2);
            run_whole(&p);
            check_same(&p);
            ck_assert_int_eq(p.next, V1_WAIT);
            ck_assert_int_eq(p.end[0].natt, i % 2);
            ck_assert_int_eq(p.end[1].natt, i % 2);
            ck_assert(p.end[0].peer_vendors >> V1_VENDOR_DPD & 1);
        }
        crypto_destroy(crypto);
    }
}
END_TEST

START_TEST(messages_have_what_the_rfc_says)
{
    static const char *const lists[MESSAGES] = {"SA KE NONCE ID VID VID",
                                                "SA KE NONCE ID VID VID NAT-D NAT-D HASH", ""};
    static struct pair p;
    struct crypto *crypto = provider(0);

    pair_init(&p, crypto, "aes128-sha256-modp2048", true);
    run_whole(&p);
    for (unsigned n = 0; n < MESSAGES; n++) {
        struct message_view v;
        char list[64] = "";

        ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
        ck_assert_uint_eq(v.header.exchange, V1_EXCHANGE_AGGRESSIVE);
        ck_assert_int_eq(v1_encrypted(&v.header), n == 2);
        for (unsigned i = 0; i < v.count; i++) {
            strcat(list, i ? " " : "");
            strcat(list, v1_payload_name(v.payloads[i].type));
        }
        ck_assert_str_eq(list, lists[n]);
    }
    crypto_destroy(crypto);
}
END_TEST

/* One KE payload goes with all transforms: those of other groups are not offered. */
START_TEST(one_group_is_offered)
{
    static struct v1_sa_payload sa;
    static struct pair p;
    struct crypto *crypto = provider(1);
    struct v1_attribute a;

    pair_init(&p, crypto, "aes128-aes256-sha256-ecp256-modp2048", true);
    run_to(&p, 0);
    ck_assert_ok(v1_sa_read(bytes_of(p.end[0].sai_b, p.end[0].sai_len), &sa));
    ck_assert_uint_eq(sa.transform_total, 2);
    for (unsigned i = 0; i < sa.transform_total; i++)
        ck_assert(v1_attribute_find(sa.transforms[i].attributes, V1_OAKLEY_GROUP_DESCRIPTION, &a) &&
                  a.value == 19);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(each_message_lost_or_doubled)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned n = 0; n < MESSAGES; n++) {
        pair_init(&p, crypto, "aes128-sha256-modp2048", true);
        run_to(&p, n);
        if (n > 0) { /* lost: what it answers comes again */
            ck_assert_ok(hand_bytes(&p, n % 2, p.sent[n - 1], p.len[n - 1], (uint8_t[ROOM]){0},
                                    &(size_t){0}));
            ck_assert_int_eq(p.next, V1_AGAIN);
        }
        ck_assert_ok(hand_over(&p, n));
        ck_assert_ok(
            hand_bytes(&p, 1 - n % 2, p.sent[n], p.len[n], (uint8_t[ROOM]){0}, &(size_t){0}));
        ck_assert_int_eq(p.next, n + 1 == MESSAGES ? V1_WAIT : V1_AGAIN);
        for (unsigned rest = n + 1; rest < MESSAGES; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_same(&p);
    }
    crypto_destroy(crypto);
}
END_TEST

/* It is refused and the true one still comes through, or it is taken for true and no SA comes of
 * it; only what no HASH covers may change: the minor version, flags, VIDs, NAT-D, lifetimes. */
START_TEST(each_message_tampered_with)
{
    static struct pair p;
    struct crypto *crypto = provider(0);
    unsigned refused = 0;

    for (unsigned n = 0; n < MESSAGES; n++) {
        pair_init(&p, crypto, "aes128-sha256-x25519", true);
        run_to(&p, n);
        for (size_t at = 0; at < p.len[n]; at++) {
            struct v1_phase1 before = p.end[1 - n % 2];
            enum err e;

            p.sent[n][at] ^= 0x10;
            e = hand_over(&p, n);
            if (e != OK) {
                ck_assert_mem_eq(&before, &p.end[1 - n % 2], sizeof before);
                refused++;
            } else if (n == 2) {
                /* The header's, or in both NAT-D: HASH_I is not of what is sent with it. */
                ck_assert(at == 17 || at == 19 || (at >= HEADER_LEN && at < HEADER_LEN + 72));
                check_same(&p);
            } else {
                for (unsigned rest = n + 1; e == OK && rest < MESSAGES; rest++)
                    e = hand_over(&p, rest);
                if (e == OK)
                    check_same(&p);
            }
            pair_init(&p, crypto, "aes128-sha256-x25519", true);
            run_to(&p, n);
        }
        for (unsigned rest = n; rest < MESSAGES; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_same(&p);
    }
    ck_assert_uint_gt(refused, 200);
    crypto_destroy(crypto);
}
END_TEST

/* Both ends notice: who is initiator in message 2 already. */
START_TEST(another_shared_secret)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    pair_init(&p, crypto, "aes128-sha256-x25519", true);
    p.config[1].psk[0] ^= 1;
    run_to(&p, 1);
    ck_assert_int_eq(hand_over(&p, 1), ERR_SIGNATURE);
    ck_assert_int_eq(p.end[0].state, V1_STATE_ASKED);
    crypto_destroy(crypto);
}
END_TEST

/* RFC 3947 §3.2 */
START_TEST(nats_are_found_where_they_are)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned nats = 0; nats < 4; nats++) {
        pair_init(&p, crypto, "aes128-sha256-modp2048", true);
        for (int end = 0; end < 2; end++)
            if (nats >> end & 1)
                p.seen[end].port = 1024;
        run_whole(&p);
        check_same(&p);
        for (int end = 0; end < 2; end++) {
            ck_assert_int_eq(p.end[end].nat_local, nats >> end & 1);
            ck_assert_int_eq(p.end[end].nat_remote, nats >> (1 - end) & 1);
        }
    }
    crypto_destroy(crypto);
}
END_TEST

/* RFC 2409 §5: the last message may come in the clear; then no ciphertext moves the chain, and what
 * HASH does not cover may be anybody's: INITIAL_CONTACT is not heeded (RFC 2407 §4.6.3.3). */
START_TEST(the_last_message_may_be_in_the_clear)
{
    static struct pair p;
    struct crypto *crypto = provider(0);
    struct message_writer w;
    struct message_view v, in;
    uint8_t out[ROOM], next[IV_MAX], before[IV_MAX];
    struct v1_cipher chain;
    struct bytes message, text;
    const struct v1_notify contact = {
        .doi = V1_DOI_IPSEC, .protocol = V1_PROTOCOL_ISAKMP, .type = V1_NOTIFY_INITIAL_CONTACT};

    pair_init(&p, crypto, "aes128-sha256-x25519", false);
    run_to(&p, 2);
    chain = p.end[1].cipher;
    memcpy(before, chain.iv, sizeof before);
    ck_assert_ok(v1_message_read(bytes_of(p.sent[2], p.len[2]), &v));
    ck_assert_ok(v1_cipher_open(crypto, &chain, &v, &in, &text, next));
    v.header.flags = 0;
    message_begin(&w, (struct buf){out, 0, sizeof out}, &v.header);
    payload_add(&w, V1_PAYLOAD_HASH, in.payloads[0].body);
    v1_notify_write(payload_begin(&w, V1_PAYLOAD_NOTIFY), &contact);
    payload_end(&w);
    ck_assert_ok(message_end(&w, &message));
    ck_assert_ok(hand_bytes(&p, 1, message.data, message.len, (uint8_t[ROOM]){0}, &(size_t){0}));
    ck_assert_int_eq(p.end[1].state, V1_STATE_ESTABLISHED);
    ck_assert_mem_eq(p.end[1].cipher.iv, before, 16);
    ck_assert(!p.end[1].initial_contact);
    crypto_destroy(crypto);
}
END_TEST

/* The message of another mode is not this one's. */
START_TEST(modes_are_told_apart)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    pair_init(&p, crypto, "aes128-sha256-x25519", true);
    run_to(&p, 0);
    p.sent[0][18] = V1_EXCHANGE_MAIN;
    ck_assert_int_eq(hand_over(&p, 0), ERR_STATE);
    pair_init(&p, crypto, "aes256gcm16-prfsha256-x25519", true);
    ck_assert_int_eq(aggressive_mode_start(&p.end[0], (struct buf){p.sent[0], 0, ROOM},
                                           &(struct bytes){NULL, 0}),
                     ERR_UNSUPPORTED);
    ck_assert_int_eq(p.end[0].state, V1_STATE_NONE);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(rows_are_unambiguous_and_lead_on)
{
    size_t count;
    const struct v1_phase1_row *rows = aggressive_mode_rows(&count);

    ck_assert_uint_eq(count, MESSAGES);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(rows[i].needed & ~rows[i].allowed, 0);
        ck_assert_int_gt(rows[i].to, rows[i].from);
        for (size_t k = 0; k < i; k++)
            ck_assert(rows[k].from != rows[i].from || rows[k].initiator != rows[i].initiator);
    }
}
END_TEST

SUITE("ikev1_aggressive_mode", both_sides_agree, messages_have_what_the_rfc_says,
      one_group_is_offered, each_message_lost_or_doubled, each_message_tampered_with,
      another_shared_secret, nats_are_found_where_they_are, the_last_message_may_be_in_the_clear,
      modes_are_told_apart, rows_are_unambiguous_and_lead_on)
