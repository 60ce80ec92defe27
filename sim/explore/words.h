/* The words of `ike:` and `child:` as far as they differ from the defaults, on one line. */
#ifndef SIM_EXPLORE_WORDS_H
#define SIM_EXPLORE_WORDS_H

#include "record/text.h"
#include "sim/scenario.h"

/** What is written beside, or instead of, a group's own words. */
struct words_beside {
    unsigned quirks;
    nsec rekey_ike, rekey_child; /* 0: never */
    const char *esp_proposals;   /* NULL: its own */
};

/**
 * Its own lifetimes, liveness checks and ways of proving who it is are left out: they are not
 * searched.
 */
void words_write_ike(const struct ike_words *, const struct ike_words *usual,
                     const struct words_beside *, struct text *out);
void words_write_child(const struct child_words *, const struct child_words *usual,
                       const struct words_beside *, struct text *out);

#endif
