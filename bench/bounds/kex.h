/*
 * Key exchange through OpenSSL at its fastest: the generating context is kept, the peer's public
 * value is imported from the wire and not validated a second time.
 */
#ifndef KEX_H
#define KEX_H

#include <openssl/evp.h>

#include <stddef.h>
#include <stdint.h>

enum kex_sizes { KEX_GROUPS = 8, KEX_LEN_MAX = 512 };

struct kex_group;

struct kex {
    const struct kex_group *group;
    EVP_PKEY_CTX *generate;
    EVP_PKEY *parameters; /* for groups whose public values are imported into a key of the group */
};

/** Name of a group by its place, 0 to KEX_GROUPS - 1. */
const char *kex_name(unsigned place);
/** @return the place, KEX_GROUPS if there is no such group */
unsigned kex_find(const char *name);

void kex_init(struct kex *, unsigned place);
void kex_reset(struct kex *);

/** A new key pair; the caller frees it. */
EVP_PKEY *kex_generate(struct kex *);
/** @param out  KEX_LEN_MAX bytes  @return length of the public value */
size_t kex_public(const struct kex *, EVP_PKEY *own, uint8_t *out);
/** Import and derive. @param out  KEX_LEN_MAX bytes  @return length of the shared secret */
size_t kex_derive(const struct kex *, EVP_PKEY *own, const uint8_t *public_value, size_t len,
                  uint8_t *out);

/** One side of a handshake: its key pair until the secret is there. */
struct kex_party {
    EVP_PKEY *own;
    uint8_t public_value[KEX_LEN_MAX], shared[KEX_LEN_MAX];
    size_t public_len, shared_len;
};

void kex_offer(struct kex *, struct kex_party *);
/** The key pair is freed. */
void kex_agree(const struct kex *, struct kex_party *, const uint8_t *peer, size_t len);

#endif
