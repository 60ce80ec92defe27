/* Quick crash detection: RFC 6290. B crashes unless a test says otherwise. */
#include "edit.h"
#include "proto/ike/qcd.h"
#include "proto/wire/notify.h"

static void begin(struct pair *p)
{
    pair_init(p, true);
    p->config[A].quick_crash_detection = p->config[B].quick_crash_detection = true;
    pair_create(p);
    pair_initiate(p);
    settle(p);
    check_agreement(p);
}

static const struct ike_counters *at(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

/* A asks something under the IKE SA; the request is on the wire. */
static void ask(struct pair *p, int side)
{
    ck_assert_ok(ike_endpoint_probe(p->end[side], p->now, the_ike(p, side)));
    pull(p);
    ck_assert_uint_eq(p->wire_count[side], 1);
}

static void crash(struct pair *p, int side)
{
    ike_endpoint_crash(p->end[side], p->now);
    pull(p);
}

/* What a peer's token for the first SA of `side` is there. */
static struct bytes kept(const struct pair *p, int side)
{
    const struct ike_endpoint *ep = p->end[side];
    struct peer_token *t = pool_slot(&ep->store->tokens, ike_sa_index(ep, first_sa(p->end[side])));

    return bytes_of(t->bytes, t->len);
}

static struct message_view view_of(const struct wire_message *m)
{
    struct message_view v;

    ck_assert_ok(message_read(bytes_of(m->data, m->dgram.len), &v));
    return v;
}

static struct bytes token_in(const struct wire_message *m)
{
    struct message_view v = view_of(m);
    struct notify_payload n;

    return notify_find(&v, NOTIFY_QUICK_CRASH_DETECTION, &n) ? n.data : BYTES_NONE;
}

static void gone(const struct pair *p, int side)
{
    const struct ike_event *down = last_event(p, side, EVENT_IKE_DOWN);

    ck_assert_ptr_nonnull(down);
    ck_assert_int_eq(down->reason, REASON_PEER_CRASHED);
    ck_assert_uint_eq(ike_count(p, side), 0);
    ck_assert_uint_eq(child_count(p, side), 0);
    ck_assert_uint_eq(at(p, side)->crashes_detected, 1);
}

/* ---- given and shown ---- */

START_TEST(a_crash_is_told_with_the_token)
{
    for (int who = 0; who < 2; who++) {
        struct pair p;
        struct wire_message question, answer;
        struct message_view q, a;
        struct notify_payload n;

        begin(&p);
        crash(&p, who);
        ask(&p, 1 - who);
        question = p.wire[1 - who][0];
        /* message --> <-- N(INVALID_IKE_SPI), N(QCD_TOKEN)                 RFC 6290 §4.5 */
        ck_assert_int_eq(hand_over(&p, 1 - who), ERR_NO_SA);
        ck_assert_uint_eq(p.wire_count[who], 1);
        answer = p.wire[who][0];
        q = view_of(&question);
        a = view_of(&answer);
        ck_assert_uint_eq(a.header.spi_i, q.header.spi_i);
        ck_assert_uint_eq(a.header.spi_r, q.header.spi_r);
        ck_assert_uint_eq(a.header.message_id, q.header.message_id);
        ck_assert_uint_eq(a.header.exchange, q.header.exchange);
        ck_assert(header_is_response(&a.header));
        ck_assert_int_eq(header_from_initiator(&a.header), who == A);
        ck_assert_uint_eq(a.count, 2);
        ck_assert(notify_find(&a, NOTIFY_INVALID_IKE_SPI, &n));
        ck_assert(notify_find(&a, NOTIFY_QUICK_CRASH_DETECTION, &n));
        ck_assert_uint_eq(n.protocol, SA_PROTOCOL_IKE); /* §4.1 */
        ck_assert_uint_eq(n.spi.len, 0);
        ck_assert_uint_ge(n.data.len, 16);
        ck_assert_uint_eq(at(&p, who)->tokens_shown, 1);
        /* "the receiver MUST silently discard the IKE SA and all associated child SAs" */
        ck_assert_ok(hand_over(&p, who));
        gone(&p, 1 - who);
        ck_assert_uint_eq(p.wire_count[1 - who], 0);
        ck_assert_uint_eq(ike_endpoint_deadline(p.end[1 - who]), NSEC_NEVER);
        pair_free(&p);
    }
}
END_TEST

START_TEST(each_end_has_a_token_of_its_own)
{
    struct pair p;

    begin(&p);
    ck_assert_uint_eq(kept(&p, A).len, QCD_TOKEN_MIN);
    ck_assert_uint_eq(kept(&p, B).len, QCD_TOKEN_MIN);
    ck_assert(!bytes_equal(kept(&p, A), kept(&p, B)));
    pair_free(&p);
}
END_TEST

START_TEST(without_it_nothing_is_given_shown_or_believed)
{
    for (int on = -1; on < 2; on++) { /* neither, A, B */
        struct pair p;

        pair_init(&p, true);
        if (on >= 0)
            p.config[on].quick_crash_detection = true;
        pair_establish(&p);
        check_agreement(&p);
        if (on >= 0)
            ck_assert_uint_eq(kept(&p, on).len, 0);
        crash(&p, B);
        ask(&p, A);
        (void)hand_over(&p, A);
        ck_assert_uint_eq(p.wire_count[B], on == B);
        if (on == B)
            (void)hand_over(&p, B);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        ck_assert_uint_eq(at(&p, A)->crashes_detected, 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(it_is_given_without_a_child_and_in_a_second_sa)
{
    struct pair p;

    pair_init(&p, true);
    for (int side = 0; side < 2; side++) {
        p.config[side].quick_crash_detection = true;
        p.config[side].childless = CHILDLESS_FORCE;
        p.config[side].make_before_break = true;
    }
    pair_establish(&p);
    for (int round = 0; round < 2; round++) {
        uint8_t before[QCD_TOKEN_MIN];

        memcpy(before, kept(&p, A).data, sizeof before);
        ck_assert_uint_eq(kept(&p, B).len, QCD_TOKEN_MIN);
        ck_assert_ok(ike_endpoint_reauthenticate(p.end[A], p.now, the_ike(&p, A)));
        settle(&p);
        ck_assert_uint_eq(kept(&p, A).len, QCD_TOKEN_MIN);
        ck_assert(!bytes_equal(kept(&p, A), bytes_of(before, sizeof before)));
    }
    pair_free(&p);
}
END_TEST

/* ---- what does not hold ---- */

START_TEST(a_wrong_token_changes_nothing)
{
    struct pair p;
    struct wire_message m;
    struct bytes token;
    uint64_t wrong = 0;

    begin(&p);
    crash(&p, B);
    ask(&p, A);
    (void)hand_over(&p, A);
    m = hold_next(&p, B);
    token = token_in(&m);
    for (size_t i = 0; i < token.len; i++) {
        struct wire_message changed = m;

        changed.data[(size_t)(token.data - m.data) + i] ^= 0x80;
        ck_assert_int_eq(deliver(&p, B, &changed), ERR_ICV);
        ck_assert_uint_eq(at(&p, A)->tokens_wrong, ++wrong);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        ck_assert_uint_eq(p.wire_count[A], 0); /* "a response MUST NOT be sent" */
    }
    ck_assert_ok(deliver(&p, B, &m));
    gone(&p, A);
    pair_free(&p);
}
END_TEST

/* An answer with `count` tokens, of which the one at `right` holds; shorter by `cut` octets. */
static struct wire_message answer_with(const struct wire_message *from, unsigned count,
                                       unsigned right, size_t cut)
{
    struct message_view v = view_of(from);
    struct bytes token = token_in(from);
    struct wire_message m = *from;
    struct message_writer w;
    struct bytes message;

    message_begin(&w, (struct buf){m.data, 0, sizeof m.data}, &v.header);
    notify_add(&w, NOTIFY_INVALID_IKE_SPI, BYTES_NONE);
    for (unsigned i = 0; i < count; i++) {
        uint8_t data[TOKEN_MAX];

        memset(data, (int)i, sizeof data);
        if (i == right)
            memcpy(data, token.data, token.len);
        notify_add(&w, NOTIFY_QUICK_CRASH_DETECTION, bytes_of(data, token.len - cut));
    }
    ck_assert_ok(message_end(&w, &message));
    m.dgram.len = message.len;
    return m;
}

START_TEST(any_of_several_tokens_may_hold)
{
    for (unsigned right = 0; right < 6; right++) { /* §4.5: at least four are looked at */
        struct pair p;
        struct wire_message m, several;

        begin(&p);
        crash(&p, B);
        ask(&p, A);
        (void)hand_over(&p, A);
        m = hold_next(&p, B);
        several = answer_with(&m, 6, 6, 0);
        ck_assert_int_eq(deliver(&p, B, &several), ERR_ICV);
        several = answer_with(&m, 6, right, 1);
        ck_assert_int_eq(deliver(&p, B, &several), ERR_ICV);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        several = answer_with(&m, 6, right, 0);
        ck_assert_ok(deliver(&p, B, &several));
        gone(&p, A);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_token_needs_the_request_that_it_answers)
{
    struct pair p;
    struct wire_message m, other;

    begin(&p);
    crash(&p, B);
    ask(&p, A);
    (void)hand_over(&p, A);
    m = hold_next(&p, B);
    other = m;
    other.data[23] ^= 4; /* message ID */
    (void)deliver(&p, B, &other);
    other = m;
    other.data[19] ^= HEADER_FLAG_RESPONSE;
    (void)deliver(&p, B, &other);
    other = m;
    other.data[18] = EXCHANGE_CREATE_CHILD_SA;
    (void)deliver(&p, B, &other);
    other = m;
    other.data[3] ^= 1; /* SPI */
    (void)deliver(&p, B, &other);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    ck_assert_uint_eq(at(&p, A)->crashes_detected, 0);
    ck_assert_ok(deliver(&p, B, &m));
    gone(&p, A);
    /* Once more, late: nobody is there. */
    ck_assert_int_eq(deliver(&p, B, &m), ERR_NO_SA);
    pair_free(&p);
}
END_TEST

START_TEST(a_forgotten_secret_convinces_nobody)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].quick_crash_detection = p.config[B].quick_crash_detection = true;
    p.config[B].qcd_forgets = true;
    pair_establish(&p);
    crash(&p, B);
    ask(&p, A);
    (void)hand_over(&p, A);
    ck_assert_uint_eq(at(&p, B)->tokens_shown, 1);
    ck_assert_int_eq(hand_over(&p, B), ERR_ICV);
    ck_assert_uint_eq(at(&p, A)->tokens_wrong, 1);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    /* Found by liveness then. */
    while (ike_count(&p, A) && next_deadline(&p) != NSEC_NEVER) {
        p.now = next_deadline(&p);
        expire(&p);
        while (p.wire_count[A])
            drop_next(&p, A);
    }
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DPD);
    pair_free(&p);
}
END_TEST

/* ---- what draws a token, and what must not ---- */

START_TEST(no_token_is_shown_for_an_sa_that_is_there)
{
    struct pair p;
    struct wire_message m;

    begin(&p);
    /* §9.2: with each flag turned, each other exchange, each message ID. */
    ask(&p, A);
    m = hold_next(&p, A);
    for (unsigned flags = 0; flags < 256; flags++)
        for (uint8_t exchange = EXCHANGE_IKE_SA_INIT; exchange <= EXCHANGE_INFORMATIONAL;
             exchange++) {
            struct wire_message other = m;

            other.data[18] = exchange;
            other.data[19] = (uint8_t)flags;
            other.data[m.dgram.len - 1] ^= 1; /* not authentic */
            (void)deliver(&p, A, &other);
            for (unsigned i = 0; i < p.wire_count[B]; i++)
                ck_assert_uint_eq(token_in(&p.wire[B][i]).len, 0);
            while (p.wire_count[B])
                drop_next(&p, B);
        }
    for (int swapped = 0; swapped < 2; swapped++) {
        struct wire_message other = m;

        if (swapped) {
            memcpy(other.data, m.data + 8, 8);
            memcpy(other.data + 8, m.data, 8);
        } else {
            other.data[7] ^= 1; /* the other SPI is ours all the same */
        }
        (void)deliver(&p, A, &other);
        ck_assert_uint_eq(p.wire_count[B], 0);
    }
    ck_assert_uint_eq(at(&p, B)->tokens_shown, 0);
    ck_assert_ok(deliver(&p, A, &m));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* §9.2: who has asked for a rekey and not heard the answer yet has an SA as soon as it comes; what
 * the peer asks in it until then must not draw the token that ends it. */
START_TEST(no_token_is_shown_for_an_sa_that_is_being_made)
{
    struct wire_message answer;
    struct pair p;

    begin(&p);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    answer = hold_next(&p, B);
    ask(&p, B);
    ck_assert_int_eq(hand_over(&p, B), ERR_NO_SA);
    ck_assert_uint_eq(at(&p, A)->tokens_shown, 0);
    ck_assert_ok(deliver(&p, B, &answer));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(only_protected_requests_draw_a_token)
{
    static const uint8_t exchanges[] = {EXCHANGE_IKE_SA_INIT, EXCHANGE_IKE_AUTH,
                                        EXCHANGE_CREATE_CHILD_SA, EXCHANGE_INFORMATIONAL};
    struct pair p;
    struct wire_message m, other;
    struct message_writer w;
    struct bytes message;
    struct message_view v;

    begin(&p);
    crash(&p, B);
    ask(&p, A);
    m = hold_next(&p, A);
    for (size_t i = 0; i < sizeof exchanges; i++) {
        other = m;
        other.data[18] = exchanges[i];
        (void)deliver(&p, A, &other);
        ck_assert_uint_eq(p.wire_count[B], i >= 2);
        if (p.wire_count[B])
            drop_next(&p, B);
    }
    other = m;
    other.data[19] |= HEADER_FLAG_RESPONSE;
    (void)deliver(&p, A, &other);
    other = m;
    memset(other.data, 0, 8);
    (void)deliver(&p, A, &other);
    other = m;
    memset(other.data + 8, 0, 8);
    (void)deliver(&p, A, &other);
    other = m;
    v = view_of(&m);
    message_begin(&w, (struct buf){other.data, 0, sizeof other.data}, &v.header);
    ck_assert_ok(message_end(&w, &message));
    other.dgram.len = message.len;
    (void)deliver(&p, A, &other);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(at(&p, B)->tokens_shown, 2);
    pair_free(&p);
}
END_TEST

START_TEST(esp_of_an_unknown_spi_draws_no_token)
{
    for (int told = 0; told < 2; told++) {
        struct pair p;
        struct esp_packet packet;

        pair_init(&p, true);
        for (int side = 0; side < 2; side++) {
            p.config[side].quick_crash_detection = true;
            p.config[side].invalid_spi = told;
        }
        pair_establish(&p);
        crash(&p, B);
        ck_assert_ok(esp_make(&p, A, 1, &packet));
        ck_assert_int_eq(esp_take(&p, A, 1, &packet), ERR_NO_SA);
        ck_assert_uint_eq(at(&p, B)->tokens_shown, 0);
        ck_assert_uint_eq(p.wire_count[B], told);
        /* With INVALID_SPI: it draws a liveness check, and that the token. §8.2 */
        if (told) {
            settle(&p);
            gone(&p, A);
        }
        pair_free(&p);
    }
}
END_TEST

START_TEST(so_many_tokens_a_second_and_no_more)
{
    struct pair p;
    struct wire_message m;
    unsigned shown = 0;

    begin(&p);
    crash(&p, B);
    ask(&p, A);
    m = hold_next(&p, A);
    for (int second = 0; second < 3; second++) {
        for (unsigned i = 0; i < 2 * QCD_SHOWN_MAX; i++) {
            struct wire_message other = m;

            store_be64(other.data, 1 + (uint64_t)second * 1000 + i);
            (void)deliver(&p, A, &other);
            shown += p.wire_count[B];
            ck_assert_uint_eq(p.wire_count[B], i < QCD_SHOWN_MAX);
            if (p.wire_count[B])
                drop_next(&p, B);
        }
        p.now += NSEC_PER_S;
    }
    ck_assert_uint_eq(shown, 3 * QCD_SHOWN_MAX);
    ck_assert_uint_eq(at(&p, B)->tokens_shown, shown);
    pair_free(&p);
}
END_TEST

/* ---- rekeys: §4.3 ---- */

/* Both ends know the token that the other would show for the SA they have now. */
static void tokens_hold(struct pair *p)
{
    for (int who = 0; who < 2; who++) {
        struct wire_message m;

        ck_assert_uint_eq(ike_count(p, A), 1);
        crash(p, who);
        ask(p, 1 - who);
        (void)hand_over(p, 1 - who);
        m = hold_next(p, who);
        ck_assert_ok(deliver(p, who, &m));
        ck_assert_int_eq(last_event(p, 1 - who, EVENT_IKE_DOWN)->reason, REASON_PEER_CRASHED);
        if (who == B)
            return;
        pair_initiate(p);
        settle(p);
        check_agreement(p);
    }
}

START_TEST(a_rekey_brings_new_tokens)
{
    for (int who = 0; who < 2; who++)
        for (int crashed = 0; crashed < 2; crashed++) {
            struct pair p;
            uint8_t before[2][QCD_TOKEN_MIN];

            begin(&p);
            for (int side = 0; side < 2; side++)
                memcpy(before[side], kept(&p, side).data, QCD_TOKEN_MIN);
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[who], p.now, the_ike(&p, who)));
            settle(&p);
            check_agreement(&p);
            run_until(&p, p.now + 60 * NSEC_PER_S); /* the old SA is away */
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(kept(&p, side).len, QCD_TOKEN_MIN);
                ck_assert(!bytes_equal(kept(&p, side), bytes_of(before[side], QCD_TOKEN_MIN)));
            }
            crash(&p, crashed);
            ask(&p, 1 - crashed);
            settle(&p);
            gone(&p, 1 - crashed);
            pair_free(&p);
        }
}
END_TEST

START_TEST(the_token_of_who_rekeys_follows_at_once)
{
    struct pair p;
    struct message_view v;

    begin(&p);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    /* request --> N(QCD_TOKEN) under the new SA, beside the Delete of the old one */
    ck_assert_uint_eq(p.wire_count[A], 2);
    for (int i = 0; i < 2; i++) {
        v = view_of(&p.wire[A][i]);
        ck_assert_uint_eq(v.header.exchange, EXCHANGE_INFORMATIONAL);
    }
    settle(&p);
    check_agreement(&p);
    tokens_hold(&p);
    pair_free(&p);
}
END_TEST

START_TEST(rekeys_that_collide_leave_the_tokens_of_the_winner)
{
    unsigned won[2] = {0, 0};

    for (int rounds = 0; rounds < 8; rounds++) { /* other nonces each time */
        struct pair p;
        struct ike_sa_info info;
        int first = rounds % 2;

        begin(&p);
        for (int i = 0; i < rounds / 2; i++) {
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
            run_until(&p, p.now + 60 * NSEC_PER_S);
        }
        for (int side = 0; side < 2; side++)
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
        pull(&p);
        (void)hand_over(&p, first);
        (void)hand_over(&p, 1 - first);
        settle(&p);
        run_until(&p, p.now + 120 * NSEC_PER_S);
        check_agreement(&p);
        ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &info));
        won[info.initiator ? A : B]++;
        tokens_hold(&p);
        pair_free(&p);
    }
    ck_assert_uint_gt(won[A], 0);
    ck_assert_uint_gt(won[B], 0);
}
END_TEST

START_TEST(lost_tokens_are_said_again)
{
    for (unsigned lost = 0; lost < 8; lost++) {
        struct pair p;
        unsigned count = 0;

        begin(&p);
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        while (p.wire_count[A] || p.wire_count[B]) {
            int from = p.wire_count[A] ? A : B;

            if (count++ == lost)
                drop_next(&p, from);
            else
                (void)hand_over(&p, from);
        }
        run_until(&p, p.now + 120 * NSEC_PER_S);
        check_agreement(&p);
        tokens_hold(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_new_token_is_taken_at_any_time)
{
    static const struct {
        size_t len;
        bool taken;
    } cases[] = {{0, false}, {15, false}, {16, true}, {128, true}, {129, false}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;
        struct wire_message m;
        uint8_t body[4 + 129] = {1, 0, NOTIFY_QUICK_CRASH_DETECTION >> 8,
                                 NOTIFY_QUICK_CRASH_DETECTION & 0xff};
        struct edit add = {PAYLOAD_NOTIFY, ADD, bytes_of(body, 4 + cases[i].len), 0};

        begin(&p);
        memset(body + 4, 0x5a, sizeof body - 4);
        ask(&p, B); /* SK {N(QCD_TOKEN)} in a protected request: §4.4 */
        m = hold_next(&p, B);
        rewrite(&p, B, &m, &add);
        ck_assert_ok(deliver(&p, B, &m));
        settle(&p);
        check_agreement(&p);
        ck_assert_int_eq(bytes_equal(kept(&p, A), bytes_of(body + 4, cases[i].len)),
                         cases[i].taken);
        ck_assert_uint_eq(at(&p, A)->dropped[IKE_DROP_SYNTAX], !cases[i].taken);
        pair_free(&p);
    }
}
END_TEST

/* ---- beside INITIAL_CONTACT: RFC 7296 §2.4 ---- */

START_TEST(initial_contact_still_ends_what_is_left)
{
    struct pair p;

    begin(&p);
    crash(&p, A); /* the client; it calls again before B asks anything */
    pair_initiate(&p);
    settle(&p);
    check_agreement(&p);
    ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_REPLACED);
    ck_assert_uint_eq(at(&p, B)->crashes_detected, 0);
    pair_free(&p);
}
END_TEST

START_TEST(behind_a_nat_as_well)
{
    struct pair p;
    struct wire_message m;

    pair_init(&p, true);
    p.nat = true;
    p.config[A].quick_crash_detection = p.config[B].quick_crash_detection = true;
    pair_establish(&p);
    crash(&p, B);
    ask(&p, A);
    (void)hand_over(&p, A);
    m = hold_next(&p, B);
    ck_assert_uint_eq(load_be32(m.data), 0); /* port 4500: the non-ESP marker */
    ck_assert_ok(deliver(&p, B, &m));
    gone(&p, A);
    pair_free(&p);
}
END_TEST

SUITE("qcd", a_crash_is_told_with_the_token, each_end_has_a_token_of_its_own,
      without_it_nothing_is_given_shown_or_believed, it_is_given_without_a_child_and_in_a_second_sa,
      a_wrong_token_changes_nothing, any_of_several_tokens_may_hold,
      a_token_needs_the_request_that_it_answers, a_forgotten_secret_convinces_nobody,
      no_token_is_shown_for_an_sa_that_is_there, no_token_is_shown_for_an_sa_that_is_being_made,
      only_protected_requests_draw_a_token, esp_of_an_unknown_spi_draws_no_token,
      so_many_tokens_a_second_and_no_more, a_rekey_brings_new_tokens,
      the_token_of_who_rekeys_follows_at_once, rekeys_that_collide_leave_the_tokens_of_the_winner,
      lost_tokens_are_said_again, a_new_token_is_taken_at_any_time,
      initial_contact_still_ends_what_is_left, behind_a_nat_as_well)
