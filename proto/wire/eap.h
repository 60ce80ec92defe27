/* Extensible Authentication payload, RFC 7296 §3.16: one EAP message of RFC 3748 §4. */
#ifndef PROTO_WIRE_EAP_H
#define PROTO_WIRE_EAP_H

#include "base/cursor.h"

struct eap_payload {
    uint8_t code; /* EAP_REQUEST ... */
    uint8_t identifier;
    struct bytes data; /* request, response: type and type data; success, failure: empty */
};

/** @retval ERR_LENGTH  EAP's own length is not the payload's, or does not suit the code */
enum err eap_read(struct bytes body, struct eap_payload *out) MUST_USE;
void eap_write(struct writer *, const struct eap_payload *);

#endif
