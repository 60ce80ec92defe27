#include "net/live_echo.h"

#include "proto/esp/esp.h"
#include "proto/ip/icmp.h"

#include <stdlib.h>

struct live_echo {
    const struct live_path *path;
    uint64_t refused;
    uint8_t packet[ESP_HEADROOM + IP_PACKET_MAX + ESP_TAILROOM];
};

enum err live_echo_create(const struct live_path *path, struct live_echo **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return ERR_MEMORY;
    (*out)->path = path;
    live_path_open(path);
    return OK;
}

void live_echo_destroy(struct live_echo *e)
{
    if (!e)
        return;
    wipe(e->packet, sizeof e->packet);
    free(e);
}

/* RFC 1122 §3.2.2.6 leaves it open; an answer would come from an address that is no host's. */
static bool to_many(const struct ip_addr *a)
{
    return a->family == 4 ? a->bytes[0] >= 224 : a->bytes[0] == 0xff;
}

/* @return false: not a request that we answer */
static bool answer_to(const struct buf *request, struct buf *reply)
{
    struct ip_packet p;
    struct icmp_message m;

    if (ip_read(buf_bytes(request), &p) != OK || icmp_read(&p, &m) != OK ||
        m.kind != ICMP_ECHO_REQUEST || to_many(&p.dst))
        return false;
    m.kind = ICMP_ECHO_REPLY;
    return icmp_write(reply, &(struct ip_build){.src = p.dst, .dst = p.src, .tos = p.tos}, &m) ==
           OK;
}

static void send_back(struct live_echo *e, nsec now, struct sa_ref child, struct buf *reply)
{
    const struct live_path *path = e->path;
    size_t len = reply->len;
    struct ike_dgram out;
    enum err sealed = ike_endpoint_protect_by(path->endpoint, now, child, reply, &out);

    if (sealed == ERR_STATE) /* replaced meanwhile: by the one that sends for these selectors now */
        sealed = ike_endpoint_protect(path->endpoint, now, reply, &out, NULL);
    if (live_path_send(path, sealed, &out))
        metrics_esp_sent(path->metrics, LIVE_FLOW, now - path->start, len);
}

void live_echo_receive(struct live_echo *e, nsec now, const struct ike_dgram *in)
{
    struct buf reply = {e->packet + ESP_HEADROOM, 0, IP_PACKET_MAX + ESP_TAILROOM};
    struct buf inner;
    struct sa_ref child;

    if (!live_path_receive(e->path, now, in, &inner, &child))
        return;
    metrics_esp_arrived(e->path->metrics, LIVE_FLOW, now - e->path->start, inner.len);
    if (answer_to(&inner, &reply))
        send_back(e, now, child, &reply);
    else
        e->refused++;
}

uint64_t live_echo_refused(const struct live_echo *e)
{
    return e->refused;
}
