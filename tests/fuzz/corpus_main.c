/*
 * Every fuzz target over seed inputs and deterministic mutations of them, in every preset. Seeds
 * are made by our own writer, and configurations lie in tests/scenarios/import; with
 * ../shared/vectors (or $IKELAB_VECTORS) its payload bodies and captured messages too.
 */
#include "base/pcapng.h"
#include "base/rng.h"
#include "captures.h"
#include "proto/ip/checksum.h"
#include "proto/ip/udp.h"
#include "proto/wire/skf.h"
#include "proto/wire/v1_any.h"
#include "recode.h"
#include "targets.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS_MAX = 80, SEED_LEN_MAX = 2048, MUTATIONS = 4000 };

static const struct {
    const char *name;
    void (*run)(const uint8_t *, size_t);
} targets[] = {
#define X(name) {#name, fuzz_##name},
    FUZZ_TARGETS(X)
#undef X
};

static struct {
    size_t len;
    uint8_t data[SEED_LEN_MAX];
} seeds[SEEDS_MAX];
static size_t seed_count;

static void add_seed(struct bytes b)
{
    if (seed_count == SEEDS_MAX || b.len > SEED_LEN_MAX || b.len == 0)
        return;
    memcpy(seeds[seed_count].data, b.data, b.len);
    seeds[seed_count++].len = b.len;
}

static const uint8_t filler[256];

static void write_sa(struct writer *w)
{
    static struct sa_payload sa;

    sa_init(&sa);
    for (uint8_t i = 1; i <= 3; i++) {
        (void)!sa_add_proposal(&sa, i, SA_PROTOCOL_ESP, bytes_of(filler, 4));
        (void)!sa_add_transform(&sa, TRANSFORM_ENCR, ENCR_AES_GCM_16, 256);
        (void)!sa_add_transform(&sa, TRANSFORM_KE, KE_GROUP_CURVE25519, 0);
        (void)!sa_add_transform(&sa, TRANSFORM_ESN, ESN_NONE, 0);
    }
    sa_write(w, &sa);
}

static void write_ts(struct writer *w)
{
    struct ts_payload ts = {.count = 2,
                            .selectors = {{.type = TS_IPV4_ADDR_RANGE, .port_end = 65535},
                                          {.type = TS_IPV6_ADDR_RANGE, .port_end = 65535}}};

    ts_write(w, &ts);
}

/* A body of every payload, alone (for sa and ts), behind its type, and in messages. */
static void seed_bodies(void)
{
    uint8_t out[512];
    struct writer w;

    writer_init(&w, out, sizeof out);
    write_sa(&w);
    add_seed(bytes_of(out, writer_len(&w)));
    writer_init(&w, out, sizeof out);
    write_ts(&w);
    add_seed(bytes_of(out, writer_len(&w)));
}

static void seed_messages(void)
{
    static const struct ike_header h = {.spi_i = 1, .version = HEADER_VERSION_2, .exchange = 34};
    static const struct sk_sizes sizes = {8, 16, 1};
    static const struct skf_fragment fragment = {1, 2, PAYLOAD_IDI};
    uint8_t out[1024];
    struct buf buf = {.data = out, .cap = sizeof out};
    struct message_writer mw;
    struct bytes message;
    struct sk_area area;

    message_begin(&mw, buf, &h);
    write_sa(payload_begin(&mw, PAYLOAD_SA));
    payload_end(&mw);
    payload_add(&mw, PAYLOAD_KE, bytes_of(filler, 36));
    payload_add(&mw, PAYLOAD_NONCE, bytes_of(filler, 32));
    notify_add(&mw, NOTIFY_NAT_DETECTION_SOURCE_IP, bytes_of(filler, 20));
    if (message_end(&mw, &message) == OK)
        add_seed(message);
    message_begin(&mw, buf, &h);
    sk_begin(&mw, &sizes);
    payload_add(&mw, PAYLOAD_IDI, bytes_of("\1\0\0\0\12\0\0\1", 8));
    payload_add(&mw, PAYLOAD_AUTH, bytes_of("\2\0\0\0authdata", 12));
    payload_add(&mw, PAYLOAD_CERT, bytes_of("\4cert", 5));
    payload_add(&mw, PAYLOAD_CP, bytes_of("\1\0\0\0\0\1\0\0\0\3\0\4\1\2\3\4", 16));
    payload_add(&mw, PAYLOAD_EAP, bytes_of("\1\1\0\5\1", 5));
    payload_add(&mw, PAYLOAD_DELETE, bytes_of("\3\4\0\1\1\2\3\4", 8));
    write_ts(payload_begin(&mw, PAYLOAD_TSI));
    payload_end(&mw);
    if (sk_end(&mw, &area, &message) == OK)
        add_seed(message);
    message_begin(&mw, buf, &h);
    skf_begin(&mw, &sizes, &fragment);
    writer_bytes(&mw.w, bytes_of(filler, 40));
    if (sk_end(&mw, &area, &message) == OK)
        add_seed(message);
}

/* A message in two fragments. */
static void seed_v1_fragments(const struct ike_header *h, struct bytes whole)
{
    size_t half = whole.len / 2;

    for (uint8_t number = 1; number <= 2; number++) {
        struct v1_fragment f = {
            1, number, number == 2,
            bytes_of(whole.data + (number == 2) * half, number == 2 ? whole.len - half : half)};
        uint8_t out[1024], body[1024];
        struct message_writer mw;
        struct bytes message;
        struct writer w;

        writer_init(&w, body, sizeof body);
        v1_fragment_write(&w, &f);
        message_begin(&mw, (struct buf){.data = out, .cap = sizeof out}, h);
        payload_add(&mw, V1_PAYLOAD_FRAGMENT, bytes_of(body, writer_len(&w)));
        if (message_end(&mw, &message) == OK)
            add_seed(message);
    }
}

/* IKEv1: the first message of phase 1, whole and in fragments, and what a decrypted one of phase 2
 * looks like. */
static void seed_v1_messages(void)
{
    static struct v1_sa_payload sa;
    static const struct ike_header h = {
        .spi_i = 1, .spi_r = 2, .version = HEADER_VERSION_1, .exchange = V1_EXCHANGE_MAIN};
    struct ike_header quick = h;
    uint8_t out[1024], row[64];
    struct buf buf = {.data = out, .cap = sizeof out};
    struct message_writer mw;
    struct bytes message;
    struct v1_area area;
    struct writer w;

    writer_init(&w, row, sizeof row);
    v1_attribute_write_number(&w, V1_OAKLEY_ENCRYPTION_ALGORITHM, V1_ENCR_AES_CBC);
    v1_attribute_write_number(&w, V1_OAKLEY_HASH_ALGORITHM, V1_HASH_SHA1);
    v1_attribute_write_number(&w, V1_OAKLEY_LIFE_DURATION, 86400);
    v1_sa_init(&sa);
    (void)!v1_sa_add_proposal(&sa, 1, V1_PROTOCOL_ISAKMP, BYTES_NONE);
    (void)!v1_sa_add_transform(&sa, 1, 1, bytes_of(row, writer_len(&w)));
    (void)!v1_sa_add_transform(&sa, 2, 1, bytes_of(row, writer_len(&w)));
    message_begin(&mw, buf, &h);
    v1_sa_write(payload_begin(&mw, V1_PAYLOAD_SA), &sa);
    payload_end(&mw);
    payload_add(&mw, V1_PAYLOAD_VENDOR, bytes_of(filler, 16));
    payload_add(&mw, V1_PAYLOAD_KE, bytes_of(filler, 32));
    payload_add(&mw, V1_PAYLOAD_KE, bytes_of(filler, 33));
    payload_add(&mw, V1_PAYLOAD_NAT_D, bytes_of(filler, 20));
    payload_add(&mw, V1_PAYLOAD_FRAGMENT, bytes_of("\0\1\1\1data", 8));
    if (message_end(&mw, &message) == OK) {
        add_seed(message);
        seed_v1_fragments(&h, message);
    }
    quick.flags = V1_FLAG_ENCRYPTION;
    quick.exchange = V1_EXCHANGE_QUICK;
    message_begin(&mw, buf, &quick);
    payload_add(&mw, V1_PAYLOAD_HASH, bytes_of(filler, 20));
    payload_add(&mw, V1_PAYLOAD_NONCE, bytes_of(filler, 16));
    payload_add(&mw, V1_PAYLOAD_ID, bytes_of("\4\0\0\0\12\0\0\0\377\377\377\0", 12));
    payload_add(&mw, V1_PAYLOAD_DELETE, bytes_of("\0\0\0\1\3\4\0\1\1\2\3\4", 12));
    payload_add(&mw, V1_PAYLOAD_NOTIFY, bytes_of("\0\0\0\1\1\0\0\16", 8));
    payload_add(&mw, V1_PAYLOAD_CONFIG, bytes_of("\1\0\0\1\300\210\0\0\100\211\0\1a", 13));
    if (v1_message_end(&mw, 16, &area, &message) == OK)
        add_seed(message);
}

/* A capture of one packet in each format; a dump; keys in both forms. */
static void seed_captures_made(struct bytes packet)
{
    uint8_t pcap[24 + 16 + 512] = "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\x65";
    struct pcapng_packet p = {.at = 5, .data = packet};
    struct pcapng w;
    char *data = NULL;
    size_t len;
    FILE *file = open_memstream(&data, &len);

    if (packet.len > 255 || !file)
        return;
    pcap[32] = pcap[36] = (uint8_t)packet.len;
    memcpy(pcap + 40, packet.data, packet.len);
    add_seed(bytes_of(pcap, 40 + packet.len));
    pcapng_init(&w, file, "seed", NULL, 0);
    p.interface = pcapng_interface(&w, "gw", "a node");
    pcapng_packet(&w, &p);
    if (pcapng_finish(&w) == OK && fclose(file) == 0)
        add_seed(bytes_of(data, len));
    free(data);
}

static void seed_dissect_texts(void)
{
    static const char *const texts[] = {
        "0000  01 02 03 04 05 06 07 08  09 0a 0b 0c 0d 0e 0f 10   ................\n"
        "0010  11 12                                              ..\n",
        "0x0102, 03:04 0506\n",
        "{\"kind\":\"child\",\"spi\":\"0x01020304\",\"encr\":\"aes128gcm16\",\"integ\":null,"
        "\"esn\":true,\"keys\":{\"encryption\":\"0001020304050607080910111213141516171819\"}}",
        "\"IPv4\",\"*\",\"10.0.0.1\",\"0x01020304\",\"NULL\",\"\",\"HMAC-SHA-1-96 [RFC2404]\","
        "\"0x0001020304050607080910111213141516171819\"",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add_seed(bytes_text(texts[i]));
}

static void seed_packets(void)
{
    uint8_t area[512] = {0};
    struct udp_build b = {.src = {ip_addr_v4(1), 500}, .dst = {ip_addr_v4(2), 500}};
    struct bytes packet;

    if (udp_datagram_write(area + 64, 200, &b, &packet) == OK)
        add_seed(packet);
    seed_captures_made(packet);
    b.src.addr = ip_addr_v6(filler);
    b.dst.addr = ip_addr_v6(filler);
    if (udp_datagram_write(area + 64, 100, &b, &packet) == OK)
        add_seed(packet);
    /* rows of fragments: offset, flags, length */
    add_seed(bytes_of("\0\1\10\1\1\10\2\0\7\0\1\10\0\5\10\1\4\7\2\1\20\2\3\10", 24));
    /* and of IKEv1: for whom and of which kind, number, length, text; two make a message */
    add_seed(bytes_of("\40\1\36\74\10\2\36\74\52\1\50\50\1\3\7\7\1\2\7\7\2\1\7\7", 24));
}

static size_t unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t len = strlen(text) / 2;

    if (len > cap)
        return 0;
    for (size_t i = 0; i < len; i++) {
        unsigned v;

        if (sscanf(text + 2 * i, "%2x", &v) != 1)
            return 0;
        out[i] = (uint8_t)v;
    }
    return len;
}

/* Settings as text. */
static void seed_configurations(void)
{
    static const char *const names[] = {"site-to-site", "two-proposals", "includes"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[128], text[SEED_LEN_MAX];
        FILE *file;

        snprintf(path, sizeof path, "tests/scenarios/import/%s.conf", names[i]);
        file = fopen(path, "rb");
        if (!file)
            continue;
        add_seed(bytes_of(text, fread(text, 1, sizeof text, file)));
        fclose(file);
    }
}

/* Bodies without their generic header; the first byte chooses the type in fuzz_payload. */
static size_t seed_files(void)
{
    const char *dir = getenv("IKELAB_VECTORS");
    char path[512];
    json_t *root, *value;
    const char *key;
    size_t before = seed_count;

    snprintf(path, sizeof path, "%s/seeds/openiked_payloads.json", dir ? dir : "../shared/vectors");
    root = json_load_file(path, 0, NULL);
    json_object_foreach(json_object_get(root, "payloads"), key, value)
    {
        uint8_t data[SEED_LEN_MAX];

        if (json_is_string(value))
            add_seed(bytes_of(data, unhex(json_string_value(value), data, sizeof data)));
    }
    json_decref(root);
    return seed_count - before;
}

/* What UDP carried in captures that hold every kind of message, the malformed ones included. */
static size_t seed_captures(void)
{
    static const char *const files[] = {"tcpdump/ikev2pI2-segfault.pcapng",
                                        "tcpdump/isakmp-pointer-loop.pcap",
                                        "ncsc/ikev2.pcap",
                                        "wireshark/ikev2-decrypt-aes256gcm16.pcap",
                                        "scapy/ikev2_nat_t.pcapng",
                                        "zeek-spicy/ipsec-ikev1-isakmp-main-mode.pcap"};
    const char *dir = getenv("IKELAB_VECTORS");
    size_t before = seed_count;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct capture c;
        struct bytes ip;
        struct ip_packet p;
        struct udp_datagram u;
        char path[512];

        snprintf(path, sizeof path, "%s/pcap/%s", dir ? dir : "../shared/vectors", files[i]);
        if (capture_open(&c, path))
            while (c.frame < 12 && capture_next(&c, &ip))
                if (ip_read(ip, &p) == OK && udp_read(&p, &u) != ERR_NEXT_HEADER)
                    add_seed(u.payload);
        capture_close(&c);
    }
    return seed_count - before;
}

/* One to four changes of a kind that length fields dislike. */
static size_t mutate(struct rng *r, uint8_t *data, size_t len)
{
    static const uint8_t favourites[] = {0, 1, 2, 3, 4, 5, 8, 0x7f, 0x80, 0xff};

    for (uint64_t n = 1 + rng_below(r, 4); n > 0 && len > 0; n--) {
        size_t at = rng_below(r, len);

        switch (rng_below(r, 6)) {
        case 0:
            data[at] = (uint8_t)rng_u32(r);
            break;
        case 1:
            data[at] = favourites[rng_below(r, sizeof favourites)];
            break;
        case 2:
            data[at] ^= (uint8_t)(1 << rng_below(r, 8));
            break;
        case 3:
            data[at] = (uint8_t)(data[at] + (rng_below(r, 2) ? 1 : 255));
            break;
        case 4:
            len = at;
            break;
        default:
            if (len < SEED_LEN_MAX) {
                memmove(data + at + 1, data + at, len - at);
                len++;
            }
            break;
        }
    }
    return len;
}

/* A message is looked into only when its length is right: make it so, most of the time. */
static void mend(struct rng *r, uint8_t *data, size_t len)
{
    if (len >= HEADER_LEN && !rng_chance(r, 1u << 29))
        store_be32(data + HEADER_LENGTH_AT, (uint32_t)len);
}

/* The same for the header checksum of IPv4. */
static void mend_ip(struct rng *r, uint8_t *data, size_t len)
{
    size_t header = len > 0 ? (size_t)(data[0] & 15) * 4 : 0;

    if (header < IPV4_HEADER_LEN || len < header || rng_chance(r, 1u << 29))
        return;
    store_be16(data + 10, 0);
    store_be16(data + 10, checksum_of(bytes_of(data, header)));
}

/* Trees are printed twice each, and certificates are judged: fewer inputs in that time. */
static unsigned mutations_of(void (*run)(const uint8_t *, size_t))
{
    if (run == fuzz_encryption)
        return MUTATIONS / 40;
    return run == fuzz_dissect || run == fuzz_capture ? MUTATIONS / 4 : MUTATIONS;
}

static void run_copy(void (*run)(const uint8_t *, size_t), const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1); /* exact size: reads behind the end show */

    memcpy(copy, data, len);
    run(copy, len);
    free(copy);
}

int main(void)
{
    static uint8_t data[SEED_LEN_MAX + 8];
    size_t from_files, runs = 0;

    seed_bodies();
    seed_messages();
    seed_v1_messages();
    seed_packets();
    seed_dissect_texts();
    seed_configurations();
    from_files = seed_files() + seed_captures();
    for (size_t t = 0; t < sizeof targets / sizeof *targets; t++) {
        struct rng r = rng_stream(1, t, RNG_TEST);

        for (size_t s = 0; s < seed_count; s++) {
            run_copy(targets[t].run, seeds[s].data, seeds[s].len);
            for (unsigned m = 0; m < mutations_of(targets[t].run); m++, runs++) {
                size_t len;

                memcpy(data, seeds[s].data, seeds[s].len);
                len = mutate(&r, data, seeds[s].len);
                if (targets[t].run == fuzz_message || targets[t].run == fuzz_v1 ||
                    targets[t].run == fuzz_dissect)
                    mend(&r, data, len);
                if (targets[t].run == fuzz_ip)
                    mend_ip(&r, data, len);
                run_copy(targets[t].run, data, len);
            }
        }
    }
    printf("%zu targets, %zu seeds (%zu from files), %zu mutated inputs\n",
           sizeof targets / sizeof *targets, seed_count, from_files, runs);
    return 0;
}
