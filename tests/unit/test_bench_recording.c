/* bench/recording: both kinds of run are timed, and nothing of them is left behind. */
#define _GNU_SOURCE
#include "suite.h"

#include "bench/recording.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODES = 30 };

static char place[64];

static void own_folder(void)
{
    snprintf(place, sizeof place, "/tmp/ikelab-test-recording-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place));
    ck_assert_int_eq(setenv("TMPDIR", place, 1), 0);
}

static struct recording *opened(void)
{
    const char *why = "";
    struct recording *r = recording_open(NODES, &why);

    ck_assert_msg(r != NULL, "%s", why);
    return r;
}

START_TEST(both_runs_are_timed_and_nothing_is_left)
{
    struct recording_cost cost = {0}, before;
    struct recording *r = opened();

    own_folder();
    for (int i = 0; i < 2; i++) {
        before = cost;
        ck_assert_ok(recording_run(r, &cost));
        ck_assert_uint_gt(cost.recorded_ns, before.recorded_ns);
        ck_assert_uint_gt(cost.numbers_ns, before.numbers_ns);
    }
    recording_close(r);
    ck_assert_int_eq(rmdir(place), 0); /* refuses a folder with anything in it */
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_an_error)
{
    struct recording_cost cost = {0};
    struct recording *r = opened();

    ck_assert_int_eq(setenv("TMPDIR", "/dev/null", 1), 0);
    ck_assert_int_eq(recording_run(r, &cost), ERR_IO);
    recording_close(r);
}
END_TEST

/* Runs until it is told to end, by a signal that ends a process that does not listen. */
static void run_for_ever(int started)
{
    struct recording_cost cost = {0};
    struct recording *r = opened();

    signal(SIGTERM, SIG_DFL); /* libcheck's own ends the whole process group */
    while (recording_run(r, &cost) == OK)
        if (write(started, "", 1) != 1)
            break;
    _exit(1);
}

START_TEST(who_is_told_to_end_cleans_up)
{
    int pipe_ends[2], status;
    char one;
    pid_t child;

    own_folder();
    ck_assert_int_eq(pipe(pipe_ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_for_ever(pipe_ends[1]);
    ck_assert_int_eq(read(pipe_ends[0], &one, 1), 1);
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
    ck_assert_int_eq(rmdir(place), 0);
}
END_TEST

SUITE("bench_recording", both_runs_are_timed_and_nothing_is_left,
      a_place_that_cannot_be_written_is_an_error, who_is_told_to_end_cleans_up)
