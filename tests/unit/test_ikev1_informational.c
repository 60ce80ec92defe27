/*
 * proto/ikev1/informational: what is said comes out as it was, several things in their order, and
 * nothing of a message that is not whole and authentic. RFC 2409 §5.7, RFC 2408 §3.14, §3.15,
 * RFC 2407 §4.6.3.1, RFC 3706 §5.3, §5.4.
 */
#include "hex.h"
#include "proto/ikev1/informational.h"
#include "proto/wire/v1_any.h"
#include "suite.h"

enum { ROOM = 2048, MID = 0x0badcafe };

static struct meter meter;
static struct ikev1_keys keys;
static struct v1_cipher cipher;
static uint8_t out[ROOM];

static struct v1_established sa_of(struct crypto *crypto)
{
    static uint8_t secret[32];
    const struct ikev1_seed seed = {.kind = IKEV1_SKEYID_SIGNATURE,
                                    .ni = bytes_of(secret, 16),
                                    .nr = bytes_of(secret, 17),
                                    .shared = bytes_of(secret, 32)};
    const struct v1_established sa = {crypto,  hash_suite(V1_HASH_SHA1), &keys,
                                      &cipher, UINT64_C(0x1111),         UINT64_C(0x2222)};

    cipher = (struct v1_cipher){.encr = encr_suite(12, 256), .iv = "last block"};
    ck_assert_ok(ikev1_keys_derive(crypto, sa.hash, &seed, &keys));
    ck_assert_ok(ikev1_encr_key(crypto, sa.hash, &keys, cipher.encr, cipher.key));
    return sa;
}

static struct crypto *provider(int i)
{
    return i == 0 ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);
}

static struct v1_info begin(const struct v1_established *sa, uint32_t message_id)
{
    struct v1_info info;

    v1_info_begin(&info, sa, message_id, (struct buf){out, 0, sizeof out});
    return info;
}

static struct bytes end(struct v1_info *info, const struct v1_established *sa)
{
    struct bytes message;

    ck_assert_ok(v1_info_end(info, sa, &message));
    return message;
}

static struct v1_said next(struct v1_info_view *v, enum v1_said_kind kind)
{
    struct v1_said said;

    ck_assert(v1_info_next(v, &said));
    ck_assert_str_eq(v1_said_name(said.kind), v1_said_name(kind));
    return said;
}

static void none(struct v1_info_view *v)
{
    struct v1_said said;

    ck_assert(!v1_info_next(v, &said));
}

START_TEST(everything_in_one_message_in_its_order)
{
    for (int c = 0; c < 2; c++) {
        struct crypto *crypto = provider(c);
        const struct v1_established sa = sa_of(crypto);
        struct v1_info info = begin(&sa, MID);
        struct v1_info_view v;

        v1_info_dpd(&info, &sa, false, 7);
        v1_info_delete_children(&info, (const uint32_t[]){0xa, 0xb, 0xc}, 3);
        v1_info_notify(&info, &sa, V1_NOTIFY_INITIAL_CONTACT);
        payload_add(&info.w, V1_PAYLOAD_VENDOR, bytes_text("vendor"));
        v1_info_dpd(&info, &sa, true, UINT32_MAX);
        payload_add(&info.w, V1_PAYLOAD_NOTIFY,
                    bytes_of("\0\0\0\1\3\4\140\0\0\0\1\2"
                             "\200\1\0\1\200\2\0\74\200\1\0\2\0\2\0\4\0\1\0\0",
                             32));
        v1_info_notify(&info, &sa, V1_NOTIFY_NO_PROPOSAL_CHOSEN);
        v1_info_notify(&info, &sa, 40000);
        v1_info_delete_sa(&info, &sa);
        v1_info_delete_sa(&info, &sa); /* twice: who heeds it looks the SA up anew */
        ck_assert_ok(v1_info_open(&sa, end(&info, &sa), &v));
        ck_assert_uint_eq(next(&v, V1_SAID_ARE_YOU_THERE).sequence, 7);
        ck_assert_uint_eq(next(&v, V1_SAID_CHILD_DELETED).spi, 0xa);
        ck_assert_uint_eq(next(&v, V1_SAID_CHILD_DELETED).spi, 0xb);
        ck_assert_uint_eq(next(&v, V1_SAID_CHILD_DELETED).spi, 0xc);
        next(&v, V1_SAID_INITIAL_CONTACT);
        ck_assert_uint_eq(next(&v, V1_SAID_I_AM_HERE).sequence, UINT32_MAX);
        {
            struct v1_said life = next(&v, V1_SAID_LIFETIME);

            ck_assert_uint_eq(life.spi, 0x102);
            ck_assert_uint_eq(life.life.s, 60);
            ck_assert_uint_eq(life.life.kb, 65536);
        }
        ck_assert_uint_eq(next(&v, V1_SAID_ERROR).notify, V1_NOTIFY_NO_PROPOSAL_CHOSEN);
        ck_assert_uint_eq(next(&v, V1_SAID_OTHER).notify, 40000);
        next(&v, V1_SAID_SA_DELETED);
        next(&v, V1_SAID_SA_DELETED);
        none(&v);
        crypto_destroy(crypto);
    }
}
END_TEST

/* Another SA's cookies in what is otherwise ours. */
START_TEST(what_is_said_of_other_sas_is_not_of_this_one)
{
    struct crypto *crypto = provider(1);
    const struct v1_established sa = sa_of(crypto);
    struct v1_established other = sa;
    struct v1_info info = begin(&sa, MID);
    struct v1_info_view v;

    other.cky_r++;
    v1_info_delete_sa(&info, &other);
    v1_info_dpd(&info, &other, false, 1);
    v1_info_dpd(&info, &other, true, 1);
    payload_add(&info.w, V1_PAYLOAD_DELETE, bytes_of("\0\0\0\1\2\4\0\2\0\0\0\1\0\0\0\2", 16));
    ck_assert_ok(v1_info_open(&sa, end(&info, &sa), &v));
    for (int i = 0; i < 5; i++) /* of AH two SPIs */
        next(&v, V1_SAID_OTHER);
    none(&v);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(not_one_bit_may_change)
{
    struct crypto *crypto = provider(0);
    const struct v1_established sa = sa_of(crypto);
    struct v1_info info = begin(&sa, MID);
    struct v1_info_view v;
    struct bytes message;

    v1_info_dpd(&info, &sa, false, 7);
    message = end(&info, &sa);
    for (size_t at = 0; at < message.len; at++) {
        uint8_t copy[ROOM];
        enum err e;

        memcpy(copy, message.data, message.len);
        copy[at] ^= 0x20;
        e = v1_info_open(&sa, bytes_of(copy, message.len), &v);
        if (e == OK) /* padding is only in a block that has more: all of it is HASH's or Notify's */
            ck_assert_uint_eq(at, 19); /* a flag that means nothing */
    }
    crypto_destroy(crypto);
}
END_TEST

START_TEST(what_is_not_whole_is_not_heeded)
{
    static const struct {
        uint8_t types[4];
        const char *body;
        size_t len;
        enum err expected;
    } rows[] = {
        {{11}, "\0\0\0\1\1\0\0\16", 8, OK},
        {{12}, "\0\0\0\1\3\4\0\1\1\2\3\4", 12, OK},
        {{0}, NULL, 0, ERR_MISSING},
        {{13}, "", 0, ERR_MISSING},
        {{200}, "", 0, ERR_MISSING},
        {{5}, "\1\0\0\0\1\2\3\4", 8, ERR_SYNTAX},
        {{8}, "\0\0\0\1\1\0\0\16", 8, ERR_SYNTAX},
        {{15}, "\0\0\0\1\1\0\0\16", 8, ERR_UNSUPPORTED},
        {{11}, "\0\0\0\1\1\0\0", 7, ERR_TRUNCATED},
        {{12}, "\0\0\0\1\3\4\0\0", 8, ERR_SYNTAX},
        {{12}, "\0\0\0\1\3\4\0\2\1\2\3\4", 12, ERR_LENGTH},
        {{11}, "\0\0\0\1\3\0\140\0\0\2\0\4\0", 13, ERR_TRUNCATED}, /* RESPONDER_LIFETIME */
        {{11, 12}, "\0\0\0\1\3\4\0\1\1\2\3\4", 12, OK}, /* a Notify of type 1, then a Delete */
        {{11, 5}, "\0\0\0\1\1\0\0\16", 8, ERR_SYNTAX},
    };
    struct crypto *crypto = provider(1);
    const struct v1_established sa = sa_of(crypto);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct v1_info info = begin(&sa, MID);
        struct v1_info_view v;
        enum err e;

        for (int k = 0; k < 4 && rows[i].types[k]; k++)
            payload_add(&info.w, rows[i].types[k], bytes_of(rows[i].body, rows[i].len));
        e = v1_info_open(&sa, end(&info, &sa), &v);
        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
    }
    crypto_destroy(crypto);
}
END_TEST

/* RFC 2409 §5.7: once there are keys, what comes in the clear is nobody's word. */
START_TEST(what_is_not_protected_is_refused)
{
    struct crypto *crypto = provider(1);
    const struct v1_established sa = sa_of(crypto);
    struct v1_established other = sa;
    struct ike_header h = {.spi_i = sa.cky_i,
                           .spi_r = sa.cky_r,
                           .version = HEADER_VERSION_1,
                           .exchange = V1_EXCHANGE_INFORMATIONAL,
                           .message_id = MID};
    struct message_writer w;
    struct v1_info info;
    struct v1_info_view v;
    struct bytes message;

    message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
    payload_add(&w, V1_PAYLOAD_DELETE, bytes_of("\0\0\0\1\3\4\0\1\1\2\3\4", 12));
    ck_assert_ok(message_end(&w, &message));
    ck_assert_int_eq(v1_info_open(&sa, message, &v), ERR_STATE);
    other.cky_r++;
    info = begin(&other, MID);
    v1_info_delete_sa(&info, &other);
    ck_assert_int_eq(v1_info_open(&sa, end(&info, &other), &v), ERR_MESSAGE_ID);
    info = begin(&sa, MID);
    v1_info_delete_sa(&info, &sa);
    (void)end(&info, &sa);
    out[23] ^= 1; /* another message ID: another IV, and another HASH */
    ck_assert_int_ne(v1_info_open(&sa, bytes_of(out, writer_len(&info.w.w)), &v), OK);
    info = begin(&sa, MID);
    v1_info_delete_sa(&info, &sa);
    (void)end(&info, &sa);
    out[18] = V1_EXCHANGE_QUICK;
    ck_assert_int_eq(v1_info_open(&sa, bytes_of(out, writer_len(&info.w.w)), &v), ERR_STATE);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_not_made)
{
    struct crypto *crypto = provider(1);
    const struct v1_established sa = sa_of(crypto);

    for (size_t cap = 0; cap < 96; cap++) {
        struct v1_info info;
        struct bytes message;

        v1_info_begin(&info, &sa, MID, (struct buf){out, 0, cap});
        v1_info_dpd(&info, &sa, false, 1);
        ck_assert_int_eq(v1_info_end(&info, &sa, &message), cap < 92 ? ERR_SPACE : OK);
    }
    crypto_destroy(crypto);
}
END_TEST

SUITE("ikev1_informational", everything_in_one_message_in_its_order,
      what_is_said_of_other_sas_is_not_of_this_one, not_one_bit_may_change,
      what_is_not_whole_is_not_heeded, what_is_not_protected_is_refused,
      a_message_that_does_not_fit_is_not_made)
