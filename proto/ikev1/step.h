/*
 * One running step of an IKEv1 exchange: what a row's handler is given and what it leaves behind.
 * Handlers never send: who runs them queues what they wrote.
 */
#ifndef PROTO_IKEV1_STEP_H
#define PROTO_IKEV1_STEP_H

#include "proto/ikev1/store.h"

struct step {
    struct ike_endpoint *ep;
    struct ike_sa *sa;
    nsec now;
    const struct exchange_row *row;
    struct child_sa *child; /* Quick Mode, START: the child whose place a new one takes, NULL */
    const struct ike_dgram *dgram; /* ASKED, ANSWERED: as received */
    struct bytes message;          /* without marker, inside dgram->data: decrypted in place */
    struct ike_header header;      /* of it */
    uint64_t digest;               /* of it as it came, never 0 */
    struct buf out;                /* room for a message */
    struct bytes answer;           /* what was made there; empty: nothing is to be said */
    bool judged;                   /* HASH is right: the peer has written it */
    bool over;                     /* the peer has deleted the SA: close it after this step */
};

extern const struct exchange_table v1_rows;

extern const struct exchange_row v1_main_rows[];
extern const size_t v1_main_row_count;
extern const struct exchange_row v1_aggressive_rows[];
extern const size_t v1_aggressive_row_count;
extern const struct exchange_row v1_quick_rows[];
extern const size_t v1_quick_row_count;
extern const struct exchange_row v1_info_rows[];
extern const size_t v1_info_row_count;
extern const struct exchange_row v1_transaction_rows[];
extern const size_t v1_transaction_row_count;

/** Run the row for this kind and role, and move the IKE SA by it.
 * @retval ERR_STATE  there is none, or it is refused; else what the handler returned */
enum err v1_step_run(struct step *, enum exchange_kind, enum exchange_role) MUST_USE;

static inline struct v1_arrival v1_step_arrival(const struct step *s)
{
    return (struct v1_arrival){s->message, s->dgram->local, s->dgram->remote};
}

#endif
