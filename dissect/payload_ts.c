/* The trees of Traffic Selector (RFC 7296 §3.13) and Configuration payloads (§3.15). */
#include "dissect/payload.h"

#include "proto/wire/cp.h"
#include "proto/wire/ts.h"

static bool is_range(const struct traffic_selector *s)
{
    return s->type == TS_IPV4_ADDR_RANGE || s->type == TS_IPV6_ADDR_RANGE;
}

/* 65535 to 0 is OPAQUE; ICMP has type and code where others have ports (RFC 7296 §3.13.1). */
static const char *port_remark(const struct traffic_selector *s)
{
    if (s->port_start == 65535 && s->port_end == 0)
        return "OPAQUE";
    return s->port_start == 0 && s->port_end == 65535 ? "all ports" : NULL;
}

static void selector_tree(struct tree *t, struct bytes s, const struct traffic_selector *ts)
{
    size_t addr = ts->type == TS_IPV4_ADDR_RANGE ? 4 : 16;
    struct node *n = tree_open(t, NODE_GROUP, "Traffic Selector", s, "RFC 7296 §3.13.1");

    n->meaning = registry_name(REGISTRY_TS, ts->type);
    tree_number(t, "TS Type", part(s, 0, 1), ts->type, n->meaning);
    tree_number(t, "IP Protocol ID", part(s, 1, 1), ts->protocol, ts->protocol ? NULL : "any");
    tree_number(t, "Selector Length", part(s, 2, 2), s.len, NULL);
    if (is_range(ts)) {
        const char *first = address_text(t->arena, part(s, 8, addr));
        const char *last = address_text(t->arena, part(s, 8 + addr, addr));

        tree_number(t, "Start Port", part(s, 4, 2), ts->port_start, port_remark(ts));
        tree_number(t, "End Port", part(s, 6, 2), ts->port_end, port_remark(ts));
        tree_value(t, "Starting Address", part(s, 8, addr), "%s", first ? first : "");
        tree_value(t, "Ending Address", part(s, 8 + addr, addr), "%s", last ? last : "");
        n->value = arena_format(t->arena, "%s-%s", first ? first : "", last ? last : "");
    } else {
        tree_hex(t, "Data", ts->other);
    }
    tree_close(t);
}

static size_t selector_len(const struct traffic_selector *ts)
{
    if (!is_range(ts))
        return 4 + ts->other.len;
    return ts->type == TS_IPV4_ADDR_RANGE ? 16 : 40;
}

void payload_ts(struct tree *t, struct bytes body)
{
    struct ts_payload *ts = arena_take(t->arena, sizeof *ts);
    size_t at = 4;
    unsigned good;
    enum err e;

    if (!ts) {
        t->failed = true;
        return;
    }
    e = ts_read(body, ts);
    tree_number(t, "Number of TSs", part(body, 0, 1), body.len ? body.data[0] : 0, NULL);
    tree_hex(t, "RESERVED", part(body, 1, 3));
    /* The last one that the codec tells of is the one it refused. */
    good = ts->count - (ts->count > 0 && e != OK && e != ERR_TRAILING && e != ERR_FULL);
    for (unsigned i = 0; i < good; i++) {
        size_t len = selector_len(&ts->selectors[i]);

        selector_tree(t, part(body, at, len), &ts->selectors[i]);
        at += len;
    }
    if (e != OK)
        tree_error(t, at <= body.len ? part_from(body, at) : body, e);
}

static void attribute_value(struct tree *t, const struct cp_attribute *a)
{
    const char *address = NULL;

    switch (a->type) {
    case CONFIG_INTERNAL_IP4_ADDRESS:
    case CONFIG_INTERNAL_IP4_NETMASK:
    case CONFIG_INTERNAL_IP4_DNS:
    case CONFIG_INTERNAL_IP4_NBNS:
    case CONFIG_INTERNAL_IP4_DHCP:
    case CONFIG_INTERNAL_IP6_DNS:
    case CONFIG_INTERNAL_IP6_DHCP:
    case CONFIG_P_CSCF_IP4_ADDRESS:
    case CONFIG_P_CSCF_IP6_ADDRESS:
        address = address_text(t->arena, a->value);
        break;
    case CONFIG_INTERNAL_IP6_ADDRESS: /* address and prefix length, 17 bytes (§3.15.1) */
    case CONFIG_INTERNAL_IP6_SUBNET:
        if (a->value.len == 17)
            address =
                arena_format(t->arena, "%s/%u", address_text(t->arena, bytes_of(a->value.data, 16)),
                             a->value.data[16]);
        break;
    case CONFIG_INTERNAL_IP4_SUBNET: /* address and netmask */
        if (a->value.len == 8)
            address =
                arena_format(t->arena, "%s/%s", address_text(t->arena, bytes_of(a->value.data, 4)),
                             address_text(t->arena, bytes_of(a->value.data + 4, 4)));
        break;
    case CONFIG_APPLICATION_VERSION:
    case CONFIG_INTERNAL_DNS_DOMAIN:
        address = printable(t->arena, a->value);
        break;
    default:
        break;
    }
    if (address)
        t->at->value = tree_value(t, "Value", a->value, "%s", address)->value;
    else
        tree_hex(t, "Value", a->value);
}

void payload_cp(struct tree *t, struct bytes body)
{
    struct cp_payload cp;
    struct cp_attribute a;
    struct reader r;
    enum err e = cp_read(body, &cp);
    const uint8_t *at;

    t->at->value =
        tree_number(t, "CFG Type", part(body, 0, 1), cp.type, registry_name(REGISTRY_CFG, cp.type))
            ->meaning;
    tree_hex(t, "RESERVED", part(body, 1, 3));
    at = body.data + (body.len < 4 ? body.len : 4);
    reader_init(&r, body.len < 4 ? BYTES_NONE : part_from(body, 4));
    while (cp_next(&r, &a)) {
        struct bytes whole = bytes_of(at, 4 + a.value.len);

        tree_open(t, NODE_GROUP, "Attribute", whole, "RFC 7296 §3.15.1");
        tree_number(t, "Attribute Type", part(whole, 0, 2), a.type,
                    registry_name(REGISTRY_CONFIG, a.type));
        t->at->meaning = registry_name(REGISTRY_CONFIG, a.type);
        tree_number(t, "Length", part(whole, 2, 2), a.value.len, NULL);
        if (a.value.len > 0)
            attribute_value(t, &a);
        tree_close(t);
        at += whole.len;
    }
    if (e != OK)
        tree_error(t, bytes_of(at, (size_t)(body.data + body.len - at)), e);
}
