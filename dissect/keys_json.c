/* Lines of keys.jsonl (record/keys.h). */
#include "dissect/keys.h"

#include <jansson.h>
#include <string.h>

static const char *word(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static bool number_of(const json_t *o, const char *key, size_t len, uint64_t *out)
{
    uint8_t bytes[8] = {0};

    if (!keys_hex(word(o, key), bytes + 8 - len, len))
        return false;
    *out = load_be64(bytes);
    return true;
}

static enum err refused(const char **why, enum err e, const char *text)
{
    *why = text;
    return e;
}

/* The two algorithms; integ stays NULL for an AEAD. */
static enum err suites_of(const json_t *o, const struct encr_suite **encr,
                          const struct integ_suite **integ, const char **why)
{
    const char *e = word(o, "encr"), *i = word(o, "integ");

    if (!e)
        return refused(why, ERR_SYNTAX, "\"encr\" is missing");
    *encr = encr_suite_named(e, strlen(e));
    *integ = i ? integ_suite_named(i, strlen(i)) : NULL;
    if (!*encr || (i && !*integ) || (!i) != (*encr)->aead)
        return refused(why, ERR_UNSUPPORTED, "its algorithm is none of this program's");
    return OK;
}

static bool key_of(const json_t *keys, const char *name, uint8_t *out, size_t len)
{
    return len == 0 || keys_hex(word(keys, name), out, len);
}

static enum err ike_line(struct dissect_keys *k, const json_t *o, const char **why)
{
    const json_t *keys = json_object_get(o, "keys");
    struct ike_open_key key = {0};
    enum err e = suites_of(o, &key.encr, &key.integ, why);
    size_t encr, integ;

    if (e)
        return e;
    if (key.encr->implicit_iv)
        return refused(why, ERR_UNSUPPORTED, "its algorithm is for ESP only (RFC 8750 §7)");
    if (!number_of(o, "spi_i", 8, &key.spi_i) || !number_of(o, "spi_r", 8, &key.spi_r))
        return refused(why, ERR_SYNTAX, "\"spi_i\" or \"spi_r\" is no SPI of 16 hex digits");
    encr = key.encr->key_len + key.encr->salt_len;
    integ = key.integ ? key.integ->key_len : 0;
    if (key_of(keys, "SK_ei", key.encr_key[0], encr) &&
        key_of(keys, "SK_er", key.encr_key[1], encr) &&
        key_of(keys, "SK_ai", key.integ_key[0], integ) &&
        key_of(keys, "SK_ar", key.integ_key[1], integ))
        e = keys_add_ike(k, &key);
    else
        e = refused(why, ERR_UNSUPPORTED, "a key is missing, or not as long as its algorithm says");
    wipe(&key, sizeof key);
    return e;
}

static enum err child_line(struct dissect_keys *k, const json_t *o, const char **why)
{
    const json_t *keys = json_object_get(o, "keys");
    struct esp_open_key key = {.esn = json_is_true(json_object_get(o, "esn"))};
    enum err e = suites_of(o, &key.encr, &key.integ, why);
    uint64_t spi;

    if (e)
        return e;
    if (!number_of(o, "spi", 4, &spi))
        return refused(why, ERR_SYNTAX, "\"spi\" is no SPI of 8 hex digits");
    key.spi = (uint32_t)spi; /* addresses stay open: NATs rewrite them */
    if (key_of(keys, "encryption", key.encr_key, (size_t)key.encr->key_len + key.encr->salt_len) &&
        key_of(keys, "integrity", key.integ_key, key.integ ? key.integ->key_len : 0))
        e = keys_add_esp(k, &key);
    else
        e = refused(why, ERR_UNSUPPORTED, "a key is missing, or not as long as its algorithm says");
    wipe(&key, sizeof key);
    return e;
}

static enum err ikev1_line(struct dissect_keys *k, const json_t *o, const char **why)
{
    const char *name = word(o, "encr");
    const struct encr_suite *encr = name ? encr_suite_named(name, strlen(name)) : NULL;
    struct ikev1_open_key key = {0};
    enum err e;

    if (!name)
        return refused(why, ERR_SYNTAX, "\"encr\" is missing");
    if (!encr || encr->aead)
        return refused(why, ERR_UNSUPPORTED, "its algorithm is none of this program's for IKEv1");
    if (!number_of(o, "spi_i", 8, &key.cky_i))
        return refused(why, ERR_SYNTAX, "\"spi_i\" is no cookie of 16 hex digits");
    key.len = (uint8_t)encr->key_len;
    if (key_of(json_object_get(o, "keys"), "encryption", key.key, encr->key_len))
        e = keys_add_ikev1(k, &key);
    else
        e = refused(why, ERR_UNSUPPORTED, "a key is missing, or not as long as its algorithm says");
    wipe(&key, sizeof key);
    return e;
}

enum err keys_line_json(struct dissect_keys *k, const char *line, const char **why)
{
    json_t *o = json_loads(line, 0, NULL);
    const char *kind = word(o, "kind");
    enum err e;

    if (kind && strcmp(kind, "ike") == 0)
        e = ike_line(k, o, why);
    else if (kind && strcmp(kind, "ikev1") == 0)
        e = ikev1_line(k, o, why);
    else if (kind && strcmp(kind, "child") == 0)
        e = child_line(k, o, why);
    else
        e = refused(why, ERR_SYNTAX, "this is no line of keys.jsonl");
    json_decref(o);
    return e;
}
