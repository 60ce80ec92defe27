/*
 * What follows phase 1 of remote access: the user behind it is known by name and password (XAUTH,
 * draft-beaulieu-ike-xauth-02), and is given an address inside (Mode-Config,
 * draft-dukes-ike-mode-cfg-02). Both sides, sans-IO as main_mode.h. The gateway asks who the user
 * is, the user asks for an address, or the gateway gives one unasked. Of XAUTH's types the generic
 * one is there, not RADIUS-CHAP, OTP and S/KEY; of its attributes not those of tokens and PINs.
 */
#ifndef PROTO_IKEV1_CONFIG_H
#define PROTO_IKEV1_CONFIG_H

#include "proto/core/credential.h"
#include "proto/ikev1/phase1_message.h"
#include "proto/ikev1/transaction.h"

enum v1_access_sizes {
    V1_DNS_MAX = 4,         /* more are passed by */
    V1_ASKED_MAX = 8,       /* times that a user lets itself be asked under one SA */
    V1_USER_TEXT_MAX = 255, /* octets of a name or password */
    V1_ACCESS_SEEN = 32,    /* exchanges under one SA besides the last of each side */
};

/* X(symbol, name) */
#define V1_ACCESS_LIST(X)                                                                          \
    X(UNKNOWN, "unknown") /* nothing was said of the user yet */                                   \
    X(ASKED, "asked")     /* gateway: who are you? */                                              \
    X(TOLD, "told")       /* user: name and password */                                            \
    X(JUDGED, "judged")   /* gateway: the verdict is out */                                        \
    X(KNOWN, "known")     /* or nobody has to be */                                                \
    X(REFUSED, "refused") /* the SA is to be deleted, and everything under it */

enum v1_access_state {
#define X(symbol, name) V1_ACCESS_##symbol,
    V1_ACCESS_LIST(X)
#undef X
        V1_ACCESS_COUNT
};

const char *v1_access_state_name(enum v1_access_state);

/* X(symbol, name): why a user is refused, to be counted */
#define V1_REFUSAL_LIST(X)                                                                         \
    X(NONE, "none")                                                                                \
    X(WRONG, "wrong")             /* no such name with this password, as often as we listen */     \
    X(GAVE_UP, "gave_up")         /* the user said FAIL instead of a name */                       \
    X(UNSUPPORTED, "unsupported") /* asked for a token, a PIN, a hash of a challenge */            \
    X(TOO_OFTEN, "too_often")     /* asked more than V1_ASKED_MAX times */

enum v1_refusal {
#define X(symbol, name) V1_REFUSAL_##symbol,
    V1_REFUSAL_LIST(X)
#undef X
        V1_REFUSAL_COUNT
};

const char *v1_refusal_name(enum v1_refusal);

/** An address inside, and what goes with it. Families: of `address` 4 or 6; 0: there is none. */
struct v1_internal {
    struct ip_addr address;
    struct ip_addr netmask; /* IPv4 only */
    struct ip_addr dns[V1_DNS_MAX];
    uint8_t dns_count;
};

/** What it is given; borrowed. */
struct v1_access_env {
    struct v1_established sa;
    const struct xauth_config *xauth;
    const struct v1_internal *internal; /* gateway: for the peer; NULL: nothing */
    bool gives;                         /* from a pool, so it is given nothing itself */
};

struct v1_access {
    struct v1_access_env env;
    enum v1_access_state state;
    enum v1_refusal refusal;
    bool passed;                   /* the user is known, also while it is asked again */
    const struct xauth_user *user; /* gateway: who it is, once passed */
    unsigned asked;                /* gateway: wrong answers; user: times that it was asked */
    bool granted, lacked; /* gateway: an address was asked for and given; and there was none */
    bool configured;      /* user: `internal` has an address that was given to us */
    struct v1_internal internal;   /* user */
    unsigned passed_by;            /* attributes of Mode-Config that meant nothing to us */
    struct v1_transaction ours;    /* the exchange that we began last */
    struct v1_transaction theirs;  /* and the peer */
    uint32_t seen[V1_ACCESS_SEEN]; /* message IDs of all exchanges before */
    unsigned seen_count;
};

/** A message of the peer's whose HASH is right; views into it. */
struct v1_access_opened {
    struct v1_transaction t; /* after it */
    struct v1_config in;
    bool answers; /* an exchange of ours; else the peer begins one */
};

/** Where nobody has to be known (XAUTH_NONE) the state is KNOWN at once. */
void v1_access_init(struct v1_access *, const struct v1_access_env *);
/** Wipes everything. */
void v1_access_reset(struct v1_access *);

/** Whether other exchanges than this and Informational may be under the SA
 * (draft-beaulieu-ike-xauth-02 section 6). */
static inline bool v1_access_known(const struct v1_access *a)
{
    return a->passed && a->state != V1_ACCESS_REFUSED;
}

/**
 * Begin an exchange. As gateway: ask who the user is, at first or again.
 * @param message_id  random, not 0, not used before under this SA
 * @retval ERR_FULL   there were as many as can be remembered
 * @retval ERR_STATE  one of ours is not over yet, or it is not ours to begin
 * @retval ERR_SPACE, ERR_CRYPTO  nothing has changed
 */
enum err v1_access_ask_user(struct v1_access *, uint32_t message_id, struct buf out,
                            struct bytes *message) MUST_USE;
/** As user: ask for an address, netmask and DNS servers. */
enum err v1_access_ask_address(struct v1_access *, uint32_t message_id, struct buf out,
                               struct bytes *message) MUST_USE;
/** As gateway: give what is in `env.internal` unasked. */
enum err v1_access_give(struct v1_access *, uint32_t message_id, struct buf out,
                        struct bytes *message) MUST_USE;

/**
 * Open a message of a Transaction exchange under this SA and judge its HASH: before that anybody
 * may have written it. Its bytes are decrypted in place. Each is opened once: what answered one
 * that comes again is the caller's to know.
 * @retval ERR_REPLAY      it was taken before, or is of an exchange that is over
 * @retval ERR_FULL        there were as many exchanges as can be remembered
 * @retval others          as v1_transaction_read
 */
enum err v1_access_open(const struct v1_access *, struct bytes datagram,
                        struct v1_access_opened *) MUST_USE;
/**
 * Take what was opened. On error nothing has changed.
 * @param fresh_id     as message_id above: of the exchange that we begin in answer, if we do
 * @param[out] message what is to be sent. It is retransmitted where its message ID is fresh_id
 * @retval ERR_STATE       not to be said now: before the user is known, or once it is refused
 * @retval ERR_FULL, ERR_SPACE, ERR_CRYPTO
 */
enum err v1_access_take(struct v1_access *, const struct v1_access_opened *, uint32_t fresh_id,
                        struct buf out, struct bytes *message) MUST_USE;

#endif
