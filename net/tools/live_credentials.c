#include "net/tools/live_credentials.h"

enum { KEY_CERT = 512, KEY_KEY, KEY_CA, KEY_CRL, KEY_PEER_KEY, KEY_SIGNATURE, KEY_OLDER, KEY_NULL };

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Credentials, besides or instead of --psk-file (PEM or DER):", 1},
    {"cert", KEY_CERT, "FILE", 0, "our certificate, then intermediates; --local-id defaults to it",
     1},
    {"key", KEY_KEY, "FILE", 0, "our private key; without --cert shown as a raw key (RFC 7670)", 1},
    {"ca", KEY_CA, "FILE", 0, "authorities: peers with a certificate of theirs are believed", 1},
    {"crl", KEY_CRL, "FILE", 0, "revoked certificates of theirs", 1},
    {"peer-key", KEY_PEER_KEY, "FILE", 0, "public keys of peers that show a raw key", 1},
    {"signature", KEY_SIGNATURE, "NAME", 0,
     "how to sign, such as rsa/pss-sha256 (default: the first that key and peer can do)", 1},
    {"older-signatures", KEY_OLDER, NULL, 0, "methods 1 and 9-11, as if there were no RFC 7427", 1},
    {"null-auth", KEY_NULL, NULL, 0,
     "believe a peer that proves nothing (RFC 7619), prove nothing without a credential", 1},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct credential_files *files = state->input;

    switch (key) {
    case KEY_CERT:
        files->cert = value;
        return 0;
    case KEY_KEY:
        files->key = value;
        return 0;
    case KEY_CA:
        files->ca = value;
        return 0;
    case KEY_CRL:
        files->crl = value;
        return 0;
    case KEY_PEER_KEY:
        files->peer_key = value;
        return 0;
    case KEY_SIGNATURE:
        files->signature = value;
        return 0;
    case KEY_OLDER:
        files->older_methods = true;
        return 0;
    case KEY_NULL:
        files->null = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp live_credentials_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
