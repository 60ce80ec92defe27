/*
 * crypto: single operations of the real provider, called as the protocol calls them, through its
 * class record. Keys and random streams are fixed. The bound is the same operation through
 * the library with everything kept that can be; what lies between is our checks, our repeatable
 * randomness and the import of raw keys.
 *
 *   crypto/generate/KE   a key pair
 *   crypto/derive/KE     the shared secret, the peer's public value checked
 *   crypto/sign/ALG      over a text as long as what AUTH covers; ECDSA as r | s
 *   crypto/verify/ALG
 *   crypto/prf/BYTES     HMAC-SHA2-256 under a key of 32 bytes
 *   crypto/seal/BYTES    AES-256-GCM as in SK {}, with 32 bytes of header authenticated
 *   crypto/open/BYTES    the same back, and a copy of the text
 *   crypto/sha1/BYTES    as in NAT detection
 */
#include "bench/row.h"
#include "crypto/work.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SIGNED = 500,  /* bytes: an IKE_SA_INIT message, a nonce and a prf (RFC 7296 §2.15) */
    SK_HEADER = 32 /* IKE header and generic header of SK (RFC 5282 §5.1) */
};

enum operation { GENERATE, DERIVE, SIGN, VERIFY, PRF, SEAL, OPEN, SHA1 };

static const struct {
    const char *name;
    void (*once)(struct crypto_work *);
} operations[] = {
    [GENERATE] = {"generate", crypto_work_generate},
    [DERIVE] = {"derive", crypto_work_derive},
    [SIGN] = {"sign", crypto_work_sign},
    [VERIFY] = {"verify", crypto_work_verify},
    [PRF] = {"prf", crypto_work_prf},
    [SEAL] = {"seal", crypto_work_seal},
    [OPEN] = {"open", crypto_work_open},
    [SHA1] = {"sha1", crypto_work_sha1},
};

static const struct {
    const char *name;
    bool quick;
} exchanges[] = {{"x25519", true}, {"ecp256", true},    {"ecp384", false},   {"ecp521", false},
                 {"x448", false},  {"modp2048", false}, {"modp3072", false}, {"modp4096", false}};

static const struct {
    const char *name, *suite;
    unsigned rsa_bits;
    bool quick;
} algorithms[] = {{"ecdsa256", "ecdsa-256", 0, true},
                  {"ecdsa384", "ecdsa-384", 0, false},
                  {"ed25519", "ed25519", 0, false},
                  {"rsa2048", "rsa-sha256", 2048, false},
                  {"rsa3072", "rsa-sha256", 3072, false}};

static const struct {
    enum operation operation;
    unsigned bytes;
    bool quick;
} lengths[] = {
    {PRF, 64, true}, {PRF, 500, false}, {SEAL, 250, true}, {OPEN, 250, false}, {SHA1, 22, false}};

/* row.number: the operation, and the place in its table (exchanges, algorithms, lengths). */
enum { OPERATION, PLACE };

struct bench {
    struct meter meter;
    struct crypto_work work;
    void (*once)(struct crypto_work *);
    uint64_t operations;
    double unit_ns;
    uint8_t header[SK_HEADER];
};

/* The slow ones are told in microseconds. */
static bool asymmetric(enum operation o)
{
    return o == GENERATE || o == DERIVE || o == SIGN || o == VERIFY;
}

static void prepare(struct bench *b, const struct row *row)
{
    struct crypto_work *w = &b->work;
    uint32_t place = row->number[PLACE];

    switch ((enum operation)row->number[OPERATION]) {
    case GENERATE:
    case DERIVE:
        crypto_work_ke(w, ke_suite_named(exchanges[place].name, strlen(exchanges[place].name)));
        break;
    case SIGN:
    case VERIFY:
        w->len = SIGNED;
        crypto_work_key(w,
                        sign_suite_named(algorithms[place].suite, strlen(algorithms[place].suite)),
                        algorithms[place].rsa_bits);
        break;
    case PRF:
    case SHA1:
        w->len = lengths[place].bytes;
        break;
    case SEAL:
    case OPEN:
        w->len = lengths[place].bytes;
        crypto_work_suite(w, encr_suite(20, 256), NULL);
        w->op.aad = bytes_of(b->header, SK_HEADER);
        crypto_work_seal_keep(w);
        break;
    }
}

static void close_bench(void *state)
{
    struct bench *b = state;

    crypto_work_key_reset(&b->work);
    crypto_destroy(b->work.crypto);
    free(b);
}

static void *open_bench(struct row *row, const char **why)
{
    struct bench *b = calloc(1, sizeof *b);

    *why = "out of memory";
    if (!b)
        return NULL;
    b->once = operations[row->number[OPERATION]].once;
    b->unit_ns = asymmetric((enum operation)row->number[OPERATION]) ? 1e3 : 1;
    b->work.crypto = crypto_openssl_plain_create(&b->meter);
    if (b->work.crypto) {
        prepare(b, row);
        *why = "the library refused to make the keys";
        if (b->work.error == OK)
            return b;
    }
    close_bench(b);
    return NULL;
}

static void repeat(void *state)
{
    struct bench *b = state;

    for (uint64_t i = 0; i < b->operations; i++)
        b->once(&b->work);
}

static enum err run_bench(void *state, uint64_t count, double *value)
{
    struct bench *b = state;
    uint64_t ns = 0;

    b->operations = count;
    measured(repeat, b, &ns);
    *value = (double)ns / b->unit_ns;
    return b->work.error;
}

static const struct family crypto_family = {
    .name = "crypto",
    .help = "single operations of the crypto provider: generate/KE derive/KE sign/ALG verify/ALG "
            "prf/BYTES seal/BYTES open/BYTES sha1/BYTES",
    .open = open_bench,
    .run = run_bench,
    .close = close_bench,
};

/* `what`: "x25519", "64". */
static void add(struct rows *rows, enum operation o, uint32_t place, const char *what, bool quick)
{
    struct row *row = rows_add(rows, &crypto_family, "crypto/%s/%s", operations[o].name, what);

    row->unit = asymmetric(o) ? "us" : "ns";
    row->bound_program = "ikelab-bound-crypto";
    snprintf(row->bound_row, sizeof row->bound_row, "%s/%s", operations[o].name, what);
    row->bound_name = "the same operation alone";
    row->quick = quick;
    row->number[OPERATION] = o;
    row->number[PLACE] = place;
    /* A generated RSA key takes minutes where instructions are counted. */
    row->counted = !asymmetric(o) || o == GENERATE || o == DERIVE || !algorithms[place].rsa_bits;
}

void crypto_rows(struct rows *rows)
{
    for (uint32_t i = 0; i < sizeof exchanges / sizeof *exchanges; i++) {
        add(rows, GENERATE, i, exchanges[i].name, exchanges[i].quick);
        add(rows, DERIVE, i, exchanges[i].name, exchanges[i].quick);
    }
    for (uint32_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        add(rows, SIGN, i, algorithms[i].name, algorithms[i].quick);
        add(rows, VERIFY, i, algorithms[i].name, algorithms[i].quick);
    }
    for (uint32_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char bytes[16];

        snprintf(bytes, sizeof bytes, "%u", lengths[i].bytes);
        add(rows, lengths[i].operation, i, bytes, lengths[i].quick);
    }
}
