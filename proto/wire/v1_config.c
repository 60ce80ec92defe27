#include "proto/wire/v1_config.h"

enum { ATTRIBUTE_MIN = 4 };

/* Zeros that are too few for an attribute. */
static uint8_t rounded(struct bytes row)
{
    struct v1_attribute a;
    struct reader r;
    struct bytes rest;

    reader_init(&r, row);
    while (reader_left(&r) >= ATTRIBUTE_MIN && v1_attribute_next(&r, &a))
        continue;
    rest = reader_rest(&r);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.data[i] != 0)
            return 0;
    return rest.len < ATTRIBUTE_MIN ? (uint8_t)rest.len : 0;
}

/* Type (8) | RESERVED (8) | Identifier (16) | attributes */
enum err v1_config_read(struct bytes body, struct v1_config *config)
{
    uint8_t reserved;
    struct reader r;

    reader_init(&r, body);
    config->type = reader_u8(&r);
    reserved = reader_u8(&r);
    config->identifier = reader_u16(&r);
    config->attributes = reader_rest(&r);
    if (r.error != OK)
        return r.error;
    config->rounded = rounded(config->attributes);
    config->attributes.len -= config->rounded;
    return reserved != 0 ? ERR_SYNTAX : v1_attributes_check(config->attributes);
}

void v1_config_write(struct writer *w, const struct v1_config *config)
{
    writer_u8(w, config->type);
    writer_u8(w, 0);
    writer_u16(w, config->identifier);
    writer_bytes(w, config->attributes);
    writer_zeros(w, config->rounded);
}
