/*
 * Expanded keys of the real provider, and many packets at once: both are libipsec-mb's where it is
 * there (crypto/multibuffer.h). It is made when a key is first to be expanded: a run without ESP
 * never needs it. Whatever it does not take is OpenSSL's, with the same bytes and the same ticks.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/engine.h"
#include "crypto/tick.h"

/* CBC: fewer packets than this leave most lanes of the library empty, and OpenSSL is quicker. */
enum { COMPANY_MIN = 4 };

static struct multibuffer *multibuffer_of(struct openssl_crypto *c)
{
    if (!c->multibuffer_tried)
        c->multibuffer = multibuffer_create(crypto_engine_limited(c->most));
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

static inline bool quick(const struct seal_op *op)
{
    return op->expanded && seal_op_valid(op) && multibuffer_takes(op);
}

static enum err one(struct crypto *base, const struct seal_op *op, bool open)
{
    struct multibuffer *m = openssl_of(base)->multibuffer;
    enum err result;

    if (open) {
        result = multibuffer_open_one(m, op);
        tick_open(base, op, result);
        return result;
    }
    tick_seal(base, op);
    return multibuffer_seal_one(m, op);
}

enum err openssl_seal_one(struct crypto *base, const struct seal_op *op)
{
    return quick(op) && !multibuffer_wants_company(op) ? one(base, op, false)
                                                       : openssl_seal(base, op);
}

enum err openssl_open_one(struct crypto *base, const struct seal_op *op)
{
    return quick(op) && !multibuffer_wants_company(op) ? one(base, op, true)
                                                       : openssl_open(base, op);
}

/* Those of a batch that libipsec-mb computes together, and their places in it. */
struct queue {
    const struct seal_op *ops[SEAL_BATCH_MAX];
    enum err results[SEAL_BATCH_MAX];
    uint8_t place[SEAL_BATCH_MAX];
    size_t count, lonely; /* those that want company */
};

static void queue_add(struct queue *q, const struct seal_op *op, size_t place)
{
    q->ops[q->count] = op;
    q->place[q->count++] = (uint8_t)place;
    q->lonely += multibuffer_wants_company(op);
}

/* Too few to fill the lanes: OpenSSL has them. */
static void queue_drop_lonely(struct crypto *base, struct queue *q, bool open, enum err *results)
{
    size_t kept = 0;

    for (size_t i = 0; i < q->count; i++) {
        const struct seal_op *op = q->ops[i];

        if (multibuffer_wants_company(op)) {
            results[q->place[i]] = open ? openssl_open(base, op) : openssl_seal(base, op);
            continue;
        }
        q->ops[kept] = op;
        q->place[kept++] = q->place[i];
    }
    q->count = kept;
}

static void queue_run(struct crypto *base, struct queue *q, bool open, enum err *results)
{
    struct multibuffer *m = openssl_of(base)->multibuffer;

    if (q->lonely > 0 && q->lonely < COMPANY_MIN)
        queue_drop_lonely(base, q, open, results);
    if (open)
        multibuffer_open(m, q->ops, q->count, q->results);
    else
        multibuffer_seal(m, q->ops, q->count, q->results);
    for (size_t i = 0; i < q->count; i++) {
        results[q->place[i]] = q->results[i];
        if (open)
            tick_open(base, q->ops[i], q->results[i]);
        else
            tick_seal(base, q->ops[i]);
    }
}

static inline void some(struct crypto *base, const struct seal_op *ops, size_t count, bool open,
                        enum err *results)
{
    struct queue q;

    q.count = q.lonely = 0;
    for (size_t i = 0; i < count; i++) {
        const struct seal_op *op = &ops[i];

        if (!quick(op))
            results[i] = open ? openssl_open(base, op) : openssl_seal(base, op);
        else if (multibuffer_at_once(op))
            results[i] = one(base, op, open);
        else
            queue_add(&q, op, i);
    }
    if (q.count > 0)
        queue_run(base, &q, open, results);
}

static size_t part(size_t left)
{
    return left < SEAL_BATCH_MAX ? left : SEAL_BATCH_MAX;
}

void openssl_seal_batch(struct crypto *base, const struct seal_op *ops, size_t count,
                        enum err *results)
{
    for (size_t done = 0; done < count; done += SEAL_BATCH_MAX)
        some(base, ops + done, part(count - done), false, results + done);
}

void openssl_open_batch(struct crypto *base, const struct seal_op *ops, size_t count,
                        enum err *results)
{
    for (size_t done = 0; done < count; done += SEAL_BATCH_MAX)
        some(base, ops + done, part(count - done), true, results + done);
}
