#include "sim/ike_node.h"

#include <stdlib.h>

/* Those that wait; of one node, as nothing happens at another before they go on. */
struct ike_together {
    uint32_t out_count, in_count;
    uint32_t out_packet[IKE_TOGETHER_MAX];
    struct ike_protecting out[IKE_TOGETHER_MAX];
    struct arrived_esp in_packet[IKE_TOGETHER_MAX];
    struct ike_unprotecting in[IKE_TOGETHER_MAX];
};

enum err ike_together_create(struct lab *lab)
{
    if (lab->scenario->crypto_modelled || lab->plant != PLANT_NONE)
        return OK;
    lab->together = calloc(1, sizeof *lab->together);
    return lab->together ? OK : ERR_MEMORY;
}

void ike_together_destroy(struct lab *lab)
{
    free(lab->together);
    lab->together = NULL;
}

static void count(struct lab *lab, uint32_t packets)
{
    if (packets > 1)
        lab->esp_together += packets;
    else
        lab->esp_alone += packets;
}

/* Out */

bool ike_node_send_together(struct ike_node *n, uint32_t packet)
{
    struct ike_together *t = n->lab->together;
    struct sim *s = &n->lab->sim;
    struct packet *p = packet_at(s, packet);
    struct ike_protecting *out;

    if (!t || n->extra->host.core_count ||
        (t->out_count == 0 && traffic_deadline(&n->extra->traffic) > s->now))
        return false;
    /* Links may make packets of those before it, whose numbers come before its own. */
    packet_put_off(s, packet);
    out = &t->out[t->out_count];
    out->packet = (struct buf){p->data, p->len, packet_room(p)};
    if (!ike_endpoint_sends_plainly(n->endpoint, s->now, &out->packet, &out->child)) {
        ike_node_send_joined(n);
        packet_number(s, packet);
        return false;
    }
    t->out_packet[t->out_count++] = packet;
    if (t->out_count == IKE_TOGETHER_MAX)
        ike_node_send_joined(n);
    return true;
}

void ike_node_send_joined(struct ike_node *n)
{
    struct ike_together *t = n->lab->together;
    struct sim *s = &n->lab->sim;

    if (!t || t->out_count == 0)
        return;
    ike_node_bind(n);
    ike_endpoint_protect_batch(n->endpoint, s->now, t->out, t->out_count);
    for (uint32_t i = 0; i < t->out_count; i++) {
        packet_number(s, t->out_packet[i]);
        ike_node_protected(n, t->out_packet[i], t->out[i].result, &t->out[i].out, SIM_NONE);
    }
    count(n->lab, t->out_count);
    t->out_count = 0;
    ike_node_end_work(n, SIM_NONE);
    ike_node_arm(n);
}

/* In */

static bool may_wait(const struct ike_node *n, uint32_t packet)
{
    const struct lab *lab = n->lab;

    return lab->sim.packets[packet].kind == PACKET_ESP && n->extra->host.core_count == 0 &&
           !(lab->recorder && lab->sim.nodes[n->node].captured) &&
           (lab->together->in_count > 0 || sim_more_comes(&lab->sim, n->node));
}

bool ike_node_take_together(struct ike_node *n, uint32_t packet, const struct ip_packet *ip)
{
    struct ike_together *t = n->lab->together;
    struct ike_dgram *in;

    if (!t || !may_wait(n, packet) || ip_is_fragment(ip))
        return false;
    in = &t->in[t->in_count].in;
    if (!ike_node_datagram(ip, in) || !ike_node_listens(in) || !ike_dgram_is_esp(in) ||
        !ike_endpoint_takes_plainly(n->endpoint, in))
        return false;
    t->in_packet[t->in_count++] = ike_node_arrived(packet, in);
    if (t->in_count == IKE_TOGETHER_MAX)
        ike_node_take_joined(n);
    else
        sim_wait(&n->lab->sim, n->node);
    return true;
}

/* Each that was refused has been counted once; if it was not, the last one bears the difference,
 * for the checkers to see. */
static void tell(struct ike_node *n, struct ike_together *t, uint64_t counted)
{
    for (uint32_t i = 0; i < t->in_count; i++) {
        uint64_t own = t->in[i].result != OK && counted > 0;

        if (i + 1 == t->in_count)
            own = counted;
        counted -= own;
        ike_node_opened(n, &t->in_packet[i], t->in[i].result, own, &t->in[i].inner);
        packet_deliver(&n->lab->sim, n->node, t->in_packet[i].packet);
    }
}

void ike_node_take_joined(struct ike_node *n)
{
    struct ike_together *t = n->lab->together;
    uint64_t before;

    if (!t || t->in_count == 0)
        return;
    ike_node_bind(n);
    before = ike_node_esp_dropped(n);
    ike_endpoint_unprotect_batch(n->endpoint, n->lab->sim.now, t->in, t->in_count);
    tell(n, t, ike_node_esp_dropped(n) - before);
    count(n->lab, t->in_count);
    t->in_count = 0;
    ike_node_end_work(n, SIM_NONE);
    ike_node_arm(n);
}
