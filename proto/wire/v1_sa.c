#include "proto/wire/v1_sa.h"

#include "base/assert.h"
#include "proto/wire/v1_registry.h"

enum { LAST = 0 };

/* RFC 2408 §3.4, RFC 2407 §4.6.1: DOI (32) | Situation (32) | proposals */
void v1_sa_open(struct v1_sa_walk *walk, struct bytes body)
{
    struct reader *r = &walk->proposals.r;

    *walk = (struct v1_sa_walk){0};
    reader_init(r, body);
    walk->doi = reader_u32(r);
    walk->situation = reader_u32(r);
    /* RFC 2407 §4.2: the other situations put labels here, which nobody sends. */
    if (r->error == OK &&
        (walk->doi != V1_DOI_IPSEC || walk->situation != V1_SITUATION_IDENTITY_ONLY))
        reader_fail(r, ERR_UNSUPPORTED);
    if (r->error == OK && reader_left(r) == 0)
        reader_fail(r, ERR_SYNTAX); /* RFC 2408 §3.4: one or more proposals */
}

static bool spi_size_allowed(uint8_t protocol, size_t size)
{
    switch (protocol) {
    case V1_PROTOCOL_ISAKMP:
        return size <= V1_SPI_MAX;
    case V1_PROTOCOL_AH:
    case V1_PROTOCOL_ESP:
        return size == 4;
    case V1_PROTOCOL_IPCOMP: /* RFC 3173 §4.1: a CPI, or a CPI as an SPI */
        return size == 2 || size == 4;
    default:
        return size <= V1_SPI_MAX;
    }
}

/* RFC 2408 §3.5: ... | Proposal # (8) | Protocol-Id (8) | SPI Size (8) | # of Transforms (8) |
 * SPI | transforms */
bool v1_sa_next(struct v1_sa_walk *walk, struct sa_proposal *p)
{
    struct reader *r = &walk->proposals.r;
    const uint8_t *head = r->at;
    struct reader sub;
    size_t spi_size;

    *p = (struct sa_proposal){0};
    if (walk->proposals.last || r->error != OK)
        return false;
    sub = sa_substructure(r, SA_MORE_PROPOSALS, &walk->proposals.last);
    p->number = reader_u8(&sub);
    p->protocol = reader_u8(&sub);
    spi_size = reader_u8(&sub);
    p->transform_count = reader_u8(&sub);
    p->spi = reader_bytes(&sub, spi_size);
    p->transforms = reader_rest(&sub);
    if (sub.error != OK)
        reader_fail(r, sub.error == ERR_TRUNCATED ? ERR_LENGTH : sub.error);
    else if (head[1] != 0 || p->transform_count == 0 || !spi_size_allowed(p->protocol, spi_size))
        reader_fail(r, ERR_SYNTAX);
    return r->error == OK;
}

enum err v1_sa_close(const struct v1_sa_walk *walk)
{
    return sa_close(&walk->proposals);
}

/* RFC 2408 §3.6: ... | Transform # (8) | Transform-Id (8) | RESERVED2 (16) | attributes */
bool v1_transform_next(struct sa_transform_walk *walk, struct v1_transform *t)
{
    struct reader *r = &walk->r;
    const uint8_t *head = r->at;
    struct reader sub;
    uint16_t reserved;
    enum err e;

    *t = (struct v1_transform){0};
    if (walk->last || r->error != OK)
        return false;
    if (reader_left(r) == 0) {
        reader_fail(r, ERR_SYNTAX); /* the proposal's count lies */
        return false;
    }
    sub = sa_substructure(r, SA_MORE_TRANSFORMS, &walk->last);
    t->number = reader_u8(&sub);
    t->id = reader_u8(&sub);
    reserved = reader_u16(&sub);
    t->attributes = reader_rest(&sub);
    e = sub.error == OK ? v1_attributes_check(t->attributes) : sub.error;
    if (e != OK)
        reader_fail(r, e == ERR_TRUNCATED ? ERR_LENGTH : e);
    else if (head[1] != 0 || reserved != 0)
        reader_fail(r, ERR_SYNTAX);
    else if (walk->left-- == 0 || (walk->last && walk->left != 0))
        reader_fail(r, ERR_SYNTAX); /* so it does here */
    return r->error == OK;
}

static enum err read_transforms(struct v1_sa_payload *sa, const struct sa_proposal *p)
{
    struct sa_transform_walk walk;
    struct v1_transform t;

    sa_transform_open(&walk, p);
    while (v1_transform_next(&walk, &t)) {
        if (sa->transform_total == SA_TRANSFORMS_MAX)
            return ERR_FULL;
        sa->transforms[sa->transform_total++] = t;
    }
    return sa_transform_close(&walk);
}

enum err v1_sa_read(struct bytes body, struct v1_sa_payload *sa)
{
    struct v1_sa_walk walk;
    struct sa_proposal p;

    v1_sa_init(sa);
    v1_sa_open(&walk, body);
    while (v1_sa_next(&walk, &p)) {
        enum err e;

        if (sa->count == SA_PROPOSALS_MAX)
            return ERR_FULL;
        sa->first[sa->count] = (uint16_t)sa->transform_total;
        sa->proposals[sa->count++] = p;
        e = read_transforms(sa, &p);
        if (e != OK)
            return e;
    }
    return v1_sa_close(&walk);
}

void v1_sa_init(struct v1_sa_payload *sa)
{
    sa->count = sa->transform_total = 0;
}

enum err v1_sa_add_proposal(struct v1_sa_payload *sa, uint8_t number, uint8_t protocol,
                            struct bytes spi)
{
    ASSERT(spi.len <= V1_SPI_MAX);
    if (sa->count == SA_PROPOSALS_MAX)
        return ERR_FULL;
    sa->first[sa->count] = (uint16_t)sa->transform_total;
    sa->proposals[sa->count++] =
        (struct sa_proposal){.number = number, .protocol = protocol, .spi = spi};
    return OK;
}

enum err v1_sa_add_transform(struct v1_sa_payload *sa, uint8_t number, uint8_t id,
                             struct bytes attributes)
{
    ASSERT(sa->count > 0);
    if (sa->transform_total == SA_TRANSFORMS_MAX ||
        sa->proposals[sa->count - 1].transform_count == UINT8_MAX)
        return ERR_FULL;
    sa->transforms[sa->transform_total++] = (struct v1_transform){number, id, attributes};
    sa->proposals[sa->count - 1].transform_count++;
    return OK;
}

static void write_transform(struct writer *w, const struct v1_transform *t, bool last)
{
    uint8_t *mark;

    writer_u8(w, last ? LAST : SA_MORE_TRANSFORMS);
    writer_u8(w, 0);
    mark = writer_mark_u16(w);
    writer_u8(w, t->number);
    writer_u8(w, t->id);
    writer_zeros(w, 2);
    writer_bytes(w, t->attributes);
    writer_close_u16(w, mark, 4);
}

static void write_proposal(struct writer *w, const struct v1_sa_payload *sa, unsigned i)
{
    const struct sa_proposal *p = &sa->proposals[i];
    uint8_t *mark;

    writer_u8(w, i + 1 == sa->count ? LAST : SA_MORE_PROPOSALS);
    writer_u8(w, 0);
    mark = writer_mark_u16(w);
    writer_u8(w, p->number);
    writer_u8(w, p->protocol);
    writer_u8(w, (uint8_t)p->spi.len);
    writer_u8(w, p->transform_count);
    writer_bytes(w, p->spi);
    for (unsigned t = 0; t < p->transform_count; t++)
        write_transform(w, &sa->transforms[sa->first[i] + t], t + 1 == p->transform_count);
    writer_close_u16(w, mark, 4);
}

void v1_sa_write(struct writer *w, const struct v1_sa_payload *sa)
{
    writer_u32(w, V1_DOI_IPSEC);
    writer_u32(w, V1_SITUATION_IDENTITY_ONLY);
    for (unsigned i = 0; i < sa->count; i++)
        write_proposal(w, sa, i);
}
