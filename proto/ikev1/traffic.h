/* The ID payloads of Quick Mode as selectors and back (RFC 2407 §4.6.2): one of each side. */
#ifndef PROTO_IKEV1_TRAFFIC_H
#define PROTO_IKEV1_TRAFFIC_H

#include "proto/ip/selector.h"
#include "proto/wire/v1_id.h"

enum { V1_TRAFFIC_ROOM = 32 };

/**
 * An address where it is one, a subnet where it is one, else a range.
 * @param[out] room  the data of `id` lie there
 * @retval ERR_UNSUPPORTED  ports are neither one nor all
 */
enum err v1_traffic_id(const struct selector *, uint8_t room[V1_TRAFFIC_ROOM],
                       struct v1_id *id) MUST_USE;
/** @retval ERR_TS  no address, subnet or range, or one that is none: a mask with holes, last before
 * first */
enum err v1_traffic_selector(const struct v1_id *, struct selector *out) MUST_USE;

#endif
