#include "proto/esp/path.h"

#include "proto/esp/esp.h"
#include "proto/ip/packet.h"
#include "proto/ip/udp.h"

/* Everything but the text: outer IP and UDP headers, SPI, sequence number, IV and ICV. */
static size_t around_text(const struct esp_kind *kind, const struct esp_sa *sa)
{
    size_t icv = kind->integ ? kind->integ->icv_len : kind->encr->icv_len;
    size_t udp = sa->udp_encapsulated ? UDP_HEADER_LEN : 0;

    return ip_header_len(sad_family(sa)) + udp + ESP_HEADER_LEN + kind->encr->iv_len + icv;
}

/* Transport mode protects what is behind the IP header. */
static size_t unprotected(const struct esp_sa *sa)
{
    return sa->transport ? ip_header_len(sad_family(sa)) : 0;
}

size_t esp_outer_len(const struct sad *sad, const struct esp_sa *sa, size_t len)
{
    const struct esp_kind *kind = sad_kind(sad, sa);
    size_t block = esp_block(kind), text = len - unprotected(sa) + ESP_TRAILER_LEN;

    return around_text(kind, sa) + (text + block - 1) / block * block;
}

size_t esp_inner_max(const struct sad *sad, const struct esp_sa *sa, size_t mtu)
{
    const struct esp_kind *kind = sad_kind(sad, sa);
    size_t around = around_text(kind, sa), block = esp_block(kind);
    size_t text = mtu > around ? (mtu - around) / block * block : 0;

    return text > ESP_TRAILER_LEN ? text - ESP_TRAILER_LEN + unprotected(sa) : 0;
}

enum path_way path_way(const struct esp_sa *sa, struct bytes packet, size_t inner_max,
                       bool cut_first)
{
    struct ip_packet ip;

    if (packet.len <= inner_max || ip_read(packet, &ip) != OK)
        return PATH_FITS;
    if (ip.src.family == 6)
        return packet.len <= IPV6_MIN_MTU ? PATH_CUT_AFTER : PATH_REFUSE;
    if (ip.df)
        return PATH_REFUSE;
    return cut_first && !sa->transport ? PATH_CUT_FIRST : PATH_CUT_AFTER;
}
