/*
 * `ikelab-live`: our endpoints against real peers. A program of its own, because its randomness is
 * the operating system's and the simulator's repeatable one must not even be linked.
 */
#include "crypto/provider.h"
#include "net/tools/live_options.h"
#include "record/result.h"
#include "record/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { DONE = 0, FAILED = 1, WRONG_USE = 2, BY_SIGNAL = 128 };

static int fail(const char *what, const char *why, const char *hint)
{
    fprintf(stderr, "ikelab-live: error: %s%s%s\ntry: %s\n", what, why ? ": " : "", why ? why : "",
            hint);
    return FAILED;
}

static uint64_t peak_rss(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

static void print_json(const struct live_words *w, const struct live_outcome *o)
{
    struct security_item security[] = {
        {"ike", "version", NULL, fixed_count(2)},
        {"ike", "auth", auth_way_name(w->live.config.auth.way), FIXED_NONE},
        {"ike", "proposals", w->ike, FIXED_NONE},
        {"esp", "proposals", w->esp, FIXED_NONE},
    };
    struct result r = {
        .scenario = w->live.config.respond ? "live-respond" : "live-initiate",
        .crypto = "real",
        .partial = o->signal != 0,
        .metrics = o->metrics,
        .security = security,
        .security_count = sizeof security / sizeof *security,
        .wall = {.run_ns = o->took, .events = o->received, .peak_rss_bytes = peak_rss()},
    };
    struct text text;

    text_init(&text, stdout);
    result_json(&r, &text);
    (void)!text_flush(&text);
    text_reset(&text);
}

static void print_percentile(const struct hist *h, const char *name, uint32_t ppm)
{
    printf("  %s %.3f ms", name, (double)hist_percentile(h, ppm) / 1e6);
}

static void print_text(const struct live_words *w, const struct live_outcome *o)
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
    if (h->count) {
        printf("setup time");
        print_percentile(h, "p50", 500000);
        print_percentile(h, "p99", 990000);
        print_percentile(h, "max", 1000000);
        printf("\n");
    }
    if (w->live.data.name)
        printf("esp         %llu packets sent, %llu delivered\n",
               (unsigned long long)esp->sent_packets, (unsigned long long)esp->delivered_packets);
}

/* Talk: what was not as it should be. */
static void print_drops(const struct live_words *w, const struct live_outcome *o)
{
    for (int i = 0; i < IKE_DROP_COUNT; i++)
        if (o->counters.dropped[i])
            fprintf(stderr, "ikelab-live: %llu messages dropped: %s\n",
                    (unsigned long long)o->counters.dropped[i], ike_drop_name(i));
    if (o->unsent)
        fprintf(stderr, "ikelab-live: the system refused to send %llu datagrams\n",
                (unsigned long long)o->unsent);
    if (o->esp_received && !w->live.data.name)
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

static void print_data_drops(const struct live_outcome *o)
{
    const struct ike_counters *c = &o->counters;

    print_count(c->esp_unsent_no_policy, "packets not sent: no child SA is for them");
    print_count(c->esp_unsent_no_sa, "packets not sent: their child SA was gone");
    print_count(c->esp_unsent_limit, "packets not sent: child SA at its limit, or not whole IP");
    print_count(c->esp_dropped_no_sa, "ESP packets dropped: unknown SPI");
    print_count(c->esp_dropped_replay, "ESP packets dropped: replay");
    print_count(c->esp_dropped_icv, "ESP packets dropped: wrong ICV");
    print_count(c->esp_dropped_other, "ESP packets dropped: content, or not for this child SA");
    print_count(o->refused, "packets refused by the TUN device");
}

static int verdict(const struct live_words *w, const struct live_outcome *o)
{
    if (o->signal)
        return BY_SIGNAL + o->signal;
    if (w->live.config.respond)
        return DONE;
    return o->metrics->ike.completed == w->live.count ? DONE : FAILED;
}

static int run(struct live_words *w, struct run_folder *folder)
{
    struct live_outcome o;
    struct live_failure why;
    enum err e = live_run(&w->live, &o, &why);
    int code;

    if (e == ERR_IO)
        code = fail(why.what, strerror(errno), why.hint);
    else if (e != OK)
        code = fail(why.what, NULL, why.hint);
    else {
        if (w->json)
            print_json(w, &o);
        else
            print_text(w, &o);
        print_drops(w, &o);
        if (w->live.data.name)
            print_data_drops(&o);
        code = verdict(w, &o);
        if (folder && (keys_write_profile(o.keys, folder) != OK || run_folder_commit(folder) != OK))
            code = fail("the keys were not written", run_folder_error(folder), "another folder");
    }
    keys_destroy(o.keys);
    metrics_destroy(o.metrics);
    return code;
}

static int run_with_folder(struct live_words *w)
{
    struct run_folder_options options = {.path = w->export_keys, .name = "live"};
    struct run_folder *folder = NULL;
    int code;

    if (!w->export_keys)
        return run(w, NULL);
    if (run_folder_create(&options, &folder) != OK ||
        !(w->live.key_file = run_folder_open(folder, "keys.jsonl")))
        code = fail("--export-keys", folder ? run_folder_error(folder) : NULL, "another folder");
    else
        code = run(w, folder);
    run_folder_destroy(folder);
    return code;
}

/* The provider and what is loaded with it live around the run. */
static int run_with_credentials(struct live_words *w)
{
    struct meter meter = {0}; /* nobody reads it */
    struct crypto *crypto = crypto_openssl_live_create(&meter);
    struct credentials *credentials = NULL;
    char why[CREDENTIALS_WHY];
    int code;

    if (!crypto)
        return fail("the crypto library does not start", NULL, "openssl version -a");
    w->live.crypto = crypto;
    if (credentials_load(crypto, &w->files, &w->live.config, &credentials, why) == OK)
        code = run_with_folder(w);
    else {
        fail(why, NULL, "openssl x509 -in CERT -noout -text, openssl pkey -in KEY -noout");
        code = WRONG_USE;
    }
    credentials_free(credentials);
    crypto_destroy(crypto);
    wipe(&w->live.config, sizeof w->live.config);
    return code;
}

int main(int argc, char **argv)
{
    bool respond = argc > 1 && strcmp(argv[1], "respond") == 0;
    static char name[32];
    struct live_words words;
    int code;

    if (argc < 2 || (!respond && strcmp(argv[1], "initiate") != 0)) {
        bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;

        fputs("usage: ikelab live initiate|respond [OPTION...]\n\n"
              "Our IKEv2 endpoints on real UDP sockets, against real peers. A test tool, not a "
              "VPN.\n`ikelab live initiate --help` tells the options.\n",
              asked ? stdout : stderr);
        return asked ? DONE : WRONG_USE;
    }
    snprintf(name, sizeof name, "ikelab live %s", argv[1]);
    argv[1] = name;
    live_words_read(argc - 1, argv + 1, respond, &words);
    code = run_with_credentials(&words);
    if (fflush(stdout) != 0)
        return fail("cannot write to standard output", NULL, "another place for it");
    return code;
}
