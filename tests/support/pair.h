/*
 * Two real endpoints, A (0) and B (1), and the wire between them in the test's hands: messages are
 * handed over one by one, dropped, doubled, held back or tampered with. Time stands still unless
 * the test moves it. With `nat` A sits behind a NAT box that maps its address and ports.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/ip/checksum.h"
#include "suite.h"

enum {
    A = 0,
    B = 1,
    WIRE_MAX = 64,
    WIRE_MESSAGE_MAX = 16400,
    EVENTS_MAX = 512,
    TIMELINE_MAX = 4096
};

struct wire_message {
    struct ike_dgram dgram; /* addresses as the receiver sees them */
    uint8_t data[WIRE_MESSAGE_MAX];
};

struct pair {
    struct meter meter;
    struct crypto *crypto;
    struct ike_config config[2];
    struct ike_endpoint *end[2];
    struct sa_ref ike; /* of A, by pair_initiate */
    nsec now;
    struct wire_message *wire[2]; /* by sender, oldest first */
    unsigned wire_count[2];
    struct ike_event events[2][EVENTS_MAX];
    unsigned event_count[2];
    int64_t epoch_s;   /* Unix time at 0 */
    uint16_t link_mtu; /* of both ends; 0: they do not know */
    bool v6;           /* outer addresses */
    bool nat;
    uint16_t nat_shift; /* what the NAT adds to ports; a rebind changes it */
    uint32_t host[2];   /* where a side is now; 0: where it always is */
    bool strict;        /* nothing leaves from, or reaches, an address that a side is not at */
    /* What went over the wire, for comparing runs: time, side, length. */
    struct timeline {
        nsec at;
        uint32_t side, len;
    } timeline[TIMELINE_MAX];
    unsigned timeline_count;
};

/** What most tests start from: X25519, PSK, one tunnel 10.1.0.0/16 <-> 10.2.0.0/16. */
static inline void pair_config(struct ike_config *c, int side)
{
    static const char *const names[2] = {"a.test", "b.test"};
    struct selector nets[2] = {selector_any(4), selector_any(4)};
    struct bytes bad;

    *c = (struct ike_config){
        .proposal_count = 1,
        .psk_len = 16,
        .retransmit = {.timeout = 4 * NSEC_PER_S, .base_milli = 1800, .tries = 5},
        .half_open_time = 30 * NSEC_PER_S,
        .respond = true,
        .initial_contact = true};
    ck_assert_ok(
        proposal_parse(bytes_text("aes256gcm16-prfsha256-x25519"), true, &c->proposals[0], &bad));
    c->child.proposal_count = 1;
    ck_assert_ok(proposal_parse(bytes_text("aes256gcm16"), false, &c->child.proposals[0], &bad));
    c->id.type = 2;
    c->id.len = 6;
    memcpy(c->id.data, names[side], 6);
    memcpy(c->psk, "correct horse ba", 16);
    c->child.replay_window = 64;
    for (int i = 0; i < 2; i++) {
        nets[i].first = ip_addr_v4(0x0a010000 + 0x10000u * (unsigned)i);
        nets[i].last = ip_addr_v4(0x0a01ffff + 0x10000u * (unsigned)i);
    }
    c->child.local[0] = nets[side];
    c->child.remote[0] = nets[1 - side];
    c->child.local_count = c->child.remote_count = 1;
}

static inline void pair_propose(struct ike_config *c, const char *ike, const char *esp)
{
    struct bytes bad;

    c->proposal_count = c->child.proposal_count = 0;
    for (const char *at = ike; at && *at;) {
        size_t len = strcspn(at, ",");

        ck_assert_ok(
            proposal_parse(bytes_of(at, len), true, &c->proposals[c->proposal_count++], &bad));
        at += len + (at[len] == ',');
    }
    for (const char *at = esp; at && *at;) {
        size_t len = strcspn(at, ",");

        ck_assert_ok(proposal_parse(bytes_of(at, len), false,
                                    &c->child.proposals[c->child.proposal_count++], &bad));
        at += len + (at[len] == ',');
    }
}

/** Configurations only; change them, then pair_create. */
static inline void pair_init(struct pair *p, bool modelled)
{
    memset(p, 0, sizeof *p);
    p->crypto = modelled ? crypto_modelled_create(&p->meter) : crypto_openssl_create(&p->meter);
    ck_assert_ptr_nonnull(p->crypto);
    for (int side = 0; side < 2; side++) {
        pair_config(&p->config[side], side);
        p->wire[side] = calloc(WIRE_MAX, sizeof *p->wire[side]);
    }
    p->nat_shift = 20000;
    p->now = NSEC_PER_S;
}

static inline void pair_create(struct pair *p)
{
    struct ike_limits limits = {.ike_sas = 8, .half_open = 4, .child_sas = 32};

    for (int side = 0; side < 2; side++) {
        struct ike_env env = {.crypto = p->crypto,
                              .seed = 7,
                              .entity = (uint64_t)side + 1,
                              .epoch_s = p->epoch_s,
                              .link_mtu = p->link_mtu};

        p->end[side] = ike_endpoint_create(&env, &p->config[side], &limits);
        ck_assert_ptr_nonnull(p->end[side]);
    }
}

/* An endpoint by itself with the words of end A, to look inside of; the caller's to destroy before
 * the pair. */
static inline struct ike_endpoint *pair_alone(const struct pair *p, uint32_t sas)
{
    struct ike_limits limits = {.ike_sas = sas, .half_open = sas, .child_sas = sas};
    struct ike_env env = {.seed = 7, .entity = 1, .crypto = p->crypto};
    struct ike_endpoint *ep = ike_endpoint_create(&env, &p->config[A], &limits);

    ck_assert_ptr_nonnull(ep);
    return ep;
}

static inline void pair_free(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        ike_endpoint_destroy(p->end[side]);
        free(p->wire[side]);
    }
    crypto_destroy(p->crypto);
}

/* 2001:db8::, and every octet of an IPv4 address in a place of its own behind it. */
static inline struct ip_addr pair_v6(const struct ip_addr *v4)
{
    struct ip_addr a = {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8}};

    for (int i = 0; i < 4; i++)
        a.bytes[6 + 3 * i] = v4->bytes[i];
    return a;
}

static inline struct ip_endpoint pair_address(const struct pair *p, int side, uint16_t port)
{
    uint32_t usual = side == A ? 0xc6336401 : 0xcb007102; /* 198.51.100.1, 203.0.113.2 */
    uint32_t outside = p->host[side] ? p->host[side] : usual;
    struct ip_addr addr = ip_addr_v4(p->nat && side == A ? 0xc0a80102 : outside); /* 192.168.1.2 */

    return (struct ip_endpoint){p->v6 ? pair_v6(&addr) : addr, port};
}

static inline struct ip_addr pair_box(const struct pair *p)
{
    struct ip_addr box = ip_addr_v4(0xc6336463); /* 198.51.100.99 */

    return p->v6 ? pair_v6(&box) : box;
}

/* Where the other side sees it, without a port. */
static inline struct ip_addr pair_seen(const struct pair *p, int side)
{
    return p->nat && side == A ? pair_box(p) : pair_address(p, side, 0).addr;
}

/* From A the NAT changes the source, to A the destination. */
static inline void pair_translate(const struct pair *p, int from, struct ike_dgram *d)
{
    struct ip_endpoint source = d->local, destination = d->remote;

    if (p->nat && from == A && source.port)
        source = (struct ip_endpoint){pair_box(p), (uint16_t)(source.port + p->nat_shift)};
    if (p->nat && from == B && destination.port)
        destination = pair_address(p, A, (uint16_t)(destination.port - p->nat_shift));
    d->local = destination;
    d->remote = source;
}

/* Before translation: from where its sender is, to where the other side can be reached. */
static inline bool pair_reaches(const struct pair *p, int from, const struct ike_dgram *d)
{
    struct ip_addr here = pair_address(p, from, 0).addr, there = pair_address(p, 1 - from, 0).addr;

    if (p->nat && from == B)
        there = pair_box(p);
    return ip_addr_equal(&d->local.addr, &here) && ip_addr_equal(&d->remote.addr, &there);
}

/** Pull what both sides want to send and say. */
static inline void pull(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        struct ike_dgram out;
        struct ike_event event;

        while (ike_endpoint_transmit(p->end[side], &out)) {
            struct wire_message *m;

            if (p->strict && !pair_reaches(p, side, &out))
                continue;
            m = &p->wire[side][p->wire_count[side]++];
            ck_assert_uint_le(p->wire_count[side], WIRE_MAX);
            ck_assert_uint_le(out.len, WIRE_MESSAGE_MAX);
            if (p->timeline_count < TIMELINE_MAX)
                p->timeline[p->timeline_count++] =
                    (struct timeline){p->now, (uint32_t)side, (uint32_t)out.len};
            m->dgram = out;
            memcpy(m->data, out.data, out.len);
            pair_translate(p, side, &m->dgram);
        }
        while (ike_endpoint_next_event(p->end[side], &event)) {
            ck_assert_uint_lt(p->event_count[side], EVENTS_MAX);
            event.keys = NULL;
            p->events[side][p->event_count[side]++] = event;
        }
    }
}

static inline struct wire_message wire_take(struct pair *p, int from, unsigned index)
{
    struct wire_message m;

    ck_assert_msg(index < p->wire_count[from], "nothing on the wire from %c", "AB"[from]);
    m = p->wire[from][index];
    p->wire_count[from]--;
    memmove(&p->wire[from][index], &p->wire[from][index + 1],
            (p->wire_count[from] - index) * sizeof m);
    return m;
}

static inline enum err deliver(struct pair *p, int from, struct wire_message *m)
{
    enum err e;

    m->dgram.data = m->data;
    e = ike_endpoint_receive(p->end[1 - from], p->now, &m->dgram);
    pull(p);
    return e;
}

/** The oldest message of one side reaches the other. */
static inline enum err hand_over(struct pair *p, int from)
{
    struct wire_message m = wire_take(p, from, 0);

    return deliver(p, from, &m);
}

static inline void drop_next(struct pair *p, int from)
{
    (void)wire_take(p, from, 0);
}

/** It reaches the other side, and once more. @return what the second one did */
static inline enum err duplicate_next(struct pair *p, int from)
{
    struct wire_message m = wire_take(p, from, 0), copy = m;

    (void)deliver(p, from, &m);
    return deliver(p, from, &copy);
}

/** Held back by the test, to be handed to `deliver` later. */
static inline struct wire_message hold_next(struct pair *p, int from)
{
    return wire_take(p, from, 0);
}

/** A copy of it with one octet changed reaches the other side; the message itself stays. */
static inline enum err tamper_next(struct pair *p, int from, size_t offset)
{
    struct wire_message m;

    ck_assert_uint_gt(p->wire_count[from], 0);
    m = p->wire[from][0];
    ck_assert_uint_lt(offset, m.dgram.len);
    m.data[offset] ^= 0x01;
    return deliver(p, from, &m);
}

/** Everything reaches the other side, answers too, until nobody says anything. */
static inline void settle(struct pair *p)
{
    pull(p);
    for (int round = 0; p->wire_count[A] || p->wire_count[B]; round++) {
        ck_assert_int_lt(round, 1000);
        if (p->wire_count[A])
            (void)hand_over(p, A);
        if (p->wire_count[B])
            (void)hand_over(p, B);
    }
}

static inline void expire(struct pair *p)
{
    for (int side = 0; side < 2; side++)
        ike_endpoint_expire(p->end[side], p->now);
    pull(p);
}

static inline nsec next_deadline(const struct pair *p)
{
    return nsec_min(ike_endpoint_deadline(p->end[A]), ike_endpoint_deadline(p->end[B]));
}

/** Time goes on to `until` over a perfect wire. */
static inline void run_until(struct pair *p, nsec until)
{
    settle(p);
    while (next_deadline(p) <= until) {
        p->now = next_deadline(p) > p->now ? next_deadline(p) : p->now;
        expire(p);
        settle(p);
    }
    p->now = until;
}

static inline void pair_initiate(struct pair *p)
{
    struct ike_remote remote = {.local = pair_address(p, A, 500),
                                .remote = pair_address(p, B, 500)};

    ck_assert_ok(ike_endpoint_initiate(p->end[A], p->now, &remote, &p->ike));
    pull(p);
}

/** An established pair: configurations as they are, handshake done. */
static inline void pair_establish(struct pair *p)
{
    pair_create(p);
    pair_initiate(p);
    settle(p);
}

static inline unsigned events_of(const struct pair *p, int side, enum event_kind kind)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->event_count[side]; i++)
        n += p->events[side][i].kind == kind;
    return n;
}

/** The last event of a kind, NULL if there was none. */
static inline const struct ike_event *last_event(const struct pair *p, int side,
                                                 enum event_kind kind)
{
    for (unsigned i = p->event_count[side]; i-- > 0;)
        if (p->events[side][i].kind == kind)
            return &p->events[side][i];
    return NULL;
}

static inline unsigned ike_count(const struct pair *p, int side)
{
    struct ike_sa_info info;
    unsigned n = 0;

    for (struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p->end[side], r))
        n += ike_endpoint_ike_info(p->end[side], r, &info) && info.established;
    return n;
}

static inline struct sa_ref the_ike(const struct pair *p, int side)
{
    struct sa_ref found = SA_NONE;
    struct ike_sa_info info;

    for (struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p->end[side], r))
        if (ike_endpoint_ike_info(p->end[side], r, &info) && info.established)
            found = r;
    ck_assert(!sa_none(found));
    return found;
}

static inline unsigned child_count(const struct pair *p, int side)
{
    struct child_sa_info info;
    unsigned n = 0;

    for (struct sa_ref r = ike_endpoint_next_child(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(p->end[side], r))
        n += ike_endpoint_child_info(p->end[side], r, &info);
    return n;
}

/** The child that sends now; fails unless there is exactly one. */
static inline struct sa_ref the_child(const struct pair *p, int side)
{
    struct sa_ref found = SA_NONE;
    struct child_sa_info info;
    unsigned n = 0;

    for (struct sa_ref r = ike_endpoint_next_child(p->end[side], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(p->end[side], r)) {
        if (!ike_endpoint_child_info(p->end[side], r, &info) || !info.current)
            continue;
        found = r;
        n++;
    }
    ck_assert_uint_eq(n, 1);
    return found;
}

/** Both ends hold the same IKE keys, one child each that is the other's mirror (I2). */
static inline void check_agreement(const struct pair *p)
{
    struct ike_sa_info ike[2];
    struct child_sa_info child[2];

    for (int side = 0; side < 2; side++) {
        ck_assert(ike_endpoint_ike_info(p->end[side], the_ike(p, side), &ike[side]));
        ck_assert(ike_endpoint_child_info(p->end[side], the_child(p, side), &child[side]));
    }
    ck_assert_uint_eq(ike[A].key_fingerprint, ike[B].key_fingerprint);
    ck_assert_uint_eq(ike[A].spi_i, ike[B].spi_i);
    ck_assert_uint_eq(ike[A].spi_r, ike[B].spi_r);
    ck_assert(ike[A].initiator != ike[B].initiator);
    for (int side = 0; side < 2; side++) {
        const struct child_sa_info *one = &child[side], *other = &child[1 - side];

        ck_assert_uint_eq(one->spi_in, other->spi_out);
        ck_assert_uint_eq(one->key_fingerprint_in, other->key_fingerprint_out);
        ck_assert_uint_eq(one->selectors_fingerprint_local, other->selectors_fingerprint_remote);
        ck_assert_ptr_eq(one->encr, other->encr);
        ck_assert_int_eq(one->esn, other->esn);
        ck_assert_int_eq(one->udp_encapsulated, other->udp_encapsulated);
    }
}

/* ---- ESP ---- */

struct esp_packet {
    struct ike_dgram dgram;
    uint8_t storage[256];
};

/* A UDP packet inside the tunnel, checksum 0 (none), with a marked payload. */
static inline size_t inner_packet(const struct pair *p, uint8_t *out, int from, uint32_t mark)
{
    uint32_t source = 0x0a010005 + 0x10000u * (unsigned)from;
    uint32_t destination = 0x0a010005 + 0x10000u * (unsigned)(1 - from);

    if (p->config[A].child.transport) { /* the hosts themselves talk */
        source = load_be32(pair_address(p, from, 0).addr.bytes);
        destination = load_be32(pair_seen(p, 1 - from).bytes);
    }

    memset(out, 0, 36);
    out[0] = 0x45;
    store_be16(out + 2, 36);
    out[8] = 64;
    out[9] = 17;
    store_be32(out + 12, source);
    store_be32(out + 16, destination);
    store_be16(out + 10, checksum_of(bytes_of(out, 20)));
    store_be16(out + 20, 1000);
    store_be16(out + 22, 2000);
    store_be16(out + 24, 16);
    store_be32(out + 28, mark);
    return 36;
}

static inline enum err esp_make(struct pair *p, int from, uint32_t mark, struct esp_packet *out)
{
    struct buf packet = {out->storage + ESP_HEADROOM, 0, sizeof out->storage - ESP_HEADROOM};
    enum err e;

    packet.len = inner_packet(p, packet.data, from, mark);
    e = ike_endpoint_protect(p->end[from], p->now, &packet, &out->dgram, NULL);
    if (e == OK)
        pair_translate(p, from, &out->dgram);
    return e;
}

static inline enum err esp_take(struct pair *p, int from, uint32_t mark, struct esp_packet *in)
{
    struct buf inner;
    enum err e;

    ck_assert(ike_dgram_is_esp(&in->dgram));
    e = ike_endpoint_unprotect(p->end[1 - from], p->now, &in->dgram, &inner, NULL);
    if (e == OK) {
        ck_assert_uint_eq(inner.len, 36);
        ck_assert_uint_eq(load_be32(inner.data + 28), mark);
    }
    pull(p);
    return e;
}

/** One packet from `from` to the other side, all the way. */
static inline enum err send_packet(struct pair *p, int from)
{
    struct esp_packet packet;
    enum err e = esp_make(p, from, 0x5eed, &packet);

    return e ? e : esp_take(p, from, 0x5eed, &packet);
}

static inline void check_traffic(struct pair *p)
{
    ck_assert_ok(send_packet(p, A));
    ck_assert_ok(send_packet(p, B));
    ck_assert_ok(send_packet(p, A));
}

#endif
