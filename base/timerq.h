/*
 * Deadlines of numbered owners: each owner 0..capacity-1 has at most one deadline, which can be
 * moved or cancelled. A binary heap with back pointers; equal deadlines come out by owner number.
 */
#ifndef BASE_TIMERQ_H
#define BASE_TIMERQ_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>

/** 12 bytes: a deadline in two words, as one of 8 bytes would take 4 more to be aligned. */
struct timerq_entry {
    uint32_t high, low;
    uint32_t owner;
};

struct timerq {
    struct timerq_entry *heap; /* not touched behind `count` */
    uint32_t *position;        /* by owner; 0: not armed, else heap index + 1 */
    uint32_t count;
    uint32_t capacity;
};

enum err timerq_init(struct timerq *q, uint32_t capacity) MUST_USE;
void timerq_reset(struct timerq *q);
/** Set or move the deadline of `owner`; NSEC_NEVER cancels it. */
void timerq_arm(struct timerq *q, uint32_t owner, nsec deadline);
void timerq_cancel(struct timerq *q, uint32_t owner);
/** The earliest deadline, NSEC_NEVER when none is armed. */
nsec timerq_deadline(const struct timerq *q);
/** Take out the earliest deadline that is <= now. @return false when there is none */
bool timerq_expire(struct timerq *q, nsec now, uint32_t *owner);

#endif
