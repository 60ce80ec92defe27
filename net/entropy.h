/* Random bytes of the operating system (getrandom), for nonces, SPIs and IVs of live endpoints. */
#ifndef NET_ENTROPY_H
#define NET_ENTROPY_H

#include <stddef.h>

/** An rng_source (base/rng.h). Ends the program when the system has none: nothing may go on. */
void entropy_fill(void *out, size_t len);

#endif
