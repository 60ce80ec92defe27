/* `ikelab history plot`: the picture is drawn by reports/history.py, from what show --json prints.
 */
#include "cli/history.h"
#include "cli/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* It lies beside the sources, or where an installation puts it. */
static bool find_script(char *path, size_t cap)
{
    static const char *const places[] = {"../../reports/history.py",
                                         "../share/ikelab/reports/history.py"};
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash;

    exe[n > 0 ? n : 0] = '\0';
    slash = strrchr(exe, '/');
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, cap, "%.2000s/%s", exe, places[i]);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

static pid_t start(const char *script, const char *output, int *to)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        (void)dup2(ends[0], STDIN_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        execl("/usr/bin/python3", "/usr/bin/python3", script, "-o", output, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[0]);
    *to = ends[1];
    return child;
}

/* It may end without reading all: that shows in how it ends. */
static void feed(int to, const char *text)
{
    size_t left = strlen(text);

    (void)signal(SIGPIPE, SIG_IGN);
    while (left > 0) {
        ssize_t n = write(to, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        left -= (size_t)n;
    }
    (void)close(to);
}

int history_plot(const struct history_view *v, const char *output)
{
    json_t *object = history_json(v);
    char script[4096], *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    int status = 0, to = -1;
    pid_t child;

    json_decref(object);
    if (!text || !find_script(script, sizeof script)) {
        free(text);
        return say_error(EXIT_FAILED, "the tree that it was built in",
                         "reports/history.py is not where the program was built");
    }
    (void)fflush(stdout);
    child = start(script, output, &to);
    if (child > 0)
        feed(to, text);
    free(text);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return say_error(EXIT_FAILED, "apt-get install gnuplot-nox python3, and a place with room",
                         "reports/history.py did not draw %s", output);
    return EXIT_DONE;
}
