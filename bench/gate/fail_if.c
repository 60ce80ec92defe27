#define _GNU_SOURCE
#include "bench/gate/fail_if.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *after_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(text, word, n) != 0)
        return NULL;
    return text + n + strspn(text + n, " ");
}

static enum err bad(const char *text, const char *what, char *why)
{
    snprintf(why, MEASUREMENT_WHY_MAX, "--fail-if '%.100s': %s", text, what);
    return ERR_SYNTAX;
}

static enum err read_percent(const char *at, struct fail_if *f, char *why)
{
    char *end;
    double percent;

    if (*at != '>')
        return bad(f->text, "'>' and a percentage must follow", why);
    at++;
    at += strspn(at, " ");
    percent = strtod(at, &end);
    if (end == at || !isfinite(percent) || percent < 0)
        return bad(f->text, "no number from 0 follows '>'", why);
    end += strspn(end, " ");
    if (*end != '%')
        return bad(f->text, "the number has no '%'", why);
    end++;
    f->more_than = percent / 100;
    if (*end != '\0' && (*end != '@' || end[1] == '\0'))
        return bad(f->text, "after '%' only @GLOB may follow, as in slower>2%@esp/*", why);
    f->glob = *end ? end + 1 : "*";
    return OK;
}

enum err fail_if_read(const char *text, struct fail_if *out, char *why)
{
    const char *at;

    *out = (struct fail_if){.text = text, .glob = "*"};
    if (strcmp(text, "virtual") == 0) {
        out->what = FAIL_IF_VIRTUAL;
        return OK;
    }
    out->what = FAIL_IF_SLOWER;
    at = after_word(text, "slower");
    if (!at) {
        out->what = FAIL_IF_INSTRUCTIONS;
        at = after_word(text, "instructions");
    }
    if (!at)
        return bad(text, "it begins with none of slower, instructions, virtual", why);
    return read_percent(at, out, why);
}

bool fail_if_covers(const struct fail_if *f, const struct comparison *c)
{
    if (f->what == FAIL_IF_VIRTUAL || fnmatch(f->glob, c->base->name, 0) != 0)
        return false;
    if (f->what == FAIL_IF_SLOWER)
        return !comparison_only_counted(c);
    return !isnan(comparison_instructions(c));
}

/* A row that cannot tell is in the way only if it may hide what is refused: when it looks slower
 * by that much, or when it cannot exclude the tolerance. */
static enum fail_if_answer slower(const struct fail_if *f, const struct comparison *c,
                                  const struct compare_options *o)
{
    double limit = 1 + f->more_than;

    if (c->verdict == VERDICT_SLOWER && c->low >= limit)
        return FAIL_IF_HOLDS;
    if (c->verdict == VERDICT_SLOWER)
        return c->change > limit ? FAIL_IF_UNCLEAR : FAIL_IF_OK;
    if (c->verdict != VERDICT_UNCLEAR || c->high <= limit)
        return FAIL_IF_OK;
    return c->change > limit || !(c->p_slower < o->miss) ? FAIL_IF_UNCLEAR : FAIL_IF_OK;
}

enum fail_if_answer fail_if_row(const struct fail_if *f, const struct comparison *c,
                                const struct compare_options *o)
{
    if (f->what == FAIL_IF_SLOWER)
        return slower(f, c, o);
    return comparison_instructions(c) > 1 + f->more_than ? FAIL_IF_HOLDS : FAIL_IF_OK;
}

static enum fail_if_answer of_virtual(const struct comparison_set *set)
{
    if (set->virtual == VIRTUAL_NONE)
        return FAIL_IF_UNCLEAR;
    return set->virtual == VIRTUAL_DIFFERS ? FAIL_IF_HOLDS : FAIL_IF_OK;
}

enum fail_if_answer fail_if_judge(const struct fail_if *f, const struct comparison_set *set,
                                  const struct compare_options *o)
{
    enum fail_if_answer worst = FAIL_IF_OK;
    size_t covered = 0;

    if (f->what == FAIL_IF_VIRTUAL)
        return of_virtual(set);
    for (size_t i = 0; i < set->row_count; i++) {
        enum fail_if_answer answer;

        if (!fail_if_covers(f, &set->rows[i]))
            continue;
        covered++;
        answer = fail_if_row(f, &set->rows[i], o);
        if (answer > worst)
            worst = answer;
    }
    return covered > 0 ? worst : FAIL_IF_UNCLEAR;
}
