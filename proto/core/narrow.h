/*
 * Narrowing of traffic selectors by a responder, and the initiator's check of what came back:
 * RFC 7296 §2.9. Works on values; the payloads are proto/wire/ts.
 */
#ifndef PROTO_CORE_NARROW_H
#define PROTO_CORE_NARROW_H

#include "proto/core/config.h"

struct selector_list {
    struct selector items[SELECTORS_MAX];
    uint8_t count;
};

/** What narrowing left out of an offer. */
struct narrow_rest {
    bool any;
    bool acceptable; /* and would be taken in another child SA: N(ADDITIONAL_TS_POSSIBLE) */
};

/**
 * What both the peer's offer and our policy take, in the order of the offer: the packet that made
 * the initiator ask stands first in its offer and so stays covered if anything is.
 * @param[out] rest  what was left out
 * @retval ERR_TS    nothing is common; *out is empty
 */
enum err narrow(const struct selector *offer, size_t offer_count, const struct selector *policy,
                size_t policy_count, struct selector_list *out, struct narrow_rest *rest) MUST_USE;

/**
 * Narrow to one pair of addresses, the first of both: its initiator's packet, or all there is. Of
 * that pair every protocol and port that is in the lists stays.
 * @param[in,out] local, remote  what narrow() made; unchanged on error
 * @param[out] more              another pair would be acceptable too
 * @retval ERR_SINGLE_PAIR  the first ones are no single addresses of one family
 */
enum err narrow_pair(struct selector_list *local, struct selector_list *remote,
                     bool *more) MUST_USE;

/** Whether every selector of `inner` lies inside one of `outer`: a response may only narrow. */
bool selectors_within(const struct selector_list *inner, const struct selector_list *outer);
/** Same selectors in the same order. */
bool selectors_equal(const struct selector_list *, const struct selector_list *);

#endif
