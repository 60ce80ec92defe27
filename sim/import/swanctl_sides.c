/* Who initiates, how many there are, and what the groups are called and addressed. */
#include "sim/import/swanctl_model.h"
#include "sim/scenario.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

void remark_add(struct swanctl_importer *im, struct swanctl_tunnel *t, const char *format, ...)
{
    char text[512];
    va_list args;
    const char *remark;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (unsigned i = 0; i < t->remark_count; i++)
        if (strcmp(t->remarks[i], text) == 0)
            return;
    remark = arena_text(im->settings.arena, text, strlen(text));
    if (!remark)
        im->settings.diag.no_memory = true;
    else if (t->remark_count < SWANCTL_REMARKS_MAX)
        t->remarks[t->remark_count++] = remark;
}

/* One host by address or name, neither a wildcard nor a range. */
static bool is_concrete(const char *item)
{
    struct ip_addr a;

    if (item[0] == '%' || strchr(item, '/'))
        return false;
    if (swanctl_address(item, &a))
        return !bytes_equal(bytes_of(a.bytes, 16), bytes_of((const uint8_t[16]){0}, 16));
    /* What is left is a range of addresses or a name, which has letters and no colon. */
    for (const char *c = item; *c && !strchr(item, ':'); c++)
        if (isalpha((unsigned char)*c))
            return true;
    return false;
}

static bool names_a_host(const struct settings_entry *e)
{
    const char *rest = e ? e->value : "";
    char item[SWANCTL_TEXT_MAX];

    while (swanctl_next(&rest, item))
        if (is_concrete(item))
            return true;
    return false;
}

static bool starts(const struct settings_view *connection)
{
    const struct settings_view *children = view_child(connection, "children");

    for (const struct settings_view *c = children ? children->children : NULL; c; c = c->next) {
        const struct settings_entry *e = view_get(c, "start_action"), *mode = view_get(c, "mode");

        if (e && (strstr(e->value, "start") || strstr(e->value, "trap")) &&
            !(mode && (strcmp(mode->value, "pass") == 0 || strcmp(mode->value, "drop") == 0)))
            return true;
    }
    return false;
}

/* Given out by the address plan, or no address of a host. */
static bool is_reserved(const struct ip_addr *a)
{
    static const char *const prefixes[] = {"100.64.0.0/10", "192.168.0.0/16", "0.0.0.0/8",
                                           "127.0.0.0/8",   "224.0.0.0/3",    "::/8",
                                           "ff00::/8"};
    struct ip_prefix one = {*a, a->family == 4 ? 32 : 128}, p;

    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (swanctl_prefix(prefixes[i], &p) && swanctl_within(&one, &p))
            return true;
    return false;
}

/* The first address of a list; a group has no more. */
static void map_address(struct swanctl_importer *im, struct settings_entry *e,
                        struct swanctl_side *side)
{
    const char *rest = e ? e->value : "";
    char item[SWANCTL_TEXT_MAX];
    struct ip_addr a;

    while (swanctl_next(&rest, item)) {
        if (item[0] == '%')
            continue;
        if (!swanctl_address(item, &a))
            settings_note(&im->settings, e,
                          "only addresses are carried over; others come from the address plan");
        else if (is_reserved(&a))
            settings_note(&im->settings, e,
                          "an address that the address plan gives out, or that no host can have");
        else if (side->address.family)
            settings_note(&im->settings, e, "a group has one address, the first");
        else
            side->address = a;
    }
    side->address_from = e;
    if (e)
        e->carried = side->address.family || !e->note;
}

static void drop_address(struct swanctl_importer *im, struct swanctl_side *side, const char *why)
{
    if (!side->address.family)
        return;
    side->address = (struct ip_addr){0};
    side->address_from->carried = false;
    settings_note(&im->settings, side->address_from, "%s", why);
}

/* strongSwan's initiators say INITIAL_CONTACT only where uniqueness is asked for. */
static void map_unique(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *e = view_get(t->view, "unique");
    bool asked = e && (strcmp(e->value, "keep") == 0 || strcmp(e->value, "replace") == 0);

    words_add(im, &t->ike, "initial_contact: %s", asked ? "true" : "false");
    if (!e)
        return;
    e->carried = !asked;
    if (asked)
        settings_note(&im->settings, e,
                      "carried over as 'initial_contact: true'; a responder does not look for "
                      "duplicates without it");
}

void sides_map(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct settings_entry *remote = view_get(t->view, "remote_addrs");
    struct settings_entry *local = view_get(t->view, "local_addrs");
    bool there = names_a_host(remote), here = names_a_host(local), begins = starts(t->view);
    const struct settings_view *other = NULL;
    char id[SWANCTL_TEXT_MAX];

    t->host_initiates = there && (begins || !here);
    t->host.count = 1;
    t->peer.count = there ? 1 : im->options.clients;
    for (const struct settings_view *c = t->view->children; c && !other; c = c->next)
        if (strncmp(c->name, "remote", 6) == 0)
            other = c;
    if (t->host_initiates) {
        remark_add(im, t, "This host initiates: %s.",
                   begins ? "remote_addrs names its peer and start_action begins"
                          : "remote_addrs names its peer, local_addrs no address");
    } else if (there) {
        remark_add(im, t, "This host answers: no start_action begins; its one peer initiates.");
    } else if (view_get(other, "id") &&
               swanctl_identity(view_get(other, "id")->value, id) == SWANCTL_ID_ONE) {
        t->peer.count = 1;
        remark_add(im, t, "This host answers one peer: remote.id names it.");
    } else {
        remark_add(im, t,
                   "This host answers: remote_addrs names no peer. %u road warriors "
                   "(--clients) stand for those there are.",
                   t->peer.count);
    }
    map_address(im, local, &t->host);
    map_address(im, remote, &t->peer);
    if ((t->host.address.family == 6) != (t->peer.address.family == 6)) {
        const char *why = "both ends need an IPv6 address, or neither";

        drop_address(im, t->host.address.family == 6 ? &t->host : &t->peer, why);
    }
    map_unique(im, t);
}

static bool same_prefixes(const struct swanctl_prefixes *a, const struct swanctl_prefixes *b)
{
    for (unsigned i = 0; i < a->count && a->count == b->count; i++)
        if (!swanctl_within(&a->list[i], &b->list[i]) || a->list[i].length != b->list[i].length)
            return false;
    return a->count == b->count;
}

static bool same_address(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* A group has one set of words; where those of two connections are equal, one gateway does. A pool
 * is as large as the peers of one connection are many. */
static bool same_gateway(const struct swanctl_tunnel *a, const struct swanctl_tunnel *b)
{
    const char *p = a->host.id ? a->host.id : "", *q = b->host.id ? b->host.id : "";

    return !a->host_initiates && !b->host_initiates && words_equal(&a->ike, &b->ike) &&
           words_equal(&a->child, &b->child) && strcmp(p, q) == 0 &&
           strcmp(a->host.auth, b->host.auth) == 0 && !a->host.pool.addr.family &&
           !b->host.pool.addr.family && same_address(&a->host.address, &b->host.address) &&
           same_prefixes(&a->host.protects, &b->host.protects) &&
           same_prefixes(&a->host.local_ts, &b->host.local_ts);
}

static bool is_taken(const struct swanctl_importer *im, const struct swanctl_tunnel *until,
                     const struct swanctl_side *side)
{
    for (const struct swanctl_tunnel *t = im->tunnels; t <= until; t++) {
        const struct swanctl_side *sides[2] = {&t->host, &t->peer};

        for (int i = 0; i < 2; i++) {
            if (sides[i] == side)
                return false;
            if (!(i == 0 && t->gateway) && sides[i]->address.family &&
                same_address(&sides[i]->address, &side->address))
                return true;
        }
    }
    return false;
}

static void settle_addresses(struct swanctl_importer *im, struct swanctl_tunnel *t)
{
    struct swanctl_side *sides[2] = {&t->host, &t->peer};
    const struct swanctl_side *host = t->gateway ? &t->gateway->host : &t->host;

    for (int i = 0; i < 2; i++)
        if (sides[i]->address.family && !(i == 0 && t->gateway) && is_taken(im, t, sides[i]))
            drop_address(im, sides[i],
                         "another group has this address; this one's is from the address plan");
    if (t->peer.address.family == 6 && host->address.family != 6)
        drop_address(im, &t->peer, "both ends need an IPv6 address, or neither");
    else if (t->host.address.family == 6 && !t->gateway && t->peer.address.family != 6)
        drop_address(im, &t->host, "both ends need an IPv6 address, or neither");
}

static bool name_taken(const struct swanctl_importer *im, const char *name)
{
    for (unsigned i = 0; i < im->tunnel_count; i++)
        if ((im->tunnels[i].host.group && strcmp(im->tunnels[i].host.group, name) == 0) ||
            (im->tunnels[i].peer.group && strcmp(im->tunnels[i].peer.group, name) == 0))
            return true;
    return false;
}

/* A name of a group like that of the connection. "x-" would be ignored, "null" be nothing. */
static const char *group_name(struct swanctl_importer *im, const char *like, const char *behind)
{
    int most = SCENARIO_NAME_MAX - 6 - (int)strlen(behind);
    char name[SCENARIO_NAME_MAX + 1], first[SCENARIO_NAME_MAX + 1];
    const char *out;

    snprintf(first, sizeof first, "%s%.*s%s", isalpha((unsigned char)like[0]) ? "" : "c", most,
             like, behind);
    for (char *c = first; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            *c = '-';
    if (strncmp(first, "x-", 2) == 0)
        first[1] = '_';
    if (strcasecmp(first, "null") == 0)
        first[0] = 'N', first[1] = '_';
    memcpy(name, first, sizeof name);
    for (unsigned n = 2; name_taken(im, name); n++)
        snprintf(name, sizeof name, "%.27s-%u", first, n);
    out = arena_text(im->settings.arena, name, strlen(name));
    if (!out)
        im->settings.diag.no_memory = true;
    return out;
}

/* One gateway for all connections that configure it alike; what of it is IPv6 must stay so. */
static bool settle_gateway(struct swanctl_importer *im, unsigned index)
{
    struct swanctl_tunnel *t = &im->tunnels[index];

    for (unsigned k = 0; k < index && !t->gateway; k++)
        if (!im->tunnels[k].gateway && same_gateway(&im->tunnels[k], t))
            t->gateway = &im->tunnels[k];
    settle_addresses(im, t);
    if (t->gateway && t->host.address.family == 6 && t->peer.address.family != 6) {
        t->gateway = NULL;
        drop_address(im, &t->host, "both ends need an IPv6 address, or neither");
    }
    return !t->gateway && !t->host_initiates;
}

void sides_settle(struct swanctl_importer *im)
{
    unsigned gateways = 0;

    for (unsigned i = 0; i < im->tunnel_count; i++)
        gateways += settle_gateway(im, i);
    for (unsigned i = 0; i < im->tunnel_count && !im->settings.diag.no_memory; i++) {
        struct swanctl_tunnel *t = &im->tunnels[i];

        if (t->host_initiates)
            t->host.group = group_name(im, t->view->name, "");
        else if (t->gateway)
            t->host.group = t->gateway->host.group;
        else
            t->host.group =
                gateways == 1 ? group_name(im, "gw", "") : group_name(im, t->view->name, "-gw");
        t->peer.group = group_name(im, t->view->name, t->host_initiates ? "-peer" : "");
        if (!t->host_initiates && !t->gateway && gateways > 1)
            remark_add(im, t,
                       "A group has one set of settings: '%s' is this host as this connection "
                       "configures it.",
                       t->host.group);
    }
}
