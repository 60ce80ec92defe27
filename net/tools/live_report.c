#include "net/tools/live_report.h"

#include "record/result.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SECURITY_ITEMS = 4,
    STEPS = 28, /* 1 us to 1000 s, and what is above */
    BAR = 40,   /* the longest, in characters */
};

#define BEHIND_MUCH (10 * NSEC_PER_MS)

/* Whether something makes or takes inner packets. */
static bool carries(const struct live_words *w)
{
    return w->live.data.name || w->live.load.to.family || w->live.echo;
}

static uint64_t peak_rss(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* As --version has it: 0 answers both. */
static uint64_t version_of(const struct ike_config *c)
{
    if (c->answers == (1u << IKE_V1 | 1u << IKE_V2))
        return 0;
    return c->version ? c->version : IKE_V2;
}

/* What result.json is made of. `security` has SECURITY_ITEMS. */
static struct result result_of(const struct live_words *w, const struct live_outcome *o,
                               struct security_item *security)
{
    const struct security_item items[SECURITY_ITEMS] = {
        {"ike", "version", NULL, fixed_count(version_of(&w->live.config))},
        {"ike", "auth", auth_way_name(w->live.config.auth.way), FIXED_NONE},
        {"ike", "proposals", w->ike, FIXED_NONE},
        {"esp", "proposals", w->esp, FIXED_NONE},
    };

    memcpy(security, items, sizeof items);
    return (struct result){
        .scenario = w->live.config.respond ? "live-respond" : "live-initiate",
        .crypto = "real",
        .partial = o->signal != 0,
        .metrics = o->metrics,
        .security = security,
        .security_count = SECURITY_ITEMS,
        .wall = {.run_ns = o->took, .events = o->received, .peak_rss_bytes = peak_rss()},
    };
}

void live_report_json(const struct live_words *w, const struct live_outcome *o)
{
    struct security_item security[SECURITY_ITEMS];
    struct result r = result_of(w, o, security);
    struct text text;

    text_init(&text, stdout);
    result_json(&r, &text);
    (void)!text_flush(&text);
    text_reset(&text);
}

enum err live_report_write(const struct live_words *w, const struct live_outcome *o,
                           struct run_folder *folder)
{
    struct security_item security[SECURITY_ITEMS];
    struct result r = result_of(w, o, security);

    return result_write(&r, folder);
}

static void print_percentile(const struct hist *h, const char *name, uint32_t ppm)
{
    printf("  %s %.3f ms", name, (double)hist_percentile(h, ppm) / 1e6);
}

/* The next of 1, 2, 5, 10, 20 ... us. */
static uint64_t next_step(uint64_t step)
{
    uint64_t decade = 1000;

    while (decade * 10 <= step)
        decade *= 10;
    return step / decade == 2 ? decade * 5 : step * 2;
}

static void print_bar(uint64_t limit, uint64_t count, uint64_t most)
{
    printf("  <= %9g ms %8llu  ", (double)limit / 1e6, (unsigned long long)count);
    for (uint64_t i = 0; i * most < count * BAR; i++)
        putchar('#');
    putchar('\n');
}

/* Counts between the steps, and a bar for each; empty steps at both ends are left out. */
static void print_histogram(const struct hist *h)
{
    uint64_t counts[STEPS] = {0}, most = 0, limit = 1000;
    int steps = 0, first = STEPS;

    for (struct hist_bucket b = {0}; hist_next(h, &b);) {
        while (limit < b.high && steps < STEPS - 1) {
            limit = next_step(limit);
            steps++;
        }
        counts[steps] += b.count;
        first = steps < first ? steps : first;
        most = counts[steps] > most ? counts[steps] : most;
    }
    limit = 1000;
    for (int i = 0; i <= steps; i++, limit = next_step(limit))
        if (i >= first)
            print_bar(limit, counts[i], most);
}

static void print_times(const char *name, const struct hist *h)
{
    printf("%s", name);
    print_percentile(h, "p50", 500000);
    print_percentile(h, "p90", 900000);
    print_percentile(h, "p99", 990000);
    print_percentile(h, "p99.9", 999000);
    print_percentile(h, "max", 1000000);
    printf("\n");
    if (h->count > 1)
        print_histogram(h);
}

/* A value of the result, as result.json has it. */
static double value_of(const struct metrics *m, const char *path)
{
    struct metric metric;
    double value = 0;

    if (metrics_find(m, path, &metric) && !metric.value.none) {
        value = (double)metric.value.value;
        for (int i = 0; i < metric.value.decimals; i++)
            value /= 10;
    }
    return value;
}

static void print_load(const struct metrics *m)
{
    const struct esp_metrics *esp = &m->esp;

    printf("load        %llu echoes sent, %llu answered, %llu lost (%.4f %%)",
           (unsigned long long)esp->sent_packets, (unsigned long long)esp->delivered_packets,
           (unsigned long long)esp->echo.lost, value_of(m, "esp.lost_ratio") * 100);
    if (esp->dropped[ESP_DROP_UNSENT])
        printf(", %llu never sent", (unsigned long long)esp->dropped[ESP_DROP_UNSENT]);
    printf("\n  out   %.1f/s %.3f Mbit/s\n  back  %.1f/s %.3f Mbit/s\n",
           value_of(m, "esp.sent_per_s"), value_of(m, "esp.sent_bps") / 1e6,
           value_of(m, "esp.delivered_per_s"), value_of(m, "esp.throughput_bps") / 1e6);
    if (esp->echo.round_trip_ns.count)
        print_times("round trip", &esp->echo.round_trip_ns);
}

void live_report_text(const struct live_words *w, const struct live_outcome *o)
{
    const struct ike_metrics *m = &o->metrics->ike;
    const struct esp_metrics *esp = &o->metrics->esp;
    const struct hist *h = &m->setup_time_ns;
    struct fixed rate = fixed_rate(
        m->completed, m->last_up == NSEC_NEVER || !m->completed ? 0 : m->last_up - m->first_start);

    printf("handshakes  %llu started, %llu completed, %llu failed", (unsigned long long)m->started,
           (unsigned long long)m->completed, (unsigned long long)m->failed);
    if (!rate.none)
        printf(", %.1f/s", (double)rate.value / 1e6);
    printf("\n");
    for (int i = 0; i < FAILURE_NAMES_MAX && m->failed_by[i].name; i++)
        printf("  %s %llu\n", m->failed_by[i].name, (unsigned long long)m->failed_by[i].count);
    if (h->count)
        print_times("setup time", h);
    if (w->live.load.to.family)
        print_load(o->metrics);
    else if (carries(w))
        printf("esp         %llu packets sent, %llu delivered\n",
               (unsigned long long)esp->sent_packets, (unsigned long long)esp->delivered_packets);
}

static void print_drops(const struct live_words *w, const struct live_outcome *o)
{
    for (int i = 0; i < IKE_DROP_COUNT; i++)
        if (o->counters.dropped[i])
            fprintf(stderr, "ikelab-live: %llu messages dropped: %s\n",
                    (unsigned long long)o->counters.dropped[i], ike_drop_name(i));
    if (o->unsent)
        fprintf(stderr, "ikelab-live: the system refused to send %llu datagrams\n",
                (unsigned long long)o->unsent);
    if (o->esp_received && !carries(w))
        fprintf(stderr,
                "ikelab-live: %llu ESP datagrams came, %llu opened, all dropped: no --tun\n",
                (unsigned long long)o->esp_received, (unsigned long long)o->counters.esp_opened);
    if (o->left)
        fprintf(stderr, "ikelab-live: %u IKE SAs were not deleted: no answer\n", o->left);
}

static void print_count(uint64_t count, const char *what)
{
    if (count)
        fprintf(stderr, "ikelab-live: %llu %s\n", (unsigned long long)count, what);
}

static void print_data_drops(const struct live_words *w, const struct live_outcome *o)
{
    const struct ike_counters *c = &o->counters;

    print_count(c->esp_unsent_no_policy, "packets not sent: no child SA is for them");
    print_count(c->esp_unsent_no_sa, "packets not sent: their child SA was gone");
    print_count(c->esp_unsent_limit, "packets not sent: child SA at its limit, or not whole IP");
    print_count(c->esp_dropped_no_sa, "ESP packets dropped: unknown SPI");
    print_count(c->esp_dropped_replay, "ESP packets dropped: replay");
    print_count(c->esp_dropped_icv, "ESP packets dropped: wrong ICV");
    print_count(c->esp_dropped_other, "ESP packets dropped: content, or not for this child SA");
    print_count(o->refused, w->live.echo ? "packets that were no echo request"
                                         : "packets refused by the TUN device");
    print_count(o->metrics->esp.echo.strays, "packets that were no answer, or came too late");
    if (o->metrics->esp.echo.behind > BEHIND_MUCH)
        fprintf(
            stderr,
            "ikelab-live: requests were sent up to %.1f ms after they were due: this machine is "
            "too slow for the rate\n",
            (double)o->metrics->esp.echo.behind / 1e6);
}

void live_report_drops(const struct live_words *w, const struct live_outcome *o)
{
    print_drops(w, o);
    if (carries(w))
        print_data_drops(w, o);
}
