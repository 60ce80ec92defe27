#include "proto/wire/cp.h"

enum { TYPE_MASK = 0x7fff }; /* the top bit is reserved and ignored (RFC 7296 §3.15.1) */

/* RFC 7296 §3.15: CFG Type (8) | RESERVED (24) | Configuration Attributes */
enum err cp_read(struct bytes body, struct cp_payload *cp)
{
    struct cp_attribute attribute;
    struct reader r;

    reader_init(&r, body);
    cp->type = reader_u8(&r);
    reader_skip(&r, 3);
    cp->attributes = reader_rest(&r);
    if (r.error != OK)
        return r.error;
    reader_init(&r, cp->attributes);
    while (cp_next(&r, &attribute))
        continue;
    return reader_end(&r);
}

/* RFC 7296 §3.15.1: R (1) Attribute Type (15) | Length (16) | Value */
bool cp_next(struct reader *r, struct cp_attribute *a)
{
    if (r->error != OK || reader_left(r) == 0)
        return false;
    a->type = reader_u16(r) & TYPE_MASK;
    a->value = reader_bytes(r, reader_u16(r));
    return r->error == OK;
}

bool cp_find(const struct cp_payload *cp, uint16_t type, struct cp_attribute *a)
{
    struct reader r;

    reader_init(&r, cp->attributes);
    while (cp_next(&r, a))
        if (a->type == type)
            return true;
    return false;
}

void cp_write(struct writer *w, const struct cp_payload *cp)
{
    writer_u8(w, cp->type);
    writer_zeros(w, 3);
    writer_bytes(w, cp->attributes);
}

void cp_attribute_write(struct writer *w, const struct cp_attribute *a)
{
    uint8_t *mark;

    writer_u16(w, a->type & TYPE_MASK);
    mark = writer_mark_u16(w);
    writer_bytes(w, a->value);
    writer_close_u16(w, mark, 0);
}
