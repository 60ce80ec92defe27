/* A scenario from file to checked struct: the order of reading, overrides, names for metrics. */
#include "sim/scenario.h"

#include "base/assert.h"
#include "crypto/sha256.h"
#include "sim/scenario_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum err read_file(struct scenario_reader *r, const char *path, struct tree_source *out)
{
    FILE *file = fopen(path, "rb");
    char *text = reader_take(r, TREE_BYTES_MAX + 2);
    size_t len;
    bool failed;

    if (!file || !text) {
        fprintf(r->diag.out, "%s: error: %s\n", path, strerror(errno));
        if (file)
            fclose(file);
        return file ? ERR_MEMORY : ERR_IO;
    }
    len = fread(text, 1, TREE_BYTES_MAX + 1, file);
    failed = ferror(file);
    if (failed)
        fprintf(r->diag.out, "%s: error: %s\n", path, strerror(errno));
    fclose(file);
    *out = (struct tree_source){.name = path, .text = text, .len = len, .is_file = true};
    return failed ? ERR_IO : OK;
}

static void hash_file(struct scenario *s, const struct tree_source *source)
{
    uint8_t hash[32];

    if (crypto_sha256(bytes_of(source->text, source->len), hash) == OK)
        bytes_hex(bytes_of(hash, sizeof hash), s->sha256);
}

static void apply_override(struct scenario_reader *r, const struct scenario_override *o)
{
    struct tree_source *source = reader_take(r, sizeof *source);
    struct tree *value;

    if (!source)
        return;
    source->name = arena_format(r->arena, "--set %s", o->key);
    source->text = o->value;
    source->len = strlen(o->value);
    if (!source->name) {
        r->diag.no_memory = true;
        return;
    }
    value = tree_read(r->arena, source, &r->diag);
    if (value)
        (void)tree_set(r->arena, r->root, o->key, value, &r->diag);
}

/* A preset of `ike:` also sets the child SAs', unless `child:` names one of its own. */
static void inherit_preset(struct scenario_reader *r)
{
    const struct tree *ike = tree_get(r->root, "ike");

    if (ike && !tree_get(tree_get(r->root, "child"), "preset"))
        preset_read(r, SECTION_CHILD, ike, &r->scenario->child);
}

static const char *name_of_path(struct scenario_reader *r, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char *out = arena_text(r->arena, name, strcspn(name, "."));

    return out && is_name(out) ? out : "scenario";
}

/* What groups inherit must be sound before configurations are made of it. */
static void check_defaults(struct scenario_reader *r)
{
    struct ike_words ike = r->scenario->ike;
    struct child_words child = r->scenario->child;

    resolve_ike(&ike);
    resolve_child(&child);
    check_ike(r, tree_get(r->root, "ike"), tree_get(r->root, "child"), &ike, &child);
}

static void read_scenario(struct scenario_reader *r)
{
    struct scenario *s = r->scenario;

    if (r->root->kind != TREE_MAP) {
        diag_error(&r->diag, r->root, "a scenario is a mapping that begins with 'ikelab: 1'");
        return;
    }
    section_defaults(r, SECTION_SCENARIO, s);
    inherit_preset(r);
    section_read(r, SECTION_SCENARIO, r->root, s);
    if (!s->name)
        s->name = name_of_path(r, s->path);
    check_defaults(r);
    read_groups(r); /* they inherit what is not computed yet */
    resolve_ike(&s->ike);
    resolve_child(&s->child);
    read_pki(r);
    if (r->diag.errors == 0) {
        resolve_auth(s);
        check_versions(r);
    }
    read_links(r);
    if (r->diag.errors == 0)
        check_network(r);
    read_flows(r);
    read_events(r);
    read_capture(r);
    read_sweep(r);
    read_lesson(r);
    if (r->diag.errors == 0 || s->group_count)
        read_thresholds(r);
    if (r->diag.errors == 0)
        check_start_thresholds(r);
    if (s->measure_from >= s->stop_time && s->stop_time)
        diag_error(&r->diag,
                   tree_get(tree_get(r->root, "measure"), "from")
                       ? tree_get(tree_get(r->root, "measure"), "from")
                       : r->root,
                   "'measure.from' lies behind 'stop_time'");
}

static enum err finish(struct scenario_reader *r)
{
    if (r->diag.no_memory) {
        fprintf(r->diag.out, "%s: error: out of memory\n", r->scenario->path);
        return ERR_MEMORY;
    }
    if (r->diag.errors > TREE_ERRORS_MAX)
        fprintf(r->diag.out, "... and %u more errors\n", r->diag.errors - TREE_ERRORS_MAX);
    return r->diag.errors ? ERR_USAGE : OK;
}

static enum err read_source(struct scenario_reader *r, const struct tree_source *source,
                            const struct scenario_override *overrides, size_t count,
                            const uint64_t *cell)
{
    hash_file(r->scenario, source);
    r->root = tree_read(r->arena, source, &r->diag);
    for (size_t i = 0; i < count && r->root; i++)
        apply_override(r, &overrides[i]);
    if (r->root && cell)
        sweep_apply(r, *cell);
    if (r->root)
        read_scenario(r);
    return finish(r);
}

static enum err begin(struct scenario_reader *r, const char *path, struct tree_source **source)
{
    struct scenario *s = r->scenario;

    *s = (struct scenario){.arena = arena_create()};
    r->arena = s->arena;
    *source = s->arena ? reader_take(r, sizeof **source) : NULL;
    s->path = *source ? arena_text(r->arena, path, strlen(path)) : NULL;
    if (s->path)
        return OK;
    fprintf(r->diag.out, "%s: error: out of memory\n", path);
    return ERR_MEMORY;
}

static enum err load(const char *path, const struct scenario_override *overrides, size_t count,
                     const uint64_t *cell, struct scenario *out, FILE *errors)
{
    struct scenario_reader r = {.diag = {.out = errors}, .scenario = out};
    struct tree_source *source;
    enum err e = begin(&r, path, &source);

    if (e == OK)
        e = read_file(&r, out->path, source);
    if (e == OK)
        e = read_source(&r, source, overrides, count, cell);
    if (e)
        scenario_reset(out);
    return e;
}

enum err scenario_load(const char *path, const struct scenario_override *overrides, size_t count,
                       struct scenario *out, FILE *errors)
{
    return load(path, overrides, count, NULL, out, errors);
}

enum err scenario_load_cell(const char *path, const struct scenario_override *overrides,
                            size_t count, uint64_t cell, struct scenario *out, FILE *errors)
{
    return load(path, overrides, count, &cell, out, errors);
}

enum err scenario_load_text(const char *name, const char *text, struct scenario *out, FILE *errors)
{
    struct scenario_reader r = {.diag = {.out = errors}, .scenario = out};
    struct tree_source *source;
    enum err e = begin(&r, name, &source);

    if (e == OK) {
        *source = (struct tree_source){
            .name = out->path, .text = text, .len = strlen(text), .is_file = true};
        e = read_source(&r, source, NULL, 0, NULL);
    }
    if (e)
        scenario_reset(out);
    return e;
}

void scenario_reset(struct scenario *s)
{
    arena_destroy(s->arena);
    *s = (struct scenario){0};
}

bool scenario_has_attackers(const struct scenario *s)
{
    for (uint32_t g = 0; g < s->group_count; g++)
        if (s->groups[g].role == ROLE_ATTACKER)
            return true;
    return false;
}

static bool has_host(const struct scenario_group *g)
{
    return g->role == ROLE_RESPONDER || g->cpu.cores > 0 || scenario_looks_up(g);
}

int32_t scenario_host_index(const struct scenario *s, uint32_t group)
{
    int32_t index = 0;

    ASSERT(group < s->group_count);
    if (!has_host(&s->groups[group]))
        return SCENARIO_NONE;
    for (uint32_t i = 0; i < group; i++)
        index += has_host(&s->groups[i]);
    return index;
}

enum err scenario_metrics(const struct scenario *s, struct metrics_options *out)
{
    const char **groups = arena_take(s->arena, (s->group_count + 1) * sizeof *groups);
    const char **hosts = arena_take(s->arena, (s->group_count + 1) * sizeof *hosts);
    const char **links = arena_take(s->arena, (s->link_count + 1) * sizeof *links);
    const char **flows = arena_take(s->arena, (s->flow_count + 1) * sizeof *flows);
    uint32_t host_count = 0;

    if (!groups || !hosts || !links || !flows)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < s->group_count; i++) {
        groups[i] = s->groups[i].name;
        if (has_host(&s->groups[i]))
            hosts[host_count++] = s->groups[i].name;
    }
    for (uint32_t i = 0; i < s->link_count; i++)
        links[i] = s->links[i].name;
    for (uint32_t i = 0; i < s->flow_count; i++)
        flows[i] = s->flows[i].name;
    *out = (struct metrics_options){.measure_from = s->measure_from,
                                    .by_version = scenario_has_v1(s),
                                    .groups = {groups, s->group_count},
                                    .links = {links, s->link_count},
                                    .flows = {flows, s->flow_count},
                                    .hosts = {hosts, host_count}};
    return OK;
}
