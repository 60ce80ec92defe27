/* The scenario as YAML: groups, links, and a comment for what it has no word for. */
#include "sim/import/swanctl_model.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

enum { SHOWN_MAX = 160 };

/* A comment must stay one line of sound UTF-8, whatever stands in the file. */
static void write_shown(struct text *out, const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        unsigned char c = (unsigned char)text[i];

        if (i == SHOWN_MAX) {
            text_raw(out, "...");
            return;
        }
        if (c == '\n')
            text_raw(out, "\\n");
        else if (c < ' ' || c >= 0x7f)
            text_format(out, "\\x%02x", c);
        else
            text_char(out, (char)c);
    }
}

/* Names of files from the folder of the one that was named on. */
static const char *short_name(const struct swanctl_importer *im, const char *name)
{
    const char *whole = im->settings.root->at.source->name, *slash = strrchr(whole, '/');
    size_t folder = slash ? (size_t)(slash - whole) + 1 : 0;

    return strncmp(name, whole, folder) == 0 ? name + folder : name;
}

static void write_note(const struct swanctl_importer *im, const struct settings_entry *e,
                       struct text *out)
{
    static const char *const between[] = {
        [SETTINGS_VALUE] = " = ", [SETTINGS_INCLUDE] = " ", [SETTINGS_REFERENCE] = " : "};

    text_raw(out, "# ");
    write_shown(out, short_name(im, e->at.source->name));
    text_format(out, ":%u: ", e->at.line);
    write_shown(out, e->key);
    text_raw(out, between[e->kind]);
    write_shown(out, e->hidden ? "(not shown)" : e->value);
    text_raw(out, ": ");
    for (const char *c = e->note; *c; c++)
        text_char(out, *c >= ' ' && *c < 0x7f ? *c : '?');
    text_char(out, '\n');
}

static void write_notes(const struct swanctl_importer *im, struct text *out)
{
    if (!im->summary.noted)
        return;
    text_raw(out, "\n# Not carried over, or not as it was:\n");
    for (const struct settings_entry *e = im->settings.first; e; e = e->next_read)
        if (e->note)
            write_note(im, e, out);
}

static void write_name(const struct swanctl_importer *im, struct text *out)
{
    const char *file = im->settings.root->at.source->name, *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    size_t len = strcspn(name, ".");

    text_raw(out, "name: \"");
    text_raw(out, len && isalnum((unsigned char)name[0]) ? "" : "imported");
    for (size_t i = 0; i < len && i < 24; i++)
        text_char(out, isalnum((unsigned char)name[i]) || name[i] == '_' ? name[i] : '-');
    text_raw(out, "\"\n");
}

static void write_words(struct text *out, const char *indent, const struct swanctl_words *words)
{
    for (unsigned i = 0; i < words->count; i++)
        text_format(out, "%s%s\n", indent, words->line[i]);
}

static void write_prefixes(struct text *out, const char *indent, const char *key,
                           const struct swanctl_prefixes *p)
{
    char prefix[64];

    if (!p->count)
        return;
    text_format(out, "%s%s: [", indent, key);
    for (unsigned i = 0; i < p->count; i++) {
        swanctl_prefix_text(&p->list[i], prefix);
        text_format(out, "%s\"%s\"", i ? ", " : "", prefix);
    }
    text_raw(out, "]\n");
}

/* Settings of both sides stand in one place: at the top of the scenario when all connections have
 * them, else under a name of their own that the groups refer to. */
static void write_part(struct text *out, const char *part, const struct swanctl_tunnel *t,
                       const struct swanctl_side *side, bool named)
{
    bool ike = strcmp(part, "ike") == 0;
    char pool[64];

    if (!named && !ike && !side->local_ts.count && !side->remote_ts.count)
        return;
    text_format(out, "    %s:\n", part);
    if (named)
        text_format(out, "      <<: *%s-%s\n", part, t->peer.group);
    if (ike)
        text_format(out, "      auth: %s\n", side->auth);
    if (ike && side->id)
        text_format(out, "      id: \"%s\"\n", side->id);
    if (ike && side->asks_address)
        text_raw(out, "      ask_address: true\n");
    if (ike && side->pool.addr.family) {
        swanctl_prefix_text(&side->pool, pool);
        text_format(out, "      address_pool: \"%s\"\n", pool);
    }
    if (ike)
        return;
    write_prefixes(out, "      ", "local_ts", &side->local_ts);
    write_prefixes(out, "      ", "remote_ts", &side->remote_ts);
}

struct shared {
    bool ike, child;
};

static void write_group(struct text *out, const struct swanctl_tunnel *t,
                        const struct swanctl_side *side, const struct shared *shared)
{
    bool initiates = (side == &t->host) == t->host_initiates;
    char address[INET6_ADDRSTRLEN];

    text_format(out, "  %s:\n    role: %s\n", side->group, initiates ? "initiator" : "responder");
    if (side->count > 1)
        text_format(out, "    count: %u\n", side->count);
    if (initiates)
        text_format(out, "    connect: %s\n", side == &t->host ? t->peer.group : t->host.group);
    if (side->count > 1)
        text_format(out, "    arrivals: {fixed: %u/s}\n",
                    side->count > 600 ? side->count / 60 : 10);
    if (side->address.family && inet_ntop(side->address.family == 4 ? AF_INET : AF_INET6,
                                          side->address.bytes, address, sizeof address))
        text_format(out, "    address: \"%s\"\n", address);
    write_prefixes(out, "    ", "protects", &side->protects);
    write_part(out, "ike", t, side, !shared->ike);
    write_part(out, "child", t, side, !shared->child);
}

static void write_remarks(const struct swanctl_importer *im, struct text *out,
                          const struct swanctl_tunnel *t)
{
    text_raw(out, "  # Connection '");
    write_shown(out, t->view->name);
    text_raw(out, "' (");
    write_shown(out, short_name(im, t->view->at.source->name));
    text_format(out, ":%u).\n", t->view->at.line);
    for (unsigned i = 0; i < t->remark_count; i++)
        text_format(out, "  # %s\n", t->remarks[i]);
    if (t->gateway)
        text_format(out, "  # The host is '%s' above.\n", t->host.group);
}

static void write_nodes(const struct swanctl_importer *im, struct text *out,
                        const struct shared *shared)
{
    text_raw(out, "nodes:\n");
    for (unsigned i = 0; i < im->tunnel_count; i++) {
        const struct swanctl_tunnel *t = &im->tunnels[i];

        write_remarks(im, out, t);
        if (!t->gateway)
            write_group(out, t, &t->host, shared);
        write_group(out, t, &t->peer, shared);
    }
}

static void write_links(const struct swanctl_importer *im, struct text *out)
{
    text_raw(out, "links:\n  # Placeholders: write the delay, rate and loss of your network here "
                  "(ikelab explain links.*).\n");
    for (unsigned i = 0; i < im->tunnel_count; i++) {
        const struct swanctl_tunnel *t = &im->tunnels[i];
        const char *from = t->host_initiates ? t->host.group : t->peer.group;

        text_format(out, "  %s: {sides: [%s, %s], delay: 10ms}\n", from, from,
                    t->host_initiates ? t->peer.group : t->host.group);
    }
}

static struct shared find_shared(const struct swanctl_importer *im)
{
    struct shared shared = {true, true};

    for (unsigned i = 1; i < im->tunnel_count; i++) {
        shared.ike &= words_equal(&im->tunnels[0].ike, &im->tunnels[i].ike);
        shared.child &= words_equal(&im->tunnels[0].child, &im->tunnels[i].child);
    }
    return shared;
}

static void write_named(const struct swanctl_importer *im, struct text *out,
                        const struct shared *shared)
{
    for (unsigned i = 0; i < im->tunnel_count; i++) {
        const struct swanctl_tunnel *t = &im->tunnels[i];
        const char *name = t->peer.group;

        if (!shared->ike) {
            text_format(out, "x-ike-%s: &ike-%s\n", name, name);
            write_words(out, "  ", &t->ike);
        }
        if (!shared->child) {
            text_format(out, "x-child-%s: &child-%s\n", name, name);
            write_words(out, "  ", &t->child);
        }
    }
}

static void write_head(const struct swanctl_importer *im, struct text *out)
{
    const struct swanctl_summary *s = &im->summary;

    text_raw(out, "# Made from ");
    write_shown(out, short_name(im, im->settings.root->at.source->name));
    text_format(out, ": %u connection%s, %u settings carried over, %u not or not as they were.\n",
                s->connections, s->connections == 1 ? "" : "s", s->carried, s->noted);
    text_raw(out, "# The file describes one host; its peers are taken to be configured alike.\n");
    if (im->default_proposals)
        text_raw(out, "# Where it names no proposals they are strongSwan's defaults, as far as "
                      "Ikelab has the algorithms.\n");
    text_raw(out, "ikelab: 1\n");
    write_name(im, out);
    text_raw(out, "stop_time: 10min\n");
}

void scenario_write(struct swanctl_importer *im, struct text *out)
{
    struct shared shared = find_shared(im);
    uint64_t tunnels = 0;

    for (unsigned i = 0; i < im->tunnel_count; i++)
        tunnels += im->tunnels[i].peer.count;
    write_head(im, out);
    text_raw(out, "ike:\n  preset: strongswan-6.0\n");
    write_words(out, "  ", &im->charon);
    if (shared.ike)
        write_words(out, "  ", &im->tunnels[0].ike);
    if (shared.child) {
        text_raw(out, "child:\n");
        write_words(out, "  ", &im->tunnels[0].child);
    }
    write_named(im, out, &shared);
    write_nodes(im, out, &shared);
    write_links(im, out);
    text_format(out, "thresholds: {ike.completed: [\">=%llu\"], ike.failed: [\"==0\"]}\n",
                (unsigned long long)tunnels);
    write_notes(im, out);
}
