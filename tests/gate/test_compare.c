/* The verdict on single rows, where the answer is known without statistics; and what --fail-if
 * makes of it. */
#include "bench/gate/fail_if.h"
#include "suite.h"

#include <math.h>

struct made {
    struct measurement_set base, now;
    struct comparison_set set;
    struct compare_options options;
    char why[MEASUREMENT_WHY_MAX];
};

static void made_init(struct made *m)
{
    *m = (struct made){.options = compare_defaults};
    ck_assert_ok(measurement_init(&m->base, "base"));
    ck_assert_ok(measurement_init(&m->now, "new"));
}

static void made_reset(struct made *m)
{
    comparison_reset(&m->set);
    measurement_reset(&m->base);
    measurement_reset(&m->now);
}

static struct measurement *add(struct measurement_set *set, const char *name, double level,
                               double spread, unsigned count)
{
    struct measurement *m = measurement_add(set, name, "ns", BETTER_LOWER);

    ck_assert_ptr_nonnull(m);
    for (unsigned i = 0; i < count; i++)
        ck_assert_ok(measurement_sample(m, level * (1 + spread * ((int)(i * 7 % count) - 4)), NAN));
    return m;
}

static void add_both(struct made *m, double base, double now, double spread, unsigned count)
{
    add(&m->base, "row/a", base, spread, count);
    add(&m->now, "row/a", now, spread * 1.01, count);
}

static const struct comparison *compared(struct made *m)
{
    ck_assert_int_eq(compare(&m->base, &m->now, &m->options, &m->set, m->why), OK);
    return &m->set.rows[0];
}

static enum fail_if_answer gate(struct made *m, const char *text)
{
    struct fail_if f;

    ck_assert_ok(fail_if_read(text, &f, m->why));
    return fail_if_judge(&f, &m->set, &m->options);
}

static void expect(double base, double now, double spread, unsigned count, enum verdict verdict,
                   enum fail_if_answer answer)
{
    struct made m;

    made_init(&m);
    add_both(&m, base, now, spread, count);
    ck_assert_str_eq(verdict_name(compared(&m)->verdict), verdict_name(verdict));
    ck_assert_int_eq(m.set.rows[0].why[0] != '\0', verdict == VERDICT_UNCLEAR);
    ck_assert_int_eq(gate(&m, "slower>2%"), answer);
    made_reset(&m);
}

START_TEST(the_four_verdicts)
{
    expect(100, 110, 0.002, 10, VERDICT_SLOWER, FAIL_IF_HOLDS);
    expect(110, 100, 0.002, 10, VERDICT_FASTER, FAIL_IF_OK);
    expect(100, 100.1, 0.002, 10, VERDICT_NO_CHANGE, FAIL_IF_OK);
    expect(100, 101, 0.05, 10, VERDICT_UNCLEAR, FAIL_IF_UNCLEAR);
}
END_TEST

START_TEST(what_surely_changed_by_less_than_the_effect_did_not)
{
    expect(100, 101.5, 0.0001, 20, VERDICT_NO_CHANGE, FAIL_IF_OK);
}
END_TEST

START_TEST(what_does_not_vary_needs_no_chance)
{
    expect(4096, 4096, 0, 5, VERDICT_NO_CHANGE, FAIL_IF_OK);
    expect(4096, 4596, 0, 5, VERDICT_SLOWER, FAIL_IF_HOLDS);
    expect(4596, 4096, 0, 5, VERDICT_FASTER, FAIL_IF_OK);
    expect(4096, 4100, 0, 5, VERDICT_NO_CHANGE, FAIL_IF_OK);
}
END_TEST

START_TEST(fewer_than_five_samples_prove_nothing)
{
    for (unsigned n = 1; n < 5; n++)
        expect(100, 200, 0.001, n, VERDICT_UNCLEAR, FAIL_IF_UNCLEAR);
    expect(4096, 4096, 0, 4, VERDICT_UNCLEAR, FAIL_IF_UNCLEAR);
    expect(100, 200, 0.001, 5, VERDICT_SLOWER, FAIL_IF_HOLDS);
}
END_TEST

START_TEST(five_samples_are_too_few_among_many_rows)
{
    struct made m;
    char name[32];

    made_init(&m);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "row/%d", i);
        add(&m.base, name, 100, 0.001, 5);
        add(&m.now, name, i == 0 ? 120 : 100.01, 0.001, 5);
    }
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
    ck_assert_ptr_nonnull(strstr(m.set.rows[0].why, "--repetitions 8"));
    ck_assert_int_eq(m.set.rows[1].verdict, VERDICT_NO_CHANGE);
    comparison_reset(&m.set);
    m.options.only = "row/0";
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    ck_assert_uint_eq(m.set.row_count, 1);
    made_reset(&m);
}
END_TEST

START_TEST(samples_without_a_ratio_are_named)
{
    static const double bad[] = {0, -1, NAN, INFINITY};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct made m;

        made_init(&m);
        add_both(&m, 100, 100, 0.001, 10);
        m.now.rows[0].samples[3] = bad[i];
        ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
        ck_assert_ptr_nonnull(strstr(m.set.rows[0].why, "sample 4 of NEW"));
        ck_assert_int_eq(gate(&m, "slower>2%"), FAIL_IF_UNCLEAR);
        made_reset(&m);
    }
}
END_TEST

START_TEST(of_a_rate_less_is_slower)
{
    struct made m;

    made_init(&m);
    add_both(&m, 1000, 900, 0.001, 10);
    m.base.rows[0].better = m.now.rows[0].better = BETTER_HIGHER;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    ck_assert_double_gt(m.set.rows[0].change, 1.1);
    made_reset(&m);
}
END_TEST

START_TEST(units_must_agree)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 100, 0.001, 10);
    ck_assert_ok(measurement_text(&m.now.rows[0].unit, "us"));
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
    ck_assert_ptr_nonnull(strstr(m.set.rows[0].why, "BASE is in ns, NEW in us"));
    made_reset(&m);
}
END_TEST

/* The machine was 30 % slower: samples and bounds alike. */
static void slow_machine(struct made *m, const char *bound_name)
{
    made_init(m);
    for (int side = 0; side < 2; side++) {
        struct measurement *row =
            measurement_add(side ? &m->now : &m->base, "row/a", "ns", BETTER_LOWER);

        ck_assert_ok(measurement_text(&row->bound_name, side ? bound_name : "bare"));
        for (int i = 0; i < 10; i++) {
            double moment = (side ? 1.3 : 1) * (1 + 0.01 * (i % 3));

            ck_assert_ok(
                measurement_sample(row, 100 * moment * (1 + 0.001 * (i % 4)), 50 * moment));
        }
    }
}

START_TEST(what_moved_the_machine_moves_the_bound)
{
    struct made m;

    slow_machine(&m, "bare");
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_NO_CHANGE);
    ck_assert(m.set.rows[0].beside_bound);
    ck_assert_double_eq_tol(m.set.rows[0].machine, 1.3, 0.01);
    ck_assert_double_eq_tol(m.set.rows[0].change, 1, 0.001);
    comparison_reset(&m.set);
    m.options.raw = true;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    ck_assert(isnan(m.set.rows[0].machine));
    made_reset(&m);
}
END_TEST

START_TEST(what_others_did_meanwhile_is_no_verdict)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 150, 0.001, 20);
    m.now.context.others = 0.5;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
    ck_assert_ptr_nonnull(strstr(m.set.rows[0].why, "others used 0.5 cores while NEW"));
    ck_assert_int_eq(gate(&m, "slower>2%"), FAIL_IF_UNCLEAR);
    comparison_reset(&m.set);
    m.now.context.others = 0.1;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    comparison_reset(&m.set);
    m.base.context.others = m.now.context.others = 0.5; /* and both in turns */
    ck_assert_ok(measurement_text(&m.base.context.turns, "one"));
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
    comparison_reset(&m.set);
    ck_assert_ok(measurement_text(&m.now.context.turns, "one"));
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    made_reset(&m);
}
END_TEST

/* A machine that is three times as slow every other time; the new one takes a fifth more. */
START_TEST(in_turns_samples_are_pairs)
{
    for (int turns = 0; turns < 2; turns++) {
        struct measurement *base, *now;
        struct made m;

        made_init(&m);
        base = add(&m.base, "row/a", 1, 0, 0);
        now = add(&m.now, "row/a", 1, 0, 0);
        for (int i = 0; i < 12; i++) {
            double machine = i % 2 ? 300 : 100;

            ck_assert_ok(measurement_sample(base, machine, NAN));
            ck_assert_ok(measurement_sample(now, machine * (1.2 + 0.001 * i), NAN));
        }
        ck_assert_ok(measurement_text(&m.base.context.turns, "one"));
        ck_assert_ok(measurement_text(&m.now.context.turns, turns ? "one" : "another"));
        ck_assert_int_eq(compared(&m)->verdict, turns ? VERDICT_SLOWER : VERDICT_UNCLEAR);
        ck_assert_int_eq(m.set.rows[0].paired, turns);
        if (turns)
            ck_assert_double_eq_tol(m.set.rows[0].change, 1.2055, 1e-9);
        comparison_reset(&m.set);
        m.options.raw = true;
        ck_assert(!compared(&m)->paired);
        made_reset(&m);
    }
}
END_TEST

START_TEST(another_bound_or_library_is_not_divided_by)
{
    struct made m;

    slow_machine(&m, "another");
    ck_assert(!compared(&m)->beside_bound);
    made_reset(&m);
    slow_machine(&m, "bare");
    ck_assert_ok(measurement_text(&m.now.context.libraries, "{\"OpenSSL\":\"3.5\"}"));
    ck_assert(!compared(&m)->beside_bound);
    made_reset(&m);
    slow_machine(&m, "bare");
    m.now.rows[0].bounds[2] = 0;
    ck_assert(!compared(&m)->beside_bound);
    made_reset(&m);
}
END_TEST

static const struct comparison *with_instructions(struct made *m, double base, double now)
{
    made_init(m);
    add_both(m, 100, 100, 0.001, 1);
    m->base.rows[0].instructions = base;
    m->now.rows[0].instructions = now;
    return compared(m);
}

START_TEST(instructions_need_no_statistics)
{
    struct made m;

    ck_assert_int_eq(with_instructions(&m, 1000, 1010)->instructions_verdict, VERDICT_SLOWER);
    ck_assert_int_eq(gate(&m, "instructions>0.5%"), FAIL_IF_HOLDS);
    ck_assert_int_eq(gate(&m, "instructions>2%"), FAIL_IF_OK);
    made_reset(&m);
    ck_assert_int_eq(with_instructions(&m, 1000, 1009)->instructions_verdict, VERDICT_NO_CHANGE);
    made_reset(&m);
    ck_assert_int_eq(with_instructions(&m, 1000, 900)->instructions_verdict, VERDICT_FASTER);
    made_reset(&m);
    ck_assert(isnan(with_instructions(&m, 1000, NAN)->instructions));
    ck_assert_int_eq(gate(&m, "instructions>1%"), FAIL_IF_UNCLEAR);
    made_reset(&m);
}
END_TEST

/* A library's millions would cover up what ours did. */
START_TEST(instructions_of_our_own_count_for_themselves)
{
    struct made m;

    with_instructions(&m, 100000, 100030);
    comparison_reset(&m.set);
    m.base.rows[0].instructions_own = 1000;
    m.now.rows[0].instructions_own = 1030;
    ck_assert_int_eq(compared(&m)->instructions_verdict, VERDICT_SLOWER);
    ck_assert_int_eq(gate(&m, "instructions>2.9%"), FAIL_IF_HOLDS);
    ck_assert_int_eq(gate(&m, "instructions>3.1%"), FAIL_IF_OK);
    comparison_reset(&m.set);
    m.now.rows[0].instructions_own = 900;
    m.now.rows[0].instructions = 102000;
    ck_assert_int_eq(compared(&m)->instructions_verdict, VERDICT_SLOWER);
    comparison_reset(&m.set);
    m.now.rows[0].instructions = 99900;
    ck_assert_int_eq(compared(&m)->instructions_verdict, VERDICT_FASTER);
    made_reset(&m);
}
END_TEST

START_TEST(what_was_only_counted_is_not_timed)
{
    struct made m;
    struct measurement *old, *new;

    made_init(&m);
    old = measurement_add(&m.base, "row/a", "instructions", BETTER_LOWER);
    new = measurement_add(&m.now, "row/a", "instructions", BETTER_LOWER);
    ck_assert_ok(measurement_sample(old, old->instructions = 1000, NAN));
    ck_assert_ok(measurement_sample(new, new->instructions = 1030, NAN));
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    ck_assert_int_eq(gate(&m, "instructions>1%"), FAIL_IF_HOLDS);
    ck_assert_int_eq(gate(&m, "slower>2%"), FAIL_IF_UNCLEAR);
    made_reset(&m);
}
END_TEST

START_TEST(the_fallback_path_is_compared_with_itself_only)
{
    struct made m;

    with_instructions(&m, 1000, 2000);
    comparison_reset(&m.set);
    ck_assert_ok(measurement_text(&m.now.rows[0].instructions_note, "fallback path"));
    ck_assert(isnan(compared(&m)->instructions));
    comparison_reset(&m.set);
    ck_assert_ok(measurement_text(&m.base.rows[0].instructions_note, "fallback path"));
    ck_assert_int_eq(compared(&m)->instructions_verdict, VERDICT_SLOWER);
    made_reset(&m);
}
END_TEST

START_TEST(machines_are_not_mixed)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 100, 0.001, 10);
    m.now.context.cores = 8;
    ck_assert_int_eq(compare(&m.base, &m.now, &m.options, &m.set, m.why), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(m.why, "8 cores"));
    comparison_reset(&m.set);
    m.options.mixed = true;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_NO_CHANGE);
    made_reset(&m);
}
END_TEST

START_TEST(rows_of_one_set_only_are_named)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 100, 0.001, 10);
    add(&m.base, "row/gone", 1, 0, 5);
    add(&m.now, "row/fresh", 1, 0, 5);
    compared(&m);
    ck_assert_str_eq(m.set.only_base[0], "row/gone");
    ck_assert_str_eq(m.set.only_now[0], "row/fresh");
    ck_assert_ptr_null(m.set.only_base[1]);
    comparison_reset(&m.set);
    m.options.only = "other/*";
    ck_assert_int_eq(compare(&m.base, &m.now, &m.options, &m.set, m.why), ERR_MISSING);
    made_reset(&m);
}
END_TEST

static void virtual_of(struct made *m, const char *base, const char *now)
{
    made_init(m);
    add_both(m, 100, 100, 0.001, 10);
    m->base.virtual = base ? strdup(base) : NULL;
    m->now.virtual = now ? strdup(now) : NULL;
    compared(m);
}

START_TEST(virtual_is_equal_or_differs_somewhere)
{
    static const struct {
        const char *base, *now, *where;
    } cases[] = {
        {"{\"ike\":{\"failed\":0}}", "{\"ike\":{\"failed\":0}}", ""},
        {"{\"ike\":{\"failed\":0}}", "{\"ike\":{\"failed\":2}}", "ike.failed: 0 against 2"},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", "b: nothing against 2"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2}", "a: 1 against nothing"},
        {"{\"a\":[{\"t\":1},{\"t\":2}]}", "{\"a\":[{\"t\":1},{\"t\":3}]}", "a[1].t: 2 against 3"},
        {"{\"a\":[1]}", "{\"a\":[1,2]}", "a[1]: nothing against 2"},
        {"{\"a\":{}}", "{\"a\":null}", "a: {} against null"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made m;
        bool same = *cases[i].where == '\0';

        virtual_of(&m, cases[i].base, cases[i].now);
        ck_assert_str_eq(m.set.virtual_where, cases[i].where);
        ck_assert_int_eq(m.set.virtual, same ? VIRTUAL_EQUAL : VIRTUAL_DIFFERS);
        ck_assert_int_eq(gate(&m, "virtual"), same ? FAIL_IF_OK : FAIL_IF_HOLDS);
        made_reset(&m);
    }
}
END_TEST

START_TEST(virtual_of_other_runs_is_not_compared)
{
    struct made m;

    virtual_of(&m, "{}", NULL);
    ck_assert_int_eq(m.set.virtual, VIRTUAL_NONE);
    ck_assert_int_eq(gate(&m, "virtual"), FAIL_IF_UNCLEAR);
    comparison_reset(&m.set);
    m.now.virtual = strdup("{}");
    m.now.context.seed = 5;
    compared(&m);
    ck_assert_int_eq(m.set.virtual, VIRTUAL_NONE);
    ck_assert_str_eq(m.set.virtual_where, "the seeds differ");
    made_reset(&m);
}
END_TEST

START_TEST(expressions_of_a_gate)
{
    static const char *const good[] = {"slower>2%", "slower > 2.5 %", "slower>2%@esp/*",
                                       "instructions>0%", "virtual"};
    static const char *const bad[] = {
        "",           "slow>2%",     "slower",        "slower>",         "slower>2",
        "slower>x%",  "slower>-2%",  "slower>2%@",    "slower>2%x",      "slower<2%",
        "virtual>2%", "slower>nan%", "slower>1e999%", "instructions@a/*"};
    char why[MEASUREMENT_WHY_MAX];
    struct fail_if f;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_int_eq(fail_if_read(good[i], &f, why), OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(fail_if_read(bad[i], &f, why), ERR_SYNTAX);
    ck_assert_int_eq(fail_if_read("slower>5%@esp/*", &f, why), OK);
    ck_assert_str_eq(f.glob, "esp/*");
    ck_assert_double_eq_tol(f.more_than, 0.05, 1e-12);
}
END_TEST

START_TEST(a_gate_may_ask_for_more_than_the_effect)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 106, 0.002, 10);
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_SLOWER);
    ck_assert_int_eq(gate(&m, "slower>3%"), FAIL_IF_HOLDS);
    ck_assert_int_eq(gate(&m, "slower>20%"), FAIL_IF_OK);
    ck_assert_int_eq(gate(&m, "slower>3%@other/*"), FAIL_IF_UNCLEAR);
    made_reset(&m);
}
END_TEST

/* What looks much faster, though noisy, is nothing to stop for. */
START_TEST(noise_on_the_fast_side_does_not_stop_a_gate)
{
    struct made m;

    made_init(&m);
    add_both(&m, 100, 60, 0.05, 6);
    add(&m.base, "row/b", 100, 0.001, 10);
    add(&m.now, "row/b", 100.01, 0.001, 10);
    m.options.alpha = 1e-9;
    ck_assert_int_eq(compared(&m)->verdict, VERDICT_UNCLEAR);
    ck_assert_int_eq(gate(&m, "slower>2%"), FAIL_IF_OK);
    made_reset(&m);
}
END_TEST

SUITE("compare", the_four_verdicts, what_surely_changed_by_less_than_the_effect_did_not,
      what_does_not_vary_needs_no_chance, fewer_than_five_samples_prove_nothing,
      five_samples_are_too_few_among_many_rows, samples_without_a_ratio_are_named,
      of_a_rate_less_is_slower, units_must_agree, what_moved_the_machine_moves_the_bound,
      what_others_did_meanwhile_is_no_verdict, in_turns_samples_are_pairs,
      another_bound_or_library_is_not_divided_by, instructions_need_no_statistics,
      instructions_of_our_own_count_for_themselves, what_was_only_counted_is_not_timed,
      the_fallback_path_is_compared_with_itself_only, machines_are_not_mixed,
      rows_of_one_set_only_are_named, virtual_is_equal_or_differs_somewhere,
      virtual_of_other_runs_is_not_compared, expressions_of_a_gate,
      a_gate_may_ask_for_more_than_the_effect, noise_on_the_fast_side_does_not_stop_a_gate)
