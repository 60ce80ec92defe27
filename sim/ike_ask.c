/* What the scenario asks of the tunnels of an endpoint, as an operator would at its command line.
 */
#include "base/digest.h"
#include "sim/ike_node.h"
#include "sim/recorder.h"

enum answer { REFUSED, TAKEN };

static enum err ask(struct ike_node *n, enum event_action action, struct sa_ref sa)
{
    nsec now = n->lab->sim.now;

    switch (action) {
    case ACTION_REKEY_CHILD:
        return ike_endpoint_rekey_child(n->endpoint, now, sa);
    case ACTION_NEW_CHILD:
        return ike_endpoint_new_child(n->endpoint, now, sa);
    case ACTION_DELETE_CHILD:
        return ike_endpoint_delete_child(n->endpoint, now, sa);
    case ACTION_REKEY_IKE:
        return ike_endpoint_rekey_ike(n->endpoint, now, sa);
    case ACTION_TERMINATE:
        return ike_endpoint_terminate(n->endpoint, now, sa);
    default:
        return ike_endpoint_probe(n->endpoint, now, sa);
    }
}

/* A tunnel is known by where its peer is: old and new SAs of a rekey are one tunnel. */
static bool tunnel_of(const struct ike_node *n, bool is_child, struct sa_ref sa, uint64_t *out)
{
    struct child_sa_info child;
    struct ike_sa_info ike;
    struct digest d = {0, 0};

    if (is_child) {
        if (!ike_endpoint_child_look(n->endpoint, sa, &child))
            return false;
        sa = child.ike;
    }
    if (!ike_endpoint_ike_look(n->endpoint, sa, &ike))
        return false;
    digest_add(&d, ike.remote.addr.bytes, sizeof ike.remote.addr.bytes);
    digest_u64(&d, ike.remote.port);
    *out = d.value;
    return true;
}

/* By tunnel: what became of it. */
static enum err ask_each(struct ike_node *n, enum event_action action, struct table *answers,
                         uint32_t *taken)
{
    bool is_child = action == ACTION_REKEY_CHILD || action == ACTION_DELETE_CHILD;
    struct sa_ref (*next)(const struct ike_endpoint *, struct sa_ref) =
        is_child ? ike_endpoint_next_child : ike_endpoint_next_ike;
    struct sa_ref sa = SA_NONE;

    *taken = 0;
    while (!sa_none(sa = next(n->endpoint, sa))) {
        uint32_t answer = REFUSED;
        uint64_t tunnel;

        if (!tunnel_of(n, is_child, sa, &tunnel) ||
            (table_get(answers, tunnel, &answer) && answer == TAKEN))
            continue;
        answer = ask(n, action, sa) == OK ? TAKEN : REFUSED;
        *taken += answer == TAKEN;
        if (table_put(answers, tunnel, answer) != OK)
            return ERR_MEMORY;
    }
    return OK;
}

static void ask_all(struct ike_node *n, enum event_action action)
{
    struct table answers = {0};
    uint32_t taken = 0, refused;
    char text[96], name[LAB_NAME_MAX];

    if (table_init(&answers, 16) != OK || ask_each(n, action, &answers, &taken) != OK)
        sim_fail(&n->lab->sim, ERR_MEMORY);
    refused = answers.count - taken;
    table_reset(&answers);
    if (!n->lab->recorder || (taken && !refused))
        return;
    if (refused)
        snprintf(text, sizeof text, "%s: %u of its %u tunnels cannot now",
                 lab_node_name(n->lab, n->node, name), refused, refused + taken);
    else
        snprintf(text, sizeof text, "%s: it has no tunnel", lab_node_name(n->lab, n->node, name));
    recorder_scenario(n->lab->recorder, n->lab->sim.now, action_name(action), text);
}

void ike_node_ask_now(struct ike_node *n)
{
    uint32_t asked = n->asked;

    n->asked = 0;
    if (asked & 1u << ACTION_SWITCH)
        ike_endpoint_moved(n->endpoint, n->lab->sim.now, &(struct ip_addr){0}, &n->outer);
    for (enum event_action a = ACTION_REKEY_CHILD; a <= ACTION_PROBE; a++)
        if (asked & 1u << a)
            ask_all(n, a);
}

static bool has_end(const struct lifetime_config *l)
{
    return l->hard_time || l->hard_bytes || l->hard_packets;
}

bool ike_node_may_end(const struct lab *lab, const struct tunnel *t, bool child)
{
    const struct scenario *s = lab->scenario;
    const struct ike_config *ends[2] = {&s->groups[t->group].ike,
                                        &s->groups[s->groups[t->group].connect].ike};

    if (t->asked &
        (1u << ACTION_TERMINATE | 1u << ACTION_DELETE_CHILD | 1u << ACTION_SKIP_SEQUENCE))
        return true;
    for (int i = 0; i < 2; i++)
        if (has_end(&ends[i]->lifetime) || ends[i]->reauth_time ||
            (child && has_end(&ends[i]->child.lifetime)))
            return true;
    return false;
}
