/* The tree of a Security Association payload (RFC 7296 §3.3). */
#include "dissect/payload.h"

#include "proto/wire/sa.h"

enum { SUBSTRUCTURE_LEN = 8 /* of a proposal before its SPI, of a transform before attributes */ };

static const char *transform_name(uint8_t type, uint16_t id)
{
    static const enum registry registries[] = {
        [TRANSFORM_ENCR] = REGISTRY_ENCR,   [TRANSFORM_PRF] = REGISTRY_PRF,
        [TRANSFORM_INTEG] = REGISTRY_INTEG, [TRANSFORM_KE] = REGISTRY_KE_GROUP,
        [TRANSFORM_ESN] = REGISTRY_ESN,
    };

    /* RFC 9370 §2.2.1: additional key exchanges have the numbers of the first. */
    if (type >= TRANSFORM_ADDKE1 && type <= TRANSFORM_ADDKE7)
        return registry_name(REGISTRY_KE_GROUP, id);
    if (type < TRANSFORM_ENCR || type > TRANSFORM_ESN)
        return NULL;
    return registry_name(registries[type], id);
}

static void substructure(struct tree *t, struct bytes s)
{
    tree_number(t, "Last Substruc", part(s, 0, 1), s.data[0], s.data[0] ? "more" : "last");
    tree_hex(t, "RESERVED", part(s, 1, 1));
    tree_number(t, "Length", part(s, 2, 2), load_be16(s.data + 2), NULL);
}

static void transform_tree(struct tree *t, struct bytes s, const struct sa_transform *f)
{
    const char *name = transform_name(f->type, f->id);
    struct node *n = tree_open(t, NODE_GROUP, "Transform", s, "RFC 7296 §3.3.2");

    n->value = registry_name(REGISTRY_TRANSFORM_TYPE, f->type);
    n->meaning = name;
    substructure(t, s);
    tree_number(t, "Transform Type", part(s, 4, 1), f->type,
                registry_name(REGISTRY_TRANSFORM_TYPE, f->type));
    tree_hex(t, "RESERVED", part(s, 5, 1));
    tree_number(t, "Transform ID", part(s, 6, 2), f->id, name);
    if (f->attributes.len > 0)
        tree_hex(t, "Attributes", f->attributes)->rfc = "RFC 7296 §3.3.5";
    else if (f->key_bits > 0)
        tree_number(t, "Key Length", part(s, SUBSTRUCTURE_LEN, 4), f->key_bits, "bits")->rfc =
            "RFC 7296 §3.3.5";
    tree_close(t);
}

/* What a walk refused begins where the last good substructure ended. */
static void refuse(struct tree *t, const uint8_t *at, const uint8_t *end, enum err e)
{
    if (e != OK)
        tree_error(t, bytes_of(at, (size_t)(end - at)), e);
}

static void transforms_tree(struct tree *t, const struct sa_proposal *p)
{
    const uint8_t *at = p->transforms.data, *end = at + p->transforms.len;
    struct sa_transform_walk walk;
    struct sa_transform f;

    sa_transform_open(&walk, p);
    while (sa_transform_next(&walk, &f)) {
        transform_tree(t, bytes_of(at, (size_t)(walk.r.at - at)), &f);
        at = walk.r.at;
    }
    refuse(t, at, end, sa_transform_close(&walk));
}

static void proposal_tree(struct tree *t, struct bytes s, const struct sa_proposal *p)
{
    const char *protocol = registry_name(REGISTRY_SA_PROTOCOL, p->protocol);
    struct node *n = tree_open(t, NODE_GROUP, "Proposal", s, "RFC 7296 §3.3.1");

    n->value = arena_format(t->arena, "%u", p->number);
    n->meaning = protocol;
    substructure(t, s);
    tree_number(t, "Proposal Num", part(s, 4, 1), p->number, NULL);
    tree_number(t, "Protocol ID", part(s, 5, 1), p->protocol, protocol);
    tree_number(t, "SPI Size", part(s, 6, 1), p->spi.len, NULL);
    tree_number(t, "Num Transforms", part(s, 7, 1), p->transform_count, NULL);
    if (p->spi.len > 0)
        tree_hex(t, "SPI", p->spi);
    transforms_tree(t, p);
    tree_close(t);
}

void payload_sa(struct tree *t, struct bytes body)
{
    const uint8_t *at = body.data, *end = at + body.len;
    struct sa_walk walk;
    struct sa_proposal p;

    sa_open(&walk, body);
    while (sa_next(&walk, &p)) {
        proposal_tree(t, bytes_of(at, (size_t)(walk.r.at - at)), &p);
        at = walk.r.at;
    }
    refuse(t, at, end, sa_close(&walk));
}
