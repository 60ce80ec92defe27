/* The trees of IKEv1 SA payloads (RFC 2408 §3.4-§3.6), of their attributes, and of Mode-Config. */
#include "dissect/payload.h"

#include "proto/wire/v1_config.h"
#include "proto/wire/v1_registry.h"
#include "proto/wire/v1_sa.h"

enum { SUBSTRUCTURE_LEN = 8, FIXED_LEN = 8 /* DOI and situation */ };

/* Whose numbers a row of attributes has. */
enum phase { PHASE_1, PHASE_2, PHASE_CONFIG };

static enum registry types_of(enum phase phase)
{
    return phase == PHASE_1   ? REGISTRY_V1_OAKLEY
           : phase == PHASE_2 ? REGISTRY_V1_IPSEC
                              : REGISTRY_V1_CONFIG_ATTRIBUTE;
}

/* What the values of an attribute are numbers of; REGISTRY_COUNT: of nothing. */
static enum registry values_of(enum phase phase, uint16_t type)
{
    static const enum registry oakley[] = {
        [V1_OAKLEY_ENCRYPTION_ALGORITHM] = REGISTRY_V1_ENCR,
        [V1_OAKLEY_HASH_ALGORITHM] = REGISTRY_V1_HASH,
        [V1_OAKLEY_AUTHENTICATION_METHOD] = REGISTRY_V1_AUTH,
        [V1_OAKLEY_GROUP_DESCRIPTION] = REGISTRY_KE_GROUP,
        [V1_OAKLEY_LIFE_TYPE] = REGISTRY_V1_LIFE,
    };
    static const enum registry ipsec[] = {
        [V1_IPSEC_LIFE_TYPE] = REGISTRY_V1_LIFE,
        [V1_IPSEC_GROUP_DESCRIPTION] = REGISTRY_KE_GROUP,
        [V1_IPSEC_ENCAPSULATION_MODE] = REGISTRY_V1_MODE,
        [V1_IPSEC_AUTHENTICATION_ALGORITHM] = REGISTRY_V1_INTEG,
    };
    enum registry found = 0; /* of no attribute: exchange types */

    if (phase == PHASE_1 && type < sizeof oakley / sizeof *oakley)
        found = oakley[type];
    if (phase == PHASE_2 && type < sizeof ipsec / sizeof *ipsec)
        found = ipsec[type];
    return found ? found : REGISTRY_COUNT;
}

static bool is_address(uint16_t type)
{
    return type >= V1_CONFIG_ATTRIBUTE_INTERNAL_IP4_ADDRESS &&
           type <= V1_CONFIG_ATTRIBUTE_INTERNAL_IP6_DHCP;
}

static bool is_text(uint16_t type)
{
    switch (type) {
    case V1_CONFIG_ATTRIBUTE_APPLICATION_VERSION:
    case V1_CONFIG_ATTRIBUTE_XAUTH_USER_NAME:
    case V1_CONFIG_ATTRIBUTE_XAUTH_USER_PASSWORD:
    case V1_CONFIG_ATTRIBUTE_XAUTH_PASSCODE:
    case V1_CONFIG_ATTRIBUTE_XAUTH_MESSAGE:
    case V1_CONFIG_ATTRIBUTE_XAUTH_DOMAIN:
    case V1_CONFIG_ATTRIBUTE_XAUTH_ANSWER:
    case V1_CONFIG_ATTRIBUTE_UNITY_BANNER:
    case V1_CONFIG_ATTRIBUTE_UNITY_DEF_DOMAIN:
    case V1_CONFIG_ATTRIBUTE_UNITY_SPLITDNS_NAME:
        return true;
    default:
        return false;
    }
}

static void value_tree(struct tree *t, enum phase phase, const struct v1_attribute *a,
                       struct bytes span)
{
    enum registry values = values_of(phase, a->type);
    const char *address =
        phase == PHASE_CONFIG && is_address(a->type) ? address_text(t->arena, a->data) : NULL;
    uint32_t number;

    if (address) {
        t->at->value = tree_value(t, "Attribute Value", span, "%s", address)->value;
    } else if (a->basic || (phase != PHASE_CONFIG && v1_attribute_number(a, &number))) {
        const char *name = NULL;

        (void)v1_attribute_number(a, &number);
        if (values != REGISTRY_COUNT)
            name = registry_name(values, number);
        tree_number(t, "Attribute Value", span, number, name);
        t->at->value = name ? name : arena_format(t->arena, "%u", number);
    } else if (phase == PHASE_CONFIG && a->data.len > 0 && is_text(a->type)) {
        t->at->value = tree_text(t, "Attribute Value", span)->value;
    } else if (a->data.len > 0) {
        tree_hex(t, "Attribute Value", span);
    }
}

static void attribute_tree(struct tree *t, enum phase phase, struct bytes s,
                           const struct v1_attribute *a)
{
    const char *name = registry_name(types_of(phase), a->type);
    struct node *n = tree_open(t, NODE_GROUP, "Attribute", s, "RFC 2408 §3.3");

    n->meaning = name;
    tree_number(t, "Attribute Type", part(s, 0, 2), a->type, name);
    if (!a->basic)
        tree_number(t, "Length", part(s, 2, 2), a->data.len, NULL);
    value_tree(t, phase, a, a->basic ? part(s, 2, 2) : part_from(s, 4));
    tree_close(t);
}

/* What was refused begins where the last good one ended. */
static void refuse(struct tree *t, const uint8_t *at, const uint8_t *end, enum err e)
{
    if (e != OK)
        tree_error(t, bytes_of(at, (size_t)(end - at)), e);
}

static void row_tree(struct tree *t, enum phase phase, struct bytes row)
{
    const uint8_t *at = row.data, *end = at + row.len;
    struct v1_attribute a;
    struct reader r;

    if (row.len == 0)
        return;
    reader_init(&r, row);
    while (v1_attribute_next(&r, &a)) {
        attribute_tree(t, phase, bytes_of(at, (size_t)(r.at - at)), &a);
        at = r.at;
    }
    refuse(t, at, end, reader_end(&r));
}

void v1_attributes_tree(struct tree *t, struct bytes row)
{
    row_tree(t, PHASE_2, row);
}

static const char *transform_name(uint8_t protocol, uint8_t id)
{
    switch (protocol) {
    case V1_PROTOCOL_ISAKMP:
        return id == 1 ? "KEY_IKE" : NULL; /* RFC 2407 §4.4.2 */
    case V1_PROTOCOL_ESP:
        return registry_name(REGISTRY_V1_ESP, id);
    case V1_PROTOCOL_AH:
        return registry_name(REGISTRY_V1_AH, id);
    default:
        return NULL;
    }
}

static void substructure(struct tree *t, struct bytes s)
{
    tree_number(t, "Next Payload", part(s, 0, 1), s.data[0], v1_payload_name(s.data[0]));
    tree_hex(t, "RESERVED", part(s, 1, 1));
    tree_number(t, "Payload Length", part(s, 2, 2), load_be16(s.data + 2), NULL);
}

static void transform_tree(struct tree *t, struct bytes s, const struct sa_proposal *p,
                           const struct v1_transform *f)
{
    const char *name = transform_name(p->protocol, f->id);
    struct node *n = tree_open(t, NODE_GROUP, "Transform", s, "RFC 2408 §3.6");

    n->value = arena_format(t->arena, "%u", f->number);
    n->meaning = name;
    substructure(t, s);
    tree_number(t, "Transform #", part(s, 4, 1), f->number, NULL);
    tree_number(t, "Transform-Id", part(s, 5, 1), f->id, name);
    tree_hex(t, "RESERVED2", part(s, 6, 2));
    row_tree(t, p->protocol == V1_PROTOCOL_ISAKMP ? PHASE_1 : PHASE_2,
             part_from(s, SUBSTRUCTURE_LEN));
    tree_close(t);
}

static void proposal_tree(struct tree *t, struct bytes s, const struct sa_proposal *p)
{
    const char *protocol = registry_name(REGISTRY_V1_PROTOCOL, p->protocol);
    struct node *n = tree_open(t, NODE_GROUP, "Proposal", s, "RFC 2408 §3.5");
    const uint8_t *at = p->transforms.data, *end = at + p->transforms.len;
    struct sa_transform_walk walk;
    struct v1_transform f;

    n->value = arena_format(t->arena, "%u", p->number);
    n->meaning = protocol;
    substructure(t, s);
    tree_number(t, "Proposal #", part(s, 4, 1), p->number, NULL);
    tree_number(t, "Protocol-Id", part(s, 5, 1), p->protocol, protocol);
    tree_number(t, "SPI Size", part(s, 6, 1), p->spi.len, NULL);
    tree_number(t, "# of Transforms", part(s, 7, 1), p->transform_count, NULL);
    if (p->spi.len > 0)
        tree_hex(t, "SPI", p->spi);
    sa_transform_open(&walk, p);
    while (v1_transform_next(&walk, &f)) {
        transform_tree(t, bytes_of(at, (size_t)(walk.r.at - at)), p, &f);
        at = walk.r.at;
    }
    refuse(t, at, end, sa_transform_close(&walk));
    tree_close(t);
}

void v1_payload_sa(struct tree *t, struct bytes body)
{
    const uint8_t *at = body.data + (body.len < FIXED_LEN ? body.len : FIXED_LEN);
    const uint8_t *end = body.data + body.len;
    struct v1_sa_walk walk;
    struct sa_proposal p;

    v1_sa_open(&walk, body);
    tree_number(t, "Domain of Interpretation", part(body, 0, 4), walk.doi,
                walk.doi == V1_DOI_IPSEC ? "IPSEC" : NULL);
    tree_number(t, "Situation", part(body, 4, 4), walk.situation,
                walk.situation == V1_SITUATION_IDENTITY_ONLY ? "identity only" : NULL);
    while (v1_sa_next(&walk, &p)) {
        proposal_tree(t, bytes_of(at, (size_t)(walk.proposals.r.at - at)), &p);
        at = walk.proposals.r.at;
    }
    refuse(t, at, end, v1_sa_close(&walk));
}

void v1_payload_config(struct tree *t, struct bytes body)
{
    struct v1_config config;
    enum err e = v1_config_read(body, &config);
    const char *name = registry_name(REGISTRY_V1_CONFIG, config.type);

    t->at->value = name;
    tree_number(t, "Type", part(body, 0, 1), config.type, name);
    tree_hex(t, "RESERVED", part(body, 1, 1));
    tree_number(t, "Identifier", part(body, 2, 2), config.identifier, NULL);
    if (body.len >= 4)
        row_tree(t, PHASE_CONFIG, part_from(body, 4));
    if (e != OK && e != ERR_TRUNCATED) /* that one stands at its attribute */
        tree_error(t, body, e);
    else if (body.len < 4)
        tree_error(t, body, ERR_TRUNCATED);
}
