#include "crypto/spki.h"

#include "crypto/sign.h"

enum { TAG_INTEGER = 0x02, TAG_BITS = 0x03, TAG_SEQUENCE = 0x30, RSA_BYTES_MAX = 512 };

/* ------------------------------------------------------------------- keys of one length */

/* All of the encoding before the key itself. */
static const uint8_t p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                               0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                               0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                               0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};
static const uint8_t p521[] = {0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                               0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
                               0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00};
static const uint8_t ed25519[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t ed448[] = {0x30, 0x43, 0x30, 0x05, 0x06, 0x03,
                                0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00};

#define BEFORE(array)                                                                              \
    {                                                                                              \
        array, sizeof array                                                                        \
    }

static const struct fixed {
    struct bytes before;
    size_t key_len;
    const char *type, *group; /* no group: the key is raw bytes */
} fixed[] = {
    {BEFORE(p256), 65, "EC", "P-256"},  {BEFORE(p384), 97, "EC", "P-384"},
    {BEFORE(p521), 133, "EC", "P-521"}, {BEFORE(ed25519), 32, "ED25519", NULL},
    {BEFORE(ed448), 57, "ED448", NULL},
};

static EVP_PKEY *from_params(OSSL_LIB_CTX *library, const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(library, type, NULL);
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* The library checks that the point is on the curve. */
static EVP_PKEY *read_point(OSSL_LIB_CTX *library, const struct fixed *f, const uint8_t *point)
{
    enum { UNCOMPRESSED = 4 };
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)f->group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, f->key_len),
        OSSL_PARAM_construct_end(),
    };

    return point[0] == UNCOMPRESSED ? from_params(library, f->type, params) : NULL;
}

static EVP_PKEY *read_fixed(OSSL_LIB_CTX *library, const struct fixed *f, struct bytes der)
{
    const uint8_t *key = der.data + f->before.len;

    if (f->group)
        return read_point(library, f, key);
    return EVP_PKEY_new_raw_public_key_ex(library, f->type, NULL, key, f->key_len);
}

/* ------------------------------------------------------------------- RSA */

/* SEQUENCE { rsaEncryption, NULL } */
static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                              0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* The contents of the element of `tag` at the start of *in, which moves behind it. */
static bool take(struct bytes *in, uint8_t tag, struct bytes *out)
{
    size_t len, head = 2;

    if (in->len < 2 || in->data[0] != tag)
        return false;
    len = in->data[1];
    if (len == 0x81 && in->len > 2) {
        len = in->data[2];
        head = len < 0x80 ? in->len + 1 : 3;
    } else if (len == 0x82 && in->len > 3) {
        len = (size_t)in->data[2] << 8 | in->data[3];
        head = len < 0x100 ? in->len + 1 : 4;
    } else if (len >= 0x80) {
        return false;
    }
    if (head > in->len || len > in->len - head)
        return false;
    *out = bytes_of(in->data + head, len);
    *in = bytes_of(in->data + head + len, in->len - head - len);
    return true;
}

/* A positive INTEGER in its shortest form, as a parameter: in the machine's order. */
static bool take_number(struct bytes *in, uint8_t room[RSA_BYTES_MAX], size_t *len)
{
    struct bytes n;

    if (!take(in, TAG_INTEGER, &n) || n.len == 0 || n.data[0] & 0x80)
        return false;
    if (n.len > 1 && n.data[0] == 0) {
        if (!(n.data[1] & 0x80))
            return false;
        n = bytes_of(n.data + 1, n.len - 1);
    }
    if (n.len > RSA_BYTES_MAX)
        return false;
    for (size_t i = 0; i < n.len; i++)
        room[i] = n.data[n.len - 1 - i];
    *len = n.len;
    return true;
}

static EVP_PKEY *read_rsa(OSSL_LIB_CTX *library, struct bytes der)
{
    uint8_t modulus[RSA_BYTES_MAX], exponent[RSA_BYTES_MAX];
    struct bytes info, bits, numbers;
    size_t modulus_len, exponent_len;
    OSSL_PARAM params[3];

    if (!take(&der, TAG_SEQUENCE, &info) || der.len || info.len < sizeof rsa ||
        memcmp(info.data, rsa, sizeof rsa) != 0)
        return NULL;
    info = bytes_of(info.data + sizeof rsa, info.len - sizeof rsa);
    if (!take(&info, TAG_BITS, &bits) || info.len || bits.len < 1 || bits.data[0] != 0)
        return NULL;
    bits = bytes_of(bits.data + 1, bits.len - 1);
    if (!take(&bits, TAG_SEQUENCE, &numbers) || bits.len ||
        !take_number(&numbers, modulus, &modulus_len) ||
        !take_number(&numbers, exponent, &exponent_len) || numbers.len)
        return NULL;
    params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus, modulus_len);
    params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, exponent, exponent_len);
    params[2] = OSSL_PARAM_construct_end();
    return from_params(library, "RSA", params);
}

EVP_PKEY *spki_read(OSSL_LIB_CTX *library, struct bytes der)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const struct fixed *f = &fixed[i];

        if (der.len == f->before.len + f->key_len &&
            memcmp(der.data, f->before.data, f->before.len) == 0)
            return read_fixed(library, f, der);
    }
    return read_rsa(library, der);
}
