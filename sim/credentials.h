/*
 * TEST CREDENTIALS OF A SIMULATION: the key pairs, certificates, raw keys and authorities of the
 * groups that sign, made when a run begins from (seed, name of the group, member), so that a node
 * more changes nobody else's. Anyone who has the scenario can make them again; nothing is written
 * to disk. Real with both crypto providers. One object for the whole lab; endpoints borrow.
 */
#ifndef SIM_CREDENTIALS_H
#define SIM_CREDENTIALS_H

#include "crypto/provider.h"
#include "sim/scenario.h"

struct credentials;

/**
 * Make what the scenario's groups need.
 * @param      c    loads the keys; must outlive the credentials. Its meter is ticked.
 * @param[out] out  NULL when nobody signs, and on error
 * @retval ERR_MEMORY, ERR_CRYPTO (the library refused to make one)
 */
enum err credentials_create(const struct scenario *, struct crypto *c,
                            struct credentials **out) MUST_USE;
/** NULL is allowed. Private keys are wiped. */
void credentials_destroy(struct credentials *);
/** Put a member's key and certificates, and whom it believes, into its configuration: borrowed. */
void credentials_give(const struct credentials *, uint32_t group, uint32_t member,
                      struct auth_config *);

/** About how many bytes credentials and the messages with them take, from the words alone. */
uint64_t credentials_estimate(const struct scenario *);

#endif
