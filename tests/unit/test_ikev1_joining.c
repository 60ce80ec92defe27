/*
 * proto/ikev1/joining: messages cut and joined; fragments lost, doubled, out of order, the last one
 * first, overlapping, empty; what contradicts itself, what belongs to nobody; and nothing of it
 * takes more room than it may, or stays longer.
 */
#include "base/rng.h"
#include "pair.h"
#include "proto/ikev1/joining.h"
#include "proto/ikev1/phase1_message.h"
#include "proto/wire/v1_fragment.h"
#include "proto/wire/v1_vendor.h"

enum { SMALL = 160, CKY_I = 0x1234, CKY_R = 0x5678, PIECES_MAX = 256 };

/* A message as it is sent: datagrams of A's, to be handed to B. */
struct letters {
    unsigned count;
    size_t len[PIECES_MAX];
    uint8_t data[PIECES_MAX][2048];
};

static struct pair p;
static struct ike_sa *sa[2];
static struct v1_joined joined;
static struct letters sent;
static uint8_t message[MESSAGE_MAX];

static struct ike_sa *sa_of(int side, uint64_t cky_i, uint32_t remote)
{
    const struct ip_endpoint local = {ip_addr_v4(0xc0000201), 500},
                             other = {ip_addr_v4(remote), 500};
    struct ike_endpoint *ep = p.end[side];
    struct sa_ref ref;
    struct ike_sa *s = ike_sa_take(ep, &ref);

    ck_assert_ptr_nonnull(s);
    s->spi_i = cky_i;
    s->spi_r = CKY_R;
    s->initiator = side == A;
    s->fragments = true;
    ike_sa_place(ep, s, &local, &other);
    return s;
}

static void setup(uint16_t size)
{
    const struct ike_limits limits = {.ike_sas = 8, .half_open = 64, .child_sas = 8};

    pair_init(&p, true);
    for (int side = 0; side < 2; side++) {
        pair_propose(&p.config[side], "aes128-sha256-ecp256", "aes128-sha256");
        p.config[side].fragmentation = FRAGMENTATION_YES;
        p.config[side].fragment_size = size;
        p.config[side].answers = 1 << IKE_V1 | 1 << IKE_V2;
    }
    for (int side = 0; side < 2; side++) {
        const struct ike_env env = {.crypto = p.crypto, .seed = 7, .entity = (uint64_t)side + 1};

        p.end[side] = ike_endpoint_create(&env, &p.config[side], &limits);
        ck_assert_ptr_nonnull(p.end[side]);
        sa[side] = sa_of(side, CKY_I, 0xc0000202);
    }
}

static const struct ike_counters *counters(int side)
{
    return ike_endpoint_counters(p.end[side]);
}

static uint64_t dropped(enum ike_drop why)
{
    return counters(B)->dropped[why];
}

static uint64_t dropped_all(void)
{
    uint64_t sum = 0;

    for (int why = 0; why < IKE_DROP_COUNT; why++)
        sum += counters(B)->dropped[why];
    return sum;
}

static void check_nothing_waits(void)
{
    const struct ike_store *s = p.end[B]->store;

    ck_assert_uint_eq(s->joinings.taken, 0);
    ck_assert_uint_eq(s->joining_by_ike.count, 0);
    ck_assert_uint_eq(s->joining_by_source.count, 0);
    ck_assert_uint_eq(s->joining_oldest, SA_INDEX_NONE);
    for (unsigned i = s->pieces.first; i < s->pieces.count; i++)
        ck_assert_uint_eq(s->pieces.classes[i].taken, 0);
}

static void teardown(void)
{
    pair_free(&p);
}

/* A message of `len` octets, whose text is told by `seed`. */
static struct bytes message_of(size_t len, uint8_t exchange, uint32_t message_id, unsigned seed)
{
    const struct ike_header h = {.spi_i = CKY_I,
                                 .spi_r = CKY_R,
                                 .next_payload = V1_PAYLOAD_ID,
                                 .version = HEADER_VERSION_1,
                                 .exchange = exchange,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = message_id,
                                 .length = (uint32_t)len};
    struct writer w;

    writer_init(&w, message, sizeof message);
    header_write(&w, &h);
    ck_assert_ok(writer_end(&w));
    for (size_t i = HEADER_LEN; i < len; i++)
        message[i] = (uint8_t)(i * 7 + i / 251 + seed);
    return bytes_of(message, len);
}

/* A keeps the message, and what it would send is in `sent`. */
static enum err cut(struct bytes whole)
{
    struct message_ref ref;
    enum err e = v1_fragments_keep(p.end[A], sa[A], whole, &ref);
    bool last = false;

    sent.count = 0;
    while (e == OK && !last) {
        struct buf b;

        ck_assert_uint_lt(sent.count, PIECES_MAX);
        last = message_datagram(&p.end[A]->store->messages, ref, false, &b);
        ck_assert_uint_le(b.len, sizeof sent.data[0]);
        memcpy(sent.data[sent.count], b.data, b.len);
        sent.len[sent.count++] = b.len;
    }
    if (e == OK)
        message_drop(&p.end[A]->store->messages, &ref);
    return e;
}

/* As senders do that give all messages one ID. */
static void same_id(void)
{
    for (unsigned i = 0; i < sent.count; i++)
        store_be16(sent.data[i] + HEADER_LEN + PAYLOAD_HEADER_LEN, 1);
}

static enum err hand(unsigned i)
{
    return v1_fragment_take(p.end[B], p.now, sa[B], bytes_of(sent.data[i], sent.len[i]), &joined);
}

/* Kept, and others are missing. */
static void waits(unsigned i)
{
    ck_assert_ok(hand(i));
    ck_assert_uint_eq(joined.len, 0);
}

static void refused(unsigned i, enum err expected, enum ike_drop why)
{
    uint64_t before = dropped(why), all = dropped_all();
    uint32_t taken = p.end[B]->store->joinings.taken;

    ck_assert_int_eq(hand(i), expected);
    ck_assert_uint_eq(joined.len, 0);
    ck_assert_uint_eq(dropped(why), before + 1);
    ck_assert_uint_eq(dropped_all(), all + 1); /* for one reason */
    ck_assert_uint_le(p.end[B]->store->joinings.taken, taken);
}

static void whole(unsigned i, struct bytes expected)
{
    ck_assert_ok(hand(i));
    ck_assert(bytes_equal(bytes_of(joined.message, joined.len), expected));
}

/* A fragment of our own making. */
static void put(unsigned i, uint16_t id, uint8_t number, uint8_t flags, struct bytes data)
{
    struct ike_header h = {.spi_i = CKY_I,
                           .spi_r = CKY_R,
                           .next_payload = V1_PAYLOAD_FRAGMENT,
                           .version = HEADER_VERSION_1,
                           .exchange = V1_EXCHANGE_MAIN,
                           .length = (uint32_t)(HEADER_LEN + 8 + data.len)};
    struct writer w;

    writer_init(&w, sent.data[i], sizeof sent.data[i]);
    header_write(&w, &h);
    writer_u16(&w, 0); /* no payload behind it */
    writer_u16(&w, (uint16_t)(8 + data.len));
    writer_u16(&w, id);
    writer_u8(&w, number);
    writer_u8(&w, flags);
    writer_bytes(&w, data);
    ck_assert_ok(writer_end(&w));
    sent.len[i] = writer_len(&w);
}

/* ---- cutting ---- */

START_TEST(what_is_cut_comes_out_whole)
{
    static const uint8_t exchanges[] = {V1_EXCHANGE_MAIN, V1_EXCHANGE_AGGRESSIVE,
                                        V1_EXCHANGE_QUICK};
    struct rng r = rng_stream(1, 1, RNG_TEST);

    setup(SMALL);
    for (size_t len = HEADER_LEN; len < 2200; len += 1 + len / 40)
        for (size_t x = 0; x < 3; x++) {
            struct bytes m = message_of(len, exchanges[x], x == 2 ? 0x0badcafe : 0, (unsigned)len);
            unsigned order[PIECES_MAX];

            ck_assert_ok(cut(m));
            ck_assert_int_eq(sent.count > 1, len + 32 > SMALL);
            for (unsigned i = 0; i < sent.count; i++) {
                struct message_view v;

                ck_assert_uint_le(sent.len[i] + 32, SMALL); /* IPv4, UDP, marker */
                ck_assert_ok(v1_message_read(bytes_of(sent.data[i], sent.len[i]), &v));
                ck_assert_int_eq(v1_fragment_is(&v.header), sent.count > 1);
                ck_assert(sent.count == 1 || (v.count == 1 && v.header.message_id == 0 &&
                                              v.header.exchange == exchanges[x % 2]));
                order[i] = i;
            }
            for (unsigned i = sent.count; i > 1; i--) {
                unsigned k = (unsigned)rng_below(&r, i), other = order[k];

                order[k] = order[i - 1];
                order[i - 1] = other;
            }
            for (unsigned i = 0; i + 1 < sent.count; i++)
                waits(order[i]);
            if (sent.count > 1)
                whole(order[sent.count - 1], m);
            check_nothing_waits();
        }
    ck_assert_uint_eq(counters(A)->fragments_made, counters(B)->fragments_heard);
    ck_assert_uint_eq(counters(A)->messages_fragmented, counters(B)->messages_joined);
    ck_assert_uint_eq(dropped_all(), 0);
    teardown();
}
END_TEST

START_TEST(who_is_not_to_get_fragments_gets_none)
{
    for (int policy = FRAGMENTATION_NO; policy <= FRAGMENTATION_YES; policy++)
        for (int peer = 0; peer < 2; peer++) {
            struct bytes m;

            setup(SMALL);
            p.config[A].fragmentation = (enum fragmentation_policy)policy;
            sa[A]->fragments = peer;
            m = message_of(500, V1_EXCHANGE_MAIN, 0, 1);
            ck_assert_ok(cut(m));
            if (policy == FRAGMENTATION_YES && peer)
                ck_assert_uint_gt(sent.count, 1);
            else
                ck_assert(sent.count == 1 && bytes_equal(bytes_of(sent.data[0], sent.len[0]), m));
            teardown();
        }
}
END_TEST

START_TEST(a_message_of_too_many_fragments_is_not_made)
{
    setup(1); /* each carries as little as may be */
    ck_assert_ok(cut(message_of(64 * 8, V1_EXCHANGE_MAIN, 0, 1)));
    ck_assert_uint_eq(sent.count, 64);
    for (unsigned i = 0; i < 63; i++)
        waits(i);
    whole(63, bytes_of(message, 64 * 8));
    ck_assert_int_eq(cut(message_of(64 * 8 + 1, V1_EXCHANGE_MAIN, 0, 1)), ERR_SPACE);
    teardown();
    setup(SMALL);
    ck_assert_int_eq(cut(message_of(MESSAGE_MAX, V1_EXCHANGE_MAIN, 0, 1)), ERR_SPACE);
    teardown();
}
END_TEST

/* ---- on the way ---- */

START_TEST(a_lost_fragment_is_made_good_by_the_next_transmission)
{
    setup(SMALL);
    for (unsigned lost = 0; lost < 5; lost++) {
        struct bytes m = message_of(450, V1_EXCHANGE_MAIN, 0, lost);

        ck_assert_ok(cut(m));
        ck_assert_uint_eq(sent.count, 5);
        for (unsigned i = 0; i < 5; i++)
            if (i != lost)
                waits(i);
        for (unsigned i = 0; i < lost; i++) /* all of them again */
            refused(i, ERR_DUPLICATE, IKE_DROP_FRAGMENT_DOUBLE);
        whole(lost, m);
        check_nothing_waits();
    }
    teardown();
}
END_TEST

START_TEST(doubled_fragments_are_counted_and_change_nothing)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(450, V1_EXCHANGE_MAIN, 0, 1);
    ck_assert_ok(cut(m));
    for (unsigned i = 0; i < 4; i++) {
        waits(i);
        for (unsigned k = 0; k <= i; k++)
            refused(k, ERR_DUPLICATE, IKE_DROP_FRAGMENT_DOUBLE);
    }
    whole(4, m);
    for (unsigned i = 0; i < 4; i++) /* the whole message again: its answer may be lost */
        waits(i);
    whole(4, m);
    ck_assert_uint_eq(counters(B)->joining_replaced, 0);
    teardown();
}
END_TEST

START_TEST(the_last_one_may_be_the_first)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(450, V1_EXCHANGE_MAIN, 0, 1);
    ck_assert_ok(cut(m));
    for (unsigned i = 4; i > 0; i--)
        waits(i);
    whole(0, m);
    ck_assert_ok(cut(message_of(100, V1_EXCHANGE_MAIN, 0, 2)));
    put(0, 9, 1, 1, message_of(100, V1_EXCHANGE_MAIN, 0, 2)); /* the only one */
    whole(0, bytes_of(message, 100));
    check_nothing_waits();
    teardown();
}
END_TEST

/* Some give all messages one ID. What comes with another text under a number that is here is of
 * another message. */
START_TEST(overlapping_fragments_begin_another_message)
{
    struct bytes m;

    setup(SMALL);
    ck_assert_ok(cut(message_of(450, V1_EXCHANGE_MAIN, 0, 1)));
    same_id();
    for (unsigned i = 0; i < 4; i++)
        waits(i);
    m = message_of(450, V1_EXCHANGE_MAIN, 0, 2);
    ck_assert_ok(cut(m));
    same_id();
    for (unsigned i = 0; i < 4; i++)
        waits(i);
    ck_assert_uint_eq(counters(B)->joining_replaced, 1);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 1);
    whole(4, m);
    check_nothing_waits();
    teardown();
}
END_TEST

/* The first fragment of one is lost, and what is left is joined with the next one's. */
START_TEST(what_is_mixed_does_not_stay_so)
{
    struct bytes m;

    setup(SMALL);
    ck_assert_ok(cut(message_of(180, V1_EXCHANGE_MAIN, 0, 1)));
    ck_assert_uint_eq(sent.count, 2);
    same_id();
    waits(1);
    m = message_of(170, V1_EXCHANGE_QUICK, 7, 2);
    ck_assert_ok(cut(m));
    same_id();
    refused(0, ERR_SYNTAX, IKE_DROP_FRAGMENT_MISMATCH);
    whole(1, m);
    check_nothing_waits();
    teardown();
}
END_TEST

/* Which is the last one cannot be said twice, and nothing lies behind it. */
START_TEST(fragments_that_contradict_each_other_begin_anew)
{
    static const struct {
        uint8_t number[4], last[4];
    } rows[] = {
        {{3, 4}, {1, 0}},                   /* behind the last */
        {{4, 3}, {0, 1}},                   /* the last, but one is behind it */
        {{3, 2}, {1, 1}},                   /* two that are the last */
        {{2, 3}, {1, 1}}, {{2, 2}, {0, 1}}, /* the same, now the last */
        {{2, 2}, {1, 0}},                   /* or no more */
    };

    setup(SMALL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 2; k++) {
            put(0, 1, rows[i].number[k], rows[i].last[k], bytes_text("text"));
            waits(0);
            ck_assert_uint_eq(counters(B)->joining_replaced, i + (unsigned)k);
            ck_assert_uint_eq(p.end[B]->store->joinings.taken, 1);
        }
        joining_forget(p.end[B], sa[B]);
    }
    check_nothing_waits();
    teardown();
}
END_TEST

START_TEST(message_ids_tell_messages_of_one_fragment_id_apart)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(200, V1_EXCHANGE_MAIN, 0, 1);
    put(0, 1, 1, 0, bytes_of(m.data, 100));
    put(1, 1, 1, 0, bytes_text("of another"));
    store_be32(sent.data[1] + 20, 0x0badcafe);
    put(2, 1, 2, 1, bytes_of(m.data + 100, 100));
    waits(0);
    waits(1);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 2);
    whole(2, m);
    ck_assert_uint_eq(counters(B)->joining_replaced, 0);
    teardown();
}
END_TEST

/* ---- what makes no sense ---- */

/* CVE-2009-1574: a fragment without data. */
START_TEST(fragments_that_make_no_sense_are_refused)
{
    static const struct {
        size_t at; /* in the message */
        uint8_t value;
        enum err expected;
    } rows[] = {
        {HEADER_LEN, V1_PAYLOAD_VENDOR, ERR_SYNTAX}, /* another payload behind it */
        {HEADER_LEN + 3, 4, ERR_TRAILING},           /* of no length, and data behind it */
        {HEADER_LEN + 3, 3, ERR_LENGTH},             /* shorter than its header */
        {HEADER_LEN + 3, 200, ERR_LENGTH},           /* longer than the message */
        {HEADER_LEN + 6, 0, ERR_SYNTAX},             /* number 0 */
        {HEADER_LEN + 7, 2, ERR_SYNTAX},             /* a flag that nobody has defined */
        {17, HEADER_VERSION_2, ERR_SYNTAX},
        {7, 1, ERR_SYNTAX}, /* another IKE SA */
        {15, 1, ERR_SYNTAX},
        {27, 41, ERR_LENGTH}, /* the header has another length */
    };

    setup(SMALL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(0, 1, 1, 0, bytes_text("text"));
        sent.data[0][rows[i].at] = rows[i].value;
        refused(0, rows[i].expected, IKE_DROP_FRAGMENT_MALFORMED);
    }
    put(0, 1, 1, 1, BYTES_NONE);
    refused(0, ERR_LENGTH, IKE_DROP_FRAGMENT_MALFORMED);
    put(0, 1, 1, 0, BYTES_NONE);
    refused(0, ERR_LENGTH, IKE_DROP_FRAGMENT_MALFORMED);
    put(0, 1, 1, 0, bytes_text("text"));
    for (size_t len = sent.len[0] - 1; len < sent.len[0]; len--) { /* cut off anywhere */
        sent.len[0] = len;
        if (len >= HEADER_LEN)
            store_be32(sent.data[0] + HEADER_LENGTH_AT, (uint32_t)len);
        ck_assert_int_ne(hand(0), OK);
    }
    ck_assert_uint_eq(dropped_all(), dropped(IKE_DROP_FRAGMENT_MALFORMED));
    check_nothing_waits();
    teardown();
}
END_TEST

START_TEST(fragments_that_nobody_agreed_on_are_refused)
{
    setup(SMALL);
    sa[B]->fragments = false;
    put(0, 1, 1, 0, bytes_text("text"));
    refused(0, ERR_STATE, IKE_DROP_FRAGMENT_UNEXPECTED);
    check_nothing_waits();
    teardown();
}
END_TEST

/* Message 2, which says that its sender joins fragments, and what its cookie is. */
START_TEST(the_first_answer_may_come_in_fragments)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(200, V1_EXCHANGE_MAIN, 0, 1);
    ck_assert_ok(cut(m));
    sa[B]->initiator = true;
    sa[B]->state = STATE_V1_ASKED;
    sa[B]->fragments = false;
    sa[B]->spi_r = 0;
    for (unsigned i = 0; i + 1 < sent.count; i++)
        waits(i);
    whole(sent.count - 1, m);
    message[15] ^= 1; /* what is inside is another responder's */
    put(0, 1, 1, 1, bytes_of(message, 200));
    refused(0, ERR_SYNTAX, IKE_DROP_FRAGMENT_MISMATCH);
    p.config[B].fragmentation = FRAGMENTATION_NO;
    refused(0, ERR_STATE, IKE_DROP_FRAGMENT_UNEXPECTED);
    check_nothing_waits();
    teardown();
}
END_TEST

START_TEST(the_encryption_flag_of_a_fragment_does_not_matter)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(200, V1_EXCHANGE_MAIN, 0, 1);
    ck_assert_ok(cut(m));
    for (unsigned i = 0; i < sent.count; i++)
        sent.data[i][19] |= V1_FLAG_ENCRYPTION;
    for (unsigned i = 0; i + 1 < sent.count; i++)
        waits(i);
    whole(sent.count - 1, m);
    teardown();
}
END_TEST

START_TEST(what_is_joined_is_a_message_of_this_ike_sa)
{
    setup(SMALL);
    for (int i = 0; i < 6; i++) {
        struct bytes m = message_of(100, V1_EXCHANGE_MAIN, 0, 1);
        size_t len = i == 5 ? HEADER_LEN - 1 : 100;

        if (i == 0)
            message[7] ^= 1; /* another's cookies */
        else if (i == 1)
            message[15] ^= 1;
        else if (i == 2)
            message[17] = HEADER_VERSION_2;
        else if (i == 3)
            message[16] = V1_PAYLOAD_FRAGMENT; /* a fragment of a fragment */
        else if (i == 4)
            message[27]++;
        put(0, 1, 1, 0, bytes_of(m.data, 20));
        put(1, 1, 2, 1, bytes_of(m.data + 20, len - 20));
        waits(0);
        refused(1, ERR_SYNTAX, IKE_DROP_FRAGMENT_MISMATCH);
        ck_assert_uint_eq(p.end[B]->store->joinings.taken, 1); /* the last may be of another */
        joining_forget(p.end[B], sa[B]);
        check_nothing_waits();
    }
    teardown();
}
END_TEST

/* ---- bounds ---- */

START_TEST(sixty_four_fragments_and_no_more)
{
    setup(SMALL);
    put(0, 1, 65, 1, bytes_text("text"));
    refused(0, ERR_SPACE, IKE_DROP_FRAGMENT_TOO_MANY);
    put(0, 1, 64, 0, bytes_text("text")); /* one more is to come */
    refused(0, ERR_SPACE, IKE_DROP_FRAGMENT_TOO_MANY);
    put(0, 1, 255, 0, bytes_text("text"));
    refused(0, ERR_SPACE, IKE_DROP_FRAGMENT_TOO_MANY);
    put(0, 1, 64, 1, bytes_text("text"));
    waits(0);
    teardown();
}
END_TEST

START_TEST(no_message_is_longer_than_ours_may_be)
{
    enum { PIECE = 1820 };
    struct bytes m;

    setup(SMALL);
    m = message_of(MESSAGE_MAX, V1_EXCHANGE_MAIN, 0, 1);
    for (uint8_t i = 0; i < 9; i++) {
        put(0, 1, (uint8_t)(i + 1), i == 8, bytes_of(m.data + (size_t)i * PIECE, PIECE));
        if (i == 8)
            whole(0, m);
        else
            waits(0);
    }
    for (uint8_t i = 0; i < 9; i++) {
        put(0, 1, (uint8_t)(i + 1), false, bytes_of(m.data + (size_t)i * PIECE, PIECE));
        waits(0);
    }
    put(0, 1, 10, true, bytes_text("x")); /* one octet more: it can never be whole */
    refused(0, ERR_LENGTH, IKE_DROP_FRAGMENT_TOO_MANY);
    check_nothing_waits();
    teardown();
}
END_TEST

START_TEST(two_messages_of_an_ike_sa_and_the_oldest_gives_way)
{
    struct bytes m;

    setup(SMALL);
    m = message_of(100, V1_EXCHANGE_MAIN, 0, 1);
    for (uint16_t id = 1; id <= 5; id++) {
        put(0, id, 1, 0, bytes_of(m.data, 50));
        waits(0);
        ck_assert_uint_eq(p.end[B]->store->joinings.taken, id < 2 ? 1 : 2);
        ck_assert_uint_eq(counters(B)->joining_replaced, id < 3 ? 0 : id - 2u);
    }
    put(0, 4, 2, 1, bytes_of(m.data + 50, 50));
    whole(0, m);
    put(0, 1, 2, 1, bytes_of(m.data + 50, 50)); /* its first one has given way */
    waits(0);
    teardown();
}
END_TEST

/* As many as they are: behind one address there may be only one who holds it. */
START_TEST(two_messages_of_an_address)
{
    struct ike_sa *there, *third, *elsewhere;

    setup(SMALL);
    there = sa_of(B, CKY_I, 0xc0000202);
    third = sa_of(B, CKY_I, 0xc0000202);
    elsewhere = sa_of(B, CKY_I, 0xc0000203);
    put(0, 1, 1, 0, bytes_text("text"));
    waits(0);
    sa[B] = there;
    waits(0);
    sa[B] = third;
    refused(0, ERR_FULL, IKE_DROP_FRAGMENT_LIMIT);
    sa[B] = elsewhere;
    waits(0);
    sa[B] = there; /* who has one may have another instead */
    put(0, 2, 1, 0, bytes_text("text"));
    waits(0);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 3);
    joining_forget(p.end[B], there);
    sa[B] = third; /* room again */
    waits(0);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 3);
    teardown();
}
END_TEST

START_TEST(what_waits_goes_in_time_and_with_its_ike_sa)
{
    struct ike_sa *other;

    setup(SMALL);
    other = sa_of(B, CKY_I, 0xc0000203);
    put(0, 1, 1, 0, bytes_text("text"));
    waits(0);
    ck_assert_uint_eq(ike_endpoint_deadline(p.end[B]), p.now + JOINING_TIME);
    p.now += NSEC_PER_S;
    sa[B] = other;
    waits(0);
    joining_expire(p.end[B], p.now + JOINING_TIME - NSEC_PER_S - 1);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 2);
    joining_expire(p.end[B], p.now + JOINING_TIME - NSEC_PER_S);
    ck_assert_uint_eq(p.end[B]->store->joinings.taken, 1);
    ck_assert_uint_eq(counters(B)->joining_expired, 1);
    ike_sa_register(p.end[B], other, 0);
    ike_sa_give(p.end[B], other); /* in the middle of it: nothing is left to fall over */
    check_nothing_waits();
    teardown();
}
END_TEST

/* ---- who joins ---- */

START_TEST(vendor_ids_say_who_joins)
{
    static const struct {
        const char *capabilities;
        size_t len;
        bool joins;
    } rows[] = {
        {"", 0, true},           {"\200\0\0\0", 4, true},
        {"\300\0\0\0", 4, true}, {"\100\0\0\0", 4, false}, /* of Base Mode only */
        {"\0\0\0\0", 4, false},  {"\200", 1, true},
    };
    uint8_t id[32];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes whole_id = bytes_of(id, 16 + rows[i].len);

        memcpy(id, v1_vendor_bytes(V1_VENDOR_FRAGMENTATION).data, 16);
        memcpy(id + 16, rows[i].capabilities, rows[i].len);
        ck_assert_int_eq(v1_vendor_of(whole_id), V1_VENDOR_FRAGMENTATION);
        ck_assert_int_eq(v1_vendor_joins(whole_id), rows[i].joins);
    }
    ck_assert(v1_vendor_joins(v1_vendor_bytes(V1_VENDOR_FRAGMENTATION)));
}
END_TEST

START_TEST(fragments_are_agreed_on_where_both_have_said_so)
{
    for (int own = FRAGMENTATION_NO; own <= FRAGMENTATION_YES; own++)
        for (int other = 0; other < 2; other++) {
            const struct ike_config config = {.fragmentation = (enum fragmentation_policy)own};
            const struct ike_header h = {.version = HEADER_VERSION_1};
            static struct v1_phase1 phase1;
            struct message_writer w;
            struct message_view v;
            struct bytes made;
            uint8_t out[256];

            phase1 = (struct v1_phase1){.env = {.config = &config}};
            message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
            v1_phase1_vendors_write(&phase1, &w);
            ck_assert_ok(message_end(&w, &made));
            ck_assert_ok(v1_message_read(made, &v));
            ck_assert_uint_eq(v.count, own == FRAGMENTATION_NO ? 1 : 2);
            message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
            if (other)
                payload_add(&w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_FRAGMENTATION));
            ck_assert_ok(message_end(&w, &made));
            ck_assert_ok(v1_message_read(made, &v));
            v1_phase1_vendors_read(&phase1, &v);
            ck_assert_int_eq(v1_phase1_fragments(&phase1), own != FRAGMENTATION_NO && other);
        }
}
END_TEST

SUITE("ikev1_joining", what_is_cut_comes_out_whole, who_is_not_to_get_fragments_gets_none,
      a_message_of_too_many_fragments_is_not_made,
      a_lost_fragment_is_made_good_by_the_next_transmission,
      doubled_fragments_are_counted_and_change_nothing, the_last_one_may_be_the_first,
      overlapping_fragments_begin_another_message, what_is_mixed_does_not_stay_so,
      fragments_that_contradict_each_other_begin_anew,
      message_ids_tell_messages_of_one_fragment_id_apart, fragments_that_make_no_sense_are_refused,
      fragments_that_nobody_agreed_on_are_refused, the_first_answer_may_come_in_fragments,
      the_encryption_flag_of_a_fragment_does_not_matter, what_is_joined_is_a_message_of_this_ike_sa,
      sixty_four_fragments_and_no_more, no_message_is_longer_than_ours_may_be,
      two_messages_of_an_ike_sa_and_the_oldest_gives_way, two_messages_of_an_address,
      what_waits_goes_in_time_and_with_its_ike_sa, vendor_ids_say_who_joins,
      fragments_are_agreed_on_where_both_have_said_so)
