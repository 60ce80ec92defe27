#include "crypto/cost.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, FILE_MAX = 1 << 20 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

nsec cost_of(const struct cost_table *table, const struct meter *delta)
{
    unsigned __int128 ns = 0, ps = 0;

    for (int op = 0; op < METER_COUNT; op++) {
        ns += (unsigned __int128)delta->count[op] * table->price[op].per_op_ns;
        ps += (unsigned __int128)delta->bytes[op] * table->price[op].per_byte_ps;
    }
    ns += ps / 1000;
    return ns < NSEC_NEVER ? (nsec)ns : NSEC_NEVER;
}

/* One reading of one file: what is needed to say where something is wrong. */
struct reading {
    const char *path;
    char *text;
    char *message;
    size_t cap;
};

/* Where a key stands in the text: the JSON library forgets lines once it has parsed. */
static int line_of(const struct reading *r, const char *key)
{
    char quoted[80];
    const char *at;
    int line = 1;

    snprintf(quoted, sizeof quoted, "\"%s\"", key ? key : "");
    at = key ? strstr(r->text, quoted) : NULL;
    for (const char *p = r->text; at && p < at; p++)
        line += *p == '\n';
    return line;
}

__attribute__((format(printf, 3, 4))) static enum err
wrong(const struct reading *r, const char *key, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->message, r->cap, "%s:%d: ", r->path, line_of(r, key));

    va_start(args, format);
    if (n >= 0 && (size_t)n < r->cap)
        vsnprintf(r->message + n, r->cap - (size_t)n, format, args);
    va_end(args);
    return ERR_SYNTAX;
}

static enum err read_whole(struct reading *r)
{
    FILE *file = fopen(r->path, "r");
    size_t len;

    if (!file) {
        snprintf(r->message, r->cap, "%s: cannot be read; is the name of the cost table right?",
                 r->path);
        return ERR_IO;
    }
    r->text = malloc(FILE_MAX + 1);
    if (!r->text) {
        snprintf(r->message, r->cap, "%s: out of memory", r->path);
        fclose(file);
        return ERR_MEMORY;
    }
    len = fread(r->text, 1, FILE_MAX + 1, file);
    fclose(file);
    r->text[len <= FILE_MAX ? len : 0] = '\0';
    return len <= FILE_MAX ? OK : wrong(r, NULL, "longer than a cost table can be");
}

static enum err read_text(const struct reading *r, const json_t *object, const char *key, char *out,
                          size_t cap)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_string(value) || json_string_length(value) == 0)
        return wrong(r, key, "\"%s\" must be a text that is not empty", key);
    if (json_string_length(value) >= cap)
        return wrong(r, key, "\"%s\" is longer than %zu bytes", key, cap - 1);
    memcpy(out, json_string_value(value), json_string_length(value) + 1);
    return OK;
}

/* Every member of `object` is one of `known`. */
static enum err only_known(const struct reading *r, const json_t *object, const char *what,
                           const char *const *known, size_t count)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;

        while (i < count && strcmp(known[i], key) != 0)
            i++;
        if (i == count)
            return wrong(r, key, "unknown %s \"%s\"", what, key);
    }
    return OK;
}

static enum err read_number(const struct reading *r, const json_t *price, const char *op,
                            const char *key, uint32_t *out)
{
    const json_t *value = json_object_get(price, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > UINT32_MAX)
        return wrong(r, op, "%s of \"%s\" must be a whole number from 0 to %u", key, op,
                     UINT32_MAX);
    *out = (uint32_t)json_integer_value(value);
    return OK;
}

static enum err read_price(const struct reading *r, const json_t *prices, enum meter_op op,
                           struct cost_price *out)
{
    static const char *const known[] = {"per_op", "per_byte_ps"};
    const char *name = meter_name(op);
    const json_t *price = json_object_get(prices, name);
    enum err e;

    if (!price)
        return wrong(r, "prices", "no price for \"%s\"", name);
    if (!json_is_object(price))
        return wrong(r, name, "the price of \"%s\" must be {\"per_op\", \"per_byte_ps\"}", name);
    e = only_known(r, price, "member of a price", known, COUNT(known));
    if (e == OK)
        e = read_number(r, price, name, "per_op", &out->per_op_ns);
    if (e == OK)
        e = read_number(r, price, name, "per_byte_ps", &out->per_byte_ps);
    return e;
}

static enum err read_prices(const struct reading *r, const json_t *root, struct cost_table *out)
{
    const json_t *prices = json_object_get(root, "prices");
    const char *known[METER_COUNT];
    enum err e;

    if (!json_is_object(prices))
        return wrong(r, "prices", "\"prices\" must be an object of operations");
    for (int op = 0; op < METER_COUNT; op++)
        known[op] = meter_name(op);
    e = only_known(r, prices, "operation", known, METER_COUNT);
    for (int op = 0; e == OK && op < METER_COUNT; op++)
        e = read_price(r, prices, op, &out->price[op]);
    return e;
}

static enum err read_provenance(const struct reading *r, const json_t *root,
                                struct cost_provenance *out)
{
    static const char *const known[] = {"date", "cpu", "library", "compiler", "method", "handling"};
    const json_t *p = json_object_get(root, "provenance");
    enum err e;

    if (!json_is_object(p))
        return wrong(r, "provenance", "\"provenance\" is missing: say where the prices come from");
    e = only_known(r, p, "member of provenance", known, COUNT(known));
    if (e == OK)
        e = read_text(r, p, "date", out->date, sizeof out->date);
    if (e == OK)
        e = read_text(r, p, "cpu", out->cpu, sizeof out->cpu);
    if (e == OK)
        e = read_text(r, p, "library", out->library, sizeof out->library);
    if (e == OK)
        e = read_text(r, p, "compiler", out->compiler, sizeof out->compiler);
    if (e == OK)
        e = read_text(r, p, "method", out->method, sizeof out->method);
    if (e == OK)
        e = read_text(r, p, "handling", out->handling, sizeof out->handling);
    return e;
}

static enum err read_table(const struct reading *r, const json_t *root, struct cost_table *out)
{
    static const char *const known[] = {"format", "name", "provenance", "unit", "prices"};
    const char *unit = json_string_value(json_object_get(root, "unit"));
    enum err e;

    if (!json_is_object(root))
        return wrong(r, NULL, "a cost table is one JSON object");
    e = only_known(r, root, "member", known, COUNT(known));
    if (e != OK)
        return e;
    if (json_integer_value(json_object_get(root, "format")) != FORMAT)
        return wrong(r, "format", "\"format\" must be %d", FORMAT);
    if (!unit || strcmp(unit, "ns") != 0)
        return wrong(r, "unit", "\"unit\" must be \"ns\"");
    e = read_text(r, root, "name", out->name, sizeof out->name);
    if (e == OK)
        e = read_provenance(r, root, &out->provenance);
    if (e == OK)
        e = read_prices(r, root, out);
    return e;
}

enum err cost_load(struct cost_table *out, const char *path, char *message, size_t cap)
{
    struct reading r = {path, NULL, message, cap};
    json_error_t error;
    json_t *root = NULL;
    enum err e;

    memset(out, 0, sizeof *out);
    e = read_whole(&r);
    if (e == OK) {
        root = json_loads(r.text, JSON_REJECT_DUPLICATES, &error);
        if (root) {
            e = read_table(&r, root, out);
        } else {
            snprintf(message, cap, "%s:%d: %s", path, error.line, error.text);
            e = ERR_SYNTAX;
        }
    }
    if (e != OK)
        memset(out, 0, sizeof *out);
    json_decref(root);
    free(r.text);
    return e;
}

static void write_text(FILE *out, const char *key, const char *text, const char *end)
{
    json_t *value = json_string(text);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    fprintf(out, "\"%s\": %s%s", key, quoted ? quoted : "\"\"", end);
    free(quoted);
    json_decref(value);
}

enum err cost_write(const struct cost_table *table, FILE *out)
{
    const struct cost_provenance *p = &table->provenance;

    fprintf(out, "{\n  \"format\": %d,\n  ", FORMAT);
    write_text(out, "name", table->name, ",\n  \"provenance\": {\n    ");
    write_text(out, "date", p->date, ",\n    ");
    write_text(out, "cpu", p->cpu, ",\n    ");
    write_text(out, "library", p->library, ",\n    ");
    write_text(out, "compiler", p->compiler, ",\n    ");
    write_text(out, "method", p->method, ",\n    ");
    write_text(out, "handling", p->handling, "\n  },\n  \"unit\": \"ns\",\n  \"prices\": {\n");
    for (int op = 0; op < METER_COUNT; op++)
        fprintf(out, "    \"%s\": {\"per_op\": %u, \"per_byte_ps\": %u}%s\n", meter_name(op),
                table->price[op].per_op_ns, table->price[op].per_byte_ps,
                op + 1 < METER_COUNT ? "," : "");
    fprintf(out, "  }\n}\n");
    return fflush(out) == 0 && !ferror(out) ? OK : ERR_IO;
}
