/*
 * Reader of pcapng (draft-ietf-opsawg-pcapng): packets with their interface, name and time. Our own
 * because libpcap 1.10 takes no file with several interfaces of raw IP, which is what runs leave,
 * and does not tell of interfaces. Options other than if_name, if_tsresol and if_tsoffset are
 * passed over.
 */
#ifndef DISSECT_PCAPNG_READ_H
#define DISSECT_PCAPNG_READ_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

#include <stdio.h>

struct pcapng_reader;

struct pcapng_frame {
    uint32_t interface; /* number in its section */
    const char *name;   /* of the interface; NULL: none. Valid until the next call */
    uint16_t link;      /* LINKTYPE_ number */
    bool timed;
    nsec at;
    bool cut;
    struct bytes data; /* valid until the next call */
};

/** @param file  owned from here on, but for standard input. NULL when out of memory. */
struct pcapng_reader *pcapng_reader_create(FILE *file);
void pcapng_reader_destroy(struct pcapng_reader *);
/**
 * @param[out] why  on ERR_IO, a sentence
 * @retval ERR_NOT_FOUND  the end
 * @retval ERR_IO         no pcapng, or damaged here
 * @retval ERR_MEMORY
 */
enum err pcapng_reader_next(struct pcapng_reader *, struct pcapng_frame *,
                            const char **why) MUST_USE;

#endif
