#include "dissect/v1_session.h"

#include "base/digest.h"
#include "base/table.h"
#include "crypto/ikev1_keymat.h"
#include "proto/wire/v1_any.h"

#include <stdlib.h>
#include <string.h>

/* The messages under one message ID. */
struct chain {
    uint32_t message_id;
    bool begun;         /* `iv` is the last block of a message, else it is still to be made */
    uint8_t iv[IV_MAX]; /* of the next message */
    struct {
        uint64_t digest; /* of the ciphertext */
        uint8_t iv[IV_MAX];
    } seen[V1_SEEN_MAX];
    unsigned seen_count; /* ever */
};

struct session {
    uint64_t cky_i, cky_r; /* cky_i 0: a free one */
    const struct encr_suite *encr;
    const struct hash_suite *hash;
    bool agreed; /* the responder has answered; encr and hash may still be none of ours */
    uint8_t ke[2][V1_KE_MAX];
    uint16_t ke_len[2];
    struct chain phase1, chains[V1_CHAINS_MAX];
    unsigned chain_count; /* ever */
};

struct v1_sessions {
    struct session *all;
    struct table by_cookie; /* the initiator's, to a place in `all` */
    unsigned count, room;   /* count: ever */
};

struct v1_sessions *v1_sessions_create(void)
{
    struct v1_sessions *s = calloc(1, sizeof *s);

    if (s && table_init(&s->by_cookie, V1_SESSIONS_FIRST)) {
        free(s);
        return NULL;
    }
    return s;
}

void v1_sessions_destroy(struct v1_sessions *s)
{
    if (!s)
        return;
    table_reset(&s->by_cookie);
    free(s->all);
    free(s);
}

static struct session *find(const struct v1_sessions *s, uint64_t cky_i)
{
    uint32_t at;

    return table_get(&s->by_cookie, cky_i, &at) ? &s->all[at] : NULL;
}

/* Twice as many, as long as there may be more. */
static bool grow(struct v1_sessions *s)
{
    unsigned room = s->room ? 2 * s->room : V1_SESSIONS_FIRST;
    struct session *all;

    if (s->count < s->room || s->room == V1_SESSIONS_MAX)
        return true;
    all = realloc(s->all, room * sizeof *all);
    if (!all)
        return false;
    memset(all + s->room, 0, (room - s->room) * sizeof *all);
    s->all = all;
    s->room = room;
    return true;
}

/* NULL: no memory, and then nothing is opened. */
static struct session *find_or_make(struct v1_sessions *s, uint64_t cky_i)
{
    struct session *old = find(s, cky_i);
    uint32_t at;

    if (old || cky_i == 0)
        return old;
    if (!grow(s))
        return NULL;
    at = s->count % s->room;
    if (s->all[at].cky_i)
        table_remove(&s->by_cookie, s->all[at].cky_i);
    memset(&s->all[at], 0, sizeof s->all[at]);
    if (table_put(&s->by_cookie, cky_i, at))
        return NULL;
    s->all[at].cky_i = cky_i;
    s->count++;
    return &s->all[at];
}

static uint16_t number_of(struct bytes row, uint16_t type)
{
    struct v1_attribute a;
    uint32_t number = 0;

    if (!v1_attribute_find(row, type, &a) || !v1_attribute_number(&a, &number))
        return 0;
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

static bool first_transform(struct bytes body, struct v1_transform *t)
{
    struct sa_transform_walk transforms;
    struct v1_sa_walk walk;
    struct sa_proposal p;

    v1_sa_open(&walk, body);
    if (!v1_sa_next(&walk, &p))
        return false;
    sa_transform_open(&transforms, &p);
    return v1_transform_next(&transforms, t);
}

/* The method of public-key encryption by which a message in the clear is encrypted; 0: none. */
static unsigned encryption_of(const struct ike_header *h, const struct message_view *v)
{
    const struct payload_view *sa = message_find(v, V1_PAYLOAD_SA);
    const struct payload_view *nonce = message_find(v, V1_PAYLOAD_NONCE);
    const struct payload_view *ke = message_find(v, V1_PAYLOAD_KE);
    struct v1_transform t;
    unsigned method;

    if (v1_encrypted(h) || !nonce || !message_find(v, V1_PAYLOAD_ID))
        return 0;
    if (h->exchange == V1_EXCHANGE_MAIN && !sa)
        return ke && ke < nonce ? V1_AUTH_RSA_ENCRYPTION : V1_AUTH_RSA_REVISED_ENCRYPTION;
    if (h->exchange != V1_EXCHANGE_AGGRESSIVE || !sa || !first_transform(sa->body, &t))
        return 0;
    method = number_of(t.attributes, V1_OAKLEY_AUTHENTICATION_METHOD);
    return method == V1_AUTH_RSA_ENCRYPTION || method == V1_AUTH_RSA_REVISED_ENCRYPTION ? method
                                                                                        : 0;
}

bool v1_payload_sealed(const struct ike_header *h, const struct message_view *v,
                       const struct payload_view *p)
{
    unsigned method = encryption_of(h, v);

    if (method == 0 || p->type == V1_PAYLOAD_NONCE)
        return method != 0;
    if (method == V1_AUTH_RSA_ENCRYPTION)
        return p->type == V1_PAYLOAD_ID;
    return p > message_find(v, V1_PAYLOAD_NONCE) && p->type != V1_PAYLOAD_HASH;
}

/* RFC 2409 §5: the responder answers with one proposal and one transform. */
static void learn_suite(struct session *s, struct bytes body)
{
    struct v1_transform t;

    if (!first_transform(body, &t))
        return;
    s->agreed = true;
    s->encr = encr_suite_v1(number_of(t.attributes, V1_OAKLEY_ENCRYPTION_ALGORITHM),
                            number_of(t.attributes, V1_OAKLEY_KEY_LENGTH));
    s->hash = hash_suite(number_of(t.attributes, V1_OAKLEY_HASH_ALGORITHM));
}

/* The initiator's KE is always the first one. */
static void learn_ke(struct session *s, struct bytes body)
{
    unsigned side = s->ke_len[0] > 0;

    if (body.len == 0 || body.len > V1_KE_MAX || s->ke_len[1] > 0 ||
        (side == 1 && bytes_equal(body, bytes_of(s->ke[0], s->ke_len[0]))))
        return;
    memcpy(s->ke[side], body.data, body.len);
    s->ke_len[side] = (uint16_t)body.len;
}

void v1_session_learn(struct v1_sessions *all, const struct message_view *v)
{
    const struct payload_view *sa = message_find(v, V1_PAYLOAD_SA);
    const struct payload_view *ke = message_find(v, V1_PAYLOAD_KE);
    struct session *s;

    if (v->header.message_id != 0 || (!sa && !ke))
        return;
    s = find_or_make(all, v->header.spi_i);
    if (!s)
        return;
    if (v->header.spi_r != 0 && s->cky_r != v->header.spi_r) {
        if (s->cky_r != 0) /* another responder: all begins anew */
            *s = (struct session){.cky_i = s->cky_i};
        s->cky_r = v->header.spi_r;
    }
    if (sa && v->header.spi_r != 0 && !s->agreed)
        learn_suite(s, sa->body);
    if (ke && !v1_payload_sealed(&v->header, v, ke))
        learn_ke(s, ke->body);
}

static struct chain *chain_of(struct session *s, uint32_t message_id)
{
    struct chain *c;

    if (message_id == 0)
        return &s->phase1;
    for (unsigned i = 0; i < V1_CHAINS_MAX && i < s->chain_count; i++)
        if (s->chains[i].message_id == message_id)
            return &s->chains[i];
    c = &s->chains[s->chain_count++ % V1_CHAINS_MAX];
    *c = (struct chain){.message_id = message_id};
    return c;
}

static enum err first_iv(const struct session *s, struct crypto *crypto, struct chain *c)
{
    size_t block = s->encr->block_len;

    if (c->message_id != 0)
        return s->phase1.begun ? ikev1_iv_of(crypto, s->hash, bytes_of(s->phase1.iv, block),
                                             c->message_id, block, c->iv)
                               : ERR_NOT_FOUND;
    return ikev1_iv_first(crypto, s->hash, bytes_of(s->ke[0], s->ke_len[0]),
                          bytes_of(s->ke[1], s->ke_len[1]), block, c->iv);
}

/* The IV of this message, which is in its turn or was here before. */
static const uint8_t *turn_of(struct chain *c, struct bytes text, size_t block)
{
    uint64_t digest = digest_of(text.data, text.len, 0);
    unsigned at = c->seen_count % V1_SEEN_MAX;

    for (unsigned i = 0; i < V1_SEEN_MAX && i < c->seen_count; i++)
        if (c->seen[i].digest == digest)
            return c->seen[i].iv;
    c->seen[at].digest = digest;
    memcpy(c->seen[at].iv, c->iv, block);
    c->seen_count++;
    memcpy(c->iv, text.data + text.len - block, block);
    c->begun = true;
    return c->seen[at].iv;
}

enum err v1_session_open(struct v1_sessions *all, struct crypto *crypto,
                         const struct ikev1_open_key *key, const struct message_view *v,
                         uint8_t *out)
{
    struct session *s = find(all, v->header.spi_i);
    struct bytes text;
    struct chain *c;
    enum err e;

    if (!s || !s->agreed || s->ke_len[1] == 0)
        return ERR_NOT_FOUND;
    if (!s->encr || !s->hash)
        return ERR_UNSUPPORTED;
    if (key->len != s->encr->key_len)
        return ERR_LENGTH;
    e = v1_text(v, s->encr->block_len, &text);
    if (e != OK)
        return e;
    c = chain_of(s, v->header.message_id);
    if (!c->begun)
        e = first_iv(s, crypto, c);
    if (e != OK)
        return e;
    memcpy(out, text.data, text.len);
    return crypto->class->cbc(crypto, &(struct cbc_op){.encr = s->encr,
                                                       .key = key->key,
                                                       .iv = turn_of(c, text, s->encr->block_len),
                                                       .text = out,
                                                       .text_len = text.len});
}
