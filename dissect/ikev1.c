/*
 * The tree of an IKEv1 message behind its header (RFC 2408, RFC 2409): its chain, or what is in its
 * ciphertext where there is a key. The fragment that completes a message has the tree of the whole.
 */
#include "dissect/fragments.h"
#include "dissect/internal.h"
#include "dissect/v1_session.h"

static void v1_chain_tree(struct making *m, const struct message_view *view,
                          const struct payload_context *context, enum err e, struct bytes all)
{
    const struct payload_view *last = view->count ? &view->payloads[view->count - 1] : NULL;
    size_t end = last ? (size_t)(last->body.data + last->body.len - all.data) : 0;

    for (unsigned i = 0; i < view->count; i++)
        if (v1_payload_sealed(context->header, view, &view->payloads[i]))
            v1_sealed_tree(&m->tree, &view->payloads[i]);
        else
            v1_payload_tree(&m->tree, context, &view->payloads[i]);
    if (e != OK && e != ERR_UNSUPPORTED) /* that one stands at its payload */
        tree_error(&m->tree, part_from(all, end), e);
}

static const char *why_locked(enum err e)
{
    switch (e) {
    case ERR_NOT_FOUND:
        return "encrypted; the capture lacks the messages that name the cipher and make the IV";
    case ERR_UNSUPPORTED:
        return "encrypted; this program does not have the cipher or the hash";
    default:
        return "encrypted; the key at hand has not the length of the cipher's";
    }
}

static void padding_tree(struct tree *t, struct bytes text, size_t chain_len)
{
    if (chain_len < text.len)
        tree_hex(t, "Padding", part_from(text, chain_len))->rfc = "RFC 2409 §B";
}

/* A text of nonsense is one that key or IV do not fit: nothing else could tell. */
static void opened_tree(struct making *m, struct bytes text, struct bytes cipher,
                        const struct message_view *outer, const struct payload_context *context)
{
    struct message_view *inner = arena_take(m->tree.arena, sizeof *inner);
    struct decrypted opened = decrypted_from(m, text, cipher);
    struct bytes chain;
    enum err e;

    if (!inner || !opened.sources) {
        m->tree.failed = true;
        return;
    }
    e = v1_inner_read(text, outer->inner_type, inner, &chain);
    if (inner->count == 0) {
        tree_error(&m->tree, cipher, e);
        tree_note(&m->tree, cipher,
                  "the key at hand is another SA's, or a message before this one is missing");
        m->out->locked = true;
        return;
    }
    text_enter(m, "Decrypted", opened);
    v1_chain_tree(m, inner, context, e, text);
    if (e == OK || e == ERR_UNSUPPORTED)
        padding_tree(&m->tree, text, chain.len);
    text_leave(m);
}

static void v1_encrypted_tree(struct making *m, const struct message_view *view,
                              struct bytes cipher, const struct payload_context *context)
{
    const struct ikev1_open_key *key = keys_find_ikev1(m->d->keys, view->header.spi_i);
    uint8_t *text = arena_take(m->tree.arena, cipher.len ? cipher.len : 1);
    enum err e;

    if (!text) {
        m->tree.failed = true;
        return;
    }
    tree_add(&m->tree, NODE_FIELD, "Encrypted", cipher, "RFC 2409 §B");
    if (!key) {
        tree_note(&m->tree, cipher, "encrypted; no key of this IKE SA is at hand");
        m->out->locked = true;
        return;
    }
    e = v1_session_open(m->d->sessions, m->d->crypto, key, view, text);
    if (e == OK) {
        opened_tree(m, bytes_of(text, cipher.len), cipher, view, context);
        return;
    }
    tree_note(&m->tree, cipher, why_locked(e));
    m->out->locked = true;
}

/* The outer header has been shown; the one inside is of the whole message. */
static void joined_tree(struct making *m, const struct whole_message *whole,
                        const struct payload_context *outer)
{
    struct ike_header *h = arena_take(m->tree.arena, sizeof *h);
    struct payload_context context = *outer;

    if (!h || header_read(whole->bytes, h) != OK) { /* it was read before it was joined */
        m->tree.failed = true;
        return;
    }
    context.header = h;
    text_enter(m, "Joined message", (struct decrypted){whole->bytes, whole->sources, whole->count});
    header_tree(&m->tree, whole->bytes, h);
    ikev1_tree(m, whole->bytes, &context);
    text_leave(m);
}

/* A fragment is the only payload of its message. */
static void fragment_tree(struct making *m, const struct message_view *view,
                          const struct payload_context *context)
{
    struct v1_piece p = {.header = context->header, .input = &m->out->input};
    struct bytes body = view->payloads[0].body;
    struct whole_message whole;
    enum err e;

    if (view->count != 1) {
        tree_error(&m->tree, part_from(view->datagram, HEADER_LEN), ERR_SYNTAX);
        return;
    }
    if (v1_fragment_read(body, &p.fragment) != OK)
        return; /* its own tree says so */
    p.source = source_of(m, p.fragment.data.data, p.fragment.data.len);
    e = fragments_join_v1(m->d->fragments, m->tree.arena, &p, &whole);
    m->tree.failed |= e == ERR_MEMORY;
    if (e != OK)
        tree_error(&m->tree, body, e);
    if (e == ERR_SYNTAX)
        tree_note(&m->tree, body, "joined with those before, it is no message of this IKE SA");
    else if (whole.count > 0)
        joined_tree(m, &whole, context);
}

/* What is there of a message whose header says another length, as in ike.c: the payloads up to the
 * end of whichever is shorter; and of a fragment with the encryption flag, which some senders leave
 * set. Both fields of the copy are mended for the codec and put back. */
static enum err read_there(struct bytes message, bool fragment, struct message_view *view)
{
    uint32_t said = load_be32(message.data + HEADER_LENGTH_AT);
    size_t there = said < message.len ? said : message.len;
    uint8_t *copy = (uint8_t *)(uintptr_t)message.data, flags = copy[HEADER_FLAGS_AT]; /* our own */
    enum err e;

    store_be32(copy + HEADER_LENGTH_AT, (uint32_t)there);
    if (fragment)
        copy[HEADER_FLAGS_AT] &= (uint8_t)~V1_FLAG_ENCRYPTION;
    e = v1_message_read(bytes_of(message.data, there), view);
    store_be32(copy + HEADER_LENGTH_AT, said);
    copy[HEADER_FLAGS_AT] = flags;
    view->header.length = said;
    view->header.flags = flags;
    return e;
}

void ikev1_tree(struct making *m, struct bytes message, const struct payload_context *context)
{
    const struct ike_header *h = context->header;
    struct message_view *view = arena_take(m->tree.arena, sizeof *view);
    bool whole = h->length == message.len, fragment = v1_fragment_is(h);
    enum err e;

    if (!view) {
        m->tree.failed = true;
        return;
    }
    if (h->length < HEADER_LEN) {
        tree_error(&m->tree, part(message, HEADER_LENGTH_AT, 4), ERR_LENGTH);
        return;
    }
    e = read_there(message, fragment, view);
    if (fragment || !v1_encrypted(h)) {
        v1_chain_tree(m, view, context, e, part_from(message, HEADER_LEN));
        if (whole && (e == OK || e == ERR_UNSUPPORTED) &&
            keys_find_ikev1(m->d->keys, h->spi_i) != NULL)
            v1_session_learn(m->d->sessions, view);
        if (fragment && whole && e == OK && m->tree.text == 0)
            fragment_tree(m, view, context);
    } else if (whole) {
        v1_encrypted_tree(m, view, part_from(message, HEADER_LEN), context);
    } else {
        m->out->locked = true;
    }
    if (!whole)
        tree_error(&m->tree, part(message, HEADER_LENGTH_AT, 4), ERR_LENGTH);
}
