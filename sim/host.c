#include "sim/host.h"

#include "base/assert.h"

#include <stdlib.h>

#define NO_SLOT UINT32_MAX

enum err host_init(struct host *h, uint32_t cores, uint32_t backlog)
{
    uint32_t slots = backlog + HOST_URGENT_MAX;

    ASSERT(cores > 0 && backlog > 0);
    *h = (struct host){.core_count = cores, .backlog = backlog};
    h->cores = calloc(cores, sizeof *h->cores);
    h->slots = calloc(slots, sizeof *h->slots);
    if (!h->cores || !h->slots) {
        host_reset(h);
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < slots; i++)
        h->slots[i].next = i + 1 < slots ? i + 1 : NO_SLOT;
    for (int p = 0; p < HOST_PRIORITIES; p++)
        h->head[p] = h->tail[p] = NO_SLOT;
    return OK;
}

void host_reset(struct host *h)
{
    free(h->cores);
    free(h->slots);
    *h = (struct host){0};
}

bool host_submit(struct host *h, enum host_priority priority, const struct host_job *job)
{
    uint32_t i = h->free_head;

    if (h->waiting_of[priority] == (priority == HOST_URGENT ? HOST_URGENT_MAX : h->backlog))
        return false;
    h->free_head = h->slots[i].next;
    h->slots[i] = (struct host_slot){*job, NO_SLOT};
    if (h->tail[priority] == NO_SLOT)
        h->head[priority] = i;
    else
        h->slots[h->tail[priority]].next = i;
    h->tail[priority] = i;
    h->waiting++;
    h->waiting_of[priority]++;
    return true;
}

static bool being_served(const struct host *h, uint64_t key)
{
    if (key == 0 || h->busy_count == 0)
        return false;
    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->cores[c].busy && h->cores[c].key == key)
            return true;
    return false;
}

/* Take slot i, which follows `before`, out of a queue. */
static struct host_job unlink_slot(struct host *h, int priority, uint32_t before, uint32_t i)
{
    uint32_t next = h->slots[i].next;

    if (before == NO_SLOT)
        h->head[priority] = next;
    else
        h->slots[before].next = next;
    if (h->tail[priority] == i)
        h->tail[priority] = before;
    h->slots[i].next = h->free_head;
    h->free_head = i;
    h->waiting--;
    h->waiting_of[priority]--;
    return h->slots[i].job;
}

bool host_start(struct host *h, struct host_job *job, uint32_t *core)
{
    if (h->busy_count == h->core_count || h->waiting == 0)
        return false;
    for (*core = 0; h->cores[*core].busy; (*core)++)
        ;
    for (int p = 0; p < HOST_PRIORITIES; p++) {
        uint32_t before = NO_SLOT;

        for (uint32_t i = h->head[p]; i != NO_SLOT; before = i, i = h->slots[i].next) {
            if (being_served(h, h->slots[i].job.key))
                continue;
            *job = unlink_slot(h, p, before, i);
            return true;
        }
    }
    return false;
}

void host_occupy(struct host *h, uint32_t core, uint64_t key, nsec now, nsec cost)
{
    ASSERT(!h->cores[core].busy);
    h->cores[core] = (struct host_core){.until = nsec_add(now, cost), .key = key, .busy = true};
    h->busy_count++;
    h->busy_ns += cost;
}

static uint32_t earliest(const struct host *h)
{
    uint32_t best = h->core_count;

    for (uint32_t c = 0; c < h->core_count; c++)
        if (h->cores[c].busy && (best == h->core_count || h->cores[c].until < h->cores[best].until))
            best = c;
    return best;
}

bool host_complete(struct host *h, nsec now, uint32_t *core)
{
    *core = earliest(h);
    if (*core == h->core_count || h->cores[*core].until > now)
        return false;
    h->cores[*core].busy = false;
    h->busy_count--;
    return true;
}

nsec host_next(const struct host *h)
{
    uint32_t core = earliest(h);

    return core == h->core_count ? NSEC_NEVER : h->cores[core].until;
}

bool host_forget(struct host *h, struct host_job *job)
{
    for (int p = 0; p < HOST_PRIORITIES; p++)
        if (h->head[p] != NO_SLOT) {
            *job = unlink_slot(h, p, NO_SLOT, h->head[p]);
            return true;
        }
    return false;
}
