/*
 * One line for a message in the notation of RFC 7296 §1.2: "HDR, SAi1, KEi, Ni",
 * "HDR, SK {IDi, AUTH, SAi2, TSi, TSr}"; fragments as "HDR, SKF(1/3) {...}". The fragment that
 * completes a message shows the whole, with a header of its own in IKEv1: "HDR, FRAG(2, the last)
 * {HDR*, ID, HASH}".
 */
#include "dissect/internal.h"
#include "proto/wire/v1_fragment.h"
#include "proto/wire/v1_message.h"

#include <stdio.h>
#include <stdlib.h>

struct line {
    FILE *to;
    const struct dissection *d;
    bool first;
};

/* SA and KE carry letters of who speaks; SA a number in the first two exchanges. */
static void payload_word(struct line *l, const struct node *n)
{
    const struct ike_header *h = &l->d->header;
    char side = header_is_response(h) ? 'r' : 'i';
    bool v2 = header_major(h) == 2;

    if (v2 && n->number == PAYLOAD_SA && h->exchange == EXCHANGE_IKE_SA_INIT)
        fprintf(l->to, "SA%c1", side);
    else if (v2 && n->number == PAYLOAD_SA && h->exchange == EXCHANGE_IKE_AUTH)
        fprintf(l->to, "SA%c2", side);
    else if (v2 && n->number == PAYLOAD_KE)
        fprintf(l->to, "KE%c", side);
    else if (v2 && n->number == PAYLOAD_NOTIFY && n->value)
        fprintf(l->to, "N(%s)", n->value);
    else if (v2 && n->number == PAYLOAD_CP && n->value)
        fprintf(l->to, "CP(CFG_%s)", n->value);
    else if (v2 && n->number == PAYLOAD_SKF && n->value)
        fprintf(l->to, "SKF(%s)", n->value);
    else if (!v2 && n->number == V1_PAYLOAD_FRAGMENT && n->value)
        fprintf(l->to, "FRAG(%s)", n->value);
    else if (v2 ? payload_name((uint8_t)n->number) != NULL : n->name[0] != 'p')
        fputs(n->name, l->to);
    else
        fprintf(l->to, "(%llu)", (unsigned long long)n->number);
}

static void payloads(struct line *l, const struct node *parent);

/* The text that holds payloads: of a fragment the joined one, if it is complete. */
static void inside(struct line *l, const struct node *sk)
{
    const struct node *text = NULL;
    bool skf = sk->number == PAYLOAD_SKF;
    struct line inner = {l->to, l->d, true};

    for (const struct node *n = sk->first; n; n = n->next)
        if (n->text > 0)
            text = n;
    if (!text || (skf && text->text == 1)) {
        fputs(" {...}", l->to);
        return;
    }
    fputs(" {", l->to);
    payloads(&inner, text);
    fputc('}', l->to);
}

/* RFC 2409 §3.2 writes HDR* where the payloads are encrypted. A fragment's never are, though some
 * senders leave the flag set. */
static const char *v1_header_word(const struct ike_header *h)
{
    return v1_encrypted(h) && !v1_fragment_is(h) ? "HDR*" : "HDR";
}

/* What an IKEv1 message has in a text of its own: its payloads, or the whole that it completes. */
static void v1_text_of(struct line *l, const struct node *text)
{
    struct line inner = {l->to, l->d, false};
    struct ike_header h;

    if (text->text > 1 || !v1_fragment_is(&l->d->header) ||
        header_read(l->d->texts[0].bytes, &h) != OK) {
        payloads(l, text);
        return;
    }
    fprintf(l->to, " {%s", v1_header_word(&h));
    payloads(&inner, text);
    fputc('}', l->to);
}

static void payloads(struct line *l, const struct node *parent)
{
    for (const struct node *n = parent->first; n; n = n->next) {
        bool trouble = n->kind == NODE_ERROR;

        if (n->kind == NODE_GROUP && n->text > parent->text)
            v1_text_of(l, n);

        if (n->kind != NODE_PAYLOAD && !trouble)
            continue;
        fputs(l->first ? "" : ", ", l->to);
        l->first = false;
        if (trouble) {
            fputs("malformed", l->to);
            continue;
        }
        payload_word(l, n);
        if (header_major(&l->d->header) == 2 &&
            (n->number == PAYLOAD_SK || n->number == PAYLOAD_SKF))
            inside(l, n);
    }
}

const char *ike_summary(struct arena *arena, const struct dissection *d)
{
    char *text = NULL;
    const char *copy = NULL;
    size_t len;
    struct line l = {.d = d};

    if (!d->has_header)
        return "too short for an IKE header";
    l.to = open_memstream(&text, &len);
    if (!l.to)
        return NULL;
    fputs(header_major(&d->header) == 1 ? v1_header_word(&d->header) : "HDR", l.to);
    payloads(&l, d->root);
    if (fclose(l.to) == 0)
        copy = arena_text(arena, text, len);
    free(text);
    return copy;
}
