#include "bench/codec_messages.h"

#include "bench/ends.h"
#include "crypto/test_pki.h"

#include <stdlib.h>

const struct sk_sizes codec_sk_sizes = {.iv_len = 8, .icv_len = 16, .block_len = 1};

enum { VALID_UNTIL_S = 1000 };

/* What the initiator shows of itself when it signs, and whose root both sides believe. */
struct card {
    struct test_key root_key, key;
    struct test_cert root, leaf;
    struct sign_key sign;
    struct bytes shown;
    struct x509_cert *anchor;
    struct x509_anchors *anchors;
};

/* One message of a handshake, caught on its way. */
struct catch
{
    enum codec_message wanted;
    unsigned passed;
    uint8_t *out;
    size_t len;
    uint8_t sk_ei[ENCR_KEY_MAX];
    struct card card;
    struct ends ends;
};

static enum err issue(struct test_pki *pki, struct card *c)
{
    struct test_cert_options o = {.common_name = "Root",
                                  .basic_constraints = "critical,CA:TRUE",
                                  .key_usage = "critical,keyCertSign",
                                  .not_after_s = VALID_UNTIL_S,
                                  .random = rng_stream(1, 1, RNG_CREDENTIAL)};
    enum err e = test_key_make(pki, KEY_ECP256, 0, rng_stream(1, 2, RNG_CREDENTIAL), &c->root_key);

    if (e == OK)
        e = test_key_make(pki, KEY_ECP256, 0, rng_stream(1, 3, RNG_CREDENTIAL), &c->key);
    o.key = test_key_bytes(&c->root_key);
    if (e == OK)
        e = test_cert_make(pki, &o, &c->root);
    o = (struct test_cert_options){.common_name = "client",
                                   .alt_name = "DNS:client.ikelab.example",
                                   .key_usage = "critical,digitalSignature",
                                   .not_after_s = VALID_UNTIL_S,
                                   .serial = 2,
                                   .key = test_key_bytes(&c->key),
                                   .issuer_key = test_key_bytes(&c->root_key),
                                   .issuer_cert = test_cert_bytes(&c->root),
                                   .random = rng_stream(1, 4, RNG_CREDENTIAL)};
    return e == OK ? test_cert_make(pki, &o, &c->leaf) : e;
}

static enum err card_make(struct card *c, struct crypto *crypto)
{
    struct test_pki *pki = test_pki_create();
    enum err e = pki ? issue(pki, c) : ERR_CRYPTO;

    test_pki_destroy(pki);
    if (e == OK)
        e = crypto->class->sign_key_load(crypto, test_key_bytes(&c->key), &c->sign);
    c->shown = test_cert_bytes(&c->leaf);
    c->anchors = x509_anchors_create();
    if (e == OK &&
        (!c->anchors || x509_read(crypto, test_cert_bytes(&c->root), &c->anchor) != CERT_VALID ||
         x509_anchors_trust(c->anchors, c->anchor) != CERT_VALID))
        e = ERR_CRYPTO;
    return e;
}

static void card_reset(struct card *c)
{
    x509_free(c->anchor);
    x509_anchors_free(c->anchors);
    sign_key_reset(&c->sign);
    test_cert_reset(&c->leaf);
    test_cert_reset(&c->root);
    test_key_reset(&c->key);
    test_key_reset(&c->root_key);
}

/* The initiator signs, and asks for a certificate too; that it gets none is no matter here. */
static void show(struct ends *e, struct card *c)
{
    static const char name[] = "client.ikelab.example";
    struct ike_config *own = &e->config[ENDS_INITIATOR];
    struct identity *id = &own->id;

    *id = (struct identity){.type = ID_FQDN, .len = sizeof name - 1};
    memcpy(id->data, name, id->len);
    own->auth = (struct auth_config){
        .way = AUTH_CERTIFICATE,
        .accepted = AUTH_BIT(AUTH_CERTIFICATE) | AUTH_BIT(AUTH_PSK),
        .credential = {.key = &c->sign,
                       .certs = &c->shown,
                       .cert_count = 1,
                       .send = SEND_CERT_ALWAYS},
        .trust = {.anchors = c->anchors, .authorities = x509_key_hash(c->anchor)}};
    e->config[ENDS_RESPONDER].auth = (struct auth_config){
        .way = AUTH_PSK, .accepted = AUTH_BIT(AUTH_CERTIFICATE), .trust = own->auth.trust};
}

/* Requests and responses pass in the order of enum codec_message; IKE_AUTH is the third. */
static void on_message(void *context, enum ends_index from, struct bytes message)
{
    struct catch *c = context;
    unsigned wanted = c->wanted < CODEC_AUTH_REQUEST ? c->wanted : CODEC_AUTH_REQUEST;

    (void)from;
    if (c->passed++ != wanted)
        return;
    memcpy(c->out, message.data, message.len);
    c->len = message.len;
}

static void on_event(void *context, enum ends_index at, const struct ike_event *event)
{
    struct catch *c = context;

    if (event->kind == EVENT_KEYS && !event->keys->is_child && at == ENDS_INITIATOR)
        memcpy(c->sk_ei, event->keys->sk.data + ike_key_map(&event->keys->suite).sk_ei,
               sizeof c->sk_ei);
}

/* RFC 7296 §3.14: the caught request, opened with SK_ei. */
static enum err decrypt(struct catch *c)
{
    struct crypto *crypto = c->ends.crypto;
    struct seal_key key = {.encr = encr_suite(ENCR_AES_GCM_16, 256), .encr_key = c->sk_ei};
    struct message_view view;
    struct sk_area area;
    enum err e = message_read(bytes_of(c->out, c->len), &view);

    if (e == OK)
        e = sk_read(&view, &codec_sk_sizes, &area);
    if (e != OK)
        return e;
    return crypto->class->open(crypto, &(struct seal_op){.key = &key,
                                                         .aad = area.aad,
                                                         .iv = area.iv,
                                                         .text = area.text,
                                                         .text_len = area.text_len,
                                                         .icv = area.icv});
}

static enum err handshake(struct catch *c)
{
    static const struct ike_limits one = {.ike_sas = 1, .half_open = 1, .child_sas = 1};
    struct sa_ref sa;
    enum err e = ends_open(&c->ends, (struct ike_limits[ENDS]){one, one}, true);

    if (e == OK)
        e = ends_initiate(&c->ends, &sa);
    if (e != OK)
        return e;
    ends_settle(&c->ends);
    if (c->len == 0 || ike_endpoint_counters(c->ends.end[ENDS_INITIATOR])->completed != 1)
        return ERR_STATE;
    return c->wanted < CODEC_AUTH_REQUEST ? OK : decrypt(c);
}

enum err codec_message_make(enum codec_message wanted, uint8_t *out, size_t *len)
{
    struct catch *c = calloc(1, sizeof *c);
    enum err e;

    if (!c)
        return ERR_MEMORY;
    e = ends_init(&c->ends, crypto_openssl_create);
    c->wanted = wanted;
    c->out = out;
    c->ends.message = on_message;
    c->ends.event = on_event;
    c->ends.context = c;
    if (e == OK && wanted == CODEC_AUTH_REQUEST_CERTIFICATE) {
        e = card_make(&c->card, c->ends.crypto);
        if (e == OK)
            show(&c->ends, &c->card);
    }
    if (e == OK)
        e = handshake(c);
    *len = c->len;
    card_reset(&c->card); /* its key is the provider's */
    ends_close(&c->ends);
    free(c);
    return e;
}
