/*
 * Of whom a run with many clients leaves packets, keys and events: of capture.conversations
 * initiators, chosen by the seed, and of all captured ones. Every packet of a chosen one is kept,
 * at whatever node it is seen, so that its handshakes are whole.
 *
 * Whose packet it is follows from the node that made it. What a gateway sends does not say that: a
 * chosen client is known by its address, or behind a NAT by the endpoint it was heard from, at the
 * gateway or, as inside of a NAT, at this very node.
 */
#include "base/digest.h"
#include "proto/ip/udp.h"
#include "sim/ike_node.h"
#include "sim/recorder_inside.h"

#include <stdlib.h>

/* What a key of `heard` is of. */
enum heard { HEARD_ADDRESS, HEARD_ENDPOINT, HEARD_FRAGMENTED };

static bool is_client(const struct recorder *r, uint32_t node)
{
    const struct lab *lab = r->lab;
    enum node_role role = lab->scenario->groups[lab->sim.nodes[node].group].role;

    return role == ROLE_INITIATOR || role == ROLE_ATTACKER;
}

static bool chosen(const struct recorder *r, uint32_t node)
{
    return r->sample.chosen[node / 8] >> node % 8 & 1;
}

static uint64_t address_key(const struct ip_addr *a)
{
    return digest_of(a->bytes, sizeof a->bytes, HEARD_ADDRESS);
}

static uint64_t endpoint_key(uint32_t node, const struct ip_endpoint *e)
{
    uint64_t seed = (uint64_t)node << 32 | (uint64_t)e->port << 8 | HEARD_ENDPOINT;

    return digest_of(e->addr.bytes, sizeof e->addr.bytes, seed);
}

static uint64_t fragmented_key(const struct packet *p)
{
    const uint32_t name[2] = {p->source, p->sequence};

    return digest_of(name, sizeof name, HEARD_FRAGMENTED);
}

static void put(struct recorder *r, struct table *t, uint64_t key)
{
    if (table_put(t, key, 1) != OK)
        sim_fail(&r->lab->sim, ERR_MEMORY);
}

static bool has(const struct table *t, uint64_t key)
{
    uint32_t value;

    return table_get(t, key, &value);
}

/* Of `clients`, on average capture.conversations. */
static bool falls_on(const struct scenario *s, uint32_t node, uint32_t clients)
{
    const uint64_t name[2] = {s->seed, node};
    uint64_t draw = digest_of(name, sizeof name, RNG_CAPTURE) >> 32;

    return draw * clients >> 32 < s->capture.conversations;
}

static void choose(struct recorder *r, uint32_t node, uint32_t clients)
{
    struct node_addresses a = address_plan_of(&r->lab->plan, node);

    if (!r->lab->sim.nodes[node].captured && !falls_on(r->lab->scenario, node, clients))
        return;
    r->sample.chosen[node / 8] |= (uint8_t)(1u << node % 8);
    r->sample.behind |= a.behind != SCENARIO_NONE;
    r->sample.behind |= a.second.family && a.second_behind != SCENARIO_NONE;
    if (a.behind == SCENARIO_NONE)
        put(r, &r->sample.heard, address_key(&a.outer));
    if (a.second.family && a.second_behind == SCENARIO_NONE)
        put(r, &r->sample.heard, address_key(&a.second));
}

enum err recorder_sample_init(struct recorder *r)
{
    const struct scenario *s = r->lab->scenario;
    uint32_t nodes = r->lab->sim.node_count, clients = 0;

    for (uint32_t i = 0; i < nodes; i++)
        clients += is_client(r, i);
    if (clients <= s->capture.conversations)
        return OK;
    r->sample.chosen = calloc(nodes / 8 + 1, 1);
    if (!r->sample.chosen || table_init(&r->sample.heard, 64) != OK)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < nodes; i++)
        if (is_client(r, i))
            choose(r, i, clients);
    r->sample.last_node = SIM_NONE;
    return table_init(&r->sample.told, 64);
}

void recorder_sample_reset(struct recorder *r)
{
    table_reset(&r->sample.heard);
    table_reset(&r->sample.told);
    free(r->sample.chosen);
}

/* Without a port, too: ESP may come bare, where a NAT of one client at a time passes it. */
static void hear(struct recorder *r, uint32_t at, const struct ip_endpoint *from)
{
    const struct ip_endpoint bare = {.addr = from->addr};

    put(r, &r->sample.heard, endpoint_key(at, from));
    put(r, &r->sample.heard, endpoint_key(at, &bare));
}

void recorder_heard(struct recorder *r, uint32_t at, uint32_t client,
                    const struct ip_endpoint *from)
{
    if (r->sample.chosen && chosen(r, client))
        hear(r, at, from);
}

/* By whatever packet: a NAT may choose a new port for any. */
void recorder_listen(struct recorder *r, const struct tap_event *e)
{
    const struct packet *p = e->packet;
    struct ip_packet ip;
    struct udp_datagram udp;

    if (e->kind != TAP_DROPPED && !is_client(r, e->node) && is_client(r, p->source) &&
        chosen(r, p->source) && ip_read(bytes_of(p->data, p->len), &ip) == OK &&
        udp_read(&ip, &udp) == OK)
        hear(r, e->node, &udp.src);
}

static bool known(const struct recorder *r, uint32_t at, const struct ip_endpoint *e)
{
    return has(&r->sample.heard, address_key(&e->addr)) ||
           (r->sample.behind && has(&r->sample.heard, endpoint_key(at, e)));
}

/* The destination, read without a look at lengths and checksums: this is asked of every packet. */
static struct ip_addr peek(const struct packet *p)
{
    if (p->len >= IPV4_HEADER_LEN && p->data[0] >> 4 == 4)
        return ip_addr_v4(load_be32(p->data + 16));
    if (p->len >= IPV6_HEADER_LEN)
        return ip_addr_v6(p->data + 24);
    return (struct ip_addr){0};
}

/* A packet that no client made: is it for a chosen one? */
static bool for_chosen(const struct recorder *r, uint32_t at, const struct packet *p)
{
    struct ip_endpoint to = {.addr = peek(p)};
    struct udp_datagram udp;
    struct ip_packet ip;

    if (has(&r->sample.heard, address_key(&to.addr)))
        return true;
    if (!r->sample.behind || ip_read(bytes_of(p->data, p->len), &ip) != OK)
        return false;
    if (ip_is_fragment(&ip))
        return has(&r->sample.heard, fragmented_key(p));
    if (udp_read(&ip, &udp) == OK)
        to = udp.dst;
    return has(&r->sample.heard, endpoint_key(at, &to));
}

bool recorder_keeps(struct recorder *r, const struct tap_event *e)
{
    const struct packet *p = e->packet;
    bool kept;

    if (!r->sample.chosen)
        return true;
    if (is_client(r, e->node))
        return chosen(r, e->node);
    if (is_client(r, p->source))
        return chosen(r, p->source);
    if (p->kind == PACKET_OTHER)
        return true; /* an ICMP error of a router, say: few, and about anybody */
    kept = for_chosen(r, p->source, p) || (r->sample.behind && for_chosen(r, e->node, p));
    if (kept && e->kind == TAP_FRAGMENTED)
        put(r, &r->sample.heard, fragmented_key(p)); /* its pieces have no ports */
    return kept;
}

bool recorder_keeps_node(const struct recorder *r, uint32_t node)
{
    return !r->sample.chosen || !is_client(r, node) || chosen(r, node);
}

bool recorder_keeps_endpoint(const struct recorder *r, uint32_t at, const struct ip_endpoint *e)
{
    return !r->sample.chosen || known(r, at, e);
}

static uint64_t ike_key(uint32_t node, uint64_t spi_i)
{
    return digest_of(&spi_i, sizeof spi_i, node);
}

static uint64_t child_key(uint32_t node, uint32_t spi_in)
{
    return digest_of(&spi_in, sizeof spi_in, node);
}

/* An SA that is gone when its end is told was told of when it was there. */
static bool keeps_ike_sa(struct recorder *r, uint32_t node, const struct ike_event *e)
{
    struct ike_sa_info ike;

    if (has(&r->sample.told, ike_key(node, e->spi_i)))
        return true;
    if (!ike_endpoint_ike_look(ike_node_at(r->lab, node)->endpoint, e->ike, &ike) ||
        !known(r, node, &ike.remote))
        return false;
    put(r, &r->sample.told, ike_key(node, e->spi_i));
    return true;
}

bool recorder_keeps_sa(struct recorder *r, uint32_t node, const struct ike_event *e)
{
    struct recorded_sample *s = &r->sample;
    struct child_sa_info child;

    if (!s->chosen)
        return true;
    if (is_client(r, node))
        return chosen(r, node);
    if (s->last_node != node || s->last_spi != e->spi_i) {
        s->last_kept = keeps_ike_sa(r, node, e);
        s->last_node = node;
        s->last_spi = e->spi_i;
    }
    if (s->last_kept && !sa_none(e->child) &&
        ike_endpoint_child_look(ike_node_at(r->lab, node)->endpoint, e->child, &child))
        put(r, &s->told, child_key(node, child.spi_in));
    return s->last_kept;
}

bool recorder_keeps_timer(const struct recorder *r, uint32_t node, const struct timer_event *t)
{
    if (!r->sample.chosen || is_client(r, node)) /* a client that tells timers is captured */
        return true;
    return has(&r->sample.told,
               sa_none(t->child) ? ike_key(node, t->spi_i) : child_key(node, t->spi_in));
}
