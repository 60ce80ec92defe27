#include "explore/family.h"

#include <string.h>

enum { A, B };

#define ONE_A UINT8_C(1)
#define ONE_B UINT8_C(2)
#define BOTH (ONE_A | ONE_B)
/* Ends that differ, and what they are asked for: triggers as {side, kind}. */
#define DIFFER(number, where, ...)                                                                 \
    {                                                                                              \
        .triggers = {__VA_ARGS__}, .count = number, .setup = { where }                             \
    }
#define DO(side, what)                                                                             \
    {                                                                                              \
        side, TRIGGER_##what                                                                       \
    }
#define CASE(a, b) DIFFER(2, 0, DO(A, a), DO(B, b))
#define BOTH_WAYS(a, b) CASE(a, b), CASE(b, a)
/* A is what `which` says, then B is. */
#define EITHER(which, a, b)                                                                        \
    DIFFER(2, .which = ONE_A, DO(A, a), DO(B, b)), DIFFER(2, .which = ONE_B, DO(A, a), DO(B, b))
#define V1(a, b) DIFFER(2, .v1 = true, DO(A, a), DO(B, b))

static const struct family families[] = {
    {"child-child", "both rekey the child SA", {CASE(REKEY_CHILD, REKEY_CHILD)}, 1},
    {"child-delete",
     "one rekeys the child SA, the other deletes it or the IKE SA",
     {BOTH_WAYS(REKEY_CHILD, DELETE_CHILD), BOTH_WAYS(REKEY_CHILD, TERMINATE)},
     4},
    {"ike-ike", "both rekey the IKE SA", {CASE(REKEY_IKE, REKEY_IKE)}, 1},
    {"ike-child",
     "one rekeys the IKE SA, the other the child SA, or makes one more",
     {BOTH_WAYS(REKEY_IKE, REKEY_CHILD), BOTH_WAYS(REKEY_IKE, NEW_CHILD)},
     4},
    {"ike-delete",
     "one rekeys the IKE SA, the other deletes it or the child SA",
     {BOTH_WAYS(REKEY_IKE, TERMINATE), BOTH_WAYS(REKEY_IKE, DELETE_CHILD)},
     4},
    {"delete-delete",
     "both delete: the child SA, the IKE SA, one of each",
     {CASE(DELETE_CHILD, DELETE_CHILD), CASE(TERMINATE, TERMINATE),
      BOTH_WAYS(TERMINATE, DELETE_CHILD)},
     4},
    {"again",
     "one is asked twice to rekey the child SA",
     {DIFFER(2, 0, DO(A, REKEY_CHILD), DO(A, REKEY_CHILD)),
      DIFFER(2, 0, DO(B, REKEY_CHILD), DO(B, REKEY_CHILD))},
     2},
    {"lifetimes",
     "soft lifetimes end at both at once: of child SAs, of IKE SAs, of one each",
     {{.setup = {.soft_child = BOTH}},
      {.setup = {.soft_ike = BOTH}},
      {.setup = {.soft_ike = ONE_A, .soft_child = ONE_B}},
      {.setup = {.soft_ike = ONE_B, .soft_child = ONE_A}}},
     4},
    {"group",
     "both rekey, and one answers with INVALID_KE_PAYLOAD",
     {EITHER(one_group, REKEY_CHILD, REKEY_CHILD),
      DIFFER(2, .one_group = ONE_A, DO(A, REKEY_CHILD), DO(B, REKEY_IKE)),
      DIFFER(2, .one_group = ONE_B, DO(A, REKEY_IKE), DO(B, REKEY_CHILD))},
     4},
    {"refused",
     "both rekey, and one refuses selectors and IKE proposals for a while",
     {EITHER(refuses, REKEY_CHILD, REKEY_CHILD), EITHER(refuses, REKEY_IKE, REKEY_IKE)},
     4},
    {"eager-delete",
     "both rekey the child SA, and one deletes the old one right behind its response",
     {EITHER(eager, REKEY_CHILD, REKEY_CHILD)},
     2},
    {"expires",
     "one rekeys the IKE SA when its lifetime is all but over, and connects again",
     {DIFFER(1, .hard_ike = ONE_A, DO(A, REKEY_IKE)),
      DIFFER(1, .hard_ike = ONE_B, DO(B, REKEY_IKE))},
     2},
    {"quick-mode",
     "IKEv1: one rekeys the child SA, the other does too, or deletes it or the IKE SA",
     {V1(REKEY_CHILD, REKEY_CHILD), V1(REKEY_CHILD, DELETE_CHILD), V1(DELETE_CHILD, REKEY_CHILD),
      V1(REKEY_CHILD, TERMINATE), V1(TERMINATE, REKEY_CHILD)},
     5},
    {"phase-1", "IKEv1: both renew phase 1", {V1(REKEY_IKE, REKEY_IKE)}, 1},
};

enum { FAMILY_COUNT = sizeof families / sizeof *families };

const struct family *family_at(unsigned index)
{
    return index < FAMILY_COUNT ? &families[index] : NULL;
}

const struct family *family_named(const char *name)
{
    for (unsigned i = 0; i < FAMILY_COUNT; i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

static bool read_trigger(const char *word, size_t len, struct trigger *out)
{
    if (len < 3 || word[1] != ':' || (word[0] != 'a' && word[0] != 'b'))
        return false;
    for (unsigned kind = 0; kind < TRIGGER_COUNT; kind++) {
        const char *name = trigger_name((enum trigger_kind)kind);

        if (strlen(name) == len - 2 && memcmp(name, word + 2, len - 2) == 0) {
            *out = (struct trigger){word[0] == 'b', (uint8_t)kind};
            return true;
        }
    }
    return false;
}

enum err family_read(const char *text, struct family *out)
{
    struct family_case *c = &out->cases[0];

    *out = (struct family){.name = text, .about = "as asked for", .case_count = 1};
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");

        if (c->count == TRIGGERS_MAX)
            return ERR_FULL;
        if (!read_trigger(at, len, &c->triggers[c->count++]))
            return ERR_SYNTAX;
        at += len + (at[len] == ',');
    }
    return c->count ? OK : ERR_SYNTAX;
}

static void add(struct family_result *sum, const struct search_result *r)
{
    sum->searches++;
    sum->states += r->states;
    sum->transitions += r->transitions;
    sum->orderings =
        sum->orderings > UINT64_MAX - r->orderings ? UINT64_MAX : sum->orderings + r->orderings;
    sum->ends += r->ends;
    sum->depth = r->depth > sum->depth ? r->depth : sum->depth;
    sum->stopped |= r->stopped;
    sum->full |= r->full;
}

static bool has(const struct family_case *c, struct trigger t)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->triggers[i].side == t.side && c->triggers[i].kind == t.kind)
            return true;
    return false;
}

/* The case, and with `third` one request more: number 0.. of those that it has not.
 * @return false when there is no such number */
static bool variant(const struct family_case *c, bool third, unsigned number,
                    struct family_case *out)
{
    *out = *c;
    /* A driver that connects again knows nothing of what was made or deleted before. */
    if (!third || c->count == TRIGGERS_MAX || c->setup.hard_ike)
        return number == 0;
    for (unsigned i = 0; i < 2 * TRIGGER_COUNT; i++) {
        struct trigger t = {(uint8_t)(i % 2), (uint8_t)(i / 2)};

        if (has(c, t) || number-- > 0)
            continue;
        out->triggers[out->count++] = t;
        return true;
    }
    return false;
}

static enum err search_one(const struct family_options *o, uint64_t seed, struct family_result *sum)
{
    enum err e;

    sum->last.triggers = sum->requests.triggers;
    sum->last.trigger_count = sum->requests.count;
    sum->last.ends = o->ends;
    sum->last.seed = seed;
    sum->last.quirks = o->quirks;
    sum->last.quirks_a = o->quirks_a;
    sum->last.setup = sum->requests.setup;
    sum->last.faults = o->faults;
    sum->last.states_max = o->states_max;
    sum->last.stop = o->stop;
    sum->last.context = o->context;
    e = search(&sum->last, &sum->of_last);
    if (e == OK)
        add(sum, &sum->of_last);
    return e;
}

static bool over(const struct family_result *r)
{
    return r->of_last.violation.invariant || r->of_last.stopped;
}

enum err family_search(const struct family *f, const struct family_options *o,
                       struct family_result *r)
{
    enum err e = OK;

    memset(r, 0, sizeof *r);
    for (unsigned i = 0; i < f->case_count; i++)
        for (unsigned n = 0;
             e == OK && !over(r) && variant(&f->cases[i], o->third, n, &r->requests); n++)
            for (uint64_t seed = 1; seed <= o->seeds && e == OK && !over(r); seed++)
                e = search_one(o, seed, r);
    return e;
}
