#include "proto/wire/v1_fragment.h"

#include "proto/wire/v1_registry.h"

enum { FLAG_LAST = 1 };

bool v1_fragment_is(const struct ike_header *h)
{
    return h->next_payload == V1_PAYLOAD_FRAGMENT;
}

/* Fragment ID (16) | Fragment Number (8) | Flags (8) | data */
enum err v1_fragment_read(struct bytes body, struct v1_fragment *f)
{
    uint8_t flags;
    struct reader r;

    reader_init(&r, body);
    f->id = reader_u16(&r);
    f->number = reader_u8(&r);
    flags = reader_u8(&r);
    f->data = reader_rest(&r);
    f->last = flags == FLAG_LAST;
    if (r.error == OK && (f->number == 0 || flags > FLAG_LAST))
        reader_fail(&r, ERR_SYNTAX);
    if (r.error == OK && f->data.len == 0)
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void v1_fragment_write(struct writer *w, const struct v1_fragment *f)
{
    writer_u16(w, f->id);
    writer_u8(w, f->number);
    writer_u8(w, f->last ? FLAG_LAST : 0);
    writer_bytes(w, f->data);
}
