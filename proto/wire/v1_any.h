/*
 * Any payload body of IKEv1 as one value, as any.h has it for IKEv2; and the payloads that are one
 * run of bytes of a bounded length: KE, HASH, SIG, NONCE, NAT-D, VID.
 */
#ifndef PROTO_WIRE_V1_ANY_H
#define PROTO_WIRE_V1_ANY_H

#include "proto/wire/cert.h"
#include "proto/wire/v1_config.h"
#include "proto/wire/v1_fragment.h"
#include "proto/wire/v1_id.h"
#include "proto/wire/v1_message.h"
#include "proto/wire/v1_notify.h"
#include "proto/wire/v1_sa.h"

enum v1_body_sizes {
    V1_KE_MAX = 1024, /* MODP-8192 */
    V1_HASH_MAX = 64,
    V1_SIGNATURE_MAX = 2048,
    V1_NONCE_MIN = 8, /* RFC 2409 §5 */
    V1_NONCE_MAX = 256,
};

union v1_any_payload {
    struct v1_sa_payload sa;
    struct v1_id id; /* and NAT-OA */
    struct cert_payload cert;
    struct cert_payload certreq; /* data: the name of an authority, may be empty */
    struct v1_notify notify;
    struct v1_delete delete;
    struct v1_config config;
    struct v1_fragment fragment;
    struct bytes bytes;
};

/** The body of KE, HASH, SIG, NONCE, NAT-D. @retval ERR_LENGTH  outside of its bounds; *data is
 * empty */
enum err v1_body_read(uint8_t type, struct bytes body, struct bytes *data) MUST_USE;

/** A Certificate Request: the name of an authority may be left out. @retval ERR_TRUNCATED */
enum err v1_certreq_read(struct bytes body, struct cert_payload *) MUST_USE;

/** The body of a payload of this type; types without a format of their own are opaque bytes. */
enum err v1_any_read(uint8_t type, struct bytes body, union v1_any_payload *) MUST_USE;
/** The same back. */
void v1_any_write(uint8_t type, struct writer *, const union v1_any_payload *);

#endif
