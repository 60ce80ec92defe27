/* Rows: unambiguous, cited, those of IKEv2 total (style.md §9); the collision table likewise. */
#include "proto/ike/collision.h"
#include "proto/ike/step.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/ikev1/main_mode.h"
#include "suite.h"

/* Its header cannot be seen beside that of IKEv2, which has a `struct step` too. */
extern const struct exchange_table v1_rows;

START_TEST(rows_are_well_formed_unambiguous_and_cited)
{
    const struct exchange_table *const tables[] = {&ike_rows, &v1_rows};

    for (int i = 0; i < 2; i++) {
        struct exchange_fault fault;
        bool good = exchange_check(tables[i], &fault);

        ck_assert_msg(good, "%s/%s: %s", fault.row ? exchange_kind_name(fault.row->kind) : "",
                      fault.row ? exchange_role_name(fault.row->role) : "", fault.what);
    }
}
END_TEST

/* What a mode of phase 1 takes in a state, and where it leads, is what the endpoint's row says. */
static unsigned rows_like(enum exchange_kind kind, const struct v1_phase1_row *mode, size_t count)
{
    static const uint8_t states[V1_STATE_COUNT] = {
        [V1_STATE_NONE] = STATE_NONE,
        [V1_STATE_ASKED] = STATE_V1_ASKED,
        [V1_STATE_ANSWERED] = STATE_V1_ANSWERED,
        [V1_STATE_KEYS_SENT] = STATE_V1_KEYS_SENT,
        [V1_STATE_KEYS_ANSWERED] = STATE_V1_KEYS_ANSWERED,
        [V1_STATE_PROOF_SENT] = STATE_V1_PROOF_SENT,
        [V1_STATE_ESTABLISHED] = STATE_ESTABLISHED,
    };
    const struct exchange_row *row;
    unsigned found = 0;

    for (size_t i = 0; (row = exchange_row_at(&v1_rows, i)) != NULL; i++)
        for (size_t k = 0; k < count; k++)
            found += row->kind == kind && row->from == 1u << states[mode[k].from] &&
                     row->role == (mode[k].initiator ? ROLE_ANSWERED : ROLE_ASKED) &&
                     row->needed == mode[k].needed && row->allowed == mode[k].allowed &&
                     row->to == states[mode[k].to];
    return found;
}

START_TEST(rows_of_phase1_are_those_of_its_modes)
{
    size_t count;
    const struct v1_phase1_row *rows = main_mode_rows(&count);

    ck_assert_uint_eq(rows_like(KIND_MAIN, rows, count), count);
    rows = aggressive_mode_rows(&count);
    ck_assert_uint_eq(rows_like(KIND_AGGRESSIVE, rows, count), count);
}
END_TEST

START_TEST(every_state_answers_for_every_exchange)
{
    struct exchange_match hole;
    bool total = exchange_total(&ike_rows, &hole);

    ck_assert_msg(total, "no row: %s %s %s", ike_state_name(hole.state),
                  exchange_kind_name(hole.kind), exchange_role_name(hole.role));
}
END_TEST

/* The checks themselves must be able to fail. */
START_TEST(bad_rows_are_found)
{
    static const size_t two = 2;
    static const size_t *const counts[1] = {&two};
    struct exchange_row rows[2];
    const struct exchange_row *list[1] = {rows};
    struct exchange_table table = {list, counts, 1, NULL};
    struct exchange_fault fault;
    const struct exchange_row *good = exchange_row_at(&ike_rows, 0);

    rows[0] = rows[1] = *good;
    ck_assert(!exchange_check(&table, &fault));
    ck_assert_ptr_eq(fault.row, &rows[1]);
    ck_assert_ptr_eq(fault.other, &rows[0]);
    rows[1].from = FROM(CLOSED);
    ck_assert(exchange_check(&table, &fault));
    rows[1].section = "somewhere";
    ck_assert(!exchange_check(&table, &fault));
    rows[1].section = "RFC 7296 §1.2";
    rows[1].needed = P(SA);
    ck_assert(!exchange_check(&table, &fault));
    rows[1].allowed = P(SA); /* START receives nothing */
    ck_assert(!exchange_check(&table, &fault));
    rows[1].role = ROLE_ASKED;
    ck_assert(exchange_check(&table, &fault));
    rows[1].refusal = 14;
    ck_assert(!exchange_check(&table, &fault));
    rows[1].refusal = 0;
    static const uint16_t other_kind = 1u << KIND_AUTH;
    table.kinds = &other_kind;
    ck_assert(!exchange_check(&table, &fault));
    table.kinds = NULL;
    rows[1].to = STATE_COUNT;
    ck_assert(!exchange_check(&table, &fault));
    struct exchange_match hole;
    ck_assert(!exchange_total(&table, &hole));
}
END_TEST

/* What is held while a look-up goes on must be served when the answer comes (proto/ike/held). */
START_TEST(every_row_that_may_be_held_has_a_twin)
{
    const struct exchange_row *row;
    unsigned twins = 0;

    for (size_t i = 0; (row = exchange_row_at(&ike_rows, i)) != NULL; i++) {
        struct exchange_match m = {STATE_AUTH_HELD, KIND_AUTH, ROLE_DECIDED, row->needed};
        const struct exchange_row *twin;
        bool expected;

        if (row->kind != KIND_AUTH || !(row->needed & P(AUTH)) || row->role > ROLE_ANSWERED)
            continue;
        twin = exchange_find(&ike_rows, &m, &expected);
        ck_assert_msg(twin, "row %zu", i);
        ck_assert_uint_eq(twin->allowed, row->allowed);
        ck_assert_ptr_eq(twin->handler, row->handler);
        ck_assert_int_eq(twin->to, row->to);
        ck_assert_int_eq(twin->failed, row->failed);
        twins++;
    }
    ck_assert_uint_eq(twins, 5);
}
END_TEST

START_TEST(needed_payloads_decide)
{
    struct exchange_match m = {STATE_ESTABLISHED, KIND_CHILD_NEW, ROLE_ASKED,
                               P(SA) | P(NONCE) | P(TSI) | P(TSR)};
    bool expected;

    ck_assert_ptr_nonnull(exchange_find(&ike_rows, &m, &expected));
    m.payloads |= P(KE) | P(NOTIFY) | P(VENDOR);
    ck_assert_ptr_nonnull(exchange_find(&ike_rows, &m, &expected));
    m.payloads |= P(AUTH);
    ck_assert_ptr_null(exchange_find(&ike_rows, &m, &expected));
    ck_assert(expected);
    m.payloads = P(SA) | P(NONCE) | P(TSI);
    ck_assert_ptr_null(exchange_find(&ike_rows, &m, &expected));
    ck_assert(expected);
    m.role = ROLE_MADE;
    ck_assert_ptr_null(exchange_find(&ike_rows, &m, &expected));
    ck_assert(!expected);
}
END_TEST

START_TEST(collision_rows_are_unique_and_cited)
{
    size_t count;
    const struct collision_row *rows = collision_rows(&count);

    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(strncmp(rows[i].section, "RFC 7296 §", 10), 0);
        for (size_t k = 0; k < i; k++)
            ck_assert(rows[i].pending != rows[k].pending || rows[i].asked != rows[k].asked ||
                      rows[i].same_child != rows[k].same_child);
    }
    ck_assert_int_eq(collision_find(KIND_CHILD_REKEY, KIND_CHILD_REKEY, true), COLLISION_RIVAL);
    ck_assert_int_eq(collision_find(KIND_CHILD_REKEY, KIND_CHILD_REKEY, false), COLLISION_PROCEED);
    ck_assert_int_eq(collision_find(KIND_NONE, KIND_IKE_REKEY, false), COLLISION_PROCEED);
    ck_assert_int_eq(collision_find(KIND_CHILD_NEW, KIND_IKE_REKEY, false), COLLISION_TEMPORARY);
}
END_TEST

START_TEST(nonces_compare_as_octet_strings)
{
    ck_assert_int_lt(nonce_compare(bytes_text("abc"), bytes_text("abd")), 0);
    ck_assert_int_gt(nonce_compare(bytes_text("\xff"), bytes_text("\x01")), 0);
    ck_assert_int_lt(nonce_compare(bytes_text("ab"), bytes_text("abc")), 0);
    ck_assert_int_eq(nonce_compare(bytes_text("ab"), bytes_text("ab")), 0);
    ck_assert_int_eq(nonce_lower(bytes_text("b"), bytes_text("a")).data[0], 'a');
}
END_TEST

SUITE("exchange_rows", rows_are_well_formed_unambiguous_and_cited,
      rows_of_phase1_are_those_of_its_modes, every_state_answers_for_every_exchange,
      bad_rows_are_found, every_row_that_may_be_held_has_a_twin, needed_payloads_decide,
      collision_rows_are_unique_and_cited, nonces_compare_as_octet_strings)
