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
    X(KEEP_LOSER, "keep-loser", "what lost a simultaneous rekey is never deleted")

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
