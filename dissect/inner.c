/* What ESP carries, summarised in the value of the open node: an IP packet (tunnel mode) or its
 * payload (transport mode). */
#include "dissect/internal.h"

#include "proto/ip/packet.h"

enum { NEXT_IPV4 = 4, NEXT_IPV6 = 41 };

/* "UDP 5000 > 53", "TCP ...", "ICMP echo"; NULL: only a protocol number. */
static const char *payload_text(struct arena *arena, uint8_t protocol, struct bytes b)
{
    if ((protocol == IP_PROTOCOL_UDP || protocol == IP_PROTOCOL_TCP) && b.len >= 4)
        return arena_format(arena, "%s %u > %u", protocol == IP_PROTOCOL_UDP ? "UDP" : "TCP",
                            load_be16(b.data), load_be16(b.data + 2));
    if ((protocol == IP_PROTOCOL_ICMP || protocol == IP_PROTOCOL_ICMPV6) && b.len >= 2)
        return arena_format(arena, "%s type %u code %u",
                            protocol == IP_PROTOCOL_ICMP ? "ICMP" : "ICMPv6", b.data[0], b.data[1]);
    return arena_format(arena, "protocol %u", protocol);
}

static void packet_tree(struct tree *t, struct bytes text)
{
    struct ip_packet p;
    enum err e = ip_read(text, &p);
    char src[IP_ADDR_TEXT], dst[IP_ADDR_TEXT];
    bool v4 = p.src.family == 4;
    size_t len;

    if (e != OK) {
        tree_error(t, text, e);
        return;
    }
    len = ip_addr_len(&p.src);
    ip_addr_format(&p.src, src);
    ip_addr_format(&p.dst, dst);
    t->at->value =
        arena_format(t->arena, "%s > %s %s%s", src, dst, ip_is_fragment(&p) ? "fragment, " : "",
                     p.offset ? "not the first" : payload_text(t->arena, p.protocol, p.payload));
    tree_open(t, NODE_GROUP, "Inner packet", p.whole, v4 ? "RFC 791 §3.1" : "RFC 8200 §3");
    tree_number(t, v4 ? "Total Length" : "Payload Length", part(p.whole, v4 ? 2 : 4, 2),
                v4 ? p.whole.len : p.whole.len - IPV6_HEADER_LEN, NULL);
    tree_number(t, v4 ? "Time to Live" : "Hop Limit", part(p.whole, v4 ? 8 : 7, 1), p.ttl, NULL);
    tree_number(t, v4 ? "Protocol" : "Next Header", part(p.whole, v4 ? 9 : 6, 1),
                p.whole.data[v4 ? 9 : 6], NULL);
    tree_value(t, "Source Address", part(p.whole, v4 ? 12 : 8, len), "%s", src);
    tree_value(t, "Destination Address", part(p.whole, v4 ? 16 : 24, len), "%s", dst);
    if (p.payload.len > 0)
        tree_hex(t, "Payload", p.payload);
    tree_close(t);
    if (p.whole.len < text.len)
        tree_hex(t, "TFC Padding", part_from(text, p.whole.len))->rfc = "RFC 4303 §2.7";
}

void inner_tree(struct tree *t, struct bytes text, uint8_t next_header)
{
    if (next_header == NEXT_IPV4 || next_header == NEXT_IPV6) {
        packet_tree(t, text);
        return;
    }
    t->at->value = next_header == IP_PROTOCOL_NONE ? "dummy packet"
                                                   : payload_text(t->arena, next_header, text);
    tree_hex(t, "Payload Data", text)->rfc = "RFC 4303 §2.3";
}
