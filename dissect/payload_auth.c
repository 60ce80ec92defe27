/* The trees of ID (RFC 7296 §3.5), CERT (§3.6), CERTREQ (§3.7) and AUTH (§3.8, RFC 7427 §3). */
#include "dissect/payload.h"

#include "crypto/asn1_text.h"
#include "proto/wire/auth.h"
#include "proto/wire/cert.h"
#include "proto/wire/id.h"

const char *identity_text(struct arena *arena, uint8_t type, struct bytes data)
{
    char dn[ASN1_TEXT_MAX];

    switch (type) {
    case ID_IPV4_ADDR:
    case ID_IPV6_ADDR:
        return address_text(arena, data);
    case ID_FQDN:
    case ID_RFC822_ADDR:
        return printable(arena, data);
    case ID_DER_ASN1_DN:
        if (asn1_name_text(data, dn))
            return arena_text(arena, dn, strlen(dn));
        return NULL;
    default:
        return NULL;
    }
}

void payload_id(struct tree *t, struct bytes body)
{
    struct id_payload id;
    enum err e = id_read(body, &id);
    const char *text = e == OK ? identity_text(t->arena, id.type, id.data) : NULL;

    tree_number(t, "ID Type", part(body, 0, 1), id.type, registry_name(REGISTRY_ID, id.type));
    tree_hex(t, "RESERVED", part(body, 1, 3));
    if (text)
        t->at->value = tree_value(t, "Identification Data", part_from(body, 4), "%s", text)->value;
    else
        tree_hex(t, "Identification Data", part_from(body, 4));
    if (e != OK)
        tree_error(t, body, e);
}

/* The certificate as far as OpenSSL reads it; what it does not read stays bytes. */
static void subject_note(struct tree *t, const struct payload_context *c, struct bytes der)
{
    struct x509_cert *cert;
    char name[ASN1_TEXT_MAX];

    if (x509_read(c->crypto, der, &cert) != CERT_VALID) {
        tree_note(t, der, "no X.509 certificate in DER");
        return;
    }
    if (asn1_name_text(x509_subject(cert), name)) {
        t->at->value = arena_text(t->arena, name, strlen(name));
        tree_value(t, "Subject", der, "%s", name)->rfc = "RFC 5280 §4.1.2.6";
    }
    x509_free(cert);
}

void payload_cert(struct tree *t, const struct payload_context *c, struct bytes body)
{
    struct cert_payload cert;
    enum err e = cert_read(body, &cert);

    tree_number(t, "Cert Encoding", part(body, 0, 1), cert.encoding,
                registry_name(REGISTRY_CERT, cert.encoding));
    tree_hex(t, "Certificate Data", part_from(body, 1));
    if (e != OK)
        tree_error(t, body, e);
    else if (cert.encoding == CERT_X509_SIGNATURE)
        subject_note(t, c, cert.data);
}

void payload_certreq(struct tree *t, struct bytes body)
{
    struct certreq_payload req;
    enum err e = certreq_read(body, &req);

    tree_number(t, "Cert Encoding", part(body, 0, 1), req.encoding,
                registry_name(REGISTRY_CERT, req.encoding));
    if (e == OK && req.encoding == CERT_X509_SIGNATURE)
        for (size_t at = 0; at < req.authorities.len; at += CERTREQ_HASH_LEN)
            tree_hex(t, "Certification Authority", part(req.authorities, at, CERTREQ_HASH_LEN));
    else
        tree_hex(t, "Certification Authority", part_from(body, 1));
    if (e != OK)
        tree_error(t, body, e);
}

/* RFC 7427 §3: ASN.1 Length (8) | AlgorithmIdentifier | Signature Value */
static void signature_tree(struct tree *t, struct bytes data)
{
    struct auth_signature s;
    enum err e = auth_signature_read(data, &s);
    char name[ASN1_TEXT_MAX];
    struct node *n;

    tree_open(t, NODE_GROUP, "Authentication Data", data, "RFC 7427 §3");
    tree_number(t, "ASN.1 Length", part(data, 0, 1), data.data[0], NULL);
    if (e == OK) {
        n = tree_hex(t, "AlgorithmIdentifier", s.identifier);
        if (asn1_algorithm_text(s.identifier, name)) {
            n->meaning = arena_text(t->arena, name, strlen(name));
            t->at->parent->value = n->meaning;
        }
        tree_hex(t, "Signature Value", s.value);
    } else {
        tree_error(t, data, e);
    }
    tree_close(t);
}

void payload_auth(struct tree *t, struct bytes body)
{
    struct auth_payload auth;
    enum err e = auth_read(body, &auth);

    t->at->value = tree_number(t, "Auth Method", part(body, 0, 1), auth.method,
                               registry_name(REGISTRY_AUTH_METHOD, auth.method))
                       ->meaning;
    tree_hex(t, "RESERVED", part(body, 1, 3));
    if (e != OK)
        tree_error(t, body, e);
    else if (auth.method == AUTH_METHOD_DIGITAL_SIGNATURE)
        signature_tree(t, auth.data);
    else
        tree_hex(t, "Authentication Data", auth.data);
}
