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

enum err family_search(const struct family *f, const struct family_options *o,
                       struct family_result *sum)
{
    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < f->case_count; i++) {
        for (uint64_t seed = 1; seed <= o->seeds; seed++) {
            enum err e;

            sum->last = (struct search_options){.triggers = f->cases[i],
                                                .trigger_count = 2,
                                                .seed = seed,
                                                .quirks = o->quirks,
                                                .faults = o->faults,
                                                .states_max = o->states_max,
                                                .stop = o->stop,
                                                .context = o->context};
            e = search(&sum->last, &sum->of_last);
            if (e)
                return e;
            add(sum, &sum->of_last);
            if (sum->of_last.violation.invariant || sum->of_last.stopped)
                return OK;
        }
    }
    return OK;
}
