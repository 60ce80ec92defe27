/*
 * Phase 1 by RSA signatures as others sign: the capture of a handshake between Openswan and a
 * Juniper SRX, whose key is in the vectors. What they sign is HASH without DigestInfo, and
 * sign_suite_hashed must take it so. RFC 2409 §5.1.
 */
#include "captures.h"
#include "crypto/x509.h"
#include "hex.h"
#include "proto/ikev1/cipher.h"
#include "proto/wire/cert.h"
#include "proto/wire/v1_any.h"
#include "vectors.h"

#define CAPTURE "wireshark/ikev1-certs.pcap"

enum { MESSAGES = 6, KEY_LEN = 24, BLOCK = 8 };

static struct meter meter;
static uint8_t text[MESSAGES][4096];
static struct message_view message[MESSAGES];

/* The first six are Main Mode; addresses and ports are not looked at. */
static void read_messages(void)
{
    char path[512];
    struct capture c;
    struct bytes ip;

    ck_assert(capture_open(&c, vectors_path("pcap/" CAPTURE, path, sizeof path)));
    for (unsigned n = 0; n < MESSAGES; n++) {
        size_t front;

        ck_assert(capture_next(&c, &ip));
        front = (size_t)(ip.data[0] & 15) * 4 + 8;
        ck_assert_uint_le(ip.len, sizeof text[n]);
        memcpy(text[n], ip.data + front, ip.len - front);
        ck_assert_ok(v1_message_read(bytes_of(text[n], load_be32(text[n] + 24)), &message[n]));
    }
    capture_close(&c);
}

static void read_key(uint8_t *out)
{
    json_t *keys = vectors_load("pcap/keys.json");
    json_t *of = json_object_get(json_object_get(keys, CAPTURE), "ikev1");

    ck_assert_uint_eq(unhex(vector_text(of, "enc_key"), out, KEY_LEN).len, KEY_LEN);
    json_decref(keys);
}

static struct bytes body(unsigned n, uint8_t type)
{
    const struct payload_view *p = message_find(&message[n], type);

    ck_assert_ptr_nonnull(p);
    return p->body;
}

/* 5 and 6, which the chain of IVs joins to both KE payloads. */
static void decrypt(struct crypto *crypto)
{
    struct v1_cipher cipher = {.encr = &encr_3des_cbc};
    struct message_view inner;
    struct bytes chain;
    uint8_t next[IV_MAX];

    read_key(cipher.key);
    ck_assert_ok(ikev1_iv_first(crypto, hash_suite_named("md5", 3), body(2, V1_PAYLOAD_KE),
                                body(3, V1_PAYLOAD_KE), BLOCK, cipher.iv));
    for (unsigned n = 4; n < MESSAGES; n++) {
        ck_assert_ok(v1_cipher_open(crypto, &cipher, &message[n], &inner, &chain, next));
        memcpy(cipher.iv, next, sizeof next);
        message[n] = inner;
    }
}

/* HASH_R, as `openssl pkeyutl -verifyrecover` gets it out of SIG_R. */
START_TEST(a_signature_of_junos_verifies)
{
    struct crypto *crypto = crypto_openssl_create(&meter);
    uint8_t hash[16];
    struct bytes text_of = unhex("dfd621dc12b94ad070fe01e986916834", hash, sizeof hash);
    struct verify_key key;
    struct verify_op op = {&key, sign_suite_hashed(KEY_RSA), &text_of, 1};
    struct cert_payload cert;
    struct x509_cert *read;
    struct bytes value;
    uint8_t id[4];

    read_messages();
    decrypt(crypto);
    ck_assert_ok(cert_read(body(5, V1_PAYLOAD_CERT), &cert));
    ck_assert_uint_eq(cert.encoding, CERT_X509_SIGNATURE);
    ck_assert_int_eq(x509_read(crypto, cert.data, &read), CERT_VALID);
    ck_assert_ok(crypto->class->verify_key_load(crypto, x509_spki(read), &key));
    ck_assert_ok(crypto->class->verify(crypto, &op, body(5, V1_PAYLOAD_SIGNATURE)));
    hash[15] ^= 1;
    ck_assert_int_eq(crypto->class->verify(crypto, &op, body(5, V1_PAYLOAD_SIGNATURE)),
                     ERR_SIGNATURE);
    /* The certificate speaks for the address that the ID payload claims. */
    value = bytes_of(body(5, V1_PAYLOAD_ID).data + 4, 4);
    assert_hex(value, "ac100167");
    ck_assert_int_eq(x509_matches(read, body(5, V1_PAYLOAD_ID).data[0], value), CERT_VALID);
    memcpy(id, value.data, 4);
    id[3] ^= 1;
    ck_assert_int_eq(x509_matches(read, CERT_ID_IPV4_ADDR, bytes_of(id, 4)), CERT_IDENTITY);
    verify_key_reset(&key);
    x509_free(read);
    crypto_destroy(crypto);
}
END_TEST

/* Openswan's is of 1024 bits, and such keys are none of ours. */
START_TEST(a_key_that_is_too_short)
{
    struct crypto *crypto = crypto_openssl_create(&meter);
    struct cert_payload cert;
    struct verify_key key;
    struct x509_cert *read;

    read_messages();
    decrypt(crypto);
    ck_assert_ok(cert_read(body(4, V1_PAYLOAD_CERT), &cert));
    ck_assert_uint_eq(body(4, V1_PAYLOAD_SIGNATURE).len, 128);
    ck_assert_int_eq(x509_read(crypto, cert.data, &read), CERT_VALID);
    ck_assert_int_eq(crypto->class->verify_key_load(crypto, x509_spki(read), &key),
                     ERR_UNSUPPORTED);
    /* RFC 2408 §3.10: its CERTREQ names an authority. */
    ck_assert_ok(v1_certreq_read(body(4, V1_PAYLOAD_CERTREQ), &cert));
    ck_assert_uint_eq(cert.data.len, 82);
    x509_free(read);
    crypto_destroy(crypto);
}
END_TEST

int main(void)
{
    const TTest *list[] = {a_signature_of_junos_verifies, a_key_that_is_too_short};

    vectors_needed();
    return suite_run("ikev1_signed", list, sizeof list / sizeof *list);
}
