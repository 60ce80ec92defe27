#include "proto/ip/reassembly.h"

#include "base/assert.h"
#include "proto/ip/checksum.h"

#include <stdlib.h>

enum {
    PIECES_MAX = 64,
    HEADER_ROOM = 128, /* headers in front of the payload: IPv4 60, IPv6 40 and extensions */
};

struct piece {
    uint32_t start, end; /* of the datagram's payload */
};

struct reassembly_slot {
    struct ip_addr src, dst;
    uint32_t id;
    uint8_t protocol; /* IPv4: part of the key */
    bool taken;
    bool dead; /* lost already; swallows the rest until the timeout (RFC 5722 §4) */
    nsec deadline;
    size_t header_len; /* 0 until the first fragment is here */
    size_t total;      /* payload bytes of the datagram; SIZE_MAX until the last one is here */
    size_t received;
    unsigned count;
    struct piece pieces[PIECES_MAX];
};

static const char *const drop_names[] = {
#define X(symbol, name) name,
    REASSEMBLY_DROP_LIST(X)
#undef X
};

const char *reassembly_drop_name(enum reassembly_drop d)
{
    ASSERT(d < REASSEMBLY_DROP_COUNT);
    return drop_names[d];
}

enum err reassembly_init(struct reassembly *r, const struct reassembly_config *config)
{
    *r = (struct reassembly){.config = *config};
    if (config->slots == 0 || config->datagram_max < IPV6_HEADER_LEN + 8 ||
        config->datagram_max > IP_PACKET_MAX || config->timeout == 0)
        return ERR_USAGE;
    r->slots = calloc(config->slots, sizeof *r->slots);
    r->bytes = calloc(config->slots, HEADER_ROOM + config->datagram_max);
    if (r->slots && r->bytes)
        return OK;
    reassembly_reset(r);
    return ERR_MEMORY;
}

void reassembly_reset(struct reassembly *r)
{
    free(r->slots);
    free(r->bytes);
    *r = (struct reassembly){0};
}

/* Where the payload of a slot's datagram starts; its headers end there. */
static uint8_t *slot_payload(const struct reassembly *r, const struct reassembly_slot *s)
{
    size_t index = (size_t)(s - r->slots);

    return r->bytes + index * (HEADER_ROOM + r->config.datagram_max) + HEADER_ROOM;
}

static void give_back(struct reassembly *r, struct reassembly_slot *s)
{
    memset(s, 0, sizeof *s);
    r->in_use--;
}

/* The datagram is lost; what is here of it counts as lost. */
static void kill(struct reassembly *r, struct reassembly_slot *s, enum reassembly_drop why)
{
    if (s->dead)
        return;
    s->dead = true;
    r->dropped[why]++;
    r->fragments_lost += s->count;
    r->fragments_held -= s->count;
    s->count = 0;
}

void reassembly_expire(struct reassembly *r, nsec now)
{
    for (unsigned i = 0; r->in_use > 0 && i < r->config.slots; i++) {
        struct reassembly_slot *s = &r->slots[i];

        if (s->taken && s->deadline <= now) {
            kill(r, s, REASSEMBLY_TIMEOUT);
            give_back(r, s);
        }
    }
}

nsec reassembly_deadline(const struct reassembly *r)
{
    nsec first = NSEC_NEVER;

    for (unsigned i = 0; r->in_use > 0 && i < r->config.slots; i++)
        if (r->slots[i].taken)
            first = nsec_min(first, r->slots[i].deadline);
    return first;
}

/* RFC 791 §2.3: source, destination, protocol, identification; RFC 8200 §4.5: no protocol. */
static bool same_datagram(const struct reassembly_slot *s, const struct ip_packet *p)
{
    return s->taken && s->id == p->id && ip_addr_equal(&s->src, &p->src) &&
           ip_addr_equal(&s->dst, &p->dst) && (p->src.family == 6 || s->protocol == p->protocol);
}

/* The slot of this datagram: its own, a free one, or the one whose time is over first. */
static struct reassembly_slot *find_slot(struct reassembly *r, nsec now, const struct ip_packet *p)
{
    struct reassembly_slot *free_slot = NULL, *oldest = NULL;

    for (unsigned i = 0; i < r->config.slots; i++) {
        struct reassembly_slot *s = &r->slots[i];

        if (same_datagram(s, p))
            return s;
        if (!s->taken)
            free_slot = free_slot ? free_slot : s;
        else if (!oldest || s->deadline < oldest->deadline)
            oldest = s;
    }
    if (!free_slot) {
        kill(r, oldest, REASSEMBLY_EVICTED);
        give_back(r, oldest);
        free_slot = oldest;
    }
    r->in_use++;
    *free_slot = (struct reassembly_slot){.src = p->src,
                                          .dst = p->dst,
                                          .id = p->id,
                                          .protocol = p->protocol,
                                          .taken = true,
                                          .deadline = nsec_add(now, r->config.timeout),
                                          .total = SIZE_MAX};
    return free_slot;
}

/* What the rest of the datagram needs in front: IPv6 without the Fragment header. */
static size_t header_len(const struct ip_packet *p)
{
    return p->src.family == 4 ? p->header_len : p->fragment_at;
}

struct verdict {
    enum err error;
    enum reassembly_drop why;
};

static struct verdict judge_piece(const struct reassembly *r, const struct reassembly_slot *s,
                                  const struct ip_packet *p)
{
    const uint8_t *here = slot_payload(r, s);
    size_t start = p->offset, end = p->offset + p->payload.len;

    if (p->payload.len == 0 || (p->mf && p->payload.len % 8 != 0))
        return (struct verdict){ERR_SYNTAX, REASSEMBLY_ALIGNMENT};
    if (header_len(p) > HEADER_ROOM || header_len(p) + end > r->config.datagram_max)
        return (struct verdict){ERR_LENGTH, REASSEMBLY_TOO_LONG};
    for (unsigned i = 0; i < s->count; i++) {
        const struct piece *q = &s->pieces[i];

        if (q->start == start && q->end == end &&
            memcmp(here + start, p->payload.data, p->payload.len) == 0 &&
            p->mf == (end != s->total))
            return (struct verdict){ERR_DUPLICATE, REASSEMBLY_DUPLICATE};
        if (start < q->end && q->start < end)
            return (struct verdict){ERR_SYNTAX, REASSEMBLY_OVERLAP};
        if (!p->mf && q->end > end)
            return (struct verdict){ERR_SYNTAX, REASSEMBLY_CONFLICT};
    }
    if (s->total != SIZE_MAX && (!p->mf || end > s->total))
        return (struct verdict){ERR_SYNTAX, REASSEMBLY_CONFLICT};
    if (s->count == PIECES_MAX)
        return (struct verdict){ERR_FULL, REASSEMBLY_TOO_MANY};
    return (struct verdict){OK, 0};
}

static void store(struct reassembly *r, struct reassembly_slot *s, const struct ip_packet *p)
{
    uint8_t *here = slot_payload(r, s);

    memcpy(here + p->offset, p->payload.data, p->payload.len);
    s->pieces[s->count++] =
        (struct piece){(uint32_t)p->offset, (uint32_t)(p->offset + p->payload.len)};
    s->received += p->payload.len;
    r->fragments_held++;
    if (!p->mf)
        s->total = p->offset + p->payload.len;
    if (p->offset != 0)
        return;
    s->header_len = header_len(p);
    memcpy(here - s->header_len, p->whole.data, s->header_len);
    s->protocol = p->protocol; /* IPv6: what the Fragment header of the first one names */
}

static void mend_v4(uint8_t *h, size_t header, size_t total)
{
    store_be16(h + 2, (uint16_t)total);
    store_be16(h + 6, 0);
    store_be16(h + 10, 0);
    store_be16(h + 10, checksum_of(bytes_of(h, header)));
}

/* The Next Header that named the Fragment header names what followed it. */
static void mend_v6(uint8_t *h, size_t header, size_t total, uint8_t protocol)
{
    size_t field = 6;

    for (size_t at = IPV6_HEADER_LEN; at < header; at += 8 + (size_t)h[at + 1] * 8)
        field = at;
    h[field] = protocol;
    store_be16(h + 4, (uint16_t)(total - IPV6_HEADER_LEN));
}

static struct bytes finish(struct reassembly *r, struct reassembly_slot *s, unsigned *pieces)
{
    uint8_t *start = slot_payload(r, s) - s->header_len;
    size_t total = s->header_len + s->total;

    if (s->src.family == 4)
        mend_v4(start, s->header_len, total);
    else
        mend_v6(start, s->header_len, total, s->protocol);
    if (pieces)
        *pieces = s->count;
    r->completed++;
    r->fragments_joined += s->count;
    r->fragments_held -= s->count;
    give_back(r, s);
    return bytes_of(start, total);
}

static enum err drop(struct reassembly *r, struct reassembly_slot *s, struct verdict v)
{
    r->fragments_lost++;
    if (v.why == REASSEMBLY_DUPLICATE)
        r->dropped[v.why]++;
    else
        kill(r, s, v.why);
    return v.error;
}

enum err reassembly_add(struct reassembly *r, nsec now, const struct ip_packet *p,
                        struct bytes *whole, unsigned *pieces)
{
    struct reassembly_slot *s;
    struct verdict v;

    *whole = BYTES_NONE;
    if (pieces)
        *pieces = 0;
    if (!ip_is_fragment(p)) {
        *whole = p->whole;
        return OK;
    }
    reassembly_expire(r, now);
    r->fragments++;
    s = find_slot(r, now, p);
    if (s->dead) {
        r->fragments_lost++;
        return ERR_SYNTAX;
    }
    v = judge_piece(r, s, p);
    if (v.error != OK)
        return drop(r, s, v);
    store(r, s, p);
    if (s->header_len == 0 || s->received != s->total)
        return OK;
    /* A datagram that is longer than a slot with its own header shows only now. */
    if (s->header_len + s->total > r->config.datagram_max) {
        kill(r, s, REASSEMBLY_TOO_LONG);
        return ERR_LENGTH;
    }
    *whole = finish(r, s, pieces);
    return OK;
}
