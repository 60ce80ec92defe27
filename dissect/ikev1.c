/* IKEv1 (RFC 2408, RFC 2409): the header, and the names of the payloads in the chain. */
#include "dissect/internal.h"

enum { FLAG_ENCRYPTED = 1 /* RFC 2408 §3.1 */ };

static const char *name_of(uint8_t type)
{
    static const char *const names[] = {
        [1] = "SA",   [2] = "P",  [3] = "T",    [4] = "KE",     [5] = "ID",
        [6] = "CERT", [7] = "CR", [8] = "HASH", [9] = "SIG",    [10] = "NONCE",
        [11] = "N",   [12] = "D", [13] = "VID", [20] = "NAT-D", [21] = "NAT-OA",
    };

    if (type < sizeof names / sizeof *names && names[type])
        return names[type];
    return "payload";
}

/* RFC 2408 §3.2: the generic header is the one of IKEv2, so the walk is too. */
void ikev1_tree(struct making *m, struct bytes message, const struct ike_header *h)
{
    size_t there = h->length < message.len ? h->length : message.len;
    struct bytes chain = part(message, HEADER_LEN, there < HEADER_LEN ? 0 : there - HEADER_LEN);
    struct message_view *view = arena_take(m->tree.arena, sizeof *view);
    enum err e;

    tree_note(&m->tree, chain, "IKEv1: not decoded further yet");
    if (!view) {
        m->tree.failed = true;
        return;
    }
    if (h->length != message.len)
        tree_error(&m->tree, part(message, HEADER_LENGTH_AT, 4), ERR_LENGTH);
    if (h->flags & FLAG_ENCRYPTED) {
        m->out->locked = true;
        return;
    }
    e = payload_chain_read(chain, h->next_payload, view);
    for (unsigned i = 0; i < view->count; i++) {
        struct bytes body = view->payloads[i].body;
        struct node *n =
            tree_add(&m->tree, NODE_PAYLOAD, name_of(view->payloads[i].type),
                     bytes_of(body.data - PAYLOAD_HEADER_LEN, body.len + PAYLOAD_HEADER_LEN),
                     "RFC 2408 §3.2");

        n->numeric = true;
        n->number = view->payloads[i].type;
    }
    /* The bit that IKEv2 reads as "critical" is reserved here. */
    if (e != OK && e != ERR_CRITICAL)
        tree_error(&m->tree, chain, e);
}
