/*
 * Writer of pcapng (draft-ietf-opsawg-pcapng): little-endian, LINKTYPE_RAW, nanosecond stamps,
 * one interface per vantage point, any number of comments per packet. Streams to a FILE. Writes
 * no custom blocks: Wireshark shows them as extra frames. The first error is kept and everything
 * after it is ignored.
 */
#ifndef BASE_PCAPNG_H
#define BASE_PCAPNG_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

#include <stdio.h>

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

struct pcapng {
    FILE *file;
    uint64_t size; /* bytes written */
    uint32_t interfaces;
    uint64_t packets;
    enum err error;
};

/** Start a section. Comments appear in capinfos: scenario, seed, commit. `file` is borrowed. */
void pcapng_init(struct pcapng *, FILE *file, const char *application, const char *const *comments,
                 size_t count);
/** Add an interface; its number. Interfaces may be added after packets. */
uint32_t pcapng_interface(struct pcapng *, const char *name, const char *description);

struct pcapng_name {
    uint8_t family; /* 4 or 6 */
    uint8_t address[16];
    const char *name;
};
/** A name resolution block. */
void pcapng_names(struct pcapng *, const struct pcapng_name *, size_t count);

struct pcapng_packet {
    uint32_t interface;
    nsec at;
    enum pcapng_direction direction;
    struct bytes data; /* an IP packet */
    const char *const *comments;
    size_t comment_count;
};
/** Bytes that this packet would add to the file. */
size_t pcapng_packet_size(const struct pcapng_packet *);
void pcapng_packet(struct pcapng *, const struct pcapng_packet *);

/** Interface statistics: packets seen and not written (cut), at time `at`. */
void pcapng_statistics(struct pcapng *, uint32_t interface, nsec at, uint64_t seen, uint64_t cut);
/** Flush. @retval ERR_IO  some write failed (a full disk): the file is not whole */
enum err pcapng_finish(struct pcapng *) MUST_USE;

#endif
