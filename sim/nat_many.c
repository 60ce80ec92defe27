#include "sim/nat_many.h"

#include "base/assert.h"
#include "base/digest.h"

#include <stdlib.h>

struct nat_many *nat_many_create(void)
{
    struct nat_many *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->free_slot = NAT_NONE;
    t->free_permit = NAT_NO_PERMIT;
    for (int i = 0; i < NAT_LISTS; i++)
        t->head[i] = t->tail[i] = NAT_NONE;
    return t;
}

void nat_many_destroy(struct nat_many *t)
{
    if (!t)
        return;
    table_reset(&t->by_inside);
    table_reset(&t->by_outside);
    table_reset(&t->users);
    free(t->permits);
    free(t->mappings);
    free(t);
}

static uint64_t key_of(enum nat_behaviour naming, const struct ip_endpoint *inside,
                       const struct ip_endpoint *remote)
{
    struct ip_endpoint relevant = {0};
    uint64_t parts[2] = {ip_endpoint_hash(inside), 0};

    if (naming != NAT_ENDPOINT_INDEPENDENT)
        relevant.addr = remote->addr;
    if (naming == NAT_ADDRESS_AND_PORT_DEPENDENT)
        relevant.port = remote->port;
    parts[1] = ip_endpoint_hash(&relevant);
    return digest_of(parts, sizeof parts, 0);
}

uint32_t nat_many_inside(const struct nat_many *t, enum nat_behaviour naming,
                         const struct ip_endpoint *inside, const struct ip_endpoint *remote)
{
    uint64_t key = key_of(naming, inside, remote);
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

uint32_t nat_many_outside(const struct nat_many *t, uint16_t port)
{
    uint32_t slot = NAT_NONE;

    if (t->indexed) {
        table_get(&t->by_outside, port, &slot);
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

uint32_t nat_many_of_user(const struct nat_many *t, const struct ip_addr *inside)
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

static enum err index_one(struct nat_many *t, uint32_t slot)
{
    const struct nat_mapping *m = &t->mappings[slot];
    uint64_t user = user_key(&m->inside.addr);
    uint32_t others = 0;
    enum err e = table_put(&t->by_inside, m->key, slot);

    table_get(&t->users, user, &others);
    if (e == OK)
        e = table_put(&t->by_outside, m->outside_port, slot);
    if (e == OK)
        e = table_put(&t->users, user, others + 1);
    return e;
}

/* The table outgrew searching. */
static enum err index_all(struct nat_many *t)
{
    enum err e = table_init(&t->by_inside, 2 * NAT_FEW);

    if (e == OK)
        e = table_init(&t->by_outside, 2 * NAT_FEW);
    if (e == OK)
        e = table_init(&t->users, 1);
    for (uint32_t i = 0; e == OK && i < t->count; i++)
        if (t->mappings[i].alive)
            e = index_one(t, i);
    if (e == OK)
        t->indexed = true;
    return e;
}

/* Room for one more slot. */
static bool grow_mappings(struct nat_many *t)
{
    uint32_t bigger = t->capacity ? 2 * (uint32_t)t->capacity : 4;
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

static bool grow_permits(struct nat_many *t)
{
    uint32_t bigger = t->permit_capacity ? 2 * t->permit_capacity : 2;
    struct nat_permit *grown;

    if (t->permit_count < t->permit_capacity)
        return true;
    grown = realloc(t->permits, bigger * sizeof *grown);
    if (!grown)
        return false;
    t->permits = grown;
    t->permit_capacity = bigger;
    return true;
}

enum err nat_many_add(struct nat_many *t, const struct nat_mapping *m, uint32_t *slot)
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
                                              .key = key_of(m->naming, &m->inside, &m->remote),
                                              .inside_port = m->inside_port,
                                              .permits = NAT_NO_PERMIT,
                                              .list = NAT_LISTS,
                                              .naming = m->naming,
                                              .alive = true};
    t->alive++;
    if (t->indexed)
        return index_one(t, *slot);
    return t->alive > NAT_FEW ? index_all(t) : OK;
}

static void leave_list(struct nat_many *t, uint32_t slot)
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

static void drop_index(struct nat_many *t, const struct nat_mapping *m)
{
    uint64_t user = user_key(&m->inside.addr);
    uint32_t left = nat_many_of_user(t, &m->inside.addr) - 1;

    table_remove(&t->by_inside, m->key);
    table_remove(&t->by_outside, m->outside_port);
    /* Putting where there is an entry never fails. */
    if (left == 0 || table_put(&t->users, user, left) != OK)
        table_remove(&t->users, user);
}

void nat_many_remove(struct nat_many *t, uint32_t slot)
{
    struct nat_mapping *m = &t->mappings[slot];

    ASSERT(m->alive);
    if (t->indexed)
        drop_index(t, m);
    leave_list(t, slot);
    for (uint32_t p = m->permits; p != NAT_NO_PERMIT;) {
        uint32_t next = t->permits[p].next;

        t->permits[p].next = t->free_permit;
        t->free_permit = p;
        p = next;
    }
    m->alive = false;
    m->next = t->free_slot;
    t->free_slot = (uint16_t)slot;
    t->alive--;
}

void nat_many_renew(struct nat_many *t, uint32_t slot, enum nat_list list, nsec expires)
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

uint32_t nat_many_next(const struct nat_many *t)
{
    uint32_t a = t->head[NAT_UNREPLIED], b = t->head[NAT_REPLIED];

    if (a == NAT_NONE || b == NAT_NONE)
        return a == NAT_NONE ? b : a;
    return t->mappings[b].expires < t->mappings[a].expires ? b : a;
}

/* The oldest permit of a full mapping is for another remote from now on: its place in the list, or
 * none if it was the first one, which has no place. */
static uint32_t forget_oldest(struct nat_many *t, struct nat_mapping *m)
{
    uint32_t *link = &m->permits, oldest;

    m->permit_count--;
    if (m->first_permitted) {
        m->first_permitted = false;
        return NAT_NO_PERMIT;
    }
    while (t->permits[*link].next != NAT_NO_PERMIT)
        link = &t->permits[*link].next;
    oldest = *link;
    *link = NAT_NO_PERMIT;
    return oldest;
}

/* A place for a permit: one that is free, or a new one; NAT_NO_PERMIT when out of memory. */
static uint32_t take_permit(struct nat_many *t)
{
    uint32_t p = t->free_permit;

    if (p != NAT_NO_PERMIT) {
        t->free_permit = t->permits[p].next;
        return p;
    }
    return grow_permits(t) ? t->permit_count++ : NAT_NO_PERMIT;
}

enum err nat_many_permit(struct nat_many *t, uint32_t slot, const struct ip_endpoint *remote)
{
    struct nat_mapping *m = &t->mappings[slot];
    uint32_t p = NAT_NO_PERMIT;

    if (nat_many_permits(t, slot, remote, true))
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
    t->permits[p] = (struct nat_permit){*remote, m->permits};
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

bool nat_many_permits(const struct nat_many *t, uint32_t slot, const struct ip_endpoint *remote,
                      bool port)
{
    const struct nat_mapping *m = &t->mappings[slot];

    if (m->first_permitted && lets_in(&m->remote, remote, port))
        return true;
    for (uint32_t p = m->permits; p != NAT_NO_PERMIT; p = t->permits[p].next)
        if (lets_in(&t->permits[p].remote, remote, port))
            return true;
    return false;
}
