/*
 * One endpoint, two versions: which is answered, and what is told where one is not. SPIs and
 * cookies lie in one table; a message of one version under those of an SA of the other is for
 * nobody, whatever it is and whatever the SA is at, and changes nothing. RFC 7296 §2.5, RFC 2408
 * §5.2.
 */
#include "base/cursor.h"
#include "proto/core/internal.h"
#include "proto/wire/notify.h"
#include "proto/wire/registry.h"
#include "proto/wire/v1_message.h"
#include "proto/wire/v1_notify.h"
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
            unsigned said = p->wire_count[to], up = ike_count(p, to);

            ck_assert_int_ne(deliver(p, 1 - to, &m), OK);
            ck_assert_uint_eq(v1_dropped(p, to), dropped + 1);
            ck_assert_uint_eq(p->wire_count[to], said);
            ck_assert_uint_eq(ike_count(p, to), up);
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
        ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, the_ike(&p, B)));
        pull(&p);
        forge_all(&p, A, other);
        forge_all(&p, B, other);
        settle(&p); /* what is true goes on */
        ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
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

/* ---- which is answered ---- */

START_TEST(one_endpoint_answers_both)
{
    struct pair p;

    v1_pair_init(&p, true, PHASE1_MAIN);
    p.config[A].version = IKE_V2;
    pair_establish(&p);
    v1_check_up(&p);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_UP)->version, IKE_V2);
    p.config[A].version = IKE_V1;
    pair_initiate(&p);
    settle(&p);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_UP)->version, IKE_V1);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_count(&p, side), 2);
    pair_free(&p);
}
END_TEST

/* INVALID_MAJOR_VERSION in the clear, of the version that there is, no longer than what it answers.
 */
static void check_refusal(const struct wire_message *said, const struct wire_message *asked,
                          int version)
{
    struct bytes message = bytes_of(said->data, said->dgram.len);
    struct message_view in;
    struct v1_notify v1;
    struct notify_payload v2;

    ck_assert_uint_le(said->dgram.len, asked->dgram.len);
    ck_assert_mem_eq(said->data, asked->data, 8);
    if (version == IKE_V2) { /* to whom began with that */
        ck_assert_ok(v1_message_read(message, &in));
        ck_assert_uint_eq(in.header.exchange, V1_EXCHANGE_INFORMATIONAL);
        ck_assert_ok(v1_notify_read(in.payloads[0].body, &v1));
        ck_assert_uint_eq(v1.type, V1_NOTIFY_INVALID_MAJOR_VERSION);
        return;
    }
    ck_assert_ok(message_read(message, &in));
    ck_assert(header_is_response(&in.header));
    ck_assert_ok(notify_read(in.payloads[0].body, &v2));
    ck_assert_uint_eq(v2.type, NOTIFY_INVALID_MAJOR_VERSION);
}

/* And whoever began with it is told, in the version that there is (RFC 2408 §5.2, RFC 7296 §2.5):
 * once a second at most, and that makes nobody say anything more. */
START_TEST(a_version_that_is_not_answered_is_dropped)
{
    struct pair p;

    for (int version = IKE_V1; version <= IKE_V2; version++) {
        v1_pair_init(&p, true, PHASE1_MAIN);
        p.config[A].version = (uint8_t)version;
        p.config[B].version = 0;
        p.config[B].answers = version == IKE_V1 ? 0 : 1 << IKE_V1;
        pair_create(&p);
        pair_initiate(&p);
        for (int n = 0; n < 2; n++) { /* the second one comes too soon */
            struct wire_message copy = p.wire[A][0];

            ck_assert_int_eq(deliver(&p, A, &copy), ERR_VERSION);
        }
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_VERSION], 2);
        ck_assert_uint_eq(p.wire_count[B], 1);
        check_refusal(&p.wire[B][0], &p.wire[A][0], version);
        (void)hand_over(&p, B);
        drop_next(&p, A);
        ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
        ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_DOWN), 0); /* a rumour ends no handshake */
        pair_free(&p);
    }
}
END_TEST

/* Of what is told nobody tells anything: neither a Notify nor a response, nor what is shorter. */
START_TEST(what_is_later_than_all_versions)
{
    struct pair p;

    for (int v1_only = 0; v1_only < 2; v1_only++) {
        struct wire_message m, copy;

        v1_pair_init(&p, true, PHASE1_MAIN);
        p.config[A].version = 0;
        p.config[B].version = 0;
        p.config[B].answers = v1_only ? 1 << IKE_V1 : 0;
        pair_create(&p);
        pair_initiate(&p);
        m = hold_next(&p, A);
        m.data[17] = 0x30;
        copy = m;
        copy.data[19] |= 0x20; /* a response */
        ck_assert_int_ne(deliver(&p, A, &copy), OK);
        ck_assert_uint_eq(p.wire_count[B], 0);
        copy = m;
        ck_assert_int_eq(deliver(&p, A, &copy), ERR_VERSION);
        ck_assert_uint_eq(p.wire_count[B], 1);
        check_refusal(&p.wire[B][0], &m, v1_only ? IKE_V2 : IKE_V1);
        pair_free(&p);
    }
}
END_TEST

SUITE("versions", messages_of_version_2_under_version_1, messages_of_version_1_under_version_2,
      one_endpoint_answers_both, a_version_that_is_not_answered_is_dropped,
      what_is_later_than_all_versions)
