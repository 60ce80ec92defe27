#include "proto/ikev1/pubkey_encryption.h"

#include "proto/core/message_store.h"
#include "proto/core/peer_key.h"
#include "proto/wire/v1_any.h"

/* ---- what is encrypted, and how ---- */

enum how { CLEAR, BY_KEY, BY_NONCE };

/* RFC 2409 §5.3: all that follows the nonce; but HASH_R is drawn in the clear there. */
static enum how how_of(const struct v1_auth *a, uint8_t type, bool nonce_seen)
{
    if (type == V1_PAYLOAD_NONCE)
        return BY_KEY;
    if (a->encryption == V1_ENCRYPTION_PLAIN)
        return type == V1_PAYLOAD_ID ? BY_KEY : CLEAR;
    return nonce_seen && type != V1_PAYLOAD_HASH ? BY_NONCE : CLEAR;
}

static bool must_follow_nonce(const struct v1_auth *a, uint8_t type)
{
    return a->encryption == V1_ENCRYPTION_REVISED &&
           (type == V1_PAYLOAD_KE || type == V1_PAYLOAD_ID || type == V1_PAYLOAD_CERT);
}

/* Ke_i or Ke_r. The IV is 0 at first, and then the last block of the payload before. */
static enum err begin_cipher(const struct v1_phase1 *p, struct bytes nonce, uint64_t cookie,
                             struct v1_cipher *out)
{
    *out = (struct v1_cipher){.encr = p->suite.encr};
    return ikev1_nonce_key(p->env.crypto, p->suite.hash, nonce, cookie, p->suite.encr, out->key);
}

/* HASH(1) */
static enum err hash_1(const struct v1_phase1 *p, struct bytes der, uint8_t out[IKEV1_HASH_MAX])
{
    return p->env.crypto->class->hash(p->env.crypto, p->suite.hash, &der, 1, out);
}

/* ---- the peer ---- */

static const struct known_cert *at_hand(const struct v1_phase1 *p)
{
    const struct ike_trust *trust = &p->env.config->auth.trust;
    struct v1_id id;

    if (p->initiator)
        return trust->called;
    if (v1_id_read(bytes_of(p->peer_id, p->peer_id_len), &id) != OK)
        return NULL;
    return known_cert_find(trust, id.type, id.data);
}

enum err v1_pubkey_peer_check(const struct v1_phase1_step *s)
{
    const struct known_cert *known;
    struct v1_id id;
    enum err e;

    if (!v1_auth_encrypts(s->p->suite.auth))
        return OK;
    known = at_hand(s->p);
    e = v1_id_read(bytes_of(s->p->peer_id, s->p->peer_id_len), &id);
    if (e != OK)
        return e;
    if (!s->p->initiator)
        return known || message_find(s->in, V1_PAYLOAD_CERT) ? OK : ERR_SIGNATURE;
    return known && known->id_type == id.type && bytes_equal(known->id, id.data) ? OK
                                                                                 : ERR_SIGNATURE;
}

/* @param[out] out  peer_key_reset, also on error */
static enum err peer_key_of(struct v1_phase1 *p, const struct message_view *in,
                            struct peer_key *out)
{
    const struct known_cert *known = at_hand(p);
    struct peer_claim claim = {.crypto = p->env.crypto,
                               .auth = &p->env.config->auth,
                               .in = in,
                               .cert_type = V1_PAYLOAD_CERT,
                               .decrypts = true,
                               .at_hand = known,
                               .now_s = p->env.now_s};
    enum x509_result why = CERT_VALID;
    struct v1_id id = {.type = 0};
    enum err e = OK;

    if (!p->initiator)
        e = v1_id_read(bytes_of(p->peer_id, p->peer_id_len), &id);
    claim.id_type = p->initiator && known ? known->id_type : id.type;
    claim.id = p->initiator && known ? known->id : id.data;
    *out = (struct peer_key){.end_entity = NULL};
    if (e == OK && !known && !in)
        e = ERR_SIGNATURE;
    if (e == OK)
        e = peer_key_read(&claim, out, &why);
    if (e == OK && (!out->end_entity || out->key.key.type != KEY_RSA))
        e = ERR_SIGNATURE;
    if (e == OK)
        e = peer_key_judge(&claim, out, &why);
    p->certificate = (uint8_t)why;
    return e;
}

/* ---- writing ---- */

static enum err write_hash_1(const struct v1_phase1 *p, struct message_writer *w)
{
    const struct known_cert *called = p->env.config->auth.trust.called;
    uint8_t hash[IKEV1_HASH_MAX];
    enum err e;

    if (!p->initiator)
        return OK;
    e = called ? hash_1(p, called->certs[0], hash) : ERR_SIGNATURE;
    if (e == OK)
        payload_add(w, V1_PAYLOAD_HASH, bytes_of(hash, p->suite.hash->len));
    return e;
}

/* Cert-I: nobody asks for it here. */
static void write_certs(const struct v1_phase1 *p, struct message_writer *w)
{
    const struct ike_credential *own = &p->env.config->auth.credential;

    if (!p->initiator || own->send != SEND_CERT_ALWAYS)
        return;
    for (size_t i = 0; i < own->cert_count; i++) {
        cert_write(payload_begin(w, V1_PAYLOAD_CERT),
                   &(struct cert_payload){CERT_X509_SIGNATURE, own->certs[i]});
        payload_end(w);
    }
}

enum err v1_pubkey_write(const struct v1_phase1 *p, struct message_writer *w)
{
    const struct bytes ke = bytes_of(p->pair.public, p->suite.ke->public_len);
    bool revised = p->suite.auth->encryption == V1_ENCRYPTION_REVISED;
    uint8_t room[V1_ID_BODY_MAX];
    enum err e;

    if (!revised)
        payload_add(w, V1_PAYLOAD_KE, ke);
    e = write_hash_1(p, w);
    if (!revised)
        payload_add(w, V1_PAYLOAD_ID, v1_phase1_own_id(p, room));
    payload_add(w, V1_PAYLOAD_NONCE, bytes_of(p->nonce, sizeof p->nonce));
    if (!revised)
        return e;
    payload_add(w, V1_PAYLOAD_KE, ke);
    payload_add(w, V1_PAYLOAD_ID, v1_phase1_own_id(p, room));
    write_certs(p, w);
    return e;
}

struct sealing {
    const struct v1_phase1 *p;
    const struct verify_key *key;
    struct v1_cipher cipher;
    bool nonce_seen;
};

static enum err seal_by_key(struct sealing *s, struct message_writer *w,
                            const struct payload_view *v)
{
    const struct v1_phase1 *p = s->p;
    enum v1_fork fork = v->type == V1_PAYLOAD_NONCE ? V1_FORK_NONCE : V1_FORK_ID;
    const struct encrypt_op op = {s->key, rng_fork(&p->random, fork), v->body};
    uint8_t text[ENCRYPT_MAX];
    size_t len;
    enum err e = p->env.crypto->class->encrypt(p->env.crypto, &op, text, &len);

    payload_add(w, v->type, bytes_of(text, len));
    if (e != OK || v->type != V1_PAYLOAD_NONCE)
        return e;
    s->nonce_seen = true;
    return begin_cipher(p, v->body, p->initiator ? p->cky_i : p->cky_r, &s->cipher);
}

/* RFC 2409 §5.3: padded with zeros, and the number of them as the last byte of all. */
static enum err seal_by_nonce(struct sealing *s, struct message_writer *w,
                              const struct payload_view *v)
{
    size_t block = s->cipher.encr->block_len, zeros = block - 1 - v->body.len % block;
    struct writer *body = payload_begin(w, v->type);
    const struct v1_area area = {body->at, v->body.len + zeros + 1, v->body.len};
    enum err e;

    writer_bytes(body, v->body);
    writer_zeros(body, zeros);
    writer_u8(body, (uint8_t)zeros);
    e = body->error ? body->error : v1_cipher_seal(s->p->env.crypto, &s->cipher, &area);
    payload_end(w);
    return e;
}

static enum err seal_each(struct sealing *s, struct message_writer *w,
                          const struct message_view *plain)
{
    enum err e = OK;

    for (unsigned i = 0; e == OK && i < plain->count; i++) {
        const struct payload_view *v = &plain->payloads[i];

        switch (how_of(s->p->suite.auth, v->type, s->nonce_seen)) {
        case BY_KEY:
            e = seal_by_key(s, w, v);
            break;
        case BY_NONCE:
            e = seal_by_nonce(s, w, v);
            break;
        default:
            payload_add(w, v->type, v->body);
        }
    }
    return e;
}

/* @param plain  a copy of the message, which is written anew where it was */
static enum err seal(struct sealing *s, struct bytes plain, struct buf out, struct bytes *message)
{
    struct message_view view;
    struct message_writer w;
    enum err e = v1_message_read(plain, &view);

    if (e != OK)
        return e;
    message_begin(&w, out, &view.header);
    e = seal_each(s, &w, &view);
    return e == OK ? message_end(&w, message) : e;
}

enum err v1_pubkey_seal(struct v1_phase1 *p, const struct message_view *in, struct buf out,
                        struct bytes *message)
{
    uint8_t plain[MESSAGE_MAX];
    struct peer_key peer;
    struct sealing s = {.p = p, .key = &peer.key};
    enum err e;

    if (!v1_auth_encrypts(p->suite.auth))
        return OK;
    if (message->len > sizeof plain)
        return ERR_SPACE;
    e = peer_key_of(p, in, &peer);
    if (e == OK) {
        memcpy(plain, message->data, message->len);
        e = seal(&s, bytes_of(plain, message->len), out, message);
        wipe(plain, message->len);
    }
    peer_key_reset(&peer);
    wipe(&s.cipher, sizeof s.cipher);
    return e;
}

/* ---- reading ---- */

/* The bytes of what was received, which are decrypted in place. */
static uint8_t *writable(struct bytes b)
{
    return (uint8_t *)(uintptr_t)b.data;
}

/* A nonce or an identity; where it is none, one that nobody knows. */
static enum err open_by_key(const struct v1_phase1 *p, struct payload_view *v)
{
    bool nonce = v->type == V1_PAYLOAD_NONCE;
    const struct decrypt_op op = {.key = p->env.config->auth.credential.key,
                                  .random = rng_fork(&p->random, V1_FORK_BLINDING),
                                  .text = v->body,
                                  .min = nonce ? V1_NONCE_MIN : 1,
                                  .max = nonce ? V1_NONCE_MAX : V1_ID_BODY_MAX};
    uint8_t text[ENCRYPT_MAX] = {0};
    size_t len;
    enum err e = p->env.crypto->class->decrypt(p->env.crypto, &op, text, &len);

    if (e == OK)
        memcpy(writable(v->body), text, v->body.len);
    v->body.len = len;
    wipe(text, sizeof text);
    return e;
}

/* RFC 2409 §5.3 */
static enum err unpad(struct bytes *body, size_t block)
{
    size_t zeros = body->data[body->len - 1];

    if (zeros >= block)
        return ERR_PADDING;
    for (size_t i = 0; i < zeros; i++)
        if (body->data[body->len - 2 - i] != 0)
            return ERR_PADDING;
    body->len -= zeros + 1;
    return OK;
}

static enum err open_by_nonce(const struct v1_phase1 *p, struct v1_cipher *cipher,
                              struct payload_view *v)
{
    size_t block = cipher->encr->block_len;
    uint8_t iv[IV_MAX];
    const struct cbc_op op = {cipher->encr, cipher->key, iv, writable(v->body), v->body.len, false};
    enum err e;

    if (v->body.len == 0 || v->body.len % block != 0)
        return ERR_LENGTH;
    memcpy(iv, cipher->iv, block);
    memcpy(cipher->iv, v->body.data + v->body.len - block, block);
    e = p->env.crypto->class->cbc(p->env.crypto, &op);
    return e == OK ? unpad(&v->body, block) : e;
}

static enum err open_each(const struct v1_phase1 *p, struct message_view *in,
                          struct v1_cipher *cipher)
{
    uint64_t cookie = p->initiator ? in->header.spi_r : in->header.spi_i;
    bool nonce_seen = false;
    enum err e = OK;

    for (unsigned i = 0; e == OK && i < in->count; i++) {
        struct payload_view *v = &in->payloads[i];

        if (!nonce_seen && must_follow_nonce(p->suite.auth, v->type))
            return ERR_SYNTAX;
        switch (how_of(p->suite.auth, v->type, nonce_seen)) {
        case BY_KEY:
            e = open_by_key(p, v);
            break;
        case BY_NONCE:
            e = open_by_nonce(p, cipher, v);
            break;
        default:
            break;
        }
        if (e == OK && v->type == V1_PAYLOAD_NONCE) {
            nonce_seen = true;
            e = begin_cipher(p, v->body, cookie, cipher);
        }
    }
    return e;
}

/* HASH(1), where the peer says which of our certificates it has. */
static enum err check_hash_1(const struct v1_phase1 *p, const struct message_view *in)
{
    const struct ike_credential *own = &p->env.config->auth.credential;
    const struct payload_view *v = message_find(in, V1_PAYLOAD_HASH);
    uint8_t hash[IKEV1_HASH_MAX];
    enum err e;

    if (p->initiator || !v)
        return OK;
    e = own->cert_count > 0 ? hash_1(p, own->certs[0], hash) : ERR_SIGNATURE;
    if (e == OK && !bytes_equal(v->body, bytes_of(hash, p->suite.hash->len)))
        e = ERR_SIGNATURE;
    return e;
}

enum err v1_pubkey_open(struct v1_phase1_step *s)
{
    struct v1_cipher cipher;
    enum err e;

    if (!v1_auth_encrypts(s->p->suite.auth))
        return OK;
    s->plain = *s->in;
    s->in = &s->plain;
    e = check_hash_1(s->p, &s->plain);
    if (e == OK)
        e = open_each(s->p, &s->plain, &cipher);
    wipe(&cipher, sizeof cipher);
    if (e == OK)
        v1_phase1_vendors_read(s->p, s->in);
    return e;
}
