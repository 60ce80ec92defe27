/*
 * Both sides rekey by short timers over a wire that loses, doubles, delays and reorders IKE
 * messages, seed by seed. Whatever happens: after the storm there is one IKE SA and one child pair,
 * equal at both ends, and packets pass both ways (I2, I6, I9, I17).
 */
#include "pair.h"

struct storm {
    struct pair p;
    struct rng chance;
    struct flight {
        nsec at;
        int from;
        struct wire_message *m; /* IKE, or */
        struct esp_packet *packet;
        uint32_t mark;
    } flights[256];
    unsigned count;
    uint32_t marks; /* ESP packets sent */
    bool silent;    /* no more of them */
};

static void fly(struct storm *s, int from, const struct wire_message *m)
{
    struct flight *f = &s->flights[s->count++];

    ck_assert_uint_lt(s->count, 256);
    *f = (struct flight){.at = s->p.now + NSEC_PER_MS + rng_below(&s->chance, 400 * NSEC_PER_MS),
                         .from = from,
                         .m = malloc(sizeof *m)};
    *f->m = *m;
}

/* ESP is delayed and overtakes, but is not lost: each packet must arrive (RFC 7296 §2.8). */
static void fly_packet(struct storm *s, int from)
{
    struct flight *f = &s->flights[s->count++];

    ck_assert_uint_lt(s->count, 256);
    *f = (struct flight){.at = s->p.now + NSEC_PER_MS + rng_below(&s->chance, 400 * NSEC_PER_MS),
                         .from = from,
                         .packet = malloc(sizeof *f->packet),
                         .mark = s->marks++};
    ck_assert_ok(esp_make(&s->p, from, f->mark, f->packet));
}

static void throw_on_wire(struct storm *s, uint64_t loss_percent)
{
    for (int side = 0; side < 2; side++) {
        while (s->p.wire_count[side]) {
            struct wire_message m = wire_take(&s->p, side, 0);

            if (side == B && m.dgram.local.port != 500 && m.dgram.local.port != 4500)
                continue; /* to a mapping that the NAT has no more */
            if (rng_below(&s->chance, 100) >= loss_percent)
                fly(s, side, &m);
            if (rng_below(&s->chance, 100) < 10)
                fly(s, side, &m);
        }
    }
}

static int soonest(const struct storm *s)
{
    int best = -1;

    for (unsigned i = 0; i < s->count; i++)
        if (best < 0 || s->flights[i].at < s->flights[best].at)
            best = (int)i;
    return best;
}

static void land(struct storm *s, int index)
{
    struct flight f = s->flights[index];

    s->flights[index] = s->flights[--s->count];
    s->p.now = f.at > s->p.now ? f.at : s->p.now;
    if (f.packet)
        ck_assert_ok(esp_take(&s->p, f.from, f.mark, f.packet));
    else
        (void)deliver(&s->p, f.from, f.m);
    free(f.m);
    free(f.packet);
}

static void clear_sky(struct storm *s)
{
    while (s->count) {
        s->count--;
        free(s->flights[s->count].m);
        free(s->flights[s->count].packet);
    }
}

static void run_storm(struct storm *s, nsec until, uint64_t loss_percent)
{
    for (;;) {
        int next;
        nsec flight, timer = next_deadline(&s->p);

        throw_on_wire(s, loss_percent);
        next = soonest(s);
        flight = next < 0 ? NSEC_NEVER : s->flights[next].at;
        timer = next_deadline(&s->p);
        if (nsec_min(flight, timer) > until)
            break;
        s->p.event_count[A] = s->p.event_count[B] = 0;
        if (flight <= timer) {
            bool ike = s->flights[next].m != NULL;

            land(s, next);
            for (int side = 0; ike && !s->silent && side < 2; side++)
                fly_packet(s, side);
        } else {
            s->p.now = timer > s->p.now ? timer : s->p.now;
            expire(&s->p);
        }
    }
    s->p.now = until;
}

static void configure(struct ike_config *c)
{
    c->retransmit = (struct retransmit_config){
        .timeout = 500 * NSEC_PER_MS, .base_milli = 1500, .tries = 60, .limit = 2 * NSEC_PER_S};
    c->child.lifetime =
        (struct lifetime_config){.rekey_time = 8 * NSEC_PER_S, .rekey_jitter = NSEC_PER_S / 4};
    c->lifetime =
        (struct lifetime_config){.rekey_time = 21 * NSEC_PER_S, .rekey_jitter = NSEC_PER_S / 4};
    c->dpd_delay = 7 * NSEC_PER_S;
}

static void quiet(struct storm *s)
{
    struct ike_config *c = s->p.config;

    /* No more rekeying: what is armed still fires once or is done within the holds. */
    for (int side = 0; side < 2; side++) {
        c[side].child.lifetime = c[side].lifetime = (struct lifetime_config){0};
    }
    run_storm(s, s->p.now + 600 * NSEC_PER_S, 0);
}

/* What is left when all is over: no record, timer, message or key (I7). */
static void check_nothing_left(struct storm *s)
{
    s->silent = true;
    for (int side = 0; side < 2; side++)
        if (ike_count(&s->p, side))
            (void)ike_endpoint_terminate(s->p.end[side], s->p.now, the_ike(&s->p, side));
    pull(&s->p);
    run_storm(s, s->p.now + 400 * NSEC_PER_S, 0);
    for (int side = 0; side < 2; side++) {
        const struct ike_counters *c = ike_endpoint_counters(s->p.end[side]);

        ck_assert_uint_eq(ike_endpoint_memory(s->p.end[side]), 0);
        ck_assert_uint_eq(ike_endpoint_deadline(s->p.end[side]), NSEC_NEVER);
        ck_assert_uint_eq(c->ike_sas + c->half_open + c->child_sas, 0);
    }
}

static void weather(uint64_t seed, uint64_t loss_percent)
{
    struct storm *s = calloc(1, sizeof *s);
    struct rng test = rng_stream(seed, 0, RNG_TEST);

    s->chance = test;
    pair_init(&s->p, true);
    configure(&s->p.config[A]);
    configure(&s->p.config[B]);
    pair_establish(&s->p);
    run_storm(s, s->p.now + 120 * NSEC_PER_S, loss_percent);
    quiet(s);
    for (int side = 0; side < 2; side++) {
        ck_assert_msg(ike_count(&s->p, side) == 1, "seed %lu: %u IKE SAs at %d", seed,
                      ike_count(&s->p, side), side);
        ck_assert_msg(child_count(&s->p, side) == 1, "seed %lu: %u child SAs at %d", seed,
                      child_count(&s->p, side), side);
    }
    check_agreement(&s->p);
    check_traffic(&s->p);
    ck_assert_uint_gt(ike_endpoint_counters(s->p.end[A])->rekeys_child, 8);
    while (s->count)
        land(s, soonest(s));
    check_nothing_left(s);
    clear_sky(s);
    pair_free(&s->p);
    free(s);
}

/* A behind a NAT that forgets its mapping now and then; either side restarts once. */
static void rebinds_and_restarts(uint64_t seed)
{
    struct storm *s = calloc(1, sizeof *s);
    nsec crash_at = 20 + seed % 60;

    s->chance = rng_stream(seed, 1, RNG_TEST);
    s->silent = true;
    pair_init(&s->p, true);
    s->p.nat = true;
    configure(&s->p.config[A]);
    configure(&s->p.config[B]);
    s->p.config[A].retransmit.tries = s->p.config[B].retransmit.tries = 12;
    s->p.config[A].nat_keepalive = 5 * NSEC_PER_S;
    pair_establish(&s->p);
    for (nsec second = 1; second < 120; second++) {
        run_storm(s, s->p.now + NSEC_PER_S, 10);
        if (rng_below(&s->chance, 15) == 0)
            s->p.nat_shift = (uint16_t)(1000 + rng_below(&s->chance, 30000));
        if (second == crash_at)
            ike_endpoint_crash(s->p.end[seed & 1], s->p.now);
        pull(&s->p);
        if (!ike_count(&s->p, A) && !ike_endpoint_counters(s->p.end[A])->half_open)
            pair_initiate(&s->p); /* as a client with auto=start does */
    }
    quiet(s);
    if (!ike_count(&s->p, A)) {
        pair_initiate(&s->p);
        quiet(s);
    }
    ck_assert_msg(ike_count(&s->p, A) == 1 && child_count(&s->p, A) == 1, "seed %lu", seed);
    check_agreement(&s->p); /* whatever B has besides is from before a crash */
    check_traffic(&s->p);
    clear_sky(s);
    pair_free(&s->p);
    free(s);
}

START_TEST(rebinds_and_restarts_leave_one)
{
    for (uint64_t seed = 1; seed <= 40; seed++)
        rebinds_and_restarts(seed);
}
END_TEST

START_TEST(one_of_each_survives_a_storm)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        weather(seed, seed % 4 * 10);
}
END_TEST

SUITE("storm", one_of_each_survives_a_storm, rebinds_and_restarts_leave_one)
