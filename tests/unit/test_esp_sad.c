/* The SAD against an exact list, its refusals, wiping; and what a UDP/4500 payload is. */
#include "base/rng.h"
#include "proto/esp/encap.h"
#include "proto/esp/sad.h"
#include "suite.h"

enum { KEY_BYTES = ENCR_KEY_MAX + INTEG_KEY_MAX, SAS = 200 };

static const uint8_t key[KEY_BYTES] = {0xca, 0xfe, 0xba, 0xbe, 0x5e, 0xc1, 0xe7, 0x11};

static struct esp_sa_params gcm_params(void)
{
    return (struct esp_sa_params){
        .encr = encr_suite(20, 256),
        .encr_in = bytes_of(key, 36),
        .encr_out = bytes_of(key, 36),
        .spi_out = 0x1000,
        .replay_window = 128,
        .policy = HANDLE_NONE,
    };
}

static struct sad make(uint32_t sas)
{
    struct sad sad;

    ck_assert_ok(sad_init(&sad, &(struct sad_limits){sas, 128, KEY_BYTES}));
    return sad;
}

START_TEST(spis_are_fresh_and_reserved)
{
    struct sad sad = make(SAS);
    struct rng r = rng_stream(1, 1, RNG_SPI);
    uint32_t spi[SAS], found;

    for (uint32_t i = 0; i < SAS; i++) {
        spi[i] = sad_spi_new(&sad, 0, &r, i);
        ck_assert_uint_ge(spi[i], SPI_MIN);
        for (uint32_t k = 0; k < i; k++)
            ck_assert_uint_ne(spi[i], spi[k]);
        ck_assert_ptr_null(sad_find(&sad, 0, spi[i], &found)); /* reserved is not installed */
        ck_assert_uint_eq(found, SAD_NONE);
    }
    sad_remove(&sad, 0);
    sad_remove(&sad, 0); /* free: ignored */
    ck_assert_uint_eq(sad.taken, SAS - 1);
    for (uint32_t reserved = 0; reserved < SPI_MIN; reserved++)
        ck_assert_int_eq(sad_spi_take(&sad, 0, reserved, 0), ERR_SYNTAX);
    for (uint32_t i = 1; i < SAS; i++)
        ck_assert_int_eq(sad_spi_take(&sad, 0, spi[i], 0), ERR_DUPLICATE);
    ck_assert_ptr_null(sad_at(&sad, 0));
    ck_assert_ok(sad_spi_take(&sad, 0, spi[0], 0));
    ck_assert_uint_eq(sad_at(&sad, 0)->spi_in, spi[0]);
    sad_reset(&sad);
}
END_TEST

/* Numbers are whose the records are: they come in any order, and what was never taken is free. */
START_TEST(numbers_come_in_any_order)
{
    struct sad sad = make(SAS);
    struct esp_sa_params p = gcm_params();

    ck_assert_ptr_null(sad_at(&sad, 0));
    ck_assert_ok(sad_spi_take(&sad, 0, 0x400, 7));
    for (uint32_t i = 0; i < SAS; i++)
        ck_assert_int_eq(sad_at(&sad, i) != NULL, i == 7);
    ck_assert_int_eq(sad_install(&sad, 3, &p), ERR_NOT_FOUND);
    ck_assert_ok(sad_spi_take(&sad, 0, 0x401, 3));
    ck_assert_ok(sad_install(&sad, 3, &p));
    ck_assert_uint_eq(sad_next(&sad, SAD_NONE), 3);
    ck_assert_uint_eq(sad_next(&sad, 3), 7);
    ck_assert_uint_eq(sad_next(&sad, 7), SAD_NONE);
    sad_remove(&sad, SAS); /* beyond all */
    sad_remove(&sad, SAD_NONE);
    ck_assert_uint_eq(sad.taken, 2);
    sad_reset(&sad);
}
END_TEST

/* The stream is drawn again until the SPI is allowed and free: a collision made on purpose. */
START_TEST(a_drawn_spi_never_collides)
{
    struct sad sad = make(4);
    struct rng r = rng_stream(9, 9, RNG_SPI), same = r;
    uint32_t first = sad_spi_new(&sad, 0, &r, 0), second = sad_spi_new(&sad, 0, &same, 1);

    ck_assert_uint_ne(first, second);
    ck_assert_uint_gt(same.counter, r.counter);
    sad_reset(&sad);
}
END_TEST

/* What an SA has carried has a record of its own, from the first packet until the SA goes. */
START_TEST(there_is_room_for_the_traffic_of_every_sa)
{
    struct sad sad = make(SAS);
    struct esp_sa_params p = gcm_params();

    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < SAS; i++) {
            ck_assert_ok(sad_spi_take(&sad, 0, SPI_MIN + i, i));
            ck_assert_ok(sad_install(&sad, i, &p));
            ck_assert_uint_eq(sad_traffic(&sad, sad_at(&sad, i))->seq_out, 0);
        }
        ck_assert_uint_eq(sad.traffic.taken, 0); /* looking makes none */
        for (uint32_t i = SAS; i-- > 0;) {
            struct esp_traffic *t = sad_traffic_take(&sad, sad_at(&sad, i));

            ck_assert_uint_eq(t->seq_out | t->bytes_out | t->top | t->packets_in | t->bytes_in |
                                  t->dropped | t->bitmap[0] | t->bitmap[1],
                              0);
            t->seq_out = i;
            t->bitmap[0] = t->bitmap[1] = ~(uint64_t)i;
        }
        ck_assert_uint_eq(sad.traffic.taken, SAS);
        for (uint32_t i = 0; i < SAS; i++) {
            const struct esp_traffic *t = sad_traffic(&sad, sad_at(&sad, i));

            ck_assert_ptr_eq(t, sad_traffic_take(&sad, sad_at(&sad, i)));
            ck_assert_uint_eq(t->seq_out, i);
            ck_assert_uint_eq(t->bitmap[1], ~(uint64_t)i);
            sad_remove(&sad, i);
        }
        ck_assert_uint_eq(sad.traffic.taken + sad.taken, 0);
    }
    sad_reset(&sad);
}
END_TEST

/* Endpoints that share a database: each takes the same SPIs, and none sees another's. */
START_TEST(scopes_do_not_see_each_other)
{
    enum { SCOPES = 3, EACH = 20, ODD = 0x777 };
    struct sad sad = make(SAS);
    struct esp_sa_params p = gcm_params();
    uint32_t spi[SCOPES][EACH], found;

    for (uint32_t s = 0; s < SCOPES; s++) {
        struct rng r = rng_stream(1, 1, RNG_SPI);

        for (uint32_t i = 0; i < EACH; i++) {
            spi[s][i] = sad_spi_new(&sad, s, &r, s * EACH + i);
            ck_assert_uint_eq(spi[s][i], spi[0][i]); /* others' SPIs do not change the draws */
            ck_assert_int_eq(sad_spi_take(&sad, s, spi[s][i], SAS - 1), ERR_DUPLICATE);
            ck_assert_ok(sad_install(&sad, s * EACH + i, &p));
        }
    }
    for (uint32_t s = 0; s < SCOPES; s++)
        for (uint32_t i = 0; i < EACH; i++) {
            ck_assert_ptr_eq(sad_find(&sad, s, spi[s][i], &found), sad_at(&sad, s * EACH + i));
            ck_assert_uint_eq(found, s * EACH + i);
        }
    for (uint32_t i = 0; i < EACH; i++)
        sad_remove(&sad, EACH + i);
    for (int i = 0; i < EACH; i++) {
        ck_assert_ptr_nonnull(sad_find(&sad, 0, spi[0][i], &found));
        ck_assert_ptr_null(sad_find(&sad, 1, spi[1][i], &found));
        ck_assert_ptr_nonnull(sad_find(&sad, 2, spi[2][i], &found));
    }
    ck_assert_ok(sad_spi_share(&sad, 1, ODD, EACH));
    ck_assert_ok(sad_install(&sad, EACH, &p));
    ck_assert_ptr_null(sad_find(&sad, 0, ODD, &found));
    ck_assert_ptr_null(sad_find(&sad, SCOPES, ODD, &found)); /* a scope that holds nothing */
    sad_reset(&sad);
}
END_TEST

/* Addresses of IPv4 lie in the record, others beside it; the words of a kind of SA are kept once.
 */
START_TEST(addresses_and_words_come_back_as_they_went_in)
{
    uint8_t six[16] = {0x20, 1, [15] = 9};
    struct ip_endpoint old = {ip_addr_v4(0xc0000201), 500}, new = {ip_addr_v4(0xc0000202), 4500};
    struct ip_endpoint far = {ip_addr_v6(six), 4500}, near = {ip_addr_v6(six), 0};
    struct sad sad = make(3);
    struct esp_sa_params p = gcm_params();

    p.local = p.remote = old;
    for (uint32_t i = 0; i < 3; i++) {
        p.limits.soft_bytes = i / 2;
        ck_assert_ok(sad_spi_take(&sad, 0, 0x400 + i, i));
        ck_assert_ok(sad_install(&sad, i, &p));
    }
    for (int i = 0; i < 3; i++) {
        const struct ip_endpoint *local = i == 1 ? &near : &old, *remote = i == 1 ? &far : &new;
        struct esp_sa *sa = sad_at(&sad, 0);
        struct ip_endpoint is;

        sad_update_peer(&sad, sa, local, remote);
        ck_assert_uint_eq(sad.asides.taken, i == 1);
        ck_assert_uint_eq(sad_family(sa), i == 1 ? 6 : 4);
        is = sad_local(&sad, sa);
        ck_assert(ip_endpoint_equal(&is, local));
        is = sad_remote(&sad, sa);
        ck_assert(ip_endpoint_equal(&is, remote));
    }
    ck_assert_uint_eq(sad_at(&sad, 0)->kind, sad_at(&sad, 1)->kind);
    ck_assert_uint_ne(sad_at(&sad, 0)->kind, sad_at(&sad, 2)->kind);
    ck_assert_uint_eq(sad_kind(&sad, sad_at(&sad, 2))->limits.soft_bytes, 1);
    sad_update_peer(&sad, sad_at(&sad, 1), &near, &far);
    sad_remove(&sad, 0);
    ck_assert_uint_eq(sad_kind(&sad, sad_at(&sad, 1))->limits.soft_bytes, UINT64_MAX);
    sad_clear(&sad);
    ck_assert_uint_eq(sad.kinds.taken + sad.asides.taken + sad.by_words.count, 0);
    sad_reset(&sad);
}
END_TEST

/* For a stack that does not look whether an SPI is free: the older record hides the newer one. */
START_TEST(a_shared_spi_finds_the_older)
{
    struct sad sad = make(3);
    struct esp_sa_params p = gcm_params();
    uint32_t found;

    ck_assert_ok(sad_spi_share(&sad, 0, 0x222, 0));
    ck_assert_ok(sad_spi_share(&sad, 0, 0x222, 1));
    ck_assert_int_eq(sad_spi_share(&sad, 0, SPI_MIN - 1, 2), ERR_SYNTAX);
    ck_assert_int_eq(sad_spi_take(&sad, 0, 0x222, 2), ERR_DUPLICATE);
    ck_assert_ok(sad_install(&sad, 0, &p));
    ck_assert_ok(sad_install(&sad, 1, &p));
    ck_assert_ptr_eq(sad_find(&sad, 0, 0x222, &found), sad_at(&sad, 0));
    sad_remove(&sad, 0);
    ck_assert_ptr_eq(sad_find(&sad, 0, 0x222, &found), sad_at(&sad, 1));
    sad_remove(&sad, 1);
    ck_assert_ptr_null(sad_find(&sad, 0, 0x222, &found));
    sad_reset(&sad);
}
END_TEST

/* RFC 4303 §1, §3.2, §2.1: no encryption alone, not both NULL, no reserved SPI. */
START_TEST(wrong_parameters_are_refused)
{
    struct sad sad = make(2), small;
    struct esp_sa_params p = gcm_params();
    uint32_t other;

    ck_assert_ok(sad_spi_take(&sad, 0, 0x222, 1));
    p.integ = integ_suite(12);
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_UNSUPPORTED); /* AEAD with a MAC */
    p = gcm_params();
    p.encr = encr_suite(11, 0);
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_UNSUPPORTED); /* neither */
    p.encr = encr_suite(12, 128);
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_UNSUPPORTED); /* encryption alone */
    p = gcm_params();
    p.encr_in.len--;
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_LENGTH);
    p = gcm_params();
    p.encr_out.len--;
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_LENGTH);
    p = gcm_params();
    p.integ_in = bytes_of(key, 1);
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_LENGTH);
    p = gcm_params();
    p.replay_window = 129;
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_LENGTH);
    p = gcm_params();
    p.spi_out = 255;
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_SYNTAX);
    p = gcm_params();
    ck_assert_int_eq(sad_install(&sad, SAD_NONE, &p), ERR_NOT_FOUND);
    ck_assert_ok(sad_install(&sad, 1, &p));
    ck_assert_int_eq(sad_install(&sad, 1, &p), ERR_STATE);
    ck_assert_ptr_eq(sad_find(&sad, 0, 0x222, &other), sad_at(&sad, 1));
    ck_assert_uint_eq(other, 1);
    ck_assert_ok(sad_init(&small, &(struct sad_limits){1, 128, 35}));
    ck_assert_ok(sad_spi_take(&small, 0, 0x222, 0));
    ck_assert_int_eq(sad_install(&small, 0, &p), ERR_LENGTH); /* slot too small for the key */
    sad_reset(&small);
    sad_reset(&sad);
}
END_TEST

static bool key_remains(const struct sad *sad)
{
    size_t size = (size_t)sad->slot_size * sad->fresh;

    for (size_t i = 0; i + 8 <= size; i++)
        if (memcmp(sad->slots + i, key, 8) == 0)
            return true;
    return false;
}

START_TEST(keys_are_wiped_when_given_back)
{
    struct sad sad = make(3);
    struct esp_sa_params p = gcm_params();
    uint32_t found;

    ck_assert_ok(sad_spi_take(&sad, 0, 0x300, 0));
    ck_assert_ok(sad_spi_take(&sad, 0, 0x301, 1));
    ck_assert_ok(sad_install(&sad, 0, &p));
    ck_assert_ok(sad_install(&sad, 1, &p));
    ck_assert(key_remains(&sad));
    sad_remove(&sad, 0);
    ck_assert(key_remains(&sad));
    sad_remove(&sad, 1);
    ck_assert(!key_remains(&sad));
    ck_assert_ok(sad_spi_take(&sad, 0, 0x300, 0));
    ck_assert_ok(sad_install(&sad, 0, &p));
    sad_clear(&sad);
    ck_assert(!key_remains(&sad));
    ck_assert_ptr_null(sad_find(&sad, 0, 0x300, &found));
    ck_assert(sad_next(&sad, SAD_NONE) == SAD_NONE);
    sad_reset(&sad);
}
END_TEST

static struct esp_sa *find_in_steps(const struct sad *sad, uint32_t spi, int steps, uint32_t *found)
{
    uint32_t far = sad_find_begin(sad, 0, spi);

    for (int i = 0; i < steps; i++)
        far = sad_find_further(sad, 0, spi, far);
    return sad_find_end(sad, 0, spi, far, found);
}

/* RFC 4301 §4.4.2, RFC 4303 §3.4.2 */
START_TEST(random_course_agrees_with_a_list)
{
    struct sad sad = make(SAS);
    struct rng r = rng_stream(4, 4, RNG_TEST);
    uint32_t number[SAS], spi[SAS], count = 0, seen; /* [count, SAS): free numbers */

    for (uint32_t i = 0; i < SAS; i++)
        number[i] = (i * 7 + 3) % SAS;
    for (int step = 0; step < 20000; step++) {
        if (count < SAS && rng_below(&r, 2)) {
            struct esp_sa_params p = gcm_params();

            spi[count] = sad_spi_new(&sad, 0, &r, number[count]);
            ck_assert_ok(sad_install(&sad, number[count], &p));
            count++;
        } else if (count > 0) {
            uint32_t gone = (uint32_t)rng_below(&r, count), free = number[gone], none;

            sad_remove(&sad, free);
            ck_assert_ptr_null(sad_find(&sad, 0, spi[gone], &none));
            ck_assert_ptr_null(find_in_steps(&sad, spi[gone], step % 6, &none));
            ck_assert_uint_eq(none, SAD_NONE);
            number[gone] = number[--count];
            number[count] = free;
            spi[gone] = spi[count];
        }
        if (count > 0) {
            uint32_t any = (uint32_t)rng_below(&r, count), found;

            ck_assert_ptr_nonnull(sad_find(&sad, 0, spi[any], &found));
            ck_assert_uint_eq(found, number[any]);
            ck_assert_ptr_eq(find_in_steps(&sad, spi[any], step % 6, &found),
                             sad_at(&sad, number[any]));
            ck_assert_uint_eq(found, number[any]);
        }
    }
    seen = 0;
    for (uint32_t i = sad_next(&sad, SAD_NONE); i != SAD_NONE; i = sad_next(&sad, i))
        seen++;
    ck_assert_uint_eq(seen, count);
    sad_reset(&sad);
}
END_TEST

/* RFC 3948 §2, §2.1, §2.2, §2.3 */
START_TEST(payloads_on_port_4500)
{
    uint8_t p[64] = {0};

    ck_assert_int_eq(encap_classify(bytes_of(p, 0)), ENCAP_MALFORMED);
    ck_assert_int_eq(encap_classify(bytes_of(p, 1)), ENCAP_MALFORMED); /* one byte, not 0xff */
    for (size_t len = 2; len < 8; len++)
        ck_assert_int_eq(encap_classify(bytes_of(p, len)), ENCAP_MALFORMED);
    ck_assert_int_eq(encap_classify(bytes_of(p, 64)), ENCAP_IKE);
    p[0] = 0xff;
    ck_assert_int_eq(encap_classify(bytes_of(p, 1)), ENCAP_KEEPALIVE);
    ck_assert_int_eq(encap_classify(bytes_of(p, 2)), ENCAP_MALFORMED);
    ck_assert_int_eq(encap_classify(bytes_of(p, 64)), ENCAP_ESP);
    for (int i = 0; i < 4; i++) {
        memset(p, 0, sizeof p);
        p[i] = 1;
        ck_assert_int_eq(encap_classify(bytes_of(p, 64)), ENCAP_ESP);
    }
}
END_TEST

SUITE("esp_sad", numbers_come_in_any_order, there_is_room_for_the_traffic_of_every_sa,
      addresses_and_words_come_back_as_they_went_in, spis_are_fresh_and_reserved,
      a_drawn_spi_never_collides, scopes_do_not_see_each_other, a_shared_spi_finds_the_older,
      wrong_parameters_are_refused, keys_are_wiped_when_given_back,
      random_course_agrees_with_a_list, payloads_on_port_4500)
