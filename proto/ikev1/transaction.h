/*
 * One Transaction exchange under an SA: a message that asks or sets, and one that answers it, each
 * HDR*, HASH, ATTR. What the attributes mean is config.h's matter.
 * draft-dukes-ike-mode-cfg-02 section 2, section 3.
 */
#ifndef PROTO_IKEV1_TRANSACTION_H
#define PROTO_IKEV1_TRANSACTION_H

#include "proto/ikev1/phase1.h"
#include "proto/wire/v1_config.h"

enum v1_transaction_state {
    V1_TRANSACTION_NONE,
    V1_TRANSACTION_ASKED, /* by us */
    V1_TRANSACTION_TAKEN, /* the peer's message is here, and to be answered */
    V1_TRANSACTION_DONE,
};

struct v1_transaction {
    struct v1_established sa;
    enum v1_transaction_state state;
    uint32_t message_id;     /* 0: nothing was said yet */
    struct v1_cipher cipher; /* its chain of IVs */
    uint8_t type;            /* of the first message: V1_CONFIG_REQUEST or V1_CONFIG_SET */
    uint16_t identifier;     /* of it, and so of the second */
    uint64_t consumed;       /* digest of the peer's message; 0: none */
};

/**
 * Begin one, as who asks or as who is asked.
 * @param message_id  not 0, not used before under this SA
 * @retval ERR_UNSUPPORTED, ERR_CRYPTO  no IV could be made
 */
enum err v1_transaction_init(struct v1_transaction *, const struct v1_established *,
                             uint32_t message_id) MUST_USE;

/** The first message. @param what  a REQUEST or a SET @retval ERR_SPACE, ERR_CRYPTO */
enum err v1_transaction_ask(struct v1_transaction *, const struct v1_config *what, struct buf out,
                            struct bytes *message) MUST_USE;
/** The second, with type and identifier that answer the first. @retval ERR_SPACE, ERR_CRYPTO */
enum err v1_transaction_answer(struct v1_transaction *, struct bytes attributes, struct buf out,
                               struct bytes *message) MUST_USE;

/** Whether this message was taken already: what answered it, if anything, is to be sent again. */
bool v1_transaction_again(const struct v1_transaction *, struct bytes message);
/**
 * The peer's message; its bytes are decrypted in place. On error nothing has changed.
 * @param[out] what  views into `message`
 * @retval ERR_STATE       not its turn, of another exchange, or in the clear
 * @retval ERR_MESSAGE_ID  another message ID or cookies
 * @retval ERR_ICV         HASH is wrong
 * @retval ERR_MISSING, ERR_SYNTAX  HASH first, then one ATTR, and nothing else but vendor IDs; an
 *                         answer to something else
 * @retval ERR_UNSUPPORTED a type of message that is not defined
 * @retval others          as the readers of the payloads
 */
enum err v1_transaction_read(struct v1_transaction *, struct bytes message,
                             struct v1_config *what) MUST_USE;

#endif
