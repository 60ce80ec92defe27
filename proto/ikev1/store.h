/*
 * What IKE SAs of version 1 have beside their records (proto/core/sa.h), in pools of a store that
 * has that version: keys for life, phase 1 while it goes on, and exchanges under a message ID.
 */
#ifndef PROTO_IKEV1_STORE_H
#define PROTO_IKEV1_STORE_H

#include "proto/core/internal.h"
#include "proto/ikev1/phase1.h"
#include "proto/ikev1/quick_mode.h"

enum v1_store_sizes {
    V1_EXCHANGES_MAX = 4, /* of an IKE SA at once */
    V1_IDS_SEEN = 8,      /* message IDs of Informational exchanges that are remembered */
    V1_IDS_USED = 64,     /* those under one phase 1 that must not be used again */
    V1_IDS_MANY = 48,     /* so many of them are used, and it is time for a new phase 1 */
};

/** Beside the record of an IKE SA, for its life. */
struct v1_sa {
    struct ikev1_keys keys;  /* SKEYID_d and SKEYID_a; zero while phase 1 goes on */
    struct v1_cipher cipher; /* its key, and as IV the last block of phase 1 */
    const struct hash_suite *hash;
    uint32_t phase1;            /* where it lies, SA_INDEX_NONE: nowhere; see phase1_class */
    uint32_t exchanges;         /* the first one, SA_INDEX_NONE; the newest first */
    uint32_t seen[V1_IDS_SEEN]; /* the last ones */
    uint32_t used;              /* slot of struct v1_ids; SA_INDEX_NONE while phase 1 goes on */
    uint8_t seen_next, used_count;
    uint8_t phase1_class; /* of v1_store.phase1s; one of these more */
    bool informed;        /* something was said by the peer in an Informational exchange */
    bool crossed;         /* it renews one that the peer has renewed meanwhile */
    bool dpd;             /* the peer has announced RFC 3706 */
    bool heard;           /* and has asked: its last number is heard_at */
    uint32_t heard_at;
    uint32_t asked_first, asked_at; /* the numbers of ours; the first is 0: none yet */
};

/** Message IDs under a phase 1 that is over: HASH(1) has nothing else that is new. */
struct v1_ids {
    uint32_t id[V1_IDS_USED];
};

/**
 * An exchange under a message ID, and when it is over what answers the peer's last message, for as
 * long as that may come again. Message ID 0: phase 1, only when it is over.
 */
struct v1_exchange {
    nsec due;                 /* to be sent again, or forgotten */
    uint64_t answered;        /* digest of the message that `sent` answers; 0: none */
    struct handle child, old; /* being made, whose place it takes */
    struct message_ref sent;
    uint32_t message_id;
    uint32_t quick; /* slot of struct v1_quick, SA_INDEX_NONE: it is over */
    uint32_t next;
    bool unwanted; /* a user has deleted `old`: what is made goes, too */
    uint8_t tries; /* how often `sent` was sent again for want of an answer */
};

/* Sizes in which a phase 1 lies (base/sparse.h); the last one takes whatever it may be. */
enum { V1_PHASE1_CLASSES = 6 };

/* For v1_sa.phase1_class: phase 1 is over; or it is the one at work, and has not lain anywhere. */
enum { V1_PHASE1_OVER = V1_PHASE1_CLASSES, V1_PHASE1_NEW };

/** NULL in an ike_store without version 1. */
struct v1_store {
    struct pool sas, ids, exchanges, quicks;
    struct pool phase1s[V1_PHASE1_CLASSES]; /* those that wait for a message, packed */
    struct v1_phase1 *work;                 /* the one that is looked at, unpacked */
    uint32_t worker;                        /* slot in `sas` whose it is, SA_INDEX_NONE */
    uint32_t *slots;           /* of `sas`, by index of the IKE SA; valid for those of version 1 */
    struct pool users, leases; /* see user.h */
    uint32_t *user_slots;      /* of `users`, the same; NULL where they are not configured */
};

/** Whether this configuration calls with version 1, or answers it. */
static inline bool v1_configured(const struct ike_config *c)
{
    return c->version == IKE_V1 || (c->answers >> IKE_V1 & 1);
}

/** Its other pools are there. Does nothing without version 1. @retval ERR_MEMORY  to be freed */
enum err v1_store_make(struct ike_store *) MUST_USE;
void v1_store_free(struct ike_store *);
/** Bytes of what is in use. */
uint64_t v1_store_memory(const struct ike_store *);

/** What belongs to an IKE SA of version 1; NULL: no room. */
struct v1_sa *v1_sa_take(struct ike_endpoint *, const struct ike_sa *);
struct v1_sa *v1_sa_of(const struct ike_endpoint *, const struct ike_sa *);
/** Wipes and gives back all of it, exchanges and phase 1 too. */
void v1_sa_give(struct ike_endpoint *, const struct ike_sa *);
/** Exchanges and keys go, the record stays. */
void v1_sa_forget(struct ike_endpoint *, const struct ike_sa *);
/** Of one whose phase 1 is over; views. */
struct v1_established v1_sa_established(const struct ike_endpoint *, const struct ike_sa *);

/** Phase 1, as there is none. Like that of v1_sa_phase1 it stays where it is until the next call
 * of either for another SA. */
struct v1_phase1 *v1_sa_begin(struct ike_endpoint *, const struct ike_sa *);
/** NULL: it is over. */
struct v1_phase1 *v1_sa_phase1(const struct ike_endpoint *, const struct ike_sa *);
/** It is over: what is needed for life stays. */
void v1_sa_settle(struct ike_endpoint *, const struct ike_sa *);

/** A new exchange. Where there are as many as may be, one that is over makes room. @retval NULL
 * none is */
struct v1_exchange *v1_exchange_take(struct ike_endpoint *, const struct ike_sa *,
                                     uint32_t message_id);
struct v1_exchange *v1_exchange_find(const struct ike_endpoint *, const struct ike_sa *,
                                     uint32_t message_id);
/** The first one, or the one behind `x`; NULL. */
struct v1_exchange *v1_exchange_next(const struct ike_endpoint *, const struct ike_sa *,
                                     const struct v1_exchange *x);
void v1_exchange_give(struct ike_endpoint *, const struct ike_sa *, struct v1_exchange *);
/** Its Quick Mode; NULL: it is over. */
struct v1_quick *v1_exchange_quick(const struct ike_endpoint *, const struct v1_exchange *);
/** A slot for it, as there is none; NULL: no room. */
struct v1_quick *v1_exchange_begin(struct ike_endpoint *, struct v1_exchange *);
/** It is over, and what was secret of it is wiped. */
void v1_exchange_settle(struct ike_endpoint *, struct v1_exchange *);

/** Whether this message ID was used, as far as that is remembered. */
bool v1_id_seen(const struct ike_endpoint *, const struct v1_sa *, uint32_t message_id);
/** The `used_count` of them under this phase 1; NULL: there are none yet. */
const uint32_t *v1_ids_used(const struct ike_endpoint *, const struct v1_sa *);
/** Remembered for a while: what has another defence against coming again, or does nothing then. */
void v1_id_use(struct v1_sa *, uint32_t message_id);
/** Remembered as long as phase 1 lasts, as there is room for it: Quick Modes of both ends, and what
 * ends one. A new phase 1 is wished for when there are many. */
void v1_id_keep(struct ike_endpoint *, struct ike_sa *, uint32_t message_id);
/** No room: no more of the kind under this SA. */
bool v1_ids_full(const struct v1_sa *);

#endif
