/* proto/core/select: RFC 7296 §3.3.6. Payloads are written with the codec, good ones and bad. */
#include "proto/core/select.h"
#include "suite.h"

struct transform {
    uint8_t type;
    uint16_t id, key_bits;
};

static uint8_t storage[2048];

static struct bytes payload(uint8_t protocol, size_t spi_len, const struct transform *t, size_t n)
{
    static const uint8_t spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static struct sa_payload sa;
    struct writer w;

    sa_init(&sa);
    ck_assert_ok(sa_add_proposal(&sa, 1, protocol, bytes_of(spi, spi_len)));
    for (size_t i = 0; i < n; i++)
        ck_assert_ok(sa_add_transform(&sa, t[i].type, t[i].id, t[i].key_bits));
    writer_init(&w, storage, sizeof storage);
    sa_write(&w, &sa);
    ck_assert_ok(writer_end(&w));
    return bytes_of(storage, writer_len(&w));
}

static struct proposal_config config(const char *text, bool ike)
{
    struct proposal_config c;
    struct bytes bad;

    ck_assert_ok(proposal_parse(bytes_text(text), ike, &c, &bad));
    return c;
}

static const struct select_terms ike = {.protocol = SA_PROTOCOL_IKE};
static const struct select_terms esp = {.protocol = SA_PROTOCOL_ESP, .spi_size = 4};

#define SELECT_IKE(ours, ...)                                                                      \
    select_ike(ours, (const struct transform[]){__VA_ARGS__},                                      \
               sizeof((const struct transform[]){__VA_ARGS__}) / sizeof(struct transform))

static struct selection chosen;

static enum err select_ike(const char *text, const struct transform *t, size_t n)
{
    struct proposal_config ours = config(text, true);

    return select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 0, t, n), &ike, &chosen);
}

#define GCM                                                                                        \
    {                                                                                              \
        TRANSFORM_ENCR, ENCR_AES_GCM_16, 256                                                       \
    }
#define PRF256                                                                                     \
    {                                                                                              \
        TRANSFORM_PRF, PRF_HMAC_SHA2_256, 0                                                        \
    }
#define X25519                                                                                     \
    {                                                                                              \
        TRANSFORM_KE, KE_GROUP_CURVE25519, 0                                                       \
    }
#define OURS "aes256gcm16-prfsha256-x25519"

START_TEST(aead_takes_integ_none_or_absent)
{
    ck_assert_ok(SELECT_IKE(OURS, GCM, PRF256, X25519));
    ck_assert_ptr_null(chosen.integ);
    ck_assert_ok(SELECT_IKE(OURS, GCM, PRF256, X25519, {TRANSFORM_INTEG, INTEG_NONE, 0}));
    ck_assert_int_eq(
        SELECT_IKE(OURS, GCM, PRF256, X25519, {TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0}),
        ERR_NO_PROPOSAL);
}
END_TEST

/* RFC 8750 §7: not for IKE, whoever proposes it; §6: nor answered if it was not proposed. */
START_TEST(an_implicit_iv_is_for_esp_only)
{
    static const struct transform iiv = {TRANSFORM_ENCR, ENCR_AES_GCM_16_IIV, 256};
    struct proposal_config with = config("aes256gcm16iiv-aes256gcm16", false);
    struct proposal_config without = config("aes256gcm16", false);
    struct bytes answer;

    ck_assert_int_eq(SELECT_IKE(OURS, iiv, PRF256, X25519), ERR_NO_PROPOSAL);
    ck_assert_ok(SELECT_IKE(OURS, iiv, GCM, PRF256, X25519));
    ck_assert_str_eq(chosen.encr->name, "aes256gcm16");
    answer = payload(SA_PROTOCOL_ESP, 4,
                     (const struct transform[]){iiv, {TRANSFORM_ESN, ESN_NONE, 0}}, 2);
    ck_assert_ok(select_answer(&with, 1, answer, &esp, &chosen));
    ck_assert_str_eq(chosen.encr->name, "aes256gcm16iiv");
    ck_assert_int_eq(select_answer(&without, 1, answer, &esp, &chosen), ERR_NO_PROPOSAL);
}
END_TEST

START_TEST(every_type_is_needed)
{
    ck_assert_int_eq(SELECT_IKE(OURS, PRF256, X25519), ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, X25519), ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256), ERR_NO_PROPOSAL); /* CVE-2016-5391 */
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256, {TRANSFORM_KE, KE_GROUP_NONE, 0}),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(
        SELECT_IKE("aes256-sha256-x25519", {TRANSFORM_ENCR, ENCR_AES_CBC, 256}, PRF256, X25519),
        ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE("aes256-sha256-x25519", {TRANSFORM_ENCR, ENCR_AES_CBC, 256}, PRF256,
                                X25519, {TRANSFORM_INTEG, INTEG_NONE, 0}),
                     ERR_NO_PROPOSAL);
}
END_TEST

START_TEST(key_length_must_match)
{
    static const uint16_t wrong[] = {0, 1, 128, 192, 255, 257, 65535};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(
            SELECT_IKE(OURS, {TRANSFORM_ENCR, ENCR_AES_GCM_16, wrong[i]}, PRF256, X25519),
            ERR_NO_PROPOSAL);
    /* A key length where none belongs: that transform is passed by (§3.3.6). */
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, {TRANSFORM_PRF, PRF_HMAC_SHA2_256, 256}, X25519),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256, {TRANSFORM_KE, KE_GROUP_CURVE25519, 256}),
                     ERR_NO_PROPOSAL);
}
END_TEST

START_TEST(unknown_ids_are_passed_by_but_unknown_types_are_not)
{
    ck_assert_ok(SELECT_IKE(OURS, {TRANSFORM_ENCR, 999, 0}, GCM, {TRANSFORM_PRF, 777, 0}, PRF256,
                            {TRANSFORM_KE, 1234, 0}, X25519, GCM));
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256, X25519, {13, 1, 0}), ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256, X25519, {TRANSFORM_ADDKE1, 36, 0}),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(SELECT_IKE(OURS, GCM, PRF256, X25519, {TRANSFORM_ESN, 0, 0}), ERR_NO_PROPOSAL);
}
END_TEST

START_TEST(the_group_that_came_along_is_preferred)
{
    struct proposal_config ours = config("aes256gcm16-prfsha256-x25519-ecp256", true);
    struct select_terms terms = ike;
    const struct transform t[] = {GCM, PRF256, X25519, {TRANSFORM_KE, KE_GROUP_ECP_256, 0}};

    ck_assert_ok(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 0, t, 4), &terms, &chosen));
    ck_assert_str_eq(chosen.ke->name, "x25519");
    terms.ke_group = KE_GROUP_ECP_256;
    ck_assert_ok(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 0, t, 4), &terms, &chosen));
    ck_assert_str_eq(chosen.ke->name, "ecp256");
    terms.ke_group = KE_GROUP_MODP_2048;
    ck_assert_ok(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 0, t, 4), &terms, &chosen));
    ck_assert_str_eq(chosen.ke->name, "x25519");
}
END_TEST

START_TEST(protocol_and_spi_size_must_fit)
{
    struct proposal_config ours = config(OURS, true);
    const struct transform t[] = {GCM, PRF256, X25519};
    struct select_terms rekey = {.protocol = SA_PROTOCOL_IKE, .spi_size = 8};

    ck_assert_int_eq(select_offer(&ours, 1, payload(SA_PROTOCOL_ESP, 4, t, 3), &ike, &chosen),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 8, t, 3), &ike, &chosen),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 0, t, 3), &rekey, &chosen),
                     ERR_NO_PROPOSAL);
    ck_assert_ok(select_offer(&ours, 1, payload(SA_PROTOCOL_IKE, 8, t, 3), &rekey, &chosen));
    ck_assert_uint_eq(chosen.spi.len, 8);
}
END_TEST

static enum err select_esp(const char *text, bool no_ke, const struct transform *t, size_t n)
{
    struct proposal_config ours = config(text, false);
    struct select_terms terms = esp;

    terms.no_ke = no_ke;
    return select_offer(&ours, 1, payload(SA_PROTOCOL_ESP, 4, t, n), &terms, &chosen);
}

START_TEST(esn_and_pfs_of_esp)
{
    const struct transform plain[] = {GCM, {TRANSFORM_ESN, ESN_NONE, 0}};
    const struct transform both[] = {
        GCM, {TRANSFORM_ESN, ESN_NONE, 0}, {TRANSFORM_ESN, ESN_YES, 0}};
    const struct transform pfs[] = {GCM, X25519, {TRANSFORM_ESN, ESN_NONE, 0}};
    const struct transform none[] = {
        GCM, X25519, {TRANSFORM_KE, KE_GROUP_NONE, 0}, {TRANSFORM_ESN, ESN_NONE, 0}};

    ck_assert_ok(select_esp("aes256gcm16", false, plain, 2));
    ck_assert(!chosen.esn && !chosen.ke);
    ck_assert_int_eq(select_esp("aes256gcm16-esn", false, plain, 2), ERR_NO_PROPOSAL);
    ck_assert_ok(select_esp("aes256gcm16-esn", false, both, 3));
    ck_assert(chosen.esn);
    ck_assert_ok(select_esp("aes256gcm16-noesn", false, both, 3));
    ck_assert(!chosen.esn);
    ck_assert_ok(select_esp("aes256gcm16", false, plain, 1)); /* no ESN transform at all */
    ck_assert_int_eq(select_esp("aes256gcm16-x25519", false, plain, 2), ERR_NO_PROPOSAL);
    ck_assert_ok(select_esp("aes256gcm16-x25519", true, plain, 2)); /* IKE_AUTH */
    ck_assert_ok(select_esp("aes256gcm16-x25519", false, pfs, 3));
    ck_assert_ptr_nonnull(chosen.ke);
    ck_assert_int_eq(select_esp("aes256gcm16", false, pfs, 3), ERR_NO_PROPOSAL);
    ck_assert_ok(select_esp("aes256gcm16", false, none, 4));
    ck_assert_ptr_null(chosen.ke);
}
END_TEST

/* What we write as an offer and as its answer is what the two selections accept. */
START_TEST(offer_and_answer_meet)
{
    static const char *const texts[] = {OURS, "aes128-aes256-sha256-sha512-ecp256-modp2048",
                                        "chacha20poly1305-prfsha384-prfsha512-x448"};
    struct proposal_config ours[3];
    struct writer w;
    struct bytes body;
    uint8_t reply[512];

    for (int i = 0; i < 3; i++)
        ours[i] = config(texts[i], true);
    for (int i = 0; i < 3; i++) {
        struct selection back;

        writer_init(&w, storage, sizeof storage);
        offer_write(&w, ours, 3, &ike, BYTES_NONE);
        ck_assert_ok(writer_end(&w));
        body = bytes_of(storage, writer_len(&w));
        ck_assert_ok(select_offer(&ours[i], 1, body, &ike, &chosen));
        ck_assert_uint_eq(chosen.number, i + 1);
        writer_init(&w, reply, sizeof reply);
        answer_write(&w, &chosen, &ike, BYTES_NONE);
        body = bytes_of(reply, writer_len(&w));
        ck_assert_ok(select_answer(ours, 3, body, &ike, &back));
        ck_assert_ptr_eq(back.encr, chosen.encr);
        ck_assert_ptr_eq(back.integ, chosen.integ);
        ck_assert_ptr_eq(back.prf, chosen.prf);
        ck_assert_ptr_eq(back.ke, chosen.ke);
    }
}
END_TEST

START_TEST(bad_answers_are_refused)
{
    struct proposal_config ours[2] = {config(OURS, true), config("aes128-sha256-ecp256", true)};
    const struct transform good[] = {GCM, PRF256, X25519};
    const struct transform twice[] = {GCM, PRF256, X25519, X25519};
    const struct transform foreign[] = {{TRANSFORM_ENCR, ENCR_AES_GCM_16, 128}, PRF256, X25519};
    struct writer w;
    size_t len;

    ck_assert_ok(select_answer(ours, 2, payload(SA_PROTOCOL_IKE, 0, good, 3), &ike, &chosen));
    ck_assert_int_eq(select_answer(ours, 2, payload(SA_PROTOCOL_IKE, 0, twice, 4), &ike, &chosen),
                     ERR_NO_PROPOSAL);
    ck_assert_int_eq(select_answer(ours, 2, payload(SA_PROTOCOL_IKE, 0, foreign, 3), &ike, &chosen),
                     ERR_NO_PROPOSAL);
    writer_init(&w, storage, sizeof storage);
    offer_write(&w, ours, 2, &ike, BYTES_NONE); /* two proposals are no answer */
    len = writer_len(&w);
    ck_assert_int_eq(select_answer(ours, 2, bytes_of(storage, len), &ike, &chosen),
                     ERR_NO_PROPOSAL);
    (void)payload(SA_PROTOCOL_IKE, 0, good, 3);
    for (unsigned number = 0; number < 256; number++) {
        storage[4] = (uint8_t)number;
        ck_assert_int_eq(
            select_answer(ours, 2, payload(SA_PROTOCOL_IKE, 0, good, 3), &ike, &chosen), OK);
        storage[4] = (uint8_t)number; /* of the proposal: only 1 is the one with these */
        ck_assert_int_eq(
            select_answer(ours, 2, bytes_of(storage, load_be16(storage + 2)), &ike, &chosen),
            number == 1 ? OK : ERR_NO_PROPOSAL);
    }
}
END_TEST

START_TEST(every_cut_payload_is_refused)
{
    struct proposal_config ours = config(OURS, true);
    const struct transform t[] = {GCM, PRF256, X25519};
    struct bytes body = payload(SA_PROTOCOL_IKE, 0, t, 3);

    for (size_t len = 0; len < body.len; len++)
        ck_assert_int_ne(select_offer(&ours, 1, bytes_of(body.data, len), &ike, &chosen), OK);
}
END_TEST

SUITE("select", aead_takes_integ_none_or_absent, an_implicit_iv_is_for_esp_only,
      every_type_is_needed, key_length_must_match,
      unknown_ids_are_passed_by_but_unknown_types_are_not, the_group_that_came_along_is_preferred,
      protocol_and_spi_size_must_fit, esn_and_pfs_of_esp, offer_and_answer_meet,
      bad_answers_are_refused, every_cut_payload_is_refused)
