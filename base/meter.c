#include "base/meter.h"

#include "base/assert.h"

static const char *const names[METER_COUNT] = {
#define X(symbol, name) [METER_##symbol] = name,
    METER_LIST(X)
#undef X
};

const char *meter_name(enum meter_op op)
{
    ASSERT((unsigned)op < METER_COUNT);
    return names[op];
}
