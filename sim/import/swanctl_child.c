/* Of a connection's children the first that makes an SA: its proposals, mode and selectors. */
#include "sim/import/swanctl_model.h"
#include "sim/scenario.h"

#include <string.h>

/* Inner addresses that a scenario gives to initiators. */
static struct ip_prefix inner_plan(void)
{
    return (struct ip_prefix){ip_addr_v4(0x0a800000), 9};
}

/* The list as it grows: as long as the longest lines that can come out of it. */
struct list {
    char text[1600];
    size_t len;
    unsigned count;
};

static bool list_add(struct list *l, const char *item)
{
    int n = snprintf(l->text + l->len, sizeof l->text - l->len, "%s%s", l->count ? ", " : "", item);

    if (n < 0 || l->count == PROPOSALS_MAX || (size_t)n >= sizeof l->text - l->len) {
        l->text[l->len] = '\0';
        return false;
    }
    l->len += (size_t)n;
    l->count++;
    return true;
}

static bool v1_can_say(const char *proposal, bool ike)
{
    struct proposal_config p;
    struct bytes bad;

    return !proposal_parse(bytes_text(proposal), ike, &p, &bad) && scenario_v1_can_say(&p, ike);
}

static void add_defaults(struct swanctl_importer *im, bool ike, bool v1, struct list *l)
{
    im->default_proposals = true;
    for (const char *const *p = swanctl_default_proposals(ike); *p; p++)
        if (!v1 || v1_can_say(*p, ike))
            (void)list_add(l, *p);
}

/* Characters of a proposal in a note; others would not be keywords anyway. */
static const char *printable(const char *text, int len, char out[64])
{
    int n = 0;

    for (; n < len && n < 63 && text[n]; n++)
        out[n] = text[n] > ' ' && text[n] < 0x7f ? text[n] : '?';
    out[n] = '\0';
    return out;
}

static void map_proposal(struct swanctl_importer *im, struct settings_entry *e, const char *item,
                         bool ike, bool v1, struct list *l)
{
    char ours[SWANCTL_TEXT_MAX], whole[64], word[64];
    struct bytes bad;
    bool changed;
    enum err error = swanctl_proposal(item, ike, ours, &changed, &bad);

    printable(item, 63, whole);
    if (error == ERR_UNSUPPORTED) {
        settings_note(&im->settings, e, "'%s' is left out, Ikelab has no '%s'", whole,
                      printable((const char *)bad.data, (int)bad.len, word));
    } else if (error) {
        settings_note(&im->settings, e, "'%s' is left out, it does not make %s proposal", whole,
                      ike ? "an IKE" : "an ESP");
    } else if (v1 && !v1_can_say(ours, ike)) {
        settings_note(&im->settings, e, "'%s' is left out, IKEv1 has no words for it", whole);
    } else if (!list_add(l, ours)) {
        settings_note(&im->settings, e, "'%s' is left out, there are %d already", whole,
                      (int)l->count);
    } else if (changed) {
        settings_note(&im->settings, e,
                      "'%s' names an integrity algorithm beside an AEAD; as in strongSwan %s",
                      whole, ike ? "it is taken for the prf" : "it is left out");
    }
}

void proposals_map(struct swanctl_importer *im, const struct settings_view *view, const char *key,
                   bool ike, struct swanctl_words *words)
{
    struct settings_entry *e = view_get(view, key);
    const char *rest = e ? e->value : "default";
    char item[SWANCTL_TEXT_MAX];
    struct list l = {.len = 0};

    while (swanctl_next(&rest, item))
        if (strcmp(item, "default") == 0)
            add_defaults(im, ike, words->v1, &l);
        else if (e)
            map_proposal(im, e, item, ike, words->v1, &l);
    if (!l.count && e) {
        settings_error(&im->settings, &e->value_at, "no proposal is left: %s",
                       e->note ? e->note : "there is none");
        return;
    }
    if (e)
        e->carried = true;
    words_add(im, words, "%s: [%s]", key, l.text);
}

static bool is_shunt(const struct settings_view *child)
{
    const struct settings_entry *mode = view_get(child, "mode");

    return mode && (strcmp(mode->value, "pass") == 0 || strcmp(mode->value, "drop") == 0);
}

bool child_choose(struct swanctl_importer *im, const struct settings_view *connection,
                  const struct settings_view **child)
{
    const struct settings_view *children = view_child(connection, "children");
    char why[SETTINGS_NAME_MAX + 64];

    *child = NULL;
    for (const struct settings_view *c = children ? children->children : NULL; c; c = c->next) {
        if (is_shunt(c)) {
            words_note_all(im, c, "a shunt (mode pass or drop) makes no SA; scenarios have none");
        } else if (*child) {
            snprintf(why, sizeof why, "a tunnel has one child SA in a scenario, that of '%s'",
                     (*child)->name);
            words_note_all(im, c, why);
        } else {
            *child = c;
        }
    }
    if (children)
        for (const struct settings_pick *p = children->first; p; p = p->next)
            settings_note(&im->settings, p->entry, "'children' holds sections only");
    return *child || !children || !children->children;
}

static bool map_mode(struct swanctl_importer *im, struct swanctl_tunnel *t,
                     const struct settings_view *child)
{
    struct settings_entry *e = view_get(child, "mode");
    bool transport = e && strcmp(e->value, "transport") == 0;

    if (transport && (t->host.address.family == 6 || t->peer.address.family == 6)) {
        settings_note(&im->settings, e, "transport mode between IPv6 addresses is not modelled");
        transport = false;
    } else if (e && (transport || strcmp(e->value, "tunnel") == 0)) {
        e->carried = true;
    } else if (e) {
        settings_note(&im->settings, e, "Ikelab has tunnel and transport mode; this is tunnel");
    }
    if (transport)
        words_add(im, &t->child, "mode: transport");
    return transport;
}

/* Selectors that a scenario has words for; the others are noted. */
static void read_selectors(struct swanctl_importer *im, struct settings_entry *e, bool v1,
                           struct swanctl_prefixes *out)
{
    unsigned most = v1 ? 1 : SELECTORS_MAX;
    const char *rest = e ? e->value : "";
    char item[SWANCTL_TEXT_MAX], shown[64];
    struct ip_prefix p;

    out->count = 0;
    while (swanctl_next(&rest, item)) {
        printable(item, 63, shown);
        if (strcmp(item, "dynamic") == 0)
            continue;
        if (strchr(item, '['))
            settings_note(&im->settings, e, "'%s': a scenario's selectors have no protocol or port",
                          shown);
        else if (!swanctl_prefix(item, &p))
            settings_note(&im->settings, e, "'%s' is no prefix, which is all a scenario takes",
                          shown);
        else if (p.addr.family == 6)
            settings_note(&im->settings, e, "'%s': traffic inside the tunnels is IPv4", shown);
        else if (out->count == most)
            settings_note(&im->settings, e, "'%s': a side has at most %u selector%s", shown, most,
                          v1 ? " in IKEv1" : "s");
        else
            out->list[out->count++] = p;
    }
    if (e)
        e->carried = out->count || !e->note;
}

/* What a side speaks for: networks behind it, unless they meet the plan's own inner addresses. */
static void give_networks(struct swanctl_side *side, const struct swanctl_prefixes *networks)
{
    struct ip_prefix plan = inner_plan();
    bool meets = false;

    for (unsigned i = 0; i < networks->count; i++)
        meets |= swanctl_overlap(&networks->list[i], &plan);
    if (meets)
        side->local_ts = *networks;
    else
        side->protects = *networks;
}

static bool covers_inner(const struct swanctl_prefixes *networks)
{
    struct ip_prefix plan = inner_plan();

    for (unsigned i = 0; i < networks->count; i++)
        if (swanctl_within(&plan, &networks->list[i]))
            return true;
    return networks->count == 0;
}

static void map_selectors(struct swanctl_importer *im, struct swanctl_tunnel *t,
                          const struct settings_view *child)
{
    struct settings_entry *far = view_get(child, "remote_ts");
    struct swanctl_prefixes local, remote;

    read_selectors(im, view_get(child, "local_ts"), t->child.v1, &local);
    read_selectors(im, far, t->child.v1, &remote);
    give_networks(&t->host, &local);
    if (t->host_initiates)
        t->host.remote_ts = remote;
    if (t->peer.count == 1) {
        give_networks(&t->peer, &remote);
    } else if (!covers_inner(&remote)) {
        far->carried = false;
        settings_note(&im->settings, far,
                      "%u peers cannot all speak for one network; each offers its inner address",
                      t->peer.count);
    }
}

static void map_start(struct swanctl_importer *im, const struct swanctl_tunnel *t,
                      const struct settings_view *child)
{
    struct settings_entry *e = view_get(child, "start_action");

    if (!e)
        return;
    if (t->host_initiates ? strstr(e->value, "start") != NULL : strcmp(e->value, "none") == 0)
        e->carried = true;
    else if (!t->host_initiates)
        settings_note(&im->settings, e, "this host answers here; its peers begin");
    else if (strcmp(e->value, "trap") == 0)
        settings_note(&im->settings, e, "the tunnel is set up at once, not by the first packet");
    else
        settings_note(&im->settings, e, "the tunnel is set up at once, as scenarios do");
}

void child_map(struct swanctl_importer *im, struct swanctl_tunnel *t,
               const struct settings_view *child)
{
    if (!child)
        remark_add(im, t, "It has no child; one with strongSwan's defaults is made.");
    proposals_map(im, child, "esp_proposals", false, &t->child);
    if (!child)
        return;
    words_map(im, SWANCTL_CHILD, child, &t->child);
    map_start(im, t, child);
    for (const struct settings_view *c = child->children; c; c = c->next)
        words_note_all(im, c, "a child has no sections that Ikelab knows");
    if (!map_mode(im, t, child)) {
        map_selectors(im, t, child);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct settings_entry *e = view_get(child, i ? "remote_ts" : "local_ts");

        if (e && strcmp(e->value, "dynamic") == 0)
            e->carried = true;
        else if (e)
            settings_note(&im->settings, e, "in transport mode the two hosts are the selectors");
    }
}
