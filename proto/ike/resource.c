#include "proto/ike/resource.h"

#include "base/digest.h"
#include "proto/core/wish.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/ike.h"

enum { NUMBER_LEN = 4, PORTLESS_ICMP = 1, PORTLESS_ICMPV6 = 58 };

_Static_assert(RESOURCES_MAX < 16, "a number has four bits in struct child_sa");

static uint8_t cores(const struct ike_endpoint *ep)
{
    return ep->store->config->child.per_resource;
}

static bool said(const struct step *s)
{
    struct notify_payload n;

    return cores(s->ep) && notify_find(s->in, NOTIFY_SA_RESOURCE_INFO, &n);
}

/* ---- numbers ---- */

/* One that is being made or still receives has its number; which policy it will hold, one that is
 * being made does not know yet. */
static bool number_taken(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t policy,
                         uint8_t number)
{
    const struct child_sa *c = child_sa_by_index(ep, sa->first_child);

    for (; c; c = child_sa_by_index(ep, c->next))
        if (c->resource == number && (c->state == CHILD_RESERVED || policy == POOL_NONE ||
                                      child_esp(ep, c)->policy == policy))
            return true;
    return false;
}

/* The lowest core without a child SA of its own; 0: all have one. */
static uint8_t number_free(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t policy)
{
    for (uint8_t n = 1; n <= cores(ep); n++)
        if (!number_taken(ep, sa, policy, n))
            return n;
    return 0;
}

/* §3: the same algorithms, selectors and mode as the first one. */
static bool alike(const struct ike_endpoint *ep, const struct child_sa *c,
                  const struct child_terms *t)
{
    const struct esp_sa *esp = child_esp(ep, c);
    const struct esp_kind *kind = sad_kind(&ep->store->esp->sad, esp);

    return kind->encr == t->encr && kind->integ == t->integ && esp->esn == t->esn &&
           esp->transport == t->transport;
}

/* ---- initiator ---- */

/* §5.1: for people only; the first one is no core's. */
static void write_info(struct step *s, uint8_t number)
{
    uint8_t data[NUMBER_LEN];

    store_be32(data, number);
    notify_add(s->out, NOTIFY_SA_RESOURCE_INFO, bytes_of(data, number ? sizeof data : 0));
}

void resource_ask(struct step *s, struct child_sa *made)
{
    if (s->child) {
        made->resource = s->child->resource; /* §3; the old one may be gone before the answer */
        return;
    }
    if (!cores(s->ep) || s->sa->one_pair || ike_asked_for(s->ep, s->sa))
        return;
    if (s->sa->resources) {
        made->resource = number_free(s->ep, s->sa, POOL_NONE);
        if (!made->resource)
            return; /* somebody wants one more, which is for no core */
    }
    write_info(s, made->resource);
}

enum err resource_answered(const struct step *s, const struct child_sa *made,
                           const struct child_terms *t, struct resource_place *place)
{
    bool rekey = s->row->kind == KIND_CHILD_REKEY;

    *place =
        (struct resource_place){.number = rekey ? made->resource : 0, .said = !rekey && said(s)};
    if (s->sa->resources) /* one for no core is beside the others as well */
        place->beside = child_like(s->ep, s->sa, t);
    if (!place->said || !made->resource || !place->beside)
        return OK; /* where none is beside it, this is the first one now */
    place->number = made->resource;
    return alike(s->ep, place->beside, t) ? OK : ERR_NO_PROPOSAL;
}

void resource_taken(struct step *s, const struct child_sa *made, const struct resource_place *place)
{
    struct ike_sa *sa = s->sa;
    unsigned wished = (sa->wishes & WISH_CHILD ? 1u : 0u) + sa->new_wishes;

    if (!place->said || sa->resources || made->state == CHILD_RIVAL)
        return;
    sa->resources = true;
    while (wished < cores(s->ep) && ike_wish_child(sa)) /* §3: all at once */
        wished++;
}

void resource_enough(struct ike_sa *sa, uint16_t notify)
{
    if (!sa->resources || (notify != NOTIFY_TS_MAX_QUEUE && notify != NOTIFY_NO_ADDITIONAL_SAS))
        return;
    sa->wishes &= (uint8_t)~WISH_CHILD;
    sa->new_wishes = 0;
}

/* ---- responder ---- */

enum err resource_grant(struct step *s, const struct child_terms *t, struct resource_place *place)
{
    *place = (struct resource_place){.said = !s->child && said(s)};
    if (place->said || (!s->child && s->sa->resources))
        place->beside = child_like(s->ep, s->sa, t);
    if (!place->said || !place->beside)
        return OK;
    if (!alike(s->ep, place->beside, t))
        return ERR_NO_PROPOSAL;
    place->number = number_free(s->ep, s->sa, child_esp(s->ep, place->beside)->policy);
    return place->number ? OK : step_refuse(s, NOTIFY_TS_MAX_QUEUE); /* §5.2 */
}

void resource_answer(struct step *s, const struct resource_place *place)
{
    if (!place->said)
        return;
    s->sa->resources = true;
    write_info(s, place->number);
}

/* ---- packets ---- */

/* The same both ways, so that what comes back is seen by the core that sent. */
static uint64_t side_of(const struct ip_addr *addr, uint16_t port)
{
    return digest_of(addr->bytes, sizeof addr->bytes, port);
}

static uint64_t flow_digest(const struct flow *f)
{
    bool ports = f->ports_known && f->protocol != PORTLESS_ICMP && f->protocol != PORTLESS_ICMPV6;
    uint64_t sides[2] = {side_of(&f->src, ports ? f->src_port : 0),
                         side_of(&f->dst, ports ? f->dst_port : 0)};
    uint64_t low = sides[0] < sides[1] ? sides[0] : sides[1];
    uint64_t both[2] = {low, sides[0] ^ sides[1] ^ low};

    return digest_of(both, sizeof both, f->protocol);
}

/* The peer is to send through the new one first: it has installed it then. */
static bool sends(const struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct child_sa *next = child_sa_at(ep, c->successor);

    return c->state == CHILD_CURRENT ||
           (c->state == CHILD_REPLACED && next && next->state == CHILD_READY);
}

struct child_sa *resource_choose(struct ike_endpoint *ep, struct child_sa *first,
                                 struct bytes packet)
{
    const struct ike_sa *sa = child_sa_ike(ep, first);
    uint32_t policy = child_esp(ep, first)->policy;
    struct child_sa *c;
    struct flow flow;
    size_t total;
    uint8_t core;

    if (!cores(ep) || !sa->resources || flow_read(packet, &flow, &total) != OK)
        return first;
    core = (uint8_t)(1 + flow_digest(&flow) % cores(ep));
    for (c = child_sa_by_index(ep, sa->first_child); c; c = child_sa_by_index(ep, c->next))
        if (c->resource == core && sends(ep, c) && child_esp(ep, c)->policy == policy)
            return c;
    return first; /* RFC 9611 §4 */
}
