#include "dissect/pcapng_read.h"

#include <stdlib.h>

enum block_type {
    BLOCK_INTERFACE = 1,
    BLOCK_OLD_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_PACKET = 6,
};
#define BLOCK_SECTION UINT32_C(0x0a0d0d0a)    /* reads the same in both byte orders */
#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d) /* tells which one it is */

enum pcapng_limits {
    BLOCK_MAX_BYTES = 16 << 20,
    INTERFACES_MAX = 1 << 20,
    OPTION_NAME = 2,
    OPTION_RESOLUTION = 9,
    OPTION_OFFSET = 14,
};

struct interface {
    uint16_t link;
    uint32_t snaplen;   /* 0: no limit */
    uint8_t resolution; /* bit 7: power of 2, else of 10 */
    uint64_t offset_s;
    char *name;
};

struct pcapng_reader {
    FILE *file;
    bool started, big_endian;
    uint8_t *block;
    size_t block_cap;
    struct interface *interfaces;
    uint32_t count, cap;
};

struct pcapng_reader *pcapng_reader_create(FILE *file)
{
    struct pcapng_reader *r = calloc(1, sizeof *r);

    if (r)
        r->file = file;
    else if (file != stdin)
        fclose(file);
    return r;
}

static void forget_interfaces(struct pcapng_reader *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        free(r->interfaces[i].name);
    r->count = 0;
}

void pcapng_reader_destroy(struct pcapng_reader *r)
{
    if (!r)
        return;
    forget_interfaces(r);
    free(r->interfaces);
    free(r->block);
    if (r->file != stdin)
        fclose(r->file);
    free(r);
}

static uint32_t u32(const struct pcapng_reader *r, const uint8_t *p)
{
    uint32_t v = load_be32(p);

    return r->big_endian ? v : __builtin_bswap32(v);
}

static uint16_t u16(const struct pcapng_reader *r, const uint8_t *p)
{
    uint16_t v = load_be16(p);

    return r->big_endian ? v : __builtin_bswap16(v);
}

static enum err damaged(const char **why, const char *text)
{
    *why = text;
    return ERR_IO;
}

static enum err room_for(struct pcapng_reader *r, size_t len)
{
    uint8_t *larger;

    if (len <= r->block_cap)
        return OK;
    larger = realloc(r->block, len);
    if (!larger)
        return ERR_MEMORY;
    r->block = larger;
    r->block_cap = len;
    return OK;
}

/* Type (32) | Total Length (32) | body | Total Length (32): the body is left in r->block. */
static enum err read_block(struct pcapng_reader *r, uint32_t *type, size_t *len, const char **why)
{
    uint8_t head[12];
    size_t got = fread(head, 1, sizeof head, r->file), total;
    enum err e;

    if (got == 0 && !ferror(r->file))
        return r->started ? ERR_NOT_FOUND : damaged(why, "the file is empty");
    if (got < sizeof head)
        return damaged(why, "the file ends within the head of a block");
    *type = load_be32(head) == BLOCK_SECTION ? BLOCK_SECTION : u32(r, head);
    if (*type == BLOCK_SECTION)
        r->big_endian = load_be32(head + 8) == BYTE_ORDER_MAGIC;
    else if (!r->started)
        return damaged(why, "it does not begin with a section header: no pcapng");
    total = u32(r, head + 4);
    if (total < 12 || total % 4 != 0 || total > BLOCK_MAX_BYTES)
        return damaged(why, "the length of a block makes no sense");
    e = room_for(r, total - 8);
    if (e != OK)
        return e;
    memcpy(r->block, head + 8, 4); /* of the body, or the length again */
    if (fread(r->block + 4, 1, total - 12, r->file) != total - 12)
        return damaged(why, "the file ends within a block");
    *len = total - 12;
    if (u32(r, r->block + *len) != total)
        return damaged(why, "the two lengths of a block differ");
    return OK;
}

static enum err take_section(struct pcapng_reader *r, size_t len, const char **why)
{
    if (len < 16 || u32(r, r->block) != BYTE_ORDER_MAGIC)
        return damaged(why, "a section header is malformed");
    if (u16(r, r->block + 4) != 1)
        return damaged(why, "a section is of a version other than 1");
    r->started = true;
    forget_interfaces(r);
    return OK;
}

static void take_option(struct pcapng_reader *r, struct interface *i, uint16_t code,
                        struct bytes value)
{
    if (code == OPTION_NAME && !i->name)
        i->name = strndup((const char *)value.data, value.len);
    if (code == OPTION_RESOLUTION && value.len == 1)
        i->resolution = value.data[0];
    if (code == OPTION_OFFSET && value.len == 8)
        i->offset_s = r->big_endian ? load_be64(value.data)
                                    : (uint64_t)u32(r, value.data + 4) << 32 | u32(r, value.data);
}

/* LinkType (16) | Reserved (16) | SnapLen (32) | options: Code (16) | Length (16) | value, padded
 */
static enum err take_interface(struct pcapng_reader *r, size_t len, const char **why)
{
    struct interface i = {.resolution = 6};

    if (len < 8)
        return damaged(why, "an interface description is too short");
    if (r->count == INTERFACES_MAX)
        return damaged(why, "it has more interfaces than this program takes");
    if (r->count == r->cap) {
        uint32_t larger = r->cap ? 2 * r->cap : 16;
        struct interface *moved = realloc(r->interfaces, larger * sizeof *moved);

        if (!moved)
            return ERR_MEMORY;
        r->interfaces = moved;
        r->cap = larger;
    }
    i.link = u16(r, r->block);
    i.snaplen = u32(r, r->block + 4);
    for (size_t at = 8; at + 4 <= len;) {
        uint16_t code = u16(r, r->block + at), size = u16(r, r->block + at + 2);

        if (code == 0 || size > len - at - 4)
            break;
        take_option(r, &i, code, bytes_of(r->block + at + 4, size));
        at += 4 + (((size_t)size + 3) & ~(size_t)3);
    }
    r->interfaces[r->count++] = i;
    return OK;
}

/* Ticks of 10^-n or 2^-n seconds to nanoseconds. @return false if they are too fine for 64 bits */
static bool time_of(const struct interface *i, uint64_t ticks, nsec *at)
{
    unsigned n = i->resolution & 0x7f;
    uint64_t scale = 1;

    if (i->resolution & 0x80) {
        uint64_t fraction;

        if (n > 63)
            return false;
        fraction = ticks & ((UINT64_C(1) << n) - 1);
        if (n > 32)
            fraction >>= n - 32;
        *at = (i->offset_s + (ticks >> n)) * NSEC_PER_S +
              (fraction * NSEC_PER_S >> (n > 32 ? 32 : n));
        return true;
    }
    if (n > 28)
        return false;
    for (unsigned d = n < 9 ? 9 - n : n - 9; d > 0; d--)
        scale *= 10;
    *at = i->offset_s * NSEC_PER_S + (n < 9 ? ticks * scale : ticks / scale);
    return true;
}

/* Where a kind of packet block has its fields; those of the simple one are fewer. */
static enum err take_packet(struct pcapng_reader *r, uint32_t type, size_t len,
                            struct pcapng_frame *out, const char **why)
{
    bool simple = type == BLOCK_SIMPLE_PACKET;
    size_t fixed = simple ? 4 : 20;
    const uint8_t *b = r->block;
    const struct interface *i;
    uint32_t caplen, origlen;

    *out = (struct pcapng_frame){0};
    if (len < fixed)
        return damaged(why, "a packet block is too short");
    if (!simple)
        out->interface = type == BLOCK_PACKET ? u32(r, b) : u16(r, b);
    if (out->interface >= r->count)
        return damaged(why, "a packet is of an interface that was not described");
    i = &r->interfaces[out->interface];
    origlen = u32(r, b + (simple ? 0 : 16));
    caplen = simple ? origlen : u32(r, b + 12);
    if (simple && i->snaplen > 0 && caplen > i->snaplen)
        caplen = i->snaplen;
    if (caplen > len - fixed)
        return damaged(why, "a packet is longer than its block");
    out->timed = !simple && time_of(i, (uint64_t)u32(r, b + 4) << 32 | u32(r, b + 8), &out->at);
    out->name = i->name;
    out->link = i->link;
    out->cut = caplen < origlen;
    out->data = bytes_of(b + fixed, caplen);
    return OK;
}

enum err pcapng_reader_next(struct pcapng_reader *r, struct pcapng_frame *out, const char **why)
{
    for (;;) {
        uint32_t type;
        size_t len;
        enum err e = read_block(r, &type, &len, why);

        if (e == OK && type == BLOCK_SECTION)
            e = take_section(r, len, why);
        else if (e == OK && type == BLOCK_INTERFACE)
            e = take_interface(r, len, why);
        else if (e == OK &&
                 (type == BLOCK_PACKET || type == BLOCK_SIMPLE_PACKET || type == BLOCK_OLD_PACKET))
            return take_packet(r, type, len, out, why);
        if (e != OK)
            return e;
    }
}
