#include "crypto/keymat.h"

#include "base/assert.h"

enum {
    NONCE_MAX = 256,    /* RFC 7296 §3.9 */
    FIXED_KEY_HALF = 8, /* RFC 7296 §2.14: 64 bits of each nonce */
};

struct ike_key_map ike_key_map(const struct ike_suite *suite)
{
    uint16_t d = suite->prf->key_len;
    uint16_t a = suite->integ ? suite->integ->key_len : 0;
    uint16_t e = (uint16_t)(suite->encr->key_len + suite->encr->salt_len);
    struct ike_key_map m = {.sk_d = 0};

    m.sk_ai = m.sk_d + d;
    m.sk_ar = m.sk_ai + a;
    m.sk_ei = m.sk_ar + a;
    m.sk_er = m.sk_ei + e;
    m.sk_pi = m.sk_er + e;
    m.sk_pr = m.sk_pi + d;
    m.end = m.sk_pr + d;
    return m;
}

enum err prf_plus(struct crypto *c, const struct prf_suite *prf, struct bytes key,
                  const struct bytes *seed, size_t seeds, uint8_t *out, size_t len)
{
    ASSERT(seeds <= PRF_SEEDS_MAX && len <= 255 * (size_t)prf->out_len);
    return c->class->prf_plus(c, prf, key, seed, seeds, out, len);
}

/* What a nonce gives to the key of the first prf: all of it, or its first 64 bits. */
static struct bytes nonce_key(const struct prf_suite *prf, struct bytes nonce)
{
    if (prf->fixed_key && nonce.len > FIXED_KEY_HALF)
        nonce.len = FIXED_KEY_HALF;
    return nonce;
}

/* §2.14: SKEYSEED = prf(Ni | Nr, g^ir) */
static enum err skeyseed_initial(struct crypto *c, const struct prf_suite *prf,
                                 const struct ike_seed *in, uint8_t *out)
{
    struct bytes ni = nonce_key(prf, in->ni), nr = nonce_key(prf, in->nr);
    uint8_t key[2 * NONCE_MAX];

    if (ni.len > NONCE_MAX || nr.len > NONCE_MAX)
        return ERR_LENGTH;
    memcpy(key, ni.data, ni.len);
    memcpy(key + ni.len, nr.data, nr.len);
    return c->class->prf(c, prf, bytes_of(key, ni.len + nr.len), &in->shared, 1, out);
}

/* §2.18: SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the prf of the old IKE SA */
static enum err skeyseed_rekey(struct crypto *c, const struct ike_seed *in, uint8_t *out)
{
    const struct bytes parts[] = {in->shared, in->ni, in->nr};

    return c->class->prf(c, in->old_prf, in->old_sk_d, parts, 3, out);
}

/* {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)
 */
static enum err ike_keys_expand(struct crypto *c, const struct ike_suite *suite,
                                const struct ike_seed *in, struct bytes skeyseed,
                                struct ike_keys *out)
{
    uint8_t spis[16];
    const struct bytes seed[] = {in->ni, in->nr, bytes_of(spis, sizeof spis)};

    store_be64(spis, in->spi_i);
    store_be64(spis + 8, in->spi_r);
    return prf_plus(c, suite->prf, skeyseed, seed, 3, out->bytes, ike_key_map(suite).end);
}

enum err ike_keys_derive(struct crypto *c, const struct ike_suite *suite, const struct ike_seed *in,
                         struct ike_keys *out, uint8_t *skeyseed)
{
    const struct prf_suite *prf = in->old_prf ? in->old_prf : suite->prf;
    uint8_t seed[PRF_OUT_MAX];
    enum err e;

    memset(out, 0, sizeof *out);
    e = in->old_prf ? skeyseed_rekey(c, in, seed) : skeyseed_initial(c, prf, in, seed);
    if (e == OK)
        e = ike_keys_expand(c, suite, in, bytes_of(seed, prf->out_len), out);
    if (skeyseed && e == OK)
        memcpy(skeyseed, seed, prf->out_len);
    else if (skeyseed)
        wipe(skeyseed, prf->out_len);
    wipe(seed, sizeof seed);
    return e;
}

/* §2.17: KEYMAT = prf+(SK_d, [ g^ir (new) | ] Ni | Nr) */
enum err child_keymat(struct crypto *c, const struct prf_suite *prf, struct bytes sk_d,
                      struct bytes shared, struct bytes ni, struct bytes nr, uint8_t *out,
                      size_t len)
{
    const struct bytes seed[] = {shared, ni, nr};

    return prf_plus(c, prf, sk_d, seed, 3, out, len);
}
