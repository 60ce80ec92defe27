/* proto/ip: cutting packets into fragments and putting them together, both ways of going wrong. */
#include "base/rng.h"
#include "proto/ip/fragment.h"
#include "proto/ip/reassembly.h"
#include "proto/ip/udp.h"
#include "suite.h"

enum { ROOM = 64, AREA = 4096, PARTS = 300 };

static struct bytes make_packet(uint8_t *area, size_t len, bool v6, uint16_t id)
{
    struct udp_build b = {.src = {.addr = ip_addr_v4(0x0a000001), .port = 1},
                          .dst = {.addr = ip_addr_v4(0x0a000002), .port = 2},
                          .id = id};
    struct bytes packet;

    if (v6) {
        b.src.addr = ip_addr_v6((const uint8_t *)"\x20\x01\x0d\xb8............1");
        b.dst.addr = ip_addr_v6((const uint8_t *)"\x20\x01\x0d\xb8............2");
    }
    for (size_t i = 0; i < len; i++)
        area[ROOM + i] = (uint8_t)(i * 31 + id);
    ck_assert_ok(udp_datagram_write(area + ROOM, len, &b, &packet));
    return packet;
}

struct parts {
    unsigned count;
    uint8_t data[PARTS][1500];
    size_t len[PARTS];
};

static void cut(struct parts *parts, struct bytes packet, size_t mtu, uint32_t id)
{
    struct fragmenter f;
    struct buf out = {.data = parts->data[parts->count], .cap = mtu};
    unsigned before = parts->count;

    ck_assert_ok(fragmenter_init(&f, packet, mtu, id));
    while (fragmenter_next(&f, &out)) {
        struct ip_packet p;

        ck_assert_uint_le(out.len, mtu);
        ck_assert_ok(ip_read(buf_bytes(&out), &p));
        ck_assert_uint_eq(p.whole.len, out.len);
        parts->len[parts->count++] = out.len;
        out = (struct buf){.data = parts->data[parts->count], .cap = mtu};
    }
    ck_assert_uint_eq(parts->count - before, fragmenter_count(&f));
}

static struct bytes part(const struct parts *parts, unsigned i)
{
    return bytes_of(parts->data[i], parts->len[i]);
}

static struct ip_packet read_part(const struct parts *parts, unsigned i)
{
    struct ip_packet p;

    ck_assert_ok(ip_read(part(parts, i), &p));
    return p;
}

static void shuffle(struct rng *r, unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned j = (unsigned)rng_below(r, i), t = order[i - 1];

        order[i - 1] = order[j];
        order[j] = t;
    }
}

/* Every fragment that came in is somewhere. */
static void assert_conserved(const struct reassembly *r)
{
    ck_assert_uint_eq(r->fragments, r->fragments_joined + r->fragments_lost + r->fragments_held);
}

static void start(struct reassembly *r, unsigned slots, size_t max)
{
    struct reassembly_config c = {.slots = slots, .datagram_max = max, .timeout = 30 * NSEC_PER_S};

    ck_assert_ok(reassembly_init(r, &c));
}

static struct parts parts;

START_TEST(any_packet_any_mtu_any_order)
{
    struct rng r = rng_stream(1, 0, RNG_TEST);
    struct reassembly join;

    start(&join, 4, 4096);
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t area[AREA];
        bool v6 = round % 2;
        size_t mtu = (v6 ? 120 : 68) + rng_below(&r, 700);
        struct bytes packet =
            make_packet(area, rng_below(&r, 2400), v6, (uint16_t)(round & 0xffff));
        unsigned order[PARTS], pieces = 0;
        struct bytes whole = BYTES_NONE;

        parts.count = 0;
        cut(&parts, packet, mtu, round);
        shuffle(&r, order, parts.count);
        if (parts.count > 64)
            continue;
        for (unsigned i = 0; i < parts.count; i++) {
            struct ip_packet p = read_part(&parts, order[i]);

            ck_assert_uint_eq(whole.len, 0);
            ck_assert_ok(reassembly_add(&join, round, &p, &whole, &pieces));
            if (i + 1 < parts.count && i % 3 == 0) { /* the same again */
                ck_assert_int_eq(reassembly_add(&join, round, &p, &whole, NULL), ERR_DUPLICATE);
            }
        }
        ck_assert_uint_eq(pieces, parts.count > 1 ? parts.count : 0);
        ck_assert(bytes_equal(whole, packet));
        ck_assert_uint_eq(join.in_use, 0);
        assert_conserved(&join);
    }
    ck_assert_uint_gt(join.completed, 500);
    reassembly_reset(&join);
}
END_TEST

START_TEST(fragments_of_fragments_join_too)
{
    struct rng r = rng_stream(2, 0, RNG_TEST);
    static struct parts first;
    struct reassembly join;
    uint8_t area[AREA];
    struct bytes packet = make_packet(area, 2400, false, 9), whole = BYTES_NONE;
    unsigned order[PARTS];

    start(&join, 1, 4096);
    first.count = parts.count = 0;
    cut(&first, packet, 1000, 0);
    for (unsigned i = 0; i < first.count; i++)
        cut(&parts, part(&first, i), 200 + 60 * i, 0);
    ck_assert_uint_gt(parts.count, 8);
    shuffle(&r, order, parts.count);
    for (unsigned i = 0; i < parts.count; i++) {
        struct ip_packet p = read_part(&parts, order[i]);

        ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    }
    ck_assert(bytes_equal(whole, packet));
    reassembly_reset(&join);
}
END_TEST

START_TEST(packets_that_may_not_be_cut)
{
    uint8_t area[AREA] = {0}, out[2048];
    struct bytes packet = make_packet(area, 1000, false, 1);
    struct buf b = {.data = out, .cap = sizeof out};
    struct ip_build df = {.src = ip_addr_v4(1), .dst = ip_addr_v4(2), .protocol = 17, .df = true};
    struct fragmenter f;

    ck_assert_int_eq(fragmenter_init(&f, packet, 27, 0), ERR_LENGTH);
    ck_assert_ok(fragmenter_init(&f, packet, 28, 0));
    ck_assert_ok(fragmenter_init(&f, packet, packet.len, 0)); /* fits: handed out as it is */
    ck_assert_uint_eq(fragmenter_count(&f), 1);
    ck_assert(fragmenter_next(&f, &b));
    ck_assert(bytes_equal(buf_bytes(&b), packet));
    ck_assert(!fragmenter_next(&f, &b));
    ck_assert_ok(ip_datagram_write(area + ROOM, 1000, &df, &packet));
    ck_assert_int_eq(fragmenter_init(&f, packet, 1019, 0), ERR_SPACE);
    ck_assert_ok(fragmenter_init(&f, packet, 1020, 0));
    packet = make_packet(area, 1000, true, 1);
    ck_assert_int_eq(fragmenter_init(&f, packet, 55, 0), ERR_LENGTH);
    parts.count = 0;
    cut(&parts, packet, 500, 1);
    ck_assert_int_eq(fragmenter_init(&f, part(&parts, 0), 300, 1), ERR_SPACE);
    memset(area, 0, 10);
    ck_assert_int_eq(fragmenter_init(&f, bytes_of(area, 10), 300, 1), ERR_VERSION);
}
END_TEST

/* RFC 791 §3.1: an option without the copied flag stays in the first fragment. */
START_TEST(options_follow_their_copied_flag)
{
    uint8_t raw[24 + 8 + 40] = {0x48, 0, 0, 72, 0, 5, 0, 0, 64, 17};
    struct reassembly join;
    struct bytes whole;

    raw[20] = 0x94; /* router alert, copied */
    raw[21] = 4;
    raw[24] = 0x07; /* record route, not copied */
    raw[25] = 7;
    raw[26] = 4;
    {
        uint32_t sum = 0;

        for (int i = 0; i < 32; i += 2)
            sum += load_be16(raw + i);
        store_be16(raw + 10, (uint16_t) ~(sum + (sum >> 16)));
    }
    parts.count = 0;
    cut(&parts, bytes_of(raw, sizeof raw), 48, 0);
    ck_assert_uint_eq(parts.count, 3);
    ck_assert_uint_eq(read_part(&parts, 0).header_len, 32);
    ck_assert_uint_eq(read_part(&parts, 1).header_len, 24);
    ck_assert_uint_eq(parts.data[1][20], 0x94);
    start(&join, 1, 2048);
    for (unsigned i = 3; i-- > 0;) {
        struct ip_packet p = read_part(&parts, i);

        ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    }
    ck_assert(bytes_equal(whole, bytes_of(raw, sizeof raw)));
    reassembly_reset(&join);
}
END_TEST

/* A fragment made by hand: only what the reassembly looks at. */
static struct ip_packet piece(uint8_t *area, size_t offset, size_t len, bool more)
{
    struct ip_packet p = {.src = ip_addr_v4(1),
                          .dst = ip_addr_v4(2),
                          .protocol = 17,
                          .mf = more,
                          .id = 5,
                          .offset = offset,
                          .header_len = IPV4_HEADER_LEN};

    area[0] = 0x45;
    p.whole = bytes_of(area, IPV4_HEADER_LEN + len);
    p.payload = bytes_of(area + IPV4_HEADER_LEN, len);
    return p;
}

struct step {
    size_t offset, len;
    bool more;
    enum err expected;
};

static void run_steps(const struct step *steps, size_t count, enum reassembly_drop why)
{
    static uint8_t area[AREA];
    struct reassembly join;
    struct bytes whole;

    start(&join, 2, 1000);
    for (size_t i = 0; i < count; i++) {
        struct ip_packet p = piece(area, steps[i].offset, steps[i].len, steps[i].more);
        enum err e = reassembly_add(&join, i, &p, &whole, NULL);

        ck_assert_msg(e == steps[i].expected, "%s, step %zu: %s", reassembly_drop_name(why), i,
                      err_name(e));
        ck_assert_uint_eq(whole.len, 0);
        assert_conserved(&join);
    }
    ck_assert_uint_eq(join.dropped[why], 1);
    /* The slot swallows the rest, and its end is not counted a second time. */
    for (size_t at = 0; at < 64; at += 8) {
        struct ip_packet p = piece(area, at, 8, at < 56);

        if (why != REASSEMBLY_DUPLICATE)
            ck_assert_int_eq(reassembly_add(&join, 50, &p, &whole, NULL), ERR_SYNTAX);
    }
    reassembly_expire(&join, 40 * NSEC_PER_S);
    ck_assert_uint_eq(join.in_use, 0);
    ck_assert_uint_eq(join.dropped[REASSEMBLY_TIMEOUT], why == REASSEMBLY_DUPLICATE);
    assert_conserved(&join);
    ck_assert_uint_eq(join.fragments_held, 0);
    ck_assert_uint_eq(join.completed, 0);
    reassembly_reset(&join);
}

#define RUN(why, ...)                                                                              \
    do {                                                                                           \
        static const struct step steps[] = {__VA_ARGS__};                                          \
        run_steps(steps, sizeof steps / sizeof *steps, why);                                       \
    } while (0)

START_TEST(doubtful_fragments_lose_the_datagram)
{
    RUN(REASSEMBLY_OVERLAP, {0, 16, true, OK}, {8, 16, true, ERR_SYNTAX});
    RUN(REASSEMBLY_OVERLAP, {8, 16, true, OK}, {0, 16, true, ERR_SYNTAX});
    RUN(REASSEMBLY_OVERLAP, {8, 8, true, OK}, {0, 24, true, ERR_SYNTAX});
    RUN(REASSEMBLY_OVERLAP, {0, 24, true, OK}, {8, 8, true, ERR_SYNTAX});
    RUN(REASSEMBLY_OVERLAP, {16, 9, false, OK}, {8, 16, true, ERR_SYNTAX});
    RUN(REASSEMBLY_CONFLICT, {16, 9, false, OK}, {32, 8, true, ERR_SYNTAX});
    RUN(REASSEMBLY_CONFLICT, {16, 9, false, OK}, {32, 8, false, ERR_SYNTAX});
    RUN(REASSEMBLY_CONFLICT, {16, 8, true, OK}, {8, 8, false, ERR_SYNTAX});
    RUN(REASSEMBLY_CONFLICT, {16, 9, false, OK}, {8, 8, false, ERR_SYNTAX});
    RUN(REASSEMBLY_ALIGNMENT, {0, 9, true, ERR_SYNTAX});
    RUN(REASSEMBLY_ALIGNMENT, {0, 7, true, ERR_SYNTAX});
    RUN(REASSEMBLY_ALIGNMENT, {0, 0, true, ERR_SYNTAX});
    RUN(REASSEMBLY_ALIGNMENT, {8, 0, false, ERR_SYNTAX});
    RUN(REASSEMBLY_TOO_LONG, {976, 5, false, ERR_LENGTH});
    RUN(REASSEMBLY_TOO_LONG, {65528, 7, false, ERR_LENGTH});
    RUN(REASSEMBLY_DUPLICATE, {0, 16, true, OK}, {0, 16, true, ERR_DUPLICATE});
}
END_TEST

START_TEST(a_copy_with_other_bytes_is_no_duplicate)
{
    uint8_t one[64] = {0}, two[64] = {0};
    struct ip_packet p = piece(one, 8, 16, true), q = piece(two, 8, 16, true);
    struct reassembly join;
    struct bytes whole;

    two[30] = 1;
    start(&join, 1, 1000);
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    ck_assert_int_eq(reassembly_add(&join, 0, &q, &whole, NULL), ERR_SYNTAX);
    ck_assert_uint_eq(join.dropped[REASSEMBLY_OVERLAP], 1);
    reassembly_reset(&join);
}
END_TEST

START_TEST(too_many_pieces_lose_the_datagram)
{
    uint8_t area[64] = {0};
    struct reassembly join;
    struct bytes whole;

    start(&join, 1, 2000);
    for (unsigned i = 0; i <= 64; i++) {
        struct ip_packet p = piece(area, 8 + 16 * (size_t)i, 8, true);

        ck_assert_int_eq(reassembly_add(&join, 0, &p, &whole, NULL), i < 64 ? OK : ERR_FULL);
        assert_conserved(&join);
    }
    ck_assert_uint_eq(join.dropped[REASSEMBLY_TOO_MANY], 1);
    reassembly_reset(&join);
}
END_TEST

START_TEST(time_and_memory_are_bounded)
{
    uint8_t area[64] = {0};
    struct reassembly join;
    struct bytes whole;

    start(&join, 2, 1000);
    ck_assert_uint_eq(reassembly_deadline(&join), NSEC_NEVER);
    for (uint32_t id = 0; id < 5; id++) {
        struct ip_packet p = piece(area, 8, 8, true);

        p.id = id;
        ck_assert_ok(reassembly_add(&join, id * NSEC_PER_S, &p, &whole, NULL));
        ck_assert_uint_le(join.in_use, 2);
    }
    ck_assert_uint_eq(join.dropped[REASSEMBLY_EVICTED], 3);
    ck_assert_uint_eq(reassembly_deadline(&join), 33 * NSEC_PER_S); /* that of id 3 */
    reassembly_expire(&join, 33 * NSEC_PER_S - 1);
    ck_assert_uint_eq(join.in_use, 2);
    reassembly_expire(&join, 33 * NSEC_PER_S);
    ck_assert_uint_eq(join.in_use, 1);
    ck_assert_uint_eq(join.dropped[REASSEMBLY_TIMEOUT], 1);
    assert_conserved(&join);
    reassembly_reset(&join);
}
END_TEST

START_TEST(datagrams_are_told_apart_by_all_of_their_key)
{
    uint8_t area[64] = {0};
    struct reassembly join;
    struct bytes whole;
    struct ip_packet p = piece(area, 8, 8, true);

    start(&join, 8, 1000);
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    p.id++;
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    p.protocol = 50;
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    p.src = ip_addr_v4(3);
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    p.dst = ip_addr_v4(3);
    ck_assert_ok(reassembly_add(&join, 0, &p, &whole, NULL));
    ck_assert_uint_eq(join.in_use, 5);
    ck_assert_int_eq(reassembly_add(&join, 0, &p, &whole, NULL), ERR_DUPLICATE);
    reassembly_reset(&join);
}
END_TEST

START_TEST(configurations_that_make_no_sense)
{
    static const struct reassembly_config bad[] = {
        {0, 1000, 1}, {1, 47, 1}, {1, 65536, 1}, {1, 1000, 0}};
    struct reassembly join;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(reassembly_init(&join, &bad[i]), ERR_USAGE);
}
END_TEST

SUITE("ip_fragments", any_packet_any_mtu_any_order, fragments_of_fragments_join_too,
      packets_that_may_not_be_cut, options_follow_their_copied_flag,
      doubtful_fragments_lose_the_datagram, a_copy_with_other_bytes_is_no_duplicate,
      too_many_pieces_lose_the_datagram, time_and_memory_are_bounded,
      datagrams_are_told_apart_by_all_of_their_key, configurations_that_make_no_sense)
