/*
 * `ike_install` of IKEv1 (RFC 2409): the two have the handshake, with all that their configuration
 * asks for behind it (XAUTH, Mode-Config, Quick Mode), and hand each other the messages at once.
 * So both are as a handshake leaves them; nothing of it crosses a network, takes time or is counted
 * as one. It costs the cryptography of one. Where it comes to nothing, they go on from there.
 */
#include "proto/install.h"

#include "base/assert.h"
#include "proto/ikev1/ikev1.h"

#include <string.h>

enum { ROUNDS_MAX = 32 }; /* far more than there are messages */

static bool through_nat(const struct ike_installation *how)
{
    return !ip_endpoint_equal(&how->from, &how->seen) || !ip_endpoint_equal(&how->called, &how->at);
}

/* Where it arrives: without a NAT where it was sent to. */
static void pass_nat(const struct ike_installation *how, bool to_responder, struct ike_dgram *d)
{
    struct ip_endpoint local = d->remote, remote = d->local;

    if (through_nat(how)) {
        local = to_responder ? how->at : how->from;
        remote = to_responder ? how->seen : how->called;
    }
    d->local = local;
    d->remote = remote;
}

/* All that one end has to say. @return whether there was anything */
static bool hand_over(const struct ike_installation *how, nsec now, bool to_responder)
{
    struct ike_endpoint *from = to_responder ? how->initiator : how->responder;
    struct ike_endpoint *to = to_responder ? how->responder : how->initiator;
    uint8_t copy[MESSAGE_MAX + MESSAGE_MARKER];
    struct ike_dgram d;
    bool any = false;

    while (ike_endpoint_transmit(from, &d)) {
        ASSERT(d.len <= sizeof copy);
        memcpy(copy, d.data, d.len);
        d.data = copy;
        pass_nat(how, to_responder, &d);
        (void)!ike_endpoint_receive(to, now, &d); /* what it refuses it counts */
        any = true;
    }
    return any;
}

static enum err shake_hands(const struct ike_installation *how, nsec now, struct sa_ref *out)
{
    struct ike_remote peer = {.local = how->from, .remote = how->called};
    bool any = true;
    enum err e;

    if (!through_nat(how)) /* where it floats, it does so by itself */
        peer.local.port = peer.remote.port = IKE_PORT;
    e = v1_initiate(how->initiator, now, &peer, out);
    for (int i = 0; e == OK && any && i < ROUNDS_MAX; i++) {
        any = hand_over(how, now, true);
        any |= hand_over(how, now, false);
    }
    return e;
}

static bool is_up(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa && sa->state == STATE_ESTABLISHED && sa->first_child != SA_INDEX_NONE &&
           child_sa_by_index(ep, sa->first_child)->state == CHILD_CURRENT;
}

enum err install_v1(const struct ike_installation *how, nsec now, struct sa_ref *out,
                    enum sa_reason *why)
{
    struct ike_endpoint *i = how->initiator, *r = how->responder;
    enum err e;

    i->store->installing = r->store->installing = true;
    e = shake_hands(how, now, out);
    i->store->installing = r->store->installing = false;
    *why = e ? REASON_LIMIT : REASON_NONE;
    if (e)
        return e;
    if (!is_up(i, ike_sa_at(i, out->handle)))
        return ERR_STATE;
    i->store->counters.installed++;
    return OK;
}
