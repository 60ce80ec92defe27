/*
 * The inside of SK (RFC 7296 §3.14) and SKF (RFC 7383 §2.5) payloads: opened with the key at hand
 * in a copy of the message, then its payloads. Fragments wait for the others.
 */
#include "dissect/fragments.h"
#include "dissect/internal.h"

struct opened {
    struct sk_area area;
    struct skf_fragment fragment;
    uint8_t inner_type;
};

/* Both layouts; `work` is a copy of the message, for opening works in place. */
static enum err layout(struct message_view *view, const struct sk_sizes *sizes, struct opened *o)
{
    o->inner_type = view->inner_type;
    if (view->payloads[view->count - 1].type == PAYLOAD_SKF)
        return skf_read(view, sizes, &o->fragment, &o->area);
    return sk_read(view, sizes, &o->area);
}

static enum err open_with(struct making *m, const struct ike_open_key *k, struct bytes work,
                          struct message_view *view, struct opened *o)
{
    enum err e = message_read(work, view);
    unsigned side = header_from_initiator(&view->header) ? 0 : 1;
    struct seal_key key = {k->encr, k->integ, k->encr_key[side], k->integ_key[side]};
    struct sk_sizes sizes = {k->encr->iv_len, seal_icv_len(&key), k->encr->block_len};
    struct seal_op op = {.key = &key};

    if (e == OK)
        e = layout(view, &sizes, o);
    if (e != OK)
        return e;
    op.aad = o->area.aad;
    op.iv = o->area.iv;
    op.text = o->area.text;
    op.text_len = o->area.text_len;
    op.icv = o->area.icv;
    return m->d->crypto->class->open(m->d->crypto, &op);
}

/* The first key of these SPIs that fits; `inside` is the view over the copy it was opened in. */
static enum err open_message(struct making *m, const struct message_view *view,
                             struct message_view *inside, struct opened *o,
                             const struct ike_open_key **used)
{
    const struct ike_open_key *k =
        keys_find_ike(m->d->keys, view->header.spi_i, view->header.spi_r);
    uint8_t *work = arena_take(m->tree.arena, view->datagram.len);
    enum err e = ERR_NOT_FOUND;

    if (!work)
        return ERR_MEMORY;
    for (; k && e != OK; k = keys_next_ike(m->d->keys, k)) {
        memcpy(work, view->datagram.data, view->datagram.len);
        e = open_with(m, k, bytes_of(work, view->datagram.len), inside, o);
        *used = k;
    }
    return e;
}

static void skf_fields(struct tree *t, struct bytes body)
{
    struct bytes number = part(body, 0, 2), total = part(body, 2, 2);

    if (!total.data)
        return;
    tree_number(t, "Fragment Number", number, load_be16(number.data), NULL);
    tree_number(t, "Total Fragments", total, load_be16(total.data), NULL);
    t->at->value = arena_format(t->arena, "%u/%u", load_be16(number.data), load_be16(total.data));
}

/* IV, ciphertext and ICV where the key says how long they are. */
static void areas_tree(struct tree *t, struct bytes body, const struct ike_open_key *k, size_t icv)
{
    size_t iv = k->encr->iv_len;

    if (body.len < iv + icv)
        return;
    if (iv > 0)
        tree_hex(t, "Initialization Vector", part(body, 0, iv));
    tree_add(t, NODE_FIELD, "Encrypted IKE Payloads", part(body, iv, body.len - iv - icv), NULL);
    tree_hex(t, "Integrity Checksum Data", part_from(body, body.len - icv));
}

static void padding_tree(struct tree *t, struct bytes text, size_t chain_len)
{
    if (chain_len + 1 < text.len)
        tree_hex(t, "Padding", part(text, chain_len, text.len - chain_len - 1));
    tree_number(t, "Pad Length", part(text, text.len - 1, 1), text.data[text.len - 1], NULL);
}

static void chain_of(struct making *m, struct bytes chain, uint8_t first_type,
                     const struct payload_context *context)
{
    struct message_view *inner = arena_take(m->tree.arena, sizeof *inner);
    enum err e;

    if (!inner) {
        m->tree.failed = true;
        return;
    }
    e = payload_chain_read(chain, first_type, inner);
    chain_tree(m, inner, context, e, chain);
}

static void joined_tree(struct making *m, const struct opened *o, struct bytes piece,
                        struct text_source source, const struct payload_context *context)
{
    struct skf_piece p = {context->header, m->out->input.interface, o->fragment, piece, source};
    struct whole_message whole;

    if (!fragments_join_skf(m->d->fragments, m->tree.arena, &p, &whole))
        return;
    text_enter(m, "Joined message", (struct decrypted){whole.bytes, whole.sources, whole.count});
    chain_of(m, whole.bytes, whole.first_type, context);
    text_leave(m);
}

static void inside_tree(struct making *m, const struct message_view *view, const struct opened *o,
                        const struct payload_context *context)
{
    struct bytes text = bytes_of(o->area.text, o->area.text_len), chain;
    const struct payload_view *sk = &view->payloads[view->count - 1];
    /* The copy is laid out as the message is. */
    size_t at = (size_t)(o->area.text - (o->area.aad.data + o->area.aad.len));
    size_t front = sk->type == PAYLOAD_SKF ? 4 : 0;
    struct text_source *source = arena_take(m->tree.arena, sizeof *source);
    enum err e = sk_strip(&o->area, &chain);

    if (!source) {
        m->tree.failed = true;
        return;
    }
    *source = source_of(m, sk->body.data + front + at, text.len);
    text_enter(m, "Decrypted", (struct decrypted){text, source, 1});
    if (e != OK)
        tree_error(&m->tree, part(text, text.len - 1, 1), e);
    else if (sk->type == PAYLOAD_SK)
        chain_of(m, chain, o->inner_type, context);
    else if (chain.len > 0)
        tree_hex(&m->tree, "Piece of the chain", chain);
    if (e == OK)
        padding_tree(&m->tree, text, chain.len);
    text_leave(m);
    if (e == OK && sk->type == PAYLOAD_SKF)
        joined_tree(m, o, chain, *source, context);
}

void encrypted_tree(struct making *m, const struct message_view *view,
                    const struct payload_context *context)
{
    struct message_view *inside = arena_take(m->tree.arena, sizeof *inside);
    struct bytes body = view->payloads[view->count - 1].body, icv;
    bool skf = view->payloads[view->count - 1].type == PAYLOAD_SKF;
    const struct ike_open_key *key = NULL;
    struct opened o = {0};
    size_t icv_len;
    enum err e = inside ? open_message(m, view, inside, &o, &key) : ERR_MEMORY;

    m->tree.failed |= e == ERR_MEMORY;
    if (skf)
        skf_fields(&m->tree, body);
    body = part_from(body, skf ? 4 : 0);
    if (!key) {
        tree_add(&m->tree, NODE_FIELD, "Encrypted", body, NULL);
        tree_note(&m->tree, body, "encrypted; no key of this IKE SA is at hand");
        m->out->locked = true;
        return;
    }
    icv_len = key->integ ? key->integ->icv_len : key->encr->icv_len;
    areas_tree(&m->tree, body, key, icv_len);
    icv = body.len >= icv_len ? part_from(body, body.len - icv_len) : body;
    if (e == OK)
        tree_note(&m->tree, icv, "ICV is right");
    else
        tree_error(&m->tree, e == ERR_ICV ? icv : body, e);
    m->out->bad_icv |= e == ERR_ICV;
    m->out->locked |= e != OK;
    if (e == OK)
        inside_tree(m, view, &o, context);
}
