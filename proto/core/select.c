#include "proto/core/select.h"

/* What one offered proposal has of ours: what we do not have in common is passed by, and so an
 * implicit IV is never chosen that was not proposed (RFC 8750 §6). */
struct common {
    const struct proposal_config *ours;
    const struct select_terms *terms;
    uint32_t encr, integ, prf, ke; /* sets of our alternatives, by index */
    bool integ_none, integ_other;  /* NONE was there; something besides NONE was there */
    bool ke_none, ke_other;
    bool esn_yes, esn_no, esn_any;
    bool unknown_type;
    uint8_t types[TRANSFORM_ESN + 1]; /* transforms per type */
};

static void match_encr(struct common *c, const struct sa_transform *t)
{
    for (uint8_t i = 0; i < c->ours->encr_count; i++)
        if (c->ours->encr[i]->iana == t->id && c->ours->encr[i]->key_bits == t->key_bits)
            c->encr |= 1u << i;
}

static void match_prf(struct common *c, const struct sa_transform *t)
{
    for (uint8_t i = 0; i < c->ours->prf_count; i++)
        if (c->ours->prf[i]->iana == t->id)
            c->prf |= 1u << i;
}

static void match_integ(struct common *c, const struct sa_transform *t)
{
    c->integ_none |= t->id == INTEG_NONE;
    c->integ_other |= t->id != INTEG_NONE;
    for (uint8_t i = 0; i < c->ours->integ_count; i++)
        if (c->ours->integ[i]->iana == t->id)
            c->integ |= 1u << i;
}

static void match_ke(struct common *c, const struct sa_transform *t)
{
    c->ke_none |= t->id == KE_GROUP_NONE;
    c->ke_other |= t->id != KE_GROUP_NONE;
    for (uint8_t i = 0; i < c->ours->ke_count; i++)
        if (c->ours->ke[i]->iana == t->id)
            c->ke |= 1u << i;
}

static void match_esn(struct common *c, const struct sa_transform *t)
{
    c->esn_any = true;
    c->esn_yes |= t->id == ESN_YES;
    c->esn_no |= t->id == ESN_NONE;
}

static void match_transform(struct common *c, const struct sa_transform *t)
{
    bool ike = c->terms->protocol == SA_PROTOCOL_IKE;

    if (t->type == 0 || t->type > TRANSFORM_ESN ||
        t->type == (ike ? TRANSFORM_ESN : TRANSFORM_PRF)) {
        c->unknown_type = true; /* §3.3.6: the whole proposal is unacceptable */
        return;
    }
    c->types[t->type]++;
    if (t->attributes.len)
        return; /* §3.3.6: an attribute we do not understand makes the transform unacceptable */
    if (t->type == TRANSFORM_ENCR)
        match_encr(c, t);
    else if (t->key_bits)
        return; /* only ciphers have a key length here */
    else if (t->type == TRANSFORM_PRF)
        match_prf(c, t);
    else if (t->type == TRANSFORM_INTEG)
        match_integ(c, t);
    else if (t->type == TRANSFORM_KE)
        match_ke(c, t);
    else
        match_esn(c, t);
}

static int first_of(uint32_t set)
{
    return __builtin_ctz(set);
}

/* AEAD: INTEG must be absent or have NONE (RFC 5282 §8); others need one of ours. */
static bool choose_integ(const struct common *c, struct selection *out)
{
    if (out->encr->aead)
        return !c->integ_other || c->integ_none;
    if (!c->integ)
        return false;
    out->integ = c->ours->integ[first_of(c->integ)];
    return true;
}

static bool choose_ke(const struct common *c, struct selection *out)
{
    if (c->terms->no_ke || !c->ours->ke_count)
        return !c->ke_other || c->ke_none;
    if (!c->ke)
        return false;
    out->ke = c->ours->ke[first_of(c->ke)];
    for (uint8_t i = 0; i < c->ours->ke_count; i++)
        if (c->ke >> i & 1 && c->ours->ke[i]->iana == c->terms->ke_group)
            out->ke = c->ours->ke[i]; /* spares a round trip with INVALID_KE_PAYLOAD */
    return true;
}

static bool choose_esn(const struct common *c, struct selection *out)
{
    /* A proposal without the transform means no ESN: RFC 7296 §3.3.2 has it as the default. */
    out->esn = c->ours->esn && c->esn_yes;
    return out->esn || (c->ours->no_esn && (c->esn_no || !c->esn_any));
}

static bool choose(const struct common *c, struct selection *out)
{
    if (c->unknown_type || !c->encr)
        return false;
    out->encr = c->ours->encr[first_of(c->encr)];
    if (!choose_integ(c, out) || !choose_ke(c, out))
        return false;
    if (c->terms->protocol == SA_PROTOCOL_ESP)
        return choose_esn(c, out);
    if (!c->prf)
        return false;
    out->prf = c->ours->prf[first_of(c->prf)];
    return true;
}

/* Meet one offered proposal with one of ours. */
static bool meet(const struct proposal_config *ours, const struct sa_proposal *theirs,
                 const struct select_terms *terms, struct selection *out, struct common *c)
{
    struct sa_transform_walk walk;
    struct sa_transform t;

    *c = (struct common){.ours = ours, .terms = terms};
    *out = (struct selection){.number = theirs->number, .spi = theirs->spi};
    if (theirs->protocol != terms->protocol || theirs->spi.len != terms->spi_size)
        return false;
    sa_transform_open(&walk, theirs);
    while (sa_transform_next(&walk, &t))
        match_transform(c, &t);
    return sa_transform_close(&walk) == OK && choose(c, out);
}

/* The whole payload is looked at before anything of it is used. */
static enum err check_syntax(struct bytes body, size_t *count)
{
    struct sa_walk walk;
    struct sa_proposal p;

    *count = 0;
    sa_open(&walk, body);
    while (sa_next(&walk, &p)) {
        struct sa_transform_walk transforms;
        struct sa_transform t;
        enum err e;

        sa_transform_open(&transforms, &p);
        while (sa_transform_next(&transforms, &t))
            ;
        e = sa_transform_close(&transforms);
        if (e)
            return e;
        (*count)++;
    }
    return sa_close(&walk);
}

enum err select_offer(const struct proposal_config *ours, size_t count, struct bytes body,
                      const struct select_terms *terms, struct selection *out)
{
    size_t offered;
    enum err e = check_syntax(body, &offered);

    for (size_t i = 0; e == OK && i < count; i++) {
        struct sa_walk walk;
        struct sa_proposal p;
        struct common c;

        sa_open(&walk, body);
        while (sa_next(&walk, &p))
            if (meet(&ours[i], &p, terms, out, &c))
                return OK;
    }
    return e ? e : ERR_NO_PROPOSAL;
}

static bool one_of_each(const struct common *c)
{
    for (int type = 1; type <= TRANSFORM_ESN; type++)
        if (c->types[type] > 1)
            return false;
    return true;
}

enum err select_answer(const struct proposal_config *ours, size_t count, struct bytes body,
                       const struct select_terms *terms, struct selection *out)
{
    struct sa_walk walk;
    struct sa_proposal p;
    struct common c;
    size_t answered;
    enum err e = check_syntax(body, &answered);

    if (e)
        return e;
    sa_open(&walk, body);
    if (answered != 1 || !sa_next(&walk, &p) || p.number == 0 || p.number > count)
        return ERR_NO_PROPOSAL;
    if (!meet(&ours[p.number - 1], &p, terms, out, &c) || !one_of_each(&c))
        return ERR_NO_PROPOSAL;
    return OK;
}

/* ---- writing ---- */

/* An SA payload in the making; the first error sticks. */
struct builder {
    struct sa_payload sa;
    enum err error;
};

static void begin(struct builder *b)
{
    sa_init(&b->sa);
    b->error = OK;
}

static void add_proposal(struct builder *b, uint8_t number, uint8_t protocol, struct bytes spi)
{
    if (!b->error)
        b->error = sa_add_proposal(&b->sa, number, protocol, spi);
}

static void add(struct builder *b, enum transform_type type, uint16_t id, uint16_t key_bits)
{
    if (!b->error)
        b->error = sa_add_transform(&b->sa, type, id, key_bits);
}

static void add_esn(struct builder *b, bool esn, bool no_esn)
{
    if (esn)
        add(b, TRANSFORM_ESN, ESN_YES, 0);
    if (no_esn)
        add(b, TRANSFORM_ESN, ESN_NONE, 0);
}

static void finish(struct builder *b, struct writer *w)
{
    if (!b->error)
        sa_write(w, &b->sa);
    else if (!w->error)
        w->error = b->error;
}

static void add_ours(struct builder *b, const struct proposal_config *p,
                     const struct select_terms *terms)
{
    for (uint8_t i = 0; i < p->encr_count; i++)
        add(b, TRANSFORM_ENCR, p->encr[i]->iana, p->encr[i]->key_bits);
    for (uint8_t i = 0; i < p->prf_count; i++)
        add(b, TRANSFORM_PRF, p->prf[i]->iana, 0);
    for (uint8_t i = 0; i < p->integ_count; i++)
        add(b, TRANSFORM_INTEG, p->integ[i]->iana, 0);
    for (uint8_t i = 0; !terms->no_ke && i < p->ke_count; i++)
        add(b, TRANSFORM_KE, p->ke[i]->iana, 0);
    if (terms->protocol == SA_PROTOCOL_ESP)
        add_esn(b, p->esn, p->no_esn);
}

void offer_write(struct writer *w, const struct proposal_config *ours, size_t count,
                 const struct select_terms *terms, struct bytes spi)
{
    struct builder b;

    begin(&b);
    for (size_t i = 0; i < count; i++) {
        add_proposal(&b, (uint8_t)(i + 1), terms->protocol, spi);
        add_ours(&b, &ours[i], terms);
    }
    finish(&b, w);
}

void answer_write(struct writer *w, const struct selection *s, const struct select_terms *terms,
                  struct bytes spi)
{
    struct builder b;

    begin(&b);
    add_proposal(&b, s->number, terms->protocol, spi);
    add(&b, TRANSFORM_ENCR, s->encr->iana, s->encr->key_bits);
    if (s->prf)
        add(&b, TRANSFORM_PRF, s->prf->iana, 0);
    if (s->integ)
        add(&b, TRANSFORM_INTEG, s->integ->iana, 0);
    if (s->ke)
        add(&b, TRANSFORM_KE, s->ke->iana, 0);
    if (terms->protocol == SA_PROTOCOL_ESP)
        add_esn(&b, s->esn, !s->esn);
    finish(&b, w);
}

const struct ke_suite *offer_first_ke(const struct proposal_config *ours, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ours[i].ke_count)
            return ours[i].ke[0];
    return NULL;
}

const struct ke_suite *offer_find_ke(const struct proposal_config *ours, size_t count,
                                     uint16_t group)
{
    for (size_t i = 0; i < count; i++)
        for (uint8_t k = 0; k < ours[i].ke_count; k++)
            if (ours[i].ke[k]->iana == group)
                return ours[i].ke[k];
    return NULL;
}
