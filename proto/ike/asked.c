#include "proto/ike/asked.h"

#include "proto/core/wish.h"
#include "proto/ike/ike.h"

enum err ike_ask_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct bytes packet)
{
    struct asked_packet asked;
    enum err e = ike_asked_read(ep, packet, &asked);

    if (e)
        return e;
    if (flight_of_kind(ep, sa, KIND_CHILD_NEW))
        return ERR_STATE; /* its offer is out already */
    e = ike_asked_note(ep, sa, &asked);
    if (e)
        return e;
    e = ike_wish_for(ep, now, sa, WISH_CHILD);
    if (e)
        ike_asked_done(ep, sa);
    return e;
}

bool ike_ask_single_pair(struct ike_sa *sa, uint16_t notify)
{
    if (notify != NOTIFY_SINGLE_PAIR_REQUIRED || sa->one_pair)
        return false; /* a single pair was refused: there is nothing narrower to ask for */
    sa->one_pair = true;
    return ike_wish_child(sa);
}
