/* record: fixed-point text, metrics, series, thresholds, the result's JSON. */
#include "record/result.h"
#include "suite.h"

#include <jansson.h>
#include <math.h>

static const char *const groups[] = {"homes", "boxes", "gw"};
static const char *const links[] = {"access"};
static const char *const flows[] = {"upload"};
static const char *const hosts[] = {"gw"};

static struct metrics *make(FILE *series, nsec measure_from)
{
    const struct metrics_options options = {
        .measure_from = measure_from,
        .groups = {groups, 3},
        .links = {links, 1},
        .flows = {flows, 1},
        .hosts = {hosts, 1},
        .series = series,
    };
    struct metrics *m;

    ck_assert_ok(metrics_create(&options, &m));
    m->groups[0].role = "initiator";
    m->groups[1].role = "nat";
    m->groups[2].role = "responder";
    return m;
}

static void expect_fixed(struct fixed f, const char *want)
{
    struct text t;

    text_init(&t, NULL);
    text_fixed(&t, f);
    ck_assert_str_eq(t.data, want);
    text_reset(&t);
}

START_TEST(numbers_print_exactly)
{
    expect_fixed(fixed_count(0), "0");
    expect_fixed(fixed_count(UINT64_MAX), "18446744073709551615");
    expect_fixed(fixed_seconds(0), "0.0");
    expect_fixed(fixed_seconds(1), "0.000000001");
    expect_fixed(fixed_seconds(120 * NSEC_PER_S), "120.0");
    expect_fixed(fixed_seconds(1500000000), "1.5");
    expect_fixed(fixed_seconds(NSEC_NEVER), "null");
    expect_fixed(fixed_ratio(1, 3), "0.333333");
    expect_fixed(fixed_ratio(3, 3), "1.0");
    expect_fixed(fixed_ratio(1, 0), "null");
    expect_fixed(fixed_ratio(UINT64_MAX, UINT64_MAX), "1.0");
    expect_fixed(fixed_rate(1000, 10170000000), "98.328416");
    expect_fixed(fixed_rate(1, 0), "null");
    ck_assert_int_eq(fixed_compare(fixed_seconds(2 * NSEC_PER_S), fixed_count(2)), 0);
    ck_assert_int_lt(fixed_compare(fixed_ratio(1, 2), fixed_count(1)), 0);
    ck_assert_int_gt(fixed_compare(fixed_count(UINT64_MAX), fixed_seconds(UINT64_MAX - 1)), 0);
}
END_TEST

START_TEST(json_text_survives_any_bytes)
{
    static const char *const cases[] = {
        "plain",
        "",
        "quote \" back \\ slash",
        "line\nfeed\ttab\x01",
        "gr\xc3\xbc\xc3\x9f \xe2\x9c\x93",
        "\xf0\x9f\x98\x80",
        "bad \xff\xfe",
        "cut \xe2\x9c",
        "overlong \xc0\x80",
        "surrogate \xed\xa0\x80",
        "past \xf4\x90\x80\x80",
        "</script>",
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t;
        json_t *parsed;

        text_init(&t, NULL);
        text_json(&t, cases[i]);
        parsed = json_loads(t.data, JSON_DECODE_ANY, NULL);
        ck_assert_msg(parsed != NULL, "case %zu: %s", i, t.data);
        if (i < 6)
            ck_assert_str_eq(json_string_value(parsed), cases[i]);
        json_decref(parsed);
        text_reset(&t);
    }
}
END_TEST

START_TEST(csv_fields_are_quoted_when_due)
{
    struct text t;

    text_init(&t, NULL);
    text_csv(&t, "plain");
    text_csv(&t, "a,b");
    text_csv(&t, "say \"x\"");
    ck_assert_str_eq(t.data, "plain\"a,b\"\"say \"\"x\"\"\"");
    text_reset(&t);
}
END_TEST

/* 1000 handshakes, one each 10 ms, each taking (i + 1) ms; the last ten fail or stay. */
static void thousand(struct metrics *m)
{
    for (uint64_t i = 0; i < 1000; i++) {
        nsec start = i * 10 * NSEC_PER_MS;

        metrics_ike_started(m, 0, start);
        if (i < 990)
            metrics_ike_completed(m, 0, start + (i + 1) * NSEC_PER_MS, start);
        else if (i < 995)
            metrics_ike_failed(m, 0, start + NSEC_PER_S, i % 2 ? "timeout" : "no_proposal_chosen");
    }
}

static json_t *virtual_of(const struct metrics *m)
{
    struct text t;
    json_t *parsed;
    json_error_t error;

    text_init(&t, NULL);
    metrics_virtual_json(m, &t, 0);
    parsed = json_loads(t.data, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(parsed != NULL, "%s at %d", error.text, error.position);
    text_reset(&t);
    return parsed;
}

static double number(const json_t *root, const char *path)
{
    char copy[256];
    const json_t *at = root;

    snprintf(copy, sizeof copy, "%s", path);
    for (char *part = strtok(copy, "."); part; part = strtok(NULL, "."))
        at = json_object_get(at, part);
    if (json_is_null(at))
        return -1;
    ck_assert_msg(json_is_number(at), "%s", path);
    return json_number_value(at);
}

START_TEST(handshakes_are_counted_and_balanced)
{
    struct metrics *m = make(NULL, 0);
    json_t *v;

    thousand(m);
    ck_assert_ok(metrics_finish(m, 20 * NSEC_PER_S));
    v = virtual_of(m);
    ck_assert(number(v, "duration_s") == 20.0);
    ck_assert(number(v, "ike.started") == 1000);
    ck_assert(number(v, "ike.completed") == 990);
    ck_assert(number(v, "ike.failed") == 5);
    ck_assert(number(v, "ike.pending") == 5);
    ck_assert(number(v, "ike.failed_by.timeout") == 2);
    ck_assert(number(v, "ike.failed_by.no_proposal_chosen") == 3);
    ck_assert(number(v, "ike.setup_time_s.count") == 990);
    /* Nearest rank of 1..990 ms: 495 and ceil(980.1) = 981; buckets are 1/1024 wide. */
    ck_assert(fabs(number(v, "ike.setup_time_s.p50") - 0.495) <= 0.495 / 1024);
    ck_assert(fabs(number(v, "ike.setup_time_s.p99") - 0.981) <= 0.981 / 1024);
    ck_assert(number(v, "ike.setup_time_s.max") == 0.990);
    ck_assert(number(v, "ike.setup_time_s.min") == 0.001);
    ck_assert(number(v, "ike.time_to_first_packet_s.p50") == -1);
    /* Last up at 9.89 + 0.99 s; first start at 0. */
    ck_assert(fabs(number(v, "ike.rate_per_s.mean") - 990 / 10.88) < 1e-6);
    ck_assert(number(v, "ike.rate_per_s.peak_1s") >= 90);
    ck_assert(number(v, "groups.homes.ike.completed") == 990);
    ck_assert(number(v, "groups.gw.ike.completed") == 0);
    json_decref(v);
    metrics_destroy(m);
}
END_TEST

START_TEST(rates_and_percentiles_count_from_measure_from)
{
    struct metrics *m = make(NULL, 5 * NSEC_PER_S);
    json_t *v;

    thousand(m);
    metrics_esp_sent(m, 0, NSEC_PER_S, 1000);
    metrics_esp_delivered(m, 0, 2 * NSEC_PER_S, NSEC_PER_S, 1000); /* before: counted only */
    metrics_esp_sent(m, 0, 8 * NSEC_PER_S, 1000);
    metrics_esp_delivered(m, 0, 9 * NSEC_PER_S, 8 * NSEC_PER_S, 1000);
    metrics_esp_sent(m, 0, 9 * NSEC_PER_S, 1000);
    ck_assert_ok(metrics_finish(m, 20 * NSEC_PER_S));
    v = virtual_of(m);
    ck_assert(number(v, "ike.completed") == 990);
    /* Handshake i is up at i * 10 + i + 1 ms: i >= 455 from 5 s on. */
    ck_assert(number(v, "ike.setup_time_s.count") == 990 - 455);
    ck_assert(fabs(number(v, "ike.rate_per_s.mean") - (990 - 455) / 5.88) < 1e-5);
    ck_assert(number(v, "esp.delivered_packets") == 2);
    ck_assert(number(v, "esp.latency_s.count") == 1);
    ck_assert(number(v, "esp.throughput_bps") == 2000); /* 8000 bits from 5 s to 9 s */
    ck_assert(fabs(number(v, "flows.upload.esp.delivered_ratio") - 0.666666) < 1e-9);
    json_decref(v);
    metrics_destroy(m);
}
END_TEST

static void expect_count(const struct metrics *m, const char *path, uint64_t want)
{
    struct metric found;

    ck_assert_msg(metrics_find(m, path, &found), "%s", path);
    ck_assert_int_eq(fixed_compare(found.value, fixed_count(want)), 0);
}

/* Only a run that sees both ends knows what was lost between them and what both hold. */
START_TEST(both_ends_say_what_was_lost_and_what_is_held)
{
    static const char *const flow[] = {"tun"};
    struct metrics_options one = {.flows = {flow, 1}, .one_end = true};
    struct metrics *m = make(NULL, 0);
    struct metric found;

    m->ike.collisions = 7;
    m->ike.collisions_ike = 2;
    METRICS_IKE_COUNT(m, 0, cookies_sent, 5);
    METRICS_IKE_COUNT(m, 0, cookies_accepted, 4);
    METRICS_IKE_COUNT(m, 0, cookies_wrong, 3);
    METRICS_IKE_COUNT(m, 0, half_open_refused, 7);
    METRICS_IKE_COUNT(m, 0, tokens_shown, 8);
    METRICS_IKE_COUNT(m, 0, tokens_wrong, 1);
    METRICS_IKE_COUNT(m, 0, crashes_detected, 6);
    m->esp_lost[NET_DROP_LOSS] = 5;
    m->esp_in_flight = 3;
    m->tunnels = (struct tunnel_metrics){.count = 4, .at_rest = 3, .child_sas_max = 2};
    expect_count(m, "ike.collisions", 7);
    expect_count(m, "ike.collisions_ike", 2);
    expect_count(m, "ike.cookies_sent", 5);
    expect_count(m, "ike.cookies_accepted", 4);
    expect_count(m, "ike.cookies_wrong", 3);
    expect_count(m, "ike.half_open_refused", 7);
    expect_count(m, "ike.tokens_shown", 8);
    expect_count(m, "ike.tokens_wrong", 1);
    expect_count(m, "ike.crashes_detected", 6);
    expect_count(m, "ike.collisions_child", 5);
    expect_count(m, "esp.lost.loss", 5);
    expect_count(m, "esp.lost.queue", 0);
    expect_count(m, "esp.in_flight_packets", 3);
    expect_count(m, "tunnels.count", 4);
    expect_count(m, "tunnels.at_rest", 3);
    expect_count(m, "tunnels.child_sas_max", 2);
    ck_assert(!metrics_find(m, "esp.lost.loss@upload", &found));
    metrics_destroy(m);
    ck_assert_ok(metrics_create(&one, &m));
    ck_assert(!metrics_find(m, "esp.lost.loss", &found));
    ck_assert(!metrics_find(m, "tunnels.count", &found));
    metrics_destroy(m);
}
END_TEST

START_TEST(one_end_has_no_ratio_and_no_latency)
{
    static const char *const flow[] = {"tun"};
    struct metrics_options o = {.flows = {flow, 1}, .one_end = true};
    struct metrics *m;
    struct metric ratio;
    json_t *v;

    ck_assert_ok(metrics_create(&o, &m));
    metrics_esp_arrived(m, 0, NSEC_PER_S, 1000); /* the window begins with the peer's packet */
    metrics_esp_sent(m, 0, 2 * NSEC_PER_S, 500);
    metrics_esp_arrived(m, 0, 5 * NSEC_PER_S, 1000);
    metrics_esp_dropped(m, METRICS_NO_FLOW, esp_drop_of(ERR_ICV));
    metrics_esp_dropped(m, METRICS_NO_FLOW, esp_drop_of(ERR_TS));
    ck_assert_ok(metrics_finish(m, 20 * NSEC_PER_S));
    v = virtual_of(m);
    ck_assert(number(v, "esp.sent_packets") == 1 && number(v, "esp.sent_bytes") == 500);
    ck_assert(number(v, "flows.tun.esp.delivered_packets") == 2);
    ck_assert(number(v, "flows.tun.esp.delivered_bytes") == 2000);
    ck_assert(number(v, "esp.throughput_bps") == 4000); /* 16000 bits from 1 s to 5 s */
    ck_assert(number(v, "esp.latency_s.count") == 0);
    ck_assert(number(v, "esp.dropped.icv") == 1 && number(v, "esp.dropped.other") == 1);
    ck_assert(metrics_find(m, "esp.delivered_ratio", &ratio) && ratio.value.none);
    json_decref(v);
    metrics_destroy(m);
}
END_TEST

/* Ten echoes of 100 bytes in a second; the last three: one lost, one never sent, one pending. */
START_TEST(echoes_are_answered_lost_or_pending)
{
    static const char *const flow[] = {"load"};
    struct metrics_options o = {.flows = {flow, 1}, .one_end = true, .echo = true};
    struct metrics *m;
    json_t *v;

    ck_assert_ok(metrics_create(&o, &m));
    for (uint64_t i = 0; i < 10; i++) {
        nsec due = NSEC_PER_S + i * 100 * NSEC_PER_MS;

        if (i == 8)
            metrics_esp_dropped(m, 0, ESP_DROP_UNSENT);
        else
            metrics_echo_sent(m, 0, due + i * NSEC_PER_MS, due, 100);
        if (i < 7) /* timed from when it was due, however late it was sent */
            metrics_echo_answered(m, 0, due + 20 * NSEC_PER_MS, due, 100);
    }
    metrics_echo_lost(m, 0);
    metrics_echo_stray(m, 0);
    metrics_echo_ended(m, 0, 2 * NSEC_PER_S);
    ck_assert_ok(metrics_finish(m, 3 * NSEC_PER_S));
    v = virtual_of(m);
    ck_assert(number(v, "esp.sent_packets") == 9 && number(v, "esp.sent_bytes") == 900);
    ck_assert(number(v, "esp.delivered_packets") == 7 && number(v, "esp.lost_packets") == 1);
    ck_assert(number(v, "esp.pending_packets") == 1 && number(v, "esp.stray_packets") == 1);
    ck_assert(number(v, "esp.dropped.unsent") == 1);
    ck_assert(number(v, "esp.delivered_ratio") == 0.777777);
    ck_assert(number(v, "esp.lost_ratio") == 0.111111);
    ck_assert(number(v, "esp.sent_per_s") == 9 && number(v, "esp.sent_bps") == 7200);
    ck_assert(number(v, "esp.delivered_per_s") == 11.290322); /* 7 in 0.62 s */
    ck_assert(number(v, "flows.load.esp.round_trip_s.count") == 7);
    ck_assert(number(v, "flows.load.esp.round_trip_s.max") == 0.02);
    ck_assert(number(v, "flows.load.esp.behind_s") == 0.009);
    json_decref(v);
    metrics_destroy(m);
}
END_TEST

START_TEST(order_of_failures_does_not_show)
{
    struct metrics *a = make(NULL, 0), *b = make(NULL, 0);
    struct text ta, tb;

    for (int i = 0; i < 2; i++) {
        metrics_ike_started(a, 0, 1);
        metrics_ike_started(b, 0, 1);
    }
    metrics_ike_failed(a, 0, 2, "timeout");
    metrics_ike_failed(a, 0, 2, "dead_peer");
    metrics_ike_failed(b, 0, 2, "dead_peer");
    metrics_ike_failed(b, 0, 2, "timeout");
    text_init(&ta, NULL);
    text_init(&tb, NULL);
    metrics_virtual_json(a, &ta, 1);
    metrics_virtual_json(b, &tb, 1);
    ck_assert_str_eq(ta.data, tb.data);
    text_reset(&ta);
    text_reset(&tb);
    metrics_destroy(a);
    metrics_destroy(b);
}
END_TEST

START_TEST(scalars_and_virtual_agree)
{
    struct metrics *m = make(NULL, 0);
    struct text t;
    json_t *v;
    char *line, *rest;
    int lines = 0;

    thousand(m);
    metrics_recovery(m, &(struct recovery){"boxes reboot", 1, 2, 3, NSEC_PER_S, NSEC_NEVER, 4});
    ck_assert_ok(metrics_finish(m, 20 * NSEC_PER_S));
    v = virtual_of(m);
    text_init(&t, NULL);
    metrics_scalars_csv(m, &t);
    ck_assert_ptr_nonnull(strstr(t.data, "recovery_s.0.t99,s,\n"));
    line = strtok_r(t.data, "\n", &rest);
    ck_assert_str_eq(line, "metric,unit,value");
    while ((line = strtok_r(NULL, "\n", &rest))) {
        char *unit = strchr(line, ','), *value = strrchr(line, ',');
        char path[256];

        ck_assert(unit && value > unit);
        if (strncmp(line, "recovery_s", 10) == 0)
            continue;
        snprintf(path, sizeof path, "%.*s", (int)(unit - line), line);
        ck_assert(number(v, path) == (value[1] ? strtod(value + 1, NULL) : -1));
        lines++;
    }
    ck_assert_int_gt(lines, 100);
    text_reset(&t);
    json_decref(v);
    metrics_destroy(m);
}
END_TEST

START_TEST(series_are_growth_and_gauges)
{
    char *data = NULL;
    size_t len = 0;
    FILE *sink = open_memstream(&data, &len);
    struct metrics *m = make(sink, 0);

    metrics_ike_started(m, 0, 1);
    metrics_ike_started(m, 0, 1);
    metrics_ike_completed(m, 0, NSEC_PER_MS, 0);
    metrics_nat_mapped(m, 1);
    m->hosts[0].cores = 4;
    m->hosts[0].cpu_busy_ns = NSEC_PER_S;
    m->net.dropped[NET_DROP_LOSS] = 3;
    metrics_esp_sent(m, 0, 5, 1400);
    metrics_set_tunnels(m, 1);
    metrics_sample(m, NSEC_PER_S);
    metrics_sample(m, NSEC_PER_S); /* the same moment again: nothing */
    m->hosts[0].cpu_busy_ns += 2 * NSEC_PER_S;
    ck_assert_ok(metrics_finish(m, 2 * NSEC_PER_S));
    fflush(sink);
    ck_assert_ptr_eq(strstr(data, "time_s,scope,metric,unit,value\n"), data);
    ck_assert_ptr_nonnull(strstr(data, "\n1.0,run,handshakes_started,1,2\n"));
    ck_assert_ptr_nonnull(strstr(data, "\n2.0,run,handshakes_started,1,0\n"));
    ck_assert_ptr_nonnull(strstr(data, "\n1.0,run,setup_time_p50,s,0.001\n"));
    ck_assert_ptr_null(strstr(data, "\n2.0,run,setup_time_p50"));
    ck_assert_ptr_nonnull(strstr(data, "\n1.0,run,dropped.loss,packets,3\n"));
    ck_assert_ptr_null(strstr(data, "\n2.0,run,dropped.loss"));
    ck_assert_ptr_nonnull(strstr(data, "\n1.0,flow:upload,esp_sent_bytes,B,1400\n"));
    ck_assert_ptr_nonnull(strstr(data, "\n2.0,group:boxes,nat_mappings,1,1\n"));
    ck_assert_ptr_null(strstr(data, "group:homes"));
    ck_assert_ptr_nonnull(strstr(data, "\n1.0,host:gw,cpu_busy_ratio,1,0.25\n"));
    ck_assert_ptr_nonnull(strstr(data, "\n2.0,host:gw,cpu_busy_ratio,1,0.5\n"));
    metrics_destroy(m);
    fclose(sink);
    free(data);
}
END_TEST

START_TEST(paths_are_written_where_something_happened)
{
    struct metrics *m = make(NULL, 0);
    struct metric found;
    struct text t = {0};

    ck_assert(metrics_find(m, "esp.path_mtu.no_sa", &found));
    ck_assert_uint_eq(found.value.value, 0);
    ck_assert(!metrics_find(m, "esp.path_mtu.no_such", &found));
    metrics_virtual_json(m, &t, 0);
    ck_assert_ptr_null(strstr(t.data, "path_mtu"));
    text_reset(&t);
    m->path[PATH_METRIC_NO_SA] = 3;
    ck_assert(metrics_find(m, "esp.path_mtu.no_sa", &found));
    ck_assert_uint_eq(found.value.value, 3);
    ck_assert(metrics_find(m, "esp.path_mtu.cut_packets", &found));
    ck_assert(!metrics_find(m, "flows.upload.esp.path_mtu.no_sa", &found));
    metrics_virtual_json(m, &t, 0);
    ck_assert_ptr_nonnull(strstr(t.data, "path_mtu"));
    text_reset(&t);
    metrics_destroy(m);
}
END_TEST

/* groups[0] calls with IKEv1, groups[2] with IKEv2. */
START_TEST(versions_are_told_apart_where_somebody_speaks_ikev1)
{
    struct metrics_options o = {
        .groups = {groups, 3}, .by_version = true, .measure_from = 2 * NSEC_PER_S};
    struct metrics *m;
    struct metric found;
    struct text t = {0};

    ck_assert_ok(metrics_create(&o, &m));
    m->groups[0].version = 1;
    m->groups[2].version = 2;
    for (int i = 0; i < 3; i++)
        metrics_ike_started(m, 0, 1);
    metrics_ike_started(m, 2, 1);
    metrics_ike_completed(m, 0, NSEC_PER_S, 0); /* before measure.from: counted, without a time */
    metrics_ike_completed(m, 0, 3 * NSEC_PER_S, 0);
    metrics_ike_completed(m, 2, 4 * NSEC_PER_S, 0);
    metrics_ike_failed(m, 0, 5 * NSEC_PER_S, "timeout");
    for (int i = 0; i < 9; i++)
        metrics_ike_message(m, 1, 100);
    metrics_ike_message(m, 2, 1000);
    metrics_ike_message(m, 0, 7);
    metrics_ike_message(m, 15, 7);
    metrics_ike_answer(m, 0);
    metrics_ike_answer(m, 1); /* a NAT: of no version */
    METRICS_IKE_COUNT(m, 1, users_known, 2);
    METRICS_IKE_COUNT(m, 0, addresses_short, 3);
    expect_count(m, "ike.users_known", 2);
    expect_count(m, "groups.boxes.ike.users_known", 2);
    expect_count(m, "groups.homes.ike.users_known", 0);
    expect_count(m, "groups.homes.ike.addresses_short", 3);
    expect_count(m, "ike.v1.started", 3);
    expect_count(m, "ike.v1.completed", 2);
    expect_count(m, "ike.v1.failed", 1);
    expect_count(m, "ike.v1.pending", 0);
    expect_count(m, "ike.v1.messages", 9);
    expect_count(m, "ike.v1.bytes", 900);
    expect_count(m, "ike.v1.round_trips", 1);
    expect_count(m, "ike.v2.completed", 1);
    expect_count(m, "ike.v2.bytes", 1000);
    expect_count(m, "ike.v2.round_trips", 0);
    ck_assert(metrics_find(m, "ike.v1.messages_mean", &found));
    expect_fixed(found.value, "4.5");
    ck_assert(metrics_find(m, "ike.v1.setup_time_s", &found));
    ck_assert_uint_eq(found.hist->count, 1);
    ck_assert(!metrics_find(m, "groups.homes.ike.v1.started", &found));
    metrics_destroy(m);

    m = make(NULL, 0); /* without: nothing of it is written */
    m->groups[0].version = 1;
    metrics_ike_started(m, 0, 1);
    metrics_ike_message(m, 1, 100);
    metrics_ike_answer(m, 0);
    ck_assert(!metrics_find(m, "ike.v1.messages", &found));
    metrics_virtual_json(m, &t, 0);
    ck_assert_ptr_null(strstr(t.data, "\"v1\""));
    text_reset(&t);
    metrics_destroy(m);
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    FILE *full = fopen("/dev/full", "w");
    struct metrics *m;

    if (!full)
        return;
    m = make(full, 0);
    metrics_sample(m, NSEC_PER_S);
    ck_assert_int_eq(metrics_finish(m, 2 * NSEC_PER_S), ERR_IO);
    metrics_destroy(m);
    fclose(full);
}
END_TEST

static enum err judge(struct metrics *m, const char *metric, enum aggregate a, enum comparison op,
                      struct fixed limit, bool *pass)
{
    const struct threshold t = {.metric = metric,
                                .expect = "",
                                .aggregate = a,
                                .percentile_ppm = 990000,
                                .op = op,
                                .limit = limit};
    struct threshold_result result = {0};
    enum err e = threshold_judge(&t, m, &result);

    *pass = result.pass;
    return e;
}

START_TEST(thresholds_judge_in_integers)
{
    struct metrics *m = make(NULL, 0);
    bool pass;

    thousand(m);
    metrics_esp_sent(m, 0, 1, 100);
    metrics_esp_delivered(m, 0, 2, 1, 100);
    ck_assert_ok(metrics_finish(m, 20 * NSEC_PER_S));
#define JUDGE(metric, a, op, limit) judge(m, metric, AGGREGATE_##a, COMPARE_##op, limit, &pass)
    ck_assert_ok(JUDGE("ike.setup_time_s", PERCENTILE, LT, fixed_count(1)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("ike.setup_time_s", PERCENTILE, GE, fixed_count(1)));
    ck_assert(!pass);
    ck_assert_ok(JUDGE("ike.setup_time_s", MAX, EQ, fixed_seconds(990 * NSEC_PER_MS)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("ike.setup_time_s", COUNT, EQ, fixed_count(990)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("ike.failed", COUNT, EQ, fixed_count(0)));
    ck_assert(!pass);
    ck_assert_ok(JUDGE("ike.failed@homes", VALUE, LE, fixed_count(5)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("esp.delivered_ratio@upload", VALUE, GT, fixed_ratio(95, 100)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("groups.homes.ike.failed_by.timeout", COUNT, NE, fixed_count(3)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("ike.failed_by.dead_peer", COUNT, EQ, fixed_count(0)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("cpu_busy_ratio@gw", VALUE, LT, fixed_count(1)));
    ck_assert(pass);
    /* Nothing measured never passes. */
    ck_assert_ok(JUDGE("ike.time_to_first_packet_s", MAX, GE, fixed_count(0)));
    ck_assert(!pass);
    ck_assert_ok(JUDGE("recovery_s.t99", VALUE, GE, fixed_count(0)));
    ck_assert(!pass);
    metrics_recovery(m, &(struct recovery){"a", 1, 2, 3, 1, NSEC_PER_S, NSEC_NEVER});
    ck_assert_ok(JUDGE("recovery_s.t99", VALUE, LE, fixed_count(1)));
    ck_assert(pass);
    ck_assert_ok(JUDGE("recovery_s.t100", VALUE, LE, fixed_count(1000)));
    ck_assert(!pass);
    /* What does not exist is an error, not a pass. */
    ck_assert_int_eq(JUDGE("ike.fialed", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("ike.failed@nowhere", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("esp.delivered_ratio@homes", VALUE, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("ike", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("@", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("ike.failed_by.", COUNT, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("recovery_s.t42", VALUE, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("groups.homes.role", VALUE, EQ, fixed_count(0)), ERR_NOT_FOUND);
    ck_assert_int_eq(JUDGE("ike.failed", PERCENTILE, EQ, fixed_count(0)), ERR_USAGE);
    ck_assert_int_eq(JUDGE("ike.setup_time_s", VALUE, LT, fixed_count(1)), ERR_USAGE);
    metrics_destroy(m);
}
END_TEST

SUITE("record metrics", numbers_print_exactly, json_text_survives_any_bytes,
      csv_fields_are_quoted_when_due, handshakes_are_counted_and_balanced,
      rates_and_percentiles_count_from_measure_from, one_end_has_no_ratio_and_no_latency,
      both_ends_say_what_was_lost_and_what_is_held, echoes_are_answered_lost_or_pending,
      order_of_failures_does_not_show, scalars_and_virtual_agree, series_are_growth_and_gauges,
      paths_are_written_where_something_happened,
      versions_are_told_apart_where_somebody_speaks_ikev1, a_full_disk_is_told,
      thresholds_judge_in_integers)
