#include "proto/ike/admit.h"

#include "proto/core/flood.h"
#include "proto/ike/cookie.h"

/* Not to be switched with every handshake: on at the limit, off when less than half of it is left.
 */
static bool cookie_wanted(struct ike_endpoint *ep)
{
    const struct flood_config *c = &ep->store->config->flood;

    struct ike_rare *rare;

    if (c->cookie_always || !c->cookie_above)
        return c->cookie_always;
    rare = ike_rare(ep);
    if (!rare)
        return true; /* short of memory: the more so */
    if (ep->half_open_asked >= c->cookie_above)
        rare->cookies.wanted = true;
    else if (ep->half_open_asked < (c->cookie_above + 1) / 2)
        rare->cookies.wanted = false;
    return rare->cookies.wanted;
}

enum err flood_admit(struct step *s, const struct message_view *view)
{
    if (cookie_wanted(s->ep) && !cookie_returned(s, view)) {
        drop_count(s->ep, IKE_DROP_COOKIE);
        cookie_ask(s, view);
        return ERR_STATE;
    }
    if (flood_source_full(s->ep, &s->dgram->remote.addr)) {
        drop_count(s->ep, IKE_DROP_SOURCE);
        return ERR_FULL;
    }
    return OK;
}
