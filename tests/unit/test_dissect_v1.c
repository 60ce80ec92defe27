/*
 * dissect, IKEv1: messages that our own writer and provider made, of phase 1 and phase 2; opened in
 * their turn, seen again, with one missing, with the wrong key; every payload's tree, whole and cut
 * at every length. RFC 2408 §3.2, RFC 2409 §5, RFC 3947 §3.2.
 */
#include "crypto/ikev1_keymat.h"
#include "dissect/v1_session.h"
#include "hex.h"
#include "nodes.h"
#include "proto/wire/v1_any.h"
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

static struct dissection look(struct bytes datagram)
{
    static const uint8_t from[4] = {192, 0, 2, 1}, to[4] = {192, 0, 2, 2};
    struct dissect_input in = {
        .kind = DISSECT_IKE, .frame = 1, .datagram = datagram, .addressed = true};
    struct dissection d;

    in.src = (struct ip_endpoint){ip_addr_v4(load_be32(from)), 500};
    in.dst = (struct ip_endpoint){ip_addr_v4(load_be32(to)), 500};
    ck_assert_ok(dissect(dissector, arena, &in, &d));
    nodes_check(&d, d.root);
    nodes_print(&d);
    return d;
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
                   "NAT-OA, NAT-D-DRAFT, FRAG, (200), VID");
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
      another_responder_begins_anew, every_payload_has_a_tree, every_cut_is_shown_up_to_there,
      types_that_are_reserved_stand_as_errors, nat_d_says_whose_address_it_is, rows_of_the_table,
      lines_of_a_run)
