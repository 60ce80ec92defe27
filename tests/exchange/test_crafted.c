/*
 * Messages of an authentic peer that gets one thing wrong, and of a stranger who changes a header:
 * each is refused for its own reason and changes nothing else. RFC 7296 §2.1-§2.5, §2.7-§2.10,
 * §2.21, §3.
 */
#include "edit.h"
#include "proto/wire/nonce.h"
#include "proto/wire/notify.h"

static uint64_t drops(const struct pair *p, int side)
{
    uint64_t all = 0;

    for (int i = 0; i < IKE_DROP_COUNT; i++)
        all += ike_endpoint_counters(p->end[side])->dropped[i];
    return all;
}

static const uint8_t filler[600] = {1, 2, 3};

/* ---- IKE_SA_INIT ---- */

START_TEST(first_requests_that_begin_nothing)
{
    const struct edit edits[] = {
        {PAYLOAD_NONCE, REPLACE, bytes_of(filler, 15), 0}, /* §3.9: 16 to 256 octets */
        {PAYLOAD_NONCE, REPLACE, bytes_of(filler, 257), 0},
        {PAYLOAD_NONCE, REPLACE, bytes_of(filler, 31), 0}, /* §2.10: half the key of the prf */
        {PAYLOAD_NONCE, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_SA, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_KE, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_KE, LEAVE_OUT, BYTES_NONE, 0},
        {PAYLOAD_SA, LEAVE_OUT, BYTES_NONE, 0},
        {PAYLOAD_NONCE, LEAVE_OUT, BYTES_NONE, 0},
        {PAYLOAD_KE, REPLACE, bytes_of(filler, 36), 0},
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        for (int response = 0; response < 2; response++) {
            struct pair p;
            enum err e;

            pair_init(&p, false);
            for (int side = 0; side < 2; side++)
                pair_propose(&p.config[side], "aes256gcm16-prfsha512-x25519", "aes256gcm16");
            pair_create(&p);
            pair_initiate(&p);
            if (response)
                ck_assert_ok(hand_over(&p, A));
            e = hand_over_edited(&p, response ? B : A, &edits[i]);
            ck_assert_msg(e != OK || i == 9, "edit %zu, response %d", i, response);
            ck_assert_uint_ge(drops(&p, response ? A : B), 1);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, response);
            settle(&p);
            run_until(&p, p.now + 5 * NSEC_PER_S); /* the true one comes again */
            ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 2);
            pair_free(&p);
        }
}
END_TEST

START_TEST(a_nonce_of_half_the_key_is_enough)
{
    struct pair p;
    struct edit e = {PAYLOAD_NONCE, REPLACE, bytes_of(filler, 32), 0};

    pair_init(&p, true);
    for (int side = 0; side < 2; side++)
        pair_propose(&p.config[side], "aes256gcm16-prfsha512-x25519", "aes256gcm16");
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over_edited(&p, A, &e));
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 1);
    pair_free(&p);
}
END_TEST

/* ---- headers (behaviours 7) ---- */

struct header_lie {
    size_t at;
    uint8_t flip;
    enum ike_drop why;
};

static const struct header_lie lies[] = {
    {0, 1, IKE_DROP_NO_SA},          {15, 1, IKE_DROP_NO_SA},      {18, 1, IKE_DROP_MESSAGE_ID},
    {19, 0x08, IKE_DROP_NO_SA},      {19, 0x20, IKE_DROP_COUNT},   {23, 1, IKE_DROP_MESSAGE_ID},
    {20, 0x80, IKE_DROP_MESSAGE_ID}, {17, 0x30, IKE_DROP_VERSION},
};

static void lie_to(struct pair *p, int from, const struct header_lie *lie)
{
    struct wire_message m = p->wire[from][0];
    struct ike_counters before = *ike_endpoint_counters(p->end[1 - from]);
    const struct ike_counters *after = ike_endpoint_counters(p->end[1 - from]);
    unsigned waiting = p->wire_count[1 - from];
    uint64_t all = drops(p, 1 - from);

    m.data[lie->at] ^= lie->flip;
    ck_assert_int_ne(deliver(p, from, &m), OK);
    ck_assert_uint_eq(after->requests_executed, before.requests_executed);
    ck_assert_uint_eq(after->responses_repeated, before.responses_repeated);
    ck_assert_uint_eq(drops(p, 1 - from), all + 1);
    if (lie->why != IKE_DROP_COUNT && !(lie->why == IKE_DROP_MESSAGE_ID && lie->at == 18))
        ck_assert_uint_eq(after->dropped[lie->why], before.dropped[lie->why] + 1);
    if (lie->why == IKE_DROP_VERSION && p->wire_count[1 - from] > waiting)
        (void)wire_take(p, 1 - from, p->wire_count[1 - from] - 1); /* INVALID_MAJOR_VERSION */
    ck_assert_uint_eq(p->wire_count[1 - from], waiting);
}

START_TEST(a_wrong_header_finds_nobody)
{
    struct pair p;
    int from = B;

    pair_init(&p, false);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (lies[i].at == 18 || lies[i].at >= 20) /* SPIr is not known yet, flags: other tests */
            lie_to(&p, B, &lies[i]);
    ck_assert_ok(hand_over(&p, B));
    for (int message = 0; message < 8; message++) {
        from = 1 - from;
        if (message == 2)
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        if (message == 6)
            ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        p.now += 2 * NSEC_PER_S;
        for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
            lie_to(&p, from, &lies[i]);
        ck_assert_ok(hand_over(&p, from));
    }
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

START_TEST(no_answer_to_a_response_of_another_version)
{
    struct wire_message m;
    struct pair p;

    pair_init(&p, true);
    pair_create(&p);
    pair_initiate(&p);
    m = p.wire[A][0];
    m.data[17] = 0x30;
    m.data[19] |= 0x20;
    ck_assert_int_eq(deliver(&p, A, &m), ERR_VERSION);
    ck_assert_uint_eq(p.wire_count[B], 0);
    m.data[19] &= (uint8_t)~0x20;
    ck_assert_int_eq(deliver(&p, A, &m), ERR_VERSION);
    ck_assert_uint_eq(p.wire_count[B], 1);
    pair_free(&p);
}
END_TEST

/* ---- IKE_AUTH ---- */

START_TEST(auth_requests_that_prove_nothing)
{
    const uint8_t method[] = {1}, cut[8] = {2, 0, 0, 0, 1, 2, 3, 4};
    const struct edit edits[] = {
        {PAYLOAD_AUTH, PATCH, bytes_of(method, 1), 0}, /* another method, the same octets */
        {PAYLOAD_AUTH, PATCH, bytes_of(filler, 4), 8}, {PAYLOAD_AUTH, REPLACE, bytes_of(cut, 8), 0},
        {PAYLOAD_AUTH, LEAVE_OUT, BYTES_NONE, 0},      {PAYLOAD_AUTH, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_IDI, PATCH, bytes_of("z", 1), 4},     {PAYLOAD_IDI, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_IDI, LEAVE_OUT, BYTES_NONE, 0},       {PAYLOAD_TSI, LEAVE_OUT, BYTES_NONE, 0},
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct pair p;

        pair_init(&p, true);
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        ck_assert_msg(hand_over_edited(&p, A, &edits[i]) != OK, "edit %zu", i);
        ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_FAILED), 1);
        ck_assert_uint_eq(child_count(&p, B), 0);
        settle(&p);
        ck_assert_msg(last_event(&p, A, EVENT_IKE_FAILED)->reason ==
                          (i < 3 || i == 5 ? REASON_AUTHENTICATION : REASON_INVALID_SYNTAX),
                      "edit %zu", i);
        run_until(&p, p.now + 60 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_memory(p.end[A]) + ike_endpoint_memory(p.end[B]), 0);
        pair_free(&p);
    }
}
END_TEST

/* ---- CREATE_CHILD_SA ---- */

static void established(struct pair *p)
{
    pair_init(p, true);
    for (int side = 0; side < 2; side++)
        pair_propose(&p->config[side], "aes256gcm16-prfsha512-x25519-ecp256",
                     "aes256gcm16-x25519-ecp256");
    pair_establish(p);
}

/* INVALID_SYNTAX in a protected request is the end of the IKE SA (§2.21.3). */
START_TEST(a_broken_request_ends_the_ike_sa)
{
    const struct edit edits[] = {
        {PAYLOAD_NONCE, REPLACE, bytes_of(filler, 31), 0},
        {PAYLOAD_NONCE, DOUBLE, BYTES_NONE, 0},
        {PAYLOAD_SA, LEAVE_OUT, BYTES_NONE, 0},
        {PAYLOAD_TSR, LEAVE_OUT, BYTES_NONE, 0},
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct pair p;

        established(&p);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        pull(&p);
        ck_assert_int_ne(hand_over_edited(&p, A, &edits[i]), OK);
        ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_INVALID_SYNTAX);
        ck_assert_uint_eq(child_count(&p, B), 0);
        settle(&p); /* and A hears it */
        ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_INVALID_SYNTAX);
        ck_assert_uint_eq(child_count(&p, A), 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(another_group_than_the_chosen_one_is_told)
{
    const uint8_t group[2] = {0, 14};
    const struct edit e = {PAYLOAD_KE, PATCH, bytes_of(group, 2), 0};

    for (int ike = 0; ike < 2; ike++) {
        struct pair p;

        established(&p);
        if (ike)
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        else
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        pull(&p);
        ck_assert_int_eq(hand_over_edited(&p, A, &e), ERR_STATE);
        settle(&p); /* told the group that it has sent: nothing to change, so later */
        ck_assert_uint_eq(events_of(&p, A, ike ? EVENT_IKE_REKEYED : EVENT_CHILD_REKEYED), 0);
        run_until(&p, p.now + 45 * NSEC_PER_S);
        ck_assert_uint_eq(events_of(&p, A, ike ? EVENT_IKE_REKEYED : EVENT_CHILD_REKEYED), 1);
        check_agreement(&p);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

/* Answers outside the offer: nothing of them is used, and the peer hears that. */
START_TEST(a_child_answer_outside_the_offer_is_undone)
{
    const uint8_t wide[4] = {9, 255, 255, 255}, low_spi[4] = {0, 0, 0, 255};
    const struct edit edits[] = {
        {PAYLOAD_TSI, PATCH, bytes_of(wide, 4), 12 - 4 + 4}, /* start address */
        {PAYLOAD_TSR, PATCH, bytes_of(wide, 4), 12 - 4 + 4},
        {PAYLOAD_SA, PATCH, bytes_of(low_spi, 4), 8}, /* RFC 4303 §2.1 */
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct pair p;

        established(&p);
        ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(child_count(&p, B), 2);
        (void)hand_over_edited(&p, B, &edits[i]);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 1);
        ck_assert_uint_eq(child_count(&p, A), 1);
        settle(&p);
        ck_assert_uint_eq(child_count(&p, A), 1);
        ck_assert_uint_eq(child_count(&p, B), 1);
        check_agreement(&p);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(an_ike_rekey_with_spi_zero_makes_nothing)
{
    const uint8_t zero[8] = {0};
    const struct edit e = {PAYLOAD_SA, PATCH, bytes_of(zero, 8), 8};

    for (int response = 0; response < 2; response++) {
        struct pair p;

        established(&p);
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        if (response)
            ck_assert_ok(hand_over(&p, A));
        ck_assert_int_ne(hand_over_edited(&p, response ? B : A, &e), OK);
        run_until(&p, p.now + 20 * NSEC_PER_S);
        ck_assert_uint_ge(events_of(&p, A, EVENT_IKE_DOWN), 1); /* said, not silent */
        ck_assert_uint_eq(ike_count(&p, A), 0);
        pair_free(&p);
    }
}
END_TEST

SUITE("crafted", first_requests_that_begin_nothing, a_nonce_of_half_the_key_is_enough,
      a_wrong_header_finds_nobody, no_answer_to_a_response_of_another_version,
      auth_requests_that_prove_nothing, a_broken_request_ends_the_ike_sa,
      another_group_than_the_chosen_one_is_told, a_child_answer_outside_the_offer_is_undone,
      an_ike_rekey_with_spi_zero_makes_nothing)
