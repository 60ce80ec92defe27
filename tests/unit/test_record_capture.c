/* base/pcapng, record/capture, record/events, record/keys: what is written, what is cut. */
#include "record/capture.h"
#include "record/events.h"
#include "record/keys.h"
#include "suite.h"

#include <jansson.h>

struct memory {
    FILE *file;
    char *data;
    size_t len;
};

static uint32_t le32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;

    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Blocks by type, after checking that lengths agree in front and behind and tile the file. */
static void count_blocks(const struct memory *m, unsigned counts[8])
{
    size_t at = 0;

    memset(counts, 0, 8 * sizeof *counts);
    while (at < m->len) {
        uint32_t type = le32(m->data + at), len = le32(m->data + at + 4);

        ck_assert_uint_ge(len, 12);
        ck_assert_uint_eq(len % 4, 0);
        ck_assert_uint_le(at + len, m->len);
        ck_assert_uint_eq(le32(m->data + at + len - 4), len);
        ck_assert(type == 0x0A0D0D0A || type <= 6);
        counts[type == 0x0A0D0D0A ? 7 : type]++;
        at += len;
    }
}

static struct capture *make(FILE *file, uint64_t max_size, uint32_t per_sa)
{
    const struct capture_options o = {.file = file,
                                      .max_size = max_size,
                                      .esp_packets_per_sa = per_sa,
                                      .scenario = "test",
                                      .seed = 1,
                                      .commit = "unknown",
                                      .crypto = "modelled"};
    struct capture *c;

    ck_assert_ok(capture_create(&o, &c));
    return c;
}

static uint64_t add(struct capture *c, uint32_t interface, size_t len, uint32_t spi)
{
    static const uint8_t zeros[2000];
    const char *comments[] = {"first", "second comment"};

    return capture_packet(c, &(struct capture_packet){.interface = interface,
                                                      .at = NSEC_PER_S,
                                                      .sent = true,
                                                      .esp = spi != 0,
                                                      .spi = spi,
                                                      .data = bytes_of(zeros, len),
                                                      .comments = comments,
                                                      .comment_count = len % 3});
}

START_TEST(blocks_of_every_length_tile_the_file)
{
    struct memory m = {0};
    struct capture *c;
    unsigned counts[8];

    m.file = open_memstream(&m.data, &m.len);
    c = make(m.file, 0, UINT32_MAX);
    for (uint32_t i = 0; i < 40; i++) {
        char name[32];

        snprintf(name, sizeof name, "node[%u]%.*s", i, (int)(i % 4), "abc");
        ck_assert_uint_eq(capture_interface(c, name, "a node"), i);
        capture_name(c, i % 2 ? 4 : 6, (const uint8_t[16]){1, 2, 3, (uint8_t)i}, name);
    }
    for (size_t len = 0; len < 70; len++)
        ck_assert_uint_eq(add(c, (uint32_t)len % 40, len, 0), len + 1);
    ck_assert_ok(capture_close(c, 2 * NSEC_PER_S));
    count_blocks(&m, counts);
    ck_assert_uint_eq(counts[7], 1);
    ck_assert_uint_eq(counts[1], 40);
    ck_assert_uint_eq(counts[4], 1);
    ck_assert_uint_eq(counts[5], 40);
    ck_assert_uint_eq(counts[6], 70);
    ck_assert_uint_eq(capture_totals(c).bytes, m.len);
    ck_assert_uint_eq(capture_totals(c).cut_packets, 0);
    capture_destroy(c);
    fclose(m.file);
    free(m.data);
}
END_TEST

START_TEST(esp_is_cut_per_sa_and_interface)
{
    struct memory m = {0};
    struct capture *c;
    struct capture_totals t;

    m.file = open_memstream(&m.data, &m.len);
    c = make(m.file, 0, 3);
    capture_interface(c, "a", "");
    capture_interface(c, "b", "");
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(add(c, 0, 100, 7) > 0, i < 3);
        ck_assert_int_eq(add(c, 1, 100, 7) > 0, i < 3); /* another vantage point, its own share */
        ck_assert_int_eq(add(c, 0, 100, 8) > 0, i < 3); /* another SA */
        ck_assert_uint_gt(add(c, 0, 100, 0), 0);        /* not ESP: never cut by SA */
    }
    t = capture_totals(c);
    ck_assert_uint_eq(t.frames, 9 + 5);
    ck_assert_uint_eq(t.cut_by_sa, 6);
    ck_assert_uint_eq(t.cut_packets, 6);
    ck_assert_ok(capture_close(c, 1));
    capture_destroy(c);
    fclose(m.file);
    free(m.data);
}
END_TEST

START_TEST(the_file_never_exceeds_its_size)
{
    for (uint64_t max = 0; max < 3000; max += 7) {
        struct memory m = {0};
        struct capture *c;
        struct capture_totals t;
        unsigned counts[8];
        size_t head;

        m.file = open_memstream(&m.data, &m.len);
        c = make(m.file, max + 1, 50);
        capture_interface(c, "a", "");
        capture_interface(c, "b", "");
        capture_name(c, 4, (const uint8_t[]){1, 2, 3, 4}, "some-name");
        head = capture_totals(c).bytes;
        for (uint32_t i = 0; i < 20; i++)
            add(c, i % 2, 100 + i, i % 3);
        ck_assert_ok(capture_close(c, 1));
        t = capture_totals(c);
        ck_assert_uint_eq(t.frames + t.cut_packets, 20);
        count_blocks(&m, counts);
        ck_assert_uint_eq(counts[6], t.frames);
        /* The frame of the file itself (section, interfaces, names, statistics) is always there. */
        ck_assert(m.len <= max + 1 || t.frames == 0);
        ck_assert_uint_ge(m.len, head);
        capture_destroy(c);
        fclose(m.file);
        free(m.data);
    }
}
END_TEST

START_TEST(a_full_disk_is_told)
{
    FILE *full = fopen("/dev/full", "w");
    struct capture *c;
    struct events *e;
    struct keys *k;

    if (!full)
        return;
    c = make(full, 0, 50);
    capture_interface(c, "a", "");
    for (int i = 0; i < 100; i++)
        add(c, 0, 1000, 0);
    ck_assert_int_eq(capture_close(c, 1), ERR_IO);
    capture_destroy(c);

    ck_assert_ok(events_create(full, &e));
    for (int i = 0; i < 5000; i++) {
        events_begin(e, 1, "node", "host.queue");
        events_u64(e, "backlog", 1);
        events_end(e);
    }
    ck_assert_int_eq(events_flush(e), ERR_IO);
    events_destroy(e);

    ck_assert_ok(keys_create(full, &k));
    keys_child(k, &(struct child_key_record){.node = "a",
                                             .spi = 1,
                                             .source = "*",
                                             .destination = "1.2.3.4",
                                             .encr = encr_suite(20, 256),
                                             .encr_key = bytes_text("k")});
    ck_assert_int_eq(keys_write_profile(k, NULL), ERR_IO);
    keys_destroy(k);
    fclose(full);
}
END_TEST

/* The buffer is handed on at any place of a line: once, behind a key, that ate the next comma. */
START_TEST(keys_are_json_wherever_the_buffer_is_handed_on)
{
    static const uint8_t key[32] = {1};
    struct memory m = {0};
    struct bytes k = bytes_of(key, sizeof key);
    struct keys *keys;
    char *line, *rest;
    size_t lines = 0;

    m.file = open_memstream(&m.data, &m.len);
    ck_assert_ok(keys_create(m.file, &keys));
    for (uint64_t i = 0; i < 6000; i++) {
        char node[64] = "a name that is longer each time, up to a line";

        node[i % 40 + 1] = 0;
        keys_ike(keys, &(struct ike_key_record){.node = node,
                                                .spi_i = i,
                                                .encr = encr_suite(20, 256),
                                                .prf = prf_suite(5),
                                                .skeyseed = k,
                                                .sk_d = k,
                                                .sk_ei = k,
                                                .sk_er = k,
                                                .sk_pi = k,
                                                .sk_pr = k});
    }
    keys_destroy(keys);
    ck_assert_int_eq(fflush(m.file), 0);
    *(strrchr(m.data, '\n') + 1) = 0; /* the last buffer was not handed on */
    for (line = strtok_r(m.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        json_t *found = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

        ck_assert_msg(found != NULL, "%s", line);
        ck_assert_uint_eq(json_object_size(json_object_get(found, "keys")), 6);
        json_decref(found);
    }
    ck_assert_uint_gt(lines, 5000);
    fclose(m.file);
    free(m.data);
}
END_TEST

START_TEST(events_are_json_whatever_the_names)
{
    static const char *const names[] = {
        "homes[0]", "quote\"d", "back\\slash", "new\nline", "\xff\xfe", "gr\xc3\xbc\xc3\x9f", ""};
    struct memory m = {0};
    struct events *e;
    char *line, *rest;
    size_t i = 0;

    m.file = open_memstream(&m.data, &m.len);
    ck_assert_ok(events_create(m.file, &e));
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        events_begin(e, n, names[n], "sa.state");
        events_frame(e, n); /* 0: left out */
        events_sa(e, "0x00000001");
        events_text(e, "state", names[n]);
        events_bool(e, "up", n % 2);
        events_u64(e, "big", UINT64_MAX);
        events_end(e);
    }
    events_begin(e, 99, "bare", "timer.armed");
    events_end(e);
    ck_assert_ok(events_flush(e));
    for (line = strtok_r(m.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), i++) {
        json_t *event = json_loads(line, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);

        ck_assert_msg(event != NULL, "%s", line);
        ck_assert(json_is_object(json_object_get(event, "data")));
        ck_assert_int_eq(json_object_get(event, "frame") != NULL, i > 0 && i < 7);
        if (i < 4)
            ck_assert_str_eq(json_string_value(json_object_get(event, "node")), names[i]);
        json_decref(event);
    }
    ck_assert_uint_eq(i, sizeof names / sizeof *names + 1);
    events_destroy(e);
    fclose(m.file);
    free(m.data);
}
END_TEST

START_TEST(algorithms_wireshark_cannot_open_have_no_name)
{
    ck_assert_ptr_null(wireshark_ike_encr(encr_suite_named("chacha20poly1305", 16)));
    ck_assert_ptr_null(wireshark_esp_encr(encr_suite_named("chacha20poly1305", 16)));
    ck_assert_ptr_null(wireshark_esp_encr(encr_suite_named("aes256gcm16iiv", 14)));
    ck_assert_ptr_null(wireshark_esp_integ(integ_suite_named("aesxcbc", 7)));
    ck_assert_ptr_null(wireshark_ike_integ(integ_suite_named("aescmac", 7)));
    ck_assert_str_eq(wireshark_esp_encr(encr_suite_named("aes256gcm16", 11)),
                     "AES-GCM with 16 octet ICV [RFC4106]");
    ck_assert_str_eq(wireshark_ike_encr(encr_suite_named("aes256gcm16", 11)),
                     "AES-GCM-256 with 16 octet ICV [RFC5282]");
    ck_assert_str_eq(wireshark_ike_integ(NULL), "NONE [RFC4306]");
    ck_assert_str_eq(wireshark_esp_integ(NULL), "NULL");
}
END_TEST

SUITE("record capture", blocks_of_every_length_tile_the_file, esp_is_cut_per_sa_and_interface,
      the_file_never_exceeds_its_size, a_full_disk_is_told,
      keys_are_json_wherever_the_buffer_is_handed_on, events_are_json_whatever_the_names,
      algorithms_wireshark_cannot_open_have_no_name)
