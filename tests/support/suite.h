/*
 * What every test program shares: `SUITE("name", tests...)` is its main(). A test is a libcheck
 * START_TEST; a program that cannot run here calls skip_all("why"), which ctest shows as skipped.
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIPPED 77

static inline _Noreturn void skip_all(const char *why)
{
    printf("skipped: %s\n", why);
    exit(SKIPPED);
}

static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 600);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    /* Sanitizers and valgrind report better from one process. */
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

#define SUITE(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *list[] = {__VA_ARGS__};                                                       \
        return suite_run(name, list, sizeof list / sizeof *list);                                  \
    }

#define ck_assert_ok(expression) ck_assert_int_eq((expression), 0)

#endif
