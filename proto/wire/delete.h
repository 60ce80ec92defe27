/* Delete payload, RFC 7296 §3.11. */
#ifndef PROTO_WIRE_DELETE_H
#define PROTO_WIRE_DELETE_H

#include "base/cursor.h"

struct delete_payload {
    uint8_t protocol;
    uint8_t spi_len; /* 0 for IKE, 4 for AH and ESP */
    uint16_t count;
    struct bytes spis; /* count * spi_len bytes */
};

/** @retval ERR_LENGTH  SPI size does not suit the protocol, or count the length */
enum err delete_read(struct bytes body, struct delete_payload *out) MUST_USE;
void delete_write(struct writer *, const struct delete_payload *);
/** The SPI number `index` < count of an AH or ESP delete, in host order. */
uint32_t delete_spi(const struct delete_payload *, uint16_t index);

#endif
