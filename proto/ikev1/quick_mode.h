/*
 * Quick Mode, both sides, with and without PFS (RFC 2409 §5.5): one child SA of ESP under an SA of
 * phase 1. Sans-IO as main_mode.h.
 */
#ifndef PROTO_IKEV1_QUICK_MODE_H
#define PROTO_IKEV1_QUICK_MODE_H

#include "proto/ikev1/esp_suite.h"
#include "proto/ikev1/phase1_message.h"
#include "proto/ip/selector.h"

/* X(symbol, name): what we have sent last, or done */
#define V1_QUICK_LIST(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(ASKED, "asked")       /* initiator: message 1 */                                             \
    X(ANSWERED, "answered") /* responder: 2; what receives may be installed */                     \
    X(DONE, "done")         /* both directions may be */

enum v1_quick_state {
#define X(symbol, name) V1_QUICK_##symbol,
    V1_QUICK_LIST(X)
#undef X
        V1_QUICK_COUNT
};

const char *v1_quick_state_name(enum v1_quick_state);

/** What a Quick Mode is given; borrowed for as long as it lasts. */
struct v1_quick_env {
    struct v1_established sa;
    const struct child_config *config; /* proposals, mode, lifetime, selectors */
    bool udp;                          /* ESP goes in UDP (RFC 3947 §5.1) */
    struct ip_addr local, remote;      /* as initiator: the outer ones, for NAT-OA */
};

struct v1_quick {
    struct v1_quick_env env;
    struct rng random; /* a stream of its own */
    enum v1_quick_state state;
    bool initiator; /* of this exchange, whoever began phase 1 */
    uint32_t message_id;
    struct v1_cipher cipher; /* its chain of IVs */
    uint32_t spi_in, spi_out;
    uint8_t nonce[V1_OUR_NONCE];
    uint8_t peer_nonce[V1_PEER_NONCE_MAX];
    uint16_t peer_nonce_len;
    struct ke_pair pair; /* PFS */
    /* What came out of it */
    struct v1_esp_suite suite;
    /* The traffic: what we and the peer protect. An initiator may set them before it starts; else
     * they are the first of the configuration. Of transport mode in UDP they are of the addresses
     * that this end sees, whatever ID payloads say. */
    struct selector local, remote;
    uint8_t key_in[IKEV1_KEYMAT_MAX], key_out[IKEV1_KEYMAT_MAX]; /* v1_esp_key_len of it */
    uint64_t consumed; /* digest of the peer's message that ours answered; 0: none */
};

/** A message of the peer's whose HASH is right; views into it. */
struct v1_quick_opened {
    struct message_view in;
    unsigned number; /* 1 to 3 */
    uint8_t iv[IV_MAX];
    uint64_t digest;
};

/**
 * @param message_id  not 0; of the initiator's choice, as responder the one that was received
 * @param spi_in      ours, from 256 on (RFC 4303 §2.1); as responder it may be 0, as `random` may
 * be nothing: both are then to be set before the first message is taken
 * @param random      a stream of its own
 * @retval ERR_UNSUPPORTED, ERR_CRYPTO  no IV could be made
 */
enum err v1_quick_init(struct v1_quick *, const struct v1_quick_env *, bool initiator,
                       uint32_t message_id, uint32_t spi_in, struct rng random) MUST_USE;
/** Wipes everything. */
void v1_quick_reset(struct v1_quick *);

/**
 * Message 1, for the first selector of each side in the configuration.
 * @retval ERR_UNSUPPORTED  proposals or selectors that IKEv1 cannot say: a range of ports, OPAQUE
 * @retval ERR_FULL, ERR_SPACE, ERR_CRYPTO
 */
enum err v1_quick_start(struct v1_quick *, struct buf out, struct bytes *message) MUST_USE;

/**
 * Open a message of this Quick Mode, 1 to 3 as it is our turn, and judge its HASH: before that
 * anybody may have written it. Its bytes are decrypted in place.
 *
 * @retval ERR_STATE         not its turn, of another exchange, or in the clear
 * @retval ERR_MESSAGE_ID    another message ID or cookies
 * @retval ERR_SYNTAX, ERR_MISSING  HASH is not the first payload, or there are no others
 * @retval ERR_ICV           HASH is wrong
 * @retval others            as the readers of the payloads
 */
enum err v1_quick_open(const struct v1_quick *, struct bytes message,
                       struct v1_quick_opened *) MUST_USE;
/**
 * Take what was opened; `arrival` also tells the traffic where no ID payloads do: that of the two
 * addresses (RFC 2409 §5.5). On error nothing has changed.
 *
 * @retval ERR_DUPLICATE, ERR_MISSING, ERR_SYNTAX  payloads; the order that §5.5 wants; one NAT-OA
 * alone, or of no address; an SPI that is reserved, or our own: KEYMAT would be the same in both
 * directions
 * @retval ERR_NO_PROPOSAL, ERR_TS, ERR_KEY_EXCHANGE
 * @retval others            as the readers of the payloads
 */
enum err v1_quick_take(struct v1_quick *, const struct v1_quick_opened *, const struct v1_arrival *,
                       struct buf out, struct bytes *message) MUST_USE;
/** Both in one. V1_AGAIN: what answered it is to be sent again. */
enum err v1_quick_receive(struct v1_quick *, const struct v1_arrival *, struct buf out,
                          enum v1_next *next, struct bytes *message) MUST_USE;

#endif
