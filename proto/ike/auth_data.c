#include "proto/ike/auth_data.h"

enum err auth_shared_key(struct crypto *c, const struct prf_suite *prf, const struct auth_input *in,
                         uint8_t *out)
{
    const struct bytes pad = bytes_text("Key Pad for IKEv2");
    uint8_t maced_id[PRF_OUT_MAX], key[PRF_OUT_MAX];
    struct bytes octets[3] = {in->message, in->nonce, bytes_of(maced_id, prf->out_len)};
    enum err e;

    /* §2.15: MACedIDForX = prf(SK_px, RestOfIDPayload) */
    e = c->class->prf(c, prf, in->sk_p, &in->id_body, 1, maced_id);
    /* §2.15: AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), SignedOctets) with
     * SignedOctets = RealMessage | NonceData | MACedID */
    if (e == OK)
        e = c->class->prf(c, prf, in->psk, &pad, 1, key);
    if (e == OK)
        e = c->class->prf(c, prf, bytes_of(key, prf->out_len), octets, 3, out);
    wipe(maced_id, sizeof maced_id);
    wipe(key, sizeof key);
    return e;
}
