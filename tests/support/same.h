/*
 * Whether the two ends of a pair (pair.h) believe in the same: any number of SAs, each the mirror
 * of one at the other end, or nothing at both. And what an end believes in as one number, to show
 * that a message has changed nothing.
 */
#ifndef TESTS_SAME_H
#define TESTS_SAME_H

#include "base/digest.h"
#include "pair.h"
#include "proto/core/internal.h"

/** Everything a message could have changed at one end, except counters of drops and repeats. */
static inline uint64_t state_of(const struct pair *p, int side)
{
    const struct ike_endpoint *ep = p->end[side];
    const struct ike_counters *c = ike_endpoint_counters(ep);
    struct digest d = {0};
    struct child_sa_info child;

    for (uint32_t i = 0; i < ep->store->ikes.fresh; i++) {
        const struct ike_sa *sa = pool_slot(&ep->store->ikes, i);

        if (!sa)
            continue;
        digest_u64(&d, sa->spi_i);
        digest_u64(&d, sa->spi_r);
        digest_u64(&d, (uint64_t)sa->request_id << 32 | sa->expected_id);
        digest_u64(&d, (uint64_t)sa->state << 32 | (uint64_t)sa->in_flight << 16 | sa->wishes);
        digest_u64(&d, sa->last_heard);
        digest_u64(&d, ike_sa_remote(ep, sa).port);
        for (int t = 0; t < IKE_TIMER_COUNT; t++)
            digest_u64(&d, ike_timer_at(ep, sa, (enum ike_timer)t));
    }
    for (struct sa_ref r = ike_endpoint_next_child(ep, SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(ep, r)) {
        if (!ike_endpoint_child_info(ep, r, &child))
            continue;
        digest_u64(&d, (uint64_t)child.spi_in << 32 | child.spi_out);
        digest_u64(&d, child.key_fingerprint_in ^ child.key_fingerprint_out);
        digest_u64(&d, child.current);
    }
    digest_u64(&d, p->event_count[side]);
    digest_u64(&d, ike_endpoint_memory(ep));
    digest_u64(&d, ike_endpoint_deadline(ep));
    digest_u64(&d, c->requests_executed + c->requests_sent);
    digest_u64(&d, (uint64_t)c->half_open << 32 | c->ike_sas);
    return d.value;
}

static inline uint64_t drops_of(const struct pair *p, int side)
{
    uint64_t all = 0;

    for (int i = 0; i < IKE_DROP_COUNT; i++)
        all += ike_endpoint_counters(p->end[side])->dropped[i];
    return all;
}

static inline bool has_mirror(const struct pair *p, int side, const struct child_sa_info *one)
{
    struct child_sa_info other;

    for (struct sa_ref r = ike_endpoint_next_child(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(p->end[side], r))
        if (ike_endpoint_child_info(p->end[side], r, &other) && other.spi_in == one->spi_out &&
            other.spi_out == one->spi_in && other.current == one->current &&
            other.key_fingerprint_in == one->key_fingerprint_out &&
            other.key_fingerprint_out == one->key_fingerprint_in &&
            other.selectors_fingerprint_local == one->selectors_fingerprint_remote)
            return true;
    return false;
}

/** Same IKE SA or none, same children or none; with children, packets pass both ways (I2, I17). */
static inline void check_same(struct pair *p, const char *what)
{
    struct ike_sa_info ike[2];
    struct child_sa_info child;

    ck_assert_msg(ike_count(p, A) <= 1 && ike_count(p, A) == ike_count(p, B),
                  "%s: IKE SAs %u and %u", what, ike_count(p, A), ike_count(p, B));
    ck_assert_msg(child_count(p, A) == child_count(p, B), "%s: children %u and %u", what,
                  child_count(p, A), child_count(p, B));
    for (struct sa_ref r = ike_endpoint_next_child(p->end[A], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(p->end[A], r))
        if (ike_endpoint_child_info(p->end[A], r, &child))
            ck_assert_msg(has_mirror(p, B, &child), "%s: a child without its mirror", what);
    if (!ike_count(p, A)) {
        ck_assert_msg(child_count(p, A) == 0, "%s: orphans", what);
        return;
    }
    for (int side = 0; side < 2; side++)
        ck_assert(ike_endpoint_ike_info(p->end[side], the_ike(p, side), &ike[side]));
    ck_assert_msg(ike[A].spi_i == ike[B].spi_i && ike[A].spi_r == ike[B].spi_r &&
                      ike[A].key_fingerprint == ike[B].key_fingerprint,
                  "%s: not the same IKE SA", what);
    if (child_count(p, A))
        check_traffic(p);
}

#endif
