/*
 * The certificates that most peers have: end entity <- trust anchor, with nothing unusual in either
 * and no CRLs. A valid one is recognised here with one signature to verify and no library path;
 * whatever is not plainly valid is left to X509_verify_cert, which knows why. Private to crypto.
 */
#ifndef CRYPTO_X509_DIRECT_H
#define CRYPTO_X509_DIRECT_H

#include "crypto/key_use.h"
#include "crypto/x509_cert.h"

struct x509_direct {
    struct direct_anchor *anchor; /* in the order in which they were trusted */
    size_t count;
};

/** @param whole  the anchor with its key; shared @return false: out of memory */
bool x509_direct_trust(struct x509_direct *, const struct x509_cert *anchor, X509 *whole);
void x509_direct_reset(struct x509_direct *);
/** Name in DER of anchor `n`; empty: there are no more. */
struct bytes x509_direct_name(const struct x509_direct *, size_t n);

/**
 * Is the certificate valid by such an anchor at check->now_s?                        RFC 5280 §6.1
 * What RFC 4945 adds is not looked at. Ticks as x509_verify, if it is valid.
 * @return false: perhaps, perhaps not
 */
bool x509_direct_valid(const struct x509_direct *, struct crypto *, const struct x509_cert *,
                       const struct x509_check *);

#endif
