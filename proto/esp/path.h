/*
 * What a path that takes packets of so many bytes means for the packets inside an SA: RFC 4301
 * §8.2.1, RFC 4303 §3.3.4. Pure arithmetic; who learns of a path's MTU, and for how long it holds,
 * is proto/ike/path_mtu.
 */
#ifndef PROTO_ESP_PATH_H
#define PROTO_ESP_PATH_H

#include "proto/esp/esp.h"
#include "proto/ip/udp.h"

enum path_sizes {
    PATH_MIN_V4 = 576,  /* what every host must take (RFC 791); Linux goes no lower than 552 */
    PATH_MIN_V6 = 1280, /* RFC 8200 §5 */
    /* Most that an outer packet is longer than the inner one. */
    PATH_AROUND_MAX = UDP_HEADROOM_MAX + ESP_HEADROOM + ESP_TAILROOM,
};

/** Padding goes to a multiple of this (RFC 4303 §2.4). */
static inline size_t esp_block(const struct esp_kind *kind)
{
    return kind->encr->block_len > 4 ? kind->encr->block_len : 4;
}

/** Bytes of the outer packet that an inner packet of `len` bytes becomes, IP header included. */
size_t esp_outer_len(const struct sad *, const struct esp_sa *, size_t len);
/** The longest inner packet whose outer packet has at most `mtu` bytes; 0: none. */
size_t esp_inner_max(const struct sad *, const struct esp_sa *, size_t mtu);

/** What is to be done with an inner packet that may be too long for its path. */
enum path_way {
    PATH_FITS,
    PATH_CUT_AFTER, /* the outer packet is fragmented, without DF */
    PATH_CUT_FIRST, /* it is fragmented before ESP (tunnel mode) */
    PATH_REFUSE,    /* DF, or IPv6: its sender must be told (RFC 4301 §8.2.1) */
};

/**
 * @param inner_max  as above
 * @param cut_first  packets without DF are to be fragmented before ESP
 * IPv6 packets of 1280 bytes or less are never refused: no IPv6 path may be narrower, so their
 * sender could do nothing about it (RFC 8200 §5, RFC 2473 §7.1).
 */
enum path_way path_way(const struct esp_sa *, struct bytes packet, size_t inner_max,
                       bool cut_first);

#endif
