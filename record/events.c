#include "record/events.h"
#include "base/assert.h"

#include <stdlib.h>

struct events {
    struct text text;
    bool open, data; /* inside an event; its data object was begun */
};

enum err events_create(FILE *sink, struct events **out)
{
    struct events *e = calloc(1, sizeof *e);

    *out = e;
    if (!e)
        return ERR_MEMORY;
    text_init(&e->text, sink);
    return OK;
}

enum err events_flush(struct events *e)
{
    ASSERT(!e->open);
    return text_flush(&e->text);
}

void events_destroy(struct events *e)
{
    if (!e)
        return;
    text_reset(&e->text);
    free(e);
}

void events_begin(struct events *e, nsec at, const char *node, const char *name)
{
    ASSERT(!e->open);
    e->open = true;
    e->data = false;
    text_raw(&e->text, "{\"t_ns\":");
    text_u64(&e->text, at);
    text_raw(&e->text, ",\"node\":");
    text_json(&e->text, node);
    text_raw(&e->text, ",\"name\":");
    text_json(&e->text, name);
}

void events_frame(struct events *e, uint64_t frame)
{
    ASSERT(e->open && !e->data);
    if (frame == 0)
        return;
    text_raw(&e->text, ",\"frame\":");
    text_u64(&e->text, frame);
}

void events_sa(struct events *e, const char *sa)
{
    ASSERT(e->open && !e->data);
    text_raw(&e->text, ",\"sa\":");
    text_json(&e->text, sa);
}

/* Keys are constants of ours and need no escaping. */
static void field(struct events *e, const char *key)
{
    ASSERT(e->open);
    text_raw(&e->text, e->data ? ",\"" : ",\"data\":{\"");
    text_raw(&e->text, key);
    text_raw(&e->text, "\":");
    e->data = true;
}

void events_text(struct events *e, const char *key, const char *value)
{
    field(e, key);
    text_json(&e->text, value);
}

void events_u64(struct events *e, const char *key, uint64_t value)
{
    field(e, key);
    text_u64(&e->text, value);
}

void events_bool(struct events *e, const char *key, bool value)
{
    field(e, key);
    text_raw(&e->text, value ? "true" : "false");
}

void events_end(struct events *e)
{
    ASSERT(e->open);
    text_raw(&e->text, e->data ? "}}\n" : ",\"data\":{}}\n");
    e->open = false;
}

static void packet_sa(struct events *e, const struct event_packet *p)
{
    char sa[24];

    if (p->spi_i)
        snprintf(sa, sizeof sa, "%016llx", (unsigned long long)p->spi_i);
    else if (p->spi)
        snprintf(sa, sizeof sa, "0x%08x", p->spi);
    else
        return;
    events_sa(e, sa);
}

static void packet_ike(struct events *e, const struct event_packet *p)
{
    if (p->exchange)
        events_text(e, "exchange", p->exchange);
    events_u64(e, "message_id", p->message_id);
    events_bool(e, "response", p->response);
    events_u64(e, "transmission", p->transmission);
}

void events_packet(struct events *e, nsec at, const char *node, const char *name,
                   const struct event_packet *p)
{
    events_begin(e, at, node, name);
    events_frame(e, p->frame);
    packet_sa(e, p);
    events_u64(e, "packet", p->packet);
    events_text(e, "source", p->source);
    events_text(e, "destination", p->destination);
    events_text(e, "protocol", p->protocol);
    events_text(e, "kind", p->kind);
    events_u64(e, "length", p->length);
    if (p->link)
        events_text(e, "link", p->link);
    if (strcmp(p->kind, "ike") == 0)
        packet_ike(e, p);
    if (p->spi) {
        events_u64(e, "spi", p->spi);
        events_u64(e, "sequence", p->sequence);
    }
    if (p->cause)
        events_text(e, "cause", p->cause);
    events_end(e);
}
