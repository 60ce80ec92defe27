#include "sim/nat_box.h"

#include "base/digest.h"
#include "proto/ip/icmp.h"
#include "proto/ip/packet.h"
#include "proto/ip/rewrite.h"
#include "proto/ip/udp.h"

#include <stdlib.h>

enum { EXPIRY_TIMER = 0, FIRST_MAPPINGS = 2 };

struct nat_box *nat_box_create(const struct nat_words *words, const struct ip_addr *outside,
                               struct rng port_random)
{
    struct nat_box *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->words = *words;
    n->outside = *outside;
    n->port_random = port_random;
    n->next_port = words->port_first;
    if (table_init(&n->by_inside, 1) != OK || table_init(&n->by_outside, 1) != OK ||
        table_init(&n->users, 1) != OK) {
        table_reset(&n->by_inside);
        table_reset(&n->by_outside);
        table_reset(&n->users);
        free(n);
        return NULL;
    }
    return n;
}

static void forget_permits(struct nat_mapping *m)
{
    while (m->permits) {
        struct nat_permit *next = m->permits->next;

        free(m->permits);
        m->permits = next;
    }
}

static void destroy(struct sim *s, uint32_t node)
{
    struct nat_box *n = s->nodes[node].state;

    if (!n)
        return;
    for (uint32_t i = 0; i < n->count; i++)
        forget_permits(&n->mappings[i]);
    free(n->mappings);
    table_reset(&n->by_inside);
    table_reset(&n->by_outside);
    table_reset(&n->users);
    free(n);
}

static void tell(struct sim *s, uint32_t node, const struct nat_mapping *m, enum nat_change change,
                 bool inbound)
{
    struct nat_box *n = s->nodes[node].state;
    struct nat_event e = {.change = change, .inbound = inbound};

    if (!n->observer.changed)
        return;
    e.inside = m->inside;
    e.outside = m->outside;
    e.remote = m->remote;
    n->observer.changed(n->observer.context, node, s->now, &e);
}

/* RFC 4787 §4.1: what of the remote names the mapping. */
static uint64_t mapping_key(const struct nat_box *n, const struct ip_endpoint *inside,
                            const struct ip_endpoint *remote)
{
    struct ip_endpoint relevant = {0};
    uint64_t parts[2] = {ip_endpoint_hash(inside), 0};

    if (n->words.mapping != NAT_ENDPOINT_INDEPENDENT)
        relevant.addr = remote->addr;
    if (n->words.mapping == NAT_ADDRESS_AND_PORT_DEPENDENT)
        relevant.port = remote->port;
    parts[1] = ip_endpoint_hash(&relevant);
    return digest_of(parts, sizeof parts, 0);
}

static uint64_t user_key(const struct ip_addr *inside)
{
    return ip_endpoint_hash(&(struct ip_endpoint){.addr = *inside});
}

static uint32_t mappings_of_user(const struct nat_box *n, const struct ip_addr *inside)
{
    uint32_t count = 0;

    table_get(&n->users, user_key(inside), &count);
    return count;
}

static void end_mapping(struct sim *s, uint32_t node, struct nat_mapping *m)
{
    struct nat_box *n = s->nodes[node].state;
    uint32_t left = mappings_of_user(n, &m->inside.addr) - 1;

    m->alive = false;
    n->alive--;
    table_remove(&n->by_inside, m->key);
    table_remove(&n->by_outside, m->outside.port);
    if (left == 0)
        table_remove(&n->users, user_key(&m->inside.addr));
    else
        (void)!table_put(&n->users, user_key(&m->inside.addr), left);
    forget_permits(m);
}

/* Expire what is due and arm the timer for what comes next. */
static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct nat_box *n = s->nodes[node].state;
    nsec next = NSEC_NEVER;

    for (uint32_t i = 0; i < n->count; i++) {
        struct nat_mapping *m = &n->mappings[i];

        if (m->alive && m->expires <= s->now) {
            end_mapping(s, node, m);
            tell(s, node, m, NAT_EXPIRED, false);
        }
        if (m->alive)
            next = nsec_min(next, m->expires);
    }
    sim_arm(s, node, slot, next);
}

static void refresh(struct sim *s, uint32_t node, struct nat_mapping *m, bool inbound)
{
    struct nat_box *n = s->nodes[node].state;
    nsec timeout = n->words.udp_timeout;

    if (inbound)
        m->replied = true;
    if (n->words.refresh != NAT_REFRESH_BOTH &&
        inbound != (n->words.refresh == NAT_REFRESH_INBOUND) && m->expires != 0)
        return;
    if (!m->replied && n->words.udp_timeout_unreplied)
        timeout = n->words.udp_timeout_unreplied;
    m->expires = nsec_add(s->now, timeout);
    if (m->expires < s->nodes[node].timer_at[EXPIRY_TIMER])
        sim_arm(s, node, EXPIRY_TIMER, m->expires);
    tell(s, node, m, NAT_REFRESHED, inbound);
}

static bool port_free(const struct nat_box *n, uint16_t port)
{
    uint32_t slot;

    return port >= n->words.port_first && port <= n->words.port_last &&
           !table_get(&n->by_outside, port, &slot);
}

/* RFC 4787 §4.2: the same port where allowed and free, else the next free one; 0: none. */
static uint16_t choose_port(struct nat_box *n, uint16_t inside)
{
    uint32_t range = (uint32_t)n->words.port_last - n->words.port_first + 1;
    uint32_t start = n->next_port - n->words.port_first;

    if (n->words.port_preservation && port_free(n, inside))
        return inside;
    for (uint32_t i = 0; i < range; i++) {
        uint16_t port = (uint16_t)(n->words.port_first + (start + i) % range);

        if (port_free(n, port)) {
            n->next_port = port == n->words.port_last ? n->words.port_first : (uint16_t)(port + 1);
            return port;
        }
    }
    return 0;
}

static struct nat_mapping *free_slot(struct nat_box *n)
{
    if (n->alive == NAT_MAPPINGS_MAX)
        return NULL;
    for (uint32_t i = n->alive == n->count ? n->count : 0; i < n->count; i++)
        if (!n->mappings[i].alive)
            return &n->mappings[i];
    if (n->count == n->capacity) {
        uint32_t capacity = n->capacity ? 2 * n->capacity : FIRST_MAPPINGS;
        struct nat_mapping *bigger = realloc(n->mappings, capacity * sizeof *bigger);

        if (!bigger)
            return NULL;
        n->mappings = bigger;
        n->capacity = capacity;
    }
    n->mappings[n->count] = (struct nat_mapping){0};
    return &n->mappings[n->count++];
}

static struct nat_mapping *new_mapping(struct sim *s, uint32_t node, uint32_t inside_port,
                                       const struct ip_endpoint *inside,
                                       const struct ip_endpoint *remote, uint64_t key)
{
    struct nat_box *n = s->nodes[node].state;
    uint32_t user = mappings_of_user(n, &inside->addr);
    struct nat_mapping *m;
    uint16_t port;

    if (n->words.ports_per_user && user >= n->words.ports_per_user)
        return NULL;
    port = choose_port(n, inside->port);
    m = port ? free_slot(n) : NULL;
    if (!m)
        return NULL;
    *m = (struct nat_mapping){.inside = *inside,
                              .outside = {n->outside, port},
                              .remote = *remote,
                              .key = key,
                              .inside_port = inside_port,
                              .alive = true};
    if (table_put(&n->by_inside, key, (uint32_t)(m - n->mappings)) != OK ||
        table_put(&n->by_outside, port, (uint32_t)(m - n->mappings)) != OK ||
        table_put(&n->users, user_key(&inside->addr), user + 1) != OK)
        s->error = ERR_MEMORY;
    n->alive++;
    tell(s, node, m, NAT_MAPPED, false);
    return m;
}

/* RFC 4787 §5: has the inside host sent to this remote (as far as `filtering` looks)? */
static struct nat_permit *find_permit(const struct nat_box *n, const struct nat_mapping *m,
                                      const struct ip_endpoint *remote)
{
    for (struct nat_permit *p = m->permits; p; p = p->next)
        if (ip_addr_equal(&p->remote.addr, &remote->addr) &&
            (n->words.filtering == NAT_ADDRESS_DEPENDENT || p->remote.port == remote->port))
            return p;
    return NULL;
}

static void permit(struct sim *s, const struct nat_box *n, struct nat_mapping *m,
                   const struct ip_endpoint *remote)
{
    struct nat_permit *p;

    if (n->words.filtering == NAT_ENDPOINT_INDEPENDENT || find_permit(n, m, remote))
        return;
    p = malloc(sizeof *p);
    if (!p) {
        s->error = ERR_MEMORY;
        return;
    }
    *p = (struct nat_permit){*remote, m->permits};
    m->permits = p;
}

static struct nat_mapping *mapping_outward(struct sim *s, uint32_t node, uint32_t port,
                                           const struct udp_datagram *udp)
{
    struct nat_box *n = s->nodes[node].state;
    uint64_t key = mapping_key(n, &udp->src, &udp->dst);
    struct nat_mapping *m = NULL;
    uint32_t slot;

    if (table_get(&n->by_inside, key, &slot))
        m = &n->mappings[slot];
    else
        m = new_mapping(s, node, port, &udp->src, &udp->dst, key);
    if (!m)
        return NULL;
    permit(s, n, m, &udp->dst);
    refresh(s, node, m, false);
    return m;
}

static bool rewrite(struct sim *s, uint32_t packet, enum rewrite_side side,
                    const struct ip_endpoint *to)
{
    struct packet *p = packet_at(s, packet);
    struct buf b = {p->data, p->len, packet_room(p)};

    return rewrite_endpoint(&b, side, to) == OK;
}

static struct nat_mapping *mapping_at(const struct nat_box *n, uint16_t outside_port)
{
    uint32_t slot;

    return table_get(&n->by_outside, outside_port, &slot) ? &n->mappings[slot] : NULL;
}

/* To an inside host through its mapping: from outside, or from inside by hairpin. */
static void inward(struct sim *s, uint32_t node, uint32_t packet, const struct ip_endpoint *src,
                   uint16_t outside_port)
{
    struct nat_box *n = s->nodes[node].state;
    struct nat_mapping *m = mapping_at(n, outside_port);

    if (!m) {
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
        return;
    }
    if (n->words.filtering != NAT_ENDPOINT_INDEPENDENT && !find_permit(n, m, src)) {
        packet_drop(s, node, packet, NET_DROP_NAT_FILTERED);
        return;
    }
    refresh(s, node, m, true);
    if (!rewrite(s, packet, REWRITE_DESTINATION, &m->inside))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else
        sim_send(s, node, m->inside_port, packet, false);
}

static void outward(struct sim *s, uint32_t node, uint32_t port, uint32_t packet,
                    const struct udp_datagram *udp)
{
    struct nat_box *n = s->nodes[node].state;
    bool hairpin = ip_addr_equal(&udp->dst.addr, &n->outside);
    struct nat_mapping *m;
    struct ip_endpoint src;

    if (hairpin && !n->words.hairpin) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
        return;
    }
    m = mapping_outward(s, node, port, udp);
    if (!m) {
        packet_drop(s, node, packet, NET_DROP_NAT_FULL);
        return;
    }
    src = m->outside;
    if (!rewrite(s, packet, REWRITE_SOURCE, &src))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else if (hairpin)
        inward(s, node, packet, &src, udp->dst.port);
    else
        sim_send(s, node, n->outside_port, packet, false);
}

/* RFC 5508 §4: an error about a packet that went out through a mapping. */
static void icmp_inward(struct sim *s, uint32_t node, uint32_t packet, const struct ip_packet *ip)
{
    struct nat_box *n = s->nodes[node].state;
    struct packet *p = packet_at(s, packet);
    struct buf b = {p->data, p->len, packet_room(p)};
    struct nat_mapping *m = NULL;
    struct icmp_message icmp;
    struct ip_packet quoted;

    if (icmp_read(ip, &icmp) == OK && icmp_is_error(icmp.kind) &&
        ip_read_quoted(icmp.data, &quoted) == OK && quoted.protocol == IP_PROTOCOL_UDP &&
        quoted.payload.len >= 2)
        m = mapping_at(n, load_be16(quoted.payload.data));
    if (!m || rewrite_quoted(&b, REWRITE_SOURCE, &m->inside) != OK ||
        rewrite_endpoint(&b, REWRITE_DESTINATION, &m->inside) != OK)
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
    else
        sim_send(s, node, m->inside_port, packet, false);
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    const struct nat_box *n = s->nodes[node].state;
    struct packet *p = packet_at(s, packet);
    bool outside = port == n->outside_port;
    struct udp_datagram udp;
    struct ip_packet ip;

    if (ip_read(bytes_of(p->data, p->len), &ip) != OK) {
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
        return;
    }
    if (outside && (ip.protocol == IP_PROTOCOL_ICMP || ip.protocol == IP_PROTOCOL_ICMPV6)) {
        icmp_inward(s, node, packet, &ip);
        return;
    }
    /* Only a box that checks the ports needs the whole datagram; a damaged one goes through. */
    if (ip.protocol != IP_PROTOCOL_UDP || ip.offset != 0 || ip.payload.len < UDP_HEADER_LEN) {
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
        return;
    }
    if (!ip_decrement_ttl(p->data, p->len)) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
        return;
    }
    udp.src = (struct ip_endpoint){ip.src, load_be16(ip.payload.data)};
    udp.dst = (struct ip_endpoint){ip.dst, load_be16(ip.payload.data + 2)};
    if (outside)
        inward(s, node, packet, &udp.src, udp.dst.port);
    else
        outward(s, node, port, packet, &udp);
}

void nat_box_reboot(struct sim *s, uint32_t node, bool new_ports)
{
    struct nat_box *n = s->nodes[node].state;
    uint32_t range = (uint32_t)n->words.port_last - n->words.port_first + 1;
    uint32_t lost = n->alive;

    for (uint32_t i = 0; i < n->count; i++)
        if (n->mappings[i].alive)
            end_mapping(s, node, &n->mappings[i]);
    if (new_ports) {
        n->words.port_preservation = false;
        n->next_port = (uint16_t)(n->words.port_first + rng_below(&n->port_random, range));
    }
    sim_arm(s, node, EXPIRY_TIMER, NSEC_NEVER);
    if (n->observer.changed)
        n->observer.changed(n->observer.context, node, s->now,
                            &(struct nat_event){.change = NAT_REBOOTED, .mappings = lost});
}

const struct node_class nat_box_class = {
    .name = "nat", .receive = receive, .timer = timer, .destroy = destroy};
