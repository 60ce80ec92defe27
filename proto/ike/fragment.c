#include "proto/ike/fragment.h"

#include "proto/ike/message.h"
#include "proto/wire/skf.h"

enum {
    UDP_LEN = 8,
    SKF_LEN = PAYLOAD_HEADER_LEN + 4, /* generic header, number, total */
    PIECE_MIN = 8,                    /* however small the packets are to be */
};

/* ---- IKE_SA_INIT ---- */

void fragments_announce(struct step *s)
{
    const struct ike_config *c = s->ep->store->config;

    if (c->fragmentation != FRAGMENTATION_NO && (s->sa->initiator || s->sa->fragments))
        notify_add(s->out, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, BYTES_NONE);
}

void fragments_agree(struct step *s)
{
    struct notify_payload n;

    s->sa->fragments = s->ep->store->config->fragmentation != FRAGMENTATION_NO &&
                       notify_find(s->in, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, &n);
}

/* ---- send ---- */

static size_t packet_max(const struct ike_config *c)
{
    return c->fragment_size ? c->fragment_size : FRAGMENT_SIZE;
}

/* What is around an IKE message in an IP packet. The marker always counts: what is kept may be sent
 * again from port 4500. */
static size_t outside(const struct ike_sa *sa)
{
    return (endpoint_pair_family(&sa->path) == 6 ? 40 : 20) + UDP_LEN + MESSAGE_MARKER;
}

static size_t padded(const struct sk_sizes *sizes, size_t text)
{
    return (text / sizes->block_len + 1) * sizes->block_len; /* with the Pad Length */
}

/* Octets of the message that one fragment carries: §2.5.1. */
static size_t piece_len(const struct ike_endpoint *ep, const struct ike_sa *sa,
                        const struct sk_sizes *sizes)
{
    size_t around = outside(sa) + HEADER_LEN + SKF_LEN + sizes->iv_len + sizes->icv_len;
    size_t most = packet_max(ep->store->config);
    size_t room = most > around ? (most - around) / sizes->block_len * sizes->block_len : 0;

    return room > PIECE_MIN ? room - 1 : PIECE_MIN;
}

static struct bytes text_of(const struct message_writer *w)
{
    const uint8_t *text = w->sk_iv + w->iv_len;

    return bytes_of(text, (size_t)(w->w.at - text));
}

bool fragments_wanted(const struct ike_endpoint *ep, const struct ike_sa *sa,
                      const struct message_writer *w)
{
    struct sk_sizes sizes = ike_sk_sizes(sa->suite);
    size_t text, len;

    if (!sa->fragments || ep->store->config->fragmentation != FRAGMENTATION_YES || w->w.error != OK)
        return false;
    text = text_of(w).len;
    len = (size_t)(w->sk_iv - w->w.start) + sizes.iv_len + padded(&sizes, text) + sizes.icv_len;
    return outside(sa) + len > packet_max(ep->store->config) && text > piece_len(ep, sa, &sizes);
}

/* One fragment with an IV and ICV of its own: its header is that of the message (§2.5). */
static enum err make_one(struct ike_endpoint *ep, struct ike_sa *sa, const struct ike_header *h,
                         const struct skf_fragment *f, struct bytes piece, struct writer *out)
{
    struct sk_sizes sizes = ike_sk_sizes(sa->suite);
    struct buf room = {out->at, 0, (size_t)(out->end - out->at)};
    struct message_writer w;
    struct bytes made;
    enum err e;

    message_begin(&w, room, h);
    skf_begin(&w, &sizes, f);
    writer_bytes(&w.w, piece);
    e = ike_message_seal(ep, sa, &w, &made);
    if (e == OK)
        out->at += made.len;
    return e;
}

enum err fragments_make(struct ike_endpoint *ep, struct ike_sa *sa, const struct message_writer *w,
                        struct message_ref *out)
{
    struct sk_sizes sizes = ike_sk_sizes(sa->suite);
    struct bytes text = text_of(w);
    size_t most = piece_len(ep, sa, &sizes), count = (text.len + most - 1) / most;
    uint8_t storage[MESSAGE_MAX];
    struct writer all;
    struct ike_header h;
    enum err e = header_read(bytes_of(w->w.start, HEADER_LEN), &h);

    writer_init(&all, storage, sizeof storage);
    *out = (struct message_ref){0};
    if (e == OK && count > FRAGMENTS_MAX)
        e = ERR_SPACE;
    for (size_t i = 0; i < count && e == OK; i++) {
        size_t at = i * most, len = text.len - at < most ? text.len - at : most;
        struct skf_fragment f = {.number = (uint16_t)(i + 1),
                                 .total = (uint16_t)count,
                                 .first_type = i == 0 ? w->sk[0] : PAYLOAD_NONE};

        if (i > 0)
            writer_zeros(&all, MESSAGE_MARKER);
        e = all.error ? all.error : make_one(ep, sa, &h, &f, bytes_of(text.data + at, len), &all);
    }
    if (e == OK)
        e = message_keep(&ep->store->messages, bytes_of(storage, (size_t)(all.at - storage)), out);
    if (e)
        return e;
    out->split = true;
    ep->store->counters.messages_fragmented++;
    ep->store->counters.fragments_made += count;
    return OK;
}

/* ---- receive ---- */

bool fragment_is(const struct message_view *view)
{
    return view->count > 0 && view->payloads[view->count - 1].type == PAYLOAD_SKF;
}

static enum err drop(struct step *s, enum ike_drop why, enum err e)
{
    drop_count(s->ep, why);
    return e;
}

static struct joining_name name_of(const struct message_view *view)
{
    return (struct joining_name){.id = view->header.message_id,
                                 .response = header_is_response(&view->header)};
}

/* What can be told before anything is opened. */
static enum err judge(struct step *s, const struct joining *j, const struct message_view *view,
                      const struct skf_fragment *f)
{
    if (f->total < j->total) /* cut before the others, which are smaller: §2.6 */
        return drop(s, IKE_DROP_FRAGMENT_STALE, ERR_STATE);
    if (view->header.exchange != j->exchange)
        return drop(s, IKE_DROP_FRAGMENT_MISMATCH, ERR_SYNTAX);
    if (f->total == j->total && j->numbers >> (f->number - 1) & 1)
        return drop(s, IKE_DROP_FRAGMENT_DOUBLE, ERR_DUPLICATE);
    return OK;
}

/* As many messages as may be on their way to us at once: RFC 7296 §2.3. */
static unsigned joining_most(const struct step *s, bool response)
{
    struct flight all[WINDOW_MAX];

    return response ? flights_of(s->ep, s->sa, all) : window_own(s->ep, s->sa);
}

static struct joining *begin(struct step *s, const struct message_view *view,
                             const struct skf_fragment *f)
{
    struct joining_name name = name_of(view);
    struct joining *j = joining_take(s->ep, s->now, s->sa, name, joining_most(s, name.response));

    if (!j)
        return NULL;
    j->exchange = view->header.exchange;
    j->total = (uint8_t)f->total;
    return j;
}

/* Where an authentic fragment belongs. One of more fragments than before begins anew: its sender
 * makes them smaller (§2.6). */
static struct joining *place_for(struct step *s, struct joining *j, const struct message_view *view,
                                 const struct skf_fragment *f)
{
    if (j && f->total == j->total)
        return j;
    if (j) {
        s->ep->store->counters.joining_replaced++;
        joining_give(s->ep, j);
    }
    return begin(s, view, f);
}

static enum err keep(struct step *s, struct joining *j, unsigned number, struct bytes text)
{
    enum err e = joining_add(s->ep, j, number, text);

    if (e == OK)
        return OK;
    if (e == ERR_LENGTH || j->here == 0) /* it can never be whole, or it has nothing */
        joining_give(s->ep, j);
    return drop(s, e == ERR_LENGTH ? IKE_DROP_FRAGMENT_TOO_MANY : IKE_DROP_FRAGMENT_LIMIT, e);
}

static enum err join(struct step *s, struct joining *j, const struct message_view *view,
                     struct joined *out)
{
    size_t len = joining_join(s->ep, j, out->text);
    enum err e = payload_chain_read(bytes_of(out->text, len), j->first_type, &out->inner);

    meter_work(s->ep, METER_PAYLOAD_PARSED, len);
    out->inner.header = view->header;
    out->digest = j->digest;
    if (e == OK && j->unsupported) { /* RFC 7296 §2.5, RFC 7383 §2.5.3: beside fragment 1 */
        out->inner.unsupported = j->unsupported;
        e = ERR_CRITICAL;
    }
    s->ep->store->counters.messages_joined++;
    joining_give(s->ep, j);
    return e;
}

static enum err open_one(struct step *s, struct sk_area *area, struct bytes *text)
{
    enum err e = ike_area_open(s->ep, s->sa, area);

    if (e)
        return drop(s, IKE_DROP_FRAGMENT_ICV, e);
    e = sk_strip(area, text);
    return e ? drop(s, IKE_DROP_FRAGMENT_MALFORMED, e) : OK;
}

enum err fragment_take(struct step *s, const struct message_view *view, uint32_t digest,
                       struct joined *out, bool *complete)
{
    struct joining *j = joining_of(s->ep, s->sa, name_of(view));
    struct sk_sizes sizes;
    struct skf_fragment f;
    struct sk_area area;
    struct bytes text;
    enum err e;

    *complete = false;
    if (!s->sa->fragments)
        return drop(s, IKE_DROP_FRAGMENT_UNEXPECTED, ERR_STATE);
    sizes = ike_sk_sizes(s->sa->suite);
    e = skf_read(view, &sizes, &f, &area);
    if (e)
        return drop(s, IKE_DROP_FRAGMENT_MALFORMED, e);
    if (f.total > FRAGMENTS_MAX)
        return drop(s, IKE_DROP_FRAGMENT_TOO_MANY, ERR_SPACE);
    if (j)
        e = judge(s, j, view, &f);
    if (e == OK)
        e = open_one(s, &area, &text);
    if (e)
        return e;
    j = place_for(s, j, view, &f);
    if (!j)
        return drop(s, IKE_DROP_FRAGMENT_LIMIT, ERR_MEMORY);
    e = keep(s, j, f.number, text);
    if (e)
        return e;
    s->ep->store->counters.fragments_heard++;
    if (f.number == 1) {
        j->digest = digest;
        j->first_type = f.first_type;
        j->unsupported = view->unsupported;
    }
    *complete = j->here == j->total;
    return *complete ? join(s, j, view, out) : OK;
}

void fragments_moot(struct step *s)
{
    struct joining *j = joining_of(s->ep, s->sa, name_of(s->outer));

    if (!j)
        return;
    s->ep->store->counters.joining_replaced++;
    joining_give(s->ep, j);
}

bool fragment_asks_again(struct step *s, const struct message_view *view)
{
    uint32_t id = view->header.message_id, digest;
    struct sk_sizes sizes;
    struct skf_fragment f;
    struct sk_area area;

    if (!s->sa->fragments || !fragment_is(view) || s->sa->state == STATE_CLOSED)
        return false; /* the keys of one that is closed are wiped */
    sizes = ike_sk_sizes(s->sa->suite);
    return request_digest(s->ep, s->sa, id, &digest) && skf_read(view, &sizes, &f, &area) == OK &&
           f.number == 1 && ike_area_open(s->ep, s->sa, &area) == OK &&
           request_recall(s->ep, s->sa, id, digest);
}
