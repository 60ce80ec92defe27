#include "sim/icmp_error.h"

#include "proto/ip/icmp.h"
#include "sim/link.h"

enum { ERROR_ROOM = 1280 };

/* RFC 1812 §4.3.2.7: no error about an error, or about a fragment behind the first. */
static bool deserves_error(const struct ip_packet *ip)
{
    struct icmp_message icmp;

    if (ip->offset != 0)
        return false;
    if (ip->protocol != IP_PROTOCOL_ICMP && ip->protocol != IP_PROTOCOL_ICMPV6)
        return true;
    return icmp_read(ip, &icmp) == OK && !icmp_is_error(icmp.kind);
}

static void tell_sender(struct sim *s, uint32_t node, uint32_t packet, const struct ip_packet *ip,
                        const struct ip_addr *from, struct icmp_message *icmp)
{
    uint32_t back = packet_at(s, packet)->port;
    struct ip_build build = {.src = *from, .dst = ip->src};
    struct packet *p;
    struct buf out;
    uint32_t error;

    if (from->family != ip->src.family || !deserves_error(ip))
        return;
    error = packet_new(s, node, ERROR_ROOM);
    if (error == SIM_NONE)
        return;
    p = packet_at(s, error);
    build.id = (uint16_t)p->sequence;
    icmp->data = ip->whole;
    out = (struct buf){p->data, 0, packet_room(p)};
    if (icmp_write(&out, &build, icmp) != OK) {
        packet_free(s, error);
        return;
    }
    p->len = (uint32_t)out.len;
    sim_send(s, node, back, error, true);
}

bool icmp_too_big(struct sim *s, uint32_t node, uint32_t out, uint32_t packet,
                  const struct ip_packet *ip, const struct ip_addr *from)
{
    uint32_t mtu = link_kind(s, &s->links[node_port(&s->nodes[node], out)])->words.mtu;
    struct icmp_message icmp = {.kind = ICMP_TOO_BIG, .mtu = mtu};

    if (packet_at(s, packet)->len <= mtu || !ip->df)
        return false;
    tell_sender(s, node, packet, ip, from, &icmp);
    return true;
}

void icmp_time_exceeded(struct sim *s, uint32_t node, uint32_t packet, const struct ip_packet *ip,
                        const struct ip_addr *from)
{
    struct icmp_message icmp = {.kind = ICMP_TIME_EXCEEDED};

    tell_sender(s, node, packet, ip, from, &icmp);
}
