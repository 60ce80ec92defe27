/*
 * One run of one scenario: set up, loop, finish. The caller owns scenario and run folder and
 * decides what to do with the result.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "record/result.h"
#include "record/run_folder.h"
#include "sim/lab.h"

enum { RUN_SECURITY_MAX = 32, RUN_TEXT_MAX = 2048 };

/** Where the run stands; for a progress line. */
struct run_progress {
    nsec now, stop;
    uint64_t events, handshakes, wall_ns;
};

struct run_options {
    const struct scenario *scenario;
    struct run_folder *folder; /* NULL: numbers only */
    uint32_t
        halvings; /* of a smaller copy (sim/footprint): what is watched is as many times less */
    enum plant plant;
    bool esp_alone; /* no ESP packets together: for tests, as it makes no difference to results */
    const volatile int *interrupted; /* becomes non-zero to stop early; may be NULL */
    /** Called a few times per second of wall time; may be NULL. */
    void (*progress)(void *context, const struct run_progress *);
    void *context;
    /** What the loop is called through, to be timed without set-up and clean-up: it calls
     * work(state) once, or not at all to have the set-up alone. NULL: nothing. */
    void (*timed)(void *stopwatch, void (*work)(void *state), void *state);
    void *stopwatch; /* for `timed` */
};

struct run_outcome {
    struct result result; /* metrics and verdicts are owned by the outcome */
    struct metrics *metrics;
    struct threshold_result *verdicts;
    bool thresholds_pass;
    bool violated;
    struct violation violation;
    char violation_node[LAB_NAME_MAX];
    char text[RUN_TEXT_MAX]; /* of `security`, and of result.violation */
    struct security_item security[RUN_SECURITY_MAX];
};

/** The name of a planted defect; PLANT_COUNT if there is none of that name. */
enum plant plant_named(const char *name);

/**
 * Run it. With a folder, everything but result.json and the report is written there.
 * @param[out] out  to be freed with run_outcome_reset, also on error
 * @param[out] why  on error a sentence for the user (cap bytes)
 * @retval ERR_INTERRUPTED  stopped early; the outcome is whole and result.partial is set
 */
enum err run_scenario(const struct run_options *, struct run_outcome *out, char *why,
                      size_t cap) MUST_USE;
void run_outcome_reset(struct run_outcome *);

#endif
