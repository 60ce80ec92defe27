/*
 * A run folder without a run: every file of record/, filled with made-up but consistent numbers,
 * for testing schemas, capture and report. usage: sample_run DIR [modelled] [partial] [empty]
 */
#include "base/rng.h"
#include "record/capture.h"
#include "record/events.h"
#include "record/keys.h"
#include "record/result.h"
#include "record/run_folder.h"

#include <stdlib.h>

enum { HOMES = 400, SECONDS = 40, NODES = 4 };

static const char *const groups[] = {"homes", "boxes", "isp", "gw"};
static const char *const roles[] = {"initiator", "nat", "router", "responder"};
static const char *const links[] = {"lan", "access", "core"};
static const char *const flows[] = {"upload"};
static const char *const hosts[] = {"gw"};
static const char *const path[NODES] = {"homes[0]", "boxes[0]", "isp", "gw"};
static const nsec delay[NODES - 1] = {2 * NSEC_PER_MS, 18 * NSEC_PER_MS, 2 * NSEC_PER_MS};

#define GATEWAY_IP "198.51.100.1"
#define HOME_IP "192.168.0.2"
#define OUTSIDE_IP "100.64.0.1"

struct sample {
    struct run_folder *folder;
    struct events *events;
    struct capture *capture;
    struct keys *keys;
    struct metrics *metrics;
    FILE *events_file;
    uint64_t packet;
    uint32_t interface[NODES];
    bool modelled, partial, empty;
};

static void die(struct sample *s, const char *what)
{
    fprintf(stderr, "sample_run: %s: %s\n", what, s->folder ? run_folder_error(s->folder) : "");
    exit(1);
}

/* An IPv4/UDP packet around `len` zero bytes; enough to be a frame. */
static struct bytes frame(uint8_t *out, uint32_t source, uint32_t destination, uint16_t sport,
                          uint16_t dport, size_t len)
{
    uint32_t sum = 0;

    memset(out, 0, 28 + len);
    out[0] = 0x45;
    store_be16(out + 2, (uint16_t)(28 + len));
    out[8] = 64;
    out[9] = 17;
    store_be32(out + 12, source);
    store_be32(out + 16, destination);
    for (int i = 0; i < 20; i += 2)
        sum += load_be16(out + i);
    store_be16(out + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    store_be16(out + 20, sport);
    store_be16(out + 22, dport);
    store_be16(out + 24, (uint16_t)(8 + len));
    return bytes_of(out, 28 + len);
}

struct message {
    const char *exchange;
    uint32_t id;
    bool response;
    uint32_t transmission;
    uint16_t port, nat_port; /* of client and of its mapping; the gateway has `port` too */
    uint32_t length;
    int lost_after; /* dropped on the link behind node i of the way; -1: arrives */
};

static uint64_t keep(struct sample *s, int node, bool sent, nsec at, const struct message *m,
                     bool inside)
{
    uint8_t storage[2048];
    uint32_t client = inside ? 0xc0a80002 : 0x64400001, gateway = 0xc6336401;
    uint16_t port = inside ? m->port : m->nat_port;
    char note[64];
    const char *comments[] = {note};
    struct capture_packet packet = {.interface = s->interface[node], .at = at, .sent = sent};

    snprintf(note, sizeof note, "retransmission %u", m->transmission);
    packet.comments = comments;
    packet.comment_count = m->transmission > 0;
    packet.data = m->response ? frame(storage, gateway, client, m->port, port, m->length - 28)
                              : frame(storage, client, gateway, port, m->port, m->length - 28);
    return capture_packet(s->capture, &packet);
}

/* One message over the whole path, event by event; when it would be at the far end. */
static nsec travel(struct sample *s, nsec at, const struct message *m)
{
    struct event_packet p = {.packet = ++s->packet,
                             .protocol = "udp",
                             .kind = "ike",
                             .length = m->length,
                             .exchange = m->exchange,
                             .message_id = m->id,
                             .response = m->response,
                             .transmission = m->transmission,
                             .spi_i = 0x1122334455667788};

    for (int hop = 0; hop < NODES - 1; hop++) {
        int from = m->response ? NODES - 1 - hop : hop, to = m->response ? from - 1 : from + 1;
        int link = from < to ? from : to;
        bool inside = link == 0;
        char client[32], gateway[32];

        snprintf(client, sizeof client, "%s:%u", inside ? HOME_IP : OUTSIDE_IP,
                 inside ? m->port : m->nat_port);
        snprintf(gateway, sizeof gateway, GATEWAY_IP ":%u", m->port);
        p.source = m->response ? gateway : client;
        p.destination = m->response ? client : gateway;
        p.link = links[link];
        p.frame = from == 2 ? 0 : keep(s, from, true, at, m, inside);
        events_packet(s->events, at, path[from], "packet.sent", &p);
        if (hop == m->lost_after) {
            p.cause = net_drop_name(NET_DROP_LOSS);
            p.frame = 0;
            events_packet(s->events, at, path[from], "packet.dropped", &p);
            return 0;
        }
        at += delay[link];
        p.frame = to == 2 ? 0 : keep(s, to, false, at, m, inside);
        events_packet(s->events, at, path[to], "packet.received", &p);
    }
    return at;
}

static void state(struct sample *s, nsec at, const char *node, const char *name, const char *kind)
{
    events_begin(s->events, at, node, "sa.state");
    events_sa(s->events, "1122334455667788");
    events_text(s->events, "state", name);
    events_text(s->events, "kind", kind);
    events_end(s->events);
}

static void mapping(struct sample *s, nsec at, const char *inside, const char *outside)
{
    events_begin(s->events, at, "boxes[0]", "nat.mapped");
    events_text(s->events, "inside", inside);
    events_text(s->events, "outside", outside);
    events_text(s->events, "remote", GATEWAY_IP ":500");
    events_u64(s->events, "expires_ns", at + 30 * NSEC_PER_S);
    events_text(s->events, "protocol", "udp");
    events_end(s->events);
}

static void details(struct sample *s, nsec at)
{
    events_begin(s->events, at, path[3], "timer.armed");
    events_sa(s->events, "1122334455667788");
    events_text(s->events, "timer", "liveness");
    events_u64(s->events, "deadline_ns", at + 30 * NSEC_PER_S);
    events_end(s->events);
    events_begin(s->events, at, path[3], "esp.window");
    events_sa(s->events, "0x11223344");
    events_u64(s->events, "packet", 1);
    events_u64(s->events, "spi", 0x11223344);
    events_u64(s->events, "sequence", 5);
    events_u64(s->events, "highest", 7);
    events_u64(s->events, "window", 64);
    events_text(s->events, "bitmap", "000000000000007f");
    events_text(s->events, "verdict", "fresh");
    events_end(s->events);
    events_begin(s->events, at, path[3], "host.queue");
    events_u64(s->events, "backlog", 3);
    events_u64(s->events, "busy_cores", 2);
    events_end(s->events);
}

/* INIT lost once on the core link, then the answer, then AUTH on port 4500. */
static void first_handshake(struct sample *s)
{
    const nsec start = 120 * NSEC_PER_MS, work = 300 * NSEC_PER_US;
    nsec at;

    state(s, start, path[0], "half_open", "ike");
    mapping(s, start + delay[0], HOME_IP ":500", OUTSIDE_IP ":1024");
    travel(s, start, &(struct message){"IKE_SA_INIT", 0, false, 0, 500, 1024, 276, 2});
    at = travel(s, start + 500 * NSEC_PER_MS,
                &(struct message){"IKE_SA_INIT", 0, false, 1, 500, 1024, 276, -1});
    at = travel(s, at + work, &(struct message){"IKE_SA_INIT", 0, true, 0, 500, 1024, 276, -1});
    mapping(s, at + work + delay[0], HOME_IP ":4500", OUTSIDE_IP ":1025");
    at = travel(s, at + work, &(struct message){"IKE_AUTH", 1, false, 0, 4500, 1025, 301, -1});
    state(s, at + work, path[3], "ike_up", "ike");
    at = travel(s, at + work, &(struct message){"IKE_AUTH", 1, true, 0, 4500, 1025, 253, -1});
    state(s, at, path[0], "ike_up", "ike");
    state(s, at, path[0], "child_up", "child");
    details(s, at);
}

static void keys(struct sample *s)
{
    static const uint8_t secret[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const struct encr_suite *gcm = encr_suite_named("aes256gcm16", 11);
    const struct encr_suite *chacha = encr_suite_named("chacha20poly1305", 16);
    struct ike_key_record ike = {.at = NSEC_PER_S,
                                 .node = path[0],
                                 .spi_i = 0x1122334455667788,
                                 .spi_r = 0x99aabbccddeeff00,
                                 .encr = gcm,
                                 .prf = prf_suite_named("prfsha256", 9),
                                 .skeyseed = bytes_of(secret, 32),
                                 .sk_d = bytes_of(secret, 32),
                                 .sk_ei = bytes_of(secret, 36),
                                 .sk_er = bytes_of(secret, 36),
                                 .sk_pi = bytes_of(secret, 32),
                                 .sk_pr = bytes_of(secret, 32)};
    struct child_key_record child = {.at = NSEC_PER_S,
                                     .node = path[0],
                                     .spi = 0xc0ffee01,
                                     .source = HOME_IP,
                                     .destination = GATEWAY_IP,
                                     .encr = gcm,
                                     .encr_key = bytes_of(secret, 36)};

    keys_ike(s->keys, &ike);
    keys_child(s->keys, &child);
    ike.node = child.node = path[3]; /* the other end tells the same */
    child.source = OUTSIDE_IP;
    keys_ike(s->keys, &ike);
    keys_child(s->keys, &child);
    child.spi = 0xc0ffee02;
    child.destination = HOME_IP;
    child.encr = chacha; /* Wireshark 4.0 has no name for it */
    keys_child(s->keys, &child);
}

static void load_second(struct sample *s, struct rng *r, uint64_t second, uint64_t *up)
{
    struct metrics *m = s->metrics;
    nsec base = second * NSEC_PER_S;
    uint64_t arrivals = second < 8 ? HOMES / 8 : 0;

    for (uint64_t i = 0; i < arrivals; i++) {
        nsec start = base + i * (NSEC_PER_S / arrivals);
        bool retried = rng_below(r, 10) == 0;
        nsec took = 45 * NSEC_PER_MS + rng_below(r, 9 * NSEC_PER_MS) +
                    (retried ? (500 << rng_below(r, 2)) * NSEC_PER_MS : 0);

        metrics_ike_started(m, 0, start);
        if (retried)
            METRICS_IKE_COUNT(m, 0, retransmissions, 1);
        metrics_nat_mapped(m, 1);
        metrics_nat_mapped(m, 1);
        if (second == 7 && i == arrivals - 1) {
            metrics_ike_failed(m, 0, start + took, "timeout");
            continue;
        }
        metrics_ike_completed(m, 0, start + took, start);
        metrics_first_packet(m, 0, start + took + 30 * NSEC_PER_MS, start);
        m->hosts[0].cpu_busy_ns += 450 * NSEC_PER_US;
        hist_add(&m->hosts[0].queue_wait_ns, rng_below(r, 200000));
        (*up)++;
    }
}

static void traffic_second(struct sample *s, struct rng *r, uint64_t second, uint64_t up)
{
    struct metrics *m = s->metrics;

    for (uint64_t i = 0; i < up; i++) {
        nsec at = second * NSEC_PER_S + i * (NSEC_PER_S / HOMES);
        uint64_t bytes = rng_below(r, 12) < 7 ? 64 : rng_below(r, 5) < 4 ? 570 : 1400;

        metrics_esp_sent(m, 0, at, bytes);
        m->net.sent_packets++;
        if (rng_below(r, 50) == 0) {
            m->net.dropped[rng_below(r, 6) ? NET_DROP_LOSS : NET_DROP_QUEUE]++;
            continue;
        }
        m->net.delivered_packets++;
        metrics_esp_delivered(m, 0, at + 30 * NSEC_PER_MS, at, bytes);
        m->hosts[0].cpu_busy_ns += 2 * NSEC_PER_US;
    }
    m->links[2].net.sent_bytes += up * 400;
    m->links[2].queue_bytes = rng_below(r, 3000);
    m->hosts[0].backlog = second < 8 ? rng_below(r, 40) : rng_below(r, 4);
    m->hosts[0].half_open = second < 8 ? 2 + rng_below(r, 20) : 0;
    m->hosts[0].ike_sas = up;
}

static void load(struct sample *s)
{
    struct metrics *m = s->metrics;
    struct rng r = rng_stream(1, 1, RNG_TEST);
    uint64_t up = 0;

    for (uint64_t second = 0; second < SECONDS && !s->empty; second++) {
        load_second(s, &r, second, &up);
        traffic_second(s, &r, second, up);
        if (second == 20)
            m->groups[1].nat_mappings -= 200, m->groups[1].nat_expired += 200;
        metrics_set_tunnels(m, up);
        metrics_sample(m, (second + 1) * NSEC_PER_S);
    }
    if (!s->empty)
        metrics_recovery(m,
                         &(struct recovery){"boxes[0..99] reboot", 20 * NSEC_PER_S, 100, 100,
                                            1200 * NSEC_PER_MS, 19 * NSEC_PER_S, 20 * NSEC_PER_S});
    m->hosts[0].ike_sas_peak = up;
    m->hosts[0].half_open_peak = 22;
    m->hosts[0].memory_bytes = up * 1250;
}

static void create(struct sample *s, const char *dir)
{
    const struct run_folder_options folder = {.path = dir, .name = "sample", .seed = 1};
    struct metrics_options metrics = {
        .groups = {groups, 4}, .links = {links, 3}, .flows = {flows, 1}, .hosts = {hosts, 1}};
    struct capture_options capture = {.max_size = 1 << 20,
                                      .esp_packets_per_sa = 50,
                                      .scenario = "sample",
                                      .seed = 1,
                                      .commit = provenance()->commit,
                                      .crypto = s->modelled ? "modelled" : "real"};

    if (run_folder_create(&folder, &s->folder) != OK)
        die(s, "folder");
    metrics.series = run_folder_open(s->folder, "series.csv");
    capture.file = run_folder_open(s->folder, "capture.pcapng");
    s->events_file = run_folder_open(s->folder, "events.jsonl");
    if (metrics_create(&metrics, &s->metrics) != OK ||
        capture_create(&capture, &s->capture) != OK ||
        events_create(s->events_file, &s->events) != OK ||
        keys_create(run_folder_open(s->folder, "keys.jsonl"), &s->keys) != OK)
        die(s, "create");
    for (int i = 0; i < NODES; i++) {
        s->interface[i] = i == 2 ? 0 : capture_interface(s->capture, path[i], roles[i]);
        s->metrics->groups[i].role = roles[i];
        s->metrics->groups[i].members = i < 2 ? HOMES : 1;
    }
    for (int i = 0; i < 3; i++)
        s->metrics->links[i].members = i < 2 ? HOMES : 1;
    s->metrics->hosts[0].cores = 4;
    capture_name(s->capture, 4, (const uint8_t[]){198, 51, 100, 1}, "gw");
    capture_name(s->capture, 4, (const uint8_t[]){192, 168, 0, 2}, "home-0");
}

static void finish(struct sample *s)
{
    const struct threshold thresholds[] = {
        {"ike.setup_time_s", "p(99)<2s", AGGREGATE_PERCENTILE, 990000, COMPARE_LT, fixed_count(2)},
        {"ike.failed", "count==0", AGGREGATE_COUNT, 0, COMPARE_EQ, fixed_count(0)},
        {"esp.delivered_ratio@upload", ">0.95", AGGREGATE_VALUE, 0, COMPARE_GT,
         fixed_ratio(95, 100)}};
    const struct security_item security[] = {
        {"ike", "version", NULL, fixed_count(2)},
        {"ike", "proposals", "aes256gcm16-prfsha256-x25519", {0}},
        {"ike", "auth", "psk", {0}},
        {"esp", "proposals", "aes256gcm16", {0}},
        {"esp", "mode", "tunnel", {0}}};
    struct threshold_result verdicts[3] = {{{0}, NULL, false}};
    struct result result = {.scenario = "sample",
                            .scenario_file = "tests/report/<sample>",
                            .scenario_sha256 = "00",
                            .seed = 1,
                            .digest = 0x7f3a00c1,
                            .timeline_digest = 0x1234,
                            .crypto = s->modelled ? "modelled" : "real",
                            .partial = s->partial,
                            .metrics = s->metrics,
                            .thresholds = thresholds,
                            .verdicts = verdicts,
                            .threshold_count = 3,
                            .security = security,
                            .security_count = 5,
                            .wall = {800 * NSEC_PER_MS, 10 * NSEC_PER_MS, 123456, 50 << 20}};

    if (metrics_finish(s->metrics, SECONDS * NSEC_PER_S) != OK)
        die(s, "series");
    for (int i = 0; i < 3; i++) {
        if (threshold_judge(&thresholds[i], s->metrics, &verdicts[i]) != OK)
            die(s, thresholds[i].metric);
    }
    if (capture_close(s->capture, SECONDS * NSEC_PER_S) != OK || events_flush(s->events) != OK ||
        keys_write_profile(s->keys, s->folder) != OK)
        die(s, "capture, events, keys");
    result.capture = capture_totals(s->capture);
    if (result_write(&result, s->folder) != OK || run_folder_commit(s->folder) != OK)
        die(s, "result");
}

int main(int argc, char **argv)
{
    struct sample s = {0};

    for (int i = 2; i < argc; i++) {
        s.modelled |= strcmp(argv[i], "modelled") == 0;
        s.partial |= strcmp(argv[i], "partial") == 0;
        s.empty |= strcmp(argv[i], "empty") == 0;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: sample_run DIR [modelled] [partial] [empty]\n");
        return 2;
    }
    create(&s, argv[1]);
    if (!s.empty) {
        first_handshake(&s);
        keys(&s);
    }
    load(&s);
    finish(&s);
    events_destroy(s.events);
    capture_destroy(s.capture);
    keys_destroy(s.keys);
    metrics_destroy(s.metrics);
    run_folder_destroy(s.folder);
    return 0;
}
