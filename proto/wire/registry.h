/*
 * The IANA numbers of IKEv2 as enums, made from registry.def, and the names of both versions'
 * numbers (those of IKEv1: v1_registry.h). A number without a name here is not an error anywhere:
 * codecs carry numbers.
 */
#ifndef PROTO_WIRE_REGISTRY_H
#define PROTO_WIRE_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

enum exchange_type {
#define EXCHANGE(number, name) EXCHANGE_##name = number,
#include "proto/wire/registry.def"
};

enum payload_type {
#define PAYLOAD(number, name, notation) PAYLOAD_##name = number,
#include "proto/wire/registry.def"
};

enum transform_type {
#define TRANSFORM_TYPE(number, name) TRANSFORM_##name = number,
#include "proto/wire/registry.def"
};

enum encr_id {
#define ENCR(number, name) ENCR_##name = number,
#include "proto/wire/registry.def"
};

enum prf_id {
#define PRF(number, name) PRF_##name = number,
#include "proto/wire/registry.def"
};

enum integ_id {
#define INTEG(number, name) INTEG_##name = number,
#include "proto/wire/registry.def"
};

enum ke_group {
#define KE_GROUP(number, name) KE_GROUP_##name = number,
#include "proto/wire/registry.def"
};

enum esn_id {
#define ESN(number, name) ESN_##name = number,
#include "proto/wire/registry.def"
};

enum transform_attribute {
#define ATTRIBUTE(number, name) ATTRIBUTE_##name = number,
#include "proto/wire/registry.def"
};

enum notify_type {
#define NOTIFY(number, name) NOTIFY_##name = number,
#include "proto/wire/registry.def"
    NOTIFY_FIRST_STATUS = 16384, /* RFC 7296 §3.10.1: errors lie below */
};

enum id_type {
#define ID(number, name) ID_##name = number,
#include "proto/wire/registry.def"
};

enum auth_method {
#define AUTH_METHOD(number, name) AUTH_METHOD_##name = number,
#include "proto/wire/registry.def"
};

enum sa_protocol {
    SA_PROTOCOL_NONE = 0, /* only in Notify, where no SA is meant (RFC 7296 §3.10) */
#define SA_PROTOCOL(number, name) SA_PROTOCOL_##name = number,
#include "proto/wire/registry.def"
};

enum ts_type {
#define TS(number, name) TS_##name = number,
#include "proto/wire/registry.def"
};

enum cert_encoding {
#define CERT(number, name) CERT_##name = number,
#include "proto/wire/registry.def"
};

enum cfg_type {
#define CFG(number, name) CFG_##name = number,
#include "proto/wire/registry.def"
};

enum config_attribute {
#define CONFIG(number, name) CONFIG_##name = number,
#include "proto/wire/registry.def"
};

enum hash_id {
#define HASH(number, name) HASH_##name = number,
#include "proto/wire/registry.def"
};

enum eap_code {
#define EAP_CODE(number, name) EAP_CODE_##name = number,
#include "proto/wire/registry.def"
};

enum registry {
    REGISTRY_EXCHANGE,
    REGISTRY_PAYLOAD, /* in the notation of RFC 7296 §1.2: "SA", "IDi", "N" */
    REGISTRY_TRANSFORM_TYPE,
    REGISTRY_ENCR,
    REGISTRY_PRF,
    REGISTRY_INTEG,
    REGISTRY_KE_GROUP,
    REGISTRY_ESN,
    REGISTRY_NOTIFY,
    REGISTRY_ID,
    REGISTRY_AUTH_METHOD,
    REGISTRY_SA_PROTOCOL,
    REGISTRY_TS,
    REGISTRY_CERT,
    REGISTRY_CFG,
    REGISTRY_CONFIG,
    REGISTRY_HASH,
    REGISTRY_EAP_CODE,
    /* of IKEv1 */
    REGISTRY_V1_EXCHANGE,
    REGISTRY_V1_PAYLOAD,
    REGISTRY_V1_PROTOCOL,
    REGISTRY_V1_OAKLEY,
    REGISTRY_V1_ENCR,
    REGISTRY_V1_HASH,
    REGISTRY_V1_AUTH,
    REGISTRY_V1_LIFE,
    REGISTRY_V1_IPSEC,
    REGISTRY_V1_ESP,
    REGISTRY_V1_AH,
    REGISTRY_V1_INTEG,
    REGISTRY_V1_MODE,
    REGISTRY_V1_ID,
    REGISTRY_V1_NOTIFY,
    REGISTRY_V1_CONFIG,
    REGISTRY_V1_CONFIG_ATTRIBUTE,
    REGISTRY_COUNT,
};

/** The name of a number, "IKE_SA_INIT" or "NAT_DETECTION_SOURCE_IP"; NULL if it has none here. */
const char *registry_name(enum registry, unsigned number);
/** The number of a name, compared exactly. @return false if there is none; *number untouched */
bool registry_number(enum registry, const char *name, unsigned *number);

static inline const char *exchange_name(uint8_t exchange)
{
    return registry_name(REGISTRY_EXCHANGE, exchange);
}

static inline const char *payload_name(uint8_t type)
{
    return registry_name(REGISTRY_PAYLOAD, type);
}

static inline const char *notify_name(uint16_t type)
{
    return registry_name(REGISTRY_NOTIFY, type);
}

static inline bool notify_is_error(uint16_t type)
{
    return type < NOTIFY_FIRST_STATUS;
}

#endif
