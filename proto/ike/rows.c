/* All rows of IKEv2. */
#include "proto/ike/step.h"

enum { FILES = 6 };

static const struct exchange_row *const rows[FILES] = {ike_sa_init_rows,     ike_auth_rows,
                                                       create_child_sa_rows, rekey_ike_sa_rows,
                                                       informational_rows,   mobike_rows};

/* Counts are made by the files that hold the rows, so they are read when the table is used. */
static const size_t *const counts[FILES] = {&ike_sa_init_row_count,     &ike_auth_row_count,
                                            &create_child_sa_row_count, &rekey_ike_sa_row_count,
                                            &informational_row_count,   &mobike_row_count};

#define KIND(symbol) (1u << KIND_##symbol)

/* A look-up reads the rows of one file only. */
static const uint16_t kinds[FILES] = {
    KIND(SA_INIT),
    KIND(AUTH),
    KIND(CHILD_NEW) | KIND(CHILD_REKEY),
    KIND(IKE_REKEY),
    KIND(CHILD_DELETE) | KIND(IKE_DELETE) | KIND(LIVENESS),
    KIND(MOVE),
};

const struct exchange_table ike_rows = {rows, counts, FILES, kinds};
