/*
 * Whole handshakes between two endpoints of ours on one core, real crypto, every message built and
 * parsed: key exchange x authentication, both ends together, and each end alone.
 *
 * A batch of handshakes goes step by step: all IKE_SA_INIT requests, all their answers, and so on,
 * so that the time of one end can be told from the other's by two clocks a step, not two a message.
 */
#include "base/assert.h"
#include "bench/handshake_auth.h"
#include "bench/row.h"
#include "proto/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 16,
    KEPT = 512, /* established SAs at most before both ends forget them all */
    LETTER_MAX = 4096,
    IDENTITY_FQDN = 2,
    INITIATOR = 0,
    RESPONDER = 1,
    EITHER = 2,
};

/* A message on its way. */
struct letter {
    struct ike_dgram dgram;
    uint8_t data[LETTER_MAX];
};

struct box {
    struct letter *letter; /* 2 * BATCH */
    unsigned count;
};

struct ends {
    struct meter meter;
    struct crypto *crypto;
    struct handshake_auth *auth;
    struct ike_config config[2];
    struct ike_endpoint *end[2];
    struct ip_endpoint address[2];
    struct box box[2]; /* by the end that will receive it */
    nsec now;
    int timed; /* INITIATOR, RESPONDER or EITHER: both */
    double unit_ns;
    unsigned kept, starting;
    int turn;
    enum err error;
};

static enum err configure(struct ends *e, const char *ke)
{
    char ike[64];
    struct bytes bad;

    snprintf(ike, sizeof ike, "aes256gcm16-prfsha256-%s", ke);
    for (int i = 0; i < 2; i++) {
        struct ike_config *c = &e->config[i];
        enum err error = proposal_parse(bytes_text(ike), true, &c->proposals[0], &bad);

        if (error == OK)
            error = proposal_parse(bytes_text("aes256gcm16"), false, &c->child.proposals[0], &bad);
        if (error != OK)
            return error;
        c->proposal_count = c->child.proposal_count = 1;
        c->respond = i == RESPONDER;
        c->id = (struct identity){.type = IDENTITY_FQDN, .len = 6};
        memcpy(c->id.data, i == INITIATOR ? "a.test" : "b.test", 6);
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

static enum err make_ends(struct ends *e)
{
    struct ike_limits limits = {
        .ike_sas = KEPT + BATCH, .half_open = BATCH, .child_sas = KEPT + BATCH};

    for (int i = 0; i < 2; i++) {
        struct ike_env env = {
            .crypto = e->crypto, .seed = 1, .entity = (uint64_t)i, .epoch_s = HANDSHAKE_AUTH_EPOCH};

        e->end[i] = ike_endpoint_create(&env, &e->config[i], &limits);
        e->box[i].letter = calloc(2 * BATCH, sizeof *e->box[i].letter);
        if (!e->end[i] || !e->box[i].letter)
            return ERR_MEMORY;
    }
    return OK;
}

static void close_ends(void *state)
{
    struct ends *e = state;

    for (int i = 0; i < 2; i++) {
        if (e->end[i])
            ike_endpoint_destroy(e->end[i]);
        free(e->box[i].letter);
    }
    handshake_auth_destroy(e->auth);
    crypto_destroy(e->crypto);
    free(e);
}

/* The name is handshake/KE/AUTH or handshake/KE/AUTH/END; number[0] says which end is timed. */
static void *open_ends(struct row *row, const char **why)
{
    struct ends *e = calloc(1, sizeof *e);
    char ke[32] = "", auth[32] = "";

    *why = "the endpoints could not be made";
    if (!e || sscanf(row->name, "handshake/%31[^/]/%31[^/]", ke, auth) != 2) {
        free(e);
        return NULL;
    }
    e->timed = (int)row->number[0];
    e->crypto = crypto_openssl_create(&e->meter);
    if (e->crypto && configure(e, ke) == OK &&
        (e->auth = handshake_auth_create(auth, e->crypto, e->config)) && make_ends(e) == OK)
        return e;
    close_ends(e);
    return NULL;
}

/* What end `from` has to say goes into the other's box; its events are pulled, as a driver must. */
static void post(struct ends *e, int from)
{
    struct box *to = &e->box[!from];
    struct ike_dgram d;
    struct ike_event event;

    while (ike_endpoint_transmit(e->end[from], &d)) {
        struct letter *l = &to->letter[to->count++];

        ASSERT(to->count <= 2 * BATCH && d.len <= sizeof l->data);
        l->dgram = d;
        l->dgram.local = d.remote;
        l->dgram.remote = d.local;
        memcpy(l->data, d.data, d.len);
        l->dgram.data = l->data;
    }
    while (ike_endpoint_next_event(e->end[from], &event))
        ;
}

static void initiate(void *state)
{
    struct ends *e = state;
    struct ike_remote remote = {.local = e->address[0], .remote = e->address[1]};
    struct sa_ref sa;

    for (unsigned i = 0; i < e->starting && e->error == OK; i++) {
        e->error = ike_endpoint_initiate(e->end[INITIATOR], e->now, &remote, &sa);
        post(e, INITIATOR);
    }
}

static void receive(void *state)
{
    struct ends *e = state;
    struct box *in = &e->box[e->turn];

    for (unsigned i = 0; i < in->count; i++) {
        (void)ike_endpoint_receive(e->end[e->turn], e->now, &in->letter[i].dgram);
        post(e, e->turn);
    }
    in->count = 0;
}

static void step(struct ends *e, void (*work)(void *), uint64_t *ns)
{
    if (e->timed == EITHER || e->timed == e->turn)
        measured(work, e, ns);
    else
        work(e);
}

static void batch(struct ends *e, unsigned count, uint64_t *ns)
{
    if (e->kept + count > KEPT) {
        for (int i = 0; i < 2; i++)
            ike_endpoint_crash(e->end[i]);
        e->kept = 0;
    }
    e->starting = count;
    e->kept += count;
    e->turn = INITIATOR;
    step(e, initiate, ns);
    while (e->box[e->turn = !e->turn].count > 0)
        step(e, receive, ns);
    e->now += NSEC_PER_MS;
}

static enum err run_ends(void *state, uint64_t operations, double *value)
{
    struct ends *e = state;
    uint64_t before = ike_endpoint_counters(e->end[INITIATOR])->completed, ns = 0;

    for (uint64_t left = operations; left > 0 && e->error == OK;) {
        unsigned count = left < BATCH ? (unsigned)left : BATCH;

        batch(e, count, &ns);
        left -= count;
    }
    *value = (double)ns / 1e3;
    if (e->error != OK)
        return e->error;
    return ike_endpoint_counters(e->end[INITIATOR])->completed - before == operations ? OK
                                                                                      : ERR_STATE;
}

static const struct family handshake_family = {
    "handshake",
    "IKEv2 handshakes, key exchange x authentication: both ends on one core, and each end alone",
    open_ends,
    run_ends,
    close_ends,
};

static void add(struct rows *rows, const char *ke, const char *auth, int end, bool quick)
{
    static const char *const suffix[] = {"/initiator", "/responder", ""};
    struct row *row = rows_add(rows, &handshake_family, "handshake/%s/%s%s", ke, auth, suffix[end]);

    row->unit = "us";
    row->bound_program = "ikelab-bound-crypto";
    row->bound_name = "the same cryptography alone, OpenSSL";
    snprintf(row->bound_row, sizeof row->bound_row, "%s/%s/%s", end == EITHER ? "pair" : "end", ke,
             auth);
    row->number[0] = (uint32_t)end;
    row->quick = quick;
    row->counted = true;
}

void handshake_rows(struct rows *rows)
{
    static const char *const kes[] = {"x25519",   "ecp256",   "ecp384", "modp2048",
                                      "modp3072", "modp4096", "ecp521", "x448"};
    static const char *const auths[] = {
        "psk",           "ecdsa256",      "ecdsa384",     "ed25519",      "rsa2048",     "rsa3072",
        "ecdsa256+cert", "ecdsa384+cert", "ed25519+cert", "rsa2048+cert", "rsa3072+cert"};

    for (size_t k = 0; k < sizeof kes / sizeof *kes; k++)
        add(rows, kes[k], "psk", EITHER, k == 0 || k == 1 || k == 3);
    for (size_t a = 1; a < sizeof auths / sizeof *auths; a++)
        add(rows, "x25519", auths[a], EITHER,
            strcmp(auths[a], "rsa2048+cert") == 0 || strcmp(auths[a], "ecdsa256+cert") == 0);
    for (size_t a = 1; a < sizeof auths / sizeof *auths; a++)
        add(rows, "ecp256", auths[a], EITHER, false);
    for (int end = INITIATOR; end <= RESPONDER; end++) {
        add(rows, "x25519", "psk", end, true);
        add(rows, "x25519", "ecdsa256+cert", end, false);
        add(rows, "x25519", "rsa2048+cert", end, false);
    }
}
