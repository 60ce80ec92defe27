/* Which payload is read by what; the generic header (RFC 7296 §3.2); KE, Nonce, Delete, EAP. */
#include "dissect/payload.h"

#include "proto/wire/delete.h"
#include "proto/wire/eap.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"

static const struct {
    const char *title, *rfc;
} about[] = {
    [PAYLOAD_SA] = {"Security Association", "RFC 7296 §3.3"},
    [PAYLOAD_KE] = {"Key Exchange", "RFC 7296 §3.4"},
    [PAYLOAD_IDI] = {"Identification - Initiator", "RFC 7296 §3.5"},
    [PAYLOAD_IDR] = {"Identification - Responder", "RFC 7296 §3.5"},
    [PAYLOAD_CERT] = {"Certificate", "RFC 7296 §3.6"},
    [PAYLOAD_CERTREQ] = {"Certificate Request", "RFC 7296 §3.7"},
    [PAYLOAD_AUTH] = {"Authentication", "RFC 7296 §3.8"},
    [PAYLOAD_NONCE] = {"Nonce", "RFC 7296 §3.9"},
    [PAYLOAD_NOTIFY] = {"Notify", "RFC 7296 §3.10"},
    [PAYLOAD_DELETE] = {"Delete", "RFC 7296 §3.11"},
    [PAYLOAD_VENDOR] = {"Vendor ID", "RFC 7296 §3.12"},
    [PAYLOAD_TSI] = {"Traffic Selector - Initiator", "RFC 7296 §3.13"},
    [PAYLOAD_TSR] = {"Traffic Selector - Responder", "RFC 7296 §3.13"},
    [PAYLOAD_SK] = {"Encrypted and Authenticated", "RFC 7296 §3.14"},
    [PAYLOAD_CP] = {"Configuration", "RFC 7296 §3.15"},
    [PAYLOAD_EAP] = {"Extensible Authentication", "RFC 7296 §3.16"},
    [PAYLOAD_SKF] = {"Encrypted and Authenticated Fragment", "RFC 7383 §2.5"},
};

const char *address_text(struct arena *arena, struct bytes b)
{
    struct ip_addr a = {.family = b.len == 4 ? 4 : 6};
    char text[IP_ADDR_TEXT];

    if (b.len != 4 && b.len != 16)
        return NULL;
    memcpy(a.bytes, b.data, b.len);
    ip_addr_format(&a, text);
    return arena_text(arena, text, strlen(text));
}

/* RFC 7296 §1.2 writes Ni and Nr, by who asks and who answers. */
static const char *notation(const struct payload_context *c, uint8_t type)
{
    if (type == PAYLOAD_NONCE)
        return header_is_response(c->header) ? "Nr" : "Ni";
    return payload_name(type) ? payload_name(type) : "payload";
}

/* RFC 7296 §3.2: the four bytes before the body. */
static void generic_header(struct tree *t, const struct payload_view *p)
{
    struct bytes h = bytes_of(p->body.data - PAYLOAD_HEADER_LEN, PAYLOAD_HEADER_LEN);

    tree_number(t, "Next Payload", part(h, 0, 1), h.data[0], payload_name(h.data[0]))->rfc =
        "RFC 7296 §3.2";
    tree_number(t, "Critical", part(h, 1, 1), p->critical, NULL)->rfc = "RFC 7296 §2.5";
    tree_number(t, "Payload Length", part(h, 2, 2), p->body.len + PAYLOAD_HEADER_LEN, NULL)->rfc =
        "RFC 7296 §3.2";
}

static void body_tree(struct tree *t, const struct payload_context *c, const struct payload_view *p)
{
    switch (p->type) {
    case PAYLOAD_SA:
        payload_sa(t, p->body);
        break;
    case PAYLOAD_KE:
        payload_ke(t, p->body);
        break;
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        payload_id(t, p->body);
        break;
    case PAYLOAD_CERT:
        payload_cert(t, c, p->body);
        break;
    case PAYLOAD_CERTREQ:
        payload_certreq(t, p->body);
        break;
    case PAYLOAD_AUTH:
        payload_auth(t, p->body);
        break;
    case PAYLOAD_NOTIFY:
        payload_notify(t, c, p->body);
        break;
    case PAYLOAD_DELETE:
        payload_delete(t, p->body);
        break;
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        payload_ts(t, p->body);
        break;
    case PAYLOAD_CP:
        payload_cp(t, p->body);
        break;
    case PAYLOAD_EAP:
        payload_eap(t, p->body);
        break;
    case PAYLOAD_SK:
    case PAYLOAD_SKF: /* dissect/encrypted.c */
        break;
    default:
        tree_hex(t,
                 p->type == PAYLOAD_NONCE    ? "Nonce Data"
                 : p->type == PAYLOAD_VENDOR ? "Vendor ID"
                                             : "Data",
                 p->body);
    }
}

void payload_tree(struct tree *t, const struct payload_context *c, const struct payload_view *p)
{
    bool known = p->type < sizeof about / sizeof *about && about[p->type].title;
    struct bytes whole =
        bytes_of(p->body.data - PAYLOAD_HEADER_LEN, p->body.len + PAYLOAD_HEADER_LEN);
    struct node *n = tree_open(t, NODE_PAYLOAD, notation(c, p->type), whole,
                               known ? about[p->type].rfc : "RFC 7296 §3.2");
    struct bytes nonce;

    n->numeric = true;
    n->number = p->type;
    n->meaning = known ? about[p->type].title : NULL;
    generic_header(t, p);
    body_tree(t, c, p);
    if (p->type == PAYLOAD_NONCE && nonce_read(p->body, &nonce) != OK)
        tree_error(t, p->body, ERR_LENGTH);
    if (p->critical && !payload_supported(p->type))
        tree_error(t, whole, ERR_CRITICAL);
    if (p->type != PAYLOAD_SK && p->type != PAYLOAD_SKF)
        tree_close(t); /* the inside of those two goes in before they are closed */
}

void payload_ke(struct tree *t, struct bytes body)
{
    struct ke_payload ke;
    enum err e = ke_read(body, &ke);

    tree_number(t, "Key Exchange Method", part(body, 0, 2), ke.group,
                registry_name(REGISTRY_KE_GROUP, ke.group));
    tree_hex(t, "RESERVED", part(body, 2, 2));
    tree_hex(t, "Key Exchange Data", part_from(body, 4));
    if (e != OK)
        tree_error(t, body, e);
}

void payload_delete(struct tree *t, struct bytes body)
{
    struct delete_payload d;
    enum err e = delete_read(body, &d);

    tree_number(t, "Protocol ID", part(body, 0, 1), d.protocol,
                registry_name(REGISTRY_SA_PROTOCOL, d.protocol));
    tree_number(t, "SPI Size", part(body, 1, 1), d.spi_size, NULL);
    tree_number(t, "Num of SPIs", part(body, 2, 2), d.count, NULL);
    for (unsigned i = 0; e == OK && d.spi_size > 0 && i < d.count; i++)
        tree_hex(t, "SPI", part(d.spis, (size_t)i * d.spi_size, d.spi_size));
    if (e != OK)
        tree_error(t, body, e);
    t->at->value = registry_name(REGISTRY_SA_PROTOCOL, d.protocol);
}

/* RFC 3748 §4, §5: the method's own data stay bytes. */
void payload_eap(struct tree *t, struct bytes body)
{
    struct eap_payload eap;
    enum err e = eap_read(body, &eap);

    tree_number(t, "Code", part(body, 0, 1), eap.code, registry_name(REGISTRY_EAP_CODE, eap.code));
    tree_number(t, "Identifier", part(body, 1, 1), eap.identifier, NULL);
    if (e == OK) {
        tree_number(t, "Length", part(body, 2, 2), body.len, NULL);
        if (body.len > 4)
            tree_number(t, "Type", part(body, 4, 1), eap.type, NULL);
        if (eap.data.len > 0)
            tree_hex(t, "Type-Data", eap.data);
    } else {
        tree_error(t, body, e);
    }
    t->at->value = registry_name(REGISTRY_EAP_CODE, eap.code);
}
