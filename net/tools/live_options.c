#include "net/tools/live_options.h"

#include "net/tools/live_credentials.h"
#include "net/tools/live_load_options.h"
#include "net/tools/live_values.h"
#include "net/tun.h"
#include "proto/ip/addr.h"
#include "proto/ip/selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_REMOTE = 256,
    KEY_LOCAL,
    KEY_LOCAL_ID,
    KEY_REMOTE_ID,
    KEY_PSK_FILE,
    KEY_TS_LOCAL,
    KEY_TS_REMOTE,
    KEY_IKE,
    KEY_ESP,
    KEY_COUNT,
    KEY_RATE,
    KEY_WINDOW,
    KEY_FOR,
    KEY_REKEY_IKE,
    KEY_REKEY_CHILD,
    KEY_LIFE_CHILD,
    KEY_TRANSPORT,
    KEY_REAUTH,
    KEY_MAKE_BEFORE_BREAK,
    KEY_CHILDLESS,
    KEY_FRAGMENTATION,
    KEY_FRAGMENT_SIZE,
    KEY_DPD,
    KEY_ENCAP,
    KEY_MOBIKE,
    KEY_MOVE_TO,
    KEY_MOVE_AFTER,
    KEY_VERSION,
    KEY_MODE,
    KEY_TUN,
    KEY_TUN_MTU,
    KEY_TUN_ADDRESS,
    KEY_EXPORT_KEYS,
    KEY_JSON,
    KEY_EVENTS,
    KEY_ECHO,
    KEY_COOKIE,
};

enum {
    COUNT_MAX = 100000,
    RATE_MAX = 1000000,    /* handshakes a second */
    TIME_MAX = 1000000000, /* seconds */
    RESPONDER_SAS = 16384,
    RESPONDER_HALF_OPEN = 4096,
    WINDOW_DEFAULT = 32,
    REPLAY_WINDOW = 128,
    KEEPALIVE_S = 20,
    TUN_MTU = 1400, /* and ESP, UDP and IPv6 around it fit into 1500 */
    TUN_MTU_MAX = 65535,
    ID_IPV4 = 1, /* RFC 7296 §3.5 */
    ID_FQDN = 2,
    ID_RFC822 = 3,
    ID_IPV6 = 5,
};

#define GRACE (10 * NSEC_PER_S)

struct reading {
    nsec life_child;
    struct live_load_words load;
    struct live_words *words;
    struct ip_addr remote;
    struct ip_prefix ts_remote;
    bool windowed;
};

#define COMMON_OPTIONS                                                                               \
    {"psk-file", KEY_PSK_FILE, "FILE", 0, "the shared key; a line end at its end is not part", 0},   \
        {"local-id", KEY_LOCAL_ID, "ID", 0, "our identity: a name, user@name or an address", 0},     \
        {"ts-local", KEY_TS_LOCAL, "NET", 0, "what we protect (default: everything)", 0},            \
        {"ts-remote", KEY_TS_REMOTE, "NET", 0, "what the peer protects (default: everything)", 0},   \
        {"ike",                                                                                      \
         KEY_IKE,                                                                                    \
         "PROPOSALS",                                                                                \
         0,                                                                                          \
         "IKE proposals, comma-separated (default aes256gcm16-prfsha256-x25519; of version 1 "       \
         "aes256-sha256-modp2048)",                                                                  \
         0},                                                                                         \
        {"version",                                                                                  \
         KEY_VERSION,                                                                                \
         "N",                                                                                        \
         0,                                                                                          \
         "major version of IKE: 2 (default) or 1; a responder takes both with 0",                    \
         0},                                                                                         \
        {"mode",                                                                                     \
         KEY_MODE,                                                                                   \
         "main|aggressive",                                                                          \
         0,                                                                                          \
         "how version 1 begins (default main); a responder takes aggressive only if it has it",      \
         0},                                                                                         \
        {"esp", KEY_ESP, "PROPOSALS", 0, "ESP proposals (default aes256gcm16)", 0},                  \
        {"rekey-ike", KEY_REKEY_IKE, "S", 0, "rekey the IKE SA after S seconds (default: no)", 0},   \
        {"rekey-child", KEY_REKEY_CHILD, "S", 0, "rekey the child SA likewise", 0},                  \
        {"life-child",                                                                               \
         KEY_LIFE_CHILD,                                                                             \
         "S",                                                                                        \
         0,                                                                                          \
         "delete the child SA after S seconds unless it was rekeyed",                                \
         0},                                                                                         \
        {"reauth",                                                                                   \
         KEY_REAUTH,                                                                                 \
         "S",                                                                                        \
         0,                                                                                          \
         "authenticate anew after S seconds; a responder says so (RFC 4478) and then deletes",       \
         0},                                                                                         \
        {"make-before-break", KEY_MAKE_BEFORE_BREAK, NULL, 0, "anew before the old IKE SA goes", 0}, \
        {"childless",                                                                                \
         KEY_CHILDLESS,                                                                              \
         "never|allow|prefer|force",                                                                 \
         0,                                                                                          \
         "IKE_AUTH without a child SA, which follows (RFC 6023; default never)",                     \
         0},                                                                                         \
        {"fragmentation",                                                                            \
         KEY_FRAGMENTATION,                                                                          \
         "no|accept|yes",                                                                            \
         0,                                                                                          \
         "IKE messages in fragments (RFC 7383; with version 1 those that a vendor ID announces): "   \
         "understood, also made (default no)",                                                       \
         0},                                                                                         \
        {"fragment-size",                                                                            \
         KEY_FRAGMENT_SIZE,                                                                          \
         "N",                                                                                        \
         0,                                                                                          \
         "the longest IP packet that an IKE message may make (default 1280)",                        \
         0},                                                                                         \
        {"dpd", KEY_DPD, "S", 0, "liveness check after S seconds of silence (default: none)", 0},    \
        {"transport", KEY_TRANSPORT, NULL, 0, "ESP in transport mode, between the two hosts", 0},    \
        {"encap", KEY_ENCAP, NULL, 0, "claim a NAT, so that ESP goes in UDP", 0},                    \
        {"mobike", KEY_MOBIKE, NULL, 0, "MOBIKE (RFC 4555): addresses may change", 0},               \
        {"tun",                                                                                      \
         KEY_TUN,                                                                                    \
         "NAME",                                                                                     \
         0,                                                                                          \
         "carry traffic: between the TUN device NAME, made if it is not there, and ESP",             \
         0},                                                                                         \
        {"tun-mtu", KEY_TUN_MTU, "N", 0, "MTU of the device (default 1400)", 0},                     \
        {"tun-address", KEY_TUN_ADDRESS, "ADDR/LEN", 0, "address of the device (default: none)", 0}, \
        {"output", 'o', "DIR", 0, "write result.json, scalars.csv and histograms.json into DIR", 0}, \
        {"export-keys",                                                                              \
         KEY_EXPORT_KEYS,                                                                            \
         "DIR",                                                                                      \
         0,                                                                                          \
         "as --output, with keys.jsonl and a Wireshark profile: everything can be decrypted",        \
         0},                                                                                         \
        {"events", KEY_EVENTS, NULL, 0, "a line on stderr for each event of an SA", 0},              \
    {                                                                                                \
        "json", KEY_JSON, NULL, 0, "print one object, shaped as result.json", 0                      \
    }

static const struct argp_option initiate_options[] = {
    {"remote", KEY_REMOTE, "ADDR", 0, "the peer's address (UDP ports 500 and 4500)", 0},
    {"local", KEY_LOCAL, "ADDR", 0, "our address (default: the one that reaches the peer)", 0},
    {"remote-id", KEY_REMOTE_ID, "ID", 0, "the identity the peer must have (default: any)", 0},
    {"count", KEY_COUNT, "N", 0, "how many IKE SAs, each with a child SA (default 1)", 0},
    {"rate", KEY_RATE, "R", 0,
     "begin R a second whatever the peer does; times count from when each was due", 0},
    {"window", KEY_WINDOW, "N", 0,
     "most handshakes at once (default 32; with --rate as many as there are)", 0},
    {"for", KEY_FOR, "S", 0,
     "keep the SAs for S seconds, then delete them (default 0; with --load at least until it is "
     "over, with --tun until Ctrl-C or the peer deletes them)",
     0},
    {"move-to", KEY_MOVE_TO, "ADDR", 0,
     "go on from this address of ours after --move-after seconds; --mobike keeps the SAs", 0},
    {"move-after", KEY_MOVE_AFTER, "S", 0, "how long after the last handshake (default 1)", 0},
    COMMON_OPTIONS,
    {0},
};

static const struct argp_option respond_options[] = {
    {"local", KEY_LOCAL, "ADDR", 0, "our address, needed", 0},
    {"for", KEY_FOR, "S", 0, "end after S seconds (default: at Ctrl-C)", 0},
    {"echo", KEY_ECHO, NULL, 0, "answer pings of any inner address that we protect", 0},
    {"cookie", KEY_COOKIE, "N", 0,
     "ask for cookies from N half-open IKE SAs on, or \"always\" (default: never)", 0},
    COMMON_OPTIONS,
    {0},
};

#define WARNING                                                                                    \
    "This is a test tool, not a VPN: SAs are negotiated with a real peer over UDP and deleted at " \
    "the end, also on Ctrl-C; nothing guards the keys or keeps traffic from leaving in the clear " \
    "when the tunnel is down. Only with --tun it carries traffic, and --ts-remote is routed into " \
    "the device; an initiator's --load and a responder's --echo make and answer pings of their "   \
    "own. With none of these ESP that arrives is counted and dropped."

static struct ip_prefix selector(struct argp_state *state, const char *text, struct selector *out,
                                 uint8_t *count)
{
    struct ip_prefix p = {0};

    if (ip_prefix_parse(bytes_text(text), &p) != OK)
        argp_error(state, "'%s' is not a network such as 10.1.0.0/24", text);
    *out = selector_any(p.addr.family);
    out->first = ip_prefix_first(&p);
    out->last = ip_prefix_last(&p);
    *count = 1;
    return p;
}

/* An address with the length of its network: unlike a network's, its host bits may be set. */
static struct ip_prefix interface_address(struct argp_state *state, const char *text)
{
    size_t len = strcspn(text, "/");
    struct ip_prefix p = {0};
    char *end = NULL;
    unsigned long bits = 0;

    if (ip_addr_parse(bytes_of(text, len), &p.addr) == OK && text[len] && text[len + 1])
        bits = strtoul(text + len + 1, &end, 10);
    if (!end || *end || text[len + 1] < '0' || text[len + 1] > '9' ||
        bits > 8 * ip_addr_len(&p.addr))
        argp_error(state, "'%s' is not an address with a length such as 10.1.0.1/32", text);
    p.length = (uint8_t)bits;
    return p;
}

static const char *device(struct argp_state *state, const char *text)
{
    if (text[0] == '\0' || strlen(text) > TUN_NAME_MAX || strpbrk(text, "/: \t\n"))
        argp_error(state, "'%s' is not a name of a device: 1 to %d characters", text, TUN_NAME_MAX);
    return text;
}

static struct identity identity(struct argp_state *state, const char *text)
{
    struct identity id = {.type = strchr(text, '@') ? ID_RFC822 : ID_FQDN};
    struct ip_addr a;

    if (ip_addr_parse(bytes_text(text), &a) == OK) {
        id.type = a.family == 4 ? ID_IPV4 : ID_IPV6;
        id.len = (uint8_t)ip_addr_len(&a);
        memcpy(id.data, a.bytes, id.len);
        return id;
    }
    if (text[0] == '\0' || strlen(text) > ID_MAX)
        argp_error(state, "an identity has 1 to %d characters", ID_MAX);
    id.len = (uint8_t)strlen(text);
    memcpy(id.data, text, id.len);
    return id;
}

static void shared_key(struct argp_state *state, const char *path, struct ike_config *c)
{
    FILE *file = fopen(path, "rb");
    uint8_t key[PSK_MAX + 2];
    size_t len;

    if (!file)
        argp_failure(state, 2, errno, "%s", path);
    len = fread(key, 1, sizeof key, file);
    fclose(file);
    if (len > 0 && key[len - 1] == '\n')
        len--;
    if (len == 0 || len > PSK_MAX)
        argp_error(state, "%s: a shared key has 1 to %d bytes", path, PSK_MAX);
    memcpy(c->psk, key, len);
    c->psk_len = (uint8_t)len;
    wipe(key, sizeof key);
}

static uint8_t proposals(struct argp_state *state, const char *text, bool ike,
                         struct proposal_config *out)
{
    uint8_t count = 0;

    for (const char *at = text;; at++) {
        struct bytes bad = BYTES_NONE;
        size_t len = strcspn(at, ",");

        if (count == PROPOSALS_MAX)
            argp_error(state, "at most %d proposals", PROPOSALS_MAX);
        if (proposal_parse(bytes_of(at, len), ike, &out[count++], &bad) != OK)
            argp_error(state, "'%.*s' is not an %s proposal such as %s", (int)len, at,
                       ike ? "IKE" : "ESP", ike ? "aes256gcm16-prfsha256-x25519" : "aes256gcm16");
        at += len;
        if (!*at)
            return count;
    }
}

/*
 * Hard limits lie a tenth behind, as strongSwan's do, and a while: a rekey that the peer puts off
 * (RFC 7296 §2.25) or whose request is lost must come to its end also where S is a second.
 */
static struct lifetime_config lifetime(nsec soft)
{
    return (struct lifetime_config){.rekey_time = soft, .hard_time = soft + soft / 10 + GRACE};
}

static enum childless_policy childless(struct argp_state *state, const char *text)
{
    static const char *const words[] = {[CHILDLESS_NEVER] = "never",
                                        [CHILDLESS_ALLOW] = "allow",
                                        [CHILDLESS_PREFER] = "prefer",
                                        [CHILDLESS_FORCE] = "force"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return (enum childless_policy)i;
    argp_error(state, "--childless %s: it is never, allow, prefer or force", text);
    return CHILDLESS_NEVER;
}

/* strongSwan's numbers: 0 answers both, and calls with 2. */
static void version(struct argp_state *state, const char *text, struct ike_config *c)
{
    if (strlen(text) != 1 || !strchr("012", *text))
        argp_error(state, "--version %s: it is 2, 1, or 0 to answer both", text);
    c->version = *text == '1' ? IKE_V1 : IKE_V2;
    c->answers = *text == '0' ? 1u << IKE_V1 | 1u << IKE_V2 : 1u << c->version;
}

static enum phase1_mode mode(struct argp_state *state, const char *text)
{
    if (strcmp(text, "main") != 0 && strcmp(text, "aggressive") != 0)
        argp_error(state, "--mode %s: it is main or aggressive", text);
    return *text == 'm' ? PHASE1_MAIN : PHASE1_AGGRESSIVE;
}

/* IKEv1 has nothing for these. */
static void refuse_of_v1(struct argp_state *state, const struct reading *r)
{
    const struct live_words *w = r->words;
    const struct ike_config *c = &w->live.config;
    const struct {
        bool asked;
        const char *option;
    } words[] = {{c->mobike.on, "--mobike"},
                 {c->childless != CHILDLESS_NEVER, "--childless"},
                 {c->reauth_time > 0, "--reauth"},
                 {c->make_before_break, "--make-before-break"},
                 {c->flood.cookie_always || c->flood.cookie_above, "--cookie"},
                 {w->files.peer_key || (w->files.key && !w->files.cert), "a raw key"},
                 {w->files.null, "--null-auth"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].asked)
            argp_error(state, "--version 1 goes without %s", words[i].option);
}

static void cookie(struct argp_state *state, const char *text, struct flood_config *out)
{
    out->cookie_always = strcmp(text, "always") == 0;
    if (!out->cookie_always)
        out->cookie_above = value_whole(state, text, COUNT_MAX);
}

static enum fragmentation_policy fragmentation(struct argp_state *state, const char *text)
{
    static const char *const words[] = {
        [FRAGMENTATION_NO] = "no", [FRAGMENTATION_ACCEPT] = "accept", [FRAGMENTATION_YES] = "yes"};

    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0)
            return (enum fragmentation_policy)i;
    argp_error(state, "--fragmentation %s: it is no, accept or yes", text);
    return FRAGMENTATION_NO;
}

static void finish_data(struct argp_state *state, const struct reading *r, struct live_options *o)
{
    struct live_data_options *d = &o->data;

    if (!d->name && (d->mtu || d->address.addr.family))
        argp_error(state, "--tun is missing");
    if (d->name && o->remote.family && o->count > 1)
        argp_error(state, "--tun carries one tunnel: no --count with it");
    if (!d->mtu)
        d->mtu = TUN_MTU;
    if (d->name && !o->config.respond && !o->run_for)
        o->run_for = NSEC_NEVER;
    if (d->name && o->echo)
        argp_error(state,
                   "--echo and --tun exclude each other: the system answers behind a device\n"
                   "try: --tun without --echo");
    d->route = r->ts_remote;
    if (!d->route.addr.family)
        d->route.addr.family = o->local.family; /* everything, as the selector says */
}

/* The traffic is that of the two hosts; of whom we do not call, whoever it is. */
static void finish_transport(struct argp_state *state, const struct reading *r,
                             struct live_options *o)
{
    struct child_config *child = &o->config.child;

    if (child->local_count || child->remote_count)
        argp_error(state, "--transport is between the two hosts: no --ts-local, no --ts-remote");
    if (o->data.name || r->load.load.to.family)
        argp_error(state, "--transport goes with neither --tun nor --load: both have tunnels");
    child->local[0] = selector_host(o->local);
    child->local_count = 1;
    if (o->remote.family) {
        child->remote[0] = selector_host(o->remote);
        child->remote_count = 1;
    }
}

static void finish(struct argp_state *state, struct reading *r)
{
    struct live_words *w = r->words;
    struct live_options *o = &w->live;
    struct ike_config *c = &o->config;
    struct child_config *child = &c->child;

    if (c->version == IKE_V1)
        refuse_of_v1(state, r);
    if (c->phase1 == PHASE1_AGGRESSIVE && !(c->answers >> IKE_V1 & 1))
        argp_error(state, "--mode is of IKEv1: --version 1 is missing");
    if (!w->ike)
        w->ike = c->version == IKE_V1        ? "aes256-sha256-modp2048"
                 : c->answers & 1u << IKE_V1 ? "aes256gcm16-prfsha256-x25519,aes256-sha256-modp2048"
                                             : "aes256gcm16-prfsha256-x25519";
    if (!c->respond && !o->remote.family)
        argp_error(state, "--remote is missing");
    if (c->respond && !o->local.family)
        argp_error(state, "--local is missing");
    if (!c->psk_len && !w->files.key && !w->files.null)
        argp_error(state, "no credential: --psk-file, or --cert and --key, is missing");
    if (!c->psk_len && !w->files.ca && !w->files.peer_key && !w->files.null)
        argp_error(state, "nothing to believe the peer by: --ca or --peer-key is missing");
    if (!c->id.len && !w->files.cert && !w->files.null)
        argp_error(state, "--local-id is missing");
    if (!o->local.family && udp_source_of(&o->remote, &o->local) != OK)
        argp_failure(state, 2, errno, "no route to the peer");
    if (!c->respond && o->local.family != o->remote.family)
        argp_error(state, "--local and --remote are of different families");
    if (o->move_to.family && o->move_to.family != o->local.family)
        argp_error(state, "--move-to and --local are of different families");
    if (o->move_after && !o->move_to.family)
        argp_error(state, "--move-after goes with --move-to");
    if (o->move_to.family && !o->move_after)
        o->move_after = NSEC_PER_S;
    if (child->transport)
        finish_transport(state, r, o);
    if (!child->local_count) {
        child->local[0] = selector_any(o->local.family);
        child->local_count = 1;
    }
    if (!child->remote_count) {
        child->remote[0] = selector_any(o->local.family);
        child->remote_count = 1;
    }
    if (!c->respond && !r->windowed)
        o->window = o->interval || o->count < WINDOW_DEFAULT ? o->count : WINDOW_DEFAULT;
    finish_data(state, r, o);
    live_load_words_finish(state, &r->load, o);
    c->initial_contact = !c->respond && o->count == 1;
    live_user_words_finish(state, &w->users, c);
    if (r->life_child)
        child->lifetime.hard_time = r->life_child;
    c->proposal_count = proposals(state, w->ike, true, c->proposals);
    child->proposal_count = proposals(state, w->esp, false, child->proposals);
}

/* The words of the data path. */
static error_t parse_data(int key, char *value, struct argp_state *state)
{
    struct reading *r = state->input;
    struct live_options *o = &r->words->live;

    switch (key) {
    case KEY_ENCAP:
        o->config.force_encap = true;
        break;
    case KEY_TRANSPORT:
        o->config.child.transport = true;
        break;
    case KEY_MOBIKE:
        o->config.mobike.on = true;
        break;
    case KEY_ECHO:
        o->echo = true;
        break;
    case KEY_TUN:
        o->data.name = device(state, value);
        break;
    case KEY_TUN_MTU:
        o->data.mtu = value_whole(state, value, TUN_MTU_MAX);
        break;
    case KEY_TUN_ADDRESS:
        o->data.address = interface_address(state, value);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* There is one: --export-keys adds to it. */
static void folder(struct argp_state *state, const char *path)
{
    struct live_words *w = ((struct reading *)state->input)->words;

    if (w->folder && strcmp(w->folder, path) != 0)
        argp_error(state, "--output and --export-keys name two folders; one gets everything");
    w->folder = path;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct reading *r = state->input;
    struct live_options *o = &r->words->live;
    struct ike_config *c = &o->config;

    switch (key) {
    case KEY_REMOTE:
        o->remote = value_address(state, value);
        break;
    case KEY_LOCAL:
        o->local = value_address(state, value);
        break;
    case KEY_MOVE_TO:
        o->move_to = value_address(state, value);
        break;
    case KEY_MOVE_AFTER:
        o->move_after = value_seconds(state, value, TIME_MAX);
        break;
    case KEY_LOCAL_ID:
        c->id = identity(state, value);
        break;
    case KEY_REMOTE_ID:
        o->remote_id = identity(state, value);
        break;
    case KEY_PSK_FILE:
        shared_key(state, value, c);
        break;
    case KEY_TS_LOCAL:
        (void)selector(state, value, &c->child.local[0], &c->child.local_count);
        break;
    case KEY_TS_REMOTE:
        r->ts_remote = selector(state, value, &c->child.remote[0], &c->child.remote_count);
        break;
    case KEY_IKE:
        r->words->ike = value;
        break;
    case KEY_ESP:
        r->words->esp = value;
        break;
    case KEY_COUNT:
        o->count = value_whole(state, value, COUNT_MAX);
        break;
    case KEY_RATE:
        o->interval = value_interval(state, value, RATE_MAX);
        break;
    case KEY_WINDOW:
        o->window = value_whole(state, value, COUNT_MAX);
        r->windowed = true;
        break;
    case KEY_FOR:
        o->run_for = value_seconds(state, value, TIME_MAX);
        break;
    case KEY_REKEY_IKE:
        c->lifetime = lifetime(value_seconds(state, value, TIME_MAX));
        break;
    case KEY_LIFE_CHILD:
        r->life_child = value_seconds(state, value, TIME_MAX);
        break;
    case KEY_REKEY_CHILD:
        c->child.lifetime = lifetime(value_seconds(state, value, TIME_MAX));
        break;
    case KEY_REAUTH:
        c->reauth_time = value_seconds(state, value, TIME_MAX);
        break;
    case KEY_MAKE_BEFORE_BREAK:
        c->make_before_break = true;
        break;
    case KEY_CHILDLESS:
        c->childless = childless(state, value);
        break;
    case KEY_FRAGMENTATION:
        c->fragmentation = fragmentation(state, value);
        break;
    case KEY_FRAGMENT_SIZE:
        c->fragment_size = (uint16_t)value_whole(state, value, UINT16_MAX);
        if (c->fragment_size < FRAGMENT_SIZE_MIN)
            argp_error(state, "--fragment-size %s: %d is the least", value, FRAGMENT_SIZE_MIN);
        break;
    case KEY_DPD:
        c->dpd_delay = value_seconds(state, value, TIME_MAX);
        break;
    case KEY_VERSION:
        version(state, value, c);
        break;
    case KEY_MODE:
        c->phase1 = mode(state, value);
        break;
    case KEY_COOKIE:
        cookie(state, value, &c->flood);
        break;
    case KEY_EXPORT_KEYS:
        r->words->export_keys = true;
        folder(state, value);
        break;
    case 'o':
        folder(state, value);
        break;
    case KEY_JSON:
        r->words->json = true;
        break;
    case KEY_EVENTS:
        o->talk = true;
        break;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &r->words->files;
        state->child_inputs[1] = &r->words->users;
        if (!c->respond)
            state->child_inputs[2] = &r->load;
        break;
    case ARGP_KEY_END:
        finish(state, r);
        break;
    default:
        return parse_data(key, value, state);
    }
    return 0;
}

void live_words_read(int argc, char **argv, bool respond, struct live_words *out)
{
    static const struct argp_child children[][4] = {
        {{&live_credentials_argp, 0, NULL, 0},
         {&live_user_argp, 0, NULL, 0},
         {&live_load_argp, 0, NULL, 0},
         {0}},
        {{&live_credentials_argp, 0, NULL, 0}, {&live_user_argp, 0, NULL, 0}, {0}},
    };
    static const struct argp argps[] = {
        {initiate_options, parse, NULL,
         "Set up IKE SAs with a peer as their initiator, time them, keep them, delete "
         "them.\n" WARNING
         "\vexample: ikelab live initiate --remote 198.51.100.1 --psk-file psk --local-id me.test "
         "--count 1000 --rate 200 --json",
         children[0], NULL, NULL},
        {respond_options, parse, NULL,
         "Answer IKE SAs until Ctrl-C or for some time.\n" WARNING
         "\vexample: ikelab live respond --local 198.51.100.1 --cert gw.pem --key gw.key "
         "--ca ca.pem",
         children[1], NULL, NULL},
    };
    struct reading r = {.words = out};

    *out = (struct live_words){.esp = "aes256gcm16"};
    out->live = (struct live_options){
        .count = respond ? RESPONDER_SAS : 1, .window = RESPONDER_HALF_OPEN, .log = stderr};
    out->live.config = (struct ike_config){
        .respond = respond,
        .retransmit = {.timeout = NSEC_PER_S, .base_milli = 1800, .tries = 5},
        .half_open_time = 30 * NSEC_PER_S,
        .nat_keepalive = KEEPALIVE_S * NSEC_PER_S,
        .child.replay_window = REPLAY_WINDOW,
    };
    argp_err_exit_status = 2;
    argp_parse(&argps[respond], argc, argv, 0, NULL, &r);
}
