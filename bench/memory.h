/*
 * What the family `memory` compares with: the bytes that RFC 7296 and RFC 4301/4303 oblige an end
 * to remember of an SA, with X25519, PRF_HMAC_SHA2_256, ENCR_AES_GCM_16 (256 bit), a pre-shared
 * key, IPv4, one selector a side and a replay window of 128 packets. Packed without a gap; no
 * table, no timer, no pointer; what is configured for all SAs alike is not counted.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

enum memory_state {
    MEMORY_HALF_OPEN,   /* the responder alone, IKE_SA_INIT answered */
    MEMORY_ESTABLISHED, /* both ends; the responder keeps its IKE_AUTH response */
    MEMORY_IDLE,        /* both ends; it keeps that of a liveness check */
};

double memory_obliged(enum memory_state);

#endif
