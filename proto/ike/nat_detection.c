#include "proto/ike/nat_detection.h"

#include "proto/core/nat.h"

enum err nat_write(const struct step *s, const struct ip_endpoint *local,
                   const struct ip_endpoint *remote)
{
    const struct ike_sa *sa = s->sa;
    struct ip_endpoint source = *local;
    uint8_t hash[NAT_HASH_LEN];
    enum err e;

    if (s->ep->store->config->force_encap)
        source.port = 0; /* a lie that looks like a NAT to the peer */
    e = nat_hash(s->ep->store->env.crypto, sa->spi_i, sa->spi_r, &source, hash);
    if (e)
        return e;
    notify_add(s->out, NOTIFY_NAT_DETECTION_SOURCE_IP, bytes_of(hash, sizeof hash));
    e = nat_hash(s->ep->store->env.crypto, sa->spi_i, sa->spi_r, remote, hash);
    if (e)
        return e;
    notify_add(s->out, NOTIFY_NAT_DETECTION_DESTINATION_IP, bytes_of(hash, sizeof hash));
    return OK;
}

/* Whether one of the notifies of a type has this hash; *any says whether there is one at all. */
static bool nat_listed(const struct message_view *in, uint16_t type, const uint8_t *hash, bool *any)
{
    *any = false;
    for (unsigned i = 0; i < in->count; i++) {
        struct notify_payload n;

        if (notify_type_of(&in->payloads[i]) != type || notify_read(in->payloads[i].body, &n))
            continue;
        *any = true;
        if (bytes_equal(n.data, bytes_of(hash, NAT_HASH_LEN)))
            return true;
    }
    return false;
}

enum err nat_read(const struct step *s, uint64_t spi_r, struct nat_found *found)
{
    uint64_t spi_i = s->outer->header.spi_i;
    uint8_t from[NAT_HASH_LEN], to[NAT_HASH_LEN];
    bool source, destination;
    enum err e = nat_hash(s->ep->store->env.crypto, spi_i, spi_r, &s->dgram->remote, from);

    if (e == OK)
        e = nat_hash(s->ep->store->env.crypto, spi_i, spi_r, &s->dgram->local, to);
    if (e)
        return e;
    found->remote = !nat_listed(s->in, NOTIFY_NAT_DETECTION_SOURCE_IP, from, &source) && source;
    found->local =
        !nat_listed(s->in, NOTIFY_NAT_DETECTION_DESTINATION_IP, to, &destination) && destination;
    found->asked = source && destination;
    return OK;
}
