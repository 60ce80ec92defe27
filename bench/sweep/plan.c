#include "bench/sweep/plan.h"

#include "base/assert.h"
#include "record/json.h"
#include "record/provenance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t plan_cells(const struct sweep_plan *p)
{
    uint64_t cells = 1;

    for (size_t i = 0; i < p->axis_count; i++)
        cells *= p->axes[i].value_count;
    return cells;
}

uint64_t plan_runs(const struct sweep_plan *p)
{
    return plan_cells(p) * p->repeat;
}

uint32_t plan_choice(const struct sweep_plan *p, uint64_t cell, size_t axis)
{
    ASSERT(axis < p->axis_count);
    for (size_t i = p->axis_count - 1; i > axis; i--)
        cell /= p->axes[i].value_count;
    return (uint32_t)(cell % p->axes[axis].value_count);
}

const char *plan_run_name(const struct sweep_plan *p, uint64_t run, char *out)
{
    snprintf(out, PLAN_TEXT_MAX, "cell-%04" PRIu64 "-r%" PRIu64, run / p->repeat + 1,
             run % p->repeat + 1);
    return out;
}

static uint64_t seed_of(const struct sweep_plan *p, uint64_t run)
{
    return p->seed + run % p->repeat;
}

/* For a shell: a quote within quotes ends them, stands for itself, and begins them again. */
static void quote(struct text *out, const char *before, const char *text)
{
    text_format(out, "%s'", before);
    for (; *text; text++)
        if (*text == '\'')
            text_raw(out, "'\\''");
        else
            text_char(out, *text);
    text_char(out, '\'');
}

static void quote_setting(struct text *out, const char *key, const char *value)
{
    char both[PLAN_TEXT_MAX];

    snprintf(both, sizeof both, "%s=%s", key, value);
    quote(out, " --set ", both);
}

void plan_command(const struct sweep_plan *p, uint64_t run, struct text *out)
{
    text_raw(out, "ikelab run");
    quote(out, " ", p->scenario_file);
    for (size_t i = 0; i < p->setting_count; i++)
        quote_setting(out, p->settings[i].key, p->settings[i].value);
    for (size_t i = 0; i < p->axis_count; i++)
        quote_setting(out, p->axes[i].key, p->axes[i].values[plan_choice(p, run / p->repeat, i)]);
    text_format(out, " --seed %" PRIu64, seed_of(p, run));
    if (p->plant)
        text_format(out, " --plant %s", p->plant);
}

/* Words that must be made lie one after the other in `text`. */
struct maker {
    struct plan_words *out;
    size_t words, used;
    bool full;
};

static void word(struct maker *m, const char *text)
{
    m->full |= m->words + 1 >= PLAN_WORDS_MAX;
    if (!m->full)
        m->out->word[m->words++] = text;
}

static void made_word(struct maker *m, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void made_word(struct maker *m, const char *format, ...)
{
    char *at = m->out->text + m->used;
    size_t room = sizeof m->out->text - m->used;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(at, room, format, args);
    va_end(args);
    m->full |= len < 0 || (size_t)len >= room;
    if (!m->full)
        m->used += (size_t)len + 1;
    word(m, at);
}

static void setting(struct maker *m, const char *key, const char *value)
{
    word(m, "--set");
    made_word(m, "%s=%s", key, value);
}

enum err plan_words(const struct sweep_plan *p, uint64_t run, struct plan_words *out)
{
    struct maker m = {.out = out};
    char name[PLAN_TEXT_MAX];

    word(&m, p->program);
    word(&m, "run");
    word(&m, p->scenario_file);
    word(&m, "-q");
    word(&m, "--force"); /* what an earlier, broken try left there */
    word(&m, p->capture ? "--no-report" : "--numbers-only");
    word(&m, "-o");
    made_word(&m, "%s/%s", p->folder, plan_run_name(p, run, name));
    for (size_t i = 0; i < p->setting_count; i++)
        setting(&m, p->settings[i].key, p->settings[i].value);
    for (size_t i = 0; i < p->axis_count; i++)
        setting(&m, p->axes[i].key, p->axes[i].values[plan_choice(p, run / p->repeat, i)]);
    word(&m, "--seed");
    made_word(&m, "%" PRIu64, seed_of(p, run));
    if (p->plant) {
        word(&m, "--plant");
        word(&m, p->plant);
    }
    out->word[m.words] = NULL;
    return m.full ? ERR_SPACE : OK;
}

void plan_json(const struct sweep_plan *p, struct text *out)
{
    struct json j;

    json_init(&j, out, 0);
    json_object_begin(&j, NULL);
    json_u64(&j, "schema_version", PLAN_SCHEMA_VERSION);
    json_text(&j, "scenario", p->scenario_name);
    json_text(&j, "scenario_sha256", p->scenario_sha256);
    json_text(&j, "version", provenance()->version);
    json_text(&j, "commit", provenance()->commit);
    json_u64(&j, "seed", p->seed);
    json_bool(&j, "capture", p->capture);
    json_text(&j, "plant", p->plant);
    json_array_begin(&j, "settings");
    for (size_t i = 0; i < p->setting_count; i++) {
        json_object_begin(&j, NULL);
        json_text(&j, "key", p->settings[i].key);
        json_text(&j, "value", p->settings[i].value);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_array_begin(&j, "axes");
    for (size_t i = 0; i < p->axis_count; i++) {
        json_object_begin(&j, NULL);
        json_text(&j, "key", p->axes[i].key);
        json_array_begin(&j, "values");
        for (uint32_t k = 0; k < p->axes[i].value_count; k++)
            json_text(&j, NULL, p->axes[i].values[k]);
        json_array_end(&j);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    text_char(out, '\n');
}
