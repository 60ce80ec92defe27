#include "dissect/fragments.h"

#include "proto/core/joining.h"

#include <stdlib.h>

/* What fragments of one message have in common. */
struct message_name {
    uint64_t spi_i, spi_r;
    uint32_t message_id;
    uint32_t interface;
    uint8_t flags;           /* of IKEv2 */
    uint16_t fragment_id;    /* of IKEv1; senders may give all messages one */
    struct ip_endpoint from; /* of IKEv1, whose header does not tell the direction */
};

struct held_piece {
    uint8_t *bytes; /* owned; NULL: not here yet */
    size_t len;
    struct text_source source;
};

struct held_message {
    bool taken;
    uint64_t age; /* of its first fragment: the smallest is the oldest */
    nsec begun;   /* the same as a time, where it is known */
    struct message_name name;
    uint8_t first_type;
    unsigned total, here;
    size_t len;
    struct held_piece pieces[SKF_FRAGMENTS_MAX];
};

_Static_assert((int)FRAGMENTS_MAX <= (int)SKF_FRAGMENTS_MAX, "both versions have their place");

struct fragment_store {
    uint64_t age;
    struct held_message messages[HELD_MESSAGES_MAX];
};

struct fragment_store *fragment_store_create(void)
{
    return calloc(1, sizeof(struct fragment_store));
}

static void forget(struct held_message *m)
{
    for (unsigned i = 0; i < m->total; i++) {
        if (m->pieces[i].bytes)
            wipe(m->pieces[i].bytes, m->pieces[i].len);
        free(m->pieces[i].bytes);
    }
    memset(m, 0, sizeof *m);
}

void fragment_store_destroy(struct fragment_store *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < HELD_MESSAGES_MAX; i++)
        forget(&s->messages[i]);
    free(s);
}

static bool same(const struct message_name *a, const struct message_name *b)
{
    return a->spi_i == b->spi_i && a->spi_r == b->spi_r && a->message_id == b->message_id &&
           a->interface == b->interface && a->flags == b->flags &&
           a->fragment_id == b->fragment_id && ip_endpoint_equal(&a->from, &b->from);
}

static struct held_message *find(struct fragment_store *s, const struct message_name *name)
{
    for (unsigned i = 0; i < HELD_MESSAGES_MAX; i++)
        if (s->messages[i].taken && same(&s->messages[i].name, name))
            return &s->messages[i];
    return NULL;
}

/* A free place, or that of the oldest. */
static struct held_message *take(struct fragment_store *s, const struct message_name *name,
                                 unsigned total)
{
    struct held_message *oldest = &s->messages[0];

    for (unsigned i = 1; i < HELD_MESSAGES_MAX; i++)
        if (s->messages[i].age < oldest->age)
            oldest = &s->messages[i];
    forget(oldest);
    oldest->taken = true;
    oldest->age = ++s->age;
    oldest->name = *name;
    oldest->total = total;
    return oldest;
}

static enum err add(struct held_message *m, unsigned number, struct bytes text,
                    const struct text_source *source)
{
    struct held_piece *piece = &m->pieces[number - 1];

    piece->bytes = malloc(text.len ? text.len : 1);
    if (!piece->bytes)
        return ERR_MEMORY;
    if (text.len > 0)
        memcpy(piece->bytes, text.data, text.len);
    piece->len = text.len;
    piece->source = *source;
    m->len += text.len;
    m->here++;
    return OK;
}

static enum err join(const struct held_message *m, struct arena *arena, struct whole_message *out)
{
    uint8_t *bytes = arena_take(arena, m->len ? m->len : 1);
    struct text_source *sources = arena_take(arena, m->total * sizeof *sources);
    size_t at = 0;

    if (!bytes || !sources)
        return ERR_MEMORY;
    for (unsigned i = 0; i < m->total; i++) {
        memcpy(bytes + at, m->pieces[i].bytes, m->pieces[i].len);
        at += m->pieces[i].len;
        sources[i] = m->pieces[i].source;
    }
    *out = (struct whole_message){bytes_of(bytes, at), sources, m->total, m->first_type};
    return OK;
}

/* ---- IKEv2 ---- */

bool fragments_join_skf(struct fragment_store *s, struct arena *arena, const struct skf_piece *p,
                        struct whole_message *out)
{
    const struct skf_fragment *f = &p->fragment;
    struct message_name name = {.spi_i = p->header->spi_i,
                                .spi_r = p->header->spi_r,
                                .message_id = p->header->message_id,
                                .interface = p->interface,
                                .flags = p->header->flags};
    struct held_message *m;
    bool done;

    if (f->total > SKF_FRAGMENTS_MAX)
        return false;
    m = find(s, &name);
    if (m && m->total != f->total) { /* RFC 7383 §2.6.1: fragmented anew, into another number */
        forget(m);
        m = NULL;
    }
    if (!m)
        m = take(s, &name, f->total);
    if (m->pieces[f->number - 1].bytes || add(m, f->number, p->text, &p->source))
        return false;
    if (f->number == 1)
        m->first_type = f->first_type;
    if (m->here < m->total)
        return false;
    done = join(m, arena, out) == OK;
    forget(m);
    return done;
}

/* ---- IKEv1 ---- */

static struct message_name v1_name(const struct v1_piece *p)
{
    return (struct message_name){.spi_i = p->header->spi_i,
                                 .spi_r = p->header->spi_r,
                                 .message_id = p->header->message_id,
                                 .interface = p->input->interface,
                                 .fragment_id = p->fragment.id,
                                 .from = p->input->src};
}

/* How many there are is told by the last one; until then `total` is as many as there may be. */
static bool contradicts(const struct held_message *m, const struct v1_fragment *f)
{
    const struct held_piece *piece = &m->pieces[f->number - 1];

    if (f->number > m->total)
        return true;
    for (unsigned i = f->number; f->last && i < m->total; i++)
        if (m->pieces[i].bytes)
            return true;
    return piece->bytes && (f->last != (f->number == m->total) ||
                            !bytes_equal(f->data, bytes_of(piece->bytes, piece->len)));
}

static bool over(const struct held_message *m, const struct dissect_input *in)
{
    return in->timed && nsec_add(m->begun, JOINING_TIME) <= in->at;
}

static struct held_message *begin(struct fragment_store *s, const struct v1_piece *p)
{
    struct message_name name = v1_name(p);
    struct held_message *m = take(s, &name, FRAGMENTS_MAX);

    m->begun = p->input->at;
    return m;
}

static enum err add_v1(struct held_message *m, const struct v1_piece *p)
{
    const struct v1_fragment *f = &p->fragment;
    enum err e = ERR_LENGTH;

    if (f->data.len <= MESSAGE_MAX - m->len)
        e = add(m, f->number, f->data, &p->source);
    if (e != OK) /* it can never be whole */
        forget(m);
    else if (f->last)
        m->total = f->number;
    return e;
}

/* What is inside is another message of the same IKE SA, and no fragment. */
static bool is_message_of(const struct ike_header *outer, struct bytes message)
{
    struct ike_header h;

    return header_read(message, &h) == OK && h.length == message.len && header_major(&h) == 1 &&
           h.spi_i == outer->spi_i && h.spi_r == outer->spi_r && !v1_fragment_is(&h);
}

static enum err join_v1(struct fragment_store *s, struct held_message *m, struct arena *arena,
                        const struct v1_piece *p, struct whole_message *out)
{
    const struct v1_fragment *f = &p->fragment;
    enum err e = join(m, arena, out);

    forget(m);
    if (e != OK || is_message_of(p->header, out->bytes))
        return e;
    out->count = 0;
    if (f->last && f->number == 1)
        return ERR_SYNTAX;
    e = add_v1(begin(s, p), p); /* they were of two messages: this one is of the later one */
    return e == OK ? ERR_SYNTAX : e;
}

enum err fragments_join_v1(struct fragment_store *s, struct arena *arena, const struct v1_piece *p,
                           struct whole_message *out)
{
    const struct v1_fragment *f = &p->fragment;
    struct message_name name = v1_name(p);
    struct held_message *m;
    enum err e;

    *out = (struct whole_message){.count = 0};
    if (f->number > FRAGMENTS_MAX || (f->number == FRAGMENTS_MAX && !f->last))
        return ERR_SPACE;
    m = find(s, &name);
    if (m && (over(m, p->input) || contradicts(m, f))) {
        forget(m);
        m = NULL;
    }
    if (m && m->pieces[f->number - 1].bytes)
        return OK;
    if (!m)
        m = begin(s, p);
    e = add_v1(m, p);
    return e == OK && m->here == m->total ? join_v1(s, m, arena, p, out) : e;
}
