#include "sim/router.h"

#include "proto/ip/packet.h"
#include "sim/icmp_error.h"

#include <stdlib.h>

enum err routes_init(struct routes *r, uint32_t expected)
{
    *r = (struct routes){.default_port = SIM_NONE};
    return table_init(&r->hosts, expected);
}

void routes_reset(struct routes *r)
{
    table_reset(&r->hosts);
    free(r->prefixes);
    r->prefixes = NULL;
    r->prefix_count = 0;
}

static uint64_t route_key(const struct ip_addr *a)
{
    return ip_endpoint_hash(&(struct ip_endpoint){.addr = *a});
}

enum err routes_add(struct routes *r, const struct ip_addr *a, uint32_t port)
{
    return table_put(&r->hosts, route_key(a), port);
}

/* Where the prefix stands, or where it belongs: behind all that are longer. */
static uint32_t prefix_place(const struct routes *r, const struct ip_prefix *to)
{
    uint32_t i = 0;

    while (i < r->prefix_count && r->prefixes[i].to.length > to->length)
        i++;
    for (uint32_t k = i; k < r->prefix_count && r->prefixes[k].to.length == to->length; k++)
        if (ip_addr_equal(&r->prefixes[k].to.addr, &to->addr))
            return k;
    return i;
}

enum err routes_add_prefix(struct routes *r, const struct ip_prefix *to, uint32_t port)
{
    uint32_t i = prefix_place(r, to);
    struct route *bigger;

    if (i < r->prefix_count && r->prefixes[i].to.length == to->length &&
        ip_addr_equal(&r->prefixes[i].to.addr, &to->addr)) {
        r->prefixes[i].port = port;
        return OK;
    }
    bigger = realloc(r->prefixes, (r->prefix_count + 1) * sizeof *bigger);
    if (!bigger)
        return ERR_MEMORY;
    r->prefixes = bigger;
    memmove(&bigger[i + 1], &bigger[i], (r->prefix_count - i) * sizeof *bigger);
    bigger[i] = (struct route){*to, port};
    r->prefix_count++;
    return OK;
}

uint32_t routes_find(const struct routes *r, const struct ip_addr *a)
{
    uint32_t port = r->default_port;

    if (table_get(&r->hosts, route_key(a), &port))
        return port;
    for (uint32_t i = 0; i < r->prefix_count; i++)
        if (ip_prefix_contains(&r->prefixes[i].to, a))
            return r->prefixes[i].port;
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
    const struct routes *r = s->nodes[node].state;
    struct packet *p = packet_at(s, packet);
    struct ip_packet ip;
    uint32_t out;

    (void)port;
    if (ip_read(bytes_of(p->data, p->len), &ip) != OK) {
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
        return;
    }
    if (r->drops_fragments && ip_is_fragment(&ip)) {
        packet_drop(s, node, packet, NET_DROP_FRAGMENT);
        return;
    }
    out = routes_find(r, &ip.dst);
    if (out == SIM_NONE) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    } else if (!ip_decrement_ttl(p->data, p->len)) {
        icmp_time_exceeded(s, node, packet, &ip, &r->address);
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    } else if (r->address.family && icmp_too_big(s, node, out, packet, &ip, &r->address)) {
        packet_drop(s, node, packet, NET_DROP_MTU);
    } else {
        sim_send(s, node, out, packet, false);
    }
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
