/*
 * What passes between an endpoint and its driver besides events: the environment, datagrams, the
 * peer to call, and how large the endpoint's pools are. Plain data.
 */
#ifndef PROTO_CORE_ENV_H
#define PROTO_CORE_ENV_H

#include "base/bytes.h"
#include "base/rng.h"
#include "base/time.h"
#include "crypto/provider.h"
#include "proto/ip/addr.h"

/** What an endpoint is given by its driver; all borrowed for the endpoint's life. */
struct ike_env {
    struct crypto *crypto; /* its meter is read and cleared by the driver around each call */
    uint64_t seed;         /* with `entity` names every random stream of this endpoint */
    uint64_t entity;
    rng_source *entropy; /* NULL in simulations; else every stream draws from it, not from `seed` */
    int64_t epoch_s;     /* Unix time at nsec 0: what certificates are judged by */
    uint16_t link_mtu;   /* bytes of an IP packet that our own link takes; 0: not known */
    bool export_keys;    /* emit EVENT_KEYS; simulations and labs only */
    bool export_timers;  /* tell what becomes of timers: ike_endpoint_next_timer */
};

/** A datagram at the edge of the endpoint: the payload of UDP, or of IP protocol 50. */
struct ike_dgram {
    struct ip_endpoint local; /* ports are 0 for protocol 50 */
    struct ip_endpoint remote;
    uint8_t protocol;  /* 17 UDP, 50 ESP */
    uint8_t hop_limit; /* outer; 0: the driver's default, or unknown */
    uint8_t tos;       /* outer traffic class */
    bool df;           /* outer don't-fragment */
    uint8_t *data;     /* received: decrypted in place; sent: must not be written to */
    size_t len;
    uint16_t transmission; /* sent IKE messages: 0 first time, n for the n-th retransmission */
    enum dgram_kind { DGRAM_REQUEST, DGRAM_RESPONSE, DGRAM_KEEPALIVE, DGRAM_ESP } kind;
};

struct ike_remote {
    struct ip_endpoint local, remote; /* UDP ports as configured, normally 500 */
    struct bytes id;                  /* expected identity of the peer; empty: any */
    uint8_t id_type;                  /* its type (RFC 7296 §3.5), 0: any */
};

/** Sizes of the endpoint's pools; a driver derives them from the scenario. */
struct ike_limits {
    uint32_t ike_sas;   /* established and half-open together */
    uint32_t half_open; /* handshakes in progress at once */
    uint32_t child_sas; /* pairs, with room for rekeying (2 per tunnel) */
};

#endif
