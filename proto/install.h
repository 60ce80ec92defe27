/* Private to proto/install: how a version puts a tunnel in place at both ends. */
#ifndef PROTO_INSTALL_H
#define PROTO_INSTALL_H

#include "proto/endpoint.h"

/** ike_install for an initiator that calls with IKEv1; `agreed` and `secret` are not used. */
enum err install_v1(const struct ike_installation *, nsec now, struct sa_ref *out,
                    enum sa_reason *why) MUST_USE;

#endif
