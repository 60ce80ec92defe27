#include "proto/ip/checksum.h"

uint16_t checksum_sum(uint16_t sum, struct bytes b)
{
    const uint8_t *p = b.data;
    uint64_t acc = sum;
    size_t left = b.len;

    /* RFC 1071 §2: sums of wider words fold to the same result. */
    for (; left >= 4; left -= 4, p += 4)
        acc += load_be32(p);
    if (left >= 2) {
        acc += load_be16(p);
        p += 2;
        left -= 2;
    }
    if (left)
        acc += (uint64_t)*p << 8;
    while (acc >> 16)
        acc = (acc & 0xffff) + (acc >> 16);
    return (uint16_t)acc;
}

uint16_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len)
{
    uint16_t sum = checksum_sum(0, bytes_of(src->bytes, ip_addr_len(src)));

    sum = checksum_sum(sum, bytes_of(dst->bytes, ip_addr_len(dst)));
    sum = checksum_add(sum, (uint16_t)(len >> 16));
    sum = checksum_add(sum, (uint16_t)len);
    return checksum_add(sum, protocol);
}
