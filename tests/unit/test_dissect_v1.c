/*
 * dissect, IKEv1: messages that our own writer and provider made, of phase 1 and phase 2; opened in
 * their turn, seen again, with one missing, with the wrong key; in fragments, in any order, mixed
 * and too many; every payload's tree, whole and cut at every length. RFC 2408 §3.2, RFC 2409 §5,
 * RFC 3947 §3.2.
 */
#include "crypto/ikev1_keymat.h"
#include "dissect/v1_session.h"
#include "hex.h"
#include "nodes.h"
#include "proto/core/joining.h"
#include "proto/wire/v1_any.h"
#include "proto/wire/v1_fragment.h"
#include "suite.h"

enum { ROOM = 2048, CKY_I = 0x1234, CKY_R = 0x5678, MID = 0x0badcafe };

static struct meter meter;
static struct crypto *crypto;
static struct dissect_keys keys;
static struct dissector *dissector;
static struct arena *arena;
static const uint8_t filler[256];
static const char g_xi[] = "the initiator's value", g_xr[] = "the responder's";
static struct ikev1_open_key key;
static struct {
    uint8_t iv[IV_MAX]; /* the last block of ciphertext */
} phase1;

static void setup(void)
{
    crypto = crypto_openssl_create(&meter);
    ck_assert_ok(keys_init(&keys));
    dissector = dissector_create(&keys);
    arena = arena_create();
    ck_assert(crypto && dissector && arena);
    key = (struct ikev1_open_key){.cky_i = CKY_I, .len = 16, .key = "sixteen bytes."};
}

static void teardown(void)
{
    arena_destroy(arena);
    dissector_destroy(dissector);
    keys_reset(&keys);
    crypto_destroy(crypto);
}

static struct dissection look_at(struct dissect_input in)
{
    struct dissection d;

    ck_assert_ok(dissect(dissector, arena, &in, &d));
    nodes_check(&d, d.root);
    nodes_print(&d);
    return d;
}

static struct dissect_input input_of(struct bytes datagram)
{
    static const uint8_t from[4] = {192, 0, 2, 1}, to[4] = {192, 0, 2, 2};

    return (struct dissect_input){.kind = DISSECT_IKE,
                                  .frame = 1,
                                  .datagram = datagram,
                                  .addressed = true,
                                  .src = {ip_addr_v4(load_be32(from)), 500},
                                  .dst = {ip_addr_v4(load_be32(to)), 500}};
}

static struct dissection look(struct bytes datagram)
{
    return look_at(input_of(datagram));
}

static struct ike_header header_of(uint8_t exchange, uint32_t message_id, bool encrypted)
{
    return (struct ike_header){.spi_i = CKY_I,
                               .spi_r = CKY_R,
                               .version = HEADER_VERSION_1,
                               .exchange = exchange,
                               .flags = encrypted ? V1_FLAG_ENCRYPTION : 0,
                               .message_id = message_id};
}

static struct bytes sa_body(uint8_t *out, uint16_t encr, uint16_t hash)
{
    static struct v1_sa_payload sa;
    uint8_t row[64];
    struct writer w;

    writer_init(&w, row, sizeof row);
    v1_attribute_write_number(&w, V1_OAKLEY_ENCRYPTION_ALGORITHM, encr);
    v1_attribute_write_number(&w, V1_OAKLEY_HASH_ALGORITHM, hash);
    if (encr == V1_ENCR_AES_CBC)
        v1_attribute_write_number(&w, V1_OAKLEY_KEY_LENGTH, 128);
    v1_attribute_write_number(&w, V1_OAKLEY_LIFE_TYPE, V1_LIFE_SECONDS);
    v1_attribute_write_number(&w, V1_OAKLEY_LIFE_DURATION, 86400);
    v1_sa_init(&sa);
    ck_assert_ok(v1_sa_add_proposal(&sa, 1, V1_PROTOCOL_ISAKMP, BYTES_NONE));
    ck_assert_ok(v1_sa_add_transform(&sa, 1, 1, bytes_of(row, writer_len(&w))));
    writer_init(&w, out, ROOM);
    v1_sa_write(&w, &sa);
    ck_assert_ok(writer_end(&w));
    return bytes_of(out, writer_len(&w));
}

static struct bytes clear_message(uint8_t *out, uint8_t type, struct bytes body, bool answered)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, false);
    struct message_writer w;
    struct bytes message;

    if (!answered)
        h.spi_r = 0;
    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &h);
    payload_add(&w, type, body);
    ck_assert_ok(message_end(&w, &message));
    return message;
}

/* Messages 1 to 4 of Main Mode, as far as they matter here. */
static void clear_part(uint16_t encr, uint16_t hash)
{
    uint8_t out[ROOM], body[ROOM];

    look(clear_message(out, V1_PAYLOAD_SA, sa_body(body, V1_ENCR_3DES_CBC, V1_HASH_MD5), false));
    look(clear_message(out, V1_PAYLOAD_SA, sa_body(body, encr, hash), true));
    look(clear_message(out, V1_PAYLOAD_KE, bytes_text(g_xi), true));
    look(clear_message(out, V1_PAYLOAD_KE, bytes_text(g_xi), true)); /* seen twice */
    look(clear_message(out, V1_PAYLOAD_KE, bytes_text(g_xr), true));
}

/* Encrypts and moves the chain on. */
static struct bytes sealed(uint8_t *out, const struct ike_header *h, const struct encr_suite *encr,
                           uint8_t *iv, uint8_t first, uint8_t second)
{
    struct message_writer w;
    struct bytes message;
    struct v1_area area;

    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, h);
    payload_add(&w, first, bytes_of(filler, 20));
    payload_add(&w, second, bytes_of(filler, 20));
    ck_assert_ok(v1_message_end(&w, encr->block_len, &area, &message));
    ck_assert_ok(
        crypto->class->cbc(crypto, &(struct cbc_op){encr, key.key, iv, area.text, area.len, true}));
    memcpy(iv, area.text + area.len - encr->block_len, encr->block_len);
    return message;
}

static const struct encr_suite *aes(void)
{
    return encr_suite_v1(V1_ENCR_AES_CBC, 128);
}

static struct dissection main_mode_5_and_6(void)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, true);
    uint8_t out[ROOM];

    ck_assert_ok(ikev1_iv_first(crypto, hash_suite(V1_HASH_SHA2_256), bytes_text(g_xi),
                                bytes_text(g_xr), 16, phase1.iv));
    look(sealed(out, &h, aes(), phase1.iv, V1_PAYLOAD_HASH, V1_PAYLOAD_SIGNATURE));
    return look(sealed(out, &h, aes(), phase1.iv, V1_PAYLOAD_HASH, V1_PAYLOAD_NONCE));
}

static void quick_iv(uint8_t *iv, uint32_t message_id)
{
    ck_assert_ok(ikev1_iv_of(crypto, hash_suite(V1_HASH_SHA2_256), bytes_of(phase1.iv, 16),
                             message_id, 16, iv));
}

/* RFC 2409 appendix B */
START_TEST(messages_are_opened_in_their_turn)
{
    struct ike_header h = header_of(V1_EXCHANGE_QUICK, MID, true);
    uint8_t one[ROOM], two[ROOM], three[ROOM], other[ROOM], iv[IV_MAX], other_iv[IV_MAX];
    struct bytes first, second, third;

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    ck_assert_str_eq(main_mode_5_and_6().summary, "HDR*, HASH, NONCE");
    quick_iv(iv, MID);
    first = sealed(one, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_NONCE);
    second = sealed(two, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_KE);
    third = sealed(three, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_SIGNATURE);
    ck_assert_str_eq(look(first).summary, "HDR*, HASH, NONCE");
    ck_assert_str_eq(look(first).summary, "HDR*, HASH, NONCE"); /* retransmitted */
    h.message_id = MID + 1;                                     /* another exchange in between */
    quick_iv(other_iv, MID + 1);
    ck_assert_str_eq(
        look(sealed(other, &h, aes(), other_iv, V1_PAYLOAD_HASH, V1_PAYLOAD_VENDOR)).summary,
        "HDR*, HASH, VID");
    ck_assert_str_eq(look(second).summary, "HDR*, HASH, KE");
    ck_assert_str_eq(look(first).summary, "HDR*, HASH, NONCE");
    ck_assert_str_eq(look(third).summary, "HDR*, HASH, SIG");
    ck_assert_str_eq(look(second).summary, "HDR*, HASH, KE");
    teardown();
}
END_TEST

START_TEST(one_missing_costs_the_next_one_only)
{
    struct ike_header h = header_of(V1_EXCHANGE_QUICK, MID, true);
    uint8_t one[ROOM], two[ROOM], three[ROOM], iv[IV_MAX];
    struct bytes second, third;
    struct dissection d;

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    main_mode_5_and_6();
    quick_iv(iv, MID);
    (void)sealed(one, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_NONCE);
    second = sealed(two, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_KE);
    third = sealed(three, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_SIGNATURE);
    d = look(second);
    ck_assert(d.locked && d.errors == 1 && d.text_count == 0);
    d = look(third);
    ck_assert(!d.locked && d.errors == 0);
    ck_assert_str_eq(d.summary, "HDR*, HASH, SIG");
    teardown();
}
END_TEST

static void check_locked(const char *why, unsigned errors)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, true);
    uint8_t out[ROOM], iv[IV_MAX] = {1};
    struct dissection d = look(sealed(out, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_KE));
    const struct node *note = node_find(d.root, NODE_NOTE, "note");

    ck_assert(d.locked && !d.bad_icv);
    ck_assert_uint_eq(d.errors, errors);
    ck_assert_msg(note && strstr(note->value, why), "%s, not %s", note ? note->value : "-", why);
    ck_assert_str_eq(d.summary, errors ? "HDR*, malformed" : "HDR*");
}

START_TEST(what_cannot_be_opened_says_why)
{
    setup();
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    check_locked("no key of this IKE SA", 0);
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    check_locked("the capture lacks", 0); /* nothing was noted while there was no key */
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    check_locked("the key at hand is another", 1); /* under an IV of its own */
    key.key[0] ^= 1;
    ck_assert_ok(keys_add_ikev1(&keys, &key)); /* the newest counts */
    check_locked("the key at hand is another", 1);
    key.len = 24;
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    check_locked("has not the length", 0);
    teardown();
}
END_TEST

START_TEST(ciphers_that_we_lack)
{
    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_IDEA_CBC, V1_HASH_SHA1);
    check_locked("does not have the cipher", 0);
    teardown();
}
END_TEST

START_TEST(hashes_that_we_lack)
{
    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_TIGER);
    check_locked("does not have the cipher or the hash", 0);
    teardown();
}
END_TEST

/* A gateway's capture has hundreds of handshakes; none of them is forgotten. */
START_TEST(room_grows_with_the_sas)
{
    uint8_t out[ROOM], body[ROOM];

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    for (uint64_t i = 1; i < 5 * V1_SESSIONS_FIRST; i++) {
        struct ikev1_open_key more = key;
        struct bytes m = clear_message(out, V1_PAYLOAD_SA,
                                       sa_body(body, V1_ENCR_AES_CBC, V1_HASH_SHA2_256), true);

        more.cky_i = CKY_I + i;
        ck_assert_ok(keys_add_ikev1(&keys, &more));
        store_be64(out, more.cky_i);
        look(m);
    }
    ck_assert_str_eq(main_mode_5_and_6().summary, "HDR*, HASH, NONCE");
    teardown();
}
END_TEST

START_TEST(the_oldest_sa_gives_way)
{
    uint8_t out[ROOM], body[ROOM];

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    for (uint64_t i = 1; i <= V1_SESSIONS_MAX; i++) {
        struct ikev1_open_key more = key;
        struct bytes m = clear_message(out, V1_PAYLOAD_SA,
                                       sa_body(body, V1_ENCR_AES_CBC, V1_HASH_SHA2_256), true);

        more.cky_i = CKY_I + i;
        ck_assert_ok(keys_add_ikev1(&keys, &more));
        store_be64(out, more.cky_i);
        look(m);
        if (i == V1_SESSIONS_MAX - 1)
            ck_assert_str_eq(main_mode_5_and_6().summary, "HDR*, HASH, NONCE");
    }
    check_locked("the capture lacks", 0);
    teardown();
}
END_TEST

/* A message ID that was forgotten begins anew, and its first message is opened like any first. */
START_TEST(the_oldest_message_id_gives_way)
{
    uint8_t out[ROOM], iv[IV_MAX];

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    main_mode_5_and_6();
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t id = 1; id <= V1_CHAINS_MAX + 1; id++) {
            struct ike_header h = header_of(V1_EXCHANGE_INFORMATIONAL, id, true);

            quick_iv(iv, id);
            ck_assert_str_eq(
                look(sealed(out, &h, aes(), iv, V1_PAYLOAD_HASH, V1_PAYLOAD_VENDOR)).summary,
                "HDR*, HASH, VID");
        }
    teardown();
}
END_TEST

START_TEST(another_responder_begins_anew)
{
    uint8_t out[ROOM], body[ROOM];
    struct bytes m;

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
    m = clear_message(out, V1_PAYLOAD_SA, sa_body(body, V1_ENCR_AES_CBC, V1_HASH_SHA2_256), true);
    store_be64(out + 8, CKY_R + 1);
    look(m);
    check_locked("the capture lacks", 0);
    teardown();
}
END_TEST

/* ---- fragments ---- */

/* A fragment with the cookies of the header, whose other fields senders fill in as they like. */
static struct bytes fragment_of(uint8_t *out, uint8_t flags, struct v1_fragment f)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, false);
    struct bytes message;
    struct writer w;

    h.flags = flags;
    h.next_payload = V1_PAYLOAD_FRAGMENT;
    h.length = (uint32_t)(HEADER_LEN + 8 + f.data.len);
    writer_init(&w, out, h.length);
    header_write(&w, &h);
    writer_u16(&w, V1_PAYLOAD_NONE);
    writer_u16(&w, (uint16_t)(8 + f.data.len));
    v1_fragment_write(&w, &f);
    ck_assert_ok(writer_end(&w));
    message = bytes_of(out, h.length);
    return message;
}

/* The n-th of three of a message, seen as a frame of that number. */
static struct dissection look_at_third(struct bytes message, unsigned n, uint32_t frame,
                                       uint8_t flags)
{
    size_t each = message.len / 3, at = (n - 1) * each, len = n == 3 ? message.len - at : each;
    struct v1_fragment f = {1, (uint8_t)n, n == 3, bytes_of(message.data + at, len)};
    uint8_t out[ROOM];
    struct dissect_input in = input_of(fragment_of(out, flags, f));

    in.frame = frame;
    return look_at(in);
}

static struct bytes message_5(uint8_t *out)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, true);

    ck_assert_ok(ikev1_iv_first(crypto, hash_suite(V1_HASH_SHA2_256), bytes_text(g_xi),
                                bytes_text(g_xr), 16, phase1.iv));
    return sealed(out, &h, aes(), phase1.iv, V1_PAYLOAD_HASH, V1_PAYLOAD_SIGNATURE);
}

static void check_joined(const struct dissection *d, struct bytes message)
{
    const struct text_source *inside = d->texts[1].sources;
    size_t each = message.len / 3;

    ck_assert(!d->errors && !d->locked);
    ck_assert_uint_eq(d->text_count, 2);
    ck_assert(bytes_equal(d->texts[0].bytes, message));
    ck_assert_uint_eq(d->texts[0].source_count, 3);
    ck_assert_uint_eq(d->texts[0].sources[2].offset, HEADER_LEN + 8);
    ck_assert_uint_eq(d->texts[0].sources[2].length, message.len - 2 * each);
    /* The ciphertext begins behind the header, whose end is in the second of them. */
    ck_assert(each < HEADER_LEN && 2 * each > HEADER_LEN);
    ck_assert_uint_eq(d->texts[1].source_count, 2);
    ck_assert_uint_eq(inside[0].offset, HEADER_LEN + 8 + HEADER_LEN - each);
    ck_assert_uint_eq(inside[0].length, 2 * each - HEADER_LEN);
    ck_assert_uint_eq(inside[0].length + inside[1].length, d->texts[1].bytes.len);
}

START_TEST(v1_fragments_are_joined_in_any_order_and_opened)
{
    static const unsigned order[] = {3, 1, 1, 3, 2};
    uint8_t out[ROOM], next[ROOM];
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, true);
    struct dissection d;
    struct bytes message;

    for (uint8_t flags = 0; flags <= V1_FLAG_ENCRYPTION; flags++) {
        setup();
        ck_assert_ok(keys_add_ikev1(&keys, &key));
        clear_part(V1_ENCR_AES_CBC, V1_HASH_SHA2_256);
        message = message_5(out);
        for (uint32_t i = 0; i < 5; i++) {
            d = look_at_third(message, order[i], 10 + i, flags);
            if (i < 4)
                ck_assert_str_eq(d.summary,
                                 order[i] == 3 ? "HDR, FRAG(3, the last)" : "HDR, FRAG(1)");
        }
        ck_assert_str_eq(d.summary, "HDR, FRAG(2) {HDR*, HASH, SIG}");
        check_joined(&d, message);
        ck_assert_uint_eq(d.texts[0].sources[0].frame, 11);
        ck_assert_uint_eq(d.texts[0].sources[1].frame, 14);
        ck_assert_uint_eq(d.texts[1].sources[0].frame, 14);
        ck_assert_uint_eq(d.texts[1].sources[1].frame, 10);
        /* The chain of IVs has gone on. */
        d = look(sealed(next, &h, aes(), phase1.iv, V1_PAYLOAD_HASH, V1_PAYLOAD_NONCE));
        ck_assert_str_eq(d.summary, "HDR*, HASH, NONCE");
        for (unsigned n = 1; n <= 3; n++) /* retransmitted */
            d = look_at_third(message, n, 20 + n, flags);
        ck_assert_str_eq(d.summary, "HDR, FRAG(3, the last) {HDR*, HASH, SIG}");
        teardown();
    }
}
END_TEST

START_TEST(joined_without_a_key_it_stays_locked)
{
    struct dissection d = {0};
    uint8_t out[ROOM];

    setup();
    for (unsigned n = 1; n <= 3; n++)
        d = look_at_third(message_5(out), n, n, 0);
    ck_assert(d.locked && d.text_count == 1);
    ck_assert_str_eq(d.summary, "HDR, FRAG(3, the last) {HDR*}");
    teardown();
}
END_TEST

START_TEST(messages_in_the_clear_are_learnt_of_in_fragments)
{
    uint8_t out[ROOM], body[ROOM];
    struct dissection d = {0};
    struct bytes message;

    setup();
    ck_assert_ok(keys_add_ikev1(&keys, &key));
    message =
        clear_message(out, V1_PAYLOAD_SA, sa_body(body, V1_ENCR_AES_CBC, V1_HASH_SHA2_256), true);
    for (unsigned n = 1; n <= 3; n++)
        d = look_at_third(message, n, n, 0);
    ck_assert_str_eq(d.summary, "HDR, FRAG(3, the last) {HDR, SA}");
    look(clear_message(out, V1_PAYLOAD_KE, bytes_text(g_xi), true));
    look(clear_message(out, V1_PAYLOAD_KE, bytes_text(g_xr), true));
    ck_assert_str_eq(main_mode_5_and_6().summary, "HDR*, HASH, NONCE");
    teardown();
}
END_TEST

/* Both ends have one fragment ID and one message ID: it is the address that tells them apart. */
START_TEST(directions_and_interfaces_are_joined_apart)
{
    uint8_t one[ROOM], two[ROOM], piece[ROOM];
    struct bytes m[3];

    setup();
    m[0] = m[2] = clear_message(one, V1_PAYLOAD_KE, bytes_of(filler, 200), true);
    m[1] = clear_message(two, V1_PAYLOAD_NONCE, bytes_of(filler, 200), true);
    for (uint8_t n = 1; n <= 2; n++)
        for (unsigned i = 0; i < 3; i++) {
            size_t half = m[i].len / 2, at = n == 1 ? 0 : half;
            struct v1_fragment f = {1, n, n == 2, bytes_of(m[i].data + at, m[i].len - at)};
            struct dissect_input in;
            struct dissection d;

            f.data.len = n == 1 ? half : f.data.len;
            in = input_of(fragment_of(piece, 0, f));
            if (i == 1)
                in.src = in.dst;
            in.interface = i == 2;
            d = look_at(in);
            ck_assert_str_eq(d.summary, n == 1   ? "HDR, FRAG(1)"
                                        : i == 1 ? "HDR, FRAG(2, the last) {HDR, NONCE}"
                                                 : "HDR, FRAG(2, the last) {HDR, KE}");
        }
    teardown();
}
END_TEST

static struct dissection look_at_piece(uint8_t number, bool last, struct bytes data, nsec at)
{
    static uint8_t out[MESSAGE_MAX + 64];
    struct dissect_input in =
        input_of(fragment_of(out, 0, (struct v1_fragment){1, number, last, data}));

    in.timed = true;
    in.at = at;
    return look_at(in);
}

static void check_refused(struct dissection d, const char *why)
{
    const struct node *n = node_find(d.root, NODE_ERROR, "error");

    ck_assert_uint_eq(d.errors, 1);
    ck_assert_uint_eq(d.text_count, 0);
    ck_assert_str_eq(n->meaning, why);
}

START_TEST(what_contradicts_begins_anew)
{
    uint8_t one[ROOM], two[ROOM];
    struct bytes a, b, a1, a2, b1, b2;

    setup();
    a = clear_message(one, V1_PAYLOAD_KE, bytes_of(filler, 100), true);
    b = clear_message(two, V1_PAYLOAD_NONCE, bytes_of(filler, 200), true);
    a1 = part(a, 0, 50), a2 = part_from(a, 50), b1 = part(b, 0, 50), b2 = part_from(b, 50);
    look_at_piece(1, false, a1, 0); /* the rest was lost */
    ck_assert_str_eq(look_at_piece(1, false, b1, 0).summary, "HDR, FRAG(1)");
    ck_assert_str_eq(look_at_piece(2, true, b2, 0).summary, "HDR, FRAG(2, the last) {HDR, NONCE}");
    look_at_piece(3, true, a2, 0); /* three there were, and now two */
    look_at_piece(2, true, b2, 0);
    ck_assert_str_eq(look_at_piece(1, false, b1, 0).summary, "HDR, FRAG(1) {HDR, NONCE}");
    /* A mixture is none of this IKE SA: what came last is of the later message. */
    look_at_piece(2, true, a2, 0);
    check_refused(look_at_piece(1, false, b1, 0), "ERR_SYNTAX");
    ck_assert_str_eq(look_at_piece(2, true, b2, 0).summary, "HDR, FRAG(2, the last) {HDR, NONCE}");
    teardown();
}
END_TEST

START_TEST(what_waits_too_long_is_given_up)
{
    uint8_t out[ROOM];
    struct bytes m, first, rest;

    setup();
    m = clear_message(out, V1_PAYLOAD_KE, bytes_of(filler, 100), true);
    first = part(m, 0, 50), rest = part_from(m, 50);
    look_at_piece(1, false, first, 0);
    ck_assert_str_eq(look_at_piece(2, true, rest, JOINING_TIME - 1).summary,
                     "HDR, FRAG(2, the last) {HDR, KE}");
    look_at_piece(1, false, first, 0);
    ck_assert_str_eq(look_at_piece(2, true, rest, JOINING_TIME).summary, "HDR, FRAG(2, the last)");
    teardown();
}
END_TEST

START_TEST(fragments_are_bounded)
{
    static uint8_t big[MESSAGE_MAX];
    uint8_t out[ROOM], piece[ROOM];
    struct bytes m;

    setup();
    check_refused(look_at_piece(FRAGMENTS_MAX, false, bytes_of(filler, 1), 0), "ERR_SPACE");
    check_refused(look_at_piece(FRAGMENTS_MAX + 1, true, bytes_of(filler, 1), 0), "ERR_SPACE");
    look_at_piece(1, false, bytes_of(big, sizeof big), 0);
    check_refused(look_at_piece(2, true, bytes_of(filler, 1), 0), "ERR_LENGTH");
    look_at_piece(2, true, bytes_of(filler, 1), 0); /* it went: this one begins anew */
    m = clear_message(out, V1_PAYLOAD_KE, bytes_of(filler, 100), true);
    /* The oldest message gives way to others. */
    look_at_piece(1, false, part(m, 0, 50), 0);
    for (uint16_t id = 2; id < 2 + HELD_MESSAGES_MAX; id++)
        look(fragment_of(piece, 0, (struct v1_fragment){id, 1, false, bytes_of(filler, 9)}));
    ck_assert_uint_eq(look_at_piece(2, true, part_from(m, 50), 0).text_count, 0);
    teardown();
}
END_TEST

START_TEST(a_fragment_is_alone_and_holds_no_fragment)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, false);
    uint8_t out[ROOM], inner[ROOM], other[ROOM];
    struct message_writer w;
    struct bytes message;

    setup();
    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &h);
    payload_add(&w, V1_PAYLOAD_FRAGMENT, bytes_of("\0\1\1\1data", 8));
    payload_add(&w, V1_PAYLOAD_VENDOR, bytes_of(filler, 3));
    ck_assert_ok(message_end(&w, &message));
    check_refused(look(message), "ERR_SYNTAX");
    message = fragment_of(inner, 0, (struct v1_fragment){1, 1, true, bytes_of(filler, 50)});
    check_refused(look_at_piece(1, true, message, 0), "ERR_SYNTAX");
    message = clear_message(other, V1_PAYLOAD_KE, bytes_of(filler, 50), true);
    store_be64(other + 8, CKY_R + 1); /* of another IKE SA */
    check_refused(look_at_piece(1, true, message, 0), "ERR_SYNTAX");
    store_be64(other + 8, CKY_R);
    ck_assert_str_eq(look_at_piece(1, true, message, 0).summary,
                     "HDR, FRAG(1, the last) {HDR, KE}");
    teardown();
}
END_TEST

/* ---- trees ---- */

static struct bytes every_payload(uint8_t *out)
{
    struct ike_header h = header_of(V1_EXCHANGE_MAIN, 0, false);
    uint8_t body[ROOM];
    struct message_writer w;
    struct bytes message;

    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &h);
    payload_add(&w, V1_PAYLOAD_SA, sa_body(body, V1_ENCR_AES_CBC, V1_HASH_SHA1));
    payload_add(&w, V1_PAYLOAD_KE, bytes_of(filler, 40));
    payload_add(&w, V1_PAYLOAD_ID, bytes_of("\2\0\0\0gw.test", 11));
    payload_add(&w, V1_PAYLOAD_ID, bytes_of("\4\0\0\0\12\1\0\0\377\377\0\0", 12));
    payload_add(&w, V1_PAYLOAD_ID, bytes_of("\7\21\0\65\12\1\0\1\12\1\0\11", 12));
    payload_add(&w, V1_PAYLOAD_CERT, bytes_of("\4no certificate", 15));
    payload_add(&w, V1_PAYLOAD_CERTREQ, bytes_of("\4", 1));
    payload_add(&w, V1_PAYLOAD_HASH, bytes_of(filler, 20));
    payload_add(&w, V1_PAYLOAD_SIGNATURE, bytes_of(filler, 64));
    payload_add(&w, V1_PAYLOAD_NONCE, bytes_of(filler, 16));
    payload_add(&w, V1_PAYLOAD_NOTIFY, bytes_of("\0\0\0\1\3\4\x60\0\1\2\3\4\200\1\0\1", 16));
    payload_add(&w, V1_PAYLOAD_NOTIFY, bytes_of("\0\0\0\1\1\0\0\16why", 11));
    payload_add(&w, V1_PAYLOAD_NOTIFY,
                bytes_of("\0\0\0\1\1\20\215\50"
                         "0123456789abcdef\0\0\0\11",
                         28));
    payload_add(&w, V1_PAYLOAD_DELETE, bytes_of("\0\0\0\1\3\4\0\2\1\2\3\4\5\6\7\10", 16));
    payload_add(&w, V1_PAYLOAD_CONFIG,
                bytes_of("\2\0\0\7\0\1\0\4\12\0\0\1\300\210\0\0\100\211\0\1a\160\4\0\1\377", 26));
    payload_add(&w, V1_PAYLOAD_NAT_D, bytes_of(filler, 20));
    payload_add(&w, V1_PAYLOAD_NAT_OA, bytes_of("\1\0\0\0\12\0\0\1", 8));
    payload_add(&w, V1_PAYLOAD_NAT_D_DRAFT, bytes_of(filler, 20));
    payload_add(&w, V1_PAYLOAD_FRAGMENT, bytes_of("\0\1\2\1data", 8));
    payload_add(&w, 200, bytes_of("private", 7));
    payload_add(&w, V1_PAYLOAD_VENDOR, bytes_of(filler, 3));
    ck_assert_ok(message_end(&w, &message));
    return message;
}

static const char *payload_value(const struct dissection *d, const char *name)
{
    const struct node *n = node_find(d->root, NODE_PAYLOAD, name);

    ck_assert_msg(n && n->value, "no '%s' with a value", name);
    return n->value;
}

START_TEST(every_payload_has_a_tree)
{
    struct dissection d;
    uint8_t out[ROOM];

    setup();
    d = look(every_payload(out));
    ck_assert_uint_eq(d.errors, 0);
    ck_assert_str_eq(
        d.summary, "HDR, SA, KE, ID, ID, ID, CERT, CR, HASH, SIG, NONCE, N, N, N, D, ATTR, NAT-D, "
                   "NAT-OA, NAT-D-DRAFT, FRAG(2, the last), (200), VID");
    ck_assert_str_eq(payload_value(&d, "ID"), "gw.test");
    ck_assert_str_eq(payload_value(&d, "NAT-OA"), "10.0.0.1");
    ck_assert_str_eq(payload_value(&d, "N"), "RESPONDER_LIFETIME");
    ck_assert_str_eq(payload_value(&d, "D"), "ESP");
    ck_assert_str_eq(payload_value(&d, "ATTR"), "REPLY");
    ck_assert_str_eq(payload_value(&d, "FRAG"), "2, the last");
    ck_assert_str_eq(node_find(d.root, NODE_FIELD, "Sequence Number")->value, "9");
    ck_assert_str_eq(node_find(d.root, NODE_GROUP, "Attribute")->value, "AES_CBC");
    teardown();
}
END_TEST

START_TEST(every_cut_is_shown_up_to_there)
{
    uint8_t out[ROOM];
    struct bytes message = every_payload(out);

    setup();
    for (size_t len = HEADER_LEN; len < message.len; len++) {
        struct dissection d = look(bytes_of(out, len));

        ck_assert_uint_ge(d.errors, 1);
    }
    teardown();
}
END_TEST

START_TEST(types_that_are_reserved_stand_as_errors)
{
    uint8_t out[ROOM];
    struct dissection d;
    const struct node *n;

    setup();
    d = look(clear_message(out, 15, bytes_of(filler, 20), true));
    n = node_find(d.root, NODE_ERROR, "error");
    ck_assert_uint_eq(d.errors, 1);
    ck_assert_str_eq(n->meaning, "ERR_UNSUPPORTED");
    ck_assert_str_eq(n->parent->name, "payload");
    teardown();
}
END_TEST

/* RFC 3947 §3.2: HASH(CKY-I | CKY-R | IP | Port) */
START_TEST(nat_d_says_whose_address_it_is)
{
    static const struct bytes dst = {(const uint8_t *)"\0\0\0\0\0\0\x12\x34\0\0\0\0\0\0\x56\x78"
                                                      "\300\0\2\2\1\364",
                                     22};
    uint8_t out[ROOM], digest[64];

    setup();
    for (uint16_t hash = 1; hash <= 6; hash++) {
        struct dissection d;

        if (!hash_suite(hash))
            continue;
        ck_assert_ok(crypto->class->hash(crypto, hash_suite(hash), &dst, 1, digest));
        d = look(
            clear_message(out, V1_PAYLOAD_NAT_D, bytes_of(digest, hash_suite(hash)->len), true));
        ck_assert_str_eq(node_find(d.root, NODE_FIELD, "HASH of the address and port")->meaning,
                         "of the destination of this frame");
        digest[0] ^= 1;
        d = look(
            clear_message(out, V1_PAYLOAD_NAT_D, bytes_of(digest, hash_suite(hash)->len), true));
        ck_assert_str_eq(node_find(d.root, NODE_FIELD, "HASH of the address and port")->meaning,
                         "not of the addresses in this frame");
    }
    teardown();
}
END_TEST

/* ---- keys ---- */

static enum err row(const char *text)
{
    char line[256];
    const char *why = NULL;
    enum err e;

    snprintf(line, sizeof line, "%s", text);
    e = keys_line_wireshark(&keys, line, &why);
    ck_assert((e == OK) == (why == NULL));
    return e;
}

START_TEST(rows_of_the_table)
{
    const struct ikev1_open_key *k;

    setup();
    ck_assert_ok(row("0102030405060708,00112233445566778899aabbccddeeff"));
    ck_assert_ok(row("\"0x0102030405060709\", \"0x0011\""));
    ck_assert_ok(row("0102030405060708,00112233445566778899aabbccddeeff")); /* no second one */
    ck_assert_uint_eq(keys.ikev1_count, 2);
    k = keys_find_ikev1(&keys, UINT64_C(0x0102030405060708));
    ck_assert(k && k->len == 16 && k->key[15] == 0xff);
    ck_assert_ok(row("0102030405060708,aa"));
    k = keys_find_ikev1(&keys, UINT64_C(0x0102030405060708));
    ck_assert(k && k->len == 1 && k->key[0] == 0xaa);
    ck_assert_ptr_null(keys_find_ikev1(&keys, 7));
    ck_assert_int_eq(row("01020304050607,aa"), ERR_SYNTAX);
    ck_assert_int_eq(row("0102030405060708"), ERR_SYNTAX);
    ck_assert_int_eq(row("0102030405060708,aa,bb"), ERR_SYNTAX);
    ck_assert_int_eq(row("0102030405060708,"), ERR_UNSUPPORTED);
    ck_assert_int_eq(row("0102030405060708,a"), ERR_UNSUPPORTED);
    ck_assert_int_eq(row("0102030405060708,zz"), ERR_UNSUPPORTED);
    ck_assert_int_eq(
        row("0102030405060708,"
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0011223344"),
        ERR_UNSUPPORTED);
    teardown();
}
END_TEST

static enum err line_of_run(const char *text)
{
    const char *why = NULL;
    enum err e = keys_line_json(&keys, text, &why);

    ck_assert((e == OK) == (why == NULL));
    return e;
}

#define LINE(encr, spi, key)                                                                       \
    "{\"t_ns\":5,\"node\":\"gw\",\"kind\":\"ikev1\",\"sa\":\"" spi "\",\"spi_i\":\"" spi           \
    "\",\"spi_r\":\"1112131415161718\"," encr                                                      \
    "\"prf\":\"prfsha256\",\"keys\":{\"SKEYID_d\":\"aa\",\"encryption\":\"" key "\"}}"

START_TEST(lines_of_a_run)
{
    const struct ikev1_open_key *k;

    setup();
    ck_assert_ok(line_of_run(
        LINE("\"encr\":\"aes128\",", "0102030405060708", "00112233445566778899aabbccddeeff")));
    k = keys_find_ikev1(&keys, UINT64_C(0x0102030405060708));
    ck_assert(k && k->len == 16 && k->key[15] == 0xff);
    ck_assert_int_eq(line_of_run(LINE("", "0102030405060709", "00")), ERR_SYNTAX);
    ck_assert_int_eq(line_of_run(LINE("\"encr\":\"aes128\",", "01020304050607", "00")), ERR_SYNTAX);
    ck_assert_int_eq(line_of_run(LINE("\"encr\":\"aes128gcm16\",", "0102030405060709",
                                      "00112233445566778899aabbccddeeff")),
                     ERR_UNSUPPORTED); /* IKEv1 has no AEAD */
    ck_assert_int_eq(line_of_run(LINE("\"encr\":\"aes256\",", "0102030405060709",
                                      "00112233445566778899aabbccddeeff")),
                     ERR_UNSUPPORTED);
    ck_assert_uint_eq(keys.ikev1_count, 1);
    teardown();
}
END_TEST

SUITE("dissect_v1", messages_are_opened_in_their_turn, one_missing_costs_the_next_one_only,
      what_cannot_be_opened_says_why, ciphers_that_we_lack, hashes_that_we_lack,
      room_grows_with_the_sas, the_oldest_sa_gives_way, the_oldest_message_id_gives_way,
      another_responder_begins_anew, v1_fragments_are_joined_in_any_order_and_opened,
      joined_without_a_key_it_stays_locked, messages_in_the_clear_are_learnt_of_in_fragments,
      directions_and_interfaces_are_joined_apart, what_contradicts_begins_anew,
      what_waits_too_long_is_given_up, fragments_are_bounded,
      a_fragment_is_alone_and_holds_no_fragment, every_payload_has_a_tree,
      every_cut_is_shown_up_to_there, types_that_are_reserved_stand_as_errors,
      nat_d_says_whose_address_it_is, rows_of_the_table, lines_of_a_run)
