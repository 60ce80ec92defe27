/*
 * Credentials from files, as an endpoint takes them (proto/core/credential.h). For tests with real
 * peers: nothing here keeps a key safer than the file it came from.
 */
#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include "proto/core/config.h"

enum credentials_sizes { CREDENTIALS_WHY = 256 };

/** PEM or DER; NULL: none. */
struct credential_files {
    const char *cert;      /* ours, then intermediates */
    const char *key;       /* ours; without `cert` it is shown as a raw key (RFC 7670) */
    const char *ca;        /* whom we trust: one or more */
    const char *crl;       /* one or more; a certificate in them is refused */
    const char *peer_key;  /* public keys of peers that show raw keys */
    const char *signature; /* name of a sign suite, NULL: the first that fits */
    bool older_methods;    /* no RFC 7427 */
    bool null;             /* prove nothing if there is nothing else, believe who proves nothing */
};

struct credentials; /* what was read; a configuration points into it */

/**
 * Fill config->auth, and config->id from the certificate if it is empty. The shared key of the
 * configuration, if it has one, is accepted, and shown where there is no other credential.
 * On error config->auth is empty.
 * @param[out] out  credentials_free, before the provider goes; NULL on error
 * @param[out] why  on error, a sentence that names the file
 * @retval ERR_USAGE  the files are not what they should be
 * @retval ERR_MEMORY
 */
enum err credentials_load(struct crypto *, const struct credential_files *, struct ike_config *,
                          struct credentials **out, char why[CREDENTIALS_WHY]) MUST_USE;
void credentials_free(struct credentials *);

#endif
