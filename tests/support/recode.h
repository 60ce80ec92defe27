/*
 * Read a whole message into our structs and write it again: the property every codec test leans
 * on, whether the bytes are ours, mutated or captured.
 */
#ifndef TESTS_RECODE_H
#define TESTS_RECODE_H

#include "proto/wire/any.h"
#include "proto/wire/payload.h"
#include "proto/wire/v1_any.h"

/**
 * Every body of the message read, and the message written again from the decoded structs.
 * @param[out] again  inside `out`
 * @return the first error; bad_type, if not NULL, is then the payload it is about
 */
static inline enum err message_recode(const struct message_view *view, struct buf out,
                                      struct bytes *again, uint8_t *bad_type)
{
    struct message_writer mw;

    message_begin(&mw, out, &view->header);
    for (unsigned i = 0; i < view->count; i++) {
        const struct payload_view *p = &view->payloads[i];
        union any_payload any;
        enum err e = any_read(p->type, p->body, &any);

        if (bad_type)
            *bad_type = p->type;
        if (e != OK)
            return e;
        any_write(p->type, payload_begin(&mw, p->type), &any);
        if (p->critical)
            payload_critical(&mw);
        payload_end(&mw);
    }
    if (mw.w.error == OK && view->inner_type != PAYLOAD_NONE)
        *mw.next = view->inner_type; /* SK stays as it is: its inside is another matter */
    return message_end(&mw, again);
}

/** The same for a message of IKEv1 in the clear. */
static inline enum err v1_message_recode(const struct message_view *view, struct buf out,
                                         struct bytes *again, uint8_t *bad_type)
{
    static union v1_any_payload any;
    struct message_writer mw;

    message_begin(&mw, out, &view->header);
    for (unsigned i = 0; i < view->count; i++) {
        const struct payload_view *p = &view->payloads[i];
        enum err e = v1_any_read(p->type, p->body, &any);

        if (bad_type)
            *bad_type = p->type;
        if (e != OK)
            return e;
        v1_any_write(p->type, payload_begin(&mw, p->type), &any);
        payload_end(&mw);
    }
    return message_end(&mw, again);
}

#endif
