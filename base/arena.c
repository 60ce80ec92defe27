#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *blocks; /* the one in use first */
};

struct arena *arena_create(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

void *arena_take(struct arena *a, size_t size)
{
    struct block *b = a->blocks;
    size_t want;
    void *out;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!b || b->size - b->used < size) {
        want = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        b = calloc(1, sizeof *b + want);
        if (!b)
            return NULL;
        b->size = want;
        b->next = a->blocks;
        a->blocks = b;
    }
    out = b->data + b->used;
    b->used += size;
    return out;
}

char *arena_text(struct arena *a, const char *text, size_t len)
{
    char *out = arena_take(a, len + 1);

    if (out && len)
        memcpy(out, text, len);
    return out;
}

char *arena_format(struct arena *a, const char *format, ...)
{
    va_list args;
    char *out;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        return NULL;
    out = arena_take(a, (size_t)len + 1);
    if (!out)
        return NULL;
    va_start(args, format);
    vsnprintf(out, (size_t)len + 1, format, args);
    va_end(args);
    return out;
}
