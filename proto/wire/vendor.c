#include "proto/wire/vendor.h"

/* RFC 7296 §3.12: Vendor ID (VID) */
enum err vendor_read(struct bytes body, struct vendor_payload *vendor)
{
    vendor->id = body;
    return OK;
}

void vendor_write(struct writer *w, const struct vendor_payload *vendor)
{
    writer_bytes(w, vendor->id);
}
