/*
 * What a run is measured by: the counters behind the `virtual` object of result.json, the series
 * over time (series.csv) and the histograms (histograms.json). docs/metrics.md defines each.
 *
 * The simulator owns the events: it calls the functions below for what needs arithmetic (rates,
 * windows, peaks) and increments or sets the plain fields marked [count] and [gauge] itself.
 * Each call of metrics_sample writes one row per series: the growth of counts since the last
 * call, and gauges as they stand.
 *
 * Names of scopes are those of the scenario; an index into groups, links, flows or hosts is the
 * position given at creation. Integers only; nothing here reads a clock.
 */
#ifndef RECORD_METRICS_H
#define RECORD_METRICS_H

#include "base/hist.h"
#include "base/time.h"
#include "record/text.h"

#include <stdio.h>

/* Why a packet ended on the way. X(symbol, name in result.json) */
#define NET_DROP_LIST(X)                                                                           \
    X(LOSS, "loss")                     /* the link's loss model */                                \
    X(QUEUE, "queue")                   /* tail drop at a full queue */                            \
    X(NAT_NO_MAPPING, "nat_no_mapping") /* inbound, nothing mapped (any more) */                   \
    X(NAT_FILTERED, "nat_filtered")     /* mapped, but the filter refuses this source */           \
    X(NAT_FULL, "nat_full")             /* no port left for a new mapping */                       \
    X(MTU, "mtu")                       /* too big, and may not be fragmented */                   \
    X(REASSEMBLY, "reassembly")         /* a fragment whose packet was never completed */          \
    X(CORRUPT, "corrupt")               /* damaged on the way and refused by a checksum */         \
    X(LINK_DOWN, "link_down")                                                                      \
    X(HOST_DOWN, "host_down")                                                                      \
    X(BACKLOG, "backlog") /* the host's bounded backlog was full */                                \
    X(NO_ROUTE, "no_route")                                                                        \
    X(FRAGMENT, "fragment") /* of an IP packet, at a NAT or router that lets none through */

enum net_drop {
#define X(symbol, name) NET_DROP_##symbol,
    NET_DROP_LIST(X)
#undef X
        NET_DROP_COUNT
};

/* Why a received ESP packet was refused. X(symbol, name in result.json) */
#define ESP_DROP_LIST(X)                                                                           \
    X(REPLAY, "replay")                                                                            \
    X(ICV, "icv")                                                                                  \
    X(NO_SA, "no_sa")                                                                              \
    X(OTHER, "other")   /* padding, next header, selectors */                                      \
    X(UNSENT, "unsent") /* never sent: no SA or policy, or sequence numbers used up */

enum esp_drop {
#define X(symbol, name) ESP_DROP_##symbol,
    ESP_DROP_LIST(X)
#undef X
        ESP_DROP_COUNT
};

/* Why a fragment of an IKE message was refused. X(symbol, name in result.json); the same as the
 * FRAGMENT_ ones of IKE_DROP_LIST (proto/core/event.h), in that order. */
#define FRAGMENT_DROP_LIST(X)                                                                      \
    X(UNEXPECTED, "unexpected")                                                                    \
    X(MALFORMED, "malformed")                                                                      \
    X(ICV, "icv")                                                                                  \
    X(DOUBLE, "double")                                                                            \
    X(STALE, "stale")                                                                              \
    X(MISMATCH, "mismatch")                                                                        \
    X(TOO_MANY, "too_many")                                                                        \
    X(LIMIT, "limit")

enum fragment_drop {
#define X(symbol, name) FRAGMENT_DROP_##symbol,
    FRAGMENT_DROP_LIST(X)
#undef X
        FRAGMENT_DROP_COUNT
};

/* What was learnt of the paths of tunnels, in the whole run. X(symbol, name in result.json) */
#define PATH_METRIC_LIST(X)                                                                        \
    X(LOWERED, "lowered") /* an ICMP "too big" was heeded; or not, because it was: */              \
    X(MALFORMED, "malformed")                                                                      \
    X(NO_SA, "no_sa")                                                                              \
    X(BELOW_MINIMUM, "below_minimum")                                                              \
    X(NOT_SMALLER, "not_smaller")                                                                  \
    X(RATE, "rate")                                                                                \
    X(IGNORED, "ignored")                                                                          \
    X(TOO_BIG, "too_big_packets") /* inner ones, refused, their sender told */                     \
    X(CUT, "cut_packets")         /* inner ones, fragmented before ESP */

enum path_metric {
#define X(symbol, name) PATH_METRIC_##symbol,
    PATH_METRIC_LIST(X)
#undef X
        PATH_METRIC_COUNT
};

const char *net_drop_name(enum net_drop);
const char *esp_drop_name(enum esp_drop);
const char *fragment_drop_name(enum fragment_drop);
const char *path_metric_name(enum path_metric);
/** What ike_endpoint_unprotect's refusal is counted as. */
enum esp_drop esp_drop_of(enum err refusal);

enum metrics_sizes {
    FAILURE_NAMES_MAX = 32,
    RECOVERIES_MAX = 64,
};

struct failure_count {
    const char *name; /* borrowed constant: reason_name() of proto/core/event.h */
    uint64_t count;
};

/** Handshakes and IKE work of the whole run or of one group. */
/** IKE messages in fragments (RFC 7383). Each is counted once, however often it is sent again. */
struct fragment_metrics {
    uint64_t messages, made;   /* [count] messages cut, into so many fragments */
    uint64_t received, joined; /* [count] fragments kept, messages that became whole of them */
    uint64_t incomplete;       /* [count] messages given up with fragments missing */
    uint64_t dropped[FRAGMENT_DROP_COUNT]; /* [count] fragments, by cause */
};

struct ike_metrics {
    uint64_t started, completed, failed; /* by the functions below; pending is what remains */
    uint64_t installed;                  /* [count] up without a handshake, not among these */
    struct failure_count failed_by[FAILURE_NAMES_MAX];
    nsec first_start, last_up;   /* since measure.from; NSEC_NEVER: none */
    uint64_t completed_measured; /* completed since measure.from */
    uint64_t second, second_count, peak_1s;
    struct hist setup_time_ns;           /* first request sent (or due) to IKE SA and child up */
    struct hist time_to_first_packet_ns; /* start to first inner packet delivered at the far side */
    uint64_t retransmissions;            /* [count] requests sent again */
    uint64_t rekeys_ike, rekeys_child;   /* [count] completed, counted at each end */
    uint64_t reauthentications;          /* [count] completed, counted at the caller */
    uint64_t moves;                      /* [count] MOBIKE: done, counted at who moved */
    uint64_t moves_refused;              /* [count] MOBIKE: by who was told */
    uint64_t routability_failures;       /* [count] MOBIKE: wrong COOKIE2 */
    uint64_t collisions;                 /* [count] simultaneous rekeys, at each end that saw it */
    uint64_t collisions_ike;             /* [count] of these, of IKE SAs */
    uint64_t dpd_failures;               /* [count] liveness checks given up */
    uint64_t keepalives;                 /* [count] NAT keepalives sent */
    uint64_t peer_moves;                 /* [count] endpoint updates after a NAT change */
    uint64_t cookies_sent;               /* [count] asked for, as responder */
    uint64_t cookies_accepted, cookies_wrong; /* [count] come back; of another request, or old */
    uint64_t half_open_refused;               /* [count] requests beyond half_open_per_source */
    uint64_t tokens_shown, tokens_wrong;      /* [count] after a crash; by peers, not believed */
    uint64_t crashes_detected;                /* [count] tokens of peers that were believed */
    uint64_t users_known;                     /* [count] XAUTH, at who asked */
    uint64_t users_refused;                   /* [count] XAUTH, at each end that learnt of it */
    uint64_t addresses_given;                 /* [count] Mode-Config, at who has the pool */
    uint64_t addresses_short;                 /* [count] asked for, and none was left */
    struct fragment_metrics fragments;
};

enum { METRIC_VERSIONS = 2 };

/** What one major version of IKE cost, in runs that have IKEv1. */
struct version_metrics {
    uint64_t started, completed, failed; /* of groups of this version */
    uint64_t messages, bytes;            /* by metrics_ike_message */
    uint64_t answers;                    /* [count] that initiators had while they set up */
    struct hist setup_time_ns;
};

/** Of packets that want an answer: sent = answered (delivered) + lost + pending. */
struct esp_echo {
    struct hist round_trip_ns; /* due to answered */
    uint64_t lost;             /* [count] no answer in time */
    uint64_t strays;           /* [count] opened, but no answer that was waited for */
    nsec sending_ended;        /* NSEC_NEVER: not yet */
    nsec behind;               /* the longest that one was sent after it was due */
};

/** Inner IP packets through tunnels: of the whole run or of one flow. Bytes are inner bytes. */
struct esp_metrics {
    uint64_t sent_packets, delivered_packets, sent_bytes, delivered_bytes;
    nsec first_sent, last_delivered; /* since measure.from: the traffic window */
    uint64_t delivered_measured_bytes;
    struct hist latency_ns;           /* handed in at one end to handed out at the other */
    uint64_t dropped[ESP_DROP_COUNT]; /* [count] at the receiver, by cause */
    struct esp_echo echo;             /* with metrics_options.echo only */
};

/** Outer packets: of the whole run or of one link (there: both directions of all its members). */
struct net_metrics {
    uint64_t sent_packets, duplicated_packets, fragments_made; /* [count] */
    uint64_t delivered_packets, reassembled_away;              /* [count] */
    uint64_t in_flight_packets;                                /* set at the end of the run */
    uint64_t sent_bytes, delivered_bytes;                      /* [count] IP bytes */
    uint64_t reordered_packets, corrupted_packets; /* [count] by the link, not dropped */
    uint64_t dropped[NET_DROP_COUNT];              /* [count] */
};

/** One packet; `m` may be NULL, where nothing is counted. */
static inline void net_count_sent(struct net_metrics *m, uint32_t bytes)
{
    if (!m)
        return;
    m->sent_packets++;
    m->sent_bytes += bytes;
}
static inline void net_count_delivered(struct net_metrics *m, uint32_t bytes)
{
    if (!m)
        return;
    m->delivered_packets++;
    m->delivered_bytes += bytes;
}

/** A flood of IKE_SA_INIT requests, as the machines it is for see it. Packets and IP bytes. */
struct flood_metrics {
    uint64_t requests, request_bytes; /* [count] arrived */
    uint64_t answers, answer_bytes;   /* [count] sent to where the requests claim to come from */
};

struct group_metrics {
    const char *name;
    uint32_t members;
    const char *role;                 /* node_role_name() of sim/scenario.h */
    uint8_t version;                  /* of IKE, that initiators call with; 0: none */
    struct ike_metrics ike;           /* of initiators in this group */
    struct net_metrics net;           /* of packets these nodes originate and finally receive */
    uint64_t nat_mappings;            /* [gauge] mappings alive over all members of a NAT group */
    uint64_t nat_mappings_peak;       /* kept by metrics_nat_mapped */
    uint64_t nat_mapped, nat_expired; /* [count] nat_mapped by metrics_nat_mapped */
    struct flood_metrics flood;       /* of attackers */
};

struct link_metrics {
    const char *name;
    uint32_t members;
    struct net_metrics net;
    uint64_t queue_bytes;      /* [gauge] waiting now, all members and directions */
    uint64_t queue_peak_bytes; /* [gauge] largest single queue seen */
    uint64_t rate_bps;         /* set once; 0: unlimited */
};

struct flow_metrics {
    const char *name;
    struct esp_metrics esp;
};

/** What the ends of all tunnels hold. An SA is live if it is neither replaced nor being deleted. */
struct tunnel_metrics {
    uint64_t count, up;
    uint64_t at_rest; /* nothing under way: I6 was judged */
    uint64_t judged;  /* at rest at least once since the last event of the scenario */
    uint64_t ike_sas_min, ike_sas_max;     /* live, per tunnel and end */
    uint64_t child_sas_min, child_sas_max; /* live pairs */
    uint64_t held, held_peak; /* SAs that nobody deletes: they wait for the end of a hold */
    uint64_t orphans;         /* live IKE SAs that the other end does not have */
};

/** One modelled machine. Times are CPU time of the model, never of a stopwatch. */
struct host_metrics {
    const char *name;
    uint32_t cores;
    nsec cpu_busy_ns;                   /* [count] core-nanoseconds of service, whole run */
    struct hist queue_wait_ns;          /* arrival to start of service, by hist_add */
    uint64_t backlog;                   /* [gauge] datagrams waiting now */
    uint64_t backlog_peak;              /* [gauge] */
    uint64_t backlog_drops;             /* [count] */
    uint64_t half_open, half_open_peak; /* [gauge] */
    uint64_t ike_sas, ike_sas_peak;     /* [gauge] */
    uint64_t child_sas;                 /* [gauge] */
    uint64_t memory_bytes;              /* [gauge] of the endpoint's pools in use */
    uint64_t look_ups;                  /* [count] begun */
    uint64_t look_ups_refused, look_ups_timed_out; /* [count] of these, answered so or not at all */
    struct hist look_up_wait_ns;                   /* begun to acted upon, by hist_add */
};

/** Time from a disturbance until a share of the affected tunnels carries data again. */
struct recovery {
    char event[64]; /* "boxes reboot" */
    nsec at;
    uint64_t affected, recovered;
    nsec t50, t99, t100; /* since `at`; NSEC_NEVER: not reached */
};

struct metrics {
    nsec measure_from;
    bool one_end, echo, by_version; /* as in metrics_options */
    nsec duration;                  /* simulated time at the end, set by metrics_finish */
    struct ike_metrics ike;
    struct version_metrics versions[METRIC_VERSIONS]; /* of version 1, of version 2 */
    struct esp_metrics esp;
    uint64_t esp_lost[NET_DROP_COUNT]; /* [count] ESP packets that ended on the way */
    uint64_t esp_in_flight;           /* set at the end of the run: sent and not at their end yet */
    uint64_t path[PATH_METRIC_COUNT]; /* [count] */
    struct net_metrics net;
    struct tunnel_metrics tunnels; /* [gauge] */
    struct group_metrics *groups;
    struct link_metrics *links;
    struct flow_metrics *flows;
    struct host_metrics *hosts;
    uint32_t group_count, link_count, flow_count, host_count;
    struct recovery recoveries[RECOVERIES_MAX];
    uint32_t recovery_count;
    uint64_t recoveries_lost; /* more events than RECOVERIES_MAX: said in result.json */
    struct series *series;
};

struct metrics_names {
    const char *const *names; /* borrowed for the life of the metrics */
    uint32_t count;
};

struct metrics_options {
    nsec measure_from;
    /* Only one end of the tunnels is seen: what it sends and what is delivered to it are different
     * packets. They have no ratio, and the traffic window begins with the first of either. */
    bool one_end;
    /* Only with one_end: what is delivered are answers to what was sent, so that there is a ratio
     * again, and a time from question to answer. */
    bool echo;
    bool by_version; /* somebody may speak IKEv1: what each version costs is told apart */
    struct metrics_names groups, links, flows, hosts;
    FILE *series; /* series.csv, borrowed; NULL: no series */
};

/** @retval ERR_MEMORY  nothing was made */
enum err metrics_create(const struct metrics_options *, struct metrics **out) MUST_USE;
void metrics_destroy(struct metrics *);

/* Handshakes: `group` is the initiator's. Each started one ends in completed, failed or pending. */
void metrics_ike_started(struct metrics *, uint32_t group, nsec now);
void metrics_ike_completed(struct metrics *, uint32_t group, nsec now, nsec started);
/** @param reason  constant text, counted under failed_by */
void metrics_ike_failed(struct metrics *, uint32_t group, nsec now, const char *reason);
void metrics_first_packet(struct metrics *, uint32_t group, nsec now, nsec started);

/** An IKE message left an endpoint: the major version in its header, bytes of its IP packet. Of a
 * version that there is none of nothing is counted, nor without by_version. */
void metrics_ike_message(struct metrics *, unsigned version, uint64_t bytes);
/** A message came to an initiator of this group that was setting up. */
void metrics_ike_answer(struct metrics *, uint32_t group);

/* Add to the run and to the group: one counter each, by name of the field. */
#define METRICS_IKE_COUNT(m, group, field, n)                                                      \
    ((m)->ike.field += (n), (m)->groups[group].ike.field += (n))
/* What is added as it grows in an endpoint. X(field, counter of the endpoint) */
#define METRICS_IKE_GROWTH(X)                                                                      \
    X(installed, installed)                                                                        \
    X(retransmissions, retransmissions)                                                            \
    X(rekeys_ike, rekeys_ike)                                                                      \
    X(rekeys_child, rekeys_child)                                                                  \
    X(reauthentications, reauthentications)                                                        \
    X(moves, moves)                                                                                \
    X(moves_refused, moves_refused)                                                                \
    X(routability_failures, routability_failures)                                                  \
    X(collisions, collisions)                                                                      \
    X(collisions_ike, collisions_ike)                                                              \
    X(dpd_failures, dpd_failures)                                                                  \
    X(keepalives, keepalives_sent)                                                                 \
    X(peer_moves, peer_moves)                                                                      \
    X(cookies_sent, cookies_sent)                                                                  \
    X(cookies_accepted, cookies_accepted)                                                          \
    X(cookies_wrong, cookies_wrong)                                                                \
    X(half_open_refused, dropped[IKE_DROP_SOURCE])                                                 \
    X(tokens_shown, tokens_shown)                                                                  \
    X(tokens_wrong, tokens_wrong)                                                                  \
    X(crashes_detected, crashes_detected)                                                          \
    X(users_known, users_known)                                                                    \
    X(users_refused, users_refused)                                                                \
    X(addresses_given, addresses_given)                                                            \
    X(addresses_short, addresses_short)                                                            \
    X(fragments.messages, messages_fragmented)                                                     \
    X(fragments.made, fragments_made)                                                              \
    X(fragments.received, fragments_heard)                                                         \
    X(fragments.joined, messages_joined)                                                           \
    X(fragments.incomplete, joining_expired)                                                       \
    X(fragments.incomplete, joining_replaced)

/* Inner packets of a flow; `bytes` is the length of the inner IP packet. */
void metrics_esp_sent(struct metrics *, uint32_t flow, nsec now, uint64_t bytes);
void metrics_esp_delivered(struct metrics *, uint32_t flow, nsec now, nsec sent, uint64_t bytes);
/** The same with one_end, where nobody knows when it was sent: no latency. */
void metrics_esp_arrived(struct metrics *, uint32_t flow, nsec now, uint64_t bytes);
/** An echo that was due at `due` is sent now. */
void metrics_echo_sent(struct metrics *, uint32_t flow, nsec now, nsec due, uint64_t bytes);
void metrics_echo_answered(struct metrics *, uint32_t flow, nsec now, nsec due, uint64_t bytes);
void metrics_echo_lost(struct metrics *, uint32_t flow);
void metrics_echo_stray(struct metrics *, uint32_t flow);
/** No more are sent: rates of sending are over the time until now. */
void metrics_echo_ended(struct metrics *, uint32_t flow, nsec now);
/** `flow` may be METRICS_NO_FLOW: a replayed or forged packet belongs to none. */
void metrics_esp_dropped(struct metrics *, uint32_t flow, enum esp_drop);
void metrics_esp_dropped_many(struct metrics *, uint32_t flow, enum esp_drop, uint64_t count);
#define METRICS_NO_FLOW UINT32_MAX

/** A NAT group's number of live mappings rose by one; keeps the peak. Expiry: plain fields. */
void metrics_nat_mapped(struct metrics *, uint32_t group);

/** Copies `event`. */
void metrics_recovery(struct metrics *, const struct recovery *);

/**
 * Write one row per series for the interval that ends at `now`. Call at each multiple of
 * measure.series_interval and once at the end. Rows (time_s is the end of the interval):
 *
 *   scope        metric                 unit      value
 *   run          handshakes_started     1         in the interval
 *   run          handshakes_completed   1         in the interval
 *   run          handshakes_failed      1         in the interval
 *   run          tunnels_up             1         completed so far minus ike_down, see set_tunnels
 *   run          setup_time_p50/_p99    s         of those completed in the interval; no row if
 * none run          retransmissions        1         in the interval run          dropped.CAUSE
 * packets   in the interval, row only if not 0 run          esp_dropped.CAUSE      packets   in the
 * interval, row only if not 0 flow:NAME    esp_sent_bytes         B         in the interval
 *   flow:NAME    esp_delivered_bytes    B         in the interval
 *   group:NAME   nat_mappings           1         gauge; NAT groups only
 *   link:NAME    sent_bytes             B         in the interval
 *   link:NAME    queue_bytes            B         gauge
 *   host:NAME    cpu_busy_ratio         1         of all cores, in the interval
 *   host:NAME    backlog, half_open, ike_sas      gauges
 */
void metrics_sample(struct metrics *, nsec now);
/** The number of tunnels that are up now, for the series. [gauge] */
void metrics_set_tunnels(struct metrics *, uint64_t up);
/** The run is over at `now`: last sample, duration fixed. @retval ERR_IO series.csv failed */
enum err metrics_finish(struct metrics *, nsec now) MUST_USE;

enum metric_kind {
    METRIC_OPEN,  /* an object begins; key and path only */
    METRIC_CLOSE, /* and ends */
    METRIC_VALUE,
    METRIC_HIST, /* a histogram of nanoseconds: one entry with several numbers */
    METRIC_TEXT,
};

/** One entry of `virtual`. */
struct metric {
    enum metric_kind kind;
    const char *key;  /* "setup_time_s" */
    const char *path; /* "ike.setup_time_s", "flows.upload.esp.delivered_ratio" */
    const char *unit; /* "s", "1", "1/s", "bit/s", "B", "packets" */
    struct fixed value;
    const struct hist *hist;
    const char *text;
};

typedef void metric_visitor(void *context, const struct metric *);
/**
 * Visit `virtual` in the order of result.json, without recovery_s, which is an array. result.json,
 * scalars.csv and thresholds all come from this one walk.
 */
void metrics_visit(const struct metrics *, metric_visitor *, void *context);
/**
 * The value or histogram at `path`; PATH@NAME is that path inside the group, host, link or flow
 * NAME. recovery_s.t50, .t99 and .t100 are the worst of all recoveries, none if one was not
 * reached or there was none. A reason that did not occur (ike.failed_by.REASON) is 0.
 * In `out` key, path and text are not set. False if there is no such thing.
 */
bool metrics_find(const struct metrics *, const char *path, struct metric *out);

/** Text of the `virtual` object, pretty-printed at `indent` levels; two runs compare as bytes. */
void metrics_virtual_json(const struct metrics *, struct text *, int indent);
/** scalars.csv: metric,unit,value; histograms as metric.count, .p50 ... */
void metrics_scalars_csv(const struct metrics *, struct text *);
/** histograms.json: {"schema_version":1,"histograms":{"ike.setup_time_s":{"unit":"ns","count":..,
 * "sum":..,"min":..,"max":..,"buckets":[[low,high,count],...]}}}; mergeable by adding counts. */
void metrics_histograms_json(const struct metrics *, struct text *);

#endif
