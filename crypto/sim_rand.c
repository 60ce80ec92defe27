#include "crypto/sim_rand.h"

#define GENERATOR "SIM-RAND"
#define PROVIDER "simrand"

static _Thread_local struct rng current;
static _Thread_local bool seeded;

void sim_rand_seed(const struct rng *stream)
{
    current = *stream;
    seeded = true;
}

/* OSSL_OP_RAND: the generator has no state of its own, so every instance is the same object. */
static char instance;

static void *generator_new(void *provider, void *parent, const OSSL_DISPATCH *parent_calls)
{
    (void)provider;
    (void)parent;
    (void)parent_calls;
    return &instance;
}

static void generator_free(void *generator)
{
    (void)generator;
}

static int generator_instantiate(void *generator, unsigned strength, int prediction_resistance,
                                 const unsigned char *text, size_t len, const OSSL_PARAM params[])
{
    (void)generator;
    (void)strength;
    (void)prediction_resistance;
    (void)text;
    (void)len;
    (void)params;
    return 1;
}

static int generator_uninstantiate(void *generator)
{
    (void)generator;
    return 1;
}

static int generator_generate(void *generator, unsigned char *out, size_t len, unsigned strength,
                              int prediction_resistance, const unsigned char *extra,
                              size_t extra_len)
{
    (void)generator;
    (void)strength;
    (void)prediction_resistance;
    (void)extra;
    (void)extra_len;
    if (!seeded)
        return 0;
    rng_fill(&current, out, len);
    return 1;
}

/* One thread, one instance of the provider: there is nothing to lock. */
static int generator_lock(void *generator)
{
    (void)generator;
    return 1;
}

static void generator_unlock(void *generator)
{
    (void)generator;
}

static const OSSL_PARAM *generator_gettable(void *generator, void *provider)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, NULL),
        OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, NULL),
        OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, NULL),
        OSSL_PARAM_END,
    };

    (void)generator;
    (void)provider;
    return list;
}

static int generator_get(void *generator, OSSL_PARAM params[])
{
    OSSL_PARAM *p;

    (void)generator;
    p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
    if (p && !OSSL_PARAM_set_int(p, EVP_RAND_STATE_READY))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    if (p && !OSSL_PARAM_set_uint(p, 256))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    return !p || OSSL_PARAM_set_size_t(p, 1 << 16);
}

#define CALL(id, function)                                                                         \
    {                                                                                              \
        id, (void (*)(void))function                                                               \
    }

static const OSSL_DISPATCH generator_calls[] = {
    CALL(OSSL_FUNC_RAND_NEWCTX, generator_new),
    CALL(OSSL_FUNC_RAND_FREECTX, generator_free),
    CALL(OSSL_FUNC_RAND_INSTANTIATE, generator_instantiate),
    CALL(OSSL_FUNC_RAND_UNINSTANTIATE, generator_uninstantiate),
    CALL(OSSL_FUNC_RAND_GENERATE, generator_generate),
    CALL(OSSL_FUNC_RAND_ENABLE_LOCKING, generator_lock),
    CALL(OSSL_FUNC_RAND_LOCK, generator_lock),
    CALL(OSSL_FUNC_RAND_UNLOCK, generator_unlock),
    CALL(OSSL_FUNC_RAND_GET_CTX_PARAMS, generator_get),
    CALL(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, generator_gettable),
    {0, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM list[] = {
        {GENERATOR, "provider=" PROVIDER, generator_calls, "repeatable, for simulation"},
        {NULL, NULL, NULL, NULL},
    };

    (void)provider;
    *no_cache = 0;
    return operation == OSSL_OP_RAND ? list : NULL;
}

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                         const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH calls[] = {
        CALL(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
        {0, NULL},
    };

    (void)handle;
    (void)in;
    *provider = &instance;
    *out = calls;
    return 1;
}

bool sim_rand_open(struct sim_rand *s)
{
    *s = (struct sim_rand){.library = OSSL_LIB_CTX_new()};
    /* The generator is named before the first use of randomness in this context. */
    if (s->library && OSSL_PROVIDER_add_builtin(s->library, PROVIDER, provider_init) &&
        RAND_set_DRBG_type(s->library, GENERATOR, NULL, NULL, NULL)) {
        s->generator = OSSL_PROVIDER_load(s->library, PROVIDER);
        s->algorithms = OSSL_PROVIDER_load(s->library, "default");
        if (s->generator && s->algorithms)
            return true;
    }
    sim_rand_close(s);
    return false;
}

void sim_rand_close(struct sim_rand *s)
{
    if (s->algorithms)
        OSSL_PROVIDER_unload(s->algorithms);
    if (s->generator)
        OSSL_PROVIDER_unload(s->generator);
    OSSL_LIB_CTX_free(s->library);
    *s = (struct sim_rand){.library = NULL};
}
