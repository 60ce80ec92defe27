#include "proto/ikev1/esp_suite.h"

#include "base/assert.h"
#include "proto/wire/registry.h"
#include "proto/wire/v1_registry.h"

/* RFC 2407 §4.5 and later: authentication algorithms by IKEv2's number. */
static const struct {
    uint16_t integ, v1;
} integs[] = {
    {INTEG_HMAC_SHA1_96, V1_INTEG_HMAC_SHA1},
    {INTEG_AES_XCBC_96, V1_INTEG_AES_XCBC_MAC},
    {INTEG_HMAC_SHA2_256_128, V1_INTEG_HMAC_SHA2_256},
    {INTEG_HMAC_SHA2_384_192, V1_INTEG_HMAC_SHA2_384},
    {INTEG_HMAC_SHA2_512_256, V1_INTEG_HMAC_SHA2_512},
};

static uint16_t integ_number(const struct integ_suite *integ)
{
    for (size_t i = 0; i < sizeof integs / sizeof *integs; i++)
        if (integs[i].integ == integ->iana)
            return integs[i].v1;
    return 0;
}

static const struct integ_suite *integ_of(uint32_t v1)
{
    for (size_t i = 0; i < sizeof integs / sizeof *integs; i++)
        if (integs[i].v1 == v1)
            return integ_suite(integs[i].integ);
    return NULL;
}

size_t v1_esp_key_len(const struct v1_esp_suite *s)
{
    return (size_t)s->encr->key_len + s->encr->salt_len + (s->integ ? s->integ->key_len : 0);
}

/* ESP numbers of ciphers are those of IKEv2, as far as IKEv1 has them. */
static bool sayable(const struct encr_suite *encr, const struct integ_suite *integ)
{
    return registry_name(REGISTRY_V1_ESP, encr->iana) != NULL &&
           (encr->aead ? !integ : integ && integ_number(integ) != 0);
}

/* ---- our combinations, in order of preference ---- */

struct combination {
    const struct proposal_config *ours;
    size_t count, at;
    unsigned encr, integ;
};

static bool next_index(struct combination *c)
{
    const struct proposal_config *p = &c->ours[c->at];

    if (++c->integ < p->integ_count)
        return true;
    c->integ = 0;
    if (++c->encr < p->encr_count)
        return true;
    c->encr = 0;
    return ++c->at < c->count;
}

static bool combined(const struct combination *c, struct v1_esp_suite *out)
{
    const struct proposal_config *p = &c->ours[c->at];

    if (c->encr >= p->encr_count || !p->no_esn)
        return false; /* sequence numbers have 32 bits here */
    *out = (struct v1_esp_suite){.encr = p->encr[c->encr]};
    if (c->integ < p->integ_count)
        out->integ = p->integ[c->integ];
    return sayable(out->encr, out->integ);
}

/* ---- attributes ---- */

static const struct v1_row_kind attributes = {
    .once = 1u << V1_IPSEC_GROUP_DESCRIPTION | 1u << V1_IPSEC_ENCAPSULATION_MODE |
            1u << V1_IPSEC_AUTHENTICATION_ALGORITHM | 1u << V1_IPSEC_KEY_LENGTH,
    .life_type = V1_IPSEC_LIFE_TYPE,
    .life_duration = V1_IPSEC_LIFE_DURATION,
};

static void write_attributes(struct writer *w, const struct v1_esp_suite *s,
                             const struct v1_esp_terms *t)
{
    v1_attribute_write_number(w, V1_IPSEC_ENCAPSULATION_MODE, t->mode);
    if (s->encr->key_bits > 0)
        v1_attribute_write_number(w, V1_IPSEC_KEY_LENGTH, s->encr->key_bits);
    if (s->integ)
        v1_attribute_write_number(w, V1_IPSEC_AUTHENTICATION_ALGORITHM, integ_number(s->integ));
    if (t->ke)
        v1_attribute_write_number(w, V1_IPSEC_GROUP_DESCRIPTION, t->ke->iana);
    v1_life_write(w, &attributes, V1_LIFE_SECONDS, t->life.s);
    v1_life_write(w, &attributes, V1_LIFE_KILOBYTES, t->life.kb);
}

/* @return false: not acceptable, whatever our proposals are */
static bool read_transform(const struct v1_transform *t, const struct v1_esp_terms *terms,
                           struct v1_esp_suite *out)
{
    struct v1_life offered;
    struct v1_row s;

    if (!v1_row_read(t->attributes, &attributes, &s))
        return false;
    offered = (struct v1_life){s.life[V1_LIFE_SECONDS], s.life[V1_LIFE_KILOBYTES]};
    *out = (struct v1_esp_suite){
        .encr = encr_suite(t->id, (uint16_t)s.number[V1_IPSEC_KEY_LENGTH]),
        .integ = integ_of(s.number[V1_IPSEC_AUTHENTICATION_ALGORITHM]),
        .ke = ke_suite((uint16_t)s.number[V1_IPSEC_GROUP_DESCRIPTION]),
        .life = v1_life_smaller(offered, terms->life),
        .shorter = v1_life_shorter(terms->life, offered),
    };
    return out->encr && s.number[V1_IPSEC_ENCAPSULATION_MODE] == terms->mode &&
           (!out->integ) == !(s.types >> V1_IPSEC_AUTHENTICATION_ALGORITHM & 1) &&
           (!out->ke) == !(s.types >> V1_IPSEC_GROUP_DESCRIPTION & 1) &&
           sayable(out->encr, out->integ);
}

/* ---- offering and choosing ---- */

static unsigned combinations(const struct proposal_config *ours, size_t count)
{
    struct combination c = {ours, count, 0, 0, 0};
    struct v1_esp_suite suite;
    unsigned found = 0;

    if (count > 0)
        do
            found += combined(&c, &suite);
        while (next_index(&c));
    return found;
}

enum err v1_esp_offer_write(struct writer *w, const struct proposal_config *ours, size_t count,
                            const struct v1_esp_terms *terms, struct bytes spi)
{
    struct combination c = {ours, count, 0, 0, 0};
    unsigned total = combinations(ours, count), number = 0;
    struct v1_esp_suite suite;
    uint8_t *proposal;

    if (total == 0)
        return ERR_UNSUPPORTED;
    if (total > UINT8_MAX)
        return ERR_FULL;
    proposal = v1_proposal_begin(w, V1_PROTOCOL_ESP, spi, (uint8_t)total);
    do {
        uint8_t *transform;

        if (!combined(&c, &suite))
            continue;
        transform = v1_transform_begin(w, ++number, total, (uint8_t)suite.encr->iana);
        write_attributes(w, &suite, terms);
        v1_transform_end(w, transform);
    } while (next_index(&c));
    v1_proposal_end(w, proposal);
    return writer_end(w);
}

_Static_assert(TRANSFORMS_MAX == 8 && PROPOSALS_MAX * 8 * 8 * 8 <= V1_NO_RANK,
               "three bits of a rank for each kind");

/* Without a group only where the proposal has none. */
static bool find_ke(const struct proposal_config *p, const struct ke_suite *ke, unsigned *at)
{
    *at = 0;
    if (p->ke_count == 0)
        return ke == NULL;
    while (*at < p->ke_count && p->ke[*at] != ke)
        ++*at;
    return *at < p->ke_count;
}

static unsigned rank_of(const struct proposal_config *ours, size_t count,
                        const struct v1_esp_suite *s)
{
    for (unsigned at = 0; at < count; at++) {
        const struct proposal_config *p = &ours[at];
        unsigned encr = 0, integ = 0, ke;

        while (encr < p->encr_count && p->encr[encr] != s->encr)
            encr++;
        while (s->integ && integ < p->integ_count && p->integ[integ] != s->integ)
            integ++;
        if (p->no_esn && encr < p->encr_count && (!s->integ || integ < p->integ_count) &&
            find_ke(p, s->ke, &ke))
            return ((at * 8 + encr) * 8 + integ) * 8 + ke;
    }
    return V1_NO_RANK;
}

struct wanted {
    const struct proposal_config *ours;
    size_t count;
    const struct v1_esp_terms *terms;
};

static unsigned rank(const void *context, const struct sa_proposal *p, const struct v1_transform *t)
{
    const struct wanted *w = context;
    struct v1_esp_suite suite;

    if (p->protocol != V1_PROTOCOL_ESP || !read_transform(t, w->terms, &suite))
        return V1_NO_RANK;
    return rank_of(w->ours, w->count, &suite);
}

enum err v1_esp_offer_select(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                             const struct v1_esp_terms *terms, struct v1_esp_choice *out)
{
    const struct wanted wanted = {ours, count, terms};
    enum err e = v1_offer_search(sa_body, rank, &wanted, &out->offered);

    if (e == OK)
        ASSERT(read_transform(&out->offered.transform, terms, &out->suite));
    return e;
}

enum err v1_esp_answer_read(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                            const struct v1_esp_terms *terms, struct v1_esp_choice *out)
{
    enum err e = v1_esp_offer_select(ours, count, sa_body, terms, out);

    if (e == OK &&
        (out->offered.proposals != 1 || out->offered.transforms != 1 || out->suite.ke != terms->ke))
        e = ERR_NO_PROPOSAL; /* RFC 2408 §4.2: one of each, and ours */
    return e;
}
