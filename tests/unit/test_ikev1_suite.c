/*
 * proto/ikev1/suite: what is offered, chosen and answered in phase 1. RFC 2408 §4.2, RFC 2409 §5
 * and its appendix A.
 */
#include "hex.h"
#include "proto/ikev1/suite.h"
#include "proto/wire/v1_registry.h"
#include "suite.h"

static const struct v1_terms psk_terms = {{V1_AUTH_PSK}, 1, 86400};

static struct proposal_config proposal(const char *text)
{
    struct proposal_config p;
    struct bytes bad;

    ck_assert_ok(proposal_parse(bytes_text(text), true, &p, &bad));
    return p;
}

static struct bytes offer(const struct proposal_config *ours, size_t count,
                          const struct v1_terms *terms, uint8_t *out, size_t cap)
{
    struct writer w;

    writer_init(&w, out, cap);
    ck_assert_ok(v1_offer_write(&w, ours, count, terms));
    return bytes_of(out, writer_len(&w));
}

START_TEST(an_offer_has_every_combination_in_our_order)
{
    static struct v1_sa_payload sa;
    const struct proposal_config ours[] = {proposal("aes256-aes128-sha256-sha1-modp2048-ecp256"),
                                           proposal("aes256gcm16-prfsha256-modp2048"),
                                           proposal("aes192-sha512-modp3072")};
    struct v1_attribute a;
    uint8_t out[2048];

    ck_assert_ok(v1_sa_read(offer(ours, 3, &psk_terms, out, sizeof out), &sa));
    ck_assert_uint_eq(sa.count, 1);
    ck_assert_uint_eq(sa.proposals[0].protocol, V1_PROTOCOL_ISAKMP);
    ck_assert_uint_eq(sa.transform_total, 2 * 2 * 2 + 1); /* no AEAD: IKEv1 has none */
    for (unsigned i = 0; i < sa.transform_total; i++) {
        ck_assert_uint_eq(sa.transforms[i].number, i + 1);
        ck_assert_uint_eq(sa.transforms[i].id, V1_KEY_IKE);
    }
    ck_assert(v1_attribute_find(sa.transforms[0].attributes, V1_OAKLEY_KEY_LENGTH, &a));
    ck_assert_uint_eq(a.value, 256);
    ck_assert(v1_attribute_find(sa.transforms[8].attributes, V1_OAKLEY_KEY_LENGTH, &a));
    ck_assert_uint_eq(a.value, 192);
    ck_assert(v1_attribute_find(sa.transforms[8].attributes, V1_OAKLEY_LIFE_DURATION, &a));
    ck_assert_uint_eq(a.data.len, 4); /* 86400 is no short number */
}
END_TEST

START_TEST(what_cannot_be_said_is_not_offered)
{
    const struct proposal_config aead = proposal("aes256gcm16-prfsha256-x25519");
    const struct proposal_config xcbc = proposal("aes128-aesxcbc-modp2048");
    struct proposal_config all[PROPOSALS_MAX];
    uint8_t out[64];
    struct writer w;

    writer_init(&w, out, sizeof out);
    ck_assert_int_eq(v1_offer_write(&w, &aead, 1, &psk_terms), ERR_UNSUPPORTED);
    ck_assert_int_eq(v1_offer_write(&w, &xcbc, 1, &psk_terms), ERR_UNSUPPORTED);
    ck_assert_int_eq(v1_offer_write(&w, NULL, 0, &psk_terms), ERR_UNSUPPORTED);
    for (size_t i = 0; i < PROPOSALS_MAX; i++)
        all[i] = proposal("aes256-aes192-aes128-sha512-sha384-sha256-sha1-modp2048-modp3072-"
                          "modp4096-ecp256");
    ck_assert_int_eq(v1_offer_write(&w, all, PROPOSALS_MAX, &psk_terms), ERR_FULL);
    ck_assert_int_eq(v1_offer_write(&w, all, 1, &psk_terms), ERR_SPACE);
}
END_TEST

START_TEST(our_order_decides_and_the_answer_is_the_transform_itself)
{
    const struct proposal_config theirs = proposal("aes128-aes256-sha1-sha256-modp3072-modp2048");
    const struct proposal_config ours = proposal("aes256-aes128-sha256-sha1-modp2048-modp3072");
    struct v1_choice choice;
    struct v1_suite answered;
    uint8_t offered[1024], out[256];
    struct bytes body = offer(&theirs, 1, &psk_terms, offered, sizeof offered), answer;
    struct writer w;

    ck_assert_ok(v1_offer_select(&ours, 1, body, &psk_terms, &choice));
    ck_assert_ptr_eq(choice.suite.encr, encr_suite(12, 256));
    ck_assert_str_eq(choice.suite.hash->name, "sha256");
    ck_assert_ptr_eq(choice.suite.ke, ke_suite(14));
    writer_init(&w, out, sizeof out);
    v1_offered_write(&w, &choice.offered, BYTES_NONE);
    ck_assert_ok(writer_end(&w));
    answer = bytes_of(out, writer_len(&w));
    ck_assert_ok(v1_answer_read(&theirs, 1, answer, &psk_terms, &answered));
    ck_assert(answered.encr == choice.suite.encr && answered.hash == choice.suite.hash &&
              answered.ke == choice.suite.ke && answered.life_s == choice.suite.life_s);
    /* One that was not offered, and more than one. */
    ck_assert_int_eq(v1_answer_read(&(struct proposal_config){0}, 1, answer, &psk_terms, &answered),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(v1_answer_read(&theirs, 1, body, &psk_terms, &answered), ERR_NO_PROPOSAL);
}
END_TEST

START_TEST(nothing_in_common)
{
    const struct proposal_config theirs = proposal("aes128-sha1-modp2048");
    const struct proposal_config others[] = {
        proposal("aes256-sha1-modp2048"), proposal("aes128-sha256-modp2048"),
        proposal("aes128-sha1-modp3072"), proposal("aes128gcm16-prfsha1-modp2048")};
    const struct v1_terms rsa = {{V1_AUTH_RSA}, 1, 86400};
    struct v1_choice choice;
    uint8_t out[256];
    struct bytes body = offer(&theirs, 1, &psk_terms, out, sizeof out);

    ck_assert_ok(v1_offer_select(&theirs, 1, body, &psk_terms, &choice));
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(v1_offer_select(&others[i], 1, body, &psk_terms, &choice),
                         ERR_NO_PROPOSAL);
    ck_assert_int_eq(v1_offer_select(&theirs, 1, body, &rsa, &choice), ERR_NO_PROPOSAL);
    ck_assert_int_eq(v1_offer_select(NULL, 0, body, &psk_terms, &choice), ERR_NO_PROPOSAL);
    ck_assert_int_eq(
        v1_offer_select(&theirs, 1, bytes_of(body.data, body.len - 1), &psk_terms, &choice),
        ERR_LENGTH);
}
END_TEST

/* An offer of one transform with these attributes: type and value by turns; 0 ends. */
static struct bytes crafted(const uint16_t *pairs, uint8_t *out, size_t cap)
{
    static struct v1_sa_payload sa;
    static uint8_t row[256];
    struct writer w;

    writer_init(&w, row, sizeof row);
    for (; pairs[0]; pairs += 2)
        v1_attribute_write_number(&w, pairs[0], pairs[1]);
    v1_sa_init(&sa);
    ck_assert_ok(v1_sa_add_proposal(&sa, 7, V1_PROTOCOL_ISAKMP, BYTES_NONE));
    ck_assert_ok(v1_sa_add_transform(&sa, 3, V1_KEY_IKE, bytes_of(row, writer_len(&w))));
    writer_init(&w, out, cap);
    v1_sa_write(&w, &sa);
    return bytes_of(out, writer_len(&w));
}

#define GOOD 1, 7, 14, 128, 2, 2, 4, 14, 3, 1

START_TEST(attributes_that_are_passed_by)
{
    static const struct {
        uint16_t pairs[24];
        enum err expected;
        uint32_t life_s;
    } rows[] = {
        {{GOOD}, OK, 86400},
        {{1, 7, 2, 2, 4, 14, 3, 1}, OK, 86400}, /* RFC 3602 §5.3: 128 bits if nothing is said */
        {{GOOD, 11, 1, 12, 3600}, OK, 3600},
        {{GOOD, 11, 2, 12, 3600}, OK, 86400}, /* kilobytes */
        {{GOOD, 11, 2, 12, 9, 11, 1, 12, 60}, OK, 60},
        {{GOOD, 11, 1, 12, 0}, OK, 86400},
        {{GOOD, 12, 3600}, ERR_NO_PROPOSAL, 0}, /* of what? */
        {{GOOD, 11, 3, 12, 3600}, ERR_NO_PROPOSAL, 0},
        {{GOOD, 13, 1}, ERR_NO_PROPOSAL, 0}, /* a prf of its own */
        {{GOOD, 5, 1}, ERR_NO_PROPOSAL, 0},  /* group type */
        {{GOOD, 99, 1}, ERR_NO_PROPOSAL, 0},
        {{GOOD, 1, 7}, ERR_NO_PROPOSAL, 0}, /* twice */
        {{14, 128, 2, 2, 4, 14, 3, 1}, ERR_NO_PROPOSAL, 0},
        {{1, 7, 14, 128, 4, 14, 3, 1}, ERR_NO_PROPOSAL, 0},
        {{1, 7, 14, 128, 2, 2, 3, 1}, ERR_NO_PROPOSAL, 0},
        {{1, 7, 14, 128, 2, 2, 4, 14}, ERR_NO_PROPOSAL, 0},
        {{1, 5, 2, 2, 4, 14, 3, 1}, ERR_NO_PROPOSAL, 0},          /* 3DES is read, and not spoken */
        {{1, 7, 14, 128, 2, 1, 4, 14, 3, 1}, ERR_NO_PROPOSAL, 0}, /* MD5 */
        {{1, 7, 14, 128, 2, 2, 4, 2, 3, 1}, ERR_NO_PROPOSAL, 0},  /* MODP-1024 */
    };
    const struct proposal_config ours = proposal("aes128-sha1-modp2048");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct v1_choice choice = {0};
        uint8_t out[256];
        enum err e =
            v1_offer_select(&ours, 1, crafted(rows[i].pairs, out, sizeof out), &psk_terms, &choice);

        ck_assert_msg(e == rows[i].expected, "row %zu: %s", i, err_name(e));
        if (e != OK)
            continue;
        ck_assert_uint_eq(choice.suite.life_s, rows[i].life_s);
        ck_assert_uint_eq(choice.offered.proposal.number, 7);
        ck_assert_uint_eq(choice.offered.transform.number, 3);
    }
}
END_TEST

/* Of other protocols, and other transform IDs; and more of them than we look at. */
START_TEST(offers_have_bounds)
{
    static struct v1_sa_payload sa;
    static uint8_t out[1 << 16], row[64];
    const struct proposal_config ours = proposal("aes128-sha1-modp2048");
    struct v1_choice choice;
    struct writer w;

    writer_init(&w, row, sizeof row);
    for (size_t i = 0; i < 10; i += 2)
        v1_attribute_write_number(&w, ((uint16_t[]){GOOD})[i], ((uint16_t[]){GOOD})[i + 1]);
    for (unsigned extra = 0; extra < 2; extra++) {
        struct bytes attributes = bytes_of(row, writer_len(&w));
        struct writer body;

        v1_sa_init(&sa);
        for (unsigned i = 0; i < SA_PROPOSALS_MAX; i++) {
            ck_assert_ok(v1_sa_add_proposal(&sa, (uint8_t)i,
                                            i == 0   ? V1_PROTOCOL_ESP
                                            : i == 1 ? 99
                                                     : V1_PROTOCOL_ISAKMP,
                                            bytes_of(row, i == 0 ? 4 : 0)));
            for (unsigned t = 0; t < 8; t++)
                ck_assert_ok(v1_sa_add_transform(&sa, (uint8_t)t, i == 2 ? 2 : 1, attributes));
        }
        writer_init(&body, out, sizeof out);
        v1_sa_write(&body, &sa);
        if (extra) { /* one more proposal in front, which our writer does not make */
            size_t first = 8 + 4 + 8 * (8 + attributes.len);

            memmove(out + 8 + first, out + 8, writer_len(&body) - 8);
            body.at += first;
        }
        ck_assert_int_eq(
            v1_offer_select(&ours, 1, bytes_of(out, writer_len(&body)), &psk_terms, &choice),
            extra ? ERR_FULL : OK);
    }
}
END_TEST

/* RFC 2408 §4.2: proposals of one number are all of them or none. */
START_TEST(proposals_that_belong_together_are_passed_by)
{
    static struct v1_sa_payload sa;
    const struct proposal_config ours = proposal("aes128-sha1-modp2048");
    uint8_t out[512], row[64];
    struct v1_choice choice;
    struct writer w;

    writer_init(&w, row, sizeof row);
    for (size_t i = 0; i < 10; i += 2)
        v1_attribute_write_number(&w, ((uint16_t[]){GOOD})[i], ((uint16_t[]){GOOD})[i + 1]);
    for (uint8_t second = 1; second <= 2; second++) {
        struct writer body;

        v1_sa_init(&sa);
        ck_assert_ok(v1_sa_add_proposal(&sa, 1, V1_PROTOCOL_ISAKMP, BYTES_NONE));
        ck_assert_ok(v1_sa_add_transform(&sa, 1, 1, bytes_of(row, writer_len(&w))));
        ck_assert_ok(v1_sa_add_proposal(&sa, second, V1_PROTOCOL_AH, bytes_of(row, 4)));
        ck_assert_ok(v1_sa_add_transform(&sa, 1, 1, BYTES_NONE));
        writer_init(&body, out, sizeof out);
        v1_sa_write(&body, &sa);
        ck_assert_int_eq(
            v1_offer_select(&ours, 1, bytes_of(out, writer_len(&body)), &psk_terms, &choice),
            second == 1 ? ERR_NO_PROPOSAL : OK);
    }
}
END_TEST

SUITE("ikev1_suite", an_offer_has_every_combination_in_our_order,
      what_cannot_be_said_is_not_offered, our_order_decides_and_the_answer_is_the_transform_itself,
      nothing_in_common, attributes_that_are_passed_by, offers_have_bounds,
      proposals_that_belong_together_are_passed_by)
