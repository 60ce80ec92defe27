/*
 * The numbers of IKEv1 as enums, made from v1_registry.def. Their names are found like all others:
 * registry_name(REGISTRY_V1_PAYLOAD, 4) is "KE" (registry.h).
 */
#ifndef PROTO_WIRE_V1_REGISTRY_H
#define PROTO_WIRE_V1_REGISTRY_H

#include "proto/wire/registry.h"

enum v1_exchange_type {
#define V1_EXCHANGE(number, name) V1_EXCHANGE_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_payload_type {
#define V1_PAYLOAD(number, name, notation) V1_PAYLOAD_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_protocol {
#define V1_PROTOCOL(number, name) V1_PROTOCOL_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_oakley_attribute {
#define V1_OAKLEY(number, name) V1_OAKLEY_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_encr_id {
#define V1_ENCR(number, name) V1_ENCR_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_hash_id {
#define V1_HASH(number, name) V1_HASH_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_auth_method {
#define V1_AUTH(number, name) V1_AUTH_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_life_type {
#define V1_LIFE(number, name) V1_LIFE_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_ipsec_attribute {
#define V1_IPSEC(number, name) V1_IPSEC_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_esp_id {
#define V1_ESP(number, name) V1_ESP_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_ah_id {
#define V1_AH(number, name) V1_AH_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_integ_id {
#define V1_INTEG(number, name) V1_INTEG_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_mode {
#define V1_MODE(number, name) V1_MODE_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_id_type {
#define V1_ID(number, name) V1_ID_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_notify_type {
#define V1_NOTIFY(number, name) V1_NOTIFY_##name = number,
#include "proto/wire/v1_registry.def"
    V1_NOTIFY_FIRST_STATUS = 16384, /* RFC 2408 §3.14.1: errors lie below */
};

enum v1_config_type {
#define V1_CONFIG(number, name) V1_CONFIG_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_config_attribute {
#define V1_CONFIG_ATTRIBUTE(number, name) V1_CONFIG_ATTRIBUTE_##name = number,
#include "proto/wire/v1_registry.def"
};

enum v1_values {
    V1_DOI_IPSEC = 1,              /* RFC 2407 §4.2 */
    V1_SITUATION_IDENTITY_ONLY = 1 /* RFC 2407 §4.2.1 */
};

static inline const char *v1_payload_name(uint8_t type)
{
    return registry_name(REGISTRY_V1_PAYLOAD, type);
}

#endif
