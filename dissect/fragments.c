#include "dissect/fragments.h"

#include <stdlib.h>

struct held_piece {
    uint8_t *bytes; /* owned; NULL: not here yet */
    size_t len;
    struct text_source source;
};

struct held_message {
    bool taken;
    uint64_t age; /* of its first fragment: the smallest is the oldest */
    uint64_t spi_i, spi_r;
    uint32_t message_id;
    uint32_t interface;
    uint8_t flags;
    uint8_t first_type;
    unsigned total, here;
    size_t len;
    struct held_piece pieces[SKF_FRAGMENTS_MAX];
};

struct skf_store {
    uint64_t age;
    struct held_message messages[SKF_MESSAGES_MAX];
};

struct skf_store *skf_store_create(void)
{
    return calloc(1, sizeof(struct skf_store));
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

void skf_store_destroy(struct skf_store *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < SKF_MESSAGES_MAX; i++)
        forget(&s->messages[i]);
    free(s);
}

static bool same(const struct held_message *m, const struct skf_piece *p)
{
    const struct ike_header *h = p->header;

    return m->taken && m->spi_i == h->spi_i && m->spi_r == h->spi_r &&
           m->message_id == h->message_id && m->flags == h->flags && m->interface == p->interface;
}

/* Its own place, a free one, or that of the oldest. */
static struct held_message *place_for(struct skf_store *s, const struct skf_piece *p)
{
    struct held_message *oldest = &s->messages[0];

    for (unsigned i = 0; i < SKF_MESSAGES_MAX; i++) {
        struct held_message *m = &s->messages[i];

        if (same(m, p) && m->total == p->fragment.total)
            return m;
        if (same(m, p)) {
            oldest = m; /* RFC 7383 §2.6.1: fragmented anew, into another number */
            break;
        }
        if (m->age < oldest->age)
            oldest = m;
    }
    forget(oldest);
    *oldest = (struct held_message){.taken = true,
                                    .age = ++s->age,
                                    .spi_i = p->header->spi_i,
                                    .spi_r = p->header->spi_r,
                                    .message_id = p->header->message_id,
                                    .interface = p->interface,
                                    .flags = p->header->flags,
                                    .total = p->fragment.total};
    return oldest;
}

static bool join(const struct held_message *m, struct arena *arena, struct skf_whole *out)
{
    uint8_t *chain = arena_take(arena, m->len ? m->len : 1);
    struct text_source *sources = arena_take(arena, m->total * sizeof *sources);
    size_t at = 0;

    if (!chain || !sources)
        return false;
    for (unsigned i = 0; i < m->total; i++) {
        memcpy(chain + at, m->pieces[i].bytes, m->pieces[i].len);
        at += m->pieces[i].len;
        sources[i] = m->pieces[i].source;
    }
    *out = (struct skf_whole){bytes_of(chain, at), sources, m->total, m->first_type};
    return true;
}

bool skf_store_add(struct skf_store *s, struct arena *arena, const struct skf_piece *p,
                   struct skf_whole *out)
{
    struct held_piece *piece;
    struct held_message *m;
    bool done;

    if (p->fragment.total > SKF_FRAGMENTS_MAX)
        return false;
    m = place_for(s, p);
    piece = &m->pieces[p->fragment.number - 1];
    if (piece->bytes)
        return false;
    piece->bytes = malloc(p->text.len ? p->text.len : 1);
    if (!piece->bytes)
        return false;
    if (p->text.len > 0)
        memcpy(piece->bytes, p->text.data, p->text.len);
    piece->len = p->text.len;
    piece->source = p->source;
    if (p->fragment.number == 1)
        m->first_type = p->fragment.first_type;
    m->len += p->text.len;
    if (++m->here < m->total)
        return false;
    done = join(m, arena, out);
    forget(m);
    return done;
}
