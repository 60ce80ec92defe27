#include "sim/nat_table.h"

#include "base/assert.h"

#include <stdlib.h>

void nat_table_reset(struct nat_table *t)
{
    if (t->aside) {
        nat_many_destroy(t->aside->many);
        t->aside->many = NULL;
    }
    *t = (struct nat_table){.aside = t->aside};
}

struct nat_aside *nat_table_aside(struct nat_table *t)
{
    if (!t->aside)
        t->aside = calloc(1, sizeof *t->aside);
    return t->aside;
}

static bool is_v4(const struct ip_endpoint *e, uint32_t addr, uint16_t port)
{
    return e->port == port && e->addr.family == 4 && load_be32(e->addr.bytes) == addr;
}

static struct ip_endpoint inside_of(const struct nat_table *t, const struct nat_few *f)
{
    return (struct ip_endpoint){ip_addr_v4(t->inside), f->inside_port};
}

static struct ip_endpoint remote_of(const struct nat_few *f)
{
    return (struct ip_endpoint){ip_addr_v4(f->remote), f->remote_port};
}

static struct nat_mapping whole(const struct nat_table *t, const struct nat_few *f)
{
    return (struct nat_mapping){.inside = inside_of(t, f),
                                .remote = remote_of(f),
                                .outside_port = f->outside_port,
                                .list = f->list,
                                .naming = f->naming,
                                .replied = f->replied,
                                .alive = f->alive,
                                .inside_port = t->node_port,
                                .expires = f->expires};
}

struct nat_mapping nat_table_at(const struct nat_table *t, uint32_t slot)
{
    return nat_table_many(t) ? nat_table_many(t)->mappings[slot] : whole(t, &t->few[slot]);
}

uint32_t nat_table_count(const struct nat_table *t)
{
    uint32_t count = 0;

    if (nat_table_many(t))
        return nat_table_many(t)->alive;
    for (uint32_t i = 0; i < NAT_WITHIN; i++)
        count += t->few[i].alive;
    return count;
}

/* RFC 4787 §4.1: what of the remote names the mapping. */
static bool is_named(const struct nat_few *f, enum nat_behaviour naming,
                     const struct ip_endpoint *remote)
{
    if (naming == NAT_ENDPOINT_INDEPENDENT)
        return true;
    return is_v4(remote, f->remote,
                 naming == NAT_ADDRESS_AND_PORT_DEPENDENT ? f->remote_port : remote->port);
}

uint32_t nat_table_inside(const struct nat_table *t, enum nat_behaviour naming,
                          const struct ip_endpoint *inside, const struct ip_endpoint *remote)
{
    if (nat_table_many(t))
        return nat_many_inside(nat_table_many(t), naming, inside, remote);
    for (uint32_t i = 0; i < NAT_WITHIN; i++) {
        const struct nat_few *f = &t->few[i];

        if (f->alive && is_v4(inside, t->inside, f->inside_port) && is_named(f, naming, remote))
            return i;
    }
    return NAT_NONE;
}

uint32_t nat_table_outside(const struct nat_table *t, uint16_t port)
{
    if (nat_table_many(t))
        return nat_many_outside(nat_table_many(t), port);
    for (uint32_t i = 0; i < NAT_WITHIN; i++)
        if (t->few[i].alive && t->few[i].outside_port == port)
            return i;
    return NAT_NONE;
}

uint32_t nat_table_of_user(const struct nat_table *t, const struct ip_addr *inside)
{
    struct ip_endpoint user = {.addr = *inside};
    uint32_t count = 0;

    if (nat_table_many(t))
        return nat_many_of_user(nat_table_many(t), inside);
    for (uint32_t i = 0; i < NAT_WITHIN; i++)
        count += t->few[i].alive && is_v4(&user, t->inside, 0);
    return count;
}

static enum err move_one(const struct nat_table *t, const struct nat_few *f, struct nat_many *many,
                         uint32_t *slot)
{
    struct nat_mapping m = whole(t, f);
    enum err e = nat_many_add(many, &m, slot);

    if (e != OK)
        return e;
    many->mappings[*slot].replied = f->replied;
    many->mappings[*slot].first_permitted = f->permitted;
    many->mappings[*slot].permit_count = f->permitted;
    if (f->list != NAT_LISTS)
        nat_many_renew(many, *slot, (enum nat_list)f->list, f->expires);
    return OK;
}

/* All mappings are apart from now on; `slot`, if one is named, is where it is then. On an error
 * nothing has changed. */
static enum err move_apart(struct nat_table *t, uint32_t *slot)
{
    uint32_t first = t->few[0].newest, moved = NAT_NONE, named = *slot; /* in order of renewal */
    struct nat_many *many = nat_table_aside(t) ? nat_many_create() : NULL;
    enum err e = many ? OK : ERR_MEMORY;

    for (uint32_t i = 0; e == OK && i < NAT_WITHIN; i++) {
        uint32_t from = i ^ first, to;

        if (!t->few[from].alive)
            continue;
        e = move_one(t, &t->few[from], many, &to);
        if (e == OK && from == named)
            moved = to;
    }
    if (e != OK) {
        nat_many_destroy(many);
        return e;
    }
    *t = (struct nat_table){.aside = t->aside};
    t->aside->many = many;
    *slot = moved;
    return OK;
}

/* The slot within for a mapping, if it can be one; else NAT_NONE. */
static uint32_t place_within(const struct nat_table *t, const struct nat_mapping *m)
{
    uint32_t inside = load_be32(m->inside.addr.bytes);

    if (m->inside.addr.family != 4 || m->remote.addr.family != 4)
        return NAT_NONE;
    if (nat_table_count(t) && (inside != t->inside || m->inside_port != t->node_port))
        return NAT_NONE;
    for (uint32_t i = 0; i < NAT_WITHIN; i++)
        if (!t->few[i].alive)
            return i;
    return NAT_NONE;
}

enum err nat_table_add(struct nat_table *t, const struct nat_mapping *m, uint32_t *slot)
{
    enum err e;

    *slot = NAT_NONE;
    if (!nat_table_many(t))
        *slot = place_within(t, m);
    if (*slot == NAT_NONE) {
        e = nat_table_many(t) ? OK : move_apart(t, slot);
        return e == OK ? nat_many_add(nat_table_many(t), m, slot) : e;
    }
    t->inside = load_be32(m->inside.addr.bytes);
    t->node_port = m->inside_port;
    t->few[*slot] = (struct nat_few){.remote = load_be32(m->remote.addr.bytes),
                                     .inside_port = m->inside.port,
                                     .remote_port = m->remote.port,
                                     .outside_port = m->outside_port,
                                     .list = NAT_LISTS,
                                     .naming = m->naming,
                                     .alive = true};
    return OK;
}

void nat_table_remove(struct nat_table *t, uint32_t slot)
{
    if (!nat_table_many(t)) {
        ASSERT(t->few[slot].alive);
        t->few[slot] = (struct nat_few){.alive = false};
        return;
    }
    nat_many_remove(nat_table_many(t), slot);
    if (nat_table_many(t)->alive == 0)
        nat_table_reset(t);
}

void nat_table_reply(struct nat_table *t, uint32_t slot)
{
    if (nat_table_many(t))
        nat_table_many(t)->mappings[slot].replied = true;
    else
        t->few[slot].replied = true;
}

void nat_table_renew(struct nat_table *t, uint32_t slot, enum nat_list list, nsec expires)
{
    struct nat_few *f = &t->few[slot % NAT_WITHIN], *other = &t->few[(slot + 1) % NAT_WITHIN];

    if (nat_table_many(t)) {
        nat_many_renew(nat_table_many(t), slot, list, expires);
        return;
    }
    ASSERT(!other->alive || other->list != list || other->expires <= expires);
    f->list = list;
    f->expires = expires;
    f->newest = true;
    other->newest = false;
}

/* Whether the first of two expires before the other; at the same time, as two lists would have it:
 * that without a reply, else that which was renewed before. */
static bool goes_first(const struct nat_few *a, const struct nat_few *b)
{
    if (a->expires != b->expires)
        return a->expires < b->expires;
    return a->list != b->list ? a->list == NAT_UNREPLIED : b->newest;
}

static uint32_t next_within(const struct nat_table *t)
{
    uint32_t next = NAT_NONE;

    for (uint32_t i = 0; i < NAT_WITHIN; i++) {
        const struct nat_few *f = &t->few[i];

        if (f->alive && f->list != NAT_LISTS && (next == NAT_NONE || goes_first(f, &t->few[next])))
            next = i;
    }
    return next;
}

uint32_t nat_table_next(const struct nat_table *t, nsec *expires)
{
    uint32_t slot = nat_table_many(t) ? nat_many_next(nat_table_many(t)) : next_within(t);

    *expires = NSEC_NEVER;
    if (slot != NAT_NONE)
        *expires =
            nat_table_many(t) ? nat_table_many(t)->mappings[slot].expires : t->few[slot].expires;
    return slot;
}

enum err nat_table_permit(struct nat_table *t, uint32_t *slot, const struct ip_endpoint *remote)
{
    enum err e = OK;

    if (!nat_table_many(t)) {
        struct nat_few *f = &t->few[*slot];

        if (is_v4(remote, f->remote, f->remote_port)) {
            f->permitted = true;
            return OK;
        }
        e = move_apart(t, slot);
    }
    return e == OK ? nat_many_permit(nat_table_many(t), *slot, remote) : e;
}

bool nat_table_permits(const struct nat_table *t, uint32_t slot, const struct ip_endpoint *remote,
                       bool port)
{
    const struct nat_few *f = &t->few[slot % NAT_WITHIN];

    if (nat_table_many(t))
        return nat_many_permits(nat_table_many(t), slot, remote, port);
    return f->permitted && is_v4(remote, f->remote, port ? f->remote_port : remote->port);
}
