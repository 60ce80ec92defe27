/*
 * Phase 1 and Quick Mode through endpoints: whole, with each message lost, doubled, late and
 * tampered with; what somebody says again long after, forges, or has been refused. RFC 2409 §5,
 * §5.4, §5.5; RFC 3706 §6.2; RFC 3947 §3.2, §4.
 */
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/informational.h"
#include "proto/wire/header.h"
#include "proto/wire/v1_registry.h"
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

/* ---- again, long after, by somebody who has seen it ---- */

static struct ike_sa *sa_at(const struct pair *p, int side)
{
    return ike_sa_at(p->end[side], the_ike(p, side).handle);
}

/* More than Informational exchanges are remembered. */
static void ask_often(struct pair *p)
{
    for (int i = 0; i <= V1_IDS_SEEN; i++) {
        p->now += NSEC_PER_S;
        ck_assert_ok(ike_endpoint_probe(p->end[A], p->now, the_ike(p, A)));
        settle(p);
    }
}

static void check_at(const struct pair *p, struct ip_endpoint at)
{
    struct ip_endpoint now = ike_sa_remote(p->end[B], sa_at(p, B));

    ck_assert(ip_endpoint_equal(&now, &at));
    ck_assert_uint_eq(events_of(p, B, EVENT_PEER_MOVED), 0);
}

/* From `from`'s side, but not from where that is. */
static enum err from_elsewhere(struct pair *p, int from, const struct wire_message *m)
{
    struct wire_message copy = *m;

    copy.dgram.local = ike_sa_local(p->end[!from], sa_at(p, !from));
    copy.dgram.remote = (struct ip_endpoint){ip_addr_v4(0xc0a8ffee), 6666};
    return deliver(p, from, &copy);
}

/* RFC 3706 §6.2: an old number says neither that the peer lives nor where. */
START_TEST(an_old_question_moves_nobody)
{
    struct pair p;
    struct wire_message old;
    struct ip_endpoint at;
    nsec heard;

    v1_pair_init(&p, true, PHASE1_MAIN);
    p.nat = true;
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    old = p.wire[A][0];
    settle(&p);
    ask_often(&p);
    at = ike_sa_remote(p.end[B], sa_at(&p, B));
    heard = sa_at(&p, B)->last_heard;
    p.now += NSEC_PER_S;
    (void)from_elsewhere(&p, A, &old);
    check_at(&p, at);
    ck_assert_uint_eq(sa_at(&p, B)->last_heard, heard);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(v1_dropped(&p, B), 1);
    ask_often(&p);
    ck_assert_uint_eq(v1_dropped(&p, B), 1);
    pair_free(&p);
}
END_TEST

/* RFC 3706 §6.2: they wrap, and one that is far away does not count. */
START_TEST(numbers_of_questions_wrap)
{
    struct pair p;
    struct v1_sa *a, *b;

    v1_pair_establish(&p, true, PHASE1_MAIN);
    a = v1_sa_of(p.end[A], sa_at(&p, A));
    b = v1_sa_of(p.end[B], sa_at(&p, B));
    a->asked_first = a->asked_at = UINT32_MAX - 3;
    ask_often(&p);
    ck_assert_uint_eq(b->heard_at, a->asked_at);
    ck_assert_uint_lt(a->asked_at, 16);
    ck_assert_uint_eq(v1_dropped(&p, A) + v1_dropped(&p, B), 0);
    for (int forward = 0; forward < 2; forward++) {
        uint32_t last = a->asked_at;

        a->asked_at += forward ? UINT32_MAX / 3 : UINT32_MAX / 3 * 2;
        ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(p.wire_count[B], 0);
        ck_assert_uint_eq(b->heard_at, last);
        ck_assert_uint_eq(v1_dropped(&p, B), 1 + (unsigned)forward);
        a->asked_at = last;
        run_until(&p, p.now + 10 * NSEC_PER_S); /* asks again, with the right number */
    }
    ask_often(&p);
    ck_assert_uint_eq(v1_dropped(&p, B), 2);
    pair_free(&p);
}
END_TEST

/* Nothing in a message says who of the two wrote it. */
START_TEST(our_own_question_thrown_back_moves_nobody)
{
    for (int later = 0; later < 2; later++) {
        struct pair p;
        struct wire_message own;
        struct ip_endpoint at;

        v1_pair_init(&p, true, PHASE1_MAIN);
        p.nat = true;
        pair_establish(&p);
        at = ike_sa_remote(p.end[B], sa_at(&p, B));
        ck_assert_ok(ike_endpoint_probe(p.end[B], p.now, the_ike(&p, B)));
        pull(&p);
        own = p.wire[B][0];
        settle(&p);
        if (later)
            ask_often(&p);
        (void)from_elsewhere(&p, A, &own);
        check_at(&p, at);
        ck_assert_uint_eq(p.wire_count[B], 0);
        ck_assert_uint_eq(v1_dropped(&p, B), 1);
        ask_often(&p); /* A's own numbers go on */
        ck_assert_uint_eq(v1_dropped(&p, B), 1);
        pair_free(&p);
    }
}
END_TEST

/* Of either end: message 1 to who has answered it, and to who has sent it. */
START_TEST(an_old_quick_mode_makes_nothing)
{
    for (int to = 0; to < 2; to++) {
        struct pair p;
        struct wire_message old;

        v1_pair_init(&p, true, PHASE1_MAIN);
        pair_create(&p);
        pair_initiate(&p);
        for (int n = 0; n < 6; n++)
            (void)hand_over(&p, n % 2 ? B : A);
        old = p.wire[A][0];
        settle(&p);
        run_until(&p, p.now + 600 * NSEC_PER_S);
        ask_often(&p);
        ck_assert_int_eq(from_elsewhere(&p, !to, &old), ERR_MESSAGE_ID);
        ck_assert_uint_eq(p.wire_count[to], 0);
        ck_assert_uint_eq(events_of(&p, to, EVENT_CHILD_UP), 1);
        ck_assert_uint_eq(v1_dropped(&p, to), 1);
        pair_free(&p);
    }
}
END_TEST

/* All message IDs of Quick Modes are remembered, so there is an end to them under one phase 1. */
START_TEST(many_quick_modes_want_a_new_phase_1)
{
    struct pair p;

    v1_pair_establish(&p, true, PHASE1_MAIN);
    for (int i = 0; i < 2 * V1_IDS_USED; i++) {
        int side = i % 2;

        ck_assert_ok(ike_endpoint_rekey_child(p.end[side], p.now, the_child(&p, side)));
        run_until(&p, p.now + 20 * NSEC_PER_S);
        v1_check_up(&p);
        ck_assert_uint_le(v1_sa_of(p.end[B], sa_at(&p, B))->used_count, V1_IDS_MANY);
    }
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->reauthentications +
                          ike_endpoint_counters(p.end[B])->reauthentications,
                      2);
    ck_assert_uint_eq(child_count(&p, A), 1);
    pair_free(&p);
}
END_TEST

START_TEST(there_is_no_quick_mode_whose_message_id_would_be_forgotten)
{
    for (int full = 0; full < 2; full++) {
        struct pair p;

        v1_pair_establish(&p, true, PHASE1_MAIN);
        v1_sa_of(p.end[full], sa_at(&p, full))->used_count = V1_IDS_USED;
        ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        ck_assert_uint_eq(p.wire_count[A], full == B);
        if (full == B)
            ck_assert_int_eq(hand_over(&p, A), ERR_FULL);
        else
            ck_assert_int_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_LIMIT);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_LIMIT], full == B);
        ck_assert_uint_eq(child_count(&p, B), 1);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

/* ---- forged ---- */

static unsigned records_of(const struct pair *p, int side)
{
    const struct v1_exchange *x = NULL;
    unsigned count = 0;

    while ((x = v1_exchange_next(p->end[side], sa_at(p, side), x)) != NULL)
        count++;
    return count;
}

/* With the cookies of an SA, which anybody on the way can read, and nothing else of it. */
static struct wire_message forged(const struct pair *p, int to, uint8_t exchange)
{
    const struct ike_sa *sa = sa_at(p, to);
    struct wire_message m = {.dgram = {.local = ike_sa_local(p->end[to], sa),
                                       .remote = ike_sa_remote(p->end[to], sa),
                                       .protocol = 17,
                                       .len = HEADER_LEN + 64}};
    const struct ike_header h = {.spi_i = sa->spi_i,
                                 .spi_r = sa->spi_r,
                                 .next_payload = V1_PAYLOAD_HASH,
                                 .version = HEADER_VERSION_1,
                                 .exchange = exchange,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = 0x12345678,
                                 .length = HEADER_LEN + 64};
    struct writer w;

    writer_init(&w, m.data, sizeof m.data);
    header_write(&w, &h);
    return m;
}

/* Message 3 of Aggressive Mode and what was said last in Quick Modes stay where they are, and what
 * is drawn next is what it would have been. */
START_TEST(a_forged_quick_mode_takes_nothing)
{
    uint32_t spis[2];

    for (int forge = 0; forge < 2; forge++) {
        struct child_sa_info info;
        struct pair p;

        v1_pair_establish(&p, true, PHASE1_AGGRESSIVE);
        for (int i = 0; i < 3; i++) {
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
            run_until(&p, p.now + 2 * NSEC_PER_MS);
        }
        ck_assert_uint_eq(records_of(&p, A), V1_EXCHANGES_MAX);
        if (forge) {
            struct wire_message m = forged(&p, A, V1_EXCHANGE_QUICK);

            ck_assert_int_ne(deliver(&p, B, &m), OK);
            ck_assert_uint_eq(v1_dropped(&p, A), 1);
            ck_assert_uint_eq(p.wire_count[A], 0);
        }
        ck_assert_uint_eq(records_of(&p, A), V1_EXCHANGES_MAX);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        run_until(&p, p.now + 60 * NSEC_PER_S);
        ck_assert(ike_endpoint_child_info(p.end[A], the_child(&p, A), &info));
        spis[forge] = info.spi_in;
        pair_free(&p);
    }
    ck_assert_uint_eq(spis[0], spis[1]);
}
END_TEST

/* ---- errors ---- */

/* An error that B says, with an SPI of ESP if there is one; it stays in `out`. */
static void say_error(struct pair *p, uint16_t type, uint32_t spi, struct wire_message *out)
{
    const struct ike_sa *sa = sa_at(p, B), *to = sa_at(p, A);
    struct v1_established keys = v1_sa_established(p->end[B], sa);
    uint8_t octets[4];
    struct v1_notify n = {.doi = V1_DOI_IPSEC, .protocol = V1_PROTOCOL_ISAKMP, .type = type};
    struct v1_info info;
    struct bytes message;

    if (spi) {
        store_be32(octets, spi);
        n.protocol = V1_PROTOCOL_ESP;
        n.spi = bytes_of(octets, sizeof octets);
    }
    *out = (struct wire_message){.dgram = {.local = ike_sa_local(p->end[A], to),
                                           .remote = ike_sa_remote(p->end[A], to),
                                           .protocol = 17}};
    v1_info_begin(&info, &keys, v1_exchange_draw_id(p->end[B], sa),
                  (struct buf){out->data, 0, sizeof out->data});
    v1_notify_write(payload_begin(&info.w, V1_PAYLOAD_NOTIFY), &n);
    payload_end(&info.w);
    ck_assert_ok(v1_info_end(&info, &keys, &message));
    out->dgram.len = message.len;
}

/* Whether A's Quick Mode in flight has ended. */
static bool hears_error(struct pair *p, const struct wire_message *error)
{
    struct wire_message copy = *error;
    unsigned failed = events_of(p, A, EVENT_CHILD_FAILED);

    (void)deliver(p, B, &copy);
    return events_of(p, A, EVENT_CHILD_FAILED) > failed;
}

static uint32_t spi_in_flight(const struct pair *p)
{
    struct ike_sa *sa = sa_at(p, A);
    struct v1_exchange *x = v1_exchange_find(p->end[A], sa, sa->request_id);

    return child_esp(p->end[A], child_sa_at(p->end[A], x->child))->spi_in;
}

START_TEST(an_error_ends_its_quick_mode_and_no_other)
{
    struct wire_message none, theirs, phase1, old;
    struct pair p;

    v1_pair_establish(&p, true, PHASE1_MAIN);
    say_error(&p, V1_NOTIFY_NO_PROPOSAL_CHOSEN, 0, &old);
    ck_assert(!hears_error(&p, &old)); /* there is none */
    ask_often(&p);
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    ck_assert(!hears_error(&p, &old));
    say_error(&p, V1_NOTIFY_INVALID_SPI, spi_in_flight(&p) + 1, &theirs);
    ck_assert(!hears_error(&p, &theirs));
    say_error(&p, V1_NOTIFY_AUTHENTICATION_FAILED, 0, &phase1);
    ck_assert(!hears_error(&p, &phase1));
    say_error(&p, V1_NOTIFY_NO_PROPOSAL_CHOSEN, spi_in_flight(&p), &theirs);
    ck_assert(hears_error(&p, &theirs));
    ck_assert_int_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_NO_PROPOSAL);
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    say_error(&p, V1_NOTIFY_INVALID_ID_INFORMATION, 0, &none);
    ck_assert(hears_error(&p, &none));
    ck_assert_uint_eq(child_count(&p, A), 1);
    pair_free(&p);
}
END_TEST

SUITE("ikev1", a_tunnel_comes_up, round_trips_before_the_first_packet, each_message_is_lost,
      each_message_is_doubled, each_message_comes_late, each_message_is_tampered_with,
      an_old_question_moves_nobody, numbers_of_questions_wrap,
      our_own_question_thrown_back_moves_nobody, an_old_quick_mode_makes_nothing,
      many_quick_modes_want_a_new_phase_1,
      there_is_no_quick_mode_whose_message_id_would_be_forgotten, a_forged_quick_mode_takes_nothing,
      an_error_ends_its_quick_mode_and_no_other, a_half_open_responder_is_small)
