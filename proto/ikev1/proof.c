#include "proto/ikev1/proof.h"

#include "proto/core/peer_key.h"
#include "proto/ikev1/phase1_message.h"
#include "proto/wire/v1_any.h"

/* ---- asking for certificates ---- */

static void ask_for(struct message_writer *w, struct bytes authority)
{
    cert_write(payload_begin(w, V1_PAYLOAD_CERTREQ),
               &(struct cert_payload){CERT_X509_SIGNATURE, authority});
    payload_end(w);
}

/* RFC 2408 §3.10: each request names one authority, which some peers want to see before they send
 * a certificate. */
void v1_proof_ask(const struct v1_phase1 *p, struct message_writer *w)
{
    const struct x509_anchors *anchors = p->env.config->auth.trust.anchors;
    struct bytes name;

    if (!v1_auth_signs(p->suite.auth, !p->initiator) || !anchors)
        return;
    for (size_t i = 0; i < V1_CERTREQS_MAX && (name = x509_anchors_name(anchors, i)).len > 0; i++)
        ask_for(w, name);
    if (x509_anchors_name(anchors, V1_CERTREQS_MAX).len > 0) /* and others */
        ask_for(w, BYTES_NONE);
}

/* Which authority is named makes no difference: we have one certificate to show. */
enum err v1_proof_asked(struct v1_phase1 *p, const struct message_view *in)
{
    const struct payload_view *v = message_find(in, V1_PAYLOAD_CERTREQ);

    for (; v; v = message_next(in, v)) {
        struct cert_payload request;
        enum err e = v1_certreq_read(v->body, &request);

        if (e != OK)
            return e;
        p->certs_asked |= request.encoding == CERT_X509_SIGNATURE;
    }
    return OK;
}

/* ---- ours ---- */

static void write_cert(struct message_writer *w, struct bytes der)
{
    cert_write(payload_begin(w, V1_PAYLOAD_CERT), &(struct cert_payload){CERT_X509_SIGNATURE, der});
    payload_end(w);
}

static void write_certs(const struct v1_phase1 *p, struct message_writer *w)
{
    const struct ike_credential *own = &p->env.config->auth.credential;

    if (own->send == SEND_CERT_NEVER || (own->send == SEND_CERT_IF_ASKED && !p->certs_asked))
        return;
    for (size_t i = 0; i < own->cert_count; i++)
        write_cert(w, own->certs[i]);
}

/* RFC 2409 §5.1: the algorithm of the method, applied to HASH itself. */
static enum err write_signature(struct v1_phase1 *p, struct message_writer *w, struct bytes hash)
{
    const struct sign_op op = {.key = p->env.config->auth.credential.key,
                               .suite = sign_suite_hashed(p->suite.auth->key),
                               .random = rng_fork(&p->random, V1_FORK_SIGNATURE),
                               .parts = &hash,
                               .count = 1};
    struct crypto *c = p->env.crypto;
    uint8_t signature[SIGN_MAX];
    size_t len;
    enum err e;

    write_certs(p, w);
    e = c->class->sign(c, &op, signature, sizeof signature, &len);
    if (e == OK)
        payload_add(w, V1_PAYLOAD_SIGNATURE, bytes_of(signature, len));
    return e;
}

enum err v1_proof_write(struct v1_phase1 *p, struct message_writer *w)
{
    uint8_t room[V1_ID_BODY_MAX], hash[IKEV1_HASH_MAX];
    size_t len;
    enum err e = v1_phase1_hash(p, p->initiator, v1_phase1_own_id(p, room), hash, &len);

    if (e != OK)
        return e;
    if (v1_auth_signs(p->suite.auth, p->initiator))
        return write_signature(p, w, bytes_of(hash, len));
    /* draft-ietf-ipsec-isakmp-hybrid-auth-05, section 4.2: a user that is asked shows an empty
     * certificate. */
    if (p->suite.auth->hybrid && p->certs_asked)
        write_cert(w, BYTES_NONE);
    payload_add(w, V1_PAYLOAD_HASH, bytes_of(hash, len));
    return OK;
}

/* ---- the peer's ---- */

/* The signature first: who has not the key is refused before a path is walked for him. */
static enum err check_signature(struct v1_phase1 *p, const struct message_view *in,
                                const struct v1_id *id, struct bytes hash)
{
    const struct peer_claim claim = {.crypto = p->env.crypto,
                                     .auth = &p->env.config->auth,
                                     .in = in,
                                     .cert_type = V1_PAYLOAD_CERT,
                                     .id_type = id->type,
                                     .id = id->data,
                                     .now_s = p->env.now_s};
    struct crypto *c = p->env.crypto;
    enum x509_result why = CERT_VALID;
    struct bytes signature;
    struct peer_key key;
    enum err e =
        v1_body_read(V1_PAYLOAD_SIGNATURE, v1_phase1_body(in, V1_PAYLOAD_SIGNATURE), &signature);

    if (e != OK)
        return e;
    e = peer_key_read(&claim, &key, &why);
    if (e == OK && key.key.key.type != p->suite.auth->key)
        e = ERR_SIGNATURE; /* the method says which kind it is */
    if (e == OK) {
        const struct verify_op op = {&key.key, sign_suite_hashed(p->suite.auth->key), &hash, 1};

        e = c->class->verify(c, &op, signature);
    }
    if (e == OK)
        e = peer_key_judge(&claim, &key, &why);
    p->certificate = (uint8_t)why;
    peer_key_reset(&key);
    return e;
}

/* Proven or not, this is not whom we called. */
static bool is_another(const struct v1_phase1_env *env, const struct v1_id *id)
{
    if (env->peer_id.len == 0)
        return false;
    return (env->peer_id_type && env->peer_id_type != id->type) ||
           !bytes_equal(env->peer_id, id->data);
}

enum err v1_proof_check(struct v1_phase1 *p, const struct message_view *in)
{
    struct bytes body = bytes_of(p->peer_id, p->peer_id_len);
    uint8_t wanted[IKEV1_HASH_MAX];
    struct v1_id id;
    size_t len;
    enum err e = v1_phase1_id_parse(p, body, &id);

    if (e == OK && is_another(&p->env, &id))
        e = ERR_SIGNATURE;
    if (e == OK)
        e = v1_phase1_hash(p, !p->initiator, body, wanted, &len);
    if (e != OK)
        return e;
    if (v1_auth_signs(p->suite.auth, !p->initiator))
        return check_signature(p, in, &id, bytes_of(wanted, len));
    return bytes_equal_secret(v1_phase1_body(in, V1_PAYLOAD_HASH), bytes_of(wanted, len))
               ? OK
               : ERR_SIGNATURE;
}
