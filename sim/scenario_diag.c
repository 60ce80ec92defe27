/* Errors that point at their place in the source, and suggestions. */
#include "sim/scenario_tree.h"

#include <stdarg.h>
#include <string.h>

enum { WORD_MAX = 64, LINE_MAX_SHOWN = 160 };

static size_t line_length(const char *line, const char *end)
{
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t len = (size_t)((stop ? stop : end) - line);

    return len && line[len - 1] == '\r' ? len - 1 : len;
}

/* Bytes of UTF-8 that continue a character take no column. */
static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Control characters are shown as blanks so that the caret stays under its place. */
static void show_line(FILE *out, const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        fputc((unsigned char)line[i] < ' ' || line[i] == 0x7f ? ' ' : line[i], out);
    fputc('\n', out);
}

static void show_place(FILE *out, const struct tree *at)
{
    const char *line = at->source->text, *end = line + at->source->len;
    size_t len, from = 0, column = at->column - 1;

    for (uint32_t n = 1; n < at->line && line < end; line++)
        n += *line == '\n';
    len = line_length(line, end);
    /* A line too long for a terminal is shown around the place. */
    if (len > LINE_MAX_SHOWN && column > LINE_MAX_SHOWN / 2) {
        from = column - LINE_MAX_SHOWN / 2 < len ? column - LINE_MAX_SHOWN / 2 : len;
        while (from < len && is_continuation(line[from]))
            from++;
    }
    len = len - from > LINE_MAX_SHOWN ? LINE_MAX_SHOWN : len - from;
    while (len && is_continuation(line[from + len - 1]) && len < LINE_MAX_SHOWN / 2)
        len--;
    show_line(out, line + from, len);
    for (size_t i = from; i < column; i++)
        fputc(' ', out);
    fputc('^', out);
    for (uint32_t i = 1; i < at->width && i < LINE_MAX_SHOWN / 2; i++)
        fputc('~', out);
    fputc('\n', out);
}

static void diag_say(struct diag *d, const struct tree *at, const char *kind, const char *format,
                     va_list args)
{
    fputs(at->source->name, d->out);
    if (at->source->is_file)
        fprintf(d->out, ":%u:%u", at->line, at->column);
    fprintf(d->out, ": %s: ", kind);
    vfprintf(d->out, format, args);
    fputc('\n', d->out);
    show_place(d->out, at);
}

void diag_error(struct diag *d, const struct tree *at, const char *format, ...)
{
    va_list args;

    if (d->errors++ >= TREE_ERRORS_MAX)
        return;
    va_start(args, format);
    diag_say(d, at, "error", format, args);
    va_end(args);
}

void diag_warning(struct diag *d, const struct tree *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    diag_say(d, at, "warning", format, args);
    va_end(args);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Changes of one letter, swaps of two neighbours included, that make one word the other. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1], la = strlen(a), lb = strlen(b);
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= lb; j++)
        last[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *spare = before;

        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        before = last;
        last = now;
        now = spare;
    }
    return last[lb];
}

const char *nearest_word(const char *word, const char *const *words)
{
    size_t best = 1 + strlen(word) / 3;
    const char *nearest = NULL;

    for (; *words; words++) {
        size_t d = distance(word, *words);

        if (d < best || (!nearest && d == best)) {
            best = d;
            nearest = *words;
        }
    }
    return nearest;
}

const char *diag_nearest(const char *word, const char *const *words, char *space)
{
    const char *nearest = nearest_word(word, words);

    space[0] = 0;
    if (nearest)
        snprintf(space, 128, "; did you mean '%.100s'?", nearest);
    return space;
}
