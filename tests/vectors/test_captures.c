/*
 * Every IKE message of the captures in $IKELAB_VECTORS/pcap (default ../shared/vectors): read
 * without a sanitizer report; payload lists as decode.tsv has them; well-formed messages
 * written again byte for byte from the decoded structs; malformed ones refused by a counted
 * reason. IKEv2 messages with keys in keys.json are opened and their inner lists compared; those
 * of IKEv1, whose IVs go from message to message, are opened in test_ikev1_captures.c.
 */
#include "captures.h"
#include "crypto/provider.h"
#include "hex.h"
#include "proto/ip/checksum.h"
#include "proto/ip/reassembly.h"
#include "proto/ip/udp.h"
#include "proto/wire/sk.h"
#include "recode.h"
#include "suite.h"

#include <dirent.h>
#include <jansson.h>

struct row {
    char file[128];
    unsigned frame;
    char exchange[32];
    char flags[4];
    uint32_t message_id;
    char list[256]; /* "SA KE Ni/Nr"; IKEv1: "SAv1 VIDv1 NAT-D" */
    bool malformed;
};

static struct row rows[4096];
static size_t row_count;
static json_t *keys;
static struct crypto *crypto;
static struct meter meter;
static struct {
    unsigned files, frames, fragments_joined, ikev1, ikev2, refused, listed, malformed, recoded;
    unsigned v1_encrypted, v1_refused, v1_listed, v1_malformed, v1_recoded;
    unsigned opened, no_suite, bad_icv, keepalive, esp;
    unsigned by_error[ERR_COUNT], v1_by_error[ERR_COUNT], below[ERR_COUNT]; /* the last: IP, UDP */
} seen;

static const char *vectors(void)
{
    const char *dir = getenv("IKELAB_VECTORS");

    return dir ? dir : "../shared/vectors";
}

/* "IKE_AUTH/iQ mid=0x00000001 [SK IDi] MALFORMED N:..." */
static void read_row(char *line)
{
    struct row *r = &rows[row_count];
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
    if (!close ||
        (sscanf(field[8], "%31[A-Za-z_]/%3s mid=%x", r->exchange, r->flags, &r->message_id) != 3 &&
         sscanf(field[8], "%31[A-Za-z_]/ mid=%x", r->exchange, &r->message_id) != 2))
        return;
    snprintf(r->file, sizeof r->file, "%s", field[0]);
    r->frame = (unsigned)strtoul(field[1], NULL, 10);
    snprintf(r->list, sizeof r->list, "%.*s", (int)(close - open - 1), open + 1);
    r->malformed = strstr(close, "MALFORMED") != NULL;
    row_count++;
}

static void read_rows(void)
{
    char path[512];
    static char line[4096];
    FILE *f;

    snprintf(path, sizeof path, "%s/pcap/decode.tsv", vectors());
    f = fopen(path, "r");
    if (!f)
        skip_all("no captures: set IKELAB_VECTORS to the folder that has pcap/decode.tsv");
    while (fgets(line, sizeof line, f) && row_count < sizeof rows / sizeof *rows)
        read_row(line);
    fclose(f);
}

static const struct row *find_row(const char *file, unsigned frame)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].frame == frame && strcmp(rows[i].file, file) == 0)
            return &rows[i];
    return NULL;
}

static void list_payloads(const struct message_view *v, char *out, size_t cap)
{
    for (unsigned i = 0; i < v->count; i++) {
        const char *name = payload_name(v->payloads[i].type);

        if (v->payloads[i].type == PAYLOAD_VENDOR)
            name = "VID"; /* decode.tsv's word */
        snprintf(out + strlen(out), cap - strlen(out), "%s%s", *out ? " " : "", name ? name : "?");
    }
}

struct open_keys {
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    uint8_t encr_key[2][64], integ_key[2][64]; /* [0]: from the initiator */
};

static void key_of(const json_t *set, const char *name, uint8_t *out)
{
    const char *text = json_string_value(json_object_get(set, name));

    ck_assert_ptr_nonnull(text);
    unhex(text, out, 64);
}

/* By the names keys.json uses. @return false if the suite is not one of ours */
static bool read_keys(const char *file, struct open_keys *k)
{
    const json_t *set = json_object_get(json_object_get(keys, file), "ikev2");
    const char *encr = json_string_value(json_object_get(set, "encr"));
    const char *integ = json_string_value(json_object_get(set, "integ"));
    unsigned bits, icv;

    *k = (struct open_keys){0};
    if (!encr || !integ)
        return false;
    if (sscanf(encr, "AES-GCM-%u with %u octet", &bits, &icv) == 2)
        k->encr = encr_suite((uint16_t)(ENCR_AES_GCM_8 + (icv - 8) / 4), (uint16_t)bits);
    else if (sscanf(encr, "AES-CCM-%u with %u octet", &bits, &icv) == 2)
        k->encr = encr_suite((uint16_t)(ENCR_AES_CCM_8 + (icv - 8) / 4), (uint16_t)bits);
    else if (sscanf(encr, "AES-CBC-%u", &bits) == 1)
        k->encr = encr_suite(ENCR_AES_CBC, (uint16_t)bits);
    if (strncmp(integ, "HMAC_SHA1_96", 12) == 0)
        k->integ = integ_suite(INTEG_HMAC_SHA1_96);
    if (!k->encr || (!k->encr->aead && !k->integ))
        return false;
    key_of(set, "sk_ei", k->encr_key[0]);
    key_of(set, "sk_er", k->encr_key[1]);
    key_of(set, "sk_ai", k->integ_key[0]);
    key_of(set, "sk_ar", k->integ_key[1]);
    return true;
}

/* Opens SK in place, checks every inner body, and appends the inner payloads to the list. */
static void open_sk(const char *file, const struct message_view *v, char *list, size_t cap)
{
    struct open_keys k;
    struct message_view inner;
    struct sk_area area;
    struct bytes chain;
    unsigned side = header_from_initiator(&v->header) ? 0 : 1;

    if (!json_object_get(json_object_get(keys, file), "ikev2"))
        return;
    if (!read_keys(file, &k)) {
        if (seen.no_suite++ % 4 == 0)
            printf("  skipped %s: cipher or integrity is none of ours\n", file);
        return;
    }
    struct seal_key key = {k.encr, k.encr->aead ? NULL : k.integ, k.encr_key[side],
                           k.integ_key[side]};
    struct sk_sizes sizes = {k.encr->iv_len, seal_icv_len(&key), k.encr->block_len};

    ck_assert_ok(sk_read(v, &sizes, &area));
    struct seal_op op = {.key = &key,
                         .aad = area.aad,
                         .iv = area.iv,
                         .text = area.text,
                         .text_len = area.text_len,
                         .icv = area.icv};

    if (crypto->class->open(crypto, &op) != OK) {
        printf("  ICV     %s: no key of keys.json fits, refused\n", file);
        seen.bad_icv++;
        return;
    }
    ck_assert_ok(sk_strip(&area, &chain));
    ck_assert_ok(payload_chain_read(chain, v->inner_type, &inner));
    for (unsigned i = 0; i < inner.count; i++) {
        static union any_payload any;

        ck_assert_ok(any_read(inner.payloads[i].type, inner.payloads[i].body, &any));
    }
    list_payloads(&inner, list, cap);
    seen.opened++;
}

static void check_row(const struct row *row, const char *file, unsigned frame,
                      const struct message_view *v)
{
    char list[512] = "", expected[256];
    char flags[3] = {header_from_initiator(&v->header) ? 'i' : 'r',
                     header_is_response(&v->header) ? 'R' : 'Q', 0};
    bool sk = message_find(v, PAYLOAD_SK) != NULL;
    unsigned opened = seen.opened;

    ck_assert_str_eq(exchange_name(v->header.exchange), row->exchange);
    ck_assert_str_eq(flags, row->flags);
    ck_assert_uint_eq(v->header.message_id, row->message_id);
    list_payloads(v, list, sizeof list);
    if (sk)
        open_sk(file, v, list, sizeof list);
    snprintf(expected, sizeof expected, "%s", row->list);
    if (sk && seen.opened == opened && strstr(expected, "SK"))
        strstr(expected, "SK")[2] = 0; /* decode.tsv lists what we could not open */
    ck_assert_msg(strcmp(list, expected) == 0, "%s frame %u: [%s], expected [%s]", file, frame,
                  list, expected);
    seen.listed++;
}

static void check_ikev2(const char *file, unsigned frame, struct bytes message)
{
    static uint8_t out[1 << 17];
    const struct row *row = find_row(file, frame);
    struct message_view v;
    struct bytes again;
    uint8_t type = 0;
    enum err e = message_read(message, &v);

    seen.ikev2++;
    if (e == OK)
        e = message_recode(&v, (struct buf){.data = out, .cap = sizeof out}, &again, &type);
    seen.by_error[e]++;
    if (e != OK) {
        const char *name = type ? payload_name(type) : NULL;

        printf("  refused %-52s frame %-3u %s%s%s; tshark: %s\n", file, frame, err_name(e),
               name ? " in " : "", name ? name : "",
               !row             ? "-"
               : row->malformed ? "malformed"
                                : row->list);
        seen.refused++;
    } else {
        ck_assert_msg(bytes_equal(again, message), "%s frame %u is written differently", file,
                      frame);
        seen.recoded++;
    }
    if (row && row->malformed) {
        seen.malformed++;
        ck_assert_msg(e != OK, "%s frame %u is malformed, yet accepted", file, frame);
    }
    if (row && e == OK)
        check_row(row, file, frame, &v);
}

static const char *v1_exchange_word(uint8_t exchange)
{
    switch (exchange) {
    case V1_EXCHANGE_MAIN:
        return "Main";
    case V1_EXCHANGE_AGGRESSIVE:
        return "Aggressive";
    case V1_EXCHANGE_INFORMATIONAL:
        return "Informational";
    case V1_EXCHANGE_TRANSACTION:
        return "Transaction";
    case V1_EXCHANGE_QUICK:
        return "Quick";
    default:
        return "?";
    }
}

/* decode.tsv's words: SA, KE, ID ... are those of both versions, and get a "v1". */
static void list_v1_payloads(const struct message_view *v, char *out, size_t cap)
{
    for (unsigned i = 0; i < v->count; i++) {
        uint8_t type = v->payloads[i].type;
        const char *name = v1_payload_name(type);
        bool own = type == V1_PAYLOAD_HASH || type == V1_PAYLOAD_SIGNATURE || type >= 14;

        if (type == 15)
            name = "SAK"; /* of GDOI: drafts of NAT-T had it for NAT-D */
        if (type == V1_PAYLOAD_NAT_D_DRAFT)
            name = "NAT-D";
        snprintf(out + strlen(out), cap - strlen(out), "%s%s%s", *out ? " " : "", name ? name : "?",
                 own ? "" : "v1");
    }
}

static void check_v1_row(const struct row *row, const char *file, unsigned frame,
                         const struct message_view *v)
{
    char list[512] = "";

    ck_assert_str_eq(v1_exchange_word(v->header.exchange), row->exchange);
    ck_assert_uint_eq(v->header.message_id, row->message_id);
    ck_assert_int_eq(v1_encrypted(&v->header), row->flags[0] == 'e');
    if (!v1_encrypted(&v->header)) {
        list_v1_payloads(v, list, sizeof list);
        if (row->malformed && strlen(list) > strlen(row->list))
            list[strlen(row->list)] = 0; /* tshark takes 15 for GDOI's and gives up there */
        ck_assert_msg(strcmp(list, row->list) == 0, "%s frame %u: [%s], expected [%s]", file, frame,
                      list, row->list);
    }
    seen.v1_listed++;
}

static void check_ikev1(const char *file, unsigned frame, struct bytes message)
{
    static uint8_t out[1 << 17];
    const struct row *row = find_row(file, frame);
    struct message_view v;
    struct bytes again;
    uint8_t type = 0;
    enum err e = v1_message_read(message, &v);
    bool read = e == OK || e == ERR_UNSUPPORTED; /* then the view is whole */

    seen.ikev1++;
    seen.v1_encrypted += read && v1_encrypted(&v.header);
    if (e == OK && !v1_encrypted(&v.header))
        e = v1_message_recode(&v, (struct buf){.data = out, .cap = sizeof out}, &again, &type);
    seen.v1_by_error[e]++;
    if (e != OK) {
        printf("  refused %-52s frame %-3u %s in %s, IKEv1; tshark: %s\n", file, frame, err_name(e),
               type && v1_payload_name(type) ? v1_payload_name(type) : "the chain",
               !row             ? "-"
               : row->malformed ? "malformed"
                                : row->list);
        seen.v1_refused++;
    } else if (!v1_encrypted(&v.header)) {
        ck_assert_msg(bytes_equal(again, message), "%s frame %u is written differently", file,
                      frame);
        seen.v1_recoded++;
    }
    if (row && row->malformed && !v1_encrypted(&v.header)) {
        seen.v1_malformed++;
        ck_assert_msg(e != OK, "%s frame %u is malformed, yet accepted", file, frame);
    }
    if (row && read)
        check_v1_row(row, file, frame, &v);
}

static void check_ike(const char *file, unsigned frame, struct bytes message)
{
    /* A copy of the exact size: sanitizers see reads behind it, and opening may write. */
    uint8_t *copy = malloc(message.len ? message.len : 1);
    struct ike_header h;

    memcpy(copy, message.data, message.len);
    message.data = copy;
    if (header_read(message, &h) != OK)
        seen.by_error[ERR_TRUNCATED]++, seen.refused++;
    else if (header_major(&h) == 1)
        check_ikev1(file, frame, message);
    else
        check_ikev2(file, frame, message);
    free(copy);
}

static void check_udp(const char *file, unsigned frame, const struct udp_datagram *u)
{
    bool natt = u->src.port == 4500 || u->dst.port == 4500;
    struct bytes b = u->payload;

    if (!natt && u->src.port != 500 && u->dst.port != 500)
        return;
    if (natt && b.len < 4) {
        seen.keepalive++;
        return;
    }
    if (natt && load_be32(b.data) != 0) {
        seen.esp++;
        return;
    }
    if (natt) /* RFC 3948 §2.2: the non-ESP marker */
        b = bytes_of(b.data + 4, b.len - 4);
    check_ike(file, frame, b);
}

/* Captures hold checksums that hardware would have filled in, and packets cut by the snap length:
 * the first are mended, of the second we take what is there. `copy` is writable. */
static enum err read_tolerant(uint8_t *copy, size_t len, struct ip_packet *p)
{
    enum err e = ip_read(bytes_of(copy, len), p);
    size_t header = (size_t)(copy[0] & 15) * 4;

    if (e == OK)
        return OK;
    seen.below[e]++;
    if (e == ERR_CHECKSUM) {
        store_be16(copy + 10, 0);
        store_be16(copy + 10, checksum_of(bytes_of(copy, header)));
        e = ip_read(bytes_of(copy, len), p);
    }
    return e == ERR_TRUNCATED ? ip_read_quoted(bytes_of(copy, len), p) : e;
}

static void check_packet(const char *file, unsigned frame, const struct ip_packet *p)
{
    struct udp_datagram u;
    enum err e = udp_read(p, &u);

    if (e == ERR_NEXT_HEADER)
        return;
    seen.below[e] += e != OK;
    if (e == ERR_LENGTH) { /* cut off, or a length that lies: what is there must be refused */
        u.src.port = load_be16(p->payload.data);
        u.dst.port = load_be16(p->payload.data + 2);
        u.payload = bytes_of(p->payload.data + UDP_HEADER_LEN, p->payload.len - UDP_HEADER_LEN);
    }
    if (u.payload.data)
        check_udp(file, frame, &u);
}

static void check_frame(const char *file, unsigned frame, struct bytes data,
                        struct reassembly *join)
{
    uint8_t *copy = malloc(data.len);
    struct ip_packet p;
    struct bytes whole;
    unsigned pieces = 0;
    enum err e;

    seen.frames++;
    memcpy(copy, data.data, data.len);
    e = read_tolerant(copy, data.len, &p);
    if (e == OK)
        e = reassembly_add(join, frame, &p, &whole, &pieces);
    if (e == OK && pieces > 0) {
        seen.fragments_joined += pieces;
        ck_assert_ok(ip_read(whole, &p));
    }
    if (e == OK && whole.len > 0)
        check_packet(file, frame, &p);
    free(copy);
}

static void check_file(const char *file)
{
    static const struct reassembly_config config = {8, 65535, 1000};
    struct reassembly join;
    struct capture c;
    struct bytes data;
    char path[512];

    snprintf(path, sizeof path, "%s/pcap/%s", vectors(), file);
    ck_assert_msg(capture_open(&c, path), "%s cannot be read", file);
    ck_assert_ok(reassembly_init(&join, &config));
    while (capture_next(&c, &data))
        if (data.len > 0)
            check_frame(file, c.frame, data, &join);
    ck_assert_uint_gt(c.frame, 0);
    seen.files++;
    reassembly_reset(&join);
    capture_close(&c);
}

static bool is_capture(const char *name)
{
    return strstr(name, ".pcap") || strstr(name, ".cap");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_folders(void)
{
    static char files[256][128];
    size_t count = 0;
    char path[512];
    DIR *top, *sub;
    struct dirent *d, *f;

    snprintf(path, sizeof path, "%s/pcap", vectors());
    top = opendir(path);
    ck_assert_ptr_nonnull(top);
    while ((d = readdir(top)) != NULL) {
        snprintf(path, sizeof path, "%s/pcap/%s", vectors(), d->d_name);
        sub = d->d_name[0] == '.' ? NULL : opendir(path);
        while (sub && (f = readdir(sub)) != NULL)
            if (is_capture(f->d_name) && count < 256)
                snprintf(files[count++], 128, "%.40s/%.80s", d->d_name, f->d_name);
        if (sub)
            closedir(sub);
    }
    closedir(top);
    qsort(files, count, sizeof *files, by_name);
    for (size_t i = 0; i < count; i++)
        check_file(files[i]);
}

START_TEST(every_captured_ike_message)
{
    char path[512];

    read_rows();
    snprintf(path, sizeof path, "%s/pcap/keys.json", vectors());
    keys = json_load_file(path, 0, NULL);
    crypto = crypto_openssl_create(&meter);
    ck_assert(keys && crypto);
    check_folders();
    printf("%u files, %u IP frames, %u fragments joined; IKEv1 %u, IKEv2 %u: %u as decode.tsv,\n"
           "%u byte-identical, %u refused (%u of them known as malformed), %u opened, %u without a "
           "suite of ours; %u keepalives, %u ESP in UDP\n",
           seen.files, seen.frames, seen.fragments_joined, seen.ikev1, seen.ikev2, seen.listed,
           seen.recoded, seen.refused, seen.malformed, seen.opened, seen.no_suite, seen.keepalive,
           seen.esp);
    for (int e = 0; e < ERR_COUNT; e++)
        if (seen.by_error[e])
            printf("  %-16s %u\n", err_name((enum err)e), seen.by_error[e]);
    printf("IKEv1: %u, %u of them encrypted, %u as decode.tsv, %u byte-identical, %u refused (%u "
           "known as malformed)\n",
           seen.ikev1, seen.v1_encrypted, seen.v1_listed, seen.v1_recoded, seen.v1_refused,
           seen.v1_malformed);
    for (int e = 0; e < ERR_COUNT; e++)
        if (seen.v1_by_error[e])
            printf("  %-16s %u\n", err_name((enum err)e), seen.v1_by_error[e]);
    printf("IP and UDP below:\n");
    for (int e = 0; e < ERR_COUNT; e++)
        if (seen.below[e])
            printf("  %-16s %u\n", err_name((enum err)e), seen.below[e]);
    crypto_destroy(crypto);
    json_decref(keys);
    /* What the captures hold; the one bad ICV is tcpdump/ikev2pI2, whose ICV is no HMAC-SHA1 under
     * either key (checked by hand). */
    ck_assert_uint_eq(seen.files, 81);
    ck_assert_uint_ge(seen.opened, 10);
    ck_assert_uint_eq(seen.bad_icv, 1);
    ck_assert_uint_ge(seen.malformed, 2);
    ck_assert_uint_le(seen.refused - seen.malformed, 8);
    ck_assert_uint_ge(seen.listed, 120);
    ck_assert_uint_eq(seen.ikev1, 95);
    ck_assert_uint_eq(seen.v1_listed, 92);
    ck_assert_uint_eq(seen.v1_recoded, 37);
    ck_assert_uint_eq(seen.v1_malformed, 3);
    ck_assert_uint_eq(seen.v1_refused, 7);
}
END_TEST

SUITE("captures", every_captured_ike_message)
