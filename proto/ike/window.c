#include "proto/ike/window.h"

/* §2.3: big endian, the number of messages the sender promises to keep. */
void window_announce(struct step *s, enum exchange_kind kind)
{
    struct ike_endpoint *ep = s->ep;
    const struct window *w = window_of(ep, s->sa);
    uint32_t own = window_size(ep->store->config);
    uint8_t size[4];

    if (own == 1 || kind == KIND_SA_INIT || kind == KIND_IKE_DELETE || (w && w->own))
        return;
    window_take(ep, s->sa)->own = (uint8_t)own;
    store_be32(size, own);
    notify_add(s->out, NOTIFY_SET_WINDOW_SIZE, bytes_of(size, sizeof size));
}

/* §2.3: there is no way to reduce a window. One of nothing is no window. */
void window_heed(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct notify_payload n;
    const struct window *w = window_of(ep, s->sa);
    uint32_t size, before = w && w->peer ? w->peer : 1;

    if (window_size(ep->store->config) == 1 || !notify_find(s->in, NOTIFY_SET_WINDOW_SIZE, &n))
        return;
    size = load_be32(n.data.data);
    size = size < UINT8_MAX ? size : UINT8_MAX;
    if (size < before)
        ep->store->counters.windows_ignored++;
    else if (size > before)
        window_take(ep, s->sa)->peer = (uint8_t)size;
}

void window_agree(struct ike_endpoint *ep, struct ike_sa *sa, uint32_t peer)
{
    uint32_t own = window_size(ep->store->config);
    struct window *w;

    if (own == 1)
        return;
    w = window_take(ep, sa);
    w->own = (uint8_t)own;
    w->peer = peer > 1 ? (uint8_t)peer : 0;
}
