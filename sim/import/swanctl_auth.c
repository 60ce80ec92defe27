/* Who proves what, with which secret, under which identity. */
#include "sim/import/swanctl_model.h"

#include <ctype.h>
#include <string.h>

/* Never a secret of the file, unless --with-secrets asks for it. */
#define TEST_SECRET "a-test-secret"

#define MADE "keys and certificates are not carried over: test certificates are made for the run"
#define MADE_ECDSA MADE ", with P-256 keys (auth: rsa makes RSA keys)"
#define NO_EAP "Ikelab has no EAP yet: this side has a pre-shared key instead"
#define NO_IKEV1 "XAuth is of IKEv1, and this connection of version 2: a pre-shared key instead"

/* strongSwan's words for `auth`, by how they begin, and the scenario's. A word that Ikelab learns
 * is a change of one line here. */
static const struct swanctl_auth_word auth_words[] = {
    {"psk", "psk", NULL},
    {"pubkey", "ecdsa", MADE_ECDSA},
    {"rsa/pss", "rsa", MADE},
    {"rsa", "rsa-sha256", MADE},
    {"ecdsa-384", "ecdsa-384", MADE},
    {"ecdsa-521", "ecdsa-521", MADE},
    {"ecdsa", "ecdsa", MADE},
    {"ed25519", "ed25519", MADE},
    {"ed448", "ed448", MADE},
    {"ike:", "ecdsa", MADE_ECDSA},
    {"any", "ecdsa", MADE_ECDSA},
    {"eap", "psk", NO_EAP},
    {"xauth", "psk", NO_IKEV1},
    {"", "psk", "Ikelab does not know this word: this side has a pre-shared key instead"},
};

const char *auth_word_map(struct swanctl_importer *im, struct swanctl_tunnel *t,
                          const struct settings_view *round, const struct swanctl_auth_word *w)
{
    struct settings_entry *e = view_get(round, "auth");
    const char *text = e ? e->value : "pubkey";

    while (strncmp(text, w->begins, strlen(w->begins)) != 0)
        w++;
    if (!e && w->why)
        remark_add(im, t, "Without 'auth' it is pubkey: %s.", w->why);
    else if (w->why)
        settings_note(&im->settings, e, "%s", w->why);
    if (e)
        e->carried = !w->why;
    return w->ours;
}

static bool is_xauth(const struct settings_view *round)
{
    const struct settings_entry *e = view_get(round, "auth");

    return e && strncmp(e->value, "xauth", 5) == 0;
}

/* local, local-1, local2: the first is the one there is, and of IKEv1 that of the user. */
static struct swanctl_rounds rounds_of(struct swanctl_importer *im, const struct swanctl_tunnel *t,
                                       const char *side)
{
    struct swanctl_rounds found = {NULL, NULL};

    for (const struct settings_view *c = t->view->children; c; c = c->next) {
        if (strncmp(c->name, side, strlen(side)) != 0)
            continue;
        if (t->ike.v1 && !found.user && is_xauth(c))
            found.user = c;
        else if (!found.proof && !(t->ike.v1 && is_xauth(c)))
            found.proof = c;
        else
            words_note_all(im, c, "a scenario has one round of authentication, the first");
    }
    return found;
}

static void map_id(struct swanctl_importer *im, struct settings_entry *e, struct swanctl_side *side)
{
    char id[SWANCTL_TEXT_MAX];
    enum swanctl_id kind = e ? swanctl_identity(e->value, id) : SWANCTL_ID_ANY;

    if (!e)
        return;
    e->carried = true;
    if (kind == SWANCTL_ID_ANY)
        return;
    if (kind == SWANCTL_ID_UNSUITED || (kind == SWANCTL_ID_ONE && side->count > 1)) {
        e->carried = false;
        settings_note(&im->settings, e,
                      "an identity in a scenario is a domain name or mail address of up to 48 "
                      "bytes; the default is taken");
        return;
    }
    if (kind == SWANCTL_ID_PATTERN && side->count == 1 && strchr(e->value, '@'))
        settings_note(&im->settings, e, "the star is 'user{n}', {n} being the member's number");
    side->id = arena_text(im->settings.arena, id, strlen(id));
    if (!side->id)
        im->settings.diag.no_memory = true;
}

/* How well a secret of the file fits a connection, by its identities; 0: not at all. */
static unsigned fits(const struct settings_view *secret, const char *const names[4])
{
    unsigned points = 0;
    bool any = true;

    for (const struct settings_pick *p = secret->first; p; p = p->next) {
        if (strncmp(p->entry->key, "id", 2) != 0 || !p->entry->value[0])
            continue;
        any = false;
        /* 0, 1: the peer's names; 2, 3: the host's, which all its connections share. */
        for (unsigned i = 0; i < 4; i++)
            if (names[i] && strcmp(names[i], p->entry->value) == 0)
                points += i < 2 ? 4 : 2;
    }
    return any ? 1 : points;
}

static const char *value_of(const struct settings_view *view, const char *key)
{
    const struct settings_entry *e = view_get(view, key);

    return e ? e->value : NULL;
}

static const struct settings_view *secret_of(const struct swanctl_importer *im,
                                             const struct settings_view *connection,
                                             const struct settings_view *local,
                                             const struct settings_view *remote)
{
    const char *const names[4] = {value_of(remote, "id"), value_of(connection, "remote_addrs"),
                                  value_of(local, "id"), value_of(connection, "local_addrs")};
    const struct settings_view *best = NULL;
    unsigned most = 0;

    for (const struct settings_view *c = im->secrets ? im->secrets->children : NULL; c; c = c->next)
        if (strncmp(c->name, "ike", 3) == 0 && fits(c, names) > most) {
            most = fits(c, names);
            best = c;
        }
    return best;
}

static bool is_plain_text(const char *text)
{
    if (!text[0] || strlen(text) > PSK_MAX)
        return false;
    for (; *text; text++)
        if (!isprint((unsigned char)*text))
            return false;
    return true;
}

static void add_secret(struct swanctl_importer *im, struct swanctl_tunnel *t, const char *secret)
{
    char quoted[2 * PSK_MAX + 1];
    size_t n = 0;

    for (; *secret && n < sizeof quoted - 2; secret++) {
        if (*secret == '"' || *secret == '\\')
            quoted[n++] = '\\';
        quoted[n++] = *secret;
    }
    quoted[n] = '\0';
    words_add(im, &t->ike, "psk: \"%s\"", quoted);
}

static void map_secret(struct swanctl_importer *im, struct swanctl_tunnel *t,
                       const struct settings_view *local, const struct settings_view *remote)
{
    const struct settings_view *from = secret_of(im, t->view, local, remote);
    struct settings_entry *e = view_get(from, "secret");

    for (const struct settings_pick *p = from ? from->first : NULL; p; p = p->next)
        if (strncmp(p->entry->key, "id", 2) == 0)
            p->entry->carried = true; /* it told whose secret this is */
    if (!e) {
        remark_add(im, t, "The file has no secret for this connection; a test secret stands in.");
        add_secret(im, t, TEST_SECRET);
        return;
    }
    if (!im->options.with_secrets) {
        settings_note(&im->settings, e,
                      "not copied, the test secret '%s' stands for it (--with-secrets copies)",
                      TEST_SECRET);
    } else if (strncmp(e->value, "0x", 2) == 0 || strncmp(e->value, "0s", 2) == 0 ||
               !is_plain_text(e->value)) {
        settings_note(&im->settings, e,
                      "a scenario's secret is a text of up to %d bytes; the test secret '%s' "
                      "stands for it",
                      PSK_MAX, TEST_SECRET);
    } else {
        e->carried = true;
        add_secret(im, t, e->value);
        return;
    }
    add_secret(im, t, TEST_SECRET);
}

void auth_map(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    const struct swanctl_rounds rounds[2] = {rounds_of(im, t, "local"), rounds_of(im, t, "remote")};
    const struct settings_view *local = rounds[0].proof, *remote = rounds[1].proof;

    if (t->ike.v1) {
        v1_auth_map(im, t, &rounds[0], &rounds[1]);
    } else {
        t->host.auth = auth_word_map(im, t, local, auth_words);
        t->peer.auth = auth_word_map(im, t, remote, auth_words);
    }
    map_id(im, view_get(local, "id"), &t->host);
    map_id(im, view_get(remote, "id"), &t->peer);
    if (strcmp(t->host.auth, "psk") == 0 || strcmp(t->peer.auth, "psk") == 0)
        map_secret(im, t, local, remote);
    if (local)
        words_map(im, SWANCTL_LOCAL, local, &t->ike);
    if (remote)
        words_map(im, SWANCTL_REMOTE, remote, &t->ike);
    for (const struct settings_view *c = local ? local->children : NULL; c; c = c->next)
        words_note_all(im, c, MADE);
    for (const struct settings_view *c = remote ? remote->children : NULL; c; c = c->next)
        words_note_all(im, c, MADE);
}

/* A secret may stand under a wrong name: what does not tell whose it is, is taken for one. */
static void hide(struct settings_entry *e)
{
    static const char *const shown[] = {"id", "file", "handle", "slot", "module"};

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (strncmp(e->key, shown[i], strlen(shown[i])) == 0)
            return;
    e->hidden = e->kind == SETTINGS_VALUE;
}

static void hide_picks(const struct settings_view *view)
{
    for (const struct settings_pick *p = view ? view->first : NULL; p; p = p->next)
        hide(p->entry);
    for (const struct settings_view *c = view ? view->children : NULL; c; c = c->next)
        hide_picks(c);
}

static void hide_section(const struct settings_section *section, bool all)
{
    for (struct settings_entry *e = section->first; e; e = e->next)
        if (all || strcmp(e->key, "secret") == 0 || strcmp(e->key, "pin") == 0)
            hide(e);
    for (const struct settings_section *c = section->children; c; c = c->next)
        hide_section(c, all || strcmp(c->name, "secrets") == 0);
}

void auth_hide_secrets(struct swanctl_importer *im)
{
    hide_section(im->settings.root, false);
    hide_picks(im->secrets);
}

static bool is_touched(const struct settings_view *view)
{
    for (const struct settings_pick *p = view->first; p; p = p->next)
        if (p->entry->carried || p->entry->note)
            return true;
    return false;
}

void auth_note_secrets(struct swanctl_importer *im)
{
    for (const struct settings_view *c = im->secrets ? im->secrets->children : NULL; c; c = c->next)
        if (strncmp(c->name, "ike", 3) == 0) {
            if (!is_touched(c))
                words_note_all(im, c, "no connection with a pre-shared key takes this secret");
        } else if (strncmp(c->name, "eap", 3) == 0 || strncmp(c->name, "xauth", 5) == 0 ||
                   strncmp(c->name, "ntlm", 4) == 0) {
            words_note_all(im, c, "Ikelab has no EAP, and its users have a test password");
        } else if (strncmp(c->name, "ppk", 3) == 0) {
            words_note_all(im, c, "Ikelab has no post-quantum pre-shared keys");
        } else {
            words_note_all(im, c, "private keys are not carried over");
        }
}
