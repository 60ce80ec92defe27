#include "proto/core/window.h"

#include "base/assert.h"
#include "proto/core/internal.h"

#include <stdlib.h>

/* ---- message IDs ---- */

/* §2.2: message IDs never wrap; an SA that comes near the end of them is replaced in time. */
#define ID_REKEY UINT32_C(0xffff0000)

void ike_id_next(struct ike_sa *sa, uint32_t *id)
{
    ASSERT(*id < UINT32_MAX);
    if (++*id == ID_REKEY)
        sa->wishes |= WISH_REKEY;
}

bool ike_ids_used_up(const struct ike_sa *sa)
{
    return sa->request_id == UINT32_MAX || sa->expected_id == UINT32_MAX;
}

/* ---- slots ---- */

enum err window_init(struct ike_store *s, uint32_t ikes)
{
    uint32_t size = window_size(s->config);

    if (size == 1)
        return OK;
    if (pool_init(&s->windows, sizeof(struct window), ikes) ||
        pool_init(&s->parked, sizeof(struct parked_exchange), ikes * (size - 1)) ||
        pool_init(&s->answered, sizeof(struct answered_request), ikes * size))
        return ERR_MEMORY;
    s->window_slots = malloc(ikes * sizeof *s->window_slots);
    return s->window_slots ? OK : ERR_MEMORY;
}

void window_reset(struct ike_store *s)
{
    pool_reset(&s->answered);
    pool_reset(&s->parked);
    pool_reset(&s->windows);
    free(s->window_slots);
}

struct window *window_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const uint32_t *slots = ep->store->window_slots;

    return slots ? pool_slot(&ep->store->windows, slots[ike_sa_index(ep, sa)]) : NULL;
}

struct window *window_take(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct window *w = window_of(ep, sa);
    struct handle h;

    if (w)
        return w;
    w = pool_take(&ep->store->windows, &h);
    ASSERT(w); /* as many as IKE SAs */
    *w = (struct window){.parked = SA_INDEX_NONE,
                         .answered = SA_INDEX_NONE,
                         .next_id = sa->request_id + (sa->in_flight != KIND_NONE)};
    ep->store->window_slots[ike_sa_index(ep, sa)] = h.index;
    return w;
}

/* ---- our requests ---- */

static struct parked_exchange *parked_at(const struct ike_endpoint *ep, uint32_t index)
{
    return index == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->parked, index);
}

static struct parked_exchange *first_parked(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct window *w = window_of(ep, sa);

    return w ? parked_at(ep, w->parked) : NULL;
}

unsigned flights_of(const struct ike_endpoint *ep, const struct ike_sa *sa, struct flight *all)
{
    const struct parked_exchange *p = first_parked(ep, sa);
    unsigned count = 0;

    if (sa->in_flight)
        all[count++] = (struct flight){(enum exchange_kind)sa->in_flight, sa->request_id,
                                       sa->handshake, sa->child};
    for (; p; p = parked_at(ep, p->next))
        all[count++] = (struct flight){(enum exchange_kind)p->kind, p->id, p->handshake, p->child};
    return count;
}

bool flight_of_kind(const struct ike_endpoint *ep, const struct ike_sa *sa, enum exchange_kind kind)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(ep, sa, all);

    for (unsigned i = 0; i < count; i++)
        if (all[i].kind == kind)
            return true;
    return false;
}

void flight_ids(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t *oldest,
                uint32_t *next)
{
    const struct window *w = window_of(ep, sa);
    const struct parked_exchange *p = first_parked(ep, sa);

    *oldest = *next = sa->request_id;
    if (!sa->in_flight)
        return;
    *oldest -= w ? w->forgotten : 0;
    *next = w ? w->next_id : sa->request_id + 1;
    for (; p; p = parked_at(ep, p->next))
        *oldest = p->id < *oldest ? p->id : *oldest;
}

/* §2.3: request X waits until all requests up to X - N have been answered. */
bool flight_room(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct window *w = window_of(ep, sa);
    uint32_t oldest, next, size = window_size(ep->store->config);

    if (!sa->in_flight)
        return true;
    flight_ids(ep, sa, &oldest, &next);
    if (!w || next == UINT32_MAX)
        return false;
    return next - oldest < (w->peer < size ? w->peer : size);
}

static struct parked_exchange from_record(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return (struct parked_exchange){.due = ike_timer_at(ep, sa, TIMER_RETRANSMIT),
                                    .request = sa->request,
                                    .child = sa->child,
                                    .handshake = sa->handshake,
                                    .id = sa->request_id,
                                    .tries = sa->tries,
                                    .kind = sa->in_flight,
                                    .send = sa->sends & SEND_REQUEST};
}

static void mark_sends(struct ike_endpoint *ep, struct ike_sa *sa)
{
    if (flight_to_send(ep, sa))
        outbox_add(ep, sa, SEND_PARKED);
    else
        outbox_cancel(ep, sa, SEND_PARKED);
}

static void into_record(struct ike_endpoint *ep, struct ike_sa *sa, const struct parked_exchange *p)
{
    sa->request = p->request;
    sa->child = p->child;
    sa->handshake = p->handshake;
    sa->request_id = p->id;
    sa->tries = p->tries;
    sa->in_flight = p->kind;
    if (p->send)
        outbox_add(ep, sa, SEND_REQUEST);
    else
        outbox_cancel(ep, sa, SEND_REQUEST);
    mark_sends(ep, sa);
    ike_timer_move(ep, sa, TIMER_RETRANSMIT, p->due);
}

void flight_park(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct window *w = window_of(ep, sa);
    struct parked_exchange free = {
        .due = NSEC_NEVER, .child = HANDLE_NONE, .handshake = SA_INDEX_NONE, .id = w->next_id};
    struct handle h;
    struct parked_exchange *p = pool_take(&ep->store->parked, &h);

    ASSERT(p && sa->in_flight); /* window - 1 of them for each IKE SA */
    *p = from_record(ep, sa);
    p->next = w->parked;
    w->parked = h.index;
    into_record(ep, sa, &free);
}

static struct parked_exchange unlink_parked(struct ike_endpoint *ep, struct window *w,
                                            uint32_t index)
{
    struct parked_exchange taken = *parked_at(ep, index);
    uint32_t *at = &w->parked;

    while (*at != index)
        at = &parked_at(ep, *at)->next;
    *at = taken.next;
    pool_give(&ep->store->parked, pool_handle(&ep->store->parked, index));
    return taken;
}

void flight_resume(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct window *w = window_of(ep, sa);
    uint32_t oldest = w->parked;
    struct parked_exchange taken;

    for (uint32_t at = oldest; at != SA_INDEX_NONE; at = parked_at(ep, at)->next)
        if (parked_at(ep, at)->id < parked_at(ep, oldest)->id)
            oldest = at;
    if (oldest == SA_INDEX_NONE) {
        sa->request_id = w->next_id;
        return;
    }
    taken = unlink_parked(ep, w, oldest);
    into_record(ep, sa, &taken);
}

bool flight_select(struct ike_endpoint *ep, struct ike_sa *sa, uint32_t id)
{
    struct parked_exchange *p = first_parked(ep, sa), taken;
    uint32_t next;

    if (sa->in_flight && sa->request_id == id)
        return true;
    while (p && p->id != id)
        p = parked_at(ep, p->next);
    if (!p)
        return false;
    taken = *p;
    next = p->next;
    *p = from_record(ep, sa);
    p->next = next;
    into_record(ep, sa, &taken);
    return true;
}

void flights_forget(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct window *w = window_of(ep, sa);
    uint32_t oldest, next;

    if (!w || w->parked == SA_INDEX_NONE)
        return;
    flight_ids(ep, sa, &oldest, &next);
    w->forgotten = (uint8_t)(sa->request_id - oldest);
    while (w->parked != SA_INDEX_NONE) {
        struct parked_exchange p = unlink_parked(ep, w, w->parked);

        timer_log_put(&ep->store->timer_log, &(struct timer_event){.news = TIMER_NEWS_CANCELLED,
                                                                   .timer = TIMER_RETRANSMIT,
                                                                   .child = SA_NONE,
                                                                   .spi_i = sa->spi_i,
                                                                   .deadline = p.due,
                                                                   .message_id = p.id,
                                                                   .transmission = p.tries,
                                                                   .request = p.kind});
        handshake_free(ep, p.handshake);
        message_drop(&ep->store->messages, &p.request);
    }
    outbox_cancel(ep, sa, SEND_PARKED);
    ike_timers_again(ep, sa);
}

struct parked_exchange *flight_to_send(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct parked_exchange *p = first_parked(ep, sa), *first = NULL;

    for (; p; p = parked_at(ep, p->next))
        if (p->send && (!first || p->id < first->id))
            first = p;
    return first;
}

nsec flight_due(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t *id)
{
    const struct parked_exchange *p = first_parked(ep, sa);
    nsec due = NSEC_NEVER;

    for (; p; p = parked_at(ep, p->next)) {
        if (p->due >= due)
            continue;
        due = p->due;
        *id = p->id;
    }
    return due;
}

/* ---- the peer's requests ---- */

/* §2.3: the window is one until the initial exchanges are complete. */
#define SETTLED (FROM(ESTABLISHED) | FROM(REKEYED) | FROM(RIVAL) | FROM(DELETING) | FROM(CLOSED))

uint32_t window_own(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct window *w = window_of(ep, sa);

    return w && w->own && SETTLED >> sa->state & 1 ? w->own : 1;
}

static struct answered_request *answer_at(const struct ike_endpoint *ep, uint32_t index)
{
    return index == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->answered, index);
}

const struct answered_request *answered_at(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                           uint32_t id)
{
    const struct window *w = window_of(ep, sa);
    const struct answered_request *a = w ? answer_at(ep, w->answered) : NULL;

    while (a && a->id != id)
        a = answer_at(ep, a->next);
    return a;
}

bool request_due(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t id)
{
    return id != UINT32_MAX && id >= sa->expected_id && id - sa->expected_id < window_own(ep, sa) &&
           !answered_at(ep, sa, id);
}

static void answer_add(struct ike_endpoint *ep, struct window *w, struct answered_request a)
{
    struct handle h;
    struct answered_request *slot = pool_take(&ep->store->answered, &h);

    ASSERT(slot); /* a window of them for each IKE SA */
    *slot = a;
    slot->next = w->answered;
    w->answered = h.index;
}

/* A peer that has sent request `newest` has the responses up to a window before it. */
static void drop_older(struct ike_endpoint *ep, struct window *w, uint32_t newest)
{
    uint32_t *at = &w->answered;

    while (*at != SA_INDEX_NONE) {
        uint32_t index = *at;
        struct answered_request *a = answer_at(ep, index);

        if (a->id >= newest || newest - a->id < w->own) {
            at = &a->next;
            continue;
        }
        *at = a->next;
        message_drop(&ep->store->messages, &a->response);
        pool_give(&ep->store->answered, pool_handle(&ep->store->answered, index));
    }
}

static uint32_t newest_of(const struct ike_endpoint *ep, const struct window *w, uint32_t id)
{
    const struct answered_request *a = answer_at(ep, w->answered);

    for (; a; a = answer_at(ep, a->next))
        id = a->id > id ? a->id : id;
    return id;
}

/* The last response from before the window is open is one of those that may be asked for. */
static void keep_first(struct ike_endpoint *ep, struct ike_sa *sa, struct window *w)
{
    if (message_none(sa->response))
        return;
    answer_add(ep, w,
               (struct answered_request){.response = sa->response,
                                         .id = sa->expected_id - 1,
                                         .digest = sa->request_digest});
    sa->response = (struct message_ref){0};
}

void request_answered(struct ike_endpoint *ep, struct ike_sa *sa, uint32_t id,
                      struct message_ref response, uint32_t digest)
{
    struct window *w = window_of(ep, sa);

    if (window_own(ep, sa) == 1) {
        message_drop(&ep->store->messages, &sa->response);
        sa->response = response;
        sa->request_digest = digest;
        ike_id_next(sa, &sa->expected_id);
        return;
    }
    keep_first(ep, sa, w);
    drop_older(ep, w, newest_of(ep, w, id));
    answer_add(ep, w, (struct answered_request){.response = response, .id = id, .digest = digest});
    while (answered_at(ep, sa, sa->expected_id))
        ike_id_next(sa, &sa->expected_id);
}

bool request_recall(struct ike_endpoint *ep, struct ike_sa *sa, uint32_t id, uint32_t digest)
{
    struct window *w = window_of(ep, sa);
    struct answered_request *a;
    uint32_t *at, index;

    if (!message_none(sa->response))
        return id + 1 == sa->expected_id && sa->request_digest == digest;
    if (!w)
        return false;
    for (at = &w->answered; *at != SA_INDEX_NONE && answer_at(ep, *at)->id != id;)
        at = &answer_at(ep, *at)->next;
    a = answer_at(ep, *at);
    if (!a || a->digest != digest)
        return false;
    index = *at;
    *at = a->next;
    a->next = w->answered;
    w->answered = index;
    return true;
}

bool request_digest(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t id,
                    uint32_t *digest)
{
    const struct answered_request *a = answered_at(ep, sa, id);

    if (!message_none(sa->response) && id + 1 == sa->expected_id)
        *digest = sa->request_digest;
    else if (a)
        *digest = a->digest;
    else
        return false;
    return true;
}

struct message_ref response_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct window *w = window_of(ep, sa);
    const struct answered_request *a = w ? answer_at(ep, w->answered) : NULL;

    return a ? a->response : sa->response;
}

void window_give(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct window *w = window_of(ep, sa);
    uint32_t *slot;

    if (!w)
        return;
    slot = &ep->store->window_slots[ike_sa_index(ep, sa)];
    flights_forget(ep, sa);
    while (w->answered != SA_INDEX_NONE) {
        uint32_t index = w->answered;
        struct answered_request *a = answer_at(ep, index);

        w->answered = a->next;
        message_drop(&ep->store->messages, &a->response);
        pool_give(&ep->store->answered, pool_handle(&ep->store->answered, index));
    }
    pool_give(&ep->store->windows, pool_handle(&ep->store->windows, *slot));
    *slot = SA_INDEX_NONE;
}
