/* What the files of the swanctl.conf importer share. Not for anybody else. */
#ifndef SIM_SWANCTL_MODEL_H
#define SIM_SWANCTL_MODEL_H

#include "sim/import/swanctl_import.h"
#include "sim/import/swanctl_read.h"
#include "sim/import/swanctl_values.h"

enum swanctl_model_sizes { SWANCTL_WORDS_MAX = 24, SWANCTL_REMARKS_MAX = 6 };

/** Lines `key: value` of an `ike:` or `child:`. */
struct swanctl_words {
    const char *line[SWANCTL_WORDS_MAX];
    unsigned count;
    bool v1; /* of a connection of IKEv1 */
};

struct swanctl_prefixes {
    struct ip_prefix list[SELECTORS_MAX];
    unsigned count;
};

/** One end of a connection, to become a group. */
struct swanctl_side {
    const char *group;
    uint32_t count;
    struct ip_addr address; /* family 0: none given, or none that can be taken */
    struct settings_entry *address_from;
    const char *id;
    const char *auth; /* how it proves who it is */
    bool asks_address;
    struct ip_prefix pool; /* of addresses that it gives; family 0: none */
    struct swanctl_prefixes protects, local_ts, remote_ts;
};

/** One connection: the host of the file and its peers. */
struct swanctl_tunnel {
    const struct settings_view *view;
    bool host_initiates;
    struct swanctl_side host, peer;
    const struct swanctl_tunnel *gateway; /* whose host group is this one's too, or NULL */
    struct swanctl_words ike, child;
    const char *remarks[SWANCTL_REMARKS_MAX]; /* what was chosen, and why */
    unsigned remark_count;
};

/** Sections local or remote of a connection: how the side proves itself, and the user behind it
 * (XAUTH, of IKEv1 only); NULL where there is none. */
struct swanctl_rounds {
    const struct settings_view *proof, *user;
};

struct swanctl_importer {
    struct settings settings;
    struct swanctl_options options;
    struct settings_view *secrets;
    struct swanctl_words charon;
    struct swanctl_tunnel *tunnels;
    unsigned tunnel_count;
    bool default_proposals;
    struct swanctl_summary summary;
};

/* swanctl_words.c: settings that have one word, or none and a reason, as tables. */

enum swanctl_table {
    SWANCTL_CONNECTION,
    SWANCTL_LOCAL,
    SWANCTL_REMOTE,
    SWANCTL_CHILD,
    SWANCTL_CHARON,
    SWANCTL_TABLES
};

/** Add the words of a section's settings and note those that have none; those with a grammar of
 * their own are left to others. */
void words_map(struct swanctl_importer *, enum swanctl_table, const struct settings_view *,
               struct swanctl_words *);
void words_add(struct swanctl_importer *, struct swanctl_words *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool words_equal(const struct swanctl_words *, const struct swanctl_words *);
/** The same note at every setting in a section and below it. */
void words_note_all(struct swanctl_importer *, const struct settings_view *, const char *why);

/* swanctl_auth.c: who proves what, and with which secret. */

/** `auth` and `psk` of a connection, the identities of its sides, notes at the rest. */
void auth_map(struct swanctl_importer *, struct swanctl_tunnel *);
/** strongSwan's words for `auth`, by how they begin, and the scenario's; the last begins with "".
 */
struct swanctl_auth_word {
    const char *begins, *ours;
    const char *why; /* NULL: means the same */
};

/** The word for one side, with a note where it means something else; pubkey where the file has
 * none, as in strongSwan. */
const char *auth_word_map(struct swanctl_importer *, struct swanctl_tunnel *,
                          const struct settings_view *round, const struct swanctl_auth_word *words);
/** Mark what comments must not show. */
void auth_hide_secrets(struct swanctl_importer *);
/** Notes at secrets no connection used. */
void auth_note_secrets(struct swanctl_importer *);

/* swanctl_v1.c: what only IKEv1 has. */

#define SWANCTL_NO_POOLS                                                                           \
    "addresses from pools are of IKEv1 only; inner addresses come from 10.128.0.0/9"

/** Of a connection: `version` and `mode`. Before all others, which look at it. */
void version_map(struct swanctl_importer *, struct swanctl_tunnel *);
/** How both sides prove themselves, and the user. */
void v1_auth_map(struct swanctl_importer *, struct swanctl_tunnel *,
                 const struct swanctl_rounds *local, const struct swanctl_rounds *remote);
void v1_reauth_map(struct swanctl_importer *, struct swanctl_tunnel *);
/** `vips` and `pools`, of either version. */
void v1_addresses_map(struct swanctl_importer *, struct swanctl_tunnel *);

/* swanctl_child.c: proposals, mode and traffic selectors. */

void proposals_map(struct swanctl_importer *, const struct settings_view *, const char *key,
                   bool ike, struct swanctl_words *);
/** The child that is imported, NULL if the connection has none. @return false: only shunts */
bool child_choose(struct swanctl_importer *, const struct settings_view *connection,
                  const struct settings_view **child);
void child_map(struct swanctl_importer *, struct swanctl_tunnel *,
               const struct settings_view *child);

/* swanctl_sides.c: who initiates, how many there are, addresses and names of groups. */

void sides_map(struct swanctl_importer *, struct swanctl_tunnel *);
/** When all tunnels are known: gateways that are one, addresses that are taken, names. */
void sides_settle(struct swanctl_importer *);
void remark_add(struct swanctl_importer *, struct swanctl_tunnel *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* swanctl_write.c */

void scenario_write(struct swanctl_importer *, struct text *out);

#endif
