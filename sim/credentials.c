#include "sim/credentials.h"

#include "base/digest.h"
#include "sim/authorities.h"

#include <stdlib.h>

enum {
    DAY_S = 86400,
    NAME_MAX = 64, /* RFC 5280 appendix A.1: ub-common-name */
    CHAIN_MAX = 1 + PKI_INTERMEDIATES_MAX,
    /* Measured: a certificate with its record; IKE_AUTH as kept at both ends beyond what a PSK
     * takes; a key as the library holds it. */
    CERT_BYTES = 1000,
    AUTH_BYTES = 2200,
    RSA_AUTH_BYTES = 4500,
    KEY_BYTES = 2000,
    RSA_KEY_BYTES = 5000,
};

static const char elsewhere[] = "somebody-else.ikelab.example";

/* Of one group: members share key pairs, member m has number m % key_count. */
struct group_credentials {
    struct sign_key *keys; /* by key */
    uint32_t key_count;
    uint32_t member_count;
    struct test_cert *shown;   /* by member: its certificate or raw key */
    struct bytes *chains;      /* by member: that, and the intermediates behind it */
    struct identity *identity; /* by member: whom its key is known to speak for, where it is */
    struct rng random;
};

struct credentials {
    const struct scenario *scenario;
    struct crypto *crypto;
    struct test_pki *pki;
    struct authorities authorities;
    struct group_credentials *groups; /* by group; member_count 0: it signs nothing */
    uint32_t chain_len;
    struct x509_anchors *anchors;
    uint8_t hashes[KEY_TYPES * CERT_KEY_HASH_LEN];
    size_t hashes_len;
    struct known_key *known;
    size_t known_count;
    struct known_cert *known_certs; /* of who is encrypted to (RFC 2409 §5.2) */
    size_t known_cert_count;
};

static bool is_encrypted_to(const struct scenario_group *g)
{
    return scenario_signs(g) && auth_encrypts(scenario_auth(&g->ike_words).way);
}

/* ---- keys ---- */

/* @param[out] der  to be reset by the caller, also on error */
static enum err make_key(struct credentials *c, uint32_t group, uint32_t k, struct test_key *der)
{
    struct group_credentials *g = &c->groups[group];
    enum sign_key_type type = scenario_auth(&c->scenario->groups[group].ike_words).key;
    enum err e = test_key_make(c->pki, type, c->scenario->pki.rsa_bits,
                               rng_fork(&g->random, 2 * (uint64_t)k), der);

    if (e == OK)
        e = c->crypto->class->sign_key_load(c->crypto, test_key_bytes(der), &g->keys[k]);
    return e;
}

static enum err make_room(struct credentials *c, uint32_t group)
{
    const struct scenario_group *from = &c->scenario->groups[group];
    struct group_credentials *g = &c->groups[group];
    uint32_t most =
        scenario_auth(&from->ike_words).key == KEY_RSA ? c->scenario->pki.rsa_keys : from->count;

    g->key_count = from->count < most ? from->count : most;
    g->keys = calloc(g->key_count, sizeof *g->keys);
    g->shown = calloc(from->count, sizeof *g->shown);
    g->chains = calloc((size_t)from->count * c->chain_len, sizeof *g->chains);
    if (c->scenario->pki.form == PKI_RAW_KEYS || is_encrypted_to(from))
        g->identity = calloc(from->count, sizeof *g->identity);
    g->member_count = from->count;
    /* Named by the group: another group, before or behind it, changes nothing. */
    g->random =
        rng_stream(c->scenario->seed, digest_of(from->name, strlen(from->name), 0), RNG_CREDENTIAL);
    return g->keys && g->shown && g->chains &&
                   (g->identity || c->scenario->pki.form != PKI_RAW_KEYS)
               ? OK
               : ERR_MEMORY;
}

/* ---- certificates ---- */

static void set_times(const struct scenario *s, uint32_t group, uint32_t member,
                      struct test_cert_options *o)
{
    int64_t lifetime_s = (int64_t)(s->pki.lifetime / NSEC_PER_S);

    o->not_before_s = SCENARIO_EPOCH_S - DAY_S;
    o->not_after_s = SCENARIO_EPOCH_S + lifetime_s;
    if (scenario_lists(&s->pki.expired, group, member)) {
        o->not_before_s = SCENARIO_EPOCH_S - DAY_S - lifetime_s;
        o->not_after_s = SCENARIO_EPOCH_S - DAY_S;
    }
    if (scenario_lists(&s->pki.not_yet_valid, group, member)) {
        o->not_before_s = SCENARIO_EPOCH_S + DAY_S + (int64_t)(s->stop_time / NSEC_PER_S);
        o->not_after_s = o->not_before_s + lifetime_s;
    }
}

static void write_alt_name(const struct scenario *s, uint32_t group, uint32_t member,
                           char out[ID_MAX + 8])
{
    struct identity id = scenario_identity(s, group, member);

    if (scenario_lists(&s->pki.wrong_identity, group, member))
        snprintf(out, ID_MAX + 8, "DNS:%s", elsewhere);
    else
        snprintf(out, ID_MAX + 8, "%s:%.*s", id.type == CERT_ID_FQDN ? "DNS" : "email", id.len,
                 (const char *)id.data);
}

/* Always eight bytes, so that a serial number changes no length. */
static uint64_t serial_of(const struct rng *member)
{
    struct rng r = rng_fork(member, 1);

    return rng_u64(&r) >> 2 | UINT64_C(1) << 62;
}

static enum err make_certificate(struct credentials *c, uint32_t group, uint32_t member,
                                 struct bytes key)
{
    const struct scenario *s = c->scenario;
    const struct scenario_group *from = &s->groups[group];
    struct group_credentials *g = &c->groups[group];
    struct rng random = rng_fork(&g->random, 2 * (uint64_t)member + 1);
    const struct authority *issuer;
    struct hierarchy *h;
    char name[NAME_MAX], alt_name[ID_MAX + 8];
    struct test_cert_options o = {
        .common_name = name,
        .alt_name = alt_name,
        .key_usage = is_encrypted_to(from) ? "critical,digitalSignature,keyEncipherment"
                                           : "critical,digitalSignature",
        .extended_key_usage = "1.3.6.1.5.5.7.3.17", /* ipsecIKE, RFC 4945 §5.1.3.12 */
        .serial = serial_of(&random),
        .key = key,
        .random = random,
    };
    enum err e = authorities_find(&c->authorities, scenario_auth(&from->ike_words).key,
                                  !scenario_lists(&s->pki.wrong_ca, group, member), &h);

    if (e)
        return e;
    issuer = authorities_issuer(&c->authorities, h);
    o.issuer_key = test_key_bytes(&issuer->key);
    o.issuer_cert = test_cert_bytes(&issuer->cert);
    snprintf(name, sizeof name, "%s-%u", from->name, member);
    write_alt_name(s, group, member, alt_name);
    set_times(s, group, member, &o);
    if (scenario_lists(&s->pki.revoked, group, member))
        e = authorities_revoke(h, o.serial);
    if (e == OK)
        e = test_cert_make(c->pki, &o, &g->shown[member]);
    for (uint32_t level = 1; level < c->chain_len && e == OK; level++)
        g->chains[(size_t)member * c->chain_len + level] =
            test_cert_bytes(&h->levels[c->chain_len - level].cert);
    return e;
}

/* Whoever meets this member has its certificate already. */
static void know_certificate(struct credentials *c, uint32_t group, uint32_t member)
{
    struct group_credentials *g = &c->groups[group];
    struct identity *id = &g->identity[member];

    *id = scenario_identity(c->scenario, group, member);
    c->known_certs[c->known_cert_count++] =
        (struct known_cert){.id_type = id->type,
                            .id = bytes_of(id->data, id->len),
                            .certs = &g->chains[(size_t)member * c->chain_len],
                            .cert_count = c->chain_len};
}

/* ---- raw keys ---- */

static enum err make_raw_key(struct credentials *c, uint32_t group, uint32_t member,
                             struct bytes key)
{
    const struct pki_words *pki = &c->scenario->pki;
    struct group_credentials *g = &c->groups[group];
    struct identity *id = &g->identity[member];
    enum err e = test_key_public(c->pki, key, &g->shown[member]);

    *id = scenario_identity(c->scenario, group, member);
    if (e == OK && scenario_lists(&pki->wrong_identity, group, member)) {
        *id = (struct identity){.type = CERT_ID_FQDN, .len = sizeof elsewhere - 1};
        memcpy(id->data, elsewhere, id->len);
    }
    if (e == OK && !scenario_lists(&pki->revoked, group, member))
        c->known[c->known_count++] = (struct known_key){
            .spki = test_cert_bytes(&g->shown[member]),
            .id_type = id->type,
            .id = bytes_of(id->data, id->len),
        };
    return e;
}

/* ---- all of it ---- */

/* Each key with all its members: the maker keeps only the keys that it saw last. */
static enum err make_group(struct credentials *c, uint32_t group)
{
    struct group_credentials *g = &c->groups[group];
    bool raw = c->scenario->pki.form == PKI_RAW_KEYS;
    enum err e = make_room(c, group);

    for (uint32_t k = 0; k < g->key_count && e == OK; k++) {
        struct test_key der = {NULL, 0};
        struct bytes key;

        e = make_key(c, group, k, &der);
        key = test_key_bytes(&der);
        for (uint32_t m = k; m < g->member_count && e == OK; m += g->key_count) {
            e = raw ? make_raw_key(c, group, m, key) : make_certificate(c, group, m, key);
            if (e == OK && is_encrypted_to(&c->scenario->groups[group]))
                know_certificate(c, group, m);
            g->chains[(size_t)m * c->chain_len] = test_cert_bytes(&g->shown[m]);
        }
        test_key_reset(&der);
    }
    return e;
}

static uint32_t signers_of(const struct scenario *s)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < s->group_count; i++)
        if (scenario_signs(&s->groups[i]))
            count += s->groups[i].count;
    return count;
}

static enum err make_all(struct credentials *c)
{
    const struct scenario *s = c->scenario;
    enum err e = OK;

    c->pki = test_pki_create();
    c->groups = calloc(s->group_count, sizeof *c->groups);
    c->known = calloc(signers_of(s), sizeof *c->known);
    c->known_certs = calloc(signers_of(s), sizeof *c->known_certs);
    c->anchors = x509_anchors_create();
    c->chain_len = s->pki.form == PKI_CERTIFICATES ? 1 + s->pki.intermediates : 1;
    if (!c->pki || !c->groups || !c->known || !c->known_certs || !c->anchors)
        return ERR_MEMORY;
    authorities_init(&c->authorities, s, c->pki);
    for (uint32_t i = 0; i < s->group_count && e == OK; i++)
        if (scenario_signs(&s->groups[i]))
            e = make_group(c, i);
    if (e == OK)
        e = authorities_trust(&c->authorities, c->crypto, c->anchors, c->hashes, &c->hashes_len);
    qsort(c->known, c->known_count, sizeof *c->known, known_key_compare);
    qsort(c->known_certs, c->known_cert_count, sizeof *c->known_certs, known_cert_compare);
    return e;
}

enum err credentials_create(const struct scenario *s, struct crypto *crypto,
                            struct credentials **out)
{
    enum err e;

    *out = NULL;
    if (!scenario_has_signers(s))
        return OK;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    (*out)->scenario = s;
    (*out)->crypto = crypto;
    e = make_all(*out);
    if (e) {
        credentials_destroy(*out);
        *out = NULL;
    }
    return e;
}

static void group_reset(struct group_credentials *g)
{
    for (uint32_t k = 0; k < g->key_count && g->keys; k++)
        sign_key_reset(&g->keys[k]);
    for (uint32_t m = 0; m < g->member_count && g->shown; m++)
        test_cert_reset(&g->shown[m]);
    free(g->keys);
    free(g->shown);
    free(g->chains);
    free(g->identity);
}

void credentials_destroy(struct credentials *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->scenario->group_count && c->groups; i++)
        group_reset(&c->groups[i]);
    authorities_reset(&c->authorities);
    x509_anchors_free(c->anchors);
    test_pki_destroy(c->pki);
    free(c->groups);
    free(c->known);
    free(c->known_certs);
    free(c);
}

/* Of the gateway that a member calls. */
static const struct known_cert *called_by(const struct credentials *c, uint32_t group,
                                          uint32_t member, const struct ike_trust *trust)
{
    const struct scenario_group *g = &c->scenario->groups[group];
    struct identity id;
    uint32_t at;

    if (g->role != ROLE_INITIATOR || !is_encrypted_to(g))
        return NULL;
    at = (uint32_t)((uint64_t)member * c->scenario->groups[g->connect].count / g->count);
    id = scenario_identity(c->scenario, g->connect, at);
    return known_cert_find(trust, id.type, bytes_of(id.data, id.len));
}

void credentials_give(const struct credentials *c, uint32_t group, uint32_t member,
                      struct auth_config *auth)
{
    const struct group_credentials *g = &c->groups[group];

    if (g->member_count > 0) {
        auth->credential.key = &g->keys[member % g->key_count];
        auth->credential.certs = &g->chains[(size_t)member * c->chain_len];
        auth->credential.cert_count = c->chain_len;
    }
    auth->trust = (struct ike_trust){
        .anchors = c->anchors,
        .authorities = bytes_of(c->hashes, c->hashes_len),
        .crl = (enum x509_crl_mode)c->scenario->pki.crl,
        .keys = c->known,
        .key_count = c->known_count,
        .certs = c->known_certs,
        .cert_count = c->known_cert_count,
    };
    auth->trust.called = called_by(c, group, member, &auth->trust);
}

uint64_t credentials_estimate(const struct scenario *s)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];
        bool rsa = scenario_auth(&g->ike_words).key == KEY_RSA;
        uint64_t keys = rsa && s->pki.rsa_keys < g->count ? s->pki.rsa_keys : g->count;

        if (scenario_signs(g))
            bytes += (uint64_t)g->count * (CERT_BYTES + (rsa ? RSA_AUTH_BYTES : AUTH_BYTES)) +
                     keys * (rsa ? RSA_KEY_BYTES : KEY_BYTES);
    }
    return bytes;
}
