/*
 * Phase 1 and Quick Mode through endpoints: whole, with each message lost, doubled, late and
 * tampered with. RFC 2409 §5, §5.4, §5.5; RFC 3947 §3.2, §4.
 */
#include "v1_pair.h"

static const enum phase1_mode modes[] = {PHASE1_MAIN, PHASE1_AGGRESSIVE};
static const unsigned messages[] = {9, 6}; /* of phase 1 and Quick Mode, by mode */

/* ---- whole ---- */

START_TEST(a_tunnel_comes_up)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (int modelled = 0; modelled < 2; modelled++) {
            v1_pair_establish(&p, modelled, modes[m]);
            v1_check_up(&p);
            for (int side = 0; side < 2; side++) {
                const struct ike_event *up = last_event(&p, side, EVENT_IKE_UP);

                ck_assert_ptr_nonnull(up);
                ck_assert_uint_eq(up->version, IKE_V1);
                ck_assert(up->initiator == (side == A));
                ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_UP), 1);
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
                ck_assert_uint_eq(last_event(&p, side, EVENT_CHILD_UP)->version, IKE_V1);
                ck_assert_uint_eq(v1_dropped(&p, side), 0);
                ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->half_open, 0);
            }
            ck_assert_uint_eq(p.timeline_count, messages[m]);
            pair_free(&p);
        }
}
END_TEST

/* Messages of the initiator before its first packet: half a round trip each way. */
static unsigned round_trips(enum phase1_mode mode)
{
    struct pair p;
    struct esp_packet packet;
    unsigned trips = 0;

    v1_pair_init(&p, false, mode);
    pair_create(&p);
    pair_initiate(&p);
    while (esp_make(&p, A, 1, &packet)) {
        ck_assert_uint_le(++trips, 8);
        while (p.wire_count[A])
            (void)hand_over(&p, A);
        while (p.wire_count[B])
            (void)hand_over(&p, B);
    }
    settle(&p);
    ck_assert_ok(esp_take(&p, A, 1, &packet));
    pair_free(&p);
    return trips;
}

START_TEST(round_trips_before_the_first_packet)
{
    ck_assert_uint_eq(round_trips(PHASE1_MAIN), 4);
    ck_assert_uint_eq(round_trips(PHASE1_AGGRESSIVE), 2);
}
END_TEST

/* ---- what a stranger costs ---- */

/* Several handshakes with one responder, as one of them may be at work: what each takes, with all
 * of its IKE SA, behind the first message of a stranger, and behind its KE. */
START_TEST(a_half_open_responder_is_small)
{
    static const unsigned most[] = {1440, 3072}; /* octets */
    enum { CALLS = 4 };

    for (int modelled = 0; modelled < 2; modelled++) {
        struct ike_remote remote;
        uint64_t first = 0;
        struct pair p;

        v1_pair_init(&p, modelled, PHASE1_MAIN);
        for (int side = 0; side < 2; side++)
            pair_propose(&p.config[side], "aes256-sha256-modp2048", "aes256gcm16");
        pair_create(&p);
        remote = (struct ike_remote){.local = pair_address(&p, A, 500),
                                     .remote = pair_address(&p, B, 500)};
        for (int i = 0; i < CALLS; i++)
            ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &p.ike));
        pull(&p);
        for (int trip = 0; trip < 2; trip++) {
            uint64_t each;

            for (int i = 0; i < CALLS; i++) {
                ck_assert_ok(hand_over(&p, A));
                if (!first)
                    first = ike_endpoint_memory(p.end[B]);
            }
            each = (ike_endpoint_memory(p.end[B]) - first) / (CALLS - 1);
            ck_assert_uint_le(each, most[trip]);
            ck_assert_uint_ge(each, most[trip] / 2);
            for (int i = 0; i < CALLS; i++)
                ck_assert_ok(hand_over(&p, B));
        }
        settle(&p);
        ck_assert_uint_eq(ike_count(&p, A), CALLS); /* each went on where it was */
        ck_assert_uint_eq(ike_count(&p, B), CALLS);
        ck_assert_uint_eq(v1_dropped(&p, A) + v1_dropped(&p, B), 0);
        pair_free(&p);
    }
}
END_TEST

/* ---- each message ---- */

/* Hand over messages one by one until `n` of them are through; the next one is on the wire. */
static int next_from(const struct pair *p)
{
    return p->wire_count[A] ? A : B;
}

static void begin(struct pair *p, enum phase1_mode mode, unsigned n)
{
    v1_pair_init(p, true, mode);
    pair_create(p);
    pair_initiate(p);
    while (n-- > 0)
        (void)hand_over(p, next_from(p));
}

START_TEST(each_message_is_lost)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            begin(&p, modes[m], n);
            drop_next(&p, next_from(&p));
            run_until(&p, p.now + 20 * NSEC_PER_S);
            v1_check_up(&p);
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_UP), 1);
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
            }
            pair_free(&p);
        }
}
END_TEST

START_TEST(each_message_is_doubled)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            begin(&p, modes[m], n);
            (void)duplicate_next(&p, next_from(&p));
            settle(&p);
            v1_check_up(&p);
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_HALF_OPEN), 1);
                ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_UP), 1);
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
            }
            pair_free(&p);
        }
}
END_TEST

/* A double that comes when all is over changes nothing. */
START_TEST(each_message_comes_late)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            struct wire_message late;
            int from;

            begin(&p, modes[m], n);
            from = next_from(&p);
            late = p.wire[from][0];
            settle(&p);
            v1_check_up(&p);
            for (int i = 0; i < 2; i++) {
                struct wire_message copy = late;

                (void)deliver(&p, from, &copy);
                settle(&p);
                v1_check_up(&p);
                p.now += i == 0 ? NSEC_PER_S : 600 * NSEC_PER_S;
                expire(&p);
            }
            for (int side = 0; side < 2; side++)
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
            pair_free(&p);
        }
}
END_TEST

/* A copy with one octet changed comes first: whatever it is, what is true gets through. */
START_TEST(each_message_is_tampered_with)
{
    struct pair p;

    for (int m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++)
            for (size_t at = 0;; at += 7) {
                int from;

                begin(&p, modes[m], n);
                from = next_from(&p);
                if (at >= p.wire[from][0].dgram.len) {
                    pair_free(&p);
                    break;
                }
                (void)tamper_next(&p, from, at);
                run_until(&p, p.now + 60 * NSEC_PER_S);
                ck_assert_uint_le(ike_count(&p, A), 1);
                if (n > 0 || at >= 8) /* a first message of another cookie is another SA */
                    ck_assert_uint_le(ike_count(&p, B), 1);
                pair_free(&p);
            }
}
END_TEST

SUITE("ikev1", a_tunnel_comes_up, round_trips_before_the_first_packet,
      a_half_open_responder_is_small, each_message_is_lost, each_message_is_doubled,
      each_message_comes_late, each_message_is_tampered_with)
