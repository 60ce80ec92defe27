#include "sim/nat_box.h"

#include "base/digest.h"
#include "proto/ip/icmp.h"
#include "proto/ip/packet.h"
#include "proto/ip/udp.h"
#include "sim/icmp_error.h"

#include <stdlib.h>

enum { EXPIRY_TIMER = 0 };

struct nat_box *nat_box_create(const struct nat_words *words, const struct ip_addr *outside)
{
    struct nat_box *n = calloc(1, sizeof *n);

    if (!n)
        return NULL;
    n->words = words;
    n->outside = *outside;
    n->preserve = words->port_preservation;
    n->next_port = words->port_first;
    nat_table_init(&n->table);
    return n;
}

static void destroy(struct sim *s, uint32_t node)
{
    struct nat_box *n = s->nodes[node].state;

    if (!n)
        return;
    nat_table_reset(&n->table);
    if (n->aside)
        free(n->aside->fragmented);
    free(n->aside);
    free(n);
}

/* NULL when out of memory. */
static struct nat_aside *aside_of(struct nat_box *n)
{
    if (!n->aside)
        n->aside = calloc(1, sizeof *n->aside);
    return n->aside;
}

enum err nat_box_forward(struct nat_box *n, const struct ip_addr *host, uint32_t port)
{
    struct nat_aside *aside = aside_of(n);

    if (!aside)
        return ERR_MEMORY;
    aside->forward = *host;
    aside->forward_port = port;
    return OK;
}

static struct nat_box *box_at(struct sim *s, uint32_t node)
{
    return s->nodes[node].state;
}

static nsec timeout_of(const struct nat_words *w, bool replied)
{
    return replied || !w->udp_timeout_unreplied ? w->udp_timeout : w->udp_timeout_unreplied;
}

/* A mapping that was just made is refreshed by the packet that made it. */
static nsec first_end(const struct sim *s, const struct nat_box *n)
{
    return nsec_add(s->now, timeout_of(n->words, false));
}

static struct ip_endpoint outside_of(const struct nat_box *n, const struct nat_mapping *m)
{
    return (struct ip_endpoint){n->outside, m->outside_port};
}

static void tell(struct sim *s, uint32_t node, const struct nat_mapping *m, enum nat_change change,
                 bool inbound)
{
    const struct nat_box *n = box_at(s, node);

    if (n->observer)
        n->observer->changed(
            n->observer->context, node, s->now,
            &(struct nat_event){.change = change,
                                .inside = m->inside,
                                .outside = outside_of(n, m),
                                .remote = m->remote,
                                .expires = m->list == NAT_LISTS ? first_end(s, n) : m->expires,
                                .inbound = inbound});
}

/* RFC 4787 §4.1: what of the remote names the mapping. */
static uint64_t mapping_key(const struct nat_box *n, const struct ip_endpoint *inside,
                            const struct ip_endpoint *remote)
{
    struct ip_endpoint relevant = {0};
    uint64_t parts[2] = {ip_endpoint_hash(inside), 0};

    if (n->words->mapping != NAT_ENDPOINT_INDEPENDENT)
        relevant.addr = remote->addr;
    if (n->words->mapping == NAT_ADDRESS_AND_PORT_DEPENDENT)
        relevant.port = remote->port;
    parts[1] = ip_endpoint_hash(&relevant);
    return digest_of(parts, sizeof parts, 0);
}

static void arm(struct sim *s, uint32_t node)
{
    const struct nat_table *t = &box_at(s, node)->table;
    uint32_t next = nat_table_next(t);

    sim_arm(s, node, EXPIRY_TIMER, next == NAT_NONE ? NSEC_NEVER : t->mappings[next].expires);
}

/* A mapping lives until its timer, not at it (validation.md d-18: gap < timer). */
static void expire(struct sim *s, uint32_t node)
{
    struct nat_table *t = &box_at(s, node)->table;

    for (;;) {
        uint32_t slot = nat_table_next(t);

        if (slot == NAT_NONE || t->mappings[slot].expires > s->now)
            break;
        nat_table_remove(t, slot);
        tell(s, node, &t->mappings[slot], NAT_EXPIRED, false);
    }
    arm(s, node);
}

static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    (void)slot;
    expire(s, node);
}

/* RFC 4787 §4.3. A new mapping gets its first timer whatever refreshes it later. */
static void refresh(struct sim *s, uint32_t node, uint32_t slot, bool inbound)
{
    struct nat_box *n = box_at(s, node);
    struct nat_mapping *m = &n->table.mappings[slot];
    bool restarts = n->words->refresh == NAT_REFRESH_BOTH ||
                    inbound == (n->words->refresh == NAT_REFRESH_INBOUND);
    enum nat_list list;

    m->replied |= inbound;
    if (!restarts && m->list != NAT_LISTS)
        return;
    list = m->replied || !n->words->udp_timeout_unreplied ? NAT_REPLIED : NAT_UNREPLIED;
    nat_table_renew(&n->table, slot, list, nsec_add(s->now, timeout_of(n->words, m->replied)));
    arm(s, node);
    tell(s, node, m, NAT_REFRESHED, inbound);
}

static bool is_forwarded(const struct nat_box *n, uint16_t port)
{
    return nat_box_forwarded(n) && (port == NAT_FORWARD_IKE || port == NAT_FORWARD_NATT);
}

static bool port_free(const struct nat_box *n, uint16_t port)
{
    return port >= n->words->port_first && port <= n->words->port_last && !is_forwarded(n, port) &&
           nat_table_outside(&n->table, port) == NAT_NONE;
}

/* A number below `range`, of the box's own stream. */
static uint32_t draw_port(const struct sim *s, uint32_t node, uint32_t range)
{
    struct nat_box *n = s->nodes[node].state;
    struct rng random = rng_stream(s->seed, node, RNG_NAT_PORT);
    uint32_t drawn;

    random.counter = n->draws;
    drawn = (uint32_t)rng_below(&random, range);
    n->draws = (uint32_t)random.counter;
    return drawn;
}

/* RFC 4787 §4.2: the same port where allowed and free, else the next free one; 0: none. */
static uint16_t choose_port(struct sim *s, uint32_t node, uint16_t inside)
{
    struct nat_box *n = box_at(s, node);
    uint32_t range = (uint32_t)n->words->port_last - n->words->port_first + 1;
    uint32_t start = n->next_port - n->words->port_first;

    if (n->table.alive >= range)
        return 0;
    if (n->preserve && port_free(n, inside))
        return inside;
    if (n->words->random_ports)
        start = draw_port(s, node, range);
    for (uint32_t i = 0; i < range; i++) {
        uint16_t port = (uint16_t)(n->words->port_first + (start + i) % range);

        if (port_free(n, port)) {
            n->next_port =
                port == n->words->port_last ? n->words->port_first : (uint16_t)(port + 1);
            return port;
        }
    }
    return 0;
}

/* NAT_NONE: the user has enough of them, the ports are used up, or memory is. */
static uint32_t new_mapping(struct sim *s, uint32_t node, struct nat_mapping *m)
{
    struct nat_box *n = box_at(s, node);
    uint32_t slot = NAT_NONE;
    enum err e;

    if (n->words->ports_per_user &&
        nat_table_of_user(&n->table, &m->inside.addr) >= n->words->ports_per_user)
        return NAT_NONE;
    m->outside_port = m->inside.port;
    if (!is_forwarded(n, m->inside.port) || !ip_addr_equal(&m->inside.addr, nat_box_forwarded(n)))
        m->outside_port = choose_port(s, node, m->inside.port);
    if (m->outside_port == 0)
        return NAT_NONE;
    e = nat_table_add(&n->table, m, &slot);
    if (e == ERR_MEMORY)
        sim_fail(s, e);
    if (e != OK)
        return NAT_NONE;
    tell(s, node, &n->table.mappings[slot], NAT_MAPPED, false);
    return slot;
}

/* What a UDP packet, or the first fragment of one, shows. */
struct flow {
    const struct ip_packet *ip;
    struct ip_endpoint src, dst;
    uint32_t port; /* it came in by */
};

static uint32_t mapping_outward(struct sim *s, uint32_t node, const struct flow *f)
{
    struct nat_box *n = box_at(s, node);
    struct nat_mapping m = {.inside = f->src,
                            .remote = f->dst,
                            .key = mapping_key(n, &f->src, &f->dst),
                            .inside_port = f->port};
    uint32_t slot = nat_table_inside(&n->table, m.key);
    enum err e;

    if (slot == NAT_NONE)
        slot = new_mapping(s, node, &m);
    if (slot == NAT_NONE)
        return NAT_NONE;
    /* RFC 4787 §5: without filtering nobody asks where the host has sent to. */
    e = n->words->filtering == NAT_ENDPOINT_INDEPENDENT
            ? OK
            : nat_table_permit(&n->table, slot, &f->dst);
    if (e != OK)
        sim_fail(s, e);
    refresh(s, node, slot, false);
    return slot;
}

static bool rewrite(struct sim *s, uint32_t packet, enum rewrite_side side,
                    const struct ip_endpoint *to)
{
    struct packet *p = packet_at(s, packet);
    struct buf b = {p->data, p->len, packet_room(p)};

    return rewrite_endpoint(&b, side, to) == OK;
}

/* The other fragments of this packet go the same way. */
static struct nat_fragmented *open_way(struct sim *s, struct nat_box *n, const struct ip_packet *ip)
{
    struct nat_aside *aside = aside_of(n);
    struct nat_fragmented *way;

    if (aside && !aside->fragmented)
        aside->fragmented = calloc(NAT_FRAGMENTED_MAX, sizeof *aside->fragmented);
    if (!aside || !aside->fragmented) {
        sim_fail(s, ERR_MEMORY);
        return NULL;
    }
    way = &aside->fragmented[aside->next_fragmented];
    aside->next_fragmented = (aside->next_fragmented + 1) % NAT_FRAGMENTED_MAX;
    *way = (struct nat_fragmented){.src = ip->src,
                                   .dst = ip->dst,
                                   .id = ip->id,
                                   .protocol = ip->protocol,
                                   .until = s->now + NAT_FRAGMENT_TIMEOUT_S * NSEC_PER_S};
    return way;
}

static const struct nat_fragmented *find_way(const struct sim *s, const struct nat_box *n,
                                             const struct ip_packet *ip)
{
    for (uint32_t i = 0; n->aside && n->aside->fragmented && i < NAT_FRAGMENTED_MAX; i++) {
        const struct nat_fragmented *way = &n->aside->fragmented[i];

        if (way->until > s->now && way->id == ip->id && way->protocol == ip->protocol &&
            ip_addr_equal(&way->src, &ip->src) && ip_addr_equal(&way->dst, &ip->dst))
            return way;
    }
    return NULL;
}

static void later_fragment(struct sim *s, uint32_t node, uint32_t packet,
                           const struct ip_packet *ip)
{
    const struct nat_fragmented *way = find_way(s, box_at(s, node), ip);

    if (!way)
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
    else if (!rewrite(s, packet, way->side, &way->to) ||
             (way->hairpin.port && !rewrite(s, packet, REWRITE_DESTINATION, &way->hairpin)))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else
        sim_send(s, node, way->port, packet, false);
}

/* A packet to a forwarded port makes the mapping that one from inside would have made. */
static uint32_t mapping_forwarded(struct sim *s, uint32_t node, const struct ip_endpoint *src,
                                  uint16_t port)
{
    const struct nat_box *n = box_at(s, node);
    struct nat_mapping m = {
        .inside = {n->aside->forward, port}, .remote = *src, .inside_port = n->aside->forward_port};

    m.key = mapping_key(n, &m.inside, src);
    return new_mapping(s, node, &m);
}

/* The mapping that lets a packet from `src` in (RFC 4787 §5), refreshed; NAT_NONE: *why it drops.
 */
static uint32_t mapping_inward(struct sim *s, uint32_t node, const struct ip_endpoint *src,
                               uint16_t outside_port, enum net_drop *why)
{
    struct nat_box *n = box_at(s, node);
    uint32_t slot = nat_table_outside(&n->table, outside_port);
    bool open = is_forwarded(n, outside_port) || n->words->filtering == NAT_ENDPOINT_INDEPENDENT;

    *why = NET_DROP_NAT_NO_MAPPING;
    if (slot == NAT_NONE && is_forwarded(n, outside_port))
        slot = mapping_forwarded(s, node, src, outside_port);
    if (slot == NAT_NONE)
        return NAT_NONE;
    *why = NET_DROP_NAT_FILTERED;
    if (!open && !nat_table_permits(&n->table, slot, src,
                                    n->words->filtering == NAT_ADDRESS_AND_PORT_DEPENDENT))
        return NAT_NONE;
    refresh(s, node, slot, true);
    return slot;
}

static void inward(struct sim *s, uint32_t node, uint32_t packet, const struct flow *f)
{
    struct nat_box *n = box_at(s, node);
    struct nat_fragmented *way;
    struct nat_mapping m;
    enum net_drop why;
    uint32_t slot = NAT_NONE;

    why = NET_DROP_NO_ROUTE;
    if (ip_addr_equal(&f->dst.addr, &n->outside))
        slot = mapping_inward(s, node, &f->src, f->dst.port, &why);
    if (slot == NAT_NONE) {
        packet_drop(s, node, packet, why);
        return;
    }
    m = n->table.mappings[slot];
    way = f->ip->mf ? open_way(s, n, f->ip) : NULL;
    if (way) {
        way->side = REWRITE_DESTINATION;
        way->to = m.inside;
        way->port = m.inside_port;
    }
    if (!rewrite(s, packet, REWRITE_DESTINATION, &m.inside))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else
        sim_send(s, node, m.inside_port, packet, false);
}

/* RFC 4787 §6, REQ-9: from inside to inside by outside addresses, external source. */
static void hairpin(struct sim *s, uint32_t node, uint32_t packet, const struct flow *f,
                    const struct ip_endpoint *src, struct nat_fragmented *way)
{
    struct nat_box *n = box_at(s, node);
    enum net_drop why;
    uint32_t slot = mapping_inward(s, node, src, f->dst.port, &why);
    struct nat_mapping m;

    if (slot == NAT_NONE) {
        if (way)
            way->until = 0;
        packet_drop(s, node, packet, why);
        return;
    }
    m = n->table.mappings[slot];
    if (way) {
        way->hairpin = m.inside;
        way->port = m.inside_port;
    }
    if (!rewrite(s, packet, REWRITE_DESTINATION, &m.inside))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else
        sim_send(s, node, m.inside_port, packet, false);
}

static void outward(struct sim *s, uint32_t node, uint32_t packet, const struct flow *f)
{
    struct nat_box *n = box_at(s, node);
    bool back = ip_addr_equal(&f->dst.addr, &n->outside);
    struct nat_fragmented *way;
    struct ip_endpoint src;
    uint32_t slot;

    if (back && !n->words->hairpin) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
        return;
    }
    slot = mapping_outward(s, node, f);
    if (slot == NAT_NONE) {
        packet_drop(s, node, packet, NET_DROP_NAT_FULL);
        return;
    }
    src = outside_of(n, &n->table.mappings[slot]);
    way = f->ip->mf ? open_way(s, n, f->ip) : NULL;
    if (way) {
        way->side = REWRITE_SOURCE;
        way->to = src;
        way->port = n->outside_port;
    }
    if (!rewrite(s, packet, REWRITE_SOURCE, &src))
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else if (back)
        hairpin(s, node, packet, f, &src, way);
    else
        sim_send(s, node, n->outside_port, packet, false);
}

/* RFC 5508 §4: an error about a packet that went out through a mapping; refreshes nothing. */
static void icmp_inward(struct sim *s, uint32_t node, uint32_t packet, const struct ip_packet *ip)
{
    struct nat_box *n = box_at(s, node);
    struct packet *p = packet_at(s, packet);
    struct buf b = {p->data, p->len, packet_room(p)};
    struct ip_endpoint inside = {0};
    uint32_t slot = NAT_NONE, port = 0;
    struct icmp_message icmp;
    struct ip_packet quoted;

    if (icmp_read(ip, &icmp) == OK && icmp_is_error(icmp.kind) &&
        ip_read_quoted(icmp.data, &quoted) == OK && quoted.protocol == IP_PROTOCOL_UDP &&
        quoted.offset == 0 && quoted.payload.len >= 2 && ip_addr_equal(&quoted.src, &n->outside))
        slot = nat_table_outside(&n->table, load_be16(quoted.payload.data));
    if (slot != NAT_NONE) {
        inside = n->table.mappings[slot].inside;
        port = n->table.mappings[slot].inside_port;
    }
    if (slot == NAT_NONE || rewrite_quoted(&b, REWRITE_SOURCE, &inside) != OK ||
        rewrite_endpoint(&b, REWRITE_DESTINATION, &inside) != OK)
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
    else
        sim_send(s, node, port, packet, false);
}

/* A packet that UDP's ports steer. */
static void translate(struct sim *s, uint32_t node, uint32_t port, uint32_t packet,
                      const struct ip_packet *ip)
{
    struct nat_box *n = box_at(s, node);
    struct packet *p = packet_at(s, packet);
    bool from_outside = port == n->outside_port;
    struct flow f = {.ip = ip,
                     .src = {ip->src, load_be16(ip->payload.data)},
                     .dst = {ip->dst, load_be16(ip->payload.data + 2)},
                     .port = port};

    if (!ip_decrement_ttl(p->data, p->len))
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    else if (from_outside)
        inward(s, node, packet, &f);
    else if (n->icmp_errors && icmp_too_big(s, node, n->outside_port, packet, ip, &n->outside))
        packet_drop(s, node, packet, NET_DROP_MTU);
    else
        outward(s, node, packet, &f);
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    const struct nat_box *n = box_at(s, node);
    struct packet *p = packet_at(s, packet);
    bool from_outside = port == n->outside_port;
    struct ip_packet ip;

    expire(s, node);
    if (ip_read(bytes_of(p->data, p->len), &ip) != OK)
        packet_drop(s, node, packet, NET_DROP_CORRUPT);
    else if (n->drops_fragments && ip_is_fragment(&ip))
        packet_drop(s, node, packet, NET_DROP_FRAGMENT);
    else if (from_outside && ip.offset == 0 &&
             (ip.protocol == IP_PROTOCOL_ICMP || ip.protocol == IP_PROTOCOL_ICMPV6))
        icmp_inward(s, node, packet, &ip);
    else if (ip.protocol != IP_PROTOCOL_UDP)
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
    else if (ip.offset != 0 && !ip_decrement_ttl(p->data, p->len))
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    else if (ip.offset != 0)
        later_fragment(s, node, packet, &ip);
    /* Only a box that checks the ports needs the whole datagram; a damaged one goes through. */
    else if (ip.payload.len < UDP_HEADER_LEN)
        packet_drop(s, node, packet, NET_DROP_NAT_NO_MAPPING);
    else
        translate(s, node, port, packet, &ip);
}

/* From inside to inside the two mappings are each other's remote. */
static uint32_t passed_inward(struct sim *s, uint32_t node, const struct ip_endpoint *src,
                              struct ip_endpoint *dst)
{
    const struct nat_box *n = box_at(s, node);
    enum net_drop why;
    uint32_t slot = NAT_NONE;

    if (ip_addr_equal(&dst->addr, &n->outside))
        slot = mapping_inward(s, node, src, dst->port, &why);
    if (slot != NAT_NONE)
        *dst = n->table.mappings[slot].inside;
    return slot;
}

bool nat_box_passed(struct sim *s, uint32_t node, uint32_t port, struct ip_endpoint *src,
                    struct ip_endpoint *dst)
{
    const struct nat_box *n = box_at(s, node);
    bool from_outside = port == n->outside_port, back = ip_addr_equal(&dst->addr, &n->outside);
    uint32_t in = NAT_NONE, out = NAT_NONE;

    expire(s, node);
    if (!from_outside && back && !n->words->hairpin)
        return false;
    if (!from_outside) {
        out = mapping_outward(s, node, &(struct flow){.src = *src, .dst = *dst, .port = port});
        if (out == NAT_NONE)
            return false;
        *src = outside_of(n, &n->table.mappings[out]);
    }
    if (from_outside || back) {
        in = passed_inward(s, node, src, dst);
        if (in == NAT_NONE)
            return false;
        refresh(s, node, in, false);
    }
    if (out != NAT_NONE)
        refresh(s, node, out, true);
    return true;
}

void nat_box_reboot(struct sim *s, uint32_t node, bool new_ports)
{
    struct nat_box *n = box_at(s, node);
    uint32_t range = (uint32_t)n->words->port_last - n->words->port_first + 1;
    uint32_t lost = n->table.alive;

    nat_table_reset(&n->table);
    if (n->aside) {
        free(n->aside->fragmented);
        n->aside->fragmented = NULL;
        n->aside->next_fragmented = 0;
    }
    if (new_ports) {
        n->preserve = false;
        n->next_port = (uint16_t)(n->words->port_first + draw_port(s, node, range));
    }
    sim_arm(s, node, EXPIRY_TIMER, NSEC_NEVER);
    if (n->observer)
        n->observer->changed(n->observer->context, node, s->now,
                             &(struct nat_event){.change = NAT_REBOOTED, .mappings = lost});
}

const struct node_class nat_box_class = {
    .name = "nat", .receive = receive, .timer = timer, .destroy = destroy};
