/*
 * The public surface over the rooms of proto: makes and frees an endpoint, tells ESP from IKE,
 * sends messages to the version that speaks them, and shows SAs to checkers.
 */
#include "proto/endpoint.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/internal.h"
#include "proto/esp/encap.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/ike.h"
#include "proto/ike/path_mtu.h"

#include <stdlib.h>

/* ---- create, destroy, crash ---- */

static uint32_t child_key_bytes(const struct child_config *c)
{
    uint32_t longest = 0;

    for (uint8_t p = 0; p < c->proposal_count; p++) {
        const struct proposal_config *proposal = &c->proposals[p];
        uint32_t encr = 0, integ = 0;

        for (uint8_t i = 0; i < proposal->encr_count; i++) {
            uint32_t len = (uint32_t)proposal->encr[i]->key_len + proposal->encr[i]->salt_len;

            encr = len > encr ? len : encr;
        }
        for (uint8_t i = 0; i < proposal->integ_count; i++)
            integ = proposal->integ[i]->key_len > integ ? proposal->integ[i]->key_len : integ;
        longest = encr + integ > longest ? encr + integ : longest;
    }
    return longest;
}

static enum err make_esp(struct ike_endpoint *ep)
{
    const struct child_config *c = &ep->config->child;
    struct sad_limits limits = {.sas = ep->children.capacity,
                                .replay_window = c->replay_window,
                                .key_bytes = child_key_bytes(c)};
    struct rng iv = rng_fork(&ep->iv, 1);
    enum err e;

    ep->esp = calloc(1, sizeof *ep->esp);
    if (!ep->esp)
        return ERR_MEMORY;
    e = esp_init(ep->esp, ep->env.crypto, iv, &limits, limits.sas, SPD_SELECTORS_MAX);
    if (e) {
        free(ep->esp);
        ep->esp = NULL;
    }
    return e;
}

static struct rng stream(const struct ike_env *env, enum rng_purpose purpose)
{
    return env->entropy ? rng_of(env->entropy) : rng_stream(env->seed, env->entity, purpose);
}

static void name_streams(struct ike_endpoint *ep)
{
    ep->spi = stream(&ep->env, RNG_SPI);
    ep->nonce = stream(&ep->env, RNG_NONCE);
    ep->iv = stream(&ep->env, RNG_IV);
    ep->retransmit = stream(&ep->env, RNG_RETRANSMIT);
    ep->lifetime = stream(&ep->env, RNG_LIFETIME);
    ep->key_exchange = stream(&ep->env, RNG_KEY_EXCHANGE);
    ep->signature = stream(&ep->env, RNG_SIGNATURE);
}

struct ike_endpoint *ike_endpoint_create(const struct ike_env *env, const struct ike_config *config,
                                         const struct ike_limits *limits)
{
    struct ike_endpoint *ep = calloc(1, sizeof *ep);

    if (!ep)
        return NULL;
    ep->env = *env;
    ep->config = config;
    ep->asked.ike = SA_NONE;
    name_streams(ep);
    if (sa_table_init(ep, limits) || make_esp(ep)) {
        ike_endpoint_destroy(ep);
        return NULL;
    }
    return ep;
}

void ike_endpoint_destroy(struct ike_endpoint *ep)
{
    if (!ep)
        return;
    if (ep->esp)
        esp_reset(ep->esp);
    free(ep->esp);
    sa_table_reset(ep);
    wipe(ep, sizeof *ep);
    free(ep);
}

void ike_endpoint_crash(struct ike_endpoint *ep)
{
    message_drop(&ep->messages, &ep->reply.message);
    ep->reply.waiting = false;
    for (uint32_t i = 0; i < ep->ikes.fresh; i++) {
        struct ike_sa *sa = pool_slot(&ep->ikes, i);

        if (sa)
            ike_remove(ep, ep->now, sa, REASON_CRASH);
    }
}

/* ---- IKE ---- */

static void begin_call(struct ike_endpoint *ep, nsec now)
{
    ep->now = now;
    if (!ep->reply.waiting)
        message_drop(&ep->messages, &ep->reply.message);
}

enum err ike_endpoint_initiate(struct ike_endpoint *ep, nsec now, const struct ike_remote *remote,
                               struct sa_ref *out)
{
    begin_call(ep, now);
    return ike_initiate(ep, now, remote, out);
}

bool ike_dgram_is_esp(const struct ike_dgram *d)
{
    if (d->protocol == 50)
        return true;
    return d->local.port == IKE_NATT_PORT && encap_classify(bytes_of(d->data, d->len)) == ENCAP_ESP;
}

/* The IKE message in a datagram: behind the non-ESP marker on port 4500 (RFC 7296 §2.23). */
static bool ike_message_in(const struct ike_dgram *d, struct bytes *message)
{
    *message = bytes_of(d->data, d->len);
    if (d->protocol != 17)
        return false;
    if (d->local.port != IKE_NATT_PORT)
        return true;
    if (encap_classify(*message) != ENCAP_IKE)
        return false;
    message->data += ENCAP_MARKER_LEN;
    message->len -= ENCAP_MARKER_LEN;
    return true;
}

enum err ike_endpoint_receive(struct ike_endpoint *ep, nsec now, const struct ike_dgram *d)
{
    struct bytes message;

    begin_call(ep, now);
    if (d->local.port == IKE_NATT_PORT &&
        encap_classify(bytes_of(d->data, d->len)) == ENCAP_KEEPALIVE)
        return OK; /* RFC 3948 §2.3: no answer, no sign of life */
    if (!ike_message_in(d, &message)) {
        drop_count(ep, IKE_DROP_MALFORMED);
        return ERR_SYNTAX;
    }
    return ike_receive(ep, now, d, message);
}

enum err ike_endpoint_answer(struct ike_endpoint *ep, nsec now, uint32_t request,
                             const struct ike_answer *answer)
{
    begin_call(ep, now);
    return ike_answered(ep, now, request, answer->granted);
}

void ike_endpoint_expire(struct ike_endpoint *ep, nsec now)
{
    uint32_t owner;

    begin_call(ep, now);
    while (timerq_expire(&ep->timers, now, &owner)) {
        struct ike_sa *sa = owner < ep->ikes.capacity ? pool_slot(&ep->ikes, owner) : NULL;

        if (sa)
            ike_timer_fired(ep, now, sa);
        else if (owner >= ep->ikes.capacity)
            child_timer_fired(ep, now, child_sa_by_index(ep, owner - ep->ikes.capacity));
    }
}

static enum err wish(struct ike_endpoint *ep, nsec now, struct sa_ref ref, enum ike_wish what)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep, now);
    return sa ? ike_wish_for(ep, now, sa, what) : ERR_STATE;
}

enum err ike_endpoint_rekey_ike(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_REKEY);
}

enum err ike_endpoint_new_child(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_CHILD);
}

enum err ike_endpoint_reauthenticate(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_REAUTH);
}

enum err ike_endpoint_terminate(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_DELETE);
}

enum err ike_endpoint_probe(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_LIVENESS);
}

enum err ike_endpoint_rekey_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    struct child_sa *c = child_sa_at(ep, child.handle);

    begin_call(ep, now);
    return c ? child_wish_for(ep, now, c, true) : ERR_STATE;
}

enum err ike_endpoint_new_child_for(struct ike_endpoint *ep, nsec now, struct sa_ref ref,
                                    struct bytes packet)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep, now);
    return sa ? ike_ask_for(ep, now, sa, packet) : ERR_STATE;
}

enum err ike_endpoint_delete_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    struct child_sa *c = child_sa_at(ep, child.handle);

    begin_call(ep, now);
    return c ? child_wish_for(ep, now, c, false) : ERR_STATE;
}

bool ike_endpoint_transmit(struct ike_endpoint *ep, struct ike_dgram *out)
{
    return outbox_next(ep, out);
}

bool ike_endpoint_next_event(struct ike_endpoint *ep, struct ike_event *out)
{
    return event_next(&ep->events, out);
}

nsec ike_endpoint_deadline(const struct ike_endpoint *ep)
{
    return timerq_deadline(&ep->timers);
}

const struct ike_counters *ike_endpoint_counters(const struct ike_endpoint *ep)
{
    return &ep->counters;
}

static uint64_t in_use(const struct pool *p)
{
    return (uint64_t)p->taken * p->slot_size;
}

uint64_t ike_endpoint_memory(const struct ike_endpoint *ep)
{
    uint64_t bytes = in_use(&ep->ikes) + in_use(&ep->children) + in_use(&ep->keys) +
                     in_use(&ep->handshakes) + in_use(&ep->ke_pairs) + in_use(&ep->esp->sad.sas);

    for (unsigned i = 0; i < ep->messages.count; i++)
        bytes += in_use(&ep->messages.classes[i]);
    return bytes;
}

/* ---- ESP ---- */

static struct child_sa *child_of(const struct ike_endpoint *ep, const struct esp_sa *esp)
{
    struct child_sa *c = child_sa_by_index(ep, esp->owner);

    ASSERT(c);
    return c;
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
        ep->counters.esp_unsent_no_policy++;
    else if (e == ERR_NO_SA)
        ep->counters.esp_unsent_no_sa++;
    else
        ep->counters.esp_unsent_limit++;
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
    ep->counters.esp_sealed++;
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
    const struct esp_sa *esp = child_esp(ep, c);
    size_t most;

    if (c->path_mtu == 0) /* nearly always */
        return PATH_FITS;
    most = path_inner_max(ep, now, c);
    if (most == 0 || packet.len <= most)
        return PATH_FITS;
    return path_way(esp, packet, most,
                    ep->config->child.fragment_before && esp_takes_pieces(ep->esp, esp, packet));
}

static enum err seal(struct ike_endpoint *ep, nsec now, struct child_sa *c, struct buf *packet,
                     struct esp_outer *outer)
{
    enum path_way way = way_of(ep, now, c, buf_bytes(packet));
    struct esp_sa *esp = child_esp(ep, c);
    enum err e;

    ep->counters.esp_unsent_too_big += way == PATH_REFUSE;
    if (way == PATH_REFUSE || way == PATH_CUT_FIRST)
        return ERR_TOO_BIG;
    e = ep->config->child.tfc_padding
            ? esp_seal_padded(ep->esp, esp, packet, path_padded_len(ep, now, c), outer)
            : esp_seal(ep->esp, esp, packet, outer);
    if (e == OK && way == PATH_CUT_AFTER)
        outer->df = false;
    else if (e == OK && ep->config->child.fragment_before && !esp->transport)
        outer->df = true; /* RFC 4301 §8.1: else nobody would say how narrow the path is */
    return e;
}

enum err ike_endpoint_protect(struct ike_endpoint *ep, nsec now, struct buf *packet,
                              struct ike_dgram *out, struct sa_ref *sa)
{
    struct esp_outer outer;
    struct handle used;
    enum err e = esp_choose(ep->esp, packet, &used);
    struct child_sa *c = e ? NULL : child_of(ep, sad_at(&ep->esp->sad, used));

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
    e = esp_may_send(ep->esp, child_esp(ep, c), packet);
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
    enum err e;

    if (!c || c->state != CHILD_CURRENT)
        return ERR_STATE;
    e = esp_dummy(ep->esp, child_esp(ep, c), packet, &outer);
    ep->counters.esp_dummies_sent += e == OK;
    sent_through(ep, now, c);
    return sealed(ep, e, &outer, packet, out);
}

void ike_endpoint_icmp(struct ike_endpoint *ep, nsec now, struct bytes packet)
{
    path_icmp(ep, now, packet);
}

static void count_refused(struct ike_endpoint *ep, enum err e)
{
    if (e == ERR_NO_SA)
        ep->counters.esp_dropped_no_sa++;
    else if (e == ERR_REPLAY)
        ep->counters.esp_dropped_replay++;
    else if (e == ERR_ICV)
        ep->counters.esp_dropped_icv++;
    else
        ep->counters.esp_dropped_other++;
}

/* strongSwan as responder of a rekey sends through the new SA when the old one is deleted, not when
 * it hears the new one. */
#define SWITCH_ON_DELETE (QUIRK_STRONGSWAN_1896 | QUIRK_STRONGSWAN_2477)

/* Authentic traffic: a sign of life (RFC 7296 §2.4), of the peer's switch, of a new address. */
static void heard(struct ike_endpoint *ep, nsec now, const struct ike_dgram *in,
                  const struct esp_opened *opened)
{
    struct esp_sa *esp = sad_at(&ep->esp->sad, opened->sa);
    struct child_sa *c = child_of(ep, esp);
    struct ike_sa *ike = child_sa_ike(ep, c);

    ike->last_heard = now;
    if (c->state == CHILD_READY && !(ep->config->quirks & SWITCH_ON_DELETE))
        child_switch(ep, c);
    if (opened->newest && in->protocol == 17 && esp->udp_encapsulated)
        ike_peer_seen(ep, now, ike, &in->local, &in->remote);
    watch_volume(ep, now, c, esp);
}

enum err ike_endpoint_unprotect(struct ike_endpoint *ep, nsec now, const struct ike_dgram *in,
                                struct buf *inner, struct sa_ref *sa)
{
    struct esp_arrival arrival = {
        .local = in->local, .remote = in->remote, .tos = in->tos, .hop_limit = in->hop_limit};
    struct buf packet = {in->data, in->len, in->len};
    struct esp_opened opened;
    enum err e = esp_open(ep->esp, &arrival, &packet, &opened);

    if (sa)
        *sa = SA_NONE;
    if (opened.authentic)
        heard(ep, now, in, &opened);
    if (sa && !handle_none(opened.sa))
        *sa = (struct sa_ref){child_sa_handle(ep, child_of(ep, sad_at(&ep->esp->sad, opened.sa)))};
    if (e) {
        count_refused(ep, e);
        return e;
    }
    ep->counters.esp_opened++;
    *inner = packet;
    return OK;
}

/* ---- views ---- */

enum { FINGERPRINT_KEY = 0x1ce1ab }; /* any fixed value: it shows equality, not keys */

static bool acting(const struct ike_sa *sa)
{
    return sa->in_flight || sa->wishes || sa->timers[TIMER_RETRY] != NSEC_NEVER;
}

static nsec ike_end(const struct ike_sa *sa)
{
    bool deleting = sa->state == STATE_DELETING || sa->wishes & WISH_DELETE;

    return deleting ? 0 : sa->timers[TIMER_EXPIRE];
}

static nsec child_end(const struct child_sa *c)
{
    return c->state == CHILD_DELETING || c->wish_delete ? 0 : c->hard;
}

bool ike_endpoint_ike_info(const struct ike_endpoint *ep, struct sa_ref ref,
                           struct ike_sa_info *out)
{
    const struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    if (!sa)
        return false;
    *out = (struct ike_sa_info){.spi_i = sa->spi_i,
                                .spi_r = sa->spi_r,
                                .initiator = sa->initiator,
                                .established = sa->state == STATE_ESTABLISHED,
                                .natt = sa->natt,
                                .takes_more = sa->one_pair || sa->more_ts,
                                .local = sa->local,
                                .remote = sa->remote,
                                .suite = sa->suite,
                                .children = sa->child_count,
                                .established_at = sa->established_at,
                                .last_heard = sa->last_heard,
                                .request_id = sa->request_id,
                                .expected_id = sa->expected_id,
                                .state = sa->state,
                                .in_flight = sa->in_flight,
                                .acting = acting(sa),
                                .ends = ike_end(sa)};
    if (sa->suite.encr)
        out->key_fingerprint =
            digest_of(ike_sa_keys(ep, sa)->bytes, ike_key_map(&sa->suite).end, FINGERPRINT_KEY);
    return true;
}

static uint64_t keys_fingerprint(const struct esp_sa *esp, enum sad_direction way)
{
    struct digest d = {FINGERPRINT_KEY, 0};

    digest_add(&d, sad_encr_key(esp, way), (size_t)esp->encr->key_len + esp->encr->salt_len);
    if (esp->integ)
        digest_add(&d, sad_integ_key(esp, way), esp->integ->key_len);
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

static void fill_selectors(const struct ike_endpoint *ep, const struct esp_sa *esp,
                           struct child_sa_info *out)
{
    struct spd_selectors s = spd_selectors(&ep->esp->spd, esp->policy);
    struct handle sends = spd_child(&ep->esp->spd, esp->policy);

    out->selectors_fingerprint_local = selectors_fingerprint(s.local, s.local_count);
    out->selectors_fingerprint_remote = selectors_fingerprint(s.remote, s.remote_count);
    out->current = sad_at(&ep->esp->sad, sends) == esp;
}

bool ike_endpoint_child_info(const struct ike_endpoint *ep, struct sa_ref ref,
                             struct child_sa_info *out)
{
    const struct child_sa *c = child_sa_at(ep, ref.handle);
    const struct esp_sa *esp = c ? child_esp(ep, c) : NULL;

    if (!esp || !esp->installed)
        return false;
    *out = (struct child_sa_info){.ike = ike_sa_ref(ep, child_sa_ike(ep, c)),
                                  .spi_in = esp->spi_in,
                                  .spi_out = esp->spi_out,
                                  .encr = esp->encr,
                                  .integ = esp->integ,
                                  .esn = esp->esn,
                                  .transport = esp->transport,
                                  .udp_encapsulated = esp->udp_encapsulated,
                                  .live = child_live(c),
                                  .over = c->state == CHILD_LINGERING,
                                  .ends = child_end(c),
                                  .key_fingerprint_in = keys_fingerprint(esp, SAD_IN),
                                  .key_fingerprint_out = keys_fingerprint(esp, SAD_OUT),
                                  .local = esp->local,
                                  .remote = esp->remote,
                                  .path_mtu = c->path_mtu,
                                  .packets_in = esp->packets_in,
                                  .packets_out = esp->seq_out,
                                  .bytes_in = esp->bytes_in,
                                  .bytes_out = esp->bytes_out};
    if (c->path_mtu)
        out->inner_mtu = (uint16_t)esp_inner_max(esp, c->path_mtu);
    fill_selectors(ep, esp, out);
    return true;
}

static struct sa_ref next_slot(const struct pool *p, struct sa_ref after)
{
    for (uint32_t i = sa_none(after) ? 0 : after.handle.index + 1; i < p->fresh; i++)
        if (pool_slot(p, i))
            return (struct sa_ref){pool_handle(p, i)};
    return SA_NONE;
}

struct sa_ref ike_endpoint_next_ike(const struct ike_endpoint *ep, struct sa_ref after)
{
    return next_slot(&ep->ikes, after);
}

struct sa_ref ike_endpoint_next_child(const struct ike_endpoint *ep, struct sa_ref after)
{
    return next_slot(&ep->children, after);
}
