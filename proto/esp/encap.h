/*
 * UDP encapsulation (RFC 3948 §2): what a datagram on port 4500 carries. The non-ESP marker is
 * put on IKE messages by whoever sends them; ESP goes bare behind the UDP header.
 */
#ifndef PROTO_ESP_ENCAP_H
#define PROTO_ESP_ENCAP_H

#include "base/bytes.h"

enum encap_sizes {
    ENCAP_MARKER_LEN = 4, /* zeros where ESP has its SPI (§2.2) */
    ENCAP_KEEPALIVE_BYTE = 0xff,
};

enum encap_kind {
    ENCAP_ESP,
    ENCAP_IKE,       /* behind the marker */
    ENCAP_KEEPALIVE, /* one byte 0xff (§2.3) */
    ENCAP_MALFORMED, /* too short for any of them */
};

/** Classify the payload of a UDP datagram on port 4500. */
enum encap_kind encap_classify(struct bytes payload);

#endif
