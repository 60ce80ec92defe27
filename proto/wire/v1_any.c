#include "proto/wire/v1_any.h"

/* RFC 2408 §3.7, §3.11, §3.12, §3.13, RFC 3947 §3.2 */
enum err v1_body_read(uint8_t type, struct bytes body, struct bytes *data)
{
    static const struct {
        uint16_t min, max;
    } bounds[] = {
        [V1_PAYLOAD_KE] = {1, V1_KE_MAX},
        [V1_PAYLOAD_HASH] = {1, V1_HASH_MAX},
        [V1_PAYLOAD_SIGNATURE] = {1, V1_SIGNATURE_MAX},
        [V1_PAYLOAD_NONCE] = {V1_NONCE_MIN, V1_NONCE_MAX},
        [V1_PAYLOAD_NAT_D] = {1, V1_HASH_MAX},
    };

    if (type == V1_PAYLOAD_NAT_D_DRAFT)
        type = V1_PAYLOAD_NAT_D;
    *data = BYTES_NONE;
    if (type < sizeof bounds / sizeof *bounds && bounds[type].max > 0 &&
        (body.len < bounds[type].min || body.len > bounds[type].max))
        return ERR_LENGTH;
    *data = body;
    return OK;
}

/* RFC 2408 §3.10: Cert. Type (8) | Certificate Authority, which may be left out */
enum err v1_certreq_read(struct bytes body, struct cert_payload *req)
{
    struct reader r;

    reader_init(&r, body);
    req->encoding = reader_u8(&r);
    req->data = reader_rest(&r);
    return reader_end(&r);
}

enum err v1_any_read(uint8_t type, struct bytes body, union v1_any_payload *p)
{
    switch (type) {
    case V1_PAYLOAD_SA:
        return v1_sa_read(body, &p->sa);
    case V1_PAYLOAD_ID:
        return v1_id_read(body, &p->id);
    case V1_PAYLOAD_CERT:
        return cert_read(body, &p->cert);
    case V1_PAYLOAD_CERTREQ:
        return v1_certreq_read(body, &p->certreq);
    case V1_PAYLOAD_NOTIFY:
        return v1_notify_read(body, &p->notify);
    case V1_PAYLOAD_DELETE:
        return v1_delete_read(body, &p->delete);
    case V1_PAYLOAD_CONFIG:
        return v1_config_read(body, &p->config);
    case V1_PAYLOAD_NAT_OA:
    case V1_PAYLOAD_NAT_OA_DRAFT:
        return v1_nat_oa_read(body, &p->id);
    case V1_PAYLOAD_FRAGMENT:
        return v1_fragment_read(body, &p->fragment);
    default:
        return v1_body_read(type, body, &p->bytes);
    }
}

void v1_any_write(uint8_t type, struct writer *w, const union v1_any_payload *p)
{
    switch (type) {
    case V1_PAYLOAD_SA:
        v1_sa_write(w, &p->sa);
        break;
    case V1_PAYLOAD_ID:
    case V1_PAYLOAD_NAT_OA:
    case V1_PAYLOAD_NAT_OA_DRAFT:
        v1_id_write(w, &p->id);
        break;
    case V1_PAYLOAD_CERT:
        cert_write(w, &p->cert);
        break;
    case V1_PAYLOAD_CERTREQ:
        cert_write(w, &p->certreq);
        break;
    case V1_PAYLOAD_NOTIFY:
        v1_notify_write(w, &p->notify);
        break;
    case V1_PAYLOAD_DELETE:
        v1_delete_write(w, &p->delete);
        break;
    case V1_PAYLOAD_CONFIG:
        v1_config_write(w, &p->config);
        break;
    case V1_PAYLOAD_FRAGMENT:
        v1_fragment_write(w, &p->fragment);
        break;
    default:
        writer_bytes(w, p->bytes);
        break;
    }
}
