/* Child SAs by core: RFC 9611. Who asks for them, how many there are, who sends through which. */
#include "edit.h"
#include "pair.h"

#include "proto/ike/child.h"
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

SUITE("resource", there_is_one_for_each_core, who_granted_one_waits_for_its_first_packet,
      both_have_to_have_it, more_than_the_responder_has_are_refused, who_was_called_may_ask_as_well,
      a_rekeyed_one_is_for_the_same_core, each_may_be_deleted, the_ike_sa_may_be_rekeyed,
      authenticated_anew_there_are_as_many, without_a_child_in_ike_auth, several_at_once,
      each_message_lost_or_doubled, all_have_the_same_properties)
