#include "bench/opaque.h"

#include "base/assert.h"
#include "proto/ip/udp.h"
#include "sim/link.h"
#include "sim/router.h"

#include <stdlib.h>

enum {
    MESSAGES = 4, /* clients send the odd ones */
    INITIAL_BYTES = 400,
    LATER_BYTES = 250,
    RETRANSMISSIONS_MAX = 5,
    PORT = 500,
    CLIENT_NET = 0x0a000000,
    SERVER_ADDRESS = 0xc0a80002,
    ADDRESSES_PER_LINK = 4,
    START_FROM_MS = 100,
    START_SPREAD_S = 10,
    LAST_ANSWER_S = 70, /* after the last start: all retransmissions and then some */
};

static const struct link_words edge = {
    .delay = 20 * NSEC_PER_MS,
    .rate_bps = UINT64_C(100000000),
    .loss = {.model = LOSS_RANDOM, .random = PROBABILITY_ONE / 100},
    .limit = 1000,
    .mtu = 1500,
};
static const struct link_words trunk = {
    .delay = 1000,
    .rate_bps = UINT64_C(100000000000),
    .limit = 100000,
    .mtu = 1500,
};

/* Nodes are numbered: clients, access routers, core, server. */
struct client {
    uint8_t message; /* last sent; 0: none yet, MESSAGES: done */
    uint8_t tries;
};

struct opaque {
    struct sim sim;
    struct client *clients;
    uint32_t client_count, fan, access_count;
    struct opaque_totals totals;
    uint64_t requests; /* that reached the server */
};

uint32_t opaque_fan(uint32_t clients)
{
    uint32_t fan = 1;

    while ((uint64_t)fan * fan < clients)
        fan *= 2;
    return fan;
}

uint32_t opaque_access_routers(uint32_t clients)
{
    uint32_t fan = opaque_fan(clients);

    return (clients + fan - 1) / fan;
}

static struct opaque *opaque_of(const struct sim *s)
{
    return s->user;
}

/* The first of a client's four addresses is that of its network. */
static struct ip_addr client_address(uint32_t client)
{
    return ip_addr_v4(CLIENT_NET + ADDRESSES_PER_LINK * client + 1);
}

/* Messages: the first byte is the number, the others are zero */

static void send_message(struct sim *s, uint32_t node, uint8_t message, struct ip_endpoint from,
                         struct ip_endpoint to)
{
    uint32_t len = message <= 2 ? INITIAL_BYTES : LATER_BYTES;
    uint32_t i = packet_new(s, node, len);
    struct packet *p;
    struct udp_build udp = {.src = from, .dst = to};
    struct bytes whole = BYTES_NONE;
    enum err e;

    if (i == SIM_NONE)
        return; /* the run ends */
    p = packet_at(s, i);
    memset(p->data, 0, len);
    p->data[0] = message;
    udp.id = (uint16_t)p->sequence;
    e = udp_datagram_write(p->data, len, &udp, &whole);
    ASSERT(e == OK); /* neither length comes near what a header can say */
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    sim_send(s, node, 0, i, true);
}

/* What arrived, read as far as its number: the packet is gone. @return 0 when it was damaged */
static uint8_t take_message(struct sim *s, uint32_t node, uint32_t packet, struct udp_datagram *udp)
{
    const struct packet *p = packet_at(s, packet);
    struct ip_packet ip;
    uint8_t message;

    if (ip_read(bytes_of(p->data, p->len), &ip) != OK || udp_read(&ip, udp) != OK ||
        udp->payload.len == 0) {
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
        return 0;
    }
    message = udp->payload.data[0];
    packet_deliver(s, node, packet);
    return message;
}

/* Clients */

static void ask(struct sim *s, uint32_t node)
{
    struct opaque *o = opaque_of(s);
    struct client *c = &o->clients[node];
    struct ip_endpoint from = {client_address(node), PORT};
    struct ip_endpoint to = {ip_addr_v4(SERVER_ADDRESS), PORT};

    o->totals.asked++;
    send_message(s, node, c->message, from, to);
    sim_arm(s, node, 0, s->now + (NSEC_PER_S << c->tries));
}

static void client_receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct opaque *o = opaque_of(s);
    struct client *c = &o->clients[node];
    struct udp_datagram udp;
    uint8_t message = take_message(s, node, packet, &udp);

    (void)port;
    o->totals.heard += message != 0;
    if (message != c->message + 1 || c->tries > RETRANSMISSIONS_MAX)
        return; /* it was heard before, or too late */
    sim_arm(s, node, 0, NSEC_NEVER);
    c->tries = 0;
    c->message = (uint8_t)(message + 1);
    if (message == MESSAGES)
        o->totals.completed++;
    else
        ask(s, node);
}

static void client_timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct opaque *o = opaque_of(s);
    struct client *c = &o->clients[node];

    (void)slot;
    if (c->message == 0) {
        c->message = 1;
    } else if (++c->tries > RETRANSMISSIONS_MAX) {
        o->totals.failed++;
        return;
    } else {
        o->totals.retransmissions++;
    }
    ask(s, node);
}

static const struct node_class client_class = {
    .name = "opaque client", .receive = client_receive, .timer = client_timer};

/* The server answers whatever comes, as often as it comes. */

static void server_receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct opaque *o = opaque_of(s);
    struct udp_datagram udp;
    uint8_t message = take_message(s, node, packet, &udp);

    (void)port;
    if (message == 0)
        return;
    o->requests++;
    o->totals.answered++;
    send_message(s, node, (uint8_t)(message + 1), udp.dst, udp.src);
}

static void server_timer(struct sim *s, uint32_t node, uint32_t slot)
{
    (void)s;
    (void)node;
    (void)slot;
}

static const struct node_class server_class = {
    .name = "opaque server", .receive = server_receive, .timer = server_timer};

/* Set-up */

static bool add_router(struct opaque *o)
{
    struct routes *r = router_create(0); /* they come in order */

    return r && sim_add_node(&o->sim, &router_class, r, 0) != SIM_NONE;
}

static bool add_nodes(struct opaque *o)
{
    uint32_t nodes = o->client_count + o->access_count + 2;
    bool good = sim_reserve(&o->sim, nodes, 2 * (nodes - 1)) == OK; /* a tree has a link less */

    for (uint32_t i = 0; i < o->client_count && good; i++)
        good = sim_add_node(&o->sim, &client_class, NULL, 0) != SIM_NONE;
    for (uint32_t i = 0; i < o->access_count && good; i++)
        good = add_router(o);
    return good && add_router(o) && sim_add_node(&o->sim, &server_class, NULL, 0) != SIM_NONE;
}

/* The port of `to` that the new link ends at; SIM_NONE when out of memory. */
static uint32_t join(struct opaque *o, uint32_t from, uint32_t to, const struct link_words *words)
{
    uint32_t d = link_add(&o->sim, from, to, words, words, 0, o->sim.link_count / 2);

    return d == SIM_NONE ? SIM_NONE : o->sim.links[d].to_port;
}

/* A client's link, and the routes of the ways down to it. */
static bool add_client(struct opaque *o, uint32_t client, const uint32_t *core_ports)
{
    uint32_t core = o->client_count + o->access_count, access = client / o->fan;
    uint32_t router = o->access_count ? o->client_count + access : core;
    uint32_t port = join(o, client, router, &edge);
    struct ip_addr address = client_address(client);

    if (port == SIM_NONE || routes_add(o->sim.nodes[router].state, &address, port) != OK)
        return false;
    return router == core ||
           routes_add(o->sim.nodes[core].state, &address, core_ports[access]) == OK;
}

static bool add_links(struct opaque *o)
{
    uint32_t core = o->client_count + o->access_count;
    uint32_t *core_ports = calloc(o->access_count + 1, sizeof *core_ports); /* to access routers */
    struct routes *core_routes = o->sim.nodes[core].state;
    bool good = core_ports != NULL;

    core_routes->default_port = good ? join(o, core + 1, core, &trunk) : SIM_NONE;
    good = good && core_routes->default_port != SIM_NONE;
    for (uint32_t i = 0; i < o->access_count && good; i++) {
        struct routes *routes = o->sim.nodes[o->client_count + i].state;

        routes->default_port = 0; /* its first link */
        core_ports[i] = join(o, o->client_count + i, core, &trunk);
        good = core_ports[i] != SIM_NONE;
    }
    for (uint32_t i = 0; i < o->client_count && good; i++)
        good = add_client(o, i, core_ports);
    free(core_ports);
    return good;
}

static void schedule(struct opaque *o, uint64_t seed)
{
    for (uint32_t i = 0; i < o->client_count; i++) {
        struct rng r = rng_stream(seed, i, RNG_ARRIVAL);
        nsec first = START_FROM_MS * NSEC_PER_MS;

        sim_arm(&o->sim, i, 0, first + rng_below(&r, START_SPREAD_S * NSEC_PER_S - first));
    }
}

struct opaque *opaque_create(const struct opaque_options *options)
{
    struct opaque *o = calloc(1, sizeof *o);

    ASSERT(options->clients > 0 && options->clients <= OPAQUE_CLIENTS_MAX);
    if (!o)
        return NULL;
    o->client_count = options->clients;
    o->fan = opaque_fan(options->clients);
    o->access_count = options->star ? 0 : opaque_access_routers(options->clients);
    o->clients = calloc(options->clients, sizeof *o->clients);
    if (!o->clients || sim_init(&o->sim, options->seed) != OK) {
        free(o->clients);
        free(o);
        return NULL;
    }
    o->sim.user = o;
    if (!add_nodes(o) || !add_links(o)) {
        opaque_destroy(o);
        return NULL;
    }
    schedule(o, options->seed);
    return o;
}

void opaque_destroy(struct opaque *o)
{
    sim_reset(&o->sim);
    free(o->clients);
    free(o);
}

enum err opaque_run(struct opaque *o)
{
    enum err e = sim_run(&o->sim, (START_SPREAD_S + LAST_ANSWER_S) * NSEC_PER_S);

    o->totals.lost = o->sim.net.dropped[NET_DROP_LOSS];
    o->totals.events = o->sim.events;
    o->totals.digest = sim_digest(&o->sim);
    return e;
}

const struct opaque_totals *opaque_totals(const struct opaque *o)
{
    return &o->totals;
}

const char *opaque_wrong(const struct opaque *o)
{
    const struct opaque_totals *t = &o->totals;
    struct sim_imbalance off;

    if (o->sim.broken)
        return o->sim.broken;
    if (!sim_balanced(&o->sim, &off) || sim_in_flight(&o->sim) != 0)
        return "packets are not all accounted for";
    if (t->completed + t->failed != o->client_count)
        return "a client neither completed nor failed";
    if (t->failed == 0 && t->asked != 2 * t->completed + t->retransmissions)
        return "clients did not send two messages each, and those sent again";
    if (t->answered != o->requests || t->heard + t->lost != t->asked)
        return "messages sent are not those heard and those lost";
    return NULL;
}
