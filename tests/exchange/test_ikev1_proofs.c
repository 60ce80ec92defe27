/*
 * Phase 1 by signatures through endpoints: whole, and with a certificate, a key or an identity that
 * is not to be believed. RFC 2409 §5.1, RFC 4754.
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

SUITE("ikev1_proofs", a_tunnel_comes_up_by_signatures, nothing_comes_up_of_what_is_not_believed)
