#define _GNU_SOURCE
#include "bench/child.h"

#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

static enum err start(struct child *c, const char *const argv[], unsigned nth, bool heard)
{
    int in[2], out[2];

    *c = (struct child){0};
    if (pipe2(in, O_CLOEXEC) != 0)
        return ERR_IO;
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return ERR_IO;
    }
    c->pid = fork();
    if (c->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        if (heard)
            dup2(out[1], STDERR_FILENO);
        /* Where we were started without standard input, the pipe is it already. */
        (void)fcntl(STDIN_FILENO, F_SETFD, 0);
        if (nth > 0)
            (void)measure_pin(nth);
        execvp(argv[0], (char **)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    c->to = fdopen(in[1], "we");
    c->from = fdopen(out[0], "re");
    return c->pid > 0 && c->to && c->from ? OK : ERR_IO;
}

enum err child_start(struct child *c, const char *const argv[], unsigned nth)
{
    return start(c, argv, nth, false);
}

enum err child_start_heard(struct child *c, const char *const argv[])
{
    return start(c, argv, 0, true);
}

void child_asked(struct child *c)
{
    if (c->to)
        fclose(c->to);
    c->to = NULL;
}

void child_dismiss(const struct child *c)
{
    if (c->pid > 0)
        (void)kill(c->pid, SIGTERM);
}

int child_end(struct child *c)
{
    int status = 0;

    child_asked(c);
    if (c->from)
        fclose(c->from);
    c->from = NULL;
    if (c->pid <= 0)
        return 127;
    while (waitpid(c->pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
