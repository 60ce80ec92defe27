#include "base/cursor.h"

#include "base/assert.h"

void reader_fail(struct reader *r, enum err e)
{
    ASSERT(e != OK);
    if (r->error == OK)
        r->error = e;
    r->at = r->end;
}

void reader_close(struct reader *r, const struct reader *sub)
{
    enum err e = reader_end(sub);

    if (e != OK)
        reader_fail(r, e);
}

void writer_close_u16(struct writer *w, uint8_t *mark, size_t extra)
{
    size_t len;

    if (w->error != OK)
        return;
    len = (size_t)(w->at - (mark + 2)) + extra;
    if (len > UINT16_MAX)
        w->error = ERR_SPACE;
    else
        store_be16(mark, (uint16_t)len);
}
