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
    text_raw(&e->text, ",\"name\":\"");
    text_raw(&e->text, name); /* one of ours: nothing to escape */
    text_char(&e->text, '"');
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

void events_ike_sa(struct events *e, uint64_t spi_i)
{
    ASSERT(e->open && !e->data);
    text_raw(&e->text, ",\"sa\":\"");
    text_hex64(&e->text, spi_i);
    text_char(&e->text, '"');
}

void events_esp_sa(struct events *e, uint32_t spi)
{
    ASSERT(e->open && !e->data);
    text_raw(&e->text, ",\"sa\":\"0x");
    text_hex32(&e->text, spi);
    text_char(&e->text, '"');
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

/* ---- packets: most lines of a run, so their fields come in few pieces ---- */

static void packet_sa(struct events *e, const struct event_packet *p)
{
    if (p->spi_i)
        events_ike_sa(e, p->spi_i);
    else if (p->spi)
        events_esp_sa(e, p->spi);
}

/* `before` ends where the value begins: between quotes, with nothing to escape. */
static void word(struct text *t, const char *before, const char *value)
{
    text_raw(t, before);
    text_raw(t, value);
}

static void packet_ike(struct text *t, const struct event_packet *p)
{
    if (p->exchange) {
        word(t, ",\"exchange\":\"", p->exchange);
        text_char(t, '"');
    }
    text_raw(t, ",\"message_id\":");
    text_u64(t, p->message_id);
    text_raw(t, p->response ? ",\"response\":true,\"transmission\":"
                            : ",\"response\":false,\"transmission\":");
    text_u64(t, p->transmission);
    if (p->v1)
        text_raw(t, ",\"version\":1");
}

void events_packet(struct events *e, nsec at, const char *node, const char *name,
                   const struct event_packet *p)
{
    struct text *t = &e->text;

    events_begin(e, at, node, name);
    events_frame(e, p->frame);
    packet_sa(e, p);
    e->data = true;
    text_raw(t, ",\"data\":{\"packet\":");
    text_u64(t, p->packet);
    word(t, ",\"source\":\"", p->source);
    word(t, "\",\"destination\":\"", p->destination);
    word(t, "\",\"protocol\":\"", p->protocol);
    word(t, "\",\"kind\":\"", p->kind);
    text_raw(t, "\",\"length\":");
    text_u64(t, p->length);
    if (p->link)
        events_text(e, "link", p->link);
    if (strcmp(p->kind, "ike") == 0)
        packet_ike(t, p);
    if (p->spi) {
        events_u64(e, "spi", p->spi);
        events_u64(e, "sequence", p->sequence);
    }
    if (p->cause)
        events_text(e, "cause", p->cause);
    events_end(e);
}
