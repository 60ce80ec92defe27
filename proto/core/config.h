/*
 * What an endpoint is configured with. Plain data made by the driver (from a scenario or a
 * command line); constant while an endpoint uses it. strongSwan's names where it has one.
 */
#ifndef PROTO_CORE_CONFIG_H
#define PROTO_CORE_CONFIG_H

#include "base/bytes.h"
#include "base/time.h"
#include "crypto/suite.h"
#include "proto/core/credential.h"
#include "proto/core/quirk.h"
#include "proto/ip/selector.h"

enum config_sizes {
    PROPOSALS_MAX = 8,
    TRANSFORMS_MAX = 8, /* of one type in one proposal */
    SELECTORS_MAX = 4,
    ID_MAX = 255,
    PSK_MAX = 64,
    TFC_TO_MTU = 65535, /* tfc_padding: to what the path takes, taken for TFC_MTU_MAX at most */
    TFC_MTU_MAX = 1500, /* outer bytes */
    WINDOW_MAX = 16,
    RESOURCES_MAX = 15,
    FRAGMENT_SIZE = 1280,    /* where nothing is configured: what every IPv6 path takes */
    FRAGMENT_SIZE_MIN = 576, /* RFC 7383 §2.5.1: what every IPv4 path takes */
    MOBIKE_ADDRESSES_MAX = 4,
};

/** One proposal: alternatives by transform type, in order of preference. */
struct proposal_config {
    const struct encr_suite *encr[TRANSFORMS_MAX];
    const struct integ_suite *integ[TRANSFORMS_MAX]; /* none for AEAD */
    const struct prf_suite *prf[TRANSFORMS_MAX];     /* IKE only */
    const struct ke_suite *ke[TRANSFORMS_MAX];       /* ESP: PFS on child rekey; may be empty */
    uint8_t encr_count, integ_count, prf_count, ke_count;
    bool esn, no_esn; /* ESP only; at least one */
};

/**
 * Read strongSwan's notation, "aes256gcm16-prfsha256-x25519"; a missing prf follows the integrity
 * algorithm as strongSwan does. Ciphers with an implicit IV, for which it has no words, are
 * "aes256gcm16iiv" and the like; one with an IV may follow for peers that lack them (RFC 8750 §5).
 * @param[out] bad  on error the offending keyword, a view into `text`
 * @retval ERR_UNSUPPORTED unknown keyword; ERR_SYNTAX combination not allowed (AEAD with integrity,
 *         no key exchange in an IKE proposal, two kinds of cipher...)
 */
enum err proposal_parse(struct bytes text, bool ike, struct proposal_config *out,
                        struct bytes *bad) MUST_USE;

/** Most that its cipher and its integrity algorithm may need together in one direction. */
uint32_t proposal_key_bytes(const struct proposal_config *);

struct retransmit_config {
    nsec timeout;        /* before the first retransmission */
    uint32_t base_milli; /* 1800 = 1.8: factor per try */
    uint8_t tries;       /* retransmissions before giving up */
    uint32_t jitter_ppm; /* each interval shortened by a random part of up to this (strongSwan) */
    nsec limit;          /* longest interval, 0: none */
};

/** Soft and hard limits of one SA; 0: none. Soft ones are shortened by up to jitter. */
struct lifetime_config {
    nsec rekey_time, rekey_jitter; /* soft: rekey_time - random [0, jitter] */
    nsec hard_time;                /* strongSwan: rekey_time + over_time */
    uint64_t rekey_bytes, hard_bytes;
    uint64_t rekey_packets, hard_packets;
};

struct identity {
    uint8_t type; /* RFC 7296 §3.5: 2 ID_FQDN, 1 ID_IPV4_ADDR, ... */
    uint8_t len;
    uint8_t data[ID_MAX];
};

struct child_config {
    struct proposal_config proposals[PROPOSALS_MAX];
    uint8_t proposal_count;
    bool transport;
    uint32_t replay_window; /* packets; 0 switches the check off */
    struct lifetime_config lifetime;
    struct selector local[SELECTORS_MAX], remote[SELECTORS_MAX]; /* what we offer or allow */
    uint8_t local_count, remote_count;
    bool single_pair;     /* as responder: a child SA for each pair of addresses (RFC 7296 §2.9) */
    bool fragment_before; /* packets without DF are cut before ESP, and DF is set outside */
    bool ignore_too_big;  /* ICMP about ESP packets changes nothing (RFC 4301 §6.1.1) */
    uint8_t per_resource; /* cores with a child SA of their own, besides the first (RFC 9611): as
                             many are asked for or granted; RESOURCES_MAX at most; 0: none */
    uint16_t tfc_padding; /* tunnel mode: inner packets are made this long; TFC_TO_MTU; 0: off */
};

/** What a responder does against floods of IKE_SA_INIT requests (proto/ike/admit.h); 0: nothing. */
struct flood_config {
    uint32_t cookie_above;         /* half-open IKE SAs from which on a request needs a cookie */
    uint32_t half_open_per_source; /* most half-open IKE SAs of one address */
    bool cookie_always;
};

/** Whether IKE_AUTH goes without a child SA (RFC 6023); strongSwan's words. */
enum childless_policy {
    CHILDLESS_NEVER,  /* not announced, refused */
    CHILDLESS_ALLOW,  /* announced and served, not asked for */
    CHILDLESS_PREFER, /* the same, and asked for where the responder announces it */
    CHILDLESS_FORCE,  /* and nothing else: no IKE SA without it, no child of the peer's in IKE_AUTH
                       */
};

/** Messages in fragments (RFC 7383); strongSwan's words. */
enum fragmentation_policy {
    FRAGMENTATION_NO,     /* not announced, not understood */
    FRAGMENTATION_ACCEPT, /* announced and understood, but not done */
    FRAGMENTATION_YES,    /* and done where a message is too long and the peer has announced it */
};

/** When MOBIKE lets traffic go to an address that the peer has moved to (RFC 4555 §3.7). */
enum mobike_check {
    MOBIKE_CHECK_BEFORE, /* once it has answered from there: what the RFC recommends */
    MOBIKE_CHECK_AFTER,  /* at once, and it is asked then */
    MOBIKE_CHECK_NEVER,
};

/** RFC 4555; tunnel mode only. */
struct mobike_config {
    bool on;
    bool no_nats; /* addresses may not be translated on the way (RFC 4555 §3.9) */
    enum mobike_check check;
    struct ip_prefix from; /* where a peer may move to; family 0: anywhere */
    struct ip_addr addresses[MOBIKE_ADDRESSES_MAX]; /* ours, besides the one in use */
    uint8_t address_count;
};

/** Addresses inside that who called is given by who was called: Mode-Config of version 1. */
struct inside_config {
    bool ask;                    /* as who called; without one the IKE SA goes */
    bool select;                 /* child SAs are for this address and no other of who called */
    struct ip_prefix pool;       /* as who was called: what is given; family 0: nothing */
    bool push;                   /* unasked, as soon as there may be */
    struct ip_addr netmask, dns; /* go along; family 0: none */
};

/** What an exchange of phase 1 is begun with (RFC 2409 §5); who answers takes both. */
enum phase1_mode { PHASE1_MAIN, PHASE1_AGGRESSIVE, PHASE1_MODE_COUNT };

enum ike_version { IKE_V1 = 1, IKE_V2 = 2 };

struct ike_config {
    uint8_t version;         /* we call with; 0 is IKE_V2 */
    uint8_t answers;         /* set of 1 << enum ike_version; 0 is IKEv2 alone */
    enum phase1_mode phase1; /* version 1: we call with; Aggressive: it is answered, too */
    struct proposal_config proposals[PROPOSALS_MAX];
    uint8_t proposal_count;
    struct identity id;
    struct auth_config auth;
    struct xauth_config xauth; /* version 1 */
    struct inside_config inside;
    uint8_t psk[PSK_MAX]; /* test credential in simulations */
    uint8_t psk_len;
    struct retransmit_config retransmit;
    struct lifetime_config lifetime;
    /* RFC 7296 §2.8.3: who called authenticates anew at reauth_time - random [0, jitter]; who was
     * called says so in AUTH_LIFETIME, and ends the SA at reauth_time (RFC 4478). 0: never. */
    nsec reauth_time, reauth_jitter;
    bool make_before_break; /* beside the old IKE SA, not after it; who was called expects this */
    enum childless_policy childless;
    enum fragmentation_policy fragmentation;
    uint16_t fragment_size; /* octets of the IP packet of a fragment at most; 0: FRAGMENT_SIZE */
    struct mobike_config mobike;
    nsec dpd_delay;            /* 0: no liveness checks */
    nsec nat_keepalive;        /* 0: none */
    nsec half_open_time;       /* responder drops a handshake that is not authenticated by then */
    nsec response_time;        /* how long a response is kept for repetition; 0: RESPONSE_TIME */
    bool force_encap;          /* claim a NAT in NAT detection (lies in the source hash) */
    bool respond;              /* accept IKE_SA_INIT requests */
    struct ip_addr caller;     /* version 1: who is answered; family 0: anybody */
    struct identity caller_id; /* and who it has to be; len 0: anybody */
    bool initial_contact;      /* send INITIAL_CONTACT (RFC 7296 §2.4) */
    uint8_t window;  /* requests that we take at once and have in flight at most; 0 is 1 */
    unsigned quirks; /* set of enum ike_quirk; 0: none */
    struct child_config child;
    struct flood_config flood;

    /* RFC 6290, as maker and taker of tokens; whether a crash loses the secret they are made of. */
    bool quick_crash_detection, qcd_forgets;

    /* Say so of requests beyond the window (RFC 7296 §2.3); of ESP that has no SA, and heed it when
     * others do (RFC 7296 §1.5). */
    bool invalid_message_id, invalid_spi;
};

#endif
