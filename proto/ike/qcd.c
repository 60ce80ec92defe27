#include "proto/ike/qcd.h"

#include "proto/ike/ike.h"
#include "proto/wire/registry.h"

/* §5.1: TOKEN_SECRET_DATA = HASH(QCD_SECRET | SPI-I | SPI-R), here a prf cut to the least that is
 * allowed, so that the answer is hardly longer than the shortest question. */
static enum err make(const struct ike_endpoint *ep, uint64_t spi_i, uint64_t spi_r,
                     uint8_t out[QCD_TOKEN_MIN])
{
    uint8_t spis[16], token[PRF_OUT_MAX];
    struct bytes part = bytes_of(spis, sizeof spis);
    enum err e;

    store_be64(spis, spi_i);
    store_be64(spis + 8, spi_r);
    e = ep->store->env.crypto->class->prf(
        ep->store->env.crypto, prf_suite(PRF_HMAC_SHA2_256),
        bytes_of(ep->rare->qcd.secret, sizeof ep->rare->qcd.secret), &part, 1, token);
    memcpy(out, token, QCD_TOKEN_MIN);
    wipe(token, sizeof token);
    return e;
}

/* §5.1, §9.1: kept for good, where the machine has not lost it. */
void qcd_start(struct ike_endpoint *ep)
{
    if (ep->store->config->quick_crash_detection)
        rng_fill(&ep->rare->qcd.random, ep->rare->qcd.secret, sizeof ep->rare->qcd.secret);
}

/* ---- the IKE SA is there ---- */

static struct peer_token *token_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct peer_token *kept = pool_slot(&ep->store->tokens, ike_sa_index(ep, sa));

    ASSERT(kept); /* taken with the IKE SA */
    return kept;
}

/* §4.1: the protocol is IKE, and there is no SPI. */
static void token_write(struct message_writer *out, const uint8_t token[QCD_TOKEN_MIN])
{
    notify_write(payload_begin(out, PAYLOAD_NOTIFY),
                 &(struct notify_payload){.protocol = SA_PROTOCOL_IKE,
                                          .type = NOTIFY_QUICK_CRASH_DETECTION,
                                          .data = bytes_of(token, QCD_TOKEN_MIN)});
    payload_end(out);
}

void qcd_write(struct step *s, const struct ike_sa *sa)
{
    uint8_t token[QCD_TOKEN_MIN];

    if (!s->ep->store->config->quick_crash_detection || make(s->ep, sa->spi_i, sa->spi_r, token))
        return; /* without a token only its use is lost */
    token_write(s->out, token);
    wipe(token, sizeof token);
}

void qcd_read(const struct step *s, const struct ike_sa *sa)
{
    struct notify_payload n;
    struct peer_token *kept;

    if (!s->ep->store->config->quick_crash_detection ||
        !notify_find(s->in, NOTIFY_QUICK_CRASH_DETECTION, &n))
        return;
    if (n.data.len < QCD_TOKEN_MIN || n.data.len > TOKEN_MAX) { /* §5 */
        drop_count(s->ep, IKE_DROP_SYNTAX);
        return;
    }
    kept = token_of(s->ep, sa);
    memcpy(kept->bytes, n.data.data, n.data.len);
    kept->len = (uint8_t)n.data.len;
}

void qcd_give(const struct ike_endpoint *maker, struct ike_endpoint *peer, const struct ike_sa *sa)
{
    struct peer_token *kept;

    if (!maker->store->config->quick_crash_detection || !peer->store->config->quick_crash_detection)
        return;
    kept = token_of(peer, sa);
    kept->len = make(maker, sa->spi_i, sa->spi_r, kept->bytes) == OK ? QCD_TOKEN_MIN : 0;
}

void qcd_owe(struct step *s, struct ike_sa *next)
{
    if (!s->ep->store->config->quick_crash_detection)
        return;
    token_of(s->ep, next)->owed = true;
    next->wishes |= WISH_LIVENESS;
}

void qcd_owed_write(struct step *s)
{
    if (s->ep->store->config->quick_crash_detection && token_of(s->ep, s->sa)->owed)
        qcd_write(s, s->sa);
}

void qcd_owed_heard(const struct step *s)
{
    if (s->ep->store->config->quick_crash_detection)
        token_of(s->ep, s->sa)->owed = false;
}

/* ---- it is not ---- */

/* §9.2: whatever the flags say, and in whichever role we have it. */
static bool exists(const struct ike_endpoint *ep, const struct ike_header *h)
{
    return ike_sa_by_spi(ep, h->spi_i) || ike_sa_by_spi(ep, h->spi_r);
}

static bool is_of(const struct handshake *hs, const struct ike_header *h)
{
    return hs && (hs->spi == h->spi_i || hs->spi == h->spi_r);
}

static bool makes(const struct ike_endpoint *ep, const struct ike_sa *sa,
                  const struct ike_header *h)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(ep, sa, all);

    for (unsigned i = 0; i < count; i++)
        if (is_of(handshake_at(ep, all[i].handshake), h))
            return true;
    return is_of(handshake_of(ep, sa), h);
}

/* Nor of one that a rekey of ours is making: the peer may have it already, and ask in it. */
static bool being_made(const struct ike_endpoint *ep, const struct ike_header *h)
{
    for (uint32_t i = ike_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE; i = ike_sa_walk(ep, i))
        if (makes(ep, pool_slot(&ep->store->ikes, i), h))
            return true;
    return false;
}

/* §4.5: a protected request. Before IKE_AUTH is over no token has been given away. */
static bool asks_for_token(const struct message_view *view)
{
    const struct ike_header *h = &view->header;

    return !header_is_response(h) && h->spi_i && h->spi_r &&
           (h->exchange == EXCHANGE_CREATE_CHILD_SA || h->exchange == EXCHANGE_INFORMATIONAL) &&
           (message_find(view, PAYLOAD_SK) || message_find(view, PAYLOAD_SKF));
}

static bool too_many(struct ike_endpoint *ep, nsec now)
{
    if (!ep->rare->qcd.shown || now - ep->rare->qcd.second >= NSEC_PER_S) {
        ep->rare->qcd.second = now;
        ep->rare->qcd.shown = 0;
    }
    return ep->rare->qcd.shown == QCD_SHOWN_MAX;
}

void qcd_show(struct step *s, const struct message_view *view)
{
    struct ike_endpoint *ep = s->ep;
    const struct ike_header *h = &view->header;
    uint8_t storage[128], token[QCD_TOKEN_MIN];
    struct message_writer out;
    struct bytes message;
    /* RFC 7296 §2.21.4: SPIs, message ID and exchange are those of the request. */
    struct ike_header header = {.spi_i = h->spi_i,
                                .spi_r = h->spi_r,
                                .version = HEADER_VERSION_2,
                                .exchange = h->exchange,
                                .flags = HEADER_FLAG_RESPONSE,
                                .message_id = h->message_id};

    if (!ep->store->config->quick_crash_detection || !asks_for_token(view) || exists(ep, h) ||
        too_many(ep, s->now))
        return;
    ep->rare->qcd.shown++; /* or would have been: looking takes time as well */
    if (being_made(ep, h) || make(ep, h->spi_i, h->spi_r, token))
        return;
    if (!header_from_initiator(h))
        header.flags |= HEADER_FLAG_INITIATOR;
    message_begin(&out, (struct buf){storage, 0, sizeof storage}, &header);
    notify_add(&out, NOTIFY_INVALID_IKE_SPI, BYTES_NONE);
    token_write(&out, token);
    if (message_end(&out, &message) == OK &&
        outbox_reply(ep, message, &s->dgram->local, &s->dgram->remote))
        ep->store->counters.tokens_shown++;
}

bool qcd_shown(const struct step *s, const struct message_view *view)
{
    struct notify_payload n;

    return s->ep->store->config->quick_crash_detection && header_is_response(&view->header) &&
           !message_find(view, PAYLOAD_SK) && !message_find(view, PAYLOAD_SKF) &&
           notify_find(view, NOTIFY_INVALID_IKE_SPI, &n) &&
           notify_find(view, NOTIFY_QUICK_CRASH_DETECTION, &n);
}

/* §4.5: at least four must be looked at; here as many as fit into a message. */
static bool verified(const struct step *s, const struct message_view *view)
{
    const struct peer_token *kept = token_of(s->ep, s->sa);
    const struct payload_view *p = message_find(view, PAYLOAD_NOTIFY);
    struct notify_payload n;

    for (; p && kept->len; p = message_next(view, p))
        if (notify_read(p->body, &n) == OK && n.type == NOTIFY_QUICK_CRASH_DETECTION &&
            bytes_equal_secret(n.data, bytes_of(kept->bytes, kept->len)))
            return true;
    return false;
}

enum err qcd_heed(struct step *s, const struct message_view *view)
{
    if (!verified(s, view)) {
        s->ep->store->counters.tokens_wrong++;
        drop_count(s->ep, IKE_DROP_UNAUTHENTICATED);
        return ERR_ICV;
    }
    s->ep->store->counters.crashes_detected++;
    ike_remove(s->ep, s->now, s->sa, REASON_PEER_CRASHED);
    return OK;
}
