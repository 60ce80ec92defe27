#include "dissect/keys.h"

#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum err keys_init(struct dissect_keys *k)
{
    enum err e;

    *k = (struct dissect_keys){0};
    e = table_init(&k->ike_index, 16);
    if (e == OK)
        e = table_init(&k->ikev1_index, 16);
    return e ? e : table_init(&k->esp_index, 16);
}

void keys_reset(struct dissect_keys *k)
{
    if (k->ike)
        wipe(k->ike, k->ike_cap * sizeof *k->ike);
    if (k->esp)
        wipe(k->esp, k->esp_cap * sizeof *k->esp);
    if (k->ikev1)
        wipe(k->ikev1, k->ikev1_cap * sizeof *k->ikev1);
    free(k->ike);
    free(k->ikev1);
    free(k->esp);
    table_reset(&k->ike_index);
    table_reset(&k->ikev1_index);
    table_reset(&k->esp_index);
    *k = (struct dissect_keys){0};
}

static uint64_t ike_hash(uint64_t spi_i, uint64_t spi_r)
{
    const uint64_t spis[2] = {spi_i, spi_r};

    return digest_of(spis, sizeof spis, 0);
}

/* The old storage holds keys: it is wiped. NULL: no memory. */
static void *grown(void *old, size_t count, size_t *cap, size_t size)
{
    size_t larger = *cap ? 2 * *cap : 16;
    void *fresh;

    if (count < *cap)
        return old;
    fresh = calloc(larger, size);
    if (fresh && old) {
        memcpy(fresh, old, count * size);
        wipe(old, count * size);
        free(old);
    }
    if (fresh)
        *cap = larger;
    return fresh;
}

static bool same_ike(const struct ike_open_key *a, const struct ike_open_key *b)
{
    return a->spi_i == b->spi_i && a->spi_r == b->spi_r && a->encr == b->encr &&
           a->integ == b->integ && memcmp(a->encr_key, b->encr_key, sizeof a->encr_key) == 0 &&
           memcmp(a->integ_key, b->integ_key, sizeof a->integ_key) == 0;
}

static bool same_esp(const struct esp_open_key *a, const struct esp_open_key *b)
{
    return a->spi == b->spi && a->esn == b->esn && a->encr == b->encr && a->integ == b->integ &&
           ip_addr_equal(&a->destination, &b->destination) &&
           memcmp(a->encr_key, b->encr_key, sizeof a->encr_key) == 0 &&
           memcmp(a->integ_key, b->integ_key, sizeof a->integ_key) == 0;
}

enum err keys_add_ike(struct dissect_keys *k, const struct ike_open_key *key)
{
    uint64_t hash = ike_hash(key->spi_i, key->spi_r);
    uint32_t first = KEYS_NONE;
    struct ike_open_key *rows;

    (void)table_get(&k->ike_index, hash, &first);
    for (uint32_t i = first; i != KEYS_NONE; i = k->ike[i].next)
        if (same_ike(&k->ike[i], key))
            return OK;
    rows = grown(k->ike, k->ike_count, &k->ike_cap, sizeof *rows);
    if (!rows)
        return ERR_MEMORY;
    k->ike = rows;
    rows[k->ike_count] = *key;
    rows[k->ike_count].next = first;
    if (table_put(&k->ike_index, hash, (uint32_t)k->ike_count) != OK)
        return ERR_MEMORY;
    k->ike_count++;
    return OK;
}

enum err keys_add_esp(struct dissect_keys *k, const struct esp_open_key *key)
{
    uint32_t first = KEYS_NONE;
    struct esp_open_key *rows;

    (void)table_get(&k->esp_index, key->spi, &first);
    for (uint32_t i = first; i != KEYS_NONE; i = k->esp[i].next)
        if (same_esp(&k->esp[i], key))
            return OK;
    rows = grown(k->esp, k->esp_count, &k->esp_cap, sizeof *rows);
    if (!rows)
        return ERR_MEMORY;
    k->esp = rows;
    rows[k->esp_count] = *key;
    rows[k->esp_count].next = first;
    /* RFC 4303 appendix A2.2 needs a window to guess by; of ours only the top moves. */
    rows[k->esp_count].window = (struct replay){.window = REPLAY_WINDOW_MIN};
    if (table_put(&k->esp_index, key->spi, (uint32_t)k->esp_count) != OK)
        return ERR_MEMORY;
    k->esp_count++;
    return OK;
}

enum err keys_add_ikev1(struct dissect_keys *k, const struct ikev1_open_key *key)
{
    const struct ikev1_open_key *old = keys_find_ikev1(k, key->cky_i);
    struct ikev1_open_key *rows;

    if (old && old->len == key->len && memcmp(old->key, key->key, key->len) == 0)
        return OK;
    rows = grown(k->ikev1, k->ikev1_count, &k->ikev1_cap, sizeof *rows);
    if (!rows)
        return ERR_MEMORY;
    k->ikev1 = rows;
    rows[k->ikev1_count] = *key;
    if (table_put(&k->ikev1_index, key->cky_i, (uint32_t)k->ikev1_count) != OK)
        return ERR_MEMORY;
    k->ikev1_count++;
    return OK;
}

const struct ikev1_open_key *keys_find_ikev1(const struct dissect_keys *k, uint64_t cky_i)
{
    uint32_t at;

    return table_get(&k->ikev1_index, cky_i, &at) ? &k->ikev1[at] : NULL;
}

struct ike_open_key *keys_find_ike(const struct dissect_keys *k, uint64_t spi_i, uint64_t spi_r)
{
    uint32_t first;

    return table_get(&k->ike_index, ike_hash(spi_i, spi_r), &first) ? &k->ike[first] : NULL;
}

struct ike_open_key *keys_next_ike(const struct dissect_keys *k, const struct ike_open_key *key)
{
    return key->next == KEYS_NONE ? NULL : &k->ike[key->next];
}

struct esp_open_key *keys_find_esp(const struct dissect_keys *k, uint32_t spi)
{
    uint32_t first;

    return table_get(&k->esp_index, spi, &first) ? &k->esp[first] : NULL;
}

struct esp_open_key *keys_next_esp(const struct dissect_keys *k, const struct esp_open_key *key)
{
    return key->next == KEYS_NONE ? NULL : &k->esp[key->next];
}

bool keys_hex(const char *text, uint8_t *out, size_t len)
{
    if (!text)
        return false;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    if (strlen(text) != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit((uint8_t)text[2 * i]), low = hex_digit((uint8_t)text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A line that cannot be used is told; only one that is no row at all ends the reading. */
static enum err take_line(struct dissect_keys *k, char *line, FILE *say, const char *path,
                          unsigned number)
{
    const char *why = NULL;
    enum err e;

    line[strcspn(line, "\r\n")] = 0;
    line += strspn(line, " \t");
    if (*line == 0 || *line == '#')
        return OK;
    e = *line == '{' ? keys_line_json(k, line, &why) : keys_line_wireshark(k, line, &why);
    if (e == ERR_UNSUPPORTED || e == ERR_SYNTAX)
        fprintf(say, "%s:%u: %s: %s\n", path, number,
                e == ERR_SYNTAX ? "error" : "warning: this key is left out", why);
    return e == ERR_UNSUPPORTED ? OK : e;
}

static enum err read_lines(struct dissect_keys *k, FILE *file, const char *path, FILE *say)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    enum err e = OK;

    for (unsigned number = 1; e == OK && (len = getline(&line, &cap, file)) >= 0; number++) {
        if (memchr(line, 0, (size_t)len)) {
            fprintf(say, "%s:%u: error: this is no text file\n", path, number);
            e = ERR_SYNTAX;
        } else {
            e = take_line(k, line, say, path, number);
        }
    }
    if (e == OK && ferror(file))
        e = ERR_IO;
    if (line)
        wipe(line, cap);
    free(line);
    return e;
}

enum err keys_read_file(struct dissect_keys *k, const char *path, FILE *say)
{
    char inside[4096];
    struct stat s;
    FILE *file;
    enum err e;

    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode)) {
        if (snprintf(inside, sizeof inside, "%s/keys.jsonl", path) >= (int)sizeof inside)
            return ERR_IO;
        path = inside;
    }
    file = fopen(path, "r");
    if (!file) {
        fprintf(say, "%s: error: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    e = read_lines(k, file, path, say);
    fclose(file);
    return e;
}
