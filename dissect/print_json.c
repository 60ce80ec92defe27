#include "dissect/print.h"

static const char *const kinds[] = {
    [NODE_GROUP] = "group", [NODE_PAYLOAD] = "payload", [NODE_FIELD] = "field",
    [NODE_NOTE] = "note",   [NODE_ERROR] = "error",
};

static void key(struct text *t, const char *name)
{
    text_format(t, ",\"%s\":", name);
}

static void word(struct text *t, const char *name, const char *value)
{
    key(t, name);
    if (value)
        text_json(t, value);
    else
        text_raw(t, "null");
}

static void number(struct text *t, const char *name, uint64_t value)
{
    key(t, name);
    text_u64(t, value);
}

static void truth(struct text *t, const char *name, bool value)
{
    key(t, name);
    text_raw(t, value ? "true" : "false");
}

static void hex(struct text *t, const char *name, struct bytes b)
{
    key(t, name);
    text_char(t, '"');
    text_hex(t, b);
    text_char(t, '"');
}

static void endpoint(struct text *t, const char *name, const struct dissect_input *in,
                     const struct ip_endpoint *e)
{
    char room[IP_ENDPOINT_TEXT];

    if (!in->addressed)
        word(t, name, NULL);
    else
        word(t, name, e->port ? ip_endpoint_format(e, room) : ip_addr_format(&e->addr, room));
}

static void node(struct text *t, const struct node *n)
{
    text_raw(t, "{\"kind\":\"");
    text_raw(t, kinds[n->kind]);
    text_char(t, '"');
    word(t, "name", n->name);
    if (n->text > 0)
        number(t, "text", n->text);
    number(t, "offset", n->offset);
    number(t, "length", n->length);
    if (n->value)
        word(t, "value", n->value);
    if (n->numeric)
        number(t, "number", n->number);
    if (n->meaning)
        word(t, "meaning", n->meaning);
    if (n->rfc && !(n->parent && n->parent->rfc && strcmp(n->rfc, n->parent->rfc) == 0))
        word(t, "rfc", n->rfc); /* said once for all below */
    if (n->first) {
        key(t, "children");
        for (const struct node *c = n->first; c; c = c->next) {
            text_char(t, c == n->first ? '[' : ',');
            node(t, c);
        }
        text_char(t, ']');
    }
    text_char(t, '}');
}

static void ike(struct text *t, const struct ike_header *h)
{
    char room[16];

    key(t, "ike");
    text_format(t, "{\"version\":%u", header_major(h));
    key(t, "spi_i");
    text_format(t, "\"%016llx\"", (unsigned long long)h->spi_i);
    key(t, "spi_r");
    text_format(t, "\"%016llx\"", (unsigned long long)h->spi_r);
    word(t, "exchange", exchange_text(h, room));
    number(t, "message_id", h->message_id);
    if (header_major(h) == 2) {
        truth(t, "response", header_is_response(h));
        truth(t, "from_initiator", header_from_initiator(h));
    }
    text_char(t, '}');
}

static void texts(struct text *t, const struct dissection *d)
{
    key(t, "texts");
    text_char(t, '[');
    for (unsigned i = 0; i < d->text_count; i++) {
        const struct decrypted *x = &d->texts[i];

        text_format(t, "%s{\"text\":%u", i ? "," : "", i + 1);
        hex(t, "bytes", x->bytes);
        key(t, "from");
        for (unsigned s = 0; s < x->source_count; s++)
            text_format(t, "%c{\"frame\":%u,\"offset\":%zu,\"length\":%zu}", s ? ',' : '[',
                        x->sources[s].frame, x->sources[s].offset, x->sources[s].length);
        text_raw(t, "]}");
    }
    text_char(t, ']');
}

void print_json_begin(struct text *t)
{
    text_format(t, "{\"schema_version\":%d,\"frames\":[", DISSECT_SCHEMA_VERSION);
}

void print_json_frame(struct text *t, const struct dissection *d, bool summary, bool first)
{
    static const char *const of[] = {
        [DISSECT_IKE] = "ike", [DISSECT_ESP] = "esp", [DISSECT_KEEPALIVE] = "keepalive"};
    const struct dissect_input *in = &d->input;

    text_format(t, "%s{\"frame\":%u", first ? "\n" : ",\n", in->frame);
    key(t, "t_ns");
    if (in->timed)
        text_u64(t, in->at);
    else
        text_raw(t, "null");
    word(t, "interface", in->interface_name);
    endpoint(t, "source", in, &in->src);
    endpoint(t, "destination", in, &in->dst);
    word(t, "kind", of[in->kind]);
    word(t, "summary", d->summary);
    if (d->has_header)
        ike(t, &d->header);
    if (in->kind == DISSECT_ESP && in->datagram.len >= 8) {
        key(t, "esp");
        text_format(t, "{\"spi\":\"0x%08x\"}", d->esp_spi);
    }
    number(t, "ip_fragments", in->fragments);
    truth(t, "cut", in->cut);
    truth(t, "locked", d->locked);
    truth(t, "bad_icv", d->bad_icv);
    number(t, "errors", d->errors);
    if (!summary) {
        hex(t, "bytes", in->datagram);
        texts(t, d);
        key(t, "tree");
        node(t, d->root);
    }
    text_char(t, '}');
}

void print_json_end(struct text *t, const struct dissect_counts *c, const uint64_t *others,
                    const char *error)
{
    bool first = true;

    text_raw(t, "\n],\"counts\":{\"frames\":");
    text_u64(t, c->frames);
    number(t, "shown", c->shown);
    number(t, "ike", c->ike);
    number(t, "esp", c->esp);
    number(t, "keepalives", c->keepalives);
    number(t, "locked", c->locked);
    number(t, "bad_icv", c->bad_icv);
    number(t, "malformed", c->malformed);
    text_raw(t, ",\"others\":{");
    for (unsigned i = 0; i < OTHER_COUNT; i++) {
        if (others[i] == 0)
            continue;
        text_raw(t, first ? "" : ",");
        first = false;
        text_json(t, other_frame_words((enum other_frame)i));
        text_char(t, ':');
        text_u64(t, others[i]);
    }
    text_raw(t, "}}");
    word(t, "error", error);
    text_raw(t, "}\n");
}
