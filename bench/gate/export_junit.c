/*
 * JUnit XML: one test case a benchmark. After a comparison a slower one has failed and one that
 * cannot be told was skipped, both with the numbers; without, all have passed. Counted
 * instructions have a verdict of their own, and so a case of their own. The exact numbers are in
 * system-out; `time` would be the duration of a test and is not said.
 */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Control characters cannot be said in XML 1.0, not even escaped. */
static void text_xml(struct text *t, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '&')
            text_raw(t, "&amp;");
        else if (c == '<')
            text_raw(t, "&lt;");
        else if (c == '>')
            text_raw(t, "&gt;");
        else if (c == '"')
            text_raw(t, "&quot;");
        else if (c == '\n' || c == '\t' || c == '\r')
            text_format(t, "&#%u;", c);
        else if (c < 0x20)
            text_raw(t, "\xef\xbf\xbd");
        else
            text_char(t, *s);
    }
}

struct counts {
    size_t tests, failed, skipped;
};

static void count(struct counts *counts, enum verdict verdict)
{
    counts->tests++;
    counts->failed += verdict == VERDICT_SLOWER;
    counts->skipped += verdict == VERDICT_UNCLEAR;
}

static bool counted(const struct comparison *c)
{
    return c && !isnan(comparison_instructions(c)) && !comparison_only_counted(c);
}

static size_t length(char **names)
{
    size_t n = 0;

    while (names && names[n])
        n++;
    return n;
}

static struct counts count_all(const struct measurement_set *set,
                               const struct comparison_set *verdicts)
{
    struct counts counts = {0};
    size_t gone = verdicts ? length(verdicts->only_base) : 0;

    for (size_t i = 0; i < set->row_count; i++) {
        const struct comparison *c = row_verdict(verdicts, &set->rows[i]);

        count(&counts, c ? c->verdict : VERDICT_NO_CHANGE);
        if (counted(c))
            count(&counts, c->instructions_verdict);
    }
    if (verdicts && verdicts->virtual != VIRTUAL_NONE)
        count(&counts, verdicts->virtual == VIRTUAL_DIFFERS ? VERDICT_SLOWER : VERDICT_NO_CHANGE);
    counts.tests += gone;
    counts.skipped += gone;
    return counts;
}

static void begin_case(const char *name, const char *suffix, struct text *t)
{
    text_raw(t, "    <testcase classname=\"ikelab\" name=\"");
    text_xml(t, name);
    text_raw(t, suffix);
    text_raw(t, "\">\n");
}

/* `element` is "failure" or "skipped"; the message is what a CI shows in its list. */
static void write_outcome(const char *element, const char *message, struct text *t)
{
    text_format(t, "      <%s message=\"", element);
    text_xml(t, message);
    text_raw(t, "\"/>\n");
}

static void write_verdict(const struct comparison *c, struct text *t)
{
    char message[600];
    int n;

    if (c->verdict != VERDICT_SLOWER && c->verdict != VERDICT_UNCLEAR)
        return;
    n = snprintf(message, sizeof message, "%s: %.6g -> %.6g %.20s, cost %+.1f %%",
                 verdict_name(c->verdict), c->base_median, c->now_median, c->now->unit,
                 100 * (c->change - 1));
    if (!isnan(c->p_holm))
        n += snprintf(message + n, sizeof message - (size_t)n, " [%+.1f, %+.1f], p %.2g",
                      100 * (c->low - 1), 100 * (c->high - 1), c->p_holm);
    if (*c->why)
        snprintf(message + n, sizeof message - (size_t)n, "; %.300s", c->why);
    write_outcome(c->verdict == VERDICT_SLOWER ? "failure" : "skipped", message, t);
}

static void write_number(const char *what, double value, const char *unit, struct text *t)
{
    text_format(t, "%s ", what);
    text_double(t, value);
    text_raw(t, " ");
    text_xml(t, unit);
    text_char(t, '\n');
}

static void write_numbers(const struct measurement *m, struct text *t)
{
    struct row_interval i = row_interval(m);

    text_raw(t, "      <system-out>");
    write_number("median", i.median, m->unit, t);
    write_number("low", i.low, m->unit, t);
    write_number("high", i.high, m->unit, t);
    if (m->bounds)
        write_number("bound", row_bound(m), m->unit, t);
    if (!isnan(m->instructions))
        write_number("instructions", m->instructions, "per operation", t);
    text_raw(t, "</system-out>\n");
}

static void write_instructions(const struct comparison *c, struct text *t)
{
    char message[120];
    int n;

    begin_case(c->now->name, " instructions", t);
    n = snprintf(message, sizeof message, "%+.2f %% instructions", 100 * (c->instructions - 1));
    if (!isnan(c->instructions_own))
        snprintf(message + n, sizeof message - (size_t)n, ", %+.2f %% of our own code's",
                 100 * (c->instructions_own - 1));
    if (c->instructions_verdict == VERDICT_SLOWER)
        write_outcome("failure", message, t);
    if (c->instructions_verdict == VERDICT_UNCLEAR)
        write_outcome("skipped", message, t);
    text_raw(t, "    </testcase>\n");
}

static void write_row(const struct measurement *m, const struct comparison *c, struct text *t)
{
    begin_case(m->name, "", t);
    if (c)
        write_verdict(c, t);
    write_numbers(m, t);
    text_raw(t, "    </testcase>\n");
    if (counted(c))
        write_instructions(c, t);
}

/* What a comparison has beside its rows: equality of simulations, and benchmarks that are gone. */
static void write_rest(const struct comparison_set *verdicts, struct text *t)
{
    if (verdicts->virtual != VIRTUAL_NONE) {
        begin_case("virtual", "", t);
        if (verdicts->virtual == VIRTUAL_DIFFERS)
            write_outcome("failure", verdicts->virtual_where, t);
        text_raw(t, "    </testcase>\n");
    }
    for (char **name = verdicts->only_base; name && *name; name++) {
        begin_case(*name, "", t);
        write_outcome("skipped", "only the base has it", t);
        text_raw(t, "    </testcase>\n");
    }
}

void junit_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                 struct text *t)
{
    struct counts counts = count_all(set, verdicts);

    text_raw(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    text_format(t,
                "  <testsuite name=\"ikelab\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
                "skipped=\"%zu\" timestamp=\"",
                counts.tests, counts.failed, counts.skipped);
    text_xml(t, set->context.started);
    text_raw(t, "\">\n");
    for (size_t i = 0; i < set->row_count; i++)
        write_row(&set->rows[i], row_verdict(verdicts, &set->rows[i]), t);
    if (verdicts)
        write_rest(verdicts, t);
    text_raw(t, "  </testsuite>\n</testsuites>\n");
}
