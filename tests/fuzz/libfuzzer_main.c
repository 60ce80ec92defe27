/* One libFuzzer program per target: compiled with -DFUZZ_TARGET=fuzz_NAME. */
#include "targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    FUZZ_TARGET(data, len);
    return 0;
}
