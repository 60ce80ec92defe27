/* `start: established`: what the two ends of IKEv2 agree on is found when the scenario is read, so
 * that what cannot be said to be up is an error with its place. */
#include "proto/endpoint.h"
#include "sim/scenario_read.h"

#include <string.h>

static const char *const why_not[] = {
    [ERR_NO_PROPOSAL] = "have no proposal in common; give both one in 'proposals' and "
                        "'esp_proposals', or leave 'start' out to see it fail",
    [ERR_UNSUPPORTED] = "differ in 'childless': one side forces what the other never does",
    [ERR_FULL] =
        "would have child SAs for cores ('per_resource'), which a handshake has to ask for; "
        "leave 'start' out",
    [ERR_SINGLE_PAIR] =
        "cannot have a child SA yet: with 'single_pair' packets ask for them; leave "
        "'start' out",
};

void check_start(struct scenario_reader *r, const struct tree *map, struct scenario_group *g)
{
    const struct tree *n = tree_get(map, "start");
    struct ike_agreement *agreed;
    enum err e;

    if (!n || !g->established || scenario_calls_with_v1(g)) /* those find out when they meet */
        return;
    agreed = reader_take(r, sizeof *agreed);
    if (!agreed)
        return;
    e = ike_agree(&g->ike, &r->scenario->groups[g->connect].ike, agreed);
    if (e == OK)
        g->agreed = agreed;
    else
        diag_error(&r->diag, n, "'%s' and '%s' %s", g->name, r->scenario->groups[g->connect].name,
                   (size_t)e < sizeof why_not / sizeof *why_not && why_not[e]
                       ? why_not[e]
                       : "agree on no tunnel; leave 'start' out to see why");
}

/* ---- thresholds on handshakes that there are none of ---- */

static bool is_lossless(const struct link_words *w)
{
    return w->loss.model == LOSS_NONE && w->corrupt == 0 && w->fate_count == 0;
}

/* What may end a tunnel, so that its client calls. */
static bool nothing_ends(const struct scenario *s)
{
    for (uint32_t i = 0; i < s->link_count; i++)
        for (int way = 0; way < 2; way++)
            if (!is_lossless(&s->links[i].words[way]))
                return false;
    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct ike_config *c = &s->groups[i].ike;

        if (c->reauth_time || (c->lifetime.hard_time && c->lifetime.hard_time < s->stop_time))
            return false;
    }
    return s->event_count == 0;
}

/* The part of "path" or "path@group" before '@' is `path`. */
static bool is_of(const char *metric, const char *path)
{
    return strncmp(metric, path, strlen(path)) == 0 && strchr("@.", metric[strlen(path)]);
}

static bool never_shake_hands(const struct scenario *s, const char *metric)
{
    const char *scope = strchr(metric, '@');
    bool any = false;

    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];

        if (g->role != ROLE_INITIATOR || (scope && strcmp(scope + 1, g->name) != 0))
            continue;
        if (!g->established)
            return false;
        any = true;
    }
    return any;
}

void check_start_thresholds(struct scenario_reader *r)
{
    static const char *const timed[] = {"ike.setup_time_s", "ike.time_to_first_packet_s"};
    const struct tree *map = tree_get(r->root, "thresholds");

    if (!map || map->kind != TREE_MAP || !nothing_ends(r->scenario))
        return;
    for (const struct tree *v = map->first; v; v = v->next)
        for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
            if (!is_ignored(v) && is_of(v->key->text, timed[i]) &&
                never_shake_hands(r->scenario, v->key->text))
                diag_error(&r->diag, v->key,
                           "with 'start: established' and nothing that ends a tunnel there is no "
                           "handshake, so '%s' has no value; count with ike.installed",
                           timed[i]);
}
