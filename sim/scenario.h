/*
 * A scenario, read and checked: everything the topology, the traffic and the report need, in base
 * units (nanoseconds, bit/s, bytes, probabilities as p * 2^32), defaults filled in, names resolved
 * to indices. The grammar is docs/scenario-format.md, made from the table in scenario_keys.c.
 * Order is the file's order; a group's, link's or flow's index is its position. Not here: the
 * nodes themselves (topology), the addresses they take (address_plan.h).
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "base/err.h"
#include "base/time.h"
#include "proto/core/config.h"
#include "proto/ip/addr.h"
#include "record/threshold.h"
#include "sim/words.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum scenario_sizes {
    SCENARIO_NAME_MAX = 32, /* length of a name of a group, link or flow */
    SCENARIO_GROUPS_MAX = 256,
    SCENARIO_NODES_MAX = 8 << 20,
    SCENARIO_NONE = -1, /* an index that names nothing */
    PKI_INTERMEDIATES_MAX = 3,
};

/** Members first..last of a group or of a link. */
struct scenario_range {
    uint32_t index;
    uint32_t first, last;
};

struct member_list {
    const struct scenario_range *ranges; /* of groups */
    uint32_t count;
};

enum pki_form { PKI_CERTIFICATES, PKI_RAW_KEYS };

/** Unix time at simulated time 0: 2026-01-01T00:00:00Z. Certificates are judged by it. */
#define SCENARIO_EPOCH_S INT64_C(1767225600)

/** `pki:`, the test credentials of those who sign, and who of them has bad ones. */
struct pki_words {
    uint32_t form; /* enum pki_form */
    uint32_t rsa_bits;
    uint32_t rsa_keys; /* key pairs that the members of a group share */
    uint32_t intermediates;
    nsec lifetime; /* of the end entities' certificates, from the start on */
    uint32_t crl;  /* enum x509_crl_mode */
    struct member_list revoked, expired, not_yet_valid, wrong_ca, wrong_identity;
};

enum node_role { ROLE_INITIATOR, ROLE_RESPONDER, ROLE_NAT, ROLE_ROUTER, ROLE_ATTACKER };
/** As written in `role:`. */
const char *node_role_name(enum node_role);

/** When the members of an initiator group start, in member order. */
enum arrivals_kind { ARRIVALS_AT_ONCE, ARRIVALS_FIXED, ARRIVALS_POISSON, ARRIVALS_RAMP };

struct arrivals {
    enum arrivals_kind kind;
    nsec at;             /* start of the process; fixed and at once: the first member's start */
    uint64_t rate_micro; /* per second * 10^6; ramp: at its start */
    uint64_t to_micro;   /* ramp: at its end, and from then on */
    nsec over;           /* ramp: how long it takes */
};

struct cpu_words {
    uint32_t cores;         /* 0: no CPU model, work takes no time */
    const char *costs;      /* name of the cost table; NULL without cores */
    const char *costs_path; /* its file, found when the scenario was read */
    uint32_t backlog;       /* datagrams that may wait for a core */
};

enum cookie_word { COOKIE_ABOVE, COOKIE_ALWAYS };

struct limit_words {
    uint32_t ike_sas, half_open; /* 0: no limit */
    uint32_t half_open_per_source;
    uint32_t cookie_above; /* 0: never */
    uint32_t cookie;       /* enum cookie_word */
};

/** `flood:`, what each member of an attacker group sends. */
struct flood_words {
    uint32_t requests;
    uint64_t rate_micro;      /* per second * 10^6 */
    struct ip_prefix sources; /* claimed; family 0: none given */
    nsec at;                  /* of the first */
};

/**
 * How the members of a group prove who they are, as written in `ike.auth`.
 * X(symbol, word, way, kind of key, suite for method 14). "rsa" is RSASSA-PSS; the longer words
 * are strongSwan's. With `pki.form: raw-keys` AUTH_CERTIFICATE becomes AUTH_RAW_KEY.
 */
#define AUTH_WORD_LIST(X)                                                                          \
    X(PSK, "psk", AUTH_PSK, KEY_TYPES, "")                                                         \
    X(RSA, "rsa", AUTH_CERTIFICATE, KEY_RSA, "rsa/pss-sha256")                                     \
    X(RSA_PSS_256, "rsa/pss-sha256", AUTH_CERTIFICATE, KEY_RSA, "rsa/pss-sha256")                  \
    X(RSA_PSS_384, "rsa/pss-sha384", AUTH_CERTIFICATE, KEY_RSA, "rsa/pss-sha384")                  \
    X(RSA_PSS_512, "rsa/pss-sha512", AUTH_CERTIFICATE, KEY_RSA, "rsa/pss-sha512")                  \
    X(RSA_256, "rsa-sha256", AUTH_CERTIFICATE, KEY_RSA, "rsa-sha256")                              \
    X(RSA_384, "rsa-sha384", AUTH_CERTIFICATE, KEY_RSA, "rsa-sha384")                              \
    X(RSA_512, "rsa-sha512", AUTH_CERTIFICATE, KEY_RSA, "rsa-sha512")                              \
    X(ECDSA, "ecdsa", AUTH_CERTIFICATE, KEY_ECP256, "ecdsa-256-sha256")                            \
    X(ECDSA_256, "ecdsa-256", AUTH_CERTIFICATE, KEY_ECP256, "ecdsa-256-sha256")                    \
    X(ECDSA_384, "ecdsa-384", AUTH_CERTIFICATE, KEY_ECP384, "ecdsa-384-sha384")                    \
    X(ECDSA_521, "ecdsa-521", AUTH_CERTIFICATE, KEY_ECP521, "ecdsa-521-sha512")                    \
    X(ED25519, "ed25519", AUTH_CERTIFICATE, KEY_ED25519, "ed25519")                                \
    X(ED448, "ed448", AUTH_CERTIFICATE, KEY_ED448, "ed448")                                        \
    X(NULL, "null", AUTH_NULL, KEY_TYPES, "")                                                      \
    X(RSA_ENCRYPTION, "rsa-encryption", AUTH_RSA_ENCRYPTION, KEY_RSA, "")                          \
    X(RSA_REVISED, "rsa-encryption-revised", AUTH_RSA_REVISED, KEY_RSA, "")

enum auth_word {
#define X(symbol, word, way, key, suite) AUTH_WORD_##symbol,
    AUTH_WORD_LIST(X)
#undef X
        AUTH_WORD_COUNT
};

struct scenario_auth {
    const char *word;
    enum auth_way way;
    enum sign_key_type key; /* KEY_TYPES: nobody has a key pair */
    const struct sign_suite *suite;
};

/** Look-ups (a CRL or OCSP responder, an AAA server) that take time: `ike.lookup`. */
struct lookup_words {
    nsec latency; /* NSEC_NEVER: there are none */
    nsec jitter;  /* each takes latency - jitter to latency + jitter */
    nsec timeout; /* without an answer by then `accept` decides */
    bool accept;
};

enum qcd_secret_word { QCD_SECRET_KEPT, QCD_SECRET_LOST };

/** `ike.version`, in strongSwan's numbers: of a responder 0 answers both versions. */
enum version_word { VERSION_ANY, VERSION_1, VERSION_2, VERSION_WORDS };

/** The words of `ike:` as written, before they become a struct ike_config. */
struct ike_words {
    uint32_t version; /* enum version_word */
    uint32_t phase1;  /* enum phase1_mode */
    const char *const *proposals;
    uint32_t proposal_count;
    uint32_t auth;      /* enum auth_word */
    uint32_t send_cert; /* enum send_cert */
    struct lookup_words lookup;
    const char *psk;
    const char *id; /* "{n}" stands for the member; NULL: GROUP-N.ikelab.example */
    nsec rekey_time, over_time, rand_time, reauth_time;
    nsec dpd_delay, nat_keepalive, half_open_timeout;
    nsec retransmit_timeout, retransmit_limit;
    uint64_t retransmit_base; /* milli */
    uint64_t retransmit_jitter;
    uint32_t retransmit_tries;
    uint32_t childless;     /* enum childless_policy */
    uint32_t fragmentation; /* enum fragmentation_policy */
    uint32_t fragment_size;
    uint32_t window;
    bool encap, initial_contact, make_before_break;
    bool mobike, mobike_no_nats;
    uint32_t mobike_check;        /* enum mobike_check */
    struct ip_prefix mobike_from; /* family 0: anywhere */
    const char *const *quirks;    /* names of enum ike_quirk */
    uint32_t quirk_count;
    bool invalid_message_id, invalid_spi;
    bool quick_crash_detection;
    uint32_t qcd_secret; /* enum qcd_secret_word */
    /* Of version 1 */
    bool xauth, ask_address, address_only;
    const char *xauth_user;        /* as id; NULL: the identity */
    const char *xauth_password;    /* a test credential */
    struct ip_prefix address_pool; /* family 0: none */
};

enum child_mode { CHILD_TUNNEL, CHILD_TRANSPORT };

struct child_words {
    const char *const *esp_proposals;
    uint32_t esp_proposal_count;
    uint32_t mode; /* enum child_mode */
    nsec rekey_time, life_time, rand_time;
    uint64_t rekey_bytes, life_bytes, rekey_packets, life_packets;
    uint32_t replay_window;
    uint32_t tfc_padding; /* bytes, or TFC_TO_MTU */
    uint32_t per_resource;
    bool esn, path_mtu_discovery, fragment_before, single_pair;
    const struct ip_prefix *local_ts;
    uint32_t local_ts_count;
    const struct ip_prefix *remote_ts;
    uint32_t remote_ts_count;
};

/** What becomes of fragments of IP packets. */
enum fragment_way { FRAGMENTS_PASS, FRAGMENTS_DROP };

struct scenario_group {
    const char *name;
    enum node_role role;
    uint32_t count;
    uint32_t first_node;        /* number of member 0; nodes are numbered group by group */
    int32_t connect;            /* initiators, attackers: the responder group; member i of n has to
                                   do with member floor(i * m / n). SCENARIO_NONE for others */
    int32_t one_per;            /* the group this one is counted by, or SCENARIO_NONE */
    const char *const *uplinks; /* names of two links, or none */
    uint32_t uplink_count;
    int32_t uplink[2]; /* initiators: these links, the way out at the start and the other one;
                          SCENARIO_NONE: there is one link only */
    uint32_t one_per_members;
    struct arrivals arrivals;
    bool established; /* initiators: their tunnels need no handshake when they start, */
    const struct ike_agreement *agreed; /* as this is what it would come to; NULL: else */
    struct ip_prefix addresses; /* family 0: by the address plan; else member i takes address + i
                                   (a NAT: on its outside) */
    const struct ip_prefix *protects; /* responder: what lies behind it; initiator: what it
                                         speaks for instead of an inner address of its own */
    uint32_t protect_count;
    struct cpu_words cpu;
    struct limit_words limits;
    struct flood_words flood; /* ROLE_ATTACKER */
    struct nat_words nat;     /* ROLE_NAT */
    int32_t forward;       /* ROLE_NAT: the responder inside that its ports 500 and 4500 lead to, or
                              SCENARIO_NONE */
    bool icmp_errors;      /* ROLE_ROUTER: it tells senders of packets that it cannot pass on */
    uint32_t ip_fragments; /* ROLE_NAT, ROLE_ROUTER: enum fragment_way */
    struct ike_words ike_words;
    struct child_words child_words;
    struct ike_config ike; /* initiator, responder: complete with ike.child, except for ike.id
                              (scenario_identity), for keys, certificates and trust
                              (sim/credentials.h) and for traffic selectors where the scenario
                              names none (local_count or remote_count 0) */
};

enum link_direction_index { LINK_UP, LINK_DOWN }; /* side a to side b, and back */

struct scenario_link {
    const char *name;
    uint32_t side[2];                /* groups a, b; a NAT on side b: the link is its inside */
    uint32_t members;                /* n = max(count a, count b) links; link i joins member
                                        floor(i * count / n) of each side */
    struct link_words words[2];      /* by enum link_direction_index */
    const struct packet_fate *fates; /* as written; `words` have those of their direction */
    uint32_t fate_count;
};

enum size_kind { SIZE_FIXED, SIZE_RANGE, SIZE_IMIX };

/** Inner IP traffic through the tunnels between two groups, per tunnel. */
struct scenario_flow {
    const char *name;
    uint32_t from, to; /* groups: an initiator and its responder, or the other way round */
    bool both;         /* also from `to` to `from`, at the same rate */
    bool start_up;     /* starts when the tunnel is up; otherwise at `start` */
    nsec start;
    nsec duration;              /* NSEC_NEVER: to the end of the run */
    uint64_t rate_bps;          /* inner IP bits; 0: by packets */
    uint64_t packet_rate_micro; /* packets per second * 10^6; 0: by bits */
    bool poisson;               /* times between packets; else constant */
    uint32_t burst;             /* so many packets leave at once */
    uint32_t ports;             /* of the client, in turn: as many UDP flows; at least 1 */
    bool df;                    /* packets may not be cut; who sends them learns what fits */
    enum size_kind size;
    uint32_t size_min, size_max; /* inner IP bytes; fixed: equal; range: uniform, inclusive */
};

enum event_action {
    ACTION_REBOOT,    /* state lost, nothing said to the peers; away for `duration`, then back;
                         initiators connect again */
    ACTION_CRASH,     /* the same, away until ACTION_RESTART, or for `duration` */
    ACTION_RESTART,   /* back after a crash; of one that is up: as REBOOT */
    ACTION_LINK_DOWN, /* drops everything; for `duration`, or until ACTION_LINK_UP */
    ACTION_LINK_UP,
    ACTION_SWITCH,        /* another link of the node is its way out: it has another address */
    ACTION_LOOKUP_OUTAGE, /* look-ups get no answer; for `duration`, or to the end */
    /* What an operator asks of the tunnels of an endpoint, as far as they can now. */
    ACTION_REKEY_CHILD,
    ACTION_NEW_CHILD,
    ACTION_DELETE_CHILD,
    ACTION_REKEY_IKE,
    ACTION_TERMINATE,
    ACTION_PROBE,         /* a liveness check: RFC 7296 §2.4 */
    ACTION_SKIP_SEQUENCE, /* as if `packets` of every child SA had been sent and lost */
    ACTION_COUNT
};

/** Whether it is asked of tunnels, and so of endpoints. */
static inline bool action_is_asked(enum event_action a)
{
    return a >= ACTION_REKEY_CHILD && a <= ACTION_PROBE;
}
/** As written in `events:`. */
const char *action_name(enum event_action);

struct scenario_event {
    nsec at;
    nsec duration;    /* `for:`; 0: none given */
    uint64_t packets; /* ACTION_SKIP_SEQUENCE; else 0 */
    enum event_action action;
    bool on_links;     /* ranges are of links, else of groups */
    const char *to;    /* ACTION_SWITCH: name of the link */
    int32_t link;      /* and the link */
    const char *label; /* "boxes reboot", for recovery_s */
    const struct scenario_range *ranges;
    uint32_t range_count;
};

struct capture_words {
    const struct scenario_range *of; /* of groups; none: nothing is captured */
    uint32_t of_count;
    bool written;           /* the file asks for a capture: a sweep makes none on its own */
    uint32_t conversations; /* initiators of whom packets, keys and events are kept */
    uint32_t esp_packets_per_sa;
    uint64_t max_size; /* bytes */
};

/** What a page of the report shows beside a question. */
#define LESSON_LOOK_LIST(X)                                                                        \
    X(CHART, "chart")                                                                              \
    X(NAT, "nat")                                                                                  \
    X(SA, "sa")                                                                                    \
    X(RETRANSMISSIONS, "retransmissions")                                                          \
    X(WINDOW, "window")                                                                            \
    X(HOST, "host")                                                                                \
    X(MESSAGE, "message")

enum lesson_look {
#define X(symbol, word) LOOK_##symbol,
    LESSON_LOOK_LIST(X)
#undef X
        LOOK_NONE
};

/** As written in `look:`; NULL for LOOK_NONE. */
const char *lesson_look_name(enum lesson_look);

/** Predict, then reveal. */
struct lesson_question {
    const char *ask, *answer;
    nsec at;       /* where to put the slider; NSEC_NEVER: anywhere */
    uint32_t look; /* enum lesson_look */
};

/** `lesson:`, what a scenario is there to teach. The run does not read it; the report does. */
struct lesson {
    uint32_t situation; /* number in the catalogue; 0: the scenario is no lesson */
    const char *title, *shows;
    const char *sibling;         /* file stem of the other half; NULL: none */
    const char *const *sections; /* "RFC 7296 §2.23" */
    uint32_t section_count;
    const struct lesson_question *questions;
    uint32_t question_count;
};

enum { SWEEP_RUNS_MAX = 100000 };

struct sweep_axis {
    const char *key;             /* "links.core.loss.gemodel.p" */
    const char *const *values;   /* as written */
    const struct fixed *numbers; /* the same in `unit`; NULL: they are words */
    const char *unit;            /* "s", "bit/s", "B", "1/s", "1" */
    uint32_t value_count;
};

/** One number of `virtual`. */
struct sweep_metric {
    const char *path; /* "ike.setup_time_s.p99", "esp.delivered_ratio@upload" */
    const char *unit;
};

struct sweep {
    const struct sweep_axis *axes;
    uint32_t axis_count;
    uint32_t repeat;
    const char *const *report; /* as written */
    uint32_t report_count;
    bool thresholds_ignored; /* a failed one does not decide the exit code */
    /* What is reported: `report`, else what the thresholds look at, else a few of everybody's. */
    const struct sweep_metric *metrics;
    uint32_t metric_count;
};

struct scenario {
    const char *path;
    const char *name;
    char sha256[65]; /* of the file, hex */
    uint64_t seed;
    nsec stop_time;
    bool crypto_modelled;
    nsec measure_from, series_interval;
    struct ike_words ike; /* what the groups inherit */
    struct child_words child;
    struct pki_words pki;
    struct scenario_group *groups;
    struct scenario_link *links;
    struct scenario_flow *flows;
    struct scenario_event *events; /* in the order of time, then of the file */
    struct threshold *thresholds;
    uint32_t group_count, link_count, flow_count, event_count, threshold_count;
    uint32_t node_count;
    struct capture_words capture;
    struct sweep sweep;
    struct lesson lesson;
    struct arena *arena; /* owns every string and array above */
};

/** `--set KEY=VALUE`: a dotted path and a value in YAML, put into the document before reading. */
struct scenario_override {
    const char *key;
    const char *value;
};

/**
 * Read and check a scenario file. Warnings (a run is possible, but hardly meant) go to `errors`
 * as well.
 * @param[out] out     on error empty
 * @param      errors  each error as FILE:LINE:COL: error: MESSAGE, the line and a caret
 * @retval ERR_USAGE   the scenario is wrong, all said on `errors`
 * @retval ERR_IO      the file cannot be read, said on `errors`
 * @retval ERR_MEMORY
 */
enum err scenario_load(const char *path, const struct scenario_override *overrides, size_t count,
                       struct scenario *out, FILE *errors) MUST_USE;
/**
 * The same with the values of one cell of the sweep in their places, as if set by overrides after
 * the others; errors point at them.
 * @param cell  below sweep_cells() of the scenario
 */
enum err scenario_load_cell(const char *path, const struct scenario_override *overrides,
                            size_t count, uint64_t cell, struct scenario *out,
                            FILE *errors) MUST_USE;
/** The same from memory, for programs that bring their scenario. `name` stands for the path. */
enum err scenario_load_text(const char *name, const char *text, struct scenario *out,
                            FILE *errors) MUST_USE;
void scenario_reset(struct scenario *);

/** Combinations of the values of all axes, at least 1. */
uint64_t sweep_cells(const struct sweep *);
/**
 * Load every cell: values that are good alone may not go together.
 * @param loaded  the same file with the same overrides
 * @param errors  the first cell that is wrong is said here, with its values
 * @retval ERR_USAGE, ERR_IO, ERR_MEMORY  as scenario_load
 */
enum err sweep_check(const struct scenario *loaded, const struct scenario_override *overrides,
                     size_t count, FILE *errors) MUST_USE;

/** The identity of a member of an initiator or responder group (ID_FQDN or ID_RFC822_ADDR). */
struct identity scenario_identity(const struct scenario *, uint32_t group, uint32_t member);
/** The name that a member has in XAUTH; the type says nothing. */
struct identity scenario_user(const struct scenario *, uint32_t group, uint32_t member);
/** Where the member's number is in the identities of a group; SCENARIO_NONE: nowhere. */
int32_t scenario_identity_number(const struct scenario *, uint32_t group);

/** What the word of `ike.auth` stands for. */
struct scenario_auth scenario_auth(const struct ike_words *);
/** Whether the members of this group have key pairs: they sign, or are encrypted to. */
bool scenario_signs(const struct scenario_group *);
/** Whether any group does. */
bool scenario_has_signers(const struct scenario *);
/** Whether anybody floods a gateway. */
bool scenario_has_attackers(const struct scenario *);
/** Whether the members of this group call with IKEv1. */
bool scenario_calls_with_v1(const struct scenario_group *);
/** Whether they call with it or answer it. */
bool scenario_speaks_v1(const struct scenario_group *);
/** Whether it can be offered in IKEv1, in phase 1 or phase 2. */
bool scenario_v1_can_say(const struct proposal_config *, bool phase1);
/** Whether any group does. */
bool scenario_has_v1(const struct scenario *);
bool scenario_lists(const struct member_list *, uint32_t group, uint32_t member);
static inline bool scenario_looks_up(const struct scenario_group *g)
{
    return (g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER) &&
           g->ike_words.lookup.latency != NSEC_NEVER;
}

/**
 * Traffic selectors of a member where the scenario names none: what it protects, or its inner
 * address. @return how many of `out` (SELECTORS_MAX) are set
 */
uint8_t scenario_protects(const struct scenario_group *, struct ip_addr inner,
                          struct selector *out);

/** What all of this means, defaults included, as one JSON object, indented at `depth` levels. */
void scenario_dump_json(const struct scenario *, struct text *, int depth);
/** `lesson:` as it was written; `for_result`: with the moments in nanoseconds (at_ns) as well. */
void scenario_lesson_json(const struct lesson *, struct text *, int depth, bool for_result);

/** The words of an `ike:` or a `child:` alone, as one JSON object. */
void scenario_dump_ike(const struct ike_words *, struct text *);
void scenario_dump_child(const struct child_words *, struct text *);

/**
 * Fill names and measure_from for metrics_create, in index order; arrays are owned by the
 * scenario. hosts: the responder groups, and who else has `cpu:`, in group order.
 */
enum err scenario_metrics(const struct scenario *, struct metrics_options *out) MUST_USE;
/** Index of a group among the hosts above, or SCENARIO_NONE. */
int32_t scenario_host_index(const struct scenario *, uint32_t group);

#endif
