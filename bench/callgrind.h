/* One dump of valgrind's callgrind: how many instructions, and how many of them in one program. */
#ifndef BENCH_CALLGRIND_H
#define BENCH_CALLGRIND_H

#include "base/err.h"

/**
 * @param program   path of the program whose own instructions are told from its libraries'
 * @param[out] own  executed in code of that program itself
 * @retval ERR_IO, ERR_SYNTAX  no such file, or not of this form
 */
enum err callgrind_read(const char *path, const char *program, double *all, double *own) MUST_USE;

#endif
