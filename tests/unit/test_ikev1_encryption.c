/*
 * proto/ikev1, phase 1 by public-key encryption against itself, in both modes, by both methods and
 * with both providers: whole, with each message lost, doubled, late and tampered with; certificates
 * and keys that do not go together; and what somebody who sends ciphertexts of his own can see.
 * RFC 2409 §5.2, §5.3.
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

/* Which message has what side `side` encrypts, counted from 0. */
static unsigned sealed_of(int side)
{
    return (is_main() ? 2 : 0) + (unsigned)side;
}

static struct pair p;
static struct bureau b;
static enum auth_way way;
static struct known_cert known[2];

static bool is_revised(void)
{
    return way == AUTH_RSA_REVISED;
}

static void prepare(const char *proposal)
{
    static const char *const names[] = {"client.test", "gateway.test"};

    v1_signing_pair(&p, &b, proposal);
    for (int side = 0; side < 2; side++) {
        struct auth_config *own = &p.config[side].auth;

        known[side] =
            (struct known_cert){V1_ID_FQDN, bytes_text(names[side]), b.card[side].shown, 2};
        own->way = way;
        own->accepted = 0;
    }
    p.config[0].auth.trust.called = &known[1];
    p.config[1].auth.trust.certs = &known[0];
    p.config[1].auth.trust.cert_count = 1;
}

/* Of each provider, as keys take long to make. */
static struct bureau offices[2];

static void open_office(int real)
{
    struct bureau *o = &offices[real];

    v1_bureau_open(o, provider(!real), KEY_ECP256);
    for (int side = 0; side < 2; side++) {
        card_reset(&o->card[side]);
        card_issue(o, &o->card[side], v1_card_options(side), KEY_RSA, &o->middle);
    }
}

/* Everything, in both modes and by both methods. */
static void in_all(int real, void (*test)(void))
{
    if (!offices[real].crypto)
        open_office(real);
    b = offices[real];
    for (size_t i = 0; i < 4; i++) {
        mode = &modes[i % 2];
        way = i / 2 ? AUTH_RSA_REVISED : AUTH_RSA_ENCRYPTION;
        test();
    }
}

static void agree(void)
{
    static const char *const proposals[] = {"aes128-sha1-modp2048", "aes256-sha256-x25519",
                                            "aes192-sha512-ecp256", "aes256-sha1-modp2048"};

    for (size_t i = 0; i < 4; i++) {
        prepare(proposals[i]);
        run_whole(&p);
        check_same(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(p.end[side].certificate, CERT_VALID);
            ck_assert_int_eq(p.end[side].suite.auth->skeyid, IKEV1_SKEYID_ENCRYPTION);
            ck_assert_uint_eq(p.end[side].suite.auth->method, is_revised()
                                                                  ? V1_AUTH_RSA_REVISED_ENCRYPTION
                                                                  : V1_AUTH_RSA_ENCRYPTION);
            ck_assert_uint_eq(p.end[side].peer_nonce_len, V1_OUR_NONCE);
            ck_assert_mem_eq(p.end[side].peer_nonce, p.end[1 - side].nonce, V1_OUR_NONCE);
        }
        for (int side = 0; side < 2; side++)
            v1_phase1_reset(&p.end[side]);
    }
}

START_TEST(both_sides_agree)
{
    for (int real = 0; real < 2; real++)
        in_all(real, agree);
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
    static const char *const lists[2][2][6] = {
        {{"SA VID VID", "SA VID VID", "KE HASH ID NONCE NAT-D NAT-D", "KE ID NONCE NAT-D NAT-D", "",
          ""},
         {"SA KE HASH ID NONCE VID VID", "SA KE ID NONCE VID VID NAT-D NAT-D HASH", ""}},
        {{"SA VID VID", "SA VID VID", "HASH NONCE KE ID NAT-D NAT-D", "NONCE KE ID NAT-D NAT-D", "",
          ""},
         {"SA HASH NONCE KE ID VID VID", "SA NONCE KE ID VID VID NAT-D NAT-D HASH", ""}}};

    prepare("aes128-sha256-ecp256");
    run_whole(&p);
    for (unsigned n = 0; n < mode->messages; n++)
        ck_assert_str_eq(list_of(n), lists[is_revised()][!is_main()][n]);
}

START_TEST(messages_have_what_the_rfc_says)
{
    in_all(0, have_what_the_rfc_says);
}
END_TEST

static bool is_within(struct bytes text, const void *what, size_t len)
{
    for (size_t at = 0; at + len <= text.len; at++)
        if (memcmp(text.data + at, what, len) == 0)
            return true;
    return false;
}

/* Nonces and identities are on the wire in no message; nor public values in the revised mode. */
static void show_nothing(void)
{
    prepare("aes128-sha256-modp2048");
    run_whole(&p);
    for (unsigned n = 0; n < mode->messages; n++) {
        struct bytes m = bytes_of(p.sent[n], p.len[n]);

        for (int side = 0; side < 2; side++) {
            bool here = sealed_of(side) == n;

            ck_assert(!is_within(m, p.end[side].nonce, V1_OUR_NONCE));
            ck_assert(!is_within(m, p.config[side].id.data, p.config[side].id.len));
            ck_assert(is_within(m, p.end[side].pair.public, 256) == (here && !is_revised()));
        }
    }
}

START_TEST(messages_do_not_show_nonces_and_identities)
{
    in_all(1, show_nothing);
    in_all(0, show_nothing);
}
END_TEST

/* ---- as the RFC has it, by hand ---- */

static struct bytes body_of(unsigned n, enum v1_payload_type type)
{
    static struct message_view v;
    const struct payload_view *at;

    ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
    at = message_find(&v, (uint8_t)type);
    ck_assert_ptr_nonnull(at);
    return at->body;
}

static enum err decrypt_by(int side, struct bytes text, uint8_t *out, size_t *len)
{
    const struct decrypt_op op = {&b.card[side].sign, rng_stream(1, 1, RNG_TEST), text, 0, 256};

    return p.crypto->class->decrypt(p.crypto, &op, out, len);
}

/* §5.3: Ne_i = prf(Ni_b, CKY-I), Ke_i of it; KE first, from an IV of zeros, then ID from where KE
 * has ended. §5.2: both by the key itself. */
static void read_by_hand(void)
{
    uint8_t nonce[ENCRYPT_MAX], text[ENCRYPT_MAX], ke[64], cookie[8], key[IKEV1_HASH_MAX], iv[16];
    const struct encr_suite *encr;
    size_t len;

    prepare("aes128-sha256-ecp256");
    run_to(&p, sealed_of(0));
    encr = p.config[0].proposals[0].encr[0];
    ck_assert_ok(decrypt_by(1, body_of(sealed_of(0), V1_PAYLOAD_NONCE), nonce, &len));
    ck_assert_uint_eq(len, V1_OUR_NONCE);
    ck_assert_mem_eq(nonce, p.end[0].nonce, len);
    if (!is_revised()) {
        ck_assert_ok(decrypt_by(1, body_of(sealed_of(0), V1_PAYLOAD_ID), text, &len));
        ck_assert_mem_eq(text + 4, "client.test", len - 4);
        return;
    }
    store_be64(cookie, p.end[0].cky_i);
    ck_assert_ok(p.crypto->class->prf(p.crypto, hash_suite(V1_HASH_SHA2_256)->prf,
                                      bytes_of(nonce, 32), &(struct bytes){cookie, 8}, 1, key));
    memset(iv, 0, sizeof iv);
    len = body_of(sealed_of(0), V1_PAYLOAD_KE).len;
    ck_assert_uint_eq(len, 64 + 16); /* always padding */
    memcpy(text, body_of(sealed_of(0), V1_PAYLOAD_KE).data, len);
    ck_assert_ok(p.crypto->class->cbc(p.crypto, &(struct cbc_op){encr, key, iv, text, len, false}));
    memcpy(ke, text, 64);
    ck_assert_mem_eq(ke, p.end[0].pair.public, 64);
    for (size_t i = 64; i < 79; i++)
        ck_assert_uint_eq(text[i], 0);
    ck_assert_uint_eq(text[79], 15);
    memcpy(iv, body_of(sealed_of(0), V1_PAYLOAD_KE).data + 64, 16);
    len = body_of(sealed_of(0), V1_PAYLOAD_ID).len;
    ck_assert_uint_eq(len, 16);
    memcpy(text, body_of(sealed_of(0), V1_PAYLOAD_ID).data, len);
    ck_assert_ok(p.crypto->class->cbc(p.crypto, &(struct cbc_op){encr, key, iv, text, len, false}));
    ck_assert_mem_eq(text + 4, "client.test", 11);
    ck_assert_uint_eq(text[15], 0); /* no byte of padding but their number */
}

START_TEST(what_is_encrypted_is_read_by_hand)
{
    in_all(1, read_by_hand);
}
END_TEST

/* SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R) */
static void derive_by_hand(void)
{
    const struct hash_suite *hash = hash_suite(V1_HASH_SHA2_256);
    uint8_t key[IKEV1_HASH_MAX], cookies[16], wanted[IKEV1_HASH_MAX];
    struct bytes nonces[2], text = bytes_of(cookies, sizeof cookies);

    prepare("aes128-sha256-x25519");
    run_whole(&p);
    for (int side = 0; side < 2; side++)
        nonces[side] = bytes_of(p.end[side].nonce, V1_OUR_NONCE);
    store_be64(cookies, p.end[0].cky_i);
    store_be64(cookies + 8, p.end[0].cky_r);
    ck_assert_ok(p.crypto->class->hash(p.crypto, hash, nonces, 2, key));
    ck_assert_ok(p.crypto->class->prf(p.crypto, hash->prf, bytes_of(key, 32), &text, 1, wanted));
    ck_assert_mem_eq(p.end[1].keys.skeyid, wanted, 32);
}

START_TEST(skeyid_is_that_of_encryption)
{
    in_all(1, derive_by_hand);
}
END_TEST

/* ---- lost, doubled, late, tampered with ---- */

static void lost_or_doubled(void)
{
    unsigned last = mode->messages - 1;

    for (unsigned n = 0; n <= last; n++) {
        prepare("aes128-sha256-x25519");
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
    in_all(0, lost_or_doubled);
    in_all(1, lost_or_doubled);
}
END_TEST

/* One byte of message `n` is another one. @return whether both ends come out with the same keys */
static bool survives(unsigned n, size_t at)
{
    bool up;

    p.sent[n][at] ^= 4;
    for (unsigned k = n; k < mode->messages; k++)
        if (hand_over(&p, k) != OK)
            return false;
    up = p.end[0].state == V1_STATE_ESTABLISHED && p.end[1].state == V1_STATE_ESTABLISHED;
    if (up)
        ck_assert_mem_eq(p.end[0].keys.skeyid_d, p.end[1].keys.skeyid_d, p.end[0].suite.hash->len);
    return up;
}

static bool is_in(unsigned n, size_t at, enum v1_payload_type type)
{
    struct message_view v;

    ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
    for (const struct payload_view *q = message_find(&v, (uint8_t)type); q; q = message_next(&v, q))
        if (p.sent[n] + at >= q->body.data && p.sent[n] + at < q->body.data + q->body.len)
            return true;
    return false;
}

/* Whatever is encrypted is covered by what comes of it, and so is the public value. */
static void tampered(void)
{
    for (int side = 0; side < 2; side++) {
        unsigned n = sealed_of(side), refused = 0;
        struct pair before;

        prepare("aes128-sha256-ecp256");
        run_to(&p, n);
        before = p;
        for (size_t at = HEADER_LEN; at < before.len[n]; at += p.crypto->class->secure ? 41 : 5) {
            bool covered = is_in(n, at, V1_PAYLOAD_NONCE) || is_in(n, at, V1_PAYLOAD_ID) ||
                           is_in(n, at, V1_PAYLOAD_KE) || is_in(n, at, V1_PAYLOAD_HASH);
            bool up = survives(n, at);

            ck_assert(!(covered && up));
            refused += !up;
            for (int e = 0; e < 2; e++)
                before.end[e].env.config = p.end[e].env.config;
            p = before;
        }
        ck_assert_uint_gt(refused, p.crypto->class->secure ? 7 : 70);
        for (; n < mode->messages; n++)
            ck_assert_ok(hand_over(&p, n));
        check_same(&p);
    }
}

START_TEST(each_sealed_message_tampered_with)
{
    in_all(0, tampered);
    in_all(1, tampered);
}
END_TEST

/* ---- what is malformed ---- */

/* Message n with this body in the place of that of a payload; empty: without it. */
static void replace(unsigned n, enum v1_payload_type type, struct bytes body)
{
    uint8_t copy[ROOM];
    struct message_view v;
    struct message_writer w;
    struct bytes message;

    memcpy(copy, p.sent[n], p.len[n]);
    ck_assert_ok(v1_message_read(bytes_of(copy, p.len[n]), &v));
    message_begin(&w, (struct buf){p.sent[n], 0, ROOM}, &v.header);
    for (unsigned i = 0; i < v.count; i++)
        if (v.payloads[i].type != type)
            payload_add(&w, v.payloads[i].type, v.payloads[i].body);
        else if (body.len)
            payload_add(&w, v.payloads[i].type, body);
    ck_assert_ok(message_end(&w, &message));
    p.len[n] = message.len;
}

static void refused_with(int side, enum v1_payload_type type, struct bytes body, enum err wanted)
{
    unsigned n = sealed_of(side);
    enum v1_state before;
    struct v1_phase1 copy;

    prepare("aes128-sha256-ecp256");
    run_to(&p, n);
    copy = p.end[1 - side];
    before = copy.state;
    replace(n, type, body);
    ck_assert_int_eq(hand_over(&p, n), wanted);
    ck_assert_int_eq(p.end[1 - side].state, before);
    ck_assert_mem_eq(p.end[1 - side].peer_nonce, copy.peer_nonce, sizeof copy.peer_nonce);
}

static void malformed(void)
{
    uint8_t bytes[512], hash[64] = {1};
    size_t len;

    memset(bytes, 0x5a, sizeof bytes);
    for (int side = 0; side < 2; side++) {
        bool whole_blocks = is_revised();

        for (len = 1; len <= 512; len += 50)
            refused_with(side, V1_PAYLOAD_NONCE, bytes_of(bytes, len), ERR_LENGTH);
        refused_with(side, V1_PAYLOAD_NONCE, bytes_of(bytes, 255), ERR_LENGTH);
        refused_with(side, V1_PAYLOAD_NONCE, bytes_of(bytes, 257), ERR_LENGTH);
        refused_with(side, V1_PAYLOAD_ID, bytes_of(bytes, 255), ERR_LENGTH);
        refused_with(side, V1_PAYLOAD_ID, BYTES_NONE, ERR_MISSING);
        refused_with(side, V1_PAYLOAD_NONCE, BYTES_NONE, ERR_MISSING);
        if (whole_blocks) {
            refused_with(side, V1_PAYLOAD_KE, bytes_of(bytes, 81), ERR_LENGTH);
            refused_with(side, V1_PAYLOAD_ID, bytes_of(bytes, 1), ERR_LENGTH);
        }
    }
    /* HASH(1) of another certificate, or of another length. */
    refused_with(0, V1_PAYLOAD_HASH, bytes_of(hash, 32), ERR_SIGNATURE);
    refused_with(0, V1_PAYLOAD_HASH, bytes_of(hash, 20), ERR_SIGNATURE);
    /* Without HASH(1) it is for the only one there is. */
    prepare("aes128-sha256-ecp256");
    run_to(&p, sealed_of(0));
    replace(sealed_of(0), V1_PAYLOAD_HASH, BYTES_NONE);
    for (unsigned n = sealed_of(0); n < mode->messages; n++)
        ck_assert_ok(hand_over(&p, n));
    check_same(&p);
}

START_TEST(ciphertexts_that_are_none)
{
    in_all(0, malformed);
    in_all(1, malformed);
}
END_TEST

/* ---- an oracle of Bleichenbacher's kind ---- */

/* The answer to a first sealed message with this nonce: nothing, or of which length. */
static size_t answer_to(struct bytes nonce, enum err *e)
{
    unsigned n = sealed_of(0);
    uint8_t answer[ROOM];
    size_t len;

    prepare("aes128-sha256-ecp256");
    run_to(&p, n);
    replace(n, V1_PAYLOAD_NONCE, nonce);
    *e = hand_bytes(&p, 1, p.sent[n], p.len[n], answer, &len);
    return len;
}

/* Encrypted to the gateway: what an attacker can do who has its certificate. */
static struct bytes sealed_to_gateway(struct bytes text, uint8_t *out)
{
    struct verify_key key;
    struct encrypt_op op = {&key, rng_stream(8, text.len, RNG_TEST), text};
    size_t len;

    ck_assert_ok(
        p.crypto->class->verify_key_load(p.crypto, test_cert_bytes(&b.card[1].public), &key));
    ck_assert_ok(p.crypto->class->encrypt(p.crypto, &op, out, &len));
    verify_key_reset(&key);
    return bytes_of(out, len);
}

/* A nonce whose padding is right and one whose is not are answered alike, or both not at all. */
static void tells_nothing(void)
{
    static const size_t lengths[] = {1, 7, 8, 32, 200, 245};
    uint8_t text[ENCRYPT_MAX] = {3}, sealed[ENCRYPT_MAX];
    enum err right, wrong;
    size_t answered, unanswered;

    prepare("aes128-sha256-ecp256");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct bytes nonce = sealed_to_gateway(bytes_of(text, lengths[i]), sealed);

        answered = answer_to(nonce, &right);
        sealed[9] ^= 1; /* what was padding is not any more, but by the greatest chance */
        unanswered = answer_to(nonce, &wrong);
        sealed[9] ^= 1;
        ck_assert_uint_eq(answered, unanswered);
        if (!is_revised()) { /* the nonce is not missed before HASH_I */
            ck_assert_ok(right);
            ck_assert_ok(wrong);
        } else { /* by another nonce nothing else can be read */
            ck_assert_int_ne(right, OK);
            ck_assert_int_ne(wrong, OK);
            ck_assert_uint_eq(answered, 0);
        }
    }
}

START_TEST(padding_that_is_wrong_is_answered_like_one_that_is_right)
{
    in_all(0, tells_nothing);
    in_all(1, tells_nothing);
}
END_TEST

/* §5.2: an identity that does not decrypt is like one that nobody has. */
static void stranger_or_garbage(void)
{
    static const uint8_t stranger[] = {V1_ID_FQDN, 0, 0, 0, 'x', '.', 't', 'e', 's', 't'};
    uint8_t sealed[ENCRYPT_MAX];
    struct bytes id;

    if (is_revised())
        return;
    prepare("aes128-sha256-ecp256");
    id = sealed_to_gateway(bytes_of(stranger, sizeof stranger), sealed);
    refused_with(0, V1_PAYLOAD_ID, id, ERR_SIGNATURE);
    sealed_to_gateway(bytes_of(stranger, 3), sealed);
    refused_with(0, V1_PAYLOAD_ID, id, ERR_TRUNCATED);
    sealed[9] ^= 1;
    prepare("aes128-sha256-ecp256");
    run_to(&p, sealed_of(0));
    replace(sealed_of(0), V1_PAYLOAD_ID, id);
    ck_assert_int_ne(hand_over(&p, sealed_of(0)), OK);
}

START_TEST(an_identity_that_does_not_decrypt_is_nobodys)
{
    in_all(0, stranger_or_garbage);
    in_all(1, stranger_or_garbage);
}
END_TEST

/* ---- who is not believed ---- */

static void fails_for(int side, unsigned n, enum x509_result why)
{
    run_to(&p, n);
    ck_assert_int_eq(hand_over(&p, n), ERR_SIGNATURE);
    ck_assert_str_eq(x509_result_name((enum x509_result)p.end[side].certificate),
                     x509_result_name(why));
}

static void peers_refused(void)
{
    struct bytes message;

    /* Whose certificate the gateway does not have. */
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.trust.cert_count = 0;
    fails_for(1, sealed_of(0), CERT_VALID);
    /* Whose it has, and has no anchor for. */
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.trust.anchors = NULL;
    fails_for(1, sealed_of(0), CERT_NO_ANCHOR);
    /* The certificate of somebody else under this name. */
    prepare("aes128-sha256-ecp256");
    known[0].certs = b.card[1].shown;
    fails_for(1, sealed_of(0), CERT_IDENTITY);
    /* The gateway is another one than was called. */
    prepare("aes128-sha256-ecp256");
    p.config[1].id.data[0] ^= 1;
    fails_for(0, sealed_of(1), CERT_VALID);
    /* Who has the certificate and not the key cannot read the nonce: in the plain method HASH
     * tells, in the revised one the rest of the message. */
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.credential.key = &b.card[0].sign;
    start(&p);
    for (unsigned n = 0; n < mode->messages; n++)
        if (hand_over(&p, n) != OK)
            break;
    ck_assert(p.end[0].state != V1_STATE_ESTABLISHED && p.end[1].state != V1_STATE_ESTABLISHED);
    prepare("aes128-sha256-ecp256");
    p.config[0].auth.credential.key = &b.card[1].sign;
    start(&p);
    for (unsigned n = 0; n < mode->messages; n++)
        if (hand_over(&p, n) != OK)
            break;
    ck_assert(p.end[0].state != V1_STATE_ESTABLISHED && p.end[1].state != V1_STATE_ESTABLISHED);
    /* Without the peer's certificate there is nobody to call. */
    prepare("aes128-sha256-ecp256");
    p.config[0].auth.trust.called = NULL;
    ck_assert_int_eq(mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &message),
                     ERR_UNSUPPORTED);
}

START_TEST(peers_that_are_not_believed)
{
    in_all(0, peers_refused);
    in_all(1, peers_refused);
}
END_TEST

/* §5.3: Cert-I makes a gateway do without the certificate; §5.2 has no place for it. */
static void shown(void)
{
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.trust.cert_count = 0;
    p.config[0].auth.credential.send = SEND_CERT_ALWAYS;
    run_to(&p, sealed_of(0));
    if (is_revised()) {
        ck_assert(!is_within(bytes_of(p.sent[sealed_of(0)], p.len[sealed_of(0)]),
                             b.card[0].cert.der, 64));
        for (unsigned n = sealed_of(0); n < mode->messages; n++)
            ck_assert_ok(hand_over(&p, n));
        check_same(&p);
    } else {
        ck_assert_int_eq(hand_over(&p, sealed_of(0)), ERR_SIGNATURE);
    }
}

START_TEST(a_certificate_may_come_along)
{
    in_all(0, shown);
    in_all(1, shown);
}
END_TEST

/* Nobody offers or takes it who has another way, whatever he accepts: one key is not both signed
 * with and decrypted with. */
static void not_unless_asked(void)
{
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.way = AUTH_CERTIFICATE;
    p.config[1].auth.accepted = AUTH_BIT(way) | AUTH_BIT(AUTH_CERTIFICATE);
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), is_main() ? ERR_NO_PROPOSAL : ERR_SYNTAX /* HASH(1) */);
    /* Nor by the other method. */
    prepare("aes128-sha256-ecp256");
    p.config[1].auth.way = is_revised() ? AUTH_RSA_ENCRYPTION : AUTH_RSA_REVISED;
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    /* And who has it signs for nobody. */
    prepare("aes128-sha256-ecp256");
    p.config[0].auth.way = AUTH_CERTIFICATE;
    p.config[1].auth.accepted = AUTH_BIT(way) | AUTH_BIT(AUTH_CERTIFICATE);
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
}

START_TEST(nobody_takes_it_who_does_not_ask_for_it)
{
    in_all(0, not_unless_asked);
}
END_TEST

START_TEST(offices_close)
{
    for (int real = 0; real < 2; real++) {
        struct crypto *crypto = offices[real].crypto;

        bureau_close(&offices[real]);
        crypto_destroy(crypto);
    }
}
END_TEST

SUITE("ikev1_encryption", both_sides_agree, messages_have_what_the_rfc_says,
      messages_do_not_show_nonces_and_identities, what_is_encrypted_is_read_by_hand,
      skeyid_is_that_of_encryption, each_message_lost_doubled_or_late,
      each_sealed_message_tampered_with, ciphertexts_that_are_none,
      padding_that_is_wrong_is_answered_like_one_that_is_right,
      an_identity_that_does_not_decrypt_is_nobodys, peers_that_are_not_believed,
      a_certificate_may_come_along, nobody_takes_it_who_does_not_ask_for_it, offices_close)
