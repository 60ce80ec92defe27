/*
 * INFORMATIONAL: delete of child SAs and of the IKE SA, liveness. RFC 7296 §1.4, §1.4.1, §2.4.
 *
 *   HDR, SK {D(ESP, SPIs)}  -->            <--  HDR, SK {D(ESP, paired SPIs)}
 *   HDR, SK {D(IKE)}        -->            <--  HDR, SK {}
 *   HDR, SK {}              -->            <--  HDR, SK {}
 *   HDR, SK {N(QUICK_CRASH_DETECTION)}  -->               <--  HDR, SK {}      (qcd.h)
 *   HDR, SK {N(INVALID_SPI or INVALID_MESSAGE_ID)}  -->   <--  HDR, SK {}      (complaint.h)
 * and with MOBIKE what mobike.h tells.
 */
#include "proto/esp/esp.h"
#include "proto/ike/collision.h"
#include "proto/ike/complaint.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"
#include "proto/ike/qcd.h"
#include "proto/ike/rekey.h"
#include "proto/wire/delete.h"

/* ---- delete of a child SA ---- */

static enum err create_child_delete(struct step *s)
{
    uint8_t spi[4];

    store_be32(spi, child_esp(s->ep, s->child)->spi_in);
    delete_write(payload_begin(s->out, PAYLOAD_DELETE),
                 &(struct delete_payload){SA_PROTOCOL_ESP, 4, 1, bytes_of(spi, sizeof spi)});
    payload_end(s->out);
    s->child->state = CHILD_DELETING;
    return OK;
}

/* The SPIs in a Delete are those of the sender's inbound SAs: what we send with (§1.4.1). To a peer
 * that never saw our rekey of the IKE SA collide with its own, or has seen it lose, its new IKE SA
 * has the children already, while here it is a rival still and they are with the old one (§2.25.2:
 * a delete is answered as usual while the IKE SA is being rekeyed). */
static struct child_sa *named(const struct step *s, const struct delete_payload *d, unsigned i)
{
    struct child_sa *c = child_by_peer_spi(s->ep, s->sa, delete_spi(d, i));
    const struct ike_sa *old =
        s->sa->state == STATE_RIVAL ? ike_sa_at(s->ep, s->sa->replaces) : NULL;

    return c || !old ? c : child_by_peer_spi(s->ep, old, delete_spi(d, i));
}

/* Delete one pair. @return whether its SPI belongs into the response */
static bool serve_delete(struct step *s, struct child_sa *c)
{
    struct ike_sa *ike = child_sa_ike(s->ep, c);
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, ike, all);
    enum sa_reason why = c->state == CHILD_RIVAL ? REASON_COLLISION : REASON_DELETED_BY_PEER;

    for (unsigned i = 0; i < count; i++) {
        bool same = child_sa_at(s->ep, all[i].child) == c;

        if (collision_find(all[i].kind, KIND_CHILD_DELETE, same) == COLLISION_EMPTY) {
            c->wish_delete = false; /* §2.25.1: our own request goes on to its empty answer */
            return false;
        }
        if (same && all[i].kind == KIND_CHILD_REKEY && flight_select(s->ep, ike, all[i].id)) {
            rekey_child_settle(s, c); /* the peer's rekey of it won */
            rekey_child_outlived(s, c);
        }
    }
    why = child_sa_at(s->ep, c->successor) ? REASON_REKEYED : why;
    child_deleted(s->ep, s->now, c, why);
    return true;
}

/* It may be the SA that our request in flight makes: its response must then install nothing. */
static void doom(struct step *s, uint32_t spi)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, s->sa, all);
    struct handshake *hs = NULL;

    for (unsigned i = 0; i < count && (!hs || hs->doomed_spi); i++)
        if (handshake_at(s->ep, all[i].handshake))
            hs = handshake_at(s->ep, all[i].handshake);
    if (hs)
        hs->doomed_spi = spi;
}

static enum err consume_child_delete(struct step *s)
{
    uint8_t spis[4 * 64];
    struct delete_payload d, answer = {SA_PROTOCOL_ESP, 4, 0, {spis, 0}};
    enum err e = delete_read(step_body(s, PAYLOAD_DELETE), &d);

    if (e)
        return e;
    if (d.protocol != SA_PROTOCOL_ESP)
        return OK; /* there is no AH here: unknown SPIs are ignored */
    for (unsigned i = 0; i < d.count && answer.count < 64; i++) {
        struct child_sa *c = named(s, &d, i);
        uint32_t spi_in;

        if (!c) {
            doom(s, delete_spi(&d, i));
            continue; /* §1.4.1: unknown SPIs are not answered for */
        }
        spi_in = child_esp(s->ep, c)->spi_in;
        if (serve_delete(s, c))
            store_be32(spis + 4 * (size_t)answer.count++, spi_in);
    }
    answer.spis.len = 4 * (size_t)answer.count;
    if (answer.count) {
        delete_write(payload_begin(s->out, PAYLOAD_DELETE), &answer);
        payload_end(s->out);
    }
    return OK;
}

static enum err consume_child_deleted(struct step *s)
{
    if (s->child)
        child_deleted(s->ep, s->now, s->child,
                      s->child->reason ? (enum sa_reason)s->child->reason : REASON_DELETED);
    return OK;
}

/* ---- delete of the IKE SA ---- */

static enum err create_ike_delete(struct step *s)
{
    delete_write(payload_begin(s->out, PAYLOAD_DELETE),
                 &(struct delete_payload){.protocol = SA_PROTOCOL_IKE});
    payload_end(s->out);
    return OK;
}

/* §1.4.1: all child SAs go with it; the response is empty. */
static enum err consume_ike_delete(struct step *s)
{
    rekey_ike_forget(s); /* a rekey of ours dies with it; the peer's may have won (§2.25.2) */
    if (s->sa->reason == REASON_NONE)
        s->sa->reason = REASON_DELETED_BY_PEER;
    return OK;
}

/* §2.21.2: the initiator has not believed our proof. */
static enum err consume_ike_refusal(struct step *s)
{
    s->sa->reason = REASON_AUTHENTICATION;
    return OK;
}

static enum err consume_ike_deleted(struct step *s)
{
    s->end = true;
    return OK;
}

/* ---- liveness (§2.4) ---- */

static enum err create_liveness(struct step *s)
{
    qcd_owed_write(s);
    complaint_write(s); /* otherwise an empty SK payload asks "are you there?" */
    return mobike_probe_write(s);
}

/* Unknown notifies are ignored (§3.10.1); the empty response says "yes". */
static enum err consume_liveness(struct step *s)
{
    complaint_heard(s);
    if (s->row->role == ROLE_ANSWERED) {
        qcd_owed_heard(s);
        return mobike_probe_read(s);
    }
    reauth_lifetime_read(s); /* RFC 4478 §3: said anew */
    qcd_read(s, s->sa);      /* RFC 6290 §4.4 */
    mobike_addresses_heard(s);
    return OK;
}

static enum err give_up(struct step *s)
{
    bool liveness = s->row->kind == KIND_LIVENESS;

    s->ep->store->counters.dpd_failures += liveness;
    if (s->sa->reason == REASON_NONE)
        s->sa->reason = liveness ? REASON_DPD : REASON_TIMEOUT;
    s->end = true;
    return OK;
}

#define ALIVE (FROM(ESTABLISHED) | FROM(REKEYED) | FROM(RIVAL))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))
#define DEAF (FROM(NONE) | FROM(SA_INIT_SENT) | FROM(CLOSED))
#define EARLY (FROM(SA_INIT_DONE) | FROM(AUTH_SENT) | FROM(AUTH_HELD))

const struct exchange_row informational_rows[] = {
    /* Child SAs */
    {2, FROM(ESTABLISHED), KIND_CHILD_DELETE, ROLE_START, 0, 0, create_child_delete, 0, STAY, STAY,
     "RFC 7296 §1.4.1"},
    {2, ALIVE | FROM(DELETING), KIND_CHILD_DELETE, ROLE_ASKED, P(DELETE), P(DELETE) | P_ANY,
     consume_child_delete, 0, STAY, STAY, "RFC 7296 §1.4.1"},
    {2, ALIVE | FROM(DELETING), KIND_CHILD_DELETE, ROLE_ANSWERED, 0, P(DELETE) | P_ANY | HAS_ERROR,
     consume_child_deleted, 0, STAY, STAY, "RFC 7296 §1.4.1"},
    {2, ALIVE | FROM(DELETING), KIND_CHILD_DELETE, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_DELETE, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.4.1"},
    {2, DEAF | EARLY, KIND_CHILD_DELETE, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, DEAF | EARLY, KIND_CHILD_DELETE, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, DEAF | EARLY, KIND_CHILD_DELETE, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.4"},
    /* The IKE SA; SA_INIT_DONE: an initiator that refused the responder's AUTH (§2.21.2) */
    {2, ALIVE | FROM(SA_INIT_DONE), KIND_IKE_DELETE, ROLE_START, 0, 0, create_ike_delete, 0,
     STATE_DELETING, STAY, "RFC 7296 §1.4.1, §2.21.2"},
    {2, ALIVE | FROM(DELETING), KIND_IKE_DELETE, ROLE_ASKED, P(DELETE), P(DELETE) | P_ANY,
     consume_ike_delete, 0, STATE_CLOSED, STAY, "RFC 7296 §1.4.1"},
    {2, FROM(ESTABLISHED), KIND_IKE_DELETE, ROLE_ASKED, P(NOTIFY) | HAS_ERROR, P_ANY | HAS_ERROR,
     consume_ike_refusal, 0, STATE_CLOSED, STAY, "RFC 7296 §2.21.2"},
    {2, FROM(DELETING), KIND_IKE_DELETE, ROLE_ANSWERED, 0, P(DELETE) | P_ANY | HAS_ERROR,
     consume_ike_deleted, 0, STAY, STAY, "RFC 7296 §1.4.1"},
    {2, FROM(DELETING), KIND_IKE_DELETE, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, NOT(ALIVE | FROM(SA_INIT_DONE)), KIND_IKE_DELETE, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.4.1"},
    {2, DEAF | EARLY, KIND_IKE_DELETE, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, NOT(FROM(DELETING)), KIND_IKE_DELETE, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.4"},
    {2, NOT(FROM(DELETING)), KIND_IKE_DELETE, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    /* Liveness, and anything else without a Delete */
    {2, FROM(ESTABLISHED), KIND_LIVENESS, ROLE_START, 0, 0, create_liveness, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, ALIVE | FROM(DELETING), KIND_LIVENESS, ROLE_ASKED, 0, P_ANY | HAS_ERROR | P(CP),
     consume_liveness, 0, STAY, STAY, "RFC 7296 §1.4, §2.4"},
    {2, ALIVE | FROM(DELETING), KIND_LIVENESS, ROLE_ANSWERED, 0, P_ANY | HAS_ERROR | P(CP),
     consume_liveness, 0, STAY, STAY, "RFC 7296 §2.4"},
    {2, ALIVE | FROM(DELETING), KIND_LIVENESS, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, NOT(FROM(ESTABLISHED)), KIND_LIVENESS, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, DEAF | EARLY, KIND_LIVENESS, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, DEAF | EARLY, KIND_LIVENESS, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, DEAF | EARLY, KIND_LIVENESS, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.4"},
};
const size_t informational_row_count = sizeof informational_rows / sizeof *informational_rows;
