#include "bench/gate/compare.h"

#include <stdio.h>

void machine_class(const struct measurement_context *c, char *out, size_t cap)
{
    snprintf(out, cap, "%s, %u cores", c->cpu, c->cores);
}
