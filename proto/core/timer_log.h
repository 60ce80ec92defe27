/*
 * What becomes of the timers of an endpoint, for those who draw or check them (env.export_timers):
 * a ring like that of the events, pulled by ike_endpoint_next_timer. Nobody decides by it.
 * A timer that is armed again takes the place of the one before; an SA's timers end with it.
 */
#ifndef PROTO_CORE_TIMER_LOG_H
#define PROTO_CORE_TIMER_LOG_H

#include "proto/core/event.h"

struct timer_log {
    struct timer_event *ring; /* NULL: not exported */
    uint32_t capacity, head, count;
    uint64_t lost; /* by a driver that does not pull after every call */
};

enum err timer_log_init(struct timer_log *, uint32_t capacity) MUST_USE;
void timer_log_reset(struct timer_log *);
/** Without a ring nothing happens. */
void timer_log_put(struct timer_log *, const struct timer_event *);
bool timer_log_next(struct timer_log *, struct timer_event *out);

#endif
