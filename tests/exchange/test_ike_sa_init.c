/* IKE_SA_INIT: choice, refusals, repeats, and what nobody may change: RFC 7296 §1.2, §2.1, §2.6. */
#include "pair.h"
#include "proto/wire/notify.h"

static void start(struct pair *p, const char *a, const char *b)
{
    pair_init(p, true);
    pair_propose(&p->config[A], a, "aes256gcm16");
    pair_propose(&p->config[B], b, "aes256gcm16");
    pair_create(p);
    pair_initiate(p);
}

/* A stateless refusal as an attacker or a responder would send it. */
static enum err refuse(struct pair *p, uint16_t type, struct bytes data)
{
    struct wire_message m = p->wire[A][0];
    struct ike_header h;
    struct message_writer w;
    struct bytes message;
    uint8_t storage[256];

    ck_assert_ok(header_read(bytes_of(m.data, m.dgram.len), &h));
    h.flags = HEADER_FLAG_RESPONSE;
    message_begin(&w, (struct buf){storage, 0, sizeof storage}, &h);
    notify_add(&w, type, data);
    ck_assert_ok(message_end(&w, &message));
    m.dgram.local = pair_address(p, A, 500);
    m.dgram.remote = pair_address(p, B, 500);
    memcpy(m.data, message.data, message.len);
    m.dgram.len = message.len;
    return deliver(p, B, &m);
}

START_TEST(chooses_what_both_have)
{
    static const char *const suites[] = {
        "aes256gcm16-prfsha384-ecp384", "aes128-sha256-modp2048",
        "aes256ctr-sha512-x448",        "chacha20poly1305-prfsha512-ecp521",
        "aes128ccm12-prfsha1-ecp256",   "aes192-sha1-modp3072",
        "aes128-aesxcbc-x25519",        "aes128-sha384-prfaescmac-x25519",
    };

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        for (int modelled = 0; modelled < 2; modelled++) {
            struct pair p;

            pair_init(&p, modelled);
            pair_propose(&p.config[A], suites[i], "aes256gcm16");
            pair_propose(&p.config[B], suites[i], "aes256gcm16");
            pair_establish(&p);
            check_agreement(&p);
            check_traffic(&p);
            pair_free(&p);
        }
    }
}
END_TEST

START_TEST(invalid_ke_payload_leads_to_the_other_group)
{
    struct pair p;
    struct ike_sa_info info;

    start(&p, "aes256gcm16-prfsha256-x25519-ecp256", "aes256gcm16-prfsha256-ecp256");
    /* HDR, SAi1, KEi(x25519), Ni --> <-- HDR, N(INVALID_KE_PAYLOAD)        RFC 7296 §1.2 */
    ck_assert_int_eq(hand_over(&p, A), ERR_STATE);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_KEY_EXCHANGE], 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
    /* HDR, SAi1, KEi(ecp256), Ni --> <-- HDR, SAr1, KEr, Nr */
    ck_assert_ok(hand_over(&p, B));
    settle(&p);
    check_agreement(&p);
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &info));
    ck_assert_str_eq(info.suite.ke->name, "ecp256");
    pair_free(&p);
}
END_TEST

START_TEST(a_group_that_was_not_offered_is_not_taken)
{
    static const uint8_t groups[][2] = {{0, 2}, {0, 14}, {0, 0}, {0, 31}, {0xff, 0xff}};
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519-ecp256", "aes256gcm16-prfsha256-x25519");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        (void)refuse(&p, NOTIFY_INVALID_KE_PAYLOAD, bytes_of(groups[i], 2));
        ck_assert_uint_eq(p.wire_count[A], 1); /* nothing new was sent */
    }
    (void)refuse(&p, NOTIFY_INVALID_KE_PAYLOAD, BYTES_NONE);
    ck_assert_uint_eq(p.wire_count[A], 1);
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(refusals_do_not_ping_pong)
{
    static const uint8_t ecp[2] = {0, 19}, x[2] = {0, 31};
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519-ecp256", "aes256gcm16-prfsha256-x25519");
    for (int i = 0; i < 10; i++)
        (void)refuse(&p, NOTIFY_INVALID_KE_PAYLOAD, bytes_of(i % 2 ? x : ecp, 2));
    for (int i = 0; i < 10; i++)
        (void)refuse(&p, NOTIFY_COOKIE, bytes_of("0123456789", 1 + (size_t)i));
    ck_assert_uint_eq(p.wire_count[A], 1 + 2 + 2);
    pair_free(&p);
}
END_TEST

START_TEST(cookie_comes_back_as_the_first_payload)
{
    struct pair p;
    struct message_view view;
    struct notify_payload n;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    /* <-- HDR, N(COOKIE) HDR, N(COOKIE), SAi1, KEi, Ni -->     RFC 7296 §2.6 */
    ck_assert_ok(refuse(&p, NOTIFY_COOKIE, bytes_text("biscuit")));
    ck_assert_uint_eq(p.wire_count[A], 2);
    ck_assert_ok(message_read(bytes_of(p.wire[A][1].data, p.wire[A][1].dgram.len), &view));
    ck_assert_uint_eq(view.payloads[0].type, PAYLOAD_NOTIFY);
    ck_assert_ok(notify_read(view.payloads[0].body, &n));
    ck_assert_uint_eq(n.type, NOTIFY_COOKIE);
    ck_assert(bytes_equal(n.data, bytes_text("biscuit")));
    drop_next(&p, A);
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(no_proposal_chosen_ends_it_only_after_the_last_try)
{
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256-sha256-x25519");
    /* HDR, SAi1, KEi, Ni --> <-- HDR, N(NO_PROPOSAL_CHOSEN)    RFC 7296 §2.7 */
    ck_assert_int_eq(hand_over(&p, A), ERR_NO_PROPOSAL);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_FAILED), 0); /* §2.21.1: it proves nothing */
    run_until(&p, p.now + 164 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_FAILED), 0);
    run_until(&p, p.now + 3 * NSEC_PER_S);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_NO_PROPOSAL);
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[A], SA_NONE)));
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[B], SA_NONE)));
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[A]), NSEC_NEVER);
    pair_free(&p);
}
END_TEST

START_TEST(forged_refusals_kill_nothing)
{
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    for (unsigned type = 0; type < 50; type++)
        (void)refuse(&p, (uint16_t)type, BYTES_NONE);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_FAILED), 0);
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(a_repeated_request_gets_the_same_bytes)
{
    struct pair p;
    struct wire_message again;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    again = p.wire[A][0];
    /* HDR, SAi1, KEi, Ni --> (twice) <-- HDR, SAr1, KEr, Nr (twice)        RFC 7296 §2.1 */
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(deliver(&p, A, &again));
    ck_assert_uint_eq(p.wire_count[B], 2);
    ck_assert_uint_eq(p.wire[B][0].dgram.len, p.wire[B][1].dgram.len);
    ck_assert_mem_eq(p.wire[B][0].data, p.wire[B][1].data, p.wire[B][0].dgram.len);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_executed, 1);
    settle(&p);
    check_agreement(&p);
    (void)deliver(&p, A, &again); /* a late double makes no second SA */
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
    ck_assert_uint_eq(p.wire_count[B], 0);
    pair_free(&p);
}
END_TEST

START_TEST(half_open_sas_go_when_their_time_is_over)
{
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    ck_assert_ok(hand_over(&p, A));
    drop_next(&p, B);
    p.now += 31 * NSEC_PER_S;
    ike_endpoint_expire(p.end[B], p.now);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[B], SA_NONE)));
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[B]), NSEC_NEVER);
    pair_free(&p);
}
END_TEST

START_TEST(half_open_limit_holds)
{
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    for (uint8_t i = 0; i < 20; i++) {
        struct wire_message m = p.wire[A][0];

        m.data[0] = i; /* another SPIi each time */
        (void)deliver(&p, A, &m);
    }
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 4);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_LIMIT], 16);
    pair_free(&p);
}
END_TEST

/* strongSwan's ladder: behaviours 1; the bytes are the same each time. */
START_TEST(retransmission_ladder)
{
    static const nsec sends_at[] = {0,           4000000000,  11200000000,
                                    24160000000, 47488000000, 89478400000};
    struct pair p;
    nsec start_at;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    start_at = p.now;
    for (int n = 0; n < 6; n++) {
        ck_assert_uint_eq(p.now - start_at, sends_at[n]);
        ck_assert_uint_eq(p.wire_count[A], (unsigned)n + 1);
        ck_assert_uint_eq(p.wire[A][n].dgram.transmission, n);
        ck_assert_mem_eq(p.wire[A][n].data, p.wire[A][0].data, p.wire[A][0].dgram.len);
        p.now = ike_endpoint_deadline(p.end[A]);
        expire(&p);
    }
    ck_assert_uint_eq(p.now - start_at, 165061120000);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_TIMEOUT);
    ck_assert_uint_eq(events_of(&p, A, EVENT_RETRANSMIT), 5);
    ck_assert(sa_none(ike_endpoint_next_ike(p.end[A], SA_NONE)));
    pair_free(&p);
}
END_TEST

/* Every octet of messages 1 and 2, one at a time: no handshake that both believe in (§2.15). */
static void tampered(int from)
{
    struct pair p;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    if (from == B)
        ck_assert_ok(hand_over(&p, A));
    for (size_t at = 0, len = p.wire[from][0].dgram.len; at < len; at++) {
        struct pair q;
        struct wire_message m;

        start(&q, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
        if (from == B)
            ck_assert_ok(hand_over(&q, A));
        m = wire_take(&q, from, 0);
        m.data[at] ^= 0x01;
        (void)deliver(&q, from, &m);
        settle(&q);
        ck_assert_uint_eq(events_of(&q, A, EVENT_IKE_UP), 0);
        /* Message 2 is the responder's to prove: it may be up until the initiator's delete. */
        ck_assert_uint_le(events_of(&q, B, EVENT_IKE_UP), from == B);
        ck_assert_uint_eq(events_of(&q, B, EVENT_IKE_DOWN), events_of(&q, B, EVENT_IKE_UP));
        pair_free(&q);
    }
    pair_free(&p);
}

START_TEST(any_changed_octet_is_found_out)
{
    tampered(A);
    tampered(B);
}
END_TEST

START_TEST(higher_major_version_is_refused_once_a_second)
{
    struct pair p;
    struct wire_message m;

    start(&p, "aes256gcm16-prfsha256-x25519", "aes256gcm16-prfsha256-x25519");
    m = p.wire[A][0];
    m.data[17] = 0x30;
    for (int i = 0; i < 5; i++) {
        struct wire_message copy = m;

        ck_assert_int_eq(deliver(&p, A, &copy), ERR_VERSION);
    }
    ck_assert_uint_eq(p.wire_count[B], 1);
    drop_next(&p, B);
    m.data[17] = 0x2f; /* minor versions and reserved bits do not matter: §2.5 */
    ck_assert_ok(deliver(&p, A, &m));
    pair_free(&p);
}
END_TEST

SUITE("ike_sa_init", chooses_what_both_have, invalid_ke_payload_leads_to_the_other_group,
      a_group_that_was_not_offered_is_not_taken, refusals_do_not_ping_pong,
      cookie_comes_back_as_the_first_payload, no_proposal_chosen_ends_it_only_after_the_last_try,
      forged_refusals_kill_nothing, a_repeated_request_gets_the_same_bytes,
      half_open_sas_go_when_their_time_is_over, half_open_limit_holds, retransmission_ladder,
      any_changed_octet_is_found_out, higher_major_version_is_refused_once_a_second)
