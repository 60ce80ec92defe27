/*
 * RFC 2409 §5, §5.1, §5.4, with NAT-D of RFC 3947 §3.2 where both speak of it:
 *
 *   1  HDR, SA, KE, Ni, IDii, VID ...     -->
 *   2                                     <--  HDR, SA, KE, Nr, IDir, VID ..., NAT-D, NAT-D, HASH_R
 *   3  HDR*, NAT-D, NAT-D, HASH_I         -->
 *
 * With signatures [CERTREQ ...] in 1 and 2, and [CERT ...,] SIG in the place of HASH. The third may
 * come in the clear (RFC 2409 §5); ours does not. With public-key encryption nonce and ID of 1 and
 * 2 are encrypted (pubkey_encryption.h).
 */
#include "proto/ikev1/aggressive_mode.h"

#include "base/assert.h"
#include "proto/ikev1/proof.h"
#include "proto/ikev1/pubkey_encryption.h"

#define P(type) V1_BIT(type)
#define FIRST (P(SA) | P(KE) | P(NONCE) | P(ID))

static const struct v1_phase1_row rows[] = {
    {V1_STATE_NONE, false, V1_CLEAR, FIRST, FIRST | P(VENDOR) | P(CERTREQ), V1_STATE_ANSWERED,
     "RFC 2409 §5"},
    {V1_STATE_ASKED, true, V1_CLEAR, FIRST | P(HASH),
     FIRST | P(HASH) | P(NAT_D) | P(VENDOR) | P(CERTREQ), V1_STATE_ESTABLISHED, "RFC 2409 §5"},
    {V1_STATE_ANSWERED, false, V1_CLEAR | V1_ENCRYPTED, P(HASH),
     P(HASH) | P(NAT_D) | P(NOTIFY) | P(VENDOR), V1_STATE_ESTABLISHED, "RFC 2409 §5"},
};

/* Our proposals with one group each: there is one KE payload for all of them. */
struct one_group {
    struct proposal_config proposals[PROPOSALS_MAX];
    size_t count;
};

static void keep_group(const struct ike_config *c, const struct ke_suite *ke, struct one_group *out)
{
    out->count = 0;
    for (unsigned i = 0; i < c->proposal_count; i++)
        for (unsigned k = 0; k < c->proposals[i].ke_count; k++)
            if (c->proposals[i].ke[k] == ke) {
                struct proposal_config *p = &out->proposals[out->count++];

                *p = c->proposals[i];
                p->ke[0] = ke;
                p->ke_count = 1;
                break;
            }
}

/* RFC 2409 §5: where message 1 is encrypted, the cipher and the hash are settled like the group. */
static void keep_suite(const struct v1_suite *s, struct one_group *out)
{
    struct proposal_config *p = &out->proposals[0];

    if (!v1_auth_encrypts(s->auth))
        return;
    p->encr[0] = s->encr;
    p->prf[0] = s->hash->prf;
    p->encr_count = p->prf_count = 1;
    out->count = 1;
}

/* ---- what we write ---- */

/* KE, NONCE, ID */
static enum err write_public(const struct v1_phase1 *p, struct message_writer *w)
{
    uint8_t room[V1_ID_BODY_MAX];

    if (v1_auth_encrypts(p->suite.auth))
        return v1_pubkey_write(p, w);
    v1_phase1_keys_write(p, w);
    payload_add(w, V1_PAYLOAD_ID, v1_phase1_own_id(p, room));
    return OK;
}

static enum err create_first(struct v1_phase1 *p, struct buf out, struct bytes *message)
{
    const struct ike_config *c = p->env.config;
    const struct v1_terms terms = v1_phase1_terms(p);
    struct one_group ours;
    struct message_writer w;
    struct writer sa;
    enum err e;

    if (c->proposal_count == 0 || c->proposals[0].ke_count == 0 || terms.method_count == 0)
        return ERR_UNSUPPORTED;
    p->suite.ke = c->proposals[0].ke[0];
    p->suite.auth = v1_auth_of(terms.methods[0]);
    keep_group(c, p->suite.ke, &ours);
    if (v1_auth_encrypts(p->suite.auth) && !v1_suite_first(ours.proposals, ours.count, &p->suite))
        return ERR_UNSUPPORTED;
    keep_suite(&p->suite, &ours);
    writer_init(&sa, p->sai_b, sizeof p->sai_b);
    e = v1_offer_write(&sa, ours.proposals, ours.count, &terms);
    if (e == OK)
        e = v1_phase1_draw(p);
    if (e != OK)
        return e;
    p->sai_len = (uint16_t)writer_len(&sa);
    v1_phase1_begin(p, &w, out, V1_EXCHANGE_AGGRESSIVE, false);
    payload_add(&w, V1_PAYLOAD_SA, bytes_of(p->sai_b, p->sai_len));
    e = write_public(p, &w);
    v1_proof_ask(p, &w);
    v1_phase1_vendors_write(p, &w);
    if (e == OK)
        e = message_end(&w, message);
    if (e == OK)
        e = v1_pubkey_seal(p, NULL, out, message);
    return e;
}

enum err aggressive_mode_start(struct v1_phase1 *p, struct buf out, struct bytes *message)
{
    struct v1_phase1 after = *p;
    enum err e;

    ASSERT(p->initiator && p->state == V1_STATE_NONE);
    *message = BYTES_NONE;
    e = create_first(&after, out, message);
    if (e == OK) {
        after.state = V1_STATE_ASKED;
        *p = after;
    }
    wipe(&after, sizeof after);
    return e;
}

/* ---- what we read ---- */

/* 2: HDR, SA, KE, Nr, IDir, VID ..., NAT-D, NAT-D, HASH_R */
static enum err write_second(struct v1_phase1_step *s, const struct v1_choice *choice)
{
    struct message_writer w;
    enum err e;

    v1_phase1_begin(s->p, &w, s->out, V1_EXCHANGE_AGGRESSIVE, false);
    v1_offered_write(payload_begin(&w, V1_PAYLOAD_SA), &choice->offered,
                     choice->offered.proposal.spi);
    payload_end(&w);
    e = write_public(s->p, &w);
    v1_proof_ask(s->p, &w);
    v1_phase1_vendors_write(s->p, &w);
    if (e == OK)
        e = v1_phase1_nat_write(s->p, &w, s->at);
    if (e == OK)
        e = v1_proof_write(s->p, &w);
    if (e == OK)
        e = message_end(&w, s->message);
    if (e == OK)
        e = v1_pubkey_seal(s->p, s->in, s->out, s->message);
    return e;
}

static enum err take_first(struct v1_phase1_step *s)
{
    const struct ike_config *c = s->p->env.config;
    const struct v1_terms terms = v1_phase1_terms(s->p);
    struct bytes sa = v1_phase1_body(s->in, V1_PAYLOAD_SA);
    struct v1_choice choice;
    enum err e = v1_phase1_sai_keep(s->p, sa);

    if (e == OK)
        e = v1_offer_select(c->proposals, c->proposal_count, sa, &terms, &choice);
    if (e != OK)
        return e;
    s->p->cky_i = s->in->header.spi_i;
    s->p->suite = choice.suite;
    e = v1_pubkey_open(s);
    if (e == OK)
        e = v1_phase1_id_read(s->p, v1_phase1_body(s->in, V1_PAYLOAD_ID));
    if (e == OK)
        e = v1_pubkey_peer_check(s);
    if (e == OK)
        e = v1_phase1_keys_read(s->p, s->in);
    if (e == OK)
        e = v1_phase1_draw(s->p);
    if (e == OK)
        e = v1_phase1_derive(s->p);
    return e == OK ? write_second(s, &choice) : e;
}

/* 3: HDR*, NAT-D, NAT-D, HASH_I */
static enum err write_third(struct v1_phase1_step *s)
{
    struct message_writer w;
    enum err e;

    v1_phase1_begin(s->p, &w, s->out, V1_EXCHANGE_AGGRESSIVE, true);
    e = v1_phase1_nat_write(s->p, &w, s->at);
    if (e == OK)
        e = v1_proof_write(s->p, &w);
    v1_phase1_contact_write(s->p, &w);
    return e == OK ? v1_phase1_seal(s->p, &w, s->message) : e;
}

/* Of the group that we have sent: the answer cannot be of another. */
static enum err take_second(struct v1_phase1_step *s)
{
    const struct v1_terms terms = v1_phase1_terms(s->p);
    struct one_group ours;
    enum err e;

    keep_group(s->p->env.config, s->p->suite.ke, &ours);
    keep_suite(&s->p->suite, &ours);
    e = v1_answer_read(ours.proposals, ours.count, v1_phase1_body(s->in, V1_PAYLOAD_SA), &terms,
                       &s->p->suite);
    if (e == OK)
        e = v1_pubkey_open(s);
    if (e == OK)
        e = v1_phase1_id_read(s->p, v1_phase1_body(s->in, V1_PAYLOAD_ID));
    if (e == OK)
        e = v1_pubkey_peer_check(s);
    if (e == OK)
        e = v1_phase1_keys_read(s->p, s->in);
    if (e != OK)
        return e;
    s->p->cky_r = s->in->header.spi_r;
    e = v1_phase1_derive(s->p);
    if (e == OK)
        e = v1_phase1_nat_read(s->p, s->in, s->at);
    if (e == OK)
        e = v1_proof_check(s->p, s->in);
    return e == OK ? write_third(s) : e;
}

static enum err take_third(struct v1_phase1_step *s)
{
    enum err e = v1_proof_check(s->p, s->in);

    if (e == OK)
        e = v1_phase1_nat_read(s->p, s->in, s->at);
    return e == OK ? v1_phase1_notifies_read(s) : e;
}

static enum err take(struct v1_phase1_step *s)
{
    switch (s->row->from) {
    case V1_STATE_NONE:
        return take_first(s);
    case V1_STATE_ASKED:
        return take_second(s);
    default:
        return take_third(s);
    }
}

static const struct v1_phase1_mode mode = {V1_EXCHANGE_AGGRESSIVE, rows, sizeof rows / sizeof *rows,
                                           take};

const struct v1_phase1_row *aggressive_mode_rows(size_t *count)
{
    *count = mode.row_count;
    return rows;
}

enum err aggressive_mode_receive(struct v1_phase1 *p, const struct v1_arrival *at, struct buf out,
                                 enum v1_next *next, struct bytes *message)
{
    return v1_phase1_receive(p, &mode, at, out, next, message);
}
