#include "proto/ikev1/suite.h"

#include "base/assert.h"
#include "proto/wire/registry.h"
#include "proto/wire/v1_registry.h"

/* The hash whose HMAC this is; NULL: none that IKEv1 has a number for. */
static const struct hash_suite *hash_of(const struct prf_suite *prf)
{
    size_t count;
    const struct hash_suite *all = hash_suites(&count);

    for (size_t i = 0; i < count; i++)
        if (all[i].prf == prf && all[i].ikev1 != 0)
            return &all[i];
    return NULL;
}

/* ---- our combinations, in order of preference ---- */

struct combination {
    const struct proposal_config *ours;
    size_t count, at; /* proposals; which one */
    unsigned encr, prf, ke;
};

static bool next_index(struct combination *c)
{
    const struct proposal_config *p = &c->ours[c->at];

    if (++c->ke < p->ke_count)
        return true;
    c->ke = 0;
    if (++c->prf < p->prf_count)
        return true;
    c->prf = 0;
    if (++c->encr < p->encr_count)
        return true;
    c->encr = 0;
    return ++c->at < c->count;
}

/* What it stands for. @return false: IKEv1 cannot say it */
static bool combined(const struct combination *c, struct v1_suite *out)
{
    const struct proposal_config *p = &c->ours[c->at];

    if (c->encr >= p->encr_count || c->prf >= p->prf_count || c->ke >= p->ke_count)
        return false; /* of this kind the proposal has none */
    *out = (struct v1_suite){p->encr[c->encr], hash_of(p->prf[c->prf]), p->ke[c->ke], 0};
    return out->encr->iana == ENCR_AES_CBC && out->hash != NULL;
}

/* ---- attributes ---- */

static void write_attributes(struct writer *w, const struct v1_suite *s, const struct v1_terms *t)
{
    v1_attribute_write_number(w, V1_OAKLEY_ENCRYPTION_ALGORITHM, V1_ENCR_AES_CBC);
    v1_attribute_write_number(w, V1_OAKLEY_KEY_LENGTH, s->encr->key_bits);
    v1_attribute_write_number(w, V1_OAKLEY_HASH_ALGORITHM, s->hash->ikev1);
    v1_attribute_write_number(w, V1_OAKLEY_GROUP_DESCRIPTION, s->ke->iana);
    v1_attribute_write_number(w, V1_OAKLEY_AUTHENTICATION_METHOD, t->auth);
    if (t->life_s > 0) {
        v1_attribute_write_number(w, V1_OAKLEY_LIFE_TYPE, V1_LIFE_SECONDS);
        v1_attribute_write_number(w, V1_OAKLEY_LIFE_DURATION, t->life_s);
    }
}

struct said {
    uint32_t number[V1_OAKLEY_KEY_LENGTH + 1]; /* by type */
    uint32_t types;                            /* which of them were there */
    uint32_t life_s;
};

/* RFC 2409 appendix A: a duration belongs to the type before it, and there may be several pairs. */
static bool take_life(struct said *s, uint16_t type, uint32_t number)
{
    if (type == V1_OAKLEY_LIFE_TYPE) {
        s->number[type] = number;
        return number == V1_LIFE_SECONDS || number == V1_LIFE_KILOBYTES;
    }
    if (s->number[V1_OAKLEY_LIFE_TYPE] == V1_LIFE_SECONDS)
        s->life_s = number;
    return s->number[V1_OAKLEY_LIFE_TYPE] != 0;
}

/* @return false: it has something that we do not know, or something twice */
static bool take_attribute(struct said *s, const struct v1_attribute *a)
{
    uint32_t number;

    if (!v1_attribute_number(a, &number) || a->type > V1_OAKLEY_KEY_LENGTH)
        return false;
    switch (a->type) {
    case V1_OAKLEY_LIFE_TYPE:
    case V1_OAKLEY_LIFE_DURATION:
        return take_life(s, a->type, number);
    case V1_OAKLEY_ENCRYPTION_ALGORITHM:
    case V1_OAKLEY_HASH_ALGORITHM:
    case V1_OAKLEY_AUTHENTICATION_METHOD:
    case V1_OAKLEY_GROUP_DESCRIPTION:
    case V1_OAKLEY_KEY_LENGTH:
        if (s->types >> a->type & 1)
            return false;
        s->types |= 1u << a->type;
        s->number[a->type] = number;
        return number <= UINT16_MAX;
    default:
        return false;
    }
}

static uint16_t said(const struct said *s, enum v1_oakley_attribute type)
{
    return (uint16_t)s->number[type];
}

/* @return false: not acceptable, whatever our configuration is */
static bool read_attributes(struct bytes row, const struct v1_terms *terms, struct v1_suite *out)
{
    struct said s = {0};
    struct v1_attribute a;
    struct reader r;

    reader_init(&r, row);
    while (v1_attribute_next(&r, &a))
        if (!take_attribute(&s, &a))
            return false;
    *out = (struct v1_suite){
        .encr =
            encr_suite_v1(said(&s, V1_OAKLEY_ENCRYPTION_ALGORITHM), said(&s, V1_OAKLEY_KEY_LENGTH)),
        .hash = hash_suite(said(&s, V1_OAKLEY_HASH_ALGORITHM)),
        .ke = ke_suite(said(&s, V1_OAKLEY_GROUP_DESCRIPTION)),
        .life_s = s.life_s,
    };
    /* The smaller of both counts; 0 is none. */
    if (terms->life_s > 0 && (out->life_s == 0 || terms->life_s < out->life_s))
        out->life_s = terms->life_s;
    return out->encr && out->hash && out->ke &&
           said(&s, V1_OAKLEY_AUTHENTICATION_METHOD) == terms->auth;
}

/* ---- offering ---- */

/* One transform of the proposal that is being written. */
static void write_transform(struct writer *w, uint8_t number, bool more,
                            const struct v1_suite *suite, const struct v1_terms *terms)
{
    uint8_t *mark;

    writer_u8(w, more ? SA_MORE_TRANSFORMS : 0);
    writer_u8(w, 0);
    mark = writer_mark_u16(w);
    writer_u8(w, number);
    writer_u8(w, V1_KEY_IKE);
    writer_zeros(w, 2);
    write_attributes(w, suite, terms);
    writer_close_u16(w, mark, 4);
}

/* How many of our combinations can be said. */
static unsigned combinations(const struct proposal_config *ours, size_t count)
{
    struct combination c = {ours, count, 0, 0, 0, 0};
    struct v1_suite suite;
    unsigned found = 0;

    if (count > 0)
        do
            found += combined(&c, &suite);
        while (next_index(&c));
    return found;
}

enum err v1_offer_write(struct writer *w, const struct proposal_config *ours, size_t count,
                        const struct v1_terms *terms)
{
    struct combination c = {ours, count, 0, 0, 0, 0};
    unsigned total = combinations(ours, count), number = 0;
    struct v1_suite suite;
    uint8_t *mark;

    if (total == 0)
        return ERR_UNSUPPORTED;
    if (total > UINT8_MAX)
        return ERR_FULL;
    writer_u32(w, V1_DOI_IPSEC);
    writer_u32(w, V1_SITUATION_IDENTITY_ONLY);
    writer_zeros(w, 2); /* the last proposal | RESERVED */
    mark = writer_mark_u16(w);
    writer_u8(w, 1);
    writer_u8(w, V1_PROTOCOL_ISAKMP);
    writer_u8(w, 0); /* no SPI: RFC 2408 §2.4 has the cookies for it */
    writer_u8(w, (uint8_t)total);
    do {
        if (!combined(&c, &suite))
            continue;
        number++;
        write_transform(w, (uint8_t)number, number < total, &suite, terms);
    } while (next_index(&c));
    writer_close_u16(w, mark, 4);
    return writer_end(w);
}

/* ---- choosing ---- */

enum { NO_RANK = PROPOSALS_MAX * TRANSFORMS_MAX * TRANSFORMS_MAX * TRANSFORMS_MAX };

_Static_assert(TRANSFORMS_MAX == 8, "three bits of a rank for each kind");

/* The place of these algorithms among our combinations: the lower, the better; NO_RANK: nowhere.
 * Looked up by kind, so that work does not grow with what a peer offers times what we have. */
static unsigned rank_of(const struct proposal_config *ours, size_t count, const struct v1_suite *s)
{
    for (unsigned at = 0; at < count; at++) {
        const struct proposal_config *p = &ours[at];
        unsigned encr = 0, prf = 0, ke = 0;

        while (encr < p->encr_count && p->encr[encr] != s->encr)
            encr++;
        while (prf < p->prf_count && hash_of(p->prf[prf]) != s->hash)
            prf++;
        while (ke < p->ke_count && p->ke[ke] != s->ke)
            ke++;
        if (encr < p->encr_count && prf < p->prf_count && ke < p->ke_count)
            return ((at * 8 + encr) * 8 + prf) * 8 + ke;
    }
    return NO_RANK;
}

/* What has been found in an offer so far. */
struct search {
    const struct proposal_config *ours;
    size_t count;
    const struct v1_terms *terms;
    struct v1_choice *best;
    unsigned rank, proposals, transforms;
};

static enum err search_proposal(struct search *s, const struct sa_proposal *p)
{
    struct sa_transform_walk walk;
    struct v1_transform t;

    sa_transform_open(&walk, p);
    while (v1_transform_next(&walk, &t)) {
        struct v1_suite suite;
        unsigned rank;

        if (++s->transforms > SA_TRANSFORMS_MAX)
            return ERR_FULL;
        if (p->protocol != V1_PROTOCOL_ISAKMP || t.id != V1_KEY_IKE ||
            !read_attributes(t.attributes, s->terms, &suite))
            continue;
        rank = rank_of(s->ours, s->count, &suite);
        if (rank >= s->rank)
            continue;
        s->rank = rank;
        *s->best = (struct v1_choice){suite, *p, t};
    }
    return sa_transform_close(&walk);
}

/* The whole payload is read, whatever is found first. */
static enum err search_offer(struct search *s, struct bytes sa_body)
{
    struct v1_sa_walk walk;
    struct sa_proposal p;
    enum err e = OK;

    s->rank = NO_RANK;
    v1_sa_open(&walk, sa_body);
    while (e == OK && v1_sa_next(&walk, &p))
        e = ++s->proposals > SA_PROPOSALS_MAX ? ERR_FULL : search_proposal(s, &p);
    if (e == OK)
        e = v1_sa_close(&walk);
    if (e == OK && s->rank == NO_RANK)
        e = ERR_NO_PROPOSAL;
    return e;
}

enum err v1_offer_select(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                         const struct v1_terms *terms, struct v1_choice *out)
{
    struct search s = {.ours = ours, .count = count, .terms = terms, .best = out};

    return search_offer(&s, sa_body);
}

void v1_answer_write(struct writer *w, const struct v1_choice *choice)
{
    uint8_t *mark;

    writer_u32(w, V1_DOI_IPSEC);
    writer_u32(w, V1_SITUATION_IDENTITY_ONLY);
    writer_zeros(w, 2);
    mark = writer_mark_u16(w);
    writer_u8(w, choice->proposal.number);
    writer_u8(w, V1_PROTOCOL_ISAKMP);
    writer_u8(w, (uint8_t)choice->proposal.spi.len);
    writer_u8(w, 1);
    writer_bytes(w, choice->proposal.spi);
    writer_zeros(w, 2); /* the last transform | RESERVED */
    writer_u16(w, (uint16_t)(8 + choice->transform.attributes.len));
    writer_u8(w, choice->transform.number);
    writer_u8(w, choice->transform.id);
    writer_zeros(w, 2);
    writer_bytes(w, choice->transform.attributes);
    writer_close_u16(w, mark, 4);
}

enum err v1_answer_read(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                        const struct v1_terms *terms, struct v1_suite *out)
{
    struct v1_choice choice;
    struct search s = {.ours = ours, .count = count, .terms = terms, .best = &choice};
    enum err e = search_offer(&s, sa_body);

    if (e == OK && (s.proposals != 1 || s.transforms != 1))
        e = ERR_NO_PROPOSAL; /* RFC 2408 §4.2: one of each */
    if (e == OK)
        *out = choice.suite;
    return e;
}
