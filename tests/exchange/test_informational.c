/* Delete, liveness, NAT traversal, and every message in every state: RFC 7296 §1.4, §2.4, §2.23. */
#include "pair.h"
#include "proto/core/internal.h"
#include "proto/ike/message.h"
#include "proto/wire/delete.h"
#include "proto/wire/notify.h"

START_TEST(delete_of_a_child_takes_both_directions)
{
    for (int from = 0; from < 2; from++) {
        struct pair p;

        pair_init(&p, false);
        pair_establish(&p);
        ck_assert_ok(ike_endpoint_delete_child(p.end[from], p.now, the_child(&p, from)));
        pull(&p);
        /* HDR, SK {D(ESP)} --> <-- HDR, SK {D(ESP)}                RFC 7296 §1.4.1 */
        ck_assert_ok(hand_over(&p, from));
        ck_assert_uint_eq(child_count(&p, 1 - from), 0);
        ck_assert_ok(hand_over(&p, 1 - from));
        ck_assert_uint_eq(child_count(&p, from), 0);
        ck_assert_uint_eq(last_event(&p, from, EVENT_CHILD_DOWN)->reason, REASON_DELETED);
        ck_assert_uint_eq(last_event(&p, 1 - from, EVENT_CHILD_DOWN)->reason,
                          REASON_DELETED_BY_PEER);
        ck_assert_int_eq(send_packet(&p, A), ERR_NO_POLICY); /* and never in the clear: I1 */
        ck_assert_uint_eq(ike_count(&p, A), 1);
        pair_free(&p);
    }
}
END_TEST

START_TEST(delete_crosses_delete)
{
    struct pair p;

    pair_init(&p, true);
    pair_establish(&p);
    /* HDR, SK {D(ESP)} --> <-- HDR, SK {D(ESP)}                RFC 7296 §1.4.1, §2.25.1
     * <-- HDR, SK {} HDR, SK {} -->                            both delete: nothing to add */
    for (int side = 0; side < 2; side++)
        ck_assert_ok(ike_endpoint_delete_child(p.end[side], p.now, the_child(&p, side)));
    settle(&p);
    ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 2);
    /* HDR, SK {D(IKE)} --> <-- HDR, SK {D(IKE)}                RFC 7296 §2.25.2
     * <-- HDR, SK {} HDR, SK {} --> */
    for (int side = 0; side < 2; side++)
        ck_assert_ok(ike_endpoint_terminate(p.end[side], p.now, the_ike(&p, side)));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
    run_until(&p, p.now + 200 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert(sa_none(ike_endpoint_next_ike(p.end[side], SA_NONE)));
        ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_DOWN), 1);
        ck_assert_uint_eq(ike_endpoint_deadline(p.end[side]), NSEC_NEVER);
    }
    pair_free(&p);
}
END_TEST

START_TEST(delete_of_the_ike_sa_takes_its_children_and_repeats_its_answer)
{
    struct pair p;
    struct wire_message late;

    pair_init(&p, false);
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    late = p.wire[A][0];
    /* HDR, SK {D(IKE)} -->                                     RFC 7296 §1.4.1 */
    ck_assert_ok(hand_over(&p, A));
    drop_next(&p, B); /* <-- HDR, SK {}   the answer is lost */
    ck_assert_uint_eq(child_count(&p, B), 0);
    ck_assert_uint_eq(ike_count(&p, B), 0);
    run_until(&p, p.now + 5 * NSEC_PER_S); /* A asks again and is answered from the cache */
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[A], SA_NONE)));
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[B], SA_NONE)));
    ck_assert_int_eq(deliver(&p, A, &late), ERR_NO_SA); /* late packets find nothing */
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->ike_sas, 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->child_sas, 0);
    pair_free(&p);
}
END_TEST

START_TEST(liveness_finds_a_dead_peer_in_time)
{
    struct pair p;
    nsec since;

    pair_init(&p, true);
    p.config[A].dpd_delay = 30 * NSEC_PER_S;
    pair_establish(&p);
    /* HDR, SK {} --> <-- HDR, SK {}                            RFC 7296 §1.4, §2.4 */
    run_until(&p, p.now + 100 * NSEC_PER_S);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->requests_sent, 2 + 3);
    ike_endpoint_crash(p.end[B], p.now);
    since = p.now;
    run_until(&p, p.now + 30 * NSEC_PER_S + 166 * NSEC_PER_S);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DPD);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->dpd_failures, 1);
    ck_assert_uint_le(last_event(&p, A, EVENT_IKE_DOWN)->at - since, 196 * NSEC_PER_S);
    ck_assert(sa_none(ike_endpoint_next_child(p.end[A], SA_NONE)));
    pair_free(&p);
}
END_TEST

START_TEST(fresh_esp_counts_as_life)
{
    struct pair p;
    uint64_t before;

    pair_init(&p, true);
    p.config[A].dpd_delay = 30 * NSEC_PER_S;
    pair_establish(&p);
    before = ike_endpoint_counters(p.end[A])->requests_sent;
    for (int i = 0; i < 100; i++) {
        run_until(&p, p.now + 2 * NSEC_PER_S);
        ck_assert_ok(send_packet(&p, B));
    }
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->requests_sent, before);
    pair_free(&p);
}
END_TEST

/* ---- NAT (§2.23) ---- */

static void behind_nat(struct pair *p, bool modelled)
{
    pair_init(p, modelled);
    p->nat = true;
    p->config[A].nat_keepalive = p->config[B].nat_keepalive = 20 * NSEC_PER_S;
    pair_establish(p);
    check_agreement(p);
}

START_TEST(a_nat_is_found_and_ports_float)
{
    for (int modelled = 0; modelled < 2; modelled++) {
        struct pair p;
        struct ike_sa_info a, b;

        behind_nat(&p, modelled);
        ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &a));
        ck_assert(ike_endpoint_ike_info(p.end[B], the_ike(&p, B), &b));
        ck_assert(a.natt && b.natt);
        ck_assert_uint_eq(a.local.port, 4500);
        ck_assert_uint_eq(a.remote.port, 4500);
        ck_assert_uint_eq(b.remote.port, 4500 + p.nat_shift);
        check_traffic(&p);
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 0); /* floating is no move */
        pair_free(&p);
    }
}
END_TEST

START_TEST(only_the_one_behind_the_nat_keeps_it_alive)
{
    struct pair p;

    behind_nat(&p, true);
    run_until(&p, p.now + 205 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->keepalives_sent, 10);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->keepalives_sent, 0);
    for (int i = 0; i < 100; i++) { /* traffic does it as well */
        run_until(&p, p.now + 2 * NSEC_PER_S);
        ck_assert_ok(send_packet(&p, A));
    }
    ck_assert_uint_le(ike_endpoint_counters(p.end[A])->keepalives_sent, 11);
    pair_free(&p);
}
END_TEST

START_TEST(without_a_nat_nothing_floats)
{
    struct pair p;
    struct ike_sa_info a;

    pair_init(&p, true);
    p.config[A].nat_keepalive = 20 * NSEC_PER_S;
    pair_establish(&p);
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &a));
    ck_assert(!a.natt);
    ck_assert_uint_eq(a.local.port, 500);
    run_until(&p, p.now + 100 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->keepalives_sent, 0);
    pair_free(&p);
}
END_TEST

START_TEST(force_encap_looks_like_a_nat)
{
    struct pair p;
    struct child_sa_info child;

    pair_init(&p, true);
    p.config[A].force_encap = true;
    pair_establish(&p);
    check_agreement(&p);
    ck_assert(ike_endpoint_child_info(p.end[B], the_child(&p, B), &child));
    ck_assert(child.udp_encapsulated);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* A new mapping: the responder follows an authentic packet, ESP or IKE, for both (behaviours 49).
 */
START_TEST(the_peer_is_followed_to_a_new_mapping)
{
    for (int by_esp = 0; by_esp < 2; by_esp++) {
        struct pair p;
        struct esp_packet forged;
        struct child_sa_info child;

        behind_nat(&p, by_esp);
        p.nat_shift += 7;
        ck_assert_ok(esp_make(&p, A, 1, &forged));
        forged.dgram.data[20] ^= 1; /* not authentic: must not move anybody */
        ck_assert_int_eq(esp_take(&p, A, 1, &forged), ERR_ICV);
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 0);
        if (by_esp) {
            ck_assert_ok(send_packet(&p, A));
        } else {
            ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
            settle(&p);
        }
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
        ck_assert(ike_endpoint_child_info(p.end[B], the_child(&p, B), &child));
        ck_assert_uint_eq(child.remote.port, 4500 + p.nat_shift);
        check_traffic(&p);
        ck_assert_ok(ike_endpoint_probe(p.end[B], p.now, the_ike(&p, B)));
        settle(&p);
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
        pair_free(&p);
    }
}
END_TEST

/* QUIRK_LIBRESWAN_1728: what comes from the new mapping by ESP is taken, and nobody is followed. */
START_TEST(a_quirk_follows_by_ike_only)
{
    struct pair p;
    struct child_sa_info child;

    pair_init(&p, true);
    p.nat = true;
    p.config[B].quirks = QUIRK_LIBRESWAN_1728;
    pair_establish(&p);
    p.nat_shift += 7;
    ck_assert_ok(send_packet(&p, A));
    ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 0);
    ck_assert(ike_endpoint_child_info(p.end[B], the_child(&p, B), &child));
    ck_assert_uint_eq(child.remote.port, 4500 + p.nat_shift - 7);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* QUIRK_NO_MARKER: on port 4500 the message passes for ESP of an SPI that nobody has. */
START_TEST(a_quirk_leaves_the_marker_out)
{
    for (int with = 0; with < 2; with++) {
        struct pair p;
        struct wire_message auth;
        struct buf inner;

        pair_init(&p, true);
        p.nat = true;
        p.config[A].quirks = with ? QUIRK_NO_MARKER : 0;
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A)); /* IKE_SA_INIT, on port 500 */
        ck_assert_ok(hand_over(&p, B));
        auth = hold_next(&p, A);
        auth.dgram.data = auth.data;
        ck_assert_uint_eq(auth.dgram.local.port, 4500);
        ck_assert_uint_eq(load_be32(auth.data) == 0, !with);
        ck_assert_uint_eq(ike_dgram_is_esp(&auth.dgram), with);
        if (with)
            ck_assert_int_eq(ike_endpoint_unprotect(p.end[B], p.now, &auth.dgram, &inner, NULL),
                             ERR_NO_SA);
        else
            ck_assert_ok(deliver(&p, A, &auth));
        pair_free(&p);
    }
}
END_TEST

START_TEST(without_a_nat_nobody_is_followed)
{
    struct pair p;
    struct ike_sa_info b;

    pair_init(&p, true);
    pair_establish(&p);
    p.nat = true; /* somebody forwards from elsewhere */
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    (void)hand_over(&p, A);
    ck_assert(ike_endpoint_ike_info(p.end[B], the_ike(&p, B), &b));
    ck_assert_uint_eq(b.remote.port, 500);
    ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 0);
    pair_free(&p);
}
END_TEST

/* ---- every message in every state ---- */

/* Replays of everything that was ever said, to both sides, in whatever state they are. */
START_TEST(old_messages_change_nothing_in_any_state)
{
    static struct wire_message seen[2][32];
    unsigned count[2] = {0};
    struct pair p;

    pair_init(&p, true);
    pair_create(&p);
    pair_initiate(&p);
    for (int step = 0; step < 40; step++) {
        struct ike_counters before = *ike_endpoint_counters(p.end[B]);

        for (int from = 0; from < 2; from++)
            for (unsigned i = 0; i < count[from]; i++) {
                struct wire_message copy = seen[from][i];
                unsigned waiting = p.wire_count[1 - from];

                (void)deliver(&p, from, &copy);
                while (p.wire_count[1 - from] > waiting) /* repeated answers */
                    (void)wire_take(&p, 1 - from, p.wire_count[1 - from] - 1);
            }
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_executed,
                          before.requests_executed);
        for (int from = 0; from < 2; from++)
            if (p.wire_count[from] && count[from] < 32) {
                seen[from][count[from]++] = p.wire[from][0];
                (void)hand_over(&p, from);
            }
        if (step == 8)
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        if (step == 16)
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[B], p.now, the_ike(&p, B)));
        pull(&p);
    }
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

struct crafted {
    uint8_t exchange;
    bool response;
    uint32_t payloads; /* which of the bodies below */
};

/* Bodies that are well formed by themselves, wherever they do not belong. */
static void craft_payloads(struct message_writer *w, uint32_t which)
{
    static const uint8_t zeros[40] = {0};
    static const uint8_t types[] = {PAYLOAD_SA,    PAYLOAD_KE,     PAYLOAD_IDI,    PAYLOAD_AUTH,
                                    PAYLOAD_NONCE, PAYLOAD_NOTIFY, PAYLOAD_DELETE, PAYLOAD_TSI,
                                    PAYLOAD_TSR,   PAYLOAD_CP,     PAYLOAD_EAP,    PAYLOAD_VENDOR};

    for (unsigned i = 0; i < sizeof types; i++) {
        if (!(which >> i & 1))
            continue;
        writer_bytes(payload_begin(w, types[i]), bytes_of(zeros, which >> 16 & 31));
        payload_end(w);
    }
}

/* Sealed with the sender's keys, so that it reaches the rows: an authentic peer gone mad. */
static void send_crafted(struct pair *p, int from, const struct crafted *c)
{
    struct ike_endpoint *ep = p->end[from];
    struct ike_sa *sa = NULL;
    struct message_writer w;
    struct message_ref kept;
    struct wire_message m = {0};
    struct message_start start = {.exchange = c->exchange, .response = c->response};
    uint8_t storage[MESSAGE_MAX];
    struct bytes message;

    for (uint32_t i = 0; i < ep->store->ikes.fresh && !sa; i++)
        sa = pool_slot(&ep->store->ikes, i);
    if (!sa || !sa->suite->encr)
        return;
    start.message_id = c->response ? sa->expected_id : sa->request_id;
    ike_message_begin(&w, (struct buf){storage, 0, sizeof storage}, sa, &start);
    craft_payloads(&w, c->payloads);
    ck_assert_ok(ike_message_finish(ep, sa, &w, false, &kept));
    message = message_at(&ep->store->messages, kept);
    memcpy(m.data, message.data, message.len);
    m.dgram = (struct ike_dgram){.local = ike_sa_local(ep, sa),
                                 .remote = ike_sa_remote(ep, sa),
                                 .protocol = 17,
                                 .len = message.len};
    pair_translate(p, from, &m.dgram);
    message_drop(&ep->store->messages, &kept);
    (void)deliver(p, from, &m);
}

START_TEST(authentic_nonsense_in_any_state_does_no_harm)
{
    struct rng r = rng_stream(3, 0, RNG_TEST);

    for (int round = 0; round < 3000; round++) {
        struct pair p;
        int steps = (int)rng_below(&r, 8);

        pair_init(&p, true);
        pair_create(&p);
        pair_initiate(&p);
        for (int i = 0; i < steps; i++) {
            int from = (int)rng_below(&r, 2);
            struct crafted c = {(uint8_t)(34 + rng_below(&r, 5)), rng_below(&r, 2), rng_u32(&r)};

            if (p.wire_count[from] && rng_below(&r, 2))
                (void)hand_over(&p, from);
            if (ike_count(&p, from) && rng_below(&r, 4) == 0)
                (void)ike_endpoint_rekey_ike(p.end[from], p.now, the_ike(&p, from));
            send_crafted(&p, from, &c);
        }
        run_until(&p, p.now + 500 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->half_open, 0);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(unknown_critical_payload_is_named_and_nothing_is_executed)
{
    struct pair p;
    struct ike_endpoint *ep;
    struct ike_sa *sa;
    struct message_writer w;
    struct message_ref kept;
    struct wire_message m = {0};
    uint8_t storage[512];
    struct bytes message;

    pair_init(&p, true);
    pair_establish(&p);
    ep = p.end[A];
    sa = ike_sa_at(ep, the_ike(&p, A).handle);
    ike_message_begin(
        &w, (struct buf){storage, 0, sizeof storage}, sa,
        &(struct message_start){EXCHANGE_INFORMATIONAL, sa->request_id, false, false});
    delete_write(payload_begin(&w, PAYLOAD_DELETE),
                 &(struct delete_payload){.protocol = SA_PROTOCOL_IKE});
    payload_end(&w);
    writer_u32(payload_begin(&w, 200), 7);
    payload_critical(&w);
    payload_end(&w);
    ck_assert_ok(ike_message_finish(ep, sa, &w, false, &kept));
    message = message_at(&ep->store->messages, kept);
    memcpy(m.data, message.data, message.len);
    m.dgram = (struct ike_dgram){.local = ike_sa_local(ep, sa),
                                 .remote = ike_sa_remote(ep, sa),
                                 .protocol = 17,
                                 .len = message.len};
    message_drop(&ep->store->messages, &kept);
    pair_translate(&p, A, &m.dgram);
    /* HDR, SK {D(IKE), unknown critical} -->                   RFC 7296 §2.5
     * <-- HDR, SK {N(UNSUPPORTED_CRITICAL_PAYLOAD)} */
    ck_assert_int_eq(deliver(&p, A, &m), ERR_CRITICAL);
    ck_assert_uint_eq(ike_count(&p, B), 1); /* the delete was not executed */
    ck_assert_uint_eq(p.wire_count[B], 1);
    pair_free(&p);
}
END_TEST

SUITE("informational", delete_of_a_child_takes_both_directions, delete_crosses_delete,
      delete_of_the_ike_sa_takes_its_children_and_repeats_its_answer,
      liveness_finds_a_dead_peer_in_time, fresh_esp_counts_as_life, a_nat_is_found_and_ports_float,
      only_the_one_behind_the_nat_keeps_it_alive, without_a_nat_nothing_floats,
      force_encap_looks_like_a_nat, the_peer_is_followed_to_a_new_mapping,
      a_quirk_follows_by_ike_only, a_quirk_leaves_the_marker_out, without_a_nat_nobody_is_followed,
      old_messages_change_nothing_in_any_state, authentic_nonsense_in_any_state_does_no_harm,
      unknown_critical_payload_is_named_and_nothing_is_executed)
