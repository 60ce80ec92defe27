#include "bench/ends.h"

#include "base/assert.h"

#include <stdlib.h>

enum { WINDOW = 128 /* replay window, packets */ };

static void parse(const char *text, bool ike, struct proposal_config *out)
{
    struct bytes bad;
    enum err e = proposal_parse(bytes_text(text), ike, out, &bad);

    ASSERT(e == OK);
}

enum err ends_init(struct ends *e, struct crypto *(*make)(struct meter *))
{
    *e = (struct ends){0};
    e->crypto = make(&e->meter);
    for (int i = 0; i < ENDS; i++) {
        struct ike_config *c = &e->config[i];

        parse("aes256gcm16-prfsha256-x25519", true, &c->proposals[0]);
        parse("aes256gcm16", false, &c->child.proposals[0]);
        c->proposal_count = c->child.proposal_count = 1;
        c->respond = i == ENDS_RESPONDER;
        c->id = (struct identity){.type = ID_FQDN, .len = 6};
        memcpy(c->id.data, i == ENDS_INITIATOR ? "a.test" : "b.test", 6);
        memcpy(c->psk, "test only", c->psk_len = 9);
        c->retransmit =
            (struct retransmit_config){.timeout = NSEC_PER_S, .base_milli = 1800, .tries = 5};
        c->half_open_time = 30 * NSEC_PER_S;
        c->child.replay_window = WINDOW;
        c->child.local[0] = c->child.remote[0] = selector_any(4);
        c->child.local_count = c->child.remote_count = 1;
        e->address[i] = (struct ip_endpoint){ip_addr_v4(0x0a000001u + (uint32_t)i), 500};
    }
    return e->crypto ? OK : ERR_MEMORY;
}

static struct ike_env env_of(const struct ends *e, uint64_t entity, bool export_keys)
{
    return (struct ike_env){.crypto = e->crypto,
                            .seed = 1,
                            .entity = entity,
                            .epoch_s = e->epoch_s,
                            .export_keys = export_keys};
}

enum err ends_open(struct ends *e, const struct ike_limits limits[ENDS], bool export_keys)
{
    for (int i = 0; i < ENDS; i++) {
        struct ike_env env = env_of(e, (uint64_t)i, export_keys);

        e->end[i] = ike_endpoint_create(&env, &e->config[i], &limits[i]);
        if (!e->end[i])
            return ERR_MEMORY;
    }
    return OK;
}

enum err ends_open_fleet(struct ends *e, const struct ike_limits limits[ENDS], uint32_t clients)
{
    struct ike_env env = env_of(e, ENDS_RESPONDER, false);

    e->end[ENDS_RESPONDER] =
        ike_endpoint_create(&env, &e->config[ENDS_RESPONDER], &limits[ENDS_RESPONDER]);
    e->fleet = ike_store_create(&env, &e->config[ENDS_INITIATOR], &limits[ENDS_INITIATOR], clients);
    e->clients = calloc(clients, sizeof(struct ike_endpoint *));
    if (!e->end[ENDS_RESPONDER] || !e->fleet || !e->clients)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < clients; i++) {
        e->clients[i] = ike_store_join(e->fleet, ENDS + i);
        if (!e->clients[i])
            return ERR_MEMORY;
    }
    ends_turn(e, 0);
    return OK;
}

void ends_close(struct ends *e)
{
    ike_endpoint_destroy(e->end[ENDS_RESPONDER]);
    if (e->fleet)
        ike_store_destroy(e->fleet);
    else
        ike_endpoint_destroy(e->end[ENDS_INITIATOR]);
    free(e->clients);
    crypto_destroy(e->crypto);
}

enum err ends_initiate(struct ends *e, struct sa_ref *out)
{
    struct ike_remote remote = {.local = e->address[ENDS_INITIATOR],
                                .remote = e->address[ENDS_RESPONDER]};

    return ike_endpoint_initiate(e->end[ENDS_INITIATOR], e->now, &remote, out);
}

void ends_hear(struct ends *e)
{
    struct ike_event event;

    for (int i = 0; i < ENDS; i++)
        while (ike_endpoint_next_event(e->end[i], &event))
            if (e->event)
                e->event(e->context, (enum ends_index)i, &event);
}

bool ends_hand_over(struct ends *e, enum ends_index from)
{
    struct ike_dgram d, in;

    if (!ike_endpoint_transmit(e->end[from], &d))
        return false;
    if (e->message)
        e->message(e->context, from, bytes_of(d.data, d.len));
    /* A copy, as a wire makes one: it is decrypted in place, and the sender may repeat its own. */
    ASSERT(d.len <= sizeof e->datagram);
    memcpy(e->datagram, d.data, d.len);
    in = d;
    in.local = d.remote;
    in.remote = d.local;
    in.data = e->datagram;
    (void)ike_endpoint_receive(e->end[from == ENDS_INITIATOR], e->now, &in);
    ends_hear(e);
    return true;
}

void ends_settle(struct ends *e)
{
    while (ends_hand_over(e, ENDS_INITIATOR) || ends_hand_over(e, ENDS_RESPONDER))
        ;
}
