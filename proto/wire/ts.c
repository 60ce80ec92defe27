#include "proto/wire/ts.h"

static size_t addr_len(uint8_t type)
{
    return type == TS_IPV4_ADDR_RANGE ? 4 : type == TS_IPV6_ADDR_RANGE ? 16 : 0;
}

static void read_addr(struct reader *r, size_t len, uint8_t *out)
{
    struct bytes b = reader_bytes(r, len);

    if (b.len > 0)
        memcpy(out, b.data, b.len);
}

/* RFC 7296 §3.13.1: TS Type (8) | IP Protocol ID (8) | Selector Length (16) | Start Port (16) |
 * End Port (16) | Starting Address | Ending Address */
static void read_selector(struct reader *r, struct traffic_selector *ts)
{
    struct reader sub;
    uint16_t len;
    size_t addr;

    *ts = (struct traffic_selector){.type = reader_u8(r)};
    ts->protocol = reader_u8(r);
    len = reader_u16(r);
    addr = addr_len(ts->type);
    if (r->error == OK && (len < 4 || (addr != 0 && len != 8 + 2 * addr)))
        reader_fail(r, ERR_LENGTH);
    if (r->error == OK && len - 4u > reader_left(r))
        reader_fail(r, ERR_LENGTH);
    sub = reader_sub(r, len < 4 ? 0 : len - 4u);
    if (addr == 0) {
        ts->other = reader_rest(&sub);
        return;
    }
    ts->port_start = reader_u16(&sub);
    ts->port_end = reader_u16(&sub);
    read_addr(&sub, addr, ts->start);
    read_addr(&sub, addr, ts->end);
    reader_close(r, &sub);
}

/* RFC 7296 §3.13: Number of TSs (8) | RESERVED (24) | Traffic Selectors */
enum err ts_read(struct bytes body, struct ts_payload *ts)
{
    struct reader r;
    unsigned count;

    ts->count = 0;
    reader_init(&r, body);
    count = reader_u8(&r);
    reader_skip(&r, 3);
    if (r.error == OK && count == 0)
        reader_fail(&r, ERR_SYNTAX);
    for (unsigned i = 0; i < count && r.error == OK; i++) {
        if (i == TS_COUNT_MAX)
            return ERR_FULL;
        read_selector(&r, &ts->selectors[i]);
        ts->count = i + 1;
    }
    return reader_end(&r);
}

static void write_selector(struct writer *w, const struct traffic_selector *ts)
{
    size_t addr = addr_len(ts->type);
    uint8_t *mark;

    writer_u8(w, ts->type);
    writer_u8(w, ts->protocol);
    mark = writer_mark_u16(w);
    if (addr == 0) {
        writer_bytes(w, ts->other);
    } else {
        writer_u16(w, ts->port_start);
        writer_u16(w, ts->port_end);
        writer_bytes(w, bytes_of(ts->start, addr));
        writer_bytes(w, bytes_of(ts->end, addr));
    }
    writer_close_u16(w, mark, 4);
}

void ts_write(struct writer *w, const struct ts_payload *ts)
{
    writer_u8(w, (uint8_t)ts->count);
    writer_zeros(w, 3);
    for (unsigned i = 0; i < ts->count; i++)
        write_selector(w, &ts->selectors[i]);
}

bool ts_ordered(const struct traffic_selector *ts)
{
    size_t addr = addr_len(ts->type);

    if (addr == 0 || memcmp(ts->start, ts->end, addr) > 0)
        return false;
    /* RFC 7296 §3.13.1: start 65535 and end 0 is OPAQUE. */
    return ts->port_start <= ts->port_end || (ts->port_start == 65535 && ts->port_end == 0);
}
