/* The tree of a Notify payload (RFC 7296 §3.10), with the data of the types whose data are known.
 */
#include "dissect/payload.h"

#include "proto/core/nat.h"
#include "proto/wire/notify.h"

enum shape {
    SHAPE_HEX,
    SHAPE_TEXT,
    SHAPE_NUMBER,  /* one number as long as the data: 1, 2 or 4 bytes */
    SHAPE_GROUP,   /* a key exchange method */
    SHAPE_PAYLOAD, /* a payload type */
    SHAPE_HASHES,  /* a row of hash algorithms */
    SHAPE_ADDRESS,
    SHAPE_NAT,    /* SHA-1(SPIs | address | port) */
    SHAPE_TICKET, /* lifetime, then a ticket */
    SHAPE_IPCOMP, /* CPI (16) | transform (8) | attributes */
};

static const struct notify_about {
    uint16_t type;
    enum shape shape;
    const char *label, *rfc;
} about[] = {
    {NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD, SHAPE_PAYLOAD, "Payload Type", "RFC 7296 §2.5"},
    {NOTIFY_INVALID_MAJOR_VERSION, SHAPE_NUMBER, "Version", "RFC 7296 §2.5"},
    {NOTIFY_INVALID_MESSAGE_ID, SHAPE_NUMBER, "Message ID", "RFC 7296 §2.3"},
    {NOTIFY_INVALID_SPI, SHAPE_HEX, "SPI", "RFC 7296 §1.5"},
    {NOTIFY_INVALID_KE_PAYLOAD, SHAPE_GROUP, "Accepted Key Exchange Method", "RFC 7296 §1.3"},
    {NOTIFY_SET_WINDOW_SIZE, SHAPE_NUMBER, "Window Size", "RFC 7296 §2.3"},
    {NOTIFY_IPCOMP_SUPPORTED, SHAPE_IPCOMP, "IPComp", "RFC 7296 §2.22"},
    {NOTIFY_NAT_DETECTION_SOURCE_IP, SHAPE_NAT, "Hash", "RFC 7296 §2.23"},
    {NOTIFY_NAT_DETECTION_DESTINATION_IP, SHAPE_NAT, "Hash", "RFC 7296 §2.23"},
    {NOTIFY_COOKIE, SHAPE_HEX, "Cookie", "RFC 7296 §2.6"},
    {NOTIFY_REKEY_SA, SHAPE_HEX, "Data", "RFC 7296 §1.3.3"},
    {NOTIFY_USE_TRANSPORT_MODE, SHAPE_HEX, "Data", "RFC 7296 §1.3.1"},
    {NOTIFY_MOBIKE_SUPPORTED, SHAPE_HEX, "Data", "RFC 4555 §3.1"},
    {NOTIFY_ADDITIONAL_IP4_ADDRESS, SHAPE_ADDRESS, "Address", "RFC 4555 §4.2.1"},
    {NOTIFY_ADDITIONAL_IP6_ADDRESS, SHAPE_ADDRESS, "Address", "RFC 4555 §4.2.1"},
    {NOTIFY_UPDATE_SA_ADDRESSES, SHAPE_HEX, "Data", "RFC 4555 §3.5"},
    {NOTIFY_COOKIE2, SHAPE_HEX, "Cookie", "RFC 4555 §4.2.5"},
    {NOTIFY_NO_NATS_ALLOWED, SHAPE_HEX, "Addresses and Ports", "RFC 4555 §4.2.6"},
    {NOTIFY_AUTH_LIFETIME, SHAPE_NUMBER, "Lifetime (s)", "RFC 4478 §3"},
    {NOTIFY_TICKET_LT_OPAQUE, SHAPE_TICKET, "Ticket", "RFC 5723 §7.2"},
    {NOTIFY_TICKET_OPAQUE, SHAPE_HEX, "Ticket", "RFC 5723 §7.4"},
    {NOTIFY_CHILDLESS_IKEV2_SUPPORTED, SHAPE_HEX, "Data", "RFC 6023 §4"},
    {NOTIFY_QUICK_CRASH_DETECTION, SHAPE_HEX, "Token", "RFC 6290 §4.1"},
    {NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, SHAPE_HEX, "Data", "RFC 7383 §2.3"},
    {NOTIFY_SIGNATURE_HASH_ALGORITHMS, SHAPE_HASHES, "Hash Algorithm", "RFC 7427 §4"},
    {NOTIFY_LINK_ID, SHAPE_TEXT, "Link ID", "RFC 5739 §4.2"},
};

static const struct notify_about *find(uint16_t type)
{
    static const struct notify_about unknown = {0, SHAPE_HEX, "Notification Data",
                                                "RFC 7296 §3.10.1"};

    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (about[i].type == type)
            return &about[i];
    return &unknown;
}

/* RFC 7296 §2.23: the hash is of address and port as the sender saw them. */
static const char *nat_verdict(const struct payload_context *c, const struct ip_endpoint *end,
                               struct bytes hash)
{
    uint8_t digest[NAT_HASH_LEN];

    if (!end || nat_hash(c->crypto, c->header->spi_i, c->header->spi_r, end, digest) != OK)
        return NULL;
    return bytes_equal(hash, bytes_of(digest, sizeof digest)) ? "of the address in this frame"
                                                              : "not of the address in this frame";
}

static void number_tree(struct tree *t, const char *label, struct bytes data)
{
    if (data.len == 1)
        tree_number(t, label, data, data.data[0], NULL);
    else if (data.len == 2)
        tree_number(t, label, data, load_be16(data.data), NULL);
    else if (data.len == 4)
        tree_number(t, label, data, load_be32(data.data), NULL);
    else
        tree_hex(t, label, data);
}

static void hashes_tree(struct tree *t, const char *label, struct bytes data)
{
    for (size_t at = 0; at + 2 <= data.len; at += 2) {
        uint16_t hash = load_be16(data.data + at);

        tree_number(t, label, part(data, at, 2), hash, registry_name(REGISTRY_HASH, hash));
    }
    if (data.len % 2 != 0)
        tree_error(t, part_from(data, data.len - 1), ERR_LENGTH);
}

static void address_tree(struct tree *t, const char *label, struct bytes data)
{
    const char *text = address_text(t->arena, data);

    if (text)
        tree_value(t, label, data, "%s", text);
    else
        tree_hex(t, label, data);
}

static void data_tree(struct tree *t, const struct payload_context *c,
                      const struct notify_payload *n, const struct notify_about *a)
{
    struct bytes d = n->data;

    switch (a->shape) {
    case SHAPE_NUMBER:
        number_tree(t, a->label, d);
        return;
    case SHAPE_GROUP:
        tree_number(t, a->label, d, load_be16(d.data),
                    registry_name(REGISTRY_KE_GROUP, load_be16(d.data)));
        return;
    case SHAPE_PAYLOAD:
        tree_number(t, a->label, d, d.data[0], payload_name(d.data[0]));
        return;
    case SHAPE_HASHES:
        hashes_tree(t, a->label, d);
        return;
    case SHAPE_ADDRESS:
        address_tree(t, a->label, d);
        return;
    case SHAPE_NAT:
        tree_hex(t, a->label, d)->meaning =
            nat_verdict(c, n->type == NOTIFY_NAT_DETECTION_SOURCE_IP ? c->src : c->dst, d);
        return;
    case SHAPE_TICKET:
        if (d.len >= 4)
            tree_number(t, "Lifetime (s)", part(d, 0, 4), load_be32(d.data), NULL);
        tree_hex(t, a->label, part_from(d, d.len >= 4 ? 4 : 0));
        return;
    case SHAPE_IPCOMP:
        if (d.len >= 3) {
            tree_number(t, "CPI", part(d, 0, 2), load_be16(d.data), NULL);
            tree_number(t, "Transform ID", part(d, 2, 1), d.data[2], NULL);
            d = part_from(d, 3);
        }
        if (d.len > 0)
            tree_hex(t, "Attributes", d);
        return;
    case SHAPE_TEXT:
        tree_text(t, a->label, d);
        return;
    default:
        tree_hex(t, a->label, d);
    }
}

void payload_notify(struct tree *t, const struct payload_context *c, struct bytes body)
{
    struct notify_payload n;
    enum err e = notify_read(body, &n);
    const struct notify_about *a = find(n.type);

    t->at->rfc = a->rfc;
    t->at->value = notify_name(n.type);
    if (!t->at->value)
        t->at->value = arena_format(t->arena, "%u", n.type);
    tree_number(t, "Protocol ID", part(body, 0, 1), n.protocol,
                registry_name(REGISTRY_SA_PROTOCOL, n.protocol));
    tree_number(t, "SPI Size", part(body, 1, 1), body.len > 1 ? body.data[1] : 0, NULL);
    tree_number(t, "Notify Message Type", part(body, 2, 2), n.type, notify_name(n.type));
    if (n.spi.len > 0)
        tree_hex(t, "SPI", n.spi);
    if (e == OK && n.data.len > 0)
        data_tree(t, c, &n, a);
    if (e != OK)
        tree_error(t, body, e);
}
