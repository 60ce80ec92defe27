/*
 * The search itself: breadth first over all worlds that choices can reach, each state once. States
 * are known by a 64-bit fingerprint; what is kept of one is how it was reached, and it is walked
 * anew when it is looked at. The first violation found is one with the fewest steps.
 */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H

#include "explore/invariant.h"

enum { STEPS_MAX = 70 };

struct search_options {
    const struct trigger *triggers; /* each at most once */
    unsigned trigger_count;
    const struct world_ends *ends; /* borrowed; NULL: built in */
    uint64_t seed;   /* of keys and nonces: it decides who wins a simultaneous rekey */
    unsigned quirks; /* of B */
    unsigned quirks_a;
    struct world_setup setup;
    uint8_t window; /* of both */
    unsigned faults;
    uint32_t states_max;
    bool keep_twins; /* look at a state as often as it is reached: slow, to check the search */
    bool (*stop)(void *context, uint64_t states); /* asked now and then; may be NULL */
    void *context;
};

struct search_result {
    uint64_t states;      /* different ones */
    uint64_t transitions; /* steps walked from one state to the next */
    uint64_t orderings;   /* different ways from the start to an end; UINT64_MAX: more */
    uint64_t ends;        /* states in which nothing can happen any more */
    unsigned depth;       /* steps to the farthest state */
    bool stopped, full;   /* not all was seen: asked to stop, states_max */
    struct violation violation;
    struct choice path[STEPS_MAX]; /* to the violation */
    unsigned path_len;
};

/** @retval ERR_MEMORY */
enum err search(const struct search_options *, struct search_result *) MUST_USE;
/** The world that is searched. */
struct world_options search_world(const struct search_options *);
/** Walk a path again, telling it. @retval ERR_MEMORY */
enum err search_tell(const struct search_options *, const struct search_result *, story_teller *,
                     void *context) MUST_USE;

#endif
