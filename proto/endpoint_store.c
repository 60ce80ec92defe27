/* Endpoints and their stores, made and freed; what they hold. */
#include "base/assert.h"
#include "proto/core/internal.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/ike/qcd.h"
#include "proto/ikev1/store.h"

#include <stdlib.h>

static uint32_t child_key_bytes(const struct child_config *c)
{
    uint32_t longest = 0;

    for (uint8_t p = 0; p < c->proposal_count; p++) {
        uint32_t len = proposal_key_bytes(&c->proposals[p]);

        longest = len > longest ? len : longest;
    }
    return longest;
}

static enum err make_esp(struct ike_store *s)
{
    const struct child_config *c = &s->config->child;
    struct sad_limits limits = {.sas = s->children.capacity,
                                .replay_window = c->replay_window,
                                .key_bytes = child_key_bytes(c)};
    enum err e;

    s->esp = calloc(1, sizeof *s->esp);
    if (!s->esp)
        return ERR_MEMORY;
    e = esp_init(s->esp, s->env.crypto, &limits, limits.sas, SPD_SELECTORS_MAX);
    if (e) {
        free(s->esp);
        s->esp = NULL;
        return e;
    }
    chains_expect(&s->esp->sad.by_spi, store_expected(s));
    chains_expect(&s->esp->spd.by_remote, store_expected(s));
    return OK;
}

/* What all streams of one name have in common keys the digests. */
static void key_digests(struct ike_store *s)
{
    struct rng r = rng_stream(s->env.seed, s->env.entity, RNG_SPI);

    if (s->env.entropy)
        return;
    memcpy(s->digest_key, r.key, sizeof s->digest_key);
}

struct ike_store *ike_store_create(const struct ike_env *env, const struct ike_config *config,
                                   const struct ike_limits *limits, uint32_t endpoints)
{
    struct ike_store *s = calloc(1, sizeof *s);

    ASSERT(endpoints > 0 && endpoints <= IKE_STORE_MAX);
    if (!s)
        return NULL;
    s->env = *env;
    s->config = config;
    s->endpoint_max = s->streams_of = endpoints;
    key_digests(s);
    s->endpoints = calloc(endpoints, sizeof *s->endpoints);
    if (!s->endpoints || store_init(s, limits) || make_esp(s) || v1_store_make(s)) {
        ike_store_destroy(s);
        return NULL;
    }
    return s;
}

void ike_store_destroy(struct ike_store *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->endpoint_count; i++)
        if (s->endpoints[i].rare) {
            wipe(s->endpoints[i].rare, sizeof *s->endpoints[i].rare);
            free(s->endpoints[i].rare);
        }
    free(s->endpoints);
    v1_store_free(s);
    if (s->esp)
        esp_reset(s->esp);
    free(s->esp);
    store_reset(s);
    wipe(s, sizeof *s);
    free(s);
}

/* Who may be called needs the rare part sooner or later, and then has no time to ask for memory. */
static bool begin(struct ike_endpoint *ep)
{
    const struct ike_config *c = ep->store->config;

    if ((!store_shared(ep->store) || c->respond || c->quick_crash_detection || c->invalid_spi ||
         c->invalid_message_id) &&
        !ike_rare(ep))
        return false;
    qcd_start(ep);
    return true;
}

struct ike_endpoint *ike_store_join(struct ike_store *s, uint64_t entity)
{
    struct ike_endpoint *ep = &s->endpoints[s->endpoint_count];

    if (s->endpoint_count == s->endpoint_max)
        return NULL;
    *ep = (struct ike_endpoint){.store = s,
                                .entity = entity,
                                .scope = s->endpoint_count,
                                .first = SA_INDEX_NONE,
                                .ike_slots = SIBLING_SLOTS,
                                .child_slots = SIBLING_SLOTS,
                                .out_head = SA_INDEX_NONE,
                                .out_tail = SA_INDEX_NONE};
    s->endpoint_count++;
    return begin(ep) ? ep : NULL;
}

uint64_t ike_store_memory(const struct ike_store *s)
{
    return store_memory(s) + esp_memory(s->esp) + v1_store_memory(s);
}

struct ike_endpoint *ike_endpoint_create(const struct ike_env *env, const struct ike_config *config,
                                         const struct ike_limits *limits)
{
    struct ike_store *s = ike_store_create(env, config, limits, 1);
    struct ike_endpoint *ep = s ? ike_store_join(s, env->entity) : NULL;

    if (!ep)
        ike_store_destroy(s);
    return ep;
}

void ike_endpoint_destroy(struct ike_endpoint *ep)
{
    if (!ep)
        return;
    ASSERT(!store_shared(ep->store));
    ike_store_destroy(ep->store);
}

uint64_t ike_endpoint_memory(const struct ike_endpoint *ep)
{
    return ike_store_memory(ep->store);
}
