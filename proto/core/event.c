#include "proto/core/event.h"

#include "base/assert.h"
#include "proto/core/sa.h"

const char *event_name(enum event_kind kind)
{
    static const char *const names[EVENT_COUNT] = {
#define X(symbol, name) [EVENT_##symbol] = name,
        EVENT_LIST(X)
#undef X
    };

    ASSERT((unsigned)kind < EVENT_COUNT);
    return names[kind];
}

const char *reason_name(enum sa_reason reason)
{
    static const char *const names[REASON_COUNT] = {
#define X(symbol, name) [REASON_##symbol] = name,
        REASON_LIST(X)
#undef X
    };

    ASSERT((unsigned)reason < REASON_COUNT);
    return names[reason];
}

const char *ike_timer_name(unsigned timer)
{
    static const char *const names[IKE_TIMER_COUNT] = {
        [TIMER_RETRANSMIT] = "retransmit", [TIMER_REKEY] = "rekey",
        [TIMER_EXPIRE] = "expire",         [TIMER_LIVENESS] = "liveness",
        [TIMER_KEEPALIVE] = "keepalive",   [TIMER_RETRY] = "retry",
    };

    ASSERT(timer < IKE_TIMER_COUNT);
    return names[timer];
}

const char *ike_drop_name(enum ike_drop drop)
{
    static const char *const names[IKE_DROP_COUNT] = {
#define X(symbol, name) [IKE_DROP_##symbol] = name,
        IKE_DROP_LIST(X)
#undef X
    };

    ASSERT((unsigned)drop < IKE_DROP_COUNT);
    return names[drop];
}

enum ike_drop drop_for(enum err e)
{
    switch (e) {
    case ERR_KEY_EXCHANGE:
        return IKE_DROP_KEY_EXCHANGE;
    case ERR_SIGNATURE:
        return IKE_DROP_AUTHENTICATION;
    case ERR_NO_PROPOSAL:
    case ERR_TS:
    case ERR_SINGLE_PAIR:
        return IKE_DROP_PROPOSAL;
    case ERR_FULL:
    case ERR_MEMORY:
    case ERR_SPACE:
        return IKE_DROP_LIMIT;
    case ERR_STATE:
    case ERR_NO_SA:
        return IKE_DROP_UNEXPECTED;
    case ERR_ICV:
        return IKE_DROP_ICV;
    case ERR_MESSAGE_ID:
    case ERR_REPLAY:
        return IKE_DROP_MESSAGE_ID;
    default:
        return IKE_DROP_SYNTAX;
    }
}
