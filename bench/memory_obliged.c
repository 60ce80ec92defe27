#include "bench/memory.h"

/* Sizes on the wire of what goes into messages. */
enum {
    HEADER = 28,    /* RFC 7296 §3.1 */
    GENERIC = 4,    /* §3.2 */
    PROPOSAL = 8,   /* §3.3.1, without SPI */
    TRANSFORM = 8,  /* §3.3.2 */
    KEY_LENGTH = 4, /* §3.3.5 */
    NONCE = 16,     /* §2.10: half the key of the prf is enough, and 16 the least */
    PUBLIC = 32,    /* RFC 8031 §2 */
    AUTH_DATA = 32, /* §2.15: a prf */
    SELECTOR = 16,  /* §3.13.1, IPv4 */
    IDENTITY = 4,   /* §3.5: ID_IPV4_ADDR, the shortest that names anybody */
    IV = 8,
    ICV = 16,       /* RFC 5282 §3.1, RFC 4106 §6 */
    PAD_LENGTH = 1, /* §3.14 */

    SA_IKE = GENERIC + PROPOSAL + 3 * TRANSFORM + KEY_LENGTH,           /* ENCR, PRF, KE */
    SA_ESP = GENERIC + PROPOSAL + 4 + 2 * TRANSFORM + KEY_LENGTH,       /* SPI, ENCR, ESN */
    SA_INIT = HEADER + SA_IKE + GENERIC + 4 + PUBLIC + GENERIC + NONCE, /* SA, KE, N */
    SK = GENERIC + IV + PAD_LENGTH + ICV,
    /* HDR, SK {IDr, AUTH, SAr2, TSi, TSr} */
    AUTH_RESPONSE = HEADER + SK + GENERIC + 4 + IDENTITY + GENERIC + 4 + AUTH_DATA + SA_ESP +
                    2 * (GENERIC + 4 + SELECTOR),
    EMPTY_RESPONSE = HEADER + SK, /* HDR, SK {}: §2.4 */
};

/* What an IKE SA has whatever its state. */
enum {
    IKE_SPIS = 2 * 8,           /* §2.6 */
    MESSAGE_IDS = 2 * 4,        /* §2.2: of our next request, of the peer's */
    ADDRESSES = 2 * (4 + 2),    /* §2.11: answers go back to the address and port asked from */
    SHARED_SECRET = 32,         /* §2.14: or the private key until it is computed */
    PRF_KEY = 32,               /* §2.13: the length of SK_d, SK_pi, SK_pr */
    GCM_KEY = 32 + 4,           /* RFC 5282 §7.1, RFC 4106 §8.1: key and salt */
    IKE_ALGORITHMS = 3 * 2 + 2, /* ENCR with its key length, PRF, KE: §2.8 rekeys with them */
    IKE_IV = 8,                 /* RFC 5282 §3.1: never the same twice under a key */

    /* §2.15: AUTH signs and verifies both first messages octet by octet; the second is also what a
     * repeated request is answered with (§2.1). SPIs, nonces and algorithms are in them. */
    HALF_OPEN = 2 * SA_INIT + SHARED_SECRET + MESSAGE_IDS + ADDRESSES,

    /* SK_ai and SK_ar do not exist with GCM (RFC 5282 §7.1); SK_pi and SK_pr have served. SK_d is
     * for the keys of more child SAs (RFC 7296 §2.17). */
    IKE_SA = IKE_SPIS + MESSAGE_IDS + ADDRESSES + PRF_KEY + 2 * GCM_KEY + IKE_ALGORITHMS + IKE_IV +
             IDENTITY, /* of the peer: RFC 4301 §4.4.3, INITIAL_CONTACT (RFC 7296 §2.4) */
};

/* RFC 4301 §4.4.2.1, the data items of a SAD entry, both directions in one. */
enum {
    CHILD_SPIS = 2 * 4,
    SEQUENCE_OUT = 4, /* RFC 4303 §3.3.3 */
    SEQUENCE_IN = 4,  /* RFC 4303 §3.4.3: the right edge of the window */
    WINDOW = 128 / 8,
    CHILD_ALGORITHMS = 2 + 2,       /* ENCR with its key length */
    SELECTORS = 2 * (SELECTOR - 3), /* ranges, ports, protocol; not type and length */
    LIFETIME = 8,                   /* as a time or as a count of bytes; one of them at least */

    CHILD_SA = CHILD_SPIS + SEQUENCE_OUT + SEQUENCE_IN + WINDOW + 2 * GCM_KEY + CHILD_ALGORITHMS +
               SELECTORS + LIFETIME,
    END = IKE_SA + CHILD_SA,
};

/* §2.1: a responder keeps its last response, to repeat it; an initiator has nothing in flight. */
double memory_obliged(enum memory_state state)
{
    switch (state) {
    case MEMORY_HALF_OPEN:
        return HALF_OPEN;
    case MEMORY_ESTABLISHED:
        return 2 * END + AUTH_RESPONSE;
    case MEMORY_IDLE:
    case MEMORY_THROUGH_NAT:
        return 2 * END + EMPTY_RESPONSE;
    case MEMORY_SIMULATED:
    case MEMORY_BEHIND_NAT:
        return 2 * END + AUTH_RESPONSE;
    case MEMORY_STATES:
        break;
    }
    return 0;
}
