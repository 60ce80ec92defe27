#include "proto/ikev1/informational.h"

#include "base/assert.h"
#include "proto/wire/v1_attribute.h"

enum { FRONT = PAYLOAD_HEADER_LEN };

const char *v1_said_name(enum v1_said_kind kind)
{
    static const char *const names[V1_SAID_COUNT] = {
#define X(symbol, name) [V1_SAID_##symbol] = name,
        V1_SAID_LIST(X)
#undef X
    };

    ASSERT((unsigned)kind < V1_SAID_COUNT);
    return names[kind];
}

/* ---- saying ---- */

void v1_info_begin(struct v1_info *info, const struct v1_established *sa, uint32_t message_id,
                   struct buf out)
{
    const struct ike_header h = {.spi_i = sa->cky_i,
                                 .spi_r = sa->cky_r,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_INFORMATIONAL,
                                 .flags = V1_FLAG_ENCRYPTION,
                                 .message_id = message_id};

    ASSERT(message_id != 0);
    info->message_id = message_id;
    message_begin(&info->w, out, &h);
    writer_zeros(payload_begin(&info->w, V1_PAYLOAD_HASH), sa->hash->len);
    payload_end(&info->w);
}

void v1_info_delete_children(struct v1_info *info, const uint32_t *spis, unsigned count)
{
    const struct v1_delete d = {
        .doi = V1_DOI_IPSEC, .protocol = V1_PROTOCOL_ESP, .spi_size = 4, .count = (uint16_t)count};
    struct writer *w = payload_begin(&info->w, V1_PAYLOAD_DELETE);

    ASSERT(count > 0 && count <= UINT16_MAX);
    v1_delete_write(w, &d); /* without SPIs: they follow one by one */
    for (unsigned i = 0; i < count; i++)
        writer_u32(w, spis[i]);
    payload_end(&info->w);
}

void v1_info_delete_sa(struct v1_info *info, const struct v1_established *sa)
{
    uint8_t cookies[V1_COOKIES_LEN];
    const struct v1_delete d = {V1_DOI_IPSEC, V1_PROTOCOL_ISAKMP, V1_COOKIES_LEN, 1,
                                v1_cookies(cookies, sa->cky_i, sa->cky_r)};

    v1_delete_write(payload_begin(&info->w, V1_PAYLOAD_DELETE), &d);
    payload_end(&info->w);
}

static void write_notify(struct v1_info *info, const struct v1_established *sa, uint16_t type,
                         struct bytes data)
{
    uint8_t cookies[V1_COOKIES_LEN];
    const struct v1_notify n = {V1_DOI_IPSEC, V1_PROTOCOL_ISAKMP, type,
                                v1_cookies(cookies, sa->cky_i, sa->cky_r), data};

    v1_notify_write(payload_begin(&info->w, V1_PAYLOAD_NOTIFY), &n);
    payload_end(&info->w);
}

void v1_info_dpd(struct v1_info *info, const struct v1_established *sa, bool answer,
                 uint32_t sequence)
{
    uint8_t number[4];

    store_be32(number, sequence);
    write_notify(info, sa, answer ? V1_NOTIFY_R_U_THERE_ACK : V1_NOTIFY_R_U_THERE,
                 bytes_of(number, sizeof number));
}

void v1_info_lifetime(struct v1_info *info, const struct v1_established *sa, uint32_t life_s)
{
    uint8_t cookies[V1_COOKIES_LEN];

    v1_lifetime_write(&info->w, V1_PROTOCOL_ISAKMP, v1_cookies(cookies, sa->cky_i, sa->cky_r),
                      (struct v1_life){.s = life_s});
}

void v1_info_notify(struct v1_info *info, const struct v1_established *sa, uint16_t type)
{
    write_notify(info, sa, type, BYTES_NONE);
}

/* RFC 2409 §5.7: HASH(1) = prf(SKEYID_a, M-ID | N/D) */
static enum err hash_of(const struct v1_established *sa, uint32_t message_id, struct bytes rest,
                        uint8_t out[IKEV1_HASH_MAX])
{
    return ikev1_hash_12(sa->crypto, sa->hash, sa->keys, message_id, BYTES_NONE, rest, out);
}

enum err v1_info_end(struct v1_info *info, const struct v1_established *sa, struct bytes *message)
{
    size_t front = FRONT + (size_t)sa->hash->len;
    uint8_t hash[IKEV1_HASH_MAX];
    struct v1_cipher cipher;
    struct v1_area area;
    enum err e = v1_message_end(&info->w, sa->cipher->encr->block_len, &area, message);

    if (e != OK)
        return e;
    e = hash_of(sa, info->message_id, bytes_of(area.text + front, area.chain_len - front), hash);
    if (e == OK)
        e = v1_cipher_of(sa, info->message_id, &cipher);
    if (e == OK) {
        memcpy(area.text + FRONT, hash, sa->hash->len);
        e = v1_cipher_seal(sa->crypto, &cipher, &area);
    }
    wipe(&cipher, sizeof cipher);
    if (e != OK)
        *message = BYTES_NONE;
    return e;
}

/* ---- hearing ---- */

static enum err check_header(const struct v1_established *sa, const struct ike_header *h)
{
    if (h->exchange != V1_EXCHANGE_INFORMATIONAL || !v1_encrypted(h))
        return ERR_STATE;
    return h->message_id == 0 || h->spi_i != sa->cky_i || h->spi_r != sa->cky_r ? ERR_MESSAGE_ID
                                                                                : OK;
}

static enum err check_hash(const struct v1_established *sa, const struct message_view *in,
                           struct bytes chain, uint32_t message_id)
{
    size_t front = FRONT + in->payloads[0].body.len;
    uint8_t hash[IKEV1_HASH_MAX];
    enum err e;

    if (in->payloads[0].type != V1_PAYLOAD_HASH)
        return ERR_MISSING;
    e = hash_of(sa, message_id, bytes_of(chain.data + front, chain.len - front), hash);
    if (e != OK)
        return e;
    return bytes_equal_secret(in->payloads[0].body, bytes_of(hash, sa->hash->len)) ? OK : ERR_ICV;
}

static enum err check_bodies(const struct message_view *in)
{
    unsigned words = 0;

    for (unsigned i = 1; i < in->count; i++) {
        const struct payload_view *p = &in->payloads[i];
        struct v1_notify n;
        struct v1_delete d;
        enum err e = OK;

        if (p->type == V1_PAYLOAD_NOTIFY)
            e = v1_notify_read(p->body, &n);
        else if (p->type == V1_PAYLOAD_DELETE)
            e = v1_delete_read(p->body, &d);
        else if (p->type != V1_PAYLOAD_VENDOR && p->type < 128)
            e = ERR_SYNTAX;
        if (e == OK && p->type == V1_PAYLOAD_NOTIFY && n.type == V1_NOTIFY_RESPONDER_LIFETIME)
            e = v1_attributes_check(n.data);
        if (e != OK)
            return e;
        words += p->type == V1_PAYLOAD_NOTIFY || p->type == V1_PAYLOAD_DELETE;
    }
    return words > 0 ? OK : ERR_MISSING;
}

enum err v1_info_open(const struct v1_established *sa, struct bytes message,
                      struct v1_info_view *out)
{
    struct message_view outer;
    struct v1_cipher cipher;
    uint8_t next[IV_MAX];
    struct bytes chain;
    enum err e = v1_message_read(message, &outer);

    *out = (struct v1_info_view){.cky_i = sa->cky_i, .cky_r = sa->cky_r, .payload = 1};
    if (e == OK)
        e = check_header(sa, &outer.header);
    if (e != OK)
        return e;
    e = v1_cipher_of(sa, outer.header.message_id, &cipher);
    if (e == OK)
        e = v1_cipher_open(sa->crypto, &cipher, &outer, &out->in, &chain, next);
    wipe(&cipher, sizeof cipher);
    if (e == OK)
        e = check_hash(sa, &out->in, chain, outer.header.message_id);
    return e == OK ? check_bodies(&out->in) : e;
}

static bool is_this_sa(const struct v1_info_view *v, struct bytes spi)
{
    return spi.len == V1_COOKIES_LEN && load_be64(spi.data) == v->cky_i &&
           load_be64(spi.data + 8) == v->cky_r;
}

static void hear_notify(const struct v1_info_view *v, struct bytes body, struct v1_said *out)
{
    struct v1_notify n;

    ASSERT(v1_notify_read(body, &n) == OK); /* it was checked */
    out->notify = n.type;
    /* RFC 2408 §3.14: of ISAKMP it means nothing, whatever its size. */
    if (n.protocol != V1_PROTOCOL_ISAKMP && n.spi.len == 4)
        out->spi = load_be32(n.spi.data);
    if (v1_notify_is_error(n.type)) {
        out->kind = V1_SAID_ERROR;
    } else if (n.type == V1_NOTIFY_RESPONDER_LIFETIME) {
        out->kind = V1_SAID_LIFETIME;
        out->life = v1_lifetime_heard(&n);
    } else if (n.type == V1_NOTIFY_INITIAL_CONTACT) {
        out->kind = V1_SAID_INITIAL_CONTACT;
    } else if (n.type == V1_NOTIFY_R_U_THERE || n.type == V1_NOTIFY_R_U_THERE_ACK) {
        if (!is_this_sa(v, n.spi)) /* RFC 3706 §5.3: of this SA's cookies */
            return;
        out->kind = n.type == V1_NOTIFY_R_U_THERE ? V1_SAID_ARE_YOU_THERE : V1_SAID_I_AM_HERE;
        out->sequence = load_be32(n.data.data);
    }
}

/* @return whether the Delete has another SPI behind this one */
static bool hear_delete(const struct v1_info_view *v, struct bytes body, struct v1_said *out)
{
    struct v1_delete d;
    struct bytes spi;

    ASSERT(v1_delete_read(body, &d) == OK);
    spi = v1_delete_spi(&d, v->spi);
    if (d.protocol == V1_PROTOCOL_ESP) {
        out->kind = V1_SAID_CHILD_DELETED;
        out->spi = load_be32(spi.data);
    } else if (d.protocol == V1_PROTOCOL_ISAKMP && is_this_sa(v, spi)) {
        out->kind = V1_SAID_SA_DELETED;
    }
    return v->spi + 1 < d.count;
}

bool v1_info_next(struct v1_info_view *v, struct v1_said *out)
{
    *out = (struct v1_said){.kind = V1_SAID_OTHER};
    for (; v->payload < v->in.count; v->payload++) {
        const struct payload_view *p = &v->in.payloads[v->payload];

        if (p->type == V1_PAYLOAD_NOTIFY) {
            hear_notify(v, p->body, out);
            v->payload++;
            return true;
        }
        if (p->type != V1_PAYLOAD_DELETE)
            continue;
        if (hear_delete(v, p->body, out)) {
            v->spi++;
        } else {
            v->spi = 0;
            v->payload++;
        }
        return true;
    }
    return false;
}
