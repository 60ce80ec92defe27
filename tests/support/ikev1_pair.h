/*
 * Two sides of IKEv1's phase 1 that hand each other messages, for tests of its modes against
 * themselves. The test says which mode: it defines phase1_mode.
 */
#ifndef TESTS_SUPPORT_IKEV1_PAIR_H
#define TESTS_SUPPORT_IKEV1_PAIR_H

#include "proto/ikev1/phase1_message.h"
#include "suite.h"

enum { ROOM = 4096, V1_MESSAGES_MAX = 6 };

struct tested_mode {
    unsigned messages;
    enum err (*start)(struct v1_phase1 *, struct buf out, struct bytes *message);
    enum err (*receive)(struct v1_phase1 *, const struct v1_arrival *, struct buf out,
                        enum v1_next *, struct bytes *message);
};

static const struct tested_mode *phase1_mode(void);

static struct meter meter;

/* Both sides, and the messages of a handshake as they were sent. */
struct pair {
    struct crypto *crypto;
    struct ike_config config[2];
    struct v1_phase1 end[2];                /* [0]: the initiator */
    struct ip_endpoint address[2], seen[2]; /* where each is, and as the other one sees it */
    uint8_t sent[V1_MESSAGES_MAX][ROOM];
    size_t len[V1_MESSAGES_MAX];
    enum v1_next next; /* of the last message that was handed over */
};

static inline struct ike_config config_of(const char *proposal, const char *id, const char *psk)
{
    struct ike_config c = {.proposal_count = 1};
    struct bytes bad;

    ck_assert_ok(proposal_parse(bytes_text(proposal), true, &c.proposals[0], &bad));
    c.id = (struct identity){.type = V1_ID_FQDN, .len = (uint8_t)strlen(id)};
    memcpy(c.id.data, id, strlen(id));
    memcpy(c.psk, psk, strlen(psk));
    c.psk_len = (uint8_t)strlen(psk);
    c.lifetime.hard_time = 3600 * NSEC_PER_S;
    return c;
}

static inline void pair_init(struct pair *p, struct crypto *crypto, const char *proposal, bool natt)
{
    memset(p, 0, sizeof *p);
    p->crypto = crypto;
    p->config[0] = config_of(proposal, "client.test", "a shared secret");
    p->config[1] = config_of(proposal, "gateway.test", "a shared secret");
    for (int i = 0; i < 2; i++) {
        const struct v1_phase1_env env = {.crypto = crypto, .config = &p->config[i], .natt = natt};

        p->address[i] = p->seen[i] =
            (struct ip_endpoint){ip_addr_v4(0xc0000201 + (uint32_t)i), 500};
        v1_phase1_init(&p->end[i], &env, i == 0, 0x1111 + (uint64_t)i,
                       rng_stream(1, (uint64_t)i, RNG_TEST));
    }
}

/* Message n (from 0) to who is to receive it. @return what came of it */
static inline enum err hand_bytes(struct pair *p, unsigned to, const uint8_t *data, size_t len,
                                  uint8_t *answer, size_t *answer_len)
{
    uint8_t copy[ROOM];
    struct bytes message;
    struct v1_arrival at = {bytes_of(copy, len), p->address[to], p->seen[1 - to]};
    enum err e;

    memcpy(copy, data, len);
    e = phase1_mode()->receive(&p->end[to], &at, (struct buf){answer, 0, ROOM}, &p->next, &message);
    *answer_len = message.len;
    ck_assert(e == OK || (message.len == 0 && p->next == V1_WAIT));
    ck_assert((message.len > 0) == (p->next == V1_SEND));
    return e;
}

static inline enum err hand_over(struct pair *p, unsigned n)
{
    uint8_t nothing[ROOM];
    size_t none;
    unsigned last = n + 1 == phase1_mode()->messages;

    return hand_bytes(p, 1 - n % 2, p->sent[n], p->len[n], last ? nothing : p->sent[n + 1],
                      last ? &none : &p->len[n + 1]);
}

static inline void start(struct pair *p)
{
    struct bytes message;

    ck_assert_ok(phase1_mode()->start(&p->end[0], (struct buf){p->sent[0], 0, ROOM}, &message));
    p->len[0] = message.len;
}

/* Up to message `n`, which was sent and is not yet received. */
static inline void run_to(struct pair *p, unsigned n)
{
    start(p);
    for (unsigned i = 0; i < n; i++)
        ck_assert_ok(hand_over(p, i));
}

static inline void run_whole(struct pair *p)
{
    run_to(p, phase1_mode()->messages);
}

static inline void check_same(const struct pair *p)
{
    const struct v1_phase1 *i = &p->end[0], *r = &p->end[1];
    size_t hash = i->suite.hash->len;

    ck_assert_int_eq(i->state, V1_STATE_ESTABLISHED);
    ck_assert_int_eq(r->state, V1_STATE_ESTABLISHED);
    /* Not the lifetime: no HASH covers the responder's SA payload. */
    ck_assert(i->suite.encr == r->suite.encr && i->suite.hash == r->suite.hash &&
              i->suite.ke == r->suite.ke);
    ck_assert(i->cky_i == r->cky_i && i->cky_r == r->cky_r);
    ck_assert_mem_eq(i->keys.skeyid_d, r->keys.skeyid_d, hash);
    ck_assert_mem_eq(i->keys.skeyid_a, r->keys.skeyid_a, hash);
    ck_assert_mem_ne(i->keys.skeyid_a, i->keys.skeyid_d, hash);
    ck_assert_mem_eq(i->cipher.key, r->cipher.key, i->suite.encr->key_len);
    ck_assert_mem_eq(i->cipher.iv, r->cipher.iv, i->suite.encr->block_len);
    ck_assert_uint_eq(i->peer_id_len, 4 + strlen("gateway.test"));
    ck_assert_mem_eq(i->peer_id + 4, "gateway.test", 12);
    ck_assert_uint_eq(r->peer_id_len, 4 + strlen("client.test"));
    ck_assert_mem_eq(r->peer_id + 4, "client.test", 11);
}

static inline struct crypto *provider(int i)
{
    return i == 0 ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);
}

#endif
