/* Sealing of both providers: round trips of every suite and size, tampering, meters, RFC examples.
 */
#include "crypto/provider.h"
#include "hex.h"
#include "suite.h"

enum { TEXT_MAX = 1504, AAD_LEN = 12, TAIL_LEN = 4 };

/* One sealed packet with everything it refers to. */
struct packet {
    struct seal_key key;
    struct seal_op op;
    uint8_t encr_key[ENCR_KEY_MAX], integ_key[INTEG_KEY_MAX];
    uint8_t aad[AAD_LEN], tail[TAIL_LEN], iv[IV_MAX], text[TEXT_MAX], icv[ICV_MAX];
    uint8_t plain[TEXT_MAX];
};

static struct meter meter;

static struct crypto *make(bool real)
{
    struct crypto *c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);

    ck_assert_ptr_nonnull(c);
    return c;
}

static void packet_fill(struct packet *p, const struct encr_suite *encr,
                        const struct integ_suite *integ, size_t len)
{
    struct rng r = rng_stream(len, encr->iana, RNG_TEST);

    memset(p, 0, sizeof *p);
    rng_fill(&r, p->encr_key, sizeof p->encr_key);
    rng_fill(&r, p->integ_key, sizeof p->integ_key);
    rng_fill(&r, p->aad, sizeof p->aad);
    rng_fill(&r, p->tail, sizeof p->tail);
    rng_fill(&r, p->iv, sizeof p->iv);
    rng_fill(&r, p->text, sizeof p->text);
    memcpy(p->plain, p->text, sizeof p->plain);
    p->key = (struct seal_key){encr, integ, p->encr_key, integ ? p->integ_key : NULL};
    p->op = (struct seal_op){
        .key = &p->key,
        .aad = bytes_of(p->aad, AAD_LEN),
        .tail = integ ? bytes_of(p->tail, TAIL_LEN) : BYTES_NONE,
        .iv = p->iv,
        .text = p->text,
        .text_len = len,
        .icv = p->icv,
    };
}

/* Call `with` for every AEAD, and for every plain cipher with every MAC. */
static void each_suite(struct crypto *c, void (*with)(struct crypto *, const struct encr_suite *,
                                                      const struct integ_suite *))
{
    size_t encrs, integs;
    const struct encr_suite *encr = encr_suites(&encrs);
    const struct integ_suite *integ = integ_suites(&integs);

    for (size_t i = 0; i < encrs; i++) {
        if (encr[i].aead) {
            with(c, &encr[i], NULL);
            continue;
        }
        for (size_t k = 0; k < integs; k++)
            with(c, &encr[i], &integ[k]);
    }
}

static void round_trip(struct crypto *c, const struct encr_suite *encr,
                       const struct integ_suite *integ)
{
    static const size_t lens[] = {250, 576, 1400, 1500};
    static struct packet p;

    for (size_t i = 0; i < 66 + 4; i++) {
        size_t len = i < 66 ? i : lens[i - 66];

        if (len % encr->block_len != 0)
            continue;
        packet_fill(&p, encr, integ, len);
        ck_assert_ok(c->class->seal(c, &p.op));
        if (encr->meter != METER_COUNT && len >= 8)
            ck_assert_mem_ne(p.text, p.plain, len);
        /* Nothing beyond the text and the ICV is touched. */
        ck_assert_mem_eq(p.text + len, p.plain + len, TEXT_MAX - len);
        for (size_t k = seal_icv_len(&p.key); k < ICV_MAX; k++)
            ck_assert_uint_eq(p.icv[k], 0);
        ck_assert_ok(c->class->open(c, &p.op));
        ck_assert_mem_eq(p.text, p.plain, TEXT_MAX);
    }
}

START_TEST(what_is_sealed_opens_again)
{
    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        each_suite(c, round_trip);
        crypto_destroy(c);
    }
}
END_TEST

/* Open must fail; the text is then unchanged or zeroed, and certainly not the plaintext. */
static void must_fail(struct crypto *c, struct packet *p)
{
    uint8_t before[TEXT_MAX], zeros[TEXT_MAX] = {0};
    size_t len = p->op.text_len;

    memcpy(before, p->text, len);
    ck_assert_int_eq(c->class->open(c, &p->op), ERR_ICV);
    ck_assert(memcmp(p->text, before, len) == 0 || memcmp(p->text, zeros, len) == 0);
    memcpy(p->text, before, len);
}

static void flip_each_bit(struct crypto *c, struct packet *p, uint8_t *field, size_t len)
{
    for (size_t bit = 0; bit < 8 * len; bit++) {
        field[bit / 8] ^= (uint8_t)(1 << bit % 8);
        must_fail(c, p);
        field[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void tamper(struct crypto *c, const struct encr_suite *encr, const struct integ_suite *integ)
{
    static struct packet p;
    const size_t len = 32;

    packet_fill(&p, encr, integ, len);
    ck_assert_ok(c->class->seal(c, &p.op));
    flip_each_bit(c, &p, p.text, len);
    flip_each_bit(c, &p, p.aad, AAD_LEN);
    flip_each_bit(c, &p, p.icv, seal_icv_len(&p.key));
    flip_each_bit(c, &p, p.iv, encr_iv_len(encr));
    if (encr->aead)
        flip_each_bit(c, &p, p.encr_key, (size_t)encr->key_len + encr->salt_len);
    else {
        flip_each_bit(c, &p, p.tail, TAIL_LEN);
        flip_each_bit(c, &p, p.integ_key, integ->key_len);
    }
    p.op.aad.len--;
    must_fail(c, &p);
    p.op.aad.len++;
    p.op.text_len -= encr->block_len;
    must_fail(c, &p);
    p.op.text_len += encr->block_len;
    ck_assert_ok(c->class->open(c, &p.op));
    ck_assert_mem_eq(p.text, p.plain, TEXT_MAX);
}

START_TEST(every_flipped_bit_is_noticed)
{
    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        each_suite(c, tamper);
        crypto_destroy(c);
    }
}
END_TEST

START_TEST(text_that_is_no_whole_block_is_refused)
{
    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);
        static struct packet p;

        packet_fill(&p, encr_suite(12, 256), integ_suite(12), 33);
        ck_assert_int_eq(c->class->seal(c, &p.op), ERR_LENGTH);
        ck_assert_int_eq(c->class->open(c, &p.op), ERR_LENGTH);
        ck_assert_mem_eq(p.text, p.plain, TEXT_MAX);
        crypto_destroy(c);
    }
}
END_TEST

/* Suites of one cipher share no state: interleaved packets come out as alone. */
START_TEST(order_of_operations_does_not_matter)
{
    struct crypto *c = make(true);
    static struct packet a, b, again;

    packet_fill(&a, encr_suite(16, 256), NULL, 100);
    packet_fill(&again, encr_suite(16, 256), NULL, 100);
    packet_fill(&b, encr_suite(16, 256), NULL, 64);
    ck_assert_ok(c->class->seal(c, &a.op));
    ck_assert_ok(c->class->seal(c, &b.op));
    b.icv[0] ^= 1;
    must_fail(c, &b);
    ck_assert_ok(c->class->seal(c, &again.op));
    ck_assert_mem_eq(a.text, again.text, TEXT_MAX);
    ck_assert_mem_eq(a.icv, again.icv, ICV_MAX);
    crypto_destroy(c);
}
END_TEST

/* The same work on both providers; what the meters hold must be equal. */
static void work(struct crypto *c, struct meter *out)
{
    const struct bytes parts[] = {bytes_text("abc"), bytes_text("defgh")};
    uint8_t mac[PRF_OUT_MAX], shared[KE_SHARED_MAX];
    size_t count;
    const struct ke_suite *ke = ke_suites(&count);
    const struct prf_suite *prf;

    meter_clear(&meter);
    for (size_t i = 0; i < count; i++) {
        struct ke_pair a, b;

        ck_assert_ok(c->class->ke_generate(c, &ke[i], rng_stream(1, i, RNG_TEST), &a));
        ck_assert_ok(c->class->ke_generate(c, &ke[i], rng_stream(2, i, RNG_TEST), &b));
        ck_assert_ok(c->class->ke_derive(c, &a, bytes_of(b.public, ke[i].public_len), shared));
        ck_assert_int_eq(c->class->ke_derive(c, &a, bytes_of(b.public, 3), shared),
                         ERR_KEY_EXCHANGE);
    }
    prf = prf_suites(&count);
    for (size_t i = 0; i < count; i++)
        ck_assert_ok(c->class->prf(c, &prf[i], bytes_text("key"), parts, 2, mac));
    ck_assert_ok(c->class->sha1(c, parts, 2, mac));
    each_suite(c, round_trip);
    each_suite(c, tamper);
    *out = meter;
}

START_TEST(both_providers_tick_the_same)
{
    static struct meter real, modelled;
    struct crypto *r = make(true), *m = make(false);

    work(r, &real);
    work(m, &modelled);
    for (int op = 0; op < METER_COUNT; op++) {
        ck_assert_msg(real.count[op] == modelled.count[op], "%s", meter_name(op));
        ck_assert_msg(real.bytes[op] == modelled.bytes[op], "%s", meter_name(op));
        /* Signatures tick in test_crypto_sign.c. */
        if (op <= METER_KE_DERIVE_X448 || (op >= METER_PRF && op <= METER_INTEG_AES))
            ck_assert_msg(real.count[op] > 0, "%s", meter_name(op));
    }
    ck_assert_uint_eq(real.count[METER_PRF], 6);
    ck_assert_uint_eq(real.bytes[METER_PRF], 6 * 8);
    ck_assert_uint_eq(real.bytes[METER_HASH_SHA1], 8);
    ck_assert(r->class->secure && !m->class->secure);
    ck_assert_str_eq(r->class->name, "real");
    ck_assert_str_eq(m->class->name, "modelled");
    crypto_destroy(r);
    crypto_destroy(m);
}
END_TEST

/* RFC 3686 §6, test vector 1: AES-128-CTR; the MAC is not part of it. */
START_TEST(ctr_as_in_rfc3686)
{
    struct crypto *c = make(true);
    static struct packet p;

    packet_fill(&p, encr_suite(13, 128), integ_suite(12), 16);
    unhex("ae6852f8121067cc4bf7a5765577f39e00000030", p.encr_key, sizeof p.encr_key);
    unhex("0000000000000000", p.iv, sizeof p.iv);
    unhex("53696e676c6520626c6f636b206d7367", p.text, sizeof p.text);
    ck_assert_ok(c->class->seal(c, &p.op));
    assert_hex(bytes_of(p.text, 16), "e4095d4fb7a7b3792d6175a3261311b8");
    crypto_destroy(c);
}
END_TEST

/* RFC 3602 §4, case 1: AES-128-CBC of one block. */
START_TEST(cbc_as_in_rfc3602)
{
    struct crypto *c = make(true);
    static struct packet p;

    packet_fill(&p, encr_suite(12, 128), integ_suite(2), 16);
    unhex("06a9214036b8a15b512e03d534120006", p.encr_key, sizeof p.encr_key);
    unhex("3dafba429d9eb430b422da802c9fac41", p.iv, sizeof p.iv);
    memcpy(p.text, "Single block msg", 16);
    ck_assert_ok(c->class->seal(c, &p.op));
    assert_hex(bytes_of(p.text, 16), "e353779c1079aeb82708942dbe77181a");
    crypto_destroy(c);
}
END_TEST

/* GCM of no text under a zero key and nonce (McGrew and Viega, test case 1). */
START_TEST(gcm_of_nothing)
{
    struct crypto *c = make(true);
    static struct packet p;

    packet_fill(&p, encr_suite(20, 128), NULL, 0);
    memset(p.encr_key, 0, sizeof p.encr_key);
    memset(p.iv, 0, sizeof p.iv);
    p.op.aad = BYTES_NONE;
    p.op.text = NULL;
    ck_assert_ok(c->class->seal(c, &p.op));
    assert_hex(bytes_of(p.icv, 16), "58e2fccefa7e3061367f1d57a4e7455a");
    ck_assert_ok(c->class->open(c, &p.op));
    crypto_destroy(c);
}
END_TEST

SUITE("crypto_seal", what_is_sealed_opens_again, every_flipped_bit_is_noticed,
      text_that_is_no_whole_block_is_refused, order_of_operations_does_not_matter,
      both_providers_tick_the_same, ctr_as_in_rfc3686, cbc_as_in_rfc3602, gcm_of_nothing)
