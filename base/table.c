#include "base/table.h"

#include "base/assert.h"

#include <stdlib.h>

static uint32_t slot_of(const struct table *t, uint64_t key)
{
    key ^= key >> 32;
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(key >> 32) & t->mask;
}

enum err table_init(struct table *t, uint32_t expected)
{
    uint32_t size = 8;

    ASSERT(expected < UINT32_C(1) << 30);
    while (size / 4 * 3 < expected)
        size *= 2;
    *t = (struct table){.entries = calloc(size, sizeof *t->entries), .mask = size - 1};
    return t->entries ? OK : ERR_MEMORY;
}

void table_reset(struct table *t)
{
    free(t->entries);
    *t = (struct table){0};
}

/* The entry with this key, or the free one where it belongs. */
static struct table_entry *find(const struct table *t, uint64_t key)
{
    uint32_t i = slot_of(t, key);

    while (t->entries[i].used && t->entries[i].key != key)
        i = (i + 1) & t->mask;
    return &t->entries[i];
}

static enum err grow(struct table *t)
{
    struct table bigger;
    enum err e = table_init(&bigger, (t->mask + 1) / 4 * 3 + 1);

    if (e != OK)
        return e;
    for (uint32_t i = 0; i <= t->mask; i++)
        if (t->entries[i].used)
            *find(&bigger, t->entries[i].key) = t->entries[i];
    bigger.count = t->count;
    table_reset(t);
    *t = bigger;
    return OK;
}

enum err table_put(struct table *t, uint64_t key, uint32_t value)
{
    struct table_entry *entry = find(t, key);

    if (!entry->used) {
        if (t->count + 1 > (t->mask + 1) / 4 * 3) {
            enum err e = grow(t);

            if (e != OK)
                return e;
            entry = find(t, key);
        }
        t->count++;
    }
    *entry = (struct table_entry){key, value, 1};
    return OK;
}

bool table_get(const struct table *t, uint64_t key, uint32_t *value)
{
    const struct table_entry *entry = find(t, key);

    if (!entry->used)
        return false;
    *value = entry->value;
    return true;
}

bool table_remove(struct table *t, uint64_t key)
{
    struct table_entry *entry = find(t, key);
    uint32_t hole, i;

    if (!entry->used)
        return false;
    /* Close the gap: move back each later entry of the run that may not stand behind a hole. */
    hole = i = (uint32_t)(entry - t->entries);
    for (;;) {
        uint32_t home;

        i = (i + 1) & t->mask;
        if (!t->entries[i].used)
            break;
        home = slot_of(t, t->entries[i].key);
        if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
            t->entries[hole] = t->entries[i];
            hole = i;
        }
    }
    t->entries[hole] = (struct table_entry){0};
    t->count--;
    return true;
}
