/* What several options of `ikelab-live` take. A bad value ends the program with code 2. */
#ifndef NET_TOOLS_LIVE_VALUES_H
#define NET_TOOLS_LIVE_VALUES_H

#include "base/time.h"
#include "proto/ip/addr.h"

#include <argp.h>

/** 1 to `most`. */
uint32_t value_whole(struct argp_state *, const char *text, unsigned long most);
/** Above 0 and up to `most`. */
double value_decimal(struct argp_state *, const char *text, double most);
/** Seconds, with a fraction. */
nsec value_seconds(struct argp_state *, const char *text, double most);
/** The time between things that happen so often a second. */
nsec value_interval(struct argp_state *, const char *text, double most);
struct ip_addr value_address(struct argp_state *, const char *text);

#endif
