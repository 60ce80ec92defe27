/*
 * sim/import/swanctl_import: no text crashes the importer, and what it writes is a scenario.
 * Configurations are damaged at random (bytes, gaps, words of the grammar, pieces of others) from a
 * fixed seed; each is refused with something said, or imported into what the scenario reader takes.
 */
#include "base/rng.h"
#include "sim/import/swanctl_import.h"
#include "sim/scenario.h"
#include "suite.h"

#include <dirent.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 15, FILES_MAX = 16, ROUNDS = 3000 };

static char files[FILES_MAX][TEXT_MAX / 2];
static size_t lengths[FILES_MAX];
static size_t file_count;

static void read_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    char path[512];

    ck_assert_int_gt(count, 0);
    for (int i = 0; i < count; i++) {
        FILE *file;

        snprintf(path, sizeof path, "%s/%.200s", folder, entries[i]->d_name);
        free(entries[i]);
        if (!strstr(path, ".conf") || file_count == FILES_MAX)
            continue;
        file = fopen(path, "rb");
        if (!file)
            continue;
        lengths[file_count] = fread(files[file_count], 1, sizeof *files, file);
        file_count += lengths[file_count] > 0;
        fclose(file);
    }
    free(entries);
    ck_assert_uint_gt(file_count, 4);
}

static const char *const tokens[] = {
    "{",
    "}",
    "=",
    ":",
    ",",
    "#",
    "\"",
    "\\",
    "\n",
    " = \n",
    "\xff",
    "\xc2\x85",
    "\x00x",
    "include x\n",
    " : defaults ",
    " : connections.all ",
    "connections { ",
    "children { c { ",
    "local { ",
    "remote { id = ",
    "remote_addrs = 203.0.113.5\n",
    "remote_addrs = 2001:db8::5\n",
    "local_addrs = 2001:db8::6\n",
    "local_addrs = 198.51.100.1\n",
    "local_addrs = 100.64.0.1\n",
    "start_action = start\n",
    "mode = transport\n",
    "mode = drop\n",
    "local_ts = 0.0.0.0/0\n",
    "local_ts = 10.128.0.0/9, 10.0.0.0/8, 1.2.3.4, 5.6.7.8/31, 9.9.9.9\n",
    "remote_ts = ::/0, 10.0.0.0/8\n",
    "rekey_time = 0\n",
    "rekey_time = 1\n",
    "rekey_time = 3650d\n",
    "rand_time = 3650d\n",
    "over_time = 3650d\n",
    "life_time = 1s\n",
    "life_bytes = 1\n",
    "rekey_bytes = 1152921504606846975\n",
    "rekey_packets = 0xfffffffffffffff\n",
    "replay_window = 65536\n",
    "retransmit_timeout = 0.0001\n",
    "retransmit_base = 99\n",
    "retransmit_jitter = 101\n",
    "half_open_timeout = 0\n",
    "id = *@example.org\n",
    "id = one@example.org\n",
    "id = \"{n}\"\n",
    "secret = \"a\\\"b\\\\\"\n",
    "secret = \"\\x01\\t\"\n",
    "proposals = default\n",
    "version = 1\n",
    "version = 0\n",
    "aggressive = yes\n",
    "auth = xauth-generic\n",
    "auth = pubkey\n",
    "auth = ecdsa-384\n",
    "xauth_id = dave\n",
    "vips = 0.0.0.0, ::\n",
    "pools = warriors-pool\n",
    "addrs = 10.99.0.0/30\n",
    "reauth_time = 5\n",
    "proposals = aes128-sha256-x25519, aes128-sha256-x25519\n",
    "proposals = aes256gcm16-aes128gcm16-sha256-sha384-prfsha1-modp2048\n",
    "esp_proposals = null-sha1, aes128-aesxcbc-esn\n",
};

enum { COUNT = sizeof tokens / sizeof *tokens, SETTINGS_FROM = 20 };

static size_t insert(char *text, size_t len, size_t at, const char *what, size_t n)
{
    if (len + n > TEXT_MAX)
        return len;
    memmove(text + at + n, text + at, len - at);
    memmove(text + at, what, n);
    return len + n;
}

/* Where a line begins, mostly: there, settings do something. */
static size_t place(struct rng *r, const char *text, size_t len)
{
    size_t at = rng_below(r, len + 1);

    while (at > 0 && rng_below(r, 8) && text[at - 1] != '\n')
        at--;
    return at;
}

static size_t mutate(struct rng *r, char *text, size_t len)
{
    size_t at = place(r, text, len), n, other;
    const char *token;

    switch (rng_below(r, 24)) {
    case 0:
        if (at < len)
            text[at] = (char)rng_below(r, 256);
        return len;
    case 1: /* a gap, mostly a whole line */
        for (n = 0; at + n < len && text[at + n] != '\n' && n < 60;)
            n++;
        memmove(text + at, text + at + n, len - at - n);
        return len - n;
    case 2: /* a piece of another file */
        other = rng_below(r, file_count);
        n = rng_below(r, lengths[other]);
        return insert(text, len, at, files[other] + n, rng_below(r, lengths[other] - n) % 200);
    case 3: /* the end is missing */
        return rng_below(r, 4) ? len : at;
    default:
        /* Mostly settings, which go on to be given a meaning. */
        token = tokens[rng_below(r, 12) ? SETTINGS_FROM + rng_below(r, COUNT - SETTINGS_FROM)
                                        : rng_below(r, COUNT)];
        return insert(text, len, at, token, token[0] ? strlen(token) : 2);
    }
}

static void check_scenario(const char *path, const struct text *out, const char *conf, size_t len)
{
    static char said[1 << 14];
    FILE *file = fopen(path, "wb"), *errors = fmemopen(said, sizeof said, "w");
    struct scenario s;
    enum err e;

    ck_assert(file && errors);
    ck_assert_uint_eq(fwrite(out->data, 1, out->len, file), out->len);
    fclose(file);
    e = scenario_load(path, NULL, 0, &s, errors);
    fclose(errors);
    ck_assert_msg(e == OK, "%s\n%s\nmade from\n%.*s", said, out->data, (int)len, conf);
    scenario_reset(&s);
}

START_TEST(damaged_configurations)
{
    static char text[TEXT_MAX], said[1 << 14];
    struct rng r = rng_stream(20260802, 0, RNG_TEST);
    char path[] = "/tmp/ikelab-swanctl-XXXXXX";
    int fd = mkstemp(path);
    unsigned taken = 0;

    ck_assert_int_ge(fd, 0);
    close(fd);
    read_folder("tests/scenarios/import");
    read_folder("tests/scenarios/import/conf.d");
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct swanctl_options options = {.clients = 1 + i % 3, .with_secrets = i % 2};
        size_t which = rng_below(&r, file_count), len = lengths[which];
        FILE *errors = fmemopen(said, sizeof said, "w");
        struct swanctl_summary summary;
        struct text out;
        enum err e;

        memset(said, 0, sizeof said);
        memcpy(text, files[which], len);
        for (uint64_t n = 1 + rng_below(&r, 6); n > 0; n--)
            len = mutate(&r, text, len);
        text_init(&out, NULL);
        e = swanctl_import_text("m.conf", text, len, &options, &out, &summary, errors);
        fclose(errors);
        ck_assert(e == OK || e == ERR_USAGE);
        if (e == OK)
            check_scenario(path, &out, text, len);
        else
            ck_assert_msg(strstr(said, ": error: ") != NULL, "refused, but nothing said: %.*s",
                          (int)len, text);
        taken += e == OK;
        text_reset(&out);
    }
    unlink(path);
    ck_assert_uint_gt(taken, ROUNDS / 5);
    ck_assert_uint_lt(taken, ROUNDS);
}
END_TEST

SUITE("swanctl_mutation", damaged_configurations)
