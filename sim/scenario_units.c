#include "sim/scenario_units.h"

#include "base/assert.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor, divisor; /* base units in one of these */
    bool write;               /* used when writing */
};

struct measure {
    const struct unit *units; /* largest last among those written */
    const char *accepted;
    const char *wrong;
    const char *pattern;
};

static const struct unit count_units[] = {{"", 1, 1, true}, {NULL, 0, 0, false}};
static const struct unit milli_units[] = {{"", 1000, 1, true}, {NULL, 0, 0, false}};
static const struct unit time_units[] = {
    {"ns", 1, 1, true},
    {"us", 1000, 1, true},
    {"ms", 1000000, 1, true},
    {"s", 1000000000, 1, true},
    {"min", UINT64_C(60000000000), 1, true},
    {"h", UINT64_C(3600000000000), 1, true},
    {"d", UINT64_C(86400000000000), 1, true},
    {NULL, 0, 0, false},
};
static const struct unit bitrate_units[] = {
    {"bit", 1, 1, true},           {"kbit", 1000, 1, true},          {"Mbit", 1000000, 1, true},
    {"Gbit", 1000000000, 1, true}, {"bit/s", 1, 1, false},           {"kbit/s", 1000, 1, false},
    {"Mbit/s", 1000000, 1, false}, {"Gbit/s", 1000000000, 1, false}, {NULL, 0, 0, false},
};
static const struct unit size_units[] = {
    {"B", 1, 1, true},
    {"KiB", 1 << 10, 1, true},
    {"MiB", 1 << 20, 1, true},
    {"GiB", 1 << 30, 1, true},
    {"kB", 1000, 1, false},
    {"MB", 1000000, 1, false},
    {"GB", 1000000000, 1, false},
    {NULL, 0, 0, false},
};
static const struct unit probability_units[] = {
    {"%", UINT64_C(1) << 32, 100, true},
    {"", UINT64_C(1) << 32, 1, false},
    {NULL, 0, 0, false},
};
static const struct unit frequency_units[] = {
    {"/s", 1000000, 1, true},
    {"/min", 1000000, 60, false},
    {"/h", 1000000, 3600, false},
    {NULL, 0, 0, false},
};

#define NUMBER "^[0-9]+(\\.[0-9]+)? ?"

static const struct measure measures[DIMENSION_COUNT_OF] = {
    [DIMENSION_COUNT] = {count_units, "a whole number, such as 100", "is not a whole number",
                         "^[0-9]+$"},
    [DIMENSION_MILLI] = {milli_units, "a number with at most three decimals, such as 1.8",
                         "is not a number", "^[0-9]+(\\.[0-9]{1,3})?$"},
    [DIMENSION_TIME] = {time_units, "a time in ns, us, ms, s, min, h or d, such as 30s or 1.5ms",
                        "is not a time with a unit", NUMBER "(ns|us|ms|s|min|h|d)$"},
    [DIMENSION_BITRATE] = {bitrate_units,
                           "a rate in bit, kbit, Mbit or Gbit per second, such as 50Mbit",
                           "is not a bit rate with a unit", NUMBER "(bit|kbit|Mbit|Gbit)(/s)?$"},
    [DIMENSION_SIZE] = {size_units, "a size in B, KiB, MiB, GiB, kB, MB or GB, such as 1500B",
                        "is not a size with a unit", NUMBER "(B|KiB|MiB|GiB|kB|MB|GB)$"},
    [DIMENSION_PROBABILITY] = {probability_units,
                               "a probability from 0% to 100% or 0 to 1, such as 0.5%",
                               "is not a probability", "^[0-9]+(\\.[0-9]+)? ?%?$"},
    [DIMENSION_FREQUENCY] = {frequency_units, "a number per time, /s, /min or /h, such as 100/s",
                             "is not a number per time", NUMBER "/(s|min|h)$"},
};

struct decimal {
    uint64_t digits;
    uint64_t scale; /* value = digits / scale */
};

/* Digits, at most one point with digits on both sides; as many as fit. */
static const char *decimal_read(const char *text, struct decimal *d)
{
    bool point = false;

    *d = (struct decimal){0, 1};
    if (!isdigit((unsigned char)*text))
        return NULL;
    for (;; text++) {
        if (*text == '.' && !point && isdigit((unsigned char)text[1])) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)*text))
            return text;
        if (__builtin_mul_overflow(d->digits, UINT64_C(10), &d->digits) ||
            __builtin_add_overflow(d->digits, (uint64_t)(*text - '0'), &d->digits))
            return NULL;
        if (point) {
            if (d->scale > UINT64_C(100000000000000000))
                return NULL;
            d->scale *= 10;
        }
    }
}

static const struct unit *unit_named(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (strcmp(units->name, name) == 0)
            return units;
    return NULL;
}

const char *unit_read(enum dimension dimension, const char *text, uint64_t *out)
{
    const struct measure *m = &measures[dimension];
    const struct unit *unit;
    const char *rest;
    struct decimal d;
    unsigned __int128 n, by;

    ASSERT(dimension < DIMENSION_COUNT_OF);
    rest = decimal_read(text, &d);
    if (!rest)
        return m->wrong;
    if (*rest == ' ' && rest[1] && dimension != DIMENSION_COUNT)
        rest++;
    unit = unit_named(m->units, rest);
    if (!unit)
        return m->wrong;
    n = (unsigned __int128)d.digits * unit->factor;
    by = (unsigned __int128)d.scale * unit->divisor;
    if (dimension == DIMENSION_PROBABILITY)
        n += by / 2;
    else if (dimension != DIMENSION_FREQUENCY && n % by != 0)
        return dimension == DIMENSION_COUNT ? m->wrong : "is finer than can be told apart";
    n /= by;
    if (dimension == DIMENSION_PROBABILITY && n > UINT64_C(1) << 32)
        return "is more than certain; above 1 write it in %";
    if (n >= (dimension == DIMENSION_COUNT ? UINT64_MAX : UINT64_MAX / 2))
        return "is too large";
    *out = (uint64_t)n;
    return NULL;
}

/* The fewest decimals of a percentage that read back as `value`. */
static void probability_write(uint64_t value, char *out)
{
    uint64_t scale = 1, back;

    for (int decimals = 0; decimals <= 11; decimals++, scale *= 10) {
        unsigned __int128 n = (unsigned __int128)value * 100 * scale + (UINT64_C(1) << 31);
        uint64_t digits = (uint64_t)(n >> 32);

        if (decimals == 0)
            snprintf(out, UNIT_TEXT_MAX, "%" PRIu64 "%%", digits);
        else
            snprintf(out, UNIT_TEXT_MAX, "%" PRIu64 ".%0*" PRIu64 "%%", digits / scale, decimals,
                     digits % scale);
        if (!unit_read(DIMENSION_PROBABILITY, out, &back) && back == value)
            return;
    }
}

static void fraction_write(uint64_t value, uint64_t whole, int decimals, const char *unit,
                           char *out)
{
    char digits[24];
    int len;

    snprintf(digits, sizeof digits, "%0*" PRIu64, decimals, value % whole);
    for (len = decimals; len > 0 && digits[len - 1] == '0';)
        len--;
    snprintf(out, UNIT_TEXT_MAX, "%" PRIu64 "%s%.*s%s", value / whole, len ? "." : "", len, digits,
             unit);
}

void unit_write(enum dimension dimension, uint64_t value, char *out)
{
    const struct unit *best = measures[dimension].units;

    if (dimension == DIMENSION_PROBABILITY) {
        probability_write(value, out);
    } else if (dimension == DIMENSION_MILLI) {
        fraction_write(value, 1000, 3, "", out);
    } else if (dimension == DIMENSION_FREQUENCY) {
        fraction_write(value, 1000000, 6, "/s", out);
    } else {
        for (const struct unit *u = best; u->name; u++)
            if (u->write && value % u->factor == 0 && (value || u->factor == 1000000000))
                best = u;
        if (value == 0 && dimension != DIMENSION_TIME)
            best = measures[dimension].units;
        snprintf(out, UNIT_TEXT_MAX, "%" PRIu64 "%s", value / best->factor, best->name);
    }
}

const char *unit_accepted(enum dimension dimension)
{
    return measures[dimension].accepted;
}

const char *unit_pattern(enum dimension dimension)
{
    return measures[dimension].pattern;
}
