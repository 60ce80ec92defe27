/*
 * Bytes from hex as people copy it: bare digits with or without "0x", spaces, colons and commas; or
 * a dump with offsets, as xxd, hexdump -C, tshark -x and Wireshark write it, whose column of text
 * is left out. A line that is only "*" stands for repetitions of the line before it.
 */
#ifndef DISSECT_HEX_H
#define DISSECT_HEX_H

#include "base/bytes.h"
#include "base/err.h"

enum { HEX_BYTES_MAX = 1 << 17 };

struct hex_place {
    unsigned line, column; /* from 1 */
    const char *why;
};

/**
 * @param[in,out] out  cap bytes of room; len is set
 * @param[out] bad     on ERR_SYNTAX, where and why
 * @retval ERR_SYNTAX  something that is not hex, half a byte, an offset that does not follow
 * @retval ERR_SPACE   more bytes than there is room for
 */
enum err hex_read(struct bytes text, struct buf *out, struct hex_place *bad) MUST_USE;

#endif
