/*
 * The look-ups of one node that have no answer yet: an endpoint asked (EVENT_REQUEST), and a
 * server (CRL, OCSP, AAA) that is simulated by its latency alone answers. Ordered by the time at
 * which the answer, or the end of the patience, comes; equal times by request.
 */
#ifndef SIM_LOOK_UP_H
#define SIM_LOOK_UP_H

#include "base/rng.h"
#include "sim/scenario.h"

struct look_up {
    nsec at; /* of the answer */
    nsec begun;
    uint64_t key; /* of the host's job: the IKE SA that waits */
    uint32_t request;
    bool timed_out; /* there is none: the configuration decides */
};

struct look_ups {
    const struct lookup_words *words; /* borrowed */
    struct look_up *heap;             /* smallest first */
    uint32_t count, capacity;
    uint32_t outages; /* that the server is in now */
    struct rng random;
    struct look_up asked;  /* in the work that goes on; request 0: nothing */
    struct look_up answer; /* taken out by look_ups_due, */
    bool answering;        /* and not acted upon yet: one at a time */
};

/**
 * @param random  a stream of its own; each look-up draws once, in or out of an outage
 * @return NULL when out of memory
 */
struct look_ups *look_ups_create(const struct lookup_words *, struct rng random);
/** NULL is allowed. */
void look_ups_destroy(struct look_ups *);
/** Forget all of them: a crash. */
void look_ups_drop(struct look_ups *);
/** The endpoint asks; look_ups_begin tells when the question leaves. */
void look_ups_ask(struct look_ups *, uint32_t request, uint64_t key);
/** The work that asked ends at `end`. False if nothing was asked, or out of memory: no answer. */
bool look_ups_begin(struct look_ups *, nsec end);
/** When the next one wants to be answered; NSEC_NEVER if none, or while one is acted upon. */
nsec look_ups_deadline(const struct look_ups *);
/** Take out one that is due at `now` into `answer`; the caller sets answering to false. */
bool look_ups_due(struct look_ups *, nsec now);
/** The server falls silent, also to what was asked before; or speaks again, to new questions. */
void look_ups_outage(struct look_ups *, bool begins);

#endif
