/*
 * Attribute payload of Transaction exchanges (Mode-Config and XAUTH, payload type 14; both were
 * Internet drafts that never became RFCs: draft-dukes-ike-mode-cfg, draft-beaulieu-ike-xauth).
 */
#ifndef PROTO_WIRE_V1_CONFIG_H
#define PROTO_WIRE_V1_CONFIG_H

#include "proto/wire/v1_attribute.h"

struct v1_config {
    uint8_t type;            /* enum v1_config_type */
    uint16_t identifier;     /* joins a request with its answer */
    struct bytes attributes; /* a row that was checked */
    uint8_t rounded;         /* up to 3 octets 0 behind it: libreswan rounds the payload up to 4 */
};

/** Unknown types are kept. @retval ERR_TRUNCATED, ERR_FULL; ERR_SYNTAX (RESERVED is not 0) */
enum err v1_config_read(struct bytes body, struct v1_config *) MUST_USE;
void v1_config_write(struct writer *, const struct v1_config *);

#endif
