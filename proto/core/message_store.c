#include "proto/core/message_store.h"

#include "base/assert.h"

/* Slot sizes, marker included. Empty INFORMATIONAL messages have 61 octets with AES-GCM and up to
 * 96 with CBC; deletes; AUTH with PSK and IKE_SA_INIT with X25519 a little more than 200; what more
 * notifies and selectors come to; MODP; certificates; many. */
static const uint16_t slot_sizes[MESSAGE_CLASSES] = {
    64, 96, 128, 192, 208, 224, 256, 320, 640, 1408, 4096, MESSAGE_MARKER + MESSAGE_MAX};

enum {
    SMALL = 320,
    MEDIUM = 640,
    SPARE = 1024,      /* slots of a class that are left to messages of its size */
    PIECES = 9,        /* the class that a fragment of somebody's mostly fits into */
    LENGTH_AT = 24,    /* in the IKE header (RFC 7296 §3.1) */
    CERTIFICATES = 10, /* that of an IKE_AUTH message with a chain */
};

/*
 * Two small messages per SA always fit. Large ones belong to handshakes and rekeys, of which not
 * all SAs have one at once; a message takes the next larger class when its own is used up. A slot
 * that was never taken costs no memory, so each of the small classes may have room for all.
 */
static uint32_t slots_of(unsigned class, const struct message_needs *n)
{
    if (slot_sizes[class] <= SMALL)
        return 2 * n->sas;
    if (slot_sizes[class] <= MEDIUM)
        return n->sas + 2 * n->handshakes;
    if (class == PIECES)
        return n->sas / 8 + 2 * n->handshakes;
    return n->sas / 64 + n->handshakes / 16 + 2;
}

/* The IKE_AUTH message stays the last response of an SA until the next exchange. */
static bool holds_auth(unsigned class, size_t auth_len)
{
    return auth_len && MESSAGE_MARKER + auth_len <= slot_sizes[class] &&
           (class == 0 || MESSAGE_MARKER + auth_len > slot_sizes[class - 1]);
}

enum err message_store_init(struct message_store *s, const struct message_needs *n)
{
    memset(s, 0, sizeof *s);
    s->count = n->auth_len || n->holds_auth ? MESSAGE_CLASSES : MESSAGE_CLASSES - 1;
    for (unsigned i = 0; i < s->count; i++) {
        uint32_t slots = slots_of(i, n);
        enum err e;

        if (holds_auth(i, n->auth_len))
            slots += n->sas + 2 * n->handshakes;
        if (n->holds_auth && i == CERTIFICATES)
            slots += n->handshakes;
        e = pool_init(&s->classes[i], slot_sizes[i], slots);
        if (e) {
            message_store_reset(s);
            return e;
        }
    }
    return OK;
}

enum err message_store_init_pieces(struct message_store *s, uint32_t pieces)
{
    memset(s, 0, sizeof *s);
    s->first = PIECES;
    s->count = MESSAGE_CLASSES;
    for (unsigned i = PIECES; i < MESSAGE_CLASSES; i++, pieces = pieces / 4 + 1)
        if (pool_init(&s->classes[i], slot_sizes[i], pieces)) {
            message_store_reset(s);
            return ERR_MEMORY;
        }
    return OK;
}

void message_store_reset(struct message_store *s)
{
    for (unsigned i = s->first; i < s->count; i++)
        pool_reset(&s->classes[i]);
}

/*
 * The class that takes a message: its own, unless that would grow while many larger small slots lie
 * free. All peers answer IKE_AUTH first and liveness checks for ever after, so the slots of the
 * former come to serve the latter. Some stay free for the handshakes to come.
 */
static unsigned class_for(const struct message_store *s, unsigned smallest)
{
    if (smallest == s->count || pool_free(&s->classes[smallest]))
        return smallest;
    for (unsigned i = smallest + 1; i < s->count && slot_sizes[i] <= SMALL; i++)
        if (pool_free(&s->classes[i]) > SPARE)
            return i;
    return smallest;
}

enum err message_keep(struct message_store *s, struct bytes message, struct message_ref *out)
{
    unsigned smallest = s->first;

    *out = (struct message_ref){0};
    if (!message.len || message.len > MESSAGE_MAX)
        return ERR_LENGTH;
    while (smallest < s->count && message.len + MESSAGE_MARKER > slot_sizes[smallest])
        smallest++;
    for (unsigned i = class_for(s, smallest); i < s->count; i++) {
        struct handle h;
        uint8_t *slot = pool_take(&s->classes[i], &h);

        if (!slot)
            continue;
        memcpy(slot + MESSAGE_MARKER, message.data, message.len);
        *out = (struct message_ref){h.index, (uint16_t)message.len, (uint8_t)i, false};
        return OK;
    }
    return ERR_FULL;
}

static uint8_t *slot_of(const struct message_store *s, struct message_ref r)
{
    uint8_t *slot = pool_slot(&s->classes[r.class], r.slot);

    ASSERT(slot);
    return slot;
}

void message_drop(struct message_store *s, struct message_ref *r)
{
    struct pool *p = &s->classes[r->class];

    if (!message_none(*r) && r->class == s->halfway.class && r->slot == s->halfway.slot)
        s->halfway = (struct message_ref){0};
    if (!message_none(*r))
        pool_give(p, pool_handle(p, r->slot));
    *r = (struct message_ref){0};
}

struct bytes message_at(const struct message_store *s, struct message_ref r)
{
    return message_none(r) ? BYTES_NONE : bytes_of(slot_of(s, r) + MESSAGE_MARKER, r.len);
}

static bool same(struct message_ref a, struct message_ref b)
{
    return a.slot == b.slot && a.class == b.class && a.len == b.len;
}

bool message_datagram(struct message_store *s, struct message_ref r, bool marker, struct buf *out)
{
    size_t skip = marker ? 0 : MESSAGE_MARKER;
    size_t at = same(s->halfway, r) ? s->halfway_at : 0;
    uint8_t *next = slot_of(s, r) + at;
    size_t len = r.split ? load_be32(next + MESSAGE_MARKER + LENGTH_AT) : r.len;
    bool last;

    ASSERT(len <= r.len - at);
    last = at + len == r.len;
    *out = (struct buf){next + skip, MESSAGE_MARKER - skip + len, MESSAGE_MARKER - skip + len};
    if (last && at)
        s->halfway = (struct message_ref){0};
    if (!last) {
        s->halfway = r;
        s->halfway_at = at + len + MESSAGE_MARKER;
    }
    return last;
}
