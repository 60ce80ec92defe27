/*
 * Certificates (bureau.h) for the two sides of ikev1_pair.h, whose names they hold.
 */
#ifndef TESTS_SUPPORT_IKEV1_CARDS_H
#define TESTS_SUPPORT_IKEV1_CARDS_H

#include "bureau.h"
#include "ikev1_pair.h"

_Static_assert(PAIR_NOW == BUREAU_NOW, "certificates are valid");

static inline struct test_cert_options v1_card_options(int side)
{
    struct test_cert_options o = card_options(side);

    o.alt_name = side == 0 ? "DNS:client.test" : "DNS:gateway.test";
    return o;
}

static inline void v1_bureau_open(struct bureau *b, struct crypto *crypto, enum sign_key_type type)
{
    bureau_open(b, crypto, type);
    for (int side = 0; side < 2; side++) {
        card_reset(&b->card[side]);
        card_issue(b, &b->card[side], v1_card_options(side), type, &b->middle);
    }
}

/** This side shows its card with the intermediate; the other one believes it. */
static inline void v1_show(struct pair *p, struct bureau *b, int side)
{
    card_show(b, &b->card[side], &p->config[side].auth, &p->config[1 - side].auth);
}

/** A pair without pre-shared keys. */
static inline void v1_signing_pair(struct pair *p, struct bureau *b, const char *proposal)
{
    pair_init(p, b->crypto, proposal, true);
    for (int side = 0; side < 2; side++) {
        p->config[side].psk_len = 0;
        v1_show(p, b, side);
    }
}

#endif
