#include "bench/handshake_auth.h"

#include "crypto/test_pki.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, HOLDERS = 3 /* two ends and the root */ };

static const struct {
    const char *name;
    enum sign_key_type type;
    unsigned bits;
} key_names[] = {
    {"rsa2048", KEY_RSA, 2048},  {"rsa3072", KEY_RSA, 3072},  {"ecdsa256", KEY_ECP256, 0},
    {"ecdsa384", KEY_ECP384, 0}, {"ecdsa521", KEY_ECP521, 0}, {"ed25519", KEY_ED25519, 0},
    {"ed448", KEY_ED448, 0},
};

/* A key pair and what its owner shows of it. */
struct holder {
    struct test_key key;
    struct test_cert shown; /* certificate, or raw public key */
    struct sign_key sign;
    struct bytes chain;
};

struct handshake_auth {
    struct test_pki *pki;
    struct crypto *crypto;
    bool certificates;
    enum sign_key_type type;
    unsigned bits;
    struct holder holder[HOLDERS]; /* by end; then the root */
    struct x509_anchors *anchors;
    uint8_t authority[CERT_KEY_HASH_LEN];
    struct known_key known[2]; /* the peer's, by end that believes it */
};

static enum err make_key(struct handshake_auth *a, int who)
{
    struct holder *h = &a->holder[who];
    enum err error = test_key_make(a->pki, a->type, a->bits,
                                   rng_stream(1, (uint64_t)who, RNG_CREDENTIAL), &h->key);

    if (error == OK)
        error = a->crypto->class->sign_key_load(a->crypto, test_key_bytes(&h->key), &h->sign);
    return error;
}

static enum err make_certificate(struct handshake_auth *a, int who)
{
    static const char *const names[HOLDERS] = {"a.test", "b.test", "Root"};
    static const char *const alt_names[2] = {"DNS:a.test", "DNS:b.test"};
    const struct holder *root = &a->holder[2];
    bool ca = who == 2;
    struct test_cert_options o = {
        .common_name = names[who],
        .alt_name = ca ? NULL : alt_names[who],
        .basic_constraints = ca ? "critical,CA:TRUE" : NULL,
        .key_usage = ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature",
        .not_before_s = HANDSHAKE_AUTH_EPOCH - DAY_S,
        .not_after_s = HANDSHAKE_AUTH_EPOCH + DAY_S,
        .serial = (uint64_t)who + 1,
        .key = test_key_bytes(&a->holder[who].key),
        .random = rng_stream(2, (uint64_t)who, RNG_CREDENTIAL),
    };

    if (!ca) {
        o.issuer_key = test_key_bytes(&root->key);
        o.issuer_cert = test_cert_bytes(&root->shown);
    }
    return test_cert_make(a->pki, &o, &a->holder[who].shown);
}

static enum err trust_root(struct handshake_auth *a)
{
    struct x509_cert *root = NULL;
    enum x509_result result;

    a->anchors = x509_anchors_create();
    if (!a->anchors)
        return ERR_MEMORY;
    result = x509_read(a->crypto, test_cert_bytes(&a->holder[2].shown), &root);
    if (result == CERT_VALID)
        result = x509_anchors_trust(a->anchors, root);
    if (result == CERT_VALID)
        memcpy(a->authority, x509_key_hash(root).data, sizeof a->authority);
    x509_free(root);
    return result == CERT_VALID ? OK : ERR_CRYPTO;
}

static enum err make_certificates(struct handshake_auth *a)
{
    enum err error = make_key(a, 2);

    if (error == OK)
        error = make_certificate(a, 2);
    for (int who = 0; who < 2 && error == OK; who++)
        error = make_certificate(a, who);
    return error == OK ? trust_root(a) : error;
}

static enum err make_raw_keys(struct handshake_auth *a)
{
    enum err error = OK;

    for (int who = 0; who < 2 && error == OK; who++)
        error = test_key_public(a->pki, test_key_bytes(&a->holder[who].key), &a->holder[who].shown);
    return error;
}

static void configure(struct handshake_auth *a, struct ike_config config[2], int end)
{
    struct auth_config *auth = &config[end].auth;
    struct holder *own = &a->holder[end], *peer = &a->holder[!end];

    own->chain = test_cert_bytes(&own->shown);
    auth->way = a->certificates ? AUTH_CERTIFICATE : AUTH_RAW_KEY;
    auth->credential =
        (struct ike_credential){.key = &own->sign, .certs = &own->chain, .cert_count = 1};
    if (a->certificates) {
        auth->trust.anchors = a->anchors;
        auth->trust.authorities = bytes_of(a->authority, sizeof a->authority);
        return;
    }
    a->known[end] = (struct known_key){test_cert_bytes(&peer->shown), config[!end].id.type,
                                       bytes_of(config[!end].id.data, config[!end].id.len)};
    auth->trust.keys = &a->known[end];
    auth->trust.key_count = 1;
}

static bool understand(struct handshake_auth *a, const char *name)
{
    size_t len = strcspn(name, "+");

    a->certificates = strcmp(name + len, "+cert") == 0;
    for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++)
        if (strlen(key_names[i].name) == len && memcmp(key_names[i].name, name, len) == 0) {
            a->type = key_names[i].type;
            a->bits = key_names[i].bits;
            return a->certificates || !name[len];
        }
    return false;
}

static enum err make_all(struct handshake_auth *a, struct ike_config config[2])
{
    enum err error = OK;

    a->pki = test_pki_create();
    if (!a->pki)
        return ERR_CRYPTO;
    for (int who = 0; who < 2 && error == OK; who++)
        error = make_key(a, who);
    if (error == OK)
        error = a->certificates ? make_certificates(a) : make_raw_keys(a);
    for (int end = 0; end < 2 && error == OK; end++)
        configure(a, config, end);
    return error;
}

struct handshake_auth *handshake_auth_create(const char *name, struct crypto *crypto,
                                             struct ike_config config[2])
{
    struct handshake_auth *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->crypto = crypto;
    if (strcmp(name, "psk") == 0)
        return a; /* bench/ends has one already */
    if (understand(a, name) && make_all(a, config) == OK)
        return a;
    handshake_auth_destroy(a);
    return NULL;
}

void handshake_auth_destroy(struct handshake_auth *a)
{
    if (!a)
        return;
    x509_anchors_free(a->anchors);
    for (int who = 0; who < HOLDERS; who++) {
        sign_key_reset(&a->holder[who].sign);
        test_key_reset(&a->holder[who].key);
        test_cert_reset(&a->holder[who].shown);
    }
    test_pki_destroy(a->pki);
    free(a);
}
