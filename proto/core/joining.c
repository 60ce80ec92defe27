#include "proto/core/joining.h"

#include "base/assert.h"
#include "proto/core/internal.h"

_Static_assert(FRAGMENTS_MAX <= 64, "one bit each in struct joining");

static bool speaks_v1(const struct ike_config *c)
{
    return c->version == IKE_V1 || (c->answers >> IKE_V1 & 1);
}

enum err joining_init(struct ike_store *s, uint32_t messages, uint32_t pieces)
{
    s->joining_oldest = s->joining_newest = SA_INDEX_NONE;
    if (!messages)
        return OK;
    if (pool_init(&s->joinings, sizeof(struct joining), messages) ||
        table_init(&s->joining_by_ike, 4) || message_store_init_pieces(&s->pieces, pieces))
        return ERR_MEMORY;
    return speaks_v1(s->config) ? table_init(&s->joining_by_source, 4) : OK;
}

void joining_reset(struct ike_store *s)
{
    message_store_reset(&s->pieces);
    table_reset(&s->joining_by_source);
    table_reset(&s->joining_by_ike);
    pool_reset(&s->joinings);
}

static struct joining *at_index(const struct ike_endpoint *ep, uint32_t index)
{
    return index == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->joinings, index);
}

static struct joining *first_of(const struct ike_endpoint *ep, uint32_t ike)
{
    uint32_t index;

    if (!ep->store->joinings.taken || !table_get(&ep->store->joining_by_ike, ike, &index))
        return NULL;
    return at_index(ep, index);
}

struct joining *joining_of(const struct ike_endpoint *ep, const struct ike_sa *sa,
                           struct joining_name name)
{
    struct joining *j = first_of(ep, ike_sa_index(ep, sa));

    while (j && (j->id != name.id || j->response != name.response))
        j = at_index(ep, j->next);
    return j;
}

bool joining_any(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return first_of(ep, ike_sa_index(ep, sa)) != NULL;
}

/* All have the same time: the oldest is the first to be given up. */
static void arm(struct ike_endpoint *ep)
{
    const struct joining *oldest = at_index(ep, ep->store->joining_oldest);

    if (!store_shared(ep->store))
        timerq_arm(&ep->store->timers, ep->store->timers.capacity - 1,
                   oldest ? nsec_add(oldest->begun, JOINING_TIME) : NSEC_NEVER);
}

/* Those of an IKE SA stand in the order of their beginning, the newest first. */
static struct joining *oldest_of(const struct ike_endpoint *ep, uint32_t ike)
{
    struct joining *oldest = first_of(ep, ike), *next = oldest;

    while ((next = next ? at_index(ep, next->next) : NULL))
        oldest = next;
    return oldest;
}

nsec joining_deadline(const struct ike_endpoint *ep)
{
    nsec at = NSEC_NEVER;

    if (!ep->store->joinings.taken)
        return at;
    for (uint32_t i = ike_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE; i = ike_sa_walk(ep, i)) {
        const struct joining *oldest = oldest_of(ep, i);

        if (oldest)
            at = nsec_min(at, nsec_add(oldest->begun, JOINING_TIME));
    }
    return at;
}

/* ---- where they come from ---- */

uint32_t joining_from(const struct ike_endpoint *ep, uint32_t source)
{
    uint32_t count = 0;

    (void)table_get(&ep->store->joining_by_source, source, &count);
    return count;
}

static void source_less(struct ike_endpoint *ep, uint32_t source)
{
    uint32_t left = joining_from(ep, source) - 1;

    if (!left)
        (void)table_remove(&ep->store->joining_by_source, source);
    else if (table_put(&ep->store->joining_by_source, source, left))
        ASSERT(!"replacing a value takes no memory");
}

static enum err source_more(struct ike_endpoint *ep, uint32_t source)
{
    if (!source)
        return OK;
    return table_put(&ep->store->joining_by_source, source, joining_from(ep, source) + 1);
}

/* ---- give ---- */

static uint32_t index_of(const struct ike_endpoint *ep, const struct joining *j)
{
    return pool_index(&ep->store->joinings, j);
}

static void unlink_ike(struct ike_endpoint *ep, const struct joining *j)
{
    struct joining *before = first_of(ep, j->ike);

    if (before == j && j->next == SA_INDEX_NONE) {
        table_remove(&ep->store->joining_by_ike, j->ike);
        return;
    }
    if (before == j) {
        if (table_put(&ep->store->joining_by_ike, j->ike, j->next))
            ASSERT(!"replacing a value takes no memory");
        return;
    }
    while (at_index(ep, before->next) != j)
        before = at_index(ep, before->next);
    before->next = j->next;
}

static void unlink_age(struct ike_endpoint *ep, const struct joining *j)
{
    struct joining *older = at_index(ep, j->older), *newer = at_index(ep, j->newer);

    if (older)
        older->newer = j->newer;
    else
        ep->store->joining_oldest = j->newer;
    if (newer)
        newer->older = j->older;
    else
        ep->store->joining_newest = j->older;
}

void joining_give(struct ike_endpoint *ep, struct joining *j)
{
    for (unsigned i = 0; i < j->total; i++)
        message_drop(&ep->store->pieces, &j->pieces[i]);
    if (j->sourced)
        source_less(ep, j->source);
    unlink_ike(ep, j);
    unlink_age(ep, j);
    pool_give(&ep->store->joinings, pool_handle(&ep->store->joinings, index_of(ep, j)));
    arm(ep);
}

void joining_forget(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t ike = ike_sa_index(ep, sa);

    for (struct joining *j = first_of(ep, ike); j; j = first_of(ep, ike))
        joining_give(ep, j);
}

static bool over(const struct joining *j, nsec now)
{
    return j && nsec_add(j->begun, JOINING_TIME) <= now;
}

static void expire_ike(struct ike_endpoint *ep, nsec now, uint32_t ike)
{
    for (struct joining *j = oldest_of(ep, ike); over(j, now); j = oldest_of(ep, ike)) {
        ep->store->counters.joining_expired++;
        joining_give(ep, j);
    }
}

void joining_expire(struct ike_endpoint *ep, nsec now)
{
    struct joining *j = at_index(ep, ep->store->joining_oldest);

    if (store_shared(ep->store)) {
        for (uint32_t i = ep->first; i != SA_INDEX_NONE; i = ike_sa_walk(ep, i))
            expire_ike(ep, now, i);
        return;
    }
    for (; over(j, now); j = at_index(ep, ep->store->joining_oldest)) {
        ep->store->counters.joining_expired++;
        joining_give(ep, j);
    }
}

/* ---- take ---- */

static void give_way(struct ike_endpoint *ep, struct joining *j)
{
    ep->store->counters.joining_replaced++;
    joining_give(ep, j);
}

/* The oldest of one direction makes room for one more. New ones stand first in the list. */
static void make_room(struct ike_endpoint *ep, uint32_t ike, bool response, unsigned most)
{
    struct joining *oldest = NULL;
    unsigned count = 0;

    for (struct joining *j = first_of(ep, ike); j; j = at_index(ep, j->next)) {
        if (j->response != response)
            continue;
        oldest = j;
        count++;
    }
    if (count >= most)
        give_way(ep, oldest);
}

static void link_age(struct ike_endpoint *ep, struct joining *j, uint32_t index)
{
    struct joining *newest = at_index(ep, ep->store->joining_newest);

    j->older = ep->store->joining_newest;
    j->newer = SA_INDEX_NONE;
    if (newest)
        newest->newer = index;
    else
        ep->store->joining_oldest = index;
    ep->store->joining_newest = index;
}

struct joining *joining_take(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                             struct joining_name name, unsigned most)
{
    uint32_t ike = ike_sa_index(ep, sa), first = SA_INDEX_NONE;
    struct joining *j;
    struct handle h;

    ASSERT(most > 0);
    make_room(ep, ike, name.response, most);
    if (ep->store->joinings.taken == ep->store->joinings.capacity)
        give_way(ep, at_index(ep, ep->store->joining_oldest));
    j = pool_take(&ep->store->joinings, &h);
    ASSERT(j);
    (void)table_get(&ep->store->joining_by_ike, ike, &first);
    if (source_more(ep, name.source)) {
        pool_give(&ep->store->joinings, h);
        return NULL;
    }
    if (table_put(&ep->store->joining_by_ike, ike, h.index)) {
        if (name.source)
            source_less(ep, name.source);
        pool_give(&ep->store->joinings, h);
        return NULL;
    }
    j->begun = now;
    j->ike = ike;
    j->id = name.id;
    j->response = name.response;
    j->sourced = name.source != 0;
    j->source = name.source;
    j->next = first;
    link_age(ep, j, h.index);
    arm(ep);
    return j;
}

/* ---- fill ---- */

/* No slot is free: that of the oldest message, unless it is the one to be filled. */
static enum err keep(struct ike_endpoint *ep, const struct joining *j, struct bytes text,
                     struct message_ref *out)
{
    struct joining *oldest = at_index(ep, ep->store->joining_oldest);
    enum err e = message_keep(&ep->store->pieces, text, out);

    if (e != ERR_FULL || oldest == j)
        return e;
    give_way(ep, oldest);
    return message_keep(&ep->store->pieces, text, out);
}

enum err joining_add(struct ike_endpoint *ep, struct joining *j, unsigned number, struct bytes text)
{
    enum err e;

    ASSERT(number >= 1 && number <= j->total && !(j->numbers >> (number - 1) & 1));
    if (text.len > (size_t)MESSAGE_MAX - j->len)
        return ERR_LENGTH;
    if (text.len) {
        e = keep(ep, j, text, &j->pieces[number - 1]);
        if (e)
            return e;
    }
    j->numbers |= UINT64_C(1) << (number - 1);
    j->len += (uint16_t)text.len;
    j->here++;
    return OK;
}

size_t joining_join(const struct ike_endpoint *ep, const struct joining *j, uint8_t *out)
{
    size_t at = 0;

    ASSERT(j->here == j->total);
    for (unsigned i = 0; i < j->total; i++) {
        struct bytes text = message_at(&ep->store->pieces, j->pieces[i]);

        if (text.len)
            memcpy(out + at, text.data, text.len);
        at += text.len;
    }
    ASSERT(at == j->len);
    return at;
}
