#include "crypto/ikev1_keymat.h"

#include "base/assert.h"

enum { COOKIES_LEN = 16, CHAIN_SEEDS_MAX = 5 };

static enum err prf(struct crypto *c, const struct hash_suite *hash, struct bytes key,
                    const struct bytes *parts, size_t count, uint8_t *out)
{
    enum err e = c->class->prf(c, hash->prf, key, parts, count, out);

    if (e)
        wipe(out, hash->len);
    return e;
}

/* K1 = prf(key, seed), Kn = prf(key, Kn-1 | again): one link after the other, cut to `len`. */
struct chain {
    struct bytes key;
    const struct bytes *seed;
    size_t seeds;
    bool again; /* the seed goes into every link, not just into the first */
};

static enum err chain_run(struct crypto *c, const struct hash_suite *hash, const struct chain *in,
                          uint8_t *out, size_t len)
{
    struct bytes parts[1 + CHAIN_SEEDS_MAX] = {BYTES_NONE};
    uint8_t k[IKEV1_HASH_MAX];
    size_t made = 0, count = 1 + in->seeds;
    enum err e = OK;

    ASSERT(in->seeds <= CHAIN_SEEDS_MAX);
    for (size_t i = 0; i < in->seeds; i++)
        parts[1 + i] = in->seed[i];
    while (e == OK && made < len) {
        size_t take = len - made < hash->len ? len - made : hash->len;

        e = prf(c, hash, in->key, parts, count, k);
        if (e)
            break;
        memcpy(out + made, k, take);
        made += take;
        parts[0] = bytes_of(k, hash->len);
        count = in->again ? count : 1;
    }
    if (e)
        wipe(out, len);
    wipe(k, sizeof k);
    return e;
}

static void store_cookies(uint64_t first, uint64_t second, uint8_t *out)
{
    store_be64(out, first);
    store_be64(out + 8, second);
}

/* SKEYID = prf(pre-shared-key, Ni_b | Nr_b) */
static enum err skeyid_psk(struct crypto *c, const struct hash_suite *hash,
                           const struct ikev1_seed *in, uint8_t *out)
{
    const struct bytes parts[] = {in->ni, in->nr};

    return prf(c, hash, in->psk, parts, 2, out);
}

/* SKEYID = prf(Ni_b | Nr_b, g^xy) */
static enum err skeyid_signature(struct crypto *c, const struct hash_suite *hash,
                                 const struct ikev1_seed *in, uint8_t *out)
{
    uint8_t key[2 * IKEV1_NONCE_MAX];
    enum err e;

    if (in->ni.len > IKEV1_NONCE_MAX || in->nr.len > IKEV1_NONCE_MAX)
        return ERR_LENGTH;
    memcpy(key, in->ni.data, in->ni.len);
    memcpy(key + in->ni.len, in->nr.data, in->nr.len);
    e = prf(c, hash, bytes_of(key, in->ni.len + in->nr.len), &in->shared, 1, out);
    wipe(key, sizeof key);
    return e;
}

/* SKEYID = prf(hash(Ni_b | Nr_b), CKY-I | CKY-R) */
static enum err skeyid_encryption(struct crypto *c, const struct hash_suite *hash,
                                  const struct ikev1_seed *in, uint8_t *out)
{
    const struct bytes nonces[] = {in->ni, in->nr};
    uint8_t key[IKEV1_HASH_MAX], cookies[COOKIES_LEN];
    const struct bytes text = bytes_of(cookies, sizeof cookies);
    enum err e = c->class->hash(c, hash, nonces, 2, key);

    store_cookies(in->cky_i, in->cky_r, cookies);
    if (e == OK)
        e = prf(c, hash, bytes_of(key, hash->len), &text, 1, out);
    wipe(key, sizeof key);
    return e;
}

static enum err skeyid_of(struct crypto *c, const struct hash_suite *hash,
                          const struct ikev1_seed *in, uint8_t *out)
{
    switch (in->kind) {
    case IKEV1_SKEYID_PSK:
        return skeyid_psk(c, hash, in, out);
    case IKEV1_SKEYID_SIGNATURE:
        return skeyid_signature(c, hash, in, out);
    default:
        ASSERT(in->kind == IKEV1_SKEYID_ENCRYPTION);
        return skeyid_encryption(c, hash, in, out);
    }
}

/*
 * SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)
 * SKEYID_a = prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)
 * SKEYID_e = prf(SKEYID, SKEYID_a | g^xy | CKY-I | CKY-R | 2)
 */
static enum err derived_of(struct crypto *c, const struct hash_suite *hash,
                           const struct ikev1_seed *in, struct ikev1_keys *out)
{
    uint8_t *const key[] = {out->skeyid_d, out->skeyid_a, out->skeyid_e};
    uint8_t cookies[COOKIES_LEN];
    struct bytes before = BYTES_NONE;
    enum err e = OK;

    store_cookies(in->cky_i, in->cky_r, cookies);
    for (uint8_t n = 0; e == OK && n < 3; n++) {
        const struct bytes parts[] = {before, in->shared, bytes_of(cookies, sizeof cookies),
                                      bytes_of(&n, 1)};

        e = prf(c, hash, bytes_of(out->skeyid, hash->len), parts, 4, key[n]);
        before = bytes_of(key[n], hash->len);
    }
    return e;
}

enum err ikev1_keys_derive(struct crypto *c, const struct hash_suite *hash,
                           const struct ikev1_seed *in, struct ikev1_keys *out)
{
    enum err e;

    memset(out, 0, sizeof *out);
    e = skeyid_of(c, hash, in, out->skeyid);
    if (e == OK)
        e = derived_of(c, hash, in, out);
    if (e)
        wipe(out, sizeof *out);
    return e;
}

/* RFC 2409 appendix B: Ka = K1 | K2 | ..., K1 = prf(from, 0), Kn = prf(from, Kn-1) */
static enum err key_from(struct crypto *c, const struct hash_suite *hash, const uint8_t *from,
                         const struct encr_suite *encr, uint8_t *out)
{
    static const uint8_t zero = 0;
    const struct bytes seed = bytes_of(&zero, 1);
    const struct chain chain = {bytes_of(from, hash->len), &seed, 1, false};

    if (encr->key_len > hash->len)
        return chain_run(c, hash, &chain, out, encr->key_len);
    memcpy(out, from, encr->key_len);
    return OK;
}

enum err ikev1_encr_key(struct crypto *c, const struct hash_suite *hash,
                        const struct ikev1_keys *keys, const struct encr_suite *encr, uint8_t *out)
{
    return key_from(c, hash, keys->skeyid_e, encr, out);
}

/* Ne_i = prf(Ni_b, CKY-I), Ne_r = prf(Nr_b, CKY-R) */
enum err ikev1_nonce_key(struct crypto *c, const struct hash_suite *hash, struct bytes nonce,
                         uint64_t cookie, const struct encr_suite *encr, uint8_t *out)
{
    uint8_t ne[IKEV1_HASH_MAX], cky[8];
    const struct bytes text = bytes_of(cky, sizeof cky);
    enum err e;

    store_be64(cky, cookie);
    memset(out, 0, encr->key_len);
    e = prf(c, hash, nonce, &text, 1, ne);
    if (e == OK)
        e = key_from(c, hash, ne, encr, out);
    wipe(ne, sizeof ne);
    return e;
}

static enum err iv_of(struct crypto *c, const struct hash_suite *hash, const struct bytes *parts,
                      size_t block_len, uint8_t *iv)
{
    uint8_t digest[IKEV1_HASH_MAX];
    enum err e;

    ASSERT(block_len <= hash->len && block_len <= IV_MAX);
    memset(iv, 0, block_len);
    e = c->class->hash(c, hash, parts, 2, digest);
    if (e == OK)
        memcpy(iv, digest, block_len);
    return e;
}

enum err ikev1_iv_first(struct crypto *c, const struct hash_suite *hash, struct bytes g_xi,
                        struct bytes g_xr, size_t block_len, uint8_t *iv)
{
    const struct bytes parts[] = {g_xi, g_xr};

    return iv_of(c, hash, parts, block_len, iv);
}

enum err ikev1_iv_of(struct crypto *c, const struct hash_suite *hash, struct bytes last_block,
                     uint32_t message_id, size_t block_len, uint8_t *iv)
{
    uint8_t id[4];
    const struct bytes parts[] = {last_block, bytes_of(id, sizeof id)};

    store_be32(id, message_id);
    return iv_of(c, hash, parts, block_len, iv);
}

/*
 * HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)
 * HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b)
 */
enum err ikev1_hash_of(struct crypto *c, const struct hash_suite *hash,
                       const struct ikev1_keys *keys, const struct ikev1_proof *in, bool initiator,
                       uint8_t *out)
{
    uint8_t cookies[COOKIES_LEN];
    const struct bytes parts[] = {initiator ? in->g_xi : in->g_xr, initiator ? in->g_xr : in->g_xi,
                                  bytes_of(cookies, sizeof cookies), in->sai_b, in->id_b};

    store_cookies(initiator ? in->cky_i : in->cky_r, initiator ? in->cky_r : in->cky_i, cookies);
    return prf(c, in->tied ? in->tied : hash, bytes_of(keys->skeyid, hash->len), parts, 5, out);
}

enum err ikev1_hash_12(struct crypto *c, const struct hash_suite *hash,
                       const struct ikev1_keys *keys, uint32_t message_id, struct bytes ni,
                       struct bytes rest, uint8_t *out)
{
    uint8_t id[4];
    const struct bytes parts[] = {bytes_of(id, sizeof id), ni, rest};

    store_be32(id, message_id);
    return prf(c, hash, bytes_of(keys->skeyid_a, hash->len), parts, 3, out);
}

enum err ikev1_hash_3(struct crypto *c, const struct hash_suite *hash,
                      const struct ikev1_keys *keys, uint32_t message_id, struct bytes ni,
                      struct bytes nr, uint8_t *out)
{
    uint8_t front[5] = {0}; /* 0 | M-ID */
    const struct bytes parts[] = {bytes_of(front, sizeof front), ni, nr};

    store_be32(front + 1, message_id);
    return prf(c, hash, bytes_of(keys->skeyid_a, hash->len), parts, 3, out);
}

enum err ikev1_keymat(struct crypto *c, const struct hash_suite *hash,
                      const struct ikev1_keys *keys, const struct ikev1_keymat_seed *in,
                      uint8_t *out, size_t len)
{
    uint8_t sa[5]; /* protocol | SPI */
    const struct bytes seed[] = {in->shared, bytes_of(sa, sizeof sa), in->ni, in->nr};
    const struct chain chain = {bytes_of(keys->skeyid_d, hash->len), seed, 4, true};

    sa[0] = in->protocol;
    store_be32(sa + 1, in->spi);
    return chain_run(c, hash, &chain, out, len);
}
