/*
 * Every type of message in every state of an endpoint: as somebody would send it who has no keys,
 * as it was once sent (a replay), under another SPI, and as a peer with keys would send it at the
 * wrong moment. Never a crash; nothing without a proof changes an SA; what is refused is counted by
 * its reason. RFC 7296 §2.1, §2.2, §2.4, §2.21, §2.21.4.
 */
#include "proto/ike/message.h"
#include "proto/wire/delete.h"
#include "proto/wire/header.h"
#include "proto/wire/notify.h"
#include "same.h"

enum situation {
    HALF_OPEN_INITIATOR, /* A has sent IKE_SA_INIT */
    HALF_OPEN_RESPONDER, /* B has answered it */
    AUTH_PENDING,        /* A has sent IKE_AUTH */
    SETTLED,
    REKEYING_CHILD, /* A has asked */
    REKEYING_IKE,
    REKEYED_IKE, /* both have the new IKE SA, and the old one is still there */
    DELETING_CHILD,
    DELETING_IKE,
    CLOSED_IKE, /* B has answered the Delete, and repeats the answer */
    SITUATIONS
};

static const char *const names[SITUATIONS] = {"half-open initiator", "half-open responder",
                                              "AUTH pending",        "established",
                                              "rekeying child",      "rekeying IKE",
                                              "rekeyed IKE",         "deleting child",
                                              "deleting IKE",        "closed"};

enum { SEEN_MAX = 32 };

struct scene {
    struct pair p;
    struct wire_message *seen[2]; /* all that was handed over, by sender */
    unsigned seen_count[2];
};

static void pass(struct scene *s, int from)
{
    ck_assert_uint_lt(s->seen_count[from], SEEN_MAX);
    s->seen[from][s->seen_count[from]++] = s->p.wire[from][0];
    ck_assert_ok(hand_over(&s->p, from));
}

static void pass_all(struct scene *s)
{
    while (s->p.wire_count[A] || s->p.wire_count[B])
        for (int side = 0; side < 2; side++)
            if (s->p.wire_count[side])
                pass(s, side);
}

/* A life with every kind of exchange, so that there is something to replay. */
static void live(struct scene *s)
{
    struct pair *p = &s->p;

    ck_assert_ok(ike_endpoint_rekey_child(p->end[A], p->now, the_child(p, A)));
    pull(p);
    pass_all(s);
    run_until(p, p->now + 12 * NSEC_PER_S);
    ck_assert_ok(ike_endpoint_rekey_ike(p->end[B], p->now, the_ike(p, B)));
    pull(p);
    pass_all(s);
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(ike_endpoint_probe(p->end[side], p->now, the_ike(p, side)));
        pull(p);
        pass_all(s);
    }
    run_until(p, p->now + 400 * NSEC_PER_S); /* the old IKE SA is forgotten */
}

static void ask(struct scene *s, enum situation situation)
{
    struct pair *p = &s->p;
    struct ike_endpoint *a = p->end[A];

    if (situation == REKEYING_CHILD)
        ck_assert_ok(ike_endpoint_rekey_child(a, p->now, the_child(p, A)));
    else if (situation == REKEYING_IKE || situation == REKEYED_IKE)
        ck_assert_ok(ike_endpoint_rekey_ike(a, p->now, the_ike(p, A)));
    else if (situation == DELETING_CHILD)
        ck_assert_ok(ike_endpoint_delete_child(a, p->now, the_child(p, A)));
    else if (situation == DELETING_IKE || situation == CLOSED_IKE)
        ck_assert_ok(ike_endpoint_terminate(a, p->now, the_ike(p, A)));
    pull(p);
    if (situation == REKEYED_IKE || situation == CLOSED_IKE)
        pass(s, A);
    if (situation == REKEYED_IKE)
        pass(s, B);
}

static void scene_make(struct scene *s, bool modelled, enum situation situation)
{
    memset(s, 0, sizeof *s);
    pair_init(&s->p, modelled);
    for (int side = 0; side < 2; side++)
        s->seen[side] = calloc(SEEN_MAX, sizeof *s->seen[side]);
    pair_create(&s->p);
    pair_initiate(&s->p);
    if (situation == HALF_OPEN_INITIATOR)
        return;
    pass(s, A);
    if (situation == HALF_OPEN_RESPONDER)
        return;
    pass(s, B);
    if (situation == AUTH_PENDING)
        return;
    pass_all(s);
    live(s);
    ask(s, situation);
}

static void scene_free(struct scene *s)
{
    for (int side = 0; side < 2; side++)
        free(s->seen[side]);
    pair_free(&s->p);
}

/* What was under way goes on as if nothing had happened. */
static void scene_ends(struct scene *s, enum situation situation)
{
    unsigned ikes = situation < DELETING_IKE, children = situation < DELETING_CHILD;

    run_until(&s->p, s->p.now + 60 * NSEC_PER_S);
    check_same(&s->p, names[situation]);
    ck_assert_msg(ike_count(&s->p, A) == ikes, "%s", names[situation]);
    ck_assert_msg(child_count(&s->p, A) == children, "%s", names[situation]);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_endpoint_counters(s->p.end[side])->half_open, 0);
}

/* ---- messages that prove nothing ---- */

/* `m` reaches the side that does not send it: dropped for a counted reason (or, if it may be, the
 * response of before is sent again), and nothing else. @return the reason, IKE_DROP_COUNT: repeated
 */
static enum ike_drop strikes(struct scene *s, int from, struct wire_message *m, const char *what)
{
    struct pair *p = &s->p;
    int to = 1 - from;
    struct ike_counters before = *ike_endpoint_counters(p->end[to]);
    const struct ike_counters *after = ike_endpoint_counters(p->end[to]);
    uint64_t drops = drops_of(p, to), state = state_of(p, to);
    unsigned waiting = p->wire_count[to];
    enum ike_drop why = IKE_DROP_COUNT;

    (void)deliver(p, from, m);
    ike_endpoint_expire(p->end[to], p->now); /* what was sent last is kept until a next call */
    ck_assert_msg(state_of(p, to) == state, "%s has changed %c", what, "AB"[to]);
    ck_assert_msg(drops_of(p, to) + after->responses_repeated ==
                      drops + before.responses_repeated + 1,
                  "%s is not accounted for", what);
    for (int i = 0; i < IKE_DROP_COUNT; i++)
        if (after->dropped[i] != before.dropped[i])
            why = (enum ike_drop)i;
    while (p->wire_count[to] > waiting)
        (void)wire_take(p, to, p->wire_count[to] - 1);
    return why;
}

START_TEST(replays_change_nothing_in_any_state)
{
    struct scene s;

    for (enum situation now = 0; now < SITUATIONS; now++) {
        unsigned replayed = 0;

        scene_make(&s, false, now);
        for (int from = 0; from < 2; from++)
            for (unsigned i = 0; i < s.seen_count[from]; i++, replayed++) {
                struct wire_message m = s.seen[from][i];
                enum ike_drop why = strikes(&s, from, &m, names[now]);

                ck_assert_msg(why == IKE_DROP_COUNT || why == IKE_DROP_MESSAGE_ID ||
                                  why == IKE_DROP_NO_SA,
                              "%s: message %u of %c: %s", names[now], i, "AB"[from],
                              why < IKE_DROP_COUNT ? ike_drop_name(why) : "");
            }
        ck_assert_uint_ge(replayed, now < SETTLED ? now : 16);
        scene_ends(&s, now);
        scene_free(&s);
    }
}
END_TEST

/* The same messages, and those that are on the wire now, under SPIs that nobody has. */
START_TEST(another_spi_finds_nobody)
{
    static const size_t places[] = {0, 7, 8, 15};
    struct scene s;

    for (enum situation now = 0; now < SITUATIONS; now++) {
        scene_make(&s, false, now);
        for (int from = 0; from < 2; from++)
            for (unsigned i = 0; i < s.seen_count[from] + s.p.wire_count[from]; i++)
                for (size_t at = 0; at < sizeof places / sizeof *places; at++) {
                    struct wire_message m = i < s.seen_count[from]
                                                ? s.seen[from][i]
                                                : s.p.wire[from][i - s.seen_count[from]];
                    bool response = m.data[19] & HEADER_FLAG_RESPONSE;
                    enum ike_drop why;

                    if (m.data[18] == EXCHANGE_IKE_SA_INIT &&
                        (places[at] < 8 ? !response : response && now == HALF_OPEN_RESPONDER))
                        continue; /* that is another handshake, or the SPI is not known yet */
                    m.data[places[at]] ^= 0x5a;
                    why = strikes(&s, from, &m, names[now]);
                    ck_assert_msg(why == IKE_DROP_NO_SA || why == IKE_DROP_UNEXPECTED, "%s: %s",
                                  names[now], ike_drop_name(why));
                }
        scene_ends(&s, now);
        scene_free(&s);
    }
}
END_TEST

/* ---- fresh ones without keys ---- */

enum clothes { CLEAR_EMPTY, CLEAR_NOTIFY, CLEAR_DELETE, SK_EMPTY, SK_NOISE, SK_LONG, CLOTHES };

static void put_body(struct message_writer *w, enum clothes clothes, uint16_t notify)
{
    static const uint8_t noise[200] = {0x42};

    if (clothes == CLEAR_NOTIFY)
        notify_add(w, notify, BYTES_NONE);
    if (clothes == CLEAR_DELETE) {
        delete_write(payload_begin(w, PAYLOAD_DELETE),
                     &(struct delete_payload){.protocol = SA_PROTOCOL_IKE});
        payload_end(w);
    }
    if (clothes >= SK_EMPTY)
        payload_add(w, PAYLOAD_SK,
                    bytes_of(noise, clothes == SK_EMPTY   ? 0
                                    : clothes == SK_NOISE ? 64
                                                          : 200));
}

/* The newest IKE SA of an end: the one that a stranger would aim at. */
static const struct ike_sa *target(const struct ike_endpoint *ep)
{
    const struct ike_sa *sa = NULL;

    for (uint32_t i = 0; i < ep->store->ikes.fresh; i++)
        sa = pool_slot(&ep->store->ikes, i) ? pool_slot(&ep->store->ikes, i) : sa;
    return sa;
}

struct forgery {
    uint8_t exchange;
    bool response;
    enum clothes clothes;
    uint16_t notify;
    uint32_t ahead; /* of the message ID that is due */
};

/* With the right SPIs, flags and message ID, all of which go over the wire in the clear. */
static bool forge_to(struct scene *s, int to, const struct forgery *f, struct wire_message *m)
{
    const struct ike_sa *sa = target(s->p.end[to]);
    struct ike_header h = {.version = HEADER_VERSION_2, .exchange = f->exchange};
    struct message_writer w;
    struct bytes message;
    uint8_t storage[512];

    if (!sa)
        return false;
    h.spi_i = sa->spi_i;
    h.spi_r = sa->spi_r;
    h.flags = (uint8_t)((sa->initiator ? 0 : HEADER_FLAG_INITIATOR) |
                        (f->response ? HEADER_FLAG_RESPONSE : 0));
    h.message_id = (f->response ? sa->request_id : sa->expected_id) + f->ahead;
    message_begin(&w, (struct buf){storage, 0, sizeof storage}, &h);
    put_body(&w, f->clothes, f->notify);
    ck_assert_ok(message_end(&w, &message));
    memset(m, 0, sizeof m->dgram);
    memcpy(m->data, message.data, message.len);
    m->dgram = (struct ike_dgram){.local = ike_sa_local(s->p.end[to], sa),
                                  .remote = ike_sa_remote(s->p.end[to], sa),
                                  .protocol = 17,
                                  .len = message.len};
    return true;
}

/* Reasons that may be given to somebody who proves nothing. */
static bool fitting(const struct forgery *f, enum ike_drop why)
{
    if (f->exchange == EXCHANGE_IKE_SA_INIT)
        return why != IKE_DROP_ICV && why < IKE_DROP_COUNT;
    if (f->ahead)
        return why == IKE_DROP_MESSAGE_ID || why == IKE_DROP_NO_SA;
    return why == IKE_DROP_MALFORMED || why == IKE_DROP_ICV || why == IKE_DROP_MESSAGE_ID ||
           why == IKE_DROP_UNEXPECTED || why == IKE_DROP_NO_SA;
}

static const uint16_t refusals[] = {
    NOTIFY_INVALID_IKE_SPI,    NOTIFY_INVALID_SYNTAX,
    NOTIFY_INVALID_MESSAGE_ID, NOTIFY_INVALID_SPI,
    NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_AUTHENTICATION_FAILED,
    NOTIFY_CHILD_SA_NOT_FOUND, NOTIFY_INITIAL_CONTACT,
    NOTIFY_TEMPORARY_FAILURE,  NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD,
};

static void forgeries(struct scene *s, enum situation now, struct forgery f)
{
    struct wire_message *m = malloc(sizeof *m);
    char what[96];

    for (int to = 0; to < 2; to++)
        for (size_t n = 0; n < (f.clothes == CLEAR_NOTIFY ? sizeof refusals / 2 : 1); n++) {
            enum ike_drop why;

            f.notify = refusals[n];
            snprintf(what, sizeof what, "%s: exchange %u, response %d, clothes %d, notify %u",
                     names[now], f.exchange, f.response, f.clothes, f.notify);
            if (!forge_to(s, to, &f, m))
                continue;
            why = strikes(s, 1 - to, m, what);
            ck_assert_msg(fitting(&f, why), "%s: %s", what,
                          why < IKE_DROP_COUNT ? ike_drop_name(why) : "repeated");
        }
    free(m);
}

START_TEST(fresh_messages_without_keys_change_nothing_in_any_state)
{
    static const uint8_t exchanges[] = {0, 33, 34, 35, 36, 37, 38, 43, 44, 240, 255};
    struct scene s;

    for (enum situation now = 0; now < SITUATIONS; now++) {
        scene_make(&s, false, now);
        for (size_t x = 0; x < sizeof exchanges; x++)
            for (int response = 0; response < 2; response++)
                for (enum clothes clothes = 0; clothes < CLOTHES; clothes++)
                    for (uint32_t ahead = 0; ahead < 2; ahead++)
                        forgeries(&s, now,
                                  (struct forgery){exchanges[x], response, clothes, 0, ahead});
        scene_ends(&s, now);
        scene_free(&s);
    }
}
END_TEST

/* ---- with keys, at the wrong moment ---- */

struct speech {
    uint8_t exchange;
    bool response;
    unsigned body; /* 0: empty, 1: D(ESP) of nobody, 2: D(IKE), then a refusal each */
};

static void speak_body(struct message_writer *w, unsigned body)
{
    static const uint8_t spi[4] = {0xde, 0xad, 0xbe, 0xef};

    if (body == 1) {
        delete_write(payload_begin(w, PAYLOAD_DELETE),
                     &(struct delete_payload){SA_PROTOCOL_ESP, 4, 1, bytes_of(spi, 4)});
        payload_end(w);
    }
    if (body == 2) {
        delete_write(payload_begin(w, PAYLOAD_DELETE),
                     &(struct delete_payload){.protocol = SA_PROTOCOL_IKE});
        payload_end(w);
    }
    if (body > 2)
        notify_add(w, refusals[body - 3], BYTES_NONE);
}

/* Sealed by the end `from` under its newest IKE SA, with the message ID that the other expects. */
static bool speak(struct scene *s, int from, const struct speech *x, struct wire_message *m)
{
    struct ike_endpoint *ep = s->p.end[from];
    const struct ike_sa *theirs = target(s->p.end[1 - from]);
    struct ike_sa *sa =
        theirs ? ike_sa_by_spi(ep, theirs->initiator ? theirs->spi_r : theirs->spi_i) : NULL;
    struct message_start start = {.exchange = x->exchange, .response = x->response};
    struct message_writer w;
    struct message_ref kept;
    struct bytes message;
    uint8_t storage[512];

    if (!sa || !sa->suite->encr || !theirs->suite->encr)
        return false;
    start.message_id = x->response ? theirs->request_id : theirs->expected_id;
    ike_message_begin(&w, (struct buf){storage, 0, sizeof storage}, sa, &start);
    speak_body(&w, x->body);
    ck_assert_ok(ike_message_finish(ep, sa, &w, false, &kept));
    message = message_at(&ep->store->messages, kept);
    memset(m, 0, sizeof m->dgram);
    memcpy(m->data, message.data, message.len);
    m->dgram = (struct ike_dgram){.local = ike_sa_local(s->p.end[1 - from], theirs),
                                  .remote = ike_sa_remote(s->p.end[1 - from], theirs),
                                  .protocol = 17,
                                  .len = message.len};
    message_drop(&ep->store->messages, &kept);
    return true;
}

/* One message each into a scene of its own: executed once, or counted, and no SA is left behind
 * that its peer does not answer for. */
static bool spoken(enum situation now, int from, const struct speech *x)
{
    struct wire_message *m = calloc(1, sizeof *m);
    struct ike_counters before;
    const struct ike_counters *after;
    struct scene s;
    uint64_t drops;
    bool said;

    scene_make(&s, true, now);
    before = *ike_endpoint_counters(s.p.end[1 - from]);
    after = ike_endpoint_counters(s.p.end[1 - from]);
    drops = drops_of(&s.p, 1 - from);
    said = speak(&s, from, x, m);
    if (said) {
        (void)deliver(&s.p, from, m);
        if (!x->response)
            ck_assert_msg(after->requests_executed + drops_of(&s.p, 1 - from) >
                              before.requests_executed + drops,
                          "%s: %u: %u vanished", names[now], x->exchange, x->body);
        ck_assert_uint_le(after->requests_executed, before.requests_executed + 1);
    }
    run_until(&s.p, s.p.now + 500 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_endpoint_counters(s.p.end[side])->half_open, 0);
        if (ike_count(&s.p, side))
            (void)ike_endpoint_terminate(s.p.end[side], s.p.now, the_ike(&s.p, side));
    }
    run_until(&s.p, s.p.now + 500 * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_msg(ike_endpoint_memory(s.p.end[side]) == 0, "%s: %u: %u leaves something",
                      names[now], x->exchange, x->body);
    scene_free(&s);
    free(m);
    return said;
}

START_TEST(authentic_messages_at_the_wrong_moment_leave_nothing)
{
    static const uint8_t exchanges[] = {34, 35, 36, 37, 38};
    unsigned said = 0;

    for (enum situation now = 0; now < SITUATIONS; now++)
        for (size_t x = 0; x < sizeof exchanges; x++)
            for (int response = 0; response < 2; response++)
                for (unsigned body = 0; body < 3 + sizeof refusals / 2; body += body < 3 ? 1 : 3)
                    for (int from = 0; from < 2; from++)
                        said += spoken(now, from, &(struct speech){exchanges[x], response, body});
    ck_assert_uint_gt(said, 500);
}
END_TEST

SUITE("states", replays_change_nothing_in_any_state, another_spi_finds_nobody,
      fresh_messages_without_keys_change_nothing_in_any_state,
      authentic_messages_at_the_wrong_moment_leave_nothing)
