#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "ikelab: assertion failed at %s:%d: %s\n", file, line, condition);
    abort();
}
