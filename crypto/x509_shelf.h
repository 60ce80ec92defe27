/*
 * Certificates that were read last, by their bytes: clients of one gateway are shown the same one
 * by it every time. Reading is all that is spared; what is judged is judged anew. Private to
 * crypto.
 */
#ifndef CRYPTO_X509_SHELF_H
#define CRYPTO_X509_SHELF_H

#include "crypto/x509.h"

/** One more user of the certificate of this encoding; NULL: it does not lie here. */
struct x509_cert *x509_shelf_find(const struct x509_shelf *, struct bytes der);
/** The oldest makes room. `shelf` is made when there is none; out of memory it is left out. */
void x509_shelf_put(struct x509_shelf **shelf, struct x509_cert *);
/** NULL is fine. For the makers of the provider, which own it. */
void x509_shelf_free(struct x509_shelf *);

#endif
