#include "sim/explore/replay.h"

#include "explore/chart.h"
#include "sim/explore/timetable.h"
#include "sim/explore/words.h"
#include "sim/scenario_units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The built-in configuration of a search as a scenario. */
static const char built_in[] = "ikelab: 1\n"
                               "stop_time: 1h\n"
                               "crypto: modelled\n"
                               "nodes:\n"
                               "  a: {role: initiator, connect: b, protects: [10.1.0.0/16],\n"
                               "      child: {replay_window: 256}}\n"
                               "  b: {role: responder, protects: [10.2.0.0/16],\n"
                               "      child: {replay_window: 256}}\n"
                               "links:\n"
                               "  wire: {sides: [a, b]}\n";

struct file {
    const struct replay_options *options;
    const struct scenario *usual; /* the built-in scenario, whose words are the defaults */
    const struct scenario_group *group[2];
    struct timetable times;
    char *story;
};

/* ---- comment ---- */

static void write_story(const struct file *f, struct text *out)
{
    for (const char *line = f->story; *line;) {
        size_t len = strcspn(line, "\n");
        size_t shown = len;

        while (shown && line[shown - 1] == ' ')
            shown--;
        text_raw(out, shown ? "#   " : "#");
        text_bytes(out, line, shown);
        text_char(out, '\n');
        line += len + (line[len] == '\n');
    }
}

static void write_comment(const struct file *f, const struct replay *r, struct text *out)
{
    const struct violation *v = &f->options->result->violation;
    char when[UNIT_TEXT_MAX];

    text_format(out,
                "# %s violated after %u steps: %s.\n"
                "# Found by: %s\n#\n",
                v->invariant, f->options->result->path_len, v->text, f->options->found_by);
    write_story(f, out);
    text_raw(out,
             "#\n"
             "# Each request and each message has the moment it had there, a second later, and a\n"
             "# millisecond from the one before. Nonces are the seed's: they decide who wins.\n");
    if (!r->trial.violated) {
        text_format(out,
                    "# NOT VERIFIED: none of the seeds %" PRIu64 " to %" PRIu64
                    " violates an invariant that\n# `ikelab run` checks.\n",
                    f->options->first_seed, f->options->first_seed + REPLAY_SEEDS - 1);
        return;
    }
    unit_write(DIMENSION_TIME, r->trial.at, when);
    text_format(out, "# Verified with seed %" PRIu64 ": `ikelab run` finds %s violated at %s.\n",
                r->seed, r->trial.invariant, when);
}

/* ---- nodes ---- */

static void write_prefixes(const char *key, const struct ip_prefix *list, uint32_t count,
                           struct text *out)
{
    char prefix[IP_PREFIX_TEXT];

    for (uint32_t i = 0; i < count; i++)
        text_format(out, "%s%s%s", i ? ", " : key, i ? "" : ": [",
                    ip_prefix_format(&list[i], prefix));
    if (count)
        text_raw(out, "]\n");
}

/* What a search lets an end be, besides what it is configured as: see explore/setup. */
static struct words_beside beside(const struct file *f, unsigned side)
{
    const struct search_options *o = f->options->search;
    const struct world_setup *s = &o->setup;
    struct words_beside out = {.quirks = f->group[side]->ike.quirks};

    out.quirks |= side ? o->quirks : o->quirks_a;
    out.quirks |= setup_has(s->eager, side) ? QUIRK_EAGER_DELETE : 0;
    out.rekey_ike = setup_has(s->soft_ike, side) ? SETUP_SOFT_TIME : 0;
    out.rekey_child = setup_has(s->soft_child, side) ? SETUP_SOFT_TIME : 0;
    out.esp_proposals = setup_esp_proposals(s, side);
    return out;
}

/* A scenario's endpoints are configured once; IKE proposals also count for the handshake. */
static bool can_be_written(const struct search_options *o)
{
    bool ike = false;

    for (unsigned i = 0; i < o->trigger_count; i++)
        ike |= o->triggers[i].kind == TRIGGER_REKEY_IKE;
    return !o->setup.hard_ike && !o->setup.refuses && !o->setup.v1 && !(o->setup.one_group && ike);
}

static void write_node(const struct file *f, unsigned side, struct text *out)
{
    const struct scenario_group *g = f->group[side];
    struct words_beside more = beside(f, side);

    text_format(out, "  %s:\n    role: %s\n", g->name, side ? "responder" : "initiator");
    if (!side)
        text_format(out, "    connect: %s\n    arrivals: {all_at_once: true, at: 1s}\n",
                    f->group[1]->name);
    write_prefixes("    protects", g->protects, g->protect_count, out);
    text_raw(out, "    ike: ");
    words_write_ike(&g->ike_words, &f->usual->ike, &more, out);
    text_raw(out, "\n    child: ");
    words_write_child(&g->child_words, &f->usual->child, &more, out);
    text_char(out, '\n');
}

/* ---- what happens ---- */

static void write_packet(const struct timetable_message *m, struct text *out)
{
    char when[UNIT_TEXT_MAX];

    text_format(out, "      - {direction: %s, number: %u, ", m->from ? "down" : "up", m->nth);
    if (!m->at_count)
        text_raw(out, "lost: true");
    for (unsigned i = 0; i < m->at_count; i++) {
        unit_write(DIMENSION_TIME, m->at[i], when);
        text_format(out, "%s%s%s",
                    i                 ? ", "
                    : m->at_count > 1 ? "at: ["
                                      : "at: ",
                    when, i && i + 1 == m->at_count ? "]" : "");
    }
    text_format(out, "} # %s\n", m->name);
}

static void write_events(const struct file *f, struct text *out)
{
    char when[UNIT_TEXT_MAX];
    unsigned written = 0;

    for (unsigned i = 0; i < f->times.request_count; i++) {
        const struct timetable_request *r = &f->times.requests[i];

        if (r->trigger.kind == TRIGGER_PACKET)
            continue; /* there is traffic all the time */
        unit_write(DIMENSION_TIME, r->at, when);
        text_format(out, "%s  - {at: %s, nodes: %s, do: %s}\n", written++ ? "" : "events:\n", when,
                    f->group[r->trigger.side]->name,
                    trigger_name((enum trigger_kind)r->trigger.kind));
    }
}

static nsec stop_time(const struct file *f)
{
    nsec wait = nsec_max(trial_patience(f->group[0]), trial_patience(f->group[1]));

    return (nsec_add(f->times.end, wait) / NSEC_PER_S + 1) * NSEC_PER_S;
}

static void write_body(const struct file *f, uint64_t seed, struct text *out)
{
    char stop[UNIT_TEXT_MAX];

    unit_write(DIMENSION_TIME, stop_time(f), stop);
    text_format(out, "ikelab: 1\nname: %s\nseed: %" PRIu64 "\nstop_time: %s\ncrypto: modelled\n",
                f->options->name, seed, stop);
    text_raw(out, "nodes:\n");
    write_node(f, 0, out);
    write_node(f, 1, out);
    text_format(out, "links:\n  wire:\n    sides: [%s, %s]\n", f->group[0]->name,
                f->group[1]->name);
    for (unsigned i = 0; i < f->times.message_count; i++) {
        if (i == 0)
            text_raw(out, "    packets:\n");
        write_packet(&f->times.messages[i], out);
    }
    write_events(f, out);
    text_format(
        out,
        "traffic:\n  both-ways: {from: %s, to: %s, start: up, packet_rate: 5/s, size: 100B, "
        "direction: both}\n",
        f->group[0]->name, f->group[1]->name);
}

/* ---- the seed ---- */

static enum err try_seed(const struct file *f, uint64_t seed, struct trial *out)
{
    struct text text;
    enum err e;

    text_init(&text, NULL);
    write_body(f, seed, &text);
    e = text.error;
    if (e == OK)
        e = trial_run(f->options->name, text.data, out);
    text_reset(&text);
    return e;
}

/* Best the same invariant, else any. */
static enum err choose_seed(const struct file *f, struct replay *out)
{
    const char *wanted = f->options->result->violation.invariant;

    *out = (struct replay){.seed = f->options->first_seed};
    for (uint64_t i = 0; i < REPLAY_SEEDS; i++) {
        struct trial t;
        enum err e = try_seed(f, f->options->first_seed + i, &t);

        if (e)
            return e;
        if (!t.violated || (out->trial.violated && strcmp(t.invariant, wanted) != 0))
            continue;
        *out = (struct replay){.seed = f->options->first_seed + i, .trial = t};
        if (strcmp(t.invariant, wanted) == 0)
            break;
    }
    return OK;
}

/* ---- all of it ---- */

static enum err make(struct file *f, const struct subject *subject, struct text *out,
                     struct replay *replay)
{
    enum err e = can_be_written(f->options->search)
                     ? timetable_make(f->options->search, f->options->result, &f->times)
                     : ERR_UNSUPPORTED;

    for (unsigned side = 0; side < 2; side++)
        f->group[side] = &subject->scenario->groups[subject->group[side]];
    if (e == OK)
        e = choose_seed(f, replay);
    f->story = e == OK ? chart_text(f->options->search, f->options->result) : NULL;
    if (e == OK && !f->story)
        e = ERR_MEMORY;
    if (e)
        return e;
    write_comment(f, replay, out);
    write_body(f, replay->seed, out);
    free(f->story);
    return out->error;
}

static enum err with_built_in(struct file *f, struct text *out, struct replay *replay)
{
    struct subject *subject = malloc(sizeof *subject);
    struct refusal unused;
    enum err e = subject ? subject_init(subject, f->usual, &unused) : ERR_MEMORY;

    if (e == OK)
        e = make(f, subject, out, replay);
    free(subject);
    return e;
}

enum err replay_make(const struct replay_options *o, struct text *out, struct replay *replay)
{
    struct file *f = calloc(1, sizeof *f);
    struct scenario usual;
    enum err e = f ? scenario_load_text("built-in", built_in, &usual, stderr) : ERR_MEMORY;

    if (e == OK) {
        f->options = o;
        f->usual = &usual;
        e = o->subject ? make(f, o->subject, out, replay) : with_built_in(f, out, replay);
        scenario_reset(&usual);
    }
    free(f);
    return e;
}
