/*
 * proto/wire, payload bodies: read(write(x)) == x for seeded random structs, write(read(b)) == b
 * for every prefix and extension of a body that is accepted, and each length boundary refused.
 * RFC 7296 §3.3, §3.3.1, §3.3.2, §3.3.5, §3.4, §3.5, §3.6, §3.7, §3.8, §3.9, §3.10, §3.11, §3.13,
 * §3.13.1, §3.15, §3.15.1, §3.16.
 */
#include "base/rng.h"
#include "hex.h"
#include "recode.h"
#include "suite.h"

#include <stdio.h>

enum { ROUNDS = 300, BODY_MAX = 8192 };

static uint8_t pool[65536]; /* where views of random structs point */

static struct bytes random_bytes(struct rng *r, size_t min, size_t max)
{
    size_t len = min + rng_below(r, max - min + 1);
    size_t at = rng_below(r, sizeof pool - len + 1);

    return bytes_of(pool + at, len);
}

static struct bytes write_body(uint8_t type, const union any_payload *p, uint8_t *out)
{
    struct writer w;

    writer_init(&w, out, BODY_MAX);
    any_write(type, &w, p);
    ck_assert_ok(writer_end(&w));
    return bytes_of(out, writer_len(&w));
}

static void random_sa(struct rng *r, struct sa_payload *sa)
{
    static const uint8_t types[] = {1, 2, 3, 4, 5, 6, 12, 200};
    unsigned proposals = 1 + (unsigned)rng_below(r, 4);

    sa_init(sa);
    for (unsigned i = 0; i < proposals; i++) {
        uint8_t protocol = (uint8_t)(1 + rng_below(r, 3));
        size_t spi = protocol == SA_PROTOCOL_IKE ? (rng_chance(r, 1u << 31) ? 8 : 0) : 4;
        unsigned transforms = (unsigned)rng_below(r, 12);

        ck_assert_ok(sa_add_proposal(sa, (uint8_t)(i + 1), protocol, random_bytes(r, spi, spi)));
        for (unsigned t = 0; t < transforms; t++)
            ck_assert_ok(sa_add_transform(sa, types[rng_below(r, sizeof types)],
                                          (uint16_t)rng_u32(r),
                                          rng_chance(r, 1u << 31) ? (uint16_t)rng_u32(r) : 0));
    }
}

static void random_ts(struct rng *r, struct ts_payload *ts)
{
    ts->count = 1 + (unsigned)rng_below(r, TS_COUNT_MAX);
    for (unsigned i = 0; i < ts->count; i++) {
        struct traffic_selector *s = &ts->selectors[i];
        size_t len;

        *s = (struct traffic_selector){.type = (uint8_t)(7 + rng_below(r, 4))};
        s->protocol = (uint8_t)rng_u32(r);
        if (s->type > TS_IPV6_ADDR_RANGE) {
            s->other = random_bytes(r, 0, 24);
            continue;
        }
        len = s->type == TS_IPV4_ADDR_RANGE ? 4 : 16;
        s->port_start = (uint16_t)rng_u32(r);
        s->port_end = (uint16_t)rng_u32(r);
        rng_fill(r, s->start, len);
        rng_fill(r, s->end, len);
    }
}

static struct bytes random_attributes(struct rng *r)
{
    static uint8_t row[1024];
    struct writer w;

    writer_init(&w, row, sizeof row);
    for (uint64_t n = rng_below(r, 6); n > 0; n--) {
        struct cp_attribute a = {.type = (uint16_t)(rng_u32(r) & 0x7fff),
                                 .value = random_bytes(r, 0, 40)};

        cp_attribute_write(&w, &a);
    }
    ck_assert_ok(writer_end(&w));
    return bytes_of(row, writer_len(&w));
}

static void random_eap(struct rng *r, struct eap_payload *eap)
{
    *eap = (struct eap_payload){.code = (uint8_t)(1 + rng_below(r, 4)),
                                .identifier = (uint8_t)rng_u32(r)};
    if (eap->code <= EAP_CODE_RESPONSE) {
        eap->type = (uint8_t)rng_u32(r);
        eap->data = random_bytes(r, 0, 100);
    }
}

static void random_delete(struct rng *r, struct delete_payload *d)
{
    *d = (struct delete_payload){.protocol = (uint8_t)(1 + rng_below(r, 3))};
    if (d->protocol != SA_PROTOCOL_IKE) {
        d->spi_size = 4;
        d->count = (uint16_t)rng_below(r, 20);
        d->spis = random_bytes(r, d->count * 4u, d->count * 4u);
    }
}

static void random_id(struct rng *r, struct id_payload *id)
{
    id->type = (uint8_t)rng_u32(r);
    id->data = random_bytes(r, 0, 64);
    if (id->type == ID_IPV4_ADDR)
        id->data.len = 4;
    if (id->type == ID_IPV6_ADDR)
        id->data = bytes_of(pool, 16);
    if (id->type == ID_NULL)
        id->data.len = 0;
}

static void random_payload(struct rng *r, uint8_t type, union any_payload *p)
{
    switch (type) {
    case PAYLOAD_SA:
        random_sa(r, &p->sa);
        break;
    case PAYLOAD_KE:
        p->ke = (struct ke_payload){(uint16_t)rng_u32(r), random_bytes(r, 1, 600)};
        break;
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        random_id(r, &p->id);
        break;
    case PAYLOAD_CERT:
        p->cert = (struct cert_payload){(uint8_t)rng_u32(r), random_bytes(r, 1, 2000)};
        break;
    case PAYLOAD_CERTREQ: {
        size_t len = 20 * rng_below(r, 5);

        p->certreq = (struct certreq_payload){(uint8_t)rng_u32(r), random_bytes(r, len, len)};
        break;
    }
    case PAYLOAD_AUTH:
        p->auth = (struct auth_payload){(uint8_t)rng_u32(r), random_bytes(r, 1, 600)};
        break;
    case PAYLOAD_NONCE:
        p->nonce = random_bytes(r, NONCE_MIN, NONCE_MAX);
        break;
    case PAYLOAD_NOTIFY:
        /* Private use: any data; the sizes of the others have their own test. */
        p->notify = (struct notify_payload){(uint8_t)rng_u32(r), (uint16_t)(40960 | rng_u32(r)),
                                            random_bytes(r, 0, 255), random_bytes(r, 0, 100)};
        break;
    case PAYLOAD_DELETE:
        random_delete(r, &p->delete);
        break;
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        random_ts(r, &p->ts);
        break;
    case PAYLOAD_CP:
        p->cp = (struct cp_payload){(uint8_t)rng_u32(r), random_attributes(r)};
        break;
    case PAYLOAD_EAP:
        random_eap(r, &p->eap);
        break;
    default:
        p->vendor = (struct vendor_payload){random_bytes(r, 0, 300)};
        break;
    }
}

static bool sa_equal_content(const struct sa_payload *a, const struct sa_payload *b)
{
    if (a->count != b->count || a->transform_total != b->transform_total)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        const struct sa_proposal *p = &a->proposals[i], *q = &b->proposals[i];

        if (p->number != q->number || p->protocol != q->protocol || !bytes_equal(p->spi, q->spi) ||
            p->transform_count != q->transform_count || a->first[i] != b->first[i])
            return false;
    }
    for (unsigned i = 0; i < a->transform_total; i++) {
        const struct sa_transform *p = &a->transforms[i], *q = &b->transforms[i];

        if (p->type != q->type || p->id != q->id || p->key_bits != q->key_bits ||
            !bytes_equal(p->attributes, q->attributes))
            return false;
    }
    return true;
}

static bool ts_equal_content(const struct ts_payload *a, const struct ts_payload *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        const struct traffic_selector *s = &a->selectors[i], *t = &b->selectors[i];

        if (s->type != t->type || s->protocol != t->protocol || s->port_start != t->port_start ||
            s->port_end != t->port_end || memcmp(s->start, t->start, 16) != 0 ||
            memcmp(s->end, t->end, 16) != 0 || !bytes_equal(s->other, t->other))
            return false;
    }
    return true;
}

static bool payload_equal(uint8_t type, const union any_payload *a, const union any_payload *b)
{
    switch (type) {
    case PAYLOAD_SA:
        return sa_equal_content(&a->sa, &b->sa);
    case PAYLOAD_KE:
        return a->ke.group == b->ke.group && bytes_equal(a->ke.data, b->ke.data);
    case PAYLOAD_IDI:
    case PAYLOAD_IDR:
        return a->id.type == b->id.type && bytes_equal(a->id.data, b->id.data);
    case PAYLOAD_CERT:
        return a->cert.encoding == b->cert.encoding && bytes_equal(a->cert.data, b->cert.data);
    case PAYLOAD_CERTREQ:
        return a->certreq.encoding == b->certreq.encoding &&
               bytes_equal(a->certreq.authorities, b->certreq.authorities);
    case PAYLOAD_AUTH:
        return a->auth.method == b->auth.method && bytes_equal(a->auth.data, b->auth.data);
    case PAYLOAD_NONCE:
        return bytes_equal(a->nonce, b->nonce);
    case PAYLOAD_NOTIFY:
        return a->notify.protocol == b->notify.protocol && a->notify.type == b->notify.type &&
               bytes_equal(a->notify.spi, b->notify.spi) &&
               bytes_equal(a->notify.data, b->notify.data);
    case PAYLOAD_DELETE:
        return a->delete.protocol == b->delete.protocol &&
               a->delete.spi_size == b->delete.spi_size && a->delete.count == b->delete.count &&
               bytes_equal(a->delete.spis, b->delete.spis);
    case PAYLOAD_TSI:
    case PAYLOAD_TSR:
        return ts_equal_content(&a->ts, &b->ts);
    case PAYLOAD_CP:
        return a->cp.type == b->cp.type && bytes_equal(a->cp.attributes, b->cp.attributes);
    case PAYLOAD_EAP:
        return a->eap.code == b->eap.code && a->eap.identifier == b->eap.identifier &&
               a->eap.type == b->eap.type && bytes_equal(a->eap.data, b->eap.data);
    default:
        return bytes_equal(a->vendor.id, b->vendor.id);
    }
}

static const uint8_t all_types[] = {33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 47, 48};

START_TEST(random_structs_survive_write_and_read)
{
    static uint8_t out[BODY_MAX];
    static union any_payload a, b;
    struct rng r = rng_stream(1, 0, RNG_TEST);

    rng_fill(&r, pool, sizeof pool);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t t = 0; t < sizeof all_types; t++) {
            random_payload(&r, all_types[t], &a);
            ck_assert_ok(any_read(all_types[t], write_body(all_types[t], &a, out), &b));
            ck_assert_msg(payload_equal(all_types[t], &a, &b), "payload %s, round %u",
                          payload_name(all_types[t]), round);
        }
    }
}
END_TEST

/* What is accepted means exactly its bytes: nothing is dropped, nothing is made up. */
START_TEST(every_prefix_is_refused_or_means_its_bytes)
{
    static uint8_t out[BODY_MAX], again[BODY_MAX];
    static union any_payload a, b;
    struct rng r = rng_stream(2, 0, RNG_TEST);
    unsigned accepted = 0, refused = 0;

    rng_fill(&r, pool, sizeof pool);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t t = 0; t < sizeof all_types; t++) {
            struct bytes body;

            random_payload(&r, all_types[t], &a);
            body = write_body(all_types[t], &a, out);
            for (size_t len = 0; len <= body.len; len++) {
                /* An allocation of the exact size lets the sanitizer see any read behind it. */
                uint8_t *copy = malloc(len ? len : 1);
                struct bytes prefix = bytes_of(copy, len);

                memcpy(copy, body.data, len);
                if (any_read(all_types[t], prefix, &b) == OK) {
                    accepted++;
                    ck_assert(bytes_equal(write_body(all_types[t], &b, again), prefix));
                } else {
                    refused++;
                    ck_assert_uint_lt(len, body.len);
                }
                free(copy);
            }
        }
    }
    ck_assert_uint_gt(accepted, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

struct bad_body {
    uint8_t type;
    const char *hex;
    enum err expected;
};

/* Each differs from a good body in one place. */
static const struct bad_body bad_bodies[] = {
    /* SA: 0000000c 01 03 04 00 SPI is the shortest good ESP proposal */
    {PAYLOAD_SA, "", ERR_SYNTAX},
    {PAYLOAD_SA, "0000000c0103040011223344", OK},
    {PAYLOAD_SA, "0100000c0103040011223344", ERR_SYNTAX}, /* last substructure 1 */
    {PAYLOAD_SA, "0300000c0103040011223344", ERR_SYNTAX},
    {PAYLOAD_SA, "0200000c0103040011223344", ERR_TRUNCATED}, /* more to come, and none */
    {PAYLOAD_SA, "0000000b0103040011223344", ERR_LENGTH},
    {PAYLOAD_SA, "0000000d0103040011223344", ERR_LENGTH},
    {PAYLOAD_SA, "000000030103040011223344", ERR_LENGTH},
    {PAYLOAD_SA, "000000000103040011223344", ERR_LENGTH},
    {PAYLOAD_SA, "0000ffff0103040011223344", ERR_LENGTH},
    {PAYLOAD_SA, "0000000c01030400112233440000", ERR_TRAILING},
    {PAYLOAD_SA, "0000000c0103040111223344", ERR_SYNTAX}, /* one transform, none there */
    {PAYLOAD_SA, "0000000b01030300112233", ERR_SYNTAX},   /* ESP SPI of 3 */
    {PAYLOAD_SA, "0000000d010305001122334455", ERR_SYNTAX},
    {PAYLOAD_SA, "0000000801030000", ERR_SYNTAX},
    {PAYLOAD_SA, "0000000c0101040011223344", ERR_SYNTAX}, /* IKE SPI of 4 */
    {PAYLOAD_SA, "0000000801010000", OK},
    {PAYLOAD_SA, "000000100101080011223344aabbccdd", OK},
    {PAYLOAD_SA, "0000000f0101070011223344aabbcc", ERR_SYNTAX},
    {PAYLOAD_SA, "0000000801010900", ERR_LENGTH}, /* SPI runs out of the proposal */
    {PAYLOAD_SA, "00000014010304011122334400000008 01000014", OK},
    {PAYLOAD_SA, "00000014010304001122334400000008 01000014", ERR_TRAILING},
    {PAYLOAD_SA, "00000014010304021122334400000008 01000014", ERR_SYNTAX},
    {PAYLOAD_SA, "00000014010304011122334403000008 01000014", ERR_SYNTAX},
    {PAYLOAD_SA, "00000014010304011122334402000008 01000014", ERR_SYNTAX},
    {PAYLOAD_SA, "00000014010304011122334400000007 01000014", ERR_LENGTH},
    {PAYLOAD_SA, "00000014010304011122334400000009 01000014", ERR_LENGTH},
    {PAYLOAD_SA, "00000014010304011122334400000003 01000014", ERR_LENGTH},
    {PAYLOAD_SA, "0000001801030401112233440000000c 01000014800e0100", OK},
    {PAYLOAD_SA, "0000001801030401112233440000000c 01000014000e0100", ERR_LENGTH},
    {PAYLOAD_SA, "0000001801030401112233440000000c 01000014000e0000", OK}, /* kept, flagged */
    {PAYLOAD_SA, "0000001701030401112233440000000b 01000014800e01", ERR_LENGTH},
    {PAYLOAD_KE, "", ERR_TRUNCATED},
    {PAYLOAD_KE, "001f00", ERR_TRUNCATED},
    {PAYLOAD_KE, "001f0000", ERR_LENGTH},
    {PAYLOAD_KE, "001f000001", OK},
    {PAYLOAD_IDI, "010000", ERR_TRUNCATED},
    {PAYLOAD_IDI, "01000000c00002", ERR_LENGTH},
    {PAYLOAD_IDI, "01000000c0000201", OK},
    {PAYLOAD_IDI, "01000000c000020100", ERR_LENGTH},
    {PAYLOAD_IDR, "05000000c0000201", ERR_LENGTH},
    {PAYLOAD_IDR, "0500000000000000000000000000000000000001", OK},
    {PAYLOAD_IDR, "050000000000000000000000000000000000000001", ERR_LENGTH},
    {PAYLOAD_IDR, "0d00000001", ERR_LENGTH}, /* ID_NULL with data */
    {PAYLOAD_IDR, "0d000000", OK},
    {PAYLOAD_CERT, "", ERR_TRUNCATED},
    {PAYLOAD_CERT, "04", ERR_LENGTH},
    {PAYLOAD_CERT, "0430", OK},
    {PAYLOAD_CERTREQ, "", ERR_TRUNCATED},
    {PAYLOAD_CERTREQ, "04", OK},
    {PAYLOAD_CERTREQ, "0400112233445566778899aabbccddeeff000102", ERR_LENGTH},
    {PAYLOAD_CERTREQ, "0400112233445566778899aabbccddeeff00010203", OK},
    {PAYLOAD_CERTREQ, "0400112233445566778899aabbccddeeff0001020304", ERR_LENGTH},
    {PAYLOAD_AUTH, "020000", ERR_TRUNCATED},
    {PAYLOAD_AUTH, "02000000", ERR_LENGTH},
    {PAYLOAD_AUTH, "0200000000", OK},
    {PAYLOAD_NONCE, "", ERR_LENGTH},
    {PAYLOAD_NONCE, "000102030405060708090a0b0c0d0e", ERR_LENGTH},
    {PAYLOAD_NONCE, "000102030405060708090a0b0c0d0e0f", OK},
    {PAYLOAD_NOTIFY, "000040", ERR_TRUNCATED},
    {PAYLOAD_NOTIFY, "00004000", OK},
    {PAYLOAD_NOTIFY, "00004004", ERR_LENGTH}, /* NAT_DETECTION_SOURCE_IP without digest */
    {PAYLOAD_NOTIFY, "01000011", ERR_LENGTH}, /* INVALID_KE_PAYLOAD without group */
    {PAYLOAD_NOTIFY, "0100001100", ERR_LENGTH},
    {PAYLOAD_NOTIFY, "01000011000e", OK},
    {PAYLOAD_NOTIFY, "01000011000e00", ERR_LENGTH},
    {PAYLOAD_NOTIFY, "00000001", ERR_LENGTH},
    {PAYLOAD_NOTIFY, "00000001c8", OK},
    {PAYLOAD_NOTIFY, "00004006", ERR_LENGTH}, /* COOKIE of no bytes */
    {PAYLOAD_NOTIFY, "0000400600", OK},
    {PAYLOAD_NOTIFY, "00004001000001", ERR_LENGTH},
    {PAYLOAD_NOTIFY, "0000400100000001", OK},
    {PAYLOAD_NOTIFY, "03044009112233", ERR_TRUNCATED},
    {PAYLOAD_NOTIFY, "0304400911223344", OK},
    {PAYLOAD_NOTIFY, "03ff400911223344", ERR_TRUNCATED},
    {PAYLOAD_DELETE, "010000", ERR_TRUNCATED},
    {PAYLOAD_DELETE, "01000000", OK},
    {PAYLOAD_DELETE, "01000001", ERR_LENGTH},
    {PAYLOAD_DELETE, "0100ffff", ERR_LENGTH},
    {PAYLOAD_DELETE, "0100000011", ERR_LENGTH},
    {PAYLOAD_DELETE, "01080000", ERR_SYNTAX},
    {PAYLOAD_DELETE, "00000000", ERR_SYNTAX},
    {PAYLOAD_DELETE, "04040000", ERR_SYNTAX},
    {PAYLOAD_DELETE, "0304000111223344", OK},
    {PAYLOAD_DELETE, "03040000", OK},
    {PAYLOAD_DELETE, "0304000211223344", ERR_LENGTH},
    {PAYLOAD_DELETE, "0304000011223344", ERR_LENGTH},
    {PAYLOAD_DELETE, "03040001112233", ERR_LENGTH},
    {PAYLOAD_DELETE, "030400011122334455", ERR_LENGTH},
    {PAYLOAD_DELETE, "0303000111223344", ERR_SYNTAX},
    {PAYLOAD_DELETE, "0300000011223344", ERR_SYNTAX},
    {PAYLOAD_TSI, "", ERR_TRUNCATED},
    {PAYLOAD_TSI, "00000000", ERR_SYNTAX},
    {PAYLOAD_TSI, "01000000", ERR_TRUNCATED},
    {PAYLOAD_TSI, "01000000070000100000ffff0a0000000affffff", OK},
    {PAYLOAD_TSI, "010000000700000f0000ffff0a0000000affffff", ERR_LENGTH},
    {PAYLOAD_TSI, "01000000070000110000ffff0a0000000affffff", ERR_LENGTH},
    {PAYLOAD_TSI, "01000000080000100000ffff0a0000000affffff", ERR_LENGTH},
    {PAYLOAD_TSI, "01000000070000000000ffff0a0000000affffff", ERR_LENGTH},
    {PAYLOAD_TSI, "01000000070000100000ffff0a0000000affff", ERR_LENGTH},
    {PAYLOAD_TSI, "01000000070000100000ffff0a0000000affffff00", ERR_TRAILING},
    {PAYLOAD_TSI, "02000000070000100000ffff0a0000000affffff", ERR_TRUNCATED},
    {PAYLOAD_TSI, "0100000009000003", ERR_LENGTH},
    {PAYLOAD_TSI, "0100000009000004", OK},
    {PAYLOAD_TSI, "0100000009000005", ERR_LENGTH},
    {PAYLOAD_CP, "010000", ERR_TRUNCATED},
    {PAYLOAD_CP, "01000000", OK},
    {PAYLOAD_CP, "010000000001", ERR_TRUNCATED},
    {PAYLOAD_CP, "0100000000010004c00002", ERR_TRUNCATED},
    {PAYLOAD_CP, "0100000000010004c0000201", OK},
    {PAYLOAD_CP, "010000000001ffffc0000201", ERR_TRUNCATED},
    {PAYLOAD_EAP, "030100", ERR_TRUNCATED},
    {PAYLOAD_EAP, "03010004", OK},
    {PAYLOAD_EAP, "03010003", ERR_LENGTH},
    {PAYLOAD_EAP, "03010005", ERR_LENGTH},
    {PAYLOAD_EAP, "0301000500", ERR_LENGTH},
    {PAYLOAD_EAP, "01010004", ERR_LENGTH},
    {PAYLOAD_EAP, "0101000501", OK},
    {PAYLOAD_EAP, "0101000601", ERR_LENGTH},
    {PAYLOAD_EAP, "00010004", ERR_SYNTAX},
    {PAYLOAD_EAP, "05010004", ERR_SYNTAX},
};

static struct bytes unhex_spaced(const char *text, uint8_t *out, size_t cap)
{
    char tight[256];
    size_t len = 0;

    for (; *text; text++)
        if (*text != ' ' && len + 1 < sizeof tight)
            tight[len++] = *text;
    tight[len] = 0;
    return unhex(tight, out, cap);
}

START_TEST(each_length_boundary_is_refused)
{
    static union any_payload p;

    for (size_t i = 0; i < sizeof bad_bodies / sizeof *bad_bodies; i++) {
        const struct bad_body *bad = &bad_bodies[i];
        uint8_t raw[128];
        struct bytes body = unhex_spaced(bad->hex, raw, sizeof raw);
        uint8_t *copy = malloc(body.len ? body.len : 1);
        enum err e;

        memcpy(copy, body.data, body.len);
        e = any_read(bad->type, bytes_of(copy, body.len), &p);
        ck_assert_msg(e == bad->expected, "%s %s: %s, expected %s", payload_name(bad->type),
                      bad->hex, err_name(e), err_name(bad->expected));
        free(copy);
    }
}
END_TEST

START_TEST(nonce_length_bounds)
{
    uint8_t raw[NONCE_MAX + 1] = {0}, out[600];
    struct bytes nonce;
    struct writer w;

    ck_assert_ok(nonce_read(bytes_of(raw, NONCE_MAX), &nonce));
    ck_assert_int_eq(nonce_read(bytes_of(raw, NONCE_MAX + 1), &nonce), ERR_LENGTH);
    writer_init(&w, out, sizeof out);
    nonce_write(&w, bytes_of(raw, NONCE_MIN - 1));
    ck_assert_int_eq(writer_end(&w), ERR_LENGTH);
}
END_TEST

/* RFC 7296 §3.3.6: unknown types, IDs and attributes are passed by, not errors. */
START_TEST(unknown_transforms_and_attributes_are_kept_and_flagged)
{
    uint8_t raw[128];
    static struct sa_payload sa;
    struct bytes body =
        unhex_spaced("00000036 01010003 "
                     "0300000c 0100000c 800e0100 "      /* AES-CBC-256 */
                     "0300000e fa00ffff 00630002 abcd " /* type 250, attribute 99 as TLV */
                     "00000014 01000014 800e0080 800e0100 80010001",
                     raw, sizeof raw);

    ck_assert_ok(sa_read(body, &sa));
    ck_assert_uint_eq(sa.transform_total, 3);
    ck_assert_uint_eq(sa.transforms[0].key_bits, 256);
    ck_assert_uint_eq(sa.transforms[0].attributes.len, 0);
    ck_assert_uint_eq(sa.transforms[1].type, 250);
    ck_assert_uint_eq(sa.transforms[1].attributes.len, 6);
    ck_assert_uint_eq(sa.transforms[2].key_bits, 128); /* the second key length is a foreign body */
    ck_assert_uint_eq(sa.transforms[2].attributes.len, 12);
}
END_TEST

START_TEST(offers_count_from_one_and_answers_choose_once)
{
    static struct sa_payload sa;

    sa_init(&sa);
    ck_assert_int_eq(sa_check_offer(&sa), ERR_SYNTAX);
    ck_assert_ok(sa_add_proposal(&sa, 1, SA_PROTOCOL_IKE, BYTES_NONE));
    ck_assert_int_eq(sa_check_answer(&sa), ERR_SYNTAX);
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_ENCR, ENCR_AES_GCM_16, 256));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0));
    ck_assert_ok(sa_check_offer(&sa));
    ck_assert_ok(sa_check_answer(&sa));
    ck_assert_ok(sa_add_transform(&sa, TRANSFORM_ENCR, ENCR_AES_CBC, 256));
    ck_assert_int_eq(sa_check_answer(&sa), ERR_SYNTAX);
    ck_assert_ok(sa_add_proposal(&sa, 3, SA_PROTOCOL_IKE, BYTES_NONE));
    ck_assert_int_eq(sa_check_offer(&sa), ERR_SYNTAX);
    ck_assert_int_eq(sa_check_answer(&sa), ERR_SYNTAX);
    sa.proposals[1].number = 2;
    ck_assert_ok(sa_check_offer(&sa));
    sa.proposals[0].number = 0;
    ck_assert_int_eq(sa_check_offer(&sa), ERR_SYNTAX);
}
END_TEST

START_TEST(too_many_proposals_and_transforms_are_a_limit)
{
    static uint8_t out[BODY_MAX];
    static struct sa_payload sa, back;
    struct writer w;

    sa_init(&sa);
    for (unsigned i = 0; i < SA_PROPOSALS_MAX; i++)
        ck_assert_ok(sa_add_proposal(&sa, (uint8_t)(i + 1), SA_PROTOCOL_IKE, BYTES_NONE));
    ck_assert_int_eq(sa_add_proposal(&sa, 33, SA_PROTOCOL_IKE, BYTES_NONE), ERR_FULL);
    writer_init(&w, out, sizeof out);
    sa_write(&w, &sa);
    ck_assert_ok(sa_read(bytes_of(out, writer_len(&w)), &back));
    out[8 * (SA_PROPOSALS_MAX - 1)] = 2; /* the last says "more"; one more follows */
    memcpy(out + 8 * SA_PROPOSALS_MAX, "\0\0\0\10\41\1\0\0", 8);
    ck_assert_int_eq(sa_read(bytes_of(out, 8 * (SA_PROPOSALS_MAX + 1)), &back), ERR_FULL);
    for (unsigned i = 0; i < UINT8_MAX; i++)
        ck_assert_ok(sa_add_transform(&sa, TRANSFORM_KE, (uint16_t)i, 0));
    ck_assert_int_eq(sa_add_transform(&sa, TRANSFORM_KE, 0, 0), ERR_FULL);
}
END_TEST

START_TEST(selectors_out_of_order_are_read_and_flagged)
{
    struct traffic_selector ts = {.type = TS_IPV4_ADDR_RANGE, .port_end = 65535};

    ts.start[0] = ts.end[0] = 10;
    ck_assert(ts_ordered(&ts));
    ts.start[3] = 1;
    ck_assert(!ts_ordered(&ts));
    ts.end[3] = 1;
    ts.port_start = 500;
    ts.port_end = 499;
    ck_assert(!ts_ordered(&ts));
    ts.port_start = 65535;
    ts.port_end = 0; /* OPAQUE */
    ck_assert(ts_ordered(&ts));
    ts.type = TS_FC_ADDR_RANGE;
    ck_assert(!ts_ordered(&ts));
}
END_TEST

START_TEST(delete_and_cp_hand_out_their_parts)
{
    uint8_t raw[64];
    struct delete_payload d;
    struct cp_payload cp;
    struct cp_attribute a;

    ck_assert_ok(delete_read(unhex("0304000211223344aabbccdd", raw, sizeof raw), &d));
    ck_assert_uint_eq(delete_spi(&d, 0), 0x11223344);
    ck_assert_uint_eq(delete_spi(&d, 1), 0xaabbccdd);
    ck_assert_ok(cp_read(unhex("0200000080010004c000020100030000", raw, sizeof raw), &cp));
    ck_assert(cp_find(&cp, CONFIG_INTERNAL_IP4_ADDRESS, &a)); /* the reserved bit is ignored */
    ck_assert_uint_eq(a.value.len, 4);
    ck_assert(cp_find(&cp, CONFIG_INTERNAL_IP4_DNS, &a));
    ck_assert_uint_eq(a.value.len, 0);
    ck_assert(!cp_find(&cp, CONFIG_INTERNAL_IP6_DNS, &a));
}
END_TEST

SUITE("wire_payloads", random_structs_survive_write_and_read,
      every_prefix_is_refused_or_means_its_bytes, each_length_boundary_is_refused,
      nonce_length_bounds, unknown_transforms_and_attributes_are_kept_and_flagged,
      offers_count_from_one_and_answers_choose_once, too_many_proposals_and_transforms_are_a_limit,
      selectors_out_of_order_are_read_and_flagged, delete_and_cp_hand_out_their_parts)
