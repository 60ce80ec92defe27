/*
 * Expanded keys and batches: whichever engine computes, the bytes, results and ticks are OpenSSL's.
 * Keys, lengths and contents are drawn; a mistake names its draw.
 */
#include "crypto/provider.h"
#include "suite.h"

enum {
    TEXT_MAX = 9008,
    AROUND = 64, /* canaries */
    HEADER_MAX = 12,
    DRAWS = 50,
    ESN_HIGH = 4,
};

/* A packet in one piece as on the wire, or its four parts apart from each other. */
struct packet {
    uint8_t bytes[AROUND + HEADER_MAX + IV_MAX + TEXT_MAX + ICV_MAX + AROUND];
    uint8_t apart[HEADER_MAX + AROUND + IV_MAX + AROUND + ICV_MAX];
    uint8_t keys[ENCR_KEY_MAX + INTEG_KEY_MAX], tail[ESN_HIGH];
    _Alignas(SEAL_EXPANDED_ALIGN) uint8_t expanded[SEAL_EXPANDED_MAX];
    bool outside; /* there is something to forget */
    struct seal_key key;
    struct seal_op op;
};

/* The same packet twice: for OpenSSL alone, and for the engine under test. */
struct twins {
    struct packet plain, quick;
};

static struct meter meter;

static struct crypto *make(void)
{
    struct crypto *c = crypto_openssl_create(&meter);

    ck_assert_ptr_nonnull(c);
    return c;
}

static size_t length_drawn(struct rng *r, size_t block)
{
    static const uint16_t edges[] = {0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 255, 256, 1400, 9000};
    uint32_t kind = rng_u32(r) % 4;
    size_t len = kind == 0   ? edges[rng_u32(r) % (sizeof edges / sizeof *edges)]
                 : kind == 1 ? rng_u32(r) % 128
                             : rng_u32(r) % 9001;

    return (len + block - 1) / block * block;
}

static void packet_draw(struct packet *p, uint64_t draw, const struct encr_suite *encr,
                        const struct integ_suite *integ)
{
    struct rng r = rng_stream(draw, encr->iana * 1000U + encr->key_bits, RNG_TEST);
    size_t aad, len;
    bool esn = rng_u32(&r) % 2, apart = rng_u32(&r) % 4 == 0;
    uint8_t *at = p->bytes + AROUND + rng_u32(&r) % 8;

    len = length_drawn(&r, encr->block_len);
    memset(p->bytes, 0xcc, sizeof p->bytes);
    rng_fill(&r, at, HEADER_MAX + IV_MAX + len);
    rng_fill(&r, p->apart, sizeof p->apart);
    rng_fill(&r, p->keys, sizeof p->keys);
    rng_fill(&r, p->tail, sizeof p->tail);
    aad = esn && encr->aead ? 12 : 8;
    p->key = (struct seal_key){encr, integ, p->keys, integ ? p->keys + ENCR_KEY_MAX : NULL};
    p->op = (struct seal_op){
        .key = &p->key,
        .aad = bytes_of(apart ? p->apart : at, aad),
        .tail = esn && integ ? bytes_of(p->tail, ESN_HIGH) : BYTES_NONE,
        .iv = apart || encr->implicit_iv ? p->apart + HEADER_MAX + AROUND : at + aad,
        .text = at + aad + encr->iv_len,
        .text_len = len,
        .icv = apart ? p->apart + HEADER_MAX + IV_MAX + 2 * AROUND : at + aad + encr->iv_len + len,
    };
}

/* Expanded as an SA's keys are: by an instance that computes with `engine`. */
static void packet_expand(struct crypto *c, struct packet *p)
{
    size_t len = c->class->expanded_len(c, p->key.encr, p->key.integ);

    ck_assert_uint_le(len, SEAL_EXPANDED_MAX);
    ck_assert_uint_gt(len, 0);
    memset(p->expanded, 0xee, sizeof p->expanded);
    p->outside = c->class->expand(c, &p->key, p->expanded);
    p->op.expanded = p->expanded;
    for (size_t i = len; i < sizeof p->expanded; i++)
        ck_assert_uint_eq(p->expanded[i], 0xee);
}

static void twins_draw(struct crypto *c, struct twins *t, uint64_t draw,
                       const struct encr_suite *encr, const struct integ_suite *integ)
{
    packet_draw(&t->plain, draw, encr, integ);
    packet_draw(&t->quick, draw, encr, integ);
    packet_expand(c, &t->quick);
}

static void twins_forget(struct crypto *c, struct twins *t)
{
    if (t->quick.outside)
        c->class->forget(c, t->quick.expanded);
}

static void must_be_equal(const struct twins *t, uint64_t draw)
{
    ck_assert_msg(memcmp(t->plain.bytes, t->quick.bytes, sizeof t->plain.bytes) == 0 &&
                      memcmp(t->plain.apart, t->quick.apart, sizeof t->plain.apart) == 0,
                  "%s, draw %llu, %zu bytes", t->plain.key.encr->name, (unsigned long long)draw,
                  t->plain.op.text_len);
}

/* What the last operation of each did to the meter. */
static void must_tick_the_same(const struct meter *plain, const struct meter *quick)
{
    ck_assert_mem_eq(plain, quick, sizeof *plain);
}

static enum err metered(struct crypto *c, const struct seal_op *op, bool open, struct meter *out)
{
    enum err e;

    meter_clear(&meter);
    e = open ? c->class->open(c, op) : c->class->seal(c, op);
    *out = meter;
    return e;
}

static void both(struct crypto *c, struct twins *t, uint64_t draw, bool open, enum err expected)
{
    struct meter plain, quick;

    ck_assert_int_eq(metered(c, &t->plain.op, open, &plain), expected);
    ck_assert_int_eq(metered(c, &t->quick.op, open, &quick), expected);
    must_tick_the_same(&plain, &quick);
    if (expected == OK)
        must_be_equal(t, draw);
}

/* What an open that failed may leave: what was there before, or zeros. */
static void must_be_unchanged_or_zeroed(const struct seal_op *op, const uint8_t *before)
{
    static const uint8_t zeros[TEXT_MAX];

    ck_assert_msg(memcmp(op->text, before, op->text_len) == 0 ||
                      memcmp(op->text, zeros, op->text_len) == 0,
                  "%s: text shows after a bad ICV", op->key->encr->name);
}

/* One bit of text, ICV, IV or what is authenticated besides: nothing of the text may be seen. */
static void tampered(struct crypto *c, struct twins *t, uint64_t draw)
{
    static struct packet saved;
    static uint8_t before[TEXT_MAX];
    struct seal_op *op = &t->quick.op;
    struct rng r = rng_stream(draw, 77, RNG_TEST);
    size_t len = op->text_len, icv = seal_icv_len(&t->quick.key), bit;

    saved = t->quick;
    switch (rng_u32(&r) % 4) {
    case 0:
        bit = len > 0 ? rng_u32(&r) % (8 * len) : 0;
        if (len > 0)
            op->text[bit / 8] ^= (uint8_t)(1 << bit % 8);
        else
            op->icv[0] ^= 1;
        break;
    case 1:
        bit = rng_u32(&r) % (8 * icv);
        op->icv[bit / 8] ^= (uint8_t)(1 << bit % 8);
        break;
    case 2:
        (encr_iv_len(op->key->encr) > 0 ? op->iv : op->icv)[0] ^= 0x80;
        break;
    default:
        ((uint8_t *)op->aad.data)[7] ^= 1;
    }
    memcpy(t->plain.bytes, t->quick.bytes, sizeof t->plain.bytes);
    memcpy(t->plain.apart, t->quick.apart, sizeof t->plain.apart);
    memcpy(before, op->text, len);
    both(c, t, draw, true, ERR_ICV);
    must_be_unchanged_or_zeroed(op, before);
    /* What lies around the text is as it came. */
    memset(op->text, 0, len);
    memset(t->plain.op.text, 0, len);
    must_be_equal(t, draw);
    memcpy(t->quick.bytes, saved.bytes, sizeof saved.bytes);
    memcpy(t->quick.apart, saved.apart, sizeof saved.apart);
    memcpy(t->plain.bytes, saved.bytes, sizeof saved.bytes);
    memcpy(t->plain.apart, saved.apart, sizeof saved.apart);
}

static void one_by_one(struct crypto *c, const struct encr_suite *encr,
                       const struct integ_suite *integ)
{
    static struct twins t;

    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        twins_draw(c, &t, draw, encr, integ);
        both(c, &t, draw, false, OK);
        tampered(c, &t, draw);
        both(c, &t, draw, true, OK);
        twins_forget(c, &t);
    }
}

/* A batch of drawn packets of one suite, some of which are spoilt before they are opened. */
static void together(struct crypto *c, const struct encr_suite *encr,
                     const struct integ_suite *integ)
{
    enum { MOST = SEAL_BATCH_MAX + 6 };
    static const size_t counts[] = {1, 2, 3, 4, 5, 17, SEAL_BATCH_MAX, MOST};
    static struct twins t[MOST];
    static struct seal_op ops[MOST];
    static uint8_t before[MOST][TEXT_MAX];
    enum err results[MOST];
    struct meter plain, quick;

    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        size_t count = counts[n];

        for (size_t i = 0; i < count; i++) {
            twins_draw(c, &t[i], 1000 * n + i, encr, integ);
            ops[i] = t[i].quick.op;
        }
        for (int open = 0; open < 2; open++) {
            for (size_t i = 0; i < count && open; i++)
                if (i % 5 == 3) {
                    t[i].quick.op.icv[1] ^= 4;
                    t[i].plain.op.icv[1] ^= 4;
                    memcpy(before[i], ops[i].text, ops[i].text_len);
                }
            meter_clear(&meter);
            if (open)
                crypto_open_batch(c, ops, count, results);
            else
                crypto_seal_batch(c, ops, count, results);
            quick = meter;
            meter_clear(&meter);
            for (size_t i = 0; i < count; i++) {
                enum err e =
                    open ? c->class->open(c, &t[i].plain.op) : c->class->seal(c, &t[i].plain.op);

                ck_assert_int_eq(results[i], e);
                ck_assert_int_eq(e, open && i % 5 == 3 ? ERR_ICV : OK);
                if (e == OK)
                    must_be_equal(&t[i], 1000 * n + i);
                else
                    must_be_unchanged_or_zeroed(&ops[i], before[i]);
            }
            plain = meter;
            must_tick_the_same(&plain, &quick);
        }
        for (size_t i = 0; i < count; i++)
            twins_forget(c, &t[i]);
    }
}

/* Suites that libipsec-mb computes, and one of each kind that it does not. */
static void each_suite(struct crypto *c, void (*with)(struct crypto *, const struct encr_suite *,
                                                      const struct integ_suite *))
{
    static const char *const names[][2] = {
        {"aes128gcm16", NULL},    {"aes192gcm16", NULL},   {"aes256gcm16", NULL},
        {"aes256gcm8", NULL},     {"aes128gcm12", NULL},   {"aes128", "sha256"},
        {"aes192", "sha256"},     {"aes256", "sha256"},    {"aes256", "sha512"},
        {"aes256ctr", "sha256"},  {"aes128ccm16", NULL},   {"chacha20poly1305", NULL},
        {"aes256gcm16iiv", NULL}, {"aes128ccm8iiv", NULL}, {"chacha20poly1305iiv", NULL},
        {"aes128", "aesxcbc"},    {"aes128", "aescmac"},   {"null", "sha256"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *encr = names[i][0], *integ = names[i][1];

        with(c, encr_suite_named(encr, strlen(encr)),
             integ ? integ_suite_named(integ, strlen(integ)) : NULL);
    }
}

/* Every engine that this processor has, OpenSSL alone at least. */
static void each_engine(void (*with)(struct crypto *, const struct encr_suite *,
                                     const struct integ_suite *))
{
    struct crypto *c = make();
    enum crypto_engine best = c->class->engine_limit(c, CRYPTO_VAES);

    for (int most = CRYPTO_OPENSSL; most <= CRYPTO_VAES; most++) {
        enum crypto_engine engine = c->class->engine_limit(c, (enum crypto_engine)most);

        ck_assert_int_eq(engine, (enum crypto_engine)most < best ? (enum crypto_engine)most : best);
        each_suite(c, with);
    }
    crypto_destroy(c);
}

/* A context keeps one key schedule; packets may come in turns from both directions all the same. */
START_TEST(a_kept_key_goes_both_ways)
{
    static struct twins t;
    struct crypto *c = make();

    (void)c->class->engine_limit(c, CRYPTO_OPENSSL);
    twins_draw(c, &t, 3, encr_suite_named("aes256", 6), integ_suite_named("sha256", 6));
    ck_assert(t.quick.outside);
    for (int i = 0; i < 6; i++)
        both(c, &t, 3, i % 2, OK);
    twins_forget(c, &t);
    crypto_destroy(c);
}
END_TEST

START_TEST(expanded_keys_give_the_bytes_of_openssl)
{
    each_engine(one_by_one);
}
END_TEST

START_TEST(batches_give_the_bytes_of_openssl)
{
    each_engine(together);
}
END_TEST

/* Packets of all suites in one batch: each finds its own result. */
START_TEST(a_batch_may_mix_suites)
{
    enum { EACH = 5, SUITES = 3 };
    static const char *const names[SUITES][2] = {
        {"aes256gcm16", NULL}, {"aes256", "sha256"}, {"chacha20poly1305", NULL}};
    static struct twins t[EACH * SUITES + 1];
    static struct seal_op ops[EACH * SUITES + 1];
    enum err results[EACH * SUITES + 1];
    struct crypto *c = make();

    for (size_t i = 0; i < EACH * SUITES; i++) {
        const char *const *name = names[i % SUITES];

        twins_draw(c, &t[i], i, encr_suite_named(name[0], strlen(name[0])),
                   name[1] ? integ_suite_named(name[1], strlen(name[1])) : NULL);
        ops[i] = t[i].quick.op;
    }
    /* One that no cipher can take. */
    twins_draw(c, &t[EACH * SUITES], 1, encr_suite(12, 256), integ_suite(12));
    ops[EACH * SUITES] = t[EACH * SUITES].quick.op;
    ops[EACH * SUITES].text_len = 33;
    crypto_seal_batch(c, ops, EACH * SUITES + 1, results);
    for (size_t i = 0; i < EACH * SUITES; i++) {
        ck_assert_ok(results[i]);
        ck_assert_ok(c->class->seal(c, &t[i].plain.op));
        must_be_equal(&t[i], i);
    }
    ck_assert_int_eq(results[EACH * SUITES], ERR_LENGTH);
    must_be_equal(&t[EACH * SUITES], 1);
    for (size_t i = 0; i <= EACH * SUITES; i++)
        twins_forget(c, &t[i]);
    crypto_destroy(c);
}
END_TEST

/* The modelled provider has no engine: its batches are one after the other. */
START_TEST(the_modelled_provider_has_batches_too)
{
    static struct twins t[3];
    static struct seal_op ops[3];
    enum err results[3];
    struct crypto *c = crypto_modelled_create(&meter);

    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_null(c->class->expanded_len);
    for (size_t i = 0; i < 3; i++) {
        packet_draw(&t[i].plain, i, encr_suite(20, 256), NULL);
        packet_draw(&t[i].quick, i, encr_suite(20, 256), NULL);
        ops[i] = t[i].quick.op;
    }
    crypto_seal_batch(c, ops, 3, results);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ok(results[i]);
        ck_assert_ok(c->class->seal(c, &t[i].plain.op));
        must_be_equal(&t[i], i);
    }
    ops[1].icv[0] ^= 1;
    crypto_open_batch(c, ops, 3, results);
    ck_assert_int_eq(results[0], OK);
    ck_assert_int_eq(results[1], ERR_ICV);
    ck_assert_int_eq(results[2], OK);
    crypto_destroy(c);
}
END_TEST

/* What people are told is what computes. */
START_TEST(the_best_engine_is_the_one_that_is_named)
{
    static const char *const words[] = {"OpenSSL", ", SSE",    ", AVX",
                                        ", AVX2",  ", AVX512", ", AVX512 with VAES"};
    struct crypto *c = make();
    enum crypto_engine best = c->class->engine_limit(c, CRYPTO_VAES);
    const char *by = crypto_packets_by(), *at = strstr(by, words[best]);

    ck_assert_msg(at != NULL, "%s", by);
    if (best != CRYPTO_OPENSSL)
        ck_assert_str_eq(at, words[best]);
    ck_assert_int_eq(c->class->engine_limit(c, CRYPTO_OPENSSL), CRYPTO_OPENSSL);
    crypto_destroy(c);
}
END_TEST

SUITE("crypto_expanded", expanded_keys_give_the_bytes_of_openssl, batches_give_the_bytes_of_openssl,
      a_kept_key_goes_both_ways, a_batch_may_mix_suites, the_modelled_provider_has_batches_too,
      the_best_engine_is_the_one_that_is_named)
