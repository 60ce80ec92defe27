#define _DEFAULT_SOURCE
#include "record/provenance.h"

#include "build_info.h"
#include "crypto/provider.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct provenance known = {
    .version = BUILD_VERSION,
    .commit = BUILD_COMMIT,
    .dirty = BUILD_DIRTY,
    .compiler = BUILD_COMPILER,
    .flags = BUILD_FLAGS,
    .build_type = BUILD_TYPE,
    .libraries = BUILD_LIBRARIES,
};
static char cpu[128] = "unknown";
static char kernel[256] = "unknown";
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* "model name : Some CPU" of the first processor; architectures without it stay "unknown". */
static void find_cpu(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[512];

    while (f && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        colon += strspn(colon, ": \t");
        snprintf(cpu, sizeof cpu, "%.*s", (int)strcspn(colon, "\n"), colon);
        break;
    }
    if (f)
        fclose(f);
}

static void look(void)
{
    struct utsname u;

    find_cpu();
    if (uname(&u) == 0)
        snprintf(kernel, sizeof kernel, "%s %s %s", u.sysname, u.release, u.machine);
    known.cpu = cpu;
    known.kernel = kernel;
    known.packets_by = crypto_packets_by();
    known.x25519_by = crypto_x25519_by();
    known.cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
}

const struct provenance *provenance(void)
{
    pthread_once(&once, look);
    return &known;
}
