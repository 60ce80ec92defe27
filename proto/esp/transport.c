#include "proto/esp/transport.h"

#include "base/assert.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP = 6,
    UDP = 17,
};

/* RFC 4303 §3.1.1: these stand before ESP. Destination options may follow it. */
static bool stands_before_esp(uint8_t next)
{
    return next == 0 || next == 43 || next == 44;
}

enum err transport_split(const uint8_t *packet, size_t *header_len, uint8_t *next)
{
    if (packet[0] >> 4 == 6) {
        *header_len = IPV6_HEADER;
        *next = packet[6];
        return stands_before_esp(*next) ? ERR_UNSUPPORTED : OK;
    }
    *header_len = IPV4_HEADER;
    *next = packet[9];
    if (packet[0] != 0x45 || (load_be16(packet + 6) & 0x3fff) != 0)
        return ERR_UNSUPPORTED;
    return OK;
}

size_t transport_header_len(const struct ip_addr *a)
{
    return a->family == 4 ? IPV4_HEADER : IPV6_HEADER;
}

/* RFC 1071: sum of big-endian words, an odd byte padded with zero. */
static uint32_t sum(uint32_t so_far, const uint8_t *p, size_t len)
{
    for (; len > 1; p += 2, len -= 2)
        so_far += load_be16(p);
    return so_far + (len ? (uint32_t)p[0] << 8 : 0);
}

static uint16_t fold(uint32_t s)
{
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

void transport_header_write(uint8_t *p, const struct transport_header *h, size_t payload_len)
{
    ASSERT(h->src->family == h->dst->family);
    if (h->src->family == 6) {
        store_be32(p, UINT32_C(6) << 28 | (uint32_t)h->tos << 20);
        store_be16(p + 4, (uint16_t)payload_len);
        p[6] = h->protocol;
        p[7] = h->hop_limit;
        memcpy(p + 8, h->src->bytes, 16);
        memcpy(p + 24, h->dst->bytes, 16);
        return;
    }
    p[0] = 0x45;
    p[1] = h->tos;
    store_be16(p + 2, (uint16_t)(payload_len + IPV4_HEADER));
    store_be32(p + 4, UINT32_C(0x4000)); /* identification 0 with DF: RFC 6864 §4.1 */
    p[8] = h->hop_limit;
    p[9] = h->protocol;
    store_be16(p + 10, 0);
    memcpy(p + 12, h->src->bytes, 4);
    memcpy(p + 16, h->dst->bytes, 4);
    store_be16(p + 10, fold(sum(0, p, IPV4_HEADER)));
}

void transport_checksum_renew(uint8_t *packet, size_t len)
{
    bool v6 = packet[0] >> 4 == 6;
    size_t header = v6 ? IPV6_HEADER : IPV4_HEADER;
    uint8_t protocol = v6 ? packet[6] : packet[9];
    uint8_t *upper = packet + header;
    size_t upper_len = len - header;
    size_t at = protocol == TCP ? 16 : 6;
    uint32_t s;
    uint16_t value;

    if ((protocol != TCP && protocol != UDP) || upper_len < at + 2)
        return;
    if (protocol == UDP) {
        /* RFC 768 counts its own length, which may be shorter than what IP carries. */
        if (load_be16(upper + 4) < 8 || load_be16(upper + 4) > upper_len)
            return;
        upper_len = load_be16(upper + 4);
        if (!v6 && load_be16(upper + at) == 0)
            return;
    }
    store_be16(upper + at, 0);
    s = v6 ? sum(0, packet + 8, 32) : sum(0, packet + 12, 8);
    s = sum(s + protocol + (uint32_t)upper_len, upper, upper_len);
    value = fold(s);
    store_be16(upper + at, value == 0 && protocol == UDP ? 0xffff : value);
}
