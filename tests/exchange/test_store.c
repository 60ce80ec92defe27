/*
 * Endpoints that share a store: each does, octet for octet and to the nanosecond, what it does with
 * a store of its own, whatever its neighbours do; and none sees, fires or fills what is another's.
 */
#include "base/digest.h"
#include "pair.h"
#include "proto/core/internal.h"

enum { LEFT, RIGHT, PAIRS };

/* Two pairs: their A ends in one store, their B ends in another, or each in one of its own. */
struct street {
    struct pair pair[PAIRS];
    struct ike_store *store[2]; /* NULL: each its own */
    struct digest said[PAIRS];  /* when and what */
};

static const struct ike_limits limits = {.ike_sas = 4, .half_open = 4, .child_sas = 8};

/* Clients differ in what only they can know. */
static void put_words(struct ike_config *c, int which)
{
    c->id.data[1] = (uint8_t)('0' + which);
    c->psk[0] = (uint8_t)('a' + which);
}

static void configure(struct ike_config *c)
{
    c->respond = true;
    c->dpd_delay = 20 * NSEC_PER_S;
    c->retransmit.jitter_ppm = 100000;
    c->lifetime.rekey_time = 300 * NSEC_PER_S;
    c->lifetime.rekey_jitter = 30 * NSEC_PER_S;
    c->lifetime.hard_time = 400 * NSEC_PER_S;
    c->child.lifetime = c->lifetime;
    c->child.lifetime.rekey_time = 100 * NSEC_PER_S;
    c->child.lifetime.hard_time = 150 * NSEC_PER_S;
}

static struct ike_env env_of(struct street *s, int which, int side)
{
    return (struct ike_env){
        .crypto = s->pair[which].crypto, .seed = 7, .entity = (uint64_t)(2 * which + side) + 1};
}

static void begin_with(struct street *s, bool shared, const char *esp, uint8_t version)
{
    memset(s, 0, sizeof *s);
    for (int which = 0; which < PAIRS; which++) {
        pair_init(&s->pair[which], true);
        for (int side = 0; side < 2; side++) {
            configure(&s->pair[which].config[side]);
            pair_propose(&s->pair[which].config[side], NULL, NULL);
            pair_propose(
                &s->pair[which].config[side],
                version == IKE_V1 ? "aes128-sha256-ecp256" : "aes256gcm16-prfsha256-x25519", esp);
            s->pair[which].config[side].version = version;
            s->pair[which].config[side].answers = (uint8_t)(1 << version);
            put_words(&s->pair[which].config[side], which);
        }
    }
    for (int side = 0; side < 2; side++) {
        struct ike_env env = env_of(s, LEFT, side);

        if (shared)
            s->store[side] =
                ike_store_create(&env, &s->pair[LEFT].config[side], &limits, PAIRS + 1);
        ck_assert(!shared || s->store[side]);
        for (int which = 0; which < PAIRS; which++) {
            env = env_of(s, which, side);
            s->pair[which].end[side] =
                shared ? ike_store_join(s->store[side], env.entity)
                       : ike_endpoint_create(&env, &s->pair[which].config[side], &limits);
            ck_assert_ptr_nonnull(s->pair[which].end[side]);
        }
    }
}

static void begin(struct street *s, bool shared, const char *esp)
{
    begin_with(s, shared, esp, IKE_V2);
}

static void end(struct street *s)
{
    for (int which = 0; which < PAIRS; which++)
        for (int side = 0; side < 2; side++) {
            if (!s->store[side])
                ike_endpoint_destroy(s->pair[which].end[side]);
            free(s->pair[which].wire[side]);
        }
    for (int side = 0; side < 2; side++)
        ike_store_destroy(s->store[side]);
    for (int which = 0; which < PAIRS; which++)
        crypto_destroy(s->pair[which].crypto);
}

/* It is this pair's turn: the shared configuration is that of its clients. */
static struct pair *turn(struct street *s, int which)
{
    for (int side = 0; side < 2 && s->store[side]; side++)
        put_words(&s->pair[LEFT].config[side], which);
    return &s->pair[which];
}

/* Whatever waits on the wire is noted. */
static void note(struct street *s, int which)
{
    struct pair *p = &s->pair[which];

    for (int side = 0; side < 2; side++) {
        digest_u64(&s->said[which], ike_endpoint_deadline(p->end[side]));
        for (unsigned i = 0; i < p->wire_count[side]; i++) {
            const struct wire_message *m = &p->wire[side][i];

            digest_u64(&s->said[which], p->now);
            digest_add(&s->said[which], m->data, m->dgram.len);
        }
    }
}

/* As run_until, but what is said is noted, and every seventh message is lost. */
static void go_on(struct street *s, int which, nsec until)
{
    struct pair *p = turn(s, which);
    unsigned sent = 0;

    for (;;) {
        note(s, which);
        while (p->wire_count[A] || p->wire_count[B]) {
            int from = p->wire_count[A] ? A : B;

            if (++sent % 7 == 0)
                drop_next(p, from);
            else
                (void)hand_over(p, from);
            note(s, which);
        }
        if (next_deadline(p) > until)
            break;
        p->now = nsec_max(p->now, next_deadline(p));
        expire(p);
    }
    p->now = until;
}

static void both(struct street *s, nsec until)
{
    go_on(s, LEFT, until);
    go_on(s, RIGHT, until);
}

/* What may be refused at the moment is refused to both. */
static void ask(struct street *s, int which, int step)
{
    struct pair *p = turn(s, which);
    struct sa_ref ike = ike_endpoint_next_ike(p->end[A], SA_NONE);
    struct sa_ref child = ike_endpoint_next_child(p->end[A], SA_NONE);
    enum err e = OK;

    if (step % 4 == 0)
        e = ike_endpoint_new_child(p->end[A], p->now, ike);
    else if (step % 4 == 1)
        e = ike_endpoint_rekey_child(p->end[A], p->now, child);
    else if (step % 4 == 2)
        e = ike_endpoint_rekey_ike(p->end[B], p->now, ike_endpoint_next_ike(p->end[B], SA_NONE));
    else
        e = ike_endpoint_delete_child(p->end[A], p->now, child);
    digest_u64(&s->said[which], e);
    pull(p);
}

static void live(struct street *s)
{
    static const int crash[] = {A, B};
    nsec at = NSEC_PER_S;

    pair_initiate(turn(s, RIGHT));
    pair_initiate(turn(s, LEFT));
    for (int step = 0; step < 24; step++) {
        both(s, at += 17 * NSEC_PER_S);
        ask(s, step % 2, step);
        ask(s, 1 - step % 2, step + 1);
    }
    for (int i = 0; i < 2; i++) {
        ike_endpoint_crash(turn(s, i)->end[crash[i]], at);
        pull(&s->pair[i]);
        both(s, at += 100 * NSEC_PER_S);
    }
    pair_initiate(turn(s, LEFT));
    both(s, at += 100 * NSEC_PER_S);
    note(s, LEFT);
    note(s, RIGHT);
}

static void check_events(const struct pair *own, const struct pair *shared)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(own->event_count[side], shared->event_count[side]);
        for (unsigned i = 0; i < own->event_count[side]; i++) {
            const struct ike_event *a = &own->events[side][i], *b = &shared->events[side][i];

            ck_assert_int_eq(a->kind, b->kind);
            ck_assert_int_eq(a->reason, b->reason);
            ck_assert_uint_eq(a->at, b->at);
            ck_assert_uint_eq(a->spi_i, b->spi_i);
            ck_assert_uint_eq(a->spi_r, b->spi_r);
        }
    }
}

START_TEST(an_endpoint_does_the_same_in_a_shared_store)
{
    static const char *const suites[] = {"aes256gcm16", "aes128-sha256", "aes256gcm16"};
    static const uint8_t versions[] = {IKE_V2, IKE_V2, IKE_V1};

    for (size_t i = 0; i < 3; i++) {
        static struct street own, shared;

        begin_with(&own, false, suites[i], versions[i]);
        begin_with(&shared, true, suites[i], versions[i]);
        live(&own);
        live(&shared);
        for (int which = 0; which < PAIRS; which++) {
            ck_assert_uint_gt(own.pair[which].event_count[A], 10);
            ck_assert_uint_eq(own.said[which].value, shared.said[which].value);
            check_events(&own.pair[which], &shared.pair[which]);
        }
        end(&own);
        end(&shared);
    }
}
END_TEST

START_TEST(nobody_sees_the_sas_of_a_neighbour)
{
    static struct street s;
    struct pair *left, *right;
    struct esp_packet packet;
    struct wire_message m;
    struct buf inner;
    uint64_t dropped;

    begin(&s, true, "aes256gcm16");
    left = &s.pair[LEFT];
    right = &s.pair[RIGHT];
    for (int which = 0; which < PAIRS; which++) {
        pair_initiate(turn(&s, which));
        settle(&s.pair[which]);
        ck_assert_uint_eq(ike_count(&s.pair[which], A), 1);
        ck_assert_uint_eq(child_count(&s.pair[which], B), 1);
        check_traffic(&s.pair[which]);
    }
    /* A request and a packet of the neighbour's SAs, which are good where they belong. */
    ck_assert_ok(ike_endpoint_probe(left->end[B], left->now, the_ike(left, B)));
    pull(left);
    m = wire_take(left, B, 0);
    dropped = ike_endpoint_counters(right->end[A])->dropped[IKE_DROP_NO_SA];
    m.dgram.data = m.data;
    ck_assert_int_ne(ike_endpoint_receive(right->end[A], right->now, &m.dgram), OK);
    pull(right);
    ck_assert_uint_eq(right->wire_count[A], 0);
    ck_assert_uint_eq(ike_endpoint_counters(right->end[A])->dropped[IKE_DROP_NO_SA], dropped + 1);
    ck_assert_ok(esp_make(left, B, 1, &packet));
    ck_assert_int_eq(ike_endpoint_unprotect(right->end[A], right->now, &packet.dgram, &inner, NULL),
                     ERR_NO_SA);
    /* Whose SAs are gone has no policy, though the neighbour's selectors are the same. */
    ike_endpoint_crash(turn(&s, RIGHT)->end[A], right->now);
    pull(right);
    ck_assert_int_eq(esp_make(right, A, 1, &packet), ERR_NO_POLICY);
    ck_assert_uint_eq(child_count(right, A), 0);
    ck_assert_uint_eq(child_count(left, A), 1);
    ck_assert_ok(deliver(turn(&s, LEFT), B, &m));
    settle(left);
    check_traffic(left);
    end(&s);
}
END_TEST

START_TEST(only_ones_own_timers_fire)
{
    static struct street s;
    struct pair *left, *right;

    begin(&s, true, "aes256gcm16");
    left = turn(&s, LEFT);
    pair_initiate(left); /* nobody hears it */
    drop_next(left, A);
    right = turn(&s, RIGHT);
    ck_assert_uint_eq(ike_endpoint_deadline(right->end[A]), NSEC_NEVER);
    right->now += 100 * NSEC_PER_S;
    expire(right);
    ck_assert_uint_eq(right->wire_count[A], 0);
    ck_assert_uint_eq(left->wire_count[A], 0);
    left->now = ike_endpoint_deadline(left->end[A]);
    ck_assert_uint_lt(left->now, right->now);
    expire(turn(&s, LEFT));
    ck_assert_uint_eq(left->wire_count[A], 1);
    end(&s);
}
END_TEST

START_TEST(limits_are_those_of_one_endpoint)
{
    static struct street s;
    struct pair *left, *right;
    struct ike_remote remote;
    struct sa_ref sa;
    uint64_t before;

    begin(&s, true, "aes256gcm16");
    left = turn(&s, LEFT);
    right = &s.pair[RIGHT];
    before = ike_store_memory(s.store[A]);
    remote = (struct ike_remote){.local = pair_address(left, A, 500),
                                 .remote = pair_address(left, B, 500)};
    for (uint32_t i = 0; i < limits.half_open; i++)
        ck_assert_ok(ike_endpoint_initiate(left->end[A], left->now, &remote, &sa));
    ck_assert_int_eq(ike_endpoint_initiate(left->end[A], left->now, &remote, &sa), ERR_FULL);
    ck_assert_ok(ike_endpoint_initiate(turn(&s, RIGHT)->end[A], right->now, &remote, &sa));
    ck_assert_uint_gt(ike_store_memory(s.store[A]), before);
    for (int which = 0; which < PAIRS; which++)
        ike_endpoint_crash(turn(&s, which)->end[A], left->now);
    ck_assert_uint_eq(ike_store_memory(s.store[A]), before);
    ck_assert_ptr_nonnull(ike_store_join(s.store[A], 99));
    ck_assert_ptr_null(ike_store_join(s.store[A], 100)); /* as many as it was made for */
    end(&s);
}
END_TEST

SUITE("store", an_endpoint_does_the_same_in_a_shared_store, nobody_sees_the_sas_of_a_neighbour,
      only_ones_own_timers_fire, limits_are_those_of_one_endpoint)
