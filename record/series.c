#include "record/series.h"

#include <stdlib.h>

/* Counters of one scope at the last sample. */
struct flow_seen {
    uint64_t sent_bytes, delivered_bytes;
};

struct run_seen {
    uint64_t started, completed, failed, retransmissions;
    uint64_t net_dropped[NET_DROP_COUNT];
    uint64_t esp_dropped[ESP_DROP_COUNT];
};

struct series {
    struct text text;
    bool on;
    nsec last;
    uint64_t tunnels;
    struct hist setup_ns; /* of this interval */
    struct run_seen run;
    struct flow_seen *flows;
    uint64_t *link_sent_bytes;
    nsec *host_busy_ns;
};

struct series *series_create(const struct metrics *m, FILE *sink)
{
    struct series *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->on = sink != NULL;
    s->flows = calloc((size_t)m->flow_count + 1, sizeof *s->flows);
    s->link_sent_bytes = calloc((size_t)m->link_count + 1, sizeof *s->link_sent_bytes);
    s->host_busy_ns = calloc((size_t)m->host_count + 1, sizeof *s->host_busy_ns);
    if (!s->flows || !s->link_sent_bytes || !s->host_busy_ns) {
        series_destroy(s);
        return NULL;
    }
    text_init(&s->text, sink);
    if (s->on)
        text_raw(&s->text, "time_s,scope,metric,unit,value\n");
    return s;
}

void series_destroy(struct series *s)
{
    if (!s)
        return;
    text_reset(&s->text);
    hist_reset(&s->setup_ns);
    free(s->flows);
    free(s->link_sent_bytes);
    free(s->host_busy_ns);
    free(s);
}

void series_setup(struct series *s, nsec setup)
{
    if (s->on)
        hist_add(&s->setup_ns, setup);
}

enum err series_flush(struct series *s)
{
    if (!s->on)
        return OK;
    return s->setup_ns.lost ? ERR_MEMORY : text_flush(&s->text);
}

void metrics_set_tunnels(struct metrics *m, uint64_t up)
{
    m->series->tunnels = up;
}

/* Where a row belongs: "run", or kind and name. */
struct scope {
    struct series *series;
    nsec now;
    const char *kind, *name;
};

static void row(const struct scope *at, const char *metric, const char *unit, struct fixed value)
{
    struct text *t = &at->series->text;
    char scope[256];

    snprintf(scope, sizeof scope, "%s%s%s", at->kind, at->name ? ":" : "",
             at->name ? at->name : "");
    text_fixed(t, fixed_seconds(at->now));
    text_char(t, ',');
    text_csv(t, scope);
    text_char(t, ',');
    text_csv(t, metric);
    text_char(t, ',');
    text_csv(t, unit);
    text_char(t, ',');
    text_fixed(t, value);
    text_char(t, '\n');
}

/* The growth of a counter since the last sample. */
static uint64_t growth(uint64_t *seen, uint64_t count)
{
    uint64_t n = count - *seen;

    *seen = count;
    return n;
}

static void row_growth(const struct scope *at, const char *metric, const char *unit, uint64_t *seen,
                       uint64_t count)
{
    row(at, metric, unit, fixed_count(growth(seen, count)));
}

static void row_drop(const struct scope *at, const char *kind, const char *cause, uint64_t *seen,
                     uint64_t count)
{
    uint64_t n = growth(seen, count);
    char metric[64];

    if (n == 0)
        return;
    snprintf(metric, sizeof metric, "%s.%s", kind, cause);
    row(at, metric, "packets", fixed_count(n));
}

static void sample_run(const struct scope *at, const struct metrics *m)
{
    struct series *s = at->series;

    row_growth(at, "handshakes_started", "1", &s->run.started, m->ike.started);
    row_growth(at, "handshakes_completed", "1", &s->run.completed, m->ike.completed);
    row_growth(at, "handshakes_failed", "1", &s->run.failed, m->ike.failed);
    row(at, "tunnels_up", "1", fixed_count(s->tunnels));
    if (s->setup_ns.count) {
        row(at, "setup_time_p50", "s", fixed_seconds(hist_percentile(&s->setup_ns, 500000)));
        row(at, "setup_time_p99", "s", fixed_seconds(hist_percentile(&s->setup_ns, 990000)));
    }
    row_growth(at, "retransmissions", "1", &s->run.retransmissions, m->ike.retransmissions);
    for (int i = 0; i < NET_DROP_COUNT; i++)
        row_drop(at, "dropped", net_drop_name((enum net_drop)i), &s->run.net_dropped[i],
                 m->net.dropped[i]);
    for (int i = 0; i < ESP_DROP_COUNT; i++)
        row_drop(at, "esp_dropped", esp_drop_name((enum esp_drop)i), &s->run.esp_dropped[i],
                 m->esp.dropped[i]);
    if (s->setup_ns.lost == 0)
        hist_clear(&s->setup_ns);
}

static void sample_host(const struct scope *at, const struct host_metrics *h, nsec *busy_seen)
{
    nsec busy = growth(busy_seen, h->cpu_busy_ns);
    uint64_t cores = h->cores ? h->cores : 1;

    row(at, "cpu_busy_ratio", "1", fixed_ratio(busy, (at->now - at->series->last) * cores));
    row(at, "backlog", "1", fixed_count(h->backlog));
    row(at, "half_open", "1", fixed_count(h->half_open));
    row(at, "ike_sas", "1", fixed_count(h->ike_sas));
}

static void sample_scopes(struct series *s, const struct metrics *m, nsec now)
{
    for (uint32_t i = 0; i < m->flow_count; i++) {
        const struct scope at = {s, now, "flow", m->flows[i].name};

        row_growth(&at, "esp_sent_bytes", "B", &s->flows[i].sent_bytes, m->flows[i].esp.sent_bytes);
        row_growth(&at, "esp_delivered_bytes", "B", &s->flows[i].delivered_bytes,
                   m->flows[i].esp.delivered_bytes);
    }
    for (uint32_t i = 0; i < m->group_count; i++) {
        const struct scope at = {s, now, "group", m->groups[i].name};

        if (strcmp(m->groups[i].role, "nat") == 0)
            row(&at, "nat_mappings", "1", fixed_count(m->groups[i].nat_mappings));
    }
    for (uint32_t i = 0; i < m->link_count; i++) {
        const struct scope at = {s, now, "link", m->links[i].name};

        row_growth(&at, "sent_bytes", "B", &s->link_sent_bytes[i], m->links[i].net.sent_bytes);
        row(&at, "queue_bytes", "B", fixed_count(m->links[i].queue_bytes));
    }
    for (uint32_t i = 0; i < m->host_count; i++) {
        const struct scope at = {s, now, "host", m->hosts[i].name};

        sample_host(&at, &m->hosts[i], &s->host_busy_ns[i]);
    }
}

void metrics_sample(struct metrics *m, nsec now)
{
    struct series *s = m->series;
    const struct scope run = {s, now, "run", NULL};

    if (!s->on || now <= s->last)
        return;
    sample_run(&run, m);
    sample_scopes(s, m, now);
    s->last = now;
}
