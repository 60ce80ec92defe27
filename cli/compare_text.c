/* The comparison for people: where both come from, a line a benchmark, and what follows. */
#define _GNU_SOURCE
#include "cli/compare.h"

#include <math.h>
#include <string.h>

enum { CELL = 96, NAME_MAX_SHOWN = 60 };

struct page {
    FILE *to;
    const struct compare_report *report;
    bool coloured;
    int name_width, medians_width;
};

static const char *colour_of(const struct page *p, enum verdict v)
{
    static const char *const colours[VERDICT_COUNT] = {
        [VERDICT_NO_CHANGE] = "",
        [VERDICT_FASTER] = "\033[32m",
        [VERDICT_SLOWER] = "\033[31m",
        [VERDICT_UNCLEAR] = "\033[33m",
    };

    return p->coloured ? colours[v] : "";
}

static const char *plain(const struct page *p, enum verdict v)
{
    return *colour_of(p, v) ? "\033[0m" : "";
}

/* Names come from files; a terminal, or the log of a CI, would obey some of them. */
static void put_plain(FILE *to, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, to);
}

static void put_name(const struct page *p, const char *name)
{
    char cut[NAME_MAX_SHOWN + 1];

    snprintf(cut, sizeof cut, "%s", name);
    put_plain(p->to, cut);
    fprintf(p->to, "%*s", p->name_width - (int)strlen(cut), "");
}

static void number(double value, char out[32])
{
    snprintf(out, 32, value >= 1000 && value < 1e7 ? "%.0f" : "%.4g", value);
}

/* "158 → 164 ns" @return its width on a screen, where the arrow takes one column */
static int medians(const struct comparison *c, char out[CELL])
{
    char old[32], new[32];

    number(c->base_median, old);
    number(c->now_median, new);
    return snprintf(out, CELL, "%s → %s %.20s", old, new, c->now->unit) - 2;
}

static void measure_columns(struct page *p)
{
    for (size_t i = 0; i < p->report->set.row_count; i++) {
        const struct comparison *c = &p->report->set.rows[i];
        char cell[CELL];
        int name = (int)strnlen(c->base->name, NAME_MAX_SHOWN), width = medians(c, cell);

        p->name_width = name > p->name_width ? name : p->name_width;
        p->medians_width = width > p->medians_width ? width : p->medians_width;
    }
}

static double in_percent(double ratio)
{
    return 100 * (ratio - 1);
}

static void change_cell(const struct comparison *c, char out[CELL])
{
    if (isnan(c->change))
        snprintf(out, CELL, "?");
    else if (isnan(c->low))
        snprintf(out, CELL, "%+.1f %%", in_percent(c->change));
    else
        snprintf(out, CELL, "%+.1f %% [%+.1f, %+.1f]", in_percent(c->change), in_percent(c->low),
                 in_percent(c->high));
}

static void p_cell(const struct comparison *c, char out[CELL])
{
    if (isnan(c->p_holm))
        snprintf(out, CELL, "p=?");
    else if (c->p == 0)
        snprintf(out, CELL, "certain");
    else if (c->p_holm < 0.0001)
        snprintf(out, CELL, "p<0.0001");
    else
        snprintf(out, CELL, "p=%.4f", c->p_holm);
}

static void print_instructions(const struct page *p, const struct comparison *c)
{
    if (isnan(c->instructions))
        return;
    fprintf(p->to, "  %sinstructions %+.1f %%", colour_of(p, c->instructions_verdict),
            in_percent(c->instructions));
    if (!isnan(c->instructions_own))
        fprintf(p->to, ", ours %+.1f %%", in_percent(c->instructions_own));
    fputs(plain(p, c->instructions_verdict), p->to);
    if (c->now->instructions_note)
        fprintf(p->to, " (%s)", c->now->instructions_note);
    if (c->verdict == VERDICT_SLOWER && c->instructions_verdict != VERDICT_SLOWER)
        fputs(" → likely the machine, not the code", p->to);
}

/* @param before  the row above, or NULL: what is said of it is not said again */
static void print_why(const struct page *p, const struct comparison *c,
                      const struct comparison *before)
{
    if (*c->why && !(before && strcmp(before->why, c->why) == 0))
        fprintf(p->to, "%*s  %s\n", p->name_width, "", c->why);
}

static void print_row(const struct page *p, const struct comparison *c)
{
    char numbers[CELL], change[CELL], chance[CELL];
    bool more = !isnan(c->instructions) || c->beside_bound || c->paired;
    int width = medians(c, numbers);

    change_cell(c, change);
    p_cell(c, chance);
    put_name(p, c->base->name);
    fprintf(p->to, "  %s%*s  %-24s %-8s  %s%-*s%s", numbers, p->medians_width - width, "", change,
            chance, colour_of(p, c->verdict), more ? 11 : 0, verdict_name(c->verdict),
            plain(p, c->verdict));
    print_instructions(p, c);
    if (c->beside_bound)
        fprintf(p->to, "  machine %+.1f %%", in_percent(c->machine));
    if (c->paired)
        fputs("  turn by turn", p->to);
    fputc('\n', p->to);
}

static void print_source(FILE *to, const char *side, const struct measurement_set *set)
{
    const struct measurement_context *c = &set->context;

    char line[512];

    snprintf(line, sizeof line, "%-5s %.300s  version %.40s  commit %.12s%s  %.40s", side,
             set->source, c->version, c->commit, c->dirty ? " (changed)" : "", c->started);
    put_plain(to, line);
    fputc('\n', to);
}

static void print_provenance(const struct page *p)
{
    const struct comparison_set *set = &p->report->set;
    char old[200], new[200];

    print_source(p->to, "base", set->base);
    print_source(p->to, "new", set->now);
    machine_class(&set->base->context, old, sizeof old);
    machine_class(&set->now->context, new, sizeof new);
    if (strcmp(old, new) == 0)
        fprintf(p->to, "on    %s\n", old);
    else
        fprintf(p->to, "on    %s and on %s: DIFFERENT MACHINES\n", old, new);
    if (strcmp(set->base->context.scenario_sha256, set->now->context.scenario_sha256) != 0)
        fputs("      the scenarios differ: their work is not the same\n", p->to);
    fputc('\n', p->to);
}

static void print_virtual(const struct page *p)
{
    const struct comparison_set *set = &p->report->set;

    if (set->virtual == VIRTUAL_EQUAL)
        fputs("virtual: equal\n", p->to);
    else if (set->virtual == VIRTUAL_DIFFERS)
        fprintf(p->to, "%svirtual: differs at %s%s\n", colour_of(p, VERDICT_SLOWER),
                set->virtual_where, plain(p, VERDICT_SLOWER));
    else if (*set->virtual_where)
        fprintf(p->to, "virtual: not compared, %s\n", set->virtual_where);
}

static void print_only(const struct page *p, const char *side, char **names)
{
    if (!*names)
        return;
    fprintf(p->to, "only in %s:", side);
    for (; *names; names++) {
        fputc(' ', p->to);
        put_plain(p->to, *names);
    }
    fputc('\n', p->to);
}

static void print_counts(const struct page *p)
{
    const struct compare_report *r = p->report;
    size_t counts[VERDICT_COUNT] = {0};

    for (size_t i = 0; i < r->set.row_count; i++)
        counts[r->set.rows[i].verdict]++;
    fprintf(p->to, "%zu slower, %zu faster, %zu no change, %zu cannot tell", counts[VERDICT_SLOWER],
            counts[VERDICT_FASTER], counts[VERDICT_NO_CHANGE], counts[VERDICT_UNCLEAR]);
    fprintf(p->to,
            "   (+ is more cost; in [] 95 %%; p over all rows; no change: a change of %.3g %% is "
            "refused)\n",
            100 * compare_tolerance(&r->options));
}

/* Names of the rows that gave the answer, for the first of them. */
static void print_culprits(const struct page *p, size_t at)
{
    const struct compare_report *r = p->report;
    const struct fail_if *f = &r->fail_if[at];
    size_t shown = 0, more = 0;

    for (size_t i = 0; i < r->set.row_count; i++) {
        const struct comparison *c = &r->set.rows[i];

        if (!fail_if_covers(f, c) || fail_if_row(f, c, &r->options) != r->answers[at])
            continue;
        if (shown == 5) {
            more++;
            continue;
        }
        fputs(shown++ ? ", " : ": ", p->to);
        put_plain(p->to, c->base->name);
    }
    if (more)
        fprintf(p->to, " and %zu more", more);
    if (f->what == FAIL_IF_VIRTUAL)
        fprintf(p->to, ": %s", *r->set.virtual_where ? r->set.virtual_where : "no simulations");
    else if (shown == 0)
        fputs(": no instructions were counted in both", p->to);
}

static void print_answer(const struct page *p, size_t at)
{
    static const struct {
        const char *mark, *words;
        enum verdict colour;
    } forms[] = {
        [FAIL_IF_OK] = {"✓", "", VERDICT_FASTER},
        [FAIL_IF_UNCLEAR] = {"?", "  cannot tell", VERDICT_UNCLEAR},
        [FAIL_IF_HOLDS] = {"✗", "", VERDICT_SLOWER},
    };
    enum fail_if_answer answer = p->report->answers[at];

    fprintf(p->to, "%s%s%s %s%s", colour_of(p, forms[answer].colour), forms[answer].mark,
            plain(p, forms[answer].colour), p->report->fail_if[at].text, forms[answer].words);
    if (answer != FAIL_IF_OK)
        print_culprits(p, at);
    fputc('\n', p->to);
}

void compare_print(FILE *to, const struct compare_report *r, bool coloured)
{
    struct page p = {.to = to, .report = r, .coloured = coloured};

    measure_columns(&p);
    print_provenance(&p);
    for (size_t i = 0; i < r->set.row_count; i++) {
        const struct comparison *c = &r->set.rows[i];

        print_row(&p, c);
        print_why(&p, c, i > 0 ? c - 1 : NULL);
    }
    fputc('\n', to);
    print_only(&p, "base", r->set.only_base);
    print_only(&p, "new", r->set.only_now);
    print_virtual(&p);
    print_counts(&p);
    for (size_t i = 0; i < r->fail_if_count; i++)
        print_answer(&p, i);
}
