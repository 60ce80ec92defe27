#include "proto/ip/udp.h"

#include "base/assert.h"
#include "proto/ip/checksum.h"

/* RFC 768: Source Port (16) | Destination Port (16) | Length (16) | Checksum (16) */
enum err udp_read(const struct ip_packet *p, struct udp_datagram *udp)
{
    const uint8_t *h = p->payload.data;
    size_t len;

    *udp = (struct udp_datagram){0};
    if (p->protocol != IP_PROTOCOL_UDP || ip_is_fragment(p))
        return ERR_NEXT_HEADER;
    if (p->payload.len < UDP_HEADER_LEN)
        return ERR_TRUNCATED;
    len = load_be16(h + 4);
    if (len < UDP_HEADER_LEN || len > p->payload.len)
        return ERR_LENGTH;
    udp->src = (struct ip_endpoint){p->src, load_be16(h)};
    udp->dst = (struct ip_endpoint){p->dst, load_be16(h + 2)};
    udp->checksummed = load_be16(h + 6) != 0;
    udp->payload = bytes_of(h + UDP_HEADER_LEN, len - UDP_HEADER_LEN);
    if (!udp->checksummed)
        return p->src.family == 4 ? OK : ERR_CHECKSUM;
    if (checksum_sum(checksum_pseudo(&p->src, &p->dst, IP_PROTOCOL_UDP, (uint32_t)len),
                     bytes_of(h, len)) != 0xffff)
        return ERR_CHECKSUM;
    return OK;
}

static uint16_t checksum(const uint8_t *h, size_t len, const struct udp_build *b)
{
    uint16_t sum = checksum_pseudo(&b->src.addr, &b->dst.addr, IP_PROTOCOL_UDP, (uint32_t)len);

    sum = (uint16_t)~checksum_sum(sum, bytes_of(h, len));
    return sum ? sum : 0xffff; /* 0 would mean "none" */
}

enum err udp_datagram_write(uint8_t *payload, size_t len, const struct udp_build *b,
                            struct bytes *packet)
{
    uint8_t *h = payload - UDP_HEADER_LEN;
    struct ip_build ip = {.src = b->src.addr,
                          .dst = b->dst.addr,
                          .protocol = IP_PROTOCOL_UDP,
                          .ttl = b->ttl,
                          .tos = b->tos,
                          .df = b->df,
                          .id = b->id};

    ASSERT(b->src.addr.family == b->dst.addr.family);
    *packet = BYTES_NONE;
    if (len > IP_PACKET_MAX - UDP_HEADER_LEN - ip_header_len(ip.src.family))
        return ERR_LENGTH;
    store_be16(h, b->src.port);
    store_be16(h + 2, b->dst.port);
    store_be16(h + 4, (uint16_t)(len + UDP_HEADER_LEN));
    store_be16(h + 6, 0);
    if (!b->no_checksum || ip.src.family == 6)
        store_be16(h + 6, checksum(h, len + UDP_HEADER_LEN, b));
    return ip_datagram_write(h, len + UDP_HEADER_LEN, &ip, packet);
}
