/* Packets through an endpoint's tunnels, out and in, and what they tell IKE. */
#include "base/assert.h"
#include "proto/core/internal.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/esp/plain.h"
#include "proto/ike/complaint.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"
#include "proto/ike/path_mtu.h"
#include "proto/ike/resource.h"

static struct child_sa *child_of(const struct ike_endpoint *ep, uint32_t esp)
{
    struct child_sa *c = child_sa_by_index(ep, esp);

    ASSERT(c);
    return c;
}

static struct esp_user user_of(const struct ike_endpoint *ep)
{
    return (struct esp_user){.scope = ep->scope};
}

/* Naming a stream takes time: it is done for ciphers that draw their IVs. */
static struct esp_user sealer(const struct ike_endpoint *ep, const struct esp_sa *esp,
                              struct rng *iv)
{
    struct esp_user user = {.scope = ep->scope, .iv = iv};

    if (esp->installed && sad_kind(&ep->store->esp->sad, esp)->encr->iv_len > 8)
        *iv = ike_stream(ep, STREAM_IV);
    return user;
}

/* Limits in packets and bytes wake the IKE SA through the child's timers. */
static void watch_volume(struct ike_endpoint *ep, nsec now, struct child_sa *c,
                         const struct esp_sa *esp)
{
    if (esp->hard_over && c->hard > now)
        child_timers_arm(ep, c, c->soft, now);
    else if (esp->soft_due && c->state == CHILD_CURRENT && !c->volume_seen)
        child_timers_arm(ep, c, now, c->hard);
    c->volume_seen |= esp->soft_due;
}

static void count_unsent(struct ike_endpoint *ep, enum err e)
{
    if (e == ERR_NO_POLICY)
        ep->store->counters.esp_unsent_no_policy++;
    else if (e == ERR_NO_SA)
        ep->store->counters.esp_unsent_no_sa++;
    else
        ep->store->counters.esp_unsent_limit++;
}

static void sent_through(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    child_sa_ike(ep, c)->last_sent = now;
    watch_volume(ep, now, c, child_esp(ep, c));
}

/* What esp_protect made of the packet, counted and as a datagram. */
static enum err sealed(struct ike_endpoint *ep, enum err e, const struct esp_outer *outer,
                       const struct buf *packet, struct ike_dgram *out)
{
    if (e) {
        if (e != ERR_TOO_BIG) /* counted in seal, unless its pieces are to be sent */
            count_unsent(ep, e);
        return e;
    }
    ep->store->counters.esp_sealed++;
    *out = (struct ike_dgram){.local = outer->local,
                              .remote = outer->remote,
                              .protocol = outer->udp_encapsulated ? 17 : 50,
                              .tos = outer->tos,
                              .hop_limit = outer->hop_limit,
                              .df = outer->df,
                              .data = packet->data,
                              .len = packet->len,
                              .kind = DGRAM_ESP};
    return OK;
}

static enum path_way way_of(const struct ike_endpoint *ep, nsec now, struct child_sa *c,
                            struct bytes packet)
{
    const struct esp_sa *esp;
    size_t most;

    if (c->path_mtu == 0 &&
        packet.len + PATH_AROUND_MAX <= ep->store->env.link_mtu) /* nearly always */
        return PATH_FITS;
    most = path_inner_max(ep, now, c);
    if (most == 0 || packet.len <= most)
        return PATH_FITS;
    esp = child_esp(ep, c);
    return path_way(esp, packet, most,
                    ep->store->config->child.fragment_before &&
                        esp_takes_pieces(ep->store->esp, esp, packet));
}

static enum err seal(struct ike_endpoint *ep, nsec now, struct child_sa *c, struct buf *packet,
                     struct esp_outer *outer)
{
    enum path_way way = way_of(ep, now, c, buf_bytes(packet));
    struct esp_sa *esp = child_esp(ep, c);
    struct esp_user user;
    struct rng iv = {0};
    enum err e;

    ep->store->counters.esp_unsent_too_big += way == PATH_REFUSE;
    if (way == PATH_REFUSE || way == PATH_CUT_FIRST)
        return ERR_TOO_BIG;
    user = sealer(ep, esp, &iv);
    e = ep->store->config->child.tfc_padding
            ? esp_seal_padded(ep->store->esp, user, esp, packet, path_padded_len(ep, now, c), outer)
            : esp_seal(ep->store->esp, user, esp, packet, outer);
    if (e == OK && way == PATH_CUT_AFTER)
        outer->df = false;
    else if (e == OK && ep->store->config->child.fragment_before && !esp->transport)
        outer->df = true; /* RFC 4301 §8.1: else nobody would say how narrow the path is */
    return e;
}

enum err ike_endpoint_protect(struct ike_endpoint *ep, nsec now, struct buf *packet,
                              struct ike_dgram *out, struct sa_ref *sa)
{
    struct esp_outer outer;
    uint32_t used;
    enum err e = esp_choose(ep->store->esp, user_of(ep), packet, &used);
    struct child_sa *c = e ? NULL : resource_choose(ep, child_of(ep, used), buf_bytes(packet));

    if (sa)
        *sa = c ? (struct sa_ref){child_sa_handle(ep, c)} : SA_NONE;
    if (c) {
        e = seal(ep, now, c, packet, &outer);
        if (e != ERR_TOO_BIG) /* nothing was sent */
            sent_through(ep, now, c);
    }
    return sealed(ep, e, &outer, packet, out);
}

enum err ike_endpoint_protect_by(struct ike_endpoint *ep, nsec now, struct sa_ref child,
                                 struct buf *packet, struct ike_dgram *out)
{
    struct child_sa *c = child_sa_at(ep, child.handle);
    struct esp_outer outer;
    enum err e;

    if (!c || c->state != CHILD_CURRENT)
        return ERR_STATE;
    e = esp_may_send(ep->store->esp, child_esp(ep, c), packet);
    if (e == OK)
        e = seal(ep, now, c, packet, &outer);
    if (e != ERR_TOO_BIG)
        sent_through(ep, now, c);
    return sealed(ep, e, &outer, packet, out);
}

enum err ike_endpoint_cut(struct ike_endpoint *ep, nsec now, struct sa_ref child,
                          struct bytes packet, struct fragmenter *out)
{
    struct child_sa *c = child_sa_at(ep, child.handle);
    enum path_way way;

    if (!c || !child_esp(ep, c)->installed)
        return ERR_STATE;
    way = way_of(ep, now, c, packet);
    if (way == PATH_REFUSE)
        return ERR_TOO_BIG;
    if (way != PATH_CUT_FIRST)
        return ERR_STATE;
    return fragmenter_init(out, packet, path_inner_max(ep, now, c), 0);
}

enum err ike_endpoint_dummy(struct ike_endpoint *ep, nsec now, struct sa_ref child,
                            struct buf *packet, struct ike_dgram *out)
{
    struct child_sa *c = child_sa_at(ep, child.handle);
    struct esp_outer outer;
    struct rng iv = {0};
    enum err e;

    if (!c || c->state != CHILD_CURRENT)
        return ERR_STATE;
    e = esp_dummy(ep->store->esp, sealer(ep, child_esp(ep, c), &iv), child_esp(ep, c), packet,
                  &outer);
    ep->store->counters.esp_dummies_sent += e == OK;
    sent_through(ep, now, c);
    return sealed(ep, e, &outer, packet, out);
}

void ike_endpoint_skip_sequence(struct ike_endpoint *ep, uint64_t packets)
{
    struct sa_ref ref = SA_NONE;

    while (!sa_none(ref = ike_endpoint_next_child(ep, ref))) {
        struct child_sa *c = child_sa_at(ep, ref.handle);

        if (c && child_esp(ep, c)->installed)
            esp_skip(ep->store->esp, child_esp(ep, c), packets);
    }
}

void ike_endpoint_icmp(struct ike_endpoint *ep, nsec now, struct bytes packet)
{
    path_icmp(ep, now, packet);
}

static void count_refused(struct ike_endpoint *ep, enum err e)
{
    if (e == ERR_NO_SA)
        ep->store->counters.esp_dropped_no_sa++;
    else if (e == ERR_REPLAY)
        ep->store->counters.esp_dropped_replay++;
    else if (e == ERR_ICV)
        ep->store->counters.esp_dropped_icv++;
    else
        ep->store->counters.esp_dropped_other++;
}

/* strongSwan as responder of a rekey sends through the new SA when the old one is deleted, not when
 * it hears the new one. */
#define SWITCH_ON_DELETE (QUIRK_STRONGSWAN_1896 | QUIRK_STRONGSWAN_2477)

/* Authentic traffic: a sign of life (RFC 7296 §2.4), of the peer's switch, of a new address. */
static void heard(struct ike_endpoint *ep, nsec now, const struct ike_dgram *in,
                  const struct esp_opened *opened)
{
    struct esp_sa *esp = sad_at(&ep->store->esp->sad, opened->sa);
    struct child_sa *c = child_of(ep, opened->sa);
    struct ike_sa *ike = child_sa_ike(ep, c);

    if (mobike_expected(ep, ike, in))
        ike->last_heard = now;
    if (c->state == CHILD_READY && !(ep->store->config->quirks & SWITCH_ON_DELETE))
        child_switch(ep, c);
    if (opened->newest && in->protocol == 17 && esp->udp_encapsulated &&
        !(ep->store->config->quirks & QUIRK_LIBRESWAN_1728))
        ike_peer_rebound(ep, now, ike, in);
    watch_volume(ep, now, c, esp);
}

static struct esp_arrival arrival_of(const struct ike_dgram *in)
{
    return (struct esp_arrival){
        .local = in->local, .remote = in->remote, .tos = in->tos, .hop_limit = in->hop_limit};
}

/* What esp_open made of the packet, counted and heard. */
static enum err opened_as(struct ike_endpoint *ep, nsec now, const struct ike_dgram *in, enum err e,
                          const struct esp_opened *opened, struct sa_ref *sa)
{
    if (sa)
        *sa = SA_NONE;
    if (opened->authentic)
        heard(ep, now, in, opened);
    if (sa && opened->sa != SAD_NONE)
        *sa = (struct sa_ref){child_sa_handle(ep, child_of(ep, opened->sa))};
    if (e) {
        count_refused(ep, e);
        if (e == ERR_NO_SA)
            complain_of_spi(ep, now, in);
        return e;
    }
    ep->store->counters.esp_opened++;
    return OK;
}

enum err ike_endpoint_unprotect(struct ike_endpoint *ep, nsec now, const struct ike_dgram *in,
                                struct buf *inner, struct sa_ref *sa)
{
    struct esp_arrival arrival = arrival_of(in);
    struct buf packet = {in->data, in->len, in->len};
    struct esp_opened opened;
    enum err e = esp_open(ep->store->esp, user_of(ep), &arrival, &packet, &opened);

    e = opened_as(ep, now, in, e, &opened, sa);
    if (e == OK)
        *inner = packet;
    return e;
}

/* ---- several at once ---- */

_Static_assert((int)IKE_TOGETHER_MAX <= (int)ESP_PLAIN_MAX, "those that are plain stay so");

bool ike_endpoint_sends_plainly(const struct ike_endpoint *ep, nsec now, const struct buf *packet,
                                uint32_t *child)
{
    const struct child_config *config = &ep->store->config->child;

    return !config->tfc_padding && !config->fragment_before && !config->per_resource &&
           esp_sends_plainly(ep->store->esp, user_of(ep), buf_bytes(packet), child) &&
           way_of(ep, now, child_of(ep, *child), buf_bytes(packet)) == PATH_FITS;
}

void ike_endpoint_protect_batch(struct ike_endpoint *ep, nsec now, struct ike_protecting *packets,
                                size_t count)
{
    struct esp_sealing sealing[IKE_TOGETHER_MAX];
    struct esp_user user = user_of(ep);
    struct rng iv = ike_stream(ep, STREAM_IV);

    ASSERT(count <= IKE_TOGETHER_MAX);
    user.iv = &iv;
    for (size_t i = 0; i < count; i++)
        sealing[i] = (struct esp_sealing){.sa = sad_at(&ep->store->esp->sad, packets[i].child),
                                          .packet = &packets[i].packet};
    esp_seal_batch(ep->store->esp, user, sealing, count);
    for (size_t i = 0; i < count; i++) {
        struct ike_protecting *p = &packets[i];

        sent_through(ep, now, child_of(ep, p->child));
        p->result = sealed(ep, sealing[i].result, &sealing[i].outer, &p->packet, &p->out);
    }
}

/* One that came from elsewhere may move its peer there, who is told. */
static bool from_its_peer(const struct ike_endpoint *ep, const struct ike_dgram *in, uint32_t esp)
{
    const struct ike_sa *sa = child_sa_ike(ep, child_of(ep, esp));
    struct ip_endpoint local = ike_sa_local(ep, sa), remote = ike_sa_remote(ep, sa);

    return in->protocol != 17 ||
           (ip_endpoint_equal(&remote, &in->remote) && ip_endpoint_equal(&local, &in->local));
}

bool ike_endpoint_takes_plainly(const struct ike_endpoint *ep, const struct ike_dgram *in)
{
    uint32_t esp;

    return esp_takes_plainly(ep->store->esp, user_of(ep), bytes_of(in->data, in->len), &esp) &&
           from_its_peer(ep, in, esp);
}

void ike_endpoint_unprotect_batch(struct ike_endpoint *ep, nsec now,
                                  struct ike_unprotecting *packets, size_t count)
{
    struct esp_opening opening[IKE_TOGETHER_MAX];

    ASSERT(count <= IKE_TOGETHER_MAX);
    for (size_t i = 0; i < count; i++) {
        struct ike_unprotecting *p = &packets[i];

        p->inner = (struct buf){p->in.data, p->in.len, p->in.len};
        opening[i] = (struct esp_opening){.in = arrival_of(&p->in), .packet = &p->inner};
    }
    esp_open_batch(ep->store->esp, user_of(ep), opening, count);
    for (size_t i = 0; i < count; i++) {
        struct ike_unprotecting *p = &packets[i];

        p->result = opened_as(ep, now, &p->in, opening[i].result, &opening[i].opened, &p->sa);
    }
}
