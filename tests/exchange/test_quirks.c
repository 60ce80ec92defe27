/* Bugs of real daemons, each behind its switch: the search finds every one within twelve steps, and
 * nothing without it. The ends of a search differ as its setup says. */
#include "explore/family.h"
#include "suite.h"

#define ONE_A 1
#define ONE_B 2

/* ---- found with it, nothing without ---- */

enum { STEPS_AT_MOST = 12 };

struct bug {
    const char *name; /* of the quirk that B has */
    const char *family;
    const char *invariant;
    const char *says; /* part of what is said of it */
    unsigned faults;
    bool both; /* A has it, too */
};

static const struct bug bugs[] = {
    {"strongswan-1896", "child-child", "I17", "B has no SA to send through", 0, false},
    {"strongswan-1458", "eager-delete", "I6", "left with 0 child SAs", 0, false},
    {"strongswan-2477", "refused", "I17", "B has no SA to send through", 0, false},
    {"strongswan-2778", "child-child", "I2", "B receive under one SPI", 1, false},
    {"libreswan-2184", "child-child", "I5", "a packet from A is refused", 0, false},
    {"libreswan-2184", "child-child", "I5", "no security association", 0, true},
    {"libreswan-514", "expires", "I6", "B has an IKE SA", 1, false},
    {"libreswan-1044", "again", "I9", "rekeyed child SAs 2 times", 0, false},
};

enum { BUG_COUNT = sizeof bugs / sizeof *bugs };

static struct family_result found;

static void search_bug(const struct bug *b, bool on)
{
    const struct ike_quirk_row *row = ike_quirk_named(b->name);
    struct family_options o = {.seeds = 4, .faults = b->faults, .states_max = 1000000};

    ck_assert_ptr_nonnull(row);
    o.quirks = on ? row->quirk : 0;
    o.quirks_a = on && b->both ? row->quirk : 0;
    ck_assert_ok(family_search(family_named(b->family), &o, &found));
    ck_assert(!found.full && !found.stopped);
}

static void find(const struct bug *b)
{
    const struct violation *v = &found.of_last.violation;

    search_bug(b, true);
    ck_assert_msg(v->invariant != NULL, "%s is not found in %s", b->name, b->family);
    printf("%s%s: %s: %s after %u steps: %s\n", b->name, b->both ? " at both" : "", b->family,
           v->invariant, found.of_last.path_len, v->text);
    ck_assert_str_eq(v->invariant, b->invariant);
    ck_assert_ptr_nonnull(strstr(v->text, b->says));
    ck_assert_uint_le(found.of_last.path_len, STEPS_AT_MOST);
}

START_TEST(each_is_found_within_twelve_steps)
{
    for (unsigned i = 0; i < BUG_COUNT; i++)
        find(&bugs[i]);
}
END_TEST

static void find_nothing(const struct bug *b)
{
    search_bug(b, false);
    ck_assert_msg(!found.of_last.violation.invariant, "%s: %s: %s", b->family,
                  found.of_last.violation.invariant, found.of_last.violation.text);
    ck_assert_uint_gt(found.ends, 0);
}

START_TEST(nothing_is_found_without_it)
{
    for (unsigned i = 0; i < BUG_COUNT; i++)
        if (!bugs[i].faults || strcmp(bugs[i].family, "child-child")) /* test_explore.c has that */
            find_nothing(&bugs[i]);
}
END_TEST

START_TEST(names_are_told_apart)
{
    for (unsigned i = 0; ike_quirk_at(i); i++) {
        const struct ike_quirk_row *row = ike_quirk_at(i);

        ck_assert_ptr_eq(ike_quirk_named(row->name), row);
        ck_assert_uint_eq(row->quirk, 1u << i);
        ck_assert_uint_gt(strlen(row->about), 0);
    }
    ck_assert_ptr_null(ike_quirk_named("strongswan-1"));
}
END_TEST

/* ---- setups ---- */

static struct world w;

struct heard {
    unsigned sent[2];
    bool refused, down;
};

static void hear(void *context, const struct story_line *line)
{
    struct heard *h = context;

    if (line->kind == STORY_SENT)
        h->sent[line->side]++;
    if (line->kind != STORY_EVENT)
        return;
    h->refused |= line->why && strcmp(line->why, "ts_unacceptable") == 0;
    h->down |= strcmp(line->what, "ike_down") == 0;
}

static void deliver_all(void)
{
    while (w.wire_count)
        world_step(&w, (struct choice){CHOICE_DELIVER, 0});
}

static nsec deadline(unsigned side)
{
    return ike_endpoint_deadline(w.end[side]);
}

static void begin(struct world_setup setup, const struct trigger *t, struct heard *h)
{
    struct world_options o = {.seed = 1,
                              .setup = setup,
                              .triggers = t,
                              .trigger_count = t ? 1 : 0,
                              .tell = hear,
                              .context = h};

    *h = (struct heard){0};
    ck_assert_ok(world_create(&w, &o));
    if (t)
        world_step(&w, (struct choice){CHOICE_TRIGGER, 0});
}

static uint64_t rekeys(unsigned side)
{
    return ike_endpoint_counters(w.end[side])->rekeys_child;
}

static void rekey_at_last(struct heard *h, unsigned from_a, unsigned from_b)
{
    ck_assert_uint_eq(h->sent[0], from_a);
    ck_assert_uint_eq(h->sent[1], from_b);
    ck_assert_uint_eq(rekeys(0), 1);
    ck_assert_uint_eq(rekeys(1), 1);
    world_destroy(&w);
}

START_TEST(a_group_is_refused_and_another_taken)
{
    static const struct trigger a = {0, TRIGGER_REKEY_CHILD}, b = {1, TRIGGER_REKEY_CHILD};
    struct heard h;

    /* HDR, SK {N(REKEY_SA), SA, Ni, KEi, TSi, TSr} -->  <-- HDR, SK {N(INVALID_KE_PAYLOAD)}
     * once more with the other group; HDR, SK {D} -->  <-- HDR, SK {D}         RFC 7296 §1.3 */
    begin((struct world_setup){.one_group = ONE_B}, &a, &h);
    deliver_all();
    rekey_at_last(&h, 3, 3);
    begin((struct world_setup){.one_group = ONE_B}, &b, &h); /* offers what both have */
    deliver_all();
    rekey_at_last(&h, 2, 2);
}
END_TEST

START_TEST(selectors_are_refused_until_the_first_timer)
{
    static const struct trigger b = {1, TRIGGER_REKEY_CHILD};
    struct heard h;

    begin((struct world_setup){.refuses = ONE_A}, &b, &h);
    deliver_all();
    ck_assert(h.refused);
    ck_assert_uint_eq(rekeys(0), 0);
    ck_assert_uint_eq(deadline(0), NSEC_NEVER);
    world_step(&w, (struct choice){CHOICE_TIMER, 1});
    deliver_all();
    rekey_at_last(&h, 3, 3);
}
END_TEST

START_TEST(soft_lifetimes_of_both_end_at_once_and_once)
{
    struct heard h;

    begin((struct world_setup){.soft_child = ONE_A | ONE_B}, NULL, &h);
    ck_assert_uint_eq(w.rekeys_asked, 2);
    ck_assert_uint_eq(deadline(0), deadline(1));
    ck_assert_uint_eq(deadline(0), w.now + SETUP_SOFT_TIME);
    world_step(&w, (struct choice){CHOICE_TIMER, 0});
    deliver_all();
    while (!world_quiet(&w)) {
        world_step(&w, (struct choice){CHOICE_TIMER, deadline(1) < deadline(0)});
        deliver_all();
    }
    ck_assert_uint_eq(rekeys(0), rekeys(1));
    ck_assert_uint_eq(rekeys(0), 1);
    world_destroy(&w);
}
END_TEST

START_TEST(an_expired_ike_sa_is_made_again_by_the_driver)
{
    struct heard h;

    begin((struct world_setup){.hard_ike = ONE_B}, NULL, &h);
    ck_assert_uint_eq(deadline(1), w.now + SETUP_HARD_TIME);
    world_step(&w, (struct choice){CHOICE_TIMER, 1});
    deliver_all();
    ck_assert(h.down);
    for (unsigned side = 0; side < 2; side++) {
        const struct ike_counters *c = ike_endpoint_counters(w.end[side]);

        ck_assert_uint_eq(c->ike_sas, 1);
        ck_assert_uint_eq(c->child_sas, 1);
    }
    world_destroy(&w);
}
END_TEST

START_TEST(an_eager_responder_deletes_behind_its_response)
{
    static const struct trigger b = {1, TRIGGER_REKEY_CHILD};
    struct heard h;

    begin((struct world_setup){.eager = ONE_A}, &b, &h);
    ck_assert_uint_eq(h.sent[0], 0);
    world_step(&w, (struct choice){CHOICE_DELIVER, 0});
    ck_assert_uint_eq(h.sent[0], 2);
    ck_assert_int_eq(w.wire[0].dgram.kind, DGRAM_RESPONSE);
    ck_assert_uint_eq(w.wire[1].exchange, KIND_CHILD_DELETE);
    deliver_all();
    ck_assert_uint_eq(rekeys(1), 1);
    world_destroy(&w);
}
END_TEST

SUITE("quirks", each_is_found_within_twelve_steps, nothing_is_found_without_it,
      names_are_told_apart, a_group_is_refused_and_another_taken,
      selectors_are_refused_until_the_first_timer, soft_lifetimes_of_both_end_at_once_and_once,
      an_expired_ike_sa_is_made_again_by_the_driver, an_eager_responder_deletes_behind_its_response)
