/*
 * Identification payload of IKEv1 (RFC 2407 §4.6.2), in phase 2 the traffic of one side; and
 * NAT-OA (RFC 3947 §5.2), which has the form of one. In the public-key encryption modes of
 * RFC 2409 §5.2, §5.3 the body is ciphertext, and not for these readers.
 */
#ifndef PROTO_WIRE_V1_ID_H
#define PROTO_WIRE_V1_ID_H

#include "base/cursor.h"

struct v1_id {
    uint8_t type;     /* enum v1_id_type; unknown types are kept */
    uint8_t protocol; /* 0: any; phase 1: 0 or 17 (UDP) */
    uint16_t port;    /* 0: any; phase 1: 0 or 500 */
    struct bytes data;
};

/**
 * The body as a whole is what HASH_I and HASH_R cover: use payload_view.body for that.
 * @retval ERR_TRUNCATED
 * @retval ERR_LENGTH  data of a size that its type does not have: addresses 4 and 16 bytes, subnets
 *                     and ranges twice that, others at least 1
 */
enum err v1_id_read(struct bytes body, struct v1_id *) MUST_USE;
void v1_id_write(struct writer *, const struct v1_id *);

/** As v1_id_read. @retval ERR_SYNTAX  not one address, or protocol and port are not 0 */
enum err v1_nat_oa_read(struct bytes body, struct v1_id *) MUST_USE;

#endif
