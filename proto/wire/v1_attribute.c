#include "proto/wire/v1_attribute.h"

enum { AF = 0x8000 };

/* RFC 2408 §3.3: AF (1) Attribute Type (15) | Length or Value (16) | Value */
bool v1_attribute_next(struct reader *r, struct v1_attribute *a)
{
    uint16_t type, value;

    if (r->error != OK || reader_left(r) == 0)
        return false;
    type = reader_u16(r);
    value = reader_u16(r);
    *a = (struct v1_attribute){.type = type & (AF - 1), .basic = (type & AF) != 0};
    if (a->basic)
        a->value = value;
    else
        a->data = reader_bytes(r, value);
    return r->error == OK;
}

enum err v1_attributes_check(struct bytes row)
{
    struct v1_attribute a;
    struct reader r;
    unsigned count = 0;

    reader_init(&r, row);
    while (v1_attribute_next(&r, &a))
        if (++count > V1_ATTRIBUTES_MAX)
            return ERR_FULL;
    return reader_end(&r);
}

bool v1_attribute_find(struct bytes row, uint16_t type, struct v1_attribute *a)
{
    struct reader r;

    reader_init(&r, row);
    while (v1_attribute_next(&r, a))
        if (a->type == type)
            return true;
    return false;
}

bool v1_attribute_number(const struct v1_attribute *a, uint32_t *out)
{
    uint32_t value = 0;

    if (a->basic) {
        *out = a->value;
        return true;
    }
    if (a->data.len == 0 || a->data.len > 4)
        return false;
    for (size_t i = 0; i < a->data.len; i++)
        value = value << 8 | a->data.data[i];
    *out = value;
    return true;
}

void v1_attribute_write(struct writer *w, const struct v1_attribute *a)
{
    uint8_t *mark;

    if (a->basic) {
        writer_u16(w, (uint16_t)(a->type | AF));
        writer_u16(w, a->value);
        return;
    }
    writer_u16(w, a->type & (AF - 1));
    mark = writer_mark_u16(w);
    writer_bytes(w, a->data);
    writer_close_u16(w, mark, 0);
}

void v1_attribute_write_number(struct writer *w, uint16_t type, uint32_t value)
{
    uint8_t long_form[4];
    struct v1_attribute a = {.type = type, .basic = value <= UINT16_MAX, .value = (uint16_t)value};

    store_be32(long_form, value);
    if (!a.basic)
        a.data = bytes_of(long_form, sizeof long_form);
    v1_attribute_write(w, &a);
}
