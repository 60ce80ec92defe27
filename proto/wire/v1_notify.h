/* Notification and Delete payloads of IKEv1 (RFC 2408 §3.14, §3.15, RFC 2407 §4.6.3, RFC 3706 §5).
 */
#ifndef PROTO_WIRE_V1_NOTIFY_H
#define PROTO_WIRE_V1_NOTIFY_H

#include "base/cursor.h"

enum { V1_COOKIES_LEN = 16 /* both, as the SPI of an ISAKMP SA */ };

/** @return CKY-I | CKY-R, which lie in `room` then */
static inline struct bytes v1_cookies(uint8_t room[V1_COOKIES_LEN], uint64_t cky_i, uint64_t cky_r)
{
    store_be64(room, cky_i);
    store_be64(room + 8, cky_r);
    return bytes_of(room, V1_COOKIES_LEN);
}

struct v1_notify {
    uint32_t doi;
    uint8_t protocol; /* enum v1_protocol */
    uint16_t type;    /* enum v1_notify_type */
    struct bytes spi; /* ISAKMP: 0 to 16 bytes; AH and ESP: 0 or 4 */
    struct bytes data;
};

/**
 * Unknown types, protocols and DOIs are kept.
 * @retval ERR_TRUNCATED  the SPI Size runs past the end
 * @retval ERR_SYNTAX     an SPI that its protocol does not have
 * @retval ERR_LENGTH     data or SPI of a size that its type forbids: R-U-THERE and its answer have
 *                        both cookies and 4 bytes, REPLAY-STATUS has 4
 */
enum err v1_notify_read(struct bytes body, struct v1_notify *) MUST_USE;
void v1_notify_write(struct writer *, const struct v1_notify *);

static inline bool v1_notify_is_error(uint16_t type)
{
    return type < 16384; /* RFC 2408 §3.14.1 */
}

struct v1_delete {
    uint32_t doi;
    uint8_t protocol;
    uint8_t spi_size;  /* ISAKMP: 16; AH and ESP: 4 */
    uint16_t count;    /* at least 1 */
    struct bytes spis; /* count * spi_size bytes */
};

/**
 * @retval ERR_SYNTAX  a protocol that is none of ours, or an SPI size that is not its; no SPI
 * @retval ERR_LENGTH  SPIs are not count * spi_size bytes
 * @retval ERR_TRUNCATED
 */
enum err v1_delete_read(struct bytes body, struct v1_delete *) MUST_USE;
void v1_delete_write(struct writer *, const struct v1_delete *);
/** SPI number i (< count), a view. */
struct bytes v1_delete_spi(const struct v1_delete *, unsigned i);

#endif
