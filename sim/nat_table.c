#include "sim/nat_table.h"

#include "base/assert.h"

#include <stdlib.h>

void nat_table_init(struct nat_table *t)
{
    *t = (struct nat_table){.free_slot = NAT_NONE, .free_permit = NAT_NONE};
    for (int i = 0; i < NAT_LISTS; i++)
        t->head[i] = t->tail[i] = NAT_NONE;
}

void nat_table_reset(struct nat_table *t)
{
    table_reset(&t->by_inside);
    table_reset(&t->by_outside);
    table_reset(&t->users);
    free(t->mappings);
    free(t->permits);
    nat_table_init(t);
}

uint32_t nat_table_inside(const struct nat_table *t, uint64_t key)
{
    uint32_t slot = NAT_NONE;

    if (t->indexed) {
        table_get(&t->by_inside, key, &slot);
        return slot;
    }
    for (uint32_t i = 0; i < t->count; i++)
        if (t->mappings[i].alive && t->mappings[i].key == key)
            return i;
    return NAT_NONE;
}

uint32_t nat_table_outside(const struct nat_table *t, uint16_t port)
{
    uint32_t slot = NAT_NONE;

    if (t->indexed) {
        table_get(&t->by_outside, port, &slot);
        return slot;
    }
    for (uint32_t i = 0; i < t->count; i++)
        if (t->mappings[i].alive && t->mappings[i].outside.port == port)
            return i;
    return NAT_NONE;
}

static uint64_t user_key(const struct ip_addr *inside)
{
    return ip_endpoint_hash(&(struct ip_endpoint){.addr = *inside});
}

uint32_t nat_table_of_user(const struct nat_table *t, const struct ip_addr *inside)
{
    uint32_t count = 0;

    if (t->indexed) {
        table_get(&t->users, user_key(inside), &count);
        return count;
    }
    for (uint32_t i = 0; i < t->count; i++)
        count += t->mappings[i].alive && ip_addr_equal(&t->mappings[i].inside.addr, inside);
    return count;
}

static enum err index_one(struct nat_table *t, uint32_t slot)
{
    const struct nat_mapping *m = &t->mappings[slot];
    uint64_t user = user_key(&m->inside.addr);
    uint32_t others = 0;
    enum err e = table_put(&t->by_inside, m->key, slot);

    table_get(&t->users, user, &others);
    if (e == OK)
        e = table_put(&t->by_outside, m->outside.port, slot);
    if (e == OK)
        e = table_put(&t->users, user, others + 1);
    return e;
}

/* The table outgrew searching. */
static enum err index_all(struct nat_table *t)
{
    enum err e = table_init(&t->by_inside, 2 * NAT_FEW);

    if (e == OK)
        e = table_init(&t->by_outside, 2 * NAT_FEW);
    if (e == OK)
        e = table_init(&t->users, 1);
    for (uint32_t i = 0; e == OK && i < t->count; i++)
        if (t->mappings[i].alive)
            e = index_one(t, i);
    t->indexed = e == OK;
    return e;
}

/* Double an array that is full. */
static bool grow(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t bigger = *capacity ? 2 * *capacity : 2;
    void *grown;

    if (count < *capacity)
        return true;
    grown = realloc(*array, bigger * size);
    if (!grown)
        return false;
    *array = grown;
    *capacity = bigger;
    return true;
}

enum err nat_table_add(struct nat_table *t, const struct nat_mapping *m, uint32_t *slot)
{
    if (t->alive == NAT_MAPPINGS_MAX)
        return ERR_FULL;
    if (t->free_slot == NAT_NONE &&
        !grow((void **)&t->mappings, t->count, &t->capacity, sizeof *t->mappings))
        return ERR_MEMORY;
    *slot = t->free_slot != NAT_NONE ? t->free_slot : t->count++;
    if (t->free_slot != NAT_NONE)
        t->free_slot = t->mappings[*slot].next;
    t->mappings[*slot] = (struct nat_mapping){.inside = m->inside,
                                              .outside = m->outside,
                                              .remote = m->remote,
                                              .key = m->key,
                                              .inside_port = m->inside_port,
                                              .permits = NAT_NONE,
                                              .list = NAT_LISTS,
                                              .alive = true};
    t->alive++;
    if (t->indexed)
        return index_one(t, *slot);
    return t->alive > NAT_FEW ? index_all(t) : OK;
}

static void leave_list(struct nat_table *t, uint32_t slot)
{
    struct nat_mapping *m = &t->mappings[slot];

    if (m->list == NAT_LISTS)
        return;
    if (m->previous == NAT_NONE)
        t->head[m->list] = m->next;
    else
        t->mappings[m->previous].next = m->next;
    if (m->next == NAT_NONE)
        t->tail[m->list] = m->previous;
    else
        t->mappings[m->next].previous = m->previous;
    m->list = NAT_LISTS;
}

static void drop_index(struct nat_table *t, const struct nat_mapping *m)
{
    uint64_t user = user_key(&m->inside.addr);
    uint32_t left = nat_table_of_user(t, &m->inside.addr) - 1;

    table_remove(&t->by_inside, m->key);
    table_remove(&t->by_outside, m->outside.port);
    /* Putting where there is an entry never fails. */
    if (left == 0 || table_put(&t->users, user, left) != OK)
        table_remove(&t->users, user);
}

void nat_table_remove(struct nat_table *t, uint32_t slot)
{
    struct nat_mapping *m = &t->mappings[slot];

    ASSERT(m->alive);
    if (t->indexed)
        drop_index(t, m);
    leave_list(t, slot);
    for (uint32_t p = m->permits; p != NAT_NONE;) {
        uint32_t next = t->permits[p].next;

        t->permits[p].next = t->free_permit;
        t->free_permit = p;
        p = next;
    }
    m->alive = false;
    m->next = t->free_slot;
    t->free_slot = slot;
    t->alive--;
}

void nat_table_renew(struct nat_table *t, uint32_t slot, enum nat_list list, nsec expires)
{
    struct nat_mapping *m = &t->mappings[slot];
    uint32_t last;

    leave_list(t, slot);
    last = t->tail[list];
    ASSERT(last == NAT_NONE || t->mappings[last].expires <= expires);
    m->list = (uint8_t)list;
    m->expires = expires;
    m->previous = last;
    m->next = NAT_NONE;
    t->tail[list] = slot;
    if (last == NAT_NONE)
        t->head[list] = slot;
    else
        t->mappings[last].next = slot;
}

uint32_t nat_table_next(const struct nat_table *t)
{
    uint32_t a = t->head[NAT_UNREPLIED], b = t->head[NAT_REPLIED];

    if (a == NAT_NONE || b == NAT_NONE)
        return a == NAT_NONE ? b : a;
    return t->mappings[b].expires < t->mappings[a].expires ? b : a;
}

/* The oldest permit of a full mapping, for another remote. */
static uint32_t reuse_oldest(struct nat_table *t, struct nat_mapping *m)
{
    uint32_t *link = &m->permits, oldest;

    while (t->permits[*link].next != NAT_NONE)
        link = &t->permits[*link].next;
    oldest = *link;
    *link = NAT_NONE;
    m->permit_count--;
    return oldest;
}

enum err nat_table_permit(struct nat_table *t, uint32_t slot, const struct ip_endpoint *remote)
{
    struct nat_mapping *m = &t->mappings[slot];
    uint32_t p = t->free_permit;

    if (nat_table_permits(t, slot, remote, true))
        return OK;
    if (m->permit_count == NAT_PERMITS_MAX) {
        p = reuse_oldest(t, m);
    } else if (p != NAT_NONE) {
        t->free_permit = t->permits[p].next;
    } else {
        if (!grow((void **)&t->permits, t->permit_count, &t->permit_capacity, sizeof *t->permits))
            return ERR_MEMORY;
        p = t->permit_count++;
    }
    t->permits[p] = (struct nat_permit){*remote, m->permits};
    m->permits = p;
    m->permit_count++;
    return OK;
}

bool nat_table_permits(const struct nat_table *t, uint32_t slot, const struct ip_endpoint *remote,
                       bool port)
{
    for (uint32_t p = t->mappings[slot].permits; p != NAT_NONE; p = t->permits[p].next)
        if (ip_addr_equal(&t->permits[p].remote.addr, &remote->addr) &&
            (!port || t->permits[p].remote.port == remote->port))
            return true;
    return false;
}
