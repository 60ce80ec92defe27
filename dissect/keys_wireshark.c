/*
 * Rows of Wireshark's ikev2_decryption_table and esp_sa, eight columns, and of its
 * ikev1_decryption_table, two: comma-separated, quoted or not. Names of algorithms are those that
 * record/wireshark.c writes; what stands behind " [" may be left out.
 */
#include "dissect/keys.h"

#include "record/keys.h"

#include <string.h>

enum { COLUMNS = 8, COLUMNS_V1 = 2 };

/* Cuts the line in place. @return the number of columns; 0: it cannot be cut into so few */
static unsigned split(char *line, char *column[COLUMNS])
{
    unsigned count = 0;

    for (char *at = line; at; count++) {
        char *end;

        if (count == COLUMNS)
            return 0;
        at += strspn(at, " \t");
        if (*at == '"') {
            column[count] = ++at;
            end = strchr(at, '"');
            if (!end)
                return 0;
            *end++ = 0;
            end += strspn(end, " \t");
            if (*end != 0 && *end != ',')
                return 0;
            at = *end == ',' ? end + 1 : NULL;
            continue;
        }
        column[count] = at;
        end = strchr(at, ',');
        if (end)
            *end = 0;
        at = end ? end + 1 : NULL;
    }
    return count;
}

static bool same_name(const char *name, const char *given)
{
    size_t len;

    if (!name)
        return false;
    len = strcspn(name, "[");
    if (len > 0 && name[len] && name[len - 1] == ' ')
        len--;
    return strcmp(name, given) == 0 || (strlen(given) == len && memcmp(name, given, len) == 0);
}

/* Names of ESP do not say the key's length: the key does. */
static const struct encr_suite *encr_of(const char *given, bool esp, size_t key_len)
{
    size_t count;
    const struct encr_suite *s = encr_suites(&count);

    for (size_t i = 0; i < count; i++) {
        const char *name = esp ? wireshark_esp_encr(&s[i]) : wireshark_ike_encr(&s[i]);

        if (same_name(name, given) && (size_t)(s[i].key_len + s[i].salt_len) == key_len)
            return &s[i];
    }
    return NULL;
}

static bool integ_of(const char *given, bool esp, const struct integ_suite **out)
{
    size_t count;
    const struct integ_suite *s = integ_suites(&count);

    *out = NULL;
    if (same_name(esp ? wireshark_esp_integ(NULL) : wireshark_ike_integ(NULL), given))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (same_name(esp ? wireshark_esp_integ(&s[i]) : wireshark_ike_integ(&s[i]), given)) {
            *out = &s[i];
            return true;
        }
    }
    return false;
}

static size_t key_len(const char *hex)
{
    if (hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X'))
        hex += 2;
    return strlen(hex) / 2;
}

static enum err refused(const char **why, enum err e, const char *text)
{
    *why = text;
    return e;
}

static const char no_suite[] = "algorithm and key length are none of this program's";
static const char no_match[] = "an AEAD goes without an integrity algorithm, others with one";

static enum err ike_row(struct dissect_keys *k, char *column[COLUMNS], const char **why)
{
    struct ike_open_key key = {0};
    uint8_t spi[16];
    size_t integ;
    enum err e;

    if (!keys_hex(column[0], spi, 8) || !keys_hex(column[1], spi + 8, 8))
        return refused(why, ERR_SYNTAX, "the first two columns are no SPIs of 16 hex digits");
    key.spi_i = load_be64(spi);
    key.spi_r = load_be64(spi + 8);
    key.encr = encr_of(column[4], false, key_len(column[2]));
    if (!key.encr || !integ_of(column[7], false, &key.integ))
        return refused(why, ERR_UNSUPPORTED, no_suite);
    if ((key.integ == NULL) != key.encr->aead)
        return refused(why, ERR_UNSUPPORTED, no_match);
    integ = key.integ ? key.integ->key_len : 0;
    if (keys_hex(column[2], key.encr_key[0], key_len(column[2])) &&
        keys_hex(column[3], key.encr_key[1], key_len(column[2])) &&
        keys_hex(column[5], key.integ_key[0], integ) &&
        keys_hex(column[6], key.integ_key[1], integ))
        e = keys_add_ike(k, &key);
    else
        e = refused(why, ERR_UNSUPPORTED, "a key is not hex, or not as long as its algorithm says");
    wipe(&key, sizeof key);
    return e;
}

static enum err esp_row(struct dissect_keys *k, char *column[COLUMNS], const char **why)
{
    struct esp_open_key key = {0};
    uint8_t spi[4];
    enum err e;

    if (!keys_hex(column[3], spi, 4))
        return refused(why, ERR_UNSUPPORTED, "the SPI is not of 8 hex digits; * is not understood");
    key.spi = load_be32(spi);
    if (strcmp(column[2], "*") != 0 && ip_addr_parse(bytes_text(column[2]), &key.destination) != OK)
        return refused(why, ERR_UNSUPPORTED, "the destination is neither an address nor *");
    key.encr = encr_of(column[4], true, key_len(column[5]));
    if (!key.encr || !integ_of(column[6], true, &key.integ))
        return refused(why, ERR_UNSUPPORTED, no_suite);
    if ((key.integ == NULL) != key.encr->aead)
        return refused(why, ERR_UNSUPPORTED, no_match);
    if (keys_hex(column[5], key.encr_key, key_len(column[5])) &&
        keys_hex(column[7], key.integ_key, key.integ ? key.integ->key_len : 0))
        e = keys_add_esp(k, &key);
    else
        e = refused(why, ERR_UNSUPPORTED, "a key is not hex, or not as long as its algorithm says");
    wipe(&key, sizeof key);
    return e;
}

/* Initiator's cookie, key of the cipher: which cipher that is only the capture says. */
static enum err ikev1_row(struct dissect_keys *k, char *column[COLUMNS], const char **why)
{
    struct ikev1_open_key key = {0};
    size_t len = key_len(column[1]);
    uint8_t cookie[8];
    enum err e;

    if (!keys_hex(column[0], cookie, sizeof cookie))
        return refused(why, ERR_SYNTAX, "the first of two columns is no cookie of 16 hex digits");
    if (len == 0 || len > sizeof key.key || !keys_hex(column[1], key.key, len))
        return refused(why, ERR_UNSUPPORTED, "the key is not hex, or longer than any cipher's");
    key.cky_i = load_be64(cookie);
    key.len = (uint8_t)len;
    e = keys_add_ikev1(k, &key);
    wipe(&key, sizeof key);
    return e;
}

enum err keys_line_wireshark(struct dissect_keys *k, char *line, const char **why)
{
    char *column[COLUMNS];
    unsigned count = split(line, column);

    if (count == COLUMNS_V1)
        return ikev1_row(k, column, why);
    if (count != COLUMNS)
        return refused(why, ERR_SYNTAX,
                       "this is neither a line of keys.jsonl nor a row of eight columns or two");
    if (strcmp(column[0], "IPv4") == 0 || strcmp(column[0], "IPv6") == 0 ||
        strcmp(column[0], "Any") == 0 || strcmp(column[0], "*") == 0)
        return esp_row(k, column, why);
    return ike_row(k, column, why);
}
