/*
 * The families of collisions (RFC 7296 §2.8.1, §2.25) as starting points of searches: A asks for
 * one thing, B for another, in every order and mixture; in the later ones the ends differ as well.
 * A case that is not its own mirror image is searched with the sides changed too: A is the
 * initiator of the IKE SA.
 */
#ifndef EXPLORE_FAMILY_H
#define EXPLORE_FAMILY_H

#include "explore/search.h"

/** What is asked for in one search, each once, in any order; and how the ends differ. */
struct family_case {
    struct trigger triggers[TRIGGERS_MAX];
    unsigned count;
    struct world_setup setup;
};

struct family {
    const char *name, *about;
    struct family_case cases[9];
    unsigned case_count;
};

/** NULL behind the last. */
const struct family *family_at(unsigned index);
const struct family *family_named(const char *name);
/**
 * A family of one case: requests by side and name, "a:rekey_ike,b:rekey_ike,a:delete_child".
 * @param text  borrowed: it becomes the name
 * @retval ERR_SYNTAX  a word that is no request; ERR_FULL more than TRIGGERS_MAX
 */
enum err family_read(const char *text, struct family *out) MUST_USE;

struct family_options {
    const struct world_ends *ends; /* borrowed; NULL: built in */
    unsigned seeds;                /* each decides differently who wins */
    unsigned faults;
    unsigned quirks; /* of B */
    unsigned quirks_a;
    bool third;          /* one more request beside each case, every one there is; not where a
                            driver connects again */
    uint32_t states_max; /* of one search */
    bool (*stop)(void *context, uint64_t states); /* as in search_options; states of all so far */
    void *context;
};

/** Sums over cases and seeds, up to the first violation. */
struct family_result {
    uint64_t states, transitions, orderings, ends;
    unsigned depth, searches;
    bool stopped, full;
    struct family_case requests; /* of the last search, which has the violation */
    struct search_options last;
    struct search_result of_last;
};

/** @retval ERR_MEMORY */
enum err family_search(const struct family *, const struct family_options *,
                       struct family_result *) MUST_USE;

#endif
