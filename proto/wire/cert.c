#include "proto/wire/cert.h"

#include "proto/wire/registry.h"

/* RFC 7296 §3.6: Cert Encoding (8) | Certificate Data */
enum err cert_read(struct bytes body, struct cert_payload *cert)
{
    struct reader r;

    reader_init(&r, body);
    cert->encoding = reader_u8(&r);
    cert->data = reader_rest(&r);
    if (r.error == OK && cert->data.len == 0)
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void cert_write(struct writer *w, const struct cert_payload *cert)
{
    writer_u8(w, cert->encoding);
    writer_bytes(w, cert->data);
}

/* RFC 7296 §3.7: the encodings whose Certification Authority is a row of SHA-1 hashes. */
static bool is_hash_row(uint8_t encoding)
{
    return encoding == CERT_X509_SIGNATURE || encoding == CERT_HASH_URL_X509 ||
           encoding == CERT_HASH_URL_X509_BUNDLE;
}

/* RFC 7296 §3.7: Cert Encoding (8) | Certification Authority */
enum err certreq_read(struct bytes body, struct certreq_payload *req)
{
    struct reader r;

    reader_init(&r, body);
    req->encoding = reader_u8(&r);
    req->authorities = reader_rest(&r);
    if (r.error == OK && is_hash_row(req->encoding) && req->authorities.len % CERTREQ_HASH_LEN != 0)
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void certreq_write(struct writer *w, const struct certreq_payload *req)
{
    writer_u8(w, req->encoding);
    writer_bytes(w, req->authorities);
}
