#include "sim/router.h"

#include "proto/ip/packet.h"
#include "sim/icmp_error.h"

#include <stdlib.h>

enum { FIRST_RUNS = 4, FIRST_HOSTS = 4, STRIDE_MAX = 256 };

enum err routes_init(struct routes *r, uint32_t expected)
{
    *r = (struct routes){.default_port = SIM_NONE};
    return expected ? table_init(&r->hosts, expected) : OK;
}

void routes_reset(struct routes *r)
{
    table_reset(&r->hosts);
    free(r->runs);
    free(r->prefixes);
    *r = (struct routes){.default_port = SIM_NONE};
}

static uint64_t route_key(const struct ip_addr *a)
{
    return ip_endpoint_hash(&(struct ip_endpoint){.addr = *a});
}

static enum err add_host(struct routes *r, const struct ip_addr *a, uint32_t port)
{
    enum err e = r->hosts.entries ? OK : table_init(&r->hosts, FIRST_HOSTS);

    return e == OK ? table_put(&r->hosts, route_key(a), port) : e;
}

static uint32_t last_of(const struct route_run *run)
{
    return run->first + (run->count - 1) * run->stride;
}

/* Whether the run goes on with this address; the second one says how. */
static bool lengthen(struct route_run *run, uint32_t value, uint32_t port)
{
    if (run->count == 1) {
        if (value - run->first > STRIDE_MAX || port - run->port > 1)
            return false;
        run->stride = (uint16_t)(value - run->first);
        run->step = (uint16_t)(port - run->port);
    } else if (value - last_of(run) != run->stride || port - run->port != run->count * run->step) {
        return false;
    }
    run->count++;
    return true;
}

enum err routes_add(struct routes *r, const struct ip_addr *a, uint32_t port)
{
    struct route_run *last = r->run_count ? &r->runs[r->run_count - 1] : NULL;
    uint32_t value = load_be32(a->bytes);

    if (a->family != 4 || (last && value <= last_of(last)))
        return add_host(r, a, port);
    if (last && lengthen(last, value, port))
        return OK;
    if (r->run_count == r->run_capacity) {
        uint32_t capacity = r->run_capacity ? 2 * r->run_capacity : FIRST_RUNS;
        struct route_run *bigger = realloc(r->runs, capacity * sizeof *bigger);

        if (!bigger)
            return ERR_MEMORY;
        r->runs = bigger;
        r->run_capacity = capacity;
    }
    r->runs[r->run_count++] = (struct route_run){.first = value, .count = 1, .port = port};
    return OK;
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

static const struct route_run *run_of(const struct routes *r, uint32_t value)
{
    uint32_t low = 0, high = r->run_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (value < r->runs[middle].first)
            high = middle;
        else if (value > last_of(&r->runs[middle]))
            low = middle + 1;
        else
            return &r->runs[middle];
    }
    return NULL;
}

static bool find_in_runs(const struct routes *r, uint32_t value, uint32_t *port)
{
    const struct route_run *run = run_of(r, value);
    uint32_t i;

    if (!run)
        return false;
    i = run->stride > 1 ? (value - run->first) / run->stride : value - run->first;
    if (run->first + i * run->stride != value)
        return false;
    *port = run->port + i * run->step;
    return true;
}

static bool find_host(const struct routes *r, const struct ip_addr *a, uint32_t *port)
{
    if (r->hosts.count && table_get(&r->hosts, route_key(a), port))
        return true;
    return a->family == 4 && find_in_runs(r, load_be32(a->bytes), port);
}

uint32_t routes_find(const struct routes *r, const struct ip_addr *a)
{
    uint32_t port;

    if (find_host(r, a, &port))
        return port;
    if (r->above && find_host(r->above, a, &port))
        return r->above_port;
    for (uint32_t i = 0; i < r->prefix_count; i++)
        if (ip_prefix_contains(&r->prefixes[i].to, a))
            return r->prefixes[i].port;
    return r->default_port;
}

struct routes *router_create(uint32_t expected)
{
    struct routes *r = malloc(sizeof *r);

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
