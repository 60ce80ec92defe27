/* sim/scenario: values, inheritance, addresses, the dump that reads back. */
#include "record/text.h"
#include "sim/address_plan.h"
#include "sim/scenario.h"
#include "sim/scenario_estimate.h"
#include "sim/scenario_units.h"
#include "suite.h"

#include <unistd.h>

static char errors[8192];

/* Load a text as a file would be; errors are kept. */
static enum err load_with(const char *text, size_t len, const struct scenario_override *overrides,
                          size_t count, struct scenario *out)
{
    char path[] = "/tmp/ikelab-scenario-XXXXXX";
    int fd = mkstemp(path);
    FILE *said = fmemopen(errors, sizeof errors, "w");
    enum err e;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, len), (int)len);
    close(fd);
    e = scenario_load(path, overrides, count, out, said);
    fclose(said);
    unlink(path);
    return e;
}

static struct scenario load(const char *text)
{
    struct scenario s;

    ck_assert_msg(load_with(text, strlen(text), NULL, 0, &s) == OK, "%s", errors);
    return s;
}

#define NET                                                                                        \
    "links: {lan: {sides: [homes, boxes], delay: 2ms}, access: {sides: [boxes, isp], delay: 18ms," \
    " up: {delay: 30ms, loss: {gemodel: {p: 1%, r: 25%}}}, rate: 50Mbit}, core: {sides: [isp, "    \
    "gw]}}\n"
#define HEAD "ikelab: 1\nname: t\nstop_time: 1.5min\n"
#define NODES                                                                                      \
    "nodes:\n  homes: {role: initiator, count: 7, connect: gw, arrivals: {ramp: {from: 6/min, "    \
    "to: "                                                                                         \
    "2/s, over: 10s}, at: 3s}, ike: {dpd_delay: 9s}, child: {rekey_time: 50s}}\n"                  \
    "  boxes: {role: nat, one_per: {homes: 2}, udp_timeout: 20s, filtering: address-dependent}\n"  \
    "  isp: {role: router}\n"                                                                      \
    "  gw: {role: responder, address: 198.51.100.1, protects: [10.0.0.0/16]}\n"

START_TEST(units_read)
{
    static const struct {
        enum dimension dimension;
        const char *text;
        uint64_t value;
    } good[] = {
        {DIMENSION_TIME, "0s", 0},
        {DIMENSION_TIME, "1.5ms", 1500000},
        {DIMENSION_TIME, "2 min", UINT64_C(120000000000)},
        {DIMENSION_TIME, "0.000000001s", 1},
        {DIMENSION_TIME, "366d", UINT64_C(31622400000000000)},
        {DIMENSION_BITRATE, "100Mbit", 100000000},
        {DIMENSION_BITRATE, "1.5kbit/s", 1500},
        {DIMENSION_SIZE, "64MiB", 67108864},
        {DIMENSION_SIZE, "1kB", 1000},
        {DIMENSION_PROBABILITY, "25%", UINT64_C(1) << 30},
        {DIMENSION_PROBABILITY, "0.25", UINT64_C(1) << 30},
        {DIMENSION_PROBABILITY, "100%", UINT64_C(1) << 32},
        {DIMENSION_PROBABILITY, "0.5%", 21474836},
        {DIMENSION_FREQUENCY, "100/s", 100000000},
        {DIMENSION_FREQUENCY, "6/min", 100000},
        {DIMENSION_MILLI, "1.8", 1800},
        {DIMENSION_COUNT, "0", 0},
        {DIMENSION_COUNT, "18446744073709551614", UINT64_MAX - 1},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        uint64_t v = 77;

        ck_assert_msg(!unit_read(good[i].dimension, good[i].text, &v), "%s", good[i].text);
        ck_assert_msg(v == good[i].value, "%s is %llu", good[i].text, (unsigned long long)v);
    }
}
END_TEST

START_TEST(units_refuse)
{
    static const struct {
        enum dimension dimension;
        const char *text;
    } bad[] = {
        {DIMENSION_TIME, ""},
        {DIMENSION_TIME, "30"},
        {DIMENSION_TIME, "s"},
        {DIMENSION_TIME, "-1s"},
        {DIMENSION_TIME, "+1s"},
        {DIMENSION_TIME, "1.s"},
        {DIMENSION_TIME, ".5s"},
        {DIMENSION_TIME, "1..5s"},
        {DIMENSION_TIME, "1e3s"},
        {DIMENSION_TIME, "1s "},
        {DIMENSION_TIME, " 1s"},
        {DIMENSION_TIME, "1 "},
        {DIMENSION_TIME, "0.1ns"},
        {DIMENSION_TIME, "1S"},
        {DIMENSION_TIME, "99999999999999999999s"},
        {DIMENSION_TIME, "200000000d"},
        {DIMENSION_TIME, "1h30min"},
        {DIMENSION_BITRATE, "1MBit"},
        {DIMENSION_BITRATE, "1Mbps"},
        {DIMENSION_BITRATE, "0.5bit"},
        {DIMENSION_SIZE, "1500"},
        {DIMENSION_SIZE, "1.5B"},
        {DIMENSION_SIZE, "1KB"},
        {DIMENSION_PROBABILITY, "1.1"},
        {DIMENSION_PROBABILITY, "101%"},
        {DIMENSION_PROBABILITY, "%"},
        {DIMENSION_PROBABILITY, "-1%"},
        {DIMENSION_FREQUENCY, "100"},
        {DIMENSION_FREQUENCY, "100s"},
        {DIMENSION_FREQUENCY, "100/d"},
        {DIMENSION_MILLI, "1.8888"},
        {DIMENSION_COUNT, "1.5"},
        {DIMENSION_COUNT, "1k"},
        {DIMENSION_COUNT, "0x10"},
        {DIMENSION_COUNT, "99999999999999999999"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t v = 77;

        ck_assert_msg(unit_read(bad[i].dimension, bad[i].text, &v) != NULL, "'%s' is taken",
                      bad[i].text);
        ck_assert_uint_eq(v, 77);
    }
}
END_TEST

START_TEST(units_write_reads_back)
{
    struct rng r = rng_stream(1, 1, RNG_TEST);
    char text[UNIT_TEXT_MAX];
    uint64_t back;

    for (int i = 0; i < 20000; i++) {
        enum dimension d = (enum dimension)(i % DIMENSION_COUNT_OF);
        uint64_t v = rng_u64(&r) >> (2 + rng_below(&r, 60));

        if (d == DIMENSION_PROBABILITY)
            v &= UINT32_MAX;
        else if (v > UINT64_C(100000000000000000) && d != DIMENSION_TIME)
            v %= UINT64_C(100000000000);
        unit_write(d, v, text);
        if (unit_read(d, text, &back))
            continue; /* larger than can be read at all */
        ck_assert_msg(back == v, "%llu is written %s", (unsigned long long)v, text);
    }
    unit_write(DIMENSION_PROBABILITY, 21474836, text);
    ck_assert_str_eq(text, "0.5%");
    unit_write(DIMENSION_TIME, UINT64_C(90000000000), text);
    ck_assert_str_eq(text, "90s");
}
END_TEST

START_TEST(values_defaults_and_inheritance)
{
    struct scenario s = load(HEAD "ike: {rekey_time: 100s}\n" NODES NET);
    const struct scenario_group *homes = &s.groups[0], *boxes = &s.groups[1], *gw = &s.groups[3];

    ck_assert_uint_eq(s.stop_time, 90 * NSEC_PER_S);
    ck_assert_uint_eq(s.seed, 1);
    ck_assert_uint_eq(homes->arrivals.kind, ARRIVALS_RAMP);
    ck_assert_uint_eq(homes->arrivals.rate_micro, 100000);
    ck_assert_uint_eq(homes->arrivals.to_micro, 2000000);
    ck_assert_uint_eq(homes->arrivals.at, 3 * NSEC_PER_S);
    ck_assert_int_eq(homes->connect, 3);
    ck_assert_uint_eq(boxes->count, 4); /* 7 homes, two a box */
    ck_assert_uint_eq(boxes->nat.mapping, NAT_ENDPOINT_INDEPENDENT);
    ck_assert_uint_eq(boxes->nat.filtering, NAT_ADDRESS_DEPENDENT);
    ck_assert_uint_eq(boxes->nat.udp_timeout_unreplied, 20 * NSEC_PER_S); /* not above the other */
    ck_assert_uint_eq(boxes->nat.port_first, 1024);
    ck_assert_uint_eq(s.node_count, 13);
    /* The group's own words over the scenario's over strongSwan's. */
    ck_assert_uint_eq(homes->ike.dpd_delay, 9 * NSEC_PER_S);
    ck_assert_uint_eq(gw->ike.dpd_delay, 0);
    ck_assert_uint_eq(gw->ike.lifetime.rekey_time, 100 * NSEC_PER_S);
    ck_assert_uint_eq(gw->ike.lifetime.rekey_jitter, 10 * NSEC_PER_S);
    ck_assert_uint_eq(gw->ike.lifetime.hard_time, 110 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.child.lifetime.rekey_time, 50 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.child.lifetime.hard_time, 55 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.child.lifetime.rekey_jitter, 5 * NSEC_PER_S);
    ck_assert_uint_eq(gw->ike.child.lifetime.rekey_time, 3600 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.retransmit.timeout, 4 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.retransmit.base_milli, 1800);
    ck_assert_uint_eq(homes->ike.retransmit.tries, 5);
    ck_assert_uint_eq(homes->ike.nat_keepalive, 20 * NSEC_PER_S);
    ck_assert_uint_eq(homes->ike.child.replay_window, 32);
    ck_assert(gw->ike.respond && !homes->ike.respond);
    ck_assert_str_eq(homes->ike.proposals[0].encr[0]->name, "aes256gcm16");
    scenario_reset(&s);
}
END_TEST

START_TEST(link_directions)
{
    struct scenario s = load(HEAD NODES NET);
    const struct link_words *up = &s.links[1].words[LINK_UP], *down = &s.links[1].words[LINK_DOWN];

    ck_assert_uint_eq(up->delay, 30 * NSEC_PER_MS);
    ck_assert_uint_eq(down->delay, 18 * NSEC_PER_MS);
    ck_assert_uint_eq(up->rate_bps, 50000000);
    ck_assert_uint_eq(up->loss.model, LOSS_GEMODEL);
    ck_assert_uint_eq(up->loss.r, UINT64_C(1) << 30);
    ck_assert_uint_eq(up->loss.loss_bad, PROBABILITY_ONE);
    ck_assert_uint_eq(up->loss.loss_good, 0);
    ck_assert_uint_eq(down->loss.model, LOSS_NONE);
    ck_assert_uint_eq(down->mtu, 1500);
    ck_assert_uint_eq(down->limit, 1000);
    ck_assert_uint_eq(s.links[0].members, 7);
    ck_assert_uint_eq(s.links[1].members, 4);
    scenario_reset(&s);
}
END_TEST

START_TEST(presets_then_words)
{
    struct scenario s = load(
        HEAD
        "ike: {preset: openiked-7.2, retransmit_tries: 3}\nchild: {replay_window: 99}\n" NODES NET);

    ck_assert_uint_eq(s.groups[3].ike.retransmit.timeout, 2 * NSEC_PER_S);
    ck_assert_uint_eq(s.groups[3].ike.retransmit.base_milli, 2000);
    ck_assert_uint_eq(s.groups[3].ike.retransmit.tries, 3);
    ck_assert_uint_eq(s.groups[3].ike.lifetime.rekey_time, 0);
    ck_assert_uint_eq(s.groups[3].ike.lifetime.hard_time, 0);
    ck_assert_uint_eq(s.groups[3].ike.child.lifetime.rekey_bytes, UINT64_C(4) << 30);
    ck_assert_uint_eq(s.groups[3].ike.child.replay_window, 99);
    scenario_reset(&s);
}
END_TEST

START_TEST(reauthentication_words)
{
    struct scenario s =
        load(HEAD "ike: {reauth_time: 100min, rekey_time: 30min, make_before_break: true, "
                  "childless: prefer}\n" NODES NET);
    const struct ike_config *c = &s.groups[3].ike;

    ck_assert_uint_eq(c->reauth_time, 6000 * NSEC_PER_S);
    /* over_time: a tenth of the longer; rand_time as long, unless that takes all of the shorter */
    ck_assert_uint_eq(c->lifetime.hard_time, 2400 * NSEC_PER_S);
    ck_assert_uint_eq(c->lifetime.rekey_jitter, 600 * NSEC_PER_S);
    ck_assert_uint_eq(c->reauth_jitter, 600 * NSEC_PER_S);
    ck_assert(c->make_before_break);
    ck_assert_int_eq(c->childless, CHILDLESS_PREFER);
    scenario_reset(&s);
    s = load(HEAD "ike: {reauth_time: 100min, rekey_time: 0s}\n" NODES NET);
    c = &s.groups[3].ike;
    ck_assert_uint_eq(c->lifetime.hard_time, 6600 * NSEC_PER_S);
    ck_assert_uint_eq(c->reauth_jitter, 600 * NSEC_PER_S);
    ck_assert(!c->make_before_break);
    ck_assert_int_eq(c->childless, CHILDLESS_NEVER);
    scenario_reset(&s);
    s = load(HEAD NODES NET); /* by default there is none */
    ck_assert_uint_eq(s.groups[3].ike.reauth_time + s.groups[3].ike.reauth_jitter, 0);
    scenario_reset(&s);
}
END_TEST

#define PHONES                                                                                     \
    "nodes:\n  phones: {role: initiator, count: 3, connect: gw, uplinks: [wifi, lte]}\n"           \
    "  box: {role: nat, one_per: {phones: 3}}\n  isp: {role: router}\n"                            \
    "  gw: {role: responder, protects: [10.0.0.0/16]}\n"                                           \
    "links: {wifi: {sides: [phones, box]}, lte: {sides: [phones, isp]}, home: {sides: [box, "      \
    "isp]}, core: {sides: [isp, gw]}}\n"

START_TEST(mobility_words)
{
    struct scenario s = load(HEAD "ike: {mobike: true, mobike_check: after, mobike_no_nats: true, "
                                  "mobike_from: 100.64.0.0/10}\n" PHONES
                                  "events: [{at: 5s, nodes: phones, do: switch, to: lte}]\n");
    const struct mobike_config *m = &s.groups[0].ike.mobike;
    struct address_plan plan;
    uint32_t second[3];

    ck_assert(m->on && m->no_nats);
    ck_assert_int_eq(m->check, MOBIKE_CHECK_AFTER);
    ck_assert_uint_eq(m->from.length, 10);
    ck_assert_int_eq(s.groups[0].uplink[0], 0);
    ck_assert_int_eq(s.groups[0].uplink[1], 1);
    ck_assert_int_eq(s.groups[3].uplink[0], SCENARIO_NONE);
    ck_assert_int_eq(s.events[0].action, ACTION_SWITCH);
    ck_assert_int_eq(s.events[0].link, 1);
    ck_assert_ok(address_plan_make(&s, &plan, stderr));
    for (uint32_t i = 0; i < 3; i++) { /* private at home, public on the way */
        ck_assert_int_eq(address_plan_of(&plan, i).behind, 3);
        ck_assert_int_eq(address_plan_of(&plan, i).second_behind, SCENARIO_NONE);
        ck_assert_uint_eq(address_plan_of(&plan, i).outer.bytes[0], 192);
        ck_assert_uint_eq(address_plan_of(&plan, i).second.bytes[0], 100);
        second[i] = load_be32(address_plan_of(&plan, i).second.bytes);
        ck_assert(!i || second[i] != second[i - 1]);
    }
    ck_assert_uint_eq(address_plan_of(&plan, 5).second.family, 0);
    address_plan_reset(&plan);
    scenario_reset(&s);
    s = load(HEAD NODES NET); /* by default there is none of it */
    ck_assert(!s.groups[3].ike.mobike.on);
    ck_assert_int_eq(s.groups[3].ike.mobike.check, MOBIKE_CHECK_BEFORE);
    ck_assert_uint_eq(s.groups[3].ike.mobike.from.addr.family, 0);
    scenario_reset(&s);
}
END_TEST

START_TEST(merge_keys_and_anchors)
{
    struct scenario s =
        load(HEAD NODES "x-slow: &slow {delay: 100ms, rate: 1Mbit}\n"
                        "links: {lan: {sides: [homes, boxes]}, access: {<<: *slow, sides: "
                        "[boxes, isp], delay: 7ms}, core: {sides: [isp, gw], <<: [*slow]}}\n");

    ck_assert_uint_eq(s.links[1].words[0].delay, 7 * NSEC_PER_MS); /* written out wins */
    ck_assert_uint_eq(s.links[1].words[0].rate_bps, 1000000);
    ck_assert_uint_eq(s.links[2].words[1].delay, 100 * NSEC_PER_MS);
    scenario_reset(&s);
}
END_TEST

START_TEST(addresses)
{
    struct scenario s = load(HEAD NODES NET);
    struct address_plan plan;

    ck_assert_ok(address_plan_make(&s, &plan, stderr));
    ck_assert_uint_eq(plan.count, 13);
    /* Homes 0 and 1 share box 0; box 1's inside begins again. floor(i * 4 / 7). */
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 0).outer.bytes), 0xc0a80002);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 1).outer.bytes), 0xc0a80003);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 2).outer.bytes), 0xc0a80002);
    ck_assert_int_eq(address_plan_of(&plan, 1).behind, 7);
    ck_assert_int_eq(address_plan_of(&plan, 2).behind, 8);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 6).inner.bytes), 0x0a800007);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 7).outer.bytes), 0x64400001);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 7).inside.bytes), 0xc0a80001);
    ck_assert_int_eq(address_plan_of(&plan, 7).behind, SCENARIO_NONE);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 12).outer.bytes), 0xc6336401);
    ck_assert_uint_eq(load_be32(address_plan_of(&plan, 12).inner.bytes), 0x0a000001);
    address_plan_reset(&plan);
    scenario_reset(&s);
}
END_TEST

START_TEST(load_of_links)
{
    struct scenario s = load(HEAD NODES NET "traffic: {f: {from: homes, to: gw, packet_rate: 10/s, "
                                            "size: 136B}, g: {from: gw, to: homes, rate: 1kbit, "
                                            "size: 64B}}\n");
    struct scenario_estimate e;

    ck_assert_ok(scenario_estimate(&s, &e));
    /* (136 + 64) bytes ten times a second; back: 64 bytes become 128. */
    ck_assert_uint_eq(e.links[0].load_bps[LINK_UP], 16000);
    ck_assert_uint_eq(e.links[0].load_bps[LINK_DOWN], 2000);
    ck_assert_uint_eq(e.links[1].load_bps[LINK_UP], 2 * 16000); /* the busiest box has two homes */
    ck_assert_uint_eq(e.links[2].load_bps[LINK_UP], 7 * 16000);
    ck_assert_uint_eq(e.links[2].load_bps[LINK_DOWN], 7 * 2000);
    scenario_estimate_reset(&e);
    scenario_reset(&s);
}
END_TEST

START_TEST(identities)
{
    struct scenario s = load(HEAD "ike: {id: \"user{n}@example.org\"}\n" NODES NET);
    struct identity id = scenario_identity(&s, 0, 6);

    ck_assert_uint_eq(id.type, 3);
    ck_assert_uint_eq(id.len, strlen("user6@example.org"));
    ck_assert_mem_eq(id.data, "user6@example.org", id.len);
    ck_assert_int_eq(scenario_identity_number(&s, 0), 4);
    scenario_reset(&s);
    s = load(HEAD NODES NET);
    id = scenario_identity(&s, 3, 0);
    ck_assert_uint_eq(id.type, 2);
    ck_assert_mem_eq(id.data, "gw-0.ikelab.example", id.len);
    ck_assert_int_eq(scenario_identity_number(&s, 3), 3);
    scenario_reset(&s);
}
END_TEST

START_TEST(authentication)
{
    struct scenario s = load(
        HEAD "ike: {auth: ecdsa, lookup: {latency: 50ms}}\n"
             "pki: {revoked: [\"homes[2..3]\", gw], crl: required, intermediates: 2}\n" NODES NET);
    const struct auth_config *homes = &s.groups[0].ike.auth, *gw = &s.groups[3].ike.auth;

    ck_assert_int_eq(homes->way, AUTH_CERTIFICATE);
    ck_assert_uint_eq(homes->accepted, AUTH_BIT(AUTH_CERTIFICATE));
    ck_assert_str_eq(gw->credential.suite->name, "ecdsa-256-sha256");
    ck_assert_int_eq(gw->credential.send, SEND_CERT_IF_ASKED);
    ck_assert(gw->look_up && homes->look_up);
    ck_assert_uint_eq(s.groups[3].ike_words.lookup.timeout, 5 * NSEC_PER_S);
    ck_assert(!s.groups[3].ike_words.lookup.accept);
    ck_assert(scenario_lists(&s.pki.revoked, 0, 2) && scenario_lists(&s.pki.revoked, 3, 0));
    ck_assert(!scenario_lists(&s.pki.revoked, 0, 4) && !scenario_lists(&s.pki.expired, 0, 2));
    ck_assert_uint_eq(s.pki.rsa_keys, 4);
    ck_assert_uint_eq(s.pki.crl, CERT_CRL_REQUIRED);
    ck_assert(!scenario_signs(&s.groups[1])); /* a NAT inherits words, but proves nothing */
    scenario_reset(&s);
}
END_TEST

/* What YAML 1.2 reads as the text "yes" is true in YAML 1.1, and so is what such writers make of
 * it. */
START_TEST(yes_is_yes_in_every_version_of_yaml)
{
    struct scenario s =
        load(HEAD "nodes:\n"
                  "  a: {role: initiator, connect: gw, ike: {fragmentation: true}}\n"
                  "  b: {role: initiator, connect: gw, ike: {fragmentation: yes}}\n"
                  "  c: {role: initiator, connect: gw, ike: {fragmentation: false}}\n"
                  "  isp: {role: router}\n"
                  "  gw: {role: responder, address: 198.51.100.1, ike: {fragmentation: accept}}\n"
                  "links: {la: {sides: [a, isp]}, lb: {sides: [b, isp]}, lc: {sides: [c, isp]}, "
                  "lg: {sides: [isp, gw]}}\n");

    ck_assert_int_eq(s.groups[0].ike.fragmentation, FRAGMENTATION_YES);
    ck_assert_int_eq(s.groups[1].ike.fragmentation, FRAGMENTATION_YES);
    ck_assert_int_eq(s.groups[2].ike.fragmentation, FRAGMENTATION_NO);
    ck_assert_int_eq(s.groups[4].ike.fragmentation, FRAGMENTATION_ACCEPT);
    scenario_reset(&s);
}
END_TEST

START_TEST(each_accepts_the_ways_of_its_peers)
{
    struct scenario s =
        load(HEAD "pki: {form: raw-keys}\n"
                  "nodes:\n"
                  "  a: {role: initiator, connect: gw, ike: {auth: null}}\n"
                  "  b: {role: initiator, connect: gw, ike: {auth: rsa-sha512}}\n"
                  "  c: {role: initiator, connect: other, ike: {auth: \"null\"}}\n"
                  "  isp: {role: router}\n"
                  "  gw: {role: responder, address: 198.51.100.1, ike: {auth: ed448}}\n"
                  "  other: {role: responder, address: 198.51.100.2}\n"
                  "links: {la: {sides: [a, isp]}, lb: {sides: [b, isp]}, lc: {sides: [c, isp]}, "
                  "lg: {sides: [isp, gw]}, lo: {sides: [isp, other]}}\n");

    ck_assert_int_eq(s.groups[0].ike.auth.way, AUTH_NULL);
    ck_assert_int_eq(s.groups[1].ike.auth.way, AUTH_RAW_KEY);
    ck_assert_str_eq(s.groups[1].ike.auth.credential.suite->name, "rsa-sha512");
    ck_assert_int_eq(s.groups[2].ike.auth.way, AUTH_NULL);
    ck_assert_uint_eq(s.groups[0].ike.auth.accepted, AUTH_BIT(AUTH_RAW_KEY));
    ck_assert_uint_eq(s.groups[2].ike.auth.accepted, AUTH_BIT(AUTH_PSK));
    ck_assert_uint_eq(s.groups[4].ike.auth.accepted, AUTH_BIT(AUTH_NULL) | AUTH_BIT(AUTH_RAW_KEY));
    ck_assert_uint_eq(s.groups[5].ike.auth.accepted, AUTH_BIT(AUTH_NULL));
    ck_assert_uint_eq(s.groups[5].ike_words.lookup.latency, NSEC_NEVER);
    scenario_reset(&s);
}
END_TEST

/* Each word names a suite for its kind of key, and is as long as the table says. */
START_TEST(every_auth_word_is_sound)
{
    for (uint32_t word = 0; word < AUTH_WORD_COUNT; word++) {
        struct scenario_auth a = scenario_auth(&(struct ike_words){.auth = word});

        ck_assert_msg((a.suite != NULL) == (a.way == AUTH_CERTIFICATE), "%s", a.word);
        ck_assert_msg(!a.suite || a.suite->key == a.key, "%s", a.word);
    }
}
END_TEST

START_TEST(events_thresholds_capture)
{
    struct scenario s = load(
        HEAD NODES NET
        "traffic: {f: {from: homes, to: gw, rate: 1kbit, size: [64B, 100B], direction: both}}\n"
        "events: [{at: 9s, links: core, do: link_down, for: 1s}, {at: 5s, nodes: [\"boxes[1..2]\", "
        "gw], do: reboot}, {at: 10s, nodes: homes, do: skip_sequence, packets: 4294967296}]\n"
        "thresholds: {ike.setup_time_s: [\"p(99.9) <= 1.5s\", \"count==7\"], "
        "\"esp.delivered_ratio@f\": [\">95.5%\"], esp.throughput_bps: [\">=1kbit\"]}\n");

    ck_assert_uint_eq(s.event_count, 3);
    ck_assert_uint_eq(s.events[0].at, 5 * NSEC_PER_S); /* by time */
    ck_assert_str_eq(s.events[0].label, "boxes reboot");
    ck_assert_uint_eq(s.events[0].range_count, 2);
    ck_assert_uint_eq(s.events[0].ranges[0].last, 2);
    ck_assert(s.events[1].on_links);
    ck_assert_uint_eq(s.events[1].duration, NSEC_PER_S);
    ck_assert_uint_eq(s.events[2].packets, UINT64_C(1) << 32);
    ck_assert_uint_eq(s.threshold_count, 4);
    ck_assert_uint_eq(s.thresholds[0].percentile_ppm, 999000);
    ck_assert_uint_eq(s.thresholds[0].limit.value, 1500000000);
    ck_assert_uint_eq(s.thresholds[0].limit.decimals, 9);
    ck_assert_int_eq(s.thresholds[0].op, COMPARE_LE);
    ck_assert_uint_eq(s.thresholds[1].limit.value, 7);
    ck_assert_uint_eq(s.thresholds[2].limit.value, 955);
    ck_assert_uint_eq(s.thresholds[2].limit.decimals, 3);
    ck_assert_uint_eq(s.thresholds[3].limit.value, 1000);
    ck_assert_uint_eq(s.capture.of_count, 4); /* by default the first ten of each */
    ck_assert_uint_eq(s.capture.of[0].last, 6);
    ck_assert_uint_eq(s.capture.max_size, 64 << 20);
    ck_assert(s.flows[0].both && s.flows[0].start_up);
    ck_assert_uint_eq(s.flows[0].duration, NSEC_NEVER);
    ck_assert_uint_eq(s.flows[0].size, SIZE_RANGE);
    scenario_reset(&s);
}
END_TEST

START_TEST(overrides)
{
    const struct scenario_override good[] = {
        {"links.core.loss.random", "2%"}, {"nodes.homes.count", "3"}, {"ike.dpd_delay", "1s"}};
    const struct scenario_override bad[] = {{"links.core.sides.7", "gw"}};
    const char text[] = HEAD NODES NET;
    struct scenario s;

    ck_assert_msg(load_with(text, strlen(text), good, 3, &s) == OK, "%s", errors);
    ck_assert_uint_eq(s.links[2].words[0].loss.model, LOSS_RANDOM);
    ck_assert_uint_eq(s.groups[0].count, 3);
    ck_assert_uint_eq(s.groups[1].count, 2);
    ck_assert_uint_eq(s.groups[3].ike.dpd_delay, NSEC_PER_S);
    scenario_reset(&s);
    ck_assert_int_eq(load_with(text, strlen(text), bad, 1, &s), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(errors, "--set links.core.sides.7: error: there is no item"));
}
END_TEST

/* A group's own list takes the place of the scenario's; one may stand without brackets. */
START_TEST(quirks)
{
    const struct scenario_override own[] = {{"nodes.gw.ike.quirks", "strongswan-2477"}};
    const char text[] = HEAD "ike: {quirks: [strongswan-1896, libreswan-514]}\n" NODES NET;
    struct scenario s = load(text);
    struct text out;

    ck_assert_uint_eq(s.groups[0].ike.quirks, QUIRK_STRONGSWAN_1896 | QUIRK_LIBRESWAN_514);
    scenario_reset(&s);
    ck_assert_msg(load_with(text, strlen(text), own, 1, &s) == OK, "%s", errors);
    ck_assert_uint_eq(s.groups[0].ike.quirks, QUIRK_STRONGSWAN_1896 | QUIRK_LIBRESWAN_514);
    ck_assert_uint_eq(s.groups[3].ike.quirks, QUIRK_STRONGSWAN_2477);
    text_init(&out, NULL);
    scenario_dump_json(&s, &out, 0);
    ck_assert_ptr_nonnull(strstr(out.data, "libreswan-514"));
    text_reset(&out);
    scenario_reset(&s);
    s = load(HEAD NODES NET);
    ck_assert_uint_eq(s.groups[0].ike.quirks, 0);
    text_init(&out, NULL);
    scenario_dump_json(&s, &out, 0);
    ck_assert_ptr_null(strstr(out.data, "quirks"));
    text_reset(&out);
    scenario_reset(&s);
}
END_TEST

/* What is written out is a scenario that means the same, and is written out the same. */
START_TEST(dump_reads_back)
{
    static const char *const files[] = {
        "road-warriors",    "handshake-lan",   "nat-rebind",   "lossy-mobile",
        "rekey-under-loss", "gateway-restart", "certificates", "../tests/scenarios/lesson",
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct scenario s, again;
        struct text first, second;
        char path[128];

        snprintf(path, sizeof path, "scenarios/%s.yaml", files[i]);
        ck_assert_ok(scenario_load(path, NULL, 0, &s, stderr));
        text_init(&first, NULL);
        scenario_dump_json(&s, &first, 0);
        again = load(first.data);
        text_init(&second, NULL);
        scenario_dump_json(&again, &second, 0);
        ck_assert_str_eq(first.data, second.data);
        ck_assert_uint_eq(again.node_count, s.node_count);
        ck_assert_mem_eq(again.links[0].words, s.links[0].words, sizeof s.links[0].words);
        ck_assert_uint_eq(strlen(s.sha256), 64);
        text_reset(&first);
        text_reset(&second);
        scenario_reset(&s);
        scenario_reset(&again);
    }
}
END_TEST

/* Directions have their own, by kind and number; the dump has them as written. */
START_TEST(fates_of_packets)
{
    struct scenario s = load("ikelab: 1\nstop_time: 30s\n"
                             "nodes:\n  a: {role: initiator, connect: b}\n  b: {role: responder}\n"
                             "links:\n  wire:\n    sides: [a, b]\n    packets:\n"
                             "      - {direction: down, number: 7, at: [3s, 2s]}\n"
                             "      - {direction: up, number: 3, kind: esp, lost: true}\n"
                             "      - {direction: up, number: 4, at: 1.5s}\n"
                             "events: [{at: 5s, nodes: [a, b], do: rekey_ike}]\n");
    const struct link_words *up = &s.links[0].words[LINK_UP], *down = &s.links[0].words[LINK_DOWN];
    struct scenario again;
    struct text text, second;

    ck_assert_uint_eq(up->fate_count, 2);
    ck_assert_uint_eq(up->fates[0].kind, FATE_IKE);
    ck_assert_uint_eq(up->fates[0].number, 4);
    ck_assert_uint_eq(up->fates[0].at[0], 1500 * NSEC_PER_MS);
    ck_assert_uint_eq(up->fates[1].kind, FATE_ESP);
    ck_assert(up->fates[1].lost);
    ck_assert_uint_eq(down->fate_count, 1);
    ck_assert_uint_eq(down->fates[0].at_count, 2);
    ck_assert_uint_eq(down->fates[0].at[0], 2 * NSEC_PER_S);
    ck_assert_str_eq(s.events[0].label, "a rekey_ike");

    text_init(&text, NULL);
    scenario_dump_json(&s, &text, 0);
    again = load(text.data);
    text_init(&second, NULL);
    scenario_dump_json(&again, &second, 0);
    ck_assert_str_eq(text.data, second.data);
    ck_assert_uint_eq(again.links[0].fate_count, 3);
    text_reset(&text);
    text_reset(&second);
    scenario_reset(&s);
    scenario_reset(&again);
}
END_TEST

/* A lesson is written out as it was read, and is no part of what runs. */
START_TEST(lessons)
{
    struct scenario s, plain = load(HEAD NODES NET);
    struct text text;

    ck_assert_uint_eq(plain.lesson.situation, 0);
    scenario_reset(&plain);
    ck_assert_ok(scenario_load("tests/scenarios/lesson.yaml", NULL, 0, &s, stderr));
    ck_assert_uint_eq(s.lesson.situation, 4);
    ck_assert_str_eq(s.lesson.shows,
                     "Two lines become one, and letters such as § and ü stay what they are.");
    ck_assert_str_eq(s.lesson.sibling, "edges");
    ck_assert_uint_eq(s.lesson.section_count, 3);
    ck_assert_uint_eq(s.lesson.question_count, 3);
    ck_assert_uint_eq(s.lesson.questions[0].at, 70 * NSEC_PER_S);
    ck_assert_uint_eq(s.lesson.questions[0].look, LOOK_NAT);
    ck_assert_uint_eq(s.lesson.questions[2].at, NSEC_NEVER);
    ck_assert_uint_eq(s.lesson.questions[2].look, LOOK_NONE);
    text_init(&text, NULL);
    scenario_lesson_json(&s.lesson, &text, 0, true);
    ck_assert_ptr_nonnull(strstr(text.data, "\"at\": \"70s\""));
    ck_assert_ptr_nonnull(strstr(text.data, "\"at_ns\": 70000000000"));
    text_reset(&text);
    scenario_reset(&s);
}
END_TEST

/* Who calls with what, who answers what; a fleet in the middle of its migration. */
START_TEST(versions_of_ike)
{
    struct scenario s =
        load(HEAD "ike: {proposals: [aes256gcm16-prfsha256-x25519, aes256-sha256-modp2048]}\n"
                  "nodes:\n"
                  "  a: {role: initiator, connect: gw, ike: {version: 1}}\n"
                  "  b: {role: initiator, connect: gw, ike: {version: 1, mode: aggressive, "
                  "proposals: [aes256-sha256-modp2048]}}\n"
                  "  c: {role: initiator, connect: gw, ike: {mobike: true}}\n"
                  "  d: {role: initiator, connect: old, ike: {version: 1}}\n"
                  "  isp: {role: router}\n"
                  "  gw: {role: responder, address: 198.51.100.1, ike: {version: 0, mobike: "
                  "true, mode: aggressive}}\n"
                  "  old: {role: responder, address: 198.51.100.2, ike: {version: 1}}\n"
                  "links: {la: {sides: [a, isp]}, lb: {sides: [b, isp]}, lc: {sides: [c, isp]}, "
                  "ld: {sides: [d, isp]}, lg: {sides: [isp, gw]}, lo: {sides: [isp, old]}}\n"
                  "thresholds: {ike.v1.round_trips_mean: [\"==4\"], ike.v2.failed: [\"==0\"]}\n");
    const struct ike_config *a = &s.groups[0].ike, *b = &s.groups[1].ike, *c = &s.groups[2].ike;

    ck_assert_uint_eq(a->version, IKE_V1);
    ck_assert_int_eq(a->phase1, PHASE1_MAIN);
    ck_assert_int_eq(b->phase1, PHASE1_AGGRESSIVE);
    ck_assert_uint_eq(c->version, IKE_V2);
    ck_assert_uint_eq(s.groups[5].ike.answers, 1u << IKE_V1 | 1u << IKE_V2);
    ck_assert_uint_eq(s.groups[6].ike.answers, 1u << IKE_V1);
    ck_assert(scenario_calls_with_v1(&s.groups[0]) && !scenario_calls_with_v1(&s.groups[2]));
    ck_assert(scenario_speaks_v1(&s.groups[5]) && !scenario_speaks_v1(&s.groups[4]));
    ck_assert(scenario_has_v1(&s));
    scenario_reset(&s);
    s = load(HEAD NODES NET);
    ck_assert(!scenario_has_v1(&s));
    ck_assert_uint_eq(s.groups[0].ike.version, IKE_V2);
    ck_assert_uint_eq(s.groups[3].ike.answers, 1u << IKE_V2);
    scenario_reset(&s);
    /* What is told of versions where there is one has no path. */
    ck_assert_int_eq(load_with(HEAD NODES NET "thresholds: {ike.v1.failed: [\"==0\"]}\n",
                               strlen(HEAD NODES NET "thresholds: {ike.v1.failed: [\"==0\"]}\n"),
                               NULL, 0, &s),
                     ERR_USAGE);
}
END_TEST

SUITE("scenario", units_read, units_refuse, units_write_reads_back, values_defaults_and_inheritance,
      link_directions, presets_then_words, reauthentication_words, mobility_words,
      merge_keys_and_anchors, addresses, load_of_links, identities, authentication,
      each_accepts_the_ways_of_its_peers, every_auth_word_is_sound, events_thresholds_capture,
      overrides, yes_is_yes_in_every_version_of_yaml, quirks, dump_reads_back, fates_of_packets,
      lessons, versions_of_ike)
