/* The search over orderings: finds nothing in the families of RFC 7296 §2.25, finds what is put
 * in, counts the same twice, and prunes nothing that is different. */
#include "explore/chart.h"
#include "explore/family.h"
#include "suite.h"

static struct family_result first, second;

static void search_family(const struct family *f, const struct family_options *o,
                          struct family_result *r)
{
    ck_assert_ok(family_search(f, o, r));
    ck_assert(!r->full && !r->stopped);
}

/* Too many orderings for a test with a loss or a delay: `ikelab explore --all` walks them. */
static bool large(const struct family *f)
{
    return strcmp(f->name, "group") == 0 || strcmp(f->name, "refused") == 0 ||
           strcmp(f->name, "eager-delete") == 0 || strcmp(f->name, "phase-1") == 0;
}

/* Main Mode twice, at once: 80 000 orderings of 22 steps, which only a search that prunes can walk.
 */
static bool wide(const struct family *f)
{
    return strcmp(f->name, "phase-1") == 0;
}

START_TEST(no_ordering_of_a_family_violates_anything)
{
    const struct family_options o = {.seeds = 1, .faults = 1, .states_max = 1000000};
    const struct family_options calm = {.seeds = 1, .states_max = 1000000};
    const struct family *f;

    for (unsigned i = 0; (f = family_at(i)) != NULL; i++) {
        search_family(f, &calm, &first);
        search_family(f, &calm, &second);
        ck_assert_uint_eq(first.states, second.states);
        ck_assert_uint_eq(first.transitions, second.transitions);
        ck_assert_uint_eq(first.orderings, second.orderings);
        ck_assert_uint_eq(first.ends, second.ends);
        search_family(f, large(f) ? &calm : &o, &first);
        printf("%s: %lu orderings, %lu states, %lu ends\n", f->name, first.orderings, first.states,
               first.ends);
        if (first.of_last.violation.invariant)
            ck_assert_ok(chart_print(stdout, &first.last, &first.of_last));
        ck_assert_msg(!first.of_last.violation.invariant, "%s: %s: %s", f->name,
                      first.of_last.violation.invariant, first.of_last.violation.text);
        ck_assert_uint_gt(first.ends, 0);
    }
}
END_TEST

/* A request more, of every kind, in the families where that has once found something. */
START_TEST(no_third_request_violates_anything)
{
    const struct family_options o = {.seeds = 1, .third = true, .states_max = 1000000};
    static const char *const names[] = {"ike-ike", "delete-delete"};

    for (unsigned i = 0; i < 2; i++) {
        search_family(family_named(names[i]), &o, &first);
        ck_assert_msg(!first.of_last.violation.invariant, "%s: %s: %s", names[i],
                      first.of_last.violation.invariant, first.of_last.violation.text);
    }
}
END_TEST

/* B deletes the successor before A has heard of it. The old SA was left to A then, and asked for
 * again every second, for five minutes: longer than a run may be. */
START_TEST(a_deleted_successor_takes_the_old_one_along)
{
    const struct family_options o = {.seeds = 2, .states_max = 100000};
    static const char *const cases[] = {"a:rekey_child,a:rekey_child,b:delete_child",
                                        "b:rekey_child,b:rekey_child,a:delete_child"};
    struct family f;

    for (unsigned i = 0; i < 2; i++) {
        ck_assert_ok(family_read(cases[i], &f));
        search_family(&f, &o, &first);
        ck_assert_ptr_null(first.of_last.violation.invariant);
        ck_assert_uint_lt(first.depth, 30);
    }
}
END_TEST

/* Every way walked by itself, whatever states it meets: as many states and ways as were counted. */
static void prune(const struct family_case *c, unsigned faults)
{
    static struct search_result pruned, whole;
    struct search_options o = {.triggers = c->triggers,
                               .trigger_count = c->count,
                               .setup = c->setup,
                               .seed = 1,
                               .faults = faults,
                               .states_max = 1000000};

    ck_assert_ok(search(&o, &pruned));
    o.keep_twins = true;
    ck_assert_ok(search(&o, &whole));
    ck_assert(!pruned.full && !whole.full);
    if (pruned.states > 20) /* in fewer ways meet only in ends, where nothing is left to prune */
        ck_assert_uint_gt(whole.transitions, pruned.transitions);
    ck_assert_uint_eq(whole.states, pruned.states);
    ck_assert_uint_eq(whole.ends, pruned.orderings);
    ck_assert_ptr_null(whole.violation.invariant);
}

START_TEST(pruning_leaves_out_nothing)
{
    const struct family *f;
    struct family one;

    for (unsigned i = 0; (f = family_at(i)) != NULL; i++)
        for (unsigned k = 0; !wide(f) && k < (large(f) ? 1 : f->case_count); k++)
            prune(&f->cases[k], 0);
    prune(&family_named("delete-delete")->cases[0], 1);
    ck_assert_ok(family_read("a:rekey_ike", &one));
    prune(&one.cases[0], 1);
}
END_TEST

/* Every order of deliveries, timers and requests, with a window at both ends. */
static void explored(const char *requests, unsigned faults, bool twins)
{
    static struct search_result r, whole;
    struct family f;
    struct search_options o = {.seed = 1, .window = 4, .faults = faults, .states_max = 300000};

    ck_assert_ok(family_read(requests, &f));
    o.triggers = f.cases[0].triggers;
    o.trigger_count = f.cases[0].count;
    ck_assert_ok(search(&o, &r));
    printf("%s, %u faults: %lu orderings, %lu states, %lu ends\n", requests, faults, r.orderings,
           r.states, r.ends);
    ck_assert(!r.full);
    ck_assert_msg(!r.violation.invariant, "%s: %s: %s", requests, r.violation.invariant,
                  r.violation.text);
    if (!twins)
        return;
    o.keep_twins = true;
    ck_assert_ok(search(&o, &whole));
    ck_assert_uint_eq(whole.states, r.states);
    ck_assert_uint_eq(whole.ends, r.orderings);
}

START_TEST(no_ordering_in_a_window_violates_anything)
{
    explored("a:new_child,a:rekey_child", 1, false);
    explored("a:new_child,a:rekey_child,b:rekey_child", 0, false);
    explored("a:new_child,a:terminate,b:rekey_child", 0, false);
    explored("a:new_child,a:rekey_ike,b:new_child", 0, false);
    explored("a:rekey_child,a:new_child,b:delete_child", 0, false);
    explored("a:new_child,a:rekey_ike,b:rekey_ike", 0, false);
}
END_TEST

/* What decides what an endpoint does next is in its fingerprint: no state is taken for another. */
START_TEST(pruning_leaves_out_nothing_in_a_window)
{
    explored("a:new_child,a:rekey_child", 0, true);
    explored("a:new_child,a:terminate", 0, true);
}
END_TEST

static void find(const char *family, unsigned quirk, unsigned steps)
{
    const struct family_options o = {
        .seeds = 4, .faults = 1, .quirks = quirk, .states_max = 1000000};

    ck_assert_ok(family_search(family_named(family), &o, &first));
    ck_assert_ptr_nonnull(first.of_last.violation.invariant);
    ck_assert_uint_le(first.of_last.path_len, steps);
    printf("%s, quirk %u: %s after %u steps\n", family, quirk, first.of_last.violation.invariant,
           first.of_last.path_len);
}

START_TEST(planted_faults_are_found)
{
    char *chart = NULL;
    size_t len;
    FILE *to = open_memstream(&chart, &len);

    find("child-child", QUIRK_HIGHEST_NONCE, 12);
    find("ike-ike", QUIRK_HIGHEST_NONCE, 12);
    find("ike-ike", QUIRK_KEEP_LOSER, 12);
    ck_assert_ptr_nonnull(to);
    ck_assert_ok(chart_print(to, &first.last, &first.of_last));
    fclose(to);
    ck_assert_ptr_nonnull(strstr(chart, "asked to rekey_ike"));
    ck_assert_ptr_nonnull(strstr(chart, "-- m1 rekey_ike request"));
    free(chart);
}
END_TEST

/* B keeps what it lost: seen only where B loses. Both must lose with some of the usual seeds. */
START_TEST(seeds_decide_who_wins)
{
    static struct search_result r;
    const struct family_case *c = &family_named("ike-ike")->cases[0];
    unsigned lost = 0;

    for (uint64_t seed = 1; seed <= 4; seed++) {
        ck_assert_ok(search(&(struct search_options){.triggers = c->triggers,
                                                     .trigger_count = c->count,
                                                     .seed = seed,
                                                     .quirks = QUIRK_KEEP_LOSER,
                                                     .states_max = 1000000},
                            &r));
        lost += r.violation.invariant != NULL;
    }
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_lt(lost, 4);
}
END_TEST

/* How often something was done, and in which words, decides nothing of what comes next: two ways
 * with one fingerprint can differ in it, so each is judged (I9). */
START_TEST(ways_to_one_state_are_judged_each)
{
    static struct world w;
    const struct trigger probe = {0, TRIGGER_PROBE};
    const struct world_options o = {.seed = 1, .triggers = &probe, .trigger_count = 1};
    struct violation v;
    uint64_t print;

    ck_assert_ok(world_create(&w, &o));
    world_step(&w, (struct choice){CHOICE_TRIGGER, 0});
    print = world_fingerprint(&w);
    ck_assert(way_holds(&w, &v));
    ck_assert_ptr_null(v.invariant);
    w.said_differently = true;
    ck_assert(!way_holds(&w, &v));
    ck_assert_str_eq(v.invariant, "I9");
    ck_assert_uint_eq(world_fingerprint(&w), print);
    ck_assert(!invariants_hold(&w, &v));
    ck_assert_str_eq(v.invariant, "I9");
    world_destroy(&w);
}
END_TEST

static bool stop_at_once(void *context, uint64_t states)
{
    (void)context;
    (void)states;
    return true;
}

START_TEST(requests_are_read)
{
    struct family f;

    ck_assert_ok(family_read("a:rekey_ike,b:delete_child", &f));
    ck_assert_uint_eq(f.cases[0].count, 2);
    ck_assert_uint_eq(f.cases[0].triggers[1].side, 1);
    ck_assert_uint_eq(f.cases[0].triggers[1].kind, TRIGGER_DELETE_CHILD);
    ck_assert_int_eq(family_read("", &f), ERR_SYNTAX);
    ck_assert_int_eq(family_read("c:rekey_ike", &f), ERR_SYNTAX);
    ck_assert_int_eq(family_read("a:rekey", &f), ERR_SYNTAX);
    ck_assert_int_eq(family_read("a:rekey_ike,,b:rekey_ike", &f), ERR_SYNTAX);
    ck_assert_int_eq(family_read("a:rekey_ike,b:rekey_ike,a:terminate,b:terminate,a:new_child", &f),
                     ERR_FULL);
}
END_TEST

START_TEST(bounds_are_said)
{
    struct family_options o = {.seeds = 1, .faults = 1, .states_max = 10};

    ck_assert_ok(family_search(family_named("child-child"), &o, &first));
    ck_assert(first.full);
    o.stop = stop_at_once;
    o.states_max = 1000000;
    ck_assert_ok(family_search(family_named("child-child"), &o, &first));
    ck_assert(first.stopped);
    ck_assert_ptr_null(family_named("child-childe"));
}
END_TEST

SUITE("explore", no_ordering_of_a_family_violates_anything, no_third_request_violates_anything,
      a_deleted_successor_takes_the_old_one_along, pruning_leaves_out_nothing,
      planted_faults_are_found, seeds_decide_who_wins, ways_to_one_state_are_judged_each,
      requests_are_read, bounds_are_said, no_ordering_in_a_window_violates_anything,
      pruning_leaves_out_nothing_in_a_window)
