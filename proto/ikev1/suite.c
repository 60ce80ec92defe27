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
    *out = (struct v1_suite){
        .encr = p->encr[c->encr], .hash = hash_of(p->prf[c->prf]), .ke = p->ke[c->ke]};
    return out->encr->iana == ENCR_AES_CBC && out->hash != NULL;
}

/* ---- attributes ---- */

static const struct v1_row_kind attributes = {
    .once = 1u << V1_OAKLEY_ENCRYPTION_ALGORITHM | 1u << V1_OAKLEY_HASH_ALGORITHM |
            1u << V1_OAKLEY_AUTHENTICATION_METHOD | 1u << V1_OAKLEY_GROUP_DESCRIPTION |
            1u << V1_OAKLEY_KEY_LENGTH,
    .life_type = V1_OAKLEY_LIFE_TYPE,
    .life_duration = V1_OAKLEY_LIFE_DURATION,
};

static void write_attributes(struct writer *w, const struct v1_suite *s, const struct v1_terms *t)
{
    v1_attribute_write_number(w, V1_OAKLEY_ENCRYPTION_ALGORITHM, V1_ENCR_AES_CBC);
    v1_attribute_write_number(w, V1_OAKLEY_KEY_LENGTH, s->encr->key_bits);
    v1_attribute_write_number(w, V1_OAKLEY_HASH_ALGORITHM, s->hash->ikev1);
    v1_attribute_write_number(w, V1_OAKLEY_GROUP_DESCRIPTION, s->ke->iana);
    v1_attribute_write_number(w, V1_OAKLEY_AUTHENTICATION_METHOD, t->methods[0]);
    v1_life_write(w, &attributes, V1_LIFE_SECONDS, t->life_s);
}

static const struct v1_auth *method_of(const struct v1_terms *t, uint16_t method)
{
    for (unsigned i = 0; i < t->method_count; i++)
        if (t->methods[i] == method)
            return v1_auth_of(method);
    return NULL;
}

static uint16_t said(const struct v1_row *s, enum v1_oakley_attribute type)
{
    return (uint16_t)s->number[type];
}

/* @return false: not acceptable, whatever our configuration is */
static bool read_attributes(struct bytes row, const struct v1_terms *terms, struct v1_suite *out)
{
    const struct v1_life ours = {.s = terms->life_s};
    struct v1_life offered = {0};
    struct v1_row s;

    if (!v1_row_read(row, &attributes, &s))
        return false;
    offered.s = s.life[V1_LIFE_SECONDS];
    *out = (struct v1_suite){
        .encr =
            encr_suite_v1(said(&s, V1_OAKLEY_ENCRYPTION_ALGORITHM), said(&s, V1_OAKLEY_KEY_LENGTH)),
        .hash = hash_suite(said(&s, V1_OAKLEY_HASH_ALGORITHM)),
        .ke = ke_suite(said(&s, V1_OAKLEY_GROUP_DESCRIPTION)),
        .auth = method_of(terms, said(&s, V1_OAKLEY_AUTHENTICATION_METHOD)),
        .life_s = v1_life_smaller(ours, offered).s,
        .shorter_s = v1_life_shorter(ours, offered).s,
    };
    return out->encr && out->hash && out->ke && out->auth;
}

/* ---- offering ---- */

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

bool v1_suite_first(const struct proposal_config *ours, size_t count, struct v1_suite *out)
{
    struct combination c = {ours, count, 0, 0, 0, 0};
    struct v1_suite first;

    if (count == 0)
        return false;
    do
        if (combined(&c, &first)) {
            out->encr = first.encr;
            out->hash = first.hash;
            out->ke = first.ke;
            return true;
        }
    while (next_index(&c));
    return false;
}

enum err v1_offer_write(struct writer *w, const struct proposal_config *ours, size_t count,
                        const struct v1_terms *terms)
{
    struct combination c = {ours, count, 0, 0, 0, 0};
    unsigned total = combinations(ours, count), number = 0;
    struct v1_suite suite;
    uint8_t *proposal;

    if (total == 0 || terms->method_count == 0)
        return ERR_UNSUPPORTED;
    if (total > UINT8_MAX)
        return ERR_FULL;
    /* No SPI: RFC 2408 §2.4 has the cookies for it. */
    proposal = v1_proposal_begin(w, V1_PROTOCOL_ISAKMP, BYTES_NONE, (uint8_t)total);
    do {
        uint8_t *transform;

        if (!combined(&c, &suite))
            continue;
        transform = v1_transform_begin(w, ++number, total, V1_KEY_IKE);
        write_attributes(w, &suite, terms);
        v1_transform_end(w, transform);
    } while (next_index(&c));
    v1_proposal_end(w, proposal);
    return writer_end(w);
}

/* ---- choosing ---- */

_Static_assert(TRANSFORMS_MAX == 8 && PROPOSALS_MAX * 8 * 8 * 8 <= V1_NO_RANK,
               "three bits of a rank for each kind");

/* The place of these algorithms among our combinations: the lower, the better; V1_NO_RANK: nowhere.
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
    return V1_NO_RANK;
}

struct wanted {
    const struct proposal_config *ours;
    size_t count;
    const struct v1_terms *terms;
};

static unsigned rank(const void *context, const struct sa_proposal *p, const struct v1_transform *t)
{
    const struct wanted *w = context;
    struct v1_suite suite;

    if (p->protocol != V1_PROTOCOL_ISAKMP || t->id != V1_KEY_IKE ||
        !read_attributes(t->attributes, w->terms, &suite))
        return V1_NO_RANK;
    return rank_of(w->ours, w->count, &suite);
}

enum err v1_offer_select(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                         const struct v1_terms *terms, struct v1_choice *out)
{
    const struct wanted wanted = {ours, count, terms};
    enum err e = v1_offer_search(sa_body, rank, &wanted, &out->offered);

    if (e == OK)
        ASSERT(read_attributes(out->offered.transform.attributes, terms, &out->suite));
    return e;
}

enum err v1_answer_read(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                        const struct v1_terms *terms, struct v1_suite *out)
{
    struct v1_choice choice;
    enum err e = v1_offer_select(ours, count, sa_body, terms, &choice);

    if (e == OK && (choice.offered.proposals != 1 || choice.offered.transforms != 1))
        e = ERR_NO_PROPOSAL; /* RFC 2408 §4.2: one of each */
    if (e == OK)
        *out = choice.suite;
    return e;
}
