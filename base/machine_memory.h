/*
 * How much memory this process may still take: the least of what the machine has (MemAvailable),
 * of what its control groups leave (version 2 and version 1, all the way up), and of what is left
 * of its address space (RLIMIT_AS).
 */
#ifndef BASE_MACHINE_MEMORY_H
#define BASE_MACHINE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct machine_memory {
    uint64_t resident_bytes; /* UINT64_MAX: not known */
    const char *resident_of; /* "available on this machine", or what else they are: for a message */
    uint64_t address_bytes;  /* UINT64_MAX: no limit */
};

/** @param root  "" for this machine; tests put /proc and /sys below a folder of their own */
void machine_memory_read(const char *root, struct machine_memory *out);

/** What this process takes. */
struct process_memory {
    uint64_t resident_peak; /* since it began this program, unlike what getrusage tells */
    uint64_t address_peak;
    uint64_t file_bytes; /* resident now, and part of a file: the program and its libraries */
};

/** @return false where /proc does not tell */
bool process_memory_read(struct process_memory *out);

#endif
