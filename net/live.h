/*
 * One endpoint on real sockets: many initiators, or one responder. The initiators are SAs of one
 * endpoint and share its two sockets by SPI. Handshakes arrive open-loop: at the rate asked for,
 * whatever the peer does, and each is timed from the moment it was due, so a stalled peer does not
 * hide its own delay (no coordinated omission). With a TUN device child SAs carry traffic
 * (net/live_data.h), with a load echoes that we make and time (net/live_load.h), and a responder
 * may answer those (net/live_echo.h); without any they are only negotiated.
 */
#ifndef NET_LIVE_H
#define NET_LIVE_H

#include "net/live_data.h"
#include "net/live_load.h"
#include "net/udp_loop.h"
#include "proto/endpoint.h"
#include "record/keys.h"
#include "record/metrics.h"

#include <stdio.h>

struct live_options {
    struct crypto *crypto;         /* the live provider */
    struct ike_config config;      /* its keys are of that provider */
    struct ip_addr local, remote;  /* remote.family 0: respond only */
    struct identity remote_id;     /* len 0: any */
    uint32_t count;                /* IKE SAs to initiate; responder: most SAs at once */
    uint32_t window;               /* most handshakes in progress at once */
    nsec interval;                 /* between arrivals; 0: as fast as the window allows */
    struct ip_addr move_to;        /* initiators: another address of ours; family 0: stay */
    nsec move_after;               /* from the last handshake settled */
    struct live_data_options data; /* at most one of the three */
    struct live_load_options load; /* initiators, from the last handshake settled */
    bool echo;                     /* responder */
    nsec run_for; /* after the last handshake is settled, with a data path at most, with a load at
                     least; responder: from the start */
    bool talk;    /* a line on `log` for each event */
    FILE *log;
    FILE *key_file; /* keys.jsonl, or NULL: keys stay where they are */
};

struct live_outcome {
    struct metrics *metrics; /* finished; the caller's, metrics_destroy */
    struct keys *keys;       /* NULL without key_file; the caller's, keys_destroy */
    struct ike_counters counters;
    uint64_t sent, received; /* datagrams */
    uint64_t unsent;         /* refused by the system */
    uint64_t esp_received;   /* ESP datagrams; if nothing takes their packets, dropped */
    uint64_t refused; /* inner packets that the TUN device did not take, or no echo request */
    uint32_t left;    /* IKE SAs that the graceful end did not delete in time */
    nsec took;        /* the whole run */
    int signal;       /* that ended it, 0: none */
};

/**
 * Run to the end: every SA is deleted politely on the way out, also after SIGINT or SIGTERM (a
 * second one ends at once). Takes over both signals while it runs.
 * @param[out] why  on error; errno adds to it for ERR_IO
 */
enum err live_run(const struct live_options *, struct live_outcome *,
                  struct live_failure *why) MUST_USE;

#endif
