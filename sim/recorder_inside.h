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

/** Whose packets, keys and events are kept; `chosen` is NULL if everybody's are. */
struct recorded_sample {
    uint8_t *chosen;    /* a bit a node, of initiators and attackers */
    struct table heard; /* where a packet that goes to a chosen one goes */
    struct table told;  /* SPIs at a node of SAs with a chosen one */
    bool behind;        /* one of them is behind a NAT: its address alone does not name it */
    bool last_kept;     /* of the SA that was asked for last: events of one come in a row */
    uint32_t last_node;
    uint64_t last_spi;
};

struct recorder {
    struct lab *lab;
    struct run_folder *folder;
    struct events *events;
    struct capture *capture;
    struct keys *keys;
    uint32_t *interfaces[2]; /* by node; a NAT's inside is [1] */
    bool all_nodes;
    struct recorded_sample sample;
    struct table windows;        /* SPI at a node, accepted or refused -> esp.window lines so far */
    struct table spis;           /* slot of a child SA at a node, in or out -> its SPI */
    struct recorded_host *hosts; /* by interface of the node */
    uint32_t host_count;
    nsec host_due; /* when a pending one may be written */
};

/* recorder_sample.c */
/** @retval ERR_MEMORY */
enum err recorder_sample_init(struct recorder *) MUST_USE;
void recorder_sample_reset(struct recorder *);
/** Learn from a packet, if one of the chosen is behind a NAT. */
void recorder_listen(struct recorder *, const struct tap_event *);
/** Whether this packet is one of a chosen node. */
bool recorder_keeps(struct recorder *, const struct tap_event *);
/** The same of what a node says of itself, */
bool recorder_keeps_node(const struct recorder *, uint32_t node);
/** of whom `at` knows by this endpoint, */
bool recorder_keeps_endpoint(const struct recorder *, uint32_t at, const struct ip_endpoint *);
/** and of an SA at `node`. */
bool recorder_keeps_sa(struct recorder *, uint32_t node, const struct ike_event *);
bool recorder_keeps_timer(const struct recorder *, uint32_t node, const struct timer_event *);

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
