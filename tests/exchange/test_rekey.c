/* CREATE_CHILD_SA: new child, child rekey, IKE rekey, collisions: RFC 7296 §1.3, §2.8, §2.18,
 * §2.25. */
#include "pair.h"

static void establish(struct pair *p, bool modelled, const char *esp)
{
    pair_init(p, modelled);
    for (int side = 0; side < 2; side++)
        pair_propose(&p->config[side], "aes256gcm16-prfsha256-x25519", esp);
    pair_establish(p);
    check_agreement(p);
}

/* After a rekey and its linger: one IKE SA, one child pair, at both ends, and packets pass. */
static void check_settled(struct pair *p)
{
    run_until(p, p->now + 12 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(p, side), 1);
        ck_assert_uint_eq(child_count(p, side), 1);
    }
    check_agreement(p);
    check_traffic(p);
}

static void child_rekey(bool modelled, const char *esp, int from)
{
    struct pair p;
    struct esp_packet late[2];

    establish(&p, modelled, esp);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
    pull(&p);
    ck_assert_ok(esp_make(&p, from, 1, &late[0])); /* under way while the SA is replaced */
    ck_assert_ok(esp_make(&p, 1 - from, 2, &late[1]));
    /* HDR, SK {N(REKEY_SA), SA, Ni, [KEi,] TSi, TSr} -->       RFC 7296 §1.3.3 */
    ck_assert_ok(hand_over(&p, from));
    check_traffic(&p); /* the responder still sends through the old SA */
    /* <-- HDR, SK {SA, Nr, [KEr,] TSi, TSr} */
    ck_assert_ok(hand_over(&p, 1 - from));
    ck_assert_uint_eq(events_of(&p, from, EVENT_CHILD_REKEYED), 1);
    ck_assert_ok(send_packet(&p, from));     /* through the new SA: */
    ck_assert_ok(send_packet(&p, 1 - from)); /* the responder follows */
    check_agreement(&p);
    /* HDR, SK {D(old)} -->                                     RFC 7296 §1.4.1 */
    ck_assert_ok(hand_over(&p, from));
    check_traffic(&p);
    /* <-- HDR, SK {D(paired)} */
    ck_assert_ok(hand_over(&p, 1 - from));
    ck_assert_ok(esp_take(&p, from, 1, &late[0])); /* late packets of the old SA are not lost */
    ck_assert_ok(esp_take(&p, 1 - from, 2, &late[1]));
    check_settled(&p);
    ck_assert_uint_eq(last_event(&p, from, EVENT_CHILD_DOWN)->reason, REASON_REKEYED);
    pair_free(&p);
}

START_TEST(child_rekey_with_and_without_pfs)
{
    for (int from = 0; from < 2; from++) {
        child_rekey(false, "aes256gcm16", from);
        child_rekey(true, "aes256gcm16-x25519", from);
        child_rekey(false, "aes128-sha256-ecp256-esn", from);
    }
}
END_TEST

START_TEST(child_rekey_retries_with_the_group_that_is_asked_for)
{
    struct pair p;

    pair_init(&p, true);
    pair_propose(&p.config[A], "aes256gcm16-prfsha256-x25519", "aes256gcm16-x25519-ecp256");
    pair_propose(&p.config[B], "aes256gcm16-prfsha256-x25519", "aes256gcm16-ecp256");
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    ck_assert_int_eq(hand_over(&p, A), ERR_STATE); /* <-- N(INVALID_KE_PAYLOAD)  RFC 7296 §1.3 */
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A));
    settle(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 1);
    check_settled(&p);
    pair_free(&p);
}
END_TEST

static void ike_rekey(bool modelled, int from)
{
    struct pair p;
    struct ike_sa_info before, after;
    struct sa_ref old;

    establish(&p, modelled, "aes256gcm16");
    old = the_ike(&p, from);
    ck_assert(ike_endpoint_ike_info(p.end[from], old, &before));
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[from], p.now, old));
    pull(&p);
    /* HDR, SK {SA, Ni, KEi} -->                                RFC 7296 §1.3.2 */
    ck_assert_ok(hand_over(&p, from));
    check_traffic(&p);
    /* <-- HDR, SK {SA, Nr, KEr} */
    ck_assert_ok(hand_over(&p, 1 - from));
    ck_assert(ike_endpoint_ike_info(p.end[from], the_ike(&p, from), &after));
    ck_assert(after.spi_i != before.spi_i && after.spi_r != before.spi_r);
    ck_assert(after.initiator);
    ck_assert_uint_eq(after.request_id, 0); /* §2.18: message IDs begin again */
    ck_assert_uint_eq(after.expected_id, 0);
    ck_assert_uint_eq(after.children, 1);
    ck_assert(after.key_fingerprint != before.key_fingerprint);
    check_traffic(&p);
    /* HDR, SK {D(IKE)} --> <-- HDR, SK {} */
    settle(&p);
    ck_assert_uint_eq(last_event(&p, from, EVENT_IKE_DOWN)->reason, REASON_REKEYED);
    check_settled(&p);
    /* The inherited child can be rekeyed under the new SA. */
    ck_assert_ok(ike_endpoint_rekey_child(p.end[1 - from], p.now, the_child(&p, 1 - from)));
    settle(&p);
    check_settled(&p);
    run_until(&p, p.now + 400 * NSEC_PER_S);
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[A], the_ike(&p, A))) || ike_count(&p, A) == 1);
    pair_free(&p);
}

START_TEST(ike_rekey_inherits_the_children)
{
    for (int from = 0; from < 2; from++) {
        ike_rekey(false, from);
        ike_rekey(true, from);
    }
}
END_TEST

START_TEST(new_child_beside_the_first)
{
    struct pair p;

    establish(&p, true, "aes256gcm16-x25519");
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_uint_eq(child_count(&p, A), 2);
    ck_assert_uint_eq(child_count(&p, B), 2);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* A packet through the child of our choice, all the way; its count of sent packets grows. */
static enum err send_through(struct pair *p, struct sa_ref child, uint8_t source)
{
    struct esp_packet out;
    struct buf packet = {out.storage + ESP_HEADROOM, 0, sizeof out.storage - ESP_HEADROOM};
    enum err e;

    packet.len = inner_packet(p, packet.data, A, 0x5eed);
    packet.data[12] ^= source; /* 0: as it is; else not a packet of ours */
    e = ike_endpoint_protect_by(p->end[A], p->now, child, &packet, &out.dgram);
    if (e)
        return e;
    pair_translate(p, A, &out.dgram);
    return esp_take(p, A, 0x5eed, &out);
}

static uint64_t packets_through(const struct pair *p, struct sa_ref child)
{
    struct child_sa_info info;

    ck_assert(ike_endpoint_child_info(p->end[A], child, &info));
    return info.packets_out;
}

START_TEST(child_of_our_choice_sends)
{
    struct pair p;
    struct sa_ref one, other;

    establish(&p, true, "aes256gcm16");
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    one = ike_endpoint_next_child(p.end[A], SA_NONE);
    other = ike_endpoint_next_child(p.end[A], one);
    for (int i = 0; i < 3; i++)
        ck_assert_ok(send_through(&p, one, 0));
    ck_assert_ok(send_through(&p, other, 0));
    ck_assert_uint_eq(packets_through(&p, one), 3);
    ck_assert_uint_eq(packets_through(&p, other), 1);
    /* Its selectors bind it, whoever chose it (RFC 4301 §5.1). */
    ck_assert_int_eq(send_through(&p, one, 0x80), ERR_NO_POLICY);
    /* The one that took its place sends, not the old one, which still receives. */
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, one));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    ck_assert_int_eq(send_through(&p, one, 0), ERR_STATE);
    ck_assert_ok(send_through(&p, other, 0));
    settle(&p);
    ck_assert_int_eq(send_through(&p, SA_NONE, 0), ERR_STATE);
    pair_free(&p);
}
END_TEST

/* Which message of a collision comes first is chosen by the bits of `order`. */
static void both_rekey(bool ike, unsigned order)
{
    struct pair p;

    establish(&p, true, "aes256gcm16-x25519");
    for (int side = 0; side < 2; side++) {
        if (ike)
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
        else
            ck_assert_ok(ike_endpoint_rekey_child(p.end[side], p.now, the_child(&p, side)));
    }
    pull(&p);
    while (p.wire_count[A] || p.wire_count[B]) {
        int side = order & 1;

        order >>= 1;
        if (!p.wire_count[side])
            side = 1 - side;
        (void)hand_over(&p, side);
        check_traffic(&p);
    }
    check_settled(&p);
    pair_free(&p);
}

START_TEST(simultaneous_child_rekey_leaves_one)
{
    for (unsigned order = 0; order < 256; order++)
        both_rekey(false, order);
}
END_TEST

START_TEST(simultaneous_ike_rekey_leaves_one)
{
    for (unsigned order = 0; order < 256; order++)
        both_rekey(true, order);
}
END_TEST

static unsigned ike_records(const struct pair *p, int side)
{
    unsigned n = 0;

    for (struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p->end[side], r))
        n++;
    return n;
}

/* Both rekey the IKE SA; `late` has its answer when the other has decided already, and, if it lost,
 * deleted what it made. That is closed then, and not held any longer (I7).
 * @return whether it lost; else it has deleted the old IKE SA, and there the answer finds nobody */
static bool rival_closed_before_the_decision(int late)
{
    struct pair p;
    struct wire_message answer;
    bool lost;

    establish(&p, true, "aes256gcm16");
    for (int side = 0; side < 2; side++)
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
    pull(&p);
    /* HDR, SK {SA, Ni, KEi} -->                              RFC 7296 §2.25.2 */
    ck_assert_ok(hand_over(&p, late));
    ck_assert_ok(hand_over(&p, 1 - late));
    answer = hold_next(&p, 1 - late);
    settle(&p);
    lost = deliver(&p, 1 - late, &answer) == OK;
    settle(&p);
    run_until(&p, p.now + 31 * NSEC_PER_S);
    for (int side = 0; lost && side < 2; side++)
        ck_assert_uint_eq(ike_records(&p, side), 1);
    check_agreement(&p);
    pair_free(&p);
    return lost;
}

START_TEST(a_rival_that_is_closed_is_held_no_longer)
{
    bool a = rival_closed_before_the_decision(A), b = rival_closed_before_the_decision(B);

    ck_assert(a != b);
}
END_TEST

/* Both rekey the IKE SA, A answers and hears nothing more. If B has not used the IKE SA that A made
 * for it, B is dead, within one round of retransmissions (RFC 7296 §2.4); else that one goes on. */
static void silence_after_the_answer(bool used)
{
    struct pair p;
    nsec given_up;

    establish(&p, true, "aes256gcm16");
    for (int side = 0; side < 2; side++)
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
    pull(&p);
    drop_next(&p, A);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A));
    drop_next(&p, B); /* B's delete of the old IKE SA */
    if (used) {
        /* HDR, SK {D(child)} -->                             under the new IKE SA */
        ck_assert_ok(ike_endpoint_delete_child(p.end[B], p.now, the_child(&p, B)));
        pull(&p);
        ck_assert_ok(hand_over(&p, B));
    }
    p.event_count[A] = 0;
    given_up = p.now + 200 * NSEC_PER_S;
    while (next_deadline(&p) <= given_up) {
        p.now = next_deadline(&p);
        expire(&p);
        while (p.wire_count[A])
            drop_next(&p, A);
        while (p.wire_count[B])
            drop_next(&p, B);
    }
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_REKEYED), used);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_DOWN), 1);
    ck_assert_uint_eq(ike_count(&p, A), used);
    pair_free(&p);
}

START_TEST(silence_ends_the_rival_of_a_rekey_too)
{
    silence_after_the_answer(false);
    silence_after_the_answer(true);
}
END_TEST

/* Both rekey the IKE SA; one has its answer before it hears that the other asked too, and deletes
 * the child under its new IKE SA, which is a rival at the other. Found by `ikelab explore`. */
static void delete_under_a_rival(int from)
{
    struct pair p;
    struct wire_message asked, deleted;

    establish(&p, true, "aes256gcm16");
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[from], p.now, the_ike(&p, from)));
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[1 - from], p.now, the_ike(&p, 1 - from)));
    pull(&p);
    /* HDR, SK {SA, Ni, KEi} --> <-- HDR, SK {SA, Nr, KEr}      RFC 7296 §2.25.2 */
    ck_assert_ok(hand_over(&p, from));
    asked = hold_next(&p, 1 - from);
    ck_assert_ok(hand_over(&p, 1 - from));
    deleted = hold_next(&p, from);
    /* HDR, SK {D(child)} --> <-- HDR, SK {D(paired)}           under the new IKE SA */
    ck_assert_ok(ike_endpoint_delete_child(p.end[from], p.now, the_child(&p, from)));
    pull(&p);
    ck_assert_ok(hand_over(&p, from));
    ck_assert_uint_eq(events_of(&p, 1 - from, EVENT_CHILD_DOWN), 1);
    ck_assert_ok(hand_over(&p, 1 - from));
    ck_assert_ok(deliver(&p, from, &deleted));
    (void)deliver(&p, 1 - from, &asked);
    run_until(&p, p.now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(&p, side), 1);
        ck_assert_uint_eq(child_count(&p, side), 0);
    }
    pair_free(&p);
}

START_TEST(child_deleted_under_a_rival_ike_sa_is_no_orphan)
{
    delete_under_a_rival(A);
    delete_under_a_rival(B);
}
END_TEST

/* A user deletes the child while our own rekey of it is in flight. Found by `ikelab explore`. */
static void delete_while_rekeying(int from, bool both)
{
    struct pair p;

    establish(&p, true, "aes256gcm16");
    /* HDR, SK {N(REKEY_SA), SA, Ni, TSi, TSr} -->              RFC 7296 §1.3.3 */
    ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
    if (both)
        ck_assert_ok(ike_endpoint_rekey_child(p.end[1 - from], p.now, the_child(&p, 1 - from)));
    ck_assert_ok(ike_endpoint_delete_child(p.end[from], p.now, the_child(&p, from)));
    pull(&p);
    /* <-- HDR, SK {SA, Nr, TSi, TSr}; then both SAs are deleted  RFC 7296 §1.4.1 */
    settle(&p);
    run_until(&p, p.now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(&p, side), 1);
        ck_assert_uint_eq(child_count(&p, side), 0);
    }
    pair_free(&p);
}

START_TEST(delete_during_a_rekey_takes_the_successor_too)
{
    for (int from = 0; from < 2; from++) {
        delete_while_rekeying(from, false);
        delete_while_rekeying(from, true);
    }
}
END_TEST

START_TEST(rekey_of_an_unknown_child_makes_a_new_one)
{
    struct pair p;
    struct sa_ref child;

    establish(&p, true, "aes256gcm16");
    child = the_child(&p, A);
    ck_assert_ok(ike_endpoint_delete_child(p.end[B], p.now, the_child(&p, B)));
    pull(&p);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, child));
    pull(&p);
    settle(&p); /* rekey crosses delete: §2.25.1 */
    run_until(&p, p.now + 30 * NSEC_PER_S);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    ck_assert_uint_eq(child_count(&p, A), child_count(&p, B));
    pair_free(&p);
}
END_TEST

START_TEST(lifetimes_rekey_before_they_end)
{
    struct pair p;

    pair_init(&p, true);
    for (int side = 0; side < 2; side++) {
        p.config[side].child.lifetime = (struct lifetime_config){.rekey_time = 60 * NSEC_PER_S,
                                                                 .rekey_jitter = 10 * NSEC_PER_S,
                                                                 .hard_time = 90 * NSEC_PER_S};
        p.config[side].lifetime = (struct lifetime_config){.rekey_time = 200 * NSEC_PER_S,
                                                           .rekey_jitter = 20 * NSEC_PER_S,
                                                           .hard_time = 260 * NSEC_PER_S};
    }
    pair_establish(&p);
    for (int i = 0; i < 700; i++) {
        run_until(&p, p.now + NSEC_PER_S);
        check_traffic(&p);
    }
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_ike, 3);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_child, 10);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    ck_assert_uint_le(child_count(&p, A), 2); /* one may linger */
    pair_free(&p);
}
END_TEST

static void lose_all_until(struct pair *p, nsec end)
{
    for (;;) {
        for (int side = 0; side < 2; side++)
            while (p->wire_count[side])
                drop_next(p, side);
        if (next_deadline(p) > end)
            break;
        p->now = next_deadline(p);
        expire(p);
    }
    p->now = end;
}

/* A rekeys at 8 s; at 10 s the lifetime of what it rekeys is over, at both ends or only at A. What
 * is sent before `back` is lost. A repeats its request at 12 and 19.2 s, B its Delete at 14 s. */
static void rekey_too_late(struct pair *p, bool both, bool unwanted, nsec back)
{
    struct sa_ref child;

    pair_init(p, true);
    p->config[A].child.lifetime.hard_time = 10 * NSEC_PER_S;
    if (both)
        p->config[B].child.lifetime.hard_time = 10 * NSEC_PER_S;
    pair_establish(p);
    p->config[A].child.lifetime.hard_time = p->config[B].child.lifetime.hard_time = 0;
    child = the_child(p, A);
    lose_all_until(p, 8 * NSEC_PER_S);
    ck_assert_ok(ike_endpoint_rekey_child(p->end[A], p->now, child));
    lose_all_until(p, 9 * NSEC_PER_S);
    if (unwanted && back < 12 * NSEC_PER_S)
        ck_assert_ok(ike_endpoint_delete_child(p->end[A], p->now, child));
    lose_all_until(p, back - NSEC_PER_S / 2);
    if (unwanted && back >= 12 * NSEC_PER_S)
        ck_assert_ok(ike_endpoint_delete_child(p->end[A], p->now, child));
    lose_all_until(p, back);
    run_until(p, back + 60 * NSEC_PER_S);
}

/* RFC 7296 §2.25.1: what the peer has no more is replaced by a new one, if it is still needed */
START_TEST(a_rekey_that_outlives_its_child_leaves_one)
{
    static const nsec back[] = {11 * NSEC_PER_S,  /* <-- HDR, SK {N(TEMPORARY_FAILURE)} */
                                13 * NSEC_PER_S}; /* <-- HDR, SK {N(CHILD_SA_NOT_FOUND)} */

    for (size_t i = 0; i < sizeof back / sizeof *back; i++) {
        struct pair p;

        rekey_too_late(&p, true, false, back[i]);
        for (int side = 0; side < 2; side++)
            ck_assert_uint_eq(child_count(&p, side), 1);
        check_agreement(&p);
        check_traffic(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 0);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), i); /* "not now" is no failure */
        if (i == 1)
            ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason,
                              REASON_CHILD_NOT_FOUND);
        pair_free(&p);
        rekey_too_late(&p, false, false, back[i]); /* B has it still: rekeyed as ever */
        check_agreement(&p);
        check_traffic(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 1);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_deleted_child_whose_rekey_fails_is_not_made_anew)
{
    for (nsec back = 11 * NSEC_PER_S; back < 14 * NSEC_PER_S; back += 2 * NSEC_PER_S) {
        struct pair p;

        rekey_too_late(&p, true, true, back); /* asked for before or after its end */
        for (int side = 0; side < 2; side++)
            ck_assert_uint_eq(child_count(&p, side), 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(packet_limits_rekey_before_they_end)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].child.lifetime =
        (struct lifetime_config){.rekey_packets = 100, .hard_packets = 120};
    pair_establish(&p);
    for (int i = 0; i < 1000; i++) {
        ck_assert_ok(send_packet(&p, A));
        run_until(&p, p.now + NSEC_PER_MS);
    }
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_child, 9);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->esp_unsent_limit, 0);
    pair_free(&p);
}
END_TEST

SUITE("rekey", child_rekey_with_and_without_pfs, child_deleted_under_a_rival_ike_sa_is_no_orphan,
      delete_during_a_rekey_takes_the_successor_too,
      child_rekey_retries_with_the_group_that_is_asked_for, ike_rekey_inherits_the_children,
      new_child_beside_the_first, child_of_our_choice_sends, simultaneous_child_rekey_leaves_one,
      simultaneous_ike_rekey_leaves_one, silence_ends_the_rival_of_a_rekey_too,
      a_rival_that_is_closed_is_held_no_longer, rekey_of_an_unknown_child_makes_a_new_one,
      lifetimes_rekey_before_they_end, a_rekey_that_outlives_its_child_leaves_one,
      a_deleted_child_whose_rekey_fails_is_not_made_anew, packet_limits_rekey_before_they_end)
