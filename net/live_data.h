/*
 * The data path of a live run: inner packets between a TUN device and the child SAs of the
 * endpoint, one at a time, in the buffers made here. Whatever goes wrong with a packet is counted;
 * nothing of it ends the run.
 */
#ifndef NET_LIVE_DATA_H
#define NET_LIVE_DATA_H

#include "net/live_path.h"

struct live_data_options {
    const char *name; /* of the device; NULL: no data path */
    uint32_t mtu;
    struct ip_prefix address; /* of the device; family 0: none */
    struct ip_prefix route;   /* what goes into the device: the peer's network; family 0: none */
};

struct live_data;

/** Make the device, bring it up, make its route. @retval ERR_IO, ERR_MEMORY */
enum err live_data_create(const struct live_data_options *, const struct live_path *,
                          struct live_data **, struct live_failure *) MUST_USE;
void live_data_destroy(struct live_data *);

/** One packet out of the device into its tunnel. False: none now. */
bool live_data_send(struct live_data *, nsec now);
/** One ESP datagram out of its tunnel into the device. */
void live_data_receive(struct live_data *, nsec now, const struct ike_dgram *);
/** Warn once when this peer's address is routed into the tunnel: answers would go astray. */
void live_data_peer(struct live_data *, const struct ip_addr *);

/** Opened packets that the device did not take. */
uint64_t live_data_refused(const struct live_data *);

#endif
