/*
 * result.json: everything a run says about itself, in one object of stable key order. `virtual`
 * is deterministic; `wall` and `provenance` are not.
 */
#ifndef RECORD_RESULT_H
#define RECORD_RESULT_H

#include "record/capture.h"
#include "record/metrics.h"
#include "record/provenance.h"
#include "record/threshold.h"

enum { RESULT_SCHEMA_VERSION = 1 };

/** One line of the `security` section: section "ike" or "esp"; text, or a number if text is NULL.
 */
struct security_item {
    const char *section;
    const char *key; /* "version", "auth", "proposals", "rekey_time_s", "replay_window" ... */
    const char *text;
    struct fixed number;
};

struct wall {
    uint64_t run_ns, setup_ns; /* of a stopwatch around the run */
    uint64_t last_up_ns;       /* from the begin of set-up until the last handshake was complete;
                                  0: none was, or it is not known */
    uint64_t events;           /* simulation events handled */
    uint64_t esp_alone;        /* ESP packets sealed or opened one at a time */
    uint64_t esp_together;     /* in one call with others */
    uint64_t peak_rss_bytes;
};

struct result {
    const char *scenario;      /* name */
    const char *scenario_file; /* as given, may be NULL */
    const char *scenario_sha256;
    const char *scenario_effective; /* JSON object, defaults filled in; NULL: left out */
    const char *lesson;             /* JSON object of `lesson:`; NULL: it is no lesson */
    uint64_t seed;
    uint64_t digest, timeline_digest;
    const char *crypto;            /* "real" or "modelled" */
    bool partial;                  /* stopped before its stop_time */
    const char *wrong;             /* faults that the scenario asks for, by group; NULL: none */
    const char *violation;         /* text of a checker's finding, NULL: none */
    const struct metrics *metrics; /* finished */
    const struct threshold *thresholds;
    const struct threshold_result *verdicts; /* one per threshold */
    size_t threshold_count;
    const struct security_item *security;
    size_t security_count;
    struct capture_totals capture;
    struct wall wall;
    const struct provenance *provenance; /* NULL: provenance() */
};

/** Whole result.json, pretty-printed, into `out`. */
void result_json(const struct result *, struct text *out);
/** The `virtual` object alone, for comparing two runs byte by byte. */
void result_virtual_json(const struct result *, struct text *out);

struct run_folder;
/** result.json, scalars.csv and histograms.json into the folder. @retval ERR_IO, ERR_MEMORY */
enum err result_write(const struct result *, struct run_folder *) MUST_USE;

#endif
