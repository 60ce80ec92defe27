/*
 * ESP through libipsec-mb. GCM packets are computed directly, one after the other: waiting for
 * company gives nothing there. CBC with HMAC, and ChaCha20-Poly1305, go through the library's
 * queue of jobs, which computes several packets at once. Not its bursts: in version 1.3 they
 * lose count of packets that wait in lanes.
 */
#define LINUX 1 /* or the header does not align its key tables */
#include <intel-ipsec-mb.h>

#include "esp.h"
#include "loop.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>

struct multibuffer {
    IMB_MGR *manager;
    char direct[48], jobs[48];
};

/* Key tables of one SA. Arrays of them are of the type that the suite needs, so that an SA
 * takes no more of the cache than it must. */
struct gcm_sa {
    struct gcm_key_data key;
    uint32_t seq;
    uint8_t salt[SALT_LEN];
};

struct job_sa {
    DECLARE_ALIGNED(uint32_t encrypt[60], 16);
    DECLARE_ALIGNED(uint32_t decrypt[60], 16);
    DECLARE_ALIGNED(uint8_t ipad[32], 16);
    DECLARE_ALIGNED(uint8_t opad[32], 16);
    uint8_t key[KEY_LEN]; /* of ChaCha20 */
    uint32_t seq;
    uint8_t salt[SALT_LEN];
};

static bool direct(enum esp_suite suite)
{
    return suite == AES128GCM16 || suite == AES256GCM16;
}

static void *start(void)
{
    struct multibuffer *m = need_memory(1, sizeof *m);

    m->manager = alloc_mb_mgr(0);
    need(m->manager != NULL, "libipsec-mb");
    init_mb_mgr_auto(m->manager, NULL);
    need(imb_get_errno(m->manager) == 0, "libipsec-mb");
    snprintf(m->direct, sizeof m->direct, "libipsec-mb %s, direct", imb_get_version_str());
    snprintf(m->jobs, sizeof m->jobs, "libipsec-mb %s, jobs", imb_get_version_str());
    return m;
}

static void stop(void *library)
{
    struct multibuffer *m = library;

    free_mb_mgr(m->manager);
    free(m);
}

static const char *name(void *library, enum esp_suite suite)
{
    struct multibuffer *m = library;

    return direct(suite) ? m->direct : m->jobs;
}

static void gcm_sa_init(IMB_MGR *manager, struct gcm_sa *sa, enum esp_suite suite, uint32_t kind)
{
    struct esp_keys keys = esp_keys(kind);

    memcpy(sa->salt, keys.salt, SALT_LEN);
    if (suite == AES128GCM16)
        IMB_AES128_GCM_PRE(manager, keys.cipher, &sa->key);
    else
        IMB_AES256_GCM_PRE(manager, keys.cipher, &sa->key);
}

/* RFC 2104: the state of SHA-256 after the key xor ipad, or opad. */
static void pad_hash(IMB_MGR *manager, const uint8_t key[KEY_LEN], uint8_t pad, uint8_t *out)
{
    uint8_t block[64];

    memset(block, pad, sizeof block);
    for (int i = 0; i < KEY_LEN; i++)
        block[i] ^= key[i];
    IMB_SHA256_ONE_BLOCK(manager, block, out);
}

static void job_sa_init(IMB_MGR *manager, struct job_sa *sa, uint32_t kind)
{
    struct esp_keys keys = esp_keys(kind);

    memcpy(sa->salt, keys.salt, SALT_LEN);
    memcpy(sa->key, keys.cipher, KEY_LEN);
    IMB_AES_KEYEXP_256(manager, keys.cipher, sa->encrypt, sa->decrypt);
    pad_hash(manager, keys.mac, 0x36, sa->ipad);
    pad_hash(manager, keys.mac, 0x5c, sa->opad);
}

static void *sas_new(void *library, const struct traffic *t, uint32_t count, uint32_t distinct)
{
    struct multibuffer *m = library;
    struct gcm_sa *gcm;
    struct job_sa *job;

    if (direct(t->suite)) {
        gcm = need_memory(count, sizeof *gcm);
        for (uint32_t i = 0; i < count; i++)
            gcm_sa_init(m->manager, &gcm[i], t->suite, i % distinct);
        return gcm;
    }
    job = need_memory(count, sizeof *job);
    for (uint32_t i = 0; i < count; i++)
        job_sa_init(m->manager, &job[i], i % distinct);
    return job;
}

static void sas_drop(void *sas, uint32_t count)
{
    (void)count;
    free(sas);
}

static void gcm_seal(struct traffic *t, uint64_t count, aes_gcm_enc_dec_t seal)
{
    size_t header = esp_header_len(t->suite);
    struct gcm_sa *sas = t->sas;
    struct gcm_context_data context;

    for (uint64_t i = 0; i < count; i++) {
        struct packet *p = traffic_packet(t);
        struct gcm_sa *sa = &sas[traffic_sa(t)];
        uint8_t *text = p->wire + header;

        packet_number(p, &sa->seq, esp_iv_len(t->suite));
        packet_nonce(p, sa->salt);
        seal(&sa->key, &context, text, text, p->size, p->iv, p->wire, AAD_LEN, text + p->size,
             ICV_LEN);
    }
}

static void gcm_open(struct traffic *t, uint64_t count, aes_gcm_enc_dec_t open)
{
    size_t header = esp_header_len(t->suite);
    struct gcm_sa *sas = t->sas;
    struct gcm_context_data context;

    for (uint64_t i = 0; i < count; i++) {
        struct packet *p = traffic_packet(t);
        struct gcm_sa *sa = &sas[traffic_sa(t)];
        uint8_t *text = p->wire + header;

        packet_nonce(p, sa->salt);
        open(&sa->key, &context, p->plain + header, text, p->size, p->iv, p->wire, AAD_LEN, p->mac,
             ICV_LEN);
        need(CRYPTO_memcmp(p->mac, text + p->size, ICV_LEN) == 0, "verifying a packet");
    }
}

static void fill_cbc(IMB_JOB *job, struct job_sa *sa, struct packet *p)
{
    memcpy(p->iv, p->wire + IV_AT, sizeof p->iv);
    job->cipher_mode = IMB_CIPHER_CBC;
    job->hash_alg = IMB_AUTH_HMAC_SHA_256;
    job->enc_keys = sa->encrypt;
    job->dec_keys = sa->decrypt;
    job->iv_len_in_bytes = 16;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = esp_header_len(AES256_SHA256_128) + p->size;
    job->u.HMAC._hashed_auth_key_xor_ipad = sa->ipad;
    job->u.HMAC._hashed_auth_key_xor_opad = sa->opad;
}

static void fill_chacha(IMB_JOB *job, struct job_sa *sa, struct packet *p)
{
    packet_nonce(p, sa->salt);
    job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job->enc_keys = job->dec_keys = sa->key;
    job->iv_len_in_bytes = NONCE_LEN;
    job->hash_start_src_offset_in_bytes = esp_header_len(CHACHA20POLY1305);
    job->msg_len_to_hash_in_bytes = p->size;
    job->u.CHACHA20_POLY1305.aad = p->wire;
    job->u.CHACHA20_POLY1305.aad_len_in_bytes = AAD_LEN;
}

static void fill(IMB_JOB *job, const struct traffic *t, struct job_sa *sa, struct packet *p)
{
    size_t header = esp_header_len(t->suite);

    job->cipher_direction = t->decrypt ? IMB_DIR_DECRYPT : IMB_DIR_ENCRYPT;
    job->chain_order = t->decrypt ? IMB_ORDER_HASH_CIPHER : IMB_ORDER_CIPHER_HASH;
    job->key_len_in_bytes = KEY_LEN;
    job->src = p->wire;
    job->dst = (t->decrypt ? p->plain : p->wire) + header;
    job->cipher_start_src_offset_in_bytes = header;
    job->msg_len_to_cipher_in_bytes = p->size;
    job->iv = p->iv;
    job->auth_tag_output = t->decrypt ? p->mac : p->wire + header + p->size;
    job->auth_tag_output_len_in_bytes = ICV_LEN;
    job->user_data = p;
    if (t->suite == CHACHA20POLY1305)
        fill_chacha(job, sa, p);
    else
        fill_cbc(job, sa, p);
}

static void finish(const struct traffic *t, const IMB_JOB *job)
{
    struct packet *p = job->user_data;
    const uint8_t *icv = p->wire + esp_header_len(t->suite) + p->size;

    need(job->status == IMB_STATUS_COMPLETED, "a job of libipsec-mb");
    if (t->decrypt)
        need(CRYPTO_memcmp(p->mac, icv, ICV_LEN) == 0, "verifying a packet");
    p->busy = false;
}

/* The next packet of the ring. Where sizes are mixed, a long one may still be in a lane when
 * the ring comes round to it. */
static struct packet *free_packet(IMB_MGR *manager, struct traffic *t)
{
    struct packet *p = traffic_packet(t);

    while (p->busy) {
        const IMB_JOB *job = IMB_FLUSH_JOB(manager);

        need(job != NULL, "flushing libipsec-mb");
        finish(t, job);
    }
    return p;
}

static void run_jobs(IMB_MGR *manager, struct traffic *t, uint64_t count)
{
    struct job_sa *sas = t->sas;
    IMB_JOB *job;

    for (uint64_t i = 0; i < count; i++) {
        struct packet *p = free_packet(manager, t);
        struct job_sa *sa = &sas[traffic_sa(t)];

        if (!t->decrypt)
            packet_number(p, &sa->seq, esp_iv_len(t->suite));
        p->busy = true;
        job = IMB_GET_NEXT_JOB(manager);
        fill(job, t, sa, p);
        for (job = IMB_SUBMIT_JOB(manager); job; job = IMB_GET_COMPLETED_JOB(manager))
            finish(t, job);
    }
    while ((job = IMB_FLUSH_JOB(manager)))
        finish(t, job);
}

static void run(void *library, struct traffic *t, uint64_t count)
{
    IMB_MGR *manager = ((struct multibuffer *)library)->manager;

    if (t->suite == AES128GCM16 && t->decrypt)
        gcm_open(t, count, manager->gcm128_dec);
    else if (t->suite == AES128GCM16)
        gcm_seal(t, count, manager->gcm128_enc);
    else if (t->suite == AES256GCM16 && t->decrypt)
        gcm_open(t, count, manager->gcm256_dec);
    else if (t->suite == AES256GCM16)
        gcm_seal(t, count, manager->gcm256_enc);
    else
        run_jobs(manager, t, count);
}

const struct esp_engine esp_multibuffer = {
    .name = name,
    .sas_max = SAS_MAX,
    .start = start,
    .stop = stop,
    .sas_new = sas_new,
    .sas_drop = sas_drop,
    .run = run,
};
