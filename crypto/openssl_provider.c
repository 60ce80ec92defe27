/*
 * The real provider: an instance and its class record, and the hash. Key exchange, ciphers, MACs,
 * signatures and expanded keys are in openssl_ke.c, openssl_cipher.c, openssl_mac.c, openssl_sign.c
 * and openssl_expanded.c.
 */
#include "crypto/openssl_provider.h"

#include "crypto/tick.h"
#include "crypto/x509_shelf.h"

#include <stdlib.h>

enum err openssl_failed(void)
{
    ERR_clear_error();
    return ERR_CRYPTO;
}

static enum err openssl_sha1(struct crypto *base, const struct bytes *parts, size_t count,
                             uint8_t *out)
{
    struct openssl_crypto *c = openssl_of(base);

    tick_sha1(base, parts, count);
    if (!EVP_DigestInit_ex2(c->hash, c->sha1, NULL))
        return openssl_failed();
    for (size_t i = 0; i < count; i++)
        if (!EVP_DigestUpdate(c->hash, parts[i].data, parts[i].len))
            return openssl_failed();
    return EVP_DigestFinal_ex(c->hash, out, NULL) ? OK : openssl_failed();
}

/* As sha1 above; hashes are fetched late, as only IKEv1 wants them. */
static enum err openssl_hash(struct crypto *base, const struct hash_suite *suite,
                             const struct bytes *parts, size_t count, uint8_t *out)
{
    struct openssl_crypto *c = openssl_of(base);
    size_t suites;
    EVP_MD **md = &c->hashes[suite - hash_suites(&suites)];

    ASSERT(suites == HASH_SUITES);
    if (!*md)
        *md = EVP_MD_fetch(c->entropy.library, suite->name, NULL);
    if (!*md) {
        (void)openssl_failed();
        return ERR_UNSUPPORTED;
    }
    tick_sha1(base, parts, count);
    if (!EVP_DigestInit_ex2(c->hash, *md, NULL))
        return openssl_failed();
    for (size_t i = 0; i < count; i++)
        if (parts[i].len && !EVP_DigestUpdate(c->hash, parts[i].data, parts[i].len))
            return openssl_failed();
    return EVP_DigestFinal_ex(c->hash, out, NULL) ? OK : openssl_failed();
}

static void openssl_destroy(struct crypto *base)
{
    struct openssl_crypto *c = openssl_of(base);

    x509_shelf_free(base->certificates);
    openssl_sign_reset(c);
    openssl_groups_reset(c);
    multibuffer_destroy(c->multibuffer);
    openssl_ciphers_reset(c);
    openssl_macs_reset(&c->macs);
    EVP_MD_CTX_free(c->hash);
    EVP_MD_free(c->sha1);
    for (size_t i = 0; i < HASH_SUITES; i++)
        EVP_MD_free(c->hashes[i]);
    c->entropy.close(c->entropy.owner);
    free(c);
}

static const struct crypto_class openssl_class = {
    .name = "real",
    .secure = true,
    .destroy = openssl_destroy,
    .ke_generate = openssl_ke_generate,
    .ke_derive = openssl_ke_derive,
    .prf = openssl_prf,
    .prf_plus = openssl_prf_plus,
    .sha1 = openssl_sha1,
    .hash = openssl_hash,
    .cbc = openssl_cbc,
    .seal = openssl_seal_one,
    .open = openssl_open_one,
    .expanded_len = openssl_expanded_len,
    .expand = openssl_expand,
    .forget = openssl_forget,
    .seal_batch = openssl_seal_batch,
    .open_batch = openssl_open_batch,
    .engine_limit = openssl_engine_limit,
    .sign_key_load = openssl_sign_key_load,
    .verify_key_load = openssl_verify_key_load,
    .sign = openssl_sign,
    .verify = openssl_verify,
    .encrypt = openssl_encrypt,
    .decrypt = openssl_decrypt,
};

struct crypto *openssl_provider_create(struct openssl_entropy entropy, struct meter *meter)
{
    struct openssl_crypto *c = calloc(1, sizeof *c);

    if (!c) {
        entropy.close(entropy.owner);
        return NULL;
    }
    c->base = (struct crypto){.class = &openssl_class, .meter = meter};
    c->entropy = entropy;
    c->most = CRYPTO_VAES;
    c->sha1 = EVP_MD_fetch(entropy.library, "SHA1", NULL);
    c->hash = EVP_MD_CTX_new();
    if (c->sha1 && c->hash && openssl_macs_init(&c->macs, entropy.library) &&
        openssl_ciphers_init(c) && openssl_groups_init(c))
        return &c->base;
    ERR_clear_error();
    openssl_destroy(&c->base);
    return NULL;
}
