/* Which selectors are asked for, and what a responder says beside its choice: RFC 7296 §2.9. */
#include "edit.h"
#include "pair.h"

#include "proto/core/child.h"

static struct selector host(uint32_t address)
{
    return selector_host(ip_addr_v4(address));
}

enum { A5 = 0x0a010005, B5 = 0x0a020005, A0 = 0x0a010000, B0 = 0x0a020000 };

static void single_pair(struct pair *p)
{
    pair_init(p, true);
    p->config[B].child.single_pair = true;
}

/* The child that sends at `side` takes just the packets between two addresses. */
static void check_pair(const struct pair *p, int side, uint32_t local, uint32_t remote)
{
    const struct child_sa *c = child_sa_at(p->end[side], the_child(p, side).handle);
    struct selector_list l = child_selectors(p->end[side], c, true);
    struct selector_list r = child_selectors(p->end[side], c, false);
    struct selector last[2] = {l.items[l.count - 1], r.items[r.count - 1]};
    struct selector wanted[2] = {host(local), host(remote)};

    ck_assert(selector_equal(&last[0], &wanted[0]));
    ck_assert(selector_equal(&last[1], &wanted[1]));
    for (unsigned i = 0; i < l.count; i++)
        ck_assert(selector_subset(&l.items[i], &wanted[0]));
    for (unsigned i = 0; i < r.count; i++)
        ck_assert(selector_subset(&r.items[i], &wanted[1]));
}

static struct bytes packet_of(const struct pair *p, uint8_t storage[64])
{
    return bytes_of(storage, inner_packet(p, storage, A, 1));
}

/*
 * HDR, SK {IDi, AUTH, SAi2, TSi = net, TSr = net} -->
 *                                   <-- HDR, SK {IDr, AUTH, N(SINGLE_PAIR_REQUIRED)}
 * HDR, SK {SA, Ni, TSi = first address, TSr = first address} -->
 *                                   <-- HDR, SK {SA, Nr, TSi, TSr}
 */
START_TEST(without_a_packet_the_first_pair_is_asked_for)
{
    struct ike_sa_info info;
    struct pair p;

    single_pair(&p);
    pair_create(&p);
    pair_initiate(&p);
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
    }
    ck_assert_uint_eq(ike_count(&p, A), 1);
    ck_assert_uint_eq(child_count(&p, A), 0);
    ck_assert_uint_eq(last_event(&p, B, EVENT_CHILD_FAILED)->reason, REASON_SINGLE_PAIR);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 0);
    ck_assert_uint_eq(p.wire_count[A], 1);
    settle(&p);
    check_agreement(&p);
    check_pair(&p, A, A0, B0);
    check_pair(&p, B, B0, A0);
    ck_assert_int_eq(send_packet(&p, A), ERR_NO_POLICY);
    ck_assert_uint_eq(events_of(&p, A, EVENT_ADDITIONAL_TS), 0); /* there was nothing else in it */
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &info));
    ck_assert(info.takes_more);
    pair_free(&p);
}
END_TEST

/* The same with each message lost once, and with each doubled. */
START_TEST(the_first_pair_is_asked_for_over_a_bad_wire)
{
    for (int lost = 0; lost < 6; lost++) {
        struct pair p;
        int from = lost % 2;

        single_pair(&p);
        pair_create(&p);
        pair_initiate(&p);
        for (int i = 0; i < lost; i++)
            ck_assert_ok(hand_over(&p, i % 2));
        drop_next(&p, from);
        run_until(&p, p.now + 20 * NSEC_PER_S);
        check_agreement(&p);
        check_pair(&p, A, A0, B0);
        ck_assert_uint_eq(child_count(&p, B), 1);
        pair_free(&p);
        single_pair(&p);
        pair_create(&p);
        pair_initiate(&p);
        for (int i = 0; i < lost; i++)
            ck_assert_ok(hand_over(&p, i % 2));
        (void)duplicate_next(&p, from);
        settle(&p);
        check_agreement(&p);
        ck_assert_uint_eq(child_count(&p, B), 1);
        pair_free(&p);
    }
}
END_TEST

/* HDR, SK {SA, Ni, TSi = (packet, address), TSr = (packet, address)} --> */
START_TEST(the_packet_names_the_pair)
{
    uint8_t storage[64];
    struct pair p;

    single_pair(&p);
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_delete_child(p.end[A], p.now, the_child(&p, A)));
    settle(&p);
    ck_assert_ok(
        ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet_of(&p, storage)));
    settle(&p);
    check_agreement(&p);
    check_pair(&p, A, A5, B5);
    check_pair(&p, B, B5, A5);
    check_traffic(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 0);
    pair_free(&p);
}
END_TEST

/*
 * HDR, SK {SA, Ni, TSi = (packet, net), TSr = (packet, net)} -->
 *                             <-- HDR, SK {SA, Nr, TSi = address, TSr = address,
 *                                          N(ADDITIONAL_TS_POSSIBLE)}
 */
START_TEST(more_would_be_possible_in_another_child)
{
    for (int pairs = 0; pairs < 2; pairs++) {
        struct pair p;

        pair_init(&p, true);
        p.config[B].child.single_pair = pairs;
        p.config[A].child.local[1] = p.config[A].child.local[0];
        p.config[A].child.remote[1] = p.config[A].child.remote[0];
        p.config[A].child.local[0] = host(A5);
        p.config[A].child.remote[0] = host(B5);
        p.config[A].child.local_count = p.config[A].child.remote_count = 2;
        pair_establish(&p);
        check_agreement(&p);
        check_traffic(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_ADDITIONAL_TS), pairs);
        ck_assert_uint_eq(events_of(&p, B, EVENT_ADDITIONAL_TS), 0);
        if (!pairs) {
            pair_free(&p);
            continue;
        }
        check_pair(&p, A, A5, B5);
        ck_assert(sa_equal(last_event(&p, A, EVENT_ADDITIONAL_TS)->child, the_child(&p, A)));
        pair_free(&p);
    }
}
END_TEST

/* More parts than one child SA takes: the rest is possible in another. */
START_TEST(what_one_child_cannot_hold)
{
    struct pair p;

    pair_init(&p, true);
    for (uint8_t i = 0; i < SELECTORS_MAX; i++) {
        struct selector *s = &p.config[B].child.local[i];

        p.config[A].child.remote[i] = p.config[A].child.remote[0];
        p.config[A].child.remote[i].port_first = (uint16_t)(1000 * i);
        p.config[A].child.remote[i].port_last = (uint16_t)(1000 * i + 999);
        p.config[A].child.remote[i].protocol = 17;
        *s = p.config[B].child.local[0];
        s->last = ip_addr_v4(B0 + 255 + 1024u * i);
        s->first = ip_addr_v4(B0 + 1024u * i);
    }
    p.config[A].child.remote_count = p.config[B].child.local_count = SELECTORS_MAX;
    pair_establish(&p);
    check_agreement(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_ADDITIONAL_TS), 1);
    pair_free(&p);
}
END_TEST

/* A pair that the responder refuses is not asked for again, and nothing narrower. */
START_TEST(a_refused_pair_is_the_end)
{
    uint8_t storage[64];
    struct pair p;

    single_pair(&p);
    p.config[B].child.local[0].first = ip_addr_v4(B0 + 256);
    pair_establish(&p);
    ck_assert_uint_eq(child_count(&p, A), 0);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 1);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_TS_UNACCEPTABLE);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    /* 10.2.0.5 is outside too; then the place for a packet is free again. */
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(
            ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet_of(&p, storage)));
        settle(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 2 + (unsigned)i);
    }
    ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
    pair_free(&p);
}
END_TEST

START_TEST(a_pair_is_rekeyed_as_it_is)
{
    for (int from = A; from <= B; from++) {
        struct pair p;

        single_pair(&p);
        pair_establish(&p);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
        settle(&p);
        run_until(&p, p.now + 30 * NSEC_PER_S);
        check_agreement(&p);
        check_pair(&p, A, A0, B0);
        ck_assert_uint_eq(events_of(&p, from, EVENT_CHILD_REKEYED), 1);
        ck_assert_uint_eq(events_of(&p, A, EVENT_ADDITIONAL_TS), 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(packets_that_cannot_ask)
{
    uint8_t storage[64];
    struct bytes packet;
    struct pair p;

    pair_init(&p, true);
    pair_establish(&p);
    packet = packet_of(&p, storage);
    ck_assert_int_eq(ike_endpoint_new_child_for(p.end[A], p.now, SA_NONE, packet), ERR_STATE);
    ck_assert_int_ne(
        ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), bytes_of(storage, 10)), OK);
    ck_assert_int_eq(ike_endpoint_new_child_for(p.end[B], p.now, the_ike(&p, B), packet),
                     ERR_NO_POLICY); /* it goes the other way */
    /* While a request is on its way one packet may wait, not two. */
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    ck_assert_ok(ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet));
    ck_assert_int_eq(ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet), ERR_FULL);
    settle(&p);
    ck_assert_uint_eq(child_count(&p, A), 2);
    /* While such a request is on its way none. */
    ck_assert_ok(ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet));
    ck_assert_int_eq(ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet),
                     ERR_STATE);
    settle(&p);
    ck_assert_uint_eq(child_count(&p, A), 3);
    pair_free(&p);
}
END_TEST

/* What waits for its child, and what the peer wants, is known to the next IKE SA. */
START_TEST(a_packet_waits_for_the_rekeyed_ike_sa)
{
    uint8_t storage[64];
    struct pair p;

    single_pair(&p);
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_delete_child(p.end[A], p.now, the_child(&p, A)));
    settle(&p);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    ck_assert_ok(
        ike_endpoint_new_child_for(p.end[A], p.now, the_ike(&p, A), packet_of(&p, storage)));
    settle(&p);
    run_until(&p, p.now + 30 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_REKEYED), 1);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 0);
    check_agreement(&p);
    check_pair(&p, A, A5, B5);
    pair_free(&p);
}
END_TEST

/* HDR, SK {..., N(ESP_TFC_PADDING_NOT_SUPPORTED)}: §1.3.1, the other direction may still pad. */
START_TEST(a_peer_that_takes_no_padding_gets_none)
{
    static const uint8_t refuses[] = {0, 0, 0x40, 0x0a};
    struct edit add = {.type = PAYLOAD_NOTIFY, .how = ADD, .with = {refuses, sizeof refuses}};

    for (int who = A; who <= B; who++) {
        struct wire_message m;
        size_t len[2];
        struct pair p;

        pair_init(&p, true);
        p.config[A].child.tfc_padding = p.config[B].child.tfc_padding = 150;
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        if (who == B)
            ck_assert_ok(hand_over(&p, A));
        m = hold_next(&p, who);
        rewrite(&p, who, &m, &add);
        ck_assert_ok(deliver(&p, who, &m));
        settle(&p);
        check_agreement(&p);
        for (int from = A; from <= B; from++) {
            struct esp_packet packet;

            ck_assert_ok(esp_make(&p, from, 7, &packet));
            len[from] = packet.dgram.len;
            ck_assert_ok(esp_take(&p, from, 7, &packet));
        }
        ck_assert_uint_lt(len[1 - who], 100);
        ck_assert_uint_gt(len[who], 150);
        pair_free(&p);
    }
}
END_TEST

SUITE("selectors", without_a_packet_the_first_pair_is_asked_for,
      the_first_pair_is_asked_for_over_a_bad_wire, the_packet_names_the_pair,
      more_would_be_possible_in_another_child, what_one_child_cannot_hold,
      a_refused_pair_is_the_end, a_pair_is_rekeyed_as_it_is, packets_that_cannot_ask,
      a_packet_waits_for_the_rekeyed_ike_sa, a_peer_that_takes_no_padding_gets_none)
