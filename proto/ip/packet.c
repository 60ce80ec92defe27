#include "proto/ip/packet.h"

#include "base/cursor.h"
#include "proto/ip/checksum.h"

enum {
    DEFAULT_TTL = 64,
    FLAG_DF = 0x4000,
    FLAG_MF = 0x2000,
    OFFSET_MASK = 0x1fff,
    EXTENSIONS_MAX = 16,
};

/* Nearly all headers have no options: five words, whose sum needs no loop. */
static uint16_t header_checksum(const uint8_t *h, size_t len)
{
    uint64_t sum = (uint64_t)load_be32(h) + load_be32(h + 4) + load_be32(h + 8) +
                   load_be32(h + 12) + load_be32(h + 16);

    if (len != IPV4_HEADER_LEN)
        return checksum_of(bytes_of(h, len));
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t) ~((sum & UINT16_MAX) + (sum >> 16));
}

/* RFC 791 §3.1 */
static enum err read_v4(struct bytes data, struct ip_packet *p, bool quoted)
{
    const uint8_t *h = data.data;
    size_t total;
    uint16_t fragment;

    if (data.len < IPV4_HEADER_LEN)
        return ERR_TRUNCATED;
    p->header_len = (size_t)(h[0] & 15) * 4;
    total = load_be16(h + 2);
    if (p->header_len < IPV4_HEADER_LEN)
        return ERR_SYNTAX;
    if (total < p->header_len)
        return ERR_LENGTH;
    if (data.len < p->header_len || (data.len < total && !quoted))
        return ERR_TRUNCATED;
    if (header_checksum(h, p->header_len) != 0)
        return ERR_CHECKSUM;
    p->whole = bytes_of(h, data.len < total ? data.len : total);
    p->tos = h[1];
    p->id = load_be16(h + 4);
    fragment = load_be16(h + 6);
    p->df = (fragment & FLAG_DF) != 0;
    p->mf = (fragment & FLAG_MF) != 0;
    p->offset = (size_t)(fragment & OFFSET_MASK) * 8;
    p->ttl = h[8];
    p->protocol = h[9];
    p->src = ip_addr_v4(load_be32(h + 12));
    p->dst = ip_addr_v4(load_be32(h + 16));
    return OK;
}

static bool is_extension(uint8_t protocol)
{
    return protocol == IP_PROTOCOL_HOP_BY_HOP || protocol == IP_PROTOCOL_ROUTING ||
           protocol == IP_PROTOCOL_DESTINATION || protocol == IP_PROTOCOL_FRAGMENT;
}

/* RFC 8200 §4.5: Next Header (8) | Reserved (8) | Offset (13) Res (2) M (1) | Identification */
static void read_fragment_header(struct ip_packet *p)
{
    const uint8_t *f = p->whole.data + p->header_len;

    p->fragmentable_header = true;
    p->fragment_at = p->header_len;
    p->offset = load_be16(f + 2) & 0xfff8;
    p->mf = f[3] & 1;
    p->id = load_be32(f + 4);
}

/* RFC 8200 §4: behind the first fragment the headers that follow are data. */
static enum err walk_extensions(struct ip_packet *p)
{
    for (int i = 0; is_extension(p->protocol) && p->offset == 0; i++) {
        const uint8_t *e = p->whole.data + p->header_len;
        size_t left = p->whole.len - p->header_len;
        size_t len = IPV6_FRAGMENT_LEN;

        if (i == EXTENSIONS_MAX)
            return ERR_SYNTAX;
        if (left < 8)
            return ERR_TRUNCATED;
        if (p->protocol == IP_PROTOCOL_FRAGMENT) {
            if (p->fragmentable_header)
                return ERR_SYNTAX;
            read_fragment_header(p);
        } else {
            len = 8 + (size_t)e[1] * 8;
        }
        if (left < len)
            return ERR_TRUNCATED;
        p->protocol = e[0];
        p->header_len += len;
        /* The rest of a first fragment's chain may lie in other fragments: it is payload. */
        if (p->mf)
            return OK;
    }
    return OK;
}

/* RFC 8200 §3 */
static enum err read_v6(struct bytes data, struct ip_packet *p, bool quoted)
{
    const uint8_t *h = data.data;
    size_t total;

    if (data.len < IPV6_HEADER_LEN)
        return ERR_TRUNCATED;
    total = IPV6_HEADER_LEN + (size_t)load_be16(h + 4);
    if (data.len < total && !quoted)
        return ERR_TRUNCATED;
    p->whole = bytes_of(h, data.len < total ? data.len : total);
    p->header_len = IPV6_HEADER_LEN;
    p->tos = (uint8_t)(load_be16(h) >> 4);
    p->df = true;
    p->protocol = h[6];
    p->ttl = h[7];
    p->src = ip_addr_v6(h + 8);
    p->dst = ip_addr_v6(h + 24);
    return walk_extensions(p);
}

static enum err read_any(struct bytes data, struct ip_packet *p, bool quoted)
{
    enum err e = ERR_VERSION;

    *p = (struct ip_packet){0};
    if (data.len == 0)
        return ERR_TRUNCATED;
    if (data.data[0] >> 4 == 4)
        e = read_v4(data, p, quoted);
    else if (data.data[0] >> 4 == 6)
        e = read_v6(data, p, quoted);
    if (e != OK)
        return e;
    p->payload = bytes_of(p->whole.data + p->header_len, p->whole.len - p->header_len);
    return p->offset + p->payload.len > IP_PACKET_MAX ? ERR_LENGTH : OK;
}

enum err ip_read(struct bytes data, struct ip_packet *p)
{
    return read_any(data, p, false);
}

enum err ip_read_quoted(struct bytes data, struct ip_packet *p)
{
    return read_any(data, p, true);
}

struct ip_addr ip_destination(struct bytes packet)
{
    return packet.data[0] >> 4 == 4 ? ip_addr_v4(load_be32(packet.data + 16))
                                    : ip_addr_v6(packet.data + 24);
}

static void write_v4(uint8_t *h, size_t total, const struct ip_build *b)
{
    h[0] = 0x45;
    h[1] = b->tos;
    store_be16(h + 2, (uint16_t)total);
    store_be16(h + 4, b->id);
    store_be16(h + 6, b->df ? FLAG_DF : 0);
    h[8] = b->ttl ? b->ttl : DEFAULT_TTL;
    h[9] = b->protocol;
    store_be16(h + 10, 0);
    memcpy(h + 12, b->src.bytes, 4);
    memcpy(h + 16, b->dst.bytes, 4);
    store_be16(h + 10, header_checksum(h, IPV4_HEADER_LEN));
}

static void write_v6(uint8_t *h, size_t len, const struct ip_build *b)
{
    store_be32(h, 6u << 28 | (uint32_t)b->tos << 20);
    store_be16(h + 4, (uint16_t)len);
    h[6] = b->protocol;
    h[7] = b->ttl ? b->ttl : DEFAULT_TTL;
    memcpy(h + 8, b->src.bytes, 16);
    memcpy(h + 24, b->dst.bytes, 16);
}

enum err ip_datagram_write(uint8_t *payload, size_t len, const struct ip_build *b,
                           struct bytes *packet)
{
    size_t header = ip_header_len(b->src.family);

    *packet = BYTES_NONE;
    /* IPv4 counts its header, IPv6 does not; packets above 65535 bytes are of no use to us. */
    if (len > IP_PACKET_MAX - header)
        return ERR_LENGTH;
    if (b->src.family == 4)
        write_v4(payload - header, header + len, b);
    else
        write_v6(payload - header, len, b);
    *packet = bytes_of(payload - header, header + len);
    return OK;
}

bool ip_decrement_ttl(uint8_t *packet, size_t len)
{
    if (len >= IPV4_HEADER_LEN && packet[0] >> 4 == 4 && packet[8] > 0) {
        uint16_t before = load_be16(packet + 8);

        packet[8]--;
        store_be16(packet + 10,
                   checksum_update(load_be16(packet + 10), before, load_be16(packet + 8)));
        return packet[8] > 0;
    }
    if (len >= IPV6_HEADER_LEN && packet[0] >> 4 == 6 && packet[7] > 0)
        return --packet[7] > 0;
    return false;
}
