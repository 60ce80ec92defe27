/*
 * One IKE endpoint: a client with one IKE SA or a gateway with a million. Sans-IO: time and
 * datagrams go in by call; datagrams, events and a deadline are pulled out. No callbacks, hence no
 * re-entry. The simulator, live sockets and the handshake benchmark drive exactly this surface.
 *
 * The driver's loop: call one of initiate / receive / answer / expire / rekey / terminate; then
 * pull transmit until false and next_event until false; then arm its one timer at deadline().
 * Each of those calls may change the deadline, and so may protect and unprotect (limits in packets
 * and bytes). A driver that pulls after every call loses no event.
 */
#ifndef PROTO_ENDPOINT_H
#define PROTO_ENDPOINT_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/time.h"
#include "proto/core/config.h"
#include "proto/core/env.h"
#include "proto/core/event.h"
#include "proto/core/install.h"
#include "proto/ip/fragment.h"

struct ike_store;
struct ike_endpoint;

enum ike_store_sizes {
    IKE_STORE_MAX = 1 << 16, /* endpoints */
    /* ...of which each may have, where there are several: */
    IKE_SHARED_SAS_MAX = 6,
    IKE_SHARED_CHILD_SAS_MAX = 8,
};

enum { IKE_SOON_STEPS = 5 }; /* of ike_endpoint_soon */

/**
 * Make a store for up to `endpoints` endpoints (at most IKE_STORE_MAX), which share pools, tables
 * and a configuration: what a fleet of clients is made of, each for a hundred bytes and its SAs. No
 * endpoint sees the SAs of another, and each does what it would do with a store of its own, except
 * that messages and fragments are refused to one only when all together have no room.
 *
 * The driver calls one endpoint, pulls all that it has to say, and then may call another.
 *
 * @param env     its `entity` is not used; export_keys and export_timers go for all
 * @param config  borrowed. Between calls the driver may put in it what belongs to the endpoint that
 *                is called next: identity, credentials, selectors; the rest is constant.
 * @param limits  of each endpoint; of several not more than the sizes above
 * @return NULL when out of memory
 */
struct ike_store *ike_store_create(const struct ike_env *env, const struct ike_config *config,
                                   const struct ike_limits *limits, uint32_t endpoints);
/** Frees everything, its endpoints too; secrets are wiped. Nothing is sent. */
void ike_store_destroy(struct ike_store *);
/** One endpoint more, whose random streams are named by the seed and `entity`; owned by the store.
 * @return NULL when there are as many as it was made for, or out of memory */
struct ike_endpoint *ike_store_join(struct ike_store *, uint64_t entity);
/** Bytes of what is in use now, of all endpoints: records of SAs and policies, keys, timers,
 * messages kept, tables. 0 when there is nothing: what the endpoints themselves take is not in it.
 */
uint64_t ike_store_memory(const struct ike_store *);

/**
 * Make an endpoint with a store of its own. `config` is borrowed and constant for its life.
 * @return NULL when out of memory
 */
struct ike_endpoint *ike_endpoint_create(const struct ike_env *, const struct ike_config *config,
                                         const struct ike_limits *);
/** Frees everything; secrets are wiped. Sends nothing (see ike_endpoint_terminate). One that has
 * joined a store goes with it, and is not to be destroyed here. */
void ike_endpoint_destroy(struct ike_endpoint *);
/** Forget every SA without a word to any peer: a crash. Counters and streams go on. */
void ike_endpoint_crash(struct ike_endpoint *, nsec now);

/**
 * Start an IKE SA with its first child (RFC 7296 §1.2).
 * @retval ERR_FULL no slot for another SA or handshake
 */
enum err ike_endpoint_initiate(struct ike_endpoint *, nsec now, const struct ike_remote *,
                               struct sa_ref *out) MUST_USE;
/**
 * What an initiator and a responder with these configurations agree on.
 * @retval ERR_NO_PROPOSAL   no proposal, of IKE or of ESP, is common
 * @retval ERR_UNSUPPORTED   one wants the child SA made as the other does not (RFC 6023)
 * @retval ERR_SINGLE_PAIR   the responder makes child SAs for the packets that ask (RFC 7296 §2.9)
 * @retval ERR_FULL          both want more child SAs than one (RFC 9611)
 */
enum err ike_agree(const struct ike_config *initiator, const struct ike_config *responder,
                   struct ike_agreement *out) MUST_USE;
/**
 * An IKE SA with a child SA is there at both ends, as if it came out of a handshake that has just
 * ended: nothing is sent, nothing is proven, and events of both say `installed`. Pull both.
 * @param[out] out  the IKE SA at the initiator
 * @param[out] why  REASON_NONE, or why it is not there; then nothing is, and what was said to be up
 *                  is said to be down
 * @retval ERR_FULL    an end has no room
 * @retval ERR_TS      no traffic selectors are common
 * @retval ERR_STATE   a NAT where the initiator allows none (RFC 4555 §3.9). With IKEv1: the two do
 *                     not come to a tunnel; `out` is where their handshake goes on, or what it was,
 *                     events tell what becomes of it, and `why` is REASON_NONE
 * @retval ERR_MEMORY, ERR_CRYPTO
 */
enum err ike_install(const struct ike_installation *, nsec now, struct sa_ref *out,
                     enum sa_reason *why) MUST_USE;
/** An IKE datagram or a keepalive arrived. Never fatal: what is wrong is counted by reason. */
enum err ike_endpoint_receive(struct ike_endpoint *, nsec now, const struct ike_dgram *);
/** The answer to an EVENT_REQUEST (slow look-up); unknown ids are ignored with ERR_NOT_FOUND. */
enum err ike_endpoint_answer(struct ike_endpoint *, nsec now, uint32_t request,
                             const struct ike_answer *);
/**
 * This endpoint will be called soon: fetch what that call will look at into the cache. The endpoint
 * in step 0, what is found through it in step 1, and so on to IKE_SOON_STEPS; a driver with many
 * endpoints does other things between the steps, while memory answers. Changes nothing.
 * @param our_spi  of the IKE SA that the call is about, as in ike_message_spi; 0: not known
 */
void ike_endpoint_soon(const struct ike_endpoint *, uint64_t our_spi, unsigned step);
/** The SPI of its receiver in an IKE message; 0: none. */
uint64_t ike_message_spi(struct bytes message);
/** Let timers with deadlines <= now fire. Calling early does nothing. */
void ike_endpoint_expire(struct ike_endpoint *, nsec now);

/** Actions a driver or user may ask for on an established IKE SA. ERR_STATE if not possible now. */
enum err ike_endpoint_rekey_ike(struct ike_endpoint *, nsec now, struct sa_ref ike);
enum err ike_endpoint_rekey_child(struct ike_endpoint *, nsec now, struct sa_ref child);
enum err ike_endpoint_new_child(struct ike_endpoint *, nsec now, struct sa_ref ike);
/**
 * A new child for this packet (of which there was no policy): its selectors stand first in the
 * offer, so that a responder that narrows keeps them, and alone in it if the responder wants a
 * child SA for each pair of addresses (RFC 7296 §2.9). IKEv1, which has no narrowing, asks for our
 * first selectors that take it. Nothing happens to the packet.
 * @retval ERR_NO_POLICY  our selectors do not take it; ERR_FULL another packet waits for its child
 */
enum err ike_endpoint_new_child_for(struct ike_endpoint *, nsec now, struct sa_ref ike,
                                    struct bytes packet);
enum err ike_endpoint_delete_child(struct ike_endpoint *, nsec now, struct sa_ref child);
/**
 * Authenticate anew (RFC 7296 §2.8.3), besides reauth_time and AUTH_LIFETIME: a new IKE SA with as
 * many child SAs takes the place of this one, after it or with make_before_break beside it.
 * ERR_STATE as well if the peer was the one that called, or when it is being done already.
 */
enum err ike_endpoint_reauthenticate(struct ike_endpoint *, nsec now, struct sa_ref ike);
/**
 * This machine is at `now_at` instead of `before`: IKE SAs of MOBIKE that are at
 * `before` (family 0: all) go on from there (RFC 4555 §3.5) and tell their peers, handshakes are
 * continued from there, others stay where they are and will be found dead.
 */
void ike_endpoint_moved(struct ike_endpoint *, nsec now, const struct ip_addr *before,
                        const struct ip_addr *now_at);
enum err ike_endpoint_terminate(struct ike_endpoint *, nsec now, struct sa_ref ike);
/** Liveness check now (RFC 7296 §2.4), besides those of dpd_delay. */
enum err ike_endpoint_probe(struct ike_endpoint *, nsec now, struct sa_ref ike);

/**
 * The next IKE datagram to send, false when there is none. out->data stays valid until the next
 * call on this endpoint that is not transmit or next_event.
 */
bool ike_endpoint_transmit(struct ike_endpoint *, struct ike_dgram *out);
/** The next event; views inside stay valid until the next call of next_event. */
bool ike_endpoint_next_event(struct ike_endpoint *, struct ike_event *out);
/** What became of a timer, in order, while env.export_timers; pulled like the events. */
bool ike_endpoint_next_timer(struct ike_endpoint *, struct timer_event *out);
/** When expire wants to be called, NSEC_NEVER if never. */
nsec ike_endpoint_deadline(const struct ike_endpoint *);

/**
 * Protect one inner IP packet (RFC 4301 §5.1): the SPD chooses the child SA, ESP is made in place.
 *
 * @param[in,out] packet  the inner packet; ESP_HEADROOM bytes lie free before data, cap - len >=
 *                        ESP_TAILROOM; on success data/len are not meaningful any more
 * @param[out] out        the ESP or UDP-encapsulated datagram inside the same storage
 * @param[out] sa         the child SA used, may be NULL
 * @retval ERR_NO_POLICY, ERR_NO_SA, ERR_SEQ_WRAPPED, ERR_LIFETIME  counted; the packet is dropped
 * @retval ERR_TOO_BIG  longer than the path of *sa takes, and unchanged: to be cut
 *         (ike_endpoint_cut), or its sender to be told ike_endpoint_child_info's inner_mtu
 * @note   with child.tfc_padding packet->cap >= that + ESP_TAILROOM, else ERR_SPACE
 */
enum err ike_endpoint_protect(struct ike_endpoint *, nsec now, struct buf *packet,
                              struct ike_dgram *out, struct sa_ref *sa) MUST_USE;
/**
 * The same through a child SA of the caller's choice, for a driver that spreads packets over
 * several with the same selectors. It must be one that sends now, and its selectors must allow
 * the packet.
 * @retval ERR_STATE  it does not send (yet, any more, at all): nothing happened
 * @retval ERR_NO_POLICY, ERR_SEQ_WRAPPED, ERR_LIFETIME  counted; the packet is dropped
 * @retval ERR_TOO_BIG  as above
 */
enum err ike_endpoint_protect_by(struct ike_endpoint *, nsec now, struct sa_ref child,
                                 struct buf *packet, struct ike_dgram *out) MUST_USE;
/**
 * Open one received ESP datagram (bare or UDP-encapsulated) in place (RFC 4301 §5.2). An
 * authenticated packet from a new address moves the peer there when NAT traversal says so
 * (RFC 7296 §2.23).
 * @param[out] inner  the inner packet, inside in->data
 * @retval ERR_NO_SA, ERR_REPLAY, ERR_ICV, ERR_PADDING, ERR_NEXT_HEADER, ERR_TS  counted; dropped.
 *         With invalid_spi the first may make something to transmit
 */
enum err ike_endpoint_unprotect(struct ike_endpoint *, nsec now, const struct ike_dgram *in,
                                struct buf *inner, struct sa_ref *sa) MUST_USE;
/**
 * Begin to cut a packet that was ERR_TOO_BIG for `child`; each piece then goes through
 * ike_endpoint_protect_by (RFC 4303 §3.3.4: fragmentation before ESP).
 * @param[out] out  fragmenter_next gives the pieces; `packet` is borrowed until the last one
 * @retval ERR_TOO_BIG  it may not be cut, or child.fragment_before is off: tell its sender
 * @retval ERR_STATE    the child is gone, or its path takes the packet by now
 */
enum err ike_endpoint_cut(struct ike_endpoint *, nsec now, struct sa_ref child, struct bytes packet,
                          struct fragmenter *out) MUST_USE;
/**
 * Make a dummy packet (RFC 4303 §2.6): the peer drops it, an observer sees one packet more.
 * @param[in,out] packet  room as for an inner packet of packet->len bytes; overwritten
 * @retval ERR_STATE  the child does not send; others as ike_endpoint_protect_by
 */
enum err ike_endpoint_dummy(struct ike_endpoint *, nsec now, struct sa_ref child,
                            struct buf *packet, struct ike_dgram *out) MUST_USE;
/**
 * Every child SA takes `packets` sequence numbers for used, as if so many packets had been sent
 * and lost: what takes hours of them can then be seen in seconds.
 */
void ike_endpoint_skip_sequence(struct ike_endpoint *, uint64_t packets);
/**
 * An ICMP message arrived, from its IP header on. If it is a "too big" that quotes an ESP packet
 * of ours, the path MTU of its child SA is lowered (proto/ike/path_mtu.h); what became of it is in
 * the counters' path_news.
 */
void ike_endpoint_icmp(struct ike_endpoint *, nsec now, struct bytes packet);
/** Whether a received datagram belongs to unprotect (ESP) rather than receive (IKE, keepalive). */
bool ike_dgram_is_esp(const struct ike_dgram *);

enum { IKE_TOGETHER_MAX = 32 };

/**
 * Whether this packet would be protected without more ado: whoever has the endpoint protect up to
 * IKE_TOGETHER_MAX such packets one after the other, with no other call in between, may
 * have them protected together. Nothing is counted.
 * @param[out] child  the child SA that it would go through, by its number in the store
 */
bool ike_endpoint_sends_plainly(const struct ike_endpoint *, nsec now, const struct buf *packet,
                                uint32_t *child);

/** One of several packets, each in a buffer of its own. */
struct ike_protecting {
    struct buf packet;    /* as for ike_endpoint_protect */
    uint32_t child;       /* of ike_endpoint_sends_plainly */
    struct ike_dgram out; /* written on success */
    enum err result;      /* of ike_endpoint_protect */
};

/** As ike_endpoint_protect of one after the other, with the same bytes and counts, in less time. */
void ike_endpoint_protect_batch(struct ike_endpoint *, nsec now, struct ike_protecting *,
                                size_t count);
/** The same question of an ESP datagram: neither opening nor refusing it says or moves anything. */
bool ike_endpoint_takes_plainly(const struct ike_endpoint *, const struct ike_dgram *in);

struct ike_unprotecting {
    struct ike_dgram in;
    struct buf inner; /* written on success: the inner packet, inside in.data */
    struct sa_ref sa; /* that it came through */
    enum err result;  /* of ike_endpoint_unprotect */
};

/** As ike_endpoint_unprotect of one after the other, with the same results, in less time. */
void ike_endpoint_unprotect_batch(struct ike_endpoint *, nsec now, struct ike_unprotecting *,
                                  size_t count);

/** A view of an SA for checkers, results and tests; false if the SA is gone. */
bool ike_endpoint_ike_info(const struct ike_endpoint *, struct sa_ref, struct ike_sa_info *out);
bool ike_endpoint_child_info(const struct ike_endpoint *, struct sa_ref, struct child_sa_info *out);
/** The same without fingerprints and inner_mtu, which are 0: they are most of its cost. */
bool ike_endpoint_ike_look(const struct ike_endpoint *, struct sa_ref, struct ike_sa_info *out);
bool ike_endpoint_child_look(const struct ike_endpoint *, struct sa_ref, struct child_sa_info *out);
/** Of these a little, for those who look at all of them. */
bool ike_endpoint_ike_gist(const struct ike_endpoint *, struct sa_ref, struct ike_sa_gist *out);
bool ike_endpoint_child_gist(const struct ike_endpoint *, struct sa_ref, struct child_sa_gist *out);
/** Whether it is there and used for sending. */
bool ike_endpoint_child_sends(const struct ike_endpoint *, struct sa_ref child);
/** The replay window behind an inbound SPI, as it is now; false: there is no such SA. */
bool ike_endpoint_window(const struct ike_endpoint *, uint32_t spi_in, struct esp_window *out);
/** Walk SAs in slot order: pass SA_NONE first, then the last result; SA_NONE at the end. */
struct sa_ref ike_endpoint_next_ike(const struct ike_endpoint *, struct sa_ref after);
struct sa_ref ike_endpoint_next_child(const struct ike_endpoint *, struct sa_ref after);
/** The same for the child SAs of one IKE SA, the newest first. */
struct sa_ref ike_endpoint_next_child_of(const struct ike_endpoint *, struct sa_ref ike,
                                         struct sa_ref after);
/** The SA that has this SPI at our end, SA_NONE. */
struct sa_ref ike_endpoint_find_ike(const struct ike_endpoint *, uint64_t our_spi);
struct sa_ref ike_endpoint_find_child(const struct ike_endpoint *, uint32_t spi_in);

/** Of all endpoints of its store. */
const struct ike_counters *ike_endpoint_counters(const struct ike_endpoint *);
/** Bytes of what is in use now, as ike_store_memory of its store. */
uint64_t ike_endpoint_memory(const struct ike_endpoint *);
/**
 * A digest of all that decides what this endpoint says and does to IKE messages from `now` on:
 * records, keys, kept messages, deadlines as seen from `now`, how far its random streams are. Equal
 * digests: equal futures (but for chance, 2^-64). Not in it: counters of what was, replay windows
 * and sequence numbers of ESP. For a driver that has pulled everything, and of an endpoint with a
 * store of its own.
 */
uint64_t ike_endpoint_fingerprint(const struct ike_endpoint *, nsec now);

#endif
