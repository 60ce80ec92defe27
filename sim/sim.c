#include "sim/sim.h"

#include "base/assert.h"
#include "base/pages.h"
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

enum { FETCHED_OCTETS = 320 }; /* of a packet that comes soon: most of an IKE message */

/*
 * Fetch what the next events touch, all at once: of many nodes and packets, few are in a cache.
 * In one piece, as a call of a function that only fetches looks needless to gcc, and goes.
 */
static void fetch(void *context, const struct event_entry *e, uint32_t count, enum queue_fetch what)
{
    const struct sim *s = context;

    for (uint32_t i = 0; i < count && what == FETCH_NAMED; i++) {
        const char *node = (const char *)&s->nodes[e[i].entity];

        __builtin_prefetch(node);
        __builtin_prefetch(node + sizeof *s->nodes - 1); /* it need not begin with a line */
        if (event_class(e[i].what) != EVENT_TIMER) {
            __builtin_prefetch(&s->packets[event_number(e[i].what)]);
            __builtin_prefetch(&s->packets[event_number(e[i].what)].hash);
        }
    }
    for (uint32_t i = 0; i < count && what >= FETCH_FURTHER; i++) {
        const struct node_class *class = node_class(s, &s->nodes[e[i].entity]);

        if (class->soon && event_class(e[i].what) != EVENT_DEPARTURE)
            class->soon(s, e[i].entity,
                        event_class(e[i].what) == EVENT_PACKET
                            ? &s->packets[event_number(e[i].what)]
                            : NULL,
                        what);
    }
    for (uint32_t i = 0; i < count && what == FETCH_BEHIND; i++) {
        const char *state = s->nodes[e[i].entity].state;
        const struct packet *p;

        if (state) {
            __builtin_prefetch(state);
            __builtin_prefetch(state + 64);
        }
        if (event_class(e[i].what) == EVENT_TIMER)
            continue;
        p = &s->packets[event_number(e[i].what)];
        __builtin_prefetch(&s->links[p->direction].on_it);
        for (uint32_t at = 0; at < p->len && at < FETCHED_OCTETS; at += 64)
            __builtin_prefetch(p->data + at);
    }
}

enum err sim_init(struct sim *s, uint64_t seed)
{
    enum err e;

    *s = (struct sim){.seed = seed,
                      .link_draws = rng_family(seed, RNG_LINK),
                      .first_busy = SIM_NONE,
                      .waiting = SIM_NONE};
    for (int i = 0; i < PACKET_CLASSES; i++)
        s->free[i] = SIM_NONE;
    e = queue_init(&s->queue, packet_order, s);
    s->queue.soon = fetch;
    return e;
}

void sim_reset(struct sim *s)
{
    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct node_class *class = node_class(s, &s->nodes[i]);

        if (class->destroy)
            class->destroy(s, i);
        if (s->nodes[i].few > PORTS_INSIDE)
            free(s->nodes[i].ports.many);
    }
    for (uint32_t i = 0; i < s->packet_count; i++)
        free(s->packets[i].storage);
    links_reset(s);
    free(s->packets);
    free(s->timers);
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
    pages_large(grown, bigger * size);
    *array = grown;
    *capacity = bigger;
    return true;
}

enum err sim_reserve(struct sim *s, uint32_t nodes, uint32_t directions)
{
    if (nodes > s->node_capacity) {
        struct node *bigger = realloc(s->nodes, nodes * sizeof *bigger);

        if (!bigger)
            return ERR_MEMORY;
        pages_large(bigger, nodes * sizeof *bigger);
        s->nodes = bigger;
        s->node_capacity = nodes;
    }
    return links_reserve(s, directions);
}

/* The number of a class, a new one if it has none. */
static uint32_t number_class(struct sim *s, const struct node_class *class)
{
    uint32_t number = 0;

    while (s->classes[number] && s->classes[number] != class) {
        number++;
        ASSERT(number < NODE_CLASSES_MAX);
    }
    s->classes[number] = class;
    return number;
}

uint32_t sim_add_node(struct sim *s, const struct node_class *class, void *state, uint32_t group)
{
    struct node *n;

    ASSERT(group < NODE_GROUPS_MAX);
    if (!room_for_one(s, (void **)&s->nodes, s->node_count, &s->node_capacity, sizeof *s->nodes))
        return SIM_NONE;
    if (class->soon)
        s->queue.soon_up_to = FETCH_LAST;
    n = &s->nodes[s->node_count];
    *n = (struct node){.class = number_class(s, class) % NODE_CLASSES_MAX,
                       .state = state,
                       .timer = {.at = NSEC_NEVER, .queued = NSEC_NEVER},
                       .group = (uint8_t)group};
    return s->node_count++;
}

uint32_t node_attach(struct node *n, uint32_t direction)
{
    bool inside = n->few <= PORTS_INSIDE;
    uint32_t count = node_port_count(n), used = count + 1; /* where the next one goes */

    if (count < PORTS_INSIDE) {
        n->ports.few[count] = direction;
        return n->few++;
    }
    if (inside || (used & (used - 1)) == 0) {
        uint32_t room = 2 * (inside ? PORTS_INSIDE : used);
        uint32_t *bigger = realloc(inside ? NULL : n->ports.many, room * sizeof *bigger);

        if (!bigger)
            return SIM_NONE;
        if (inside)
            memcpy(bigger + 1, n->ports.few, sizeof n->ports.few);
        n->ports.many = bigger;
        n->few = PORTS_INSIDE + 1;
    }
    n->ports.many[used] = direction;
    n->ports.many[0] = used;
    return count;
}

static const uint32_t class_bytes[PACKET_CLASSES] = {PACKET_TINY, PACKET_SMALL, PACKET_LARGE};

static unsigned class_of(uint32_t bytes)
{
    return bytes <= PACKET_TINY ? 0 : bytes <= PACKET_SMALL ? 1 : 2;
}

/* A slot of the class that holds `bytes`: the last one freed, which the cache may still have, or a
 * new one. */
static uint32_t slot_take(struct sim *s, uint32_t bytes)
{
    unsigned class = class_of(bytes);
    uint32_t i = s->free[class];
    struct packet *p;

    ASSERT(bytes <= PACKET_LARGE);
    if (i != SIM_NONE) {
        s->free[class] = s->packets[i].next;
        return i;
    }
    if (!room_for_one(s, (void **)&s->packets, s->packet_count, &s->packet_capacity,
                      sizeof *s->packets))
        return SIM_NONE;
    p = &s->packets[s->packet_count];
    *p = (struct packet){.capacity = class_bytes[class]};
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
    s->on_their_way += p->entered;
    p->hashed = from->hashed && len == from->len;
    p->hash = from->hash;
    return i;
}

void packet_free(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];
    uint32_t *head = &s->free[class_of(p->capacity)];

    ASSERT(p->data);
    s->on_their_way -= p->entered && !p->lost;
    p->data = NULL;
    p->entered = false;
    p->next = *head;
    *head = packet;
}

void packet_put_off(struct sim *s, uint32_t packet)
{
    const struct packet *p = &s->packets[packet];

    ASSERT(!p->entered && p->sequence + 1 == s->nodes[p->source].sequence);
    s->nodes[p->source].sequence--;
}

void packet_number(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];

    p->sequence = p->serial = s->nodes[p->source].sequence++;
}

void packet_admit(struct sim *s, uint32_t packet)
{
    struct packet *p = &s->packets[packet];

    p->entered = true;
    s->on_their_way++;
    s->nodes[p->holder].held++;
}

void packet_lose(struct sim *s, uint32_t packet)
{
    s->packets[packet].lost = true;
    s->on_their_way--;
}

void packet_enter(struct sim *s, uint32_t packet)
{
    const struct packet *p = &s->packets[packet];

    packet_admit(s, packet);
    net_count_sent(&s->net, p->len);
    net_count_sent(node_metrics(s, &s->nodes[p->holder]), p->len);
}

void packet_deliver(struct sim *s, uint32_t node, uint32_t packet)
{
    uint32_t bytes = s->packets[packet].len;
    struct node *n = &s->nodes[node];

    n->held--;
    net_count_delivered(&s->net, bytes);
    net_count_delivered(node_metrics(s, n), bytes);
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
    uint64_t line[DIGEST_LINE] = {s->now, (uint64_t)what << 32 | detail, p ? p->len : 0,
                                  p ? (uint64_t)p->source << 32 | p->sequence : 0, p ? p->hash : 0};
    struct digest timeline = {n->timeline, n->notes}, whole = {n->digest, n->notes};

    digest_line(&whole, &timeline, line);
    n->timeline = timeline.value;
    n->digest = whole.value;
    n->notes = (uint32_t)whole.count;
}

void packet_drop(struct sim *s, uint32_t node, uint32_t packet, enum net_drop cause)
{
    struct node *n = &s->nodes[node];
    struct net_metrics *of_group = node_metrics(s, n);

    s->net.dropped[cause]++;
    s->esp_lost[cause] += s->packets[packet].kind == PACKET_ESP;
    n->held--;
    if (of_group)
        of_group->dropped[cause]++;
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
    uint32_t direction;

    ASSERT(port < node_port_count(n));
    ASSERT(p->data && p->entered != first);
    if (first)
        packet_enter(s, packet);
    direction = node_port(n, port);
    n->held--;
    hash_bytes(p);
    note(s, node, NOTE_SENT, port, p);
    sim_tell(s, TAP_SENT, node, direction, packet, 0);
    link_send(s, direction, packet);
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
enum { GENERATION_BITS = 28, STALE_MIN = 1024 };
#define GENERATION_MASK ((UINT32_C(1) << GENERATION_BITS) - 1)
_Static_assert(TIMERS_PER_NODE <= 4, "a timer's number has 30 bits");

static uint32_t slot_of(const struct timer *t)
{
    return t->number >> GENERATION_BITS;
}

/* The timer of a slot; NULL: it is not set and nothing of it is queued. */
static struct timer *timer_find(struct sim *s, struct node *n, uint32_t slot)
{
    if (n->timers_apart)
        return &s->timers[n->timers_index].slot[slot];
    return slot_of(&n->timer) == slot ? &n->timer : NULL;
}

/* Four of them, elsewhere; stale entries stay stale, as generations go on from where they are. */
static bool timers_part(struct sim *s, struct node *n)
{
    struct node_timers *all;

    if (!room_for_one(s, (void **)&s->timers, s->timers_count, &s->timers_capacity,
                      sizeof *s->timers))
        return false;
    all = &s->timers[s->timers_count];
    for (uint32_t i = 0; i < TIMERS_PER_NODE; i++)
        all->slot[i] =
            (struct timer){.at = NSEC_NEVER,
                           .queued = NSEC_NEVER,
                           .number = i << GENERATION_BITS | (n->timer.number & GENERATION_MASK)};
    all->slot[slot_of(&n->timer)] = n->timer;
    n->timers_apart = true;
    n->timers_index = s->timers_count++;
    return true;
}

/* The node's one timer changes its slot, if nothing of the other slot is left; NULL: no memory. */
static struct timer *timer_take(struct sim *s, struct node *n, uint32_t slot)
{
    if (n->timer.at != NSEC_NEVER || n->timer.queued != NSEC_NEVER)
        return timers_part(s, n) ? timer_find(s, n, slot) : NULL;
    n->timer.number = slot << GENERATION_BITS | (n->timer.number & GENERATION_MASK);
    return &n->timer;
}

/* Not stale: see sim_arm. */
static bool wanted(void *context, const struct event_entry *e)
{
    struct sim *s = context;
    uint32_t number = event_number(e->what);
    const struct timer *t;

    if (event_class(e->what) != EVENT_TIMER)
        return true;
    t = timer_find(s, &s->nodes[e->entity], number >> GENERATION_BITS);
    return t && t->number == number;
}

/* Of a timer that moves earlier again and again, entries must not pile up. */
static void count_stale(struct sim *s)
{
    if (++s->stale <= STALE_MIN || s->stale <= s->queue.count / 2)
        return;
    queue_sweep(&s->queue, wanted);
    s->stale = 1; /* the one that moves now */
}

static void queue_timer(struct sim *s, uint32_t node, struct timer *t, nsec at)
{
    if (t->queued != NSEC_NEVER)
        count_stale(s);
    t->number = slot_of(t) << GENERATION_BITS | ((t->number + 1) & GENERATION_MASK);
    t->queued = at;
    schedule(s, at, node, event_what(EVENT_TIMER, t->number));
}

/*
 * A timer that moves later keeps its queue entry, which is put off when it comes up; one that
 * moves earlier gets a new entry, and the old one is recognised as stale by its generation. When
 * most entries are stale, they are swept out.
 */
void sim_arm(struct sim *s, uint32_t node, uint32_t slot, nsec at)
{
    struct node *n = &s->nodes[node];
    struct timer *t = timer_find(s, n, slot);

    ASSERT(slot < TIMERS_PER_NODE);
    if (!t && at != NSEC_NEVER)
        t = timer_take(s, n, slot);
    if (!t)
        return;
    t->at = at;
    if (at < t->queued)
        queue_timer(s, node, t, at);
}

static void handle_timer(struct sim *s, uint32_t node, uint32_t number)
{
    struct node *n = &s->nodes[node];
    uint32_t slot = number >> GENERATION_BITS;
    struct timer *t = timer_find(s, n, slot);
    nsec at;

    if (!t || t->number != number) {
        s->stale -= s->stale > 0;
        return;
    }
    at = t->at;
    t->queued = NSEC_NEVER;
    if (at == NSEC_NEVER)
        return;
    if (at > s->now) {
        queue_timer(s, node, t, at);
        return;
    }
    if (n->down) {
        s->broken = "a timer of a node that is down fired";
        s->stopped = true;
        return;
    }
    t->at = NSEC_NEVER;
    s->events++;
    note(s, node, NOTE_TIMER, slot, NULL);
    node_class(s, n)->timer(s, node, slot);
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
    n->held++;
    if (!p->hashed)
        hash_bytes(p);
    p->hashed = false;
    note(s, node, NOTE_RECEIVED, port, p);
    sim_tell(s, TAP_RECEIVED, node, node_port(n, port), packet, 0);
    if (n->down)
        packet_drop(s, node, packet, NET_DROP_HOST_DOWN);
    else
        node_class(s, n)->receive(s, node, port, packet);
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

bool sim_more_comes(const struct sim *s, uint32_t node)
{
    const struct event_entry *e = queue_look(&s->queue);

    return e && e->at == s->now && e->entity == node && event_class(e->what) == EVENT_PACKET;
}

static void settle(struct sim *s)
{
    uint32_t node = s->waiting;

    s->waiting = SIM_NONE;
    node_class(s, &s->nodes[node])->settle(s, node);
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
        if (s->waiting != SIM_NONE && (s->stopped || !sim_more_comes(s, s->waiting)))
            settle(s);
        if (s->hook.go_on && before_hook-- <= 1) {
            before_hook = s->hook.every;
            if (!s->hook.go_on(s->hook.context))
                s->stopped = true;
        }
    }
    if (s->waiting != SIM_NONE)
        settle(s);
    if (s->queue.error != OK)
        sim_fail(s, s->queue.error);
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
    return s->held_fragments + s->on_their_way;
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

uint64_t sim_digest(const struct sim *s)
{
    struct digest d = {0};

    for (uint32_t i = 0; i < s->node_count; i++)
        digest_u64(&d, s->nodes[i].digest);
    return d.value;
}

uint64_t sim_timeline_digest(const struct sim *s)
{
    struct digest d = {0};

    for (uint32_t i = 0; i < s->node_count; i++)
        digest_u64(&d, s->nodes[i].timeline);
    return d.value;
}
