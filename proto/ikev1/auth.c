#include "proto/ikev1/auth.h"

#include "proto/wire/v1_registry.h"

/* RFC 2409 appendix A; RFC 4754 §3: ECDSA methods name the hash, whatever else is negotiated. */
static const struct v1_auth methods[] = {
    {V1_AUTH_PSK, IKEV1_SKEYID_PSK, false, KEY_RSA, 0},
    {V1_AUTH_RSA, IKEV1_SKEYID_SIGNATURE, true, KEY_RSA, 0},
    {V1_AUTH_ECDSA_256, IKEV1_SKEYID_SIGNATURE, true, KEY_ECP256, V1_HASH_SHA2_256},
    {V1_AUTH_ECDSA_384, IKEV1_SKEYID_SIGNATURE, true, KEY_ECP384, V1_HASH_SHA2_384},
    {V1_AUTH_ECDSA_521, IKEV1_SKEYID_SIGNATURE, true, KEY_ECP521, V1_HASH_SHA2_512},
};

enum { METHODS = sizeof methods / sizeof *methods };

const struct v1_auth *v1_auth_of(uint16_t method)
{
    for (unsigned i = 0; i < METHODS; i++)
        if (methods[i].method == method)
            return &methods[i];
    return NULL;
}

/* Whether we can prove ourselves by it. Raw keys come in no payload of IKEv1. */
static bool ours(const struct ike_config *c, const struct v1_auth *a)
{
    const struct ike_credential *own = &c->auth.credential;

    if (!a->signs)
        return c->psk_len > 0;
    return own->key && own->key->key.type == a->key;
}

unsigned v1_auth_methods(const struct ike_config *c, bool initiator, uint16_t *out)
{
    unsigned count = 0;

    for (unsigned i = 0; i < METHODS && count < V1_METHODS_MAX; i++) {
        const struct v1_auth *a = &methods[i];
        enum auth_way way = a->signs ? AUTH_CERTIFICATE : AUTH_PSK;

        if (ours(c, a) && auth_accepts(&c->auth, way) && (!initiator || c->auth.way == way))
            out[count++] = a->method;
    }
    return count;
}
