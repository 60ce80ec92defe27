/* What only IKEv1 has: the version itself, Aggressive Mode, users (XAUTH) and addresses inside. */
#include "sim/import/swanctl_model.h"
#include "sim/scenario_units.h"

#include <string.h>

#define MADE_RSA "test certificates are made for the run, with RSA keys"
#define ONE_WAY "IKEv1 proves both sides in one way"

/* ---- version and mode ---- */

static void map_mode(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *e = view_get(t->view, "aggressive");
    bool on;

    if (!e)
        return;
    e->carried = swanctl_bool(e->value, &on) && (!on || t->ike.v1);
    if (!e->carried)
        settings_note(&im->settings, e,
                      t->ike.v1 ? "is neither yes nor no; the default is taken"
                                : "Aggressive Mode is of IKEv1, and this connection of version 2");
    else if (on)
        words_add(im, &t->ike, "mode: aggressive");
}

void version_map(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *e = view_get(t->view, "version");

    t->ike.v1 = t->child.v1 = e && strcmp(e->value, "1") == 0;
    if (t->ike.v1)
        words_add(im, &t->ike, "version: 1");
    map_mode(im, t);
    if (!e)
        return;
    e->carried = t->ike.v1 || strcmp(e->value, "2") == 0 || strcmp(e->value, "0") == 0;
    if (!e->carried)
        settings_note(&im->settings, e, "there are versions 0, 1 and 2; the connection is IKEv2");
}

/* ---- who proves what ---- */

static const struct swanctl_auth_word auth_words[] = {
    {"psk", "psk", NULL},
    {"pubkey", "rsa", MADE_RSA},
    {"rsa", "rsa", MADE_RSA},
    {"ecdsa-384", "ecdsa-384", "test certificates are made for the run"},
    {"ecdsa-521", "ecdsa-521", "test certificates are made for the run"},
    {"ecdsa", "ecdsa", "test certificates are made for the run"},
    {"ike:", "rsa", MADE_RSA},
    {"any", "rsa", MADE_RSA},
    {"ed", "rsa", "IKEv1 has no such signatures; " MADE_RSA},
    {"eap", "psk", "IKEv1 has no EAP: this side has a pre-shared key instead"},
    {"", "psk", "Ikelab does not know this word: this side has a pre-shared key instead"},
};

static const char *prove(struct swanctl_importer *im, struct swanctl_tunnel *t,
                         const struct swanctl_rounds *r)
{
    if (!r->proof && r->user)
        return "null"; /* the user's password is all there is */
    return auth_word_map(im, t, r->proof, auth_words);
}

static void change_auth(struct swanctl_importer *im, struct swanctl_tunnel *t,
                        struct swanctl_side *side, const struct swanctl_rounds *r, const char *auth,
                        const char *why)
{
    struct settings_entry *e = view_get(r->proof ? r->proof : r->user, "auth");

    if (strcmp(side->auth, auth) == 0)
        return;
    if (e) {
        e->carried = false;
        settings_note(&im->settings, e, "%s: %s here", why, auth);
    } else {
        remark_add(im, t, "%s: %s.", why, auth);
    }
    side->auth = auth;
}

static bool signs_with_ecdsa(const struct swanctl_side *side)
{
    return strncmp(side->auth, "ecdsa", 5) == 0;
}

/* Whom the initiator is known as, besides. */
static void map_user(struct swanctl_importer *im, struct swanctl_tunnel *t,
                     const struct settings_view *round)
{
    struct settings_entry *name = view_get(round, "xauth_id"), *auth = view_get(round, "auth");
    char id[SWANCTL_TEXT_MAX];

    auth->carried = true;
    words_add(im, &t->ike, "xauth: true");
    if (name && t->host_initiates && swanctl_identity(name->value, id) == SWANCTL_ID_ONE) {
        name->carried = true;
        words_add(im, &t->ike, "xauth_user: \"%s\"", id);
    }
    for (const struct settings_pick *p = round->first; p; p = p->next)
        if (!p->entry->carried)
            settings_note(&im->settings, p->entry,
                          "a user in a scenario is a name and the test password; the default is "
                          "taken");
    for (const struct settings_view *c = round->children; c; c = c->next)
        words_note_all(im, c, "a user in a scenario is a name and the test password");
}

void v1_auth_map(struct swanctl_importer *im, struct swanctl_tunnel *t,
                 const struct swanctl_rounds *local, const struct swanctl_rounds *remote)
{
    const struct swanctl_rounds *calls = t->host_initiates ? local : remote;
    const struct swanctl_rounds *answers = t->host_initiates ? remote : local;
    struct swanctl_side *caller = t->host_initiates ? &t->host : &t->peer;
    struct swanctl_side *called = t->host_initiates ? &t->peer : &t->host;

    caller->auth = prove(im, t, calls);
    called->auth = prove(im, t, answers);
    if (strcmp(called->auth, "null") == 0)
        change_auth(im, t, called, answers, "psk", "in a scenario the initiator is the user");
    if (answers->user)
        words_note_all(im, answers->user, "in a scenario the initiator is the user");
    if (strcmp(caller->auth, "null") == 0)
        change_auth(im, t, called, answers, "rsa", "a user with a password alone is shown RSA");
    else if (calls->user && (signs_with_ecdsa(caller) || signs_with_ecdsa(called)))
        change_auth(im, t, caller, calls, "rsa", "XAuth goes with psk and RSA");
    if (strcmp(caller->auth, "null") != 0)
        change_auth(im, t, called, answers, caller->auth, ONE_WAY);
    if (calls->user)
        map_user(im, t, calls->user);
}

/* ---- lifetime of phase 1 ---- */

void v1_reauth_map(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *e = view_get(t->view, "reauth_time");
    const struct settings_entry *jitter = view_get(t->view, "rand_time");
    uint64_t time, random = 0;
    char text[UNIT_TEXT_MAX];

    if (!e)
        return;
    if (!swanctl_time(e->value, &time)) {
        settings_note(&im->settings, e, "is no value that can be read; the default is taken");
        return;
    }
    if (jitter && !swanctl_time(jitter->value, &random))
        random = 0;
    e->carried = time == 0;
    if (time && !view_get(t->view, "rekey_time") && time > random) {
        unit_write(DIMENSION_TIME, time, text);
        words_add(im, &t->ike, "rekey_time: %s", text);
        e->carried = true;
    } else if (time) {
        settings_note(&im->settings, e,
                      "'rekey_time' makes phase 1 anew in IKEv1, which authenticates; one of both "
                      "is taken");
    }
}

/* ---- addresses inside ---- */

/* The first network with an address for each of them. */
static bool take_pool(struct swanctl_importer *im, const char *name, uint32_t count,
                      struct ip_prefix *out)
{
    const struct settings_view *pools = settings_view(&im->settings, "pools");
    struct settings_entry *e = view_get(view_child(pools, name), "addrs");
    size_t bits;

    if (!e || !swanctl_prefix(e->value, out))
        return false;
    bits = 8 * ip_addr_len(&out->addr) - out->length;
    if (bits < 2 || (bits < 32 && (UINT64_C(1) << bits) - 2 < count))
        return false;
    e->carried = true;
    return true;
}

static void give_addresses(struct swanctl_importer *im, struct swanctl_tunnel *t,
                           struct settings_entry *pools)
{
    const char *rest = pools->value;
    char item[SWANCTL_TEXT_MAX];

    while (swanctl_next(&rest, item))
        if (!t->host.pool.addr.family && take_pool(im, item, t->peer.count, &t->host.pool))
            t->peer.asks_address = pools->carried = true;
        else
            settings_note(&im->settings, pools,
                          "one pool is taken, which is a network with an address for each of %u "
                          "peers",
                          t->peer.count);
}

static void ask_address(struct swanctl_importer *im, struct swanctl_tunnel *t,
                        struct settings_entry *vips)
{
    bool told = swanctl_prefix("10.99.0.0/24", &t->peer.pool);

    t->host.asks_address = told;
    vips->carried = strcmp(vips->value, "0.0.0.0") == 0;
    if (!vips->carried)
        settings_note(&im->settings, vips, "one address is asked for, of IPv4 and whichever it is");
    remark_add(im, t, "Its peer gives addresses of 10.99.0.0/24, as the file does not tell which.");
}

void v1_addresses_map(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *vips = view_get(t->view, "vips"), *pools = view_get(t->view, "pools");

    if (t->ike.v1 && vips && t->host_initiates)
        ask_address(im, t, vips);
    if (t->ike.v1 && pools && !t->host_initiates)
        give_addresses(im, t, pools);
    if (vips && !t->host.asks_address)
        settings_note(&im->settings, vips,
                      t->ike.v1 ? "in a scenario initiators ask for addresses" : SWANCTL_NO_POOLS);
    if (pools && !t->ike.v1)
        settings_note(&im->settings, pools, SWANCTL_NO_POOLS);
    else if (pools && t->host_initiates)
        settings_note(&im->settings, pools, "in a scenario responders give addresses");
}
