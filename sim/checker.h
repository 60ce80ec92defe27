/*
 * Invariants watched beside every simulation (they never change its digest). The simulator tells
 * the checker what happened; the checker remembers just enough to judge it. The first violation
 * is kept and ends the run with exit 1 and the command that replays it.
 *
 *   I1  no protected plaintext on an outside link
 *   I2  both ends of an SA hold equal keys, algorithms, SPIs and mirrored selectors
 *   I4  no replayed or unauthenticated packet is accepted
 *   I5  no valid in-window packet is refused, and no refusal goes uncounted
 *   I6  at rest, one IKE SA and one child pair per tunnel (sim/rest)
 *   I7  nothing that is replaced or given up is kept beyond its hold (sim/rest)
 *   I8  packet conservation
 *   I9  a request is executed once; a repeated response is bit-identical
 *   I15 time never goes back; no event for what is gone
 *   I17 established means usable
 */
#ifndef SIM_CHECKER_H
#define SIM_CHECKER_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"
#include "proto/core/event.h"

#include <stdbool.h>

struct checker;

enum checker_sizes {
    CHECKER_TAG_LEN = 16,
    CHECKER_TEXT_MAX = 256,
};

struct checker_options {
    uint64_t seed;
    uint32_t nodes;          /* IKE nodes; up to `all_up_to` of them are all watched */
    uint32_t all_up_to;      /* above that, one in n chosen by hash(seed, node) */
    nsec usable_within;      /* I17: T, the longest silence without an error (see sim/run.c) */
    uint32_t silent_packets; /* I17: sent without one delivered before silence counts */
};

struct violation {
    const char *invariant; /* "I4" */
    nsec at;
    uint32_t node;
    char text[CHECKER_TEXT_MAX];
};

struct checker *checker_create(const struct checker_options *);
void checker_destroy(struct checker *);
/** The first violation, or NULL. */
const struct violation *checker_violation(const struct checker *);
/** Memory was short for what it wanted to remember: it has seen no violation, but not everything.
 */
bool checker_starved(const struct checker *);
/** Record a violation found elsewhere (the simulator's own I8 and I15 checks). */
void checker_violate(struct checker *, const char *invariant, nsec at, uint32_t node,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));
bool checker_watches(const struct checker *, uint32_t node);

/** I1: the tag that every protected payload carries (CHECKER_TAG_LEN bytes, from the seed). */
const uint8_t *checker_tag(const struct checker *);
/**
 * I1: a packet leaves a node onto an outside link. `clear_policy`: protected traffic in clear.
 * `opaque`: its policy encrypts, so nothing protected may show (RFC 2410: NULL does not).
 */
void checker_wire(struct checker *, nsec now, uint32_t node, struct bytes packet, bool clear_policy,
                  bool opaque);

/** I2: an SA came up, moved or went down at one end; `info` is that end's own view. */
void checker_ike_up(struct checker *, nsec now, uint32_t node, const struct ike_sa_info *);
void checker_child_up(struct checker *, nsec now, uint32_t node, const struct child_sa_info *);

/** One received ESP packet and what the endpoint made of it. */
struct esp_verdict {
    uint32_t spi;
    uint64_t sequence;      /* as far as the wire tells: low 32 bits; ESN is rebuilt here */
    uint32_t replay_window; /* configured, 0: no check */
    enum err result;        /* of ike_endpoint_unprotect */
    uint64_t counted;       /* by how much the drop counters grew */
    bool authentic;         /* the content is what the peer sent; meaningful if result is OK */
};
/** I4, I5. */
void checker_esp(struct checker *, nsec now, uint32_t node, const struct esp_verdict *);
/** The inbound SA is gone; its SPI may come again. */
void checker_child_down(struct checker *, uint32_t node, uint32_t spi_in);

/** I9: an IKE response leaves `node`, whole datagram with the IKE header first. */
void checker_response(struct checker *, nsec now, uint32_t node, struct bytes message);
/** I9: requests executed so far at a node, against the different ones it answered. */
void checker_executed(struct checker *, nsec now, uint32_t node, uint64_t executed);

/** I17: one direction of one tunnel. Ids are dense: 2 * tunnel + direction. */
void checker_flow_sent(struct checker *, nsec now, uint32_t direction, uint32_t node);
void checker_flow_delivered(struct checker *, nsec now, uint32_t direction);
/** I17: an error was reported, or the scenario itself disturbed the path: the clock restarts. */
void checker_flow_excused(struct checker *, nsec now, uint32_t direction);
void checker_excuse_all(struct checker *, nsec now);
/** I17, tunnels without traffic: do both ends agree about this tunnel now? */
void checker_ends_agree(struct checker *, nsec now, uint32_t direction, uint32_t node, bool agree);

#endif
