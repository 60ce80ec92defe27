#include "proto/wire/id.h"

#include "proto/wire/registry.h"

static bool length_allowed(uint8_t type, size_t len)
{
    switch (type) {
    case ID_IPV4_ADDR:
        return len == 4;
    case ID_IPV6_ADDR:
        return len == 16;
    case ID_NULL: /* RFC 7619 §2.2 */
        return len == 0;
    default:
        return true;
    }
}

/* RFC 7296 §3.5: ID Type (8) | RESERVED (24) | Identification Data */
enum err id_read(struct bytes body, struct id_payload *id)
{
    struct reader r;

    reader_init(&r, body);
    id->type = reader_u8(&r);
    reader_skip(&r, 3);
    id->data = reader_rest(&r);
    if (r.error == OK && !length_allowed(id->type, id->data.len))
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void id_write(struct writer *w, const struct id_payload *id)
{
    writer_u8(w, id->type);
    writer_zeros(w, 3);
    writer_bytes(w, id->data);
}
