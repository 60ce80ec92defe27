/*
 * The public key by which a peer's signature is judged, from its CERT payloads: read, then believed
 * if it speaks for the identity claimed. RFC 7296 §3.6, RFC 4945, RFC 7670. The same for both
 * versions of IKE, whose payloads differ in their type only.
 */
#ifndef PROTO_CORE_PEER_KEY_H
#define PROTO_CORE_PEER_KEY_H

#include "proto/core/credential.h"
#include "proto/wire/payload.h"

/** What is asked, and of whom; all borrowed. */
struct peer_claim {
    struct crypto *crypto;
    const struct auth_config *auth;
    const struct message_view *in;
    uint8_t cert_type; /* of CERT payloads in it */
    uint8_t id_type;   /* the identity claimed; both versions number types alike */
    struct bytes id;
    int64_t now_s; /* Unix time */
    bool decrypts; /* it is no signature: certificates are read whatever `auth` accepts */
    const struct known_cert *at_hand; /* the peer's, in the place of those of `in`; NULL: none */
};

struct peer_key {
    struct verify_key key;
    struct x509_cert *end_entity; /* NULL: a raw key */
    struct x509_cert *others[CERT_CHAIN_MAX];
    size_t other_count, tried;
    struct bytes raw; /* SubjectPublicKeyInfo of the first raw key */
};

/**
 * The key of the one who signs, if it may be his: the certificate holds the identity, or the raw
 * key is known to be his. Cheap: no path is walked.
 * @param[out] out  peer_key_reset, also on error
 * @param[out] why  what is wrong with a certificate; CERT_VALID: nothing was found yet
 * @retval ERR_SIGNATURE  no key, or none that may be his
 * @retval ERR_TRUNCATED, ERR_LENGTH  a CERT payload that is none; `why` is as it was
 */
enum err peer_key_read(const struct peer_claim *, struct peer_key *out,
                       enum x509_result *why) MUST_USE;
/** Is there a path from an anchor to it? Raw keys need none. @param[out] why  untouched then
 * @retval ERR_SIGNATURE */
enum err peer_key_judge(const struct peer_claim *, const struct peer_key *,
                        enum x509_result *why) MUST_USE;
void peer_key_reset(struct peer_key *);

#endif
