#include "crypto/key_shelf.h"

#include "base/digest.h"
#include "crypto/openssl_headers.h"

#include <stdlib.h>

static bool share(const struct verify_key *key, struct verify_key *out)
{
    *out = *key;
    return EVP_PKEY_up_ref(key->key.library) > 0;
}

bool key_shelf_find(struct key_shelf *s, struct bytes spki, struct verify_key *out)
{
    uint64_t digest = digest_of(spki.data, spki.len, 0);

    for (unsigned i = 0; i < KEY_SHELF_MAX; i++) {
        const struct shelved_key *k = &s->place[i];

        if (k->spki && k->key.key.model == digest && bytes_equal(bytes_of(k->spki, k->len), spki))
            return share(&k->key, out);
    }
    return false;
}

static void clear(struct shelved_key *k)
{
    verify_key_reset(&k->key);
    free(k->spki);
    *k = (struct shelved_key){.spki = NULL};
}

void key_shelf_put(struct key_shelf *s, struct bytes spki, const struct verify_key *key)
{
    struct shelved_key *k = &s->place[s->next];
    uint8_t *copy = malloc(spki.len);

    if (!copy)
        return;
    clear(k);
    if (!share(key, &k->key)) {
        free(copy);
        k->key.key.library = NULL;
        return;
    }
    memcpy(copy, spki.data, spki.len);
    k->spki = copy;
    k->len = spki.len;
    s->next = (s->next + 1) % KEY_SHELF_MAX;
}

void key_shelf_reset(struct key_shelf *s)
{
    for (unsigned i = 0; i < KEY_SHELF_MAX; i++)
        clear(&s->place[i]);
}
