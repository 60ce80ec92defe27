/* The clock of live endpoints: monotonic, starts anywhere. The only clock below cli and bench. */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include "base/time.h"

nsec clock_now(void);
/** Unix time at which clock_now() was 0, seconds. Certificates are judged by it. */
int64_t clock_epoch_s(void);

#endif
