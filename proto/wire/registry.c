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
