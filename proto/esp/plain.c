#include "proto/esp/plain.h"

#include "proto/ip/packet.h"

/* Whether `more` can be added below both limits. */
static bool far(uint64_t used, uint64_t more, uint64_t soft, uint64_t hard)
{
    uint64_t limit = soft < hard ? soft : hard;

    return used < limit && limit - used > more;
}

bool esp_sends_plainly(const struct esp *esp, struct esp_user user, struct bytes packet,
                       uint32_t *used)
{
    const struct esp_traffic *t;
    const struct esp_limits *limits;
    const struct esp_sa *sa;
    struct flow flow;
    size_t total;

    if (flow_read(packet, &flow, &total) != OK ||
        spd_lookup(&esp->spd, user.scope, &flow, NULL, used) != OK)
        return false;
    sa = sad_at(&esp->sad, *used);
    if (!sa || !sa->installed)
        return false;
    limits = &sad_kind(&esp->sad, sa)->limits;
    t = sad_traffic(&esp->sad, sa);
    /* RFC 4303 §3.3.3: the sequence numbers are a limit, too. */
    return far(t->seq_out, ESP_PLAIN_MAX, limits->soft_packets, limits->hard_packets) &&
           far(t->seq_out, ESP_PLAIN_MAX, sa->esn ? UINT64_MAX : UINT32_MAX, UINT64_MAX) &&
           far(t->bytes_out, (uint64_t)ESP_PLAIN_MAX * IP_PACKET_MAX, limits->soft_bytes,
               limits->hard_bytes);
}

bool esp_takes_plainly(const struct esp *esp, struct esp_user user, struct bytes packet,
                       uint32_t *used)
{
    const struct esp_traffic *t;
    const struct esp_limits *limits;
    const struct esp_sa *sa;

    if (packet.len < ESP_HEADER_LEN)
        return false;
    sa = sad_find(&esp->sad, user.scope, load_be32(packet.data), used);
    if (!sa)
        return false;
    limits = &sad_kind(&esp->sad, sa)->limits;
    t = sad_traffic(&esp->sad, sa);
    return far(t->packets_in, ESP_PLAIN_MAX, limits->soft_packets, limits->hard_packets) &&
           far(t->bytes_in, (uint64_t)ESP_PLAIN_MAX * IP_PACKET_MAX, limits->soft_bytes,
               limits->hard_bytes);
}
