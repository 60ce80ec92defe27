#include "proto/wire/ke.h"

/* RFC 7296 §3.4: Diffie-Hellman Group Num (16) | RESERVED (16) | Key Exchange Data */
enum err ke_read(struct bytes body, struct ke_payload *ke)
{
    struct reader r;

    reader_init(&r, body);
    ke->group = reader_u16(&r);
    reader_skip(&r, 2); /* RESERVED is ignored on receipt. */
    ke->data = reader_rest(&r);
    if (r.error == OK && ke->data.len == 0)
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void ke_write(struct writer *w, const struct ke_payload *ke)
{
    writer_u16(w, ke->group);
    writer_zeros(w, 2);
    writer_bytes(w, ke->data);
}
