#include "proto/wire/v1_vendor.h"

#include "base/assert.h"

static const struct {
    const char *name;
    uint8_t bytes[20];
    uint8_t len;
    uint8_t told_by; /* bytes that have to be equal */
    bool longer;     /* it may have more or fewer behind them */
} vendors[V1_VENDOR_COUNT] = {
    [V1_VENDOR_NATT] = {"NAT-T (RFC 3947)",
                        {0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45, 0x5c, 0x57, 0x28, 0xf2,
                         0x0e, 0x95, 0x45, 0x2f},
                        16,
                        16,
                        false},
    [V1_VENDOR_NATT_02] = {"NAT-T (draft 02)",
                           {0xcd, 0x60, 0x46, 0x43, 0x35, 0xdf, 0x21, 0xf8, 0x7c, 0xfd, 0xb2, 0xfc,
                            0x68, 0xb6, 0xa4, 0x48},
                           16,
                           16,
                           false},
    [V1_VENDOR_NATT_02_N] = {"NAT-T (draft 02)",
                             {0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e, 0x08, 0x63, 0x81,
                              0xb5, 0xec, 0x42, 0x7b, 0x1f},
                             16,
                             16,
                             false},
    [V1_VENDOR_NATT_03] = {"NAT-T (draft 03)",
                           {0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f, 0x2c, 0x17, 0x9d, 0x92,
                            0x15, 0x52, 0x9d, 0x56},
                           16,
                           16,
                           false},
    [V1_VENDOR_DPD] = {"DPD (RFC 3706)",
                       {0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc,
                        0x77, 0x57, 0x01, 0x00},
                       16,
                       14,
                       true},
    [V1_VENDOR_XAUTH] = {"XAUTH", {0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12}, 8, 8, false},
    [V1_VENDOR_FRAGMENTATION] = {"fragmentation",
                                 {0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85, 0x25, 0xe7,
                                  0xde, 0x7f, 0x00, 0xd6, 0xc2, 0xd3, 0x80, 0x00, 0x00, 0x00},
                                 20,
                                 16,
                                 true},
    [V1_VENDOR_UNITY] = {"Cisco Unity",
                         {0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9, 0x70, 0x2d, 0x9f, 0xe2,
                          0x74, 0xcc, 0x01, 0x00},
                         16,
                         14,
                         true},
};

enum v1_vendor v1_vendor_of(struct bytes id)
{
    for (enum v1_vendor v = V1_VENDOR_NONE + 1; v < V1_VENDOR_COUNT; v++)
        if (id.len >= vendors[v].told_by && (vendors[v].longer || id.len == vendors[v].len) &&
            memcmp(id.data, vendors[v].bytes, vendors[v].told_by) == 0)
            return v;
    return V1_VENDOR_NONE;
}

bool v1_vendor_joins(struct bytes id)
{
    enum { HASH = 16, BOTH_MODES = 0x80 }; /* the others are of Base Mode, and later ones */

    ASSERT(id.len >= HASH);
    return id.len == HASH || (id.data[HASH] & BOTH_MODES);
}

struct bytes v1_vendor_bytes(enum v1_vendor which)
{
    ASSERT(which > V1_VENDOR_NONE && which < V1_VENDOR_COUNT);
    return bytes_of(vendors[which].bytes, vendors[which].len);
}

const char *v1_vendor_name(enum v1_vendor which)
{
    return vendors[which].name;
}
