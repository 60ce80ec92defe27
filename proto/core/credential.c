#include "proto/core/credential.h"

#include "base/assert.h"

#include <stdlib.h>

const char *auth_way_name(enum auth_way way)
{
    static const char *const names[AUTH_WAYS] = {
#define X(symbol, name) [AUTH_##symbol] = name,
        AUTH_WAY_LIST(X)
#undef X
    };

    ASSERT((unsigned)way < AUTH_WAYS);
    return names[way];
}

static int bytes_compare(struct bytes a, struct bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

int known_key_compare(const void *a, const void *b)
{
    const struct known_key *x = a, *y = b;
    int order = bytes_compare(x->spki, y->spki);

    if (order == 0)
        order = x->id_type - y->id_type;
    return order ? order : bytes_compare(x->id, y->id);
}

int xauth_user_compare(const void *a, const void *b)
{
    return bytes_compare(((const struct xauth_user *)a)->name,
                         ((const struct xauth_user *)b)->name);
}

const struct xauth_user *xauth_user_find(const struct xauth_config *c, struct bytes name,
                                         struct bytes password)
{
    const struct xauth_user wanted = {.name = name}, *user;

    if (c->user_count == 0)
        return NULL;
    user = bsearch(&wanted, c->users, c->user_count, sizeof wanted, xauth_user_compare);
    return user && bytes_equal_secret(user->password, password) ? user : NULL;
}

int known_cert_compare(const void *a, const void *b)
{
    const struct known_cert *x = a, *y = b;

    return x->id_type != y->id_type ? x->id_type - y->id_type : bytes_compare(x->id, y->id);
}

const struct known_cert *known_cert_find(const struct ike_trust *trust, uint8_t id_type,
                                         struct bytes id)
{
    const struct known_cert wanted = {.id_type = id_type, .id = id};

    return trust->cert_count == 0 ? NULL
                                  : bsearch(&wanted, trust->certs, trust->cert_count, sizeof wanted,
                                            known_cert_compare);
}

bool known_key_find(const struct ike_trust *trust, struct bytes spki, uint8_t id_type,
                    struct bytes id)
{
    struct known_key wanted = {.spki = spki};

    if (!trust->key_count)
        return false;
    if (bsearch(&wanted, trust->keys, trust->key_count, sizeof wanted, known_key_compare))
        return true;
    wanted.id_type = id_type;
    wanted.id = id;
    return bsearch(&wanted, trust->keys, trust->key_count, sizeof wanted, known_key_compare);
}
