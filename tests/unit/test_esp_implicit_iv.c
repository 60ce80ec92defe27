/*
 * Implicit IVs (RFC 8750): the nonce is the salt and the sequence number, whole with ESN, and
 * nothing of it is sent.
 */
#include "esp_pair.h"
#include "hex.h"
#include "proto/esp/path.h"

enum { KNOWN_SPI = 0x01020304, KEY_LEN = ENCR_KEY_MAX };

/* What another AEAD implementation makes of the packet below, its nonce put together by hand. */
struct known {
    const char *suite;
    uint64_t seq;
    bool esn;
    const char *packet;
};

static const struct known known[] = {
    {"aes128ccm8iiv", 1, false,
     "0102030400000001dfa5cd5fb724ac4f88368455d082fac3746ad32f491836bc"
     "b88bbc0356f9802addec827e66b53037a2689ce6"},
    {"aes128gcm16iiv", 1, false,
     "010203040000000103711cd26c857750c77d20ddd10494671bf2198196fc80a5"
     "6dfd8b101da45c16eaf9ccaf40a95e350bf73b85bb7175900a5137de"},
    {"aes256gcm16iiv", 1, false,
     "0102030400000001f5afb8ae6c75c6b45bcbcba0716b0d8b471a995f68691c2a"
     "a9d98d5e2ffc2497eafc291a2a2158a86be3d1ca631265badc5816df"},
    {"chacha20poly1305iiv", 1, false,
     "010203040000000162dc35ee5ab45a704982adde16c9c0afcfc30ef218b6fc0c"
     "9c79e54092b6ed3e2bddca19e9587c7293b2d6cb580f32997ba769a7"},
    {"aes128ccm8iiv", 0xfffffffe, false,
     "01020304fffffffe648eb8a34a3d78bd7bc239bdbfb109e48954b833b9ded6fe"
     "b0e6cb54a043e8908e7a0890fbf0531a15d3dd27"},
    {"aes128gcm16iiv", 0xfffffffe, false,
     "01020304fffffffe8387f56953ca9481e71bdabe2260b08e2ac75df60a3bf14c"
     "8342a3a0ec85cbe990b19a558514d89efa06dc81e2a379e07dd9cc91"},
    {"aes256gcm16iiv", 0xfffffffe, false,
     "01020304fffffffe75d3f994f0d5a817ad04c4a1e4ed509eb5040bb7794cb398"
     "c55cb325ecee575a2687c6950d3d2762a07e553121af0c04b6209f1a"},
    {"chacha20poly1305iiv", 0xfffffffe, false,
     "01020304fffffffe551043b67d0c03abe5b4f3651a3a9f66d36b01d56564c8c3"
     "0df48653fac52fea320f2eaab2ae63bac1c74b7d7fa8c5218c6db98a"},
    {"aes128ccm8iiv", UINT64_C(0x100000002), true,
     "01020304000000020e61411fb373825e69ba07ce7adc0eb6130694cbcf5c9d47"
     "295e626109b2bbc18ace37f352ec140b567ffc71"},
    {"aes128gcm16iiv", UINT64_C(0x100000002), true,
     "0102030400000002040a5199528fbc312d896f805f518aaae3d68e32151bafe1"
     "0914c48eb6a297578b168f30c95fcbfc533d6f1f73e730f4624d848c"},
    {"aes256gcm16iiv", UINT64_C(0x100000002), true,
     "0102030400000002e296c5a06b2be060da29e495da4ae8b90c0ec8d409b8dad9"
     "ffb83b5c026b56d7fd1414b0f23a0ec30743566a9a6315fca5110bff"},
    {"chacha20poly1305iiv", UINT64_C(0x100000002), true,
     "010203040000000216c0313e877c19645441f4febf8a74204cc86f7241c595d8"
     "f374995a73b79aab609a56e7f80b8860b5a0785f4a7aa6e5b4336ad2"},
};

/* A UDP packet from 10.0.0.1 to 10.0.0.2. */
static const char inner_text[] = "4500002000010000401166ca0a0000010a000002"
                                 "00090007000c000001020304";

/* Key 00 01 02 ..., salt a0 a1 a2 (a3), the same both ways. */
static void known_end(struct esp *esp, struct crypto *crypto, const struct known *k)
{
    const struct encr_suite *encr = encr_suite_named(k->suite, strlen(k->suite));
    struct sad_limits limits = {1, 64, KEY_LEN};
    struct esp_sa_params params = {.encr = encr,
                                   .spi_out = KNOWN_SPI,
                                   .esn = k->esn,
                                   .replay_window = 64,
                                   .local = {ip_addr_v4(0x0a000001), 0},
                                   .remote = {ip_addr_v4(0x0a000002), 0},
                                   .policy = HANDLE_NONE};
    uint8_t key[KEY_LEN];

    for (uint8_t i = 0; i < KEY_LEN; i++)
        key[i] = i < encr->key_len ? i : (uint8_t)(0xa0 + i - encr->key_len);
    params.encr_in = params.encr_out = bytes_of(key, (size_t)encr->key_len + encr->salt_len);
    ck_assert_ok(esp_init(esp, crypto, &limits, 1, 1));
    ck_assert_ok(sad_spi_take(&esp->sad, 0, KNOWN_SPI, 0));
    ck_assert_ok(sad_install(&esp->sad, 0, &params));
    esp_skip(esp, sad_at(&esp->sad, 0), k->seq - 1);
    sad_traffic_take(&esp->sad, sad_at(&esp->sad, 0))->top = k->seq - 1;
}

static void must_be_known(const struct known *k, bool batch)
{
    struct meter meter;
    struct crypto *crypto = pair_crypto(true, &meter);
    struct esp_arrival in = {{ip_addr_v4(0x0a000001), 0}, {ip_addr_v4(0x0a000002), 0}, 0, 64};
    uint8_t plain[64], expected[128];
    struct bytes inner = unhex(inner_text, plain, sizeof plain);
    struct bytes packet = unhex(k->packet, expected, sizeof expected);
    struct esp_user user = {0};
    struct store s = {0};
    struct esp_sealing sealing;
    struct esp_opening opening;
    struct esp esp;

    known_end(&esp, crypto, k);
    memcpy(s.bytes + FRONT, inner.data, inner.len);
    s.packet = (struct buf){s.bytes + FRONT, inner.len, ROOM};
    sealing = (struct esp_sealing){.sa = sad_at(&esp.sad, 0), .packet = &s.packet};
    opening = (struct esp_opening){.in = in, .packet = &s.packet};
    if (batch)
        esp_seal_batch(&esp, user, &sealing, 1);
    else
        sealing.result = esp_seal(&esp, user, sealing.sa, &s.packet, &sealing.outer);
    ck_assert_ok(sealing.result);
    ck_assert_msg(s.packet.len == packet.len && memcmp(s.packet.data, packet.data, packet.len) == 0,
                  "%s, number %llu", k->suite, (unsigned long long)k->seq);
    if (batch)
        esp_open_batch(&esp, user, &opening, 1);
    else
        opening.result = esp_open(&esp, user, &in, &s.packet, &opening.opened);
    ck_assert_ok(opening.result);
    ck_assert_uint_eq(opening.opened.seq, k->seq);
    ck_assert_uint_eq(s.packet.len, inner.len);
    ck_assert_mem_eq(s.packet.data, inner.data, inner.len);
    esp_reset(&esp);
}

START_TEST(packets_are_those_of_another_implementation)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (int batch = 0; batch < 2; batch++)
            must_be_known(&known[i], batch);
}
END_TEST

/* What is sent explicitly is the sequence number, too: the packet is the same but for the IV. */
static void must_be_the_explicit_one(uint16_t implicit, uint16_t explicit, uint16_t bits, bool real,
                                     bool esn)
{
    struct pair_options o = {.real = real, .esn = esn, .window = 64};
    struct esp_pair *p[2];
    static struct store s[2];
    struct esp_outer outer;
    struct esp_traffic *t;

    for (int i = 0; i < 2; i++) {
        o.encr = encr_suite(i ? implicit : explicit, bits);
        p[i] = pair_make(&o);
    }
    /* The same key at both. */
    memcpy((uint8_t *)sad_encr_key(&p[1]->a.sad, pair_a(p[1]), SAD_OUT),
           sad_encr_key(&p[0]->a.sad, pair_a(p[0]), SAD_OUT),
           sad_kind(&p[0]->a.sad, pair_a(p[0]))->key_bytes);
    for (int i = 0; i < 2; i++) {
        t = traffic_a(p[i]);
        t->seq_out = esn ? UINT64_C(0x2ffffffff) : 0x89abcdee;
        store_fill(&s[i], p[i]->inner_a, p[i]->inner_b, 200);
        ck_assert_uint_eq(esp_outer_len(&p[i]->a.sad, pair_a(p[i]), 200),
                          esp_outer_len(&p[0]->a.sad, pair_a(p[0]), 200) - (i ? 8 : 0));
        ck_assert_ok(esp_seal(&p[i]->a, p[i]->user_a, pair_a(p[i]), &s[i].packet, &outer));
    }
    ck_assert_uint_eq(s[0].packet.len, s[1].packet.len + IMPLICIT_IV_LEN);
    ck_assert_mem_eq(s[0].packet.data, s[1].packet.data, ESP_HEADER_LEN);
    if (real) /* the model's checksum goes over the key's name, too */
        ck_assert_mem_eq(s[0].packet.data + ESP_HEADER_LEN + 8, s[1].packet.data + ESP_HEADER_LEN,
                         s[1].packet.len - ESP_HEADER_LEN);
    pair_free(p[0]);
    pair_free(p[1]);
}

START_TEST(only_the_iv_is_missing)
{
    for (int i = 0; i < 4; i++) {
        must_be_the_explicit_one(29, 14, 128, i & 1, i & 2);
        must_be_the_explicit_one(30, 20, 192, i & 1, i & 2);
        must_be_the_explicit_one(30, 20, 256, i & 1, i & 2);
        must_be_the_explicit_one(31, 28, 0, i & 1, i & 2);
    }
}
END_TEST

/* One that claims another number is opened with another nonce; RFC 8750 §7. */
START_TEST(a_number_that_was_changed_is_refused)
{
    for (int real = 0; real < 2; real++) {
        struct pair_options o = {.real = real, .encr = encr_suite(30, 256), .window = 64};
        struct esp_pair *p = pair_make(&o);
        struct esp_arrival in = pair_arrival(p, 0);
        static struct store s;
        struct esp_opened opened;
        struct esp_outer outer;

        store_fill(&s, p->inner_a, p->inner_b, 100);
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        s.packet.data[7] ^= 2;
        ck_assert_int_eq(esp_open(&p->b, p->user_b, &in, &s.packet, &opened), ERR_ICV);
        ck_assert(!opened.authentic);
        ck_assert_uint_eq(traffic_b(p)->top, 0);
        pair_free(p);
    }
}
END_TEST

/* RFC 8750 §4: the SA ends before a number comes again, with one of 32 bits as with one of 64. */
START_TEST(no_number_comes_again)
{
    for (int esn = 0; esn < 2; esn++) {
        struct pair_options o = {
            .real = true, .esn = esn, .encr = encr_suite(30, 256), .window = 64};
        struct esp_pair *p = pair_make(&o);
        static struct store s;
        struct esp_outer outer;

        esp_skip(&p->a, pair_a(p), (esn ? UINT64_MAX : UINT32_MAX) - 1);
        store_fill(&s, p->inner_a, p->inner_b, 100);
        ck_assert_ok(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer));
        store_fill(&s, p->inner_a, p->inner_b, 100);
        ck_assert_int_eq(esp_seal(&p->a, p->user_a, pair_a(p), &s.packet, &outer), ERR_SEQ_WRAPPED);
        ck_assert_uint_eq(p->a.dropped[ESP_CAUSE_SEQ_EXHAUSTED], 1);
        pair_free(p);
    }
}
END_TEST

SUITE("esp_implicit_iv", packets_are_those_of_another_implementation, only_the_iv_is_missing,
      a_number_that_was_changed_is_refused, no_number_comes_again)
