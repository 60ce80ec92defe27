/*
 * The processor of a simulated machine: c cores, a bounded backlog with two priorities. A job
 * waits for a core, is run when its service starts, and its effects leave when its service ends;
 * what it costs is told by the caller (crypto/cost prices the meter), never by a stopwatch. Jobs
 * with the same key (one IKE SA) are served one at a time, in order.
 *
 * Pull style, like the endpoint: submit; then start until false, telling each its cost with
 * occupy; then one timer at host_next; when it fires, complete until false and start again.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

enum host_priority { HOST_URGENT, HOST_NORMAL, HOST_PRIORITIES };
enum host_sizes { HOST_URGENT_MAX = 4 };

struct host_job {
    uint64_t key; /* 0: may run beside anything */
    nsec arrived;
    uint32_t what; /* the caller's: a packet, or SIM_NONE for a timer */
};

struct host_core {
    nsec until;
    uint64_t key;
    bool busy;
};

struct host_slot {
    struct host_job job;
    uint32_t next;
};

struct host {
    struct host_core *cores;
    struct host_slot *slots;
    uint32_t core_count, busy_count;
    uint32_t free_head, head[HOST_PRIORITIES], tail[HOST_PRIORITIES];
    uint32_t waiting, waiting_of[HOST_PRIORITIES];
    uint32_t backlog; /* normal jobs that may wait */
    uint64_t busy_ns; /* core-nanoseconds of service that were started */
};

enum err host_init(struct host *h, uint32_t cores, uint32_t backlog) MUST_USE;
void host_reset(struct host *h);
/**
 * Queue a job. Urgent ones, the machine's own timers, have room of their own: a flood of datagrams
 * does not keep them out.
 * @return false when the backlog is full, or HOST_URGENT_MAX urgent ones wait
 */
bool host_submit(struct host *h, enum host_priority, const struct host_job *);
/** The next job that may start now, and the core it gets; occupy that core before going on. */
bool host_start(struct host *h, struct host_job *job, uint32_t *core);
void host_occupy(struct host *h, uint32_t core, uint64_t key, nsec now, nsec cost);
/** A core whose service has ended by `now`; earliest end first, then by number. */
bool host_complete(struct host *h, nsec now, uint32_t *core);
/** The earliest end of service, NSEC_NEVER when all cores are idle. */
nsec host_next(const struct host *h);
/** Forget all waiting jobs one by one (a crash): false when there are none. */
bool host_forget(struct host *h, struct host_job *job);

#endif
