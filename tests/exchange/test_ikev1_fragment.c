/*
 * IKEv1 messages in fragments through endpoints: where both have said so, and each fragment lost,
 * doubled and late. How they are judged: tests/unit/test_ikev1_joining.c.
 */
#include "proto/core/internal.h"
#include "v1_pair.h"

enum { SMALL = 160 /* a handful of fragments for a message with a key exchange */ };

static const enum phase1_mode modes[] = {PHASE1_MAIN, PHASE1_AGGRESSIVE};

static const struct ike_counters *counters(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

static void init(struct pair *p, enum phase1_mode mode)
{
    v1_pair_init(p, true, mode);
    for (int side = 0; side < 2; side++) {
        p->config[side].fragmentation = FRAGMENTATION_YES;
        p->config[side].fragment_size = SMALL;
    }
}

static void check_nothing_waits(const struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(p->end[side]->store->joinings.taken, 0);
        ck_assert_uint_eq(p->end[side]->store->joining_by_source.count, 0);
    }
}

static void start(struct pair *p)
{
    pair_create(p);
    pair_initiate(p);
}

START_TEST(a_tunnel_comes_up_where_both_do_fragments)
{
    for (int m = 0; m < 2; m++)
        for (int a = FRAGMENTATION_NO; a <= FRAGMENTATION_YES; a++)
            for (int b = FRAGMENTATION_NO; b <= FRAGMENTATION_YES; b++) {
                bool agreed = a != FRAGMENTATION_NO && b != FRAGMENTATION_NO;
                struct pair p;

                init(&p, modes[m]);
                p.config[A].fragmentation = (enum fragmentation_policy)a;
                p.config[B].fragmentation = (enum fragmentation_policy)b;
                start(&p);
                settle(&p);
                v1_check_up(&p);
                ck_assert_int_eq(counters(&p, A)->messages_fragmented > 0,
                                 agreed && a == FRAGMENTATION_YES);
                ck_assert_int_eq(counters(&p, B)->messages_fragmented > 0,
                                 agreed && b == FRAGMENTATION_YES);
                for (int side = 0; side < 2; side++) {
                    ck_assert_uint_eq(counters(&p, side)->fragments_made,
                                      counters(&p, 1 - side)->fragments_heard);
                    ck_assert_uint_eq(counters(&p, side)->messages_fragmented,
                                      counters(&p, 1 - side)->messages_joined);
                    ck_assert_uint_eq(v1_dropped(&p, side), 0);
                }
                check_nothing_waits(&p);
                pair_free(&p);
            }
}
END_TEST

/* Datagrams of a handshake, one after the other. */
static unsigned datagrams(enum phase1_mode mode)
{
    struct pair p;
    unsigned count;

    init(&p, mode);
    start(&p);
    settle(&p);
    count = p.timeline_count;
    pair_free(&p);
    return count;
}

static int next_from(const struct pair *p)
{
    return p->wire_count[A] ? A : B;
}

static void begin(struct pair *p, enum phase1_mode mode, unsigned n)
{
    init(p, mode);
    start(p);
    while (n-- > 0)
        (void)hand_over(p, next_from(p));
}

static void check_once(struct pair *p)
{
    v1_check_up(p);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(events_of(p, side, EVENT_IKE_UP), 1);
        ck_assert_uint_eq(events_of(p, side, EVENT_CHILD_UP), 1);
    }
    run_until(p, p->now + JOINING_TIME + NSEC_PER_S);
    check_nothing_waits(p);
    pair_free(p);
}

START_TEST(each_fragment_is_lost)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0, count = datagrams(modes[m]); n < count; n++) {
            begin(&p, modes[m], n);
            drop_next(&p, next_from(&p));
            run_until(&p, p.now + 20 * NSEC_PER_S);
            check_once(&p);
        }
}
END_TEST

START_TEST(each_fragment_is_doubled)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0, count = datagrams(modes[m]); n < count; n++) {
            begin(&p, modes[m], n);
            (void)duplicate_next(&p, next_from(&p));
            settle(&p);
            check_once(&p);
        }
}
END_TEST

START_TEST(each_fragment_comes_late)
{
    for (int m = 0; m < 2; m++)
        for (unsigned n = 0, count = datagrams(modes[m]); n < count; n++) {
            struct wire_message late;
            struct pair p;
            int from;

            begin(&p, modes[m], n);
            from = next_from(&p);
            late = hold_next(&p, from);
            run_until(&p, p.now + 20 * NSEC_PER_S);
            (void)deliver(&p, from, &late);
            settle(&p);
            check_once(&p);
        }
}
END_TEST

SUITE("ikev1_fragment", a_tunnel_comes_up_where_both_do_fragments, each_fragment_is_lost,
      each_fragment_is_doubled, each_fragment_comes_late)
