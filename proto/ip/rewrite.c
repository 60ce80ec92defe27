#include "proto/ip/rewrite.h"

#include "base/assert.h"
#include "proto/ip/checksum.h"
#include "proto/ip/icmp.h"
#include "proto/ip/udp.h"

/* Where in the upper-layer header the port and the checksum lie; SIZE_MAX: there is none. */
struct upper {
    size_t port, checksum;
    bool pseudo; /* the checksum covers the addresses */
    bool udp;    /* a checksum of 0 is none */
};

static bool is_echo(uint8_t family, uint8_t type)
{
    return family == 4 ? type == 0 || type == 8 : type == 128 || type == 129;
}

static struct upper find_upper(const struct ip_packet *p, enum rewrite_side side)
{
    struct upper u = {SIZE_MAX, SIZE_MAX, false, false};

    if (p->offset != 0)
        return u;
    switch (p->protocol) {
    case IP_PROTOCOL_UDP:
    case IP_PROTOCOL_TCP:
        u.udp = p->protocol == IP_PROTOCOL_UDP;
        u.port = side == REWRITE_SOURCE ? 0 : 2;
        u.checksum = u.udp ? 6 : 16;
        u.pseudo = true;
        break;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMPV6:
        u.checksum = 2;
        u.pseudo = p->protocol == IP_PROTOCOL_ICMPV6;
        if (p->payload.len >= 6 && is_echo(p->src.family, p->payload.data[0]))
            u.port = 4;
        break;
    default:
        break;
    }
    if (u.port != SIZE_MAX && u.port + 2 > p->payload.len)
        u.port = SIZE_MAX;
    if (u.checksum != SIZE_MAX && u.checksum + 2 > p->payload.len)
        u.checksum = SIZE_MAX;
    return u;
}

/* Replace `len` bytes at `at` and give back by how much their sum changed, as (before, after). */
static void replace(uint8_t *at, const uint8_t *by, size_t len, uint16_t *before, uint16_t *after)
{
    *before = checksum_sum(*before, bytes_of(at, len));
    memcpy(at, by, len);
    *after = checksum_sum(*after, bytes_of(at, len));
}

static void fix(uint8_t *field, uint16_t before, uint16_t after)
{
    store_be16(field, checksum_update(load_be16(field), before, after));
}

/* `p` describes the packet at `packet`, which is writable. */
static void rewrite(uint8_t *packet, const struct ip_packet *p, enum rewrite_side side,
                    const struct ip_endpoint *to)
{
    struct upper u = find_upper(p, side);
    size_t len = ip_addr_len(&to->addr);
    uint8_t *addr = packet + (len == 4 ? 12 : 8) + (side == REWRITE_SOURCE ? 0 : len);
    uint8_t *upper = packet + p->header_len;
    uint16_t before = 0, after = 0;

    replace(addr, to->addr.bytes, len, &before, &after);
    if (len == 4)
        fix(packet + 10, before, after);
    if (!u.pseudo)
        before = after = 0;
    if (u.port != SIZE_MAX) {
        uint8_t port[2];

        store_be16(port, to->port);
        replace(upper + u.port, port, 2, &before, &after);
    }
    if (u.checksum == SIZE_MAX || (u.udp && load_be16(upper + u.checksum) == 0))
        return;
    fix(upper + u.checksum, before, after);
    if (u.udp && load_be16(upper + u.checksum) == 0)
        store_be16(upper + u.checksum, 0xffff);
}

enum err rewrite_endpoint(struct buf *packet, enum rewrite_side side, const struct ip_endpoint *to)
{
    struct ip_packet p;
    enum err e = ip_read(buf_bytes(packet), &p);

    if (e != OK)
        return e;
    if (p.src.family != to->addr.family)
        return ERR_UNSUPPORTED;
    rewrite(packet->data, &p, side, to);
    return OK;
}

enum err rewrite_quoted(struct buf *packet, enum rewrite_side side, const struct ip_endpoint *to)
{
    struct ip_packet outer, inner;
    struct icmp_message m;
    uint16_t before, after;
    struct bytes quoted;
    enum err e = ip_read(buf_bytes(packet), &outer);

    if (e != OK)
        return e;
    e = icmp_read(&outer, &m);
    if (e != OK)
        return e;
    if (!icmp_is_error(m.kind))
        return ERR_NEXT_HEADER;
    e = ip_read_quoted(m.data, &inner);
    if (e != OK)
        return e;
    if (inner.src.family != to->addr.family)
        return ERR_UNSUPPORTED;
    quoted = m.data;
    before = checksum_sum(0, quoted);
    rewrite(packet->data + (quoted.data - packet->data), &inner, side, to);
    after = checksum_sum(0, quoted);
    fix(packet->data + outer.header_len + 2, before, after);
    return OK;
}
