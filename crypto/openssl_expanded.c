/*
 * Expanded keys of the real provider, and many packets at once: both are libipsec-mb's where it is
 * there (crypto/multibuffer.h). It is made when a key is first to be expanded: a run without ESP
 * never needs it. Whatever it does not take is OpenSSL's, with the same bytes and the same ticks:
 * keys that it does not expand are kept in contexts of OpenSSL.
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
    size_t tables = multibuffer_of(openssl_of(base)) ? multibuffer_expanded_len(encr, integ) : 0;

    return tables ? tables : sizeof(struct openssl_kept);
}

/* Whether libipsec-mb has tables of such a key; else contexts are kept. */
static bool has_tables(const struct openssl_crypto *c, const struct seal_key *key)
{
    return c->multibuffer && multibuffer_expanded_len(key->encr, key->integ) > 0;
}

bool openssl_expand(struct crypto *base, const struct seal_key *key, void *room)
{
    struct openssl_crypto *c = openssl_of(base);
    struct openssl_kept *kept = room;

    ASSERT(c->multibuffer_tried && (uintptr_t)room % SEAL_EXPANDED_ALIGN == 0);
    if (has_tables(c, key)) {
        multibuffer_expand(c->multibuffer, key, room);
        return false;
    }
    *kept = (struct openssl_kept){.cipher = openssl_cipher_keep(c, key)};
    if (key->integ)
        kept->mac = openssl_mac_keep(&c->macs, openssl_mac_of_integ(key->integ),
                                     bytes_of(key->integ_key, key->integ->key_len));
    if (!kept->cipher || (key->integ && !kept->mac))
        ERR_clear_error();
    return true;
}

void openssl_forget(struct crypto *base, void *room)
{
    struct openssl_kept *kept = room;

    (void)base;
    EVP_CIPHER_CTX_free(kept->cipher);
    EVP_MAC_CTX_free(kept->mac);
    *kept = (struct openssl_kept){.cipher = NULL};
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

/* Of one kind, as all that are at once: what came out does not matter. */
static void tick_aead(struct crypto *c, const struct seal_op *ops, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += ops[i].text_len;
    meter_add(c->meter, ops[0].key->encr->meter, count, bytes);
}

/* What libipsec-mb computes; the rest is OpenSSL's, with what was kept of the key, if anything. */
static inline bool quick(const struct openssl_crypto *c, const struct seal_op *op)
{
    return op->expanded && c->multibuffer && seal_op_valid(op) && multibuffer_takes(op);
}

static enum err slow(struct crypto *base, const struct seal_op *op, bool open)
{
    const struct openssl_kept *kept =
        op->expanded && !has_tables(openssl_of(base), op->key) ? op->expanded : NULL;

    return open ? openssl_open(base, op, kept) : openssl_seal(base, op, kept);
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
    return quick(openssl_of(base), op) && !multibuffer_wants_company(op) ? one(base, op, false)
                                                                         : slow(base, op, false);
}

enum err openssl_open_one(struct crypto *base, const struct seal_op *op)
{
    return quick(openssl_of(base), op) && !multibuffer_wants_company(op) ? one(base, op, true)
                                                                         : slow(base, op, true);
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
            results[q->place[i]] = slow(base, op, open);
            continue;
        }
        q->ops[kept] = op;
        q->place[kept++] = q->place[i];
    }
    q->count = kept;
}

static void run_together(struct crypto *base, struct queue *q, bool open, enum err *results)
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

/* Of operations from the first on, as many as gain nothing from others beside them. */
static inline size_t at_once(const struct openssl_crypto *c, const struct seal_op *ops,
                             size_t count)
{
    size_t run = 0;

    while (run < count && quick(c, &ops[run]) && multibuffer_at_once(&ops[run]))
        run++;
    return run;
}

static inline void run_in_turn(struct crypto *base, const struct seal_op *ops, size_t count,
                               bool open, enum err *results)
{
    struct multibuffer *m = openssl_of(base)->multibuffer;

    if (open)
        multibuffer_open_in_turn(m, ops, count, results);
    else
        multibuffer_seal_in_turn(m, ops, count, results);
    tick_aead(base, ops, count);
}

static inline void some(struct crypto *base, const struct seal_op *ops, size_t count, bool open,
                        enum err *results)
{
    struct queue q;

    q.count = q.lonely = 0;
    for (size_t i = 0, run; i < count; i += run) {
        run = at_once(openssl_of(base), ops + i, count - i);
        if (run > 0) {
            run_in_turn(base, ops + i, run, open, results + i);
            continue;
        }
        run = 1;
        if (quick(openssl_of(base), &ops[i]))
            queue_add(&q, &ops[i], i);
        else
            results[i] = slow(base, &ops[i], open);
    }
    if (q.count > 0)
        run_together(base, &q, open, results);
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
