/*
 * The world of a search: two endpoints A and B that have one IKE SA and one child pair, and a wire
 * on which nothing happens by itself. Each step is a choice of the searcher: deliver, lose or
 * double a message, let a timer fire, pull a trigger. The same choices give the same world, bit for
 * bit (modelled crypto, named random streams), so a path is kept as its choices and walked again.
 *
 * Beside IKE each side sends a marked ESP packet at every step; when a world has reached a state
 * that is new, all of them arrive there (explore/invariant).
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include "crypto/provider.h"
#include "explore/setup.h"
#include "proto/core/exchange.h"
#include "proto/endpoint.h"

enum world_sizes {
    WIRE_MAX = 24, /* messages on the way at once */
    MESSAGE_BYTES = 1024,
    PACKETS_MAX = 160,
    PACKET_BYTES = 192,
    SAID_MAX = 64, /* different messages of a run */
    TRIGGERS_MAX = 4,
    CHOICES_MAX = 3 * WIRE_MAX + 2 + TRIGGERS_MAX,
};

#define WORLD_MARK "a clear mark" /* in every inner packet */

/* What a user may ask of an endpoint. X(symbol, name) */
#define TRIGGER_LIST(X)                                                                            \
    X(REKEY_CHILD, "rekey_child")                                                                  \
    X(NEW_CHILD, "new_child")                                                                      \
    X(DELETE_CHILD, "delete_child")                                                                \
    X(REKEY_IKE, "rekey_ike")                                                                      \
    X(TERMINATE, "terminate")                                                                      \
    X(PROBE, "probe")                                                                              \
    X(PACKET, "send_packet") /* through its tunnel; it arrives at once */

enum trigger_kind {
#define X(symbol, name) TRIGGER_##symbol,
    TRIGGER_LIST(X)
#undef X
        TRIGGER_COUNT
};

const char *trigger_name(enum trigger_kind);

struct trigger {
    uint8_t side, kind; /* enum trigger_kind */
};

enum choice_kind { CHOICE_DELIVER, CHOICE_LOSE, CHOICE_DOUBLE, CHOICE_TIMER, CHOICE_TRIGGER };

struct choice {
    uint8_t kind;  /* enum choice_kind */
    uint8_t index; /* of the message on the wire, of the side whose timer fires, of the trigger */
};

struct message {
    struct ike_dgram dgram; /* as the receiver sees it; data is below */
    uint8_t data[MESSAGE_BYTES];
    uint64_t digest;
    uint32_t number; /* in order of sending */
    uint8_t from;
    uint8_t exchange; /* enum exchange_kind, as far as can be told from outside */
    uint32_t id;
};

struct packet {
    struct ike_dgram dgram;
    uint8_t data[PACKET_BYTES];
    nsec at;
    uint32_t mark;
    uint8_t from;
};

/* One line of a chart. */
enum story_kind {
    STORY_SENT,
    STORY_ARRIVED,
    STORY_LOST,
    STORY_DOUBLED,
    STORY_TIMER,
    STORY_TRIGGER,
    STORY_EVENT
};

struct story_line {
    enum story_kind kind;
    nsec at;
    uint8_t side; /* who does it, who receives */
    uint8_t exchange;
    bool response, late, refused;
    uint16_t transmission;
    uint32_t number, id;    /* of the message */
    uint32_t nth;           /* SENT: how many its side has sent, the handshake's too */
    const char *what, *why; /* trigger; event and reason */
};

typedef void story_teller(void *context, const struct story_line *);

/** How the two are configured, where that is not the built-in way. */
struct world_ends {
    struct ike_config config[2];
    struct ip_addr inner[2]; /* IPv4: packets go from one to the other */
};

struct world_options {
    const struct world_ends *ends; /* borrowed; NULL: built in */
    uint64_t seed;
    unsigned quirks; /* of B, besides its configuration's: enum ike_quirk */
    unsigned quirks_a;
    struct world_setup setup;
    uint8_t window;  /* of both, as ike_config.window */
    unsigned faults; /* losses, doubles and late timers together */
    const struct trigger *triggers;
    unsigned trigger_count;
    story_teller *tell; /* may be NULL */
    void *context;
};

struct world {
    struct world_options options;
    struct meter meter;
    struct crypto *crypto;
    struct ike_config plain[2], config[2]; /* without and with the setup */
    enum setup_phase phase;
    struct ike_endpoint *end[2];
    nsec now;
    unsigned faults;                /* left */
    unsigned pulled;                /* set of triggers, by index */
    bool child_deleted, terminated; /* a user asked for it */
    bool untold; /* IKEv1: an Informational is lost or late, which nothing answers and nobody sends
                    again */
    unsigned new_children;
    unsigned rekeys_asked; /* of child SAs, by either end */
    struct message wire[WIRE_MAX];
    unsigned wire_count;
    uint32_t sent;
    uint32_t sent_by[2];           /* the handshake's too */
    const struct message *hearing; /* being delivered: a response to it has its name */
    /* Messages by who, SA, ID and direction: a repetition must have the same bytes (I9). */
    struct said {
        uint64_t key, digest;
    } said[SAID_MAX];
    unsigned said_count;
    bool said_differently;
    struct packet packets[PACKETS_MAX];
    unsigned packet_count;
    bool unsendable[2]; /* a packet could not be sent at some step */
    const char *broken; /* the world itself is too small for this run */
};

/** Two endpoints after their handshake, in memory that is zero or was a world before.
 * @retval ERR_MEMORY world_destroy it all the same */
enum err world_create(struct world *, const struct world_options *) MUST_USE;
void world_destroy(struct world *);
/** What may happen now. @return how many */
unsigned world_choices(const struct world *, struct choice out[CHOICES_MAX]);
void world_step(struct world *, struct choice);
/** Let time pass. @param until  before the next deadline */
void world_wait(struct world *, nsec until);
/** When the next timer of a side fires, NSEC_NEVER if none. */
nsec world_deadline(const struct world *, unsigned side);
/** Nothing on the wire and no deadline: without a trigger nothing happens any more. */
bool world_quiet(const struct world *);
/** Whether the two speak IKEv1. */
bool world_v1(const struct world *);
uint64_t world_fingerprint(const struct world *);

/** Seal one packet now. @retval as ike_endpoint_protect */
enum err world_packet(struct world *, unsigned from, struct packet *out);
/** It reaches the other side. @retval as ike_endpoint_unprotect; ERR_USAGE: other content */
enum err world_packet_arrives(struct world *, struct packet *);

#endif
