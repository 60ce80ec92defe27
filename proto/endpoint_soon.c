/*
 * What a call will look at, fetched before it. With many SAs none of it is in a cache, and each
 * step leads to the next: endpoint, IKE SA, handshake, what belongs to that.
 */
#include "proto/core/internal.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/wire/header.h"

enum soon_steps {
    SOON_ENDPOINT,
    SOON_INDEX, /* where IKE SAs are found by table */
    SOON_SA,
    SOON_BEHIND, /* the SA */
    SOON_LAST,   /* behind its handshake */
};
_Static_assert(SOON_LAST + 1 == IKE_SOON_STEPS, "what the driver is told");

static void expect_message(const struct ike_store *s, struct message_ref r)
{
    if (!message_none(r))
        pool_expect(&s->messages.classes[r.class], r.slot);
}

static void expect_behind(const struct ike_store *s, const struct ike_sa *sa)
{
    pool_expect(&s->handshakes, sa->handshake);
    expect_message(s, sa->request);
    expect_message(s, sa->response);
    if (sa->first_child != SA_INDEX_NONE) {
        pool_expect(&s->children, sa->first_child);
        sad_number_expect(&s->esp->sad, sa->first_child);
    }
}

static void expect_last(const struct ike_store *s, const struct ike_sa *sa)
{
    const struct handshake *hs =
        sa->handshake == SA_INDEX_NONE ? NULL : pool_slot(&s->handshakes, sa->handshake);

    if (!hs)
        return;
    pool_expect(&s->ke_pairs, hs->ke);
    expect_message(s, hs->first);
    if (!handle_none(hs->child))
        sad_number_expect(&s->esp->sad, hs->child.index);
}

uint64_t ike_message_spi(struct bytes message)
{
    struct ike_header h;

    if (header_read(message, &h) != OK)
        return 0;
    return header_from_initiator(&h) ? h.spi_r : h.spi_i;
}

static void expect_by_table(const struct ike_endpoint *ep, uint64_t spi, enum soon_steps step)
{
    const struct ike_store *s = ep->store;
    const struct ike_sa *sa;
    uint32_t i;

    if (step <= SOON_SA)
        ike_spi_expect(ep, spi, step == SOON_SA);
    if (step == SOON_INDEX || (i = chains_first(&s->by_spi, chains_mix(spi))) == CHAINS_END)
        return;
    if (step == SOON_SA) {
        pool_expect(&s->ikes, i);
        return;
    }
    sa = pool_slot(&s->ikes, i); /* or another one, which does no harm */
    if (sa && step == SOON_BEHIND)
        expect_behind(s, sa);
    else if (sa)
        expect_last(s, sa);
}

/* The first IKE SA of an endpoint that shares its store: most have one. */
static void expect_own(const struct ike_endpoint *ep, enum soon_steps step)
{
    const struct ike_store *s = ep->store;
    const struct ike_sa *sa;

    if (ep->first == SA_INDEX_NONE)
        return;
    if (step == SOON_INDEX) {
        __builtin_prefetch(&s->siblings.next[ep->first]);
        pool_expect(&s->ikes, ep->first);
        return;
    }
    sa = pool_slot(&s->ikes, ep->first);
    if (step == SOON_SA)
        expect_behind(s, sa);
    else if (step == SOON_BEHIND)
        expect_last(s, sa);
}

void ike_endpoint_soon(const struct ike_endpoint *ep, uint64_t our_spi, unsigned step)
{
    __asm__ volatile(""); /* else gcc takes it for needless, as it only fetches */
    if (step == SOON_ENDPOINT) {
        for (size_t at = 0; at < sizeof *ep; at += 64)
            __builtin_prefetch((const char *)ep + at);
    } else if (store_shared(ep->store)) {
        expect_own(ep, (enum soon_steps)step);
    } else if (our_spi) {
        expect_by_table(ep, our_spi, (enum soon_steps)step);
    }
}
