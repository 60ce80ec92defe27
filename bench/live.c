#include "bench/live.h"

#include "bench/child.h"

#include <stdio.h>

/* Exit statuses of `ikelab live` that say why. */
enum { RUN_FAILED = 1, WRONG_USE = 2 };

static enum err one_run(const struct live_rounds *o, const char *const *argv,
                        struct measurement_set *one, char *why)
{
    struct child child;
    char inner[MEASUREMENT_WHY_MAX];
    enum err error = child_start(&child, argv, 0);
    int status;

    if (error == OK)
        error = measurement_parse(child.from, "its result", one, inner);
    if (*o->interrupted)
        child_dismiss(&child); /* it deletes its SAs first */
    status = child_end(&child);
    if (*o->interrupted)
        return ERR_INTERRUPTED;
    if (status != 0) {
        snprintf(why, MEASUREMENT_WHY_MAX, "the live run ended with status %d%s", status,
                 status == RUN_FAILED ? ": not everything asked for was done" : "");
        return status == WRONG_USE ? ERR_USAGE : ERR_STATE;
    }
    if (error != OK)
        snprintf(why, MEASUREMENT_WHY_MAX, "the live run: %.400s", inner);
    return error;
}

static enum err sample(const struct live_rounds *o, unsigned subject, bool counts,
                       struct measurement_set *set, char *why)
{
    struct measurement_set one = {0};
    enum err error = one_run(o, o->argv[subject], &one, why);

    if (error == OK && counts)
        error = measurement_join(&set[subject], &one, why);
    measurement_reset(&one);
    return error;
}

enum err live_rounds_run(const struct live_rounds *o, struct measurement_set set[LIVE_SUBJECTS],
                         char *why)
{
    unsigned subjects = o->argv[1] ? 2 : 1, all = (o->warm_up + o->repetitions) * subjects;
    enum err error = OK;

    for (unsigned i = 0; i < all && error == OK; i++) {
        unsigned round = i / subjects;
        /* Now one is first, now the other: neither always follows upon the other. */
        unsigned subject = (i + round) % subjects;

        error = sample(o, subject, round >= o->warm_up, set, why);
        o->progress(i + 1, all);
    }
    for (unsigned k = 0; k < subjects; k++)
        set[k].context.partial |= error != OK;
    return error;
}
