#include "proto/ike/notify_map.h"

enum notify_type notify_for(enum err e)
{
    switch (e) {
    case ERR_NO_PROPOSAL:
    case ERR_UNSUPPORTED:
    case ERR_MEMORY:
    case ERR_SPACE:
    case ERR_FULL: /* RFC 7296 §3.10.1: also "for any reason" without a better one */
    case ERR_CRYPTO:
        return NOTIFY_NO_PROPOSAL_CHOSEN;
    case ERR_TS:
        return NOTIFY_TS_UNACCEPTABLE;
    case ERR_SINGLE_PAIR:
        return NOTIFY_SINGLE_PAIR_REQUIRED;
    case ERR_SIGNATURE:
        return NOTIFY_AUTHENTICATION_FAILED;
    case ERR_CRITICAL:
        return NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD;
    case ERR_NO_SA:
        return NOTIFY_CHILD_SA_NOT_FOUND;
    case ERR_STATE:
        return NOTIFY_TEMPORARY_FAILURE;
    default:
        return NOTIFY_INVALID_SYNTAX;
    }
}

enum sa_reason reason_for(uint16_t notify)
{
    switch (notify) {
    case NOTIFY_NO_PROPOSAL_CHOSEN:
        return REASON_NO_PROPOSAL;
    case NOTIFY_INVALID_KE_PAYLOAD:
        return REASON_INVALID_KE;
    case NOTIFY_AUTHENTICATION_FAILED:
        return REASON_AUTHENTICATION;
    case NOTIFY_TS_UNACCEPTABLE:
        return REASON_TS_UNACCEPTABLE;
    case NOTIFY_SINGLE_PAIR_REQUIRED:
        return REASON_SINGLE_PAIR;
    case NOTIFY_INVALID_SYNTAX:
        return REASON_INVALID_SYNTAX;
    case NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD:
        return REASON_UNSUPPORTED_CRITICAL;
    case NOTIFY_TEMPORARY_FAILURE:
        return REASON_TEMPORARY_FAILURE;
    case NOTIFY_CHILD_SA_NOT_FOUND:
        return REASON_CHILD_NOT_FOUND;
    case NOTIFY_UNACCEPTABLE_ADDRESSES: /* RFC 4555 §4.1 */
    case NOTIFY_UNEXPECTED_NAT_DETECTED:
        return REASON_ADDRESSES;
    case NOTIFY_NO_ADDITIONAL_SAS:
    case NOTIFY_TS_MAX_QUEUE: /* RFC 9611 §5.2 */
        return REASON_NO_ADDITIONAL_SAS;
    default:
        return REASON_PEER_ERROR;
    }
}

enum sa_reason reason_for_error(enum err e)
{
    if (err_class(e) == CLASS_LIMIT)
        return REASON_LIMIT;
    return reason_for((uint16_t)notify_for(e));
}
