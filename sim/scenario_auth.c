/* How the endpoints authenticate: `ike.auth` and who accepts whom, `ike.lookup`, `pki:`. */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <ctype.h>
#include <string.h>

struct scenario_auth scenario_auth(const struct ike_words *w)
{
    static const struct {
        const char *word;
        enum auth_way way;
        enum sign_key_type key;
        const char *suite;
    } methods[] = {
#define X(symbol, word, way, key, suite) {word, way, key, suite},
        AUTH_WORD_LIST(X)
#undef X
    };

    ASSERT(w->auth < AUTH_WORD_COUNT);
    return (struct scenario_auth){
        methods[w->auth].word, methods[w->auth].way, methods[w->auth].key,
        sign_suite_named(methods[w->auth].suite, strlen(methods[w->auth].suite))};
}

static bool is_endpoint(const struct scenario_group *g)
{
    return g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER;
}

bool scenario_signs(const struct scenario_group *g)
{
    return is_endpoint(g) && scenario_auth(&g->ike_words).key != KEY_TYPES;
}

bool scenario_has_signers(const struct scenario *s)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (scenario_signs(&s->groups[i]))
            return true;
    return false;
}

bool scenario_lists(const struct member_list *list, uint32_t group, uint32_t member)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->ranges[i].index == group && member >= list->ranges[i].first &&
            member <= list->ranges[i].last)
            return true;
    return false;
}

/* ---- who proves what, and who accepts it ---- */

static enum auth_way way_of(const struct scenario *s, const struct scenario_group *g)
{
    enum auth_way way = scenario_auth(&g->ike_words).way;

    return way == AUTH_CERTIFICATE && s->pki.form == PKI_RAW_KEYS ? AUTH_RAW_KEY : way;
}

void resolve_auth(struct scenario *s)
{
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct scenario_group *g = &s->groups[i];
        struct auth_config *auth = &g->ike.auth;

        if (!is_endpoint(g))
            continue;
        auth->way = way_of(s, g);
        auth->credential.suite = scenario_auth(&g->ike_words).suite;
        auth->credential.send = (enum send_cert)g->ike_words.send_cert;
        auth->look_up = scenario_looks_up(g);
    }
    for (uint32_t i = 0; i < s->group_count; i++) {
        struct scenario_group *g = &s->groups[i], *peer;

        if (g->role != ROLE_INITIATOR)
            continue;
        peer = &s->groups[g->connect];
        /* A method of IKEv1 is for both sides, whatever else the peer could do. */
        g->ike.auth.accepted = AUTH_BIT(scenario_calls_with_v1(g) && g->ike.auth.way != AUTH_NULL
                                            ? g->ike.auth.way
                                            : peer->ike.auth.way);
        peer->ike.auth.accepted |= AUTH_BIT(g->ike.auth.way);
    }
}

/* ---- checks ---- */

void check_lookup(struct scenario_reader *r, const struct tree *ike, const struct ike_words *w)
{
    const struct tree *lookup = tree_get(ike, "lookup"), *at = tree_get(lookup, "jitter");

    if (lookup && w->lookup.latency != NSEC_NEVER && w->lookup.jitter > w->lookup.latency)
        diag_error(&r->diag, at ? at : lookup, "'jitter' must not be above 'latency'");
}

/* A name goes into a certificate through the library's notation, where some characters mean more.
 */
static const char *odd_character(const char *id)
{
    for (const char *c = id ? id : ""; *c; c++) {
        if (strncmp(c, "{n}", 3) == 0)
            c += 2;
        else if (!isalnum((unsigned char)*c) && !strchr(".-_+@", *c))
            return c;
    }
    return NULL;
}

void check_auth(struct scenario_reader *r, const struct tree *map, const struct scenario_group *g)
{
    const struct tree *id = tree_get(tree_get(map, "ike"), "id");
    const char *odd = odd_character(g->ike_words.id);

    if (!id)
        id = tree_get(tree_get(r->root, "ike"), "id");
    if (scenario_signs(g) && odd)
        diag_error(&r->diag, id ? id : map,
                   "'%c' in the identity of '%s', which goes into certificates; it takes letters, "
                   "digits, '.', '-', '_', '+' and '@'",
                   *odd, g->name);
}

/* ---- pki: ---- */

static void check_signers(struct scenario_reader *r, const struct tree *at,
                          const struct member_list *list)
{
    const struct scenario *s = r->scenario;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct scenario_group *g = &s->groups[list->ranges[i].index];

        if (!scenario_signs(g)) {
            diag_error(&r->diag, at,
                       "the members of '%s' have no keys of their own: their 'ike.auth' is no "
                       "signature, such as ecdsa",
                       g->name);
            return;
        }
    }
}

static void read_list(struct scenario_reader *r, const struct tree *pki, const char *key,
                      struct member_list *out)
{
    const struct tree *n = tree_get(pki, key);
    uint32_t errors = r->diag.errors;

    if (!n)
        return;
    out->count = ranges_read(r, n, false, &out->ranges);
    if (r->diag.errors == errors)
        check_signers(r, n, out);
}

/* Raw keys have neither times nor authorities (RFC 7670 §1). */
static void refuse_of_raw_keys(struct scenario_reader *r, const struct tree *pki)
{
    const struct pki_words *w = &r->scenario->pki;
    const struct {
        const char *key;
        bool asked;
    } words[] = {{"expired", w->expired.count > 0},
                 {"not_yet_valid", w->not_yet_valid.count > 0},
                 {"wrong_ca", w->wrong_ca.count > 0},
                 {"intermediates", w->intermediates > 0},
                 {"crl", w->crl == CERT_CRL_REQUIRED}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].asked)
            diag_error(&r->diag, tree_get(pki, words[i].key),
                       "'%s' is of certificates, and 'form' is raw-keys", words[i].key);
}

static void check_pki(struct scenario_reader *r, const struct tree *pki)
{
    const struct pki_words *w = &r->scenario->pki;

    if (w->rsa_bits != 2048 && w->rsa_bits != 3072 && w->rsa_bits != 4096)
        diag_error(&r->diag, tree_get(pki, "rsa_bits"), "'rsa_bits' takes 2048, 3072 or 4096");
    if (w->form == PKI_RAW_KEYS)
        refuse_of_raw_keys(r, pki);
    if (w->form == PKI_CERTIFICATES && w->crl == CERT_CRL_OFF && w->revoked.count)
        diag_warning(&r->diag, tree_get(pki, "revoked"),
                     "'crl' is off: the revoked are accepted all the same");
}

void read_pki(struct scenario_reader *r)
{
    const struct tree *pki = tree_get(r->root, "pki");
    struct pki_words *w = &r->scenario->pki;

    if (!pki || pki->kind != TREE_MAP)
        return;
    read_list(r, pki, "revoked", &w->revoked);
    read_list(r, pki, "expired", &w->expired);
    read_list(r, pki, "not_yet_valid", &w->not_yet_valid);
    read_list(r, pki, "wrong_ca", &w->wrong_ca);
    read_list(r, pki, "wrong_identity", &w->wrong_identity);
    if (r->diag.errors == 0)
        check_pki(r, pki);
    if (r->diag.errors == 0 && !scenario_has_signers(r->scenario))
        diag_warning(&r->diag, pki->key,
                     "nobody has credentials: no 'ike.auth' is a signature, such as ecdsa");
}
