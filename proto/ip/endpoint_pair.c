#include "proto/ip/endpoint_pair.h"

struct aside {
    struct ip_endpoint local, remote;
};

enum err endpoint_asides_init(struct pool *asides, uint32_t pairs)
{
    return pool_init(asides, sizeof(struct aside), pairs);
}

static struct aside *aside_of(const struct pool *asides, const struct endpoint_pair *pair)
{
    return endpoint_pair_aside(pair) && pair->remote ? pool_slot(asides, pair->remote - 1) : NULL;
}

struct ip_endpoint endpoint_aside_local(const struct pool *asides, const struct endpoint_pair *pair)
{
    const struct aside *aside = aside_of(asides, pair);

    return aside ? aside->local : (struct ip_endpoint){.port = 0};
}

struct ip_endpoint endpoint_aside_remote(const struct pool *asides,
                                         const struct endpoint_pair *pair)
{
    const struct aside *aside = aside_of(asides, pair);

    return aside ? aside->remote : (struct ip_endpoint){.port = 0};
}

static void put_aside(struct pool *asides, struct endpoint_pair *pair, const struct aside *both)
{
    struct aside *aside = aside_of(asides, pair);
    struct handle h;

    if (!aside) {
        aside = pool_take(asides, &h);
        ASSERT(aside); /* there is one for each pair */
        *pair = (struct endpoint_pair){.remote = h.index + 1};
    }
    *aside = *both;
}

void endpoint_pair_set(struct pool *asides, struct endpoint_pair *pair,
                       const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    uint32_t here = load_be32(local->addr.bytes);

    if (local->addr.family != 4 || remote->addr.family != 4 || !here) {
        put_aside(asides, pair, &(struct aside){*local, *remote});
        return;
    }
    endpoint_pair_clear(asides, pair);
    *pair = (struct endpoint_pair){.local = here,
                                   .remote = load_be32(remote->addr.bytes),
                                   .local_port = local->port,
                                   .remote_port = remote->port};
}

void endpoint_pair_clear(struct pool *asides, struct endpoint_pair *pair)
{
    if (aside_of(asides, pair))
        pool_give(asides, pool_handle(asides, pair->remote - 1));
    *pair = (struct endpoint_pair){.local = 0};
}
