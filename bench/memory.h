/*
 * What the family `memory` compares with: the bytes that RFC 7296 and RFC 4301/4303 oblige an end
 * to remember of an SA, with X25519, PRF_HMAC_SHA2_256, ENCR_AES_GCM_16 (256 bit), a pre-shared
 * key, IPv4, one selector a side and a replay window of 128 packets. Packed without a gap; no
 * table, no timer, no pointer; what is configured for all SAs alike is not counted.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum memory_state {
    MEMORY_HALF_OPEN,   /* the responder alone, IKE_SA_INIT answered */
    MEMORY_ESTABLISHED, /* both ends; the responder keeps its IKE_AUTH response */
    MEMORY_IDLE,        /* both ends; it keeps that of a liveness check */
    MEMORY_THROUGH_NAT, /* idle, and a NAT box with links to both ends; nothing is obliged for it */
    MEMORY_SIMULATED,   /* both ends in a run: a star. Nothing is obliged for the network, */
    MEMORY_BEHIND_NAT,  /* nor for a NAT box before each client */
    MEMORY_STATES,
};

double memory_obliged(enum memory_state);

/** Resident bytes of this process less what is mapped from files, or the code that runs for the
 * first time would count. 0: /proc does not tell. */
uint64_t memory_resident(void);
/**
 * A NAT box before each client, with its links, while its tunnel's mappings are there.
 * @param[out] bytes  by what the process grew
 */
enum err memory_nat(uint32_t tunnels, uint64_t *bytes) MUST_USE;
/**
 * Run a world of clients and one gateway to its end, through the entry of every run. Modelled
 * cryptography, no capture; all tunnels are up and idle.
 * @param behind_nat  a NAT box before each client
 * @param[out] bytes  what set-up and loop left resident, when the loop has just ended
 * @retval ERR_STATE  not every tunnel came up, or pages were taken away
 */
enum err memory_world(bool behind_nat, uint32_t tunnels, uint64_t *bytes) MUST_USE;

#endif
