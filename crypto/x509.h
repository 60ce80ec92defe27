/*
 * Certificates as IKE uses them: reading, path validation against trust anchors and CRLs handed in
 * (RFC 5280 §6), the identity a certificate speaks for (RFC 4945 §3). The time of judgement is an
 * argument. Nothing is fetched: no CRL distribution points, no OCSP, no AIA. Path validation is
 * real with both providers; the meter is ticked for its parts.
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "base/bytes.h"
#include "base/err.h"
#include "crypto/provider.h"

struct x509_cert; /* one certificate, read */
/** Trust anchors and CRLs, shared by all SAs of an endpoint; of one thread, as verifying keeps
 * contexts in it. */
struct x509_anchors;

enum x509_limits {
    CERT_DER_MAX = 16384,    /* a certificate */
    CERT_CRL_MAX = 16777216, /* a CRL; they come from files, not from peers */
    CERT_CHAIN_MAX = 10,     /* intermediates that a peer may hand in, and of a path */
    CERT_KEY_HASH_LEN = 20,
};

/* X(name, sentence) */
#define CERT_RESULT_LIST(X)                                                                        \
    X(CERT_VALID, "the certificate is valid")                                                      \
    X(CERT_TOO_LARGE, "the certificate is longer than we read")                                    \
    X(CERT_MALFORMED, "it is no X.509 certificate in DER")                                         \
    X(CERT_KEY, "the certificate holds a key that we cannot use")                                  \
    X(CERT_TOO_MANY, "more certificates than a chain may have")                                    \
    X(CERT_NO_ANCHOR, "no path leads to a trust anchor")                                           \
    X(CERT_SIGNATURE, "a signature in the path does not verify")                                   \
    X(CERT_NOT_YET_VALID, "a certificate in the path is not valid yet")                            \
    X(CERT_EXPIRED, "a certificate in the path is expired")                                        \
    X(CERT_NOT_CA, "an issuer in the path is no CA")                                               \
    X(CERT_PATH_LENGTH, "the path is longer than a CA in it allows")                               \
    X(CERT_KEY_USAGE, "the key usage does not allow this use")                                     \
    X(CERT_PURPOSE, "the extended key usage does not include IKE")                                 \
    X(CERT_CRITICAL, "a critical extension is unknown")                                            \
    X(CERT_NAME_CONSTRAINT, "a CA in the path is not allowed to certify this name")                \
    X(CERT_WEAK, "a key or hash in the path is too weak")                                          \
    X(CERT_NO_CRL, "no CRL of an issuer in the path is at hand")                                   \
    X(CERT_BAD_CRL, "the CRL at hand is not valid now")                                            \
    X(CERT_REVOKED, "a certificate in the path is revoked")                                        \
    X(CERT_IDENTITY, "the certificate does not speak for this identity")                           \
    X(CERT_MEMORY, "out of memory")                                                                \
    X(CERT_OTHER, "the library refuses the path for another reason")

enum x509_result {
#define X(name, text) name,
    CERT_RESULT_LIST(X)
#undef X
        CERT_RESULT_COUNT
};

const char *x509_result_name(enum x509_result result);
const char *x509_result_text(enum x509_result result);

/* ------------------------------------------------------------------- one certificate */

/**
 * Read a certificate. Ticks METER_CERT_PARSE, also for what is refused after reading.
 * @param[out] out  owned by the caller, who may share it with others; NULL on error
 * @return CERT_VALID (read, not judged), CERT_TOO_LARGE, CERT_MALFORMED or CERT_MEMORY
 */
enum x509_result x509_read(struct crypto *c, struct bytes der, struct x509_cert **out) MUST_USE;
void x509_free(struct x509_cert *cert);

/** Views that live as long as the certificate. */
struct bytes x509_der(const struct x509_cert *cert);
struct bytes x509_tbs(const struct x509_cert *cert);     /* what is signed (RFC 5280 §4.1.1.1) */
struct bytes x509_subject(const struct x509_cert *cert); /* Name in DER: an ID_DER_ASN1_DN */
struct bytes x509_spki(const struct x509_cert *cert);    /* SubjectPublicKeyInfo: verify_key_load */
/** SHA-1 of the SubjectPublicKeyInfo: names a CA in CERTREQ (RFC 7296 §3.7). */
struct bytes x509_key_hash(const struct x509_cert *cert);

/** ID types of RFC 7296 §3.5 that a certificate can speak for. */
enum x509_id_type {
    CERT_ID_IPV4_ADDR = 1,
    CERT_ID_FQDN = 2,
    CERT_ID_RFC822_ADDR = 3,
    CERT_ID_IPV6_ADDR = 5,
    CERT_ID_DER_ASN1_DN = 9,
};

/**
 * Does the certificate speak for this identity?                          RFC 4945 §3.1, §5.1.3
 *
 * Names of hosts and mail addresses are compared with the subjectAltName only, never with the
 * common name, without wildcards; case counts in the local part of a mail address only. A DN is
 * compared with the subject (RFC 5280 §7.1). Every other type is no match.
 * @return CERT_VALID or CERT_IDENTITY
 */
enum x509_result x509_matches(const struct x509_cert *cert, uint8_t id_type, struct bytes value);

/**
 * An identity that the certificate speaks for: the first name of its subjectAltName that is one,
 * else its subject.
 * @param[out] value  owned by the certificate
 * @return the type; 0: none
 */
uint8_t x509_identity(const struct x509_cert *cert, struct bytes *value);

/* ------------------------------------------------------------------- anchors and paths */

/** NULL when out of memory. */
struct x509_anchors *x509_anchors_create(void);
void x509_anchors_free(struct x509_anchors *store);
/** Trust this CA. It is judged as an anchor: its own issuer does not matter. */
enum x509_result x509_anchors_trust(struct x509_anchors *store,
                                    const struct x509_cert *anchor) MUST_USE;
/** The subject (Name in DER) of the CA that was trusted n-th, from 0; owned by the store. Empty:
 * there are no more. CERTREQ of IKEv1 names it (RFC 2408 §3.10). */
struct bytes x509_anchors_name(const struct x509_anchors *store, size_t n);
/** Add a CRL in DER; its signature is judged when it is used. The newest of an issuer counts. */
enum x509_result x509_anchors_add_crl(struct x509_anchors *store, struct bytes der) MUST_USE;

enum x509_crl_mode {
    CERT_CRL_OFF,
    CERT_CRL_IF_PRESENT, /* an issuer of whom we have no CRL revokes nothing */
    CERT_CRL_REQUIRED,   /* every issuer in the path needs a CRL */
};

struct x509_check {
    int64_t now_s; /* Unix time */
    enum x509_crl_mode crl;
    bool tls_purpose; /* serverAuth or clientAuth is taken where IKE's own purpose is missing */
    const struct x509_cert *const *intermediates; /* not trusted, in any order */
    size_t intermediate_count;
    /** The certificate's key, if it has been loaded: then the usual certificate is judged quicker.
     * NULL: not. */
    const struct verify_key *key;
};

/**
 * Is there a valid path from an anchor to this certificate, and may it sign in IKE?
 *                                                     RFC 5280 §6.1, RFC 4945 §5.1.3.2, §5.1.3.12
 * Ticks METER_CERT_CHECK for each certificate of the path and METER_VERIFY_* for each signature.
 * @return CERT_VALID, or the first reason against it
 */
enum x509_result x509_verify(struct crypto *c, const struct x509_anchors *store,
                             const struct x509_cert *cert, const struct x509_check *check) MUST_USE;

#endif
