#include "targets.h"

#include "base/assert.h"
#include "crypto/test_pki.h"
#include "crypto/x509.h"
#include "dissect/hex.h"
#include "nodes.h"
#include "proto/endpoint.h"
#include "proto/ikev1/joining.h"
#include "proto/ikev1/main_mode.h"
#include "proto/ip/fragment.h"
#include "proto/ip/icmp.h"
#include "proto/ip/reassembly.h"
#include "proto/ip/rewrite.h"
#include "proto/ip/udp.h"
#include "proto/wire/skf.h"
#include "proto/wire/v1_vendor.h"
#include "recode.h"
#include "sim/import/swanctl_import.h"

#include <stdlib.h>

enum { OUT_MAX = 1 << 17 };

/* RFC 7427 §3: identifier and signature are all of it. */
static void check_signature(const struct auth_payload *auth)
{
    static uint8_t again[OUT_MAX];
    struct auth_signature s;
    struct writer w;

    if (auth_signature_read(auth->data, &s) != OK)
        return;
    writer_init(&w, again, sizeof again);
    auth_signature_write(&w, &s);
    ASSERT(writer_end(&w) == OK);
    ASSERT(bytes_equal(bytes_of(again, writer_len(&w)), auth->data));
}

/* What was read can be written, has the length it had, and reads back as the same bytes: reserved
 * bits, which we ignore, are gone after the first round. */
static void check_body(uint8_t type, struct bytes body)
{
    static uint8_t first[OUT_MAX], second[OUT_MAX];
    static union any_payload p;
    struct writer w;
    size_t len;

    if (any_read(type, body, &p) != OK)
        return;
    writer_init(&w, first, sizeof first);
    any_write(type, &w, &p);
    ASSERT(writer_end(&w) == OK);
    len = writer_len(&w);
    ASSERT(len == body.len);
    ASSERT(any_read(type, bytes_of(first, len), &p) == OK);
    writer_init(&w, second, sizeof second);
    any_write(type, &w, &p);
    ASSERT(writer_end(&w) == OK && writer_len(&w) == len);
    ASSERT(memcmp(first, second, len) == 0);
    if (type == PAYLOAD_AUTH)
        check_signature(&p.auth);
}

static void check_area(const struct message_view *v, const struct sk_area *a)
{
    struct message_view inner;
    struct bytes chain;

    ASSERT(a->icv >= a->text + a->text_len && a->text >= a->iv);
    ASSERT(a->iv == a->aad.data + a->aad.len);
    if (sk_strip(a, &chain) == OK && payload_chain_read(chain, v->inner_type, &inner) == OK)
        for (unsigned i = 0; i < inner.count; i++)
            check_body(inner.payloads[i].type, inner.payloads[i].body);
}

static void check_encrypted(const struct message_view *v)
{
    static const struct sk_sizes sizes[] = {{8, 16, 1}, {16, 16, 16}, {0, 0, 1}, {8, 12, 4}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct skf_fragment f;
        struct sk_area area;

        if (sk_read(v, &sizes[i], &area) == OK)
            check_area(v, &area);
        if (skf_read(v, &sizes[i], &f, &area) == OK)
            check_area(v, &area);
    }
}

void fuzz_message(const uint8_t *data, size_t len)
{
    static uint8_t out[OUT_MAX];
    struct message_view v;
    struct notify_payload n;
    struct bytes again;
    enum err e = message_read(bytes_of(data, len), &v);

    if (e != OK && e != ERR_CRITICAL)
        return;
    ASSERT((e == ERR_CRITICAL) == (v.unsupported != 0));
    for (unsigned i = 0; i < v.count; i++)
        check_body(v.payloads[i].type, v.payloads[i].body);
    (void)notify_find_error(&v, &n);
    check_encrypted(&v);
    if (message_recode(&v, (struct buf){.data = out, .cap = sizeof out}, &again, NULL) == OK)
        ASSERT(again.len == len);
}

void fuzz_payload(const uint8_t *data, size_t len)
{
    if (len > 0)
        check_body(data[0] < 128 ? (uint8_t)(33 + data[0] % 16) : data[0],
                   bytes_of(data + 1, len - 1));
}

void fuzz_sa(const uint8_t *data, size_t len)
{
    static struct sa_payload sa;
    enum err decoded = sa_read(bytes_of(data, len), &sa), walked;
    struct sa_proposal p;
    struct sa_walk walk;
    unsigned proposals = 0, transforms = 0;

    sa_open(&walk, bytes_of(data, len));
    for (walked = OK; walked == OK && sa_next(&walk, &p); proposals++) {
        struct sa_transform_walk tw;
        struct sa_transform t;

        sa_transform_open(&tw, &p);
        while (sa_transform_next(&tw, &t))
            transforms++;
        walked = sa_transform_close(&tw);
    }
    if (walked == OK)
        walked = sa_close(&walk);
    ASSERT(decoded == walked || decoded == ERR_FULL);
    if (decoded == OK) {
        ASSERT(sa.count == proposals && sa.transform_total == transforms);
        (void)!sa_check_offer(&sa);
        (void)!sa_check_answer(&sa);
    }
    check_body(PAYLOAD_SA, bytes_of(data, len));
}

void fuzz_ts(const uint8_t *data, size_t len)
{
    static struct ts_payload ts;

    if (ts_read(bytes_of(data, len), &ts) == OK) {
        ASSERT(ts.count == data[0]);
        for (unsigned i = 0; i < ts.count; i++)
            (void)ts_ordered(&ts.selectors[i]);
    }
    check_body(PAYLOAD_TSI, bytes_of(data, len));
}

/* What was read is written as the same bytes: IKEv1 has no reserved bits that we ignore. */
static void check_v1_body(uint8_t type, struct bytes body)
{
    static uint8_t again[OUT_MAX];
    static union v1_any_payload p;
    struct writer w;

    if (v1_any_read(type, body, &p) != OK)
        return;
    writer_init(&w, again, sizeof again);
    v1_any_write(type, &w, &p);
    ASSERT(writer_end(&w) == OK);
    ASSERT(bytes_equal(bytes_of(again, writer_len(&w)), body));
}

static void check_v1_chain(const struct message_view *v)
{
    for (unsigned i = 0; i < v->count; i++) {
        const struct payload_view *p = &v->payloads[i];

        check_v1_body(p->type, p->body);
        if (p->type == V1_PAYLOAD_VENDOR)
            (void)v1_vendor_of(p->body);
    }
}

/* A message in the clear that was read, and the same written from its payloads: they differ by no
 * more than the zeros that round it (v1_message_read), which its length counts. */
static void check_v1_written(struct bytes again, struct bytes read)
{
    static const uint8_t zeros[3];
    size_t rounding = read.len - again.len;

    ASSERT(again.len <= read.len && rounding <= sizeof zeros);
    ASSERT(rounding == 0 || read.len % 4 == 0);
    ASSERT(memcmp(again.data, read.data, HEADER_LENGTH_AT) == 0);
    ASSERT(memcmp(again.data + HEADER_LEN, read.data + HEADER_LEN, again.len - HEADER_LEN) == 0);
    ASSERT(memcmp(read.data + again.len, zeros, rounding) == 0);
}

void fuzz_v1(const uint8_t *data, size_t len)
{
    static uint8_t out[OUT_MAX];
    struct message_view v, inner;
    struct bytes again, text, chain;
    enum err e = v1_message_read(bytes_of(data, len), &v);

    if (e != OK && e != ERR_UNSUPPORTED)
        return;
    ASSERT((e == ERR_UNSUPPORTED) == (v.unsupported != 0));
    check_v1_chain(&v);
    if (v1_text(&v, 8, &text) == OK && v1_inner_read(text, v.inner_type, &inner, &chain) == OK) {
        ASSERT(chain.data == text.data && chain.len <= text.len);
        check_v1_chain(&inner);
    }
    if (!v1_encrypted(&v.header) &&
        v1_message_recode(&v, (struct buf){.data = out, .cap = sizeof out}, &again, NULL) == OK)
        check_v1_written(again, bytes_of(data, len));
}

void fuzz_v1_payload(const uint8_t *data, size_t len)
{
    if (len > 0)
        check_v1_body(data[0] % 16 == 15 ? data[0] : data[0] % 16, bytes_of(data + 1, len - 1));
}

enum { MAIN_MESSAGES = 6, MAIN_ROOM = 2048, EDITS_MAX = 8 };

/* Both ends of a Main Mode, each with the message it has sent last. */
struct main_pair {
    struct v1_phase1 end[2]; /* [0]: the initiator */
    uint8_t message[MAIN_ROOM];
    size_t len;
};

static void propose(struct v1_phase1_env *env, struct ike_config *config)
{
    static struct meter meter;
    struct bytes bad;

    env->crypto = crypto_modelled_create(&meter);
    ASSERT(env->crypto && proposal_parse(bytes_text("aes128-sha256-ecp256"), true,
                                         &config->proposals[0], &bad) == OK);
    config->proposal_count = 1;
}

static const struct v1_phase1_env *by_secret(void)
{
    static struct ike_config config = {.id = {V1_ID_FQDN, 4, "fuzz"}, .psk = "psk", .psk_len = 3};
    static struct v1_phase1_env env = {.config = &config, .natt = true};

    if (!env.crypto)
        propose(&env, &config);
    return &env;
}

/* A key and its certificate, for both ends, which is the only one they believe: an anchor, too. */
static void certify(struct v1_phase1_env *env, struct ike_config *config)
{
    static struct test_key key;
    static struct test_cert cert;
    static struct sign_key sign;
    static struct bytes der;
    static struct known_cert known = {.id_type = V1_ID_FQDN};
    struct test_cert_options o = {.common_name = "fuzz",
                                  .alt_name = "DNS:fuzz.test",
                                  .basic_constraints = "critical,CA:TRUE",
                                  .key_usage = "critical,digitalSignature,keyCertSign",
                                  .not_before_s = env->now_s - 1000,
                                  .not_after_s = env->now_s + 1000,
                                  .serial = 1,
                                  .random = rng_stream(1, 2, RNG_CREDENTIAL)};
    struct x509_anchors *anchors = x509_anchors_create();
    struct test_pki *pki = test_pki_create();
    struct x509_cert *anchor;

    ASSERT(test_key_make(pki, KEY_RSA, 2048, rng_stream(1, 1, RNG_CREDENTIAL), &key) == OK);
    o.key = test_key_bytes(&key);
    ASSERT(test_cert_make(pki, &o, &cert) == OK);
    ASSERT(env->crypto->class->sign_key_load(env->crypto, test_key_bytes(&key), &sign) == OK);
    der = test_cert_bytes(&cert);
    ASSERT(x509_read(env->crypto, der, &anchor) == CERT_VALID);
    ASSERT(x509_anchors_trust(anchors, anchor) == CERT_VALID);
    x509_free(anchor);
    test_pki_destroy(pki);
    known.id = bytes_text("fuzz.test");
    known.certs = &der;
    known.cert_count = 1;
    config->auth.credential = (struct ike_credential){.key = &sign, .certs = &der, .cert_count = 1};
    config->auth.trust =
        (struct ike_trust){.anchors = anchors, .certs = &known, .cert_count = 1, .called = &known};
}

static const struct v1_phase1_env *by_encryption(bool revised)
{
    static struct ike_config config = {.id = {V1_ID_FQDN, 9, "fuzz.test"}};
    static struct v1_phase1_env env = {.config = &config, .natt = true, .now_s = 1700000000};

    if (!env.crypto) {
        propose(&env, &config);
        certify(&env, &config);
    }
    config.auth.way = revised ? AUTH_RSA_REVISED : AUTH_RSA_ENCRYPTION;
    return &env;
}

static void main_init(struct main_pair *p, const struct v1_phase1_env *env)
{
    for (unsigned i = 0; i < 2; i++)
        v1_phase1_init(&p->end[i], env, i == 0, 1 + i, rng_stream(1, i, RNG_TEST));
}

/* The message goes to `to`. @return what it answered with, if anything, has taken its place */
static enum err main_hand(struct main_pair *p, unsigned to)
{
    const struct ip_endpoint end = {ip_addr_v4(1), 500};
    const struct v1_arrival at = {bytes_of(p->message, p->len), end, end};
    uint8_t out[MAIN_ROOM];
    struct bytes answer;
    enum v1_next next;
    enum err e =
        main_mode_receive(&p->end[to], &at, (struct buf){out, 0, sizeof out}, &next, &answer);

    ASSERT(e == OK || (next == V1_WAIT && answer.len == 0));
    if (answer.len > 0)
        memcpy(p->message, answer.data, answer.len);
    p->len = answer.len;
    return e;
}

/* Message `n` (from 0), with some of its octets changed or cut off: it is refused and nothing has
 * changed, or it is served. What is encrypted by modelled crypto can be changed octet by octet. */
static void fuzz_phase1(const struct v1_phase1_env *env, const uint8_t *data, size_t len)
{
    static struct main_pair p;
    static struct v1_phase1 before;
    struct bytes first;
    unsigned n;

    main_init(&p, env);
    ASSERT(main_mode_start(&p.end[0], (struct buf){p.message, 0, MAIN_ROOM}, &first) == OK);
    p.len = first.len;
    for (n = 0; n < data[0] % MAIN_MESSAGES; n++)
        ASSERT(main_hand(&p, 1 - n % 2) == OK);
    if (data[0] & 0x80)
        p.len -= data[0] % 32;
    for (size_t i = 1; i + 1 < len && i < 2 * EDITS_MAX; i += 2)
        p.message[(data[i] * 7u + (data[i + 1] >> 4)) % p.len] ^= data[i + 1];
    if ((data[0] & 0xc0) == 0x40) /* a message of one's own */
        memcpy(p.message, data, p.len = len < MAIN_ROOM ? len : MAIN_ROOM);
    if (p.len >= HEADER_LEN)
        store_be32(p.message + HEADER_LENGTH_AT, (uint32_t)p.len);
    before = p.end[1 - n % 2];
    if (main_hand(&p, 1 - n % 2) == OK)
        return;
    before.certificate = p.end[1 - n % 2].certificate; /* what is told of a message that failed */
    ASSERT(memcmp(&before, &p.end[1 - n % 2], sizeof before) == 0);
}

void fuzz_main_mode(const uint8_t *data, size_t len)
{
    if (len > 0)
        fuzz_phase1(by_secret(), data, len);
}

void fuzz_encryption(const uint8_t *data, size_t len)
{
    if (len > 0)
        fuzz_phase1(by_encryption(data[len - 1] & 1), data, len);
}

enum { JOINING_SAS = 3, JOINING_ROOM = 512 };

/* An endpoint with IKE SAs, two of which have one address. */
struct joining_end {
    struct ike_config config;
    struct ike_endpoint *ep;
    struct ike_sa *sa[JOINING_SAS];
};

static void joining_end_init(struct joining_end *end)
{
    static struct meter meter;
    const struct ike_limits limits = {.ike_sas = 4, .half_open = 4, .child_sas = 4};
    struct ike_env env = {.crypto = crypto_modelled_create(&meter), .seed = 1, .entity = 1};
    struct bytes bad;
    struct sa_ref ref;

    end->config = (struct ike_config){.answers = 1 << IKE_V1 | 1 << IKE_V2,
                                      .id = {V1_ID_FQDN, 4, "fuzz"},
                                      .psk = "psk",
                                      .psk_len = 3,
                                      .proposal_count = 1,
                                      .child = {.proposal_count = 1},
                                      .fragmentation = FRAGMENTATION_YES};
    ASSERT(proposal_parse(bytes_text("aes128-sha256-ecp256"), true, &end->config.proposals[0],
                          &bad) == OK);
    ASSERT(proposal_parse(bytes_text("aes128-sha256"), false, &end->config.child.proposals[0],
                          &bad) == OK);
    end->ep = ike_endpoint_create(&env, &end->config, &limits);
    ASSERT(end->ep != NULL);
    for (unsigned i = 0; i < JOINING_SAS; i++) {
        const struct ip_endpoint local = {ip_addr_v4(1), 500},
                                 remote = {ip_addr_v4(2 + i / 2), 500};

        end->sa[i] = ike_sa_take(end->ep, &ref);
        ASSERT(end->sa[i] != NULL);
        end->sa[i]->spi_i = end->sa[i]->spi_r = 1;
        end->sa[i]->fragments = true;
        ike_sa_place(end->ep, end->sa[i], &local, &remote);
    }
}

/* What waits is what the bounds allow, and is counted right. */
static void check_joinings(const struct joining_end *end)
{
    const struct ike_store *s = end->ep->store;
    uint64_t pieces = 0, here = 0, sourced = 0;
    const struct joining *j;

    for (uint32_t i = s->joining_oldest; i != SA_INDEX_NONE; i = j->newer) {
        j = pool_slot(&s->joinings, i);
        ASSERT(j->len <= MESSAGE_MAX && j->here < j->total && j->total <= FRAGMENTS_MAX);
        ASSERT(j->here == (unsigned)__builtin_popcountll(j->numbers));
        ASSERT(joining_from(end->ep, j->source) <= V1_JOINING_MAX);
        here += j->here;
        sourced++;
    }
    for (unsigned i = s->pieces.first; i < s->pieces.count; i++)
        pieces += s->pieces.classes[i].taken;
    ASSERT(pieces == here && sourced == s->joinings.taken);
    ASSERT(s->joinings.taken <= 2 * V1_JOINING_MAX);
}

/* A fragment of four bytes: what is in it (bit 2 of the first its ID, 3 and 4 its flags, 5: it
 * begins with a header), its number, how long its text is, and what it is of. */
static struct bytes joining_piece(const uint8_t *data, uint8_t room[JOINING_ROOM])
{
    struct ike_header h = {.spi_i = 1,
                           .spi_r = 1,
                           .next_payload = V1_PAYLOAD_FRAGMENT,
                           .version = HEADER_VERSION_1,
                           .exchange = V1_EXCHANGE_MAIN,
                           .length = HEADER_LEN + 8u + data[2]};
    uint8_t text[UINT8_MAX];
    struct writer w;

    writer_init(&w, room, JOINING_ROOM);
    header_write(&w, &h);
    writer_u16(&w, 0); /* no payload behind it */
    writer_u16(&w, (uint16_t)(8 + data[2]));
    writer_u16(&w, data[0] >> 2 & 1);
    writer_u8(&w, data[1]);
    writer_u8(&w, data[0] >> 3 & 3);
    memset(text, data[3], sizeof text);
    if (data[0] & 0x20) {
        struct writer inner;

        h.next_payload = data[3];
        h.length = data[3];
        writer_init(&inner, text, sizeof text);
        header_write(&inner, &h);
    }
    writer_bytes(&w, bytes_of(text, data[2]));
    ASSERT(writer_end(&w) == OK);
    return bytes_of(room, writer_len(&w));
}

/* Of each four bytes the first also says which IKE SA it is for, and whether time goes on (bit 6).
 */
void fuzz_v1_joining(const uint8_t *data, size_t len)
{
    static struct joining_end end;
    static struct v1_joined joined;
    uint8_t room[JOINING_ROOM];
    nsec now = 1;

    if (!end.ep)
        joining_end_init(&end);
    for (; len >= 4; data += 4, len -= 4) {
        struct bytes piece = joining_piece(data, room);
        enum err e;

        now += data[0] & 0x40 ? JOINING_TIME / 2 : 0;
        joining_expire(end.ep, now);
        e = v1_fragment_take(end.ep, now, end.sa[data[0] % JOINING_SAS], piece, &joined);
        ASSERT(e == OK || joined.len == 0);
        ASSERT(joined.len == 0 || load_be32(joined.message + HEADER_LENGTH_AT) == joined.len);
        check_joinings(&end);
    }
    joining_expire(end.ep, now + JOINING_TIME);
    check_joinings(&end);
    ASSERT(end.ep->store->joinings.taken == 0 && end.ep->store->joining_by_source.count == 0);
}

static void check_fragments(struct bytes packet)
{
    static uint8_t out[65600];
    struct fragmenter f;
    unsigned made = 0;

    if (fragmenter_init(&f, packet, 96, 1) != OK)
        return;
    for (struct buf b = {.data = out, .cap = sizeof out}; fragmenter_next(&f, &b); made++) {
        struct ip_packet p;

        ASSERT(b.len <= 96 || made == 0);
        ASSERT(ip_read(buf_bytes(&b), &p) == OK);
    }
    ASSERT(made == fragmenter_count(&f));
}

void fuzz_ip(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct buf b = {copy, len, len};
    struct ip_packet p, again;
    struct udp_datagram u;
    struct icmp_message m;

    memcpy(copy, data, len);
    if (ip_read(bytes_of(copy, len), &p) == OK) {
        struct ip_endpoint to = {.addr = p.dst, .port = 4711};
        bool udp = udp_read(&p, &u) == OK;

        (void)!icmp_read(&p, &m);
        check_fragments(p.whole);
        ASSERT(rewrite_endpoint(&b, REWRITE_SOURCE, &to) == OK);
        ASSERT(ip_read(bytes_of(copy, len), &again) == OK);
        ASSERT(!udp || udp_read(&again, &u) == OK);
        (void)!rewrite_quoted(&b, REWRITE_DESTINATION, &to);
        (void)ip_decrement_ttl(copy, len);
        ASSERT(ip_read(bytes_of(copy, len), &again) == OK || p.ttl == 0);
    }
    (void)!ip_read_quoted(bytes_of(copy, len), &p);
    free(copy);
}

/* Each fragment: offset / 8, flags (bit 0 more, bit 1 other id, bit 2 IPv6), length. */
void fuzz_reassembly(const uint8_t *data, size_t len)
{
    static const struct reassembly_config config = {3, 1500, 1000};
    uint8_t packet[48 + 255] = {0x45};
    struct reassembly r;
    struct bytes whole;

    ASSERT(reassembly_init(&r, &config) == OK);
    for (nsec now = 0; len >= 3; data += 3, len -= 3, now += 10) {
        bool v6 = data[1] & 4;
        size_t header = v6 ? 48 : 20;
        struct ip_packet p = {.offset = (size_t)data[0] * 8,
                              .mf = data[1] & 1,
                              .id = data[1] >> 1 & 1,
                              .protocol = 17,
                              .header_len = header,
                              .fragment_at = v6 ? 40 : 0,
                              .fragmentable_header = v6};

        p.src = p.dst = v6 ? ip_addr_v6(packet + 8) : ip_addr_v4(1);
        p.whole = bytes_of(packet, header + data[2]);
        p.payload = bytes_of(packet + header, data[2]);
        if (reassembly_add(&r, now, &p, &whole, NULL) == OK && whole.len > 0)
            ASSERT(whole.len <= config.datagram_max || whole.data == packet);
        ASSERT(r.fragments == r.fragments_joined + r.fragments_lost + r.fragments_held);
        ASSERT(r.in_use <= config.slots);
    }
    reassembly_expire(&r, NSEC_NEVER - 1);
    ASSERT(r.in_use == 0 && r.fragments_held == 0);
    reassembly_reset(&r);
}

/* A text is refused with one error, or becomes a scenario in which every setting is accounted for.
 */
void fuzz_swanctl(const uint8_t *data, size_t len)
{
    struct swanctl_options options = {.clients = 2, .with_secrets = len % 2};
    struct swanctl_summary summary;
    struct text out;
    char *said = NULL;
    size_t said_len;
    FILE *errors = open_memstream(&said, &said_len);
    enum err e;

    ASSERT(errors != NULL);
    text_init(&out, NULL);
    e = swanctl_import_text("f.conf", (const char *)data, len, &options, &out, &summary, errors);
    fclose(errors);
    ASSERT(e == OK || e == ERR_USAGE);
    if (e == OK)
        ASSERT(out.len > 0 && !memchr(out.data, 0, out.len) && summary.connections > 0);
    else
        ASSERT(strstr(said, ": error: ") != NULL);
    text_reset(&out);
    free(said);
}

static struct dissector *dissector(void)
{
    static struct dissect_keys keys;
    static struct dissector *d;
    /* Of the messages that the corpus has of IKEv1: what is learnt of them goes on. */
    const struct ikev1_open_key key = {.cky_i = 1, .len = 16};

    if (!d)
        ASSERT(keys_init(&keys) == OK && keys_add_ikev1(&keys, &key) == OK &&
               (d = dissector_create(&keys)) != NULL);
    return d;
}

static void check_dissection(const struct dissect_input *in)
{
    struct arena *arena = arena_create();
    struct dissection d;

    ASSERT(arena != NULL);
    ASSERT(dissect(dissector(), arena, in, &d) == OK);
    nodes_check(&d, d.root);
    nodes_print(&d);
    arena_destroy(arena);
}

/* Low bits of the first byte: what it is, whether a marker comes first, whether there are
 * addresses. */
void fuzz_dissect(const uint8_t *data, size_t len)
{
    struct dissect_input in = {.frame = 1};

    if (len == 0)
        return;
    in.kind = data[0] % 4 == 3 ? DISSECT_KEEPALIVE : data[0] % 4 == 2 ? DISSECT_ESP : DISSECT_IKE;
    in.marked = data[0] & 4;
    in.addressed = data[0] & 8;
    in.src = in.dst = (struct ip_endpoint){ip_addr_v4(1), 500};
    in.datagram = bytes_of(data + 1, len - 1);
    check_dissection(&in);
    /* Whole messages begin with their SPI: they are seeds of this target too. */
    in = (struct dissect_input){.frame = 1, .datagram = bytes_of(data, len)};
    check_dissection(&in);
}

void fuzz_capture(const uint8_t *data, size_t len)
{
    char why[FRAMES_WHY_MAX];
    FILE *file = len ? fmemopen((void *)(uintptr_t)data, len, "rb") : NULL;
    struct captured_frame frame;
    struct dissect_input in;
    struct frames *f = NULL;
    struct sorter sorter;
    enum err e = OK;

    if (!file || frames_open(file, &f, why) != OK)
        return;
    ASSERT(sorter_init(&sorter) == OK);
    while (e == OK) {
        e = frames_next(f, &frame, why);
        if (e == OK && sorter_take(&sorter, &frame, &in))
            check_dissection(&in);
    }
    ASSERT(e == ERR_NOT_FOUND || e == ERR_IO || e == ERR_UNSUPPORTED);
    sorter_reset(&sorter);
    frames_close(f);
}

/* What was read reads the same when written plainly. */
void fuzz_hex(const uint8_t *data, size_t len)
{
    static uint8_t first[1 << 12], second[1 << 12];
    static char plain[(1 << 13) + 1];
    struct buf a = {first, 0, sizeof first}, b = {second, 0, sizeof second};
    struct hex_place bad;
    enum err e = hex_read(bytes_of(data, len), &a, &bad);

    ASSERT(e == OK || e == ERR_SYNTAX || e == ERR_SPACE);
    ASSERT(e != ERR_SYNTAX || (bad.why && bad.line > 0 && bad.column > 0));
    if (e != OK || a.len == 0)
        return;
    bytes_hex(buf_bytes(&a), plain);
    ASSERT(hex_read(bytes_text(plain), &b, &bad) == OK);
    ASSERT(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
}

void fuzz_keys(const uint8_t *data, size_t len)
{
    struct dissect_keys keys;
    const char *why = NULL;
    char *line = malloc(len + 1);
    enum err e;

    ASSERT(line && keys_init(&keys) == OK);
    memcpy(line, data, len);
    line[len] = 0;
    e = *line == '{' ? keys_line_json(&keys, line, &why) : keys_line_wireshark(&keys, line, &why);
    ASSERT(e == OK || ((e == ERR_SYNTAX || e == ERR_UNSUPPORTED) && why));
    ASSERT((e == OK) == (keys.ike_count + keys.ikev1_count + keys.esp_count == 1));
    keys_reset(&keys);
    free(line);
}
