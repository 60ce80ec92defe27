/*
 * The bound of the simulator's queue: the hold model on a ladder queue. One hold takes the
 * earliest event out and puts it back later; the number of events stays what it is.
 */
#include "ladder.h"
#include "loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DELAYS = 1 << 20, PENDING_MAX = 10000000, TICK_NS = 16 };

/* Delays are drawn before the measurement: log() costs more than a hold. In ticks of 16 ns
 * they fit into 32 bits, up to 68 s. */
struct hold {
    struct ladder queue;
    uint32_t delay[DELAYS];
    uint32_t next_delay;
    uint32_t order;
    struct event last;
};

static uint64_t draw(uint64_t *state) /* xorshift64 */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Exponential with a mean of a second: the classic hold model. */
static double delay_exp(double u, uint64_t *state)
{
    (void)state;
    return -log(u) * 1e9;
}

/* The shape of a run of IKE: seven messages that take 20 ms for each retransmission timer of 1
 * to 32 s. */
static double delay_net(double u, uint64_t *state)
{
    if (draw(state) & 7)
        return 20e6 * (1 + 0.05 * u);
    return 1e9 * (double)(1u << (draw(state) % 6)) * (1 + 0.1 * u);
}

static const struct mix {
    const char *name;
    double (*delay)(double u, uint64_t *state);
} mixes[] = {{"exp", delay_exp}, {"net", delay_net}};

enum { MIXES = sizeof mixes / sizeof mixes[0] };

static inline uint64_t next_delay_ns(struct hold *h)
{
    return (uint64_t)h->delay[h->next_delay++ % DELAYS] * TICK_NS;
}

static inline void put(struct hold *h, uint64_t now_ns, uint32_t id)
{
    ladder_push(&h->queue, (struct event){now_ns + next_delay_ns(h), h->order++, id});
}

/* When one of many events is due after a long time of holding: twice the longest timer. */
static uint64_t settled_ns(struct hold *h)
{
    const uint64_t long_ns = UINT64_C(64000000000);
    uint64_t at_ns = 0;

    while (at_ns <= long_ns)
        at_ns += next_delay_ns(h);
    return at_ns - long_ns;
}

static void holds(void *state, uint64_t count)
{
    struct hold *h = state;
    int in_order = 1;

    for (uint64_t i = 0; i < count; i++) {
        struct event event = ladder_pop(&h->queue);

        in_order &= event_before(&h->last, &event);
        h->last = event;
        put(h, event.at_ns, event.id);
    }
    need(in_order, "order of events");
}

static void drop(void *state)
{
    struct hold *h = state;

    ladder_reset(&h->queue);
    free(h);
}

static void draw_delays(struct hold *h, const struct mix *mix)
{
    uint64_t state = UINT64_C(88172645463325252);

    for (uint32_t i = 0; i < DELAYS; i++) {
        double u = ((double)(draw(&state) >> 11) + 1) * 0x1p-53;

        h->delay[i] = (uint32_t)(mix->delay(u, &state) / TICK_NS) + 1;
    }
}

static const char by[] = "ladder queue, 16 bytes an event";

static bool open_row(void *context, const struct row_name *name, struct row *out)
{
    const struct mix *mix = mixes;
    uint64_t pending;
    struct hold *h;

    (void)context;
    if (name->parts != 2 || !loop_number(name->part[1], PENDING_MAX, &pending))
        return false;
    while (mix < mixes + MIXES && strcmp(mix->name, name->part[0]) != 0)
        mix++;
    if (mix == mixes + MIXES)
        return false;
    h = need_memory(1, sizeof *h);
    ladder_init(&h->queue);
    draw_delays(h, mix);
    for (uint32_t i = 0; i < pending; i++)
        ladder_push(&h->queue, (struct event){settled_ns(h), h->order++, i});
    holds(h, pending); /* until the buckets are as they stay */
    *out = (struct row){holds, drop, h, by};
    return true;
}

static void list(void *context)
{
    static const unsigned pending[] = {1000, 10000, 100000, 1000000};
    char row[ROW_LEN_MAX];

    (void)context;
    for (unsigned m = 0; m < MIXES; m++)
        for (unsigned i = 0; i < sizeof pending / sizeof pending[0]; i++) {
            snprintf(row, sizeof row, "%s/%u", mixes[m].name, pending[i]);
            loop_show(row, by);
        }
}

int main(int argc, char **argv)
{
    const struct loop loop = {
        .help = "  exp/N   N events pending (1 to 10000000), delays exponential, mean 1 s\n"
                "  net/N   delays of messages (20 ms) and of timers (1 to 32 s), 7 to 1\n",
        .open = open_row,
        .list = list,
    };

    return loop_main(&loop, argc, argv);
}
