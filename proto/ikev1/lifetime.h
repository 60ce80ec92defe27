/*
 * RESPONDER-LIFETIME: who answered lives shorter with an SA than was offered, and says so (RFC 2407
 * §4.5.4, §4.6.3.1). The attributes are those of the IPsec DOI, also of an SA of phase 1.
 */
#ifndef PROTO_IKEV1_LIFETIME_H
#define PROTO_IKEV1_LIFETIME_H

#include "proto/wire/payload.h"
#include "proto/wire/v1_notify.h"

/** Limits of an SA; 0: not said, or none. */
struct v1_life {
    uint32_t s, kb; /* kb: 1024 octets each */
};

/** The smaller limits of both. */
struct v1_life v1_life_smaller(struct v1_life, struct v1_life);
/** What of ours is shorter than what was offered; 0 where nothing is. */
struct v1_life v1_life_shorter(struct v1_life ours, struct v1_life offered);

/** A Notify of `protocol` and `spi`: the cookies, or that by which we receive. Nothing where there
 * is nothing to say. */
void v1_lifetime_write(struct message_writer *, uint8_t protocol, struct bytes spi, struct v1_life);
/** What a Notify says whose data v1_attributes_check has taken. */
struct v1_life v1_lifetime_heard(const struct v1_notify *);
/**
 * All of them in a message that are about this SA.
 * @param[in,out] life  never longer than it was
 * Errors: v1_notify_read, v1_attributes_check; *life may be changed
 */
enum err v1_lifetimes_read(const struct message_view *, uint8_t protocol, struct bytes spi,
                           struct v1_life *life) MUST_USE;

#endif
