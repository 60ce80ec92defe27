/* Vendor IDs that mean something in IKEv1 (RFC 2408 §3.16): each announces a feature. */
#ifndef PROTO_WIRE_V1_VENDOR_H
#define PROTO_WIRE_V1_VENDOR_H

#include "base/bytes.h"

enum v1_vendor {
    V1_VENDOR_NONE,      /* unknown: ignored */
    V1_VENDOR_NATT,      /* RFC 3947 §3.1 */
    V1_VENDOR_NATT_02,   /* its drafts, with payload types 130 and 131 */
    V1_VENDOR_NATT_02_N, /* the same with a line feed in what was hashed */
    V1_VENDOR_NATT_03,
    V1_VENDOR_DPD, /* RFC 3706 §5.1 */
    V1_VENDOR_XAUTH,
    V1_VENDOR_FRAGMENTATION,
    V1_VENDOR_UNITY, /* attributes of Cisco */
    V1_VENDOR_COUNT
};

/** Which one it is. Where the last bytes are a version, or flags, they are not looked at. */
enum v1_vendor v1_vendor_of(struct bytes id);
/** Whether a V1_VENDOR_FRAGMENTATION says that its sender joins fragments of Main and Aggressive
 * Mode: its octets behind the hash, if there are any, are a set of what it can do. */
bool v1_vendor_joins(struct bytes id);
/** Its bytes as we send them; `which` is not NONE. */
struct bytes v1_vendor_bytes(enum v1_vendor which);
/** "NAT-T (RFC 3947)"; NULL for NONE. */
const char *v1_vendor_name(enum v1_vendor);

#endif
