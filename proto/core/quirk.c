#include "proto/core/quirk.h"

#include <string.h>

static const struct ike_quirk_row rows[] = {
#define X(symbol, name, about) {name, about, QUIRK_##symbol},
    IKE_QUIRK_LIST(X)
#undef X
};

const struct ike_quirk_row *ike_quirk_at(unsigned index)
{
    return index < QUIRK_COUNT ? &rows[index] : NULL;
}

const struct ike_quirk_row *ike_quirk_named(const char *name)
{
    for (unsigned i = 0; i < QUIRK_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
