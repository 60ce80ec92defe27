/* What the files that make one dissection share; private to dissect. */
#ifndef DISSECT_INTERNAL_H
#define DISSECT_INTERNAL_H

#include "dissect/dissect.h"
#include "dissect/payload.h"

struct fragment_store;
struct v1_sessions;

struct dissector {
    struct dissect_keys *keys;
    struct crypto *crypto;
    struct meter meter;
    struct fragment_store *fragments;
    struct v1_sessions *sessions;
};

/** One dissection in the making. */
struct making {
    struct dissector *d;
    struct dissection *out;
    struct tree tree;
};

/** The IKE message behind the marker. */
void ike_tree(struct making *, struct bytes message);
/** The header of a message (RFC 7296 §3.1, RFC 2408 §3.1). */
void header_tree(struct tree *, struct bytes message, const struct ike_header *);
/** What is behind the header of an IKEv1 message. */
void ikev1_tree(struct making *, struct bytes message, const struct payload_context *);
/** What is inside the SK or SKF payload that ends `view`; its payload node is the open one. */
void encrypted_tree(struct making *, const struct message_view *view,
                    const struct payload_context *);
/** A chain of payloads behind each other, with what is wrong with it. */
void chain_tree(struct making *, const struct message_view *, const struct payload_context *,
                enum err, struct bytes chain);
void esp_tree(struct making *, struct bytes packet);
/** The inner packet of ESP; its summary becomes the value of the open node. */
void inner_tree(struct tree *, struct bytes text, uint8_t next_header);
/** A line in the notation of RFC 7296 §1.2. */
const char *ike_summary(struct arena *, const struct dissection *);

/** Note a decrypted or joined text and look at it: the tree's places are in it until text_leave. */
void text_enter(struct making *, const char *name, struct decrypted text);
void text_leave(struct making *);

/** The range of a view in the datagram. */
struct text_source source_of(const struct making *, const uint8_t *at, size_t len);
/** A text whose ciphertext is in what is being looked at; no sources: out of memory. */
struct decrypted decrypted_from(struct making *, struct bytes text, struct bytes cipher);

#endif
