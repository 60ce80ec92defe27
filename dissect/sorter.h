/*
 * From the frames of a capture to what is to be dissected: IP fragments joined, UDP on the ports of
 * IKE and ESP by its protocol number sorted out, everything else counted.
 */
#ifndef DISSECT_SORTER_H
#define DISSECT_SORTER_H

#include "dissect/dissect.h"
#include "dissect/frames.h"
#include "proto/ip/reassembly.h"

/* X(symbol, words): why a frame is not dissected */
#define OTHER_FRAME_LIST(X)                                                                        \
    X(NOT_IP, "not IP")                                                                            \
    X(TCP, "TCP")                                                                                  \
    X(UDP, "UDP on other ports")                                                                   \
    X(ICMP, "ICMP")                                                                                \
    X(AH, "AH")                                                                                    \
    X(PROTOCOL, "another IP protocol")                                                             \
    X(FRAGMENT, "IP fragments that await others or are doubles")                                   \
    X(UNREADABLE, "with headers of IP or UDP that cannot be read")

enum other_frame {
#define X(symbol, words) OTHER_##symbol,
    OTHER_FRAME_LIST(X)
#undef X
        OTHER_COUNT
};

const char *other_frame_words(enum other_frame);

enum { SORTER_PORTS_MAX = 8 };

struct sorter {
    struct reassembly join;
    uint16_t ports[SORTER_PORTS_MAX]; /* besides 500 and 4500 */
    unsigned port_count;
    uint64_t others[OTHER_COUNT];
    nsec now;      /* of the newest frame: time never runs backwards for the joining */
    uint8_t *room; /* a packet whose checksum had to be mended */
};

/** @retval ERR_MEMORY */
enum err sorter_init(struct sorter *) MUST_USE;
void sorter_reset(struct sorter *);
/** @return true: *out is to be dissected, its views valid until the next call; else counted */
bool sorter_take(struct sorter *, const struct captured_frame *, struct dissect_input *out);

/** A lone IKE message: are four bytes of RFC 3948 §2.2 before it? */
bool ike_is_marked(struct bytes datagram);

#endif
