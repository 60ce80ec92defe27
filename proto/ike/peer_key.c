#include "proto/ike/peer_key.h"

#include "proto/wire/cert.h"

/* What the CERT payloads of a message hold, as far as it is of use. */
struct shown {
    struct x509_cert *end_entity;
    struct x509_cert *others[CERT_CHAIN_MAX];
    size_t other_count;
    struct bytes raw; /* SubjectPublicKeyInfo of the first raw key */
};

static void shown_reset(struct shown *shown)
{
    x509_free(shown->end_entity);
    for (size_t i = 0; i < shown->other_count; i++)
        x509_free(shown->others[i]);
}

/* §3.6: the first certificate is the signer's. One that cannot be read may be an intermediate that
 * nobody needs. */
static enum x509_result show_cert(const struct step *s, struct shown *shown, struct bytes der)
{
    struct x509_cert **place = &shown->others[shown->other_count];
    enum x509_result read;

    if (!shown->end_entity)
        return x509_read(s->ep->env.crypto, der, &shown->end_entity);
    if (shown->other_count == CERT_CHAIN_MAX)
        return CERT_TOO_MANY;
    read = x509_read(s->ep->env.crypto, der, place);
    shown->other_count += read == CERT_VALID;
    return read == CERT_MEMORY ? read : CERT_VALID;
}

static enum err show(const struct step *s, struct shown *shown, enum x509_result *result)
{
    const struct payload_view *p = message_find(s->in, PAYLOAD_CERT);

    for (; p && *result == CERT_VALID; p = message_next(s->in, p)) {
        struct cert_payload cert;
        enum err e = cert_read(p->body, &cert);

        if (e)
            return e;
        if (cert.encoding == CERT_X509_SIGNATURE)
            *result = show_cert(s, shown, cert.data);
        else if (cert.encoding == CERT_RAW_PUBLIC_KEY && !shown->raw.len)
            shown->raw = cert.data;
    }
    return OK;
}

static enum x509_result judge(const struct step *s, const struct shown *shown,
                              const struct id_payload *id)
{
    const struct ike_trust *trust = &s->ep->config->auth.trust;
    struct x509_check check = {.now_s = s->ep->env.epoch_s + (int64_t)(s->now / NSEC_PER_S),
                               .crl = trust->crl,
                               .tls_purpose = trust->tls_purpose,
                               .intermediates = (const struct x509_cert *const *)shown->others,
                               .intermediate_count = shown->other_count};
    enum x509_result result = x509_matches(shown->end_entity, id->type, id->data);

    if (result != CERT_VALID)
        return result;
    if (!trust->anchors)
        return CERT_NO_ANCHOR;
    return x509_verify(s->ep->env.crypto, trust->anchors, shown->end_entity, &check);
}

static bool believed(const struct step *s, const struct shown *shown, const struct id_payload *id,
                     struct bytes *spki, enum x509_result *result)
{
    const struct auth_config *auth = &s->ep->config->auth;

    if (shown->end_entity && auth_accepts(auth, AUTH_CERTIFICATE)) {
        *result = judge(s, shown, id);
        *spki = x509_spki(shown->end_entity);
        return *result == CERT_VALID;
    }
    *spki = shown->raw;
    return shown->raw.len && auth_accepts(auth, AUTH_RAW_KEY) &&
           known_key_find(&auth->trust, shown->raw, id->type, id->data);
}

enum err peer_key_find(const struct step *s, const struct id_payload *id, struct verify_key *out)
{
    struct crypto *c = s->ep->env.crypto;
    enum x509_result result = CERT_VALID;
    struct shown shown = {0};
    struct bytes spki;
    enum err e = show(s, &shown, &result);

    *out = (struct verify_key){.key = {.library = NULL}};
    if (e == OK && result != CERT_VALID)
        e = ERR_SIGNATURE;
    if (e == OK && !believed(s, &shown, id, &spki, &result))
        e = ERR_SIGNATURE;
    if (e == OK && c->class->verify_key_load(c, spki, out) != OK) {
        result = shown.end_entity ? CERT_KEY : CERT_VALID;
        e = ERR_SIGNATURE;
    }
    handshake_of(s->ep, s->sa)->certificate = (uint8_t)result;
    shown_reset(&shown);
    return e;
}
