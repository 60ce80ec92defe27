/*
 * The suites that the IKE SAs of a store have agreed on, each kept once: all that are made from one
 * configuration agree on one or two, so they are looked through.
 */
#include "base/assert.h"
#include "proto/core/internal.h"

const struct ike_suite ike_suite_none;

enum { SPARE = 64 }; /* searches configure their ends anew while they live */

/* Every choice that our proposals leave (RFC 7296 §2.7): no more can be agreed on. */
static uint32_t choices(const struct ike_config *c)
{
    uint32_t count = 0;

    for (uint8_t i = 0; i < c->proposal_count; i++) {
        const struct proposal_config *p = &c->proposals[i];
        uint32_t integ = p->integ_count ? p->integ_count : 1;

        count += p->encr_count * integ * p->prf_count * p->ke_count;
    }
    return count + SPARE;
}

enum err suites_init(struct ike_store *s)
{
    return pool_init(&s->suites, sizeof(struct ike_suite), choices(s->config));
}

static bool same(const struct ike_suite *a, const struct ike_suite *b)
{
    return a->encr == b->encr && a->integ == b->integ && a->prf == b->prf && a->ke == b->ke;
}

enum err ike_sa_agree(struct ike_endpoint *ep, struct ike_sa *sa, const struct ike_suite *suite)
{
    struct pool *suites = &ep->store->suites;
    struct ike_suite *kept;
    struct handle h;

    for (uint32_t i = 0; i < suites->fresh; i++) {
        kept = pool_slot(suites, i);
        if (same(kept, suite)) {
            sa->suite = kept;
            return OK;
        }
    }
    kept = pool_take(suites, &h);
    if (!kept)
        return ERR_FULL;
    *kept = *suite;
    sa->suite = kept;
    return OK;
}
