/*
 * One running step of an IKEv2 exchange: what a handler is given and what it may leave behind.
 * Handlers read `in`, write payloads to `out`, and change the SA only after the whole message has
 * been checked. They never send: the caller seals `out`, keeps it and queues it.
 */
#ifndef PROTO_IKE_STEP_H
#define PROTO_IKE_STEP_H

#include "proto/core/internal.h"
#include "proto/wire/notify.h"
#include "proto/wire/payload.h"

struct step {
    struct ike_endpoint *ep;
    struct ike_sa *sa;
    nsec now;
    const struct exchange_row *row;
    struct child_sa *child;        /* START, ANSWERED, GIVEN_UP: the child it is about, or NULL */
    const struct ike_dgram *dgram; /* ASKED, ANSWERED: as received */
    const struct message_view *outer; /* the message as it was on the wire */
    const struct message_view *in;    /* its payloads: those inside SK, or of the message itself */
    struct message_writer *out;       /* START: the request; ASKED: the response */
    /* ASKED and failing: the Notify if not that of notify_map, with its data and SPI. */
    uint16_t notify;
    uint8_t notify_data[2];
    uint8_t notify_len;
    uint32_t notify_spi; /* of ESP; 0: none */
    bool keep;           /* ANSWERED: the request stays in flight (an unauthenticated refusal) */
    bool again;          /* ANSWERED: send the request anew, changed (COOKIE, INVALID_KE_PAYLOAD) */
    bool decided;        /* the message was held, and the driver has answered */
    bool denied;         /* with no */
    bool end;            /* the SA is over: give it back after this step */
};

#define P(type) PAYLOAD_BIT(PAYLOAD_##type)
/* Payloads that may stand in any message: RFC 7296 §3.10, §3.12. */
#define P_ANY (P(NOTIFY) | P(VENDOR))

extern const struct exchange_table ike_rows;

extern const struct exchange_row ike_sa_init_rows[];
extern const size_t ike_sa_init_row_count;
extern const struct exchange_row ike_auth_rows[];
extern const size_t ike_auth_row_count;
extern const struct exchange_row create_child_sa_rows[];
extern const size_t create_child_sa_row_count;
extern const struct exchange_row rekey_ike_sa_rows[];
extern const size_t rekey_ike_sa_row_count;
extern const struct exchange_row informational_rows[];
extern const size_t informational_row_count;
extern const struct exchange_row mobike_rows[];
extern const size_t mobike_row_count;

/** The body of the first payload of a type; empty when absent. */
static inline struct bytes step_body(const struct step *s, enum payload_type type)
{
    const struct payload_view *p = message_find(s->in, (uint8_t)type);

    return p ? p->body : BYTES_NONE;
}

/** Answer with this Notify instead of the error's own. @return ERR_STATE, for the handler to return
 */
static inline enum err step_refuse(struct step *s, enum notify_type notify)
{
    s->notify = (uint16_t)notify;
    return ERR_STATE;
}

#endif
