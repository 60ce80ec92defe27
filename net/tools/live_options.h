/* The words of `ikelab-live initiate` and `ikelab-live respond`, made into live_options. */
#ifndef NET_TOOLS_LIVE_OPTIONS_H
#define NET_TOOLS_LIVE_OPTIONS_H

#include "net/credentials.h"
#include "net/live.h"
#include "net/tools/live_user_options.h"

struct live_words {
    struct live_options live; /* without crypto */
    struct credential_files files;
    struct live_user_words users;
    const char *ike, *esp; /* proposals as given, comma-separated */
    const char *folder;    /* NULL: none */
    bool export_keys;      /* into it */
    bool json;
};

/** Ends the program with a message and exit code 2 when something is wrong. */
void live_words_read(int argc, char **argv, bool respond, struct live_words *out);

#endif
