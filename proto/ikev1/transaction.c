/*
 * draft-dukes-ike-mode-cfg-02 section 3.1.1:
 *
 *   1  HDR*, HASH, ATTR(REQUEST or SET)  -->
 *   2                                    <--  HDR*, HASH, ATTR(REPLY or ACK)
 *
 * HASH = prf(SKEYID_a, M-ID | ATTR)
 */
#include "proto/ikev1/transaction.h"

#include "base/assert.h"
#include "base/digest.h"

enum { FRONT = PAYLOAD_HEADER_LEN };

enum err v1_transaction_init(struct v1_transaction *t, const struct v1_established *sa,
                             uint32_t message_id)
{
    ASSERT(message_id != 0);
    *t = (struct v1_transaction){.sa = *sa, .message_id = message_id};
    return v1_cipher_of(sa, message_id, &t->cipher);
}

static enum err hash_of(const struct v1_transaction *t, struct bytes rest,
                        uint8_t out[IKEV1_HASH_MAX])
{
    return ikev1_hash_12(t->sa.crypto, t->sa.hash, t->sa.keys, t->message_id, BYTES_NONE, rest,
                         out);
}

/* ---- what we write ---- */

static enum err write_message(struct v1_transaction *t, const struct v1_config *what,
                              struct buf out, struct bytes *message)
{
    const struct ike_header h = {.spi_i = t->sa.cky_i,
                                 .spi_r = t->sa.cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_TRANSACTION,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = t->message_id};
    size_t front = FRONT + (size_t)t->sa.hash->len;
    uint8_t hash[IKEV1_HASH_MAX];
    struct message_writer w;
    struct v1_area area;
    enum err e;

    message_begin(&w, out, &h);
    writer_zeros(payload_begin(&w, V1_PAYLOAD_HASH), t->sa.hash->len);
    payload_end(&w);
    v1_config_write(payload_begin(&w, V1_PAYLOAD_CONFIG), what);
    payload_end(&w);
    e = v1_message_end(&w, t->cipher.encr->block_len, &area, message);
    if (e == OK)
        e = hash_of(t, bytes_of(area.text + front, area.chain_len - front), hash);
    if (e == OK) {
        memcpy(area.text + FRONT, hash, t->sa.hash->len);
        e = v1_cipher_seal(t->sa.crypto, &t->cipher, &area);
    }
    if (e != OK)
        *message = BYTES_NONE;
    return e;
}

enum err v1_transaction_ask(struct v1_transaction *t, const struct v1_config *what, struct buf out,
                            struct bytes *message)
{
    enum err e;

    ASSERT(t->state == V1_TRANSACTION_NONE);
    ASSERT(what->type == V1_CONFIG_REQUEST || what->type == V1_CONFIG_SET);
    e = write_message(t, what, out, message);
    if (e != OK)
        return e;
    t->state = V1_TRANSACTION_ASKED;
    t->type = what->type;
    t->identifier = what->identifier;
    return OK;
}

static uint8_t answer_to(uint8_t type)
{
    return type == V1_CONFIG_REQUEST ? V1_CONFIG_REPLY : V1_CONFIG_ACK;
}

enum err v1_transaction_answer(struct v1_transaction *t, struct bytes attributes, struct buf out,
                               struct bytes *message)
{
    const struct v1_config what = {answer_to(t->type), t->identifier, attributes, 0};
    enum err e;

    ASSERT(t->state == V1_TRANSACTION_TAKEN);
    e = write_message(t, &what, out, message);
    if (e == OK)
        t->state = V1_TRANSACTION_DONE;
    return e;
}

/* ---- what we read ---- */

static uint64_t name_of(struct bytes message)
{
    return digest_of(message.data, message.len, 0) | 1;
}

bool v1_transaction_again(const struct v1_transaction *t, struct bytes message)
{
    return t->consumed == name_of(message);
}

static enum err check_hash(const struct v1_transaction *t, const struct message_view *in,
                           struct bytes chain)
{
    const struct payload_view *p = in->payloads; /* there is one at least */
    size_t front = FRONT + p->body.len;
    uint8_t hash[IKEV1_HASH_MAX];
    enum err e;

    if (p->type != V1_PAYLOAD_HASH)
        return ERR_MISSING;
    e = hash_of(t, bytes_of(chain.data + front, chain.len - front), hash);
    if (e != OK)
        return e;
    return bytes_equal_secret(p->body, bytes_of(hash, t->sa.hash->len)) ? OK : ERR_ICV;
}

/* section 3.1.1: there is one ATTR payload. */
static enum err read_config(const struct message_view *in, struct v1_config *what)
{
    const struct payload_view *found = NULL;

    for (unsigned i = 1; i < in->count; i++) {
        const struct payload_view *p = &in->payloads[i];

        if (p->type == V1_PAYLOAD_VENDOR || p->type >= 128)
            continue;
        if (p->type != V1_PAYLOAD_CONFIG || found)
            return ERR_SYNTAX;
        found = p;
    }
    return found ? v1_config_read(found->body, what) : ERR_MISSING;
}

static enum err check_type(const struct v1_transaction *t, const struct v1_config *what)
{
    if (what->type < V1_CONFIG_REQUEST || what->type > V1_CONFIG_ACK)
        return ERR_UNSUPPORTED;
    if (t->state == V1_TRANSACTION_NONE)
        return what->type == V1_CONFIG_REQUEST || what->type == V1_CONFIG_SET ? OK : ERR_SYNTAX;
    if (what->type != answer_to(t->type))
        return ERR_SYNTAX;
    /* strongSwan leaves it 0; the message ID says by itself what is answered. */
    return what->identifier == t->identifier || what->identifier == 0 ? OK : ERR_SYNTAX;
}

enum err v1_transaction_read(struct v1_transaction *t, struct bytes message, struct v1_config *what)
{
    bool answers = t->state == V1_TRANSACTION_ASKED;
    uint64_t name = name_of(message);
    struct message_view outer, in;
    uint8_t next[IV_MAX];
    struct bytes chain;
    enum err e;

    if (!answers && t->state != V1_TRANSACTION_NONE)
        return ERR_STATE;
    e = v1_message_read(message, &outer);
    if (e == OK)
        e = v1_header_check(&t->sa, &outer.header, V1_EXCHANGE_TRANSACTION, t->message_id);
    if (e == OK)
        e = v1_cipher_open(t->sa.crypto, &t->cipher, &outer, &in, &chain, next);
    if (e == OK)
        e = check_hash(t, &in, chain);
    if (e == OK)
        e = read_config(&in, what);
    if (e == OK)
        e = check_type(t, what);
    if (e != OK)
        return e;
    memcpy(t->cipher.iv, next, sizeof next);
    t->consumed = name;
    t->state = answers ? V1_TRANSACTION_DONE : V1_TRANSACTION_TAKEN;
    if (!answers) {
        t->type = what->type;
        t->identifier = what->identifier;
    }
    return OK;
}
