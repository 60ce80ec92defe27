/* sim/import/swanctl_values: what strongSwan writes, and what of it a scenario takes. */
#include "sim/import/swanctl_values.h"
#include "suite.h"

#define SECOND UINT64_C(1000000000)

START_TEST(times)
{
    static const struct {
        const char *text;
        uint64_t seconds; /* UINT64_MAX: refused */
    } rows[] = {
        {"0", 0},
        {"0s", 0},
        {"10", 10},
        {"10s", 10},
        {"30m", 1800},
        {"4h", 14400},
        {"1d", 86400},
        {"0x10", 16},
        {"10 s", 10},
        {"2H", 7200},
        {"3650d", 315360000},
        {"3651d", UINT64_MAX},
        {"", UINT64_MAX},
        {"s", UINT64_MAX},
        {"-1", UINT64_MAX},
        {"1.5s", UINT64_MAX},
        {"1w", UINT64_MAX},
        {"4h30m", UINT64_MAX},
        {"99999999999999999999", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t ns = 1;
        bool good = swanctl_time(rows[i].text, &ns);

        ck_assert_msg(good == (rows[i].seconds != UINT64_MAX), "'%s'", rows[i].text);
        if (good)
            ck_assert_uint_eq(ns, rows[i].seconds * SECOND);
    }
}
END_TEST

START_TEST(amounts)
{
    uint64_t n;
    bool on;

    ck_assert(swanctl_bytes("500m", &n) && n == 500u << 20);
    ck_assert(swanctl_bytes("1g", &n) && n == 1u << 30);
    ck_assert(swanctl_bytes("2K", &n) && n == 2048);
    ck_assert(swanctl_bytes("1500", &n) && n == 1500);
    ck_assert(!swanctl_bytes("1t", &n) && !swanctl_bytes("1mb", &n) && !swanctl_bytes("m", &n));
    ck_assert(!swanctl_bytes("99999999999999g", &n));
    ck_assert(swanctl_count("0x20", &n) && n == 32);
    ck_assert(!swanctl_count("5 ", &n) && !swanctl_count("+5", &n));
    ck_assert(swanctl_bool("yes", &on) && on);
    ck_assert(swanctl_bool("disabled", &on) && !on);
    ck_assert(!swanctl_bool("force", &on) && !swanctl_bool("", &on));
}
END_TEST

START_TEST(lists)
{
    const char *rest = " a ,, b c ,\td";
    char item[SWANCTL_TEXT_MAX], text[600];

    ck_assert(swanctl_next(&rest, item));
    ck_assert_str_eq(item, "a");
    ck_assert(swanctl_next(&rest, item));
    ck_assert_str_eq(item, "b c");
    ck_assert(swanctl_next(&rest, item));
    ck_assert_str_eq(item, "d");
    ck_assert(!swanctl_next(&rest, item));
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rest = text;
    ck_assert(swanctl_next(&rest, item) && strlen(item) == SWANCTL_TEXT_MAX - 1);
    ck_assert(!swanctl_next(&rest, item));
}
END_TEST

START_TEST(prefixes)
{
    static const struct {
        const char *text, *out; /* NULL: refused */
    } rows[] = {
        {"10.1.2.3/16", "10.1.0.0/16"},
        {"10.1.2.3", "10.1.2.3/32"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"10.255.255.255/9", "10.128.0.0/9"},
        {"2001:db8::1/32", "2001:db8::/32"},
        {"::/0", "::/0"},
        {"10.0.0.0/33", NULL},
        {"::/129", NULL},
        {"10.0.0/8", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/8/8", NULL},
        {"10.0.0.1-10.0.0.9", NULL},
        {"", NULL},
        {"dynamic", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ip_prefix p;
        char out[64];
        bool good = swanctl_prefix(rows[i].text, &p);

        ck_assert_msg(good == (rows[i].out != NULL), "'%s'", rows[i].text);
        if (!good)
            continue;
        swanctl_prefix_text(&p, out);
        ck_assert_str_eq(out, rows[i].out);
    }
}
END_TEST

START_TEST(overlaps)
{
    struct ip_prefix a, b, c, v6;

    ck_assert(swanctl_prefix("10.0.0.0/8", &a) && swanctl_prefix("10.128.0.0/9", &b));
    ck_assert(swanctl_prefix("10.0.0.0/9", &c) && swanctl_prefix("::/0", &v6));
    ck_assert(swanctl_overlap(&a, &b) && swanctl_overlap(&b, &a) && !swanctl_overlap(&b, &c));
    ck_assert(swanctl_within(&b, &a) && !swanctl_within(&a, &b) && !swanctl_overlap(&a, &v6));
}
END_TEST

START_TEST(proposals)
{
    static const struct {
        const char *text;
        bool ike;
        const char *out; /* NULL: refused */
        const char *bad;
    } rows[] = {
        {"aes128-sha256-modp3072", true, "aes128-sha256-modp3072", NULL},
        {"aes256gcm16-prfsha384-ecp384", true, "aes256gcm16-prfsha384-ecp384", NULL},
        {"aes256gcm16-sha384-ecp384", true, "aes256gcm16-prfsha384-ecp384", NULL},
        {"aes256gcm16-sha256-prfsha384-ecp384", true, "aes256gcm16-prfsha384-ecp384", NULL},
        {"aes256gcm16-sha256-x25519", false, "aes256gcm16-x25519", NULL},
        {"aes128-sha256", false, "aes128-sha256", NULL},
        {"aes128-sha256-esn-noesn", false, "aes128-sha256-esn-noesn", NULL},
        {"aes128-sha256", true, NULL, "aes128-sha256"},
        {"aes128-sha256-modp1024", true, NULL, "modp1024"},
        {"3des-md5-modp1024", true, NULL, "3des-md5-modp1024"},
        {"aes128-sha256-x25519-ke1_mlkem768", true, NULL, "ke1_mlkem768-"},
        {"aes128-aes128gcm16-sha256-x25519", true, NULL, "aes128gcm16-sha256-x25519"},
        {"aes128-", false, NULL, ""},
        {"-", false, NULL, ""},
        {"AES128-sha256", false, NULL, "AES128-sha256"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[SWANCTL_TEXT_MAX];
        struct bytes bad;
        bool changed;
        enum err e = swanctl_proposal(rows[i].text, rows[i].ike, out, &changed, &bad);

        ck_assert_msg((e == OK) == (rows[i].out != NULL), "'%s': %s", rows[i].text, err_name(e));
        if (e) {
            ck_assert_ptr_nonnull(bad.data);
            ck_assert_msg(!*rows[i].bad || memcmp(bad.data, rows[i].bad, bad.len) == 0,
                          "'%s': '%.*s'", rows[i].text, (int)bad.len, (const char *)bad.data);
            continue;
        }
        ck_assert_str_eq(out, rows[i].out);
        ck_assert(changed == (strcmp(rows[i].text, out) != 0));
    }
}
END_TEST

START_TEST(default_proposals_are_proposals)
{
    for (int ike = 0; ike < 2; ike++)
        for (const char *const *p = swanctl_default_proposals(ike); *p; p++) {
            struct proposal_config unused;
            struct bytes bad;

            ck_assert_ok(proposal_parse(bytes_text(*p), ike, &unused, &bad));
        }
}
END_TEST

START_TEST(identities)
{
    static char too_long[ID_MAX - 14];
    static const struct {
        const char *text;
        enum swanctl_id kind;
        const char *out;
    } rows[] = {
        {"%any", SWANCTL_ID_ANY, NULL},
        {"%any6", SWANCTL_ID_ANY, NULL},
        {"*", SWANCTL_ID_ANY, NULL},
        {"moon.example.org", SWANCTL_ID_ONE, "moon.example.org"},
        {"@moon.example.org", SWANCTL_ID_ONE, "moon.example.org"},
        {"fqdn:moon.example.org", SWANCTL_ID_ONE, "moon.example.org"},
        {"carol@example.org", SWANCTL_ID_ONE, "carol@example.org"},
        {"email:carol@example.org", SWANCTL_ID_ONE, "carol@example.org"},
        {"*@example.org", SWANCTL_ID_PATTERN, "user{n}@example.org"},
        {"*.example.org", SWANCTL_ID_PATTERN, "user{n}.example.org"},
        {"@@moon", SWANCTL_ID_ONE, "@moon"},
        {"10.0.0.1", SWANCTL_ID_UNSUITED, NULL},
        {"2001:db8::1", SWANCTL_ID_UNSUITED, NULL},
        {"C=CH, O=Example, CN=moon", SWANCTL_ID_UNSUITED, NULL},
        {"CN=moon", SWANCTL_ID_UNSUITED, NULL},
        {"keyid:abcd", SWANCTL_ID_UNSUITED, NULL},
        {"asn1dn:#3020", SWANCTL_ID_UNSUITED, NULL},
        {"ipv4:#0a000001", SWANCTL_ID_UNSUITED, NULL},
        {"{11}:moon", SWANCTL_ID_UNSUITED, NULL},
        {"moon{n}", SWANCTL_ID_UNSUITED, NULL},
        {"m\"oon", SWANCTL_ID_UNSUITED, NULL},
        {"m\xc3\xb6nd.example.org", SWANCTL_ID_UNSUITED, NULL},
        {"a.*.example.org", SWANCTL_ID_UNSUITED, NULL},
        {"@", SWANCTL_ID_UNSUITED, NULL},
        {too_long, SWANCTL_ID_UNSUITED, NULL},
    };

    memset(too_long, 'a', sizeof too_long - 1); /* no room for a member's number */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[SWANCTL_TEXT_MAX] = "";
        enum swanctl_id kind = swanctl_identity(rows[i].text, out);

        ck_assert_msg(kind == rows[i].kind, "'%s': %d", rows[i].text, (int)kind);
        if (rows[i].out)
            ck_assert_str_eq(out, rows[i].out);
    }
}
END_TEST

SUITE("swanctl_values", times, amounts, lists, prefixes, overlaps, proposals,
      default_proposals_are_proposals, identities)
