/*
 * proto/ikev1, phase 1 before XAUTH against itself: with pre-shared keys, with certificates of
 * both, and hybrid, where the gateway alone proves itself; in both modes, the user on either end,
 * and then the user is known. draft-beaulieu-ike-xauth-02, draft-ietf-ipsec-isakmp-hybrid-auth-05.
 */
#include "ikev1_cards.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/ikev1/config.h"
#include "proto/ikev1/main_mode.h"
#include "proto/wire/v1_any.h"

static const struct tested_mode modes[] = {{6, main_mode_start, main_mode_receive},
                                           {3, aggressive_mode_start, aggressive_mode_receive}};
static const struct tested_mode *mode = &modes[0];

static const struct tested_mode *phase1_mode(void)
{
    return mode;
}

static struct pair p;
static struct bureau b;
static struct xauth_user people[2];

enum kind { BY_PSK, BY_CERTIFICATE, HYBRID, KINDS };

static void be_hybrid_user(struct ike_config *c)
{
    c->auth.way = AUTH_NULL;
    c->auth.credential = (struct ike_credential){.key = NULL};
}

/* @param user  the end that is to be known by name */
static void prepare(enum kind kind, int user)
{
    v1_signing_pair(&p, &b, "aes128-sha256-x25519");
    people[0] = (struct xauth_user){bytes_text("alice"), bytes_text("in wonderland")};
    people[1] = (struct xauth_user){bytes_text("bob"), bytes_text("builder")};
    p.config[user].xauth = (struct xauth_config){XAUTH_USER, &people[1], 1, 0};
    p.config[1 - user].xauth = (struct xauth_config){XAUTH_GATEWAY, people, 2, 1};
    for (int end = 0; end < 2 && kind == BY_PSK; end++) {
        p.config[end].auth = (struct auth_config){.way = AUTH_PSK};
        memcpy(p.config[end].psk, "a shared secret", 15);
        p.config[end].psk_len = 15;
    }
    if (kind == HYBRID) {
        be_hybrid_user(&p.config[user]);
        p.config[1 - user].auth.accepted = AUTH_BIT(AUTH_NULL);
    }
}

static void in_both_modes(void (*test)(void))
{
    struct crypto *crypto = provider(1);

    v1_bureau_open(&b, crypto, KEY_RSA);
    for (size_t i = 0; i < 2; i++) {
        mode = &modes[i];
        test();
    }
    bureau_close(&b);
    crypto_destroy(crypto);
}

/* The user is asked, right after phase 1. @return whether it is known */
static bool xauth(int user)
{
    static struct v1_access end[2];
    uint8_t room[2][ROOM];
    struct bytes message;
    int to = user;

    for (int i = 0; i < 2; i++)
        v1_access_init(&end[i], &(struct v1_access_env){.sa = v1_phase1_established(&p.end[i]),
                                                        .xauth = &p.config[i].xauth});
    ck_assert(!v1_access_known(&end[0]) && !v1_access_known(&end[1]));
    ck_assert_ok(
        v1_access_ask_user(&end[1 - user], 5, (struct buf){room[1 - user], 0, ROOM}, &message));
    for (uint32_t id = 6; message.len > 0; to = 1 - to) {
        struct v1_access_opened opened;

        ck_assert_ok(v1_access_open(&end[to], message, &opened));
        ck_assert_ok(
            v1_access_take(&end[to], &opened, id++, (struct buf){room[to], 0, ROOM}, &message));
    }
    ck_assert_int_eq(v1_access_known(&end[0]), v1_access_known(&end[1]));
    return v1_access_known(&end[0]);
}

static uint16_t method_on_the_wire(void)
{
    static struct v1_sa_payload sa;
    struct v1_attribute a;
    struct message_view v;
    uint32_t method;

    ck_assert_ok(v1_message_read(bytes_of(p.sent[0], p.len[0]), &v));
    ck_assert_ok(v1_sa_read(message_find(&v, V1_PAYLOAD_SA)->body, &sa));
    ck_assert(v1_attribute_find(sa.transforms[0].attributes, V1_OAKLEY_AUTHENTICATION_METHOD, &a));
    ck_assert(v1_attribute_number(&a, &method));
    return (uint16_t)method;
}

static void known_by_name(void)
{
    static const uint16_t methods[KINDS][2] = {{65001, 65002}, {65005, 65006}, {64221, 64222}};

    for (enum kind kind = 0; kind < KINDS; kind++)
        for (int user = 0; user < 2; user++) {
            prepare(kind, user);
            run_whole(&p);
            check_same(&p);
            ck_assert_uint_eq(method_on_the_wire(), methods[kind][user]);
            ck_assert_uint_eq(p.end[1].suite.auth->method, methods[kind][user]);
            for (int end = 0; end < 2; end++)
                ck_assert(p.end[end].peer_vendors >> V1_VENDOR_XAUTH & 1);
            ck_assert(xauth(user));
            people[1].password = bytes_text("wrecker");
            p.config[1 - user].xauth.user_count = 1;
            ck_assert(!xauth(user));
        }
}

START_TEST(a_user_is_known_after_phase_1)
{
    in_both_modes(known_by_name);
}
END_TEST

/* draft-ietf-ipsec-isakmp-hybrid-auth-05, section 4.2 */
static void hybrid_messages(void)
{
    static const char *const clear[2] = {"SA KE NONCE ID CR VID VID VID",
                                         "SA KE NONCE ID VID VID VID NAT-D NAT-D CERT CERT SIG"};
    struct message_view v;

    prepare(HYBRID, 0);
    run_whole(&p);
    for (unsigned n = 0; n < 2 && mode == &modes[1]; n++) {
        char list[128] = "";

        ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
        for (unsigned i = 0; i < v.count; i++) {
            strcat(list, i ? " " : "");
            strcat(list, v1_payload_name(v.payloads[i].type));
        }
        ck_assert_str_eq(list, clear[n]);
    }
    /* The user has shown nothing, and the gateway asked for nothing. */
    ck_assert(!p.end[0].certs_asked && p.end[1].certs_asked);
    ck_assert_uint_lt(p.len[mode == &modes[0] ? 4 : 2], 300);
}

START_TEST(messages_of_hybrid)
{
    in_both_modes(hybrid_messages);
}
END_TEST

/* The one whom the user believes is the one with the certificate, and nobody else. */
static void gateways_refused(void)
{
    for (int user = 0; user < 2; user++)
        for (unsigned fault = 0; fault < 4; fault++) {
            int gateway = 1 - user;
            unsigned n = mode == &modes[0] ? 4 + (unsigned)gateway : 2 - (unsigned)gateway;
            struct card good = b.card[gateway];
            struct test_cert_options o = v1_card_options(gateway);

            o.alt_name = "DNS:somebody.test";
            if (fault == 0)
                card_issue(&b, &b.card[gateway], o, KEY_RSA, &b.middle);
            prepare(HYBRID, user);
            if (fault == 1)
                p.config[gateway].auth.credential.key = &b.card[user].sign;
            else if (fault == 2)
                p.config[user].auth.trust.anchors = NULL;
            else if (fault == 3)
                p.end[user].env.peer_id = bytes_text("another.test");
            run_to(&p, n);
            ck_assert_int_eq(hand_over(&p, n), ERR_SIGNATURE);
            ck_assert_int_ne(p.end[user].state, V1_STATE_ESTABLISHED);
            if (fault == 0) {
                ck_assert_int_eq(p.end[user].certificate, CERT_IDENTITY);
                card_reset(&b.card[gateway]);
                b.card[gateway] = good;
            }
        }
}

START_TEST(gateways_that_are_not_believed)
{
    in_both_modes(gateways_refused);
}
END_TEST

/* HASH of the user proves no identity, but that it is who agreed on the keys. */
static void hash_tampered(void)
{
    unsigned n = mode == &modes[0] ? 4 : 2, refused = 0;
    struct v1_phase1 before;

    prepare(HYBRID, 0);
    run_to(&p, n);
    before = p.end[1];
    for (size_t at = p.len[n] - 32; at < p.len[n]; at++) {
        p.sent[n][at] ^= 1;
        refused += hand_bytes(&p, 1, p.sent[n], p.len[n], (uint8_t[ROOM]){0}, &(size_t){0}) != OK;
        p.sent[n][at] ^= 1;
        p.end[1] = before;
    }
    ck_assert_uint_ge(refused, 32 - 15); /* of a modelled cipher padding may be anything */
    for (; n < mode->messages; n++)
        ck_assert_ok(hand_over(&p, n));
    check_same(&p);
}

START_TEST(the_hash_of_a_user_tampered_with)
{
    in_both_modes(hash_tampered);
}
END_TEST

/* What one of them will not do is not chosen, and what it cannot is not offered. */
static void nothing_in_common(void)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (unsigned fault = 0; fault < 4; fault++) {
            struct bytes message;
            enum err e;

            prepare(kind, 0);
            if (fault == 0)
                p.config[0].xauth.role = XAUTH_NONE;
            else if (fault == 1)
                p.config[1].xauth.role = XAUTH_NONE;
            else if (fault == 2)
                p.config[0].xauth.role = XAUTH_GATEWAY;
            else
                p.config[1].xauth.role = XAUTH_USER;
            e = mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &message);
            p.len[0] = message.len;
            /* Without a role, or as gateway, who has nothing to prove itself by says nothing. */
            if (kind == HYBRID && (fault == 0 || fault == 2))
                ck_assert_int_eq(e, ERR_UNSUPPORTED);
            else
                ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
            ck_assert_int_eq(p.end[1].state, V1_STATE_NONE);
        }
    /* A gateway that does not take users without a certificate, one that has none itself. */
    prepare(HYBRID, 0);
    p.config[1].auth.accepted = AUTH_BIT(AUTH_CERTIFICATE);
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    prepare(HYBRID, 0);
    p.config[1].auth.credential.key = NULL;
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    /* A user that believes no certificates. */
    prepare(HYBRID, 0);
    p.config[0].auth.accepted = 0;
    ck_assert_int_eq(
        mode->start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &(struct bytes){NULL, 0}),
        ERR_UNSUPPORTED);
}

START_TEST(roles_that_do_not_go_together)
{
    in_both_modes(nothing_in_common);
}
END_TEST

/* One gateway for all of them. */
static void several_kinds(void)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        prepare(kind, 0);
        v1_show(&p, &b, 1);
        if (kind == HYBRID)
            be_hybrid_user(&p.config[0]);
        else if (kind == BY_PSK)
            p.config[0].auth = (struct auth_config){.way = AUTH_PSK};
        p.config[1].auth.trust.anchors = b.anchors;
        p.config[1].auth.accepted =
            AUTH_BIT(AUTH_PSK) | AUTH_BIT(AUTH_CERTIFICATE) | AUTH_BIT(AUTH_NULL);
        memcpy(p.config[1].psk, "a shared secret", 15);
        p.config[1].psk_len = 15;
        run_whole(&p);
        check_same(&p);
        ck_assert(xauth(0));
    }
}

START_TEST(a_gateway_takes_several_kinds)
{
    in_both_modes(several_kinds);
}
END_TEST

/* draft-ietf-ipsec-isakmp-hybrid-auth-05, section 4.2: the user's ID may be empty, and to a CERTREQ
 * it answers with an empty CERT. Other methods take neither. */
START_TEST(an_empty_identity)
{
    struct crypto *crypto = provider(1);
    struct v1_id id;

    mode = &modes[0];
    v1_bureau_open(&b, crypto, KEY_RSA);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        prepare(kind, 0);
        run_to(&p, 4);
        ck_assert_int_eq(v1_phase1_id_parse(&p.end[1], bytes_of("\0\0\0", 4), &id),
                         kind == HYBRID ? OK : ERR_LENGTH);
        ck_assert_int_eq(v1_phase1_id_parse(&p.end[1], bytes_of("\2\0\0", 4), &id), ERR_LENGTH);
        /* Nor does the gateway go without. */
        ck_assert_int_eq(v1_phase1_id_parse(&p.end[0], bytes_of("\0\0\0", 4), &id), ERR_LENGTH);
        if (kind == HYBRID) {
            size_t len = p.len[4];

            prepare(kind, 0);
            run_to(&p, 3);
            p.end[0].certs_asked = true; /* as if the gateway had */
            ck_assert_ok(hand_over(&p, 3));
            ck_assert_uint_ge(p.len[4], len);
            for (unsigned n = 4; n < 6; n++)
                ck_assert_ok(hand_over(&p, n));
            check_same(&p);
        }
    }
    bureau_close(&b);
    crypto_destroy(crypto);
}
END_TEST

SUITE("ikev1_hybrid", a_user_is_known_after_phase_1, messages_of_hybrid,
      gateways_that_are_not_believed, the_hash_of_a_user_tampered_with,
      roles_that_do_not_go_together, a_gateway_takes_several_kinds, an_empty_identity)
