#include "proto/ike/message.h"

#include "proto/ike/fragment.h"

struct sk_sizes ike_sk_sizes(const struct ike_suite *suite)
{
    return (struct sk_sizes){.iv_len = suite->encr->iv_len,
                             .icv_len = suite->integ ? suite->integ->icv_len : suite->encr->icv_len,
                             .block_len = suite->encr->block_len};
}

struct bytes ike_sk_d(const struct ike_sa *sa)
{
    struct ike_key_map map = ike_key_map(sa->suite);

    return bytes_of(ike_sa_keys(sa) + map.sk_d, (size_t)(map.sk_ai - map.sk_d));
}

struct bytes ike_sk_p(const struct ike_endpoint *ep, const struct ike_sa *sa, bool initiator)
{
    struct ike_key_map map = ike_key_map(sa->suite);
    uint16_t from = initiator ? map.sk_pi : map.sk_pr, to = initiator ? map.sk_pr : map.end;

    return bytes_of(handshake_of(ep, sa)->sk_p + from - map.sk_pi, (size_t)(to - from));
}

/* The keys that protect what the original initiator (or responder) sends. */
static struct seal_key seal_key_of(const struct ike_sa *sa, bool initiator)
{
    struct ike_key_map map = ike_key_map(sa->suite);
    const uint8_t *keys = ike_sa_keys(sa);

    return (struct seal_key){.encr = sa->suite->encr,
                             .integ = sa->suite->integ,
                             .encr_key = keys + (initiator ? map.sk_ei : map.sk_er),
                             .integ_key = keys + (initiator ? map.sk_ai : map.sk_ar)};
}

void ike_message_begin(struct message_writer *w, struct buf out, const struct ike_sa *sa,
                       const struct message_start *start)
{
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .version = HEADER_VERSION_2,
                           .exchange = start->exchange,
                           .message_id = start->message_id};

    if (sa->initiator)
        h.flags |= HEADER_FLAG_INITIATOR;
    if (start->response)
        h.flags |= HEADER_FLAG_RESPONSE;
    message_begin(w, out, &h);
    if (!start->clear) {
        struct sk_sizes sizes = ike_sk_sizes(sa->suite);

        sk_begin(w, &sizes);
    }
}

/* CBC wants an IV that nobody can tell before; the others one that never repeats (RFC 5282 §3.1).
 */
static void fill_iv(struct ike_endpoint *ep, struct ike_sa *sa, uint8_t *iv)
{
    if (sa->suite->encr->iv_len == sizeof sa->iv)
        store_be64(iv, ++sa->iv);
    else
        ike_draw(ep, STREAM_IV, iv, sa->suite->encr->iv_len);
}

enum err ike_message_seal(struct ike_endpoint *ep, struct ike_sa *sa, struct message_writer *w,
                          struct bytes *message)
{
    struct seal_key key = seal_key_of(sa, sa->initiator);
    struct sk_area area;
    enum err e = sk_end(w, &area, message);

    if (e)
        return e;
    fill_iv(ep, sa, area.iv);
    return ep->store->env.crypto->class->seal(ep->store->env.crypto,
                                              &(struct seal_op){.key = &key,
                                                                .aad = area.aad,
                                                                .iv = area.iv,
                                                                .text = area.text,
                                                                .text_len = area.text_len,
                                                                .icv = area.icv});
}

enum err ike_message_finish(struct ike_endpoint *ep, struct ike_sa *sa, struct message_writer *w,
                            bool clear, struct message_ref *out)
{
    struct bytes message;
    enum err e;

    if (!clear && fragments_wanted(ep, sa, w))
        return fragments_make(ep, sa, w, out);
    e = clear ? message_end(w, &message) : ike_message_seal(ep, sa, w, &message);
    *out = (struct message_ref){0};
    return e ? e : message_keep(&ep->store->messages, message, out);
}

enum err ike_area_open(struct ike_endpoint *ep, const struct ike_sa *sa, const struct sk_area *area)
{
    struct seal_key key = seal_key_of(sa, !sa->initiator);

    return ep->store->env.crypto->class->open(ep->store->env.crypto,
                                              &(struct seal_op){.key = &key,
                                                                .aad = area->aad,
                                                                .iv = area->iv,
                                                                .text = area->text,
                                                                .text_len = area->text_len,
                                                                .icv = area->icv});
}

enum err ike_message_open(struct ike_endpoint *ep, const struct ike_sa *sa,
                          const struct message_view *outer, struct message_view *inner,
                          bool *authentic)
{
    struct sk_sizes sizes = ike_sk_sizes(sa->suite);
    struct sk_area area;
    struct bytes chain;
    enum err e = sk_read(outer, &sizes, &area);

    *authentic = false;
    if (e)
        return e;
    e = ike_area_open(ep, sa, &area);
    if (e)
        return e;
    *authentic = true;
    e = sk_strip(&area, &chain);
    if (e)
        return e;
    meter_work(ep, METER_PAYLOAD_PARSED, chain.len);
    e = payload_chain_read(chain, outer->inner_type, inner);
    inner->header = outer->header;
    return e;
}
