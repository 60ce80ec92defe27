#include "sim/users.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 1 };

struct users {
    uint32_t group_count;
    struct known {
        struct xauth_user *all; /* by name */
        size_t count;
        uint8_t *names;
    } * groups; /* by group; all: NULL where it asks nobody */
};

static bool asks(const struct scenario_group *g)
{
    return g->role == ROLE_RESPONDER && g->ike_words.xauth;
}

static bool calls(const struct scenario_group *g, uint32_t gateway)
{
    return scenario_calls_with_v1(g) && (uint32_t)g->connect == gateway;
}

/* Their names follow each other in one room, as there may be a million. */
static enum err know(const struct scenario *s, uint32_t gateway, struct known *k)
{
    struct bytes password = bytes_text(s->groups[gateway].ike_words.xauth_password);
    size_t most = 0, room = 0, used = 0;

    for (uint32_t i = 0; i < s->group_count; i++)
        for (uint32_t m = 0; calls(&s->groups[i], gateway) && m < s->groups[i].count; m++, most++)
            room += scenario_user(s, i, m).len;
    k->all = calloc(most + 1, sizeof *k->all);
    k->names = malloc(room + 1);
    if (!k->all || !k->names)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < s->group_count; i++)
        for (uint32_t m = 0; calls(&s->groups[i], gateway) && m < s->groups[i].count; m++) {
            struct identity name = scenario_user(s, i, m);

            memcpy(k->names + used, name.data, name.len);
            k->all[k->count++] = (struct xauth_user){bytes_of(k->names + used, name.len), password};
            used += name.len;
        }
    qsort(k->all, k->count, sizeof *k->all, xauth_user_compare);
    return OK;
}

enum err users_create(const struct scenario *s, struct users **out)
{
    struct users *u;
    enum err e = OK;
    bool any = false;

    *out = NULL;
    for (uint32_t i = 0; i < s->group_count; i++)
        any |= asks(&s->groups[i]);
    if (!any)
        return OK;
    u = calloc(1, sizeof *u);
    if (u)
        u->groups = calloc(s->group_count, sizeof *u->groups);
    if (!u || !u->groups) {
        free(u);
        return ERR_MEMORY;
    }
    u->group_count = s->group_count;
    *out = u;
    for (uint32_t i = 0; i < s->group_count && e == OK; i++)
        if (asks(&s->groups[i]))
            e = know(s, i, &u->groups[i]);
    return e;
}

void users_destroy(struct users *u)
{
    if (!u)
        return;
    for (uint32_t i = 0; i < u->group_count; i++) {
        free(u->groups[i].all);
        free(u->groups[i].names);
    }
    free(u->groups);
    free(u);
}

void users_give(const struct users *u, const struct scenario *s, uint32_t group, uint32_t member,
                struct own_user *own, struct xauth_config *out)
{
    const struct scenario_group *g = &s->groups[group];

    if (!g->ike_words.xauth)
        return;
    if (g->role == ROLE_RESPONDER) {
        *out = (struct xauth_config){XAUTH_GATEWAY, u->groups[group].all, u->groups[group].count,
                                     TRIES};
        return;
    }
    own->name = scenario_user(s, group, member);
    own->user = (struct xauth_user){bytes_of(own->name.data, own->name.len),
                                    bytes_text(g->ike_words.xauth_password)};
    *out = (struct xauth_config){XAUTH_USER, &own->user, 1, 0};
}
