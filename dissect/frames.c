#include "dissect/frames.h"

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
    pcap_t *pcap;
    const struct link_type *link;
    uint32_t frames;
};

static const struct link_type *find_link(int number)
{
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].number == number)
            return &links[i];
    return NULL;
}

enum err frames_open(FILE *file, struct frames **out, char why[FRAMES_WHY_MAX])
{
    char error[PCAP_ERRBUF_SIZE] = "";
    struct frames *c = calloc(1, sizeof *c);
    int link;

    *out = NULL;
    if (c)
        c->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!c || !c->pcap) {
        if (file != stdin)
            fclose(file);
        free(c);
        snprintf(why, FRAMES_WHY_MAX, "%s", error);
        return c ? ERR_IO : ERR_MEMORY;
    }
    link = pcap_datalink(c->pcap);
    c->link = find_link(link);
    if (!c->link) {
        const char *name = pcap_datalink_val_to_name(link);

        snprintf(why, FRAMES_WHY_MAX, "link type %s (%d)", name ? name : "without a name", link);
        frames_close(c);
        return ERR_UNSUPPORTED;
    }
    *out = c;
    return OK;
}

void frames_close(struct frames *c)
{
    if (!c)
        return;
    pcap_close(c->pcap);
    free(c);
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

enum err frames_next(struct frames *c, struct captured_frame *out, char why[FRAMES_WHY_MAX])
{
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int got = pcap_next_ex(c->pcap, &h, &data);

    *out = (struct captured_frame){0};
    if (got == PCAP_ERROR_BREAK)
        return ERR_NOT_FOUND;
    if (got != 1) {
        snprintf(why, FRAMES_WHY_MAX, "%s", pcap_geterr(c->pcap));
        return ERR_IO;
    }
    out->number = ++c->frames;
    out->at = (nsec)h->ts.tv_sec * NSEC_PER_S + (nsec)h->ts.tv_usec; /* nanoseconds, as asked */
    out->cut = h->caplen < h->len;
    out->ip = strip(c->link, bytes_of(data, h->caplen));
    return OK;
}
