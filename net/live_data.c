#include "net/live_data.h"

#include "net/tun.h"
#include "proto/esp/esp.h"

#include <errno.h>
#include <stdlib.h>

struct live_data {
    struct live_data_options options;
    const struct live_path *path;
    struct tun tun;
    uint64_t refused;
    bool routed, warned;
    uint8_t packet[ESP_HEADROOM + TUN_PACKET_MAX + ESP_TAILROOM];
};

/* ---- making ---- */

static void advise_route(const struct live_data *d, const struct ip_addr *inside, const char *whose)
{
    char net[IP_PREFIX_TEXT], address[IP_ADDR_TEXT];

    fprintf(d->path->log,
            "ikelab-live: no route was made: %s contains %s address %s\ntry: a smaller "
            "--ts-remote, or `ip route add NET dev %s` for what shall go through the tunnel\n",
            ip_prefix_format(&d->options.route, net), whose, ip_addr_format(inside, address),
            d->tun.name);
}

/* A route that takes our own IKE and ESP into the tunnel would cut it off. */
static void make_route(struct live_data *d)
{
    const struct ip_prefix *net = &d->options.route;
    const struct ip_addr *near = &d->path->sockets->local[0].addr;
    const char *what;

    if (net->addr.family == 0)
        return;
    if (d->path->far && ip_prefix_contains(net, d->path->far)) {
        advise_route(d, d->path->far, "the peer's");
        return;
    }
    if (!d->path->far && ip_prefix_contains(net, near)) {
        advise_route(d, near, "our own");
        return;
    }
    d->routed = tun_route(&d->tun, net, &what) == OK;
    if (!d->routed)
        fprintf(d->path->log, "ikelab-live: %s: %s\ntry: `ip route add NET dev %s` by hand\n", what,
                strerror(errno), d->tun.name);
}

enum err live_data_create(const struct live_data_options *options, const struct live_path *path,
                          struct live_data **out, struct live_failure *why)
{
    struct live_data *d = calloc(1, sizeof *d);
    enum err e;

    *out = NULL;
    *why = (struct live_failure){"out of memory", "a smaller --count"};
    if (!d)
        return ERR_MEMORY;
    d->options = *options;
    d->path = path;
    e = tun_open(&d->tun, options->name, &why->what);
    if (e == OK)
        e = tun_up(&d->tun, options->mtu, &options->address, &why->what);
    if (e != OK) {
        int error = errno;

        why->hint = tun_hint(error);
        live_data_destroy(d);
        errno = error;
        return e;
    }
    make_route(d);
    live_path_open(path);
    path->sockets->also = d->tun.fd;
    *out = d;
    return OK;
}

void live_data_destroy(struct live_data *d)
{
    if (!d)
        return;
    tun_close(&d->tun);
    wipe(d->packet, sizeof d->packet);
    free(d);
}

/* ---- packets ---- */

/* Somebody deleted the device. Said, and not asked again: poll would report it for ever. */
static void lose_device(struct live_data *d)
{
    fprintf(d->path->log, "ikelab-live: the device %s is gone: %s\n", d->tun.name, strerror(errno));
    d->path->sockets->also = -1;
}

bool live_data_send(struct live_data *d, nsec now)
{
    struct buf packet = {d->packet + ESP_HEADROOM, 0, TUN_PACKET_MAX + ESP_TAILROOM};
    struct udp_loop *sockets = d->path->sockets;
    struct ike_dgram out;
    enum err e = ERR_NOT_FOUND;
    size_t len;

    if (sockets->also_ready)
        e = tun_read(&d->tun, packet.data, TUN_PACKET_MAX, &packet.len);
    sockets->also_ready = e == OK;
    if (e == ERR_IO)
        lose_device(d);
    if (e != OK)
        return false;
    len = packet.len;
    e = ike_endpoint_protect(d->path->endpoint, now, &packet, &out, NULL);
    if (live_path_send(d->path, e, &out))
        metrics_esp_sent(d->path->metrics, LIVE_FLOW, now - d->path->start, len);
    return true;
}

void live_data_receive(struct live_data *d, nsec now, const struct ike_dgram *in)
{
    struct buf inner;

    if (!live_path_receive(d->path, now, in, &inner, NULL))
        return;
    if (tun_write(&d->tun, inner.data, inner.len))
        metrics_esp_arrived(d->path->metrics, LIVE_FLOW, now - d->path->start, inner.len);
    else
        d->refused++;
}

void live_data_peer(struct live_data *d, const struct ip_addr *peer)
{
    char net[IP_PREFIX_TEXT], address[IP_ADDR_TEXT];

    if (d->warned || !d->routed || !ip_prefix_contains(&d->options.route, peer))
        return;
    d->warned = true;
    fprintf(d->path->log,
            "ikelab-live: the peer %s lies in %s, which is routed into %s: answers may not reach "
            "it\ntry: `ip route add %s via GATEWAY`\n",
            ip_addr_format(peer, address), ip_prefix_format(&d->options.route, net), d->tun.name,
            address);
}

uint64_t live_data_refused(const struct live_data *d)
{
    return d->refused;
}
