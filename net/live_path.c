#include "net/live_path.h"

#include <errno.h>
#include <string.h>

void live_path_open(const struct live_path *p)
{
    const char *what;

    if (p->bare && udp_loop_open_esp(p->sockets, &what) != OK)
        fprintf(p->log,
                "ikelab-live: raw socket for ESP: %s: %s; without a NAT no packet will leave\n"
                "try: as root, or with --encap\n",
                what, strerror(errno));
}

bool live_path_send(const struct live_path *p, enum err e, const struct ike_dgram *out)
{
    if (e == OK && udp_loop_send(p->sockets, out))
        return true;
    metrics_esp_dropped(p->metrics, LIVE_FLOW, ESP_DROP_UNSENT);
    return false;
}

bool live_path_receive(const struct live_path *p, nsec now, const struct ike_dgram *in,
                       struct buf *inner, struct sa_ref *child)
{
    enum err e = ike_endpoint_unprotect(p->endpoint, now, in, inner, child);

    if (e != OK)
        metrics_esp_dropped(p->metrics, METRICS_NO_FLOW, esp_drop_of(e));
    return e == OK;
}
