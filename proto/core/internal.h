/*
 * The inside of struct ike_endpoint, for the rooms of proto. Drivers see proto/endpoint.h only.
 */
#ifndef PROTO_CORE_INTERNAL_H
#define PROTO_CORE_INTERNAL_H

#include "base/table.h"
#include "base/timerq.h"
#include "proto/core/config.h"
#include "proto/core/env.h"
#include "proto/core/event_queue.h"
#include "proto/core/joining.h"
#include "proto/core/mobike.h"
#include "proto/core/sa.h"
#include "proto/core/timer_log.h"
#include "proto/core/window.h"

struct esp;

enum ike_ports { IKE_PORT = 500, IKE_NATT_PORT = 4500 };

/** A message that belongs to no SA: an answer that leaves no state behind. */
struct stateless_reply {
    struct message_ref message;
    struct ip_endpoint local, remote;
    bool waiting;
};

/** A packet for which a new child SA was asked. */
struct asked_packet {
    struct sa_ref ike; /* SA_NONE: there is none */
    struct selector local, remote;
};

/** What waits to be told to a peer in the next INFORMATIONAL request of this IKE SA. */
struct complaint {
    struct sa_ref ike;
    uint16_t notify; /* enum notify_type, 0: nothing waits */
    uint32_t value;  /* the SPI or message ID that was wrong */
};

enum { COOKIE_SECRET_LEN = 32 };

/** The secrets that cookies are made with (proto/ike/cookie.h). */
struct cookie_jar {
    struct rng random;
    uint8_t secrets[2][COOKIE_SECRET_LEN]; /* by the lowest bit of their version */
    uint8_t version;                       /* of the newest */
    uint8_t alive;                         /* how many of them count: 0 to 2 */
    bool wanted;                           /* requests need a cookie now */
    nsec since;                            /* when the newest was drawn */
};

enum { TOKEN_SECRET_LEN = 32, TOKEN_MAX = 128 };

/** What our tokens are made of, and how many were shown of late (proto/ike/qcd.h). */
struct token_maker {
    struct rng random;
    uint8_t secret[TOKEN_SECRET_LEN];
    nsec second; /* when the first of `shown` was */
    uint32_t shown;
};

/** Beside an IKE SA, only with quick_crash_detection. */
struct peer_token {
    uint8_t len; /* 0: the peer has given us none */
    bool owed;   /* ours is not said yet */
    uint8_t bytes[TOKEN_MAX];
};

/** What the endpoints of one store share: pools, tables, and what lasts no longer than a call. */
struct ike_store {
    struct ike_env env;
    const struct ike_config *config;
    struct esp *esp;                 /* owned */
    uint32_t ike_max, half_open_max; /* as limits; pools have room for succession */

    struct pool ikes, children, keys, handshakes, ke_pairs;
    struct pool tokens;                    /* struct peer_token, taken together with `ikes` */
    struct pool windows, parked, answered; /* see window.h; empty where the window is 1 */
    struct pool joinings;                  /* see joining.h; empty without fragmentation */
    struct message_store pieces;           /* the fragments in `joinings` */
    struct table joining_by_ike;           /* index of an IKE SA -> first of its messages */
    uint32_t joining_oldest, joining_newest;
    struct table by_spi;      /* our SPI -> IKE SA */
    struct table by_init;     /* digest of an IKE_SA_INIT request and its source -> IKE SA */
    struct table by_identity; /* digest of an authenticated identity -> newest IKE SA of it */
    struct table by_request;  /* EVENT_REQUEST that is not answered -> IKE SA */
    struct table by_source;   /* digest of an address -> half-open IKE SAs it began; see flood.c */
    struct table renewals;    /* IKE SAs that take over from each other; see renewal.c */
    struct mobike *mobikes;   /* by index of the IKE SA; NULL where it is off (mobike.h) */
    struct message_store messages;
    struct timerq timers; /* owner: IKE SA index, then ikes.capacity + child index */

    struct event_queue events;
    struct timer_log timer_log;
    struct stateless_reply reply;
    struct sa_ref response_of; /* whose response goes to response_to instead of the peer's */
    struct ip_endpoint response_to, response_from; /* address (RFC 7296 §2.11) */
    nsec path_second;                              /* the second in which... */
    uint32_t path_looked; /* ...ICMP has made us look at so many child SAs */
    struct ike_counters counters;
};

struct ike_endpoint {
    struct ike_store *store;
    struct rng spi, nonce, iv, retransmit, lifetime, key_exchange, signature;
    nsec version_answered;     /* when INVALID_MAJOR_VERSION was last said */
    nsec complained, rumoured; /* when a complaint was last said, or believed enough */
    struct complaint complaint;
    struct cookie_jar cookies;
    struct token_maker qcd;
    uint32_t half_open_asked;           /* half-open IKE SAs that others began */
    uint64_t key_exchanges, signatures; /* each gets a stream of its own */
    uint32_t requests;                  /* EVENT_REQUESTs so far: their ids */
    uint32_t out_head, out_tail;        /* IKE SAs with something to send */
    struct asked_packet asked;          /* one at a time */
};

/* ---- records (sa_table.c) ---- */

enum err sa_table_init(struct ike_endpoint *, const struct ike_limits *) MUST_USE;
void sa_table_reset(struct ike_endpoint *);

/** A fresh IKE SA in STATE_NONE with a key slot; NULL when full. */
struct ike_sa *ike_sa_take(struct ike_endpoint *, struct sa_ref *out);
/** Give back the record, its keys, messages and handshake. Its children must be gone. */
void ike_sa_give(struct ike_endpoint *, struct ike_sa *);
struct ike_sa *ike_sa_at(const struct ike_endpoint *, struct handle);
struct sa_ref ike_sa_ref(const struct ike_endpoint *, const struct ike_sa *);
uint32_t ike_sa_index(const struct ike_endpoint *, const struct ike_sa *);
struct ike_keys *ike_sa_keys(const struct ike_endpoint *, const struct ike_sa *);
/** Draw an SPI that no IKE SA of ours has, never 0 (RFC 7296 §2.6). */
uint64_t ike_spi_new(struct ike_endpoint *);
/** Make the SA reachable under our SPI. @retval ERR_MEMORY */
enum err ike_sa_register(struct ike_endpoint *, struct ike_sa *) MUST_USE;
struct ike_sa *ike_sa_by_spi(const struct ike_endpoint *, uint64_t our_spi);
/** Put the SA at the head of the list of its identity. @retval ERR_MEMORY */
enum err ike_sa_identify(struct ike_endpoint *, struct ike_sa *, uint64_t identity) MUST_USE;
/** The next older IKE SA with the same identity, NULL. */
struct ike_sa *ike_sa_older(const struct ike_endpoint *, const struct ike_sa *);
static inline uint64_t ike_sa_our_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

/** What MOBIKE keeps of this IKE SA; NULL where neither end of it does MOBIKE. */
static inline struct mobike *mobike_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->mobike ? &ep->store->mobikes[ike_sa_index(ep, sa)] : NULL;
}

/* ---- renewals (renewal.c) ---- */

/** `next` is authenticated to take over from `old`; both are `renewing` until either goes, or
 * renewal_end. @retval ERR_MEMORY nothing has changed */
enum err renewal_begin(struct ike_endpoint *, struct ike_sa *old, struct ike_sa *next) MUST_USE;
/** The SA that this one takes over from, or that takes over from it; NULL. */
struct ike_sa *renewal_old(const struct ike_endpoint *, const struct ike_sa *next);
struct ike_sa *renewal_next(const struct ike_endpoint *, const struct ike_sa *old);
/** Either of the two is on its own again. */
void renewal_end(struct ike_endpoint *, struct ike_sa *);

/** A fresh child SA of `ike` in CHILD_RESERVED; NULL when full. */
struct child_sa *child_sa_take(struct ike_endpoint *, struct ike_sa *ike, struct handle *out);
/** Give back the record and take it off its IKE SA's list. Its SAD record must be gone. */
void child_sa_give(struct ike_endpoint *, struct child_sa *);
struct child_sa *child_sa_at(const struct ike_endpoint *, struct handle);
struct child_sa *child_sa_by_index(const struct ike_endpoint *, uint32_t index);
struct handle child_sa_handle(const struct ike_endpoint *, const struct child_sa *);
struct ike_sa *child_sa_ike(const struct ike_endpoint *, const struct child_sa *);
/** Move every child from one IKE SA to another (RFC 7296 §2.18). */
void child_sas_move(struct ike_endpoint *, struct ike_sa *from, struct ike_sa *to);
/** Move one child to another IKE SA. */
void child_sa_move(struct ike_endpoint *, struct child_sa *, struct ike_sa *to);

/** The handshake slot of an SA, taken when it has none; NULL when full. */
struct handshake *handshake_take(struct ike_endpoint *, struct ike_sa *);
struct handshake *handshake_of(const struct ike_endpoint *, const struct ike_sa *);
void handshake_give(struct ike_endpoint *, struct ike_sa *);
/** The same for a slot that is in no IKE SA: that of a parked exchange. */
void handshake_free(struct ike_endpoint *, uint32_t slot);
/** By slot, NULL for SA_INDEX_NONE. */
struct handshake *handshake_at(const struct ike_endpoint *, uint32_t slot);
struct handshake_nonces {
    struct bytes ours, peers;
};
/** Views; the peer's lies in its first message. */
struct handshake_nonces handshake_nonces(const struct ike_endpoint *, const struct handshake *);
/** A key pair for the handshake, generated; an older one of it is wiped. */
enum err handshake_ke(struct ike_endpoint *, struct handshake *, const struct ke_suite *) MUST_USE;
/** The key pair has served: wipe it. */
void handshake_ke_give(struct ike_endpoint *, struct handshake *);
struct ke_pair *handshake_ke_pair(const struct ike_endpoint *, const struct handshake *);
/** The stream for one key exchange operation. */
struct rng ke_random(struct ike_endpoint *);

/* ---- timers (timers.c) ---- */

void ike_timer_arm(struct ike_endpoint *, struct ike_sa *, enum ike_timer, nsec at);
/** Its deadline has come. */
void ike_timer_fire(struct ike_endpoint *, struct ike_sa *, enum ike_timer);
/** Another request lies in the record, and its timer with it: nothing is armed or cancelled. */
void ike_timer_move(struct ike_endpoint *, struct ike_sa *, enum ike_timer, nsec at);
/** What is parked has changed: find the earliest anew. */
void ike_timers_again(struct ike_endpoint *, struct ike_sa *);
void ike_timers_cancel(struct ike_endpoint *, struct ike_sa *);
void child_timers_arm(struct ike_endpoint *, struct child_sa *, nsec soft, nsec hard);
/** The earlier of both deadlines has come. @return whether the hard one has */
bool child_timers_fire(struct ike_endpoint *, nsec now, struct child_sa *);

/* ---- outbox (outbox.c) ---- */

void outbox_add(struct ike_endpoint *, struct ike_sa *, enum pending_send);
/** Do not send it after all. */
void outbox_cancel(struct ike_endpoint *, struct ike_sa *, enum pending_send);
void outbox_remove(struct ike_endpoint *, struct ike_sa *);
bool outbox_next(struct ike_endpoint *, struct ike_dgram *out);
/** Send a message that belongs to no SA, before all else. @return false: no room for it now */
bool outbox_reply(struct ike_endpoint *, struct bytes message, const struct ip_endpoint *local,
                  const struct ip_endpoint *remote);

/* ---- events ---- */

/** Say something about an IKE SA; `e` holds what differs from the rest. */
void event_ike(struct ike_endpoint *, nsec now, const struct ike_sa *, struct event_record e);

static inline void drop_count(struct ike_endpoint *ep, enum ike_drop why)
{
    ep->store->counters.dropped[why]++;
}

static inline void meter_work(struct ike_endpoint *ep, enum meter_op op, uint64_t bytes)
{
    meter_tick(ep->store->env.crypto->meter, op, bytes);
}

#endif
