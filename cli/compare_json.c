/* The comparison as one JSON object: docs/schema/compare.schema.json. */
#include "cli/compare.h"

#include "bench/gate/bench_file.h"

#include <math.h>

enum { COMPARE_SCHEMA_VERSION = 1 };

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *side(const struct measurement_set *set)
{
    const struct measurement_context *c = &set->context;

    return json_pack("{s:o, s:s, s:s, s:b, s:s, s:s, s:s, s:i, s:s, s:I, s:b, s:s}", "source",
                     bench_file_words(set->source), "version", c->version, "commit", c->commit,
                     "dirty", c->dirty, "started", c->started, "command", c->command, "cpu", c->cpu,
                     "cores", (int)c->cores, "scenario_sha256", c->scenario_sha256, "seed",
                     (json_int_t)c->seed, "partial", c->partial, "warnings", c->warnings);
}

static void numbers_of(json_t *out, const struct comparison *c)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"base_median", c->base_median},
        {"new_median", c->now_median},
        {"change", c->change},
        {"low", c->low},
        {"high", c->high},
        {"p", c->p},
        {"p_holm", c->p_holm},
        {"p_slower", c->p_slower},
        {"p_faster", c->p_faster},
        {"machine", c->machine},
        {"instructions_change", c->instructions},
        {"instructions_own_change", c->instructions_own},
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(out, numbers[i].key, number(numbers[i].value));
}

static json_t *row(const struct comparison *c)
{
    json_t *out = json_pack("{s:s, s:s, s:s}", "name", c->base->name, "unit", c->base->unit,
                            "better", c->base->better == BETTER_LOWER ? "lower" : "higher");

    numbers_of(out, c);
    json_object_set_new(out, "beside_bound", json_boolean(c->beside_bound));
    json_object_set_new(out, "paired", json_boolean(c->paired));
    json_object_set_new(out, "instructions_verdict",
                        json_string(verdict_name(c->instructions_verdict)));
    if (c->now->instructions_note)
        json_object_set_new(out, "instructions_note", json_string(c->now->instructions_note));
    json_object_set_new(out, "verdict", json_string(verdict_name(c->verdict)));
    json_object_set_new(out, "why", bench_file_words(c->why));
    return out;
}

static json_t *rows(const struct comparison_set *set)
{
    json_t *out = json_array();

    for (size_t i = 0; i < set->row_count; i++)
        json_array_append_new(out, row(&set->rows[i]));
    return out;
}

static json_t *names(char **name)
{
    json_t *out = json_array();

    for (; *name; name++)
        json_array_append_new(out, json_string(*name));
    return out;
}

static const char *answer_name(enum fail_if_answer answer)
{
    static const char *const words[] = {
        [FAIL_IF_OK] = "ok", [FAIL_IF_UNCLEAR] = "cannot tell", [FAIL_IF_HOLDS] = "failed"};

    return words[answer];
}

static json_t *answers(const struct compare_report *r)
{
    json_t *out = json_array();

    for (size_t i = 0; i < r->fail_if_count; i++)
        json_array_append_new(out, json_pack("{s:o, s:s}", "fail_if",
                                             bench_file_words(r->fail_if[i].text), "verdict",
                                             answer_name(r->answers[i])));
    return out;
}

json_t *compare_json(const struct comparison_set *set, const struct compare_options *o)
{
    static const char *const virtual[] = {
        [VIRTUAL_NONE] = "none", [VIRTUAL_EQUAL] = "equal", [VIRTUAL_DIFFERS] = "differs"};

    return json_pack("{s:f, s:s, s:o, s:o, s:o, s:o}", "effect", o->effect, "virtual",
                     virtual[set->virtual], "virtual_where", bench_file_words(set->virtual_where),
                     "rows", rows(set), "only_base", names(set->only_base), "only_new",
                     names(set->only_now));
}

void compare_print_json(FILE *to, const struct compare_report *r)
{
    json_t *out = json_pack("{s:i, s:o, s:o}", "schema_version", COMPARE_SCHEMA_VERSION, "base",
                            side(r->set.base), "new", side(r->set.now));
    json_t *found = compare_json(&r->set, &r->options);

    json_object_update(out, found);
    json_decref(found);
    json_object_set_new(out, "gate", answers(r));
    json_object_set_new(out, "verdict", json_string(answer_name(r->answer)));
    json_dumpf(out, to, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    fputc('\n', to);
    json_decref(out);
}
