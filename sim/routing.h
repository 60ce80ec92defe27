/*
 * Who sends what where: the routes of routers, and of endpoints with several ports. A realm is what
 * is joined without crossing a NAT; only routers pass packets on within one. Where a realm is a
 * tree, each router has routes to what lies below it and one way up for the rest of the realm, so
 * that all routes together take as much as the tree is deep, not as there are routers.
 */
#ifndef SIM_ROUTING_H
#define SIM_ROUTING_H

#include "sim/lab.h"

/** After the links are made. */
enum err routing_routers(struct lab *) MUST_USE;
/** After the endpoints are made. */
enum err routing_endpoints(struct lab *) MUST_USE;

#endif
