/*
 * RFC 2409 §5.1, §5.4, with NAT-D of RFC 3947 §3.2 where both speak of it:
 *
 *   1  HDR, SA, VID ...              -->
 *   2                                <--  HDR, SA, VID ...
 *   3  HDR, KE, Ni, NAT-D, NAT-D     -->
 *   4                                <--  HDR, KE, Nr, [CERTREQ ...,] NAT-D, NAT-D
 *   5  HDR*, IDii, HASH_I            -->
 *   6                                <--  HDR*, IDir, HASH_R
 *
 * With signatures [CERTREQ ...,] [CERT ...,] SIG_I and [CERT ...,] SIG_R in the place of HASH. With
 * public-key encryption ID is in 3 and 4, encrypted with the nonce (pubkey_encryption.h).
 */
#include "proto/ikev1/main_mode.h"

#include "base/assert.h"
#include "proto/ikev1/proof.h"
#include "proto/ikev1/pubkey_encryption.h"

#define P(type) V1_BIT(type)
#define KEYS (P(KE) | P(NONCE))
#define PROOF (P(ID) | P(HASH))

static const struct v1_phase1_row rows[] = {
    {V1_STATE_NONE, false, V1_CLEAR, P(SA), P(SA) | P(VENDOR), V1_STATE_ANSWERED, "RFC 2409 §5.4"},
    {V1_STATE_ASKED, true, V1_CLEAR, P(SA), P(SA) | P(VENDOR), V1_STATE_KEYS_SENT, "RFC 2409 §5.4"},
    {V1_STATE_ANSWERED, false, V1_CLEAR, KEYS, KEYS | P(NAT_D) | P(VENDOR) | P(CERTREQ),
     V1_STATE_KEYS_ANSWERED, "RFC 2409 §5.4"},
    {V1_STATE_KEYS_SENT, true, V1_CLEAR, KEYS, KEYS | P(NAT_D) | P(VENDOR) | P(CERTREQ),
     V1_STATE_PROOF_SENT, "RFC 2409 §5.4"},
    {V1_STATE_KEYS_ANSWERED, false, V1_ENCRYPTED, PROOF, PROOF | P(NOTIFY) | P(VENDOR) | P(CERTREQ),
     V1_STATE_ESTABLISHED, "RFC 2409 §5.4"},
    {V1_STATE_PROOF_SENT, true, V1_ENCRYPTED, PROOF, PROOF | P(NOTIFY) | P(VENDOR),
     V1_STATE_ESTABLISHED, "RFC 2409 §5.4"},
};

/* ---- what we write ---- */

static enum err write_public(struct v1_phase1 *p, struct message_writer *w)
{
    if (v1_auth_encrypts(p->suite.auth))
        return v1_pubkey_write(p, w);
    v1_phase1_keys_write(p, w);
    return OK;
}

/* 3, 4: HDR, KE, N, NAT-D, NAT-D */
static enum err write_keys(struct v1_phase1_step *s)
{
    struct message_writer w;
    enum err e;

    v1_phase1_begin(s->p, &w, s->out, V1_EXCHANGE_MAIN, false);
    e = write_public(s->p, &w);
    if (!s->p->initiator)
        v1_proof_ask(s->p, &w);
    if (e == OK)
        e = v1_phase1_nat_write(s->p, &w, s->at);
    if (e == OK)
        e = message_end(&w, s->message);
    if (e == OK)
        e = v1_pubkey_seal(s->p, s->in, s->out, s->message);
    return e;
}

/* 5, 6: HDR*, ID, HASH; or HDR*, ID, [CERTREQ ...,] [CERT ...,] SIG. What proves comes last: the
 * chain of IVs goes on from there, and nothing covers CERTREQ. */
static enum err write_proof(struct v1_phase1_step *s)
{
    uint8_t room[V1_ID_BODY_MAX];
    struct message_writer w;
    enum err e;

    v1_phase1_begin(s->p, &w, s->out, V1_EXCHANGE_MAIN, true);
    if (!v1_auth_encrypts(s->p->suite.auth))
        payload_add(&w, V1_PAYLOAD_ID, v1_phase1_own_id(s->p, room));
    if (s->p->initiator)
        v1_proof_ask(s->p, &w);
    e = v1_proof_write(s->p, &w);
    v1_phase1_contact_write(s->p, &w);
    v1_phase1_lifetime_write(s->p, &w);
    return e == OK ? v1_phase1_seal(s->p, &w, s->message) : e;
}

enum err main_mode_start(struct v1_phase1 *p, struct buf out, struct bytes *message)
{
    const struct v1_terms terms = v1_phase1_terms(p);
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
    v1_phase1_begin(p, &w, out, V1_EXCHANGE_MAIN, false);
    payload_add(&w, V1_PAYLOAD_SA, bytes_of(p->sai_b, p->sai_len));
    v1_phase1_vendors_write(p, &w);
    e = message_end(&w, message);
    if (e == OK)
        p->state = V1_STATE_ASKED;
    return e;
}

/* ---- what we read ---- */

/* Who is responder answers 1 with 2. */
static enum err take_offer(struct v1_phase1_step *s)
{
    const struct ike_config *c = s->p->env.config;
    const struct v1_terms terms = v1_phase1_terms(s->p);
    struct bytes sa = v1_phase1_body(s->in, V1_PAYLOAD_SA);
    struct v1_choice choice;
    struct message_writer w;
    enum err e = v1_phase1_sai_keep(s->p, sa);

    if (e == OK)
        e = v1_offer_select(c->proposals, c->proposal_count, sa, &terms, &choice);
    if (e != OK)
        return e;
    s->p->cky_i = s->in->header.spi_i;
    s->p->suite = choice.suite;
    v1_phase1_begin(s->p, &w, s->out, V1_EXCHANGE_MAIN, false);
    v1_offered_write(payload_begin(&w, V1_PAYLOAD_SA), &choice.offered,
                     choice.offered.proposal.spi);
    payload_end(&w);
    v1_phase1_vendors_write(s->p, &w);
    return message_end(&w, s->message);
}

/* Who is initiator answers 2 with 3. */
static enum err take_answer(struct v1_phase1_step *s)
{
    const struct ike_config *c = s->p->env.config;
    const struct v1_terms terms = v1_phase1_terms(s->p);
    enum err e = v1_answer_read(c->proposals, c->proposal_count,
                                v1_phase1_body(s->in, V1_PAYLOAD_SA), &terms, &s->p->suite);

    if (e == OK)
        e = v1_phase1_draw(s->p);
    if (e != OK)
        return e;
    s->p->cky_r = s->in->header.spi_r;
    return write_keys(s);
}

/* Who is responder answers 3 with 4, who is initiator 4 with 5. */
static enum err take_keys(struct v1_phase1_step *s)
{
    enum err e = v1_pubkey_open(s);

    if (e == OK)
        e = v1_phase1_keys_read(s->p, s->in);
    if (e == OK && v1_auth_encrypts(s->p->suite.auth))
        e = v1_phase1_id_read(s->p, v1_phase1_body(s->in, V1_PAYLOAD_ID));
    if (e == OK)
        e = v1_pubkey_peer_check(s);
    if (e == OK)
        e = v1_phase1_nat_read(s->p, s->in, s->at);
    if (e == OK && !s->p->initiator)
        e = v1_phase1_draw(s->p);
    if (e == OK)
        e = v1_phase1_derive(s->p);
    if (e != OK)
        return e;
    return s->p->initiator ? write_proof(s) : write_keys(s);
}

/* Who is responder answers 5 with 6. */
static enum err take_proof(struct v1_phase1_step *s)
{
    enum err e = OK;

    if (!v1_auth_encrypts(s->p->suite.auth))
        e = v1_phase1_id_read(s->p, v1_phase1_body(s->in, V1_PAYLOAD_ID));
    if (e == OK)
        e = v1_proof_check(s->p, s->in);
    if (e == OK)
        e = v1_phase1_notifies_read(s);
    if (e != OK || s->p->initiator)
        return e;
    return write_proof(s);
}

static enum err take(struct v1_phase1_step *s)
{
    switch (s->row->from) {
    case V1_STATE_NONE:
        return take_offer(s);
    case V1_STATE_ASKED:
        return take_answer(s);
    case V1_STATE_ANSWERED:
    case V1_STATE_KEYS_SENT:
        return take_keys(s);
    default:
        return take_proof(s);
    }
}

static const struct v1_phase1_mode mode = {V1_EXCHANGE_MAIN, rows, sizeof rows / sizeof *rows,
                                           take};

const struct v1_phase1_row *main_mode_rows(size_t *count)
{
    *count = mode.row_count;
    return rows;
}

enum err main_mode_receive(struct v1_phase1 *p, const struct v1_arrival *at, struct buf out,
                           enum v1_next *next, struct bytes *message)
{
    return v1_phase1_receive(p, &mode, at, out, next, message);
}
