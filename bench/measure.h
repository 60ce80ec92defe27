/*
 * How Ikelab measures: CPU time of one thread on a pinned core. Medians, repetitions and the bound
 * of the hardware beside each sample are the business of bench/worker.c and bench/rounds.c.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

/** CPU nanoseconds that this thread has used. */
uint64_t measure_cpu_ns(void);
/**
 * Pin this thread to the nth processor from the one it runs on, counting round those it may use;
 * 0 is the one it runs on. False where the kernel refuses or there are not so many.
 */
bool measure_pin(unsigned nth);

#endif
