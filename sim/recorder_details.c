/* What only captured nodes tell: their timers, their replay windows, their processors. */
#include "proto/core/exchange.h"
#include "sim/ike_node.h"
#include "sim/recorder_inside.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOST_LINES = 1000, HEX_DIGITS = ESP_WINDOW_SHOWN / 4 };

enum err recorder_details_init(struct recorder *r, uint32_t interfaces)
{
    r->host_due = NSEC_NEVER;
    r->hosts = calloc(interfaces + 1, sizeof *r->hosts);
    r->host_count = interfaces;
    if (!r->hosts || table_init(&r->windows, 64))
        return ERR_MEMORY;
    return table_init(&r->spis, 64);
}

void recorder_details_reset(struct recorder *r)
{
    table_reset(&r->spis);
    table_reset(&r->windows);
    free(r->hosts);
}

/* ---- child SAs ---- */

void recorder_child_spis(struct recorder *r, uint32_t node, const struct ike_event *e)
{
    uint64_t in = (uint64_t)node << 33 | e->child.handle.index, out = in | UINT64_C(1) << 32;
    struct child_sa_info info = {0};

    if (sa_none(e->child))
        return;
    if (ike_endpoint_child_look(ike_node_at(r->lab, node)->endpoint, e->child, &info)) {
        if (table_put(&r->spis, in, info.spi_in) || table_put(&r->spis, out, info.spi_out))
            sim_fail(&r->lab->sim, ERR_MEMORY);
    } else if (!table_get(&r->spis, in, &info.spi_in) || !table_get(&r->spis, out, &info.spi_out)) {
        return; /* it failed before it had any */
    }
    events_u64(r->events, "spi_in", info.spi_in);
    events_u64(r->events, "spi_out", info.spi_out);
}

void recorder_successor(struct recorder *r, uint32_t node, const struct ike_event *e)
{
    const struct ike_endpoint *endpoint = ike_node_at(r->lab, node)->endpoint;
    struct child_sa_info child;
    struct ike_sa_info ike;
    char text[17];

    if (e->kind == EVENT_CHILD_REKEYED && ike_endpoint_child_look(endpoint, e->other, &child))
        snprintf(text, sizeof text, "0x%08x", child.spi_in);
    else if ((e->kind == EVENT_IKE_REKEYED || e->kind == EVENT_IKE_REAUTH) &&
             ike_endpoint_ike_look(endpoint, e->other, &ike))
        snprintf(text, sizeof text, "%016llx", (unsigned long long)ike.spi_i);
    else
        return;
    events_text(r->events, "successor", text);
}

/* ---- timers ---- */

static const char *const timer_lines[] = {[TIMER_NEWS_ARMED] = "timer.armed",
                                          [TIMER_NEWS_FIRED] = "timer.fired",
                                          [TIMER_NEWS_CANCELLED] = "timer.cancelled"};

void recorder_timer(struct recorder *r, uint32_t node, const struct timer_event *t)
{
    const struct sim *s = &r->lab->sim;
    char name[LAB_NAME_MAX];

    if (!recorder_keeps_timer(r, node, t))
        return;
    events_begin(r->events, s->now, lab_node_name(r->lab, node, name), timer_lines[t->news]);
    if (sa_none(t->child))
        events_ike_sa(r->events, t->spi_i);
    else
        events_esp_sa(r->events, t->spi_in);
    events_text(r->events, "timer", ike_timer_name(t->timer));
    events_u64(r->events, "deadline_ns", t->deadline);
    if (t->request != KIND_NONE) {
        events_text(r->events, "request", exchange_kind_name((enum exchange_kind)t->request));
        events_u64(r->events, "message_id", t->message_id);
        events_u64(r->events, "transmission", t->transmission);
    }
    events_end(r->events);
}

/* ---- replay windows ---- */

/* Whether one more line is to be written; a full table ends them. */
static bool window_line(struct recorder *r, uint32_t node, uint32_t spi, bool refused)
{
    uint64_t key = (uint64_t)node << 33 | (uint64_t)refused << 32 | spi;
    uint32_t lines = 0;

    table_get(&r->windows, key, &lines);
    return lines < r->lab->scenario->capture.esp_packets_per_sa &&
           table_put(&r->windows, key, lines + 1) == OK;
}

static bool shown(const struct esp_window *w, uint64_t n)
{
    return n < ESP_WINDOW_SHOWN && w->seen[n / 64] >> n % 64 & 1;
}

/* The window as it is after the packet: a refused one left it alone. */
static const char *verdict_of(const struct esp_window *w, const struct recorded_esp *e)
{
    uint64_t behind = (uint32_t)w->highest - e->sequence; /* modulo 2^32: RFC 4303 §A2.2 */

    if (e->result == ERR_REPLAY)
        return (uint32_t)behind >= w->size ? "old" : "replayed";
    if (e->result == OK || (w->size && shown(w, (uint32_t)behind)))
        return "fresh";
    return "not_authentic";
}

void recorder_window(struct recorder *r, uint32_t node, const struct ike_endpoint *endpoint,
                     const struct recorded_esp *e)
{
    const struct sim *s = &r->lab->sim;
    char bitmap[HEX_DIGITS + 1], name[LAB_NAME_MAX];
    struct esp_window w;
    uint32_t width;

    if (!s->nodes[node].captured || !recorder_keeps_node(r, e->packet->source) ||
        !window_line(r, node, e->spi, e->result == ERR_REPLAY) ||
        !ike_endpoint_window(endpoint, e->spi, &w))
        return;
    width = w.size < ESP_WINDOW_SHOWN ? w.size : ESP_WINDOW_SHOWN;
    snprintf(bitmap, sizeof bitmap, "%016llx%016llx", (unsigned long long)w.seen[1],
             (unsigned long long)w.seen[0]);
    events_begin(r->events, s->now, lab_node_name(r->lab, node, name), "esp.window");
    events_esp_sa(r->events, e->spi);
    events_u64(r->events, "packet", (uint64_t)e->packet->source << 32 | e->packet->sequence);
    events_u64(r->events, "spi", e->spi);
    events_u64(r->events, "sequence", e->sequence);
    events_u64(r->events, "highest", w.highest);
    events_u64(r->events, "window", w.size);
    events_text(r->events, "bitmap", bitmap + HEX_DIGITS - (width + 3) / 4);
    events_text(r->events, "verdict", verdict_of(&w, e));
    events_end(r->events);
}

/* ---- processors ---- */

static void write_host(struct recorder *r, nsec now, struct recorded_host *h)
{
    char name[LAB_NAME_MAX];

    events_begin(r->events, now, lab_node_name(r->lab, h->node, name), "host.queue");
    events_u64(r->events, "backlog", h->backlog);
    events_u64(r->events, "busy_cores", h->busy_cores);
    if (h->peak > h->backlog)
        events_u64(r->events, "peak", h->peak);
    events_end(r->events);
    h->pending = false;
    h->peak = h->backlog;
    if (++h->lines > HOST_LINES)
        h->next = nsec_add(now, r->lab->scenario->stop_time / HOST_LINES);
}

void recorder_hosts_due(struct recorder *r, nsec now, bool all)
{
    r->host_due = NSEC_NEVER;
    for (uint32_t i = 0; i < r->host_count; i++) {
        struct recorded_host *h = &r->hosts[i];

        if (h->pending && (all || h->next <= now))
            write_host(r, now, h);
        else if (h->pending)
            r->host_due = nsec_min(r->host_due, h->next);
    }
}

void recorder_host(struct recorder *r, uint32_t node, uint32_t backlog, uint32_t busy_cores)
{
    struct recorded_host *h = &r->hosts[r->interfaces[0][node]];
    nsec now = r->lab->sim.now;

    if (!r->lab->sim.nodes[node].captured || (h->backlog == backlog && h->busy_cores == busy_cores))
        return;
    h->node = node;
    h->backlog = backlog;
    h->busy_cores = busy_cores;
    h->peak = backlog > h->peak ? backlog : h->peak;
    h->pending = true;
    if (h->next <= now)
        write_host(r, now, h);
    else
        r->host_due = nsec_min(r->host_due, h->next);
}
