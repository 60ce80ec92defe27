#include "sim/nat_box.h"

#include "base/assert.h"
#include "base/pages.h"
#include "proto/ip/icmp.h"
#include "proto/ip/packet.h"
#include "proto/ip/udp.h"
#include "sim/icmp_error.h"

#include <stdlib.h>

enum { EXPIRY_TIMER = 0 };

struct nat_box *nat_box_beside(struct nat_box *first)
{
    struct nat_boxes *group = nat_box_group(first);
    struct nat_box *n = &group->box[group->count];

    ASSERT(group->count < group->room);
    n->number = group->count++;
    group->left++;
    n->preserve = group->words->port_preservation;
    n->next_port = group->words->port_first;
    return n;
}

struct nat_box *nat_box_create(const struct nat_words *words, uint32_t room)
{
    size_t bytes = sizeof(struct nat_boxes) + room * sizeof(struct nat_box);
    struct nat_boxes *group = calloc(1, bytes);

    if (!group)
        return NULL;
    pages_large(group, bytes);
    group->words = words;
    group->room = room;
    return nat_box_beside(group->box);
}

static void destroy(struct sim *s, uint32_t node)
{
    struct nat_box *n = s->nodes[node].state;
    struct nat_boxes *group;

    if (!n)
        return;
    group = nat_box_group(n);
    nat_table_reset(&n->table);
    if (n->table.aside)
        free(n->table.aside->fragmented);
    free(n->table.aside);
    if (--group->left == 0)
        free(group);
}

/* NULL when out of memory. */
static struct nat_aside *aside_of(struct nat_box *n)
{
    return nat_table_aside(&n->table);
}

enum err nat_box_place(struct nat_box *n, const struct ip_addr *outside)
{
    struct nat_aside *aside;

    if (outside->family == 4 && load_be32(outside->bytes)) {
        n->outside = load_be32(outside->bytes);
        return OK;
    }
    aside = aside_of(n);
    if (!aside)
        return ERR_MEMORY;
    aside->outside = *outside;
    n->outside = 0;
    return OK;
}

struct ip_addr nat_box_outside(const struct nat_box *n)
{
    if (n->outside)
        return ip_addr_v4(n->outside);
    return n->table.aside ? n->table.aside->outside : (struct ip_addr){0};
}

static const struct nat_words *words_of(const struct nat_box *n)
{
    return nat_box_group(n)->words;
}

static bool is_outside(const struct nat_box *n, const struct ip_addr *addr)
{
    struct ip_addr outside = nat_box_outside(n);

    return ip_addr_equal(addr, &outside);
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
    return nsec_add(s->now, timeout_of(words_of(n), false));
}

static struct ip_endpoint outside_of(const struct nat_box *n, const struct nat_mapping *m)
{
    return (struct ip_endpoint){nat_box_outside(n), m->outside_port};
}

static void tell(struct sim *s, uint32_t node, const struct nat_mapping *m, enum nat_change change,
                 bool inbound)
{
    const struct nat_box *n = box_at(s, node);
    const struct nat_observer *observer = nat_box_group(n)->observer;

    if (observer)
        observer->changed(
            observer->context, node, s->now,
            &(struct nat_event){.change = change,
                                .inside = m->inside,
                                .outside = outside_of(n, m),
                                .remote = m->remote,
                                .expires = m->list == NAT_LISTS ? first_end(s, n) : m->expires,
                                .inbound = inbound});
}

static void arm(struct sim *s, uint32_t node)
{
    nsec expires;

    (void)nat_table_next(&box_at(s, node)->table, &expires);
    sim_arm(s, node, EXPIRY_TIMER, expires);
}

/* A mapping lives until its timer, not at it (validation.md d-18: gap < timer). */
static void expire(struct sim *s, uint32_t node)
{
    struct nat_table *t = &box_at(s, node)->table;

    for (;;) {
        struct nat_mapping m;
        nsec expires;
        uint32_t slot = nat_table_next(t, &expires);

        if (slot == NAT_NONE || expires > s->now)
            break;
        m = nat_table_at(t, slot);
        nat_table_remove(t, slot);
        tell(s, node, &m, NAT_EXPIRED, false);
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
    const struct nat_words *w = words_of(n);
    struct nat_mapping m;
    bool restarts =
        w->refresh == NAT_REFRESH_BOTH || inbound == (w->refresh == NAT_REFRESH_INBOUND);
    enum nat_list list;

    if (inbound)
        nat_table_reply(&n->table, slot);
    m = nat_table_at(&n->table, slot);
    if (!restarts && m.list != NAT_LISTS)
        return;
    list = m.replied || !w->udp_timeout_unreplied ? NAT_REPLIED : NAT_UNREPLIED;
    m.list = (uint8_t)list & 3;
    m.expires = nsec_add(s->now, timeout_of(w, m.replied));
    nat_table_renew(&n->table, slot, list, m.expires);
    arm(s, node);
    tell(s, node, &m, NAT_REFRESHED, inbound);
}

static bool is_forwarded(const struct nat_box *n, uint16_t port)
{
    return nat_box_forwarded(n) && (port == NAT_FORWARD_IKE || port == NAT_FORWARD_NATT);
}

static bool port_free(const struct nat_box *n, uint16_t port)
{
    return port >= words_of(n)->port_first && port <= words_of(n)->port_last &&
           !is_forwarded(n, port) && nat_table_outside(&n->table, port) == NAT_NONE;
}

/* A number below `range`, of the box's own stream. */
static uint32_t draw_port(struct sim *s, uint32_t node, uint32_t range)
{
    struct nat_box *n = s->nodes[node].state;
    struct rng random = rng_stream(s->seed, node, RNG_NAT_PORT);
    struct nat_aside *aside = aside_of(n);
    uint32_t drawn;

    if (!aside) {
        sim_fail(s, ERR_MEMORY);
        return 0;
    }
    random.counter = aside->draws;
    drawn = (uint32_t)rng_below(&random, range);
    aside->draws = (uint32_t)random.counter;
    return drawn;
}

/* RFC 4787 §4.2: the same port where allowed and free, else the next free one; 0: none. */
static uint16_t choose_port(struct sim *s, uint32_t node, uint16_t inside)
{
    struct nat_box *n = box_at(s, node);
    uint32_t range = (uint32_t)words_of(n)->port_last - words_of(n)->port_first + 1;
    uint32_t start = n->next_port - words_of(n)->port_first;

    if (nat_table_count(&n->table) >= range)
        return 0;
    if (n->preserve && port_free(n, inside))
        return inside;
    if (words_of(n)->random_ports)
        start = draw_port(s, node, range);
    for (uint32_t i = 0; i < range; i++) {
        uint16_t port = (uint16_t)(words_of(n)->port_first + (start + i) % range);

        if (port_free(n, port)) {
            n->next_port =
                port == words_of(n)->port_last ? words_of(n)->port_first : (uint16_t)(port + 1);
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

    if (words_of(n)->ports_per_user &&
        nat_table_of_user(&n->table, &m->inside.addr) >= words_of(n)->ports_per_user)
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
    *m = nat_table_at(&n->table, slot);
    tell(s, node, m, NAT_MAPPED, false);
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
    enum nat_behaviour naming = words_of(n)->mapping;
    uint32_t slot = nat_table_inside(&n->table, naming, &f->src, &f->dst);
    enum err e;

    if (slot == NAT_NONE)
        slot = new_mapping(s, node,
                           &(struct nat_mapping){.inside = f->src,
                                                 .remote = f->dst,
                                                 .naming = (uint8_t)naming & 3,
                                                 .inside_port = f->port});
    if (slot == NAT_NONE)
        return NAT_NONE;
    /* RFC 4787 §5: without filtering nobody asks where the host has sent to. */
    e = words_of(n)->filtering == NAT_ENDPOINT_INDEPENDENT
            ? OK
            : nat_table_permit(&n->table, &slot, &f->dst);
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
    for (uint32_t i = 0; n->table.aside && n->table.aside->fragmented && i < NAT_FRAGMENTED_MAX;
         i++) {
        const struct nat_fragmented *way = &n->table.aside->fragmented[i];

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

    return new_mapping(s, node,
                       &(struct nat_mapping){.inside = {n->table.aside->forward, port},
                                             .remote = *src,
                                             .naming = (uint8_t)words_of(n)->mapping & 3,
                                             .inside_port = n->table.aside->forward_port});
}

/* The mapping that lets a packet from `src` in (RFC 4787 §5), refreshed; NAT_NONE: *why it drops.
 */
static uint32_t mapping_inward(struct sim *s, uint32_t node, const struct ip_endpoint *src,
                               uint16_t outside_port, enum net_drop *why)
{
    struct nat_box *n = box_at(s, node);
    uint32_t slot = nat_table_outside(&n->table, outside_port);
    bool open = is_forwarded(n, outside_port) || words_of(n)->filtering == NAT_ENDPOINT_INDEPENDENT;

    *why = NET_DROP_NAT_NO_MAPPING;
    if (slot == NAT_NONE && is_forwarded(n, outside_port))
        slot = mapping_forwarded(s, node, src, outside_port);
    if (slot == NAT_NONE)
        return NAT_NONE;
    *why = NET_DROP_NAT_FILTERED;
    if (!open && !nat_table_permits(&n->table, slot, src,
                                    words_of(n)->filtering == NAT_ADDRESS_AND_PORT_DEPENDENT))
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
    if (is_outside(n, &f->dst.addr))
        slot = mapping_inward(s, node, &f->src, f->dst.port, &why);
    if (slot == NAT_NONE) {
        packet_drop(s, node, packet, why);
        return;
    }
    m = nat_table_at(&n->table, slot);
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
    m = nat_table_at(&n->table, slot);
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
    bool back = is_outside(n, &f->dst.addr);
    struct nat_fragmented *way;
    struct nat_mapping m;
    struct ip_endpoint src;
    uint32_t slot;

    if (back && !words_of(n)->hairpin) {
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
        return;
    }
    slot = mapping_outward(s, node, f);
    if (slot == NAT_NONE) {
        packet_drop(s, node, packet, NET_DROP_NAT_FULL);
        return;
    }
    m = nat_table_at(&n->table, slot);
    src = outside_of(n, &m);
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
        quoted.offset == 0 && quoted.payload.len >= 2 && is_outside(n, &quoted.src))
        slot = nat_table_outside(&n->table, load_be16(quoted.payload.data));
    if (slot != NAT_NONE) {
        struct nat_mapping m = nat_table_at(&n->table, slot);

        inside = m.inside;
        port = m.inside_port;
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
    struct ip_addr outside = nat_box_outside(n);

    if (!ip_decrement_ttl(p->data, p->len))
        packet_drop(s, node, packet, NET_DROP_NO_ROUTE);
    else if (from_outside)
        inward(s, node, packet, &f);
    else if (n->icmp_errors && icmp_too_big(s, node, n->outside_port, packet, ip, &outside))
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

    if (is_outside(n, &dst->addr))
        slot = mapping_inward(s, node, src, dst->port, &why);
    if (slot != NAT_NONE)
        *dst = nat_table_at(&n->table, slot).inside;
    return slot;
}

bool nat_box_passed(struct sim *s, uint32_t node, uint32_t port, struct ip_endpoint *src,
                    struct ip_endpoint *dst)
{
    const struct nat_box *n = box_at(s, node);
    bool from_outside = port == n->outside_port, back = is_outside(n, &dst->addr);
    uint32_t in = NAT_NONE, out = NAT_NONE;
    struct nat_mapping m;

    expire(s, node);
    if (!from_outside && back && !words_of(n)->hairpin)
        return false;
    if (!from_outside) {
        out = mapping_outward(s, node, &(struct flow){.src = *src, .dst = *dst, .port = port});
        if (out == NAT_NONE)
            return false;
        m = nat_table_at(&n->table, out);
        *src = outside_of(n, &m);
    }
    if (from_outside || back) {
        in = passed_inward(s, node, src, dst);
        if (in == NAT_NONE)
            return false;
        refresh(s, node, in, false);
    }
    /* The way in may have made a mapping: that of the way out may have another slot. */
    if (out != NAT_NONE)
        refresh(s, node, nat_table_outside(&n->table, src->port), true);
    return true;
}

void nat_box_reboot(struct sim *s, uint32_t node, bool new_ports)
{
    struct nat_box *n = box_at(s, node);
    const struct nat_observer *observer = nat_box_group(n)->observer;
    uint32_t range = (uint32_t)words_of(n)->port_last - words_of(n)->port_first + 1;
    uint32_t lost = nat_table_count(&n->table);

    nat_table_reset(&n->table);
    if (n->table.aside) {
        free(n->table.aside->fragmented);
        n->table.aside->fragmented = NULL;
        n->table.aside->next_fragmented = 0;
    }
    if (new_ports) {
        n->preserve = false;
        n->next_port = (uint16_t)(words_of(n)->port_first + draw_port(s, node, range));
    }
    sim_arm(s, node, EXPIRY_TIMER, NSEC_NEVER);
    if (observer)
        observer->changed(observer->context, node, s->now,
                          &(struct nat_event){.change = NAT_REBOOTED, .mappings = lost});
}

const struct node_class nat_box_class = {
    .name = "nat", .receive = receive, .timer = timer, .destroy = destroy};
