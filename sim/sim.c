#include "sim/sim.h"

#include "base/assert.h"
#include "sim/link.h"

#include <stdlib.h>

/* Packets that arrive at one node at one time: by source, then its own sequence, then copy. */
static int packet_order(void *context, uint32_t a, uint32_t b)
{
    const struct sim *s = context;
    const struct packet *p = &s->packets[a], *q = &s->packets[b];

    if (p->source != q->source)
        return p->source < q->source ? -1 : 1;
    if (p->sequence != q->sequence)
        return p->sequence < q->sequence ? -1 : 1;
    if (p->copy != q->copy)
        return p->copy < q->copy ? -1 : 1;
    return 0;
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

static void fail(struct sim *s, enum err e)
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
        fail(s, ERR_MEMORY);
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
        n->timer_at[i] = NSEC_NEVER;
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
        fail(s, ERR_MEMORY);
        return SIM_NONE;
    }
    return s->packet_count++;
}

uint32_t packet_new(struct sim *s, uint32_t node, uint32_t room)
{
    uint32_t i = slot_take(s, PACKET_HEADROOM + room);
    struct packet *p;

    if (i == SIM_NONE)
        return SIM_NONE;
    p = &s->packets[i];
    *p = (struct packet){.storage = p->storage,
                         .data = p->storage + PACKET_HEADROOM,
                         .capacity = p->capacity,
                         .source = node,
                         .sequence = s->nodes[node].sequence++,
                         .created = s->now,
                         .next = SIM_NONE};
    return i;
}

uint32_t packet_copy(struct sim *s, uint32_t packet, uint32_t room)
{
    uint32_t i = slot_take(s, PACKET_HEADROOM + room);
    const struct packet *from = &s->packets[packet];
    struct packet *p;
    uint8_t *storage;

    if (i == SIM_NONE)
        return SIM_NONE;
    p = &s->packets[i];
    storage = p->storage;
    ASSERT(from->len <= room);
    memcpy(storage + PACKET_HEADROOM, from->data, from->len);
    *p = (struct packet){.storage = storage,
                         .data = storage + PACKET_HEADROOM,
                         .len = from->len,
                         .capacity = p->capacity,
                         .source = from->source,
                         .sequence = from->sequence,
                         .copy = from->copy,
                         .created = from->created,
                         .tag = from->tag,
                         .transmission = from->transmission,
                         .kind = from->kind,
                         .corrupted = from->corrupted,
                         .entered = from->entered,
                         .next = SIM_NONE};
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

void packet_deliver(struct sim *s, uint32_t node, uint32_t packet)
{
    struct net_metrics *of_group = s->nodes[node].net;

    if (of_group) {
        of_group->delivered_packets++;
        of_group->delivered_bytes += s->packets[packet].len;
    }
    s->net.delivered_packets++;
    s->net.delivered_bytes += s->packets[packet].len;
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

void packet_drop(struct sim *s, uint32_t node, uint32_t packet, enum net_drop cause)
{
    s->net.dropped[cause]++;
    if (s->nodes[node].net)
        s->nodes[node].net->dropped[cause]++;
    sim_tell(s, TAP_DROPPED, node, SIM_NONE, packet, cause);
    packet_free(s, packet);
}

/* What happened at a node, into its two digests. */
static void note(struct sim *s, uint32_t node, uint64_t what, const struct packet *p)
{
    struct node *n = &s->nodes[node];
    uint64_t line[4] = {s->now, what, p ? p->len : 0,
                        p ? (uint64_t)p->source << 32 | p->sequence : 0};

    digest_add(&n->timeline, line, sizeof line);
    if (p)
        line[1] ^= digest_of(p->data, p->len, what);
    digest_add(&n->digest, line, sizeof line);
}

enum { NOTE_SENT = 1, NOTE_RECEIVED = 2, NOTE_TIMER = 3 };

void sim_send(struct sim *s, uint32_t node, uint32_t port, uint32_t packet, bool first)
{
    struct node *n = &s->nodes[node];
    struct packet *p = &s->packets[packet];

    ASSERT(port < n->port_count);
    if (first) {
        p->entered = true;
        s->net.sent_packets++;
        s->net.sent_bytes += p->len;
        if (n->net) {
            n->net->sent_packets++;
            n->net->sent_bytes += p->len;
        }
    }
    note(s, node, NOTE_SENT, p);
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
        fail(s, e);
}

void sim_arrive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet, nsec at)
{
    s->packets[packet].port = port;
    schedule(s, at, node, event_what(EVENT_PACKET, packet));
}

/* A timer event carries slot and generation; a moved or cancelled one is recognised as stale. */
void sim_arm(struct sim *s, uint32_t node, uint32_t slot, nsec at)
{
    struct node *n = &s->nodes[node];

    ASSERT(slot < TIMERS_PER_NODE);
    if (n->timer_at[slot] == at)
        return;
    n->timer_at[slot] = at;
    n->timer_generation[slot]++;
    if (at != NSEC_NEVER)
        schedule(s, at, node,
                 event_what(EVENT_TIMER, (n->timer_generation[slot] & 0x0fffffff) << 2 | slot));
}

static void handle_timer(struct sim *s, uint32_t node, uint32_t number)
{
    struct node *n = &s->nodes[node];
    uint32_t slot = number & 3;

    if ((n->timer_generation[slot] & 0x0fffffff) != number >> 2)
        return;
    n->timer_at[slot] = NSEC_NEVER;
    n->timer_generation[slot]++;
    s->events++;
    note(s, node, NOTE_TIMER << 8 | slot, NULL);
    n->class->timer(s, node, slot);
}

static void handle_packet(struct sim *s, uint32_t node, uint32_t packet)
{
    struct node *n = &s->nodes[node];

    s->events++;
    if (!link_arrived(s, n->ports[s->packets[packet].port], packet))
        return;
    note(s, node, NOTE_RECEIVED, &s->packets[packet]);
    sim_tell(s, TAP_RECEIVED, node, n->ports[s->packets[packet].port], packet, 0);
    if (n->down) {
        packet_drop(s, node, packet, NET_DROP_HOST_DOWN);
        return;
    }
    n->class->receive(s, node, s->packets[packet].port, packet);
}

enum err sim_run(struct sim *s, nsec until)
{
    while (!s->stopped && queue_next(&s->queue) <= until) {
        struct event_entry e = queue_take(&s->queue);

        if (e.at < s->now) {
            s->broken = "time went back";
            break;
        }
        s->now = e.at;
        if (event_class(e.what) == EVENT_PACKET)
            handle_packet(s, e.entity, event_number(e.what));
        else
            handle_timer(s, e.entity, event_number(e.what));
    }
    if (!s->stopped && s->now < until)
        s->now = until;
    return s->error;
}

void sim_stop(struct sim *s)
{
    s->stopped = true;
}

uint64_t sim_in_flight(const struct sim *s)
{
    uint64_t count = s->held_fragments;

    for (uint32_t i = 0; i < s->packet_count; i++)
        count += s->packets[i].data && s->packets[i].entered;
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
