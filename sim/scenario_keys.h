/*
 * The one table of the scenario grammar. Reading, writing back, `ikelab explain`, the JSON Schema
 * and the reference page all come from it. A key says its type, where its value goes, its default
 * as one would write it, its range, and one sentence about it.
 */
#ifndef SIM_SCENARIO_KEYS_H
#define SIM_SCENARIO_KEYS_H

#include "sim/scenario.h"
#include "sim/scenario_units.h"

enum key_type {
    KEY_COUNT,   /* uint32_t */
    KEY_COUNT64, /* uint64_t */
    KEY_BOOL,    /* bool */
    KEY_WORD,    /* an enum: index into words */
    KEY_CHOICE,  /* a bool: false and true are the two words */
    KEY_NAME,    /* const char *: letters, digits, - and _ */
    KEY_TEXT,    /* const char * */
    KEY_TEXTS,   /* const char *const *, and its count in the uint32_t behind it; of words if any */
    KEY_TIME,    /* nsec */
    KEY_BITRATE, /* uint64_t, bit/s */
    KEY_SIZE,    /* uint64_t, bytes */
    KEY_SIZE32,  /* uint32_t, bytes */
    KEY_PADDING, /* uint32_t, bytes, or mtu: TFC_TO_MTU */
    KEY_PROBABILITY,
    KEY_FREQUENCY, /* uint64_t, per second * 10^6 */
    KEY_MILLI,     /* uint64_t, thousandths */
    KEY_ADDRESS,   /* struct ip_prefix of full length */
    KEY_PREFIX,    /* struct ip_prefix */
    KEY_PREFIXES,  /* const struct ip_prefix *, and its count in the uint32_t behind it */
    KEY_PORTS,     /* two uint16_t: first, last */
    KEY_SECTION,   /* a mapping with keys of its own, in place */
    KEY_LOSS,      /* such a mapping, but one with exactly one of its keys */
    KEY_DIRECTION, /* a mapping of link words that override the others for one direction */
    KEY_PRESET,    /* a named set of values for other keys of the section */
    KEY_MAP,       /* names, each with a section */
    KEY_LIST,      /* items, each a section */
    /* The following have a grammar of their own in scenario_read.c. */
    KEY_CAPTURE,
    KEY_ARRIVALS,
    KEY_GROUP,
    KEY_ONE_PER,
    KEY_SIDES,
    KEY_MEMBERS,
    KEY_LINKS,
    KEY_START,
    KEY_PACKET_SIZE,
    KEY_TIMES, /* const nsec *, and its count in the uint32_t behind it */
    KEY_THRESHOLDS,
    KEY_AXES,
};

enum section_id {
    SECTION_SCENARIO,
    SECTION_MEASURE,
    SECTION_IKE,
    SECTION_CHILD,
    SECTION_PKI,
    SECTION_GROUP,
    SECTION_ARRIVALS,
    SECTION_RAMP,
    SECTION_CPU,
    SECTION_LIMITS,
    SECTION_LINK,
    SECTION_WORDS,
    SECTION_LOSS,
    SECTION_GEMODEL,
    SECTION_STATE,
    SECTION_FLOW,
    SECTION_EVENT,
    SECTION_CAPTURE,
    SECTION_LOOKUP, /* behind links: `explain jitter` is theirs */
    SECTION_FATE,   /* behind events: `explain at` is theirs */
    SECTION_SWEEP,
    SECTION_FLOOD, /* behind events: `explain rate` and `explain at` are not its own */
    SECTION_LESSON,
    SECTION_QUESTION,
    SECTION_COUNT,
    SECTION_NONE,
};

enum key_roles {
    FOR_INITIATOR = 1 << ROLE_INITIATOR,
    FOR_RESPONDER = 1 << ROLE_RESPONDER,
    FOR_NAT = 1 << ROLE_NAT,
    FOR_ROUTER = 1 << ROLE_ROUTER,
    FOR_ATTACKER = 1 << ROLE_ATTACKER,
    FOR_ENDPOINTS = FOR_INITIATOR | FOR_RESPONDER,
};

struct key {
    const char *name;
    enum key_type type;
    enum section_id section; /* of KEY_SECTION and the like; SECTION_SCENARIO: none */
    size_t offset;           /* in the struct of this key's section */
    const char *otherwise;   /* default as written; "=words" describes one that is computed */
    bool required;
    uint64_t min, max;        /* in base units; max 0: no limit of its own */
    const char *const *words; /* KEY_WORD, KEY_PRESET, KEY_TEXTS: what may be written, then NULL */
    unsigned roles;           /* of the group's roles, 0: all */
    const char *doc;
    const char *example;
    const char *tc; /* the same in the language of tc-netem(8) */
};

struct section {
    const char *path; /* "nodes.*.cpu" */
    const char *what; /* "a group" */
    const struct key *keys;
    size_t count;
    enum section_id include; /* its keys may be written here as well; SECTION_SCENARIO: none */
    size_t include_offset;
};

extern const struct section scenario_sections[SECTION_COUNT];

/** A key of a section or of what it includes; *offset is where its value lies. NULL: none. */
const struct key *section_key(enum section_id, const char *name, size_t *offset);
/** The dimension of a type; DIMENSION_COUNT_OF if it is no number. */
enum dimension key_dimension(enum key_type);

/** Values of a preset, as a YAML mapping; NULL if there is no such preset for the section. */
const char *preset_values(enum section_id, const char *name);

struct key_path {
    const struct key *key;
    enum section_id section; /* the key's own */
    char path[256];          /* "links.*.loss.gemodel.p" */
};

/**
 * Find the key a path means: as in a scenario (links.core.delay), as in the table
 * (links.*.delay), without the names (links.delay), or its end where that is unique enough
 * (delay). @return how many keys fit; the first is in *out
 */
size_t key_find(const char *path, struct key_path *out);
/** Call for every key there is, with its path; each section once. */
void keys_visit(void (*visit)(void *context, const struct key_path *), void *context);

#endif
