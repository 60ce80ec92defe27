/*
 * Links: exact arithmetic of rate and delay, the order and the rates of faults, fragmentation, an
 * outage, the books (I8), and that the shortcut over departures changes nothing.
 */
#include "suite.h"

#include "sim_peer.h"

enum { A = 0x0a000001, B = 0x0a000002, HEADERS = 28 };

struct pair {
    struct sim sim;
    uint32_t a, b, link;
};

static void pair_init(struct pair *p, uint64_t seed, const struct link_words *words)
{
    ck_assert_ok(sim_init(&p->sim, seed));
    p->a = peer_add(&p->sim, A);
    p->b = peer_add(&p->sim, B);
    p->link = link_add(&p->sim, p->a, p->b, words, words, 0, 7);
    ck_assert_uint_ne(p->link, SIM_NONE);
}

/* As an endpoint of sim/ike_node would: it knows what its packets are. */
static void send_kind(struct pair *p, enum packet_kind kind)
{
    uint32_t i = packet_new(&p->sim, p->a, 100);
    struct udp_build build = {.src = peer_at(&p->sim, p->a)->from, .dst = {ip_addr_v4(B), 1}};
    struct packet *packet = packet_at(&p->sim, i);
    struct bytes whole;

    ck_assert_uint_ne(i, SIM_NONE);
    memset(packet->data, 0, 100);
    ck_assert_ok(udp_datagram_write(packet->data, 100, &build, &whole));
    packet->data = (uint8_t *)whole.data;
    packet->len = (uint32_t)whole.len;
    packet->kind = kind;
    sim_send(&p->sim, p->a, 0, i, true);
}

static void pair_run(struct pair *p)
{
    ck_assert_ok(sim_run(&p->sim, NSEC_NEVER - 1));
    ck_assert_ptr_null(p->sim.broken);
    ck_assert_balanced(&p->sim);
}

START_TEST(delay_and_rate_are_exact)
{
    /* 1,000 bits at 3 bit/us are 333.333.. us: the fraction is carried over, not dropped. */
    struct link_words words = {
        .delay = 5 * NSEC_PER_MS, .rate_bps = 3000000, .limit = 1000, .mtu = 1500};
    const struct peer_arrival *got;
    struct pair p;

    pair_init(&p, 1, &words);
    for (int i = 0; i < 300; i++)
        peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
                  125 - HEADERS, false);
    ck_assert_uint_eq(link_queue_bytes(&p.sim, p.link), 300 * 125);
    pair_run(&p);
    got = peer_at(&p.sim, p.b)->arrivals;
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->count, 300);
    for (uint64_t i = 0; i < 300; i++) {
        ck_assert_uint_eq(got[i].at, 5 * NSEC_PER_MS + (i + 1) * 1000 * NSEC_PER_S / 3000000);
        ck_assert_uint_eq(got[i].sequence, i);
        ck_assert(got[i].good);
    }
    ck_assert_uint_eq(link_queue_bytes(&p.sim, p.link), 0);
    ck_assert_uint_eq(link_queue_peak(&p.sim, p.link), 300 * 125);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(an_idle_wire_starts_at_once)
{
    struct link_words words = {.rate_bps = 8000000, .limit = 10, .mtu = 1500};
    struct pair p;

    pair_init(&p, 1, &words);
    peer_stream(&p.sim, p.a, B, 1000, 10 * NSEC_PER_MS, 3, 1000 - HEADERS);
    pair_run(&p);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[i].at,
                          1000 + i * 10 * NSEC_PER_MS + NSEC_PER_MS);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(a_full_queue_drops_its_tail)
{
    /* 1 ms a packet; 11 in a burst against a limit of 4, then 1 every 0.5 ms. */
    struct link_words words = {.rate_bps = 8000000, .limit = 4, .mtu = 1500};
    struct pair p;

    pair_init(&p, 1, &words);
    for (int i = 0; i < 11; i++)
        peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
                  1000 - HEADERS, false);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_QUEUE], 7);
    ck_assert_balanced(&p.sim);
    /* At 1 ms one has left: exactly one more fits. */
    ck_assert_ok(sim_run(&p.sim, NSEC_PER_MS));
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1}, 9,
              false);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_QUEUE], 7);
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1}, 9,
              false);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_QUEUE], 8);
    pair_run(&p);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->count, 5);
    sim_reset(&p.sim);
}
END_TEST

/* validation.md d-16: mean loss p / (p + r), mean burst 1 / r, P(loss n steps after a loss). */
START_TEST(gilbert_elliott_has_its_loss_burst_and_memory)
{
    const struct loss_words w = {
        .model = LOSS_GEMODEL, .p = ppm(10000), .r = ppm(250000), .loss_bad = PROBABILITY_ONE};
    enum { PACKETS = 12000000, STEPS = 5 };
    struct rng r = rng_stream(20, 1, RNG_TEST);
    uint64_t lost = 0, bursts = 0, after[STEPS + 1] = {0};
    struct loss_state s;
    uint32_t history = 0;

    loss_init(&s, &w, &r);
    for (uint32_t i = 0; i < PACKETS; i++) {
        bool now = loss_next(&s, &w, &r);

        bursts += now && !(history & 1);
        lost += now;
        for (int n = 1; n <= STEPS; n++)
            after[n] += now && history >> (n - 1) & 1;
        history = history << 1 | now;
    }
    /* 1 %: 0.038462 and 4.0; the deviation of the mean over this many packets is 0.4 %. */
    ck_assert_uint_ge(lost * 1000000 / PACKETS, 38077);
    ck_assert_uint_le(lost * 1000000 / PACKETS, 38846);
    ck_assert_uint_ge(lost * 1000 / bursts, 3960);
    ck_assert_uint_le(lost * 1000 / bursts, 4040);
    ck_assert_uint_ge(after[1] * 1000 / lost, 742);
    ck_assert_uint_le(after[1] * 1000 / lost, 758);
    ck_assert_uint_ge(after[2] * 1000 / lost, 559);
    ck_assert_uint_le(after[2] * 1000 / lost, 571);
    ck_assert_uint_ge(after[5] * 1000 / lost, 246);
    ck_assert_uint_le(after[5] * 1000 / lost, 258);
    ck_assert_uint_eq(loss_expected(&w) * 1000000 >> 32, 38461);
}
END_TEST

/* The first packet of a link is lost as often as any: 20,000 chains, one packet each. */
START_TEST(gilbert_elliott_starts_stationary)
{
    const struct loss_words w = {
        .model = LOSS_GEMODEL, .p = ppm(100000), .r = ppm(100000), .loss_bad = PROBABILITY_ONE};
    uint32_t lost = 0;

    for (uint32_t i = 0; i < 20000; i++) {
        struct rng r = rng_stream(21, i, RNG_TEST);
        struct loss_state s;

        loss_init(&s, &w, &r);
        lost += loss_next(&s, &w, &r);
    }
    ck_assert_uint_ge(lost, 9700);
    ck_assert_uint_le(lost, 10300);
}
END_TEST

/* The states of tc-netem: p13 p31 p32 p23 p14. Long-run shares from the balance equations. */
START_TEST(four_state_chain)
{
    const struct loss_words w = {.model = LOSS_STATE,
                                 .p13 = ppm(20000),
                                 .p31 = ppm(100000),
                                 .p32 = ppm(300000),
                                 .p23 = ppm(200000),
                                 .p14 = ppm(10000)};
    enum { PACKETS = 2000000 };
    struct rng r = rng_stream(22, 1, RNG_TEST);
    /* pi3 = pi1 * .2; pi2 = pi3 * 1.5; pi4 = pi1 * .01: pi1 = 1/1.51, loss = .21/1.51 = .13907 */
    struct loss_state s;
    uint32_t lost = 0;

    loss_init(&s, &w, &r);
    for (uint32_t i = 0; i < PACKETS; i++)
        lost += loss_next(&s, &w, &r);
    ck_assert_uint_ge(lost, PACKETS / 100000 * 13600);
    ck_assert_uint_le(lost, PACKETS / 100000 * 14200);
}
END_TEST

static uint64_t share_ppm(uint64_t part, uint64_t whole)
{
    return part * 1000000 / whole;
}

START_TEST(random_loss_duplicates_corruption)
{
    enum { PACKETS = 200000 };
    struct link_words words = {.delay = NSEC_PER_MS,
                               .loss = {.model = LOSS_RANDOM, .random = ppm(50000)},
                               .duplicate = ppm(30000),
                               .corrupt = ppm(20000),
                               .limit = 1000,
                               .mtu = 1500};
    struct link_metrics m = {0};
    struct pair p;

    pair_init(&p, 3, &words);
    p.sim.of_link = &m;
    peer_stream(&p.sim, p.a, B, 0, NSEC_PER_US, PACKETS, 100);
    pair_run(&p);
    ck_assert_uint_eq(m.net.sent_packets, PACKETS);
    ck_assert_uint_ge(share_ppm(m.net.dropped[NET_DROP_LOSS], PACKETS + m.net.duplicated_packets),
                      48500);
    ck_assert_uint_le(share_ppm(m.net.dropped[NET_DROP_LOSS], PACKETS + m.net.duplicated_packets),
                      51500);
    ck_assert_uint_ge(share_ppm(m.net.duplicated_packets, PACKETS), 28800);
    ck_assert_uint_le(share_ppm(m.net.duplicated_packets, PACKETS), 31200);
    ck_assert_uint_ge(share_ppm(m.net.corrupted_packets, m.net.delivered_packets), 19000);
    ck_assert_uint_le(share_ppm(m.net.corrupted_packets, m.net.delivered_packets), 21000);
    /* One flipped bit is always found: the checksums of IP and UDP cover every byte. */
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_CORRUPT], m.net.corrupted_packets);
    ck_assert_uint_eq(p.sim.net.corrupted_packets, m.net.corrupted_packets);
    ck_assert_uint_eq(m.net.sent_packets + m.net.duplicated_packets,
                      m.net.delivered_packets + m.net.dropped[NET_DROP_LOSS]);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(reorder_overtakes)
{
    struct link_words words = {
        .delay = 10 * NSEC_PER_MS, .reorder = ppm(100000), .limit = 1000, .mtu = 1500};
    enum { PACKETS = 4000 };
    const struct peer_arrival *got;
    struct link_metrics m = {0};
    uint32_t early = 0;
    struct pair p;

    pair_init(&p, 4, &words);
    p.sim.of_link = &m;
    peer_stream(&p.sim, p.a, B, 0, NSEC_PER_MS, PACKETS, 100);
    pair_run(&p);
    got = peer_at(&p.sim, p.b)->arrivals;
    for (uint32_t i = 0; i < PACKETS; i++) {
        nsec sent = got[i].sequence * NSEC_PER_MS;

        ck_assert(got[i].at == sent || got[i].at == sent + 10 * NSEC_PER_MS);
        early += got[i].at == sent;
    }
    ck_assert_uint_eq(m.net.reordered_packets, early);
    ck_assert_uint_eq(p.sim.net.reordered_packets, early);
    ck_assert_uint_ge(early, PACKETS / 10 - 60);
    ck_assert_uint_le(early, PACKETS / 10 + 60);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(jitter_stays_in_its_range_and_without_it_order_is_kept)
{
    struct link_words words = {.delay = 20 * NSEC_PER_MS,
                               .jitter = 5 * NSEC_PER_MS,
                               .distribution = DIST_UNIFORM,
                               .limit = 1000,
                               .mtu = 1500};
    enum { PACKETS = 4000 };
    uint32_t disorder = 0;
    uint64_t sum = 0;
    struct pair p;

    pair_init(&p, 5, &words);
    peer_stream(&p.sim, p.a, B, 0, NSEC_PER_MS, PACKETS, 100);
    pair_run(&p);
    for (uint32_t i = 0; i < PACKETS; i++) {
        const struct peer_arrival *a = &peer_at(&p.sim, p.b)->arrivals[i];
        nsec delay = a->at - a->sequence * NSEC_PER_MS;

        ck_assert_uint_ge(delay, 15 * NSEC_PER_MS);
        ck_assert_uint_le(delay, 25 * NSEC_PER_MS);
        sum += delay;
        disorder += i > 0 && a->sequence < a[-1].sequence;
    }
    ck_assert_uint_gt(disorder, 0);
    ck_assert_uint_ge(sum / PACKETS, 19800 * NSEC_PER_US);
    ck_assert_uint_le(sum / PACKETS, 20200 * NSEC_PER_US);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(too_big_is_cut_and_joined_or_dropped)
{
    struct link_words words = {.delay = NSEC_PER_MS, .limit = 1000, .mtu = 600};
    struct peer *b;
    struct pair p;

    pair_init(&p, 6, &words);
    b = peer_at(&p.sim, p.b);
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
              5000, false);
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
              5000, true);
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
              600 - HEADERS, true);
    pair_run(&p);
    ck_assert_uint_eq(b->count, 2);
    ck_assert_uint_eq(b->arrivals[0].len, 5000 + HEADERS);
    ck_assert(b->arrivals[0].good);
    ck_assert_uint_eq(b->arrivals[1].len, 600);
    ck_assert_uint_eq(p.sim.net.fragments_made, (5008 + 575) / 576 - 1);
    ck_assert_uint_eq(p.sim.net.reassembled_away, p.sim.net.fragments_made);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_MTU], 1);
    sim_reset(&p.sim);
}
END_TEST

/* Fragments that need large slots. */
START_TEST(jumbo_fragments)
{
    struct link_words words = {.limit = 1000, .mtu = 9000};
    struct peer *b;
    struct pair p;

    pair_init(&p, 6, &words);
    b = peer_at(&p.sim, p.b);
    peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
              20000, false);
    pair_run(&p);
    ck_assert_uint_eq(p.sim.net.fragments_made, 2);
    ck_assert_uint_eq(b->count, 1);
    ck_assert(b->arrivals[0].good);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(a_lost_fragment_loses_the_packet)
{
    struct link_words words = {.delay = NSEC_PER_MS,
                               .loss = {.model = LOSS_RANDOM, .random = ppm(100000)},
                               .limit = 1000,
                               .mtu = 600};
    struct pair p;

    pair_init(&p, 6, &words);
    peer_stream(&p.sim, p.a, B, 0, 10 * NSEC_PER_MS, 200, 2000);
    pair_run(&p);
    ck_assert_uint_gt(p.sim.held_fragments, 0);
    /* 0.9^4 of them arrive. */
    ck_assert_uint_ge(peer_at(&p.sim, p.b)->count, 110);
    ck_assert_uint_le(peer_at(&p.sim, p.b)->count, 152);
    peer_destroy(&p.sim, p.b);
    p.sim.nodes[p.b].state = calloc(1, sizeof(struct peer));
    ck_assert_uint_eq(p.sim.held_fragments, 0);
    ck_assert_balanced(&p.sim);
    sim_reset(&p.sim);
}
END_TEST

/* What has left the queue arrives; what waits and what comes later does not. */
START_TEST(outage)
{
    struct link_words words = {
        .delay = 10 * NSEC_PER_MS, .rate_bps = 8000000, .limit = 100, .mtu = 1500};
    struct pair p;

    for (int explicit = 0; explicit < 2; explicit ++) {
        pair_init(&p, 6, &words);
        p.sim.no_shortcut = explicit;
        for (int i = 0; i < 10; i++)
            peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from,
                      &(struct ip_endpoint){ip_addr_v4(B), 1}, 1000 - HEADERS, false);
        ck_assert_ok(sim_run(&p.sim, 4 * NSEC_PER_MS));
        link_set_down(&p.sim, p.link, true);
        ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LINK_DOWN], 6);
        ck_assert_uint_eq(sim_in_flight(&p.sim), 4);
        ck_assert_balanced(&p.sim);
        peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
                  9, false);
        ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LINK_DOWN], 7);
        /* Up and down again before the first arrival: the four on the wire still come. */
        link_set_down(&p.sim, p.link, false);
        peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
                  1000 - HEADERS, false);
        link_set_down(&p.sim, p.link, true);
        link_set_down(&p.sim, p.link, false);
        peer_send(&p.sim, p.a, &peer_at(&p.sim, p.a)->from, &(struct ip_endpoint){ip_addr_v4(B), 1},
                  1000 - HEADERS, false);
        pair_run(&p);
        ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LINK_DOWN], 8);
        ck_assert_uint_eq(peer_at(&p.sim, p.b)->count, 5);
        ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[4].at, 15 * NSEC_PER_MS);
        sim_reset(&p.sim);
    }
}
END_TEST

static const struct link_words everything = {.delay = 3 * NSEC_PER_MS,
                                             .jitter = 2 * NSEC_PER_MS,
                                             .distribution = DIST_PARETONORMAL,
                                             .rate_bps = 20000000,
                                             .loss = {.model = LOSS_GEMODEL,
                                                      .p = 42949673,
                                                      .r = 1073741824,
                                                      .loss_bad = PROBABILITY_ONE,
                                                      .loss_good = 4294967},
                                             .duplicate = 42949673,
                                             .reorder = 85899346,
                                             .corrupt = 21474836,
                                             .limit = 30,
                                             .mtu = 700};

struct outcome {
    uint64_t digest, timeline, delivered, dropped;
};

/* All faults at once in both directions, with outages; `others` more pairs beside, and a name. */
static struct outcome run_everything(uint64_t seed, uint32_t others, bool no_shortcut)
{
    struct outcome o = {0};
    struct pair p;

    pair_init(&p, seed, &everything);
    p.sim.no_shortcut = no_shortcut;
    for (uint32_t i = 0; i < others; i++) {
        uint32_t c = peer_add(&p.sim, A + 2 + 2 * i), d = peer_add(&p.sim, A + 3 + 2 * i);

        link_add(&p.sim, c, d, &everything, &everything, 1, 100 + i);
        peer_stream(&p.sim, c, A + 3 + 2 * i, 0, 500 * NSEC_PER_US, 1000, 1200);
    }
    peer_stream(&p.sim, p.a, B, 0, 400 * NSEC_PER_US, 3000, 1200);
    peer_stream(&p.sim, p.b, A, 0, 300 * NSEC_PER_US, 4000, 400);
    for (nsec at = 100 * NSEC_PER_MS; at < 1200 * NSEC_PER_MS; at += 100 * NSEC_PER_MS) {
        ck_assert_ok(sim_run(&p.sim, at));
        ck_assert_balanced(&p.sim);
        link_set_down(&p.sim, p.link, at / (100 * NSEC_PER_MS) % 4 == 3);
    }
    pair_run(&p);
    o.digest = p.sim.nodes[p.a].digest ^ p.sim.nodes[p.b].digest * 3;
    o.timeline = p.sim.nodes[p.a].timeline ^ p.sim.nodes[p.b].timeline * 3;
    o.delivered = p.sim.net.delivered_packets;
    for (int i = 0; i < NET_DROP_COUNT; i++)
        o.dropped += p.sim.net.dropped[i] * (uint64_t)(i + 1);
    if (others == 0) {
        ck_assert_uint_gt(p.sim.net.dropped[NET_DROP_LOSS], 0);
        ck_assert_uint_gt(p.sim.net.dropped[NET_DROP_QUEUE], 0);
        ck_assert_uint_gt(p.sim.net.dropped[NET_DROP_LINK_DOWN], 0);
        ck_assert_uint_gt(p.sim.net.dropped[NET_DROP_CORRUPT], 0);
        ck_assert_uint_gt(p.sim.net.duplicated_packets, 0);
        ck_assert_uint_gt(p.sim.net.reassembled_away, 0);
    }
    sim_reset(&p.sim);
    return o;
}

START_TEST(everything_at_once_balances_and_repeats)
{
    struct outcome one = run_everything(9, 0, false), two = run_everything(9, 0, false);
    struct outcome other = run_everything(10, 0, false);

    ck_assert_mem_eq(&one, &two, sizeof one);
    ck_assert_uint_ne(one.digest, other.digest);
    ck_assert_uint_ne(one.timeline, other.timeline);
}
END_TEST

START_TEST(the_shortcut_changes_nothing)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct outcome quick = run_everything(seed, 0, false);
        struct outcome slow = run_everything(seed, 0, true);

        ck_assert_mem_eq(&quick, &slow, sizeof quick);
    }
}
END_TEST

/* The second IKE packet is lost, the third comes twice, the fourth at once as its time is over; of
 * ESP the first is late. All others have the link's delay. */
START_TEST(single_packets_have_fates)
{
    static const nsec twice[] = {3 * NSEC_PER_S, 5 * NSEC_PER_S}, over[] = {NSEC_PER_MS},
                      late[] = {4 * NSEC_PER_S};
    static const struct packet_fate fates[] = {
        {.kind = FATE_IKE, .number = 2, .lost = true},
        {.kind = FATE_IKE, .number = 3, .at = twice, .at_count = 2},
        {.kind = FATE_IKE, .number = 4, .at = over, .at_count = 1},
        {.kind = FATE_ESP, .number = 1, .at = late, .at_count = 1}};
    static const nsec expected[] = {1010, 1000, 1010, 1010, 3000, 4000, 5000}; /* ms */
    struct link_words words = {.delay = 10 * NSEC_PER_MS,
                               .rate_bps = 1000000000,
                               .limit = 100,
                               .mtu = 1500,
                               .fates = fates,
                               .fate_count = 4};
    struct pair p;
    nsec sum = 0;

    pair_init(&p, 1, &words);
    ck_assert_ok(sim_run(&p.sim, NSEC_PER_S));
    send_kind(&p, PACKET_IKE);
    send_kind(&p, PACKET_OTHER);
    send_kind(&p, PACKET_ESP);
    send_kind(&p, PACKET_IKE);
    send_kind(&p, PACKET_IKE);
    send_kind(&p, PACKET_IKE);
    send_kind(&p, PACKET_ESP);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LOSS], 1);
    ck_assert_uint_eq(p.sim.net.duplicated_packets, 1);
    ck_assert_balanced(&p.sim);
    pair_run(&p);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->count, 7);
    for (int i = 0; i < 7; i++) {
        ck_assert(peer_at(&p.sim, p.b)->arrivals[i].good);
        sum += peer_at(&p.sim, p.b)->arrivals[i].at / NSEC_PER_MS;
    }
    for (int i = 0; i < 7; i++)
        sum -= expected[i];
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[0].at, NSEC_PER_S);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[4].at, 3 * NSEC_PER_S);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[5].at, 4 * NSEC_PER_S);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[6].at, 5 * NSEC_PER_S);
    sim_reset(&p.sim);
}
END_TEST

/* What is in the queue is lost when a link goes down; what has a fate has left it. */
START_TEST(a_link_that_is_down_takes_what_has_a_fate)
{
    static const nsec late[] = {4 * NSEC_PER_S};
    static const struct packet_fate fates[] = {
        {.kind = FATE_IKE, .number = 1, .at = late, .at_count = 1},
        {.kind = FATE_IKE, .number = 2, .at = late, .at_count = 1},
        {.kind = FATE_IKE, .number = 3, .lost = true}};
    struct link_words words = {.mtu = 1500, .limit = 100, .fates = fates, .fate_count = 3};
    struct pair p;

    pair_init(&p, 1, &words);
    send_kind(&p, PACKET_IKE);
    link_set_down(&p.sim, p.link, true);
    send_kind(&p, PACKET_IKE);
    link_set_down(&p.sim, p.link, false);
    send_kind(&p, PACKET_IKE);
    pair_run(&p);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LINK_DOWN], 1);
    ck_assert_uint_eq(p.sim.net.dropped[NET_DROP_LOSS], 1);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->count, 1);
    ck_assert_uint_eq(peer_at(&p.sim, p.b)->arrivals[0].at, 4 * NSEC_PER_S);
    sim_reset(&p.sim);
}
END_TEST

START_TEST(more_nodes_shift_no_draws)
{
    struct outcome alone = run_everything(9, 0, false), among = run_everything(9, 5, false);

    ck_assert_uint_eq(alone.digest, among.digest);
    ck_assert_uint_eq(alone.timeline, among.timeline);
}
END_TEST

SUITE("link", delay_and_rate_are_exact, an_idle_wire_starts_at_once, a_full_queue_drops_its_tail,
      gilbert_elliott_has_its_loss_burst_and_memory, gilbert_elliott_starts_stationary,
      four_state_chain, random_loss_duplicates_corruption, reorder_overtakes,
      jitter_stays_in_its_range_and_without_it_order_is_kept, too_big_is_cut_and_joined_or_dropped,
      jumbo_fragments, a_lost_fragment_loses_the_packet, outage,
      everything_at_once_balances_and_repeats, the_shortcut_changes_nothing,
      single_packets_have_fates, a_link_that_is_down_takes_what_has_a_fate,
      more_nodes_shift_no_draws)
