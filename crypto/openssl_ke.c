/*
 * Key exchange on OpenSSL: MODP (RFC 3526), P-256/384/521 (RFC 5903), X25519 and X448 (RFC 7748,
 * RFC 8031). Key pairs live as raw bytes outside; here they become library keys for one operation.
 * The checks of peer values are RFC 6989 §2.1, §2.3 and RFC 7748 §6: the library's own check of
 * a MODP or EC value costs more than the exchange itself and is left out.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/tick.h"
#include "crypto/x25519.h"

/* Rows in the order of ke_suites(). */
static const struct group {
    const char *type;
    const char *name;
    int exponent_bits; /* MODP: RFC 3526 §8; twice the strength of the group */
    BIGNUM *(*prime)(BIGNUM *);
} groups[KE_SUITES] = {
    {"DH", "modp_2048", 225, BN_get_rfc3526_prime_2048},
    {"DH", "modp_3072", 275, BN_get_rfc3526_prime_3072},
    {"DH", "modp_4096", 325, BN_get_rfc3526_prime_4096},
    {"EC", "P-256", 0, NULL},
    {"EC", "P-384", 0, NULL},
    {"EC", "P-521", 0, NULL},
    {"X25519", NULL, 0, NULL},
    {"X448", NULL, 0, NULL},
};

enum {
    POINT_UNCOMPRESSED = 4, /* SEC 1 §2.3.3; not on IKE's wire */
    POINT_MAX = 1 + 132,
};

static size_t index_of(const struct ke_suite *suite)
{
    size_t count;

    return (size_t)(suite - ke_suites(&count));
}

static bool generate_init(EVP_PKEY_CTX *ctx, const struct group *g)
{
    int bits = g->exponent_bits;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)g->name, 0),
        bits ? OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, &bits)
             : OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };

    if (EVP_PKEY_keygen_init(ctx) <= 0)
        return false;
    return !g->name || EVP_PKEY_CTX_set_params(ctx, params) > 0;
}

static bool prime_init(struct openssl_crypto *c, struct openssl_group *own, const struct group *g,
                       size_t len)
{
    own->p = g->prime(NULL);
    own->montgomery = BN_MONT_CTX_new();
    return own->p && own->montgomery && BN_MONT_CTX_set(own->montgomery, own->p, c->numbers) &&
           BN_bn2binpad(own->p, own->prime, (int)len) == (int)len;
}

static bool curve_init(struct openssl_group *own, const struct group *g, OSSL_LIB_CTX *library)
{
    own->curve = EC_GROUP_new_by_curve_name_ex(library, NULL, EC_curve_nist2nid(g->name));
    if (!own->curve)
        return false;
    own->peer = EC_POINT_new(own->curve);
    return own->peer != NULL;
}

static bool group_init(struct openssl_crypto *c, const struct ke_suite *suite)
{
    struct openssl_group *own = &c->groups[index_of(suite)];
    const struct group *g = &groups[index_of(suite)];

    own->generate = EVP_PKEY_CTX_new_from_name(c->entropy.library, g->type, NULL);
    if (!own->generate || !generate_init(own->generate, g))
        return false;
    if (suite->family == KE_ECP)
        return curve_init(own, g, c->entropy.library);
    if (suite->family == KE_MODP)
        return prime_init(c, own, g, suite->public_len);
    own->import = EVP_PKEY_CTX_new_from_name(c->entropy.library, g->type, NULL);
    return own->import && EVP_PKEY_fromdata_init(own->import) > 0;
}

bool openssl_groups_init(struct openssl_crypto *c)
{
    size_t count;
    const struct ke_suite *suites = ke_suites(&count);

    ASSERT(count == KE_SUITES);
    c->numbers = BN_CTX_new_ex(c->entropy.library);
    if (!c->numbers)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!group_init(c, &suites[i]))
            return false;
    return true;
}

void openssl_groups_reset(struct openssl_crypto *c)
{
    for (size_t i = 0; i < KE_SUITES; i++) {
        EVP_PKEY_CTX_free(c->groups[i].generate);
        EVP_PKEY_CTX_free(c->groups[i].import);
        BN_MONT_CTX_free(c->groups[i].montgomery);
        BN_free(c->groups[i].p);
        EC_POINT_free(c->groups[i].peer);
        EC_GROUP_free(c->groups[i].curve);
    }
    BN_CTX_free(c->numbers);
}

static bool export_private(EVP_PKEY *key, const struct ke_suite *suite, uint8_t *out)
{
    BIGNUM *n = NULL;
    size_t len = suite->private_len;
    bool done;

    if (suite->family == KE_MONTGOMERY)
        return EVP_PKEY_get_raw_private_key(key, out, &len) > 0 && len == suite->private_len;
    done = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &n) &&
           BN_bn2binpad(n, out, (int)len) == (int)len;
    BN_clear_free(n);
    return done;
}

/* MODP comes padded to the length of p (RFC 7296 §3.4), EC as 04 | x | y (RFC 5903 §7: x | y). */
static bool export_public(EVP_PKEY *key, const struct ke_suite *suite, uint8_t *out)
{
    uint8_t encoded[KE_PUBLIC_MAX];
    size_t skip = suite->family == KE_ECP;
    size_t len = 0;

    if (!EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, encoded,
                                         sizeof encoded, &len) ||
        len != suite->public_len + skip)
        return false;
    memcpy(out, encoded + skip, suite->public_len);
    return true;
}

void openssl_use_lanes(struct crypto *base)
{
    openssl_of(base)->lanes = x25519_here();
}

static bool by_lanes(const struct openssl_crypto *c, const struct ke_suite *suite)
{
    enum { CURVE25519 = 31 };

    return c->lanes && suite->iana == CURVE25519;
}

/* The private value is drawn as the library draws it, so that it is the same whoever goes on. */
static bool generate_by_lanes(struct openssl_crypto *c, struct ke_pair *out)
{
    if (RAND_priv_bytes_ex(c->entropy.library, out->private, X25519_LEN, 0) <= 0)
        return false;
    out->private[0] &= 248;
    out->private[31] = (uint8_t)((out->private[31] & 127) | 64);
    x25519_base(out->private, out->public);
    return true;
}

static bool generate_by_keys(struct openssl_crypto *c, const struct ke_suite *suite,
                             struct ke_pair *out)
{
    EVP_PKEY *key = NULL;
    bool done = EVP_PKEY_generate(c->groups[index_of(suite)].generate, &key) > 0 &&
                export_private(key, suite, out->private) && export_public(key, suite, out->public);

    EVP_PKEY_free(key);
    return done;
}

enum err openssl_ke_generate(struct crypto *base, const struct ke_suite *suite, struct rng random,
                             struct ke_pair *out)
{
    struct openssl_crypto *c = openssl_of(base);

    tick_ke_generate(base, suite);
    if (c->entropy.seed)
        c->entropy.seed(&random);
    out->suite = suite;
    if (by_lanes(c, suite) ? generate_by_lanes(c, out) : generate_by_keys(c, suite, out))
        return OK;
    wipe(out, sizeof *out);
    return openssl_failed();
}

/*
 * A library key of a Montgomery curve from raw parts; the private part is absent for a peer.
 * Giving the public part of an own key too spares the library the work of computing it.
 */
static EVP_PKEY *import(struct openssl_crypto *c, const struct ke_suite *suite,
                        const uint8_t *public, const uint8_t *private)
{
    OSSL_PARAM params[3], *p = params;
    EVP_PKEY *key = NULL;

    *p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public,
                                             suite->public_len);
    if (private)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)private,
                                                 suite->private_len);
    *p = OSSL_PARAM_construct_end();
    if (EVP_PKEY_fromdata(c->groups[index_of(suite)].import, &key,
                          private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) <= 0)
        return NULL;
    return key;
}

/* RFC 6989 §2.1: 1 < r < p - 1, big-endian numbers of equal length. */
static bool in_range(const uint8_t *r, const uint8_t *p, size_t len)
{
    uint8_t high = 0;

    for (size_t i = 0; i + 1 < len; i++)
        high |= r[i];
    if (high == 0 && r[len - 1] <= 1)
        return false;
    /* p is odd: p - 1 differs from it in the last byte only. */
    if (memcmp(r, p, len - 1) != 0)
        return memcmp(r, p, len - 1) < 0;
    return r[len - 1] < p[len - 1] - 1;
}

static bool all_zero(const uint8_t *data, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= data[i];
    return any == 0;
}

static bool exchange(struct openssl_crypto *c, EVP_PKEY *own, EVP_PKEY *peer,
                     const struct ke_suite *suite, uint8_t *shared)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(c->entropy.library, own, NULL);
    size_t len = suite->shared_len;
    bool done = ctx && EVP_PKEY_derive_init(ctx) > 0 &&
                EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) > 0 &&
                EVP_PKEY_derive(ctx, shared, &len) > 0 && len == suite->shared_len;

    EVP_PKEY_CTX_free(ctx);
    return done;
}

/* What can be told from the bytes alone. */
static bool peer_acceptable(struct openssl_crypto *c, const struct ke_suite *suite,
                            struct bytes peer)
{
    if (peer.len != suite->public_len)
        return false;
    return suite->family != KE_MODP ||
           in_range(peer.data, c->groups[index_of(suite)].prime, suite->public_len);
}

static enum err derive_by_keys(struct openssl_crypto *c, const struct ke_pair *own,
                               const uint8_t *peer, uint8_t *shared)
{
    const struct ke_suite *suite = own->suite;
    EVP_PKEY *peer_key = import(c, suite, peer, NULL);
    EVP_PKEY *own_key = import(c, suite, own->public, own->private);
    bool ready = peer_key && own_key;
    bool done = ready && exchange(c, own_key, peer_key, suite, shared);

    EVP_PKEY_free(peer_key);
    EVP_PKEY_free(own_key);
    /* RFC 7748 §6: an all-zero result is refused; the library reports it as a failure. */
    if (!ready)
        return ERR_CRYPTO;
    return done && !all_zero(shared, suite->shared_len) ? OK : ERR_KEY_EXCHANGE;
}

/*
 * RFC 7296 §2.14: g^ir padded to the length of p. On numbers instead of library keys: those are
 * made of raw bytes twice, and each works out anew what is known of p.
 */
static enum err derive_by_numbers(struct openssl_crypto *c, const struct ke_pair *own,
                                  const uint8_t *peer, uint8_t *shared)
{
    const struct ke_suite *suite = own->suite;
    const struct openssl_group *g = &c->groups[index_of(suite)];
    BIGNUM *base = BN_bin2bn(peer, suite->public_len, NULL);
    BIGNUM *exponent = BN_bin2bn(own->private, suite->private_len, NULL);
    BIGNUM *power = BN_new();
    int len = suite->shared_len;
    bool done = base && exponent && power &&
                BN_mod_exp_mont_consttime(power, base, exponent, g->p, c->numbers, g->montgomery) &&
                BN_bn2binpad(power, shared, len) == len;

    BN_clear_free(exponent);
    BN_clear_free(power);
    BN_free(base);
    return done ? OK : ERR_CRYPTO;
}

/* RFC 6989 §2.3: reading the point checks that its coordinates are in the field and on the curve.
 */
static bool point_read(struct openssl_crypto *c, const struct openssl_group *g,
                       const struct ke_suite *suite, const uint8_t *peer)
{
    uint8_t point[POINT_MAX];

    point[0] = POINT_UNCOMPRESSED;
    memcpy(point + 1, peer, suite->public_len);
    return EC_POINT_oct2point(g->curve, g->peer, point, 1 + suite->public_len, c->numbers) > 0;
}

/*
 * RFC 5903 §7: the x coordinate of the product. On points instead of library keys, because making
 * two EC keys from raw bytes costs as much as the multiplication: P-256 takes half the time.
 */
static enum err derive_by_points(struct openssl_crypto *c, const struct ke_pair *own,
                                 const uint8_t *peer, uint8_t *shared)
{
    const struct ke_suite *suite = own->suite;
    const struct openssl_group *g = &c->groups[index_of(suite)];
    int len = suite->shared_len;
    EC_POINT *product;
    BIGNUM *scalar, *x;
    bool done;

    if (!point_read(c, g, suite, peer))
        return ERR_KEY_EXCHANGE;
    scalar = BN_bin2bn(own->private, suite->private_len, NULL);
    x = BN_new();
    product = EC_POINT_new(g->curve);
    if (scalar)
        BN_set_flags(scalar, BN_FLG_CONSTTIME);
    done = scalar && x && product &&
           EC_POINT_mul(g->curve, product, NULL, g->peer, scalar, c->numbers) &&
           EC_POINT_get_affine_coordinates(g->curve, product, x, NULL, c->numbers) &&
           BN_bn2binpad(x, shared, len) == len;
    BN_clear_free(scalar);
    BN_clear_free(x);
    EC_POINT_clear_free(product);
    return done ? OK : ERR_CRYPTO;
}

static enum err derive_by_lanes(const struct ke_pair *own, const uint8_t *peer, uint8_t *shared)
{
    x25519_shared(own->private, peer, shared);
    return all_zero(shared, X25519_LEN) ? ERR_KEY_EXCHANGE : OK; /* RFC 7748 §6 */
}

static enum err derive(struct openssl_crypto *c, const struct ke_pair *own, const uint8_t *peer,
                       uint8_t *shared)
{
    if (by_lanes(c, own->suite))
        return derive_by_lanes(own, peer, shared);
    switch (own->suite->family) {
    case KE_MODP:
        return derive_by_numbers(c, own, peer, shared);
    case KE_ECP:
        return derive_by_points(c, own, peer, shared);
    default:
        return derive_by_keys(c, own, peer, shared);
    }
}

enum err openssl_ke_derive(struct crypto *base, const struct ke_pair *own, struct bytes peer,
                           uint8_t *shared)
{
    struct openssl_crypto *c = openssl_of(base);
    /* The result does not depend on this stream: the library blinds some scalars with it. */
    struct rng blinding = rng_stream(0, 0, RNG_KEY_EXCHANGE);
    enum err e = ERR_KEY_EXCHANGE;

    tick_ke_derive(base, own->suite);
    if (c->entropy.seed)
        c->entropy.seed(&blinding);
    if (peer_acceptable(c, own->suite, peer))
        e = derive(c, own, peer.data, shared);
    if (e != OK) {
        wipe(shared, own->suite->shared_len);
        ERR_clear_error();
    }
    return e;
}
