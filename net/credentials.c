#include "net/credentials.h"

#include "crypto/pem.h"
#include "crypto/x509.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct credentials {
    struct pem_items certs, keys, peer_keys;
    struct sign_key key;
    bool has_key;
    struct bytes *shown; /* views of certs, or the raw key */
    uint8_t raw_key[SIGN_KEY_DER_MAX];
    struct x509_anchors *anchors;
    uint8_t *authorities;
    struct known_key *known;
};

struct loading {
    struct crypto *crypto;
    const struct credential_files *files;
    struct ike_config *config;
    struct credentials *to;
    char *why;
};

static enum err complain(const struct loading *l, const char *path, const char *what)
{
    snprintf(l->why, CREDENTIALS_WHY, "%s: %s", path, what);
    return ERR_USAGE;
}

static enum err read_file(const struct loading *l, const char *path, enum pem_kind kind,
                          struct pem_items *items)
{
    const char *what;
    char text[128];
    enum err e = pem_read_file(path, kind, items, &what);

    if (e == ERR_IO) {
        snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
        return complain(l, path, text);
    }
    if (e)
        return complain(l, path, what);
    for (size_t i = 0; i < items->count; i++)
        if (items->item[i].kind == kind)
            return OK;
    return complain(l, path,
                    kind == PEM_CERTIFICATE   ? "there is no certificate in it"
                    : kind == PEM_CRL         ? "there is no CRL in it"
                    : kind == PEM_PRIVATE_KEY ? "there is no private key in it"
                                              : "there is no public key in it");
}

/* ---- our own ---- */

static enum err load_key(const struct loading *l)
{
    struct credentials *c = l->to;
    enum err e = read_file(l, l->files->key, PEM_PRIVATE_KEY, &c->keys);

    for (size_t i = 0; e == OK && i < c->keys.count; i++) {
        if (c->keys.item[i].kind != PEM_PRIVATE_KEY)
            continue;
        if (l->crypto->class->sign_key_load(l->crypto, pem_item_bytes(&c->keys.item[i]), &c->key))
            return complain(l, l->files->key,
                            "it is no RSA key of 2048 to 4096 bits, and none of P-256, P-384, "
                            "P-521, Ed25519 or Ed448");
        c->has_key = true;
        pem_items_reset(&c->keys); /* the provider has it now */
        return OK;
    }
    return e;
}

/* The identity is the certificate's unless one was given, which it must speak for. */
static enum err take_identity(const struct loading *l, const struct x509_cert *cert)
{
    struct identity *id = &l->config->id;
    struct bytes value;

    if (id->len) {
        if (x509_matches(cert, id->type, bytes_of(id->data, id->len)) == CERT_VALID)
            return OK;
        return complain(l, l->files->cert, "it does not speak for --local-id");
    }
    id->type = x509_identity(cert, &value);
    if (!id->type || value.len > ID_MAX)
        return complain(l, l->files->cert, "it holds no identity; --local-id names one");
    id->len = (uint8_t)value.len;
    memcpy(id->data, value.data, value.len);
    return OK;
}

static enum err check_own(const struct loading *l, struct bytes der)
{
    uint8_t spki[SIGN_KEY_DER_MAX];
    size_t len = sign_key_public(&l->to->key, spki);
    struct x509_cert *cert;
    enum err e = OK;

    if (x509_read(l->crypto, der, &cert) != CERT_VALID)
        return complain(l, l->files->cert, "the first certificate in it cannot be read");
    if (!bytes_equal(bytes_of(spki, len), x509_spki(cert)))
        e = complain(l, l->files->cert, "the key is not that of the first certificate in it");
    if (e == OK)
        e = take_identity(l, cert);
    x509_free(cert);
    return e;
}

static enum err load_certs(const struct loading *l)
{
    struct credentials *c = l->to;
    size_t count = 0;
    enum err e = read_file(l, l->files->cert, PEM_CERTIFICATE, &c->certs);

    if (e)
        return e;
    c->shown = calloc(c->certs.count, sizeof *c->shown);
    if (!c->shown)
        return ERR_MEMORY;
    for (size_t i = 0; i < c->certs.count; i++)
        if (c->certs.item[i].kind == PEM_CERTIFICATE)
            c->shown[count++] = pem_item_bytes(&c->certs.item[i]);
    if (count > CERT_CHAIN_MAX + 1)
        return complain(l, l->files->cert, "there are too many certificates in it");
    l->config->auth.credential.cert_count = count;
    return check_own(l, c->shown[0]);
}

static enum err load_own(const struct loading *l)
{
    const struct credential_files *f = l->files;
    struct auth_config *auth = &l->config->auth;
    struct credentials *c = l->to;
    enum err e;

    if (f->cert && !f->key)
        return complain(l, f->cert, "a certificate needs its key: --key FILE");
    if (!f->key) {
        auth->way = l->config->psk_len || !f->null ? AUTH_PSK : AUTH_NULL;
        return OK;
    }
    e = load_key(l);
    if (e)
        return e;
    if (f->cert) {
        auth->way = AUTH_CERTIFICATE;
        e = load_certs(l);
    } else {
        auth->way = AUTH_RAW_KEY;
        auth->credential.cert_count = 1;
        c->shown = calloc(1, sizeof *c->shown);
        if (!c->shown)
            return ERR_MEMORY;
        c->shown[0] = bytes_of(c->raw_key, sign_key_public(&c->key, c->raw_key));
    }
    auth->credential.key = &c->key;
    auth->credential.certs = c->shown;
    auth->credential.send = SEND_CERT_ALWAYS; /* a peer that knows it ignores it */
    return e;
}

static enum err choose_signature(const struct loading *l)
{
    const char *name = l->files->signature;
    struct ike_credential *own = &l->config->auth.credential;

    l->config->auth.older_methods = l->files->older_methods;
    if (!name)
        return OK;
    own->suite = sign_suite_named(name, strlen(name));
    if (!own->suite || own->suite->method != 14 || !own->key ||
        own->suite->key != own->key->key.type)
        return complain(l, name,
                        "no signature that this key makes, such as rsa/pss-sha256 or "
                        "ecdsa-256-sha256");
    return OK;
}

/* ---- the peers' ---- */

static enum err trust(const struct loading *l, const struct pem_item *item, size_t number)
{
    struct credentials *c = l->to;
    struct x509_cert *ca;
    enum err e = OK;

    if (x509_read(l->crypto, pem_item_bytes(item), &ca) != CERT_VALID)
        return complain(l, l->files->ca, "a certificate in it cannot be read");
    if (x509_anchors_trust(c->anchors, ca) != CERT_VALID)
        e = ERR_MEMORY;
    memcpy(c->authorities + number * CERT_KEY_HASH_LEN, x509_key_hash(ca).data, CERT_KEY_HASH_LEN);
    x509_free(ca);
    return e;
}

static enum err load_authorities(const struct loading *l)
{
    struct ike_trust *t = &l->config->auth.trust;
    struct pem_items items = {0};
    size_t count = 0;
    enum err e = read_file(l, l->files->ca, PEM_CERTIFICATE, &items);

    if (e == OK) {
        l->to->anchors = x509_anchors_create();
        l->to->authorities = malloc(items.count * CERT_KEY_HASH_LEN);
        e = l->to->anchors && l->to->authorities ? OK : ERR_MEMORY;
    }
    for (size_t i = 0; e == OK && i < items.count; i++)
        if (items.item[i].kind == PEM_CERTIFICATE)
            e = trust(l, &items.item[i], count++);
    pem_items_reset(&items);
    t->anchors = l->to->anchors;
    t->authorities = bytes_of(l->to->authorities, count * CERT_KEY_HASH_LEN);
    t->tls_purpose = true; /* as daemons do: few certificates have IKE's own */
    return e;
}

static enum err load_crls(const struct loading *l)
{
    struct pem_items items = {0};
    enum err e = read_file(l, l->files->crl, PEM_CRL, &items);

    if (e == OK && !l->to->anchors)
        e = complain(l, l->files->crl, "a CRL needs its issuer: --ca FILE");
    for (size_t i = 0; e == OK && i < items.count; i++)
        if (items.item[i].kind == PEM_CRL &&
            x509_anchors_add_crl(l->to->anchors, pem_item_bytes(&items.item[i])) != CERT_VALID)
            e = complain(l, l->files->crl, "a CRL in it cannot be read");
    pem_items_reset(&items);
    l->config->auth.trust.crl = CERT_CRL_IF_PRESENT;
    return e;
}

static enum err check_peer_key(const struct loading *l, struct bytes spki)
{
    struct verify_key key;

    if (l->crypto->class->verify_key_load(l->crypto, spki, &key) != OK)
        return complain(l, l->files->peer_key, "a public key in it is none that we can use");
    verify_key_reset(&key);
    return OK;
}

static enum err load_peer_keys(const struct loading *l)
{
    struct credentials *c = l->to;
    size_t count = 0;
    enum err e = read_file(l, l->files->peer_key, PEM_PUBLIC_KEY, &c->peer_keys);

    if (e)
        return e;
    c->known = calloc(c->peer_keys.count, sizeof *c->known);
    if (!c->known)
        return ERR_MEMORY;
    for (size_t i = 0; e == OK && i < c->peer_keys.count; i++)
        if (c->peer_keys.item[i].kind == PEM_PUBLIC_KEY) {
            c->known[count++].spki = pem_item_bytes(&c->peer_keys.item[i]);
            e = check_peer_key(l, c->known[count - 1].spki);
        }
    if (e)
        return e;
    qsort(c->known, count, sizeof *c->known, known_key_compare);
    l->config->auth.trust.keys = c->known;
    l->config->auth.trust.key_count = count;
    return OK;
}

static enum err load_trust(const struct loading *l)
{
    const struct credential_files *f = l->files;
    struct auth_config *auth = &l->config->auth;
    enum err e = f->ca ? load_authorities(l) : OK;

    if (e == OK && f->crl)
        e = load_crls(l);
    if (e == OK && f->peer_key)
        e = load_peer_keys(l);
    auth->accepted =
        (f->ca ? AUTH_BIT(AUTH_CERTIFICATE) : 0) | (f->peer_key ? AUTH_BIT(AUTH_RAW_KEY) : 0) |
        (f->null ? AUTH_BIT(AUTH_NULL) : 0) | (l->config->psk_len ? AUTH_BIT(AUTH_PSK) : 0);
    return e;
}

/* With an empty set `accepted` would mean "as we prove ourselves". */
static enum err check_whole(const struct loading *l)
{
    const struct ike_config *config = l->config;

    if (!config->auth.accepted)
        return complain(l, "credentials", "there is nothing by which to believe a peer");
    if (config->auth.way == AUTH_PSK && !config->psk_len)
        return complain(l, "credentials", "there is nothing by which a peer could believe us");
    if (config->auth.way != AUTH_NULL && !config->id.len)
        return complain(l, "--local-id", "it is missing, and there is no certificate to tell");
    return OK;
}

enum err credentials_load(struct crypto *crypto, const struct credential_files *files,
                          struct ike_config *config, struct credentials **out,
                          char why[CREDENTIALS_WHY])
{
    struct loading l = {crypto, files, config, calloc(1, sizeof *l.to), why};
    enum err e;

    *out = NULL;
    snprintf(why, CREDENTIALS_WHY, "%s", err_text(ERR_MEMORY));
    if (!l.to)
        return ERR_MEMORY;
    e = load_own(&l);
    if (e == OK)
        e = choose_signature(&l);
    if (e == OK)
        e = load_trust(&l);
    if (e == OK)
        e = check_whole(&l);
    if (e) {
        config->auth = (struct auth_config){.way = AUTH_PSK};
        credentials_free(l.to);
        return e;
    }
    *out = l.to;
    return OK;
}

void credentials_free(struct credentials *c)
{
    if (!c)
        return;
    if (c->has_key)
        sign_key_reset(&c->key);
    x509_anchors_free(c->anchors);
    pem_items_reset(&c->certs);
    pem_items_reset(&c->keys);
    pem_items_reset(&c->peer_keys);
    free(c->shown);
    free(c->authorities);
    free(c->known);
    free(c);
}
