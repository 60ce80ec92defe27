#include "proto/wire/registry.h"

#include "base/assert.h"

#include <stddef.h>
#include <string.h>

struct entry {
    unsigned number;
    const char *name;
};

#define ENTRY(number, name) {number, #name},

static const struct entry exchanges[] = {
#define EXCHANGE ENTRY
#include "proto/wire/registry.def"
};
static const struct entry payloads[] = {
#define PAYLOAD(number, name, notation) {number, notation},
#include "proto/wire/registry.def"
};
static const struct entry transform_types[] = {
#define TRANSFORM_TYPE ENTRY
#include "proto/wire/registry.def"
};
static const struct entry encrs[] = {
#define ENCR ENTRY
#include "proto/wire/registry.def"
};
static const struct entry prfs[] = {
#define PRF ENTRY
#include "proto/wire/registry.def"
};
static const struct entry integs[] = {
#define INTEG ENTRY
#include "proto/wire/registry.def"
};
static const struct entry ke_groups[] = {
#define KE_GROUP ENTRY
#include "proto/wire/registry.def"
};
static const struct entry esns[] = {
#define ESN ENTRY
#include "proto/wire/registry.def"
};
static const struct entry notifies[] = {
#define NOTIFY ENTRY
#include "proto/wire/registry.def"
};
static const struct entry ids[] = {
#define ID ENTRY
#include "proto/wire/registry.def"
};
static const struct entry auth_methods[] = {
#define AUTH_METHOD ENTRY
#include "proto/wire/registry.def"
};
static const struct entry sa_protocols[] = {
#define SA_PROTOCOL ENTRY
#include "proto/wire/registry.def"
};
static const struct entry ts_types[] = {
#define TS ENTRY
#include "proto/wire/registry.def"
};
static const struct entry certs[] = {
#define CERT ENTRY
#include "proto/wire/registry.def"
};
static const struct entry cfgs[] = {
#define CFG ENTRY
#include "proto/wire/registry.def"
};
static const struct entry configs[] = {
#define CONFIG ENTRY
#include "proto/wire/registry.def"
};
static const struct entry hashes[] = {
#define HASH ENTRY
#include "proto/wire/registry.def"
};
static const struct entry eap_codes[] = {
#define EAP_CODE ENTRY
#include "proto/wire/registry.def"
};

static const struct entry v1_exchanges[] = {
#define V1_EXCHANGE ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_payloads[] = {
#define V1_PAYLOAD(number, name, notation) {number, notation},
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_protocols[] = {
#define V1_PROTOCOL ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_oakleys[] = {
#define V1_OAKLEY ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_encrs[] = {
#define V1_ENCR ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_hashes[] = {
#define V1_HASH ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_auths[] = {
#define V1_AUTH ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_lives[] = {
#define V1_LIFE ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_ipsecs[] = {
#define V1_IPSEC ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_esps[] = {
#define V1_ESP ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_ahs[] = {
#define V1_AH ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_integs[] = {
#define V1_INTEG ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_modes[] = {
#define V1_MODE ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_ids[] = {
#define V1_ID ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_notifies[] = {
#define V1_NOTIFY ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_configs[] = {
#define V1_CONFIG ENTRY
#include "proto/wire/v1_registry.def"
};
static const struct entry v1_config_attributes[] = {
#define V1_CONFIG_ATTRIBUTE ENTRY
#include "proto/wire/v1_registry.def"
};

#define LIST(entries)                                                                              \
    {                                                                                              \
        entries, sizeof(entries) / sizeof *(entries)                                               \
    }

static const struct {
    const struct entry *entries;
    size_t count;
} lists[REGISTRY_COUNT] = {
    [REGISTRY_EXCHANGE] = LIST(exchanges),
    [REGISTRY_PAYLOAD] = LIST(payloads),
    [REGISTRY_TRANSFORM_TYPE] = LIST(transform_types),
    [REGISTRY_ENCR] = LIST(encrs),
    [REGISTRY_PRF] = LIST(prfs),
    [REGISTRY_INTEG] = LIST(integs),
    [REGISTRY_KE_GROUP] = LIST(ke_groups),
    [REGISTRY_ESN] = LIST(esns),
    [REGISTRY_NOTIFY] = LIST(notifies),
    [REGISTRY_ID] = LIST(ids),
    [REGISTRY_AUTH_METHOD] = LIST(auth_methods),
    [REGISTRY_SA_PROTOCOL] = LIST(sa_protocols),
    [REGISTRY_TS] = LIST(ts_types),
    [REGISTRY_CERT] = LIST(certs),
    [REGISTRY_CFG] = LIST(cfgs),
    [REGISTRY_CONFIG] = LIST(configs),
    [REGISTRY_HASH] = LIST(hashes),
    [REGISTRY_EAP_CODE] = LIST(eap_codes),
    [REGISTRY_V1_EXCHANGE] = LIST(v1_exchanges),
    [REGISTRY_V1_PAYLOAD] = LIST(v1_payloads),
    [REGISTRY_V1_PROTOCOL] = LIST(v1_protocols),
    [REGISTRY_V1_OAKLEY] = LIST(v1_oakleys),
    [REGISTRY_V1_ENCR] = LIST(v1_encrs),
    [REGISTRY_V1_HASH] = LIST(v1_hashes),
    [REGISTRY_V1_AUTH] = LIST(v1_auths),
    [REGISTRY_V1_LIFE] = LIST(v1_lives),
    [REGISTRY_V1_IPSEC] = LIST(v1_ipsecs),
    [REGISTRY_V1_ESP] = LIST(v1_esps),
    [REGISTRY_V1_AH] = LIST(v1_ahs),
    [REGISTRY_V1_INTEG] = LIST(v1_integs),
    [REGISTRY_V1_MODE] = LIST(v1_modes),
    [REGISTRY_V1_ID] = LIST(v1_ids),
    [REGISTRY_V1_NOTIFY] = LIST(v1_notifies),
    [REGISTRY_V1_CONFIG] = LIST(v1_configs),
    [REGISTRY_V1_CONFIG_ATTRIBUTE] = LIST(v1_config_attributes),
};

const char *registry_name(enum registry registry, unsigned number)
{
    ASSERT(registry < REGISTRY_COUNT);
    for (size_t i = 0; i < lists[registry].count; i++)
        if (lists[registry].entries[i].number == number)
            return lists[registry].entries[i].name;
    return NULL;
}

bool registry_number(enum registry registry, const char *name, unsigned *number)
{
    ASSERT(registry < REGISTRY_COUNT);
    for (size_t i = 0; i < lists[registry].count; i++) {
        if (strcmp(lists[registry].entries[i].name, name) == 0) {
            *number = lists[registry].entries[i].number;
            return true;
        }
    }
    return false;
}
