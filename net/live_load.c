#include "net/live_load.h"

#include "base/assert.h"
#include "net/entropy.h"
#include "proto/esp/esp.h"
#include "proto/ip/icmp.h"

#include <stdlib.h>
#include <sys/prctl.h>

enum {
    NONE = UINT32_MAX,
    MARK = 16,     /* bytes at the front of the data: tag (64) | place (32) | number (32) */
    SLACK = 1024,  /* requests of an open loop that catches up */
    IMIX_SUM = 12, /* packets in its pattern */
};

enum phase { WAITING, SENDING, STOPPED };

/* A request under way. In the list by when they were sent, or in that of free ones (by `newer`). */
struct echo {
    nsec due, sent;
    uint32_t number, older, newer;
    uint16_t size;
    bool under_way, left; /* left: the system took it; one that never left is not lost */
};

struct live_load {
    struct live_load_options options;
    const struct live_path *path;
    enum phase phase;
    nsec begun;
    uint64_t number;     /* of the next request */
    struct sa_ref child; /* of the last one */
    struct echo *echoes;
    uint32_t places, oldest, newest, free;
    uint64_t tag; /* of this run: no other's answers are taken for ours */
    uint8_t data[LOAD_SIZE_MAX];
    uint8_t packet[ESP_HEADROOM + LOAD_SIZE_MAX + ESP_TAILROOM];
};

_Static_assert(LOAD_SIZE_MIN >= IPV6_HEADER_LEN + ICMP_HEADER_LEN + MARK, "the mark has room");

/* ---- making ---- */

static uint32_t places_for(const struct live_load_options *o)
{
    return o->window ? o->window : (uint32_t)(o->wait / o->interval) + SLACK;
}

enum err live_load_create(const struct live_load_options *options, const struct live_path *path,
                          struct live_load **out)
{
    struct live_load *l = calloc(1, sizeof *l);
    uint32_t places = places_for(options);

    *out = l;
    if (!l || !(l->echoes = calloc(places, sizeof *l->echoes)))
        return ERR_MEMORY;
    l->options = *options;
    l->path = path;
    l->places = places;
    l->oldest = l->newest = (uint32_t)NONE;
    for (uint32_t i = 0; i < places; i++)
        l->echoes[i].newer = i + 1 < places ? i + 1 : (uint32_t)NONE;
    l->child = SA_NONE;
    entropy_fill(&l->tag, sizeof l->tag);
    for (size_t i = 0; i < sizeof l->data; i++)
        l->data[i] = (uint8_t)i;
    live_path_open(path);
    return OK;
}

void live_load_destroy(struct live_load *l)
{
    if (!l)
        return;
    free(l->echoes);
    wipe(l->packet, sizeof l->packet);
    free(l);
}

/* ---- requests under way ---- */

static struct echo *take(struct live_load *l, uint32_t *place)
{
    struct echo *e = &l->echoes[ *place = l->free];

    l->free = e->newer;
    *e = (struct echo){.older = l->newest, .newer = (uint32_t)NONE, .under_way = true};
    *(l->newest == (uint32_t)NONE ? &l->oldest : &l->echoes[l->newest].newer) = *place;
    l->newest = *place;
    return e;
}

static void give(struct live_load *l, struct echo *e)
{
    *(e->older == (uint32_t)NONE ? &l->oldest : &l->echoes[e->older].newer) = e->newer;
    *(e->newer == (uint32_t)NONE ? &l->newest : &l->echoes[e->newer].older) = e->older;
    e->under_way = false;
    e->newer = l->free;
    l->free = (uint32_t)(e - l->echoes);
}

/* ---- sending ---- */

static nsec end_of(const struct live_load *l)
{
    return l->begun + l->options.run_for;
}

/* When the next request is: in the closed loop as soon as there is room. */
static nsec next_due(const struct live_load *l)
{
    return l->begun + l->number * l->options.interval;
}

/* Seven small, four middle, one large, spread: a pattern, so that each run sends the same. */
static uint32_t size_of(const struct live_load *l)
{
    static const uint16_t imix[IMIX_SUM] = {64, 570, 64, 64, 570, 64, 64, 570, 64, 570, 64, 1400};

    return l->options.size ? l->options.size : imix[l->number % IMIX_SUM];
}

static enum err write_request(struct live_load *l, uint32_t place, size_t size, struct buf *packet)
{
    size_t front = ip_header_len(l->options.to.family) + ICMP_HEADER_LEN;
    struct ip_build ip = {.src = l->options.from, .dst = l->options.to, .id = (uint16_t)l->number};
    struct icmp_message m = {.kind = ICMP_ECHO_REQUEST,
                             .id = (uint16_t)(l->number >> 16),
                             .sequence = (uint16_t)l->number,
                             .data = bytes_of(l->data, size - front)};

    store_be64(l->data, l->tag);
    store_be32(l->data + 8, place);
    store_be32(l->data + 12, (uint32_t)l->number);
    return icmp_write(packet, &ip, &m);
}

/* By the next child SA that sends now. */
static enum err protect(struct live_load *l, nsec now, struct buf *packet, struct ike_dgram *out)
{
    struct ike_endpoint *ep = l->path->endpoint;

    for (int rounds = 0; rounds < 2;) {
        enum err e;

        l->child = ike_endpoint_next_child(ep, l->child);
        if (sa_none(l->child)) {
            rounds++;
            continue;
        }
        e = ike_endpoint_protect_by(ep, now, l->child, packet, out);
        if (e != ERR_STATE)
            return e;
    }
    return ERR_NO_SA;
}

bool live_load_send(struct live_load *l, nsec now)
{
    struct buf packet = {l->packet + ESP_HEADROOM, 0, LOAD_SIZE_MAX + ESP_TAILROOM};
    nsec due = l->options.window ? now : next_due(l);
    size_t size = size_of(l);
    struct ike_dgram out;
    struct echo *e;
    uint32_t place;
    enum err sealed;

    if (l->phase != SENDING || l->free == (uint32_t)NONE || due > now || due >= end_of(l))
        return false;
    e = take(l, &place);
    e->due = due;
    e->sent = now;
    e->number = (uint32_t)l->number;
    e->size = (uint16_t)size;
    sealed = write_request(l, place, size, &packet);
    ASSERT(sealed == OK); /* sizes and families were checked with the options */
    sealed = protect(l, now, &packet, &out);
    e->left = live_path_send(l->path, sealed, &out);
    if (e->left)
        metrics_echo_sent(l->path->metrics, LIVE_FLOW, now - l->path->start, due - l->path->start,
                          size);
    l->number++;
    return true;
}

/* ---- answers ---- */

/* The request that an inner packet answers, NULL: none that we wait for. */
static struct echo *answered(struct live_load *l, const struct buf *inner)
{
    struct ip_packet p;
    struct icmp_message m;
    struct echo *e;
    uint32_t place;

    if (ip_read(buf_bytes(inner), &p) != OK || icmp_read(&p, &m) != OK ||
        m.kind != ICMP_ECHO_REPLY || !ip_addr_equal(&p.src, &l->options.to) ||
        !ip_addr_equal(&p.dst, &l->options.from) || m.data.len < MARK ||
        load_be64(m.data.data) != l->tag)
        return NULL;
    place = load_be32(m.data.data + 8);
    if (place >= l->places)
        return NULL;
    e = &l->echoes[place];
    if (!e->under_way || !e->left || e->number != load_be32(m.data.data + 12) ||
        e->size != p.whole.len)
        return NULL;
    return e;
}

void live_load_receive(struct live_load *l, nsec now, const struct ike_dgram *in)
{
    struct metrics *m = l->path->metrics;
    struct buf inner;
    struct sa_ref child;
    struct echo *e;

    if (!live_path_receive(l->path, now, in, &inner, &child))
        return;
    e = answered(l, &inner);
    if (!e) {
        metrics_echo_stray(m, LIVE_FLOW);
        return;
    }
    metrics_echo_answered(m, LIVE_FLOW, now - l->path->start, e->due - l->path->start, e->size);
    give(l, e);
}

/* ---- time ---- */

void live_load_begin(struct live_load *l, nsec now)
{
    /* Requests are due to the microsecond; the usual slack of a sleep is fifty of them. */
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    l->phase = SENDING;
    l->begun = now;
}

/* Due, and not sent though we had as long as an answer has: this machine was too slow. */
static void miss_rest(struct live_load *l)
{
    nsec due = next_due(l), interval = l->options.interval;
    uint64_t missed = due < end_of(l) ? (end_of(l) - due + interval - 1) / interval : 0;

    l->number += missed;
    metrics_esp_dropped_many(l->path->metrics, LIVE_FLOW, ESP_DROP_UNSENT, missed);
}

void live_load_stop(struct live_load *l, nsec now)
{
    if (l->phase != SENDING)
        return;
    l->phase = STOPPED;
    metrics_echo_ended(l->path->metrics, LIVE_FLOW, now - l->path->start);
}

static void give_up(struct live_load *l, nsec now)
{
    while (l->oldest != (uint32_t)NONE && l->echoes[l->oldest].sent + l->options.wait <= now) {
        struct echo *e = &l->echoes[l->oldest];

        if (e->left)
            metrics_echo_lost(l->path->metrics, LIVE_FLOW);
        give(l, e);
    }
}

void live_load_expire(struct live_load *l, nsec now)
{
    bool late = now >= end_of(l) + l->options.wait;

    give_up(l, now);
    if (l->phase != SENDING || now < end_of(l))
        return;
    if (l->options.window || next_due(l) >= end_of(l) || late) {
        if (!l->options.window)
            miss_rest(l);
        live_load_stop(l, now);
    }
}

nsec live_load_deadline(const struct live_load *l)
{
    nsec wake = NSEC_NEVER;

    if (l->oldest != (uint32_t)NONE)
        wake = l->echoes[l->oldest].sent + l->options.wait;
    if (l->phase != SENDING)
        return wake;
    /* With requests left behind the end, expire gives them as long as an answer has. */
    wake =
        nsec_min(wake, l->options.window || next_due(l) >= end_of(l) ? end_of(l)
                                                                     : end_of(l) + l->options.wait);
    return l->free == (uint32_t)NONE ? wake : nsec_min(wake, next_due(l));
}

bool live_load_over(const struct live_load *l)
{
    return l->phase == STOPPED && l->oldest == (uint32_t)NONE;
}
