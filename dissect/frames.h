/*
 * Captures one frame at a time, with the link layer taken off: Ethernet (VLAN tags too), raw IP,
 * Linux cooked (SLL, SLL2), BSD null and loop. pcap is read by libpcap, pcapng by pcapng_read.h.
 */
#ifndef DISSECT_FRAMES_H
#define DISSECT_FRAMES_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"

#include <stdint.h>
#include <stdio.h>

struct frames;

enum { FRAMES_WHY_MAX = 512 };

struct captured_frame {
    uint32_t number;            /* from 1 */
    uint32_t interface;         /* pcapng: its number; else 0 */
    const char *interface_name; /* NULL: none. Valid until the next call */
    bool timed;
    nsec at;         /* since 1970-01-01 */
    bool cut;        /* the snapshot length left something off */
    struct bytes ip; /* the IP packet; empty: the frame holds none. Valid until the next call */
};

/**
 * @param file  owned from here on, also on error (standard input stays open)
 * @param[out] why  on error, what libpcap says
 * @retval ERR_IO           it is no capture, or ends within its header
 * @retval ERR_UNSUPPORTED  pcap: its link type is none of the above; `why` names it
 * @retval ERR_MEMORY
 */
enum err frames_open(FILE *file, struct frames **out, char why[FRAMES_WHY_MAX]) MUST_USE;
void frames_close(struct frames *);
/**
 * The next frame.
 * @retval ERR_NOT_FOUND  there is none: the end
 * @retval ERR_IO         the file is damaged here; why as above
 * @retval ERR_UNSUPPORTED  pcapng: the frame's link type
 * @retval ERR_MEMORY
 */
enum err frames_next(struct frames *, struct captured_frame *, char why[FRAMES_WHY_MAX]) MUST_USE;

#endif
