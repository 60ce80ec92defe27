/*
 * A capture with one protected message per algorithm, sealed with real crypto, and the Wireshark
 * profile for it: tshark is an independent judge of the key tables. Prints one line per frame:
 * "esp NAME INTEG OPENS" or "ike ...", OPENS being whether Wireshark is expected to open it.
 * usage: sample_capture DIR
 */
#include "base/rng.h"
#include "crypto/provider.h"
#include "record/capture.h"
#include "record/keys.h"
#include "record/provenance.h"
#include "record/run_folder.h"

#include <stdlib.h>

enum { ESP = 50, UDP = 17, HEADER = 20, SPACE = 512 };

struct sample {
    struct run_folder *folder;
    struct capture *capture;
    struct keys *keys;
    struct crypto *crypto;
    struct rng random;
    uint32_t interface, spi;
    nsec at;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "sample_capture: %s\n", what);
    exit(1);
}

static void checksum(uint8_t *sum_at, const uint8_t *data, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len; i += 2)
        sum += load_be16(data + i);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(sum_at, (uint16_t) ~(sum + (sum >> 16)));
}

static void ipv4(uint8_t *p, size_t len, uint8_t protocol, uint32_t source, uint32_t destination)
{
    memset(p, 0, HEADER);
    p[0] = 0x45;
    store_be16(p + 2, (uint16_t)len);
    p[8] = 64;
    p[9] = protocol;
    store_be32(p + 12, source);
    store_be32(p + 16, destination);
    checksum(p + 10, p, HEADER);
}

/* An echo request of 28 + 12 bytes. */
static size_t echo(uint8_t *p)
{
    size_t len = HEADER + 8 + 12;

    memset(p, 0, len);
    ipv4(p, len, 1, 0x0a800001, 0x0a000001);
    p[HEADER] = 8;
    memcpy(p + HEADER + 8, "Ikelab works", 12);
    checksum(p + HEADER + 2, p + HEADER, len - HEADER);
    return len;
}

static void write_frame(struct sample *s, const uint8_t *data, size_t len, uint32_t spi)
{
    must(capture_packet(s->capture, &(struct capture_packet){.interface = s->interface,
                                                             .at = s->at += NSEC_PER_MS,
                                                             .sent = true,
                                                             .esp = spi != 0,
                                                             .spi = spi,
                                                             .data = bytes_of(data, len)}) > 0,
         "frame was cut");
}

/* Seals [head, head + aad) | iv | text; the ICV follows. Its end. Where no IV is sent the sequence
 * number is it (RFC 8750 §4). */
static uint8_t *seal(struct sample *s, const struct seal_key *key, uint8_t *head, size_t aad,
                     size_t text_len)
{
    uint8_t *iv = head + aad, *text = iv + key->encr->iv_len, *icv = text + text_len;
    uint8_t number[IMPLICIT_IV_LEN] = {0};
    const struct seal_op op = {.key = key,
                               .aad = bytes_of(head, aad),
                               .iv = key->encr->implicit_iv ? number : iv,
                               .text = text,
                               .text_len = text_len,
                               .icv = icv};

    memcpy(number + 4, head + 4, 4);
    rng_fill(&s->random, iv, key->encr->iv_len);
    must(s->crypto->class->seal(s->crypto, &op) == OK, key->encr->name);
    return icv + seal_icv_len(key);
}

static void esp_frame(struct sample *s, const struct encr_suite *encr,
                      const struct integ_suite *integ)
{
    uint8_t p[SPACE] = {0}, ek[ENCR_KEY_MAX], ik[INTEG_KEY_MAX], *head = p + HEADER, *text, *end;
    const struct seal_key key = {encr, integ, ek, ik};
    size_t block = encr->block_len > 4 ? encr->block_len : 4, inner, text_len, pad;
    struct child_key_record record = {.at = s->at,
                                      .node = "gw",
                                      .spi = ++s->spi,
                                      .source = "192.0.2.1",
                                      .destination = "198.51.100.1",
                                      .encr = encr,
                                      .integ = integ,
                                      .encr_key = bytes_of(ek, encr->key_len + encr->salt_len),
                                      .integ_key = bytes_of(ik, integ ? integ->key_len : 0)};

    rng_fill(&s->random, ek, sizeof ek);
    rng_fill(&s->random, ik, sizeof ik);
    store_be32(head, s->spi);
    store_be32(head + 4, 1);
    text = head + 8 + encr->iv_len;
    inner = echo(text);
    text_len = (inner + 2 + block - 1) / block * block;
    pad = text_len - inner - 2;
    for (size_t i = 0; i < pad; i++)
        text[inner + i] = (uint8_t)(i + 1);
    text[text_len - 2] = (uint8_t)pad;
    text[text_len - 1] = 4;
    end = seal(s, &key, head, 8, text_len);
    ipv4(p, (size_t)(end - p), ESP, 0xc0000201, 0xc6336401);
    write_frame(s, p, (size_t)(end - p), s->spi);
    keys_child(s->keys, &record);
    printf("esp %s %s %d\n", encr->name, integ ? integ->name : "-",
           wireshark_esp_encr(encr) && wireshark_esp_integ(integ));
}

/* IKE header of an IKE_AUTH request, SK with IDi "client.example", as RFC 7296 §3.1, §3.14. */
static void ike_frame(struct sample *s, const struct encr_suite *encr,
                      const struct integ_suite *integ)
{
    static const char id[] = "client.example";
    uint8_t p[SPACE] = {0}, ek[ENCR_KEY_MAX], ik[INTEG_KEY_MAX], *udp = p + HEADER, *head = udp + 8;
    const struct seal_key key = {encr, integ, ek, ik};
    size_t inner = 8 + strlen(id), text_len, len;
    uint64_t spi_i = 0xabcd000000000000 | ++s->spi, spi_r = ~spi_i;
    struct bytes sk_e = bytes_of(ek, encr->key_len + encr->salt_len);
    struct bytes sk_a = bytes_of(ik, integ ? integ->key_len : 0);
    uint8_t *text = head + 32 + encr->iv_len;

    rng_fill(&s->random, ek, sizeof ek);
    rng_fill(&s->random, ik, sizeof ik);
    text_len = (inner + 1 + encr->block_len - 1) / encr->block_len * encr->block_len;
    len = 32 + encr->iv_len + text_len + seal_icv_len(&key);
    store_be64(head, spi_i);
    store_be64(head + 8, spi_r);
    memcpy(head + 16, (const uint8_t[]){46, 0x20, 35, 0x08, 0, 0, 0, 1}, 8);
    store_be32(head + 24, (uint32_t)len);
    head[28] = 35; /* the first inner payload is IDi */
    store_be16(head + 30, (uint16_t)(len - 28));
    store_be16(text + 2, (uint16_t)inner);
    text[4] = 2; /* ID_FQDN */
    memcpy(text + 8, id, strlen(id));
    text[text_len - 1] = (uint8_t)(text_len - inner - 1);
    seal(s, &key, head, 32, text_len);
    store_be16(udp, 500);
    store_be16(udp + 2, 500);
    store_be16(udp + 4, (uint16_t)(8 + len));
    ipv4(p, HEADER + 8 + len, UDP, 0xc0000201, 0xc6336401);
    write_frame(s, p, HEADER + 8 + len, 0);
    keys_ike(s->keys, &(struct ike_key_record){.at = s->at,
                                               .node = "gw",
                                               .spi_i = spi_i,
                                               .spi_r = spi_r,
                                               .encr = encr,
                                               .integ = integ,
                                               .prf = prf_suite(5),
                                               .sk_ei = sk_e,
                                               .sk_er = sk_e,
                                               .sk_ai = sk_a,
                                               .sk_ar = sk_a});
    printf("ike %s %s %d\n", encr->name, integ ? integ->name : "-",
           wireshark_ike_encr(encr) && wireshark_ike_integ(integ));
}

static void all_suites(struct sample *s)
{
    size_t encrs, integs;
    const struct encr_suite *encr = encr_suites(&encrs);
    const struct integ_suite *integ = integ_suites(&integs);

    for (size_t i = 0; i < encrs; i++) {
        for (size_t j = 0; j < (encr[i].aead ? 1 : integs); j++) {
            const struct integ_suite *with = encr[i].aead ? NULL : &integ[j];

            esp_frame(s, &encr[i], with);
            /* IKE never goes without encryption (RFC 7296 §3.3.3), nor without an IV */
            if (encr[i].iana != 11 && !encr[i].implicit_iv)
                ike_frame(s, &encr[i], with);
        }
    }
}

int main(int argc, char **argv)
{
    static struct meter meter;
    struct sample s = {.spi = 0x1000, .random = rng_stream(1, 2, RNG_TEST)};
    struct run_folder_options folder = {.path = argc > 1 ? argv[1] : NULL, .name = "sample"};
    struct capture_options capture = {.esp_packets_per_sa = 50,
                                      .scenario = "sample",
                                      .seed = 1,
                                      .commit = provenance()->commit,
                                      .crypto = "real"};

    must(argc == 2, "usage: sample_capture DIR");
    must(run_folder_create(&folder, &s.folder) == OK, "folder");
    capture.file = run_folder_open(s.folder, "capture.pcapng");
    must(capture_create(&capture, &s.capture) == OK, "capture");
    must(keys_create(run_folder_open(s.folder, "keys.jsonl"), &s.keys) == OK, "keys");
    s.crypto = crypto_openssl_create(&meter);
    must(s.crypto != NULL, "crypto");
    s.interface = capture_interface(s.capture, "gw", "responder");
    all_suites(&s);
    must(capture_close(s.capture, s.at) == OK, "capture");
    must(keys_write_profile(s.keys, s.folder) == OK, "profile");
    must(run_folder_commit(s.folder) == OK, run_folder_error(s.folder));
    crypto_destroy(s.crypto);
    capture_destroy(s.capture);
    keys_destroy(s.keys);
    run_folder_destroy(s.folder);
    return 0;
}
