/*
 * Transport mode of IKEv1 through endpoints: direct, with a NAT that is claimed, and behind one.
 * RFC 3947 §5.2: NAT-OA, and the traffic by the addresses that each end sees; RFC 3948 §3.1.2:
 * checksums of what comes out of ESP.
 */
#include "v1_pair.h"

/* Where messages 1 to 3 of Quick Mode stand, behind Main Mode. */
enum { QUICK = 6, MESSAGES = 9, PATHS = 3 };

/* How A is connected: 0 direct, 1 a NAT is claimed by B, 2 behind a NAT. */
static void transport_init(struct pair *p, bool modelled, int path)
{
    v1_pair_init(p, modelled, PHASE1_MAIN);
    p->nat = path == 2;
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        c->force_encap = path == 1 && side == B;
        c->child.transport = true;
        c->child.local[0] = selector_host(pair_address(p, side, 0).addr);
        c->child.remote[0] = selector_host(pair_seen(p, 1 - side));
    }
}

static void begin(struct pair *p, bool modelled, int path, unsigned n)
{
    transport_init(p, modelled, path);
    pair_create(p);
    pair_initiate(p);
    while (n-- > 0)
        (void)hand_over(p, p->wire_count[A] ? A : B);
}

static int next_from(const struct pair *p)
{
    return p->wire_count[A] ? A : B;
}

/* A UDP packet with a checksum, from host to host: it is right for the addresses of who gets it. */
static void carry(struct pair *p, int from)
{
    struct ip_addr source = pair_address(p, from, 0).addr, seen = pair_seen(p, from);
    struct ip_addr to = pair_seen(p, 1 - from), here = pair_address(p, 1 - from, 0).addr;
    struct esp_packet packet;
    struct buf at = {packet.storage + ESP_HEADROOM, 0, sizeof packet.storage - ESP_HEADROOM}, inner;
    uint16_t sum;

    at.len = inner_packet(p, at.data, from, 0x5eed);
    sum = checksum_pseudo(&source, &to, 17, 16);
    store_be16(at.data + 26, (uint16_t)~checksum_sum(sum, bytes_of(at.data + 20, 16)));
    ck_assert_ok(ike_endpoint_protect(p->end[from], p->now, &at, &packet.dgram, NULL));
    pair_translate(p, from, &packet.dgram);
    ck_assert_ok(ike_endpoint_unprotect(p->end[1 - from], p->now, &packet.dgram, &inner, NULL));
    pull(p);
    ck_assert_uint_eq(inner.len, 36);
    ck_assert_uint_eq(load_be32(inner.data + 28), 0x5eed);
    ck_assert_mem_eq(inner.data + 12, seen.bytes, 4);
    ck_assert_mem_eq(inner.data + 16, here.bytes, 4);
    sum = checksum_pseudo(&seen, &here, 17, 16);
    ck_assert_uint_eq(checksum_sum(sum, bytes_of(inner.data + 20, 16)), 0xffff);
}

static void check_up(struct pair *p, int path)
{
    struct child_sa_info info[2];

    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(p, side), 1);
        ck_assert(ike_endpoint_child_info(p->end[side], the_child(p, side), &info[side]));
        ck_assert(info[side].transport);
        ck_assert_int_eq(info[side].udp_encapsulated, path > 0);
    }
    ck_assert_uint_eq(info[A].spi_in, info[B].spi_out);
    ck_assert_uint_eq(info[A].key_fingerprint_in, info[B].key_fingerprint_out);
    ck_assert_uint_eq(info[A].key_fingerprint_out, info[B].key_fingerprint_in);
    carry(p, A);
    carry(p, B);
    carry(p, A);
}

START_TEST(hosts_talk)
{
    struct pair p;

    for (int path = 0; path < PATHS; path++)
        for (int modelled = 0; modelled < 2; modelled++) {
            transport_init(&p, modelled, path);
            pair_establish(&p);
            check_up(&p, path);
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
                ck_assert_uint_eq(v1_dropped(&p, side), 0);
            }
            ck_assert_uint_eq(p.timeline_count, MESSAGES);
            pair_free(&p);
        }
}
END_TEST

/* Either end asks for the same traffic again, by other addresses than the one who asked first. */
START_TEST(a_new_child_sa_takes_its_place)
{
    struct pair p;

    for (int path = 0; path < PATHS; path++) {
        transport_init(&p, true, path);
        pair_establish(&p);
        for (int n = 0; n < 4; n++) {
            ck_assert_ok(ike_endpoint_rekey_child(p.end[n % 2], p.now, the_child(&p, n % 2)));
            run_until(&p, p.now + 15 * NSEC_PER_S);
            check_up(&p, path);
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(child_count(&p, side), 1);
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_REKEYED), (unsigned)n + 1);
            }
        }
        pair_free(&p);
    }
}
END_TEST

START_TEST(each_message_is_lost_or_doubled)
{
    struct pair p;

    for (int path = 0; path < PATHS; path++)
        for (unsigned n = QUICK; n < MESSAGES; n++)
            for (int doubled = 0; doubled < 2; doubled++) {
                begin(&p, true, path, n);
                if (doubled)
                    (void)duplicate_next(&p, next_from(&p));
                else
                    drop_next(&p, next_from(&p));
                run_until(&p, p.now + 20 * NSEC_PER_S);
                check_up(&p, path);
                for (int side = 0; side < 2; side++)
                    ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
                pair_free(&p);
            }
}
END_TEST

/* A double that comes when all is over changes nothing. */
START_TEST(each_message_comes_late)
{
    struct pair p;

    for (int path = 0; path < PATHS; path++)
        for (unsigned n = QUICK; n < MESSAGES; n++) {
            struct wire_message late;
            int from;

            begin(&p, true, path, n);
            from = next_from(&p);
            late = p.wire[from][0];
            settle(&p);
            for (int i = 0; i < 2; i++) {
                struct wire_message copy = late;

                (void)deliver(&p, from, &copy);
                run_until(&p, p.now + (i ? 1 : 120) * NSEC_PER_S);
                check_up(&p, path);
            }
            for (int side = 0; side < 2; side++)
                ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
            pair_free(&p);
        }
}
END_TEST

/* What was changed is dropped, and the true message that comes behind it gets through. Nothing
 * covers the padding in the last block. */
START_TEST(each_message_is_tampered_with)
{
    struct pair p;

    for (int path = 0; path < PATHS; path++)
        for (unsigned n = QUICK; n < MESSAGES; n++)
            for (size_t at = 16;; at += 5) {
                int from;

                begin(&p, true, path, n);
                from = next_from(&p);
                if (at + 16 >= p.wire[from][0].dgram.len) {
                    pair_free(&p);
                    break;
                }
                (void)tamper_next(&p, from, at);
                run_until(&p, p.now + 20 * NSEC_PER_S);
                check_up(&p, path);
                pair_free(&p);
            }
}
END_TEST

/* One end does not see the other where its traffic is said to be. */
START_TEST(a_host_that_is_not_allowed)
{
    struct pair p;

    for (int side = 0; side < 2; side++) {
        transport_init(&p, true, 2);
        /* B allows the address that A has behind the NAT; or A asks for another one's traffic. */
        if (side == B)
            p.config[B].child.remote[0] = selector_host(pair_address(&p, A, 0).addr);
        else
            p.config[A].child.remote[0] = selector_host(ip_addr_v4(0x0a000001));
        pair_create(&p);
        pair_initiate(&p);
        run_until(&p, p.now + NSEC_PER_S);
        ck_assert_uint_eq(child_count(&p, A), 0);
        if (side == B) {
            ck_assert_uint_eq(child_count(&p, B), 0);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_PROPOSAL], 1);
        } else {
            ck_assert_uint_ge(v1_dropped(&p, A), 1);
        }
        pair_free(&p);
    }
}
END_TEST

SUITE("ikev1_transport", hosts_talk, a_new_child_sa_takes_its_place,
      each_message_is_lost_or_doubled, each_message_comes_late, each_message_is_tampered_with,
      a_host_that_is_not_allowed)
