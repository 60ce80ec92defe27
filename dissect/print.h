/*
 * Dissections as text and as JSON. The JSON is a contract: docs/schema/dissect.schema.json.
 * Both write frame by frame, so a long capture needs no more memory than its longest frame.
 */
#ifndef DISSECT_PRINT_H
#define DISSECT_PRINT_H

#include "dissect/sorter.h"
#include "record/text.h"

enum { DISSECT_SCHEMA_VERSION = 1 };

/** One line: frame, time, addresses, exchange, payloads. */
void print_summary(struct text *, const struct dissection *);
/** The line and the tree under it. */
void print_tree(struct text *, const struct dissection *);

/** What was met, for the end. */
struct dissect_counts {
    uint64_t frames; /* of the capture, all */
    uint64_t shown;
    uint64_t ike, esp, keepalives;
    uint64_t locked, bad_icv, malformed; /* datagrams */
};

void print_json_begin(struct text *);
/** @param summary  without bytes, texts and tree */
void print_json_frame(struct text *, const struct dissection *, bool summary, bool first);
/** @param others  OTHER_COUNT counters; @param error  NULL: all was read */
void print_json_end(struct text *, const struct dissect_counts *, const uint64_t *others,
                    const char *error);

/** "IKE_AUTH", "24"; of IKEv1 "MAIN", "QUICK". */
const char *exchange_text(const struct ike_header *, char room[16]);

#endif
