/* ICMP "too big" about ESP packets, and what it does to later ones: RFC 4301 §8.2, RFC 1191. */
#include "pair.h"
#include "proto/ike/path_mtu.h"
#include "proto/ip/icmp.h"
#include "proto/ip/udp.h"

enum { ROOM = 2048, FRONT = 96 };

/* A large inner packet and what becomes of it. */
struct large {
    uint8_t storage[FRONT + ROOM];
    struct buf packet;
    struct ike_dgram dgram;
    struct sa_ref sa;
};

/* A UDP packet of `len` bytes from `from` to the other side. */
static void make(const struct pair *p, int from, size_t len, bool df, struct large *l)
{
    uint8_t *at = l->storage + FRONT;
    struct udp_build udp = {.src = {ip_addr_v4(0x0a010005 + 0x10000u * (unsigned)from), 1000},
                            .dst = {ip_addr_v4(0x0a020005 - 0x10000u * (unsigned)from), 2000},
                            .df = df,
                            .id = 77};
    struct bytes whole;

    (void)p;
    for (size_t i = 28; i < len; i++)
        at[i] = (uint8_t)i;
    ck_assert_ok(udp_datagram_write(at + 28, len - 28, &udp, &whole));
    l->packet = (struct buf){at, len, ROOM};
}

static enum err protect(struct pair *p, int from, size_t len, bool df, struct large *l)
{
    make(p, from, len, df, l);
    return ike_endpoint_protect(p->end[from], p->now, &l->packet, &l->dgram, &l->sa);
}

/* The outer packet of an ESP datagram. */
static struct bytes outer_packet(const struct ike_dgram *d)
{
    struct bytes whole;
    struct ip_build ip = {.src = d->local.addr, .dst = d->remote.addr, .protocol = 50, .df = d->df};
    struct udp_build udp = {.src = d->local, .dst = d->remote, .df = d->df};

    if (d->protocol == 17)
        ck_assert_ok(udp_datagram_write(d->data, d->len, &udp, &whole));
    else
        ck_assert_ok(ip_datagram_write(d->data, d->len, &ip, &whole));
    return whole;
}

/* A router in the middle says that this packet is too big. */
static void too_big(struct pair *p, int to, struct bytes packet, uint32_t mtu)
{
    bool six = packet.data[0] >> 4 == 6;
    uint8_t storage[2048];
    struct buf out = {storage, 0, sizeof storage};
    struct ip_addr here = pair_address(p, to, 0).addr;
    struct ip_addr router = ip_addr_v4(0xc6330001);
    struct ip_build build = {.src = six ? pair_v6(&router) : router, .dst = here};
    struct icmp_message icmp = {.kind = ICMP_TOO_BIG, .mtu = mtu, .data = packet};

    ck_assert_ok(icmp_write(&out, &build, &icmp));
    ike_endpoint_icmp(p->end[to], p->now, buf_bytes(&out));
}

static uint64_t news(const struct pair *p, int side, enum path_news what)
{
    return ike_endpoint_counters(p->end[side])->path_news[what];
}

static struct child_sa_info info_of(const struct pair *p, int side)
{
    struct child_sa_info info;

    ck_assert(ike_endpoint_child_info(p->end[side], the_child(p, side), &info));
    return info;
}

static void begin(struct pair *p, bool v6, bool nat)
{
    pair_init(p, true);
    p->v6 = v6;
    p->nat = nat;
    pair_establish(p);
}

/* One lesson: a packet of 1400 bytes meets a link of 1300. */
static void learn(struct pair *p, int side, struct large *l)
{
    ck_assert_ok(protect(p, side, 1400, true, l));
    too_big(p, side, outer_packet(&l->dgram), 1300);
    ck_assert_uint_eq(news(p, side, PATH_LOWERED), 1);
}

START_TEST(a_narrow_path_is_learnt)
{
    for (int v = 0; v < 8; v++) {
        int side = v & 1;
        struct large l;
        struct pair p;
        size_t most;

        begin(&p, v & 2, v & 4);
        ck_assert_uint_eq(info_of(&p, side).inner_mtu, 0);
        learn(&p, side, &l);
        most = info_of(&p, side).inner_mtu;
        ck_assert_uint_eq(info_of(&p, side).path_mtu, 1300);
        /* The longest that fits goes and fits; the next one does not go. */
        ck_assert_ok(protect(&p, side, most, true, &l));
        ck_assert_uint_le(outer_packet(&l.dgram).len, 1300);
        ck_assert_uint_gt(outer_packet(&l.dgram).len, 1300 - 4);
        ck_assert_int_eq(protect(&p, side, most + 1, true, &l), ERR_TOO_BIG);
        ck_assert(sa_equal(l.sa, the_child(&p, side)));
        ck_assert_uint_eq(l.packet.len, most + 1);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->esp_unsent_too_big, 1);
        /* Without DF it goes, and the outer packet may be cut (RFC 4301 §8.1). */
        ck_assert_ok(protect(&p, side, 1400, false, &l));
        ck_assert(!l.dgram.df);
        ck_assert_uint_eq(info_of(&p, 1 - side).path_mtu, 0);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

/* RFC 4301 §8.2: nobody says "too big" of a packet that does not leave; the own link is known. */
START_TEST(the_own_link_is_known_and_stays_so)
{
    for (int v = 0; v < 8; v++) {
        int side = v & 1;
        struct large l;
        struct pair p;
        size_t most;

        pair_init(&p, true);
        p.v6 = v & 2;
        p.nat = v & 4;
        p.link_mtu = 1350;
        pair_establish(&p);
        ck_assert_uint_eq(info_of(&p, side).path_mtu, 0); /* nothing was learnt */
        most = info_of(&p, side).inner_mtu;
        ck_assert_ok(protect(&p, side, most, true, &l));
        ck_assert_uint_le(outer_packet(&l.dgram).len, 1350);
        ck_assert_uint_gt(outer_packet(&l.dgram).len, 1350 - 4);
        ck_assert_int_eq(protect(&p, side, most + 1, true, &l), ERR_TOO_BIG);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->esp_unsent_too_big, 1);
        ck_assert_ok(protect(&p, side, 1400, false, &l)); /* cut behind us */
        ck_assert(!l.dgram.df);
        /* A narrower path counts for ten minutes, a wider one not at all. */
        ck_assert_ok(protect(&p, side, 1400, false, &l));
        too_big(&p, side, outer_packet(&l.dgram), 1400);
        ck_assert_uint_eq(info_of(&p, side).inner_mtu, most);
        too_big(&p, side, outer_packet(&l.dgram), 1300);
        ck_assert_uint_lt(info_of(&p, side).inner_mtu, most);
        ck_assert_int_eq(protect(&p, side, most, true, &l), ERR_TOO_BIG);
        p.now += PATH_LIFETIME + PATH_TICK;
        ck_assert_ok(protect(&p, side, most, true, &l));
        ck_assert_int_eq(protect(&p, side, most + 1, true, &l), ERR_TOO_BIG);
        pair_free(&p);
    }
}
END_TEST

/* What nobody who saw our packets would say: nothing changes, and each is counted. */
START_TEST(forged_messages_change_nothing)
{
    uint8_t quoted[1500];
    struct large l;
    struct bytes outer;
    struct pair p;

    begin(&p, false, false);
    ck_assert_ok(protect(&p, A, 1400, true, &l));
    outer = outer_packet(&l.dgram);
    memcpy(quoted, outer.data, outer.len);
    quoted[20] ^= 1; /* the SPI */
    too_big(&p, A, bytes_of(quoted, outer.len), 1300);
    ck_assert_uint_eq(news(&p, A, PATH_NO_SA), 1);
    quoted[20] ^= 1;
    quoted[19] ^= 1; /* another peer */
    store_be16(quoted + 10, 0);
    too_big(&p, A, bytes_of(quoted, outer.len), 1300);
    quoted[19] ^= 1;
    memcpy(quoted, outer.data, outer.len);
    quoted[9] = 6; /* no ESP */
    too_big(&p, A, bytes_of(quoted, outer.len), 1300);
    too_big(&p, A, bytes_of(outer.data, 22), 1300); /* not even an SPI */
    too_big(&p, A, outer, 575);
    too_big(&p, A, outer, 0); /* from before RFC 1191 */
    ck_assert_uint_eq(news(&p, A, PATH_BELOW_MINIMUM), 2);
    too_big(&p, A, outer, (uint32_t)outer.len); /* it would have fit */
    ck_assert_uint_eq(news(&p, A, PATH_NOT_SMALLER), 1);
    ike_endpoint_icmp(p.end[A], p.now, outer); /* no ICMP */
    ike_endpoint_icmp(p.end[A], p.now, BYTES_NONE);
    ck_assert_uint_eq(news(&p, A, PATH_MALFORMED) + news(&p, A, PATH_NO_SA), 6);
    ck_assert_uint_eq(news(&p, A, PATH_LOWERED), 0);
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 0);
    ck_assert_ok(protect(&p, A, 1400, true, &l));
    pair_free(&p);
}
END_TEST

START_TEST(ipv6_paths_take_1280_bytes)
{
    struct bytes outer;
    struct large l;
    struct pair p;

    begin(&p, true, false);
    ck_assert_ok(protect(&p, A, 1400, true, &l));
    outer = outer_packet(&l.dgram);
    too_big(&p, A, outer, 1279);
    ck_assert_uint_eq(news(&p, A, PATH_BELOW_MINIMUM), 1);
    too_big(&p, A, outer, 1280);
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 1280);
    pair_free(&p);
}
END_TEST

/* It only goes down, and after ten minutes it is tried anew. */
START_TEST(what_was_learnt_grows_old)
{
    struct bytes outer;
    struct large l;
    struct pair p;

    begin(&p, false, false);
    learn(&p, A, &l);
    ck_assert_ok(protect(&p, A, 1200, true, &l));
    outer = outer_packet(&l.dgram);
    too_big(&p, A, outer, 1200);
    too_big(&p, A, outer, 1210);
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 1200);
    ck_assert_uint_eq(news(&p, A, PATH_NOT_SMALLER), 1);
    p.now += 590 * NSEC_PER_S;
    ck_assert_int_eq(protect(&p, A, 1400, true, &l), ERR_TOO_BIG);
    p.now += 20 * NSEC_PER_S;
    ck_assert_ok(protect(&p, A, 1400, true, &l));
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 0);
    too_big(&p, A, outer_packet(&l.dgram), 1400); /* wider than before, and believed again */
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 1400);
    pair_free(&p);
}
END_TEST

START_TEST(the_path_outlives_a_rekey)
{
    for (int from = A; from <= B; from++) {
        struct large l;
        struct pair p;

        begin(&p, false, false);
        learn(&p, A, &l);
        ck_assert_ok(ike_endpoint_rekey_child(p.end[from], p.now, the_child(&p, from)));
        settle(&p);
        check_traffic(&p);
        ck_assert_uint_eq(info_of(&p, A).path_mtu, 1300);
        ck_assert_int_eq(protect(&p, A, 1400, true, &l), ERR_TOO_BIG);
        pair_free(&p);
    }
}
END_TEST

/* A flood: what is looked at in a second is bounded, the rest is counted. */
START_TEST(a_flood_is_not_looked_at)
{
    uint8_t quoted[1500];
    struct bytes outer;
    struct large l;
    struct pair p;
    uint64_t looked;

    begin(&p, false, false);
    ck_assert_ok(protect(&p, A, 1400, true, &l));
    outer = outer_packet(&l.dgram);
    memcpy(quoted, outer.data, outer.len);
    quoted[23] ^= 1;
    p.end[A]->rare->path_second = p.now; /* two are left in this second */
    p.end[A]->rare->path_looked = PATH_LOOKED_PER_S - 2 * p.end[A]->store->children.fresh;
    looked = p.end[A]->store->children.fresh;
    ck_assert_uint_gt(looked, 0);
    for (int i = 0; i < 5; i++)
        too_big(&p, A, bytes_of(quoted, outer.len), 1300);
    ck_assert_uint_eq(news(&p, A, PATH_NO_SA), 2);
    ck_assert_uint_eq(news(&p, A, PATH_RATE), 3);
    too_big(&p, A, outer, 1300);
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 0);
    p.now += NSEC_PER_S;
    too_big(&p, A, outer, 1300);
    ck_assert_uint_eq(info_of(&p, A).path_mtu, 1300);
    pair_free(&p);
}
END_TEST

/* RFC 4303 §3.3.4, cut before ESP: the pieces fit, and arrive as fragments of the packet. */
START_TEST(packets_are_cut_before_esp)
{
    for (int ports = 0; ports < 2; ports++) {
        unsigned pieces = 0;
        struct fragmenter cut;
        struct large l, piece;
        struct pair p;

        pair_init(&p, true);
        p.config[A].child.fragment_before = true;
        if (ports) { /* pieces do not show their ports: such an SA cannot carry them */
            p.config[A].child.local[0].protocol = p.config[A].child.remote[0].protocol = 17;
            p.config[A].child.remote[0].port_first = p.config[A].child.remote[0].port_last = 2000;
        }
        pair_establish(&p);
        make(&p, A, 1400, false, &l);
        ck_assert_int_eq(
            ike_endpoint_cut(p.end[A], p.now, the_child(&p, A), buf_bytes(&l.packet), &cut),
            ERR_STATE); /* nothing is known of the path: it goes whole */
        learn(&p, A, &l);
        if (ports) {
            ck_assert_ok(protect(&p, A, 1400, false, &l));
            ck_assert(!l.dgram.df);
            pair_free(&p);
            continue;
        }
        ck_assert_int_eq(protect(&p, A, 1400, false, &l), ERR_TOO_BIG);
        ck_assert_ok(ike_endpoint_cut(p.end[A], p.now, l.sa, buf_bytes(&l.packet), &cut));
        for (;; pieces++) {
            struct buf inner;
            struct ip_packet ip;

            piece.packet = (struct buf){piece.storage + FRONT, 0, ROOM};
            if (!fragmenter_next(&cut, &piece.packet))
                break;
            ck_assert_ok(
                ike_endpoint_protect_by(p.end[A], p.now, l.sa, &piece.packet, &piece.dgram));
            pair_translate(&p, A, &piece.dgram);
            ck_assert_ok(ike_endpoint_unprotect(p.end[B], p.now, &piece.dgram, &inner, NULL));
            ck_assert_ok(ip_read(buf_bytes(&inner), &ip));
            ck_assert(ip_is_fragment(&ip) && ip.id == 77);
            ck_assert_mem_eq(ip.payload.data, l.packet.data + 20 + ip.offset, ip.payload.len);
        }
        ck_assert_uint_eq(pieces, 2);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->esp_unsent_too_big, 0);
        ck_assert_int_eq(protect(&p, A, 1400, true, &l), ERR_TOO_BIG);
        ck_assert_int_eq(ike_endpoint_cut(p.end[A], p.now, l.sa, buf_bytes(&l.packet), &cut),
                         ERR_TOO_BIG);
        pair_free(&p);
    }
}
END_TEST

/* RFC 4303 §2.7: to a length, or to what the path takes, never to more than that. */
START_TEST(padding_stays_within_the_path)
{
    static const uint16_t wanted[] = {1000, 1440, TFC_TO_MTU};

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct large l;
        struct pair p;

        pair_init(&p, true);
        p.config[A].child.tfc_padding = wanted[i];
        pair_establish(&p);
        ck_assert_ok(protect(&p, A, 100, false, &l));
        ck_assert_uint_ge(outer_packet(&l.dgram).len, i == 0 ? 1000 : 1440);
        ck_assert_uint_le(outer_packet(&l.dgram).len, 1500);
        if (i == 2)
            ck_assert_uint_gt(outer_packet(&l.dgram).len, 1500 - 4);
        learn(&p, A, &l);
        ck_assert_ok(protect(&p, A, 100, false, &l));
        ck_assert_uint_le(outer_packet(&l.dgram).len, 1300);
        ck_assert_uint_ge(outer_packet(&l.dgram).len, i == 0 ? 1000 : 1300 - 4);
        pair_free(&p);
    }
}
END_TEST

/* RFC 4303 §2.6 through whole endpoints: no traffic, but a sign of life. */
START_TEST(dummies_between_endpoints)
{
    struct ike_sa_info before, after;
    struct sa_ref child;
    struct buf inner;
    struct large l;
    struct pair p;

    pair_init(&p, true);
    pair_establish(&p);
    child = the_child(&p, A);
    ck_assert(ike_endpoint_ike_info(p.end[B], the_ike(&p, B), &before));
    p.now += NSEC_PER_S;
    l.packet = (struct buf){l.storage + FRONT, 300, ROOM};
    ck_assert_ok(ike_endpoint_dummy(p.end[A], p.now, child, &l.packet, &l.dgram));
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->esp_dummies_sent, 1);
    pair_translate(&p, A, &l.dgram);
    ck_assert_int_eq(ike_endpoint_unprotect(p.end[B], p.now, &l.dgram, &inner, NULL),
                     ERR_NEXT_HEADER);
    ck_assert_uint_eq(p.end[B]->store->esp->dropped[ESP_CAUSE_DUMMY], 1);
    ck_assert(ike_endpoint_ike_info(p.end[B], the_ike(&p, B), &after));
    ck_assert_uint_gt(after.last_heard, before.last_heard);
    ck_assert_ok(ike_endpoint_delete_child(p.end[A], p.now, child));
    settle(&p);
    l.packet = (struct buf){l.storage + FRONT, 300, ROOM};
    ck_assert_int_eq(ike_endpoint_dummy(p.end[A], p.now, child, &l.packet, &l.dgram), ERR_STATE);
    pair_free(&p);
}
END_TEST

SUITE("path_mtu", a_narrow_path_is_learnt, the_own_link_is_known_and_stays_so,
      forged_messages_change_nothing, ipv6_paths_take_1280_bytes, what_was_learnt_grows_old,
      the_path_outlives_a_rekey, a_flood_is_not_looked_at, packets_are_cut_before_esp,
      padding_stays_within_the_path, dummies_between_endpoints)
