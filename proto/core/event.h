/*
 * What an endpoint tells its driver: events, counters, and views of SAs. Plain data, in pull
 * order; nothing here is a pointer into the endpoint except the views named as such.
 */
#ifndef PROTO_CORE_EVENT_H
#define PROTO_CORE_EVENT_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/time.h"
#include "crypto/keymat.h"
#include "crypto/x509.h"
#include "proto/ip/addr.h"

/** Names an IKE SA or a child SA of one endpoint; stale references are found out. */
struct sa_ref {
    struct handle handle;
};

#define SA_NONE ((struct sa_ref){HANDLE_NONE})

static inline bool sa_none(struct sa_ref r)
{
    return handle_none(r.handle);
}

static inline bool sa_equal(struct sa_ref a, struct sa_ref b)
{
    return a.handle.index == b.handle.index && a.handle.generation == b.handle.generation;
}

/* X(symbol, name in events.jsonl data) */
#define EVENT_LIST(X)                                                                              \
    X(IKE_HALF_OPEN, "half_open")     /* a handshake began (either role) */                        \
    X(IKE_UP, "ike_up")               /* AUTH done */                                              \
    X(IKE_FAILED, "ike_failed")       /* half open and over; `reason`, `initiator` */              \
    X(IKE_REKEYED, "ike_rekeyed")     /* `ike` replaced by `other` */                              \
    X(IKE_REAUTH, "ike_reauth")       /* `other` takes over: is up, or `ike` is down already */    \
    X(IKE_DOWN, "ike_down")           /* was up; `reason` */                                       \
    X(CHILD_UP, "child_up")           /* both directions installed */                              \
    X(CHILD_FAILED, "child_failed")   /* `reason` */                                               \
    X(CHILD_REKEYED, "child_rekeyed") /* `child` replaced by `other` */                            \
    X(CHILD_DOWN, "child_down")       /* `reason` */                                               \
    X(RETRANSMIT, "retransmit")       /* a request was sent again; `count` */                      \
    X(MOVED, "moved")                 /* the peer has taken our new address (MOBIKE) */            \
    X(PEER_MOVED, "peer_moved")       /* new remote address or port: NAT change, MOBIKE */         \
    X(ADDITIONAL_TS, "additional_ts") /* the peer would take more in another child than `child` */ \
    X(KEYS, "keys")                   /* only with ike_env.export_keys */                          \
    X(REQUEST, "request")             /* slow work asked of the driver; answer with `count` as id */

enum event_kind {
#define X(symbol, name) EVENT_##symbol,
    EVENT_LIST(X)
#undef X
        EVENT_COUNT
};

/* Why an SA failed or went down. X(symbol, name in result.json failed_by) */
#define REASON_LIST(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(TIMEOUT, "timeout") /* retransmissions used up */                                            \
    X(NO_PROPOSAL, "no_proposal_chosen")                                                           \
    X(INVALID_KE, "invalid_ke_payload")                                                            \
    X(AUTHENTICATION, "authentication_failed")                                                     \
    X(TS_UNACCEPTABLE, "ts_unacceptable")                                                          \
    X(SINGLE_PAIR, "single_pair_required")                                                         \
    X(INVALID_SYNTAX, "invalid_syntax")                                                            \
    X(UNSUPPORTED_CRITICAL, "unsupported_critical_payload")                                        \
    X(TEMPORARY_FAILURE, "temporary_failure")                                                      \
    X(CHILD_NOT_FOUND, "child_sa_not_found")                                                       \
    X(NO_ADDITIONAL_SAS, "no_additional_sas")                                                      \
    X(PEER_ERROR, "peer_error") /* another error notify */                                         \
    X(DELETED_BY_PEER, "deleted_by_peer")                                                          \
    X(REAUTHENTICATED, "reauthenticated")                                                          \
    X(CHILDLESS, "childless_unsupported")                                                          \
    X(DELETED, "deleted")             /* by us, on request */                                      \
    X(REKEYED, "rekeyed")             /* replaced, then deleted as planned */                      \
    X(COLLISION, "collision")         /* lost a simultaneous rekey */                              \
    X(EXPIRED, "expired")             /* hard lifetime */                                          \
    X(DPD, "dead_peer")               /* liveness check unanswered */                              \
    X(PEER_CRASHED, "peer_crashed")   /* and has shown its token (RFC 6290) */                     \
    X(ADDRESSES, "addresses_refused") /* MOBIKE: the peer would not have us move */                \
    X(ROUTABILITY, "not_routable")    /* MOBIKE: it did not prove to be where it says it is */     \
    X(REPLACED, "replaced")           /* INITIAL_CONTACT of the same identity */                   \
    X(LOOK_UP, "look_up")             /* the driver's look-up said no, or nothing */               \
    X(LIMIT, "limit")                 /* a pool or table was full */                               \
    X(CRASH, "crash")                                                                              \
    X(USER_REFUSED, "user_refused") /* XAUTH: no such name and password, or none was said */       \
    X(NO_ADDRESS, "no_address")     /* Mode-Config: asked for, and not given */

enum sa_reason {
#define X(symbol, name) REASON_##symbol,
    REASON_LIST(X)
#undef X
        REASON_COUNT
};

const char *event_name(enum event_kind);
const char *reason_name(enum sa_reason);

/** The keys of EVENT_KEYS: simulations and labs only. Views wiped after the pull. */
struct ike_key_event {
    bool is_child;
    /* IKE SA */
    uint64_t spi_i, spi_r;
    struct ike_suite suite;
    struct bytes skeyseed;
    struct bytes sk; /* struct ike_keys, sliced by ike_key_map(&suite) */
    /* of version 1: `skeyseed` is SKEYID, `sk` is SKEYID_d, SKEYID_a and SKEYID_e, each as long,
     * and behind them the key of the cipher; the suite has the HMAC of its hash as prf, and no
     * integ */
    /* child SA pair: KEYMAT slices; spi_in is ours (packets to us), spi_out the peer's */
    uint32_t spi_in, spi_out;
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    struct bytes encr_in, integ_in, encr_out, integ_out; /* encr_* is key | salt */
    bool esn;
    struct ip_endpoint local, remote;
    bool udp_encapsulated;
};

struct ike_event {
    enum event_kind kind;
    nsec at;
    struct sa_ref ike;
    struct sa_ref child;
    struct sa_ref other;
    enum sa_reason reason;
    uint32_t count;               /* RETRANSMIT: which one (1..); REQUEST: id */
    enum x509_result certificate; /* IKE_FAILED: what was wrong with the peer's, CERT_VALID: none */
    uint8_t version;              /* of IKE, major, that the IKE SA is of; 0: none */
    bool initiator;               /* our role in the IKE SA (original initiator) */
    bool installed;               /* IKE_UP, CHILD_UP: without a handshake (proto/install) */
    uint64_t spi_i, spi_r;
    const struct ike_key_event *keys; /* KEYS only */
};

/* What became of a timer. X(symbol, name) */
#define TIMER_NEWS_LIST(X)                                                                         \
    X(ARMED, "armed")                                                                              \
    X(FIRED, "fired")                                                                              \
    X(CANCELLED, "cancelled")

enum timer_news {
#define X(symbol, name) TIMER_NEWS_##symbol,
    TIMER_NEWS_LIST(X)
#undef X
};

/** A timer of an SA, for drivers that show them (env.export_timers). */
struct timer_event {
    struct sa_ref child; /* SA_NONE: a timer of the IKE SA */
    uint64_t spi_i;      /* of the IKE SA; 0: of a child */
    nsec deadline;
    uint32_t spi_in;      /* of the child */
    uint32_t message_id;  /* of the request that TIMER_RETRANSMIT is about */
    uint8_t transmission; /* the one after which it waits: 0 the first */
    uint8_t request;      /* enum exchange_kind */
    uint8_t timer;        /* enum ike_timer */
    uint8_t news;         /* enum timer_news */
};

/** "retransmit", "rekey", ... of an enum ike_timer. */
const char *ike_timer_name(unsigned timer);

enum esp_window_sizes { ESP_WINDOW_SHOWN = 128 };

/** A replay window (RFC 4303 §3.4.3), its newest part. */
struct esp_window {
    uint64_t highest;                     /* sequence number accepted, 0: none yet */
    uint32_t size;                        /* packets; 0: the check is off */
    uint64_t seen[ESP_WINDOW_SHOWN / 64]; /* bit n % 64 of word n / 64: highest - n was accepted */
};

/** The answer to an EVENT_REQUEST. */
struct ike_answer {
    bool granted; /* false: the peer is refused */
};

/* Why a received datagram or packet changed nothing. X(symbol, name) */
#define IKE_DROP_LIST(X)                                                                           \
    X(MALFORMED, "malformed")                                                                      \
    X(VERSION, "version")                                                                          \
    X(NO_SA, "no_sa")                                                                              \
    X(ICV, "icv")                                                                                  \
    X(MESSAGE_ID, "message_id")                                                                    \
    X(UNEXPECTED, "unexpected") /* no transition row for it in this state */                       \
    X(SYNTAX, "syntax")                                                                            \
    X(KEY_EXCHANGE, "key_exchange")                                                                \
    X(AUTHENTICATION, "authentication") /* a proof that does not hold */                           \
    X(PROPOSAL, "proposal")                                                                        \
    X(LIMIT, "limit")                                                                              \
    X(COOKIE, "cookie")                   /* IKE_SA_INIT without one that holds; asked for */      \
    X(SOURCE, "source")                   /* IKE_SA_INIT: too many half open of that address */    \
    X(UNAUTHENTICATED, "unauthenticated") /* error notify outside an SA, not trusted */            \
    X(FRAGMENT_UNEXPECTED, "fragment_unexpected") /* the two have not agreed on fragments */       \
    X(FRAGMENT_MALFORMED, "fragment_malformed") /* number 0, or above the total; no room in it */  \
    X(FRAGMENT_ICV, "fragment_icv")                                                                \
    X(FRAGMENT_DOUBLE, "fragment_double") /* it is here already */                                 \
    X(FRAGMENT_STALE, "fragment_stale") /* of fewer than others that are here (RFC 7383 §2.6) */  \
    X(FRAGMENT_MISMATCH, "fragment_mismatch") /* of another exchange than the others */            \
    X(FRAGMENT_TOO_MANY, "fragment_too_many") /* or too long together */                           \
    X(FRAGMENT_LIMIT, "fragment_limit")       /* no room to keep it */

enum ike_drop {
#define X(symbol, name) IKE_DROP_##symbol,
    IKE_DROP_LIST(X)
#undef X
        IKE_DROP_COUNT
};

const char *ike_drop_name(enum ike_drop);
/** How to count a message that failed with this error. */
enum ike_drop drop_for(enum err);

/** What became of an ICMP "too big" (RFC 4301 §8.2). */
enum path_news {
    PATH_LOWERED,
    PATH_MALFORMED,     /* it cannot be read, or quotes no ESP packet */
    PATH_NO_SA,         /* quotes an SPI and addresses of none of our SAs */
    PATH_BELOW_MINIMUM, /* no path may be that narrow: 576 bytes, IPv6 1280 */
    PATH_NOT_SMALLER,   /* than what is known, or than the packet it quotes */
    PATH_RATE,          /* more of them than are looked at */
    PATH_IGNORED,       /* child.ignore_too_big */
    PATH_NEWS_COUNT
};

struct ike_counters {
    uint64_t requests_sent, responses_sent, retransmissions, responses_repeated, keepalives_sent;
    uint64_t requests_executed; /* each (SA, message ID) at most once: invariant I9 */
    uint64_t initiated, completed, failed;
    uint64_t installed; /* up without a handshake, counted at the initiator */
    uint64_t rekeys_ike, rekeys_child, dpd_failures, peer_moves;
    uint64_t collisions, collisions_ike; /* rekeys that met the peer's; of these, of IKE SAs */
    uint64_t reauthentications;          /* completed, counted at the caller */
    uint64_t moves;                      /* MOBIKE: updates of addresses done, at who moved */
    uint64_t moves_refused;              /* by us: not to be had, or through a NAT */
    uint64_t routability_failures;       /* a wrong COOKIE2 came back */
    uint64_t complaints_sent, complaints_heard;             /* INVALID_MESSAGE_ID, INVALID_SPI */
    uint64_t cookies_sent, cookies_accepted, cookies_wrong; /* asked for; come back, or not so */
    uint64_t tokens_shown, tokens_wrong, crashes_detected;  /* RFC 6290 */
    uint64_t windows_ignored; /* SET_WINDOW_SIZE of 0, or below what was announced before */
    uint64_t messages_fragmented, fragments_made; /* of ours; each is counted once */
    uint64_t fragments_heard, messages_joined;    /* authentic and kept; complete */
    uint64_t joining_expired, joining_replaced;   /* messages of which fragments were missing */
    uint64_t users_known, users_refused;          /* XAUTH, at who asks; refusals at either end */
    uint64_t addresses_given, addresses_short; /* Mode-Config, at who gives: asked for, none left */
    uint64_t dropped[IKE_DROP_COUNT];
    uint64_t esp_sealed, esp_opened;
    uint64_t esp_dropped_no_sa, esp_dropped_replay, esp_dropped_icv, esp_dropped_other;
    uint64_t esp_unsent_no_policy, esp_unsent_no_sa, esp_unsent_limit, esp_unsent_too_big;
    uint64_t esp_dummies_sent;
    uint64_t path_news[PATH_NEWS_COUNT];
    uint32_t half_open, half_open_peak, ike_sas, ike_sas_peak, child_sas, child_sas_peak;
};

struct ike_sa_info {
    uint64_t spi_i, spi_r;
    bool initiator, established, natt; /* natt: ESP goes in UDP */
    bool takes_more; /* in other child SAs, so the peer said (RFC 7296 §2.9): packets that find no
                        policy may ask for them (ike_endpoint_new_child_for) */
    bool mobike;     /* both ends do it */
    struct ip_endpoint local, remote;
    struct ike_suite suite;
    uint64_t key_fingerprint; /* keyed hash of SK_*: equal at both ends, reveals nothing (I2) */
    uint32_t children;
    nsec last_heard;
    uint32_t request_id, expected_id; /* lowest that is not answered, ours and the peer's */
    uint32_t next_id;                 /* of our next request; request_id if none is in flight */
    uint8_t state, in_flight; /* enum ike_state; enum exchange_kind of our request, KIND_NONE */
    bool acting;              /* a request of ours is in flight or waits for its turn */
    struct ip_addr inside; /* that one end was given by the other (Mode-Config); family 0: none */
    struct ip_addr inside_netmask, inside_dns; /* with it; of several DNS servers the first */
    nsec ends; /* at the latest; 0: once its delete is answered; NSEC_NEVER: no end is set */
};

struct child_sa_info {
    struct sa_ref ike;
    uint32_t spi_in, spi_out;
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    bool esn, transport, udp_encapsulated, current; /* current: used for sending */
    bool live; /* neither replaced, nor the loser of a collision, nor deleted */
    bool over; /* deleted, and receives only what was under way */
    nsec ends; /* as in struct ike_sa_info */
    uint64_t key_fingerprint_in, key_fingerprint_out; /* one end's in equals the other's out (I2) */
    uint64_t selectors_fingerprint_local, selectors_fingerprint_remote; /* mirrored at the peer */
    struct ip_endpoint local, remote; /* where ESP is sent from and to */
    uint16_t path_mtu;                /* outer bytes, as learnt; 0: nothing learnt */
    uint16_t inner_mtu; /* of a packet that fits through it and our own link; 0: neither is known */
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
};

/** What the two ends of a tunnel are compared by: less to read and to copy than all of it. */
struct ike_sa_gist {
    uint64_t spi_i, spi_r;
    nsec last_heard, ends; /* these and the others as in struct ike_sa_info */
    uint8_t state, in_flight;
    bool initiator, established, takes_more, acting;
};

struct child_sa_gist {
    uint32_t spi_in, spi_out;
    nsec ends; /* these and the others as in struct child_sa_info */
    bool live, over;
};

#endif
