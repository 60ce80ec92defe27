/*
 * sim/scenario: no text crashes the loader. Scenarios are damaged at random (bytes, lines, tokens
 * of the grammar, splices) from a fixed seed; each must be taken, or refused with something said.
 */
#include "base/rng.h"
#include "record/text.h"
#include "sim/scenario.h"
#include "suite.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 16, FILES_MAX = 160, ROUNDS = 4000 };

static char files[FILES_MAX][4096];
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
        if (!strstr(path, ".yaml") || file_count == FILES_MAX)
            continue;
        file = fopen(path, "rb");
        ck_assert_ptr_nonnull(file);
        lengths[file_count] = fread(files[file_count], 1, sizeof *files, file);
        file_count++;
        fclose(file);
    }
    free(entries);
}

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "&a ",
    "*a",
    "<<: *a",
    "~",
    "\"",
    "'",
    "- ",
    "\n",
    "\n  ",
    "#",
    "---\n",
    "!!str ",
    "|\n",
    ">-\n",
    "\t",
    "0",
    "-1",
    "1e9",
    "99999999999999999999",
    "0.5%",
    "10s",
    "1Gbit",
    "up: ",
    "down: ",
    "loss: ",
    "gemodel: ",
    "{n}",
    "[0..9]",
    "one_per: ",
    "count: ",
    "2000000",
    "connect: gw",
    "protects: ",
    "0.0.0.0/0",
    "::/0",
    "x-y: ",
    "preset: ",
    "imix",
    "p(99)<2s",
    "\xff",
    "\xc3",
    "nodes: ",
    "links: ",
    "sides: ",
    "role: nat",
    "role: initiator",
    "address: 10.128.0.1",
};

static size_t insert(char *text, size_t len, size_t at, const char *what, size_t n)
{
    if (len + n > TEXT_MAX)
        return len;
    memmove(text + at + n, text + at, len - at);
    memmove(text + at, what, n);
    return len + n;
}

static size_t mutate(struct rng *r, char *text, size_t len)
{
    size_t at = rng_below(r, len + 1), n, other;
    const char *token;

    switch (rng_below(r, 7)) {
    case 0: /* another byte */
        if (at < len)
            text[at] = (char)rng_below(r, 256);
        return len;
    case 1: /* a gap */
        n = rng_below(r, 40);
        n = n < len - at ? n : len - at;
        memmove(text + at, text + at + n, len - at - n);
        return len - n;
    case 2: /* a word of the grammar */
    case 3:
        token = tokens[rng_below(r, sizeof tokens / sizeof *tokens)];
        return insert(text, len, at, token, strlen(token));
    case 4: /* a piece of another file */
        other = rng_below(r, file_count);
        if (!lengths[other])
            return len;
        n = rng_below(r, lengths[other]);
        return insert(text, len, at, files[other] + n, rng_below(r, lengths[other] - n) % 200);
    case 5: /* the end is missing */
        return rng_below(r, 4) ? len : at;
    default: /* a piece of itself again */
        n = rng_below(r, 60);
        n = n < len - at ? n : len - at;
        return insert(text, len, at, text + at, n < 60 ? n : 0);
    }
}

static void try_one(const char *path, const char *text, size_t len, char *said, size_t size,
                    unsigned *taken)
{
    FILE *file = fopen(path, "wb"), *errors = fmemopen(said, size, "w");
    struct scenario s;
    enum err e;

    ck_assert(file && errors);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    fclose(file);
    e = scenario_load(path, NULL, 0, &s, errors);
    fclose(errors);
    if (e == OK) {
        struct text dump;

        (*taken)++;
        text_init(&dump, NULL);
        scenario_dump_json(&s, &dump, 0);
        text_reset(&dump);
        scenario_reset(&s);
        return;
    }
    ck_assert_int_eq(e, ERR_USAGE);
    ck_assert_msg(strstr(said, ": error: ") != NULL, "refused, but nothing said: %.*s", (int)len,
                  text);
    ck_assert_ptr_null(s.arena);
}

START_TEST(damaged_scenarios)
{
    static char text[TEXT_MAX], said[1 << 16];
    struct rng r = rng_stream(20260801, 0, RNG_TEST);
    char path[] = "/tmp/ikelab-mutation-XXXXXX";
    int fd = mkstemp(path);
    unsigned taken = 0;

    ck_assert_int_ge(fd, 0);
    close(fd);
    read_folder("scenarios");
    read_folder("tests/scenarios/broken");
    for (int i = 0; i < ROUNDS; i++) {
        size_t which = rng_below(&r, file_count), len = lengths[which];

        memcpy(text, files[which], len);
        for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--)
            len = mutate(&r, text, len);
        memset(said, 0, sizeof said);
        try_one(path, text, len, said, sizeof said, &taken);
    }
    unlink(path);
    /* Some damage is harmless (a comment); most is not. */
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_lt(taken, ROUNDS / 2);
}
END_TEST

SUITE("scenario_mutation", damaged_scenarios)
