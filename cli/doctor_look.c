#define _GNU_SOURCE
#include "cli/doctor_look.h"

#include "base/assert.h"
#include "base/machine_memory.h"
#include "crypto/multibuffer.h"
#include "crypto/provider.h"
#include "record/provenance.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_LEN = 8192, PATH_LEN = 4096, MEMORY_MIN_MIB = 512, DISK_MIN_MIB = 256 };

struct findings {
    struct doctor_finding *all;
    size_t count, cap;
};

/* @param hint  NULL: all is well */
static void add(struct findings *f, enum doctor_level level, const char *name, const char *hint,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

static void add(struct findings *f, enum doctor_level level, const char *name, const char *hint,
                const char *format, ...)
{
    struct doctor_finding *one;
    va_list args;

    ASSERT(f->count < f->cap && (level == DOCTOR_OK) == !hint);
    one = &f->all[f->count++];
    *one = (struct doctor_finding){.level = level, .name = name};
    va_start(args, format);
    vsnprintf(one->text, sizeof one->text, format, args);
    va_end(args);
    snprintf(one->hint, sizeof one->hint, "%s", hint ? hint : "");
}

/* The first line that begins with `start`, "" if there is none. */
static void line_of(const char *path, const char *start, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");
    bool found = false;

    while (file && !found && fgets(out, (int)cap, file))
        found = strncmp(out, start, strlen(start)) == 0;
    if (file)
        fclose(file);
    if (!found)
        *out = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* ---- the build ---- */

static void look_at_program(struct findings *f)
{
    const struct provenance *p = provenance();
    bool fast = strcmp(p->build_type, "Release") == 0;

    add(f, fast ? DOCTOR_OK : DOCTOR_WARNING, "program",
        fast ? NULL : "./run --build-only, then build/release/ikelab",
        "ikelab %s (%.12s%s), built by %s as %s%s", p->version, p->commit,
        p->dirty ? ", changed" : "", p->compiler, p->build_type,
        fast ? "" : ": correct, and several times slower");
}

static void look_at_openssl(struct findings *f)
{
    struct meter meter = {0};
    struct crypto *c = crypto_openssl_create(&meter);
    const struct provenance *p = provenance();
    const char *version = "unknown";

    for (size_t i = 0; i < sizeof p->libraries / sizeof *p->libraries && p->libraries[i][0]; i++)
        if (strcmp(p->libraries[i][0], "libcrypto") == 0)
            version = p->libraries[i][1];
    if (c)
        add(f, DOCTOR_OK, "OpenSSL", NULL, "%s, with random numbers that repeat", version);
    else
        add(f, DOCTOR_FAILED, "OpenSSL",
            "apt-get install --reinstall libssl3; or --set crypto=modelled",
            "%s does not start: no run with real cryptography", version);
    crypto_destroy(c);
}

static void look_at_esp(struct findings *f)
{
    const char *version = multibuffer_version();

    if (!version)
        add(f, DOCTOR_WARNING, "libipsec-mb",
            "apt-get install libipsec-mb-dev, and build again (amd64 only)",
            "this build is without it: ESP is the same, and slower");
    else if (multibuffer_best() == CRYPTO_OPENSSL)
        add(f, DOCTOR_WARNING, "libipsec-mb", "a processor with AES instructions",
            "%s is not used: the processor has no AES instructions", version);
    else
        add(f, DOCTOR_OK, "libipsec-mb", NULL, "%s", version);
    add(f, DOCTOR_OK, "ESP", NULL, "by %s", crypto_packets_by());
    add(f, DOCTOR_OK, "X25519", NULL, "of simulated peers by %s, of live ones by OpenSSL",
        crypto_x25519_by());
}

/* ---- the machine ---- */

/* What speeds up cryptography, as /proc/cpuinfo calls it, and as people do. */
static const struct feature {
    const char *flag, *name;
} features[] = {
    {"aes", "AES-NI"},  {"avx2", "AVX2"},     {"avx512f", "AVX512"},
    {"vaes", "VAES"},   {"sha_ni", "SHA-NI"}, {"avx512ifma", "AVX512-IFMA"},
    {"pmull", "PMULL"}, {"sha2", "SHA2"},     {"vpclmulqdq", "VPCLMULQDQ"},
};

static bool has_word(const char *line, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = line; (at = strstr(at, word)); at += len)
        if (at > line && at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static void look_at_processor(struct findings *f)
{
    const struct provenance *p = provenance();
    char flags[LINE_MAX_LEN], names[DOCTOR_TEXT_MAX] = "";
    bool aes;

    line_of("/proc/cpuinfo", "flags", flags, sizeof flags);
    if (!*flags)
        line_of("/proc/cpuinfo", "Features", flags, sizeof flags);
    aes = has_word(flags, "aes");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (has_word(flags, features[i].flag)) {
            size_t len = strlen(names);

            snprintf(names + len, sizeof names - len, "%s%s", len ? " " : "", features[i].name);
        }
    add(f, aes ? DOCTOR_OK : DOCTOR_WARNING, "processor",
        aes ? NULL : "another machine, or a virtual one that shows the processor's instructions",
        "%.100s, %u online; %s", p->cpu, p->cores, *names ? names : "no AES instructions seen");
}

static void look_at_memory(struct findings *f)
{
    struct machine_memory m;
    uint64_t least;
    const char *whose = "available on this machine";

    machine_memory_read("", &m);
    least = m.resident_bytes;
    if (least != UINT64_MAX)
        whose = m.resident_of;
    if (m.address_bytes < least) {
        least = m.address_bytes;
        whose = "of address space allowed (ulimit -v)";
    }
    if (least == UINT64_MAX)
        add(f, DOCTOR_WARNING, "memory", "mount -t proc proc /proc",
            "how much there is cannot be read");
    else if (least >> 20 < MEMORY_MIN_MIB)
        add(f, DOCTOR_WARNING, "memory", "fewer clients, --numbers-only, or other work ended",
            "%" PRIu64 " MiB are %s", least >> 20, whose);
    else
        add(f, DOCTOR_OK, "memory", NULL, "%" PRIu64 " MiB are %s", least >> 20, whose);
}

static void look_at_pages(struct findings *f)
{
    static const char file[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    char line[DOCTOR_TEXT_MAX];
    bool never;

    line_of(file, "", line, sizeof line);
    never = !*line || strstr(line, "[never]");
    add(f, never ? DOCTOR_WARNING : DOCTOR_OK, "large pages",
        never ? "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled, as root" : NULL,
        never ? "off%.100s: runs with very many nodes are slower" : "%.100s", never ? "" : line);
}

/* ---- where results go ---- */

static void look_at_folder(struct findings *f)
{
    const char *place = access("runs", F_OK) == 0 ? "runs" : ".";
    char here[PATH_LEN];
    struct statvfs v;
    uint64_t free_mib = UINT64_MAX;

    if (!getcwd(here, sizeof here))
        snprintf(here, sizeof here, "the current folder");
    if (statvfs(place, &v) == 0)
        free_mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
    if (access(place, W_OK | X_OK) != 0)
        add(f, DOCTOR_FAILED, "run folders", "another folder, or ikelab run -o DIR",
            "results, captures and keys cannot be written in %.150s", here);
    else if (free_mib < DISK_MIN_MIB)
        add(f, DOCTOR_WARNING, "run folders", "ikelab run -o DIR, on another disk",
            "%" PRIu64 " MiB are free in %.150s", free_mib, here);
    else
        add(f, DOCTOR_OK, "run folders", NULL, "results, captures and keys go to %.150s/runs",
            here);
}

/* ---- other programs ---- */

static bool find_program(const char *name, char *out, size_t cap)
{
    const char *path = getenv("PATH");

    for (const char *at = path; at && *at; at += *at == ':') {
        size_t len = strcspn(at, ":");

        if (snprintf(out, cap, "%.*s/%s", (int)len, at, name) < (int)cap && access(out, X_OK) == 0)
            return true;
        at += len;
    }
    return false;
}

/* Reports are made by Debian's python3, whatever another one on PATH has. */
static void look_at_python(struct findings *f)
{
    static const char ask[] = "/usr/bin/python3 -c 'import importlib.util as u; print(\" \".join(m "
                              "for m in (\"jinja2\", \"numpy\") if not u.find_spec(m)))' "
                              "2>/dev/null";
    static const char hint[] =
        "apt-get install python3 python3-jinja2 python3-numpy; or ikelab run --no-report";
    FILE *answer = popen(ask, "re");
    char missing[DOCTOR_TEXT_MAX] = "";
    bool said = answer && fgets(missing, sizeof missing, answer);

    if (answer)
        pclose(answer);
    missing[strcspn(missing, "\n")] = '\0';
    if (!said)
        add(f, DOCTOR_WARNING, "python3", hint, "/usr/bin/python3 does not run: no reports");
    else if (*missing)
        add(f, DOCTOR_WARNING, "python3", hint, "/usr/bin/python3 has no %.100s: no reports",
            missing);
    else
        add(f, DOCTOR_OK, "python3", NULL, "/usr/bin/python3, with what reports need");
}

static const struct tool {
    const char *name, *hint, *without;
} tools[] = {
    {"gnuplot", "apt-get install gnuplot-nox", "no curves in reports, sweeps and histories"},
    {"tshark", "apt-get install tshark", "captures are not read by a second judge (optional)"},
    {"valgrind", "apt-get install valgrind", "no ikelab bench --instructions (optional)"},
};

static void look_at_tools(struct findings *f)
{
    char path[PATH_LEN];

    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (find_program(tools[i].name, path, sizeof path))
            add(f, DOCTOR_OK, tools[i].name, NULL, "%.200s", path);
        else
            add(f, DOCTOR_WARNING, tools[i].name, tools[i].hint, "not on PATH: %s",
                tools[i].without);
}

/* ---- live ---- */

static void look_at_live(struct findings *f)
{
    static const char name[] = "ikelab-live";
    char path[PATH_LEN + sizeof name];
    ssize_t n = readlink("/proc/self/exe", path, PATH_LEN - 1);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash)
        strcpy(slash + 1, name);
    if (slash && access(path, X_OK) == 0)
        add(f, DOCTOR_OK, "live", NULL, "%.200s", path);
    else
        add(f, DOCTOR_WARNING, "live", "put ikelab-live beside ikelab, or build again",
            "the program ikelab-live is not beside this one: no ikelab live");
    if (access("/dev/net/tun", R_OK | W_OK) == 0)
        add(f, DOCTOR_OK, "tun", NULL, "/dev/net/tun can be opened");
    else
        add(f, DOCTOR_WARNING, "tun",
            "root, and modprobe tun; in a container --device /dev/net/tun",
            "/dev/net/tun cannot be opened: no ikelab live --tun");
}

/* In a child, which ends with the namespace it has made. */
static bool makes_namespace(int flags)
{
    int status = 1;
    pid_t child = fork();

    if (child == 0)
        _exit(unshare(flags) == 0 ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void look_at_namespaces(struct findings *f)
{
    char path[PATH_LEN];

    if (!find_program("ip", path, sizeof path))
        add(f, DOCTOR_WARNING, "namespaces", "apt-get install iproute2",
            "ip is not on PATH: no two ends on one machine for ikelab live");
    else if (makes_namespace(CLONE_NEWNET))
        add(f, DOCTOR_OK, "namespaces", NULL, "network namespaces can be made, with %.150s", path);
    else if (makes_namespace(CLONE_NEWUSER | CLONE_NEWNET))
        add(f, DOCTOR_OK, "namespaces", NULL, "network namespaces can be made, by unshare -rn");
    else
        add(f, DOCTOR_WARNING, "namespaces", "root; in a container --cap-add SYS_ADMIN",
            "no network namespace can be made: no two ends on one machine for ikelab live");
}

size_t doctor_look(struct doctor_finding *out, size_t cap)
{
    struct findings f = {.all = out, .cap = cap};

    look_at_program(&f);
    look_at_processor(&f);
    look_at_openssl(&f);
    look_at_esp(&f);
    look_at_memory(&f);
    look_at_pages(&f);
    look_at_folder(&f);
    look_at_python(&f);
    look_at_tools(&f);
    look_at_live(&f);
    look_at_namespaces(&f);
    return f.count;
}
