#include "proto/wire/v1_id.h"

#include "proto/wire/v1_registry.h"

static bool length_allowed(uint8_t type, size_t len)
{
    switch (type) {
    case V1_ID_IPV4_ADDR:
        return len == 4;
    case V1_ID_IPV4_ADDR_SUBNET:
    case V1_ID_IPV4_ADDR_RANGE:
        return len == 8;
    case V1_ID_IPV6_ADDR:
        return len == 16;
    case V1_ID_IPV6_ADDR_SUBNET:
    case V1_ID_IPV6_ADDR_RANGE:
        return len == 32;
    default:
        return len > 0;
    }
}

/* RFC 2407 §4.6.2: ID Type (8) | Protocol ID (8) | Port (16) | Identification Data */
enum err v1_id_read(struct bytes body, struct v1_id *id)
{
    struct reader r;

    reader_init(&r, body);
    id->type = reader_u8(&r);
    id->protocol = reader_u8(&r);
    id->port = reader_u16(&r);
    id->data = reader_rest(&r);
    if (r.error == OK && !length_allowed(id->type, id->data.len))
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void v1_id_write(struct writer *w, const struct v1_id *id)
{
    writer_u8(w, id->type);
    writer_u8(w, id->protocol);
    writer_u16(w, id->port);
    writer_bytes(w, id->data);
}

/* RFC 3947 §5.2: ID Type (8) | RESERVED (24) | address */
enum err v1_nat_oa_read(struct bytes body, struct v1_id *id)
{
    enum err e = v1_id_read(body, id);

    if (e == OK && ((id->type != V1_ID_IPV4_ADDR && id->type != V1_ID_IPV6_ADDR) ||
                    id->protocol != 0 || id->port != 0))
        e = ERR_SYNTAX;
    return e;
}
