/* The one walk over `virtual`, and what is made from it: JSON, CSV, look-up by path. */
#include "base/assert.h"
#include "record/json.h"
#include "record/metrics.h"

struct walk {
    metric_visitor *visit;
    void *context;
    char path[1024];
    size_t len;
};

static void walk_emit(struct walk *w, struct metric *metric, const char *key)
{
    size_t room = sizeof w->path - w->len;
    int n = snprintf(w->path + w->len, room, "%s%s", w->len ? "." : "", key);

    ASSERT(n > 0 && (size_t)n < room); /* names are bounded by the scenario loader */
    metric->key = key;
    metric->path = w->path;
    w->visit(w->context, metric);
    if (metric->kind == METRIC_OPEN)
        w->len += (size_t)n;
    w->path[w->len] = 0;
}

static void open_object(struct walk *w, const char *key)
{
    walk_emit(w, &(struct metric){.kind = METRIC_OPEN}, key);
}

static void close_object(struct walk *w, const char *key)
{
    size_t gone = strlen(key) + 1;

    w->visit(w->context, &(struct metric){.kind = METRIC_CLOSE, .key = key, .path = w->path});
    w->len = w->len >= gone ? w->len - gone : 0;
    w->path[w->len] = 0;
}

static void value(struct walk *w, const char *key, const char *unit, struct fixed v)
{
    walk_emit(w, &(struct metric){.kind = METRIC_VALUE, .unit = unit, .value = v}, key);
}

static void count(struct walk *w, const char *key, uint64_t n)
{
    value(w, key, "1", fixed_count(n));
}

static void packets(struct walk *w, const char *key, uint64_t n)
{
    value(w, key, "packets", fixed_count(n));
}

static void octets(struct walk *w, const char *key, uint64_t n)
{
    value(w, key, "B", fixed_count(n));
}

static void times(struct walk *w, const char *key, const struct hist *h)
{
    walk_emit(w, &(struct metric){.kind = METRIC_HIST, .unit = "s", .hist = h}, key);
}

static void word(struct walk *w, const char *key, const char *text)
{
    walk_emit(w, &(struct metric){.kind = METRIC_TEXT, .unit = "", .text = text}, key);
}

/* By name, so that the order does not depend on which failure came first. */
static void walk_failed_by(struct walk *w, const struct ike_metrics *ike)
{
    const char *last = "";

    open_object(w, "failed_by");
    for (;;) {
        const struct failure_count *next = NULL;

        for (size_t i = 0; i < FAILURE_NAMES_MAX && ike->failed_by[i].name; i++) {
            const struct failure_count *f = &ike->failed_by[i];

            if (strcmp(f->name, last) > 0 && (!next || strcmp(f->name, next->name) < 0))
                next = f;
        }
        if (!next)
            break;
        count(w, next->name, next->count);
        last = next->name;
    }
    close_object(w, "failed_by");
}

static nsec window(nsec from, nsec first, nsec last)
{
    nsec start = first > from ? first : from;

    return first == NSEC_NEVER || last == NSEC_NEVER || last <= start ? 0 : last - start;
}

static void walk_fragments(struct walk *w, const struct fragment_metrics *f)
{
    open_object(w, "fragments");
    count(w, "messages", f->messages);
    count(w, "made", f->made);
    count(w, "received", f->received);
    count(w, "joined", f->joined);
    count(w, "incomplete", f->incomplete);
    open_object(w, "dropped");
    for (int i = 0; i < FRAGMENT_DROP_COUNT; i++)
        count(w, fragment_drop_name((enum fragment_drop)i), f->dropped[i]);
    close_object(w, "dropped");
    close_object(w, "fragments");
}

/* XAUTH and Mode-Config, where there is IKEv1. */
static void walk_users(struct walk *w, const struct ike_metrics *ike)
{
    count(w, "users_known", ike->users_known);
    count(w, "users_refused", ike->users_refused);
    count(w, "addresses_given", ike->addresses_given);
    count(w, "addresses_short", ike->addresses_short);
}

/* Of the whole run, where there is IKEv1. */
static void walk_versions(struct walk *w, const struct metrics *m)
{
    static const char *const names[METRIC_VERSIONS] = {"v1", "v2"};

    for (int i = 0; i < METRIC_VERSIONS; i++) {
        const struct version_metrics *v = &m->versions[i];

        open_object(w, names[i]);
        count(w, "started", v->started);
        count(w, "completed", v->completed);
        count(w, "failed", v->failed);
        count(w, "pending", v->started - v->completed - v->failed);
        count(w, "messages", v->messages);
        octets(w, "bytes", v->bytes);
        count(w, "round_trips", v->answers);
        value(w, "messages_mean", "1", fixed_ratio(v->messages, v->completed));
        value(w, "bytes_mean", "B", fixed_ratio(v->bytes, v->completed));
        value(w, "round_trips_mean", "1", fixed_ratio(v->answers, v->completed));
        times(w, "setup_time_s", &v->setup_time_ns);
        close_object(w, names[i]);
    }
}

static void walk_ike(struct walk *w, const struct metrics *m, const struct ike_metrics *ike)
{
    nsec ns = window(m->measure_from, ike->first_start, ike->last_up);

    ASSERT(ike->started >= ike->completed + ike->failed);
    open_object(w, "ike");
    count(w, "started", ike->started);
    count(w, "completed", ike->completed);
    count(w, "failed", ike->failed);
    count(w, "pending", ike->started - ike->completed - ike->failed);
    count(w, "installed", ike->installed);
    walk_failed_by(w, ike);
    open_object(w, "rate_per_s");
    value(w, "mean", "1/s", fixed_rate(ike->completed_measured, ns));
    value(w, "peak_1s", "1/s", fixed_count(ike->peak_1s));
    close_object(w, "rate_per_s");
    times(w, "setup_time_s", &ike->setup_time_ns);
    times(w, "time_to_first_packet_s", &ike->time_to_first_packet_ns);
    count(w, "retransmissions", ike->retransmissions);
    count(w, "rekeys_ike", ike->rekeys_ike);
    count(w, "rekeys_child", ike->rekeys_child);
    count(w, "reauthentications", ike->reauthentications);
    count(w, "collisions", ike->collisions);
    count(w, "collisions_ike", ike->collisions_ike);
    count(w, "collisions_child", ike->collisions - ike->collisions_ike);
    count(w, "dpd_failures", ike->dpd_failures);
    count(w, "keepalives", ike->keepalives);
    count(w, "peer_moves", ike->peer_moves);
    count(w, "cookies_sent", ike->cookies_sent);
    count(w, "cookies_accepted", ike->cookies_accepted);
    count(w, "cookies_wrong", ike->cookies_wrong);
    count(w, "half_open_refused", ike->half_open_refused);
    count(w, "tokens_shown", ike->tokens_shown);
    count(w, "tokens_wrong", ike->tokens_wrong);
    count(w, "crashes_detected", ike->crashes_detected);
    walk_fragments(w, &ike->fragments);
    count(w, "moves", ike->moves);
    count(w, "moves_refused", ike->moves_refused);
    count(w, "routability_failures", ike->routability_failures);
    if (m->by_version)
        walk_users(w, ike);
    if (ike == &m->ike && m->by_version)
        walk_versions(w, m);
    close_object(w, "ike");
}

static struct fixed bits_per_s(uint64_t bytes, nsec ns)
{
    unsigned __int128 bits = (unsigned __int128)bytes * 8 * NSEC_PER_S;

    return fixed_count(ns ? (uint64_t)(bits / ns) : 0);
}

/* What only a load of echoes has. */
static void walk_echo(struct walk *w, const struct metrics *m, const struct esp_metrics *esp)
{
    const struct esp_echo *echo = &esp->echo;
    nsec out = window(m->measure_from, esp->first_sent, echo->sending_ended);
    nsec back = window(m->measure_from, esp->first_sent, esp->last_delivered);

    ASSERT(esp->sent_packets >= esp->delivered_packets + echo->lost);
    packets(w, "lost_packets", echo->lost);
    packets(w, "pending_packets", esp->sent_packets - esp->delivered_packets - echo->lost);
    packets(w, "stray_packets", echo->strays);
    value(w, "lost_ratio", "1", fixed_ratio(echo->lost, esp->sent_packets));
    value(w, "sent_per_s", "1/s", fixed_rate(esp->sent_packets, out));
    value(w, "delivered_per_s", "1/s", fixed_rate(esp->delivered_packets, back));
    value(w, "sent_bps", "bit/s", bits_per_s(esp->sent_bytes, out));
    value(w, "behind_s", "s", fixed_seconds(echo->behind));
    times(w, "round_trip_s", &echo->round_trip_ns);
}

/* Of the whole run only: on the way, a packet shows no flow. */
static void walk_on_the_way(struct walk *w, const struct metrics *m)
{
    open_object(w, "lost");
    for (int i = 0; i < NET_DROP_COUNT; i++)
        packets(w, net_drop_name((enum net_drop)i), m->esp_lost[i]);
    close_object(w, "lost");
    packets(w, "in_flight_packets", m->esp_in_flight);
}

/* Of runs in which a path was too narrow, or somebody said so. */
static void walk_path(struct walk *w, const uint64_t path[PATH_METRIC_COUNT])
{
    uint64_t any = 0;

    for (int i = 0; i < PATH_METRIC_COUNT; i++)
        any += path[i];
    if (!any)
        return;
    open_object(w, "path_mtu");
    for (int i = 0; i < PATH_METRIC_COUNT; i++)
        packets(w, path_metric_name((enum path_metric)i), path[i]);
    close_object(w, "path_mtu");
}

static void walk_esp(struct walk *w, const struct metrics *m, const struct esp_metrics *esp)
{
    nsec ns = window(m->measure_from, esp->first_sent, esp->last_delivered);
    struct fixed ratio = fixed_ratio(esp->delivered_packets, esp->sent_packets);

    open_object(w, "esp");
    packets(w, "sent_packets", esp->sent_packets);
    packets(w, "delivered_packets", esp->delivered_packets);
    octets(w, "sent_bytes", esp->sent_bytes);
    octets(w, "delivered_bytes", esp->delivered_bytes);
    value(w, "delivered_ratio", "1", m->one_end && !m->echo ? FIXED_NONE : ratio);
    value(w, "throughput_bps", "bit/s", bits_per_s(esp->delivered_measured_bytes, ns));
    times(w, "latency_s", &esp->latency_ns);
    open_object(w, "dropped");
    for (int i = 0; i < ESP_DROP_COUNT; i++)
        packets(w, esp_drop_name((enum esp_drop)i), esp->dropped[i]);
    close_object(w, "dropped");
    if (esp == &m->esp && !m->one_end)
        walk_on_the_way(w, m);
    if (m->echo)
        walk_echo(w, m, esp);
    if (esp == &m->esp)
        walk_path(w, m->path);
    close_object(w, "esp");
}

static void walk_net(struct walk *w, const struct net_metrics *net)
{
    open_object(w, "net");
    packets(w, "sent_packets", net->sent_packets);
    packets(w, "duplicated_packets", net->duplicated_packets);
    packets(w, "fragments_made", net->fragments_made);
    packets(w, "delivered_packets", net->delivered_packets);
    packets(w, "reassembled_away", net->reassembled_away);
    packets(w, "in_flight_packets", net->in_flight_packets);
    octets(w, "sent_bytes", net->sent_bytes);
    octets(w, "delivered_bytes", net->delivered_bytes);
    packets(w, "reordered_packets", net->reordered_packets);
    packets(w, "corrupted_packets", net->corrupted_packets);
    open_object(w, "dropped");
    for (int i = 0; i < NET_DROP_COUNT; i++)
        packets(w, net_drop_name((enum net_drop)i), net->dropped[i]);
    close_object(w, "dropped");
    close_object(w, "net");
}

static void walk_tunnels(struct walk *w, const struct tunnel_metrics *t)
{
    open_object(w, "tunnels");
    count(w, "count", t->count);
    count(w, "up", t->up);
    count(w, "at_rest", t->at_rest);
    count(w, "judged", t->judged);
    count(w, "ike_sas_min", t->ike_sas_min);
    count(w, "ike_sas_max", t->ike_sas_max);
    count(w, "child_sas_min", t->child_sas_min);
    count(w, "child_sas_max", t->child_sas_max);
    count(w, "held", t->held);
    count(w, "held_peak", t->held_peak);
    count(w, "orphans", t->orphans);
    close_object(w, "tunnels");
}

static void walk_flood(struct walk *w, const struct flood_metrics *f)
{
    open_object(w, "flood");
    packets(w, "requests", f->requests);
    octets(w, "request_bytes", f->request_bytes);
    packets(w, "answers", f->answers);
    octets(w, "answer_bytes", f->answer_bytes);
    value(w, "answer_ratio", "1", fixed_ratio(f->answer_bytes, f->request_bytes));
    close_object(w, "flood");
}

static void walk_groups(struct walk *w, const struct metrics *m)
{
    open_object(w, "groups");
    for (uint32_t i = 0; i < m->group_count; i++) {
        const struct group_metrics *g = &m->groups[i];

        open_object(w, g->name);
        word(w, "role", g->role);
        count(w, "members", g->members);
        if (strcmp(g->role, "nat") == 0) {
            open_object(w, "nat");
            count(w, "mappings", g->nat_mappings);
            count(w, "mappings_peak", g->nat_mappings_peak);
            count(w, "mapped", g->nat_mapped);
            count(w, "expired", g->nat_expired);
            close_object(w, "nat");
        } else if (strcmp(g->role, "attacker") == 0) {
            walk_flood(w, &g->flood);
        } else if (strcmp(g->role, "router") != 0) {
            walk_ike(w, m, &g->ike);
        }
        walk_net(w, &g->net);
        close_object(w, g->name);
    }
    close_object(w, "groups");
}

static void walk_links(struct walk *w, const struct metrics *m)
{
    open_object(w, "links");
    for (uint32_t i = 0; i < m->link_count; i++) {
        const struct link_metrics *l = &m->links[i];

        open_object(w, l->name);
        count(w, "members", l->members);
        value(w, "rate_bps", "bit/s", fixed_count(l->rate_bps));
        octets(w, "queue_peak_bytes", l->queue_peak_bytes);
        walk_net(w, &l->net);
        close_object(w, l->name);
    }
    close_object(w, "links");
}

static void walk_hosts(struct walk *w, const struct metrics *m)
{
    open_object(w, "hosts");
    for (uint32_t i = 0; i < m->host_count; i++) {
        const struct host_metrics *h = &m->hosts[i];
        struct fixed p99 = fixed_seconds(hist_percentile(&h->queue_wait_ns, 990000));

        p99.none = h->queue_wait_ns.count == 0;
        open_object(w, h->name);
        count(w, "cores", h->cores);
        value(w, "cpu_busy_ratio", "1", fixed_ratio(h->cpu_busy_ns, m->duration * h->cores));
        value(w, "queue_wait_p99_s", "s", p99);
        times(w, "queue_wait_s", &h->queue_wait_ns);
        packets(w, "backlog_drops", h->backlog_drops);
        count(w, "backlog_peak", h->backlog_peak);
        count(w, "half_open_peak", h->half_open_peak);
        count(w, "ike_sas", h->ike_sas);
        count(w, "ike_sas_peak", h->ike_sas_peak);
        count(w, "child_sas", h->child_sas);
        octets(w, "memory_bytes", h->memory_bytes);
        open_object(w, "look_ups");
        count(w, "started", h->look_ups);
        count(w, "refused", h->look_ups_refused);
        count(w, "timed_out", h->look_ups_timed_out);
        times(w, "wait_s", &h->look_up_wait_ns);
        close_object(w, "look_ups");
        close_object(w, h->name);
    }
    close_object(w, "hosts");
}

void metrics_visit(const struct metrics *m, metric_visitor *visit, void *context)
{
    struct walk w = {.visit = visit, .context = context};

    value(&w, "duration_s", "s", fixed_seconds(m->duration));
    walk_ike(&w, m, &m->ike);
    walk_esp(&w, m, &m->esp);
    walk_net(&w, &m->net);
    if (!m->one_end)
        walk_tunnels(&w, &m->tunnels);
    walk_groups(&w, m);
    walk_links(&w, m);
    open_object(&w, "flows");
    for (uint32_t i = 0; i < m->flow_count; i++) {
        open_object(&w, m->flows[i].name);
        walk_esp(&w, m, &m->flows[i].esp);
        close_object(&w, m->flows[i].name);
    }
    close_object(&w, "flows");
    walk_hosts(&w, m);
}

/* The numbers that stand for a histogram, in printed order. */
static const struct {
    const char *name;
    uint32_t ppm; /* percentile, unless one of the others */
    enum { H_COUNT, H_MIN, H_MEAN, H_PERCENTILE, H_MAX } what;
} summary[] = {
    {"count", 0, H_COUNT},
    {"min", 0, H_MIN},
    {"mean", 0, H_MEAN},
    {"p50", 500000, H_PERCENTILE},
    {"p90", 900000, H_PERCENTILE},
    {"p99", 990000, H_PERCENTILE},
    {"p999", 999000, H_PERCENTILE},
    {"max", 0, H_MAX},
};
enum { SUMMARY_COUNT = sizeof summary / sizeof *summary };

static struct fixed summary_value(const struct hist *h, size_t i)
{
    if (summary[i].what == H_COUNT)
        return fixed_count(h->count);
    if (h->count == 0)
        return FIXED_NONE;
    switch (summary[i].what) {
    case H_MIN:
        return fixed_seconds(h->min);
    case H_MEAN:
        return fixed_seconds(hist_mean(h));
    case H_MAX:
        return fixed_seconds(h->max);
    default:
        return fixed_seconds(hist_percentile(h, summary[i].ppm));
    }
}

static void visit_json(void *context, const struct metric *metric)
{
    struct json *j = context;

    switch (metric->kind) {
    case METRIC_OPEN:
        json_object_begin(j, metric->key);
        break;
    case METRIC_CLOSE:
        json_object_end(j);
        break;
    case METRIC_VALUE:
        json_fixed(j, metric->key, metric->value);
        break;
    case METRIC_TEXT:
        json_text(j, metric->key, metric->text);
        break;
    case METRIC_HIST:
        json_object_begin(j, metric->key);
        for (size_t i = 0; i < SUMMARY_COUNT; i++)
            json_fixed(j, summary[i].name, summary_value(metric->hist, i));
        json_object_end(j);
        break;
    }
}

static void json_recoveries(struct json *j, const struct metrics *m)
{
    json_array_begin(j, "recovery_s");
    for (uint32_t i = 0; i < m->recovery_count; i++) {
        const struct recovery *r = &m->recoveries[i];

        json_object_begin(j, NULL);
        json_text(j, "event", r->event);
        json_fixed(j, "at_s", fixed_seconds(r->at));
        json_u64(j, "affected", r->affected);
        json_u64(j, "recovered", r->recovered);
        json_fixed(j, "t50", fixed_seconds(r->t50));
        json_fixed(j, "t99", fixed_seconds(r->t99));
        json_fixed(j, "t100", fixed_seconds(r->t100));
        json_object_end(j);
    }
    json_array_end(j);
    json_u64(j, "recoveries_not_listed", m->recoveries_lost);
}

void metrics_virtual_json(const struct metrics *m, struct text *out, int indent)
{
    struct json j;

    json_init(&j, out, indent);
    json_object_begin(&j, NULL);
    metrics_visit(m, visit_json, &j);
    json_recoveries(&j, m);
    json_object_end(&j);
}

static void csv_line(struct text *t, const char *path, const char *part, const char *unit,
                     struct fixed value)
{
    char name[1200];

    snprintf(name, sizeof name, "%s%s%s", path, part ? "." : "", part ? part : "");
    text_csv(t, name);
    text_char(t, ',');
    text_csv(t, unit);
    text_char(t, ',');
    if (!value.none) /* no number is an empty field, which every reader of CSV understands */
        text_fixed(t, value);
    text_char(t, '\n');
}

static void visit_csv(void *context, const struct metric *metric)
{
    if (metric->kind == METRIC_VALUE)
        csv_line(context, metric->path, NULL, metric->unit, metric->value);
    for (size_t i = 0; metric->kind == METRIC_HIST && i < SUMMARY_COUNT; i++)
        csv_line(context, metric->path, summary[i].name, i ? metric->unit : "1",
                 summary_value(metric->hist, i));
}

static void csv_recoveries(const struct metrics *m, struct text *out)
{
    for (uint32_t i = 0; i < m->recovery_count; i++) {
        const struct recovery *r = &m->recoveries[i];
        char path[32];

        snprintf(path, sizeof path, "recovery_s.%u", i);
        csv_line(out, path, "t50", "s", fixed_seconds(r->t50));
        csv_line(out, path, "t99", "s", fixed_seconds(r->t99));
        csv_line(out, path, "t100", "s", fixed_seconds(r->t100));
    }
}

void metrics_scalars_csv(const struct metrics *m, struct text *out)
{
    text_raw(out, "metric,unit,value\n");
    metrics_visit(m, visit_csv, out);
    csv_recoveries(m, out);
}

static void json_buckets(struct json *j, const struct hist *h)
{
    struct hist_bucket b = {0};
    bool first = true;

    json_key(j, "buckets");
    text_char(j->text, '[');
    while (hist_next(h, &b)) {
        text_raw(j->text, first ? "[" : ", [");
        text_u64(j->text, b.low);
        text_char(j->text, ',');
        text_u64(j->text, b.high);
        text_char(j->text, ',');
        text_u64(j->text, b.count);
        text_char(j->text, ']');
        first = false;
    }
    text_char(j->text, ']');
}

/* The sum has more than 64 bits at worst: printed as seconds and nanoseconds it still fits. */
static void visit_hist(void *context, const struct metric *metric)
{
    const struct hist *h = metric->hist;
    struct json *j = context;

    if (metric->kind != METRIC_HIST)
        return;
    json_object_begin(j, metric->path);
    json_text(j, "unit", "ns");
    json_u64(j, "count", h->count);
    json_u64(j, "sum_s", (uint64_t)(h->sum / NSEC_PER_S));
    json_u64(j, "sum_ns", (uint64_t)(h->sum % NSEC_PER_S));
    json_fixed(j, "min", (struct fixed){.value = h->min, .none = h->count == 0});
    json_fixed(j, "max", (struct fixed){.value = h->max, .none = h->count == 0});
    json_buckets(j, h);
    json_object_end(j);
}

void metrics_histograms_json(const struct metrics *m, struct text *out)
{
    struct json j;

    json_init(&j, out, 0);
    json_object_begin(&j, NULL);
    json_u64(&j, "schema_version", 1);
    json_object_begin(&j, "histograms");
    metrics_visit(m, visit_hist, &j);
    json_object_end(&j);
    json_object_end(&j);
    text_char(out, '\n');
}

struct search {
    const char *path;
    struct metric *out;
    bool found;
};

static void visit_find(void *context, const struct metric *metric)
{
    struct search *s = context;

    if (s->found || (metric->kind != METRIC_VALUE && metric->kind != METRIC_HIST) ||
        strcmp(s->path, metric->path) != 0)
        return;
    s->found = true;
    *s->out = *metric;
    s->out->key = s->out->path = s->out->text = NULL;
}

static bool find_plain(const struct metrics *m, const char *path, struct metric *out)
{
    struct search s = {path, out, false};

    metrics_visit(m, visit_find, &s);
    return s.found;
}

/* The worst of all recoveries. */
static bool find_recovery(const struct metrics *m, const char *which, struct metric *out)
{
    int part = strcmp(which, "t50") == 0    ? 0
               : strcmp(which, "t99") == 0  ? 1
               : strcmp(which, "t100") == 0 ? 2
                                            : -1;
    nsec worst = m->recovery_count ? 0 : NSEC_NEVER;

    if (part < 0)
        return false;
    for (uint32_t i = 0; i < m->recovery_count; i++) {
        const nsec at[] = {m->recoveries[i].t50, m->recoveries[i].t99, m->recoveries[i].t100};

        worst = at[part] > worst ? at[part] : worst;
    }
    *out = (struct metric){.kind = METRIC_VALUE, .unit = "s", .value = fixed_seconds(worst)};
    return true;
}

/* Counters that are not written while all of them are 0. */
static bool find_path(const char *name, struct metric *out)
{
    for (int i = 0; i < PATH_METRIC_COUNT; i++) {
        if (strcmp(name, path_metric_name((enum path_metric)i)) != 0)
            continue;
        *out = (struct metric){.kind = METRIC_VALUE, .unit = "packets", .value = fixed_count(0)};
        return true;
    }
    return false;
}

static bool find_anywhere(const struct metrics *m, const char *path, struct metric *out)
{
    static const char failed_by[] = "failed_by.";
    const char *reason = strstr(path, failed_by);
    char parent[1024];

    if (strncmp(path, "recovery_s.", 11) == 0)
        return find_recovery(m, path + 11, out);
    if (find_plain(m, path, out))
        return true;
    if (strncmp(path, "esp.path_mtu.", 13) == 0)
        return find_path(path + 13, out);
    if (!reason || !reason[sizeof failed_by - 1] || strchr(reason + sizeof failed_by - 1, '.'))
        return false;
    /* No failure for this reason, if the scope itself exists: its `failed` does. */
    snprintf(parent, sizeof parent, "%.*sfailed", (int)(reason - path), path);
    if (!find_plain(m, parent, out))
        return false;
    out->value = fixed_count(0);
    return true;
}

bool metrics_find(const struct metrics *m, const char *path, struct metric *out)
{
    static const char *const scopes[] = {"groups", "hosts", "links", "flows"};
    const char *at = strrchr(path, '@');
    char full[1024];

    if (!at)
        return find_anywhere(m, path, out);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        int n =
            snprintf(full, sizeof full, "%s.%s.%.*s", scopes[i], at + 1, (int)(at - path), path);

        if (n > 0 && (size_t)n < sizeof full && find_anywhere(m, full, out))
            return true;
    }
    return false;
}
