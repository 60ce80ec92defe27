#include "sim/authorities.h"

#include "base/digest.h"

#include <stdlib.h>

enum { DAY_S = 86400, YEARS_S = 20 * 365 * DAY_S };
/* Which stream of an authority is for what. */
enum { STREAM_KEY, STREAM_CERT, STREAM_CRL, STREAMS };

void authorities_init(struct authorities *a, const struct scenario *s, struct test_pki *pki)
{
    static const char name[] = "a certification authority"; /* no group can be called that */
    struct rng random = rng_stream(s->seed, digest_of(name, sizeof name, 0), RNG_CREDENTIAL);

    *a = (struct authorities){.scenario = s, .pki = pki, .level_count = 1 + s->pki.intermediates};
    for (uint64_t type = 0; type < KEY_TYPES; type++)
        for (uint64_t other = 0; other < 2; other++)
            a->hierarchies[type][other].random = rng_fork(&random, 2 * type + other);
}

void authorities_reset(struct authorities *a)
{
    for (int i = 0; i < 2 * KEY_TYPES; i++) {
        struct hierarchy *h = &a->hierarchies[i / 2][i % 2];

        for (int level = 0; level <= PKI_INTERMEDIATES_MAX; level++) {
            test_key_reset(&h->levels[level].key);
            test_cert_reset(&h->levels[level].cert);
        }
        free((void *)h->revoked);
    }
    *a = (struct authorities){.scenario = NULL};
}

static struct rng stream_of(const struct hierarchy *h, uint32_t level, uint64_t what)
{
    return rng_fork(&h->random, (uint64_t)level * STREAMS + what);
}

static enum err make_level(struct authorities *a, struct hierarchy *h, enum sign_key_type type,
                           uint32_t level)
{
    const struct authority *above = level ? &h->levels[level - 1] : NULL;
    struct authority *made = &h->levels[level];
    bool trusted = h == &a->hierarchies[type][0];
    char name[64];
    struct test_cert_options o = {
        .common_name = name,
        .basic_constraints = "critical,CA:TRUE",
        .key_usage = "critical,keyCertSign,cRLSign",
        .not_before_s = SCENARIO_EPOCH_S - DAY_S,
        .not_after_s = SCENARIO_EPOCH_S + YEARS_S,
        .serial = level + 1,
        .random = stream_of(h, level, STREAM_CERT),
    };
    enum err e = test_key_make(a->pki, type, a->scenario->pki.rsa_bits,
                               stream_of(h, level, STREAM_KEY), &made->key);

    if (e)
        return e;
    snprintf(name, sizeof name, "%sCA %u of key type %d", trusted ? "" : "untrusted ", level, type);
    o.key = test_key_bytes(&made->key);
    if (above) {
        o.issuer_key = test_key_bytes(&above->key);
        o.issuer_cert = test_cert_bytes(&above->cert);
    }
    return test_cert_make(a->pki, &o, &made->cert);
}

enum err authorities_find(struct authorities *a, enum sign_key_type type, bool trusted,
                          struct hierarchy **out)
{
    struct hierarchy *h = &a->hierarchies[type][!trusted];
    enum err e = OK;

    *out = h;
    if (h->levels[0].cert.len)
        return OK;
    for (uint32_t level = 0; level < a->level_count && e == OK; level++)
        e = make_level(a, h, type, level);
    return e;
}

const struct authority *authorities_issuer(const struct authorities *a, const struct hierarchy *h)
{
    return &h->levels[a->level_count - 1];
}

enum err authorities_revoke(struct hierarchy *h, uint64_t serial)
{
    uint64_t *bigger = realloc((void *)h->revoked, (h->revoked_count + 1) * sizeof *bigger);

    if (!bigger)
        return ERR_MEMORY;
    bigger[h->revoked_count++] = serial;
    h->revoked = bigger;
    return OK;
}

/* ---- what relying parties get ---- */

static enum err add_anchor(struct crypto *c, struct x509_anchors *anchors, struct bytes der,
                           uint8_t *hash)
{
    struct x509_cert *root;

    if (x509_read(c, der, &root) != CERT_VALID)
        return ERR_CRYPTO;
    memcpy(hash, x509_key_hash(root).data, CERT_KEY_HASH_LEN);
    if (x509_anchors_trust(anchors, root) != CERT_VALID) {
        x509_free(root);
        return ERR_MEMORY;
    }
    x509_free(root);
    return OK;
}

static enum err add_crl(struct authorities *a, struct x509_anchors *anchors,
                        const struct hierarchy *h, uint32_t level)
{
    bool issues = level == a->level_count - 1;
    struct test_crl_options o = {
        .issuer_key = test_key_bytes(&h->levels[level].key),
        .issuer_cert = test_cert_bytes(&h->levels[level].cert),
        .this_update_s = SCENARIO_EPOCH_S - DAY_S,
        .next_update_s = SCENARIO_EPOCH_S + YEARS_S,
        .revoked = h->revoked,
        .revoked_count = issues ? h->revoked_count : 0,
        .random = stream_of(h, level, STREAM_CRL),
    };
    struct test_cert crl;
    enum err e;

    if (o.revoked_count == 0 && a->scenario->pki.crl != CERT_CRL_REQUIRED)
        return OK;
    e = test_crl_make(a->pki, &o, &crl);
    if (e == OK && x509_anchors_add_crl(anchors, test_cert_bytes(&crl)) != CERT_VALID)
        e = ERR_CRYPTO;
    test_cert_reset(&crl);
    return e;
}

enum err authorities_trust(struct authorities *a, struct crypto *c, struct x509_anchors *anchors,
                           uint8_t *hashes, size_t *len)
{
    enum err e = OK;

    *len = 0;
    for (int type = 0; type < KEY_TYPES && e == OK; type++) {
        struct hierarchy *h = &a->hierarchies[type][0];

        if (!h->levels[0].cert.len)
            continue;
        e = add_anchor(c, anchors, test_cert_bytes(&h->levels[0].cert), hashes + *len);
        *len += CERT_KEY_HASH_LEN;
        for (uint32_t level = 0; level < a->level_count && e == OK; level++)
            if (a->scenario->pki.crl != CERT_CRL_OFF)
                e = add_crl(a, anchors, h, level);
    }
    return e;
}
