#include "proto/wire/auth.h"

/* RFC 7296 §3.8: Auth Method (8) | RESERVED (24) | Authentication Data */
enum err auth_read(struct bytes body, struct auth_payload *auth)
{
    struct reader r;

    reader_init(&r, body);
    auth->method = reader_u8(&r);
    reader_skip(&r, 3);
    auth->data = reader_rest(&r);
    if (r.error == OK && auth->data.len == 0)
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void auth_write(struct writer *w, const struct auth_payload *auth)
{
    writer_u8(w, auth->method);
    writer_zeros(w, 3);
    writer_bytes(w, auth->data);
}

/* RFC 7427 §3: ASN.1 Length (8) | AlgorithmIdentifier | Signature Value */
enum err auth_signature_read(struct bytes data, struct auth_signature *signature)
{
    struct reader r;

    reader_init(&r, data);
    signature->identifier = reader_bytes(&r, reader_u8(&r));
    signature->value = reader_rest(&r);
    if (r.error == OK && (signature->identifier.len == 0 || signature->value.len == 0))
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void auth_signature_write(struct writer *w, const struct auth_signature *signature)
{
    writer_u8(w, (uint8_t)signature->identifier.len);
    writer_bytes(w, signature->identifier);
    writer_bytes(w, signature->value);
}
