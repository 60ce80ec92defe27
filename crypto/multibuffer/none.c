/* In place of ipsec_mb.c where libipsec-mb is not there, or not wanted: OpenSSL does it all. */
#include "crypto/multibuffer.h"

#include "base/assert.h"

struct multibuffer *multibuffer_create(enum crypto_engine most)
{
    (void)most;
    return NULL;
}

void multibuffer_destroy(struct multibuffer *m)
{
    ASSERT(!m);
}

enum crypto_engine multibuffer_best(void)
{
    return CRYPTO_OPENSSL;
}

enum crypto_engine multibuffer_engine(const struct multibuffer *m)
{
    ASSERT(!m);
    return CRYPTO_OPENSSL;
}

const char *multibuffer_version(void)
{
    return NULL;
}

size_t multibuffer_expanded_len(const struct encr_suite *encr, const struct integ_suite *integ)
{
    (void)encr;
    (void)integ;
    return 0;
}

void multibuffer_expand(struct multibuffer *m, const struct seal_key *key, void *room)
{
    (void)key;
    (void)room;
    ASSERT(m);
}

bool multibuffer_takes(const struct seal_op *op)
{
    (void)op;
    return false;
}

bool multibuffer_at_once(const struct seal_op *op)
{
    (void)op;
    return false;
}

bool multibuffer_wants_company(const struct seal_op *op)
{
    (void)op;
    return true;
}

enum err multibuffer_seal_one(struct multibuffer *m, const struct seal_op *op)
{
    (void)op;
    ASSERT(m);
    return ERR_CRYPTO;
}

enum err multibuffer_open_one(struct multibuffer *m, const struct seal_op *op)
{
    (void)op;
    ASSERT(m);
    return ERR_CRYPTO;
}

void multibuffer_seal_in_turn(struct multibuffer *m, const struct seal_op *ops, size_t count,
                              enum err *results)
{
    (void)ops;
    (void)results;
    ASSERT(m && count == 0);
}

void multibuffer_open_in_turn(struct multibuffer *m, const struct seal_op *ops, size_t count,
                              enum err *results)
{
    (void)ops;
    (void)results;
    ASSERT(m && count == 0);
}

void multibuffer_seal(struct multibuffer *m, const struct seal_op *const *ops, size_t count,
                      enum err *results)
{
    (void)ops;
    (void)results;
    ASSERT(m && count == 0);
}

void multibuffer_open(struct multibuffer *m, const struct seal_op *const *ops, size_t count,
                      enum err *results)
{
    (void)ops;
    (void)results;
    ASSERT(m && count == 0);
}
