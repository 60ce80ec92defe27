#include "sim/nat_table.h"

#include "base/assert.h"

#include <stdlib.h>

void nat_table_init(struct nat_table *t)
{
    *t = (struct nat_table){.free_slot = NAT_NONE};
    for (int i = 0; i < NAT_LISTS; i++)
        t->head[i] = t->tail[i] = NAT_NONE;
}

void nat_table_reset(struct nat_table *t)
{
    if (t->more) {
        table_reset(&t->more->by_inside);
        table_reset(&t->more->by_outside);
        table_reset(&t->more->users);
        free(t->more->permits);
        free(t->more);
    }
    free(t->mappings);
    nat_table_init(t);
}

/* The part apart, made if there is none; NULL when out of memory. */
static struct nat_more *more_of(struct nat_table *t)
{
    if (!t->more)
        t->more = calloc(1, sizeof *t->more);
    if (t->more && t->more->permit_count == 0)
        t->more->free_permit = NAT_NO_PERMIT;
    return t->more;
}

static bool is_indexed(const struct nat_table *t)
{
    return t->more && t->more->indexed;
}

uint32_t nat_table_inside(const struct nat_table *t, uint64_t key)
{
    uint32_t slot = NAT_NONE;

    if (is_indexed(t)) {
        table_get(&t->more->by_inside, key, &slot);
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

    if (is_indexed(t)) {
        table_get(&t->more->by_outside, port, &slot);
        return slot;
    }
    for (uint32_t i = 0; i < t->count; i++)
        if (t->mappings[i].alive && t->mappings[i].outside_port == port)
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

    if (is_indexed(t)) {
        table_get(&t->more->users, user_key(inside), &count);
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
    struct nat_more *more = t->more;
    enum err e = table_put(&more->by_inside, m->key, slot);

    table_get(&more->users, user, &others);
    if (e == OK)
        e = table_put(&more->by_outside, m->outside_port, slot);
    if (e == OK)
        e = table_put(&more->users, user, others + 1);
    return e;
}

/* The table outgrew searching. */
static enum err index_all(struct nat_table *t)
{
    struct nat_more *more = more_of(t);
    enum err e = more ? table_init(&more->by_inside, 2 * NAT_FEW) : ERR_MEMORY;

    if (e == OK)
        e = table_init(&more->by_outside, 2 * NAT_FEW);
    if (e == OK)
        e = table_init(&more->users, 1);
    for (uint32_t i = 0; e == OK && i < t->count; i++)
        if (t->mappings[i].alive)
            e = index_one(t, i);
    if (e == OK)
        more->indexed = true;
    return e;
}

/* Room for one more slot. A box of a home has one mapping, or two. */
static bool grow_mappings(struct nat_table *t)
{
    uint32_t bigger = t->capacity ? 2 * (uint32_t)t->capacity : 1;
    struct nat_mapping *grown;

    if (t->count < t->capacity)
        return true;
    bigger = bigger < NAT_MAPPINGS_MAX ? bigger : NAT_MAPPINGS_MAX;
    grown = realloc(t->mappings, bigger * sizeof *grown);
    if (!grown)
        return false;
    t->mappings = grown;
    t->capacity = (uint16_t)bigger;
    return true;
}

static bool grow_permits(struct nat_more *more)
{
    uint32_t bigger = more->permit_capacity ? 2 * more->permit_capacity : 2;
    struct nat_permit *grown;

    if (more->permit_count < more->permit_capacity)
        return true;
    grown = realloc(more->permits, bigger * sizeof *grown);
    if (!grown)
        return false;
    more->permits = grown;
    more->permit_capacity = bigger;
    return true;
}

enum err nat_table_add(struct nat_table *t, const struct nat_mapping *m, uint32_t *slot)
{
    if (t->alive == NAT_MAPPINGS_MAX)
        return ERR_FULL;
    if (t->free_slot == NAT_NONE && !grow_mappings(t))
        return ERR_MEMORY;
    *slot = t->free_slot != NAT_NONE ? t->free_slot : t->count++;
    if (t->free_slot != NAT_NONE)
        t->free_slot = t->mappings[*slot].next;
    t->mappings[*slot] = (struct nat_mapping){.inside = m->inside,
                                              .outside_port = m->outside_port,
                                              .remote = m->remote,
                                              .key = m->key,
                                              .inside_port = m->inside_port,
                                              .permits = NAT_NO_PERMIT,
                                              .list = NAT_LISTS,
                                              .alive = true};
    t->alive++;
    if (is_indexed(t))
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

    table_remove(&t->more->by_inside, m->key);
    table_remove(&t->more->by_outside, m->outside_port);
    /* Putting where there is an entry never fails. */
    if (left == 0 || table_put(&t->more->users, user, left) != OK)
        table_remove(&t->more->users, user);
}

void nat_table_remove(struct nat_table *t, uint32_t slot)
{
    struct nat_mapping *m = &t->mappings[slot];

    ASSERT(m->alive);
    if (is_indexed(t))
        drop_index(t, m);
    leave_list(t, slot);
    for (uint32_t p = m->permits; p != NAT_NO_PERMIT;) {
        uint32_t next = t->more->permits[p].next;

        t->more->permits[p].next = t->more->free_permit;
        t->more->free_permit = p;
        p = next;
    }
    m->alive = false;
    m->next = t->free_slot;
    t->free_slot = (uint16_t)slot;
    t->alive--;
}

void nat_table_renew(struct nat_table *t, uint32_t slot, enum nat_list list, nsec expires)
{
    struct nat_mapping *m = &t->mappings[slot];
    uint32_t last;

    leave_list(t, slot);
    last = t->tail[list];
    ASSERT(last == NAT_NONE || t->mappings[last].expires <= expires);
    m->list = list;
    m->expires = expires;
    m->previous = (uint16_t)last;
    m->next = NAT_NONE;
    t->tail[list] = (uint16_t)slot;
    if (last == NAT_NONE)
        t->head[list] = (uint16_t)slot;
    else
        t->mappings[last].next = (uint16_t)slot;
}

uint32_t nat_table_next(const struct nat_table *t)
{
    uint32_t a = t->head[NAT_UNREPLIED], b = t->head[NAT_REPLIED];

    if (a == NAT_NONE || b == NAT_NONE)
        return a == NAT_NONE ? b : a;
    return t->mappings[b].expires < t->mappings[a].expires ? b : a;
}

/* The oldest permit of a full mapping is for another remote from now on: its place in the list, or
 * none if it was the first one, which has no place. */
static uint32_t forget_oldest(struct nat_table *t, struct nat_mapping *m)
{
    uint32_t *link = &m->permits, oldest;

    m->permit_count--;
    if (m->first_permitted) {
        m->first_permitted = false;
        return NAT_NO_PERMIT;
    }
    while (t->more->permits[*link].next != NAT_NO_PERMIT)
        link = &t->more->permits[*link].next;
    oldest = *link;
    *link = NAT_NO_PERMIT;
    return oldest;
}

/* A place for a permit: one that is free, or a new one; NAT_NO_PERMIT when out of memory. */
static uint32_t take_permit(struct nat_table *t)
{
    struct nat_more *more = more_of(t);
    uint32_t p = more ? more->free_permit : NAT_NO_PERMIT;

    if (p != NAT_NO_PERMIT) {
        more->free_permit = more->permits[p].next;
        return p;
    }
    return more && grow_permits(more) ? more->permit_count++ : NAT_NO_PERMIT;
}

enum err nat_table_permit(struct nat_table *t, uint32_t slot, const struct ip_endpoint *remote)
{
    struct nat_mapping *m = &t->mappings[slot];
    uint32_t p = NAT_NO_PERMIT;

    if (nat_table_permits(t, slot, remote, true))
        return OK;
    if (m->permit_count == 0 && ip_endpoint_equal(&m->remote, remote)) {
        m->first_permitted = true;
        m->permit_count = 1;
        return OK;
    }
    if (m->permit_count == NAT_PERMITS_MAX)
        p = forget_oldest(t, m);
    if (p == NAT_NO_PERMIT)
        p = take_permit(t);
    if (p == NAT_NO_PERMIT)
        return ERR_MEMORY;
    t->more->permits[p] = (struct nat_permit){*remote, m->permits};
    m->permits = p;
    m->permit_count++;
    return OK;
}

static bool lets_in(const struct ip_endpoint *permitted, const struct ip_endpoint *remote,
                    bool port)
{
    return ip_addr_equal(&permitted->addr, &remote->addr) &&
           (!port || permitted->port == remote->port);
}

bool nat_table_permits(const struct nat_table *t, uint32_t slot, const struct ip_endpoint *remote,
                       bool port)
{
    const struct nat_mapping *m = &t->mappings[slot];

    if (m->first_permitted && lets_in(&m->remote, remote, port))
        return true;
    for (uint32_t p = m->permits; p != NAT_NO_PERMIT; p = t->more->permits[p].next)
        if (lets_in(&t->more->permits[p].remote, remote, port))
            return true;
    return false;
}
