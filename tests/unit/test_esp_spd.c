/* Selectors by brute force over a small world; the SPD against a plain list. */
#include "base/rng.h"
#include "proto/esp/spd.h"
#include "suite.h"

static struct ip_addr v4(uint32_t last)
{
    return ip_addr_v4(UINT32_C(0x0a000000) + last);
}

static struct ip_addr v6(uint8_t high, uint8_t low)
{
    uint8_t b[16] = {0x20, 1, 0x0d, 0xb8, 0, 0, 0, high, [15] = low};

    return ip_addr_v6(b);
}

static uint16_t some_port(struct rng *r)
{
    static const uint16_t ports[] = {0, 1, 2, 65534, 65535};

    return ports[rng_below(r, 5)];
}

/* Addresses 0..7 of either family, few protocols and ports; one in six OPAQUE. */
static struct selector some_selector(struct rng *r)
{
    uint8_t a = (uint8_t)rng_below(r, 8), b = (uint8_t)rng_below(r, 8);
    bool six = rng_below(r, 3) == 0;
    struct selector s = {.port_last = 65535};
    uint8_t low = a < b ? a : b, high = a < b ? b : a;

    s.first = six ? v6(low, 0) : v4(low);
    s.last = six ? v6(high, 255) : v4(high);
    s.protocol = (uint8_t)(rng_below(r, 3) * 6);
    if (rng_below(r, 6) == 0) {
        s.port_first = 65535;
        s.port_last = 0;
    } else if (rng_below(r, 2)) {
        uint16_t p = some_port(r), q = some_port(r);

        s.port_first = p < q ? p : q;
        s.port_last = p < q ? q : p;
    }
    return s;
}

static bool same_matches(const struct selector *a, const struct selector *b,
                         const struct selector *both, bool subset)
{
    static const uint8_t protocols[] = {1, 6, 12};
    static const uint16_t ports[] = {0, 1, 2, 3, 65533, 65534, 65535};

    for (int i = 0; i < 16; i++) {
        struct ip_addr addr = i < 8 ? v4((uint32_t)i) : v6((uint8_t)(i - 8), 77);

        for (int k = 0; k < 3 * 7 * 2; k++) {
            uint8_t protocol = protocols[k % 3];
            uint16_t port = ports[k / 3 % 7];
            bool known = k / 21;
            bool ma = selector_match(a, &addr, protocol, port, known);
            bool mb = selector_match(b, &addr, protocol, port, known);

            if ((both && selector_match(both, &addr, protocol, port, known)) != (ma && mb))
                return false;
            if (subset && ma && !mb)
                return false;
        }
    }
    return true;
}

/* RFC 4301 §4.4.1.1, RFC 7296 §3.13.1 */
START_TEST(intersection_and_subset_by_brute_force)
{
    struct rng r = rng_stream(1, 1, RNG_TEST);
    int met = 0, inside = 0;

    for (int i = 0; i < 6000; i++) {
        struct selector a = some_selector(&r), b = some_selector(&r), both;
        bool meets = selector_intersect(&a, &b, &both), subset = selector_subset(&a, &b);

        ck_assert(selector_valid(&a));
        ck_assert(same_matches(&a, &b, meets ? &both : NULL, subset));
        ck_assert(!meets || (selector_subset(&both, &a) && selector_subset(&both, &b)));
        ck_assert_int_eq(subset, meets && selector_equal(&both, &a));
        met += meets;
        inside += subset;
    }
    ck_assert_int_gt(met, 500);
    ck_assert_int_gt(inside, 50);
}
END_TEST

/* RFC 7296 §2.23.1: one host under another address; what is none stays as it is. */
START_TEST(the_address_of_a_selector_is_another)
{
    struct selector s = selector_host(v4(1)), before;
    struct ip_addr to = v4(9), six = {.family = 6};

    s.protocol = 17;
    s.port_first = s.port_last = 1701;
    ck_assert(selector_readdress(&s, &to));
    ck_assert(ip_addr_equal(&s.first, &to) && ip_addr_equal(&s.last, &to));
    ck_assert(s.protocol == 17 && s.port_first == 1701 && s.port_last == 1701);
    before = s;
    ck_assert(!selector_readdress(&s, &six) && selector_equal(&s, &before));
    s.last = before.last = v4(10);
    ck_assert(!selector_readdress(&s, &to) && selector_equal(&s, &before));
}
END_TEST

START_TEST(malformed_selectors)
{
    struct selector s = selector_host(v4(1));

    ck_assert(selector_valid(&s));
    s.first = v4(2);
    ck_assert(!selector_valid(&s));
    s = selector_any(6);
    ck_assert(selector_valid(&s));
    s.first.family = 4;
    ck_assert(!selector_valid(&s));
    s = selector_any(4);
    s.port_first = 2;
    s.port_last = 1;
    ck_assert(!selector_valid(&s));
    s = (struct selector){0};
    ck_assert(!selector_valid(&s));
}
END_TEST

/* What flow_read must refuse, or read without ports. */
START_TEST(flows_of_odd_packets)
{
    uint8_t p[128] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 0, 2};
    struct flow f;
    size_t total;

    ck_assert_ok(flow_read(bytes_of(p, 100), &f, &total));
    ck_assert_uint_eq(total, 28);
    ck_assert(f.ports_known && !f.fragment && f.src_port == 256 && f.dst_port == 512);
    for (size_t len = 0; len < 28; len++)
        ck_assert(flow_read(bytes_of(p, len), &f, &total) != OK);
    p[6] = 0x20; /* first fragment: shows its ports */
    ck_assert_ok(flow_read(bytes_of(p, 28), &f, &total));
    ck_assert(f.ports_known && f.fragment);
    p[7] = 1; /* a later one does not */
    ck_assert_ok(flow_read(bytes_of(p, 28), &f, &total));
    ck_assert(!f.ports_known && f.fragment);
    p[6] = p[7] = 0;
    p[0] = 0x44;
    ck_assert_int_eq(flow_read(bytes_of(p, 28), &f, &total), ERR_SYNTAX);
    p[0] = 0x4f; /* header longer than the packet */
    ck_assert_int_eq(flow_read(bytes_of(p, 28), &f, &total), ERR_LENGTH);
    p[0] = 0x55;
    ck_assert_int_eq(flow_read(bytes_of(p, 28), &f, &total), ERR_VERSION);
    p[0] = 0x45;
    p[9] = 1;
    ck_assert_ok(flow_read(bytes_of(p, 28), &f, &total));
    ck_assert(f.ports_known && f.src_port == 0x100 && f.dst_port == 0x100); /* type 1 code 0 */
    p[9] = 47;
    ck_assert_ok(flow_read(bytes_of(p, 28), &f, &total));
    ck_assert(!f.ports_known);
}
END_TEST

START_TEST(flows_through_ipv6_extensions)
{
    uint8_t p[128] = {0x60, 0, 0, 0, 0, 40, 0, 64};
    struct flow f;
    size_t total;

    p[40] = 60; /* hop-by-hop, 8 bytes; then destination options, 16 bytes; then TCP */
    p[48] = 6;
    p[49] = 1;
    p[65] = 80;
    ck_assert_ok(flow_read(bytes_of(p, 80), &f, &total));
    ck_assert_uint_eq(total, 80);
    ck_assert(f.protocol == 6 && f.src_port == 80 && f.ports_known);
    p[49] = 9; /* options longer than the packet */
    ck_assert_int_eq(flow_read(bytes_of(p, 80), &f, &total), ERR_TRUNCATED);
    p[49] = 1;
    p[40] = 44; /* a fragment header, first fragment, more to come */
    p[51] = 1;
    p[57] = 80;
    ck_assert_ok(flow_read(bytes_of(p, 80), &f, &total));
    ck_assert(f.protocol == 6 && f.fragment && f.ports_known);
    p[51] = 9;
    ck_assert_ok(flow_read(bytes_of(p, 80), &f, &total));
    ck_assert(f.protocol == 6 && f.fragment && !f.ports_known);
    ck_assert_int_eq(flow_read(bytes_of(p, 79), &f, &total), ERR_LENGTH);
    p[5] = 0;
    ck_assert_int_eq(flow_read(bytes_of(p, 80), &f, &total), ERR_TRUNCATED);
}
END_TEST

/* The rule of spd.h in its plainest form: a list, searched whole. */
struct entry {
    struct selector local[2], remote[2];
    uint8_t locals, remotes;
    struct handle policy;
    uint32_t age;
    bool alive;
};

static int covering(const struct selector *s)
{
    int bits = s->first.family == 4 ? 32 : 128, n = 0;

    while (n < bits &&
           (s->first.bytes[n / 8] >> (7 - n % 8) & 1) == (s->last.bytes[n / 8] >> (7 - n % 8) & 1))
        n++;
    return n;
}

static int64_t order_of(const struct selector *s, uint32_t age)
{
    int any_port = s->port_first == 0 && s->port_last == 65535;
    int64_t rank = covering(s) * 4 + (s->protocol ? 2 : 0) + (any_port ? 0 : 1);

    return rank << 32 | age;
}

static bool takes(const struct selector *s, uint8_t count, const struct ip_addr *a,
                  const struct flow *f, uint16_t port)
{
    for (int i = 0; i < count; i++)
        if (selector_match(&s[i], a, f->protocol, port, f->ports_known))
            return true;
    return false;
}

static const struct entry *list_lookup(const struct entry *e, int count, const struct flow *f)
{
    const struct entry *best = NULL;
    int64_t best_order = -1;

    for (int i = 0; i < count; i++) {
        if (!e[i].alive || !takes(e[i].local, e[i].locals, &f->src, f, f->src_port))
            continue;
        for (int k = 0; k < e[i].remotes; k++) {
            int64_t order = order_of(&e[i].remote[k], e[i].age);

            if (takes(&e[i].remote[k], 1, &f->dst, f, f->dst_port) && order > best_order) {
                best = &e[i];
                best_order = order;
            }
        }
    }
    return best;
}

static struct flow some_flow(struct rng *r)
{
    bool six = rng_below(r, 3) == 0;
    struct flow f = {
        .src_port = some_port(r), .dst_port = some_port(r), .ports_known = rng_below(r, 4) != 0};

    f.protocol = (uint8_t)(rng_below(r, 3) * 6);
    f.src = six ? v6((uint8_t)rng_below(r, 8), 1) : v4((uint32_t)rng_below(r, 8));
    f.dst = six ? v6((uint8_t)rng_below(r, 8), 9) : v4((uint32_t)rng_below(r, 8));
    return f;
}

enum { POLICIES = 40 };

static void entry_add(struct spd *spd, struct entry *e, struct rng *r, uint32_t age)
{
    struct spd_selectors s = {.local = e->local, .remote = e->remote};

    *e = (struct entry){.age = age, .alive = true};
    e->locals = s.local_count = (uint8_t)(1 + rng_below(r, 2));
    e->remotes = s.remote_count = (uint8_t)(1 + rng_below(r, 2));
    for (int i = 0; i < 2; i++) {
        e->local[i] = rng_below(r, 2) ? selector_any(rng_below(r, 3) ? 4 : 6) : some_selector(r);
        e->remote[i] = some_selector(r);
    }
    ck_assert_ok(spd_add(spd, 0, &s, &e->policy));
    spd_point(spd, e->policy, age);
}

/* RFC 4301 §4.4.1, §5.1 */
START_TEST(lookup_agrees_with_a_plain_list)
{
    struct rng r = rng_stream(2, 2, RNG_TEST);
    static struct entry e[POLICIES];
    struct spd spd;
    int found = 0;

    memset(e, 0, sizeof e);
    ck_assert_ok(spd_init(&spd, POLICIES, 2));
    for (uint32_t step = 1; step < 20000; step++) {
        struct entry *one = &e[rng_below(&r, POLICIES)];
        struct flow f = some_flow(&r), back = flow_reverse(&f);
        const struct entry *expected;
        struct handle policy;
        uint32_t child;
        enum err got;

        if (!one->alive)
            entry_add(&spd, one, &r, step);
        else if (rng_below(&r, 3) == 0) {
            spd_drop(&spd, one->policy);
            one->alive = false;
        }
        expected = list_lookup(e, POLICIES, &f);
        got = spd_lookup(&spd, 0, &f, &policy, &child);
        ck_assert_int_eq(got, expected ? OK : ERR_NO_POLICY);
        if (!expected)
            continue;
        found++;
        ck_assert_uint_eq(policy.index, expected->policy.index);
        ck_assert_uint_eq(child, expected->age);
        ck_assert(spd_allows(&spd, policy.index, &back)); /* what may go out may come back */
    }
    ck_assert_int_gt(found, 5000);
    spd_reset(&spd);
}
END_TEST

START_TEST(bad_policies_are_refused)
{
    struct selector any = selector_any(4), bad = any;
    struct spd_selectors s = {&any, &any, 1, 1};
    struct handle h;
    struct spd spd;

    bad.first.family = 6;
    ck_assert_ok(spd_init(&spd, 1, 1));
    s.local_count = 0;
    ck_assert_int_eq(spd_add(&spd, 0, &s, &h), ERR_TS);
    s.local_count = 2; /* more than a side may have here */
    ck_assert_int_eq(spd_add(&spd, 0, &s, &h), ERR_TS);
    s.local_count = 1;
    s.remote = &bad;
    ck_assert_int_eq(spd_add(&spd, 0, &s, &h), ERR_TS);
    s.remote = &any;
    ck_assert_ok(spd_add(&spd, 0, &s, &h));
    ck_assert_int_eq(spd_add(&spd, 0, &s, &h), ERR_FULL);
    spd_reset(&spd);
}
END_TEST

/* Rekey: two children hold the policy, the packets follow the pointer, the last drop ends it. */
START_TEST(a_policy_outlives_a_child)
{
    struct selector any = selector_any(4);
    struct spd_selectors s = {&any, &any, 1, 1};
    struct flow f = {.src = v4(1), .dst = v4(2), .protocol = 17};
    struct handle h, policy;
    uint32_t child;
    struct spd spd;

    ck_assert_ok(spd_init(&spd, 2, 1));
    ck_assert_ok(spd_add(&spd, 0, &s, &h));
    ck_assert_int_eq(spd_lookup(&spd, 0, &f, &policy, &child), ERR_NO_SA);
    spd_point(&spd, h, 1);
    ck_assert(spd_hold(&spd, h));
    spd_point(&spd, h, 2);
    spd_drop(&spd, h);
    ck_assert_ok(spd_lookup(&spd, 0, &f, &policy, &child));
    ck_assert_uint_eq(child, 2);
    ck_assert(spd_allows(&spd, h.index, &f));
    spd_drop(&spd, h);
    ck_assert_int_eq(spd_lookup(&spd, 0, &f, &policy, &child), ERR_NO_POLICY);
    ck_assert(!spd_allows(&spd, h.index, &f));
    ck_assert(!spd_allows(&spd, 1, &f)); /* there never was one */
    spd_reset(&spd);
}
END_TEST

/* A policy that cannot be held any more stays as it is; who asked makes one of its own. */
START_TEST(a_policy_has_so_many_holders_at_most)
{
    struct selector any = selector_any(4);
    struct spd_selectors s = {&any, &any, 1, 1};
    struct handle h;
    struct spd spd;

    ck_assert_ok(spd_init(&spd, 2, 1));
    ck_assert_ok(spd_add(&spd, 0, &s, &h));
    for (int i = 1; i < SPD_HOLDERS_MAX; i++)
        ck_assert(spd_hold(&spd, h));
    ck_assert(!spd_hold(&spd, h));
    for (int i = 1; i < SPD_HOLDERS_MAX; i++)
        spd_drop(&spd, h);
    ck_assert_uint_eq(spd_handle(&spd, h.index).generation, h.generation);
    ck_assert(handle_none(spd_handle(&spd, POOL_NONE)));
    spd_drop(&spd, h);
    ck_assert_uint_eq(spd.policies.taken, 0);
    spd_reset(&spd);
}
END_TEST

/* One IPv4 prefix a side needs no cells; all else does, and comes back as it went in, too. */
START_TEST(selectors_come_back_as_they_went_in)
{
    struct selector prefix = selector_any(4), cases[7];
    struct spd spd;

    prefix.first = v4(8);
    prefix.last = v4(15);
    for (int i = 0; i < 7; i++)
        cases[i] = prefix;
    cases[1] = selector_any(4);
    cases[2] = selector_host(v4(7));
    cases[3].last = v4(14);
    cases[4].first = v4(9); /* 9..14 differ in the bits that 8..15 differ in */
    cases[4].last = v4(14);
    cases[5].protocol = 17;
    cases[6].port_last = 65534;
    ck_assert_ok(spd_init(&spd, 1, 1));
    for (int local = 0; local < 7; local++)
        for (int remote = 0; remote < 7; remote++) {
            struct spd_selectors s = {&cases[local], &cases[remote], 1, 1};
            struct spd_copy copy;
            struct handle h;

            ck_assert_ok(spd_add(&spd, 0, &s, &h));
            ck_assert_uint_eq(spd.cells.taken, local < 3 && remote < 3 ? 0 : 2);
            spd_selectors(&spd, h, &copy);
            ck_assert(copy.local_count == 1 && selector_equal(&copy.local[0], s.local));
            ck_assert(copy.remote_count == 1 && selector_equal(&copy.remote[0], s.remote));
            for (uint32_t i = 0; i < 24; i++) {
                struct flow f = {.src = v4(i), .dst = v4(23 - i), .protocol = 17};
                bool takes_it = selector_match(s.remote, &f.src, 17, 0, false) &&
                                selector_match(s.local, &f.dst, 17, 0, false);

                ck_assert_int_eq(spd_allows(&spd, h.index, &f), takes_it);
            }
            spd_drop(&spd, h);
            ck_assert_uint_eq(spd.cells.taken, 0);
        }
    spd_reset(&spd);
}
END_TEST

/* Endpoints that share a database: equal selectors, and each sends through its own child. */
START_TEST(scopes_do_not_see_each_other)
{
    struct selector any = selector_any(4), host = selector_host(v4(2));
    struct spd_selectors wide = {&any, &any, 1, 1}, narrow = {&any, &host, 1, 1};
    struct flow f = {.src = v4(1), .dst = v4(2), .protocol = 17};
    struct handle h[3], only, policy;
    uint32_t child;
    struct spd spd;

    ck_assert_ok(spd_init(&spd, 4, 1));
    for (uint32_t s = 0; s < 3; s++) {
        ck_assert_int_eq(spd_lookup(&spd, s, &f, &policy, &child), ERR_NO_POLICY);
        ck_assert_ok(spd_add(&spd, s, &wide, &h[s]));
        spd_point(&spd, h[s], s);
    }
    ck_assert_ok(spd_add(&spd, 1, &narrow, &only)); /* more specific, but one scope's */
    for (uint32_t s = 0; s < 3; s++) {
        ck_assert_int_eq(spd_lookup(&spd, s, &f, &policy, &child), s == 1 ? ERR_NO_SA : OK);
        ck_assert_uint_eq(policy.index, s == 1 ? only.index : h[s].index);
    }
    spd_drop(&spd, only);
    for (uint32_t s = 0; s < 3; s++) {
        ck_assert_ok(spd_lookup(&spd, s, &f, &policy, &child));
        ck_assert_uint_eq(child, s);
    }
    spd_drop(&spd, h[2]);
    ck_assert_int_eq(spd_lookup(&spd, 2, &f, &policy, &child), ERR_NO_POLICY);
    ck_assert_ok(spd_lookup(&spd, 0, &f, &policy, &child));
    spd_reset(&spd);
}
END_TEST

START_TEST(a_hundred_thousand_hosts)
{
    enum { HOSTS = 100000 };
    struct selector any = selector_any(4), host;
    struct spd_selectors s = {&any, &host, 1, 1};
    static struct handle h[HOSTS];
    struct handle policy;
    uint32_t child;
    struct spd spd;

    ck_assert_ok(spd_init(&spd, HOSTS + 1, 1));
    for (uint32_t i = 0; i < HOSTS; i++) {
        host = selector_host(v4(i));
        ck_assert_ok(spd_add(&spd, 0, &s, &h[i]));
        spd_point(&spd, h[i], i);
    }
    host = any;
    ck_assert_ok(spd_add(&spd, 0, &s, &policy)); /* the rest of the world */
    ck_assert_uint_eq(spd.lengths_used, 2);
    for (uint32_t i = 0; i < HOSTS; i++) {
        struct flow f = {.src = v4(1), .dst = v4(i), .protocol = 6};

        ck_assert_ok(spd_lookup(&spd, 0, &f, &policy, &child));
        ck_assert_uint_eq(child, i);
    }
    for (uint32_t i = 0; i < HOSTS; i += 2)
        spd_drop(&spd, h[i]);
    for (uint32_t i = 0; i < 100; i++) {
        struct flow f = {.src = v4(1), .dst = v4(i), .protocol = 6};

        ck_assert_int_eq(spd_lookup(&spd, 0, &f, &policy, &child), i % 2 ? OK : ERR_NO_SA);
    }
    spd_reset(&spd);
}
END_TEST

SUITE("esp_spd", intersection_and_subset_by_brute_force, the_address_of_a_selector_is_another,
      malformed_selectors, flows_of_odd_packets, flows_through_ipv6_extensions,
      lookup_agrees_with_a_plain_list, bad_policies_are_refused, a_policy_outlives_a_child,
      a_policy_has_so_many_holders_at_most, selectors_come_back_as_they_went_in,
      scopes_do_not_see_each_other, a_hundred_thousand_hosts)
