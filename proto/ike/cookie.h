/*
 * Cookies of a responder: RFC 7296 §2.6, §2.6.1. A cookie is a value that only we can have made and
 * that follows from what the initiator says again: its nonce, its address, its SPI. So nothing is
 * kept for a request until it comes back with its cookie, and the same cookie holds when the group
 * has to be changed as well. Whether one is wanted: flood.h. The other end: ike_sa_init.c.
 */
#ifndef PROTO_IKE_COOKIE_H
#define PROTO_IKE_COOKIE_H

#include "proto/ike/step.h"

/** A secret makes cookies this long, and takes them for as long again. */
#define COOKIE_SECRET_TIME (30 * NSEC_PER_S)

/**
 * Whether this IKE_SA_INIT request has a cookie that we made for it lately. One that is wrong or
 * old is as good as none, and is counted.
 */
bool cookie_returned(struct step *, const struct message_view *);
/**
 * Ask for the request again, with a cookie. Nothing is said where the answer would be larger than
 * the question (§2.6: it went to whoever stands in the source address), or the nonce is missing.
 */
void cookie_ask(struct step *, const struct message_view *);
/** The secrets are lost, and with them every cookie that is under way. */
void cookie_forget(struct ike_endpoint *);

#endif
