#include "sim/link.h"

#include "base/assert.h"
#include "proto/ip/fragment.h"

#include <stdlib.h>

enum { FIRST_WAITING = 16 };

static uint32_t attach(struct sim *s, uint32_t node, uint32_t direction)
{
    struct node *n = &s->nodes[node];
    uint32_t *ports = realloc(n->ports, (n->port_count + 1) * sizeof *ports);

    if (!ports)
        return SIM_NONE;
    n->ports = ports;
    n->ports[n->port_count] = direction;
    return n->port_count++;
}

static void direction_init(struct sim *s, struct link_direction *d, const struct link_words *words,
                           uint64_t name)
{
    d->words = *words;
    loss_init(&d->loss, &d->words.loss, rng_stream(s->seed, name, RNG_LINK_LOSS));
    d->delay_random = rng_stream(s->seed, name, RNG_LINK_DELAY);
    d->duplicate_random = rng_stream(s->seed, name, RNG_LINK_DUPLICATE);
    d->reorder_random = rng_stream(s->seed, name, RNG_LINK_REORDER);
    d->corrupt_random = rng_stream(s->seed, name, RNG_LINK_CORRUPT);
}

uint32_t link_add(struct sim *s, uint32_t a, uint32_t b, const struct link_words *a_to_b,
                  const struct link_words *b_to_a, uint32_t link, uint32_t entity)
{
    uint32_t first = s->link_count;
    uint32_t port_a, port_b;
    struct link_direction *d;

    if (s->link_count + 2 > s->link_capacity) {
        uint32_t capacity = s->link_capacity ? 2 * s->link_capacity : 64;
        struct link_direction *bigger = realloc(s->links, capacity * sizeof *bigger);

        if (!bigger)
            return SIM_NONE;
        s->links = bigger;
        s->link_capacity = capacity;
    }
    port_a = attach(s, a, first);
    port_b = attach(s, b, first + 1);
    if (port_a == SIM_NONE || port_b == SIM_NONE)
        return SIM_NONE;
    d = &s->links[first];
    d[0] = (struct link_direction){.from = a,
                                   .to = b,
                                   .from_port = port_a,
                                   .to_port = port_b,
                                   .link = link,
                                   .reverse = first + 1};
    d[1] = (struct link_direction){
        .from = b, .to = a, .from_port = port_b, .to_port = port_a, .link = link, .reverse = first};
    direction_init(s, &d[0], a_to_b, 2 * (uint64_t)entity);
    direction_init(s, &d[1], b_to_a, 2 * (uint64_t)entity + 1);
    s->link_count += 2;
    return first;
}

void links_reset(struct sim *s)
{
    for (uint32_t i = 0; i < s->link_count; i++)
        free(s->links[i].waiting);
    free(s->links);
}

static void drop(struct sim *s, struct link_direction *d, uint32_t packet, enum net_drop cause)
{
    s->net.dropped[cause]++;
    if (d->metrics)
        d->metrics->dropped[cause]++;
    sim_tell(s, TAP_DROPPED, d->from, (uint32_t)(d - s->links), packet, cause);
    packet_free(s, packet);
}

nsec link_serialisation(const struct link_words *w, uint32_t bytes)
{
    return w->rate_bps ? (nsec)bytes * 8 * NSEC_PER_S / w->rate_bps : 0;
}

/* Departures that lie in the past wait no longer. */
static void forget_departed(struct link_direction *d, nsec now)
{
    while (d->waiting_count > 0 && d->waiting[d->waiting_head] <= now) {
        d->waiting_head = (d->waiting_head + 1) % d->waiting_capacity;
        d->waiting_count--;
    }
}

static bool remember_departure(struct sim *s, struct link_direction *d, nsec at)
{
    if (d->waiting_count == d->waiting_capacity) {
        uint32_t capacity = d->waiting_capacity ? 2 * d->waiting_capacity : FIRST_WAITING;
        nsec *bigger = malloc(capacity * sizeof *bigger);

        if (!bigger) {
            s->error = ERR_MEMORY;
            sim_stop(s);
            return false;
        }
        for (uint32_t i = 0; i < d->waiting_count; i++)
            bigger[i] = d->waiting[(d->waiting_head + i) % d->waiting_capacity];
        free(d->waiting);
        d->waiting = bigger;
        d->waiting_capacity = capacity;
        d->waiting_head = 0;
    }
    d->waiting[(d->waiting_head + d->waiting_count++) % d->waiting_capacity] = at;
    return true;
}

/* When the last bit of the packet has left, given all that is ahead of it. */
static nsec departure(struct link_direction *d, nsec now, uint32_t bytes)
{
    uint64_t units;

    if (d->words.rate_bps == 0)
        return now;
    if (d->busy_until < now) {
        d->busy_until = now;
        d->busy_remainder = 0;
    }
    units = (uint64_t)bytes * 8 * NSEC_PER_S + d->busy_remainder;
    d->busy_until += units / d->words.rate_bps;
    d->busy_remainder = units % d->words.rate_bps;
    return d->busy_until;
}

uint64_t link_queue_bytes(const struct sim *s, uint32_t direction)
{
    const struct link_direction *d = &s->links[direction];

    if (d->words.rate_bps == 0 || d->busy_until <= s->now)
        return 0;
    return (uint64_t)((unsigned __int128)(d->busy_until - s->now) * d->words.rate_bps /
                      (8 * NSEC_PER_S));
}

/* A wrong bit anywhere in the packet, header included. */
static void corrupt(struct link_direction *d, struct packet *p)
{
    uint64_t bit = rng_below(&d->corrupt_random, (uint64_t)p->len * 8);

    p->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    p->corrupted = true;
    if (d->metrics)
        d->metrics->corrupted_packets++;
}

/* Queue, wire, delay: the packet survives the loss model and arrives some time. */
static void carry(struct sim *s, struct link_direction *d, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    const struct link_words *w = &d->words;
    nsec delay = w->delay;
    uint64_t queued;

    forget_departed(d, s->now);
    if (w->rate_bps && d->waiting_count >= w->limit) {
        drop(s, d, packet, NET_DROP_QUEUE);
        return;
    }
    p->departs = departure(d, s->now, p->len);
    if (w->rate_bps && !remember_departure(s, d, p->departs))
        return;
    queued = link_queue_bytes(s, (uint32_t)(d - s->links));
    if (queued > d->queue_bytes_peak)
        d->queue_bytes_peak = queued;
    if (w->jitter)
        delay = dist_jitter(&d->delay_random, w->distribution, w->delay, w->jitter);
    if (w->reorder && rng_chance(&d->reorder_random, w->reorder)) {
        delay = 0;
        if (d->metrics)
            d->metrics->reordered_packets++;
    }
    sim_arrive(s, d->to, d->to_port, packet, nsec_add(p->departs, delay));
}

static void count_sent(struct link_direction *d, uint32_t bytes)
{
    if (d->metrics) {
        d->metrics->sent_packets++;
        d->metrics->sent_bytes += bytes;
    }
}

/* One packet that fits the MTU. */
static void send_one(struct sim *s, struct link_direction *d, uint32_t packet)
{
    const struct link_words *w = &d->words;
    bool twice = w->duplicate && rng_chance(&d->duplicate_random, w->duplicate);
    uint32_t second = SIM_NONE;

    if (twice) {
        second = packet_copy(s, packet, s->packets[packet].len);
        if (second == SIM_NONE)
            return;
        s->packets[second].copy = s->packets[packet].copy * 2 + (1u << 31);
        s->net.duplicated_packets++;
        if (d->metrics)
            d->metrics->duplicated_packets++;
        sim_tell(s, TAP_DUPLICATED, d->from, (uint32_t)(d - s->links), second, 0);
    }
    for (int i = 0; i < 1 + twice; i++) {
        uint32_t each = i == 0 ? packet : second;

        if (loss_next(&d->loss, &w->loss)) {
            drop(s, d, each, NET_DROP_LOSS);
            continue;
        }
        if (w->corrupt && rng_chance(&d->corrupt_random, w->corrupt))
            corrupt(d, &s->packets[each]);
        carry(s, d, each);
    }
}

/* RFC 791 §3.2: cut into k fragments; k - 1 count as made. */
static void send_fragments(struct sim *s, struct link_direction *d, uint32_t packet,
                           struct fragmenter *cut)
{
    uint32_t made = fragmenter_count(cut) - 1;

    s->net.fragments_made += made;
    if (d->metrics)
        d->metrics->fragments_made += made;
    for (uint32_t i = 0; i <= made; i++) {
        uint32_t piece = packet_copy(s, packet, s->packets[packet].len);
        struct packet *p;
        struct buf out;

        if (piece == SIM_NONE)
            return;
        p = &s->packets[piece];
        out = (struct buf){.data = p->data, .cap = packet_room(p)};
        ASSERT(fragmenter_next(cut, &out));
        p->len = (uint32_t)out.len;
        p->copy = s->packets[packet].copy * 64 + i;
        send_one(s, d, piece);
    }
    packet_free(s, packet);
}

void link_send(struct sim *s, uint32_t direction, uint32_t packet)
{
    struct link_direction *d = &s->links[direction];
    struct packet *p = &s->packets[packet];
    struct fragmenter cut;

    p->handed = s->now;
    count_sent(d, p->len);
    if (d->down)
        drop(s, d, packet, NET_DROP_LINK_DOWN);
    else if (p->len <= d->words.mtu)
        send_one(s, d, packet);
    else if (fragmenter_init(&cut, bytes_of(p->data, p->len), d->words.mtu, p->sequence) == OK)
        send_fragments(s, d, packet, &cut);
    else
        drop(s, d, packet, NET_DROP_MTU);
}

bool link_arrived(struct sim *s, uint32_t out, uint32_t packet)
{
    struct link_direction *d = &s->links[s->links[out].reverse];
    struct packet *p = &s->packets[packet];

    /* It was queued before the link went down and would have left after that. */
    if (d->down_at && p->departs >= d->down_at && p->handed < d->down_at) {
        drop(s, d, packet, NET_DROP_LINK_DOWN);
        return false;
    }
    if (d->metrics) {
        d->metrics->delivered_packets++;
        d->metrics->delivered_bytes += p->len;
    }
    return true;
}

void link_set_down(struct sim *s, uint32_t direction, bool down)
{
    for (int i = 0; i < 2; i++) {
        struct link_direction *d = &s->links[direction];

        if (down && !d->down) {
            d->down_at = s->now;
            d->busy_until = s->now;
            d->waiting_count = 0;
        }
        d->down = down;
        direction = d->reverse;
    }
}
