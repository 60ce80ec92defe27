/*
 * Quick crash detection: RFC 6290. Each end gives the other a token for their IKE SA, which follows
 * from the SPIs and a secret that outlives a crash. Who has crashed and is asked something under an
 * IKE SA that it has no more shows the token: nobody else can know it, so the other end may let the
 * IKE SA go at once instead of asking until it gives up. Off unless configured.
 *
 * Not here: tokens for ESP packets (§4.5, §8.2: it would take a list of child SPIs that outlives a
 * crash), several generations of the secret as the maker (§5.1), clusters (§6), resumption (§7).
 */
#ifndef PROTO_IKE_QCD_H
#define PROTO_IKE_QCD_H

#include "proto/ike/step.h"

enum qcd_sizes {
    QCD_TOKEN_MIN = 16,  /* RFC 6290 §5 */
    QCD_SHOWN_MAX = 100, /* tokens shown in a second by one endpoint (§9.3) */
};

/* ---- the IKE SA is there ---- */

/** Write our token for `sa` (§4.2, §4.3). */
void qcd_write(struct step *, const struct ike_sa *sa);
/** Keep the peer's token for `sa` from an authentic message (§4.3, §4.4); others change nothing. */
void qcd_read(const struct step *, const struct ike_sa *sa);
/** What the maker would have given to the peer that has this IKE SA, in IKE_AUTH. */
void qcd_give(const struct ike_endpoint *maker, struct ike_endpoint *peer, const struct ike_sa *);
/**
 * We have asked for this rekey: our token has no place in it and goes along with a liveness check
 * that follows (§4.3).
 */
void qcd_owe(struct step *, struct ike_sa *next);
/** Write the token that is owed, if one is, into an INFORMATIONAL request. */
void qcd_owed_write(struct step *);
/** That request has its answer. */
void qcd_owed_heard(const struct step *);

/* ---- it is not ---- */

/**
 * A message came for which there is no IKE SA. If it is a protected request, answer it with our
 * token (§4.5). Never for SPIs of an SA that is there in whatever state, or is being made
 * (§9.2).
 */
void qcd_show(struct step *, const struct message_view *);
/** Whether this message, an answer to a request of ours, shows tokens instead of being protected.
 */
bool qcd_shown(const struct step *, const struct message_view *);
/**
 * The peer says that it has crashed. If one of the tokens is the one it gave us the IKE SA and its
 * children are over, without a word (§4.5); if not, nothing happens but a count.
 * @retval ERR_ICV  none of them is
 */
enum err qcd_heed(struct step *, const struct message_view *) MUST_USE;

/** The secret, as it was before; or with ike_config.qcd_forgets another. For endpoint.c. */
void qcd_start(struct ike_endpoint *);

#endif
