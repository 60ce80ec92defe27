/*
 * The users of a simulation, TEST CREDENTIALS: names and passwords by which IKEv1 gateways know who
 * calls them (`ike.xauth`). A gateway expects the names of all members of the groups that call it,
 * with a password of its own configuration, so that a group with another one is refused.
 */
#ifndef SIM_USERS_H
#define SIM_USERS_H

#include "sim/scenario.h"

struct users;

/** Of all gateways with XAUTH. @param[out] out  NULL where there is none @retval ERR_MEMORY */
enum err users_create(const struct scenario *, struct users **out) MUST_USE;
void users_destroy(struct users *);

/** Room for what a member says of itself. */
struct own_user {
    struct identity name;
    struct xauth_user user;
};

/** What this member is in XAUTH, where its group has it; `own` is there as long as the
 * configuration. */
void users_give(const struct users *, const struct scenario *, uint32_t group, uint32_t member,
                struct own_user *own, struct xauth_config *);

#endif
