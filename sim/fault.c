#include "sim/fault.h"

#include "base/assert.h"

/* part / whole as a 32-bit fixed-point probability. */
static uint64_t share(uint64_t part, uint64_t whole)
{
    return whole ? (uint64_t)(((unsigned __int128)part << 32) / whole) : 0;
}

void loss_init(struct loss_state *s, const struct loss_words *w, struct rng *r)
{
    *s = (struct loss_state){0};
    if (w->model == LOSS_GEMODEL)
        s->state = rng_chance(r, share(w->p, w->p + w->r));
    else if (w->model == LOSS_STATE)
        s->state = 1;
}

static bool gemodel_next(struct loss_state *s, const struct loss_words *w, struct rng *r)
{
    bool lost = rng_chance(r, s->state ? w->loss_bad : w->loss_good);

    if (rng_chance(r, s->state ? w->r : w->p))
        s->state = !s->state;
    return lost;
}

/* One step of the chain; the packet is lost where the step ends in a losing state. */
static bool state_next(struct loss_state *s, const struct loss_words *w, struct rng *r)
{
    uint64_t u = rng_u32(r);

    switch (s->state) {
    case 1:
        if (u < w->p14)
            s->state = 4;
        else if (u < w->p14 + w->p13)
            s->state = 3;
        break;
    case 2:
        if (u < w->p23)
            s->state = 3;
        break;
    case 3:
        if (u < w->p32)
            s->state = 2;
        else if (u < w->p32 + w->p31)
            s->state = 1;
        break;
    case 4:
        s->state = 1;
        break;
    default:
        ASSERT(false);
    }
    return s->state >= 3;
}

bool loss_next(struct loss_state *s, const struct loss_words *w, struct rng *r)
{
    switch (w->model) {
    case LOSS_NONE:
        return false;
    case LOSS_RANDOM:
        return rng_chance(r, w->random);
    case LOSS_GEMODEL:
        return gemodel_next(s, w, r);
    case LOSS_STATE:
        return state_next(s, w, r);
    }
    ASSERT(false);
    return false;
}

uint64_t loss_expected(const struct loss_words *w)
{
    uint64_t bad;

    switch (w->model) {
    case LOSS_RANDOM:
        return w->random;
    case LOSS_GEMODEL:
        bad = share(w->p, w->p + w->r);
        return (uint64_t)(((unsigned __int128)bad * w->loss_bad +
                           (unsigned __int128)(PROBABILITY_ONE - bad) * w->loss_good) >>
                          32);
    default:
        return 0;
    }
}
