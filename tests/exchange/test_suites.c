/*
 * A whole life - handshake, packets both ways, rekeys with PFS by either side, deletes - for every
 * combination of cipher, integrity and prf, every group, both ESP modes, with and without ESN, over
 * IPv4 and IPv6, with and without NAT; with real and with modelled crypto, on one timeline.
 */
#include "pair.h"

struct life {
    char ike[64], esp[64];
    bool transport, v6, nat, force_encap;
};

static void configure(struct pair *p, const struct life *l)
{
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        pair_propose(c, l->ike, l->esp);
        c->force_encap = l->force_encap && side == B;
        c->child.transport = l->transport;
        if (!l->transport)
            continue;
        c->child.local[0] = selector_host(pair_address(p, side, 0).addr);
        c->child.remote[0] = selector_host(pair_address(p, 1 - side, 0).addr);
    }
}

static void step_done(struct pair *p)
{
    settle(p);
    run_until(p, p->now + 12 * NSEC_PER_S); /* what lingers is gone */
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(p, side), 1);
        ck_assert_uint_eq(child_count(p, side), 1);
    }
    check_agreement(p);
    check_traffic(p);
}

static void rekey_all(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(ike_endpoint_rekey_child(p->end[side], p->now, the_child(p, side)));
        step_done(p);
        ck_assert_ok(ike_endpoint_rekey_ike(p->end[side], p->now, the_ike(p, side)));
        step_done(p);
    }
    ck_assert_uint_eq(ike_endpoint_counters(p->end[A])->rekeys_child, 2);
    ck_assert_uint_eq(ike_endpoint_counters(p->end[A])->rekeys_ike, 2);
}

static void check_wire(struct pair *p, const struct life *l)
{
    struct child_sa_info child;
    struct esp_packet packet;
    bool encapsulated = l->nat || l->force_encap;

    ck_assert_ok(esp_make(p, A, 1, &packet));
    ck_assert_uint_eq(packet.dgram.protocol, encapsulated ? 17 : 50);
    ck_assert_uint_eq(packet.dgram.local.addr.family, l->v6 ? 6 : 4);
    ck_assert_ok(esp_take(p, A, 1, &packet));
    ck_assert(ike_endpoint_child_info(p->end[B], the_child(p, B), &child));
    ck_assert_int_eq(child.udp_encapsulated, encapsulated);
    ck_assert_int_eq(child.transport, l->transport);
    ck_assert_int_eq(child.esn, strstr(l->esp, "-esn") != NULL);
}

static void live(struct pair *p, const struct life *l, bool modelled)
{
    pair_init(p, modelled);
    p->nat = l->nat;
    p->v6 = l->v6;
    configure(p, l);
    pair_establish(p);
    check_agreement(p);
    check_traffic(p);
    check_wire(p, l);
    rekey_all(p);
    ck_assert_ok(ike_endpoint_delete_child(p->end[B], p->now, the_child(p, B)));
    settle(p);
    ck_assert_uint_eq(child_count(p, A) + child_count(p, B), 0);
    ck_assert_ok(ike_endpoint_terminate(p->end[A], p->now, the_ike(p, A)));
    run_until(p, p->now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_endpoint_memory(p->end[side]), 0);
        ck_assert_uint_eq(ike_endpoint_counters(p->end[side])->retransmissions, 0);
        for (int d = 0; d < IKE_DROP_COUNT; d++)
            ck_assert_uint_eq(ike_endpoint_counters(p->end[side])->dropped[d], 0);
    }
}

static void both_lives(const struct life *l)
{
    struct pair p[2];

    for (int modelled = 0; modelled < 2; modelled++)
        live(&p[modelled], l, modelled);
    ck_assert_uint_gt(p[0].timeline_count, 16);
    ck_assert_uint_eq(p[0].timeline_count, p[1].timeline_count);
    ck_assert_mem_eq(p[0].timeline, p[1].timeline, p[0].timeline_count * sizeof *p[0].timeline);
    pair_free(&p[0]);
    pair_free(&p[1]);
}

/* One cipher with one integrity algorithm (or none, AEAD) and one prf; the modes take turns. */
static void combination(const struct encr_suite *encr, const struct integ_suite *integ,
                        const struct prf_suite *prf, unsigned turn)
{
    struct life l = {.transport = turn & 1};
    const char *dash = integ ? "-" : "", *name = integ ? integ->name : "";
    const char *esn = turn & 2 ? "-esn" : "";

    if (encr->implicit_iv) /* it cannot protect an IKE SA: RFC 8750 §7 */
        snprintf(l.ike, sizeof l.ike, "aes128gcm16-%s-x25519", prf->name);
    else if (encr->key_len) /* nor can NULL */
        snprintf(l.ike, sizeof l.ike, "%s%s%s-%s-x25519", encr->name, dash, name, prf->name);
    else
        snprintf(l.ike, sizeof l.ike, "aes128-%s-%s-x25519", name, prf->name);
    snprintf(l.esp, sizeof l.esp, "%s%s%s-x25519%s", encr->name, dash, name, esn);
    both_lives(&l);
}

START_TEST(every_cipher_with_every_integrity_and_every_prf)
{
    size_t encrs, integs, prfs;
    const struct encr_suite *encr = encr_suites(&encrs);
    const struct integ_suite *integ = integ_suites(&integs);
    const struct prf_suite *prf = prf_suites(&prfs);
    unsigned turn = 0, made = 0;

    for (size_t e = 0; e < encrs; e++)
        for (size_t i = 0; i < (encr[e].aead ? 1 : integs); i++)
            for (size_t f = 0; f < prfs; f++, made++)
                combination(&encr[e], encr[e].aead ? NULL : &integ[i], &prf[f], turn++ / 2 + f);
    ck_assert_uint_gt(made, 300);
}
END_TEST

START_TEST(every_group_in_every_mode)
{
    size_t count;
    const struct ke_suite *ke = ke_suites(&count);

    for (size_t k = 0; k < count; k++)
        for (unsigned mode = 0; mode < 4; mode++) {
            struct life l = {.transport = mode & 1};

            snprintf(l.ike, sizeof l.ike, "aes256gcm16-prfsha256-%s", ke[k].name);
            snprintf(l.esp, sizeof l.esp, "aes256-sha256-%s%s", ke[k].name, mode & 2 ? "-esn" : "");
            both_lives(&l);
        }
}
END_TEST

START_TEST(both_families_with_and_without_nat)
{
    for (unsigned i = 0; i < 8; i++) {
        struct life l = {.ike = "aes128-sha256-prfaescmac-ecp256",
                         .esp = "chacha20poly1305-ecp256-esn",
                         .v6 = i & 1,
                         .nat = i & 2,
                         .force_encap = i & 4};

        both_lives(&l);
    }
}
END_TEST

/* What A and B propose for the child SA, and what becomes of it; NULL: there is none. */
struct agreed_iv {
    const char *a, *b, *suite;
};

static void agree_on(const struct agreed_iv *w, bool modelled)
{
    static const char ike[] = "aes128gcm16-prfsha256-x25519";
    struct child_sa_info child;
    struct pair p;

    pair_init(&p, modelled);
    pair_propose(&p.config[A], ike, w->a);
    pair_propose(&p.config[B], ike, w->b);
    pair_establish(&p);
    if (!w->suite) {
        ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
        pair_free(&p);
        return;
    }
    check_traffic(&p);
    for (int side = 0; side < 2; side++) {
        ck_assert(ike_endpoint_child_info(p.end[side], the_child(&p, side), &child));
        ck_assert_str_eq(child.encr->name, w->suite);
    }
    pair_free(&p);
}

/*
 * RFC 8750 §5: who proposes an implicit IV proposes the explicit one behind it, for peers that do
 * not have it. §6: it is chosen only of what was proposed.
 */
START_TEST(an_implicit_iv_is_agreed_on)
{
    static const struct agreed_iv ways[] = {
        {"aes256gcm16iiv-aes256gcm16", "aes256gcm16iiv-aes256gcm16", "aes256gcm16iiv"},
        {"aes256gcm16iiv-aes256gcm16-esn", "aes256gcm16iiv-esn", "aes256gcm16iiv"},
        {"aes256gcm16iiv-aes256gcm16", "aes256gcm16", "aes256gcm16"},
        {"aes256gcm16", "aes256gcm16iiv-aes256gcm16", "aes256gcm16"},
        {"chacha20poly1305iiv,aes256gcm16", "aes256gcm16,chacha20poly1305iiv", "aes256gcm16"},
        {"aes256gcm16iiv", "aes256gcm16", NULL},
        {"aes128gcm16", "aes128gcm16iiv", NULL},
        {"aes256gcm16iiv", "aes128gcm16iiv", NULL}, /* another key length */
    };

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (int modelled = 0; modelled < 2; modelled++)
            agree_on(&ways[i], modelled);
}
END_TEST

/* The old prf makes SKEYSEED, the new one everything else (RFC 7296 §2.18). */
START_TEST(a_rekey_may_choose_another_suite)
{
    size_t prfs;
    const struct prf_suite *prf = prf_suites(&prfs);

    for (size_t from = 0; from < prfs; from++)
        for (size_t to = 0; to < prfs; to++) {
            struct pair p;
            char first[64], then[64];

            snprintf(first, sizeof first, "aes128-sha1-%s-x25519", prf[from].name);
            snprintf(then, sizeof then, "aes256ctr-sha512-%s-ecp256", prf[to].name);
            pair_init(&p, false);
            for (int side = 0; side < 2; side++) {
                char both[130];

                /* Pools are made for both; what is offered changes after the handshake. */
                snprintf(both, sizeof both, "%s,%s", first, then);
                pair_propose(&p.config[side], both, "aes128gcm16-x25519");
            }
            pair_establish(&p);
            for (int side = 0; side < 2; side++)
                pair_propose(&p.config[side], then, "aes128gcm16-x25519");
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[B], p.now, the_ike(&p, B)));
            step_done(&p);
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
            step_done(&p);
            pair_free(&p);
        }
}
END_TEST

SUITE("suites", every_cipher_with_every_integrity_and_every_prf, every_group_in_every_mode,
      both_families_with_and_without_nat, an_implicit_iv_is_agreed_on,
      a_rekey_may_choose_another_suite)
