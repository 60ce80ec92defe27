/*
 * A strongSwan swanctl.conf made into a scenario: the host it describes, its peers, and a link
 * between them. What a scenario has no word for becomes a comment with its file, line and reason,
 * so that every setting of the input is accounted for. docs/import.md lists what becomes of which.
 */
#ifndef SIM_SWANCTL_IMPORT_H
#define SIM_SWANCTL_IMPORT_H

#include "record/text.h"

#include <stdbool.h>

enum swanctl_import_sizes {
    SWANCTL_CLIENTS = 10, /* road warriors unless told otherwise */
    SWANCTL_CLIENTS_MAX = 20000,
    SWANCTL_CONNECTIONS_MAX = 100,
};

struct swanctl_options {
    uint32_t clients;  /* road warriors of a connection, 1 to SWANCTL_CLIENTS_MAX */
    bool with_secrets; /* pre-shared keys are copied; else a test secret stands for them */
};

struct swanctl_summary {
    uint32_t connections;
    uint32_t carried, noted; /* settings; those carried with a change are in both */
};

/**
 * @param[out] out      the scenario; incomplete after an error
 * @param      errors   each error as FILE:LINE:COL: error: MESSAGE, the line and a caret
 * @retval ERR_USAGE    the file is wrong, or there is nothing in it to simulate
 * @retval ERR_IO, ERR_MEMORY
 */
enum err swanctl_import(const char *path, const struct swanctl_options *, struct text *out,
                        struct swanctl_summary *, FILE *errors) MUST_USE;
/** The same from memory, without the files it includes. */
enum err swanctl_import_text(const char *name, const char *text, size_t len,
                             const struct swanctl_options *, struct text *out,
                             struct swanctl_summary *, FILE *errors) MUST_USE;

#endif
