/*
 * The Wireshark profile of a run: key tables, preferences, colours, buttons, and a script that
 * opens the capture with them. Tables as Wireshark 4.0 reads them; private to record.
 */
#ifndef RECORD_WIRESHARK_H
#define RECORD_WIRESHARK_H

#include "base/err.h"
#include "crypto/suite.h"

struct wireshark_key {
    uint8_t bytes[INTEG_KEY_MAX > ENCR_KEY_MAX ? INTEG_KEY_MAX : ENCR_KEY_MAX];
    uint8_t len;
};

struct wireshark_ike {
    uint64_t spi_i, spi_r;
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    struct wireshark_key sk_ei, sk_er, sk_ai, sk_ar;
};

struct wireshark_ikev1 {
    uint64_t cky_i;
    struct wireshark_key cipher_key;
};

struct wireshark_child {
    uint32_t spi;
    bool ipv6, esn;
    bool repeats;   /* same SPI and key as an earlier row: another view of one SA */
    bool ambiguous; /* another SA uses this SPI: only the destination tells them apart */
    char destination[48];
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    struct wireshark_key encr_key, integ_key;
    uint64_t key_digest;
};

struct wireshark_rows {
    struct wireshark_ike *ike;
    struct wireshark_ikev1 *ikev1;
    struct wireshark_child *child;
    size_t ike_count, ike_cap, ikev1_count, ikev1_cap, child_count, child_cap;
};

struct run_folder;
enum err wireshark_write(const struct wireshark_rows *, struct run_folder *) MUST_USE;

#endif
