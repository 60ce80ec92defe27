/*
 * What an IKE SA has beside its record where MOBIKE (RFC 4555) is on: the answers that are awaited,
 * and where else the peer can be reached. One slot for each IKE SA, of its index, in an endpoint
 * that has `mobike`; nothing otherwise. What is done with it is in proto/ike/mobike.
 */
#ifndef PROTO_CORE_MOBIKE_H
#define PROTO_CORE_MOBIKE_H

#include "proto/core/config.h"

enum { MOBIKE_COOKIE_LEN = 16 }; /* RFC 4555 §4.2.5: 8 to 64 octets */

/** The return routability check of the peer's address (RFC 4555 §3.7). */
enum mobike_asked {
    ASKED_NOT,
    ASKED_DUE,  /* goes with the next request that is made for it */
    ASKED_SENT, /* in the request of `cookie_id` */
};

struct mobike {
    uint64_t mapping;   /* digest of where the peer saw us last; 0: it has not said */
    uint32_t cookie_id; /* message ID of the request that has `cookie` */
    uint32_t update_id; /* of our newest UPDATE_SA_ADDRESSES */
    uint32_t heard_id; /* of the newest request of the peer's that said addresses, and 1; 0: none */
    uint8_t cookie[MOBIKE_COOKIE_LEN];
    uint8_t asked;    /* enum mobike_asked */
    uint8_t attempts; /* updates that met a NAT where there must be none */
    uint8_t tried;    /* other addresses of the peer's, since it was heard last */
    bool elsewhere;   /* the peer's address that we use is not yet proven */
    bool tell;        /* our own addresses, in the next request */
    uint8_t address_count;
    struct ip_addr addresses[MOBIKE_ADDRESSES_MAX]; /* of the peer's, besides the one in use */
};

#endif
