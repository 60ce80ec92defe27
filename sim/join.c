#include "sim/join.h"

#include <stdlib.h>

enum { DATAGRAMS = 64, DATAGRAM_BYTES = 65535, TIMEOUT_S = 30 };

static bool need_memory(struct sim *s, struct joiner *j)
{
    struct reassembly_config config = {
        .slots = DATAGRAMS, .datagram_max = DATAGRAM_BYTES, .timeout = TIMEOUT_S * NSEC_PER_S};

    if (j->reassembly)
        return true;
    j->reassembly = calloc(1, sizeof *j->reassembly);
    if (j->reassembly && reassembly_init(j->reassembly, &config) == OK)
        return true;
    free(j->reassembly);
    j->reassembly = NULL;
    sim_fail(s, ERR_MEMORY);
    return false;
}

static void drop(struct sim *s, const struct joiner *j, uint64_t fragments, enum net_drop cause)
{
    struct net_metrics *of_group = node_metrics(s, &s->nodes[j->node]);

    s->held_fragments -= fragments;
    s->net.dropped[cause] += fragments;
    if (of_group)
        of_group->dropped[cause] += fragments;
}

static void count_lost(struct sim *s, struct joiner *j)
{
    uint64_t lost = j->reassembly->fragments_lost - j->lost;

    j->lost += lost;
    drop(s, j, lost, NET_DROP_REASSEMBLY);
}

/* The whole packet takes the name of the fragment that completed it. */
static uint32_t whole_packet(struct sim *s, const struct packet *last, uint32_t node,
                             struct bytes whole)
{
    uint32_t made = packet_new(s, node, (uint32_t)whole.len);
    struct packet *p;

    if (made == SIM_NONE)
        return SIM_NONE;
    p = packet_at(s, made);
    memcpy(p->data, whole.data, whole.len);
    p->len = (uint32_t)whole.len;
    p->source = last->source;
    p->sequence = last->sequence;
    p->created = last->created;
    p->port = last->port;
    p->tag = last->tag;
    p->transmission = last->transmission;
    p->kind = last->kind;
    p->corrupted = last->corrupted;
    packet_admit(s, made);
    return made;
}

uint32_t joiner_add(struct sim *s, uint32_t node, struct joiner *j, uint32_t packet,
                    const struct ip_packet *ip)
{
    struct net_metrics *of_group = node_metrics(s, &s->nodes[node]);
    struct packet last = *packet_at(s, packet);
    struct bytes whole = BYTES_NONE;
    unsigned pieces = 0;

    j->node = node;
    if (!need_memory(s, j))
        return SIM_NONE;
    s->held_fragments++;
    s->nodes[node].held--;
    if (reassembly_add(j->reassembly, s->now, ip, &whole, &pieces) != OK)
        whole = BYTES_NONE; /* counted in fragments_lost */
    count_lost(s, j);
    packet_free(s, packet);
    if (whole.len == 0)
        return SIM_NONE;
    s->held_fragments -= pieces;
    s->net.reassembled_away += pieces - 1;
    if (of_group)
        of_group->reassembled_away += pieces - 1;
    return whole_packet(s, &last, node, whole);
}

nsec joiner_expire(struct sim *s, struct joiner *j)
{
    if (!j->reassembly)
        return NSEC_NEVER;
    reassembly_expire(j->reassembly, s->now);
    count_lost(s, j);
    return reassembly_deadline(j->reassembly);
}

void joiner_drop(struct sim *s, struct joiner *j, enum net_drop cause)
{
    const struct reassembly *r = j->reassembly;

    if (!r)
        return;
    drop(s, j, r->fragments - r->fragments_joined - r->fragments_lost, cause);
    joiner_reset(j);
}

void joiner_reset(struct joiner *j)
{
    if (j->reassembly)
        reassembly_reset(j->reassembly);
    free(j->reassembly);
    *j = (struct joiner){0};
}
