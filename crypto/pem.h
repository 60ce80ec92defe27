/*
 * PEM files (RFC 7468): certificates, CRLs and keys as other programs write them.
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "base/bytes.h"
#include "base/err.h"

enum pem_kind { PEM_CERTIFICATE, PEM_CRL, PEM_PRIVATE_KEY, PEM_PUBLIC_KEY, PEM_KINDS };

enum pem_sizes { PEM_FILE_MAX = 32 << 20 }; /* bytes of a file; a large CRL */

struct pem_item {
    enum pem_kind kind;
    uint8_t *der; /* owned */
    size_t len;
};

struct pem_items {
    struct pem_item *item;
    size_t count;
};

/**
 * Read every block of a file; those of other kinds are skipped. A file in DER is one item of the
 * kind `expected`.
 * @param[out] out  pem_items_reset, also on error
 * @param[out] why  on error, a sentence; errno adds to it for ERR_IO
 * @retval ERR_IO, ERR_LENGTH, ERR_SYNTAX, ERR_UNSUPPORTED (an encrypted key), ERR_MEMORY
 */
enum err pem_read_file(const char *path, enum pem_kind expected, struct pem_items *out,
                       const char **why) MUST_USE;
/** Frees the items; keys are wiped. */
void pem_items_reset(struct pem_items *items);

static inline struct bytes pem_item_bytes(const struct pem_item *i)
{
    return bytes_of(i->der, i->len);
}

#endif
