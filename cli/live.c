/*
 * `ikelab live`: executes the program ikelab-live that lies beside this one. Its randomness is the
 * operating system's; this program is linked with the repeatable one and must not do it itself.
 */
#include "cli/verb.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run(int argc, char **argv)
{
    static const char name[] = "ikelab-live";
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof name);
    char *slash;

    (void)argc;
    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, name);
    execv(path, argv);
    return say_error(EXIT_FAILED, "./run --build-only", "%s: %m", path);
}

const struct verb verb_live = {"live", "talk to a real IKE peer over UDP (a test tool, not a VPN)",
                               run};
