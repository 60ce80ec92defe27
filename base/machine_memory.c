#include "base/machine_memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PATH_ROOM = 4096, LINE_ROOM = 512 };

static uint64_t less(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A number in the first line; "max" and what cannot be read are no limit. */
static uint64_t number_in(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned long long n;
    bool good = file && fscanf(file, "%llu", &n) == 1;

    if (file)
        fclose(file);
    return good ? n : UINT64_MAX;
}

/* The line of a file that begins with `name`, what stands behind it in KiB. */
static uint64_t kib_behind(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    uint64_t bytes = UINT64_MAX;
    char line[LINE_ROOM];

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    if (file)
        fclose(file);
    return bytes;
}

bool process_memory_read(struct process_memory *out)
{
    static const char status[] = "/proc/self/status";

    *out = (struct process_memory){.resident_peak = kib_behind(status, "VmHWM:"),
                                   .address_peak = kib_behind(status, "VmPeak:"),
                                   .file_bytes = kib_behind(status, "RssFile:")};
    return out->resident_peak != UINT64_MAX && out->address_peak != UINT64_MAX &&
           out->file_bytes != UINT64_MAX;
}

/* What a group and all above it leave. `path` is shortened on the way up to `stem` bytes. */
static uint64_t left_in_groups(char *path, size_t stem, const char *limit, const char *used)
{
    uint64_t left = UINT64_MAX;

    for (;;) {
        size_t len = strlen(path);
        uint64_t most, now;

        snprintf(path + len, PATH_ROOM - len, "/%s", limit);
        most = number_in(path);
        snprintf(path + len, PATH_ROOM - len, "/%s", used);
        now = number_in(path);
        path[len] = '\0';
        if (most != UINT64_MAX && now != UINT64_MAX)
            left = less(left, most > now ? most - now : 0);
        if (len <= stem)
            return left;
        *strrchr(path, '/') = '\0';
    }
}

/* "0::/user.slice/..." of version 2, "5:memory:/..." of version 1. */
static uint64_t left_by_line(const char *root, char *line)
{
    char path[PATH_ROOM];
    char *controllers = strchr(line, ':'), *group;
    bool second;
    size_t stem;

    group = controllers ? strchr(++controllers, ':') : NULL;
    if (!group)
        return UINT64_MAX;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    second = *controllers == '\0';
    if (!second && strcmp(controllers, "memory") != 0)
        return UINT64_MAX;
    stem = (size_t)snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, second ? "" : "/memory");
    if (stem + strlen(group) + 64 > sizeof path)
        return UINT64_MAX;
    if (strcmp(group, "/") != 0)
        strcpy(path + stem, group);
    return left_in_groups(path, stem, second ? "memory.max" : "memory.limit_in_bytes",
                          second ? "memory.current" : "memory.usage_in_bytes");
}

static uint64_t left_in_control_groups(const char *root)
{
    char path[PATH_ROOM], line[LINE_ROOM];
    uint64_t left = UINT64_MAX;
    FILE *file;

    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        left = less(left, left_by_line(root, line));
    if (file)
        fclose(file);
    return left;
}

void machine_memory_read(const char *root, struct machine_memory *out)
{
    char path[PATH_ROOM];
    struct rlimit limit;
    uint64_t group = left_in_control_groups(root);

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    *out = (struct machine_memory){.resident_bytes = kib_behind(path, "MemAvailable:"),
                                   .resident_of = "available on this machine",
                                   .address_bytes = UINT64_MAX};
    if (group < out->resident_bytes) {
        out->resident_bytes = group;
        out->resident_of = "left by the memory limit of its control group";
    }
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        out->address_bytes = limit.rlim_cur;
}
