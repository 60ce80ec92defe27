#include "proto/ikev1/lifetime.h"

#include "proto/ikev1/offer.h"
#include "proto/wire/v1_attribute.h"
#include "proto/wire/v1_registry.h"

enum { ROOM = 32 }; /* two pairs of attributes of 4 and 8 octets */

static const struct v1_row_kind attributes = {
    .life_type = V1_IPSEC_LIFE_TYPE,
    .life_duration = V1_IPSEC_LIFE_DURATION,
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0)
        return a | b;
    return a < b ? a : b;
}

struct v1_life v1_life_smaller(struct v1_life a, struct v1_life b)
{
    return (struct v1_life){smaller(a.s, b.s), smaller(a.kb, b.kb)};
}

static uint32_t shorter(uint32_t ours, uint32_t offered)
{
    return offered == 0 || ours < offered ? ours : 0;
}

struct v1_life v1_life_shorter(struct v1_life ours, struct v1_life offered)
{
    return (struct v1_life){shorter(ours.s, offered.s), shorter(ours.kb, offered.kb)};
}

void v1_lifetime_write(struct message_writer *w, uint8_t protocol, struct bytes spi,
                       struct v1_life life)
{
    struct v1_notify n = {.doi = V1_DOI_IPSEC,
                          .protocol = protocol,
                          .type = V1_NOTIFY_RESPONDER_LIFETIME,
                          .spi = spi};
    uint8_t room[ROOM];
    struct writer data;

    if (!life.s && !life.kb)
        return;
    writer_init(&data, room, sizeof room);
    v1_life_write(&data, &attributes, V1_LIFE_SECONDS, life.s);
    v1_life_write(&data, &attributes, V1_LIFE_KILOBYTES, life.kb);
    n.data = bytes_of(room, writer_len(&data));
    v1_notify_write(payload_begin(w, V1_PAYLOAD_NOTIFY), &n);
    payload_end(w);
}

struct v1_life v1_lifetime_heard(const struct v1_notify *n)
{
    struct v1_life life = {0};
    uint32_t number, type = 0;
    struct v1_attribute a;
    struct reader r;

    reader_init(&r, n->data);
    while (v1_attribute_next(&r, &a)) { /* pairs of type and duration */
        if (!v1_attribute_number(&a, &number))
            continue;
        if (a.type == V1_IPSEC_LIFE_TYPE)
            type = number;
        else if (a.type == V1_IPSEC_LIFE_DURATION && type == V1_LIFE_SECONDS)
            life.s = number;
        else if (a.type == V1_IPSEC_LIFE_DURATION && type == V1_LIFE_KILOBYTES)
            life.kb = number;
    }
    return life;
}

enum err v1_lifetimes_read(const struct message_view *in, uint8_t protocol, struct bytes spi,
                           struct v1_life *life)
{
    const struct payload_view *p = message_find(in, V1_PAYLOAD_NOTIFY);

    for (; p; p = message_next(in, p)) {
        struct v1_notify n;
        enum err e = v1_notify_read(p->body, &n);

        if (e == OK && n.type == V1_NOTIFY_RESPONDER_LIFETIME)
            e = v1_attributes_check(n.data);
        if (e != OK)
            return e;
        if (n.type == V1_NOTIFY_RESPONDER_LIFETIME && n.protocol == protocol &&
            bytes_equal(n.spi, spi))
            *life = v1_life_smaller(*life, v1_lifetime_heard(&n));
    }
    return OK;
}
