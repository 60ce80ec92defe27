#include "crypto/cost_measure.h"

#include "crypto/openssl_headers.h"
#include "crypto/sign_key.h"
#include "crypto/work.h"
#include "crypto/x509_shelf.h"

#include <stdlib.h>
#include <time.h>

enum { WINDOWS = 9, SMALL = 64, LARGE = CRYPTO_WORK_TEXT_MAX, SIGNED = 512 };

/* Reading and checking a certificate, beside what crypto/work.h has. */
struct path {
    struct crypto_work work; /* the first member: operations are handed this */
    struct bytes der;
    struct x509_cert *cert;
    struct x509_anchors *anchors;
};

static nsec thread_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (nsec)t.tv_sec * NSEC_PER_S + (nsec)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Picoseconds for one call: the median of nine windows. */
static uint64_t measure(struct crypto_work *w, void (*once)(struct crypto_work *), nsec window_ns)
{
    uint64_t windows[WINDOWS];

    once(w);
    for (int i = 0; i < WINDOWS; i++) {
        nsec start = thread_time(), used = 0;
        uint64_t calls = 0;

        while (used < window_ns) {
            for (int k = 0; k < 4; k++)
                once(w);
            calls += 4;
            used = thread_time() - start;
        }
        windows[i] = used * 1000 / calls;
    }
    qsort(windows, WINDOWS, sizeof *windows, by_value);
    return windows[WINDOWS / 2];
}

/* A straight line through the two sizes, which never prices an operation below nothing. */
static struct cost_price line(uint64_t small, uint64_t large)
{
    uint64_t slope = large > small ? (large - small) / (LARGE - SMALL) : 0;
    uint64_t fixed = small > slope * SMALL ? small - slope * SMALL : 0;

    return (struct cost_price){(uint32_t)((fixed + 500) / 1000), (uint32_t)slope};
}

static uint64_t at_size(struct crypto_work *w, void (*once)(struct crypto_work *), size_t len,
                        nsec window_ns)
{
    w->len = len;
    return measure(w, once, window_ns);
}

static struct cost_price by_size(struct crypto_work *w, void (*once)(struct crypto_work *),
                                 nsec window_ns)
{
    uint64_t small = at_size(w, once, SMALL, window_ns);

    return line(small, at_size(w, once, LARGE, window_ns));
}

static struct cost_price seal_price(struct crypto_work *w, const struct encr_suite *encr,
                                    const struct integ_suite *integ, nsec window_ns)
{
    crypto_work_suite(w, encr, integ);
    return by_size(w, crypto_work_seal, window_ns);
}

/* The cipher of an encrypt-then-MAC suite alone: with the MAC, less the MAC. */
static struct cost_price less(struct cost_price both, struct cost_price mac)
{
    return (struct cost_price){
        both.per_op_ns > mac.per_op_ns ? both.per_op_ns - mac.per_op_ns : 0,
        both.per_byte_ps > mac.per_byte_ps ? both.per_byte_ps - mac.per_byte_ps : 0,
    };
}

static uint32_t nanoseconds(struct crypto_work *w, void (*once)(struct crypto_work *),
                            nsec window_ns)
{
    return (uint32_t)(measure(w, once, window_ns) / 1000);
}

static void measure_key_exchange(struct crypto_work *w, struct cost_table *out, nsec window_ns)
{
    size_t count;
    const struct ke_suite *all = ke_suites(&count);

    for (size_t i = 0; i < count; i++) {
        crypto_work_ke(w, &all[i]);
        out->price[all[i].generate].per_op_ns = nanoseconds(w, crypto_work_generate, window_ns);
        out->price[all[i].derive].per_op_ns = nanoseconds(w, crypto_work_derive, window_ns);
    }
}

static void measure_packets(struct crypto_work *w, struct cost_table *out, nsec window_ns)
{
    const struct encr_suite *null = encr_suite(11, 0);
    struct cost_price *p = out->price;

    p[METER_CIPHER_AES_GCM] = seal_price(w, encr_suite(20, 256), NULL, window_ns);
    p[METER_CIPHER_AES_CCM] = seal_price(w, encr_suite(16, 256), NULL, window_ns);
    p[METER_INTEG_HMAC_SHA1] = seal_price(w, null, integ_suite(2), window_ns);
    p[METER_INTEG_HMAC_SHA2] = seal_price(w, null, integ_suite(12), window_ns);
    p[METER_INTEG_AES] = seal_price(w, null, integ_suite(8), window_ns);
    p[METER_CIPHER_AES_CTR] = less(seal_price(w, encr_suite(13, 256), integ_suite(12), window_ns),
                                   p[METER_INTEG_HMAC_SHA2]);
    p[METER_CIPHER_AES_CBC] = less(seal_price(w, encr_suite(12, 256), integ_suite(12), window_ns),
                                   p[METER_INTEG_HMAC_SHA2]);
    /* Last: OpenSSL's ChaCha20 leaves vector registers in a state in which its SHA-1 is slower. */
    p[METER_CIPHER_CHACHA20] = seal_price(w, encr_suite(28, 0), NULL, window_ns);
}

/* Not by the provider, which would remember it. */
static void load_once(struct crypto_work *w)
{
    struct verify_key key;

    if (verify_key_read(NULL, test_cert_bytes(&w->public), &key) != OK)
        w->error = ERR_CRYPTO;
    verify_key_reset(&key);
}

/* ECDSA as r | s: signing for a drawn DER length repeats, which no daemon does. */
static void measure_signature(struct crypto_work *w, struct cost_table *out, nsec window_ns)
{
    struct cost_price *p = out->price;

    p[sign_meter(&w->sign_key.key)].per_op_ns = nanoseconds(w, crypto_work_sign, window_ns);
    p[verify_meter(&w->verify_key.key)].per_op_ns = nanoseconds(w, crypto_work_verify, window_ns);
    if (w->sign->key == KEY_ECP256)
        p[METER_KEY_LOAD].per_op_ns = nanoseconds(w, load_once, window_ns);
}

static void measure_signatures(struct crypto_work *w, struct cost_table *out, nsec window_ns)
{
    static const struct {
        const char *suite;
        unsigned bits;
    } rows[] = {{"rsa-sha256", 2048}, {"rsa-sha256", 3072}, {"rsa-sha256", 4096}, {"ecdsa-256", 0},
                {"ecdsa-384", 0},     {"ecdsa-521", 0},     {"ed25519", 0},       {"ed448", 0}};

    w->len = SIGNED;
    for (size_t i = 0; w->error == OK && i < sizeof rows / sizeof *rows; i++) {
        crypto_work_key(w, sign_suite_named(rows[i].suite, strlen(rows[i].suite)), rows[i].bits);
        if (w->error == OK)
            measure_signature(w, out, window_ns);
        crypto_work_key_reset(w);
    }
}

/* A certificate that was not seen before. */
static void parse_once(struct crypto_work *w)
{
    struct x509_cert *cert;

    x509_shelf_free(w->crypto->certificates);
    w->crypto->certificates = NULL;
    if (x509_read(w->crypto, ((struct path *)w)->der, &cert) != CERT_VALID)
        w->error = ERR_CRYPTO;
    x509_free(cert);
}

static void check_once(struct crypto_work *w)
{
    struct path *p = (struct path *)w;
    struct x509_check check = {.now_s = 1000};

    if (x509_verify(w->crypto, p->anchors, p->cert, &check) != CERT_VALID)
        w->error = ERR_CRYPTO;
}

/* A CA and a certificate by it, P-256: a path of two checks and one signature. */
static enum err make_certificates(struct test_pki *pki, struct test_cert *root,
                                  struct test_cert *leaf)
{
    struct test_cert_options o = {.common_name = "Root",
                                  .basic_constraints = "critical,CA:TRUE",
                                  .key_usage = "critical,keyCertSign",
                                  .not_after_s = 2000,
                                  .random = rng_stream(5, 1, RNG_TEST)};
    struct test_key key;
    enum err e = test_key_make(pki, KEY_ECP256, 0, rng_stream(5, 2, RNG_TEST), &key);

    if (e != OK)
        return e;
    o.key = test_key_bytes(&key);
    e = test_cert_make(pki, &o, root);
    o.common_name = "gw";
    o.alt_name = "DNS:gw.example.org";
    o.basic_constraints = NULL;
    o.key_usage = "critical,digitalSignature";
    o.issuer_key = o.key;
    o.issuer_cert = test_cert_bytes(root);
    if (e == OK)
        e = test_cert_make(pki, &o, leaf);
    test_key_reset(&key);
    return e;
}

static void measure_path(struct path *p, struct cost_table *out, nsec window_ns)
{
    uint32_t path, signature = out->price[METER_VERIFY_ECDSA256].per_op_ns;

    if (x509_read(p->work.crypto, p->der, &p->cert) != CERT_VALID) {
        p->work.error = ERR_CRYPTO;
        return;
    }
    out->price[METER_CERT_PARSE].per_op_ns = nanoseconds(&p->work, parse_once, window_ns);
    path = nanoseconds(&p->work, check_once, window_ns);
    out->price[METER_CERT_CHECK].per_op_ns = path > signature ? (path - signature) / 2 : 0;
}

static void measure_certificates(struct path *p, struct cost_table *out, nsec window_ns)
{
    struct crypto *crypto = p->work.crypto;
    struct test_pki *pki = test_pki_create();
    struct test_cert root = {NULL, 0}, leaf = {NULL, 0};
    struct x509_cert *anchor = NULL;
    bool made;

    p->anchors = x509_anchors_create();
    made = pki && p->anchors && make_certificates(pki, &root, &leaf) == OK;
    p->der = test_cert_bytes(&leaf);
    if (made && x509_read(crypto, test_cert_bytes(&root), &anchor) == CERT_VALID &&
        x509_anchors_trust(p->anchors, anchor) == CERT_VALID)
        measure_path(p, out, window_ns);
    else
        p->work.error = ERR_CRYPTO;
    x509_free(p->cert);
    x509_free(anchor);
    x509_anchors_free(p->anchors);
    test_cert_reset(&root);
    test_cert_reset(&leaf);
    test_pki_destroy(pki);
}

/*
 * Handling cannot be measured by crypto. A strongSwan responder spends 0.37 to 0.42 ms of CPU per
 * x25519/PSK handshake, of which crypto is under a fifth; the rest is spread over what it handles:
 * two messages in, two out, some sixteen payloads, one pair of child SAs.
 */
static void price_handling(struct cost_table *out)
{
    struct cost_price *p = out->price;

    p[METER_MESSAGE_RECEIVED] = (struct cost_price){75000, 10};
    p[METER_MESSAGE_SENT] = (struct cost_price){60000, 10};
    p[METER_PAYLOAD_PARSED] = (struct cost_price){2000, 10};
    p[METER_SA_INSTALLED] = (struct cost_price){18000, 0};
    p[METER_ESP_IN] = (struct cost_price){1200, 0};
    p[METER_ESP_OUT] = (struct cost_price){1200, 0};
    p[METER_TIMER_FIRED] = (struct cost_price){2000, 0};
    snprintf(
        out->provenance.handling, sizeof out->provenance.handling, "%s",
        "message.*, payload.parsed and sa.installed are not measured but calibrated: with them an "
        "IKEv2 x25519/PSK handshake costs a responder about 0.39 ms of CPU, as measured for "
        "strongSwan 5.9.8 on the same kind of machine (0.37 to 0.42 ms). esp.in and esp.out are "
        "1.2 us a packet beside the cipher, chosen for a kernel data path that carries 0.5 to 0.8 "
        "million packets per second and core; the 8 to 11 us measured through a TUN device are "
        "system calls and hand-overs, which a gateway does not pay. timer.fired: one wake-up and "
        "one queue operation, chosen.");
}

static void say_how(struct cost_table *out, nsec window_ns)
{
    struct cost_provenance *p = &out->provenance;

    snprintf(p->library, sizeof p->library, "%s", OpenSSL_version(OPENSSL_VERSION));
    snprintf(p->compiler, sizeof p->compiler, "%s %s",
#ifdef __clang__
             "clang",
#else
             "gcc",
#endif
             __VERSION__);
    snprintf(p->method, sizeof p->method,
             "real provider, one thread, thread CPU time, median of %d windows of %llu ms; prices "
             "by size from a line through %d and %d bytes; prf is HMAC-SHA2-256, ciphers have "
             "256-bit keys set for each packet, integ.hmac_sha2 is SHA2-256-128, integ.aes_mac is "
             "AES-CMAC-96, random is RAND_bytes of the library, signatures are over 512 bytes",
             WINDOWS, (unsigned long long)(window_ns / NSEC_PER_MS), SMALL, LARGE);
}

enum err cost_measure(struct cost_table *out, nsec window_ns)
{
    struct meter meter;
    struct path *p = calloc(1, sizeof *p);
    enum err e = ERR_MEMORY;

    memset(out, 0, sizeof *out);
    meter_clear(&meter);
    if (!p)
        return ERR_MEMORY;
    p->work.crypto = crypto_openssl_create(&meter);
    if (p->work.crypto) {
        measure_key_exchange(&p->work, out, window_ns);
        measure_signatures(&p->work, out, window_ns);
        measure_certificates(p, out, window_ns);
        out->price[METER_PRF] = by_size(&p->work, crypto_work_prf, window_ns);
        out->price[METER_HASH_SHA1] = by_size(&p->work, crypto_work_sha1, window_ns);
        out->price[METER_RANDOM] = by_size(&p->work, crypto_work_random, window_ns);
        measure_packets(&p->work, out, window_ns);
        price_handling(out);
        say_how(out, window_ns);
        e = p->work.error;
    }
    crypto_destroy(p->work.crypto);
    free(p);
    return e;
}
