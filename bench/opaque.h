/*
 * The fleet that other simulators are measured with: clients that know no IKE exchange four
 * messages of UDP with one server, sized like IKE_SA_INIT and IKE_AUTH, and send again what is not
 * answered. It costs what the simulator costs: nodes, links with rate and loss, routers, real IP
 * and UDP headers with checksums, digests and packet conservation, and no protocol. The bound
 * program ns3 (bench/bounds/ns3) is the same fleet in ns-3, to the number.
 *
 *   tree   clients - access routers, about as many as each has clients - core - server
 *   star   clients - one router - server
 *
 * Access links: 100 Mbit/s, 20 ms, 1 % loss in each direction; others 100 Gbit/s, 1 us. Starts are
 * spread over 10 s; a message goes again after 1, 2, 4, 8 and 16 s, and its client fails 32 s
 * later.
 */
#ifndef BENCH_OPAQUE_H
#define BENCH_OPAQUE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { OPAQUE_CLIENTS_MAX = 4000000 }; /* their addresses are 10.0.0.0/8, four for a link */

struct opaque_options {
    uint32_t clients; /* 1 to OPAQUE_CLIENTS_MAX */
    bool star;        /* else a tree */
    uint64_t seed;
};

/** What came of it. Messages, not packets: what a router forwards is counted once. */
struct opaque_totals {
    uint64_t completed, failed; /* clients */
    uint64_t asked,
        answered; /* messages that clients sent, first and again; that the server sent */
    uint64_t retransmissions; /* of those asked */
    uint64_t heard;           /* answers that reached their client, also those it had before */
    uint64_t lost;            /* on links */
    uint64_t events;
    uint64_t digest; /* of all nodes: equal for equal options */
};

struct opaque;

/** Nodes, links, routes and starting times. NULL when out of memory. */
struct opaque *opaque_create(const struct opaque_options *);
/** Once, until nothing is under way. @retval ERR_MEMORY */
enum err opaque_run(struct opaque *) MUST_USE;
/** After the run. */
const struct opaque_totals *opaque_totals(const struct opaque *);
/**
 * After the run: NULL if the books balance, else a sentence. Every packet is accounted for at every
 * link and node, every client completed or failed, and messages are as many as that takes.
 */
const char *opaque_wrong(const struct opaque *);
void opaque_destroy(struct opaque *);

/** Clients of one access router, a power of two, and how many such routers that takes. */
uint32_t opaque_fan(uint32_t clients);
uint32_t opaque_access_routers(uint32_t clients);

#endif
