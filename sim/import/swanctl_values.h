/*
 * Values as strongSwan writes them, made into those of a scenario. Each function takes one value
 * and says what is wrong with it; none knows which setting it stands in.
 */
#ifndef SIM_SWANCTL_VALUES_H
#define SIM_SWANCTL_VALUES_H

#include "base/arena.h"
#include "proto/core/config.h"

#include <stdbool.h>
#include <stdint.h>

enum swanctl_sizes { SWANCTL_TEXT_MAX = 256 };

/** "4h", "30m", "10s", "1d" or seconds, to ns; at most ten years. */
bool swanctl_time(const char *text, uint64_t *ns);
/** "100m" or bytes; k, m and g are powers of 1024. */
bool swanctl_bytes(const char *text, uint64_t *bytes);
/** Decimal or 0x. */
bool swanctl_count(const char *text, uint64_t *n);
bool swanctl_bool(const char *text, bool *on);

/** The next of a comma-separated list, without blanks around it; false at the end. */
bool swanctl_next(const char **list, char item[SWANCTL_TEXT_MAX]);

/** One IPv4 or IPv6 address. */
bool swanctl_address(const char *text, struct ip_addr *out);
/** An address or a prefix, bits behind its length cleared. */
bool swanctl_prefix(const char *text, struct ip_prefix *out);
/** Fewest characters; at least 64 bytes of space. */
void swanctl_prefix_text(const struct ip_prefix *, char *out);
/** Whether one of them lies in the other. */
bool swanctl_overlap(const struct ip_prefix *a, const struct ip_prefix *b);
bool swanctl_within(const struct ip_prefix *inner, const struct ip_prefix *outer);

/**
 * One proposal as a scenario takes it. An AEAD beside an integrity algorithm is what strongSwan
 * makes of it: for IKE the latter becomes the prf, for ESP it goes.
 * @param[out] out      the proposal; SWANCTL_TEXT_MAX
 * @param[out] changed  it is not the text that was given
 * @param[out] bad      on error the keyword, or the whole
 */
enum err swanctl_proposal(const char *text, bool ike, char *out, bool *changed,
                          struct bytes *bad) MUST_USE;
/** What strongSwan offers for `default`, as far as there is an algorithm for it. NULL-ended. */
const char *const *swanctl_default_proposals(bool ike);

enum swanctl_id {
    SWANCTL_ID_ANY,      /* %any, or nothing */
    SWANCTL_ID_ONE,      /* a name: one peer */
    SWANCTL_ID_PATTERN,  /* *.example.org: `user{n}` for the star */
    SWANCTL_ID_UNSUITED, /* an address, a distinguished name, a key */
};

/** An identity as a scenario takes it; `out` has SWANCTL_TEXT_MAX. */
enum swanctl_id swanctl_identity(const char *text, char *out);

#endif
