#include "proto/core/exchange.h"

#include "base/assert.h"
#include "proto/core/sa.h"

const char *ike_state_name(enum ike_state s)
{
    static const char *const names[STATE_COUNT] = {
#define X(symbol, name) [STATE_##symbol] = name,
        IKE_STATE_LIST(X)
#undef X
    };

    ASSERT((unsigned)s < STATE_COUNT);
    return names[s];
}

const char *exchange_kind_name(enum exchange_kind k)
{
    static const char *const names[KIND_COUNT] = {
#define X(symbol, name) [KIND_##symbol] = name,
        EXCHANGE_KIND_LIST(X)
#undef X
    };

    ASSERT((unsigned)k < KIND_COUNT);
    return names[k];
}

const char *exchange_role_name(enum exchange_role r)
{
    static const char *const names[ROLE_COUNT] = {
#define X(symbol, name) [ROLE_##symbol] = name,
        EXCHANGE_ROLE_LIST(X)
#undef X
    };

    ASSERT((unsigned)r < ROLE_COUNT);
    return names[r];
}

const struct exchange_row *exchange_row_at(const struct exchange_table *t, size_t index)
{
    for (size_t file = 0; file < t->files; file++) {
        if (index < *t->counts[file])
            return &t->rows[file][index];
        index -= *t->counts[file];
    }
    return NULL;
}

static bool holds_kind(const struct exchange_table *t, size_t file, unsigned kind)
{
    return !t->kinds || (t->kinds[file] >> kind & 1);
}

static bool meets(const struct exchange_row *row, const struct exchange_match *m)
{
    return row->from >> m->state & 1 && row->kind == m->kind && row->role == m->role;
}

static bool serves(const struct exchange_row *row, payload_set payloads)
{
    return (payloads & row->needed) == row->needed && (payloads & ~row->allowed) == 0;
}

const struct exchange_row *exchange_find(const struct exchange_table *t,
                                         const struct exchange_match *m, bool *expected)
{
    *expected = false;
    for (size_t file = 0; file < t->files; file++) {
        size_t count = holds_kind(t, file, m->kind) ? *t->counts[file] : 0;

        for (size_t i = 0; i < count; i++) {
            const struct exchange_row *row = &t->rows[file][i];

            if (!meets(row, m))
                continue;
            *expected = true;
            if (!row->handler || serves(row, m->payloads))
                return row;
        }
    }
    return NULL;
}

void exchange_move(struct ike_sa *sa, const struct exchange_row *row, enum err result)
{
    uint8_t to = result == OK ? row->to : row->failed;

    ASSERT(row->from >> sa->state & 1);
    if (to != STAY)
        sa->state = to;
}

void exchange_install(struct ike_sa *sa)
{
    ASSERT(sa->state == STATE_NONE);
    sa->state = STATE_ESTABLISHED;
}

void exchange_close(struct ike_sa *sa)
{
    sa->state = STATE_CLOSED;
}

static const char *row_fault(const struct exchange_row *row)
{
    if (!row->from || row->from >> STATE_COUNT)
        return "leads from no state";
    if (row->kind == KIND_NONE || row->kind >= KIND_COUNT || row->role >= ROLE_COUNT)
        return "has no kind or role";
    if ((row->to >= STATE_COUNT && row->to != STAY) ||
        (row->failed >= STATE_COUNT && row->failed != STAY))
        return "leads to no state";
    if (row->needed & ~row->allowed)
        return "needs what it does not allow";
    if (!row->section || strncmp(row->section, "RFC ", 4) != 0)
        return "cites no RFC";
    if (!row->handler && (row->needed || row->allowed))
        return "refuses, but looks at payloads";
    if (row->handler && row->refusal)
        return "has a handler and refuses";
    if ((row->role == ROLE_START || row->role == ROLE_GIVEN_UP) && row->allowed)
        return "receives nothing, but allows payloads";
    return NULL;
}

/* A message that both rows serve exists when each allows what the other needs. */
static bool ambiguous(const struct exchange_row *a, const struct exchange_row *b)
{
    if (a->version != b->version || !(a->from & b->from) || a->kind != b->kind ||
        a->role != b->role)
        return false;
    if (!a->handler || !b->handler)
        return true;
    return !((a->needed | b->needed) & ~(a->allowed & b->allowed));
}

/* A row that exchange_find would pass by. */
static bool hidden(const struct exchange_table *t, struct exchange_fault *fault)
{
    for (size_t file = 0; file < t->files; file++)
        for (size_t i = 0; i < *t->counts[file]; i++) {
            const struct exchange_row *row = &t->rows[file][i];

            *fault = (struct exchange_fault){row, NULL, "is of no kind of its file"};
            if (!holds_kind(t, file, row->kind))
                return true;
        }
    return false;
}

bool exchange_check(const struct exchange_table *t, struct exchange_fault *fault)
{
    const struct exchange_row *row, *other;

    for (size_t i = 0; (row = exchange_row_at(t, i)) != NULL; i++) {
        *fault = (struct exchange_fault){row, NULL, row_fault(row)};
        if (fault->what)
            return false;
        for (size_t k = 0; k < i; k++) {
            other = exchange_row_at(t, k);
            *fault = (struct exchange_fault){row, other, "serve the same message"};
            if (ambiguous(row, other))
                return false;
        }
    }
    if (hidden(t, fault))
        return false;
    *fault = (struct exchange_fault){0};
    return true;
}

bool exchange_total(const struct exchange_table *t, struct exchange_match *hole)
{
    for (unsigned state = 0; state < STATE_V2_COUNT; state++) {
        for (unsigned kind = KIND_NONE + 1; kind < KIND_V2_COUNT; kind++) {
            for (unsigned role = 0; role <= ROLE_GIVEN_UP; role++) {
                bool expected;

                *hole = (struct exchange_match){state, kind, role, 0};
                (void)exchange_find(t, hole, &expected);
                if (!expected)
                    return false;
            }
        }
    }
    return true;
}
