/*
 * The ikelab program with a malloc that fails when told: the linker puts these functions in front
 * of those of the C library (--wrap) for all our code. The allocations of libraries stay whole.
 *
 *   SHORT_AT=n    the n-th allocation fails, and no other
 *   SHORT_FROM=n  it and all behind it do
 *   SHORT_COUNT=FILE  how many there were is written there
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

static unsigned long made;

static unsigned long number_in(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 10) : 0;
}

static int fails(void)
{
    static unsigned long at, from;

    if (made == 0) {
        at = number_in("SHORT_AT");
        from = number_in("SHORT_FROM");
    }
    made++;
    if (made != at && (!from || made < from))
        return 0;
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strndup(const char *text, size_t len)
{
    size_t most = strnlen(text, len);
    char *copy = __wrap_malloc(most + 1);

    if (copy) {
        memcpy(copy, text, most);
        copy[most] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}

static void write_count(void) __attribute__((destructor));

static void write_count(void)
{
    const char *path = getenv("SHORT_COUNT");
    FILE *out = path ? fopen(path, "w") : NULL;

    if (!out)
        return;
    fprintf(out, "%lu\n", made);
    fclose(out);
}
