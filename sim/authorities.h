/*
 * The certification authorities of a simulation: TEST CREDENTIALS, see sim/credentials.h. A root
 * and up to three intermediates below each other for each kind of key, and the same again that
 * nobody trusts. Each is made when the first certificate of it is asked for.
 */
#ifndef SIM_AUTHORITIES_H
#define SIM_AUTHORITIES_H

#include "crypto/test_pki.h"
#include "crypto/x509.h"
#include "sim/scenario.h"

struct authority {
    struct test_key key;
    struct test_cert cert;
};

/** levels[0] is the root; the last one issues the members' certificates. */
struct hierarchy {
    struct authority levels[1 + PKI_INTERMEDIATES_MAX];
    struct rng random;
    const uint64_t *revoked; /* serial numbers, owned */
    size_t revoked_count;
};

struct authorities {
    const struct scenario *scenario;
    struct test_pki *pki; /* borrowed */
    uint32_t level_count;
    struct hierarchy hierarchies[KEY_TYPES][2]; /* [1]: not trusted */
};

void authorities_init(struct authorities *, const struct scenario *, struct test_pki *);
void authorities_reset(struct authorities *);
/** The hierarchy for members with such keys, made if need be. @retval ERR_CRYPTO */
enum err authorities_find(struct authorities *, enum sign_key_type, bool trusted,
                          struct hierarchy **out) MUST_USE;
/** The one that issues the members' certificates. */
const struct authority *authorities_issuer(const struct authorities *, const struct hierarchy *);
/** Note a serial number for the issuer's CRL. @retval ERR_MEMORY */
enum err authorities_revoke(struct hierarchy *, uint64_t serial) MUST_USE;
/**
 * Trust the roots of what was made, with CRLs as `pki.crl` wants them.
 * @param[out] hashes  of the trusted roots' keys, CERT_KEY_HASH_LEN each, KEY_TYPES at most
 * @param[out] len     bytes in `hashes`
 */
enum err authorities_trust(struct authorities *, struct crypto *, struct x509_anchors *,
                           uint8_t *hashes, size_t *len) MUST_USE;

#endif
