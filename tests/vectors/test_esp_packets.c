/*
 * Whole ESP packets of RFCs, DPDK and Linux. Each is opened by an SA with its keys and must give
 * its inner packet; then the text is sealed again with its IV and must give the same bytes. Packets
 * encrypted without integrity (which an SA does not offer, RFC 8221 §4), without a trailer, or
 * under an SPI that IANA reserves (which the SAD does not hand out), are checked at the cipher
 * only.
 */
#include "hex.h"
#include "proto/esp/esp.h"
#include "suite.h"
#include "vectors.h"

enum { ROOM = 1024, SKIPS = 8 };

struct vector {
    const char *name;
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    uint8_t encr_key[ENCR_KEY_MAX], integ_key[INTEG_KEY_MAX], esp[ROOM], inner[ROOM];
    size_t esp_len, inner_len;
    uint8_t next_header;
    bool transport, no_trailer;
    struct ip_addr src, dst;
    uint8_t tos;
};

/* Why cases were left out, and how many for each reason. */
static struct {
    const char *why;
    int count;
} skips[SKIPS];

static bool skip(const char *why)
{
    int i = 0;

    while (skips[i].why && strcmp(skips[i].why, why) != 0)
        i++;
    ck_assert_int_lt(i, SKIPS);
    skips[i].why = why;
    skips[i].count++;
    return false;
}

static const char *text_or(const json_t *o, const char *member, const char *otherwise)
{
    const char *t = json_string_value(json_object_get(o, member));

    return t ? t : otherwise;
}

static size_t hex_into(const json_t *o, const char *member, uint8_t *out, size_t cap)
{
    return unhex(text_or(o, member, ""), out, cap).len;
}

/* The key and, behind it, the salt; some files have it in one piece. @return key length in bits */
static uint16_t read_key(struct vector *v, const json_t *o, const char *member, size_t salt_inside)
{
    size_t len = hex_into(o, member, v->encr_key, sizeof v->encr_key);

    if (salt_inside == 0)
        hex_into(o, "salt", v->encr_key + len, sizeof v->encr_key - len);
    return (uint16_t)(8 * (len - salt_inside));
}

static void strip_ipv4(struct vector *v)
{
    v->tos = v->esp[1];
    v->src = ip_addr_v4(load_be32(v->esp + 12));
    v->dst = ip_addr_v4(load_be32(v->esp + 16));
    v->esp_len -= 20;
    memmove(v->esp, v->esp + 20, v->esp_len);
}

static bool has_algo(const json_t *o, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(o, "algo"), i, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

static bool read_dpdk(struct vector *v, const json_t *o)
{
    uint16_t bits;

    if (strcmp(text_or(o, "proto", ""), "ESP") != 0)
        return skip("AH");
    if (has_algo(o, "DES_CBC") || has_algo(o, "3DES_CBC"))
        return skip("DES and 3DES are not offered (RFC 8221)");
    if (has_algo(o, "MD5_HMAC"))
        return skip("HMAC-MD5 is not offered (RFC 8221)");
    bits = read_key(v, o, "key", 0);
    if (has_algo(o, "AES_GCM"))
        v->encr = encr_suite(20, bits);
    else if (has_algo(o, "AES_CCM"))
        v->encr = encr_suite(16, bits);
    else
        v->encr = has_algo(o, "AES_CBC") ? encr_suite(12, bits) : encr_suite(11, 0);
    v->integ = has_algo(o, "SHA256_HMAC")    ? integ_suite(12)
               : has_algo(o, "SHA512_HMAC")  ? integ_suite(14)
               : has_algo(o, "AES_XCBC_MAC") ? integ_suite(5)
                                             : NULL;
    hex_into(o, "auth_key", v->integ_key, sizeof v->integ_key);
    v->esp_len = hex_into(o, "protected_packet", v->esp, sizeof v->esp);
    strip_ipv4(v);
    v->inner_len = hex_into(o, "plain_packet", v->inner, sizeof v->inner);
    v->next_header = 4;
    return true;
}

/* Linux as recorded in scapy: transport mode over 127.0.0.1, an IP packet inside. */
static bool read_linux(struct vector *v, const json_t *o)
{
    const json_t *sa = json_object_get(o, "sa");
    json_t *parsed = NULL;
    const char *cipher;
    uint8_t whole[ROOM];

    /* The file holds a Python dictionary as text. */
    if (json_is_string(sa)) {
        char text[512];
        size_t len = strlen(json_string_value(sa));

        ck_assert_uint_lt(len, sizeof text);
        for (size_t i = 0; i <= len; i++)
            text[i] = json_string_value(sa)[i] == '\'' ? '"' : json_string_value(sa)[i];
        if (strstr(text, ": None"))
            memcpy(strstr(text, ": None"), ": null", 6);
        sa = parsed = json_loads(text, 0, NULL);
    }
    ck_assert_ptr_nonnull(sa);
    cipher = text_or(sa, "crypt_algo", "");
    if (strcmp(cipher, "AES-CBC") == 0)
        v->encr = encr_suite(12, read_key(v, sa, "crypt_key", 0));
    else if (strcmp(cipher, "AES-GCM") == 0)
        v->encr = encr_suite(20, read_key(v, sa, "crypt_key", 4));
    else if (strcmp(cipher, "AES-CCM") == 0)
        v->encr = encr_suite(14, read_key(v, sa, "crypt_key", 3));
    json_decref(parsed);
    if (!v->encr)
        return skip(strcmp(cipher, "AES-NULL-GMAC") == 0
                        ? "GMAC (RFC 4543) is not there yet"
                        : "DES, Blowfish and CAST are not offered (RFC 8221)");
    v->esp_len = hex_into(o, "protected_esp", v->esp, sizeof v->esp);
    v->inner_len = hex_into(o, "decoded_inner", whole, sizeof whole) - 20;
    memcpy(v->inner, whole + 20, v->inner_len);
    v->next_header = 4;
    v->transport = true;
    v->src = v->dst = ip_addr_v4(UINT32_C(0x7f000001));
    return true;
}

static bool read_rfc(struct vector *v, const json_t *o)
{
    const char *cipher = text_or(o, "cipher", "");

    if (strcmp(text_or(o, "kind", ""), "ikev2-message") == 0)
        return skip("an IKE message, not ESP");
    v->encr = strcmp(cipher, "AES-CBC-128") == 0 ? encr_suite(12, 128) : encr_suite(28, 0);
    read_key(v, o, "key", 0);
    v->esp_len = hex_into(o, "protected_esp", v->esp, sizeof v->esp);
    v->inner_len =
        hex_into(o, json_object_get(o, "inner_packet") ? "inner_packet" : "inner_payload", v->inner,
                 sizeof v->inner);
    v->next_header = (uint8_t)json_integer_value(json_object_get(o, "next_header"));
    v->transport = strcmp(text_or(o, "mode", ""), "transport") == 0;
    return true;
}

/* A GCM case printed in parts; its text has no trailer. */
static void read_parts(struct vector *v, const json_t *o)
{
    size_t len = hex_into(o, "key", v->encr_key, sizeof v->encr_key);
    uint8_t iv[12];

    v->encr = encr_suite(20, (uint16_t)(8 * len));
    hex_into(o, "iv", iv, sizeof iv);
    memcpy(v->encr_key + len, iv, 4);
    v->esp_len = hex_into(o, "aad", v->esp, 8);
    memcpy(v->esp + 8, iv + 4, 8);
    v->esp_len += 8;
    v->esp_len += hex_into(o, "ct", v->esp + 16, sizeof v->esp - 16);
    v->esp_len += hex_into(o, "tag", v->esp + v->esp_len, 16);
    v->inner_len = hex_into(o, "msg", v->inner, sizeof v->inner);
    v->no_trailer = true;
}

static bool vector_read(struct vector *v, const json_t *o)
{
    memset(v, 0, sizeof *v);
    v->name = vector_text(o, "name");
    if (json_object_get(o, "algo"))
        return read_dpdk(v, o);
    if (json_object_get(o, "sa"))
        return read_linux(v, o);
    if (json_object_get(o, "tag")) {
        read_parts(v, o);
        return true;
    }
    return read_rfc(v, o);
}

/* The plain text with padding and trailer as long as the packet says. @return its length */
static size_t plain_text(const struct vector *v, uint8_t *text, size_t len)
{
    size_t pad = v->no_trailer ? 0 : len - v->inner_len - 2;

    memcpy(text, v->inner, v->inner_len);
    if (v->no_trailer)
        return v->inner_len;
    for (size_t i = 0; i < pad; i++)
        text[v->inner_len + i] = (uint8_t)(i + 1);
    text[len - 2] = (uint8_t)pad;
    text[len - 1] = v->next_header;
    return len;
}

/* Seal the plain text with the vector's SPI, number and IV: the same bytes come out. */
static void check_seal(struct crypto *c, const struct vector *v)
{
    bool bare = !v->encr->aead && !v->integ;
    struct seal_key key = {v->encr, bare ? integ_suite(12) : v->integ, v->encr_key, v->integ_key};
    size_t icv_len = bare ? 0 : seal_icv_len(&key), head = 8 + (size_t)v->encr->iv_len;
    size_t len = v->esp_len - head - icv_len;
    uint8_t made[ROOM + ICV_MAX];
    struct seal_op op = {
        .key = &key,
        .aad = bytes_of(made, 8),
        .iv = made + 8,
        .text = made + head,
        .text_len = len,
        .icv = made + head + len,
    };

    memcpy(made, v->esp, head);
    ck_assert_uint_eq(plain_text(v, op.text, len), len);
    ck_assert_ok(c->class->seal(c, &op));
    ck_assert_msg(memcmp(made, v->esp, v->esp_len) == 0, "%s: sealed bytes differ", v->name);
}

static void sa_install(struct esp *esp, const struct vector *v)
{
    size_t encr_len = (size_t)v->encr->key_len + v->encr->salt_len;
    size_t integ_len = v->integ ? v->integ->key_len : 0;
    struct esp_sa_params p = {
        .encr = v->encr,
        .integ = v->integ,
        .encr_in = bytes_of(v->encr_key, encr_len),
        .encr_out = bytes_of(v->encr_key, encr_len),
        .integ_in = bytes_of(v->integ_key, integ_len),
        .integ_out = bytes_of(v->integ_key, integ_len),
        .spi_out = 0x1000,
        .transport = v->transport,
        .replay_window = 64,
        .policy = HANDLE_NONE,
    };

    ck_assert_ok(sad_spi_take(&esp->sad, 0, load_be32(v->esp), 0));
    ck_assert_ok(sad_install(&esp->sad, 0, &p));
}

static void check_open(struct crypto *c, const struct vector *v)
{
    struct sad_limits limits = {1, 64, ENCR_KEY_MAX + INTEG_KEY_MAX};
    struct esp_arrival in = {{v->dst, 0}, {v->src, 0}, v->tos, 64};
    uint8_t bytes[ROOM + ESP_OPEN_TAILROOM];
    struct buf packet = {bytes, v->esp_len, sizeof bytes};
    struct esp_opened out;
    struct esp esp;
    size_t skip_header = v->transport ? 20 : 0;
    enum err e;

    ck_assert_ok(esp_init(&esp, c, &limits, 1, 1));
    sa_install(&esp, v);
    /* The last bit of the ICV first, on a copy. */
    memcpy(bytes, v->esp, v->esp_len);
    bytes[v->esp_len - 1] ^= 1;
    e = esp_open(&esp, (struct esp_user){0}, &in, &packet, &out);
    ck_assert_msg(e == ERR_ICV, "%s: %s", v->name, err_name(e));
    packet = (struct buf){bytes, v->esp_len, sizeof bytes};
    memcpy(bytes, v->esp, v->esp_len);
    e = esp_open(&esp, (struct esp_user){0}, &in, &packet, &out);
    ck_assert_msg(e == OK, "%s: %s", v->name, err_name(e));
    ck_assert_uint_eq(packet.len, v->inner_len + skip_header);
    ck_assert_mem_eq(packet.data + skip_header, v->inner, v->inner_len);
    esp_reset(&esp);
}

START_TEST(esp_packets)
{
    struct meter meter = {0};
    struct crypto *c;
    json_t *root, *test;
    int run = 0, opened = 0;
    size_t i;

    vectors_needed();
    c = crypto_openssl_create(&meter);
    root = vectors_load("esp/esp_packets.json");
    json_array_foreach(json_object_get(root, "tests"), i, test)
    {
        static struct vector v;

        if (!vector_read(&v, test))
            continue;
        ck_assert_msg(v.encr != NULL, "%s: cipher not found", v.name);
        check_seal(c, &v);
        run++;
        if (v.no_trailer || !(v.encr->aead || v.integ) || load_be32(v.esp) < SPI_MIN)
            continue;
        check_open(c, &v);
        opened++;
    }
    printf("esp_packets.json: %d run (%d opened whole, the others at the cipher)\n", run, opened);
    for (int k = 0; k < SKIPS && skips[k].why; k++)
        printf("  skipped %d: %s\n", skips[k].count, skips[k].why);
    ck_assert_int_ge(run, 13);
    ck_assert_int_ge(opened, 7);
    json_decref(root);
    crypto_destroy(c);
}
END_TEST

SUITE("esp_packets", esp_packets)
