/* The grammar's table written as JSON Schema and as a reference page, and one key explained. */
#ifndef SIM_SCENARIO_SCHEMA_H
#define SIM_SCENARIO_SCHEMA_H

#include "record/text.h"
#include "sim/scenario_keys.h"

/** JSON Schema (2020-12) of a scenario: types, words, units and ranges, not references. */
void scenario_schema(struct text *);
/** All keys as Markdown (docs/scenario-format.md). */
void scenario_reference(struct text *);
/** One key: meaning, accepted values, default, example, tc equivalent. */
void scenario_explain_key(struct text *, const struct key_path *);

#endif
