/*
 * Expanded keys of the real provider, and many packets at once: both are libipsec-mb's where it is
 * there (crypto/multibuffer.h). It is made when a key is first to be expanded: a run without ESP
 * never needs it. Whatever it does not take is OpenSSL's, with the same bytes and the same ticks.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/tick.h"

#include <pthread.h>
#include <stdio.h>

/* CBC: fewer packets than this leave most lanes of the library empty, and OpenSSL is quicker. */
enum { COMPANY_MIN = 4 };

static const char *const engine_names[] = {
    [CRYPTO_OPENSSL] = "",  [CRYPTO_SSE] = "SSE",       [CRYPTO_AVX] = "AVX",
    [CRYPTO_AVX2] = "AVX2", [CRYPTO_AVX512] = "AVX512",
};

static char packets_by[64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void name_packets_by(void)
{
    enum crypto_engine best = multibuffer_best();

    if (best == CRYPTO_OPENSSL)
        snprintf(packets_by, sizeof packets_by, "OpenSSL %s",
                 OpenSSL_version(OPENSSL_VERSION_STRING));
    else
        snprintf(packets_by, sizeof packets_by, "libipsec-mb %s, %s", multibuffer_version(),
                 engine_names[best]);
}

const char *crypto_packets_by(void)
{
    pthread_once(&once, name_packets_by);
    return packets_by;
}

static struct multibuffer *multibuffer_of(struct openssl_crypto *c)
{
    if (!c->multibuffer_tried)
        c->multibuffer = multibuffer_create(c->most);
    c->multibuffer_tried = true;
    return c->multibuffer;
}

enum crypto_engine openssl_engine_limit(struct crypto *base, enum crypto_engine most)
{
    struct openssl_crypto *c = openssl_of(base);

    multibuffer_destroy(c->multibuffer);
    c->multibuffer = NULL;
    c->multibuffer_tried = false;
    c->most = most;
    return multibuffer_of(c) ? multibuffer_engine(c->multibuffer) : CRYPTO_OPENSSL;
}

size_t openssl_expanded_len(struct crypto *base, const struct encr_suite *encr,
                            const struct integ_suite *integ)
{
    return multibuffer_of(openssl_of(base)) ? multibuffer_expanded_len(encr, integ) : 0;
}

void openssl_expand(struct crypto *base, const struct seal_key *key, void *room)
{
    struct multibuffer *m = openssl_of(base)->multibuffer;

    ASSERT(m && (uintptr_t)room % SEAL_EXPANDED_ALIGN == 0);
    multibuffer_expand(m, key, room);
}

static void tick_seal(struct crypto *c, const struct seal_op *op)
{
    tick_cipher(c, op);
    if (op->key->integ)
        tick_integ(c, op);
}

/* Of a cipher with a MAC what came out matters: a bad ICV ends the work before the cipher. */
static void tick_open(struct crypto *c, const struct seal_op *op, enum err result)
{
    if (op->key->integ)
        tick_integ(c, op);
    if (op->key->encr->aead || result == OK)
        tick_cipher(c, op);
}

static bool quick(const struct seal_op *op)
{
    return op->expanded && seal_op_valid(op) && multibuffer_takes(op);
}

enum err openssl_seal_one(struct crypto *base, const struct seal_op *op)
{
    enum err result;

    if (!quick(op) || !multibuffer_quick_alone(op))
        return openssl_seal(base, op);
    tick_seal(base, op);
    multibuffer_seal(openssl_of(base)->multibuffer, &op, 1, &result);
    return result;
}

enum err openssl_open_one(struct crypto *base, const struct seal_op *op)
{
    enum err result;

    if (!quick(op) || !multibuffer_quick_alone(op))
        return openssl_open(base, op);
    multibuffer_open(openssl_of(base)->multibuffer, &op, 1, &result);
    tick_open(base, op, result);
    return result;
}

/* Those of a batch that libipsec-mb computes, and their places in it. */
struct chosen {
    const struct seal_op *ops[SEAL_BATCH_MAX];
    enum err results[SEAL_BATCH_MAX];
    uint8_t place[SEAL_BATCH_MAX];
    size_t count;
};

static void choose(struct chosen *chosen, const struct seal_op *ops, size_t count)
{
    size_t together = 0;

    for (size_t i = 0; i < count; i++)
        together += quick(&ops[i]) && !multibuffer_quick_alone(&ops[i]);
    chosen->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (!quick(&ops[i]) || (together < COMPANY_MIN && !multibuffer_quick_alone(&ops[i])))
            continue;
        chosen->ops[chosen->count] = &ops[i];
        chosen->place[chosen->count++] = (uint8_t)i;
    }
}

static void seal_some(struct crypto *base, const struct seal_op *ops, size_t count,
                      enum err *results)
{
    struct chosen chosen;

    choose(&chosen, ops, count);
    if (chosen.count > 0)
        multibuffer_seal(openssl_of(base)->multibuffer, chosen.ops, chosen.count, chosen.results);
    for (size_t i = 0, next = 0; i < count; i++) {
        if (next == chosen.count || chosen.place[next] != i) {
            results[i] = openssl_seal(base, &ops[i]);
            continue;
        }
        tick_seal(base, &ops[i]);
        results[i] = chosen.results[next++];
    }
}

static void open_some(struct crypto *base, const struct seal_op *ops, size_t count,
                      enum err *results)
{
    struct chosen chosen;

    choose(&chosen, ops, count);
    if (chosen.count > 0)
        multibuffer_open(openssl_of(base)->multibuffer, chosen.ops, chosen.count, chosen.results);
    for (size_t i = 0, next = 0; i < count; i++) {
        if (next == chosen.count || chosen.place[next] != i) {
            results[i] = openssl_open(base, &ops[i]);
            continue;
        }
        results[i] = chosen.results[next++];
        tick_open(base, &ops[i], results[i]);
    }
}

void openssl_seal_batch(struct crypto *base, const struct seal_op *ops, size_t count,
                        enum err *results)
{
    for (size_t done = 0; done < count; done += SEAL_BATCH_MAX)
        seal_some(base, ops + done, count - done < SEAL_BATCH_MAX ? count - done : SEAL_BATCH_MAX,
                  results + done);
}

void openssl_open_batch(struct crypto *base, const struct seal_op *ops, size_t count,
                        enum err *results)
{
    for (size_t done = 0; done < count; done += SEAL_BATCH_MAX)
        open_some(base, ops + done, count - done < SEAL_BATCH_MAX ? count - done : SEAL_BATCH_MAX,
                  results + done);
}
