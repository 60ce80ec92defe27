/*
 * Read a payload body or a whole message into our structs and write it again: the property every
 * codec test leans on, whether the bytes are ours, mutated or captured.
 */
#ifndef TESTS_RECODE_H
#define TESTS_RECODE_H

#include "proto/wire/auth.h"
#include "proto/wire/cert.h"
#include "proto/wire/cp.h"
#include "proto/wire/delete.h"
#include "proto/wire/eap.h"
#include "proto/wire/id.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"
#include "proto/wire/notify.h"
#include "proto/wire/payload.h"
#include "proto/wire/sa.h"
#include "proto/wire/ts.h"
#include "proto/wire/vendor.h"

union any_payload {
    struct sa_payload sa;
    struct ke_payload ke;
    struct id_payload id;
    struct cert_payload cert;
    struct certreq_payload certreq;
    struct auth_payload auth;
    struct bytes nonce;
    struct notify_payload notify;
    struct delete_payload delete;
    struct vendor_payload vendor;
    struct ts_payload ts;
    struct cp_payload cp;
    struct eap_payload eap;
};

static inline enum err any_read(uint8_t type, struct bytes body, union any_payload *p)
{
    switch (type) {
    case PAYLOAD_SA:
        return sa_read(body, &p->sa);
    case PAYLOAD_KE:
        return ke_read(body, &p->ke);
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        return id_read(body, &p->id);
    case PAYLOAD_CERT:
        return cert_read(body, &p->cert);
    case PAYLOAD_CERTREQ:
        return certreq_read(body, &p->certreq);
    case PAYLOAD_AUTH:
        return auth_read(body, &p->auth);
    case PAYLOAD_NONCE:
        return nonce_read(body, &p->nonce);
    case PAYLOAD_NOTIFY:
        return notify_read(body, &p->notify);
    case PAYLOAD_DELETE:
        return delete_read(body, &p->delete);
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        return ts_read(body, &p->ts);
    case PAYLOAD_CP:
        return cp_read(body, &p->cp);
    case PAYLOAD_EAP:
        return eap_read(body, &p->eap);
    default: /* unknown ones and Vendor ID are opaque; SK and SKF have no body format of their own
              */
        return vendor_read(body, &p->vendor);
    }
}

/* CP attribute by attribute, so that cp_attribute_write is in the loop too. */
static inline void recode_cp(struct writer *w, const struct cp_payload *cp)
{
    struct cp_payload fixed = {.type = cp->type};
    struct cp_attribute a;
    struct reader r;

    cp_write(w, &fixed);
    reader_init(&r, cp->attributes);
    while (cp_next(&r, &a))
        cp_attribute_write(w, &a);
}

static inline void any_write(uint8_t type, struct writer *w, const union any_payload *p)
{
    switch (type) {
    case PAYLOAD_SA:
        sa_write(w, &p->sa);
        break;
    case PAYLOAD_KE:
        ke_write(w, &p->ke);
        break;
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        id_write(w, &p->id);
        break;
    case PAYLOAD_CERT:
        cert_write(w, &p->cert);
        break;
    case PAYLOAD_CERTREQ:
        certreq_write(w, &p->certreq);
        break;
    case PAYLOAD_AUTH:
        auth_write(w, &p->auth);
        break;
    case PAYLOAD_NONCE:
        nonce_write(w, p->nonce);
        break;
    case PAYLOAD_NOTIFY:
        notify_write(w, &p->notify);
        break;
    case PAYLOAD_DELETE:
        delete_write(w, &p->delete);
        break;
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        ts_write(w, &p->ts);
        break;
    case PAYLOAD_CP:
        recode_cp(w, &p->cp);
        break;
    case PAYLOAD_EAP:
        eap_write(w, &p->eap);
        break;
    default:
        vendor_write(w, &p->vendor);
        break;
    }
}

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

#endif
