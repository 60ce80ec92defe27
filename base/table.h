/*
 * Hash table from a 64-bit key to a 32-bit value (an SPI to a pool index, say). Open addressing
 * with linear probing; the hash is keyed by nothing, so the layout repeats from run to run, and
 * the table is never walked in hash order. It doubles when three quarters full.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_entry {
    uint64_t key;
    uint32_t value;
    uint32_t used;
};

struct table {
    struct table_entry *entries;
    uint32_t mask;
    uint32_t count;
};

/** @param expected  number of entries to hold without growing */
enum err table_init(struct table *t, uint32_t expected) MUST_USE;
void table_reset(struct table *t);
/** Insert or replace. @retval ERR_MEMORY the table could not grow; it is unchanged */
enum err table_put(struct table *t, uint64_t key, uint32_t value) MUST_USE;
/** True and the value, or false and *value untouched. */
bool table_get(const struct table *t, uint64_t key, uint32_t *value);
bool table_remove(struct table *t, uint64_t key);

#endif
