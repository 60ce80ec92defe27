/*
 * MACs and PRFs on OpenSSL: HMAC (RFC 2104), AES-CMAC (RFC 4493, its PRF RFC 4615), and
 * AES-XCBC-MAC (RFC 3566, its PRF RFC 4434), which the library does not have.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/tick.h"

static const uint8_t zeros[AES_BLOCK];

static const struct {
    const char *mac, *parameter, *value;
    bool late; /* IKEv1 only: made when first wanted, and maybe not there */
} made_of[MAC_COUNT] = {
    [MAC_HMAC_SHA1] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA1", false},
    [MAC_HMAC_SHA256] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-256", false},
    [MAC_HMAC_SHA384] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-384", false},
    [MAC_HMAC_SHA512] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-512", false},
    [MAC_AES_CMAC] = {"CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", false},
    [MAC_HMAC_MD5] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "MD5", true},
    [MAC_HMAC_SHA224] = {"HMAC", OSSL_MAC_PARAM_DIGEST, "SHA2-224", true},
};

static EVP_MAC_CTX *mac_context(OSSL_LIB_CTX *library, enum mac_kind kind)
{
    EVP_MAC *mac = EVP_MAC_fetch(library, made_of[kind].mac, NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(made_of[kind].parameter, (char *)made_of[kind].value, 0),
        OSSL_PARAM_construct_end(),
    };

    EVP_MAC_free(mac);
    /* With a key at once: later calls change the key only. */
    if (ctx && EVP_MAC_init(ctx, zeros, sizeof zeros, params))
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static EVP_CIPHER_CTX *cipher_context(OSSL_LIB_CTX *library, const char *name)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(library, name, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, zeros, zeros, NULL) &&
        EVP_CIPHER_CTX_set_padding(ctx, 0)) {
        EVP_CIPHER_free(cipher);
        return ctx;
    }
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

bool openssl_macs_init(struct openssl_macs *m, OSSL_LIB_CTX *library)
{
    m->from = library;
    for (int kind = 0; kind < MAC_COUNT; kind++) {
        if (!made_of[kind].mac || made_of[kind].late)
            continue;
        m->library[kind] = mac_context(library, kind);
        if (!m->library[kind])
            return false;
    }
    m->xcbc_keys = cipher_context(library, "AES-128-ECB");
    m->xcbc_chain = cipher_context(library, "AES-128-CBC");
    return m->xcbc_keys && m->xcbc_chain;
}

void openssl_macs_reset(struct openssl_macs *m)
{
    for (int kind = 0; kind < MAC_COUNT; kind++)
        EVP_MAC_CTX_free(m->library[kind]);
    EVP_CIPHER_CTX_free(m->xcbc_keys);
    EVP_CIPHER_CTX_free(m->xcbc_chain);
}

/* The state of one AES-XCBC-MAC: E[i-1] is in the chaining cipher. */
struct xcbc {
    EVP_CIPHER_CTX *chain;
    uint8_t k2[AES_BLOCK], k3[AES_BLOCK];
    uint8_t block[AES_BLOCK]; /* held back: the last block is treated differently */
    size_t held;
};

/* RFC 3566 §4 (1): K1, K2, K3 = E(K, 0x01..), E(K, 0x02..), E(K, 0x03..) */
static bool xcbc_start(struct xcbc *x, const struct openssl_macs *m, const uint8_t *key)
{
    uint8_t k[3 * AES_BLOCK];
    int len;
    bool done;

    for (size_t i = 0; i < sizeof k; i++)
        k[i] = (uint8_t)(1 + i / AES_BLOCK);
    x->chain = m->xcbc_chain;
    x->held = 0;
    done = EVP_EncryptInit_ex2(m->xcbc_keys, NULL, key, NULL, NULL) &&
           EVP_EncryptUpdate(m->xcbc_keys, k, &len, k, sizeof k) &&
           EVP_EncryptInit_ex2(x->chain, NULL, k, zeros, NULL);
    memcpy(x->k2, k + AES_BLOCK, AES_BLOCK);
    memcpy(x->k3, k + 2 * AES_BLOCK, AES_BLOCK);
    wipe(k, sizeof k);
    return done;
}

enum { XCBC_RUN = 16 * AES_BLOCK }; /* whole blocks handed to the library at once */

/* E[i] = E(K1, M[i] ^ E[i-1]) is what CBC does; the last block stays in `out`. */
static bool xcbc_chain(struct xcbc *x, const uint8_t *blocks, size_t len, uint8_t *out)
{
    uint8_t run[XCBC_RUN];
    int written;

    ASSERT(len > 0 && len <= sizeof run && len % AES_BLOCK == 0);
    if (!EVP_EncryptUpdate(x->chain, run, &written, blocks, (int)len))
        return false;
    if (out)
        memcpy(out, run + len - AES_BLOCK, AES_BLOCK);
    return true;
}

static bool xcbc_update(struct xcbc *x, struct bytes in)
{
    while (in.len > 0) {
        size_t taken;

        if (x->held == AES_BLOCK) {
            if (!xcbc_chain(x, x->block, AES_BLOCK, NULL))
                return false;
            x->held = 0;
        }
        if (x->held == 0 && in.len > AES_BLOCK) {
            taken = (in.len - 1) / AES_BLOCK * AES_BLOCK;
            taken = taken < XCBC_RUN ? taken : XCBC_RUN;
            if (!xcbc_chain(x, in.data, taken, NULL))
                return false;
        } else {
            taken = AES_BLOCK - x->held < in.len ? AES_BLOCK - x->held : in.len;
            memcpy(x->block + x->held, in.data, taken);
            x->held += taken;
        }
        in = bytes_of(in.data + taken, in.len - taken);
    }
    return true;
}

/* RFC 3566 §4 (4): a whole last block is mixed with K2, a padded one with K3. */
static bool xcbc_final(struct xcbc *x, uint8_t *out)
{
    const uint8_t *k = x->held == AES_BLOCK ? x->k2 : x->k3;

    if (x->held < AES_BLOCK) {
        memset(x->block + x->held, 0, AES_BLOCK - x->held);
        x->block[x->held] = 0x80;
    }
    for (int i = 0; i < AES_BLOCK; i++)
        x->block[i] ^= k[i];
    return xcbc_chain(x, x->block, AES_BLOCK, out);
}

static bool xcbc(const struct openssl_macs *m, const uint8_t *key, const struct bytes *parts,
                 size_t count, uint8_t *out)
{
    struct xcbc x;
    bool done = xcbc_start(&x, m, key);

    for (size_t i = 0; done && i < count; i++)
        done = xcbc_update(&x, parts[i]);
    done = done && xcbc_final(&x, out);
    wipe(&x, sizeof x);
    return done;
}

/*
 * Parts that lie one behind the other, as those of a packet do, are one to the library.
 * @param key  NULL: that of last time
 */
static bool library_mac(EVP_MAC_CTX *ctx, const uint8_t *key, size_t key_len,
                        const struct bytes *parts, size_t count, uint8_t *out)
{
    size_t len;

    if (!EVP_MAC_init(ctx, key, key_len, NULL))
        return false;
    for (size_t i = 0; i < count;) {
        struct bytes run = parts[i++];

        if (run.len == 0)
            continue;
        for (; i < count && (!parts[i].len || parts[i].data == run.data + run.len); i++)
            run.len += parts[i].len;
        if (!EVP_MAC_update(ctx, run.data, run.len))
            return false;
    }
    return EVP_MAC_final(ctx, out, &len, MAC_OUT_MAX);
}

bool openssl_mac(struct openssl_macs *m, enum mac_kind kind, struct bytes key,
                 const struct bytes *parts, size_t count, uint8_t *out)
{
    if (kind == MAC_AES_XCBC)
        return xcbc(m, key.data, parts, count, out);
    return library_mac(m->library[kind], key.len ? key.data : zeros, key.len, parts, count, out);
}

bool openssl_mac_kept(EVP_MAC_CTX *ctx, const struct bytes *parts, size_t count, uint8_t *out)
{
    return library_mac(ctx, NULL, 0, parts, count, out);
}

EVP_MAC_CTX *openssl_mac_keep(const struct openssl_macs *m, enum mac_kind kind, struct bytes key)
{
    EVP_MAC_CTX *ctx = m->library[kind] ? EVP_MAC_CTX_dup(m->library[kind]) : NULL;

    if (ctx && EVP_MAC_init(ctx, key.data, key.len, NULL))
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

enum mac_kind openssl_mac_of_integ(const struct integ_suite *suite)
{
    switch (suite->iana) {
    case 2:
        return MAC_HMAC_SHA1;
    case 5:
        return MAC_AES_XCBC;
    case 8:
        return MAC_AES_CMAC;
    case 12:
        return MAC_HMAC_SHA256;
    case 13:
        return MAC_HMAC_SHA384;
    default:
        ASSERT(suite->iana == 14);
        return MAC_HMAC_SHA512;
    }
}

static enum mac_kind mac_of_prf(const struct prf_suite *suite)
{
    switch (suite->iana) {
    case 0:
        return MAC_HMAC_SHA224; /* the one without a number */
    case 1:
        return MAC_HMAC_MD5;
    case 2:
        return MAC_HMAC_SHA1;
    case 4:
        return MAC_AES_XCBC;
    case 5:
        return MAC_HMAC_SHA256;
    case 6:
        return MAC_HMAC_SHA384;
    case 7:
        return MAC_HMAC_SHA512;
    default:
        ASSERT(suite->iana == 8);
        return MAC_AES_CMAC;
    }
}

/*
 * A key of any length made 16 bytes: RFC 4434 §2 pads a short one with zeros and RFC 4615 §3 does
 * not; both MAC a longer one (RFC 4615: any other) under the key 0^128.
 */
static bool fit_key(struct openssl_macs *m, enum mac_kind kind, struct bytes key, uint8_t *out)
{
    uint8_t mac[MAC_OUT_MAX];
    bool done = true;

    memset(out, 0, AES_BLOCK);
    if (key.len == AES_BLOCK || (kind == MAC_AES_XCBC && key.len < AES_BLOCK)) {
        if (key.len)
            memcpy(out, key.data, key.len);
        return true;
    }
    done = openssl_mac(m, kind, bytes_of(zeros, sizeof zeros), &key, 1, mac);
    memcpy(out, mac, AES_BLOCK);
    wipe(mac, sizeof mac);
    return done;
}

enum err openssl_prf(struct crypto *base, const struct prf_suite *suite, struct bytes key,
                     const struct bytes *parts, size_t count, uint8_t *out)
{
    struct openssl_macs *m = &openssl_of(base)->macs;
    enum mac_kind kind = mac_of_prf(suite);
    uint8_t fitted[AES_BLOCK], mac[MAC_OUT_MAX];
    bool done;

    if (made_of[kind].late && !m->library[kind]) {
        m->library[kind] = mac_context(m->from, kind);
        if (!m->library[kind]) {
            (void)openssl_failed();
            return ERR_UNSUPPORTED;
        }
    }
    tick_prf(base, parts, count);
    if (suite->fixed_key) {
        if (!fit_key(m, kind, key, fitted))
            return openssl_failed();
        key = bytes_of(fitted, sizeof fitted);
    }
    done = openssl_mac(m, kind, key, parts, count, mac);
    if (done)
        memcpy(out, mac, suite->out_len);
    wipe(mac, sizeof mac);
    wipe(fitted, sizeof fitted);
    return done ? OK : openssl_failed();
}

/* A block of prf+ after the first: with HMAC the key stays set, which is half of the work. */
static enum err prf_again(struct crypto *base, const struct prf_suite *suite, struct bytes key,
                          const struct bytes *parts, size_t count, uint8_t *out)
{
    struct openssl_macs *m = &openssl_of(base)->macs;

    if (suite->fixed_key)
        return openssl_prf(base, suite, key, parts, count, out);
    tick_prf(base, parts, count);
    return library_mac(m->library[mac_of_prf(suite)], NULL, 0, parts, count, out)
               ? OK
               : openssl_failed();
}

/* RFC 7296 §2.13: T1 = prf (K, S | 0x01), Tn = prf (K, Tn-1 | S | n) */
enum err openssl_prf_plus(struct crypto *base, const struct prf_suite *suite, struct bytes key,
                          const struct bytes *seed, size_t seeds, uint8_t *out, size_t len)
{
    struct bytes parts[1 + PRF_SEEDS_MAX + 1] = {BYTES_NONE};
    uint8_t t[MAC_OUT_MAX], n;
    size_t made = 0;
    enum err e = OK;

    for (size_t i = 0; i < seeds; i++)
        parts[1 + i] = seed[i];
    parts[1 + seeds] = bytes_of(&n, 1);
    for (n = 1; e == OK && made < len; n++) {
        size_t take = len - made < suite->out_len ? len - made : suite->out_len;

        e = (n == 1 ? openssl_prf : prf_again)(base, suite, key, parts, seeds + 2, t);
        if (e != OK)
            break;
        memcpy(out + made, t, take);
        made += take;
        parts[0] = bytes_of(t, suite->out_len);
    }
    if (e != OK)
        wipe(out, len);
    wipe(t, sizeof t);
    return e;
}
