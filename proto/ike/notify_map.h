/*
 * What we tell the peer about an error, and what we make of an error Notify of the peer:
 * RFC 7296 §2.21, §3.10.1. The one place where the two number spaces meet.
 */
#ifndef PROTO_IKE_NOTIFY_MAP_H
#define PROTO_IKE_NOTIFY_MAP_H

#include "base/err.h"
#include "proto/core/event.h"
#include "proto/wire/registry.h"

/** The Notify for an error inside an authenticated exchange. */
enum notify_type notify_for(enum err);
/** The reason to give when the peer sent this error. */
enum sa_reason reason_for(uint16_t notify);
/** The reason to give when we failed ourselves. */
enum sa_reason reason_for_error(enum err);

#endif
