#include "explore/invariant.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { IKES_MAX = 16, CHILDREN_MAX = 32 };

/* How long a packet may be under way and must still be accepted: CHILD_LINGER of proto/ike. */
#define PACKET_LIFE (10 * NSEC_PER_S)
/* In IKEv1 that time begins with a Delete that nothing answers: the peer sends until it is there.
 */
#define PACKET_LIFE_V1 (PACKET_LIFE / 2)

struct end {
    struct ike_sa_info ikes[IKES_MAX];
    struct child_sa_info children[CHILDREN_MAX];
    unsigned ike_count, child_count; /* children: installed ones */
    unsigned child_records;
};

static bool violated(struct violation *v, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool violated(struct violation *v, const char *invariant, const char *format, ...)
{
    va_list args;

    v->invariant = invariant;
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
    return false;
}

static void look(const struct ike_endpoint *ep, struct end *end)
{
    end->ike_count = end->child_count = end->child_records = 0;
    for (struct sa_ref r = ike_endpoint_next_ike(ep, SA_NONE);
         !sa_none(r) && end->ike_count < IKES_MAX; r = ike_endpoint_next_ike(ep, r))
        if (ike_endpoint_ike_info(ep, r, &end->ikes[end->ike_count]))
            end->ike_count++;
    for (struct sa_ref r = ike_endpoint_next_child(ep, SA_NONE);
         !sa_none(r) && end->child_records < CHILDREN_MAX; r = ike_endpoint_next_child(ep, r)) {
        end->child_records++;
        if (ike_endpoint_child_info(ep, r, &end->children[end->child_count]))
            end->child_count++;
    }
}

/* ---- pairs of SAs ---- */

static const struct ike_sa_info *ike_at(const struct end *end, const struct ike_sa_info *sa)
{
    for (unsigned i = 0; i < end->ike_count; i++)
        if (end->ikes[i].spi_i == sa->spi_i && end->ikes[i].spi_r == sa->spi_r)
            return &end->ikes[i];
    return NULL;
}

static const struct child_sa_info *child_at(const struct end *end, const struct child_sa_info *sa)
{
    for (unsigned i = 0; i < end->child_count; i++)
        if (end->children[i].spi_in == sa->spi_out && end->children[i].spi_out == sa->spi_in)
            return &end->children[i];
    return NULL;
}

/* A closed SA has no keys and runs no exchange any more. */
static bool over(const struct ike_sa_info *sa)
{
    return sa->state == STATE_CLOSED;
}

/* RFC 7296 §2.2, §2.3: you have executed all that I know to be answered, and nothing that I have
 * not asked yet. With a window of 1: what I ask next is what you expect next, or you have executed
 * it and I do not know yet. */
static bool ids_fit(const struct ike_sa_info *asks, const struct ike_sa_info *answers)
{
    return answers->expected_id - asks->request_id <= asks->next_id - asks->request_id;
}

static bool ikes_agree(const struct world *w, const struct end ends[2], struct violation *v)
{
    for (unsigned i = 0; i < ends[0].ike_count; i++) {
        const struct ike_sa_info *a = &ends[0].ikes[i], *b = ike_at(&ends[1], a);

        if (!b || over(a) || over(b))
            continue;
        if (world_v1(w) && !(a->established && b->established))
            continue; /* one end has keys before the other */
        if (a->key_fingerprint != b->key_fingerprint || a->initiator == b->initiator)
            return violated(v, "I2", "the ends of an IKE SA differ in keys or roles");
        if (!world_v1(w) && (!ids_fit(a, b) || !ids_fit(b, a)))
            return violated(v, "I10",
                            "message IDs: A asks %u, B expects %u; B asks %u, A expects %u",
                            a->request_id, b->expected_id, b->request_id, a->expected_id);
    }
    return true;
}

static bool children_agree(const struct end ends[2], struct violation *v)
{
    for (unsigned i = 0; i < ends[0].child_count; i++) {
        const struct child_sa_info *a = &ends[0].children[i], *b = child_at(&ends[1], a);

        if (b && (a->key_fingerprint_in != b->key_fingerprint_out ||
                  a->key_fingerprint_out != b->key_fingerprint_in))
            return violated(v, "I2", "the ends of a child SA differ in keys");
        if (b && a->selectors_fingerprint_local != b->selectors_fingerprint_remote)
            return violated(v, "I2", "the ends of a child SA differ in selectors");
    }
    return true;
}

static bool keys_differ(const struct end *end, struct violation *v)
{
    for (unsigned i = 0; i < end->child_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (end->children[i].key_fingerprint_in == end->children[j].key_fingerprint_in ||
                end->children[i].key_fingerprint_out == end->children[j].key_fingerprint_out)
                return violated(v, "I3", "two child SAs have one key");
    return true;
}

/* RFC 4303 §2.1: the SPI says which SA a packet is for. */
static bool spis_differ(const struct end *end, char name, struct violation *v)
{
    for (unsigned i = 0; i < end->child_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (end->children[i].spi_in == end->children[j].spi_in)
                return violated(v, "I2", "two child SAs of %c receive under one SPI", name);
    return true;
}

/* ---- messages ---- */

static bool executed_once(const struct world *w, struct violation *v)
{
    for (unsigned side = 0; side < 2 && !world_v1(w); side++) {
        uint64_t executed = ike_endpoint_counters(w->end[side])->requests_executed;
        uint64_t asked = ike_endpoint_counters(w->end[1 - side])->requests_sent;

        if (executed > asked)
            return violated(v, "I9", "%c executed %llu requests of %llu", "AB"[side],
                            (unsigned long long)executed, (unsigned long long)asked);
    }
    if (w->said_differently)
        return violated(v, "I9", "a message was sent again with other bytes");
    return true;
}

/* What a user or a lifetime asks for is a request that runs once, too. */
static bool rekeyed_as_asked(const struct world *w, struct violation *v)
{
    for (unsigned side = 0; side < 2; side++) {
        uint64_t rekeys = ike_endpoint_counters(w->end[side])->rekeys_child;

        if (rekeys > w->rekeys_asked)
            return violated(v, "I9",
                            "%c has rekeyed child SAs %llu times, which was asked %u times",
                            "AB"[side], (unsigned long long)rekeys, w -> rekeys_asked);
    }
    return true;
}

/* ---- packets ---- */

static bool deleted_by_user(const struct world *w)
{
    return w->child_deleted || w->terminated;
}

static bool gap(const struct world *w)
{
    return deleted_by_user(w) || setup_has_gap(&w->options.setup);
}

static bool shows(const struct packet *p)
{
    static const char mark[] = WORLD_MARK;

    for (size_t i = 0; i + sizeof mark - 1 <= p->dgram.len; i++)
        if (memcmp(p->data + i, mark, sizeof mark - 1) == 0)
            return true;
    return false;
}

/* The SA is gone: a user deleted it, or the packet is late. Or it is not there yet: the responder
 * of a new child SA may send before its response is heard, RFC 7296 §2.8. */
static bool excused(const struct world *w, const struct packet *p)
{
    return gap(w) || w->new_children || w->untold ||
           w->now - p->at >= (world_v1(w) ? PACKET_LIFE_V1 : PACKET_LIFE);
}

static bool arrives(struct world *w, struct packet *p, struct violation *v)
{
    enum err e = world_packet_arrives(w, p);

    if (shows(p))
        return violated(v, "I1", "a packet from %c shows its content", "AB"[p->from]);
    if (e == ERR_NO_SA && excused(w, p))
        return true;
    if (e)
        return violated(v, "I5", "a packet from %c is refused after %llu ms: %s", "AB"[p->from],
                        (unsigned long long)((w->now - p->at) / NSEC_PER_MS), err_text(e));
    if (world_packet_arrives(w, p) != ERR_REPLAY)
        return violated(v, "I4", "a packet from %c is accepted twice", "AB"[p->from]);
    return true;
}

/* All packets of this run, which have been under way since their step, arrive now. */
static bool packets_arrive(struct world *w, struct violation *v)
{
    for (unsigned side = 0; side < 2; side++)
        if (w->unsendable[side] && !gap(w))
            return violated(v, "I17", "%c has no SA to send through", "AB"[side]);
    for (unsigned i = 0; i < w->packet_count; i++)
        if (!arrives(w, &w->packets[i], v))
            return false;
    return true;
}

/* ---- at rest ---- */

static bool one_set(const struct end ends[2], struct violation *v)
{
    for (unsigned side = 0; side < 2; side++) {
        for (unsigned i = 0; i < ends[side].ike_count; i++)
            if (!ike_at(&ends[1 - side], &ends[side].ikes[i]))
                return violated(v, "I6", "%c has an IKE SA (%s) that %c has not", "AB"[side],
                                ike_state_name((enum ike_state)ends[side].ikes[i].state),
                                "BA"[side]);
        for (unsigned i = 0; i < ends[side].child_count; i++)
            if (!child_at(&ends[1 - side], &ends[side].children[i]))
                return violated(v, "I6", "%c has a child SA that %c has not", "AB"[side],
                                "BA"[side]);
    }
    return true;
}

/* IKEv1 has no word for a rekey: one that crosses with the Delete of the old SA makes a new one. */
static bool made_again(const struct world *w)
{
    return world_v1(w) && w->rekeys_asked;
}

/* What a user deleted is not there again, though the other end was about to rekey it; where both
 * delete they may mean two different ones. */
static bool survivors(const struct world *w, const struct end *end, char name, struct violation *v)
{
    unsigned ikes = w->terminated ? 0 : 1;
    unsigned most = w->terminated ? 0 : 1 + w->new_children - (w->child_deleted && !made_again(w));
    unsigned least = deleted_by_user(w) ? 0 : most;

    if (end->ike_count != ikes)
        return violated(v, "I6", "%c is left with %u IKE SAs instead of %u", name, end->ike_count,
                        ikes);
    if (end->child_count < least || end->child_count > most)
        return violated(v, "I6", "%c is left with %u child SAs", name, end->child_count);
    if (end->child_records != end->child_count)
        return violated(v, "I7", "%c keeps a child SA that was never made", name);
    for (unsigned i = 0; i < end->ike_count; i++)
        if (!end->ikes[i].established || end->ikes[i].in_flight)
            return violated(v, "I7", "%c keeps an IKE SA (%s) with an exchange (%s)", name,
                            ike_state_name((enum ike_state)end->ikes[i].state),
                            exchange_kind_name((enum exchange_kind)end->ikes[i].in_flight));
    return true;
}

static bool nothing_left(const struct world *w, const struct end *end, unsigned side,
                         struct violation *v)
{
    uint64_t bytes = ike_endpoint_memory(w->end[side]);

    if (!end->ike_count && bytes)
        return violated(v, "I7", "%c has no SA and keeps %llu bytes", "AB"[side],
                        (unsigned long long)bytes);
    return true;
}

static bool usable(struct world *w, const struct end *end, unsigned from, struct violation *v)
{
    struct packet p;
    enum err e = world_packet(w, from, &p);

    if (!end->child_count)
        return e ? true : violated(v, "I6", "%c sends without a child SA", "AB"[from]);
    if (e)
        return violated(v, "I17", "at rest %c cannot send: %s", "AB"[from], err_text(e));
    e = world_packet_arrives(w, &p);
    if (e)
        return violated(v, "I17", "at rest a packet from %c is refused: %s", "AB"[from],
                        err_text(e));
    return true;
}

/* Who was not told of a Delete has one SA more, until its lifetime ends or liveness asks: neither
 * is in a search. Packets go through all the same, unless the user's own Delete was the one. */
static bool at_rest_untold(struct world *w, const struct end ends[2], struct violation *v)
{
    struct packet p;

    for (unsigned side = 0; side < 2; side++) /* whom it reaches knows which SA the peer uses */
        if (world_packet(w, side, &p) == OK)
            (void)world_packet_arrives(w, &p);
    return deleted_by_user(w) || (usable(w, &ends[0], 0, v) && usable(w, &ends[1], 1, v));
}

static bool at_rest(struct world *w, const struct end ends[2], struct violation *v)
{
    if (w->untold)
        return at_rest_untold(w, ends, v);
    if (!one_set(ends, v))
        return false;
    for (unsigned side = 0; side < 2; side++)
        if (!survivors(w, &ends[side], "AB"[side], v) || !nothing_left(w, &ends[side], side, v) ||
            !usable(w, &ends[side], side, v))
            return false;
    return true;
}

bool way_holds(const struct world *w, struct violation *v)
{
    v->invariant = NULL;
    if (w->broken)
        return violated(v, "search", "%s", w->broken);
    return executed_once(w, v) && rekeyed_as_asked(w, v);
}

bool invariants_hold(struct world *w, struct violation *v)
{
    struct end ends[2];

    if (!way_holds(w, v))
        return false;
    for (unsigned side = 0; side < 2; side++)
        look(w->end[side], &ends[side]);
    if (!ikes_agree(w, ends, v) || !children_agree(ends, v) || !keys_differ(&ends[0], v) ||
        !keys_differ(&ends[1], v) || !spis_differ(&ends[0], 'A', v) ||
        !spis_differ(&ends[1], 'B', v))
        return false;
    if (world_quiet(w) && !at_rest(w, ends, v))
        return false;
    return packets_arrive(w, v);
}
