/*
 * The records of an endpoint: IKE SAs, child SAs, and what only a handshake needs. Both versions
 * share them. Records live in pools; lists are linked by pool index. Keys, selectors and replay
 * windows of a child SA are in the SAD (proto/esp/sad). The keys of an IKE SA lie behind its record
 * in the same slot, except SK_pi and SK_pr: only AUTH needs them, so they are in its handshake.
 */
#ifndef PROTO_CORE_SA_H
#define PROTO_CORE_SA_H

#include "crypto/keymat.h"
#include "proto/core/event.h"
#include "proto/core/exchange.h"
#include "proto/core/message_store.h"
#include "proto/ip/endpoint_pair.h"

#define SA_INDEX_NONE POOL_NONE

enum ike_timer {
    TIMER_RETRANSMIT,
    TIMER_REKEY,  /* soft lifetime: rekey, or authenticate anew */
    TIMER_EXPIRE, /* hard lifetime; before AUTH the half-open limit; after the end the hold */
    TIMER_LIVENESS,
    TIMER_KEEPALIVE, /* NAT */
    TIMER_RETRY,     /* after TEMPORARY_FAILURE */
    IKE_TIMER_COUNT
};

/* Most SAs have no more than these: rekeying, the hard end, and liveness. */
enum { TIMERS_INSIDE = 3 };

/** The deadlines of an IKE SA that has more of them than its record has room for. */
struct ike_timers {
    nsec at[IKE_TIMER_COUNT]; /* of those that are armed */
};

/** What waits to be sent for an IKE SA. */
enum pending_send {
    SEND_RESPONSE = 1,
    SEND_REQUEST = 2,
    SEND_KEEPALIVE = 4,
    SEND_PARKED = 8, /* requests in flight besides the one in the record (window.h) */
};

/** What we want to do on an IKE SA as soon as the window has room for it (RFC 7296 §2.3). */
enum ike_wish {
    WISH_DELETE = 1,
    WISH_REKEY = 2,
    WISH_CHILD = 4, /* one more child SA */
    WISH_LIVENESS = 8,
    WISH_REAUTH = 16,
    WISH_MOVE = 32, /* tell the peer our address (RFC 4555 §3.5) */
};

struct ike_sa {
    uint64_t spi_i, spi_r;
    const struct ike_suite *suite; /* kept by the store (suites.c); ike_suite_none: not agreed on */
    union {
        nsec inside[TIMERS_INSIDE]; /* deadlines of the armed timers, in their order */
        uint32_t clock;             /* more are armed: a slot of struct ike_timers */
    };
    nsec last_heard, last_sent;
    uint64_t iv; /* SK payloads sealed: the IV of counter modes (RFC 4106 §3.1) */
    union {
        struct handle child;    /* the child our request in flight is about */
        struct handle replaces; /* of a rival, which has none in flight: the SA it may replace */
    };
    struct message_ref request, response;
    uint64_t peer_identity; /* digest of the peer's ID payload; 0: not known yet */
    uint32_t identity_next; /* index + 1 of the next in by_identity, or in a shared store of
                               the next older one of the same identity; 0: none */
    uint32_t request_id;    /* message ID of our next request, or of `request` (RFC 7296 §2.2) */
    uint32_t expected_id;   /* lowest message ID of the peer's that has not been answered */
    uint32_t handshake;     /* slot, or SA_INDEX_NONE */
    uint32_t first_child;
    uint32_t out_next;         /* in the outbox */
    uint32_t request_digest;   /* of the request that `response` answers */
    uint32_t reauth_s;         /* second by which it has to be authenticated anew; 0: no limit */
    struct endpoint_pair path; /* ike_sa_local, ike_sa_remote, ike_sa_place */
    uint16_t child_count;
    uint16_t ke_group;     /* that a refused rekey was told to use, 0: none */
    uint8_t tries;         /* transmissions of the request in flight behind the first */
    uint8_t state : 4;     /* enum ike_state, moved by exchange_move only */
    uint8_t in_flight : 4; /* enum exchange_kind of our request */
    uint8_t sends : 4;     /* set of enum pending_send; != 0: linked in the outbox */
    uint8_t version : 2;
    bool called : 1;     /* by an IKE_SA_INIT request, over all rekeys: see ike_sa_by_init */
    bool mobike : 1;     /* both ends do MOBIKE (RFC 4555 §3.2) */
    uint8_t new_wishes;  /* child SAs that WISH_CHILD stands for besides the one */
    uint8_t reason;      /* enum sa_reason, why it is being deleted */
    bool initiator : 1;  /* of this IKE SA */
    bool half_open : 1;  /* EVENT_IKE_HALF_OPEN was said; IKE_UP or IKE_FAILED is owed */
    bool up : 1;         /* EVENT_IKE_UP was said, EVENT_IKE_DOWN is owed */
    bool natt : 1;       /* ESP goes in UDP, port 4500 to port 4500 */
    bool nat_local : 1;  /* we are behind a NAT */
    bool nat_remote : 1; /* the peer is */
    bool one_pair : 1;   /* it wants a child SA for each pair of addresses (RFC 7296 §2.9) */
    bool more_ts : 1;    /* it would take more than it did in other child SAs (§2.9) */
    uint8_t timers : IKE_TIMER_COUNT; /* set of enum ike_timer: armed; see ike_timer_at */
    bool renewing : 1;                /* is authenticated anew, or takes over from one that is */
    bool fragments : 1; /* both have said that they understand them (RFC 7383 §2.3) */
    uint8_t wishes : 6; /* set of enum ike_wish */
    bool caller : 1;    /* of the IKE_AUTH that it goes back to, over all rekeys */
    bool resources : 1; /* both ends have child SAs by core (RFC 9611 §3) */
};

enum child_state {
    CHILD_RESERVED,  /* SPI drawn, exchange going on */
    CHILD_READY,     /* both directions installed; we, the responder, do not send yet */
    CHILD_CURRENT,   /* used for sending */
    CHILD_REPLACED,  /* still receives; a delete is to come from us or from the peer */
    CHILD_RIVAL,     /* lost a simultaneous rekey; its creator deletes it */
    CHILD_DELETING,  /* our delete is out */
    CHILD_LINGERING, /* deleted; receives what was under way, then goes */
};

struct child_sa {    /* SPIs, keys, counters, policy: its record in the SAD, of the same number */
    nsec soft, hard; /* hard: also the end of lingering */
    struct handle successor;
    uint32_t ike, next;   /* IKE SA and next child of it, by index */
    uint8_t state : 4;    /* enum child_state */
    uint8_t resource : 4; /* the core that it is for (proto/ike/resource.h); 0: any */
    uint8_t reason;       /* enum sa_reason */
    bool wish_rekey : 1, wish_delete : 1;
    bool initiator : 1;   /* we made it by our request */
    bool up : 1;          /* EVENT_CHILD_UP was said */
    bool volume_seen : 1; /* a soft limit in packets or bytes has woken us */
    bool no_tfc : 1;      /* the peer takes no TFC padding (RFC 7296 §1.3.1) */
    uint16_t path_mtu;    /* outer bytes, as learnt (proto/ike/path_mtu.h); 0: nothing learnt */
    uint16_t path_since;  /* when, in PATH_TICKs, modulo 2^16 */
};

_Static_assert(STATE_COUNT <= 16 && KIND_COUNT <= 16, "four bits each in struct ike_sa");
_Static_assert(sizeof(struct ike_sa) <= 160, "what an established IKE SA needs is small");
_Static_assert(sizeof(struct child_sa) <= 64, "beside its record in the SAD");

enum {
    NONCE_LEN = 32, /* ours: at least half the key of the largest prf (RFC 7296 §2.10) */
};

/** An IKE_AUTH message that waits for the driver's answer. */
struct held_auth {
    struct message_ref message;       /* the payloads inside SK, in the clear */
    uint32_t request;                 /* id of the EVENT_REQUEST, 0: none */
    uint32_t digest;                  /* of the message as it was on the wire */
    uint8_t first_payload;            /* type */
    struct ip_endpoint local, remote; /* its addresses */
};

/** What only an exchange with key material needs; given back when it ends. */
struct handshake {
    uint8_t nonce[NONCE_LEN];        /* ours */
    const struct ke_suite *ke_suite; /* the group we use */
    struct message_ref first;        /* the peer's first message, for AUTH (RFC 7296 §2.15) */
    uint16_t nonce_at, nonce_len;    /* the peer's nonce inside it */
    uint32_t held;                   /* slot of struct held_auth, or SA_INDEX_NONE */
    uint32_t ke;                     /* slot of struct ke_pair, the same */
    struct handle child;             /* the child being made */
    union {
        uint64_t spi;           /* our SPI of the IKE SA being made by rekeying */
        uint64_t peer_identity; /* IKE_AUTH: the digest that it must have; 0: any */
    };
    union {
        struct {                        /* IKE_SA_INIT and IKE_AUTH */
            uint64_t source;            /* digest of the address it counts for (flood.c), or 0 */
            struct message_ref peer_id; /* the identity we expect, if any */
            struct message_ref cookie;  /* to be echoed (RFC 7296 §2.6) */
        };
        struct {                            /* CREATE_CHILD_SA */
            struct handle rival;            /* what the peer's simultaneous rekey made */
            struct message_ref rival_nonce; /* the lower nonce of the rival's exchange */
            uint32_t doomed_spi;            /* the peer deleted this while the exchange went on */
        };
    };
    uint8_t peer_id_type;       /* 0: any */
    uint8_t peer_hashes;        /* set of enum sign_hash that the peer can verify; 0: unknown */
    uint8_t certificate : 5;    /* enum x509_result: what was wrong with the peer's */
    uint8_t certs_asked : 2;    /* by CERTREQ; see proto/ike/proof */
    bool initial : 1;           /* IKE_SA_INIT and IKE_AUTH, not CREATE_CHILD_SA */
    uint8_t ke_retries : 2;     /* of INVALID_KE_PAYLOAD */
    uint8_t cookie_retries : 2; /* of COOKIE */
    bool peer_childless : 1;    /* the responder announced RFC 6023 */
    bool renews : 1;            /* an IKE SA that was authenticated before */
    bool moved : 1;             /* we are at another address than when it began (RFC 4555) */
    bool outlived : 1;          /* what it rekeys ended by time before the peer deleted it */
    uint8_t sk_p[];             /* SK_pi | SK_pr, of an initial exchange whose keys are derived */
};

_Static_assert(CERT_RESULT_COUNT <= 32, "five bits in struct handshake");

#endif
