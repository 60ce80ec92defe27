/* The words of `ikelab-live` about users and addresses inside (XAUTH and Mode-Config of IKEv1), as
 * an argp parser that others take as a child. */
#ifndef NET_TOOLS_LIVE_USER_OPTIONS_H
#define NET_TOOLS_LIVE_USER_OPTIONS_H

#include "proto/core/config.h"

#include <argp.h>

/** What was given; options of 0 were not. */
struct live_user_words {
    struct xauth_user own;
    char *secret; /* the line that our password is in */
    char **lines; /* those that everybody is in */
    struct xauth_user *everybody;
    size_t count;
    bool ask_address;
    struct ip_prefix pool;
    struct ip_addr dns;
    bool push;
};

/** Its input is a struct live_user_words. */
extern const struct argp live_user_argp;

/** Check the words against each other and the rest of `c`, and make its part of them. Ends the
 * program with a message and exit code 2. */
void live_user_words_finish(struct argp_state *, const struct live_user_words *,
                            struct ike_config *c);
/** Wipes and frees what was read. */
void live_user_words_reset(struct live_user_words *);

#endif
