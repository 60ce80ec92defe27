#include "proto/ike/offer.h"

#include "proto/core/select.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"
#include "proto/wire/ts.h"

void ke_offer_write(struct message_writer *out, const struct ke_pair *pair)
{
    ke_write(
        payload_begin(out, PAYLOAD_KE),
        &(struct ke_payload){pair->suite->iana, bytes_of(pair->public, pair->suite->public_len)});
    payload_end(out);
}

void nonce_offer_write(struct message_writer *out, const uint8_t *nonce)
{
    nonce_write(payload_begin(out, PAYLOAD_NONCE), bytes_of(nonce, NONCE_LEN));
    payload_end(out);
}

static struct select_terms terms_of(bool in_auth, uint16_t group)
{
    return (struct select_terms){
        .protocol = SA_PROTOCOL_ESP, .spi_size = 4, .no_ke = in_auth, .ke_group = group};
}

/* ---- traffic selectors: wire and value ---- */

static void ts_from(const struct selector *s, struct traffic_selector *t)
{
    *t = (struct traffic_selector){.type = s->first.family == 6 ? TS_IPV6_ADDR_RANGE
                                                                : TS_IPV4_ADDR_RANGE,
                                   .protocol = s->protocol,
                                   .port_start = s->port_first,
                                   .port_end = s->port_last};
    memcpy(t->start, s->first.bytes, sizeof t->start);
    memcpy(t->end, s->last.bytes, sizeof t->end);
}

static bool ts_to(const struct traffic_selector *t, struct selector *s)
{
    if ((t->type != TS_IPV4_ADDR_RANGE && t->type != TS_IPV6_ADDR_RANGE) || !ts_ordered(t))
        return false; /* unknown types are passed by: RFC 7296 §3.13.1 */
    *s = (struct selector){
        .port_first = t->port_start, .port_last = t->port_end, .protocol = t->protocol};
    s->first.family = s->last.family = t->type == TS_IPV6_ADDR_RANGE ? 6 : 4;
    memcpy(s->first.bytes, t->start, sizeof t->start);
    memcpy(s->last.bytes, t->end, sizeof t->end);
    return selector_valid(s);
}

static void ts_out(struct message_writer *out, enum payload_type type,
                   const struct selector_list *list)
{
    struct ts_payload ts; /* room for many: only those there are get filled */

    ts.count = list->count;
    for (uint8_t i = 0; i < list->count; i++)
        ts_from(&list->items[i], &ts.selectors[i]);
    ts_write(payload_begin(out, (uint8_t)type), &ts);
    payload_end(out);
}

static enum err ts_in(const struct step *s, enum payload_type type, struct selector *out,
                      size_t *count)
{
    struct ts_payload ts;
    enum err e = ts_read(step_body(s, type), &ts);

    *count = 0;
    for (unsigned i = 0; e == OK && i < ts.count; i++)
        if (ts_to(&ts.selectors[i], &out[*count]))
            (*count)++;
    return e;
}

/* ---- initiator ---- */

/*
 * §2.9: the packet that made us ask stands first, then what is configured; to a peer that wants a
 * child SA for each pair of addresses only the packet's own, or where none is known the first.
 */
static struct selector_list new_selectors(const struct step *s, bool local)
{
    const struct child_config *c = &s->ep->store->config->child;
    const struct selector *configured = local ? c->local : c->remote;
    uint8_t count = local ? c->local_count : c->remote_count;
    struct selector_list list = {0};

    if (ike_asked_for(s->ep, s->sa))
        list.items[list.count++] = local ? s->ep->rare->asked.local : s->ep->rare->asked.remote;
    if (s->sa->one_pair) {
        const struct selector *first = list.count ? &list.items[0] : &configured[0];

        list.items[list.count++] = selector_host(first->first);
        return list;
    }
    for (uint8_t i = 0; i < count && list.count < SELECTORS_MAX; i++)
        list.items[list.count++] = configured[i];
    return list;
}

static struct selector_list our_selectors(const struct step *s, const struct child_sa *old,
                                          bool local)
{
    return old ? child_selectors(s->ep, old, local) : new_selectors(s, local);
}

void child_offer_write(struct step *s, const struct child_sa *made, bool in_auth)
{
    const struct child_config *c = &s->ep->store->config->child;
    struct select_terms terms = terms_of(in_auth, 0);
    uint8_t spi[4];

    store_be32(spi, child_esp(s->ep, made)->spi_in);
    offer_write(payload_begin(s->out, PAYLOAD_SA), c->proposals, c->proposal_count, &terms,
                bytes_of(spi, sizeof spi));
    payload_end(s->out);
}

void child_offer_ts_write(struct step *s, const struct child_sa *old)
{
    struct selector_list local = our_selectors(s, old, true);
    struct selector_list remote = our_selectors(s, old, false);

    ts_out(s->out, PAYLOAD_TSI, &local);
    ts_out(s->out, PAYLOAD_TSR, &remote);
    if (old ? child_esp(s->ep, old)->transport : s->ep->store->config->child.transport)
        notify_add(s->out, NOTIFY_USE_TRANSPORT_MODE, BYTES_NONE);
}

/* RFC 4303 §2.1: SPIs 1..255 are reserved, 0 is never sent. */
static enum err terms_from(const struct selection *chosen, struct child_terms *t)
{
    t->encr = chosen->encr;
    t->integ = chosen->integ;
    t->ke = chosen->ke;
    t->esn = chosen->esn;
    t->proposal = chosen->number;
    t->spi_out = load_be32(chosen->spi.data);
    t->hard_bytes = 0; /* IKEv2 does not negotiate it */
    return t->spi_out < SPI_MIN ? ERR_NO_PROPOSAL : OK;
}

static bool said(const struct step *s, enum notify_type what)
{
    struct notify_payload n;

    return notify_find(s->in, what, &n);
}

static enum err list_in(const struct step *s, enum payload_type type, struct selector_list *list)
{
    struct selector all[TS_COUNT_MAX];
    size_t count;
    enum err e = ts_in(s, type, all, &count);

    if (e)
        return e;
    if (count == 0 || count > SELECTORS_MAX)
        return ERR_TS;
    list->count = (uint8_t)count;
    memcpy(list->items, all, count * sizeof *all);
    return OK;
}

enum err child_answer_read(const struct step *s, const struct child_sa *old, bool in_auth,
                           struct child_terms *t)
{
    const struct child_config *c = &s->ep->store->config->child;
    struct select_terms terms = terms_of(in_auth, 0);
    struct selector_list local = our_selectors(s, old, true);
    struct selector_list remote = our_selectors(s, old, false);
    struct selection chosen;
    enum err e =
        select_answer(c->proposals, c->proposal_count, step_body(s, PAYLOAD_SA), &terms, &chosen);

    if (e)
        return e;
    e = terms_from(&chosen, t);
    if (e == OK)
        e = list_in(s, PAYLOAD_TSI, &t->local);
    if (e == OK)
        e = list_in(s, PAYLOAD_TSR, &t->remote);
    if (e)
        return e;
    if (!selectors_within(&t->local, &local) || !selectors_within(&t->remote, &remote))
        return ERR_TS; /* §2.9: the responder may only narrow */
    t->transport = said(s, NOTIFY_USE_TRANSPORT_MODE);
    if (t->transport && !(old ? child_esp(s->ep, old)->transport : c->transport))
        return ERR_UNSUPPORTED; /* §1.3.1: nobody asked for transport mode */
    t->no_tfc = said(s, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED);
    t->more_ts = said(s, NOTIFY_ADDITIONAL_TS_POSSIBLE);
    return OK;
}

/* ---- responder ---- */

void child_offer_expect(const struct step *s)
{
    struct selector offer[TS_COUNT_MAX];
    size_t count;

    if (!store_shared(s->ep->store) && ts_in(s, PAYLOAD_TSI, offer, &count) == OK && count > 0)
        spd_expect(&s->ep->store->esp->spd, s->ep->scope, offer, false);
}

enum err child_offer_read(const struct step *s, bool in_auth, uint16_t ke_group,
                          struct child_terms *t)
{
    const struct child_config *c = &s->ep->store->config->child;
    struct select_terms terms = terms_of(in_auth, ke_group);
    struct selector offer[TS_COUNT_MAX];
    struct narrow_rest of_remote, of_local;
    struct selection chosen;
    size_t count;
    bool other_pairs = false;
    enum err e =
        select_offer(c->proposals, c->proposal_count, step_body(s, PAYLOAD_SA), &terms, &chosen);

    if (e)
        return e;
    /* TSi is the initiator's side, so the peer's: RFC 7296 §2.9 */
    e = terms_from(&chosen, t);
    if (e == OK)
        e = ts_in(s, PAYLOAD_TSI, offer, &count);
    if (e == OK)
        e = narrow(offer, count, c->remote, c->remote_count, &t->remote, &of_remote);
    if (e == OK)
        e = ts_in(s, PAYLOAD_TSR, offer, &count);
    if (e == OK)
        e = narrow(offer, count, c->local, c->local_count, &t->local, &of_local);
    if (e == OK && c->single_pair)
        e = narrow_pair(&t->local, &t->remote, &other_pairs);
    if (e)
        return e;
    spd_expect(&s->ep->store->esp->spd, s->ep->scope, t->remote.items, true);
    t->more_ts = other_pairs || of_remote.acceptable || of_local.acceptable;
    t->no_tfc = said(s, NOTIFY_ESP_TFC_PADDING_NOT_SUPPORTED);
    /* §1.3.1: we may decline transport mode by not echoing it. */
    t->transport = c->transport && said(s, NOTIFY_USE_TRANSPORT_MODE);
    return OK;
}

void child_answer_write(struct step *s, const struct child_sa *made, const struct child_terms *t)
{
    struct select_terms terms = terms_of(false, 0);
    struct selection chosen = {
        .number = t->proposal, .encr = t->encr, .integ = t->integ, .ke = t->ke, .esn = t->esn};
    uint8_t spi[4];

    store_be32(spi, child_esp(s->ep, made)->spi_in);
    answer_write(payload_begin(s->out, PAYLOAD_SA), &chosen, &terms, bytes_of(spi, sizeof spi));
    payload_end(s->out);
}

void child_answer_ts_write(struct step *s, const struct child_terms *t)
{
    ts_out(s->out, PAYLOAD_TSI, &t->remote);
    ts_out(s->out, PAYLOAD_TSR, &t->local);
    if (t->transport)
        notify_add(s->out, NOTIFY_USE_TRANSPORT_MODE, BYTES_NONE);
    if (t->more_ts)
        notify_add(s->out, NOTIFY_ADDITIONAL_TS_POSSIBLE, BYTES_NONE);
}
