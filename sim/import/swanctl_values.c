#include "sim/import/swanctl_values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ten years in seconds: sums of a few of these stay far from the end of the clock. */
#define TIME_MAX_S (UINT64_C(3650) * 86400)
#define AMOUNT_MAX (UINT64_C(1) << 60)

static bool number(const char *text, uint64_t *n, const char **rest)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end;

    if (!isdigit((unsigned char)text[0]) || strlen(text) > 24)
        return false;
    *n = strtoull(text, &end, hex ? 16 : 10);
    *rest = end;
    return *n < AMOUNT_MAX;
}

bool swanctl_count(const char *text, uint64_t *n)
{
    const char *rest;

    return number(text, n, &rest) && !*rest;
}

bool swanctl_time(const char *text, uint64_t *ns)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t n, seconds = 1;
    const char *rest;

    if (!number(text, &n, &rest))
        return false;
    while (*rest == ' ')
        rest++;
    if (*rest) {
        seconds = 0;
        for (size_t i = 0; i < sizeof units / sizeof *units && !rest[1]; i++)
            if (tolower((unsigned char)*rest) == units[i].unit)
                seconds = units[i].seconds;
    }
    if (!seconds || n > TIME_MAX_S / seconds)
        return false;
    *ns = n * seconds * UINT64_C(1000000000);
    return true;
}

bool swanctl_bytes(const char *text, uint64_t *bytes)
{
    uint64_t n, factor = 1;
    const char *rest;

    if (!number(text, &n, &rest))
        return false;
    if (*rest && !rest[1]) {
        int c = tolower((unsigned char)*rest);

        factor = c == 'k' ? 1 << 10 : c == 'm' ? 1 << 20 : c == 'g' ? 1 << 30 : 0;
    } else if (*rest) {
        return false;
    }
    if (!factor || n > AMOUNT_MAX / factor)
        return false;
    *bytes = n * factor;
    return true;
}

bool swanctl_bool(const char *text, bool *on)
{
    static const char *const words[] = {"no", "yes", "false", "true",     "0",
                                        "1",  "off", "on",    "disabled", "enabled"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *on = i % 2;
            return true;
        }
    return false;
}

bool swanctl_next(const char **list, char item[SWANCTL_TEXT_MAX])
{
    while (**list) {
        const char *start = *list;
        size_t len = strcspn(start, ",");

        *list = start + len + (start[len] == ',');
        while (len && isspace((unsigned char)*start)) {
            start++;
            len--;
        }
        while (len && isspace((unsigned char)start[len - 1]))
            len--;
        if (!len)
            continue;
        /* What is longer is no value of any setting; its beginning will be refused. */
        if (len > SWANCTL_TEXT_MAX - 1)
            len = SWANCTL_TEXT_MAX - 1;
        memcpy(item, start, len);
        item[len] = '\0';
        return true;
    }
    return false;
}

bool swanctl_address(const char *text, struct ip_addr *out)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, text, bytes) == 1)
        *out = ip_addr_v4(load_be32(bytes));
    else if (inet_pton(AF_INET6, text, bytes) == 1)
        *out = ip_addr_v6(bytes);
    else
        return false;
    return true;
}

bool swanctl_prefix(const char *text, struct ip_prefix *out)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "/");
    uint64_t length, most;

    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    memset(out, 0, sizeof *out);
    if (!swanctl_address(address, &out->addr))
        return false;
    most = length = out->addr.family == 4 ? 32 : 128;
    if (text[len] && (!swanctl_count(text + len + 1, &length) || length > most))
        return false;
    out->length = (uint8_t)length;
    for (uint64_t bit = length; bit < most; bit++)
        out->addr.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    return true;
}

void swanctl_prefix_text(const struct ip_prefix *p, char *out)
{
    char address[INET6_ADDRSTRLEN] = "";

    (void)inet_ntop(p->addr.family == 4 ? AF_INET : AF_INET6, p->addr.bytes, address,
                    sizeof address);
    snprintf(out, 64, "%s/%u", address, p->length);
}

bool swanctl_within(const struct ip_prefix *inner, const struct ip_prefix *outer)
{
    if (inner->addr.family != outer->addr.family || inner->length < outer->length)
        return false;
    for (unsigned bit = 0; bit < outer->length; bit++)
        if ((inner->addr.bytes[bit / 8] ^ outer->addr.bytes[bit / 8]) & 0x80 >> bit % 8)
            return false;
    return true;
}

bool swanctl_overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
    return swanctl_within(a, b) || swanctl_within(b, a);
}

/* The keywords again, without integrity algorithms, which for IKE become prfs if there are none.
 * @return false if there was none */
static bool without_integrity(const char *text, bool ike, char *out)
{
    bool has_prf = strstr(text, "prf") != NULL, found = false;
    size_t used = 0;

    while (*text) {
        size_t len = strcspn(text, "-");
        bool integ = integ_suite_named(text, len) != NULL;
        bool drop = integ && (!ike || has_prf);

        found |= integ;
        if (!drop) {
            int n = snprintf(out + used, SWANCTL_TEXT_MAX - used, "%s%s%.*s", used ? "-" : "",
                             integ ? "prf" : "", (int)len, text);

            if (n < 0 || (used += (size_t)n) >= SWANCTL_TEXT_MAX)
                return false;
        }
        text += len + (text[len] == '-');
    }
    return found;
}

enum err swanctl_proposal(const char *text, bool ike, char *out, bool *changed, struct bytes *bad)
{
    struct proposal_config unused;
    enum err e = proposal_parse(bytes_text(text), ike, &unused, bad);
    struct bytes again;

    *changed = false;
    if (!e) {
        snprintf(out, SWANCTL_TEXT_MAX, "%s", text);
        return OK;
    }
    if (e != ERR_SYNTAX || !without_integrity(text, ike, out) ||
        proposal_parse(bytes_text(out), ike, &unused, &again))
        return e;
    *changed = true;
    return OK;
}

const char *const *swanctl_default_proposals(bool ike)
{
#define GROUPS "-ecp256-ecp384-ecp521-x25519-x448-modp3072-modp4096-modp2048"
    static const char *const of_ike[] = {
        "aes128-aes192-aes256-sha256-sha384-sha512-sha1" GROUPS,
        "aes128gcm16-aes192gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512"
        "-prfsha1" GROUPS,
        NULL,
    };
#undef GROUPS
    static const char *const of_esp[] = {
        "aes128gcm16-aes192gcm16-aes256gcm16",
        "aes128-aes192-aes256-sha256-sha384-sha512-sha1",
        NULL,
    };

    return ike ? of_ike : of_esp;
}

/* fqdn:moon.example.org and the like; a leading '@' says the same as fqdn. NULL: another type. */
static const char *behind_type(const char *text)
{
    static const char *const names[] = {"fqdn:", "dns:", "rfc822:", "email:", "userfqdn:"};
    static const char *const others[] = {
        "ipv4:",  "ipv6:",     "ipv4net:",   "ipv6net:",   "asn1dn:", "asn1gn:",
        "keyid:", "xmppaddr:", "ipv4range:", "ipv6range:", "{"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0)
            return text + strlen(names[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strncmp(text, others[i], strlen(others[i])) == 0)
            return NULL;
    return text[0] == '@' ? text + 1 : text;
}

enum swanctl_id swanctl_identity(const char *text, char *out)
{
    const char *name;
    struct ip_prefix p;
    size_t len;
    bool star;

    if (strncmp(text, "%any", 4) == 0 || strcmp(text, "*") == 0)
        return SWANCTL_ID_ANY;
    name = behind_type(text);
    if (!name || swanctl_prefix(name, &p))
        return SWANCTL_ID_UNSUITED;
    star = name[0] == '*';
    name += star;
    len = strlen(name);
    if (len == 0 || len + 8 > ID_MAX - 8)
        return SWANCTL_ID_UNSUITED;
    /* A distinguished name has '=' and blanks; a number sign means bytes in hex. */
    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char)name[i]) || strchr("=*#{}\"\\,", name[i]))
            return SWANCTL_ID_UNSUITED;
    snprintf(out, SWANCTL_TEXT_MAX, "%s%s", star ? "user{n}" : "", name);
    return star ? SWANCTL_ID_PATTERN : SWANCTL_ID_ONE;
}
