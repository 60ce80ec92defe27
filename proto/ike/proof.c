#include "proto/ike/proof.h"

#include "proto/core/peer_key.h"
#include "proto/ike/auth_data.h"
#include "proto/ike/identity.h"
#include "proto/ike/message.h"
#include "proto/wire/auth.h"
#include "proto/wire/cert.h"
#include "proto/wire/id.h"

/* ---- what is said beforehand ---- */

static bool signs(const struct auth_config *c)
{
    return c->way == AUTH_CERTIFICATE || c->way == AUTH_RAW_KEY;
}

static bool verifies(const struct auth_config *c)
{
    return auth_accepts(c, AUTH_CERTIFICATE) || auth_accepts(c, AUTH_RAW_KEY);
}

void proof_hashes_write(struct step *s)
{
    static const uint8_t hashes[] = {0, SIGN_SHA2_256, 0, SIGN_SHA2_384,
                                     0, SIGN_SHA2_512, 0, SIGN_IDENTITY};
    const struct auth_config *c = &s->ep->store->config->auth;
    const struct handshake *hs = handshake_of(s->ep, s->sa);

    if (!c->older_methods && (signs(c) || verifies(c)) && (s->sa->initiator || hs->peer_hashes))
        notify_add(s->out, NOTIFY_SIGNATURE_HASH_ALGORITHMS, bytes_of(hashes, sizeof hashes));
}

/* RFC 7427 §4: a list of 16-bit numbers; those that we cannot do are skipped. */
uint8_t proof_hashes_read(const struct step *s)
{
    struct notify_payload n;
    uint8_t set = 0;

    if (s->ep->store->config->auth.older_methods ||
        !notify_find(s->in, NOTIFY_SIGNATURE_HASH_ALGORITHMS, &n))
        return 0;
    for (size_t i = 0; i + 2 <= n.data.len; i += 2) {
        uint16_t hash = load_be16(n.data.data + i);

        if (hash >= SIGN_SHA2_256 && hash <= SIGN_IDENTITY)
            set |= (uint8_t)(1u << hash);
    }
    return set;
}

enum { ASKED_X509 = 1, ASKED_RAW_KEY = 2 };

enum err proof_certreq_read(const struct step *s, struct handshake *hs)
{
    const struct payload_view *p = message_find(s->in, PAYLOAD_CERTREQ);
    uint8_t asked = 0;

    for (; p; p = message_next(s->in, p)) {
        struct certreq_payload request;
        enum err e = certreq_read(p->body, &request);

        if (e)
            return e;
        if (request.encoding == CERT_X509_SIGNATURE)
            asked |= ASKED_X509;
        else if (request.encoding == CERT_RAW_PUBLIC_KEY)
            asked |= ASKED_RAW_KEY;
    }
    hs->certs_asked = asked;
    return OK;
}

static void certreq_add(struct step *s, enum cert_encoding encoding, struct bytes authorities)
{
    certreq_write(payload_begin(s->out, PAYLOAD_CERTREQ),
                  &(struct certreq_payload){(uint8_t)encoding, authorities});
    payload_end(s->out);
}

void proof_certreq_write(struct step *s)
{
    const struct auth_config *c = &s->ep->store->config->auth;

    if (auth_accepts(c, AUTH_CERTIFICATE) && c->trust.anchors)
        certreq_add(s, CERT_X509_SIGNATURE, c->trust.authorities);
    if (auth_accepts(c, AUTH_RAW_KEY)) /* RFC 7670 §3: without authorities */
        certreq_add(s, CERT_RAW_PUBLIC_KEY, BYTES_NONE);
}

/* ---- ours ---- */

/* The first suite that goes with the key and that the peer can verify: of method 14 if it knows
 * that (RFC 7427 §4), else one of the older methods. NULL: there is none. */
static const struct sign_suite *suite_for(const struct ike_credential *c, uint8_t peer_hashes)
{
    enum { DIGITAL_SIGNATURE = AUTH_METHOD_DIGITAL_SIGNATURE };
    size_t count;
    const struct sign_suite *suites = sign_suites(&count);

    if (c->suite && peer_hashes >> c->suite->hash & 1)
        return c->suite;
    for (size_t i = 0; i < count; i++) {
        bool digital = suites[i].method == DIGITAL_SIGNATURE;

        if (suites[i].key == c->key->key.type && digital == (peer_hashes != 0) &&
            (!digital || peer_hashes >> suites[i].hash & 1))
            return &suites[i];
    }
    return NULL;
}

static enum err sign(struct step *s, const struct auth_input *in)
{
    struct ike_endpoint *ep = s->ep;
    const struct ike_credential *own = &ep->store->config->auth.credential;
    struct auth_signer signer = {
        .key = own->key,
        .suite = suite_for(own, handshake_of(ep, s->sa)->peer_hashes),
        .random = ike_draw_stream(ep, STREAM_SIGNATURE),
    };
    uint8_t signature[SIGN_MAX], data[SIGN_MAX + 256];
    struct writer w;
    size_t len;
    enum err e;

    if (!signer.suite)
        return ERR_SIGNATURE;
    e = auth_sign(ep->store->env.crypto, s->sa->suite->prf, in, &signer, signature, &len);
    if (e)
        return e;
    writer_init(&w, data, sizeof data);
    if (signer.suite->method == AUTH_METHOD_DIGITAL_SIGNATURE)
        auth_signature_write(
            &w, &(struct auth_signature){signer.suite->identifier, bytes_of(signature, len)});
    else
        writer_bytes(&w, bytes_of(signature, len));
    auth_write(payload_begin(s->out, PAYLOAD_AUTH),
               &(struct auth_payload){signer.suite->method, bytes_of(data, writer_len(&w))});
    payload_end(s->out);
    return writer_end(&w);
}

/* RFC 7296 §2.15 with the shared key; RFC 7619 §2.1 with SK_px in its place. */
static struct bytes secret_of(const struct step *s, enum auth_way way, const struct auth_input *in)
{
    const struct ike_config *c = s->ep->store->config;

    return way == AUTH_NULL ? in->sk_p : bytes_of(c->psk, c->psk_len);
}

static enum err mac(struct step *s, const struct auth_input *in)
{
    const struct prf_suite *prf = s->sa->suite->prf;
    enum auth_way way = s->ep->store->config->auth.way;
    uint8_t auth[PRF_OUT_MAX];
    enum err e = auth_shared_key(s->ep->store->env.crypto, prf, in, secret_of(s, way, in), auth);

    if (e == OK) {
        auth_write(
            payload_begin(s->out, PAYLOAD_AUTH),
            &(struct auth_payload){way == AUTH_NULL ? AUTH_METHOD_NULL : AUTH_METHOD_SHARED_KEY,
                                   bytes_of(auth, prf->out_len)});
        payload_end(s->out);
    }
    wipe(auth, sizeof auth);
    return e;
}

static void certs_write(struct step *s)
{
    const struct auth_config *c = &s->ep->store->config->auth;
    const struct ike_credential *own = &c->credential;
    bool raw = c->way == AUTH_RAW_KEY;
    uint8_t asked = handshake_of(s->ep, s->sa)->certs_asked & (raw ? ASKED_RAW_KEY : ASKED_X509);

    if (!signs(c) || own->send == SEND_CERT_NEVER || (own->send == SEND_CERT_IF_ASKED && !asked))
        return;
    for (size_t i = 0; i < own->cert_count; i++) {
        cert_write(
            payload_begin(s->out, PAYLOAD_CERT),
            &(struct cert_payload){raw ? CERT_RAW_PUBLIC_KEY : CERT_X509_SIGNATURE, own->certs[i]});
        payload_end(s->out);
    }
}

enum err proof_write(struct step *s, enum payload_type id_type, struct bytes own_first)
{
    const struct ike_config *c = s->ep->store->config;
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    struct writer *w = payload_begin(s->out, (uint8_t)id_type);
    size_t at = writer_len(w);
    struct auth_input in = {.message = own_first,
                            .nonce = handshake_nonces(s->ep, hs).peers,
                            .sk_p = ike_sk_p(s->ep, s->sa, s->sa->initiator)};

    identity_write(w, c);
    in.id_body = bytes_of(w->start + at, writer_len(w) - at);
    payload_end(s->out);
    certs_write(s);
    if (id_type == PAYLOAD_IDI) {
        /* RFC 7619 §2.3; and the SA that this one takes over from must not end before it is up. */
        if (c->initial_contact && c->auth.way != AUTH_NULL && !s->sa->renewing)
            notify_add(s->out, NOTIFY_INITIAL_CONTACT, BYTES_NONE);
        proof_certreq_write(s);
    }
    if (w->error)
        return w->error;
    if ((c->auth.way == AUTH_PSK && !c->psk_len) || auth_encrypts(c->auth.way))
        return ERR_SIGNATURE;
    return signs(&c->auth) ? sign(s, &in) : mac(s, &in);
}

/* ---- the peer's ---- */

static enum err verify_mac(const struct step *s, enum auth_way way, const struct auth_input *in,
                           struct bytes auth)
{
    const struct prf_suite *prf = s->sa->suite->prf;
    uint8_t expected[PRF_OUT_MAX];
    enum err e =
        auth_shared_key(s->ep->store->env.crypto, prf, in, secret_of(s, way, in), expected);

    if (e == OK && !bytes_equal_secret(auth, bytes_of(expected, prf->out_len)))
        e = ERR_SIGNATURE;
    wipe(expected, sizeof expected);
    return e;
}

/* RFC 7427 §3: the algorithm is the one that the payload names; it must fit the key. */
static const struct sign_suite *suite_in(const struct auth_payload *auth, enum sign_key_type type,
                                         struct bytes *signature)
{
    const struct sign_suite *suite;
    struct auth_signature named;

    *signature = auth->data;
    if (auth->method != AUTH_METHOD_DIGITAL_SIGNATURE) {
        suite = sign_suite_of_method(auth->method);
        return suite && suite->key == type ? suite : NULL;
    }
    if (auth_signature_read(auth->data, &named) != OK)
        return NULL;
    *signature = named.value;
    return sign_suite_identified(named.identifier, type);
}

/* The signature first: who has not the key is refused before a path is walked for him. If a
 * certificate is at fault the handshake knows why. */
static enum err verify_signature(const struct step *s, const struct id_payload *id,
                                 const struct auth_input *in, const struct auth_payload *auth)
{
    const struct peer_claim claim = {
        .crypto = s->ep->store->env.crypto,
        .auth = &s->ep->store->config->auth,
        .in = s->in,
        .cert_type = PAYLOAD_CERT,
        .id_type = id->type,
        .id = id->data,
        .now_s = s->ep->store->env.epoch_s + (int64_t)(s->now / NSEC_PER_S),
    };
    struct handshake *hs = handshake_of(s->ep, s->sa);
    enum x509_result result = (enum x509_result)hs->certificate;
    struct peer_key key;
    struct auth_verifier verifier = {.key = &key.key};
    struct bytes signature;
    enum err e = peer_key_read(&claim, &key, &result);

    if (e == OK) {
        verifier.suite = suite_in(auth, key.key.key.type, &signature);
        e = verifier.suite
                ? auth_verify(s->ep->store->env.crypto, s->sa->suite->prf, in, &verifier, signature)
                : ERR_SIGNATURE;
    }
    if (e == OK)
        e = peer_key_judge(&claim, &key, &result);
    hs->certificate = (uint8_t)result;
    peer_key_reset(&key);
    return e;
}

/* Proven or not, this is not whom we called. RFC 7619: who proves nothing is nobody. */
static bool is_another(const struct step *s, const struct handshake *hs, enum auth_way way,
                       const struct id_payload *id)
{
    if (message_none(hs->peer_id))
        return false;
    return way == AUTH_NULL || (hs->peer_id_type && hs->peer_id_type != id->type) ||
           !bytes_equal(id->data, message_at(&s->ep->store->messages, hs->peer_id));
}

/* With RFC 7427 agreed on, nobody is talked into SHA-1 by a notify that a stranger took away. */
static bool known_method(const struct handshake *hs, uint8_t method, enum auth_way *way)
{
    *way = AUTH_CERTIFICATE; /* or a raw key: the CERT payloads tell */
    if (method == AUTH_METHOD_RSA_SIGNATURE)
        return hs->peer_hashes == 0;
    if (method == AUTH_METHOD_SHARED_KEY)
        *way = AUTH_PSK;
    else if (method == AUTH_METHOD_NULL)
        *way = AUTH_NULL;
    else
        return method == AUTH_METHOD_DIGITAL_SIGNATURE || sign_suite_of_method(method);
    return true;
}

enum err proof_verify(const struct step *s, enum payload_type id_type, enum auth_way *way)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    const struct auth_config *c = &s->ep->store->config->auth;
    struct auth_input in = {.message = message_at(&s->ep->store->messages, hs->first),
                            .nonce = handshake_nonces(s->ep, hs).ours,
                            .id_body = step_body(s, id_type),
                            .sk_p = ike_sk_p(s->ep, s->sa, !s->sa->initiator)};
    struct auth_payload auth;
    struct id_payload id;
    enum err e = auth_read(step_body(s, PAYLOAD_AUTH), &auth);

    if (e == OK)
        e = id_read(in.id_body, &id);
    if (e)
        return e;
    if (s->denied || !known_method(hs, auth.method, way) || is_another(s, hs, *way, &id))
        return ERR_SIGNATURE;
    if (*way == AUTH_CERTIFICATE)
        return verifies(c) ? verify_signature(s, &id, &in, &auth) : ERR_SIGNATURE;
    if (*way == AUTH_PSK && !s->ep->store->config->psk_len)
        return ERR_SIGNATURE;
    return auth_accepts(c, *way) ? verify_mac(s, *way, &in, auth.data) : ERR_SIGNATURE;
}
