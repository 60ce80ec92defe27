#include "bench/handshake.h"

#include "base/assert.h"
#include "crypto/provider.h"
#include "proto/endpoint.h"

#include <stdlib.h>

enum { BOUND_GROUP = 31 /* the bound program computes X25519 */ };

struct ends {
    struct meter meter;
    struct crypto *crypto;
    struct ike_config config[2];
    struct ike_endpoint *end[2];
    struct ip_endpoint address[2];
    nsec now;
};

static enum err configure(struct ends *e, const struct handshake_bench *b)
{
    struct bytes bad;

    for (int i = 0; i < 2; i++) {
        struct ike_config *c = &e->config[i];
        enum err error = proposal_parse(bytes_text(b->ike_proposal), true, &c->proposals[0], &bad);

        if (error == OK)
            error =
                proposal_parse(bytes_text(b->esp_proposal), false, &c->child.proposals[0], &bad);
        if (error != OK)
            return error;
        c->proposal_count = c->child.proposal_count = 1;
        c->respond = i == 1;
        c->id = (struct identity){.type = 2, .len = 1, .data = {(uint8_t)('a' + i)}};
        memcpy(c->psk, "test only", c->psk_len = 9);
        c->retransmit =
            (struct retransmit_config){.timeout = NSEC_PER_S, .base_milli = 1800, .tries = 5};
        c->half_open_time = 30 * NSEC_PER_S;
        c->child.replay_window = 128;
        c->child.local[0] = c->child.remote[0] = selector_any(4);
        c->child.local_count = c->child.remote_count = 1;
        e->address[i] = (struct ip_endpoint){ip_addr_v4(0x0a000001u + (uint32_t)i), 500};
    }
    return OK;
}

static enum err make_ends(struct ends *e, const struct handshake_bench *b)
{
    struct ike_limits limits = {.ike_sas = b->pairs, .half_open = 4, .child_sas = b->pairs};

    e->crypto = crypto_openssl_create(&e->meter);
    if (!e->crypto)
        return ERR_MEMORY;
    for (int i = 0; i < 2; i++) {
        struct ike_env env = {.crypto = e->crypto, .seed = 1, .entity = (uint64_t)i};

        e->end[i] = ike_endpoint_create(&env, &e->config[i], &limits);
        if (!e->end[i])
            return ERR_MEMORY;
    }
    return OK;
}

static void drop_ends(struct ends *e)
{
    for (int i = 0; i < 2; i++)
        if (e->end[i])
            ike_endpoint_destroy(e->end[i]);
    crypto_destroy(e->crypto);
}

/* Hand over everything `from` has to say; true if there was anything. */
static bool hand_over(struct ends *e, int from)
{
    struct ike_dgram d;
    struct ike_event event;
    bool any = false;

    while (ike_endpoint_transmit(e->end[from], &d)) {
        struct ike_dgram in = d;

        in.local = d.remote;
        in.remote = d.local;
        (void)ike_endpoint_receive(e->end[!from], e->now, &in);
        any = true;
    }
    while (ike_endpoint_next_event(e->end[from], &event))
        ;
    return any;
}

static enum err pairs(struct ends *e, uint32_t count)
{
    struct ike_remote remote = {.local = e->address[0], .remote = e->address[1]};
    uint64_t before = ike_endpoint_counters(e->end[0])->completed;

    for (uint32_t i = 0; i < count; i++) {
        struct sa_ref sa;
        enum err error = ike_endpoint_initiate(e->end[0], e->now, &remote, &sa);

        if (error != OK)
            return error;
        while (hand_over(e, 0) && hand_over(e, 1))
            ;
        e->now += NSEC_PER_MS;
    }
    return ike_endpoint_counters(e->end[0])->completed - before == count ? OK : ERR_STATE;
}

static enum err one_window(struct ends *e, const struct handshake_bench *b, struct bound *bound,
                           struct handshake_result *out)
{
    uint64_t start = measure_cpu_ns(), ns;
    enum err error = pairs(e, b->pairs);

    if (error != OK)
        return error;
    samples_add(&out->pair_us, (double)(measure_cpu_ns() - start) / 1e3 / b->pairs);
    for (int i = 0; i < 2; i++)
        ike_endpoint_crash(e->end[i]);
    if (!bound)
        return OK;
    error = bound_measure(bound, b->pairs, &ns);
    if (error == OK)
        samples_add(&out->bound_us, (double)ns / 1e3 / b->pairs);
    return error;
}

static enum err all_windows(struct ends *e, const struct handshake_bench *b, struct bound *bound,
                            struct handshake_result *out)
{
    struct handshake_result warm_up = {0};
    enum err error = one_window(e, b, bound, &warm_up);

    for (unsigned i = 0; i < b->windows && error == OK; i++)
        error = one_window(e, b, bound, out);
    return error;
}

enum err handshake_bench(const struct handshake_bench *b, struct handshake_result *out,
                         const char **why)
{
    struct ends e = {0};
    struct bound bound;
    bool bounded = false;
    enum err error = configure(&e, b);

    ASSERT(b->windows > 0 && b->windows <= MEASURE_WINDOWS_MAX && b->pairs > 0);
    *out = (struct handshake_result){0};
    if (error != OK) {
        *why = "a proposal is not understood";
        return error;
    }
    error = make_ends(&e, b);
    *why = "the endpoints could not be made";
    if (error == OK && e.config[0].proposals[0].ke[0]->iana == BOUND_GROUP) {
        bounded = bound_start(&bound, "ikelab-bound-crypto") == OK;
        if (!bounded)
            fprintf(stderr, "no bound: ikelab-bound-crypto is not beside the program\n");
    }
    if (error == OK) {
        error = all_windows(&e, b, bounded ? &bound : NULL, out);
        *why = "a handshake did not complete";
    }
    if (bounded)
        bound_stop(&bound);
    drop_ends(&e);
    return error;
}
