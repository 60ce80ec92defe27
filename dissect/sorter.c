#include "dissect/sorter.h"

#include "base/assert.h"
#include "proto/esp/encap.h"
#include "proto/ip/checksum.h"
#include "proto/ip/udp.h"

#include <stdlib.h>

enum { PORT_IKE = 500, PORT_NATT = 4500, JOIN_SLOTS = 32 };

static const char *const words[] = {
#define X(symbol, words) words,
    OTHER_FRAME_LIST(X)
#undef X
};

const char *other_frame_words(enum other_frame o)
{
    ASSERT(o < OTHER_COUNT);
    return words[o];
}

enum err sorter_init(struct sorter *s)
{
    /* RFC 8200 §4.5: 60 seconds */
    static const struct reassembly_config config = {JOIN_SLOTS, IP_PACKET_MAX, 60 * NSEC_PER_S};
    enum err e;

    *s = (struct sorter){0};
    e = reassembly_init(&s->join, &config);
    s->room = malloc(IP_PACKET_MAX);
    return e == OK && !s->room ? ERR_MEMORY : e;
}

void sorter_reset(struct sorter *s)
{
    reassembly_reset(&s->join);
    free(s->room);
    s->room = NULL;
}

/* The sender's hardware would have filled the checksum in: a copy gets it mended. */
static struct bytes mended(struct sorter *s, struct bytes ip)
{
    size_t len = ip.len < IP_PACKET_MAX ? ip.len : IP_PACKET_MAX;
    size_t header = (size_t)(ip.data[0] & 15) * 4;

    memcpy(s->room, ip.data, len);
    store_be16(s->room + 10, 0);
    store_be16(s->room + 10, checksum_of(bytes_of(s->room, header)));
    return bytes_of(s->room, len);
}

/* Packets cut by the snapshot length are taken as far as they go. */
static enum err read_tolerant(struct sorter *s, struct bytes ip, struct ip_packet *p)
{
    enum err e = ip_read_quoted(ip, p);

    return e == ERR_CHECKSUM ? ip_read_quoted(mended(s, ip), p) : e;
}

static enum other_frame other_protocol(uint8_t protocol)
{
    switch (protocol) {
    case IP_PROTOCOL_TCP:
        return OTHER_TCP;
    case IP_PROTOCOL_ICMP:
    case IP_PROTOCOL_ICMPV6:
        return OTHER_ICMP;
    case IP_PROTOCOL_AH:
        return OTHER_AH;
    default:
        return OTHER_PROTOCOL;
    }
}

static bool counted(struct sorter *s, enum other_frame why)
{
    s->others[why]++;
    return false;
}

/*
 * The length field of an IKE header tells whether one is there: it says what there is, or what
 * there was before the snapshot length cut it.
 * @param whole  the length that UDP says: that of a cut message must be just this, or the
 *               ciphertext of a cut ESP packet would pass for one
 */
static bool is_ike(struct bytes b, size_t whole)
{
    struct ike_header h;

    return header_read(b, &h) == OK && (header_major(&h) == 2 || header_major(&h) == 1) &&
           (h.length == b.len || (whole > b.len && h.length == whole));
}

bool ike_is_marked(struct bytes b)
{
    if (b.len < ENCAP_MARKER_LEN || load_be32(b.data) != 0)
        return false;
    return !is_ike(b, b.len);
}

static void sort_encapsulated(struct dissect_input *out)
{
    switch (encap_classify(out->datagram)) {
    case ENCAP_KEEPALIVE:
        out->kind = DISSECT_KEEPALIVE;
        break;
    case ENCAP_IKE:
        out->kind = DISSECT_IKE;
        out->marked = true;
        break;
    default: /* too short for anything: the ESP header says so */
        out->kind = DISSECT_ESP;
    }
}

static bool has_port(const struct dissect_input *in, uint16_t port)
{
    return in->src.port == port || in->dst.port == port;
}

static bool sort_ports(struct sorter *s, size_t whole, struct dissect_input *out)
{
    if (has_port(out, PORT_NATT)) {
        sort_encapsulated(out);
        return true;
    }
    if (has_port(out, PORT_IKE))
        return true;
    for (unsigned i = 0; i < s->port_count; i++) {
        if (!has_port(out, s->ports[i]))
            continue;
        if (!is_ike(out->datagram, whole))
            sort_encapsulated(out);
        return true;
    }
    return counted(s, OTHER_UDP);
}

/* A checksum left to the hardware, or none, is no reason not to look. */
static bool sort_udp(struct sorter *s, const struct ip_packet *p, struct dissect_input *out)
{
    struct udp_datagram u;
    enum err e = udp_read(p, &u);
    size_t said;

    if (e == ERR_TRUNCATED || e == ERR_NEXT_HEADER)
        return counted(s, OTHER_UNREADABLE);
    out->src.port = load_be16(p->payload.data);
    out->dst.port = load_be16(p->payload.data + 2);
    out->datagram = u.payload;
    if (e == ERR_LENGTH) { /* cut off, or a length that lies: what is there */
        out->datagram = bytes_of(p->payload.data + UDP_HEADER_LEN, p->payload.len - UDP_HEADER_LEN);
        out->cut = true;
    }
    said = load_be16(p->payload.data + 4);
    return sort_ports(s, said > UDP_HEADER_LEN ? said - UDP_HEADER_LEN : 0, out);
}

static bool sort_packet(struct sorter *s, const struct ip_packet *p, struct dissect_input *out)
{
    out->kind = DISSECT_IKE;
    out->addressed = true;
    out->src.addr = p->src;
    out->dst.addr = p->dst;
    if (p->protocol == IP_PROTOCOL_UDP)
        return sort_udp(s, p, out);
    if (p->protocol != IP_PROTOCOL_ESP)
        return counted(s, other_protocol(p->protocol));
    out->kind = DISSECT_ESP;
    out->datagram = p->payload;
    return true;
}

bool sorter_take(struct sorter *s, const struct captured_frame *frame, struct dissect_input *out)
{
    struct ip_packet p;
    struct bytes whole;
    unsigned pieces;

    *out = (struct dissect_input){.frame = frame->number,
                                  .interface = frame->interface,
                                  .interface_name = frame->interface_name,
                                  .timed = frame->timed,
                                  .at = frame->at,
                                  .cut = frame->cut};
    s->now = nsec_max(s->now, frame->at);
    if (frame->ip.len == 0)
        return counted(s, OTHER_NOT_IP);
    if (read_tolerant(s, frame->ip, &p) != OK)
        return counted(s, OTHER_UNREADABLE);
    if (!ip_is_fragment(&p))
        return sort_packet(s, &p, out);
    /* A packet passes several interfaces of a run: its pieces are joined at each by themselves. */
    p.id ^= frame->interface * UINT32_C(0x9e3779b1);
    if (reassembly_add(&s->join, s->now, &p, &whole, &pieces) != OK || whole.len == 0)
        return counted(s, OTHER_FRAGMENT);
    if (read_tolerant(s, whole, &p) != OK || ip_is_fragment(&p)) /* fragments do not nest */
        return counted(s, OTHER_UNREADABLE);
    out->fragments = pieces;
    return sort_packet(s, &p, out);
}
