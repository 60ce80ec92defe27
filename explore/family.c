#include "explore/family.h"

#include <string.h>

enum { A, B };

#define CASE(a, b)                                                                                 \
    {                                                                                              \
        {A, TRIGGER_##a},                                                                          \
        {                                                                                          \
            B, TRIGGER_##b                                                                         \
        }                                                                                          \
    }
#define BOTH_WAYS(a, b) CASE(a, b), CASE(b, a)

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

/* The case, and with `third` one trigger more: number 0.. of those that it has not.
 * @return how many, 0 when there is no such number */
static unsigned triggers_of(const struct trigger pair[2], bool third, unsigned number,
                            struct trigger out[TRIGGERS_MAX])
{
    memcpy(out, pair, 2 * sizeof *out);
    if (!third)
        return number == 0 ? 2 : 0;
    for (unsigned i = 0; i < 2 * TRIGGER_COUNT; i++) {
        struct trigger t = {(uint8_t)(i % 2), (uint8_t)(i / 2)};
        bool has = memcmp(&t, &pair[0], sizeof t) == 0 || memcmp(&t, &pair[1], sizeof t) == 0;

        if (has || number-- > 0)
            continue;
        out[2] = t;
        return 3;
    }
    return 0;
}

static enum err search_one(const struct family_options *o, uint64_t seed, struct family_result *sum)
{
    enum err e;

    sum->last.triggers = sum->triggers;
    sum->last.seed = seed;
    sum->last.quirks = o->quirks;
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
        for (unsigned n = 0; e == OK && !over(r); n++) {
            r->last.trigger_count = triggers_of(f->cases[i], o->third, n, r->triggers);
            if (!r->last.trigger_count)
                break;
            for (uint64_t seed = 1; seed <= o->seeds && e == OK && !over(r); seed++)
                e = search_one(o, seed, r);
        }
    return e;
}
