/*
 * Single rules of RFC 7296 that need a peer who does something rare, but not wrong - or wrong, but
 * with good keys: windows, order of payloads, what is not understood, selectors, SPIs that are
 * gone, late packets. §2.2, §2.3, §2.5, §2.8, §2.9, §2.23, §3.2, §3.3.6, §3.11, §3.14.
 */
#include "edit.h"
#include "proto/esp/esp.h"
#include "proto/core/child.h"
#include "proto/ike/ike.h"
#include "proto/wire/delete.h"
#include "proto/wire/notify.h"
#include "proto/wire/sk.h"
#include "same.h"

static void establish(struct pair *p, const char *esp)
{
    pair_init(p, false);
    for (int side = 0; side < 2; side++)
        pair_propose(&p->config[side], "aes256gcm16-prfsha256-x25519", esp);
    pair_establish(p);
    check_agreement(p);
}

static uint64_t executed(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side])->requests_executed;
}

/* A message as `from` would send it now; the wire below is where the other end sees it come from.
 */
static struct wire_message *crafted(struct pair *p, int from, const struct message_start *start,
                                    void (*fill)(struct message_writer *))
{
    struct wire_message *m = calloc(1, sizeof *m);

    m->dgram = (struct ike_dgram){.local = pair_address(p, 1 - from, 500),
                                  .remote = pair_address(p, from, 500),
                                  .protocol = 17};
    forge(p, from, start, fill, m);
    return m;
}

static void put_nothing(struct message_writer *w)
{
    (void)w;
}

/* ---- message IDs and windows ---- */

/* HDR(ID + n), SK {} -->   with a window of 1: no answer, not even the one before  RFC 7296 §2.3 */
START_TEST(a_request_beyond_the_window_is_dropped)
{
    static const uint32_t ahead[] = {1, 2, 16, 0x7fffffff, 0xfffffff0};

    for (int from = 0; from < 2; from++)
        for (size_t i = 0; i < sizeof ahead / sizeof *ahead; i++) {
            struct message_start start = {.exchange = EXCHANGE_INFORMATIONAL};
            struct wire_message *m;
            struct pair p;
            uint64_t before;

            establish(&p, "aes256gcm16");
            start.message_id = first_sa(p.end[1 - from])->expected_id + ahead[i];
            m = crafted(&p, from, &start, put_nothing);
            before = state_of(&p, 1 - from);
            ck_assert_int_eq(deliver(&p, from, m), ERR_MESSAGE_ID);
            ck_assert_uint_eq(state_of(&p, 1 - from), before);
            ck_assert_uint_eq(p.wire_count[1 - from], 0);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[1 - from])->dropped[IKE_DROP_MESSAGE_ID],
                              1);
            free(m);
            ck_assert_ok(ike_endpoint_probe(p.end[from], p.now, the_ike(&p, from)));
            settle(&p); /* the one that is due is served as ever */
            ck_assert_uint_eq(executed(&p, 1 - from), from == A ? 3 : 1);
            pair_free(&p);
        }
}
END_TEST

/* <-- HDR, SK {..., N(SET_WINDOW_SIZE = 8)}   an offer: nobody has to use it       RFC 7296 §2.3 */
START_TEST(a_larger_window_of_the_peer_is_not_used)
{
    static const uint8_t body[] = {0, 0, 0x40, 0x01, 0, 0, 0, 8};
    const struct edit e = {PAYLOAD_NOTIFY, ADD, bytes_of(body, sizeof body), 0};

    for (int response = 0; response < 2; response++) {
        int told = response ? A : B;
        struct pair p;

        pair_init(&p, false);
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        if (response)
            ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over_edited(&p, 1 - told, &e));
        settle(&p);
        check_agreement(&p);
        ck_assert_ok(ike_endpoint_probe(p.end[told], p.now, the_ike(&p, told)));
        ck_assert_ok(ike_endpoint_rekey_child(p.end[told], p.now, the_child(&p, told)));
        pull(&p);
        ck_assert_uint_eq(p.wire_count[told], 1);
        settle(&p);
        check_agreement(&p);
        pair_free(&p);
    }
}
END_TEST

/* ---- payloads ---- */

/* The n-th message of handshake, child rekey, IKE rekey and Delete, changed by `e`. */
static void changed_on_the_way(unsigned n, const struct edit *e, int from)
{
    struct ike_sa *old;
    struct pair p;

    pair_init(&p, false);
    for (int side = 0; side < 2; side++)
        pair_propose(&p.config[side], "aes256gcm16-prfsha256-x25519", "aes256gcm16-x25519");
    pair_create(&p);
    pair_initiate(&p);
    for (unsigned i = 0; i < 2; i++) /* IKE_SA_INIT is under AUTH: it has its own test */
        ck_assert_ok(hand_over(&p, i & 1));
    for (unsigned i = 0; i < 2; i++)
        ck_assert_ok(i == n ? hand_over_edited(&p, i & 1, e) : hand_over(&p, i & 1));
    for (unsigned i = 2; i < 6; i++) { /* the rekey of the child and the Delete of the old one */
        int side = i & 1 ? 1 - from : from;

        if (i == 2)
            ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
        pull(&p);
        ck_assert_ok(i == n ? hand_over_edited(&p, side, e) : hand_over(&p, side));
    }
    old = first_sa(p.end[from]);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[from], p.now, the_ike(&p, from)));
    pull(&p);
    for (unsigned i = 6; i < 8; i++) {
        int side = i & 1 ? 1 - from : from;

        ck_assert_ptr_eq(old, first_sa(p.end[from])); /* whose keys hand_over_edited takes */
        ck_assert_ok(i == n ? hand_over_edited(&p, side, e) : hand_over(&p, side));
    }
    run_until(&p, p.now + 20 * NSEC_PER_S);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert_uint_eq(events_of(&p, from, EVENT_CHILD_REKEYED), 1);
    ck_assert_uint_eq(events_of(&p, from, EVENT_IKE_REKEYED), 1);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(drops_of(&p, side), 0);
    pair_free(&p);
}

/* HDR, SK {TSr, TSi, SA, AUTH, ...} -->   any order will do            RFC 7296 §2.5 */
START_TEST(payloads_in_another_order)
{
    const struct edit e = {0, REVERSE, BYTES_NONE, 0};

    for (int from = 0; from < 2; from++)
        for (unsigned n = 0; n < 8; n++)
            changed_on_the_way(n, &e, from);
}
END_TEST

/* HDR, SK {..., 200 (not critical)} -->   as if it were not there      RFC 7296 §2.5 */
START_TEST(payloads_that_are_not_understood_are_passed_by)
{
    const struct edit edits[] = {
        {200, ADD, bytes_text("unheard of"), 0},
        {PAYLOAD_VENDOR, ADD, bytes_text("somebody else"), 0},
        {PAYLOAD_NOTIFY, ADD, bytes_of("\0\0\xa0\x01", 4), 0}, /* a status for private use */
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        for (int from = 0; from < 2; from++)
            for (unsigned n = 0; n < 8; n++)
                changed_on_the_way(n, &edits[i], from);
}
END_TEST

/* The same two in IKE_SA_INIT: the answer comes; whether the octets hold only AUTH can tell. */
START_TEST(first_messages_in_another_order)
{
    const struct edit edits[] = {{0, REVERSE, BYTES_NONE, 0},
                                 {200, ADD, bytes_text("unheard of"), 0}};

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct pair p;

        pair_init(&p, false);
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over_edited(&p, A, &edits[i]));
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 1);
        ck_assert_ok(hand_over_edited(&p, B, &edits[i]));
        ck_assert_uint_eq(p.wire_count[A], 1);             /* HDR, SK {IDi, AUTH, ...} --> */
        ck_assert_int_eq(hand_over(&p, A), ERR_SIGNATURE); /* and those are not its octets */
        pair_free(&p);
    }
}
END_TEST

/* ---- beside and inside SK ---- */

/* The payload stands in the clear before SK. The ICV covers it there too: it is the peer's. */
static struct wire_message *with_clear_payload(struct pair *p, int from, bool critical)
{
    struct wire_message *m = calloc(1, sizeof *m);
    struct ike_sa *sa = first_sa(p->end[from]);
    struct sk_sizes sizes = {.iv_len = 8, .icv_len = 16, .block_len = 1};
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .version = HEADER_VERSION_2,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .flags = sa->initiator ? HEADER_FLAG_INITIATOR : 0,
                           .message_id = first_sa(p->end[1 - from])->expected_id};
    struct message_writer w;
    struct message_ref kept;
    struct bytes message;
    uint8_t storage[512];

    message_begin(&w, (struct buf){storage, 0, sizeof storage}, &h);
    writer_bytes(payload_begin(&w, 200), bytes_text("unheard of"));
    if (critical)
        payload_critical(&w);
    payload_end(&w);
    sk_begin(&w, &sizes);
    delete_write(payload_begin(&w, PAYLOAD_DELETE),
                 &(struct delete_payload){.protocol = SA_PROTOCOL_IKE});
    payload_end(&w);
    ck_assert_ok(ike_message_finish(p->end[from], sa, &w, false, &kept));
    message = message_at(&p->end[from]->store->messages, kept);
    memcpy(m->data, message.data, message.len);
    m->dgram = (struct ike_dgram){.local = pair_address(p, 1 - from, 500),
                                  .remote = pair_address(p, from, 500),
                                  .protocol = 17,
                                  .len = message.len};
    message_drop(&p->end[from]->store->messages, &kept);
    return m;
}

/* HDR, 200 (critical), SK {D(IKE)} -->   the request is not executed
 *                  <-- HDR, SK {N(UNSUPPORTED_CRITICAL_PAYLOAD = 200)}   RFC 7296 §2.5 */
START_TEST(a_critical_payload_beside_sk_is_heeded)
{
    for (int from = 0; from < 2; from++)
        for (int critical = 0; critical < 2; critical++) {
            struct wire_message *m;
            struct pair p;

            establish(&p, "aes256gcm16");
            m = with_clear_payload(&p, from, critical);
            ck_assert_int_eq(deliver(&p, from, m), critical ? ERR_CRITICAL : OK);
            ck_assert_uint_eq(ike_count(&p, 1 - from), critical);
            ck_assert_uint_eq(p.wire_count[1 - from], 1);
            if (critical) {
                struct message_view outer, inner;
                struct notify_payload n;
                bool authentic;

                *m = p.wire[1 - from][0];
                ck_assert_ok(message_read(bytes_of(m->data, m->dgram.len), &outer));
                ck_assert_ok(ike_message_open(p.end[from], first_sa(p.end[from]), &outer, &inner,
                                              &authentic));
                ck_assert(notify_find(&inner, NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, &n));
                ck_assert_uint_eq(n.data.data[0], 200);
            }
            free(m);
            pair_free(&p);
        }
}
END_TEST

/* A Pad Length of `pad` behind a good ICV. */
static struct wire_message *badly_padded(struct pair *p, int from, uint8_t pad)
{
    struct wire_message *m = calloc(1, sizeof *m);
    struct ike_endpoint *ep = p->end[from];
    struct ike_sa *sa = first_sa(ep);
    struct ike_key_map map = ike_key_map(sa->suite);
    const uint8_t *keys = ike_sa_keys(sa);
    struct seal_key key = {.encr = sa->suite->encr,
                           .encr_key = keys + (sa->initiator ? map.sk_ei : map.sk_er)};
    struct message_start start = {.exchange = EXCHANGE_INFORMATIONAL,
                                  .message_id = first_sa(p->end[1 - from])->expected_id};
    struct message_writer w;
    struct sk_area area;
    struct bytes message;

    ike_message_begin(&w, (struct buf){m->data, 0, sizeof m->data}, sa, &start);
    ck_assert_ok(sk_end(&w, &area, &message));
    memset(area.iv, 0xee, 8);
    area.text[area.text_len - 1] = pad;
    ck_assert_ok(ep->store->env.crypto->class->seal(ep->store->env.crypto,
                                                    &(struct seal_op){.key = &key,
                                                                      .aad = area.aad,
                                                                      .iv = area.iv,
                                                                      .text = area.text,
                                                                      .text_len = area.text_len,
                                                                      .icv = area.icv}));
    m->dgram = (struct ike_dgram){.local = pair_address(p, 1 - from, 500),
                                  .remote = pair_address(p, from, 500),
                                  .protocol = 17,
                                  .len = message.len};
    return m;
}

/* HDR, SK {} with more padding than there is text -->          RFC 7296 §3.14, §2.21.3
 * With a bad ICV nobody looks at it; with a good one the peer has broken the syntax. */
START_TEST(padding_is_believed_only_behind_a_good_icv)
{
    static const uint8_t pads[] = {1, 2, 16, 255};

    for (int from = 0; from < 2; from++)
        for (size_t i = 0; i < sizeof pads; i++) {
            struct wire_message *m, copy;
            struct pair p;
            uint64_t before;

            establish(&p, "aes256gcm16");
            m = badly_padded(&p, from, pads[i]);
            copy = *m;
            copy.data[copy.dgram.len - 1] ^= 1;
            before = state_of(&p, 1 - from);
            ck_assert_int_eq(deliver(&p, from, &copy), ERR_ICV);
            ck_assert_uint_eq(state_of(&p, 1 - from), before);
            ck_assert_int_eq(deliver(&p, from, m), ERR_PADDING);
            ck_assert_uint_eq(ike_count(&p, 1 - from), 0);
            ck_assert_uint_eq(last_event(&p, 1 - from, EVENT_IKE_DOWN)->reason,
                              REASON_INVALID_SYNTAX);
            free(m);
            pair_free(&p);
        }
}
END_TEST

/* ---- proposals ---- */

/* One transform of an SA payload, as it goes over the wire (§3.3.2). */
struct transform {
    uint8_t type;
    uint16_t id, key_bits;
};

static size_t write_proposal(uint8_t *at, bool last, uint8_t number, uint32_t spi,
                             const struct transform *t, size_t count)
{
    size_t len = 12;

    for (size_t i = 0; i < count; i++) {
        size_t size = t[i].key_bits ? 12 : 8;

        memset(at + len, 0, size);
        at[len] = i + 1 < count ? 3 : 0;
        store_be16(at + len + 2, (uint16_t)size);
        at[len + 4] = t[i].type;
        store_be16(at + len + 6, t[i].id);
        if (t[i].key_bits)
            store_be32(at + len + 8, 0x800e0000u | t[i].key_bits);
        len += size;
    }
    at[0] = last ? 0 : 2;
    at[1] = 0;
    store_be16(at + 2, (uint16_t)len);
    at[4] = number;
    at[5] = SA_PROTOCOL_ESP;
    at[6] = 4;
    at[7] = (uint8_t)count;
    store_be32(at + 8, spi);
    return len;
}

#define GCM256                                                                                     \
    {                                                                                              \
        TRANSFORM_ENCR, ENCR_AES_GCM_16, 256                                                       \
    }
#define NO_ESN                                                                                     \
    {                                                                                              \
        TRANSFORM_ESN, 0, 0                                                                        \
    }

/* HDR, SK {SA, Ni, TSi, TSr} -->   with the SA payload of the test   RFC 7296 §3.3, §3.3.6 */
static enum err propose(struct pair *p, const struct transform *t, size_t count)
{
    uint8_t body[256];
    struct edit e = {PAYLOAD_SA, REPLACE, BYTES_NONE, 0};
    struct handle made;

    establish(p, "aes256gcm16");
    ck_assert_ok(ike_endpoint_new_child(p->end[A], p->now, the_ike(p, A)));
    pull(p);
    made = handshake_of(p->end[A], first_sa(p->end[A]))->child;
    e.with = bytes_of(
        body, write_proposal(body, true, 1,
                             child_esp(p->end[A], child_sa_at(p->end[A], made))->spi_in, t, count));
    return hand_over_edited(p, A, &e);
}

START_TEST(transforms_that_are_not_understood_are_passed_by)
{
    static const struct transform doubled[] = {GCM256, GCM256, NO_ESN, NO_ESN},
                                  unknown[] = {{TRANSFORM_ENCR, 999, 0},
                                               {TRANSFORM_ENCR, ENCR_AES_GCM_16, 192},
                                               {TRANSFORM_ENCR, ENCR_AES_GCM_16, 0},
                                               GCM256,
                                               {TRANSFORM_ESN, 77, 0},
                                               NO_ESN},
                                  no_integ[] = {GCM256, {TRANSFORM_INTEG, 0, 0}, NO_ESN},
                                  type[] = {GCM256, NO_ESN, {77, 1, 0}},
                                  integ[] = {GCM256, {TRANSFORM_INTEG, 12, 0}, NO_ESN},
                                  length[] = {{TRANSFORM_ENCR, ENCR_AES_GCM_16, 128}, NO_ESN};
    static const struct {
        const struct transform *t;
        size_t count;
        bool taken;
    } offers[] = {
        {doubled, 4, true}, {unknown, 6, true}, {no_integ, 3, true},
        {type, 3, false}, /* a type that we cannot do is a need that we cannot meet */
        {integ, 3, false},  {length, 2, false},
    };

    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        struct pair p;
        enum err e = propose(&p, offers[i].t, offers[i].count);

        ck_assert_msg(e == (offers[i].taken ? OK : ERR_NO_PROPOSAL), "offer %zu: %d", i, e);
        settle(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(child_count(&p, side), 1u + offers[i].taken);
            ck_assert_uint_eq(ike_count(&p, side), 1);
        }
        check_same(&p, "offer");
        pair_free(&p);
    }
}
END_TEST

/* ---- rekeying what is not there, or with something else ---- */

/* HDR, SK {N(REKEY_SA), SA, Ni, TSi, TSr} -->
 *                  <-- HDR, SK {N(CHILD_SA_NOT_FOUND)}    and one from scratch: RFC 7296 §2.25.1 */
START_TEST(a_child_that_the_peer_has_lost_is_made_anew)
{
    for (int from = 0; from < 2; from++) {
        struct ike_endpoint *ep;
        struct pair p;

        establish(&p, "aes256gcm16");
        ep = p.end[1 - from];
        child_remove(ep, p.now, child_sa_at(ep, the_child(&p, 1 - from).handle), REASON_CRASH);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
        pull(&p);
        ck_assert_int_eq(hand_over(&p, from), ERR_STATE);
        ck_assert_uint_eq(child_count(&p, 1 - from), 0);
        ck_assert_ok(hand_over(&p, 1 - from));
        ck_assert_uint_eq(last_event(&p, from, EVENT_CHILD_DOWN)->reason, REASON_CHILD_NOT_FOUND);
        settle(&p);
        ck_assert_uint_eq(events_of(&p, from, EVENT_CHILD_REKEYED), 0);
        check_agreement(&p);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

static enum err rekey_with_selectors(struct pair *p, uint32_t first, uint32_t last)
{
    uint8_t body[8];
    const struct edit e = {PAYLOAD_TSI, PATCH, bytes_of(body, sizeof body), 12};

    store_be32(body, first);
    store_be32(body + 4, last);
    establish(p, "aes256gcm16");
    ck_assert_ok(ike_endpoint_rekey_child(p->end[A], p->now, the_child(p, A)));
    pull(p);
    return hand_over_edited(p, A, &e);
}

/* HDR, SK {N(REKEY_SA), SA, Ni, TSi', TSr} -->   narrowed as ever, or refused  RFC 7296 §2.9.2 */
START_TEST(a_rekey_may_bring_other_selectors)
{
    struct pair p;

    ck_assert_ok(rekey_with_selectors(&p, 0x0a010000, 0x0a0100ff)); /* a part of what was */
    settle(&p);
    run_until(&p, p.now + 12 * NSEC_PER_S);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 1);
    pair_free(&p);

    ck_assert_ok(rekey_with_selectors(&p, 0x0a000000, 0x0affffff)); /* more than what is allowed */
    settle(&p);
    run_until(&p, p.now + 12 * NSEC_PER_S);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);

    ck_assert_int_eq(rekey_with_selectors(&p, 0x0a090000, 0x0a09ffff), ERR_TS);
    ck_assert_ok(hand_over(&p, B)); /* <-- HDR, SK {N(TS_UNACCEPTABLE)} */
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_TS_UNACCEPTABLE);
    check_agreement(&p); /* the old one goes on */
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* ---- selectors ---- */

static struct selector net6(uint8_t last)
{
    struct selector s = selector_any(6);

    s.first = (struct ip_addr){.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0, last}};
    s.last = s.first;
    memset(s.last.bytes + 8, 0xff, 8);
    return s;
}

/* HDR, SK {..., TSi = (v4, v6), TSr = (v4, v6)} -->                    RFC 7296 §2.9, §3.13.1 */
START_TEST(selectors_of_both_families_in_one_child)
{
    for (int only4 = 0; only4 < 2; only4++) {
        struct selector_list list;
        struct pair p;

        pair_init(&p, false);
        for (int side = 0; side < 2; side++) {
            struct child_config *c = &p.config[side].child;

            c->local[1] = net6((uint8_t)(1 + side));
            c->remote[1] = net6((uint8_t)(2 - side));
            c->local_count = c->remote_count = only4 && side == B ? 1 : 2;
        }
        pair_establish(&p);
        check_agreement(&p);
        check_traffic(&p);
        list = child_selectors(p.end[A], child_sa_at(p.end[A], the_child(&p, A).handle), true);
        ck_assert_uint_eq(list.count, only4 ? 1 : 2);
        ck_assert_uint_eq(list.items[0].first.family, 4);
        pair_free(&p);
    }
}
END_TEST

/* Packets are UDP from port 1000 to port 2000, in both directions. */
START_TEST(ports_and_protocols_bind_both_directions)
{
    static const struct {
        uint8_t protocol;
        uint16_t here, there; /* of A; 0: any */
        enum err a, b;
    } cases[] = {
        {17, 0, 0, OK, OK},
        {6, 0, 0, ERR_NO_POLICY, ERR_NO_POLICY},
        {17, 1000, 2000, OK, ERR_NO_POLICY}, /* the way back is from 2000 to 1000 */
        {17, 2000, 1000, ERR_NO_POLICY, OK},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p;

        pair_init(&p, false);
        for (int side = 0; side < 2; side++) {
            struct child_config *c = &p.config[side].child;
            struct selector *near = side == A ? c->local : c->remote,
                            *far = side == A ? c->remote : c->local;

            near->protocol = far->protocol = cases[i].protocol;
            if (!cases[i].here)
                continue;
            near->port_first = near->port_last = cases[i].here;
            far->port_first = far->port_last = cases[i].there;
        }
        pair_establish(&p);
        check_agreement(&p);
        ck_assert_int_eq(send_packet(&p, A), cases[i].a);
        ck_assert_int_eq(send_packet(&p, B), cases[i].b);
        pair_free(&p);
    }
}
END_TEST

/* ---- Deletes and what comes after them ---- */

static uint32_t named_spis[3];

static void put_delete(struct message_writer *w)
{
    uint8_t spis[12];

    for (int i = 0; i < 3; i++)
        store_be32(spis + 4 * (size_t)i, named_spis[i]);
    delete_write(payload_begin(w, PAYLOAD_DELETE),
                 &(struct delete_payload){SA_PROTOCOL_ESP, 4, 3, bytes_of(spis, 12)});
    payload_end(w);
}

/* HDR, SK {D(ESP, unknown, known, unknown)} -->
 *                  <-- HDR, SK {D(ESP, the pair of the known one)}     RFC 7296 §1.4.1 */
START_TEST(deletes_of_unknown_spis_are_ignored)
{
    for (int from = 0; from < 2; from++)
        for (int known = 0; known < 2; known++) {
            struct message_start start = {.exchange = EXCHANGE_INFORMATIONAL};
            struct message_view outer, inner;
            struct delete_payload d;
            struct child_sa_info child;
            struct wire_message *m;
            struct pair p;
            bool authentic;

            establish(&p, "aes256gcm16");
            ck_assert(ike_endpoint_child_info(p.end[from], the_child(&p, from), &child));
            named_spis[0] = 0xdeadbeef;
            named_spis[1] = known ? child.spi_in : child.spi_out; /* ours for theirs: unknown too */
            named_spis[2] = 1;
            start.message_id = first_sa(p.end[1 - from])->expected_id;
            m = crafted(&p, from, &start, put_delete);
            ck_assert_ok(deliver(&p, from, m));
            ck_assert_uint_eq(child_count(&p, 1 - from), !known);
            ck_assert_uint_eq(p.wire_count[1 - from], 1);
            *m = p.wire[1 - from][0];
            ck_assert_ok(message_read(bytes_of(m->data, m->dgram.len), &outer));
            ck_assert_ok(
                ike_message_open(p.end[from], first_sa(p.end[from]), &outer, &inner, &authentic));
            ck_assert_uint_eq(inner.count, known);
            if (known) {
                ck_assert_ok(delete_read(inner.payloads[0].body, &d));
                ck_assert_uint_eq(d.count, 1);
                ck_assert_uint_eq(delete_spi(&d, 0), child.spi_out);
            }
            free(m);
            pair_free(&p);
        }
}
END_TEST

/* ESP that was under way when the IKE SA was deleted finds nothing, and wakes nobody. */
START_TEST(late_packets_of_a_deleted_sa_find_nobody)
{
    for (int from = 0; from < 2; from++) {
        struct esp_packet late[2];
        struct pair p;

        establish(&p, "aes256gcm16");
        for (int side = 0; side < 2; side++)
            ck_assert_ok(esp_make(&p, side, 1, &late[side]));
        ck_assert_ok(ike_endpoint_terminate(p.end[from], p.now, the_ike(&p, from)));
        settle(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(esp_take(&p, side, 1, &late[side]), ERR_NO_SA);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[1 - side])->esp_dropped_no_sa, 1);
            ck_assert_uint_eq(p.wire_count[side], 0); /* nobody says INVALID_SPI (§1.5) */
        }
        run_until(&p, p.now + 60 * NSEC_PER_S);
        for (int side = 0; side < 2; side++)
            ck_assert_uint_eq(ike_endpoint_memory(p.end[side]), 0);
        pair_free(&p);
    }
}
END_TEST

/* ---- NAT (§2.23) ---- */

/* Two clients, both 192.168.1.2 in networks of their own, come through one public address: A is
 * the one and then the other. The responder tells them by port, and by SPI. */
START_TEST(two_peers_with_one_address_behind_one_nat)
{
    uint16_t shift[2] = {20000, 30000};
    struct child_sa_info child;
    struct sa_ref both[2];
    struct pair p;

    pair_init(&p, false);
    p.nat = true;
    pair_create(&p);
    for (int who = 0; who < 2; who++) {
        p.nat_shift = shift[who];
        p.config[A].id.data[0] = (uint8_t)('a' + who);
        p.config[A].child.local[0].first = ip_addr_v4(0x0a010000 + 0x8000u * (unsigned)who);
        p.config[A].child.local[0].last = ip_addr_v4(0x0a017fff + 0x8000u * (unsigned)who);
        pair_initiate(&p);
        settle(&p);
    }
    ck_assert_uint_eq(ike_count(&p, B), 2);
    both[0] = ike_endpoint_next_child(p.end[B], SA_NONE);
    both[1] = ike_endpoint_next_child(p.end[B], both[0]);
    for (int who = 0; who < 2; who++) {
        ck_assert(ike_endpoint_child_info(p.end[B], both[who], &child));
        ck_assert(child.udp_encapsulated);
        ck_assert_uint_eq(child.remote.port, 4500 + shift[who]);
        ck_assert_uint_eq(child.remote.addr.bytes[3], 0x63);
    }
    p.nat_shift = shift[0];
    check_traffic(&p); /* 10.1.0.5 is the first one's */
    p.nat_shift = shift[0] + 3;
    ck_assert_ok(send_packet(&p, A)); /* its mapping changes: it alone is followed */
    ck_assert(ike_endpoint_child_info(p.end[B], both[0], &child));
    ck_assert_uint_eq(child.remote.port, 4500 + p.nat_shift);
    ck_assert(ike_endpoint_child_info(p.end[B], both[1], &child));
    ck_assert_uint_eq(child.remote.port, 4500 + shift[1]);
    pair_free(&p);
}
END_TEST

/* ---- ends of numbers ---- */

/* RFC 4303 §3.3.3: a sequence number never comes back; the SA is rekeyed before the last one. */
START_TEST(an_sa_is_rekeyed_before_its_sequence_numbers_end)
{
    for (int from = 0; from < 2; from++) {
        struct esp_sa *esp;
        struct pair p;

        establish(&p, "aes256gcm16");
        esp = child_esp(p.end[from], child_sa_at(p.end[from], the_child(&p, from).handle));
        sad_traffic_take(&p.end[from]->store->esp->sad, esp)->seq_out = UINT32_MAX - 3;
        for (int i = 0; i < 100; i++) {
            enum err e = send_packet(&p, from);

            ck_assert_msg(e == OK, "packet %d: %d", i, e);
            run_until(&p, p.now + NSEC_PER_MS);
        }
        ck_assert_uint_eq(events_of(&p, from, EVENT_CHILD_REKEYED), 1);
        run_until(&p, p.now + 20 * NSEC_PER_S);
        check_agreement(&p);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(byte_limits_rekey_before_they_end)
{
    struct pair p;

    pair_init(&p, false);
    p.config[A].child.lifetime =
        (struct lifetime_config){.rekey_bytes = 10000, .hard_bytes = 12000};
    pair_establish(&p);
    for (int i = 0; i < 2000; i++) {
        ck_assert_ok(send_packet(&p, A));
        run_until(&p, p.now + NSEC_PER_MS);
    }
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_child, 5);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->esp_unsent_limit, 0);
    pair_free(&p);
}
END_TEST

SUITE("rules", a_request_beyond_the_window_is_dropped, a_larger_window_of_the_peer_is_not_used,
      payloads_in_another_order, payloads_that_are_not_understood_are_passed_by,
      first_messages_in_another_order, a_critical_payload_beside_sk_is_heeded,
      padding_is_believed_only_behind_a_good_icv, transforms_that_are_not_understood_are_passed_by,
      a_child_that_the_peer_has_lost_is_made_anew, a_rekey_may_bring_other_selectors,
      selectors_of_both_families_in_one_child, ports_and_protocols_bind_both_directions,
      deletes_of_unknown_spis_are_ignored, late_packets_of_a_deleted_sa_find_nobody,
      two_peers_with_one_address_behind_one_nat, an_sa_is_rekeyed_before_its_sequence_numbers_end,
      byte_limits_rekey_before_they_end)
