/*
 * Security association database: RFC 4301 §4.4.2. Endpoints may share one: each has a number, its
 * scope, and what is found by SPI is found in one scope only. One record holds both directions of
 * a child SA, as IKE makes and deletes them in pairs. Records live in one pool; a
 * record's keys and its replay bitmap stand behind it in the same slot, whose size follows from
 * what the endpoint is configured for. Lifetimes in seconds are the IKE layer's.
 *
 * Course of a child SA: sad_spi_new reserves the record and its inbound SPI (the exchange is
 * going on), sad_install fills it (both directions usable at once), sad_remove wipes it.
 */
#ifndef PROTO_ESP_SAD_H
#define PROTO_ESP_SAD_H

#include "base/chains.h"
#include "base/pool.h"
#include "base/rng.h"
#include "crypto/suite.h"
#include "proto/esp/replay.h"
#include "proto/ip/endpoint_pair.h"

enum sad_sizes {
    SPI_MIN = 256, /* 1..255 are reserved by IANA, 0 is never sent (RFC 4303 §2.1) */
    SAD_DROPPED_MAX = (1 << 24) - 1,
};

/** When to rekey (soft) and when to stop (hard), per direction; 0: no limit. */
struct esp_limits {
    uint64_t soft_packets, hard_packets;
    uint64_t soft_bytes, hard_bytes; /* of inner packets */
};

/** What SAs of one kind have in common, kept once. */
struct esp_kind {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    struct esp_limits limits;        /* 0 has become UINT64_MAX */
    struct replay fresh;             /* the replay check of a new SA */
    uint32_t sas, link;              /* how many; hash chain */
    uint16_t keys_at;                /* offset of the keys from a record in bytes */
    uint16_t key_bytes;              /* of one direction */
};

/** One child SA: inbound and outbound. Read freely; written by this file and esp.c only. */
struct esp_sa {
    struct esp_kind *kind; /* NULL until it is installed */
    uint64_t seq_out;      /* last sequence number sent = packets sealed */
    uint64_t bytes_out;
    uint64_t top; /* highest sequence number accepted; 0: none yet */
    uint64_t packets_in, bytes_in;
    uint32_t spi_in, spi_out;
    uint32_t scope; /* the endpoint it belongs to */
    uint32_t link;  /* hash chain of inbound SPIs */
    uint32_t owner; /* free for the IKE layer */
    struct handle policy;
    struct endpoint_pair outer; /* addresses; the ports are UDP's if encapsulated */
    uint32_t dropped : 24; /* inbound packets that named this SA and were refused, any cause, up to
                              SAD_DROPPED_MAX */
    bool installed : 1;    /* false: SPI reserved only */
    bool transport : 1;
    bool esn : 1;              /* RFC 4304 */
    bool udp_encapsulated : 1; /* RFC 3948 */
    bool soft_due : 1;         /* a soft limit was reached: rekey; cleared by nobody */
    bool hard_over : 1;        /* a hard limit or the end of the sequence numbers was reached */
};

/** What the SAs may need at most; sizes the slots. */
struct sad_limits {
    uint32_t sas;           /* pairs, reservations included */
    uint32_t replay_window; /* largest */
    uint32_t key_bytes;     /* largest encr key + salt + integ key, of one direction */
};

struct sad {
    struct pool sas;
    struct pool kinds;
    struct pool asides; /* of `outer` */
    struct chains by_spi, by_words;
    struct sad_limits limits;
};

/** @retval ERR_MEMORY nothing was allocated. No allocation after this. */
enum err sad_init(struct sad *, const struct sad_limits *) MUST_USE;
void sad_reset(struct sad *);
/** Remove every SA. */
void sad_clear(struct sad *);

/**
 * Reserve a record under a fresh inbound SPI >= SPI_MIN, drawn from `random`, that no other record
 * of its scope has. What other scopes hold does not change the draws.
 * @retval ERR_FULL  no slot
 */
enum err sad_spi_new(struct sad *, uint32_t scope, struct rng *random, struct handle *sa,
                     uint32_t *spi) MUST_USE;
/** Reserve a record under an SPI that the caller chose. @retval ERR_DUPLICATE, ERR_SYNTAX, ERR_FULL
 */
enum err sad_spi_take(struct sad *, uint32_t scope, uint32_t spi, struct handle *sa) MUST_USE;
/**
 * As sad_spi_take, whoever has that SPI already; by it the older record is found (RFC 4303 §2.1
 * wants them different: for QUIRK_STRONGSWAN_2778 only).
 * @retval ERR_SYNTAX, ERR_FULL
 */
enum err sad_spi_share(struct sad *, uint32_t scope, uint32_t spi, struct handle *sa) MUST_USE;

struct esp_sa_params {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD or for none */
    /** Keys: encr_* is key | salt; copied into the record. Their lengths must fit the suites. */
    struct bytes encr_in, integ_in, encr_out, integ_out;
    uint32_t spi_out; /* the peer's */
    bool transport, esn, udp_encapsulated;
    uint32_t replay_window;
    struct esp_limits limits;
    struct ip_endpoint local, remote;
    struct handle policy; /* selectors for the inbound check; HANDLE_NONE: unchecked */
    uint32_t owner;
};

/**
 * Fill a reserved record: from now on packets can be opened and sealed.
 * @retval ERR_LENGTH  a key does not fit its suite or the slot; ERR_STATE already installed;
 *                     ERR_UNSUPPORTED neither encryption nor integrity; ERR_NOT_FOUND stale handle
 */
enum err sad_install(struct sad *, struct handle, const struct esp_sa_params *) MUST_USE;
/** Give the record back, reserved or installed; its keys are wiped. Stale handles are ignored. */
void sad_remove(struct sad *, struct handle);

/** The record, NULL when it is gone. */
struct esp_sa *sad_at(const struct sad *, struct handle);
/** By inbound SPI: installed ones only; NULL if the scope has none. */
struct esp_sa *sad_find(const struct sad *, uint32_t scope, uint32_t spi_in, struct handle *out);
/** Walk all scopes in slot order, reservations too: HANDLE_NONE first; HANDLE_NONE at the end. */
struct handle sad_next(const struct sad *, struct handle after);
/** Outer addresses, and the family of both. */
static inline uint8_t sad_family(const struct esp_sa *sa)
{
    return endpoint_pair_family(&sa->outer);
}

struct ip_endpoint sad_local(const struct sad *, const struct esp_sa *);
struct ip_endpoint sad_remote(const struct sad *, const struct esp_sa *);
/** New ones (NAT traversal, MOBIKE). */
void sad_update_peer(struct sad *, struct esp_sa *, const struct ip_endpoint *local,
                     const struct ip_endpoint *remote);

/** Keys of one direction: views into the record. */
enum sad_direction { SAD_IN, SAD_OUT };
const uint8_t *sad_encr_key(const struct esp_sa *, enum sad_direction);
const uint8_t *sad_integ_key(const struct esp_sa *, enum sad_direction);
/** The replay check of an installed SA (a copy, of which `top` is to be put back), its bitmap. */
static inline struct replay sad_replay(const struct esp_sa *sa)
{
    return (struct replay){sa->top, sa->kind->fresh.window, sa->kind->fresh.mask};
}

uint64_t *sad_bitmap(struct esp_sa *);

#endif
