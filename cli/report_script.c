#define _GNU_SOURCE
#include "cli/report_script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_CAP = 4096 };

static const char python[] = "/usr/bin/python3";

struct script_paths {
    char script[PATH_CAP], program[PATH_CAP];
};

/* Scripts lie beside the sources, or where an installation puts them. */
static bool find(const char *name, struct script_paths *p)
{
    static const char *const places[] = {"../../reports", "../share/ikelab/reports"};
    ssize_t n = readlink("/proc/self/exe", p->program, sizeof p->program - 1);
    int folder;

    if (n <= 0)
        return false;
    p->program[n] = '\0';
    folder = (int)(strrchr(p->program, '/') - p->program);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (snprintf(p->script, sizeof p->script, "%.*s/%s/%s", folder, p->program, places[i],
                     name) >= (int)sizeof p->script)
            return false;
        if (access(p->script, R_OK) == 0)
            return true;
    }
    return false;
}

/* A file, not a pipe: a script that ends early must not end us by a signal. In memory: /tmp may be
 * full or read-only. */
static FILE *input_file(const json_t *input)
{
    int fd = memfd_create("ikelab-report", MFD_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;

    if (file && json_dumpf(input, file, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 &&
        fflush(file) == 0 && fseek(file, 0, SEEK_SET) == 0)
        return file;
    if (file)
        fclose(file);
    return NULL;
}

static void become(const struct report_script *s, const struct script_paths *p, FILE *input)
{
    const char *argv[REPORT_SCRIPT_ARGUMENTS_MAX + 5] = {python, p->script};
    size_t n = 2;

    for (size_t i = 0; i < REPORT_SCRIPT_ARGUMENTS_MAX && s->arguments[i]; i++)
        argv[n++] = s->arguments[i];
    if (s->dissects) {
        argv[n++] = "--ikelab";
        argv[n++] = p->program;
    }
    if ((input && dup2(fileno(input), STDIN_FILENO) < 0) ||
        (s->silent && !freopen("/dev/null", "w", stdout)))
        _exit(127);
    execv(python, (char *const *)argv);
    _exit(127);
}

static bool run(const struct report_script *s, const struct script_paths *p, FILE *input)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child == 0)
        become(s, p, input);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool report_script_run(const struct report_script *s)
{
    struct script_paths p;
    FILE *input = NULL;
    bool good;

    if (!find(s->name, &p)) {
        fprintf(stderr,
                "no report: reports/%s is not where the program was built\n"
                "try: the program where ./run builds it\n",
                s->name);
        return false;
    }
    if (s->input && !(input = input_file(s->input))) {
        fprintf(stderr, "no report: no room for what it draws: %m\ntry: fewer benchmarks\n");
        return false;
    }
    good = run(s, &p, input);
    if (input)
        fclose(input);
    if (!good && s->input)
        fprintf(stderr, "no report: reports/%s failed\ntry: what it says above\n", s->name);
    else if (!good)
        fprintf(stderr, "no report: reports/%s failed; try: %s %s\n", s->name, p.script,
                s->arguments[0]);
    return good;
}
