#include "proto/ikev1/auth.h"

#include "proto/wire/v1_registry.h"

#define PSK IKEV1_SKEYID_PSK, false, KEY_RSA, 0
#define ENCRYPTION IKEV1_SKEYID_ENCRYPTION, false, KEY_RSA, 0, V1_USER_NONE, false
#define SIGNATURE(key, tied) IKEV1_SKEYID_SIGNATURE, true, key, tied

/* RFC 2409 appendix A; RFC 4754 §3: ECDSA methods name the hash, whatever else is negotiated. Those
 * with a user are of the two drafts, which have RSA only. */
static const struct v1_auth methods[] = {
    {V1_AUTH_PSK, PSK, V1_USER_NONE, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_RSA, SIGNATURE(KEY_RSA, 0), V1_USER_NONE, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_RSA_ENCRYPTION, ENCRYPTION, V1_ENCRYPTION_PLAIN},
    {V1_AUTH_RSA_REVISED_ENCRYPTION, ENCRYPTION, V1_ENCRYPTION_REVISED},
    {V1_AUTH_ECDSA_256, SIGNATURE(KEY_ECP256, V1_HASH_SHA2_256), V1_USER_NONE, false,
     V1_ENCRYPTION_NONE},
    {V1_AUTH_ECDSA_384, SIGNATURE(KEY_ECP384, V1_HASH_SHA2_384), V1_USER_NONE, false,
     V1_ENCRYPTION_NONE},
    {V1_AUTH_ECDSA_521, SIGNATURE(KEY_ECP521, V1_HASH_SHA2_512), V1_USER_NONE, false,
     V1_ENCRYPTION_NONE},
    {V1_AUTH_XAUTH_INIT_PSK, PSK, V1_USER_INITIATOR, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_XAUTH_RESP_PSK, PSK, V1_USER_RESPONDER, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_XAUTH_INIT_RSA, SIGNATURE(KEY_RSA, 0), V1_USER_INITIATOR, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_XAUTH_RESP_RSA, SIGNATURE(KEY_RSA, 0), V1_USER_RESPONDER, false, V1_ENCRYPTION_NONE},
    {V1_AUTH_HYBRID_INIT_RSA, SIGNATURE(KEY_RSA, 0), V1_USER_INITIATOR, true, V1_ENCRYPTION_NONE},
    {V1_AUTH_HYBRID_RESP_RSA, SIGNATURE(KEY_RSA, 0), V1_USER_RESPONDER, true, V1_ENCRYPTION_NONE},
};

enum { METHODS = sizeof methods / sizeof *methods };

const struct v1_auth *v1_auth_of(uint16_t method)
{
    for (unsigned i = 0; i < METHODS; i++)
        if (methods[i].method == method)
            return &methods[i];
    return NULL;
}

/* How a side proves itself by this method. */
static enum auth_way way_of(const struct v1_auth *a, bool initiator)
{
    if (v1_auth_signs(a, initiator))
        return AUTH_CERTIFICATE;
    if (v1_auth_encrypts(a))
        return a->encryption == V1_ENCRYPTION_REVISED ? AUTH_RSA_REVISED : AUTH_RSA_ENCRYPTION;
    return a->hybrid ? AUTH_NULL : AUTH_PSK;
}

/* Raw keys come in no payload of IKEv1. What is encrypted to signs nothing, so that who can have it
 * decrypt cannot have it sign. */
static bool can_prove(const struct ike_config *c, enum auth_way way, enum sign_key_type type)
{
    const struct ike_credential *own = &c->auth.credential;

    if (way == AUTH_PSK)
        return c->psk_len > 0;
    if (c->auth.way != way && (way != AUTH_CERTIFICATE || auth_encrypts(c->auth.way)))
        return false;
    return way == AUTH_NULL || (own->key && own->key->key.type == type);
}

/* Whether it makes users of whom we take for one. */
static bool fits_role(const struct v1_auth *a, enum xauth_role role, bool initiator)
{
    if (role == XAUTH_NONE || a->user == V1_USER_NONE)
        return role == XAUTH_NONE && a->user == V1_USER_NONE;
    return v1_auth_is_user(a, initiator) == (role == XAUTH_USER);
}

unsigned v1_auth_methods(const struct ike_config *c, bool initiator, uint16_t *out)
{
    unsigned count = 0;

    for (unsigned i = 0; i < METHODS && count < V1_METHODS_MAX; i++) {
        const struct v1_auth *a = &methods[i];
        enum auth_way own = way_of(a, initiator), peers = way_of(a, !initiator);

        if (fits_role(a, c->xauth.role, initiator) && can_prove(c, own, a->key) &&
            (!initiator || !v1_auth_encrypts(a) || c->auth.trust.called) &&
            auth_accepts(&c->auth, peers) && (!initiator || c->auth.way == own))
            out[count++] = a->method;
    }
    return count;
}
