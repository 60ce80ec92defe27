#include "proto/wire/header.h"

/* RFC 7296 §3.1: SPIi (64) | SPIr (64) | Next Payload (8) | MjVer (4) MnVer (4) |
 * Exchange Type (8) | Flags (8) | Message ID (32) | Length (32) */
enum err header_read(struct bytes message, struct ike_header *h)
{
    struct reader r;

    reader_init(&r, message);
    h->spi_i = reader_u64(&r);
    h->spi_r = reader_u64(&r);
    h->next_payload = reader_u8(&r);
    h->version = reader_u8(&r);
    h->exchange = reader_u8(&r);
    h->flags = reader_u8(&r);
    h->message_id = reader_u32(&r);
    h->length = reader_u32(&r);
    return r.error;
}

void header_write(struct writer *w, const struct ike_header *h)
{
    writer_u64(w, h->spi_i);
    writer_u64(w, h->spi_r);
    writer_u8(w, h->next_payload);
    writer_u8(w, h->version);
    writer_u8(w, h->exchange);
    writer_u8(w, h->flags);
    writer_u32(w, h->message_id);
    writer_u32(w, h->length);
}
