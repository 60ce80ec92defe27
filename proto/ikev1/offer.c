#include "proto/ikev1/offer.h"

#include "proto/wire/v1_attribute.h"
#include "proto/wire/v1_registry.h"

struct search {
    v1_rank *rank;
    const void *context;
    struct v1_offered *best;
    unsigned lowest;
};

static enum err search_proposal(struct search *s, const struct sa_proposal *p, bool alone)
{
    struct sa_transform_walk walk;
    struct v1_transform t;

    sa_transform_open(&walk, p);
    while (v1_transform_next(&walk, &t)) {
        unsigned rank;

        if (++s->best->transforms > SA_TRANSFORMS_MAX)
            return ERR_FULL;
        rank = alone ? s->rank(s->context, p, &t) : V1_NO_RANK;
        if (rank >= s->lowest)
            continue;
        s->lowest = rank;
        s->best->proposal = *p;
        s->best->transform = t;
    }
    return sa_transform_close(&walk);
}

/* How often each number is there. */
static enum err count_numbers(struct bytes sa_body, uint8_t times[UINT8_MAX + 1])
{
    struct v1_sa_walk walk;
    struct sa_proposal p;
    unsigned count = 0;

    v1_sa_open(&walk, sa_body);
    while (v1_sa_next(&walk, &p)) {
        if (++count > SA_PROPOSALS_MAX)
            return ERR_FULL;
        times[p.number]++;
    }
    return v1_sa_close(&walk);
}

enum err v1_offer_search(struct bytes sa_body, v1_rank *rank, const void *context,
                         struct v1_offered *out)
{
    struct search s = {rank, context, out, V1_NO_RANK};
    uint8_t times[UINT8_MAX + 1] = {0};
    enum err e = count_numbers(sa_body, times);
    struct v1_sa_walk walk;
    struct sa_proposal p;

    *out = (struct v1_offered){0};
    v1_sa_open(&walk, sa_body);
    while (e == OK && v1_sa_next(&walk, &p)) {
        out->proposals++;
        e = search_proposal(&s, &p, times[p.number] == 1);
    }
    return e == OK && s.lowest == V1_NO_RANK ? ERR_NO_PROPOSAL : e;
}

uint8_t *v1_proposal_begin(struct writer *w, uint8_t protocol, struct bytes spi, uint8_t transforms)
{
    uint8_t *mark;

    writer_u32(w, V1_DOI_IPSEC);
    writer_u32(w, V1_SITUATION_IDENTITY_ONLY);
    writer_zeros(w, 2); /* the last proposal | RESERVED */
    mark = writer_mark_u16(w);
    writer_u8(w, 1);
    writer_u8(w, protocol);
    writer_u8(w, (uint8_t)spi.len);
    writer_u8(w, transforms);
    writer_bytes(w, spi);
    return mark;
}

void v1_proposal_end(struct writer *w, uint8_t *mark)
{
    writer_close_u16(w, mark, 4);
}

uint8_t *v1_transform_begin(struct writer *w, unsigned number, unsigned total, uint8_t id)
{
    uint8_t *mark;

    writer_u8(w, number < total ? SA_MORE_TRANSFORMS : 0);
    writer_u8(w, 0);
    mark = writer_mark_u16(w);
    writer_u8(w, (uint8_t)number);
    writer_u8(w, id);
    writer_zeros(w, 2);
    return mark;
}

void v1_transform_end(struct writer *w, uint8_t *mark)
{
    writer_close_u16(w, mark, 4);
}

static bool take_attribute(struct v1_row *s, const struct v1_row_kind *of,
                           const struct v1_attribute *a)
{
    uint32_t number, bit;

    if (!v1_attribute_number(a, &number) || a->type >= V1_ROW_TYPES)
        return false;
    if (a->type == of->life_type) {
        s->number[a->type] = number;
        return number == V1_LIFE_SECONDS || number == V1_LIFE_KILOBYTES;
    }
    if (a->type == of->life_duration) {
        s->life[s->number[of->life_type]] = number;
        return s->number[of->life_type] != 0;
    }
    bit = UINT32_C(1) << a->type;
    if (!(of->once & bit) || (s->types & bit))
        return false;
    s->types |= bit;
    s->number[a->type] = number;
    return number > 0 && number <= UINT16_MAX;
}

bool v1_row_read(struct bytes attributes, const struct v1_row_kind *of, struct v1_row *out)
{
    struct v1_attribute a;
    struct reader r;

    *out = (struct v1_row){.types = 0};
    reader_init(&r, attributes);
    while (v1_attribute_next(&r, &a))
        if (!take_attribute(out, of, &a))
            return false;
    return true;
}

void v1_life_write(struct writer *w, const struct v1_row_kind *of, unsigned type, uint32_t duration)
{
    if (duration == 0)
        return;
    v1_attribute_write_number(w, of->life_type, type);
    v1_attribute_write_number(w, of->life_duration, duration);
}

void v1_offered_write(struct writer *w, const struct v1_offered *o, struct bytes spi)
{
    uint8_t *number = w->at, *proposal, *transform;

    proposal = v1_proposal_begin(w, o->proposal.protocol, spi, 1);
    if (w->error == OK)
        number[12] = o->proposal.number;
    transform = v1_transform_begin(w, o->transform.number, o->transform.number, o->transform.id);
    writer_bytes(w, o->transform.attributes);
    v1_transform_end(w, transform);
    v1_proposal_end(w, proposal);
}
