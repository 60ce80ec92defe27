/*
 * Tunnels of groups with `start: established`: put in place at both ends when a member arrives, as
 * if the handshake were over. The NATs on the way get the mappings that it would have left.
 */
#include "sim/ike_node.h"
#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/recorder.h"
#include "sim/topology.h"

/* A datagram from client to gateway that is never sent: what becomes of its addresses. */
struct passage {
    struct lab *lab;
    struct ip_endpoint src, dst;
    uint32_t port; /* by which it comes into the next node */
    bool dropped;
};

static void pass(void *context, uint32_t node, uint32_t direction)
{
    struct passage *p = context;
    struct sim *s = &p->lab->sim;

    if (node_is_nat(s, node) && !p->dropped)
        p->dropped = !nat_box_passed(s, node, p->port, &p->src, &p->dst);
    if (direction != SIM_NONE)
        p->port = s->links[direction].to_port;
}

/* From port 4500 to port 4500: where that is not used there is no NAT (proto/install). */
static bool find_addresses(struct lab *lab, const struct tunnel *t, struct ike_installation *how)
{
    const struct ike_node *client = ike_node_at(lab, t->client);
    const struct ike_node *gateway = ike_node_at(lab, t->gateway);
    struct passage p = {
        .lab = lab, .src = {client->outer, NATT_PORT}, .dst = {lab_called(lab, t), NATT_PORT}};

    how->from = p.src;
    how->called = p.dst;
    if (!topology_path(lab, lab_tunnel_of(lab, t->client), pass, &p) || p.dropped)
        return false;
    how->seen = p.src;
    how->at = p.dst;
    return ip_addr_equal(&p.dst.addr, &gateway->outer);
}

static void look_after(struct ike_node *n)
{
    ike_node_pull_events(n);
    ike_node_count(n);
    ike_node_arm(n);
}

/* Refused: counted as where a handshake cannot even begin. @return false: nothing would arrive */
static bool install(struct lab *lab, struct tunnel *t)
{
    struct ike_node *client = ike_node_at(lab, t->client), *gateway = ike_node_at(lab, t->gateway);
    struct ike_installation how = {.initiator = client->endpoint,
                                   .responder = gateway->endpoint,
                                   .agreed = client->group->agreed,
                                   .secret =
                                       rng_stream(lab->scenario->seed, t->client, RNG_INSTALL)};
    enum sa_reason why;

    ike_node_bind(client);
    ike_node_bind(gateway);
    if (!find_addresses(lab, t, &how))
        return false;
    if (lab->recorder)
        recorder_heard(lab->recorder, t->gateway, t->client, &how.seen);
    t->started = lab->sim.now;
    if (ike_install(&how, lab->sim.now, &t->ike, &why) != OK) {
        metrics_ike_started(lab->metrics, t->group, lab->sim.now);
        t->starting = why == REASON_NONE; /* its events tell how it ends */
        if (!t->starting)
            metrics_ike_failed(lab->metrics, t->group, lab->sim.now, reason_name(why));
    }
    look_after(gateway);
    look_after(client);
    return true;
}

bool ike_node_establish(struct ike_node *n)
{
    struct lab *lab = n->lab;
    struct tunnel *t;

    if (!n->group->established || n->arrived)
        return false;
    n->arrived = true;
    t = &lab->tunnels[n->tunnels[0]];
    return !lab->sim.nodes[t->gateway].down && install(lab, t);
}
