/* Too little memory is said before a run starts. */
#ifndef CLI_MEMORY_CHECK_H
#define CLI_MEMORY_CHECK_H

#include "cli/scenario_options.h"

/**
 * Whether the run is expected to fit what this process may take. Said on standard error if not.
 * @return EXIT_DONE, EXIT_WRONG_USE; EXIT_FAILED: there is none even to look
 */
int memory_check(const struct scenario *, const struct scenario_options *);

#endif
