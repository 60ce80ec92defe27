/*
 * A pair of UDP sockets at one address, ports 500 and 4500 (RFC 7296 §2, §2.23), shared by all SAs
 * of an endpoint, and the wait for either or for a deadline. Datagrams go through as they are: the
 * endpoint writes and reads the non-ESP marker itself. No raw ESP (protocol 50), no TUN.
 */
#ifndef NET_UDP_LOOP_H
#define NET_UDP_LOOP_H

#include "base/err.h"
#include "base/time.h"
#include "proto/core/env.h"

#include <signal.h>
#include <stdbool.h>

enum udp_sizes { UDP_DATAGRAM_MAX = 65535, UDP_SOCKETS = 2 };

struct udp_loop {
    int socket[UDP_SOCKETS];
    struct ip_endpoint local[UDP_SOCKETS];
    int next;        /* the socket to read first: neither starves */
    uint64_t unsent; /* the system refused, as it may for any datagram */
    uint8_t datagram[UDP_DATAGRAM_MAX];
};

/**
 * Bind both ports at `local`, non-blocking.
 * @param[out] what  on error, what failed; errno tells why
 * @retval ERR_IO
 */
enum err udp_loop_open(struct udp_loop *, struct ip_addr local, const char **what) MUST_USE;
void udp_loop_close(struct udp_loop *);

/** Send one datagram from the socket of its local port. What cannot be sent is counted: lost. */
void udp_loop_send(struct udp_loop *, const struct ike_dgram *);
/** The next datagram received, in the loop's own storage until the next call. False: none now. */
bool udp_loop_receive(struct udp_loop *, struct ike_dgram *out);
/**
 * Sleep until a datagram can be read, `deadline` comes, or a signal outside `blocked` arrives.
 * @param blocked  the signal mask during the sleep only
 */
void udp_loop_wait(const struct udp_loop *, nsec now, nsec deadline, const sigset_t *blocked);

/** The address that packets to `remote` leave from. @retval ERR_IO no route */
enum err udp_source_of(const struct ip_addr *remote, struct ip_addr *out) MUST_USE;

#endif
