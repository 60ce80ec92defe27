/* `virtual` of two simulations, which must be equal: where does it differ first? */
#ifndef BENCH_GATE_VIRTUAL_H
#define BENCH_GATE_VIRTUAL_H

#include <stdbool.h>
#include <stddef.h>

/**
 * @param base, now  JSON text with sorted keys
 * @param[out] where  "" if equal, else "ike.failed: 3 against 4"
 * @return whether they are equal
 */
bool virtual_equal(const char *base, const char *now, char *where, size_t cap);

#endif
