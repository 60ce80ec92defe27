/* What the files of the recorder share. Not for anybody else. */
#ifndef SIM_RECORDER_INSIDE_H
#define SIM_RECORDER_INSIDE_H

#include "base/table.h"
#include "record/events.h"
#include "record/keys.h"
#include "sim/recorder.h"

/** The processor of a captured machine, and what was last written of it. */
struct recorded_host {
    uint32_t node;
    uint32_t backlog, busy_cores; /* now */
    uint32_t peak;                /* backlog since the last line */
    uint32_t lines;
    nsec next;    /* no line before that */
    bool pending; /* `now` has not been written */
};

struct recorder {
    struct lab *lab;
    struct run_folder *folder;
    struct events *events;
    struct capture *capture;
    struct keys *keys;
    uint32_t *interfaces[2]; /* by node; a NAT's inside is [1] */
    bool all_nodes;
    struct table windows;        /* SPI at a node, accepted or refused -> esp.window lines so far */
    struct table spis;           /* slot of a child SA at a node, in or out -> its SPI */
    struct recorded_host *hosts; /* by interface of the node */
    uint32_t host_count;
    nsec host_due; /* when a pending one may be written */
};

/* recorder_details.c */
/** After the interfaces are known. @retval ERR_MEMORY */
enum err recorder_details_init(struct recorder *, uint32_t interfaces) MUST_USE;
void recorder_details_reset(struct recorder *);
/** The SPIs of an event's child SA as fields, also when it is gone by now. */
void recorder_child_spis(struct recorder *, uint32_t node, const struct ike_event *);
/** The SPI of what replaces the SA of an event, as a field. */
void recorder_successor(struct recorder *, uint32_t node, const struct ike_event *);
/** Write what is due of the machines; with `all` what is pending as well. */
void recorder_hosts_due(struct recorder *, nsec now, bool all);

#endif
