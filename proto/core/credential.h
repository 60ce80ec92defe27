/*
 * How the two sides of an IKE SA prove who they are: what an endpoint shows of itself and whom it
 * believes. Plain data made by the driver; keys, certificates and anchors are borrowed and shared
 * by all SAs, endpoints too. RFC 7296 §2.15, RFC 7427, RFC 7670, RFC 7619; in IKEv1 a user's name
 * and password as well (XAUTH, draft-beaulieu-ike-xauth-02).
 */
#ifndef PROTO_CORE_CREDENTIAL_H
#define PROTO_CORE_CREDENTIAL_H

#include "crypto/sign.h"
#include "crypto/x509.h"

/* X(symbol, name in results) */
#define AUTH_WAY_LIST(X)                                                                           \
    X(PSK, "psk")                 /* a shared key, RFC 7296 §2.15 */                              \
    X(CERTIFICATE, "certificate") /* a signature; the key is in an X.509 certificate */            \
    X(RAW_KEY, "raw_key") /* a signature; the key comes by itself and is known: RFC 7670 */        \
    X(NULL, "null")       /* nothing is proven: RFC 7619 */                                        \
    /* IKEv1: reading what was encrypted to the key in a certificate, RFC 2409 §5.2; the same in  \
     * the revised mode, §5.3 */                                                                  \
    X(RSA_ENCRYPTION, "rsa_encryption")                                                            \
    X(RSA_REVISED, "rsa_encryption_revised")

enum auth_way {
#define X(symbol, name) AUTH_##symbol,
    AUTH_WAY_LIST(X)
#undef X
        AUTH_WAYS
};

const char *auth_way_name(enum auth_way);
#define AUTH_BIT(way) (1u << (way))

/** Of IKEv1 only. */
static inline bool auth_encrypts(enum auth_way way)
{
    return way == AUTH_RSA_ENCRYPTION || way == AUTH_RSA_REVISED;
}

/** When certificates are sent, in strongSwan's words. */
enum send_cert { SEND_CERT_IF_ASKED, SEND_CERT_ALWAYS, SEND_CERT_NEVER };

/** What an endpoint signs with, and what it shows of it. */
struct ike_credential {
    const struct sign_key *key;
    /** For method 14, if the peer announced its hash; else the first that fits. NULL: the first. */
    const struct sign_suite *suite;
    /** DER. AUTH_CERTIFICATE: the end entity's, then intermediates. AUTH_RAW_KEY: one SPKI. */
    const struct bytes *certs;
    size_t cert_count;
    enum send_cert send;
};

/** A public key that is believed, and of whom. */
struct known_key {
    struct bytes spki; /* SubjectPublicKeyInfo in DER */
    uint8_t id_type;   /* of the one identity it speaks for; 0: of any */
    struct bytes id;
};

/** The certificate of a peer that shows none, as of one that is encrypted to (RFC 2409 §5.2). It is
 * judged like others. */
struct known_cert {
    uint8_t id_type; /* of whom it is */
    struct bytes id;
    const struct bytes *certs; /* DER: the end entity's, then intermediates */
    size_t cert_count;         /* 1 at least */
};

/** Whom an endpoint believes. */
struct ike_trust {
    const struct x509_anchors *anchors; /* NULL: no certificate is believed */
    struct bytes authorities;           /* SHA-1 key hashes of the anchors, for CERTREQ */
    enum x509_crl_mode crl;
    bool tls_purpose; /* as in struct x509_check */
    /** In ascending order of known_key_compare. */
    const struct known_key *keys;
    size_t key_count;
    /** In ascending order of known_cert_compare, one of each identity. */
    const struct known_cert *certs;
    size_t cert_count;
    const struct known_cert *called; /* of whom we call; NULL: nobody's */
};

struct auth_config {
    enum auth_way way;
    /** Sign with methods 1 and 9-11, as if there were no RFC 7427; strongSwan's
     * `signature_authentication = no`. */
    bool older_methods;
    unsigned accepted; /* set of AUTH_BIT: how the peer may prove itself; 0: as we do */
    struct ike_credential credential;
    struct ike_trust trust;
    /**
     * Before a peer's proof is judged the driver is asked (EVENT_REQUEST) and the exchange waits:
     * a CRL or OCSP responder, an AAA server.
     */
    bool look_up;
};

static inline bool auth_accepts(const struct auth_config *c, enum auth_way way)
{
    return (c->accepted ? c->accepted : AUTH_BIT(c->way)) & AUTH_BIT(way);
}

/** What an endpoint is in XAUTH, where one side is known by name once phase 1 is over. */
enum xauth_role {
    XAUTH_NONE,    /* nobody is */
    XAUTH_USER,    /* we are */
    XAUTH_GATEWAY, /* the peer is */
};

/** Test credentials in simulations. */
struct xauth_user {
    struct bytes name, password;
};

struct xauth_config {
    enum xauth_role role;
    /** XAUTH_USER: the first is who we are. XAUTH_GATEWAY: who may come, in ascending order of
     * xauth_user_compare. Borrowed. */
    const struct xauth_user *users;
    size_t user_count;
    uint8_t tries; /* gateway: answers that it listens to; 0 is 1 */
};

/** The order of a gateway's users: by name. For qsort and bsearch. */
int xauth_user_compare(const void *a, const void *b);
/** Who has this name and this password; NULL: nobody. */
const struct xauth_user *xauth_user_find(const struct xauth_config *, struct bytes name,
                                         struct bytes password);

/** The order of struct ike_trust.keys: by SPKI, then by identity. For qsort and bsearch. */
int known_key_compare(const void *a, const void *b);
/** The order of struct ike_trust.certs: by identity. For qsort and bsearch. */
int known_cert_compare(const void *a, const void *b);
/** NULL: there is none. */
const struct known_cert *known_cert_find(const struct ike_trust *, uint8_t id_type,
                                         struct bytes id);
/** Whether this key speaks for this identity. */
bool known_key_find(const struct ike_trust *, struct bytes spki, uint8_t id_type, struct bytes id);

#endif
