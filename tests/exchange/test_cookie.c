/*
 * Cookies as a responder asks for them, and limits of half-open IKE SAs: RFC 7296 §2.6, §2.6.1.
 */
#include "pair.h"
#include "proto/core/internal.h"
#include "proto/ike/cookie.h"
#include "proto/wire/notify.h"

#define SUITE_ONE "aes256gcm16-prfsha256-x25519"

static void begin(struct pair *p, struct flood_config flood)
{
    pair_init(p, true);
    p->config[B].flood = flood;
    pair_create(p);
    pair_initiate(p);
}

static void begin_always(struct pair *p)
{
    begin(p, (struct flood_config){.cookie_always = true});
}

static const struct ike_counters *at(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

static struct message_view view_of(const struct wire_message *m)
{
    struct message_view v;

    ck_assert_ok(message_read(bytes_of(m->data, m->dgram.len), &v));
    return v;
}

/* The cookie in a message, empty if there is none. */
static struct bytes cookie_in(const struct wire_message *m)
{
    struct message_view v = view_of(m);
    struct notify_payload n;

    return notify_find(&v, NOTIFY_COOKIE, &n) ? n.data : BYTES_NONE;
}

/* A's first request up to the one that has the cookie, which is held back. */
static struct wire_message with_cookie(struct pair *p)
{
    struct wire_message m;

    ck_assert_int_eq(hand_over(p, A), ERR_STATE);
    ck_assert_ok(hand_over(p, B));
    m = hold_next(p, A);
    ck_assert_uint_gt(cookie_in(&m).len, 0);
    return m;
}

/* It is asked for a cookie, whatever it has. */
static void asked_again(struct pair *p, struct wire_message m)
{
    unsigned said = p->wire_count[B];

    ck_assert_int_eq(deliver(p, A, &m), ERR_STATE);
    ck_assert_uint_eq(p->wire_count[B], said + 1);
    ck_assert_uint_gt(cookie_in(&p->wire[B][said]).len, 0);
    ck_assert_uint_eq(at(p, B)->half_open, 0);
    drop_next(p, B);
}

/* A stranger's request: A's, under an SPI of its own. */
static struct wire_message of_stranger(const struct pair *p, uint8_t who)
{
    struct wire_message m = p->wire[A][0];

    memset(m.data, who, 8);
    return m;
}

static enum err stranger_asks(struct pair *p, uint8_t who)
{
    struct wire_message m = of_stranger(p, who);

    return deliver(p, A, &m);
}

/* ---- the exchange ---- */

START_TEST(a_request_comes_back_unchanged_behind_its_cookie)
{
    struct pair p;
    struct wire_message first;
    struct message_view before, after;
    uint64_t memory;

    begin_always(&p);
    memory = ike_endpoint_memory(p.end[B]);
    first = p.wire[A][0];
    /* HDR(A,0), SAi1, KEi, Ni --> <-- HDR(A,0), N(COOKIE)                  RFC 7296 §2.6 */
    ck_assert_int_eq(hand_over(&p, A), ERR_STATE);
    ck_assert_uint_eq(at(&p, B)->half_open, 0);
    ck_assert_uint_eq(p.end[B]->store->ikes.taken + p.end[B]->store->handshakes.taken, 0);
    ck_assert_uint_eq(at(&p, B)->dropped[IKE_DROP_COOKIE], 1);
    after = view_of(&p.wire[B][0]);
    ck_assert_uint_eq(after.header.spi_r, 0);
    ck_assert_uint_eq(after.count, 1);
    /* HDR(A,0), N(COOKIE), SAi1, KEi, Ni --> */
    ck_assert_ok(hand_over(&p, B));
    before = view_of(&first);
    after = view_of(&p.wire[A][0]);
    ck_assert_uint_eq(after.header.spi_i, before.header.spi_i);
    ck_assert_uint_eq(after.count, before.count + 1);
    for (unsigned i = 0; i < before.count; i++)
        ck_assert(bytes_equal(after.payloads[i + 1].body, before.payloads[i].body));
    ike_endpoint_expire(p.end[B], p.now); /* the answer was pulled: its bytes go */
    ck_assert_uint_eq(ike_endpoint_memory(p.end[B]), memory);
    settle(&p);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert_uint_eq(at(&p, B)->cookies_sent, 1);
    ck_assert_uint_eq(at(&p, B)->cookies_accepted, 1);
    ck_assert_uint_eq(at(&p, B)->cookies_wrong, 0);
    pair_free(&p);
}
END_TEST

START_TEST(nothing_is_asked_unless_configured)
{
    struct pair p;

    begin(&p, (struct flood_config){0});
    for (uint8_t who = 1; who <= 3; who++)
        ck_assert_ok(stranger_asks(&p, who));
    ck_assert_uint_eq(p.wire_count[B], 3);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(cookie_in(&p.wire[B][i]).len, 0);
    ck_assert_uint_eq(at(&p, B)->cookies_sent, 0);
    pair_free(&p);
}
END_TEST

START_TEST(lost_messages_are_asked_for_again)
{
    for (int lost = 0; lost < 3; lost++) {
        struct pair p;

        begin_always(&p);
        for (int i = 0; i < lost; i++)
            (void)hand_over(&p, i % 2 ? B : A);
        drop_next(&p, lost % 2 ? B : A);
        run_until(&p, p.now + 10 * NSEC_PER_S);
        check_agreement(&p);
        ck_assert_uint_eq(at(&p, B)->cookies_wrong, 0);
        ck_assert_uint_eq(at(&p, A)->retransmissions, 1);
        pair_free(&p);
    }
}
END_TEST

START_TEST(doubled_messages_make_one_sa)
{
    for (int doubled = 0; doubled < 3; doubled++) {
        struct pair p;

        begin_always(&p);
        for (int i = 0; i < doubled; i++)
            (void)hand_over(&p, i % 2 ? B : A);
        (void)duplicate_next(&p, doubled % 2 ? B : A);
        settle(&p);
        check_agreement(&p);
        ck_assert_uint_eq(ike_count(&p, B), 1);
        ck_assert_uint_eq(at(&p, B)->half_open, 0);
        ck_assert_uint_eq(at(&p, B)->cookies_wrong, 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(the_same_run_has_the_same_cookies)
{
    uint8_t seen[2][64];
    size_t len[2];

    for (int run = 0; run < 2; run++) {
        struct pair p;
        struct bytes cookie;

        begin_always(&p);
        (void)hand_over(&p, A);
        cookie = cookie_in(&p.wire[B][0]);
        len[run] = cookie.len;
        memcpy(seen[run], cookie.data, cookie.len);
        pair_free(&p);
    }
    ck_assert(bytes_equal(bytes_of(seen[0], len[0]), bytes_of(seen[1], len[1])));
}
END_TEST

/* ---- cookies that do not hold ---- */

START_TEST(a_wrong_cookie_is_as_good_as_none)
{
    struct pair p;
    struct wire_message m;
    struct bytes cookie;
    uint64_t wrong = 0;

    begin_always(&p);
    m = with_cookie(&p);
    cookie = cookie_in(&m);
    for (size_t i = 0; i < cookie.len; i++) {
        struct wire_message changed = m;

        changed.data[(size_t)(cookie.data - m.data) + i] ^= 1;
        asked_again(&p, changed);
        ck_assert_uint_eq(at(&p, B)->cookies_wrong, ++wrong);
    }
    ck_assert_ok(deliver(&p, A, &m));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(a_cookie_of_another_length_is_wrong)
{
    for (size_t len = 1; len <= 64; len++) {
        struct pair p;
        struct message_writer w;
        struct message_view v;
        struct wire_message m, longer;
        struct bytes message, cookie;
        uint8_t data[64] = {0};

        begin_always(&p);
        longer = m = with_cookie(&p);
        v = view_of(&m);
        cookie = cookie_in(&m);
        memcpy(data, cookie.data, len < cookie.len ? len : cookie.len);
        message_begin(&w, (struct buf){longer.data, 0, sizeof longer.data}, &v.header);
        notify_add(&w, NOTIFY_COOKIE, bytes_of(data, len));
        for (unsigned i = 1; i < v.count; i++)
            payload_add(&w, v.payloads[i].type, v.payloads[i].body);
        ck_assert_ok(message_end(&w, &message));
        longer.dgram.len = message.len;
        if (len != cookie.len)
            asked_again(&p, longer);
        else
            ck_assert_ok(deliver(&p, A, &longer));
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_secret_is_taken_until_the_next_but_one)
{
    static const struct {
        nsec after;
        bool taken;
    } cases[] = {
        {0, true},
        {COOKIE_SECRET_TIME, true},
        {2 * COOKIE_SECRET_TIME - 1, true},
        {2 * COOKIE_SECRET_TIME, false}, /* nobody asked in between, but it is as old */
        {1000 * COOKIE_SECRET_TIME, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;
        struct wire_message m;

        begin_always(&p);
        m = with_cookie(&p);
        p.now += cases[i].after;
        if (cases[i].taken)
            ck_assert_ok(deliver(&p, A, &m));
        else
            asked_again(&p, m);
        pair_free(&p);
    }
}
END_TEST

START_TEST(secrets_change_under_load)
{
    struct pair p;
    struct wire_message m, other;
    nsec from;

    begin_always(&p);
    m = with_cookie(&p);
    from = p.now;
    for (p.now = from; p.now < from + 2 * COOKIE_SECRET_TIME; p.now += NSEC_PER_S) {
        other = m;
        memset(other.data, 1, 8);
        asked_again(&p, other);
        ck_assert_uint_eq(p.end[B]->rare->cookies.version, 1 + (p.now - from) / COOKIE_SECRET_TIME);
    }
    asked_again(&p, m);
    pair_free(&p);
}
END_TEST

START_TEST(a_cookie_holds_for_its_address_nonce_and_spi)
{
    struct pair p;
    struct wire_message m, other;
    struct message_view v;

    begin_always(&p);
    m = with_cookie(&p);
    v = view_of(&m);
    other = m;
    other.dgram.remote.addr = ip_addr_v4(0xc6336402);
    asked_again(&p, other);
    other = m;
    other.data[0] ^= 1;
    asked_again(&p, other);
    other = m;
    other.data[(size_t)(message_find(&v, PAYLOAD_NONCE)->body.data - m.data)] ^= 1;
    asked_again(&p, other);
    ck_assert_uint_eq(at(&p, B)->cookies_wrong, 3);
    /* Cookie = <VersionIDofSecret> | Hash(Ni | IPi | SPIi | <secret>): not the port. §2.6 */
    other = m;
    other.dgram.remote.port++;
    ck_assert_ok(deliver(&p, A, &other));
    ck_assert_uint_eq(at(&p, B)->cookies_accepted, 1);
    pair_free(&p);
}
END_TEST

START_TEST(a_crash_loses_the_secrets)
{
    struct pair p;
    struct wire_message m;

    begin_always(&p);
    m = with_cookie(&p);
    ike_endpoint_crash(p.end[B], p.now);
    asked_again(&p, m);
    ck_assert_uint_eq(at(&p, B)->cookies_wrong, 1);
    pair_free(&p);
}
END_TEST

/* ---- with INVALID_KE_PAYLOAD: §2.6.1 ---- */

static void begin_with_wrong_group(struct pair *p, bool always)
{
    pair_init(p, true);
    pair_propose(&p->config[A], "aes256gcm16-prfsha256-x25519-ecp256", "aes256gcm16");
    pair_propose(&p->config[B], "aes256gcm16-prfsha256-ecp256", "aes256gcm16");
    p->config[B].flood.cookie_always = always;
    pair_create(p);
    pair_initiate(p);
}

static uint16_t notify_in(const struct wire_message *m)
{
    struct message_view v = view_of(m);
    struct notify_payload n;

    ck_assert_uint_eq(v.count, 1);
    ck_assert_ok(notify_read(v.payloads[0].body, &n));
    return n.type;
}

START_TEST(another_group_is_asked_for_behind_the_cookie)
{
    struct pair p;

    begin_with_wrong_group(&p, true);
    /* HDR(A,0), SAi1, KEi, Ni --> <-- HDR(A,0), N(COOKIE)                  RFC 7296 §2.6.1 */
    (void)hand_over(&p, A);
    ck_assert_uint_eq(notify_in(&p.wire[B][0]), NOTIFY_COOKIE);
    (void)hand_over(&p, B);
    /* HDR(A,0), N(COOKIE), SAi1, KEi, Ni --> <-- HDR(A,0), N(INVALID_KE_PAYLOAD) */
    (void)hand_over(&p, A);
    ck_assert_uint_eq(notify_in(&p.wire[B][0]), NOTIFY_INVALID_KE_PAYLOAD);
    (void)hand_over(&p, B);
    /* HDR(A,0), N(COOKIE), SAi1, KEi', Ni --> <-- HDR(A,B), SAr1, KEr, Nr */
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(at(&p, B)->half_open, 1);
    settle(&p);
    check_agreement(&p);
    ck_assert_uint_eq(at(&p, B)->cookies_sent, 1);
    ck_assert_uint_eq(at(&p, B)->cookies_accepted, 2); /* the same one twice */
    pair_free(&p);
}
END_TEST

START_TEST(a_cookie_is_asked_for_behind_the_other_group)
{
    struct pair p;

    begin_with_wrong_group(&p, false);
    (void)hand_over(&p, A);
    ck_assert_uint_eq(notify_in(&p.wire[B][0]), NOTIFY_INVALID_KE_PAYLOAD);
    (void)hand_over(&p, B);
    p.config[B].flood.cookie_always = true; /* a flood has begun meanwhile */
    (void)hand_over(&p, A);
    ck_assert_uint_eq(notify_in(&p.wire[B][0]), NOTIFY_COOKIE);
    (void)hand_over(&p, B);
    ck_assert_ok(hand_over(&p, A));
    settle(&p);
    check_agreement(&p);
    ck_assert_uint_eq(at(&p, B)->cookies_accepted, 1);
    pair_free(&p);
}
END_TEST

/* ---- answers and questions ---- */

START_TEST(no_answer_is_larger_than_its_question)
{
    static const char *const suites[] = {SUITE_ONE, "aes128-sha1-ecp256", "aes256-sha512-modp4096"};

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        struct pair p;
        unsigned asked;

        pair_init(&p, true);
        pair_propose(&p.config[A], suites[i], "aes256gcm16");
        p.config[B].flood.cookie_always = true;
        pair_create(&p);
        pair_initiate(&p);
        asked = (unsigned)p.wire[A][0].dgram.len;
        (void)hand_over(&p, A);
        ck_assert_uint_le(p.wire[B][0].dgram.len, asked);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_question_that_is_too_short_has_no_answer)
{
    static const uint8_t nonce[32];

    for (size_t len = 0; len <= sizeof nonce; len++) {
        struct pair p;
        struct message_writer w;
        struct wire_message m;
        struct bytes message;
        struct ike_header h = {.spi_i = 7,
                               .version = HEADER_VERSION_2,
                               .exchange = EXCHANGE_IKE_SA_INIT,
                               .flags = HEADER_FLAG_INITIATOR};

        begin_always(&p);
        m = p.wire[A][0];
        message_begin(&w, (struct buf){m.data, 0, sizeof m.data}, &h);
        if (len)
            payload_add(&w, PAYLOAD_NONCE, bytes_of(nonce, len));
        ck_assert_ok(message_end(&w, &message));
        m.dgram.len = message.len;
        ck_assert_int_eq(deliver(&p, A, &m), ERR_STATE);
        for (unsigned i = 0; i < p.wire_count[B]; i++)
            ck_assert_uint_le(p.wire[B][i].dgram.len, message.len);
        ck_assert_uint_eq(p.wire_count[B], len >= 21); /* 28 + 4 + 21 octets: 28 + 8 + 17 */
        ck_assert_uint_eq(at(&p, B)->dropped[IKE_DROP_COOKIE], 1);
        pair_free(&p);
    }
}
END_TEST

/* Requests that somebody who never reads answers may send: what is wrong with them varies. */
enum flood_kind {
    FLOOD_SHORT_CRITICAL, /* an unknown critical payload and nothing else */
    FLOOD_CRITICAL,       /* one behind a nonce */
    FLOOD_NEXT_VERSION,   /* the header alone, of version 3 */
    FLOOD_NO_KE,
    FLOOD_TWO_NONCES,
    FLOOD_KINDS
};

static size_t write_flood(enum flood_kind kind, uint8_t *data, size_t cap)
{
    enum { UNKNOWN = 99 };
    static const uint8_t bytes[32];
    struct ike_header h = {.spi_i = 7,
                           .version = kind == FLOOD_NEXT_VERSION ? 0x30 : HEADER_VERSION_2,
                           .exchange = EXCHANGE_IKE_SA_INIT,
                           .flags = HEADER_FLAG_INITIATOR};
    struct message_writer w;
    struct bytes message;

    message_begin(&w, (struct buf){data, 0, cap}, &h);
    if (kind != FLOOD_SHORT_CRITICAL && kind != FLOOD_NEXT_VERSION)
        payload_add(&w, PAYLOAD_NONCE, bytes_of(bytes, sizeof bytes));
    if (kind == FLOOD_TWO_NONCES)
        payload_add(&w, PAYLOAD_NONCE, bytes_of(bytes, sizeof bytes));
    if (kind == FLOOD_SHORT_CRITICAL || kind == FLOOD_CRITICAL) {
        (void)payload_begin(&w, UNKNOWN);
        payload_critical(&w);
        payload_end(&w);
    }
    ck_assert_ok(message_end(&w, &message));
    return message.len;
}

/* RFC 7296 §2.6, §2.21.1: whatever a request without a cookie is wrong in, its answer is no larger.
 */
START_TEST(no_kind_of_flood_is_amplified)
{
    for (int kind = 0; kind < FLOOD_KINDS; kind++) {
        struct pair p;
        struct wire_message m;

        begin_always(&p);
        m = p.wire[A][0];
        m.dgram.len = write_flood((enum flood_kind)kind, m.data, sizeof m.data);
        ck_assert_int_ne(deliver(&p, A, &m), OK);
        for (unsigned i = 0; i < p.wire_count[B]; i++)
            ck_assert_uint_le(p.wire[B][i].dgram.len, m.dgram.len);
        ck_assert_uint_le(p.wire_count[B], 1);
        ck_assert_uint_eq(p.wire_count[B], kind >= FLOOD_NO_KE || kind == FLOOD_CRITICAL);
        ck_assert_uint_eq(at(&p, B)->half_open, 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_spoofed_flood_takes_no_memory_and_no_key_exchange)
{
    struct pair p;
    uint64_t memory;

    begin_always(&p);
    memory = ike_endpoint_memory(p.end[B]);
    meter_clear(&p.meter);
    for (uint32_t i = 0; i < 3000; i++) {
        struct wire_message m = p.wire[A][0];

        store_be64(m.data, UINT64_C(0xf1000d) << 32 | i);
        m.dgram.remote = (struct ip_endpoint){ip_addr_v4(0x0b000000 + i), (uint16_t)(1024 + i)};
        ck_assert_int_eq(deliver(&p, A, &m), ERR_STATE);
        ck_assert_uint_eq(p.wire_count[B], 1);
        drop_next(&p, B);
    }
    for (int op = 0; op < METER_KEY_LOAD; op++) /* key exchanges and signatures */
        ck_assert_uint_eq(p.meter.count[op], 0);
    ck_assert_uint_eq(p.meter.count[METER_PRF], 3000);
    ike_endpoint_expire(p.end[B], p.now);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[B]), memory);
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[B]), NSEC_NEVER);
    settle(&p); /* and who is where it says gets in */
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* ---- when ---- */

static nsec half_open_time(const struct pair *p)
{
    return p->config[B].half_open_time;
}

START_TEST(cookies_begin_at_the_limit_and_end_below_half_of_it)
{
    struct pair p;
    nsec from;

    begin(&p, (struct flood_config){.cookie_above = 3});
    from = p.now;
    for (uint8_t who = 1; who <= 3; who++) { /* one each ten seconds */
        ck_assert_ok(stranger_asks(&p, who));
        drop_next(&p, B);
        p.now += 10 * NSEC_PER_S;
    }
    p.now -= NSEC_PER_S;
    ck_assert_uint_eq(at(&p, B)->half_open, 3);
    ck_assert_int_eq(stranger_asks(&p, 4), ERR_STATE);
    ck_assert_uint_gt(cookie_in(&p.wire[B][0]).len, 0);
    drop_next(&p, B);
    /* Two are left: below the limit, but not below half of it. */
    p.now = from + half_open_time(&p) + NSEC_PER_S;
    ike_endpoint_expire(p.end[B], p.now);
    ck_assert_uint_eq(at(&p, B)->half_open, 2);
    ck_assert_int_eq(stranger_asks(&p, 5), ERR_STATE);
    drop_next(&p, B);
    p.now += 10 * NSEC_PER_S;
    ike_endpoint_expire(p.end[B], p.now);
    ck_assert_uint_eq(at(&p, B)->half_open, 1);
    ck_assert_ok(stranger_asks(&p, 6));
    pair_free(&p);
}
END_TEST

START_TEST(a_repeated_request_needs_no_cookie)
{
    struct pair p;

    begin(&p, (struct flood_config){.cookie_above = 1});
    ck_assert_ok(stranger_asks(&p, 1));
    /* The limit is reached, but this one is answered already: the same answer. RFC 7296 §2.1 */
    ck_assert_ok(stranger_asks(&p, 1));
    ck_assert_uint_eq(p.wire_count[B], 2);
    ck_assert_uint_eq(p.wire[B][0].dgram.len, p.wire[B][1].dgram.len);
    ck_assert_mem_eq(p.wire[B][0].data, p.wire[B][1].data, p.wire[B][0].dgram.len);
    ck_assert_int_eq(stranger_asks(&p, 2), ERR_STATE);
    pair_free(&p);
}
END_TEST

START_TEST(own_handshakes_ask_nobody_for_cookies)
{
    struct pair p;
    struct ike_remote away;
    struct sa_ref sa;

    begin(&p, (struct flood_config){.cookie_above = 1, .half_open_per_source = 1});
    away = (struct ike_remote){.local = pair_address(&p, B, 500),
                               .remote = {ip_addr_v4(0xc6336477), 500}};
    ck_assert_ok(ike_endpoint_initiate(p.end[B], p.now, &away, &sa));
    ck_assert_uint_eq(at(&p, B)->half_open, 1);
    ck_assert_ok(stranger_asks(&p, 1));
    ck_assert_int_eq(stranger_asks(&p, 2), ERR_STATE);
    pair_free(&p);
}
END_TEST

/* ---- per source ---- */

START_TEST(a_source_has_so_many_half_open_and_no_more)
{
    struct pair p;
    struct wire_message m;

    begin(&p, (struct flood_config){.half_open_per_source = 2});
    for (uint8_t who = 1; who <= 2; who++) {
        ck_assert_ok(stranger_asks(&p, who));
        drop_next(&p, B);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(stranger_asks(&p, 3), ERR_FULL);
    m = of_stranger(&p, 3);
    m.dgram.remote.port++; /* another port is the same source */
    ck_assert_int_eq(deliver(&p, A, &m), ERR_FULL);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(at(&p, B)->dropped[IKE_DROP_SOURCE], 4);
    m = of_stranger(&p, 4);
    m.dgram.remote.addr = ip_addr_v4(0xc6336402); /* another address is not */
    ck_assert_ok(deliver(&p, A, &m));
    drop_next(&p, B);
    /* What was repeated from within the limit is answered. */
    ck_assert_ok(stranger_asks(&p, 1));
    ck_assert_uint_eq(p.wire_count[B], 1);
    pair_free(&p);
}
END_TEST

START_TEST(a_source_may_again_when_its_handshakes_are_over)
{
    struct pair p;
    struct wire_message m;

    begin(&p, (struct flood_config){.half_open_per_source = 1});
    /* Over because it is done. */
    m = p.wire[A][0];
    settle(&p);
    check_agreement(&p);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 0);
    memset(m.data, 1, 8);
    ck_assert_ok(deliver(&p, A, &m));
    /* Over because its time is. */
    memset(m.data, 2, 8);
    ck_assert_int_eq(deliver(&p, A, &m), ERR_FULL);
    p.now += half_open_time(&p);
    ike_endpoint_expire(p.end[B], p.now);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 0);
    ck_assert_ok(deliver(&p, A, &m));
    /* Over because all is. */
    memset(m.data, 3, 8);
    ck_assert_int_eq(deliver(&p, A, &m), ERR_FULL);
    ike_endpoint_crash(p.end[B], p.now);
    ck_assert_ok(deliver(&p, A, &m));
    ck_assert_uint_eq(p.end[B]->half_open_asked, 1);
    pair_free(&p);
}
END_TEST

START_TEST(a_source_that_fails_may_again)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].psk[0] ^= 1;
    p.config[B].flood.half_open_per_source = 1;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    ck_assert_uint_eq(at(&p, B)->ike_sas, 0);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 0);
    ck_assert_uint_eq(p.end[B]->half_open_asked, 0);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    pair_free(&p);
}
END_TEST

START_TEST(a_handshake_that_moves_counts_where_it_began)
{
    struct pair p;
    struct wire_message m;

    begin(&p, (struct flood_config){.half_open_per_source = 1});
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    m = hold_next(&p, A); /* IKE_AUTH, from another address: RFC 7296 §2.23 */
    m.dgram.remote.addr = ip_addr_v4(0xc6336409);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 1);
    ck_assert_ok(deliver(&p, A, &m));
    ck_assert_uint_eq(ike_count(&p, B), 1);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 0);
    pair_free(&p);
}
END_TEST

START_TEST(behind_a_nat_all_are_one_source)
{
    struct pair p;

    pair_init(&p, true);
    p.nat = true;
    p.config[B].flood = (struct flood_config){.cookie_always = true, .half_open_per_source = 1};
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert_uint_eq(p.end[B]->store->by_source.count, 0);
    pair_free(&p);
}
END_TEST

START_TEST(six_as_well)
{
    struct pair p;
    struct wire_message m, other;

    pair_init(&p, true);
    p.v6 = true;
    p.config[B].flood = (struct flood_config){.cookie_always = true, .half_open_per_source = 1};
    pair_create(&p);
    pair_initiate(&p);
    m = other = with_cookie(&p);
    other.dgram.remote.addr.bytes[15] ^= 1;
    asked_again(&p, other);
    ck_assert_ok(deliver(&p, A, &m));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

SUITE("cookie", a_request_comes_back_unchanged_behind_its_cookie,
      nothing_is_asked_unless_configured, lost_messages_are_asked_for_again,
      doubled_messages_make_one_sa, the_same_run_has_the_same_cookies,
      a_wrong_cookie_is_as_good_as_none, a_cookie_of_another_length_is_wrong,
      a_secret_is_taken_until_the_next_but_one, secrets_change_under_load,
      a_cookie_holds_for_its_address_nonce_and_spi, a_crash_loses_the_secrets,
      another_group_is_asked_for_behind_the_cookie, a_cookie_is_asked_for_behind_the_other_group,
      no_answer_is_larger_than_its_question, a_question_that_is_too_short_has_no_answer,
      no_kind_of_flood_is_amplified, a_spoofed_flood_takes_no_memory_and_no_key_exchange,
      cookies_begin_at_the_limit_and_end_below_half_of_it, a_repeated_request_needs_no_cookie,
      own_handshakes_ask_nobody_for_cookies, a_source_has_so_many_half_open_and_no_more,
      a_source_may_again_when_its_handshakes_are_over, a_source_that_fails_may_again,
      a_handshake_that_moves_counts_where_it_began, behind_a_nat_all_are_one_source, six_as_well)
