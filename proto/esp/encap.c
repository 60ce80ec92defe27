#include "proto/esp/encap.h"

enum encap_kind encap_classify(struct bytes payload)
{
    if (payload.len == 1 && payload.data[0] == ENCAP_KEEPALIVE_BYTE)
        return ENCAP_KEEPALIVE;
    /* Shorter than the ESP header and than an IKE header behind its marker. */
    if (payload.len < 8)
        return ENCAP_MALFORMED;
    return load_be32(payload.data) == 0 ? ENCAP_IKE : ENCAP_ESP;
}
