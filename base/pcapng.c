#include "base/pcapng.h"
#include "base/assert.h"

#include <string.h>

/* Block types and option codes of the draft, §4. */
enum {
    BLOCK_SECTION = 0x0A0D0D0A,
    BLOCK_INTERFACE = 1,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BYTE_ORDER = 0x1A2B3C4D,
    OPT_END = 0,
    OPT_COMMENT = 1,
    SHB_USERAPPL = 4,
    IF_NAME = 2,
    IF_DESCRIPTION = 3,
    IF_TSRESOL = 9,
    EPB_FLAGS = 2,
    ISB_IFRECV = 4,
    ISB_IFDROP = 5,
    NAMES_END = 0,
    NAMES_IPV4 = 1,
    NAMES_IPV6 = 2,
    LINKTYPE_RAW = 101,
    BLOCK_FRAME = 12, /* type and two lengths */
    PACKET_FIXED = 20,
    FLAGS_OPTION = 8,
    WORDS_MAX = 7,         /* of a packet block before its data */
    TEXT_MAX = 0xffff - 3, /* a padded option or record must fit its 16-bit length */
};

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static size_t text_len(const char *text)
{
    size_t len = strlen(text);

    return len < TEXT_MAX ? len : TEXT_MAX;
}

static size_t option_size(const char *text)
{
    return 4 + padded(text_len(text));
}

static size_t comments_size(const char *const *comments, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += option_size(comments[i]);
    return size;
}

static void put(struct pcapng *p, const void *data, size_t len)
{
    if (p->error != OK || len == 0)
        return;
    if (fwrite(data, 1, len, p->file) != len)
        p->error = ERR_IO;
    p->size += len;
}

static void put_u16(struct pcapng *p, uint32_t v)
{
    put(p, (const uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}

static void store_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

static void put_u32(struct pcapng *p, uint32_t v)
{
    uint8_t octets[4];

    store_u32(octets, v);
    put(p, octets, sizeof octets);
}

/* Behind `zeros` (0 to 3) octets of padding, in one piece: a packet is three writes, not thirty. */
static void put_words(struct pcapng *p, const uint32_t *words, size_t count, size_t zeros)
{
    uint8_t octets[4 + 4 * WORDS_MAX] = {0};

    ASSERT(count <= WORDS_MAX && zeros < 4);
    for (size_t i = 0; i < count; i++)
        store_u32(octets + zeros + 4 * i, words[i]);
    put(p, octets, zeros + 4 * count);
}

static void put_u64(struct pcapng *p, uint64_t v)
{
    put_u32(p, (uint32_t)v);
    put_u32(p, (uint32_t)(v >> 32));
}

static void put_padded(struct pcapng *p, const void *data, size_t len)
{
    static const uint8_t zeros[4];

    put(p, data, len);
    put(p, zeros, padded(len) - len);
}

static void put_option(struct pcapng *p, uint32_t code, const void *data, size_t len)
{
    put_u16(p, code);
    put_u16(p, (uint32_t)len);
    put_padded(p, data, len);
}

static void put_comments(struct pcapng *p, const char *const *comments, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_option(p, OPT_COMMENT, comments[i], text_len(comments[i]));
}

static void put_end_of_options(struct pcapng *p)
{
    put_option(p, OPT_END, NULL, 0);
}

/* A block carries its length in front and behind. */
static void block_begin(struct pcapng *p, uint32_t type, size_t body)
{
    put_u32(p, type);
    put_u32(p, (uint32_t)(body + BLOCK_FRAME));
}

static void block_end(struct pcapng *p, size_t body)
{
    put_u32(p, (uint32_t)(body + BLOCK_FRAME));
}

void pcapng_init(struct pcapng *p, FILE *file, const char *application, const char *const *comments,
                 size_t count)
{
    size_t body = 16 + comments_size(comments, count) + option_size(application) + 4;

    *p = (struct pcapng){.file = file};
    block_begin(p, BLOCK_SECTION, body);
    put_u32(p, BYTE_ORDER);
    put_u16(p, 1); /* version 1.0 */
    put_u16(p, 0);
    put_u64(p, UINT64_MAX); /* section length is not given */
    put_comments(p, comments, count);
    put_option(p, SHB_USERAPPL, application, text_len(application));
    put_end_of_options(p);
    block_end(p, body);
}

uint32_t pcapng_interface(struct pcapng *p, const char *name, const char *description)
{
    const uint8_t nanoseconds = 9;
    size_t body = 8 + option_size(name) + option_size(description) + 8 + 4;

    block_begin(p, BLOCK_INTERFACE, body);
    put_u16(p, LINKTYPE_RAW);
    put_u16(p, 0);
    put_u32(p, 0); /* no snap length: packets are whole */
    put_option(p, IF_NAME, name, text_len(name));
    put_option(p, IF_DESCRIPTION, description, text_len(description));
    put_option(p, IF_TSRESOL, &nanoseconds, 1);
    put_end_of_options(p);
    block_end(p, body);
    return p->interfaces++;
}

static size_t name_address_len(const struct pcapng_name *name)
{
    ASSERT(name->family == 4 || name->family == 6);
    return name->family == 4 ? 4 : 16;
}

void pcapng_names(struct pcapng *p, const struct pcapng_name *names, size_t count)
{
    static const uint8_t nul;
    size_t body = 4 + 4; /* end of records, end of options */

    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        body += 4 + padded(name_address_len(&names[i]) + text_len(names[i].name) + 1);
    block_begin(p, BLOCK_NAMES, body);
    for (size_t i = 0; i < count; i++) {
        size_t address = name_address_len(&names[i]), text = text_len(names[i].name);

        put_u16(p, names[i].family == 4 ? NAMES_IPV4 : NAMES_IPV6);
        put_u16(p, (uint32_t)(address + text + 1));
        put(p, names[i].address, address); /* addresses keep what follows aligned to 4 */
        put(p, names[i].name, text);
        for (size_t pad = text; pad < padded(text + 1); pad++)
            put(p, &nul, 1);
    }
    put_option(p, NAMES_END, NULL, 0);
    put_end_of_options(p);
    block_end(p, body);
}

static size_t packet_body(const struct pcapng_packet *packet)
{
    return PACKET_FIXED + padded(packet->data.len) +
           comments_size(packet->comments, packet->comment_count) + FLAGS_OPTION + 4;
}

size_t pcapng_packet_size(const struct pcapng_packet *packet)
{
    return packet_body(packet) + BLOCK_FRAME;
}

void pcapng_packet(struct pcapng *p, const struct pcapng_packet *packet)
{
    size_t body = packet_body(packet), pad = padded(packet->data.len) - packet->data.len;
    const uint32_t head[] = {BLOCK_PACKET,
                             (uint32_t)(body + BLOCK_FRAME),
                             packet->interface,
                             (uint32_t)(packet->at >> 32),
                             (uint32_t)packet->at,
                             (uint32_t)packet->data.len,
                             (uint32_t)packet->data.len};
    /* The flags option, the end of options, and the length once more. */
    const uint32_t tail[] = {EPB_FLAGS | 4u << 16, packet->direction, OPT_END,
                             (uint32_t)(body + BLOCK_FRAME)};

    ASSERT(packet->interface < p->interfaces);
    put_words(p, head, sizeof head / sizeof *head, 0);
    put(p, packet->data.data, packet->data.len);
    if (packet->comment_count == 0) {
        put_words(p, tail, sizeof tail / sizeof *tail, pad);
    } else {
        put_words(p, NULL, 0, pad);
        put_comments(p, packet->comments, packet->comment_count);
        put_words(p, tail, sizeof tail / sizeof *tail, 0);
    }
    p->packets++;
}

static void put_option_u64(struct pcapng *p, uint32_t code, uint64_t v)
{
    put_u16(p, code);
    put_u16(p, 8);
    put_u64(p, v);
}

void pcapng_statistics(struct pcapng *p, uint32_t interface, nsec at, uint64_t seen, uint64_t cut)
{
    size_t body = 12 + 12 + 12 + 4;

    ASSERT(interface < p->interfaces);
    block_begin(p, BLOCK_STATISTICS, body);
    put_u32(p, interface);
    put_u32(p, (uint32_t)(at >> 32));
    put_u32(p, (uint32_t)at);
    put_option_u64(p, ISB_IFRECV, seen);
    put_option_u64(p, ISB_IFDROP, cut);
    put_end_of_options(p);
    block_end(p, body);
}

enum err pcapng_finish(struct pcapng *p)
{
    if (p->error == OK && (fflush(p->file) != 0 || ferror(p->file)))
        p->error = ERR_IO;
    return p->error;
}
