/*
 * Phase 1 by signatures and by public-key encryption through endpoints: whole, with messages lost,
 * doubled, late and tampered with, and with a certificate, a key or an identity that is not to be
 * believed. RFC 2409 §5.1, §5.2, §5.3, RFC 4754.
 */
#include "credentials.h"
#include "v1_pair.h"

static const enum phase1_mode modes[] = {PHASE1_MAIN, PHASE1_AGGRESSIVE};

static void meet(struct pair *p, struct bureau *b, bool modelled, enum phase1_mode mode,
                 enum sign_key_type type)
{
    v1_pair_init(p, modelled, mode);
    bureau_open(b, p->crypto, type);
    for (int side = 0; side < 2; side++) {
        show_certificate(p, b, side);
        p->config[side].psk_len = 0;
    }
}

static void part(struct pair *p, struct bureau *b)
{
    pair_free(p);
    bureau_close(b);
}

START_TEST(a_tunnel_comes_up_by_signatures)
{
    static const enum sign_key_type types[] = {KEY_RSA, KEY_ECP256, KEY_ECP384, KEY_ECP521};

    for (unsigned i = 0; i < 16; i++) {
        struct bureau b;
        struct pair p;

        meet(&p, &b, i % 2, modes[i / 2 % 2], types[i / 4]);
        meter_clear(&p.meter);
        pair_establish(&p);
        v1_check_up(&p);
        ck_assert_uint_eq(p.meter.count[sign_meter(&b.card[A].sign.key)], 2);
        part(&p, &b);
    }
}
END_TEST

START_TEST(nothing_comes_up_of_what_is_not_believed)
{
    for (unsigned i = 0; i < 2 * 2 * 3; i++) {
        int side = (int)(i / 2 % 2);
        struct bureau b;
        struct pair p;

        meet(&p, &b, true, modes[i % 2], KEY_ECP256);
        if (i / 4 == 0)
            p.config[1 - side].auth.trust.anchors = NULL;
        else if (i / 4 == 1)
            p.config[side].auth.credential.key = &b.card[1 - side].sign;
        else
            p.config[side].id.data[0] ^= 1;
        pair_create(&p);
        pair_initiate(&p);
        settle(&p);
        ck_assert(!last_event(&p, 1 - side, EVENT_IKE_UP));
        ck_assert_uint_gt(v1_dropped(&p, 1 - side), 0);
        part(&p, &b);
    }
}
END_TEST

/* ---- public-key encryption ---- */

static const unsigned messages[] = {9, 6}; /* of phase 1 and Quick Mode, by mode */

/* Either has the other's certificate; A calls. `b` keeps them while the pair lasts. */
static struct known_cert known[2];

static void meet_encrypted(struct pair *p, struct bureau *b, enum phase1_mode mode, bool revised)
{
    static const char *const names[2] = {"a.test", "b.test"};

    v1_pair_init(p, !b->crypto->class->secure, mode);
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        card_show(b, &b->card[side], &c->auth, &p->config[1 - side].auth);
        c->psk_len = 0;
        c->auth.way = revised ? AUTH_RSA_REVISED : AUTH_RSA_ENCRYPTION;
        known[side] =
            (struct known_cert){c->id.type, bytes_text(names[side]), b->card[side].shown, 2};
    }
    for (int side = 0; side < 2; side++) {
        struct auth_config *auth = &p->config[side].auth;

        auth->accepted = 0;
        auth->trust.certs = &known[1 - side];
        auth->trust.cert_count = 1;
        auth->trust.called = &known[1 - side];
    }
    p->epoch_s = BUREAU_NOW;
}

/* Keys take long to make, so one bureau serves all. */
static void open_bureau(struct bureau *b, struct crypto *crypto)
{
    bureau_open(b, crypto, KEY_ECP256);
    for (int side = 0; side < 2; side++) {
        card_reset(&b->card[side]);
        card_issue(b, &b->card[side], card_options(side), KEY_RSA, &b->middle);
    }
}

static void close_bureau(struct bureau *b)
{
    struct crypto *crypto = b->crypto;

    bureau_close(b);
    crypto_destroy(crypto);
}

START_TEST(a_tunnel_comes_up_by_encryption)
{
    static struct meter meter;

    for (int modelled = 0; modelled < 2; modelled++) {
        struct bureau b;

        open_bureau(&b, modelled ? crypto_modelled_create(&meter) : crypto_openssl_create(&meter));
        for (unsigned i = 0; i < 4; i++) {
            struct pair p;

            meet_encrypted(&p, &b, modes[i % 2], i / 2);
            pair_establish(&p);
            v1_check_up(&p);
            ck_assert_uint_eq(p.timeline_count, messages[i % 2]);
            /* Two a side by the plain method, one by the revised. */
            ck_assert_uint_eq(p.meter.count[METER_SIGN_RSA2048], i / 2 ? 2 : 4);
            for (int side = 0; side < 2; side++)
                ck_assert_uint_eq(v1_dropped(&p, side), 0);
            pair_free(&p);
        }
        close_bureau(&b);
    }
}
END_TEST

static int next_from(const struct pair *p)
{
    return p->wire_count[A] ? A : B;
}

/* Up to message `n`, which is on the wire. */
static void begin(struct pair *p, struct bureau *b, unsigned way, unsigned n)
{
    meet_encrypted(p, b, modes[way % 2], way / 2);
    pair_create(p);
    pair_initiate(p);
    while (n-- > 0)
        (void)hand_over(p, next_from(p));
}

enum fate { LOST, DOUBLED, LATE, FATES };

static void suffer(struct pair *p, enum fate fate)
{
    int from = next_from(p);
    struct wire_message late = p->wire[from][0];

    if (fate == LOST)
        drop_next(p, from);
    if (fate == DOUBLED)
        (void)duplicate_next(p, from);
    run_until(p, p->now + 20 * NSEC_PER_S);
    v1_check_up(p);
    if (fate != LATE)
        return;
    (void)deliver(p, from, &late);
    settle(p);
    v1_check_up(p);
}

START_TEST(each_message_of_encryption_lost_doubled_or_late)
{
    static struct meter meter;
    struct bureau b;

    open_bureau(&b, crypto_modelled_create(&meter));
    for (unsigned way = 0; way < 4; way++)
        for (unsigned n = 0; n < messages[way % 2]; n++)
            for (enum fate fate = 0; fate < FATES; fate++) {
                struct pair p;

                begin(&p, &b, way, n);
                suffer(&p, fate);
                for (int side = 0; side < 2; side++) {
                    ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_UP), 1);
                    ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
                }
                pair_free(&p);
            }
    close_bureau(&b);
}
END_TEST

/* A copy with one octet changed comes first; what is true gets through, or nothing does. */
START_TEST(each_message_of_encryption_tampered_with)
{
    static struct meter meter;
    struct bureau b;

    open_bureau(&b, crypto_modelled_create(&meter));
    for (unsigned way = 0; way < 4; way++)
        for (unsigned n = 0; n < messages[way % 2]; n++)
            for (size_t at = 0;; at += 23) {
                struct pair p;
                int from;

                begin(&p, &b, way, n);
                from = next_from(&p);
                if (at >= p.wire[from][0].dgram.len) {
                    pair_free(&p);
                    break;
                }
                (void)tamper_next(&p, from, at);
                run_until(&p, p.now + 60 * NSEC_PER_S);
                ck_assert_uint_le(ike_count(&p, A), 1);
                if (n > 0 || at >= 8) /* a first message of another cookie is another SA */
                    ck_assert_uint_le(ike_count(&p, B), 1);
                pair_free(&p);
            }
    close_bureau(&b);
}
END_TEST

/* A new phase 1 calls the same peer. */
START_TEST(phase_1_by_encryption_is_renewed)
{
    static struct meter meter;
    struct bureau b;

    open_bureau(&b, crypto_modelled_create(&meter));
    for (unsigned way = 0; way < 4; way++) {
        struct pair p;

        meet_encrypted(&p, &b, modes[way % 2], way / 2);
        pair_establish(&p);
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, p.ike));
        run_until(&p, p.now + 10 * NSEC_PER_S);
        v1_check_up(&p);
        ck_assert_uint_eq(p.meter.count[METER_SIGN_RSA2048], way / 2 ? 4 : 8);
        pair_free(&p);
    }
    close_bureau(&b);
}
END_TEST

/* Of a stranger, of another gateway, and of somebody who has the name and not the key: each end
 * counts what it was. */
START_TEST(encryption_to_whom_it_is_not_for)
{
    static struct meter meter;
    struct bureau b;

    open_bureau(&b, crypto_modelled_create(&meter));
    for (unsigned i = 0; i < 4 * 3; i++) {
        int refuses = i % 3 == 1 ? A : B;
        struct pair p;

        meet_encrypted(&p, &b, modes[i / 3 % 2], i / 6);
        if (i % 3 == 0)
            p.config[B].auth.trust.cert_count = 0;
        else if (i % 3 == 1)
            p.config[B].id.data[0] ^= 1;
        else
            p.config[B].auth.trust.anchors = NULL;
        pair_create(&p);
        pair_initiate(&p);
        settle(&p);
        ck_assert(!last_event(&p, refuses, EVENT_IKE_UP));
        ck_assert_uint_gt(ike_endpoint_counters(p.end[refuses])->dropped[IKE_DROP_AUTHENTICATION],
                          0);
        pair_free(&p);
    }
    close_bureau(&b);
}
END_TEST

/* IKEv2 has no such method: who has nothing else neither calls nor is believed. */
START_TEST(encryption_is_of_version_1)
{
    static struct meter meter;
    struct bureau b;
    struct pair p;

    open_bureau(&b, crypto_modelled_create(&meter));
    meet_encrypted(&p, &b, PHASE1_MAIN, false);
    for (int side = 0; side < 2; side++) {
        pair_propose(&p.config[side], "aes128-sha256-ecp256", "aes128gcm16");
        p.config[side].version = IKE_V2;
    }
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    ck_assert(!last_event(&p, A, EVENT_IKE_UP));
    ck_assert(!last_event(&p, B, EVENT_IKE_UP));
    pair_free(&p);
    close_bureau(&b);
}
END_TEST

SUITE("ikev1_proofs", a_tunnel_comes_up_by_signatures, nothing_comes_up_of_what_is_not_believed,
      a_tunnel_comes_up_by_encryption, each_message_of_encryption_lost_doubled_or_late,
      each_message_of_encryption_tampered_with, phase_1_by_encryption_is_renewed,
      encryption_to_whom_it_is_not_for, encryption_is_of_version_1)
