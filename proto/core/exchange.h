/*
 * Exchanges as data. A row says: an IKE SA in one of these states, asked or answered with this
 * kind of exchange and these payloads, is served by this handler and is then in that state. Rows
 * stand beside their handlers (in proto/ike); this file finds the row and is the one place that
 * moves the state of an IKE SA. tests/unit/test_exchange_rows.c proves the rows total, unambiguous
 * and cited.
 */
#ifndef PROTO_CORE_EXCHANGE_H
#define PROTO_CORE_EXCHANGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ike_sa;
struct step; /* one running step of an exchange; defined by each version's room */

/* X(symbol, name) */
#define IKE_STATE_LIST(X)                                                                          \
    X(NONE, "none")                 /* no SA, or one that is just being made */                    \
    X(SA_INIT_SENT, "sa_init_sent") /* initiator: first request is out */                          \
    X(SA_INIT_DONE, "sa_init_done") /* responder: answered, awaits IKE_AUTH */                     \
    X(AUTH_SENT, "auth_sent")       /* initiator: IKE_AUTH request is out */                       \
    X(AUTH_HELD, "auth_held")       /* the peer's IKE_AUTH waits for a look-up */                  \
    X(ESTABLISHED, "established")                                                                  \
    X(REKEYED, "rekeyed")   /* replaced by the peer's rekey; the peer deletes it */                \
    X(RIVAL, "rival")       /* made by the peer's rekey while ours is in flight, or lost */        \
    X(DELETING, "deleting") /* our delete is out */                                                \
    X(CLOSED, "closed")     /* over; only repeats its last response for a while */                 \
    /* Phase 1 of version 1, by what we have sent last */                                          \
    X(V1_ASKED, "v1_asked")                 /* initiator: 1 */                                     \
    X(V1_ANSWERED, "v1_answered")           /* responder: 2 */                                     \
    X(V1_KEYS_SENT, "v1_keys_sent")         /* initiator, Main Mode: 3 */                          \
    X(V1_KEYS_ANSWERED, "v1_keys_answered") /* responder, Main Mode: 4 */                          \
    X(V1_PROOF_SENT, "v1_proof_sent")       /* initiator, Main Mode: 5 */                          \
    X(V1_XAUTH, "v1_xauth")                 /* it is over, and the user is not known yet */

enum ike_state {
#define X(symbol, name) STATE_##symbol,
    IKE_STATE_LIST(X)
#undef X
        STATE_COUNT
};

/* What an exchange is about. CREATE_CHILD_SA and INFORMATIONAL are told apart by their payloads. */
#define EXCHANGE_KIND_LIST(X)                                                                      \
    X(NONE, "none")                                                                                \
    X(SA_INIT, "ike_sa_init")                                                                      \
    X(AUTH, "ike_auth")                                                                            \
    X(CHILD_NEW, "create_child")                                                                   \
    X(CHILD_REKEY, "rekey_child")                                                                  \
    X(IKE_REKEY, "rekey_ike")                                                                      \
    X(CHILD_DELETE, "delete_child")                                                                \
    X(IKE_DELETE, "delete_ike")                                                                    \
    X(LIVENESS, "liveness")                                                                        \
    X(MOVE, "move")                                                                                \
    X(MAIN, "main_mode")                                                                           \
    X(AGGRESSIVE, "aggressive_mode")                                                               \
    X(QUICK, "quick_mode")                                                                         \
    X(INFORMATIONAL, "informational")                                                              \
    X(TRANSACTION, "transaction")

enum exchange_kind {
#define X(symbol, name) KIND_##symbol,
    EXCHANGE_KIND_LIST(X)
#undef X
        KIND_COUNT
};

/* Those before are of IKEv2; states that both versions have are among them. */
enum { STATE_V2_COUNT = STATE_CLOSED + 1, KIND_V2_COUNT = KIND_MOVE + 1 };

/* Where in an exchange we are. */
#define EXCHANGE_ROLE_LIST(X)                                                                      \
    X(START, "start")         /* we create the request */                                          \
    X(ASKED, "asked")         /* we consume a request and create the response */                   \
    X(ANSWERED, "answered")   /* we consume the response to our request */                         \
    X(GIVEN_UP, "given_up")   /* our request was never answered */                                 \
    X(MADE, "made")           /* a new IKE SA comes out of a rekey and takes over */               \
    X(CONTENDED, "contended") /* a new IKE SA comes out of a rekey that collided */                \
    X(HELD, "held")           /* what we received waits for an answer of the driver */             \
    X(DECIDED, "decided")     /* the answer has come: we consume what was held */                  \
    X(CONFIRMED, "confirmed") /* version 1: the peer says that our answer has arrived */

enum exchange_role {
#define X(symbol, name) ROLE_##symbol,
    EXCHANGE_ROLE_LIST(X)
#undef X
        ROLE_COUNT
};

const char *ike_state_name(enum ike_state);
const char *exchange_kind_name(enum exchange_kind);
const char *exchange_role_name(enum exchange_role);

/**
 * Which payloads a message has: bit n is payload type 33 + n (RFC 7296 §3.2), and above them what
 * only the content of a Notify tells. In rows of version 1 bit n is payload type n; its modes judge
 * by sets of their own, as most payloads are known when a message is decrypted (proto/ikev1).
 */
typedef uint64_t payload_set;
#define PAYLOAD_BIT(type) (UINT64_C(1) << ((type)-33))
#define IS_CHILDLESS (UINT64_C(1) << 59) /* it answers an IKE_AUTH without a child: RFC 6023 §4 */
#define HAS_ERROR (UINT64_C(1) << 60)    /* an error Notify (type < 16384) */
#define HAS_REKEY_SA (UINT64_C(1) << 61) /* N(REKEY_SA) */
#define HAS_RIVAL (UINT64_C(1) << 62)    /* it collides with a rekey of ours: RFC 7296 §2.8.1 */

enum { STAY = 0xff }; /* in `to` and `failed`: the state it was in */

typedef enum err exchange_handler(struct step *);

struct exchange_row {
    uint8_t version;             /* major version of IKE */
    uint16_t from;               /* set of states: FROM(ESTABLISHED) | ... */
    uint8_t kind, role;          /* enum exchange_kind, enum exchange_role */
    payload_set needed, allowed; /* needed is part of allowed; both 0 where nothing is received */
    exchange_handler *handler;   /* NULL: refused */
    uint16_t refusal;    /* refused requests: the Notify that says so; 0: silently dropped */
    uint8_t to;          /* state after the handler returned OK */
    uint8_t failed;      /* state after it returned an error */
    const char *section; /* "RFC 7296 §1.3.2" */
};

#define FROM(symbol) ((uint16_t)(1u << STATE_##symbol))
#define EVERY_STATE ((uint16_t)((1u << STATE_V2_COUNT) - 1)) /* of IKEv2 */

/** All rows of a version: a list of each file's rows. */
struct exchange_table {
    const struct exchange_row *const *rows;
    const size_t *const *counts;
    size_t files;
    const uint16_t *kinds; /* of each file: the set of its rows' kinds; NULL: of any kind */
};

/** Row number `index` over all files, NULL behind the last: for printing and for tests. */
const struct exchange_row *exchange_row_at(const struct exchange_table *, size_t index);

struct exchange_match {
    enum ike_state state;
    enum exchange_kind kind;
    enum exchange_role role;
    payload_set payloads;
};

/**
 * The row that serves a message.
 * @retval NULL     none; *expected says whether the state has a row for this kind and role at all
 *                  (then the payloads are wrong: INVALID_SYNTAX)
 */
const struct exchange_row *exchange_find(const struct exchange_table *,
                                         const struct exchange_match *, bool *expected);

/** Move an IKE SA along a row. With the next two all that writes ike_sa.state. */
void exchange_move(struct ike_sa *, const struct exchange_row *, enum err result);

/** The IKE SA is established without any exchange (proto/install). No row needed. */
void exchange_install(struct ike_sa *);

/** The IKE SA is over, whatever it was doing: fatal error, hard lifetime, crash. No row needed. */
void exchange_close(struct ike_sa *);

/** Two rows with a message that both would serve, or a row that is not well formed. */
struct exchange_fault {
    const struct exchange_row *row, *other;
    const char *what;
};
/** Check rows one by one and in pairs. @return false and the first fault */
bool exchange_check(const struct exchange_table *, struct exchange_fault *fault);
/** Whether every state of IKEv2 has a row for every kind, in each role that a message or timer
 * brings. */
bool exchange_total(const struct exchange_table *, struct exchange_match *hole);

#endif
