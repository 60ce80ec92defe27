#include "sim/footprint.h"

#include "base/machine_memory.h"
#include "crypto/provider.h"
#include "sim/credentials.h"
#include "sim/run.h"
#include "sim/scenario_estimate.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    COPY_NODES = 32768, /* of the largest copy, at most */
    COPY_NODES_MIN = 32,
    HALVINGS_MAX = 20,
    AFTER_ARRIVALS_S = 60,
    MMAP_THRESHOLD = 128 << 10,
    FLOOD_REQUESTS = 20000, /* a flood is as large as what is under way of it */
    OVERRIDES_ROOM = 512,
};

/* ---- a small copy ---- */

struct copy_words {
    struct scenario_override all[OVERRIDES_ROOM];
    char texts[SCENARIO_GROUPS_MAX][2][SCENARIO_NAME_MAX + 32];
    size_t count;
};

static void put(struct copy_words *w, const char *key, const char *value)
{
    if (w->count < OVERRIDES_ROOM)
        w->all[w->count++] = (struct scenario_override){key, value};
}

static uint32_t divided(uint32_t count, uint32_t halvings)
{
    uint32_t small = (uint32_t)(((uint64_t)count + (UINT64_C(1) << halvings) - 1) >> halvings);

    return small ? small : 1;
}

/* What names members goes, as there are fewer; groups that are counted by others follow them. */
static void choose_words(struct copy_words *w, const struct scenario *s,
                         const struct scenario_override *overrides, size_t count, uint32_t halvings)
{
    for (size_t i = 0; i < count; i++)
        w->all[w->count++] = overrides[i];
    put(w, "events", "[]");
    put(w, "thresholds", "{}");
    put(w, "sweep", "{}");
    put(w, "capture", "none");
    for (uint32_t g = 0; g < s->group_count && halvings; g++) {
        const struct scenario_group *group = &s->groups[g];

        if (group->one_per != SCENARIO_NONE || group->count == 1)
            continue;
        snprintf(w->texts[g][0], sizeof w->texts[g][0], "nodes.%s.count", group->name);
        snprintf(w->texts[g][1], sizeof w->texts[g][1], "%u", divided(group->count, halvings));
        put(w, w->texts[g][0], w->texts[g][1]);
    }
}

/* Who signs makes keys that take long; they are reckoned instead. */
static void choose_psk(struct copy_words *w, const struct scenario *s)
{
    if (!scenario_has_signers(s))
        return;
    put(w, "pki", "{}");
    put(w, "ike.auth", "psk");
}

static nsec arrivals_end(const struct scenario_group *g)
{
    const struct arrivals *a = &g->arrivals;
    uint64_t rate =
        a->kind == ARRIVALS_RAMP && a->to_micro > a->rate_micro ? a->to_micro : a->rate_micro;
    unsigned __int128 all = (unsigned __int128)g->count * NSEC_PER_S * 1000000;

    if (a->kind == ARRIVALS_AT_ONCE || !rate)
        return a->at;
    return nsec_add(nsec_add(a->at, a->over), (nsec)(all / rate));
}

/* The rest is changed in place. Flows keep their generators and never begin. */
static void slow_down(struct scenario *s, uint32_t halvings)
{
    nsec stop = 0;

    for (uint32_t g = 0; g < s->group_count; g++) {
        struct arrivals *a = &s->groups[g].arrivals;

        a->rate_micro = a->rate_micro >> halvings ? a->rate_micro >> halvings : a->rate_micro > 0;
        a->to_micro = a->to_micro >> halvings ? a->to_micro >> halvings : a->to_micro > 0;
        if (s->groups[g].flood.requests > FLOOD_REQUESTS)
            s->groups[g].flood.requests = FLOOD_REQUESTS;
        if (s->groups[g].role == ROLE_INITIATOR)
            stop = nsec_max(stop, arrivals_end(&s->groups[g]));
    }
    for (uint32_t f = 0; f < s->flow_count; f++) {
        s->flows[f].start_up = false;
        s->flows[f].start = NSEC_NEVER;
    }
    s->stop_time = nsec_min(s->stop_time, nsec_add(stop, AFTER_ARRIVALS_S * NSEC_PER_S));
    s->crypto_modelled = true;
    s->threshold_count = 0;
}

/* ---- the child ---- */

/* Arrays that the whole would map by themselves do so in a copy as well. */
static void map_arrays(uint32_t halvings)
{
    enum { PAGE = 4096 };

    mallopt(M_MMAP_THRESHOLD,
            MMAP_THRESHOLD >> halvings > PAGE ? MMAP_THRESHOLD >> halvings : PAGE);
}

void footprint_map_arrays(void)
{
    map_arrays(0);
}

/* Real crypto is too slow for this, but its library takes room whoever calls it. */
static void load_library(void)
{
    struct meter meter = {0};
    struct crypto *c = crypto_openssl_create(&meter);
    struct ke_pair pair;

    if (!c)
        return;
    (void)!c->class->ke_generate(c, ke_suite_named("x25519", 6), rng_stream(1, 0, RNG_TEST), &pair);
    crypto_destroy(c);
}

/* A run ends with texts, as long as there are groups and buckets. */
static void write_numbers(const struct run_outcome *outcome)
{
    struct text text;

    text_init(&text, NULL);
    result_json(&outcome->result, &text);
    metrics_scalars_csv(outcome->metrics, &text);
    metrics_histograms_json(outcome->metrics, &text);
}

static enum err run_copy(const struct scenario *s, const struct copy_words *w, uint32_t halvings,
                         struct process_memory *out)
{
    FILE *nowhere = fopen("/dev/null", "w");
    struct run_outcome outcome;
    struct scenario copy;
    char why[256];
    enum err e = nowhere ? scenario_load(s->path, w->all, w->count, &copy, nowhere) : ERR_MEMORY;

    if (e != OK)
        return e;
    map_arrays(halvings);
    slow_down(&copy, halvings);
    e = run_scenario(&(struct run_options){.scenario = &copy, .halvings = halvings}, &outcome, why,
                     sizeof why);
    if (e != OK)
        return e;
    if (!s->crypto_modelled)
        load_library();
    write_numbers(&outcome);
    return process_memory_read(out) ? OK : ERR_IO;
}

struct message {
    enum err error;
    struct process_memory measured;
};

/* In a process of its own, whose end gives everything back. */
static enum err try_copy(const struct scenario *s, const struct copy_words *w, uint32_t halvings,
                         struct process_memory *out)
{
    struct message m = {.error = ERR_MEMORY};
    struct process_memory here;
    int ends[2], status;
    pid_t child;

    if (!process_memory_read(&here) || pipe(ends) != 0)
        return ERR_MEMORY;
    fflush(NULL);

    child = fork();
    if (child == 0) {
        m.error = run_copy(s, w, halvings, &m.measured);
        _exit(write(ends[1], &m, sizeof m) == sizeof m ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0 && read(ends[0], &m, sizeof m) != sizeof m)
        m.error = ERR_MEMORY;
    if (child > 0)
        waitpid(child, &status, 0);
    close(ends[0]);
    *out = m.measured;
    /* A child begins without the pages of the program that its parent has used already. */
    if (here.file_bytes > out->file_bytes)
        out->resident_peak += here.file_bytes - out->file_bytes;
    return m.error;
}

static enum err try_halvings(const struct scenario *s, const struct scenario_override *overrides,
                             size_t count, uint32_t halvings, struct process_memory *out)
{
    struct copy_words *w = calloc(1, sizeof *w);
    enum err e;

    if (!w || count > OVERRIDES_ROOM / 2) {
        free(w);
        return w ? ERR_USAGE : ERR_MEMORY;
    }
    choose_words(w, s, overrides, count, halvings);
    choose_psk(w, s);
    e = try_copy(s, w, halvings, out);
    free(w);
    return e;
}

/* ---- the whole ---- */

/* A copy takes a + b / 2^halvings; the next smaller one tells a and b apart. */
static uint64_t carry_on(uint64_t copy, uint64_t smaller, uint32_t halvings)
{
    uint64_t half = copy > smaller ? copy - smaller : 0;

    return copy - 2 * half + ((2 * half) << halvings);
}

static enum err measure(const struct scenario *s, const struct scenario_override *overrides,
                        size_t count, struct footprint *out)
{
    struct process_memory copy, smaller;
    uint32_t h = 0;
    enum err e;

    while (s->node_count >> h > COPY_NODES)
        h++;
    e = try_halvings(s, overrides, count, h, &copy);
    while (e == ERR_MEMORY && s->node_count >> h > COPY_NODES_MIN && h < HALVINGS_MAX)
        e = try_halvings(s, overrides, count, h += 2, &copy);
    if (e == OK && h)
        e = try_halvings(s, overrides, count, h + 1, &smaller);
    if (e != OK)
        return e;
    out->halvings = h;
    out->resident_bytes =
        h ? carry_on(copy.resident_peak, smaller.resident_peak, h) : copy.resident_peak;
    out->address_bytes =
        h ? carry_on(copy.address_peak, smaller.address_peak, h) : copy.address_peak;
    return OK;
}

enum err footprint_measure(const struct scenario *s, const struct scenario_override *overrides,
                           size_t count, struct footprint *out)
{
    struct scenario_estimate reckoned;
    uint64_t more;
    enum err e = scenario_estimate(s, &reckoned);

    *out = (struct footprint){0};
    if (e != OK)
        return e;
    more = reckoned.packet_bytes + credentials_estimate(s);
    scenario_estimate_reset(&reckoned);
    e = measure(s, overrides, count, out);
    out->resident_bytes += more;
    out->address_bytes += more;
    return e;
}

/*
 * Measured, and doubled or more: a gateway has pools and tables of its own, of which the first
 * pages are touched (250 KiB, of a thousand of them); any other node, with its share of its
 * gateway, its links and what checkers and recorder remember of it, takes 2.5 KiB in a fleet and 5
 * where all are watched.
 */
uint64_t footprint_bound(const struct scenario *s)
{
    enum { NODE = 16 << 10, GATEWAY = 512 << 10, PROGRAM = 256 << 20 };
    struct scenario_estimate reckoned;
    uint64_t bytes;

    if (scenario_estimate(s, &reckoned) != OK)
        return UINT64_MAX;
    bytes = reckoned.packet_bytes + credentials_estimate(s) + (uint64_t)s->node_count * NODE;
    for (uint32_t g = 0; g < s->group_count; g++)
        if (s->groups[g].role == ROLE_RESPONDER)
            bytes += (uint64_t)s->groups[g].count * GATEWAY;
    scenario_estimate_reset(&reckoned);
    return bytes + PROGRAM;
}
