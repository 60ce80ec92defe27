/* What memory is left, as files below a folder of our own tell it. */
#include "suite.h"

#include "base/machine_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char root[64];
};

static void place_make(struct place *p)
{
    strcpy(p->root, "/tmp/ikelab-memory-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(p->root));
}

static void put(const struct place *p, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s%s", p->root, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)!mkdir(path, 0777);
        *slash = '/';
    }
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static uint64_t left(struct place *p)
{
    struct machine_memory m;

    machine_memory_read(p->root, &m);
    return m.resident_bytes;
}

static void place_free(const struct place *p)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", p->root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(nothing_known_is_no_limit)
{
    struct place p;

    place_make(&p);
    ck_assert_uint_eq(left(&p), UINT64_MAX);
    place_free(&p);
}
END_TEST

START_TEST(what_the_machine_has)
{
    struct place p;

    place_make(&p);
    put(&p, "/proc/meminfo", "MemTotal: 9999 kB\nMemFree: 7 kB\nMemAvailable:   4096 kB\n");
    ck_assert_uint_eq(left(&p), 4 << 20);
    place_free(&p);
}
END_TEST

START_TEST(a_group_leaves_less_and_so_may_those_above_it)
{
    struct place p;

    place_make(&p);
    put(&p, "/proc/meminfo", "MemAvailable: 4096 kB\n");
    put(&p, "/proc/self/cgroup", "0::/a/b\n");
    put(&p, "/sys/fs/cgroup/a/b/memory.max", "max\n");
    put(&p, "/sys/fs/cgroup/a/b/memory.current", "1000\n");
    ck_assert_uint_eq(left(&p), 4 << 20);
    put(&p, "/sys/fs/cgroup/a/memory.max", "5000\n");
    put(&p, "/sys/fs/cgroup/a/memory.current", "2000\n");
    ck_assert_uint_eq(left(&p), 3000);
    put(&p, "/sys/fs/cgroup/a/b/memory.max", "1100\n");
    ck_assert_uint_eq(left(&p), 100);
    put(&p, "/sys/fs/cgroup/a/b/memory.current", "1200\n"); /* above its limit for a moment */
    ck_assert_uint_eq(left(&p), 0);
    place_free(&p);
}
END_TEST

START_TEST(version_one_has_a_tree_for_memory)
{
    struct place p;

    place_make(&p);
    put(&p, "/proc/self/cgroup", "7:cpu,cpuacct:/x\n5:memory:/x\n0::/\n");
    put(&p, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "70000\n");
    put(&p, "/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "10000\n");
    ck_assert_uint_eq(left(&p), 60000);
    /* In a container the group's own path may not be there, but its top is. */
    put(&p, "/proc/self/cgroup", "5:memory:/elsewhere/y\n");
    put(&p, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "50000\n");
    put(&p, "/sys/fs/cgroup/memory/memory.usage_in_bytes", "20000\n");
    ck_assert_uint_eq(left(&p), 30000);
    place_free(&p);
}
END_TEST

START_TEST(address_space_has_a_limit_of_its_own)
{
    struct machine_memory m;
    struct rlimit before, limit;

    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    machine_memory_read("", &m);
    if (before.rlim_cur == RLIM_INFINITY)
        ck_assert_uint_eq(m.address_bytes, UINT64_MAX);
    limit = (struct rlimit){(rlim_t)1 << 46, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    machine_memory_read("", &m);
    ck_assert_uint_eq(m.address_bytes, UINT64_C(1) << 46);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
}
END_TEST

SUITE("machine_memory", nothing_known_is_no_limit, what_the_machine_has,
      a_group_leaves_less_and_so_may_those_above_it, version_one_has_a_tree_for_memory,
      address_space_has_a_limit_of_its_own)
