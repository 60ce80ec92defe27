/* Delete payload (RFC 7296 §3.11). */
#ifndef PROTO_WIRE_DELETE_H
#define PROTO_WIRE_DELETE_H

#include "base/cursor.h"

struct delete_payload {
    uint8_t protocol;  /* enum sa_protocol */
    uint8_t spi_size;  /* IKE: 0; AH and ESP: 4 */
    uint16_t count;    /* IKE: 0 */
    struct bytes spis; /* count * spi_size bytes */
};

/**
 * @retval ERR_SYNTAX  protocol is not IKE, AH or ESP, or the SPI Size is not the protocol's
 * @retval ERR_LENGTH  SPIs are not count * spi_size bytes; an IKE delete with SPIs
 * @retval ERR_TRUNCATED
 */
enum err delete_read(struct bytes body, struct delete_payload *) MUST_USE;
void delete_write(struct writer *, const struct delete_payload *);
/** SPI number i (< count) of an AH or ESP delete. */
uint32_t delete_spi(const struct delete_payload *, unsigned i);

#endif
