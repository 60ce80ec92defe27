#include "crypto/engine.h"

#include "crypto/multibuffer.h"
#include "crypto/openssl_headers.h"
#include "crypto/x25519.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *name;
} engines[] = {
    [CRYPTO_OPENSSL] = {"openssl", ""},     [CRYPTO_SSE] = {"sse", "SSE"},
    [CRYPTO_AVX] = {"avx", "AVX"},          [CRYPTO_AVX2] = {"avx2", "AVX2"},
    [CRYPTO_AVX512] = {"avx512", "AVX512"}, [CRYPTO_VAES] = {"vaes", "AVX512 with VAES"},
};

static enum crypto_engine most = CRYPTO_VAES;
static const char *wrong;
static pthread_once_t read_once = PTHREAD_ONCE_INIT;

static void read_variable(void)
{
    const char *given = getenv(CRYPTO_ENGINE_VARIABLE);

    if (!given || !*given)
        return;
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(given, engines[i].word) == 0) {
            most = (enum crypto_engine)i;
            return;
        }
    wrong = given;
}

enum crypto_engine crypto_engine_limited(enum crypto_engine engine)
{
    pthread_once(&read_once, read_variable);
    return engine < most ? engine : most;
}

const char *crypto_engine_wrong(void)
{
    pthread_once(&read_once, read_variable);
    return wrong;
}

/* ---- for people ---- */

static char packets_by[64], x25519_by[64];
static pthread_once_t name_once = PTHREAD_ONCE_INIT;

static void name(void)
{
    enum crypto_engine best = crypto_engine_limited(multibuffer_best());
    char library[32];

    snprintf(library, sizeof library, "OpenSSL %s", OpenSSL_version(OPENSSL_VERSION_STRING));
    if (best == CRYPTO_OPENSSL)
        snprintf(packets_by, sizeof packets_by, "%s", library);
    else
        snprintf(packets_by, sizeof packets_by, "libipsec-mb %s, %s", multibuffer_version(),
                 engines[best].name);
    snprintf(x25519_by, sizeof x25519_by, "%s",
             x25519_here() ? "crypto/x25519, AVX512-IFMA" : library);
}

const char *crypto_packets_by(void)
{
    pthread_once(&name_once, name);
    return packets_by;
}

const char *crypto_x25519_by(void)
{
    pthread_once(&name_once, name);
    return x25519_by;
}
