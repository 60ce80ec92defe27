/*
 * Anti-replay window of one inbound SA: RFC 4303 §3.4.3, Appendix A2 (extended sequence numbers)
 * with the ring bitmap of RFC 6479. The bitmap is the caller's storage, beside the record. The
 * window moves only in replay_update, which is called after the ICV has been verified.
 */
#ifndef PROTO_ESP_REPLAY_H
#define PROTO_ESP_REPLAY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum replay_sizes {
    REPLAY_WINDOW_MIN = 32, /* RFC 4303 §3.4.3 */
    REPLAY_WINDOW_MAX = 4096,
    REPLAY_WORDS_MAX = REPLAY_WINDOW_MAX / 64,
};

struct replay {
    uint64_t top;    /* highest sequence number accepted; 0: none yet */
    uint32_t window; /* packets; 0: the check is off */
    uint32_t mask;   /* bits of the ring - 1 */
};

/** A window size we serve: 0 is off, else it is raised or cut to the range above. */
uint32_t replay_window_fit(uint32_t window);
/** 64-bit words of bitmap that a window needs: 0 for 0. */
uint32_t replay_words(uint32_t window);
/** @param bitmap  replay_words(window) words, zeroed here */
void replay_init(struct replay *, uint64_t *bitmap, uint32_t window);

/**
 * The 64-bit sequence number that a received low half stands for, RFC 4303 §A2.2: the one nearest
 * to the window. Without ESN (and with the check off) the low half itself.
 */
uint64_t replay_guess(const struct replay *, uint32_t low, bool esn);

/**
 * Whether `seq` may be accepted; changes nothing.
 * @retval ERR_REPLAY  seen before, left of the window, or 0 (RFC 4303 §3.3.3: the first is 1)
 */
enum err replay_check(const struct replay *, const uint64_t *bitmap, uint64_t seq) MUST_USE;
/** Whether a number inside the window was accepted. The check must be on. */
bool replay_seen(const struct replay *, const uint64_t *bitmap, uint64_t seq);
/** Take note of an authenticated `seq` that replay_check let pass. */
void replay_update(struct replay *, uint64_t *bitmap, uint64_t seq);

#endif
