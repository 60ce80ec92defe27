/* Which IKEv1 payload is read by what; the generic header (RFC 2408 §3.2); all but SA and ATTR. */
#include "dissect/payload.h"

#include "proto/wire/v1_any.h"
#include "proto/wire/v1_vendor.h"

static const struct about {
    uint8_t type;
    const char *title, *rfc, *field;
} about[] = {
    {V1_PAYLOAD_SA, "Security Association", "RFC 2408 §3.4", NULL},
    {V1_PAYLOAD_KE, "Key Exchange", "RFC 2408 §3.7", "Key Exchange Data"},
    {V1_PAYLOAD_ID, "Identification", "RFC 2407 §4.6.2", NULL},
    {V1_PAYLOAD_CERT, "Certificate", "RFC 2408 §3.9", NULL},
    {V1_PAYLOAD_CERTREQ, "Certificate Request", "RFC 2408 §3.10", NULL},
    {V1_PAYLOAD_HASH, "Hash", "RFC 2408 §3.11", "Hash Data"},
    {V1_PAYLOAD_SIGNATURE, "Signature", "RFC 2408 §3.12", "Signature Data"},
    {V1_PAYLOAD_NONCE, "Nonce", "RFC 2408 §3.13", "Nonce Data"},
    {V1_PAYLOAD_NOTIFY, "Notification", "RFC 2408 §3.14", NULL},
    {V1_PAYLOAD_DELETE, "Delete", "RFC 2408 §3.15", NULL},
    {V1_PAYLOAD_VENDOR, "Vendor ID", "RFC 2408 §3.16", "Vendor ID"},
    {V1_PAYLOAD_CONFIG, "Attributes of Mode-Config and XAUTH", "RFC 2408 §3.2", NULL},
    {V1_PAYLOAD_NAT_D, "NAT Discovery", "RFC 3947 §3.2", NULL},
    {V1_PAYLOAD_NAT_OA, "NAT Original Address", "RFC 3947 §5.2", NULL},
    {V1_PAYLOAD_NAT_D_DRAFT, "NAT Discovery, of a draft", "RFC 3947 §3.2", NULL},
    {V1_PAYLOAD_NAT_OA_DRAFT, "NAT Original Address, of a draft", "RFC 3947 §5.2", NULL},
    {V1_PAYLOAD_FRAGMENT, "Fragment", "RFC 2408 §3.2", NULL},
};

static const struct about *about_type(uint8_t type)
{
    static const struct about unknown = {0, NULL, "RFC 2408 §3.2", "Data"};

    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (about[i].type == type)
            return &about[i];
    return &unknown;
}

static void generic_header(struct tree *t, const struct payload_view *p)
{
    struct bytes h = bytes_of(p->body.data - PAYLOAD_HEADER_LEN, PAYLOAD_HEADER_LEN);

    tree_number(t, "Next Payload", part(h, 0, 1), h.data[0], v1_payload_name(h.data[0]))->rfc =
        "RFC 2408 §3.2";
    tree_hex(t, "RESERVED", part(h, 1, 1))->rfc = "RFC 2408 §3.2";
    tree_number(t, "Payload Length", part(h, 2, 2), p->body.len + PAYLOAD_HEADER_LEN, NULL)->rfc =
        "RFC 2408 §3.2";
}

/* "10.0.0.0/255.255.255.0", "10.0.0.1-10.0.0.9"; NULL: not of these types. */
static const char *traffic_text(struct arena *arena, const struct v1_id *id)
{
    size_t half = id->data.len / 2;
    const char *first, *second;

    switch (id->type) {
    case V1_ID_IPV4_ADDR_SUBNET:
    case V1_ID_IPV6_ADDR_SUBNET:
    case V1_ID_IPV4_ADDR_RANGE:
    case V1_ID_IPV6_ADDR_RANGE:
        break;
    default:
        return NULL;
    }
    first = address_text(arena, part(id->data, 0, half));
    second = address_text(arena, part_from(id->data, half));
    if (!first || !second)
        return NULL;
    return arena_format(
        arena, "%s%c%s", first,
        id->type == V1_ID_IPV4_ADDR_SUBNET || id->type == V1_ID_IPV6_ADDR_SUBNET ? '/' : '-',
        second);
}

static void id_tree(struct tree *t, struct bytes body, bool nat_oa)
{
    struct v1_id id;
    enum err e = nat_oa ? v1_nat_oa_read(body, &id) : v1_id_read(body, &id);
    const char *text = NULL;

    if (e == OK)
        text = traffic_text(t->arena, &id);
    if (e == OK && !text)
        text = identity_text(t->arena, id.type, id.data);
    tree_number(t, "ID Type", part(body, 0, 1), id.type, registry_name(REGISTRY_V1_ID, id.type));
    tree_number(t, "Protocol ID", part(body, 1, 1), id.protocol, id.protocol ? NULL : "any");
    tree_number(t, "Port", part(body, 2, 2), id.port, id.port ? NULL : "any");
    if (text)
        t->at->value = tree_value(t, "Identification Data", part_from(body, 4), "%s", text)->value;
    else
        tree_hex(t, "Identification Data", part_from(body, 4));
    if (e != OK)
        tree_error(t, body, e);
}

static void certreq_tree(struct tree *t, struct bytes body)
{
    struct cert_payload req;
    enum err e = v1_certreq_read(body, &req);
    const char *name = e == OK ? identity_text(t->arena, V1_ID_DER_ASN1_DN, req.data) : NULL;

    tree_number(t, "Certificate Type", part(body, 0, 1), req.encoding,
                registry_name(REGISTRY_CERT, req.encoding));
    if (name)
        t->at->value =
            tree_value(t, "Certificate Authority", part_from(body, 1), "%s", name)->value;
    else if (body.len > 1)
        tree_hex(t, "Certificate Authority", part_from(body, 1));
    if (e != OK)
        tree_error(t, body, e);
}

static void spi_tree(struct tree *t, struct bytes spi)
{
    if (spi.len > 0)
        tree_hex(t, "SPI", spi);
}

static void notify_data(struct tree *t, const struct v1_notify *n)
{
    if (n->data.len == 0)
        return;
    if (n->type == V1_NOTIFY_R_U_THERE || n->type == V1_NOTIFY_R_U_THERE_ACK)
        tree_number(t, "Sequence Number", n->data, load_be32(n->data.data), NULL)->rfc =
            "RFC 3706 §5.3";
    else if (n->type == V1_NOTIFY_REPLAY_STATUS)
        tree_number(t, "Replay Status", n->data, load_be32(n->data.data), NULL)->rfc =
            "RFC 2407 §4.6.3.2";
    else if (n->type == V1_NOTIFY_RESPONDER_LIFETIME)
        v1_attributes_tree(t, n->data);
    else
        tree_hex(t, "Notification Data", n->data);
}

static void notify_tree(struct tree *t, struct bytes body)
{
    struct v1_notify n;
    enum err e = v1_notify_read(body, &n);
    const char *name = registry_name(REGISTRY_V1_NOTIFY, n.type);

    t->at->value = name ? name : arena_format(t->arena, "%u", n.type);
    tree_number(t, "Domain of Interpretation", part(body, 0, 4), n.doi, NULL);
    tree_number(t, "Protocol ID", part(body, 4, 1), n.protocol,
                registry_name(REGISTRY_V1_PROTOCOL, n.protocol));
    tree_number(t, "SPI Size", part(body, 5, 1), body.len > 5 ? body.data[5] : 0, NULL);
    tree_number(t, "Notify Message Type", part(body, 6, 2), n.type, name);
    spi_tree(t, n.spi);
    if (e == OK)
        notify_data(t, &n);
    else
        tree_error(t, body, e);
}

static void delete_tree(struct tree *t, struct bytes body)
{
    struct v1_delete d;
    enum err e = v1_delete_read(body, &d);

    t->at->value = registry_name(REGISTRY_V1_PROTOCOL, d.protocol);
    tree_number(t, "Domain of Interpretation", part(body, 0, 4), d.doi, NULL);
    tree_number(t, "Protocol ID", part(body, 4, 1), d.protocol, t->at->value);
    tree_number(t, "SPI Size", part(body, 5, 1), d.spi_size, NULL);
    tree_number(t, "Number of SPIs", part(body, 6, 2), d.count, NULL);
    for (unsigned i = 0; e == OK && i < d.count; i++)
        tree_hex(t, "SPI", v1_delete_spi(&d, i));
    if (e != OK)
        tree_error(t, body, e);
}

static void fragment_tree(struct tree *t, struct bytes body)
{
    struct v1_fragment f;
    enum err e = v1_fragment_read(body, &f);

    tree_number(t, "Fragment ID", part(body, 0, 2), f.id, NULL);
    tree_number(t, "Fragment Number", part(body, 2, 1), f.number, NULL);
    tree_number(t, "Flags", part(body, 3, 1), body.len > 3 ? body.data[3] : 0,
                f.last ? "last" : NULL);
    if (e == OK) {
        tree_hex(t, "Fragment Data", f.data);
        t->at->value = arena_format(t->arena, "%u%s", f.number, f.last ? ", the last" : "");
    } else {
        tree_error(t, body, e);
    }
}

/* RFC 3947 §3.2: HASH(CKY-I | CKY-R | IP | Port), with the hash of phase 1: its length names it. */
static bool nat_d_equal(const struct payload_context *c, const struct ip_endpoint *end,
                        struct bytes wanted)
{
    uint8_t cookies[V1_COOKIES_LEN], port[2], digest[V1_HASH_MAX];
    const struct bytes parts[] = {v1_cookies(cookies, c->header->spi_i, c->header->spi_r),
                                  bytes_of(end->addr.bytes, end->addr.family == 4 ? 4 : 16),
                                  bytes_of(port, sizeof port)};
    size_t count;
    const struct hash_suite *hash = hash_suites(&count);

    while (count > 0 && hash->len != wanted.len) {
        hash++;
        count--;
    }
    if (count == 0)
        return false;
    store_be16(port, end->port);
    return c->crypto->class->hash(c->crypto, hash, parts, 3, digest) == OK &&
           bytes_equal(wanted, bytes_of(digest, hash->len));
}

static void nat_d_tree(struct tree *t, const struct payload_context *c, struct bytes body)
{
    struct bytes hash;
    enum err e = v1_body_read(V1_PAYLOAD_NAT_D, body, &hash);
    struct node *n = tree_hex(t, "HASH of the address and port", body);

    if (e != OK)
        tree_error(t, body, e);
    else if (c->src && c->dst)
        n->meaning = nat_d_equal(c, c->dst, hash)   ? "of the destination of this frame"
                     : nat_d_equal(c, c->src, hash) ? "of the source of this frame"
                                                    : "not of the addresses in this frame";
}

static void opaque_tree(struct tree *t, const struct about *a, const struct payload_view *p)
{
    struct bytes data;
    enum err e = v1_body_read(p->type, p->body, &data);

    tree_hex(t, a->field, p->body);
    if (p->type == V1_PAYLOAD_VENDOR)
        t->at->value = v1_vendor_name(v1_vendor_of(p->body));
    if (e != OK)
        tree_error(t, p->body, e);
}

static void body_tree(struct tree *t, const struct payload_context *c, const struct payload_view *p)
{
    switch (p->type) {
    case V1_PAYLOAD_SA:
        v1_payload_sa(t, p->body);
        break;
    case V1_PAYLOAD_ID:
        id_tree(t, p->body, false);
        break;
    case V1_PAYLOAD_NAT_OA:
    case V1_PAYLOAD_NAT_OA_DRAFT:
        id_tree(t, p->body, true);
        break;
    case V1_PAYLOAD_CERT: /* RFC 2408 §3.9 has the encodings of IKEv2 */
        payload_cert(t, c, p->body);
        break;
    case V1_PAYLOAD_CERTREQ:
        certreq_tree(t, p->body);
        break;
    case V1_PAYLOAD_NOTIFY:
        notify_tree(t, p->body);
        break;
    case V1_PAYLOAD_DELETE:
        delete_tree(t, p->body);
        break;
    case V1_PAYLOAD_CONFIG:
        v1_payload_config(t, p->body);
        break;
    case V1_PAYLOAD_NAT_D:
    case V1_PAYLOAD_NAT_D_DRAFT:
        nat_d_tree(t, c, p->body);
        break;
    case V1_PAYLOAD_FRAGMENT:
        fragment_tree(t, p->body);
        break;
    default:
        opaque_tree(t, about_type(p->type), p);
    }
}

static struct node *open_payload(struct tree *t, const struct payload_view *p)
{
    const struct about *a = about_type(p->type);
    const char *name = v1_payload_name(p->type);
    struct bytes whole =
        bytes_of(p->body.data - PAYLOAD_HEADER_LEN, p->body.len + PAYLOAD_HEADER_LEN);
    struct node *n = tree_open(t, NODE_PAYLOAD, name ? name : "payload", whole, a->rfc);

    n->numeric = true;
    n->number = p->type;
    n->meaning = a->title;
    generic_header(t, p);
    return n;
}

void v1_sealed_tree(struct tree *t, const struct payload_view *p)
{
    open_payload(t, p)->rfc = "RFC 2409 §5.2";
    tree_hex(t, "Ciphertext", p->body);
    tree_close(t);
}

void v1_payload_tree(struct tree *t, const struct payload_context *c, const struct payload_view *p)
{
    struct bytes whole =
        bytes_of(p->body.data - PAYLOAD_HEADER_LEN, p->body.len + PAYLOAD_HEADER_LEN);

    open_payload(t, p);
    body_tree(t, c, p);
    if (!v1_payload_allowed(p->type))
        tree_error(t, whole, ERR_UNSUPPORTED);
    tree_close(t);
}
