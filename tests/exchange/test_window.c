/*
 * Windows above 1: RFC 7296 §2.3. Several requests in flight, served in any order, each once; who
 * announces what, and what an announcement is worth; exchanges side by side.
 */
#include "edit.h"
#include "proto/ike/overlap.h"
#include "proto/wire/notify.h"
#include "same.h"

enum { SIZE = 4 };

static void windows(struct pair *p, uint8_t a, uint8_t b)
{
    pair_init(p, true);
    p->config[A].window = a;
    p->config[B].window = b;
}

static void establish(struct pair *p, uint8_t a, uint8_t b)
{
    windows(p, a, b);
    pair_establish(p);
}

static struct ike_sa *inside(struct pair *p, int side)
{
    return ike_sa_at(p->end[side], the_ike(p, side).handle);
}

static unsigned in_flight(struct pair *p, int side)
{
    struct flight all[WINDOW_MAX];

    return flights_of(p->end[side], inside(p, side), all);
}

static const struct ike_counters *counters(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

static void wish_children(struct pair *p, int side, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_ok(ike_endpoint_new_child(p->end[side], p->now, the_ike(p, side)));
    pull(p);
}

static struct sa_ref child_number(const struct pair *p, int side, unsigned number)
{
    struct sa_ref r = ike_endpoint_next_child(p->end[side], SA_NONE);

    while (number--)
        r = ike_endpoint_next_child(p->end[side], r);
    ck_assert(!sa_none(r));
    return r;
}

static void check_equal(const struct wire_message *a, const struct wire_message *b)
{
    ck_assert_uint_eq(a->dgram.len, b->dgram.len);
    ck_assert_mem_eq(a->data, b->data, a->dgram.len);
}

/* A message is opened in place; the test keeps its own. */
static enum err deliver_copy(struct pair *p, int from, const struct wire_message *m)
{
    struct wire_message copy = *m;

    return deliver(p, from, &copy);
}

static uint32_t id_of(const struct wire_message *m)
{
    return load_be32(m->data + 20);
}

/* ---- announcements ---- */

/* The window that the next message of `from` announces; 0: none. */
static uint32_t announced(struct pair *p, int from)
{
    struct wire_message copy = p->wire[from][0]; /* it is opened in place */
    struct ike_endpoint *to = p->end[1 - from];
    struct message_view outer, inner;
    struct notify_payload n;
    bool authentic;

    ck_assert_uint_gt(p->wire_count[from], 0);
    ck_assert_ok(message_read(bytes_of(copy.data, copy.dgram.len), &outer));
    ck_assert_ok(ike_message_open(to, ike_sa_by_spi(to, load_be64(copy.data + (from ? 0 : 8))),
                                  &outer, &inner, &authentic));
    if (!notify_find(&inner, NOTIFY_SET_WINDOW_SIZE, &n))
        return 0;
    ck_assert_uint_eq(n.data.len, 4);
    ck_assert_uint_eq(n.protocol + n.spi.len, 0);
    return load_be32(n.data.data);
}

/* HDR, SK {IDi, AUTH, SAi2, TSi, TSr, N(SET_WINDOW_SIZE)}  -->          RFC 7296 §2.3
 *                       <--  HDR, SK {IDr, AUTH, SAr2, TSi, TSr, N(SET_WINDOW_SIZE)} */
START_TEST(a_window_is_announced_in_ike_auth)
{
    const uint8_t sizes[] = {0, 1, 2, WINDOW_MAX};

    for (size_t i = 0; i < sizeof sizes; i++) {
        struct pair p;
        uint32_t said = sizes[i] > 1 ? sizes[i] : 0;

        windows(&p, sizes[i], sizes[i]);
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        ck_assert_uint_eq(announced(&p, A), said);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(announced(&p, B), said);
        settle(&p);
        check_agreement(&p);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.3: no more than the peer lets us; and no more than we want. */
START_TEST(no_more_is_in_flight_than_both_allow)
{
    const struct {
        uint8_t a, b, flies;
    } cases[] = {{1, 1, 1},    {SIZE, 1, 1}, {1, SIZE, 1},
                 {2, SIZE, 2}, {SIZE, 3, 3}, {SIZE, SIZE, 4}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;

        establish(&p, cases[i].a, cases[i].b);
        wish_children(&p, A, 6);
        ck_assert_uint_eq(in_flight(&p, A), cases[i].flies);
        ck_assert_uint_eq(p.wire_count[A], cases[i].flies);
        settle(&p);
        ck_assert_uint_eq(child_count(&p, A), 7);
        check_same(&p, "after all");
        pair_free(&p);
    }
}
END_TEST

static struct edit window_edit(uint8_t *body, uint32_t size, size_t len)
{
    store_be32(body, NOTIFY_SET_WINDOW_SIZE);
    store_be32(body + 4, size);
    return (struct edit){.type = PAYLOAD_NOTIFY, .how = ADD, .with = bytes_of(body, 4 + len)};
}

/* The responder announces what it likes, at the end of IKE_AUTH. */
static void establish_announced(struct pair *p, uint32_t size, size_t len)
{
    uint8_t body[8];
    struct edit e = window_edit(body, size, len);

    windows(p, SIZE, 1);
    pair_create(p);
    pair_initiate(p);
    ck_assert_ok(hand_over(p, A));
    ck_assert_ok(hand_over(p, B));
    ck_assert_ok(hand_over(p, A));
    (void)hand_over_edited(p, B, &e);
}

START_TEST(a_window_of_nothing_is_ignored)
{
    struct pair p;

    establish_announced(&p, 0, 4);
    ck_assert_uint_eq(counters(&p, A)->windows_ignored, 1);
    wish_children(&p, A, 3);
    ck_assert_uint_eq(in_flight(&p, A), 1);
    settle(&p);
    check_same(&p, "a window of 0");
    pair_free(&p);
}
END_TEST

START_TEST(a_huge_window_is_bounded_by_our_own)
{
    const uint32_t sizes[] = {SIZE, SIZE + 1, 255, 256, 0x01000000, UINT32_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct pair p;

        establish_announced(&p, sizes[i], 4);
        ck_assert_uint_eq(counters(&p, A)->windows_ignored, 0);
        wish_children(&p, A, 3 * SIZE);
        ck_assert_uint_eq(in_flight(&p, A), SIZE);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.3: its data "MUST be 4 octets long". */
START_TEST(a_window_of_another_length_is_a_syntax_error)
{
    for (size_t len = 0; len < 4; len++) {
        struct pair p;

        establish_announced(&p, 0x04040404, len);
        ck_assert_uint_eq(counters(&p, A)->dropped[IKE_DROP_SYNTAX], 1);
        ck_assert_uint_eq(ike_count(&p, A), 0);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.3: "there is currently no way to reduce the window size". */
START_TEST(a_window_grows_but_does_not_shrink)
{
    struct pair p;
    uint8_t body[8];
    struct edit e = window_edit(body, 2, 4);

    establish(&p, SIZE, 3);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over_edited(&p, B, &e));
    ck_assert_uint_eq(counters(&p, A)->windows_ignored, 1);
    wish_children(&p, A, SIZE);
    ck_assert_uint_eq(in_flight(&p, A), 3);
    settle(&p);
    e = window_edit(body, 7, 4);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over_edited(&p, B, &e));
    wish_children(&p, A, SIZE);
    ck_assert_uint_eq(in_flight(&p, A), SIZE);
    pair_free(&p);
}
END_TEST

/* RFC 7296 §2.3: "the new IKE SA starts with window size 1 until it is explicitly increased". */
START_TEST(after_a_rekey_the_window_is_one_until_it_is_announced_again)
{
    struct pair p;

    establish(&p, SIZE, SIZE);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_uint_eq(counters(&p, A)->rekeys_ike, 1);
    wish_children(&p, B, SIZE);
    ck_assert_uint_eq(in_flight(&p, B), 1);
    ck_assert_uint_eq(announced(&p, B), SIZE);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_uint_eq(announced(&p, A), SIZE);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(in_flight(&p, B), 3);
    ck_assert_uint_eq(announced(&p, B), 0);
    settle(&p);
    wish_children(&p, A, SIZE);
    ck_assert_uint_eq(in_flight(&p, A), SIZE);
    settle(&p);
    check_same(&p, "after a rekey");
    pair_free(&p);
}
END_TEST

/* ---- the receiving side ---- */

START_TEST(requests_inside_the_window_are_served_in_any_order)
{
    static const unsigned orders[][SIZE] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};

    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        struct wire_message request[SIZE], response[SIZE], again;
        struct pair p;
        uint64_t before;

        establish(&p, SIZE, SIZE);
        wish_children(&p, A, SIZE);
        before = counters(&p, B)->requests_executed;
        for (unsigned i = 0; i < SIZE; i++)
            request[i] = hold_next(&p, A);
        for (unsigned i = 0; i < SIZE; i++) {
            ck_assert_uint_eq(id_of(&request[i]), 2 + i); /* the oldest leaves first */
            ck_assert_ok(deliver_copy(&p, A, &request[orders[o][i]]));
            ck_assert_uint_eq(counters(&p, B)->requests_executed, before + i + 1);
            response[orders[o][i]] = hold_next(&p, B);
            ck_assert_uint_eq(id_of(&response[orders[o][i]]), 2 + orders[o][i]);
        }
        for (unsigned i = 0; i < SIZE; i++) { /* §2.1: from the cache, octet for octet */
            (void)deliver_copy(&p, A, &request[i]);
            again = hold_next(&p, B);
            check_equal(&again, &response[i]);
        }
        ck_assert_uint_eq(counters(&p, B)->requests_executed, before + SIZE);
        for (unsigned i = 0; i < SIZE; i++) {
            ck_assert_ok(deliver_copy(&p, B, &response[orders[SIZE - 1 - o % SIZE][i]]));
            (void)deliver_copy(&p, B, &response[orders[SIZE - 1 - o % SIZE][i]]); /* nobody waits */
        }
        settle(&p);
        ck_assert_uint_eq(in_flight(&p, A), 0);
        ck_assert_uint_eq(child_count(&p, A), SIZE + 1);
        check_same(&p, "any order");
        pair_free(&p);
    }
}
END_TEST

static void nothing(struct message_writer *w)
{
    (void)w;
}

static enum err say(struct pair *p, int from, uint32_t id)
{
    struct wire_message m = {.dgram = {.local = pair_address(p, 1 - from, 500),
                                       .remote = pair_address(p, from, 500),
                                       .protocol = 17}};

    forge(p, from, &(struct message_start){EXCHANGE_INFORMATIONAL, id, false, false}, nothing, &m);
    return deliver(p, from, &m);
}

START_TEST(what_is_outside_the_window_is_dropped)
{
    struct pair p;
    uint32_t first;
    uint64_t before;

    establish(&p, SIZE, SIZE);
    first = inside(&p, B)->expected_id;
    before = state_of(&p, B);
    ck_assert_int_eq(say(&p, A, first + SIZE), ERR_MESSAGE_ID);
    ck_assert_int_eq(say(&p, A, first + UINT8_MAX), ERR_MESSAGE_ID);
    ck_assert_int_eq(say(&p, A, UINT32_MAX), ERR_MESSAGE_ID);
    ck_assert_int_eq(say(&p, A, 0), ERR_MESSAGE_ID);
    ck_assert_uint_eq(counters(&p, B)->dropped[IKE_DROP_MESSAGE_ID], 4);
    ck_assert_uint_eq(state_of(&p, B), before);
    ck_assert_ok(say(&p, A, first + SIZE - 1)); /* its last */
    ck_assert_int_eq(say(&p, A, first + SIZE), ERR_MESSAGE_ID);
    ck_assert_ok(say(&p, A, first)); /* and it moves on */
    ck_assert_uint_eq(inside(&p, B)->expected_id, first + 1);
    ck_assert_ok(say(&p, A, first + SIZE));
    ck_assert_ok(say(&p, A, first + 1));
    ck_assert_ok(say(&p, A, first + 2));
    ck_assert_uint_eq(inside(&p, B)->expected_id, first + SIZE + 1);
    ck_assert_uint_eq(counters(&p, B)->requests_executed, 2 + 5);
    pair_free(&p);
}
END_TEST

/* A peer that has got as far as request X has had the response to X - N. */
START_TEST(as_many_responses_are_kept_as_were_promised)
{
    struct wire_message request[3 * SIZE], response, again;
    struct pair p;

    establish(&p, SIZE, SIZE);
    for (unsigned i = 0; i < 3 * SIZE; i++) {
        ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        request[i] = hold_next(&p, A);
        ck_assert_ok(deliver_copy(&p, A, &request[i]));
        response = hold_next(&p, B);
        ck_assert_ok(deliver_copy(&p, B, &response));
        ck_assert_uint_le(p.end[B]->store->answered.taken, SIZE);
        for (unsigned k = 0; k <= i; k++) {
            uint64_t repeated = counters(&p, B)->responses_repeated;
            bool kept = i - k < SIZE;

            ck_assert_int_eq(deliver_copy(&p, A, &request[k]), ERR_MESSAGE_ID);
            ck_assert_uint_eq(counters(&p, B)->responses_repeated, repeated + kept);
            if (kept)
                again = hold_next(&p, B);
            if (k == i)
                check_equal(&again, &response);
        }
    }
    pair_free(&p);
}
END_TEST

/* The request of IKE_AUTH is one of the last N too. */
START_TEST(the_response_of_ike_auth_is_repeated_beside_others)
{
    struct wire_message auth, first, again;
    struct pair p;

    windows(&p, SIZE, SIZE);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    auth = hold_next(&p, A);
    ck_assert_ok(deliver_copy(&p, A, &auth));
    first = hold_next(&p, B);
    ck_assert_ok(deliver_copy(&p, B, &first));
    wish_children(&p, A, SIZE - 1);
    settle(&p);
    (void)deliver_copy(&p, A, &auth);
    again = hold_next(&p, B);
    check_equal(&again, &first);
    pair_free(&p);
}
END_TEST

/* ---- exchanges side by side ---- */

START_TEST(every_pair_of_exchanges_is_decided_once)
{
    size_t count;
    const struct overlap_row *rows = overlap_rows(&count);

    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(strncmp(rows[i].section, "RFC 7296 §", 11), 0);
        /* A rekey of the IKE SA runs beside nothing that changes an SA, and an end beside none. */
        ck_assert(rows[i].pending != KIND_IKE_REKEY || rows[i].wanted == KIND_LIVENESS);
        ck_assert(rows[i].wanted != KIND_IKE_REKEY || rows[i].pending == KIND_LIVENESS);
        ck_assert_uint_ne(rows[i].pending, KIND_IKE_DELETE);
        for (size_t k = 0; k < i; k++)
            ck_assert(rows[i].pending != rows[k].pending || rows[i].wanted != rows[k].wanted);
    }
}
END_TEST

START_TEST(a_rekey_of_the_ike_sa_waits_and_nothing_passes_it)
{
    struct pair p;

    establish(&p, SIZE, SIZE);
    wish_children(&p, A, 2);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    wish_children(&p, A, 1);
    ck_assert_uint_eq(in_flight(&p, A), 2);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A))); /* but liveness does */
    pull(&p);
    ck_assert_uint_eq(in_flight(&p, A), 3);
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
    }
    ck_assert_uint_eq(in_flight(&p, A), 2); /* liveness, and beside it the rekey */
    ck_assert_uint_eq(p.wire_count[A], 2);
    settle(&p);
    ck_assert_uint_eq(counters(&p, A)->rekeys_ike, 1);
    run_until(&p, p.now + 5 * NSEC_PER_S); /* what was wished of the old SA is done under the new */
    ck_assert_uint_eq(child_count(&p, A), 4);
    check_same(&p, "a rekey that waited");
    pair_free(&p);
}
END_TEST

/* The old IKE SA is over while liveness is still in flight in it. */
START_TEST(a_rekey_overtakes_liveness)
{
    for (int order = 0; order < 2; order++) {
        struct wire_message probe;
        struct pair p;

        establish(&p, SIZE, SIZE);
        ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        probe = hold_next(&p, A);
        ck_assert_ok(hand_over(&p, A)); /* the rekey */
        ck_assert_ok(hand_over(&p, B));
        if (order)
            (void)deliver_copy(&p, A, &probe);
        settle(&p);
        (void)deliver_copy(&p, A, &probe);
        settle(&p);
        check_same(&p, "a rekey beside liveness");
        run_until(&p, p.now + 400 * NSEC_PER_S);
        check_same(&p, "long after");
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_delete_of_the_ike_sa_waits_for_no_child)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};

    for (size_t o = 0; o < 3; o++) {
        struct wire_message m[3];
        struct pair p;

        establish(&p, SIZE, SIZE);
        wish_children(&p, A, 1);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, child_number(&p, A, 0)));
        pull(&p);
        ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        ck_assert_uint_eq(p.wire_count[A], 3);
        ck_assert_uint_eq(p.end[A]->store->parked.taken, 0); /* the others are forgotten */
        for (unsigned i = 0; i < 3; i++)
            m[i] = hold_next(&p, A);
        for (unsigned i = 0; i < 3; i++)
            (void)deliver_copy(&p, A, &m[orders[o][i]]);
        settle(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(ike_count(&p, side) + child_count(&p, side), 0);
            ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_DOWN), 1);
        }
        run_until(&p, p.now + 400 * NSEC_PER_S);
        ck_assert_uint_eq(p.end[A]->store->messages.classes[0].taken +
                              p.end[A]->store->handshakes.taken + p.end[A]->store->parked.taken +
                              p.end[A]->store->windows.taken + p.end[B]->store->answered.taken +
                              p.end[B]->store->windows.taken,
                          0);
        pair_free(&p);
    }
}
END_TEST

/* The requests that it does not wait for have nothing to do with its retransmissions any more. */
START_TEST(a_delete_beside_others_is_sent_again_until_it_is_given_up)
{
    struct wire_message first;
    struct pair p;
    unsigned sent = 1;

    establish(&p, SIZE, SIZE);
    wish_children(&p, A, 2);
    p.wire_count[A] = 0;
    p.now += NSEC_PER_S; /* their timers would be first */
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_uint_eq(p.wire_count[A], 1);
    first = hold_next(&p, A);
    while (ike_endpoint_deadline(p.end[A]) != NSEC_NEVER) {
        p.now = ike_endpoint_deadline(p.end[A]);
        ike_endpoint_expire(p.end[A], p.now);
        pull(&p);
        for (; p.wire_count[A]; sent++) {
            struct wire_message m = hold_next(&p, A);

            check_equal(&m, &first);
        }
    }
    ck_assert_uint_eq(sent, 6);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_DOWN), 1);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[A]), 0);
    pair_free(&p);
}
END_TEST

/* A rekey of a child, its delete, and another child's, wished for at once. */
START_TEST(one_child_has_one_exchange)
{
    struct pair p;
    struct sa_ref child[2];

    establish(&p, SIZE, SIZE);
    wish_children(&p, A, 1);
    settle(&p);
    child[0] = child_number(&p, A, 0);
    child[1] = child_number(&p, A, 1);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, child[0]));
    ck_assert_ok(ike_endpoint_delete_child(p.end[A], p.now, child[0]));
    ck_assert_uint_eq(in_flight(&p, A), 1);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, child[1]));
    ck_assert_uint_eq(in_flight(&p, A), 2);
    settle(&p);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_eq(child_count(&p, A), 1);
    check_same(&p, "two children");
    pair_free(&p);
}
END_TEST

/* Both rekey two children at once: two collisions, each settled by its own nonces (§2.8.1). */
START_TEST(two_collisions_at_once)
{
    for (int order = 0; order < 4; order++) {
        struct pair p;

        establish(&p, SIZE, SIZE);
        wish_children(&p, A, 1);
        settle(&p);
        for (int side = 0; side < 2; side++)
            for (unsigned i = 0; i < 2; i++)
                ck_assert_ok(
                    ike_endpoint_rekey_child(p.end[side], p.now, child_number(&p, side, i)));
        pull(&p);
        ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 4);
        for (int side = 0; side < 2; side++) {
            struct wire_message m = wire_take(&p, side, order >> side & 1);

            (void)deliver(&p, side, &m);
            m = wire_take(&p, side, 0);
            (void)deliver(&p, side, &m);
        }
        settle(&p);
        ck_assert_uint_eq(counters(&p, A)->collisions, 2);
        ck_assert_uint_eq(counters(&p, B)->collisions, 2);
        run_until(&p, p.now + 60 * NSEC_PER_S);
        ck_assert_uint_eq(child_count(&p, A), 2);
        check_same(&p, "two collisions");
        pair_free(&p);
    }
}
END_TEST

/* The delete of an SA is lost for a while; meanwhile its successor is rekeyed, and even deleted.
 * The responder, which has heard no packet yet, must not be left with nothing to send through. */
START_TEST(a_rekey_overtakes_the_delete_of_its_ancestor)
{
    for (int late = 0; late < 2; late++) {
        struct wire_message lost;
        struct pair p;

        establish(&p, SIZE, SIZE);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, child_number(&p, A, 0)));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        lost = hold_next(&p, A);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        pull(&p);
        ck_assert_uint_eq(p.wire_count[A], 1);
        settle(&p); /* and the delete of the second */
        if (late) { /* the second goes for good before the first */
            p.now += 11 * NSEC_PER_S;
            ike_endpoint_expire(p.end[B], p.now);
        }
        ck_assert_ok(deliver_copy(&p, A, &lost));
        settle(&p);
        ck_assert_ok(send_packet(&p, B));
        run_until(&p, p.now + 60 * NSEC_PER_S);
        check_agreement(&p);
        check_same(&p, "three generations");
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.4: each request has its own ladder, and the first that ends takes all along. */
START_TEST(a_silent_peer_is_given_up_once)
{
    struct pair p;
    unsigned sent[3] = {0};
    struct wire_message first[3];
    nsec start;

    establish(&p, SIZE, SIZE);
    start = p.now;
    wish_children(&p, A, 2);
    for (unsigned i = 0; i < 2; i++)
        first[i] = hold_next(&p, A);
    p.now += NSEC_PER_S;
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    first[2] = hold_next(&p, A);
    while (ike_endpoint_deadline(p.end[A]) != NSEC_NEVER) {
        p.now = ike_endpoint_deadline(p.end[A]);
        ike_endpoint_expire(p.end[A], p.now);
        pull(&p);
        while (p.wire_count[A]) {
            struct wire_message m = hold_next(&p, A);

            ck_assert_uint_lt(id_of(&m) - 2, 3);
            check_equal(&m, &first[id_of(&m) - 2]);
            sent[id_of(&m) - 2]++;
        }
    }
    ck_assert_uint_eq(sent[0], 5);
    ck_assert_uint_eq(sent[1], 5);
    ck_assert_uint_eq(sent[2], 5);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_DOWN), 1);
    ck_assert_uint_eq(ike_count(&p, A) + child_count(&p, A), 0);
    ck_assert_uint_ge(p.now - start, 165 * NSEC_PER_S);
    ck_assert_uint_le(p.now - start, 166 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[A]), 0);
    pair_free(&p);
}
END_TEST

/* ---- INVALID_MESSAGE_ID (§2.3) ---- */

/* The value that the next message of `from` complains of. */
static uint32_t complaint(struct pair *p, int from, enum notify_type type)
{
    struct wire_message copy = p->wire[from][0];
    struct ike_endpoint *to = p->end[1 - from];
    struct message_view outer, inner;
    struct notify_payload n;
    bool authentic;

    ck_assert_uint_gt(p->wire_count[from], 0);
    ck_assert_ok(message_read(bytes_of(copy.data, copy.dgram.len), &outer));
    ck_assert(!header_is_response(&outer.header));
    ck_assert_uint_eq(outer.header.exchange, EXCHANGE_INFORMATIONAL);
    ck_assert_ok(ike_message_open(to, first_sa(to), &outer, &inner, &authentic));
    ck_assert(notify_find(&inner, (uint16_t)type, &n));
    ck_assert_uint_eq(n.data.len, 4);
    return load_be32(n.data.data);
}

/* <-- HDR, SK {N(INVALID_MESSAGE_ID)}     HDR, SK {} --> */
START_TEST(a_request_beyond_the_window_is_told_of_once_a_second)
{
    struct ike_sa_info before, after;
    struct pair p;
    uint32_t beyond;

    windows(&p, 1, SIZE);
    p.config[B].invalid_message_id = true;
    pair_establish(&p);
    beyond = inside(&p, B)->expected_id + SIZE;
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &before));
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(say(&p, A, beyond), ERR_MESSAGE_ID);
        ck_assert_uint_eq(p.wire_count[B], 1); /* of five, one */
    }
    ck_assert_uint_eq(complaint(&p, B, NOTIFY_INVALID_MESSAGE_ID), beyond);
    settle(&p);
    ck_assert_uint_eq(counters(&p, B)->complaints_sent, 1);
    ck_assert_uint_eq(counters(&p, A)->complaints_heard, 1);
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &after));
    ck_assert_uint_eq(after.request_id, before.request_id); /* it has changed nothing */
    ck_assert_uint_eq(after.children, before.children);
    p.now += NSEC_PER_S;
    ck_assert_int_eq(say(&p, A, beyond + 1), ERR_MESSAGE_ID);
    ck_assert_uint_eq(complaint(&p, B, NOTIFY_INVALID_MESSAGE_ID), beyond + 1);
    settle(&p);
    check_same(&p, "after complaints");
    pair_free(&p);
}
END_TEST

/* What nobody has proven, what is late, what is a response, and where nobody wants to know. */
START_TEST(nothing_else_outside_the_window_is_told_of)
{
    struct wire_message request, response;
    struct pair p;
    uint32_t beyond;

    windows(&p, SIZE, SIZE);
    p.config[B].invalid_message_id = true;
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    request = hold_next(&p, A);
    ck_assert_ok(deliver_copy(&p, A, &request));
    response = hold_next(&p, B);
    beyond = inside(&p, B)->expected_id + SIZE;
    store_be32(request.data + 20, beyond); /* under the ICV */
    ck_assert_int_eq(deliver_copy(&p, A, &request), ERR_MESSAGE_ID);
    ck_assert_int_eq(say(&p, A, 0), ERR_MESSAGE_ID);
    store_be32(response.data + 20, beyond);
    ck_assert_int_eq(deliver_copy(&p, B, &response), ERR_MESSAGE_ID);
    ck_assert_int_eq(say(&p, B, inside(&p, A)->expected_id + SIZE), ERR_MESSAGE_ID);
    ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
    ck_assert_uint_eq(counters(&p, B)->complaints_sent, 0);
    pair_free(&p);
}
END_TEST

/* ---- INVALID_SPI (§1.5, §2.21.4) ---- */

/* An ESP packet of A's, under another SPI, reaches B. */
static void send_stray(struct pair *p, uint32_t spi, size_t len)
{
    struct esp_packet packet = {
        .dgram = {.local = pair_address(p, B, 0), .remote = pair_address(p, A, 0), .protocol = 50}};
    struct buf inner;

    store_be32(packet.storage, spi);
    packet.dgram.data = packet.storage;
    packet.dgram.len = len;
    ck_assert_int_eq(ike_endpoint_unprotect(p->end[B], p->now, &packet.dgram, &inner, NULL),
                     ERR_NO_SA);
    pull(p);
}

START_TEST(an_unknown_spi_is_told_of_inside_the_ike_sa)
{
    struct pair p;
    struct sa_ref child;

    windows(&p, 1, 1);
    p.config[B].invalid_spi = true;
    pair_establish(&p);
    child = the_child(&p, A);
    for (int i = 0; i < 5; i++)
        send_stray(&p, 0xdeadbeef, 100);
    ck_assert_uint_eq(p.wire_count[B], 1);
    ck_assert_uint_eq(complaint(&p, B, NOTIFY_INVALID_SPI), 0xdeadbeef);
    settle(&p);
    ck_assert_uint_eq(counters(&p, B)->complaints_sent, 1);
    ck_assert_uint_eq(counters(&p, A)->complaints_heard, 1);
    ck_assert(sa_equal(child, the_child(&p, A)));
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* HDR(0,0), N(INVALID_SPI)                                RFC 7296 §1.5 */
START_TEST(an_unknown_spi_of_a_stranger_is_told_of_in_fewer_octets)
{
    struct pair p;

    windows(&p, 1, 1);
    p.config[B].invalid_spi = true;
    pair_create(&p);
    send_stray(&p, 0xdeadbeef, 47); /* 8 of UDP and 40 of IKE are more */
    ck_assert_uint_eq(p.wire_count[B], 0);
    p.now += NSEC_PER_S;      /* looking for an SA of the stranger's was work: one a second */
    send_stray(&p, 255, 100); /* reserved: no SPI at all */
    ck_assert_uint_eq(p.wire_count[B], 0);
    for (int i = 0; i < 5; i++)
        send_stray(&p, 0xdeadbeef, 48);
    ck_assert_uint_eq(p.wire_count[B], 1);
    ck_assert_uint_eq(p.wire[B][0].dgram.len, 40);
    ck_assert_uint_eq(p.wire[B][0].dgram.remote.port, 500);
    ck_assert_uint_eq(load_be64(p.wire[B][0].data) | load_be64(p.wire[B][0].data + 8), 0);
    (void)hand_over(&p, B); /* A knows nothing of it, and says nothing */
    ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
    p.now += NSEC_PER_S;
    send_stray(&p, 0xdeadbeef, 48);
    ck_assert_uint_eq(p.wire_count[B], 1);
    ck_assert_uint_eq(counters(&p, B)->complaints_sent, 2);
    pair_free(&p);
}
END_TEST

START_TEST(an_unknown_spi_draws_nothing_unless_asked_for)
{
    struct pair p;

    establish(&p, SIZE, SIZE);
    send_stray(&p, 0xdeadbeef, 100);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(counters(&p, B)->esp_dropped_no_sa, 1);
    pair_free(&p);
}
END_TEST

/* A gateway has restarted and says so; so can anybody. It draws one question a second. */
START_TEST(a_rumour_of_an_invalid_spi_is_asked_about_not_believed)
{
    for (int known = 0; known < 2; known++) {
        struct wire_message rumour;
        struct child_sa_info child;
        uint64_t before;
        struct pair p;

        windows(&p, 1, 1);
        p.config[A].invalid_spi = p.config[B].invalid_spi = true;
        pair_establish(&p);
        ck_assert(ike_endpoint_child_info(p.end[A], the_child(&p, A), &child));
        ike_endpoint_crash(p.end[B], p.now);
        pull(&p);
        send_stray(&p, known ? child.spi_out : 0xdeadbeef, 100);
        rumour = hold_next(&p, B);
        before = state_of(&p, A);
        ck_assert_int_eq(deliver_copy(&p, B, &rumour), ERR_NO_SA);
        ck_assert_uint_eq(counters(&p, A)->dropped[IKE_DROP_UNAUTHENTICATED], 1);
        ck_assert_uint_eq(child_count(&p, A), 1);
        ck_assert_uint_eq(p.wire_count[A], known);
        if (!known)
            ck_assert_uint_eq(state_of(&p, A), before);
        (void)deliver_copy(&p, B, &rumour);
        ck_assert_uint_eq(p.wire_count[A], known);
        while (ike_endpoint_deadline(p.end[A]) != NSEC_NEVER) {
            p.now = ike_endpoint_deadline(p.end[A]);
            expire(&p);
            p.wire_count[A] = 0;
        }
        ck_assert_uint_eq(counters(&p, A)->dpd_failures, known); /* §2.4: only silence proves it */
        pair_free(&p);
    }
}
END_TEST

/* ---- the end of message IDs (§2.2) ---- */

START_TEST(message_ids_never_wrap_in_a_window)
{
    for (uint32_t left = 1; left <= 2 * SIZE; left++) {
        struct pair p;

        establish(&p, SIZE, SIZE);
        inside(&p, A)->request_id = inside(&p, B)->expected_id = UINT32_MAX - left;
        for (unsigned i = 0; i < 3 * SIZE; i++)
            if (ike_count(&p, A))
                wish_children(&p, A, 1);
        if (ike_count(&p, A)) {
            ck_assert_uint_le(in_flight(&p, A), left < SIZE ? left : SIZE);
            for (unsigned i = 0; i < p.wire_count[A]; i++)
                ck_assert_uint_gt(id_of(&p.wire[A][i]), UINT32_MAX - left - 1);
        }
        settle(&p);
        run_until(&p, p.now + 400 * NSEC_PER_S);
        for (int side = 0; side < 2; side++)
            if (ike_count(&p, side))
                ck_assert_uint_lt(inside(&p, side)->request_id, UINT32_MAX);
        pair_free(&p);
    }
}
END_TEST

START_TEST(message_ids_are_renewed_in_time_in_a_window)
{
    struct pair p;

    establish(&p, SIZE, SIZE);
    inside(&p, A)->request_id = inside(&p, B)->expected_id = UINT32_C(0xfffeffff) - 2;
    for (int i = 0; i < 3; i++) {
        wish_children(&p, A, SIZE - 1);
        settle(&p);
    }
    run_until(&p, p.now + 10 * NSEC_PER_S);
    ck_assert_uint_ge(counters(&p, A)->rekeys_ike, 1);
    ck_assert_uint_lt(inside(&p, A)->request_id, 30);
    check_same(&p, "renewed");
    pair_free(&p);
}
END_TEST

/* ---- all at once ---- */

static void random_wish(struct pair *p, struct rng *chance, int side)
{
    struct ike_endpoint *ep = p->end[side];
    unsigned children = child_count(p, side);
    struct sa_ref child;

    if (!ike_count(p, side))
        return;
    child = children ? child_number(p, side, (unsigned)rng_below(chance, children)) : SA_NONE;
    switch (rng_below(chance, 8)) {
    case 0:
    case 1:
        if (children < 6)
            (void)ike_endpoint_new_child(ep, p->now, the_ike(p, side));
        break;
    case 2:
        if (children > 1)
            (void)ike_endpoint_delete_child(ep, p->now, child);
        break;
    case 3:
        (void)ike_endpoint_probe(ep, p->now, the_ike(p, side));
        break;
    case 4:
        (void)ike_endpoint_rekey_ike(ep, p->now, the_ike(p, side));
        break;
    default:
        if (children)
            (void)ike_endpoint_rekey_child(ep, p->now, child);
        break;
    }
    pull(p);
}

/* One message, any of those under way: lost, doubled (the copy stays), or delivered. */
static void random_message(struct pair *p, struct rng *chance)
{
    int from = (int)rng_below(chance, 2);
    struct wire_message m, copy;
    uint64_t fate = rng_below(chance, 10);

    if (!p->wire_count[from])
        return;
    m = wire_take(p, from, (unsigned)rng_below(chance, p->wire_count[from]));
    if (fate == 0)
        return;
    copy = m;
    (void)deliver(p, from, &m);
    if (fate <= 2)
        (void)deliver(p, from, &copy);
}

static void storm(struct pair *p, struct rng *chance)
{
    for (int step = 0; step < 300; step++) {
        nsec due = next_deadline(p);

        p->event_count[A] = p->event_count[B] = 0;
        if (rng_below(chance, 4) == 0)
            random_wish(p, chance, (int)rng_below(chance, 2));
        for (uint64_t i = rng_below(chance, 4); i > 0; i--)
            random_message(p, chance);
        while (p->wire_count[A] > 20 || p->wire_count[B] > 20)
            random_message(p, chance);
        p->now += rng_below(chance, NSEC_PER_S);
        if (due <= p->now)
            expire(p);
    }
    for (int round = 0; round < 100; round++) { /* then the sky clears */
        p->event_count[A] = p->event_count[B] = 0;
        run_until(p, p->now + 10 * NSEC_PER_S);
    }
}

START_TEST(many_in_flight_under_loss_and_doubles)
{
    uint64_t executed = 0, collisions = 0, most = 0;

    for (uint64_t seed = 0; seed < 150; seed++) {
        struct rng chance = rng_stream(seed, 46, RNG_TEST);
        struct pair p;
        char what[32];

        snprintf(what, sizeof what, "seed %u", (unsigned)seed);
        windows(&p, (uint8_t)(1 + seed % SIZE), (uint8_t)(1 + seed / SIZE % SIZE));
        p.config[A].retransmit.tries = p.config[B].retransmit.tries = 40;
        p.config[A].retransmit.limit = p.config[B].retransmit.limit = 2 * NSEC_PER_S;
        pair_establish(&p);
        storm(&p, &chance);
        ck_assert_msg(ike_count(&p, A) == 1, "%s: no IKE SA", what);
        ck_assert_msg(in_flight(&p, A) + in_flight(&p, B) == 0, "%s: still in flight", what);
        check_same(&p, what);
        for (int side = 0; side < 2; side++) {
            ck_assert_msg(p.end[side]->store->handshakes.taken == 0, "%s: a handshake is left",
                          what);
            ck_assert_msg(p.end[side]->store->parked.taken == 0, "%s: a request is left", what);
            /* I9: each request once */
            ck_assert_uint_le(counters(&p, side)->requests_executed,
                              counters(&p, 1 - side)->requests_sent);
            most = p.end[side]->store->parked.taken_peak > most
                       ? p.end[side]->store->parked.taken_peak
                       : most;
        }
        executed += counters(&p, A)->requests_executed;
        collisions += counters(&p, A)->collisions;
        pair_free(&p);
    }
    ck_assert_uint_gt(executed, 1000);
    ck_assert_uint_gt(collisions, 20);
    ck_assert_uint_eq(most, SIZE - 1);
}
END_TEST

SUITE("window", a_window_is_announced_in_ike_auth, no_more_is_in_flight_than_both_allow,
      a_window_of_nothing_is_ignored, a_huge_window_is_bounded_by_our_own,
      a_window_of_another_length_is_a_syntax_error, a_window_grows_but_does_not_shrink,
      after_a_rekey_the_window_is_one_until_it_is_announced_again,
      requests_inside_the_window_are_served_in_any_order, what_is_outside_the_window_is_dropped,
      as_many_responses_are_kept_as_were_promised,
      the_response_of_ike_auth_is_repeated_beside_others, every_pair_of_exchanges_is_decided_once,
      a_rekey_of_the_ike_sa_waits_and_nothing_passes_it, a_rekey_overtakes_liveness,
      a_delete_of_the_ike_sa_waits_for_no_child,
      a_delete_beside_others_is_sent_again_until_it_is_given_up, one_child_has_one_exchange,
      two_collisions_at_once, a_rekey_overtakes_the_delete_of_its_ancestor,
      a_silent_peer_is_given_up_once, a_request_beyond_the_window_is_told_of_once_a_second,
      nothing_else_outside_the_window_is_told_of, an_unknown_spi_is_told_of_inside_the_ike_sa,
      an_unknown_spi_of_a_stranger_is_told_of_in_fewer_octets,
      an_unknown_spi_draws_nothing_unless_asked_for,
      a_rumour_of_an_invalid_spi_is_asked_about_not_believed, message_ids_never_wrap_in_a_window,
      message_ids_are_renewed_in_time_in_a_window, many_in_flight_under_loss_and_doubles)
