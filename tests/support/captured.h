/*
 * The captures in $IKELAB_VECTORS/pcap (default ../shared/vectors), IKE message by IKE message, and
 * what decode.tsv says of each frame, as tshark reads it. IP fragments are joined; checksums that
 * hardware would have filled in are mended; of packets that the snap length cut, and of those whose
 * other fragments never come, we take what is there.
 */
#ifndef TESTS_CAPTURED_H
#define TESTS_CAPTURED_H

#include "captures.h"
#include "proto/ip/checksum.h"
#include "proto/ip/reassembly.h"
#include "proto/ip/udp.h"
#include "suite.h"

#include <dirent.h>
#include <jansson.h>

struct captured_row {
    char file[128];
    unsigned frame;
    char exchange[32];
    char flags[4]; /* "iQ"; IKEv1: "enc" or nothing */
    uint32_t message_id;
    char list[256]; /* "SA KE Ni/Nr"; IKEv1: "SAv1 VIDv1 NAT-D" */
    char rest[256]; /* " MALFORMED N:... hash=..." */
    bool malformed;
    bool met; /* there was an IKE message of this frame */
};

static struct captured_row captured_rows[4096];
static size_t captured_row_count;

/* First fragments of packets that are not whole yet. */
static struct {
    uint8_t data[2048];
    size_t len;
    unsigned frame;
} captured_first[4];
static unsigned captured_first_count;

/** What lies around the messages. */
static struct {
    unsigned files, frames, fragments_joined, keepalive, esp;
    unsigned below[ERR_COUNT]; /* IP and UDP */
} captured;

typedef void captured_take(const char *file, unsigned frame, struct bytes message);

static inline const char *captured_folder(void)
{
    const char *dir = getenv("IKELAB_VECTORS");

    return dir ? dir : "../shared/vectors";
}

/* "IKE_AUTH/iQ mid=0x00000001 [SK IDi] MALFORMED N:..." */
static inline void captured_row_read(char *line)
{
    struct captured_row *r = &captured_rows[captured_row_count];
    char *field[9], *open, *close;

    for (int i = 0; i < 9; i++) {
        field[i] = line;
        line = strpbrk(line, "\t\n");
        if (!line)
            return;
        *line++ = 0;
    }
    open = strchr(field[8], '[');
    close = open ? strchr(open, ']') : NULL;
    /* "Main/enc mid=..": IKEv1 writes nothing where it is not encrypted. */
    if (!close || (sscanf(field[8], "%31[A-Za-z_0-9]/%3s mid=%x", r->exchange, r->flags,
                          &r->message_id) != 3 &&
                   sscanf(field[8], "%31[A-Za-z_0-9]/ mid=%x", r->exchange, &r->message_id) != 2))
        return;
    snprintf(r->file, sizeof r->file, "%s", field[0]);
    r->frame = (unsigned)strtoul(field[1], NULL, 10);
    snprintf(r->list, sizeof r->list, "%.*s", (int)(close - open - 1), open + 1);
    snprintf(r->rest, sizeof r->rest, "%s", close + 1);
    r->malformed = strstr(close, "MALFORMED") != NULL;
    captured_row_count++;
}

/** The test is skipped where there are none. */
static inline void captured_rows_read(void)
{
    char path[512];
    static char line[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/pcap/decode.tsv", captured_folder());
    f = fopen(path, "r");
    if (!f)
        skip_all("no captures: set IKELAB_VECTORS to the folder that has pcap/decode.tsv");
    while (fgets(line, sizeof line, f) &&
           captured_row_count < sizeof captured_rows / sizeof *captured_rows)
        captured_row_read(line);
    fclose(f);
}

static inline struct captured_row *captured_row_of(const char *file, unsigned frame)
{
    for (size_t i = 0; i < captured_row_count; i++)
        if (captured_rows[i].frame == frame && strcmp(captured_rows[i].file, file) == 0)
            return &captured_rows[i];
    return NULL;
}

static inline json_t *captured_keys(void)
{
    char path[512];
    json_t *keys;

    snprintf(path, sizeof path, "%s/pcap/keys.json", captured_folder());
    keys = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(keys);
    return keys;
}

/* A copy of the exact size: sanitizers see reads behind it, and opening may write. */
static inline void captured_message(const char *file, unsigned frame, struct bytes message,
                                    captured_take *take)
{
    uint8_t *copy = malloc(message.len ? message.len : 1);
    struct captured_row *row = captured_row_of(file, frame);

    memcpy(copy, message.data, message.len);
    if (row)
        row->met = true;
    take(file, frame, bytes_of(copy, message.len));
    free(copy);
}

static inline void captured_udp(const char *file, unsigned frame, const struct udp_datagram *u,
                                captured_take *take)
{
    bool natt = u->src.port == 4500 || u->dst.port == 4500;
    struct bytes b = u->payload;

    if (!natt && u->src.port != 500 && u->dst.port != 500)
        return;
    if (natt && b.len < 4) {
        captured.keepalive++;
        return;
    }
    if (natt && load_be32(b.data) != 0) {
        captured.esp++;
        return;
    }
    if (natt) /* RFC 3948 §2.2: the non-ESP marker */
        b = bytes_of(b.data + 4, b.len - 4);
    captured_message(file, frame, b, take);
}

static inline enum err captured_ip(uint8_t *copy, size_t len, struct ip_packet *p)
{
    enum err e = ip_read(bytes_of(copy, len), p);
    size_t header = (size_t)(copy[0] & 15) * 4;

    captured.below[e] += e != OK;
    if (e == ERR_TRUNCATED)
        e = ip_read_quoted(bytes_of(copy, len), p);
    if (e == ERR_CHECKSUM) {
        store_be16(copy + 10, 0);
        store_be16(copy + 10, checksum_of(bytes_of(copy, header)));
        e = ip_read(bytes_of(copy, len), p);
    }
    return e == ERR_TRUNCATED ? ip_read_quoted(bytes_of(copy, len), p) : e;
}

static inline void captured_packet(const char *file, unsigned frame, const struct ip_packet *p,
                                   captured_take *take)
{
    struct udp_datagram u;
    enum err e = udp_read(p, &u);

    if (e == ERR_NEXT_HEADER)
        return;
    captured.below[e] += e != OK;
    if (e == ERR_LENGTH) { /* cut off, or a length that lies: what is there must be refused */
        u.src.port = load_be16(p->payload.data);
        u.dst.port = load_be16(p->payload.data + 2);
        u.payload = bytes_of(p->payload.data + UDP_HEADER_LEN, p->payload.len - UDP_HEADER_LEN);
    }
    if (u.payload.data)
        captured_udp(file, frame, &u, take);
}

static inline void captured_keep_first(unsigned frame, const struct ip_packet *p)
{
    unsigned i = captured_first_count++;

    ck_assert(i < 4 && p->whole.len <= sizeof captured_first[i].data);
    ck_assert_uint_eq(p->src.family, 4);
    memcpy(captured_first[i].data, p->whole.data, p->whole.len);
    captured_first[i].len = p->whole.len;
    captured_first[i].frame = frame;
}

static inline void captured_lone(const char *file, captured_take *take)
{
    for (unsigned i = 0; i < captured_first_count; i++) {
        struct ip_packet p;

        store_be16(captured_first[i].data + 6, 0); /* "more fragments" */
        ck_assert_ok(captured_ip(captured_first[i].data, captured_first[i].len, &p));
        captured_packet(file, captured_first[i].frame, &p, take);
    }
    captured_first_count = 0;
}

static inline void captured_frame(const char *file, unsigned frame, struct bytes data,
                                  struct reassembly *join, captured_take *take)
{
    uint8_t *copy = malloc(data.len);
    struct ip_packet p;
    struct bytes whole = BYTES_NONE;
    unsigned pieces = 0;
    enum err e;

    captured.frames++;
    memcpy(copy, data.data, data.len);
    e = captured_ip(copy, data.len, &p);
    if (e == OK && reassembly_add(join, frame, &p, &whole, &pieces) == OK)
        ck_assert(whole.len > 0 || p.mf || p.offset > 0);
    if (pieces > 0) {
        captured.fragments_joined += pieces;
        ck_assert_ok(ip_read(whole, &p));
        captured_first_count--; /* they come one packet after the other */
    }
    if (e == OK && whole.len == 0 && p.mf && p.offset == 0)
        captured_keep_first(frame, &p);
    if (whole.len > 0)
        captured_packet(file, frame, &p, take);
    free(copy);
}

static inline void captured_file(const char *file, captured_take *take)
{
    static const struct reassembly_config config = {8, 65535, 1000};
    struct reassembly join;
    struct capture c;
    struct bytes data;
    char path[512];

    snprintf(path, sizeof path, "%s/pcap/%s", captured_folder(), file);
    ck_assert_msg(capture_open(&c, path), "%s cannot be read", file);
    ck_assert_ok(reassembly_init(&join, &config));
    while (capture_next(&c, &data))
        if (data.len > 0)
            captured_frame(file, c.frame, data, &join, take);
    captured_lone(file, take);
    ck_assert_uint_gt(c.frame, 0);
    captured.files++;
    reassembly_reset(&join);
    capture_close(&c);
}

static inline int captured_by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/** Every IKE message, capture by capture in the order of their names; its bytes are writable. */
static inline void captured_each(captured_take *take)
{
    static char files[256][128];
    size_t count = 0;
    char path[512];
    DIR *top, *sub;
    struct dirent *d, *f;

    snprintf(path, sizeof path, "%s/pcap", captured_folder());
    top = opendir(path);
    ck_assert_ptr_nonnull(top);
    while ((d = readdir(top)) != NULL) {
        snprintf(path, sizeof path, "%s/pcap/%s", captured_folder(), d->d_name);
        sub = d->d_name[0] == '.' ? NULL : opendir(path);
        while (sub && (f = readdir(sub)) != NULL)
            if ((strstr(f->d_name, ".pcap") || strstr(f->d_name, ".cap")) && count < 256)
                snprintf(files[count++], 128, "%.40s/%.80s", d->d_name, f->d_name);
        if (sub)
            closedir(sub);
    }
    closedir(top);
    qsort(files, count, sizeof *files, captured_by_name);
    for (size_t i = 0; i < count; i++)
        captured_file(files[i], take);
}

#endif
