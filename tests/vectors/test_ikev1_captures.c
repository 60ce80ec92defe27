/*
 * Every IKEv1 message of the captures. In the clear: payload lists as decode.tsv has them, and
 * written again byte for byte from the decoded structs. Encrypted, with a key in keys.json: opened
 * by a chain of IVs (RFC 2409 appendix B), payload lists and HASH values as decode.tsv has them,
 * and bodies written again byte for byte. What is malformed is refused, each by its reason, and
 * what was read of it up to there is as decode.tsv has it. No line of decode.tsv that is IKEv1's
 * goes without its message.
 */
#include "captured.h"
#include "dissect/v1_session.h"
#include "hex.h"
#include "proto/ikev1/cipher.h"
#include "recode.h"

static json_t *keys;
static struct crypto *crypto;
static struct meter meter;
static struct v1_sessions *sessions;

static struct {
    unsigned messages, captures, clear, encrypted, locked, opened, again, hashes;
    unsigned listed, begun, recoded, refused;
    unsigned by_error[ERR_COUNT];
    char file[128]; /* the last one that had a message */
} seen;

/* What is wrong, and with which payload: 0 where it is none's. tshark takes some of them. */
static const struct refusal {
    const char *file;
    unsigned frame;
    enum err error;
    uint8_t type;
} refusals[] = {
    {"arkime/ike-cert_synthetic.pcap", 1, ERR_SYNTAX, V1_PAYLOAD_SA}, /* no proposal */
    {"arkime/ike-cert_synthetic.pcap", 3, ERR_SYNTAX, V1_PAYLOAD_SA},
    {"tcpdump/ISAKMP_sa_setup.pcap", 3, ERR_UNSUPPORTED, 15}, /* NAT-D of a draft */
    {"tcpdump/ISAKMP_sa_setup.pcap", 4, ERR_UNSUPPORTED, 15},
    {"tcpdump/isakmp-no-none-np.pcapng", 1, ERR_LENGTH, 0}, /* the chain does not end */
    {"tcpdump/isakmp-pointer-loop.pcap", 1, ERR_LENGTH, 0}, /* the header says 0 */
    {"tcpdump/isakmp-various-oobr.pcap", 1, ERR_LENGTH, 0}, /* the header says 0x7f000000 */
    {"zeek-spicy/ipsec-ikev1-payload-bad-length.pcap", 1, ERR_LENGTH, 0},
};

static const struct refusal *refusal_of(const char *file, unsigned frame)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (refusals[i].frame == frame && strcmp(refusals[i].file, file) == 0)
            return &refusals[i];
    return NULL;
}

static const char *exchange_word(uint8_t exchange)
{
    static char number[8];

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
        snprintf(number, sizeof number, "%u", exchange);
        return number;
    }
}

/* decode.tsv's words: SA, KE, ID ... are those of both versions, and get a "v1". */
static void list_payloads(const struct message_view *v, char *out, size_t cap)
{
    for (unsigned i = 0; i < v->count; i++) {
        uint8_t type = v->payloads[i].type;
        const char *name = v1_payload_name(type);
        bool own = type == V1_PAYLOAD_HASH || type == V1_PAYLOAD_SIGNATURE || type >= 14;

        if (type == V1_PAYLOAD_CONFIG)
            name = "14"; /* it has no name for it */
        if (type == 15)
            name = "SAK"; /* of GDOI: drafts of NAT-T had it for NAT-D */
        if (type == V1_PAYLOAD_NAT_D_DRAFT)
            name = "NAT-D";
        snprintf(out + strlen(out), cap - strlen(out), "%s%s%s", *out ? " " : "", name ? name : "?",
                 own ? "" : "v1");
    }
}

static void check_list(const struct captured_row *row, const struct message_view *v)
{
    char list[512] = "";

    list_payloads(v, list, sizeof list);
    if (row->malformed && strlen(list) > strlen(row->list))
        list[strlen(row->list)] = 0; /* tshark takes 15 for GDOI's and gives up there */
    ck_assert_msg(strcmp(list, row->list) == 0, "%s frame %u: [%s], expected [%s]", row->file,
                  row->frame, list, row->list);
    seen.listed++;
}

static void check_header(const struct captured_row *row, const struct ike_header *h)
{
    ck_assert_str_eq(exchange_word(h->exchange), row->exchange);
    ck_assert_uint_eq(h->message_id, row->message_id);
    ck_assert_int_eq(v1_encrypted(h), row->flags[0] == 'e');
}

/* Up to the bad place; behind it tshark may have gone on. */
static void check_begun(const struct captured_row *row, const struct message_view *v)
{
    char list[512] = "";

    list_payloads(v, list, sizeof list);
    ck_assert_msg(strncmp(list, row->list, strlen(list)) == 0,
                  "%s frame %u: [%s] is not the beginning of [%s]", row->file, row->frame, list,
                  row->list);
    seen.begun++;
}

/* ---- encrypted ---- */

static bool key_of(const char *file, struct ikev1_open_key *k)
{
    const json_t *set = json_object_get(json_object_get(keys, file), "ikev1");
    const char *cookie = json_string_value(json_object_get(set, "initiator_cookie"));
    const char *text = json_string_value(json_object_get(set, "enc_key"));

    if (!cookie || !text)
        return false;
    k->cky_i = strtoull(cookie, NULL, 16);
    k->len = (uint8_t)unhex(text, k->key, sizeof k->key).len;
    return true;
}

/* What is inside reads, and is written as the same bytes. */
static void check_bodies(const struct message_view *inner)
{
    static uint8_t out[1 << 13];
    static union v1_any_payload any;

    for (unsigned i = 0; i < inner->count; i++) {
        const struct payload_view *p = &inner->payloads[i];
        struct writer w;

        ck_assert_ok(v1_any_read(p->type, p->body, &any));
        writer_init(&w, out, sizeof out);
        v1_any_write(p->type, &w, &any);
        ck_assert_ok(writer_end(&w));
        ck_assert(bytes_equal(bytes_of(out, writer_len(&w)), p->body));
    }
}

/* "hash=1101...": the first 20 bytes of each HASH at most. */
static void check_hash(const struct captured_row *row, const struct message_view *inner)
{
    const struct payload_view *hash = message_find(inner, V1_PAYLOAD_HASH);
    const char *said = strstr(row->rest, "hash=");
    char expected[41];

    ck_assert((said != NULL) == (hash != NULL));
    if (!said)
        return;
    ck_assert_int_eq(sscanf(said, "hash=%40[0-9a-f]", expected), 1);
    ck_assert_uint_ge(hash->body.len, strlen(expected) / 2);
    assert_hex(bytes_of(hash->body.data, strlen(expected) / 2), expected);
    seen.hashes++;
}

/* Octet for octet the message of the frame before: sent again. The chain of IVs went on, and where
 * tshark goes on with it, and finds no payloads that hold together, we take the IV that it had. */
static bool sent_again(const struct captured_row *row, struct bytes message)
{
    static uint8_t before[1 << 12];
    static size_t before_len;
    bool same = bytes_equal(message, bytes_of(before, before_len));

    ck_assert_uint_le(message.len, sizeof before);
    memcpy(before, message.data, message.len);
    before_len = message.len;
    ck_assert(!same || row->malformed);
    seen.again += same;
    return same;
}

/* The one that is sent again, taken for the next one. */
static void check_out_of_turn(const struct captured_row *row, const struct ikev1_open_key *key,
                              const struct message_view *v)
{
    const struct encr_suite *encr = encr_suite_v1(V1_ENCR_3DES_CBC, 0);
    struct v1_cipher cipher = {.encr = encr};
    struct message_view inner;
    uint8_t next[IV_MAX];
    struct bytes chain;
    enum err e;

    ck_assert_uint_eq(key->len, encr->key_len);
    memcpy(cipher.key, key->key, key->len);
    memcpy(cipher.iv, v->datagram.data + v->datagram.len - encr->block_len, encr->block_len);
    e = v1_cipher_open(crypto, &cipher, v, &inner, &chain, next);
    ck_assert_int_ne(e, OK);
    printf("  refused %-52s frame %-3u %s, out of its turn; tshark: malformed\n", row->file,
           row->frame, err_name(e));
}

static void check_encrypted(const struct captured_row *row, const char *file,
                            const struct message_view *v)
{
    static uint8_t text[1 << 12];
    struct ikev1_open_key key = {0};
    struct message_view inner;
    struct bytes chain;
    const struct captured_row *said = row; /* of what is inside */

    seen.encrypted++;
    if (!key_of(file, &key)) {
        seen.locked++;
        if (row)
            check_list(row, v); /* which is empty */
        return;
    }
    ck_assert(row && key.cky_i == v->header.spi_i);
    ck_assert_uint_le(v->datagram.len, sizeof text);
    ck_assert_ok(v1_session_open(sessions, crypto, &key, v, text));
    ck_assert_ok(
        v1_inner_read(bytes_of(text, v->datagram.len - HEADER_LEN), v->inner_type, &inner, &chain));
    seen.opened++;
    check_bodies(&inner);
    if (sent_again(row, v->datagram)) {
        check_out_of_turn(row, &key, v);
        said = captured_row_of(file, row->frame - 1);
    }
    check_list(said, &inner);
    check_hash(said, &inner);
}

/* ---- in the clear ---- */

static void check_refused(const struct captured_row *row, const char *file, unsigned frame,
                          enum err e, uint8_t type)
{
    const struct refusal *known = refusal_of(file, frame);

    printf("  refused %-52s frame %-3u %s in %s; tshark: %s\n", file, frame, err_name(e),
           type && v1_payload_name(type) ? v1_payload_name(type) : "the chain",
           !row             ? "-"
           : row->malformed ? "malformed"
           : *row->list     ? row->list
                            : "no payload");
    seen.refused++;
    ck_assert_msg(known != NULL, "%s frame %u is refused", file, frame);
    ck_assert_int_eq(e, known->error);
    ck_assert_uint_eq(type, known->type);
}

static void check_clear(const struct captured_row *row, const char *file, unsigned frame,
                        struct message_view *v, enum err e)
{
    static uint8_t out[1 << 17];
    struct ikev1_open_key key;
    struct bytes again;
    uint8_t type = v->unsupported;

    seen.clear++;
    if (e == OK)
        e = v1_message_recode(v, (struct buf){.data = out, .cap = sizeof out}, &again, &type);
    seen.by_error[e]++;
    if (row)
        check_list(row, v);
    if (e != OK) {
        check_refused(row, file, frame, e, type);
        return;
    }
    ck_assert_msg(refusal_of(file, frame) == NULL, "%s frame %u is malformed, yet accepted", file,
                  frame);
    ck_assert_msg(bytes_equal(again, v->datagram), "%s frame %u is written differently", file,
                  frame);
    seen.recoded++;
    if (key_of(file, &key))
        v1_session_learn(sessions, v);
}

static void check_ike(const char *file, unsigned frame, struct bytes message)
{
    const struct captured_row *row = captured_row_of(file, frame);
    struct message_view v;
    struct ike_header h;
    enum err e;

    if (header_read(message, &h) != OK || header_major(&h) != 1)
        return;
    seen.messages++;
    seen.captures += strcmp(seen.file, file) != 0;
    snprintf(seen.file, sizeof seen.file, "%s", file);
    e = v1_message_read(message, &v);
    if (e != OK && e != ERR_UNSUPPORTED) { /* the view is not whole */
        seen.by_error[e]++;
        if (row)
            check_begun(row, &v);
        check_refused(row, file, frame, e, 0);
        return;
    }
    if (row)
        check_header(row, &v.header);
    if (!v1_encrypted(&v.header)) {
        check_clear(row, file, frame, &v, e);
        return;
    }
    seen.by_error[e]++;
    check_encrypted(row, file, &v);
}

/* IKEv1's exchanges have names in small letters, or none. @return how many lines there are */
static unsigned check_all_met(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < captured_row_count; i++) {
        const struct captured_row *row = &captured_rows[i];

        if (row->exchange[1] >= 'A' && row->exchange[1] <= 'Z')
            continue;
        count++;
        ck_assert_msg(row->met, "%s frame %u was not met", row->file, row->frame);
    }
    return count;
}

START_TEST(every_captured_ikev1_message)
{
    unsigned lines;

    captured_rows_read();
    keys = captured_keys();
    crypto = crypto_openssl_create(&meter);
    sessions = v1_sessions_create();
    ck_assert(crypto && sessions);
    captured_each(check_ike);
    lines = check_all_met();
    printf(
        "%u captures with %u messages of IKEv1; of %u lines in decode.tsv %u payload lists equal, "
        "and %u\nup to where the message was refused; %u in the clear, %u of them byte-identical; "
        "%u encrypted:\n%u decrypted (%u HASH values as decode.tsv, %u sent again), %u without a "
        "key; %u refused\n",
        seen.captures, seen.messages, lines, seen.listed, seen.begun, seen.clear, seen.recoded,
        seen.encrypted, seen.opened, seen.hashes, seen.again, seen.locked, seen.refused);
    for (int e = 0; e < ERR_COUNT; e++)
        if (seen.by_error[e])
            printf("  %-16s %u\n", err_name((enum err)e), seen.by_error[e]);
    v1_sessions_destroy(sessions);
    crypto_destroy(crypto);
    json_decref(keys);
    ck_assert_uint_eq(seen.captures, 28);
    ck_assert_uint_eq(seen.messages, 96);
    ck_assert_uint_eq(lines, 95);
    ck_assert_uint_eq(seen.listed + seen.begun, lines);
    ck_assert_uint_eq(seen.listed, 92);
    ck_assert_uint_eq(seen.recoded, 37);
    ck_assert_uint_eq(seen.opened, 18); /* all of the two captures that there is a key for */
    ck_assert_uint_eq(seen.hashes, 16); /* two have signatures in its place */
    ck_assert_uint_eq(seen.again, 1);
    ck_assert_uint_eq(seen.refused, sizeof refusals / sizeof *refusals);
}
END_TEST

SUITE("ikev1_captures", every_captured_ikev1_message)
