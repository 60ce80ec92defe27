/* What an endpoint shows of its SAs, to checkers and to those who ask in its place. */
#include "base/digest.h"
#include "proto/core/internal.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/esp/path.h"
#include "proto/ike/ike.h"
#include "proto/ike/path_mtu.h"
#include "proto/ikev1/ikev1.h"

enum { FINGERPRINT_KEY = 0x1ce1ab }; /* any fixed value: it shows equality, not keys */

static bool acting(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    if (sa->in_flight || sa->wishes)
        return true;
    return sa->version == IKE_V1 ? v1_acting(ep, sa)
                                 : ike_timer_at(ep, sa, TIMER_RETRY) != NSEC_NEVER;
}

static nsec ike_end(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    bool deleting = sa->state == STATE_DELETING || sa->wishes & WISH_DELETE;

    return deleting ? 0 : ike_timer_at(ep, sa, TIMER_EXPIRE);
}

static nsec child_end(const struct child_sa *c)
{
    return c->state == CHILD_DELETING || c->wish_delete ? 0 : c->hard;
}

bool ike_endpoint_ike_look(const struct ike_endpoint *ep, struct sa_ref ref,
                           struct ike_sa_info *out)
{
    const struct ike_sa *sa = ike_sa_at(ep, ref.handle);
    uint32_t oldest, next;

    if (!sa)
        return false;
    flight_ids(ep, sa, &oldest, &next);
    *out = (struct ike_sa_info){.spi_i = sa->spi_i,
                                .spi_r = sa->spi_r,
                                .initiator = sa->initiator,
                                .established = sa->state == STATE_ESTABLISHED,
                                .natt = sa->natt,
                                .mobike = sa->mobike,
                                .takes_more = sa->one_pair || sa->more_ts,
                                .local = ike_sa_local(ep, sa),
                                .remote = ike_sa_remote(ep, sa),
                                .suite = *sa->suite,
                                .children = sa->child_count,
                                .last_heard = sa->last_heard,
                                .request_id = oldest,
                                .next_id = next,
                                .expected_id = sa->expected_id,
                                .state = sa->state,
                                .in_flight = sa->in_flight,
                                .acting = acting(ep, sa),
                                .ends = ike_end(ep, sa)};
    return true;
}

bool ike_endpoint_ike_info(const struct ike_endpoint *ep, struct sa_ref ref,
                           struct ike_sa_info *out)
{
    const struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    if (!ike_endpoint_ike_look(ep, ref, out))
        return false;
    if (sa->version == IKE_V1) {
        out->key_fingerprint = v1_key_digest(ep, sa, FINGERPRINT_KEY);
        v1_inside_look(ep, sa, out);
    }
    if (sa->version != IKE_V1 && sa->suite->encr)
        out->key_fingerprint =
            digest_of(ike_sa_keys(sa), ike_key_map(sa->suite).sk_pi, FINGERPRINT_KEY);
    return true;
}

static uint64_t keys_fingerprint(const struct sad *sad, const struct esp_sa *esp,
                                 enum sad_direction way)
{
    const struct esp_kind *kind = sad_kind(sad, esp);
    struct digest d = {FINGERPRINT_KEY, 0};

    digest_add(&d, sad_encr_key(sad, esp, way), (size_t)kind->encr->key_len + kind->encr->salt_len);
    if (kind->integ)
        digest_add(&d, sad_integ_key(sad, esp, way), kind->integ->key_len);
    return d.value;
}

static uint64_t selectors_fingerprint(const struct selector *s, uint8_t count)
{
    struct digest d = {FINGERPRINT_KEY, 0};

    for (uint8_t i = 0; i < count; i++) {
        digest_u64(&d, (uint64_t)s[i].first.family << 40 | (uint64_t)s[i].protocol << 32 |
                           (uint32_t)s[i].port_first << 16 | s[i].port_last);
        digest_add(&d, s[i].first.bytes, sizeof s[i].first.bytes);
        digest_add(&d, s[i].last.bytes, sizeof s[i].last.bytes);
    }
    return d.value;
}

static bool is_current(const struct ike_endpoint *ep, const struct esp_sa *esp)
{
    const struct spd *spd = &ep->store->esp->spd;

    return sad_at(&ep->store->esp->sad, spd_child(spd, spd_handle(spd, esp->policy))) == esp;
}

bool ike_endpoint_child_look(const struct ike_endpoint *ep, struct sa_ref ref,
                             struct child_sa_info *out)
{
    const struct child_sa *c = child_sa_at(ep, ref.handle);
    const struct esp_sa *esp = c ? child_esp(ep, c) : NULL;
    const struct sad *sad = &ep->store->esp->sad;
    const struct esp_traffic *traffic;
    const struct esp_kind *kind;

    if (!esp || !esp->installed)
        return false;
    kind = sad_kind(sad, esp);
    traffic = sad_traffic(sad, esp);
    *out = (struct child_sa_info){.ike = ike_sa_ref(ep, child_sa_ike(ep, c)),
                                  .spi_in = esp->spi_in,
                                  .spi_out = esp->spi_out,
                                  .encr = kind->encr,
                                  .integ = kind->integ,
                                  .esn = esp->esn,
                                  .transport = esp->transport,
                                  .udp_encapsulated = esp->udp_encapsulated,
                                  .current = is_current(ep, esp),
                                  .live = child_live(c),
                                  .over = c->state == CHILD_LINGERING,
                                  .ends = child_end(c),
                                  .local = sad_local(sad, esp),
                                  .remote = sad_remote(sad, esp),
                                  .path_mtu = c->path_mtu,
                                  .packets_in = traffic->packets_in,
                                  .packets_out = traffic->seq_out,
                                  .bytes_in = traffic->bytes_in,
                                  .bytes_out = traffic->bytes_out};
    return true;
}

bool ike_endpoint_ike_gist(const struct ike_endpoint *ep, struct sa_ref ref,
                           struct ike_sa_gist *out)
{
    const struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    if (!sa)
        return false;
    *out = (struct ike_sa_gist){.spi_i = sa->spi_i,
                                .spi_r = sa->spi_r,
                                .last_heard = sa->last_heard,
                                .ends = ike_end(ep, sa),
                                .state = sa->state,
                                .in_flight = sa->in_flight,
                                .initiator = sa->initiator,
                                .established = sa->state == STATE_ESTABLISHED,
                                .takes_more = sa->one_pair || sa->more_ts,
                                .acting = acting(ep, sa)};
    return true;
}

bool ike_endpoint_child_gist(const struct ike_endpoint *ep, struct sa_ref ref,
                             struct child_sa_gist *out)
{
    const struct child_sa *c = child_sa_at(ep, ref.handle);
    const struct esp_sa *esp = c ? child_esp(ep, c) : NULL;

    if (!esp || !esp->installed)
        return false;
    *out = (struct child_sa_gist){.spi_in = esp->spi_in,
                                  .spi_out = esp->spi_out,
                                  .ends = child_end(c),
                                  .live = child_live(c),
                                  .over = c->state == CHILD_LINGERING};
    return true;
}

bool ike_endpoint_child_sends(const struct ike_endpoint *ep, struct sa_ref ref)
{
    const struct child_sa *c = child_sa_at(ep, ref.handle);
    const struct esp_sa *esp = c ? child_esp(ep, c) : NULL;

    return esp && esp->installed && is_current(ep, esp);
}

bool ike_endpoint_child_info(const struct ike_endpoint *ep, struct sa_ref ref,
                             struct child_sa_info *out)
{
    const struct child_sa *c = child_sa_at(ep, ref.handle);
    const struct sad *sad = &ep->store->esp->sad;
    const struct spd *spd = &ep->store->esp->spd;
    const struct esp_sa *esp;
    struct spd_copy s;

    if (!ike_endpoint_child_look(ep, ref, out))
        return false;
    esp = child_esp(ep, c);
    out->inner_mtu = (uint16_t)path_inner_known(ep, c);
    spd_selectors(spd, spd_handle(spd, esp->policy), &s);
    out->key_fingerprint_in = keys_fingerprint(sad, esp, SAD_IN);
    out->key_fingerprint_out = keys_fingerprint(sad, esp, SAD_OUT);
    out->selectors_fingerprint_local = selectors_fingerprint(s.local, s.local_count);
    out->selectors_fingerprint_remote = selectors_fingerprint(s.remote, s.remote_count);
    return true;
}

bool ike_endpoint_window(const struct ike_endpoint *ep, uint32_t spi_in, struct esp_window *out)
{
    const struct sad *sad = &ep->store->esp->sad;
    const struct esp_traffic *traffic;
    struct replay replay;
    uint32_t number;
    struct esp_sa *esp = sad_find(sad, ep->scope, spi_in, &number);

    if (!esp)
        return false;
    traffic = sad_traffic(sad, esp);
    replay = sad_replay(sad_kind(sad, esp), traffic);
    *out = (struct esp_window){.highest = replay.top, .size = replay.window};
    for (uint32_t n = 0; n < ESP_WINDOW_SHOWN && n < out->size && n < out->highest; n++)
        if (replay_seen(&replay, traffic->bitmap, out->highest - n))
            out->seen[n / 64] |= UINT64_C(1) << n % 64;
    return true;
}

struct sa_ref ike_endpoint_next_ike(const struct ike_endpoint *ep, struct sa_ref after)
{
    uint32_t i = ike_sa_walk(ep, after.handle.index);

    return i == SA_INDEX_NONE ? SA_NONE : (struct sa_ref){pool_handle(&ep->store->ikes, i)};
}

struct sa_ref ike_endpoint_next_child(const struct ike_endpoint *ep, struct sa_ref after)
{
    uint32_t i = child_sa_walk(ep, after.handle.index);

    return i == SA_INDEX_NONE ? SA_NONE : (struct sa_ref){pool_handle(&ep->store->children, i)};
}

static struct sa_ref child_ref(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return c ? (struct sa_ref){child_sa_handle(ep, c)} : SA_NONE;
}

struct sa_ref ike_endpoint_next_child_of(const struct ike_endpoint *ep, struct sa_ref ike,
                                         struct sa_ref after)
{
    const struct ike_sa *sa = ike_sa_at(ep, ike.handle);
    const struct child_sa *last = child_sa_at(ep, after.handle);

    if (!sa || (!last && !sa_none(after)))
        return SA_NONE;
    return child_ref(ep, child_sa_by_index(ep, last ? last->next : sa->first_child));
}

struct sa_ref ike_endpoint_find_ike(const struct ike_endpoint *ep, uint64_t our_spi)
{
    const struct ike_sa *sa = ike_sa_by_spi(ep, our_spi);

    return sa ? ike_sa_ref(ep, sa) : SA_NONE;
}

struct sa_ref ike_endpoint_find_child(const struct ike_endpoint *ep, uint32_t spi_in)
{
    uint32_t number;

    return sad_find(&ep->store->esp->sad, ep->scope, spi_in, &number)
               ? child_ref(ep, child_sa_by_index(ep, number))
               : SA_NONE;
}
