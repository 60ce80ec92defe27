/*
 * events.jsonl, a contract: one line per event, {"t_ns","node","name","frame"?,"sa"?,"data"}.
 * docs/schema/events.schema.json has the fields of each name. Written without a JSON library:
 * a run may leave millions of lines.
 *
 *   events_begin(e, now, "homes[0]", "sa.state");
 *   events_sa(e, "0123456789abcdef");
 *   events_text(e, "state", "ESTABLISHED");
 *   events_end(e);
 *
 * Names and their data (? may be absent):
 *   packet.sent, packet.received   see struct event_packet; at each node a packet passes, so a NAT
 *                                  box both receives (old addresses) and sends (new addresses)
 *   packet.dropped                 the same and cause; node is where it ended, link? on a link
 *   nat.mapped, nat.expired        inside, outside, remote, protocol; mapped: expires_ns
 *   nat.refreshed                  inside, outside, direction, expires_ns
 *   nat.rebooted                   mappings
 *   sa.state                       state, kind ("ike"|"child"), reason?, peer?, role?, spi_in?,
 *                                  spi_out?, successor? (SPI of what replaces it: initiator's, or
 *                                  inbound); states are the names of EVENT_LIST: ike_up, ...
 *   ike.retransmit                 exchange?, message_id?, count
 * At captured nodes only:
 *   timer.armed, timer.fired, timer.cancelled
 *                                  timer, deadline_ns; of "retransmit" also request, message_id,
 *                                  transmission: it waits behind that one. `sa` is the IKE SA's or,
 *                                  0x..., the child's inbound SPI. Armed again: in the place of the
 *                                  one before; an SA's end (sa.state) ends its timers as well
 *   esp.window                     packet, spi, sequence, highest, window, bitmap, verdict: how the
 *                                  packet left it. bitmap is hex, its lowest bit `highest`, the
 * next one highest - 1; up to 128 of them. fresh: it was accepted; old, replayed: refused;
 * not_authentic: nothing was moved by it host.queue                     backlog, busy_cores, peak?:
 * most that waited since the last line traffic.started, traffic.stopped   flow scenario.event do,
 * nodes
 */
#ifndef RECORD_EVENTS_H
#define RECORD_EVENTS_H

#include "base/time.h"
#include "record/text.h"

struct events;

/** @param sink  borrowed; closed by its owner after events_destroy. @retval ERR_MEMORY */
enum err events_create(FILE *sink, struct events **out) MUST_USE;
/** Write what is buffered. @retval ERR_IO, ERR_MEMORY  the first failure of any event */
enum err events_flush(struct events *) MUST_USE;
void events_destroy(struct events *);

void events_begin(struct events *, nsec at, const char *node, const char *name);
/** Frame number in capture.pcapng (1..), 0: none. Before the first data field. */
void events_frame(struct events *, uint64_t frame);
/** Which SA, as text: the initiator SPI in hex, or "0x" and an ESP SPI. Before the first field. */
void events_sa(struct events *, const char *sa);
/** The same from the numbers. */
void events_ike_sa(struct events *, uint64_t spi_i);
void events_esp_sa(struct events *, uint32_t spi);
void events_text(struct events *, const char *key, const char *value);
void events_u64(struct events *, const char *key, uint64_t value);
void events_bool(struct events *, const char *key, bool value);
void events_end(struct events *);

/** A packet as its events show it. NULL and 0 fields marked ? are left out. */
struct event_packet {
    uint64_t packet;    /* names the packet in the whole run; a NAT keeps it */
    const char *source; /* "192.168.0.2:500", "[2001:db8::1]:500"; no port for protocol 50 */
    const char *destination;
    const char *protocol; /* "udp", "esp", "icmp" */
    const char *kind;     /* "ike", "esp", "keepalive", "other" */
    uint32_t length;      /* bytes of the IP packet */
    const char *link;     /* ? sent: link it goes out on; received: link it came by */
    uint64_t frame;       /* ? frame number in the capture */
    /* kind "ike" */
    const char *exchange; /* "IKE_SA_INIT", ... */
    uint32_t message_id;
    bool response;
    uint32_t transmission; /* 0 the first time, n: n-th retransmission */
    uint64_t spi_i;
    bool v1; /* of IKEv1: "version":1; else left out */
    /* kind "esp" */
    uint32_t spi;
    uint32_t sequence;
    /* packet.dropped */
    const char *cause; /* net_drop_name or esp_drop_name */
};

/** A whole packet.* event. */
void events_packet(struct events *, nsec at, const char *node, const char *name,
                   const struct event_packet *);

#endif
