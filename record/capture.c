#include "record/capture.h"
#include "base/assert.h"
#include "base/table.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    STATISTICS_SIZE = 64, /* room kept for one interface's closing block */
    NAME_SIZE = 96,       /* and for one address that is named late */
};

struct vantage {
    uint64_t seen, cut;
};

struct capture {
    struct pcapng file;
    struct capture_totals totals;
    struct vantage *vantages;
    uint32_t vantage_cap;
    struct pcapng_name *names; /* not written yet; each owns its text */
    size_t name_count, name_cap;
    struct table esp; /* interface << 32 | SPI to packets kept */
    enum err error;
};

static void section_begin(struct capture *c, const struct capture_options *o)
{
    char scenario[256], seed[64], commit[128];
    const char *crypto = strcmp(o->crypto, "modelled") == 0
                             ? "crypto: modelled, NOT SECURE; ESP and IKE do not decrypt"
                             : "crypto: real";
    const char *comments[] = {scenario, seed, commit, crypto};

    snprintf(scenario, sizeof scenario, "scenario: %s", o->scenario);
    snprintf(seed, sizeof seed, "seed: %" PRIu64, o->seed);
    snprintf(commit, sizeof commit, "commit: %s", o->commit);
    pcapng_init(&c->file, o->file, "Ikelab", comments, sizeof comments / sizeof *comments);
}

enum err capture_create(const struct capture_options *o, struct capture **out)
{
    struct capture *c = calloc(1, sizeof *c);

    *out = NULL;
    if (!c || table_init(&c->esp, 64) != OK) {
        free(c);
        return ERR_MEMORY;
    }
    c->totals.max_size = o->max_size;
    c->totals.esp_packets_per_sa = o->esp_packets_per_sa;
    section_begin(c, o);
    *out = c;
    return OK;
}

static void names_clear(struct capture *c)
{
    for (size_t i = 0; i < c->name_count; i++)
        free((char *)c->names[i].name);
    c->name_count = 0;
}

void capture_destroy(struct capture *c)
{
    if (!c)
        return;
    names_clear(c);
    free(c->names);
    free(c->vantages);
    table_reset(&c->esp);
    free(c);
}

uint32_t capture_interface(struct capture *c, const char *name, const char *description)
{
    if (c->file.interfaces == c->vantage_cap) {
        uint32_t cap = c->vantage_cap ? 2 * c->vantage_cap : 16;
        struct vantage *grown = realloc(c->vantages, cap * sizeof *grown);

        if (!grown) {
            c->error = ERR_MEMORY;
            return 0;
        }
        c->vantages = grown;
        c->vantage_cap = cap;
    }
    c->vantages[c->file.interfaces] = (struct vantage){0};
    c->totals.interfaces++;
    return pcapng_interface(&c->file, name, description);
}

void capture_name(struct capture *c, uint8_t family, const uint8_t *address, const char *name)
{
    struct pcapng_name *entry;

    if (c->name_count == c->name_cap) {
        size_t cap = c->name_cap ? 2 * c->name_cap : 16;
        struct pcapng_name *grown = realloc(c->names, cap * sizeof *grown);

        if (!grown) {
            c->error = ERR_MEMORY;
            return;
        }
        c->names = grown;
        c->name_cap = cap;
    }
    entry = &c->names[c->name_count];
    *entry = (struct pcapng_name){.family = family, .name = strdup(name)};
    memcpy(entry->address, address, family == 4 ? 4 : 16);
    if (!entry->name)
        c->error = ERR_MEMORY;
    else
        c->name_count++;
}

static void names_write(struct capture *c)
{
    pcapng_names(&c->file, c->names, c->name_count);
    names_clear(c);
}

/* Counts the packet against its SA; false if that SA has had its share. */
static bool sa_has_room(struct capture *c, const struct capture_packet *packet)
{
    uint64_t key = (uint64_t)packet->interface << 32 | packet->spi;
    uint32_t kept = 0;

    if (c->totals.esp_packets_per_sa == UINT32_MAX)
        return true;
    table_get(&c->esp, key, &kept);
    if (kept >= c->totals.esp_packets_per_sa)
        return false;
    if (table_put(&c->esp, key, kept + 1) != OK)
        c->error = ERR_MEMORY;
    return true;
}

static bool file_has_room(const struct capture *c, const struct pcapng_packet *packet)
{
    uint64_t tail = (uint64_t)STATISTICS_SIZE * c->file.interfaces + NAME_SIZE * c->name_count;

    return c->totals.max_size == 0 ||
           c->file.size + pcapng_packet_size(packet) + tail <= c->totals.max_size;
}

uint64_t capture_packet(struct capture *c, const struct capture_packet *packet)
{
    const struct pcapng_packet out = {
        .interface = packet->interface,
        .at = packet->at,
        .direction = packet->sent ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
        .data = packet->data,
        .comments = packet->comments,
        .comment_count = packet->comment_count,
    };

    if (c->error != OK)
        return 0;
    ASSERT(packet->interface < c->file.interfaces);
    c->vantages[packet->interface].seen++;
    if (!file_has_room(c, &out)) {
        c->totals.cut_by_size++;
        c->vantages[packet->interface].cut++;
        return 0;
    }
    if (packet->esp && !sa_has_room(c, packet)) {
        c->totals.cut_by_sa++;
        c->vantages[packet->interface].cut++;
        return 0;
    }
    names_write(c); /* before the packets, so that a reader of the stream has them in time */
    pcapng_packet(&c->file, &out);
    return c->file.packets;
}

void capture_pass(struct capture *c, uint32_t interface)
{
    ASSERT(interface < c->file.interfaces);
    c->vantages[interface].seen++;
    c->vantages[interface].cut++;
    c->totals.cut_by_sample++;
}

struct capture_totals capture_totals(const struct capture *c)
{
    struct capture_totals totals = c->totals;

    totals.frames = c->file.packets;
    totals.bytes = c->file.size;
    totals.cut_packets = totals.cut_by_sa + totals.cut_by_size + totals.cut_by_sample;
    return totals;
}

enum err capture_close(struct capture *c, nsec at)
{
    enum err e;

    names_write(c);
    for (uint32_t i = 0; c->error == OK && i < c->file.interfaces; i++)
        pcapng_statistics(&c->file, i, at, c->vantages[i].seen, c->vantages[i].cut);
    e = pcapng_finish(&c->file);
    return c->error != OK ? c->error : e;
}
