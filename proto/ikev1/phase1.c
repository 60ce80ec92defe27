#include "proto/ikev1/phase1.h"

#include "base/assert.h"

const char *v1_state_name(enum v1_state s)
{
    static const char *const names[V1_STATE_COUNT] = {
#define X(symbol, name) [V1_STATE_##symbol] = name,
        V1_STATE_LIST(X)
#undef X
    };

    ASSERT((unsigned)s < V1_STATE_COUNT);
    return names[s];
}

void v1_phase1_init(struct v1_phase1 *p, const struct v1_phase1_env *env, bool initiator,
                    uint64_t cookie, struct rng random)
{
    ASSERT(cookie != 0 && env->config->id.len > 0);
    memset(p, 0, sizeof *p);
    p->env = *env;
    p->random = random;
    p->initiator = initiator;
    if (initiator)
        p->cky_i = cookie;
    else
        p->cky_r = cookie;
}

void v1_phase1_reset(struct v1_phase1 *p)
{
    wipe(p, sizeof *p);
}

struct v1_established v1_phase1_established(const struct v1_phase1 *p)
{
    ASSERT(p->state == V1_STATE_ESTABLISHED);
    return (struct v1_established){p->env.crypto, p->suite.hash, &p->keys,
                                   &p->cipher,    p->cky_i,      p->cky_r};
}

enum err v1_header_check(const struct v1_established *sa, const struct ike_header *h,
                         uint8_t exchange, uint32_t message_id)
{
    if (h->exchange != exchange || !v1_encrypted(h))
        return ERR_STATE;
    return h->message_id == message_id && h->spi_i == sa->cky_i && h->spi_r == sa->cky_r
               ? OK
               : ERR_MESSAGE_ID;
}

enum err v1_cipher_of(const struct v1_established *sa, uint32_t message_id, struct v1_cipher *out)
{
    size_t block = sa->cipher->encr->block_len;

    *out = *sa->cipher;
    return ikev1_iv_of(sa->crypto, sa->hash, bytes_of(sa->cipher->iv, block), message_id, block,
                       out->iv);
}

static struct bytes ke_body(const struct v1_phase1 *p, bool ours)
{
    return bytes_of(ours ? p->pair.public : p->peer_ke, p->suite.ke->public_len);
}

struct bytes v1_phase1_g_xi(const struct v1_phase1 *p)
{
    return ke_body(p, p->initiator);
}

struct bytes v1_phase1_g_xr(const struct v1_phase1 *p)
{
    return ke_body(p, !p->initiator);
}

/* Everything is made beside what is there, and taken over when all of it is. */
static enum err derive(struct v1_phase1 *p, struct bytes shared, struct ikev1_keys *keys,
                       struct v1_cipher *cipher)
{
    struct crypto *c = p->env.crypto;
    struct bytes ours = bytes_of(p->nonce, sizeof p->nonce);
    struct bytes peers = bytes_of(p->peer_nonce, p->peer_nonce_len);
    const struct ikev1_seed seed = {.kind = p->suite.auth->skeyid,
                                    .ni = p->initiator ? ours : peers,
                                    .nr = p->initiator ? peers : ours,
                                    .shared = shared,
                                    .psk = bytes_of(p->env.config->psk, p->env.config->psk_len),
                                    .cky_i = p->cky_i,
                                    .cky_r = p->cky_r};
    enum err e = ikev1_keys_derive(c, p->suite.hash, &seed, keys);

    cipher->encr = p->suite.encr;
    if (e == OK)
        e = ikev1_encr_key(c, p->suite.hash, keys, p->suite.encr, cipher->key);
    if (e == OK)
        e = ikev1_iv_first(c, p->suite.hash, v1_phase1_g_xi(p), v1_phase1_g_xr(p),
                           p->suite.encr->block_len, cipher->iv);
    return e;
}

enum err v1_phase1_derive(struct v1_phase1 *p)
{
    struct crypto *c = p->env.crypto;
    uint8_t shared[KE_SHARED_MAX];
    struct v1_cipher cipher = {0};
    struct ikev1_keys keys;
    enum err e = ERR_KEY_EXCHANGE;

    /* Messages 3 and 4 have one form: what we have sent may be thrown back at us. */
    if (bytes_equal(ke_body(p, true), ke_body(p, false)))
        return e;
    e = c->class->ke_derive(c, &p->pair, ke_body(p, false), shared);
    if (e == OK)
        e = derive(p, bytes_of(shared, p->suite.ke->shared_len), &keys, &cipher);
    if (e == OK) {
        p->keys = keys;
        p->cipher = cipher;
        wipe(p->pair.private, sizeof p->pair.private);
        wipe(&keys, sizeof keys);
    }
    wipe(shared, sizeof shared);
    wipe(&cipher, sizeof cipher);
    return e;
}

enum err v1_phase1_hash(const struct v1_phase1 *p, bool of_initiator, struct bytes id_b,
                        uint8_t out[IKEV1_HASH_MAX], size_t *len)
{
    const struct hash_suite *hash = v1_auth_hash(p->suite.auth, of_initiator, p->suite.hash);
    const struct ikev1_proof proof = {.g_xi = v1_phase1_g_xi(p),
                                      .g_xr = v1_phase1_g_xr(p),
                                      .cky_i = p->cky_i,
                                      .cky_r = p->cky_r,
                                      .sai_b = bytes_of(p->sai_b, p->sai_len),
                                      .id_b = id_b,
                                      .tied = hash};

    *len = hash->len;
    return ikev1_hash_of(p->env.crypto, p->suite.hash, &p->keys, &proof, of_initiator, out);
}

struct bytes v1_phase1_own_id(const struct v1_phase1 *p, uint8_t room[V1_ID_BODY_MAX])
{
    const struct identity *own = &p->env.config->id;
    struct v1_id id = {.type = own->type, .data = bytes_of(own->data, own->len)};
    struct writer w;

    writer_init(&w, room, V1_ID_BODY_MAX);
    v1_id_write(&w, &id);
    ASSERT(writer_end(&w) == OK);
    return bytes_of(room, writer_len(&w));
}
