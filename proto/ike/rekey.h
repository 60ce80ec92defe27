/* What a delete has to know of rekeys in flight: RFC 7296 §2.8.1, §2.25. */
#ifndef PROTO_IKE_REKEY_H
#define PROTO_IKE_REKEY_H

#include "proto/core/child.h"
#include "proto/ike/step.h"

/** The peer deletes a child that we are rekeying: what its own rekey made takes over, if any. */
void rekey_child_settle(struct step *, struct child_sa *old);
/** The same, and none takes over: if its lifetime has ended here as well, a refusal of our rekey is
 * to be followed by a new child SA (RFC 7296 §2.25.1). */
void rekey_child_outlived(struct step *, const struct child_sa *old);
/** The peer deletes the IKE SA that we are rekeying: the same for IKE SAs. */
void rekey_ike_forget(struct step *);

#endif
