/*
 * ICMP echo answered inside the tunnel (RFC 792, RFC 4443 §4.2), for any address that the child SA
 * protects: the far side of a load where there is no network behind us. An answer goes back
 * through the child SA that its request came by. Whole packets only.
 */
#ifndef NET_LIVE_ECHO_H
#define NET_LIVE_ECHO_H

#include "net/live_path.h"

struct live_echo;

/** @retval ERR_MEMORY */
enum err live_echo_create(const struct live_path *, struct live_echo **) MUST_USE;
void live_echo_destroy(struct live_echo *);

/** One ESP datagram out of its tunnel, and the answer to what was in it. */
void live_echo_receive(struct live_echo *, nsec now, const struct ike_dgram *);
/** Opened packets that were no echo request. */
uint64_t live_echo_refused(const struct live_echo *);

#endif
