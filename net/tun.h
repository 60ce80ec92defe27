/*
 * A TUN device of Linux: inner IP packets come out of it by reading and go into it by writing. It
 * is made by opening it and goes when closed, with its address and routes, unless it was there
 * before (`ip tuntap add`). IP packets only: no Ethernet, no offloads.
 */
#ifndef NET_TUN_H
#define NET_TUN_H

#include "base/err.h"
#include "proto/ip/addr.h"

enum tun_sizes { TUN_NAME_MAX = 15, TUN_PACKET_MAX = 65535 };

struct tun {
    int fd;
    char name[TUN_NAME_MAX + 1]; /* as the kernel took it */
};

/**
 * Make or take over the device `name`, non-blocking. It is not up yet.
 * @param[out] what  on error, what failed; errno tells why (tun_hint)
 * @retval ERR_IO
 */
enum err tun_open(struct tun *, const char *name, const char **what) MUST_USE;
void tun_close(struct tun *);

/** Set MTU and address (family 0: none), and bring it up. Errors as above. */
enum err tun_up(const struct tun *, uint32_t mtu, const struct ip_prefix *address,
                const char **what) MUST_USE;
/** Send packets to `net` into the device. One that is there already is fine. Errors as above. */
enum err tun_route(const struct tun *, const struct ip_prefix *net, const char **what) MUST_USE;
/** What to try when tun_open or tun_up failed with this errno. */
const char *tun_hint(int error);

/**
 * The next packet that the system sends into the device.
 * @retval ERR_NOT_FOUND  none now
 * @retval ERR_IO         the device is gone
 */
enum err tun_read(const struct tun *, uint8_t *packet, size_t cap, size_t *len) MUST_USE;
/** Hand a packet to the system. False: it was refused (the device is down, not an IP packet). */
bool tun_write(const struct tun *, const uint8_t *packet, size_t len);

#endif
