/*
 * Authentication between two endpoints by signature, raw key, NULL and shared key: each way works
 * from both roles, and each credential fails against everything that should not believe it.
 * RFC 7296 §2.15, RFC 7427, RFC 4945, RFC 7670, RFC 7619.
 */
#include "credentials.h"
#include "edit.h"
#include "proto/wire/auth.h"
#include "proto/wire/notify.h"

/* Both sides have certificates of keys of this type, and believe each other's. */
static void meet(struct pair *p, struct bureau *b, bool modelled, enum sign_key_type type)
{
    pair_init(p, modelled);
    bureau_open(b, p->crypto, type);
    show_certificate(p, b, A);
    show_certificate(p, b, B);
}

static void part(struct pair *p, struct bureau *b)
{
    pair_free(p);
    bureau_close(b);
}

static void check_up(struct pair *p)
{
    ck_assert_uint_eq(events_of(p, A, EVENT_CHILD_UP), 1);
    check_agreement(p);
    check_traffic(p);
}

/* Nobody believes in an IKE SA, and nothing of the attempt is left. */
static void check_refused(struct pair *p, const char *what)
{
    ck_assert_msg(ike_count(p, A) + ike_count(p, B) == 0, "%s: an IKE SA stands", what);
    ck_assert_msg(child_count(p, A) + child_count(p, B) == 0, "%s: a child SA stands", what);
    ck_assert_msg(last_event(p, A, EVENT_IKE_FAILED) &&
                      last_event(p, A, EVENT_IKE_FAILED)->reason == REASON_AUTHENTICATION,
                  "%s: the initiator's reason", what);
    run_until(p, p->now + 120 * NSEC_PER_S);
    ck_assert(sa_none(ike_endpoint_next_ike(p->end[A], SA_NONE)));
    ck_assert(sa_none(ike_endpoint_next_ike(p->end[B], SA_NONE)));
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_endpoint_memory(p->end[side]), 0);
}

/* RFC 7296 §3.6, §3.8 */
START_TEST(certificates_of_every_key_type)
{
    for (int i = 0; i < 2 * KEY_TYPES; i++) {
        struct bureau b;
        struct pair p;

        meet(&p, &b, i % 2, i / 2);
        pair_establish(&p);
        check_up(&p);
        part(&p, &b);
    }
}
END_TEST

static enum sign_key_type type_of(const struct sign_suite *suite)
{
    return suite->key;
}

/* Each suite of method 14, and the older methods between ends that do not speak RFC 7427. */
START_TEST(every_signature_suite)
{
    size_t count;
    const struct sign_suite *suites = sign_suites(&count);

    for (size_t i = 0; i < count; i++) {
        struct bureau b;
        struct pair p;

        pair_init(&p, i % 2);
        bureau_open(&b, p.crypto, type_of(&suites[i]));
        for (int side = 0; side < 2; side++) {
            show_certificate(&p, &b, side);
            p.config[side].auth.credential.suite = &suites[i];
            p.config[side].auth.older_methods = suites[i].method != 14;
        }
        meter_clear(&p.meter);
        pair_establish(&p);
        check_up(&p);
        ck_assert_uint_eq(p.meter.count[sign_meter(&b.card[A].sign.key)], 2);
        part(&p, &b);
    }
}
END_TEST

/* RFC 7427 §4: one side without it is enough for the older methods; EdDSA has none. */
START_TEST(one_side_without_digital_signatures)
{
    for (int side = 0; side < 2; side++) {
        for (int edwards = 0; edwards < 2; edwards++) {
            struct bureau b;
            struct pair p;

            meet(&p, &b, false, edwards ? KEY_ED25519 : KEY_RSA);
            p.config[side].auth.older_methods = true;
            pair_establish(&p);
            if (edwards)
                check_refused(&p, "Ed25519 without RFC 7427");
            else
                check_up(&p);
            part(&p, &b);
        }
    }
}
END_TEST

enum { WAYS = AUTH_NULL + 1 }; /* those of IKEv2 */

/* Each side has its own way (RFC 7296 §2.15): all pairs of ways, both providers. */
static void show_way(struct pair *p, struct bureau *b, int side, enum auth_way way)
{
    static void (*const show[])(struct pair *, struct bureau *, int) = {
        [AUTH_CERTIFICATE] = show_certificate, [AUTH_RAW_KEY] = show_raw_key};

    if (way == AUTH_PSK)
        show_psk(p, side);
    else if (way == AUTH_NULL)
        show_null(p, side);
    else
        show[way](p, b, side);
}

START_TEST(both_sides_in_every_combination_of_ways)
{
    for (int i = 0; i < 2 * WAYS * WAYS; i++) {
        struct bureau b;
        struct pair p;

        pair_init(&p, i % 2);
        bureau_open(&b, p.crypto, KEY_ECP256);
        show_way(&p, &b, A, i / 2 / WAYS);
        show_way(&p, &b, B, i / 2 % WAYS);
        pair_establish(&p);
        check_up(&p);
        part(&p, &b);
    }
}
END_TEST

/* One side shows what it has, the other one believes in another way only: from both roles. */
START_TEST(a_way_that_is_not_accepted_fails)
{
    for (int i = 0; i < 2 * WAYS * WAYS; i++) {
        int side = i % 2;
        enum auth_way shown = i / 2 / WAYS, believed = i / 2 % WAYS;
        struct bureau b;
        struct pair p;
        char what[64];

        if (shown == believed)
            continue;
        pair_init(&p, true);
        bureau_open(&b, p.crypto, KEY_ECP256);
        show_way(&p, &b, 1 - side, AUTH_PSK);
        show_way(&p, &b, side, believed); /* what is needed to believe it */
        show_way(&p, &b, side, shown);
        p.config[1 - side].auth.accepted = AUTH_BIT(believed);
        pair_establish(&p);
        snprintf(what, sizeof what, "side %d shows %d, %d is believed", side, shown, believed);
        check_refused(&p, what);
        part(&p, &b);
    }
}
END_TEST

/* ---- the negative matrix: what can be wrong with a certificate ---- */

struct wrong {
    const char *what;
    void (*spoil)(struct pair *, struct bureau *, int side, struct test_cert_options *);
    enum x509_result expected;
    enum { RETAIN, REISSUE, SELF_SIGNED } how;
};

static void identity(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    o->alt_name = side == A ? "DNS:b.test" : "DNS:a.test";
}

static void no_alt_name(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    o->common_name = side == A ? "a.test" : "b.test"; /* RFC 4945 §3.1: not looked at */
    o->alt_name = NULL;
}

static void expired(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    (void)side;
    o->not_after_s = BUREAU_NOW - 1;
}

static void not_yet(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    (void)side;
    o->not_before_s = BUREAU_NOW + 3600;
}

static void purpose(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    (void)side;
    o->extended_key_usage = CLIENT_AUTH;
}

static void usage(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    (void)side;
    o->key_usage = "critical,keyEncipherment";
}

static void nothing(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)p;
    (void)b;
    (void)side;
    (void)o;
}

static void no_intermediate(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)b;
    (void)o;
    p->config[side].auth.credential.cert_count = 1;
}

static void too_many(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    static struct bytes many[CERT_CHAIN_MAX + 2];

    (void)o;
    many[0] = b->card[side].shown[0];
    for (size_t i = 1; i < sizeof many / sizeof *many; i++)
        many[i] = b->card[side].shown[1];
    p->config[side].auth.credential.certs = many;
    p->config[side].auth.credential.cert_count = sizeof many / sizeof *many;
}

static void junk(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    static struct bytes many[CERT_CHAIN_MAX + 2];

    (void)o;
    many[0] = b->card[side].shown[0];
    for (size_t i = 1; i < sizeof many / sizeof *many; i++)
        many[i] = bytes_text("this is no certificate");
    p->config[side].auth.credential.certs = many;
    p->config[side].auth.credential.cert_count = sizeof many / sizeof *many;
}

static void garbage(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)o;
    b->card[side].shown[0] = bytes_text("this is no certificate");
    p->config[side].auth.credential.certs = b->card[side].shown;
}

static void another_key(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)o;
    p->config[side].auth.credential.key = &b->card[1 - side].sign;
}

static void never_sent(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)b;
    (void)o;
    p->config[side].auth.credential.send = SEND_CERT_NEVER;
}

static void revoked(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    struct test_crl_options crl = {.issuer_key = test_key_bytes(&b->middle.key),
                                   .issuer_cert = test_cert_bytes(&b->middle.cert),
                                   .this_update_s = BUREAU_NOW - 3600,
                                   .next_update_s = BUREAU_NOW + 3600,
                                   .revoked = &b->card[side].serial,
                                   .revoked_count = 1,
                                   .random = rng_stream(3, 1, RNG_CREDENTIAL)};
    struct test_cert der;

    (void)o;
    ck_assert_ok(test_crl_make(b->maker, &crl, &der));
    ck_assert_int_eq(x509_anchors_add_crl(b->anchors, test_cert_bytes(&der)), CERT_VALID);
    test_cert_reset(&der);
    p->config[1 - side].auth.trust.crl = CERT_CRL_IF_PRESENT;
}

static void no_crl(struct pair *p, struct bureau *b, int side, struct test_cert_options *o)
{
    (void)b;
    (void)o;
    p->config[1 - side].auth.trust.crl = CERT_CRL_REQUIRED;
}

static const struct wrong wrongs[] = {
    {"wrong identity", identity, CERT_IDENTITY, REISSUE},
    {"name in the CN only", no_alt_name, CERT_IDENTITY, REISSUE},
    {"expired", expired, CERT_EXPIRED, REISSUE},
    {"not yet valid", not_yet, CERT_NOT_YET_VALID, REISSUE},
    {"wrong EKU", purpose, CERT_PURPOSE, REISSUE},
    {"wrong key usage", usage, CERT_KEY_USAGE, REISSUE},
    {"wrong CA", nothing, CERT_NO_ANCHOR, SELF_SIGNED},
    {"intermediate missing", no_intermediate, CERT_NO_ANCHOR, RETAIN},
    {"too many certificates", too_many, CERT_TOO_MANY, RETAIN},
    {"too much that is none", junk, CERT_TOO_MANY, RETAIN},
    {"no certificate at all", garbage, CERT_MALFORMED, RETAIN},
    {"signed with another key", another_key, CERT_VALID, RETAIN},
    {"certificate not sent", never_sent, CERT_VALID, RETAIN},
    {"revoked", revoked, CERT_REVOKED, RETAIN},
    {"no CRL where one is required", no_crl, CERT_NO_CRL, RETAIN},
};

static void spoil(const struct wrong *w, struct pair *p, struct bureau *b, int side)
{
    struct test_cert_options o = card_options(side);

    w->spoil(p, b, side, &o);
    if (w->how == RETAIN)
        return;
    card_reset(&b->card[side]);
    card_issue(b, &b->card[side], o, KEY_ECP256, w->how == REISSUE ? &b->middle : NULL);
    show_certificate(p, b, side);
}

/* The one who judges knows what is wrong; on the wire it is AUTHENTICATION_FAILED or, from an
 * initiator, a Delete (§2.21.2). */
static void check_wrong(const struct wrong *w, int side, bool modelled)
{
    struct bureau b;
    struct pair p;
    const struct ike_event *said;

    meet(&p, &b, modelled, KEY_ECP256);
    spoil(w, &p, &b, side);
    pair_establish(&p);
    said = last_event(&p, 1 - side, EVENT_IKE_FAILED);
    ck_assert_msg(said && said->reason == REASON_AUTHENTICATION && said->certificate == w->expected,
                  "%s by side %d: %s", w->what, side,
                  said ? x509_result_name(said->certificate) : "no failure");
    if (side == A)
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_AUTHENTICATION], 1);
    check_refused(&p, w->what);
    part(&p, &b);
}

START_TEST(wrong_certificates_fail_in_both_roles)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        for (int k = 0; k < 4; k++)
            check_wrong(&wrongs[i], k % 2, k / 2);
}
END_TEST

/* RFC 7670 §3 */
START_TEST(wrong_raw_keys_fail_in_both_roles)
{
    for (int i = 0; i < 6; i++) {
        int side = i % 2;
        struct bureau b;
        struct pair p;

        pair_init(&p, true);
        bureau_open(&b, p.crypto, KEY_ED25519);
        show_raw_key(&p, &b, A);
        show_raw_key(&p, &b, B);
        switch (i / 2) {
        case 0: /* nobody knows it */
            p.config[1 - side].auth.trust.key_count = 0;
            break;
        case 1: /* it is another one's */
            b.known[side].id = bytes_text("c.test");
            break;
        default: /* the right key, but not its owner */
            p.config[side].auth.credential.key = &b.card[1 - side].sign;
            break;
        }
        pair_establish(&p);
        check_refused(&p, "raw key");
        part(&p, &b);
    }
}
END_TEST

START_TEST(a_key_known_without_an_identity_speaks_for_any)
{
    struct bureau b;
    struct pair p;

    pair_init(&p, true);
    bureau_open(&b, p.crypto, KEY_ED448);
    show_psk(&p, B);
    show_raw_key(&p, &b, A);
    b.known[A].id_type = 0;
    b.known[A].id = BYTES_NONE;
    pair_establish(&p);
    check_up(&p);
    part(&p, &b);
}
END_TEST

/* A peer that believes no certificate asks for none (§3.7): then only an eager one is sent. */
START_TEST(certificates_are_sent_as_asked)
{
    static const struct {
        enum send_cert send;
        bool asked, sent;
    } cases[] = {{SEND_CERT_IF_ASKED, true, true}, {SEND_CERT_IF_ASKED, false, false},
                 {SEND_CERT_ALWAYS, true, true},   {SEND_CERT_ALWAYS, false, true},
                 {SEND_CERT_NEVER, true, false},   {SEND_CERT_NEVER, false, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bureau b;
        struct pair p;

        pair_init(&p, true);
        bureau_open(&b, p.crypto, KEY_ECP256);
        show_psk(&p, B);
        show_certificate(&p, &b, A);
        p.config[A].auth.credential.send = cases[i].send;
        if (!cases[i].asked)
            p.config[B].auth.trust.anchors = NULL;
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        ck_assert_int_eq(p.wire[A][0].dgram.len > b.card[A].cert.len, cases[i].sent);
        settle(&p);
        ck_assert_int_eq(events_of(&p, A, EVENT_IKE_UP) == 1, cases[i].sent && cases[i].asked);
        part(&p, &b);
    }
}
END_TEST

/* RFC 7619 §2.3: who is nobody cannot say that older SAs of his are gone, though he may try. */
START_TEST(null_authentication_replaces_nobody)
{
    const uint8_t initial_contact[] = {0, 0, NOTIFY_INITIAL_CONTACT >> 8,
                                       NOTIFY_INITIAL_CONTACT & 0xff};
    const struct edit e = {PAYLOAD_NOTIFY, ADD, bytes_of(initial_contact, 4), 0};
    struct wire_message first;
    struct pair p;

    pair_init(&p, false);
    show_psk(&p, B);
    show_null(&p, A);
    pair_create(&p);
    pair_initiate(&p);
    pair_initiate(&p);
    for (int from = A; from <= B; from++)
        for (int k = 0; k < 2; k++)
            ck_assert_ok(hand_over(&p, from));
    first = hold_next(&p, A);
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, B), 1);
    rewrite(&p, A, &first, &e); /* now the other SA is the older one */
    ck_assert_ok(deliver(&p, A, &first));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, B), 2);
    pair_free(&p);
}
END_TEST

/* INITIAL_CONTACT of a name that was proven in one way is not about SAs of the same name proven in
 * another: whoever has the shared key is not the owner of the certificate. */
START_TEST(a_name_proven_otherwise_is_another)
{
    for (int other = 0; other < 2; other++) {
        struct bureau b;
        struct pair p;

        meet(&p, &b, true, KEY_ECP256);
        show_psk(&p, B);
        p.config[B].auth.accepted = AUTH_BIT(AUTH_PSK) | AUTH_BIT(AUTH_CERTIFICATE);
        pair_establish(&p);
        check_up(&p);
        if (other)
            p.config[A].auth.way = AUTH_PSK;
        pair_initiate(&p);
        settle(&p);
        ck_assert_uint_eq(ike_count(&p, B), other ? 2 : 1);
        part(&p, &b);
    }
}
END_TEST

/* RFC 7427 §4: a responder tells its hashes only to who told his own; hashes that we cannot do are
 * as good as none. */
START_TEST(hashes_are_told_to_who_asks)
{
    static const uint8_t only_sha1[] = {
        0, 0, NOTIFY_SIGNATURE_HASH_ALGORITHMS >> 8, NOTIFY_SIGNATURE_HASH_ALGORITHMS & 0xff, 0, 1,
        0, 77};

    for (int told = 0; told < 2; told++) {
        struct edit e = {PAYLOAD_NOTIFY, ADD, bytes_of(only_sha1, sizeof only_sha1), 0};
        struct bureau b;
        struct pair p;
        struct message_view v;
        struct notify_payload n;

        meet(&p, &b, false, KEY_RSA);
        p.config[A].auth.older_methods = true;
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(told ? hand_over_edited(&p, A, &e) : hand_over(&p, A));
        ck_assert_uint_eq(handshake_of(p.end[B], first_sa(p.end[B]))->peer_hashes, 0);
        ck_assert_ok(message_read(bytes_of(p.wire[B][0].data, p.wire[B][0].dgram.len), &v));
        ck_assert(!notify_find(&v, NOTIFY_SIGNATURE_HASH_ALGORITHMS, &n));
        part(&p, &b);
    }
}
END_TEST

static void call(struct pair *p, const char *id, uint8_t id_type)
{
    struct ike_remote remote = {.local = pair_address(p, A, 500),
                                .remote = pair_address(p, B, 500),
                                .id = bytes_text(id),
                                .id_type = id_type};

    pair_create(p);
    ck_assert_ok(ike_endpoint_initiate(p->end[A], p->now, &remote, &p->ike));
    settle(p);
}

/* RFC 7619 §2.1, §2.2: an identity that nobody has proven is not the one we called. The responder
 * claims it and shows method 13 with the MAC that everyone in the exchange can make: its shared key
 * is SK_pr.
 */
START_TEST(null_authentication_is_not_whom_we_called)
{
    const uint8_t method_13[] = {AUTH_METHOD_NULL};
    const struct edit e = {PAYLOAD_AUTH, PATCH, bytes_of(method_13, 1), 0};

    for (int called = 0; called < 2; called++) {
        struct ike_remote remote;
        struct bytes sk_p;
        struct pair p;

        pair_init(&p, false);
        show_null(&p, A); /* so that B needs no key of A's */
        p.config[A].auth.accepted = AUTH_BIT(AUTH_NULL) | AUTH_BIT(AUTH_CERTIFICATE);
        pair_create(&p);
        remote = (struct ike_remote){.local = pair_address(&p, A, 500),
                                     .remote = pair_address(&p, B, 500),
                                     .id = called ? bytes_text("b.test") : BYTES_NONE};
        ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &p.ike));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        sk_p = ike_sk_p(p.end[B], first_sa(p.end[B]), false);
        ck_assert_uint_le(sk_p.len, PSK_MAX);
        memcpy(p.config[B].psk, sk_p.data, sk_p.len);
        p.config[B].psk_len = (uint8_t)sk_p.len;
        ck_assert_ok(hand_over(&p, A));
        ck_assert_int_eq(hand_over_edited(&p, B, &e), called ? ERR_SIGNATURE : OK);
        ck_assert_int_eq(ike_count(&p, A), !called);
        pair_free(&p);
    }
}
END_TEST

/* The identity called has a type as well as octets. */
START_TEST(another_type_is_another_identity)
{
    static const struct {
        const char *id;
        uint8_t type;
        bool is;
    } cases[] = {{"b.test", ID_FQDN, true},
                 {"b.test", 0, true},
                 {"b.test", ID_RFC822_ADDR, false},
                 {"c.test", ID_FQDN, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;

        pair_init(&p, true);
        call(&p, cases[i].id, cases[i].type);
        ck_assert_int_eq(ike_count(&p, A), cases[i].is);
        pair_free(&p);
    }
}
END_TEST

/* No shared key is not a key that both have. */
START_TEST(an_empty_shared_key_proves_nothing)
{
    for (int empty = 1; empty < 4; empty++) {
        struct pair p;

        pair_init(&p, true);
        for (int side = 0; side < 2; side++)
            if (empty & 1 << side)
                p.config[side].psk_len = 0;
        pair_establish(&p);
        ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7427 was spoken by both, but a stranger took the responder's notify away: the initiator, who
 * cannot know, signs with SHA-1, and the responder does not take it. */
START_TEST(nobody_is_talked_into_sha1)
{
    struct bureau b;
    struct pair p;
    struct wire_message m;
    struct message_view v;
    const struct payload_view *n;

    meet(&p, &b, false, KEY_RSA);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    m = hold_next(&p, B);
    ck_assert_ok(message_read(bytes_of(m.data, m.dgram.len), &v));
    for (n = message_find(&v, PAYLOAD_NOTIFY); n; n = message_next(&v, n))
        if (load_be16(n->body.data + 2) == NOTIFY_SIGNATURE_HASH_ALGORITHMS)
            m.data[n->body.data + 3 - m.data] ^= 0x40; /* now of a type nobody knows */
    ck_assert_ok(deliver(&p, B, &m));
    settle(&p);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_AUTHENTICATION], 1);
    ck_assert_uint_eq(p.meter.count[METER_VERIFY_RSA2048], 0);
    check_refused(&p, "SHA-1");
    part(&p, &b);
}
END_TEST

/* What AUTH of method 14 may hold (RFC 7427 §3), made wrong by a peer that is otherwise right. */
START_TEST(signatures_that_are_none)
{
    static const uint8_t other_algorithm[] = {14, 0, 0,    0,    7,    0x30, 5,
                                              6,  3, 0x2b, 0x65, 0x70, 1,    2};
    static const uint8_t too_long[] = {14, 0, 0, 0, 250, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 1, 2};
    static const uint8_t no_signature[] = {14, 0, 0, 0, 7, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70};
    static const uint8_t no_identifier[] = {14, 0, 0, 0, 0, 1, 2, 3};
    static const uint8_t other_key[] = {9, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t unknown[] = {77, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t reserved[] = {0, 0, 0, 0, 1};
    const struct bytes bodies[] = {bytes_of(other_algorithm, sizeof other_algorithm),
                                   bytes_of(too_long, sizeof too_long),
                                   bytes_of(no_signature, sizeof no_signature),
                                   bytes_of(no_identifier, 8),
                                   bytes_of(other_key, sizeof other_key),
                                   bytes_of(unknown, sizeof unknown),
                                   bytes_of(reserved, sizeof reserved)};

    for (size_t i = 0; i < 2 * sizeof bodies / sizeof *bodies; i++) {
        struct edit e = {PAYLOAD_AUTH, REPLACE, bodies[i / 2], 0};
        int from = i % 2;
        struct bureau b;
        struct pair p;

        meet(&p, &b, false, KEY_RSA);
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        if (from == B)
            ck_assert_ok(hand_over(&p, A));
        ck_assert_int_eq(hand_over_edited(&p, from, &e), ERR_SIGNATURE);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[1 - from])->dropped[IKE_DROP_AUTHENTICATION],
                          1);
        settle(&p);
        check_refused(&p, "AUTH");
        part(&p, &b);
    }
}
END_TEST

static void put_refusal(struct message_writer *w)
{
    notify_add(w, NOTIFY_AUTHENTICATION_FAILED, BYTES_NONE);
}

/* RFC 7296 §2.21.2: an initiator may say that it does not believe us instead of deleting. */
START_TEST(an_initiator_may_refuse_by_notify)
{
    struct message_start start = {.exchange = EXCHANGE_INFORMATIONAL, .message_id = 2};
    struct pair p;
    struct wire_message m;

    pair_init(&p, false);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    m = p.wire[A][0];
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(ike_count(&p, B), 1);
    forge(&p, A, &start, put_refusal, &m);
    ck_assert_ok(deliver(&p, A, &m));
    ck_assert_uint_eq(ike_count(&p, B), 0);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_AUTHENTICATION);
    ck_assert_uint_eq(events_of(&p, B, EVENT_CHILD_DOWN), 1);
    pair_free(&p);
}
END_TEST

/* RFC 7296 §2.21.2: a critical payload that we do not know, in IKE_AUTH, means no IKE SA. */
START_TEST(a_critical_payload_in_ike_auth_ends_it)
{
    struct message_start start = {.exchange = EXCHANGE_IKE_AUTH, .message_id = 1};
    struct pair p;
    struct wire_message m;

    pair_init(&p, false);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    m = hold_next(&p, A);
    forge(&p, A, &start, put_critical, &m);
    ck_assert_int_eq(deliver(&p, A, &m), ERR_CRITICAL);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_FAILED)->reason, REASON_UNSUPPORTED_CRITICAL);
    settle(&p);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_UNSUPPORTED_CRITICAL);
    pair_free(&p);
}
END_TEST

/* A first message may not make the responder keep much (I12). */
START_TEST(a_first_message_of_16_kib_is_not_kept)
{
    struct pair p;
    struct wire_message m;
    struct message_view v;
    struct message_writer w;
    struct bytes message;

    pair_init(&p, false);
    pair_create(&p);
    pair_initiate(&p);
    m = hold_next(&p, A);
    ck_assert_ok(message_read(bytes_of(m.data, m.dgram.len), &v));
    {
        static uint8_t storage[WIRE_MESSAGE_MAX], vendor[12000];

        message_begin(&w, (struct buf){storage, 0, sizeof storage}, &v.header);
        for (unsigned i = 0; i < v.count; i++)
            payload_add(&w, v.payloads[i].type, v.payloads[i].body);
        payload_add(&w, PAYLOAD_VENDOR, bytes_of(vendor, sizeof vendor));
        ck_assert_ok(message_end(&w, &message));
        memcpy(m.data, message.data, message.len);
        m.dgram.len = message.len;
    }
    ck_assert_int_eq(deliver(&p, A, &m), ERR_LENGTH);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[B]), 0);
    pair_free(&p);
}
END_TEST

/* Any changed bit of message 1 or 2 gives AUTHENTICATION_FAILED: both are signed (§2.15). */
START_TEST(signatures_cover_the_first_messages)
{
    for (int from = 0; from < 2; from++) {
        struct bureau b;
        struct pair p;
        struct wire_message m;

        meet(&p, &b, false, KEY_ECP256);
        pair_create(&p);
        pair_initiate(&p);
        if (from == B)
            ck_assert_ok(hand_over(&p, A));
        m = hold_next(&p, from);
        m.data[m.dgram.len - 5] ^= 1; /* inside a NAT detection hash: not looked at otherwise */
        ck_assert_ok(deliver(&p, from, &m));
        settle(&p);
        check_refused(&p, from == A ? "message 1" : "message 2");
        part(&p, &b);
    }
}
END_TEST

/* Both providers, the same messages of the same lengths at the same times. */
START_TEST(modelled_signatures_take_the_same_bytes)
{
    for (enum sign_key_type type = 0; type < KEY_TYPES; type++) {
        static struct timeline first[TIMELINE_MAX];
        unsigned count = 0;

        for (int modelled = 0; modelled < 2; modelled++) {
            struct bureau b;
            struct pair p;

            meet(&p, &b, modelled, type);
            pair_establish(&p);
            if (modelled) {
                ck_assert_uint_eq(p.timeline_count, count);
                ck_assert_mem_eq(p.timeline, first, count * sizeof *first);
            }
            count = p.timeline_count;
            memcpy(first, p.timeline, count * sizeof *first);
            part(&p, &b);
        }
    }
}
END_TEST

/* A peer's certificate with bits changed, 10,000 times through IKE_AUTH: refused, and
 * nothing is left of it. */
START_TEST(mutated_certificates_through_ike_auth)
{
    enum { TIMES = 10000 };
    unsigned up = 0, refused = 0;
    uint8_t copy[2048];
    struct bureau b;
    struct pair p;

    pair_init(&p, true);
    bureau_open(&b, p.crypto, KEY_ECP256);
    show_psk(&p, B);
    show_certificate(&p, &b, A);
    b.card[A].shown[0].data = copy;
    pair_create(&p);
    for (uint64_t i = 0; i <= TIMES; i++) {
        struct bytes der = test_cert_bytes(&b.card[A].cert);
        struct rng r = rng_stream(5, i, RNG_TEST);

        memcpy(copy, der.data, der.len);
        for (uint64_t k = i ? rng_below(&r, 4) + 1 : 0; k > 0; k--) /* the first one is whole */
            copy[rng_below(&r, der.len)] ^= (uint8_t)(1 + rng_below(&r, 255));
        p.event_count[A] = p.event_count[B] = p.timeline_count = 0;
        pair_initiate(&p);
        settle(&p);
        up += events_of(&p, B, EVENT_IKE_UP);
        refused += events_of(&p, B, EVENT_IKE_FAILED);
        if (events_of(&p, A, EVENT_IKE_UP))
            ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, p.ike));
        run_until(&p, p.now + 400 * NSEC_PER_S / TIMES + 31 * NSEC_PER_S);
    }
    printf("%u up, %u refused\n", up, refused);
    ck_assert_uint_eq(refused, TIMES); /* each octet is signed or is the signature */
    ck_assert_uint_eq(up, 1);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[B]), 0);
    part(&p, &b);
}
END_TEST

SUITE("proofs", certificates_of_every_key_type, every_signature_suite,
      one_side_without_digital_signatures, both_sides_in_every_combination_of_ways,
      a_way_that_is_not_accepted_fails, wrong_certificates_fail_in_both_roles,
      wrong_raw_keys_fail_in_both_roles, a_key_known_without_an_identity_speaks_for_any,
      certificates_are_sent_as_asked, null_authentication_replaces_nobody,
      a_name_proven_otherwise_is_another, hashes_are_told_to_who_asks,
      null_authentication_is_not_whom_we_called, another_type_is_another_identity,
      an_empty_shared_key_proves_nothing, nobody_is_talked_into_sha1, signatures_that_are_none,
      an_initiator_may_refuse_by_notify, a_critical_payload_in_ike_auth_ends_it,
      a_first_message_of_16_kib_is_not_kept, signatures_cover_the_first_messages,
      modelled_signatures_take_the_same_bytes, mutated_certificates_through_ike_auth)
