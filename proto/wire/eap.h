/* Extensible Authentication Protocol payload (RFC 7296 §3.16, RFC 3748 §4): the frame only. */
#ifndef PROTO_WIRE_EAP_H
#define PROTO_WIRE_EAP_H

#include "base/cursor.h"

struct eap_payload {
    uint8_t code; /* enum eap_code */
    uint8_t identifier;
    uint8_t type;      /* request and response only, else 0 */
    struct bytes data; /* type data; request and response only */
};

/**
 * @retval ERR_LENGTH  the EAP Length is not the payload's, success or failure is not 4 bytes, or a
 *                     request or response has no Type
 * @retval ERR_SYNTAX  unknown code
 * @retval ERR_TRUNCATED
 */
enum err eap_read(struct bytes body, struct eap_payload *) MUST_USE;
void eap_write(struct writer *, const struct eap_payload *);

#endif
