/*
 * Keys of captured SAs: keys.jsonl for the report, and a Wireshark profile in which
 * capture.pcapng opens decrypted. Formula names are those of RFC 7296 §2.14 and §2.17. Views in
 * the records are copied as text at once; what is buffered is wiped when given back.
 *
 * Lines of keys.jsonl: {"t_ns","node","sa","kind":"ike","spi_i","spi_r","encr","integ","prf",
 * "keys":{"SKEYSEED","SK_d","SK_ai",...}} and {"t_ns","node","sa","kind":"child","spi","source",
 * "destination","encr","integ","esn","keys":{"encryption","integrity"}}; one line per direction.
 * Of IKEv1, with cookies as SPIs: {...,"kind":"ikev1","spi_i","spi_r","encr","prf",
 * "keys":{"SKEYID","SKEYID_d","SKEYID_a","SKEYID_e","encryption"}}, names of RFC 2409 §5.
 */
#ifndef RECORD_KEYS_H
#define RECORD_KEYS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"
#include "crypto/suite.h"

#include <stdio.h>

struct keys;
struct run_folder;
struct ike_key_event;

struct ike_key_record {
    nsec at;
    const char *node;
    uint64_t spi_i, spi_r;
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct prf_suite *prf;
    struct bytes skeyseed, sk_d, sk_ai, sk_ar, sk_ei, sk_er, sk_pi, sk_pr; /* sk_e* with salt */
};

/** An IKE SA of IKEv1. */
struct ikev1_key_record {
    nsec at;
    const char *node;
    uint64_t spi_i, spi_r; /* cookies */
    const struct encr_suite *encr;
    const struct prf_suite *prf;
    struct bytes skeyid, skeyid_d, skeyid_a, skeyid_e, cipher_key;
};

/** One direction of a child SA. */
struct child_key_record {
    nsec at;
    const char *node;
    uint32_t spi;
    const char *source, *destination; /* outer addresses without port; source "*" behind a NAT */
    bool ipv6;                        /* outer */
    const struct encr_suite *encr;
    const struct integ_suite *integ;  /* NULL for AEAD */
    struct bytes encr_key, integ_key; /* encr_key is key | salt */
    bool esn;
};

/** @param sink  keys.jsonl, borrowed; may be NULL. @retval ERR_MEMORY */
enum err keys_create(FILE *sink, struct keys **out) MUST_USE;
/** Wipes everything it holds. */
void keys_destroy(struct keys *);

/** The same SA told by both its ends gives one row in the tables and a line per end. */
void keys_ike(struct keys *, const struct ike_key_record *);
void keys_ikev1(struct keys *, const struct ikev1_key_record *);
void keys_child(struct keys *, const struct child_key_record *);
/** EVENT_KEYS as an endpoint gives it out: an IKE SA of this version, or both directions of a child
 * SA. */
void keys_event(struct keys *, nsec at, const char *node, unsigned version,
                const struct ike_key_event *);

/**
 * Write wireshark/profiles/ikelab/ and open.sh into the folder.
 * @retval ERR_IO, ERR_MEMORY  also for an earlier failure
 */
enum err keys_write_profile(struct keys *, struct run_folder *) MUST_USE;

/** Wireshark's name of an algorithm in ikev2_decryption_table or esp_sa; NULL: it cannot. */
const char *wireshark_ike_encr(const struct encr_suite *);
const char *wireshark_ike_integ(const struct integ_suite *);
const char *wireshark_esp_encr(const struct encr_suite *);
const char *wireshark_esp_integ(const struct integ_suite *);

#endif
