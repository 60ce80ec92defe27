/* bench/opaque and bench/fleet: every client is served, as often and as exactly as it is said. */
#include "suite.h"

#include "bench/fleet.h"
#include "bench/opaque.h"

enum { CLIENTS = 3000 };

static struct opaque_totals run(uint32_t clients, bool star, uint64_t seed)
{
    struct opaque *o =
        opaque_create(&(struct opaque_options){.clients = clients, .star = star, .seed = seed});
    struct opaque_totals totals;

    ck_assert_ptr_nonnull(o);
    ck_assert_ok(opaque_run(o));
    ck_assert_msg(!opaque_wrong(o), "%s", opaque_wrong(o));
    totals = *opaque_totals(o);
    opaque_destroy(o);
    return totals;
}

/* An exchange crosses two lossy directions: of two questions each, 1.99 % are not answered. */
static void check_totals(uint32_t clients, const struct opaque_totals *t)
{
    uint64_t expected = 2 * clients * 199 / 9801; /* repetitions are lost, too */

    ck_assert_uint_eq(t->completed, clients);
    ck_assert_uint_eq(t->failed, 0);
    ck_assert_uint_eq(t->asked, 2 * clients + t->retransmissions);
    ck_assert_uint_gt(t->retransmissions, expected / 2);
    ck_assert_uint_lt(t->retransmissions, expected * 3 / 2);
    ck_assert_uint_eq(t->heard + t->lost, t->asked);
    ck_assert_uint_eq(t->heard, 2 * clients); /* no answer takes a second, so none comes twice */
}

START_TEST(a_tree_serves_everybody)
{
    struct opaque_totals t = run(CLIENTS, false, 1);

    check_totals(CLIENTS, &t);
    /* An event a hop, of which there are three each way; losses save some. */
    ck_assert_uint_gt(t.events, CLIENTS * UINT64_C(12));
    ck_assert_uint_lt(t.events, CLIENTS * UINT64_C(14));
}
END_TEST

START_TEST(a_star_serves_everybody)
{
    struct opaque_totals t = run(CLIENTS, true, 1);

    check_totals(CLIENTS, &t);
    ck_assert_uint_lt(t.events, CLIENTS * UINT64_C(10)); /* one hop less */
}
END_TEST

START_TEST(one_client_is_a_fleet)
{
    struct opaque_totals tree = run(1, false, 1), star = run(1, true, 1);

    ck_assert_uint_eq(tree.completed, 1);
    ck_assert_uint_eq(star.completed, 1);
}
END_TEST

START_TEST(a_seed_names_a_run)
{
    struct opaque_totals a = run(100, false, 1), b = run(100, false, 1), c = run(100, false, 2);

    ck_assert_uint_eq(a.digest, b.digest);
    ck_assert_uint_ne(a.digest, c.digest);
}
END_TEST

START_TEST(routers_are_as_many_as_a_square_has_sides)
{
    static const uint32_t expected[][3] = {{1, 1, 1},      {2, 2, 1},      {4, 2, 2},
                                           {1000, 32, 32}, {1025, 64, 17}, {1000000, 1024, 977}};

    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        ck_assert_uint_eq(opaque_fan(expected[i][0]), expected[i][1]);
        ck_assert_uint_eq(opaque_access_routers(expected[i][0]), expected[i][2]);
    }
}
END_TEST

START_TEST(every_kind_of_fleet_completes)
{
    for (int kind = 0; kind < FLEET_KINDS; kind++) {
        const struct fleet_plan plan = {.kind = (enum fleet_kind)kind, .clients = 40};
        struct fleet_cost cost, again;
        const char *why = "";
        struct fleet *f = fleet_open(&plan, &why);

        ck_assert_msg(f != NULL, "%s: %s", fleet_kind_name(plan.kind), why);
        ck_assert_ok(fleet_run(f, true, &cost));
        ck_assert_uint_eq(cost.completed, 0);
        ck_assert_uint_eq(cost.loop_ns, 0);
        ck_assert_uint_gt(cost.setup_ns, 0);
        ck_assert_ok(fleet_run(f, false, &cost));
        ck_assert_ok(fleet_run(f, false, &again));
        ck_assert_uint_eq(cost.completed, plan.clients);
        ck_assert_uint_eq(cost.failed, 0);
        ck_assert_uint_gt(cost.loop_ns, 0);
        ck_assert_uint_gt(cost.setup_ns, 0);
        ck_assert_uint_gt(cost.events, 12 * plan.clients);
        ck_assert_uint_eq(cost.events, again.events);
        fleet_close(f);
    }
}
END_TEST

SUITE("opaque", a_tree_serves_everybody, a_star_serves_everybody, one_client_is_a_fleet,
      a_seed_names_a_run, routers_are_as_many_as_a_square_has_sides, every_kind_of_fleet_completes)
