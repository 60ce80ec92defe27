/*
 * By what a store of one endpoint finds its IKE SAs: our SPI, the first message, the identity. They
 * come, succeed each other and go at random, and each answer is compared with a plain array's.
 */
#include "base/rng.h"
#include "pair.h"
#include "proto/core/internal.h"

enum { SAS = 300, IDENTITIES = 40, STEPS = 4000, PROBES = 8 };

/* What has to be found. */
struct known {
    struct ike_sa *sa; /* NULL: there is none */
    uint64_t spi, digest, identity;
    uint64_t gone;  /* a digest that was never registered; 0: none */
    uint32_t named; /* step of it; 0: no identity yet */
};

struct world {
    struct pair pair;
    struct ike_endpoint *ep;
    struct rng random;
    struct known known[SAS];
};

static void begin(struct world *w)
{
    memset(w, 0, sizeof *w);
    pair_init(&w->pair, true);
    w->random = rng_stream(1, 5, RNG_TEST);
    w->ep = pair_alone(&w->pair, SAS);
}

static void end(struct world *w)
{
    ike_endpoint_destroy(w->ep);
    pair_free(&w->pair);
}

/* Half of them were begun by others, and each third never gets as far as being registered. */
static void come(struct world *w, struct known *k)
{
    struct sa_ref ref;

    *k = (struct known){.sa = ike_sa_take(w->ep, &ref)};
    ck_assert_ptr_nonnull(k->sa);
    k->sa->initiator = rng_below(&w->random, 2);
    k->sa->spi_i = ike_spi_new(w->ep);
    k->sa->spi_r = ike_spi_new(w->ep);
    if (!k->sa->initiator)
        k->gone = rng_u64(&w->random) | 1;
    if (rng_below(&w->random, 3) == 0)
        return;
    ike_sa_register(w->ep, k->sa, k->gone);
    k->spi = ike_sa_our_spi(k->sa);
    k->digest = k->gone;
    k->gone = 0;
}

static void be_named(struct world *w, struct known *k, uint32_t step)
{
    k->identity = 1 + rng_below(&w->random, IDENTITIES);
    k->named = step;
    ike_sa_identify(w->ep, k->sa, k->identity);
}

static void go(struct world *w, struct known *k)
{
    ike_sa_give(w->ep, k->sa);
    *k = (struct known){0};
}

/* As when it was rekeyed. */
static void succeed(struct world *w, struct known *from, struct known *to)
{
    if (!to->sa || from == to || !from->digest || to->digest)
        return;
    ike_sa_init_moved(w->ep, from->sa, to->sa);
    to->digest = from->digest;
    from->digest = 0;
}

static void change(struct world *w, uint32_t step)
{
    /* Few in the end, so that chains that once split are emptied. */
    struct known *k = &w->known[rng_below(&w->random, step < STEPS / 2 ? SAS : SAS / 10)];

    if (!k->sa)
        come(w, k);
    else if (rng_below(&w->random, 2))
        be_named(w, k, step);
    else if (rng_below(&w->random, 2))
        succeed(w, k, &w->known[rng_below(&w->random, SAS)]);
    else
        go(w, k);
}

static const struct known *next_older(const struct world *w, const struct known *than)
{
    const struct known *next = NULL;

    for (const struct known *k = w->known; k < w->known + SAS; k++)
        if (k->sa && k->identity == than->identity && k->named < than->named &&
            (!next || k->named > next->named))
            next = k;
    return next;
}

static void check(struct world *w)
{
    for (unsigned i = 0; i < PROBES; i++) {
        const struct known *k = &w->known[rng_below(&w->random, SAS)], *older;

        if (!k->sa)
            continue;
        ck_assert_ptr_eq(ike_sa_by_spi(w->ep, ike_sa_our_spi(k->sa)), k->spi ? k->sa : NULL);
        /* The peer's SPI is not ours, even where both lie in the same chain. */
        ck_assert_ptr_null(ike_sa_by_spi(w->ep, k->sa->initiator ? k->sa->spi_r : k->sa->spi_i));
        ck_assert_uint_eq(ike_sa_init_digest(w->ep, k->sa), k->digest);
        if (k->digest)
            ck_assert_ptr_eq(ike_sa_by_init(w->ep, k->digest), k->sa);
        if (k->gone)
            ck_assert_ptr_null(ike_sa_by_init(w->ep, k->gone));
        older = k->named ? next_older(w, k) : NULL;
        ck_assert_ptr_eq(ike_sa_older(w->ep, k->sa), older ? older->sa : NULL);
    }
}

START_TEST(finders_agree_with_a_plain_array)
{
    static struct world w;

    begin(&w);
    for (uint32_t step = 1; step <= STEPS; step++) {
        change(&w, step);
        check(&w);
    }
    for (struct known *k = w.known; k < w.known + SAS; k++)
        if (k->sa)
            go(&w, k);
    ck_assert_uint_eq(ike_endpoint_memory(w.ep), 0);
    end(&w);
}
END_TEST

SUITE("finders", finders_agree_with_a_plain_array)
