/*
 * Life of a child SA below the exchanges: reserve, install, switch, replace, remove. Ties the child
 * records to the SAD and SPD, for either version. RFC 7296 §2.8, §2.17; RFC 4301 §4.4.
 *
 * Who sends through which SA in a rekey, so that no packet is lost even when packets overtake each
 * other (RFC 7296 §2.8):
 * - The responder installs the new SA before its response leaves; it goes on sending through the
 *   old one until the first authentic packet on the new SA or the delete of the old one.
 * - The initiator installs the new SA when the response arrives and sends through it at once.
 * - The old SA receives until its delete is done, and CHILD_LINGER longer.
 */
#ifndef PROTO_CORE_CHILD_H
#define PROTO_CORE_CHILD_H

#include "proto/core/internal.h"
#include "proto/core/lifetime.h"
#include "proto/core/narrow.h"

#define CHILD_LINGER (10 * NSEC_PER_S)  /* packets under way when the SA was deleted */
#define REKEYED_HOLD (300 * NSEC_PER_S) /* the peer has this long to delete what it replaced */

/** What both sides agreed on for a child SA. Directions as we see them. */
struct child_terms {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct ke_suite *ke;       /* NULL: no PFS */
    uint32_t spi_out;
    uint64_t hard_bytes; /* of the peer's, which count if ours are more; 0: it has not said */
    uint8_t proposal;    /* number to answer with */
    bool esn, transport;
    bool no_tfc;  /* the peer takes no TFC padding (§1.3.1) */
    bool more_ts; /* the responder would take more of the offer in another child SA (§2.9) */
    struct selector_list local, remote;
};

/** Keys of both directions that are there already: each the cipher's, with its salt, and behind it
 * the integrity algorithm's. */
struct child_keys {
    const uint8_t *in, *out;
};

struct child_seed {
    const struct child_keys *keys; /* NULL: they come of what follows (RFC 7296 §2.17) */
    const struct prf_suite *prf;
    struct bytes sk_d, shared, ni, nr;
    bool initiator;                /* we made the request */
    bool installed;                /* nobody made one */
    bool waits;                    /* it does not send before the peer has shown that it receives */
    const struct child_sa *old;    /* the SA being rekeyed, or NULL */
    const struct child_sa *beside; /* it shares the policy of this one (RFC 9611), or NULL */
};

/** A record with a fresh inbound SPI. @retval ERR_FULL */
enum err child_reserve(struct ike_endpoint *, struct ike_sa *, struct handle *out) MUST_USE;

/**
 * Derive the keys (§2.17) and install both directions. As initiator the new SA sends at once, as
 * responder of a rekey, or if it `waits`, it is CHILD_READY, else it sends.
 * @retval ERR_FULL, ERR_TS, ERR_CRYPTO  the record stays reserved
 */
enum err child_install(struct ike_endpoint *, nsec now, struct child_sa *,
                       const struct child_terms *, const struct child_seed *) MUST_USE;

/** Send through this SA from now on. */
void child_switch(struct ike_endpoint *, struct child_sa *);
/** `old` is replaced by `next`; it still receives. */
void child_replace(struct ike_endpoint *, nsec now, struct child_sa *old, struct child_sa *next);
/** The same without a rekey: `next` is of another IKE SA, which takes over from that of `old`. */
void child_take_over(struct ike_endpoint *, nsec now, struct child_sa *old, struct child_sa *next);
/** Stop sending: the successor takes over, or nobody. */
void child_stop(struct ike_endpoint *, struct child_sa *);
/** Stop and wipe; says CHILD_DOWN if CHILD_UP was said. */
void child_remove(struct ike_endpoint *, nsec now, struct child_sa *, enum sa_reason);
/** Deleted by both sides: one that was replaced lingers, any other goes at once. */
void child_deleted(struct ike_endpoint *, nsec now, struct child_sa *, enum sa_reason);
/** The request about this child failed. */
void child_failed(struct ike_endpoint *, nsec now, const struct ike_sa *, struct handle child,
                  enum sa_reason);

struct esp_sa *child_esp(const struct ike_endpoint *, const struct child_sa *);
/** The child of `ike` that sends with this SPI, i.e. receives at the peer; NULL. */
struct child_sa *child_by_peer_spi(const struct ike_endpoint *, const struct ike_sa *,
                                   uint32_t spi);
/** A child of `ike` with the selectors agreed on that is live, hence has no successor: the first
 * one if there are more, for cores (RFC 9611); NULL. */
struct child_sa *child_like(const struct ike_endpoint *, const struct ike_sa *ike,
                            const struct child_terms *);
/** Whether its successor is another IKE SA's. */
bool child_taken_over(const struct ike_endpoint *, const struct child_sa *);
/** New outer addresses for all children of an IKE SA (RFC 7296 §2.23); with MOBIKE also in UDP or
 * not, as the IKE SA says (RFC 4555 §3.5). */
void children_readdress(struct ike_endpoint *, const struct ike_sa *);
/** Whether a new successor of this SA may be negotiated. */
bool child_live(const struct child_sa *);
struct selector_list child_selectors(const struct ike_endpoint *, const struct child_sa *,
                                     bool local);

#endif
