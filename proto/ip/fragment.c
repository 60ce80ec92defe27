#include "proto/ip/fragment.h"

#include "base/assert.h"
#include "proto/ip/checksum.h"

enum {
    FLAG_DF = 0x4000,
    FLAG_MF = 0x2000,
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_COPIED = 0x80,
};

/* Bytes of headers before the payload in each fragment. */
static size_t front_len(const struct fragmenter *f)
{
    const struct ip_packet *p = &f->packet;

    if (p->src.family == 4 || p->fragmentable_header)
        return p->header_len;
    /* The chain goes into every fragment, the new Fragment header behind it. */
    return p->header_len + IPV6_FRAGMENT_LEN;
}

enum err fragmenter_init(struct fragmenter *f, struct bytes packet, size_t mtu, uint32_t id)
{
    enum err e = ip_read(packet, &f->packet);

    f->at = 0;
    f->piece = 0;
    f->id = id;
    if (e != OK)
        return e;
    if (f->packet.whole.len <= mtu) {
        f->piece = f->packet.payload.len;
        return OK;
    }
    if (f->packet.src.family == 4 && f->packet.df)
        return ERR_SPACE;
    /* RFC 8200 §4.5: only the source fragments; a second Fragment header never appears. */
    if (f->packet.src.family == 6 && f->packet.fragmentable_header)
        return ERR_SPACE;
    if (mtu < front_len(f) + 8)
        return ERR_LENGTH;
    f->piece = (mtu - front_len(f)) & ~(size_t)7;
    return OK;
}

static bool is_whole(const struct fragmenter *f)
{
    return f->piece >= f->packet.payload.len;
}

unsigned fragmenter_count(const struct fragmenter *f)
{
    if (is_whole(f))
        return 1;
    return (unsigned)((f->packet.payload.len + f->piece - 1) / f->piece);
}

/* RFC 791 §3.1: only options with the copied flag go into later fragments. Header length out. */
static size_t copy_header_v4(const struct ip_packet *p, uint8_t *out)
{
    const uint8_t *h = p->whole.data;
    size_t len = IPV4_HEADER_LEN;

    memcpy(out, h, IPV4_HEADER_LEN);
    for (size_t at = IPV4_HEADER_LEN; at < p->header_len && h[at] != OPTION_END;) {
        size_t size = h[at] == OPTION_NOP ? 1 : at + 1 < p->header_len ? h[at + 1] : 0;

        if (size == 0 || size > p->header_len - at || (size == 1 && h[at] != OPTION_NOP))
            break;
        if (h[at] & OPTION_COPIED) {
            memcpy(out + len, h + at, size);
            len += size;
        }
        at += size;
    }
    while (len % 4 != 0)
        out[len++] = OPTION_END;
    out[0] = (uint8_t)(0x40 | len / 4);
    return len;
}

static size_t write_front_v4(const struct fragmenter *f, size_t len, bool last, uint8_t *out)
{
    const struct ip_packet *p = &f->packet;
    size_t header = p->header_len;
    size_t offset = p->offset + f->at;

    if (f->at == 0)
        memcpy(out, p->whole.data, header);
    else
        header = copy_header_v4(p, out);
    store_be16(out + 2, (uint16_t)(header + len));
    /* The last piece of a fragment that has more behind it has more behind it. */
    store_be16(out + 6, (uint16_t)(offset / 8 | (last && !p->mf ? 0 : FLAG_MF)));
    store_be16(out + 10, 0);
    store_be16(out + 10, checksum_of(bytes_of(out, header)));
    return header;
}

/* Where the Next Header field lies that names the upper-layer protocol. */
static size_t last_next_header(const struct ip_packet *p)
{
    size_t field = 6, at = IPV6_HEADER_LEN;

    while (at < p->header_len) {
        field = at;
        at += 8 + (size_t)p->whole.data[at + 1] * 8;
    }
    return field;
}

/* RFC 8200 §4.5 */
static size_t write_front_v6(const struct fragmenter *f, size_t len, bool last, uint8_t *out)
{
    const struct ip_packet *p = &f->packet;
    uint8_t *fragment = out + p->header_len;

    memcpy(out, p->whole.data, p->header_len);
    fragment[0] = p->protocol;
    fragment[1] = 0;
    store_be16(fragment + 2, (uint16_t)(f->at | (last ? 0 : 1)));
    store_be32(fragment + 4, f->id);
    out[last_next_header(p)] = IP_PROTOCOL_FRAGMENT;
    store_be16(out + 4, (uint16_t)(p->header_len + IPV6_FRAGMENT_LEN - IPV6_HEADER_LEN + len));
    return p->header_len + IPV6_FRAGMENT_LEN;
}

static void hand_out_whole(struct fragmenter *f, struct buf *out)
{
    ASSERT(out->cap >= f->packet.whole.len);
    memcpy(out->data, f->packet.whole.data, f->packet.whole.len);
    out->len = f->packet.whole.len;
    f->at = SIZE_MAX;
}

bool fragmenter_next(struct fragmenter *f, struct buf *out)
{
    const struct ip_packet *p = &f->packet;
    size_t len, front;
    bool last;

    if (f->at == SIZE_MAX || (f->at > 0 && f->at >= p->payload.len))
        return false;
    if (is_whole(f)) {
        hand_out_whole(f, out);
        return true;
    }
    len = p->payload.len - f->at;
    last = len <= f->piece;
    if (!last)
        len = f->piece;
    ASSERT(out->cap >= front_len(f) + len);
    front = p->src.family == 4 ? write_front_v4(f, len, last, out->data)
                               : write_front_v6(f, len, last, out->data);
    memcpy(out->data + front, p->payload.data + f->at, len);
    out->len = front + len;
    f->at += len;
    return true;
}
