/*
 * Certificates and raw keys (bureau.h) shown by the two sides of a pair (pair.h).
 */
#ifndef TESTS_CREDENTIALS_H
#define TESTS_CREDENTIALS_H

#include "bureau.h"
#include "pair.h"

/** This side shows its card as a certificate with the intermediate; the other one believes it. */
static inline void show_certificate(struct pair *p, struct bureau *b, int side)
{
    struct auth_config *other = &p->config[1 - side].auth;

    card_show(b, &b->card[side], &p->config[side].auth, other);
    other->trust.authorities = bytes_of(b->authority, sizeof b->authority);
    p->epoch_s = BUREAU_NOW;
}

/** This side shows its card as a raw key, which the other one knows. */
static inline void show_raw_key(struct pair *p, struct bureau *b, int side)
{
    struct auth_config *own = &p->config[side].auth, *other = &p->config[1 - side].auth;
    struct card *c = &b->card[side];

    c->shown[0] = test_cert_bytes(&c->public);
    own->way = AUTH_RAW_KEY;
    own->credential = (struct ike_credential){.key = &c->sign, .certs = c->shown, .cert_count = 1};
    b->known[side] = (struct known_key){c->shown[0], p->config[side].id.type,
                                        bytes_of(p->config[side].id.data, p->config[side].id.len)};
    other->accepted = AUTH_BIT(AUTH_RAW_KEY);
    other->trust.keys = &b->known[side];
    other->trust.key_count = 1;
}

static inline void show_null(struct pair *p, int side)
{
    p->config[side].auth.way = AUTH_NULL;
    p->config[1 - side].auth.accepted = AUTH_BIT(AUTH_NULL);
}

static inline void show_psk(struct pair *p, int side)
{
    p->config[side].auth.way = AUTH_PSK;
    p->config[1 - side].auth.accepted = AUTH_BIT(AUTH_PSK);
}

#endif
