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

const struct exchange_table ike_rows = {rows, counts, FILES};
