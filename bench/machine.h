/*
 * The machine that measures: what it is, and what about it makes numbers doubtful.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "bench/gate/measurement.h"

/** Processor time of the whole machine so far, in ticks. */
struct machine_ticks {
    uint64_t all, stolen, busy; /* of all processors together */
    double own_s;               /* that this process and its ended children used */
};

/** What is known of the machine before it begins: fills `context`, warnings included.
 * @retval ERR_MEMORY */
enum err machine_describe(struct measurement_context *context) MUST_USE;
/** Warnings about how this program was built: of its own measurements only. */
enum err machine_doubt_build(struct measurement_context *context) MUST_USE;
/** Where /proc/stat stands; zeros where there is none. */
struct machine_ticks machine_now(void);
/**
 * What is known at the end: warnings about time that the hypervisor took away since `start`, and
 * about rows whose samples differ by more than 5 %.
 */
enum err machine_judge(struct machine_ticks start, struct measurement_set *) MUST_USE;
/**
 * How much of the machine others used since `start`, in cores: what is busy and not of this process
 * and its children, which must have ended. NAN where the kernel does not tell.
 */
double machine_others(struct machine_ticks start);
/** One more line of `context->warnings`. */
enum err machine_warn(struct measurement_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3))) MUST_USE;

#endif
