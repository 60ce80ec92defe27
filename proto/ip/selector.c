#include "proto/ip/selector.h"

#include <string.h>

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    PROTOCOL_HOP_BY_HOP = 0,
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_DCCP = 33,
    PROTOCOL_ROUTING = 43,
    PROTOCOL_FRAGMENT = 44,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_DESTINATION = 60,
    PROTOCOL_SCTP = 132,
    PROTOCOL_MOBILITY = 135,
    PROTOCOL_UDPLITE = 136,
};

/* RFC 4301 §4.4.1.1: what plays the part of ports in the upper-layer header. */
static void read_ports(struct bytes upper, struct flow *f)
{
    switch (f->protocol) {
    case PROTOCOL_TCP:
    case PROTOCOL_UDP:
    case PROTOCOL_DCCP:
    case PROTOCOL_SCTP:
    case PROTOCOL_UDPLITE:
        if (upper.len < 4)
            return;
        f->src_port = load_be16(upper.data);
        f->dst_port = load_be16(upper.data + 2);
        break;
    case PROTOCOL_ICMP:
    case PROTOCOL_ICMPV6:
        if (upper.len < 2)
            return;
        f->src_port = f->dst_port = load_be16(upper.data);
        break;
    case PROTOCOL_MOBILITY:
        if (upper.len < 3)
            return;
        f->src_port = f->dst_port = (uint16_t)(upper.data[2] << 8);
        break;
    default:
        return;
    }
    f->ports_known = true;
}

/* In place: a value built elsewhere and copied here would be loaded wider than it was stored. */
static void set_ipv4(struct ip_addr *a, const uint8_t *bytes)
{
    a->family = 4;
    memcpy(a->bytes, bytes, 4);
    memset(a->bytes + 4, 0, sizeof a->bytes - 4);
}

static enum err read_ipv4(struct bytes packet, struct flow *f, size_t *total)
{
    const uint8_t *p = packet.data;
    size_t header;
    uint16_t fragment;

    if (packet.len < IPV4_HEADER)
        return ERR_TRUNCATED;
    header = (size_t)(p[0] & 15) * 4;
    *total = load_be16(p + 2);
    if (header < IPV4_HEADER)
        return ERR_SYNTAX;
    if (*total < header || *total > packet.len)
        return ERR_LENGTH;
    set_ipv4(&f->src, p + 12);
    set_ipv4(&f->dst, p + 16);
    f->protocol = p[9];
    fragment = load_be16(p + 6) & 0x3fff; /* MF and offset */
    f->fragment = fragment != 0;
    if ((fragment & 0x1fff) == 0)
        read_ports(bytes_of(p + header, *total - header), f);
    return OK;
}

/* Walk the extension headers from `at` to the upper layer. */
static enum err read_ipv6_upper(struct bytes packet, uint8_t next, struct flow *f)
{
    size_t at = IPV6_HEADER;

    for (;;) {
        const uint8_t *p = packet.data + at;
        size_t len;

        f->protocol = next;
        if (next != PROTOCOL_HOP_BY_HOP && next != PROTOCOL_ROUTING &&
            next != PROTOCOL_DESTINATION && next != PROTOCOL_FRAGMENT) {
            read_ports(bytes_of(p, packet.len - at), f);
            return OK;
        }
        if (packet.len - at < 8)
            return ERR_TRUNCATED;
        next = p[0];
        len = 8;
        if (f->protocol != PROTOCOL_FRAGMENT) {
            len += (size_t)p[1] * 8;
        } else if ((load_be16(p + 2) & 0xfff9) != 0) { /* offset and M */
            f->fragment = true;
            if ((load_be16(p + 2) & 0xfff8) != 0) {
                f->protocol = next;
                return OK;
            }
        }
        if (packet.len - at < len)
            return ERR_TRUNCATED;
        at += len;
    }
}

static enum err read_ipv6(struct bytes packet, struct flow *f, size_t *total)
{
    const uint8_t *p = packet.data;

    if (packet.len < IPV6_HEADER)
        return ERR_TRUNCATED;
    *total = (size_t)load_be16(p + 4) + IPV6_HEADER;
    if (*total > packet.len)
        return ERR_LENGTH;
    f->src = ip_addr_v6(p + 8);
    f->dst = ip_addr_v6(p + 24);
    return read_ipv6_upper(bytes_of(p, *total), p[6], f);
}

enum err flow_read(struct bytes packet, struct flow *out, size_t *total)
{
    out->src_port = out->dst_port = 0;
    out->ports_known = out->fragment = false;
    *total = 0;
    if (packet.len == 0)
        return ERR_TRUNCATED;
    switch (packet.data[0] >> 4) {
    case 4:
        return read_ipv4(packet, out, total);
    case 6:
        return read_ipv6(packet, out, total);
    default:
        return ERR_VERSION;
    }
}

struct flow flow_reverse(const struct flow *f)
{
    struct flow r = *f;

    r.src = f->dst;
    r.dst = f->src;
    r.src_port = f->dst_port;
    r.dst_port = f->src_port;
    return r;
}

static size_t addr_len(const struct ip_addr *a)
{
    return a->family == 4 ? 4 : 16;
}

static int addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
    return memcmp(a->bytes, b->bytes, addr_len(a));
}

struct selector selector_any(uint8_t family)
{
    struct selector s = {.port_last = 65535};

    s.first.family = s.last.family = family;
    memset(s.last.bytes, 0xff, addr_len(&s.last));
    return s;
}

struct selector selector_host(struct ip_addr host)
{
    return (struct selector){.first = host, .last = host, .port_last = 65535};
}

static bool ports_any(const struct selector *s)
{
    return s->port_first == 0 && s->port_last == 65535;
}

static bool ports_opaque(const struct selector *s)
{
    return s->port_first == 65535 && s->port_last == 0;
}

bool selector_valid(const struct selector *s)
{
    if (s->first.family != s->last.family || (s->first.family != 4 && s->first.family != 6))
        return false;
    if (addr_compare(&s->first, &s->last) > 0)
        return false;
    return s->port_first <= s->port_last || ports_opaque(s);
}

bool selector_equal(const struct selector *a, const struct selector *b)
{
    return a->protocol == b->protocol && a->port_first == b->port_first &&
           a->port_last == b->port_last && a->first.family == b->first.family &&
           addr_compare(&a->first, &b->first) == 0 && addr_compare(&a->last, &b->last) == 0;
}

static bool range_match(const struct selector *s, const struct ip_addr *a)
{
    if (a->family != s->first.family)
        return false;
    if (a->family == 4) {
        uint32_t v = load_be32(a->bytes);

        return v >= load_be32(s->first.bytes) && v <= load_be32(s->last.bytes);
    }
    return addr_compare(a, &s->first) >= 0 && addr_compare(a, &s->last) <= 0;
}

bool selector_match(const struct selector *s, const struct ip_addr *addr, uint8_t protocol,
                    uint16_t port, bool known)
{
    return range_match(s, addr) && (s->protocol == 0 || s->protocol == protocol) &&
           selector_port_match(s->port_first, s->port_last, port, known);
}

bool selector_readdress(struct selector *s, const struct ip_addr *to)
{
    if (s->first.family != to->family || !ip_addr_equal(&s->first, &s->last))
        return false;
    s->first = s->last = *to;
    return true;
}

bool selector_subset(const struct selector *inner, const struct selector *outer)
{
    if (!range_match(outer, &inner->first) || !range_match(outer, &inner->last))
        return false;
    if (outer->protocol != 0 && outer->protocol != inner->protocol)
        return false;
    if (ports_any(outer))
        return true;
    if (ports_opaque(outer) || ports_opaque(inner))
        return ports_opaque(outer) && ports_opaque(inner);
    return inner->port_first >= outer->port_first && inner->port_last <= outer->port_last;
}

static bool intersect_ports(const struct selector *a, const struct selector *b,
                            struct selector *out)
{
    if (ports_any(a) || ports_any(b)) {
        const struct selector *narrow = ports_any(a) ? b : a;

        out->port_first = narrow->port_first;
        out->port_last = narrow->port_last;
        return true;
    }
    if (ports_opaque(a) || ports_opaque(b)) {
        out->port_first = 65535;
        out->port_last = 0;
        return ports_opaque(a) && ports_opaque(b);
    }
    out->port_first = a->port_first > b->port_first ? a->port_first : b->port_first;
    out->port_last = a->port_last < b->port_last ? a->port_last : b->port_last;
    return out->port_first <= out->port_last;
}

bool selector_intersect(const struct selector *a, const struct selector *b, struct selector *out)
{
    struct selector both;

    if (a->first.family != b->first.family)
        return false;
    if (a->protocol != 0 && b->protocol != 0 && a->protocol != b->protocol)
        return false;
    both.protocol = a->protocol ? a->protocol : b->protocol;
    both.first = addr_compare(&a->first, &b->first) > 0 ? a->first : b->first;
    both.last = addr_compare(&a->last, &b->last) < 0 ? a->last : b->last;
    if (addr_compare(&both.first, &both.last) > 0 || !intersect_ports(a, b, &both))
        return false;
    *out = both;
    return true;
}
