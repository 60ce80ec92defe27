/*
 * ESP: RFC 4303, with RFC 4304 (ESN), RFC 4106, 4309, 7634 (AEAD), RFC 3602, 3686, 2410 with
 * RFC 2404, 4868, 3566, 4494 (cipher and MAC), RFC 8750 (implicit IV). Packets are sealed and
 * opened in place. The outer IP and UDP headers are the driver's; what they must carry over from
 * the inner header comes and goes as metadata (RFC 4301 §5.1.2, RFC 6040 normal mode). Not here:
 * AH, AGGFRAG (RFC 9347).
 */
#ifndef PROTO_ESP_ESP_H
#define PROTO_ESP_ESP_H

#include "crypto/provider.h"
#include "proto/esp/sad.h"
#include "proto/esp/spd.h"

enum esp_sizes {
    ESP_HEADER_LEN = 8,                                       /* SPI, sequence number */
    ESP_TRAILER_LEN = 2,                                      /* pad length, next header */
    ESP_HEADROOM = ESP_HEADER_LEN + IV_MAX,                   /* free before the inner packet */
    ESP_TAILROOM = BLOCK_MAX - 1 + ESP_TRAILER_LEN + ICV_MAX, /* free behind it */
    ESP_OPEN_TAILROOM = 40,
};

/* Why a packet was dropped. X(symbol, name in results) */
#define ESP_CAUSE_LIST(X)                                                                          \
    X(NO_SA, "no_sa") /* inbound: unknown SPI */                                                   \
    X(REPLAY, "replay")                                                                            \
    X(ICV, "icv")                                                                                  \
    X(PADDING, "padding")                                                                          \
    X(NEXT_HEADER, "next_header")                                                                  \
    X(DUMMY, "dummy")         /* next header 59: traffic flow confidentiality, no error */         \
    X(SELECTOR, "selector")   /* inner packet outside the SA's selectors */                        \
    X(ECN, "ecn")             /* congestion mark on a packet that cannot carry it on */            \
    X(MALFORMED, "malformed") /* not ESP, or the inner packet is not IP */                         \
    X(SEQ_EXHAUSTED, "seq_exhausted")                                                              \
    X(LIFETIME, "lifetime")                                                                        \
    X(NO_POLICY, "no_policy")     /* outbound: discard */                                          \
    X(NO_OUTBOUND, "no_outbound") /* outbound: a policy without an SA */                           \
    X(SPACE, "space")             /* the driver's buffer is too small */                           \
    X(CRYPTO, "crypto")           /* the library failed */

enum esp_cause {
#define X(symbol, name) ESP_CAUSE_##symbol,
    ESP_CAUSE_LIST(X)
#undef X
        ESP_CAUSE_COUNT,
    ESP_CAUSE_NONE = ESP_CAUSE_COUNT,
};

const char *esp_cause_name(enum esp_cause);

/** ESP of the endpoints that share it: the databases and what happened. */
struct esp {
    struct sad sad;
    struct spd spd;
    struct crypto *crypto;                               /* borrowed */
    uint64_t sealed, sealed_bytes, opened, opened_bytes; /* bytes of inner packets */
    uint64_t dropped[ESP_CAUSE_COUNT];
};

/** In whose name a packet is sealed or opened. */
struct esp_user {
    uint32_t scope;       /* of its SAs and policies */
    const struct rng *iv; /* its stream of IVs, not drawn from: those of CBC, the only ones that do
                             not count (RFC 4106 §3.1), come from sub-streams */
};

/** @param policies, per_side  as in spd_init */
enum err esp_init(struct esp *, struct crypto *, const struct sad_limits *, uint32_t policies,
                  uint32_t per_side) MUST_USE;
void esp_reset(struct esp *);
/** What its SAs and policies take in bytes, without slots that lie idle, and without expanded keys,
 * which depend on the processor: results do not. */
uint64_t esp_memory(const struct esp *);

/** For the outer IP header of a sealed packet. */
struct esp_outer {
    struct ip_endpoint local, remote;
    uint8_t tos;       /* traffic class: DSCP and ECN */
    uint8_t hop_limit; /* transport mode: of the packet itself; tunnel mode: 64 */
    bool df;           /* tunnel mode: copied from IPv4, set for IPv6 */
    bool udp_encapsulated;
};

/**
 * Seal an IP packet with the SA in place.              RFC 4303 §3.3, RFC 4301 §5.1.2
 *
 * Tunnel mode protects the whole packet; transport mode its payload, and its IP header goes (the
 * driver makes it again from `out`; packets with IPv4 options or hop-by-hop, routing or fragment
 * headers are refused, RFC 4303 §3.3.4).
 *
 * @param[in,out] sa      its sequence number advances by one
 * @param[in,out] packet  ESP_HEADROOM bytes lie free before data, cap >= len + ESP_TAILROOM; on
 *                        success data and len are the ESP packet, SPI first
 * @retval ERR_SEQ_WRAPPED  sequence numbers used up (never reused); a new SA is due
 * @retval ERR_LIFETIME     hard limit in packets or bytes is over
 * @retval ERR_SPACE        no tail room
 * @retval ERR_SYNTAX       not one whole IP packet, or none that this SA can take
 * @retval ERR_STATE        the SA is only reserved; not counted
 * @note   on error the packet is unchanged, or zeroed if the crypto library failed; counted
 */
enum err esp_seal(struct esp *, struct esp_user, struct esp_sa *sa, struct buf *packet,
                  struct esp_outer *out) MUST_USE;
/**
 * The same with traffic flow confidentiality padding behind the inner packet (RFC 4303 §2.7): it
 * looks `to` bytes long. One that is longer stays as it is, and so does what goes in transport
 * mode, whose protocols need not say how long they are.
 * @param[in,out] packet  cap >= to + ESP_TAILROOM, else ERR_SPACE
 */
enum err esp_seal_padded(struct esp *, struct esp_user, struct esp_sa *sa, struct buf *packet,
                         size_t to, struct esp_outer *out) MUST_USE;
/**
 * Make a dummy packet (RFC 4303 §2.6): the receiver cannot tell from outside that it carries
 * nothing, and drops it. It takes a sequence number and counts against the SA's limits.
 * @param[in,out] packet  room as for an inner packet of `len` bytes; what is in it is overwritten
 * @retval ERR_SEQ_WRAPPED, ERR_LIFETIME, ERR_SPACE, ERR_STATE, ERR_CRYPTO  as esp_seal
 */
enum err esp_dummy(struct esp *, struct esp_user, struct esp_sa *sa, struct buf *packet,
                   struct esp_outer *out) MUST_USE;

/** One of many packets to be sealed. */
struct esp_sealing {
    struct esp_sa *sa;
    struct buf *packet;
    size_t to;              /* as in esp_seal_padded; 0: no padding beyond what ESP needs */
    struct esp_outer outer; /* written on success */
    enum err result;        /* of esp_seal, esp_seal_padded */
};

/**
 * As esp_seal, or esp_seal_padded, of one after the other, with the same bytes and counts, in less
 * time: the provider gets many at once. SAs may repeat; each packet has a buffer of its own.
 */
void esp_seal_batch(struct esp *, struct esp_user, struct esp_sealing *packets, size_t count);

/**
 * The first half of outbound processing (RFC 4301 §5.1): policy and SA by the packet.
 * @param[out] used  number of the SA, SAD_NONE if none was found
 * @retval ERR_SYNTAX, ERR_NO_POLICY, ERR_NO_SA  counted
 */
enum err esp_choose(struct esp *, struct esp_user, const struct buf *packet,
                    uint32_t *used) MUST_USE;

/** Both halves: esp_choose, then esp_seal. */
enum err esp_protect(struct esp *, struct esp_user, struct buf *packet, struct esp_outer *out,
                     uint32_t *used) MUST_USE;
/**
 * As esp_protect of one after the other, with the same bytes, results and counts, in less time.
 * @param[out] packets  `sa` is written: NULL where none was found
 */
void esp_protect_batch(struct esp *, struct esp_user, struct esp_sealing *packets, size_t count);
/**
 * The first half where the caller has chosen the SA: its selectors must allow the packet.
 * @retval ERR_NO_POLICY  they do not; counted, as is ERR_SYNTAX
 */
enum err esp_may_send(struct esp *, const struct esp_sa *, const struct buf *packet) MUST_USE;
/**
 * As if `packets` more had been sealed, and lost on the way: the outbound sequence number moves on
 * by as many, not past the last one (RFC 4303 §3.3.3).
 */
void esp_skip(struct esp *, struct esp_sa *, uint64_t packets);
/** Whether the SA would also take the pieces of this packet, which do not show their ports. */
bool esp_takes_pieces(const struct esp *, const struct esp_sa *, struct bytes packet);

/** The outer header an ESP packet came with. */
struct esp_arrival {
    struct ip_endpoint local, remote;
    uint8_t tos;
    uint8_t hop_limit;
};

struct esp_opened {
    uint32_t sa;         /* by number; SAD_NONE: none has this SPI */
    bool authentic;      /* ICV good and not a replay, even if dropped later */
    bool newest;         /* authentic, and no later packet of this SA came before */
    enum esp_cause drop; /* why, or ESP_CAUSE_NONE */
    uint64_t seq;        /* as guessed or verified */
};

/**
 * Open an ESP packet in place (RFC 4303 §3.4, RFC 4301 §5.2): SA by SPI, replay check, ICV, window
 * update, padding, next header, selectors. In transport mode the IP header is made again in front
 * of the payload from `in` and, where UDP encapsulation hides a NAT, TCP and UDP checksums are made
 * to fit the new addresses (RFC 3948 §3.1.2). In tunnel mode the congestion mark of the
 * outer header is carried in (RFC 6040 §4.2).
 *
 * @param[in,out] packet  the ESP packet, SPI first; on success data and len are the inner IP
 *                        packet without padding. Transport mode over IPv6 needs cap >= len +
 *                        ESP_OPEN_TAILROOM, as its header is longer than what ESP leaves
 * @retval ERR_NO_SA, ERR_REPLAY, ERR_ICV, ERR_PADDING, ERR_NEXT_HEADER (dummies too), ERR_TS,
 *         ERR_LIFETIME, ERR_SYNTAX, ERR_SPACE, ERR_CRYPTO
 *         counted by cause, the packet is dropped
 */
enum err esp_open(struct esp *, struct esp_user, const struct esp_arrival *in, struct buf *packet,
                  struct esp_opened *out) MUST_USE;

/** One of many packets that arrived. */
struct esp_opening {
    struct esp_arrival in;
    struct buf *packet;
    struct esp_opened opened;
    enum err result; /* of esp_open */
};

/**
 * As esp_open of one after the other, with the same results, counts and windows, in less time. A
 * packet that an earlier one of the batch makes old, or is a copy of, is refused as it would be
 * then; its text has been zeroed.
 */
void esp_open_batch(struct esp *, struct esp_user, struct esp_opening *packets, size_t count);

#endif
