/*
 * The bound of IKE, of both versions: single operations and whole handshakes through OpenSSL,
 * algorithms fetched once and contexts kept. This file finds rows by name and sets them up.
 */
#include "handshake.h"
#include "handshake_v1.h"
#include "kex.h"
#include "loop.h"
#include "signer.h"
#include "symmetric.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 65536, SIGNED_LEN = 500 };

/* What rows share; keys are made when the first row wants them. */
struct kit {
    struct symmetric symmetric;
    struct kex kex[KEX_GROUPS];
    struct signer signer[SIGNER_ALGORITHMS];
};

static struct kex *kit_kex(struct kit *kit, const char *name)
{
    unsigned place = kex_find(name);

    if (place == KEX_GROUPS)
        return NULL;
    if (!kit->kex[place].group)
        kex_init(&kit->kex[place], place);
    return &kit->kex[place];
}

static struct signer *kit_signer(struct kit *kit, const char *name)
{
    unsigned place = signer_find(name);

    if (place == SIGNER_ALGORITHMS)
        return NULL;
    if (!kit->signer[place].algorithm)
        signer_init(&kit->signer[place], place);
    return &kit->signer[place];
}

static void kit_reset(struct kit *kit)
{
    symmetric_reset(&kit->symmetric);
    for (unsigned i = 0; i < KEX_GROUPS; i++)
        if (kit->kex[i].group)
            kex_reset(&kit->kex[i]);
    for (unsigned i = 0; i < SIGNER_ALGORITHMS; i++)
        if (kit->signer[i].algorithm)
            signer_reset(&kit->signer[i]);
}

/* Key exchange alone. */
struct kex_row {
    struct kex *kex;
    EVP_PKEY *own;
    uint8_t peer[KEX_LEN_MAX];
    size_t peer_len;
};

static void kex_row_drop(void *state)
{
    struct kex_row *r = state;

    EVP_PKEY_free(r->own);
    free(r);
}

static void generates(void *state, uint64_t count)
{
    struct kex_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        EVP_PKEY_free(kex_generate(r->kex));
}

static void derives(void *state, uint64_t count)
{
    struct kex_row *r = state;
    uint8_t shared[KEX_LEN_MAX];

    for (uint64_t i = 0; i < count; i++)
        kex_derive(r->kex, r->own, r->peer, r->peer_len, shared);
}

static void *open_kex(struct kit *kit, const char *group)
{
    struct kex *kex = kit_kex(kit, group);
    struct kex_row *r;
    EVP_PKEY *peer;

    if (!kex)
        return NULL;
    r = need_memory(1, sizeof *r);
    r->kex = kex;
    r->own = kex_generate(kex);
    peer = kex_generate(kex);
    r->peer_len = kex_public(kex, peer, r->peer);
    EVP_PKEY_free(peer);
    return r;
}

/* Signatures alone. */
struct signer_row {
    struct signer *signer;
    uint8_t text[SIGNED_LEN];
    uint8_t signature[SIGNATURE_MAX];
    size_t signature_len;
};

static void signs(void *state, uint64_t count)
{
    struct signer_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        r->signature_len = signer_sign(r->signer, r->text, sizeof r->text, r->signature);
}

static void verifies(void *state, uint64_t count)
{
    struct signer_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        signer_verify(r->signer, r->text, sizeof r->text, r->signature, r->signature_len);
}

static void *open_signer(struct kit *kit, const char *algorithm)
{
    struct signer *signer = kit_signer(kit, algorithm);
    struct signer_row *r;

    if (!signer)
        return NULL;
    r = need_memory(1, sizeof *r);
    r->signer = signer;
    signs(r, 1); /* for those that verify */
    return r;
}

/* What works on a number of bytes. */
struct bytes_row {
    struct symmetric *symmetric;
    size_t len;
    uint8_t key[PRF_LEN];
    uint8_t in[BYTES_MAX + TAG_LEN], out[BYTES_MAX + TAG_LEN];
};

static void prfs(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        prf(r->symmetric, r->key, r->in, r->len, r->out);
}

static void prf_pluses(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        prf_plus(r->symmetric, r->key, r->out, r->len);
}

static void seals(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        sk_seal(r->symmetric, r->key, r->in, r->in, r->len);
}

static void opens(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        sk_open(r->symmetric, r->key, r->in, r->out, r->len);
}

static void sha1s(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        sha1(r->symmetric, r->in, r->len, r->out);
}

static void randoms(void *state, uint64_t count)
{
    struct bytes_row *r = state;

    for (uint64_t i = 0; i < count; i++)
        need(RAND_bytes(r->out, (int)r->len), "random bytes");
}

static void *open_bytes(struct kit *kit, const char *bytes)
{
    struct bytes_row *r;
    uint64_t len;

    if (!loop_number(bytes, BYTES_MAX, &len))
        return NULL;
    r = need_memory(1, sizeof *r);
    r->symmetric = &kit->symmetric;
    r->len = len;
    seals(r, 1); /* for those that open */
    return r;
}

static void *open_prf_plus(struct kit *kit, const char *bytes)
{
    uint64_t len;

    return loop_number(bytes, PRF_PLUS_MAX, &len) ? open_bytes(kit, bytes) : NULL;
}

/* KIND/SUBJECT */
static const struct kind {
    const char *name;
    void *(*open)(struct kit *, const char *subject);
    void (*work)(void *state, uint64_t count);
    void (*drop)(void *state);
} kinds[] = {
    {"generate", open_kex, generates, kex_row_drop},
    {"derive", open_kex, derives, kex_row_drop},
    {"sign", open_signer, signs, free},
    {"verify", open_signer, verifies, free},
    {"prf", open_bytes, prfs, free},
    {"prf_plus", open_prf_plus, prf_pluses, free},
    {"seal", open_bytes, seals, free},
    {"open", open_bytes, opens, free},
    {"sha1", open_bytes, sha1s, free},
    {"random", open_bytes, randoms, free},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char with_certificate[] = "+cert", ikev1_main[] = "ikev1-main";

/* AUTH: psk, or a signature algorithm with or without "+cert". */
static bool find_auth(struct kit *kit, const char *auth, struct handshake *h)
{
    char name[ROW_LEN_MAX];
    char *plus;

    if (strcmp(auth, "psk") == 0)
        return true;
    strcpy(name, auth); /* a part of a row's name is no longer than it */
    plus = strchr(name, '+');
    h->certificate = plus && strcmp(plus, with_certificate) == 0;
    if (h->certificate)
        *plus = '\0';
    h->signer = kit_signer(kit, name);
    return h->signer != NULL;
}

static const char *computed_by(void)
{
    static char by[80];

    snprintf(by, sizeof by, "OpenSSL %s, contexts kept", OpenSSL_version(OPENSSL_VERSION_STRING));
    return by;
}

static bool open_handshake(struct kit *kit, const struct row_name *name, struct row *out)
{
    bool both = strcmp(name->part[0], "pair") == 0;
    struct handshake h = {.symmetric = &kit->symmetric};

    if (!both && strcmp(name->part[0], "end") != 0)
        return false;
    h.kex = kit_kex(kit, name->part[1]);
    if (!h.kex || !find_auth(kit, name->part[2], &h))
        return false;
    handshake_init(&h);
    *out = (struct row){both ? handshake_pair : handshake_end, free, need_memory(1, sizeof h),
                        computed_by()};
    *(struct handshake *)out->state = h;
    return true;
}

/* pair/KE/psk/ikev1-main: there is no other mode and no other proof, yet. */
static bool open_handshake_v1(struct kit *kit, const struct row_name *name, struct row *out)
{
    bool both = strcmp(name->part[0], "pair") == 0;
    struct handshake_v1 h = {.symmetric = &kit->symmetric};

    if ((!both && strcmp(name->part[0], "end") != 0) || strcmp(name->part[2], "psk") != 0 ||
        strcmp(name->part[3], ikev1_main) != 0)
        return false;
    h.kex = kit_kex(kit, name->part[1]);
    if (!h.kex)
        return false;
    handshake_v1_init(&h);
    *out = (struct row){both ? handshake_v1_pair : handshake_v1_end, free, need_memory(1, sizeof h),
                        computed_by()};
    *(struct handshake_v1 *)out->state = h;
    return true;
}

static bool open_row(void *context, const struct row_name *name, struct row *out)
{
    struct kit *kit = context;

    if (name->parts == 3)
        return open_handshake(kit, name, out);
    if (name->parts == 4)
        return open_handshake_v1(kit, name, out);
    for (unsigned i = 0; name->parts == 2 && i < KINDS; i++)
        if (strcmp(name->part[0], kinds[i].name) == 0) {
            *out = (struct row){kinds[i].work, kinds[i].drop, kinds[i].open(kit, name->part[1]),
                                computed_by()};
            return out->state != NULL;
        }
    return false;
}

static void show(const char *kind, const char *subject, const char *auth)
{
    char row[ROW_LEN_MAX];

    snprintf(row, sizeof row, "%s/%s%s", kind, subject, auth);
    loop_show(row, computed_by());
}

static void show_handshakes(const char *kind)
{
    char auth[32];

    for (unsigned k = 0; k < KEX_GROUPS; k++) {
        show(kind, kex_name(k), "/psk");
        snprintf(auth, sizeof auth, "/psk/%s", ikev1_main);
        show(kind, kex_name(k), auth);
        for (unsigned s = 0; s < 2 * SIGNER_ALGORITHMS; s++) {
            snprintf(auth, sizeof auth, "/%s%s", signer_name(s / 2), s % 2 ? with_certificate : "");
            show(kind, kex_name(k), auth);
        }
    }
}

static void show_kind(const struct kind *kind)
{
    static const char *const bytes[] = {"22", "64", "250", "1300"};

    for (unsigned i = 0; kind->open == open_kex && i < KEX_GROUPS; i++)
        show(kind->name, kex_name(i), "");
    for (unsigned i = 0; kind->open == open_signer && i < SIGNER_ALGORITHMS; i++)
        show(kind->name, signer_name(i), "");
    if (kind->open == open_kex || kind->open == open_signer)
        return;
    for (unsigned i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
        show(kind->name, bytes[i], "");
}

static void list(void *context)
{
    (void)context;
    show_handshakes("pair");
    show_handshakes("end");
    for (unsigned i = 0; i < KINDS; i++)
        show_kind(&kinds[i]);
}

static const char help[] =
    "  pair/KE/AUTH     all cryptography of an IKEv2 handshake, both ends\n"
    "  end/KE/AUTH      one of the two ends\n"
    "  pair/KE/psk/ikev1-main, end/KE/psk/ikev1-main\n"
    "                   the same of IKEv1: Main Mode, and Quick Mode without PFS\n"
    "  generate/KE      a key pair\n"
    "  derive/KE        import of the peer's public value and derivation\n"
    "  sign/ALGORITHM   of 500 bytes\n"
    "  verify/ALGORITHM\n"
    "  prf/BYTES        HMAC-SHA256, key of 32 bytes set anew\n"
    "  prf_plus/BYTES   of output, over a seed of 80 bytes\n"
    "  seal/BYTES       AES-256-GCM, 32 bytes of AAD, key set anew\n"
    "  open/BYTES\n"
    "  sha1/BYTES\n"
    "  random/BYTES\n"
    "KE: x25519 x448 ecp256 ecp384 ecp521 modp2048 modp3072 modp4096\n"
    "ALGORITHM: rsa2048 rsa3072 ecdsa256 ecdsa384 ed25519\n"
    "AUTH: psk, ALGORITHM, or ALGORITHM+cert: the signature of the peer's certificate is verified, "
    "too\n";

int main(int argc, char **argv)
{
    struct kit kit = {0};
    const struct loop loop = {.help = help, .open = open_row, .list = list, .context = &kit};
    int status;

    symmetric_init(&kit.symmetric);
    status = loop_main(&loop, argc, argv);
    kit_reset(&kit);
    return status;
}
