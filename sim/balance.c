/*
 * I8: packets are conserved. The run's own count is compared at once; that of a link direction or
 * a node is compared with the packets that are there, so all packets are looked at. For a million
 * nodes this is done a share at a time.
 */
#include "sim/link.h"
#include "sim/sim.h"

#include <stdlib.h>

/* Packets under way per call beyond which links and nodes wait for another call. */
enum { PACKETS_PER_CALL = 65536 };

int64_t sim_conservation(const struct sim *s)
{
    uint64_t in = s->net.sent_packets + s->net.duplicated_packets + s->net.fragments_made;
    uint64_t out = s->net.delivered_packets + s->net.reassembled_away + sim_in_flight(s);

    for (int i = 0; i < NET_DROP_COUNT; i++)
        out += s->net.dropped[i];
    return (int64_t)(in - out);
}

/* Places are numbered: link directions, then nodes. */
static uint32_t place_of(const struct sim *s, const struct packet *p)
{
    return p->direction == SIM_NONE ? s->link_count + p->holder : p->direction;
}

/* Packets seen at `count` places from `first` on; NULL: out of memory. */
static uint32_t *count_places(const struct sim *s, uint32_t first, uint32_t count)
{
    uint32_t *seen = calloc((size_t)count + 1, sizeof *seen);

    for (uint32_t i = 0; seen && i < s->packet_count; i++) {
        const struct packet *p = &s->packets[i];
        uint32_t place;

        if (!p->data || !p->entered || p->lost)
            continue;
        place = place_of(s, p) - first;
        if (place < count)
            seen[place]++;
    }
    return seen;
}

static bool places_balanced(const struct sim *s, uint32_t first, uint32_t count,
                            struct sim_imbalance *out)
{
    uint32_t *seen = count_places(s, first, count);

    if (!seen) {
        out->where = BALANCE_UNKNOWN;
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = first + i;
        bool link = place < s->link_count;
        uint32_t index = link ? place : place - s->link_count;
        /* Of both no more is known than the lower bits, as many as the books have. */
        int32_t difference = link ? (int32_t)(s->links[index].on_it - seen[i])
                                  : (int16_t)(uint16_t)(s->nodes[index].held - seen[i]);

        if (difference == 0)
            continue;
        *out = (struct sim_imbalance){
            .where = link ? BALANCE_LINK : BALANCE_NODE, .index = index, .difference = difference};
        free(seen);
        return false;
    }
    free(seen);
    return true;
}

static bool run_balanced(const struct sim *s, struct sim_imbalance *out)
{
    *out = (struct sim_imbalance){.where = BALANCE_RUN, .difference = sim_conservation(s)};
    return out->difference == 0;
}

bool sim_balanced(const struct sim *s, struct sim_imbalance *out)
{
    return run_balanced(s, out) && places_balanced(s, 0, s->link_count + s->node_count, out);
}

bool sim_balanced_share(struct sim *s, struct sim_imbalance *out)
{
    uint32_t places = s->link_count + s->node_count, first = s->balance_next, count;

    if (!run_balanced(s, out))
        return false;
    if (s->balance_wait > 0) {
        s->balance_wait--;
        return true;
    }
    count = places - first < BALANCE_SHARE ? places - first : BALANCE_SHARE;
    s->balance_next = first + count < places ? first + count : 0;
    s->balance_wait = s->packet_count / PACKETS_PER_CALL;
    return places_balanced(s, first, count, out);
}
