/* ESP between two endpoints: every suite, mode and family; tampering; what must be refused. */
#include "esp_pair.h"
#include "proto/esp/path.h"
#include "proto/ip/fragment.h"
#include "proto/ip/reassembly.h"

static struct pair_options gcm(void)
{
    return (struct pair_options){.real = true, .encr = encr_suite(20, 256), .window = 128};
}

static void send_a(struct esp_pair *p, struct store *s, size_t len)
{
    struct esp_outer outer;
    uint32_t used;

    store_fill(s, p->inner_a, p->inner_b, len);
    ck_assert_ok(esp_protect(&p->a, p->user_a, &s->packet, &outer, &used));
    ck_assert_uint_eq(used, SA_A);
}

static enum err open_b(struct esp_pair *p, struct store *s, struct esp_opened *out)
{
    struct esp_arrival in = pair_arrival(p, 0);

    return esp_open(&p->b, p->user_b, &in, &s->packet, out);
}

/* A copy, opened by b; the original can be sent again. */
static enum err try_b(struct esp_pair *p, const struct store *s, struct esp_opened *out)
{
    struct store copy = *s;

    copy.packet.data = copy.bytes + (s->packet.data - s->bytes);
    return open_b(p, &copy, out);
}

static void expect_drop(struct esp_pair *p, const struct store *s, enum esp_cause cause)
{
    struct esp_opened out;
    uint64_t before = p->b.dropped[cause], top = traffic_b(p)->top;
    enum err e = try_b(p, s, &out);

    ck_assert_msg(out.drop == cause, "%s instead of %s", esp_cause_name(out.drop),
                  esp_cause_name(cause));
    ck_assert_int_ne(e, OK);
    ck_assert_uint_eq(p->b.dropped[cause], before + 1);
    if (!out.authentic)
        ck_assert_uint_eq(traffic_b(p)->top, top);
}

static size_t expected_len(const struct pair_options *o, size_t protected)
{
    size_t block = o->encr->block_len > 4 ? o->encr->block_len : 4;
    size_t text = (protected + 2 + block - 1) / block * block;

    return 8 + o->encr->iv_len + text + (o->integ ? o->integ->icv_len : o->encr->icv_len);
}

static void untouched(const struct store *s, const uint8_t *from, const uint8_t *to)
{
    size_t changed = 0;

    for (const uint8_t *p = s->bytes; p < s->bytes + sizeof s->bytes; p++)
        changed += (p < from || p >= to) && *p != 0xee;
    ck_assert_uint_eq(changed, 0);
}

static void one_round(struct esp_pair *p, const struct pair_options *o, size_t len)
{
    static struct store s, original;
    struct esp_opened opened;
    size_t header = o->transport ? store_min(o->outer6) : 0;
    const uint8_t *front = original.bytes + FRONT + header - 8 - o->encr->iv_len;

    store_fill(&original, p->inner_a, p->inner_b, len);
    send_a(p, &s, len);
    front = s.bytes + (front - original.bytes);
    ck_assert_ptr_eq(s.packet.data, front);
    ck_assert_uint_eq(s.packet.len, expected_len(o, len - header));
    ck_assert_ptr_eq(s.packet.data + s.packet.cap, s.bytes + sizeof s.bytes);
    untouched(&s, header > 0 && s.bytes + FRONT < front ? s.bytes + FRONT : front,
              front + s.packet.len);
    ck_assert_uint_eq(load_be32(s.packet.data), 0xb0b0b0b0);
    ck_assert_uint_eq(load_be32(s.packet.data + 4), (uint32_t)traffic_a(p)->seq_out);
    if (len >= header + 8 && o->encr->meter != METER_COUNT)
        ck_assert_mem_ne(front + 8 + o->encr->iv_len, original.packet.data + header, len - header);
    ck_assert_ok(open_b(p, &s, &opened));
    ck_assert(opened.authentic && opened.newest && opened.drop == ESP_CAUSE_NONE);
    ck_assert_uint_eq(opened.seq, traffic_a(p)->seq_out);
    ck_assert_uint_eq(s.packet.len, len);
    if (!o->transport) {
        ck_assert_mem_eq(s.packet.data, original.packet.data, len);
        return;
    }
    /* The header is made anew: same addresses and protocol, right checksum. */
    ck_assert_mem_eq(s.packet.data + header, original.packet.data + header, len - header);
    if (o->outer6)
        ck_assert_mem_eq(s.packet.data + 8, original.packet.data + 8, 32);
    else
        ck_assert_mem_eq(s.packet.data + 12, original.packet.data + 12, 8);
    if (!o->outer6)
        ck_assert_uint_eq(plain_sum(s.packet.data, 20, 0), 0xffff);
}

static void rounds(const struct encr_suite *encr, const struct integ_suite *integ)
{
    static const size_t more[] = {1, 2, 3, 7, 8, 9, 13, 14, 15, 16, 17, 44, 536, 1360, 1460};

    for (int v = 0; v < 32; v++) {
        struct pair_options o = {v & 1, v & 2, v & 4, v & 8, v & 16, v & 4, encr, integ, 64, {0}};
        struct esp_pair *p;
        size_t sent = 0, bytes = 0;

        if (o.transport && o.inner6 != o.outer6)
            continue; /* there is only one IP header */
        p = pair_make(&o);
        for (size_t i = 0; i < sizeof more / sizeof *more + 1; i++) {
            size_t len = store_min(o.inner6) + (i ? more[i - 1] : 0);

            one_round(p, &o, len);
            sent++;
            bytes += len;
        }
        ck_assert_uint_eq(p->a.sealed, sent);
        ck_assert_uint_eq(p->b.opened, sent);
        ck_assert_uint_eq(p->b.opened_bytes, bytes);
        ck_assert_uint_eq(traffic_a(p)->bytes_out, bytes);
        ck_assert_uint_eq(traffic_b(p)->packets_in, sent);
        ck_assert_uint_eq(p->meter.count[METER_ESP_OUT], sent);
        ck_assert_uint_eq(p->meter.bytes[METER_ESP_OUT], bytes);
        ck_assert_uint_eq(p->meter.count[METER_ESP_IN], sent);
        pair_free(p);
    }
}

/* RFC 4303 §2, §3.1.1, §3.1.2, §3.3, §3.4; RFC 4106 §5, §6 */
START_TEST(every_suite_mode_and_family)
{
    each_esp_suite(rounds);
}
END_TEST

static void tamper(const struct encr_suite *encr, const struct integ_suite *integ)
{
    for (int v = 0; v < 4; v++) {
        struct pair_options o = {
            .real = v & 1, .esn = v & 2, .encr = encr, .integ = integ, .window = 64};
        struct esp_pair *p = pair_make(&o);
        struct esp_opened out;
        struct store s;

        send_a(p, &s, 60);
        for (size_t i = 0; i < s.packet.len; i++) {
            uint8_t *byte = &s.packet.data[i], flip = (uint8_t)(1 << i % 8);

            *byte ^= flip;
            expect_drop(p, &s, i < 4 ? ESP_CAUSE_NO_SA : ESP_CAUSE_ICV);
            *byte ^= flip;
        }
        for (size_t whole = s.packet.len, len = 0; len < whole; len++) {
            s.packet.len = len;
            ck_assert_int_ne(try_b(p, &s, &out), OK);
            ck_assert(out.drop == ESP_CAUSE_MALFORMED || out.drop == ESP_CAUSE_ICV);
            s.packet.len = whole;
        }
        ck_assert_uint_eq(traffic_b(p)->top, 0);
        ck_assert_ok(try_b(p, &s, &out));
        expect_drop(p, &s, ESP_CAUSE_REPLAY);
        ck_assert_uint_eq(p->b.opened, 1);
        pair_free(p);
    }
}

/* RFC 4303 §2.8, §3.4.4: what is not as it was sealed does not open. */
START_TEST(every_tampered_byte_is_refused)
{
    each_esp_suite(tamper);
}
END_TEST

/* An ESP packet with any text, sealed with the SA's own keys: what only a faulty peer sends. */
static void craft(struct esp_pair *p, struct store *s, const uint8_t *text, size_t len)
{
    struct esp_sa *sa = pair_a(p);
    const struct esp_kind *kind = sad_kind(&p->a.sad, sa);
    struct seal_key key = {kind->encr, kind->integ, sad_encr_key(&p->a.sad, sa, SAD_OUT),
                           sad_integ_key(&p->a.sad, sa, SAD_OUT)};
    uint8_t *at = s->bytes + FRONT;
    struct seal_op op = {.key = &key, .aad = bytes_of(at, 8), .iv = at + 8};

    memset(s->bytes, 0xee, sizeof s->bytes);
    store_be64(at, (uint64_t)sa->spi_out << 32 | ++traffic_a(p)->seq_out);
    store_be64(at + 8, traffic_a(p)->seq_out);
    op.text = at + 8 + kind->encr->iv_len;
    op.text_len = len;
    op.icv = op.text + len;
    memcpy(op.text, text, len);
    ck_assert_ok(p->crypto->class->seal(p->crypto, &op));
    s->packet = (struct buf){at, (size_t)(op.icv + seal_icv_len(&key) - at), ROOM};
}

/* A good inner packet of `len` bytes, then a trailer of the caller's. */
static void craft_trailer(struct esp_pair *p, struct store *s, size_t len, const char *trailer,
                          size_t trailer_len)
{
    struct store inner;

    store_fill(&inner, p->inner_a, p->inner_b, len);
    memcpy(inner.packet.data + len, trailer, trailer_len);
    craft(p, s, inner.packet.data, len + trailer_len);
}

START_TEST(bad_trailers_are_refused)
{
    static const struct {
        const char *trailer;
        size_t len;
        enum esp_cause cause;
    } cases[] = {
        {"\1\2\2\4", 4, ESP_CAUSE_NONE},
        {"\1\2\3\4\5\6\6\4", 8, ESP_CAUSE_NONE},
        {"\1\1\2\4", 4, ESP_CAUSE_PADDING},
        {"\0\2\2\4", 4, ESP_CAUSE_PADDING},
        {"\1\2\3\4\5\5\6\4", 8, ESP_CAUSE_PADDING},
        {"\1\2\xff\4", 4, ESP_CAUSE_PADDING}, /* pad length beyond the text */
        {"\1\2\x3f\4", 4, ESP_CAUSE_PADDING}, /* by one: 60 bytes before it */
        {"\1\2\2\x3b", 4, ESP_CAUSE_DUMMY},
        {"\1\2\2\6", 4, ESP_CAUSE_NEXT_HEADER},
        {"\1\2\2\x11", 4, ESP_CAUSE_NEXT_HEADER},
        {"\1\2\2\0", 4, ESP_CAUSE_NEXT_HEADER},
        {"\1\2\2\x29", 4, ESP_CAUSE_MALFORMED},       /* IPv4 under the number of IPv6 */
        {"tfc padding!\1\2\2\4", 16, ESP_CAUSE_NONE}, /* RFC 4303 §2.7 */
        {"\0\4", 2, ESP_CAUSE_MALFORMED},             /* does not end on 4 bytes */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair_options o = gcm();
        struct esp_pair *p = pair_make(&o);
        struct esp_opened out;
        struct store s;

        craft_trailer(p, &s, 60, cases[i].trailer, cases[i].len);
        if (cases[i].cause != ESP_CAUSE_NONE) {
            expect_drop(p, &s, cases[i].cause);
        } else {
            ck_assert_ok(open_b(p, &s, &out));
            ck_assert_uint_eq(s.packet.len, 60);
        }
        pair_free(p);
    }
}
END_TEST

START_TEST(bad_inner_packets_are_refused)
{
    struct pair_options o = gcm();
    struct esp_pair *p = pair_make(&o);
    struct store s;
    uint8_t text[64] = {1, 2, 2, 4};

    craft(p, &s, text, 4); /* nothing inside */
    expect_drop(p, &s, ESP_CAUSE_MALFORMED);
    text[0] = 0x45;
    memcpy(text + 20, "\1\2\2\4", 4); /* total length 0 */
    craft(p, &s, text, 24);
    expect_drop(p, &s, ESP_CAUSE_MALFORMED);
    store_be16(text + 2, 21); /* one byte more than there is */
    craft(p, &s, text, 24);
    expect_drop(p, &s, ESP_CAUSE_MALFORMED);
    store_be16(text + 2, 20);
    craft(p, &s, text, 24); /* whole now, but from and to nowhere */
    expect_drop(p, &s, ESP_CAUSE_SELECTOR);
    pair_free(p);
}
END_TEST

START_TEST(outside_the_selectors)
{
    struct pair_options o = gcm();
    struct esp_pair *p = pair_make(&o);
    struct esp_outer outer;
    uint32_t used;
    struct store s;

    /* Out: no policy. */
    store_fill(&s, p->inner_a, p->outer_b, 100);
    ck_assert_int_eq(esp_protect(&p->a, p->user_a, &s.packet, &outer, &used), ERR_NO_POLICY);
    store_fill(&s, p->inner_b, p->inner_a, 100);
    ck_assert_int_eq(esp_protect(&p->a, p->user_a, &s.packet, &outer, &used), ERR_NO_POLICY);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_NO_POLICY], 2);
    ck_assert(used == SAD_NONE);
    /* In: a peer that seals what it should not, by source, destination, or both exchanged. */
    for (int i = 0; i < 3; i++) {
        store_fill(&s, i == 1 ? p->inner_a : p->inner_b, i == 0 ? p->inner_b : p->inner_a, 100);
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        expect_drop(p, &s, ESP_CAUSE_SELECTOR);
    }
    spd_point(&p->a.spd, p->policy_a, SAD_NONE);
    store_fill(&s, p->inner_a, p->inner_b, 100);
    ck_assert_int_eq(esp_protect(&p->a, p->user_a, &s.packet, &outer, &used), ERR_NO_SA);
    spd_point(&p->a.spd, p->policy_a, SA_A);
    sad_remove(&p->a.sad, SA_A); /* a stale pointer */
    ck_assert_int_eq(esp_protect(&p->a, p->user_a, &s.packet, &outer, &used), ERR_NO_SA);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_NO_OUTBOUND], 2);
    pair_free(p);
}
END_TEST

/* Endpoints that share an esp: neither the packet nor the SPI of one reaches the SA of another, and
 * the IVs of CBC are drawn from the stream of the one that seals. */
START_TEST(one_endpoint_does_not_use_the_sas_of_another)
{
    struct pair_options o = {
        .real = true, .encr = encr_suite(12, 128), .integ = integ_suite(12), .window = 128};
    struct esp_pair *p = pair_make(&o);
    struct esp_arrival in = pair_arrival(p, 0);
    struct esp_user other = {p->user_a.scope + 1, &p->iv_a};
    struct esp_outer outer;
    struct esp_opened out;
    uint32_t used;
    struct store s, again;

    store_fill(&s, p->inner_a, p->inner_b, 100);
    ck_assert_int_eq(esp_protect(&p->a, other, &s.packet, &outer, &used), ERR_NO_POLICY);
    send_a(p, &s, 100);
    ck_assert_int_eq(esp_open(&p->b, other, &in, &s.packet, &out), ERR_NO_SA);
    ck_assert_ok(open_b(p, &s, &out));
    traffic_a(p)->seq_out--;
    send_a(p, &s, 100);
    traffic_a(p)->seq_out--;
    p->user_a.iv = &p->iv_b;
    send_a(p, &again, 100);
    ck_assert_mem_ne(s.packet.data + ESP_HEADER_LEN, again.packet.data + ESP_HEADER_LEN, 16);
    pair_free(p);
}
END_TEST

static void refused_unchanged(struct esp_pair *p, enum err expected)
{
    struct store s, before;
    struct esp_outer outer;
    uint64_t seq = traffic_a(p)->seq_out;

    store_fill(&s, p->inner_a, p->inner_b, 100);
    before = s;
    ck_assert_int_eq(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer), expected);
    ck_assert_mem_eq(s.bytes, before.bytes, sizeof s.bytes);
    ck_assert_uint_eq(s.packet.len, before.packet.len);
    ck_assert_uint_eq(traffic_a(p)->seq_out, seq);
}

START_TEST(sequence_numbers_end)
{
    for (int esn = 0; esn < 2; esn++) {
        struct pair_options o = gcm();
        uint64_t last = esn ? UINT64_MAX : UINT32_MAX;
        struct esp_pair *p;
        struct esp_opened out;
        struct store s;

        o.esn = esn;
        p = pair_make(&o);
        send_a(p, &s, 100);
        ck_assert(!pair_a(p)->soft_due);
        traffic_a(p)->seq_out = traffic_b(p)->top = last - 2;
        send_a(p, &s, 100);
        ck_assert(pair_a(p)->soft_due && !pair_a(p)->hard_over);
        send_a(p, &s, 100);
        ck_assert_ok(open_b(p, &s, &out));
        ck_assert_uint_eq(out.seq, last);
        for (int i = 0; i < 3; i++)
            refused_unchanged(p, ERR_SEQ_WRAPPED);
        ck_assert(pair_a(p)->hard_over);
        ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_SEQ_EXHAUSTED], 3);
        pair_free(p);
    }
}
END_TEST

/* RFC 4303 §A2.2: of what was lost less than 2^31 in a row do not matter, 2^32 are too many. */
START_TEST(skipped_numbers_are_lost_packets)
{
    for (int esn = 0; esn < 2; esn++) {
        struct pair_options o = gcm();
        struct esp_pair *p;
        struct esp_opened out;
        struct store s;

        o.esn = esn;
        p = pair_make(&o);
        send_a(p, &s, 100);
        ck_assert_ok(open_b(p, &s, &out));
        esp_skip(&p->a, pair_a(p), (UINT64_C(1) << 31) - 100);
        send_a(p, &s, 100);
        ck_assert_ok(open_b(p, &s, &out));
        ck_assert_uint_eq(out.seq, (UINT64_C(1) << 31) - 98);
        esp_skip(&p->a, pair_a(p), UINT64_C(1) << 32);
        if (esn) {
            send_a(p, &s, 100);
            expect_drop(p, &s, ESP_CAUSE_ICV);
        }
        esp_skip(&p->a, pair_a(p), UINT64_MAX);
        ck_assert_uint_eq(traffic_a(p)->seq_out, esn ? UINT64_MAX : UINT32_MAX);
        refused_unchanged(p, ERR_SEQ_WRAPPED);
        pair_free(p);
    }
}
END_TEST

/* RFC 4304: the high half is not on the wire, and a packet of another 2^32 does not open. */
static void esn_boundary(const struct encr_suite *encr, const struct integ_suite *integ)
{
    struct pair_options o = {.real = true, .esn = true, .encr = encr, .integ = integ, .window = 64};
    struct esp_pair *p = pair_make(&o);
    struct store s, late;
    struct esp_opened out;

    traffic_a(p)->seq_out = traffic_b(p)->top = UINT32_MAX - 40;
    send_a(p, &late, 100);
    for (int i = 0; i < 60; i++) {
        send_a(p, &s, 100);
        ck_assert_ok(try_b(p, &s, &out));
        ck_assert_uint_eq(out.seq, traffic_a(p)->seq_out);
        expect_drop(p, &s, ESP_CAUSE_REPLAY);
    }
    ck_assert_uint_gt(traffic_b(p)->top, UINT32_MAX);
    ck_assert_ok(try_b(p, &late, &out)); /* from before the boundary, in the window */
    ck_assert(!out.newest);
    traffic_b(p)->top += UINT64_C(1) << 32;
    send_a(p, &s, 100);
    expect_drop(p, &s, ESP_CAUSE_ICV);
    pair_free(p);
}

/* RFC 4303 §2.2.1 */
START_TEST(esn_over_the_boundary)
{
    each_esp_suite(esn_boundary);
}
END_TEST

START_TEST(lifetimes_soft_then_hard)
{
    struct pair_options o = gcm();
    struct esp_pair *p;
    struct store s;
    struct esp_opened out;

    o.limits = (struct esp_limits){.soft_packets = 3, .hard_packets = 5};
    p = pair_make(&o);
    for (int i = 1; i <= 5; i++) {
        send_a(p, &s, 100);
        ck_assert_ok(open_b(p, &s, &out));
        ck_assert_int_eq(pair_a(p)->soft_due, i >= 3);
        ck_assert_int_eq(pair_b(p)->soft_due, i >= 3);
        ck_assert(!pair_a(p)->hard_over);
    }
    refused_unchanged(p, ERR_LIFETIME);
    ck_assert(pair_a(p)->hard_over);
    sad_kind(&p->a.sad, pair_a(p))->limits.hard_packets =
        6; /* the sender goes on, the receiver does not */
    send_a(p, &s, 100);
    expect_drop(p, &s, ESP_CAUSE_LIFETIME);
    pair_free(p);
    o.limits = (struct esp_limits){.soft_bytes = 300, .hard_bytes = 500};
    p = pair_make(&o);
    for (int i = 1; i <= 5; i++) {
        send_a(p, &s, 100);
        ck_assert_ok(open_b(p, &s, &out));
        ck_assert_int_eq(pair_a(p)->soft_due, i >= 3);
    }
    refused_unchanged(p, ERR_LIFETIME);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_LIFETIME], 1);
    pair_free(p);
}
END_TEST

static void ivs_differ(const struct encr_suite *encr, const struct integ_suite *integ)
{
    enum { PACKETS = 64 };
    struct pair_options o = {.encr = encr, .integ = integ, .window = 64};
    struct esp_pair *p = pair_make(&o);
    uint8_t seen[PACKETS][IV_MAX];
    struct store s;

    for (int i = 0; i < PACKETS && encr->iv_len > 0; i++) {
        send_a(p, &s, 60);
        memcpy(seen[i], s.packet.data + 8, encr->iv_len);
        for (int k = 0; k < i; k++)
            ck_assert_mem_ne(seen[i], seen[k], encr->iv_len);
        if (encr->iv_len == 8)
            ck_assert_uint_eq(load_be64(seen[i]), traffic_a(p)->seq_out);
    }
    pair_free(p);
}

START_TEST(no_iv_twice)
{
    each_esp_suite(ivs_differ);
}
END_TEST

/* RFC 6040 §4.2, figure 4: rows inner, columns outer (Not-ECT, ECT(1), ECT(0), CE). */
START_TEST(congestion_marks_are_carried_in)
{
    static const int table[4][4] = {{0, 0, 0, -1}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};

    for (int i = 0; i < 4 * 4 * 2; i++) {
        int inner = i % 4, outer_mark = i / 4 % 4, expected = table[inner][outer_mark];
        struct pair_options o = gcm();
        struct esp_arrival in;
        struct esp_opened out;
        struct esp_outer outer;
        struct esp_pair *p;
        struct store s;
        uint8_t *d, tos = (uint8_t)(0xb8 | inner);

        o.inner6 = i / 16;
        p = pair_make(&o);
        in = pair_arrival(p, (uint8_t)(0x20 | outer_mark)); /* the outer DSCP stays outside */
        store_fill(&s, p->inner_a, p->inner_b, 100);
        d = s.packet.data;
        if (o.inner6) {
            store_be16(d, (uint16_t)(0x6000 | tos << 4 | 0xa));
        } else {
            d[1] = tos;
            store_be16(d + 10, 0);
            store_be16(d + 10, (uint16_t)~plain_sum(d, 20, 0));
        }
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        ck_assert_uint_eq(outer.tos, tos);
        ck_assert_int_eq(esp_open(&p->b, p->user_b, &in, &s.packet, &out),
                         expected < 0 ? ERR_SYNTAX : OK);
        if (expected < 0) {
            ck_assert_uint_eq(p->b.dropped[ESP_CAUSE_ECN], 1);
        } else {
            d = s.packet.data;
            ck_assert_uint_eq(o.inner6 ? (load_be16(d) >> 4 & 0xff) : d[1], 0xb8 | expected);
            ck_assert(!o.inner6 || (load_be16(d) & 15) == 10);
            ck_assert(o.inner6 || plain_sum(d, 20, 0) == 0xffff);
        }
        pair_free(p);
    }
}
END_TEST

/* RFC 4301 §5.1.2, §5.1.2.1, §5.1.2.2 */
START_TEST(outer_header_follows_the_inner_one)
{
    for (int six = 0; six < 2; six++) {
        struct pair_options o = gcm();
        struct esp_pair *p;
        struct esp_outer outer;
        struct store s;

        o.inner6 = six;
        o.encap = true;
        p = pair_make(&o);
        for (int df = 0; df < 2; df++) {
            store_fill(&s, p->inner_a, p->inner_b, 100);
            if (!six)
                s.packet.data[6] = df ? 0x40 : 0;
            ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
            ck_assert_int_eq(outer.df, six || df);
            ck_assert_uint_eq(outer.hop_limit, 64);
            ck_assert(outer.udp_encapsulated && outer.remote.port == 4500);
            ck_assert(ip_addr_equal(&outer.local.addr, &p->outer_a));
            ck_assert(ip_addr_equal(&outer.remote.addr, &p->outer_b));
        }
        sad_update_peer(&p->a.sad, pair_a(p), &outer.local,
                        &(struct ip_endpoint){p->inner_b, 1234});
        store_fill(&s, p->inner_a, p->inner_b, 100);
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        ck_assert_uint_eq(outer.remote.port, 1234);
        pair_free(p);
    }
}
END_TEST

/* RFC 3948 §3.1.2: a NAT changed the source; the checksum is right for what the receiver sees. */
START_TEST(transport_mode_through_a_nat)
{
    for (int v = 0; v < 2 * 3 * 4; v++) {
        bool six = v % 2;
        int kind = v / 2 % 3; /* UDP, UDP without checksum, TCP */
        size_t header = store_min(six), len = header + 40 + (size_t)(v / 6);
        struct pair_options o = gcm();
        struct esp_arrival in;
        struct esp_opened out;
        struct esp_outer outer;
        struct esp_pair *p;
        struct store s;
        uint8_t *d;

        o.transport = o.encap = true;
        o.inner6 = o.outer6 = six;
        p = pair_make(&o);
        pair_b(p)->policy = POOL_NONE; /* IKE would put the NAT's address in (RFC 7296 §2.23.1) */
        in = pair_arrival(p, 0);
        in.remote.addr = pair_addr(six, 99, 99);
        store_fill(&s, p->inner_a, p->inner_b, len);
        d = s.packet.data;
        if (kind == 2) {
            d[six ? 6 : 9] = 6;
            store_be16(d + header + 16, 0);
            store_be16(d + header + 16, (uint16_t)~upper_sum(d, len));
        } else if (kind == 1) {
            store_be16(d + header + 6, 0);
        }
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        ck_assert_uint_eq(outer.hop_limit, 63);
        ck_assert_ok(esp_open(&p->b, p->user_b, &in, &s.packet, &out));
        d = s.packet.data;
        ck_assert_uint_eq(s.packet.len, len);
        ck_assert_mem_eq(six ? d + 8 : d + 12, in.remote.addr.bytes, six ? 16 : 4);
        if (kind == 1 && !six)
            ck_assert_uint_eq(load_be16(d + header + 6), 0);
        else
            ck_assert_uint_eq(upper_sum(d, len), 0xffff);
        pair_free(p);
    }
}
END_TEST

START_TEST(transport_mode_refuses)
{
    for (int v = 0; v < 7; v++) {
        static const uint8_t before_esp[] = {0, 43, 44};
        struct pair_options o = gcm();
        struct esp_outer outer;
        struct esp_pair *p;
        struct store s;

        o.transport = true;
        o.inner6 = o.outer6 = v >= 4;
        p = pair_make(&o);
        store_fill(&s, p->inner_a, p->inner_b, 100);
        if (v == 0)
            s.packet.data[0] = 0x46; /* options */
        else if (v == 1)
            s.packet.data[6] = 0x20; /* first fragment */
        else if (v == 2)
            s.packet.data[7] = 1; /* last fragment */
        else if (v == 3)
            s.packet.len--; /* not what the header says */
        else
            s.packet.data[6] = before_esp[v - 4];
        ck_assert_int_eq(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer), ERR_SYNTAX);
        ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_MALFORMED], 1);
        ck_assert_uint_eq(traffic_a(p)->seq_out, 0);
        pair_free(p);
    }
}
END_TEST

START_TEST(too_little_room)
{
    struct pair_options o = gcm();
    struct esp_outer outer;
    struct esp_pair *p;
    struct store s;

    o.transport = o.inner6 = o.outer6 = true;
    p = pair_make(&o);
    store_fill(&s, p->inner_a, p->inner_b, 100);
    s.packet.cap = 100 + ESP_TAILROOM - 1;
    ck_assert_int_eq(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer), ERR_SPACE);
    send_a(p, &s, 100);
    s.packet.cap = s.packet.len;
    expect_drop(p, &s, ESP_CAUSE_SPACE);
    send_a(p, &s, 100);
    s.packet.cap = s.packet.len + ESP_OPEN_TAILROOM;
    ck_assert_ok(try_b(p, &s, &(struct esp_opened){0}));
    pair_free(p);
}
END_TEST

/* Loss, reordering and repetition: what b takes is what an exact set would (I4, I5). */
static void disorder(uint32_t window, bool esn)
{
    enum { PACKETS = 3000, HELD = 64 };
    struct pair_options o = {.encr = encr_suite(20, 128), .esn = esn, .window = window};
    struct rng r = rng_stream(window, esn, RNG_TEST);
    struct esp_pair *p = pair_make(&o);
    static struct store held[HELD];
    static uint64_t held_seq[HELD];
    static bool taken[PACKETS + 1];
    uint64_t base = esn ? UINT32_MAX - 1000 : 0, accepted = 0, offered = 0, top = 0;

    memset(taken, 0, sizeof taken);
    traffic_a(p)->seq_out = traffic_b(p)->top = base;
    for (int i = 0; i < HELD; i++) {
        send_a(p, &held[i], 60);
        held_seq[i] = traffic_a(p)->seq_out - base;
    }
    while (traffic_a(p)->seq_out - base < PACKETS) {
        uint64_t k = rng_below(&r, HELD), seq = held_seq[k];
        bool left = seq <= top && top - seq >= window, good = !left && !taken[seq];
        /* With ESN what lies left of the window is taken for the next 2^32 (RFC 4303 §A2.2). */
        enum err expected = good ? OK : left && esn ? ERR_ICV : ERR_REPLAY;
        struct esp_opened out;

        ck_assert_int_eq(try_b(p, &held[k], &out), expected);
        ck_assert(good || !out.authentic);
        ck_assert_int_eq(out.newest, good && seq > top);
        offered++;
        accepted += good;
        taken[seq] |= good;
        top = seq > top ? seq : top;
        if (rng_below(&r, 3) != 0) { /* else it is repeated some time */
            send_a(p, &held[k], 60);
            held_seq[k] = traffic_a(p)->seq_out - base;
        }
    }
    ck_assert_uint_gt(accepted, PACKETS / 4);
    ck_assert_uint_eq(p->b.opened, accepted);
    ck_assert_uint_eq(p->b.dropped[ESP_CAUSE_REPLAY] + p->b.dropped[ESP_CAUSE_ICV],
                      offered - accepted);
    ck_assert_uint_eq(traffic_b(p)->dropped, offered - accepted);
    pair_free(p);
}

START_TEST(disorder_agrees_with_exact_set)
{
    static const uint32_t windows[] = {32, 64, 100, 128, 1024, 4096};

    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        disorder(windows[i], false);
        disorder(windows[i], true);
    }
}
END_TEST

/* Every call ends in exactly one counter, whatever came in; half of it is well authenticated. */
START_TEST(garbage_is_counted)
{
    enum { CALLS = 20000 };
    struct rng r = rng_stream(6, 6, RNG_TEST);

    for (int transport = 0; transport < 2; transport++) {
        struct pair_options o = gcm();
        struct esp_pair *p;
        uint64_t total = 0;

        o.real = false;
        o.transport = transport;
        p = pair_make(&o);
        for (int i = 0; i < CALLS; i++) {
            size_t len = rng_below(&r, 100);
            uint8_t text[128];
            struct esp_opened out;
            struct store s;
            enum err e;

            rng_fill(&r, text, sizeof text);
            if (i % 2) {
                len = len / 4 * 4 + 8;
                text[len - 2] &= 3;
                memcpy(text + len - 2 - text[len - 2], "\1\2\3", text[len - 2]);
                text[len - 1] = i % 4 == 1 ? 4 : 41;
                text[0] = (uint8_t)((i % 4 == 1 ? 0x40 : 0x60) | (text[0] & 7));
                craft(p, &s, text, len);
            } else {
                store_be32(text, rng_below(&r, 8) ? 0xb0b0b0b0 : rng_u32(&r));
                memcpy(s.bytes + FRONT, text, len);
                s.packet = (struct buf){s.bytes + FRONT, len, ROOM};
            }
            e = open_b(p, &s, &out);
            ck_assert_int_eq(e == OK, out.drop == ESP_CAUSE_NONE);
        }
        for (int d = 0; d < ESP_CAUSE_COUNT; d++)
            total += p->b.dropped[d];
        ck_assert_uint_eq(total + p->b.opened, CALLS);
        ck_assert_uint_gt(p->b.dropped[ESP_CAUSE_ICV], 1000);
        ck_assert_uint_gt(p->b.dropped[ESP_CAUSE_MALFORMED], 1000);
        pair_free(p);
    }
}
END_TEST

/* RFC 4303 §2.7: every packet up to the length asked for looks alike, and comes out as it was. */
static void padded(const struct encr_suite *encr, const struct integ_suite *integ)
{
    enum { TO = 500 };
    static const size_t lens[] = {40, 41, 100, 499, 500, 501, 900};

    for (int v = 0; v < 4; v++) {
        struct pair_options o = {.real = v & 1, .inner6 = v & 2, .encr = encr, .integ = integ};
        struct esp_pair *p = pair_make(&o);
        size_t bytes = 0;

        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            static struct store s, original;
            struct esp_opened opened;
            struct esp_outer outer;

            store_fill(&original, p->inner_a, p->inner_b, lens[i]);
            store_fill(&s, p->inner_a, p->inner_b, lens[i]);
            ck_assert_ok(esp_seal_padded(&p->a, p->user_a, pair_a(p), &s.packet, TO, &outer));
            ck_assert_uint_eq(s.packet.len, expected_len(&o, lens[i] < TO ? TO : lens[i]));
            ck_assert_ok(open_b(p, &s, &opened));
            ck_assert_uint_eq(s.packet.len, lens[i]);
            ck_assert_mem_eq(s.packet.data, original.packet.data, lens[i]);
            bytes += lens[i];
        }
        ck_assert_uint_eq(traffic_a(p)->bytes_out, bytes); /* padding is not traffic */
        ck_assert_uint_eq(p->b.opened_bytes, bytes);
        pair_free(p);
    }
}

START_TEST(padding_behind_the_packet_hides_its_length)
{
    each_esp_suite(padded);
}
END_TEST

START_TEST(padding_needs_room_and_tunnel_mode)
{
    struct pair_options o = gcm();
    struct esp_outer outer;
    struct esp_pair *p = pair_make(&o);
    struct store s;

    store_fill(&s, p->inner_a, p->inner_b, 100);
    s.packet.cap = 300 + ESP_TAILROOM - 1;
    ck_assert_int_eq(esp_seal_padded(&p->a, p->user_a, pair_a(p), &s.packet, 300, &outer),
                     ERR_SPACE);
    ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_SPACE], 1);
    s.packet.cap++;
    ck_assert_ok(esp_seal_padded(&p->a, p->user_a, pair_a(p), &s.packet, 300, &outer));
    pair_free(p);
    o.transport = true;
    p = pair_make(&o);
    store_fill(&s, p->inner_a, p->inner_b, 100);
    ck_assert_ok(esp_seal_padded(&p->a, p->user_a, pair_a(p), &s.packet, 300, &outer));
    ck_assert_uint_eq(s.packet.len, expected_len(&o, 80));
    pair_free(p);
}
END_TEST

/* RFC 4303 §2.6: as long as any other, authentic, in the window, and dropped. */
static void dummies(const struct encr_suite *encr, const struct integ_suite *integ)
{
    struct pair_options o = {.real = true, .encr = encr, .integ = integ, .window = 64};
    struct esp_pair *p = pair_make(&o);
    struct esp_opened opened;
    struct esp_outer outer;
    static struct store s;

    for (size_t len = 0; len < 200; len += 33) {
        store_fill(&s, p->inner_a, p->inner_b, 300);
        s.packet.len = len;
        ck_assert_ok(esp_dummy(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        ck_assert_uint_eq(s.packet.len, expected_len(&o, len));
        ck_assert(ip_addr_equal(&outer.remote.addr, &p->outer_b) && !outer.df);
        ck_assert_int_eq(open_b(p, &s, &opened), ERR_NEXT_HEADER);
        ck_assert(opened.authentic && opened.drop == ESP_CAUSE_DUMMY);
    }
    ck_assert_uint_eq(p->b.dropped[ESP_CAUSE_DUMMY], 7);
    ck_assert_uint_eq(traffic_b(p)->top, 7);
    one_round(p, &o, 100);
    pair_free(p);
}

START_TEST(dummies_go_and_are_dropped)
{
    each_esp_suite(dummies);
}
END_TEST

START_TEST(dummies_count_against_the_limits)
{
    struct pair_options o = gcm();
    struct esp_outer outer;
    struct esp_pair *p;
    struct store s;

    o.limits.hard_packets = 2;
    p = pair_make(&o);
    for (int i = 0; i < 3; i++) {
        store_fill(&s, p->inner_a, p->inner_b, 100);
        ck_assert_int_eq(esp_dummy(&p->a, p->user_a, pair_a(p), &s.packet, &outer),
                         i < 2 ? OK : ERR_LIFETIME);
    }
    ck_assert_uint_eq(traffic_a(p)->seq_out, 2);
    s.packet.cap = s.packet.len + ESP_TAILROOM - 1;
    sad_kind(&p->a.sad, pair_a(p))->limits.hard_packets = 3;
    ck_assert_int_eq(esp_dummy(&p->a, p->user_a, pair_a(p), &s.packet, &outer), ERR_SPACE);
    pair_a(p)->installed = false;
    ck_assert_int_eq(esp_dummy(&p->a, p->user_a, pair_a(p), &s.packet, &outer), ERR_STATE);
    pair_a(p)->installed = true;
    pair_free(p);
}
END_TEST

/* The arithmetic of path.h agrees with what sealing makes, at every length. */
static void sizes(const struct encr_suite *encr, const struct integ_suite *integ)
{
    for (int v = 0; v < 8; v++) {
        struct pair_options o = {
            .transport = v & 1, .outer6 = v & 2, .encap = v & 4, .encr = encr, .integ = integ};
        struct esp_pair *p;
        size_t around;

        o.inner6 = o.transport && o.outer6;
        p = pair_make(&o);
        around = (o.outer6 ? 40u : 20u) + (o.encap ? 8u : 0u);
        for (size_t len = 60; len < 140; len++) {
            struct esp_outer outer;
            static struct store s;
            size_t made;

            store_fill(&s, p->inner_a, p->inner_b, len);
            ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
            made = s.packet.len + around;
            ck_assert_uint_eq(esp_outer_len(&p->a.sad, pair_a(p), len), made);
            ck_assert_uint_ge(esp_inner_max(&p->a.sad, pair_a(p), made), len);
            ck_assert_uint_lt(esp_inner_max(&p->a.sad, pair_a(p), made - 1), len);
        }
        ck_assert_uint_eq(esp_inner_max(&p->a.sad, pair_a(p), 39), 0);
        pair_free(p);
    }
}

START_TEST(what_fits_through_a_path)
{
    each_esp_suite(sizes);
}
END_TEST

START_TEST(what_is_done_with_a_packet_too_long)
{
    struct pair_options o = gcm();

    for (int v = 0; v < 4; v++) {
        struct esp_pair *p;
        struct store s;
        struct bytes packet;

        o.inner6 = v & 1;
        o.transport = false;
        p = pair_make(&o);
        store_fill(&s, p->inner_a, p->inner_b, v & 2 ? 1281 : 1000);
        packet = buf_bytes(&s.packet);
        ck_assert_int_eq(path_way(pair_a(p), packet, packet.len, true), PATH_FITS);
        if (o.inner6) { /* RFC 8200 §5: 1280 bytes must go, in pieces if need be */
            ck_assert_int_eq(path_way(pair_a(p), packet, 900, true),
                             v & 2 ? PATH_REFUSE : PATH_CUT_AFTER);
            pair_free(p);
            continue;
        }
        ck_assert_int_eq(path_way(pair_a(p), packet, 900, true), PATH_CUT_FIRST);
        ck_assert_int_eq(path_way(pair_a(p), packet, 900, false), PATH_CUT_AFTER);
        pair_a(p)->transport = true; /* RFC 4303 §3.3.4: whole datagrams only */
        ck_assert_int_eq(path_way(pair_a(p), packet, 900, true), PATH_CUT_AFTER);
        pair_a(p)->transport = false;
        s.packet.data[6] |= 0x40; /* DF; the checksum follows */
        store_be16(s.packet.data + 10, 0);
        store_be16(s.packet.data + 10, (uint16_t)~plain_sum(s.packet.data, 20, 0));
        ck_assert_int_eq(path_way(pair_a(p), packet, 900, true), PATH_REFUSE);
        pair_free(p);
    }
}
END_TEST

/* One packet through a path: cut, each piece sealed and opened, joined, compared. */
static void through_a_path(struct esp_pair *p, struct reassembly *joint, size_t len, size_t mtu,
                           unsigned *pieces)
{
    static struct store original, s;
    struct bytes whole = BYTES_NONE;
    struct fragmenter cut;
    struct esp_opened opened;
    struct esp_outer outer;
    struct ip_packet ip;

    store_fill(&original, p->inner_a, p->inner_b, len);
    ck_assert_ok(fragmenter_init(&cut, buf_bytes(&original.packet),
                                 esp_inner_max(&p->a.sad, pair_a(p), mtu), 0));
    for (;;) {
        s.packet = (struct buf){s.bytes + FRONT, 0, ROOM};
        if (!fragmenter_next(&cut, &s.packet))
            break;
        ck_assert_uint_eq(whole.len, 0);
        ck_assert_uint_le(esp_outer_len(&p->a.sad, pair_a(p), s.packet.len), mtu);
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        ck_assert_ok(open_b(p, &s, &opened));
        ck_assert_ok(ip_read(buf_bytes(&s.packet), &ip));
        ++*pieces;
        if (!ip_is_fragment(&ip))
            whole = ip.whole;
        else
            ck_assert_ok(reassembly_add(joint, 0, &ip, &whole, &(unsigned){0}));
    }
    ck_assert_uint_eq(whole.len, len);
    ck_assert_mem_eq(whole.data, original.packet.data, len);
}

/* RFC 4303 §3.3.4: any packet, any path: joined behind the tunnel it is what went in. */
START_TEST(cut_before_esp_any_packet_any_path)
{
    enum { PACKETS = 3000 };
    struct reassembly_config config = {.slots = 4, .datagram_max = ROOM, .timeout = NSEC_PER_S};
    struct rng r = rng_stream(17, 0, RNG_TEST);
    struct reassembly joint;
    unsigned pieces = 0;

    ck_assert_ok(reassembly_init(&joint, &config));
    for (int v = 0; v < 6; v++) {
        struct pair_options o = {.outer6 = v & 1, .encap = v & 2, .encr = encr_suite(20, 128)};
        struct esp_pair *p;

        if (v >= 4) {
            o.encr = encr_suite(12, 128);
            o.integ = integ_suite(12);
        }
        p = pair_make(&o);
        for (int i = 0; i < PACKETS / 6; i++)
            through_a_path(p, &joint, 28 + rng_below(&r, 1900), 140 + rng_below(&r, 1400), &pieces);
        pair_free(p);
    }
    ck_assert_uint_gt(pieces, 2 * PACKETS);
    ck_assert_uint_eq(joint.fragments_lost, 0);
    reassembly_reset(&joint);
}
END_TEST

SUITE("esp", every_suite_mode_and_family, every_tampered_byte_is_refused, bad_trailers_are_refused,
      bad_inner_packets_are_refused, outside_the_selectors,
      one_endpoint_does_not_use_the_sas_of_another, sequence_numbers_end,
      skipped_numbers_are_lost_packets, esn_over_the_boundary, lifetimes_soft_then_hard,
      no_iv_twice, congestion_marks_are_carried_in, outer_header_follows_the_inner_one,
      transport_mode_through_a_nat, transport_mode_refuses, too_little_room,
      disorder_agrees_with_exact_set, garbage_is_counted,
      padding_behind_the_packet_hides_its_length, padding_needs_room_and_tunnel_mode,
      dummies_go_and_are_dropped, dummies_count_against_the_limits, what_fits_through_a_path,
      what_is_done_with_a_packet_too_long, cut_before_esp_any_packet_any_path)
