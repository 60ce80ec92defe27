#include "bench/sweep/outcome.h"

#include "record/provenance.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *at(json_t *root, const char *path, size_t len)
{
    char key[256];

    while (root && len > 0) {
        size_t n = 0;

        while (n < len && path[n] != '.')
            n++;
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        root = json_object_get(root, key);
        path += n + (n < len);
        len -= n + (n < len);
    }
    return root;
}

/* The worst of all, as thresholds see it; nothing where one never recovered or none had to. */
static double worst_recovery(const json_t *recoveries, const char *part)
{
    double worst = json_array_size(recoveries) > 0 ? 0 : NAN;
    const json_t *r;
    size_t i;

    json_array_foreach(recoveries, i, r)
    {
        const json_t *value = json_object_get(r, part);

        if (!json_is_number(value))
            return NAN;
        worst = fmax(worst, json_number_value(value));
    }
    return worst;
}

/*
 * A path as in thresholds. The loader found it among the metrics, so what is not written is a
 * counter that is left out while it is 0 (docs/metrics.md).
 */
static double value_of(json_t *virtual, const char *path)
{
    static const char *const scopes[] = {"groups", "hosts", "links", "flows"};
    const char *name = strrchr(path, '@');
    const json_t *found = NULL;

    if (strncmp(path, "recovery_s.", 11) == 0)
        return worst_recovery(json_object_get(virtual, "recovery_s"), path + 11);
    if (!name)
        found = at(virtual, path, strlen(path));
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes && name && !found; i++)
        found = at(json_object_get(json_object_get(virtual, scopes[i]), name + 1), path,
                   (size_t)(name - path));
    if (!found)
        return 0;
    return json_is_number(found) ? json_number_value(found) : NAN;
}

static bool is_text(const json_t *object, const char *key, const char *expected)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text && strcmp(text, expected) == 0;
}

static bool counts(const struct sweep_plan *p, uint64_t run, const json_t *result)
{
    const json_t *scenario = json_object_get(result, "scenario");
    const json_t *origin = json_object_get(result, "provenance");

    return is_text(scenario, "sha256", p->scenario_sha256) &&
           is_text(origin, "version", provenance()->version) &&
           is_text(origin, "commit", provenance()->commit) &&
           (uint64_t)json_integer_value(json_object_get(result, "seed")) ==
               p->seed + run % p->repeat &&
           json_is_false(json_object_get(result, "partial")) &&
           !json_is_string(json_object_get(result, "violation")) &&
           json_is_object(json_object_get(result, "virtual"));
}

static enum err take(const struct sweep_plan *p, const json_t *result, struct outcome *out)
{
    json_t *virtual = json_object_get(result, "virtual");
    const char *digest = json_string_value(json_object_get(result, "digest"));
    const json_t *threshold;
    size_t i;

    out->values = calloc(p->metric_count + 1, sizeof *out->values);
    if (!out->values)
        return ERR_MEMORY;
    for (i = 0; i < p->metric_count; i++)
        out->values[i] = value_of(virtual, p->metrics[i].path);
    snprintf(out->digest, sizeof out->digest, "%s", digest ? digest : "");
    out->state = OUTCOME_DONE;
    json_array_foreach(json_object_get(result, "thresholds"), i, threshold)
    {
        if (!json_is_true(json_object_get(threshold, "pass")))
            out->state = OUTCOME_THRESHOLD;
    }
    return OK;
}

enum err outcome_read(const struct sweep_plan *p, uint64_t run, struct outcome *out)
{
    char name[PLAN_TEXT_MAX], path[2 * PLAN_TEXT_MAX];
    json_t *result;
    enum err e = OK;

    *out = (struct outcome){.state = OUTCOME_MISSING};
    snprintf(path, sizeof path, "%s/%s/result.json", p->folder, plan_run_name(p, run, name));
    result = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (result && counts(p, run, result))
        e = take(p, result, out);
    json_decref(result);
    return e;
}

void outcome_reset(struct outcome *o)
{
    free(o->values);
    *o = (struct outcome){.state = OUTCOME_MISSING};
}
