/* Child SAs by core: RFC 9611. Who asks for them, how many there are, who sends through which. */
#include "edit.h"
#include "pair.h"

#include "proto/core/child.h"
#include "proto/ike/resource.h"

enum { FLOWS = 64 };

static void configure(struct pair *p, uint8_t ours, uint8_t theirs)
{
    pair_init(p, true);
    p->config[A].child.per_resource = ours;
    p->config[B].child.per_resource = theirs;
}

static struct child_sa *child_at(const struct pair *p, int side, struct sa_ref ref)
{
    return child_sa_at(p->end[side], ref.handle);
}

/* The live one of this core; NULL if there is none. There are never two. */
static struct child_sa *of_core(const struct pair *p, int side, uint8_t core)
{
    struct child_sa *found = NULL;
    struct sa_ref r = SA_NONE;

    while (!sa_none(r = ike_endpoint_next_child(p->end[side], r))) {
        struct child_sa *c = child_at(p, side, r);

        if (!child_live(c) || c->resource != core)
            continue;
        ck_assert_ptr_null(found);
        found = c;
    }
    return found;
}

static struct sa_ref ref_of(const struct pair *p, int side, const struct child_sa *c)
{
    return (struct sa_ref){child_sa_handle(p->end[side], c)};
}

static unsigned live_children(const struct pair *p, int side)
{
    unsigned n = 0;

    for (uint8_t core = 0; core <= RESOURCES_MAX; core++)
        n += of_core(p, side, core) != NULL;
    return n;
}

/* All of both ends, numbered alike, with one policy at each end. */
static void must_have(const struct pair *p, unsigned cores)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(live_children(p, side), 1 + cores);
        for (uint8_t core = 0; core <= cores; core++) {
            const struct child_sa *here = of_core(p, side, core), *there = of_core(p, !side, core);

            ck_assert(here && there);
            ck_assert_uint_eq(child_esp(p->end[side], here)->spi_out,
                              child_esp(p->end[!side], there)->spi_in);
            ck_assert_uint_eq(child_esp(p->end[side], here)->policy,
                              child_esp(p->end[side], of_core(p, side, 0))->policy);
        }
    }
}

static uint8_t core_of(const struct pair *p, int side, uint32_t spi_out)
{
    for (uint8_t core = 0; core <= RESOURCES_MAX; core++) {
        const struct child_sa *c = of_core(p, side, core);

        if (c && child_esp(p->end[side], c)->spi_out == spi_out)
            return core;
    }
    ck_abort_msg("no live child SA sends with SPI %08x", spi_out);
}

/* A packet of a flow, all the way. @return the SPI that it had */
static uint32_t send_flow(struct pair *p, int from, uint16_t flow)
{
    uint8_t storage[256];
    struct buf packet = {storage + ESP_HEADROOM, 0, sizeof storage - ESP_HEADROOM}, inner;
    struct ike_dgram d;
    uint32_t spi;

    packet.len = inner_packet(p, packet.data, from, flow);
    store_be16(packet.data + 20, from == A ? (uint16_t)(3000 + flow) : 2000);
    store_be16(packet.data + 22, from == A ? 2000 : (uint16_t)(3000 + flow));
    ck_assert_ok(ike_endpoint_protect(p->end[from], p->now, &packet, &d, NULL));
    spi = load_be32(d.data);
    pair_translate(p, from, &d);
    ck_assert_ok(ike_endpoint_unprotect(p->end[!from], p->now, &d, &inner, NULL));
    ck_assert_uint_eq(load_be32(inner.data + 28), flow);
    pull(p);
    return spi;
}

/* Each core sends through its own; what comes back is the same core's. */
static void check_cores(struct pair *p, unsigned cores)
{
    unsigned seen[RESOURCES_MAX + 1] = {0};

    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        uint8_t there = core_of(p, A, send_flow(p, A, flow));

        seen[there]++;
        ck_assert_uint_eq(core_of(p, B, send_flow(p, B, flow)), there);
        ck_assert_uint_eq(core_of(p, A, send_flow(p, A, flow)), there);
    }
    ck_assert_uint_eq(seen[0], cores ? 0 : FLOWS);
    for (unsigned core = 1; core <= cores; core++)
        ck_assert_uint_gt(seen[core], FLOWS / 4 / cores);
}

/*
 * HDR, SK {..., SAi2, TSi, TSr, N(SA_RESOURCE_INFO)} -->
 *                            <-- HDR, SK {..., SAr2, TSi, TSr, N(SA_RESOURCE_INFO)}
 * HDR, SK {SA, Ni, TSi, TSr, N(SA_RESOURCE_INFO, 1)} -->        RFC 9611 §3
 *                            <-- HDR, SK {SA, Nr, TSi, TSr, N(SA_RESOURCE_INFO, 1)}
 */
START_TEST(there_is_one_for_each_core)
{
    for (uint8_t cores = 1; cores <= RESOURCES_MAX; cores += 7) {
        struct pair p;

        configure(&p, cores, cores);
        pair_establish(&p);
        must_have(&p, cores);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_UP), 1U + cores);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 0);
        if (cores < RESOURCES_MAX)
            check_cores(&p, cores);
        pair_free(&p);
    }
}
END_TEST

/* What goes through it at once might overtake the response that makes it at the other end. */
START_TEST(who_granted_one_waits_for_its_first_packet)
{
    struct pair p;

    configure(&p, 3, 3);
    pair_establish(&p);
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        ck_assert_uint_eq(core_of(&p, B, send_flow(&p, B, flow)), 0);
    check_cores(&p, 3);
    pair_free(&p);
}
END_TEST

/* RFC 9611 §3: who does not answer with the Notify is not asked. */
START_TEST(both_have_to_have_it)
{
    for (int who = 0; who < 2; who++) {
        struct pair p;

        configure(&p, who == A ? 3 : 0, who == B ? 3 : 0);
        pair_establish(&p);
        must_have(&p, 0);
        check_agreement(&p);
        check_cores(&p, 0);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 0);
        pair_free(&p);
    }
}
END_TEST

/* HDR, SK {SA, Ni, TSi, TSr, N(SA_RESOURCE_INFO, 3)} --> <-- HDR, SK {N(TS_MAX_QUEUE)}     §5.2 */
START_TEST(more_than_the_responder_has_are_refused)
{
    struct pair p;

    configure(&p, 5, 2);
    pair_establish(&p);
    must_have(&p, 2);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), 1); /* and it is not asked again */
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_NO_ADDITIONAL_SAS);
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        (void)send_flow(&p, A, flow); /* cores 3 to 5 by the first one */
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        (void)send_flow(&p, B, flow);
    run_until(&p, p.now + 100 * NSEC_PER_S);
    must_have(&p, 2);
    pair_free(&p);
}
END_TEST

/* A second end that asks for as many has the numbers that are free: there are none. */
START_TEST(who_was_called_may_ask_as_well)
{
    struct pair p;

    configure(&p, 2, 2);
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_delete_child(p.end[B], p.now, ref_of(&p, B, of_core(&p, B, 1))));
    settle(&p);
    ck_assert_ptr_null(of_core(&p, A, 1));
    ck_assert_ok(ike_endpoint_new_child(p.end[B], p.now, the_ike(&p, B)));
    settle(&p);
    must_have(&p, 2);
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        (void)send_flow(&p, B, flow);
    check_cores(&p, 2);
    pair_free(&p);
}
END_TEST

/* RFC 9611 §3: the rekeyed one is for the same core. */
START_TEST(a_rekeyed_one_is_for_the_same_core)
{
    for (int side = 0; side < 2; side++)
        for (uint8_t core = 0; core < 4; core++) {
            const struct child_sa *old;
            struct pair p;
            uint32_t spi;

            configure(&p, 3, 3);
            pair_establish(&p);
            check_cores(&p, 3);
            old = of_core(&p, side, core);
            spi = child_esp(p.end[side], old)->spi_in;
            ck_assert_ok(ike_endpoint_rekey_child(p.end[side], p.now, ref_of(&p, side, old)));
            pull(&p);
            while (p.wire_count[A] || p.wire_count[B]) { /* packets between all messages */
                if (p.wire_count[A])
                    (void)hand_over(&p, A);
                for (uint16_t flow = 0; flow < 16; flow++) {
                    (void)send_flow(&p, A, flow);
                    (void)send_flow(&p, B, flow);
                }
                if (p.wire_count[B])
                    (void)hand_over(&p, B);
            }
            must_have(&p, 3);
            ck_assert_uint_ne(child_esp(p.end[side], of_core(&p, side, core))->spi_in, spi);
            check_cores(&p, 3);
            pair_free(&p);
        }
}
END_TEST

/* RFC 9611 §3, §4: any of them may be deleted; another one is there for everybody then. */
START_TEST(each_may_be_deleted)
{
    for (uint8_t core = 0; core < 3; core++) {
        struct pair p;

        configure(&p, 2, 2);
        pair_establish(&p);
        check_cores(&p, 2);
        ck_assert_ok(
            ike_endpoint_delete_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, core))));
        settle(&p);
        ck_assert_uint_eq(live_children(&p, A), 2);
        ck_assert_uint_eq(live_children(&p, B), 2);
        for (uint16_t flow = 0; flow < FLOWS; flow++) {
            (void)send_flow(&p, A, flow);
            (void)send_flow(&p, B, flow);
        }
        ck_assert(!sa_none(the_child(&p, A)) && !sa_none(the_child(&p, B)));
        pair_free(&p);
    }
}
END_TEST

START_TEST(the_ike_sa_may_be_rekeyed)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        configure(&p, 3, 3);
        pair_establish(&p);
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
        settle(&p);
        must_have(&p, 3);
        check_cores(&p, 3);
        ck_assert_ok(ike_endpoint_delete_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, 2))));
        settle(&p);
        ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
        settle(&p);
        must_have(&p, 3);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.8.3: as many afterwards, before or after the old IKE SA goes. */
START_TEST(authenticated_anew_there_are_as_many)
{
    for (int beside = 0; beside < 2; beside++) {
        struct pair p;

        configure(&p, 3, 3);
        p.config[A].make_before_break = p.config[B].make_before_break = beside;
        pair_establish(&p);
        check_cores(&p, 3);
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        run_until(&p, p.now + 30 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        must_have(&p, 3);
        check_cores(&p, 3);
        pair_free(&p);
    }
}
END_TEST

START_TEST(without_a_child_in_ike_auth)
{
    struct pair p;

    configure(&p, 3, 3);
    p.config[A].childless = p.config[B].childless = CHILDLESS_FORCE;
    pair_establish(&p);
    must_have(&p, 3);
    check_cores(&p, 3);
    pair_free(&p);
}
END_TEST

/* As they come out with several requests in flight. */
START_TEST(several_at_once)
{
    struct pair p;

    configure(&p, 6, 6);
    p.config[A].window = p.config[B].window = 4;
    pair_establish(&p);
    must_have(&p, 6);
    check_cores(&p, 6);
    pair_free(&p);
}
END_TEST

START_TEST(each_message_lost_or_doubled)
{
    for (int twice = 0; twice < 2; twice++)
        for (int which = 0; which < 10; which++) {
            struct pair p;

            configure(&p, 3, 3);
            pair_create(&p);
            pair_initiate(&p);
            for (int i = 0; i < which; i++)
                ck_assert_ok(hand_over(&p, i % 2));
            if (twice)
                (void)duplicate_next(&p, which % 2);
            else
                drop_next(&p, which % 2);
            run_until(&p, p.now + 60 * NSEC_PER_S);
            must_have(&p, 3);
            check_cores(&p, 3);
            pair_free(&p);
        }
}
END_TEST

/* RFC 9611 §3: one that is not like the first one is none. */
START_TEST(all_have_the_same_properties)
{
    struct pair p;

    configure(&p, 1, 2);
    for (int side = 0; side < 2; side++)
        pair_propose(&p.config[side], "aes128gcm16-prfsha256-x25519", "aes128gcm16,aes256gcm16");
    pair_establish(&p);
    must_have(&p, 1);
    p.config[A].child.per_resource = 2;
    pair_propose(&p.config[A], "aes128gcm16-prfsha256-x25519", "aes256gcm16");
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    must_have(&p, 1);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_NO_PROPOSAL);
    pair_free(&p);
}
END_TEST

/* ---- one more for no core; packets while one takes the place of another ---- */

static struct child_sa *by_spi_out(const struct pair *p, int side, uint32_t spi)
{
    struct sa_ref r = SA_NONE;

    while (!sa_none(r = ike_endpoint_next_child(p->end[side], r)))
        if (child_esp(p->end[side], child_at(p, side, r))->spi_out == spi)
            return child_at(p, side, r);
    ck_abort_msg("no child SA sends with SPI %08x", spi);
}

/* A flow of each core, found by where A sends it while each core has its own. */
static void find_flows(struct pair *p, unsigned cores, uint16_t flow_of[RESOURCES_MAX + 1])
{
    unsigned found = 0;

    memset(flow_of, 0xff, (RESOURCES_MAX + 1) * sizeof *flow_of);
    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        uint8_t core = core_of(p, A, send_flow(p, A, flow));

        found += flow_of[core] == UINT16_MAX;
        flow_of[core] = flow;
    }
    ck_assert_uint_eq(found, cores);
}

static void both_can_send(struct pair *p)
{
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        (void)send_flow(p, B, flow);
    for (uint16_t flow = 0; flow < FLOWS; flow++)
        (void)send_flow(p, A, flow);
}

/* What sends for cores that have none. */
static struct child_sa *first_of(const struct pair *p, int side)
{
    const struct spd *spd = &p->end[side]->store->esp->spd;
    uint32_t policy = child_esp(p->end[side], of_core(p, side, 1))->policy;

    return child_sa_by_index(p->end[side], spd_child(spd, spd_handle(spd, policy)));
}

/* All under one policy at each end, one of them for no core; packets go by core. */
static void must_have_one_policy(struct pair *p, unsigned cores)
{
    for (int side = 0; side < 2; side++) {
        uint32_t policy = POOL_NONE;
        struct sa_ref r = SA_NONE;

        while (!sa_none(r = ike_endpoint_next_child(p->end[side], r))) {
            const struct child_sa *c = child_at(p, side, r);

            if (child_live(c) && policy == POOL_NONE)
                policy = child_esp(p->end[side], c)->policy;
            ck_assert(!child_live(c) || child_esp(p->end[side], c)->policy == policy);
        }
    }
    for (uint16_t flow = 0; flow < FLOWS; flow++) {
        uint8_t core = by_spi_out(p, A, send_flow(p, A, flow))->resource;

        ck_assert(core && core <= cores);
        ck_assert_uint_eq(by_spi_out(p, B, send_flow(p, B, flow))->resource, core);
    }
}

/* RFC 7296 §1.3.1: one more than there are cores is for no core, and takes no core's packets. */
START_TEST(one_more_takes_nothing_from_cores)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        configure(&p, 3, 3);
        pair_establish(&p);
        check_cores(&p, 3);
        ck_assert_ok(ike_endpoint_new_child(p.end[side], p.now, the_ike(&p, side)));
        settle(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_UP), 5);
        must_have_one_policy(&p, 3);
        ck_assert_ok(ike_endpoint_delete_child(p.end[side], p.now,
                                               last_event(&p, side, EVENT_CHILD_UP)->child));
        settle(&p);
        must_have(&p, 3);
        ck_assert_ptr_eq(first_of(&p, A), of_core(&p, A, 0));
        ck_assert_ptr_eq(first_of(&p, B), of_core(&p, B, 0));
        check_cores(&p, 3);
        pair_free(&p);
    }
}
END_TEST

/* HDR, SK {N(REKEY_SA), SA, Ni, TSi, TSr} --> <-- HDR, SK {N(CHILD_SA_NOT_FOUND)}
 * HDR, SK {SA, Ni, TSi, TSr} -->                                 RFC 7296 §2.25.1 */
START_TEST(a_first_one_made_anew_is_beside_the_others)
{
    struct pair p;

    configure(&p, 3, 3);
    pair_establish(&p);
    check_cores(&p, 3);
    child_remove(p.end[B], p.now, of_core(&p, B, 0), REASON_CRASH);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, 0))));
    settle(&p);
    must_have(&p, 3);
    must_have_one_policy(&p, 3);
    check_cores(&p, 3);
    pair_free(&p);
}
END_TEST

/* The peer's delete of what is being rekeyed overtakes its response: RFC 7296 §2.8, §2.25.1. */
START_TEST(a_delete_overtakes_the_rekey)
{
    for (uint8_t core = 0; core < 4; core++) {
        struct wire_message response;
        struct pair p;

        configure(&p, 3, 3);
        p.config[B].quirks |= QUIRK_EAGER_DELETE;
        pair_establish(&p);
        check_cores(&p, 3);
        ck_assert_ok(
            ike_endpoint_rekey_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, core))));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(p.wire_count[B], 2);
        response = hold_next(&p, B);
        ck_assert_ok(hand_over(&p, B));
        ck_assert_ptr_null(of_core(&p, A, core));
        ck_assert_ok(deliver(&p, B, &response));
        settle(&p);
        must_have(&p, 3);
        check_cores(&p, 3);
        pair_free(&p);
    }
}
END_TEST

/* RFC 7296 §2.8: who was asked sends through the new one once the old one is deleted, also if
 * nothing ever comes through it. */
START_TEST(rekeyed_one_they_send_without_being_sent_to)
{
    for (int heard = 0; heard < 2; heard++)
        for (uint8_t core = 1; core < 4; core++) {
            uint16_t flow_of[RESOURCES_MAX + 1];
            const struct child_sa *made;
            struct pair p;

            configure(&p, 3, 3);
            pair_establish(&p);
            find_flows(&p, 3, flow_of);
            pair_free(&p);
            configure(&p, 3, 3);
            pair_establish(&p);
            if (heard)
                check_cores(&p, 3);
            ck_assert_ok(
                ike_endpoint_rekey_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, core))));
            settle(&p);
            made = of_core(&p, B, core);
            ck_assert_uint_eq(send_flow(&p, B, flow_of[core]), child_esp(p.end[B], made)->spi_out);
            pair_free(&p);
        }
}
END_TEST

/* While the first one is rekeyed, a packet of another core does not make that core's the first. */
START_TEST(the_first_one_stays_the_first_in_a_rekey)
{
    uint16_t flow_of[RESOURCES_MAX + 1];
    struct wire_message gone;
    struct pair p;
    uint32_t old;

    configure(&p, 2, 2);
    pair_establish(&p);
    find_flows(&p, 2, flow_of);
    pair_free(&p);
    configure(&p, 2, 2);
    pair_establish(&p);
    old = child_esp(p.end[B], of_core(&p, B, 0))->spi_out;
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, 0))));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    gone = hold_next(&p, A);
    (void)send_flow(&p, A, flow_of[1]);
    ck_assert_uint_eq(send_flow(&p, B, flow_of[2]), old);
    ck_assert_ok(deliver(&p, A, &gone));
    settle(&p);
    ck_assert_uint_eq(send_flow(&p, B, flow_of[2]),
                      child_esp(p.end[B], of_core(&p, B, 0))->spi_out);
    check_cores(&p, 2);
    pair_free(&p);
}
END_TEST

/* ---- authenticated anew ---- */

/* RFC 7296 §2.8.3: whatever part of them the peer grants in the new IKE SA, packets go on. */
START_TEST(authenticated_anew_there_may_be_fewer)
{
    enum { AS_MANY, FEWER, NO_MORE, HOWS };

    for (int how = 0; how < HOWS; how++) {
        struct pair p;

        configure(&p, 4, 2);
        p.config[A].make_before_break = p.config[B].make_before_break = true;
        pair_establish(&p);
        must_have(&p, 2);
        if (how == FEWER)
            p.config[B].child.per_resource = 1;
        if (how == NO_MORE)
            p.end[B]->store->shares.children = p.end[B]->children + 1;
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_ok(hand_over(&p, i % 2));
        must_have(&p, 2); /* the first one has been taken over, the others not yet */
        run_until(&p, p.now + 30 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        must_have(&p, how == AS_MANY ? 2 : how == FEWER ? 1 : 0);
        both_can_send(&p);
        pair_free(&p);
    }
}
END_TEST

/* The peer sees a new IKE SA only; its policy is one of its own. */
START_TEST(authenticated_anew_as_one_of_both_sees_it)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        configure(&p, 3, 3);
        p.config[side].make_before_break = true;
        pair_establish(&p);
        check_cores(&p, 3);
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        run_until(&p, p.now + 30 * NSEC_PER_S);
        must_have(&p, 3);
        check_cores(&p, 3);
        pair_free(&p);
    }
}
END_TEST

/* RFC 9611 §5.1: each has the number that was told of it, whatever it takes over from. */
START_TEST(authenticated_anew_they_are_numbered_anew)
{
    for (uint8_t gone = 0; gone < 4; gone++) {
        unsigned before[2], told[2] = {0};
        struct pair p;

        configure(&p, 3, 3);
        p.config[A].make_before_break = p.config[B].make_before_break = true;
        pair_establish(&p);
        ck_assert_ok(
            ike_endpoint_delete_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, gone))));
        settle(&p);
        before[A] = p.event_count[A];
        before[B] = p.event_count[B];
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        run_until(&p, p.now + 30 * NSEC_PER_S);
        for (int side = 0; side < 2; side++)
            for (unsigned i = before[side]; i < p.event_count[side]; i++)
                if (p.events[side][i].kind == EVENT_CHILD_UP)
                    ck_assert_uint_eq(child_at(&p, side, p.events[side][i].child)->resource,
                                      told[side]++);
        ck_assert_uint_eq(told[A], 4);
        ck_assert_uint_eq(told[B], 4);
        must_have(&p, 3);
        check_cores(&p, 3);
        pair_free(&p);
    }
}
END_TEST

/* The new IKE SA is closed at once: what it had taken over sends again, also without a first one.
 */
START_TEST(what_is_given_back_sends)
{
    for (uint8_t gone = 0; gone < 3; gone++) {
        struct pair p;

        configure(&p, 2, 2);
        p.config[A].make_before_break = p.config[B].make_before_break = true;
        pair_establish(&p);
        check_cores(&p, 2);
        ck_assert_ok(
            ike_endpoint_delete_child(p.end[A], p.now, ref_of(&p, A, of_core(&p, A, gone))));
        settle(&p);
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_ok(hand_over(&p, i % 2));
        ck_assert_uint_eq(ike_count(&p, A), 2);
        drop_next(&p, A);
        ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, last_event(&p, B, EVENT_IKE_UP)->ike));
        pull(&p);
        ck_assert_ok(hand_over(&p, B));
        ck_assert_uint_eq(ike_count(&p, A), 1);
        for (uint16_t flow = 0; flow < FLOWS; flow++)
            (void)send_flow(&p, A, flow);
        pair_free(&p);
    }
}
END_TEST

SUITE("resource", there_is_one_for_each_core, who_granted_one_waits_for_its_first_packet,
      both_have_to_have_it, more_than_the_responder_has_are_refused, who_was_called_may_ask_as_well,
      a_rekeyed_one_is_for_the_same_core, each_may_be_deleted, the_ike_sa_may_be_rekeyed,
      authenticated_anew_there_are_as_many, without_a_child_in_ike_auth, several_at_once,
      each_message_lost_or_doubled, all_have_the_same_properties, one_more_takes_nothing_from_cores,
      a_first_one_made_anew_is_beside_the_others, a_delete_overtakes_the_rekey,
      rekeyed_one_they_send_without_being_sent_to, the_first_one_stays_the_first_in_a_rekey,
      authenticated_anew_there_may_be_fewer, authenticated_anew_as_one_of_both_sees_it,
      authenticated_anew_they_are_numbered_anew, what_is_given_back_sends)
