#include "kex.h"

#include "loop.h"

#include <openssl/core_names.h>

#include <string.h>

struct kex_group {
    const char *name;
    const char *type;
    const char *parameters; /* NULL: keys of this type are raw bytes */
};

static const struct kex_group groups[KEX_GROUPS] = {
    {"x25519", "X25519", NULL},      {"x448", "X448", NULL},
    {"ecp256", "EC", "P-256"},       {"ecp384", "EC", "P-384"},
    {"ecp521", "EC", "P-521"},       {"modp2048", "DH", "modp_2048"},
    {"modp3072", "DH", "modp_3072"}, {"modp4096", "DH", "modp_4096"},
};

const char *kex_name(unsigned place)
{
    return groups[place].name;
}

unsigned kex_find(const char *name)
{
    unsigned i = 0;

    while (i < KEX_GROUPS && strcmp(groups[i].name, name) != 0)
        i++;
    return i;
}

void kex_init(struct kex *k, unsigned place)
{
    const struct kex_group *g = k->group = &groups[place];

    k->parameters = NULL;
    k->generate = EVP_PKEY_CTX_new_from_name(NULL, g->type, NULL);
    need(k->generate && EVP_PKEY_keygen_init(k->generate) > 0, g->name);
    if (!g->parameters)
        return;
    need(EVP_PKEY_CTX_set_group_name(k->generate, g->parameters), g->name);
    k->parameters = kex_generate(k);
}

void kex_reset(struct kex *k)
{
    EVP_PKEY_CTX_free(k->generate);
    EVP_PKEY_free(k->parameters);
}

EVP_PKEY *kex_generate(struct kex *k)
{
    EVP_PKEY *own = NULL;

    need(EVP_PKEY_generate(k->generate, &own), "key pair");
    return own;
}

size_t kex_public(const struct kex *k, EVP_PKEY *own, uint8_t *out)
{
    size_t len = KEX_LEN_MAX;

    if (!k->parameters)
        need(EVP_PKEY_get_raw_public_key(own, out, &len), "public value");
    else
        need(EVP_PKEY_get_octet_string_param(own, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, out,
                                             KEX_LEN_MAX, &len),
             "public value");
    return len;
}

static EVP_PKEY *import(const struct kex *k, const uint8_t *public_value, size_t len)
{
    EVP_PKEY *peer;

    if (!k->parameters)
        return EVP_PKEY_new_raw_public_key_ex(NULL, k->group->type, NULL, public_value, len);
    peer = EVP_PKEY_new();
    need(peer && EVP_PKEY_copy_parameters(peer, k->parameters) > 0, "parameters");
    need(EVP_PKEY_set1_encoded_public_key(peer, public_value, len), "peer's public value");
    return peer;
}

size_t kex_derive(const struct kex *k, EVP_PKEY *own, const uint8_t *public_value, size_t len,
                  uint8_t *out)
{
    EVP_PKEY *peer = import(k, public_value, len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t out_len = KEX_LEN_MAX;

    need(peer && ctx && EVP_PKEY_derive_init(ctx) > 0, "derivation");
    /* 0: whoever does IKE checks what RFC 6989 asks for; OpenSSL's own check of a MODP value
     * costs more than the derivation. */
    need(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0), "peer's public value");
    need(EVP_PKEY_derive(ctx, out, &out_len), "derivation");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return out_len;
}

void kex_offer(struct kex *k, struct kex_party *p)
{
    p->own = kex_generate(k);
    p->public_len = kex_public(k, p->own, p->public_value);
}

void kex_agree(const struct kex *k, struct kex_party *p, const uint8_t *peer, size_t len)
{
    p->shared_len = kex_derive(k, p->own, peer, len, p->shared);
    EVP_PKEY_free(p->own);
}
