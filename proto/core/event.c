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
