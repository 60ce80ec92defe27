#include "proto/wire/v1_config.h"

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
    return reserved != 0 ? ERR_SYNTAX : v1_attributes_check(config->attributes);
}

void v1_config_write(struct writer *w, const struct v1_config *config)
{
    writer_u8(w, config->type);
    writer_u8(w, 0);
    writer_u16(w, config->identifier);
    writer_bytes(w, config->attributes);
}
