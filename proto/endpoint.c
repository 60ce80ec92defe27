/*
 * The public surface over the rooms of proto: makes and frees an endpoint, tells ESP from IKE, and
 * sends messages to the version that speaks them.
 */
#include "proto/endpoint.h"

#include "proto/core/internal.h"
#include "proto/esp/encap.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/cookie.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"
#include "proto/ike/qcd.h"

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
    const struct child_config *c = &ep->store->config->child;
    struct sad_limits limits = {.sas = ep->store->children.capacity,
                                .replay_window = c->replay_window,
                                .key_bytes = child_key_bytes(c)};
    enum err e;

    ep->store->esp = calloc(1, sizeof *ep->store->esp);
    if (!ep->store->esp)
        return ERR_MEMORY;
    e = esp_init(ep->store->esp, ep->store->env.crypto, &limits, limits.sas, SPD_SELECTORS_MAX);
    if (e) {
        free(ep->store->esp);
        ep->store->esp = NULL;
    }
    return e;
}

static struct rng stream(const struct ike_env *env, enum rng_purpose purpose)
{
    return env->entropy ? rng_of(env->entropy) : rng_stream(env->seed, env->entity, purpose);
}

static void name_streams(struct ike_endpoint *ep)
{
    ep->spi = stream(&ep->store->env, RNG_SPI);
    ep->nonce = stream(&ep->store->env, RNG_NONCE);
    ep->iv = stream(&ep->store->env, RNG_IV);
    ep->retransmit = stream(&ep->store->env, RNG_RETRANSMIT);
    ep->lifetime = stream(&ep->store->env, RNG_LIFETIME);
    ep->key_exchange = stream(&ep->store->env, RNG_KEY_EXCHANGE);
    ep->signature = stream(&ep->store->env, RNG_SIGNATURE);
    ep->cookies.random = stream(&ep->store->env, RNG_COOKIE);
    ep->qcd.random = stream(&ep->store->env, RNG_TOKEN);
}

struct ike_endpoint *ike_endpoint_create(const struct ike_env *env, const struct ike_config *config,
                                         const struct ike_limits *limits)
{
    struct ike_endpoint *ep = calloc(1, sizeof *ep);

    if (!ep)
        return NULL;
    ep->store = calloc(1, sizeof *ep->store);
    if (!ep->store) {
        free(ep);
        return NULL;
    }
    ep->store->env = *env;
    ep->store->config = config;
    ep->asked.ike = SA_NONE;
    name_streams(ep);
    qcd_start(ep);
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
    if (ep->store->esp)
        esp_reset(ep->store->esp);
    free(ep->store->esp);
    sa_table_reset(ep);
    free(ep->store);
    wipe(ep, sizeof *ep);
    free(ep);
}

void ike_endpoint_crash(struct ike_endpoint *ep, nsec now)
{
    message_drop(&ep->store->messages, &ep->store->reply.message);
    ep->store->reply.waiting = false;
    cookie_forget(ep);
    if (ep->store->config->qcd_forgets)
        qcd_start(ep);
    for (uint32_t i = 0; i < ep->store->ikes.fresh; i++) {
        struct ike_sa *sa = pool_slot(&ep->store->ikes, i);

        if (sa)
            ike_remove(ep, now, sa, REASON_CRASH);
    }
}

/* ---- IKE ---- */

static void begin_call(struct ike_endpoint *ep)
{
    if (!ep->store->reply.waiting)
        message_drop(&ep->store->messages, &ep->store->reply.message);
}

enum err ike_endpoint_initiate(struct ike_endpoint *ep, nsec now, const struct ike_remote *remote,
                               struct sa_ref *out)
{
    begin_call(ep);
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

    begin_call(ep);
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
    begin_call(ep);
    return ike_answered(ep, now, request, answer->granted);
}

void ike_endpoint_expire(struct ike_endpoint *ep, nsec now)
{
    uint32_t owner;

    begin_call(ep);
    while (timerq_expire(&ep->store->timers, now, &owner)) {
        struct ike_sa *sa =
            owner < ep->store->ikes.capacity ? pool_slot(&ep->store->ikes, owner) : NULL;

        if (owner == joining_timer(ep))
            joining_expire(ep, now);
        else if (sa)
            ike_timer_fired(ep, now, sa);
        else if (owner >= ep->store->ikes.capacity)
            child_timer_fired(ep, now, child_sa_by_index(ep, owner - ep->store->ikes.capacity));
    }
}

static enum err wish(struct ike_endpoint *ep, nsec now, struct sa_ref ref, enum ike_wish what)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep);
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

void ike_endpoint_moved(struct ike_endpoint *ep, nsec now, const struct ip_addr *before,
                        const struct ip_addr *now_at)
{
    begin_call(ep);
    for (uint32_t i = 0; i < ep->store->ikes.fresh; i++) {
        struct ike_sa *sa = pool_slot(&ep->store->ikes, i);

        if (sa && (before->family == 0 || ip_addr_equal(&sa->local.addr, before)))
            mobike_moved(ep, now, sa, now_at);
    }
}

enum err ike_endpoint_rekey_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    struct child_sa *c = child_sa_at(ep, child.handle);

    begin_call(ep);
    return c ? child_wish_for(ep, now, c, true) : ERR_STATE;
}

enum err ike_endpoint_new_child_for(struct ike_endpoint *ep, nsec now, struct sa_ref ref,
                                    struct bytes packet)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep);
    return sa ? ike_ask_for(ep, now, sa, packet) : ERR_STATE;
}

enum err ike_endpoint_delete_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    struct child_sa *c = child_sa_at(ep, child.handle);

    begin_call(ep);
    return c ? child_wish_for(ep, now, c, false) : ERR_STATE;
}

bool ike_endpoint_transmit(struct ike_endpoint *ep, struct ike_dgram *out)
{
    return outbox_next(ep, out);
}

bool ike_endpoint_next_event(struct ike_endpoint *ep, struct ike_event *out)
{
    return event_next(&ep->store->events, out);
}

/* A child that is gone by now took its timers with it. */
bool ike_endpoint_next_timer(struct ike_endpoint *ep, struct timer_event *out)
{
    while (timer_log_next(&ep->store->timer_log, out)) {
        const struct child_sa *c = child_sa_at(ep, out->child.handle);

        if (sa_none(out->child))
            return true;
        if (!c || !child_esp(ep, c))
            continue;
        out->spi_in = child_esp(ep, c)->spi_in;
        return true;
    }
    return false;
}

nsec ike_endpoint_deadline(const struct ike_endpoint *ep)
{
    return timerq_deadline(&ep->store->timers);
}

const struct ike_counters *ike_endpoint_counters(const struct ike_endpoint *ep)
{
    return &ep->store->counters;
}

static uint64_t in_use(const struct pool *p)
{
    return (uint64_t)p->taken * p->slot_size;
}

uint64_t ike_endpoint_memory(const struct ike_endpoint *ep)
{
    uint64_t bytes =
        in_use(&ep->store->ikes) + in_use(&ep->store->children) + in_use(&ep->store->keys) +
        in_use(&ep->store->tokens) + in_use(&ep->store->handshakes) + in_use(&ep->store->ke_pairs) +
        in_use(&ep->store->windows) + in_use(&ep->store->parked) + in_use(&ep->store->answered) +
        in_use(&ep->store->joinings) + in_use(&ep->store->esp->sad.sas);

    if (ep->store->mobikes)
        bytes += (uint64_t)ep->store->ikes.taken * sizeof *ep->store->mobikes;
    for (unsigned i = 0; i < MESSAGE_CLASSES; i++) /* those that are not there have none */
        bytes += in_use(&ep->store->messages.classes[i]) + in_use(&ep->store->pieces.classes[i]);
    return bytes;
}
