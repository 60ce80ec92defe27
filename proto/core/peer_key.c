#include "proto/core/peer_key.h"

#include "proto/wire/cert.h"

/* §3.6: the first certificate is the signer's. One that cannot be read may be an intermediate that
 * nobody needs. */
static enum x509_result take_cert(struct crypto *c, struct peer_key *k, struct bytes der)
{
    struct x509_cert **place = &k->others[k->other_count];
    enum x509_result read;

    if (!k->end_entity)
        return x509_read(c, der, &k->end_entity);
    if (k->tried++ == CERT_CHAIN_MAX)
        return CERT_TOO_MANY;
    read = x509_read(c, der, place);
    k->other_count += read == CERT_VALID;
    return read == CERT_MEMORY ? read : CERT_VALID;
}

static enum err take_certs(const struct peer_claim *p, struct peer_key *k, enum x509_result *result)
{
    bool certs = p->decrypts || auth_accepts(p->auth, AUTH_CERTIFICATE);
    const struct payload_view *v;

    if (p->at_hand) {
        for (size_t i = 0; i < p->at_hand->cert_count && *result == CERT_VALID; i++)
            *result = take_cert(p->crypto, k, p->at_hand->certs[i]);
        return OK;
    }
    v = message_find(p->in, p->cert_type);
    for (; v && *result == CERT_VALID; v = message_next(p->in, v)) {
        struct cert_payload cert;
        enum err e = cert_read(v->body, &cert);

        if (e)
            return e;
        if (cert.encoding == CERT_X509_SIGNATURE && certs)
            *result = take_cert(p->crypto, k, cert.data);
        else if (cert.encoding == CERT_RAW_PUBLIC_KEY && auth_accepts(p->auth, AUTH_RAW_KEY) &&
                 !k->raw.len)
            k->raw = cert.data;
    }
    return OK;
}

enum err peer_key_read(const struct peer_claim *p, struct peer_key *out, enum x509_result *why)
{
    struct crypto *c = p->crypto;
    enum x509_result result = CERT_VALID;
    enum err e;

    *out = (struct peer_key){.key = {.key = {.library = NULL}}};
    e = take_certs(p, out, &result);
    if (e)
        return e;
    if (result == CERT_VALID && out->end_entity)
        result = x509_matches(out->end_entity, p->id_type, p->id);
    if (result == CERT_VALID && out->end_entity &&
        c->class->verify_key_load(c, x509_spki(out->end_entity), &out->key))
        result = CERT_KEY;
    *why = result;
    if (out->end_entity || result != CERT_VALID)
        return result == CERT_VALID ? OK : ERR_SIGNATURE;
    if (!out->raw.len || !known_key_find(&p->auth->trust, out->raw, p->id_type, p->id) ||
        c->class->verify_key_load(c, out->raw, &out->key))
        return ERR_SIGNATURE;
    return OK;
}

enum err peer_key_judge(const struct peer_claim *p, const struct peer_key *k, enum x509_result *why)
{
    const struct ike_trust *trust = &p->auth->trust;
    struct x509_check check = {.now_s = p->now_s,
                               .crl = trust->crl,
                               .tls_purpose = trust->tls_purpose,
                               .intermediates = (const struct x509_cert *const *)k->others,
                               .intermediate_count = k->other_count,
                               .key = &k->key};

    if (!k->end_entity)
        return OK;
    *why = CERT_NO_ANCHOR;
    if (trust->anchors)
        *why = x509_verify(p->crypto, trust->anchors, k->end_entity, &check);
    return *why == CERT_VALID ? OK : ERR_SIGNATURE;
}

void peer_key_reset(struct peer_key *k)
{
    verify_key_reset(&k->key);
    x509_free(k->end_entity);
    for (size_t i = 0; i < k->other_count; i++)
        x509_free(k->others[i]);
}
