#include "record/result.h"
#include "record/json.h"
#include "record/run_folder.h"

/* The envelope of the whole virtual object, at its place in result.json. */
enum { VIRTUAL_DEPTH = 1 };

void result_virtual_json(const struct result *r, struct text *out)
{
    metrics_virtual_json(r->metrics, out, VIRTUAL_DEPTH);
}

static void thresholds(struct json *j, const struct result *r)
{
    json_array_begin(j, "thresholds");
    for (size_t i = 0; i < r->threshold_count; i++) {
        json_object_begin(j, NULL);
        json_text(j, "metric", r->thresholds[i].metric);
        json_text(j, "expect", r->thresholds[i].expect);
        json_fixed(j, "value", r->verdicts[i].value);
        json_text(j, "unit", r->verdicts[i].unit);
        json_bool(j, "pass", r->verdicts[i].pass);
        json_object_end(j);
    }
    json_array_end(j);
}

static void security_section(struct json *j, const struct result *r, const char *section)
{
    json_object_begin(j, section);
    for (size_t i = 0; i < r->security_count; i++) {
        const struct security_item *item = &r->security[i];

        if (strcmp(item->section, section) != 0)
            continue;
        if (item->text)
            json_text(j, item->key, item->text);
        else
            json_fixed(j, item->key, item->number);
    }
    json_object_end(j);
}

static void security(struct json *j, const struct result *r)
{
    json_object_begin(j, "security");
    security_section(j, r, "ike");
    security_section(j, r, "esp");
    json_object_end(j);
}

static void capture(struct json *j, const struct capture_totals *c)
{
    json_object_begin(j, "capture");
    json_u64(j, "frames", c->frames);
    json_u64(j, "interfaces", c->interfaces);
    json_u64(j, "bytes", c->bytes);
    json_u64(j, "max_size_bytes", c->max_size);
    json_u64(j, "esp_packets_per_sa", c->esp_packets_per_sa);
    json_u64(j, "cut_packets", c->cut_packets);
    json_u64(j, "cut_by_sa", c->cut_by_sa);
    json_u64(j, "cut_by_size", c->cut_by_size);
    json_u64(j, "cut_by_sample", c->cut_by_sample);
    json_object_end(j);
}

static void wall(struct json *j, const struct result *r)
{
    const struct wall *w = &r->wall;
    /* Inner ESP bits moved per nanosecond are Gbit per second: same digits as a rate. */
    uint64_t bits = r->metrics->esp.delivered_bytes * 8;

    json_object_begin(j, "wall");
    json_fixed(j, "run_s", fixed_seconds(w->run_ns));
    json_fixed(j, "setup_s", fixed_seconds(w->setup_ns));
    json_fixed(j, "last_up_s", w->last_up_ns ? fixed_seconds(w->last_up_ns) : FIXED_NONE);
    json_u64(j, "events", w->events);
    json_fixed(j, "events_per_s", fixed_rate(w->events, w->run_ns));
    json_fixed(j, "sim_handshakes_per_s", fixed_rate(r->metrics->ike.completed, w->run_ns));
    json_fixed(j, "esp_gbit_per_s", fixed_ratio(bits, w->run_ns));
    json_fixed(j, "esp_together_ratio",
               fixed_ratio(w->esp_together, w->esp_alone + w->esp_together));
    json_u64(j, "peak_rss_bytes", w->peak_rss_bytes);
    json_object_end(j);
}

static void origin(struct json *j, const struct provenance *p, bool modelled)
{
    json_object_begin(j, "provenance");
    json_text(j, "version", p->version);
    json_text(j, "commit", p->commit);
    json_bool(j, "dirty", p->dirty);
    json_text(j, "compiler", p->compiler);
    json_text(j, "flags", p->flags);
    json_text(j, "build_type", p->build_type);
    json_text(j, "cpu", p->cpu);
    json_u64(j, "cores", p->cores);
    json_text(j, "kernel", p->kernel);
    json_text(j, "packets_by", modelled ? "modelled" : p->packets_by);
    json_text(j, "x25519_by", modelled ? "modelled" : p->x25519_by);
    json_object_begin(j, "libraries");
    for (size_t i = 0; i < sizeof p->libraries / sizeof *p->libraries && p->libraries[i][0]; i++)
        json_text(j, p->libraries[i][0], p->libraries[i][1]);
    json_object_end(j);
    json_object_end(j);
}

static void scenario(struct json *j, const struct result *r)
{
    json_object_begin(j, "scenario");
    json_text(j, "name", r->scenario);
    json_text(j, "file", r->scenario_file);
    json_text(j, "sha256", r->scenario_sha256);
    if (r->scenario_effective) {
        json_key(j, "effective");
        text_raw(j->text, r->scenario_effective);
    }
    json_object_end(j);
}

void result_json(const struct result *r, struct text *out)
{
    struct json j;

    json_init(&j, out, 0);
    json_object_begin(&j, NULL);
    json_u64(&j, "schema_version", RESULT_SCHEMA_VERSION);
    scenario(&j, r);
    json_u64(&j, "seed", r->seed);
    json_hex64(&j, "digest", r->digest);
    json_hex64(&j, "timeline_digest", r->timeline_digest);
    json_text(&j, "crypto", r->crypto);
    json_bool(&j, "partial", r->partial);
    if (r->wrong)
        json_text(&j, "deliberately_wrong", r->wrong);
    json_text(&j, "violation", r->violation);
    if (r->lesson) {
        json_key(&j, "lesson");
        text_raw(out, r->lesson);
    }
    thresholds(&j, r);
    json_key(&j, "virtual");
    result_virtual_json(r, out);
    security(&j, r);
    capture(&j, &r->capture);
    wall(&j, r);
    origin(&j, r->provenance ? r->provenance : provenance(), strcmp(r->crypto, "modelled") == 0);
    json_object_end(&j);
    text_char(out, '\n');
}

static void write_result(const struct result *r, struct text *out)
{
    result_json(r, out);
}

static void write_scalars(const struct result *r, struct text *out)
{
    metrics_scalars_csv(r->metrics, out);
}

static void write_histograms(const struct result *r, struct text *out)
{
    metrics_histograms_json(r->metrics, out);
}

enum err result_write(const struct result *r, struct run_folder *folder)
{
    static const struct {
        const char *name;
        void (*write)(const struct result *, struct text *);
    } files[] = {
        {"scalars.csv", write_scalars},
        {"histograms.json", write_histograms},
        {"result.json", write_result}, /* last: the file that makes a folder look like a run */
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        FILE *file = run_folder_open(folder, files[i].name);
        struct text t;
        enum err e;

        if (!file)
            return ERR_IO;
        text_init(&t, file);
        files[i].write(r, &t);
        e = text_flush(&t);
        text_reset(&t);
        if (e != OK)
            return e;
    }
    return OK;
}
