#include "proto/ikev1/nat.h"

#include "proto/wire/v1_any.h"

/* RFC 3947 §3.2: HASH = HASH(CKY-I | CKY-R | IP | Port) */
static enum err nat_d(struct crypto *c, const struct v1_nat *n, const struct ip_endpoint *end,
                      uint8_t *out)
{
    uint8_t cookies[V1_COOKIES_LEN], port[2];
    const struct bytes parts[] = {v1_cookies(cookies, n->cky_i, n->cky_r),
                                  bytes_of(end->addr.bytes, end->addr.family == 4 ? 4 : 16),
                                  bytes_of(port, sizeof port)};

    store_be16(port, end->port);
    return c->class->hash(c, n->hash, parts, 3, out);
}

enum err v1_nat_write(struct crypto *c, struct message_writer *out, const struct v1_nat *n)
{
    uint8_t digest[V1_HASH_MAX];
    enum err e = nat_d(c, n, n->remote, digest);

    if (e != OK)
        return e;
    payload_add(out, V1_PAYLOAD_NAT_D, bytes_of(digest, n->hash->len));
    e = nat_d(c, n, n->local, digest);
    if (e == OK)
        payload_add(out, V1_PAYLOAD_NAT_D, bytes_of(digest, n->hash->len));
    return e;
}

/* The first is of who receives; the others are of all addresses that the sender may have. */
enum err v1_nat_read(struct crypto *c, const struct message_view *in, const struct v1_nat *n,
                     bool *found, bool *before_us, bool *before_peer)
{
    const struct payload_view *first = message_find(in, V1_PAYLOAD_NAT_D), *p = first;
    uint8_t ours[V1_HASH_MAX], peers[V1_HASH_MAX];
    bool seen = false;
    enum err e;

    *found = *before_us = *before_peer = false;
    if (!first || !message_next(in, first))
        return OK;
    e = nat_d(c, n, n->local, ours);
    if (e == OK)
        e = nat_d(c, n, n->remote, peers);
    for (; e == OK && p; p = message_next(in, p)) {
        if (p->body.len != n->hash->len)
            return ERR_LENGTH;
        seen |= p != first && bytes_equal(p->body, bytes_of(peers, n->hash->len));
    }
    if (e != OK)
        return e;
    *found = true;
    *before_us = !bytes_equal(first->body, bytes_of(ours, n->hash->len));
    *before_peer = !seen;
    return OK;
}
