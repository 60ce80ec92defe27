/*
 * Windows above 1: RFC 7296 §2.3. An IKE SA record has room for one request in flight and one last
 * response. What is beyond that lies here, in slots that are taken when they are used: requests
 * that are parked while the record works on another, and responses kept for repetition.
 * What may be in flight side by side is decided in proto/ike/overlap.
 */
#ifndef PROTO_CORE_WINDOW_H
#define PROTO_CORE_WINDOW_H

#include "proto/core/config.h"
#include "proto/core/sa.h"

struct ike_endpoint;
struct ike_store;

/** Of an IKE SA in which either side has announced a window. */
struct window {
    uint32_t parked;   /* first of the parked exchanges, or SA_INDEX_NONE */
    uint32_t answered; /* first of the responses kept, the last one sent; or SA_INDEX_NONE */
    uint32_t next_id;  /* message ID of our next request, while any is in flight */
    uint8_t own;       /* what we have announced, 0: nothing yet */
    uint8_t peer;      /* what the peer has announced, 0: nothing yet; 255: that or more */
    uint8_t forgotten; /* message IDs before that of our Delete whose requests are moot */
};

/** A request in flight that is not the one in the IKE SA record. */
struct parked_exchange {
    nsec due; /* to be sent again */
    struct message_ref request;
    struct handle child;
    uint32_t handshake, id, next;
    uint8_t tries;
    uint8_t kind; /* enum exchange_kind */
    bool send;    /* waits in the outbox */
};

/** A response that may have to be repeated. */
struct answered_request {
    struct message_ref response;
    uint32_t id;
    uint32_t digest; /* of the request */
    uint32_t next;
};

/** One request in flight, wherever it lies. */
struct flight {
    enum exchange_kind kind;
    uint32_t id, handshake;
    struct handle child;
};

/** The window that a configuration wants: 1 to WINDOW_MAX. */
static inline uint32_t window_size(const struct ike_config *c)
{
    return c->window > WINDOW_MAX ? WINDOW_MAX : c->window > 1 ? c->window : 1;
}

/** One message ID is used; near their end the SA is to be rekeyed (§2.2). */
void ike_id_next(struct ike_sa *, uint32_t *id);
/** Whether a direction has no message ID left. */
bool ike_ids_used_up(const struct ike_sa *);

enum err window_init(struct ike_store *, uint32_t ikes) MUST_USE;
void window_reset(struct ike_store *);
/** NULL: nobody has announced a window in this SA. */
struct window *window_of(const struct ike_endpoint *, const struct ike_sa *);
/** The same, made when there is none. Not for endpoints that are configured to 1. */
struct window *window_take(struct ike_endpoint *, struct ike_sa *);
/** Give back all that lies here for an SA. */
void window_give(struct ike_endpoint *, struct ike_sa *);

/* ---- our requests ---- */

/** All in flight, the one in the record first. @param[out] all WINDOW_MAX items @return how many */
unsigned flights_of(const struct ike_endpoint *, const struct ike_sa *, struct flight *all);
/** Whether a request of this kind is among them. */
bool flight_of_kind(const struct ike_endpoint *, const struct ike_sa *, enum exchange_kind);
/** Message IDs: of the oldest in flight and of the next one; equal if none is in flight. */
void flight_ids(const struct ike_endpoint *, const struct ike_sa *, uint32_t *oldest,
                uint32_t *next);
/** Whether the peer's window has room for one more beside those in flight. */
bool flight_room(const struct ike_endpoint *, const struct ike_sa *);
/** Put the request in the record aside, so that the record is free for another. */
void flight_park(struct ike_endpoint *, struct ike_sa *);
/** The record is free: move the oldest that is parked into it, or make request_id the next one. */
void flight_resume(struct ike_endpoint *, struct ike_sa *);
/** Move the request of this message ID into the record. @return false: none is in flight */
bool flight_select(struct ike_endpoint *, struct ike_sa *, uint32_t id);
/** All that is parked is moot: the request in the record is the last in this SA. */
void flights_forget(struct ike_endpoint *, struct ike_sa *);
/** The parked request that is to be sent first; NULL. */
struct parked_exchange *flight_to_send(const struct ike_endpoint *, const struct ike_sa *);
/** When the first of the parked requests is to be sent again, and its message ID. */
nsec flight_due(const struct ike_endpoint *, const struct ike_sa *, uint32_t *id);

/* ---- the peer's requests ---- */

/** How many requests we take at once. */
uint32_t window_own(const struct ike_endpoint *, const struct ike_sa *);
/** Whether a request of this message ID is inside our window and has not been executed. */
bool request_due(const struct ike_endpoint *, const struct ike_sa *, uint32_t id);
/** A request was executed: keep the response, in the place of what cannot be asked for again. */
void request_answered(struct ike_endpoint *, struct ike_sa *, uint32_t id,
                      struct message_ref response, uint32_t digest);
/** Make the response to this request the one that is sent next. @return false: not kept */
bool request_recall(struct ike_endpoint *, struct ike_sa *, uint32_t id, uint32_t digest);
/** The digest of the request of this message ID that has a response. @return false: not kept */
bool request_digest(const struct ike_endpoint *, const struct ike_sa *, uint32_t id,
                    uint32_t *digest);
/** The response that is sent next. */
struct message_ref response_of(const struct ike_endpoint *, const struct ike_sa *);
/** The response kept for this message ID, NULL. */
const struct answered_request *answered_at(const struct ike_endpoint *, const struct ike_sa *,
                                           uint32_t id);

#endif
