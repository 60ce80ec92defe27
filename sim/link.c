#include "sim/link.h"

#include "base/assert.h"
#include "proto/ip/fragment.h"

#include <stdlib.h>

enum { FIRST_WAITING = 4, RECENT_WORDS = 8 };

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

/* One copy of words for all links that are alike; those of one group are added in a row. */
static const struct link_words *share_words(struct sim *s, const struct link_words *words)
{
    uint32_t first = s->words_count > RECENT_WORDS ? s->words_count - RECENT_WORDS : 0;
    struct link_words *own;

    for (uint32_t i = first; i < s->words_count; i++)
        if (memcmp(s->words[i], words, sizeof *words) == 0)
            return s->words[i];
    if (s->words_count == s->words_capacity) {
        uint32_t capacity = s->words_capacity ? 2 * s->words_capacity : 16;
        struct link_words **bigger = realloc(s->words, capacity * sizeof *bigger);

        if (!bigger)
            return NULL;
        s->words = bigger;
        s->words_capacity = capacity;
    }
    own = malloc(sizeof *own);
    if (!own)
        return NULL;
    /* Bytes, padding included: what was compared above. */
    memcpy(own, words, sizeof *own);
    s->words[s->words_count++] = own;
    return own;
}

/* Each packet has eight values of the direction's stream; a word unused shifts nothing. */
enum draw {
    DRAW_LOSS, /* and the step of the loss chain */
    DRAW_DUPLICATE = 2,
    DRAW_REORDER,
    DRAW_CORRUPT,
    DRAW_CORRUPT_BIT,
    DRAW_DELAY,
    DRAWS = 8,
};

static struct rng draw(const struct link_direction *d, enum draw which)
{
    struct rng r = d->random;

    r.counter = (uint64_t)d->ordinal * DRAWS + which;
    return r;
}

static bool chance(const struct link_direction *d, enum draw which, uint64_t p)
{
    struct rng r = draw(d, which);

    return p && rng_chance(&r, p);
}

static void direction_init(struct sim *s, struct link_direction *d, uint64_t name)
{
    struct rng first;

    d->random = rng_stream(s->seed, name, RNG_LINK);
    first = draw(d, DRAW_LOSS);
    loss_init(&d->loss, &d->words->loss, &first);
    d->ordinal = 1;
}

uint32_t link_add(struct sim *s, uint32_t a, uint32_t b, const struct link_words *a_to_b,
                  const struct link_words *b_to_a, uint32_t link, uint32_t entity)
{
    const struct link_words *words[2] = {share_words(s, a_to_b), share_words(s, b_to_a)};
    uint32_t first = s->link_count;
    uint32_t port_a, port_b;
    struct link_direction *d;

    if (!words[0] || !words[1])
        return SIM_NONE;
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
    d[0] = (struct link_direction){.words = words[0],
                                   .from = a,
                                   .to = b,
                                   .from_port = port_a,
                                   .to_port = port_b,
                                   .link = link,
                                   .reverse = first + 1};
    d[1] = (struct link_direction){.words = words[1],
                                   .from = b,
                                   .to = a,
                                   .from_port = port_b,
                                   .to_port = port_a,
                                   .link = link,
                                   .reverse = first};
    direction_init(s, &d[0], 2 * (uint64_t)entity);
    direction_init(s, &d[1], 2 * (uint64_t)entity + 1);
    s->link_count += 2;
    return first;
}

void links_reset(struct sim *s)
{
    for (uint32_t i = 0; i < s->link_count; i++)
        free(s->links[i].waiting);
    for (uint32_t i = 0; i < s->words_count; i++)
        free(s->words[i]);
    free(s->links);
    free(s->words);
}

/* The packet's end, in all books; its slot may still be named by an event. */
static void count_drop(struct sim *s, struct link_direction *d, uint32_t packet,
                       enum net_drop cause)
{
    s->net.dropped[cause]++;
    s->esp_lost[cause] += s->packets[packet].kind == PACKET_ESP;
    d->books.dropped++;
    if (d->metrics)
        d->metrics->dropped[cause]++;
    sim_tell(s, TAP_DROPPED, d->from, (uint32_t)(d - s->links), packet, cause);
}

static void drop(struct sim *s, struct link_direction *d, uint32_t packet, enum net_drop cause)
{
    count_drop(s, d, packet, cause);
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
            sim_fail(s, ERR_MEMORY);
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

    if (d->busy_until < now) {
        d->busy_until = now;
        d->busy_remainder = 0;
    }
    units = (uint64_t)bytes * 8 * NSEC_PER_S + d->busy_remainder;
    d->busy_until += units / d->words->rate_bps;
    d->busy_remainder = units % d->words->rate_bps;
    return d->busy_until;
}

uint64_t link_queue_bytes(const struct sim *s, uint32_t direction)
{
    const struct link_direction *d = &s->links[direction];

    if (d->words->rate_bps == 0 || d->busy_until <= s->now)
        return 0;
    return (uint64_t)((unsigned __int128)(d->busy_until - s->now) * d->words->rate_bps /
                      (8 * NSEC_PER_S));
}

/* A wrong bit anywhere in the packet, header included. */
static void corrupt(struct sim *s, struct link_direction *d, struct packet *p)
{
    struct rng r = draw(d, DRAW_CORRUPT_BIT);
    uint64_t bit = rng_below(&r, (uint64_t)p->len * 8);

    p->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    p->corrupted = true;
    p->hashed = false;
    s->net.corrupted_packets++;
    if (d->metrics)
        d->metrics->corrupted_packets++;
}

static nsec delay_of(struct sim *s, struct link_direction *d)
{
    const struct link_words *w = d->words;
    struct rng r = draw(d, DRAW_DELAY);

    if (chance(d, DRAW_REORDER, w->reorder)) {
        s->net.reordered_packets++;
        if (d->metrics)
            d->metrics->reordered_packets++;
        return 0;
    }
    return w->jitter ? dist_jitter(&r, w->distribution, w->delay, w->jitter) : w->delay;
}

/* Queue and wire: when the packet departs. @return false when it does not */
static bool enqueue(struct sim *s, struct link_direction *d, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    uint64_t queued;

    if (d->words->rate_bps == 0) {
        p->departs = s->now;
        return true;
    }
    if (!s->no_shortcut)
        forget_departed(d, s->now);
    if (d->waiting_count >= d->words->limit) {
        drop(s, d, packet, NET_DROP_QUEUE);
        return false;
    }
    p->departs = departure(d, s->now, p->len);
    queued = link_queue_bytes(s, (uint32_t)(d - s->links));
    if (queued > d->queue_bytes_peak)
        d->queue_bytes_peak = queued;
    if (p->departs == s->now)
        return true;
    if (!s->no_shortcut)
        return remember_departure(s, d, p->departs);
    d->waiting_count++;
    return true;
}

/* The packet survives the loss model: it departs and arrives some time. */
static void carry(struct sim *s, struct link_direction *d, uint32_t packet)
{
    struct packet *p = &s->packets[packet];

    if (!enqueue(s, d, packet))
        return;
    p->arrives = nsec_add(p->departs, delay_of(s, d));
    if (s->no_shortcut && p->departs > s->now)
        sim_depart(s, d->from, packet, p->departs);
    else
        sim_arrive(s, d->to, d->to_port, packet, p->arrives);
}

void link_departed(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    struct link_direction *d = &s->links[p->direction];

    if (p->lost) {
        packet_free(s, packet);
        return;
    }
    ASSERT(d->waiting_count > 0 && p->departs == s->now);
    d->waiting_count--;
    sim_arrive(s, d->to, d->to_port, packet, p->arrives);
}

static void carry_or_lose(struct sim *s, struct link_direction *d, uint32_t packet)
{
    struct rng r;

    d->ordinal++;
    r = draw(d, DRAW_LOSS);
    if (loss_next(&d->loss, &d->words->loss, &r)) {
        drop(s, d, packet, NET_DROP_LOSS);
        return;
    }
    if (chance(d, DRAW_CORRUPT, d->words->corrupt))
        corrupt(s, d, &s->packets[packet]);
    carry(s, d, packet);
}

/* A second copy, of the first one's bytes before anything happens to them; SIM_NONE: none. */
static uint32_t duplicate(struct sim *s, struct link_direction *d, uint32_t packet)
{
    uint32_t second = packet_copy(s, d->from, packet, s->packets[packet].len);

    if (second == SIM_NONE)
        return SIM_NONE;
    s->net.duplicated_packets++;
    d->books.made++;
    if (d->metrics)
        d->metrics->duplicated_packets++;
    sim_tell(s, TAP_DUPLICATED, d->from, (uint32_t)(d - s->links), second, 0);
    return second;
}

/* One packet that fits the MTU. */
static void send_one(struct sim *s, struct link_direction *d, uint32_t packet)
{
    uint32_t second = SIM_NONE;

    if (chance(d, DRAW_DUPLICATE, d->words->duplicate))
        second = duplicate(s, d, packet);
    carry_or_lose(s, d, packet);
    if (second != SIM_NONE)
        carry_or_lose(s, d, second);
}

/* A fragment, made by the sender; SIM_NONE when out of memory. */
static uint32_t next_fragment(struct sim *s, struct link_direction *d, uint32_t packet,
                              struct fragmenter *cut)
{
    uint32_t piece = packet_copy(s, d->from, packet, d->words->mtu); /* for the room */
    struct packet *p;
    struct buf out;

    if (piece == SIM_NONE)
        return SIM_NONE;
    p = &s->packets[piece];
    out = (struct buf){.data = p->data, .cap = packet_room(p)};
    ASSERT(fragmenter_next(cut, &out));
    p->len = (uint32_t)out.len;
    return piece;
}

/* RFC 791 §3.2: cut into k fragments; k - 1 count as made. */
static void send_fragments(struct sim *s, struct link_direction *d, uint32_t packet,
                           struct fragmenter *cut)
{
    uint32_t count = fragmenter_count(cut);

    s->net.fragments_made += count - 1;
    d->books.made += count - 1;
    if (d->metrics)
        d->metrics->fragments_made += count - 1;
    sim_tell(s, TAP_FRAGMENTED, d->from, (uint32_t)(d - s->links), packet, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t piece = next_fragment(s, d, packet, cut);

        if (piece == SIM_NONE)
            return;
        send_one(s, d, piece);
    }
    packet_free(s, packet);
}

/* RFC 8200 §5: on the way, an IPv6 packet is never cut. */
static bool may_cut(const struct link_direction *d, const struct packet *p)
{
    return p->data[0] >> 4 == 4 || p->source == d->from;
}

/* What the scenario says becomes of this packet; NULL: nothing. Counts it. */
static const struct packet_fate *fate_of(struct link_direction *d, const struct packet *p)
{
    uint32_t kind = p->kind == PACKET_ESP ? FATE_ESP : FATE_IKE;
    uint32_t low = 0, high = d->words->fate_count, number;

    if (!high || (p->kind != PACKET_ESP && p->kind != PACKET_IKE))
        return NULL;
    number = ++d->numbered[kind];
    while (low < high) {
        const struct packet_fate *f = &d->words->fates[low + (high - low) / 2];

        if (f->kind == kind && f->number == number)
            return f;
        if (f->kind < kind || (f->kind == kind && f->number < number))
            low += (high - low) / 2 + 1;
        else
            high = low + (high - low) / 2;
    }
    return NULL;
}

static void arrive_at(struct sim *s, struct link_direction *d, uint32_t packet, nsec at)
{
    struct packet *p = &s->packets[packet];

    p->departs = s->now;
    p->arrives = nsec_max(at, s->now);
    sim_arrive(s, d->to, d->to_port, packet, p->arrives);
}

/* It counts as one packet of the stream: those behind it have the draws they had without. */
static void meet(struct sim *s, struct link_direction *d, uint32_t packet,
                 const struct packet_fate *fate)
{
    d->ordinal++;
    if (fate->lost) {
        drop(s, d, packet, NET_DROP_LOSS);
        return;
    }
    for (uint32_t i = 1; i < fate->at_count; i++) {
        uint32_t again = duplicate(s, d, packet);

        if (again == SIM_NONE)
            break;
        arrive_at(s, d, again, fate->at[i]);
    }
    arrive_at(s, d, packet, fate->at[0]);
}

void link_send(struct sim *s, uint32_t direction, uint32_t packet)
{
    struct link_direction *d = &s->links[direction];
    struct packet *p = &s->packets[packet];
    const struct packet_fate *fate = fate_of(d, p);
    struct fragmenter cut;

    p->direction = direction;
    d->books.sent++;
    if (d->metrics) {
        d->metrics->sent_packets++;
        d->metrics->sent_bytes += p->len;
    }
    if (d->down)
        drop(s, d, packet, NET_DROP_LINK_DOWN);
    else if (fate)
        meet(s, d, packet, fate);
    else if (p->len <= d->words->mtu)
        send_one(s, d, packet);
    else if (may_cut(d, p) &&
             fragmenter_init(&cut, bytes_of(p->data, p->len), d->words->mtu, p->sequence) == OK)
        send_fragments(s, d, packet, &cut);
    else
        drop(s, d, packet, NET_DROP_MTU);
}

bool link_arrived(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    struct link_direction *d = &s->links[p->direction];

    if (p->lost) {
        packet_free(s, packet);
        return false;
    }
    d->books.delivered++;
    if (d->metrics) {
        d->metrics->delivered_packets++;
        d->metrics->delivered_bytes += p->len;
    }
    return true;
}

/* What waits in the queue is lost now; the events that name it free the slots. */
static void lose_queue(struct sim *s, uint32_t direction)
{
    struct link_direction *d = &s->links[direction];

    /* The wire is idle: no walk over all packets of the run. */
    if (d->busy_until <= s->now)
        return;
    for (uint32_t i = 0; i < s->packet_count; i++) {
        struct packet *p = &s->packets[i];

        if (p->data && p->direction == direction && !p->lost && p->departs > s->now) {
            count_drop(s, d, i, NET_DROP_LINK_DOWN);
            p->lost = true;
            d->waiting_count -= s->no_shortcut;
        }
    }
    d->busy_until = s->now;
    d->busy_remainder = 0;
    if (!s->no_shortcut)
        d->waiting_count = 0;
}

void link_set_down(struct sim *s, uint32_t direction, bool down)
{
    for (int i = 0; i < 2; i++) {
        struct link_direction *d = &s->links[direction];

        if (down && !d->down)
            lose_queue(s, direction);
        d->down = down;
        direction = d->reverse;
    }
}
