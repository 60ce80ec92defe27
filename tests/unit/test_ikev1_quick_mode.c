/*
 * proto/ikev1, Quick Mode against itself: with and without PFS, whole, with each message lost,
 * doubled and tampered with, in every state; offers, traffic, payloads that are not right,
 * transport mode behind NATs. RFC 2409 §5.5, RFC 2407 §4.5, §4.6.2, RFC 3947 §5.1, §5.2.
 */
#include "hex.h"
#include "proto/ikev1/quick_mode.h"
#include "proto/ikev1/traffic.h"
#include "proto/wire/v1_any.h"
#include "suite.h"

enum { ROOM = 4096, MESSAGES = 3, MID = 0x0badcafe, BAD_OA = 99 };

static struct meter meter;

struct pair {
    struct crypto *crypto;
    struct child_config config[2];
    struct v1_suite phase1;
    struct ikev1_keys keys;
    struct v1_cipher cipher;
    struct v1_quick_env env[2];
    struct v1_quick end[2];        /* [0]: the initiator */
    struct ip_endpoint address[2]; /* where they are */
    struct ip_endpoint seen[2];    /* where the other one sees them */
    uint8_t sent[MESSAGES][ROOM];
    size_t len[MESSAGES];
    enum v1_next next;
};

static struct selector net(uint32_t first, uint32_t last)
{
    return (struct selector){ip_addr_v4(first), ip_addr_v4(last), 0, 65535, 0};
}

static struct child_config config_of(const char *proposal, bool initiator)
{
    struct child_config c = {.proposal_count = 1, .local_count = 1, .remote_count = 1};
    struct bytes bad;

    ck_assert_ok(proposal_parse(bytes_text(proposal), false, &c.proposals[0], &bad));
    c.local[0] = initiator ? net(0x0a010000, 0x0a01ffff) : net(0x0a000000, 0x0a00ffff);
    c.remote[0] = initiator ? net(0x0a000000, 0x0a00ffff) : net(0x0a010000, 0x0a01ffff);
    c.lifetime.hard_time = (initiator ? 3600 : 1800) * NSEC_PER_S;
    c.lifetime.hard_bytes = initiator ? 0 : 1 << 20;
    return c;
}

static void ends_init(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        ck_assert_ok(v1_quick_init(&p->end[i], &p->env[i], i == 0, MID, 0x1000 + (uint32_t)i,
                                   rng_stream(1, (uint64_t)i, RNG_TEST)));
}

static void pair_init(struct pair *p, struct crypto *crypto, const char *proposal, bool udp)
{
    static uint8_t secret[32];
    const struct ikev1_seed seed = {.kind = IKEV1_SKEYID_SIGNATURE,
                                    .ni = bytes_of(secret, 16),
                                    .nr = bytes_of(secret, 17),
                                    .shared = bytes_of(secret, 32)};

    memset(p, 0, sizeof *p);
    p->crypto = crypto;
    p->phase1.hash = hash_suite(V1_HASH_SHA2_256);
    p->cipher.encr = encr_suite(12, 128);
    ck_assert_ok(ikev1_keys_derive(crypto, p->phase1.hash, &seed, &p->keys));
    ck_assert_ok(ikev1_encr_key(crypto, p->phase1.hash, &p->keys, p->cipher.encr, p->cipher.key));
    for (int i = 0; i < 2; i++) {
        p->config[i] = config_of(proposal, i == 0);
        p->env[i] =
            (struct v1_quick_env){.sa = {crypto, p->phase1.hash, &p->keys, &p->cipher, 1, 2},
                                  .config = &p->config[i],
                                  .udp = udp};
        p->seen[i] = p->address[i] =
            (struct ip_endpoint){ip_addr_v4(0xc0000201 + (uint32_t)i), 500};
    }
    ends_init(p);
}

/* Transport mode in UDP, each end perhaps behind a NAT. */
static void transport_init(struct pair *p, struct crypto *crypto, bool nat_i, bool nat_r)
{
    pair_init(p, crypto, "aes128-sha1", true);
    for (int i = 0; i < 2; i++)
        if (i == 0 ? nat_i : nat_r)
            p->seen[i] = (struct ip_endpoint){ip_addr_v4(0xcb007101 + (uint32_t)i), 4500};
    for (int i = 0; i < 2; i++) {
        p->config[i].transport = true;
        p->config[i].local[0] = selector_host(p->address[i].addr);
        p->config[i].remote[0] = selector_host(p->seen[1 - i].addr);
        p->env[i].local = p->address[i].addr;
        p->env[i].remote = p->seen[1 - i].addr;
    }
    ends_init(p);
}

static enum err hand_bytes(struct pair *p, unsigned to, const uint8_t *data, size_t len,
                           uint8_t *answer, size_t *answer_len)
{
    uint8_t copy[ROOM];
    struct bytes message;
    const struct v1_arrival at = {bytes_of(copy, len), p->address[to], p->seen[1 - to]};
    enum err e;

    memcpy(copy, data, len);
    e = v1_quick_receive(&p->end[to], &at, (struct buf){answer, 0, ROOM}, &p->next, &message);
    *answer_len = message.len;
    ck_assert(e == OK || (message.len == 0 && p->next == V1_WAIT));
    ck_assert((message.len > 0) == (p->next == V1_SEND));
    return e;
}

static enum err hand_over(struct pair *p, unsigned n)
{
    uint8_t nothing[ROOM];
    bool last = n + 1 == MESSAGES;

    return hand_bytes(p, 1 - n % 2, p->sent[n], p->len[n], last ? nothing : p->sent[n + 1],
                      last ? &(size_t){0} : &p->len[n + 1]);
}

static void run_to(struct pair *p, unsigned n)
{
    struct bytes message;

    ck_assert_ok(v1_quick_start(&p->end[0], (struct buf){p->sent[0], 0, ROOM}, &message));
    p->len[0] = message.len;
    for (unsigned i = 0; i < n; i++)
        ck_assert_ok(hand_over(p, i));
}

static void check_done(const struct pair *p)
{
    const struct v1_quick *i = &p->end[0], *r = &p->end[1];
    size_t len = v1_esp_key_len(&i->suite);

    ck_assert_int_eq(i->state, V1_QUICK_DONE);
    ck_assert_int_eq(r->state, V1_QUICK_DONE);
    ck_assert(i->suite.encr == r->suite.encr && i->suite.integ == r->suite.integ &&
              i->suite.ke == r->suite.ke);
    ck_assert_uint_eq(i->spi_in, r->spi_out);
    ck_assert_uint_eq(i->spi_out, r->spi_in);
    ck_assert_mem_eq(i->key_in, r->key_out, len);
    ck_assert_mem_eq(i->key_out, r->key_in, len);
    ck_assert_mem_ne(i->key_out, i->key_in, len);
    ck_assert_mem_eq(i->cipher.iv, r->cipher.iv, 16);
}

/* And no NAT is between them. */
static void check_same(const struct pair *p)
{
    const struct v1_quick *i = &p->end[0], *r = &p->end[1];

    check_done(p);
    ck_assert(selector_equal(&i->local, &r->remote) && selector_equal(&i->remote, &r->local));
}

static struct crypto *provider(int i)
{
    return i == 0 ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);
}

START_TEST(both_sides_agree)
{
    static const char *const proposals[] = {
        "aes128-sha1",       "aes256-sha256",      "aes256gcm16",
        "aes128ccm12",       "aes192ctr-sha512",   "null-sha384",
        "aes128-aesxcbc",    "aes256gcm16-ecp256", "aes128-sha256-modp2048",
        "aes128gcm16-x25519"};
    static struct pair p;

    for (int c = 0; c < 2; c++) {
        struct crypto *crypto = provider(c);

        for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++) {
            pair_init(&p, crypto, proposals[i], i % 2);
            p.config[0].transport = p.config[1].transport = i % 4 == 2;
            run_to(&p, MESSAGES);
            check_same(&p);
            ck_assert_int_eq(p.next, V1_WAIT);
            ck_assert(selector_equal(&p.end[0].local, &p.config[0].local[0]));
            /* What both can live with: who answers says its own by RESPONDER_LIFETIME. */
            for (int end = 0; end < 2; end++) {
                ck_assert_uint_eq(p.end[end].suite.life.s, 1800);
                ck_assert_uint_eq(p.end[end].suite.life.kb, 1024);
            }
            ck_assert_uint_eq(p.end[0].pair.private[0] | p.end[0].pair.private[9], 0);
            v1_quick_reset(&p.end[0]);
        }
        crypto_destroy(crypto);
    }
}
END_TEST

/* KEYMAT is of the SPI: another one has other keys; and so has another message ID's nonce. */
START_TEST(keys_are_of_the_spi)
{
    static struct pair p, q;
    struct crypto *crypto = provider(0);

    pair_init(&p, crypto, "aes128-sha1", false);
    run_to(&p, MESSAGES);
    pair_init(&q, crypto, "aes128-sha1", false);
    q.end[0].spi_in += 0x777;
    run_to(&q, MESSAGES);
    check_same(&q);
    ck_assert_mem_ne(p.end[0].key_in, q.end[0].key_in, 36);
    ck_assert_mem_eq(p.end[0].key_out, q.end[0].key_out, 36);
    /* So both directions would have the same if both ends had chosen alike. */
    pair_init(&q, crypto, "aes128-sha1", false);
    q.end[0].spi_in = q.end[1].spi_in;
    run_to(&q, 0);
    ck_assert_int_eq(hand_over(&q, 0), ERR_SYNTAX);
    ck_assert_int_eq(q.end[1].state, V1_QUICK_NONE);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(messages_have_what_the_rfc_says)
{
    static const char *const lists[2][MESSAGES] = {
        {"HASH SA NONCE ID ID", "HASH SA NONCE ID ID N", "HASH"},
        {"HASH SA NONCE KE ID ID", "HASH SA NONCE KE ID ID N", "HASH"}};
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (int pfs = 0; pfs < 2; pfs++) {
        struct v1_cipher chain;

        pair_init(&p, crypto, pfs ? "aes128-sha1-ecp256" : "aes128-sha1", false);
        chain = p.end[0].cipher;
        run_to(&p, MESSAGES);
        for (unsigned n = 0; n < MESSAGES; n++) {
            struct message_view v, in;
            uint8_t next[IV_MAX];
            struct bytes text;
            char list[64] = "";

            ck_assert_ok(v1_message_read(bytes_of(p.sent[n], p.len[n]), &v));
            ck_assert_uint_eq(v.header.exchange, V1_EXCHANGE_QUICK);
            ck_assert_uint_eq(v.header.message_id, MID);
            ck_assert_ok(v1_cipher_open(crypto, &chain, &v, &in, &text, next));
            memcpy(chain.iv, next, sizeof next);
            for (unsigned i = 0; i < in.count; i++) {
                strcat(list, i ? " " : "");
                strcat(list, v1_payload_name(in.payloads[i].type));
            }
            ck_assert_str_eq(list, lists[pfs][n]);
        }
    }
    crypto_destroy(crypto);
}
END_TEST

/* RFC 2407 §4.6.3.1: of this SA only, never longer, and readable. */
START_TEST(the_lifetime_of_who_answers)
{
    static const struct {
        uint8_t protocol;
        uint32_t spi;
        struct v1_life said;
        struct v1_life counts;
    } rows[] = {
        {V1_PROTOCOL_ESP, 0x1001, {60, 0}, {60, 7}},
        {V1_PROTOCOL_ESP, 0x1001, {0, 3}, {100, 3}},
        {V1_PROTOCOL_ESP, 0x1001, {70000, 70000}, {100, 7}},
        {V1_PROTOCOL_ESP, 0x1000, {60, 3}, {100, 7}},
        {V1_PROTOCOL_AH, 0x1001, {60, 3}, {100, 7}},
    };
    struct v1_life life;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ike_header h = {.version = HEADER_VERSION_1, .exchange = V1_EXCHANGE_QUICK};
        uint8_t out[256], spi[4], ours[4];
        struct message_writer w;
        struct message_view in;
        struct bytes message;

        store_be32(spi, rows[i].spi);
        store_be32(ours, 0x1001);
        message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
        v1_lifetime_write(&w, V1_PROTOCOL_ESP, bytes_of(spi, 4), (struct v1_life){0});
        v1_lifetime_write(&w, rows[i].protocol, bytes_of(spi, 4), rows[i].said);
        ck_assert_ok(message_end(&w, &message));
        ck_assert_ok(v1_message_read(message, &in));
        ck_assert_uint_eq(in.count, 1); /* nothing to say is nothing said */
        life = (struct v1_life){100, 7};
        ck_assert_ok(v1_lifetimes_read(&in, V1_PROTOCOL_ESP, bytes_of(ours, 4), &life));
        ck_assert(life.s == rows[i].counts.s && life.kb == rows[i].counts.kb);
        out[28 + 4 + 12] &= 0x7f;
        out[28 + 4 + 15] = 0xff; /* the length of the first attribute is more than there is */
        ck_assert_int_eq(v1_lifetimes_read(&in, V1_PROTOCOL_ESP, bytes_of(ours, 4), &life),
                         ERR_TRUNCATED);
    }
    life = v1_life_shorter((struct v1_life){60, 0}, (struct v1_life){100, 7});
    ck_assert(life.s == 60 && life.kb == 0);
    life = v1_life_shorter((struct v1_life){100, 8}, (struct v1_life){100, 0});
    ck_assert(life.s == 0 && life.kb == 8); /* what has no limit is longer than any */
}
END_TEST

/* ---- transport mode in UDP ---- */

/* The payloads of a message that was sent. `chain` moves with it. */
static struct message_view payloads_of(struct pair *p, struct v1_cipher *chain, unsigned n)
{
    struct message_view v, in;
    uint8_t next[IV_MAX];
    struct bytes text;

    ck_assert_ok(v1_message_read(bytes_of(p->sent[n], p->len[n]), &v));
    ck_assert_ok(v1_cipher_open(p->crypto, chain, &v, &in, &text, next));
    memcpy(chain->iv, next, sizeof next);
    return in;
}

static void check_nat_oa(const struct message_view *in, const struct ip_addr *i,
                         const struct ip_addr *r)
{
    const struct payload_view *oa = message_find(in, V1_PAYLOAD_NAT_OA);
    const struct ip_addr *expected[2] = {i, r};

    for (int n = 0; n < 2; n++) {
        struct v1_id id;

        ck_assert_ptr_nonnull(oa);
        ck_assert_ok(v1_nat_oa_read(oa->body, &id));
        ck_assert(bytes_equal(id.data, bytes_of(expected[n]->bytes, 4)));
        oa = message_next(in, oa);
    }
    ck_assert_ptr_null(oa);
}

/* RFC 3947 §5.2: each end says both addresses as it sees them. The traffic is of those, too. */
START_TEST(original_addresses)
{
    static struct pair p;
    struct crypto *crypto = provider(0);

    for (int nat = 0; nat < 4; nat++) {
        struct v1_cipher chain;
        struct message_view in;

        transport_init(&p, crypto, nat & 1, nat & 2);
        chain = p.end[0].cipher;
        run_to(&p, MESSAGES);
        ck_assert_int_eq(p.end[1].state, V1_QUICK_DONE);
        in = payloads_of(&p, &chain, 0);
        ck_assert_uint_eq(in.payloads[in.count - 1].type, V1_PAYLOAD_NAT_OA);
        check_nat_oa(&in, &p.address[0].addr, &p.seen[1].addr);
        in = payloads_of(&p, &chain, 1);
        check_nat_oa(&in, &p.seen[0].addr, &p.address[1].addr);
        for (int i = 0; i < 2; i++) {
            ck_assert(selector_equal(&p.end[i].local, &p.config[i].local[0]));
            ck_assert(selector_equal(&p.end[i].remote, &p.config[i].remote[0]));
        }
        ck_assert_mem_eq(p.end[0].key_in, p.end[1].key_out, 36);
    }
    for (int mode = 0; mode < 3; mode++) { /* tunnel, tunnel in UDP, transport: no word of it */
        struct v1_cipher chain;

        pair_init(&p, crypto, "aes128-sha1", mode == 1);
        p.config[0].transport = p.config[1].transport = mode == 2;
        chain = p.end[0].cipher;
        run_to(&p, MESSAGES);
        for (unsigned n = 0; n < 2; n++) {
            struct message_view in = payloads_of(&p, &chain, n);

            ck_assert_ptr_null(message_find(&in, V1_PAYLOAD_NAT_OA));
        }
    }
    crypto_destroy(crypto);
}
END_TEST

/* What is not one host has no address that could be another one; and what is allowed is judged by
 * the address that is seen. */
START_TEST(traffic_behind_a_nat)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (int side = 0; side < 2; side++) {
        transport_init(&p, crypto, true, true);
        *(side ? p.config[0].local : p.config[0].remote) = net(0x0a000000, 0x0a0000ff);
        ends_init(&p);
        run_to(&p, 0);
        ck_assert_int_eq(hand_over(&p, 0), ERR_TS);
        transport_init(&p, crypto, true, true);
        *(side ? p.config[1].local : p.config[1].remote) = selector_host(p.address[0].addr);
        run_to(&p, 0);
        ck_assert_int_eq(hand_over(&p, 0), ERR_TS);
        transport_init(&p, crypto, true, true); /* of the other family */
        p.config[0].remote[0] = selector_host((struct ip_addr){.family = 6, .bytes = {0x20, 1}});
        ends_init(&p);
        run_to(&p, 0);
        ck_assert_int_eq(hand_over(&p, 0), ERR_TS);
    }
    transport_init(&p, crypto, true, false); /* protocol and port stay */
    p.config[0].local[0].protocol = p.config[0].remote[0].protocol = 17;
    p.config[0].remote[0].port_first = p.config[0].remote[0].port_last = 1701;
    ends_init(&p);
    run_to(&p, MESSAGES);
    ck_assert(p.end[1].remote.protocol == 17 && p.end[1].local.port_last == 1701);
    ck_assert(ip_addr_equal(&p.end[1].remote.first, &p.seen[0].addr));
    ck_assert_int_eq(p.end[0].state, V1_QUICK_DONE);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(each_message_lost_or_doubled)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned i = 0; i < 2 * MESSAGES; i++) {
        unsigned n = i / 2;

        if (i % 2)
            transport_init(&p, crypto, true, true);
        else
            pair_init(&p, crypto, "aes128gcm16-ecp256", true);
        run_to(&p, n);
        if (n > 0) { /* lost: what it answers comes again */
            ck_assert_ok(hand_bytes(&p, n % 2, p.sent[n - 1], p.len[n - 1], (uint8_t[ROOM]){0},
                                    &(size_t){0}));
            ck_assert_int_eq(p.next, V1_AGAIN);
        }
        ck_assert_ok(hand_over(&p, n));
        ck_assert_ok(
            hand_bytes(&p, 1 - n % 2, p.sent[n], p.len[n], (uint8_t[ROOM]){0}, &(size_t){0}));
        ck_assert_int_eq(p.next, n + 1 == MESSAGES ? V1_WAIT : V1_AGAIN);
        for (unsigned rest = n + 1; rest < MESSAGES; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_done(&p);
    }
    crypto_destroy(crypto);
}
END_TEST

/* Of this exchange, of one under another message ID, and of another SA. */
START_TEST(every_message_in_every_state)
{
    static struct pair p, others[2];
    struct crypto *crypto = provider(1);

    pair_init(&others[0], crypto, "aes128gcm16-ecp256", true);
    for (int i = 0; i < 2; i++)
        ck_assert_ok(v1_quick_init(&others[0].end[i], &others[0].env[i], i == 0, MID + 1,
                                   0x2000 + (uint32_t)i, rng_stream(2, (uint64_t)i, RNG_TEST)));
    run_to(&others[0], MESSAGES);
    pair_init(&others[1], crypto, "aes128gcm16-ecp256", true);
    others[1].keys.skeyid_a[0] ^= 1;
    others[1].cipher.key[0] ^= 1;
    ends_init(&others[1]);
    run_to(&others[1], MESSAGES);
    for (unsigned state = 0; state <= MESSAGES; state++) {
        for (unsigned n = 0; n < 3 * MESSAGES; n++) {
            const struct pair *from = n < MESSAGES ? &p : &others[n / MESSAGES - 1];
            unsigned which = n % MESSAGES;

            pair_init(&p, crypto, "aes128gcm16-ecp256", true);
            run_to(&p, MESSAGES); /* so that there are all messages */
            ends_init(&p);
            run_to(&p, state);
            for (unsigned to = 0; to < 2; to++) {
                enum v1_quick_state before = p.end[to].state;

                if (n < MESSAGES && (n == state || n == state + 1) && to == 1 - n % 2)
                    continue; /* what it waits for, or would in a moment */
                if (hand_bytes(&p, to, from->sent[which], from->len[which], (uint8_t[ROOM]){0},
                               &(size_t){0}) == OK)
                    ck_assert_uint_lt(n, MESSAGES);
                ck_assert(p.next != V1_SEND);
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

START_TEST(each_message_tampered_with)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (unsigned i = 0; i < 2 * MESSAGES; i++) {
        unsigned n = i / 2;

        if (i % 2)
            transport_init(&p, crypto, true, true);
        else
            pair_init(&p, crypto, "aes128-sha1", true);
        run_to(&p, n);
        for (size_t at = 0; at < p.len[n]; at++) {
            struct v1_quick before = p.end[1 - n % 2];
            enum err e;

            p.sent[n][at] ^= 0x20;
            e = hand_over(&p, n);
            p.sent[n][at] ^= 0x20;
            /* The header but version, flags, exchange, IDs and cookies means nothing; nor does
             * padding, but it makes the next IV. */
            if (e == OK)
                ck_assert_msg(at == 17 || at == 19 || at + 16 > p.len[n], "message %u byte %zu", n,
                              at);
            if (e != OK)
                ck_assert_mem_eq(&before, &p.end[1 - n % 2], sizeof before);
            p.end[1 - n % 2] = before;
        }
        ck_assert_ok(hand_over(&p, n));
        for (unsigned rest = n + 1; rest < MESSAGES; rest++)
            ck_assert_ok(hand_over(&p, rest));
        check_done(&p);
    }
    crypto_destroy(crypto);
}
END_TEST

START_TEST(nothing_in_common)
{
    static const struct {
        const char *initiator, *responder;
        enum err expected;
    } rows[] = {
        {"aes128-sha1", "aes128-sha1", OK},
        {"aes128-sha1", "aes256-sha1", ERR_NO_PROPOSAL},
        {"aes128-sha1", "aes128-sha256", ERR_NO_PROPOSAL},
        {"aes128-sha1", "aes128gcm16", ERR_NO_PROPOSAL},
        {"aes128-sha1-ecp256", "aes128-sha1", ERR_NO_PROPOSAL}, /* PFS on one side only */
        {"aes128-sha1", "aes128-sha1-ecp256", ERR_NO_PROPOSAL},
        {"aes128-sha1-ecp256", "aes128-sha1-modp2048-ecp256", OK},
        {"aes128-sha1-ecp256", "aes128-sha1-modp2048", ERR_NO_PROPOSAL},
        {"aes128-aes256-sha1-sha256", "aes256-sha256", OK},
    };
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum err e;

        pair_init(&p, crypto, rows[i].initiator, false);
        p.config[1] = config_of(rows[i].responder, false);
        run_to(&p, 0);
        e = hand_over(&p, 0);
        ck_assert_msg(e == rows[i].expected, "%s, %s: %s", rows[i].initiator, rows[i].responder,
                      err_name(e));
    }
    pair_init(&p, crypto, "aes128-sha1", false);
    p.config[1].transport = true;
    run_to(&p, 0);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    pair_init(&p, crypto, "aes128-sha1", true);
    p.end[1].env.udp = false;
    run_to(&p, 0);
    ck_assert_int_eq(hand_over(&p, 0), ERR_NO_PROPOSAL);
    pair_init(&p, crypto, "chacha20poly1305", false); /* IKEv1 has no number for it */
    ck_assert_int_eq(
        v1_quick_start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &(struct bytes){NULL, 0}),
        ERR_UNSUPPORTED);
    ck_assert_int_eq(p.end[0].state, V1_QUICK_NONE);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(traffic_is_what_both_allow)
{
    static struct pair p;
    struct crypto *crypto = provider(1);

    pair_init(&p, crypto, "aes128-sha1", false);
    p.config[0].local[0] = net(0x0a010203, 0x0a010203); /* one host of what is allowed */
    p.config[0].remote[0] = net(0x0a000001, 0x0a000009);
    p.config[0].remote[0].protocol = 6;
    p.config[0].remote[0].port_first = p.config[0].remote[0].port_last = 443;
    ends_init(&p);
    run_to(&p, MESSAGES);
    check_same(&p);
    ck_assert(selector_equal(&p.end[1].local, &p.config[0].remote[0]));
    for (int side = 0; side < 2; side++) { /* one address more than is allowed */
        pair_init(&p, crypto, "aes128-sha1", false);
        if (side)
            p.config[0].local[0] = net(0x0a010000, 0x0a020000);
        else
            p.config[0].remote[0] = net(0x0a000000, 0x0a010000);
        ends_init(&p);
        run_to(&p, 0);
        ck_assert_int_eq(hand_over(&p, 0), ERR_TS);
        ck_assert_int_eq(p.end[1].state, V1_QUICK_NONE);
    }
    pair_init(&p, crypto, "aes128-sha1", false);
    p.config[0].local[0].port_first = 1; /* a range of ports */
    ends_init(&p);
    ck_assert_int_eq(
        v1_quick_start(&p.end[0], (struct buf){p.sent[0], 0, ROOM}, &(struct bytes){NULL, 0}),
        ERR_UNSUPPORTED);
    crypto_destroy(crypto);
}
END_TEST

/* A message 1 of these payloads, whose HASH is right unless told. */
static enum err crafted(struct pair *p, const uint8_t *types, bool hash)
{
    const struct ike_header h = {.spi_i = 1,
                                 .spi_r = 2,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_QUICK,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = MID};
    const struct v1_esp_terms terms = {.mode = V1_MODE_TUNNEL};
    struct v1_cipher chain = p->end[1].cipher;
    uint8_t out[ROOM], sa[512], digest[IKEV1_HASH_MAX];
    struct message_writer w;
    struct bytes message;
    struct v1_area area;
    struct writer body;

    writer_init(&body, sa, sizeof sa);
    ck_assert_ok(
        v1_esp_offer_write(&body, p->config[0].proposals, 1, &terms, bytes_of("\0\0\x10\0", 4)));
    message_begin(&w, (struct buf){out, 0, sizeof out}, &h);
    payload_add(&w, V1_PAYLOAD_HASH, bytes_of(digest, 32));
    for (; *types; types++) {
        if (*types == V1_PAYLOAD_SA)
            payload_add(&w, *types, bytes_of(sa, writer_len(&body)));
        else if (*types == V1_PAYLOAD_ID)
            payload_add(&w, *types, bytes_of("\1\0\0\0\12\1\2\3", 8));
        else if (*types == V1_PAYLOAD_NAT_OA)
            payload_add(&w, *types, bytes_of("\1\0\0\0\12\1\2\3", 8));
        else if (*types == BAD_OA) /* with a port */
            payload_add(&w, V1_PAYLOAD_NAT_OA, bytes_of("\1\21\6\245\12\1\2\3", 8));
        else if (*types == V1_PAYLOAD_NOTIFY)
            payload_add(&w, *types, bytes_of("\0\0\0\1\3\0\0\16", 8));
        else
            payload_add(&w, *types, bytes_of(sa, 16));
    }
    ck_assert_ok(v1_message_end(&w, 16, &area, &message));
    ck_assert_ok(ikev1_hash_12(p->crypto, p->env[1].sa.hash, &p->keys, MID, BYTES_NONE,
                               bytes_of(area.text + 36, area.chain_len - 36), digest));
    memcpy(area.text + 4, digest, 32);
    area.text[4] ^= !hash;
    ck_assert_ok(v1_cipher_seal(p->crypto, &chain, &area));
    return hand_bytes(p, 1, message.data, message.len, (uint8_t[ROOM]){0}, &(size_t){0});
}

START_TEST(payloads_of_a_first_message)
{
    static const struct {
        uint8_t types[8];
        enum err expected;
    } rows[] = {
        {{1, 10}, OK}, /* no IDs: the two addresses, which are allowed here */
        {{1, 10, 11, 13, 200}, OK},
        {{10, 1}, ERR_SYNTAX}, /* §5.5: SA is the second */
        {{1}, ERR_MISSING},
        {{10}, ERR_MISSING},
        {{1, 10, 5}, ERR_MISSING},
        {{1, 10, 5, 5, 5}, ERR_SYNTAX},
        {{1, 10, 1}, ERR_DUPLICATE},
        {{1, 10, 10}, ERR_DUPLICATE},
        {{1, 10, 8}, ERR_SYNTAX},
        {{1, 10, 12}, ERR_SYNTAX},
        {{1, 10, 4}, ERR_SYNTAX}, /* a KE without a group */
        {{1, 10, 15}, ERR_UNSUPPORTED},
        {{0}, ERR_MISSING},
        {{1, 10, 5, 5}, ERR_TS}, /* not in our network */
        /* RFC 3947 §5.2: both or neither, which are read in every mode */
        {{1, 10, 21, 21}, OK},
        {{1, 10, 21}, ERR_MISSING},
        {{1, 10, 21, 21, 21}, ERR_SYNTAX},
        {{1, 10, BAD_OA, 21}, ERR_SYNTAX},
        {{1, 10, 21, BAD_OA}, ERR_SYNTAX},
    };
    static struct pair p;
    struct crypto *crypto = provider(1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum err e;

        pair_init(&p, crypto, "aes128-sha1", false);
        p.config[1].local[0] = selector_host(p.address[1].addr);
        p.config[1].remote[0] = net(0, 0xffffffff);
        e = crafted(&p, rows[i].types, true);
        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
        ck_assert_int_eq(p.end[1].state, e == OK ? V1_QUICK_ANSWERED : V1_QUICK_NONE);
        pair_init(&p, crypto, "aes128-sha1", false);
        e = crafted(&p, rows[i].types, false);
        ck_assert(e == ERR_ICV || e == ERR_MISSING || e == ERR_UNSUPPORTED);
    }
    pair_init(&p, crypto, "aes128-sha1-ecp256", false);
    p.config[1].local[0] = selector_host(p.address[1].addr);
    p.config[1].remote[0] = net(0, 0xffffffff);
    p.config[1].proposals[0].ke_count = 0;
    ck_assert_ok(crafted(&p, (const uint8_t[]){1, 10, 0}, true));
    crypto_destroy(crypto);
}
END_TEST

/* Each form there and back. */
START_TEST(selectors_and_ids)
{
    static const struct {
        uint32_t first, last;
        enum v1_id_type type;
    } rows[] = {{0x0a000001, 0x0a000001, V1_ID_IPV4_ADDR},
                {0x0a000000, 0x0a0000ff, V1_ID_IPV4_ADDR_SUBNET},
                {0, 0xffffffff, V1_ID_IPV4_ADDR_SUBNET},
                {0x0a000000, 0x0a000001, V1_ID_IPV4_ADDR_SUBNET},
                {0x0a000001, 0x0a000002, V1_ID_IPV4_ADDR_RANGE},
                {0x0a000000, 0x0a0000fe, V1_ID_IPV4_ADDR_RANGE},
                {0x0a000080, 0x0a00017f, V1_ID_IPV4_ADDR_RANGE}};
    uint8_t room[V1_TRAFFIC_ROOM], v6[32] = {0x20, 1, 0xd, 0xb8};
    struct selector back, s;
    struct v1_id id;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s = net(rows[i].first, rows[i].last);
        ck_assert_ok(v1_traffic_id(&s, room, &id));
        ck_assert_uint_eq(id.type, rows[i].type);
        ck_assert_ok(v1_traffic_selector(&id, &back));
        ck_assert(selector_equal(&s, &back));
    }
    memset(v6 + 16, 0xff, 8); /* 2001:db8::/64 */
    id = (struct v1_id){V1_ID_IPV6_ADDR_SUBNET, 17, 53, bytes_of(v6, 32)};
    ck_assert_ok(v1_traffic_selector(&id, &back));
    ck_assert(back.protocol == 17 && back.port_first == 53 && back.port_last == 53);
    ck_assert(back.last.bytes[15] == 0xff && back.last.bytes[7] == 0);
    ck_assert_ok(v1_traffic_id(&back, room, &id));
    ck_assert(id.type == V1_ID_IPV6_ADDR_SUBNET && bytes_equal(id.data, bytes_of(v6, 32)));
    /* What is none */
    id = (struct v1_id){V1_ID_FQDN, 0, 0, bytes_text("host")};
    ck_assert_int_eq(v1_traffic_selector(&id, &back), ERR_TS);
    id = (struct v1_id){V1_ID_IPV4_ADDR_SUBNET, 0, 0, bytes_of("\12\0\0\0\377\0\377\0", 8)};
    ck_assert_int_eq(v1_traffic_selector(&id, &back), ERR_TS);
    id = (struct v1_id){V1_ID_IPV4_ADDR_SUBNET, 0, 0, bytes_of("\12\0\0\1\377\377\377\0", 8)};
    ck_assert_int_eq(v1_traffic_selector(&id, &back), ERR_TS);
    id = (struct v1_id){V1_ID_IPV4_ADDR_RANGE, 0, 0, bytes_of("\12\0\0\2\12\0\0\1", 8)};
    ck_assert_int_eq(v1_traffic_selector(&id, &back), ERR_TS);
    ck_assert_str_eq(v1_quick_state_name(V1_QUICK_ANSWERED), "answered");
}
END_TEST

SUITE("ikev1_quick_mode", both_sides_agree, keys_are_of_the_spi, messages_have_what_the_rfc_says,
      the_lifetime_of_who_answers, original_addresses, traffic_behind_a_nat,
      each_message_lost_or_doubled, every_message_in_every_state, each_message_tampered_with,
      nothing_in_common, traffic_is_what_both_allow, payloads_of_a_first_message, selectors_and_ids)
