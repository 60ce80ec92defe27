#define _GNU_SOURCE
#include "bench/sweep/pool.h"

#include "base/assert.h"
#include "bench/child.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TICK_MS = 200 };

struct slot {
    struct child child; /* pid 0: free */
    uint64_t job;
    size_t len;
    char said[POOL_SAID_MAX];
};

struct pool {
    const struct pool_options *o;
    struct slot *slots;
    struct pollfd *polled; /* one a slot; fd -1: free */
    unsigned running;
    bool dismissed;
};

static struct slot *free_slot(struct pool *p)
{
    for (unsigned i = 0; i < p->o->jobs; i++)
        if (p->polled[i].fd < 0)
            return &p->slots[i];
    return NULL;
}

/* @return OK also when there is nothing more to start: then *more is false */
static enum err start_one(struct pool *p, bool *more)
{
    struct slot *slot = free_slot(p);
    const char *const *argv;

    *more = p->o->next(p->o->context, &argv, &slot->job);
    if (!*more)
        return OK;
    slot->len = 0;
    if (child_start_heard(&slot->child, argv) != OK) {
        (void)child_end(&slot->child);
        return ERR_IO;
    }
    child_asked(&slot->child);
    p->polled[slot - p->slots] = (struct pollfd){.fd = fileno(slot->child.from), .events = POLLIN};
    p->running++;
    return OK;
}

/* What does not fit is lost from the middle: the reason stands at the end. */
static void keep(struct slot *s, const char *text, size_t len)
{
    enum { HEAD = POOL_SAID_MAX / 2 };
    size_t room = POOL_SAID_MAX - 1 - s->len;

    ASSERT(len <= POOL_SAID_MAX - 1 - HEAD);
    if (len > room) {
        size_t over = len - room;

        memmove(s->said + HEAD, s->said + HEAD + over, s->len - HEAD - over);
        s->len -= over;
    }
    memcpy(s->said + s->len, text, len);
    s->len += len;
}

/* End of file is the end of the process: nobody else holds the pipe. */
static void hear(struct pool *p, unsigned i)
{
    struct slot *s = &p->slots[i];
    char text[1024];
    ssize_t n = read(p->polled[i].fd, text, sizeof text);
    int status;

    if (n > 0)
        keep(s, text, (size_t)n);
    if (n > 0 || (n < 0 && errno == EINTR))
        return;
    s->said[s->len] = '\0';
    status = child_end(&s->child);
    p->polled[i].fd = -1;
    p->running--;
    p->o->done(p->o->context, s->job, status, s->said);
}

static void dismiss_all(struct pool *p)
{
    for (unsigned i = 0; i < p->o->jobs && !p->dismissed; i++)
        if (p->polled[i].fd >= 0)
            child_dismiss(&p->slots[i].child);
    p->dismissed = true;
}

static void wait_a_little(struct pool *p)
{
    int n = poll(p->polled, p->o->jobs, TICK_MS);

    for (unsigned i = 0; i < p->o->jobs && n > 0; i++)
        if (p->polled[i].fd >= 0 && p->polled[i].revents)
            hear(p, i);
    p->o->tick(p->o->context);
}

static enum err run(struct pool *p)
{
    bool more = true;
    enum err e = OK;

    while (p->running > 0 || (more && e == OK)) {
        while (more && e == OK && p->running < p->o->jobs && !*p->o->interrupted)
            e = start_one(p, &more);
        if (*p->o->interrupted) {
            e = ERR_INTERRUPTED;
            dismiss_all(p);
        }
        if (p->running > 0)
            wait_a_little(p);
    }
    return e;
}

enum err pool_run(const struct pool_options *o)
{
    struct pool p = {.o = o};
    enum err e = ERR_MEMORY;

    ASSERT(o->jobs > 0 && o->jobs <= POOL_JOBS_MAX);
    p.slots = calloc(o->jobs, sizeof *p.slots);
    p.polled = calloc(o->jobs, sizeof *p.polled);
    for (unsigned i = 0; i < o->jobs && p.polled; i++)
        p.polled[i].fd = -1;
    if (p.slots && p.polled)
        e = run(&p);
    free(p.slots);
    free(p.polled);
    return e;
}
