#include "sim/attacker.h"

#include "base/assert.h"
#include "proto/core/nat.h"
#include "proto/core/select.h"
#include "proto/ip/udp.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"
#include "proto/wire/notify.h"

#include <stdlib.h>

enum {
    REQUEST_PORT = 500,
    PORT_FIRST = 1024, /* of the claimed sources */
    PORT_COUNT = 65536 - PORT_FIRST,
    REQUEST_NONCE = 32,  /* as our own initiators send */
    REQUEST_MAX = 16384, /* bytes of a message */
    HOST_BITS_MAX = 32,  /* of a claimed address are drawn */
    NEXT_REQUEST = 0,    /* the node's timer */
};

struct attacker {
    struct lab *lab;
    uint32_t node;
    const struct scenario_group *group;
    struct ip_endpoint target;
    struct ke_pair pair;
    struct rng random;
    uint32_t room;  /* bytes of a request */
    uint32_t sent;  /* requests */
    nsec since;     /* when it began, or went on */
    uint32_t began; /* requests that were sent before */
};

/* ---- one request ---- */

/* Some host of the prefix, never its first and last address where it has more than two. */
static struct ip_addr claim_address(struct rng *random, const struct ip_prefix *from)
{
    unsigned bits = (from->addr.family == 4 ? 32u : 128u) - from->length;
    uint64_t hosts = UINT64_C(1) << (bits < HOST_BITS_MAX ? bits : HOST_BITS_MAX);
    uint64_t host = hosts > 2 ? 1 + rng_below(random, hosts - 2) : rng_below(random, hosts);

    return ip_addr_add(&from->addr, host);
}

static void add_nat_detection(struct message_writer *out, struct crypto *crypto, uint64_t spi_i,
                              const struct ip_endpoint *from, const struct ip_endpoint *to)
{
    uint8_t hash[NAT_HASH_LEN];

    if (nat_hash(crypto, spi_i, 0, from, hash) == OK)
        notify_add(out, NOTIFY_NAT_DETECTION_SOURCE_IP, bytes_of(hash, sizeof hash));
    if (nat_hash(crypto, spi_i, 0, to, hash) == OK)
        notify_add(out, NOTIFY_NAT_DETECTION_DESTINATION_IP, bytes_of(hash, sizeof hash));
}

/* HDR(A,0), SAi1, KEi, Ni, N(NAT_DETECTION_*)                              RFC 7296 §1.2, §2.23 */
static enum err write_request(struct attacker *a, const struct ip_endpoint *from, struct buf out,
                              struct bytes *message)
{
    static const struct select_terms terms = {.protocol = SA_PROTOCOL_IKE};
    const struct ike_config *c = &a->group->ike;
    struct ike_header header = {.spi_i = rng_u64(&a->random) | 1, /* never 0: §2.6 */
                                .version = HEADER_VERSION_2,
                                .exchange = EXCHANGE_IKE_SA_INIT,
                                .flags = HEADER_FLAG_INITIATOR};
    uint8_t nonce[REQUEST_NONCE];
    struct message_writer w;

    rng_fill(&a->random, nonce, sizeof nonce);
    message_begin(&w, out, &header);
    offer_write(payload_begin(&w, PAYLOAD_SA), c->proposals, c->proposal_count, &terms, BYTES_NONE);
    payload_end(&w);
    ke_write(payload_begin(&w, PAYLOAD_KE),
             &(struct ke_payload){a->pair.suite->iana,
                                  bytes_of(a->pair.public, a->pair.suite->public_len)});
    payload_end(&w);
    nonce_write(payload_begin(&w, PAYLOAD_NONCE), bytes_of(nonce, sizeof nonce));
    payload_end(&w);
    add_nat_detection(&w, a->lab->crypto, header.spi_i, from, &a->target);
    return message_end(&w, message);
}

static struct ip_endpoint claim(struct attacker *a)
{
    struct ip_endpoint from = {claim_address(&a->random, &a->group->flood.sources), 0};

    from.port = (uint16_t)(PORT_FIRST + rng_below(&a->random, PORT_COUNT));
    return from;
}

static void send_request(struct attacker *a)
{
    struct sim *s = &a->lab->sim;
    uint32_t packet = packet_new(s, a->node, a->room);
    struct ip_endpoint from = claim(a);
    struct udp_build udp = {.src = from, .dst = a->target};
    struct bytes message, whole;
    struct packet *p;

    if (packet == SIM_NONE)
        return; /* the run ends: out of memory */
    p = packet_at(s, packet);
    udp.id = (uint16_t)p->sequence;
    /* Each is as long as the one that was tried in attacker_create. */
    if (write_request(a, &from, (struct buf){p->data, 0, a->room}, &message) != OK ||
        udp_datagram_write(p->data, message.len, &udp, &whole) != OK)
        ASSERT(!"a request fits its packet");
    p->data = (uint8_t *)whole.data;
    p->len = (uint32_t)whole.len;
    p->kind = PACKET_IKE;
    sim_send(s, a->node, 0, packet, true);
}

/* ---- when ---- */

static nsec due(const struct attacker *a)
{
    const struct flood_words *w = &a->group->flood;
    unsigned __int128 gaps = (unsigned __int128)(a->sent - a->began) * NSEC_PER_S * 1000000;

    return a->sent < w->requests ? nsec_add(a->since, (nsec)(gaps / w->rate_micro)) : NSEC_NEVER;
}

static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    struct attacker *a = s->nodes[node].state;

    (void)slot;
    send_request(a);
    a->sent++;
    sim_arm(s, node, NEXT_REQUEST, due(a));
}

void attacker_begin(struct lab *lab, uint32_t node)
{
    struct attacker *a = lab->sim.nodes[node].state;

    a->since = a->group->flood.at;
    sim_arm(&lab->sim, node, NEXT_REQUEST, due(a));
}

void attacker_set_down(struct lab *lab, uint32_t node, bool down)
{
    struct attacker *a = lab->sim.nodes[node].state;

    sim_set_down(&lab->sim, node, down);
    if (down)
        return;
    a->since = nsec_max(lab->sim.now, a->group->flood.at);
    a->began = a->sent;
    sim_arm(&lab->sim, node, NEXT_REQUEST, due(a));
}

/* ---- the node ---- */

static enum err try_request(struct attacker *a)
{
    uint8_t storage[REQUEST_MAX];
    struct ip_endpoint from = claim(a);
    struct bytes message;
    enum err e = write_request(a, &from, (struct buf){storage, 0, sizeof storage}, &message);

    a->room = e == OK ? (uint32_t)message.len : 0;
    return e;
}

enum err attacker_create(struct lab *lab, uint32_t node, const struct ip_addr *target, void **state)
{
    struct rng random = rng_stream(lab->scenario->seed, node, RNG_ATTACK);
    struct attacker *a = calloc(1, sizeof *a);
    const struct ke_suite *suite;
    enum err e;

    *state = a;
    if (!a)
        return ERR_MEMORY;
    a->lab = lab;
    a->node = node;
    a->target = (struct ip_endpoint){*target, REQUEST_PORT};
    a->random = random;
    a->group = &lab->scenario->groups[lab->sim.nodes[node].group];
    suite = offer_first_ke(a->group->ike.proposals, a->group->ike.proposal_count);
    e = lab->crypto->class->ke_generate(lab->crypto, suite, rng_fork(&random, 0), &a->pair);
    if (e == OK)
        e = try_request(a);
    lab->attacked = true;
    return e;
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    (void)port;
    packet_deliver(s, node, packet);
}

static void destroy(struct sim *s, uint32_t node)
{
    free(s->nodes[node].state);
}

const struct node_class attacker_class = {
    .name = "attacker", .receive = receive, .timer = timer, .destroy = destroy};

/* ---- questions and answers ---- */

void attacker_heard(struct lab *lab, uint32_t packet)
{
    const struct packet *p = packet_at(&lab->sim, packet);
    const struct node *from = &lab->sim.nodes[p->source];

    if (!lab->attacked || node_class(&lab->sim, from) != &attacker_class)
        return;
    lab->metrics->groups[from->group].flood.requests++;
    lab->metrics->groups[from->group].flood.request_bytes += p->len;
}

void attacker_answered(struct lab *lab, uint32_t packet)
{
    const struct packet *p = packet_at(&lab->sim, packet);
    struct ip_packet ip;

    if (!lab->attacked || ip_read(bytes_of(p->data, p->len), &ip) != OK)
        return;
    for (uint32_t g = 0; g < lab->scenario->group_count; g++) {
        const struct scenario_group *group = &lab->scenario->groups[g];

        if (group->role != ROLE_ATTACKER || !ip_prefix_contains(&group->flood.sources, &ip.dst))
            continue;
        lab->metrics->groups[g].flood.answers++;
        lab->metrics->groups[g].flood.answer_bytes += p->len;
        return;
    }
}
