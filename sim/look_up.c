#include "sim/look_up.h"

#include "base/assert.h"

#include <stdlib.h>

struct look_ups *look_ups_create(const struct lookup_words *words, struct rng random)
{
    struct look_ups *l = malloc(sizeof *l);

    ASSERT(words->latency != NSEC_NEVER && words->jitter <= words->latency);
    if (l)
        *l = (struct look_ups){.words = words, .random = random};
    return l;
}

void look_ups_destroy(struct look_ups *l)
{
    if (l)
        free(l->heap);
    free(l);
}

void look_ups_drop(struct look_ups *l)
{
    l->count = 0;
    l->asked.request = 0;
    l->answering = false;
}

static bool before(const struct look_up *a, const struct look_up *b)
{
    return a->at != b->at ? a->at < b->at : a->request < b->request;
}

static void sift_down(struct look_ups *l, uint32_t i)
{
    struct look_up moved = l->heap[i];

    for (uint32_t child; (child = 2 * i + 1) < l->count; i = child) {
        child += child + 1 < l->count && before(&l->heap[child + 1], &l->heap[child]);
        if (!before(&l->heap[child], &moved))
            break;
        l->heap[i] = l->heap[child];
    }
    l->heap[i] = moved;
}

static void put(struct look_ups *l, const struct look_up *new)
{
    uint32_t i = l->count++;

    for (; i > 0 && before(new, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = *new;
}

static bool grow(struct look_ups *l)
{
    uint32_t capacity = l->capacity ? 2 * l->capacity : 8;
    struct look_up *bigger = realloc(l->heap, capacity * sizeof *bigger);

    if (!bigger)
        return false;
    l->heap = bigger;
    l->capacity = capacity;
    return true;
}

static void give_up(const struct look_ups *l, struct look_up *look_up)
{
    look_up->at = nsec_add(look_up->begun, l->words->timeout);
    look_up->timed_out = true;
}

void look_ups_ask(struct look_ups *l, uint32_t request, uint64_t key)
{
    ASSERT(l->asked.request == 0); /* one piece of work, one message, one proof */
    l->asked = (struct look_up){.key = key, .request = request};
}

bool look_ups_begin(struct look_ups *l, nsec end)
{
    const struct lookup_words *w = l->words;
    struct look_up new = l->asked;
    nsec takes;

    if (new.request == 0)
        return false;
    l->asked.request = 0;
    takes = w->latency - w->jitter + rng_below(&l->random, 2 * w->jitter + 1);
    new.begun = end;
    new.at = nsec_add(end, takes);
    if (l->count == l->capacity && !grow(l))
        return false;
    if (l->outages > 0 || takes > w->timeout)
        give_up(l, &new);
    put(l, &new);
    return true;
}

nsec look_ups_deadline(const struct look_ups *l)
{
    return l->count && !l->answering ? l->heap[0].at : NSEC_NEVER;
}

bool look_ups_due(struct look_ups *l, nsec now)
{
    if (look_ups_deadline(l) > now)
        return false;
    l->answering = true;
    l->answer = l->heap[0];
    l->heap[0] = l->heap[--l->count];
    if (l->count > 0)
        sift_down(l, 0);
    return true;
}

void look_ups_outage(struct look_ups *l, bool begins)
{
    ASSERT(begins || l->outages > 0);
    l->outages += begins ? 1 : UINT32_MAX;
    for (uint32_t i = 0; begins && i < l->count; i++)
        give_up(l, &l->heap[i]);
    for (uint32_t i = l->count / 2; begins && i-- > 0;)
        sift_down(l, i);
}
