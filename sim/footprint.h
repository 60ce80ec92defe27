/*
 * How much memory a run will take, found by trying: small copies of the scenario are run in a child
 * process, which is measured, and what they take is carried on to the true size. So the estimate
 * follows every change of a record by itself. A copy has 2^n times fewer members in every group and
 * as many times fewer arrivals a second: arrays and tables that grow by doubling are then as full
 * as those of the whole, and as many handshakes in a thousand are under way at once.
 *
 * Packets of traffic are not sent in the copies but reckoned: rate times delay, and the queues of
 * links that carry less than they are offered. Certificates: credentials_estimate.
 *
 * Not seen: what comes later than a minute behind the last arrival (rekeys hold two SAs for a
 * while), and what the capture holds.
 */
#ifndef SIM_FOOTPRINT_H
#define SIM_FOOTPRINT_H

#include "sim/scenario.h"

struct footprint {
    uint64_t resident_bytes; /* at the peak, the program included */
    uint64_t address_bytes;  /* of address space, which is more: not all that is taken is used */
    uint32_t halvings;       /* of the largest copy that was run; 0: it was the whole scenario */
};

/**
 * Nothing is written, and the scenario is left as it is.
 * @param overrides  with which `s` was loaded from its path
 * @retval ERR_MEMORY  not even a small copy runs, or no process can be made
 * @retval ERR_USAGE   no small copy can be made of it
 */
enum err footprint_measure(const struct scenario *s, const struct scenario_override *overrides,
                           size_t count, struct footprint *out) MUST_USE;
/** A bound from above that costs nothing; what fits it fits. @return UINT64_MAX when out of memory
 */
uint64_t footprint_bound(const struct scenario *);
/**
 * For the process of a run: arrays from a size on are mapped by themselves, so that they grow in
 * place and go back when they are freed. Without it the library's own threshold rises as it
 * pleases, and a run of the same scenario takes a fourth more.
 */
void footprint_map_arrays(void);

#endif
