#include "sim/traffic.h"

#include "base/assert.h"
#include "base/dist.h"
#include "proto/ip/icmp.h"
#include "sim/checker.h"

#include <stdlib.h>

#define LARGEST_HOLD (600 * NSEC_PER_S)

/* Whether members of `group` send this flow, and then in which direction. */
static bool sends(const struct scenario *s, const struct scenario_flow *f, uint32_t group,
                  bool *reverse)
{
    *reverse = s->groups[group].role == ROLE_RESPONDER;
    return f->from == group || (f->both && f->to == group);
}

static uint32_t flows_of(const struct scenario *s, uint32_t group)
{
    uint32_t count = 0;
    bool reverse;

    for (uint32_t i = 0; i < s->flow_count; i++)
        count += sends(s, &s->flows[i], group, &reverse);
    return count;
}

enum err traffic_init(struct lab *lab, uint32_t node, uint32_t tunnels, struct traffic *t)
{
    uint32_t group = lab->sim.nodes[node].group;

    *t = (struct traffic){.count = flows_of(lab->scenario, group) * tunnels, .tunnels = tunnels};
    if (t->count == 0)
        return OK;
    t->generators = calloc(t->count, sizeof *t->generators);
    if (!t->generators) {
        t->count = 0;
        return ERR_MEMORY;
    }
    if (timerq_init(&t->due, t->count) == OK)
        return OK;
    free(t->generators);
    *t = (struct traffic){0};
    return ERR_MEMORY;
}

void traffic_reset(struct traffic *t)
{
    free(t->generators);
    if (t->count)
        timerq_reset(&t->due);
    *t = (struct traffic){0};
}

static void begin(struct lab *lab, struct traffic *t, uint32_t i, const struct scenario_flow *f,
                  uint32_t flow, bool reverse, uint32_t tunnel)
{
    struct generator *g = &t->generators[i];
    nsec start = f->start_up || f->start < lab->sim.now ? lab->sim.now : f->start;
    uint64_t name = ((uint64_t)flow << 1 | reverse) << 32 | tunnel;

    if (g->started)
        return;
    *g = (struct generator){
        .next = {.flow = (uint16_t)flow, .reverse = reverse, .df = f->df, .tunnel = tunnel},
        .until = nsec_add(start, f->duration),
        .time_random = rng_stream(lab->scenario->seed, name, RNG_TRAFFIC_TIME),
        .size_random = rng_stream(lab->scenario->seed, name, RNG_TRAFFIC_SIZE),
        .started = true,
    };
    timerq_arm(&t->due, i, start);
}

void traffic_begin(struct lab *lab, struct traffic *t, uint32_t node, uint32_t tunnel,
                   uint32_t slot)
{
    const struct scenario *s = lab->scenario;
    uint32_t group = lab->sim.nodes[node].group;
    uint32_t client_group = lab->tunnels[tunnel].group;
    uint32_t ordinal = 0;
    bool reverse;

    if (t->count == 0)
        return;
    for (uint32_t i = 0; i < s->flow_count; i++) {
        const struct scenario_flow *f = &s->flows[i];

        if (!sends(s, f, group, &reverse))
            continue;
        if (f->from == client_group || f->to == client_group)
            begin(lab, t, ordinal * t->tunnels + slot, f, i, reverse, tunnel);
        ordinal++;
    }
}

static uint32_t draw_size(struct generator *g, const struct scenario_flow *f)
{
    uint64_t u;

    switch (f->size) {
    case SIZE_FIXED:
        return f->size_min;
    case SIZE_RANGE:
        return f->size_min + (uint32_t)rng_below(&g->size_random, f->size_max - f->size_min + 1);
    case SIZE_IMIX:
        u = rng_below(&g->size_random, 12);
        return u < 7 ? 64 : u < 11 ? 570 : 1400;
    }
    ASSERT(false);
    return 0;
}

static struct generator *generator_of(struct traffic *t, const struct payload *p)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct generator *g = &t->generators[i];

        if (g->started && g->next.flow == p->flow && g->next.tunnel == p->tunnel &&
            g->next.reverse == p->reverse)
            return g;
    }
    return NULL;
}

/* RFC 1191 §6.3, §6.5: as TCP does, and for as long. */
void traffic_icmp(struct lab *lab, struct traffic *t, struct bytes packet)
{
    struct icmp_message icmp;
    struct generator *g;
    struct ip_packet ip;
    struct payload p;

    if (ip_read(packet, &ip) != OK || icmp_read(&ip, &icmp) != OK || icmp.kind != ICMP_TOO_BIG ||
        payload_quoted(icmp.data, checker_tag(lab->checker), &p) != OK)
        return;
    g = generator_of(t, &p);
    if (!g)
        return;
    g->largest = icmp.mtu > PAYLOAD_MIN ? icmp.mtu : (uint32_t)PAYLOAD_MIN;
    g->largest_until = nsec_add(lab->sim.now, LARGEST_HOLD);
}

static uint32_t next_size(struct generator *g, const struct scenario_flow *f, nsec now)
{
    uint32_t size = draw_size(g, f);

    if (g->largest && now >= g->largest_until)
        g->largest = 0;
    return g->largest && size > g->largest ? g->largest : size;
}

/* Time from a burst of so many bytes to the next one. */
static nsec interval(struct generator *g, const struct scenario_flow *f, uint64_t size)
{
    uint64_t rate = f->rate_bps ? f->rate_bps : f->packet_rate_micro;
    unsigned __int128 units;
    nsec mean;

    units = f->rate_bps ? (unsigned __int128)size * 8 * NSEC_PER_S
                        : (unsigned __int128)NSEC_PER_S * 1000000 * f->burst;
    if (f->poisson) {
        mean = (nsec)(units / rate);
        return dist_exponential(&g->time_random, mean);
    }
    units += g->remainder;
    g->remainder = (uint64_t)(units % rate);
    return (nsec)(units / rate);
}

/* When the generator that has just made a packet makes the next one. */
static nsec next_time(struct generator *g, const struct scenario_flow *f, uint32_t size, nsec now)
{
    uint64_t bytes = g->burst_bytes + size;

    if (++g->burst < f->burst) {
        g->burst_bytes = bytes;
        return now;
    }
    g->burst = 0;
    g->burst_bytes = 0;
    return nsec_add(now, interval(g, f, bytes));
}

bool traffic_next(struct lab *lab, struct traffic *t, struct payload *out, uint32_t *size)
{
    nsec now = lab->sim.now;
    const struct scenario_flow *f;
    struct generator *g;
    nsec next;
    uint32_t i;

    if (t->count == 0 || !timerq_expire(&t->due, now, &i))
        return false;
    g = &t->generators[i];
    f = &lab->scenario->flows[g->next.flow];
    *out = g->next;
    out->port = (uint16_t)(f->ports > 1 ? out->sequence % f->ports : 0);
    *size = next_size(g, f, now);
    g->next.sequence++;
    next = next_time(g, f, *size, now);
    if (next < g->until)
        timerq_arm(&t->due, i, next);
    return true;
}
