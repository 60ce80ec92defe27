#include "proto/ip/icmp.h"

#include "proto/ip/checksum.h"

struct icmp_row {
    enum icmp_kind kind;
    uint8_t type_v4, code_v4; /* RFC 792, RFC 1191 */
    uint8_t type_v6, code_v6; /* RFC 4443 */
};

static const struct icmp_row rows[] = {
    {ICMP_ECHO_REQUEST, 8, 0, 128, 0},
    {ICMP_ECHO_REPLY, 0, 0, 129, 0},
    {ICMP_TOO_BIG, 3, 4, 2, 0},
    {ICMP_PORT_UNREACHABLE, 3, 3, 1, 4},
    {ICMP_HOST_UNREACHABLE, 3, 1, 1, 3},
    {ICMP_TIME_EXCEEDED, 11, 0, 3, 0},
    {ICMP_REASSEMBLY_TIME_EXCEEDED, 11, 1, 3, 1},
};

enum { ROWS = sizeof rows / sizeof *rows };

bool icmp_is_error(enum icmp_kind kind)
{
    return kind >= ICMP_TOO_BIG;
}

static enum icmp_kind kind_of(uint8_t family, uint8_t type, uint8_t code)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool v4 = rows[i].type_v4 == type && rows[i].code_v4 == code;
        bool v6 = rows[i].type_v6 == type && rows[i].code_v6 == code;

        if (family == 4 ? v4 : v6)
            return rows[i].kind;
    }
    return ICMP_OTHER;
}

static uint8_t protocol_of(uint8_t family)
{
    return family == 4 ? IP_PROTOCOL_ICMP : IP_PROTOCOL_ICMPV6;
}

/* RFC 4443 §2.3: only ICMPv6 has a pseudo header. */
static uint16_t sum_start(const struct ip_addr *src, const struct ip_addr *dst, size_t len)
{
    if (src->family == 4)
        return 0;
    return checksum_pseudo(src, dst, IP_PROTOCOL_ICMPV6, (uint32_t)len);
}

/* Type (8) | Code (8) | Checksum (16) | four bytes by type | data */
enum err icmp_read(const struct ip_packet *p, struct icmp_message *m)
{
    const uint8_t *h = p->payload.data;

    *m = (struct icmp_message){0};
    if (p->protocol != protocol_of(p->src.family) || ip_is_fragment(p))
        return ERR_NEXT_HEADER;
    if (p->payload.len < ICMP_HEADER_LEN)
        return ERR_TRUNCATED;
    if (checksum_sum(sum_start(&p->src, &p->dst, p->payload.len), p->payload) != 0xffff)
        return ERR_CHECKSUM;
    m->type = h[0];
    m->code = h[1];
    m->kind = kind_of(p->src.family, h[0], h[1]);
    m->data = bytes_of(h + ICMP_HEADER_LEN, p->payload.len - ICMP_HEADER_LEN);
    if (m->kind == ICMP_ECHO_REQUEST || m->kind == ICMP_ECHO_REPLY) {
        m->id = load_be16(h + 4);
        m->sequence = load_be16(h + 6);
    } else if (m->kind == ICMP_TOO_BIG) {
        m->mtu = p->src.family == 4 ? load_be16(h + 6) : load_be32(h + 4);
    }
    return OK;
}

static void write_rest(uint8_t *h, uint8_t family, const struct icmp_message *m)
{
    store_be32(h + 4, 0);
    if (!icmp_is_error(m->kind)) {
        store_be16(h + 4, m->id);
        store_be16(h + 6, m->sequence);
    } else if (m->kind == ICMP_TOO_BIG && family == 4) {
        store_be16(h + 6, (uint16_t)(m->mtu > UINT16_MAX ? UINT16_MAX : m->mtu));
    } else if (m->kind == ICMP_TOO_BIG) {
        store_be32(h + 4, m->mtu);
    }
}

enum err icmp_write(struct buf *out, const struct ip_build *build, const struct icmp_message *m)
{
    uint8_t family = build->src.family;
    size_t front = ip_header_len(family) + ICMP_HEADER_LEN;
    size_t max = family == 4 ? (size_t)ICMP_ERROR_MAX : (size_t)IPV6_MIN_MTU;
    struct ip_build ip = *build;
    struct bytes data = m->data, packet;
    const struct icmp_row *row = NULL;
    uint8_t *h;

    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].kind == m->kind)
            row = &rows[i];
    if (!row)
        return ERR_UNSUPPORTED;
    if (icmp_is_error(m->kind) && data.len > max - front)
        data.len = max - front;
    if (data.len > IP_PACKET_MAX - front)
        return ERR_LENGTH;
    if (out->cap < front + data.len)
        return ERR_SPACE;
    h = out->data + ip_header_len(family);
    if (data.len > 0)
        memmove(h + ICMP_HEADER_LEN, data.data, data.len);
    h[0] = family == 4 ? row->type_v4 : row->type_v6;
    h[1] = family == 4 ? row->code_v4 : row->code_v6;
    store_be16(h + 2, 0);
    write_rest(h, family, m);
    store_be16(h + 2,
               (uint16_t)~checksum_sum(sum_start(&ip.src, &ip.dst, ICMP_HEADER_LEN + data.len),
                                       bytes_of(h, ICMP_HEADER_LEN + data.len)));
    ip.protocol = protocol_of(family);
    out->len = front + data.len;
    return ip_datagram_write(h, ICMP_HEADER_LEN + data.len, &ip, &packet);
}
