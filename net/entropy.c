#include "net/entropy.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void entropy_fill(void *out, size_t len)
{
    uint8_t *at = out;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno != EINTR) {
            perror("ikelab-live: getrandom");
            abort();
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}
