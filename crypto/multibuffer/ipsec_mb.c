/*
 * Packet cryptography through libipsec-mb. GCM packets are computed directly, one after the other:
 * waiting for company gives nothing there. CBC with HMAC, and ChaCha20-Poly1305, go through the
 * library's queue of jobs, which computes several packets at once. Not its bursts: in version 1.3
 * they lose count of packets that wait in lanes.
 *
 * What the processor has is found out at run time: AVX-512 with or without VAES, AVX2, AVX or SSE
 * with AES instructions. Without those the library would emulate them, and OpenSSL is better.
 */
#define LINUX 1 /* or the header does not align its key tables */
#include <intel-ipsec-mb.h>

#include "crypto/multibuffer.h"

#include "base/assert.h"

#include <cpuid.h>
#include <stdlib.h>

enum {
    NONCE_LEN = 12,
    MAC_LEN = 32, /* room for an ICV of ours, and for one that the library makes */
    SHA256_BLOCK = 64,
    SHA256_STATE = 32,
    CBC_IV = 16,
    AES_BLOCK = 16,
    LINE = 64,            /* of the cache */
    HMAC_SHA256 = 12,     /* IANA, transform type 3 */
    JOB_TEXT_MAX = 65000, /* CBC and HMAC: the library has 16 bits for a length */
    TEXT_MAX = 1 << 30,   /* GCM and ChaCha20-Poly1305 */
};

/* The tables of one direction of an SA with GCM. Its salt lies in what alignment leaves free. */
enum {
    GCM_TABLES = sizeof((struct gcm_key_data *)0)->expanded_keys +
                 sizeof((struct gcm_key_data *)0)->ghash_keys,
    GCM_SALT_AT = GCM_TABLES,
    GCM_ROUND_KEYS = sizeof((struct gcm_key_data *)0)->expanded_keys,
    GCM_AHEAD = 2, /* packets */
};

struct cbc_keys {
    DECLARE_ALIGNED(uint32_t encrypt[60], 16);
    DECLARE_ALIGNED(uint32_t decrypt[60], 16);
    DECLARE_ALIGNED(uint8_t ipad[SHA256_STATE], 16);
    DECLARE_ALIGNED(uint8_t opad[SHA256_STATE], 16);
};

struct chacha_keys {
    DECLARE_ALIGNED(uint8_t key[32], 16);
    uint8_t salt[4];
};

_Static_assert(sizeof(struct gcm_key_data) <= SEAL_EXPANDED_MAX, "room for the tables of GCM");
_Static_assert(GCM_SALT_AT + 4 <= sizeof(struct gcm_key_data), "and behind them for its salt");
_Static_assert(sizeof(struct cbc_keys) <= SEAL_EXPANDED_MAX, "room for those of CBC");
_Static_assert(_Alignof(struct gcm_key_data) <= SEAL_EXPANDED_ALIGN, "tables are aligned");

/* One operation on its way through the queue of jobs. */
struct flight {
    uint8_t nonce[16];    /* of ChaCha20-Poly1305 */
    uint8_t mac[MAC_LEN]; /* open: what the ICV should be */
    uint8_t icv[ICV_MAX]; /* open: what it is, where the high half of an ESN takes its place */
    enum err result;
};

struct gcm {
    aes_gcm_enc_dec_t seal, open;
};

struct multibuffer {
    IMB_MGR *manager;
    struct gcm gcm[3]; /* keys of 128, 192, 256 bits */
    struct gcm_context_data context;
    struct flight flights[SEAL_BATCH_MAX];
};

static const struct {
    uint64_t features;
    void (*init)(IMB_MGR *);
} below_best[] = {
    [CRYPTO_SSE] = {IMB_CPUFLAGS_SSE, init_mb_mgr_sse},
    [CRYPTO_AVX] = {IMB_CPUFLAGS_AVX, init_mb_mgr_avx},
    [CRYPTO_AVX2] = {IMB_CPUFLAGS_AVX2, init_mb_mgr_avx2},
    [CRYPTO_AVX512] = {IMB_CPUFLAGS_AVX512, init_mb_mgr_avx512},
};

static bool starts(struct multibuffer *m, enum crypto_engine most)
{
    IMB_MGR *manager = m->manager;

    if (most == CRYPTO_VAES) {
        init_mb_mgr_auto(manager, NULL);
    } else {
        while (most > CRYPTO_OPENSSL &&
               (manager->features & below_best[most].features) != below_best[most].features)
            most--;
        if (most == CRYPTO_OPENSSL)
            return false;
        below_best[most].init(manager);
    }
    return imb_get_errno(manager) == 0 && manager->used_arch >= IMB_ARCH_SSE;
}

struct multibuffer *multibuffer_create(enum crypto_engine most)
{
    struct multibuffer *m;

    if (most == CRYPTO_OPENSSL)
        return NULL;
    m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    /* The library takes VAES only together with GFNI, and only GFNI can it be told not to take. */
    m->manager = alloc_mb_mgr(most == CRYPTO_VAES ? 0 : IMB_FLAG_GFNI_OFF);
    if (!m->manager || !starts(m, most)) {
        multibuffer_destroy(m);
        return NULL;
    }
    m->gcm[0] = (struct gcm){m->manager->gcm128_enc, m->manager->gcm128_dec};
    m->gcm[1] = (struct gcm){m->manager->gcm192_enc, m->manager->gcm192_dec};
    m->gcm[2] = (struct gcm){m->manager->gcm256_enc, m->manager->gcm256_dec};
    return m;
}

void multibuffer_destroy(struct multibuffer *m)
{
    if (!m)
        return;
    if (m->manager)
        free_mb_mgr(m->manager);
    wipe(m, sizeof *m);
    free(m);
}

/* What makes AVX-512 the library's "type 2". Not every compiler asks for all of it by name. */
static bool has_vaes(void)
{
    unsigned eax, ebx, ecx, edx;

    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ecx & bit_VAES) &&
           (ecx & bit_VPCLMULQDQ) && (ecx & bit_GFNI) && (ebx & bit_AVX512IFMA) && (ebx & bit_SHA);
}

/* What init_mb_mgr_auto will choose, without the time and memory that a manager takes. */
enum crypto_engine multibuffer_best(void)
{
    if (!__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("sse4.2"))
        return CRYPTO_OPENSSL;
    if (!__builtin_cpu_supports("avx"))
        return CRYPTO_SSE;
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
        return CRYPTO_AVX;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl"))
        return CRYPTO_AVX2;
    return has_vaes() ? CRYPTO_VAES : CRYPTO_AVX512;
}

enum crypto_engine multibuffer_engine(const struct multibuffer *m)
{
    switch (m->manager->used_arch) {
    case IMB_ARCH_SSE:
        return CRYPTO_SSE;
    case IMB_ARCH_AVX:
        return CRYPTO_AVX;
    case IMB_ARCH_AVX2:
        return CRYPTO_AVX2;
    default:
        ASSERT(m->manager->used_arch == IMB_ARCH_AVX512);
        return (m->manager->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2
                   ? CRYPTO_VAES
                   : CRYPTO_AVX512;
    }
}

const char *multibuffer_version(void)
{
    return imb_get_version_str();
}

size_t multibuffer_expanded_len(const struct encr_suite *encr, const struct integ_suite *integ)
{
    switch (encr->meter) {
    case METER_CIPHER_AES_GCM:
        return sizeof(struct gcm_key_data);
    case METER_CIPHER_CHACHA20:
        return sizeof(struct chacha_keys);
    case METER_CIPHER_AES_CBC:
        return integ->iana == HMAC_SHA256 ? sizeof(struct cbc_keys) : 0;
    default:
        return 0;
    }
}

static void gcm_expand(IMB_MGR *manager, const struct seal_key *key, void *room)
{
    struct gcm_key_data *tables = room;

    switch (key->encr->key_bits) {
    case 128:
        IMB_AES128_GCM_PRE(manager, key->encr_key, tables);
        break;
    case 192:
        IMB_AES192_GCM_PRE(manager, key->encr_key, tables);
        break;
    default:
        IMB_AES256_GCM_PRE(manager, key->encr_key, tables);
    }
    memcpy((uint8_t *)room + GCM_SALT_AT, key->encr_key + key->encr->key_len, 4);
}

/* RFC 2104: the state of SHA-256 after the key xor ipad, or opad. */
static void pad_hash(IMB_MGR *manager, const struct seal_key *key, uint8_t pad, uint8_t *out)
{
    uint8_t block[SHA256_BLOCK];

    memset(block, pad, sizeof block);
    for (int i = 0; i < key->integ->key_len; i++)
        block[i] ^= key->integ_key[i];
    IMB_SHA256_ONE_BLOCK(manager, block, out);
    wipe(block, sizeof block);
}

static void cbc_expand(IMB_MGR *manager, const struct seal_key *key, struct cbc_keys *out)
{
    switch (key->encr->key_bits) {
    case 128:
        IMB_AES_KEYEXP_128(manager, key->encr_key, out->encrypt, out->decrypt);
        break;
    case 192:
        IMB_AES_KEYEXP_192(manager, key->encr_key, out->encrypt, out->decrypt);
        break;
    default:
        IMB_AES_KEYEXP_256(manager, key->encr_key, out->encrypt, out->decrypt);
    }
    pad_hash(manager, key, 0x36, out->ipad);
    pad_hash(manager, key, 0x5c, out->opad);
}

static void chacha_expand(const struct seal_key *key, struct chacha_keys *out)
{
    memcpy(out->key, key->encr_key, sizeof out->key);
    memcpy(out->salt, key->encr_key + sizeof out->key, sizeof out->salt);
}

void multibuffer_expand(struct multibuffer *m, const struct seal_key *key, void *room)
{
    switch (key->encr->meter) {
    case METER_CIPHER_AES_GCM:
        gcm_expand(m->manager, key, room);
        break;
    case METER_CIPHER_CHACHA20:
        chacha_expand(key, room);
        break;
    default:
        ASSERT(key->encr->meter == METER_CIPHER_AES_CBC);
        cbc_expand(m->manager, key, room);
    }
}

/* The MAC runs over aad | iv | text | tail: one piece, and room for the tail where the ICV is. */
static bool one_piece(const struct seal_op *op)
{
    return op->aad.data + op->aad.len == op->iv && op->iv + op->key->encr->iv_len == op->text &&
           op->text + op->text_len == op->icv && op->tail.len <= op->key->integ->icv_len;
}

bool multibuffer_takes(const struct seal_op *op)
{
    switch (op->key->encr->meter) {
    case METER_CIPHER_AES_GCM:
    case METER_CIPHER_CHACHA20:
        return op->text_len > 0 && op->text_len <= TEXT_MAX;
    case METER_CIPHER_AES_CBC:
        return op->key->integ->iana == HMAC_SHA256 && op->text_len > 0 &&
               op->text_len <= JOB_TEXT_MAX && op->aad.len <= BLOCK_MAX && one_piece(op);
    default:
        return false;
    }
}

bool multibuffer_at_once(const struct seal_op *op)
{
    return op->key->encr->meter == METER_CIPHER_AES_GCM;
}

bool multibuffer_wants_company(const struct seal_op *op)
{
    return op->key->encr->meter == METER_CIPHER_AES_CBC;
}

/* In time that depends on the length only. */
static inline bool same_icv(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint64_t x[2], y[2];

    if (len != sizeof x)
        return bytes_equal_secret(bytes_of(a, len), bytes_of(b, len));
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static inline const struct gcm *gcm_of(const struct multibuffer *m, const struct seal_op *op)
{
    return &m->gcm[(op->key->encr->key_bits - 128) / 64];
}

/* RFC 4106 §4: salt | IV. */
static inline void nonce_make(uint8_t nonce[16], const void *salt, const uint8_t *iv)
{
    memcpy(nonce, salt, 4);
    memcpy(nonce + 4, iv, NONCE_LEN - 4);
}

static void gcm_nonce(uint8_t nonce[16], const struct seal_op *op)
{
    nonce_make(nonce, (const uint8_t *)op->expanded + GCM_SALT_AT, op->iv);
}

static enum err gcm_seal(struct multibuffer *m, const struct seal_op *op, const uint8_t nonce[16])
{
    gcm_of(m, op)->seal(op->expanded, &m->context, op->text, op->text, op->text_len, nonce,
                        op->aad.data, op->aad.len, op->icv, op->key->encr->icv_len);
    return OK;
}

static enum err gcm_open(struct multibuffer *m, const struct seal_op *op, const uint8_t nonce[16])
{
    size_t icv_len = op->key->encr->icv_len;
    uint8_t icv[16];

    gcm_of(m, op)->open(op->expanded, &m->context, op->text, op->text, op->text_len, nonce,
                        op->aad.data, op->aad.len, icv, icv_len);
    if (same_icv(icv, op->icv, icv_len))
        return OK;
    wipe(op->text, op->text_len);
    return ERR_ICV;
}

/*
 * Ask for what the cipher will read of its tables: all round keys, and of the powers of the hash
 * key, whose first one is the last in memory, as many as the text has blocks.
 */
static void gcm_expect(const struct seal_op *op)
{
    const uint8_t *tables = op->expanded;
    size_t powers = (op->text_len / AES_BLOCK + 4) * AES_BLOCK;
    size_t from = powers < GCM_TABLES - GCM_ROUND_KEYS ? GCM_TABLES - powers : GCM_ROUND_KEYS;

    for (size_t i = 0; i < GCM_ROUND_KEYS; i += LINE)
        __builtin_prefetch(tables + i);
    for (size_t i = from / LINE * LINE; i < GCM_TABLES; i += LINE)
        __builtin_prefetch(tables + i);
}

/*
 * A nonce is put together of two pieces and read as a whole, which stalls if the one follows at
 * once upon the other: so that of the next packet but one is made, and its tables asked for.
 */
static inline void gcm_run(struct multibuffer *m, const struct seal_op *ops, size_t count,
                           bool open, enum err *results)
{
    uint8_t nonces[SEAL_BATCH_MAX][16];

    ASSERT(count <= SEAL_BATCH_MAX);
    for (size_t i = 0; i < count + GCM_AHEAD; i++) {
        if (i < count) {
            if (i == 0 || ops[i].expanded != ops[i - 1].expanded)
                gcm_expect(&ops[i]);
            gcm_nonce(nonces[i], &ops[i]);
        }
        if (i >= GCM_AHEAD) {
            size_t now = i - GCM_AHEAD;

            results[now] =
                open ? gcm_open(m, &ops[now], nonces[now]) : gcm_seal(m, &ops[now], nonces[now]);
        }
    }
}

/*
 * RFC 4303 §2.2.1: behind the text the MAC takes in the high half of the sequence number, which no
 * packet has there. It stands where the ICV will be, or was.
 */
static void cbc_job(IMB_JOB *job, const struct seal_op *op, struct flight *f, bool open)
{
    const struct cbc_keys *keys = op->expanded;
    size_t before = op->aad.len + CBC_IV;

    if (op->tail.len > 0) {
        if (open)
            memcpy(f->icv, op->icv, op->key->integ->icv_len);
        memcpy(op->icv, op->tail.data, op->tail.len);
    }
    job->cipher_mode = IMB_CIPHER_CBC;
    job->hash_alg = IMB_AUTH_HMAC_SHA_256;
    job->src = op->aad.data;
    job->cipher_start_src_offset_in_bytes = before;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = before + op->text_len + op->tail.len;
    job->enc_keys = keys->encrypt;
    job->dec_keys = keys->decrypt;
    job->key_len_in_bytes = op->key->encr->key_len;
    job->iv = op->iv;
    job->iv_len_in_bytes = CBC_IV;
    job->u.HMAC._hashed_auth_key_xor_ipad = keys->ipad;
    job->u.HMAC._hashed_auth_key_xor_opad = keys->opad;
}

static void chacha_job(IMB_JOB *job, const struct seal_op *op, struct flight *f)
{
    const struct chacha_keys *keys = op->expanded;

    nonce_make(f->nonce, keys->salt, op->iv);
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->src = op->text;
    job->cipher_start_src_offset_in_bytes = 0;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = op->text_len;
    job->enc_keys = job->dec_keys = keys->key;
    job->key_len_in_bytes = sizeof keys->key;
    job->iv = f->nonce;
    job->iv_len_in_bytes = NONCE_LEN;
    job->u.CHACHA20_POLY1305.aad = op->aad.data;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = op->aad.len;
}

static void finish(const IMB_JOB *job)
{
    const struct seal_op *op = job->user_data;
    struct flight *f = job->user_data2;
    size_t icv_len = seal_icv_len(op->key);
    bool open = job->cipher_direction == IMB_DIR_DECRYPT;

    f->result = job->status == IMB_STATUS_COMPLETED ? OK : ERR_CRYPTO;
    if (open && op->tail.len > 0)
        memcpy(op->icv, f->icv, icv_len);
    if (open && f->result == OK && !same_icv(f->mac, op->icv, icv_len))
        f->result = ERR_ICV;
    if (f->result != OK)
        wipe(op->text, op->text_len);
}

static void submit(struct multibuffer *m, const struct seal_op *op, struct flight *f, bool open)
{
    IMB_JOB *job = IMB_GET_NEXT_JOB(m->manager);

    if (op->key->encr->aead)
        chacha_job(job, op, f);
    else
        cbc_job(job, op, f, open);
    job->cipher_direction = open ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT;
    job->chain_order = open ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
    job->dst = op->text;
    job->msg_len_to_cipher_in_bytes = op->text_len;
    job->auth_tag_output = open ? f->mac : op->icv;
    job->auth_tag_output_len_in_bytes = seal_icv_len(op->key);
    job->user_data = (void *)op;
    job->user_data2 = f;
    for (job = IMB_SUBMIT_JOB(m->manager); job; job = IMB_GET_COMPLETED_JOB(m->manager))
        finish(job);
}

/* Their results are there when the queue has run dry. */
static void run(struct multibuffer *m, const struct seal_op *const *ops, size_t count, bool open,
                enum err *results)
{
    IMB_JOB *job;

    ASSERT(count <= SEAL_BATCH_MAX);
    for (size_t i = 0; i < count; i++)
        submit(m, ops[i], &m->flights[i], open);
    while ((job = IMB_FLUSH_JOB(m->manager)))
        finish(job);
    for (size_t i = 0; i < count; i++)
        results[i] = m->flights[i].result;
}

enum err multibuffer_seal_one(struct multibuffer *m, const struct seal_op *op)
{
    enum err result;

    if (multibuffer_at_once(op))
        gcm_run(m, op, 1, false, &result);
    else
        run(m, &op, 1, false, &result);
    return result;
}

enum err multibuffer_open_one(struct multibuffer *m, const struct seal_op *op)
{
    enum err result;

    if (multibuffer_at_once(op))
        gcm_run(m, op, 1, true, &result);
    else
        run(m, &op, 1, true, &result);
    return result;
}

void multibuffer_seal_in_turn(struct multibuffer *m, const struct seal_op *ops, size_t count,
                              enum err *results)
{
    gcm_run(m, ops, count, false, results);
}

void multibuffer_open_in_turn(struct multibuffer *m, const struct seal_op *ops, size_t count,
                              enum err *results)
{
    gcm_run(m, ops, count, true, results);
}

void multibuffer_seal(struct multibuffer *m, const struct seal_op *const *ops, size_t count,
                      enum err *results)
{
    run(m, ops, count, false, results);
}

void multibuffer_open(struct multibuffer *m, const struct seal_op *const *ops, size_t count,
                      enum err *results)
{
    run(m, ops, count, true, results);
}
