#include "proto/ikev1/traffic.h"

#include "proto/wire/v1_registry.h"

static size_t width(const struct selector *s)
{
    return s->first.family == 4 ? 4 : 16;
}

/* The mask of a subnet that these two addresses are the ends of. @return false: of none */
static bool mask_of(const uint8_t *first, const uint8_t *last, size_t len, uint8_t *mask)
{
    bool host = false; /* behind the prefix */

    for (size_t bit = 0; bit < 8 * len; bit++) {
        unsigned shift = 7 - bit % 8;
        bool low = first[bit / 8] >> shift & 1, high = last[bit / 8] >> shift & 1;

        if (bit % 8 == 0)
            mask[bit / 8] = 0;
        host |= low != high;
        if (host && (low || !high))
            return false;
        mask[bit / 8] |= (uint8_t)(!host << shift);
    }
    return true;
}

enum err v1_traffic_id(const struct selector *s, uint8_t room[V1_TRAFFIC_ROOM], struct v1_id *id)
{
    bool v4 = s->first.family == 4, any = s->port_first == 0 && s->port_last == 65535;
    size_t len = width(s);

    if (!any && s->port_first != s->port_last)
        return ERR_UNSUPPORTED;
    *id = (struct v1_id){.protocol = s->protocol, .port = any ? 0 : s->port_first};
    memcpy(room, s->first.bytes, len);
    if (ip_addr_equal(&s->first, &s->last)) {
        id->type = v4 ? V1_ID_IPV4_ADDR : V1_ID_IPV6_ADDR;
        id->data = bytes_of(room, len);
        return OK;
    }
    id->type = v4 ? V1_ID_IPV4_ADDR_SUBNET : V1_ID_IPV6_ADDR_SUBNET;
    if (!mask_of(s->first.bytes, s->last.bytes, len, room + len)) {
        id->type = v4 ? V1_ID_IPV4_ADDR_RANGE : V1_ID_IPV6_ADDR_RANGE;
        memcpy(room + len, s->last.bytes, len);
    }
    id->data = bytes_of(room, 2 * len);
    return OK;
}

static struct ip_addr address(uint8_t family, const uint8_t *bytes)
{
    struct ip_addr a = {.family = family};

    memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
    return a;
}

/* Both ends of a subnet. @return false: the mask has holes, or the address bits behind it */
static bool subnet_ends(struct selector *s, const uint8_t *mask, size_t len)
{
    bool host = false;

    for (size_t bit = 0; bit < 8 * len; bit++) {
        unsigned shift = 7 - bit % 8;
        bool set = mask[bit / 8] >> shift & 1;

        if (host && set)
            return false;
        host |= !set;
        if (host && (s->first.bytes[bit / 8] >> shift & 1))
            return false;
        if (host)
            s->last.bytes[bit / 8] |= (uint8_t)(1u << shift);
    }
    return true;
}

enum err v1_traffic_selector(const struct v1_id *id, struct selector *out)
{
    bool v4 = id->type == V1_ID_IPV4_ADDR || id->type == V1_ID_IPV4_ADDR_SUBNET ||
              id->type == V1_ID_IPV4_ADDR_RANGE;
    size_t len = v4 ? 4 : 16;
    struct selector s = {.protocol = id->protocol, .port_last = 65535};

    if (id->port != 0)
        s.port_first = s.port_last = id->port;
    switch (id->type) {
    case V1_ID_IPV4_ADDR:
    case V1_ID_IPV6_ADDR:
        s.first = s.last = address(v4 ? 4 : 6, id->data.data);
        break;
    case V1_ID_IPV4_ADDR_SUBNET:
    case V1_ID_IPV6_ADDR_SUBNET:
        s.first = s.last = address(v4 ? 4 : 6, id->data.data);
        if (!subnet_ends(&s, id->data.data + len, len))
            return ERR_TS;
        break;
    case V1_ID_IPV4_ADDR_RANGE:
    case V1_ID_IPV6_ADDR_RANGE:
        s.first = address(v4 ? 4 : 6, id->data.data);
        s.last = address(v4 ? 4 : 6, id->data.data + len);
        break;
    default:
        return ERR_TS;
    }
    if (!selector_valid(&s))
        return ERR_TS;
    *out = s;
    return OK;
}
