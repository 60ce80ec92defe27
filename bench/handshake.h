/*
 * Handshakes per second on one core: an initiator and a responder endpoint, whole messages built
 * and parsed, real cryptography, child SA installed at both ends; beside it the bound of the bare
 * cryptography, measured in the same run.
 */
#ifndef BENCH_HANDSHAKE_H
#define BENCH_HANDSHAKE_H

#include "bench/measure.h"
#include "proto/core/config.h"

struct handshake_bench {
    const char *ike_proposal; /* strongSwan notation */
    const char *esp_proposal;
    unsigned windows; /* 1..MEASURE_WINDOWS_MAX */
    uint32_t pairs;   /* per window */
};

struct handshake_result {
    struct samples pair_us;  /* CPU microseconds per pair, both ends; one sample per window */
    struct samples bound_us; /* of the bare cryptography; empty where there is no bound program */
};

/**
 * @param[out] why  on error a sentence for the user, static storage
 * @retval ERR_UNSUPPORTED a proposal is not understood
 */
enum err handshake_bench(const struct handshake_bench *, struct handshake_result *out,
                         const char **why) MUST_USE;

#endif
