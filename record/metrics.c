#include "record/metrics.h"
#include "base/assert.h"
#include "record/series.h"

#include <stdlib.h>

static const char *const net_drop_names[NET_DROP_COUNT] = {
#define X(symbol, name) name,
    NET_DROP_LIST(X)
#undef X
};

static const char *const esp_drop_names[ESP_DROP_COUNT] = {
#define X(symbol, name) name,
    ESP_DROP_LIST(X)
#undef X
};

const char *net_drop_name(enum net_drop d)
{
    ASSERT((unsigned)d < NET_DROP_COUNT);
    return net_drop_names[d];
}

const char *esp_drop_name(enum esp_drop d)
{
    ASSERT((unsigned)d < ESP_DROP_COUNT);
    return esp_drop_names[d];
}

const char *fragment_drop_name(enum fragment_drop d)
{
    static const char *const names[FRAGMENT_DROP_COUNT] = {
#define X(symbol, name) name,
        FRAGMENT_DROP_LIST(X)
#undef X
    };

    ASSERT((unsigned)d < FRAGMENT_DROP_COUNT);
    return names[d];
}

const char *path_metric_name(enum path_metric p)
{
    static const char *const names[PATH_METRIC_COUNT] = {
#define X(symbol, name) name,
        PATH_METRIC_LIST(X)
#undef X
    };

    ASSERT((unsigned)p < PATH_METRIC_COUNT);
    return names[p];
}

enum esp_drop esp_drop_of(enum err refusal)
{
    switch (refusal) {
    case ERR_REPLAY:
        return ESP_DROP_REPLAY;
    case ERR_ICV:
        return ESP_DROP_ICV;
    case ERR_NO_SA:
        return ESP_DROP_NO_SA;
    default:
        return ESP_DROP_OTHER;
    }
}

static void ike_init(struct ike_metrics *ike)
{
    ike->first_start = ike->last_up = NSEC_NEVER;
}

static void esp_init(struct esp_metrics *esp)
{
    esp->first_sent = esp->last_delivered = esp->echo.sending_ended = NSEC_NEVER;
}

static bool scopes_create(struct metrics *m, const struct metrics_options *o)
{
    m->group_count = o->groups.count;
    m->link_count = o->links.count;
    m->flow_count = o->flows.count;
    m->host_count = o->hosts.count;
    /* One more than asked, so that none of nothing is not mistaken for no memory. */
    m->groups = calloc((size_t)m->group_count + 1, sizeof *m->groups);
    m->links = calloc((size_t)m->link_count + 1, sizeof *m->links);
    m->flows = calloc((size_t)m->flow_count + 1, sizeof *m->flows);
    m->hosts = calloc((size_t)m->host_count + 1, sizeof *m->hosts);
    return m->groups && m->links && m->flows && m->hosts;
}

static void scopes_init(struct metrics *m, const struct metrics_options *o)
{
    for (uint32_t i = 0; i < m->group_count; i++) {
        m->groups[i].name = o->groups.names[i];
        m->groups[i].role = "";
        ike_init(&m->groups[i].ike);
    }
    for (uint32_t i = 0; i < m->link_count; i++)
        m->links[i].name = o->links.names[i];
    for (uint32_t i = 0; i < m->flow_count; i++) {
        m->flows[i].name = o->flows.names[i];
        esp_init(&m->flows[i].esp);
    }
    for (uint32_t i = 0; i < m->host_count; i++) {
        m->hosts[i].name = o->hosts.names[i];
        m->hosts[i].cores = 1;
    }
}

enum err metrics_create(const struct metrics_options *o, struct metrics **out)
{
    struct metrics *m = calloc(1, sizeof *m);

    ASSERT(o->one_end || !o->echo);
    *out = NULL;
    if (!m)
        return ERR_MEMORY;
    m->measure_from = o->measure_from;
    m->one_end = o->one_end;
    m->echo = o->echo;
    m->by_version = o->by_version;
    ike_init(&m->ike);
    esp_init(&m->esp);
    if (!scopes_create(m, o) || !(m->series = series_create(m, o->series))) {
        metrics_destroy(m);
        return ERR_MEMORY;
    }
    scopes_init(m, o);
    *out = m;
    return OK;
}

static void ike_reset(struct ike_metrics *ike)
{
    hist_reset(&ike->setup_time_ns);
    hist_reset(&ike->time_to_first_packet_ns);
}

static void esp_reset(struct esp_metrics *esp)
{
    hist_reset(&esp->latency_ns);
    hist_reset(&esp->echo.round_trip_ns);
}

void metrics_destroy(struct metrics *m)
{
    if (!m)
        return;
    ike_reset(&m->ike);
    for (int i = 0; i < METRIC_VERSIONS; i++)
        hist_reset(&m->versions[i].setup_time_ns);
    esp_reset(&m->esp);
    for (uint32_t i = 0; m->groups && i < m->group_count; i++)
        ike_reset(&m->groups[i].ike);
    for (uint32_t i = 0; m->flows && i < m->flow_count; i++)
        esp_reset(&m->flows[i].esp);
    for (uint32_t i = 0; m->hosts && i < m->host_count; i++) {
        hist_reset(&m->hosts[i].queue_wait_ns);
        hist_reset(&m->hosts[i].look_up_wait_ns);
    }
    series_destroy(m->series);
    free(m->groups);
    free(m->links);
    free(m->flows);
    free(m->hosts);
    free(m);
}

/* NULL: nobody asks for it. */
static struct version_metrics *version_of(struct metrics *m, unsigned version)
{
    if (!m->by_version || version == 0 || version > METRIC_VERSIONS)
        return NULL;
    return &m->versions[version - 1];
}

static void ike_started(struct ike_metrics *ike, nsec now)
{
    ike->started++;
    ike->first_start = nsec_min(ike->first_start, now);
}

void metrics_ike_started(struct metrics *m, uint32_t group, nsec now)
{
    struct version_metrics *v;

    ASSERT(group < m->group_count);
    ike_started(&m->ike, now);
    ike_started(&m->groups[group].ike, now);
    v = version_of(m, m->groups[group].version);
    if (v)
        v->started++;
}

/* peak_1s counts in seconds of simulated time: [k s, k+1 s). */
static void ike_completed(struct ike_metrics *ike, nsec now, nsec setup, bool measured)
{
    ike->completed++;
    if (!measured)
        return;
    if (now / NSEC_PER_S != ike->second) {
        ike->second = now / NSEC_PER_S;
        ike->second_count = 0;
    }
    if (++ike->second_count > ike->peak_1s)
        ike->peak_1s = ike->second_count;
    ike->completed_measured++;
    ike->last_up = now;
    hist_add(&ike->setup_time_ns, setup);
}

void metrics_ike_completed(struct metrics *m, uint32_t group, nsec now, nsec started)
{
    bool measured = now >= m->measure_from;
    struct version_metrics *v;

    ASSERT(group < m->group_count && started <= now);
    ike_completed(&m->ike, now, now - started, measured);
    ike_completed(&m->groups[group].ike, now, now - started, measured);
    v = version_of(m, m->groups[group].version);
    if (v) {
        v->completed++;
        if (measured)
            hist_add(&v->setup_time_ns, now - started);
    }
    series_setup(m->series, now - started);
}

static void failure_add(struct ike_metrics *ike, const char *reason)
{
    size_t i = 0;

    while (i < FAILURE_NAMES_MAX && ike->failed_by[i].name &&
           strcmp(ike->failed_by[i].name, reason) != 0)
        i++;
    ASSERT(i < FAILURE_NAMES_MAX); /* names are constants of ours */
    ike->failed_by[i].name = reason;
    ike->failed_by[i].count++;
    ike->failed++;
}

void metrics_ike_failed(struct metrics *m, uint32_t group, nsec now, const char *reason)
{
    struct version_metrics *v;

    (void)now;
    ASSERT(group < m->group_count);
    failure_add(&m->ike, reason);
    failure_add(&m->groups[group].ike, reason);
    v = version_of(m, m->groups[group].version);
    if (v)
        v->failed++;
}

void metrics_ike_message(struct metrics *m, unsigned version, uint64_t bytes)
{
    struct version_metrics *v = version_of(m, version);

    if (!v)
        return;
    v->messages++;
    v->bytes += bytes;
}

void metrics_ike_answer(struct metrics *m, uint32_t group)
{
    struct version_metrics *v;

    ASSERT(group < m->group_count);
    v = version_of(m, m->groups[group].version);
    if (v)
        v->answers++;
}

void metrics_first_packet(struct metrics *m, uint32_t group, nsec now, nsec started)
{
    ASSERT(group < m->group_count && started <= now);
    if (now < m->measure_from)
        return;
    hist_add(&m->ike.time_to_first_packet_ns, now - started);
    hist_add(&m->groups[group].ike.time_to_first_packet_ns, now - started);
}

static void esp_sent(struct esp_metrics *esp, nsec now, uint64_t bytes)
{
    esp->sent_packets++;
    esp->sent_bytes += bytes;
    esp->first_sent = nsec_min(esp->first_sent, now);
}

void metrics_esp_sent(struct metrics *m, uint32_t flow, nsec now, uint64_t bytes)
{
    ASSERT(flow < m->flow_count);
    esp_sent(&m->esp, now, bytes);
    esp_sent(&m->flows[flow].esp, now, bytes);
}

static void esp_delivered(struct esp_metrics *esp, nsec now, uint64_t bytes, bool measured)
{
    esp->delivered_packets++;
    esp->delivered_bytes += bytes;
    if (!measured)
        return;
    esp->delivered_measured_bytes += bytes;
    esp->last_delivered = now;
}

void metrics_esp_delivered(struct metrics *m, uint32_t flow, nsec now, nsec sent, uint64_t bytes)
{
    bool measured = now >= m->measure_from;

    ASSERT(flow < m->flow_count && sent <= now && !m->one_end);
    esp_delivered(&m->esp, now, bytes, measured);
    esp_delivered(&m->flows[flow].esp, now, bytes, measured);
    if (!measured)
        return;
    hist_add(&m->esp.latency_ns, now - sent);
    hist_add(&m->flows[flow].esp.latency_ns, now - sent);
}

void metrics_esp_arrived(struct metrics *m, uint32_t flow, nsec now, uint64_t bytes)
{
    bool measured = now >= m->measure_from;

    ASSERT(flow < m->flow_count && m->one_end);
    m->esp.first_sent = nsec_min(m->esp.first_sent, now);
    m->flows[flow].esp.first_sent = nsec_min(m->flows[flow].esp.first_sent, now);
    esp_delivered(&m->esp, now, bytes, measured);
    esp_delivered(&m->flows[flow].esp, now, bytes, measured);
}

static void echo_sent(struct esp_echo *echo, nsec behind)
{
    echo->behind = behind > echo->behind ? behind : echo->behind;
}

void metrics_echo_sent(struct metrics *m, uint32_t flow, nsec now, nsec due, uint64_t bytes)
{
    ASSERT(m->echo && due <= now);
    metrics_esp_sent(m, flow, now, bytes);
    echo_sent(&m->esp.echo, now - due);
    echo_sent(&m->flows[flow].esp.echo, now - due);
}

void metrics_echo_answered(struct metrics *m, uint32_t flow, nsec now, nsec due, uint64_t bytes)
{
    ASSERT(m->echo && due <= now);
    metrics_esp_arrived(m, flow, now, bytes);
    hist_add(&m->esp.echo.round_trip_ns, now - due);
    hist_add(&m->flows[flow].esp.echo.round_trip_ns, now - due);
}

void metrics_echo_lost(struct metrics *m, uint32_t flow)
{
    ASSERT(m->echo && flow < m->flow_count);
    m->esp.echo.lost++;
    m->flows[flow].esp.echo.lost++;
}

void metrics_echo_stray(struct metrics *m, uint32_t flow)
{
    ASSERT(m->echo && flow < m->flow_count);
    m->esp.echo.strays++;
    m->flows[flow].esp.echo.strays++;
}

void metrics_echo_ended(struct metrics *m, uint32_t flow, nsec now)
{
    ASSERT(m->echo && flow < m->flow_count);
    m->esp.echo.sending_ended = m->flows[flow].esp.echo.sending_ended = now;
}

void metrics_esp_dropped_many(struct metrics *m, uint32_t flow, enum esp_drop cause, uint64_t count)
{
    ASSERT((unsigned)cause < ESP_DROP_COUNT);
    m->esp.dropped[cause] += count;
    if (flow == METRICS_NO_FLOW)
        return;
    ASSERT(flow < m->flow_count);
    m->flows[flow].esp.dropped[cause] += count;
}

void metrics_esp_dropped(struct metrics *m, uint32_t flow, enum esp_drop cause)
{
    metrics_esp_dropped_many(m, flow, cause, 1);
}

void metrics_nat_mapped(struct metrics *m, uint32_t group)
{
    struct group_metrics *g = &m->groups[group];

    ASSERT(group < m->group_count);
    g->nat_mapped++;
    if (++g->nat_mappings > g->nat_mappings_peak)
        g->nat_mappings_peak = g->nat_mappings;
}

void metrics_recovery(struct metrics *m, const struct recovery *r)
{
    if (m->recovery_count == RECOVERIES_MAX)
        m->recoveries_lost++;
    else
        m->recoveries[m->recovery_count++] = *r;
}

static uint64_t esp_lost(const struct esp_metrics *esp)
{
    return esp->latency_ns.lost + esp->echo.round_trip_ns.lost;
}

static uint64_t values_lost(const struct metrics *m)
{
    uint64_t lost =
        m->ike.setup_time_ns.lost + m->ike.time_to_first_packet_ns.lost + esp_lost(&m->esp);

    for (int i = 0; i < METRIC_VERSIONS; i++)
        lost += m->versions[i].setup_time_ns.lost;
    for (uint32_t i = 0; i < m->group_count; i++)
        lost += m->groups[i].ike.setup_time_ns.lost + m->groups[i].ike.time_to_first_packet_ns.lost;
    for (uint32_t i = 0; i < m->flow_count; i++)
        lost += esp_lost(&m->flows[i].esp);
    for (uint32_t i = 0; i < m->host_count; i++)
        lost += m->hosts[i].queue_wait_ns.lost;
    return lost;
}

enum err metrics_finish(struct metrics *m, nsec now)
{
    enum err e;

    m->duration = now;
    metrics_sample(m, now);
    e = series_flush(m->series);
    return e != OK ? e : values_lost(m) ? ERR_MEMORY : OK;
}
