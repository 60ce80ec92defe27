#include "proto/wire/registry.h"

/* One key for registry and number: the compiler refuses a number that is listed twice. */
#define KEY(registry, number) ((uint32_t)(registry) << 16 | (number))

const char *registry_name(enum registry registry, uint16_t number)
{
    switch (KEY(registry, number)) {
#define X(r, symbol, n, name)                                                                      \
    case KEY(REGISTRY_##r, n):                                                                     \
        return name;
#include "proto/wire/registry.def"
#undef X
    default:
        return NULL;
    }
}

bool registry_number(enum registry registry, struct bytes name, uint16_t *number)
{
    static const struct {
        enum registry registry;
        uint16_t number;
        const char *name;
    } list[] = {
#define X(r, symbol, n, text) {REGISTRY_##r, n, text},
#include "proto/wire/registry.def"
#undef X
    };

    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (list[i].registry == registry && bytes_equal(bytes_text(list[i].name), name)) {
            *number = list[i].number;
            return true;
        }
    }
    return false;
}

const char *transform_name(uint8_t type, uint16_t id)
{
    switch (type) {
    case TRANSFORM_ENCR:
        return registry_name(REGISTRY_ENCR, id);
    case TRANSFORM_PRF:
        return registry_name(REGISTRY_PRF, id);
    case TRANSFORM_INTEG:
        return registry_name(REGISTRY_INTEG, id);
    case TRANSFORM_ESN:
        return registry_name(REGISTRY_ESN, id);
    case TRANSFORM_KE:
        return registry_name(REGISTRY_GROUP, id);
    default:
        if (type >= TRANSFORM_ADDKE1 && type <= TRANSFORM_ADDKE7) /* RFC 9370 */
            return registry_name(REGISTRY_GROUP, id);
        return NULL;
    }
}
