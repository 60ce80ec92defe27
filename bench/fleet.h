/*
 * Fleets of any size and what a run of one takes: the same clients behind the same routers as
 * opaque peers (bench/opaque.h), or as IKEv2 endpoints of a scenario. Set-up and loop are timed
 * apart, both as CPU time of this thread.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum fleet_kind { FLEET_OPAQUE, FLEET_IKEV2, FLEET_IKEV2_REAL, FLEET_KINDS };

enum { FLEET_CLIENTS_MAX = 1000000 };

struct fleet_plan {
    enum fleet_kind kind;
    bool star; /* opaque only; else a tree */
    uint32_t clients;
};

/** Of one run. */
struct fleet_cost {
    uint64_t setup_ns, loop_ns; /* CPU time */
    uint64_t events, completed, failed;
};

struct fleet;

/** "opaque", "ikev2", "ikev2-real". */
const char *fleet_kind_name(enum fleet_kind);
/** @param[out] why  on error a sentence. @return NULL on error */
struct fleet *fleet_open(const struct fleet_plan *, const char **why);
/**
 * A whole run, or only its set-up: then there are no events, and nobody completes. Runs of one
 * fleet are alike to the last event.
 * @retval ERR_STATE  not every client completed, or a checker was not content; cost is there
 */
enum err fleet_run(struct fleet *, bool setup_only, struct fleet_cost *) MUST_USE;
void fleet_close(struct fleet *);

#endif
