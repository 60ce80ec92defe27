/*
 * Path MTU of child SAs: RFC 4301 §8.2, RFC 4303 §3.3.4. An ICMP "too big" that quotes an ESP
 * packet of ours lowers what its child SA takes to be the path's MTU; later packets are held
 * against that before they are sealed. The message is not authenticated, so it can only lower, not
 * below what every path takes, and not for long: after PATH_LIFETIME what was learnt is forgotten
 * and the next packet finds out again (RFC 4301 §8.2.2, RFC 1191 §6.3). Or it is ignored, as is
 * any other ICMP error: the choice of RFC 4301 §6.1.1.
 *
 * What our own link takes (`link_mtu` of the environment) needs no message and does not grow old:
 * no path is wider, and nobody else would tell the sender of what is too long for it.
 */
#ifndef PROTO_IKE_PATH_MTU_H
#define PROTO_IKE_PATH_MTU_H

#include "proto/core/internal.h"
#include "proto/esp/path.h"

#define PATH_LIFETIME (600 * NSEC_PER_S) /* RFC 1191 §6.3: ten minutes */
#define PATH_TICK (10 * NSEC_PER_S)      /* how finely the age is kept */

enum {
    PATH_LOOKED_PER_S = 1 << 20, /* child SAs that ICMP makes us look at in a second */
};

/** Take what an ICMP message to us says; counted as what it was. `packet`: from its IP header on */
void path_icmp(struct ike_endpoint *, nsec now, struct bytes packet);
/** The longest inner packet that the path of this child and our own link take; 0: nothing is known,
 * or not any more. What is too old is forgotten. */
size_t path_inner_max(const struct ike_endpoint *, nsec now, struct child_sa *);
/** The same of a child that is only looked at: nothing is forgotten, however old. */
size_t path_inner_known(const struct ike_endpoint *, const struct child_sa *);
/** How long an inner packet is to look (RFC 4303 §2.7); 0: as it is. */
size_t path_padded_len(const struct ike_endpoint *, nsec now, struct child_sa *);

#endif
