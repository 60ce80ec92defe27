/*
 * The folder of a sweep: plan.json says whose runs lie in it, and while one process works in it,
 * it is locked against others.
 */
#ifndef BENCH_SWEEP_FOLDER_H
#define BENCH_SWEEP_FOLDER_H

#include "bench/sweep/plan.h"

/**
 * Make the folder, or find that it is of this plan.
 * @param[out] lock  to be closed in the end; -1 on error
 * @param[out] why   on error a sentence (SWEEP_WHY_MAX bytes)
 * @retval ERR_USAGE  it is not empty and no sweep's, or another sweep's and `force` is not set
 * @retval ERR_STATE  another process works in it
 * @retval ERR_IO
 */
enum err sweep_folder_open(const struct sweep_plan *, bool force, int *lock, char *why) MUST_USE;

#endif
