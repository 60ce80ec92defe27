/* proto/wire: header, payload chain, message writer, SK and SKF layout, registry. */
#include "base/rng.h"
#include "hex.h"
#include "proto/wire/skf.h"
#include "recode.h"
#include "suite.h"

static const struct ike_header header = {.spi_i = 0x0102030405060708,
                                         .spi_r = 0x1112131415161718,
                                         .version = HEADER_VERSION_2,
                                         .exchange = EXCHANGE_IKE_AUTH,
                                         .flags = HEADER_FLAG_INITIATOR,
                                         .message_id = 1};

#define BUF(array) ((struct buf){.data = (array), .cap = sizeof(array)})

/* HDR, SA, KE, Ni, N: something like the first message of RFC 7296 §1.2. */
static struct bytes sample(uint8_t *out, size_t cap)
{
    static const uint8_t zeros[64];
    struct message_writer mw;
    struct ke_payload ke = {KE_GROUP_CURVE25519, bytes_of(zeros, 32)};
    static struct sa_payload sa;
    struct bytes message;

    sa_init(&sa);
    ck_assert_ok(sa_add_proposal(&sa, 1, SA_PROTOCOL_IKE, BYTES_NONE));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_ENCR, ENCR_AES_GCM_16, 256));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_KE, KE_GROUP_CURVE25519, 0));
    message_begin(&mw, (struct buf){.data = out, .cap = cap}, &header);
    sa_write(payload_begin(&mw, PAYLOAD_SA), &sa);
    payload_end(&mw);
    ke_write(payload_begin(&mw, PAYLOAD_KE), &ke);
    payload_end(&mw);
    payload_add(&mw, PAYLOAD_NONCE, bytes_of(zeros, 32));
    notify_add(&mw, NOTIFY_COOKIE, bytes_of(zeros, 8));
    ck_assert_ok(message_end(&mw, &message));
    return message;
}

START_TEST(header_fields_in_the_order_of_the_rfc)
{
    uint8_t out[HEADER_LEN];
    struct ike_header h = header, back;
    struct writer w;

    h.next_payload = PAYLOAD_SA;
    h.length = 28;
    writer_init(&w, out, sizeof out);
    header_write(&w, &h);
    ck_assert_ok(writer_end(&w));
    assert_hex(bytes_of(out, sizeof out), "010203040506070811121314151617182120230800000001"
                                          "0000001c");
    ck_assert_ok(header_read(bytes_of(out, sizeof out), &back));
    ck_assert_uint_eq(back.spi_i, h.spi_i);
    ck_assert_uint_eq(back.spi_r, h.spi_r);
    ck_assert_uint_eq(back.next_payload, PAYLOAD_SA);
    ck_assert_uint_eq(header_major(&back), 2);
    ck_assert_uint_eq(back.exchange, EXCHANGE_IKE_AUTH);
    ck_assert(header_from_initiator(&back) && !header_is_response(&back));
    ck_assert_uint_eq(back.message_id, 1);
    ck_assert_uint_eq(back.length, 28);
    for (size_t len = 0; len < HEADER_LEN; len++)
        ck_assert_int_eq(header_read(bytes_of(out, len), &back), ERR_TRUNCATED);
}
END_TEST

START_TEST(message_written_is_read_back)
{
    uint8_t out[512], again_out[512];
    struct bytes message = sample(out, sizeof out), again;
    struct notify_payload n;
    struct message_view v;

    ck_assert_ok(message_read(message, &v));
    ck_assert_uint_eq(v.count, 4);
    ck_assert_uint_eq(v.header.length, message.len);
    ck_assert_uint_eq(v.header.next_payload, PAYLOAD_SA);
    ck_assert_uint_eq(message_find(&v, PAYLOAD_NONCE)->body.len, 32);
    ck_assert_ptr_null(message_find(&v, PAYLOAD_AUTH));
    ck_assert_uint_eq(message_count(&v, PAYLOAD_NOTIFY), 1);
    ck_assert_ptr_null(message_next(&v, message_find(&v, PAYLOAD_NOTIFY)));
    ck_assert(notify_find(&v, NOTIFY_COOKIE, &n));
    ck_assert_uint_eq(n.data.len, 8);
    ck_assert(!notify_find(&v, NOTIFY_REKEY_SA, &n));
    ck_assert(!notify_find_error(&v, &n));
    ck_assert_ok(message_recode(&v, BUF(again_out), &again, NULL));
    ck_assert(bytes_equal(message, again));
}
END_TEST

START_TEST(writer_that_is_too_small_fails_at_every_size)
{
    uint8_t out[512], small[512];
    struct bytes message = sample(out, sizeof out), again;
    struct message_view v;

    ck_assert_ok(message_read(message, &v));
    for (size_t cap = 0; cap < message.len; cap++) {
        struct buf b = {.data = small, .cap = cap};

        ck_assert_int_eq(message_recode(&v, b, &again, NULL), ERR_SPACE);
        ck_assert_uint_eq(again.len, 0);
    }
}
END_TEST

START_TEST(header_length_and_version_are_checked)
{
    uint8_t out[512];
    struct bytes message = sample(out, sizeof out);
    struct message_view v;

    ck_assert_int_eq(message_read(bytes_of(out, message.len - 1), &v), ERR_LENGTH);
    ck_assert_int_eq(message_read(bytes_of(out, message.len + 1), &v), ERR_LENGTH);
    out[HEADER_LENGTH_AT] = 1;
    ck_assert_int_eq(message_read(message, &v), ERR_LENGTH);
    out[HEADER_LENGTH_AT] = 0;
    out[17] = 0x2f; /* RFC 7296 §2.5: a higher minor version is ignored */
    ck_assert_ok(message_read(message, &v));
    out[17] = 0x30;
    ck_assert_int_eq(message_read(message, &v), ERR_VERSION);
    ck_assert_uint_eq(v.header.spi_i, header.spi_i); /* readable, for the answer */
    ck_assert_uint_eq(v.header.message_id, 1);
    out[17] = 0x10;
    ck_assert_int_eq(message_read(message, &v), ERR_VERSION);
    for (size_t len = 0; len < HEADER_LEN; len++)
        ck_assert_int_eq(message_read(bytes_of(out, len), &v), ERR_TRUNCATED);
}
END_TEST

/* A message of HEADER_LEN + `body`. */
static struct bytes wrap(uint8_t first, const char *body_hex, uint8_t *out, size_t cap)
{
    struct ike_header h = header;
    struct writer w;
    struct bytes body = unhex(body_hex, out + HEADER_LEN, cap - HEADER_LEN);

    h.next_payload = first;
    h.length = (uint32_t)(HEADER_LEN + body.len);
    writer_init(&w, out, HEADER_LEN);
    header_write(&w, &h);
    return bytes_of(out, HEADER_LEN + body.len);
}

START_TEST(chains_that_lie_are_refused)
{
    static const struct {
        uint8_t first;
        const char *body;
        enum err expected;
    } cases[] = {
        {0, "", OK},
        {0, "00", ERR_TRAILING},
        {0, "00000004", ERR_TRAILING},
        {40, "", ERR_TRUNCATED},
        {40, "0000", ERR_TRUNCATED},
        {40, "00000004", OK},
        {40, "00000000", ERR_LENGTH},
        {40, "00000001", ERR_LENGTH},
        {40, "00000002", ERR_LENGTH},
        {40, "00000003", ERR_LENGTH},
        {40, "00000005", ERR_LENGTH},
        {40, "0000ffff", ERR_LENGTH},
        {40, "28000004", ERR_TRUNCATED}, /* says one more Nonce follows */
        {40, "2800000428000004", ERR_TRUNCATED},
        {40, "2800000400000004", OK},
        {40, "0000000400000004", ERR_TRAILING},
        {40, "007f0004", OK},  /* reserved bits */
        {40, "00800004", OK},  /* critical, but known: ignored (§2.5) */
        {200, "00000004", OK}, /* unknown, not critical */
        {200, "00800004", ERR_CRITICAL},
        {1, "00800004", ERR_CRITICAL},  /* IKEv1's SA is unknown to IKEv2 */
        {49, "00800004", ERR_CRITICAL}, /* registered, but not ours */
        {40, "c8000004008000050a", ERR_CRITICAL},
        {40, "c80000040080000600", ERR_LENGTH}, /* structure comes first */
        {46, "00000004", OK},
        {46, "2800000400000004", ERR_TRAILING}, /* nothing behind SK (§3.14) */
        {46, "2300000a112233445566", OK},
        {53, "2300000a0001000255660000", ERR_TRAILING},
        {53, "2300000a000100025566", OK},
    };
    uint8_t out[128];
    struct message_view v;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes m = wrap(cases[i].first, cases[i].body, out, sizeof out);
        enum err e = message_read(m, &v);

        ck_assert_msg(e == cases[i].expected, "%u %s: %s", cases[i].first, cases[i].body,
                      err_name(e));
    }
    ck_assert_int_eq(message_read(wrap(40, "c8000004008000050a", out, sizeof out), &v),
                     ERR_CRITICAL);
    ck_assert_uint_eq(v.unsupported, 200);
    ck_assert_uint_eq(v.count, 2);
}
END_TEST

START_TEST(inner_chain_refuses_encryption_in_encryption)
{
    uint8_t raw[16];
    struct message_view v;

    ck_assert_ok(payload_chain_read(BYTES_NONE, PAYLOAD_NONE, &v));
    ck_assert_uint_eq(v.count, 0);
    ck_assert_int_eq(payload_chain_read(BYTES_NONE, PAYLOAD_IDI, &v), ERR_TRUNCATED);
    ck_assert_int_eq(payload_chain_read(unhex("00000004", raw, 16), PAYLOAD_SK, &v), ERR_SYNTAX);
    ck_assert_int_eq(payload_chain_read(unhex("00000004", raw, 16), PAYLOAD_SKF, &v), ERR_SYNTAX);
    ck_assert_ok(payload_chain_read(unhex("00000004", raw, 16), PAYLOAD_VENDOR, &v));
}
END_TEST

START_TEST(payload_count_is_bounded)
{
    uint8_t out[1024];
    struct message_writer mw;
    struct message_view v;
    struct bytes message;

    for (unsigned count = PAYLOADS_MAX - 1; count <= PAYLOADS_MAX + 1; count++) {
        message_begin(&mw, BUF(out), &header);
        for (unsigned i = 0; i < count; i++)
            payload_add(&mw, PAYLOAD_VENDOR, BYTES_NONE);
        ck_assert_ok(message_end(&mw, &message));
        ck_assert_int_eq(message_read(message, &v), count > PAYLOADS_MAX ? ERR_FULL : OK);
    }
}
END_TEST

START_TEST(every_truncation_of_a_message_is_refused)
{
    uint8_t out[512];
    struct bytes message = sample(out, sizeof out);
    struct message_view v;

    for (size_t len = HEADER_LEN; len < message.len; len++) {
        uint8_t *copy = malloc(len);

        memcpy(copy, out, len);
        store_be32(copy + HEADER_LENGTH_AT, (uint32_t)len);
        ck_assert_int_ne(message_read(bytes_of(copy, len), &v), OK);
        free(copy);
    }
}
END_TEST

START_TEST(unknown_payloads_and_critical_bits_survive)
{
    uint8_t out[128], again_out[128];
    struct message_writer mw;
    struct message_view v;
    struct bytes message, again;

    message_begin(&mw, BUF(out), &header);
    writer_u32(payload_begin(&mw, 222), 0xcafecafe);
    payload_critical(&mw);
    payload_end(&mw);
    payload_add(&mw, 223, BYTES_NONE);
    ck_assert_ok(message_end(&mw, &message));
    ck_assert_int_eq(message_read(message, &v), ERR_CRITICAL);
    ck_assert_ok(message_recode(&v, BUF(again_out), &again, NULL));
    ck_assert(bytes_equal(message, again));
}
END_TEST

/* Stands in for a cipher: what matters here is which bytes it touches. */
static void scramble(const struct sk_area *a)
{
    for (size_t i = 0; i < a->text_len; i++)
        a->text[i] ^= 0x5a;
}

START_TEST(sk_areas_are_the_same_for_writer_and_reader)
{
    static const struct sk_sizes sizes[] = {{8, 16, 1}, {16, 16, 16}, {8, 12, 4}, {0, 12, 1}};

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t len = 0; len < 40; len++) {
            uint8_t out[256], data[64] = {0};
            struct message_writer mw;
            struct message_view v, inner;
            struct sk_area w, r;
            struct bytes message, chain;

            message_begin(&mw, BUF(out), &header);
            sk_begin(&mw, &sizes[s]);
            payload_add(&mw, PAYLOAD_IDI, bytes_of(data, len));
            notify_add(&mw, NOTIFY_INITIAL_CONTACT, BYTES_NONE);
            ck_assert_ok(sk_end(&mw, &w, &message));
            ck_assert_uint_eq(w.text_len % sizes[s].block_len, 0);
            ck_assert_uint_lt(w.text_len - (len + 4 + 8 + 1), sizes[s].block_len);
            ck_assert_uint_eq(w.aad.len, HEADER_LEN + PAYLOAD_HEADER_LEN); /* RFC 5282 §5.1 */
            ck_assert_uint_eq(message.len,
                              w.aad.len + sizes[s].iv_len + w.text_len + sizes[s].icv_len);
            scramble(&w);
            ck_assert_ok(message_read(message, &v));
            ck_assert_uint_eq(v.inner_type, PAYLOAD_IDI);
            ck_assert_ok(sk_read(&v, &sizes[s], &r));
            ck_assert(r.iv == w.iv && r.text == w.text && r.icv == w.icv);
            ck_assert(r.text_len == w.text_len && bytes_equal(r.aad, w.aad));
            scramble(&r);
            ck_assert_ok(sk_strip(&r, &chain));
            ck_assert_ok(payload_chain_read(chain, v.inner_type, &inner));
            ck_assert_uint_eq(inner.count, 2);
            ck_assert_uint_eq(inner.payloads[0].body.len, len);
        }
    }
}
END_TEST

START_TEST(empty_sk_is_a_liveness_check)
{
    static const struct sk_sizes sizes = {8, 16, 1};
    uint8_t out[128];
    struct message_writer mw;
    struct message_view v, inner;
    struct sk_area area;
    struct bytes message, chain;

    message_begin(&mw, BUF(out), &header);
    sk_begin(&mw, &sizes);
    ck_assert_ok(sk_end(&mw, &area, &message));
    ck_assert_uint_eq(area.text_len, 1);
    ck_assert_ok(message_read(message, &v));
    ck_assert_uint_eq(v.inner_type, PAYLOAD_NONE);
    ck_assert_ok(sk_read(&v, &sizes, &area));
    ck_assert_ok(sk_strip(&area, &chain));
    ck_assert_ok(payload_chain_read(chain, v.inner_type, &inner));
    ck_assert_uint_eq(inner.count, 0);
}
END_TEST

START_TEST(sk_too_short_or_badly_padded_is_refused)
{
    static const struct sk_sizes gcm = {8, 16, 1}, cbc = {16, 12, 16};
    uint8_t out[256], raw[128] = {0};
    struct message_writer mw;
    struct message_view v;
    struct sk_area area;
    struct bytes message, chain;

    for (size_t len = 0; len < 80; len++) {
        message_begin(&mw, BUF(out), &header);
        payload_add(&mw, PAYLOAD_SK, bytes_of(raw, len));
        ck_assert_ok(message_end(&mw, &message));
        ck_assert_ok(message_read(message, &v));
        ck_assert_int_eq(sk_read(&v, &gcm, &area), len >= 25 ? OK : ERR_LENGTH);
        ck_assert_int_eq(sk_read(&v, &cbc, &area),
                         len >= 44 && (len - 28) % 16 == 0 ? OK : ERR_LENGTH);
    }
    ck_assert_ok(sk_read(&v, &gcm, &area));
    area.text[area.text_len - 1] = (uint8_t)(area.text_len - 1);
    ck_assert_ok(sk_strip(&area, &chain));
    ck_assert_uint_eq(chain.len, 0);
    area.text[area.text_len - 1] = (uint8_t)area.text_len;
    ck_assert_int_eq(sk_strip(&area, &chain), ERR_PADDING);
    area.text[area.text_len - 1] = 255;
    ck_assert_int_eq(sk_strip(&area, &chain), ERR_PADDING);
    ck_assert_int_eq(message_read(sample(out, sizeof out), &v), OK);
    ck_assert_int_eq(sk_read(&v, &gcm, &area), ERR_MISSING);
}
END_TEST

START_TEST(sk_that_does_not_fit_fails_at_every_size)
{
    static const struct sk_sizes sizes = {16, 16, 16};
    uint8_t out[256];

    for (size_t cap = 0; cap < 28 + 4 + 16 + 16 + 16; cap++) {
        struct message_writer mw;
        struct sk_area area;
        struct bytes message;

        message_begin(&mw, (struct buf){.data = out, .cap = cap}, &header);
        sk_begin(&mw, &sizes);
        notify_add(&mw, NOTIFY_INITIAL_CONTACT, BYTES_NONE);
        ck_assert_int_eq(sk_end(&mw, &area, &message), ERR_SPACE);
        ck_assert_ptr_null(area.text);
    }
}
END_TEST

/* RFC 7383 §2.5 */
START_TEST(fragments_carry_number_total_and_first_type)
{
    static const struct sk_sizes sizes = {8, 16, 1};
    uint8_t chain_out[128], out[256], joined[128];
    struct skf_fragment f, got;
    struct message_writer mw;
    struct message_view v;
    struct sk_area area;
    struct bytes chain, message, piece;
    size_t at = 0;

    payload_chain_begin(&mw, BUF(chain_out), &f.first_type);
    payload_add(&mw, PAYLOAD_AUTH, bytes_text("....authentication"));
    notify_add(&mw, NOTIFY_INITIAL_CONTACT, BYTES_NONE);
    ck_assert_ok(payload_chain_end(&mw, &chain));
    ck_assert_uint_eq(f.first_type, PAYLOAD_AUTH);
    f.total = 3;
    for (f.number = 1; f.number <= 3; f.number++) {
        size_t len = f.number < 3 ? 11 : chain.len - 22;

        message_begin(&mw, BUF(out), &header);
        skf_begin(&mw, &sizes, &f);
        writer_bytes(&mw.w, bytes_of(chain.data + at, len));
        ck_assert_ok(sk_end(&mw, &area, &message));
        ck_assert_uint_eq(area.aad.len, HEADER_LEN + PAYLOAD_HEADER_LEN + 4);
        ck_assert_ok(message_read(message, &v));
        ck_assert_ok(skf_read(&v, &sizes, &got, &area));
        ck_assert(got.number == f.number && got.total == 3 && got.first_type == f.first_type);
        ck_assert_ok(sk_strip(&area, &piece));
        memcpy(joined + at, piece.data, piece.len);
        at += len;
        f.first_type = PAYLOAD_NONE;
    }
    ck_assert(bytes_equal(bytes_of(joined, at), chain));
}
END_TEST

START_TEST(fragment_numbers_that_lie_are_refused)
{
    static const struct {
        const char *body;
        enum err expected;
    } cases[] = {
        {"2300000700000a", ERR_LENGTH},
        {"2300002100010001"
         "000000000000000000000000000000000000000000000000"
         "00",
         OK},
        {"2300002000010001"
         "000000000000000000000000000000000000000000000000",
         ERR_LENGTH},
        {"2300002100000001"
         "000000000000000000000000000000000000000000000000"
         "00",
         ERR_SYNTAX},
        {"2300002100020001"
         "000000000000000000000000000000000000000000000000"
         "00",
         ERR_SYNTAX},
        {"2300002100010000"
         "000000000000000000000000000000000000000000000000"
         "00",
         ERR_SYNTAX},
        {"2300002100020002"
         "000000000000000000000000000000000000000000000000"
         "00",
         ERR_SYNTAX},
        {"0000002100020002"
         "000000000000000000000000000000000000000000000000"
         "00",
         OK},
    };
    static const struct sk_sizes sizes = {8, 16, 1};
    uint8_t out[128];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct message_view v;
        struct skf_fragment f;
        struct sk_area area;

        ck_assert_ok(message_read(wrap(PAYLOAD_SKF, cases[i].body, out, sizeof out), &v));
        ck_assert_msg(skf_read(&v, &sizes, &f, &area) == cases[i].expected, "case %zu", i);
        ck_assert_int_eq(sk_read(&v, &sizes, &area), ERR_MISSING);
    }
}
END_TEST

/* Random bytes behind a right header, and random damage to a right message: any answer is fine as
 * long as it is an answer, and what is accepted can be written again to the same length. */
START_TEST(random_damage_is_always_answered)
{
    uint8_t out[512], copy[512], again_out[1024];
    struct bytes message = sample(out, sizeof out), again;
    struct rng r = rng_stream(3, 0, RNG_TEST);
    struct message_view v;
    unsigned accepted = 0, refused = 0;

    for (unsigned i = 0; i < 20000; i++) {
        memcpy(copy, out, message.len);
        for (unsigned n = 1 + (unsigned)rng_below(&r, 3); n > 0; n--)
            copy[rng_below(&r, message.len)] = (uint8_t)rng_u32(&r);
        if (message_read(bytes_of(copy, message.len), &v) == OK &&
            message_recode(&v, BUF(again_out), &again, NULL) == OK) {
            ck_assert_uint_eq(again.len, message.len);
            accepted++;
        } else {
            refused++;
        }
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

START_TEST(registry_names_both_ways)
{
    unsigned number = 77;

    ck_assert_str_eq(exchange_name(EXCHANGE_IKE_SA_INIT), "IKE_SA_INIT");
    ck_assert_str_eq(notify_name(16388), "NAT_DETECTION_SOURCE_IP");
    ck_assert_str_eq(payload_name(35), "IDi");
    ck_assert_str_eq(registry_name(REGISTRY_ENCR, 20), "AES_GCM_16");
    ck_assert_str_eq(registry_name(REGISTRY_KE_GROUP, 31), "CURVE25519");
    ck_assert_ptr_null(exchange_name(33));
    ck_assert_ptr_null(notify_name(8191));
    ck_assert(!registry_number(REGISTRY_NOTIFY, "REKEY", &number));
    ck_assert_uint_eq(number, 77);
    ck_assert(registry_number(REGISTRY_NOTIFY, "REKEY_SA", &number));
    ck_assert_uint_eq(number, NOTIFY_REKEY_SA);
    ck_assert(notify_is_error(NOTIFY_CHILD_SA_NOT_FOUND));
    ck_assert(!notify_is_error(NOTIFY_INITIAL_CONTACT));
}
END_TEST

/* Every name leads to a number that leads back to it: no number and no name twice in a list. */
START_TEST(registry_lists_are_one_to_one)
{
    unsigned names = 0;

    for (int list = 0; list < REGISTRY_COUNT; list++) {
        for (unsigned number = 0; number <= UINT16_MAX; number++) {
            const char *name = registry_name((enum registry)list, number);
            unsigned back;

            if (!name)
                continue;
            names++;
            ck_assert(registry_number((enum registry)list, name, &back));
            ck_assert_uint_eq(back, number);
        }
    }
    ck_assert_uint_gt(names, 250);
}
END_TEST

SUITE("wire_message", header_fields_in_the_order_of_the_rfc, message_written_is_read_back,
      writer_that_is_too_small_fails_at_every_size, header_length_and_version_are_checked,
      chains_that_lie_are_refused, inner_chain_refuses_encryption_in_encryption,
      payload_count_is_bounded, every_truncation_of_a_message_is_refused,
      unknown_payloads_and_critical_bits_survive, sk_areas_are_the_same_for_writer_and_reader,
      empty_sk_is_a_liveness_check, sk_too_short_or_badly_padded_is_refused,
      sk_that_does_not_fit_fails_at_every_size, fragments_carry_number_total_and_first_type,
      fragment_numbers_that_lie_are_refused, random_damage_is_always_answered,
      registry_names_both_ways, registry_lists_are_one_to_one)
