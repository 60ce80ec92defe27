/*
 * IKE messages in fragments, RFC 7383: agreed on or not; each fragment of each exchange lost,
 * doubled, late, out of order and tampered with, whoever began; fragments that an authentic peer
 * should not send; what waits is bounded, and goes. Behaviour 30.
 */
#include "credentials.h"
#include "edit.h"
#include "proto/wire/notify.h"
#include "proto/wire/skf.h"
#include "same.h"

enum {
    TINY = 1, /* octets of a packet that no fragment fits into: each carries as little as may be */
    SMALL = 160 /* a handful of fragments for each message with a key exchange */
};

static const struct ike_counters *counters(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

static uint64_t dropped(const struct pair *p, int side, enum ike_drop why)
{
    return counters(p, side)->dropped[why];
}

static void both_do(struct pair *p, bool modelled, uint16_t size)
{
    pair_init(p, modelled);
    for (int side = 0; side < 2; side++) {
        pair_propose(&p->config[side], "aes256gcm16-prfsha256-x25519", "aes256gcm16-x25519");
        p->config[side].fragmentation = FRAGMENTATION_YES;
        p->config[side].fragment_size = size;
    }
}

static bool is_fragment(const struct wire_message *m)
{
    size_t marker = m->dgram.local.port == 4500 ? 4 : 0;

    return m->dgram.len > marker + HEADER_LEN && m->data[marker + 16] == PAYLOAD_SKF;
}

static unsigned number_of(const struct wire_message *m)
{
    ck_assert(is_fragment(m));
    return load_be16(m->data + HEADER_LEN + PAYLOAD_HEADER_LEN);
}

static unsigned total_of(const struct wire_message *m)
{
    ck_assert(is_fragment(m));
    return load_be16(m->data + HEADER_LEN + PAYLOAD_HEADER_LEN + 2);
}

/* Nobody waits for anything: what was taken for fragments has been given back. */
static void check_nothing_waits(const struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(p->end[side]->store->joinings.taken, 0);
        ck_assert_uint_eq(p->end[side]->store->joining_by_ike.count, 0);
        ck_assert_uint_eq(p->end[side]->store->joining_oldest, SA_INDEX_NONE);
        ck_assert_uint_eq(p->end[side]->store->joining_newest, SA_INDEX_NONE);
    }
}

/* ---- who says what: §2.3 ---- */

START_TEST(fragments_where_both_have_said_so)
{
    for (int a = FRAGMENTATION_NO; a <= FRAGMENTATION_YES; a++)
        for (int b = FRAGMENTATION_NO; b <= FRAGMENTATION_YES; b++) {
            struct pair p;
            bool agreed = a != FRAGMENTATION_NO && b != FRAGMENTATION_NO;

            both_do(&p, true, SMALL);
            p.config[A].fragmentation = (enum fragmentation_policy)a;
            p.config[B].fragmentation = (enum fragmentation_policy)b;
            pair_establish(&p);
            check_agreement(&p);
            check_traffic(&p);
            ck_assert_int_eq(counters(&p, A)->messages_fragmented > 0,
                             agreed && a == FRAGMENTATION_YES);
            ck_assert_int_eq(counters(&p, B)->messages_fragmented > 0,
                             agreed && b == FRAGMENTATION_YES);
            ck_assert_uint_eq(counters(&p, A)->fragments_made, counters(&p, B)->fragments_heard);
            ck_assert_uint_eq(counters(&p, B)->fragments_made, counters(&p, A)->fragments_heard);
            check_nothing_waits(&p);
            pair_free(&p);
        }
}
END_TEST

/* A responder that was not asked says nothing; one that was answers. */
START_TEST(the_notify_is_answered_only_to_who_sent_it)
{
    for (int asked = 0; asked < 2; asked++)
        for (int side = 0; side < 2; side++) {
            struct message_view view;
            struct notify_payload n;
            struct pair p;

            both_do(&p, true, SMALL);
            if (!asked)
                p.config[A].fragmentation = FRAGMENTATION_NO;
            pair_create(&p);
            pair_initiate(&p);
            if (side == B)
                (void)hand_over(&p, A);
            ck_assert_ok(
                message_read(bytes_of(p.wire[side][0].data, p.wire[side][0].dgram.len), &view));
            ck_assert_int_eq(notify_find(&view, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, &n), asked);
            if (asked) {
                ck_assert_uint_eq(n.data.len, 0);
                ck_assert_uint_eq(n.spi.len, 0);
            }
            pair_free(&p);
        }
}
END_TEST

START_TEST(fragments_that_nobody_agreed_on_are_dropped)
{
    struct wire_message m;
    struct pair p;

    both_do(&p, true, SMALL);
    pair_establish(&p);
    ike_sa_at(p.end[B], the_ike(&p, B).handle)->fragments = false;
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    m = hold_next(&p, A);
    ck_assert(is_fragment(&m));
    ck_assert_int_eq(deliver(&p, A, &m), ERR_STATE);
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_FRAGMENT_UNEXPECTED), 1);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* Before there are keys there is nothing to open a fragment with; found by test_states. */
START_TEST(a_fragment_before_there_are_keys)
{
    for (int response = 0; response < 2; response++) {
        struct wire_message m;
        struct pair p;

        both_do(&p, true, SMALL);
        pair_create(&p);
        pair_initiate(&p);
        m = p.wire[A][0];
        memset(m.data + HEADER_LEN, 0, 100);
        m.data[16] = PAYLOAD_SKF;
        m.data[18] = EXCHANGE_IKE_AUTH;
        m.data[19] = response ? HEADER_FLAG_RESPONSE : 0;
        m.dgram.len = HEADER_LEN + 100;
        store_be32(m.data + HEADER_LENGTH_AT, (uint32_t)m.dgram.len);
        store_be16(m.data + HEADER_LEN + 2, 100);
        store_be32(m.data + HEADER_LEN + 4, 0x00010002); /* number 1 of 2 */
        pair_translate(&p, B, &m.dgram);
        ck_assert_int_ne(deliver(&p, B, &m), OK);
        settle(&p);
        check_agreement(&p);
        pair_free(&p);
    }
}
END_TEST

/* ---- how a message is cut: §2.5 ---- */

static void check_sizes(struct pair *p, int side, size_t size, unsigned *fragments)
{
    *fragments = 0;
    for (unsigned i = 0; i < p->wire_count[side]; i++) {
        const struct wire_message *m = &p->wire[side][i];
        size_t around = (p->v6 ? 40 : 20) + 8 + 4;

        ck_assert_uint_le(m->dgram.len + around, size);
        if (!is_fragment(m))
            continue;
        ck_assert_uint_eq(number_of(m), ++*fragments);
        ck_assert_uint_eq(m->data[HEADER_LEN] != PAYLOAD_NONE, number_of(m) == 1);
        ck_assert_uint_eq(m->data[HEADER_LEN + 1] & 0x80, 0);
        /* One more octet of the message, and with it a block, would not have fitted. */
        if (number_of(m) < total_of(m))
            ck_assert_uint_gt(m->dgram.len + around + 16, size);
    }
}

START_TEST(no_packet_is_larger_than_configured)
{
    static const char *const suites[] = {"aes256gcm16-prfsha256-x25519", "aes256-sha512-x25519",
                                         "aes128ctr-sha256-x25519"};

    for (size_t s = 0; s < 3; s++)
        for (uint16_t size = 180; size < 360; size += 7)
            for (int v6 = 0; v6 < 2; v6++) {
                unsigned fragments;
                struct pair p;

                both_do(&p, true, size);
                p.v6 = v6;
                for (int side = 0; side < 2; side++)
                    pair_propose(&p.config[side], suites[s], "aes256gcm16");
                pair_create(&p);
                pair_initiate(&p);
                (void)hand_over(&p, A);
                (void)hand_over(&p, B);
                check_sizes(&p, A, size, &fragments);
                ck_assert(fragments != 1); /* one alone would be larger than the message */
                settle(&p);
                check_agreement(&p);
                check_traffic(&p);
                pair_free(&p);
            }
}
END_TEST

START_TEST(what_fits_leaves_as_ever)
{
    struct pair p;

    both_do(&p, true, 0);
    pair_establish(&p);
    check_agreement(&p);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(counters(&p, side)->fragments_made, 0);
        ck_assert_uint_eq(counters(&p, side)->fragments_heard, 0);
    }
    pair_free(&p);
}
END_TEST

/* Each seal ticks the meter: modelled and real do the same number of the same sizes. */
START_TEST(real_and_modelled_do_the_same)
{
    static struct pair p[2];

    for (int modelled = 0; modelled < 2; modelled++) {
        both_do(&p[modelled], modelled, SMALL);
        pair_establish(&p[modelled]);
        ck_assert_ok(
            ike_endpoint_rekey_ike(p[modelled].end[A], p[modelled].now, the_ike(&p[modelled], A)));
        run_until(&p[modelled], p[modelled].now + NSEC_PER_S);
        check_agreement(&p[modelled]);
    }
    ck_assert_uint_eq(p[0].timeline_count, p[1].timeline_count);
    ck_assert_mem_eq(p[0].timeline, p[1].timeline, p[0].timeline_count * sizeof *p[0].timeline);
    for (int op = 0; op < METER_COUNT; op++) {
        ck_assert_uint_eq(p[0].meter.count[op], p[1].meter.count[op]);
        ck_assert_uint_eq(p[0].meter.bytes[op], p[1].meter.bytes[op]);
    }
    pair_free(&p[0]);
    pair_free(&p[1]);
}
END_TEST

/* The nonce of the cipher is never used for two texts (RFC 5282 §3.1). */
START_TEST(every_fragment_has_an_iv_of_its_own)
{
    static uint64_t seen[2][512];
    unsigned count[2] = {0, 0};
    struct pair p;

    both_do(&p, false, SMALL);
    pair_create(&p);
    pair_initiate(&p);
    while (p.wire_count[A] || p.wire_count[B])
        for (int side = 0; side < 2; side++) {
            if (!p.wire_count[side])
                continue;
            if (is_fragment(&p.wire[side][0])) {
                uint64_t iv = load_be64(p.wire[side][0].data + HEADER_LEN + 8);

                for (unsigned i = 0; i < count[side]; i++)
                    ck_assert_uint_ne(seen[side][i], iv);
                seen[side][count[side]++] = iv;
            }
            (void)hand_over(&p, side);
        }
    ck_assert_uint_ge(count[A], 3);
    ck_assert_uint_ge(count[B], 3);
    pair_free(&p);
}
END_TEST

/* ---- repetitions: RFC 7296 §2.1, RFC 7383 §2.6.1 ---- */

static void check_equal(const struct wire_message *a, const struct wire_message *b)
{
    ck_assert_uint_eq(a->dgram.len, b->dgram.len);
    ck_assert_mem_eq(a->data, b->data, a->dgram.len);
}

START_TEST(a_request_is_repeated_octet_for_octet)
{
    static struct wire_message first[WIRE_MAX];
    unsigned count;
    struct pair p;

    both_do(&p, false, SMALL);
    pair_create(&p);
    pair_initiate(&p);
    (void)hand_over(&p, A);
    (void)hand_over(&p, B);
    count = p.wire_count[A];
    ck_assert_uint_gt(count, 2);
    memcpy(first, p.wire[A], count * sizeof *first);
    for (unsigned again = 1; again <= 3; again++) {
        while (p.wire_count[A])
            drop_next(&p, A);
        p.now = next_deadline(&p);
        expire(&p);
        ck_assert_uint_eq(p.wire_count[A], count);
        for (unsigned i = 0; i < count; i++) {
            check_equal(&p.wire[A][i], &first[i]);
            ck_assert_uint_eq(p.wire[A][i].dgram.transmission, again);
        }
    }
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(only_fragment_1_asks_for_the_response_again)
{
    static struct wire_message request[WIRE_MAX], response[WIRE_MAX];
    unsigned count, answers;
    struct pair p;

    both_do(&p, false, SMALL);
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    count = p.wire_count[A];
    memcpy(request, p.wire[A], count * sizeof *request);
    for (unsigned i = 0; i < count; i++)
        (void)hand_over(&p, A);
    answers = p.wire_count[B];
    ck_assert_uint_gt(answers, 1);
    memcpy(response, p.wire[B], answers * sizeof *response);
    for (unsigned i = 0; i < count; i++) {
        struct wire_message again = request[i];
        uint64_t executed = counters(&p, B)->requests_executed;

        while (p.wire_count[B])
            drop_next(&p, B);
        (void)deliver(&p, A, &again);
        ck_assert_uint_eq(counters(&p, B)->requests_executed, executed);
        ck_assert_uint_eq(p.wire_count[B], number_of(&request[i]) == 1 ? answers : 0);
        for (unsigned k = 0; k < p.wire_count[B]; k++)
            check_equal(&p.wire[B][k], &response[k]);
    }
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* ---- every fragment of every exchange ---- */

enum action { AUTH, NEW_CHILD, CHILD_REKEY, IKE_REKEY, CHILD_DELETE, ACTIONS };

enum fault {
    NO_FAULT,
    LOST,
    DOUBLED,
    LATE,
    BEHIND_THE_NEXT,
    TAMPERED_ICV,
    TAMPERED_NUMBER,
    FAULTS
};

static const char *const action_names[ACTIONS] = {"IKE_AUTH", "new child", "child rekey",
                                                  "IKE rekey", "child delete"};
static const char *const fault_names[FAULTS] = {
    "whole", "lost", "doubled", "late", "behind the next", "tampered ICV", "tampered number"};

static void begin(struct pair *p, enum action action, int from)
{
    struct ike_remote remote = {.local = pair_address(p, from, 500),
                                .remote = pair_address(p, 1 - from, 500)};
    struct sa_ref ref;

    if (action != AUTH) {
        pair_create(p);
        pair_initiate(p);
        settle(p);
    } else {
        pair_create(p);
        ck_assert_ok(ike_endpoint_initiate(p->end[from], p->now, &remote, &ref));
    }
    if (action == NEW_CHILD)
        ck_assert_ok(ike_endpoint_new_child(p->end[from], p->now, the_ike(p, from)));
    if (action == CHILD_REKEY)
        ck_assert_ok(ike_endpoint_rekey_child(p->end[from], p->now, the_child(p, from)));
    if (action == IKE_REKEY)
        ck_assert_ok(ike_endpoint_rekey_ike(p->end[from], p->now, the_ike(p, from)));
    if (action == CHILD_DELETE)
        ck_assert_ok(ike_endpoint_delete_child(p->end[from], p->now, the_child(p, from)));
    pull(p);
}

/* One octet of a copy is changed; the true one is lost. */
static void tampered(struct pair *p, int side, struct wire_message *m, enum fault fault)
{
    uint64_t heard = counters(p, 1 - side)->fragments_heard;
    uint64_t executed = counters(p, 1 - side)->requests_executed;

    m->data[fault == TAMPERED_ICV ? m->dgram.len - 1 : HEADER_LEN + PAYLOAD_HEADER_LEN + 1] ^= 1;
    ck_assert_int_ne(deliver(p, side, m), OK);
    ck_assert_uint_eq(counters(p, 1 - side)->fragments_heard, heard);
    ck_assert_uint_eq(counters(p, 1 - side)->requests_executed, executed);
}

static struct wire_message *held_back(const struct wire_message *m)
{
    struct wire_message *copy = malloc(sizeof *copy);

    ck_assert_ptr_nonnull(copy);
    *copy = *m;
    return copy;
}

/* Hand everything over, fragment number `which` of all with the fault. @return how many there were
 */
static unsigned play(struct pair *p, enum fault fault, unsigned which)
{
    struct wire_message *late = NULL;
    int late_from = A;
    unsigned n = 0;

    for (int side = 0; p->wire_count[A] || p->wire_count[B]; side = 1 - side) {
        struct wire_message m, next;

        if (!p->wire_count[side])
            continue;
        m = wire_take(p, side, 0);
        if (!is_fragment(&m) || n++ != which || fault == NO_FAULT) {
            (void)deliver(p, side, &m);
        } else if (fault == DOUBLED) {
            next = m;
            (void)deliver(p, side, &m);
            (void)deliver(p, side, &next);
        } else if (fault == BEHIND_THE_NEXT) {
            if (p->wire_count[side]) {
                next = wire_take(p, side, 0);
                n += is_fragment(&next);
                (void)deliver(p, side, &next);
            }
            (void)deliver(p, side, &m);
        } else if (fault == LATE) {
            late = held_back(&m);
            late_from = side;
        } else if (fault != LOST) {
            tampered(p, side, &m, fault);
        }
    }
    run_until(p, p->now + 20 * NSEC_PER_S); /* what was lost comes again */
    if (late)
        (void)deliver(p, late_from, late);
    free(late);
    run_until(p, p->now + 100 * NSEC_PER_S);
    return n;
}

static unsigned one_course(enum action action, int from, enum fault fault, unsigned which,
                           bool modelled, uint64_t executed[2])
{
    char what[96];
    struct pair p;
    unsigned n;

    snprintf(what, sizeof what, "%s of %c, fragment %u %s", action_names[action], "AB"[from], which,
             fault_names[fault]);
    both_do(&p, modelled, action == CHILD_DELETE ? TINY : SMALL);
    begin(&p, action, from);
    n = play(&p, fault, which);
    if (action == CHILD_DELETE) {
        ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
    } else {
        ck_assert_uint_gt(child_count(&p, A), 0);
    }
    ck_assert_uint_eq(ike_count(&p, A), 1);
    check_same(&p, what);
    check_nothing_waits(&p);
    for (int side = 0; side < 2; side++) {
        if (fault == NO_FAULT)
            executed[side] = counters(&p, side)->requests_executed;
        ck_assert_msg(counters(&p, side)->requests_executed == executed[side],
                      "%s: %c has executed %llu requests", what, "AB"[side],
                      (unsigned long long)counters(&p, side) -> requests_executed);
    }
    pair_free(&p);
    return n;
}

static void every_course(enum action action, bool modelled)
{
    for (int from = 0; from < 2; from++) {
        uint64_t executed[2];
        unsigned n = one_course(action, from, NO_FAULT, 0, modelled, executed);

        ck_assert_msg(n >= 4, "%s has %u fragments", action_names[action], n);
        for (int fault = LOST; fault < FAULTS; fault++)
            for (unsigned which = 0; which < n; which++)
                (void)one_course(action, from, (enum fault)fault, which, modelled, executed);
    }
}

START_TEST(each_fragment_of_ike_auth_with_each_fault)
{
    every_course(AUTH, true);
    every_course(AUTH, false);
}
END_TEST

START_TEST(each_fragment_of_create_child_sa_with_each_fault)
{
    every_course(NEW_CHILD, true);
    every_course(CHILD_REKEY, true);
    every_course(IKE_REKEY, true);
}
END_TEST

START_TEST(each_fragment_of_informational_with_each_fault)
{
    every_course(CHILD_DELETE, true);
}
END_TEST

/* ---- what an authentic peer should not send ---- */

/* A fragment as `from` would seal it, whatever its fields say. */
struct piece {
    uint8_t exchange; /* enum exchange_type */
    uint32_t id;
    bool response;
    struct skf_fragment f;
    struct bytes text;
};

static struct wire_message craft(struct pair *p, int from, const struct piece *piece)
{
    struct ike_endpoint *ep = p->end[from];
    struct ike_sa *sa = ike_sa_at(ep, the_ike(p, from).handle);
    struct sk_sizes sizes = ike_sk_sizes(sa->suite);
    struct message_start start = {piece->exchange, piece->id, piece->response, true};
    struct wire_message m = {
        .dgram = {.local = ike_sa_remote(ep, sa), .remote = ike_sa_local(ep, sa), .protocol = 17}};
    struct message_writer w;
    struct bytes message;

    ike_message_begin(&w, (struct buf){m.data, 0, sizeof m.data}, sa, &start);
    skf_begin(&w, &sizes, &piece->f);
    writer_bytes(&w.w, piece->text);
    ck_assert_ok(ike_message_seal(ep, sa, &w, &message));
    m.dgram.len = message.len;
    return m;
}

static enum err crafted(struct pair *p, int from, const struct piece *piece)
{
    struct wire_message m = craft(p, from, piece);

    return deliver(p, from, &m);
}

/* Two payloads that mean nothing: an INFORMATIONAL request of them is answered. */
static const uint8_t vendors[24] = {PAYLOAD_VENDOR, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8,
                                    PAYLOAD_NONE,   0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8};

static uint32_t next_id(const struct pair *p, int from)
{
    struct ike_sa_info info;

    ck_assert(ike_endpoint_ike_info(p->end[1 - from], the_ike(p, 1 - from), &info));
    return info.expected_id;
}

/* Fragment `number` of `total` of a request with `vendors`. */
static struct piece vendor_piece(const struct pair *p, int from, unsigned number, unsigned total)
{
    size_t each = sizeof vendors / total, at = (number - 1) * each;

    return (struct piece){.exchange = EXCHANGE_INFORMATIONAL,
                          .id = next_id(p, from),
                          .f = {.number = (uint16_t)number,
                                .total = (uint16_t)total,
                                .first_type = number == 1 ? PAYLOAD_VENDOR : PAYLOAD_NONE},
                          .text = bytes_of(vendors + at, each)};
}

static void established(struct pair *p)
{
    both_do(p, true, 0);
    pair_establish(p);
}

/* Whether the request that the fragments were of was executed once and answered. */
static void check_served(struct pair *p, int from, uint64_t before)
{
    ck_assert_uint_eq(counters(p, 1 - from)->requests_executed, before + 1);
    ck_assert_uint_eq(p->wire_count[1 - from], 1);
    drop_next(p, 1 - from);
    check_nothing_waits(p);
}

START_TEST(numbers_that_make_no_sense)
{
    for (int from = 0; from < 2; from++) {
        struct piece one;
        struct pair p;
        uint64_t state;

        established(&p);
        state = state_of(&p, 1 - from);
        one = vendor_piece(&p, from, 1, 1);
        one.f.number = 0;
        ck_assert_int_eq(crafted(&p, from, &one), ERR_SYNTAX);
        one.f.number = 2; /* above the total */
        one.f.first_type = PAYLOAD_NONE;
        ck_assert_int_eq(crafted(&p, from, &one), ERR_SYNTAX);
        one.f.total = 2; /* §2.5: Next Payload is that of the first fragment only */
        one.f.first_type = PAYLOAD_VENDOR;
        ck_assert_int_eq(crafted(&p, from, &one), ERR_SYNTAX);
        one.f = (struct skf_fragment){0, 0, PAYLOAD_NONE};
        ck_assert_int_eq(crafted(&p, from, &one), ERR_SYNTAX);
        ck_assert_uint_eq(dropped(&p, 1 - from, IKE_DROP_FRAGMENT_MALFORMED), 4);
        ck_assert_uint_eq(state_of(&p, 1 - from), state);
        check_nothing_waits(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_message_of_one_fragment)
{
    for (int from = 0; from < 2; from++) {
        struct piece one;
        struct pair p;
        uint64_t executed;

        established(&p);
        one = vendor_piece(&p, from, 1, 1);
        executed = counters(&p, 1 - from)->requests_executed;
        ck_assert_ok(crafted(&p, from, &one));
        check_served(&p, from, executed);
        one = vendor_piece(&p, from, 1, 1);
        one.f.first_type = PAYLOAD_NONE; /* a liveness check, empty */
        one.text = BYTES_NONE;
        ck_assert_ok(crafted(&p, from, &one));
        check_served(&p, from, executed + 1);
        pair_free(&p);
    }
}
END_TEST

/* §2.6: all that came before of fewer fragments goes; and of fewer than what is here none is taken.
 */
START_TEST(a_sender_that_makes_them_smaller)
{
    for (int from = 0; from < 2; from++) {
        struct piece two[2], three[3];
        struct pair p;
        uint64_t executed;

        established(&p);
        executed = counters(&p, 1 - from)->requests_executed;
        for (unsigned i = 0; i < 2; i++)
            two[i] = vendor_piece(&p, from, i + 1, 2);
        for (unsigned i = 0; i < 3; i++)
            three[i] = vendor_piece(&p, from, i + 1, 3);
        ck_assert_ok(crafted(&p, from, &two[0]));
        ck_assert_ok(crafted(&p, from, &three[2]));
        ck_assert_uint_eq(counters(&p, 1 - from)->joining_replaced, 1);
        ck_assert_int_eq(crafted(&p, from, &two[1]), ERR_STATE);
        ck_assert_uint_eq(dropped(&p, 1 - from, IKE_DROP_FRAGMENT_STALE), 1);
        ck_assert_ok(crafted(&p, from, &three[0]));
        ck_assert_uint_eq(counters(&p, 1 - from)->requests_executed, executed);
        ck_assert_ok(crafted(&p, from, &three[1]));
        check_served(&p, from, executed);
        pair_free(&p);
    }
}
END_TEST

/* A forged total must not throw away what is here: it is believed after the ICV only. */
START_TEST(a_larger_total_that_is_not_authentic_changes_nothing)
{
    struct wire_message m;
    struct piece piece;
    struct pair p;
    uint64_t executed;

    established(&p);
    executed = counters(&p, B)->requests_executed;
    piece = vendor_piece(&p, A, 1, 2);
    ck_assert_ok(crafted(&p, A, &piece));
    piece = vendor_piece(&p, A, 2, 3);
    m = craft(&p, A, &piece);
    m.data[m.dgram.len - 1] ^= 1;
    ck_assert_int_eq(deliver(&p, A, &m), ERR_ICV);
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_FRAGMENT_ICV), 1);
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_ICV), 0);
    piece = vendor_piece(&p, A, 2, 2);
    ck_assert_ok(crafted(&p, A, &piece));
    check_served(&p, A, executed);
    pair_free(&p);
}
END_TEST

START_TEST(fragments_of_two_exchanges_do_not_mix)
{
    struct piece piece;
    struct pair p;
    uint64_t executed;

    established(&p);
    executed = counters(&p, B)->requests_executed;
    piece = vendor_piece(&p, A, 1, 2);
    ck_assert_ok(crafted(&p, A, &piece));
    piece = vendor_piece(&p, A, 2, 2);
    piece.exchange = EXCHANGE_CREATE_CHILD_SA;
    ck_assert_int_eq(crafted(&p, A, &piece), ERR_SYNTAX);
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_FRAGMENT_MISMATCH), 1);
    piece.exchange = EXCHANGE_INFORMATIONAL;
    ck_assert_ok(crafted(&p, A, &piece));
    check_served(&p, A, executed);
    pair_free(&p);
}
END_TEST

START_TEST(a_message_that_comes_whole_after_all)
{
    for (int from = 0; from < 2; from++) {
        struct piece piece;
        struct pair p;

        established(&p);
        piece = vendor_piece(&p, from, 1, 2);
        ck_assert_ok(crafted(&p, from, &piece));
        ck_assert_ok(ike_endpoint_probe(p.end[from], p.now, the_ike(&p, from)));
        pull(&p);
        ck_assert_ok(hand_over(&p, from)); /* SK, of the same message ID */
        ck_assert_uint_eq(p.wire_count[1 - from], 1);
        check_nothing_waits(&p);
        piece = vendor_piece(&p, from, 2, 2);
        piece.id--;
        ck_assert_int_eq(crafted(&p, from, &piece), ERR_MESSAGE_ID);
        ck_assert_uint_eq(p.wire_count[1 - from], 1);
        settle(&p);
        check_agreement(&p);
        pair_free(&p);
    }
}
END_TEST

/* §2.6.1, where the request was cut anew because its response was lost. */
START_TEST(a_request_cut_anew_after_it_was_served)
{
    for (int from = 0; from < 2; from++) {
        struct wire_message response, m;
        struct piece piece;
        struct pair p;

        established(&p);
        for (unsigned i = 1; i <= 2; i++) {
            piece = vendor_piece(&p, from, i, 2);
            ck_assert_ok(crafted(&p, from, &piece));
        }
        response = wire_take(&p, 1 - from, 0);
        for (unsigned i = 3; i >= 1; i--) {
            piece = vendor_piece(&p, from, i, 3);
            piece.id--;
            m = craft(&p, from, &piece);
            ck_assert_int_eq(deliver(&p, from, &m), ERR_MESSAGE_ID);
            ck_assert_uint_eq(p.wire_count[1 - from], i == 1);
        }
        check_equal(&p.wire[1 - from][0], &response);
        drop_next(&p, 1 - from);
        m = craft(&p, from, &piece); /* number 1 again, but from nobody knows whom */
        m.data[m.dgram.len - 1] ^= 1;
        ck_assert_int_eq(deliver(&p, from, &m), ERR_MESSAGE_ID);
        ck_assert_uint_eq(p.wire_count[1 - from], 0);
        pair_free(&p);
    }
}
END_TEST

/* An IKE SA that is over has lost its keys, and nobody can know them; but everybody knows zeros. */
START_TEST(an_ike_sa_that_is_over_repeats_nothing_cut_anew)
{
    uint8_t *keys, kept[sizeof(struct ike_keys)];
    struct ike_sa *sa;
    size_t len;
    struct wire_message m;
    struct piece piece;
    struct pair p;

    both_do(&p, false, 0);
    pair_establish(&p);
    sa = ike_sa_at(p.end[A], the_ike(&p, A).handle);
    keys = ike_sa_key_room(sa);
    len = ike_key_map(sa->suite).sk_pi;
    piece = vendor_piece(&p, A, 1, 2);
    memcpy(kept, keys, len);
    memset(keys, 0, len);
    m = craft(&p, A, &piece);
    memcpy(keys, kept, len);
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    drop_next(&p, B);
    ck_assert_int_eq(deliver(&p, A, &m), ERR_MESSAGE_ID);
    ck_assert_uint_eq(p.wire_count[B], 0);
    pair_free(&p);
}
END_TEST

/* What is wrong inside is wrong however it came: RFC 7296 §2.5, §2.21. */
START_TEST(the_whole_is_judged_as_any_other_message)
{
    static const uint8_t critical[8] = {PAYLOAD_NONE, 0x80, 0, 8, 1, 2, 3, 4};
    struct piece piece;
    struct pair p;

    established(&p);
    for (unsigned i = 1; i <= 2; i++) {
        piece = vendor_piece(&p, A, i, 2);
        piece.text = bytes_of(critical + 4 * (i - 1), 4);
        piece.f.first_type = i == 1 ? 200 : PAYLOAD_NONE;
        ck_assert_int_eq(crafted(&p, A, &piece), i == 1 ? OK : ERR_CRITICAL);
    }
    check_served(&p, A, counters(&p, B)->requests_executed - 1);
    for (unsigned i = 1; i <= 2; i++) { /* a length that runs past the end */
        piece = vendor_piece(&p, A, i, 2);
        piece.text.len -= i == 2;
        (void)crafted(&p, A, &piece);
    }
    check_nothing_waits(&p);
    ck_assert_uint_eq(ike_count(&p, B), 0); /* RFC 7296 §2.21.3 */
    pair_free(&p);
}
END_TEST

/* ---- bounds ---- */

START_TEST(too_many_or_too_long)
{
    static const uint8_t text[1000] = {0};
    struct piece piece;
    struct pair p;

    established(&p);
    piece = vendor_piece(&p, A, 1, 1);
    piece.f.total = FRAGMENTS_MAX + 1;
    ck_assert_int_eq(crafted(&p, A, &piece), ERR_SPACE);
    piece.f.total = UINT16_MAX;
    ck_assert_int_eq(crafted(&p, A, &piece), ERR_SPACE);
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_FRAGMENT_TOO_MANY), 2);
    check_nothing_waits(&p);
    piece.f.total = FRAGMENTS_MAX;
    piece.text = bytes_of(text, sizeof text);
    for (unsigned i = 1; i <= MESSAGE_MAX / sizeof text; i++) {
        enum err e;

        piece.f.number = (uint16_t)i;
        piece.f.first_type = i == 1 ? PAYLOAD_VENDOR : PAYLOAD_NONE;
        e = crafted(&p, A, &piece);
        ck_assert(e == OK || e == ERR_FULL); /* in the slots of a small endpoint */
    }
    run_until(&p, p.now + 61 * NSEC_PER_S);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* With room for a long chain the length of a message is what ends it. */
START_TEST(longer_than_any_message)
{
    static const uint8_t text[4000] = {0};
    struct piece piece;
    struct bureau b;
    struct pair p;

    both_do(&p, true, 0);
    bureau_open(&b, p.crypto, KEY_RSA);
    for (int side = 0; side < 2; side++)
        show_certificate(&p, &b, side);
    pair_establish(&p);
    piece = vendor_piece(&p, A, 1, 1);
    piece.f.total = FRAGMENTS_MAX;
    piece.text = bytes_of(text, sizeof text);
    for (unsigned i = 1; i <= 5; i++) {
        piece.f.number = (uint16_t)i;
        piece.f.first_type = i == 1 ? PAYLOAD_VENDOR : PAYLOAD_NONE;
        ck_assert_int_eq(crafted(&p, A, &piece), i < 5 ? OK : ERR_LENGTH);
    }
    ck_assert_uint_eq(dropped(&p, B, IKE_DROP_FRAGMENT_TOO_MANY), 1);
    check_nothing_waits(&p);
    pair_free(&p);
    bureau_close(&b);
}
END_TEST

START_TEST(what_is_never_completed_goes_after_a_minute)
{
    struct piece piece;
    struct pair p;
    uint64_t memory;

    established(&p);
    memory = ike_endpoint_memory(p.end[B]);
    piece = vendor_piece(&p, A, 2, 2);
    ck_assert_ok(crafted(&p, A, &piece));
    ck_assert_uint_gt(ike_endpoint_memory(p.end[B]), memory);
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[B]), p.now + JOINING_TIME);
    run_until(&p, p.now + JOINING_TIME - 1);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 1);
    run_until(&p, p.now + 1);
    ck_assert_uint_eq(counters(&p, B)->joining_expired, 1);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[B]), memory);
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[B]), NSEC_NEVER);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

START_TEST(an_ike_sa_takes_its_fragments_along)
{
    for (int how = 0; how < 2; how++) {
        struct piece piece;
        struct pair p;

        established(&p);
        piece = vendor_piece(&p, A, 1, 2);
        ck_assert_ok(crafted(&p, A, &piece));
        if (how == 0) {
            ike_endpoint_crash(p.end[B], p.now);
        } else {
            ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, the_ike(&p, B)));
            settle(&p);
        }
        check_nothing_waits(&p);
        pair_free(&p);
    }
}
END_TEST

/* One message of each IKE SA and direction, as many as the window has; of all a fixed number. */
START_TEST(no_more_wait_than_there_is_room_for)
{
    enum { WINDOW = 4, SAS = 3 };
    unsigned places;
    struct pair p;

    both_do(&p, true, 0);
    p.config[A].window = p.config[B].window = WINDOW;
    for (int side = 0; side < 2; side++)
        p.config[side].initial_contact = false;
    pair_create(&p);
    places = p.end[B]->store->joinings.capacity;
    ck_assert_uint_lt(places, WINDOW * SAS);
    for (int i = 0; i < SAS; i++) {
        pair_initiate(&p);
        settle(&p);
        for (unsigned k = 0; k <= WINDOW; k++) {
            struct piece piece = vendor_piece(&p, A, 1, 2);

            piece.id += k;
            ck_assert_int_eq(crafted(&p, A, &piece), k < WINDOW ? OK : ERR_MESSAGE_ID);
        }
    }
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, places);
    ck_assert_uint_eq(counters(&p, B)->joining_replaced, WINDOW * SAS - places);
    ck_assert_uint_eq(counters(&p, B)->fragments_heard, WINDOW * SAS);
    run_until(&p, p.now + JOINING_TIME);
    ck_assert_uint_eq(counters(&p, B)->joining_expired, places);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* Whoever has got as far as keys can fill what there is for fragments; not what others need. */
START_TEST(fragments_leave_room_for_other_messages)
{
    enum { SAS = 6 };
    static const uint8_t octet;
    struct pair p;

    both_do(&p, true, 0);
    for (int side = 0; side < 2; side++)
        p.config[side].initial_contact = false;
    pair_create(&p);
    for (int i = 0; i < SAS; i++) {
        struct piece piece;

        pair_initiate(&p);
        settle(&p);
        piece = vendor_piece(&p, A, 1, 1);
        piece.f.total = FRAGMENTS_MAX;
        piece.text = bytes_of(&octet, 1);
        for (unsigned number = 1; number < FRAGMENTS_MAX; number++) {
            piece.f.number = (uint16_t)number;
            piece.f.first_type = number == 1 ? PAYLOAD_VENDOR : PAYLOAD_NONE;
            (void)crafted(&p, A, &piece);
        }
    }
    /* What came last still finds a place: the oldest gives way. */
    ck_assert_ptr_nonnull(joining_of(p.end[B], ike_sa_at(p.end[B], the_ike(&p, B).handle),
                                     (struct joining_name){.id = next_id(&p, A)}));
    for (struct sa_ref r = ike_endpoint_next_ike(p.end[B], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p.end[B], r))
        ck_assert_ok(ike_endpoint_probe(p.end[B], p.now, r));
    for (struct sa_ref r = ike_endpoint_next_ike(p.end[A], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p.end[A], r))
        ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, r));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, A), SAS);
    ck_assert_uint_eq(ike_count(&p, B), SAS);
    run_until(&p, p.now + JOINING_TIME);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* ---- with what else there is ---- */

/* Requests of a window whose fragments come mixed up. */
START_TEST(windows_of_fragmented_requests)
{
    enum { WINDOW = 4 };
    struct pair p;

    both_do(&p, true, SMALL);
    p.config[A].window = p.config[B].window = WINDOW;
    pair_establish(&p);
    for (int i = 0; i < WINDOW; i++)
        ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_uint_ge(p.wire_count[A], 2 * WINDOW);
    for (unsigned at = 7; p.wire_count[A]; at += 5) { /* any order will do */
        struct wire_message m = wire_take(&p, A, at % p.wire_count[A]);

        (void)deliver(&p, A, &m);
    }
    while (p.wire_count[B]) {
        struct wire_message m = wire_take(&p, B, p.wire_count[B] / 2);

        (void)deliver(&p, B, &m);
    }
    settle(&p);
    ck_assert_uint_eq(child_count(&p, A), 1 + WINDOW);
    check_same(&p, "a window of new children");
    ck_assert_uint_eq(counters(&p, A)->retransmissions, 0);
    check_nothing_waits(&p);
    pair_free(&p);
}
END_TEST

/* A look-up between the last fragment and the row: proto/ike/held. */
START_TEST(messages_that_wait_for_a_look_up)
{
    for (int side = 0; side < 2; side++) {
        struct ike_answer yes = {.granted = true};
        struct pair p;

        both_do(&p, true, SMALL);
        p.config[side].auth.look_up = true;
        pair_create(&p);
        pair_initiate(&p);
        (void)hand_over(&p, A);
        (void)hand_over(&p, B);
        while (p.wire_count[A]) { /* the first comes last */
            struct wire_message m = wire_take(&p, A, p.wire_count[A] - 1);

            (void)deliver(&p, A, &m);
        }
        settle(&p);
        run_until(&p, p.now + 5 * NSEC_PER_S); /* where the responder waits it is asked again */
        ck_assert_uint_eq(events_of(&p, side, EVENT_REQUEST), 1);
        ck_assert_ok(ike_endpoint_answer(p.end[side], p.now,
                                         last_event(&p, side, EVENT_REQUEST)->count, &yes));
        settle(&p);
        check_agreement(&p);
        run_until(&p, p.now + 100 * NSEC_PER_S);
        check_nothing_waits(&p);
        pair_free(&p);
    }
}
END_TEST

/* Behind a NAT: port 4500, the marker in front of each fragment, and the peer moves in between. */
START_TEST(through_a_nat_that_rebinds)
{
    struct pair p;

    both_do(&p, false, SMALL);
    p.nat = true;
    pair_establish(&p);
    check_agreement(&p);
    ck_assert_uint_gt(counters(&p, B)->fragments_heard, 2);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    for (unsigned i = 0; i < p.wire_count[A]; i++) {
        ck_assert_uint_eq(load_be32(p.wire[A][i].data), 0);
        ck_assert(is_fragment(&p.wire[A][i]));
    }
    (void)hand_over(&p, A);
    ck_assert_uint_eq(counters(&p, B)->peer_moves, 0);
    for (unsigned i = 0; i < p.wire_count[A]; i++)
        p.wire[A][i].dgram.remote.port++;
    p.nat_shift++;
    settle(&p);
    ck_assert_uint_eq(counters(&p, B)->peer_moves, 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* A chain of 10 kB, both ways, in packets of the smallest size that a path must take. */
START_TEST(a_long_chain_of_certificates)
{
    for (int modelled = 0; modelled < 2; modelled++) {
        static struct bytes chain[2][CERT_CHAIN_MAX + 1];
        struct bureau b;
        struct pair p;

        both_do(&p, modelled, FRAGMENT_SIZE_MIN);
        bureau_open(&b, p.crypto, KEY_RSA);
        for (int side = 0; side < 2; side++) {
            struct ike_credential *own = &p.config[side].auth.credential;
            size_t len = 0;

            show_certificate(&p, &b, side);
            for (size_t i = 0; i < sizeof chain[side] / sizeof *chain[side]; i++) {
                chain[side][i] = b.card[side].shown[i > 0];
                len += chain[side][i].len;
            }
            own->certs = chain[side];
            own->cert_count = sizeof chain[side] / sizeof *chain[side];
            ck_assert_uint_gt(len, 8000);
        }
        pair_establish(&p);
        check_agreement(&p);
        check_traffic(&p);
        for (int side = 0; side < 2; side++)
            ck_assert_uint_ge(counters(&p, side)->fragments_heard, 20);
        check_nothing_waits(&p);
        run_until(&p, p.now + 100 * NSEC_PER_S);
        pair_free(&p);
        bureau_close(&b);
    }
}
END_TEST

/* A rekeyed IKE SA has what the first one agreed on. */
START_TEST(a_rekeyed_ike_sa_goes_on_with_fragments)
{
    struct pair p;
    uint64_t made;

    both_do(&p, true, SMALL);
    pair_establish(&p);
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[side], p.now, the_ike(&p, side)));
        run_until(&p, p.now + NSEC_PER_S);
        made = counters(&p, A)->fragments_made;
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        settle(&p);
        ck_assert_uint_gt(counters(&p, A)->fragments_made, made);
    }
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

SUITE("fragment", fragments_where_both_have_said_so, the_notify_is_answered_only_to_who_sent_it,
      fragments_that_nobody_agreed_on_are_dropped, a_fragment_before_there_are_keys,
      no_packet_is_larger_than_configured, what_fits_leaves_as_ever, real_and_modelled_do_the_same,
      every_fragment_has_an_iv_of_its_own, a_request_is_repeated_octet_for_octet,
      only_fragment_1_asks_for_the_response_again, each_fragment_of_ike_auth_with_each_fault,
      each_fragment_of_create_child_sa_with_each_fault,
      each_fragment_of_informational_with_each_fault, numbers_that_make_no_sense,
      a_message_of_one_fragment, a_sender_that_makes_them_smaller,
      a_larger_total_that_is_not_authentic_changes_nothing, fragments_of_two_exchanges_do_not_mix,
      a_message_that_comes_whole_after_all, a_request_cut_anew_after_it_was_served,
      an_ike_sa_that_is_over_repeats_nothing_cut_anew, the_whole_is_judged_as_any_other_message,
      too_many_or_too_long, longer_than_any_message, what_is_never_completed_goes_after_a_minute,
      an_ike_sa_takes_its_fragments_along, no_more_wait_than_there_is_room_for,
      fragments_leave_room_for_other_messages, windows_of_fragmented_requests,
      messages_that_wait_for_a_look_up, through_a_nat_that_rebinds, a_long_chain_of_certificates,
      a_rekeyed_ike_sa_goes_on_with_fragments)
