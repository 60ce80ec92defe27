/*
 * dissect: trees of messages that our own writer and provider made; cut at every length; opened,
 * refused, joined; the hex that people copy.
 */
#include "dissect/hex.h"
#include "hex.h"
#include "nodes.h"
#include "proto/wire/any.h"
#include "proto/wire/skf.h"
#include "suite.h"

enum { ROOM = 2048 };

static const struct ike_header header = {.spi_i = 0x0102030405060708,
                                         .spi_r = 0x1112131415161718,
                                         .version = HEADER_VERSION_2,
                                         .exchange = EXCHANGE_IKE_AUTH,
                                         .flags = HEADER_FLAG_INITIATOR,
                                         .message_id = 1};
static const uint8_t filler[256];
static struct meter meter;
static struct crypto *crypto;
static struct dissect_keys keys;
static struct dissector *dissector;
static struct arena *arena;

static void setup(void)
{
    crypto = crypto_openssl_create(&meter);
    ck_assert_ok(keys_init(&keys));
    dissector = dissector_create(&keys);
    arena = arena_create();
    ck_assert(crypto && dissector && arena);
}

static void teardown(void)
{
    arena_destroy(arena);
    dissector_destroy(dissector);
    keys_reset(&keys);
    crypto_destroy(crypto);
}

static struct ike_open_key key_named(const char *encr, const char *integ)
{
    struct ike_open_key k = {.spi_i = header.spi_i, .spi_r = header.spi_r, .next = KEYS_NONE};

    k.encr = encr_suite_named(encr, strlen(encr));
    k.integ = integ ? integ_suite_named(integ, strlen(integ)) : NULL;
    ck_assert(k.encr && (!integ || k.integ));
    memset(k.encr_key[0], 0x11, sizeof k.encr_key[0]);
    memset(k.encr_key[1], 0x22, sizeof k.encr_key[1]);
    memset(k.integ_key[0], 0x33, sizeof k.integ_key[0]);
    memset(k.integ_key[1], 0x44, sizeof k.integ_key[1]);
    return k;
}

static struct dissection look(enum dissect_kind kind, uint32_t frame, struct bytes datagram)
{
    struct dissect_input in = {.kind = kind, .frame = frame, .datagram = datagram};
    struct dissection d;

    ck_assert_ok(dissect(dissector, arena, &in, &d));
    nodes_check(&d, d.root);
    nodes_print(&d);
    return d;
}

static const char *value_of(const struct dissection *d, const char *name)
{
    const struct node *n = node_find(d->root, NODE_FIELD, name);

    ck_assert_msg(n != NULL, "there is no '%s'", name);
    return n->value;
}

static const char *error_of(const struct dissection *d)
{
    const struct node *n = node_find(d->root, NODE_ERROR, "error");

    return n ? n->meaning : "";
}

static void add_sa(struct message_writer *w)
{
    static struct sa_payload sa;

    sa_init(&sa);
    ck_assert_ok(sa_add_proposal(&sa, 1, SA_PROTOCOL_ESP, bytes_of("\1\2\3\4", 4)));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_ENCR, ENCR_AES_GCM_16, 256));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_ESN, ESN_NONE, 0));
    sa_write(payload_begin(w, PAYLOAD_SA), &sa);
    payload_end(w);
}

/* One of every payload that has a body of its own. */
static void add_all(struct message_writer *w)
{
    struct ts_payload ts = {.count = 2,
                            .selectors = {{.type = TS_IPV4_ADDR_RANGE, .port_end = 65535},
                                          {.type = TS_IPV6_ADDR_RANGE, .port_start = 65535}}};

    payload_add(w, PAYLOAD_IDI, bytes_of("\2\0\0\0gw.test", 11));
    payload_add(w, PAYLOAD_CERT, bytes_of("\4no certificate", 15));
    payload_add(w, PAYLOAD_CERTREQ, bytes_of(filler, 1));
    payload_add(w, PAYLOAD_AUTH, bytes_of("\2\0\0\0proof", 9));
    payload_add(w, PAYLOAD_KE, bytes_of("\0\x1f\0\0public", 10));
    payload_add(w, PAYLOAD_NONCE, bytes_of(filler, 32));
    notify_add(w, NOTIFY_SIGNATURE_HASH_ALGORITHMS, bytes_of("\0\2\0\5", 4));
    notify_add(w, NOTIFY_SET_WINDOW_SIZE, bytes_of("\0\0\0\7", 4));
    notify_add(w, NOTIFY_INVALID_KE_PAYLOAD, bytes_of("\0\x13", 2));
    notify_add(w, 40961, bytes_of("private", 7));
    payload_add(w, PAYLOAD_DELETE, bytes_of("\3\4\0\2\1\2\3\4\5\6\7\10", 12));
    payload_add(w, PAYLOAD_VENDOR, bytes_of("vendor", 6));
    add_sa(w);
    ts_write(payload_begin(w, PAYLOAD_TSI), &ts);
    payload_end(w);
    payload_add(w, PAYLOAD_CP, bytes_of("\1\0\0\0\0\1\0\4\12\0\0\1\0\3\0\0", 16));
    payload_add(w, PAYLOAD_EAP, bytes_of("\1\1\0\5\1", 5));
}

static struct bytes clear_message(uint8_t *out)
{
    struct message_writer w;
    struct bytes message;

    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &header);
    add_all(&w);
    ck_assert_ok(message_end(&w, &message));
    return message;
}

static struct sk_sizes sizes_of(const struct ike_open_key *k)
{
    return (struct sk_sizes){k->encr->iv_len, k->integ ? k->integ->icv_len : k->encr->icv_len,
                             k->encr->block_len};
}

static void seal(const struct ike_open_key *k, const struct sk_area *area)
{
    struct seal_key key = {k->encr, k->integ, k->encr_key[0], k->integ_key[0]};

    ck_assert_ok(crypto->class->seal(crypto, &(struct seal_op){.key = &key,
                                                               .aad = area->aad,
                                                               .iv = area->iv,
                                                               .text = area->text,
                                                               .text_len = area->text_len,
                                                               .icv = area->icv}));
}

static struct bytes sealed_message(const struct ike_open_key *k, uint8_t *out)
{
    struct sk_sizes sizes = sizes_of(k);
    struct message_writer w;
    struct bytes message;
    struct sk_area area;

    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &header);
    sk_begin(&w, &sizes);
    add_all(&w);
    ck_assert_ok(sk_end(&w, &area, &message));
    seal(k, &area);
    return message;
}

/* Piece `number` of `total` of the chain that add_all makes. */
static struct bytes fragment(const struct ike_open_key *k, uint16_t number, uint16_t total,
                             uint8_t *out)
{
    struct skf_fragment f = {number, total, PAYLOAD_NONE};
    struct sk_sizes sizes = sizes_of(k);
    uint8_t inner[ROOM], first;
    struct message_writer w;
    struct bytes chain, message;
    struct sk_area area;
    size_t piece;

    payload_chain_begin(&w, (struct buf){.data = inner, .cap = sizeof inner}, &first);
    add_all(&w);
    ck_assert_ok(payload_chain_end(&w, &chain));
    f.first_type = number == 1 ? first : PAYLOAD_NONE;
    piece = (chain.len + total - 1) / total;
    message_begin(&w, (struct buf){.data = out, .cap = ROOM}, &header);
    skf_begin(&w, &sizes, &f);
    writer_bytes(&w.w, number == total ? part_from(chain, (number - 1u) * piece)
                                       : part(chain, (number - 1u) * piece, piece));
    ck_assert_ok(sk_end(&w, &area, &message));
    seal(k, &area);
    return message;
}

static const char whole_chain[] =
    "IDi, CERT, CERTREQ, AUTH, KEi, Ni, N(SIGNATURE_HASH_ALGORITHMS), N(SET_WINDOW_SIZE), "
    "N(INVALID_KE_PAYLOAD), N(40961), D, V, SAi2, TSi, CP(CFG_REQUEST), EAP";

START_TEST(every_payload_has_its_fields)
{
    uint8_t out[ROOM];
    struct dissection d;
    char expected[512];

    setup();
    d = look(DISSECT_IKE, 1, clear_message(out));
    snprintf(expected, sizeof expected, "HDR, %s", whole_chain);
    ck_assert_str_eq(d.summary, expected);
    ck_assert_str_eq(error_of(&d), "");
    ck_assert_str_eq(node_find(d.root, NODE_PAYLOAD, "IDi")->value, "gw.test");
    ck_assert_str_eq(value_of(&d, "Window Size"), "7");
    ck_assert_str_eq(node_find(d.root, NODE_FIELD, "Hash Algorithm")->meaning, "SHA2_256");
    ck_assert_str_eq(node_find(d.root, NODE_FIELD, "Accepted Key Exchange Method")->meaning,
                     "ECP_256");
    ck_assert_str_eq(value_of(&d, "Key Length"), "256");
    ck_assert_str_eq(value_of(&d, "Ending Address"), "0.0.0.0");
    ck_assert_str_eq(node_find(d.root, NODE_GROUP, "Attribute")->value, "10.0.0.1");
    ck_assert_str_eq(node_find(d.root, NODE_NOTE, "note")->value, "no X.509 certificate in DER");
    teardown();
}
END_TEST

/* Whatever is missing at the end: what is there is shown, and an error stands at its end. */
static void cut_everywhere(struct bytes message)
{
    for (size_t len = 0; len < message.len; len++) {
        uint8_t *copy = malloc(len ? len : 1); /* exact size: reads behind it show */
        struct dissection d;

        memcpy(copy, message.data, len);
        d = look(DISSECT_IKE, 1, bytes_of(copy, len));
        ck_assert_msg(d.errors > 0, "no error at length %zu", len);
        ck_assert(len < HEADER_LEN || node_find(d.root, NODE_GROUP, "IKE header"));
        free(copy);
        arena_destroy(arena);
        arena = arena_create();
    }
}

START_TEST(a_message_cut_at_every_length)
{
    struct ike_open_key aead = key_named("aes256gcm16", NULL), cbc = key_named("aes128", "sha256");
    uint8_t out[ROOM];

    setup();
    ck_assert_ok(keys_add_ike(&keys, &aead));
    ck_assert_ok(keys_add_ike(&keys, &cbc));
    cut_everywhere(clear_message(out));
    cut_everywhere(sealed_message(&aead, out));
    cut_everywhere(sealed_message(&cbc, out));
    cut_everywhere(fragment(&aead, 1, 2, out));
    teardown();
}
END_TEST

/* The payloads before the cut are there; the same for bytes behind the end. */
START_TEST(the_tree_goes_up_to_the_bad_place)
{
    uint8_t out[ROOM];
    struct bytes message;
    struct dissection d;

    setup();
    message = clear_message(out);
    d = look(DISSECT_IKE, 1, part(message, 0, message.len - 3));
    ck_assert_ptr_nonnull(node_find(d.root, NODE_PAYLOAD, "CP"));
    ck_assert_ptr_null(node_find(d.root, NODE_PAYLOAD, "EAP"));
    ck_assert_str_eq(error_of(&d), "ERR_LENGTH");
    out[message.len] = 0;
    d = look(DISSECT_IKE, 1, bytes_of(out, message.len + 1));
    ck_assert_ptr_nonnull(node_find(d.root, NODE_PAYLOAD, "EAP"));
    ck_assert_str_eq(error_of(&d), "ERR_LENGTH");
    out[17] = 0x30;
    d = look(DISSECT_IKE, 1, message);
    ck_assert_str_eq(error_of(&d), "ERR_VERSION");
    out[17] = 0x20;
    out[28 + 15] = 200; /* the type behind IDi and CERT is unknown, and critical */
    out[28 + 15 + 19 + 1] = 0x80;
    d = look(DISSECT_IKE, 1, message);
    ck_assert_str_eq(error_of(&d), "ERR_CRITICAL");
    ck_assert_ptr_nonnull(node_find(d.root, NODE_PAYLOAD, "EAP"));
    teardown();
}
END_TEST

static void open_with(const char *encr, const char *integ)
{
    struct ike_open_key k = key_named(encr, integ), wrong = k;
    uint8_t out[ROOM];
    struct bytes message;
    struct dissection d;
    char expected[512];

    setup();
    message = sealed_message(&k, out);
    d = look(DISSECT_IKE, 3, message);
    ck_assert_str_eq(d.summary, "HDR, SK {...}");
    ck_assert(d.locked && !d.bad_icv && d.errors == 0);
    wrong.encr_key[0][0] ^= 1;
    wrong.integ_key[0][0] ^= 1;
    ck_assert_ok(keys_add_ike(&keys, &wrong));
    d = look(DISSECT_IKE, 3, message);
    ck_assert(d.bad_icv && d.text_count == 0);
    ck_assert_str_eq(error_of(&d), "ERR_ICV");
    ck_assert_ok(keys_add_ike(&keys, &k)); /* both: the one that fits is found */
    d = look(DISSECT_IKE, 3, message);
    snprintf(expected, sizeof expected, "HDR, SK {%s}", whole_chain);
    ck_assert_str_eq(d.summary, expected);
    ck_assert(!d.locked && d.text_count == 1 && d.texts[0].source_count == 1);
    ck_assert_uint_eq(d.texts[0].sources[0].frame, 3);
    ck_assert_uint_eq(d.texts[0].sources[0].offset, 32 + k.encr->iv_len);
    ck_assert_uint_eq(d.texts[0].sources[0].length, d.texts[0].bytes.len);
    out[message.len - 1] ^= 1;
    d = look(DISSECT_IKE, 3, message);
    ck_assert_str_eq(error_of(&d), "ERR_ICV");
    teardown();
}

START_TEST(keys_open_and_wrong_ones_do_not)
{
    open_with("aes256gcm16", NULL);
    open_with("aes128ccm8", NULL);
    open_with("chacha20poly1305", NULL);
    open_with("aes256", "sha256");
    open_with("aes128ctr", "sha1");
    open_with("null", "aesxcbc");
}
END_TEST

START_TEST(fragments_are_joined_in_any_order)
{
    struct ike_open_key k = key_named("aes256gcm16", NULL);
    static const uint16_t order[] = {3, 1, 1, 3, 2};
    uint8_t out[ROOM];
    struct dissection d;
    char expected[512];

    setup();
    ck_assert_ok(keys_add_ike(&keys, &k));
    look(DISSECT_IKE, 9, fragment(&k, 1, 2, out)); /* gives way to another number of fragments */
    for (uint32_t i = 0; i < 5; i++) {
        d = look(DISSECT_IKE, 10 + i, fragment(&k, order[i], 3, out));
        snprintf(expected, sizeof expected, "HDR, SKF(%u/3) {...}", order[i]);
        if (i < 4)
            ck_assert_str_eq(d.summary, expected);
    }
    snprintf(expected, sizeof expected, "HDR, SKF(2/3) {%s}", whole_chain);
    ck_assert_str_eq(d.summary, expected);
    ck_assert_uint_eq(d.text_count, 2);
    ck_assert_uint_eq(d.texts[1].source_count, 3);
    ck_assert_uint_eq(d.texts[1].sources[0].frame, 11);
    ck_assert_uint_eq(d.texts[1].sources[1].frame, 14);
    ck_assert_uint_eq(d.texts[1].sources[2].frame, 10);
    teardown();
}
END_TEST

static struct bytes esp_packet(const struct esp_open_key *k, uint64_t seq, struct bytes text,
                               uint8_t *out)
{
    struct seal_key key = {k->encr, k->integ, k->encr_key, k->integ_key};
    size_t icv = seal_icv_len(&key);
    struct seal_op op = {.key = &key, .aad = bytes_of(out, 8), .iv = out + 8};
    uint8_t extra[12];

    store_be32(out, k->spi);
    store_be32(out + 4, (uint32_t)seq);
    memset(op.iv, 7, k->encr->iv_len);
    op.text = op.iv + k->encr->iv_len;
    memcpy(op.text, text.data, text.len);
    op.text_len = text.len;
    op.icv = op.text + text.len;
    memcpy(extra, out, 4);
    store_be64(extra + 4, seq);
    if (k->encr->implicit_iv)
        op.iv = extra + 4;
    if (k->esn && k->encr->aead)
        op.aad = bytes_of(extra, 12);
    else if (k->esn)
        op.tail = bytes_of(extra + 4, 4);
    ck_assert_ok(crypto->class->seal(crypto, &op));
    return bytes_of(out, (size_t)(op.icv - out) + icv);
}

START_TEST(esp_is_opened_with_and_without_extended_numbers)
{
    static const char *const suites[][2] = {
        {"aes128gcm16", NULL}, {"aes256", "sha256"}, {"aes256gcm16iiv", NULL}};

    for (unsigned i = 0; i < 6; i++) {
        struct ike_open_key names = key_named(suites[i / 2][0], suites[i / 2][1]);
        struct esp_open_key k = {.spi = 0x01020304,
                                 .encr = names.encr,
                                 .integ = names.integ,
                                 .esn = i & 1,
                                 .next = KEYS_NONE};
        uint8_t text[64], out[256];
        size_t len;
        struct dissection d;
        struct bytes packet;

        setup();
        memset(k.encr_key, 5, sizeof k.encr_key);
        memset(k.integ_key, 6, sizeof k.integ_key);
        /* A UDP packet, padding, pad length, next header. */
        len = unhex("4500002000010000401166ca0a0000010a000002"
                    "00090007000c000001020304"
                    "0102030405060708090a0b0c0d0e0e04",
                    text, sizeof text)
                  .len;
        ck_assert_uint_eq(len, 48);
        packet = esp_packet(&k, 1, bytes_of(text, len), out);
        d = look(DISSECT_ESP, 1, packet);
        ck_assert_str_eq(d.summary, "ESP 0x01020304 seq 1");
        ck_assert_ok(keys_add_esp(&keys, &k));
        d = look(DISSECT_ESP, 1, packet);
        ck_assert_uint_eq(d.text_count, 1);
        if (k.esn) { /* the high half is found by the window: RFC 4303 appendix A2.2 */
            look(DISSECT_ESP, 2, esp_packet(&k, UINT32_MAX - 1, bytes_of(text, len), out));
            d = look(DISSECT_ESP, 3,
                     esp_packet(&k, UINT64_C(0x100000002), bytes_of(text, len), out));
            ck_assert_str_eq(value_of(&d, "Extended Sequence Number"), "4294967298");
        }
        for (size_t cut = 0; cut < packet.len; cut++)
            ck_assert_uint_eq(look(DISSECT_ESP, 4, part(packet, 0, cut)).text_count, 0);
        teardown();
    }
}
END_TEST

/* keys.jsonl says what esp_sa cannot: whether numbers are extended. Neither replaces the other. */
START_TEST(a_key_with_and_one_without_extended_numbers_are_two)
{
    struct ike_open_key names = key_named("aes128gcm16", NULL);
    struct esp_open_key plain = {.spi = 0x01020304, .encr = names.encr}, extended = plain;
    uint8_t out[256];

    extended.esn = true;
    setup();
    ck_assert_ok(keys_add_esp(&keys, &plain));
    ck_assert_ok(keys_add_esp(&keys, &extended));
    ck_assert_ok(keys_add_esp(&keys, &extended));
    ck_assert_uint_eq(keys.esp_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct bytes packet = esp_packet(i ? &extended : &plain, 1, bytes_of("\1\2\2\73", 4), out);
        struct dissection d = look(DISSECT_ESP, 1, packet);

        ck_assert(!d.bad_icv && d.text_count == 1);
        ck_assert_int_eq(node_find(d.root, NODE_FIELD, "Extended Sequence Number") != NULL, i);
    }
    teardown();
}
END_TEST

/* ---- hex ---- */

static void hex_gives(const char *text, const char *expected)
{
    uint8_t out[256];
    struct buf b = {.data = out, .cap = sizeof out};
    struct hex_place bad;
    enum err e = hex_read(bytes_text(text), &b, &bad);

    ck_assert_msg(e == OK, "'%s': line %u, column %u: %s", text, bad.line, bad.column, bad.why);
    assert_hex(buf_bytes(&b), expected);
}

START_TEST(hex_as_people_copy_it)
{
    hex_gives("0102ff", "0102ff");
    hex_gives("0x0102 0xFF\r\n", "0102ff");
    hex_gives("01:02,ff-00\n\n\t 33", "0102ff0033");
    /* xxd */
    hex_gives("00000000: 6162 6364 6566 6768 696a 6b6c 6d6e 6f70  abcdefghijklmnop\n"
              "00000010: 6162                                     ab\n",
              "6162636465666768696a6b6c6d6e6f706162");
    hex_gives("0000002a: 6162 63  abc\n", "616263");
    hex_gives("0102:0304:0506", "010203040506");
    /* hexdump -C, with its last line */
    hex_gives("00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n"
              "00000010  61 62                                             |ab|\n"
              "00000012\n",
              "6162636465666768696a6b6c6d6e6f706162");
    /* tshark -x, whose text may look like hex */
    hex_gives("0000  61 62 63 64 65 66 61 62 63 64 65 66 61 62 63 64   abcdefabcdefabcd\n"
              "0010  61 62 63                                          abc\n",
              "61626364656661626364656661626364616263");
    hex_gives("0000   61 62 20 64   ab d\n", "61622064");
    /* "*" for lines like the one before, up to the next offset, be it the end's */
    hex_gives("00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n"
              "*\n"
              "00000030  61                                                |a|\n"
              "00000031\n",
              "6162636465666768696a6b6c6d6e6f706162636465666768696a6b6c6d6e6f70"
              "6162636465666768696a6b6c6d6e6f7061");
    hex_gives("00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n"
              "*\n"
              "00000012\n",
              "6162636465666768696a6b6c6d6e6f706162");
    hex_gives("00000102: 0000 0000  ....\n*\n0000010e: 61  a\n", "00000000000000000000000061");
}
END_TEST

static void hex_refuses(const char *text, unsigned line, unsigned column)
{
    uint8_t out[16];
    struct buf b = {.data = out, .cap = sizeof out};
    struct hex_place bad;

    ck_assert_int_eq(hex_read(bytes_text(text), &b, &bad), ERR_SYNTAX);
    ck_assert_uint_eq(bad.line, line);
    ck_assert_uint_eq(bad.column, column);
}

START_TEST(hex_that_is_none)
{
    uint8_t out[2];
    struct buf b = {.data = out, .cap = sizeof out};
    struct hex_place bad;

    hex_refuses("01 0g", 1, 5);
    hex_refuses("01\n0 2", 2, 1);
    hex_refuses("", 1, 1);
    hex_refuses("0000  01 02\n0003  03\n", 2, 1);
    hex_refuses("0000  01 02\nxyz\n", 2, 1);
    hex_refuses("*\n0000  01 02\n", 1, 1);
    hex_refuses("0000  01 02\n0002\n*\n0004\n", 3, 1); /* no bytes to repeat */
    hex_refuses("0000  01 02\n*\n", 2, 1);             /* nor how often */
    hex_refuses("0000  01 02\n*\n0001  03\n", 3, 1);
    hex_refuses("0002: 01 02\n*\n0001: 03\n", 3, 1);
    ck_assert_int_eq(hex_read(bytes_text("010203"), &b, &bad), ERR_SPACE);
    ck_assert_int_eq(hex_read(bytes_text("0000  01\n*\nffffffffffffffff\n"), &b, &bad), ERR_SPACE);
}
END_TEST

SUITE("dissect", every_payload_has_its_fields, a_message_cut_at_every_length,
      the_tree_goes_up_to_the_bad_place, keys_open_and_wrong_ones_do_not,
      fragments_are_joined_in_any_order, esp_is_opened_with_and_without_extended_numbers,
      a_key_with_and_one_without_extended_numbers_are_two, hex_as_people_copy_it, hex_that_is_none)
