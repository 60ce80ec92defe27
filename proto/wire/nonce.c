#include "proto/wire/nonce.h"

/* RFC 7296 §3.9: "The size of the Nonce Data MUST be between 16 and 256 octets, inclusive." */
enum err nonce_read(struct bytes body, struct bytes *nonce)
{
    *nonce = BYTES_NONE;
    if (body.len < NONCE_MIN || body.len > NONCE_MAX)
        return ERR_LENGTH;
    *nonce = body;
    return OK;
}

void nonce_write(struct writer *w, struct bytes nonce)
{
    if (w->error == OK && (nonce.len < NONCE_MIN || nonce.len > NONCE_MAX))
        w->error = ERR_LENGTH;
    writer_bytes(w, nonce);
}
