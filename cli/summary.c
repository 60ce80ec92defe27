#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For eyes only: nothing here decides anything, so a double will do. */
static double value_of(struct fixed f)
{
    double v = (double)f.value;

    for (int i = 0; i < f.decimals; i++)
        v /= 10;
    return v;
}

static bool colours(FILE *to)
{
    const char *term = getenv("TERM");

    return isatty(fileno(to)) && !getenv("NO_COLOR") && !(term && strcmp(term, "dumb") == 0);
}

static void print_time(FILE *to, double seconds)
{
    if (seconds < 0.001)
        fprintf(to, "%.0f us", seconds * 1e6);
    else if (seconds < 1)
        fprintf(to, "%.1f ms", seconds * 1e3);
    else
        fprintf(to, "%.2f s", seconds);
}

static double metric(const struct result *r, const char *path)
{
    struct metric m;

    return metrics_find(r->metrics, path, &m) && !m.hist && !m.value.none ? value_of(m.value) : 0;
}

static void print_head(FILE *to, const struct result *r)
{
    double simulated = (double)r->metrics->duration / 1e9, wall = (double)r->wall.run_ns / 1e9;

    fprintf(to, "%s  seed %llu  %.0f s simulated in %.2f s", r->scenario,
            (unsigned long long)r->seed, simulated, wall);
    if (wall > 0)
        fprintf(to, "  (%.0fx real time, %.2f M events)", simulated / wall,
                (double)r->wall.events / 1e6);
    fprintf(to, "\n  digest %016llx%s%s\n", (unsigned long long)r->digest,
            strcmp(r->crypto, "real") == 0 ? "" : "   crypto modelled, NOT SECURE",
            r->partial ? "   PARTIAL: stopped early" : "");
    if (r->wrong)
        fprintf(to, "  DELIBERATELY WRONG: %s\n", r->wrong);
}

/* How the peers authenticate; of pre-shared keys, the default, nothing is said. */
static void print_auth(FILE *to, const struct result *r)
{
    const char *auth = NULL, *form = NULL;

    for (size_t i = 0; i < r->security_count; i++) {
        if (strcmp(r->security[i].key, "auth") == 0)
            auth = r->security[i].text;
        if (strcmp(r->security[i].key, "auth_form") == 0)
            form = r->security[i].text;
    }
    if (auth && strcmp(auth, "psk") != 0)
        fprintf(to, "  authenticated by %s%s%s\n", auth, form ? ", test " : "", form ? form : "");
}

static void print_setup_times(FILE *to, const struct hist *h)
{
    static const struct {
        const char *name;
        uint32_t ppm;
    } shown[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"max", 1000000}};

    if (h->count == 0)
        return;
    fprintf(to, "  set-up time ");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        fprintf(to, "  %s ", shown[i].name);
        print_time(to, (double)hist_percentile(h, shown[i].ppm) / 1e9);
    }
    fputc('\n', to);
}

/* What each version of IKE took, where there is IKEv1. */
static void print_versions(FILE *to, const struct metrics *m)
{
    for (unsigned i = 0; m->by_version && i < METRIC_VERSIONS; i++) {
        const struct version_metrics *v = &m->versions[i];
        double completed = (double)v->completed;

        if (!v->started)
            continue;
        fprintf(to, "  IKEv%u         %llu of %llu completed", i + 1,
                (unsigned long long)v->completed, (unsigned long long)v->started);
        if (v->completed)
            fprintf(to, "; for each %.1f messages, %.0f bytes, %.1f round trips",
                    (double)v->messages / completed, (double)v->bytes / completed,
                    (double)v->answers / completed);
        fputc('\n', to);
    }
}

/* XAUTH and Mode-Config. */
static void print_users(FILE *to, const struct ike_metrics *ike)
{
    if (ike->users_known || ike->users_refused)
        fprintf(to, "  users         %llu known; refusals at either end: %llu\n",
                (unsigned long long)ike->users_known, (unsigned long long)ike->users_refused);
    if (ike->addresses_given || ike->addresses_short)
        fprintf(to, "  addresses     %llu given, %llu asked for when none was left\n",
                (unsigned long long)ike->addresses_given, (unsigned long long)ike->addresses_short);
}

static void print_handshakes(FILE *to, const struct result *r)
{
    const struct ike_metrics *ike = &r->metrics->ike;

    fprintf(to, "  handshakes    %llu of %llu completed, %llu failed, %llu pending",
            (unsigned long long)ike->completed, (unsigned long long)ike->started,
            (unsigned long long)ike->failed,
            (unsigned long long)(ike->started - ike->completed - ike->failed));
    if (ike->installed)
        fprintf(to, ", %llu installed", (unsigned long long)ike->installed);
    fprintf(to, "   %.1f/s mean, %llu/s peak\n", metric(r, "ike.rate_per_s.mean"),
            (unsigned long long)ike->peak_1s);
    print_versions(to, r->metrics);
    print_users(to, ike);
    print_setup_times(to, &ike->setup_time_ns);
    if (ike->setup_time_ns.count || ike->installed)
        fprintf(to,
                "  exchanges     %llu retransmissions, rekeys %llu IKE, %llu child, "
                "%llu dead peers\n",
                (unsigned long long)ike->retransmissions, (unsigned long long)ike->rekeys_ike,
                (unsigned long long)ike->rekeys_child, (unsigned long long)ike->dpd_failures);
}

/* How fast this machine carried it. */
static void print_esp_speed(FILE *to, const struct result *r)
{
    uint64_t carried = r->wall.esp_alone + r->wall.esp_together;
    bool modelled = strcmp(r->crypto, "modelled") == 0;

    if (r->metrics->esp.delivered_bytes == 0 || carried == 0 || r->wall.run_ns == 0)
        return;
    fprintf(to, "  esp simulated at %.3g Gbit/s, ",
            (double)r->metrics->esp.delivered_bytes * 8 / (double)r->wall.run_ns);
    if (modelled)
        fprintf(to, "its cryptography modelled\n");
    else
        fprintf(to, "by %s, %.0f %% of packets together with others\n", provenance()->packets_by,
                100.0 * (double)r->wall.esp_together / (double)carried);
}

static void print_esp(FILE *to, const struct result *r)
{
    const struct esp_metrics *esp = &r->metrics->esp;

    if (esp->sent_packets == 0)
        return;
    fprintf(to, "  esp           %llu of %llu packets delivered (%.2f %%), %.2f Mbit/s\n",
            (unsigned long long)esp->delivered_packets, (unsigned long long)esp->sent_packets,
            100 * metric(r, "esp.delivered_ratio"), metric(r, "esp.throughput_bps") / 1e6);
    print_esp_speed(to, r);
}

static void print_drops(FILE *to, const struct result *r)
{
    const char *lead = "  dropped       ";

    for (int i = 0; i < NET_DROP_COUNT; i++)
        if (r->metrics->net.dropped[i]) {
            fprintf(to, "%s%s %llu", lead, net_drop_name((enum net_drop)i),
                    (unsigned long long)r->metrics->net.dropped[i]);
            lead = ", ";
        }
    for (int i = 0; i < ESP_DROP_COUNT; i++)
        if (r->metrics->esp.dropped[i]) {
            fprintf(to, "%sesp %s %llu", lead, esp_drop_name((enum esp_drop)i),
                    (unsigned long long)r->metrics->esp.dropped[i]);
            lead = ", ";
        }
    if (lead[0] == ',')
        fprintf(to, "\n");
}

static void print_hosts(FILE *to, const struct result *r)
{
    for (uint32_t i = 0; i < r->metrics->host_count; i++) {
        const struct host_metrics *h = &r->metrics->hosts[i];

        if (h->cores == 0 || r->metrics->duration == 0)
            continue;
        fprintf(to, "  %-13s CPU %.1f %% of %u cores, wait p99 ", h->name,
                100.0 * (double)h->cpu_busy_ns / ((double)r->metrics->duration * h->cores),
                h->cores);
        print_time(to, (double)hist_percentile(&h->queue_wait_ns, 990000) / 1e9);
        fprintf(to, ", %llu IKE SAs\n", (unsigned long long)h->ike_sas);
    }
}

static void print_thresholds(FILE *to, const struct result *r)
{
    bool colour = colours(to);

    for (size_t i = 0; i < r->threshold_count; i++) {
        const struct threshold_result *v = &r->verdicts[i];
        const char *mark = v->pass ? "\xe2\x9c\x93" : "\xe2\x9c\x97";

        fprintf(to, "  %s%s%s %s %s", colour ? (v->pass ? "\033[32m" : "\033[31m") : "", mark,
                colour ? "\033[0m" : "", r->thresholds[i].metric, r->thresholds[i].expect);
        if (v->value.none)
            fprintf(to, "   (nothing was measured)\n");
        else
            fprintf(to, "   (%.6g)\n", value_of(v->value));
    }
}

static void print_capture(FILE *to, const struct result *r, const char *folder)
{
    if (r->capture.interfaces == 0)
        return; /* `capture: none` */
    fprintf(to, "capture   %s/capture.pcapng", folder);
    if (strcmp(r->crypto, "modelled") == 0)
        fprintf(to, "   (modelled crypto: Wireshark cannot decrypt it)\n");
    else
        fprintf(to, "   (opens decrypted: %s/open.sh)\n", folder);
}

void summary_print(FILE *to, const struct result *r, const char *folder, bool report)
{
    print_head(to, r);
    print_auth(to, r);
    print_handshakes(to, r);
    print_esp(to, r);
    print_drops(to, r);
    print_hosts(to, r);
    print_thresholds(to, r);
    if (report)
        fprintf(to, "report    %s/report.html\n", folder);
    print_capture(to, r, folder);
    fprintf(to, "numbers   %s/result.json\n", folder);
}
