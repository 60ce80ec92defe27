/*
 * Where a result comes from: what was built, from which commit, by what, on which machine.
 * Settled at build time except for the processor and the libraries that are loaded.
 */
#ifndef RECORD_PROVENANCE_H
#define RECORD_PROVENANCE_H

#include <stdbool.h>

struct provenance {
    const char *version; /* "0.1.0" */
    const char *commit;  /* hex, "unknown" outside git */
    bool dirty;
    const char *compiler; /* "gcc 12.2.0" */
    const char *flags;
    const char *build_type;
    const char *kernel;
    const char *cpu;
    unsigned cores;              /* that are online */
    const char *packets_by;      /* what serves ESP of real crypto: crypto_packets_by() */
    const char *x25519_by;       /* what makes X25519 of real crypto: crypto_x25519_by() */
    const char *libraries[8][2]; /* name, version; ends with NULL; callers add what they link */
};

/** Constant for the life of the program. */
const struct provenance *provenance(void);

#endif
