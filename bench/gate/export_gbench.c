/*
 * Google Benchmark's JSON, as compare.py reads it: every repetition is an iteration row, because
 * its U test wants the samples. There are no aggregate rows: github-action-benchmark would chart
 * each of them, cv and stddev too. Bencher needs `context.caches` to be an array.
 */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"

#include <math.h>
#include <string.h>

bool gbench_takes(const struct measurement *m)
{
    enum dimension d = unit_of(m).dimension;

    return d == DIMENSION_TIME || d == DIMENSION_RATE || d == DIMENSION_BITS;
}

static void field(struct text *t, const char *key, const char *value)
{
    text_format(t, "    \"%s\": ", key);
    text_json(t, value);
    text_raw(t, ",\n");
}

static void write_context(const struct measurement_context *c, struct text *t)
{
    bool scaling = strcmp(c->governor, "performance") != 0 && strcmp(c->governor, "unknown") != 0;

    text_raw(t, "  \"context\": {\n");
    field(t, "date", c->started);
    field(t, "host_name", "unknown");
    field(t, "executable", c->command);
    text_format(t, "    \"num_cpus\": %u,\n    \"mhz_per_cpu\": 0,\n", c->cores);
    text_format(t, "    \"cpu_scaling_enabled\": %s,\n", scaling ? "true" : "false");
    text_raw(t, "    \"caches\": [],\n    \"load_avg\": [");
    if (!isnan(c->load))
        text_double(t, c->load);
    text_raw(t, "],\n");
    field(t, "ikelab_version", c->version);
    field(t, "ikelab_commit", c->commit);
    field(t, "cpu", c->cpu);
    field(t, "kernel", c->kernel);
    field(t, "compiler", c->compiler);
    text_raw(t, "    \"library_build_type\": \"release\"\n  },\n");
}

/* All times in ns: compare.py prints whole numbers of the unit, and pairs rows of one unit only.
 * One clock is read, so real and CPU time are the same number. */
static void write_time(const struct unit *unit, double value, struct text *t)
{
    double scaled = value * unit->factor;
    double rate = unit->dimension == DIMENSION_BITS ? scaled / 8 : scaled;
    bool time = unit->dimension == DIMENSION_TIME;
    double ns = time ? scaled : 1e9 / rate;

    text_raw(t, "\"real_time\": ");
    text_double(t, ns);
    text_raw(t, ", \"cpu_time\": ");
    text_double(t, ns);
    text_raw(t, ", \"time_unit\": \"ns\"");
    if (time)
        return;
    text_format(t, ", \"%s_per_second\": ", unit->dimension == DIMENSION_BITS ? "bytes" : "items");
    text_double(t, rate);
}

static void write_row(const struct measurement *m, unsigned family, struct text *t)
{
    struct unit unit = unit_of(m);

    for (size_t i = 0; i < m->sample_count; i++) {
        text_raw(t, family || i ? ",\n    {\"name\": " : "\n    {\"name\": ");
        text_json(t, m->name);
        text_raw(t, ", \"run_name\": ");
        text_json(t, m->name);
        text_format(t,
                    ", \"family_index\": %u, \"per_family_instance_index\": 0, "
                    "\"run_type\": \"iteration\", \"repetitions\": %zu, \"repetition_index\": %zu, "
                    "\"threads\": 1, \"iterations\": 1, ",
                    family, m->sample_count, i);
        write_time(&unit, m->samples[i], t);
        text_char(t, '}');
    }
}

void gbench_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                  struct text *t)
{
    unsigned family = 0;

    (void)verdicts;
    text_raw(t, "{\n");
    write_context(&set->context, t);
    text_raw(t, "  \"benchmarks\": [");
    for (size_t i = 0; i < set->row_count; i++)
        if (gbench_takes(&set->rows[i]))
            write_row(&set->rows[i], family++, t);
    text_raw(t, "\n  ]\n}\n");
}
