/*
 * `sweep:`: axes of key paths with values to try, and its cells: one for each combination of
 * values, in the order of counting, the last axis changing fastest. Which numbers are compared:
 * scenario_thresholds.c.
 */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A number in a path is a place in a list: "events.0.at". The item, or NULL after an error. */
static const struct tree *list_item(struct scenario_reader *r, const struct tree *at,
                                    const struct tree *list, const char *step)
{
    uint64_t index;
    const struct tree *item = list && list->kind == TREE_LIST ? list->first : NULL;

    if (unit_read(DIMENSION_COUNT, step, &index))
        index = UINT64_MAX;
    for (uint64_t i = 0; item && i < index; i++)
        item = item->next;
    if (!item)
        diag_error(&r->diag, at, "there is no item '%.64s' in the list of this path", step);
    return item;
}

/*
 * Walk a path of keys through the table, and through the document beside it as far as that goes;
 * the key it ends at, or NULL after an error.
 */
static const struct key *axis_key(struct scenario_reader *r, const struct tree *at)
{
    enum section_id section = SECTION_SCENARIO;
    const char *path = at->text;
    const struct tree *here = r->root;
    const struct key *key = NULL;
    bool inside = false; /* the next step is a name in a map or a place in a list */
    size_t offset;

    while (*path) {
        size_t len = strcspn(path, ".");
        const char *step = arena_text(r->arena, path, len);

        if (!step)
            return NULL;
        path += len + (path[len] == '.');
        if (inside) {
            bool in_list = key->type == KEY_LIST;
            const struct tree *found =
                in_list ? list_item(r, at, here, step) : tree_get(here, step);

            if (!found && !in_list)
                diag_error(&r->diag, at, "there is no '%.64s' in %s", step, key->name);
            if (!found)
                return NULL;
            here = found;
            inside = false;
            key = NULL;
            continue;
        }
        key = section_key(section, step, &offset);
        if (!key) {
            diag_error(&r->diag, at, "'%.64s' of this path is no key of %s", step,
                       scenario_sections[section].what);
            return NULL;
        }
        here = tree_get(here, step);
        inside = key->type == KEY_MAP || key->type == KEY_LIST;
        if (key->section && key->section != SECTION_NONE) {
            section = key->section;
        } else if (*path) {
            diag_error(&r->diag, at, "there are no keys within '%.64s'", step);
            return NULL;
        }
    }
    if (!key || inside) {
        diag_error(&r->diag, at, "this path ends before a key");
        return NULL;
    }
    return key;
}

/* Runs differ by their seed anyway, and a sweep within a sweep there is not. */
static bool may_be_axis(struct scenario_reader *r, const struct tree *at)
{
    if (strcmp(at->text, "seed") == 0)
        diag_error(&r->diag, at,
                   "'seed' is no axis: `repeat` runs each combination with "
                   "seeds seed, seed+1, ...");
    else if (strcmp(at->text, "ikelab") == 0 || strncmp(at->text, "sweep", 5) == 0 ||
             strncmp(at->text, "lesson", 6) == 0)
        diag_error(&r->diag, at, "'%.64s' is no axis: it is the same for all runs of a sweep",
                   at->text);
    else
        return true;
    return false;
}

static bool is_twice(struct scenario_reader *r, const struct tree *list, const struct tree *item)
{
    for (const struct tree *other = list->first; other != item; other = other->next)
        if (strcmp(other->text, item->text) == 0) {
            diag_error(&r->diag, item, "'%.64s' stands twice on this axis", item->text);
            return true;
        }
    return false;
}

static struct fixed as_number(enum dimension dimension, uint64_t value)
{
    static const uint8_t decimals[DIMENSION_COUNT_OF] = {
        [DIMENSION_MILLI] = 3, [DIMENSION_TIME] = 9, [DIMENSION_FREQUENCY] = 6};

    if (dimension == DIMENSION_PROBABILITY) {
        unsigned __int128 scaled = (unsigned __int128)value * 1000000000 + (UINT64_C(1) << 31);

        return (struct fixed){.value = (uint64_t)(scaled >> 32), .decimals = 9};
    }
    return (struct fixed){.value = value, .decimals = decimals[dimension]};
}

/* The axis of a chart: numbers where all values are. */
static void read_numbers(struct scenario_reader *r, enum dimension dimension,
                         struct sweep_axis *axis)
{
    static const char *const units[DIMENSION_COUNT_OF] = {
        [DIMENSION_COUNT] = "1",       [DIMENSION_MILLI] = "1", [DIMENSION_TIME] = "s",
        [DIMENSION_BITRATE] = "bit/s", [DIMENSION_SIZE] = "B",  [DIMENSION_PROBABILITY] = "1",
        [DIMENSION_FREQUENCY] = "1/s"};
    struct fixed *numbers;

    axis->unit = "1";
    if (dimension == DIMENSION_COUNT_OF)
        return;
    numbers = reader_take(r, axis->value_count * sizeof *numbers);
    for (uint32_t i = 0; numbers && i < axis->value_count; i++) {
        uint64_t value;

        if (unit_read(dimension, axis->values[i], &value))
            return; /* a word in place of a number, such as `mtu` */
        numbers[i] = as_number(dimension, value);
    }
    axis->numbers = numbers;
    axis->unit = units[dimension];
}

static void read_axis(struct scenario_reader *r, const struct tree *v, struct sweep_axis *axis)
{
    const struct key *key = may_be_axis(r, v->key) ? axis_key(r, v->key) : NULL;
    const char **values;
    union {
        uint64_t number;
        struct loss_words loss;
        struct ip_prefix prefix;
        unsigned char space[1024];
    } unused;

    memset(&unused, 0, sizeof unused);
    if (v->kind != TREE_LIST || !v->count) {
        diag_error(&r->diag, v, "an axis takes a list of values, such as [0.1%%, 1%%]");
        return;
    }
    values = reader_take(r, v->count * sizeof *values);
    if (!values || !key)
        return;
    axis->key = v->key->text;
    axis->values = values;
    for (const struct tree *item = v->first; item; item = item->next) {
        if (!text_of(r, item, "a plain value") || is_twice(r, v, item))
            return;
        if (!key->section || key->section == SECTION_NONE)
            value_read(r, key, item, &unused);
        values[axis->value_count++] = item->text;
    }
    read_numbers(r, key_dimension(key->type), axis);
}

/* Saturating: what counts is whether there are too many. */
static void check_runs(struct scenario_reader *r, const struct tree *axes)
{
    const struct sweep *sweep = &r->scenario->sweep;
    uint64_t cells = 1;

    for (const struct tree *v = axes->first; v; v = v->next)
        if (cells <= SWEEP_RUNS_MAX)
            cells *= v->count ? v->count : 1;
    if (cells * sweep->repeat > SWEEP_RUNS_MAX)
        diag_error(&r->diag, axes, "these are more than %d runs, the most of one sweep",
                   SWEEP_RUNS_MAX);
}

void read_sweep(struct scenario_reader *r)
{
    struct sweep *sweep = &r->scenario->sweep;
    const struct tree *axes = tree_get(tree_get(r->root, "sweep"), "axes");
    struct sweep_axis *list;

    if (!axes)
        return;
    if (axes->kind != TREE_MAP) {
        diag_error(&r->diag, axes,
                   "'axes' is a mapping of key paths, such as "
                   "{links.core.loss.gemodel.p: [0.1%%, 1%%]}");
        return;
    }
    check_runs(r, axes);
    list = reader_take(r, axes->count * sizeof *list);
    for (const struct tree *v = axes->first; v && list; v = v->next)
        read_axis(r, v, &list[sweep->axis_count++]);
    sweep->axes = list;
}

uint64_t sweep_cells(const struct sweep *s)
{
    uint64_t cells = 1;

    for (uint32_t i = 0; i < s->axis_count; i++)
        cells *= s->axes[i].value_count;
    return cells;
}

/* On the document, which is not checked yet: what is no list is said by read_axis. */
void sweep_apply(struct scenario_reader *r, uint64_t cell)
{
    const struct tree *axes = tree_get(tree_get(r->root, "sweep"), "axes");
    uint64_t cells = 1;

    for (const struct tree *v = axes ? axes->first : NULL; v; v = v->next)
        cells *= v->count ? v->count : 1;
    for (const struct tree *v = axes ? axes->first : NULL; v; v = v->next) {
        struct tree *item = v->first;

        cells /= v->count ? v->count : 1;
        for (uint64_t i = cell / cells % (v->count ? v->count : 1); item && i > 0; i--)
            item = item->next;
        if (item)
            (void)tree_set(r->arena, r->root, v->key->text, item, &r->diag);
    }
}

/* Which value of an axis a cell has. */
static uint32_t sweep_choice(const struct sweep *s, uint64_t cell, uint32_t axis)
{
    ASSERT(axis < s->axis_count);
    for (uint32_t i = s->axis_count - 1; i > axis; i--)
        cell /= s->axes[i].value_count;
    return (uint32_t)(cell % s->axes[axis].value_count);
}

static void say_cell(const struct sweep *s, uint64_t cell, FILE *errors)
{
    fprintf(errors, "so it is in the cell");
    for (uint32_t i = 0; i < s->axis_count; i++)
        fprintf(errors, " %s=%s", s->axes[i].key, s->axes[i].values[sweep_choice(s, cell, i)]);
    fprintf(errors, " of the sweep\n");
}

/* Warnings of a good cell are those of the file, said when that was loaded. */
static enum err check_cell(const struct scenario *loaded, const struct scenario_override *overrides,
                           size_t count, uint64_t cell, FILE *errors)
{
    struct scenario unused;
    char *said = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&said, &len);
    enum err e;

    if (!memory)
        return ERR_MEMORY;
    e = scenario_load_cell(loaded->path, overrides, count, cell, &unused, memory);
    if (e == OK)
        scenario_reset(&unused);
    fclose(memory);
    if (e != OK) {
        fputs(said, errors);
        say_cell(&loaded->sweep, cell, errors);
    }
    free(said);
    return e;
}

enum err sweep_check(const struct scenario *loaded, const struct scenario_override *overrides,
                     size_t count, FILE *errors)
{
    uint64_t cells = sweep_cells(&loaded->sweep);
    enum err e = OK;

    for (uint64_t i = 0; i < cells && loaded->sweep.axis_count > 0 && e == OK; i++)
        e = check_cell(loaded, overrides, count, i, errors);
    return e;
}
