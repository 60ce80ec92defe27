#include "proto/ip/checksum.h"

/* 64 to 34, 19, 17 and 16 bits: a sum of anything but zeros never becomes 0. */
static uint16_t fold(uint64_t sum)
{
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    sum = (sum & UINT16_MAX) + (sum >> 16);
    return (uint16_t)(sum + (sum >> 16));
}

typedef uint64_t pair __attribute__((vector_size(16)));

static pair words(const uint8_t *p)
{
    pair v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* The sum of the last 0 to 7 bytes, which begin at an even place. */
static uint64_t rest(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    uint32_t four;
    uint16_t two;

    if (len & 4) {
        memcpy(&four, p, sizeof four);
        v = four;
        p += 4;
    }
    if (len & 2) {
        memcpy(&two, p, sizeof two);
        v += two;
        p += 2;
    }
    return len & 1 ? v + *p : v;
}

/*
 * RFC 1071 §2: sums of wider words fold to the same result, and words read in the other order of
 * bytes to the same result in that order. Halves are added up apart, two at once, so that there are
 * no carries: 32 bits of room are enough for any packet.
 */
uint16_t checksum_sum(uint16_t sum, struct bytes b)
{
    pair low = {__builtin_bswap16(sum), 0}, high = {0, 0};
    const uint8_t *p = b.data;
    size_t left = b.len;

    for (; left >= sizeof(pair); left -= sizeof(pair), p += sizeof(pair)) {
        pair two = words(p);

        low += two & UINT32_MAX;
        high += two >> 32;
    }
    low += high;
    low[0] += low[1];
    if (left >= 8) {
        uint64_t one = word(p);

        low[0] += (one & UINT32_MAX) + (one >> 32);
        left -= 8;
        p += 8;
    }
    return __builtin_bswap16(fold(low[0] + rest(p, left)));
}

static uint64_t address_sum(const struct ip_addr *a)
{
    uint64_t sum = 0;

    for (size_t at = 0; at < ip_addr_len(a); at += 4)
        sum += load_be32(a->bytes + at);
    return sum;
}

uint16_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len)
{
    return fold(address_sum(src) + address_sum(dst) + protocol + len);
}
