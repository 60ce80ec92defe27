#include "proto/wire/v1_notify.h"

#include "base/assert.h"
#include "proto/wire/v1_registry.h"

static bool notify_spi_allowed(uint8_t protocol, size_t size)
{
    if (protocol == V1_PROTOCOL_AH || protocol == V1_PROTOCOL_ESP)
        return size == 0 || size == 4;
    return size <= V1_COOKIES_LEN; /* RFC 2407 §4.6.3: of ISAKMP 0 to 16 bytes */
}

static bool sizes_allowed(const struct v1_notify *n)
{
    switch (n->type) {
    case V1_NOTIFY_R_U_THERE: /* RFC 3706 §5.3, §5.4 */
    case V1_NOTIFY_R_U_THERE_ACK:
        return n->spi.len == V1_COOKIES_LEN && n->data.len == 4;
    case V1_NOTIFY_REPLAY_STATUS: /* RFC 2407 §4.6.3.2 */
        return n->data.len == 4;
    default:
        return true;
    }
}

/* RFC 2408 §3.14: DOI (32) | Protocol-ID (8) | SPI Size (8) | Notify Message Type (16) | SPI | data
 */
enum err v1_notify_read(struct bytes body, struct v1_notify *n)
{
    struct reader r;
    size_t spi_size;

    reader_init(&r, body);
    n->doi = reader_u32(&r);
    n->protocol = reader_u8(&r);
    spi_size = reader_u8(&r);
    n->type = reader_u16(&r);
    n->spi = reader_bytes(&r, spi_size);
    n->data = reader_rest(&r);
    if (r.error == OK && !notify_spi_allowed(n->protocol, n->spi.len))
        reader_fail(&r, ERR_SYNTAX);
    if (r.error == OK && !sizes_allowed(n))
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void v1_notify_write(struct writer *w, const struct v1_notify *n)
{
    ASSERT(n->spi.len <= V1_COOKIES_LEN);
    writer_u32(w, n->doi);
    writer_u8(w, n->protocol);
    writer_u8(w, (uint8_t)n->spi.len);
    writer_u16(w, n->type);
    writer_bytes(w, n->spi);
    writer_bytes(w, n->data);
}

static bool delete_spi_allowed(uint8_t protocol, uint8_t size)
{
    switch (protocol) {
    case V1_PROTOCOL_ISAKMP:
        return size == V1_COOKIES_LEN;
    case V1_PROTOCOL_AH:
    case V1_PROTOCOL_ESP:
        return size == 4;
    case V1_PROTOCOL_IPCOMP:
        return size == 2 || size == 4;
    default:
        return false;
    }
}

/* RFC 2408 §3.15: DOI (32) | Protocol-Id (8) | SPI Size (8) | # of SPIs (16) | SPIs */
enum err v1_delete_read(struct bytes body, struct v1_delete *d)
{
    struct reader r;

    reader_init(&r, body);
    d->doi = reader_u32(&r);
    d->protocol = reader_u8(&r);
    d->spi_size = reader_u8(&r);
    d->count = reader_u16(&r);
    d->spis = reader_rest(&r);
    if (r.error != OK)
        return r.error;
    if (d->count == 0 || !delete_spi_allowed(d->protocol, d->spi_size))
        return ERR_SYNTAX;
    return d->spis.len == (size_t)d->count * d->spi_size ? OK : ERR_LENGTH;
}

void v1_delete_write(struct writer *w, const struct v1_delete *d)
{
    writer_u32(w, d->doi);
    writer_u8(w, d->protocol);
    writer_u8(w, d->spi_size);
    writer_u16(w, d->count);
    writer_bytes(w, d->spis);
}

struct bytes v1_delete_spi(const struct v1_delete *d, unsigned i)
{
    ASSERT(i < d->count);
    return bytes_of(d->spis.data + (size_t)i * d->spi_size, d->spi_size);
}
