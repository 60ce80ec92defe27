#include "proto/wire/notify.h"

/* Data whose size RFC 7296 fixes: whoever finds such a notify may read it without asking again. */
static bool data_size_allowed(uint16_t type, size_t len)
{
    switch (type) {
    case NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD: /* §2.5 */
        return len == 1;
    case NOTIFY_INVALID_KE_PAYLOAD: /* §1.2, §1.3: the group wanted */
        return len == 2;
    case NOTIFY_SET_WINDOW_SIZE: /* §2.3 */
    case NOTIFY_INVALID_MESSAGE_ID:
        return len == 4;
    case NOTIFY_NAT_DETECTION_SOURCE_IP: /* §2.23: a SHA-1 digest */
    case NOTIFY_NAT_DETECTION_DESTINATION_IP:
        return len == 20;
    case NOTIFY_COOKIE: /* §2.6 */
        return len >= 1 && len <= 64;
    default:
        return true;
    }
}

/* RFC 7296 §3.10: Protocol ID (8) | SPI Size (8) | Notify Message Type (16) | SPI | data */
enum err notify_read(struct bytes body, struct notify_payload *n)
{
    struct reader r;
    size_t spi_size;

    reader_init(&r, body);
    n->protocol = reader_u8(&r);
    spi_size = reader_u8(&r);
    n->type = reader_u16(&r);
    n->spi = reader_bytes(&r, spi_size);
    n->data = reader_rest(&r);
    if (r.error == OK && !data_size_allowed(n->type, n->data.len))
        reader_fail(&r, ERR_LENGTH);
    return reader_end(&r);
}

void notify_write(struct writer *w, const struct notify_payload *n)
{
    writer_u8(w, n->protocol);
    writer_u8(w, (uint8_t)n->spi.len);
    writer_u16(w, n->type);
    writer_bytes(w, n->spi);
    writer_bytes(w, n->data);
}

bool notify_find(const struct message_view *view, uint16_t type, struct notify_payload *n)
{
    for (unsigned i = 0; i < view->count; i++) {
        const struct payload_view *p = &view->payloads[i];

        if (notify_type_of(p) == type && notify_read(p->body, n) == OK)
            return true;
    }
    return false;
}

bool notify_find_error(const struct message_view *view, struct notify_payload *n)
{
    for (unsigned i = 0; i < view->count; i++) {
        const struct payload_view *p = &view->payloads[i];

        if (p->type == PAYLOAD_NOTIFY && notify_is_error(notify_type_of(p)) &&
            notify_read(p->body, n) == OK)
            return true;
    }
    return false;
}

void notify_add(struct message_writer *mw, uint16_t type, struct bytes data)
{
    struct notify_payload n = {.type = type, .data = data};

    notify_write(payload_begin(mw, PAYLOAD_NOTIFY), &n);
    payload_end(mw);
}
