#include "sim/router.h"

#include "proto/ip/packet.h"

#include <stdlib.h>

enum err routes_init(struct routes *r, uint32_t expected)
{
    r->default_port = SIM_NONE;
    return table_init(&r->hosts, expected);
}

void routes_reset(struct routes *r)
{
    table_reset(&r->hosts);
}

static uint64_t route_key(const struct ip_addr *a)
{
    return ip_endpoint_hash(&(struct ip_endpoint){.addr = *a});
}

enum err routes_add(struct routes *r, const struct ip_addr *a, uint32_t port)
{
    return table_put(&r->hosts, route_key(a), port);
}

uint32_t routes_find(const struct routes *r, const struct ip_addr *a)
{
    uint32_t port = r->default_port;

    table_get(&r->hosts, route_key(a), &port);
    return port;
}

struct routes *router_create(uint32_t expected)
{
    struct routes *r = calloc(1, sizeof *r);

    if (r && routes_init(r, expected) != OK) {
        free(r);
        return NULL;
    }
    return r;
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    struct packet *p = packet_at(s, packet);
    struct ip_packet ip;
    uint32_t out;

    (void)port;
    if (ip_read(bytes_of(p->data, p->len), &ip) != OK) {
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
        return;
    }
    out = routes_find(s->nodes[node].state, &ip.dst);
    if (out == SIM_NONE || !ip_decrement_ttl(p->data, p->len))
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    else
        sim_send(s, node, out, packet, false);
}

static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    (void)s;
    (void)node;
    (void)slot;
}

static void destroy(struct sim *s, uint32_t node)
{
    struct routes *r = s->nodes[node].state;

    if (!r)
        return;
    routes_reset(r);
    free(r);
}

const struct node_class router_class = {
    .name = "router", .receive = receive, .timer = timer, .destroy = destroy};
