#include "proto/ip/addr.h"

int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b)
{
    int c;

    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    c = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return (c > 0) - (c < 0);
}

int ip_endpoint_compare(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
    int c = ip_addr_compare(&a->addr, &b->addr);

    return c ? c : (a->port > b->port) - (a->port < b->port);
}

uint64_t ip_endpoint_hash(const struct ip_endpoint *e)
{
    uint64_t h = load_be64(e->addr.bytes) ^ e->port;

    h *= UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    h = (h ^ load_be64(e->addr.bytes + 8) ^ (uint64_t)e->addr.family << 56) *
        UINT64_C(0xff51afd7ed558ccd);
    return h ^ h >> 32;
}

/* Digits up to `max`; no leading zero unless alone. @return false if there is no such number */
static bool parse_decimal(struct bytes *text, unsigned max, unsigned *out)
{
    unsigned value = 0;
    size_t n = 0;

    while (n < text->len && text->data[n] >= '0' && text->data[n] <= '9') {
        value = value * 10 + (unsigned)(text->data[n] - '0');
        if (value > max || (n == 1 && text->data[0] == '0'))
            return false;
        n++;
    }
    *text = bytes_of(text->data + n, text->len - n);
    *out = value;
    return n > 0;
}

static bool skip(struct bytes *text, char c)
{
    if (text->len == 0 || text->data[0] != (uint8_t)c)
        return false;
    *text = bytes_of(text->data + 1, text->len - 1);
    return true;
}

static bool parse_v4(struct bytes text, uint8_t *out)
{
    for (int i = 0; i < 4; i++) {
        unsigned value;

        if ((i > 0 && !skip(&text, '.')) || !parse_decimal(&text, 255, &value))
            return false;
        out[i] = (uint8_t)value;
    }
    return text.len == 0;
}

/* One to four hex digits. */
static bool parse_group(struct bytes *text, unsigned *out)
{
    size_t n = 0;

    *out = 0;
    while (n < text->len && hex_digit(text->data[n]) >= 0 && n < 4)
        *out = *out << 4 | (unsigned)hex_digit(text->data[n++]);
    *text = bytes_of(text->data + n, text->len - n);
    return n > 0;
}

/* RFC 4291 §2.2: eight groups; "::" once for a run of zeros; the last 32 bits may be dotted. */
static bool parse_v6(struct bytes text, uint8_t *out)
{
    uint8_t raw[16] = {0};
    size_t at = 0, gap = SIZE_MAX;

    if (skip(&text, ':')) {
        if (text.len == 0 || text.data[0] != ':')
            return false;
    }
    while (text.len > 0) {
        struct bytes start = text;
        unsigned group;

        if (skip(&text, ':')) {
            if (gap != SIZE_MAX)
                return false;
            gap = at;
            continue;
        }
        if (at == 16 || !parse_group(&text, &group))
            return false;
        if (text.len > 0 && text.data[0] == '.') {
            if (at > 12 || !parse_v4(start, raw + at))
                return false;
            at += 4;
            text.len = 0;
            break;
        }
        store_be16(raw + at, (uint16_t)group);
        at += 2;
        if (text.len > 0 && (!skip(&text, ':') || text.len == 0))
            return false;
    }
    if (gap == SIZE_MAX ? at != 16 : at == 16)
        return false;
    if (gap == SIZE_MAX)
        gap = at;
    memset(out, 0, 16);
    memcpy(out, raw, gap);
    memcpy(out + 16 - (at - gap), raw + gap, at - gap);
    return true;
}

enum err ip_addr_parse(struct bytes text, struct ip_addr *out)
{
    struct ip_addr a = {0};

    if (parse_v4(text, a.bytes)) {
        a.family = 4;
    } else {
        a = (struct ip_addr){.family = 6};
        if (!parse_v6(text, a.bytes))
            return ERR_SYNTAX;
    }
    *out = a;
    return OK;
}

enum err ip_prefix_parse(struct bytes text, struct ip_prefix *out)
{
    const uint8_t *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
    struct bytes addr = text;
    struct ip_prefix p;
    struct ip_addr first;
    unsigned length;
    enum err e;

    if (slash)
        addr.len = (size_t)(slash - text.data);
    e = ip_addr_parse(addr, &p.addr);
    if (e != OK)
        return e;
    length = (unsigned)ip_addr_len(&p.addr) * 8;
    if (slash) {
        struct bytes rest = bytes_of(slash + 1, text.len - addr.len - 1);

        if (!parse_decimal(&rest, length, &length) || rest.len > 0)
            return ERR_SYNTAX;
    }
    p.length = (uint8_t)length;
    first = ip_prefix_first(&p);
    if (!ip_addr_equal(&first, &p.addr))
        return ERR_SYNTAX;
    *out = p;
    return OK;
}

/* RFC 5952 §4.2.3: the longest run of two or more zero groups, the first of equals. */
static int longest_zero_run(const uint8_t *b, int *length)
{
    int best = -1;

    *length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;

        while (i + n < 8 && load_be16(b + 2 * (i + n)) == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

/* Append without the help of stdio, which this floor does not use. */
static char *put_number(char *at, unsigned value, unsigned base)
{
    char digits[8];
    size_t n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static char *put_v4(char *at, const uint8_t *b)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = put_number(at, b[i], 10);
    }
    return at;
}

static char *put_v6(char *at, const uint8_t *b)
{
    int run, gap = longest_zero_run(b, &run);

    for (int i = 0; i < 8;) {
        if (i == gap) {
            *at++ = ':';
            *at++ = ':';
            i += run;
            continue;
        }
        if (i > 0 && i != gap + run)
            *at++ = ':';
        at = put_number(at, load_be16(b + 2 * i), 16);
        i++;
    }
    return at;
}

static char *put_addr(char *at, const struct ip_addr *a)
{
    if (a->family == 4)
        return put_v4(at, a->bytes);
    if (a->family == 6)
        return put_v6(at, a->bytes);
    *at++ = '-';
    return at;
}

char *ip_addr_format(const struct ip_addr *a, char *out)
{
    *put_addr(out, a) = 0;
    return out;
}

char *ip_endpoint_format(const struct ip_endpoint *e, char *out)
{
    bool brackets = e->addr.family == 6;
    char *at = out;

    if (brackets)
        *at++ = '[';
    at = put_addr(at, &e->addr);
    if (brackets)
        *at++ = ']';
    *at++ = ':';
    *put_number(at, e->port, 10) = 0;
    return out;
}

char *ip_prefix_format(const struct ip_prefix *p, char *out)
{
    char *at = put_addr(out, &p->addr);

    *at++ = '/';
    *put_number(at, p->length, 10) = 0;
    return out;
}

/* Byte i of the mask of a prefix length. */
static uint8_t mask_byte(unsigned length, size_t i)
{
    if (length >= 8 * (i + 1))
        return 0xff;
    return length <= 8 * i ? 0 : (uint8_t)(0xff << (8 - length % 8));
}

bool ip_prefix_contains(const struct ip_prefix *p, const struct ip_addr *a)
{
    if (p->addr.family != a->family)
        return false;
    for (size_t i = 0; i < ip_addr_len(a); i++)
        if ((p->addr.bytes[i] ^ a->bytes[i]) & mask_byte(p->length, i))
            return false;
    return true;
}

struct ip_addr ip_prefix_first(const struct ip_prefix *p)
{
    struct ip_addr a = p->addr;

    for (size_t i = 0; i < ip_addr_len(&a); i++)
        a.bytes[i] &= mask_byte(p->length, i);
    return a;
}

struct ip_addr ip_prefix_last(const struct ip_prefix *p)
{
    struct ip_addr a = p->addr;

    for (size_t i = 0; i < ip_addr_len(&a); i++)
        a.bytes[i] |= (uint8_t)~mask_byte(p->length, i);
    return a;
}

struct ip_addr ip_addr_add(const struct ip_addr *a, uint64_t n)
{
    struct ip_addr sum = *a;
    unsigned carry = 0;

    for (size_t i = ip_addr_len(a); i-- > 0; n >>= 8) {
        carry += sum.bytes[i] + (unsigned)(n & 0xff);
        sum.bytes[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return sum;
}
