/* sim/import/swanctl_import: which settings become which words, and what is said about the others.
 */
#include "sim/import/swanctl_import.h"
#include "sim/scenario.h"
#include "suite.h"

#include <unistd.h>

static char errors[8192];

static enum err import(const char *conf, const struct swanctl_options *options, struct text *out)
{
    FILE *said = fmemopen(errors, sizeof errors, "w");
    struct swanctl_summary summary;
    enum err e;

    memset(errors, 0, sizeof errors);
    text_init(out, NULL);
    e = swanctl_import_text("s.conf", conf, strlen(conf), options, out, &summary, said);
    fclose(said);
    return e;
}

static const struct swanctl_options usual = {.clients = 3};

/* The scenario that comes out is one: it is read as `ikelab lint` reads it. */
static struct scenario scenario_of(const char *conf, const struct swanctl_options *options,
                                   struct text *out)
{
    char path[] = "/tmp/ikelab-import-XXXXXX";
    int fd = mkstemp(path);
    FILE *said;
    struct scenario s;
    enum err e;

    ck_assert_msg(import(conf, options, out) == OK, "%s", errors);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, out->data, out->len), (int)out->len);
    close(fd);
    said = fmemopen(errors, sizeof errors, "w");
    e = scenario_load(path, NULL, 0, &s, said);
    fclose(said);
    unlink(path);
    ck_assert_msg(e == OK, "%s\n%s", errors, out->data);
    return s;
}

static const struct scenario_group *group(const struct scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i].name, name) == 0)
            return &s->groups[i];
    ck_abort_msg("no group '%s'", name);
    return NULL;
}

#define PSK "local { auth = psk\n } remote { auth = psk\n }\n"
#define SITE                                                                                       \
    "connections { site { local_addrs = 203.0.113.1\n remote_addrs = 198.51.100.1\n" PSK           \
    "children { net { local_ts = 10.1.0.0/16\n remote_ts = 10.2.0.0/16\n start_action = start\n"   \
    "} } } }"

START_TEST(who_initiates)
{
    static const struct {
        const char *settings;
        bool host;
        uint32_t peers;
    } rows[] = {
        {"", false, 3},
        {"remote_addrs = %any", false, 3},
        {"remote_addrs = 0.0.0.0/0, ::/0", false, 3},
        {"remote_addrs = 203.0.113.1-203.0.113.9", false, 3},
        {"remote_addrs = 203.0.113.0/24\n children { c { start_action = start } }", false, 3},
        {"remote_addrs = 203.0.113.9", true, 1},
        {"remote_addrs = gw.example.org", true, 1},
        {"remote_addrs = %any, 203.0.113.9", true, 1},
        {"remote_addrs = 203.0.113.9\n local_addrs = 198.51.100.1", false, 1},
        {"remote_addrs = 203.0.113.9\n local_addrs = %any", true, 1},
        {"remote_addrs = 203.0.113.9\n local_addrs = 198.51.100.1\n"
         "children { c { start_action = trap } }",
         true, 1},
        {"remote_addrs = 203.0.113.9\n local_addrs = 198.51.100.1\n"
         "children { c { start_action = trap|start } }",
         true, 1},
        {"remote { id = one.example.org }", false, 1},
        {"remote { id = *.example.org }", false, 3},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char conf[512];
        struct text out;
        struct scenario s;

        snprintf(conf, sizeof conf, "connections { a { %s\n } }", rows[i].settings);
        s = scenario_of(conf, &usual, &out);
        ck_assert_uint_eq(s.group_count, 2);
        ck_assert_msg(group(&s, "a")->role == ROLE_INITIATOR, "%s", rows[i].settings);
        ck_assert_msg(group(&s, "a")->count == rows[i].peers, "%s", rows[i].settings);
        ck_assert(group(&s, rows[i].host ? "a-peer" : "gw")->role == ROLE_RESPONDER);
        scenario_reset(&s);
        text_reset(&out);
    }
}
END_TEST

START_TEST(both_sides_of_a_site)
{
    struct text out;
    struct scenario s = scenario_of(SITE, &usual, &out);
    const struct scenario_group *site = group(&s, "site"), *peer = group(&s, "site-peer");

    ck_assert_uint_eq(load_be32(site->addresses.addr.bytes), 0xcb007101);
    ck_assert_uint_eq(load_be32(peer->addresses.addr.bytes), 0xc6336401);
    ck_assert_uint_eq(site->protect_count, 1);
    ck_assert_uint_eq(load_be32(site->protects[0].addr.bytes), 0x0a010000);
    ck_assert_uint_eq(load_be32(peer->protects[0].addr.bytes), 0x0a020000);
    ck_assert_uint_eq(site->child_words.remote_ts_count, 1);
    ck_assert_uint_eq(site->ike_words.rekey_time, UINT64_C(14400000000000));
    ck_assert_uint_eq(site->ike_words.retransmit_timeout, UINT64_C(4000000000));
    ck_assert(!site->ike_words.initial_contact);
    scenario_reset(&s);
    text_reset(&out);
}
END_TEST

/* What stands in the connection or child, and what must stand in the scenario. */
START_TEST(words)
{
    static const struct {
        const char *connection, *child, *expected; /* "!": must not be there */
    } rows[] = {
        {"rekey_time = 90m", "", "rekey_time: 90min"},
        {"rekey_time = 0", "", "rekey_time: 0s"},
        {"rekey_time = 2x", "", "s.conf:1: rekey_time = 2x: is no value that can be read"},
        {"rekey_time = 1h\nrand_time = 1h", "", "rand_time = 1h: must be less than 'rekey_time'"},
        {"rand_time = 30m", "", "rand_time: 30min"},
        {"reauth_time = 3h", "", "rekey_time: 0s"},
        {"reauth_time = 3h\nrekey_time = 1h", "", "rekey_time: 1h"},
        {"reauth_time = 0", "", "!reauth"},
        {"over_time = 7m", "", "over_time: 7min"},
        {"dpd_delay = 30", "", "dpd_delay: 30s"},
        {"encap = yes", "", "encap: true"},
        {"encap = maybe", "", "encap = maybe: is neither yes nor no"},
        {"mobike = yes", "", "mobike: true"},
        {"mobike = no", "", "mobike: false"},
        {"fragmentation = false", "", "!fragmentation"},
        {"unique = replace", "", "initial_contact: true"},
        {"unique = never", "", "initial_contact: false"},
        {"version = 0", "", "!version"},
        {"version = 3", "", "version = 3: there are versions 0, 1 and 2"},
        {"aggressive = yes", "", "aggressive = yes: Aggressive Mode is of IKEv1"},
        {"local { auth = xauth }", "", "auth = xauth: XAuth is of IKEv1, and this"},
        {"vips = 0.0.0.0", "", "vips = 0.0.0.0: addresses from pools are of IKEv1 only"},
        {"rekey_tiem = 1h", "", "Ikelab knows no such setting; did you mean 'rekey_time'?"},
        {"proposals = aes128-sha256-x25519, 3des-sha1-modp2048", "",
         "proposals: [aes128-sha256-x25519]"},
        {"proposals = aes128-sha256-x25519, 3des-sha1-modp2048", "",
         "'3des-sha1-modp2048' is left out, Ikelab has no '3des'"},
        {"", "esp_proposals = aes256gcm16-esn", "esp_proposals: [aes256gcm16-esn]"},
        {"", "mode = transport", "mode: transport"},
        {"", "mode = tunnel", "!mode"},
        {"", "mode = beet", "mode = beet: Ikelab has tunnel and transport mode"},
        {"", "rekey_time = 10m\nlife_time = 12m\nrand_time = 1m", "life_time: 12min"},
        {"", "life_time = 30m", "life_time = 30m: must not be less than 'rekey_time'"},
        {"", "rekey_bytes = 100m", "rekey_bytes: 100MiB"},
        {"", "rekey_bytes = 100m\nlife_bytes = 50m", "life_bytes = 50m: must not be less"},
        {"", "life_packets = 1000", "life_packets: 1000"},
        {"", "replay_window = 0", "replay_window: 0"},
        {"", "replay_window = 70000", "lies outside what a scenario takes"},
        {"", "local_ts = 0.0.0.0/0", "local_ts: [\"0.0.0.0/0\"]"},
        {"", "local_ts = 10.200.0.0/16", "local_ts: [\"10.200.0.0/16\"]"},
        {"", "local_ts = 10.1.2.3/16, dynamic", "protects: [\"10.1.0.0/16\"]"},
        {"", "local_ts = 10.1.0.0/16[udp]", "'10.1.0.0/16[udp]': a scenario's selectors"},
        {"", "local_ts = 2001:db8::/32", "'2001:db8::/32': traffic inside the tunnels is IPv4"},
        {"", "remote_ts = 10.9.0.0/24", "3 peers cannot all speak for one network"},
        {"", "remote_ts = 0.0.0.0/0", "!remote_ts"},
        {"", "updown = x", "updown = x: no scripts are run"},
        {"", "start_action = none", "!start_action"},
        {"", "tfc_padding = 0", "!tfc_padding"},
        {"", "tfc_padding = 1400", "tfc_padding: 1400B"},
        {"", "tfc_padding = mtu", "tfc_padding: mtu"},
        {"", "tfc_padding = 65535", "tfc_padding = 65535: is no value that can be read"},
        {"local_addrs = 192.168.1.1", "", "that the address plan gives out"},
        {"local_addrs = 2001:db8::1", "", "both ends need an IPv6 address"},
        {"local { auth = pubkey }", "",
         "auth = pubkey: keys and certificates are not carried over"},
        {"local { auth = pubkey }", "", "auth: ecdsa\n"},
        {"local { auth = rsa-3072-sha384 }", "", "auth: rsa-sha256\n"},
        {"local { auth = rsa/pss-sha256 }", "", "auth: rsa\n"},
        {"local { auth = ecdsa-384-sha384 }", "", "auth: ecdsa-384\n"},
        {"remote { auth = ed25519 }", "", "auth: ed25519\n"},
        {"local { auth = eap-tls }", "", "auth = eap-tls: Ikelab has no EAP yet"},
        {"local { id = gw.example.org }", "", "id: \"gw.example.org\""},
        {"remote { id = *@example.org }", "", "id: \"user{n}@example.org\""},
        {"local { id = 10.0.0.1 }", "", "id = 10.0.0.1: an identity in a scenario is"},
        {"key = \"a\\nb\\x\x01\"", "", NULL},
        {"key = \"a\\nb\xc3\xbc\"", "", "key = a\\nb\\xc3\\xbc: Ikelab knows no such setting"},
        {"rekey_time = 1h\nrekey_time = 2h", "", "rekey_time = 1h: another setting of this name"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char conf[1024];
        struct text out;
        struct scenario s;
        const char *expected = rows[i].expected;

        snprintf(conf, sizeof conf, "connections { a { %s\n children { c { %s\n } } } }",
                 rows[i].connection, rows[i].child);
        if (!expected) {
            ck_assert_int_eq(import(conf, &usual, &out), ERR_USAGE);
            text_reset(&out);
            continue;
        }
        s = scenario_of(conf, &usual, &out);
        ck_assert_msg((strstr(out.data, expected + (*expected == '!')) != NULL) ==
                          (*expected != '!'),
                      "%s\n%s\n%s", conf, expected, out.data);
        scenario_reset(&s);
        text_reset(&out);
    }
}
END_TEST

/* The same in a connection with `version = 1` that answers three; `rest` stands behind it. */
START_TEST(words_of_version_1)
{
#define POOL(addrs) "pools { inside { addrs = " addrs "\n dns = 10.1.0.53 } }"
    static const struct {
        const char *connection, *child, *rest, *expected;
    } rows[] = {
        {"", "", "", "version: 1"},
        {"", "", "", "proposals: [aes128-aes192-aes256-sha256-sha384-sha512-sha1-ecp256"},
        {"", "", "", "!chacha20poly1305"},
        {"aggressive = yes", "", "", "mode: aggressive"},
        {"aggressive = no", "", "", "!aggressive"},
        {"aggressive = maybe", "", "", "aggressive = maybe: is neither yes nor no"},
        {"proposals = aes256gcm16-prfsha256-ecp256, aes256-sha256-modp2048", "", "",
         "proposals: [aes256-sha256-modp2048]"},
        {"proposals = aes256gcm16-prfsha256-ecp256, aes256-sha256-modp2048", "", "",
         "'aes256gcm16-prfsha256-ecp256' is left out, IKEv1 has no words for it"},
        {"", "esp_proposals = aes256-sha256-esn, aes128-sha1-modp2048", "",
         "esp_proposals: [aes128-sha1-modp2048]"},
        {"", "local_ts = 10.1.0.0/16, 10.2.0.0/16", "", "protects: [\"10.1.0.0/16\"]"},
        {"", "local_ts = 10.1.0.0/16, 10.2.0.0/16", "", "'10.2.0.0/16': a side has at most 1"},
        {"", "tfc_padding = mtu", "", "tfc_padding = mtu: nobody says in IKEv1"},
        {"", "tfc_padding = 0", "", "!tfc_padding"},
        {"mobike = yes", "", "", "mobike = yes: IKEv1 has no MOBIKE"},
        {"mobike = no", "", "", "mobike: false"},
        {"reauth_time = 3h", "", "", "rekey_time: 3h"},
        {"reauth_time = 3h", "", "", "!reauth_time"},
        {"reauth_time = 3h\nrekey_time = 1h", "", "", "rekey_time: 1h"},
        {"reauth_time = 3h\nrekey_time = 1h", "", "", "reauth_time = 3h: 'rekey_time' makes"},
        {"reauth_time = 3h\nrand_time = 200m", "", "", "reauth_time = 3h: 'rekey_time' makes"},
        {"reauth_time = 3x", "", "", "reauth_time = 3x: is no value that can be read"},
        {"dpd_delay = 30s\ndpd_timeout = 90s", "", "", "dpd_timeout = 90s: the retransmissions"},
        {"local { auth = pubkey }\nremote { auth = pubkey }", "", "", "auth: rsa\n"},
        {"local { auth = psk }\nremote { auth = pubkey }", "", "",
         "auth = psk: IKEv1 proves both sides in one way: rsa here"},
        {"local { auth = ed25519 }\nremote { auth = ed25519 }", "", "",
         "auth = ed25519: IKEv1 has no such signatures"},
        {"local { auth = ecdsa-384 }\nremote { auth = ecdsa-384 }", "", "", "auth: ecdsa-384\n"},
        {"local { auth = psk }\nremote { auth = psk }\nremote-2 { auth = xauth }", "", "",
         "xauth: true"},
        {"local { auth = psk }\nremote { auth = psk }\nlocal-2 { auth = xauth }", "", "",
         "auth = xauth: in a scenario the initiator is the user"},
        {"local { auth = pubkey }\nremote { auth = xauth }", "", "", "auth: null\n"},
        {"local { auth = psk }\nremote { auth = xauth }", "", "",
         "auth = psk: a user with a password alone is shown RSA: rsa here"},
        {"local { auth = xauth }\nremote { auth = xauth }", "", "", "auth: rsa\n"},
        {"local { auth = ecdsa }\nremote-1 { auth = ecdsa }\nremote-2 { auth = xauth }", "", "",
         "test certificates are made for the run; XAuth goes with psk and RSA: rsa here"},
        {"pools = inside", "", POOL("10.99.0.0/24"), "address_pool: \"10.99.0.0/24\""},
        {"pools = inside", "", POOL("10.99.0.0/24"), "ask_address: true"},
        {"pools = inside", "", POOL("10.99.0.0/24"), "dns = 10.1.0.53: of pools a scenario has"},
        {"pools = inside", "", POOL("10.99.0.0/30"), "with an address for each of 3 peers"},
        {"pools = inside", "", POOL("10.99.0.1-10.99.0.9"), "which is a network with an address"},
        {"pools = outside", "", POOL("10.99.0.0/24"), "!address_pool"},
        {"vips = 0.0.0.0", "", "", "vips = 0.0.0.0: in a scenario initiators ask"},
        {"remote_addrs = 203.0.113.9\nvips = 0.0.0.0", "", "", "ask_address: true"},
        {"remote_addrs = 203.0.113.9\nvips = 10.3.0.7", "", "", "vips = 10.3.0.7: one address is"},
        {"remote_addrs = 203.0.113.9\npools = inside", "", "", "in a scenario responders give"},
        {"remote_addrs = 203.0.113.9\nlocal { auth = psk }\nremote { auth = psk }\n"
         "local-2 { auth = xauth\n xauth_id = dave }",
         "", "", "xauth_user: \"dave\""},
    };
#undef POOL

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *expected = rows[i].expected;
        char conf[1024];
        struct text out;
        struct scenario s;

        snprintf(conf, sizeof conf,
                 "connections { a { version = 1\n%s\n children { c { %s\n} } } }\n%s",
                 rows[i].connection, rows[i].child, rows[i].rest);
        s = scenario_of(conf, &usual, &out);
        ck_assert_msg((strstr(out.data, expected + (*expected == '!')) != NULL) ==
                          (*expected != '!'),
                      "%s\n%s\n%s", conf, expected, out.data);
        scenario_reset(&s);
        text_reset(&out);
    }
}
END_TEST

START_TEST(charon_sets_the_timers)
{
    struct text out;
    struct scenario s =
        scenario_of(SITE "charon { retransmit_timeout = 0.5\n retransmit_base = 1.25\n"
                         "retransmit_tries = 7\n retransmit_jitter = 20\n retransmit_limit = 9\n"
                         "keep_alive = 1m\n half_open_timeout = 5\n }",
                    &usual, &out);
    const struct ike_words *w = &group(&s, "site")->ike_words;

    ck_assert_uint_eq(w->retransmit_timeout, 500000000);
    ck_assert_uint_eq(w->retransmit_base, 1250);
    ck_assert_uint_eq(w->retransmit_tries, 7);
    ck_assert_uint_eq(w->retransmit_jitter, UINT64_C(858993459));
    ck_assert_uint_eq(w->retransmit_limit, UINT64_C(9000000000));
    ck_assert_uint_eq(w->nat_keepalive, UINT64_C(60000000000));
    ck_assert_uint_eq(w->half_open_timeout, UINT64_C(5000000000));
    scenario_reset(&s);
    text_reset(&out);
}
END_TEST

#define TWO(first, second, secrets)                                                                \
    "connections { a { local_addrs = 198.51.100.1\n" first PSK "}\n"                               \
    "b { local_addrs = 198.51.100.1\n" second PSK "} }\n" secrets

START_TEST(one_gateway_where_possible)
{
    struct text out;
    struct scenario s = scenario_of(TWO("encap = yes\n", "encap = yes\n", ""), &usual, &out);

    ck_assert_uint_eq(s.group_count, 3);
    ck_assert_int_eq(group(&s, "a")->connect, group(&s, "b")->connect);
    ck_assert(group(&s, "gw")->ike_words.encap);
    scenario_reset(&s);
    text_reset(&out);
    s = scenario_of(TWO("encap = yes\n", "encap = no\n", ""), &usual, &out);
    ck_assert_uint_eq(s.group_count, 4);
    ck_assert(group(&s, "a-gw")->ike_words.encap && !group(&s, "b-gw")->ike_words.encap);
    ck_assert(group(&s, "a")->ike_words.encap && !group(&s, "b")->ike_words.encap);
    ck_assert_ptr_nonnull(strstr(out.data, "local_addrs = 198.51.100.1: another group"));
    scenario_reset(&s);
    text_reset(&out);
}
END_TEST

START_TEST(names_of_groups)
{
    static const char *const names[] = {
        "null",
        "x-y",
        "1",
        "gw",
        "\xc3\xa4",
        "a.b",
        "a-b",
        "a-name-that-is-much-longer-than-thirty-two-characters",
        "a-name-that-is-much-longer-than-thirty-two-characters-2",
    };
    char conf[2048] = "connections {\n";
    struct text out;
    struct scenario s;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sprintf(conf + strlen(conf), "%s { encap = %s\n}\n", names[i], i % 2 ? "yes" : "no");
    strcat(conf, "}");
    s = scenario_of(conf, &usual, &out);
    ck_assert_uint_eq(s.link_count, sizeof names / sizeof *names);
    scenario_reset(&s);
    text_reset(&out);
}
END_TEST

#define SECRETS                                                                                    \
    "secrets { ike-1 { id = other.example.org\n secret = wrong1 }\n"                               \
    "ike-2 { secret = \"good \\\"one\\\" \\\\\" }\n ike-3 { id = x\n secert = wrong2 } }"

START_TEST(secrets_stay_out)
{
    struct swanctl_options with = {.clients = 3, .with_secrets = true};
    struct text out;
    struct scenario s = scenario_of(SITE SECRETS, &usual, &out);

    ck_assert_str_eq(group(&s, "site")->ike_words.psk, "a-test-secret");
    ck_assert(!strstr(out.data, "wrong1") && !strstr(out.data, "good") &&
              !strstr(out.data, "wrong2"));
    ck_assert_ptr_nonnull(strstr(out.data, "secret = (not shown): not copied"));
    scenario_reset(&s);
    text_reset(&out);
    s = scenario_of(SITE SECRETS, &with, &out);
    ck_assert_str_eq(group(&s, "site")->ike_words.psk, "good \"one\" \\");
    ck_assert(!strstr(out.data, "wrong1") && !strstr(out.data, "wrong2"));
    scenario_reset(&s);
    text_reset(&out);
}
END_TEST

START_TEST(secrets_by_identity)
{
    static const struct {
        const char *secrets, *psk;
    } rows[] = {
        {"ike { secret = any }", "any"},
        {"ike-a { secret = any }\n ike-b { id = 198.51.100.1\n secret = peer }", "peer"},
        {"ike-b { id-1 = 203.0.113.1\n id-2 = 198.51.100.1\n secret = both }\n"
         "ike-a { id = 203.0.113.1\n secret = host }",
         "both"},
        {"ike-a { id = nobody\n secret = other }", "a-test-secret"},
        {"ike-a { secret = 0x1234 }", "a-test-secret"},
        {"ike-a { secret = 0sAAAA }", "a-test-secret"},
        {"ike-a { secret = \"\xc3\xa4\" }", "a-test-secret"},
        {"eap-a { secret = eap }", "a-test-secret"},
        {"ike-a { id = x }", "a-test-secret"},
    };
    struct swanctl_options with = {.clients = 3, .with_secrets = true};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char conf[1024];
        struct text out;
        struct scenario s;

        snprintf(conf, sizeof conf, "%s\nsecrets { %s\n }", SITE, rows[i].secrets);
        s = scenario_of(conf, &with, &out);
        ck_assert_str_eq(group(&s, "site")->ike_words.psk, rows[i].psk);
        scenario_reset(&s);
        text_reset(&out);
    }
}
END_TEST

START_TEST(nothing_to_import)
{
    static const struct {
        const char *conf, *words;
    } rows[] = {
        {"", "s.conf:1:1: error: there is no connection to simulate"},
        {"secrets { ike { secret = x } }", "no connection"},
        {"connections { }", "no connection"},
        {"connections { a { children { c { mode = drop } } } }", "no connection"},
        {"connections { a {\n proposals = 3des-md5-modp768\n } }",
         "s.conf:2:14: error: no proposal is left: '3des-md5-modp768' is left out, Ikelab has no "
         "'3des'"},
        {"connections { a { children { c { esp_proposals = blowfish-sha1 } } } }",
         "s.conf:1:50: error: no proposal is left"},
        {"connections { a { proposals = , } }", "no proposal is left: there is none"},
        {"connections { a { version = 1\n proposals = aes256gcm16-prfsha256-x25519\n } }",
         "s.conf:2:14: error: no proposal is left: 'aes256gcm16-prfsha256-x25519' is left out, "
         "IKEv1 has no words for it"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text out;

        ck_assert_int_eq(import(rows[i].conf, &usual, &out), ERR_USAGE);
        ck_assert_msg(strstr(errors, rows[i].words) != NULL, "%s\n%s", rows[i].conf, errors);
        text_reset(&out);
    }
}
END_TEST

SUITE("swanctl_import", who_initiates, both_sides_of_a_site, words, words_of_version_1,
      charon_sets_the_timers, one_gateway_where_possible, names_of_groups, secrets_stay_out,
      secrets_by_identity, nothing_to_import)
