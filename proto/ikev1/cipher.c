#include "proto/ikev1/cipher.h"

static enum err run(struct crypto *c, const struct v1_cipher *cipher, uint8_t *text, size_t len,
                    bool encrypt)
{
    return c->class->cbc(
        c, &(struct cbc_op){cipher->encr, cipher->key, cipher->iv, text, len, encrypt});
}

enum err v1_cipher_seal(struct crypto *c, struct v1_cipher *cipher, const struct v1_area *area)
{
    size_t block = cipher->encr->block_len;
    enum err e = run(c, cipher, area->text, area->len, true);

    if (e == OK)
        memcpy(cipher->iv, area->text + area->len - block, block);
    return e;
}

enum err v1_cipher_open(struct crypto *c, const struct v1_cipher *cipher,
                        const struct message_view *outer, struct message_view *inner,
                        struct bytes *chain, uint8_t *next)
{
    size_t block = cipher->encr->block_len;
    struct bytes text;
    enum err e = v1_text(outer, block, &text);

    if (e != OK)
        return e;
    memcpy(next, text.data + text.len - block, block);
    e = run(c, cipher, (uint8_t *)(uintptr_t)text.data, text.len, false);
    return e == OK ? v1_inner_read(text, outer->inner_type, inner, chain) : e;
}
