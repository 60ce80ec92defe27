#include "proto/ike/path_mtu.h"

#include "proto/esp/esp.h"
#include "proto/core/child.h"
#include "proto/ip/icmp.h"
#include "proto/ip/udp.h"

/* What an error says about a packet that we may have sent. */
struct quoted {
    struct ip_packet ip;
    uint32_t spi;
    size_t mtu;
};

/* SPI of a quoted packet: behind IP, or behind UDP on port 4500. The quote may end there. */
static bool spi_of(const struct ip_packet *ip, uint32_t *spi)
{
    struct bytes esp = ip->payload;

    if (ip->offset != 0)
        return false;
    if (ip->protocol == IP_PROTOCOL_UDP) {
        if (esp.len < UDP_HEADER_LEN)
            return false;
        esp = bytes_of(esp.data + UDP_HEADER_LEN, esp.len - UDP_HEADER_LEN);
    } else if (ip->protocol != IP_PROTOCOL_ESP) {
        return false;
    }
    if (esp.len < sizeof *spi)
        return false;
    *spi = load_be32(esp.data); /* 0, the non-ESP marker, is no child's */
    return true;
}

/* The length field, as the quote itself may be cut short. */
static size_t full_len(const struct ip_packet *ip)
{
    const uint8_t *p = ip->whole.data;

    return ip->src.family == 4 ? load_be16(p + 2) : (size_t)load_be16(p + 4) + IPV6_HEADER_LEN;
}

static enum path_news read_error(struct bytes packet, struct quoted *q)
{
    struct ip_packet ip;
    struct icmp_message icmp;

    if (ip_read(packet, &ip) != OK || icmp_read(&ip, &icmp) != OK)
        return PATH_MALFORMED;
    if (icmp.kind != ICMP_TOO_BIG)
        return PATH_NEWS_COUNT;
    if (ip_read_quoted(icmp.data, &q->ip) != OK || q->ip.src.family != ip.dst.family ||
        !spi_of(&q->ip, &q->spi))
        return PATH_MALFORMED;
    q->mtu = icmp.mtu;
    if (icmp.mtu < (q->ip.src.family == 4 ? PATH_MIN_V4 : PATH_MIN_V6))
        return PATH_BELOW_MINIMUM;
    return icmp.mtu < full_len(&q->ip) ? PATH_LOWERED : PATH_NOT_SMALLER;
}

/* There is no index of what we send through: looking is paid from a budget, so that a flood of
 * forged messages costs little, whatever the number of SAs. */
static bool may_look(struct ike_endpoint *ep, nsec now)
{
    struct ike_rare *rare = ike_rare(ep);

    if (!rare)
        return false;
    if (now - rare->path_second >= NSEC_PER_S) {
        rare->path_second = now;
        rare->path_looked = 0;
    }
    if (rare->path_looked >= PATH_LOOKED_PER_S)
        return false;
    rare->path_looked += store_shared(ep->store) ? ep->children : ep->store->children.fresh;
    return true;
}

static bool between(const struct ike_endpoint *ep, const struct esp_sa *esp,
                    const struct ip_addr *src, const struct ip_addr *dst)
{
    struct ip_endpoint local = sad_local(&ep->store->esp->sad, esp);
    struct ip_endpoint remote = sad_remote(&ep->store->esp->sad, esp);

    return ip_addr_equal(&local.addr, src) && ip_addr_equal(&remote.addr, dst);
}

static struct child_sa *sends(const struct ike_endpoint *ep, const struct quoted *q)
{
    for (uint32_t i = child_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE;
         i = child_sa_walk(ep, i)) {
        struct child_sa *c = child_sa_by_index(ep, i);
        const struct esp_sa *esp = child_esp(ep, c);

        if (esp && esp->installed && esp->spi_out == q->spi &&
            between(ep, esp, &q->ip.src, &q->ip.dst) &&
            esp->udp_encapsulated == (q->ip.protocol == IP_PROTOCOL_UDP))
            return c;
    }
    return NULL;
}

static uint16_t ticks(nsec now)
{
    return (uint16_t)(now / PATH_TICK);
}

static void forget_old(nsec now, struct child_sa *c)
{
    if ((uint16_t)(ticks(now) - c->path_since) >= PATH_LIFETIME / PATH_TICK)
        c->path_mtu = 0;
}

static enum path_news lower(struct ike_endpoint *ep, nsec now, const struct quoted *q)
{
    struct child_sa *c;

    if (!may_look(ep, now))
        return PATH_RATE;
    c = sends(ep, q);
    if (!c)
        return PATH_NO_SA;
    forget_old(now, c);
    if (c->path_mtu != 0 && q->mtu >= c->path_mtu)
        return PATH_NOT_SMALLER;
    c->path_mtu = (uint16_t)q->mtu; /* less than a length field can say */
    c->path_since = ticks(now);
    return PATH_LOWERED;
}

void path_icmp(struct ike_endpoint *ep, nsec now, struct bytes packet)
{
    struct quoted q;
    enum path_news news = read_error(packet, &q);

    if (news == PATH_LOWERED)
        news = ep->store->config->child.ignore_too_big ? PATH_IGNORED : lower(ep, now, &q);
    if (news < PATH_NEWS_COUNT) /* else it was about something else */
        ep->store->counters.path_news[news]++;
}

size_t path_inner_known(const struct ike_endpoint *ep, const struct child_sa *c)
{
    size_t mtu = ep->store->env.link_mtu;

    if (c->path_mtu != 0 && (mtu == 0 || c->path_mtu < mtu))
        mtu = c->path_mtu;
    return mtu == 0 ? 0 : esp_inner_max(&ep->store->esp->sad, child_esp(ep, c), mtu);
}

size_t path_inner_max(const struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    if (c->path_mtu != 0)
        forget_old(now, c);
    return path_inner_known(ep, c);
}

size_t path_padded_len(const struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    size_t wanted = ep->store->config->child.tfc_padding;
    size_t most;

    if (wanted == 0 || c->no_tfc)
        return 0;
    most = path_inner_max(ep, now, c);
    if (wanted == TFC_TO_MTU)
        wanted = esp_inner_max(&ep->store->esp->sad, child_esp(ep, c), TFC_MTU_MAX);
    return most != 0 && most < wanted ? most : wanted; /* padding must not make fragments */
}
