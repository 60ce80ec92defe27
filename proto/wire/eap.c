#include "proto/wire/eap.h"

#include "proto/wire/registry.h"

static bool has_type(uint8_t code)
{
    return code == EAP_CODE_REQUEST || code == EAP_CODE_RESPONSE;
}

/* RFC 3748 §4: Code (8) | Identifier (8) | Length (16) | Type (8) | Type-Data */
enum err eap_read(struct bytes body, struct eap_payload *eap)
{
    struct reader r;
    uint16_t len;

    *eap = (struct eap_payload){0};
    reader_init(&r, body);
    eap->code = reader_u8(&r);
    eap->identifier = reader_u8(&r);
    len = reader_u16(&r);
    if (r.error != OK)
        return r.error;
    if (eap->code < EAP_CODE_REQUEST || eap->code > EAP_CODE_FAILURE)
        return ERR_SYNTAX;
    if (len != body.len || (has_type(eap->code) ? len < 5 : len != 4))
        return ERR_LENGTH;
    if (has_type(eap->code)) {
        eap->type = reader_u8(&r);
        eap->data = reader_rest(&r);
    }
    return reader_end(&r);
}

void eap_write(struct writer *w, const struct eap_payload *eap)
{
    writer_u8(w, eap->code);
    writer_u8(w, eap->identifier);
    writer_u16(w, (uint16_t)(has_type(eap->code) ? 5 + eap->data.len : 4));
    if (has_type(eap->code)) {
        writer_u8(w, eap->type);
        writer_bytes(w, eap->data);
    }
}
