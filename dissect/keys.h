/*
 * The keys that a capture is opened with: those of IKE SAs by both SPIs, those of IKEv1 by the
 * initiator's cookie, those of ESP SAs by SPI. Read from keys.jsonl of a run folder
 * (record/keys.h), or from Wireshark's tables ikev2_decryption_table, ikev1_decryption_table and
 * esp_sa (record/wireshark.h). Wiped when given back.
 */
#ifndef DISSECT_KEYS_H
#define DISSECT_KEYS_H

#include "base/table.h"
#include "crypto/provider.h"
#include "proto/esp/replay.h"
#include "proto/ip/addr.h"

#include <stdio.h>

enum { KEYS_NONE = UINT32_MAX };

/** One IKE SA. Index 0: what the original initiator sends (SK_ei, SK_ai); 1: the responder. */
struct ike_open_key {
    uint64_t spi_i, spi_r;
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    uint8_t encr_key[2][ENCR_KEY_MAX];
    uint8_t integ_key[2][INTEG_KEY_MAX];
    uint32_t next; /* another SA under the same hash; KEYS_NONE */
};

/** One SA of IKEv1: the key of its cipher, which the capture names (RFC 2409 appendix B). */
struct ikev1_open_key {
    uint64_t cky_i;
    uint8_t len;
    uint8_t key[ENCR_KEY_MAX];
};

/** One direction of an ESP SA. */
struct esp_open_key {
    uint32_t spi;
    struct ip_addr destination; /* family 0: any */
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    uint8_t encr_key[ENCR_KEY_MAX];
    uint8_t integ_key[INTEG_KEY_MAX];
    bool esn;
    struct replay window; /* only its top: where the ESN's high half is taken from */
    uint32_t next;
};

struct dissect_keys {
    struct ike_open_key *ike;
    struct ikev1_open_key *ikev1;
    struct esp_open_key *esp;
    size_t ike_count, ike_cap, ikev1_count, ikev1_cap, esp_count, esp_cap;
    struct table ike_index, esp_index; /* to the newest; `next` leads to the others */
    struct table ikev1_index;          /* to the newest, which is the one that counts */
};

/** @retval ERR_MEMORY */
enum err keys_init(struct dissect_keys *) MUST_USE;
void keys_reset(struct dissect_keys *);

/**
 * Read a file of any of the four forms; `path` may be a run folder.
 * @param say  where a row that cannot be used is told of, with file and line: an algorithm that
 *             this program does not have, a key whose length does not fit. Other rows still count.
 * @retval ERR_IO      it cannot be read
 * @retval ERR_SYNTAX  a line is none of the four forms; told on `say`
 * @retval ERR_MEMORY
 */
enum err keys_read_file(struct dissect_keys *, const char *path, FILE *say) MUST_USE;

/** Copied; a key that is there already is not added again. @retval ERR_MEMORY */
enum err keys_add_ike(struct dissect_keys *, const struct ike_open_key *) MUST_USE;
enum err keys_add_esp(struct dissect_keys *, const struct esp_open_key *) MUST_USE;
enum err keys_add_ikev1(struct dissect_keys *, const struct ikev1_open_key *) MUST_USE;

/** The first SA with these SPIs, and the next one; NULL at the end. */
struct ike_open_key *keys_find_ike(const struct dissect_keys *, uint64_t spi_i, uint64_t spi_r);
struct ike_open_key *keys_next_ike(const struct dissect_keys *, const struct ike_open_key *);
/** The key of this initiator's cookie, or NULL. */
const struct ikev1_open_key *keys_find_ikev1(const struct dissect_keys *, uint64_t cky_i);
struct esp_open_key *keys_find_esp(const struct dissect_keys *, uint32_t spi);
struct esp_open_key *keys_next_esp(const struct dissect_keys *, const struct esp_open_key *);

/* One line of a form, for keys_read_file. `why` is set to a sentence on ERR_UNSUPPORTED and
 * ERR_SYNTAX: a row that is passed over, and one that is no row at all. */
enum err keys_line_json(struct dissect_keys *, const char *line, const char **why) MUST_USE;
enum err keys_line_wireshark(struct dissect_keys *, char *line, const char **why) MUST_USE;

/** Hex digits of exactly `len` bytes, "0x" before them or not. */
bool keys_hex(const char *text, uint8_t *out, size_t len) MUST_USE;

#endif
