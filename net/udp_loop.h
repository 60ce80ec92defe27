/*
 * A pair of UDP sockets at one address, ports 500 and 4500 (RFC 7296 §2, §2.23), shared by all SAs
 * of an endpoint, when asked a raw socket beside them for ESP without UDP, and the wait for any of
 * them, for one descriptor of somebody else (a TUN device) and for a deadline. Datagrams go through
 * as they are: the endpoint writes and reads the non-ESP marker itself. The outer traffic class is
 * neither set nor read, and fragmenting is the system's.
 */
#ifndef NET_UDP_LOOP_H
#define NET_UDP_LOOP_H

#include "base/err.h"
#include "base/time.h"
#include "proto/core/env.h"

#include <signal.h>
#include <stdbool.h>

enum udp_sizes { UDP_DATAGRAM_MAX = 65535, UDP_SOCKETS = 3 };

struct udp_loop {
    int socket[UDP_SOCKETS]; /* port 500, port 4500, protocol 50; -1: not open */
    struct ip_endpoint local[UDP_SOCKETS];
    int also;                /* read by somebody else, -1: none */
    bool ready[UDP_SOCKETS]; /* as udp_loop_wait found them; false again once empty */
    bool also_ready;
    int next;        /* the socket to read first: none starves */
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
/**
 * Go on at another address of this machine, with the raw socket if there is one. Errors as above;
 * then it stays where it is.
 */
enum err udp_loop_move(struct udp_loop *, struct ip_addr local, const char **what) MUST_USE;
/** The raw socket for ESP, which has no ports. Errors as above. */
enum err udp_loop_open_esp(struct udp_loop *, const char **what) MUST_USE;

/**
 * Send one datagram from the socket of its protocol and local port. What cannot be sent is
 * counted: lost, false.
 */
bool udp_loop_send(struct udp_loop *, const struct ike_dgram *);
/**
 * The next datagram of those sockets that the last wait found ready, in the loop's own storage
 * until the next call. False: wait again.
 */
bool udp_loop_receive(struct udp_loop *, struct ike_dgram *out);
/**
 * Sleep until something can be read, `deadline` comes, or a signal outside `blocked` arrives; a
 * deadline that has passed makes it a look without sleep. A signal is only noticed while there is
 * nothing to read.
 * @param blocked  the signal mask during the sleep only
 */
void udp_loop_wait(struct udp_loop *, nsec now, nsec deadline, const sigset_t *blocked);

/** The address that packets to `remote` leave from. @retval ERR_IO no route */
enum err udp_source_of(const struct ip_addr *remote, struct ip_addr *out) MUST_USE;

#endif
