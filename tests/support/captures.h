/*
 * Reads pcap and pcapng files frame by frame, as far as tests need it: Ethernet (with VLAN tags),
 * raw IP, Linux cooked (1 and 2), null and loop. A .gz file goes through `gzip -dc`.
 */
#ifndef TESTS_CAPTURES_H
#define TESTS_CAPTURES_H

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

struct capture {
    uint8_t *data;
    size_t len, at;
    bool swapped, ng;  /* fields are in the other byte order than ours (little-endian) */
    uint32_t link[16]; /* by interface */
    unsigned interfaces;
    unsigned frame; /* number of the last one, from 1 */
};

static inline uint32_t capture_u32(const struct capture *c, size_t at)
{
    uint32_t v = at + 4 <= c->len ? load_be32(c->data + at) : 0;

    return c->swapped ? v : __builtin_bswap32(v);
}

static inline uint16_t capture_u16(const struct capture *c, size_t at)
{
    uint16_t v = at + 2 <= c->len ? load_be16(c->data + at) : 0;

    return c->swapped ? v : __builtin_bswap16(v);
}

static inline bool capture_load(struct capture *c, const char *path)
{
    size_t cap = 1 << 16, n, name = strlen(path);
    bool zipped = name > 3 && strcmp(path + name - 3, ".gz") == 0;
    char command[1024];
    FILE *f;

    snprintf(command, sizeof command, "gzip -dc '%s'", path);
    f = zipped ? popen(command, "r") : fopen(path, "rb");
    if (!f)
        return false;
    c->data = malloc(cap);
    while ((n = fread(c->data + c->len, 1, cap - c->len, f)) > 0) {
        c->len += n;
        if (c->len == cap)
            c->data = realloc(c->data, cap *= 2);
    }
    return (zipped ? pclose(f) : fclose(f)) == 0;
}

static inline bool capture_open(struct capture *c, const char *path)
{
    uint32_t magic;

    *c = (struct capture){0};
    if (!capture_load(c, path) || c->len < 24)
        return false;
    magic = load_be32(c->data);
    c->ng = magic == 0x0a0d0d0a;
    if (c->ng)
        return true;
    c->swapped = magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
    c->link[0] = capture_u32(c, 20) & 0xffff;
    c->interfaces = 1;
    c->at = 24;
    return c->swapped || magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
}

static inline void capture_close(struct capture *c)
{
    free(c->data);
    *c = (struct capture){0};
}

/* The network layer of a frame; empty if it is not IP. */
static inline struct bytes capture_strip(uint32_t link, struct bytes f)
{
    size_t header = 0;

    switch (link) {
    case 1:
        for (header = 14; f.len >= header + 4 && load_be16(f.data + header - 2) == 0x8100;)
            header += 4;
        if (f.len < header ||
            (load_be16(f.data + header - 2) != 0x0800 && load_be16(f.data + header - 2) != 0x86dd))
            return BYTES_NONE;
        break;
    case 0:
    case 108:
        header = 4;
        break;
    case 113:
        header = 16;
        break;
    case 276:
        header = 20;
        break;
    default: /* 12, 14, 101, 228, 229: raw IP */
        break;
    }
    return f.len < header ? BYTES_NONE : bytes_of(f.data + header, f.len - header);
}

/* One block of pcapng. @return false at the end; *ip is empty for blocks that hold no packet */
static inline bool capture_block(struct capture *c, struct bytes *ip, bool *packet)
{
    uint32_t type, len, interface = 0, caplen, start;

    *packet = false;
    if (c->at + 12 > c->len)
        return false;
    if (load_be32(c->data + c->at) == 0x0a0d0d0a) {
        c->swapped = load_be32(c->data + c->at + 8) == 0x1a2b3c4d;
        c->interfaces = 0;
    }
    type = capture_u32(c, c->at);
    len = capture_u32(c, c->at + 4);
    if (len < 12 || len % 4 != 0 || len > c->len - c->at)
        return false;
    if (type == 1 && c->interfaces < 16)
        c->link[c->interfaces++] = capture_u16(c, c->at + 8);
    if ((type == 6 && len >= 32) || (type == 3 && len >= 16)) {
        interface = type == 6 ? capture_u32(c, c->at + 8) : 0;
        caplen = type == 6 ? capture_u32(c, c->at + 20) : len - 16;
        start = type == 6 ? 28 : 12;
        if (interface < c->interfaces && caplen <= len - start - 4) {
            *packet = true;
            *ip = capture_strip(c->link[interface], bytes_of(c->data + c->at + start, caplen));
        }
    }
    c->at += len;
    return true;
}

/** The next frame's network layer, empty if it is not IP. @return false at the end */
static inline bool capture_next(struct capture *c, struct bytes *ip)
{
    bool packet = false;

    *ip = BYTES_NONE;
    if (c->ng) {
        while (!packet && capture_block(c, ip, &packet))
            continue;
        c->frame += packet;
        return packet;
    }
    if (c->at + 16 <= c->len) {
        uint32_t caplen = capture_u32(c, c->at + 8);

        if (caplen > c->len - c->at - 16)
            return false;
        *ip = capture_strip(c->link[0], bytes_of(c->data + c->at + 16, caplen));
        c->at += 16 + (size_t)caplen;
        c->frame++;
        return true;
    }
    return false;
}

#endif
