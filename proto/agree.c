/*
 * What two configurations come to when they meet: the proposals by the code that chooses them in
 * an exchange, RFC 7296 §2.7, through the payloads that it reads and writes; the rest by the rules
 * of IKE_SA_INIT and IKE_AUTH. Not here: identities, traffic selectors, NATs, which are each
 * tunnel's own (install.c).
 */
#include "proto/core/select.h"
#include "proto/endpoint.h"
#include "proto/esp/sad.h"
#include "proto/ike/mobike.h"

enum { SA_BODY_MAX = 8192 }; /* PROPOSALS_MAX with TRANSFORMS_MAX of each type */

struct offer {
    const struct proposal_config *proposals;
    size_t count;
};

/* Offered, chosen, answered, and found to be what was offered. A group that is not the first of
 * the initiator's costs it another IKE_SA_INIT, and comes out the same (§1.2). */
static enum err negotiate(const struct offer *initiator, const struct offer *responder,
                          struct select_terms terms, struct selection *out)
{
    static const uint8_t any_spi[4] = {SPI_MIN >> 8, SPI_MIN & 0xff, 0, 1};
    const struct ke_suite *first = offer_first_ke(initiator->proposals, initiator->count);
    struct bytes spi = bytes_of(any_spi, terms.spi_size);
    uint8_t body[SA_BODY_MAX];
    struct writer w;
    enum err e;

    terms.ke_group = first && !terms.no_ke ? first->iana : 0;
    writer_init(&w, body, sizeof body);
    offer_write(&w, initiator->proposals, initiator->count, &terms, spi);
    e = writer_end(&w);
    if (e == OK)
        e = select_offer(responder->proposals, responder->count, bytes_of(body, writer_len(&w)),
                         &terms, out);
    if (e)
        return e;
    writer_init(&w, body, sizeof body);
    answer_write(&w, out, &terms, spi);
    e = writer_end(&w);
    return e ? e
             : select_answer(initiator->proposals, initiator->count, bytes_of(body, writer_len(&w)),
                             &terms, out);
}

static enum err agree_on_ike(const struct ike_config *initiator, const struct ike_config *responder,
                             struct ike_agreement *out)
{
    struct select_terms terms = {.protocol = SA_PROTOCOL_IKE};
    struct selection chosen;
    enum err e =
        negotiate(&(struct offer){initiator->proposals, initiator->proposal_count},
                  &(struct offer){responder->proposals, responder->proposal_count}, terms, &chosen);

    if (e == OK)
        out->suite = (struct ike_suite){
            .encr = chosen.encr, .integ = chosen.integ, .prf = chosen.prf, .ke = chosen.ke};
    return e;
}

static enum err agree_on_child(const struct child_config *initiator,
                               const struct child_config *responder, struct ike_agreement *out)
{
    struct select_terms terms = {
        .protocol = SA_PROTOCOL_ESP, .spi_size = 4, .no_ke = !out->childless};
    struct selection chosen;
    enum err e =
        negotiate(&(struct offer){initiator->proposals, initiator->proposal_count},
                  &(struct offer){responder->proposals, responder->proposal_count}, terms, &chosen);

    if (e)
        return e;
    out->encr = chosen.encr;
    out->integ = chosen.integ;
    out->ke = chosen.ke;
    out->esn = chosen.esn;
    out->transport = initiator->transport && responder->transport; /* §1.3.1 */
    return OK;
}

enum err ike_agree(const struct ike_config *initiator, const struct ike_config *responder,
                   struct ike_agreement *out)
{
    enum err e;

    *out = (struct ike_agreement){
        .childless = initiator->childless >= CHILDLESS_PREFER &&
                     responder->childless != CHILDLESS_NEVER, /* RFC 6023 §3 */
        .fragments = initiator->fragmentation != FRAGMENTATION_NO &&
                     responder->fragmentation != FRAGMENTATION_NO, /* RFC 7383 §2.3 */
        .mobike = mobike_configured(initiator) && mobike_configured(responder),
        .floats = mobike_configured(initiator), /* RFC 4555 §3.3 */
    };
    if (!out->childless &&
        (initiator->childless == CHILDLESS_FORCE || responder->childless == CHILDLESS_FORCE))
        return ERR_UNSUPPORTED;
    if (initiator->child.per_resource && responder->child.per_resource)
        return ERR_FULL; /* there is more than one child SA to be made */
    if (responder->child.single_pair)
        return ERR_SINGLE_PAIR; /* which pair, a packet says (RFC 7296 §2.9) */
    e = agree_on_ike(initiator, responder, out);
    return e ? e : agree_on_child(&initiator->child, &responder->child, out);
}
