#include "proto/ike/peer_key.h"

#include "proto/wire/cert.h"

static void note(const struct step *s, enum x509_result result)
{
    handshake_of(s->ep, s->sa)->certificate = (uint8_t)result;
}

/* §3.6: the first certificate is the signer's. One that cannot be read may be an intermediate that
 * nobody needs. */
static enum x509_result take_cert(const struct step *s, struct peer_key *k, struct bytes der)
{
    struct x509_cert **place = &k->others[k->other_count];
    enum x509_result read;

    if (!k->end_entity)
        return x509_read(s->ep->store->env.crypto, der, &k->end_entity);
    if (k->tried++ == CERT_CHAIN_MAX)
        return CERT_TOO_MANY;
    read = x509_read(s->ep->store->env.crypto, der, place);
    k->other_count += read == CERT_VALID;
    return read == CERT_MEMORY ? read : CERT_VALID;
}

static enum err take_certs(const struct step *s, struct peer_key *k, enum x509_result *result)
{
    const struct auth_config *auth = &s->ep->store->config->auth;
    const struct payload_view *p = message_find(s->in, PAYLOAD_CERT);

    for (; p && *result == CERT_VALID; p = message_next(s->in, p)) {
        struct cert_payload cert;
        enum err e = cert_read(p->body, &cert);

        if (e)
            return e;
        if (cert.encoding == CERT_X509_SIGNATURE && auth_accepts(auth, AUTH_CERTIFICATE))
            *result = take_cert(s, k, cert.data);
        else if (cert.encoding == CERT_RAW_PUBLIC_KEY && auth_accepts(auth, AUTH_RAW_KEY) &&
                 !k->raw.len)
            k->raw = cert.data;
    }
    return OK;
}

enum err peer_key_read(const struct step *s, const struct id_payload *id, struct peer_key *out)
{
    struct crypto *c = s->ep->store->env.crypto;
    enum x509_result result = CERT_VALID;
    enum err e;

    *out = (struct peer_key){.key = {.key = {.library = NULL}}};
    e = take_certs(s, out, &result);
    if (e)
        return e;
    if (result == CERT_VALID && out->end_entity)
        result = x509_matches(out->end_entity, id->type, id->data);
    if (result == CERT_VALID && out->end_entity &&
        c->class->verify_key_load(c, x509_spki(out->end_entity), &out->key))
        result = CERT_KEY;
    note(s, result);
    if (out->end_entity || result != CERT_VALID)
        return result == CERT_VALID ? OK : ERR_SIGNATURE;
    if (!out->raw.len ||
        !known_key_find(&s->ep->store->config->auth.trust, out->raw, id->type, id->data) ||
        c->class->verify_key_load(c, out->raw, &out->key))
        return ERR_SIGNATURE;
    return OK;
}

enum err peer_key_judge(const struct step *s, const struct peer_key *k)
{
    const struct ike_trust *trust = &s->ep->store->config->auth.trust;
    struct x509_check check = {.now_s = s->ep->store->env.epoch_s + (int64_t)(s->now / NSEC_PER_S),
                               .crl = trust->crl,
                               .tls_purpose = trust->tls_purpose,
                               .intermediates = (const struct x509_cert *const *)k->others,
                               .intermediate_count = k->other_count,
                               .key = &k->key};
    enum x509_result result = CERT_NO_ANCHOR;

    if (!k->end_entity)
        return OK;
    if (trust->anchors)
        result = x509_verify(s->ep->store->env.crypto, trust->anchors, k->end_entity, &check);
    note(s, result);
    return result == CERT_VALID ? OK : ERR_SIGNATURE;
}

void peer_key_reset(struct peer_key *k)
{
    verify_key_reset(&k->key);
    x509_free(k->end_entity);
    for (size_t i = 0; i < k->other_count; i++)
        x509_free(k->others[i]);
}
