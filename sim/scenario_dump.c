/*
 * A checked scenario written out in full, defaults included, as JSON in the words and units of the
 * scenario grammar: what is written reads back as the same scenario.
 */
#include "base/assert.h"
#include "record/json.h"
#include "sim/scenario_keys.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

struct dump {
    const struct scenario *s;
    struct json json;
    unsigned role; /* of the group being written, as FOR_...; 0: none */
};

static void dump_section(struct dump *d, enum section_id id, const void *base);

static void dump_number(struct dump *d, const struct key *key, const void *field)
{
    enum dimension dimension = key_dimension(key->type);
    bool narrow = key->type == KEY_COUNT || key->type == KEY_SIZE32;
    uint64_t v = narrow ? *(const uint32_t *)field : *(const uint64_t *)field;
    char text[UNIT_TEXT_MAX];

    if (v == UINT64_MAX || (v == 0 && key->min > 0))
        return; /* not given, and nothing takes its place */
    unit_write(dimension, v, text);
    if (dimension == DIMENSION_COUNT)
        json_u64(&d->json, key->name, v);
    else if (dimension == DIMENSION_MILLI)
        json_fixed(&d->json, key->name, (struct fixed){.value = v, .decimals = 3});
    else
        json_text(&d->json, key->name, text);
}

static void dump_prefix(struct dump *d, const char *name, const struct ip_prefix *p, bool whole)
{
    char address[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 8];

    if (!p->addr.family)
        return;
    inet_ntop(p->addr.family == 4 ? AF_INET : AF_INET6, p->addr.bytes, address, sizeof address);
    if (whole)
        snprintf(text, sizeof text, "%s", address);
    else
        snprintf(text, sizeof text, "%s/%u", address, p->length);
    json_text(&d->json, name, text);
}

static void dump_prefixes(struct dump *d, const struct key *key,
                          const struct ip_prefix *const *field)
{
    uint32_t count;

    memcpy(&count, field + 1, sizeof count);
    if (!count)
        return;
    json_array_begin(&d->json, key->name);
    for (uint32_t i = 0; i < count; i++)
        dump_prefix(d, NULL, &(*field)[i], false);
    json_array_end(&d->json);
}

static void dump_texts(struct dump *d, const struct key *key, const char *const *const *field)
{
    uint32_t count;

    memcpy(&count, field + 1, sizeof count);
    if (!count)
        return;
    json_array_begin(&d->json, key->name);
    for (uint32_t i = 0; i < count; i++)
        json_text(&d->json, NULL, (*field)[i]);
    json_array_end(&d->json);
}

static void dump_loss(struct dump *d, const struct key *key, const struct loss_words *loss)
{
    static const struct {
        const char *name;
        enum section_id section;
    } models[] = {
        [LOSS_GEMODEL] = {"gemodel", SECTION_GEMODEL}, [LOSS_STATE] = {"state", SECTION_STATE}};
    char text[UNIT_TEXT_MAX];

    if (loss->model == LOSS_NONE)
        return;
    json_object_begin(&d->json, key->name);
    if (loss->model == LOSS_RANDOM) {
        unit_write(DIMENSION_PROBABILITY, loss->random, text);
        json_text(&d->json, "random", text);
    } else {
        json_object_begin(&d->json, models[loss->model].name);
        dump_section(d, models[loss->model].section, loss);
        json_object_end(&d->json);
    }
    json_object_end(&d->json);
}

static void dump_ranges(struct dump *d, const char *name, const struct scenario_range *of,
                        uint32_t count, bool links);

static void dump_lists(struct dump *d, const struct pki_words *w)
{
    const struct {
        const char *name;
        const struct member_list *list;
    } lists[] = {{"revoked", &w->revoked},
                 {"expired", &w->expired},
                 {"not_yet_valid", &w->not_yet_valid},
                 {"wrong_ca", &w->wrong_ca},
                 {"wrong_identity", &w->wrong_identity}};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (lists[i].list->count)
            dump_ranges(d, lists[i].name, lists[i].list->ranges, lists[i].list->count, false);
}

static void dump_padding(struct dump *d, const char *name, uint32_t bytes)
{
    char text[UNIT_TEXT_MAX] = "mtu";

    if (bytes != TFC_TO_MTU)
        unit_write(DIMENSION_SIZE, bytes, text);
    json_text(&d->json, name, text);
}

static void dump_value(struct dump *d, const struct key *key, const void *field)
{
    const char *text;

    switch (key->type) {
    case KEY_BOOL:
        json_bool(&d->json, key->name, *(const bool *)field);
        return;
    case KEY_PADDING:
        dump_padding(d, key->name, *(const uint32_t *)field);
        return;
    case KEY_WORD:
        json_text(&d->json, key->name, key->words[*(const uint32_t *)field]);
        return;
    case KEY_CHOICE:
        json_text(&d->json, key->name, key->words[*(const bool *)field]);
        return;
    case KEY_NAME:
    case KEY_TEXT:
        text = *(const char *const *)field;
        if (text)
            json_text(&d->json, key->name, text);
        return;
    case KEY_TEXTS:
        dump_texts(d, key, field);
        return;
    case KEY_PREFIX:
        dump_prefix(d, key->name, field, false);
        return;
    case KEY_PREFIXES:
        dump_prefixes(d, key, field);
        return;
    case KEY_LOSS:
        dump_loss(d, key, field);
        return;
    case KEY_SECTION:
        json_object_begin(&d->json, key->name);
        dump_section(d, key->section, field);
        if (key->section == SECTION_PKI)
            dump_lists(d, field);
        json_object_end(&d->json);
        return;
    default:
        if (key_dimension(key->type) != DIMENSION_COUNT_OF)
            dump_number(d, key, field);
        return;
    }
}

static bool is_absent(const struct dump *d, const struct key *key, const void *field)
{
    if (key->offset == SIZE_MAX || (key->roles && !(key->roles & d->role)))
        return true;
    switch (key->section) {
    case SECTION_CPU:
        return !((const struct cpu_words *)field)->cores;
    case SECTION_LOOKUP:
        return ((const struct lookup_words *)field)->latency == NSEC_NEVER;
    case SECTION_PKI:
        return !scenario_has_signers(d->s);
    default: /* a lesson is written by itself, behind the thresholds */
        return key->section == SECTION_SWEEP || key->section == SECTION_LESSON;
    }
}

static void dump_section(struct dump *d, enum section_id id, const void *base)
{
    const struct section *s = &scenario_sections[id];

    for (size_t i = 0; i < s->count; i++) {
        const void *field = (const char *)base + s->keys[i].offset;

        if (!is_absent(d, &s->keys[i], field))
            dump_value(d, &s->keys[i], field);
    }
}

static void dump_arrivals(struct dump *d, const struct arrivals *a)
{
    char text[UNIT_TEXT_MAX];

    json_object_begin(&d->json, "arrivals");
    unit_write(DIMENSION_FREQUENCY, a->rate_micro, text);
    if (a->kind == ARRIVALS_AT_ONCE) {
        json_bool(&d->json, "all_at_once", true);
    } else if (a->kind == ARRIVALS_RAMP) {
        json_object_begin(&d->json, "ramp");
        dump_section(d, SECTION_RAMP, a);
        json_object_end(&d->json);
    } else {
        json_text(&d->json, a->kind == ARRIVALS_FIXED ? "fixed" : "poisson", text);
    }
    unit_write(DIMENSION_TIME, a->at, text);
    json_text(&d->json, "at", text);
    json_object_end(&d->json);
}

/* What the table leaves to scenario_groups.c; `count` stands for one_per, which it came from. */
static void dump_group(struct dump *d, const struct scenario_group *g)
{
    char ports[UNIT_TEXT_MAX];

    d->role = 1u << g->role;
    json_object_begin(&d->json, g->name);
    dump_section(d, SECTION_GROUP, g);
    if (g->connect != SCENARIO_NONE)
        json_text(&d->json, "connect", d->s->groups[g->connect].name);
    if (g->role == ROLE_INITIATOR) {
        dump_arrivals(d, &g->arrivals);
    } else if (g->role == ROLE_NAT) {
        snprintf(ports, sizeof ports, "%u-%u", g->nat.port_first, g->nat.port_last);
        json_text(&d->json, "port_range", ports);
        if (g->forward != SCENARIO_NONE)
            json_text(&d->json, "forward", d->s->groups[g->forward].name);
    }
    json_object_end(&d->json);
}

static void dump_fates(struct dump *d, const struct scenario_link *l)
{
    char text[UNIT_TEXT_MAX];

    if (!l->fate_count)
        return;
    json_array_begin(&d->json, "packets");
    for (uint32_t i = 0; i < l->fate_count; i++) {
        const struct packet_fate *f = &l->fates[i];

        json_object_begin(&d->json, NULL);
        dump_section(d, SECTION_FATE, f);
        if (!f->lost)
            json_array_begin(&d->json, "at");
        for (uint32_t k = 0; k < f->at_count; k++) {
            unit_write(DIMENSION_TIME, f->at[k], text);
            json_text(&d->json, NULL, text);
        }
        if (!f->lost)
            json_array_end(&d->json);
        json_object_end(&d->json);
    }
    json_array_end(&d->json);
}

static void dump_link(struct dump *d, const struct scenario_link *l)
{
    static const char *const directions[] = {"up", "down"};

    json_object_begin(&d->json, l->name);
    json_array_begin(&d->json, "sides");
    json_text(&d->json, NULL, d->s->groups[l->side[0]].name);
    json_text(&d->json, NULL, d->s->groups[l->side[1]].name);
    json_array_end(&d->json);
    for (int i = 0; i < 2; i++) {
        json_object_begin(&d->json, directions[i]);
        dump_section(d, SECTION_WORDS, &l->words[i]);
        json_object_end(&d->json);
    }
    dump_fates(d, l);
    json_object_end(&d->json);
}

static void dump_size(struct dump *d, const char *name, uint32_t bytes)
{
    char text[UNIT_TEXT_MAX];

    unit_write(DIMENSION_SIZE, bytes, text);
    json_text(&d->json, name, text);
}

static void dump_flow(struct dump *d, const struct scenario_flow *f)
{
    char text[UNIT_TEXT_MAX];

    json_object_begin(&d->json, f->name);
    json_text(&d->json, "from", d->s->groups[f->from].name);
    json_text(&d->json, "to", d->s->groups[f->to].name);
    unit_write(DIMENSION_TIME, f->start, text);
    json_text(&d->json, "start", f->start_up ? "up" : text);
    dump_section(d, SECTION_FLOW, f);
    if (f->size == SIZE_IMIX) {
        json_text(&d->json, "size", "imix");
    } else if (f->size == SIZE_FIXED) {
        dump_size(d, "size", f->size_min);
    } else {
        json_array_begin(&d->json, "size");
        dump_size(d, NULL, f->size_min);
        dump_size(d, NULL, f->size_max);
        json_array_end(&d->json);
    }
    json_object_end(&d->json);
}

static void dump_ranges(struct dump *d, const char *name, const struct scenario_range *of,
                        uint32_t count, bool links)
{
    char text[SCENARIO_NAME_MAX + 32];

    json_array_begin(&d->json, name);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%s[%u..%u]",
                 links ? d->s->links[of[i].index].name : d->s->groups[of[i].index].name,
                 of[i].first, of[i].last);
        json_text(&d->json, NULL, text);
    }
    json_array_end(&d->json);
}

static void dump_events(struct dump *d)
{
    json_array_begin(&d->json, "events");
    for (uint32_t i = 0; i < d->s->event_count; i++) {
        const struct scenario_event *e = &d->s->events[i];

        json_object_begin(&d->json, NULL);
        dump_section(d, SECTION_EVENT, e);
        dump_ranges(d, e->on_links ? "links" : "nodes", e->ranges, e->range_count, e->on_links);
        json_object_end(&d->json);
    }
    json_array_end(&d->json);
}

static void dump_thresholds(struct dump *d)
{
    const struct scenario *s = d->s;

    json_object_begin(&d->json, "thresholds");
    for (uint32_t i = 0; i < s->threshold_count;) {
        const char *metric = s->thresholds[i].metric;

        json_array_begin(&d->json, metric);
        for (; i < s->threshold_count && s->thresholds[i].metric == metric; i++)
            json_text(&d->json, NULL, s->thresholds[i].expect);
        json_array_end(&d->json);
    }
    json_object_end(&d->json);
}

static void dump_capture(struct dump *d)
{
    const struct capture_words *c = &d->s->capture;

    if (!c->of_count) {
        json_text(&d->json, "capture", "none");
        return;
    }
    json_object_begin(&d->json, "capture");
    dump_ranges(d, "of", c->of, c->of_count, false);
    dump_section(d, SECTION_CAPTURE, c);
    json_object_end(&d->json);
}

void scenario_dump_json(const struct scenario *s, struct text *out, int depth)
{
    struct dump d = {.s = s};

    json_init(&d.json, out, depth);
    json_object_begin(&d.json, NULL);
    json_u64(&d.json, "ikelab", 1);
    dump_section(&d, SECTION_SCENARIO, s);
    json_object_begin(&d.json, "nodes");
    for (uint32_t i = 0; i < s->group_count; i++)
        dump_group(&d, &s->groups[i]);
    json_object_end(&d.json);
    json_object_begin(&d.json, "links");
    for (uint32_t i = 0; i < s->link_count; i++)
        dump_link(&d, &s->links[i]);
    json_object_end(&d.json);
    json_object_begin(&d.json, "traffic");
    for (uint32_t i = 0; i < s->flow_count; i++)
        dump_flow(&d, &s->flows[i]);
    json_object_end(&d.json);
    dump_events(&d);
    dump_capture(&d);
    dump_thresholds(&d);
    if (s->lesson.situation) {
        json_key(&d.json, "lesson");
        scenario_lesson_json(&s->lesson, out, depth + 1, false);
    }
    json_object_end(&d.json);
}

static void dump_alone(enum section_id id, const void *words, struct text *out)
{
    struct dump d = {.s = NULL};

    json_init(&d.json, out, 0);
    json_object_begin(&d.json, NULL);
    dump_section(&d, id, words);
    json_object_end(&d.json);
}

void scenario_dump_ike(const struct ike_words *w, struct text *out)
{
    dump_alone(SECTION_IKE, w, out);
}

void scenario_dump_child(const struct child_words *w, struct text *out)
{
    dump_alone(SECTION_CHILD, w, out);
}
