#include "bench/live.h"

#include "bench/child.h"

#include <stdio.h>

/* Exit statuses of `ikelab live` that say why. */
enum { RUN_FAILED = 1, WRONG_USE = 2 };

static enum err one_run(const struct live_rounds *o, struct measurement_set *one, char *why)
{
    struct child child;
    char inner[MEASUREMENT_WHY_MAX];
    enum err error = child_start(&child, o->argv, 0);
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

enum err live_rounds_run(const struct live_rounds *o, struct measurement_set *set, char *why)
{
    unsigned all = o->warm_up + o->repetitions;
    enum err error = OK;

    for (unsigned i = 0; i < all && error == OK; i++) {
        struct measurement_set one = {0};

        error = one_run(o, &one, why);
        if (error == OK && i >= o->warm_up)
            error = measurement_join(set, &one, why);
        measurement_reset(&one);
        o->progress(i + 1, all);
    }
    set->context.partial |= error != OK;
    return error;
}
