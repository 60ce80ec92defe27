#include "proto/core/responses.h"

#include "proto/core/internal.h"

/* How many IKE SAs a call looks at, and how often each is looked at in the time it has. */
enum { LOOKS = 8, ROUNDS = 4 };

static nsec time_of(const struct ike_store *s)
{
    return s->config->response_time ? s->config->response_time : RESPONSE_TIME;
}

/* Before AUTH the response is what we prove to have said (RFC 7296 §2.15). */
static void look(struct ike_store *s, nsec now, struct ike_sa *sa)
{
    if (sa->state == STATE_ESTABLISHED && !message_none(sa->response) &&
        !(sa->sends & SEND_RESPONSE) && nsec_add(sa->last_sent, time_of(s)) <= now)
        message_drop(&s->messages, &sa->response);
}

/* Where the store is shared nobody's SAs depend on what its neighbours do. */
static void look_at_own(struct ike_endpoint *ep, nsec now)
{
    struct ike_store *s = ep->store;

    for (uint32_t i = ep->first; i != SA_INDEX_NONE; i = s->siblings.next[i])
        look(s, now, pool_slot(&s->ikes, i));
}

/* A few SAs are all looked at in each call; of many, the next few from time to time. */
static void look_at_some(struct ike_store *s, nsec now)
{
    uint32_t all = s->ikes.fresh, count = all < LOOKS ? all : LOOKS;

    if (all > LOOKS && now < s->responses_due)
        return;
    s->responses_due = nsec_add(now, time_of(s) / ROUNDS / (all / LOOKS + 1));
    while (count--) {
        struct ike_sa *sa;

        s->responses_at = s->responses_at + 1 < all ? s->responses_at + 1 : 0;
        sa = pool_slot(&s->ikes, s->responses_at);
        if (sa)
            look(s, now, sa);
    }
}

void responses_age(struct ike_endpoint *ep, nsec now)
{
    if (store_shared(ep->store))
        look_at_own(ep, now);
    else
        look_at_some(ep->store, now);
}
