#include "proto/wire/skf.h"

#include "base/assert.h"

enum { FRAGMENT_FIELDS_LEN = 4 };

/* RFC 7383 §2.5: Fragment Number (16) | Total Fragments (16), then as SK. */
void skf_begin(struct message_writer *mw, const struct sk_sizes *sizes,
               const struct skf_fragment *f)
{
    ASSERT(!mw->sk && sizes->block_len > 0);
    payload_begin(mw, PAYLOAD_SKF);
    mw->sk = mw->open;
    mw->open = NULL;
    if (mw->w.error == OK)
        mw->sk[0] = f->first_type;
    writer_u16(&mw->w, f->number);
    writer_u16(&mw->w, f->total);
    mw->sk_iv = mw->w.at;
    mw->iv_len = sizes->iv_len;
    mw->icv_len = sizes->icv_len;
    mw->block_len = sizes->block_len;
    writer_zeros(&mw->w, sizes->iv_len);
}

enum err skf_read(const struct message_view *view, const struct sk_sizes *sizes,
                  struct skf_fragment *f, struct sk_area *area)
{
    const uint8_t *p;

    *area = (struct sk_area){0};
    *f = (struct skf_fragment){0};
    if (view->count == 0 || view->payloads[view->count - 1].type != PAYLOAD_SKF)
        return ERR_MISSING;
    if (view->payloads[view->count - 1].body.len < FRAGMENT_FIELDS_LEN)
        return ERR_LENGTH;
    p = view->payloads[view->count - 1].body.data;
    f->number = load_be16(p);
    f->total = load_be16(p + 2);
    f->first_type = view->inner_type;
    if (f->number == 0 || f->number > f->total || (f->number > 1 && f->first_type != PAYLOAD_NONE))
        return ERR_SYNTAX;
    return sk_layout(view, sizes, FRAGMENT_FIELDS_LEN, area);
}
