/*
 * RFC 2409 §5.5:
 *
 *   1  HDR*, HASH(1), SA, Ni, [KE], [IDci, IDcr]  -->
 *   2                                             <--  HDR*, HASH(2), SA, Nr, [KE], [IDci, IDcr]
 *   3  HDR*, HASH(3)                              -->
 *
 * HASH is the first payload and SA the second. IDci is the traffic of who initiates this exchange.
 * Where ESP goes in UDP in transport mode, NAT-OAi and NAT-OAr stand behind the IDs in 1 and 2:
 * both ends' addresses as their writer sees them (RFC 3947 §5.2).
 * Behind all that, in 2, is RESPONDER-LIFETIME where the responder lives shorter with the SA
 * (RFC 2407 §4.5.4).
 */
#include "proto/ikev1/quick_mode.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/ikev1/traffic.h"
#include "proto/wire/v1_any.h"

#define P(type) (UINT32_C(1) << V1_PAYLOAD_##type)

enum { SPI_LEN = 4, FRONT = PAYLOAD_HEADER_LEN };

const char *v1_quick_state_name(enum v1_quick_state s)
{
    static const char *const names[V1_QUICK_COUNT] = {
#define X(symbol, name) [V1_QUICK_##symbol] = name,
        V1_QUICK_LIST(X)
#undef X
    };

    ASSERT((unsigned)s < V1_QUICK_COUNT);
    return names[s];
}

enum err v1_quick_init(struct v1_quick *q, const struct v1_quick_env *env, bool initiator,
                       uint32_t message_id, uint32_t spi_in, struct rng random)
{
    ASSERT(message_id != 0 && (spi_in >= 256 || (spi_in == 0 && !initiator)));
    memset(q, 0, sizeof *q);
    q->env = *env;
    q->random = random;
    q->initiator = initiator;
    q->message_id = message_id;
    q->spi_in = spi_in;
    return v1_cipher_of(&env->sa, message_id, &q->cipher);
}

void v1_quick_reset(struct v1_quick *q)
{
    wipe(q, sizeof *q);
}

/* ---- what we write ---- */

static struct v1_esp_terms terms_of(const struct v1_quick *q)
{
    const struct child_config *c = q->env.config;
    nsec life = c->lifetime.hard_time / NSEC_PER_S;
    uint64_t kb = c->lifetime.hard_bytes / 1024;
    struct v1_esp_terms t = {.life = {.s = life > UINT32_MAX ? UINT32_MAX : (uint32_t)life,
                                      .kb = kb > UINT32_MAX ? UINT32_MAX : (uint32_t)kb}};

    if (c->transport)
        t.mode = q->env.udp ? V1_MODE_UDP_TRANSPORT : V1_MODE_TRANSPORT;
    else
        t.mode = q->env.udp ? V1_MODE_UDP_TUNNEL : V1_MODE_TUNNEL;
    if (q->initiator)
        t.ke = q->pair.suite;
    return t;
}

/* The mode whose packets show addresses that a NAT may have changed. */
static bool udp_transport(const struct v1_quick *q)
{
    return q->env.udp && q->env.config->transport;
}

static struct bytes own_nonce(const struct v1_quick *q)
{
    return bytes_of(q->nonce, sizeof q->nonce);
}

static struct bytes peer_nonce(const struct v1_quick *q)
{
    return bytes_of(q->peer_nonce, q->peer_nonce_len);
}

static struct bytes ni(const struct v1_quick *q)
{
    return q->initiator ? own_nonce(q) : peer_nonce(q);
}

static struct bytes nr(const struct v1_quick *q)
{
    return q->initiator ? peer_nonce(q) : own_nonce(q);
}

/* HASH, to be filled in at the end. */
static void begin(const struct v1_quick *q, struct message_writer *w, struct buf out)
{
    const struct ike_header h = {.spi_i = q->env.sa.cky_i,
                                 .spi_r = q->env.sa.cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_QUICK,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = q->message_id};

    message_begin(w, out, &h);
    writer_zeros(payload_begin(w, V1_PAYLOAD_HASH), q->env.sa.hash->len);
    payload_end(w);
}

/* HASH(1) and HASH(2) are of what follows them, HASH(3) of both nonces. */
static enum err hash_of(const struct v1_quick *q, unsigned number, struct bytes rest,
                        uint8_t out[IKEV1_HASH_MAX])
{
    const struct v1_established *e = &q->env.sa;

    if (number == 3)
        return ikev1_hash_3(e->crypto, e->hash, e->keys, q->message_id, ni(q), nr(q), out);
    return ikev1_hash_12(e->crypto, e->hash, e->keys, q->message_id,
                         number == 2 ? ni(q) : BYTES_NONE, rest, out);
}

static enum err finish(struct v1_quick *q, struct message_writer *w, unsigned number,
                       struct bytes *message)
{
    size_t front = FRONT + (size_t)q->env.sa.hash->len;
    uint8_t hash[IKEV1_HASH_MAX];
    struct v1_area area;
    enum err e = v1_message_end(w, q->cipher.encr->block_len, &area, message);

    if (e == OK)
        e = hash_of(q, number, bytes_of(area.text + front, area.chain_len - front), hash);
    if (e != OK)
        return e;
    memcpy(area.text + FRONT, hash, q->env.sa.hash->len);
    return v1_cipher_seal(q->env.sa.crypto, &q->cipher, &area);
}

static enum err write_id(struct message_writer *w, const struct selector *s)
{
    uint8_t room[V1_TRAFFIC_ROOM];
    struct v1_id id;
    enum err e = v1_traffic_id(s, room, &id);

    if (e != OK)
        return e;
    v1_id_write(payload_begin(w, V1_PAYLOAD_ID), &id);
    payload_end(w);
    return OK;
}

/* Behind SA, the same in 1 and 2: N, [KE] */
static void write_keys(const struct v1_quick *q, struct message_writer *w)
{
    payload_add(w, V1_PAYLOAD_NONCE, own_nonce(q));
    if (q->pair.suite)
        payload_add(w, V1_PAYLOAD_KE, bytes_of(q->pair.public, q->pair.suite->public_len));
}

static void write_address(struct message_writer *w, const struct ip_addr *a)
{
    const struct v1_id id = {.type = a->family == 4 ? V1_ID_IPV4_ADDR : V1_ID_IPV6_ADDR,
                             .data = bytes_of(a->bytes, a->family == 4 ? 4 : 16)};

    v1_id_write(payload_begin(w, V1_PAYLOAD_NAT_OA), &id);
    payload_end(w);
}

/* RFC 3947 §5.2: NAT-OAi, NAT-OAr, for UDP-Encapsulated-Transport only */
static void write_nat_oa(const struct v1_quick *q, struct message_writer *w,
                         const struct ip_addr *initiator, const struct ip_addr *responder)
{
    if (!udp_transport(q))
        return;
    write_address(w, initiator);
    write_address(w, responder);
}

/* Nonce and, with PFS, a key pair. */
static enum err draw(struct v1_quick *q, const struct ke_suite *ke)
{
    rng_fill(&q->random, q->nonce, sizeof q->nonce);
    if (!ke)
        return OK;
    return q->env.sa.crypto->class->ke_generate(q->env.sa.crypto, ke, rng_fork(&q->random, 0),
                                                &q->pair);
}

static enum err create_first(struct v1_quick *q, struct buf out, struct bytes *message)
{
    const struct child_config *c = q->env.config;
    uint8_t spi[SPI_LEN];
    struct v1_esp_terms terms;
    struct message_writer w;
    enum err e = draw(q, c->proposals[0].ke_count > 0 ? c->proposals[0].ke[0] : NULL);

    if (e != OK)
        return e;
    terms = terms_of(q);
    if (q->local.first.family == 0) { /* nobody has said for what */
        q->local = c->local[0];
        q->remote = c->remote[0];
    }
    store_be32(spi, q->spi_in);
    begin(q, &w, out);
    e = v1_esp_offer_write(payload_begin(&w, V1_PAYLOAD_SA), c->proposals, c->proposal_count,
                           &terms, bytes_of(spi, sizeof spi));
    payload_end(&w);
    write_keys(q, &w);
    if (e == OK)
        e = write_id(&w, &q->local);
    if (e == OK)
        e = write_id(&w, &q->remote);
    write_nat_oa(q, &w, &q->env.local, &q->env.remote);
    return e == OK ? finish(q, &w, 1, message) : e;
}

enum err v1_quick_start(struct v1_quick *q, struct buf out, struct bytes *message)
{
    struct v1_quick after = *q;
    enum err e;

    ASSERT(q->initiator && q->state == V1_QUICK_NONE);
    ASSERT(q->env.config->local_count > 0 && q->env.config->remote_count > 0);
    *message = BYTES_NONE;
    e = create_first(&after, out, message);
    if (e == OK) {
        after.state = V1_QUICK_ASKED;
        *q = after;
    } else {
        *message = BYTES_NONE;
    }
    wipe(&after, sizeof after);
    return e;
}

/* ---- what we read ---- */

struct read {
    struct bytes sa, nonce, ke; /* ke: empty where there is none */
    struct bytes ids[2];        /* IDci, IDcr; both or neither */
    struct bytes nat_oa[2];     /* NAT-OAi, NAT-OAr; the same */
    bool has_ids, has_nat_oa;
};

/* HASH first, SA second; each once but ID and NAT-OA, which are there twice or not at all. */
static enum err sort_payloads(const struct message_view *in, struct read *r)
{
    uint32_t seen = 0;
    unsigned ids = 0, oas = 0;

    *r = (struct read){0};
    for (unsigned i = 1; i < in->count; i++) {
        const struct payload_view *p = &in->payloads[i];

        if (p->type >= 128 || p->type == V1_PAYLOAD_NOTIFY || p->type == V1_PAYLOAD_VENDOR)
            continue;
        if (p->type == V1_PAYLOAD_ID && ids < 2) {
            r->ids[ids++] = p->body;
            continue;
        }
        if (p->type == V1_PAYLOAD_NAT_OA && oas < 2) {
            r->nat_oa[oas++] = p->body;
            continue;
        }
        if (p->type >= 32 || (seen >> p->type & 1))
            return ERR_DUPLICATE;
        seen |= UINT32_C(1) << p->type;
        if (p->type == V1_PAYLOAD_SA)
            r->sa = p->body;
        else if (p->type == V1_PAYLOAD_NONCE)
            r->nonce = p->body;
        else if (p->type == V1_PAYLOAD_KE)
            r->ke = p->body;
        else
            return ERR_SYNTAX;
    }
    r->has_ids = ids == 2;
    r->has_nat_oa = oas == 2;
    if (ids == 1 || oas == 1 || (seen & (P(SA) | P(NONCE))) != (P(SA) | P(NONCE)))
        return ERR_MISSING;
    return in->payloads[1].type == V1_PAYLOAD_SA ? OK : ERR_SYNTAX;
}

/* KE if and only if the transform has a group; then the shared secret, else it is empty. */
static enum err share(struct v1_quick *q, const struct read *r, uint8_t room[KE_SHARED_MAX],
                      struct bytes *shared)
{
    const struct ke_suite *ke = q->suite.ke;
    struct bytes body;
    enum err e;

    *shared = BYTES_NONE;
    if (!ke)
        return r->ke.data ? ERR_SYNTAX : OK;
    if (!r->ke.data)
        return ERR_MISSING;
    e = v1_body_read(V1_PAYLOAD_KE, r->ke, &body);
    if (e == OK &&
        (body.len != ke->public_len || bytes_equal(body, bytes_of(q->pair.public, ke->public_len))))
        e = ERR_KEY_EXCHANGE;
    if (e == OK)
        e = q->env.sa.crypto->class->ke_derive(q->env.sa.crypto, &q->pair, body, room);
    if (e == OK)
        *shared = bytes_of(room, ke->shared_len);
    wipe(q->pair.private, sizeof q->pair.private);
    return e;
}

/* KEYMAT of each direction, named by the SPI of who receives. */
static enum err keymat(struct v1_quick *q, struct bytes shared)
{
    struct ikev1_keymat_seed seed = {
        .shared = shared, .protocol = V1_PROTOCOL_ESP, .spi = q->spi_in, .ni = ni(q), .nr = nr(q)};
    size_t len = v1_esp_key_len(&q->suite);
    enum err e =
        ikev1_keymat(q->env.sa.crypto, q->env.sa.hash, q->env.sa.keys, &seed, q->key_in, len);

    seed.spi = q->spi_out;
    if (e == OK)
        e = ikev1_keymat(q->env.sa.crypto, q->env.sa.hash, q->env.sa.keys, &seed, q->key_out, len);
    return e;
}

static enum err take_nonce(struct v1_quick *q, const struct read *r)
{
    struct bytes nonce;
    enum err e = v1_body_read(V1_PAYLOAD_NONCE, r->nonce, &nonce);

    if (e != OK)
        return e;
    memcpy(q->peer_nonce, nonce.data, nonce.len);
    q->peer_nonce_len = (uint16_t)nonce.len;
    return OK;
}

static enum err take_spi(struct v1_quick *q, const struct v1_esp_choice *choice)
{
    q->suite = choice->suite;
    q->spi_out = load_be32(choice->offered.proposal.spi.data); /* of ESP: 4 bytes */
    /* RFC 4303 §2.1; and one SPI at both ends would make one key for both directions. */
    return q->spi_out < 256 || q->spi_out == q->spi_in ? ERR_SYNTAX : OK;
}

/* What a NAT did to addresses does not matter: of a packet in transport mode only checksums depend
 * on them, and those are made anew (RFC 3948 §3.1.2). So NAT-OA may be missing, as libreswan leaves
 * it out where it is not behind a NAT itself; what is there has to be addresses. */
static enum err check_nat_oa(const struct read *r)
{
    struct v1_id id;
    enum err e = r->has_nat_oa ? v1_nat_oa_read(r->nat_oa[0], &id) : OK;

    return r->has_nat_oa && e == OK ? v1_nat_oa_read(r->nat_oa[1], &id) : e;
}

/* @param seen  the address of its host as we see it: in transport mode through a NAT the peer does
 * not know it, and packets have it (RFC 7296 §2.23.1 has the same for IKEv2) */
static enum err read_selector(const struct v1_quick *q, struct bytes body,
                              const struct ip_addr *seen, struct selector *out)
{
    struct v1_id id;
    enum err e = v1_id_read(body, &id);

    if (e == OK)
        e = v1_traffic_selector(&id, out);
    if (e == OK && udp_transport(q) && !selector_readdress(out, seen))
        e = ERR_TS;
    return e;
}

static bool allowed(const struct selector *wanted, const struct selector *ours, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (selector_subset(wanted, &ours[i]))
            return true;
    return false;
}

/* As responder: what is asked for lies in what we allow; there is no narrowing in IKEv1. */
static enum err take_traffic(struct v1_quick *q, const struct read *r, const struct v1_arrival *at)
{
    const struct child_config *c = q->env.config;
    enum err e = OK;

    q->remote = selector_host(at->remote.addr);
    q->local = selector_host(at->local.addr);
    if (r->has_ids)
        e = read_selector(q, r->ids[0], &at->remote.addr, &q->remote);
    if (r->has_ids && e == OK)
        e = read_selector(q, r->ids[1], &at->local.addr, &q->local);
    if (e != OK)
        return e;
    return allowed(&q->local, c->local, c->local_count) &&
                   allowed(&q->remote, c->remote, c->remote_count)
               ? OK
               : ERR_TS;
}

/* As initiator: what we asked for, and nothing else. */
static enum err same_traffic(const struct v1_quick *q, const struct read *r,
                             const struct v1_arrival *at)
{
    struct selector local, remote;
    enum err e = r->has_ids ? read_selector(q, r->ids[0], &at->local.addr, &local) : ERR_MISSING;

    if (e == OK)
        e = read_selector(q, r->ids[1], &at->remote.addr, &remote);
    if (e != OK)
        return e;
    return selector_equal(&local, &q->local) && selector_equal(&remote, &q->remote) ? OK : ERR_TS;
}

/* 1 is answered with 2. */
static enum err take_first(struct v1_quick *q, const struct message_view *in,
                           const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    const struct child_config *c = q->env.config;
    const struct v1_esp_terms terms = terms_of(q);
    uint8_t room[KE_SHARED_MAX], spi[SPI_LEN];
    struct v1_esp_choice choice;
    struct message_writer w;
    struct bytes shared;
    struct read r;
    enum err e = sort_payloads(in, &r);

    if (e == OK)
        e = v1_esp_offer_select(c->proposals, c->proposal_count, r.sa, &terms, &choice);
    if (e == OK)
        e = take_spi(q, &choice);
    if (e == OK)
        e = take_nonce(q, &r);
    if (e == OK)
        e = take_traffic(q, &r, at);
    if (e == OK)
        e = check_nat_oa(&r);
    if (e == OK)
        e = draw(q, q->suite.ke);
    if (e == OK)
        e = share(q, &r, room, &shared);
    if (e == OK)
        e = keymat(q, shared);
    wipe(room, sizeof room);
    if (e != OK)
        return e;
    store_be32(spi, q->spi_in);
    begin(q, &w, out);
    v1_offered_write(payload_begin(&w, V1_PAYLOAD_SA), &choice.offered, bytes_of(spi, sizeof spi));
    payload_end(&w);
    write_keys(q, &w);
    for (int i = 0; r.has_ids && i < 2; i++) /* as they came: who asked knows them again */
        payload_add(&w, V1_PAYLOAD_ID, r.ids[i]);
    write_nat_oa(q, &w, &at->remote.addr, &at->local.addr);
    v1_lifetime_write(&w, V1_PROTOCOL_ESP, bytes_of(spi, sizeof spi), q->suite.shorter);
    return finish(q, &w, 2, message);
}

/* 2 is answered with 3. */
static enum err take_second(struct v1_quick *q, const struct message_view *in,
                            const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    const struct child_config *c = q->env.config;
    const struct v1_esp_terms terms = terms_of(q);
    uint8_t room[KE_SHARED_MAX];
    struct v1_esp_choice choice;
    struct message_writer w;
    struct bytes shared;
    struct read r;
    enum err e = sort_payloads(in, &r);

    if (e == OK)
        e = v1_esp_answer_read(c->proposals, c->proposal_count, r.sa, &terms, &choice);
    if (e == OK)
        e = take_spi(q, &choice);
    if (e == OK)
        e = v1_lifetimes_read(in, V1_PROTOCOL_ESP, choice.offered.proposal.spi, &q->suite.life);
    if (e == OK)
        e = same_traffic(q, &r, at);
    if (e == OK)
        e = check_nat_oa(&r);
    if (e == OK)
        e = take_nonce(q, &r);
    if (e == OK)
        e = share(q, &r, room, &shared);
    if (e == OK)
        e = keymat(q, shared);
    wipe(room, sizeof room);
    if (e != OK)
        return e;
    begin(q, &w, out);
    return finish(q, &w, 3, message);
}

/* ---- one message ---- */

/* The number of the message that is our turn; 0: none. */
static unsigned turn_of(const struct v1_quick *q)
{
    switch (q->state) {
    case V1_QUICK_NONE:
        return q->initiator ? 0 : 1;
    case V1_QUICK_ASKED:
        return 2;
    case V1_QUICK_ANSWERED:
        return 3;
    default:
        return 0;
    }
}

/* The peer's nonce is part of HASH(2) as Ni only, so it can be judged before that nonce is read. */
static enum err check_hash(const struct v1_quick *q, const struct message_view *in,
                           struct bytes chain, unsigned number)
{
    const struct payload_view *p = in->payloads; /* there is one at least */
    size_t front = FRONT + p->body.len;
    uint8_t hash[IKEV1_HASH_MAX];
    enum err e;

    if (p->type != V1_PAYLOAD_HASH)
        return ERR_SYNTAX;
    if (number == 3 && in->count != 1)
        return ERR_SYNTAX;
    if (number != 3 && in->count < 2)
        return ERR_MISSING;
    e = hash_of(q, number, bytes_of(chain.data + front, chain.len - front), hash);
    if (e != OK)
        return e;
    return bytes_equal_secret(p->body, bytes_of(hash, q->env.sa.hash->len)) ? OK : ERR_ICV;
}

static uint64_t name_of(struct bytes message)
{
    return digest_of(message.data, message.len, 0) | 1;
}

enum err v1_quick_open(const struct v1_quick *q, struct bytes message, struct v1_quick_opened *out)
{
    struct message_view outer;
    struct bytes chain;
    enum err e;

    out->number = turn_of(q);
    out->digest = name_of(message);
    if (out->number == 0)
        return ERR_STATE;
    e = v1_message_read(message, &outer);
    if (e == OK)
        e = v1_header_check(&q->env.sa, &outer.header, V1_EXCHANGE_QUICK, q->message_id);
    if (e == OK)
        e = v1_cipher_open(q->env.sa.crypto, &q->cipher, &outer, &out->in, &chain, out->iv);
    return e == OK ? check_hash(q, &out->in, chain, out->number) : e;
}

static enum err take(struct v1_quick *q, const struct v1_quick_opened *o,
                     const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    memcpy(q->cipher.iv, o->iv, sizeof o->iv); /* it is the peer's */
    q->state = o->number == 1 ? V1_QUICK_ANSWERED : V1_QUICK_DONE;
    q->consumed = o->digest;
    if (o->number == 1)
        return take_first(q, &o->in, at, out, message);
    return o->number == 2 ? take_second(q, &o->in, at, out, message) : OK;
}

enum err v1_quick_take(struct v1_quick *q, const struct v1_quick_opened *opened,
                       const struct v1_arrival *at, struct buf out, struct bytes *message)
{
    struct v1_quick after = *q;
    enum err e;

    ASSERT(opened->number == turn_of(q) && q->spi_in);
    *message = BYTES_NONE;
    e = take(&after, opened, at, out, message);
    if (e == OK)
        *q = after;
    else
        *message = BYTES_NONE;
    wipe(&after, sizeof after);
    return e;
}

enum err v1_quick_receive(struct v1_quick *q, const struct v1_arrival *at, struct buf out,
                          enum v1_next *next, struct bytes *message)
{
    struct v1_quick_opened opened;
    enum err e;

    *next = V1_WAIT;
    *message = BYTES_NONE;
    if (q->consumed == name_of(at->message)) { /* 3 has no answer; 1 and 2 get the same again */
        *next = !q->initiator && q->state == V1_QUICK_DONE ? V1_WAIT : V1_AGAIN;
        return OK;
    }
    e = v1_quick_open(q, at->message, &opened);
    if (e == OK)
        e = v1_quick_take(q, &opened, at, out, message);
    if (e == OK && message->len > 0)
        *next = V1_SEND;
    return e;
}
