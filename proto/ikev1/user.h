/*
 * What an IKE SA of version 1 has beside its record for the user behind it (XAUTH) and an address
 * inside (Mode-Config): records in pools that only a store has whose configuration wants either.
 */
#ifndef PROTO_IKEV1_USER_H
#define PROTO_IKEV1_USER_H

#include "proto/core/internal.h"
#include "proto/ikev1/config.h"
#include "proto/ikev1/ikev1.h"

/** What phase 1 has found out, and an IKE SA is told when it is up. */
struct v1_met {
    uint64_t identity; /* digest of the peer's */
    uint32_t life_s;   /* 0: no limit was said */
    bool initial_contact;
};

struct v1_user {
    struct v1_access access;
    struct v1_internal internal; /* what we give the peer */
    struct v1_met met;           /* until the user is known */
    uint32_t lease;              /* number of the address in the pool, SA_INDEX_NONE */
    bool address_due;            /* still to be asked for, or to be given unasked */
};

/** An address of the pool, given to IKE SAs of one peer that follow each other. */
struct v1_lease {
    uint32_t number; /* the slot has something to hold */
};

/** Whether endpoints of this configuration have users or addresses inside. */
bool v1_users_configured(const struct ike_config *);

/** A record for this IKE SA, whose phase 1 is over; NULL: they are not configured, or no room. */
struct v1_user *v1_user_take(struct ike_endpoint *, const struct ike_sa *, const struct v1_met *);
/** NULL: there is none. */
struct v1_user *v1_user_of(const struct ike_endpoint *, const struct ike_sa *);
/** Wiped, and its address goes back to the pool. Nothing where there is none. */
void v1_user_give(struct ike_endpoint *, const struct ike_sa *);

/** An address for whom asks, unless it has one. @return whether one was taken now */
bool v1_lease_take(struct ike_endpoint *, struct v1_user *);
void v1_lease_give(struct ike_endpoint *, struct v1_user *);
/** `next` takes the place of `old`, and has its address. */
void v1_lease_pass(struct ike_endpoint *, const struct ike_sa *old, const struct ike_sa *next);
/** Whether both have an address: that of one cannot pass to the other. */
bool v1_leases_differ(const struct ike_endpoint *, const struct ike_sa *, const struct ike_sa *);

/** The address that one end was given by the other; family 0: none. */
struct ip_addr v1_inside(const struct ike_endpoint *, const struct ike_sa *);

/** `otherwise`, or that the user was refused. */
enum sa_reason v1_user_reason(const struct ike_endpoint *, const struct ike_sa *,
                              enum sa_reason otherwise);

#endif
