#include "record/keys.h"
#include "base/digest.h"
#include "base/table.h"
#include "record/text.h"

#include <stdlib.h>

/* keys.jsonl, and the rows that record/wireshark.c turns into tables. */
#include "record/wireshark.h"

struct keys {
    struct text lines;
    struct wireshark_rows rows;
    struct table ike_seen;   /* hash of both SPIs */
    struct table ikev1_seen; /* initiator's cookie */
    struct table child_seen; /* SPI and hash of destination and key, to the row */
    struct table spi_first;  /* SPI to its first row */
    enum err error;
};

enum err keys_create(FILE *sink, struct keys **out)
{
    struct keys *k = calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return ERR_MEMORY;
    text_init(&k->lines, sink);
    if (table_init(&k->ike_seen, 16) != OK || table_init(&k->ikev1_seen, 16) != OK ||
        table_init(&k->child_seen, 16) != OK || table_init(&k->spi_first, 16) != OK) {
        keys_destroy(k);
        return ERR_MEMORY;
    }
    *out = k;
    return OK;
}

static void rows_reset(struct wireshark_rows *rows)
{
    if (rows->ike)
        wipe(rows->ike, rows->ike_cap * sizeof *rows->ike);
    if (rows->ikev1)
        wipe(rows->ikev1, rows->ikev1_cap * sizeof *rows->ikev1);
    if (rows->child)
        wipe(rows->child, rows->child_cap * sizeof *rows->child);
    free(rows->ike);
    free(rows->ikev1);
    free(rows->child);
}

void keys_destroy(struct keys *k)
{
    if (!k)
        return;
    text_reset(&k->lines);
    rows_reset(&k->rows);
    table_reset(&k->ike_seen);
    table_reset(&k->ikev1_seen);
    table_reset(&k->child_seen);
    table_reset(&k->spi_first);
    free(k);
}

/* Room for one more element; the old storage is wiped, for it holds keys. NULL: no memory. */
static void *grown(struct keys *k, void *old, size_t count, size_t *cap, size_t size)
{
    size_t larger = *cap ? 2 * *cap : 16;
    void *fresh;

    if (count < *cap)
        return old;
    fresh = calloc(larger, size);
    if (!fresh) {
        k->error = ERR_MEMORY;
        return NULL;
    }
    if (old) {
        memcpy(fresh, old, count * size);
        wipe(old, *cap * size);
        free(old);
    }
    *cap = larger;
    return fresh;
}

static struct wireshark_key key_copy(struct bytes b)
{
    struct wireshark_key key = {.len = (uint8_t)b.len};

    if (b.len > sizeof key.bytes) {
        key.len = 0;
        return key;
    }
    if (b.len)
        memcpy(key.bytes, b.data, b.len);
    return key;
}

static void line_begin(struct text *t, nsec at, const char *node, const char *kind)
{
    text_raw(t, "{\"t_ns\":");
    text_u64(t, at);
    text_raw(t, ",\"node\":");
    text_json(t, node);
    text_raw(t, ",\"kind\":");
    text_json(t, kind);
}

static void line_name(struct text *t, const char *key, const char *name)
{
    text_raw(t, ",\"");
    text_raw(t, key);
    text_raw(t, "\":");
    if (name)
        text_json(t, name);
    else
        text_raw(t, "null");
}

struct key_value {
    const char *name;
    struct bytes value;
};

/* Formula names and values; nothing for a key that this suite does not have. */
static void line_keys(struct text *t, const struct key_value *keys, size_t count)
{
    bool first = true;

    text_raw(t, ",\"keys\":{");
    for (size_t i = 0; i < count; i++) {
        if (keys[i].value.len == 0)
            continue;
        text_raw(t, first ? "\"" : ",\"");
        text_raw(t, keys[i].name);
        text_raw(t, "\":\"");
        text_hex(t, keys[i].value);
        text_char(t, '"');
        first = false;
    }
    text_raw(t, "}}\n");
}

static void line_spi(struct text *t, const char *before, uint64_t spi)
{
    text_raw(t, before);
    text_hex64(t, spi);
    text_char(t, '"');
}

static void ike_line(struct text *t, const struct ike_key_record *r)
{
    const struct key_value keys[] = {
        {"SKEYSEED", r->skeyseed}, {"SK_d", r->sk_d},   {"SK_ai", r->sk_ai}, {"SK_ar", r->sk_ar},
        {"SK_ei", r->sk_ei},       {"SK_er", r->sk_er}, {"SK_pi", r->sk_pi}, {"SK_pr", r->sk_pr},
    };

    line_begin(t, r->at, r->node, "ike");
    line_spi(t, ",\"sa\":\"", r->spi_i);
    line_spi(t, ",\"spi_i\":\"", r->spi_i);
    line_spi(t, ",\"spi_r\":\"", r->spi_r);
    line_name(t, "encr", r->encr->name);
    line_name(t, "integ", r->integ ? r->integ->name : NULL);
    line_name(t, "prf", r->prf->name);
    line_keys(t, keys, sizeof keys / sizeof *keys);
}

static void ike_row(struct keys *k, const struct ike_key_record *r)
{
    const uint64_t spis[2] = {r->spi_i, r->spi_r};
    uint64_t id = digest_of(spis, sizeof spis, 0);
    struct wireshark_ike *rows;
    uint32_t seen;

    if (table_get(&k->ike_seen, id, &seen))
        return;
    rows = grown(k, k->rows.ike, k->rows.ike_count, &k->rows.ike_cap, sizeof *rows);
    if (rows)
        k->rows.ike = rows; /* the old array is gone, whatever comes next */
    if (!rows || table_put(&k->ike_seen, id, (uint32_t)k->rows.ike_count) != OK) {
        k->error = ERR_MEMORY;
        return;
    }
    rows[k->rows.ike_count++] = (struct wireshark_ike){
        .spi_i = r->spi_i,
        .spi_r = r->spi_r,
        .encr = r->encr,
        .integ = r->integ,
        .sk_ei = key_copy(r->sk_ei),
        .sk_er = key_copy(r->sk_er),
        .sk_ai = key_copy(r->sk_ai),
        .sk_ar = key_copy(r->sk_ar),
    };
}

void keys_ike(struct keys *k, const struct ike_key_record *r)
{
    if (k->error != OK)
        return;
    ike_line(&k->lines, r);
    ike_row(k, r);
}

static void ikev1_line(struct text *t, const struct ikev1_key_record *r)
{
    const struct key_value keys[] = {{"SKEYID", r->skeyid},
                                     {"SKEYID_d", r->skeyid_d},
                                     {"SKEYID_a", r->skeyid_a},
                                     {"SKEYID_e", r->skeyid_e},
                                     {"encryption", r->cipher_key}};

    line_begin(t, r->at, r->node, "ikev1");
    line_spi(t, ",\"sa\":\"", r->spi_i);
    line_spi(t, ",\"spi_i\":\"", r->spi_i);
    line_spi(t, ",\"spi_r\":\"", r->spi_r);
    line_name(t, "encr", r->encr->name);
    line_name(t, "prf", r->prf->name);
    line_keys(t, keys, sizeof keys / sizeof *keys);
}

/* The table has one key of a cookie: that of the SA that came last under it is of no use for the
 * others, so the first stays. */
static void ikev1_row(struct keys *k, const struct ikev1_key_record *r)
{
    struct wireshark_ikev1 *rows;
    uint32_t seen;

    if (table_get(&k->ikev1_seen, r->spi_i, &seen))
        return;
    rows = grown(k, k->rows.ikev1, k->rows.ikev1_count, &k->rows.ikev1_cap, sizeof *rows);
    if (rows)
        k->rows.ikev1 = rows;
    if (!rows || table_put(&k->ikev1_seen, r->spi_i, (uint32_t)k->rows.ikev1_count) != OK) {
        k->error = ERR_MEMORY;
        return;
    }
    rows[k->rows.ikev1_count++] =
        (struct wireshark_ikev1){.cky_i = r->spi_i, .cipher_key = key_copy(r->cipher_key)};
}

void keys_ikev1(struct keys *k, const struct ikev1_key_record *r)
{
    if (k->error != OK)
        return;
    ikev1_line(&k->lines, r);
    ikev1_row(k, r);
}

static void child_line(struct text *t, const struct child_key_record *r)
{
    const struct key_value keys[] = {{"encryption", r->encr_key}, {"integrity", r->integ_key}};

    line_begin(t, r->at, r->node, "child");
    text_raw(t, ",\"sa\":\"0x");
    text_hex32(t, r->spi);
    text_raw(t, "\",\"spi\":\"0x");
    text_hex32(t, r->spi);
    text_char(t, '"');
    line_name(t, "source", r->source);
    line_name(t, "destination", r->destination);
    line_name(t, "encr", r->encr->name);
    line_name(t, "integ", r->integ ? r->integ->name : NULL);
    text_raw(t, r->esn ? ",\"esn\":true" : ",\"esn\":false");
    line_keys(t, keys, sizeof keys / sizeof *keys);
}

static void child_row_add(struct keys *k, const struct child_key_record *r, uint64_t key_digest)
{
    struct wireshark_child *rows =
        grown(k, k->rows.child, k->rows.child_count, &k->rows.child_cap, sizeof *rows);
    uint32_t first, here = (uint32_t)k->rows.child_count;
    struct wireshark_child *row;

    if (!rows)
        return;
    k->rows.child = rows;
    row = &rows[k->rows.child_count++];
    *row = (struct wireshark_child){
        .spi = r->spi,
        .ipv6 = r->ipv6,
        .esn = r->esn,
        .encr = r->encr,
        .integ = r->integ,
        .encr_key = key_copy(r->encr_key),
        .integ_key = key_copy(r->integ_key),
        .key_digest = key_digest,
    };
    snprintf(row->destination, sizeof row->destination, "%s", r->destination);
    if (!table_get(&k->spi_first, r->spi, &first)) {
        if (table_put(&k->spi_first, r->spi, here) != OK)
            k->error = ERR_MEMORY;
        return;
    }
    /* The same key: the other end's view, one row will do. Another key: two SAs share an SPI. */
    if (rows[first].key_digest == key_digest)
        row->repeats = true;
    else
        rows[first].ambiguous = row->ambiguous = true;
}

void keys_child(struct keys *k, const struct child_key_record *r)
{
    uint64_t key, id;
    uint32_t seen;

    if (k->error != OK)
        return;
    child_line(&k->lines, r);
    key = digest_of(r->encr_key.data, r->encr_key.len, r->spi);
    key = digest_of(r->integ_key.data, r->integ_key.len, key);
    id = digest_of(r->destination, strlen(r->destination), key);
    if (table_get(&k->child_seen, id, &seen))
        return;
    if (table_put(&k->child_seen, id, (uint32_t)k->rows.child_count) != OK)
        k->error = ERR_MEMORY;
    else
        child_row_add(k, r, key);
}

enum err keys_write_profile(struct keys *k, struct run_folder *folder)
{
    if (k->error != OK)
        return k->error;
    if (k->lines.sink && text_flush(&k->lines) != OK)
        return k->lines.error;
    return wireshark_write(&k->rows, folder);
}
