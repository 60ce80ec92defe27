#include "proto/ikev1/phase1_message.h"

#include "base/digest.h"
#include "proto/ikev1/nat.h"
#include "proto/ikev1/proof.h"
#include "proto/wire/v1_any.h"

/* ---- writing ---- */

struct v1_terms v1_phase1_terms(const struct v1_phase1 *p)
{
    nsec life = p->env.config->lifetime.hard_time / NSEC_PER_S;
    struct v1_terms terms = {.life_s = life > UINT32_MAX ? UINT32_MAX : (uint32_t)life};

    terms.method_count = v1_auth_methods(p->env.config, p->initiator, terms.methods);
    return terms;
}

void v1_phase1_begin(const struct v1_phase1 *p, struct message_writer *w, struct buf out,
                     uint8_t exchange, bool encrypted)
{
    const struct ike_header h = {.spi_i = p->cky_i,
                                 .spi_r = p->state == V1_STATE_NONE && p->initiator ? 0 : p->cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = exchange,
                                 .flags = encrypted ? V1_FLAG_ENCRYPTION : 0};

    message_begin(w, out, &h);
}

void v1_phase1_vendors_write(const struct v1_phase1 *p, struct message_writer *w)
{
    payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_DPD));
    if (p->env.natt)
        payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_NATT));
    if (p->env.config->fragmentation != FRAGMENTATION_NO)
        payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_FRAGMENTATION));
    if (p->env.config->xauth.role != XAUTH_NONE)
        payload_add(w, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_XAUTH));
}

static bool speaks_natt(const struct v1_phase1 *p)
{
    return p->env.natt && (p->peer_vendors >> V1_VENDOR_NATT & 1);
}

static struct v1_nat nat_of(const struct v1_phase1 *p, const struct v1_arrival *at)
{
    return (struct v1_nat){p->suite.hash, p->cky_i, p->cky_r, &at->local, &at->remote};
}

enum err v1_phase1_nat_write(const struct v1_phase1 *p, struct message_writer *w,
                             const struct v1_arrival *at)
{
    struct v1_nat nat = nat_of(p, at);
    struct ip_endpoint lie = at->local;

    lie.port = 0; /* looks like a NAT to the peer */
    if (p->env.config->force_encap)
        nat.local = &lie;
    return speaks_natt(p) ? v1_nat_write(p->env.crypto, w, &nat) : OK;
}

enum err v1_phase1_draw(struct v1_phase1 *p)
{
    rng_fill(&p->random, p->nonce, sizeof p->nonce);
    return p->env.crypto->class->ke_generate(p->env.crypto, p->suite.ke,
                                             rng_fork(&p->random, V1_FORK_KEY_EXCHANGE), &p->pair);
}

void v1_phase1_keys_write(const struct v1_phase1 *p, struct message_writer *w)
{
    payload_add(w, V1_PAYLOAD_KE, bytes_of(p->pair.public, p->suite.ke->public_len));
    payload_add(w, V1_PAYLOAD_NONCE, bytes_of(p->nonce, sizeof p->nonce));
}

void v1_phase1_contact_write(const struct v1_phase1 *p, struct message_writer *w)
{
    uint8_t room[V1_COOKIES_LEN];
    const struct v1_notify n = {.doi = V1_DOI_IPSEC,
                                .protocol = V1_PROTOCOL_ISAKMP,
                                .type = V1_NOTIFY_INITIAL_CONTACT,
                                .spi = v1_cookies(room, p->cky_i, p->cky_r)};

    if (!p->env.initial_contact)
        return;
    v1_notify_write(payload_begin(w, V1_PAYLOAD_NOTIFY), &n);
    payload_end(w);
}

void v1_phase1_lifetime_write(const struct v1_phase1 *p, struct message_writer *w)
{
    uint8_t room[V1_COOKIES_LEN];

    if (!p->initiator)
        v1_lifetime_write(w, V1_PROTOCOL_ISAKMP, v1_cookies(room, p->cky_i, p->cky_r),
                          (struct v1_life){.s = p->suite.shorter_s});
}

enum err v1_phase1_seal(struct v1_phase1 *p, struct message_writer *w, struct bytes *message)
{
    struct v1_area area;
    enum err e = v1_message_end(w, p->suite.encr->block_len, &area, message);

    return e == OK ? v1_cipher_seal(p->env.crypto, &p->cipher, &area) : e;
}

/* ---- reading ---- */

struct bytes v1_phase1_body(const struct message_view *in, enum v1_payload_type type)
{
    const struct payload_view *p = message_find(in, (uint8_t)type);

    return p ? p->body : BYTES_NONE;
}

void v1_phase1_vendors_read(struct v1_phase1 *p, const struct message_view *in)
{
    const struct payload_view *v = message_find(in, V1_PAYLOAD_VENDOR);

    for (; v; v = message_next(in, v)) {
        enum v1_vendor which = v1_vendor_of(v->body);

        if (which != V1_VENDOR_FRAGMENTATION || v1_vendor_joins(v->body))
            p->peer_vendors |= 1u << which;
    }
}

bool v1_phase1_fragments(const struct v1_phase1 *p)
{
    return p->env.config->fragmentation != FRAGMENTATION_NO &&
           (p->peer_vendors >> V1_VENDOR_FRAGMENTATION & 1);
}

enum err v1_phase1_nat_read(struct v1_phase1 *p, const struct message_view *in,
                            const struct v1_arrival *at)
{
    struct v1_nat nat = nat_of(p, at);

    if (!speaks_natt(p))
        return OK;
    return v1_nat_read(p->env.crypto, in, &nat, &p->natt, &p->nat_local, &p->nat_remote);
}

enum err v1_phase1_sai_keep(struct v1_phase1 *p, struct bytes body)
{
    if (body.len > sizeof p->sai_b)
        return ERR_LENGTH;
    memcpy(p->sai_b, body.data, body.len);
    p->sai_len = (uint16_t)body.len;
    return OK;
}

enum err v1_phase1_keys_read(struct v1_phase1 *p, const struct message_view *in)
{
    struct bytes ke, nonce;
    enum err e = v1_body_read(V1_PAYLOAD_KE, v1_phase1_body(in, V1_PAYLOAD_KE), &ke);

    if (e == OK)
        e = v1_body_read(V1_PAYLOAD_NONCE, v1_phase1_body(in, V1_PAYLOAD_NONCE), &nonce);
    if (e == OK && ke.len != p->suite.ke->public_len)
        e = ERR_KEY_EXCHANGE;
    if (e != OK)
        return e;
    memcpy(p->peer_ke, ke.data, ke.len);
    memcpy(p->peer_nonce, nonce.data, nonce.len);
    p->peer_nonce_len = (uint16_t)nonce.len;
    return OK;
}

enum err v1_phase1_id_parse(const struct v1_phase1 *p, struct bytes body, struct v1_id *out)
{
    const struct v1_auth *a = p->suite.auth;

    /* draft-ietf-ipsec-isakmp-hybrid-auth-05, section 4.2 */
    if (a->hybrid && v1_auth_is_user(a, !p->initiator) && body.len == 4 &&
        load_be32(body.data) == 0) {
        *out = (struct v1_id){.type = 0};
        return OK;
    }
    return v1_id_read(body, out);
}

/* RFC 2407 §4.6.2: in phase 1 UDP port 500 or nothing, though floated ports are met. */
enum err v1_phase1_id_read(struct v1_phase1 *p, struct bytes body)
{
    struct v1_id id;
    enum err e = v1_phase1_id_parse(p, body, &id);

    if (e == OK && body.len > sizeof p->peer_id)
        e = ERR_LENGTH;
    if (e == OK && id.protocol != 0 && id.protocol != 17)
        e = ERR_SYNTAX;
    if (e != OK)
        return e;
    memcpy(p->peer_id, body.data, body.len);
    p->peer_id_len = (uint16_t)body.len;
    return OK;
}

/* RESPONDER_LIFETIME of this SA. */
static enum err hear_lifetime(const struct v1_phase1_step *s)
{
    struct v1_life life = {.s = s->p->suite.life_s};
    uint8_t room[V1_COOKIES_LEN];
    enum err e = v1_lifetimes_read(s->in, V1_PROTOCOL_ISAKMP,
                                   v1_cookies(room, s->p->cky_i, s->p->cky_r), &life);

    s->p->suite.life_s = life.s;
    return e;
}

enum err v1_phase1_notifies_read(const struct v1_phase1_step *s)
{
    const struct payload_view *n = message_find(s->in, V1_PAYLOAD_NOTIFY);
    struct v1_notify notify;

    for (; n; n = message_next(s->in, n)) {
        enum err e = v1_notify_read(n->body, &notify);

        if (e != OK)
            return e;
        s->p->initial_contact |= s->encrypted && notify.type == V1_NOTIFY_INITIAL_CONTACT;
    }
    return s->encrypted && s->p->initiator ? hear_lifetime(s) : OK;
}

/* ---- from datagram to row ---- */

static const struct v1_phase1_row *row_of(const struct v1_phase1 *p,
                                          const struct v1_phase1_mode *mode)
{
    for (size_t i = 0; i < mode->row_count; i++)
        if (mode->rows[i].from == p->state && mode->rows[i].initiator == p->initiator)
            return &mode->rows[i];
    return NULL;
}

/* RFC 2408 §2.5.3: cookies; the message ID of phase 1 is 0 (§3.1). */
static enum err check_header(const struct v1_phase1 *p, const struct ike_header *h,
                             const struct v1_phase1_mode *mode, const struct v1_phase1_row *row)
{
    bool first = p->state == V1_STATE_NONE, second = p->state == V1_STATE_ASKED;

    if (h->exchange != mode->exchange ||
        !(row->forms & (v1_encrypted(h) ? V1_ENCRYPTED : V1_CLEAR)))
        return ERR_STATE;
    if (h->message_id != 0 || h->spi_i == 0 || (!first && h->spi_i != p->cky_i))
        return ERR_MESSAGE_ID;
    if (first)
        return h->spi_r == 0 ? OK : ERR_MESSAGE_ID;
    if (second)
        return h->spi_r != 0 ? OK : ERR_MESSAGE_ID;
    return h->spi_r == p->cky_r ? OK : ERR_MESSAGE_ID;
}

static bool may_encrypt(const struct v1_phase1 *p)
{
    if (p->suite.auth)
        return v1_auth_encrypts(p->suite.auth);
    return auth_encrypts(p->env.config->auth.way);
}

/* Where nonces are encrypted identities come with them, and from who calls HASH(1) and CERT
 * besides. */
static struct v1_phase1_row as_encrypted(const struct v1_phase1 *p, struct v1_phase1_row r)
{
    if (r.needed & V1_BIT(NONCE)) {
        r.needed |= V1_BIT(ID);
        r.allowed |= V1_BIT(ID) | (p->initiator ? 0 : V1_BIT(HASH) | V1_BIT(CERT));
    } else if (r.needed & V1_BIT(HASH)) {
        r.needed &= ~V1_BIT(ID);
        r.allowed &= ~V1_BIT(ID);
    }
    return r;
}

/* Rows say HASH; where the peer signs it is SIG instead, and CERT may be before either. */
static struct v1_phase1_row as_proven(const struct v1_phase1 *p, const struct v1_phase1_row *row)
{
    struct v1_phase1_row r = *row;

    if (may_encrypt(p))
        return as_encrypted(p, r);
    if (!(r.needed & V1_BIT(HASH)))
        return r;
    if (p->suite.auth->signs) /* an empty one, of a user of hybrid methods */
        r.allowed |= V1_BIT(CERT);
    if (v1_auth_signs(p->suite.auth, !p->initiator)) {
        r.needed ^= V1_BIT(HASH) | V1_BIT(SIGNATURE);
        r.allowed ^= V1_BIT(HASH) | V1_BIT(SIGNATURE);
    }
    return r;
}

/* Which payloads there are; those of private types are passed by. */
static enum err check_payloads(const struct v1_phase1 *p, const struct message_view *in,
                               const struct v1_phase1_row *said)
{
    const uint32_t repeated =
        V1_BIT(VENDOR) | V1_BIT(NAT_D) | V1_BIT(NOTIFY) | V1_BIT(CERTREQ) | V1_BIT(CERT);
    const struct v1_phase1_row proven = as_proven(p, said), *row = &proven;
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
    if ((row->needed & V1_BIT(SA)) && in->count > 0 && in->payloads[0].type != V1_PAYLOAD_SA)
        return ERR_SYNTAX;
    return (seen & row->needed) == row->needed ? OK : ERR_MISSING;
}

static enum err take_clear(struct v1_phase1_step *s, const struct v1_phase1_mode *mode)
{
    enum err e = check_payloads(s->p, s->in, s->row);

    if (e == OK)
        e = v1_proof_asked(s->p, s->in);
    if (e != OK)
        return e;
    v1_phase1_vendors_read(s->p, s->in);
    return mode->take(s);
}

/* What is sent in answer goes on in the chain; if this one turns out to be nobody's, the copy of
 * the state is thrown away, and the chain is where it was. */
static enum err take_encrypted(struct v1_phase1_step *s, const struct v1_phase1_mode *mode)
{
    const struct message_view *outer = s->in;
    struct message_view in;
    uint8_t next[IV_MAX];
    struct bytes chain;
    enum err e = v1_cipher_open(s->p->env.crypto, &s->p->cipher, outer, &in, &chain, next);

    if (e == OK)
        e = check_payloads(s->p, &in, s->row);
    if (e == OK)
        e = v1_proof_asked(s->p, &in);
    if (e != OK)
        return e;
    memcpy(s->p->cipher.iv, next, sizeof next);
    s->in = &in;
    s->encrypted = true;
    return mode->take(s);
}

static enum err take(struct v1_phase1_step *s, const struct v1_phase1_mode *mode)
{
    return v1_encrypted(&s->in->header) ? take_encrypted(s, mode) : take_clear(s, mode);
}

enum err v1_phase1_receive(struct v1_phase1 *p, const struct v1_phase1_mode *mode,
                           const struct v1_arrival *at, struct buf out, enum v1_next *next,
                           struct bytes *message)
{
    const struct v1_phase1_row *row = row_of(p, mode);
    uint64_t digest = digest_of(at->message.data, at->message.len, 0) | 1;
    struct v1_phase1 after;
    struct message_view in;
    struct v1_phase1_step step = {
        .p = &after, .row = row, .in = &in, .at = at, .out = out, .message = message};
    enum err e;

    *next = V1_WAIT;
    *message = BYTES_NONE;
    if (p->consumed == digest) { /* ours was lost, or is still under way */
        *next = p->answered ? V1_AGAIN : V1_WAIT;
        return OK;
    }
    if (!row)
        return ERR_STATE;
    e = v1_message_read(at->message, &in);
    if (e == OK)
        e = check_header(p, &in.header, mode, row);
    if (e != OK)
        return e;
    after = *p;
    after.certificate = CERT_VALID;
    e = take(&step, mode);
    if (e == OK) {
        after.state = row->to;
        after.consumed = digest;
        after.answered = message->len > 0;
        *p = after;
        *next = after.answered ? V1_SEND : V1_WAIT;
    } else {
        *message = BYTES_NONE;
        p->certificate = after.certificate;
    }
    wipe(&after, sizeof after);
    return e;
}
