/*
 * proto/ikev1, XAUTH and Mode-Config against themselves, the user on either end of phase 1: whole,
 * with each message lost, doubled, late and tampered with; wrong users, things that are not
 * supported, things out of order. draft-beaulieu-ike-xauth-02, draft-dukes-ike-mode-cfg-02.
 */
#include "hex.h"
#include "ikev1_pair.h"
#include "proto/ikev1/config.h"
#include "proto/ikev1/main_mode.h"

enum { USER, GATEWAY, HANDED_MAX = 8 };

static const struct tested_mode *phase1_mode(void)
{
    static const struct tested_mode mode = {6, main_mode_start, main_mode_receive};

    return &mode;
}

static struct pair p;

static const struct xauth_user everybody[] = {
    {{(const uint8_t *)"alice", 5}, {(const uint8_t *)"in wonderland", 13}},
    {{(const uint8_t *)"bob", 3}, {(const uint8_t *)"builder", 7}},
    {{(const uint8_t *)"carol", 5}, {(const uint8_t *)"sings", 5}}};

/* Both ends of one SA, and what they have said. */
static struct ends {
    struct xauth_user own;
    struct xauth_config xauth[2];
    struct v1_internal internal;
    struct v1_established sa[2];
    struct v1_access end[2];
    uint8_t sent[HANDED_MAX][ROOM];
    size_t len[HANDED_MAX];
    unsigned count;
    uint32_t next_id;
} x;

static uint8_t twist; /* of the shared secret */

static void ends_init(struct crypto *crypto, unsigned initiator)
{
    memset(&x, 0, sizeof x);
    pair_init(&p, crypto, "aes128-sha256-x25519", false);
    p.config[0].psk[0] ^= twist;
    p.config[1].psk[0] ^= twist;
    run_whole(&p);
    x.own = everybody[1];
    x.xauth[USER] = (struct xauth_config){XAUTH_USER, &x.own, 1, 0};
    x.xauth[GATEWAY] = (struct xauth_config){XAUTH_GATEWAY, everybody, 3, 1};
    x.internal = (struct v1_internal){.address = ip_addr_v4(0x0a010203),
                                      .netmask = ip_addr_v4(0xffffff00),
                                      .dns = {ip_addr_v4(0x0a010001), ip_addr_v4(0x0a010002)},
                                      .dns_count = 2};
    x.next_id = 0x40;
    for (unsigned who = 0; who < 2; who++) {
        struct v1_access_env env = {.xauth = &x.xauth[who]};

        x.sa[who] = env.sa = v1_phase1_established(&p.end[who == USER ? initiator : 1 - initiator]);
        if (who == GATEWAY)
            env.internal = &x.internal;
        v1_access_init(&x.end[who], &env);
    }
}

static void keep(struct bytes message)
{
    ck_assert_uint_lt(x.count, HANDED_MAX);
    x.len[x.count++] = message.len;
}

static struct buf room(void)
{
    return (struct buf){x.sent[x.count], 0, ROOM};
}

static enum err hand_copy(unsigned to, const uint8_t *data, size_t len, struct bytes *message)
{
    struct v1_access_opened opened;
    uint8_t copy[ROOM];
    enum err e;

    memcpy(copy, data, len);
    *message = BYTES_NONE;
    e = v1_access_open(&x.end[to], bytes_of(copy, len), &opened);
    if (e == OK)
        e = v1_access_take(&x.end[to], &opened, x.next_id, room(), message);
    x.next_id += e == OK;
    return e;
}

/* The last message. */
static enum err hand_last(unsigned to)
{
    struct bytes message;
    enum err e = hand_copy(to, x.sent[x.count - 1], x.len[x.count - 1], &message);

    if (e == OK && message.len > 0)
        keep(message);
    return e;
}

static void ask_user(void)
{
    struct bytes message;

    ck_assert_ok(v1_access_ask_user(&x.end[GATEWAY], x.next_id++, room(), &message));
    keep(message);
}

static void ask_address(void)
{
    struct bytes message;

    ck_assert_ok(v1_access_ask_address(&x.end[USER], x.next_id++, room(), &message));
    keep(message);
}

/* By turns until there is no answer; who hears the next one. */
static void go_on(unsigned to)
{
    for (unsigned before = 0; before != x.count; to = 1 - to) {
        before = x.count;
        ck_assert_ok(hand_last(to));
    }
}

static void check_states(enum v1_access_state user, enum v1_access_state gateway)
{
    ck_assert_str_eq(v1_access_state_name(x.end[USER].state), v1_access_state_name(user));
    ck_assert_str_eq(v1_access_state_name(x.end[GATEWAY].state), v1_access_state_name(gateway));
}

static void check_given(void)
{
    ck_assert(x.end[USER].configured);
    ck_assert(ip_addr_equal(&x.end[USER].internal.address, &x.internal.address));
    ck_assert(ip_addr_equal(&x.end[USER].internal.netmask, &x.internal.netmask));
    ck_assert_uint_eq(x.end[USER].internal.dns_count, 2);
    ck_assert(ip_addr_equal(&x.end[USER].internal.dns[1], &x.internal.dns[1]));
}

/* draft-beaulieu-ike-xauth-02 section 5.1, draft-dukes-ike-mode-cfg-02 section 5.1 */
START_TEST(a_user_is_known_and_gets_an_address)
{
    for (unsigned i = 0; i < 4; i++) {
        struct crypto *crypto = provider(i / 2);

        ends_init(crypto, i % 2);
        ck_assert(!v1_access_known(&x.end[USER]) && !v1_access_known(&x.end[GATEWAY]));
        ask_user();
        check_states(V1_ACCESS_UNKNOWN, V1_ACCESS_ASKED);
        ck_assert_ok(hand_last(USER));
        check_states(V1_ACCESS_TOLD, V1_ACCESS_ASKED);
        ck_assert_ok(hand_last(GATEWAY));
        check_states(V1_ACCESS_TOLD, V1_ACCESS_JUDGED);
        ck_assert_ok(hand_last(USER));
        check_states(V1_ACCESS_KNOWN, V1_ACCESS_JUDGED);
        ck_assert_ok(hand_last(GATEWAY));
        check_states(V1_ACCESS_KNOWN, V1_ACCESS_KNOWN);
        ck_assert_uint_eq(x.count, 4);
        ck_assert(v1_access_known(&x.end[USER]) && v1_access_known(&x.end[GATEWAY]));
        ck_assert_ptr_eq(x.end[GATEWAY].user, &everybody[1]);
        ask_address();
        go_on(GATEWAY);
        ck_assert_uint_eq(x.count, 6);
        check_given();
        for (unsigned who = 0; who < 2; who++)
            v1_access_reset(&x.end[who]);
        crypto_destroy(crypto);
    }
}
END_TEST

/* HASH = prf(SKEYID_a, M-ID | ATTR), and the IV of an answer is the last block of the question. */
START_TEST(messages_are_as_the_draft_says)
{
    struct crypto *crypto = provider(0);
    uint8_t hash[IKEV1_HASH_MAX], id[4], next[IV_MAX], copy[ROOM];
    struct message_view outer, in;
    struct v1_cipher cipher;
    struct bytes chain, parts[2];

    ends_init(crypto, USER);
    ask_user();
    for (unsigned n = 0; n < 2; n++) {
        ck_assert_ok(v1_cipher_of(&x.sa[USER], 0x40, &cipher));
        if (n == 1)
            memcpy(cipher.iv, x.sent[0] + x.len[0] - 16, 16);
        memcpy(copy, x.sent[n], x.len[n]);
        ck_assert_ok(v1_message_read(bytes_of(copy, x.len[n]), &outer));
        ck_assert_uint_eq(outer.header.exchange, V1_EXCHANGE_TRANSACTION);
        ck_assert_uint_eq(outer.header.message_id, 0x40);
        ck_assert_ok(v1_cipher_open(crypto, &cipher, &outer, &in, &chain, next));
        ck_assert_uint_eq(in.count, 2);
        store_be32(id, 0x40);
        parts[0] = bytes_of(id, 4);
        parts[1] = bytes_of(chain.data + 36, chain.len - 36);
        ck_assert_ok(crypto->class->prf(crypto, x.sa[USER].hash->prf,
                                        bytes_of(x.sa[USER].keys->skeyid_a, 32), parts, 2, hash));
        ck_assert_mem_eq(in.payloads[0].body.data, hash, 32);
        ck_assert_uint_eq(in.payloads[1].type, V1_PAYLOAD_CONFIG);
        if (n == 0)
            assert_hex(in.payloads[1].body, "0100004040890000408a0000");
        else
            assert_hex(in.payloads[1].body, "0200004040890003626f62408a00076275696c646572");
        if (n == 0)
            ck_assert_ok(hand_last(USER));
    }
    /* Each exchange has a message ID of its own, all of XAUTH one identifier. */
    ck_assert_ok(hand_last(GATEWAY));
    ck_assert_ok(v1_message_read(bytes_of(x.sent[2], x.len[2]), &outer));
    ck_assert_uint_ne(outer.header.message_id, 0x40);
    ck_assert_uint_eq(x.end[GATEWAY].ours.identifier, 0x40);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(wrong_users_are_refused)
{
    static const struct {
        const char *name, *password;
    } rows[] = {{"bob", "builde"},    {"bob", "builder!"}, {"bob", ""}, {"bo", "builder"},
                {"bobby", "builder"}, {"", "builder"},     {"", ""},    {"alice", "builder"},
                {"zoe", "builder"},   {"aaron", "builder"}};
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes message;

        ends_init(crypto, USER);
        x.own = (struct xauth_user){bytes_text(rows[i].name), bytes_text(rows[i].password)};
        ask_user();
        go_on(USER);
        check_states(V1_ACCESS_REFUSED, V1_ACCESS_REFUSED);
        ck_assert_str_eq(v1_refusal_name(x.end[GATEWAY].refusal), "wrong");
        ck_assert_str_eq(v1_refusal_name(x.end[USER].refusal), "wrong");
        ck_assert(!v1_access_known(&x.end[USER]) && !v1_access_known(&x.end[GATEWAY]));
        ck_assert_ptr_null(x.end[GATEWAY].user);
        /* That is the end of it. */
        ck_assert_int_eq(v1_access_ask_user(&x.end[GATEWAY], 99, room(), &message), ERR_STATE);
        ck_assert_int_eq(v1_access_ask_address(&x.end[USER], 99, room(), &message), ERR_STATE);
        ck_assert_int_eq(v1_access_give(&x.end[GATEWAY], 99, room(), &message), ERR_STATE);
    }
    /* A gateway that knows nobody. */
    ends_init(crypto, USER);
    x.xauth[GATEWAY].user_count = 0;
    ask_user();
    go_on(USER);
    check_states(V1_ACCESS_REFUSED, V1_ACCESS_REFUSED);
    crypto_destroy(crypto);
}
END_TEST

/* draft-beaulieu-ike-xauth-02 section 6: it may ask again, and says nothing until it has stopped.
 */
START_TEST(a_gateway_listens_as_often_as_it_is_told)
{
    struct crypto *crypto = provider(1);

    for (uint8_t tries = 0; tries < 4; tries++)
        for (unsigned right = 0; right < 4; right++) {
            unsigned listens = tries ? tries : 1, asked = 0;

            ends_init(crypto, GATEWAY);
            x.xauth[GATEWAY].tries = tries;
            ask_user();
            while (x.end[GATEWAY].state == V1_ACCESS_ASKED) {
                x.own.password = bytes_text(asked++ == right ? "builder" : "wrecker");
                x.count = 1 + (x.count - 1) % 2; /* room for the next ones */
                ck_assert_ok(hand_last(USER));
                memcpy(x.sent[0], x.sent[x.count - 1], x.len[x.count - 1]);
                x.len[0] = x.len[x.count - 1];
                x.count = 1;
                ck_assert_ok(hand_last(GATEWAY));
                memcpy(x.sent[0], x.sent[x.count - 1], x.len[x.count - 1]);
                x.len[0] = x.len[x.count - 1];
                x.count = 1;
            }
            ck_assert_uint_eq(asked, right < listens ? right + 1 : listens);
            go_on(USER);
            if (right < listens)
                check_states(V1_ACCESS_KNOWN, V1_ACCESS_KNOWN);
            else
                check_states(V1_ACCESS_REFUSED, V1_ACCESS_REFUSED);
        }
    crypto_destroy(crypto);
}
END_TEST

/* Who was known is asked again, and has to be who it was (draft-beaulieu-ike-xauth-02 section 6).
 */
START_TEST(a_user_is_asked_again)
{
    struct crypto *crypto = provider(1);

    for (unsigned other = 0; other < 3; other++) {
        ends_init(crypto, USER);
        x.own = everybody[1];
        ask_user();
        go_on(USER);
        x.own = everybody[other];
        ask_user();
        ck_assert(v1_access_known(&x.end[GATEWAY])); /* meanwhile */
        go_on(USER);
        if (other == 1)
            check_states(V1_ACCESS_KNOWN, V1_ACCESS_KNOWN);
        else
            check_states(V1_ACCESS_REFUSED, V1_ACCESS_REFUSED);
    }
    crypto_destroy(crypto);
}
END_TEST

/* One message from who is not of our making: `from` says these attributes, as a REQUEST or SET. */
static enum err craft(unsigned from, uint8_t type, const char *hex, uint8_t out[ROOM], size_t *len)
{
    static uint8_t row[512];
    struct v1_config what = {type, 7, unhex(hex, row, sizeof row), 0};
    struct v1_transaction t;
    struct bytes message;
    enum err e;

    ck_assert_ok(v1_transaction_init(&t, &x.sa[from], x.next_id++));
    e = v1_transaction_ask(&t, &what, (struct buf){out, 0, ROOM}, &message);
    *len = message.len;
    return e;
}

/* draft-beaulieu-ike-xauth-02 section 5, section 6.2, section 6.3 */
START_TEST(what_a_user_cannot_answer_ends_in_fail)
{
    static const char *const rows[] = {
        "c088000140890000408a0000408d00043132333434", /* below: is one byte too long */
        "c088000140890000408a0000408d000431323334",   /* RADIUS-CHAP with a challenge */
        "40890000408b0000",                           /* a passcode */
        "40900000",                                   /* a new PIN */
        "408c0002686940910000",                       /* any answer */
        "c0880000",                                   /* nothing */
        "40890000408a0000408e0000",                   /* a domain */
    };
    struct crypto *crypto = provider(1);
    uint8_t out[ROOM];
    struct bytes message;
    size_t len;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ends_init(crypto, USER);
        ck_assert_ok(craft(GATEWAY, V1_CONFIG_REQUEST, rows[i], out, &len));
        if (i == 0) {
            ck_assert_int_ne(hand_copy(USER, out, len, &message), OK);
            ck_assert_int_eq(x.end[USER].state, V1_ACCESS_UNKNOWN);
            continue;
        }
        ck_assert_ok(hand_copy(USER, out, len, &message));
        ck_assert_uint_gt(message.len, 0);
        ck_assert_int_eq(x.end[USER].state, V1_ACCESS_REFUSED);
        ck_assert_str_eq(v1_refusal_name(x.end[USER].refusal), "unsupported");
    }
    /* With the generic type, and a message to be shown, it can. */
    ends_init(crypto, USER);
    ck_assert_ok(
        craft(GATEWAY, V1_CONFIG_REQUEST, "c0880000408c0002686940890000408a0000", out, &len));
    ck_assert_ok(hand_copy(USER, out, len, &message));
    ck_assert_int_eq(x.end[USER].state, V1_ACCESS_TOLD);
    crypto_destroy(crypto);
}
END_TEST

/* As user one that has no name: it says FAIL, and the gateway knows that it gave up. */
START_TEST(a_user_without_a_name_gives_up)
{
    struct crypto *crypto = provider(1);

    ends_init(crypto, USER);
    x.xauth[USER].user_count = 0;
    ask_user();
    ck_assert_ok(hand_last(USER));
    ck_assert_ok(hand_last(GATEWAY));
    ck_assert_uint_eq(x.count, 2); /* nothing is said to that */
    ck_assert_int_eq(x.end[GATEWAY].state, V1_ACCESS_REFUSED);
    ck_assert_str_eq(v1_refusal_name(x.end[GATEWAY].refusal), "gave_up");
    crypto_destroy(crypto);
}
END_TEST

START_TEST(a_user_is_not_asked_for_ever)
{
    struct crypto *crypto = provider(1);
    uint8_t out[ROOM];
    struct bytes message;
    size_t len;

    ends_init(crypto, USER);
    for (unsigned n = 0; n <= V1_ASKED_MAX; n++) {
        ck_assert_int_ne(x.end[USER].state, V1_ACCESS_REFUSED);
        ck_assert_ok(craft(GATEWAY, V1_CONFIG_REQUEST, "40890000408a0000", out, &len));
        ck_assert_ok(hand_copy(USER, out, len, &message));
    }
    ck_assert_str_eq(v1_refusal_name(x.end[USER].refusal), "too_often");
    crypto_destroy(crypto);
}
END_TEST

/* draft-beaulieu-ike-xauth-02 section 6: before anything else. Who may say what. */
START_TEST(nothing_out_of_order)
{
    static const struct {
        unsigned to;
        uint8_t type;
        const char *row;
        bool known; /* the user is */
        enum err expected;
    } rows[] = {
        {GATEWAY, V1_CONFIG_REQUEST, "00010000", false, ERR_STATE},
        {GATEWAY, V1_CONFIG_REQUEST, "00010000", true, OK},
        {GATEWAY, V1_CONFIG_SET, "c08f0001", false, ERR_STATE}, /* a user judges itself */
        {GATEWAY, V1_CONFIG_SET, "c08f0001", true, ERR_STATE},
        {GATEWAY, V1_CONFIG_SET, "000100040a000001", false, ERR_STATE},
        {GATEWAY, V1_CONFIG_SET, "000100040a000001", true, OK}, /* an ACK without anything */
        {GATEWAY, V1_CONFIG_REQUEST, "40890000", false, OK},    /* STATUS=FAIL */
        {USER, V1_CONFIG_SET, "000100040a000001", false, ERR_STATE},
        {USER, V1_CONFIG_SET, "000100040a000001", true, OK},
        {USER, V1_CONFIG_SET, "c08f0001", false, OK}, /* section 5.5: known from before */
    };
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[ROOM];
        struct v1_access before;
        struct bytes message;
        size_t len;
        enum err e;

        ends_init(crypto, USER);
        if (rows[i].known) {
            ask_user();
            go_on(USER);
        }
        ck_assert_ok(craft(1 - rows[i].to, rows[i].type, rows[i].row, out, &len));
        before = x.end[rows[i].to];
        e = hand_copy(rows[i].to, out, len, &message);
        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
        if (e != OK)
            ck_assert_mem_eq(&before, &x.end[rows[i].to], sizeof before);
        if (rows[i].to == GATEWAY)
            ck_assert(!x.end[GATEWAY].configured);
    }
    crypto_destroy(crypto);
}
END_TEST

/* A message of these payloads behind each other, under a HASH that is right. */
static struct bytes of_payloads(unsigned from, const char *const bodies[4], const uint8_t types[4],
                                uint8_t flags, uint8_t *out)
{
    const struct ike_header h = {.spi_i = x.sa[from].cky_i,
                                 .spi_r = x.sa[from].cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_TRANSACTION,
                                 .flags = flags,
                                 .message_id = 0x77};
    uint8_t hash[IKEV1_HASH_MAX] = {0}, room_of[64];
    struct v1_cipher cipher;
    struct message_writer w;
    struct bytes message;
    struct v1_area area;

    message_begin(&w, (struct buf){out, 0, ROOM}, &h);
    for (unsigned i = 0; i < 4 && types[i]; i++)
        payload_add(&w, types[i],
                    types[i] == V1_PAYLOAD_HASH ? bytes_of(hash, 32)
                                                : unhex(bodies[i], room_of, sizeof room_of));
    if (!flags) {
        ck_assert_ok(message_end(&w, &message));
        return message;
    }
    ck_assert_ok(v1_message_end(&w, 16, &area, &message));
    ck_assert_ok(v1_cipher_of(&x.sa[from], 0x77, &cipher));
    if (types[0] == V1_PAYLOAD_HASH) {
        ck_assert_ok(ikev1_hash_12(x.sa[from].crypto, x.sa[from].hash, x.sa[from].keys, 0x77,
                                   BYTES_NONE, bytes_of(area.text + 36, area.chain_len - 36),
                                   hash));
        memcpy(area.text + 4, hash, 32);
    }
    ck_assert_ok(v1_cipher_seal(x.sa[from].crypto, &cipher, &area));
    return message;
}

START_TEST(messages_of_another_form)
{
    static const struct {
        uint8_t types[4];
        const char *bodies[4];
        uint8_t flags;
        enum err expected;
    } rows[] = {
        {{8, 14}, {"", "0100000740890000"}, 1, OK},
        {{8, 13, 14, 200}, {"", "0102", "0100000740890000", "00"}, 1, OK},
        {{8, 14}, {"", "0100000740890000"}, 0, ERR_STATE}, /* section 3.1.2 is not taken */
        {{14}, {"0100000740890000"}, 1, ERR_MISSING},
        {{8}, {""}, 1, ERR_MISSING},
        {{8, 14, 14}, {"", "0100000740890000", "0100000740890000"}, 1, ERR_SYNTAX},
        {{8, 14, 11}, {"", "0100000740890000", "000000010100000b"}, 1, ERR_SYNTAX},
        {{8, 14}, {"", "0101000740890000"}, 1, ERR_SYNTAX}, /* RESERVED */
        {{8, 14}, {"", "0100000740890001"}, 1, ERR_TRUNCATED},
        {{8, 14}, {"", "0000000740890000"}, 1, ERR_UNSUPPORTED},
        {{8, 14}, {"", "0500000740890000"}, 1, ERR_UNSUPPORTED},
        {{8, 14}, {"", "0200000740890000"}, 1, ERR_SYNTAX}, /* answers to nothing */
        {{8, 14}, {"", "04000007"}, 1, ERR_SYNTAX},
    };
    struct crypto *crypto = provider(0);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct v1_access before;
        struct bytes message;
        uint8_t out[ROOM];
        enum err e;

        ends_init(crypto, USER);
        before = x.end[USER];
        message = of_payloads(GATEWAY, rows[i].bodies, rows[i].types, rows[i].flags, out);
        e = hand_copy(USER, message.data, message.len, &message);
        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
        if (e != OK)
            ck_assert_mem_eq(&before, &x.end[USER], sizeof before);
    }
    crypto_destroy(crypto);
}
END_TEST

/* The answer has to be to what was asked: its type, and the identifier, unless that is left 0. */
START_TEST(answers_to_something_else)
{
    struct crypto *crypto = provider(1);

    for (unsigned way = 0; way < 4; way++) {
        unsigned wrong = way < 3 ? way : 0;
        struct v1_transaction t;
        struct bytes message;
        struct v1_config what;
        uint8_t out[ROOM], copy[ROOM];

        ends_init(crypto, USER);
        ask_user();
        memcpy(copy, x.sent[0], x.len[0]);
        ck_assert_ok(v1_transaction_init(&t, &x.sa[USER], 0x40));
        ck_assert_ok(v1_transaction_read(&t, bytes_of(copy, x.len[0]), &what));
        t.identifier = way == 3 ? 0 : t.identifier ^ (wrong == 1);
        t.type = wrong == 2 ? V1_CONFIG_SET : t.type;
        ck_assert_ok(v1_transaction_answer(&t, BYTES_NONE, (struct buf){out, 0, ROOM}, &message));
        ck_assert_int_eq(hand_copy(GATEWAY, message.data, message.len, &message),
                         wrong ? ERR_SYNTAX : OK);
        ck_assert_int_eq(x.end[GATEWAY].state, wrong ? V1_ACCESS_ASKED : V1_ACCESS_JUDGED);
    }
    crypto_destroy(crypto);
}
END_TEST

/* The messages of it all, in order: XAUTH and an address. */
static void whole(void)
{
    ask_user();
    go_on(USER);
    ask_address();
    go_on(GATEWAY);
}

static unsigned hears(unsigned n)
{
    return n == 0 || n == 2 || n == 5 ? USER : GATEWAY;
}

static void to_message(unsigned n)
{
    ask_user();
    for (unsigned k = 0; k < n && k < 4; k++)
        ck_assert_ok(hand_last(hears(k)));
    if (n < 4)
        return;
    ask_address();
    if (n == 5)
        ck_assert_ok(hand_last(GATEWAY));
}

static void finish_from(unsigned n)
{
    for (; n < 6; n++) {
        ck_assert_ok(hand_last(hears(n)));
        if (n == 3)
            ask_address();
    }
    check_states(V1_ACCESS_KNOWN, V1_ACCESS_KNOWN);
    check_given();
}

START_TEST(each_message_lost_doubled_or_late)
{
    struct crypto *crypto = provider(1);
    struct bytes message;

    for (unsigned n = 0; n < 6; n++) {
        ends_init(crypto, USER);
        to_message(n);
        if (n % 2) /* the answer is lost: the question comes again */
            ck_assert_int_eq(hand_copy(hears(n - 1), x.sent[n - 1], x.len[n - 1], &message),
                             ERR_REPLAY);
        ck_assert_ok(hand_last(hears(n)));
        /* Doubled. */
        ck_assert_int_eq(hand_copy(hears(n), x.sent[n], x.len[n], &message), ERR_REPLAY);
        if (n == 3)
            ask_address();
        if (n < 5)
            finish_from(n + 1);
        /* Late: nothing of it is heeded. */
        for (unsigned late = 0; late < 6; late++) {
            struct v1_access before = x.end[hears(late)];

            ck_assert_int_eq(hand_copy(hears(late), x.sent[late], x.len[late], &message),
                             ERR_REPLAY);
            ck_assert_mem_eq(&before, &x.end[hears(late)], sizeof before);
        }
    }
    crypto_destroy(crypto);
}
END_TEST

/* The gateway's verdict is on the way, and so is what the user does with it. */
START_TEST(an_ack_overtaken)
{
    struct crypto *crypto = provider(1);

    ends_init(crypto, USER);
    to_message(3); /* ACK is sent, and not there */
    ask_address();
    ck_assert_ok(hand_last(GATEWAY));
    check_states(V1_ACCESS_KNOWN, V1_ACCESS_JUDGED);
    ck_assert_ok(hand_last(USER));
    check_given();
    crypto_destroy(crypto);
}
END_TEST

/* Not one bit, padding included: it lies in a block with payloads. */
START_TEST(tampered_with)
{
    struct crypto *crypto = provider(0);

    for (unsigned n = 0; n < 6; n++) {
        ends_init(crypto, n % 2);
        to_message(n);
        for (size_t at = 0; at < x.len[n]; at++) {
            struct v1_access before = x.end[hears(n)];
            struct bytes message;

            if (at == 17 || at == 19) /* minor version, flags that mean nothing */
                continue;
            x.sent[n][at] ^= 4;
            ck_assert_int_ne(hand_copy(hears(n), x.sent[n], x.len[n], &message), OK);
            x.sent[n][at] ^= 4;
            ck_assert_mem_eq(&before, &x.end[hears(n)], sizeof before);
        }
        finish_from(n);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Under the keys of another SA that has the same cookies. */
START_TEST(of_another_sa)
{
    static struct ends other;
    struct crypto *crypto = provider(1);
    struct bytes message;

    ends_init(crypto, USER);
    whole();
    other = x;
    twist = 1;
    ends_init(crypto, USER);
    for (unsigned n = 0; n < 6; n++)
        ck_assert_int_ne(hand_copy(hears(n), other.sent[n], other.len[n], &message), OK);
    check_states(V1_ACCESS_UNKNOWN, V1_ACCESS_UNKNOWN);
    ask_user();
    finish_from(0);
    twist = 0;
    crypto_destroy(crypto);
}
END_TEST

/* draft-dukes-ike-mode-cfg-02 section 2, section 3.4 */
START_TEST(what_was_asked_for_is_given)
{
    static const struct {
        const char *asked, *given;
    } rows[] = {
        {"00010000", "000100040a010203"},
        {"0001000000020000", "000100040a01020300020004ffffff00"},
        {"00020000", ""}, /* a netmask goes with an address only */
        {"00030000", "000300040a010001000300040a010002"},
        {"0001000000010000", "000100040a010203"}, /* there is one */
        {"0008000000070000000e0000ffff000001", NULL},
        {"0008000000070000000e0000", ""}, /* IPv6, version, supported attributes */
        {"", ""},
    };
    struct crypto *crypto = provider(0);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t row[256];
        struct v1_config what = {V1_CONFIG_REQUEST, 9, unhex(rows[i].asked, row, sizeof row), 0};
        struct v1_transaction t;
        struct bytes message;
        uint8_t out[ROOM];

        ends_init(crypto, USER);
        ask_user();
        go_on(USER);
        ck_assert_ok(v1_transaction_init(&t, &x.sa[USER], 0x99));
        ck_assert_ok(v1_transaction_ask(&t, &what, (struct buf){out, 0, ROOM}, &message));
        if (!rows[i].given) {
            ck_assert_int_ne(hand_copy(GATEWAY, message.data, message.len, &message), OK);
            continue;
        }
        ck_assert_ok(hand_copy(GATEWAY, message.data, message.len, &message));
        ck_assert_ok(v1_transaction_read(&t, message, &what));
        ck_assert_uint_eq(what.type, V1_CONFIG_REPLY);
        ck_assert_uint_eq(what.identifier, 9);
        assert_hex(what.attributes, rows[i].given);
    }
    ck_assert_uint_eq(x.end[GATEWAY].passed_by, 0);
    /* A gateway that has nothing still answers. */
    ends_init(crypto, USER);
    x.end[GATEWAY].env.internal = NULL;
    whole();
    ck_assert_uint_eq(x.count, 6);
    ck_assert(!x.end[USER].configured);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(given_unasked)
{
    struct crypto *crypto = provider(1);
    struct bytes message;
    uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8};

    ends_init(crypto, GATEWAY);
    ck_assert_int_eq(v1_access_give(&x.end[GATEWAY], x.next_id, room(), &message), ERR_STATE);
    ask_user();
    go_on(USER);
    ck_assert_ok(v1_access_give(&x.end[GATEWAY], x.next_id++, room(), &message));
    keep(message);
    go_on(USER);
    ck_assert_uint_eq(x.count, 6);
    check_given();
    check_states(V1_ACCESS_KNOWN, V1_ACCESS_KNOWN);
    x.count = 0;
    x.internal =
        (struct v1_internal){.address = ip_addr_v6(v6), .dns = {ip_addr_v6(v6)}, .dns_count = 1};
    ask_address();
    go_on(GATEWAY);
    ck_assert(ip_addr_equal(&x.end[USER].internal.address, &x.internal.address));
    ck_assert_uint_eq(x.end[USER].internal.dns_count, 1);
    ck_assert_uint_eq(x.end[USER].internal.netmask.family, 0);
    crypto_destroy(crypto);
}
END_TEST

/* More of a kind than is taken, sizes that are none, types that mean nothing: passed by. */
START_TEST(what_a_user_takes)
{
    static const struct {
        const char *row;
        unsigned passed_by, dns;
        bool configured;
    } rows[] = {
        {"000100040a010203", 0, 0, true},
        {"000100030a0102", 1, 0, false},
        {"80010a01", 1, 0, false},
        {"000100040a010203000100040a010204", 1, 0, true},
        {"000300040a010203", 0, 1, false},
        {"00030004000000010003000400000002000300040000000300030004000000040003000400000005000300040"
         "0000006",
         2, 4, false},
        {"7000000568656c6c6f000100040a010203", 1, 0, true},
    };
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[ROOM];
        struct bytes message;
        size_t len;

        ends_init(crypto, USER);
        x.xauth[USER].role = XAUTH_NONE; /* Mode-Config goes without XAUTH, too */
        v1_access_init(&x.end[USER],
                       &(struct v1_access_env){.sa = x.sa[USER], .xauth = &x.xauth[USER]});
        ck_assert(v1_access_known(&x.end[USER]));
        ck_assert_ok(craft(GATEWAY, V1_CONFIG_SET, rows[i].row, out, &len));
        ck_assert_ok(hand_copy(USER, out, len, &message));
        ck_assert_uint_eq(x.end[USER].passed_by, rows[i].passed_by);
        ck_assert_uint_eq(x.end[USER].internal.dns_count, rows[i].dns);
        ck_assert_int_eq(x.end[USER].configured, rows[i].configured);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Who gives is not given anything, whether it knows users by name or not. */
START_TEST(a_gateway_is_given_nothing)
{
    struct crypto *crypto = provider(1);
    uint8_t out[ROOM];
    struct bytes message;
    size_t len;

    for (unsigned role = XAUTH_NONE; role <= XAUTH_GATEWAY; role += XAUTH_GATEWAY) {
        ends_init(crypto, USER);
        x.xauth[GATEWAY].role = (enum xauth_role)role;
        v1_access_init(&x.end[GATEWAY], &(struct v1_access_env){.sa = x.sa[GATEWAY],
                                                                .xauth = &x.xauth[GATEWAY],
                                                                .internal = &x.internal});
        x.end[GATEWAY].passed = true;
        ck_assert_ok(craft(USER, V1_CONFIG_SET, "000100040a010203", out, &len));
        ck_assert_ok(hand_copy(GATEWAY, out, len, &message));
        ck_assert_uint_gt(message.len, 0);
        ck_assert(!x.end[GATEWAY].configured);
    }
    crypto_destroy(crypto);
}
END_TEST

START_TEST(one_exchange_of_ours_at_a_time)
{
    struct crypto *crypto = provider(1);
    struct bytes message;

    ends_init(crypto, USER);
    ck_assert_int_eq(v1_access_ask_user(&x.end[USER], 5, room(), &message), ERR_STATE);
    ck_assert_int_eq(v1_access_ask_address(&x.end[USER], 5, room(), &message), ERR_STATE);
    ck_assert_int_eq(v1_access_ask_address(&x.end[GATEWAY], 5, room(), &message), ERR_STATE);
    ask_user();
    ck_assert_int_eq(v1_access_ask_user(&x.end[GATEWAY], 5, room(), &message), ERR_STATE);
    go_on(USER);
    ask_address();
    ck_assert_int_eq(v1_access_ask_address(&x.end[USER], 5, room(), &message), ERR_STATE);
    go_on(GATEWAY);
    ck_assert_int_eq(
        v1_access_ask_address(&x.end[USER], 5, (struct buf){x.sent[0], 0, 60}, &message),
        ERR_SPACE);
    ck_assert_int_eq(x.end[USER].state, V1_ACCESS_KNOWN);
    crypto_destroy(crypto);
}
END_TEST

/* All exchanges are remembered, so there is an end to them under one SA. */
START_TEST(an_old_exchange_does_not_come_again)
{
    struct crypto *crypto = provider(1);
    uint8_t first[ROOM];
    struct bytes message;
    unsigned asked = 0;
    size_t len;

    ends_init(crypto, USER);
    ask_user();
    go_on(USER);
    for (x.count = 0; x.end[USER].seen_count < V1_ACCESS_SEEN; x.count = 0) {
        ask_address();
        if (asked++ == 0)
            memcpy(first, x.sent[0], len = x.len[0]);
        go_on(GATEWAY);
        check_given();
    }
    ck_assert_uint_gt(asked, 20);
    ck_assert_int_eq(hand_copy(GATEWAY, first, len, &message), ERR_REPLAY);
    ck_assert_int_eq(hand_copy(USER, first, len, &message), ERR_REPLAY);
    ck_assert_int_eq(v1_access_ask_address(&x.end[USER], x.next_id++, room(), &message), ERR_FULL);
    x.end[USER].seen_count = 0;
    x.end[GATEWAY].seen_count = V1_ACCESS_SEEN;
    ask_address();
    ck_assert_int_eq(hand_last(GATEWAY), ERR_FULL);
    crypto_destroy(crypto);
}
END_TEST

SUITE("ikev1_config", a_user_is_known_and_gets_an_address, messages_are_as_the_draft_says,
      wrong_users_are_refused, a_gateway_listens_as_often_as_it_is_told, a_user_is_asked_again,
      what_a_user_cannot_answer_ends_in_fail, a_user_without_a_name_gives_up,
      a_user_is_not_asked_for_ever, nothing_out_of_order, messages_of_another_form,
      answers_to_something_else, each_message_lost_doubled_or_late, an_ack_overtaken, tampered_with,
      of_another_sa, what_was_asked_for_is_given, given_unasked, what_a_user_takes,
      a_gateway_is_given_nothing, one_exchange_of_ours_at_a_time,
      an_old_exchange_does_not_come_again)
