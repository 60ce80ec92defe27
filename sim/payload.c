#include "sim/payload.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/ip/udp.h"
#include "sim/checker.h"

enum {
    HEADERS = IPV4_HEADER_LEN + UDP_HEADER_LEN,
    AT_HASH = CHECKER_TAG_LEN,
    AT_NAME = AT_HASH + 8,
    CONTENT_MIN = AT_NAME + 12,
};
_Static_assert(HEADERS + CONTENT_MIN == PAYLOAD_MIN, "the smallest packet holds just the name");

/* Over the addresses too: a packet that came out of another tunnel is not authentic. */
static uint64_t content_hash(const uint8_t *content, size_t len, const struct ip_addr *src,
                             const struct ip_addr *dst)
{
    uint64_t seed = load_be32(src->bytes) | (uint64_t)load_be32(dst->bytes) << 32;

    return digest_of(content + AT_NAME, len - AT_NAME, seed);
}

enum err payload_write(uint8_t *data, size_t size, const struct ip_addr *src,
                       const struct ip_addr *dst, const uint8_t *tag, const struct payload *p)
{
    uint8_t *content = data + HEADERS;
    size_t len = size - HEADERS;
    uint16_t client = PAYLOAD_PORT + p->port;
    struct udp_build udp = {.src = {*src, p->reverse ? PAYLOAD_PORT : client},
                            .dst = {*dst, p->reverse ? client : PAYLOAD_PORT},
                            .df = p->df,
                            .id = (uint16_t)p->sequence};
    struct bytes packet;

    ASSERT(size >= PAYLOAD_MIN && src->family == 4 && dst->family == 4);
    memcpy(content, tag, CHECKER_TAG_LEN);
    store_be32(content + AT_NAME, (uint32_t)p->flow << 1 | p->reverse);
    store_be32(content + AT_NAME + 4, p->tunnel);
    store_be32(content + AT_NAME + 8, p->sequence);
    memset(content + CONTENT_MIN, (int)(p->sequence & 0xff), len - CONTENT_MIN);
    store_be64(content + AT_HASH, content_hash(content, len, src, dst));
    return udp_datagram_write(content, len, &udp, &packet);
}

static struct payload name_of(const uint8_t *content)
{
    uint32_t flow = load_be32(content + AT_NAME);

    return (struct payload){.flow = (uint16_t)(flow >> 1),
                            .reverse = flow & 1,
                            .tunnel = load_be32(content + AT_NAME + 4),
                            .sequence = load_be32(content + AT_NAME + 8)};
}

enum err payload_read(struct bytes packet, const uint8_t *tag, struct payload *p)
{
    struct udp_datagram udp;
    struct ip_packet ip;
    const uint8_t *content;

    if (ip_read(packet, &ip) != OK || udp_read(&ip, &udp) != OK || udp.payload.len < CONTENT_MIN ||
        ip.src.family != 4)
        return ERR_CHECKSUM;
    content = udp.payload.data;
    if (memcmp(content, tag, CHECKER_TAG_LEN) != 0 ||
        load_be64(content + AT_HASH) != content_hash(content, udp.payload.len, &ip.src, &ip.dst))
        return ERR_CHECKSUM;
    *p = name_of(content);
    return OK;
}

enum err payload_quoted(struct bytes quoted, const uint8_t *tag, struct payload *p)
{
    const uint8_t *content = quoted.data + HEADERS;

    if (quoted.len < HEADERS + CONTENT_MIN || memcmp(content, tag, CHECKER_TAG_LEN) != 0)
        return ERR_CHECKSUM;
    *p = name_of(content);
    return OK;
}
