#include "proto/ike/identity.h"

#include "base/digest.h"
#include "proto/wire/id.h"
#include "proto/wire/registry.h"

void identity_write(struct writer *w, const struct ike_config *c)
{
    struct id_payload id = {c->id.type, bytes_of(c->id.data, c->id.len)};

    if (c->auth.way == AUTH_NULL) /* RFC 7619 §2.2 */
        id = (struct id_payload){ID_NULL, BYTES_NONE};
    id_write(w, &id);
}

bool identity_is_somebody(struct bytes body, enum auth_way way)
{
    return way != AUTH_NULL && body.data[0] != ID_NULL;
}

uint64_t identity_digest(const struct ike_endpoint *ep, struct bytes body, enum auth_way way)
{
    struct rng seed = rng_stream(ep->store->env.seed, ep->entity, RNG_CREDENTIAL);

    return digest_of(body.data, body.len, rng_u64(&seed) + way) | 1; /* 0 means none */
}

enum auth_way identity_way(enum auth_way way)
{
    return way == AUTH_PSK || way == AUTH_NULL ? way : AUTH_CERTIFICATE;
}
