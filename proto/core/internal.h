/*
 * The inside of struct ike_endpoint, for the rooms of proto. Drivers see proto/endpoint.h only.
 */
#ifndef PROTO_CORE_INTERNAL_H
#define PROTO_CORE_INTERNAL_H

#include "proto/core/joining.h"
#include "proto/core/lifetime.h"
#include "proto/core/mobike.h"
#include "proto/core/sa.h"
#include "proto/core/store.h"
#include "proto/core/window.h"

enum ike_ports { IKE_PORT = 500, IKE_NATT_PORT = 4500 };

/** What the endpoint draws for. */
enum ike_stream {
    STREAM_SPI,
    STREAM_NONCE,
    STREAM_IV,
    STREAM_RETRANSMIT,
    STREAM_LIFETIME,
    STREAM_KEY_EXCHANGE, /* each operation gets a sub-stream of its own */
    STREAM_SIGNATURE,    /* the same */
    IKE_STREAM_COUNT
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

/** What few endpoints need, and a plain client never: made when it is first asked for. */
struct ike_rare {
    nsec version_answered;     /* when INVALID_MAJOR_VERSION was last said */
    nsec complained, rumoured; /* when a complaint was last said, or believed enough */
    struct complaint complaint;
    struct asked_packet asked; /* one at a time */
    nsec path_second;          /* the second in which... */
    uint32_t path_looked;      /* ...ICMP has made us look at so many child SAs */
    struct cookie_jar cookies;
    struct token_maker qcd;
};

/**
 * One endpoint: what is its own. There may be a million of them, so all that need not be is in the
 * store, or in the records of its SAs.
 */
struct ike_endpoint {
    struct ike_store *store;
    struct ike_rare *rare; /* owned; NULL: not needed yet */
    uint64_t entity;
    uint32_t drawn[IKE_STREAM_COUNT]; /* values taken from each stream: all that is kept of it */
    uint32_t scope;                   /* its number in the store */
    uint32_t first;                   /* its IKE SAs, where the store is shared; see siblings.c */
    uint64_t ike_slots, child_slots;  /* free ones there */
    uint32_t sas, children;           /* records taken, of any state */
    uint32_t ike_sas, half_open;      /* IKE SAs that are up, that are not yet */
    uint32_t half_open_asked;         /* half-open IKE SAs that others began */
    uint32_t requests;                /* EVENT_REQUESTs so far: their ids */
    uint32_t out_head, out_tail;      /* IKE SAs with something to send */
};

_Static_assert(sizeof(struct ike_endpoint) <= 112, "a client is one of a million");

/* ---- what an endpoint draws and keeps (own.c) ---- */

/** The stream where it stands now; drawn values count once they are told by ike_drew. */
struct rng ike_stream(const struct ike_endpoint *, enum ike_stream);
void ike_drew(struct ike_endpoint *, enum ike_stream, const struct rng *);
void ike_draw(struct ike_endpoint *, enum ike_stream, void *out, size_t len);
uint64_t ike_draw_below(struct ike_endpoint *, enum ike_stream, uint64_t bound);
/** The next sub-stream, for one operation. */
struct rng ike_draw_stream(struct ike_endpoint *, enum ike_stream);
/** The deadlines of an SA made now; draws if they have a jitter. */
struct lifetime ike_draw_lifetime(struct ike_endpoint *, nsec now, const struct lifetime_config *);
/** The part that few need, made if it is not there. NULL: out of memory */
struct ike_rare *ike_rare(struct ike_endpoint *);

/* ---- siblings (siblings.c) ---- */

/**
 * Walk the endpoint's IKE SAs, or its child SAs: SA_INDEX_NONE first, then the last result;
 * SA_INDEX_NONE at the end. In the order of slots, or where the store is shared in that of the
 * slots they would have in a store of their own. What was found may be given back on the way.
 */
uint32_t ike_sa_walk(const struct ike_endpoint *, uint32_t after);
uint32_t child_sa_walk(const struct ike_endpoint *, uint32_t after);
/** A record joins its endpoint or leaves it; nothing where the store is not shared. */
void sibling_ike(struct ike_endpoint *, uint32_t index);
void sibling_ike_gone(struct ike_endpoint *, uint32_t index);
/** The same for a child SA, which is found through its IKE SA. */
void sibling_child(struct ike_endpoint *, uint32_t index);
void sibling_child_gone(struct ike_endpoint *, uint32_t index);

/* ---- records (sa_table.c) ---- */

/** A fresh IKE SA in STATE_NONE with room for its keys; NULL when full. */
struct ike_sa *ike_sa_take(struct ike_endpoint *, struct sa_ref *out);
/** Give back the record, its keys, messages and handshake. Its children must be gone. */
void ike_sa_give(struct ike_endpoint *, struct ike_sa *);
struct ike_sa *ike_sa_at(const struct ike_endpoint *, struct handle);
struct sa_ref ike_sa_ref(const struct ike_endpoint *, const struct ike_sa *);
uint32_t ike_sa_index(const struct ike_endpoint *, const struct ike_sa *);
/** SK_d, SK_ai, SK_ar, SK_ei, SK_er as ike_key_map has them: up to sk_pi, where they end. */
static inline const uint8_t *ike_sa_keys(const struct ike_sa *sa)
{
    return (const uint8_t *)(sa + 1);
}

/** The same, to be written. */
static inline uint8_t *ike_sa_key_room(struct ike_sa *sa)
{
    return (uint8_t *)(sa + 1);
}
/** Whether the limits have room for one IKE SA more, half-open to begin with. */
static inline bool ike_sa_room(const struct ike_endpoint *ep)
{
    return ep->half_open < ep->store->shares.half_open &&
           ep->ike_sas + ep->half_open < ep->store->shares.ike_sas;
}
/** Draw an SPI that no IKE SA of ours has, never 0 (RFC 7296 §2.6). */
uint64_t ike_spi_new(struct ike_endpoint *);
/** This SPI will be looked up, then `soon` will be: fetch what tells whether an IKE SA has it. Only
 * where the store is not shared. */
void ike_spi_expect(const struct ike_endpoint *, uint64_t spi, bool soon);
/** Make the SA reachable under our SPI, and by the digest of the IKE_SA_INIT request that began it
 * (0: it was begun by us, or by a rekey); neither may change from now on. */
void ike_sa_register(struct ike_endpoint *, struct ike_sa *, uint64_t init_digest);
/** The digest of a first message and where it came from, never 0. */
uint64_t ike_init_digest(const struct ike_endpoint *, const struct ike_dgram *,
                         struct bytes message);
/** That digest; 0: there is none, or it is not registered. */
uint64_t ike_sa_init_digest(const struct ike_endpoint *, const struct ike_sa *);
struct ike_sa *ike_sa_by_spi(const struct ike_endpoint *, uint64_t our_spi);
/** The one that this IKE_SA_INIT request began, NULL; and it belongs to its successor from now on.
 */
struct ike_sa *ike_sa_by_init(const struct ike_endpoint *, uint64_t digest);
void ike_sa_init_moved(struct ike_endpoint *, struct ike_sa *from, struct ike_sa *to);
/** The one whose handshake waits for the answer to this EVENT_REQUEST, NULL. It begins to wait
 * (@retval ERR_MEMORY), the answer is here. */
struct ike_sa *ike_sa_by_request(const struct ike_endpoint *, uint32_t request);
enum err ike_sa_asks(struct ike_endpoint *, const struct ike_sa *, uint32_t request) MUST_USE;
void ike_sa_asked(struct ike_endpoint *, uint32_t request);
/** Make it the newest SA of this identity, which is not 0. */
void ike_sa_identify(struct ike_endpoint *, struct ike_sa *, uint64_t identity);
/** The next older IKE SA with the same identity, NULL. */
struct ike_sa *ike_sa_older(const struct ike_endpoint *, const struct ike_sa *);
static inline uint64_t ike_sa_our_spi(const struct ike_sa *sa)
{
    return sa->initiator ? sa->spi_i : sa->spi_r;
}

/** Where we are and where the peer is, with the ports of IKE. */
static inline struct ip_endpoint ike_sa_local(const struct ike_endpoint *ep,
                                              const struct ike_sa *sa)
{
    return endpoint_pair_local(&ep->store->asides, &sa->path);
}

static inline struct ip_endpoint ike_sa_remote(const struct ike_endpoint *ep,
                                               const struct ike_sa *sa)
{
    return endpoint_pair_remote(&ep->store->asides, &sa->path);
}

static inline void ike_sa_place(struct ike_endpoint *ep, struct ike_sa *sa,
                                const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    endpoint_pair_set(&ep->store->asides, &sa->path, local, remote);
}

/** Where another one of the endpoint is. */
static inline void ike_sa_place_as(struct ike_endpoint *ep, struct ike_sa *sa,
                                   const struct ike_sa *other)
{
    struct ip_endpoint local = ike_sa_local(ep, other), remote = ike_sa_remote(ep, other);

    ike_sa_place(ep, sa, &local, &remote);
}

/** What MOBIKE keeps of this IKE SA; NULL where neither end of it does MOBIKE. */
static inline struct mobike *mobike_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->mobike ? &ep->store->mobikes[ike_sa_index(ep, sa)] : NULL;
}

/* ---- suites (suites.c) ---- */

/** That of an IKE SA which has not agreed on one: all NULL. */
extern const struct ike_suite ike_suite_none;
/** The SA's is this from now on. @retval ERR_FULL it cannot come from the configuration */
enum err ike_sa_agree(struct ike_endpoint *, struct ike_sa *, const struct ike_suite *) MUST_USE;

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
uint32_t child_sa_index(const struct ike_endpoint *, const struct child_sa *);
struct handle child_sa_handle(const struct ike_endpoint *, const struct child_sa *);
struct ike_sa *child_sa_ike(const struct ike_endpoint *, const struct child_sa *);
/** Move every child from one IKE SA to another (RFC 7296 §2.18). */
void child_sas_move(struct ike_endpoint *, struct ike_sa *from, struct ike_sa *to);
/** Move one child to another IKE SA. */
void child_sa_move(struct ike_endpoint *, struct child_sa *, struct ike_sa *to);

/** The handshake slot of an SA, taken when it has none; NULL when full.
 * @param initial  for IKE_SA_INIT and IKE_AUTH */
struct handshake *handshake_take(struct ike_endpoint *, struct ike_sa *, bool initial);
struct handshake *handshake_of(const struct ike_endpoint *, const struct ike_sa *);
void handshake_give(struct ike_endpoint *, struct ike_sa *);
/** The same for a slot that is in no IKE SA: that of a parked exchange. */
void handshake_free(struct ike_endpoint *, uint32_t slot);
/** By slot, NULL for SA_INDEX_NONE. */
struct handshake *handshake_at(const struct ike_endpoint *, uint32_t slot);
/** The message of it that is held, NULL. */
struct held_auth *handshake_held(const struct ike_endpoint *, const struct handshake *);
/** A slot for one, as it has none yet. Only with look-ups. */
struct held_auth *handshake_hold(struct ike_endpoint *, struct handshake *);
/** Give that slot back with what is in it. */
void handshake_unhold(struct ike_endpoint *, struct handshake *);
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

/* ---- timers (timers.c) ---- */

/** The earliest deadline of the endpoint, NSEC_NEVER. */
nsec ike_timers_deadline(const struct ike_endpoint *);
/** What a deadline belongs to. */
struct ike_due {
    enum { DUE_NOTHING, DUE_IKE, DUE_CHILD, DUE_JOINING } what;
    uint32_t index; /* of the IKE SA or child SA */
};
/** Take out the earliest deadline that is <= now: of IKE SAs before child SAs, in their order. */
struct ike_due ike_timers_take(struct ike_endpoint *, nsec now);

/** When this timer is due, NSEC_NEVER: it is not armed. */
nsec ike_timer_at(const struct ike_endpoint *, const struct ike_sa *, enum ike_timer);
void ike_timer_arm(struct ike_endpoint *, struct ike_sa *, enum ike_timer, nsec at);
/** Its deadline has come: counted, and told. */
void ike_timer_fire(struct ike_endpoint *, struct ike_sa *, enum ike_timer);
/** What is done when one has fired. */
typedef void ike_timer_handler(struct ike_endpoint *, nsec now, struct ike_sa *, enum ike_timer);
/** Fire those whose deadlines have come, in order, until one ends the IKE SA. */
void ike_timers_fire(struct ike_endpoint *, nsec now, struct ike_sa *, ike_timer_handler *);
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
/** The response of this SA goes to where this came from (RFC 7296 §2.11). */
void outbox_respond_to(struct ike_endpoint *, const struct ike_sa *, const struct ike_dgram *);
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
