#include "crypto/pem.h"

#include "crypto/openssl_headers.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

static bool known_label(const char *label, enum pem_kind *kind)
{
    static const struct {
        const char *label;
        enum pem_kind kind;
    } labels[] = {
        {"CERTIFICATE", PEM_CERTIFICATE},    {"X509 CERTIFICATE", PEM_CERTIFICATE},
        {"TRUSTED CERTIFICATE", PEM_KINDS},  {"X509 CRL", PEM_CRL},
        {"PRIVATE KEY", PEM_PRIVATE_KEY},    {"RSA PRIVATE KEY", PEM_PRIVATE_KEY},
        {"EC PRIVATE KEY", PEM_PRIVATE_KEY}, {"PUBLIC KEY", PEM_PUBLIC_KEY},
    };

    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        *kind = labels[i].kind;
        if (strcmp(labels[i].label, label) == 0)
            return *kind != PEM_KINDS;
    }
    return false;
}

/* Takes a copy. */
static enum err add(struct pem_items *out, enum pem_kind kind, struct bytes der)
{
    struct pem_item *more = realloc(out->item, (out->count + 1) * sizeof *more);
    uint8_t *copy = malloc(der.len ? der.len : 1);

    if (more)
        out->item = more;
    if (!more || !copy) {
        free(copy);
        return ERR_MEMORY;
    }
    memcpy(copy, der.data, der.len);
    out->item[out->count++] = (struct pem_item){kind, copy, der.len};
    return OK;
}

static bool encrypted(const char *label, const char *header)
{
    return strcmp(label, "ENCRYPTED PRIVATE KEY") == 0 || strstr(header, "ENCRYPTED") != NULL;
}

/* One block. @return ERR_NOT_FOUND at the end of the text */
static enum err read_block(BIO *text, enum pem_kind expected, struct pem_items *out,
                           const char **why)
{
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    enum pem_kind kind;
    enum err e = OK;
    long len = 0;

    if (!PEM_read_bio(text, &label, &header, &der, &len)) {
        bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

        ERR_clear_error();
        *why = "a block of it is no PEM";
        return end ? ERR_NOT_FOUND : ERR_SYNTAX;
    }
    if (encrypted(label, header) && expected == PEM_PRIVATE_KEY) {
        *why = "the key in it is encrypted (openssl pkey -in FILE -out PLAIN decrypts one)";
        e = ERR_UNSUPPORTED;
    } else if (!encrypted(label, header) && known_label(label, &kind)) {
        e = add(out, kind, bytes_of(der, (size_t)len));
    }
    wipe(der, (size_t)len);
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    return e;
}

/* DER is one SEQUENCE from the first octet to the last; so is no text. */
static bool is_der(struct bytes text)
{
    const uint8_t *at = text.data;
    long len = 0;
    int tag, class;

    return text.len > 0 && text.data[0] == 0x30 &&
           !(ASN1_get_object(&at, &len, &tag, &class, (long)text.len) & 0x80) &&
           at + len == text.data + text.len;
}

static enum err read_text(struct bytes text, enum pem_kind expected, struct pem_items *out,
                          const char **why)
{
    BIO *bio;
    enum err e = OK;

    if (is_der(text))
        return add(out, expected, text);
    bio = BIO_new_mem_buf(text.data, (int)text.len);
    if (!bio)
        return ERR_MEMORY;
    while (e == OK)
        e = read_block(bio, expected, out, why);
    BIO_free(bio);
    if (e == ERR_NOT_FOUND && out->count)
        return OK;
    *why = e == ERR_NOT_FOUND ? "there is nothing of use in it" : *why;
    return e == ERR_NOT_FOUND ? ERR_SYNTAX : e;
}

static enum err load(FILE *file, uint8_t **text, size_t *len, const char **why)
{
    size_t cap = 1 << 14, n;

    setvbuf(file, NULL, _IONBF, 0); /* no copy of a key in a buffer that nobody wipes */
    *len = 0;
    *text = malloc(cap);
    while (*text && (n = fread(*text + *len, 1, cap - *len, file)) > 0) {
        uint8_t *more;

        *len += n;
        if (*len > PEM_FILE_MAX) {
            *why = "it is larger than such files are";
            return ERR_LENGTH;
        }
        if (*len < cap)
            continue;
        more = malloc(2 * cap);
        if (more)
            memcpy(more, *text, *len);
        wipe(*text, *len); /* it may be a key: realloc would leave it behind */
        free(*text);
        *text = more;
        cap *= 2;
    }
    *why = "it cannot be read";
    return !*text ? ERR_MEMORY : ferror(file) ? ERR_IO : OK;
}

enum err pem_read_file(const char *path, enum pem_kind expected, struct pem_items *out,
                       const char **why)
{
    FILE *file = fopen(path, "rb");
    uint8_t *text;
    size_t len;
    enum err e;

    *out = (struct pem_items){0};
    *why = "it cannot be opened";
    if (!file)
        return ERR_IO;
    e = load(file, &text, &len, why);
    fclose(file);
    if (e == OK)
        e = read_text(bytes_of(text, len), expected, out, why);
    if (text)
        wipe(text, len);
    free(text);
    if (e == ERR_MEMORY)
        *why = err_text(e);
    return e;
}

void pem_items_reset(struct pem_items *items)
{
    for (size_t i = 0; i < items->count; i++) {
        wipe(items->item[i].der, items->item[i].len);
        free(items->item[i].der);
    }
    free(items->item);
    *items = (struct pem_items){0};
}
