/*
 * Public-key encryption, by which the sides of phase 1 prove themselves: who can read the other's
 * nonce has the key (RFC 2409 §5.2, and the revised mode of §5.3). Here are the payloads that
 * differ in messages 3 and 4 of Main Mode, 1 and 2 of Aggressive Mode; HASH comes as with a shared
 * secret.
 *
 *   §5.2   KE, [HASH(1),] <ID_b>PubKey, <N_b>PubKey
 *   §5.3   [HASH(1),] <N_b>PubKey, <KE_b>Ke, <ID_b>Ke, [<CERT_b>Ke]
 *
 * HASH(1) names the certificate whose key the initiator has taken. Messages are written in the
 * clear, then sealed as a whole, and opened before they are read.
 *
 * FOR LABS: PKCS #1 v1.5 in messages that anybody can send is what Bleichenbacher's attack needs
 * (CVE-2018-0131 was one in this mode; docs/decisions/0021). A nonce or an identity that does not
 * decrypt is one that nobody knows (crypto, decrypt), and what comes of that is counted, not the
 * padding.
 */
#ifndef PROTO_IKEV1_PUBKEY_ENCRYPTION_H
#define PROTO_IKEV1_PUBKEY_ENCRYPTION_H

#include "proto/ikev1/phase1_message.h"

/** The payloads in the place of KE, NONCE and ID, in the clear.
 * @retval ERR_SIGNATURE  nobody's certificate is at hand @retval ERR_CRYPTO */
enum err v1_pubkey_write(const struct v1_phase1 *, struct message_writer *) MUST_USE;
/**
 * Encrypt a message that is whole, to the peer's key. Nothing is done where the method does not
 * encrypt, as in those that follow.
 * @param in   the one that it answers, opened; NULL: of who calls
 * @param out  where it is; it grows
 * @retval ERR_SIGNATURE  no certificate for the peer's identity that we believe: `certificate`
 * @retval ERR_LENGTH     our identity is too long for the peer's key
 * @retval ERR_SPACE, ERR_CRYPTO
 */
enum err v1_pubkey_seal(struct v1_phase1 *, const struct message_view *in, struct buf out,
                        struct bytes *message) MUST_USE;
/**
 * Decrypt a message in place; step->in is the plain one from then on.
 * @retval ERR_LENGTH, ERR_PADDING  a ciphertext of another length; Ke, which may be another one,
 * has left no padding
 * @retval ERR_SYNTAX     what has to be encrypted stands before the nonce; a number that is not
 *                        below the modulus
 * @retval ERR_SIGNATURE  HASH(1) names another certificate than ours
 */
enum err v1_pubkey_open(struct v1_phase1_step *) MUST_USE;
/** After v1_phase1_id_read: whom we called, or somebody whose certificate we have or see.
 * @retval ERR_SIGNATURE */
enum err v1_pubkey_peer_check(const struct v1_phase1_step *) MUST_USE;

#endif
