/*
 * What the endpoints of one kind share: pools, tables, and what lasts no longer than a call. An
 * endpoint costs what is its own (internal.h) and the slots that it has taken. A store of one
 * endpoint finds its SAs by table and its deadlines by heap, as there may be a million; where it is
 * shared, each endpoint has a few, and looks through its own (siblings.c): by no way one
 * endpoint comes to the SAs of another.
 */
#ifndef PROTO_CORE_STORE_H
#define PROTO_CORE_STORE_H

#include "base/chains.h"
#include "base/table.h"
#include "base/timerq.h"
#include "proto/core/config.h"
#include "proto/core/env.h"
#include "proto/core/event_queue.h"
#include "proto/core/message_store.h"
#include "proto/core/timer_log.h"

struct esp;
struct v1_store;
struct ike_endpoint;

/** A message that belongs to no SA: an answer that leaves no state behind. */
struct stateless_reply {
    struct message_ref message;
    struct ip_endpoint local, remote;
    bool waiting;
};

/** How many records an endpoint may have; pools have room for as many endpoints as there may be. */
struct store_shares {
    uint32_t ikes, children, ike_sas, half_open;
};

/** Which IKE SA of an endpoint comes next, and the slots they would have in stores of their own. */
struct siblings {
    uint32_t *next;       /* by index of the IKE SA */
    uint8_t *ike, *child; /* by index: the slot */
};

/** Beside an IKE SA in a chain: who passes by need not look at the record, which is in no cache. */
struct sa_link {
    uint32_t hash, next;
};

struct ike_store {
    struct ike_env env; /* `entity` is each endpoint's own */
    const struct ike_config *config;
    struct esp *esp;     /* owned */
    struct v1_store *v1; /* owned; NULL where the configuration has no version 1 */
    struct ike_endpoint *endpoints;
    uint32_t endpoint_count, endpoint_max; /* more than one: the store is shared */
    struct store_shares shares;
    bool installing; /* what comes up now had no handshake in the network (proto/install) */
    struct siblings siblings; /* where it is shared, else empty */
    uint64_t digest_key[2];   /* of the digests of messages and addresses */

    struct pool ikes;   /* each with its keys behind it, see sa.h */
    struct pool clocks; /* struct ike_timers, of those that have several */
    struct pool children, handshakes, ke_pairs;
    struct pool held;                      /* struct held_auth; empty without look-ups */
    struct pool asides;                    /* of the paths of `ikes` */
    struct pool suites;                    /* struct ike_suite; see suites.c */
    struct pool tokens;                    /* struct peer_token, taken together with `ikes` */
    struct pool windows, parked, answered; /* see window.h; empty where the window is 1 */
    uint32_t *window_slots;      /* by index of the IKE SA, or SA_INDEX_NONE; NULL where it is 1 */
    struct pool joinings;        /* see joining.h; empty without fragmentation */
    struct message_store pieces; /* the fragments in `joinings` */
    struct table joining_by_ike; /* index of an IKE SA -> first of its messages */
    struct table joining_by_source; /* with IKEv1: their source -> how many are of it */
    uint32_t joining_oldest, joining_newest;
    struct table by_source; /* digest of an address -> half-open IKE SAs it began; see flood.c */
    struct table renewals;  /* IKE SAs that take over from each other; see renewal.c */
    struct mobike *mobikes; /* by index of the IKE SA; NULL where it is off (mobike.h) */
    uint64_t *init_digests; /* by index, of those that are `called`: see ike_sa_by_init */
    struct message_store messages;
    uint32_t responses_at; /* whose response was looked at last, see responses.h */
    nsec responses_due;    /* when the next ones are, where there are many */

    /* Of a store that is not shared */
    struct chains by_spi;      /* IKE SAs by our SPI */
    struct chains by_init;     /* those that are `called`, by their digest */
    struct chains by_identity; /* by digest of the authenticated identity, the newest first */
    struct sa_link *spi_links; /* by index of the IKE SA */
    uint32_t *init_links;      /* the same, of by_init */
    struct table by_request;   /* EVENT_REQUEST that is not answered -> IKE SA */
    struct timerq timers;      /* owner: IKE SA index, then ikes.capacity + child index */

    /* Between a call of an endpoint and the pull after it */
    struct event_queue events;
    struct timer_log timer_log;
    struct stateless_reply reply;
    struct sa_ref response_of; /* whose response goes to response_to instead of the peer's */
    struct ip_endpoint response_to, response_from; /* address (RFC 7296 §2.11) */

    struct ike_counters counters; /* of all endpoints together */
    struct rng streams;           /* of the endpoint that named one last, the `streams_of`-th; */
    uint32_t streams_of;          /* endpoint_max: nobody has */
};

/** Room for every suite that the configuration can agree on. @retval ERR_MEMORY */
enum err suites_init(struct ike_store *) MUST_USE;
enum err siblings_init(struct siblings *, uint32_t ikes, uint32_t children) MUST_USE;
void siblings_reset(struct siblings *);

/** What finds IKE SAs where the store is not shared; its pool of them is there (sa_table.c).
 * @retval ERR_MEMORY  to be reset */
enum err sa_finders_init(struct ike_store *) MUST_USE;
void sa_finders_reset(struct ike_store *);
/** Bytes in use beside the records. */
uint64_t sa_finders_memory(const struct ike_store *);

enum { SIBLINGS_MAX = 16 }; /* IKE SAs, child SAs of an endpoint in a shared store */

/** Free slots of an endpoint that has taken none: the digits of this number from the lowest on. */
#define SIBLING_SLOTS UINT64_C(0xfedcba9876543210)

static inline bool store_shared(const struct ike_store *s)
{
    return s->endpoint_max > 1;
}

/** IKE SAs that there will be, likely: one for each endpoint, or half of what a limit allows. */
static inline uint32_t store_expected(const struct ike_store *s)
{
    return store_shared(s) ? s->endpoint_max : s->shares.ike_sas / 2;
}

/** Pools and tables for `endpoint_max` endpoints of these limits; env and config are set.
 * @retval ERR_MEMORY  to be reset */
enum err store_init(struct ike_store *, const struct ike_limits *) MUST_USE;
void store_reset(struct ike_store *);
/** Bytes of what is in use: records, messages kept, tables. Without ESP. */
uint64_t store_memory(const struct ike_store *);

#endif
