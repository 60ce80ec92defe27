#include "sim/sim.h"

#include "base/assert.h"
#include "sim/link.h"

#include <stdlib.h>

/* Packets that meet at one node at one time: by maker, then its own number. No two are equal. */
static int packet_order(void *context, uint32_t a, uint32_t b)
{
    const struct sim *s = context;
    const struct packet *p = &s->packets[a], *q = &s->packets[b];

    if (p->maker != q->maker)
        return p->maker < q->maker ? -1 : 1;
    return p->serial < q->serial ? -1 : p->serial > q->serial;
}

enum err sim_init(struct sim *s, uint64_t seed)
{
    *s = (struct sim){.seed = seed, .free_small = SIM_NONE, .free_large = SIM_NONE};
    return queue_init(&s->queue, packet_order, s);
}

void sim_reset(struct sim *s)
{
    for (uint32_t i = 0; i < s->node_count; i++) {
        if (s->nodes[i].class->destroy)
            s->nodes[i].class->destroy(s, i);
        free(s->nodes[i].ports);
    }
    for (uint32_t i = 0; i < s->packet_count; i++)
        free(s->packets[i].storage);
    links_reset(s);
    free(s->packets);
    free(s->nodes);
    queue_reset(&s->queue);
    *s = (struct sim){0};
}

void sim_fail(struct sim *s, enum err e)
{
    if (s->error == OK)
        s->error = e;
    s->stopped = true;
}

/* Double an array when it is full; false and the run ends when memory is short. */
static bool room_for_one(struct sim *s, void **array, uint32_t count, uint32_t *capacity,
                         size_t size)
{
    uint32_t bigger = *capacity ? 2 * *capacity : 64;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*array, bigger * size);
    if (!grown) {
        sim_fail(s, ERR_MEMORY);
        return false;
    }
    *array = grown;
    *capacity = bigger;
    return true;
}

uint32_t sim_add_node(struct sim *s, const struct node_class *class, void *state, const char *name,
                      uint32_t group)
{
    struct node *n;

    if (!room_for_one(s, (void **)&s->nodes, s->node_count, &s->node_capacity, sizeof *s->nodes))
        return SIM_NONE;
    n = &s->nodes[s->node_count];
    *n = (struct node){.class = class, .state = state, .name = name, .group = group};
    for (int i = 0; i < TIMERS_PER_NODE; i++)
        n->timer_at[i] = n->timer_queued[i] = NSEC_NEVER;
    return s->node_count++;
}

/* A slot of the class that holds `bytes`: the last one freed, or a new one. */
static uint32_t slot_take(struct sim *s, uint32_t bytes)
{
    bool large = bytes > PACKET_SMALL;
    uint32_t *head = large ? &s->free_large : &s->free_small;
    uint32_t i = *head;
    struct packet *p;

    ASSERT(bytes <= PACKET_LARGE);
    if (i != SIM_NONE) {
        *head = s->packets[i].next;
        return i;
    }
    if (!room_for_one(s, (void **)&s->packets, s->packet_count, &s->packet_capacity,
                      sizeof *s->packets))
        return SIM_NONE;
    p = &s->packets[s->packet_count];
    *p = (struct packet){.capacity = large ? PACKET_LARGE : PACKET_SMALL};
    p->storage = malloc(p->capacity);
    if (!p->storage) {
        sim_fail(s, ERR_MEMORY);
        return SIM_NONE;
    }
    return s->packet_count++;
}

uint32_t packet_new(struct sim *s, uint32_t node, uint32_t room)
{
    uint32_t i = slot_take(s, PACKET_HEADROOM + room);
    struct packet *p;
    uint32_t number;

    if (i == SIM_NONE)
        return SIM_NONE;
    p = &s->packets[i];
    number = s->nodes[node].sequence++;
    *p = (struct packet){.storage = p->storage,
                         .data = p->storage + PACKET_HEADROOM,
                         .capacity = p->capacity,
                         .source = node,
                         .sequence = number,
                         .maker = node,
                         .serial = number,
                         .holder = node,
                         .direction = SIM_NONE,
                         .created = s->now,
                         .next = SIM_NONE};
    return i;
}

uint32_t packet_copy(struct sim *s, uint32_t node, uint32_t packet, uint32_t len)
{
    uint32_t i = packet_new(s, node, len);
    const struct packet *from = &s->packets[packet];
    struct packet *p;

    if (i == SIM_NONE)
        return SIM_NONE;
    ASSERT(len <= from->len);
    p = &s->packets[i];
    memcpy(p->data, from->data, len);
    p->len = len;
    p->source = from->source;
    p->sequence = from->sequence;
    p->created = from->created;
    p->direction = from->direction;
    p->tag = from->tag;
    p->transmission = from->transmission;
    p->kind = from->kind;
    p->corrupted = from->corrupted;
    p->entered = from->entered;
    p->hashed = from->hashed && len == from->len;
    p->hash = from->hash;
    return i;
}

void packet_free(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    uint32_t *head = p->capacity > PACKET_SMALL ? &s->free_large : &s->free_small;

    ASSERT(p->data);
    p->data = NULL;
    p->entered = false;
    p->next = *head;
    *head = packet;
}

void packet_enter(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    struct node *n = &s->nodes[p->holder];

    p->entered = true;
    s->net.sent_packets++;
    s->net.sent_bytes += p->len;
    n->books.in++;
    if (n->net) {
        n->net->sent_packets++;
        n->net->sent_bytes += p->len;
    }
}

void packet_deliver(struct sim *s, uint32_t node, uint32_t packet)
{
    const struct packet *p = &s->packets[packet];
    struct node *n = &s->nodes[node];

    s->net.delivered_packets++;
    s->net.delivered_bytes += p->len;
    n->books.out++;
    if (n->net) {
        n->net->delivered_packets++;
        n->net->delivered_bytes += p->len;
    }
    packet_free(s, packet);
}

void sim_tell(struct sim *s, enum tap_kind kind, uint32_t node, uint32_t direction, uint32_t packet,
              enum net_drop cause)
{
    if (s->tap.packet)
        s->tap.packet(s->tap.context, &(struct tap_event){.kind = kind,
                                                          .at = s->now,
                                                          .node = node,
                                                          .direction = direction,
                                                          .packet = &s->packets[packet],
                                                          .cause = cause});
}

enum { NOTE_SENT = 1, NOTE_RECEIVED = 2, NOTE_TIMER = 3, NOTE_DROPPED = 4 };

/* What happened at a node, into its two digests: `detail` is a port, a timer slot, a cause. */
static void note(struct sim *s, uint32_t node, uint32_t what, uint32_t detail,
                 const struct packet *p)
{
    struct node *n = &s->nodes[node];
    uint64_t line[5] = {s->now, (uint64_t)what << 32 | detail, p ? p->len : 0,
                        p ? (uint64_t)p->source << 32 | p->sequence : 0, p ? p->hash : 0};

    digest_add(&n->timeline, line, sizeof line - sizeof line[4]);
    digest_add(&n->digest, line, sizeof line);
}

void packet_drop(struct sim *s, uint32_t node, uint32_t packet, enum net_drop cause)
{
    s->net.dropped[cause]++;
    s->esp_lost[cause] += s->packets[packet].kind == PACKET_ESP;
    s->nodes[node].books.out++;
    if (s->nodes[node].net)
        s->nodes[node].net->dropped[cause]++;
    note(s, node, NOTE_DROPPED, cause, &s->packets[packet]);
    sim_tell(s, TAP_DROPPED, node, SIM_NONE, packet, cause);
    packet_free(s, packet);
}

static void hash_bytes(struct packet *p)
{
    p->hash = digest_of(p->data, p->len, 0);
    p->hashed = true;
}

void sim_send(struct sim *s, uint32_t node, uint32_t port, uint32_t packet, bool first)
{
    struct node *n = &s->nodes[node];
    struct packet *p = &s->packets[packet];

    ASSERT(port < n->port_count);
    ASSERT(p->data && p->entered != first);
    if (first)
        packet_enter(s, packet);
    n->books.out++;
    hash_bytes(p);
    note(s, node, NOTE_SENT, port, p);
    sim_tell(s, TAP_SENT, node, n->ports[port], packet, 0);
    link_send(s, n->ports[port], packet);
}

static void schedule(struct sim *s, nsec at, uint32_t entity, uint32_t what)
{
    enum err e;

    if (at < s->now) {
        s->broken = "an event was scheduled in the past";
        s->stopped = true;
        return;
    }
    e = queue_put(&s->queue, (struct event_entry){at, entity, what});
    if (e != OK)
        sim_fail(s, e);
}

void sim_arrive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet, nsec at)
{
    s->packets[packet].port = port;
    schedule(s, at, node, event_what(EVENT_PACKET, packet));
}

void sim_depart(struct sim *s, uint32_t node, uint32_t packet, nsec at)
{
    schedule(s, at, node, event_what(EVENT_DEPARTURE, packet));
}

/* A timer's number: slot above generation, so that equal times come out by slot. */
enum { GENERATION_BITS = 28 };
#define GENERATION_MASK ((UINT32_C(1) << GENERATION_BITS) - 1)
_Static_assert(TIMERS_PER_NODE <= 4, "a timer's number has 30 bits");

static void queue_timer(struct sim *s, uint32_t node, uint32_t slot, nsec at)
{
    struct node *n = &s->nodes[node];
    uint32_t generation = ++n->timer_generation[slot] & GENERATION_MASK;

    n->timer_queued[slot] = at;
    schedule(s, at, node, event_what(EVENT_TIMER, slot << GENERATION_BITS | generation));
}

/*
 * A timer that moves later keeps its queue entry, which is put off when it comes up; one that
 * moves earlier gets a new entry, and the old one is recognised as stale by its generation.
 */
void sim_arm(struct sim *s, uint32_t node, uint32_t slot, nsec at)
{
    struct node *n = &s->nodes[node];

    ASSERT(slot < TIMERS_PER_NODE);
    n->timer_at[slot] = at;
    if (at < n->timer_queued[slot])
        queue_timer(s, node, slot, at);
}

static void handle_timer(struct sim *s, uint32_t node, uint32_t number)
{
    struct node *n = &s->nodes[node];
    uint32_t slot = number >> GENERATION_BITS;
    nsec at = n->timer_at[slot];

    if ((n->timer_generation[slot] & GENERATION_MASK) != (number & GENERATION_MASK))
        return;
    n->timer_queued[slot] = NSEC_NEVER;
    if (at == NSEC_NEVER)
        return;
    if (at > s->now) {
        queue_timer(s, node, slot, at);
        return;
    }
    if (n->down) {
        s->broken = "a timer of a node that is down fired";
        s->stopped = true;
        return;
    }
    n->timer_at[slot] = NSEC_NEVER;
    s->events++;
    note(s, node, NOTE_TIMER, slot, NULL);
    n->class->timer(s, node, slot);
}

void sim_set_down(struct sim *s, uint32_t node, bool down)
{
    s->nodes[node].down = down;
    for (uint32_t slot = 0; down && slot < TIMERS_PER_NODE; slot++)
        sim_arm(s, node, slot, NSEC_NEVER);
}

static void handle_packet(struct sim *s, uint32_t node, uint32_t packet)
{
    struct node *n = &s->nodes[node];
    struct packet *p = &s->packets[packet];
    uint32_t port = p->port;

    ASSERT(p->data);
    s->events++;
    if (!link_arrived(s, packet))
        return;
    p->holder = node;
    p->direction = SIM_NONE;
    n->books.in++;
    if (!p->hashed)
        hash_bytes(p);
    p->hashed = false;
    note(s, node, NOTE_RECEIVED, port, p);
    sim_tell(s, TAP_RECEIVED, node, n->ports[port], packet, 0);
    if (n->down)
        packet_drop(s, node, packet, NET_DROP_HOST_DOWN);
    else
        n->class->receive(s, node, port, packet);
}

static void handle(struct sim *s, const struct event_entry *e)
{
    switch (event_class(e->what)) {
    case EVENT_DEPARTURE:
        s->events++;
        link_departed(s, event_number(e->what));
        return;
    case EVENT_PACKET:
        handle_packet(s, e->entity, event_number(e->what));
        return;
    case EVENT_TIMER:
        handle_timer(s, e->entity, event_number(e->what));
        return;
    }
    ASSERT(false);
}

enum err sim_run(struct sim *s, nsec until)
{
    uint32_t before_hook = s->hook.every;

    while (!s->stopped && queue_next(&s->queue) <= until) {
        struct event_entry e = queue_take(&s->queue);

        if (e.at < s->now) {
            s->broken = "time went back";
            s->stopped = true;
            break;
        }
        s->now = e.at;
        handle(s, &e);
        if (s->hook.go_on && before_hook-- <= 1) {
            before_hook = s->hook.every;
            if (!s->hook.go_on(s->hook.context))
                s->stopped = true;
        }
    }
    if (!s->stopped && s->now < until)
        s->now = until;
    return s->error;
}

void sim_stop(struct sim *s)
{
    s->stopped = true;
}

static bool on_its_way(const struct packet *p)
{
    return p->data && p->entered && !p->lost;
}

uint64_t sim_in_flight(const struct sim *s)
{
    uint64_t count = s->held_fragments;

    for (uint32_t i = 0; i < s->packet_count; i++)
        count += on_its_way(&s->packets[i]);
    return count;
}

uint64_t sim_esp_in_flight(const struct sim *s)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < s->packet_count; i++) {
        const struct packet *p = &s->packets[i];

        count += p->data && p->kind == PACKET_ESP && !p->lost;
    }
    return count;
}

int64_t sim_conservation(const struct sim *s)
{
    uint64_t in = s->net.sent_packets + s->net.duplicated_packets + s->net.fragments_made;
    uint64_t out = s->net.delivered_packets + s->net.reassembled_away + sim_in_flight(s);

    for (int i = 0; i < NET_DROP_COUNT; i++)
        out += s->net.dropped[i];
    return (int64_t)(in - out);
}

/* Packets seen on each link direction, or (`at_nodes`) at each node; NULL: out of memory. */
static uint32_t *count_places(const struct sim *s, bool at_nodes)
{
    uint32_t *count = calloc((at_nodes ? s->node_count : s->link_count) + 1, sizeof *count);

    for (uint32_t i = 0; count && i < s->packet_count; i++) {
        const struct packet *p = &s->packets[i];

        if (on_its_way(p) && (p->direction == SIM_NONE) == at_nodes)
            count[at_nodes ? p->holder : p->direction]++;
    }
    return count;
}

static bool unequal(struct sim_imbalance *out, int where, uint32_t index, uint32_t in,
                    uint32_t gone)
{
    out->where = where;
    out->index = index;
    out->difference = (int32_t)(in - gone);
    return in != gone;
}

bool sim_balanced(const struct sim *s, struct sim_imbalance *out)
{
    uint32_t *on_link = count_places(s, false), *at_node = count_places(s, true);
    bool balanced = on_link && at_node;

    *out = (struct sim_imbalance){.where = BALANCE_RUN, .difference = sim_conservation(s)};
    balanced = balanced && out->difference == 0;
    for (uint32_t i = 0; balanced && i < s->link_count; i++) {
        const struct link_books *b = &s->links[i].books;

        balanced = !unequal(out, BALANCE_LINK, i, b->sent + b->made,
                            b->delivered + b->dropped + on_link[i]);
    }
    for (uint32_t i = 0; balanced && i < s->node_count; i++)
        balanced = !unequal(out, BALANCE_NODE, i, s->nodes[i].books.in,
                            s->nodes[i].books.out + at_node[i]);
    free(on_link);
    free(at_node);
    return balanced;
}

uint64_t sim_digest(const struct sim *s)
{
    struct digest d = {0};

    for (uint32_t i = 0; i < s->node_count; i++)
        digest_u64(&d, s->nodes[i].digest.value);
    return d.value;
}

uint64_t sim_timeline_digest(const struct sim *s)
{
    struct digest d = {0};

    for (uint32_t i = 0; i < s->node_count; i++)
        digest_u64(&d, s->nodes[i].timeline.value);
    return d.value;
}
