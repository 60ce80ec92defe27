#include "sim/checker.h"

#include "base/assert.h"
#include "base/digest.h"
#include "base/rng.h"
#include "base/table.h"
#include "proto/core/config.h"
#include "proto/wire/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEEN_BITS = 16384, /* sequence numbers remembered per inbound SA; more than any window */
    FIRST_RECORDS = 64,
};

/* I2: what the first end said about an SA, until the second end has spoken. */
struct sa_record {
    uint64_t fingerprints[4]; /* in, out, local, remote; an IKE SA uses the first only */
    uint32_t algorithms[2];
    uint32_t node;
    bool compared;
};

/* I4, I5: the exact set of accepted sequence numbers, for the newest SEEN_BITS of them. */
struct inbound_record {
    uint64_t top; /* highest accepted; 0: none yet */
    uint64_t seen[SEEN_BITS / 64];
};

struct flow_record {
    nsec silent_since; /* of the last delivery, error or disturbance */
    nsec first_unanswered;
    uint32_t sent;
    nsec disagree_since;
};

/* A growing array of equal records, addressed by index through a table. */
struct records {
    struct table index;
    uint8_t *data;
    size_t size;
    uint32_t count, capacity;
    uint32_t free_head; /* index + 1 of a record that may be used again */
    bool starved;       /* one could not be added */
};

struct checker {
    struct checker_options options;
    uint8_t tag[CHECKER_TAG_LEN];
    uint32_t watch_one_in;
    struct violation violation;
    bool violated;
    bool starved; /* memory was short for what is no record */
    struct records ike, child, inbound;
    struct table responses; /* hash of (node, SPIs, direction, id) -> hash of the message */
    uint32_t *answered;     /* by node: different requests answered */
    struct flow_record *flows;
    uint32_t flow_capacity;
};

static enum err records_init(struct records *r, size_t size)
{
    *r = (struct records){.size = size, .capacity = FIRST_RECORDS};
    r->data = calloc(r->capacity, size);
    if (!r->data)
        return ERR_MEMORY;
    return table_init(&r->index, FIRST_RECORDS);
}

static void records_reset(struct records *r)
{
    table_reset(&r->index);
    free(r->data);
}

static void *records_find(const struct records *r, uint64_t key)
{
    uint32_t i;

    return table_get(&r->index, key, &i) ? r->data + i * r->size : NULL;
}

/* NULL when memory is short, which ends the run: checker_starved. */
static void *records_add(struct records *r, uint64_t key)
{
    uint32_t i = r->count;
    uint8_t *record;

    if (r->free_head) {
        i = r->free_head - 1;
        memcpy(&r->free_head, r->data + i * r->size, sizeof r->free_head);
    } else if (r->count == r->capacity) {
        uint8_t *bigger = realloc(r->data, 2 * (size_t)r->capacity * r->size);

        if (!bigger) {
            r->starved = true;
            return NULL;
        }
        r->data = bigger;
        r->capacity *= 2;
    }
    if (table_put(&r->index, key, i) != OK) {
        r->starved = true;
        return NULL;
    }
    if (i == r->count)
        r->count++;
    record = r->data + i * r->size;
    memset(record, 0, r->size);
    return record;
}

static void records_remove(struct records *r, uint64_t key)
{
    uint32_t i;

    if (!table_get(&r->index, key, &i))
        return;
    table_remove(&r->index, key);
    memcpy(r->data + i * r->size, &r->free_head, sizeof r->free_head);
    r->free_head = i + 1;
}

struct checker *checker_create(const struct checker_options *options)
{
    struct checker *c = calloc(1, sizeof *c);
    struct rng random = rng_stream(options->seed, 0, RNG_TRAFFIC_TAG);

    if (!c)
        return NULL;
    c->options = *options;
    c->watch_one_in = 1;
    if (options->all_up_to > 0 && options->nodes > options->all_up_to)
        c->watch_one_in = (options->nodes + options->all_up_to - 1) / options->all_up_to;
    rng_fill(&random, c->tag, sizeof c->tag);
    c->answered = calloc(options->nodes + 1, sizeof *c->answered);
    if (!c->answered || records_init(&c->ike, sizeof(struct sa_record)) != OK ||
        records_init(&c->child, sizeof(struct sa_record)) != OK ||
        records_init(&c->inbound, sizeof(struct inbound_record)) != OK ||
        table_init(&c->responses, FIRST_RECORDS) != OK) {
        checker_destroy(c);
        return NULL;
    }
    return c;
}

void checker_destroy(struct checker *c)
{
    if (!c)
        return;
    records_reset(&c->ike);
    records_reset(&c->child);
    records_reset(&c->inbound);
    table_reset(&c->responses);
    free(c->answered);
    free(c->flows);
    free(c);
}

const struct violation *checker_violation(const struct checker *c)
{
    return c->violated ? &c->violation : NULL;
}

void checker_violate(struct checker *c, const char *invariant, nsec at, uint32_t node,
                     const char *format, ...)
{
    va_list arguments;

    if (c->violated || checker_starved(c))
        return; /* what it has not seen is no violation */
    c->violated = true;
    c->violation = (struct violation){.invariant = invariant, .at = at, .node = node};
    va_start(arguments, format);
    vsnprintf(c->violation.text, sizeof c->violation.text, format, arguments);
    va_end(arguments);
}

bool checker_starved(const struct checker *c)
{
    return c->starved || c->ike.starved || c->child.starved || c->inbound.starved;
}

bool checker_watches(const struct checker *c, uint32_t node)
{
    uint64_t name[2] = {c->options.seed, node};

    if (c->watch_one_in == 1)
        return true;
    return digest_of(name, sizeof name, RNG_SAMPLE) % c->watch_one_in == 0;
}

/* I1 */

const uint8_t *checker_tag(const struct checker *c)
{
    return c->tag;
}

/* What is sealed has the first byte of the tag once in 256: memchr passes over it in wide steps. */
static bool shows(struct bytes packet, const uint8_t *tag)
{
    const uint8_t *at = packet.data;
    size_t left = packet.len;

    while (left >= CHECKER_TAG_LEN) {
        const uint8_t *hit = memchr(at, tag[0], left - CHECKER_TAG_LEN + 1);

        if (!hit)
            return false;
        if (memcmp(hit, tag, CHECKER_TAG_LEN) == 0)
            return true;
        left -= (size_t)(hit + 1 - at);
        at = hit + 1;
    }
    return false;
}

void checker_wire(struct checker *c, nsec now, uint32_t node, struct bytes packet,
                  bool clear_policy, bool opaque)
{
    if (clear_policy)
        checker_violate(c, "I1", now, node, "a packet that the policy protects left in clear");
    if (opaque && shows(packet, c->tag))
        checker_violate(c, "I1", now, node, "protected plaintext is on the wire (%zu bytes)",
                        packet.len);
}

/* I2 */

static void compare_ends(struct checker *c, struct records *records, uint64_t key, nsec now,
                         const struct sa_record *said, const char *what)
{
    struct sa_record *other = records_find(records, key);

    if (!other) {
        other = records_add(records, key);
        if (other)
            *other = *said;
        return;
    }
    if (other->compared || other->node == said->node)
        return;
    if (memcmp(other->algorithms, said->algorithms, sizeof said->algorithms) != 0)
        checker_violate(c, "I2", now, said->node, "the ends of an %s use different algorithms",
                        what);
    if (other->fingerprints[0] != said->fingerprints[1] ||
        other->fingerprints[1] != said->fingerprints[0])
        checker_violate(c, "I2", now, said->node, "the ends of an %s hold different keys", what);
    if (other->fingerprints[2] != said->fingerprints[3] ||
        other->fingerprints[3] != said->fingerprints[2])
        checker_violate(c, "I2", now, said->node, "the selectors of an %s do not mirror", what);
    other->compared = true;
}

static uint32_t encr_code(const struct encr_suite *encr)
{
    return (uint32_t)encr->iana << 16 | encr->key_bits;
}

void checker_ike_up(struct checker *c, nsec now, uint32_t node, const struct ike_sa_info *info)
{
    uint64_t key = info->spi_i * 3 ^ info->spi_r;
    struct sa_record said = {
        .fingerprints = {info->key_fingerprint, info->key_fingerprint},
        .algorithms = {encr_code(info->suite.encr),
                       (uint32_t)(info->suite.integ ? info->suite.integ->iana : 0) << 16 |
                           info->suite.prf->iana},
        .node = node,
    };

    compare_ends(c, &c->ike, key, now, &said, "IKE SA");
}

static uint64_t child_key(uint32_t spi_a, uint32_t spi_b)
{
    return spi_a < spi_b ? (uint64_t)spi_a << 32 | spi_b : (uint64_t)spi_b << 32 | spi_a;
}

void checker_child_up(struct checker *c, nsec now, uint32_t node, const struct child_sa_info *info)
{
    struct sa_record said = {
        .fingerprints = {info->key_fingerprint_in, info->key_fingerprint_out,
                         info->selectors_fingerprint_local, info->selectors_fingerprint_remote},
        .algorithms = {encr_code(info->encr), (uint32_t)(info->integ ? info->integ->iana : 0)
                                                      << 16 |
                                                  (uint32_t)info->esn << 1 | info->transport},
        .node = node,
    };

    compare_ends(c, &c->child, child_key(info->spi_in, info->spi_out), now, &said, "ESP SA");
}

/* I4, I5 */

static uint64_t inbound_key(uint32_t node, uint32_t spi)
{
    return (uint64_t)node << 32 | spi;
}

/* The 64-bit number nearest to the highest accepted one (RFC 4303 §A2.2 in spirit). */
static uint64_t extend(const struct inbound_record *record, uint32_t low)
{
    uint64_t best = (record->top & ~(uint64_t)UINT32_MAX) | low;

    if (best + (UINT64_C(1) << 31) < record->top)
        return best + (UINT64_C(1) << 32);
    if (best > record->top + (UINT64_C(1) << 31) && best > UINT32_MAX)
        return best - (UINT64_C(1) << 32);
    return best;
}

static bool was_seen(const struct inbound_record *record, uint64_t sequence)
{
    uint64_t bit = sequence % SEEN_BITS;

    if (sequence > record->top)
        return false;
    if (record->top - sequence >= SEEN_BITS)
        return true;
    return record->seen[bit / 64] >> (bit % 64) & 1;
}

static void mark_seen(struct inbound_record *record, uint64_t sequence)
{
    uint64_t bit = sequence % SEEN_BITS;

    /* The ring turns: numbers between the old and the new top have not been seen. */
    if (sequence > record->top) {
        uint64_t fresh = sequence - record->top;

        if (fresh >= SEEN_BITS)
            memset(record->seen, 0, sizeof record->seen);
        else
            for (uint64_t s = record->top + 1; s <= sequence; s++)
                record->seen[s % SEEN_BITS / 64] &= ~(UINT64_C(1) << (s % 64));
        record->top = sequence;
    }
    record->seen[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void judge_accepted(struct checker *c, nsec now, uint32_t node, const struct esp_verdict *v,
                           struct inbound_record *record, uint64_t sequence)
{
    if (!v->authentic)
        checker_violate(c, "I4", now, node,
                        "SPI %08x accepted sequence %llu whose content nobody sent", v->spi,
                        (unsigned long long)sequence);
    if (v->replay_window > 0 && was_seen(record, sequence))
        checker_violate(c, "I4", now, node, "SPI %08x accepted sequence %llu twice", v->spi,
                        (unsigned long long)sequence);
    mark_seen(record, sequence);
}

static void judge_refused(struct checker *c, nsec now, uint32_t node, const struct esp_verdict *v,
                          const struct inbound_record *record, uint64_t sequence)
{
    if (v->counted != 1)
        checker_violate(c, "I5", now, node,
                        "SPI %08x sequence %llu was refused (%s) and counted %llu times", v->spi,
                        (unsigned long long)sequence, err_name(v->result),
                        (unsigned long long)v->counted);
    /* RFC 4303 §3.3.2: the first number is 1, so that 0 is damage. */
    if (v->result == ERR_REPLAY && sequence > 0 && !was_seen(record, sequence) &&
        sequence + v->replay_window > record->top)
        checker_violate(c, "I5", now, node,
                        "SPI %08x refused sequence %llu as replay: new, and the window ends at "
                        "%llu",
                        v->spi, (unsigned long long)sequence, (unsigned long long)record->top);
}

void checker_esp(struct checker *c, nsec now, uint32_t node, const struct esp_verdict *v)
{
    uint64_t key = inbound_key(node, v->spi);
    struct inbound_record *record = records_find(&c->inbound, key);
    uint64_t sequence;

    if (!record && v->result == OK)
        record = records_add(&c->inbound, key);
    if (!record) {
        struct inbound_record nothing = {0};

        if (v->result != OK)
            judge_refused(c, now, node, v, &nothing, v->sequence);
        return;
    }
    sequence = extend(record, (uint32_t)v->sequence);
    if (v->result == OK)
        judge_accepted(c, now, node, v, record, sequence);
    else
        judge_refused(c, now, node, v, record, sequence);
}

void checker_child_down(struct checker *c, uint32_t node, uint32_t spi_in)
{
    records_remove(&c->inbound, inbound_key(node, spi_in));
}

/* I9 */

void checker_response(struct checker *c, nsec now, uint32_t node, struct bytes message)
{
    /* SPIs, exchange and message ID name the exchange: RFC 7296 §2.1, §3.1. */
    uint64_t name = digest_of(message.data, 16, node);
    uint32_t content = (uint32_t)digest_of(message.data, message.len, 0);
    bool counts = true;
    uint32_t before;

    ASSERT(message.len >= 28);
    name = digest_of(message.data + 18, 6, name);
    /* IKEv1 has three answers under one message ID, and nothing that counts them: any that differs
     * is another one. */
    if (message.data[17] >> 4 == IKE_V1)
        name = digest_of(message.data, message.len, name);
    /* A response in fragments: number and total name one of them, the first counts for all. */
    if (message.data[16] == PAYLOAD_SKF && message.len >= 36) {
        name = digest_of(message.data + 32, 4, name);
        counts = load_be16(message.data + 32) == 1;
    }
    /* A half-open SA that does not exist answers with SPIr 0 and keeps no state: any number. */
    if (load_be64(message.data + 8) == 0)
        return;
    if (!table_get(&c->responses, name, &before)) {
        if (table_put(&c->responses, name, content) != OK)
            c->starved = true;
        else if (counts)
            c->answered[node]++;
        return;
    }
    if (before != content)
        checker_violate(c, "I9", now, node, "the repeated response to message ID %u differs",
                        load_be32(message.data + 20));
}

void checker_executed(struct checker *c, nsec now, uint32_t node, uint64_t executed)
{
    if (executed > c->answered[node])
        checker_violate(c, "I9", now, node, "%llu requests executed, %u different ones answered",
                        (unsigned long long)executed, c->answered[node]);
}

/* I17 */

/* NULL: nothing was sent in this direction or later ones, so there is nothing to excuse. */
static struct flow_record *flow_known(struct checker *c, uint32_t direction)
{
    return direction < c->flow_capacity ? &c->flows[direction] : NULL;
}

static struct flow_record *flow_at(struct checker *c, uint32_t direction)
{
    if (direction >= c->flow_capacity) {
        uint32_t capacity = c->flow_capacity ? c->flow_capacity : FIRST_RECORDS;
        struct flow_record *bigger;

        while (capacity <= direction)
            capacity *= 2;
        bigger = realloc(c->flows, capacity * sizeof *bigger);
        if (!bigger) {
            c->starved = true;
            return NULL;
        }
        memset(bigger + c->flow_capacity, 0, (capacity - c->flow_capacity) * sizeof *bigger);
        c->flows = bigger;
        c->flow_capacity = capacity;
    }
    return &c->flows[direction];
}

void checker_flow_sent(struct checker *c, nsec now, uint32_t direction, uint32_t node)
{
    struct flow_record *flow = flow_at(c, direction);

    if (!flow)
        return;
    if (flow->sent++ == 0)
        flow->first_unanswered = now;
    if (flow->sent > c->options.silent_packets &&
        now - flow->first_unanswered > c->options.usable_within &&
        now - flow->silent_since > c->options.usable_within)
        checker_violate(c, "I17", now, node,
                        "an established tunnel carried nothing for %llu ms: %u packets sent, "
                        "none delivered, no error reported",
                        (unsigned long long)((now - flow->first_unanswered) / NSEC_PER_MS),
                        flow->sent);
}

void checker_flow_delivered(struct checker *c, nsec now, uint32_t direction)
{
    checker_flow_excused(c, now, direction);
}

void checker_flow_excused(struct checker *c, nsec now, uint32_t direction)
{
    struct flow_record *flow = flow_known(c, direction);

    if (!flow)
        return;
    flow->silent_since = now;
    flow->sent = 0;
    flow->disagree_since = 0;
}

void checker_excuse_all(struct checker *c, nsec now)
{
    for (uint32_t i = 0; i < c->flow_capacity; i++)
        checker_flow_excused(c, now, i);
}

void checker_ends_agree(struct checker *c, nsec now, uint32_t direction, uint32_t node, bool agree)
{
    struct flow_record *flow = agree ? flow_known(c, direction) : flow_at(c, direction);

    if (!flow)
        return;
    if (agree) {
        flow->disagree_since = 0;
        return;
    }
    if (flow->disagree_since == 0)
        flow->disagree_since = now + 1;
    if (now - flow->disagree_since + 1 > c->options.usable_within)
        checker_violate(c, "I17", now, node,
                        "the ends of an established tunnel disagree for %llu ms",
                        (unsigned long long)((now - flow->disagree_since) / NSEC_PER_MS));
}
