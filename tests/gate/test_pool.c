/*
 * The pool of processes of a sweep: each job once, never more at a time than asked for, how each
 * ended and what it said; and an end when one is asked for.
 */
#include "bench/sweep/pool.h"

#include "suite.h"

#include <string.h>
#include <time.h>

enum { JOBS_MAX = 40 };

static const char first_and_last[] =
    "echo first; i=0; while [ $i -lt 2000 ]; do echo middle $i >&2; i=$((i+1)); done; echo last; "
    "exit 3";

struct asked {
    const char *program; /* of `sh -c` */
    unsigned count, started, ended, running, most;
    int status[JOBS_MAX];
    char said[POOL_SAID_MAX];         /* by the last one */
    volatile sig_atomic_t *interrupt; /* set at the first tick */
    const char *argv[4];
};

static bool next(void *context, const char *const **argv, uint64_t *job)
{
    struct asked *a = context;

    if (a->started == a->count)
        return false;
    a->argv[0] = "sh";
    a->argv[1] = "-c";
    a->argv[2] = a->program;
    *argv = a->argv;
    *job = a->started++;
    a->most = ++a->running > a->most ? a->running : a->most;
    return true;
}

static void done(void *context, uint64_t job, int status, const char *said)
{
    struct asked *a = context;

    ck_assert_uint_lt(job, a->count);
    ck_assert_int_eq(a->status[job], -1);
    a->status[job] = status;
    a->ended++;
    a->running--;
    ck_assert_uint_lt(strlen(said), POOL_SAID_MAX);
    snprintf(a->said, sizeof a->said, "%s", said);
}

static void tick(void *context)
{
    struct asked *a = context;

    if (a->interrupt)
        *a->interrupt = SIGINT;
}

static enum err run(struct asked *a, unsigned jobs)
{
    static volatile sig_atomic_t interrupted;
    struct pool_options o = {.jobs = jobs,
                             .interrupted = &interrupted,
                             .next = next,
                             .done = done,
                             .tick = tick,
                             .context = a};

    interrupted = 0;
    if (a->interrupt)
        a->interrupt = &interrupted;
    for (unsigned i = 0; i < a->count; i++)
        a->status[i] = -1;
    return pool_run(&o);
}

START_TEST(each_job_once_and_no_more_than_asked_at_a_time)
{
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        struct asked a = {.program = "exit 7", .count = JOBS_MAX};

        ck_assert_int_eq(run(&a, jobs), OK);
        ck_assert_uint_eq(a.ended, JOBS_MAX);
        ck_assert_uint_eq(a.most, jobs);
        for (unsigned i = 0; i < a.count; i++)
            ck_assert_int_eq(a.status[i], 7);
    }
}
END_TEST

START_TEST(no_job_is_no_trouble)
{
    struct asked a = {.program = "exit 7"};

    ck_assert_int_eq(run(&a, 4), OK);
    ck_assert_uint_eq(a.ended, 0);
}
END_TEST

START_TEST(of_many_words_the_first_and_the_last_are_kept)
{
    struct asked a = {.program = first_and_last, .count = 1};

    ck_assert_int_eq(run(&a, 1), OK);
    ck_assert_int_eq(a.status[0], 3);
    ck_assert_int_eq(strncmp(a.said, "first\nmiddle 0\n", 15), 0);
    ck_assert_str_eq(a.said + strlen(a.said) - 17, "middle 1999\nlast\n");
}
END_TEST

START_TEST(a_signal_is_a_status_too)
{
    struct asked a = {.program = "kill -KILL $$", .count = 2};

    ck_assert_int_eq(run(&a, 2), OK);
    ck_assert_int_eq(a.status[0], 128 + SIGKILL);
    ck_assert_int_eq(a.status[1], 128 + SIGKILL);
}
END_TEST

START_TEST(an_interruption_ends_those_that_run_and_starts_no_more)
{
    volatile sig_atomic_t flag = 0;
    struct asked a = {.program = "exec sleep 600", .count = JOBS_MAX, .interrupt = &flag};
    time_t begin = time(NULL);

    ck_assert_int_eq(run(&a, 3), ERR_INTERRUPTED);
    ck_assert_uint_eq(a.started, 3);
    ck_assert_uint_eq(a.ended, 3);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(a.status[i], 128 + SIGTERM);
    ck_assert_int_lt(time(NULL) - begin, 60);
}
END_TEST

SUITE("pool", each_job_once_and_no_more_than_asked_at_a_time, no_job_is_no_trouble,
      of_many_words_the_first_and_the_last_are_kept, a_signal_is_a_status_too,
      an_interruption_ends_those_that_run_and_starts_no_more)
