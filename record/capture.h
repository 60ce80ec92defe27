/*
 * capture.pcapng: which packets of which nodes are kept, and how many were cut. One interface per
 * captured node (or per side of a NAT). IKE packets are kept until the file is full; of ESP the
 * first `esp_packets_per_sa` of each SPI at each interface.
 */
#ifndef RECORD_CAPTURE_H
#define RECORD_CAPTURE_H

#include "base/pcapng.h"

struct capture;

struct capture_options {
    FILE *file;                  /* capture.pcapng, borrowed */
    uint64_t max_size;           /* bytes; 0: no limit */
    uint32_t esp_packets_per_sa; /* UINT32_MAX: all */
    const char *scenario;
    uint64_t seed;
    const char *commit;
    const char *crypto; /* "real" or "modelled": says in the file why it does not decrypt */
};

/** @retval ERR_MEMORY, ERR_IO */
enum err capture_create(const struct capture_options *, struct capture **out) MUST_USE;
void capture_destroy(struct capture *);

/** A vantage point: name "gw", "boxes[3] inside"; its interface number. */
uint32_t capture_interface(struct capture *, const char *name, const char *description);
/** Name an address in Wireshark's columns; family 4 or 6. Kept until capture_close writes them. */
void capture_name(struct capture *, uint8_t family, const uint8_t *address, const char *name);

struct capture_packet {
    uint32_t interface;
    nsec at;
    bool sent; /* leaves this node; else it arrives */
    bool esp;  /* counts against esp_packets_per_sa under `spi` */
    uint32_t spi;
    struct bytes data;           /* IP packet */
    const char *const *comments; /* "retransmission 2", "NAT rewrote ..."; may be NULL */
    size_t comment_count;
};

/** Frame number in the file (1..), or 0: cut, and counted. */
uint64_t capture_packet(struct capture *, const struct capture_packet *);

/** A packet at this interface that is not of the sample: counted as seen and cut. */
void capture_pass(struct capture *, uint32_t interface);

struct capture_totals {
    uint64_t frames;        /* written */
    uint64_t cut_packets;   /* seen at a captured node and not written */
    uint64_t cut_by_sa;     /* ... because of esp_packets_per_sa */
    uint64_t cut_by_size;   /* ... because of max_size */
    uint64_t cut_by_sample; /* ... because its conversation is not of the sample */
    uint64_t bytes;         /* size of the file */
    uint64_t max_size;
    uint32_t esp_packets_per_sa;
    uint32_t interfaces;
};
struct capture_totals capture_totals(const struct capture *);

/** Statistics, names, flush. @retval ERR_IO  the file is not whole */
enum err capture_close(struct capture *, nsec at) MUST_USE;

#endif
