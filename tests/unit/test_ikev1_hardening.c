/*
 * What broke other IKEv1 implementations, tried on the state machines of proto/ikev1: public values
 * that are none, in both phases and from both roles; lengths at their bounds before anything is
 * proven; what an Informational says of an IKE SA that goes meanwhile; HASH of another length;
 * answers much larger than their questions. Fragments: test_ikev1_joining.c; Informational in the
 * clear: test_ikev1_informational.c; offers without a group: test_ikev1_suite.c.
 */
#include "crypto/openssl_provider.h"
#include "hex.h"
#include "ikev1_pair.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/ikev1/informational.h"
#include "proto/ikev1/main_mode.h"
#include "proto/ikev1/quick_mode.h"
#include "proto/wire/v1_any.h"

enum { MID = 0x0badcafe, VALUE_MAX = 512, VALUES_MAX = 16 };

static const struct tested_mode main_mode = {6, main_mode_start, main_mode_receive},
                                aggressive_mode = {3, aggressive_mode_start,
                                                   aggressive_mode_receive};
static const struct tested_mode *tested = &main_mode;

static const struct tested_mode *phase1_mode(void)
{
    return tested;
}

/* ---- public values that are none: RFC 6989 §2.1, RFC 7748 §6 ---- */

struct value {
    size_t len;
    uint8_t bytes[VALUE_MAX];
};

static struct value values[VALUES_MAX];
static unsigned value_count;

static struct value *add(size_t len, uint8_t all)
{
    struct value *v = &values[value_count++];

    ck_assert(value_count <= VALUES_MAX && len <= sizeof v->bytes);
    v->len = len;
    memset(v->bytes, all, sizeof v->bytes);
    return v;
}

/* CVE-2015-3240: zero; CVE-2023-41913, CVE-2014-9221: lengths. */
static void values_of(const struct ke_suite *suite, struct bytes good)
{
    size_t len = suite->public_len;
    BIGNUM *prime;

    value_count = 0;
    add(len, 0);
    add(1, 0);
    add(len - 1, 3);
    add(len + 1, 3);
    add(VALUE_MAX, 3);
    if (suite->family == KE_MODP) {
        add(len, 0xff);
        prime = BN_get_rfc3526_prime_2048(NULL);
        add(len, 0)->bytes[len - 1] = 1;
        ck_assert_int_gt(BN_bn2bin(prime, add(len, 0)->bytes), 0);
        ck_assert_int_gt(BN_bn2bin(prime, add(len, 0)->bytes), 0);
        values[value_count - 1].bytes[len - 1]--;
        BN_free(prime);
    } else if (suite->family == KE_ECP) {
        add(len, 0xff);
        memcpy(add(len, 0)->bytes, good.data, len);
        values[value_count - 1].bytes[len - 1] ^= 1; /* off the curve */
        add(len, 0)->bytes[len - 1] = 1;
    } else {
        add(len, 0)->bytes[0] = 1; /* of small order */
        unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
              add(len, 0)->bytes, VALUE_MAX);
    }
}

/* A message in the clear with another body in one payload. */
static size_t rebuilt(const uint8_t *message, size_t len, uint8_t type, struct bytes body,
                      uint8_t *out)
{
    struct message_writer w;
    struct message_view v;
    struct bytes made;

    ck_assert_ok(v1_message_read(bytes_of(message, len), &v));
    message_begin(&w, (struct buf){out, 0, ROOM}, &v.header);
    for (unsigned i = 0; i < v.count; i++)
        payload_add(&w, v.payloads[i].type, v.payloads[i].type == type ? body : v.payloads[i].body);
    ck_assert_ok(message_end(&w, &made));
    return made.len;
}

static struct bytes body_in(const uint8_t *message, size_t len, uint8_t type)
{
    struct message_view v;

    ck_assert_ok(v1_message_read(bytes_of(message, len), &v));
    ck_assert_ptr_nonnull(message_find(&v, type));
    return message_find(&v, type)->body;
}

/* Each value in message `n`, which has a KE; then the true one, and all is well. */
static void try_values(struct pair *p, unsigned n)
{
    struct v1_phase1 *to = &p->end[1 - n % 2];
    struct bytes good;

    run_to(p, n);
    good = body_in(p->sent[n], p->len[n], V1_PAYLOAD_KE);
    values_of(p->config[0].proposals[0].ke[0], good);
    if (to->initiator) /* our own comes back */
        memcpy(add(good.len, 0)->bytes, to->pair.public, good.len);
    for (unsigned i = 0; i < value_count; i++) {
        enum v1_state before = to->state;
        uint8_t out[ROOM];
        size_t len = rebuilt(p->sent[n], p->len[n], V1_PAYLOAD_KE,
                             bytes_of(values[i].bytes, values[i].len), out);

        ck_assert_msg(hand_bytes(p, 1 - n % 2, out, len, (uint8_t[ROOM]){0}, &(size_t){0}) ==
                          ERR_KEY_EXCHANGE,
                      "message %u, value %u", n, i);
        ck_assert_int_eq(to->state, before);
    }
    for (; n < tested->messages; n++)
        ck_assert_ok(hand_over(p, n));
    check_same(p);
}

static const char *const proposals[] = {"aes128-sha256-modp2048", "aes128-sha256-ecp256",
                                        "aes128-sha256-x25519"};

START_TEST(public_values_that_are_none_in_phase_1)
{
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (int mode = 0; mode < 2; mode++)
        for (int role = 0; role < 2; role++)
            for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++) {
                tested = mode ? &aggressive_mode : &main_mode;
                pair_init(&p, crypto, proposals[i], true);
                try_values(&p, mode ? (unsigned)role : 2 + (unsigned)role);
            }
    tested = &main_mode;
    crypto_destroy(crypto);
}
END_TEST

/* A message of Quick Mode with another KE, and all the rest right: encrypted, and with its HASH. */
static size_t forged(const struct v1_established *sa, struct v1_cipher chain, struct bytes ni,
                     const uint8_t *message, size_t len, const struct value *ke, uint8_t *out)
{
    uint8_t copy[ROOM], next[IV_MAX], hash[IKEV1_HASH_MAX] = {0};
    size_t front = PAYLOAD_HEADER_LEN + (size_t)sa->hash->len;
    struct message_view v, in;
    struct message_writer w;
    struct bytes text, made;
    struct v1_area area;

    memcpy(copy, message, len);
    ck_assert_ok(v1_message_read(bytes_of(copy, len), &v));
    ck_assert_ok(v1_cipher_open(sa->crypto, &chain, &v, &in, &text, next));
    message_begin(&w, (struct buf){out, 0, ROOM}, &v.header);
    payload_add(&w, V1_PAYLOAD_HASH, bytes_of(hash, sa->hash->len));
    for (unsigned i = 1; i < in.count; i++)
        payload_add(&w, in.payloads[i].type,
                    in.payloads[i].type == V1_PAYLOAD_KE ? bytes_of(ke->bytes, ke->len)
                                                         : in.payloads[i].body);
    ck_assert_ok(v1_message_end(&w, sa->cipher->encr->block_len, &area, &made));
    ck_assert_ok(ikev1_hash_12(sa->crypto, sa->hash, sa->keys, MID, ni,
                               bytes_of(area.text + front, area.chain_len - front), hash));
    memcpy(area.text + PAYLOAD_HEADER_LEN, hash, sa->hash->len);
    ck_assert_ok(v1_cipher_seal(sa->crypto, &chain, &area));
    return made.len;
}

struct quick_pair {
    struct child_config config;
    struct v1_established sa[2];
    struct v1_quick_env env[2];
    struct v1_quick end[2];
    uint8_t sent[4][ROOM];
    size_t len[4];
};

static void quick_init(struct quick_pair *q, const struct pair *p, const char *proposal)
{
    struct bytes bad, message;

    memset(q, 0, sizeof *q);
    q->config = (struct child_config){.proposal_count = 1, .local_count = 1, .remote_count = 1};
    ck_assert_ok(proposal_parse(bytes_text(proposal), false, &q->config.proposals[0], &bad));
    q->config.local[0] = q->config.remote[0] = selector_any(4);
    for (int i = 0; i < 2; i++) {
        q->sa[i] = v1_phase1_established(&p->end[i]);
        q->env[i] = (struct v1_quick_env){.sa = q->sa[i], .config = &q->config};
        ck_assert_ok(v1_quick_init(&q->end[i], &q->env[i], i == 0, MID, 0x1000 + (uint32_t)i,
                                   rng_stream(3, (uint64_t)i, RNG_TEST)));
    }
    ck_assert_ok(v1_quick_start(&q->end[0], (struct buf){q->sent[0], 0, ROOM}, &message));
    q->len[0] = message.len;
}

static enum err quick_hand(struct quick_pair *q, const struct pair *p, unsigned n,
                           const uint8_t *data, size_t len)
{
    uint8_t copy[ROOM];
    const struct v1_arrival at = {bytes_of(copy, len), p->address[1 - n % 2], p->address[n % 2]};
    struct bytes message;
    enum v1_next next;
    enum err e;

    memcpy(copy, data, len);
    e = v1_quick_receive(&q->end[1 - n % 2], &at, (struct buf){q->sent[n + 1], 0, ROOM}, &next,
                         &message);
    if (e == OK)
        q->len[n + 1] = message.len;
    return e;
}

static void try_quick_values(struct quick_pair *q, const struct pair *p, unsigned n)
{
    struct v1_quick *from = &q->end[n], *to = &q->end[1 - n];
    struct v1_cipher chain;

    ck_assert_ok(v1_cipher_of(&q->sa[0], MID, &chain));
    if (n == 1) {
        ck_assert_ok(quick_hand(q, p, 0, q->sent[0], q->len[0]));
        memcpy(chain.iv, q->sent[0] + q->len[0] - 16, 16);
    }
    values_of(q->config.proposals[0].ke[0], bytes_of(from->pair.public, sizeof from->pair.public));
    for (unsigned i = 0; i < value_count; i++) {
        enum v1_quick_state before = to->state;
        uint8_t out[ROOM];
        size_t len = forged(&q->sa[0], chain, n ? bytes_of(q->end[0].nonce, 32) : BYTES_NONE,
                            q->sent[n], q->len[n], &values[i], out);

        ck_assert_msg(quick_hand(q, p, n, out, len) == ERR_KEY_EXCHANGE, "message %u, value %u", n,
                      i);
        ck_assert_int_eq(to->state, before);
    }
    for (; n < 3; n++)
        ck_assert_ok(quick_hand(q, p, n, q->sent[n], q->len[n]));
    ck_assert(from->state == V1_QUICK_DONE && to->state == V1_QUICK_DONE);
}

/* With PFS: message 1 to the responder, message 2 to the initiator; a rekey is no other message. */
START_TEST(public_values_that_are_none_in_phase_2)
{
    static const char *const suites[] = {"aes128-sha1-modp2048", "aes128-sha1-ecp256",
                                         "aes128-sha1-x25519"};
    static struct quick_pair q;
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (size_t s = 0; s < 2 * sizeof suites / sizeof *suites; s++) {
        pair_init(&p, crypto, "aes128-sha256-x25519", false);
        run_whole(&p);
        quick_init(&q, &p, suites[s / 2]);
        try_quick_values(&q, &p, s % 2);
    }
    crypto_destroy(crypto);
}
END_TEST

/* ---- lengths at their bounds, before anything is proven (CVE-2025-9242) ---- */

START_TEST(bodies_at_their_bounds)
{
    static const struct {
        uint8_t type;
        uint16_t len;
        enum err expected;
    } rows[] = {
        {V1_PAYLOAD_NONCE, 0, ERR_LENGTH},
        {V1_PAYLOAD_NONCE, 7, ERR_LENGTH},
        {V1_PAYLOAD_NONCE, 8, OK},
        {V1_PAYLOAD_NONCE, 256, OK},
        {V1_PAYLOAD_NONCE, 257, ERR_LENGTH},
        {V1_PAYLOAD_NONCE, 3000, ERR_LENGTH},
        {V1_PAYLOAD_ID, 0, ERR_TRUNCATED},
        {V1_PAYLOAD_ID, 3, ERR_TRUNCATED},
        {V1_PAYLOAD_ID, 5, OK},
        {V1_PAYLOAD_ID, 4 + 255, OK},
        {V1_PAYLOAD_ID, 4 + 256, ERR_LENGTH},
        {V1_PAYLOAD_ID, 3000, ERR_LENGTH},
        {V1_PAYLOAD_KE, 0, ERR_LENGTH},
        {V1_PAYLOAD_KE, 3000, ERR_LENGTH},
        {V1_PAYLOAD_VENDOR, 0, OK},
        {V1_PAYLOAD_VENDOR, 1, OK},
        {V1_PAYLOAD_VENDOR, 15, OK},
        {V1_PAYLOAD_VENDOR, 1500, OK},
        {V1_PAYLOAD_SA, 0, ERR_TRUNCATED},
        {V1_PAYLOAD_SA, 7, ERR_TRUNCATED},
    };
    static struct pair p;
    struct crypto *crypto = provider(1);

    tested = &aggressive_mode;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static uint8_t body[ROOM];
        uint8_t out[ROOM];
        size_t len;
        enum err e;

        pair_init(&p, crypto, "aes128-sha256-ecp256", true);
        run_to(&p, 0);
        memset(body, 'x', sizeof body);
        memcpy(body, "\2\0\0\0", 4); /* an ID that is a name */
        len = rebuilt(p.sent[0], p.len[0], rows[i].type, bytes_of(body, rows[i].len), out);
        e = hand_bytes(&p, 1, out, len, (uint8_t[ROOM]){0}, &(size_t){0});
        ck_assert_msg(e == rows[i].expected, "payload %u of %u: %s", rows[i].type, rows[i].len,
                      err_name(e));
        ck_assert_int_eq(p.end[1].state, e == OK ? V1_STATE_ANSWERED : V1_STATE_NONE);
    }
    tested = &main_mode;
    crypto_destroy(crypto);
}
END_TEST

/* ---- Informational ---- */

/* CVE-2023-38712: a Delete, and behind it more of the IKE SA that is gone by then. */
START_TEST(what_is_said_outlives_the_ike_sa)
{
    static struct pair p;
    struct crypto *crypto = provider(0);
    struct v1_established sa[2];
    struct v1_info_view view;
    struct v1_info info;
    struct v1_said said;
    struct bytes message;
    uint8_t out[ROOM];
    unsigned count[V1_SAID_COUNT] = {0};

    pair_init(&p, crypto, "aes128-sha256-x25519", false);
    run_whole(&p);
    for (int end = 0; end < 2; end++)
        sa[end] = v1_phase1_established(&p.end[end]);
    v1_info_begin(&info, &sa[0], MID, (struct buf){out, 0, sizeof out});
    v1_info_delete_sa(&info, &sa[0]);
    v1_info_notify(&info, &sa[0], V1_NOTIFY_INITIAL_CONTACT);
    v1_info_delete_children(&info, (const uint32_t[]){1, 2, 2}, 3);
    v1_info_delete_sa(&info, &sa[0]);
    v1_info_dpd(&info, &sa[0], false, 7);
    v1_info_notify(&info, &sa[0], V1_NOTIFY_NO_PROPOSAL_CHOSEN);
    ck_assert_ok(v1_info_end(&info, &sa[0], &message));
    ck_assert_ok(v1_info_open(&sa[1], message, &view));
    while (v1_info_next(&view, &said)) {
        if (said.kind == V1_SAID_SA_DELETED) { /* what is heeded at once: nothing is left of it */
            v1_phase1_reset(&p.end[1]);
            memset(&sa[1], 0xff, sizeof sa[1]);
        }
        count[said.kind]++;
    }
    ck_assert_uint_eq(count[V1_SAID_SA_DELETED], 2);
    ck_assert_uint_eq(count[V1_SAID_CHILD_DELETED], 3);
    ck_assert_uint_eq(count[V1_SAID_INITIAL_CONTACT], 1);
    ck_assert_uint_eq(count[V1_SAID_ARE_YOU_THERE], 1);
    ck_assert_uint_eq(count[V1_SAID_ERROR], 1);
    crypto_destroy(crypto);
}
END_TEST

/* CVE-2019-10155: integrity that is none. What is there of the HASH is right. */
START_TEST(a_hash_of_another_length_is_none)
{
    static struct pair p;
    struct crypto *crypto = provider(0);
    struct v1_established sa;

    pair_init(&p, crypto, "aes128-sha256-x25519", false);
    run_whole(&p);
    sa = v1_phase1_established(&p.end[0]);
    for (size_t len = 0; len <= IKEV1_HASH_MAX + 1; len++) {
        const struct ike_header h = {.spi_i = sa.cky_i,
                                     .spi_r = sa.cky_r,
                                     .version = HEADER_VERSION_1,
                                     .exchange = V1_EXCHANGE_INFORMATIONAL,
                                     .flags = V1_FLAG_ENCRYPTION,
                                     .message_id = MID};
        uint8_t out[ROOM], hash[IKEV1_HASH_MAX + 1] = {0};
        size_t front = PAYLOAD_HEADER_LEN + len;
        struct v1_info_view view;
        struct message_writer w;
        struct v1_cipher chain;
        struct bytes message;
        struct v1_area area;

        message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
        payload_add(&w, V1_PAYLOAD_HASH, bytes_of(hash, len));
        payload_add(&w, V1_PAYLOAD_DELETE, bytes_of("\0\0\0\1\3\4\0\1\1\2\3\4", 12));
        ck_assert_ok(v1_message_end(&w, 16, &area, &message));
        ck_assert_ok(ikev1_hash_12(crypto, sa.hash, sa.keys, MID, BYTES_NONE,
                                   bytes_of(area.text + front, area.chain_len - front), hash));
        memcpy(area.text + PAYLOAD_HEADER_LEN, hash, len);
        ck_assert_ok(v1_cipher_of(&sa, MID, &chain));
        ck_assert_ok(v1_cipher_seal(crypto, &chain, &area));
        ck_assert_int_eq(v1_info_open(&sa, message, &view), len == sa.hash->len ? OK : ERR_ICV);
    }
    crypto_destroy(crypto);
}
END_TEST

/* ---- answers to who has proven nothing (CVE-2016-5361) ---- */

/* Who answers speaks when spoken to, and says no more than three times as much as it heard. */
START_TEST(no_answer_is_much_larger_than_its_question)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < 2 * sizeof proposals / sizeof *proposals; i++) {
        tested = i % 2 ? &aggressive_mode : &main_mode;
        pair_init(&p, crypto, proposals[i / 2], true);
        for (int end = 0; end < 2; end++)
            p.config[end].fragmentation = FRAGMENTATION_YES;
        run_whole(&p);
        for (unsigned n = 0; n + 1 < tested->messages; n += 2)
            ck_assert_msg(p.len[n + 1] <= 3 * p.len[n], "%s, message %u: %zu to %zu",
                          proposals[i / 2], n + 2, p.len[n], p.len[n + 1]);
        /* The first again, and again: each time it is said to send what is there, not more. */
        for (int again = 0; again < 3; again++) {
            enum err e = hand_bytes(&p, 1, p.sent[0], p.len[0], (uint8_t[ROOM]){0}, &(size_t){0});

            ck_assert(e != OK || p.next == V1_AGAIN || p.next == V1_WAIT);
        }
    }
    tested = &main_mode;
    crypto_destroy(crypto);
}
END_TEST

SUITE("ikev1_hardening", public_values_that_are_none_in_phase_1,
      public_values_that_are_none_in_phase_2, bodies_at_their_bounds,
      what_is_said_outlives_the_ike_sa, a_hash_of_another_length_is_none,
      no_answer_is_much_larger_than_its_question)
