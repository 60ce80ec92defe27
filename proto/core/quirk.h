/*
 * Faults that real daemons had, each behind a switch: searches must find them, lessons show them.
 * A correct endpoint has none.
 */
#ifndef PROTO_CORE_QUIRK_H
#define PROTO_CORE_QUIRK_H

/* X(symbol, name, what it does) */
#define IKE_QUIRK_LIST(X)                                                                          \
    X(HIGHEST_NONCE, "highest-nonce",                                                              \
      "the highest nonce loses a simultaneous rekey, not the lowest")                              \
    X(KEEP_LOSER, "keep-loser", "what lost a simultaneous rekey is never deleted")                 \
    X(EAGER_DELETE, "eager-delete",                                                                \
      "who answers a child rekey deletes the old SA itself, right behind the response")            \
    X(STRONGSWAN_1458, "strongswan-1458",                                                          \
      "a delete of the old child SA that overtakes the response to its rekey takes the new one "   \
      "with it")                                                                                   \
    X(STRONGSWAN_1896, "strongswan-1896",                                                          \
      "TEMPORARY_FAILURE for its own child rekey makes it forget the peer's, which never sends")   \
    X(STRONGSWAN_2477, "strongswan-2477",                                                          \
      "any other refusal of its own child rekey makes it forget the peer's, which never sends")    \
    X(STRONGSWAN_2778, "strongswan-2778",                                                          \
      "SPIs of child SAs are drawn from few and used though another child SA has them")            \
    X(LIBRESWAN_514, "libreswan-514",                                                              \
      "an IKE SA that ends while its rekey is unanswered is replaced by the endpoint and, as it "  \
      "went down, by its driver too")                                                              \
    X(LIBRESWAN_1044, "libreswan-1044",                                                            \
      "a child rekey asked for while one is in flight is queued: the successor is rekeyed at "     \
      "once")                                                                                      \
    X(LIBRESWAN_2184, "libreswan-2184",                                                            \
      "its own child rekey is dropped without a word when the peer's crosses it, though the peer " \
      "has installed it")                                                                          \
    X(LIBRESWAN_1728, "libreswan-1728",                                                            \
      "a peer is followed to a new address or port by IKE only: ESP from there is taken, and "     \
      "answered where the peer was")                                                               \
    X(NO_MARKER, "no-marker", "IKE leaves port 4500 without the non-ESP marker and passes for ESP")

enum ike_quirk_bit {
#define X(symbol, name, about) QUIRK_BIT_##symbol,
    IKE_QUIRK_LIST(X)
#undef X
        QUIRK_COUNT
};

/* A set of these is ike_config.quirks. */
enum ike_quirk {
#define X(symbol, name, about) QUIRK_##symbol = 1 << QUIRK_BIT_##symbol,
    IKE_QUIRK_LIST(X)
#undef X
};

struct ike_quirk_row {
    const char *name, *about;
    enum ike_quirk quirk;
};

/** NULL behind the last. */
const struct ike_quirk_row *ike_quirk_at(unsigned index);
/** NULL: there is none of that name. */
const struct ike_quirk_row *ike_quirk_named(const char *name);

#endif
