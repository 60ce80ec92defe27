/*
 * memory: what SAs take, in bytes, with everything that comes with them: endpoints, tables, timers,
 * policies, cached messages. As in a fleet each tunnel has a client of its own, an endpoint in a
 * store that they share, and all have one gateway. Each state is measured in a process of its own,
 * in which nothing else grows.
 *
 *   memory/half_open/HOW    the responder's share of a handshake between IKE_SA_INIT and IKE_AUTH
 *   memory/established/HOW  a tunnel, both ends; all handshakes were under way at the same time,
 *                           and the last message of the last has just arrived
 *   memory/idle/HOW         a tunnel, both ends; handshakes came one after the other, each followed
 *                           by one liveness check, which replaces the cached response of IKE_AUTH
 *   memory/through_nat/HOW  the same, and a NAT box before its client (bench/memory_nat.c): the
 *                           box with its node, two mappings and their timer, and both links
 *   memory/simulated/HOW    a tunnel as a run holds it (bench/memory_world.c): both ends with their
 *                           nodes, links, queue entries, checkers and slots that lie idle
 *   memory/behind_nat/HOW   the same with a NAT box before each client, and one link more
 *
 * HOW: `resident`, the growth of the process, from before the endpoints were made; `accounted`,
 * what ike_store_memory says, which leaves out slots that lie idle.
 * Modelled cryptography, whose keys and messages are as long as real ones (the real provider keeps
 * nothing per SA); `resident_real` is with OpenSSL. Of a run, it is what a tunnel more takes: the
 * difference to a run of a few.
 */
#include "bench/memory.h"

#include "bench/ends.h"
#include "bench/row.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAS = 5000, TUNNELS = 20000, FEW_TUNNELS = 100 };

/* row.number */
enum { WHAT, HOW };

enum how { RESIDENT, ACCOUNTED, RESIDENT_REAL };

static const char *const how_names[] = {
    [RESIDENT] = "resident", [ACCOUNTED] = "accounted", [RESIDENT_REAL] = "resident_real"};

struct bench {
    enum memory_state what;
    enum how how;
};

/* The client whose turn it is, with its identity and its inner address. */
static void be_client(struct ends *e, uint32_t number)
{
    struct ike_config *c = &e->config[ENDS_INITIATOR];

    if (e->fleet)
        ends_turn(e, number);
    c->id.len = sizeof number;
    store_be32(c->id.data, number);
    c->child.local[0].first = c->child.local[0].last = ip_addr_v4(0x0b000000u + number);
}

/* What `from` has to say, one message for each client; answers wait in the outbox. */
static enum err wave(struct ends *e, enum ends_index from, uint32_t sas)
{
    for (uint32_t i = 0; i < sas; i++) {
        be_client(e, i);
        if (!ends_hand_over(e, from))
            return ERR_STATE;
    }
    return OK;
}

static enum err initiate(struct ends *e, uint32_t number, struct sa_ref *sa)
{
    enum err error;

    be_client(e, number);
    error = ends_initiate(e, sa);
    ends_hear(e);
    return error;
}

static enum err half_open(struct ends *e, uint32_t sas)
{
    struct sa_ref sa;

    for (uint32_t i = 0; i < sas; i++) {
        struct ike_dgram unheard;
        enum err error = initiate(e, i, &sa);

        if (error != OK)
            return error;
        (void)ends_hand_over(e, ENDS_INITIATOR);
        while (ike_endpoint_transmit(e->end[ENDS_RESPONDER], &unheard))
            ;
        ike_endpoint_crash(e->end[ENDS_INITIATOR], e->now); /* the next one takes its place */
    }
    return ike_endpoint_counters(e->end[ENDS_RESPONDER])->half_open == sas ? OK : ERR_STATE;
}

static enum err all_at_once(struct ends *e, uint32_t sas)
{
    struct sa_ref sa;

    for (uint32_t i = 0; i < sas; i++) {
        enum err error = initiate(e, i, &sa);

        if (error != OK)
            return error;
    }
    for (int message = 0; message < 4; message++) {
        enum err error = wave(e, message % 2 ? ENDS_RESPONDER : ENDS_INITIATOR, sas);

        if (error != OK)
            return error;
    }
    return OK;
}

static enum err one_by_one(struct ends *e, uint32_t sas)
{
    struct sa_ref sa;

    for (uint32_t i = 0; i < sas; i++) {
        enum err error = initiate(e, i, &sa);

        if (error == OK) {
            ends_settle(e);
            error = ike_endpoint_probe(e->end[ENDS_INITIATOR], e->now, sa);
        }
        if (error != OK)
            return error;
        ends_settle(e);
    }
    return OK;
}

static enum err bring_up(struct ends *e, enum memory_state what, uint32_t sas)
{
    enum err error = OK;

    if (what == MEMORY_HALF_OPEN)
        return half_open(e, sas);
    error = what == MEMORY_IDLE ? one_by_one(e, sas) : all_at_once(e, sas);
    if (error == OK && ike_endpoint_counters(e->end[ENDS_INITIATOR])->completed != sas)
        error = ERR_STATE;
    return error;
}

static enum err measure(const struct bench *b, uint32_t sas, uint64_t *bytes)
{
    static struct ends e; /* touched before it counts: ends_init clears it */
    struct ike_limits many = {.ike_sas = sas, .half_open = sas, .child_sas = sas};
    struct ike_limits client = {.ike_sas = 4, .half_open = 4, .child_sas = 8};
    struct ike_limits limits[ENDS] = {client, many};
    uint64_t before, after;
    enum err error =
        ends_init(&e, b->how == RESIDENT_REAL ? crypto_openssl_create : crypto_modelled_create);

    before = memory_resident();
    if (error == OK)
        error = b->what == MEMORY_HALF_OPEN ? ends_open(&e, limits, false)
                                            : ends_open_fleet(&e, limits, sas);
    if (error == OK)
        error = bring_up(&e, b->what, sas);
    after = memory_resident();
    if (error == OK && after < before) /* pages were taken away: swapped out */
        error = ERR_STATE;
    *bytes = after - before;
    if (error == OK && b->how == ACCOUNTED) {
        *bytes = ike_endpoint_memory(e.end[ENDS_RESPONDER]);
        if (b->what != MEMORY_HALF_OPEN)
            *bytes += ike_endpoint_memory(e.end[ENDS_INITIATOR]);
    }
    ends_close(&e);
    return error;
}

struct answer {
    enum err error;
    uint64_t bytes;
};

static enum err weigh(const struct bench *b, enum memory_state what, uint32_t sas, uint64_t *bytes)
{
    struct bench idle = {.what = MEMORY_IDLE, .how = b->how};

    if (what >= MEMORY_SIMULATED)
        return memory_world(what == MEMORY_BEHIND_NAT, sas, bytes);
    return what == MEMORY_THROUGH_NAT ? memory_nat(sas, bytes)
                                      : measure(what == MEMORY_IDLE ? &idle : b, sas, bytes);
}

static enum err in_a_child(const struct bench *b, enum memory_state what, uint32_t sas,
                           uint64_t *bytes)
{
    struct answer answer = {.error = ERR_IO};
    int fd[2];
    pid_t pid;

    if (pipe(fd) != 0)
        return ERR_IO;
    pid = fork();
    if (pid == 0) {
        answer.error = weigh(b, what, sas, &answer.bytes);
        _exit(write(fd[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
    }
    close(fd[1]);
    if (pid < 0 || read(fd[0], &answer, sizeof answer) != sizeof answer)
        answer.error = ERR_IO;
    close(fd[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    *bytes = answer.bytes;
    return answer.error;
}

static void *open_bench(struct row *row, const char **why)
{
    struct bench *b = calloc(1, sizeof *b);

    *why = "out of memory";
    if (!b)
        return NULL;
    b->what = (enum memory_state)row->number[WHAT];
    b->how = (enum how)row->number[HOW];
    return b;
}

/* A run takes something whatever its size, which is no tunnel's. */
static enum err run_bench(void *state, uint64_t operations, double *value)
{
    const struct bench *b = state;
    uint32_t few = b->what >= MEMORY_SIMULATED ? FEW_TUNNELS : 0;
    uint64_t bytes = 0, before = 0, ends = 0;
    enum err e = few ? in_a_child(b, b->what, few, &before) : OK;

    if (e == OK && b->what == MEMORY_THROUGH_NAT)
        e = in_a_child(b, MEMORY_IDLE, (uint32_t)operations, &ends);
    if (e == OK)
        e = in_a_child(b, b->what, few + (uint32_t)operations, &bytes);
    *value = (double)bytes + (double)ends - (double)before;
    return e;
}

static const struct family memory_family = {
    .name = "memory",
    .help = "bytes per SA: half_open at a responder, established and idle at both ends; resident "
            "in the process, or accounted for by the endpoints; through_nat with a NAT box and "
            "both links; simulated and behind_nat with "
            "nodes, links and NAT boxes",
    .open = open_bench,
    .run = run_bench,
    .close = free,
};

static void add(struct rows *rows, enum memory_state what, enum how how)
{
    static const char *const names[] = {
        [MEMORY_HALF_OPEN] = "half_open", [MEMORY_ESTABLISHED] = "established",
        [MEMORY_IDLE] = "idle",           [MEMORY_THROUGH_NAT] = "through_nat",
        [MEMORY_SIMULATED] = "simulated", [MEMORY_BEHIND_NAT] = "behind_nat"};
    struct row *row = rows_add(rows, &memory_family, "memory/%s/%s", names[what], how_names[how]);

    row->unit = "B";
    row->bound_value = memory_obliged(what);
    row->bound_name = "what the RFCs oblige to remember";
    row->operations = what >= MEMORY_SIMULATED ? TUNNELS : SAS;
    row->quick = how != RESIDENT_REAL;
    row->alone = true;
    row->number[WHAT] = what;
    row->number[HOW] = how;
}

void memory_rows(struct rows *rows)
{
    for (enum memory_state what = MEMORY_HALF_OPEN; what <= MEMORY_IDLE; what++) {
        add(rows, what, RESIDENT);
        add(rows, what, ACCOUNTED);
    }
    add(rows, MEMORY_IDLE, RESIDENT_REAL);
    add(rows, MEMORY_THROUGH_NAT, RESIDENT);
    add(rows, MEMORY_SIMULATED, RESIDENT);
    add(rows, MEMORY_BEHIND_NAT, RESIDENT);
}
