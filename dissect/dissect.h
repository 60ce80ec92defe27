/*
 * One datagram to a tree: IKE messages of both versions, ESP packets, NAT keepalives; opened with
 * the keys at hand. The only state is what joining and opening need: fragments of IKE messages that
 * wait for the others (fragments.h), the ciphers and IVs of IKEv1 SAs that there is a key for
 * (v1_session.h), and the tops of ESP's sequence numbers.
 * Nothing in a datagram is fatal: the tree goes up to the bad place and has an error node there.
 */
#ifndef DISSECT_DISSECT_H
#define DISSECT_DISSECT_H

#include "base/time.h"
#include "dissect/keys.h"
#include "dissect/tree.h"
#include "proto/wire/header.h"

enum dissect_kind { DISSECT_IKE, DISSECT_ESP, DISSECT_KEEPALIVE };

enum dissect_limits {
    TEXTS_MAX = 3,           /* a fragment's own text and the joined one, or that and its inside */
    HELD_MESSAGES_MAX = 64,  /* waiting for fragments at once; the oldest gives way */
    SKF_FRAGMENTS_MAX = 256, /* of one message of IKEv2 */
};

/** One datagram: what it is and where it comes from. */
struct dissect_input {
    enum dissect_kind kind;
    bool marked;                 /* IKE: the four zero bytes of RFC 3948 §2.2 come first */
    bool cut;                    /* the capture has not all of it */
    uint32_t frame;              /* from 1 */
    uint32_t interface;          /* fragments seen at different ones are joined apart */
    const char *interface_name;  /* NULL: none */
    bool timed;                  /* `at` is known */
    nsec at;                     /* since 1970, or since the start of the run */
    bool addressed;              /* src and dst are known */
    struct ip_endpoint src, dst; /* port 0: none */
    unsigned fragments;          /* IP fragments it was joined from; 0: it came whole */
    struct bytes datagram;
};

/** A stretch of ciphertext that a decrypted text, or a part of one, came from. */
struct text_source {
    uint32_t frame;
    size_t offset, length; /* in that frame's datagram */
};

struct decrypted {
    struct bytes bytes;
    struct text_source *sources;
    unsigned source_count;
};

/** Lives in the arena it was made in. */
struct dissection {
    struct dissect_input input; /* datagram: a copy */
    struct node *root;
    struct decrypted texts[TEXTS_MAX];
    unsigned text_count;
    bool has_header; /* IKE: all 28 bytes are there */
    struct ike_header header;
    uint32_t esp_spi;
    const char *summary; /* "HDR, SAi1, KEi, Ni"; ESP: "ESP ..." */
    unsigned errors;     /* error nodes */
    bool locked;         /* something stayed encrypted for want of a key */
    bool bad_icv;        /* no key at hand fits */
};

struct dissector;

/** @param keys  borrowed; may be empty. NULL when out of memory. */
struct dissector *dissector_create(struct dissect_keys *keys);
void dissector_destroy(struct dissector *);

/** @retval ERR_MEMORY  *out is not whole */
enum err dissect(struct dissector *, struct arena *, const struct dissect_input *,
                 struct dissection *out) MUST_USE;

#endif
