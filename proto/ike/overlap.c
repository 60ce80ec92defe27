#include "proto/ike/overlap.h"

#define ROW(mine, next, other, where)                                                              \
    {                                                                                              \
        .pending = KIND_##mine, .wanted = KIND_##next, .other_child = other,                       \
        .section = "RFC 7296 " where                                                               \
    }

/*
 * What is not here waits. That is above all a rekey of the IKE SA: no child SA may change while it
 * decides who inherits them, nor may the IKE SA be deleted, because what the rekey has made would
 * outlive it at the peer alone. All other exchanges die with the IKE SA, so its delete does not
 * wait for them.
 */
static const struct overlap_row rows[] = {
    ROW(CHILD_NEW, CHILD_NEW, false, "§1.3.1"),
    ROW(CHILD_NEW, CHILD_REKEY, true, "§2.8"),
    ROW(CHILD_NEW, CHILD_DELETE, true, "§1.4.1"),
    ROW(CHILD_REKEY, CHILD_NEW, false, "§1.3.1"),
    ROW(CHILD_REKEY, CHILD_REKEY, true, "§2.8"),
    ROW(CHILD_REKEY, CHILD_DELETE, true, "§1.4.1, §2.25.1"),
    ROW(CHILD_DELETE, CHILD_NEW, false, "§1.3.1"),
    ROW(CHILD_DELETE, CHILD_REKEY, true, "§2.8, §2.25.1"),
    ROW(CHILD_DELETE, CHILD_DELETE, true, "§1.4.1"),
    /* The IKE SA goes, and everything with it */
    ROW(CHILD_NEW, IKE_DELETE, false, "§1.4.1"),
    ROW(CHILD_REKEY, IKE_DELETE, false, "§1.4.1"),
    ROW(CHILD_DELETE, IKE_DELETE, false, "§1.4.1"),
    ROW(LIVENESS, IKE_DELETE, false, "§1.4.1"),
    /* What changes no SA runs beside anything but itself */
    ROW(CHILD_NEW, LIVENESS, false, "§2.4"),
    ROW(CHILD_REKEY, LIVENESS, false, "§2.4"),
    ROW(CHILD_DELETE, LIVENESS, false, "§2.4"),
    ROW(IKE_REKEY, LIVENESS, false, "§2.4"),
    ROW(LIVENESS, CHILD_NEW, false, "§1.3.1"),
    ROW(LIVENESS, CHILD_REKEY, false, "§2.8"),
    ROW(LIVENESS, CHILD_DELETE, false, "§1.4.1"),
    ROW(LIVENESS, IKE_REKEY, false, "§2.18"),
    /* A new address (RFC 4555 §3.5) waits for a rekey of the IKE SA only, which may replace it */
    ROW(CHILD_NEW, MOVE, false, "§2.3"),
    ROW(CHILD_REKEY, MOVE, false, "§2.3"),
    ROW(CHILD_DELETE, MOVE, false, "§2.3"),
    ROW(LIVENESS, MOVE, false, "§2.3"),
    ROW(MOVE, MOVE, false, "§2.3"),
    ROW(MOVE, CHILD_NEW, false, "§2.3"),
    ROW(MOVE, CHILD_REKEY, false, "§2.3"),
    ROW(MOVE, CHILD_DELETE, false, "§2.3"),
    ROW(MOVE, LIVENESS, false, "§2.3"),
    ROW(MOVE, IKE_DELETE, false, "§2.3"),
};

const struct overlap_row *overlap_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

/* The child SA that an exchange is about, one that it makes, or the peer's rival of that (§2.8.1).
 */
static bool concerns(const struct ike_endpoint *ep, const struct flight *f,
                     const struct child_sa *child)
{
    const struct handshake *hs = handshake_at(ep, f->handshake);

    if (child_sa_at(ep, f->child) == child)
        return true;
    return hs && (child_sa_at(ep, hs->child) == child || child_sa_at(ep, hs->rival) == child);
}

static bool beside(const struct ike_endpoint *ep, const struct flight *f, enum exchange_kind wanted,
                   const struct child_sa *child)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].pending == f->kind && rows[i].wanted == wanted)
            return !rows[i].other_child || !concerns(ep, f, child);
    return false;
}

bool overlap_allows(const struct ike_endpoint *ep, const struct ike_sa *sa,
                    enum exchange_kind wanted, const struct child_sa *child)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(ep, sa, all);

    if (!flight_room(ep, sa))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!beside(ep, &all[i], wanted, child))
            return false;
    return true;
}
