#include "dissect/frames.h"

#include "dissect/pcapng_read.h"

#include <pcap/pcap.h>
#include <stdlib.h>

enum ether_type {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_PROVIDER_VLAN = 0x88a8, /* IEEE 802.1ad */
    ETHER_OLD_VLAN = 0x9100,      /* the outer tag before there was a standard */
};

/* Headers of a fixed length; `type_at` is where the EtherType lies, -1 if there is none. */
static const struct link_type {
    int number;
    size_t header;
    int type_at;
} links[] = {
    {DLT_NULL, 4, -1}, {DLT_LOOP, 4, -1}, {DLT_EN10MB, 14, 12},    {DLT_RAW, 0, -1},
    {DLT_IPV4, 0, -1}, {DLT_IPV6, 0, -1}, {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0},
};

struct frames {
    pcap_t *pcap; /* one of these two */
    struct pcapng_reader *pcapng;
    const struct link_type *link; /* of a pcap file: one for all frames */
    uint32_t count;
};

static const struct link_type *find_link(int number)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].number == number)
            return &links[i];
    return NULL;
}

static enum err unknown_link(int number, char why[FRAMES_WHY_MAX])
{
    const char *name = pcap_datalink_val_to_name(number);

    snprintf(why, FRAMES_WHY_MAX, "link type %s (%d)", name ? name : "without a name", number);
    return ERR_UNSUPPORTED;
}

static enum err open_pcap(struct frames *f, FILE *file, char why[FRAMES_WHY_MAX])
{
    char error[PCAP_ERRBUF_SIZE] = "";

    f->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!f->pcap) {
        if (file != stdin)
            fclose(file);
        snprintf(why, FRAMES_WHY_MAX, "%s", error);
        return ERR_IO;
    }
    f->link = find_link(pcap_datalink(f->pcap));
    return f->link ? OK : unknown_link(pcap_datalink(f->pcap), why);
}

/* A pcapng file begins with a line feed, a pcap file does not. */
static bool is_pcapng(FILE *file)
{
    int c = getc(file);

    ungetc(c, file);
    return c == '\n';
}

enum err frames_open(FILE *file, struct frames **out, char why[FRAMES_WHY_MAX])
{
    struct frames *f = calloc(1, sizeof *f);
    enum err e = OK;

    *out = NULL;
    if (!f) {
        if (file != stdin)
            fclose(file);
        return ERR_MEMORY;
    }
    if (!is_pcapng(file))
        e = open_pcap(f, file, why);
    else if (!(f->pcapng = pcapng_reader_create(file)))
        e = ERR_MEMORY;
    if (e == OK)
        *out = f;
    else
        frames_close(f);
    return e;
}

void frames_close(struct frames *f)
{
    if (!f)
        return;
    if (f->pcap)
        pcap_close(f->pcap);
    pcapng_reader_destroy(f->pcapng);
    free(f);
}

static bool is_tag(uint16_t type)
{
    return type == ETHER_VLAN || type == ETHER_PROVIDER_VLAN || type == ETHER_OLD_VLAN;
}

/* The network layer; empty if it is not IP. */
static struct bytes strip(const struct link_type *link, struct bytes frame)
{
    size_t header = link->header;
    uint16_t type;

    if (frame.len <= header)
        return BYTES_NONE;
    if (link->type_at >= 0) {
        type = load_be16(frame.data + link->type_at);
        for (; is_tag(type) && frame.len > header + 4; header += 4)
            type = load_be16(frame.data + header + 2);
        if (type != ETHER_IPV4 && type != ETHER_IPV6)
            return BYTES_NONE;
    }
    return bytes_of(frame.data + header, frame.len - header);
}

static enum err next_pcap(struct frames *f, struct captured_frame *out, char why[FRAMES_WHY_MAX])
{
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int got = pcap_next_ex(f->pcap, &h, &data);

    if (got == PCAP_ERROR_BREAK)
        return ERR_NOT_FOUND;
    if (got != 1) {
        snprintf(why, FRAMES_WHY_MAX, "%s", pcap_geterr(f->pcap));
        return ERR_IO;
    }
    out->timed = true;
    out->at = (nsec)h->ts.tv_sec * NSEC_PER_S + (nsec)h->ts.tv_usec; /* nanoseconds, as asked */
    out->cut = h->caplen < h->len;
    out->ip = strip(f->link, bytes_of(data, h->caplen));
    return OK;
}

/* LINKTYPE_ and DLT_ numbers differ for raw IP, and for nothing else that is taken here. */
static int dlt_of(uint16_t link)
{
    enum { LINKTYPE_RAW = 101 };

    return link == LINKTYPE_RAW ? DLT_RAW : link;
}

static enum err next_pcapng(struct frames *f, struct captured_frame *out, char why[FRAMES_WHY_MAX])
{
    const struct link_type *link;
    struct pcapng_frame p;
    const char *text = "";
    enum err e = pcapng_reader_next(f->pcapng, &p, &text);

    if (e != OK) {
        snprintf(why, FRAMES_WHY_MAX, "%s", text);
        return e;
    }
    link = find_link(dlt_of(p.link));
    if (!link)
        return unknown_link(dlt_of(p.link), why);
    out->interface = p.interface;
    out->interface_name = p.name;
    out->timed = p.timed;
    out->at = p.at;
    out->cut = p.cut;
    out->ip = strip(link, p.data);
    return OK;
}

enum err frames_next(struct frames *f, struct captured_frame *out, char why[FRAMES_WHY_MAX])
{
    enum err e;

    *out = (struct captured_frame){0};
    e = f->pcap ? next_pcap(f, out, why) : next_pcapng(f, out, why);
    if (e == OK)
        out->number = ++f->count;
    return e;
}
