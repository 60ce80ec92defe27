/* From the settings of a swanctl.conf to the tunnels of a scenario: the order of things. */
#include "sim/import/swanctl_model.h"

#include <string.h>

/* strongSwan: with reauthentication there is no rekeying, unless both are asked for. */
static void map_reauth(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *reauth = view_get(t->view, "reauth_time");
    uint64_t time;

    if (!reauth)
        return;
    reauth->carried = swanctl_time(reauth->value, &time) && time == 0;
    if (reauth->carried)
        return;
    settings_note(&im->settings, reauth,
                  "to be written as 'reauth_time' by hand, with 'make_before_break' of "
                  "strongswan.conf; as in strongSwan it switches rekeying off unless rekey_time is "
                  "given");
    if (swanctl_time(reauth->value, &time) && !view_get(t->view, "rekey_time"))
        words_add(im, &t->ike, "rekey_time: 0s");
}

static void map_connection(struct swanctl_importer *im, const struct settings_view *view)
{
    struct swanctl_tunnel *t = &im->tunnels[im->tunnel_count];
    const struct settings_view *child;

    if (im->tunnel_count == SWANCTL_CONNECTIONS_MAX) {
        words_note_all(im, view, "more connections than can be imported at once");
        return;
    }
    if (!child_choose(im, view, &child)) {
        words_note_all(im, view, "no child of this connection makes an SA");
        return;
    }
    im->tunnel_count++;
    t->view = view;
    version_map(im, t);
    proposals_map(im, view, "proposals", true, &t->ike);
    sides_map(im, t);
    auth_map(im, t);
    words_map(im, SWANCTL_CONNECTION, view, &t->ike);
    if (t->ike.v1)
        v1_reauth_map(im, t);
    else
        map_reauth(im, t);
    v1_addresses_map(im, t);
    child_map(im, t, child);
    for (const struct settings_view *c = view->children; c; c = c->next)
        if (strncmp(c->name, "local", 5) != 0 && strncmp(c->name, "remote", 6) != 0 &&
            strcmp(c->name, "children") != 0)
            words_note_all(im, c, "a connection has no such section that Ikelab knows");
}

static void map_connections(struct swanctl_importer *im)
{
    const struct settings_view *all = settings_view(&im->settings, "connections");

    im->secrets = settings_view(&im->settings, "secrets");
    im->tunnels = settings_take(&im->settings, (SWANCTL_CONNECTIONS_MAX + 1) * sizeof *im->tunnels);
    if (!im->tunnels || !all)
        return;
    for (const struct settings_pick *p = all->first; p; p = p->next)
        settings_note(&im->settings, p->entry, "'connections' holds sections only");
    for (const struct settings_view *c = all->children; c; c = c->next)
        map_connection(im, c);
}

static void map_rest(struct swanctl_importer *im)
{
    static const struct {
        const char *section, *why;
    } others[] = {
        {"pools", "of pools a scenario has the addresses alone, of IKEv1 only"},
        {"authorities", "certificates are not carried over"},
    };
    const struct settings_view *charon = settings_view(&im->settings, "charon");

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct settings_view *view = settings_view(&im->settings, others[i].section);

        if (view)
            words_note_all(im, view, others[i].why);
    }
    for (const struct settings_view *c = charon ? charon->children : NULL; c; c = c->next)
        words_note_all(im, c, "of charon only timers are carried over");
    if (charon)
        words_map(im, SWANCTL_CHARON, charon, &im->charon);
}

/* Whatever no part of the importer looked at is accounted for here: nothing goes silently. */
static void account(struct swanctl_importer *im, const struct settings_section *section)
{
    for (struct settings_entry *e = section->first; e; e = e->next) {
        if (!e->carried && !e->note)
            settings_note(&im->settings, e, "%s",
                          e->overridden ? "another setting of this name overrides it"
                          : section == im->settings.root ? "Ikelab has no word for it"
                                                         : "no imported connection uses it");
        im->summary.carried += e->carried;
        im->summary.noted += e->note != NULL;
    }
    for (const struct settings_section *c = section->children; c; c = c->next)
        account(im, c);
}

static enum err import(struct swanctl_importer *im, enum err e, struct text *out,
                       struct swanctl_summary *summary)
{
    struct settings *s = &im->settings;

    if (e == OK) {
        map_connections(im);
        map_rest(im);
    }
    if (e == OK && !s->diag.errors && !s->diag.no_memory && !im->tunnel_count)
        settings_error(s, &s->root->at, "there is no connection to simulate in this file");
    if (e == OK && !s->diag.errors && !s->diag.no_memory) {
        sides_settle(im);
        auth_note_secrets(im);
        auth_hide_secrets(im);
        account(im, s->root);
        im->summary.connections = im->tunnel_count;
    }
    if (e == OK && !s->diag.errors && !s->diag.no_memory)
        scenario_write(im, out);
    if (e == OK)
        e = s->diag.no_memory ? ERR_MEMORY : s->diag.errors ? ERR_USAGE : out->error;
    *summary = im->summary;
    settings_reset(s);
    return e;
}

enum err swanctl_import(const char *path, const struct swanctl_options *options, struct text *out,
                        struct swanctl_summary *summary, FILE *errors)
{
    struct swanctl_importer im = {.options = *options};
    enum err e = settings_load(path, &im.settings, errors);

    return import(&im, e, out, summary);
}

enum err swanctl_import_text(const char *name, const char *text, size_t len,
                             const struct swanctl_options *options, struct text *out,
                             struct swanctl_summary *summary, FILE *errors)
{
    struct swanctl_importer im = {.options = *options};
    enum err e = settings_parse(name, text, len, &im.settings, errors);

    return import(&im, e, out, summary);
}
