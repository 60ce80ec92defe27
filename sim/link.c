#include "sim/link.h"

#include "base/assert.h"
#include "base/pages.h"
#include "proto/ip/fragment.h"

#include <stdlib.h>

enum { FIRST_LINKS = 64, FIRST_WAITING = 4, RECENT_KINDS = 8 };

static bool alike(const struct link_kind *k, const struct link_words *words, uint32_t link)
{
    return k->link == link && memcmp(&k->words, words, sizeof *words) == 0;
}

/* One record for all directions that are alike; those of one group are added in a row. SIM_NONE
 * when out of memory, or at LINK_KINDS_MAX: a scenario has fewer. */
static uint32_t share_kind(struct sim *s, const struct link_words *words, uint32_t link)
{
    uint32_t count = s->link_kind_count;
    struct link_kind *own;

    for (uint32_t i = count > RECENT_KINDS ? count - RECENT_KINDS : 0; i < count; i++)
        if (alike(s->link_kinds[i], words, link))
            return i;
    if (count == LINK_KINDS_MAX)
        return SIM_NONE;
    if (count == s->link_kind_capacity) {
        uint32_t capacity = count ? 2 * count : 16;
        struct link_kind **bigger = realloc(s->link_kinds, capacity * sizeof *bigger);

        if (!bigger)
            return SIM_NONE;
        s->link_kinds = bigger;
        s->link_kind_capacity = capacity;
    }
    own = malloc(sizeof *own);
    if (!own)
        return SIM_NONE;
    /* Bytes, padding included: what was compared above. */
    memcpy(&own->words, words, sizeof *words);
    own->link = link;
    s->link_kinds[s->link_kind_count] = own;
    return s->link_kind_count++;
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

static uint32_t number_of(const struct sim *s, const struct link_direction *d)
{
    return (uint32_t)(d - s->links);
}

/* The words of a direction. */
static const struct link_words *words_of(const struct sim *s, const struct link_direction *d)
{
    return &link_kind(s, d)->words;
}

/* The two directions of a link have streams of their own. */
static struct rng stream_of(const struct sim *s, const struct link_direction *d)
{
    return rng_member(&s->link_draws, 2 * (uint64_t)d->entity + number_of(s, d) % 2);
}

static struct rng draw(const struct sim *s, const struct link_direction *d, enum draw which)
{
    struct rng r = stream_of(s, d);

    r.counter = (uint64_t)d->ordinal * DRAWS + which;
    return r;
}

static bool chance(const struct sim *s, const struct link_direction *d, enum draw which, uint64_t p)
{
    struct rng r;

    if (!p)
        return false;
    r = draw(s, d, which);
    return rng_chance(&r, p);
}

/* A direction that limits nothing and counts nothing has no wire. */
static bool wire_init(struct sim *s, uint32_t direction)
{
    struct link_direction *d = &s->links[direction];

    d->wire = SIM_NONE;
    if (!words_of(s, d)->rate_bps && !words_of(s, d)->fate_count)
        return true;
    if (s->wire_count == s->wire_capacity) {
        uint32_t capacity = s->wire_capacity ? 2 * s->wire_capacity : 16;
        struct link_wire *bigger = realloc(s->wires, capacity * sizeof *bigger);

        if (!bigger)
            return false;
        s->wires = bigger;
        s->wire_capacity = capacity;
    }
    d->wire = s->wire_count++;
    s->wires[d->wire] = (struct link_wire){.direction = direction};
    return true;
}

static bool direction_init(struct sim *s, uint32_t direction)
{
    struct link_direction *d = &s->links[direction];
    struct rng first = stream_of(s, d);

    loss_init(&d->loss, &words_of(s, d)->loss, &first);
    d->ordinal = 1;
    return wire_init(s, direction);
}

enum err links_reserve(struct sim *s, uint32_t directions)
{
    struct link_direction *bigger;

    if (directions <= s->link_capacity)
        return OK;
    bigger = realloc(s->links, directions * sizeof *bigger);
    if (!bigger)
        return ERR_MEMORY;
    pages_large(bigger, directions * sizeof *bigger);
    s->links = bigger;
    s->link_capacity = directions;
    return OK;
}

uint32_t link_add(struct sim *s, uint32_t a, uint32_t b, const struct link_words *a_to_b,
                  const struct link_words *b_to_a, uint32_t link, uint32_t entity)
{
    uint32_t up = share_kind(s, a_to_b, link), down = share_kind(s, b_to_a, link);
    uint32_t first = s->link_count;
    uint32_t port_a, port_b;

    if (up == SIM_NONE || down == SIM_NONE)
        return SIM_NONE;
    if (first + 2 > s->link_capacity &&
        links_reserve(s, s->link_capacity ? 2 * s->link_capacity : FIRST_LINKS) != OK)
        return SIM_NONE;
    port_a = node_attach(&s->nodes[a], first);
    port_b = node_attach(&s->nodes[b], first + 1);
    if (port_a == SIM_NONE || port_b == SIM_NONE)
        return SIM_NONE;
    s->links[first] =
        (struct link_direction){.kind = (uint16_t)up, .to = b, .to_port = port_b, .entity = entity};
    s->links[first + 1] = (struct link_direction){
        .kind = (uint16_t)down, .to = a, .to_port = port_a, .entity = entity};
    if (!direction_init(s, first) || !direction_init(s, first + 1))
        return SIM_NONE;
    s->link_count += 2;
    return first;
}

void links_reset(struct sim *s)
{
    for (uint32_t i = 0; i < s->wire_count; i++)
        free(s->wires[i].waiting);
    for (uint32_t i = 0; i < s->link_kind_count; i++)
        free(s->link_kinds[i]);
    free(s->wires);
    free(s->links);
    free(s->link_kinds);
}

static uint32_t sender(const struct sim *s, const struct link_direction *d)
{
    return link_from(s, number_of(s, d));
}

/* What is counted of the link's packets; NULL: nothing. */
static struct net_metrics *metrics_of(const struct sim *s, const struct link_direction *d)
{
    return s->of_link ? &s->of_link[link_kind(s, d)->link].net : NULL;
}

/* The packet's end, in all books; its slot may still be named by an event. */
static void count_drop(struct sim *s, struct link_direction *d, uint32_t packet,
                       enum net_drop cause)
{
    struct net_metrics *m = metrics_of(s, d);

    s->net.dropped[cause]++;
    s->esp_lost[cause] += s->packets[packet].kind == PACKET_ESP;
    d->on_it--;
    if (m)
        m->dropped[cause]++;
    sim_tell(s, TAP_DROPPED, sender(s, d), number_of(s, d), packet, cause);
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
static void forget_departed(struct link_wire *w, nsec now)
{
    while (w->waiting_count > 0 && w->waiting[w->waiting_head] <= now) {
        w->waiting_head = (w->waiting_head + 1) & (w->waiting_capacity - 1);
        w->waiting_count--;
    }
}

/* What waits for the wire or is on it; with sim.no_shortcut each is counted. */
static uint32_t waiting_now(const struct sim *s, const struct link_wire *w)
{
    return w->waiting_count + (!s->no_shortcut && w->busy_until > s->now);
}

static bool remember_departure(struct sim *s, struct link_wire *w, nsec at)
{
    if (w->waiting_count == w->waiting_capacity) {
        uint32_t capacity = w->waiting_capacity ? 2 * w->waiting_capacity : FIRST_WAITING;
        nsec *bigger = malloc(capacity * sizeof *bigger);

        if (!bigger) {
            sim_fail(s, ERR_MEMORY);
            return false;
        }
        for (uint32_t i = 0; i < w->waiting_count; i++)
            bigger[i] = w->waiting[(w->waiting_head + i) & (w->waiting_capacity - 1)];
        free(w->waiting);
        w->waiting = bigger;
        w->waiting_capacity = capacity;
        w->waiting_head = 0;
    }
    w->waiting[(w->waiting_head + w->waiting_count++) & (w->waiting_capacity - 1)] = at;
    return true;
}

/* When the last bit of the packet has left, given all that is ahead of it. */
static nsec departure(struct link_wire *w, uint64_t rate_bps, nsec now, uint32_t bytes)
{
    uint64_t units;

    if (w->busy_until < now) {
        w->busy_until = now;
        w->busy_remainder = 0;
    }
    units = (uint64_t)bytes * 8 * NSEC_PER_S + w->busy_remainder;
    w->busy_until += units / rate_bps;
    w->busy_remainder = units % rate_bps;
    return w->busy_until;
}

static uint64_t wire_bytes(const struct sim *s, const struct link_wire *w)
{
    uint64_t rate_bps = words_of(s, &s->links[w->direction])->rate_bps;

    if (rate_bps == 0 || w->busy_until <= s->now)
        return 0;
    return (uint64_t)((unsigned __int128)(w->busy_until - s->now) * rate_bps / (8 * NSEC_PER_S));
}

uint64_t link_queue_bytes(const struct sim *s, uint32_t direction)
{
    uint32_t wire = s->links[direction].wire;

    return wire == SIM_NONE ? 0 : wire_bytes(s, &s->wires[wire]);
}

uint64_t link_queue_peak(const struct sim *s, uint32_t direction)
{
    uint32_t wire = s->links[direction].wire;

    return wire == SIM_NONE ? 0 : s->wires[wire].queue_bytes_peak;
}

static struct link_metrics *link_metrics_of(const struct sim *s, const struct link_wire *w)
{
    return &s->of_link[link_kind(s, &s->links[w->direction])->link];
}

/* What is in a queue is looked at now and then: by a list of those that may not be empty. */
static void note_queue(struct sim *s, struct link_direction *d, struct link_wire *w)
{
    uint64_t queued = wire_bytes(s, w);

    if (queued > w->queue_bytes_peak) {
        w->queue_bytes_peak = queued;
        if (s->of_link && queued > link_metrics_of(s, w)->queue_peak_bytes)
            link_metrics_of(s, w)->queue_peak_bytes = queued;
    }
    if (w->busy || w->busy_until <= s->now)
        return;
    w->busy = true;
    w->next_busy = s->first_busy;
    s->first_busy = d->wire;
}

void links_gauge(struct sim *s)
{
    uint32_t *at = &s->first_busy;

    for (uint32_t i = s->first_busy; i != SIM_NONE; i = s->wires[i].next_busy)
        link_metrics_of(s, &s->wires[i])->queue_bytes = 0;
    while (*at != SIM_NONE) {
        struct link_wire *w = &s->wires[*at];

        if (w->busy_until > s->now) {
            link_metrics_of(s, w)->queue_bytes += wire_bytes(s, w);
            at = &w->next_busy;
        } else {
            w->busy = false;
            *at = w->next_busy;
        }
    }
}

/* A wrong bit anywhere in the packet, header included. */
static void corrupt(struct sim *s, struct link_direction *d, struct packet *p)
{
    struct rng r = draw(s, d, DRAW_CORRUPT_BIT);
    uint64_t bit = rng_below(&r, (uint64_t)p->len * 8);
    struct net_metrics *m = metrics_of(s, d);

    p->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    p->corrupted = true;
    p->hashed = false;
    s->net.corrupted_packets++;
    if (m)
        m->corrupted_packets++;
}

static nsec delay_of(struct sim *s, struct link_direction *d)
{
    const struct link_words *w = words_of(s, d);
    struct rng r;

    if (chance(s, d, DRAW_REORDER, w->reorder)) {
        struct net_metrics *m = metrics_of(s, d);

        s->net.reordered_packets++;
        if (m)
            m->reordered_packets++;
        return 0;
    }
    if (!w->jitter)
        return w->delay;
    r = draw(s, d, DRAW_DELAY);
    return dist_jitter(&r, w->distribution, w->delay, w->jitter);
}

/* Queue and wire: when the packet departs. @return false when it does not */
static bool enqueue(struct sim *s, struct link_direction *d, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    struct link_wire *w;

    if (words_of(s, d)->rate_bps == 0) {
        p->departs = s->now;
        return true;
    }
    w = &s->wires[d->wire];
    if (!s->no_shortcut)
        forget_departed(w, s->now);
    if (waiting_now(s, w) >= words_of(s, d)->limit) {
        drop(s, d, packet, NET_DROP_QUEUE);
        return false;
    }
    if (!s->no_shortcut && w->busy_until > s->now && !remember_departure(s, w, w->busy_until))
        return false;
    p->departs = departure(w, words_of(s, d)->rate_bps, s->now, p->len);
    note_queue(s, d, w);
    w->waiting_count += s->no_shortcut && p->departs > s->now;
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
        sim_depart(s, sender(s, d), packet, p->departs);
    else
        sim_arrive(s, d->to, d->to_port, packet, p->arrives);
}

void link_departed(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    struct link_direction *d = &s->links[p->direction];
    struct link_wire *w;

    if (p->lost) {
        packet_free(s, packet);
        return;
    }
    w = &s->wires[d->wire];
    ASSERT(w->waiting_count > 0 && p->departs == s->now);
    w->waiting_count--;
    sim_arrive(s, d->to, d->to_port, packet, p->arrives);
}

static void carry_or_lose(struct sim *s, struct link_direction *d, uint32_t packet)
{
    d->ordinal++;
    if (words_of(s, d)->loss.model != LOSS_NONE) {
        struct rng r = draw(s, d, DRAW_LOSS);

        if (loss_next(&d->loss, &words_of(s, d)->loss, &r)) {
            drop(s, d, packet, NET_DROP_LOSS);
            return;
        }
    }
    if (chance(s, d, DRAW_CORRUPT, words_of(s, d)->corrupt))
        corrupt(s, d, &s->packets[packet]);
    carry(s, d, packet);
}

/* A second copy, of the first one's bytes before anything happens to them; SIM_NONE: none. */
static uint32_t duplicate(struct sim *s, struct link_direction *d, uint32_t packet)
{
    uint32_t second = packet_copy(s, sender(s, d), packet, s->packets[packet].len);
    struct net_metrics *m = metrics_of(s, d);

    if (second == SIM_NONE)
        return SIM_NONE;
    s->net.duplicated_packets++;
    d->on_it++;
    if (m)
        m->duplicated_packets++;
    sim_tell(s, TAP_DUPLICATED, sender(s, d), number_of(s, d), second, 0);
    return second;
}

/* One packet that fits the MTU. */
static void send_one(struct sim *s, struct link_direction *d, uint32_t packet)
{
    uint32_t second = SIM_NONE;

    if (chance(s, d, DRAW_DUPLICATE, words_of(s, d)->duplicate))
        second = duplicate(s, d, packet);
    carry_or_lose(s, d, packet);
    if (second != SIM_NONE)
        carry_or_lose(s, d, second);
}

/* A fragment, made by the sender; SIM_NONE when out of memory. */
static uint32_t next_fragment(struct sim *s, struct link_direction *d, uint32_t packet,
                              struct fragmenter *cut)
{
    uint32_t piece = packet_copy(s, sender(s, d), packet, words_of(s, d)->mtu); /* for the room */
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
    struct net_metrics *m = metrics_of(s, d);

    s->net.fragments_made += count - 1;
    d->on_it += count - 1;
    if (m)
        m->fragments_made += count - 1;
    sim_tell(s, TAP_FRAGMENTED, sender(s, d), number_of(s, d), packet, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t piece = next_fragment(s, d, packet, cut);

        if (piece == SIM_NONE)
            return;
        send_one(s, d, piece);
    }
    packet_free(s, packet);
}

/* RFC 8200 §5: on the way, an IPv6 packet is never cut. */
static bool may_cut(const struct sim *s, const struct link_direction *d, const struct packet *p)
{
    return p->data[0] >> 4 == 4 || p->source == sender(s, d);
}

/* What the scenario says becomes of this packet; NULL: nothing. Counts it. */
static const struct packet_fate *fate_of(struct sim *s, struct link_direction *d,
                                         const struct packet *p)
{
    uint32_t kind = p->kind == PACKET_ESP ? FATE_ESP : FATE_IKE;
    uint32_t low = 0, high = words_of(s, d)->fate_count, number;

    if (!high || (p->kind != PACKET_ESP && p->kind != PACKET_IKE))
        return NULL;
    number = ++s->wires[d->wire].numbered[kind];
    while (low < high) {
        const struct packet_fate *f = &words_of(s, d)->fates[low + (high - low) / 2];

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
    const struct packet_fate *fate = fate_of(s, d, p);
    struct fragmenter cut;

    p->direction = direction;
    d->on_it++;
    net_count_sent(metrics_of(s, d), p->len);
    if (d->down)
        drop(s, d, packet, NET_DROP_LINK_DOWN);
    else if (fate)
        meet(s, d, packet, fate);
    else if (p->len <= words_of(s, d)->mtu)
        send_one(s, d, packet);
    else if (may_cut(s, d, p) && fragmenter_init(&cut, bytes_of(p->data, p->len),
                                                 words_of(s, d)->mtu, p->sequence) == OK)
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
    d->on_it--;
    net_count_delivered(metrics_of(s, d), p->len);
    return true;
}

/* What waits in the queue is lost now; the events that name it free the slots. */
static void lose_queue(struct sim *s, uint32_t direction)
{
    struct link_direction *d = &s->links[direction];
    struct link_wire *w = d->wire == SIM_NONE ? NULL : &s->wires[d->wire];

    /* The wire is idle: no walk over all packets of the run. */
    if (!w || w->busy_until <= s->now)
        return;
    for (uint32_t i = 0; i < s->packet_count; i++) {
        struct packet *p = &s->packets[i];

        if (p->data && p->direction == direction && !p->lost && p->departs > s->now) {
            count_drop(s, d, i, NET_DROP_LINK_DOWN);
            packet_lose(s, i);
            w->waiting_count -= s->no_shortcut;
        }
    }
    w->busy_until = s->now;
    w->busy_remainder = 0;
    if (!s->no_shortcut)
        w->waiting_count = 0;
}

void link_set_down(struct sim *s, uint32_t direction, bool down)
{
    for (int i = 0; i < 2; i++) {
        struct link_direction *d = &s->links[direction];

        if (down && !d->down)
            lose_queue(s, direction);
        d->down = down;
        direction = link_reverse(direction);
    }
}
