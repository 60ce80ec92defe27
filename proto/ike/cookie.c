#include "proto/ike/cookie.h"

#include "proto/wire/nonce.h"
#include "proto/wire/registry.h"

enum {
    MAC_LEN = 16,
    COOKIE_LEN = 1 + MAC_LEN, /* §2.6: 1 to 64 octets */
};

/* ---- secrets ---- */

/* §2.6: changed often; what was made with the one before is taken until the next change. */
static void refresh(struct ike_endpoint *ep, nsec now)
{
    struct cookie_jar *jar = &ep->rare->cookies;
    nsec age = jar->alive ? now - jar->since : NSEC_NEVER;

    if (age < COOKIE_SECRET_TIME)
        return;
    jar->alive = age < 2 * COOKIE_SECRET_TIME ? 2 : 1;
    jar->version++;
    jar->since = now;
    rng_fill(&jar->random, jar->secrets[jar->version & 1], COOKIE_SECRET_LEN);
}

void cookie_forget(struct ike_endpoint *ep)
{
    if (!ep->rare)
        return;
    wipe(ep->rare->cookies.secrets, sizeof ep->rare->cookies.secrets);
    ep->rare->cookies.alive = 0;
}

/* ---- the value ---- */

/* Cookie = <VersionIDofSecret> | Hash(Ni | IPi | SPIi | <secret>) */
static enum err make(const struct step *s, const struct message_view *view, uint8_t version,
                     uint8_t out[COOKIE_LEN])
{
    const struct payload_view *p = message_find(view, PAYLOAD_NONCE);
    const struct ip_addr *from = &s->dgram->remote.addr;
    uint8_t spi_i[8], mac[PRF_OUT_MAX];
    struct bytes parts[3] = {[1] = bytes_of(from->bytes, from->family == 6 ? 16 : 4),
                             [2] = bytes_of(spi_i, sizeof spi_i)};
    struct crypto *crypto = s->ep->store->env.crypto;
    enum err e = p ? nonce_read(p->body, &parts[0]) : ERR_MISSING;

    if (e)
        return e;
    store_be64(spi_i, view->header.spi_i);
    e = crypto->class->prf(crypto, prf_suite(PRF_HMAC_SHA2_256),
                           bytes_of(s->ep->rare->cookies.secrets[version & 1], COOKIE_SECRET_LEN),
                           parts, 3, mac);
    out[0] = version;
    memcpy(out + 1, mac, MAC_LEN);
    return e;
}

static bool holds(const struct step *s, const struct message_view *view, struct bytes cookie)
{
    const struct cookie_jar *jar = &s->ep->rare->cookies;
    uint8_t ours[COOKIE_LEN];

    if (cookie.len != COOKIE_LEN || (uint8_t)(jar->version - cookie.data[0]) >= jar->alive)
        return false;
    return make(s, view, cookie.data[0], ours) == OK &&
           bytes_equal_secret(cookie, bytes_of(ours, sizeof ours));
}

bool cookie_returned(struct step *s, const struct message_view *view)
{
    struct notify_payload n;

    if (!notify_find(view, NOTIFY_COOKIE, &n) || !ike_rare(s->ep))
        return false;
    refresh(s->ep, s->now);
    if (holds(s, view, n.data)) {
        s->ep->store->counters.cookies_accepted++;
        return true;
    }
    s->ep->store->counters.cookies_wrong++;
    return false;
}

/* ---- asking for it ---- */

void cookie_ask(struct step *s, const struct message_view *view)
{
    struct ike_endpoint *ep = s->ep;
    uint8_t storage[128], cookie[COOKIE_LEN];
    struct message_writer out;
    struct bytes message;
    /* HDR(A,0), N(COOKIE): no SPI of ours, as there is no SA (§2.6) */
    struct ike_header header = {.spi_i = view->header.spi_i,
                                .version = HEADER_VERSION_2,
                                .exchange = EXCHANGE_IKE_SA_INIT,
                                .flags = HEADER_FLAG_RESPONSE};

    refresh(ep, s->now);
    if (make(s, view, ep->rare->cookies.version, cookie))
        return;
    message_begin(&out, (struct buf){storage, 0, sizeof storage}, &header);
    notify_add(&out, NOTIFY_COOKIE, bytes_of(cookie, sizeof cookie));
    if (message_end(&out, &message) || message.len > view->datagram.len ||
        !outbox_reply(ep, message, &s->dgram->local, &s->dgram->remote))
        return;
    ep->store->counters.responses_sent++;
    ep->store->counters.cookies_sent++;
}
