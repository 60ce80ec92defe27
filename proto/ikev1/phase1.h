/*
 * Phase 1 of one SA while it is being made (RFC 2409 §5): what both sides have said, and what is
 * derived of it. Sans-IO: messages go in and come out by call; who calls sends them, and sends the
 * last one again where main_mode_receive says so or its own patience does.
 */
#ifndef PROTO_IKEV1_PHASE1_H
#define PROTO_IKEV1_PHASE1_H

#include "proto/core/config.h"
#include "proto/ikev1/cipher.h"
#include "proto/ikev1/suite.h"
#include "proto/ip/addr.h"
#include "proto/wire/v1_id.h"
#include "proto/wire/v1_vendor.h"

enum v1_phase1_sizes {
    V1_OUR_NONCE = 32,
    V1_PEER_NONCE_MAX = 256,
    V1_SA_BODY_MAX = 4092, /* nobody has proven anything yet */
    V1_ID_BODY_MAX = 4 + ID_MAX,
    V1_CERTREQS_MAX = 4, /* named in one message; for more we ask without a name */
};

/* X(symbol, name): what we have sent last, or done */
#define V1_STATE_LIST(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(ASKED, "asked")                 /* initiator: message 1 */                                   \
    X(ANSWERED, "answered")           /* responder: 2 */                                           \
    X(KEYS_SENT, "keys_sent")         /* initiator: 3 */                                           \
    X(KEYS_ANSWERED, "keys_answered") /* responder: 4 */                                           \
    X(PROOF_SENT, "proof_sent")       /* initiator: 5 */                                           \
    X(ESTABLISHED, "established")

/** Streams that are forked from that of a phase 1, once each. */
enum v1_fork {
    V1_FORK_KEY_EXCHANGE,
    V1_FORK_SIGNATURE,
    V1_FORK_NONCE,
    V1_FORK_ID,
    V1_FORK_BLINDING
};

enum v1_state {
#define X(symbol, name) V1_STATE_##symbol,
    V1_STATE_LIST(X)
#undef X
        V1_STATE_COUNT
};

const char *v1_state_name(enum v1_state);

/** What phase 1 is given; borrowed for as long as it lasts. */
struct v1_phase1_env {
    struct crypto *crypto;
    const struct ike_config *config; /* proposals, identity, credentials, trust, hard lifetime */
    bool natt;                       /* speak of NATs: RFC 3947 */
    bool initial_contact;            /* as initiator: say that we have no other SA with the peer */
    int64_t now_s;                   /* Unix time by which certificates are judged */
    struct bytes peer_id;            /* data of the identity that the peer must have; empty: any */
    uint8_t peer_id_type;            /* 0: any */
};

struct v1_phase1 {
    struct v1_phase1_env env;
    struct rng random; /* a stream of its own: nonce and key pair are drawn of it */
    enum v1_state state;
    bool initiator;
    uint64_t cky_i, cky_r;
    struct v1_suite suite;
    struct ke_pair pair;
    uint8_t nonce[V1_OUR_NONCE];
    uint8_t peer_nonce[V1_PEER_NONCE_MAX];
    uint16_t peer_nonce_len;
    uint8_t peer_ke[KE_PUBLIC_MAX];
    uint8_t sai_b[V1_SA_BODY_MAX]; /* the initiator's SA payload: HASH covers it */
    uint16_t sai_len;
    struct ikev1_keys keys;
    struct v1_cipher cipher;         /* at the end its IV is what phase 2 begins with */
    uint8_t peer_id[V1_ID_BODY_MAX]; /* the body of its ID payload, proven */
    uint16_t peer_id_len;
    unsigned peer_vendors;      /* set of 1 << enum v1_vendor */
    bool natt;                  /* both speak of NATs, and have */
    bool nat_local, nat_remote; /* one lies before us, before the peer */
    bool initial_contact;       /* the peer has no other SA with us, it says */
    bool certs_asked;           /* by the peer, with CERTREQ */
    uint8_t certificate;        /* enum x509_result: what was wrong with the peer's, which is told
                                   where all else is as before a message that failed */
    uint64_t consumed;          /* digest of the peer's last message; 0: none */
    bool answered;              /* and ours answered it */
};

/** What is left of phase 1 when it is over: everything under a message ID stands on it. Borrowed.
 */
struct v1_established {
    struct crypto *crypto;
    const struct hash_suite *hash;
    const struct ikev1_keys *keys;  /* SKEYID_d and SKEYID_a of it */
    const struct v1_cipher *cipher; /* its key, and as IV the last block of phase 1 */
    uint64_t cky_i, cky_r;
};

/** @param cookie  ours, not 0 @param random  a stream of its own */
void v1_phase1_init(struct v1_phase1 *, const struct v1_phase1_env *, bool initiator,
                    uint64_t cookie, struct rng random);
/** Wipes everything. */
void v1_phase1_reset(struct v1_phase1 *);

/** Of one that is ESTABLISHED; views. */
struct v1_established v1_phase1_established(const struct v1_phase1 *);

/** It is of this exchange and message ID under that SA, and encrypted. @retval ERR_STATE  of
 * another exchange, or in the clear @retval ERR_MESSAGE_ID  of another SA or message ID */
enum err v1_header_check(const struct v1_established *, const struct ike_header *, uint8_t exchange,
                         uint32_t message_id) MUST_USE;

/** The chain of a message ID, at its beginning (RFC 2409 appendix B). @retval ERR_UNSUPPORTED,
 * ERR_CRYPTO */
enum err v1_cipher_of(const struct v1_established *, uint32_t message_id,
                      struct v1_cipher *out) MUST_USE;

/** g^xi and g^xr, the bodies of both KE payloads. */
struct bytes v1_phase1_g_xi(const struct v1_phase1 *);
struct bytes v1_phase1_g_xr(const struct v1_phase1 *);

/** Nonces are there on both sides, and the peer's value is `peer_ke`: the keys, and the first IV.
 * @retval ERR_KEY_EXCHANGE  the value is refused, or our own come back; nothing has changed */
enum err v1_phase1_derive(struct v1_phase1 *) MUST_USE;

/** HASH_I (of the initiator) or HASH_R over this body of an ID payload, as it is sent or signed. */
enum err v1_phase1_hash(const struct v1_phase1 *, bool of_initiator, struct bytes id_b,
                        uint8_t out[IKEV1_HASH_MAX], size_t *len) MUST_USE;

/** The body of our own ID payload, in phase 1 of any protocol and port (RFC 2407 §4.6.2). */
struct bytes v1_phase1_own_id(const struct v1_phase1 *, uint8_t room[V1_ID_BODY_MAX]);

#endif
