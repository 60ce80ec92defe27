/*
 * A record with much room that is not used, laid down where each octet counts and taken up again as
 * it was. Words of zeros cost a bit each, all others themselves and a bit; nothing is known of what
 * the record means.
 */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H

#include <stddef.h>
#include <stdint.h>

enum { SPARSE_WORD = 8 };

/** Most that `size` octets may take. @param size  a multiple of SPARSE_WORD, here and below */
#define SPARSE_MAX(size) ((size) + ((size) / SPARSE_WORD + 7) / 8)

/** Octets that this record takes now. */
size_t sparse_len(const void *record, size_t size);
/** @param[out] out  sparse_len octets */
void sparse_pack(const void *record, size_t size, uint8_t *out);
void sparse_unpack(const uint8_t *in, void *record, size_t size);

#endif
