/*
 * proto/wire, IKEv1: bodies read(write(x)) == x for seeded random structs, every prefix refused or
 * meaning its bytes, each length boundary refused; messages, their chain, and the encrypted form.
 * RFC 2408 §3.1, §3.2, §3.3, §3.4, §3.5, §3.6, §3.7, §3.10, §3.13, §3.14, §3.15, §3.16, §5.3,
 * RFC 2407 §4.5, §4.6.1, §4.6.2, §4.6.3, RFC 3706 §5.1, RFC 3947 §3.1, §3.2, §5.2.
 */
#include "base/rng.h"
#include "crypto/provider.h"
#include "hex.h"
#include "proto/wire/v1_vendor.h"
#include "recode.h"
#include "suite.h"

enum { ROUNDS = 200, BODY_MAX = 16384 };

static uint8_t pool[65536]; /* where views of random structs point */

static struct bytes random_bytes(struct rng *r, size_t min, size_t max)
{
    size_t len = min + rng_below(r, max - min + 1);
    size_t at = rng_below(r, sizeof pool - len + 1);

    return bytes_of(pool + at, len);
}

static bool coin(struct rng *r)
{
    return rng_below(r, 2) == 0;
}

/* Rows of attributes live here until the next payload is made. */
static uint8_t rows[1 << 16];
static struct writer row_writer;

static struct bytes random_row(struct rng *r, unsigned most)
{
    uint8_t *start = row_writer.at;

    for (uint64_t n = rng_below(r, most + 1); n > 0; n--) {
        struct v1_attribute a = {.type = (uint16_t)(rng_u32(r) & 0x7fff), .basic = coin(r)};

        if (a.basic)
            a.value = (uint16_t)rng_u32(r);
        else
            a.data = random_bytes(r, 0, 20);
        v1_attribute_write(&row_writer, &a);
    }
    ck_assert_ok(writer_end(&row_writer));
    return bytes_of(start, (size_t)(row_writer.at - start));
}

static void random_sa(struct rng *r, struct v1_sa_payload *sa)
{
    static const uint8_t sizes[][2] = {{1, 0}, {1, 8}, {1, 16}, {2, 4}, {3, 4}, {4, 2}, {9, 7}};
    unsigned proposals = 1 + (unsigned)rng_below(r, 4);

    v1_sa_init(sa);
    for (unsigned i = 0; i < proposals; i++) {
        const uint8_t *s = sizes[rng_below(r, sizeof sizes / sizeof *sizes)];

        ck_assert_ok(
            v1_sa_add_proposal(sa, (uint8_t)rng_u32(r), s[0], random_bytes(r, s[1], s[1])));
        for (uint64_t t = 1 + rng_below(r, 8); t > 0; t--)
            ck_assert_ok(v1_sa_add_transform(sa, (uint8_t)rng_u32(r), (uint8_t)rng_u32(r),
                                             random_row(r, 8)));
    }
}

static void random_id(struct rng *r, struct v1_id *id)
{
    static const uint8_t lengths[] = {0, 4, 0, 0, 8, 16, 32, 8, 32};

    *id = (struct v1_id){.type = (uint8_t)rng_below(r, 14), .protocol = (uint8_t)rng_u32(r)};
    id->port = (uint16_t)rng_u32(r);
    id->data = random_bytes(r, 1, 60);
    if (id->type < sizeof lengths && lengths[id->type])
        id->data = random_bytes(r, lengths[id->type], lengths[id->type]);
}

static void random_notify(struct rng *r, struct v1_notify *n)
{
    *n = (struct v1_notify){.doi = rng_u32(r), .protocol = (uint8_t)rng_below(r, 5)};
    n->type =
        (uint16_t)(rng_u32(r) % 16384); /* types with sizes of their own have their own test */
    n->spi = n->protocol == 2 || n->protocol == 3 ? random_bytes(r, 4, 4) : random_bytes(r, 0, 16);
    n->data = random_bytes(r, 0, 100);
}

static void random_delete(struct rng *r, struct v1_delete *d)
{
    *d = (struct v1_delete){.doi = rng_u32(r), .protocol = (uint8_t)(1 + rng_below(r, 4))};
    d->spi_size = d->protocol == V1_PROTOCOL_ISAKMP   ? 16
                  : d->protocol == V1_PROTOCOL_IPCOMP ? 2
                                                      : 4;
    d->count = (uint16_t)(1 + rng_below(r, 20));
    d->spis = random_bytes(r, (size_t)d->count * d->spi_size, (size_t)d->count * d->spi_size);
}

static void random_payload(struct rng *r, uint8_t type, union v1_any_payload *p)
{
    writer_init(&row_writer, rows, sizeof rows);
    switch (type) {
    case V1_PAYLOAD_SA:
        random_sa(r, &p->sa);
        break;
    case V1_PAYLOAD_ID:
        random_id(r, &p->id);
        break;
    case V1_PAYLOAD_NAT_OA:
        p->id = (struct v1_id){.type = coin(r) ? V1_ID_IPV4_ADDR : V1_ID_IPV6_ADDR};
        p->id.data = bytes_of(pool, p->id.type == V1_ID_IPV4_ADDR ? 4 : 16);
        break;
    case V1_PAYLOAD_CERT:
        p->cert = (struct cert_payload){(uint8_t)rng_u32(r), random_bytes(r, 1, 2000)};
        break;
    case V1_PAYLOAD_CERTREQ:
        p->certreq = (struct cert_payload){(uint8_t)rng_u32(r), random_bytes(r, 0, 200)};
        break;
    case V1_PAYLOAD_NOTIFY:
        random_notify(r, &p->notify);
        break;
    case V1_PAYLOAD_DELETE:
        random_delete(r, &p->delete);
        break;
    case V1_PAYLOAD_CONFIG:
        p->config = (struct v1_config){(uint8_t)rng_u32(r), (uint16_t)rng_u32(r), random_row(r, 9),
                                       (uint8_t)rng_below(r, 4)};
        break;
    case V1_PAYLOAD_FRAGMENT:
        p->fragment = (struct v1_fragment){(uint16_t)rng_u32(r), (uint8_t)(1 + rng_below(r, 255)),
                                           coin(r), random_bytes(r, 1, 1200)};
        break;
    default:
        p->bytes = random_bytes(r, 8, 64);
        break;
    }
}

static bool sa_equal(const struct v1_sa_payload *a, const struct v1_sa_payload *b)
{
    if (a->count != b->count || a->transform_total != b->transform_total)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        const struct sa_proposal *p = &a->proposals[i], *q = &b->proposals[i];

        if (p->number != q->number || p->protocol != q->protocol || !bytes_equal(p->spi, q->spi) ||
            p->transform_count != q->transform_count || a->first[i] != b->first[i])
            return false;
    }
    for (unsigned i = 0; i < a->transform_total; i++)
        if (a->transforms[i].number != b->transforms[i].number ||
            a->transforms[i].id != b->transforms[i].id ||
            !bytes_equal(a->transforms[i].attributes, b->transforms[i].attributes))
            return false;
    return true;
}

static bool payload_equal(uint8_t type, const union v1_any_payload *a,
                          const union v1_any_payload *b)
{
    switch (type) {
    case V1_PAYLOAD_SA:
        return sa_equal(&a->sa, &b->sa);
    case V1_PAYLOAD_ID:
    case V1_PAYLOAD_NAT_OA:
        return a->id.type == b->id.type && a->id.protocol == b->id.protocol &&
               a->id.port == b->id.port && bytes_equal(a->id.data, b->id.data);
    case V1_PAYLOAD_CERT:
    case V1_PAYLOAD_CERTREQ:
        return a->cert.encoding == b->cert.encoding && bytes_equal(a->cert.data, b->cert.data);
    case V1_PAYLOAD_NOTIFY:
        return a->notify.doi == b->notify.doi && a->notify.protocol == b->notify.protocol &&
               a->notify.type == b->notify.type && bytes_equal(a->notify.spi, b->notify.spi) &&
               bytes_equal(a->notify.data, b->notify.data);
    case V1_PAYLOAD_DELETE:
        return a->delete.doi == b->delete.doi && a->delete.protocol == b->delete.protocol &&
               a->delete.spi_size == b->delete.spi_size && a->delete.count == b->delete.count &&
               bytes_equal(a->delete.spis, b->delete.spis);
    case V1_PAYLOAD_CONFIG:
        return a->config.type == b->config.type && a->config.identifier == b->config.identifier &&
               a->config.rounded == b->config.rounded &&
               bytes_equal(a->config.attributes, b->config.attributes);
    case V1_PAYLOAD_FRAGMENT:
        return a->fragment.id == b->fragment.id && a->fragment.number == b->fragment.number &&
               a->fragment.last == b->fragment.last &&
               bytes_equal(a->fragment.data, b->fragment.data);
    default:
        return bytes_equal(a->bytes, b->bytes);
    }
}

static struct bytes write_body(uint8_t type, const union v1_any_payload *p, uint8_t *out)
{
    struct writer w;

    writer_init(&w, out, BODY_MAX);
    v1_any_write(type, &w, p);
    ck_assert_ok(writer_end(&w));
    return bytes_of(out, writer_len(&w));
}

static const uint8_t all_types[] = {1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 21, 130, 132, 200};

START_TEST(random_structs_survive_write_and_read)
{
    static uint8_t out[BODY_MAX];
    static union v1_any_payload a, b;
    struct rng r = rng_stream(1, 0, RNG_TEST);

    rng_fill(&r, pool, sizeof pool);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t t = 0; t < sizeof all_types; t++) {
            random_payload(&r, all_types[t], &a);
            ck_assert_ok(v1_any_read(all_types[t], write_body(all_types[t], &a, out), &b));
            ck_assert_msg(payload_equal(all_types[t], &a, &b), "payload %u, round %u", all_types[t],
                          round);
        }
    }
}
END_TEST

START_TEST(every_prefix_is_refused_or_means_its_bytes)
{
    static uint8_t out[BODY_MAX], again[BODY_MAX];
    static union v1_any_payload a, b;
    struct rng r = rng_stream(2, 0, RNG_TEST);
    unsigned accepted = 0, refused = 0;

    rng_fill(&r, pool, sizeof pool);
    for (unsigned round = 0; round < 5; round++) {
        for (size_t t = 0; t < sizeof all_types; t++) {
            struct bytes body;

            random_payload(&r, all_types[t], &a);
            body = write_body(all_types[t], &a, out);
            for (size_t len = 0; len <= body.len; len++) {
                uint8_t *copy = malloc(len ? len : 1); /* of the exact size, for the sanitizer */
                struct bytes prefix = bytes_of(copy, len);

                memcpy(copy, body.data, len);
                if (v1_any_read(all_types[t], prefix, &b) == OK) {
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

/* Each differs from a good body in one place. */
static const struct {
    uint8_t type;
    const char *hex;
    enum err expected;
} bodies[] = {
    /* SA: DOI | situation | proposal: 01 01 00 01 | transform: 01 01 0000 */
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0000000801010000", OK},
    {V1_PAYLOAD_SA, "", ERR_TRUNCATED},
    {V1_PAYLOAD_SA, "00000001 000000", ERR_TRUNCATED},
    {V1_PAYLOAD_SA, "00000001 00000001", ERR_SYNTAX}, /* no proposal */
    {V1_PAYLOAD_SA, "00000000 00000001 0000001001010001 0000000801010000", ERR_UNSUPPORTED},
    {V1_PAYLOAD_SA, "00000002 00000001 0000001001010001 0000000801010000", ERR_UNSUPPORTED},
    {V1_PAYLOAD_SA, "00000001 00000003 0000001001010001 0000000801010000", ERR_UNSUPPORTED},
    {V1_PAYLOAD_SA, "00000001 00000001 0001001001010001 0000000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0300001001010001 0000000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0200001001010001 0000000801010000", ERR_TRUNCATED},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001101010001 0000000801010000", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000000f01010001 0000000801010000", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000000301010001 0000000801010000", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000000801010000", ERR_SYNTAX}, /* no transform */
    {V1_PAYLOAD_SA, "00000001 00000001 0000000801010001", ERR_SYNTAX}, /* one, and none there */
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010002 0000000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0300000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0200000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0001000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0000000801010001", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0000000701010000", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 0000000901010000", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001010001 000000080101000000", ERR_TRAILING},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001401030401 11223344 0000000801010000", OK},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001301030301 112233 0000000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001001030001 0000000801010000", ERR_SYNTAX},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001401010401 11223344 0000000801010000", OK},
    {V1_PAYLOAD_SA, "00000001 00000001 0000000801011101", ERR_LENGTH},
    {V1_PAYLOAD_SA,
     "00000001 00000001 0000002101011101 0102030405060708090a0b0c0d0e0f1011 0000000801010000",
     ERR_SYNTAX}, /* SPI of 17 */
    {V1_PAYLOAD_SA, "00000001 00000001 0000001401010001 0000000c01010000 80010007", OK},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001401010001 0000000c01010000 00010007", ERR_LENGTH},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001401010001 0000000c01010000 00010000", OK},
    {V1_PAYLOAD_SA, "00000001 00000001 0000001301010001 0000000b01010000 800100", ERR_LENGTH},
    {V1_PAYLOAD_KE, "", ERR_LENGTH},
    {V1_PAYLOAD_KE, "01", OK},
    {V1_PAYLOAD_ID, "010000", ERR_TRUNCATED},
    {V1_PAYLOAD_ID, "01000000c0000201", OK},
    {V1_PAYLOAD_ID, "011101f4c0000201", OK},
    {V1_PAYLOAD_ID, "01000000c00002", ERR_LENGTH},
    {V1_PAYLOAD_ID, "01000000c000020100", ERR_LENGTH},
    {V1_PAYLOAD_ID, "02000000", ERR_LENGTH},
    {V1_PAYLOAD_ID, "0200000061", OK},
    {V1_PAYLOAD_ID, "040000000a000000ffffff00", OK},
    {V1_PAYLOAD_ID, "040000000a000000", ERR_LENGTH},
    {V1_PAYLOAD_ID, "070000000a000000ffffff0000", ERR_LENGTH},
    {V1_PAYLOAD_ID, "0500000000000000000000000000000000000001", OK},
    {V1_PAYLOAD_ID, "05000000000000000000000000000000000001", ERR_LENGTH},
    {V1_PAYLOAD_ID, "0600000000000000000000000000000000000001", ERR_LENGTH},
    {V1_PAYLOAD_CERT, "04", ERR_LENGTH},
    {V1_PAYLOAD_CERT, "0430", OK},
    {V1_PAYLOAD_CERTREQ, "", ERR_TRUNCATED},
    {V1_PAYLOAD_CERTREQ, "04", OK},
    {V1_PAYLOAD_CERTREQ, "0430", OK},
    {V1_PAYLOAD_HASH, "", ERR_LENGTH},
    {V1_PAYLOAD_HASH, "01", OK},
    {V1_PAYLOAD_SIGNATURE, "", ERR_LENGTH},
    {V1_PAYLOAD_NONCE, "01020304050607", ERR_LENGTH},
    {V1_PAYLOAD_NONCE, "0102030405060708", OK},
    {V1_PAYLOAD_NAT_D, "", ERR_LENGTH},
    {V1_PAYLOAD_NAT_D_DRAFT, "", ERR_LENGTH},
    {V1_PAYLOAD_VENDOR, "", OK},
    {V1_PAYLOAD_NOTIFY, "00000001010000", ERR_TRUNCATED},
    {V1_PAYLOAD_NOTIFY, "000000010100000e", OK},
    {V1_PAYLOAD_NOTIFY, "000000010104000e112233", ERR_TRUNCATED},
    {V1_PAYLOAD_NOTIFY, "000000010104000e11223344", OK},
    {V1_PAYLOAD_NOTIFY, "000000010303000e112233", ERR_SYNTAX},
    {V1_PAYLOAD_NOTIFY, "000000010304000e11223344", OK},
    {V1_PAYLOAD_NOTIFY, "000000010111000e0102030405060708090a0b0c0d0e0f1011", ERR_SYNTAX},
    /* R-U-THERE: both cookies, four bytes */
    {V1_PAYLOAD_NOTIFY, "0000000101108d280102030405060708090a0b0c0d0e0f1000000001", OK},
    {V1_PAYLOAD_NOTIFY, "0000000101108d290102030405060708090a0b0c0d0e0f1000000001", OK},
    {V1_PAYLOAD_NOTIFY, "0000000101108d280102030405060708090a0b0c0d0e0f10000001", ERR_LENGTH},
    {V1_PAYLOAD_NOTIFY, "0000000101108d280102030405060708090a0b0c0d0e0f100000000100", ERR_LENGTH},
    {V1_PAYLOAD_NOTIFY, "0000000101008d2800000001", ERR_LENGTH},
    {V1_PAYLOAD_NOTIFY, "0000000103046001 11223344 00000001", OK}, /* REPLAY-STATUS */
    {V1_PAYLOAD_NOTIFY, "0000000103046001 11223344 000001", ERR_LENGTH},
    {V1_PAYLOAD_DELETE, "00000001030400", ERR_TRUNCATED},
    {V1_PAYLOAD_DELETE, "000000010304000111223344", OK},
    {V1_PAYLOAD_DELETE, "0000000103040000", ERR_SYNTAX},
    {V1_PAYLOAD_DELETE, "000000010304000211223344", ERR_LENGTH},
    {V1_PAYLOAD_DELETE, "00000001030400011122334455", ERR_LENGTH},
    {V1_PAYLOAD_DELETE, "0000000103030001112233", ERR_SYNTAX},
    {V1_PAYLOAD_DELETE, "000000010110000101020304050607080910111213141516", OK},
    {V1_PAYLOAD_DELETE, "00000001010800010102030405060708", ERR_SYNTAX},
    {V1_PAYLOAD_DELETE, "000000010904000111223344", ERR_SYNTAX},
    {V1_PAYLOAD_CONFIG, "010000", ERR_TRUNCATED},
    {V1_PAYLOAD_CONFIG, "01000001", OK},
    {V1_PAYLOAD_CONFIG, "01010001", ERR_SYNTAX},
    {V1_PAYLOAD_CONFIG, "01000001c0880000", OK}, /* XAUTH-TYPE, basic */
    {V1_PAYLOAD_CONFIG, "0100000140890001", ERR_TRUNCATED},
    {V1_PAYLOAD_CONFIG, "0200000100030001aa000000", OK},   /* rounded up to 4 octets */
    {V1_PAYLOAD_CONFIG, "0200000100030001aa00000000", OK}, /* an attribute of type 0 */
    {V1_PAYLOAD_CONFIG, "0200000100030001aa000001", ERR_TRUNCATED},
    {V1_PAYLOAD_CONFIG, "02000001000000", OK},
    {V1_PAYLOAD_CONFIG, "01000001408900", ERR_TRUNCATED},
    {V1_PAYLOAD_NAT_OA, "01000000c0000201", OK},
    {V1_PAYLOAD_NAT_OA, "01110000c0000201", ERR_SYNTAX},
    {V1_PAYLOAD_NAT_OA, "01000001c0000201", ERR_SYNTAX},
    {V1_PAYLOAD_NAT_OA, "02000000c0000201", ERR_SYNTAX},
    {V1_PAYLOAD_NAT_OA, "01000000c00002", ERR_LENGTH},
    {V1_PAYLOAD_FRAGMENT, "000101", ERR_TRUNCATED},
    {V1_PAYLOAD_FRAGMENT, "00010100", ERR_LENGTH}, /* nothing in it: racoon's CVE-2009-1574 */
    {V1_PAYLOAD_FRAGMENT, "0001010000", OK},
    {V1_PAYLOAD_FRAGMENT, "0001010100", OK},
    {V1_PAYLOAD_FRAGMENT, "0001010200", ERR_SYNTAX},
    {V1_PAYLOAD_FRAGMENT, "0001000100", ERR_SYNTAX},
};

/* Blanks are for people. */
static struct bytes spaced(const char *hex, uint8_t *out, size_t cap)
{
    char text[256];
    size_t len = 0;

    for (; *hex; hex++)
        if (*hex != ' ')
            text[len++] = *hex;
    text[len - len % 2] = 0;
    return unhex(text, out, cap);
}

START_TEST(boundaries_of_bodies)
{
    static union v1_any_payload p;
    uint8_t data[128];

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        enum err e = v1_any_read(bodies[i].type, spaced(bodies[i].hex, data, sizeof data), &p);

        ck_assert_msg(e == bodies[i].expected, "payload %u, %s: %s", bodies[i].type, bodies[i].hex,
                      err_name(e));
    }
}
END_TEST

/* The longest of each kind, and one more byte. */
START_TEST(limits_of_bodies)
{
    static const struct {
        uint8_t type;
        size_t most;
    } limits[] = {{V1_PAYLOAD_KE, V1_KE_MAX},
                  {V1_PAYLOAD_HASH, V1_HASH_MAX},
                  {V1_PAYLOAD_SIGNATURE, V1_SIGNATURE_MAX},
                  {V1_PAYLOAD_NONCE, V1_NONCE_MAX},
                  {V1_PAYLOAD_NAT_D, V1_HASH_MAX}};
    static union v1_any_payload p;

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        ck_assert_ok(v1_any_read(limits[i].type, bytes_of(pool, limits[i].most), &p));
        ck_assert_int_eq(v1_any_read(limits[i].type, bytes_of(pool, limits[i].most + 1), &p),
                         ERR_LENGTH);
    }
}
END_TEST

static struct bytes sa_of(unsigned proposals, unsigned transforms, unsigned attributes,
                          uint8_t *out)
{
    static struct v1_sa_payload sa;
    static uint8_t row[4 * 256];
    struct writer w;

    writer_init(&w, row, sizeof row);
    for (unsigned i = 0; i < attributes; i++)
        v1_attribute_write_number(&w, 1, 7);
    v1_sa_init(&sa);
    for (unsigned i = 0; i < proposals; i++) {
        if (v1_sa_add_proposal(&sa, 1, V1_PROTOCOL_ISAKMP, BYTES_NONE) != OK)
            return BYTES_NONE;
        for (unsigned t = 0; t < transforms; t++)
            if (v1_sa_add_transform(&sa, (uint8_t)t, 1, bytes_of(row, writer_len(&w))) != OK)
                return BYTES_NONE;
    }
    writer_init(&w, out, BODY_MAX);
    v1_sa_write(&w, &sa);
    ck_assert_ok(writer_end(&w));
    return bytes_of(out, writer_len(&w));
}

START_TEST(an_sa_has_bounds)
{
    static struct v1_sa_payload sa;
    static uint8_t out[BODY_MAX], more[BODY_MAX];
    struct bytes body;

    ck_assert_ok(v1_sa_read(sa_of(SA_PROPOSALS_MAX, 8, 0, out), &sa));
    ck_assert_uint_eq(sa.transform_total, SA_TRANSFORMS_MAX);
    ck_assert_uint_eq(sa_of(SA_PROPOSALS_MAX + 1, 1, 0, out).len, 0);
    ck_assert_uint_eq(sa_of(2, 129, 0, out).len, 0);
    ck_assert_ok(v1_sa_read(sa_of(1, 1, V1_ATTRIBUTES_MAX, out), &sa));
    ck_assert_int_eq(v1_sa_read(sa_of(1, 1, V1_ATTRIBUTES_MAX + 1, out), &sa), ERR_FULL);
    /* 33 proposals, which our writer does not make: another one in front of 32. */
    body = sa_of(SA_PROPOSALS_MAX, 1, 0, out);
    memcpy(more, body.data, 8);
    memcpy(more + 8, body.data + 8, 16);
    memcpy(more + 24, body.data + 8, body.len - 8);
    ck_assert_int_eq(v1_sa_read(bytes_of(more, body.len + 16), &sa), ERR_FULL);
}
END_TEST

/* RFC 2408 §3.3 */
START_TEST(numbers_of_attributes_have_two_forms)
{
    static const uint32_t values[] = {0, 1, 3600, 65535, 65536, 0xffffffff};
    struct v1_attribute a;
    uint8_t out[64];
    uint32_t back;

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct writer w;

        writer_init(&w, out, sizeof out);
        v1_attribute_write_number(&w, 12, values[i]);
        ck_assert_uint_eq(writer_len(&w), values[i] > 65535 ? 8 : 4);
        ck_assert(v1_attribute_find(bytes_of(out, writer_len(&w)), 12, &a));
        ck_assert(!v1_attribute_find(bytes_of(out, writer_len(&w)), 11, &a));
        ck_assert(v1_attribute_number(&a, &back));
        ck_assert_uint_eq(back, values[i]);
    }
    a = (struct v1_attribute){.data = bytes_of("\0\0\0\0\1", 5)};
    ck_assert(!v1_attribute_number(&a, &back));
    a.data = BYTES_NONE;
    ck_assert(!v1_attribute_number(&a, &back));
    a.data = bytes_of("\1\2", 2);
    ck_assert(v1_attribute_number(&a, &back));
    ck_assert_uint_eq(back, 258);
}
END_TEST

/* ---- messages ---- */

static const struct ike_header main_mode = {.spi_i = UINT64_C(0x0102030405060708),
                                            .version = HEADER_VERSION_1,
                                            .exchange = V1_EXCHANGE_MAIN};

static struct bytes clear_message(uint8_t *out, size_t cap)
{
    struct message_writer mw;
    struct bytes message;
    uint8_t body[64];

    message_begin(&mw, (struct buf){.data = out, .cap = cap}, &main_mode);
    payload_add(&mw, V1_PAYLOAD_SA,
                spaced("00000001 00000001 0000001001010001 0000000801010000", body, sizeof body));
    payload_add(&mw, V1_PAYLOAD_VENDOR, v1_vendor_bytes(V1_VENDOR_DPD));
    ck_assert_ok(message_end(&mw, &message));
    return message;
}

START_TEST(a_message_is_read_as_it_was_written)
{
    uint8_t out[256], again[256];
    struct bytes message = clear_message(out, sizeof out), recoded;
    struct message_view v;

    ck_assert_ok(v1_message_read(message, &v));
    ck_assert_uint_eq(v.count, 2);
    ck_assert_uint_eq(v.payloads[0].type, V1_PAYLOAD_SA);
    ck_assert_uint_eq(v.payloads[1].type, V1_PAYLOAD_VENDOR);
    ck_assert_ok(
        v1_message_recode(&v, (struct buf){.data = again, .cap = sizeof again}, &recoded, NULL));
    ck_assert(bytes_equal(recoded, message));
}
END_TEST

/* One byte of a good message is another one. RFC 2408 §5.2, §5.3 */
START_TEST(what_is_wrong_with_a_message_is_said)
{
    static const struct {
        size_t at;
        uint8_t value;
        enum err expected;
    } changes[] = {
        {17, 0x20, ERR_VERSION},
        {17, 0x1f, OK},        /* minor versions are for the one who answers */
        {27, 0, ERR_LENGTH},   /* header length */
        {16, 0, ERR_TRAILING}, /* no payload at all */
        {16, 2, ERR_UNSUPPORTED},
        {16, 3, ERR_UNSUPPORTED},
        {16, 15, ERR_UNSUPPORTED},
        {16, 127, ERR_UNSUPPORTED},
        {16, 128, OK},
        {16, 255, OK},
        {28, 0, ERR_TRAILING},  /* the chain ends early */
        {29, 1, ERR_SYNTAX},    /* RESERVED */
        {29, 0x80, ERR_SYNTAX}, /* which IKEv2 calls critical */
        {31, 3, ERR_LENGTH},
        {31, 0xff, ERR_LENGTH},
        {30, 0xff, ERR_LENGTH},
        {56, 13, ERR_TRUNCATED}, /* one more is said to come */
    };
    uint8_t out[256];
    struct message_view v;

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct bytes message = clear_message(out, sizeof out);
        enum err e;

        ck_assert_uint_eq(out[56], 0); /* Next Payload of the last */
        out[changes[i].at] = changes[i].value;
        e = v1_message_read(message, &v);
        ck_assert_msg(e == changes[i].expected, "byte %zu as %u: %s", changes[i].at,
                      changes[i].value, err_name(e));
        ck_assert(e != ERR_UNSUPPORTED || v.unsupported == changes[i].value);
    }
    for (size_t len = 0; len < 28; len++)
        ck_assert_int_eq(v1_message_read(bytes_of(out, len), &v), ERR_TRUNCATED);
}
END_TEST

/* libreswan rounds messages in the clear up to a multiple of 4 octets. */
START_TEST(up_to_three_zeros_round_a_message)
{
    uint8_t out[256];
    struct message_view v;

    for (unsigned rest = 0; rest <= 5; rest++)
        for (unsigned set = 0; set <= rest; set++) { /* which of them is not 0, if any */
            struct bytes message = clear_message(out, sizeof out);
            bool good = rest < 4 && set == rest;

            ck_assert_uint_eq(message.len % 4, 0);
            ck_assert_uint_gt(out[59], 4 + rest);
            out[59] = (uint8_t)(out[59] - rest); /* the length of the last payload */
            memset(out + message.len - rest, 0, rest);
            if (set < rest)
                out[message.len - 1 - set] = 1;
            ck_assert_int_eq(v1_message_read(message, &v), good ? OK : ERR_TRAILING);
            ck_assert(!good || v.payloads[1].body.len == out[59] - 4u);
        }
    clear_message(out, sizeof out);
    out[59]--;
    out[27]--; /* as long as it says, and one more zero would not round it */
    ck_assert_ok(v1_message_read(bytes_of(out, out[27]), &v));
    out[59]--;
    ck_assert_int_eq(v1_message_read(bytes_of(out, out[27]), &v), ERR_TRAILING);
}
END_TEST

START_TEST(more_payloads_than_we_hold)
{
    static uint8_t out[1024];
    struct message_writer mw;
    struct message_view v;
    struct bytes message;

    for (unsigned count = PAYLOADS_MAX; count <= PAYLOADS_MAX + 1; count++) {
        message_begin(&mw, (struct buf){.data = out, .cap = sizeof out}, &main_mode);
        for (unsigned i = 0; i < count; i++)
            payload_add(&mw, V1_PAYLOAD_VENDOR, BYTES_NONE);
        ck_assert_ok(message_end(&mw, &message));
        ck_assert_int_eq(v1_message_read(message, &v), count > PAYLOADS_MAX ? ERR_FULL : OK);
    }
}
END_TEST

/* RFC 2409 appendix B: whole blocks, zeros behind the payloads. */
START_TEST(the_encrypted_form_is_padded_and_taken_apart)
{
    struct ike_header h = main_mode;
    uint8_t out[256];

    h.flags = V1_FLAG_ENCRYPTION;
    h.exchange = V1_EXCHANGE_QUICK;
    for (size_t body = 0; body < 40; body++) {
        struct message_writer mw;
        struct message_view v, inner;
        struct bytes message, text, chain;
        struct v1_area area;

        memset(out, 0xee, sizeof out);
        message_begin(&mw, (struct buf){.data = out, .cap = sizeof out}, &h);
        payload_add(&mw, V1_PAYLOAD_HASH, bytes_of(pool, 20));
        payload_add(&mw, V1_PAYLOAD_VENDOR, bytes_of(pool, body));
        ck_assert_ok(v1_message_end(&mw, 16, &area, &message));
        ck_assert_uint_eq(area.len % 16, 0);
        ck_assert_uint_eq(area.chain_len, 24 + 4 + body);
        ck_assert_uint_lt(area.len - area.chain_len, 16);
        for (size_t i = area.chain_len; i < area.len; i++)
            ck_assert_uint_eq(area.text[i], 0);
        ck_assert_ok(v1_message_read(message, &v));
        ck_assert_uint_eq(v.count, 0);
        ck_assert_ok(v1_text(&v, 16, &text));
        ck_assert_ptr_eq(text.data, area.text);
        ck_assert_uint_eq(text.len, area.len);
        ck_assert_ok(v1_inner_read(text, v.inner_type, &inner, &chain));
        ck_assert_uint_eq(inner.count, 2);
        ck_assert_uint_eq(chain.len, area.chain_len);
    }
}
END_TEST

START_TEST(texts_that_are_none)
{
    struct ike_header h = main_mode;
    uint8_t out[400], text[400] = {0};
    struct message_writer mw;
    struct message_view v, inner;
    struct bytes message, view, chain;

    ck_assert_ok(v1_message_read(clear_message(out, sizeof out), &v));
    ck_assert_int_eq(v1_text(&v, 16, &view), ERR_MISSING);
    h.flags = V1_FLAG_ENCRYPTION;
    message_begin(&mw, (struct buf){.data = out, .cap = sizeof out}, &h);
    ck_assert_ok(message_end(&mw, &message));
    ck_assert_ok(v1_message_read(message, &v));
    ck_assert_int_eq(v1_text(&v, 16, &view), ERR_LENGTH); /* nothing there */
    message_begin(&mw, (struct buf){.data = out, .cap = sizeof out}, &h);
    writer_zeros(&mw.w, 24);
    ck_assert_ok(message_end(&mw, &message));
    ck_assert_ok(v1_message_read(message, &v));
    ck_assert_ok(v1_text(&v, 8, &view));
    ck_assert_int_eq(v1_text(&v, 16, &view), ERR_LENGTH);
    ck_assert_int_eq(v1_inner_read(bytes_of(text, 16), V1_PAYLOAD_NONE, &inner, &chain),
                     ERR_PADDING);
    ck_assert_int_eq(v1_inner_read(bytes_of(text, 16), V1_PAYLOAD_HASH, &inner, &chain),
                     ERR_LENGTH);
    text[3] = 4 + 8;
    ck_assert_ok(v1_inner_read(bytes_of(text, 12 + V1_PADDING_MAX), 8, &inner, &chain));
    ck_assert_int_eq(v1_inner_read(bytes_of(text, 13 + V1_PADDING_MAX), 8, &inner, &chain),
                     ERR_PADDING);
    ck_assert_int_eq(v1_inner_read(bytes_of(text, 16), 99, &inner, &chain), ERR_UNSUPPORTED);
}
END_TEST

START_TEST(a_message_that_does_not_fit_is_not_made)
{
    uint8_t out[256];
    struct ike_header h = main_mode;
    size_t whole;

    h.flags = V1_FLAG_ENCRYPTION;
    for (size_t cap = whole = 256; cap > 0; cap--) {
        struct message_writer mw;
        struct bytes message;
        struct v1_area area;
        enum err e;

        message_begin(&mw, (struct buf){.data = out, .cap = cap}, &h);
        payload_add(&mw, V1_PAYLOAD_HASH, bytes_of(pool, 20));
        e = v1_message_end(&mw, 16, &area, &message);
        if (cap == 256)
            whole = message.len;
        ck_assert_int_eq(e, cap < whole ? ERR_SPACE : OK);
        ck_assert_uint_eq(message.len, cap < whole ? 0 : whole);
    }
}
END_TEST

/* Most of them are MD5 of a text: RFC 3947 §3.1, and what the others say they are. */
START_TEST(vendor_ids_are_what_was_hashed)
{
    static const struct {
        enum v1_vendor which;
        const char *text;
        size_t len;
    } hashed[] = {{V1_VENDOR_NATT, "RFC 3947", 16},
                  {V1_VENDOR_NATT_02, "draft-ietf-ipsec-nat-t-ike-02", 16},
                  {V1_VENDOR_NATT_02_N, "draft-ietf-ipsec-nat-t-ike-02\n", 16},
                  {V1_VENDOR_NATT_03, "draft-ietf-ipsec-nat-t-ike-03", 16},
                  {V1_VENDOR_XAUTH, "draft-ietf-ipsra-isakmp-xauth-06.txt", 8},
                  {V1_VENDOR_FRAGMENTATION, "FRAGMENTATION", 16},
                  {V1_VENDOR_UNITY, "CISCO-UNITY", 14}};
    struct meter meter = {0};
    struct crypto *c = crypto_openssl_create(&meter);
    uint8_t digest[16], id[24];

    for (size_t i = 0; i < sizeof hashed / sizeof *hashed; i++) {
        struct bytes text = bytes_text(hashed[i].text);
        struct bytes ours = v1_vendor_bytes(hashed[i].which);

        ck_assert_ok(c->class->hash(c, hash_suite(V1_HASH_MD5), &text, 1, digest));
        ck_assert_mem_eq(ours.data, digest, hashed[i].len);
    }
    for (enum v1_vendor v = V1_VENDOR_NONE + 1; v < V1_VENDOR_COUNT; v++) {
        ck_assert_int_eq(v1_vendor_of(v1_vendor_bytes(v)), v);
        ck_assert_ptr_nonnull(v1_vendor_name(v));
        memcpy(id, v1_vendor_bytes(v).data, v1_vendor_bytes(v).len);
        id[0] ^= 1;
        ck_assert_int_eq(v1_vendor_of(bytes_of(id, v1_vendor_bytes(v).len)), V1_VENDOR_NONE);
        ck_assert_int_eq(v1_vendor_of(bytes_of(v1_vendor_bytes(v).data, 7)), V1_VENDOR_NONE);
    }
    /* DPD of another minor version; fragmentation without its flags. */
    memcpy(id, v1_vendor_bytes(V1_VENDOR_DPD).data, 16);
    id[15] = 9;
    ck_assert_int_eq(v1_vendor_of(bytes_of(id, 16)), V1_VENDOR_DPD);
    ck_assert_int_eq(v1_vendor_of(bytes_of(v1_vendor_bytes(V1_VENDOR_FRAGMENTATION).data, 16)),
                     V1_VENDOR_FRAGMENTATION);
    ck_assert_int_eq(v1_vendor_of(BYTES_NONE), V1_VENDOR_NONE);
    crypto_destroy(c);
}
END_TEST

START_TEST(numbers_have_their_names)
{
    ck_assert_str_eq(v1_payload_name(V1_PAYLOAD_SIGNATURE), "SIG");
    ck_assert_str_eq(registry_name(REGISTRY_V1_EXCHANGE, 32), "QUICK");
    ck_assert_str_eq(registry_name(REGISTRY_V1_ENCR, 5), "3DES_CBC");
    ck_assert_str_eq(registry_name(REGISTRY_V1_NOTIFY, 24578), "INITIAL_CONTACT");
    ck_assert_str_eq(registry_name(REGISTRY_V1_AUTH, 65001), "XAUTH_INIT_PSK");
    ck_assert_ptr_null(v1_payload_name(15));
}
END_TEST

SUITE("wire_v1", random_structs_survive_write_and_read, every_prefix_is_refused_or_means_its_bytes,
      boundaries_of_bodies, limits_of_bodies, an_sa_has_bounds,
      numbers_of_attributes_have_two_forms, a_message_is_read_as_it_was_written,
      what_is_wrong_with_a_message_is_said, up_to_three_zeros_round_a_message,
      more_payloads_than_we_hold, the_encrypted_form_is_padded_and_taken_apart, texts_that_are_none,
      a_message_that_does_not_fit_is_not_made, vendor_ids_are_what_was_hashed,
      numbers_have_their_names)
