/*
 * Narrowing of traffic selectors by a responder, and the initiator's check of what came back:
 * RFC 7296 §2.9. Works on values; the payloads are proto/wire/ts.
 * Not here: SINGLE_PAIR_REQUIRED (we never ask for it).
 */
#ifndef PROTO_CORE_NARROW_H
#define PROTO_CORE_NARROW_H

#include "proto/core/config.h"

struct selector_list {
    struct selector items[SELECTORS_MAX];
    uint8_t count;
};

/**
 * What both the peer's offer and our policy take, in the order of the offer: the packet that made
 * the initiator ask stands first in its offer and so stays covered if anything is.
 * @param[out] cut  part of the offer was left out (N(ADDITIONAL_TS_POSSIBLE) may be said)
 * @retval ERR_TS   nothing is common; *out is empty
 */
enum err narrow(const struct selector *offer, size_t offer_count, const struct selector *policy,
                size_t policy_count, struct selector_list *out, bool *cut) MUST_USE;

/** Whether every selector of `inner` lies inside one of `outer`: a response may only narrow. */
bool selectors_within(const struct selector_list *inner, const struct selector_list *outer);
/** Same selectors in the same order. */
bool selectors_equal(const struct selector_list *, const struct selector_list *);

#endif
