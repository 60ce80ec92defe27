/*
 * `ike.version`: what IKEv1 can say of a configuration, and who can call whom. What it cannot is an
 * error with its place: nothing that was asked for is left out in silence. (RFC 2407, RFC 2409)
 */
#include "base/assert.h"
#include "proto/wire/registry.h"
#include "sim/scenario_read.h"

#include <string.h>

bool scenario_calls_with_v1(const struct scenario_group *g)
{
    return g->role == ROLE_INITIATOR && g->ike_words.version == VERSION_1;
}

bool scenario_speaks_v1(const struct scenario_group *g)
{
    return scenario_calls_with_v1(g) ||
           (g->role == ROLE_RESPONDER && g->ike_words.version != VERSION_2);
}

bool scenario_has_v1(const struct scenario *s)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (scenario_speaks_v1(&s->groups[i]))
            return true;
    return false;
}

uint8_t answers_of(const struct ike_words *w)
{
    static const uint8_t sets[] = {
        [VERSION_ANY] = 1u << IKE_V1 | 1u << IKE_V2,
        [VERSION_1] = 1u << IKE_V1,
        [VERSION_2] = 1u << IKE_V2,
    };

    ASSERT(w->version < sizeof sets);
    return sets[w->version];
}

/* ---- proposals ---- */

static bool is_hmac_of_v1(const struct prf_suite *prf)
{
    size_t count;
    const struct hash_suite *all = hash_suites(&count);

    for (size_t i = 0; i < count; i++)
        if (all[i].prf == prf && all[i].ikev1 != 0)
            return true;
    return false;
}

/* RFC 2409 §4: a cipher in CBC mode and a hash, whose HMAC is the prf. */
static bool phase1_can_say(const struct proposal_config *p)
{
    bool encr = false, prf = false;

    for (unsigned i = 0; i < p->encr_count; i++)
        encr |= p->encr[i]->iana == ENCR_AES_CBC;
    for (unsigned i = 0; i < p->prf_count; i++)
        prf |= is_hmac_of_v1(p->prf[i]);
    return encr && prf && p->ke_count > 0;
}

/* RFC 2407 §4.4.4; sequence numbers are of 32 bits. */
static bool phase2_can_say(const struct proposal_config *p)
{
    for (unsigned i = 0; i < p->encr_count; i++)
        if (!p->encr[i]->implicit_iv && p->no_esn &&
            registry_name(REGISTRY_V1_ESP, p->encr[i]->iana))
            return true;
    return false;
}

bool scenario_v1_can_say(const struct proposal_config *p, bool phase1)
{
    return phase1 ? phase1_can_say(p) : phase2_can_say(p);
}

static bool has_group(const struct proposal_config *p, const struct ke_suite *ke)
{
    for (unsigned i = 0; i < p->ke_count; i++)
        if (p->ke[i] == ke)
            return true;
    return false;
}

/* Message 1 of Aggressive Mode has a public value, so its group is settled before anybody is asked
 * (RFC 2409 §5): the first one that we have. */
static bool first_group_can_be_said(const struct ike_config *c)
{
    for (unsigned i = 0; i < c->proposal_count; i++)
        if (phase1_can_say(&c->proposals[i]) && has_group(&c->proposals[i], c->proposals[0].ke[0]))
            return true;
    return false;
}

/* ---- places ---- */

struct group_place {
    struct scenario_reader *r;
    const struct tree *map; /* of the group */
    const struct scenario_group *group;
};

/* Where a key was written that this group has: in the group, else for all, else nowhere. */
static const struct tree *written(const struct group_place *at, const char *section,
                                  const char *key)
{
    const struct tree *n = tree_get(tree_get(at->map, section), key);

    if (!n)
        n = tree_get(tree_get(at->r->root, section), key);
    return n ? n : at->map->key;
}

static void check_proposals_of(const struct group_place *at)
{
    const struct ike_config *c = &at->group->ike;
    bool one = false, two = false;

    for (unsigned i = 0; i < c->proposal_count; i++)
        one |= phase1_can_say(&c->proposals[i]);
    for (unsigned i = 0; i < c->child.proposal_count; i++)
        two |= phase2_can_say(&c->child.proposals[i]);
    if (!one)
        diag_error(&at->r->diag, written(at, "ike", "proposals"),
                   "'%s' speaks IKEv1, which has ciphers in CBC mode and HMACs only: 'proposals' "
                   "needs one such as aes256-sha256-modp2048",
                   at->group->name);
    else if (scenario_calls_with_v1(at->group) && c->phase1 == PHASE1_AGGRESSIVE &&
             !first_group_can_be_said(c))
        diag_error(&at->r->diag, written(at, "ike", "proposals"),
                   "Aggressive Mode begins with a public value of the first proposal's group, %s, "
                   "and IKEv1 can say no proposal with it; put one such as "
                   "aes256-sha256-modp2048 first",
                   c->proposals[0].ke[0]->name);
    if (!two)
        diag_error(&at->r->diag, written(at, "child", "esp_proposals"),
                   "'%s' speaks IKEv1, which can say none of 'esp_proposals': give it one without "
                   "esn and with an IV in each packet, such as aes256gcm16 or aes128-sha256",
                   at->group->name);
}

/* ---- keys that IKEv1 has nothing for ---- */

static void refuse(const struct group_place *at, const char *section, const char *key, bool asked,
                   const char *instead)
{
    if (asked)
        diag_error(&at->r->diag, written(at, section, key),
                   "IKEv1 has no '%s', and '%s' is of version 1; %s", key, at->group->name,
                   instead);
}

static void refuse_keys(const struct group_place *at)
{
    const struct scenario_group *g = at->group;
    const struct ike_words *w = &g->ike_words;
    const struct child_words *c = &g->child_words;

    refuse(at, "ike", "mobike", w->mobike, "set it to false there");
    refuse(at, "ike", "childless", w->childless != CHILDLESS_NEVER, "set it to never there");
    refuse(at, "ike", "reauth_time", w->reauth_time,
           "'rekey_time' makes phase 1 anew there, which authenticates");
    refuse(at, "ike", "make_before_break", w->make_before_break, "set it to false there");
    refuse(at, "ike", "window", w->window > 1,
           "exchanges run beside each other there; set it to 1");
    refuse(at, "ike", "invalid_message_id", w->invalid_message_id,
           "message IDs have no order there; set it to false");
    refuse(at, "ike", "invalid_spi", w->invalid_spi, "set it to false there");
    refuse(at, "ike", "quick_crash_detection", w->quick_crash_detection,
           "set it to false there; 'dpd_delay' finds out, too");
    refuse(at, "ike", "quirks", w->quirk_count > 0, "these bugs are of IKEv2: leave it out there");
    refuse(at, "limits", "cookie_above", g->limits.cookie_above > 0 && w->version == VERSION_1,
           "cookies are of IKEv2; 'half_open_per_source' goes for both");
    refuse(at, "limits", "cookie", g->limits.cookie == COOKIE_ALWAYS && w->version == VERSION_1,
           "cookies are of IKEv2; 'half_open_per_source' goes for both");
    refuse(at, "child", "per_resource", c->per_resource > 0, "set it to 0 there");
    refuse(at, "child", "single_pair", c->single_pair, "set it to false there");
    refuse(at, "child", "tfc_padding", c->tfc_padding > 0,
           "nobody says there whether it is understood; set it to 0B");
}

/* Quick Mode has one pair of ID payloads (RFC 2409 §5.5). */
static void check_selectors(const struct group_place *at)
{
    const struct scenario_group *g = at->group;
    static const char *const what = "'%s' speaks IKEv1, whose child SAs have one network at each "
                                    "end; give one, such as 10.0.0.0/8";

    if (g->child_words.local_ts_count > 1)
        diag_error(&at->r->diag, written(at, "child", "local_ts"), what, g->name);
    if (g->child_words.remote_ts_count > 1)
        diag_error(&at->r->diag, written(at, "child", "remote_ts"), what, g->name);
    if (g->protect_count > 1)
        diag_error(&at->r->diag, tree_get(at->map, "protects"), what, g->name);
}

/* RFC 2409 §5.1, RFC 4754 §3: RSA, and ECDSA on three curves; by certificates. Which hash RSA
 * signs is negotiated with the rest. */
static bool can_prove(const struct scenario_group *g)
{
    struct scenario_auth auth = scenario_auth(&g->ike_words);

    if (auth.way == AUTH_NULL) /* hybrid: the user's password is all there is */
        return g->ike_words.xauth && g->role == ROLE_INITIATOR;
    if (auth_encrypts(auth.way)) /* RFC 2409 §5.2, §5.3 */
        return true;
    if (auth.way != AUTH_CERTIFICATE)
        return auth.way == AUTH_PSK;
    return auth.key == KEY_ECP256 || auth.key == KEY_ECP384 || auth.key == KEY_ECP521 ||
           (auth.key == KEY_RSA &&
            (g->ike_words.version == VERSION_ANY || g->ike_words.auth == AUTH_WORD_RSA));
}

static void check_proof(const struct group_place *at)
{
    const struct ike_words *w = &at->group->ike_words;

    if (!can_prove(at->group))
        diag_error(&at->r->diag, written(at, "ike", "auth"),
                   "'%s' speaks IKEv1, whose 'auth' is psk, rsa (by the hash of the proposal), "
                   "ecdsa-256, ecdsa-384 or ecdsa-521, or for a lab rsa-encryption; give one of "
                   "those",
                   at->group->name);
    else if (scenario_signs(at->group) && at->r->scenario->pki.form == PKI_RAW_KEYS)
        diag_error(&at->r->diag, tree_get(tree_get(at->r->root, "pki"), "form"),
                   "'%s' speaks IKEv1, which has no payload for a raw key; set 'form' to "
                   "certificates",
                   at->group->name);
    if (w->lookup.latency != NSEC_NEVER)
        diag_error(&at->r->diag, written(at, "ike", "lookup"),
                   "'%s' speaks IKEv1, where nobody waits for a look-up; leave 'lookup' out there",
                   at->group->name);
}

/* ---- who calls whom ---- */

/* ---- users and addresses inside ---- */

static void check_address_only(const struct group_place *at)
{
    const struct scenario_group *g = at->group;
    bool calls = g->role == ROLE_INITIATOR;

    if (calls ? !g->ike_words.ask_address : !g->ike_words.address_pool.addr.family)
        diag_error(&at->r->diag, written(at, "ike", "address_only"),
                   "'address_only' is about addresses that Mode-Config gives, and '%s' has no "
                   "'%s'",
                   g->name, calls ? "ask_address" : "address_pool");
    else if (calls && (g->protect_count || g->child_words.local_ts_count ||
                       g->child_words.mode == CHILD_TRANSPORT))
        diag_error(&at->r->diag, written(at, "ike", "address_only"),
                   "child SAs of '%s' are for the address that it is given alone: it takes mode "
                   "tunnel, and neither 'protects' nor 'local_ts'",
                   g->name);
}

static void check_users(const struct group_place *at)
{
    const struct ike_words *w = &at->group->ike_words;
    struct scenario_auth auth = scenario_auth(w);

    if (w->xauth && w->version == VERSION_ANY)
        diag_error(&at->r->diag, written(at, "ike", "version"),
                   "who calls '%s' with IKEv2 would get by without a user, as that has no 'xauth'; "
                   "give it version 1",
                   at->group->name);
    if (w->xauth && auth.key != KEY_TYPES && (auth.key != KEY_RSA || auth_encrypts(auth.way)))
        diag_error(&at->r->diag, written(at, "ike", "auth"),
                   "XAUTH has no method with %s; 'auth' takes psk or rsa with it", auth.word);
    if (w->address_pool.addr.family &&
        w->address_pool.length + 2u > 8 * ip_addr_len(&w->address_pool.addr))
        diag_error(&at->r->diag, written(at, "ike", "address_pool"),
                   "there is no address in this pool; give a larger one such as 10.99.0.0/24");
    if (w->address_only)
        check_address_only(at);
}

static void refuse_users(const struct group_place *at)
{
    const struct ike_words *w = &at->group->ike_words;
    const struct {
        const char *key;
        bool asked;
    } words[] = {{"xauth", w->xauth},
                 {"ask_address", w->ask_address},
                 {"address_only", w->address_only},
                 {"address_pool", w->address_pool.addr.family != 0}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].asked)
            diag_error(&at->r->diag, written(at, "ike", words[i].key),
                       "'%s' is of IKEv1, and '%s' is of version 2; leave it out there",
                       words[i].key, at->group->name);
}

/* Of the address that a gateway's traffic has inside (sim/address_plan.h). */
static uint8_t family_behind(const struct scenario_group *gateway)
{
    return gateway->protect_count ? gateway->protects[0].addr.family : 4;
}

static void check_peer_users(const struct group_place *at, const struct scenario_group *peer)
{
    const struct ike_words *own = &at->group->ike_words, *theirs = &peer->ike_words;

    if (own->xauth != theirs->xauth)
        diag_error(&at->r->diag, written(at, "ike", "xauth"),
                   "'%s' calls '%s' with IKEv1, and only one of them has 'xauth'; give it to both "
                   "or to neither",
                   at->group->name, peer->name);
    if (own->ask_address && !theirs->address_pool.addr.family)
        diag_error(&at->r->diag, written(at, "ike", "ask_address"),
                   "'%s' has no 'address_pool' to give addresses of; give it one such as "
                   "10.99.0.0/24",
                   peer->name);
    else if (own->address_only && theirs->address_pool.addr.family != family_behind(peer))
        diag_error(&at->r->diag, written(at, "ike", "address_only"),
                   "traffic of '%s' would go between an address of 'address_pool' and what '%s' "
                   "protects, which are of two families; give it a pool of the same",
                   at->group->name, peer->name);
}

/* A method of RFC 2409 is for both sides. Who is called has a shared secret always. */
static void check_peer_proof(const struct group_place *at, const struct scenario_group *peer)
{
    struct scenario_auth own = scenario_auth(&at->group->ike_words);
    struct scenario_auth theirs = scenario_auth(&peer->ike_words);

    if (own.way == AUTH_NULL && theirs.key != KEY_RSA)
        diag_error(&at->r->diag, written(at, "ike", "auth"),
                   "a user of '%s' shows nothing but a password, so '%s' has to sign; give it rsa",
                   at->group->name, peer->name);
    if (own.key != KEY_TYPES && (theirs.way != own.way || theirs.key != own.key))
        diag_error(&at->r->diag, written(at, "ike", "auth"),
                   "'%s' calls with IKEv1, where both sides prove themselves in the same way, and "
                   "'%s' cannot do so by %s; give both the same 'auth'",
                   at->group->name, peer->name, own.word);
}

static void check_peer_mode(const struct group_place *at, const struct scenario_group *peer)
{
    if (at->group->ike_words.phase1 == PHASE1_AGGRESSIVE &&
        peer->ike_words.phase1 != PHASE1_AGGRESSIVE)
        diag_error(&at->r->diag, written(at, "ike", "mode"),
                   "'%s' calls with Aggressive Mode, which '%s' does not answer; give '%s' mode "
                   "aggressive: it answers both then",
                   at->group->name, peer->name, peer->name);
}

static void check_peer(const struct group_place *at)
{
    const struct scenario_group *g = at->group, *peer = &at->r->scenario->groups[g->connect];
    unsigned version = g->ike_words.version == VERSION_1 ? IKE_V1 : IKE_V2;

    if (!(answers_of(&peer->ike_words) & 1u << version))
        diag_error(&at->r->diag, written(at, "ike", "version"),
                   "'%s' calls with IKEv%u, which '%s' does not answer; give '%s' version %u, or "
                   "0 to answer both",
                   g->name, version, peer->name, peer->name, version);
    else if (version == IKE_V1) {
        check_peer_mode(at, peer);
        check_peer_proof(at, peer);
        check_peer_users(at, peer);
    }
}

static void refuse_encryption(const struct group_place *at)
{
    const struct ike_words *w = &at->group->ike_words;
    struct scenario_auth auth = scenario_auth(w);

    if (auth_encrypts(auth.way) && w->version != VERSION_1)
        diag_error(&at->r->diag, written(at, "ike", "auth"),
                   "%s is of IKEv1 (RFC 2409 §5.2), and '%s' is not of version 1 alone; give it "
                   "version 1, or another 'auth' such as rsa",
                   auth.word, at->group->name);
}

static void check_group(const struct group_place *at)
{
    const struct scenario_group *g = at->group;
    const struct tree *mode = tree_get(tree_get(at->map, "ike"), "mode");

    if (mode && g->ike_words.version == VERSION_2 && g->ike_words.phase1 != PHASE1_MAIN)
        diag_warning(&at->r->diag, mode, "'mode' is of IKEv1, and '%s' is of version 2", g->name);
    refuse_encryption(at);
    if (g->role == ROLE_INITIATOR)
        check_peer(at);
    if (!scenario_speaks_v1(g)) {
        refuse_users(at);
        return;
    }
    check_users(at);
    check_proposals_of(at);
    check_proof(at);
    check_selectors(at);
    if (g->ike_words.version == VERSION_1)
        refuse_keys(at);
}

void check_versions(struct scenario_reader *r)
{
    const struct tree *nodes = tree_get(r->root, "nodes");
    const struct scenario_group *g = r->scenario->groups;

    for (const struct tree *v = nodes->first; v; v = v->next) {
        if (is_ignored(v))
            continue;
        if (g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER)
            check_group(&(struct group_place){r, v, g});
        g++;
    }
}
