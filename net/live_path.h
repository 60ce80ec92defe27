/*
 * What the inner packets of a live run go through, whoever makes and takes them (a TUN device, a
 * load, echo): sealed and sent, received and opened, and counted. One packet at a time.
 */
#ifndef NET_LIVE_PATH_H
#define NET_LIVE_PATH_H

#include "net/udp_loop.h"
#include "proto/endpoint.h"
#include "record/metrics.h"

#include <stdio.h>

enum { LIVE_FLOW = 0 }; /* of metrics: there is one */

/** What inner packets lie between; all borrowed. */
struct live_path {
    struct ike_endpoint *endpoint;
    struct udp_loop *sockets;
    struct metrics *metrics;   /* one_end, with one flow */
    const struct ip_addr *far; /* the peer's address, or NULL when anyone may call */
    bool bare;                 /* ESP without UDP may be needed: try for a raw socket */
    FILE *log;                 /* what the user should know */
    nsec start;                /* times of the metrics count from here */
};

/** Why a run did not begin; errno adds to it for ERR_IO. */
struct live_failure {
    const char *what, *hint;
};

/** Ready for ESP without UDP, or a word about what that means when it cannot be had. */
void live_path_open(const struct live_path *);
/**
 * Send what protecting an inner packet made; the caller counts what left.
 * @param e  its result; unless OK there is nothing to send
 * @return   false: it did not leave, which is counted here
 */
bool live_path_send(const struct live_path *, enum err e, const struct ike_dgram *);
/**
 * Open an ESP datagram in place; the caller counts what came out.
 * @param[out] child  the child SA it came through
 * @return     false: refused, which is counted here
 */
bool live_path_receive(const struct live_path *, nsec now, const struct ike_dgram *,
                       struct buf *inner, struct sa_ref *child);

#endif
