#include "proto/core/spi.h"

#include "proto/esp/esp.h"

void spi_expect(const struct ike_endpoint *ep)
{
    struct rng r = ike_stream(ep, STREAM_SPI);

    if (r.source || store_shared(ep->store))
        return;
    for (int ahead = 0; ahead < 2; ahead++) {
        uint64_t value = rng_u64(&r);

        ike_spi_expect(ep, value, ahead == 0);
        sad_spi_expect(&ep->store->esp->sad, ep->scope, (uint32_t)(value >> 32), ahead == 0);
    }
}
