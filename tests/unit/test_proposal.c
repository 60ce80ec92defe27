/* proto/core/proposal: strongSwan's notation; more strings are refused than taken. */
#include "proto/core/config.h"
#include "suite.h"

static enum err parse(const char *text, bool ike, struct proposal_config *out)
{
    struct bytes bad;

    return proposal_parse(bytes_text(text), ike, out, &bad);
}

START_TEST(takes_ike_proposals)
{
    struct proposal_config p;

    ck_assert_ok(parse("aes256gcm16-prfsha256-x25519", true, &p));
    ck_assert_str_eq(p.encr[0]->name, "aes256gcm16");
    ck_assert_uint_eq(p.integ_count, 0);
    ck_assert_str_eq(p.prf[0]->name, "prfsha256");
    ck_assert_str_eq(p.ke[0]->name, "x25519");
    ck_assert_ok(parse("aes128-aes256-sha256-sha1-modp2048-ecp256", true, &p));
    ck_assert_uint_eq(p.encr_count, 2);
    ck_assert_str_eq(p.encr[1]->name, "aes256");
    ck_assert_uint_eq(p.integ_count, 2);
    ck_assert_uint_eq(p.prf_count, 2); /* follows the integrity algorithms */
    ck_assert_str_eq(p.prf[0]->name, "prfsha256");
    ck_assert_str_eq(p.prf[1]->name, "prfsha1");
    ck_assert_uint_eq(p.ke_count, 2);
    ck_assert_ok(parse("aes128-sha256-prfsha512-ecp256", true, &p));
    ck_assert_uint_eq(p.prf_count, 1);
    ck_assert_ok(parse("aes128-aesxcbc-modp2048", true, &p));
    ck_assert_str_eq(p.prf[0]->name, "prfaesxcbc");
}
END_TEST

START_TEST(takes_esp_proposals)
{
    struct proposal_config p;

    ck_assert_ok(parse("aes256gcm16", false, &p));
    ck_assert(p.no_esn && !p.esn);
    ck_assert_ok(parse("aes256gcm16-x25519-esn", false, &p));
    ck_assert(!p.no_esn && p.esn);
    ck_assert_uint_eq(p.ke_count, 1);
    ck_assert_ok(parse("aes128-sha256-esn-noesn", false, &p));
    ck_assert(p.no_esn && p.esn);
    ck_assert_ok(parse("null-sha256", false, &p));
    ck_assert_ok(parse("chacha20poly1305", false, &p));
    ck_assert_ok(parse("aes256gcm16iiv-aes256gcm16-esn", false, &p)); /* RFC 8750 §5 */
    ck_assert_uint_eq(p.encr_count, 2);
    ck_assert_uint_eq(p.encr[0]->iana, 30);
}
END_TEST

START_TEST(refuses_bad_ike_proposals)
{
    static const char *const bad[] = {
        "",
        "-",
        "aes256gcm16",
        "aes256gcm16-prfsha256",
        "aes256gcm16-x25519",
        "aes256gcm16-sha256-prfsha256-x25519", /* AEAD with integrity */
        "aes256-aes256gcm16-sha256-x25519",    /* two kinds of cipher */
        "sha256-x25519",
        "prfsha256-x25519",
        "x25519",
        "null-sha256-x25519",
        "aes256gcm16iiv-prfsha256-x25519", /* RFC 8750 §7 */
        "aes256gcm16-chacha20poly1305iiv-prfsha256-x25519",
        "aes256-prfsha256-x25519", /* no integrity */
        "aes256-sha256-x25519-",
        "-aes256-sha256-x25519",
        "aes256--sha256-x25519",
        "aes256-sha256-x25519-x25519",
        "aes256-aes256-sha256-x25519",
        "aes256-sha256-x25519-esn",
        "aes256-sha256-x25519-noesn",
        /* more than TRANSFORMS_MAX */
        ("aes128gcm8-aes192gcm8-aes256gcm8-aes128gcm12-aes192gcm12-aes256gcm12-aes128gcm16-"
         "aes192gcm16-aes256gcm16-prfsha256-x25519"),
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proposal_config p;

        ck_assert_msg(parse(bad[i], true, &p) == ERR_SYNTAX, "taken: %s", bad[i]);
    }
}
END_TEST

START_TEST(refuses_bad_esp_proposals)
{
    static const char *const bad[] = {
        "",
        "aes256",
        "null",
        "sha256",
        "aes256gcm16-sha256",
        "esn",
        "aes256gcm16-prfsha256",
        "aes256gcm16-esn-esn",
        "aes256gcm16-noesn-noesn",
        "x25519",
        "aes128-aes128gcm16-sha256",
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proposal_config p;

        ck_assert_msg(parse(bad[i], false, &p) == ERR_SYNTAX, "taken: %s", bad[i]);
    }
}
END_TEST

START_TEST(names_the_unknown_keyword)
{
    struct proposal_config p;
    struct bytes bad;
    static const char *const unknown[] = {"aes257", "AES256", "aes256 ", "blowfish", "x2551", "e"};

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        char text[64];

        snprintf(text, sizeof text, "sha256-%s-x25519", unknown[i]);
        ck_assert_int_eq(proposal_parse(bytes_text(text), true, &p, &bad), ERR_UNSUPPORTED);
        ck_assert(bytes_equal(bad, bytes_text(unknown[i])));
    }
}
END_TEST

SUITE("proposal", takes_ike_proposals, takes_esp_proposals, refuses_bad_ike_proposals,
      refuses_bad_esp_proposals, names_the_unknown_keyword)
