/*
 * The way to a violation on one clock. In a search many steps share a moment; on a network each has
 * its own. The way is walked again with time between its steps (a millisecond, less where the next
 * timer is near) and on to the rest behind it, and what comes out is when each request is made and
 * each message arrives.
 */
#ifndef SIM_EXPLORE_TIMETABLE_H
#define SIM_EXPLORE_TIMETABLE_H

#include "explore/search.h"

enum timetable_sizes { TIMETABLE_MESSAGES = 256, TIMETABLE_ARRIVALS = 8 };

struct timetable_message {
    uint8_t from;
    uint32_t nth; /* of its side, the handshake's messages before it */
    nsec at[TIMETABLE_ARRIVALS];
    unsigned at_count; /* 0: it is lost */
    char name[48];     /* "m3 rekey_ike response 2" */
};

struct timetable_request {
    nsec at;
    struct trigger trigger;
};

struct timetable {
    struct timetable_request requests[TRIGGERS_MAX];
    unsigned request_count;
    struct timetable_message messages[TIMETABLE_MESSAGES]; /* by m1, m2, ... */
    unsigned message_count;
    nsec end; /* nothing happens from here on */
};

/**
 * @param[out] out   times as in the search: the handshake is at 1 s
 * @retval ERR_STATE one clock lets timers fire in another order, and then this is no way
 * @retval ERR_FULL  more messages than there is room for, or no rest behind the way
 * @retval ERR_MEMORY
 */
enum err timetable_make(const struct search_options *, const struct search_result *,
                        struct timetable *out) MUST_USE;

#endif
