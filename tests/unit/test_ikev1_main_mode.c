/*
 * proto/ikev1, Main Mode with pre-shared keys against itself: whole, with each message lost,
 * doubled, late and tampered with, from both roles; every message in every state; NATs; the wrong
 * key. RFC 2409 §5.4, RFC 3947 §3.2, §4.
 */
#include "hex.h"
#include "ikev1_pair.h"
#include "proto/ikev1/informational.h"
#include "proto/ikev1/main_mode.h"
#include "proto/ikev1/quick_mode.h"
#include "proto/wire/v1_any.h"

enum { MESSAGES = 6 };

static const struct tested_mode *phase1_mode(void)
{
    static const struct tested_mode mode = {MESSAGES, main_mode_start, main_mode_receive};

    return &mode;
}

/* RFC 2409 §5.4 */
START_TEST(both_sides_agree)
{
    static const char *const proposals[] = {"aes128-sha1-modp2048", "aes256-sha256-modp2048",
                                            "aes192-sha512-ecp384", "aes256-sha384-modp3072",
                                            "aes128-sha256-x25519", "aes256-sha1-ecp256"};
    static struct pair p;

    for (int c = 0; c < 2; c++) {
        struct crypto *crypto = provider(c);

        for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++) {
            pair_init(&p, crypto, proposals[i], i % 2);
            run_whole(&p);
            check_same(&p);
            ck_assert_int_eq(p.next, V1_WAIT);
            ck_assert_uint_eq(p.end[0].suite.life_s, 3600);
            ck_assert_uint_eq(p.end[1].suite.life_s, 3600);
            ck_assert_int_eq(p.end[0].natt, i % 2);
            ck_assert(!p.end[0].nat_local && !p.end[0].nat_remote);
            ck_assert(p.end[0].peer_vendors >> V1_VENDOR_DPD & 1);
            /* Secrets are gone that nobody needs any more. */
            ck_assert_uint_eq(p.end[0].pair.private[0] | p.end[0].pair.private[9], 0);
            for (int end = 0; end < 2; end++)
                v1_phase1_reset(&p.end[end]);
        }
        crypto_destroy(crypto);
    }
}
END_TEST

START_TEST(messages_have_what_the_rfc_says)
{
    static const char *const lists[MESSAGES] = {
        "SA VID VID", "SA VID VID", "KE NONCE NAT-D NAT-D", "KE NONCE NAT-D NAT-D", "", ""};
    static struct pair p;
    struct crypto *crypto = provider(0);

    pair_init(&p, crypto, "aes128-sha256-modp2048", true);
    run_whole(&p);
    for (unsigned n = 0; n < MESSAGES; n++) {
        struct message_view v;
        char list[64] = "";

        ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
        ck_assert_uint_eq(v.header.exchange, V1_EXCHANGE_MAIN);
        ck_assert_uint_eq(v.header.message_id, 0);
        ck_assert_int_eq(v1_encrypted(&v.header), n >= 4);
        ck_assert_int_eq(v.header.spi_r == 0, n == 0);
        for (unsigned i = 0; i < v.count; i++) {
            strcat(list, i ? " " : "");
            strcat(list, v1_payload_name(v.payloads[i].type));
        }
        ck_assert_str_eq(list, lists[n]);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Nothing is lost by losing a message: who waits sends again, and gets the answer again. */
START_TEST(each_message_lost_or_doubled)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned n = 0; n < MESSAGES; n++) {
        pair_init(&p, crypto, "aes128-sha256-modp2048", true);
        run_to(&p, n);
        if (n > 0 && n % 2 == 1) { /* the answer is lost: the question comes again */
            ck_assert_ok(
                hand_bytes(&p, 1, p.sent[n - 1], p.len[n - 1], (uint8_t[ROOM]){0}, &(size_t){0}));
            ck_assert_int_eq(p.next, V1_AGAIN);
        }
        ck_assert_ok(hand_over(&p, n));
        /* Doubled, at once: for the last message there is no answer. */
        ck_assert_ok(
            hand_bytes(&p, 1 - n % 2, p.sent[n], p.len[n], (uint8_t[ROOM]){0}, &(size_t){0}));
        ck_assert_int_eq(p.next, n + 1 == MESSAGES ? V1_WAIT : V1_AGAIN);
        for (unsigned rest = n + 1; rest < MESSAGES; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_same(&p);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Every message of a handshake in every state, at both ends: refused unless it is its turn, and the
 * handshake goes on as if nothing had been. */
START_TEST(every_message_in_every_state)
{
    static struct pair p, other;
    struct crypto *crypto = provider(1);

    pair_init(&other, crypto, "aes128-sha256-modp2048", true);
    other.config[0].psk[0] ^= 1;
    other.config[1].psk[0] ^= 1;
    other.end[0].cky_i = 0x9999;
    run_whole(&other);
    for (unsigned state = 0; state <= MESSAGES; state++) {
        for (unsigned n = 0; n < 2 * MESSAGES; n++) {
            const struct pair *from = n < MESSAGES ? &p : &other;

            pair_init(&p, crypto, "aes128-sha256-modp2048", true);
            run_whole(&p); /* so that there are all messages */
            for (int end = 0; end < 2; end++) {
                const struct v1_phase1_env env = {
                    .crypto = crypto, .config = &p.config[end], .natt = true};

                v1_phase1_init(&p.end[end], &env, end == 0, 0x1111 + (uint64_t)end,
                               rng_stream(1, (uint64_t)end, RNG_TEST));
            }
            run_to(&p, state);
            for (unsigned to = 0; to < 2; to++) {
                enum v1_state before = p.end[to].state;
                /* What it waits for, or would in a moment: it comes out the same each time. */
                bool turn = (n % MESSAGES == 0 && to == 1 && state == 0) ||
                            ((n == state || n == state + 1) && n < MESSAGES && to == 1 - n % 2);

                if (turn)
                    continue;
                if (hand_bytes(&p, to, from->sent[n % MESSAGES], from->len[n % MESSAGES],
                               (uint8_t[ROOM]){0}, &(size_t){0}) == OK)
                    ck_assert_msg(p.next == V1_AGAIN || p.end[to].state == V1_STATE_ESTABLISHED,
                                  "message %u at %u after %u", n, to, state);
                ck_assert_int_eq(p.end[to].state, before);
            }
            for (unsigned rest = state; rest < MESSAGES; rest++)
                ck_assert_ok(hand_over(&p, rest));
            check_same(&p);
        }
    }
    crypto_destroy(crypto);
}
END_TEST

/* A bit of 1 to 4 is another one, which nothing protects: it is refused and the true one still
 * comes through, or it is taken for true and then no SA comes of it. */
START_TEST(what_is_in_the_clear_tampered_with)
{
    static struct pair p;
    struct crypto *crypto = provider(1);
    unsigned refused = 0, taken = 0;

    for (unsigned n = 0; n < 4; n++) {
        size_t len;

        pair_init(&p, crypto, "aes128-sha256-ecp256", true);
        run_to(&p, n);
        len = p.len[n];
        for (size_t at = 0; at < len; at++) {
            uint8_t was;
            enum err e;

            pair_init(&p, crypto, "aes128-sha256-ecp256", true);
            run_to(&p, n);
            was = p.sent[n][at];
            p.sent[n][at] ^= 0x10;
            e = hand_over(&p, n);
            p.sent[n][at] = was;
            if (e != OK) {
                refused++;
                for (unsigned rest = n; rest < MESSAGES; rest++)
                    ck_assert_ok(hand_over(&p, rest));
                check_same(&p);
                continue;
            }
            taken++;
            for (unsigned rest = n + 1; e == OK && rest < MESSAGES; rest++)
                e = hand_over(&p, rest);
            /* Only what means nothing may change: the minor version, flags, a vendor ID, NAT-D. */
            if (e == OK)
                check_same(&p);
        }
    }
    ck_assert_uint_gt(refused, 300);
    ck_assert_uint_gt(taken, 50);
    crypto_destroy(crypto);
}
END_TEST

/* Not one bit of 5 and 6, padding included: the last block has a piece of HASH. */
START_TEST(what_is_encrypted_tampered_with)
{
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (unsigned n = 4; n < MESSAGES; n++) {
        size_t len;

        pair_init(&p, crypto, "aes128-sha256-x25519", false);
        run_to(&p, n);
        len = p.len[n];
        for (size_t at = HEADER_LEN; at < len; at++) {
            struct v1_phase1 before = p.end[1 - n % 2];

            p.sent[n][at] ^= 1;
            ck_assert_int_ne(hand_over(&p, n), OK);
            p.sent[n][at] ^= 1;
            p.end[1 - n % 2] = before;
        }
        ck_assert_ok(hand_over(&p, n));
    }
    check_same(&p);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(another_shared_secret)
{
    static struct pair p;

    for (int c = 0; c < 2; c++) {
        struct crypto *crypto = provider(c);

        pair_init(&p, crypto, "aes128-sha256-x25519", true);
        p.config[1].psk[0] ^= 1;
        run_to(&p, 4);
        ck_assert_int_ne(hand_over(&p, 4), OK);
        ck_assert_int_eq(p.end[1].state, V1_STATE_KEYS_ANSWERED);
        ck_assert_int_eq(p.end[0].state, V1_STATE_PROOF_SENT);
        crypto_destroy(crypto);
    }
}
END_TEST

/* RFC 3947 §3.2: who is behind a NAT, and who only one of them knows of. */
START_TEST(nats_are_found_where_they_are)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned nats = 0; nats < 4; nats++) {
        for (int end = 0; end < 2; end++) {
            bool behind = nats >> end & 1;

            if (end == 0)
                pair_init(&p, crypto, "aes128-sha256-modp2048", true);
            if (behind)
                p.seen[end].port = 1024;
        }
        run_whole(&p);
        check_same(&p);
        for (int end = 0; end < 2; end++) {
            ck_assert(p.end[end].natt);
            ck_assert_int_eq(p.end[end].nat_local, nats >> end & 1);
            ck_assert_int_eq(p.end[end].nat_remote, nats >> (1 - end) & 1);
        }
    }
    /* One of them does not speak of it. */
    pair_init(&p, crypto, "aes128-sha256-modp2048", true);
    p.end[1].env.natt = false;
    p.seen[0].port = 1024;
    run_whole(&p);
    check_same(&p);
    ck_assert(!p.end[0].natt && !p.end[0].nat_local && !p.end[1].nat_remote);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(nothing_in_common)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    pair_init(&p, crypto, "aes128-sha256-modp2048", true);
    p.config[1] = config_of("aes256-sha256-modp2048", "gateway.test", "a shared secret");
    start(&p);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    ck_assert_int_eq(p.end[1].state, V1_STATE_NONE);
    ck_assert_uint_eq(p.end[1].cky_i, 0);
    p.config[1] = config_of("aes128-sha256-modp2048", "gateway.test", "a shared secret");
    for (unsigned n = 0; n < MESSAGES; n++)
        ck_assert_ok(hand_over(&p, n));
    check_same(&p);
    pair_init(&p, crypto, "aes256gcm16-prfsha256-modp2048", true);
    ck_assert_int_eq(
        main_mode_start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &(struct bytes){NULL, 0}),
        ERR_UNSUPPORTED);
    crypto_destroy(crypto);
}
END_TEST

/* Bad values of the key exchange: zero, one, too short, too long (CVE-2015-3240, CVE-2023-41913).
 */
START_TEST(public_values_that_are_none)
{
    static const size_t lengths[] = {1, 255, 256, 257, 512};
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t value[512] = {0}, out[ROOM];
        const struct ike_header h = {.spi_i = 0x1111,
                                     .spi_r = 0x1112,
                                     .version = HEADER_VERSION_1,
                                     .exchange = V1_EXCHANGE_MAIN};
        struct message_writer w;
        struct bytes message;

        pair_init(&p, crypto, "aes128-sha256-modp2048", true);
        run_to(&p, 2);
        for (int one = 0; one < 2; one++) {
            value[lengths[i] - 1] = (uint8_t)one;
            message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
            payload_add(&w, V1_PAYLOAD_KE, bytes_of(value, lengths[i]));
            payload_add(&w, V1_PAYLOAD_NONCE, bytes_of(value, 32));
            ck_assert_ok(message_end(&w, &message));
            ck_assert_int_eq(
                hand_bytes(&p, 1, message.data, message.len, (uint8_t[ROOM]){0}, &(size_t){0}),
                ERR_KEY_EXCHANGE);
        }
        for (unsigned n = 2; n < MESSAGES; n++)
            ck_assert_ok(hand_over(&p, n));
        check_same(&p);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Payloads that are missing, twice, or of another message; RFC 2409 §5: SA comes first. */
START_TEST(payloads_of_a_first_message)
{
    static const struct {
        uint8_t types[4];
        enum err expected;
    } rows[] = {
        {{1}, OK},
        {{1, 13}, OK},
        {{1, 200}, OK},
        {{13, 1}, ERR_SYNTAX},
        {{13}, ERR_SYNTAX},
        {{0}, ERR_MISSING},
        {{1, 1}, ERR_DUPLICATE},
        {{1, 4}, ERR_SYNTAX},
        {{1, 8}, ERR_SYNTAX},
        {{1, 15}, ERR_UNSUPPORTED},
    };
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ike_header h = {
            .spi_i = 0x1111, .version = HEADER_VERSION_1, .exchange = V1_EXCHANGE_MAIN};
        uint8_t out[ROOM];
        struct message_writer w;
        struct bytes message;
        enum err e;

        pair_init(&p, crypto, "aes128-sha256-modp2048", true);
        start(&p);
        message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
        for (int k = 0; k < 4 && rows[i].types[k]; k++)
            payload_add(&w, rows[i].types[k], bytes_of(p.end[0].sai_b, p.end[0].sai_len));
        ck_assert_ok(message_end(&w, &message));
        e = hand_bytes(&p, 1, message.data, message.len, (uint8_t[ROOM]){0}, &(size_t){0});
        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
    }
    crypto_destroy(crypto);
}
END_TEST

/* A word and a child SA under what came out of it. */
START_TEST(phase_2_stands_on_it)
{
    static struct pair p;
    static struct v1_quick quick[2];
    struct crypto *crypto = provider(0);
    struct child_config child = {.proposal_count = 1, .local_count = 1, .remote_count = 1};
    uint8_t room[2][ROOM];
    struct bytes bad, message;
    struct v1_established sa[2];
    struct v1_info_view view;
    struct v1_info info;
    struct v1_said said;

    ck_assert_ok(
        proposal_parse(bytes_text("aes256gcm16-x25519"), false, &child.proposals[0], &bad));
    child.local[0] = child.remote[0] = selector_any(4);
    pair_init(&p, crypto, "aes256-sha256-x25519", true);
    run_whole(&p);
    for (int end = 0; end < 2; end++) {
        sa[end] = v1_phase1_established(&p.end[end]);
        ck_assert_ok(v1_quick_init(
            &quick[end], &(struct v1_quick_env){.sa = sa[end], .config = &child, .udp = true},
            end == 0, 77, 0x1000 + (uint32_t)end, rng_stream(3, (uint64_t)end, RNG_TEST)));
    }
    v1_info_begin(&info, &sa[1], 99, (struct buf){room[0], 0, ROOM});
    v1_info_notify(&info, &sa[1], V1_NOTIFY_INITIAL_CONTACT);
    ck_assert_ok(v1_info_end(&info, &sa[1], &message));
    ck_assert_ok(v1_info_open(&sa[0], message, &view));
    ck_assert(v1_info_next(&view, &said) && said.kind == V1_SAID_INITIAL_CONTACT);
    ck_assert_ok(v1_quick_start(&quick[0], (struct buf){room[0], 0, ROOM}, &message));
    for (unsigned n = 0; n < 3; n++) {
        const struct v1_arrival at = {message, p.address[1 - n % 2], p.address[n % 2]};

        ck_assert_ok(v1_quick_receive(&quick[1 - n % 2], &at,
                                      (struct buf){room[1 - n % 2], 0, ROOM}, &p.next, &message));
    }
    ck_assert(quick[0].state == V1_QUICK_DONE && quick[1].state == V1_QUICK_DONE);
    ck_assert_mem_eq(quick[0].key_in, quick[1].key_out, 36);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(rows_are_unambiguous_and_lead_on)
{
    size_t count;
    const struct v1_phase1_row *rows = main_mode_rows(&count);

    ck_assert_uint_eq(count, MESSAGES);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(rows[i].needed & ~rows[i].allowed, 0);
        ck_assert_int_gt(rows[i].to, rows[i].from);
        ck_assert_int_eq(strncmp(rows[i].section, "RFC ", 4), 0);
        ck_assert_ptr_nonnull(v1_state_name(rows[i].from));
        for (size_t k = 0; k < i; k++)
            ck_assert(rows[k].from != rows[i].from || rows[k].initiator != rows[i].initiator);
    }
    ck_assert_str_eq(v1_state_name(V1_STATE_ESTABLISHED), "established");
}
END_TEST

SUITE("ikev1_main_mode", both_sides_agree, messages_have_what_the_rfc_says,
      each_message_lost_or_doubled, every_message_in_every_state,
      what_is_in_the_clear_tampered_with, what_is_encrypted_tampered_with, another_shared_secret,
      nats_are_found_where_they_are, nothing_in_common, public_values_that_are_none,
      payloads_of_a_first_message, phase_2_stands_on_it, rows_are_unambiguous_and_lead_on)
