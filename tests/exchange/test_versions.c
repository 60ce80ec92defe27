/*
 * One endpoint, two versions: a message of one under the SPIs of an SA of the other is for nobody,
 * whatever it is and whatever the SA is at, and changes nothing.
 */
#include "base/cursor.h"
#include "proto/core/internal.h"
#include "proto/wire/registry.h"
#include "proto/wire/v1_message.h"
#include "v1_pair.h"

enum { BODY = 64, HANDED_MAX = 9 };

/* What could be a message of `version` to `to` under the SPIs of its IKE SA. */
static struct wire_message forge(const struct pair *p, int to, const struct ike_sa *sa,
                                 enum ike_version version, uint8_t exchange, uint8_t next_payload,
                                 uint8_t flags, uint32_t message_id)
{
    struct wire_message m = {.dgram = {.local = pair_address(p, to, 500),
                                       .remote = pair_address(p, 1 - to, 500),
                                       .protocol = 17,
                                       .len = HEADER_LEN + BODY}};
    struct writer w;

    writer_init(&w, m.data, sizeof m.data);
    writer_u64(&w, sa->spi_i);
    writer_u64(&w, sa->spi_r);
    writer_u8(&w, next_payload);
    writer_u8(&w, version == IKE_V1 ? HEADER_VERSION_1 : HEADER_VERSION_2);
    writer_u8(&w, exchange);
    writer_u8(&w, flags);
    writer_u32(&w, message_id);
    writer_u32(&w, HEADER_LEN + BODY);
    writer_u32(&w, BODY); /* one payload without content of its own */
    ck_assert_ok(writer_end(&w));
    return m;
}

/* All that `version` has are dropped at `to`. */
static void forge_all(struct pair *p, int to, enum ike_version version)
{
    static const uint8_t exchanges[2][6] = {
        [IKE_V1 - 1] = {V1_EXCHANGE_MAIN, V1_EXCHANGE_AGGRESSIVE, V1_EXCHANGE_QUICK,
                        V1_EXCHANGE_INFORMATIONAL, V1_EXCHANGE_TRANSACTION, 0},
        [IKE_V2 - 1] = {EXCHANGE_IKE_SA_INIT, EXCHANGE_IKE_AUTH, EXCHANGE_CREATE_CHILD_SA,
                        EXCHANGE_INFORMATIONAL, EXCHANGE_IKE_INTERMEDIATE, 0}};
    static const uint8_t flags[] = {0, HEADER_FLAG_INITIATOR, HEADER_FLAG_RESPONSE,
                                    HEADER_FLAG_INITIATOR | HEADER_FLAG_RESPONSE,
                                    V1_FLAG_ENCRYPTION};
    static const uint8_t payloads[] = {PAYLOAD_SK, PAYLOAD_SKF, V1_PAYLOAD_HASH, V1_PAYLOAD_SA, 0};
    struct sa_ref ref = ike_endpoint_next_ike(p->end[to], SA_NONE);
    const struct ike_sa *sa = sa_none(ref) ? NULL : ike_sa_at(p->end[to], ref.handle);

    for (const uint8_t *e = exchanges[version - 1]; sa && *e; e++)
        for (size_t n = 0; n < 2 * sizeof flags * sizeof payloads; n++) {
            struct wire_message m = forge(p, to, sa, version, *e, payloads[n / 2 % sizeof payloads],
                                          flags[n / 2 / sizeof payloads], n % 2);
            uint64_t dropped = v1_dropped(p, to);

            ck_assert_int_ne(deliver(p, 1 - to, &m), OK);
            ck_assert_uint_eq(v1_dropped(p, to), dropped + 1);
        }
}

static void check_mixed(enum ike_version spoken, enum phase1_mode mode)
{
    enum ike_version other = spoken == IKE_V1 ? IKE_V2 : IKE_V1;

    for (unsigned handed = 0; handed <= HANDED_MAX; handed++) {
        struct pair p;

        v1_pair_init(&p, true, mode);
        if (spoken == IKE_V2) {
            p.config[A].version = IKE_V2;
            for (int side = 0; side < 2; side++)
                pair_propose(&p.config[side], "aes256gcm16-prfsha256-x25519", "aes128gcm16");
        }
        p.config[A].answers = p.config[B].answers;
        p.config[A].respond = true;
        pair_create(&p);
        pair_initiate(&p);
        for (unsigned n = 0; n < handed && p.wire_count[A] + p.wire_count[B] > 0; n++)
            (void)hand_over(&p, p.wire_count[A] ? A : B);
        forge_all(&p, A, other);
        forge_all(&p, B, other);
        settle(&p);
        v1_check_up(&p);
        pair_free(&p);
    }
}

START_TEST(messages_of_version_2_under_version_1)
{
    check_mixed(IKE_V1, PHASE1_MAIN);
    check_mixed(IKE_V1, PHASE1_AGGRESSIVE);
}
END_TEST

START_TEST(messages_of_version_1_under_version_2)
{
    check_mixed(IKE_V2, PHASE1_MAIN);
}
END_TEST

SUITE("versions", messages_of_version_2_under_version_1, messages_of_version_1_under_version_2)
