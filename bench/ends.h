/*
 * Two endpoints and the wire between them, for families that need real messages or many SAs:
 * an initiator and a responder with X25519, AES-256-GCM, SHA-256 and a pre-shared key, on IPv4.
 * What is said stays in the outbox of who said it until it is handed over, so a caller decides
 * whether handshakes come one after the other or all at once.
 */
#ifndef BENCH_ENDS_H
#define BENCH_ENDS_H

#include "proto/endpoint.h"
#include "proto/wire/payload.h"

enum ends_index { ENDS_INITIATOR, ENDS_RESPONDER, ENDS };

enum ends_sizes { ENDS_DATAGRAM_MAX = 16384 }; /* the longest message an endpoint makes, and more */

struct ends {
    struct meter meter;
    struct crypto *crypto;
    struct ike_config config[ENDS];
    struct ip_endpoint address[ENDS];
    struct ike_endpoint *end[ENDS];
    struct ike_store *fleet; /* of the initiators, if there are several; else NULL */
    struct ike_endpoint **clients;
    nsec now;
    int64_t epoch_s; /* Unix time at 0, for certificates */
    /** Called for each message on its way and for each event; NULL: nobody looks. */
    void (*message)(void *context, enum ends_index from, struct bytes);
    void (*event)(void *context, enum ends_index at, const struct ike_event *);
    void *context;
    uint8_t datagram[ENDS_DATAGRAM_MAX];
};

/**
 * Make the provider and the configurations, which may be changed before ends_open.
 * @param make  crypto_openssl_create or crypto_modelled_create
 */
enum err ends_init(struct ends *, struct crypto *(*make)(struct meter *)) MUST_USE;
/** @param limits  of each end. @param export_keys  say EVENT_KEYS */
enum err ends_open(struct ends *, const struct ike_limits limits[ENDS], bool export_keys) MUST_USE;
/** The same with `clients` initiators in one store. @param limits  of each initiator, of the
 * responder */
enum err ends_open_fleet(struct ends *, const struct ike_limits limits[ENDS],
                         uint32_t clients) MUST_USE;
/** From now on this one is the initiator. */
static inline void ends_turn(struct ends *e, uint32_t client)
{
    e->end[ENDS_INITIATOR] = e->clients[client];
}
/** Whatever was made, also after an error. */
void ends_close(struct ends *);

enum err ends_initiate(struct ends *, struct sa_ref *out) MUST_USE;
/** Hand over one message of `from`, and hear the events of both. @return false: it had none */
bool ends_hand_over(struct ends *, enum ends_index from);
/** Hear the events of both, as after each message. */
void ends_hear(struct ends *);
/** Hand over until both are silent. */
void ends_settle(struct ends *);

#endif
