/* crypto/suite: records agree with IANA and the RFCs, and are found by number and keyword. */
#include "crypto/suite.h"
#include "suite.h"

#define NAMED(kind, text) kind##_suite_named(text, strlen(text))

/* RFC 8247 §3.1, RFC 8221 §5, RFC 4106 §8.3, RFC 8750 §8 */
START_TEST(encr_records_are_found_both_ways)
{
    size_t count;
    const struct encr_suite *all = encr_suites(&count);

    ck_assert_uint_eq(count, 1 + 3 + 3 + 9 + 9 + 1 + 3 + 3 + 1);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(encr_suite(all[i].iana, all[i].key_bits), &all[i]);
        ck_assert_ptr_eq(NAMED(encr, all[i].name), &all[i]);
        ck_assert_uint_le(all[i].key_len + all[i].salt_len, ENCR_KEY_MAX);
        ck_assert_uint_le(encr_iv_len(&all[i]), IV_MAX);
        ck_assert(!all[i].implicit_iv || (all[i].aead && all[i].iv_len == 0));
        ck_assert_uint_le(all[i].icv_len, ICV_MAX);
        ck_assert_uint_eq(all[i].aead, all[i].icv_len != 0);
        ck_assert(all[i].key_bits == 0 || all[i].key_bits == 8 * all[i].key_len);
    }
}
END_TEST

/* RFC 8247 §3.2, §3.3, §3.4, RFC 8221 §6 */
START_TEST(other_records_are_found_both_ways)
{
    size_t integs, prfs, kes;
    const struct integ_suite *integ = integ_suites(&integs);
    const struct prf_suite *prf = prf_suites(&prfs);
    const struct ke_suite *ke = ke_suites(&kes);

    for (size_t i = 0; i < integs; i++) {
        ck_assert_ptr_eq(integ_suite(integ[i].iana), &integ[i]);
        ck_assert_ptr_eq(NAMED(integ, integ[i].name), &integ[i]);
        ck_assert_uint_le(integ[i].key_len, INTEG_KEY_MAX);
        ck_assert_uint_le(integ[i].icv_len, ICV_MAX);
    }
    for (size_t i = 0; i < prfs; i++) {
        ck_assert_ptr_eq(prf_suite(prf[i].iana), &prf[i]);
        ck_assert_ptr_eq(NAMED(prf, prf[i].name), &prf[i]);
        ck_assert_uint_le(prf[i].out_len, PRF_OUT_MAX);
    }
    for (size_t i = 0; i < kes; i++) {
        ck_assert_ptr_eq(ke_suite(ke[i].iana), &ke[i]);
        ck_assert_ptr_eq(NAMED(ke, ke[i].name), &ke[i]);
        ck_assert_uint_le(ke[i].public_len, KE_PUBLIC_MAX);
        ck_assert_uint_le(ke[i].private_len, KE_PRIVATE_MAX);
        ck_assert_uint_le(ke[i].shared_len, KE_SHARED_MAX);
    }
    ck_assert_uint_eq(integs, 6);
    ck_assert_uint_eq(prfs, 6);
    ck_assert_uint_eq(kes, 8);
}
END_TEST

START_TEST(keywords_of_strongswan_are_aliases)
{
    ck_assert_ptr_eq(NAMED(encr, "aes"), encr_suite(12, 128));
    ck_assert_ptr_eq(NAMED(encr, "aes256"), encr_suite(12, 256));
    ck_assert_ptr_eq(NAMED(encr, "aes256gcm"), encr_suite(20, 256));
    ck_assert_ptr_eq(NAMED(encr, "aes256gcm128"), encr_suite(20, 256));
    ck_assert_ptr_eq(NAMED(encr, "aes192gcm64"), encr_suite(18, 192));
    ck_assert_ptr_eq(NAMED(encr, "aes128ccm96"), encr_suite(15, 128));
    ck_assert_ptr_eq(NAMED(encr, "chacha20poly1305"), encr_suite(28, 0));
    ck_assert_ptr_eq(NAMED(encr, "aes256gcm16iiv"), encr_suite(30, 256));
    ck_assert_ptr_eq(NAMED(integ, "sha"), integ_suite(2));
    ck_assert_ptr_eq(NAMED(integ, "sha2_512"), integ_suite(14));
    ck_assert_ptr_eq(NAMED(ke, "curve25519"), ke_suite(31));
    ck_assert_ptr_eq(NAMED(ke, "curve448"), ke_suite(32));
    /* Compared over the given length, whatever follows. */
    ck_assert_ptr_eq(encr_suite_named("aes256gcm16-prfsha256", 11), encr_suite(20, 256));
}
END_TEST

START_TEST(what_is_not_ours_is_not_found)
{
    ck_assert_ptr_null(encr_suite(20, 0)); /* RFC 4106 §8.4: the attribute is required */
    ck_assert_ptr_null(encr_suite(20, 512));
    ck_assert_ptr_null(encr_suite(28, 256)); /* RFC 7634 §4: the attribute is forbidden */
    ck_assert_ptr_null(encr_suite(31, 256));
    ck_assert_ptr_null(encr_suite(30, 0));
    ck_assert_ptr_null(encr_suite(3, 0));
    ck_assert_ptr_null(integ_suite(0));
    ck_assert_ptr_null(prf_suite(1));
    ck_assert_ptr_null(ke_suite(2));
    ck_assert_ptr_null(NAMED(encr, ""));
    ck_assert_ptr_null(NAMED(encr, "aes128cbc"));
    ck_assert_ptr_null(NAMED(encr, "aes256gcm1"));
    ck_assert_ptr_null(NAMED(encr, "AES256"));
    ck_assert_ptr_null(NAMED(encr, "sha256"));
    ck_assert_ptr_null(NAMED(integ, "sha2"));
    ck_assert_ptr_null(NAMED(prf, "sha256"));
    ck_assert_ptr_null(NAMED(ke, "modp1024"));
}
END_TEST

SUITE("crypto_suite", encr_records_are_found_both_ways, other_records_are_found_both_ways,
      keywords_of_strongswan_are_aliases, what_is_not_ours_is_not_found)
