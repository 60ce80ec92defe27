/*
 * Security policy database: RFC 4301 §4.4.1, §5.1, §5.2. Endpoints may share one: a packet gets a
 * policy of its endpoint's scope only. A policy is a set of local and remote traffic selectors and
 * the child SA that sends for it now. All policies are PROTECT; a packet without one is discarded.
 *
 * Which policy a packet gets: the one whose remote range is the most specific (by its smallest
 * covering prefix); among equals one with a protocol before one without, then one with ports
 * before one without, then the newest. Cost is one hash probe per prefix length in use, so a
 * hundred thousand hosts cost what one costs.
 *
 * A policy outlives the child SA: on rekey it is pointed at the new one (spd_point), and both
 * children hold it for their inbound check. It goes when its last holder drops it.
 */
#ifndef PROTO_ESP_SPD_H
#define PROTO_ESP_SPD_H

#include "base/chains.h"
#include "base/pool.h"
#include "proto/ip/selector.h"

enum spd_sizes {
    SPD_SELECTORS_MAX = 8, /* per side of a policy */
    SPD_HOLDERS_BITS = 18,
    SPD_HOLDERS_MAX = (1 << SPD_HOLDERS_BITS) - 1, /* of a policy */
};

/** Policies whose remote range has this prefix length, over one family. */
struct spd_length {
    uint32_t count;
    uint8_t family, length;
};

struct spd {
    struct pool policies;
    struct pool cells;       /* selectors of policies that do not fit into their records */
    struct chains by_remote; /* remote selectors; see spd.c for their numbers */
    uint32_t per_side;
    struct spd_length *lengths; /* those in use, the longest first */
    uint32_t lengths_used, lengths_cap;
};

/**
 * @param policies  how many at once
 * @param per_side  how many selectors a side may have, <= SPD_SELECTORS_MAX
 */
enum err spd_init(struct spd *, uint32_t policies, uint32_t per_side) MUST_USE;
void spd_reset(struct spd *);
struct spd_selectors {
    const struct selector *local, *remote;
    uint8_t local_count, remote_count; /* 1..per_side each */
};

/** The same as a copy. */
struct spd_copy {
    struct selector local[SPD_SELECTORS_MAX], remote[SPD_SELECTORS_MAX];
    uint8_t local_count, remote_count;
};

/**
 * A new policy with one holder and no child SA yet. Selectors are copied.
 * @retval ERR_FULL  no slot
 * @retval ERR_TS    none, too many, or not well formed
 */
enum err spd_add(struct spd *, uint32_t scope, const struct spd_selectors *,
                 struct handle *policy) MUST_USE;
/** A policy with this remote selector is likely to come, then comes `soon`: fetch what it will be
 * put among. */
void spd_expect(const struct spd *, uint32_t scope, const struct selector *remote, bool soon);
/** The policy that has this number now; POOL_NONE: none. Holders need no more to name it. */
struct handle spd_handle(const struct spd *, uint32_t number);
/** One holder more. @return false: SPD_HOLDERS_MAX hold it already */
bool spd_hold(struct spd *, struct handle policy) MUST_USE;
/** One holder less; the last one takes the policy with it. */
void spd_drop(struct spd *, struct handle policy);
/** Send from now on through the child SA of this number; POOL_NONE: through none (ERR_NO_SA). */
void spd_point(struct spd *, struct handle policy, uint32_t child);
/** The child that sends for the policy; POOL_NONE: none does, or there is no such policy. */
uint32_t spd_child(const struct spd *, struct handle policy);
/** Its selectors, which are not kept as they are given. */
void spd_selectors(const struct spd *, struct handle policy, struct spd_copy *out);

/**
 * Outbound (RFC 4301 §5.1): src is local, dst is remote.
 * @param[out] policy  NULL: nobody wants to know
 * @retval ERR_NO_POLICY  the packet must be discarded
 * @retval ERR_NO_SA      there is a policy; *policy is set, its child SA is missing
 */
enum err spd_lookup(const struct spd *, uint32_t scope, const struct flow *, struct handle *policy,
                    uint32_t *child) MUST_USE;
/** spd_lookup will soon be asked about this flow. */
void spd_lookup_expect(const struct spd *, uint32_t scope, const struct flow *);
/**
 * Inbound (RFC 4301 §5.2 step 4): whether src is remote and dst is local for this policy.
 * @param policy  by number, as its holders name it; false if there is none
 */
bool spd_allows(const struct spd *, uint32_t policy, const struct flow *);
/** spd_allows will soon be asked about this policy, which may lie in two lines. */
static inline void spd_allows_expect(const struct spd *spd, uint32_t policy)
{
    const struct pool *p = &spd->policies;
    const uint8_t *slot;

    if (policy >= p->fresh)
        return;
    slot = p->slots + (size_t)policy * p->slot_size;
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + p->slot_size - 1);
}

#endif
