/* What the files of the scenario reader share. Not for anybody else. */
#ifndef SIM_SCENARIO_READ_H
#define SIM_SCENARIO_READ_H

#include "sim/scenario_keys.h"
#include "sim/scenario_tree.h"

struct scenario_reader {
    struct arena *arena;
    struct diag diag;
    struct scenario *scenario;
    struct tree *root;
};

/* scenario_value.c: values and sections, driven by the table. */

/** Defaults of a section and of those within it. */
void section_defaults(struct scenario_reader *, enum section_id, void *base);
/** Read the keys of `map` that have no grammar of their own into the struct at `base`. */
void section_read(struct scenario_reader *, enum section_id, const struct tree *map, void *base);
/** A value of the table's plain types. Wrong ones are said and leave *field alone. */
void value_read(struct scenario_reader *, const struct key *, const struct tree *, void *field);
/** Apply a preset of the section, if `map` names one. */
void preset_read(struct scenario_reader *, enum section_id, const struct tree *map, void *base);
void *reader_take(struct scenario_reader *, size_t size);
bool is_text(const struct tree *);
/** The scalar's text, or NULL after an error that says what is accepted. */
const char *text_of(struct scenario_reader *, const struct tree *, const char *accepted);
bool is_ignored(const struct tree *value); /* x-... */
bool is_name(const char *);
/** Index of a group by name; an error and SCENARIO_NONE if there is none. */
int32_t group_named(struct scenario_reader *, const struct tree *at, const char *name);

/* scenario_groups.c */
void read_groups(struct scenario_reader *);
/** Words with their computed defaults, and the configuration made of them. */
void resolve_ike(struct ike_words *);
void resolve_child(struct child_words *);
void check_ike(struct scenario_reader *, const struct tree *ike, const struct tree *child,
               const struct ike_words *, const struct child_words *);
struct ike_config make_ike_config(const struct ike_words *, const struct child_words *);

/* scenario_auth.c */
void read_pki(struct scenario_reader *);
/** What each group proves and accepts, into its configuration. */
void resolve_auth(struct scenario *);
void check_lookup(struct scenario_reader *, const struct tree *ike, const struct ike_words *);
void check_auth(struct scenario_reader *, const struct tree *group, const struct scenario_group *);

/* scenario_v1.c */
/** Set of 1 << enum ike_version. */
uint8_t answers_of(const struct ike_words *);
/** What IKEv1 can say, and who answers whom. */
void check_versions(struct scenario_reader *);

/* scenario_links.c */
void read_links(struct scenario_reader *);
/* scenario_fates.c */
void read_fates(struct scenario_reader *, const struct tree *map, struct scenario_link *);
/* scenario_links.c */
void check_network(struct scenario_reader *);

/* scenario_members.c: traffic, events, capture */
/** One or a list of "boxes", "boxes[5]" or "boxes[0..99]". @return how many are in *out */
uint32_t ranges_read(struct scenario_reader *, const struct tree *, bool links,
                     const struct scenario_range **out);
void read_flows(struct scenario_reader *);
void read_events(struct scenario_reader *);
void read_capture(struct scenario_reader *);

/* scenario_sweep.c */
void read_sweep(struct scenario_reader *);
/** Put the values of one cell in their places, before anything is read. */
void sweep_apply(struct scenario_reader *, uint64_t cell);

/* scenario_lesson.c */
void read_lesson(struct scenario_reader *);

/* scenario_start.c */
/** What `start: established` needs of the groups and of what is measured. */
void check_start(struct scenario_reader *, const struct tree *map, struct scenario_group *);
void check_start_thresholds(struct scenario_reader *);

/* scenario_thresholds.c */
/** Thresholds, and the metrics that a sweep reports. */
void read_thresholds(struct scenario_reader *);

#endif
