#include "proto/ike/auth_data.h"

/* §2.15: SignedOctets = RealMessage | NonceData | MACedID, MACedID = prf(SK_px, RestOfIDPayload) */
struct signed_octets {
    uint8_t maced_id[PRF_OUT_MAX];
    struct bytes parts[3];
};

static enum err octets_of(struct crypto *c, const struct prf_suite *prf,
                          const struct auth_input *in, struct signed_octets *out)
{
    out->parts[0] = in->message;
    out->parts[1] = in->nonce;
    out->parts[2] = bytes_of(out->maced_id, prf->out_len);
    return c->class->prf(c, prf, in->sk_p, &in->id_body, 1, out->maced_id);
}

enum err auth_shared_key(struct crypto *c, const struct prf_suite *prf, const struct auth_input *in,
                         struct bytes secret, uint8_t *out)
{
    const struct bytes pad = bytes_text("Key Pad for IKEv2");
    struct signed_octets octets;
    uint8_t key[PRF_OUT_MAX];
    enum err e = octets_of(c, prf, in, &octets);

    /* §2.15: AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), SignedOctets) */
    if (e == OK)
        e = c->class->prf(c, prf, secret, &pad, 1, key);
    if (e == OK)
        e = c->class->prf(c, prf, bytes_of(key, prf->out_len), octets.parts, 3, out);
    wipe(&octets, sizeof octets);
    wipe(key, sizeof key);
    return e;
}

enum err auth_sign(struct crypto *c, const struct prf_suite *prf, const struct auth_input *in,
                   const struct auth_signer *signer, uint8_t out[SIGN_MAX], size_t *len)
{
    struct signed_octets octets;
    enum err e = octets_of(c, prf, in, &octets);
    struct sign_op op = {.key = signer->key,
                         .suite = signer->suite,
                         .random = signer->random,
                         .parts = octets.parts,
                         .count = 3};

    if (e == OK)
        e = c->class->sign(c, &op, out, SIGN_MAX, len);
    wipe(&octets, sizeof octets);
    return e;
}

enum err auth_verify(struct crypto *c, const struct prf_suite *prf, const struct auth_input *in,
                     const struct auth_verifier *verifier, struct bytes signature)
{
    struct signed_octets octets;
    enum err e = octets_of(c, prf, in, &octets);
    struct verify_op op = {
        .key = verifier->key, .suite = verifier->suite, .parts = octets.parts, .count = 3};

    if (e == OK)
        e = c->class->verify(c, &op, signature);
    wipe(&octets, sizeof octets);
    return e;
}
