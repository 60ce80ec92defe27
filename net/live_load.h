/*
 * A load of ICMP echo requests through the child SAs of a live run, one child after the other, and
 * the answers of an inner address behind the peer. Closed loop: a number of requests is always
 * under way, and the peer's speed decides. Open loop: requests at a rate, whatever the peer does,
 * each timed from when it was due, so that neither a stalled peer nor we ourselves hide a delay
 * (no coordinated omission). What is sent and for how long is bounded from the start.
 *
 * Answers are told by what the data of their requests carries, not by identifier and sequence
 * number, which a NAT behind the peer may change. Answers in fragments are not put together.
 */
#ifndef NET_LIVE_LOAD_H
#define NET_LIVE_LOAD_H

#include "net/live_path.h"

enum live_load_limits {
    LOAD_SIZE_MIN = 64, /* bytes of an inner IP packet; room for what we must find in answers */
    LOAD_SIZE_MAX = 9000,
    LOAD_WINDOW_MAX = 65536,
    LOAD_RATE_MAX = 200000, /* packets a second */
    LOAD_TIME_MAX = 86400,  /* seconds */
    LOAD_WAIT_MAX = 10,     /* seconds */
};

struct live_load_options {
    struct ip_addr to, from; /* of one family; `to` of family 0: no load */
    uint32_t size;           /* of inner IP packets; 0: 64, 570 and 1400 as 7:4:1 */
    uint32_t window;         /* requests under way at once, closed loop; 0: open loop */
    nsec interval;           /* between requests of the open loop */
    nsec run_for;            /* how long requests are due */
    nsec wait;               /* for an answer, from when the request was sent */
};

struct live_load;

/** @retval ERR_MEMORY */
enum err live_load_create(const struct live_load_options *, const struct live_path *,
                          struct live_load **) MUST_USE;
void live_load_destroy(struct live_load *);

/** The first request is due now. */
void live_load_begin(struct live_load *, nsec now);
/** Send no more; what is under way stays pending. Again, or before the begin: nothing. */
void live_load_stop(struct live_load *, nsec now);
/** One request, if one is due and there is room for it. False: none now. */
bool live_load_send(struct live_load *, nsec now);
/** One ESP datagram out of its tunnel: an answer, or a stray. */
void live_load_receive(struct live_load *, nsec now, const struct ike_dgram *);
/** Give up what waited too long; end when it is time. Calling early does nothing. */
void live_load_expire(struct live_load *, nsec now);
/** When send or expire want to be called, NSEC_NEVER: not before something is received. */
nsec live_load_deadline(const struct live_load *);
/** It has begun, sends no more, and nothing is under way. */
bool live_load_over(const struct live_load *);

#endif
