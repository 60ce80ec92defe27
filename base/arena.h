/*
 * An arena: many small things with one end. Memory is zeroed, aligned for any type and freed all
 * at once; for readers of files and commands, not for the wire path.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/** NULL when out of memory. */
struct arena *arena_create(void);
void arena_destroy(struct arena *);
/** `size` zeroed bytes that live as long as the arena; NULL when out of memory. */
void *arena_take(struct arena *, size_t size);
/** A copy of `len` bytes and a NUL. */
char *arena_text(struct arena *, const char *text, size_t len);
/** printf into the arena. */
char *arena_format(struct arena *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
