#include "dissect/hex.h"

enum { DUMP_LINE_BYTES = 16, OFFSET_DIGITS_MIN = 4 };

struct line {
    struct bytes text; /* without its end */
    unsigned number;
};

static enum err refuse(struct hex_place *bad, const struct line *l, size_t at, const char *why)
{
    *bad = (struct hex_place){l->number, (unsigned)at + 1, why};
    return ERR_SYNTAX;
}

static bool next_line(struct bytes *rest, struct line *l)
{
    const uint8_t *end;
    size_t len;

    if (rest->len == 0)
        return false;
    end = memchr(rest->data, '\n', rest->len);
    len = end ? (size_t)(end - rest->data) : rest->len;
    l->text = bytes_of(rest->data, len);
    l->number++;
    len += end != NULL;
    *rest = bytes_of(rest->data + len, rest->len - len);
    if (l->text.len > 0 && l->text.data[l->text.len - 1] == '\r')
        l->text.len--;
    return true;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_empty(struct bytes b)
{
    for (size_t i = 0; i < b.len; i++)
        if (!is_blank(b.data[i]))
            return false;
    return true;
}

/*
 * The offset that a line of a dump begins with: four digits or more, then a colon and a blank, two
 * blanks, a tab or the end of the line.
 * @return where the bytes begin; 0 if there is no offset
 */
static size_t offset_of(struct bytes line, uint64_t *offset, bool *colon)
{
    size_t at = 0, digits = 0, next;

    while (at < line.len && is_blank(line.data[at]))
        at++;
    for (*offset = 0; at < line.len && hex_digit(line.data[at]) >= 0 && digits < 16; at++, digits++)
        *offset = *offset << 4 | (unsigned)hex_digit(line.data[at]);
    *colon = at < line.len && line.data[at] == ':';
    next = at + 1;
    if (digits < OFFSET_DIGITS_MIN)
        return 0;
    if (at == line.len || (*colon && (next == line.len || is_blank(line.data[next]))))
        return at + *colon;
    if (line.data[at] == '\t' ||
        (line.data[at] == ' ' && next < line.len && is_blank(line.data[next])))
        return at;
    return 0;
}

/* What ends the bytes of a dump's line: its column of text stands behind a wider gap. */
static bool at_gap(struct bytes line, size_t at, size_t gap)
{
    size_t blanks = 0;

    if (at < line.len && line.data[at] == '|')
        return true;
    while (at + blanks < line.len && is_blank(line.data[at + blanks]))
        blanks++;
    return blanks >= gap || at + blanks == line.len ||
           (blanks > 0 && line.data[at + blanks] == '|');
}

static enum err take_byte(const struct line *l, size_t at, struct buf *out, struct hex_place *bad)
{
    bool last = at + 1 == l->text.len || is_blank(l->text.data[at + 1]);
    int high = hex_digit(l->text.data[at]), low = last ? -1 : hex_digit(l->text.data[at + 1]);

    if (high >= 0 && last)
        return refuse(bad, l, at, "this is half a byte");
    if (high < 0 || low < 0)
        return refuse(bad, l, high < 0 ? at : at + 1, "this is no hex digit");
    if (out->len == out->cap)
        return ERR_SPACE;
    out->data[out->len++] = (uint8_t)(high << 4 | low);
    return OK;
}

static enum err dump_line(const struct line *l, size_t at, bool colon, struct buf *out,
                          struct hex_place *bad)
{
    size_t gap = colon ? 2 : 3;

    while (at < l->text.len && is_blank(l->text.data[at]))
        at++;
    for (unsigned count = 0; at < l->text.len && (colon || count < DUMP_LINE_BYTES); count++) {
        enum err e = take_byte(l, at, out, bad);

        if (e != OK)
            return e;
        at += 2;
        if (at_gap(l->text, at, gap))
            break;
        while (at < l->text.len && is_blank(l->text.data[at]))
            at++;
    }
    return OK;
}

static bool is_star(struct bytes line)
{
    return line.len > 0 && line.data[0] == '*' && is_empty(bytes_of(line.data + 1, line.len - 1));
}

/* What "*" stands for: the bytes of the last line, again and again until there are `len`. */
static enum err repeat(struct buf *out, size_t width, uint64_t len)
{
    while (out->len < len) {
        if (out->len == out->cap)
            return ERR_SPACE;
        out->data[out->len] = out->data[out->len - width];
        out->len++;
    }
    return OK;
}

/* @param first  the offset of the first line */
static enum err dump_read(struct bytes text, uint64_t first, struct buf *out, struct hex_place *bad)
{
    struct line l = {0}, star = {0};
    size_t width = 0; /* of the last line */
    enum err e = OK;

    while (e == OK && next_line(&text, &l)) {
        uint64_t offset;
        bool colon;
        size_t at;

        if (is_empty(l.text))
            continue;
        if (is_star(l.text)) {
            if (width == 0)
                return refuse(bad, &l, 0, "there is no line of bytes before it to repeat");
            star = l;
            continue;
        }
        at = offset_of(l.text, &offset, &colon);
        if (at == 0)
            return refuse(bad, &l, 0, "this line of the dump has no offset");
        if (star.number > 0 && offset >= first)
            e = repeat(out, width, offset - first);
        if (e != OK)
            return e;
        star.number = 0;
        if (offset != first + out->len)
            return refuse(bad, &l, 0, "this offset is not the number of bytes before it");
        width = out->len;
        e = dump_line(&l, at, colon, out, bad);
        width = out->len - width;
    }
    if (e == OK && star.number > 0)
        return refuse(bad, &star, 0, "no offset follows that says how often the line is repeated");
    return e;
}

static bool is_separator(uint8_t c)
{
    return is_blank(c) || c == ':' || c == ',' || c == '-';
}

static enum err plain_line(const struct line *l, struct buf *out, struct hex_place *bad)
{
    const uint8_t *p = l->text.data;

    for (size_t at = 0; at < l->text.len;) {
        enum err e;

        if (is_separator(p[at])) {
            at++;
            continue;
        }
        if (at + 1 < l->text.len && p[at] == '0' && (p[at + 1] == 'x' || p[at + 1] == 'X')) {
            at += 2;
            continue;
        }
        e = take_byte(l, at, out, bad);
        if (e != OK)
            return e;
        at += 2;
    }
    return OK;
}

/* A dump begins at offset zero, that of xxd at any, with bytes behind it on the same line. */
static bool is_dump(struct bytes text, uint64_t *first)
{
    struct line l = {0};
    bool colon;
    size_t at;

    while (next_line(&text, &l)) {
        if (is_empty(l.text))
            continue;
        at = offset_of(l.text, first, &colon);
        return at > 0 && (colon || *first == 0) && at < l.text.len;
    }
    return false;
}

enum err hex_read(struct bytes text, struct buf *out, struct hex_place *bad)
{
    struct line l = {0};
    uint64_t first;
    enum err e = OK;

    out->len = 0;
    *bad = (struct hex_place){0};
    if (is_dump(text, &first))
        return dump_read(text, first, out, bad);
    while (e == OK && next_line(&text, &l))
        e = plain_line(&l, out, bad);
    if (e == OK && out->len == 0)
        return refuse(bad, &(struct line){.number = 1}, 0, "there are no bytes");
    return e;
}
