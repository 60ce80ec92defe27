#include "proto/wire/any.h"

enum err any_read(uint8_t type, struct bytes body, union any_payload *p)
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
    default: /* unknown ones and Vendor ID are opaque; SK and SKF have no format of their own */
        return vendor_read(body, &p->vendor);
    }
}

static void cp_write_whole(struct writer *w, const struct cp_payload *cp)
{
    struct cp_payload fixed = {.type = cp->type};
    struct cp_attribute a;
    struct reader r;

    cp_write(w, &fixed);
    reader_init(&r, cp->attributes);
    while (cp_next(&r, &a))
        cp_attribute_write(w, &a);
}

void any_write(uint8_t type, struct writer *w, const union any_payload *p)
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
        cp_write_whole(w, &p->cp);
        break;
    case PAYLOAD_EAP:
        eap_write(w, &p->eap);
        break;
    default:
        vendor_write(w, &p->vendor);
        break;
    }
}
