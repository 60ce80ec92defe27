#include "proto/ikev1/joining.h"

#include "base/digest.h"
#include "proto/ip/udp.h"
#include "proto/wire/payload.h"
#include "proto/wire/v1_message.h"

enum {
    FRAGMENT_LEN = HEADER_LEN + PAYLOAD_HEADER_LEN + 4, /* ID, number and flags */
    PIECE_MIN = 8,                                      /* however small the packets are to be */
};

/* ---- receive ---- */

static enum err drop(struct ike_endpoint *ep, enum ike_drop why, enum err e)
{
    drop_count(ep, why);
    return e;
}

/* Both have said that they join. What answers our first message may come in fragments before we
 * know what it says. */
static bool expected(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->fragments ||
           (sa->state == STATE_V1_ASKED && ep->store->config->fragmentation != FRAGMENTATION_NO);
}

/* The responder's is told by that same message. */
static bool cookies_fit(const struct ike_sa *sa, const struct ike_header *h)
{
    return h->spi_i == sa->spi_i &&
           (h->spi_r == sa->spi_r || (sa->state == STATE_V1_ASKED && sa->spi_r == 0));
}

/* One payload, and of the whole message only its header besides. */
static enum err read_piece(const struct ike_sa *sa, struct bytes message, struct ike_header *h,
                           struct v1_fragment *f)
{
    struct payload_view p = {.body = BYTES_NONE};
    struct reader r;
    enum err e = header_read(message, h);

    if (e != OK)
        return e;
    if (h->length != message.len)
        return ERR_LENGTH;
    if (header_major(h) != 1 || !cookies_fit(sa, h))
        return ERR_SYNTAX;
    reader_init(&r, bytes_of(message.data + HEADER_LEN, message.len - HEADER_LEN));
    if (payload_step(&r, h->next_payload, &p) != V1_PAYLOAD_NONE)
        reader_fail(&r, ERR_SYNTAX);
    e = reader_end(&r);
    return e == OK ? v1_fragment_read(p.body, f) : e;
}

/* Of the address where the peer is; ports do not count, as whoever holds it has them all. */
static uint32_t source_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct ip_endpoint remote = ike_sa_remote(ep, sa);

    return (uint32_t)digest_of(remote.addr.bytes, sizeof remote.addr.bytes,
                               ep->store->digest_key[0] + remote.addr.family + ep->scope) |
           1;
}

/* A sender may give all messages one ID, and fragments the message ID of what they are of. */
static struct joining_name name_of(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                   const struct ike_header *h, const struct v1_fragment *f)
{
    return (struct joining_name){.id = h->message_id ^ (uint32_t)f->id << 16,
                                 .source = source_of(ep, sa)};
}

static bool is_here(const struct joining *j, unsigned number)
{
    return j->numbers >> (number - 1) & 1;
}

/* How many there are is told by the last one; until then `total` is as many as there may be. */
static bool contradicts(const struct ike_endpoint *ep, const struct joining *j,
                        const struct v1_fragment *f)
{
    if (f->number > j->total)
        return true;
    if (f->last && f->number < FRAGMENTS_MAX && j->numbers >> f->number)
        return true; /* others are here that would be behind it */
    if (!is_here(j, f->number))
        return false;
    return f->last != (f->number == j->total) ||
           !bytes_equal(f->data, message_at(&ep->store->pieces, j->pieces[f->number - 1]));
}

static struct joining *begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                             struct joining_name name)
{
    bool crowded = joining_from(ep, name.source) >= V1_JOINING_MAX;
    struct joining *j;

    if (crowded && !joining_any(ep, sa))
        return NULL; /* they are of others, who were here before */
    j = joining_take(ep, now, sa, name, crowded ? 1 : V1_JOINING_MAX);
    if (j)
        j->total = FRAGMENTS_MAX;
    return j;
}

static enum err keep(struct ike_endpoint *ep, struct joining *j, const struct v1_fragment *f)
{
    enum err e = joining_add(ep, j, f->number, f->data);

    if (e == OK && f->last)
        j->total = f->number;
    if (e == OK)
        return OK;
    if (e == ERR_LENGTH || j->here == 0) /* it can never be whole, or it has nothing */
        joining_give(ep, j);
    return drop(ep, e == ERR_LENGTH ? IKE_DROP_FRAGMENT_TOO_MANY : IKE_DROP_FRAGMENT_LIMIT, e);
}

/* What is inside is another message of the same IKE SA, and no fragment. */
static enum err check_joined(const struct ike_header *outer, struct bytes message)
{
    struct ike_header h;

    if (header_read(message, &h) != OK || h.length != message.len || header_major(&h) != 1 ||
        h.spi_i != outer->spi_i || h.spi_r != outer->spi_r || v1_fragment_is(&h))
        return ERR_SYNTAX;
    return OK;
}

struct piece {
    struct ike_header header;
    struct v1_fragment fragment;
    struct joining_name name;
};

/* They were of two messages, whose sender gives all one ID: what came last is of the later one. */
static void begin_with_last(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                            const struct piece *p)
{
    const struct v1_fragment *f = &p->fragment;
    struct joining *j = f->last && f->number == 1 ? NULL : begin(ep, now, sa, p->name);

    if (!j)
        return;
    if (joining_add(ep, j, f->number, f->data))
        joining_give(ep, j);
    else if (f->last)
        j->total = f->number;
}

static enum err join(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, const struct piece *p,
                     struct v1_joined *out)
{
    struct joining *j = joining_of(ep, sa, p->name);
    size_t len = joining_join(ep, j, out->message);
    enum err e = check_joined(&p->header, bytes_of(out->message, len));

    joining_give(ep, j);
    if (e != OK) {
        begin_with_last(ep, now, sa, p);
        return drop(ep, IKE_DROP_FRAGMENT_MISMATCH, e);
    }
    ep->store->counters.messages_joined++;
    out->len = len;
    return OK;
}

/* Of the message that it belongs to what is here, NULL: nothing, or of another one. */
static struct joining *place_for(struct ike_endpoint *ep, const struct ike_sa *sa,
                                 const struct piece *p)
{
    struct joining *j = joining_of(ep, sa, p->name);

    if (!j || !contradicts(ep, j, &p->fragment))
        return j;
    ep->store->counters.joining_replaced++;
    joining_give(ep, j);
    return NULL;
}

enum err v1_fragment_take(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                          struct bytes message, struct v1_joined *joined)
{
    struct piece p = {.fragment = {.number = 0}};
    struct v1_fragment *f = &p.fragment;
    struct joining *j;
    enum err e;

    joined->len = 0;
    if (!expected(ep, sa))
        return drop(ep, IKE_DROP_FRAGMENT_UNEXPECTED, ERR_STATE);
    e = read_piece(sa, message, &p.header, f);
    if (e != OK)
        return drop(ep, IKE_DROP_FRAGMENT_MALFORMED, e);
    if (f->number > FRAGMENTS_MAX || (f->number == FRAGMENTS_MAX && !f->last))
        return drop(ep, IKE_DROP_FRAGMENT_TOO_MANY, ERR_SPACE);
    p.name = name_of(ep, sa, &p.header, f);
    j = place_for(ep, sa, &p);
    if (j && is_here(j, f->number))
        return drop(ep, IKE_DROP_FRAGMENT_DOUBLE, ERR_DUPLICATE);
    if (!j)
        j = begin(ep, now, sa, p.name);
    if (!j)
        return drop(ep, IKE_DROP_FRAGMENT_LIMIT, ERR_FULL);
    e = keep(ep, j, f);
    if (e != OK)
        return e;
    ep->store->counters.fragments_heard++;
    return j->here == j->total ? join(ep, now, sa, &p, joined) : OK;
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
    return udp_headroom(endpoint_pair_family(&sa->path)) + MESSAGE_MARKER;
}

static size_t piece_len(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    size_t around = outside(sa) + FRAGMENT_LEN, most = packet_max(ep->store->config);

    return most > around + PIECE_MIN ? most - around : PIECE_MIN;
}

static bool wanted(const struct ike_endpoint *ep, const struct ike_sa *sa, size_t len)
{
    const struct ike_config *c = ep->store->config;

    return sa->fragments && c->fragmentation == FRAGMENTATION_YES &&
           outside(sa) + len > packet_max(c) && len > piece_len(ep, sa);
}

static void write_piece(struct writer *all, const struct ike_header *h, const struct v1_fragment *f)
{
    struct ike_header own = *h;

    own.next_payload = V1_PAYLOAD_FRAGMENT;
    own.flags = 0;
    own.message_id = 0;
    own.length = (uint32_t)(FRAGMENT_LEN + f->data.len);
    if (own.exchange != V1_EXCHANGE_AGGRESSIVE)
        own.exchange = V1_EXCHANGE_MAIN;
    header_write(all, &own);
    writer_u8(all, V1_PAYLOAD_NONE);
    writer_u8(all, 0);
    writer_u16(all, (uint16_t)(PAYLOAD_HEADER_LEN + 4 + f->data.len));
    v1_fragment_write(all, f);
}

/* The same for the same message, as often as it is made, and likely another for another. */
static uint16_t id_of(struct bytes message)
{
    return (uint16_t)(digest_of(message.data, message.len, 0) | 1);
}

enum err v1_fragments_keep(struct ike_endpoint *ep, const struct ike_sa *sa, struct bytes message,
                           struct message_ref *out)
{
    size_t most = piece_len(ep, sa), count = (message.len + most - 1) / most;
    uint8_t storage[MESSAGE_MAX];
    struct ike_header h;
    struct writer all;
    uint16_t id;
    enum err e = header_read(message, &h);

    *out = (struct message_ref){0};
    if (e == OK && (v1_fragment_is(&h) || !wanted(ep, sa, message.len))) {
        e = message_keep(&ep->store->messages, message, out);
        out->split = e == OK && v1_fragment_is(&h);
        return e;
    }
    if (e == OK && count > FRAGMENTS_MAX)
        e = ERR_SPACE;
    if (e != OK)
        return e;
    id = id_of(message);
    writer_init(&all, storage, sizeof storage);
    for (size_t i = 0; i < count; i++) {
        size_t at = i * most, len = message.len - at < most ? message.len - at : most;
        struct v1_fragment f = {id, (uint8_t)(i + 1), i + 1 == count,
                                bytes_of(message.data + at, len)};

        if (i > 0)
            writer_zeros(&all, MESSAGE_MARKER);
        write_piece(&all, &h, &f);
    }
    e = writer_end(&all);
    if (e == OK)
        e = message_keep(&ep->store->messages, bytes_of(storage, writer_len(&all)), out);
    if (e != OK)
        return e;
    out->split = true;
    ep->store->counters.messages_fragmented++;
    ep->store->counters.fragments_made += count;
    return OK;
}
