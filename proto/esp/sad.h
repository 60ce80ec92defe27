/*
 * Security association database: RFC 4301 §4.4.2. Endpoints may share one: each has a number, its
 * scope, and what is found by SPI is found in one scope only. One record holds both directions of
 * a child SA, as IKE makes and deletes them in pairs. Its number is its owner's among the IKE
 * layer's records of child SAs, so that neither has to name the other. The keys stand behind it in
 * the same slot, whose size follows from what the endpoint is configured for.
 *
 * Many an SA of a fleet never carries a packet. Counters, sequence numbers and the replay bitmap
 * are in a record of their own, which is made for the first packet.
 *
 * Course of a child SA: sad_spi_new reserves the record and its inbound SPI (the exchange is
 * going on), sad_install fills it (both directions usable at once), sad_remove wipes it.
 * Lifetimes in seconds are the IKE layer's.
 */
#ifndef PROTO_ESP_SAD_H
#define PROTO_ESP_SAD_H

#include "base/chains.h"
#include "base/pool.h"
#include "base/rng.h"
#include "crypto/suite.h"
#include "proto/esp/expanded.h"
#include "proto/esp/replay.h"
#include "proto/ip/endpoint_pair.h"

enum sad_sizes {
    SPI_MIN = 256, /* 1..255 are reserved by IANA, 0 is never sent (RFC 4303 §2.1) */
    SAD_KIND_BITS = 26,
};

#define SAD_NONE UINT32_MAX /* number of no SA */

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
    uint16_t key_bytes;              /* of one direction */
};

/** One child SA: inbound and outbound. Read freely; written by this file and esp.c only. */
struct esp_sa {
    uint32_t spi_in, spi_out;      /* spi_in is 0: no SA has this number */
    uint32_t scope;                /* the endpoint it belongs to */
    uint32_t link;                 /* hash chain of inbound SPIs */
    uint32_t policy;               /* by number; POOL_NONE: what arrives is not checked */
    uint32_t traffic;              /* number + 1 of its record; 0: it has carried nothing */
    struct endpoint_pair outer;    /* addresses; the ports are UDP's if encapsulated */
    uint32_t kind : SAD_KIND_BITS; /* by number, if installed */
    bool installed : 1;            /* false: SPI reserved only */
    bool transport : 1;
    bool esn : 1;              /* RFC 4304 */
    bool udp_encapsulated : 1; /* RFC 3948 */
    bool soft_due : 1;         /* a soft limit was reached: rekey; cleared by nobody */
    bool hard_over : 1;        /* a hard limit or the end of the sequence numbers was reached */
};

/** What an SA has carried. */
struct esp_traffic {
    uint64_t seq_out; /* last sequence number sent = packets sealed */
    uint64_t bytes_out;
    uint64_t top; /* highest sequence number accepted; 0: none yet */
    uint64_t packets_in, bytes_in;
    uint64_t dropped;  /* inbound packets that named this SA and were refused, any cause */
    uint64_t bitmap[]; /* of the replay check */
};

/** What the SAs may need at most; sizes the slots. */
struct sad_limits {
    uint32_t sas;           /* pairs, reservations included */
    uint32_t replay_window; /* largest */
    uint32_t key_bytes;     /* largest encr key + salt + integ key, of one direction */
};

struct sad {
    uint8_t *slots;     /* record and keys; by number */
    uint32_t slot_size; /* bytes */
    uint32_t fresh;     /* slots from here on were never taken */
    uint32_t taken;
    struct pool kinds;
    struct pool traffic;      /* as many as SAs: there is one for whoever needs it */
    struct pool asides;       /* of `outer` */
    struct expanded expanded; /* keys of SAs that carry packets, as sad_key_owner() */
    struct chains by_spi, by_words;
    struct sad_limits limits;
};

/** @retval ERR_MEMORY nothing was allocated. No allocation after this. */
enum err sad_init(struct sad *, const struct sad_limits *) MUST_USE;
void sad_reset(struct sad *);
/** Remove every SA. */
void sad_clear(struct sad *);

/**
 * Reserve the record of this number, which is free, under a fresh inbound SPI >= SPI_MIN, drawn
 * from `random`, that no other record of its scope has. What other scopes hold does not change the
 * draws.
 * @param number  below limits.sas
 * @return the SPI
 */
uint32_t sad_spi_new(struct sad *, uint32_t scope, struct rng *random, uint32_t number);
/** This SPI will be drawn, then `soon` will be: fetch what tells whether an SA has it. */
void sad_spi_expect(const struct sad *, uint32_t scope, uint32_t spi, bool soon);
/** Reserve it under an SPI that the caller chose. @retval ERR_DUPLICATE, ERR_SYNTAX */
enum err sad_spi_take(struct sad *, uint32_t scope, uint32_t spi, uint32_t number) MUST_USE;
/**
 * As sad_spi_take, whoever has that SPI already; by it the older record is found (RFC 4303 §2.1
 * wants them different: for QUIRK_STRONGSWAN_2778 only).
 * @retval ERR_SYNTAX
 */
enum err sad_spi_share(struct sad *, uint32_t scope, uint32_t spi, uint32_t number) MUST_USE;

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
    struct handle
        policy; /* selectors for the inbound check, held by the SA; HANDLE_NONE: unchecked */
};

/**
 * Fill a reserved record: from now on packets can be opened and sealed.
 * @retval ERR_LENGTH  a key does not fit its suite or the slot; ERR_STATE already installed;
 *                     ERR_UNSUPPORTED neither encryption nor integrity; ERR_NOT_FOUND not reserved;
 *                     ERR_FULL one kind of SA too many
 */
enum err sad_install(struct sad *, uint32_t number, const struct esp_sa_params *) MUST_USE;
/** Give the record back, reserved or installed; its keys are wiped. One that is free stays so. */
void sad_remove(struct sad *, uint32_t number);

/** The record; NULL: free. */
struct esp_sa *sad_at(const struct sad *, uint32_t number);
/** By inbound SPI: installed ones only; NULL if the scope has none. @param[out] number  SAD_NONE */
struct esp_sa *sad_find(const struct sad *, uint32_t scope, uint32_t spi_in, uint32_t *number);
/**
 * The same in steps, which many look-ups take together, so that what the one reads is fetched while
 * the others go on: `begin` asks for the first record to compare with, each `further` compares and
 * asks for the rest of that one or for the next, `end` finds what is left to find. How often
 * `further` is called is the caller's choice; no SA may come or go meanwhile.
 * @return how far the look-up is
 */
uint32_t sad_find_begin(const struct sad *, uint32_t scope, uint32_t spi_in);
uint32_t sad_find_further(const struct sad *, uint32_t scope, uint32_t spi_in, uint32_t far);
struct esp_sa *sad_find_end(const struct sad *, uint32_t scope, uint32_t spi_in, uint32_t far,
                            uint32_t *number);
/** Walk all scopes by number, reservations too: SAD_NONE first; SAD_NONE at the end. */
uint32_t sad_next(const struct sad *, uint32_t after);

/** Of an installed SA. */
static inline struct esp_kind *sad_kind(const struct sad *sad, const struct esp_sa *sa)
{
    return (struct esp_kind *)(void *)sad->kinds.slots + sa->kind;
}

/** To look at: all zeros if it has carried nothing. */
const struct esp_traffic *sad_traffic(const struct sad *, const struct esp_sa *);
/** Make the record of one that has none. There is one for each SA. */
void sad_traffic_make(struct sad *, struct esp_sa *);
/** To write in; made if there is none. */
static inline struct esp_traffic *sad_traffic_take(struct sad *sad, struct esp_sa *sa)
{
    if (__builtin_expect(sa->traffic == 0, 0))
        sad_traffic_make(sad, sa);
    return (struct esp_traffic *)(void *)(sad->traffic.slots +
                                          (size_t)(sa->traffic - 1) * sad->traffic.slot_size);
}

/** Outer addresses, and the family of both. */
static inline uint8_t sad_family(const struct esp_sa *sa)
{
    return endpoint_pair_family(&sa->outer);
}

static inline void sad_ends(const struct sad *sad, const struct esp_sa *sa,
                            struct ip_endpoint *local, struct ip_endpoint *remote)
{
    endpoint_pair_read(&sad->asides, &sa->outer, local, remote);
}

struct ip_endpoint sad_local(const struct sad *, const struct esp_sa *);
struct ip_endpoint sad_remote(const struct sad *, const struct esp_sa *);
/** New ones (NAT traversal, MOBIKE). */
void sad_update_peer(struct sad *, struct esp_sa *, const struct ip_endpoint *local,
                     const struct ip_endpoint *remote);

/** Keys of one direction of an installed SA: views into the record. */
enum sad_direction { SAD_IN, SAD_OUT };
static inline const uint8_t *sad_encr_key(const struct sad *sad, const struct esp_sa *sa,
                                          enum sad_direction d)
{
    return (const uint8_t *)(sa + 1) + (d == SAD_OUT ? sad_kind(sad, sa)->key_bytes : 0);
}

const uint8_t *sad_integ_key(const struct sad *, const struct esp_sa *, enum sad_direction);
/** It will soon be asked for the record of this number. */
void sad_number_expect(const struct sad *, uint32_t number);
/** It will soon be asked for this record. */
static inline void sad_sa_expect(const struct esp_sa *sa)
{
    __builtin_prefetch(sa, 1);
    __builtin_prefetch((const uint8_t *)(sa + 1) - 1, 1);
}

/** Who has the expanded key of an SA that has carried something. */
static inline uint32_t sad_key_owner(const struct esp_sa *sa, enum sad_direction d)
{
    return 2 * (sa->traffic - 1) + (uint32_t)d;
}

/** It will soon be asked for what this SA has carried, and for its expanded key. */
static inline void sad_traffic_expect(const struct sad *sad, const struct esp_sa *sa,
                                      enum sad_direction d)
{
    const uint8_t *at;

    if (__builtin_expect(sa->traffic == 0, 0))
        return;
    at = sad->traffic.slots + (size_t)(sa->traffic - 1) * sad->traffic.slot_size;
    __builtin_prefetch(at, 1);
    if (d == SAD_IN) /* what has been sent is at the beginning */
        __builtin_prefetch(at + sad->traffic.slot_size - 1, 1);
    expanded_expect(&sad->expanded, sad_key_owner(sa, d));
}

/** The replay check of SAs of this kind (a copy, of which `top` is to be put back). */
static inline struct replay sad_replay(const struct esp_kind *kind, const struct esp_traffic *t)
{
    return (struct replay){t->top, kind->fresh.window, kind->fresh.mask};
}

#endif
