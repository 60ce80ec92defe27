/*
 * Any payload body as one value, read and written by its type: for those who take messages whole
 * instead of payload by payload as an exchange does (codec tests, fuzzing, benchmarks).
 */
#ifndef PROTO_WIRE_ANY_H
#define PROTO_WIRE_ANY_H

#include "proto/wire/auth.h"
#include "proto/wire/cert.h"
#include "proto/wire/cp.h"
#include "proto/wire/delete.h"
#include "proto/wire/eap.h"
#include "proto/wire/id.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"
#include "proto/wire/notify.h"
#include "proto/wire/payload.h"
#include "proto/wire/sa.h"
#include "proto/wire/ts.h"
#include "proto/wire/vendor.h"

union any_payload {
    struct sa_payload sa;
    struct ke_payload ke;
    struct id_payload id;
    struct cert_payload cert;
    struct certreq_payload certreq;
    struct auth_payload auth;
    struct bytes nonce;
    struct notify_payload notify;
    struct delete_payload delete;
    struct vendor_payload vendor;
    struct ts_payload ts;
    struct cp_payload cp;
    struct eap_payload eap;
};

/** The body of a payload of this type; types without a format of their own are opaque bytes. */
enum err any_read(uint8_t type, struct bytes body, union any_payload *) MUST_USE;
/** The same back. A CP payload is written attribute by attribute. */
void any_write(uint8_t type, struct writer *, const union any_payload *);

#endif
