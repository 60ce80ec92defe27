/* proto/ip: addresses, checksums, packets, UDP, ICMP, NAT rewriting. */
#include "base/rng.h"
#include "proto/ip/checksum.h"
#include "proto/ip/icmp.h"
#include "proto/ip/rewrite.h"
#include "proto/ip/udp.h"
#include "suite.h"

enum { ROOM = 64, AREA = 2048 };

static struct ip_addr addr(const char *text)
{
    struct ip_addr a;

    ck_assert_msg(ip_addr_parse(bytes_text(text), &a) == OK, "%s", text);
    return a;
}

static struct ip_endpoint endpoint(const char *text, uint16_t port)
{
    return (struct ip_endpoint){addr(text), port};
}

START_TEST(addresses_in_text)
{
    static const struct {
        const char *in, *out;
    } good[] = {
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"192.0.2.1", "192.0.2.1"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:db8::1", "2001:db8::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* RFC 5952 §4.2.2: one group stays */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, /* RFC 5952 §4.2.3: the first */
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::ffff:192.0.2.1", "::ffff:c000:201"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
    };
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1..3.4",
        "1.2.3.",
        "1.2.3.-4",
        "1.2.3.4/8",
        ":",
        ":::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1::2::3",
        "12345::",
        "g::",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "::1.2.3",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.4:5",
        "fe80::1%eth0",
        "1:2:3:4:5:6:7:8:",
        "99999999999999999999.1.1.1",
        "::00001",
    };
    char text[IP_ADDR_TEXT];

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct ip_addr a = addr(good[i].in);

        ck_assert_str_eq(ip_addr_format(&a, text), good[i].out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ip_addr a;

        ck_assert_msg(ip_addr_parse(bytes_text(bad[i]), &a) == ERR_SYNTAX, "\"%s\"", bad[i]);
    }
}
END_TEST

START_TEST(random_addresses_survive_text)
{
    struct rng r = rng_stream(1, 0, RNG_TEST);

    for (int i = 0; i < 5000; i++) {
        struct ip_addr a = {.family = i % 2 ? 4 : 6}, back;
        char text[IP_ADDR_TEXT];

        rng_fill(&r, a.bytes, ip_addr_len(&a));
        for (size_t b = 0; b < ip_addr_len(&a); b++)
            if (rng_chance(&r, 1u << 31)) /* zeros make the compression work */
                a.bytes[b] = 0;
        ck_assert_uint_lt(strlen(ip_addr_format(&a, text)), IP_ADDR_TEXT);
        ck_assert_ok(ip_addr_parse(bytes_text(text), &back));
        ck_assert_msg(ip_addr_equal(&a, &back), "%s", text);
    }
}
END_TEST

START_TEST(endpoints_and_order)
{
    struct ip_endpoint a = endpoint("192.0.2.1", 500), b = endpoint("2001:db8::1", 65535);
    struct ip_addr next;
    char text[IP_ENDPOINT_TEXT];

    ck_assert_str_eq(ip_endpoint_format(&a, text), "192.0.2.1:500");
    ck_assert_str_eq(ip_endpoint_format(&b, text), "[2001:db8::1]:65535");
    ck_assert_int_eq(ip_endpoint_compare(&a, &b), -1);
    ck_assert_int_eq(ip_endpoint_compare(&b, &a), 1);
    b = a;
    ck_assert_int_eq(ip_endpoint_compare(&a, &b), 0);
    ck_assert_uint_eq(ip_endpoint_hash(&a), ip_endpoint_hash(&b));
    b.port++;
    ck_assert_int_eq(ip_endpoint_compare(&a, &b), -1);
    ck_assert_uint_ne(ip_endpoint_hash(&a), ip_endpoint_hash(&b));
    next = addr("10.0.255.255");
    next = ip_addr_add(&next, 2);
    ck_assert_str_eq(ip_addr_format(&next, text), "10.1.0.1");
    next = addr("2001:db8::ffff:ffff:ffff:ffff");
    next = ip_addr_add(&next, 1);
    ck_assert_str_eq(ip_addr_format(&next, text), "2001:db8:0:1::");
    next = addr("255.255.255.255");
    next = ip_addr_add(&next, 1);
    ck_assert_str_eq(ip_addr_format(&next, text), "0.0.0.0");
}
END_TEST

START_TEST(prefixes)
{
    static const char *const bad[] = {
        "10.0.0.0/33",    "10.0.0.1/8",     "10.0.0.0/",   "10.0.0.0/8x", "10.0.0.0/08",  "/8",
        "2001:db8::/129", "2001:db8::1/64", "10.0.0.0/-1", "10.0.0.0//8", "10.0.0.0/256", ""};
    struct ip_prefix p;
    struct ip_addr a, last;
    char text[IP_PREFIX_TEXT];

    ck_assert_ok(ip_prefix_parse(bytes_text("10.1.0.0/17"), &p));
    ck_assert_str_eq(ip_prefix_format(&p, text), "10.1.0.0/17");
    a = addr("10.1.127.255");
    last = ip_prefix_last(&p);
    ck_assert(ip_addr_equal(&a, &last));
    ck_assert(ip_prefix_contains(&p, &a));
    a = ip_addr_add(&a, 1);
    ck_assert(!ip_prefix_contains(&p, &a));
    a = addr("::a01:1");
    ck_assert(!ip_prefix_contains(&p, &a));
    ck_assert_ok(ip_prefix_parse(bytes_text("0.0.0.0/0"), &p));
    a = addr("203.0.113.9");
    ck_assert(ip_prefix_contains(&p, &a));
    ck_assert_ok(ip_prefix_parse(bytes_text("2001:db8::/33"), &p));
    a = addr("2001:db8:7fff:ffff::");
    ck_assert(ip_prefix_contains(&p, &a));
    a = addr("2001:db8:8000::");
    ck_assert(!ip_prefix_contains(&p, &a));
    ck_assert_ok(ip_prefix_parse(bytes_text("192.0.2.7"), &p));
    ck_assert_uint_eq(p.length, 32);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(ip_prefix_parse(bytes_text(bad[i]), &p) == ERR_SYNTAX, "\"%s\"", bad[i]);
}
END_TEST

/* The slow definition of RFC 1071 §1. */
static uint16_t plain_sum(struct bytes b)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < b.len; i++) {
        sum += i % 2 ? b.data[i] : (uint32_t)b.data[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (uint16_t)sum;
}

START_TEST(checksum_is_that_of_the_rfc)
{
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    struct rng r = rng_stream(2, 0, RNG_TEST);
    uint8_t data[100];

    ck_assert_uint_eq(checksum_sum(0, bytes_of(example, 8)), 0xddf2); /* RFC 1071 §3 */
    for (int i = 0; i < 5000; i++) {
        size_t len = rng_below(&r, sizeof data + 1), at;
        uint16_t checksum, before, after;

        rng_fill(&r, data, sizeof data);
        ck_assert_uint_eq(checksum_sum(0, bytes_of(data, len)), plain_sum(bytes_of(data, len)));
        if (len < 4)
            continue;
        checksum = checksum_of(bytes_of(data, len));
        at = 2 * rng_below(&r, len / 2);
        before = load_be16(data + at);
        after = i % 7 == 0 ? 0 : i % 7 == 1 ? 0xffff : (uint16_t)rng_u32(&r);
        store_be16(data + at, after);
        checksum = checksum_update(checksum, before, after);
        /* RFC 1624 §3: the two zeros of one's complement are the same number. */
        ck_assert_uint_eq(checksum_add(checksum, checksum_sum(0, bytes_of(data, len))), 0xffff);
    }
}
END_TEST

/* A UDP packet of `len` payload bytes inside `area`. */
static struct buf udp_packet(uint8_t *area, size_t len, const char *src, const char *dst)
{
    struct udp_build b = {.src = endpoint(src, 4500), .dst = endpoint(dst, 500), .id = 77};
    struct bytes packet;

    for (size_t i = 0; i < len; i++)
        area[ROOM + i] = (uint8_t)(i * 7 + 1);
    ck_assert_ok(udp_datagram_write(area + ROOM, len, &b, &packet));
    return (struct buf){area + (packet.data - area), packet.len, AREA - ROOM};
}

START_TEST(udp_datagrams_survive_write_and_read)
{
    static const char *const ends[2][2] = {{"192.0.2.1", "198.51.100.2"},
                                           {"2001:db8::1", "2001:db8::2"}};
    uint8_t area[AREA];

    for (int family = 0; family < 2; family++) {
        for (size_t len = 0; len < 1500; len += 1 + len / 9) {
            struct buf packet = udp_packet(area, len, ends[family][0], ends[family][1]);
            struct ip_endpoint src = endpoint(ends[family][0], 4500);
            struct ip_packet p;
            struct udp_datagram u;
            struct ip_addr to;

            ck_assert_ok(ip_read(buf_bytes(&packet), &p));
            ck_assert_ok(udp_read(&p, &u));
            ck_assert(ip_endpoint_equal(&u.src, &src));
            ck_assert_uint_eq(u.dst.port, 500);
            to = ip_destination(buf_bytes(&packet));
            ck_assert(ip_addr_equal(&to, &p.dst));
            ck_assert(u.checksummed);
            ck_assert_uint_eq(u.payload.len, len);
            ck_assert_ptr_eq(u.payload.data, area + ROOM);
            ck_assert_uint_eq(p.ttl, 64);
            ck_assert_uint_eq(p.df, family == 1);
            for (size_t cut = 0; cut < packet.len; cut += 1 + packet.len / 60)
                ck_assert_int_ne(ip_read(bytes_of(packet.data, cut), &p), OK);
        }
    }
}
END_TEST

START_TEST(every_flipped_bit_of_a_udp_packet_is_noticed)
{
    uint8_t area[AREA];
    struct buf packet = udp_packet(area, 21, "192.0.2.1", "198.51.100.2");
    struct ip_packet p;
    struct udp_datagram u;

    for (size_t bit = 0; bit < packet.len * 8; bit++) {
        packet.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(ip_read(buf_bytes(&packet), &p) != OK || udp_read(&p, &u) != OK);
        packet.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert(ip_read(buf_bytes(&packet), &p) == OK && udp_read(&p, &u) == OK);
}
END_TEST

/* Store a byte into the IPv4 header and make its checksum right again. */
static void poke(struct buf *packet, size_t at, uint8_t value)
{
    packet->data[at] = value;
    store_be16(packet->data + 10, 0);
    store_be16(packet->data + 10, checksum_of(bytes_of(packet->data, IPV4_HEADER_LEN)));
}

START_TEST(ip_headers_that_lie_are_refused)
{
    uint8_t area[AREA];
    struct ip_packet p;
    struct udp_datagram u;
    struct buf v4 = udp_packet(area, 20, "192.0.2.1", "198.51.100.2");

    ck_assert_int_eq(ip_read(BYTES_NONE, &p), ERR_TRUNCATED);
    poke(&v4, 0, 0x55);
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_VERSION);
    poke(&v4, 0, 0x44);
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_SYNTAX);
    poke(&v4, 0, 0x4f);
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_LENGTH); /* header beyond the total length */
    poke(&v4, 0, 0x45);
    poke(&v4, 3, 19);
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_LENGTH);
    poke(&v4, 3, 49);
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_TRUNCATED);
    ck_assert_ok(ip_read_quoted(buf_bytes(&v4), &p));
    poke(&v4, 3, 47); /* one byte of link padding now: the UDP length is too long for the rest */
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_LENGTH);
    poke(&v4, 3, 27);
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_TRUNCATED);
    poke(&v4, 3, 48);
    poke(&v4, 6, 0x20);
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert(p.mf && ip_is_fragment(&p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_NEXT_HEADER);
    poke(&v4, 6, 0x1f);
    poke(&v4, 7, 0xff); /* 65528 + 28 bytes */
    ck_assert_int_eq(ip_read(buf_bytes(&v4), &p), ERR_LENGTH);
    poke(&v4, 6, 0);
    poke(&v4, 7, 0);
    poke(&v4, 9, 6);
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_NEXT_HEADER);
    poke(&v4, 9, 17);
    v4.data[24] = 0;
    v4.data[25] = 7; /* UDP length below its header */
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_LENGTH);
}
END_TEST

START_TEST(udp_checksum_zero_is_none_for_ipv4_only)
{
    uint8_t area[AREA];
    struct ip_packet p;
    struct udp_datagram u;
    struct buf v4 = udp_packet(area, 20, "192.0.2.1", "198.51.100.2"), v6;

    store_be16(v4.data + 26, 0);
    ck_assert_ok(ip_read(buf_bytes(&v4), &p));
    ck_assert_ok(udp_read(&p, &u));
    ck_assert(!u.checksummed);
    v6 = udp_packet(area, 20, "2001:db8::1", "2001:db8::2");
    store_be16(v6.data + 46, 0);
    ck_assert_ok(ip_read(buf_bytes(&v6), &p));
    ck_assert_int_eq(udp_read(&p, &u), ERR_CHECKSUM);
}
END_TEST

START_TEST(ipv6_extension_headers_are_walked)
{
    /* Destination Options of 8 bytes, then UDP without payload. */
    uint8_t packet[40 + 8 + 8] = {0x60, 0, 0, 0, 0, 16, 60, 1};
    struct ip_packet p;

    packet[40] = IP_PROTOCOL_UDP;
    ck_assert_ok(ip_read(bytes_of(packet, sizeof packet), &p));
    ck_assert_uint_eq(p.protocol, IP_PROTOCOL_UDP);
    ck_assert_uint_eq(p.header_len, 48);
    packet[41] = 1; /* 16 bytes: just fits */
    ck_assert_ok(ip_read(bytes_of(packet, sizeof packet), &p));
    ck_assert_uint_eq(p.payload.len, 0);
    packet[41] = 2;
    ck_assert_int_eq(ip_read(bytes_of(packet, sizeof packet), &p), ERR_TRUNCATED);
    packet[41] = 0;
    packet[6] = packet[40] = IP_PROTOCOL_FRAGMENT; /* a Fragment header inside another */
    ck_assert_int_eq(ip_read(bytes_of(packet, sizeof packet), &p), ERR_SYNTAX);
    packet[40] = IP_PROTOCOL_UDP;
    ck_assert_ok(ip_read(bytes_of(packet, sizeof packet), &p));
    ck_assert(p.fragmentable_header && !ip_is_fragment(&p)); /* atomic, RFC 6946 */
    packet[5] = 7;
    ck_assert_int_eq(ip_read(bytes_of(packet, sizeof packet), &p), ERR_TRUNCATED);
}
END_TEST

START_TEST(ttl_goes_down_and_the_checksum_follows)
{
    uint8_t area[AREA];
    struct buf packet = udp_packet(area, 5, "192.0.2.1", "198.51.100.2");
    struct ip_packet p;

    for (int ttl = 63; ttl > 0; ttl--) {
        ck_assert(ip_decrement_ttl(packet.data, packet.len));
        ck_assert_ok(ip_read(buf_bytes(&packet), &p));
        ck_assert_int_eq(p.ttl, ttl);
    }
    ck_assert(!ip_decrement_ttl(packet.data, packet.len));
    ck_assert(!ip_decrement_ttl(packet.data, packet.len));
    packet = udp_packet(area, 5, "2001:db8::1", "2001:db8::2");
    packet.data[7] = 2;
    ck_assert(ip_decrement_ttl(packet.data, packet.len));
    ck_assert(!ip_decrement_ttl(packet.data, packet.len));
}
END_TEST

START_TEST(icmp_messages_survive_write_and_read)
{
    static const enum icmp_kind kinds[] = {ICMP_ECHO_REQUEST,
                                           ICMP_ECHO_REPLY,
                                           ICMP_TOO_BIG,
                                           ICMP_PORT_UNREACHABLE,
                                           ICMP_HOST_UNREACHABLE,
                                           ICMP_TIME_EXCEEDED,
                                           ICMP_REASSEMBLY_TIME_EXCEEDED};
    static const char *const ends[2][2] = {{"192.0.2.1", "198.51.100.2"},
                                           {"2001:db8::1", "2001:db8::2"}};
    uint8_t data[1400] = {1, 2, 3}, out[1500];

    for (int family = 0; family < 2; family++) {
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            struct ip_build ip = {.src = addr(ends[family][0]), .dst = addr(ends[family][1])};
            struct icmp_message m = {.kind = kinds[k], .data = bytes_of(data, sizeof data)}, back;
            struct buf b = {.data = out, .cap = sizeof out};
            struct ip_packet p;

            if (m.kind == ICMP_TOO_BIG)
                m.mtu = 1400;
            if (!icmp_is_error(m.kind))
                m.id = 0xbeef, m.sequence = 3;
            ck_assert_ok(icmp_write(&b, &ip, &m));
            ck_assert_ok(ip_read(buf_bytes(&b), &p));
            ck_assert_ok(icmp_read(&p, &back));
            ck_assert_int_eq(back.kind, m.kind);
            ck_assert_uint_eq(back.mtu, m.mtu);
            ck_assert(back.id == m.id && back.sequence == m.sequence);
            if (icmp_is_error(m.kind))
                ck_assert_uint_eq(b.len, family ? 1280 : 576);
            else
                ck_assert_uint_eq(back.data.len, sizeof data);
            b.data[b.len - 1] ^= 1;
            ck_assert_int_eq(icmp_read(&p, &back), ERR_CHECKSUM);
            b.cap = b.len - 1;
            ck_assert_int_eq(icmp_write(&b, &ip, &m), ERR_SPACE);
            m.kind = ICMP_OTHER;
            ck_assert_int_eq(icmp_write(&b, &ip, &m), ERR_UNSUPPORTED);
        }
    }
}
END_TEST

START_TEST(rewriting_keeps_checksums_right)
{
    static const char *const ends[2][3] = {{"10.0.0.1", "198.51.100.2", "203.0.113.77"},
                                           {"fd00::1", "2001:db8::2", "2001:db8:ffff::77"}};
    struct rng r = rng_stream(4, 0, RNG_TEST);

    for (int i = 0; i < 2000; i++) {
        uint8_t area[AREA];
        const char *const *e = ends[i % 2];
        enum rewrite_side side = i / 2 % 2 ? REWRITE_SOURCE : REWRITE_DESTINATION;
        struct buf packet = udp_packet(area, rng_below(&r, 300), e[0], e[1]);
        struct ip_endpoint to = endpoint(e[2], (uint16_t)rng_u32(&r));
        struct ip_packet p;
        struct udp_datagram u;

        ck_assert_ok(rewrite_endpoint(&packet, side, &to));
        ck_assert_ok(ip_read(buf_bytes(&packet), &p));
        ck_assert_ok(udp_read(&p, &u));
        ck_assert(ip_endpoint_equal(side == REWRITE_SOURCE ? &u.src : &u.dst, &to));
        ck_assert(u.checksummed);
        /* What was damaged before stays damaged. */
        packet.data[packet.len - 1] ^= 0x10;
        ck_assert_ok(rewrite_endpoint(&packet, side, &to));
        ck_assert_ok(ip_read(buf_bytes(&packet), &p));
        ck_assert_int_eq(udp_read(&p, &u), ERR_CHECKSUM);
    }
}
END_TEST

START_TEST(rewriting_leaves_absent_checksums_and_late_fragments_alone)
{
    uint8_t area[AREA], before[64];
    struct buf packet = udp_packet(area, 20, "10.0.0.1", "198.51.100.2");
    struct ip_endpoint to = endpoint("203.0.113.77", 1024), v6 = endpoint("::1", 1);
    struct ip_packet p;

    store_be16(packet.data + 26, 0);
    ck_assert_ok(rewrite_endpoint(&packet, REWRITE_SOURCE, &to));
    ck_assert_uint_eq(load_be16(packet.data + 26), 0);
    ck_assert_uint_eq(load_be16(packet.data + 20), 1024);
    poke(&packet, 7, 5); /* offset 40 */
    memcpy(before, packet.data + 20, 28);
    to.port = 2048;
    ck_assert_ok(rewrite_endpoint(&packet, REWRITE_SOURCE, &to));
    ck_assert_mem_eq(before, packet.data + 20, 28);
    ck_assert_ok(ip_read(buf_bytes(&packet), &p));
    ck_assert_int_eq(rewrite_endpoint(&packet, REWRITE_SOURCE, &v6), ERR_UNSUPPORTED);
    packet.len = 19;
    ck_assert_int_eq(rewrite_endpoint(&packet, REWRITE_SOURCE, &to), ERR_TRUNCATED);
}
END_TEST

START_TEST(rewriting_reaches_echo_identifiers)
{
    static const char *const ends[2][3] = {{"10.0.0.1", "198.51.100.2", "203.0.113.77"},
                                           {"fd00::1", "2001:db8::2", "2001:db8:ffff::77"}};

    for (int family = 0; family < 2; family++) {
        struct ip_build ip = {.src = addr(ends[family][0]), .dst = addr(ends[family][1])};
        struct icmp_message m = {.kind = ICMP_ECHO_REQUEST, .id = 5, .data = bytes_text("ping")};
        struct ip_endpoint to = endpoint(ends[family][2], 4711);
        uint8_t out[128];
        struct buf b = {.data = out, .cap = sizeof out};
        struct ip_packet p;

        ck_assert_ok(icmp_write(&b, &ip, &m));
        ck_assert_ok(rewrite_endpoint(&b, REWRITE_SOURCE, &to));
        ck_assert_ok(ip_read(buf_bytes(&b), &p));
        ck_assert_ok(icmp_read(&p, &m));
        ck_assert_uint_eq(m.id, 4711);
        ck_assert(ip_addr_equal(&p.src, &to.addr));
        ck_assert_int_eq(rewrite_quoted(&b, REWRITE_SOURCE, &to), ERR_NEXT_HEADER);
    }
}
END_TEST

/* RFC 5508 §4: a router beyond the NAT complains about a packet that left with mapped source. */
START_TEST(rewriting_reaches_the_packet_an_error_quotes)
{
    static const char *const ends[2][3] = {{"203.0.113.77", "198.51.100.2", "10.0.0.1"},
                                           {"2001:db8:ffff::77", "2001:db8::2", "fd00::1"}};

    for (int family = 0; family < 2; family++) {
        uint8_t area[AREA], out[1500];
        struct buf sent = udp_packet(area, 900, ends[family][0], ends[family][1]);
        struct buf error = {.data = out, .cap = sizeof out};
        struct ip_build ip = {.src = addr(ends[family][1]), .dst = addr(ends[family][0])};
        struct icmp_message m = {.kind = ICMP_TOO_BIG, .mtu = 900, .data = buf_bytes(&sent)};
        struct ip_endpoint inside = endpoint(ends[family][2], 5000);
        struct ip_packet p, quoted;

        ck_assert_ok(icmp_write(&error, &ip, &m));
        ck_assert_ok(rewrite_quoted(&error, REWRITE_SOURCE, &inside));
        ck_assert_ok(rewrite_endpoint(&error, REWRITE_DESTINATION, &inside));
        ck_assert_ok(ip_read(buf_bytes(&error), &p));
        ck_assert(ip_addr_equal(&p.dst, &inside.addr));
        ck_assert_ok(icmp_read(&p, &m));
        ck_assert_uint_eq(m.mtu, 900);
        ck_assert_ok(ip_read_quoted(m.data, &quoted));
        ck_assert(ip_addr_equal(&quoted.src, &inside.addr));
        ck_assert_uint_eq(load_be16(quoted.payload.data), 5000);
        /* The quoted packet is what the inside host sent, byte for byte. */
        ck_assert_ok(rewrite_endpoint(&sent, REWRITE_SOURCE, &inside));
        ck_assert_mem_eq(m.data.data, sent.data, m.data.len);
    }
}
END_TEST

START_TEST(random_packets_are_always_answered)
{
    struct rng r = rng_stream(5, 0, RNG_TEST);
    unsigned good = 0;

    for (int i = 0; i < 20000; i++) {
        size_t len = rng_below(&r, 120);
        uint8_t *data = malloc(len ? len : 1);
        struct ip_endpoint to = {.addr = {.family = 6}};
        struct ip_packet p;
        struct udp_datagram u;
        struct icmp_message m;
        struct buf b = {data, len, len};

        rng_fill(&r, data, len);
        if (len > 40) {
            data[0] = 0x60;
            data[4] = 0;
            data[5] = (uint8_t)(len - 40);
            data[6] = (uint8_t[]){0, 17, 43, 44, 58, 60}[rng_below(&r, 6)];
            data[40] = (uint8_t[]){0, 17, 43, 44, 58, 60}[rng_below(&r, 6)];
            data[41 % len] = (uint8_t)rng_below(&r, 4);
        }
        if (ip_read(bytes_of(data, len), &p) == OK) {
            good++;
            (void)!udp_read(&p, &u);
            (void)!icmp_read(&p, &m);
            (void)!rewrite_endpoint(&b, REWRITE_SOURCE, &to);
            (void)!rewrite_quoted(&b, REWRITE_SOURCE, &to);
        }
        free(data);
    }
    ck_assert_uint_gt(good, 1000);
}
END_TEST

SUITE("ip", addresses_in_text, random_addresses_survive_text, endpoints_and_order, prefixes,
      checksum_is_that_of_the_rfc, udp_datagrams_survive_write_and_read,
      every_flipped_bit_of_a_udp_packet_is_noticed, ip_headers_that_lie_are_refused,
      udp_checksum_zero_is_none_for_ipv4_only, ipv6_extension_headers_are_walked,
      ttl_goes_down_and_the_checksum_follows, icmp_messages_survive_write_and_read,
      rewriting_keeps_checksums_right, rewriting_leaves_absent_checksums_and_late_fragments_alone,
      rewriting_reaches_echo_identifiers, rewriting_reaches_the_packet_an_error_quotes,
      random_packets_are_always_answered)
