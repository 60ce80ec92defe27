/*
 * proto/ikev1, phase 1 by RSA and ECDSA signatures against itself, in both modes and with both
 * providers: whole, with each message lost, doubled and tampered with; certificates and identities
 * that are not to be believed. RFC 2409 §5.1, RFC 4754, RFC 4945 §3.
 */
#include "hex.h"
#include "ikev1_cards.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/ikev1/main_mode.h"
#include "proto/wire/v1_any.h"

static const struct tested_mode modes[] = {{6, main_mode_start, main_mode_receive},
                                           {3, aggressive_mode_start, aggressive_mode_receive}};
static const struct tested_mode *mode = &modes[0];

static const struct tested_mode *phase1_mode(void)
{
    return mode;
}

static bool is_main(void)
{
    return mode == &modes[0];
}

/* Where each side's proof comes: the message, counted from 0. */
static unsigned proof_of(int side)
{
    return is_main() ? 4 + (unsigned)side : 2 - (unsigned)side;
}

static struct pair p;
static struct bureau b;

/* Everything, in both modes. */
static void in_both_modes(enum sign_key_type type, int real, void (*test)(void))
{
    struct crypto *crypto = provider(!real);

    v1_bureau_open(&b, crypto, type);
    for (size_t i = 0; i < 2; i++) {
        mode = &modes[i];
        test();
    }
    bureau_close(&b);
    crypto_destroy(crypto);
}

static const char *const proposals[] = {"aes128-sha1-modp2048", "aes256-sha256-x25519",
                                        "aes192-sha512-ecp256"};

static void agree(void)
{
    for (size_t i = 0; i < 3; i++) {
        v1_signing_pair(&p, &b, proposals[i]);
        run_whole(&p);
        check_same(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(p.end[side].certificate, CERT_VALID);
            ck_assert(p.end[side].certs_asked);
            ck_assert(p.end[side].suite.auth->key == b.card[0].sign.key.type);
            v1_phase1_reset(&p.end[side]);
        }
    }
}

/* RFC 2409 §5.1; RFC 4754 §3: the hash of ECDSA is its own, whichever is negotiated. */
START_TEST(both_sides_agree)
{
    for (int real = 0; real < 2; real++) {
        in_both_modes(KEY_RSA, real, agree);
        in_both_modes(KEY_ECP256, real, agree);
        in_both_modes(KEY_ECP384, real, agree);
        in_both_modes(KEY_ECP521, real, agree);
    }
}
END_TEST

static const char *list_of(unsigned n)
{
    static char list[128];
    struct message_view v;

    list[0] = '\0';
    ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
    for (unsigned i = 0; i < v.count; i++) {
        strcat(list, i ? " " : "");
        strcat(list, v1_payload_name(v.payloads[i].type));
    }
    return list;
}

static void have_what_the_rfc_says(void)
{
    static const char *const lists[2][6] = {
        {"SA VID VID", "SA VID VID", "KE NONCE NAT-D NAT-D", "KE NONCE CR NAT-D NAT-D", "", ""},
        {"SA KE NONCE ID CR VID VID", "SA KE NONCE ID CR VID VID NAT-D NAT-D CERT CERT SIG", ""}};

    v1_signing_pair(&p, &b, "aes128-sha256-ecp256");
    run_whole(&p);
    for (unsigned n = 0; n < mode->messages; n++)
        ck_assert_str_eq(list_of(n), lists[!is_main()][n]);
}

START_TEST(messages_have_what_the_rfc_says)
{
    in_both_modes(KEY_RSA, 0, have_what_the_rfc_says);
}
END_TEST

/* RFC 2408 §3.10: the authority is named by its DN. */
START_TEST(a_request_names_the_authority)
{
    struct crypto *crypto = provider(1);
    struct cert_payload request;
    struct message_view v;
    struct x509_cert *root;

    mode = &modes[0];
    v1_bureau_open(&b, crypto, KEY_RSA);
    v1_signing_pair(&p, &b, "aes128-sha256-ecp256");
    run_to(&p, 3);
    ck_assert_ok(v1_message_read(bytes_of(p.sent[3], p.len[3]), &v));
    ck_assert_ok(v1_certreq_read(message_find(&v, V1_PAYLOAD_CERTREQ)->body, &request));
    ck_assert_int_eq(x509_read(crypto, test_cert_bytes(&b.root.cert), &root), CERT_VALID);
    ck_assert(bytes_equal(request.data, x509_subject(root)));
    x509_free(root);
    bureau_close(&b);
    crypto_destroy(crypto);
}
END_TEST

/* SKEYID = prf(Ni_b | Nr_b, g^xy) */
START_TEST(skeyid_is_that_of_signatures)
{
    struct crypto *crypto = provider(1);
    uint8_t shared[KE_SHARED_MAX], nonces[64], wanted[IKEV1_HASH_MAX];
    const struct bytes secret = bytes_of(shared, 32);
    struct ke_pair pair;

    mode = &modes[0];
    v1_bureau_open(&b, crypto, KEY_RSA);
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    run_to(&p, 3);
    pair = p.end[0].pair; /* its secret is wiped with the next message */
    memcpy(nonces, p.end[0].nonce, 32);
    memcpy(nonces + 32, p.end[1].nonce, 32);
    ck_assert_ok(
        crypto->class->ke_derive(crypto, &pair, bytes_of(p.end[1].pair.public, 32), shared));
    ck_assert_ok(hand_over(&p, 3));
    ck_assert_ok(crypto->class->prf(crypto, p.end[0].suite.hash->prf, bytes_of(nonces, 64), &secret,
                                    1, wanted));
    ck_assert_mem_eq(p.end[0].keys.skeyid, wanted, 32);
    bureau_close(&b);
    crypto_destroy(crypto);
}
END_TEST

static void lost_or_doubled(void)
{
    unsigned last = mode->messages - 1;

    for (unsigned n = 0; n <= last; n++) {
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        run_to(&p, n);
        if (n > 0) { /* the answer is lost: what it answers comes again */
            ck_assert_ok(hand_bytes(&p, n % 2, p.sent[n - 1], p.len[n - 1], (uint8_t[ROOM]){0},
                                    &(size_t){0}));
            ck_assert_int_eq(p.next, V1_AGAIN);
        }
        ck_assert_ok(hand_over(&p, n));
        ck_assert_ok(
            hand_bytes(&p, 1 - n % 2, p.sent[n], p.len[n], (uint8_t[ROOM]){0}, &(size_t){0}));
        ck_assert_int_eq(p.next, n == last ? V1_WAIT : V1_AGAIN);
        for (unsigned rest = n + 1; rest <= last; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_same(&p);
        /* Late: nothing of it is heeded any more. */
        for (unsigned late = 0; late < last; late++) {
            enum v1_state before = p.end[1 - late % 2].state;

            if (hand_bytes(&p, 1 - late % 2, p.sent[late], p.len[late], (uint8_t[ROOM]){0},
                           &(size_t){0}) == OK)
                ck_assert_int_ne(p.next, V1_SEND);
            ck_assert_int_eq(p.end[1 - late % 2].state, before);
        }
        check_same(&p);
    }
}

START_TEST(each_message_lost_doubled_or_late)
{
    in_both_modes(KEY_ECP256, 0, lost_or_doubled);
}
END_TEST

/* Where the certificates begin, of a message in the clear. */
static size_t shown_at(unsigned n)
{
    struct message_view v;

    ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
    return (size_t)(message_find(&v, V1_PAYLOAD_CERT)->body.data - p.sent[n]);
}

/* A bit of a proof, or of what comes before it, is another one: it is refused and the true one
 * still comes through, or it meant nothing. */
static void tampered(void)
{
    unsigned refused = 0;

    for (int side = 0; side < 2; side++) {
        unsigned n = proof_of(side);

        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        run_to(&p, n);
        for (size_t at = HEADER_LEN; at < p.len[n]; at += 5) {
            struct v1_phase1 before = p.end[1 - side];
            enum err e;

            p.sent[n][at] ^= 4;
            e = hand_bytes(&p, 1 - (unsigned)side, p.sent[n], p.len[n], (uint8_t[ROOM]){0},
                           &(size_t){0});
            p.sent[n][at] ^= 4;
            /* Covered by nothing: CERTREQ, NAT-D, and what is in the clear. */
            if (e == OK)
                ck_assert(side == 0 ? at - HEADER_LEN < 5 * 16 : !is_main() && at < shown_at(n));
            else
                ck_assert_int_eq(p.end[1 - side].state, before.state);
            refused += e != OK;
            p.end[1 - side] = before;
        }
        for (; n < mode->messages; n++)
            ck_assert_ok(hand_over(&p, n));
        check_same(&p);
    }
    ck_assert_uint_gt(refused, 200);
}

START_TEST(proofs_tampered_with)
{
    in_both_modes(KEY_RSA, 1, tampered);
    in_both_modes(KEY_ECP384, 1, tampered);
}
END_TEST

/* The proof of `side` is refused, for this reason, and nothing is sent or has changed. */
static void refused(int side, enum x509_result why)
{
    unsigned n = proof_of(side);
    enum v1_state before;

    run_to(&p, n);
    before = p.end[1 - side].state;
    ck_assert_int_eq(hand_over(&p, n), ERR_SIGNATURE);
    ck_assert_str_eq(x509_result_name((enum x509_result)p.end[1 - side].certificate),
                     x509_result_name(why));
    ck_assert_int_eq(p.end[1 - side].state, before);
    ck_assert_int_ne(before, V1_STATE_ESTABLISHED);
}

static void certificates_refused(void)
{
    const struct {
        enum x509_result why;
        const char *name, *purpose, *usage;
        int64_t from_s, until_s;
        bool self; /* signed by itself */
    } rows[] = {
        {CERT_IDENTITY, "DNS:somebody.test", IPSEC_IKE, "critical,digitalSignature", -1, 1, false},
        {CERT_EXPIRED, NULL, IPSEC_IKE, "critical,digitalSignature", -2, -1, false},
        {CERT_NOT_YET_VALID, NULL, IPSEC_IKE, "critical,digitalSignature", 1, 2, false},
        {CERT_KEY_USAGE, NULL, IPSEC_IKE, "critical,keyEncipherment", -1, 1, false},
        {CERT_PURPOSE, NULL, CLIENT_AUTH, "critical,digitalSignature", -1, 1, false},
        {CERT_NO_ANCHOR, NULL, IPSEC_IKE, "critical,digitalSignature", -1, 1, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int side = 0; side < 2; side++) {
            struct test_cert_options o = v1_card_options(side);
            struct card good = b.card[side];

            if (rows[i].name)
                o.alt_name = rows[i].name;
            o.extended_key_usage = rows[i].purpose;
            o.key_usage = rows[i].usage;
            o.not_before_s = BUREAU_NOW + rows[i].from_s * BUREAU_DAY;
            o.not_after_s = BUREAU_NOW + rows[i].until_s * BUREAU_DAY;
            card_issue(&b, &b.card[side], o, good.sign.key.type, rows[i].self ? NULL : &b.middle);
            v1_signing_pair(&p, &b, "aes128-sha256-x25519");
            refused(side, rows[i].why);
            card_reset(&b.card[side]);
            b.card[side] = good;
        }
}

/* RFC 4945 §3.1, §5.1.3 */
START_TEST(certificates_that_are_not_believed)
{
    in_both_modes(KEY_ECP256, 0, certificates_refused);
}
END_TEST

static void others_refused(void)
{
    static const char *const names[] = {"client.test", "gateway.test"};

    for (int side = 0; side < 2; side++) {
        /* Who shows a certificate and has not its key. */
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.config[side].auth.credential.key = &b.card[1 - side].sign;
        refused(side, CERT_VALID);
        /* Who shows none. */
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.config[side].auth.credential.send = SEND_CERT_NEVER;
        refused(side, CERT_VALID);
        /* Whom nobody vouches for. */
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.config[1 - side].auth.trust.anchors = NULL;
        p.config[side].auth.credential.send = SEND_CERT_ALWAYS;
        refused(side, CERT_NO_ANCHOR);
        /* Who is another one than was called. */
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.end[1 - side].env.peer_id = bytes_text("another.test");
        refused(side, CERT_VALID);
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.end[1 - side].env.peer_id = bytes_text(names[side]);
        p.end[1 - side].env.peer_id_type = V1_ID_USER_FQDN;
        refused(side, CERT_VALID);
        p.end[1 - side].env.peer_id_type = V1_ID_FQDN;
        for (unsigned n = proof_of(side); n < mode->messages; n++)
            ck_assert_ok(hand_over(&p, n));
        check_same(&p);
    }
}

START_TEST(peers_that_are_not_believed)
{
    in_both_modes(KEY_RSA, 0, others_refused);
    in_both_modes(KEY_ECP256, 1, others_refused);
}
END_TEST

/* RFC 2408 §3.10: who is not asked need not show, and with some peers must not. */
static void asked_or_not(void)
{
    for (int side = 0; side < 2; side++) {
        v1_signing_pair(&p, &b, "aes128-sha256-x25519");
        p.config[1 - side].auth.trust.anchors = NULL; /* then it does not ask */
        refused(side, CERT_VALID);
        ck_assert(!p.end[side].certs_asked);
    }
}

START_TEST(certificates_are_shown_to_who_asks)
{
    in_both_modes(KEY_ECP256, 0, asked_or_not);
}
END_TEST

/* One gateway for peers of several kinds: the method is the initiator's choice. */
static void either_way(void)
{
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    p.config[1].auth.accepted |= AUTH_BIT(AUTH_PSK);
    memcpy(p.config[1].psk, "a shared secret", 15);
    p.config[1].psk_len = 15;
    run_whole(&p);
    check_same(&p);
    ck_assert_uint_eq(p.end[1].suite.auth->method, V1_AUTH_RSA);
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    p.config[1].auth.accepted |= AUTH_BIT(AUTH_PSK);
    memcpy(p.config[1].psk, "a shared secret", 15);
    p.config[1].psk_len = 15;
    p.config[0].auth = (struct auth_config){.way = AUTH_PSK};
    memcpy(p.config[0].psk, "a shared secret", 15);
    p.config[0].psk_len = 15;
    run_whole(&p);
    check_same(&p);
    ck_assert_uint_eq(p.end[1].suite.auth->method, V1_AUTH_PSK);
    /* And the one that the gateway does not take. */
    p.config[1].auth.accepted = AUTH_BIT(AUTH_CERTIFICATE);
    for (unsigned side = 0; side < 2; side++) {
        const struct v1_phase1_env env = p.end[side].env;

        v1_phase1_init(&p.end[side], &env, side == 0, 0x1111 + side, rng_stream(1, side, RNG_TEST));
    }
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
}

START_TEST(a_gateway_takes_several_methods)
{
    in_both_modes(KEY_RSA, 0, either_way);
}
END_TEST

static void keys_of_two_kinds(void)
{
    struct card good = b.card[0];
    struct bytes message;

    /* ECDSA methods name the curve, for both sides. */
    card_issue(&b, &b.card[0], v1_card_options(0), KEY_ECP384, &b.middle);
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    card_reset(&b.card[0]);
    /* IKEv1 has no method for Ed25519, nor for who has nothing to prove himself by. */
    card_issue(&b, &b.card[0], v1_card_options(0), KEY_ED25519, &b.middle);
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    ck_assert_int_eq(mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &message),
                     ERR_UNSUPPORTED);
    p.config[0].auth = (struct auth_config){.way = AUTH_PSK};
    ck_assert_int_eq(mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &message),
                     ERR_UNSUPPORTED);
    p.config[0].auth.way = AUTH_NULL;
    ck_assert_int_eq(mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &message),
                     ERR_UNSUPPORTED);
    ck_assert_int_eq(p.end[0].state, V1_STATE_NONE);
    card_reset(&b.card[0]);
    b.card[0] = good;
}

START_TEST(a_method_is_for_one_kind_of_key)
{
    in_both_modes(KEY_ECP256, 0, keys_of_two_kinds);
}
END_TEST

SUITE("ikev1_signatures", both_sides_agree, messages_have_what_the_rfc_says,
      a_request_names_the_authority, skeyid_is_that_of_signatures,
      each_message_lost_doubled_or_late, proofs_tampered_with, certificates_that_are_not_believed,
      peers_that_are_not_believed, certificates_are_shown_to_who_asks,
      a_gateway_takes_several_methods, a_method_is_for_one_kind_of_key)
