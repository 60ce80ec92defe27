/*
 * Numbers and names of the IKEv2 registries (registry.def): `NOTIFY_COOKIE`, `PAYLOAD_SA`,
 * `ENCR_AES_CBC` as constants, and look-ups by number and by name. Knowing a number is not
 * supporting it: what we support is crypto/suite.h.
 */
#ifndef PROTO_WIRE_REGISTRY_H
#define PROTO_WIRE_REGISTRY_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* The registries themselves; ENCR, PRF, INTEG, GROUP, ESN hold transform IDs. */
enum registry {
    REGISTRY_EXCHANGE,
    REGISTRY_PAYLOAD,
    REGISTRY_TRANSFORM_TYPE,
    REGISTRY_ATTRIBUTE,
    REGISTRY_ENCR,
    REGISTRY_PRF,
    REGISTRY_INTEG,
    REGISTRY_GROUP,
    REGISTRY_ESN,
    REGISTRY_ID_TYPE,
    REGISTRY_CERT_ENCODING,
    REGISTRY_AUTH_METHOD,
    REGISTRY_NOTIFY,
    REGISTRY_PROTOCOL,
    REGISTRY_TS_TYPE,
    REGISTRY_CP_TYPE,
    REGISTRY_CP_ATTRIBUTE,
    REGISTRY_HASH_ALGORITHM,
    REGISTRY_EAP_CODE,
};

enum registered {
#define X(registry, symbol, number, name) symbol = number,
#include "proto/wire/registry.def"
#undef X
    NOTIFY_STATUS_FIRST = 16384, /* smaller types are errors (RFC 7296 §3.10.1) */
};

/** The registered name ("IKE_SA_INIT", "SA", "ENCR_AES_CBC"), NULL for an unknown number. */
const char *registry_name(enum registry, uint16_t number);
/** The number of a registered name, compared exactly; false if there is none. */
bool registry_number(enum registry, struct bytes name, uint16_t *number);
/** The name of a transform ID under its transform type; NULL if either is unknown. */
const char *transform_name(uint8_t type, uint16_t id);

#endif
