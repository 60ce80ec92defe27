#include "sim/scenario_keys.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define AT(type, field) offsetof(struct type, field)
#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)

static const char *const auth_words[] = {
#define X(symbol, word, way, key, suite) word,
    AUTH_WORD_LIST(X)
#undef X
        NULL,
};

static const char *const quirk_words[] = {
#define X(symbol, name, about) name,
    IKE_QUIRK_LIST(X)
#undef X
        NULL,
};

static const char *const action_words[ACTION_COUNT + 1] = {
    [ACTION_REBOOT] = "reboot",
    [ACTION_CRASH] = "crash",
    [ACTION_RESTART] = "restart",
    [ACTION_LINK_DOWN] = "link_down",
    [ACTION_LINK_UP] = "link_up",
    [ACTION_SWITCH] = "switch",
    [ACTION_LOOKUP_OUTAGE] = "lookup_outage",
    [ACTION_REKEY_CHILD] = "rekey_child",
    [ACTION_NEW_CHILD] = "new_child",
    [ACTION_DELETE_CHILD] = "delete_child",
    [ACTION_REKEY_IKE] = "rekey_ike",
    [ACTION_TERMINATE] = "terminate",
    [ACTION_PROBE] = "probe",
    [ACTION_SKIP_SEQUENCE] = "skip_sequence",
};

static const char *const role_words[] = {
    [ROLE_INITIATOR] = "initiator", [ROLE_RESPONDER] = "responder", [ROLE_NAT] = "nat",
    [ROLE_ROUTER] = "router",       [ROLE_ATTACKER] = "attacker",   NULL};

const char *node_role_name(enum node_role role)
{
    return role_words[role];
}

static const char *const look_words[] = {
#define X(symbol, word) word,
    LESSON_LOOK_LIST(X)
#undef X
        NULL,
};

const char *lesson_look_name(enum lesson_look look)
{
    return look_words[look];
}

const char *action_name(enum event_action action)
{
    return action_words[action];
}

/* A table reads better in its own lines: */
/* clang-format off */
static const struct key scenario_keys[] = {
    {.name = "ikelab", .type = KEY_COUNT, .section = SECTION_NONE, .offset = SIZE_MAX,
     .required = true, .min = 1, .max = 1,
     .doc = "Version of the scenario format; this program reads version 1.", .example = "1"},
    {.name = "name", .type = KEY_NAME, .offset = AT(scenario, name),
     .otherwise = "=the file's name",
     .doc = "Names the run and its folder: letters, digits, '-' and '_'.",
     .example = "road-warriors"},
    {.name = "seed", .type = KEY_COUNT64, .offset = AT(scenario, seed), .otherwise = "1",
     .doc = "Names all random streams: same scenario, seed and version, same run.", .example = "1"},
    {.name = "stop_time", .type = KEY_TIME, .offset = AT(scenario, stop_time), .required = true,
     .min = 1, .max = 366 * 24 * HOUR, .doc = "Simulated time at which the run ends.",
     .example = "2min"},
    {.name = "crypto", .type = KEY_CHOICE, .offset = AT(scenario, crypto_modelled),
     .otherwise = "real", .words = WORDS("real", "modelled"),
     .doc = "real computes every key and byte; modelled keeps sizes and failures but is fast and "
            "NOT secure. The packet timeline is the same.", .example = "modelled"},
    {.name = "measure", .type = KEY_SECTION, .section = SECTION_MEASURE,
     .doc = "From when rates and percentiles count, and how finely series are written."},
    {.name = "ike", .type = KEY_SECTION, .section = SECTION_IKE, .offset = AT(scenario, ike),
     .doc = "How IKE SAs are negotiated and kept; a group's own `ike:` overrides it."},
    {.name = "child", .type = KEY_SECTION, .section = SECTION_CHILD, .offset = AT(scenario, child),
     .doc = "How child SAs (ESP) are negotiated and kept; a group's own `child:` overrides it."},
    {.name = "pki", .type = KEY_SECTION, .section = SECTION_PKI, .offset = AT(scenario, pki),
     .doc = "Test credentials of groups whose `ike.auth` is a signature, made from the seed at the "
            "start of the run, which is 2026-01-01 00:00:00 UTC for certificates; each kind of "
            "key has authorities of its own."},
    {.name = "nodes", .type = KEY_MAP, .section = SECTION_GROUP, .required = true,
     .doc = "The machines. Each entry is a group of `count` equal members."},
    {.name = "links", .type = KEY_MAP, .section = SECTION_LINK, .required = true,
     .doc = "What joins the groups, in the words of tc-netem. Every path must be unique."},
    {.name = "traffic", .type = KEY_MAP, .section = SECTION_FLOW,
     .doc = "Inner packets through the tunnels, per tunnel."},
    {.name = "events", .type = KEY_LIST, .section = SECTION_EVENT,
     .doc = "What happens at fixed times: reboots, crashes, links going down."},
    {.name = "capture", .type = KEY_CAPTURE, .section = SECTION_CAPTURE,
     .offset = AT(scenario, capture),
     .otherwise = "=the first 10 members of each group; none above 10,000 nodes or with attackers",
     .doc = "Whose packets are captured, with the keys to read them; or none.", .example = "none"},
    {.name = "thresholds", .type = KEY_THRESHOLDS,
     .doc = "What must hold at the end, or the run exits 3: paths of `virtual` in result.json, "
            "with @group, @link or @flow, and comparisons of value, count, min, mean, max or p(N).",
     .example = "{ike.setup_time_s: [\"p(99)<2s\"], ike.failed: [\"count==0\"]}"},
    {.name = "sweep", .type = KEY_SECTION, .section = SECTION_SWEEP, .offset = AT(scenario, sweep),
     .doc = "Values to try in turn; obeyed by `ikelab sweep`, ignored by `ikelab run`."},
    {.name = "lesson", .type = KEY_SECTION, .section = SECTION_LESSON,
     .offset = AT(scenario, lesson),
     .doc = "What the scenario teaches, for the report and `ikelab explain`; the run ignores it."},
};

static const struct key measure_keys[] = {
    {.name = "from", .type = KEY_TIME, .offset = AT(scenario, measure_from), .otherwise = "0s",
     .doc = "Rates and percentiles count from here.", .example = "10s"},
    {.name = "series_interval", .type = KEY_TIME, .offset = AT(scenario, series_interval),
     .otherwise = "1s", .min = 1000000, .doc = "Time between two rows of a series.",
     .example = "500ms"},
};

static const struct key ike_keys[] = {
    {.name = "preset", .type = KEY_PRESET,
     .words = WORDS("strongswan-6.0", "libreswan-4.10", "libreswan-2026-08", "openiked-7.2"),
     .doc = "Timers of a known daemon, for IKE and child SAs; keys written beside it win.",
     .example = "strongswan-6.0"},
    {.name = "version", .type = KEY_COUNT, .offset = AT(ike_words, version), .otherwise = "2",
     .max = VERSION_WORDS - 1,
     .doc = "Major version of IKE: what an initiator calls with, what a responder answers. 0 is as "
            "in strongSwan: both are answered, and version 2 is called with.", .example = "1"},
    {.name = "mode", .type = KEY_WORD, .offset = AT(ike_words, phase1), .otherwise = "main",
     .words = WORDS("main", "aggressive"),
     .doc = "With version 1, how phase 1 is begun: Main Mode hides identities in 6 messages, "
            "Aggressive Mode shows them, and a hash of the shared secret, in 3. Who is called takes "
            "Main Mode, and with aggressive both.", .example = "aggressive"},
    {.name = "proposals", .type = KEY_TEXTS, .offset = AT(ike_words, proposals),
     .otherwise = "aes256gcm16-prfsha256-x25519",
     .doc = "IKE proposals in strongSwan's notation, in order of preference.",
     .example = "[aes256gcm16-prfsha256-x25519, aes128-sha256-ecp256]"},
    {.name = "auth", .type = KEY_WORD, .offset = AT(ike_words, auth), .otherwise = "psk",
     .words = auth_words,
     .doc = "How this side proves who it is; each side accepts the ways of those it connects to. "
            "rsa is rsa/pss-sha256, ecdsa is ecdsa-256, null proves nothing (RFC 7619). With version "
            "1 both sides have the same: psk, rsa, or ecdsa of one curve; or rsa-encryption "
            "(RFC 2409 §5.2) or rsa-encryption-revised (RFC 2409 §5.3), where each has the other's "
            "certificate and reads what was encrypted to its own: what PKCS #1 v1.5 is attacked by, "
            "for labs only.",
     .example = "ecdsa"},
    {.name = "send_cert", .type = KEY_WORD, .offset = AT(ike_words, send_cert),
     .otherwise = "ifasked", .words = WORDS("ifasked", "always", "never"),
     .doc = "When certificates or raw keys are sent; a peer that was sent none refuses, as it "
            "knows none.", .example = "always"},
    {.name = "lookup", .type = KEY_SECTION, .section = SECTION_LOOKUP,
     .offset = AT(ike_words, lookup),
     .doc = "Before a peer's proof is judged a server is asked (CRL, OCSP, AAA), which takes time; "
            "meanwhile the exchange waits."},
    {.name = "psk", .type = KEY_TEXT, .offset = AT(ike_words, psk), .otherwise = "ikelab",
     .max = PSK_MAX,
     .doc = "The shared secret, a test credential; peers with different ones cannot connect.",
     .example = "\"not-the-same\""},
    {.name = "id", .type = KEY_TEXT, .offset = AT(ike_words, id),
     .otherwise = "=GROUP-N.ikelab.example", .max = ID_MAX - 8,
     .doc = "Identity, a domain name or with '@' a mail address; {n} stands for the member.",
     .example = "\"home{n}.example\""},
    {.name = "rekey_time", .type = KEY_TIME, .offset = AT(ike_words, rekey_time), .otherwise = "4h",
     .doc = "IKE SAs are rekeyed at this age less a random part of rand_time; 0s: never.",
     .example = "30min"},
    {.name = "over_time", .type = KEY_TIME, .offset = AT(ike_words, over_time),
     .otherwise = "=a tenth of rekey_time or reauth_time, the longer",
     .doc = "An IKE SA that was not rekeyed is deleted this long after rekey_time, or without one "
            "after reauth_time.",
     .example = "3min"},
    {.name = "rand_time", .type = KEY_TIME, .offset = AT(ike_words, rand_time),
     .otherwise = "=over_time",
     .doc = "Up to this much is taken off rekey_time and reauth_time at random.",
     .example = "3min"},
    {.name = "reauth_time", .type = KEY_TIME, .offset = AT(ike_words, reauth_time),
     .otherwise = "0s",
     .doc = "At this age, less a random part of rand_time, an initiator authenticates anew: one "
            "more IKE SA with as many child SAs. A responder says it (AUTH_LIFETIME, RFC 4478) and "
            "ends what is older; 0s: never.", .example = "3h"},
    {.name = "make_before_break", .type = KEY_BOOL, .offset = AT(ike_words, make_before_break),
     .otherwise = "false",
     .doc = "With reauth_time: the other IKE SA comes up beside the old one, not after its end. A "
            "responder with it takes a second IKE SA of a peer for this, and uses its child SAs "
            "when the peer does.", .example = "true"},
    {.name = "childless", .type = KEY_WORD, .offset = AT(ike_words, childless),
     .otherwise = "never", .words = WORDS("never", "allow", "prefer", "force"),
     .doc = "IKE_AUTH without a child SA (RFC 6023), which is made in an exchange of its own: "
            "served (allow), also asked for where the responder can (prefer), or nothing else "
            "(force).", .example = "prefer"},
    {.name = "mobike", .type = KEY_BOOL, .offset = AT(ike_words, mobike), .otherwise = "false",
     .doc = "MOBIKE (RFC 4555), if both ends have it and in tunnel mode: IKE SA and child SAs stay "
            "when the initiator has another address, or its NAT another one for it. IKE goes to "
            "port 4500 without a NAT, too.", .example = "true"},
    {.name = "mobike_check", .type = KEY_WORD, .offset = AT(ike_words, mobike_check),
     .otherwise = "before", .words = WORDS("before", "after", "never"),
     .doc = "When a responder asks for an answer from an initiator's new address (COOKIE2): before "
            "ESP follows it there, after that, or never.", .example = "after"},
    {.name = "mobike_from", .type = KEY_PREFIX, .offset = AT(ike_words, mobike_from),
     .otherwise = "=anywhere",
     .doc = "Where initiators may move to; others are told UNACCEPTABLE_ADDRESSES.",
     .example = "100.64.0.0/10"},
    {.name = "mobike_no_nats", .type = KEY_BOOL, .offset = AT(ike_words, mobike_no_nats),
     .otherwise = "false",
     .doc = "As initiator with mobike: say NO_NATS_ALLOWED; a responder that sees other addresses "
            "refuses.", .example = "true"},
    {.name = "dpd_delay", .type = KEY_TIME, .offset = AT(ike_words, dpd_delay), .otherwise = "0s",
     .doc = "A peer silent for this long is asked whether it is alive; 0s: never.",
     .example = "30s"},
    {.name = "nat_keepalive", .type = KEY_TIME, .offset = AT(ike_words, nat_keepalive),
     .otherwise = "20s", .doc = "Time between NAT keepalives from behind a NAT; 0s: none.",
     .example = "20s"},
    {.name = "half_open_timeout", .type = KEY_TIME, .offset = AT(ike_words, half_open_timeout),
     .otherwise = "30s", .min = 1,
     .doc = "A responder forgets a handshake that is not authenticated by then.", .example = "30s"},
    {.name = "retransmit_timeout", .type = KEY_TIME, .offset = AT(ike_words, retransmit_timeout),
     .otherwise = "4s", .min = 1000000, .max = HOUR,
     .doc = "Time to the first retransmission of a request.", .example = "500ms"},
    {.name = "retransmit_base", .type = KEY_MILLI, .offset = AT(ike_words, retransmit_base),
     .otherwise = "1.8", .min = 1000, .max = 10000,
     .doc = "Each interval is this many times the one before.", .example = "1.8"},
    {.name = "retransmit_tries", .type = KEY_COUNT, .offset = AT(ike_words, retransmit_tries),
     .otherwise = "5", .max = 100, .doc = "Retransmissions before a request is given up.",
     .example = "5"},
    {.name = "retransmit_jitter", .type = KEY_PROBABILITY,
     .offset = AT(ike_words, retransmit_jitter), .otherwise = "0%",
     .doc = "Up to this share is taken off each interval at random.", .example = "10%"},
    {.name = "retransmit_limit", .type = KEY_TIME, .offset = AT(ike_words, retransmit_limit),
     .otherwise = "0s", .doc = "Longest interval between retransmissions; 0s: no limit.",
     .example = "30s"},
    {.name = "window", .type = KEY_COUNT, .offset = AT(ike_words, window), .otherwise = "1",
     .min = 1, .max = WINDOW_MAX,
     .doc = "Requests served out of order and in flight at once in an IKE SA, if the peer allows; "
            "above 1 it is announced (SET_WINDOW_SIZE).", .example = "4"},
    {.name = "encap", .type = KEY_BOOL, .offset = AT(ike_words, encap), .otherwise = "false",
     .doc = "Claim a NAT in NAT detection, which forces UDP encapsulation of ESP.",
     .example = "true"},
    {.name = "initial_contact", .type = KEY_BOOL, .offset = AT(ike_words, initial_contact),
     .otherwise = "true",
     .doc = "Send INITIAL_CONTACT, so that the peer forgets older IKE SAs of this identity.",
     .example = "false"},
    {.name = "quirks", .type = KEY_TEXTS, .offset = AT(ike_words, quirks), .otherwise = "=none",
     .words = quirk_words,
     .doc = "Deliberately wrong: bugs that daemons had, by daemon and number in its tracker, to be "
            "seen at work; docs/explore.md tells what each does.",
     .example = "[strongswan-1896]"},
    {.name = "fragmentation", .type = KEY_WORD, .offset = AT(ike_words, fragmentation),
     .otherwise = "no", .words = WORDS("no", "accept", "yes"),
     .doc = "IKE messages in fragments (RFC 7383; with version 1 those that a vendor ID announces), "
            "if both ends announce it: understood (accept), also made of what is longer than "
            "fragment_size (yes).", .example = "yes"},
    {.name = "fragment_size", .type = KEY_SIZE32, .offset = AT(ike_words, fragment_size),
     .otherwise = "1280B", .min = 576, .max = 16384,
     .doc = "The longest IP packet that an IKE message may make; longer ones leave in fragments.",
     .example = "576B"},
    {.name = "invalid_message_id", .type = KEY_BOOL, .offset = AT(ike_words, invalid_message_id),
     .otherwise = "false",
     .doc = "Tell the peer of authentic requests beyond the window (INVALID_MESSAGE_ID).",
     .example = "true"},
    {.name = "invalid_spi", .type = KEY_BOOL, .offset = AT(ike_words, invalid_spi),
     .otherwise = "false",
     .doc = "Tell the peer of ESP packets that no SA receives (INVALID_SPI), at most once a second; "
            "told so by anybody, ask the peer whether it is alive.", .example = "true"},
    {.name = "quick_crash_detection", .type = KEY_BOOL,
     .offset = AT(ike_words, quick_crash_detection), .otherwise = "false",
     .doc = "Give the peer a token (RFC 6290), show it when asked under an IKE SA that a crash has "
            "taken, and believe a peer that shows the one it gave.", .example = "true"},
    {.name = "qcd_secret", .type = KEY_WORD, .offset = AT(ike_words, qcd_secret),
     .otherwise = "kept", .words = WORDS("kept", "lost"),
     .doc = "Whether the secret that tokens are made of outlives a crash; with another one nobody "
            "believes them.", .example = "lost"},
    {.name = "xauth", .type = KEY_BOOL, .offset = AT(ike_words, xauth), .otherwise = "false",
     .doc = "With version 1, at both ends: once phase 1 is over the responder asks the initiator "
            "for a user's name and password (XAUTH). `auth` is psk or rsa; with null the user shows "
            "nothing else, and the responder has rsa (hybrid authentication).", .example = "true"},
    {.name = "xauth_user", .type = KEY_TEXT, .offset = AT(ike_words, xauth_user),
     .otherwise = "=the identity", .max = ID_MAX - 8,
     .doc = "The user's name; {n} stands for the member. A responder knows those of all who call "
            "it.", .example = "\"user{n}\""},
    {.name = "xauth_password", .type = KEY_TEXT, .offset = AT(ike_words, xauth_password),
     .otherwise = "ikelab", .max = ID_MAX - 8,
     .doc = "The user's password, a test credential; a responder expects its own of everybody.",
     .example = "\"guess\""},
    {.name = "ask_address", .type = KEY_BOOL, .offset = AT(ike_words, ask_address),
     .otherwise = "false",
     .doc = "As initiator of version 1, ask for an address inside (Mode-Config), and do without the "
            "tunnel if there is none. It is told; traffic has it with `address_only`, else the "
            "addresses of the plan.", .example = "true"},
    {.name = "address_pool", .type = KEY_PREFIX, .offset = AT(ike_words, address_pool),
     .otherwise = "=none",
     .doc = "As responder of version 1: addresses for those who ask, in the order in which they do; "
            "each goes back when its IKE SA is over.", .example = "10.99.0.0/24"},
    {.name = "address_only", .type = KEY_BOOL, .offset = AT(ike_words, address_only),
     .otherwise = "false",
     .doc = "Child SAs are for the address that Mode-Config gave: an initiator asks for no other, "
            "and its traffic goes from there and to there; a responder with a pool refuses all "
            "others.", .example = "true"},
};

static const struct key lookup_keys[] = {
    {.name = "latency", .type = KEY_TIME, .offset = AT(lookup_words, latency), .required = true,
     .otherwise = "=no look-ups", .max = HOUR, .doc = "From the question to the answer.",
     .example = "50ms"},
    {.name = "jitter", .type = KEY_TIME, .offset = AT(lookup_words, jitter), .otherwise = "0s",
     .max = HOUR, .doc = "Spread of the latency, uniform; not above it.", .example = "10ms"},
    {.name = "timeout", .type = KEY_TIME, .offset = AT(lookup_words, timeout), .otherwise = "5s",
     .min = 1, .max = HOUR, .doc = "How long an answer is waited for.", .example = "2s"},
    {.name = "on_timeout", .type = KEY_CHOICE, .offset = AT(lookup_words, accept),
     .otherwise = "refuse", .words = WORDS("refuse", "accept"),
     .doc = "What becomes of the peer when no answer came.", .example = "accept"},
};

static const struct key pki_keys[] = {
    {.name = "form", .type = KEY_WORD, .offset = AT(pki_words, form),
     .otherwise = "certificates", .words = WORDS("certificates", "raw-keys"),
     .doc = "What is shown of a key: an X.509 certificate, or the key by itself, which the other "
            "side knows (RFC 7670).", .example = "raw-keys"},
    {.name = "rsa_bits", .type = KEY_COUNT, .offset = AT(pki_words, rsa_bits),
     .otherwise = "2048", .min = SIGN_RSA_BITS_MIN, .max = SIGN_RSA_BITS_MAX,
     .doc = "Size of RSA keys, also the authorities': 2048, 3072 or 4096.", .example = "3072"},
    {.name = "rsa_keys", .type = KEY_COUNT, .offset = AT(pki_words, rsa_keys), .otherwise = "4",
     .min = 1, .max = 10000,
     .doc = "RSA key pairs that the members of a group share, as making one takes as long as a "
            "hundred certificates; those are each member's own.", .example = "1"},
    {.name = "intermediates", .type = KEY_COUNT, .offset = AT(pki_words, intermediates),
     .otherwise = "0", .max = PKI_INTERMEDIATES_MAX,
     .doc = "Authorities between the root and the members; sent along with each certificate.",
     .example = "1"},
    {.name = "lifetime", .type = KEY_TIME, .offset = AT(pki_words, lifetime),
     .otherwise = "365d", .min = SECOND, .max = 3660 * 24 * HOUR,
     .doc = "The members' certificates expire this long after the start of the run; established "
            "SAs live on.", .example = "30d"},
    {.name = "crl", .type = KEY_WORD, .offset = AT(pki_words, crl), .otherwise = "if-present",
     .words = WORDS("off", "if-present", "required"),
     .doc = "Whether certificate revocation lists count. if-present: those of authorities that "
            "revoked something; required: each authority has one, and it is needed.",
     .example = "required"},
    {.name = "revoked", .type = KEY_MEMBERS, .offset = AT(pki_words, revoked),
     .doc = "Whose certificates are revoked; with raw keys, whose keys are known no more.",
     .example = "[\"homes[0..9]\"]"},
    {.name = "expired", .type = KEY_MEMBERS, .offset = AT(pki_words, expired),
     .doc = "Whose certificates ended a day before the run.", .example = "\"homes[10..19]\""},
    {.name = "not_yet_valid", .type = KEY_MEMBERS, .offset = AT(pki_words, not_yet_valid),
     .doc = "Whose certificates begin a day after the run.", .example = "\"homes[20]\""},
    {.name = "wrong_ca", .type = KEY_MEMBERS, .offset = AT(pki_words, wrong_ca),
     .doc = "Whose certificates are of authorities that nobody trusts.", .example = "\"homes[3]\""},
    {.name = "wrong_identity", .type = KEY_MEMBERS, .offset = AT(pki_words, wrong_identity),
     .doc = "Whose certificates, or known keys, speak for somebody else.",
     .example = "\"homes[4]\""},
};

static const struct key child_keys[] = {
    {.name = "preset", .type = KEY_PRESET,
     .words = WORDS("strongswan-6.0", "libreswan-4.10", "libreswan-2026-08", "openiked-7.2"),
     .doc = "Lifetimes of a known daemon; keys written beside it win.",
     .example = "libreswan-4.10"},
    {.name = "esp_proposals", .type = KEY_TEXTS, .offset = AT(child_words, esp_proposals),
     .otherwise = "aes256gcm16",
     .doc = "ESP proposals in strongSwan's notation; a key exchange in one means PFS on rekeying. "
            "Without an IV in each packet (RFC 8750): aes256gcm16iiv, aes256ccm8iiv, "
            "chacha20poly1305iiv.",
     .example = "[aes256gcm16-x25519]"},
    {.name = "mode", .type = KEY_WORD, .offset = AT(child_words, mode), .otherwise = "tunnel",
     .words = WORDS("tunnel", "transport"), .doc = "Encapsulation mode.", .example = "tunnel"},
    {.name = "rekey_time", .type = KEY_TIME, .offset = AT(child_words, rekey_time),
     .otherwise = "1h",
     .doc = "Child SAs are rekeyed at this age less a random part of rand_time; 0s: never.",
     .example = "10min"},
    {.name = "life_time", .type = KEY_TIME, .offset = AT(child_words, life_time),
     .otherwise = "=rekey_time and a tenth",
     .doc = "Age at which a child SA that was not rekeyed is deleted.", .example = "11min"},
    {.name = "rand_time", .type = KEY_TIME, .offset = AT(child_words, rand_time),
     .otherwise = "=life_time - rekey_time",
     .doc = "Up to this much is taken off rekey_time at random.", .example = "1min"},
    {.name = "rekey_bytes", .type = KEY_SIZE, .offset = AT(child_words, rekey_bytes),
     .otherwise = "0B", .doc = "Rekey after this many bytes; 0B: no limit.", .example = "1GiB"},
    {.name = "life_bytes", .type = KEY_SIZE, .offset = AT(child_words, life_bytes),
     .otherwise = "=rekey_bytes and a tenth", .doc = "Delete after this many bytes; 0B: no limit.",
     .example = "1100MB"},
    {.name = "rekey_packets", .type = KEY_COUNT64, .offset = AT(child_words, rekey_packets),
     .otherwise = "0", .doc = "Rekey after this many packets; 0: no limit.", .example = "1000000"},
    {.name = "life_packets", .type = KEY_COUNT64, .offset = AT(child_words, life_packets),
     .otherwise = "=rekey_packets and a tenth",
     .doc = "Delete after this many packets; 0: no limit.", .example = "1100000"},
    {.name = "replay_window", .type = KEY_COUNT, .offset = AT(child_words, replay_window),
     .otherwise = "32", .max = 65536,
     .doc = "Packets an out-of-order arrival may be behind; 0 switches the check off.",
     .example = "128"},
    {.name = "esn", .type = KEY_BOOL, .offset = AT(child_words, esn), .otherwise = "false",
     .doc = "Offer only extended (64-bit) sequence numbers where a proposal does not say.",
     .example = "true"},
    {.name = "tfc_padding", .type = KEY_PADDING, .offset = AT(child_words, tfc_padding),
     .otherwise = "0B", .max = 65000,
     .doc = "Tunnel mode: inner packets are padded to this size (RFC 4303 §2.7) unless the peer "
            "takes no padding or the path no such packet; mtu: to what the path takes, at most "
            "1500B outside; 0B: none.", .example = "1400B"},
    {.name = "path_mtu_discovery", .type = KEY_BOOL,
     .offset = AT(child_words, path_mtu_discovery), .otherwise = "true",
     .doc = "An ICMP \"too big\" about an ESP packet is heeded (RFC 4301 §8.2): what may not be cut "
            "and does not fit is refused, and its sender told, for ten minutes. false: it is "
            "ignored. What its own links take a node knows in either case.", .example = "false"},
    {.name = "fragment_before", .type = KEY_BOOL, .offset = AT(child_words, fragment_before),
     .otherwise = "false",
     .doc = "Tunnel mode: ESP packets have DF set, so that routers tell what the path takes, and "
            "inner packets without DF are fragmented before ESP to fit (RFC 4303 §3.3.4) if the "
            "traffic selectors take fragments; else what has no DF is fragmented after ESP.",
     .example = "true"},
    {.name = "single_pair", .type = KEY_BOOL, .offset = AT(child_words, single_pair),
     .otherwise = "false",
     .doc = "As responder: a child SA for each pair of addresses. Who asks without naming one "
            "first is told SINGLE_PAIR_REQUIRED (RFC 7296 §2.9) and asks again, with the first "
            "pair of its selectors; a packet that finds no child SA then asks for its own.",
     .example = "true"},
    {.name = "per_resource", .type = KEY_COUNT, .offset = AT(child_words, per_resource),
     .otherwise = "0", .max = RESOURCES_MAX,
     .doc = "Child SAs for so many cores besides the first one, with the same selectors (RFC 9611): "
            "who calls asks for them once the first is there, a responder grants as many and "
            "refuses more with TS_MAX_QUEUE. A packet goes through that of its core, which its "
            "addresses, protocol and ports choose, or through the first. 0: none. Not with "
            "'start: established', and none for a pair of addresses of single_pair.",
     .example = "4"},
    {.name = "local_ts", .type = KEY_PREFIXES, .offset = AT(child_words, local_ts),
     .otherwise = "=what the group protects, or its inner address",
     .doc = "Traffic selectors of this side.", .example = "[10.1.0.0/16]"},
    {.name = "remote_ts", .type = KEY_PREFIXES, .offset = AT(child_words, remote_ts),
     .otherwise = "=anything; the other side narrows it",
     .doc = "Traffic selectors of the other side.", .example = "[10.0.0.0/16]"},
};

static const struct key group_keys[] = {
    {.name = "role", .type = KEY_WORD, .offset = AT(scenario_group, role), .required = true,
     .words = role_words,
     .doc = "What the members are: initiators connect to a responder group, attackers flood one.",
     .example = "initiator"},
    {.name = "count", .type = KEY_COUNT, .offset = AT(scenario_group, count), .otherwise = "1",
     .min = 1, .max = 2000000, .doc = "Number of members.", .example = "1000"},
    {.name = "one_per", .type = KEY_ONE_PER, .roles = FOR_NAT | FOR_ROUTER,
     .doc = "Instead of count: one member for every N of another group.", .example = "{homes: 1}"},
    {.name = "connect", .type = KEY_GROUP, .roles = FOR_INITIATOR | FOR_ATTACKER,
     .offset = AT(scenario_group, connect),
     .doc = "The responder group that initiators connect to, or that attackers flood; required for "
            "them.", .example = "gw"},
    {.name = "flood", .type = KEY_SECTION, .section = SECTION_FLOOD,
     .offset = AT(scenario_group, flood), .roles = FOR_ATTACKER,
     .doc = "What each attacker sends: IKE_SA_INIT requests that claim addresses of others, whole "
            "and well-formed, with the proposals of `ike:`; required for attackers."},
    {.name = "uplinks", .type = KEY_TEXTS, .offset = AT(scenario_group, uplinks),
     .roles = FOR_INITIATOR, .otherwise = "=the one link",
     .doc = "The two links of a mobile initiator, the one in use at the start first; it has an "
            "address in each, and is reached in the one in use only. See 'do: switch'.",
     .example = "[wifi, lte]"},
    {.name = "arrivals", .type = KEY_ARRIVALS, .section = SECTION_ARRIVALS,
     .offset = AT(scenario_group, arrivals), .roles = FOR_INITIATOR, .otherwise = "all_at_once",
     .doc = "When the members start.", .example = "{poisson: 100/s}"},
    {.name = "start", .type = KEY_CHOICE, .offset = AT(scenario_group, established),
     .roles = FOR_INITIATOR, .otherwise = "handshake", .words = WORDS("handshake", "established"),
     .doc = "established: at its arrival a member's tunnel is up at both ends, as a handshake that "
            "has just ended would have left it, and no message was sent; that both are who they "
            "say is taken for granted. With version 1 they hand each other the messages outside "
            "the network, and go on in it if that comes to nothing. A NAT on the way has the "
            "mapping of port 4500. Timers run from then on: with arrivals over a while not all at "
            "once. If the tunnel ends, or its gateway is away then, handshakes follow as ever.",
     .example = "established"},
    {.name = "address", .type = KEY_ADDRESS, .offset = AT(scenario_group, addresses),
     .otherwise = "=by the address plan",
     .doc = "Address of a group with one member; of a NAT, on its outside; of a router, where its "
            "ICMP errors come from.",
     .example = "198.51.100.1"},
    {.name = "addresses", .type = KEY_PREFIX, .offset = AT(scenario_group, addresses),
     .otherwise = "=by the address plan",
     .doc = "A prefix from which the members take addresses in order, from its first host on.",
     .example = "198.51.100.0/24"},
    {.name = "protects", .type = KEY_PREFIXES, .offset = AT(scenario_group, protects),
     .roles = FOR_ENDPOINTS, .doc = "Networks behind this endpoint, reached through its tunnels.",
     .example = "[10.0.0.0/16]"},
    {.name = "cpu", .type = KEY_SECTION, .section = SECTION_CPU, .offset = AT(scenario_group, cpu),
     .roles = FOR_ENDPOINTS,
     .doc = "A processor whose work takes time; without it, work takes none."},
    {.name = "limits", .type = KEY_SECTION, .section = SECTION_LIMITS,
     .offset = AT(scenario_group, limits), .roles = FOR_RESPONDER,
     .doc = "Sizes of a gateway's tables, and what it does against floods of IKE_SA_INIT."},
    {.name = "ip_fragments", .type = KEY_WORD, .offset = AT(scenario_group, ip_fragments),
     .roles = FOR_NAT | FOR_ROUTER, .otherwise = "pass", .words = WORDS("pass", "drop"),
     .doc = "Fragments of IP packets: pass, at a NAT only behind the first of their packet, or drop, "
            "as many firewalls do.", .example = "drop"},
    {.name = "preset", .type = KEY_PRESET, .roles = FOR_NAT,
     .words = WORDS("rfc4787-2007", "linux-6.1", "full-cone", "symmetric", "cgn-rfc6888"),
     .doc = "Behaviour of a known kind of NAT; keys written beside it win.",
     .example = "linux-6.1"},
    {.name = "mapping", .type = KEY_WORD, .offset = AT(scenario_group, nat.mapping),
     .roles = FOR_NAT, .otherwise = "endpoint-independent",
     .words = WORDS("endpoint-independent", "address-dependent", "address-and-port-dependent"),
     .doc = "When an inside endpoint keeps its outside port: RFC 4787 §4.1.",
     .example = "endpoint-independent"},
    {.name = "filtering", .type = KEY_WORD, .offset = AT(scenario_group, nat.filtering),
     .roles = FOR_NAT, .otherwise = "address-and-port-dependent",
     .words = WORDS("endpoint-independent", "address-dependent", "address-and-port-dependent"),
     .doc = "Who may send to a mapping from outside: RFC 4787 §5.",
     .example = "address-and-port-dependent"},
    {.name = "port_preservation", .type = KEY_BOOL,
     .offset = AT(scenario_group, nat.port_preservation), .roles = FOR_NAT, .otherwise = "true",
     .doc = "Keep the inside port outside when it is free: RFC 4787 §4.2.1.", .example = "false"},
    {.name = "udp_timeout", .type = KEY_TIME, .offset = AT(scenario_group, nat.udp_timeout),
     .roles = FOR_NAT, .otherwise = "120s", .min = 1000000,
     .doc = "An unused UDP mapping that saw an answer ends after this: RFC 4787 §4.3.",
     .example = "60s"},
    {.name = "udp_timeout_unreplied", .type = KEY_TIME,
     .offset = AT(scenario_group, nat.udp_timeout_unreplied), .roles = FOR_NAT, .otherwise = "30s",
     .min = 1000000, .doc = "The same while nothing came back; not longer than udp_timeout.",
     .example = "30s"},
    {.name = "refresh", .type = KEY_WORD, .offset = AT(scenario_group, nat.refresh),
     .roles = FOR_NAT, .otherwise = "both", .words = WORDS("outbound", "inbound", "both"),
     .doc = "Which packets restart a mapping's timer: RFC 4787 §4.3.", .example = "outbound"},
    {.name = "hairpin", .type = KEY_BOOL, .offset = AT(scenario_group, nat.hairpin),
     .roles = FOR_NAT, .otherwise = "false",
     .doc = "Send packets back inside when they are for an own mapping: RFC 4787 §6.",
     .example = "true"},
    {.name = "forward", .type = KEY_GROUP, .roles = FOR_NAT,
     .doc = "A responder inside that UDP ports 500 and 4500 of the outside lead to, as a port "
            "forwarding. Those who are behind this NAT as well connect to its outside, too.",
     .example = "gw"},
    {.name = "port_range", .type = KEY_PORTS, .offset = AT(scenario_group, nat.port_first),
     .roles = FOR_NAT, .otherwise = "1024-65535", .doc = "Outside ports the NAT may use.",
     .example = "32768-60999"},
    {.name = "ports_per_user", .type = KEY_COUNT, .offset = AT(scenario_group, nat.ports_per_user),
     .roles = FOR_NAT, .otherwise = "0", .max = 65535,
     .doc = "Mappings one inside address may hold, as in carrier-grade NATs; 0: no limit.",
     .example = "1024"},
    {.name = "icmp_errors", .type = KEY_BOOL, .offset = AT(scenario_group, icmp_errors),
     .roles = FOR_ROUTER, .otherwise = "true",
     .doc = "Tell senders of packets that are too big for the next link or whose TTL has ended. "
            "false: such packets vanish without a word, as behind a firewall that drops ICMP.",
     .example = "false"},
    {.name = "ike", .type = KEY_SECTION, .section = SECTION_IKE,
     .offset = AT(scenario_group, ike_words), .roles = FOR_ENDPOINTS | FOR_ATTACKER,
     .doc = "Overrides the scenario's `ike:` for this group. Of an attacker only the proposals count."},
    {.name = "child", .type = KEY_SECTION, .section = SECTION_CHILD,
     .offset = AT(scenario_group, child_words), .roles = FOR_ENDPOINTS,
     .doc = "Overrides the scenario's `child:` for this group."},
};

static const struct key flood_keys[] = {
    {.name = "requests", .type = KEY_COUNT, .offset = AT(flood_words, requests), .required = true,
     .min = 1, .doc = "How many each attacker sends.", .example = "1000000"},
    {.name = "rate", .type = KEY_FREQUENCY, .offset = AT(flood_words, rate_micro),
     .required = true, .min = 1, .doc = "How many of them per second, at equal distances.",
     .example = "50000/s"},
    {.name = "sources", .type = KEY_PREFIX, .offset = AT(flood_words, sources), .required = true,
     .doc = "Each request claims some address of this network, which belongs to nobody here, and "
            "some port above 1023. What is sent there ends at a router without a way on.",
     .example = "203.0.112.0/20"},
    {.name = "at", .type = KEY_TIME, .offset = AT(flood_words, at), .otherwise = "0s",
     .doc = "When the first is sent.", .example = "1s"},
};

static const struct key arrivals_keys[] = {
    {.name = "all_at_once", .type = KEY_BOOL, .offset = SIZE_MAX, .otherwise = "false",
     .doc = "All members start at the same time. `arrivals: all_at_once` says the same.",
     .example = "true"},
    {.name = "fixed", .type = KEY_FREQUENCY, .offset = AT(arrivals, rate_micro), .min = 1,
     .doc = "Members start at equal distances.", .example = "50/s"},
    {.name = "poisson", .type = KEY_FREQUENCY, .offset = AT(arrivals, rate_micro), .min = 1,
     .doc = "Members start as a Poisson process of this rate.", .example = "100/s"},
    {.name = "ramp", .type = KEY_SECTION, .section = SECTION_RAMP,
     .doc = "A Poisson process whose rate grows evenly."},
    {.name = "at", .type = KEY_TIME, .offset = AT(arrivals, at), .otherwise = "0s",
     .doc = "When the arrivals begin.", .example = "10s"},
};

static const struct key ramp_keys[] = {
    {.name = "from", .type = KEY_FREQUENCY, .offset = AT(arrivals, rate_micro), .required = true,
     .min = 1, .doc = "Rate at the start.", .example = "10/s"},
    {.name = "to", .type = KEY_FREQUENCY, .offset = AT(arrivals, to_micro), .required = true,
     .min = 1, .doc = "Rate at the end, and from then on.", .example = "500/s"},
    {.name = "over", .type = KEY_TIME, .offset = AT(arrivals, over), .required = true, .min = 1,
     .doc = "How long the rate grows.", .example = "60s"},
};

static const struct key cpu_keys[] = {
    {.name = "cores", .type = KEY_COUNT, .offset = AT(cpu_words, cores), .required = true, .min = 1,
     .max = 1024, .doc = "Cores that serve datagrams and timers.", .example = "4"},
    {.name = "costs", .type = KEY_NAME, .offset = AT(cpu_words, costs),
     .otherwise = "reference-x86",
     .doc = "What work costs: the measured table scenarios/costs/NAME.json.",
     .example = "reference-x86"},
    {.name = "backlog", .type = KEY_COUNT, .offset = AT(cpu_words, backlog), .otherwise = "1024",
     .min = 1, .max = 1 << 20, .doc = "Datagrams that may wait for a core; the next is dropped.",
     .example = "256"},
};

static const struct key limit_keys[] = {
    {.name = "ike_sas", .type = KEY_COUNT, .offset = AT(limit_words, ike_sas), .otherwise = "0",
     .doc = "IKE SAs a machine can hold; 0: no limit.", .example = "2000"},
    {.name = "half_open", .type = KEY_COUNT, .offset = AT(limit_words, half_open), .otherwise = "0",
     .doc = "Handshakes not yet authenticated it can hold; 0: no limit.", .example = "500"},
    {.name = "half_open_per_source", .type = KEY_COUNT,
     .offset = AT(limit_words, half_open_per_source), .otherwise = "0",
     .doc = "Handshakes not yet authenticated that one address may have; more are ignored "
            "(strongSwan's block_threshold); 0: no limit.", .example = "5"},
    {.name = "cookie_above", .type = KEY_COUNT, .offset = AT(limit_words, cookie_above),
     .otherwise = "0",
     .doc = "From so many handshakes not yet authenticated on, until less than half as many are "
            "left, IKE_SA_INIT needs a cookie (RFC 7296 §2.6; strongSwan's cookie_threshold); "
            "0: never.", .example = "30"},
    {.name = "cookie", .type = KEY_WORD, .offset = AT(limit_words, cookie), .otherwise = "above",
     .words = WORDS("above", "always"),
     .doc = "Whether a cookie is needed by cookie_above, or of everybody at any time.",
     .example = "always"},
};

static const struct key link_keys[] = {
    {.name = "sides", .type = KEY_SIDES, .offset = AT(scenario_link, side), .required = true,
     .doc = "The two groups [a, b] that the link joins. Between groups of n >= m members there are "
            "n links, member i to member floor(i*m/n). A NAT on side b has the link inside, on "
            "side a outside.", .example = "[homes, boxes]"},
    {.name = "up", .type = KEY_DIRECTION, .section = SECTION_WORDS,
     .offset = AT(scenario_link, words[LINK_UP]),
     .doc = "Overrides the words of the link from side a to side b."},
    {.name = "down", .type = KEY_DIRECTION, .section = SECTION_WORDS,
     .offset = AT(scenario_link, words[LINK_DOWN]),
     .doc = "Overrides the words of the link from side b to side a."},
    {.name = "packets", .type = KEY_LIST, .section = SECTION_FATE,
     .doc = "What becomes of single packets, of every member of the link: it loses exactly these, "
            "or lets them arrive at exactly these times; its other words leave them alone.",
     .example = "[{direction: up, number: 3, lost: true}]"},
};

static const struct key fate_keys[] = {
    {.name = "direction", .type = KEY_WORD, .offset = AT(packet_fate, direction), .required = true,
     .words = WORDS("up", "down"), .doc = "up: from side a to side b.", .example = "up"},
    {.name = "kind", .type = KEY_WORD, .offset = AT(packet_fate, kind), .otherwise = "ike",
     .words = WORDS("ike", "esp"), .doc = "Which packets are counted.", .example = "esp"},
    {.name = "number", .type = KEY_COUNT, .offset = AT(packet_fate, number), .required = true,
     .min = 1,
     .doc = "Of this kind in this direction, from 1 at the start of the run; retransmissions "
            "count, packets lost before the link do not.", .example = "3"},
    {.name = "lost", .type = KEY_BOOL, .offset = AT(packet_fate, lost), .otherwise = "false",
     .doc = "It never arrives; this or at.", .example = "true"},
    {.name = "at", .type = KEY_TIMES, .offset = AT(packet_fate, at),
     .doc = "When it arrives, or, at several times, how often; what is sent later arrives without "
            "delay.", .example = "[1.25s, 2.5s]"},
};

static const struct key words_keys[] = {
    {.name = "delay", .type = KEY_TIME, .offset = AT(link_words, delay), .otherwise = "0s",
     .max = HOUR, .doc = "One-way delay behind the queue.", .example = "20ms",
     .tc = "netem delay 20ms"},
    {.name = "jitter", .type = KEY_TIME, .offset = AT(link_words, jitter), .otherwise = "0s",
     .max = HOUR, .doc = "Spread of the delay; packets may overtake each other.", .example = "5ms",
     .tc = "netem delay 20ms 5ms"},
    {.name = "distribution", .type = KEY_WORD, .offset = AT(link_words, distribution),
     .otherwise = "uniform", .words = WORDS("uniform", "normal", "pareto", "paretonormal"),
     .doc = "Shape of the jitter.", .example = "normal",
     .tc = "netem delay 20ms 5ms distribution normal"},
    {.name = "rate", .type = KEY_BITRATE, .offset = AT(link_words, rate_bps),
     .otherwise = "=unlimited", .min = 1000, .max = UINT64_C(10000000000000),
     .doc = "Speed of the wire, IP bytes counted.", .example = "100Mbit",
     .tc = "netem rate 100mbit"},
    {.name = "loss", .type = KEY_LOSS, .section = SECTION_LOSS, .offset = AT(link_words, loss),
     .doc = "How packets are lost: one model."},
    {.name = "duplicate", .type = KEY_PROBABILITY, .offset = AT(link_words, duplicate),
     .otherwise = "0%", .doc = "Share of packets that arrive twice.", .example = "0.1%",
     .tc = "netem duplicate 0.1%"},
    {.name = "reorder", .type = KEY_PROBABILITY, .offset = AT(link_words, reorder),
     .otherwise = "0%", .doc = "Share of packets that skip the delay.", .example = "1%",
     .tc = "netem delay 20ms reorder 1%"},
    {.name = "corrupt", .type = KEY_PROBABILITY, .offset = AT(link_words, corrupt),
     .otherwise = "0%", .doc = "Share of packets with one flipped bit.", .example = "0.01%",
     .tc = "netem corrupt 0.01%"},
    {.name = "limit", .type = KEY_COUNT, .offset = AT(link_words, limit), .otherwise = "1000",
     .min = 1, .max = 1000000, .doc = "Packets that may wait for the wire; the next is dropped.",
     .example = "100", .tc = "netem limit 100"},
    {.name = "mtu", .type = KEY_SIZE32, .offset = AT(link_words, mtu), .otherwise = "1500B",
     .min = 576, .max = 65535, .doc = "Largest IP packet; larger ones are fragmented.",
     .example = "1400B", .tc = "ip link set dev eth0 mtu 1400"},
};

static const struct key loss_keys[] = {
    {.name = "random", .type = KEY_PROBABILITY, .offset = AT(loss_words, random),
     .doc = "Each packet on its own.", .example = "0.5%", .tc = "netem loss random 0.5%"},
    {.name = "gemodel", .type = KEY_SECTION, .section = SECTION_GEMODEL,
     .doc = "Gilbert-Elliott: bursts. Mean loss with the defaults is p/(p+r), mean burst 1/r.",
     .tc = "netem loss gemodel 1% 25%"},
    {.name = "state", .type = KEY_SECTION, .section = SECTION_STATE,
     .doc = "Markov chain of four states: received or lost, in a gap or in a burst.",
     .tc = "netem loss state 1% 30%"},
};

static const struct key gemodel_keys[] = {
    {.name = "p", .type = KEY_PROBABILITY, .offset = AT(loss_words, p), .required = true,
     .doc = "From the good state to the bad one, at each packet.", .example = "1%"},
    {.name = "r", .type = KEY_PROBABILITY, .offset = AT(loss_words, r), .required = true, .min = 1,
     .doc = "From the bad state to the good one.", .example = "25%"},
    {.name = "1-h", .type = KEY_PROBABILITY, .offset = AT(loss_words, loss_bad),
     .otherwise = "100%", .doc = "Loss in the bad state.", .example = "80%"},
    {.name = "1-k", .type = KEY_PROBABILITY, .offset = AT(loss_words, loss_good), .otherwise = "0%",
     .doc = "Loss in the good state.", .example = "0.1%"},
};

static const struct key state_keys[] = {
    {.name = "p13", .type = KEY_PROBABILITY, .offset = AT(loss_words, p13), .required = true,
     .doc = "Received in a gap to lost in a burst.", .example = "1%"},
    {.name = "p31", .type = KEY_PROBABILITY, .offset = AT(loss_words, p31),
     .otherwise = "=100% - p13", .doc = "Lost in a burst to received in a gap.", .example = "30%"},
    {.name = "p32", .type = KEY_PROBABILITY, .offset = AT(loss_words, p32), .otherwise = "0%",
     .doc = "Lost in a burst to received in a burst.", .example = "5%"},
    {.name = "p23", .type = KEY_PROBABILITY, .offset = AT(loss_words, p23), .otherwise = "100%",
     .doc = "Received in a burst to lost in a burst.", .example = "20%"},
    {.name = "p14", .type = KEY_PROBABILITY, .offset = AT(loss_words, p14), .otherwise = "0%",
     .doc = "Received in a gap to lost on its own.", .example = "0.1%"},
};

static const struct key flow_keys[] = {
    {.name = "from", .type = KEY_GROUP, .offset = AT(scenario_flow, from), .required = true,
     .doc = "Group that sends: initiators, or the responder they connect to.", .example = "homes"},
    {.name = "to", .type = KEY_GROUP, .offset = AT(scenario_flow, to), .required = true,
     .doc = "Group that receives, at the other end of the tunnels.", .example = "gw"},
    {.name = "start", .type = KEY_START, .offset = AT(scenario_flow, start), .otherwise = "up",
     .doc = "A time, or up: as soon as the tunnel is.", .example = "up"},
    {.name = "for", .type = KEY_TIME, .offset = AT(scenario_flow, duration), .min = 1,
     .otherwise = "=to the end of the run", .doc = "How long packets are sent.", .example = "60s"},
    {.name = "rate", .type = KEY_BITRATE, .offset = AT(scenario_flow, rate_bps), .min = 1,
     .max = UINT64_C(1000000000000),
     .doc = "Inner IP bits per second of each tunnel; this or packet_rate.", .example = "50kbit"},
    {.name = "packet_rate", .type = KEY_FREQUENCY, .offset = AT(scenario_flow, packet_rate_micro),
     .min = 1, .max = UINT64_C(1000000000000000),
     .doc = "Packets per second of each tunnel; this or rate.", .example = "50/s"},
    {.name = "size", .type = KEY_PACKET_SIZE, .offset = AT(scenario_flow, size),
     .otherwise = "imix",
     .doc = "Inner IP bytes: one size, a range [from, to], or imix (64, 570 and 1400 bytes as "
            "7:4:1).", .example = "1400B"},
    {.name = "arrivals", .type = KEY_CHOICE, .offset = AT(scenario_flow, poisson),
     .otherwise = "constant", .words = WORDS("constant", "poisson"),
     .doc = "Times between packets.", .example = "poisson"},
    {.name = "burst", .type = KEY_COUNT, .offset = AT(scenario_flow, burst), .min = 1,
     .max = UINT32_C(1) << 16, .otherwise = "1",
     .doc = "So many packets leave at once, as a host sends a large segment or a frame of video, and "
            "then none until the rate is kept; also of the last burst all leave.", .example = "32"},
    {.name = "ports", .type = KEY_COUNT, .offset = AT(scenario_flow, ports), .otherwise = "1",
     .min = 1, .max = 1000,
     .doc = "UDP ports of the client that packets go from, or to, in turn: so many flows, which "
            "child.per_resource sends through different child SAs.", .example = "16"},
    {.name = "df", .type = KEY_BOOL, .offset = AT(scenario_flow, df), .otherwise = "false",
     .doc = "Packets have DF set, and their sender heeds ICMP \"too big\" as TCP does: none of "
            "this flow in this tunnel is larger for ten minutes.", .example = "true"},
    {.name = "direction", .type = KEY_CHOICE, .offset = AT(scenario_flow, both),
     .otherwise = "one-way", .words = WORDS("one-way", "both"),
     .doc = "both: the same comes back the other way.", .example = "both"},
};

static const struct key event_keys[] = {
    {.name = "at", .type = KEY_TIME, .offset = AT(scenario_event, at), .required = true,
     .doc = "When it happens.", .example = "60s"},
    {.name = "nodes", .type = KEY_MEMBERS, .offset = AT(scenario_event, ranges),
     .doc = "Whom it happens to: a group, or members of it.", .example = "\"boxes[0..99]\""},
    {.name = "links", .type = KEY_LINKS, .offset = AT(scenario_event, ranges),
     .doc = "Which links it happens to.", .example = "core"},
    {.name = "do", .type = KEY_WORD, .offset = AT(scenario_event, action), .required = true,
     .words = action_words,
     .doc = "reboot and crash lose all state without a word to the peers; a crash lasts until "
            "restart, a link_down until link_up. switch: nodes with uplinks go on by the link 'to', "
            "with the address they have there. In a lookup_outage nothing that a node looks up "
            "is answered, see ike.lookup. rekey_child, new_child, delete_child, rekey_ike, "
            "terminate and probe (a liveness check) are asked of every tunnel of the nodes; one "
            "that cannot now is named in events.jsonl. With skip_sequence the ESP SAs of the nodes "
            "go on as if so many packets of each had been sent and lost.", .example = "reboot"},
    {.name = "to", .type = KEY_TEXT, .offset = AT(scenario_event, to), .max = SCENARIO_NAME_MAX,
     .doc = "switch: one of the nodes' uplinks.", .example = "lte"},
    {.name = "for", .type = KEY_TIME, .offset = AT(scenario_event, duration), .min = 1,
     .otherwise = "=reboot: no time; crash and link_down: until undone; lookup_outage: to the end",
     .doc = "How long the machine, link or server is away.", .example = "5s"},
    {.name = "packets", .type = KEY_COUNT64, .offset = AT(scenario_event, packets),
     .otherwise = "0", .doc = "How many sequence numbers skip_sequence takes for used.",
     .example = "4294967296"},
};

static const struct key capture_keys[] = {
    {.name = "of", .type = KEY_MEMBERS, .offset = AT(capture_words, of),
     .otherwise = "=the first 10 members of each group", .doc = "Whose packets are captured.",
     .example = "[\"homes[0..9]\", gw]"},
    {.name = "conversations", .type = KEY_COUNT, .offset = AT(capture_words, conversations),
     .otherwise = "1000",
     .doc = "Where there are more initiators, of so many, chosen by the seed, every packet, key and "
            "event is kept; and always of those that `of` names.",
     .example = "100"},
    {.name = "esp_packets_per_sa", .type = KEY_COUNT,
     .offset = AT(capture_words, esp_packets_per_sa), .otherwise = "50",
     .doc = "Of each ESP SA only so many packets are kept; what is cut is counted.",
     .example = "50"},
    {.name = "max_size", .type = KEY_SIZE, .offset = AT(capture_words, max_size),
     .otherwise = "64MiB", .min = 4096, .doc = "Largest capture file; what is cut is counted.",
     .example = "64MiB"},
};

static const struct key sweep_keys[] = {
    {.name = "axes", .type = KEY_AXES, .offset = AT(sweep, axes),
     .doc = "Paths of keys with the values to try; all combinations are run.",
     .example = "{links.core.loss.gemodel.p: [0.1%, 0.5%, 1%]}"},
    {.name = "repeat", .type = KEY_COUNT, .offset = AT(sweep, repeat), .otherwise = "1", .min = 1,
     .max = 10000, .doc = "Runs of each combination, with seeds seed, seed+1, ...", .example = "5"},
    {.name = "report", .type = KEY_TEXTS, .offset = AT(sweep, report),
     .otherwise = "=the metrics of the thresholds",
     .doc = "Numbers to compare: metrics as in thresholds, of a distribution with .p50, .p90, .p99, "
            ".p999, .min, .mean, .max or .count behind.",
     .example = "[ike.setup_time_s.p99, esp.delivered_ratio@upload]"},
    {.name = "thresholds", .type = KEY_CHOICE, .offset = AT(sweep, thresholds_ignored),
     .otherwise = "judge", .words = WORDS("judge", "ignore"),
     .doc = "Whether the thresholds of the scenario are meant for its other cells as well. ignore: "
            "runs that fail them are counted and said, but the sweep ends with exit 0.",
     .example = "ignore"},
};

static const struct key lesson_keys[] = {
    {.name = "situation", .type = KEY_COUNT, .offset = AT(lesson, situation), .required = true,
     .min = 1, .max = 99, .doc = "Its number in the catalogue of situations.", .example = "4"},
    {.name = "title", .type = KEY_TEXT, .offset = AT(lesson, title), .required = true,
     .max = 120, .doc = "What happens, in a line.",
     .example = "An idle tunnel dies when its NAT forgets it"},
    {.name = "shows", .type = KEY_TEXT, .offset = AT(lesson, shows), .required = true, .max = 1000,
     .doc = "A sentence: what this file shows and its thresholds assert.",
     .example = "Without keepalives the binding ends after 30 s and nothing arrives any more."},
    {.name = "sibling", .type = KEY_TEXT, .offset = AT(lesson, sibling), .max = 64,
     .doc = "The other half, wrong or fixed: a file of the same folder, without its .yaml.",
     .example = "nat-binding-timeout-fixed"},
    {.name = "sections", .type = KEY_TEXTS, .offset = AT(lesson, sections),
     .required = true, .doc = "Where the RFCs speak of it.",
     .example = "[\"RFC 7296 §2.23\", \"RFC 3948 §4\"]"},
    {.name = "questions", .type = KEY_LIST, .section = SECTION_QUESTION, .required = true,
     .doc = "Predict, then reveal: asked before the answer is shown.",
     .example = "[{ask: \"When does it die?\", answer: \"At 30 s.\", at: 30s, look: nat}]"},
};

static const struct key question_keys[] = {
    {.name = "ask", .type = KEY_TEXT, .offset = AT(lesson_question, ask), .required = true,
     .max = 1000, .doc = "The question.", .example = "\"When does the tunnel die?\""},
    {.name = "answer", .type = KEY_TEXT, .offset = AT(lesson_question, answer), .required = true,
     .max = 4000, .doc = "The answer, with its reason.",
     .example = "\"At 30 s, because the NAT has forgotten it.\""},
    {.name = "at", .type = KEY_TIME, .offset = AT(lesson_question, at),
     .doc = "The moment that answers it, within stop_time.", .example = "30s"},
    {.name = "look", .type = KEY_WORD, .offset = AT(lesson_question, look), .words = look_words,
     .doc = "The picture that answers it.", .example = "nat"},
};

/* clang-format on */

#define SECTION(path_, what_, keys_)                                                               \
    .path = path_, .what = what_, .keys = keys_, .count = sizeof keys_ / sizeof *keys_

const struct section scenario_sections[SECTION_COUNT] = {
    [SECTION_SCENARIO] = {SECTION("", "a scenario", scenario_keys)},
    [SECTION_MEASURE] = {SECTION("measure", "measure", measure_keys)},
    [SECTION_IKE] = {SECTION("ike", "ike", ike_keys)},
    [SECTION_LOOKUP] = {SECTION("ike.lookup", "lookup", lookup_keys)},
    [SECTION_CHILD] = {SECTION("child", "child", child_keys)},
    [SECTION_PKI] = {SECTION("pki", "pki", pki_keys)},
    [SECTION_GROUP] = {SECTION("nodes.*", "a group of nodes", group_keys)},
    [SECTION_FLOOD] = {SECTION("nodes.*.flood", "flood", flood_keys)},
    [SECTION_ARRIVALS] = {SECTION("nodes.*.arrivals", "arrivals", arrivals_keys)},
    [SECTION_RAMP] = {SECTION("nodes.*.arrivals.ramp", "ramp", ramp_keys)},
    [SECTION_CPU] = {SECTION("nodes.*.cpu", "cpu", cpu_keys)},
    [SECTION_LIMITS] = {SECTION("nodes.*.limits", "limits", limit_keys)},
    [SECTION_LINK] = {SECTION("links.*", "a link", link_keys), .include = SECTION_WORDS,
                      .include_offset = AT(scenario_link, words[0])},
    [SECTION_WORDS] = {SECTION("links.*", "a direction of a link", words_keys)},
    [SECTION_LOSS] = {SECTION("links.*.loss", "loss", loss_keys)},
    [SECTION_GEMODEL] = {SECTION("links.*.loss.gemodel", "gemodel", gemodel_keys)},
    [SECTION_STATE] = {SECTION("links.*.loss.state", "state", state_keys)},
    [SECTION_FLOW] = {SECTION("traffic.*", "a flow", flow_keys)},
    [SECTION_EVENT] = {SECTION("events", "an event", event_keys)},
    [SECTION_FATE] = {SECTION("links.*.packets", "a packet", fate_keys)},
    [SECTION_CAPTURE] = {SECTION("capture", "capture", capture_keys)},
    [SECTION_SWEEP] = {SECTION("sweep", "sweep", sweep_keys)},
    [SECTION_LESSON] = {SECTION("lesson", "lesson", lesson_keys)},
    [SECTION_QUESTION] = {SECTION("lesson.questions", "a question", question_keys)},
};
