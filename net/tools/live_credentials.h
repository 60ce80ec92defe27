/* The words of `ikelab-live` about credentials, as an argp parser that others take as a child. */
#ifndef NET_TOOLS_LIVE_CREDENTIALS_H
#define NET_TOOLS_LIVE_CREDENTIALS_H

#include "net/credentials.h"

#include <argp.h>

/** Its input is a struct credential_files. */
extern const struct argp live_credentials_argp;

#endif
