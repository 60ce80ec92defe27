#include "proto/ikev1/step.h"

static const struct exchange_row *const rows[] = {v1_main_rows, v1_aggressive_rows, v1_quick_rows,
                                                  v1_info_rows, v1_transaction_rows};
static const size_t *const counts[] = {&v1_main_row_count, &v1_aggressive_row_count,
                                       &v1_quick_row_count, &v1_info_row_count,
                                       &v1_transaction_row_count};

const struct exchange_table v1_rows = {rows, counts, sizeof rows / sizeof *rows, NULL};

/* Whatever its payloads are: they are judged when it is decrypted. */
static const struct exchange_row *row_of(const struct ike_sa *sa, enum exchange_kind kind,
                                         enum exchange_role role)
{
    const struct exchange_row *row;

    for (size_t i = 0; (row = exchange_row_at(&v1_rows, i)) != NULL; i++)
        if (row->from >> sa->state & 1 && row->kind == kind && row->role == role)
            return row;
    return NULL;
}

enum err v1_step_run(struct step *s, enum exchange_kind kind, enum exchange_role role)
{
    enum err e;

    s->row = row_of(s->sa, kind, role);
    if (!s->row)
        return ERR_STATE;
    e = s->row->handler(s);
    exchange_move(s->sa, s->row, e);
    return e;
}
