#include "proto/wire/delete.h"

#include "base/assert.h"
#include "proto/wire/registry.h"

static bool spi_size_allowed(uint8_t protocol, uint8_t size)
{
    switch (protocol) {
    case SA_PROTOCOL_IKE:
        return size == 0;
    case SA_PROTOCOL_AH:
    case SA_PROTOCOL_ESP:
        return size == 4;
    default:
        return false;
    }
}

/* RFC 7296 §3.11: Protocol ID (8) | SPI Size (8) | Num of SPIs (16) | SPIs */
enum err delete_read(struct bytes body, struct delete_payload *d)
{
    struct reader r;

    reader_init(&r, body);
    d->protocol = reader_u8(&r);
    d->spi_size = reader_u8(&r);
    d->count = reader_u16(&r);
    d->spis = reader_rest(&r);
    if (r.error != OK)
        return r.error;
    if (!spi_size_allowed(d->protocol, d->spi_size))
        return ERR_SYNTAX;
    if (d->spis.len != (size_t)d->count * d->spi_size || (d->spi_size == 0 && d->count != 0))
        return ERR_LENGTH;
    return OK;
}

void delete_write(struct writer *w, const struct delete_payload *d)
{
    writer_u8(w, d->protocol);
    writer_u8(w, d->spi_size);
    writer_u16(w, d->count);
    writer_bytes(w, d->spis);
}

uint32_t delete_spi(const struct delete_payload *d, unsigned i)
{
    ASSERT(d->spi_size == 4 && i < d->count);
    return load_be32(d->spis.data + (size_t)i * 4);
}
