/*
 * Whole handshakes between two endpoints of ours on one core, real crypto, every message built and
 * parsed: key exchange x authentication, both ends together, and each end alone. IKEv2, but for
 * rows that say IKEv1.
 *
 * A batch of handshakes goes step by step: all IKE_SA_INIT requests, all their answers, and so on,
 * so that the time of one end can be told from the other's by two clocks a step, not two a message.
 *
 * All cryptography is what a peer on a real socket computes, the library's as in the bound. With
 * the key exchange x25519-ifma it is what simulations compute where the processor can: X25519 by
 * crypto/x25519, and ECDSA signed until its length is the drawn one.
 */
#include "base/assert.h"
#include "bench/ends.h"
#include "bench/handshake_auth.h"
#include "bench/row.h"
#include "bench/threads.h"
#include "crypto/x25519.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 16,
    KEPT = 512, /* established SAs at most before both ends forget them all */
    LETTER_MAX = 4096,
    EITHER = ENDS, /* as an end: both */
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

struct bench {
    struct ends ends;
    struct handshake_auth *auth;
    struct box box[ENDS]; /* by the end that will receive it */
    int timed;            /* ENDS_INITIATOR, ENDS_RESPONDER or EITHER: both */
    unsigned kept, starting;
    enum ends_index turn;
    enum err error;
};

/* One of them a thread. */
struct load {
    struct bench *bench[BENCH_THREADS_MAX];
    unsigned threads;
};

static void close_bench(struct bench *b)
{
    if (!b)
        return;
    ends_close(&b->ends);
    handshake_auth_destroy(b->auth);
    for (int i = 0; i < ENDS; i++)
        free(b->box[i].letter);
    free(b);
}

#define OWN "-ifma"
#define V1_MAIN "/ikev1-main"

/* Main Mode and Quick Mode. IKEv1 has no AEADs for its own messages, so the child SA has none
 * either. */
static enum err call_with_v1(struct ike_config config[ENDS])
{
    struct bytes bad;
    enum err error = OK;

    for (int i = 0; i < ENDS && error == OK; i++) {
        config[i].version = IKE_V1;
        config[i].answers = 1 << IKE_V1;
        error =
            proposal_parse(bytes_text("aes256-sha256"), false, &config[i].child.proposals[0], &bad);
    }
    return error;
}

static enum err prepare(struct bench *b, char *ke, const char *auth, bool v1)
{
    static const struct ike_limits limits = {
        .ike_sas = KEPT + BATCH, .half_open = BATCH, .child_sas = KEPT + BATCH};
    char ike[64], *own = strstr(ke, OWN);
    struct bytes bad;
    enum err error = ends_init(&b->ends, own ? crypto_openssl_create : crypto_openssl_plain_create);

    if (own)
        *own = '\0';
    snprintf(ike, sizeof ike, "%s-%s", v1 ? "aes256-sha256" : "aes256gcm16-prfsha256", ke);
    if (error == OK && v1)
        error = call_with_v1(b->ends.config);
    for (int i = 0; i < ENDS && error == OK; i++) {
        error = proposal_parse(bytes_text(ike), true, &b->ends.config[i].proposals[0], &bad);
        b->box[i].letter = calloc(2 * BATCH, sizeof *b->box[i].letter);
        if (!b->box[i].letter)
            error = ERR_MEMORY;
    }
    if (error != OK)
        return error;
    b->ends.epoch_s = HANDSHAKE_AUTH_EPOCH;
    b->auth = handshake_auth_create(auth, b->ends.crypto, b->ends.config);
    if (!b->auth)
        return ERR_CRYPTO;
    return ends_open(&b->ends, (struct ike_limits[ENDS]){limits, limits}, false);
}

static struct bench *open_one(const struct row *row, enum err *error)
{
    struct bench *b = calloc(1, sizeof *b);
    char ke[32] = "", auth[32] = "";

    *error = ERR_MEMORY;
    if (b && sscanf(row->name, "handshake/%31[^/]/%31[^/]", ke, auth) == 2) {
        b->timed = (int)row->number[0];
        *error = prepare(b, ke, auth, strstr(row->name, V1_MAIN) != NULL);
    }
    if (*error == OK)
        return b;
    close_bench(b);
    return NULL;
}

static void close_load(void *state)
{
    struct load *l = state;

    for (unsigned i = 0; i < l->threads; i++)
        close_bench(l->bench[i]);
    free(l);
}

/* The name is handshake/KE/AUTH, or that and /END, /threads-2 or /ikev1-main; number[0] says which
 * end is timed. */
static void *open_load(struct row *row, const char **why)
{
    struct load *l = calloc(1, sizeof *l);
    enum err error = l ? OK : ERR_MEMORY;

    if (strstr(row->name, OWN) && !x25519_here()) {
        *why = "the processor has no AVX512-IFMA, or the compiler did not know it";
        free(l);
        return NULL;
    }
    for (; error == OK && l->threads < row->threads; l->threads += error == OK)
        l->bench[l->threads] = open_one(row, &error);
    if (error == OK)
        return l;
    *why = err_text(error);
    if (l)
        close_load(l);
    return NULL;
}

/* What end `from` has to say goes into the other's box; its events are pulled, as a driver must. */
static void post(struct bench *b, enum ends_index from)
{
    struct box *to = &b->box[from == ENDS_INITIATOR];
    struct ike_endpoint *end = b->ends.end[from];
    struct ike_dgram d;
    struct ike_event event;

    while (ike_endpoint_transmit(end, &d)) {
        struct letter *l = &to->letter[to->count++];

        ASSERT(to->count <= 2 * BATCH && d.len <= sizeof l->data);
        l->dgram = d;
        l->dgram.local = d.remote;
        l->dgram.remote = d.local;
        memcpy(l->data, d.data, d.len);
        l->dgram.data = l->data;
    }
    while (ike_endpoint_next_event(end, &event))
        ;
}

static void initiate(void *state)
{
    struct bench *b = state;
    struct sa_ref sa;

    for (unsigned i = 0; i < b->starting && b->error == OK; i++) {
        b->error = ends_initiate(&b->ends, &sa);
        post(b, ENDS_INITIATOR);
    }
}

static void receive(void *state)
{
    struct bench *b = state;
    struct box *in = &b->box[b->turn];

    for (unsigned i = 0; i < in->count; i++) {
        (void)ike_endpoint_receive(b->ends.end[b->turn], b->ends.now, &in->letter[i].dgram);
        post(b, b->turn);
    }
    in->count = 0;
}

static void step(struct bench *b, void (*work)(void *), uint64_t *ns)
{
    if (b->timed == EITHER || b->timed == (int)b->turn)
        measured(work, b, ns);
    else
        work(b);
}

static void batch(struct bench *b, unsigned count, uint64_t *ns)
{
    if (b->kept + count > KEPT) {
        for (int i = 0; i < ENDS; i++)
            ike_endpoint_crash(b->ends.end[i], b->ends.now);
        b->kept = 0;
    }
    b->starting = count;
    b->kept += count;
    b->turn = ENDS_INITIATOR;
    step(b, initiate, ns);
    for (;;) {
        b->turn = b->turn == ENDS_INITIATOR ? ENDS_RESPONDER : ENDS_INITIATOR;
        if (b->box[b->turn].count == 0)
            break;
        step(b, receive, ns);
    }
    b->ends.now += NSEC_PER_MS;
}

/* Each IKE SA has come to its child SA, at both ends. */
static bool all_have_children(struct bench *b)
{
    for (int i = 0; i < ENDS; i++)
        if (ike_endpoint_counters(b->ends.end[i])->child_sas != b->kept)
            return false;
    return true;
}

static enum err run_bench(void *state, uint64_t operations, uint64_t *ns)
{
    struct bench *b = state;
    const struct ike_counters *counters = ike_endpoint_counters(b->ends.end[ENDS_INITIATOR]);
    uint64_t before = counters->completed;

    for (uint64_t left = operations; left > 0 && b->error == OK;) {
        unsigned count = left < BATCH ? (unsigned)left : BATCH;

        batch(b, count, ns);
        left -= count;
    }
    if (b->error != OK)
        return b->error;
    return counters->completed - before == operations && all_have_children(b) ? OK : ERR_STATE;
}

static enum err run_load(void *state, uint64_t operations, double *value)
{
    struct load *l = state;
    void *states[BENCH_THREADS_MAX] = {NULL};
    uint64_t ns = 0;
    enum err error;

    for (unsigned i = 0; i < l->threads; i++)
        states[i] = l->bench[i];
    error = l->threads == 1 ? run_bench(states[0], operations, &ns)
                            : threads_run(l->threads, run_bench, states, operations, &ns);
    *value = (double)ns / 1e3;
    return error;
}

static const struct family handshake_family = {
    "handshake",
    "handshakes, key exchange x authentication: both ends on one core, and each end alone",
    open_load,
    run_load,
    close_load,
};

static struct row *add(struct rows *rows, const char *ke, const char *auth, int end, bool quick)
{
    static const char *const suffix[] = {"/initiator", "/responder", ""};
    struct row *row = rows_add(rows, &handshake_family, "handshake/%s/%s%s", ke, auth, suffix[end]);

    row->unit = "us";
    row->bound_program = "ikelab-bound-crypto";
    row->bound_name = "the same cryptography alone";
    snprintf(row->bound_row, sizeof row->bound_row, "%s/%.*s/%s", end == EITHER ? "pair" : "end",
             (int)strcspn(ke, "-"), ke, auth);
    row->number[0] = (uint32_t)end;
    row->quick = quick;
    row->counted = true;
    return row;
}

/* Not in --quick: with anything else on the second core it measures that. */
static void add_threads(struct rows *rows, const char *ke, const char *auth)
{
    struct row *row = add(rows, ke, auth, EITHER, false);

    strcat(row->name, "/threads-2");
    row->threads = 2;
    row->counted = false;
}

/* IKEv1 instead: its bound is the cryptography of Main Mode and Quick Mode. */
static void add_v1(struct rows *rows, const char *ke)
{
    struct row *row = add(rows, ke, "psk", EITHER, false);

    strcat(row->name, V1_MAIN);
    strcat(row->bound_row, V1_MAIN);
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
    add(rows, "x25519" OWN, "psk", EITHER, true);
    add(rows, "x25519" OWN, "ecdsa256", EITHER, false);
    add(rows, "x25519" OWN, "ecdsa256+cert", EITHER, false);
    for (size_t a = 1; a < sizeof auths / sizeof *auths; a++)
        add(rows, "x25519", auths[a], EITHER, strcmp(auths[a], "ecdsa256+cert") == 0);
    for (size_t a = 1; a < sizeof auths / sizeof *auths; a++)
        add(rows, "ecp256", auths[a], EITHER, false);
    for (int end = 0; end < ENDS; end++) {
        add(rows, "x25519", "psk", end, true);
        add(rows, "x25519", "ecdsa256+cert", end, false);
        add(rows, "x25519", "rsa2048+cert", end, false);
    }
    add_v1(rows, "modp2048");
    add_threads(rows, "x25519", "psk");
    add_threads(rows, "x25519", "rsa2048+cert");
}
