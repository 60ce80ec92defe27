/*
 * Messages of a pair (pair.h) as an authentic peer that gets one thing wrong would send them:
 * opened, changed, sealed again with the keys of the first IKE SA of each end.
 */
#ifndef TESTS_EDIT_H
#define TESTS_EDIT_H

#include "pair.h"
#include "proto/core/internal.h"
#include "proto/ike/message.h"

/* What is changed about the payloads of one type. */
struct edit {
    uint8_t type;
    enum { DOUBLE, LEAVE_OUT, REPLACE, PATCH, ADD, REVERSE } how;
    struct bytes with; /* REPLACE, ADD (at the end); REVERSE: the order of all, whatever type */
    size_t at;         /* PATCH: these octets at this place of the body */
};

static inline struct ike_sa *first_sa(struct ike_endpoint *ep)
{
    struct ike_sa *sa = NULL;

    for (uint32_t i = 0; i < ep->store->ikes.fresh && !sa; i++)
        sa = pool_slot(&ep->store->ikes, i);
    ck_assert_ptr_nonnull(sa);
    return sa;
}

static inline void put(struct message_writer *w, uint8_t type, struct bytes body)
{
    writer_bytes(payload_begin(w, type), body);
    payload_end(w);
}

static inline void put_edited(struct message_writer *w, const struct payload_view *v,
                              const struct edit *e)
{
    uint8_t body[1024];

    if (v->type != e->type || e->how == DOUBLE || e->how == ADD || e->how == REVERSE)
        put(w, v->type, v->body);
    if (v->type != e->type || e->how == LEAVE_OUT || e->how == ADD || e->how == REVERSE)
        return;
    if (e->how == DOUBLE) {
        put(w, v->type, v->body);
    } else if (e->how == REPLACE) {
        put(w, v->type, e->with);
    } else {
        ck_assert_uint_le(v->body.len, sizeof body);
        memcpy(body, v->body.data, v->body.len);
        memcpy(body + e->at, e->with.data, e->with.len);
        put(w, v->type, bytes_of(body, v->body.len));
    }
}

/* On port 4500 a marker stands before it (RFC 7296 §2.23). */
static inline size_t marker_of(const struct wire_message *m)
{
    return m->dgram.local.port == IKE_NATT_PORT ? MESSAGE_MARKER : 0;
}

static inline void take_place(struct wire_message *m, struct bytes message)
{
    memcpy(m->data + marker_of(m), message.data, message.len);
    m->dgram.len = marker_of(m) + message.len;
}

/* Open the message with the receiver's keys, change it, seal it with the sender's. */
static inline void rewrite(struct pair *p, int from, struct wire_message *m, const struct edit *e)
{
    struct ike_endpoint *ep = p->end[from], *to = p->end[1 - from];
    struct message_view outer, inner;
    struct message_start start;
    struct message_writer w;
    struct message_ref kept;
    struct bytes message;
    uint8_t storage[MESSAGE_MAX];
    bool authentic;

    ck_assert_ok(
        message_read(bytes_of(m->data + marker_of(m), m->dgram.len - marker_of(m)), &outer));
    start = (struct message_start){outer.header.exchange, outer.header.message_id,
                                   header_is_response(&outer.header),
                                   outer.header.exchange == EXCHANGE_IKE_SA_INIT};
    inner = outer;
    if (!start.clear)
        ck_assert_ok(ike_message_open(to, first_sa(to), &outer, &inner, &authentic));
    ike_message_begin(&w, (struct buf){storage, 0, sizeof storage}, first_sa(ep), &start);
    for (unsigned i = 0; i < inner.count; i++)
        put_edited(&w, &inner.payloads[e->how == REVERSE ? inner.count - 1 - i : i], e);
    if (e->how == ADD)
        put(&w, e->type, e->with);
    ck_assert_ok(ike_message_finish(ep, first_sa(ep), &w, start.clear, &kept));
    message = message_at(&ep->store->messages, kept);
    take_place(m, message);
    message_drop(&ep->store->messages, &kept);
}

static inline enum err hand_over_edited(struct pair *p, int from, const struct edit *e)
{
    struct wire_message m = wire_take(p, from, 0);

    rewrite(p, from, &m, e);
    return deliver(p, from, &m);
}

/** Put another message of the same sender into `m`: what `fill` writes, under the header `start`.
 */
static inline void forge(struct pair *p, int from, const struct message_start *start,
                         void (*fill)(struct message_writer *), struct wire_message *m)
{
    struct ike_endpoint *ep = p->end[from];
    struct message_writer w;
    struct message_ref kept;
    struct bytes message;
    uint8_t storage[MESSAGE_MAX];

    ike_message_begin(&w, (struct buf){storage, 0, sizeof storage}, first_sa(ep), start);
    fill(&w);
    ck_assert_ok(ike_message_finish(ep, first_sa(ep), &w, start->clear, &kept));
    message = message_at(&ep->store->messages, kept);
    take_place(m, message);
    message_drop(&ep->store->messages, &kept);
}

static inline void put_critical(struct message_writer *w)
{
    writer_bytes(payload_begin(w, 200), bytes_text("unheard of"));
    payload_critical(w);
    payload_end(w);
}

#endif
