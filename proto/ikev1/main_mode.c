/*
 * RFC 2409 §5.4, with NAT-D of RFC 3947 §3.2 where both speak of it:
 *
 *   1  HDR, SA, VID ...              -->
 *   2                                <--  HDR, SA, VID ...
 *   3  HDR, KE, Ni, NAT-D, NAT-D     -->
 *   4                                <--  HDR, KE, Nr, NAT-D, NAT-D
 *   5  HDR*, IDii, HASH_I            -->
 *   6                                <--  HDR*, IDir, HASH_R
 *
 * Each message is read whole, into what is called `take` here; then the answer is written, in a
 * copy of the state that takes its place at the end.
 */
#include "proto/ikev1/main_mode.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/ikev1/nat.h"
#include "proto/wire/v1_any.h"

#define P(type) (UINT32_C(1) << V1_PAYLOAD_##type)

static const struct main_mode_row rows[] = {
    {V1_STATE_NONE, false, false, P(SA), P(SA) | P(VENDOR), V1_STATE_ANSWERED, "RFC 2409 §5.4"},
    {V1_STATE_ASKED, true, false, P(SA), P(SA) | P(VENDOR), V1_STATE_KEYS_SENT, "RFC 2409 §5.4"},
    {V1_STATE_ANSWERED, false, false, P(KE) | P(NONCE),
     P(KE) | P(NONCE) | P(NAT_D) | P(VENDOR) | P(CERTREQ), V1_STATE_KEYS_ANSWERED, "RFC 2409 §5.4"},
    {V1_STATE_KEYS_SENT, true, false, P(KE) | P(NONCE),
     P(KE) | P(NONCE) | P(NAT_D) | P(VENDOR) | P(CERTREQ), V1_STATE_PROOF_SENT, "RFC 2409 §5.4"},
    {V1_STATE_KEYS_ANSWERED, false, true, P(ID) | P(HASH), P(ID) | P(HASH) | P(NOTIFY) | P(VENDOR),
     V1_STATE_ESTABLISHED, "RFC 2409 §5.4"},
    {V1_STATE_PROOF_SENT, true, true, P(ID) | P(HASH), P(ID) | P(HASH) | P(NOTIFY) | P(VENDOR),
     V1_STATE_ESTABLISHED, "RFC 2409 §5.4"},
};

const struct main_mode_row *main_mode_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

/* ---- what we write ---- */

static struct v1_terms terms_of(const struct v1_phase1 *p)
{
    nsec life = p->env.config->lifetime.hard_time / NSEC_PER_S;

    return (struct v1_terms){V1_AUTH_PSK, life > UINT32_MAX ? UINT32_MAX : (uint32_t)life};
}

static void begin(const struct v1_phase1 *p, struct message_writer *w, struct buf out,
                  bool encrypted)
{
    const struct ike_header h = {.spi_i = p->cky_i,
                                 .spi_r = p->state == V1_STATE_NONE && p->initiator ? 0 : p->cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_MAIN,
                                 .flags = encrypted ? V1_FLAG_ENCRYPTION : 0};

    message_begin(w, out, &h);
}

/* RFC 3947 §3.1, RFC 3706 §5.1 */
static void write_vendors(const struct v1_phase1 *p, struct message_writer *w)
{
    payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_DPD));
    if (p->env.natt)
        payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_NATT));
}

static bool speaks_natt(const struct v1_phase1 *p)
{
    return p->env.natt && (p->peer_vendors >> V1_VENDOR_NATT & 1);
}

static struct v1_nat nat_of(const struct v1_phase1 *p, const struct v1_arrival *at)
{
    return (struct v1_nat){p->suite.hash, p->cky_i, p->cky_r, &at->local, &at->remote};
}

/* 3, 4: HDR, KE, N, NAT-D, NAT-D */
static enum err write_keys(struct v1_phase1 *p, const struct v1_arrival *at, struct buf out,
                           struct bytes *message)
{
    struct v1_nat nat = nat_of(p, at);
    struct message_writer w;
    enum err e = OK;

    begin(p, &w, out, false);
    payload_add(&w, V1_PAYLOAD_KE, bytes_of(p->pair.public, p->suite.ke->public_len));
    payload_add(&w, V1_PAYLOAD_NONCE, bytes_of(p->nonce, sizeof p->nonce));
    if (speaks_natt(p))
        e = v1_nat_write(p->env.crypto, &w, &nat);
    return e == OK ? message_end(&w, message) : e;
}

/* 5, 6: HDR*, ID, HASH */
static enum err write_proof(struct v1_phase1 *p, struct buf out, struct bytes *message)
{
    uint8_t room[V1_ID_BODY_MAX], hash[IKEV1_HASH_MAX];
    struct bytes id = v1_phase1_own_id(p, room);
    struct message_writer w;
    struct v1_area area;
    enum err e = v1_phase1_hash(p, p->initiator, id, hash);

    if (e != OK)
        return e;
    begin(p, &w, out, true);
    payload_add(&w, V1_PAYLOAD_ID, id);
    payload_add(&w, V1_PAYLOAD_HASH, bytes_of(hash, p->suite.hash->len));
    e = v1_message_end(&w, p->suite.encr->block_len, &area, message);
    return e == OK ? v1_cipher_seal(p->env.crypto, &p->cipher, &area) : e;
}

enum err main_mode_start(struct v1_phase1 *p, struct buf out, struct bytes *message)
{
    const struct v1_terms terms = terms_of(p);
    struct message_writer w;
    struct writer sa;
    enum err e;

    ASSERT(p->initiator && p->state == V1_STATE_NONE);
    *message = BYTES_NONE;
    writer_init(&sa, p->sai_b, sizeof p->sai_b);
    e = v1_offer_write(&sa, p->env.config->proposals, p->env.config->proposal_count, &terms);
    if (e != OK)
        return e;
    p->sai_len = (uint16_t)writer_len(&sa);
    begin(p, &w, out, false);
    payload_add(&w, V1_PAYLOAD_SA, bytes_of(p->sai_b, p->sai_len));
    write_vendors(p, &w);
    e = message_end(&w, message);
    if (e == OK)
        p->state = V1_STATE_ASKED;
    return e;
}

/* ---- what we read ---- */

static struct bytes body_of(const struct message_view *in, enum v1_payload_type type)
{
    const struct payload_view *p = message_find(in, (uint8_t)type);

    return p ? p->body : BYTES_NONE;
}

/* Which payloads there are; those of private types are passed by. */
static enum err check_payloads(const struct message_view *in, const struct main_mode_row *row)
{
    const uint32_t repeated = P(VENDOR) | P(NAT_D) | P(NOTIFY) | P(CERTREQ);
    uint32_t seen = 0;

    for (unsigned i = 0; i < in->count; i++) {
        uint8_t type = in->payloads[i].type;
        uint32_t bit = type < 32 ? UINT32_C(1) << type : 0;

        if (type >= 128)
            continue;
        if (!(bit & row->allowed))
            return ERR_SYNTAX;
        if (seen & bit & ~repeated)
            return ERR_DUPLICATE;
        seen |= bit;
    }
    /* RFC 2409 §5: the SA payload comes before all others. */
    if ((row->needed & P(SA)) && in->count > 0 && in->payloads[0].type != V1_PAYLOAD_SA)
        return ERR_SYNTAX;
    return (seen & row->needed) == row->needed ? OK : ERR_MISSING;
}

static void take_vendors(struct v1_phase1 *p, const struct message_view *in)
{
    const struct payload_view *v = message_find(in, V1_PAYLOAD_VENDOR);

    for (; v; v = message_next(in, v))
        p->peer_vendors |= 1u << v1_vendor_of(v->body);
}

/* Who is responder answers 1 with 2. */
static enum err take_offer(struct v1_phase1 *p, const struct message_view *in, struct buf out,
                           struct bytes *message)
{
    const struct ike_config *c = p->env.config;
    const struct v1_terms terms = terms_of(p);
    struct bytes sa = body_of(in, V1_PAYLOAD_SA);
    struct v1_choice choice;
    struct message_writer w;
    enum err e;

    if (sa.len > sizeof p->sai_b)
        return ERR_LENGTH;
    e = v1_offer_select(c->proposals, c->proposal_count, sa, &terms, &choice);
    if (e != OK)
        return e;
    p->cky_i = in->header.spi_i;
    p->suite = choice.suite;
    memcpy(p->sai_b, sa.data, sa.len);
    p->sai_len = (uint16_t)sa.len;
    begin(p, &w, out, false);
    v1_offered_write(payload_begin(&w, V1_PAYLOAD_SA), &choice.offered,
                     choice.offered.proposal.spi);
    payload_end(&w);
    write_vendors(p, &w);
    return message_end(&w, message);
}

static enum err draw_keys(struct v1_phase1 *p)
{
    rng_fill(&p->random, p->nonce, sizeof p->nonce);
    return p->env.crypto->class->ke_generate(p->env.crypto, p->suite.ke, rng_fork(&p->random, 0),
                                             &p->pair);
}

/* Who is initiator answers 2 with 3. */
static enum err take_answer(struct v1_phase1 *p, const struct message_view *in,
                            const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    const struct ike_config *c = p->env.config;
    const struct v1_terms terms = terms_of(p);
    enum err e = v1_answer_read(c->proposals, c->proposal_count, body_of(in, V1_PAYLOAD_SA), &terms,
                                &p->suite);

    if (e == OK)
        e = draw_keys(p);
    if (e != OK)
        return e;
    p->cky_r = in->header.spi_r;
    return write_keys(p, at, out, message);
}

static enum err read_keys(struct v1_phase1 *p, const struct message_view *in,
                          const struct v1_arrival *at)
{
    struct v1_nat nat = nat_of(p, at);
    struct bytes ke, nonce;
    enum err e = v1_body_read(V1_PAYLOAD_KE, body_of(in, V1_PAYLOAD_KE), &ke);

    if (e == OK)
        e = v1_body_read(V1_PAYLOAD_NONCE, body_of(in, V1_PAYLOAD_NONCE), &nonce);
    if (e == OK && ke.len != p->suite.ke->public_len)
        e = ERR_KEY_EXCHANGE;
    if (e == OK && speaks_natt(p))
        e = v1_nat_read(p->env.crypto, in, &nat, &p->natt, &p->nat_local, &p->nat_remote);
    if (e != OK)
        return e;
    memcpy(p->peer_ke, ke.data, ke.len);
    memcpy(p->peer_nonce, nonce.data, nonce.len);
    p->peer_nonce_len = (uint16_t)nonce.len;
    return OK;
}

/* Who is responder answers 3 with 4, who is initiator 4 with 5. */
static enum err take_keys(struct v1_phase1 *p, const struct message_view *in,
                          const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    enum err e = read_keys(p, in, at);

    if (e == OK && !p->initiator)
        e = draw_keys(p);
    if (e == OK)
        e = v1_phase1_derive(p);
    if (e == OK)
        e = p->initiator ? write_proof(p, out, message) : write_keys(p, at, out, message);
    return e;
}

/* RFC 2407 §4.6.2: in phase 1 UDP port 500 or nothing, though floated ports are met. */
static bool id_fits(const struct v1_id *id)
{
    return id->protocol == 0 || id->protocol == 17;
}

static enum err take_notifies(struct v1_phase1 *p, const struct message_view *in)
{
    const struct payload_view *n = message_find(in, V1_PAYLOAD_NOTIFY);
    struct v1_notify notify;

    for (; n; n = message_next(in, n)) {
        enum err e = v1_notify_read(n->body, &notify);

        if (e != OK)
            return e;
        p->initial_contact |= notify.type == V1_NOTIFY_INITIAL_CONTACT;
    }
    return OK;
}

static enum err take_proof(struct v1_phase1 *p, const struct message_view *in)
{
    struct bytes id_b = body_of(in, V1_PAYLOAD_ID), hash = body_of(in, V1_PAYLOAD_HASH);
    uint8_t wanted[IKEV1_HASH_MAX];
    struct v1_id id;
    enum err e = v1_id_read(id_b, &id);

    if (e == OK && id_b.len > sizeof p->peer_id)
        e = ERR_LENGTH;
    if (e == OK && !id_fits(&id))
        e = ERR_SYNTAX;
    if (e == OK)
        e = v1_phase1_hash(p, !p->initiator, id_b, wanted);
    if (e != OK)
        return e;
    if (!bytes_equal_secret(hash, bytes_of(wanted, p->suite.hash->len)))
        return ERR_SIGNATURE;
    memcpy(p->peer_id, id_b.data, id_b.len);
    p->peer_id_len = (uint16_t)id_b.len;
    return take_notifies(p, in);
}

/* ---- one message ---- */

static const struct main_mode_row *row_of(const struct v1_phase1 *p)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].from == p->state && rows[i].initiator == p->initiator)
            return &rows[i];
    return NULL;
}

/* RFC 2408 §2.5.3: cookies; the message ID of phase 1 is 0 (§3.1). */
static enum err check_header(const struct v1_phase1 *p, const struct ike_header *h,
                             const struct main_mode_row *row)
{
    bool first = p->state == V1_STATE_NONE, second = p->state == V1_STATE_ASKED;

    if (h->exchange != V1_EXCHANGE_MAIN || v1_encrypted(h) != row->encrypted)
        return ERR_STATE;
    if (h->message_id != 0 || h->spi_i == 0 || (!first && h->spi_i != p->cky_i))
        return ERR_MESSAGE_ID;
    if (first)
        return h->spi_r == 0 ? OK : ERR_MESSAGE_ID;
    if (second)
        return h->spi_r != 0 ? OK : ERR_MESSAGE_ID;
    return h->spi_r == p->cky_r ? OK : ERR_MESSAGE_ID;
}

/* 5 and 6: the chain of IVs moves once HASH has proven the message. */
static enum err take_encrypted(struct v1_phase1 *p, const struct message_view *outer,
                               const struct main_mode_row *row, struct buf out,
                               struct bytes *message)
{
    struct message_view in;
    uint8_t next[IV_MAX];
    struct bytes chain;
    enum err e = v1_cipher_open(p->env.crypto, &p->cipher, outer, &in, &chain, next);

    if (e == OK)
        e = check_payloads(&in, row);
    if (e == OK)
        e = take_proof(p, &in);
    if (e != OK)
        return e;
    memcpy(p->cipher.iv, next, sizeof next);
    return p->initiator ? OK : write_proof(p, out, message);
}

static enum err take_clear(struct v1_phase1 *p, const struct message_view *in,
                           const struct main_mode_row *row, const struct v1_arrival *at,
                           struct buf out, struct bytes *message)
{
    enum err e = check_payloads(in, row);

    if (e != OK)
        return e;
    take_vendors(p, in);
    switch (row->from) {
    case V1_STATE_NONE:
        return take_offer(p, in, out, message);
    case V1_STATE_ASKED:
        return take_answer(p, in, at, out, message);
    default:
        return take_keys(p, in, at, out, message);
    }
}

enum err main_mode_receive(struct v1_phase1 *p, const struct v1_arrival *at, struct buf out,
                           enum v1_next *next, struct bytes *message)
{
    const struct main_mode_row *row = row_of(p);
    uint64_t digest = digest_of(at->message.data, at->message.len, 0) | 1;
    struct v1_phase1 after;
    struct message_view in;
    enum err e;

    *next = V1_WAIT;
    *message = BYTES_NONE;
    if (p->consumed == digest) { /* ours was lost, or is still under way */
        /* Message 6 was the last: who sent 5 has nothing that answers it. */
        *next = p->initiator && p->state == V1_STATE_ESTABLISHED ? V1_WAIT : V1_AGAIN;
        return OK;
    }
    if (!row)
        return ERR_STATE;
    e = v1_message_read(at->message, &in);
    if (e == OK)
        e = check_header(p, &in.header, row);
    if (e != OK)
        return e;
    after = *p;
    e = row->encrypted ? take_encrypted(&after, &in, row, out, message)
                       : take_clear(&after, &in, row, at, out, message);
    if (e == OK) {
        after.state = row->to;
        after.consumed = digest;
        *p = after;
        *next = message->len > 0 ? V1_SEND : V1_WAIT;
    } else {
        *message = BYTES_NONE;
    }
    wipe(&after, sizeof after);
    return e;
}
