/*
 * From the simulator to what a run leaves behind: packets, NAT tables and SAs become lines of
 * events.jsonl and frames of capture.pcapng, keys of captured SAs become keys.jsonl and the
 * Wireshark profile. Watches only; nothing here changes a run.
 */
#ifndef SIM_RECORDER_H
#define SIM_RECORDER_H

#include "record/capture.h"
#include "record/run_folder.h"
#include "sim/lab.h"
#include "sim/nat_box.h"

enum recorder_sizes { RECORD_ALL_NODES = 10000 /* above, only captured nodes leave events */ };

/**
 * Open events.jsonl, capture.pcapng and keys.jsonl in the folder and hang on to the lab's tap.
 * The lab's nodes are there already.
 */
enum err recorder_create(struct lab *, struct run_folder *, struct recorder **out) MUST_USE;
void recorder_destroy(struct recorder *);
/** Write what is buffered, the capture's statistics, the profile. @retval ERR_IO */
enum err recorder_finish(struct recorder *, nsec at) MUST_USE;
struct capture_totals recorder_totals(const struct recorder *);

/** An endpoint's event at `node`. */
void recorder_sa(struct recorder *, uint32_t node, const struct ike_event *);
/** The scenario did something to these nodes or links. */
void recorder_scenario(struct recorder *, nsec at, const char *what, const char *targets);
/** `at` knows the client by this endpoint before it has heard from it. */
void recorder_heard(struct recorder *, uint32_t at, uint32_t client, const struct ip_endpoint *);
/** What became of a timer of a captured node. */
void recorder_timer(struct recorder *, uint32_t node, const struct timer_event *);

/** An ESP packet that went through the replay check. */
struct recorded_esp {
    const struct packet *packet;
    uint32_t spi, sequence;
    enum err result; /* of opening it */
};

/**
 * The replay window behind a packet that was just opened or refused, where `node` is captured: of
 * each SA esp_packets_per_sa times what was accepted, and as often what was refused.
 */
void recorder_window(struct recorder *, uint32_t node, const struct ike_endpoint *,
                     const struct recorded_esp *);
/**
 * Jobs that wait at a captured machine and cores that are busy, as often as they change: each
 * change up to HOST_LINES, then at most so many more over the rest of the run, with the peaks
 * between them.
 */
void recorder_host(struct recorder *, uint32_t node, uint32_t backlog, uint32_t busy_cores);
/** What a NAT box's observer calls. */
void recorder_nat(void *recorder, uint32_t node, nsec at, const struct nat_event *);

/** Node and link directions are captured as the scenario says: sets node.captured. */
void recorder_choose(struct lab *);

#endif
