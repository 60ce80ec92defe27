/* From the protocol's EVENT_KEYS to key records. */
#include "proto/core/config.h"
#include "proto/core/event.h"
#include "record/keys.h"

static struct bytes slice(struct bytes b, uint16_t from, uint16_t to)
{
    return to <= b.len ? bytes_of(b.data + from, (size_t)(to - from)) : BYTES_NONE;
}

static void ike_event(struct keys *k, nsec at, const char *node, const struct ike_key_event *e)
{
    struct ike_key_map map = ike_key_map(&e->suite);

    keys_ike(k, &(struct ike_key_record){
                    .at = at,
                    .node = node,
                    .spi_i = e->spi_i,
                    .spi_r = e->spi_r,
                    .encr = e->suite.encr,
                    .integ = e->suite.integ,
                    .prf = e->suite.prf,
                    .skeyseed = e->skeyseed,
                    .sk_d = slice(e->sk, map.sk_d, map.sk_ai),
                    .sk_ai = slice(e->sk, map.sk_ai, map.sk_ar),
                    .sk_ar = slice(e->sk, map.sk_ar, map.sk_ei),
                    .sk_ei = slice(e->sk, map.sk_ei, map.sk_er),
                    .sk_er = slice(e->sk, map.sk_er, map.sk_pi),
                    .sk_pi = slice(e->sk, map.sk_pi, map.sk_pr),
                    .sk_pr = slice(e->sk, map.sk_pr, map.end),
                });
}

/* SKEYID_d | SKEYID_a | SKEYID_e | the key of the cipher, and SKEYID by itself. */
static void ikev1_event(struct keys *k, nsec at, const char *node, const struct ike_key_event *e)
{
    uint16_t hash = (uint16_t)e->skeyseed.len;

    keys_ikev1(k, &(struct ikev1_key_record){
                      .at = at,
                      .node = node,
                      .spi_i = e->spi_i,
                      .spi_r = e->spi_r,
                      .encr = e->suite.encr,
                      .prf = e->suite.prf,
                      .skeyid = e->skeyseed,
                      .skeyid_d = slice(e->sk, 0, hash),
                      .skeyid_a = slice(e->sk, hash, 2 * hash),
                      .skeyid_e = slice(e->sk, 2 * hash, 3 * hash),
                      .cipher_key = slice(e->sk, 3 * hash, (uint16_t)e->sk.len),
                  });
}

static void child_event(struct keys *k, nsec at, const char *node, const struct ike_key_event *e)
{
    char local[IP_ADDR_TEXT], remote[IP_ADDR_TEXT];
    struct child_key_record r = {
        .at = at,
        .node = node,
        .ipv6 = e->local.addr.family == 6,
        .encr = e->encr,
        .integ = e->integ,
        .esn = e->esn,
    };

    ip_addr_format(&e->local.addr, local);
    ip_addr_format(&e->remote.addr, remote);
    r.spi = e->spi_in;
    r.source = remote;
    r.destination = local;
    r.encr_key = e->encr_in;
    r.integ_key = e->integ_in;
    keys_child(k, &r);
    r.spi = e->spi_out;
    r.source = local;
    r.destination = remote;
    r.encr_key = e->encr_out;
    r.integ_key = e->integ_out;
    keys_child(k, &r);
}

void keys_event(struct keys *k, nsec at, const char *node, unsigned version,
                const struct ike_key_event *e)
{
    if (e->is_child)
        child_event(k, at, node, e);
    else if (version == IKE_V1)
        ikev1_event(k, at, node, e);
    else
        ike_event(k, at, node, e);
}
