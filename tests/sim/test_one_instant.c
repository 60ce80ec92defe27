/*
 * ESP packets of one instant go through the cipher together (sim/ike_together.c), and nobody can
 * tell: every run is the same, byte by byte, as with each packet alone.
 */
#define _XOPEN_SOURCE 700
#include "suite.h"

#include "sim/run.h"

#include <ftw.h>
#include <glob.h>
#include <unistd.h>

enum { OVERRIDES_MAX = 4, PATH_ROOM = 512, LIMITED = 4 };

/* A run, and what it says that must not depend on who went with whom. */
struct told {
    uint64_t digest, timeline, alone, together;
    struct text virtual;
};

static void load(const char *path, const struct scenario_override *overrides, size_t count,
                 struct scenario *out)
{
    ck_assert_msg(scenario_load(path, overrides, count, out, stderr) == OK, "%s", path);
}

static void run(const struct scenario *s, bool alone, struct run_folder *folder, struct told *out)
{
    struct run_options options = {.scenario = s, .esp_alone = alone, .folder = folder};
    struct run_outcome outcome;
    char why[256];

    ck_assert_msg(run_scenario(&options, &outcome, why, sizeof why) == OK, "%s: %s", s->name, why);
    ck_assert_msg(!outcome.violated, "%s: %s", s->name, outcome.result.violation);
    *out = (struct told){.digest = outcome.result.digest,
                         .timeline = outcome.result.timeline_digest,
                         .alone = outcome.result.wall.esp_alone,
                         .together = outcome.result.wall.esp_together};
    text_init(&out->virtual, NULL);
    result_virtual_json(&outcome.result, &out->virtual);
    run_outcome_reset(&outcome);
}

/* @return how many packets went with others */
static uint64_t run_both(const struct scenario *s)
{
    struct told alone, together;
    uint64_t count;

    run(s, true, NULL, &alone);
    run(s, false, NULL, &together);
    ck_assert_uint_eq(alone.together, 0);
    ck_assert_msg(alone.digest == together.digest, "%s: other packets", s->name);
    ck_assert_uint_eq(alone.timeline, together.timeline);
    ck_assert_str_eq(alone.virtual.data, together.virtual.data);
    ck_assert_uint_eq(alone.alone, together.alone + together.together);
    count = together.together;
    text_reset(&alone.virtual);
    text_reset(&together.virtual);
    return count;
}

static const char foul[] = "tests/scenarios/one-instant.yaml";

/* What the packets of the scenario may be, and what may stand in their way. */
static const struct scenario_override variants[][OVERRIDES_MAX] = {
    {{"seed", "2"}},
    {{"child.esp_proposals", "[aes256gcm16]"}, {"child.esn", "true"}},
    {{"child.esp_proposals", "[chacha20poly1305]"}, {"ike.mobike", "true"}},
    {{"child.esp_proposals", "[aes128ctr-sha1]"}, {"child.replay_window", "0"}},
    [LIMITED] = {{"child.esp_proposals", "[null-sha256]"}, {"child.rekey_bytes", "300kB"}},
    {{"child.tfc_padding", "600B"}},
    {{"links.core.mtu", "600B"}, {"traffic.polls.df", "true"}},
    {{"links.core.mtu", "600B"}, {"child.fragment_before", "true"}},
    {{"ike.invalid_spi", "true"}, {"child.rekey_time", "2s"}},
    {{"links.access.rate", "2Mbit"}, {"links.access.limit", "20"}, {"links.lan.mtu", "700B"}},
    {{"nodes.gw.cpu", "{cores: 2, costs: reference-x86}"}},
    {{"child.rekey_packets", "60"}, {"child.life_packets", "70"}},
    {{"child.per_resource", "3"}, {"child.rekey_packets", "0"}},
};

START_TEST(no_variant_shows_who_went_together)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        struct scenario s;
        size_t count = 0;

        while (count < OVERRIDES_MAX && variants[i][count].key)
            count++;
        load(foul, variants[i], count, &s);
        /* Where a limit is always near, all go alone. */
        ck_assert_msg((run_both(&s) > 500) != (i == LIMITED), "variant %zu", i);
        scenario_reset(&s);
    }
}
END_TEST

/* Those with real cryptography; what each does is written at its top. */
START_TEST(no_lesson_shows_it)
{
    glob_t files;
    unsigned real = 0;

    ck_assert_int_eq(glob("scenarios/teach/*.yaml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct scenario s;

        load(files.gl_pathv[i], NULL, 0, &s);
        if (!s.crypto_modelled) {
            real++;
            (void)run_both(&s);
        }
        scenario_reset(&s);
    }
    globfree(&files);
    ck_assert_uint_gt(real, 20);
}
END_TEST

/* ---- bursts ---- */

/* How many packets a flow with these words sends in ten seconds, and how many had company. */
static uint64_t sent(const char *words, uint64_t *together)
{
    char flow[PATH_ROOM];
    struct scenario_override only[] = {{"traffic", flow},
                                       {"events", "[]"},
                                       {"nodes.homes.count", "1"},
                                       {"nodes.homes.arrivals", "{at: 0s}"},
                                       {"child.rekey_packets", "0"}};
    struct run_options options = {0};
    struct run_outcome outcome;
    struct scenario s;
    char why[256];
    uint64_t count;

    snprintf(flow, sizeof flow, "{f: {from: homes, to: gw, start: 1s, for: 10s, %s}}", words);
    load(foul, only, sizeof only / sizeof *only, &s);
    options.scenario = &s;
    ck_assert_ok(run_scenario(&options, &outcome, why, sizeof why));
    count = outcome.metrics->esp.sent_packets;
    *together = outcome.result.wall.esp_together;
    run_outcome_reset(&outcome);
    scenario_reset(&s);
    return count;
}

START_TEST(bursts_keep_the_rate)
{
    uint64_t together;

    ck_assert_uint_eq(sent("packet_rate: 37/s, size: 200B", &together), 370);
    ck_assert_uint_lt(together, 100); /* links double a few */
    /* Every 10/37 s, and the last one whole. */
    ck_assert_uint_eq(sent("packet_rate: 37/s, size: 200B, burst: 10", &together), 370);
    ck_assert_uint_gt(together, 370);
    ck_assert_uint_eq(sent("rate: 800kbit, size: 1000B, burst: 7", &together), 1001);
    ck_assert_uint_eq(sent("packet_rate: 1/s, size: 200B, burst: 100", &together), 100);
    /* As many in the mean. */
    ck_assert_uint_gt(
        sent("packet_rate: 400/s, size: imix, burst: 8, arrivals: poisson", &together), 3200);
    ck_assert_uint_lt(
        sent("packet_rate: 400/s, size: imix, burst: 8, arrivals: poisson", &together), 4800);
}
END_TEST

/* ---- what is recorded ---- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void must_be_equal(const char *x, const char *y)
{
    FILE *a = fopen(x, "r"), *b = fopen(y, "r");
    int c;

    ck_assert_msg(a && b, "%s or %s is not there", x, y);
    while ((c = fgetc(a)) != EOF)
        if (c != fgetc(b))
            ck_abort_msg("%s and %s differ at %ld", x, y, ftell(a) - 1);
    ck_assert_int_eq(fgetc(b), EOF);
    fclose(a);
    fclose(b);
}

START_TEST(what_is_recorded_is_the_same)
{
    static const char *const files[] = {"events.jsonl", "capture.pcapng", "keys.jsonl",
                                        "series.csv"};
    struct scenario_override few = {"capture", "{of: [\"homes[0..1]\"], esp_packets_per_sa: 20}"};
    char place[] = "/tmp/one-instant-XXXXXX", path[2][PATH_ROOM];
    struct scenario s;
    struct told told[2];

    ck_assert_ptr_nonnull(mkdtemp(place));
    load(foul, &few, 1, &s);
    for (int i = 0; i < 2; i++) {
        struct run_folder *folder;

        snprintf(path[i], sizeof path[i], "%s/%d", place, i);
        ck_assert_ok(run_folder_create(
            &(struct run_folder_options){.path = path[i], .name = s.name}, &folder));
        run(&s, i == 0, folder, &told[i]);
        ck_assert_ok(run_folder_commit(folder));
        run_folder_destroy(folder);
        text_reset(&told[i].virtual);
    }
    ck_assert_uint_eq(told[0].together, 0);
    ck_assert_uint_gt(told[1].together, 500);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char a[2 * PATH_ROOM], b[2 * PATH_ROOM];

        snprintf(a, sizeof a, "%s/%s", path[0], files[i]);
        snprintf(b, sizeof b, "%s/%s", path[1], files[i]);
        must_be_equal(a, b);
    }
    scenario_reset(&s);
    ck_assert_int_eq(nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}
END_TEST

/* Modelled cryptography has nothing to gain. */
START_TEST(modelled_packets_go_alone)
{
    struct scenario_override modelled[] = {
        {"crypto", "modelled"}, {"stop_time", "6s"}, {"events", "[]"}};
    struct scenario s;
    struct told told;

    load(foul, modelled, 3, &s);
    run(&s, false, NULL, &told);
    ck_assert_uint_eq(told.together, 0);
    ck_assert_uint_gt(told.alone, 1000);
    text_reset(&told.virtual);
    scenario_reset(&s);
}
END_TEST

SUITE("one_instant", no_variant_shows_who_went_together, no_lesson_shows_it, bursts_keep_the_rate,
      what_is_recorded_is_the_same, modelled_packets_go_alone)
