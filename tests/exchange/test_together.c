/*
 * Cookies, fragments (RFC 7383), windows, MOBIKE (RFC 4555) and quick crash detection (RFC 6290)
 * switched on at once: each message of the usual sequences lost, doubled or late, or all from there
 * on, whoever began. In the end both have the same SAs where A is now, a crash is told at once, and
 * nothing is left.
 */
#include "proto/core/internal.h"
#include "same.h"

enum {
    LTE = 0xc6336404, /* 198.51.100.4 */
    SIZE = 240,       /* octets of a packet: two or three fragments for most messages */
    FAR = 300,        /* seconds after which a lost message cannot matter any more */
};

enum action { HANDSHAKE, CHILD_REKEY, IKE_REKEY, NEW_CHILD, MOVE, REAUTH };
enum fault { LOST, DOUBLED, LATE, ALL_LOST, FAULTS };

struct play {
    enum action action; /* of `side`, or of both where that is 2 */
    int side;
    enum moves {
        NOT_AT_ALL,
        AT_ONCE,
        AFTER
    } moves; /* A, when that has begun, or was handed over */
    enum fault fault;
    unsigned at; /* which message */
};

static void configure(struct pair *p)
{
    pair_init(p, true);
    p->strict = true;
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        /* The responder takes another group than the initiator begins with. */
        pair_propose(
            c, side == A ? "aes256gcm16-prfsha256-ecp256-x25519" : "aes256gcm16-prfsha256-x25519",
            "aes256gcm16-x25519");
        c->fragmentation = FRAGMENTATION_YES;
        c->fragment_size = SIZE;
        c->window = 4;
        c->make_before_break = true;
        c->mobike.on = true;
        c->quick_crash_detection = true;
        c->flood = (struct flood_config){.cookie_always = true, .half_open_per_source = 2};
    }
}

static void move(struct pair *p)
{
    const struct ip_addr any = {0};
    struct ip_addr to;

    p->host[A] = LTE;
    to = pair_address(p, A, 0).addr;
    ike_endpoint_moved(p->end[A], p->now, &any, &to);
    pull(p);
}

static void begin(struct pair *p, enum action action, int side)
{
    struct sa_ref ike = the_ike(p, side);

    if (action == CHILD_REKEY)
        ck_assert_ok(ike_endpoint_rekey_child(p->end[side], p->now, the_child(p, side)));
    if (action == IKE_REKEY)
        ck_assert_ok(ike_endpoint_rekey_ike(p->end[side], p->now, ike));
    if (action == NEW_CHILD)
        ck_assert_ok(ike_endpoint_new_child(p->end[side], p->now, ike));
    if (action == REAUTH)
        ck_assert_ok(ike_endpoint_reauthenticate(p->end[side], p->now, ike));
    pull(p);
}

static void begin_all(struct pair *p, const struct play *play)
{
    pair_create(p);
    pair_initiate(p);
    if (play->action != HANDSHAKE)
        settle(p);
    for (int side = 0; side < 2 && play->action != HANDSHAKE; side++)
        if (play->side == side || play->side == 2)
            begin(p, play->action, side);
    if (play->moves == AT_ONCE)
        move(p);
}

/* @return how many messages there were */
static unsigned hand_all_over(struct pair *p, const struct play *play)
{
    struct wire_message *late = NULL;
    unsigned count = 0;
    int late_from = A;

    for (int side = A; p->wire_count[A] || p->wire_count[B]; side = 1 - side) {
        if (!p->wire_count[side])
            continue;
        if (play->fault == ALL_LOST && count >= play->at) {
            count++;
            drop_next(p, side);
        } else if (count++ != play->at) {
            (void)hand_over(p, side);
        } else if (play->fault == DOUBLED) {
            (void)duplicate_next(p, side);
        } else if (play->fault == LATE) {
            late = malloc(sizeof *late);
            ck_assert_ptr_nonnull(late);
            *late = hold_next(p, side);
            late_from = side;
        } else {
            drop_next(p, side);
        }
    }
    if (late)
        (void)deliver(p, late_from, late);
    free(late);
    return count;
}

static void check_nothing_left(struct pair *p)
{
    run_until(p, p->now + FAR * NSEC_PER_S);
    expire(p); /* the token that was shown had a slot until the next call */
    for (int side = 0; side < 2; side++) {
        const struct ike_endpoint *ep = p->end[side];

        ck_assert_uint_eq(ike_endpoint_memory(ep), 0);
        ck_assert_uint_eq(ep->half_open_asked, 0);
        ck_assert_uint_eq(ep->store->by_source.count, 0);
        ck_assert_uint_eq(ep->store->joining_by_ike.count, 0);
        ck_assert_uint_eq(ep->store->by_spi.count, 0);
    }
    ck_assert_uint_eq(next_deadline(p), NSEC_NEVER);
}

/* RFC 6290: whatever went before, B has given A the token of the IKE SA that is there. */
static void check_crash(struct pair *p, const char *what)
{
    ike_endpoint_crash(p->end[B], p->now);
    pull(p);
    ck_assert_ok(ike_endpoint_probe(p->end[A], p->now, the_ike(p, A)));
    settle(p);
    ck_assert_msg(ike_count(p, A) == 0, "%s: the crash was not told", what);
    check_nothing_left(p);
}

static unsigned play_once(const struct play *play)
{
    struct ike_sa_info info;
    unsigned count;
    char what[80];
    struct pair p;

    (void)snprintf(what, sizeof what, "action %d of %d, moves %d, fault %d at %u", play->action,
                   play->side, play->moves, play->fault, play->at);
    configure(&p);
    begin_all(&p, play);
    count = hand_all_over(&p, play);
    if (play->moves == AFTER)
        move(&p);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    check_same(&p, what);
    ck_assert_msg(ike_count(&p, A) == 1 && child_count(&p, A) > 0, "%s: all is lost", what);
    ck_assert(ike_endpoint_ike_info(p.end[B], the_ike(&p, B), &info));
    ck_assert_msg(load_be32(info.remote.addr.bytes) == load_be32(pair_address(&p, A, 0).addr.bytes),
                  "%s: B does not know where A is", what);
    check_crash(&p, what);
    pair_free(&p);
    return count;
}

static void play_all(enum action action, int side, enum moves moves)
{
    for (int fault = 0; fault < FAULTS; fault++) {
        struct play play = {action, side, moves, (enum fault)fault, 0};

        while (play.at < play_once(&play))
            play.at++;
    }
}

START_TEST(handshakes)
{
    play_all(HANDSHAKE, A, NOT_AT_ALL);
    play_all(HANDSHAKE, A, AFTER);
}
END_TEST

START_TEST(exchanges_of_either_side_and_of_both)
{
    for (int action = CHILD_REKEY; action <= NEW_CHILD; action++)
        for (int side = 0; side <= 2; side++)
            play_all((enum action)action, side, NOT_AT_ALL);
}
END_TEST

START_TEST(moves_while_they_go_on)
{
    for (int action = CHILD_REKEY; action <= MOVE; action++)
        for (int side = 0; side <= 2; side++)
            for (int moves = AT_ONCE; moves <= AFTER; moves++)
                play_all((enum action)action, side, (enum moves)moves);
}
END_TEST

START_TEST(authenticated_anew_beside_the_old_one)
{
    for (int moves = NOT_AT_ALL; moves <= AFTER; moves++)
        play_all(REAUTH, A, (enum moves)moves);
}
END_TEST

SUITE("together", handshakes, authenticated_anew_beside_the_old_one,
      exchanges_of_either_side_and_of_both, moves_while_they_go_on)
